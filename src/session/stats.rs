//! The last line of a session: what its events add up to.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::event::attr;
use super::{Event, EventKind, Timestamp};

/// Counts folded from the events, never taken from anywhere else.
///
/// Tokens mean the same for every agent: fresh input excludes what came from or went to the
/// provider's cache, output includes reasoning, and every API message counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stats {
    /// Events.
    pub event_count: u64,
    /// Prompts of the human, answers of the agent, and summaries that tasks ended with.
    pub message_count: u64,
    /// Distinct tool calls.
    pub tool_call_count: u64,
    /// Distinct tasks (subagents).
    pub task_count: u64,
    /// From the earliest event to the latest.
    pub duration_seconds: u64,
    /// Fresh input tokens, without cache.
    pub total_input_tokens: u64,
    /// Output tokens, with reasoning.
    pub total_output_tokens: u64,
    /// Prompts that a human typed.
    pub user_message_count: u64,
    /// Distinct files of successful edits.
    pub files_changed: u64,
    /// Lines that the edits added.
    pub lines_added: u64,
    /// Lines that the edits removed.
    pub lines_removed: u64,
    /// Input tokens read from the cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_read_tokens: u64,
    /// Input tokens written to the cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write_tokens: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Adds events up, one by one. It can be stored and taken up again, so that a session that grew
/// is not read a second time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StatsFold {
    counted: Stats,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    // Hashes of names, not the names: this is kept beside the repository, and needs no text.
    calls: HashSet<u64>,
    tasks: HashSet<u64>,
    files: HashSet<u64>,
}

impl StatsFold {
    /// Counts one more event.
    pub fn add(&mut self, event: &Event) {
        self.counted.event_count += 1;
        self.first = Some(self.first.map_or(event.timestamp, |at| at.min(event.timestamp)));
        self.last = Some(self.last.map_or(event.timestamp, |at| at.max(event.timestamp)));
        if let Some(task) = &event.task_id {
            self.tasks.insert(hash_of(task));
        }
        let Stats { total_input_tokens, total_output_tokens, cache_read_tokens, cache_write_tokens, .. } =
            &mut self.counted;
        for (total, key) in [
            (total_input_tokens, attr::INPUT_TOKENS),
            (total_output_tokens, attr::OUTPUT_TOKENS),
            (cache_read_tokens, attr::CACHE_READ_TOKENS),
            (cache_write_tokens, attr::CACHE_WRITE_TOKENS),
        ] {
            // A log may say any number.
            *total = total.saturating_add(event.attr_u64(key));
        }
        self.add_kind(event);
    }

    fn add_kind(&mut self, event: &Event) {
        match &event.kind {
            EventKind::UserMessage => {
                self.counted.user_message_count += 1;
                self.counted.message_count += 1;
            }
            EventKind::AgentMessage => self.counted.message_count += 1,
            EventKind::TaskEnd { summary: Some(summary) } if !summary.trim().is_empty() => {
                self.counted.message_count += 1;
            }
            EventKind::FileEdit { diff: Some(diff), .. } => {
                let (added, removed) = changed_lines(diff);
                self.counted.lines_added += added;
                self.counted.lines_removed += removed;
            }
            EventKind::FileCreate { .. } => self.counted.lines_added += created_lines(event),
            _ => {}
        }
        if let Some(path) = event.kind.edited_path() {
            self.files.insert(hash_of(path));
        }
        if event.kind.is_call() || event.kind.edited_path().is_some() {
            self.calls.insert(hash_of(event.call_id().unwrap_or(&event.event_id)));
        }
    }

    /// What has been counted so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let span = match (self.first, self.last) {
            (Some(first), Some(last)) => u64::try_from(last.seconds() - first.seconds()).unwrap_or(0),
            _ => 0,
        };
        Stats {
            tool_call_count: self.calls.len() as u64,
            task_count: self.tasks.len() as u64,
            files_changed: self.files.len() as u64,
            duration_seconds: span,
            ..self.counted
        }
    }

    /// The earliest moment of the events counted so far.
    #[must_use]
    pub fn first(&self) -> Option<Timestamp> {
        self.first
    }

    /// The latest moment of the events counted so far.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }
}

