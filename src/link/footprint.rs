//! What a session left that can be compared with commits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::shell::{CommitCommand, ShortId, commit_command, made_commits};
use super::{LineHash, LineSet, Locator, PathHash, Place};
use crate::redaction::Redacted;
use crate::session::{Block, Event, EventKind, Timestamp, attr};

/// Bounds, so that a footprint stays small whatever a session does.
const MOST_FILES: usize = 20_000;
const MOST_LINES: usize = 400_000;
const MOST_EDITS: usize = 256;
const MOST_COMMITS: usize = 4_096;
const MOST_CALLS: usize = 64;

/// What a session left: times, places, files, lines and commits. It can be stored and taken up again,
/// so that a session that grew is not read a second time.
///
/// Lines are those of the *redacted* events: what was taken out for being secret is not even here as a hash.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Footprint {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    worktrees: BTreeSet<PathHash>,
    files: BTreeMap<PathHash, FileTrace>,
    commits: BTreeSet<ShortId>,
    lines: usize,
    cwd: Option<PathBuf>,
    calls: BTreeMap<String, CommitCommand>,
}

/// What a session did to one file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FileTrace {
    /// When it edited the file, in seconds since the epoch, in order. Of more than 256 times the middle is left out.
    pub edits: Vec<i64>,
    /// The lines it added.
    pub lines: LineSet,
}

/// The part of a footprint that is small enough to be kept for every session at hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// The earliest moment of the session, in seconds since the epoch, rounded down.
    pub first: i64,
    /// The latest, in the same way.
    pub last: i64,
    /// The roots of the worktrees it ran in.
    pub worktrees: Vec<PathHash>,
    /// The files it edited, sorted.
    pub files: Vec<PathHash>,
    /// The commits it made.
    pub commits: Vec<ShortId>,
}

impl Footprint {
    /// Of a session that began in a folder.
    pub fn starting_in(cwd: Option<PathBuf>) -> Self {
        Self { cwd, ..Self::default() }
    }

    /// Looks at an event before it is redacted: follows the folder the agent is in, and says which file was edited.
    pub fn place(&mut self, event: &Event, locator: &mut Locator<'_>) -> Option<Place> {
        if let Some(cwd) = event.attr_str(attr::CWD) {
            self.cwd = Some(PathBuf::from(cwd));
        }
        // Most events say no folder; the one the session began in counts from its first event on.
        if (self.first.is_none() || event.attributes.contains_key(attr::CWD))
            && let Some(here) = self.cwd.as_deref().and_then(|cwd| locator.folder(cwd))
        {
            self.worktrees.insert(PathHash::of_path(&here.root));
        }
        locator.file(Path::new(event.kind.edited_path()?), self.cwd.as_deref())
    }

    /// Adds an event. `place` is what [`Footprint::place`] said of it.
    pub fn add(&mut self, event: &Redacted<Event>, place: Option<&Place>) {
        self.take(event.get(), place);
    }

    pub(super) fn take(&mut self, event: &Event, place: Option<&Place>) {
        self.first = Some(self.first.map_or(event.timestamp, |at| at.min(event.timestamp)));
        self.last = Some(self.last.map_or(event.timestamp, |at| at.max(event.timestamp)));
        if let Some(place) = place {
            self.add_edit(event, place);
        }
        self.add_call(event);
    }

    fn add_edit(&mut self, event: &Event, place: &Place) {
        let added: Vec<LineHash> = added_lines(event).into_iter().filter_map(LineHash::of).collect();
        for path in &place.paths {
            if self.files.len() >= MOST_FILES && !self.files.contains_key(path) {
                return;
            }
            let trace = self.files.entry(*path).or_default();
            trace.edited_at(floor_seconds(event.timestamp));
            for line in &added {
                if self.lines < MOST_LINES && trace.lines.insert(*line) {
                    self.lines += 1;
                }
            }
        }
    }

