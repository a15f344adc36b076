//! Which edit wrote which line: the lines that one commit brought into one file, held against the edits of the
//! sessions behind that commit.
//!
//! A line is an edit's only if the edit wrote the same line. Where that alone does not tell (a `}`, a line that several
//! edits wrote, or one that a human wrote once more), what stands around it does: the edit's hunk, its context and its
//! other lines, is laid over the file at that line, and compared upwards and downwards. What agrees best has it; of
//! equals the last edit before the commit. Each line of an edit is one line of the file, never two.

mod file;
mod rest;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub(super) use file::File;
use file::Numbers;

use super::same::Sameness;
use super::trail::{Edit, HunkLine};
use crate::link::is_telling;

/// A clock may be a little ahead of another, in seconds.
const SLACK: i64 = 120;
/// How far a hunk is compared with what is around a line: the weight of agreement, and how far something that tells is
/// looked for.
const WEIGHED: usize = 3;
const SEARCHED: usize = 40;

/// How many pairs of equal lines are compared: of a line that file and edits have a thousand times each, and of all. What
/// is more is told by the lines next to it.
const CROWDED: usize = 1_000_000;
const MOST_PAIRS: usize = 2_000_000;

/// An edit that may have written lines of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    /// The edit.
    pub edit: &'a Edit,
    /// Whether it was of a file of another name, which the commit has no more: it was renamed.
    pub is_renamed: bool,
}

/// When a commit was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made {
    /// When it was written.
    pub author_time: i64,
    /// When it was committed, perhaps again.
    pub commit_time: i64,
}

/// The edit that wrote a line, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    /// The line of the file, from 0.
    pub line: usize,
    /// The edit, as a place among the candidates.
    pub edit: usize,
    /// How the two lines are the same.
    pub sameness: Sameness,
    /// How many lines around it are the edit's surroundings, too; at most 6.
    pub around: usize,
}

/// Finds the edits that wrote some lines (places in the file, from 0, sorted).
pub(super) fn attribute<'a>(
    file: &'a File<'a>,
    wanted: &[usize],
    made: Made,
    candidates: &[Candidate<'a>],
) -> Vec<Hit> {
    let mut matching = Matching::new(file, wanted, made, candidates);
    matching.assign(Sameness::Exact);
    matching.assign(Sameness::Whitespace);
    matching.carried();
    matching.rewrapped();
    matching.redacted();
    matching.parted();
    let mut hits: Vec<Hit> = matching.hits.into_values().collect();
    hits.sort_unstable_by_key(|hit| hit.line);
    hits
}

/// A line of a hunk, found by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Slot {
    hunk: usize,
    line: usize,
}

/// A hunk in numbers: lines that are the same but for white space have the same.
struct Laid<'a> {
    edit: usize,
    solid: Vec<u32>,
    texts: Vec<(&'a str, bool)>,
    /// What was there before, in the same numbers, and whether each tells.
    old: Vec<(u32, bool)>,
    /// For each line its place in that.
    was: Vec<Option<usize>>,
    rank: (bool, i64, usize),
}

struct Matching<'a> {
    file: &'a File<'a>,
    wanted: Vec<usize>,
    hunks: Vec<Laid<'a>>,
    renamed: Vec<bool>,
    hits: HashMap<usize, Hit>,
    used: HashMap<Slot, usize>,
}

/// How well a hunk fits around a line.
#[derive(Debug, Clone, Copy, Default)]
struct Fit {
    agree: usize,
    disagree: usize,
    tells: bool,
}

