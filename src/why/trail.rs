//! What a session wrote, read from its text: the edits that succeeded, and the prompts they came after.

use std::collections::HashMap;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::heredoc;
use crate::hail::LineError;
use crate::ledger::{self, Ledgers, SessionKey, StoredSession};
use crate::session::{Block, Event, EventKind, Timestamp, attr};

/// All events that a trail is made of.
const KINDS: &[&str] = &["UserMessage", "FileEdit", "FileCreate", "ShellCommand", "ToolResult"];

/// What stands in the middle of a text that was too long to be stored: of such an edit not all lines are known.
const CUT: &str = " bytes, sha256 of the whole ";

/// What a session wrote.
#[derive(Debug, Clone)]
pub struct Trail {
    /// The session.
    pub session: StoredSession,
    /// What humans typed, in order.
    pub prompts: Vec<Prompt>,
    /// The edits that succeeded, in order.
    pub edits: Vec<Edit>,
    /// The folders the agent was in, as the text has them; the one it began in first.
    pub folders: Vec<String>,
}

/// What a human typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Its number, from 1, as `show --prompts` counts.
    pub turn: u32,
    /// The event.
    pub event: String,
    /// When.
    pub at: Timestamp,
    /// The text.
    pub text: String,
}

/// One edit that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The event.
    pub event: String,
    /// When.
    pub at: Timestamp,
    /// The path, as the text has it.
    pub path: String,
    /// The last prompt before it, as a place in [`Trail::prompts`].
    pub prompt: Option<usize>,
    /// The task (subagent) that made it.
    pub task: Option<String>,
    /// What it left in the file.
    pub hunks: Vec<Hunk>,
    /// Whether the session does not have all that it wrote.
    pub is_blind: bool,
}

/// Lines that stand together in a file after an edit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hunk {
    /// The lines.
    pub lines: Vec<HunkLine>,
    /// The lines that stood there before, as far as the edit tells.
    pub old: Vec<String>,
}

/// A line of a file after an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HunkLine {
    /// The line without its end.
    pub text: String,
    /// Its place in [`Hunk::old`] if it was there before; `None` if the edit wrote it.
    pub old: Option<usize>,
}

impl HunkLine {
    /// Whether the edit wrote it.
    pub fn is_added(&self) -> bool {
        self.old.is_none()
    }
}

/// Why a session's trail cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its folder.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// Its text.
    #[error("the text of session {0}")]
    Text(SessionKey, #[source] LineError),
}

impl Trail {
    /// Reads it.
    ///
    /// # Errors
    /// When the text cannot be read to its end: nothing of it can be relied on then.
    pub fn read(ledgers: &Ledgers<'_>, session: StoredSession) -> Result<Self, Error> {
        let key = session.key;
        let failed = |error| Error::Text(key, error);
        let mut events = ledgers.text(&session)?.events().map_err(failed)?.only(KINDS);
        let mut builder = TrailBuilder::new(&session);
        for event in &mut events {
            builder.take(&event.map_err(failed)?);
        }
        Ok(builder.finish(session))
    }

    /// The prompt that an edit came after.
    pub fn prompt_of(&self, edit: &Edit) -> Option<&Prompt> {
        self.prompts.get(edit.prompt?)
    }
}

fn folder_of(session: &StoredSession) -> Option<String> {
    Some(session.meta.header.context.attributes.get("cwd")?.as_str()?.to_owned())
}

/// Makes the trail of a session out of its events.
#[derive(Default)]
pub(crate) struct TrailBuilder {
    prompts: Vec<Prompt>,
    edits: Vec<Edit>,
    folders: Vec<String>,
    /// What commands write by here-documents, until their result says whether they ran: edits by their call.
    open: HashMap<String, Vec<Edit>>,
}

impl TrailBuilder {
    /// For a session.
    pub fn new(session: &StoredSession) -> Self {
        Self { folders: folder_of(session).into_iter().collect(), ..Self::default() }
    }

    /// The trail of that session.
    pub fn finish(self, session: StoredSession) -> Trail {
        let Self { prompts, edits, folders, .. } = self;
        Trail { session, prompts, edits, folders }
    }

