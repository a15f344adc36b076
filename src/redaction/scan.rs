//! One pass over one text: from literals to what to replace.

use std::ops::Range;

use super::decoded::{self, View};
use super::findings::Findings;
use super::literals::{Literals, Noticed};
use super::person::People;
use super::rules::{self, Literal};
use super::text::{at, before, run_end, run_start, slice};

/// How deep texts in texts are looked into: base64 in a URL in base64.
const DEPTH: u8 = 3;

/// Bytes before and after an escape that are looked at without it: a name before, a value after.
const BEFORE: usize = 1024;
const AFTER: usize = 8 * 1024;

/// Bytes with escapes that are looked at together, at most: about a megabyte at a time.
const LONGEST: usize = 1 << 20;

/// Bytes within which a rule may look at what is a person's.
const BESIDE: usize = 1024;

/// What a replacement begins with.
const MARK: &[u8] = b"[REDACTED:";

/// What is to be replaced, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub range: Range<usize>,
    /// Index into [`rules::rules`].
    pub rule: usize,
    pub by: By,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum By {
    /// `[REDACTED:<rule>]`
    Mark,
    /// `~`
    Home,
    /// `user`
    User,
}

/// A text that is being looked through. Rules find their surroundings and leave their finds here.
#[derive(Debug)]
pub(super) struct Scan<'t> {
    pub bytes: &'t [u8],
    found: Vec<Found>,
    /// What a rule has looked at last, so that it does not look there again for each of its literals.
    looked: (usize, Range<usize>),
    /// The parts with escapes that are looked through by undoing them, in order.
    escaped: Vec<Range<usize>>,
    near: Near,
    /// Where lines of base64 end that were looked at as a whole.
    passed: usize,
    depth: u8,
}

/// Whether something of a person's was found beside a literal of a rule: the rule may see another text
/// there when that is replaced.
#[derive(Debug, Default)]
struct Near {
    last_rule: Option<usize>,
    last_person: Option<usize>,
    found: bool,
}

impl Near {
    fn rule(&mut self, at: usize) {
        self.found |= self.last_person.is_some_and(|end| at < end + BESIDE);
        self.last_rule = Some(at);
    }

    fn person(&mut self, range: &Range<usize>) {
        self.found |= self.last_rule.is_some_and(|at| range.start < at + BESIDE);
        self.last_person = Some(range.end);
    }
}

impl<'t> Scan<'t> {
    fn new(text: &'t str, depth: u8) -> Self {
        let (found, looked, escaped) = (Vec::new(), (0, 0..0), Vec::new());
        Self { bytes: text.as_bytes(), found, looked, escaped, near: Near::default(), passed: 0, depth }
    }

    /// Leaves a secret to be replaced. Nothing is replaced twice: a part of a replacement is no secret,
    /// nor is a whole one.
    pub(super) fn secret(&mut self, rule: usize, start: usize, end: usize) {
        let first = mark_around(self.bytes, start);
        let last = mark_around(self.bytes, end).filter(|mark| mark.start < end);
        let is_mark = first.as_ref().is_some_and(|mark| mark.start < start || mark.end >= end);
        if !is_mark {
            self.push(rule, start..last.map_or(end, |mark| mark.end), By::Mark);
        }
    }

    pub(super) fn push(&mut self, rule: usize, range: Range<usize>, by: By) {
        if by != By::Mark {
            self.near.person(&range);
        }
        if range.start < range.end && range.end <= self.bytes.len() {
            self.found.push(Found { range, rule, by });
        }
    }

    /// Whether a rule has looked at what is around its literal; if not, it has now, up to `end`.
    pub(super) fn has_looked(&mut self, literal: Literal, end: usize) -> bool {
        let (rule, range) = &self.looked;
        let has = *rule == literal.rule && range.contains(&literal.start);
        if !has {
            self.looked = (literal.rule, literal.start..end);
        }
        has
    }

    /// Notes that there is an escape, and that the text around it is to be looked at without it.
    fn escape(&mut self, at: usize) {
        let (start, end) = (at.saturating_sub(BEFORE), (at + AFTER).min(self.bytes.len()));
        match self.escaped.last_mut() {
            // A part that has grown long is followed by another, which overlaps it.
            Some(last) if start <= last.end && last.len() < LONGEST => last.end = last.end.max(end),
            _ => self.escaped.push(start..end),
        }
    }

    /// Whether all of this is to be replaced anyway.
    pub(super) fn is_covered(&self, start: usize, end: usize) -> bool {
        self.found.last().is_some_and(|last| last.range.start <= start && end <= last.range.end)
    }

    /// Whether a part of this is to be replaced anyway, wherever that was found.
    pub(super) fn is_found(&self, start: usize, end: usize) -> bool {
        self.found.iter().any(|one| one.by == By::Mark && one.range.start < end && start < one.range.end)
    }

    /// Whether lines of base64 were looked at as a whole up to behind this.
    pub(super) fn has_passed(&self, at: usize) -> bool {
        at < self.passed
    }

    /// Notes that they were.
    pub(super) fn pass(&mut self, end: usize) {
        self.passed = end;
    }

    /// Whether a text that this one holds in another encoding has a secret.
    pub(super) fn is_secret_inside(&self, machine: &Machine, text: &str) -> bool {
        self.depth < DEPTH && !machine.find(text, None, self.depth + 1).is_empty()
    }
}

/// What a literal stands for.
#[derive(Debug, Clone, Copy)]
enum Target {
    Rule(usize),
    /// Index into the literals of [`People`].
    Person(usize),
    /// An escape of another kind than JSON's.
    Escape,
}

