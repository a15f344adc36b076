//! Noticing many literals in one walk over a text, whatever their case.
//!
//! Each literal is known by three of its bytes, the rarest in a row. The walk asks of every three bytes
//! of the text whether they are any literal's, which a small table answers; only where it says yes are
//! the literals compared. No step waits for the one before, as the steps of an automaton do, and six are
//! taken at once. Building it cannot fail.

/// Places in the table: few enough to stay in the first cache, many enough to say no.
const PLACES: usize = 1 << 15;

/// Triples of bytes that eight bytes have.
const BLOCK: usize = 6;

/// The letters of texts, from the most frequent to the rarest.
const FREQUENT: &[u8] = b" etsrnioacldpmuhfg/-.bkw10v2y\":x,435_6798()zjq=";

/// Triples that are more frequent than their letters say.
const COMMON: &[&[u8]] = &[
    b"use", b"cod", b"---", b"cre", b"bas", b"ken", b"nt-", b"pas", b"uth", b"att", b"ato", b"key", b"acc", b"med",
    b"d w", b" by", b"es:", b"cum", b"ks/", b"ut_", b"abi", b"ser", b"com",
];

/// A set of literals, known by their index.
#[derive(Debug)]
pub(super) struct Literals {
    /// For each hash of three bytes 0, or the number of its chain.
    table: Box<[u8; PLACES]>,
    chains: Vec<Vec<Entry>>,
    texts: Vec<Vec<u8>>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    literal: usize,
    /// Where in the literal its three bytes are.
    offset: usize,
}

/// A literal in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Noticed {
    pub literal: usize,
    pub start: usize,
    pub end: usize,
}

impl Literals {
    /// The set of literals, in order; those shorter than three bytes are never noticed.
    #[expect(clippy::large_stack_arrays, reason = "once; its length in the type spares the search a check per byte")]
    pub(super) fn new<'l>(literals: impl Iterator<Item = &'l str>) -> Self {
        let mut set = Self { table: Box::new([0; PLACES]), chains: vec![Vec::new()], texts: Vec::new() };
        let weights = weights();
        let frequency = |three: &[u8]| -> usize {
            let weight = |byte: &u8| weights.get(usize::from(*byte)).copied().unwrap_or_default();
            let is_common = COMMON.contains(&three);
            three.iter().map(weight).sum::<usize>() + if is_common { 3 * FREQUENT.len() } else { 0 }
        };
        for (literal, text) in literals.enumerate() {
            let text = text.to_ascii_lowercase().into_bytes();
            let rarest = text.windows(3).enumerate().min_by_key(|(_, three)| frequency(three));
            if let Some((offset, &[a, b, c])) = rarest {
                set.insert(place(eight(&[a, b, c])), Entry { literal, offset });
            }
            set.texts.push(text);
        }
        set
    }

    fn insert(&mut self, place: usize, entry: Entry) {
        let Some(number) = self.table.get_mut(place) else { return };
        if *number == 0 {
            // When all numbers are given away, the places that come share the last.
            *number = u8::try_from(self.chains.len()).unwrap_or(u8::MAX);
        }
        let number = usize::from(*number);
        if number == self.chains.len() {
            self.chains.push(Vec::new());
        }
        if let Some(chain) = self.chains.get_mut(number) {
            chain.push(entry);
        }
    }

    /// Hands over every literal in a text, in the order of their three bytes.
    pub(super) fn each(&self, bytes: &[u8], mut noticed: impl FnMut(Noticed)) {
        let mut from = 0;
        while let Some((at, block)) = self.next(bytes, from) {
            self.each_of(bytes, at, block, BLOCK, &mut noticed);
            from = at + BLOCK;
        }
        // `next` stops where less than eight bytes are left.
        let rest = from.max(bytes.len().saturating_sub(7).div_ceil(BLOCK) * BLOCK);
        if let Some(last) = bytes.get(rest..) {
            self.each_of(bytes, rest, eight(last), last.len(), &mut noticed);
        }
    }

    /// Hands over the literals whose three bytes are among the first of a block.
    fn each_of(&self, bytes: &[u8], at: usize, block: u64, count: usize, noticed: &mut impl FnMut(Noticed)) {
        for nth in 0..count {
            let chain = self.chain(block >> (8 * nth));
            if chain != 0 {
                self.compare(bytes, at + nth, chain, noticed);
            }
        }
    }

    /// The next eight bytes, in steps of six from `from`, that a literal may have three of.
    ///
    /// Apart from everything else, so that all it needs stays in registers: this is where the time goes.
    #[inline(never)]
    fn next(&self, bytes: &[u8], from: usize) -> Option<(usize, u64)> {
        let mut at = from;
        while let Some(&[a, b, c, d, e, f, g, h]) = bytes.get(at..at + 8) {
            let block = u64::from_le_bytes([a, b, c, d, e, f, g, h]) | CASE;
            let any = self.chain(block)
                | self.chain(block >> 8)
                | self.chain(block >> 16)
                | self.chain(block >> 24)
                | self.chain(block >> 32)
                | self.chain(block >> 40);
            if any != 0 {
                return Some((at, block));
            }
            at += BLOCK;
        }
        None
    }

    /// The number of the chain of a block's first three bytes, or 0.
    fn chain(&self, block: u64) -> u8 {
        self.table.get(place(block)).copied().unwrap_or(0)
    }

    fn compare(&self, bytes: &[u8], at: usize, chain: u8, noticed: &mut impl FnMut(Noticed)) {
        for &Entry { literal, offset } in self.chains.get(usize::from(chain)).map(Vec::as_slice).unwrap_or_default() {
            let (Some(start), Some(text)) = (at.checked_sub(offset), self.texts.get(literal)) else { continue };
            let end = start + text.len();
            if bytes.get(start..end).is_some_and(|part| part.eq_ignore_ascii_case(text)) {
                noticed(Noticed { literal, start, end });
            }
        }
    }
}