    /// Takes the next event.
    pub fn take(&mut self, event: &Event) {
        if let Some(folder) =
            event.attr_str(attr::CWD).filter(|folder| self.folders.iter().all(|known| known != folder))
        {
            self.folders.push(folder.to_owned());
        }
        match &event.kind {
            EventKind::UserMessage => self.prompt(event),
            EventKind::FileEdit { path, diff } => {
                let hunks = diff.as_deref().map(hunks).unwrap_or_default();
                let is_blind = diff.as_deref().is_none_or(|diff| diff.contains(CUT));
                let edit = self.edit(event, path.clone(), hunks, is_blind);
                self.edits.push(edit);
            }
            EventKind::FileCreate { path } => {
                let text: Vec<&str> = event.content.blocks.iter().filter_map(text_of).collect();
                let is_blind = text.is_empty() || text.iter().any(|text| text.contains(CUT));
                let lines = text.iter().flat_map(|text| text.lines());
                let hunk = Hunk { lines: lines.map(added).collect(), old: Vec::new() };
                let edit = self.edit(event, path.clone(), vec![hunk], is_blind);
                self.edits.push(edit);
            }
            EventKind::ShellCommand { command, .. } if command.contains("<<") => self.command(event, command),
            EventKind::ToolResult { is_error, .. } if !self.open.is_empty() => {
                let written = event.call_id().and_then(|call| self.open.remove(call)).unwrap_or_default();
                let failed =
                    *is_error || event.attributes.get(attr::EXIT_CODE).is_some_and(|code| code.as_i64() != Some(0));
                if !failed {
                    self.edits.extend(written);
                }
            }
            _ => {}
        }
    }

    fn prompt(&mut self, event: &Event) {
        let turn = u32::try_from(self.prompts.len() + 1).unwrap_or(u32::MAX);
        let text = event.content.texts().collect::<Vec<_>>().join("\n");
        self.prompts.push(Prompt { turn, event: event.event_id.clone(), at: event.timestamp, text });
    }

    fn edit(&self, event: &Event, path: String, hunks: Vec<Hunk>, is_blind: bool) -> Edit {
        Edit {
            event: event.event_id.clone(),
            at: event.timestamp,
            path,
            prompt: self.prompts.len().checked_sub(1),
            task: event.task_id.clone(),
            hunks,
            is_blind,
        }
    }

    fn command(&mut self, event: &Event, command: &str) {
        let Some(call) = event.call_id() else { return };
        let folder = event.attr_str(attr::CWD).or(self.folders.last().map(String::as_str)).unwrap_or_default();
        let written = heredoc::written(command).into_iter().map(|written| {
            let is_whole = written.path.starts_with(['/', '~']) || folder.is_empty();
            let path = if is_whole { written.path.to_owned() } else { format!("{folder}/{}", written.path) };
            let hunk = Hunk { lines: written.lines.into_iter().map(added).collect(), old: Vec::new() };
            self.edit(event, path, vec![hunk], false)
        });
        let written: Vec<Edit> = written.collect();
        if !written.is_empty() {
            self.open.insert(call.to_owned(), written);
        }
    }
}

fn added(line: &str) -> HunkLine {
    HunkLine { text: line.to_owned(), old: None }
}

fn text_of(block: &Block) -> Option<&str> {
    match block {
        Block::Text { text } => Some(text),
        Block::Code { code, .. } => Some(code),
        Block::File { content, .. } => content.as_deref(),
        _ => None,
    }
}

/// What a unified diff, with or without a header, left in the file.
fn hunks(diff: &str) -> Vec<Hunk> {
    let mut hunks: Vec<Hunk> = Vec::new();
    let mut change = Change::default();
    for line in diff.lines() {
        // Before the first hunk there may be the header of a file.
        let is_header = hunks.is_empty() && (line.starts_with("--- ") || line.starts_with("+++ "));
        if is_header || line.starts_with('\\') {
            continue;
        }
        if let Some(text) = line.strip_prefix('-') {
            change.removed.push(text);
        } else if let Some(text) = line.strip_prefix('+') {
            change.added.push(text);
        } else {
            change.end(&mut hunks);
            if line.starts_with("@@") {
                hunks.push(Hunk::default());
            } else {
                let text = line.strip_prefix(' ').unwrap_or(line);
                let old = push_old(&mut hunks, text);
                push(&mut hunks, text, Some(old));
            }
        }
    }
    change.end(&mut hunks);
    hunks
}

fn push(hunks: &mut Vec<Hunk>, text: &str, old: Option<usize>) {
    if hunks.is_empty() {
        hunks.push(Hunk::default());
    }
    if let Some(hunk) = hunks.last_mut() {
        hunk.lines.push(HunkLine { text: text.to_owned(), old });
    }
}

/// Adds a line that was there; its place.
fn push_old(hunks: &mut Vec<Hunk>, text: &str) -> usize {
    if hunks.is_empty() {
        hunks.push(Hunk::default());
    }
    let Some(hunk) = hunks.last_mut() else { return 0 };
    hunk.old.push(text.to_owned());
    hunk.old.len() - 1
}

/// Lines that were put in the place of others.
#[derive(Default)]
struct Change<'a> {
    removed: Vec<&'a str>,
    added: Vec<&'a str>,
}