    fn add_call(&mut self, event: &Event) {
        match &event.kind {
            EventKind::ShellCommand { command, .. } => {
                let Some(found) = commit_command(command) else { return };
                if self.calls.len() >= MOST_CALLS {
                    self.calls.pop_first();
                }
                self.calls.insert(call_key(event), found);
            }
            EventKind::ToolResult { .. } => {
                let Some(command) = self.calls.remove(&call_key(event)) else { return };
                for made in event.content.blocks.iter().filter_map(text).flat_map(|text| made_commits(text, command)) {
                    if self.commits.len() < MOST_COMMITS {
                        self.commits.insert(made);
                    }
                }
            }
            _ => {}
        }
    }

    /// What it did to a file.
    pub fn file(&self, path: PathHash) -> Option<&FileTrace> {
        self.files.get(&path)
    }

    /// The small part. `None` if there was no event.
    pub fn outline(&self) -> Option<Outline> {
        Some(Outline {
            first: floor_seconds(self.first?),
            last: floor_seconds(self.last?),
            worktrees: self.worktrees.iter().copied().collect(),
            files: self.files.keys().copied().collect(),
            commits: self.commits.iter().cloned().collect(),
        })
    }
}

impl FileTrace {
    fn edited_at(&mut self, at: i64) {
        if let Err(place) = self.edits.binary_search(&at) {
            self.edits.insert(place, at);
        }
        if self.edits.len() > MOST_EDITS {
            self.edits.remove(MOST_EDITS / 2);
        }
    }

    /// Whether there was an edit from `after` on (if there is such a moment) until `until`.
    pub fn edited_between(&self, after: Option<i64>, until: i64) -> bool {
        self.edits.iter().any(|at| after.is_none_or(|after| *at >= after) && *at <= until)
    }
}

/// Text for a call that has no id: the answer follows at once then.
fn call_key(event: &Event) -> String {
    event.call_id().unwrap_or_default().chars().take(128).collect()
}

fn floor_seconds(at: Timestamp) -> i64 {
    at.millis().div_euclid(1000)
}

fn text(block: &Block) -> Option<&str> {
    match block {
        Block::Text { text } => Some(text),
        Block::Code { code, .. } => Some(code),
        _ => None,
    }
}

