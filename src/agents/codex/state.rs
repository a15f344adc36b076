//! What a parser of rollouts remembers: from line to line ([`State`]), and for the header ([`Facts`]).
//! Both are small and can be stored, so that a grown log is read on from where it was.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::copy::Copy;
use super::record::Usage;
use super::text;
use crate::session::{Agent, Attributes, Context, HAIL_VERSION, Header, Timestamp, attr};

/// Everything that decides what the next line becomes. Cheap to copy: texts are hashes or indices.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, found on a line of its own")]
pub(super) struct State {
    /// The session's own start has been read.
    pub started: bool,
    /// Lines have no envelope (before 0.32).
    pub bare: bool,
    /// The prompts are those of another agent.
    pub in_subagent: bool,
    /// There are `user_message` events: a user's message without one was not typed.
    pub has_user_events: bool,
    /// The last moment seen.
    pub now: Option<Timestamp>,
    /// Where the agent is, and by which model it answers; what the events so far have said of it.
    pub cwd: Option<u32>,
    pub model: Option<u32>,
    pub told_cwd: Option<u32>,
    pub told_model: Option<u32>,
    pub twins: Twins,
    pub total: Option<Usage>,
    pub carried: Increment,
    pub calls: VecDeque<OpenCall>,
    /// Calls whose edits have been told, by hash. Few lines are of edits: the others share it.
    edited: Rc<VecDeque<u64>>,
    pub copy: Copy,
}

/// A call without a result so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct OpenCall {
    pub id: u64,
    pub name: Option<u32>,
    pub duration_ms: Option<u64>,
}

/// How many open calls are remembered, and calls whose edits were told: the second word on those
/// comes soon after the first.
const CALLS: usize = 256;
const EDITED: usize = 32;

impl State {
    /// Becomes the same as another one, in the memory it has: there is one of these a line.
    pub(super) fn copy_from(&mut self, other: &Self) {
        let (mut twins, mut calls) = (std::mem::take(&mut self.twins.0), std::mem::take(&mut self.calls));
        twins.clone_from(&other.twins.0);
        calls.clone_from(&other.calls);
        let (edited, copy) = (Rc::clone(&other.edited), other.copy.clone());
        *self = Self { twins: Twins(twins), calls, edited, copy, ..*other };
    }

    /// Remembers a call until its result comes.
    pub(super) fn open_call(&mut self, id: u64, name: Option<u32>) {
        if self.calls.len() >= CALLS {
            self.calls.pop_front();
        }
        self.calls.push_back(OpenCall { id, name, duration_ms: None });
    }

    /// The call that a result answers.
    pub(super) fn close_call(&mut self, id: u64) -> Option<OpenCall> {
        let at = self.calls.iter().rposition(|call| call.id == id)?;
        self.calls.remove(at)
    }

    /// Whether the edits of a call are told for the first time.
    pub(super) fn first_edits_of(&mut self, id: u64) -> bool {
        if self.edited.contains(&id) {
            return false;
        }
        let edited = Rc::make_mut(&mut self.edited);
        if edited.len() >= EDITED {
            edited.pop_front();
        }
        edited.push_back(id);
        true
    }
}

/// The two streams of a rollout, that say most things twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stream {
    /// `event_msg`: what the screen showed.
    Shown,
    /// `response_item`: what the model saw.
    Model,
}

/// What one stream has said and the other has not yet, by hash. Which of the two comes first
/// differs between versions; whichever it is becomes the event, the other is passed over.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Twins(VecDeque<(u64, Stream)>);

impl Twins {
    /// Farthest apart that were measured: 8 lines.
    const KEPT: usize = 48;

    /// Whether the other stream has said this already, each saying counting once. If not, the
    /// other is expected to say it.
    pub(super) fn is_second(&mut self, hash: u64, stream: Stream) -> bool {
        let second = self.was_said(hash, stream);
        if !second {
            self.expect_second(hash, stream);
        }
        second
    }

    /// Whether the other stream has said this already, each saying counting once.
    pub(super) fn was_said(&mut self, hash: u64, stream: Stream) -> bool {
        let at = self.0.iter().position(|(said, by)| *said == hash && *by != stream);
        at.is_some_and(|at| self.0.remove(at).is_some())
    }

