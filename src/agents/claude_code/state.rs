//! What a parser must remember of a log's beginning to go on at its end.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

use super::queue::Queue;
use crate::agents::jsonl::Line;
use crate::session::Timestamp;

/// The whole of it. Text only where the header needs it, or an answer is still awaited.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    pub facts: Facts,
    pub seen: Seen,
    pub spending: Spending,
    /// The model and the folder of the event handed over last.
    pub model: Option<String>,
    pub cwd: Option<String>,
    pub main: Stream,
    pub agents: BTreeMap<String, AgentState>,
    /// The last settled line: a log that was rewritten has another there.
    pub last_line: Option<LastLine>,
}

/// What is known of a line, to see whether it is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastLine {
    /// Where it starts.
    pub offset: u64,
    /// Hash of its beginning.
    pub hash: u64,
}

impl LastLine {
    /// How much of the line is hashed: its ids and its time are in there.
    pub const HASHED: usize = 512;

    /// The hash of the beginning of a line.
    pub fn hashed(line: &[u8]) -> u64 {
        hash_bytes(b'l', [line.get(..Self::HASHED).unwrap_or(line)])
    }
}

/// The line read last, for its hash is wanted only where reading ends.
#[derive(Debug, Default)]
pub(super) struct Beginning {
    offset: u64,
    bytes: Vec<u8>,
}

impl Beginning {
    /// Takes the beginning of a line; not of one that is empty or too long to be read.
    pub fn keep(&mut self, line: &Line<'_>) {
        if !line.bytes.is_empty() {
            self.offset = line.offset;
            self.bytes.clear();
            self.bytes.extend_from_slice(line.bytes.get(..LastLine::HASHED).unwrap_or(line.bytes));
        }
    }

    /// What to remember of that line, if there was one.
    pub fn remembered(&self) -> Option<LastLine> {
        (!self.bytes.is_empty()).then(|| LastLine { offset: self.offset, hash: LastLine::hashed(&self.bytes) })
    }
}

/// What the header says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Facts {
    pub model: Option<String>,
    pub version: Option<String>,
    pub cwds: Vec<String>,
    pub branch: Option<String>,
    pub created: Option<Timestamp>,
    pub updated: Option<Timestamp>,
    pub custom_title: Option<String>,
    pub first_prompt: Option<String>,
    /// Summaries with the hash of the record they end at, which may be in another log.
    pub summaries: VecDeque<(u64, String)>,
    pub related: BTreeSet<String>,
}

/// How many summaries, folders and foreign session ids of one log are remembered.
pub(super) const REMEMBERED: usize = 64;

impl Facts {
    /// Takes a moment into the span of the session.
    pub fn span(&mut self, at: Timestamp) {
        self.created = Some(self.created.map_or(at, |first| first.min(at)));
        self.updated = Some(self.updated.map_or(at, |last| last.max(at)));
    }

    /// Remembers a summary.
    pub fn summed_up(&mut self, leaf: u64, summary: String) {
        if self.summaries.len() >= REMEMBERED {
            self.summaries.pop_front();
        }
        self.summaries.push_back((leaf, summary));
    }

    /// One line: the title that was given, else the last summary of this conversation, else what
    /// the human said first. A summary of another conversation is better than nothing.
    pub fn title(&self, seen: &Seen) -> Option<String> {
        let summary = |own: bool| {
            let mut summaries = self.summaries.iter().rev();
            summaries.find(|(leaf, _)| seen.contains(*leaf) == own).map(|(_, summary)| summary.clone())
        };
        let title = self.custom_title.clone().or_else(|| summary(true));
        title.or_else(|| self.first_prompt.clone()).or_else(|| summary(false))
    }

    /// Remembers a folder the agent was in.
    pub fn was_in(&mut self, cwd: &str) {
        if self.cwds.len() < REMEMBERED && !self.cwds.iter().any(|known| known == cwd) {
            self.cwds.push(cwd.to_owned());
        }
    }
}

/// One file's stream of records.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Stream {
    /// The time of the record before.
    pub last: Option<Timestamp>,
    /// Tool calls without an answer, by their id.
    pub calls: BTreeMap<String, Call>,
    pub queue: Queue,
    /// Subagents that write into this very file.
    pub sidechains: Vec<Sidechain>,
    /// Whether the first text, a subagent's task, has been seen.
    pub prompted: bool,
}

