//! The lines that a commit adds, as numbers that can be compared and looked up.
//!
//! A line counts with the path of its file and without the space around it, and only if it tells something. One that the
//! same commit takes out of the same file does not count: it was moved or indented. So neither a licence that is in every
//! file nor a block that somebody moves is taken for somebody's work.
//!
//! Of all lines of a commit the ledger has the few with the smallest hashes: whoever has a part of the lines has, most
//! likely, some of these. Of a squash, the smallest of all are among the smallest of its commits.

use std::collections::BTreeSet;

use crate::git::{LineChange, Oid, PatchId, PatchLine};
use crate::hail::Digest;
use crate::ledger::{Percent, Sketch};
use crate::link::is_telling;

/// How many lines of a commit can be looked up in a ledger.
const STORED: usize = 3;
/// How many lines of a commit are looked for, to find those that share some.
const SOUGHT: usize = 64;
/// A commit that adds more lines than this is no work of a session.
const MOST: usize = 50_000;
/// The bytes of a hash.
const LENGTH: usize = 20;

/// The hash of a line and the path of its file.
type LineId = [u8; LENGTH];

/// The telling lines that a commit adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineIds(BTreeSet<LineId>);

/// How much of two commits is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    /// Lines that both add; where one has very many, about so many.
    pub lines: u64,
    /// How much of the commit with the fewer lines that is.
    pub share: Percent,
}

/// Lines on their way out of a patch.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    added: BTreeSet<LineId>,
    removed: BTreeSet<LineId>,
    too_many: bool,
}

impl Gathering {
    pub fn take(&mut self, line: PatchLine<'_>) {
        if self.too_many || line.text.len() > 4096 {
            return;
        }
        let text = String::from_utf8_lossy(line.text);
        if !is_telling(&text) {
            return;
        }
        let lines = if line.change == LineChange::Added { &mut self.added } else { &mut self.removed };
        lines.insert(id(line.path, text.trim()));
        self.too_many = lines.len() > MOST;
    }

    pub fn finish(mut self) -> LineIds {
        if self.too_many {
            return LineIds::default();
        }
        self.added.retain(|line| !self.removed.contains(line));
        LineIds(self.added)
    }
}

fn id(path: &[u8], line: &str) -> LineId {
    let digest = Digest::of(&[b"line\0".as_slice(), path, b"\0", line.as_bytes()].concat());
    let mut id = [0; LENGTH];
    id.iter_mut().zip(digest.as_bytes()).for_each(|(to, from)| *to = *from);
    id
}

/// Where the links of a line lie: in the place of a patch's. (Of hashes, none is all zeros.)
fn place(line: &LineId) -> Option<PatchId> {
    Oid::from_bytes(line).ok().map(PatchId)
}

fn head(line: &LineId) -> u32 {
    let [a, b, c, d, ..] = *line;
    u32::from_be_bytes([a, b, c, d])
}

impl LineIds {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those by which a ledger finds the commit.
    pub fn stored(&self) -> impl Iterator<Item = PatchId> {
        self.0.iter().filter_map(place).take(STORED)
    }

    /// Those to look for, to find commits that share some.
    pub fn sought(&self) -> impl Iterator<Item = PatchId> {
        self.0.iter().filter_map(place).take(SOUGHT)
    }

    /// What is stored to tell how much is shared.
    pub fn sketch(&self) -> Sketch {
        Sketch::of(self.0.iter().map(head))
    }

    /// How much is shared with a commit of which so much is known.
    pub fn shared_with(&self, added: u64, sketch: &Sketch) -> Shared {
        let known = sketch.hashes().len() as u64;
        let mine: BTreeSet<u32> = self.0.iter().map(head).collect();
        let same = sketch.hashes().filter(|hash| mine.contains(hash)).count() as u64;
        // The sketch is a fair sample of all lines; of a commit with few lines it is all of them.
        let lines = if known < added { (same * added).checked_div(known).unwrap_or(0) } else { same };
        let lines = lines.min(self.len() as u64);
        Shared { lines, share: Percent::of(lines, added.min(self.len() as u64)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(lines: &[(&str, char, &str)]) -> LineIds {
        let mut gathering = Gathering::default();
        for (path, sign, text) in lines {
            let change = if *sign == '+' { LineChange::Added } else { LineChange::Removed };
            gathering.take(PatchLine { path: path.as_bytes(), change, text: text.as_bytes() });
        }
        gathering.finish()
    }

    fn numbered(numbers: std::ops::Range<u32>) -> LineIds {
        let lines: Vec<String> = numbers.map(|number| format!("let number = {number};")).collect();
        gathered(&lines.iter().map(|line| ("a.rs", '+', line.as_str())).collect::<Vec<_>>())
    }

    #[test]
    fn lines_count_with_their_file_and_without_space_if_they_tell_something() {
        let lines = gathered(&[("a", '+', "  let x = 1;\r"), ("a", '+', "}"), ("a", '-', "let y = 2;")]);
        assert_eq!(lines, gathered(&[("a", '+', "let x = 1;")]));
        assert_eq!(lines.len(), 1);
        assert_ne!(lines, gathered(&[("b", '+', "let x = 1;")]));
    }

    #[test]
    fn what_is_moved_or_indented_in_a_file_is_not_added() {
        assert!(gathered(&[("a", '+', "    let x = 1;"), ("a", '-', "let x = 1;")]).is_empty());
        assert_eq!(gathered(&[("b", '+', "let x = 1;"), ("a", '-', "let x = 1;")]).len(), 1);
    }

    #[test]
    fn a_share_is_of_the_smaller_of_two_commits() {
        let of = |mine: &LineIds, theirs: &LineIds| mine.shared_with(theirs.len() as u64, &theirs.sketch());
        let (ten, squash, none) = (numbered(0..10), numbered(0..40), numbered(90..95));
        assert_eq!(of(&ten, &ten), Shared { lines: 10, share: Percent::ALL });
        assert_eq!(of(&squash, &ten), Shared { lines: 10, share: Percent::ALL });
        assert_eq!(of(&ten, &squash), Shared { lines: 10, share: Percent::ALL });
        assert_eq!(of(&numbered(5..15), &ten), Shared { lines: 5, share: Percent::new(50) });
        assert_eq!(of(&none, &ten).lines, 0);
        assert_eq!(of(&LineIds::default(), &ten), Shared { lines: 0, share: Percent::new(0) });
    }

    #[test]
    fn of_very_many_lines_a_sample_tells_about_how_much_is_shared() {
        let (many, half) = (numbered(0..2000), numbered(0..1000));
        let shared = numbered(1000..3000).shared_with(2000, &many.sketch());
        assert!((30..=70).contains(&shared.share.get()), "{shared:?}");
        assert_eq!(many.shared_with(1000, &half.sketch()).share, Percent::ALL);
    }

    #[test]
    fn whoever_has_half_of_the_lines_looks_for_one_that_is_stored() {
        let theirs = numbered(0..60);
        let stored: Vec<_> = theirs.stored().collect();
        let mine = numbered(0..45);
        assert_eq!(stored.len(), STORED);
        assert!(mine.sought().any(|line| stored.contains(&line)));
    }
}