    /// Notes what one stream has said, for when the other does.
    pub(super) fn expect_second(&mut self, hash: u64, stream: Stream) {
        if self.0.len() >= Self::KEPT {
            self.0.pop_front();
        }
        self.0.push_back((hash, stream));
    }
}

/// Tokens that an event reports: fresh input without cache, output with reasoning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Increment {
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
}

impl Increment {
    pub(super) fn of(usage: Usage) -> Self {
        let cached = usage.cached;
        Self { input: usage.input.saturating_sub(cached), output: usage.output, cache_read: cached }
    }

    pub(super) fn is_zero(self) -> bool {
        self == Self::default()
    }

    pub(super) fn add(&mut self, more: Self) {
        self.input = self.input.saturating_add(more.input);
        self.output = self.output.saturating_add(more.output);
        self.cache_read = self.cache_read.saturating_add(more.cache_read);
    }

    /// Adds it to an event's attributes.
    pub(super) fn write(self, attributes: &mut Attributes) {
        let counts = [
            (attr::INPUT_TOKENS, self.input),
            (attr::OUTPUT_TOKENS, self.output),
            (attr::CACHE_READ_TOKENS, self.cache_read),
        ];
        for (key, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            let before = attributes.get(key).and_then(Value::as_u64).unwrap_or(0);
            attributes.insert(key.to_owned(), before.saturating_add(count).into());
        }
    }
}

impl State {
    /// The tokens that a `token_count` adds, if any: most come twice, and the total is cumulative and
    /// starts again after an old resume.
    pub(super) fn spent(&mut self, total: Option<Usage>, last: Option<Usage>) -> Increment {
        let before = self.total;
        if total.is_some() {
            if total == before {
                return Increment::default();
            }
            self.total = total;
        }
        match (last, total) {
            (Some(last), _) => Increment::of(last),
            (None, Some(total)) => match before {
                Some(before) if before.total <= total.total => Increment::of(difference(total, before)),
                _ => Increment::of(total),
            },
            (None, None) => Increment::default(),
        }
    }
}

fn difference(now: Usage, before: Usage) -> Usage {
    Usage {
        input: now.input.saturating_sub(before.input),
        cached: now.cached.saturating_sub(before.cached),
        output: now.output.saturating_sub(before.output),
        reasoning: now.reasoning.saturating_sub(before.reasoning),
        total: now.total.saturating_sub(before.total),
    }
}

/// What the header says. Reading a line a second time changes nothing of it, and nothing of it
/// decides what a line becomes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Facts {
    /// A record of Codex was read.
    pub is_codex: bool,
    pub session_id: Option<String>,
    pub related: BTreeSet<String>,
    pub provider: Option<String>,
    pub version: Option<String>,
    pub cwd: Option<String>,
    /// Header attributes, by key.
    pub attributes: Attributes,
    /// Folders, models and tools by index, as [`State`] has them.
    pub names: Vec<String>,
    /// The model that answered last.
    pub model: Option<u32>,
    pub earliest: Option<Timestamp>,
    pub latest: Option<Timestamp>,
    /// The first prompt, and the name the thread was given last.
    pub prompt: Option<Title>,
    pub name: Option<Title>,
}

/// A title by where it is from, and its hash to find it there: what is stored is kept beside the
/// repository as it is, and the text is not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Title {
    pub at: u64,
    hash: u64,
    #[serde(skip)]
    text: Option<String>,
}

impl Title {
    /// The title of a text that is on the line at this offset.
    pub(super) fn of(text: &str, at: u64) -> Option<Self> {
        let text = text::title(text)?;
        Some(Self { at, hash: text::hash("title", &text), text: Some(text) })
    }

    /// Takes its text from one that is on its line, if it is that.
    pub(super) fn find(&mut self, said: &str) {
        let found = Self::of(said, self.at).filter(|found| found.hash == self.hash);
        self.text = found.and_then(|found| found.text).or(self.text.take());
    }
}

impl Facts {
    /// More names than any session has: beyond, they are not kept.
    const NAMES: usize = 4096;

    /// The index of a name.
    pub(super) fn index(&mut self, name: &str) -> Option<u32> {
        let at = match self.names.iter().position(|known| known == name) {
            Some(at) => at,
            None if self.names.len() < Self::NAMES => {
                self.names.push(name.to_owned());
                self.names.len() - 1
            }
            None => return None,
        };
        u32::try_from(at).ok()
    }

