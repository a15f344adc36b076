//! Logs that are hard to read: broken, huge, without end.

use super::*;
use crate::agents::Report;
use crate::agents::capped::MOST_ITEMS;
use crate::agents::long::LONG;
use crate::session::EventKind;

#[test]
fn what_is_no_log_of_this_agent_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.jsonl");
    for bytes in ["", "\n", "[1,2,3]\n", "\0\0\0", "{\"type\":\"session_meta\",\"payload\":{}}\n", "{}"] {
        fs::write(&path, bytes).unwrap();
        assert!(matches!(read(&path, None), Err(ParseError::NotThisAgent { .. })), "{bytes:?}");
    }
}

#[test]
fn a_log_that_becomes_no_event_can_be_stopped_too() {
    let noise =
        |kind: &str, length| format!("{{\"type\":\"{kind}\",\"uuid\":\"u\",\"x\":\"{}\"}}\n", "x".repeat(length));
    let folder = tempfile::tempdir().unwrap();
    let (path, agent) = (folder.path().join("s.jsonl"), folder.path().join("s/subagents/agent-a1.jsonl"));
    let stops = || {
        let mut kept = Kept { is_impatient: true, ..Kept::default() };
        matches!(ClaudeCode.parse(&path, None, &mut kept), Err(ParseError::Stopped))
    };
    fs::write(&path, noise("file-history-snapshot", 10)).unwrap();
    assert!(!stops(), "it is not asked");
    fs::create_dir_all(agent.parent().unwrap()).unwrap();
    fs::write(&agent, noise("progress", 5 << 20)).unwrap();
    assert!(stops());
    fs::remove_file(&agent).unwrap();
    fs::write(&path, noise("file-history-snapshot", 1 << 20).repeat(5)).unwrap();
    assert!(stops());
}

#[test]
fn bombs_cost_only_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.jsonl");
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    let call = |id: &str, input: &str| {
        format!(
            r#"{{"type":"assistant","uuid":"{id}","message":{{"id":"m","content":[{{"type":"tool_use","id":"{id}","name":"X","input":{{"a":{input}}}}}]}},"timestamp":"2026-03-02T09:00:00Z"}}"#
        )
    };
    let lines = [
        call("u1", &deep(50)),
        call("u2", &deep(2_000)),
        call("u3", &deep(200_000)),
        "[".repeat(200_000),
        format!("{{\"type\":\"user\",\"message\":{}", "{\"a\":".repeat(200_000)),
        call("u4", "1e400"),
        call("u5", "\"\u{0}\""),
        call("u6", "\"\\ud800\""),
    ];
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    let (kept, parsed) = read(&path, None).unwrap();
    let ids: Vec<_> = kept.events.iter().map(|event| event.event_id.as_str()).collect();
    assert_eq!(ids, ["u1", "u2", "u3", "u4", "u6"]);
    assert_eq!(parsed.report.skipped_count, 3);
    for event in &kept.events {
        let line = serde_json::to_string(event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), *event, "it can be read again");
    }
}

