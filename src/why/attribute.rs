//! Which edit wrote which line: the lines that one commit brought into one file, held against the edits of the
//! sessions behind that commit.
//!
//! A line is an edit's only if the edit wrote the same line. Where that alone does not tell (a `}`, a line that several
//! edits wrote, or one that a human wrote once more), what stands around it does: the edit's hunk, its context and its
//! other lines, is laid over the file at that line, and compared upwards and downwards. What agrees best has it; of
//! equals the last edit before the commit. Each line of an edit is one line of the file, never two.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::same::{Pattern, Sameness, bare, solid};
use super::trail::Edit;
use crate::link::is_telling;

/// A clock may be a little ahead of another, in seconds.
const SLACK: i64 = 120;
/// How far a hunk is compared with what is around a line: the weight of agreement, and how far something that tells is
/// looked for.
const WEIGHED: usize = 3;
const SEARCHED: usize = 40;
/// How many letters and digits a line must have left where something was taken out of it.
const LEAST_LEFT: usize = 6;
/// How many lines a formatter makes of one, or one of.
const REWRAPPED: usize = 16;

/// An edit that may have written lines of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    /// The edit.
    pub edit: &'a Edit,
    /// Whether it was of a file of another name, which the commit has no more: it was renamed.
    pub is_renamed: bool,
}

/// A file as it is now, made comparable once for all commits that its lines are from.
pub(super) struct File<'a> {
    lines: &'a [String],
    /// Lines that are the same but for white space have the same number.
    numbers: HashMap<String, u32>,
    solid: Vec<u32>,
    /// How often each number is in the file.
    counts: HashMap<u32, usize>,
    telling: Vec<bool>,
    /// The lines without what formatters change; only made if they are needed.
    bares: OnceCell<Vec<String>>,
}

/// The number of a line that the file does not have.
const ELSEWHERE: u32 = u32::MAX;

impl<'a> File<'a> {
    /// Of these lines.
    pub fn new(lines: &'a [String]) -> Self {
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut counts = HashMap::new();
        let mut all = Vec::with_capacity(lines.len());
        for line in lines {
            let next = u32::try_from(numbers.len()).unwrap_or(ELSEWHERE);
            let number = *numbers.entry(solid(line).into_owned()).or_insert(next);
            *counts.entry(number).or_default() += 1;
            all.push(number);
        }
        let telling = lines.iter().map(|line| is_telling(line)).collect();
        Self { lines, numbers, solid: all, counts, telling, bares: OnceCell::new() }
    }

    fn number(&self, line: &str) -> u32 {
        self.numbers.get(solid(line).as_ref()).copied().unwrap_or(ELSEWHERE)
    }

    fn is_telling(&self, line: usize) -> bool {
        self.telling.get(line).copied().unwrap_or(false)
    }