/// Makes both cases of a letter the same (and some signs, which does no harm: literals are compared).
const CASE: u64 = 0x2020_2020_2020_2020;

/// Up to eight bytes as a block.
fn eight(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |block, &byte| block << 8 | u64::from(byte)) | CASE
}

/// The place in the table of a block's first three bytes.
fn place(block: u64) -> usize {
    // Without the lowest eight bits, which are zero, the rest of the product depends on all three bytes.
    #[expect(clippy::cast_possible_truncation, reason = "the first three bytes are the lowest")]
    let three = (block as u32) << 8;
    (three.wrapping_mul(0x9E37_79B1) >> 17) as usize
}

/// How frequent each byte is, roughly.
fn weights() -> [usize; 256] {
    let mut weights = [0; 256];
    for (rarer, byte) in FREQUENT.iter().rev().enumerate() {
        if let Some(weight) = weights.get_mut(usize::from(*byte)) {
            *weight = rarer + 1;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noticed(literals: &[&str], text: &str) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        Literals::new(literals.iter().copied()).each(text.as_bytes(), |one| found.push((one.literal, one.start)));
        found.sort_unstable();
        found
    }

    #[test]
    fn every_literal_is_noticed_wherever_it_is() {
        let literals = ["password", "word", "ssw", "://", "_key"];
        for text in [
            "password",
            "PassWord",
            "x password",
            "password y",
            "word",
            "://",
            "_KEY",
            "pa",
            "",
            "ss",
            "passwords://word_key",
        ] {
            let expected: Vec<(usize, usize)> = literals
                .iter()
                .enumerate()
                .flat_map(|(index, literal)| {
                    text.to_lowercase().match_indices(literal).map(|(at, _)| (index, at)).collect::<Vec<_>>()
                })
                .collect();
            assert_eq!(noticed(&literals, text), expected, "{text}");
        }
    }
}
