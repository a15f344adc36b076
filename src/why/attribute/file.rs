//! A file whose lines can be compared with those of edits.

use std::cell::OnceCell;
use std::collections::HashMap;

use crate::link::is_telling;
use crate::why::same::{bare, solid};

/// A file as it is now, made comparable once for all commits that its lines are from.
pub(in crate::why) struct File<'a> {
    pub(super) lines: &'a [String],
    /// Lines that are the same but for white space have the same number.
    pub(super) numbers: HashMap<String, u32>,
    pub(super) solid: Vec<u32>,
    /// How often each number is in the file.
    pub(super) counts: HashMap<u32, usize>,
    telling: Vec<bool>,
    /// The lines without what formatters change; only made if they are needed.
    bares: OnceCell<Vec<String>>,
}

impl<'a> File<'a> {
    /// Of these lines.
    pub fn new(lines: &'a [String]) -> Self {
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut counts = HashMap::new();
        let mut all = Vec::with_capacity(lines.len());
        for line in lines {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            let number = *numbers.entry(solid(line).into_owned()).or_insert(next);
            *counts.entry(number).or_default() += 1;
            all.push(number);
        }
        let telling = lines.iter().map(|line| is_telling(line)).collect();
        Self { lines, numbers, solid: all, counts, telling, bares: OnceCell::new() }
    }

    pub(super) fn is_telling(&self, line: usize) -> bool {
        self.telling.get(line).copied().unwrap_or(false)
    }

    pub(super) fn text(&self, line: usize) -> &'a str {
        self.lines.get(line).map_or("", String::as_str)
    }

    pub(super) fn bares(&self) -> &[String] {
        self.bares.get_or_init(|| self.lines.iter().map(|line| bare(line).into_owned()).collect())
    }
}

/// Numbers of lines: those of the file, and others for lines that it does not have.
pub(super) struct Numbers<'f> {
    file: &'f File<'f>,
    others: HashMap<String, u32>,
}

impl<'f> Numbers<'f> {
    /// Of a file.
    pub fn new(file: &'f File<'f>) -> Self {
        Self { file, others: HashMap::new() }
    }

    /// The number of a line.
    pub fn of(&mut self, line: &str) -> u32 {
        let solid = solid(line);
        let known = self.file.numbers.get(solid.as_ref()).or_else(|| self.others.get(solid.as_ref()));
        if let Some(number) = known {
            return *number;
        }
        let number = u32::try_from(self.file.numbers.len() + self.others.len()).unwrap_or(u32::MAX);
        self.others.insert(solid.into_owned(), number);
        number
    }
}
