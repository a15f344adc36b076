//! History that is repeated from another session.

use super::*;

/// A parent's conversation, as it is copied: three turns' worth, all in one burst.
fn copied(log: &mut Log, turn_id: Option<&str>) {
    let from = log.millis;
    let parent = json!({"id": "parent", "timestamp": stamp(-9_000_000), "cwd": "/r", "cli_version": "0.98.0"});
    log.line("session_meta", parent);
    for n in 1..4_u64 {
        if let Some(id) = turn_id {
            log.event(json!({"type": "task_started", "turn_id": id}));
        }
        log.asks(&format!("parent asks {n}"));
        log.line("turn_context", json!({"cwd": "/r", "model": "old", "turn_id": turn_id}));
        log.says("parent's answer").counts([n * 100, 0, n], [100, 0, 1]).runs("parent", "", 0);
    }
    respaced(log, from, 3);
}

/// Writes the stamps of all lines after a moment anew, so many milliseconds apart.
fn respaced(log: &mut Log, from: i64, apart: i64) {
    let mut at = from + 1000;
    let lines: Vec<String> = log
        .text
        .lines()
        .map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let stamped = line["timestamp"].as_str().unwrap().to_owned();
            if stamped > stamp(from) {
                line["timestamp"] = stamp(at).into();
                at += apart;
            }
            line.to_string() + "\n"
        })
        .collect();
    log.text = lines.concat();
    log.millis = at;
}

const OLD_TURN: &str = "019b7000-0000-7000-8000-000000000001";
const NEW_TURN: &str = "019b8000-0009-7000-8000-000000000001";

#[test]
fn an_old_resume_counts_only_what_is_its_own() {
    let mut log = Log::new();
    copied(&mut log, None);
    log.millis += 20_000;
    log.asks("mine").turn("new").says("my answer").counts([70, 0, 7], [70, 0, 7]).runs("mine", "", 0);
    let read = log.read();
    assert_eq!(read.outline(), ["user: mine", "agent: my answer", "$ mine", "shell answers: "]);
    let (stats, header) = (read.stats(), &read.parsed.header);
    assert_eq!((stats.total_input_tokens, stats.total_output_tokens, stats.tool_call_count), (70, 7, 1));
    assert_eq!(
        (header.session_id.as_str(), header.context.related_session_ids.as_slice()),
        (ID, &["parent".to_owned()][..])
    );
    assert_eq!((read.title(), header.agent.model.as_str()), (Some("mine"), "new"));
    assert_eq!(header.agent.tool_version.as_deref(), Some("0.99.0"));
    assert_eq!(read.parsed.report.ignored["copied"], 24);
}

#[test]
fn a_prompt_given_with_the_resume_is_its_own() {
    let mut log = Log::new();
    copied(&mut log, None);
    let from = log.millis;
    log.asks("mine");
    respaced(&mut log, from, 2);
    log.millis += 3000;
    log.says("my answer");
    assert_eq!(log.read().outline(), ["user: mine", "agent: my answer"]);
}

#[test]
fn a_fork_begins_with_its_first_own_turn_however_soon() {
    let mut log = Log::default();
    log.line("session_meta", json!({"id": ID, "forked_from_id": "parent", "timestamp": stamp(0), "cwd": "/r"}));
    copied(&mut log, Some(OLD_TURN));
    let from = log.millis;
    log.event(json!({"type": "task_started", "turn_id": NEW_TURN})).asks("mine");
    respaced(&mut log, from, 2);
    log.says("my answer").counts([300, 0, 3], [0, 0, 0]).counts([310, 0, 4], [10, 0, 1]);
    let read = log.read();
    assert_eq!(read.outline(), ["user: mine", "agent: my answer"]);
    assert_eq!((read.stats().total_input_tokens, read.stats().total_output_tokens), (10, 1));
}

#[test]
fn a_turn_told_after_its_prompt_has_the_prompt() {
    let mut log = Log::default();
    log.line("session_meta", json!({"id": ID, "forked_from_id": "parent", "timestamp": stamp(0), "cwd": "/r"}));
    copied(&mut log, Some(OLD_TURN));
    let from = log.millis;
    log.asks("mine").line("turn_context", json!({"turn_id": NEW_TURN, "model": "new", "cwd": "/r"}));
    respaced(&mut log, from, 2);
    log.says("my answer");
    assert_eq!(log.read().outline(), ["user: mine", "agent: my answer"]);
}

#[test]
fn a_copy_that_keeps_its_parents_times_is_a_copy_too() {
    let mut log = Log::default();
    log.line("session_meta", json!({"id": ID, "forked_from_id": "parent", "timestamp": stamp(0), "cwd": "/r"}));
    log.millis = -5_000_000;
    log.asks("parent asks").says("parent's answer");
    log.millis = 2000;
    log.asks("mine").says("my answer");
    assert_eq!(log.read().outline(), ["user: mine", "agent: my answer"]);
}

#[test]
fn a_session_that_names_a_parent_and_copies_nothing_loses_nothing() {
    for first_turn in [Some(NEW_TURN), None] {
        let mut log = Log::default();
        log.line("session_meta", json!({"id": ID, "parent_thread_id": "parent", "timestamp": stamp(0), "cwd": "/r"}));
        let from = log.millis;
        log.message("user", "<environment_context>x</environment_context>");
        if let Some(id) = first_turn {
            log.event(json!({"type": "task_started", "turn_id": id}));
        }
        log.asks("mine");
        respaced(&mut log, from - 1001, 2);
        log.millis += 3000;
        log.says("my answer");
        let outline = log.read().outline();
        assert_eq!(outline[1..], ["user: mine", "agent: my answer"]);
        assert!(outline[0].starts_with("system environment_context"));
    }
}

#[test]
fn a_prompt_without_an_answer_so_far_is_read_and_not_settled() {
    let mut log = Log::default();
    log.line("session_meta", json!({"id": ID, "parent_thread_id": "parent", "timestamp": stamp(0), "cwd": "/r"}));
    let from = log.millis;
    log.asks("mine");
    respaced(&mut log, from - 1001, 2);
    let read = log.read();
    assert_eq!((read.outline(), read.settled), (vec!["user: mine".to_owned()], 0));
}

#[test]
fn a_second_start_of_the_same_session_is_no_copy() {
    let mut log = Log::new();
    log.asks("one").line("session_meta", json!({"id": ID, "git": {"branch": "topic"}})).asks("two").says("ok");
    let read = log.read();
    assert_eq!(read.outline(), ["user: one", "user: two", "agent: ok"]);
    assert_eq!(read.parsed.header.context.attributes["git.branch"], "topic");
}