#[test]
fn of_a_list_without_end_the_beginning_is_kept_and_the_rest_counted() {
    let many = |more: usize| vec![serde_json::json!({"type": "text", "text": "x"}); MOST_ITEMS + more];
    let line = |kind: &str, content: serde_json::Value| {
        let message = serde_json::json!({"role": kind, "content": content});
        format!(r#"{{"type":"{kind}","timestamp":"2026-01-02T03:04:05Z","sessionId":"s","message":{message}}}"#)
    };
    let answer = serde_json::json!({"type": "tool_result", "tool_use_id": "t", "content": many(1)});
    let mut beside = vec![answer.clone()];
    beside.extend(many(2));
    let lines = [
        line("user", many(3).into()),
        line("assistant", many(4).into()),
        line("user", vec![answer].into()),
        line("user", beside.into()),
        line("user", "the end".into()),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.jsonl");
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    let (kept, parsed) = read(&path, None).unwrap();
    let notes: Vec<_> = kept.events.iter().filter_map(|event| event.content.texts().last()).collect();
    let note = |nth: usize| notes[nth];
    assert_eq!(kept.events[0].content.blocks.len(), MOST_ITEMS + 1);
    assert_eq!(note(0), "[left out: 3 items]");
    assert_eq!((note(MOST_ITEMS), note(MOST_ITEMS + 1)), ("x", "[left out: 4 items]"));
    assert_eq!((note(MOST_ITEMS + 2), note(MOST_ITEMS + 3)), ("[left out: 1 items]", "[left out: 1 items]"));
    assert_eq!(notes[notes.len() - 2..], ["[left out: 3 items]", "the end"]);
    assert_eq!(parsed.report.ignored[Report::LEFT_OUT], 3 + 4 + 1 + 1 + 3);
}

#[test]
fn a_line_of_glued_braces_is_read_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.jsonl");
    let typed = r#"{"type":"user","timestamp":"2026-01-02T03:04:05Z","sessionId":"s","message":{"content":"go"}}"#;
    fs::write(&path, format!("{}{typed}\n", "{}".repeat(50_000))).unwrap();
    let (kept, parsed) = read(&path, None).unwrap();
    assert_eq!((kept.events.len(), parsed.report.skipped_count), (1, 50_000));
}

#[test]
fn a_record_that_was_appended_to_a_torn_one_is_read() {
    let typed = |said: &str| {
        format!(
            r#"{{"type":"user","timestamp":"2026-01-02T03:04:05Z","sessionId":"s","message":{{"content":"{said}"}}}}"#
        )
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.jsonl");
    let torn = typed("never finished");
    fs::write(&path, format!("{}\n{}{}\n{}\n", typed("one"), &torn[..torn.len() - 9], typed("two"), typed("three")))
        .unwrap();
    let (kept, parsed) = read(&path, None).unwrap();
    let said: Vec<_> = kept.events.iter().filter_map(|event| event.content.texts().next()).collect();
    assert_eq!(said, ["one", "two", "three"]);
    assert_eq!(parsed.report.skipped_count, 1);
}

#[test]
fn a_text_that_is_its_line_is_read_as_any_other() {
    let long = "Exit code 7\n a \"quoted\" line\u{e9}\n".repeat(LONG / 8);
    let record = |kind: &str, content: serde_json::Value| {
        serde_json::json!({"type": kind, "timestamp": "2026-01-02T03:04:05Z", "sessionId": "s",
            "message": {"role": kind, "content": content}})
    };
    let block = |kind: &str, field: &str| serde_json::json!({"type": kind, field: long});
    let answer = |content: serde_json::Value| serde_json::json!([{"type": "tool_result", "tool_use_id": "t", "content": content}]);
    let mut twice = record("user", answer(long.clone().into()));
    twice["toolUseResult"] = serde_json::json!({"stdout": long});
    let mut aside = record("user", "aside".into());
    aside["toolUseResult"] = serde_json::json!({"stdout": long});
    let call = serde_json::json!([{"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls"}}]);
    let records = [
        record("user", long.clone().into()),
        record("user", serde_json::json!(["x", block("text", "text")])),
        record("assistant", long.clone().into()),
        record("assistant", serde_json::json!([block("text", "text")])),
        record("assistant", serde_json::json!([block("thinking", "thinking")])),
        record("assistant", call),
        record("user", answer(long.clone().into())),
        record("user", answer(serde_json::json!([block("text", "text")]))),
        twice,
        aside,
        serde_json::json!({"type": "summary", "summary": long}),
    ];
    let lines: Vec<_> = records.iter().map(|record| record.to_string() + "\n").collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.jsonl");
    fs::write(&path, lines.concat()).unwrap();
    let (kept, parsed) = read(&path, None).unwrap();
    let said: Vec<_> = kept.events.iter().filter_map(|event| event.content.texts().last()).collect();
    let long = long.as_str();
    assert_eq!(said, [long, long, long, long, long, long, long, long, "aside"]);
    assert_eq!(kept.events[6].attr_u64("exit_code"), 7);
    assert_eq!((parsed.report.lines, parsed.report.skipped_count), (11, 0));
    assert!(parsed.header.context.title.is_some_and(|title| title.len() < 1000));
}

#[test]
fn a_long_text_is_read_as_any_other_in_the_answer_to_a_write_and_in_a_subagents_log() {
    let long = "a \"quoted\" line\u{e9}\n".repeat(LONG / 8);
    let record = |kind: &str, content: serde_json::Value| {
        serde_json::json!({"type": kind, "timestamp": "2026-01-02T03:04:05Z", "sessionId": "s", "isSidechain": false,
            "message": {"role": kind, "content": content}})
    };
    let call = |name: &str| serde_json::json!([{"type": "tool_use", "id": name, "name": name, "input": {}}]);
    let answer =
        |name: &str| record("user", serde_json::json!([{"type": "tool_result", "tool_use_id": name, "content": "ok"}]));
    let (mut made, mut done) = (answer("Write"), answer("Task"));
    made["toolUseResult"] =
        serde_json::json!({"type": "create", "filePath": "/a", "content": long, "structuredPatch": []});
    done["toolUseResult"] = serde_json::json!({"agentId": "a1", "status": "completed"});
    let mut of_agent = record("assistant", serde_json::json!([{"type": "text", "text": long}]));
    of_agent["isSidechain"] = true.into();
    let later = serde_json::json!({"type": "assistant", "timestamp": "2026-01-02T03:04:06Z", "sessionId": "s", "isSidechain": true,
            "message": {"role": "assistant", "content": long}});

    let folder = tempfile::tempdir().unwrap();
    let (path, agent) = (folder.path().join("s.jsonl"), folder.path().join("s/subagents/agent-a1.jsonl"));
    fs::create_dir_all(agent.parent().unwrap()).unwrap();
    let write = |path: &Path, records: &[&serde_json::Value]| {
        fs::write(path, records.iter().map(|record| record.to_string() + "\n").collect::<Vec<_>>().concat()).unwrap();
    };
    write(&path, &[&record("assistant", call("Write")), &made, &record("assistant", call("Task")), &done]);
    write(&agent, &[&of_agent, &later]);
    let (kept, parsed) = read(&path, None).unwrap();
    let kinds: Vec<_> = kept.events.iter().map(|event| event.kind.clone()).collect();
    assert_eq!(kinds[2], EventKind::FileCreate { path: "/a".into() });
    assert_eq!((&kinds[5], &kinds[6]), (&EventKind::AgentMessage, &EventKind::TaskEnd { summary: Some("ok".into()) }));
    assert_eq!(kinds.last(), Some(&EventKind::AgentMessage), "what was written after the end comes last");
    for nth in [2, 5, kinds.len() - 1] {
        assert_eq!(kept.events[nth].content.texts().next(), Some(long.as_str()), "{nth}");
    }
    assert_eq!((parsed.report.skipped_count, parsed.report.lines), (0, 6));

    let thread = |is_agent| {
        let (path, stream) = (PathBuf::new(), super::super::state::Stream::default());
        super::super::reading::Thread { path, task: None, is_agent, start: None, stream }
    };
    let is_hollow = |line: &serde_json::Value, is_agent| {
        super::super::reading::hollow(line.to_string().as_bytes(), &thread(is_agent)).is_some()
    };
    assert!(is_hollow(&made, false) && is_hollow(&of_agent, true));
    assert!(!is_hollow(&of_agent, false), "its first text is asked for twice there");
    made["toolUseResult"]["type"] = "update".into();
    assert!(!is_hollow(&made, false), "nobody asks for it");
}