/// A tool call that awaits its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Call {
    /// The tool.
    pub name: String,
    /// Where in its file the line is that has its input.
    pub line: u64,
    /// What a task is called, and the hash of what it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<(Option<String>, u64)>,
}

/// How many tool calls without an answer are remembered.
const PENDING: usize = 1024;

impl Stream {
    /// Remembers a call until its answer comes; the oldest are given up beyond a thousand.
    pub fn called(&mut self, id: String, call: Call) {
        if self.calls.len() >= PENDING {
            let oldest = self.calls.iter().min_by_key(|(_, call)| call.line).map(|(id, _)| id.clone());
            oldest.and_then(|id| self.calls.remove(&id));
        }
        self.calls.insert(id, call);
    }
}

/// A subagent inlined in its parent's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sidechain {
    /// The task's id.
    pub task: String,
    /// Hashes of its last records, one of which the next one names as its parent.
    pub recent: VecDeque<u64>,
    /// Hash of what it was told: the prompt of the call that started it.
    pub prompt: u64,
}

impl Sidechain {
    /// Remembers one more record of the chain.
    pub fn grow(&mut self, record: u64) {
        if self.recent.len() >= REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(record);
    }
}

/// A subagent with a file of its own.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct AgentState {
    /// Bytes of its file that have been handed over.
    pub offset: u64,
    /// What its parent called it.
    pub title: Option<String>,
    /// Whether its `TaskStart` has been handed over.
    pub started: bool,
    /// How often it has ended: it can be continued.
    pub ends: u32,
    pub stream: Stream,
}

/// Hashes of what has been seen once, of 48 bits. Stored sorted, as the base64 of their distances
/// in LEB128: a long session has tens of thousands.
#[derive(Debug, Default)]
pub(super) struct Seen(HashSet<u64>);

impl Seen {
    /// Remembers it; `false` if it was there already.
    pub fn insert(&mut self, hash: u64) -> bool {
        self.0.insert(hash >> 16)
    }

    /// Whether it was seen.
    pub fn contains(&self, hash: u64) -> bool {
        self.0.contains(&(hash >> 16))
    }
}

impl Serialize for Seen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut hashes: Vec<u64> = self.0.iter().copied().collect();
        hashes.sort_unstable();
        let mut packed = Vec::with_capacity(hashes.len() * 6);
        let mut before = 0;
        for hash in hashes {
            let mut distance = hash - before;
            before = hash;
            while distance > 0x7f {
                packed.push((distance & 0x7f) as u8 | 0x80);
                distance >>= 7;
            }
            packed.push((distance & 0x7f) as u8);
        }
        serializer.serialize_str(&STANDARD_NO_PAD.encode(packed))
    }
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let packed = String::deserialize(deserializer)?;
        let packed = STANDARD_NO_PAD.decode(packed).map_err(de::Error::custom)?;
        let mut seen = HashSet::with_capacity(packed.len() / 5);
        let (mut hash, mut distance, mut shift) = (0_u64, 0_u64, 0_u32);
        for byte in packed {
            let bits = u64::from(byte & 0x7f).checked_shl(shift);
            distance |= bits.ok_or_else(|| de::Error::custom("a distance of more than 64 bits"))?;
            shift += 7;
            if byte & 0x80 == 0 {
                hash = hash.wrapping_add(distance);
                seen.insert(hash);
                (distance, shift) = (0, 0);
            }
        }
        Ok(Self(seen))
    }
}

/// What the API messages cost so far. Each is told on several lines, the last with the whole.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Spending {
    recent: VecDeque<(u64, Tokens)>,
}

/// Tokens of one API message: fresh input, output, read from the cache, written to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tokens {
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
}

impl Tokens {
    fn max(self, other: Self) -> Self {
        self.with(other, u64::max)
    }

    fn minus(self, other: Self) -> Self {
        self.with(other, u64::saturating_sub)
    }

    fn with(self, other: Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            input: combine(self.input, other.input),
            output: combine(self.output, other.output),
            cache_read: combine(self.cache_read, other.cache_read),
            cache_write: combine(self.cache_write, other.cache_write),
        }
    }
}