/// `(added, removed)` lines of a unified diff with or without its file header.
pub(crate) fn changed_lines(diff: &str) -> (u64, u64) {
    let mut counts = (0, 0);
    let mut in_hunk = false;
    for line in diff.lines() {
        // A removed `-- x` reads `--- x`: only before the first hunk is that a header.
        let is_header = !in_hunk && (line.starts_with("--- ") || line.starts_with("+++ "));
        in_hunk |= line.starts_with("@@");
        match line.as_bytes().first() {
            Some(b'+') if !is_header => counts.0 += 1,
            Some(b'-') if !is_header => counts.1 += 1,
            _ => {}
        }
    }
    counts
}

fn created_lines(event: &Event) -> u64 {
    event.content.texts().map(|text| text.lines().count() as u64).sum()
}

fn hash_of(text: &str) -> u64 {
    // Fixed keys: the same text has the same hash in every run of one build, and a stored fold is
    // dropped when the build changes.
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Content, Event};

    fn event(id: &str, second: i64, kind: EventKind) -> Event {
        Event::new(id, Timestamp::from_seconds(second), kind, Content::empty())
    }

    fn folded(events: &[Event]) -> Stats {
        let mut fold = StatsFold::default();
        for event in events {
            fold.add(event);
        }
        fold.stats()
    }

    #[test]
    fn tokens_without_end_are_as_many_as_can_be_counted() {
        let mut event = Event::new("e".to_owned(), Timestamp::EPOCH, EventKind::AgentMessage, Content::empty());
        event.attributes.insert(attr::INPUT_TOKENS.to_owned(), u64::MAX.into());
        let mut fold = StatsFold::default();
        fold.add(&event);
        fold.add(&event);
        assert_eq!(fold.stats().total_input_tokens, u64::MAX);
    }

    #[test]
    fn a_call_and_the_edit_it_made_are_one_tool_call() {
        let mut call = event("e1", 0, EventKind::ToolCall { name: "Edit".into() });
        call.attributes.insert(attr::CALL_ID.into(), "c1".into());
        let diff = "@@ -1,2 +1,3 @@\n a\n--- b\n+++ c\n+d\n".to_owned();
        let mut edit = event("e2", 1, EventKind::FileEdit { path: "/r/a".into(), diff: Some(diff) });
        edit.attributes.insert(attr::CALL_ID.into(), "c1".into());
        let stats = folded(&[call, edit]);
        assert_eq!((stats.tool_call_count, stats.files_changed), (1, 1));
        assert_eq!((stats.lines_added, stats.lines_removed), (2, 1));
    }

    #[test]
    fn an_edit_without_its_call_is_a_call() {
        assert_eq!(folded(&[event("e1", 0, EventKind::FileDelete { path: "a".into() })]).tool_call_count, 1);
    }

    #[test]
    fn time_is_from_the_earliest_to_the_latest_whatever_the_order() {
        let events = [30, 10, 20].map(|at| event(&at.to_string(), at, EventKind::Thinking));
        assert_eq!(folded(&events).duration_seconds, 20);
    }

    #[test]
    fn a_stored_fold_goes_on_where_it_was() {
        let events: Vec<_> = (0..6)
            .map(|at| event(&at.to_string(), at, EventKind::FileCreate { path: format!("f{}", at % 4) }))
            .collect();
        let mut fold = StatsFold::default();
        for event in &events[..3] {
            fold.add(event);
        }
        let stored = serde_json::to_vec(&fold).expect("a fold can be stored");
        let mut fold: StatsFold = serde_json::from_slice(&stored).expect("a stored fold can be read");
        for event in &events[3..] {
            fold.add(event);
        }
        assert_eq!(fold.stats(), folded(&events));
    }
}