impl<'a> Matching<'a> {
    fn new(file: &'a File<'a>, wanted: &[usize], made: Made, candidates: &[Candidate<'a>]) -> Self {
        let mut hunks = Vec::new();
        let mut numbers = Numbers::new(file);
        for (place, candidate) in candidates.iter().enumerate() {
            let at = candidate.edit.at.seconds();
            if at > made.author_time.max(made.commit_time).saturating_add(SLACK) {
                continue;
            }
            // What was edited after the commit was first written can only have come in by an amend.
            let rank = (at <= made.author_time.saturating_add(SLACK), candidate.edit.at.millis(), place);
            for hunk in &candidate.edit.hunks {
                let solid = hunk.lines.iter().map(|line| numbers.of(&line.text)).collect();
                let text = |line: &'a HunkLine| (line.text.trim_end_matches('\r'), line.is_added());
                let texts = hunk.lines.iter().map(text).collect();
                let old = hunk.old.iter().map(|line| (numbers.of(line), is_telling(line))).collect();
                let was = hunk.lines.iter().map(|line| line.old).collect();
                hunks.push(Laid { edit: place, solid, texts, old, was, rank });
            }
        }
        let renamed = candidates.iter().map(|candidate| candidate.is_renamed).collect();
        let (wanted, hits, used) = (wanted.to_vec(), HashMap::new(), HashMap::new());
        Self { file, wanted, hunks, renamed, hits, used }
    }

    fn left(&self) -> Vec<usize> {
        self.wanted.iter().copied().filter(|line| !self.hits.contains_key(line)).collect()
    }

    /// Gives lines to the edits that fit best, the best first.
    fn assign(&mut self, sameness: Sameness) {
        let mut slots: HashMap<u32, Vec<Slot>> = HashMap::new();
        for (hunk, laid) in self.hunks.iter().enumerate() {
            for (line, (number, (_, is_added))) in laid.solid.iter().zip(&laid.texts).enumerate() {
                if *is_added {
                    slots.entry(*number).or_default().push(Slot { hunk, line });
                }
            }
        }
        let mut found = Vec::new();
        for line in self.left() {
            let Some(number) = self.file.solid.get(line) else { continue };
            let Some(slots) = slots.get(number) else { continue };
            let count = self.file.counts.get(number).copied().unwrap_or(1);
            if slots.len().saturating_mul(count) > CROWDED || found.len() > MOST_PAIRS {
                continue;
            }
            for slot in slots.iter().filter(|slot| !self.used.contains_key(slot)) {
                if sameness == Sameness::Exact && self.text_at(*slot) != Some(self.file.text(line)) {
                    continue;
                }
                let fit = self.fit(line, *slot);
                let is_sure = sameness == Sameness::Exact || fit.disagree == 0 || self.file.is_telling(line);
                if is_sure && self.is_enough(line, *slot, fit) {
                    let rank = self.hunks.get(slot.hunk).map_or((false, 0, 0), |laid| laid.rank);
                    found.push((std::cmp::Reverse(fit.disagree), fit.agree, rank, std::cmp::Reverse(line), *slot));
                }
            }
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        for (_, agree, _, std::cmp::Reverse(line), slot) in found {
            if !self.hits.contains_key(&line) && !self.used.contains_key(&slot) {
                self.give(line, slot, sameness, agree);
            }
        }
    }

    fn give(&mut self, line: usize, slot: Slot, sameness: Sameness, around: usize) {
        let Some(edit) = self.hunks.get(slot.hunk).map(|laid| laid.edit) else { return };
        self.used.insert(slot, line);
        self.hits.insert(line, Hit { line, edit, sameness, around });
    }

    fn text_at(&self, slot: Slot) -> Option<&'a str> {
        Some(self.hunks.get(slot.hunk)?.texts.get(slot.line)?.0)
    }

    /// Lays the hunk of a slot over the file at a line.
    fn fit(&self, line: usize, slot: Slot) -> Fit {
        let there = |at: usize| Some((*self.file.solid.get(at)?, self.file.is_telling(at)));
        self.fit_over(there, line, slot)
    }

    /// Lays the hunk of a slot over lines, each with its number and whether it tells, at one of them.
    fn fit_over(&self, there: impl Fn(usize) -> Option<(u32, bool)>, line: usize, slot: Slot) -> Fit {
        let Some(laid) = self.hunks.get(slot.hunk) else { return Fit::default() };
        let mut fit = Fit { tells: there(line).is_some_and(|(_, tells)| tells), ..Fit::default() };
        for is_down in [false, true] {
            let step = |from: usize, by: usize| if is_down { from.checked_add(by) } else { from.checked_sub(by) };
            let mut same = 0;
            while same < if fit.tells { WEIGHED } else { SEARCHED } {
                let next = step(slot.line, same + 1).and_then(|at| laid.solid.get(at));
                // Beyond the hunk nothing is known.
                let Some(expected) = next else { break };
                let found = step(line, same + 1).and_then(&there);
                let Some((_, tells)) = found.filter(|(number, _)| number == expected) else {
                    fit.disagree += usize::from(same == 0);
                    break;
                };
                same += 1;
                fit.tells |= tells;
            }
            fit.agree += same.min(WEIGHED);
        }
        fit
    }

    /// Whether a line is an edit's, as far as this line and what is around it say. A line that tells, and that the file
    /// has once, needs nothing around it.
    fn is_enough(&self, line: usize, slot: Slot, fit: Fit) -> bool {
        if !self.file.is_telling(line) {
            let whole = self.hunks.get(slot.hunk).is_some_and(|laid| laid.solid.len() == self.file.solid.len());
            return (fit.tells && fit.agree > fit.disagree) || (whole && fit.disagree == 0);
        }
        let is_once = self.file.solid.get(line).and_then(|number| self.file.counts.get(number)) == Some(&1);
        let is_renamed = self.hunks.get(slot.hunk).and_then(|laid| self.renamed.get(laid.edit)) == Some(&true);
        // In a file of another name only what stands among its own.
        if is_renamed { fit.agree > 0 } else { is_once || fit.agree > 0 || fit.disagree == 0 }
    }
}