    /// The name at an index.
    pub(super) fn name_at(&self, index: Option<u32>) -> Option<&str> {
        self.names.get(usize::try_from(index?).ok()?).map(String::as_str)
    }

    /// Takes a moment of the session's own into account.
    pub(super) fn saw(&mut self, at: Timestamp) {
        self.earliest = Some(self.earliest.map_or(at, |earliest| earliest.min(at)));
        self.latest = Some(self.latest.map_or(at, |latest| latest.max(at)));
    }

    /// The session's header. `fallback_id` is for a log that never says its id.
    pub(super) fn header(&self, fallback_id: &str) -> Header {
        let mut attributes = self.attributes.clone();
        if let Some(cwd) = &self.cwd {
            attributes.insert(attr::CWD.to_owned(), Value::from(cwd.as_str()));
        }
        let session_id = self.session_id.clone().unwrap_or_else(|| fallback_id.to_owned());
        let related = self.related.iter().filter(|id| **id != session_id).cloned().collect();
        let created_at = self.earliest.unwrap_or(Timestamp::EPOCH);
        Header {
            version: HAIL_VERSION.to_owned(),
            session_id,
            agent: Agent {
                provider: self.provider.clone().unwrap_or_else(|| "openai".to_owned()),
                model: self.name_at(self.model).unwrap_or("unknown").to_owned(),
                tool: super::AGENT.to_owned(),
                tool_version: self.version.clone(),
            },
            context: Context {
                title: [&self.name, &self.prompt].into_iter().flatten().find_map(|title| title.text.clone()),
                description: None,
                tags: Vec::new(),
                created_at,
                updated_at: self.latest.unwrap_or(created_at),
                related_session_ids: related,
                attributes,
            },
            extra: std::collections::BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u64, cached: u64, output: u64) -> Usage {
        let total = input + output;
        Usage { input, cached, output, reasoning: 0, total }
    }

    fn increment(input: u64, output: u64, cache_read: u64) -> Increment {
        Increment { input, output, cache_read }
    }

    #[test]
    fn a_count_that_is_told_twice_is_added_once() {
        let mut state = State::default();
        let (first, second) = (Some(usage(10, 4, 1)), Some(usage(20, 4, 2)));
        assert_eq!(state.spent(first, first), increment(6, 1, 4));
        assert_eq!(state.spent(first, first), Increment::default());
        assert_eq!(state.spent(second, Some(usage(10, 0, 1))), increment(10, 1, 0));
    }

    #[test]
    fn a_total_that_starts_again_is_a_new_one() {
        let mut state = State::default();
        state.spent(Some(usage(100, 0, 10)), Some(usage(100, 0, 10)));
        assert_eq!(state.spent(Some(usage(7, 2, 1)), Some(usage(7, 2, 1))), increment(5, 1, 2));
        assert_eq!(state.spent(Some(usage(5, 0, 1)), None), increment(5, 1, 0));
        assert_eq!(state.spent(Some(usage(9, 1, 3)), None), increment(3, 2, 1));
    }

    #[test]
    fn two_streams_say_a_thing_twice_and_each_saying_counts() {
        let mut twins = Twins::default();
        assert!(!twins.is_second(1, Stream::Shown));
        assert!(!twins.is_second(1, Stream::Shown));
        assert!(twins.is_second(1, Stream::Model));
        assert!(twins.is_second(1, Stream::Model));
        assert!(!twins.is_second(1, Stream::Model));
        assert!(twins.is_second(1, Stream::Shown));
    }

    #[test]
    fn what_is_remembered_does_not_grow() {
        let mut state = State::default();
        for id in 0..10_000 {
            state.open_call(id, None);
            state.first_edits_of(id);
            state.twins.is_second(id, Stream::Model);
        }
        let stored = serde_json::to_string(&state).expect("a state can be stored");
        assert!(stored.len() < 30_000, "{} bytes", stored.len());
        let mut copy = State::default();
        copy.copy_from(&state);
        assert_eq!(copy, state);
        assert!(state.close_call(9_999).is_some());
        assert!(state.close_call(9_999).is_none());
    }
}
