//! Calls, results, edits.

use super::*;
use crate::agents::Report;
use crate::agents::capped::MOST_ITEMS;
use crate::agents::long::LONG;

const PATCH: &str =
    "*** Begin Patch\n*** Update File: src/a.rs\n@@\n-old\n+new\n+more\n*** Add File: /r/b.rs\n+b\n*** End Patch";
const LISTED: &str = "Success. Updated the following files:\nM src/a.rs\nA /r/b.rs\n";

fn edits(read: &Read) -> Vec<String> {
    let is_edit = |event: &&Event| event.kind.edited_path().is_some();
    read.events.iter().filter(is_edit).map(outline).collect()
}

fn edited() -> [&'static str; 2] {
    ["edits /r/src/a.rs: @@\n-old\n+new\n+more\n", "creates /r/b.rs: b\n"]
}

#[test]
fn a_patch_is_an_edit_when_it_succeeded() {
    let mut log = Log::new();
    let id = log.patches(PATCH);
    log.item(json!({"type": "custom_tool_call_output", "call_id": id, "output": format!("Exit code: 0\nWall time: 0 seconds\nOutput:\n{LISTED}")}));
    let read = log.read();
    assert_eq!(edits(&read), edited());
    let stats = read.stats();
    assert_eq!((stats.tool_call_count, stats.files_changed, stats.lines_added, stats.lines_removed), (1, 2, 3, 1));
    assert!(read.events.iter().all(|event| event.call_id() == Some(&id)));
}

#[test]
fn a_patch_that_failed_or_was_never_answered_is_none() {
    let mut log = Log::new();
    let id = log.patches(PATCH);
    log.answers(&id, "apply_patch verification failed: Failed to find expected lines in /r/src/a.rs");
    log.patches(PATCH);
    let read = log.read();
    assert_eq!(edits(&read), [""; 0]);
    assert_eq!((read.stats().tool_call_count, read.stats().files_changed), (2, 0));
    assert_eq!(
        read.outline()[1],
        "apply_patch failed: apply_patch verification failed: Failed to find expected lines in /r/src/a.rs"
    );
}

#[test]
fn what_was_applied_is_told_once_with_its_real_diff() {
    let applied = |id: &str, success: bool| {
        json!({"type": "patch_apply_end", "call_id": id, "success": success, "stdout": LISTED, "changes": {
            "/r/src/a.rs": {"type": "update", "unified_diff": "@@ -3,1 +3,2 @@\n-old\n+new\n+more\n", "move_path": null},
            "/r/b.rs": {"type": "add", "content": "b\n"}, "/r/c.rs": {"type": "delete", "content": "c\n"}}})
    };
    let expected =
        ["creates /r/b.rs: b\n", "deletes /r/c.rs", "edits /r/src/a.rs: @@ -3,1 +3,2 @@\n-old\n+new\n+more\n"];
    for result_first in [false, true] {
        let mut log = Log::new();
        let id = log.patches(PATCH);
        if result_first {
            log.answers(&id, LISTED).event(applied(&id, true));
            assert_eq!(edits(&log.read()), edited());
        } else {
            log.event(applied(&id, true)).answers(&id, LISTED);
            assert_eq!(edits(&log.read()), expected);
        }
    }
    let mut log = Log::new();
    let id = log.patches(PATCH);
    log.event(applied(&id, false)).answers(&id, "patch rejected by user");
    assert_eq!(edits(&log.read()), [""; 0]);
}

#[test]
fn a_patch_in_a_shells_here_document_is_an_edit_below_its_folder() {
    let mut log = Log::new();
    let script = format!("cd sub && apply_patch <<'EOF'\n{PATCH}\nEOF\n");
    let id = log.function("shell", &json!({"command": ["bash", "-lc", script], "workdir": "/r"}));
    let answer =
        json!({"output": format!("{LISTED}then tests failed"), "metadata": {"exit_code": 1, "duration_seconds": 0.1}});
    log.answers(&id, &answer.to_string());
    let id = log.function("shell", &json!({"command": ["apply_patch", PATCH]}));
    log.answers(&id, &json!({"output": LISTED, "metadata": {"exit_code": 0}}).to_string());
    let read = log.read();
    assert_eq!(
        edits(&read),
        ["edits /r/sub/src/a.rs: @@\n-old\n+new\n+more\n", "creates /r/b.rs: b\n", edited()[0], edited()[1]]
    );
    assert_eq!((read.stats().tool_call_count, read.stats().files_changed), (2, 3));
}

#[test]
fn a_command_that_only_mentions_a_patch_edits_nothing() {
    let mut log = Log::new();
    log.runs("echo '*** Begin Patch\n*** Delete File: a\n*** End Patch' > doc.md", "", 0);
    assert_eq!(edits(&log.read()), [""; 0]);
}