/// The lines that an edit added: those with `+` of a diff, and all of a new file.
fn added_lines(event: &Event) -> Vec<&str> {
    match &event.kind {
        EventKind::FileEdit { diff: Some(diff), .. } => {
            let hunks = diff.lines().skip_while(|line| line.starts_with("--- ") || line.starts_with("+++ "));
            hunks.filter_map(|line| line.strip_prefix('+')).collect()
        }
        EventKind::FileCreate { .. } => event.content.blocks.iter().filter_map(text).flat_map(str::lines).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::link::Worktrees;
    use crate::session::Content;

    fn event(at: i64, kind: EventKind, text: &str, attributes: &[(&str, &str)]) -> Event {
        let mut event = Event::new(at.to_string(), Timestamp::from_millis(at), kind, Content::text(text));
        event.attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
        event
    }

    fn footprint(events: Vec<Event>) -> Footprint {
        let worktrees = Worktrees { present: vec!["/w".into(), "/v".into()], ..Worktrees::default() };
        let mut locator = Locator::new(&worktrees);
        let mut footprint = Footprint::starting_in(Some("/w/sub".into()));
        for event in events {
            let place = footprint.place(&event, &mut locator);
            footprint.take(&event, place.as_ref());
        }
        footprint
    }

    fn edit(at: i64, path: &str, diff: &str) -> Event {
        event(at, EventKind::FileEdit { path: path.into(), diff: Some(diff.into()) }, "", &[])
    }

    fn line(text: &str) -> LineHash {
        LineHash::of(text).expect("not blank")
    }

    #[test]
    fn added_lines_are_those_with_a_plus_and_all_of_a_new_file() {
        let created = event(2, EventKind::FileCreate { path: "/w/new.rs".into() }, "first line\n\nsecond line\n", &[]);
        let diff = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n kept\n-removed\n+added\n+++ counter\n";
        let footprint = footprint(vec![edit(1, "/w/x", diff), created]);
        let lines = &footprint.file(PathHash::of(b"x")).expect("edited").lines;
        assert_eq!(lines.len(), 2);
        assert!(lines.contains(line("added")) && lines.contains(line("++ counter")));
        assert_eq!(footprint.file(PathHash::of(b"new.rs")).expect("created").lines.len(), 2);
    }

    #[test]
    fn files_are_named_from_the_folder_the_agent_was_in() {
        let mut moved = edit(2, "x", "");
        moved.attributes.insert(attr::CWD.into(), "/v".into());
        let outline =
            footprint(vec![edit(1, "../y", ""), edit(1, "z", ""), moved, edit(3, "/elsewhere/x", "")]).outline();
        let outline = outline.expect("there are events");
        let mut expected = [b"y" as &[u8], b"sub/z", b"x"].map(PathHash::of).to_vec();
        // `sub` does not exist: the path may have begun below it.
        expected.push(PathHash::of(b"z"));
        expected.sort();
        assert_eq!(outline.files, expected);
        let mut roots = ["/w", "/v"].map(|root| PathHash::of(root.as_bytes())).to_vec();
        roots.sort();
        assert_eq!(outline.worktrees, roots);
    }

    #[test]
    fn time_is_from_the_earliest_event_to_the_latest_in_whole_seconds() {
        let events = [2_999, -1, 1_000].map(|at| event(at, EventKind::Thinking, "", &[])).to_vec();
        let outline = footprint(events).outline().expect("there are events");
        assert_eq!((outline.first, outline.last), (-1, 2));
        assert_eq!(Footprint::default().outline(), None);
    }

    #[test]
    fn a_commit_is_known_by_gits_answer_to_the_call_that_made_it() {
        let shell = |id: &str, command: &str| {
            event(1, EventKind::ShellCommand { command: command.into(), exit_code: None }, "", &[(attr::CALL_ID, id)])
        };
        let answer = |id: &str, text: &str| {
            event(
                2,
                EventKind::ToolResult { name: "Bash".into(), is_error: false, call_id: Some(id.into()) },
                text,
                &[],
            )
        };
        let outline = footprint(vec![
            shell("1", "git log"),
            shell("2", "git commit -m x"),
            answer("1", "[main 1111111] not made here"),
            answer("2", "[main 2222222] made here"),
            answer("2", "[main 3333333] said twice"),
        ]);
        assert_eq!(outline.outline().expect("events").commits, [ShortId::new("2222222").expect("hex")]);
    }

    #[test]
    fn of_very_many_edits_the_first_and_the_last_are_kept() {
        let footprint = footprint((0..1000).map(|at| edit(at * 1000, "/w/a", "")).collect());
        let trace = footprint.file(PathHash::of(b"a")).expect("edited");
        assert_eq!((trace.edits.len(), trace.edits.first(), trace.edits.last()), (MOST_EDITS, Some(&0), Some(&999)));
        assert!(trace.edited_between(None, 0) && trace.edited_between(Some(999), 999));
        assert!(!trace.edited_between(Some(1000), 2000));
    }

    #[test]
    fn a_stored_footprint_goes_on_where_it_was_and_holds_no_text() {
        let text = "a line that nobody may find";
        let events: Vec<_> =
            (0..6).map(|at| edit(at, &format!("/w/secretname{}", at % 4), &format!("+{text} {at}\n"))).collect();
        let whole = footprint(events.clone());
        let stored = serde_json::to_string(&footprint(events[..3].to_vec())).expect("it can be stored");
        assert!(!stored.contains("nobody") && !stored.contains("secretname"));
        let mut resumed: Footprint = serde_json::from_str(&stored).expect("and read");
        let worktrees = Worktrees { present: vec!["/w".into()], ..Worktrees::default() };
        let mut locator = Locator::new(&worktrees);
        for event in &events[3..] {
            let place = resumed.place(event, &mut locator);
            resumed.take(event, place.as_ref());
        }
        assert_eq!(resumed, whole);
    }
}