/// All that is looked for in a text.
#[derive(Debug)]
pub(super) struct Machine {
    literals: Literals,
    targets: Vec<Target>,
}

impl Machine {
    pub(super) fn new(people: &People) -> Self {
        let of_rules = rules::rules()
            .iter()
            .enumerate()
            .flat_map(|(index, rule)| rule.literals.iter().map(move |&literal| (literal, Target::Rule(index))));
        let of_people = people.literals().enumerate().map(|(index, literal)| (literal, Target::Person(index)));
        let escapes = decoded::SIGNS.iter().map(|&sign| (sign, Target::Escape));
        let (literals, targets): (Vec<&str>, Vec<Target>) = of_rules.chain(escapes).chain(of_people).unzip();
        Self { literals: Literals::new(literals.into_iter()), targets }
    }

    /// What is to be replaced in a text, in order, without overlaps. Without `people` only secrets.
    pub(super) fn find(&self, text: &str, people: Option<&People>, depth: u8) -> Vec<Found> {
        self.find_and_tell(text, people, depth).0
    }

    /// The same, and whether replacing it may bring another secret to light: one that is beside it.
    pub(super) fn find_and_tell(&self, text: &str, people: Option<&People>, depth: u8) -> (Vec<Found>, bool) {
        let mut scan = Scan::new(text, depth);
        self.literals.each(text.as_bytes(), |Noticed { literal, start, end }| {
            match (self.targets.get(literal), people) {
                (Some(&Target::Rule(rule)), _) => {
                    scan.near.rule(start);
                    run(&mut scan, Literal { rule, start, end });
                }
                (Some(&Target::Person(sign)), Some(people)) => people.find(&mut scan, sign, start..end),
                (Some(Target::Escape), _) => scan.escape(start),
                (Some(Target::Person(_)) | None, _) => {}
            }
        });
        rules::find_base64(&mut scan, self);
        if depth < DEPTH {
            for part in std::mem::take(&mut scan.escaped) {
                self.find_escaped(&mut scan, text, part);
            }
        }
        let is_near = scan.near.found || scan.found.iter().any(|one| one.by == By::Mark);
        (merged(scan.found), is_near)
    }

    /// Looks at a part of a text with its escapes undone.
    fn find_escaped(&self, scan: &mut Scan<'_>, text: &str, part: Range<usize>) {
        let border = |at: usize| (at..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
        let start = border(part.start);
        let Some(view) = text.get(start..border(part.end)).and_then(View::of) else { return };
        for found in self.find(&view.text, None, scan.depth + 1) {
            let range = view.raw(&found.range);
            scan.found.push(Found { range: start + range.start..start + range.end, ..found });
        }
    }

    /// The rules whose literals are in a name, and where.
    pub(super) fn literals_in(&self, name: &str, mut each: impl FnMut(Literal)) {
        self.literals.each(name.as_bytes(), |Noticed { literal, start, end }| {
            if let Some(&Target::Rule(rule)) = self.targets.get(literal) {
                each(Literal { rule, start, end });
            }
        });
    }
}

/// The `[REDACTED:<rule>]` that the byte at `at` is in.
pub(super) fn mark_around(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let low = at.saturating_sub(48);
    let start = low + memchr::memrchr(b'[', slice(bytes, low, at + 1))?;
    let id = start + MARK.len();
    let end = run_end(bytes, id, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let is_mark = slice(bytes, start, id) == MARK && self::at(bytes, end) == b']';
    (is_mark && at <= end).then_some(start..end + 1)
}

/// Whether a literal is part of the name of a rule in `[REDACTED:<rule>]`.
fn is_in_mark(bytes: &[u8], start: usize) -> bool {
    let is_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let id = run_start(bytes, start, 32, is_id);
    before(bytes, id) == b':' && slice(bytes, id.saturating_sub(MARK.len()), id) == MARK
}

fn run(scan: &mut Scan<'_>, literal: Literal) {
    if is_in_mark(scan.bytes, literal.start) {
        return;
    }
    if let Some(rule) = rules::rules().get(literal.rule) {
        rule.find.find(scan, literal);
    }
}

/// Finds in order and without overlaps: what overlaps becomes one find that covers both.
pub(super) fn merged(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|one| (one.range.start, std::cmp::Reverse(one.range.end), one.rule));
    let mut result: Vec<Found> = Vec::with_capacity(found.len());
    for next in found {
        match result.last_mut() {
            Some(last) if next.range.start < last.range.end => {
                last.range.end = last.range.end.max(next.range.end);
                if last.by != By::Mark && next.by == By::Mark {
                    (last.rule, last.by) = (next.rule, next.by);
                }
            }
            _ => result.push(next),
        }
    }
    result
}

/// The text with everything found replaced, and counted.
pub(super) fn replaced(text: &str, found: &[Found], findings: &mut Findings) -> String {
    let mut result = String::with_capacity(text.len());
    let mut from = 0;
    for one in found {
        let Some(rule) = rules::rules().get(one.rule) else { continue };
        // Finds begin and end at ASCII. If one ever did not, it would grow to the whole character.
        let start = (from..=one.range.start).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(from);
        let end = (one.range.end..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
        result.push_str(text.get(from..start).unwrap_or_default());
        match one.by {
            By::Mark => result.extend(["[REDACTED:", rule.id, "]"]),
            By::Home => result.push('~'),
            By::User => result.push_str("user"),
        }
        findings.add(rule.id);
        from = end;
    }
    result.push_str(text.get(from..).unwrap_or_default());
    result
}