impl Change<'_> {
    /// How many lines are compared one by one.
    const COMPARED: usize = 4000;

    /// Tells what was added. A patch may take a line out and put the same one in: that one was there.
    fn end(&mut self, hunks: &mut Vec<Hunk>) {
        let (removed, added) = (std::mem::take(&mut self.removed), std::mem::take(&mut self.added));
        let places: Vec<usize> = removed.iter().map(|text| push_old(hunks, text)).collect();
        if removed.is_empty() || removed.len() + added.len() > Self::COMPARED {
            for text in added {
                push(hunks, text, None);
            }
            return;
        }
        for step in capture_diff_slices(Algorithm::Myers, &removed, &added) {
            let stays = matches!(step, DiffOp::Equal { .. });
            let new = added.get(step.new_range()).unwrap_or_default();
            for (text, old) in new.iter().zip(step.old_range().start..) {
                push(hunks, text, places.get(old).copied().filter(|_| stays));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Content;

    fn event(number: i64, kind: EventKind, content: Content) -> Event {
        Event::new(format!("e{number}"), Timestamp::from_seconds(number), kind, content)
    }

    fn of(events: impl IntoIterator<Item = Event>) -> TrailBuilder {
        let mut reading = TrailBuilder { folders: vec!["/r".to_owned()], ..TrailBuilder::default() };
        events.into_iter().for_each(|event| reading.take(&event));
        reading
    }

    fn told(edit: &Edit) -> String {
        let lines = edit.hunks.iter().flat_map(|hunk| &hunk.lines);
        let line = |line: &HunkLine| format!("{}{}|", if line.is_added() { '+' } else { ' ' }, line.text);
        lines.map(line).collect::<Vec<_>>().concat()
    }

    #[test]
    fn an_edit_belongs_to_the_prompt_above_it() {
        let diff = "--- a\n+++ b\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n\n@@ fn x\n+++ y\n\\ No newline at end of file\n";
        let edit = EventKind::FileEdit { path: "/r/a".into(), diff: Some(diff.into()) };
        let read = of([
            event(1, EventKind::FileCreate { path: "/r/n".into() }, Content::text("x\n\ny\n")),
            event(2, EventKind::UserMessage, Content::text("do it")),
            event(3, edit, Content::empty()),
            event(4, EventKind::UserMessage, Content::text("again")),
            event(5, EventKind::FileEdit { path: "/r/a".into(), diff: None }, Content::empty()),
        ]);
        let places: Vec<_> = read.edits.iter().map(|edit| (edit.prompt, edit.is_blind)).collect();
        assert_eq!(places, [(None, false), (Some(0), false), (Some(1), true)]);
        assert_eq!(told(&read.edits[0]), "+x|+|+y|");
        assert_eq!(told(&read.edits[1]), " one|+2| |+++ y|");
        assert_eq!(read.edits[1].hunks.len(), 2);
        assert_eq!(read.prompts[1].turn, 2);
    }

    #[test]
    fn what_a_patch_takes_out_and_puts_in_again_was_there() {
        let told = |diff: &str| {
            let lines = hunks(diff).into_iter().flat_map(|hunk| hunk.lines);
            let line = |line: HunkLine| format!("{}{}|", if line.is_added() { '+' } else { ' ' }, line.text);
            lines.map(line).collect::<Vec<_>>().concat()
        };
        assert_eq!(told("@@ x\n-one\n-two\n-three\n+one\n+2\n+three\n+four\n end\n"), " one|+2| three|+four| end|");
        assert_eq!(told("+one\n+two\n"), "+one|+two|");
    }

    #[test]
    fn a_here_document_is_an_edit_if_its_command_succeeded() {
        let run = |number, call: &str, code: i32| {
            let command = "cat > sub/a <<'E'\nline\nE".to_owned();
            let mut shell = event(number, EventKind::ShellCommand { command, exit_code: None }, Content::empty());
            shell.attributes.insert(attr::CALL_ID.to_owned(), call.into());
            let kind = EventKind::ToolResult { name: "Bash".into(), is_error: false, call_id: Some(call.into()) };
            let mut result = event(number + 1, kind, Content::empty());
            result.attributes.insert(attr::EXIT_CODE.to_owned(), code.into());
            [shell, result]
        };
        let read = of(run(1, "c1", 0).into_iter().chain(run(3, "c2", 1)));
        assert_eq!(read.edits.len(), 1);
        assert_eq!((read.edits[0].path.as_str(), read.edits[0].event.as_str()), ("/r/sub/a", "e1"));
        assert_eq!(told(&read.edits[0]), "+line|");
    }
}