#[test]
fn a_moved_file_is_gone_from_where_it_was() {
    let mut log = Log::new();
    log.event(json!({"type": "patch_apply_end", "call_id": "c", "success": true, "changes": {
        "/r/a": {"type": "update", "unified_diff": "@@ -1 +1 @@\n-x\n+y\n", "move_path": "/r/b"}}}));
    assert_eq!(edits(&log.read()), ["edits /r/b: @@ -1 +1 @@\n-x\n+y\n", "deletes /r/a"]);
}

#[test]
fn what_the_screen_tells_of_a_call_is_no_second_result() {
    let mut log = Log::new();
    let id = log.function("shell_command", &json!({"command": "ls", "workdir": "/r"}));
    log.event(
        json!({"type": "exec_command_end", "call_id": id, "command": ["zsh", "-lc", "ls"], "aggregated_output": "a",
        "exit_code": 0, "duration": {"secs": 1, "nanos": 250_000_000}}),
    );
    log.answers(&id, "Exit code: 0\nWall time: 1.2 seconds\nOutput:\na");
    let id = log.function("mcp__hub__search", &json!({"q": "x"}));
    log.event(json!({"type": "mcp_tool_call_end", "call_id": id, "duration": {"secs": 0, "nanos": 5_000_000}, "result": {"Ok": {}}}));
    log.answers(&id, "found");
    let read = log.read();
    assert_eq!(
        read.outline(),
        ["$ ls", "shell_command answers: a", "calls mcp__hub__search", "mcp__hub__search answers: found"]
    );
    assert_eq!((read.events[1].duration_ms, read.events[3].duration_ms), (Some(1250), Some(5)));
    assert_eq!(read.parsed.report.ignored["event_msg/exec_command_end"], 1);
}

#[test]
fn a_web_search_is_one_call_whatever_streams_tell_it() {
    let action = json!({"type": "search", "query": "how"});
    let mut log = Log::new();
    log.event(json!({"type": "web_search_end", "call_id": "ws_1", "query": "how", "action": action}));
    log.item(json!({"type": "web_search_call", "status": "completed", "action": action}));
    log.item(json!({"type": "web_search_call", "action": {"type": "open_page", "url": "https://a/"}}));
    let read = log.read();
    let calls: Vec<_> = read.events.iter().map(|event| (event.kind.name().to_owned(), event.call_id())).collect();
    assert_eq!(calls, [("WebSearch".to_owned(), Some("ws_1")), ("WebFetch".to_owned(), None)]);
    assert_eq!(read.stats().tool_call_count, 2);
}

#[test]
fn the_rarer_calls_are_calls() {
    let mut log = Log::new();
    log.item(json!({"type": "local_shell_call", "call_id": "l", "status": "completed",
        "action": {"type": "exec", "command": ["bash", "-lc", "pwd"], "working_directory": "/r"}}));
    log.answers("l", "/r");
    log.item(json!({"type": "image_generation_call", "id": "ig", "revised_prompt": "a cat", "result": "YWJj"}));
    log.item(json!({"type": "tool_search_call", "call_id": "t", "arguments": {"q": "x"}}));
    log.item(json!({"type": "tool_search_output", "call_id": "t", "tools": [{"name": "y"}]}));
    log.item(json!({"type": "function_call", "name": "apply_patch", "arguments": json!({"input": PATCH}).to_string(), "call_id": "p"}));
    log.item(json!({"type": "function_call_output", "call_id": "p", "output": {"content": LISTED, "success": true}}));
    log.item(json!({"type": "agent_message", "author": "a", "content": [{"type": "input_text", "text": "done"}]}));
    log.item(json!({"type": "ghost_snapshot", "ghost_commit": {}}));
    let read = log.read();
    assert_eq!(
        read.outline(),
        [
            "$ pwd",
            "local_shell answers: /r",
            "ImageGenerate { prompt: \"a cat\" }",
            "calls tool_search",
            "tool_search answers: ",
            "calls apply_patch",
            &format!("apply_patch answers: {LISTED}"),
            edited()[0],
            edited()[1],
            "system agent_message: done"
        ]
    );
    assert_eq!(read.stats().tool_call_count, 4);
}

#[test]
fn a_result_without_its_call_is_kept() {
    let mut log = Log::new();
    log.answers("gone", "aborted by user after 2s");
    assert_eq!(log.read().outline(), ["unknown failed: aborted by user after 2s"]);
}