    fn text(&self, line: usize) -> &'a str {
        self.lines.get(line).map_or("", String::as_str)
    }

    fn bares(&self) -> &[String] {
        self.bares.get_or_init(|| self.lines.iter().map(|line| bare(line).into_owned()).collect())
    }
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
    matching.rewrapped();
    matching.redacted();
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
        for (place, candidate) in candidates.iter().enumerate() {
            let at = candidate.edit.at.seconds();
            if at > made.author_time.max(made.commit_time).saturating_add(SLACK) {
                continue;
            }
            // What was edited after the commit was first written can only have come in by an amend.
            let rank = (at <= made.author_time.saturating_add(SLACK), candidate.edit.at.millis(), place);
            for hunk in &candidate.edit.hunks {
                let solid = hunk.lines.iter().map(|line| file.number(&line.text)).collect();
                let texts = hunk.lines.iter().map(|line| (line.text.trim_end_matches('\r'), line.is_added)).collect();
                hunks.push(Laid { edit: place, solid, texts, rank });
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
            let Some(slots) = self.file.solid.get(line).and_then(|number| slots.get(number)) else { continue };
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
        let Some(laid) = self.hunks.get(slot.hunk) else { return Fit::default() };
        let mut fit = Fit { tells: self.file.is_telling(line), ..Fit::default() };
        for is_down in [false, true] {
            let step = |from: usize, by: usize| if is_down { from.checked_add(by) } else { from.checked_sub(by) };
            let mut same = 0;
            while same < if fit.tells { WEIGHED } else { SEARCHED } {
                let next = step(slot.line, same + 1).and_then(|at| laid.solid.get(at));
                // Beyond the hunk nothing is known.
                let Some(expected) = next else { break };
                let there = step(line, same + 1);
                if there.and_then(|at| self.file.solid.get(at)) != Some(expected) {
                    fit.disagree += usize::from(same == 0);
                    break;
                }
                same += 1;
                fit.tells |= there.is_some_and(|at| self.file.is_telling(at));
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

    /// Lines that a formatter has made of others: some lines of the file are, but for what formatters change, some
    /// lines that an edit wrote, whole ones both.
    fn rewrapped(&mut self) {
        let left = self.left();
        if left.is_empty() {
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
                let both_begin =
                    |edit: &String| !edit.is_empty() && (edit.starts_with(first) || first.starts_with(edit.as_str()));
                let found = edits.iter().enumerate().filter(|(_, edit)| both_begin(edit)).find_map(|(at, _)| {
                    let (taken, given) = whole_lines(bares, *line, &edits, at)?;
                    Some((taken, run.get(at..at + given)?.to_vec()))
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
        self.used.extend(slots.iter().map(|slot| (*slot, first)));
    }

    /// The lines that each edit added one after the other.
    fn runs(&self) -> Vec<Vec<Slot>> {
        let mut order: Vec<usize> = (0..self.hunks.len()).collect();
        order.sort_unstable_by_key(|hunk| std::cmp::Reverse(self.hunks.get(*hunk).map(|laid| laid.rank)));
        let mut runs = Vec::new();
        for hunk in order {
            let Some(laid) = self.hunks.get(hunk) else { continue };
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
    fn redacted(&mut self) {
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

#[cfg(test)]
mod tests {
    use super::super::testing::edit;
    use super::*;

    /// For each line of the file the edit that has it, and how: `0`, `1~` (white space), `0f`, `0r`; `-` if nobody.
    fn told(file: &str, edits: &[Edit]) -> String {
        told_of(file, edits, false)
    }

    fn told_of(file: &str, edits: &[Edit], is_renamed: bool) -> String {
        let lines: Vec<String> = file.lines().map(str::to_owned).collect();
        let candidates: Vec<_> = edits.iter().map(|edit| Candidate { edit, is_renamed }).collect();
        let wanted: Vec<usize> = (0..lines.len()).collect();
        let made = Made { author_time: 1000, commit_time: 1000 };
        let hits = attribute(&File::new(&lines), &wanted, made, &candidates);
        let mark = |hit: &Hit| match hit.sameness {
            Sameness::Exact => "",
            Sameness::Whitespace => "~",
            Sameness::Formatted => "f",
            Sameness::Redacted => "r",
        };
        let of = |line: usize| {
            let hit = hits.iter().find(|hit| hit.line == line);
            hit.map_or_else(|| "-".to_owned(), |hit| format!("{}{}", hit.edit, mark(hit)))
        };
        (0..lines.len()).map(of).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_an_edit_wrote_is_its_and_what_a_human_added_is_not() {
        let made = edit(1, "a", &["+fn first() {", "+    one_call();", "+}"]);
        let file = "fn first() {\n    one_call();\n    by_hand();\n}\n\nfn second() {\n    by_hand_too();\n}\n";
        assert_eq!(told(file, &[made]), "0 0 - 0 - - - -");
    }

    #[test]
    fn braces_are_told_by_what_is_around_them() {
        let one = edit(1, "a", &["+fn first() {", "+    one_call();", "+}", "+"]);
        let two = edit(2, "a", &[" }", " ", "+fn second() {", "+    two_calls();", "+}"]);
        let file = "fn first() {\n    one_call();\n}\n\nfn second() {\n    two_calls();\n}\n";
        assert_eq!(told(file, &[one.clone(), two]), "0 0 0 0 1 1 1");
        assert_eq!(told("}\n}\n", &[one]), "- -", "nothing tells whose they are");
        assert_eq!(told("{\n}\n", &[edit(1, "a", &["+{", "+}"])]), "0 0", "a whole file is told by all of it");
    }

    #[test]
    fn of_several_edits_that_wrote_a_line_the_last_before_the_commit_has_it() {
        let make = edit(1, "a", &["+first line of it", "+second line of it", "+third line of it"]);
        let other = edit(2, "a", &[" first line of it", "+another second line", " third line of it"]);
        let back = edit(3, "a", &[" first line of it", "+second line of it", " third line of it"]);
        let late = edit(5000, "a", &[" first line of it", "+second line of it", " third line of it"]);
        assert_eq!(
            told("first line of it\nsecond line of it\nthird line of it\n", &[make, other, back, late]),
            "0 2 0"
        );
    }

    #[test]
    fn a_line_that_a_human_wrote_once_more_stays_his() {
        let made = edit(1, "a", &["+fn first() {", "+    shared_call(value);", "+}"]);
        let file = "fn first() {\n    shared_call(value);\n}\nfn hand() {\n    other();\n    shared_call(value);\n}\n";
        assert_eq!(told(file, &[made]), "0 0 0 - - - -");
    }

    #[test]
    fn white_space_formatters_and_redaction_are_marked() {
        let made = edit(
            1,
            "a",
            &[
                "+if ready {",
                "+call(first_argument, second_argument)",
                "+}",
                "+key = \"[REDACTED:stripe-key]\"",
                "+path = ~/x/y",
            ],
        );
        let file = "if ready {\n    call(\n        first_argument,\n        second_argument,\n    )\n}\nkey = \"sk_1\"\npath = /home/ann/x/y\n";
        assert_eq!(told(file, std::slice::from_ref(&made)), "0 0f 0f 0f 0f 0 0r 0r");
        assert_eq!(told("\tif ready {\n", &[made]), "0~");
        let split = edit(1, "a", &["+let total = first_value", "+    + second_value;"]);
        assert_eq!(told("let total = first_value + second_value;\n", &[split]), "0f");
    }

    #[test]
    fn a_part_of_what_an_edit_wrote_is_not_what_it_wrote() {
        let made = edit(1, "a", &["+let value = compute_all(of_it);"]);
        assert_eq!(told("let value = compute_all\n", &[made]), "-");
    }

    #[test]
    fn in_a_renamed_file_only_what_stands_together_counts() {
        let made = edit(1, "old", &["+first line of it", "+second line of it"]);
        assert_eq!(told_of("first line of it\nsecond line of it\n", std::slice::from_ref(&made), true), "0 0");
        assert_eq!(told_of("x\nsecond line of it\n", &[made], true), "- -");
    }
}
