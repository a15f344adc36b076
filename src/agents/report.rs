//! What a parser skipped, and why.

use std::collections::BTreeMap;

use serde::Serialize;

/// Counts of what was read and skipped in one log; the first few skipped places by line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Lines seen.
    pub lines: u64,
    /// Records read, by their native type.
    pub records: BTreeMap<String, u64>,
    /// Records left out on purpose, by native type: noise that says nothing of the conversation.
    pub ignored: BTreeMap<String, u64>,
    /// Places that could not be read: all are counted, the first [`Report::PLACES`] are kept.
    pub skipped: Vec<Skip>,
    /// How many places could not be read.
    pub skipped_count: u64,
}

/// A place that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skip {
    /// Its line, from 1. Counted from the checkpoint when parsing went on from one.
    pub line: u64,
    /// Why.
    pub reason: SkipReason,
}

/// Why a line, or a part of one, was skipped. Never quotes the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// No JSON.
    NotJson,
    /// JSON, but no object.
    NotAnObject,
    /// Bytes that are no UTF-8: they were replaced, and the rest was read.
    NotUtf8,
    /// Cut off at the end of the file: it may be written still.
    Torn,
    /// Longer than a parser will hold in memory.
    TooLong,
    /// No readable timestamp where one is needed; the event took the time of the one before.
    BadTimestamp,
    /// A record whose fields are not what its type says.
    BadRecord,
}

impl Report {
    /// How many skipped places are kept by line.
    pub const PLACES: usize = 100;

    /// What items beyond the most that are kept of a list are called in [`Report::ignored`].
    pub const LEFT_OUT: &str = "items of too long lists";

    /// Notes a place that could not be read.
    pub fn skip(&mut self, line: u64, reason: SkipReason) {
        self.skipped_count += 1;
        if self.skipped.len() < Self::PLACES {
            self.skipped.push(Skip { line, reason });
        }
    }

    /// Notes a record that was read.
    pub fn read(&mut self, kind: &str) {
        count(&mut self.records, kind, 1);
    }

    /// Notes a record that was left out on purpose.
    pub fn ignore(&mut self, kind: &str) {
        count(&mut self.ignored, kind, 1);
    }

    /// Notes the items of a list that has more than [`MOST_ITEMS`](super::capped::MOST_ITEMS).
    pub fn leave_out(&mut self, items: u64) {
        if items > 0 {
            count(&mut self.ignored, Self::LEFT_OUT, items);
        }
    }
}

fn count(counts: &mut BTreeMap<String, u64>, kind: &str, more: u64) {
    match counts.get_mut(kind) {
        Some(n) => *n += more,
        None => {
            counts.insert(kind.to_owned(), more);
        }
    }
}