#[test]
fn of_a_list_without_end_the_beginning_is_kept_and_the_rest_counted() {
    let many = |more: usize| vec![json!({"type": "input_text", "text": "x"}); MOST_ITEMS + more];
    let mut log = Log::new();
    let id = log.function("shell", &json!({"command": ["ls"]}));
    log.item(json!({"type": "function_call_output", "call_id": id, "output": many(3)}));
    log.item(json!({"type": "message", "role": "developer", "content": many(4)}));
    log.item(json!({"type": "function_call_output", "call_id": "o", "output": {"content": many(5), "success": true}}));
    log.event(json!({"type": "user_message", "message": "go", "images": vec!["https://x.test/i"; MOST_ITEMS + 6]}));
    let read = log.read();
    let blocks = |nth: usize| &read.events[nth].content.blocks;
    for (nth, left_out) in [(1, 3), (2, 4), (3, 5)] {
        assert_eq!(blocks(nth).len(), MOST_ITEMS + 1);
        let note = crate::session::Block::Text { text: format!("[left out: {left_out} items]") };
        assert_eq!(blocks(nth).last(), Some(&note));
    }
    assert_eq!(blocks(4).len(), 1 + MOST_ITEMS);
    assert_eq!(read.parsed.report.ignored[Report::LEFT_OUT], 3 + 4 + 5 + 6);
}

#[test]
fn a_text_that_is_its_line_is_read_as_any_other() {
    let huge = "a \"quoted\" line\n\u{e9}".repeat(LONG / 8);
    let shell = |output: &str| json!({"output": output, "metadata": {"exit_code": 3}}).to_string();
    let mut log = Log::new();
    log.asks(&huge).says(&huge);
    let id = log.function("shell", &json!({"command": ["ls"]}));
    log.answers(&id, &shell(&huge));
    log.answers("other", &huge);
    log.item(json!({"type": "function_call_output", "call_id": "o", "output": [{"type": "input_text", "text": huge}]}));
    log.item(json!({"type": "reasoning", "summary": [], "encrypted_content": huge}));
    log.raw(&format!(
        "{{\"timestamp\":\"{}\",\"type\":\"event_msg\",\"payload\":{{\"message\":\"{}",
        stamp(0),
        "x".repeat(2 * LONG)
    ));
    log.says("the end");
    let read = log.read();
    let said: Vec<_> = read.events.iter().filter_map(|event| event.content.texts().next()).collect();
    assert_eq!(said, [&huge, &huge, &huge, &huge, &huge, "the end"]);
    assert_eq!(read.events[3].attr_u64(attr::EXIT_CODE), 3);
    assert_eq!(read.parsed.report.skipped_count, 1);
    assert_eq!(read.parsed.report.lines, 13);
    assert_eq!(read.title(), Some("a \"quoted\" line"));
}

#[test]
fn of_a_patch_of_very_many_files_the_first_are_told_and_the_others_counted() {
    let mut log = Log::new();
    log.turn("m").event(json!({"type": "user_message", "message": "go", "kind": "plain"}));
    let patch: Vec<String> = (0..MOST_ITEMS + 3).map(|n| format!("*** Delete File: {n}\n")).collect();
    let call = log.patches(&format!("*** Begin Patch\n{}*** End Patch", patch.concat()));
    log.answers(&call, "Success. Updated the following files:\n");
    let changes: serde_json::Map<String, Value> =
        (0..MOST_ITEMS + 4).map(|n| (n.to_string(), json!({"type": "delete"}))).collect();
    log.event(json!({"type": "patch_apply_end", "call_id": "other", "success": true, "changes": changes}));
    log.says("done");
    let read = log.read();
    let deletes = |event: &&Event| matches!(event.kind, EventKind::FileDelete { .. });
    assert_eq!(read.events.iter().filter(deletes).count(), 2 * MOST_ITEMS);
    let notes: Vec<_> = read.outline().into_iter().filter(|line| line.starts_with('(')).collect();
    assert_eq!(notes, ["(edits_left_out) [left out: 3 items]", "(edits_left_out) [left out: 4 items]"]);
    assert_eq!(read.parsed.report.ignored[Report::LEFT_OUT], 7);
}

#[test]
fn the_edits_of_a_call_do_not_repeat_what_is_too_long_to_be_a_folder() {
    let mut log = Log::new();
    let folder = format!("/{}", "x".repeat(5000));
    let script = "apply_patch <<'EOF'\n*** Begin Patch\n*** Delete File: a\n*** End Patch\nEOF";
    let call = log.function("shell", &json!({"command": ["bash", "-lc", script], "workdir": folder}));
    log.answers(&call, "Success. Updated the following files:\nD a\n");
    assert_eq!(log.read().outline().last().map(String::as_str), Some("deletes a"));
}

#[test]
fn a_text_that_is_most_of_its_line_is_held_once_wherever_it_is() {
    let huge = "a \"quoted\" line\n\u{e9}".repeat(LONG / 8);
    let item = json!([{"type": "input_text", "text": "x"}, {"type": "input_text", "text": huge}]);
    let output = |output: Value| json!({"type": "function_call_output", "call_id": "o", "output": output});
    for payload in [output(item.clone()), output(json!({"content": item, "success": false})), output(json!([huge]))] {
        let mut log = Log::default();
        log.item(payload);
        let hollow = crate::agents::codex::hollow(log.text.trim_end().as_bytes());
        assert!(hollow.is_some_and(|hollow| hollow.line().len() < 500));
        let read = log.read();
        assert_eq!(read.events[0].content.texts().last(), Some(huge.as_str()));
    }
}
