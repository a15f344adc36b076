//! Files as they lie on disks: broken, compressed, old, of others.

use super::*;
use crate::agents::SkipReason;

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn skips(read: &Read) -> Vec<(u64, SkipReason)> {
    read.parsed.report.skipped.iter().map(|skip| (skip.line, skip.reason)).collect()
}

#[test]
fn one_bad_line_costs_itself_alone() {
    let mut log = Log::new();
    log.raw("{\"timestamp\":\"2026")
        .raw("[1,2]")
        .raw("")
        .raw("{\"type\":\"event_msg\",\"payload\":7}")
        .raw("\u{0}\u{1}\u{2}garbage");
    log.asks("go").raw("{\"timestamp\":\"yesterday\",\"type\":\"event_msg\",\"payload\":{\"type\":\"agent_message\",\"message\":\"ok\"}}");
    let read = log.read();
    assert_eq!(read.outline(), ["user: go", "agent: ok"]);
    assert_eq!(
        skips(&read),
        [
            (2, SkipReason::NotJson),
            (3, SkipReason::NotAnObject),
            (5, SkipReason::BadRecord),
            (6, SkipReason::NotJson),
            (9, SkipReason::BadTimestamp)
        ]
    );
    assert_eq!(read.events[1].timestamp, read.events[0].timestamp);
    assert_eq!(read.parsed.report.lines, 9);
}

