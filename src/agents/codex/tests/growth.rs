//! A log that grows: what is settled stays, and reading on gives what reading anew gives.

use super::*;
use proptest::prelude::*;

/// One thing that may be in a log; what it is stands in its number.
fn append(log: &mut Log, what: u8, n: u64) {
    const PATCH: &str = "*** Begin Patch\n*** Add File: f\n+x\n*** End Patch";
    const DONE: &str = "Success. Updated the following files:\nA f\n";
    let text = format!("text {}", n % 3);
    match what {
        0 => drop(log.asks(&text)),
        1 => drop(log.says(&text)),
        2 => drop(log.message("user", &text)),
        3 => drop(log.event(json!({"type": "user_message", "message": text}))),
        4 => drop(log.message("assistant", &text)),
        5 => drop(log.event(json!({"type": "agent_reasoning", "text": text}))),
        6 => drop(log.item(json!({"type": "reasoning", "summary": [{"text": text}]}))),
        7 => drop(log.counts([n * 10, n, n], [n + 1, 1, 1])),
        8 => drop(log.runs(&text, "out", 0)),
        9 => drop(log.patches(PATCH)),
        10 => drop(log.answers(&format!("call_{}", log.calls), DONE)),
        11 => drop(log.answers(&format!("call_{}", log.calls.saturating_sub(1)), DONE)),
        12 => {
            let id = format!("call_{}", log.calls);
            log.event(json!({"type": "patch_apply_end", "call_id": id, "success": n.is_multiple_of(2), "changes": {"/r/f": {"type": "add", "content": "x"}}}));
        }
        13 => drop(log.event(json!({"type": "task_complete"}))),
        14 => drop(log.line("turn_context", json!({"cwd": format!("/r{}", n % 2), "model": format!("m{}", n % 2)}))),
        15 => drop(log.line("session_meta", json!({"id": format!("parent {}", n % 2)}))),
        16 => drop(log.raw("{\"torn")),
        17 => log.millis -= 900,
        18 => log.millis += 700,
        19 => drop(log.event(json!({"type": "thread_name_updated", "thread_name": text}))),
        20 => drop(log.line("compacted", json!({"message": ""}))),
        21 => drop(log.message("user", "<environment_context>x</environment_context>")),
        22 => {
            let length = log.text.trim_end().len();
            log.text.truncate(length);
        }
        _ => drop(log.event(json!({"type": "turn_aborted", "reason": "interrupted"}))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_on_gives_what_reading_anew_gives(
        things in prop::collection::vec((0..24_u8, 0..9_u64), 1..40),
        apart in prop::sample::select(vec![1_i64, 300, 1000]),
        cut in any::<prop::sample::Index>(),
        second in any::<prop::sample::Index>(),
    ) {
        let mut log = Log::new();
        for (what, n) in things {
            let before = log.millis;
            append(&mut log, what, n);
            if apart < 1000 && log.millis > before {
                log.millis = before + apart;
            }
        }
        let bytes = log.text.as_bytes();
        let whole = read(bytes);
        let (first, second) = (cut.index(bytes.len()), second.index(bytes.len()));
        let (first, second) = (first.min(second), first.max(second));

        let head = read_file_or_none(&bytes[..first]);
        let Some(head) = head else { return Ok(()) };
        prop_assert_eq!(&head.events[..head.settled], &whole.events[..head.settled]);
        prop_assert_eq!(head.parsed.checkpoint.events, head.settled as u64);

        let middle = read_from(&bytes[..second], Some(&stored(&head)));
        let middle_settled = head.settled + middle.settled;
        prop_assert_eq!(&middle.events[..middle.settled], &whole.events[head.settled..middle_settled]);
        let anew = read(&bytes[..second]);
        prop_assert_eq!(&middle.events[..], &anew.events[head.settled..]);
        prop_assert_eq!(&middle.parsed.header, &anew.parsed.header);
        prop_assert_eq!(&middle.parsed.checkpoint, &anew.parsed.checkpoint);

        let tail = read_from(bytes, Some(&stored(&middle)));
        prop_assert_eq!(&tail.events[..], &whole.events[middle_settled..]);
        prop_assert_eq!(&tail.parsed.header, &whole.parsed.header);
        prop_assert_eq!(&tail.parsed.checkpoint, &whole.parsed.checkpoint);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut log = Log::new();
        log.asks("go");
        let mut all = log.text.into_bytes();
        all.extend(bytes);
        prop_assert_eq!(&read(&all).outline()[..1], ["user: go"]);
    }

    #[test]
    fn a_flipped_byte_costs_no_more_than_its_record(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut log = Log::new();
        log.asks("go").turn("m").says("one").runs("ls", "x", 0).says("two");
        let mut bytes = log.text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = to;
        let read = read_file_or_none(&bytes);
        prop_assert!(read.is_some_and(|read| read.events.len() >= 3));
    }
}

/// As it is after it was stored and read again.
fn stored(read: &Read) -> Checkpoint {
    let text = serde_json::to_string(&read.parsed.checkpoint).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn read_file_or_none(bytes: &[u8]) -> Option<Read> {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    match read_file(file.path(), None) {
        Err(ParseError::NotThisAgent { .. }) => None,
        read => Some(read.unwrap()),
    }
}

#[test]
fn only_the_growth_is_read() {
    let mut log = Log::new();
    for n in 0..200 {
        log.asks(&format!("prompt {n}")).says("ok").counts([n * 10, 0, n], [10, 0, 1]).runs("ls", "out", 0);
    }
    let before = log.read();
    assert!(log.text.len() as u64 - before.parsed.checkpoint.offset < 2000);
    assert!(before.events.len() - before.settled <= 2);
    log.asks("more");
    let after = read_from(log.text.as_bytes(), Some(&before.parsed.checkpoint));
    assert!(after.parsed.report.lines < 8, "{} lines were read", after.parsed.report.lines);
    assert_eq!(after.outline().last().map(String::as_str), Some("user: more"));
    assert_eq!(after.title(), Some("prompt 0"));
}

#[test]
fn a_checkpoint_keeps_no_text_of_the_conversation() {
    let mut log = Log::new();
    log.asks("hunter2 prompt").event(json!({"type": "thread_name_updated", "thread_name": "hunter2 name"}));
    log.patches("*** Begin Patch\n*** Add File: f\n+hunter2\n*** End Patch");
    log.says("hunter2").message("user", "hunter2 pending");
    let read = log.read();
    assert_eq!(read.title(), Some("hunter2 name"));
    let kept = serde_json::to_string(&read.parsed.checkpoint).unwrap();
    assert!(!kept.contains("hunter2"), "{kept}");
}

#[test]
fn an_unanswered_patch_does_not_hold_the_checkpoint_back_for_ever() {
    let mut log = Log::new();
    log.patches("*** Begin Patch\n*** Add File: f\n+x\n*** End Patch");
    let held = log.read().parsed.checkpoint.offset;
    log.runs("cat", &"x".repeat(5 << 20), 0).says("done").counts([1, 0, 1], [1, 0, 1]);
    let freed = log.read().parsed.checkpoint.offset;
    assert!(held < 1000 && freed > 5 << 20, "{held}, {freed}");
}

#[test]
fn a_checkpoint_of_another_version_or_of_another_log_is_stale() {
    let mut log = Log::new();
    log.asks("one").says("two");
    let whole = log.read().parsed.checkpoint;
    let is_stale = |bytes: &[u8], checkpoint: &Checkpoint| {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        matches!(read_file(file.path(), Some(checkpoint)), Err(ParseError::Stale { .. }))
    };
    let bytes = log.text.clone().into_bytes();
    assert!(!is_stale(&bytes, &whole));
    assert!(is_stale(&bytes, &Checkpoint { version: whole.version + 1, ..whole.clone() }));
    assert!(is_stale(&bytes, &Checkpoint { state: json!({"nothing": 1}), ..whole.clone() }));
    let settled = usize::try_from(whole.offset).unwrap();
    assert!(!is_stale(&bytes[..settled], &whole), "only what is settled must be there");
    assert!(is_stale(&bytes[..settled - 1], &whole), "the log was cut off");
    let rewritten = log.text.replace("one", "won");
    assert!(is_stale(rewritten.as_bytes(), &whole), "the log was written anew");
}

#[test]
fn ids_stay_the_same_when_the_log_grows() {
    let mut log = Log::new();
    log.asks("one").runs("ls", "x", 0).says("two");
    let before = log.read();
    log.asks("three").says("four");
    let after = log.read();
    assert_eq!(before.events[..], after.events[..before.events.len()]);
    let ids: std::collections::BTreeSet<_> = after.events.iter().map(|event| &event.event_id).collect();
    assert_eq!(ids.len(), after.events.len());
}
