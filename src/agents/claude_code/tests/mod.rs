//! Whole logs: what comes out of them, and that it stays when they grow.

mod hard;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::ClaudeCode;
use crate::agents::{Checkpoint, LogParser, ParseError, Parsed, Sink};
use crate::session::{Event, EventKind, StatsFold, Timestamp};

/// The logs that have an expectation beside them.
const GOLDEN: &[&str] =
    &["asides", "beside/session", "broken", "prompts", "queued", "sidechain", "subagents", "tokens", "tools"];

#[derive(Default)]
struct Kept {
    events: Vec<Event>,
    settled: Option<usize>,
    most: Option<usize>,
    /// Whether it says no when it is asked whether to go on.
    is_impatient: bool,
}

impl Sink for Kept {
    fn event(&mut self, event: Event) -> ControlFlow<()> {
        self.events.push(event);
        if Some(self.events.len()) == self.most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn goes_on(&mut self) -> ControlFlow<()> {
        if self.is_impatient { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn settled(&mut self) {
        assert_eq!(self.settled, None, "told once");
        self.settled = Some(self.events.len());
    }
}

impl Kept {
    fn settled_events(&self) -> &[Event] {
        &self.events[..self.settled.unwrap_or(self.events.len())]
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/agents/claude_code/fixtures").join(format!("{name}.jsonl"))
}

fn read(path: &Path, from: Option<&Checkpoint>) -> Result<(Kept, Parsed), ParseError> {
    let mut kept = Kept::default();
    let parsed = ClaudeCode.parse(path, from, &mut kept)?;
    assert_eq!(parsed.checkpoint.events - from.map_or(0, |from| from.events), kept.settled_events().len() as u64);
    Ok((kept, parsed))
}

/// Header, events, stats and report, one a line.
fn spelled(kept: &Kept, parsed: &Parsed) -> String {
    let mut fold = StatsFold::default();
    let mut lines = vec![serde_json::to_string(&parsed.header).unwrap()];
    for event in &kept.events {
        fold.add(event);
        lines.push(serde_json::to_string(event).unwrap());
    }
    lines.push(serde_json::to_string(&fold.stats()).unwrap());
    lines.push(serde_json::to_string(&parsed.report).unwrap());
    lines.join("\n") + "\n"
}

#[test]
fn each_log_gives_the_session_that_is_written_beside_it() {
    for name in GOLDEN {
        let path = fixture(name);
        let (kept, parsed) = read(&path, None).unwrap();
        let spelled = spelled(&kept, &parsed);
        let expected = fs::read_to_string(path.with_extension("expected")).unwrap();
        for (nth, (ours, theirs)) in spelled.lines().zip(expected.lines()).enumerate() {
            assert_eq!(ours, theirs, "{name}, line {}", nth + 1);
        }
        assert_eq!(spelled.lines().count(), expected.lines().count(), "{name}");
    }
}

/// For when something was changed on purpose; then read the difference.
#[test]
#[ignore = "it writes the expectations anew"]
fn write_the_expectations_anew() {
    for name in GOLDEN {
        let path = fixture(name);
        let (kept, parsed) = read(&path, None).unwrap();
        fs::write(path.with_extension("expected"), spelled(&kept, &parsed)).unwrap();
    }
}

/// A log with its subagents, cut off somewhere.
struct Grown {
    _folder: tempfile::TempDir,
    log: PathBuf,
    whole: Vec<u8>,
}

impl Grown {
    fn of(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = fixture(name);
        let log = folder.path().join(source.file_name().unwrap());
        copy_folder(&source.with_extension(""), &log.with_extension(""));
        if name.contains('/') {
            copy_folder(source.parent().unwrap(), folder.path());
        }
        Self { _folder: folder, log, whole: fs::read(source).unwrap() }
    }

    /// The log up to a byte: settled events and checkpoint, if it is a log by then.
    fn cut(&self, at: usize) -> Option<(Vec<Event>, Checkpoint)> {
        fs::write(&self.log, &self.whole[..at]).unwrap();
        match read(&self.log, None) {
            Ok((kept, parsed)) => Some((kept.settled_events().to_vec(), parsed.checkpoint)),
            Err(ParseError::NotThisAgent { .. }) => None,
            Err(error) => panic!("cut at {at}: {error}"),
        }
    }

    /// Reads on from a cut to the end: together it must be what one pass gives.
    fn check(&self, at: usize) {
        let Some((mut events, checkpoint)) = self.cut(at) else { return };
        let stored = serde_json::to_string(&checkpoint).unwrap();
        let checkpoint: Checkpoint = serde_json::from_str(&stored).unwrap();
        fs::write(&self.log, &self.whole).unwrap();
        let (whole, parsed) = read(&self.log, None).unwrap();
        assert!(whole.settled_events().starts_with(&events), "cut at {at}: what was settled has changed");
        let (rest, resumed) = read(&self.log, Some(&checkpoint)).unwrap();
        events.extend(rest.events);
        assert_eq!(events, whole.events, "cut at {at}");
        assert_eq!(resumed.header, parsed.header, "cut at {at}");
        assert_eq!(resumed.checkpoint, parsed.checkpoint, "cut at {at}");
    }
}

fn copy_folder(from: &Path, to: &Path) {
    let Ok(entries) = fs::read_dir(from) else { return };
    fs::create_dir_all(to).unwrap();
    for entry in entries.flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_log_cut_at_any_line_goes_on_to_the_same_session() {
    for name in GOLDEN {
        let log = Grown::of(name);
        for (at, _) in log.whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            log.check(at);
            log.check(at + 1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_cut_at_any_byte_goes_on_to_the_same_session(name in prop::sample::select(GOLDEN), at in any::<prop::sample::Index>()) {
        let log = Grown::of(name);
        log.check(at.index(log.whole.len() + 1));
    }

    #[test]
    fn whatever_the_bytes_are_they_are_read_and_every_id_is_used_once(
        name in prop::sample::select(GOLDEN),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        torn in any::<prop::sample::Index>(),
    ) {
        let mut log = Grown::of(name);
        let twice = log.whole.clone();
        log.whole.extend(twice);
        for (at, byte) in damage {
            let at = at.index(log.whole.len());
            log.whole[at] = byte;
        }
        let length = torn.index(log.whole.len() + 1);
        log.whole.truncate(length);
        fs::write(&log.log, &log.whole).unwrap();
        match read(&log.log, None) {
            Ok((kept, _)) => {
                let ids: std::collections::BTreeSet<_> = kept.events.iter().map(|event| &event.event_id).collect();
                prop_assert_eq!(ids.len(), kept.events.len());
            }
            Err(error) => {
                let is_foreign = matches!(error, ParseError::NotThisAgent { .. });
                prop_assert!(is_foreign, "{}", error);
            }
        }
    }
}

/// All files as they were at a moment: nothing later is in any of them.
#[test]
fn a_session_that_grows_together_with_its_subagents_keeps_what_was_settled() {
    let log = Grown::of("subagents");
    fs::write(&log.log, &log.whole).unwrap();
    let (whole, parsed) = read(&log.log, None).unwrap();
    let mut files = Vec::new();
    files_below(log.log.parent().unwrap(), &mut files);
    let files: Vec<_> = files.into_iter().map(|file| (fs::read_to_string(&file).unwrap(), file)).collect();
    let mut before: Option<(Vec<Event>, Checkpoint)> = None;
    for second in 0..90 {
        let now: Timestamp = format!("2026-03-02T09:{:02}:{:02}.999Z", second / 60, second % 60).parse().unwrap();
        for (whole, file) in &files {
            fs::write(file, up_to(whole, now)).unwrap();
        }
        let Ok((kept, at_once)) = read(&log.log, None) else { continue };
        assert!(whole.settled_events().starts_with(kept.settled_events()), "second {second}");
        if let Some((mut events, checkpoint)) = before {
            let (rest, resumed) = read(&log.log, Some(&checkpoint)).unwrap();
            events.extend_from_slice(rest.settled_events());
            assert_eq!(events, kept.settled_events(), "second {second}");
            assert_eq!(resumed, Parsed { report: resumed.report.clone(), ..at_once.clone() }, "second {second}");
        }
        before = Some((kept.settled_events().to_vec(), at_once.checkpoint));
    }
    assert_eq!(before.unwrap().1, parsed.checkpoint);
}

fn up_to(whole: &str, now: Timestamp) -> String {
    let written = |line: &&str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        record["timestamp"].as_str().is_none_or(|at| at.parse::<Timestamp>().unwrap() <= now)
    };
    whole.split_inclusive('\n').take_while(written).collect()
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => files_below(&path, files),
            path if path.extension().is_some_and(|extension| extension == "jsonl") => files.push(path),
            _ => {}
        }
    }
}

#[test]
fn a_log_that_was_rewritten_is_stale() {
    let log = Grown::of("tokens");
    let (_, checkpoint) = log.cut(log.whole.len()).unwrap();
    let stale = |checkpoint: &Checkpoint| matches!(read(&log.log, Some(checkpoint)), Err(ParseError::Stale { .. }));
    assert!(!stale(&checkpoint));
    assert!(stale(&Checkpoint { version: checkpoint.version + 1, ..checkpoint.clone() }));
    assert!(stale(&Checkpoint { state: serde_json::json!({"facts": 7}), ..checkpoint.clone() }));
    fs::write(&log.log, &log.whole[..log.whole.len() - 1]).unwrap();
    assert!(stale(&checkpoint), "shorter");
    let mut other = log.whole.clone();
    let last_line = other[..other.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    other[last_line + 20] ^= 1;
    fs::write(&log.log, &other).unwrap();
    assert!(stale(&checkpoint), "another last line");
}

#[test]
fn a_sink_that_has_enough_stops_the_parser() {
    let mut kept = Kept { most: Some(3), ..Kept::default() };
    let stopped = ClaudeCode.parse(&fixture("tools"), None, &mut kept);
    assert!(matches!(stopped, Err(ParseError::Stopped)));
    assert_eq!(kept.events.len(), 3);
}

#[test]
fn the_name_of_the_file_is_the_session_whatever_its_records_say() {
    let folder = tempfile::tempdir().unwrap();
    for (name, inner) in [("日本語", "../x"), ("a b", "a/b/c"), ("éa", ""), ("-", "\\u0000"), ("..x", "日本語")]
    {
        let path = folder.path().join(format!("{name}.jsonl"));
        let line = format!(
            r#"{{"type":"user","sessionId":"{inner}","uuid":"{inner}","message":{{"role":"user","content":"hi"}},"timestamp":"2026-03-02T09:00:00Z"}}"#
        );
        fs::write(&path, format!("{line}\n")).unwrap();
        let (kept, parsed) = read(&path, None).unwrap();
        assert_eq!(parsed.header.session_id, name);
        assert_eq!(kept.events.len(), 1, "{name}");
        assert!(kept.events[0].event_id.is_ascii(), "{name}");
    }
}

#[test]
fn each_of_several_edits_that_one_record_answers_has_its_own_input() {
    let record = |kind: &str, content: serde_json::Value| {
        let message = serde_json::json!({"role": kind, "content": content});
        serde_json::json!({"type": kind, "timestamp": "2026-01-02T03:04:05Z", "sessionId": "s", "message": message})
    };
    let call = |n: u8| {
        let input = serde_json::json!({"file_path": format!("/f{n}"), "old_string": "x", "new_string": n.to_string()});
        serde_json::json!({"type": "tool_use", "id": format!("t{n}"), "name": "Edit", "input": input})
    };
    let answer = |n: u8| serde_json::json!({"type": "tool_result", "tool_use_id": format!("t{n}"), "content": "ok"});
    let records = [
        record("assistant", vec![call(1), call(2)].into()),
        record("assistant", vec![call(3)].into()),
        record("user", vec![answer(2), answer(3), answer(1), answer(4)].into()),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.jsonl");
    fs::write(&path, records.map(|record| record.to_string() + "\n").concat()).unwrap();
    let (kept, _) = read(&path, None).unwrap();
    let edits = kept.events.iter().filter(|event| event.kind.edited_path().is_some());
    let edits: Vec<_> = edits.map(|event| event.kind.clone()).collect();
    let edit = |n: u8| EventKind::FileEdit { path: format!("/f{n}"), diff: Some(format!("@@ -1 +1 @@\n-x\n+{n}\n")) };
    assert_eq!(edits, [edit(2), edit(3), edit(1)]);
}
