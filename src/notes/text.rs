//! The text of one note: lines of ours, and whatever else somebody wrote on the commit.

use std::collections::{BTreeMap, BTreeSet};

use super::line::NoteLine;
use crate::ledger::Sid;

/// The note of a commit, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoteText {
    /// What is not ours, without blank lines at its ends.
    foreign: Vec<u8>,
    /// Ours: one line a session.
    lines: BTreeMap<Sid, NoteLine>,
}

impl NoteText {
    /// Takes a note apart. Of several lines about one session the greatest counts.
    pub fn parse(text: &[u8]) -> Self {
        let (mut note, mut foreign) = (Self::default(), Vec::new());
        for line in text.split(|byte| *byte == b'\n') {
            match NoteLine::parse(line) {
                Some(line) => drop(note.add(line)),
                None => foreign.push(line),
            }
        }
        let is_blank = |line: &&[u8]| line.iter().all(u8::is_ascii_whitespace);
        let blank = foreign.iter().take_while(|line| is_blank(line)).count();
        foreign.drain(..blank);
        while foreign.pop_if(|line| is_blank(&&**line)).is_some() {}
        note.foreign = foreign.join(&b'\n');
        note
    }

    /// The bytes of the note: what is not ours, then our lines, sorted; empty if there is nothing.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut lines: Vec<Vec<u8>> = self.lines.values().map(|line| line.print().into_bytes()).collect();
        lines.sort();
        if !self.foreign.is_empty() {
            lines.insert(0, self.foreign.clone());
        }
        lines.into_iter().flat_map(|line| [line, b"\n".to_vec()].concat()).collect()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.foreign.is_empty() && self.lines.is_empty()
    }

    /// Our lines.
    pub fn lines(&self) -> impl Iterator<Item = &NoteLine> {
        self.lines.values()
    }

    /// Adds a line, unless there is as great a one for the session. Says whether it did.
    pub fn add(&mut self, line: NoteLine) -> bool {
        match self.lines.get(&line.sid) {
            Some(known) if known.rank() >= line.rank() => false,
            _ => self.lines.insert(line.sid, line).is_none_or(|_| true),
        }
    }

    /// Keeps those of our lines that are wanted.
    pub fn retain(&mut self, mut wanted: impl FnMut(&NoteLine) -> bool) {
        self.lines.retain(|_, line| wanted(line));
    }

    /// Both together. What is not ours stays as it is where both have the same; else it is the sorted lines of both, each
    /// once: what git's own `cat_sort_uniq` makes of them.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        if self.foreign.is_empty() {
            self.foreign = other.foreign;
        } else if !other.foreign.is_empty() && self.foreign != other.foreign {
            let both = [self.foreign.as_slice(), &other.foreign];
            let lines = both.iter().flat_map(|text| text.split(|byte| *byte == b'\n'));
            let lines: BTreeSet<&[u8]> = lines.filter(|line| !line.is_empty()).collect();
            self.foreign = lines.into_iter().collect::<Vec<_>>().join(&b'\n');
        }
        for line in other.lines.into_values() {
            self.add(line);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::line::tests::line;
    use super::*;

    fn note() -> impl Strategy<Value = NoteText> {
        let ours = (0_u8..4, 0_u64..4, 0_u8..3)
            .prop_map(|(n, events, t)| line(&n.to_string(), events, &t.to_string()).print());
        let foreign =
            prop::sample::select(vec!["reviewed", "a", "", "  b", "{\"n\":2}", "{\"n\":10}"]).prop_map(str::to_owned);
        prop::collection::vec(prop_oneof![2 => ours, 1 => foreign], 0..6)
            .prop_map(|lines| NoteText::parse(lines.join("\n").as_bytes()))
    }

    proptest! {
        #[test]
        fn a_join_is_commutative_associative_and_idempotent(a in note(), b in note(), c in note()) {
            let join = |a: &NoteText, b: &NoteText| a.clone().join(b.clone());
            prop_assert_eq!(join(&a, &a), a.clone());
            prop_assert_eq!(join(&a, &b), join(&b, &a));
            prop_assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)));
            prop_assert_eq!(join(&join(&a, &b), &b), join(&a, &b));
        }

        #[test]
        fn nothing_is_lost_and_every_session_has_one_line(a in note(), b in note()) {
            let joined = a.clone().join(b.clone());
            for line in a.lines().chain(b.lines()) {
                let kept = joined.lines().find(|kept| kept.sid == line.sid).expect("the session has a line");
                prop_assert!(kept.rank() >= line.rank());
            }
            let lines = |note: &NoteText| -> BTreeSet<Vec<u8>> {
                note.foreign.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
            };
            prop_assert!(lines(&a).union(&lines(&b)).all(|line| lines(&joined).contains(line)));
        }

        #[test]
        fn what_is_written_reads_back(a in note()) {
            prop_assert_eq!(NoteText::parse(&a.to_bytes()), a);
        }

        #[test]
        fn what_git_makes_of_both_is_what_we_make_of_it(a in note(), b in note()) {
            let bytes = [a.to_bytes(), b.to_bytes()].concat();
            let lines: BTreeSet<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
            let by_git = NoteText::parse(&lines.into_iter().collect::<Vec<_>>().join(&b'\n'));
            // Whoever joins after git has merged gets the same, whichever side he had.
            prop_assert_eq!(by_git.lines, a.join(b).lines);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in any::<Vec<u8>>()) {
            let note = NoteText::parse(&bytes);
            prop_assert_eq!(NoteText::parse(&note.to_bytes()), note);
        }
    }

    #[test]
    fn what_is_not_ours_stays_as_it_is() {
        let review = "Reviewed-by: Zoë\n\n  looks good\n- b\n- a";
        let ours = line("one", 1, "x").print();
        let note = NoteText::parse(format!("\n{ours}\n\n{review}\n\n").as_bytes());
        assert_eq!(String::from_utf8(note.to_bytes()).expect("text"), format!("{review}\n{ours}\n"));
        let grown = line("one", 2, "x");
        let other = NoteText::parse(format!("{review}\n{}\n", grown.print()).as_bytes());
        assert_eq!(note.join(other).to_bytes(), format!("{review}\n{}\n", grown.print()).into_bytes());
    }
}