#[test]
fn half_a_surrogate_pair_costs_its_character_and_not_its_line() {
    let mut log = Log::new();
    let patch = r"*** Begin Patch\n*** Add File: f\n+half \ud83d, whole \ud83d\ude00\n*** End Patch";
    log.line(
        "response_item",
        format!(r#"{{"type":"custom_tool_call","name":"apply_patch","input":"{patch}","call_id":"call_1"}}"#),
    );
    log.answers("call_1", "Success. Updated the following files:\nA f\n");
    for kind in ["user_message", "agent_message"] {
        log.line("event_msg", format!(r#"{{"type":"{kind}","message":"cut \ude00 \ud83d\ude00 \ud83d"}}"#));
    }
    let read = log.read();
    assert_eq!(skips(&read), []);
    assert_eq!(read.outline()[3..], ["user: cut \u{fffd} 😀 \u{fffd}", "agent: cut \u{fffd} 😀 \u{fffd}"]);
    let made = read.outline().into_iter().find(|line| line.starts_with("creates"));
    assert!(made.as_ref().is_some_and(|line| line.contains("half \u{fffd}, whole 😀")), "{made:?}");
}

#[test]
fn records_glued_on_one_line_are_all_read_and_have_ids_of_their_own() {
    let mut log = Log::new();
    log.asks("go").says("one").says("two");
    let glued = log.text.replace("}\n{", "}{");
    let read = read(glued.as_bytes());
    assert_eq!(read.outline(), ["user: go", "agent: one", "agent: two"]);
    let ids: std::collections::BTreeSet<_> = read.events.iter().map(|event| &event.event_id).collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn a_torn_last_line_waits_and_a_whole_one_is_provisional() {
    let mut log = Log::new();
    log.asks("go").event(json!({"type": "agent_message", "message": "half"}));
    let torn = read(&log.text.as_bytes()[..log.text.len() - 9]);
    assert_eq!((torn.outline(), torn.settled), (vec!["user: go".to_owned()], 1));
    assert_eq!(skips(&torn), [(4, SkipReason::Torn)]);
    let unended = read(&log.text.as_bytes()[..log.text.len() - 1]);
    assert_eq!((unended.outline().len(), unended.settled), (2, 1));
}

#[test]
fn times_may_step_back() {
    let mut log = Log::new();
    log.asks("go");
    log.millis = -60_000;
    log.says("earlier");
    let read = log.read();
    assert_eq!(read.stats().duration_seconds, 62);
    assert_eq!(read.parsed.header.context.created_at, read.events[1].timestamp);
    assert_eq!(read.parsed.header.context.updated_at, read.events[0].timestamp);
}

#[test]
fn what_is_no_log_of_codex_is_said_to_be_none() {
    let claude =
        "{\"type\":\"user\",\"uuid\":\"u\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"user\"}}\n";
    let typescript = "{\n  \"session\": {\"id\": \"x\"},\n  \"items\": []\n}\n";
    for bytes in [&b""[..], b"\n\n", b"[1,2,3]\n", b"\xff\xfe\x00binary\n", claude.as_bytes(), typescript.as_bytes()] {
        let error = read_file(file(bytes).path(), None).unwrap_err();
        assert!(matches!(error, ParseError::NotThisAgent { agent: "codex", .. }), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(read_file(folder.path(), None), Err(ParseError::NotAFile { .. })));
    assert!(matches!(read_file(&folder.path().join("gone"), None), Err(ParseError::Read { .. })));
}

#[test]
fn bombs_and_odd_names_are_only_data() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let mut log = Log::default();
    log.line("session_meta", json!({"id": "../x\u{0}/é", "timestamp": "?", "cwd": 7, "source": [1], "git": "none"}));
    log.raw(&format!(
        "{{\"timestamp\":\"{}\",\"type\":\"session_meta\",\"payload\":{{\"id\":\"../x\\u0000/é\",\"source\":{deep}}}}}",
        stamp(1)
    ));
    log.item(json!({"type": "function_call", "name": 7, "arguments": deep, "call_id": null}));
    log.raw(&format!("{{\"timestamp\":\"{}\",\"type\":\"event_msg\",\"payload\":{{\"type\":\"patch_apply_end\",\"changes\":{deep},\"success\":true}}}}", stamp(2)));
    log.raw(&format!("{{\"timestamp\":\"{}\",\"type\":\"response_item\",\"payload\":{{\"type\":\"function_call_output\",\"call_id\":\"x\",\"output\":{deep}}}}}", stamp(3)));
    log.item(json!({"type": "message", "role": "user", "content": "plain"}))
        .item(json!({"type": "message", "role": 1, "content": 2}));
    log.item(json!({"type": "reasoning", "summary": "s", "content": {"a": 1}}))
        .event(json!({"type": "token_count", "info": [1]}));
    log.event(json!({"type": "token_count", "info": {"last_token_usage": {"input_tokens": -1}}}));
    log.event(json!({"type": "user_message", "message": null, "images": {"a": 1}, "local_images": [null, 1, ""]}));
    let read = log.read();
    assert_eq!(read.parsed.header.session_id, "../x\u{0}/é");
    assert!(read.events.iter().any(|event| event.kind == EventKind::ToolCall { name: "unknown".into() }));
    assert!(read.outline().contains(&"user: plain".to_owned()));
    for event in &read.events {
        let line = serde_json::to_string(event).unwrap();
        serde_json::from_str::<Event>(&line).expect("what is written can be read");
    }
}

#[test]
fn lines_without_envelopes_of_the_first_versions_are_read() {
    let mut log = Log::default();
    log.raw(&json!({"id": ID, "timestamp": stamp(0), "instructions": null, "git": {"branch": "old"}}).to_string());
    log.raw("{\"record_type\":\"state\"}");
    let message = |role: &str, text: &str| {
        json!({"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}).to_string()
    };
    log.raw(&message(
        "user",
        "<environment_context>\nCurrent working directory: /r\nSandbox mode: none\n</environment_context>",
    ));
    log.raw(&message("user", "fix it"));
    log.raw(&json!({"type": "function_call", "id": "fc", "name": "shell", "call_id": "c", "arguments": "{\"command\":[\"apply_patch\",\"*** Begin Patch\\n*** Delete File: a\\n*** End Patch\"]}"}).to_string());
    log.raw(&json!({"type": "function_call_output", "call_id": "c", "output": "{\"output\":\"Success. Updated the following files:\\nD a\\n\",\"metadata\":{\"exit_code\":0,\"duration_seconds\":0.0}}"}).to_string());
    log.raw(&message("assistant", "Done."));
    let read = log.read();
    assert_eq!(read.outline()[1], "user: fix it");
    assert_eq!(read.outline()[4..], ["deletes /r/a", "agent: Done."]);
    assert_eq!((read.parsed.header.session_id.as_str(), read.parsed.report.skipped_count), (ID, 0));
    assert!(read.events.iter().all(|event| event.timestamp.to_string() == stamp(0)));
    assert_eq!(read.parsed.header.context.attributes["cwd"], "/r");
}

#[test]
fn a_compressed_log_is_read_like_a_plain_one() {
    let mut log = Log::new();
    let output: String = (0..60_000_u64).map(|n| (n * n * 2_654_435_761 % 99_991).to_string()).collect();
    log.asks("go")
        .runs("ls", &output, 0)
        .runs("ls", &output.replace('7', "a"), 0)
        .says("done")
        .counts([9, 0, 1], [9, 0, 1]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollout-x.jsonl.zst");
    let compressed = zstd::encode_all(log.text.as_bytes(), 3).unwrap();
    std::fs::write(&path, &compressed).unwrap();
    let (plain, read) = (log.read(), read_file(&path, None).unwrap());
    assert_eq!((&read.events, &read.parsed.header), (&plain.events, &plain.parsed.header));
    assert_eq!(read.parsed.checkpoint.offset, 0);
    let again = read_file(&path, Some(&read.parsed.checkpoint)).unwrap();
    assert_eq!((again.events.len(), &again.parsed), (0, &read.parsed));
    assert_eq!(Codex.origin(&path).unwrap().unwrap().session_id, ID);

    std::fs::write(&path, &compressed[..compressed.len() / 2]).unwrap();
    let cut = read_file(&path, None).unwrap();
    assert_eq!(cut.events[..], plain.events[..cut.events.len()]);
    assert!(cut.events.len() > 1);
}

#[test]
fn a_compressed_bomb_ends_in_time_and_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollout-bomb.jsonl.zst");
    let mut encoder = zstd::Encoder::new(std::fs::File::create(&path).unwrap(), 3).unwrap();
    encoder.write_all(Log::new().asks("go").text.as_bytes()).unwrap();
    let mut line = vec![b'x'; 1 << 20];
    line.push(b'\n');
    for _ in 0..100 {
        encoder.write_all(&line).unwrap();
    }
    encoder.write_all(Log::new().asks("never read").text.as_bytes()).unwrap();
    encoder.finish().unwrap();
    assert_eq!(read_file(&path, None).unwrap().outline(), ["user: go"]);
}

#[test]
fn a_log_is_recognised_by_its_head() {
    let plain = Path::new("/x/rollout-a.jsonl");
    let mut log = Log::new();
    log.asks("go");
    let head = log.text.as_bytes();
    assert!(Codex.recognises(plain, head));
    assert!(Codex.recognises(plain, &head[..100]), "also by a part of its first line");
    assert!(Codex.recognises(plain, b"{\"id\":\"x\",\"timestamp\":\"2025-05-01T00:00:00Z\",\"instructions\":null}\n"));
    assert!(!Codex.recognises(plain, b"{\"type\":\"user\",\"uuid\":\"x\",\"timestamp\":\"2026-01-01T00:00:00Z\"}\n"));
    assert!(!Codex.recognises(plain, b"{\"session\":{},\"items\":[]}"));
    assert!(!Codex.recognises(plain, b""));
    assert!(Codex.recognises(Path::new("a.jsonl.zst"), &[0x28, 0xB5, 0x2F, 0xFD, 0]));
    assert!(!Codex.recognises(Path::new("a.jsonl.zst"), head));
}

#[test]
fn the_origin_is_in_the_first_records() {
    let origin = |text: &str| Codex.origin(file(text.as_bytes()).path()).unwrap();
    let read = origin(&Log::new().text).unwrap();
    assert_eq!((read.session_id.as_str(), read.cwd.as_deref()), (ID, Some(Path::new("/r"))));
    assert_eq!(read.started.unwrap().to_string(), stamp(0));
    let mut log = Log::default();
    log.line("session_meta", json!({"id": ID})).asks("go").line("turn_context", json!({"cwd": "/t"}));
    assert_eq!(origin(&log.text).unwrap().cwd.as_deref(), Some(Path::new("/t")));
    assert_eq!(origin("{}\nx\n"), None);
    assert_eq!(origin(""), None);
}

#[test]
fn a_log_that_does_not_say_its_id_is_the_same_session_to_its_origin_as_to_its_header() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollout-2026-01-01T00-00-00-0199aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee.jsonl");
    for payload in [json!({"cwd": "/r"}), json!({"id": "", "cwd": "/r"}), json!({"session_id": ID, "cwd": "/r"})] {
        let mut log = Log::default();
        log.line("session_meta", payload).asks("go");
        std::fs::write(&path, &log.text).unwrap();
        let origin = Codex.origin(&path).unwrap().unwrap();
        assert_eq!(origin.session_id, read_file(&path, None).unwrap().parsed.header.session_id);
        assert_eq!(origin.cwd.as_deref(), Some(Path::new("/r")));
    }
}

#[test]
fn a_sink_that_has_enough_stops_the_parser() {
    let mut log = Log::new();
    log.asks("one").says("two").says("three");
    let file = file(log.text.as_bytes());
    let mut kept = Kept { at_most: Some(1), ..Kept::default() };
    assert!(matches!(Codex.parse(file.path(), None, &mut kept), Err(ParseError::Stopped)));
    assert_eq!(kept.events.len(), 1);
}

#[test]
fn a_log_that_becomes_no_event_can_be_stopped_too() {
    let mut log = Log::new();
    let noise = json!({"type": "rate_limits", "x": "x".repeat(1 << 20)});
    for _ in 0..10 {
        log.event(noise.clone());
    }
    log.event(json!({"type": "rate_limits", "x": "x".repeat(20 << 20)})).says("the end");
    let file = file(log.text.as_bytes());
    let mut kept = Kept::default();
    Codex.parse(file.path(), None, &mut kept).unwrap();
    assert_eq!((kept.asked, kept.events.len()), (3, 1));
    for patience in 0..3 {
        let mut kept = Kept { patience: Some(patience), ..Kept::default() };
        assert!(matches!(Codex.parse(file.path(), None, &mut kept), Err(ParseError::Stopped)));
        assert_eq!(kept.asked, patience + 1);
    }
}

#[test]
fn a_record_that_was_appended_to_a_torn_one_is_read() {
    let mut log = Log::new();
    log.asks("one").event(json!({"type": "agent_message", "message": "never finished"}));
    log.text.truncate(log.text.len() - 20);
    log.event(json!({"type": "user_message", "message": "two"})).says("done");
    let read = log.read();
    assert_eq!(read.outline(), ["user: one", "user: two", "agent: done"]);
    assert_eq!(skips(&read), [(4, SkipReason::NotJson)]);
}