/// What a line adds to what is known of its API message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Increase {
    /// Whether this is the first line of the message.
    pub is_first: bool,
    /// The tokens that no line before has told.
    pub tokens: Tokens,
}

impl Spending {
    /// How many messages may still grow. Lines of one message lie close together; what comes after
    /// so many others is a copy of history.
    const OPEN: usize = 256;

    /// Takes the usage that a line tells of the message with this hash.
    pub fn told(&mut self, message: u64, tokens: Tokens, closed: &mut Seen) -> Increase {
        if let Some((_, known)) = self.recent.iter_mut().rev().find(|(hash, _)| *hash == message) {
            let grown = known.max(tokens);
            let increase = grown.minus(*known);
            *known = grown;
            return Increase { is_first: false, tokens: increase };
        }
        if closed.contains(message) {
            return Increase::default();
        }
        if self.recent.len() >= Self::OPEN
            && let Some((oldest, _)) = self.recent.pop_front()
        {
            closed.insert(oldest);
        }
        self.recent.push_back((message, tokens));
        Increase { is_first: true, tokens }
    }
}

/// A hash of some texts, the same in every build. `namespace` keeps a record's id from being
/// taken for a message's.
pub(super) fn hash(namespace: u8, parts: &[&str]) -> u64 {
    hash_bytes(namespace, parts.iter().map(|part| part.as_bytes()))
}

/// FNV-1a, 64 bits.
fn hash_bytes<'a>(namespace: u8, parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut take = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    take(namespace);
    for part in parts {
        part.iter().copied().for_each(&mut take);
        take(0);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(input: u64, output: u64) -> Tokens {
        Tokens { input, output, ..Tokens::default() }
    }

    #[test]
    fn the_increases_of_a_message_add_up_to_its_greatest_usage() {
        let (mut spending, mut closed) = (Spending::default(), Seen::default());
        let mut told = |message, tokens| spending.told(message, tokens, &mut closed);
        assert_eq!(told(1, tokens(5, 1)), Increase { is_first: true, tokens: tokens(5, 1) });
        assert_eq!(told(2, tokens(7, 0)), Increase { is_first: true, tokens: tokens(7, 0) });
        assert_eq!(told(1, tokens(5, 40)), Increase { is_first: false, tokens: tokens(0, 39) });
        assert_eq!(told(1, tokens(5, 40)), Increase { is_first: false, tokens: tokens(0, 0) });
        assert_eq!(told(1, tokens(4, 2)), Increase { is_first: false, tokens: tokens(0, 0) });
    }

    #[test]
    fn a_message_of_long_ago_is_not_counted_again() {
        let (mut spending, mut closed) = (Spending::default(), Seen::default());
        let message = |n: u32| hash(b'm', &[&n.to_string()]);
        for n in 0..1000 {
            assert!(spending.told(message(n), tokens(1, 1), &mut closed).is_first);
        }
        assert_eq!(spending.told(message(3), tokens(1, 1), &mut closed), Increase::default());
        assert_eq!(spending.recent.len(), Spending::OPEN);
    }

    #[test]
    fn what_was_seen_survives_storage() {
        let mut seen = Seen::default();
        (0..100).for_each(|n| assert!(seen.insert(hash(b'u', &[&n.to_string()]))));
        let stored = serde_json::to_string(&seen).expect("hashes can be stored");
        let mut again: Seen = serde_json::from_str(&stored).expect("stored hashes can be read");
        assert!(!again.insert(hash(b'u', &["99"])));
        assert!(again.insert(hash(b'm', &["99"])));
        assert!(stored.len() < 100 * 8, "{}", stored.len());
        for broken in ["7", "\"?\"", "\"//////////////\""] {
            assert!(serde_json::from_str::<Seen>(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn parts_are_told_apart() {
        assert_ne!(hash(b'm', &["ab", "c"]), hash(b'm', &["a", "bc"]));
    }

    #[test]
    fn calls_that_are_never_answered_are_given_up_in_the_end() {
        let mut stream = Stream::default();
        for line in 0..2000 {
            stream.called(format!("c{line}"), Call { name: "Bash".into(), line, task: None });
        }
        assert_eq!(stream.calls.len(), PENDING);
        assert!(stream.calls.contains_key("c1999") && !stream.calls.contains_key("c900"));
    }
}
