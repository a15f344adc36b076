//! What is left when every line that is told by itself, or by what stands around it, has its edit.

use super::{Fit, Matching, Slot};
use crate::link::is_telling;
use crate::why::attribute::Hit;
use crate::why::same::{Pattern, Sameness, bare};

/// How many letters and digits a line must have left where something was taken out of it.
const LEAST_LEFT: usize = 6;
/// How many lines somebody puts between two of an edit.
const PARTED: usize = 8;
/// How many lines a formatter makes of one, or one of.
const REWRAPPED: usize = 16;
/// How many pairs of lines are compared at most, by those rules that compare each with each.
const MOST_PAIRS: usize = 20_000_000;

impl Matching<'_> {
    /// Lines that say little, and around which a later edit has changed what would tell: that edit knows what was there
    /// before, and so whose the lines are that it let stand.
    pub(super) fn carried(&mut self) {
        let mut order: Vec<usize> = (0..self.hunks.len()).collect();
        order.sort_unstable_by_key(|hunk| std::cmp::Reverse(self.hunks.get(*hunk).map(|laid| laid.rank)));
        let all: usize = self.hunks.iter().map(|laid| laid.texts.len()).sum();
        let left = self.left();
        if left.len().saturating_mul(all) > MOST_PAIRS {
            return;
        }
        for line in left {
            for &later in &order {
                if let Some((slot, around)) = self.carried_by(line, later) {
                    self.give(line, slot, Sameness::Exact, around);
                    break;
                }
            }
        }
    }

    /// The line of an earlier edit that a later one let stand where this line is now.
    fn carried_by(&self, line: usize, later: usize) -> Option<(Slot, usize)> {
        let laid = self.hunks.get(later)?;
        let number = self.file.solid.get(line)?;
        let stayed = laid.was.iter().enumerate().filter_map(|(at, was)| Some((at, (*was)?)));
        let stayed = stayed.filter(|(at, _)| laid.solid.get(*at) == Some(number));
        let (_, was) = stayed.into_iter().find(|(at, _)| {
            let fit = self.fit(line, Slot { hunk: later, line: *at });
            fit.tells && fit.agree > fit.disagree
        })?;
        let before = |at: usize| laid.old.get(at).copied();
        let mut found: Option<(Fit, Slot)> = None;
        for (hunk, earlier) in self.hunks.iter().enumerate().filter(|(_, earlier)| earlier.rank < laid.rank) {
            for (at, (text, is_added)) in earlier.texts.iter().enumerate() {
                let slot = Slot { hunk, line: at };
                let is_same = *is_added && *text == self.file.text(line) && !self.used.contains_key(&slot);
                if !is_same {
                    continue;
                }
                let fit = self.fit_over(before, was, slot);
                let is_better = found.is_none_or(|(best, _)| (fit.agree, best.disagree) >= (best.agree, fit.disagree));
                if fit.tells && fit.agree > fit.disagree && is_better {
                    found = Some((fit, slot));
                }
            }
        }
        found.map(|(fit, slot)| (slot, fit.agree))
    }

    /// Lines that a formatter has made of others: some lines of the file are, but for what formatters change, some
    /// lines that an edit wrote, whole ones both.
    pub(super) fn rewrapped(&mut self) {
        let left = self.left();
        let all: usize = self.hunks.iter().map(|laid| laid.texts.len()).sum();
        if left.is_empty() || left.len().saturating_mul(all) > MOST_PAIRS {
            return;
        }
        let file = self.file;
        let bares = file.bares();
        for run in self.runs() {
            let text = |slot: &Slot| bare(self.text_at(*slot).unwrap_or_default()).into_owned();
            let edits: Vec<String> = run.iter().map(text).collect();
            for line in &left {
                let first = bares.get(*line).map_or("", String::as_str);
                if self.hits.contains_key(line) || first.is_empty() {
                    continue;
                }
                let tells = is_telling(first);
                let both_begin = |edit: &String| {
                    let is_begun = edit.starts_with(first) || first.starts_with(edit.as_str());
                    // One that is the same and says nothing would say nothing.
                    is_begun && !edit.is_empty() && (tells || edit != first)
                };
                let found = edits.iter().enumerate().filter(|(_, edit)| both_begin(edit)).find_map(|(at, _)| {
                    let (taken, given) = whole_lines(bares, *line, &edits, at)?;
                    let slots = run.get(at..at + given)?.to_vec();
                    // What is the same but for white space was looked at, and found to be elsewhere.
                    let is_other = (taken, given) != (1, 1) || !self.is_same(*line, slots.first().copied());
                    is_other.then_some((taken, slots))
                });
                if let Some((taken, slots)) = found {
                    self.give_rewrapped(*line, taken, &slots);
                }
            }
        }
    }

    /// Gives some lines to the edit that has these, if none of its lines is another's already.
    fn give_rewrapped(&mut self, first: usize, taken: usize, slots: &[Slot]) {
        let edit = slots.first().and_then(|slot| self.hunks.get(slot.hunk)).map(|laid| laid.edit);
        let is_free = slots.iter().all(|slot| !self.used.contains_key(slot));
        let (Some(edit), true) = (edit, is_free) else { return };
        for line in first..first + taken {
            if self.wanted.binary_search(&line).is_ok() && !self.hits.contains_key(&line) {
                self.hits.insert(line, Hit { line, edit, sameness: Sameness::Formatted, around: 0 });
            }
        }
        self.used.extend(slots.iter().map(|slot| (*slot, first + taken - 1)));
    }

    /// Whether a line is that of a slot but for white space.
    fn is_same(&self, line: usize, slot: Option<Slot>) -> bool {
        let number = slot.and_then(|slot| self.hunks.get(slot.hunk)?.solid.get(slot.line));
        number.is_some() && number == self.file.solid.get(line)
    }

    /// Lines that say little and stood behind, or before, others of the same edit until somebody put some between, or
    /// changed those.
    pub(super) fn parted(&mut self) {
        for hunk in 0..self.hunks.len() {
            let count = self.hunks.get(hunk).map_or(0, |laid| laid.texts.len());
            let mut known = None;
            for line in 0..count {
                known = self.part(known, Slot { hunk, line }, false);
            }
            known = None;
            for line in (0..count).rev() {
                known = self.part(known, Slot { hunk, line }, true);
            }
        }
    }

    /// Looks for the line of a slot from that of a known one before it on, up or down to the next line that an edit has.
    /// What is known then.
    fn part(&mut self, known: Option<usize>, slot: Slot, is_up: bool) -> Option<usize> {
        if let Some(&line) = self.used.get(&slot) {
            return Some(line);
        }
        let (from, (text, true)) = (known?, *self.hunks.get(slot.hunk)?.texts.get(slot.line)?) else { return known };
        for by in 1..=PARTED {
            let next = if is_up { from.checked_sub(by) } else { from.checked_add(by) };
            let Some(line) = next.filter(|line| !self.hits.contains_key(line)) else { break };
            let is_it = self.file.text(line) == text && !self.file.is_telling(line);
            if is_it && self.wanted.binary_search(&line).is_ok() {
                self.give(line, slot, Sameness::Exact, 0);
                return Some(line);
            }
        }
        known
    }

    /// The lines that each edit added one after the other.
    fn runs(&self) -> Vec<Vec<Slot>> {
        let mut order: Vec<usize> = (0..self.hunks.len()).collect();
        order.sort_unstable_by_key(|hunk| std::cmp::Reverse(self.hunks.get(*hunk).map(|laid| laid.rank)));
        let mut runs = Vec::new();
        for hunk in order {
            let Some(laid) = self.hunks.get(hunk) else { continue };
            if self.renamed.get(laid.edit) == Some(&true) {
                continue;
            }
            let mut run = Vec::new();
            for (line, (_, is_added)) in laid.texts.iter().enumerate() {
                if *is_added {
                    run.push(Slot { hunk, line });
                } else if !run.is_empty() {
                    runs.push(std::mem::take(&mut run));
                }
            }
            if !run.is_empty() {
                runs.push(run);
            }
        }
        runs
    }

    /// Lines out of which something was taken in the session.
    pub(super) fn redacted(&mut self) {
        let left = self.left();
        if left.is_empty() {
            return;
        }
        let mut patterns = Vec::new();
        for (hunk, laid) in self.hunks.iter().enumerate() {
            for (line, (text, is_added)) in laid.texts.iter().enumerate() {
                let slot = Slot { hunk, line };
                if *is_added && !self.used.contains_key(&slot) {
                    let pattern = Pattern::of(text).filter(|pattern| pattern.says() >= LEAST_LEFT);
                    patterns.extend(pattern.map(|pattern| (laid.rank, slot, pattern)));
                }
            }
        }
        let mut found = Vec::new();
        for line in left {
            for (rank, slot, pattern) in patterns.iter().filter(|(.., pattern)| pattern.fits(self.file.text(line))) {
                let fit = self.fit(line, *slot);
                let says = pattern.says();
                if fit.disagree < 2 {
                    found.push((
                        std::cmp::Reverse(fit.disagree),
                        fit.agree,
                        says,
                        *rank,
                        std::cmp::Reverse(line),
                        *slot,
                    ));
                }
            }
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        for (_, agree, _, _, std::cmp::Reverse(line), slot) in found {
            if !self.hits.contains_key(&line) && !self.used.contains_key(&slot) {
                self.give(line, slot, Sameness::Redacted, agree);
            }
        }
    }
}

/// How many lines of the file from `line` on are, together, how many whole lines of an edit from `at` on; `None` if they
/// are not, or are so one by one, or say too little.
fn whole_lines(file: &[String], line: usize, edit: &[String], at: usize) -> Option<(usize, usize)> {
    let (mut here, mut there) = (String::new(), String::new());
    let (mut taken, mut given) = (0, 0);
    while taken < REWRAPPED && given < REWRAPPED {
        if here.len() <= there.len() {
            here.push_str(file.get(line + taken)?);
            taken += 1;
        } else {
            there.push_str(edit.get(at + given)?);
            given += 1;
        }
        if here == there && !here.is_empty() {
            let is_one_by_one = taken == given && taken > 1;
            return (!is_one_by_one && is_telling(&here)).then_some((taken, given));
        }
        if !(here.starts_with(&there) || there.starts_with(&here)) {
            return None;
        }
    }
    None
}
