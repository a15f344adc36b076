//! What is said of a line.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::attribute::Hit;
use super::same::Sameness;
use super::trail::{Edit, Prompt, Trail};
use crate::git::{BlamedCommit, Oid};
use crate::ledger::{self, Evidence, Match, Percent, SessionKey};

/// What is known of the lines of a file.
#[derive(Debug, Default)]
pub struct Answer {
    /// The path from the root of the repository, exact bytes.
    pub path: Vec<u8>,
    /// The lines, in order.
    pub lines: Vec<Line>,
    /// The commits they are from.
    pub commits: BTreeMap<Oid, BlamedCommit>,
    /// The sessions that were read.
    pub trails: BTreeMap<SessionKey, Rc<Trail>>,
    /// What could not be read: ledgers, links, sessions.
    pub unreadable: Vec<ledger::Error>,
    /// The texts of sessions that could not be read, each with its session.
    pub damaged: Vec<(SessionKey, String)>,
}

/// A line, and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its number, from 1.
    pub number: u32,
    /// Its text, without its end.
    pub text: String,
    /// The commit it is from; `None` if it is not committed.
    pub commit: Option<Oid>,
    /// The path of the file in that commit, exact bytes.
    pub path: Rc<[u8]>,
    /// Its number there.
    pub origin: u32,
    /// Whose it is.
    pub verdict: Verdict,
}

/// Whose a line is.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// An edit of a session wrote it.
    Session(Attribution),
    /// The commit's sessions edited the file, and none of them wrote this line.
    Human,
    /// It cannot be told.
    Unknown(NotKnown),
    /// It is not committed yet.
    Uncommitted,
}

/// Why it cannot be told whose a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotKnown {
    /// No session is known behind the commit.
    NoSession,
    /// None of the commit's sessions edited the file.
    NotEdited,
    /// Of an edit of the file, or of a session, not all is known.
    NotAll,
}

/// The edit that wrote a line, and how that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// The session.
    pub session: SessionKey,
    /// The edit, as a place in [`Trail::edits`].
    pub edit: usize,
    /// How the line and what the edit wrote are the same.
    pub sameness: Sameness,
    /// How many lines around it are those around it in the edit, too; at most 6.
    pub around: usize,
    /// Whether the edit was of a file of another name, which the commit has no more.
    pub is_renamed: bool,
    /// What ties session and commit.
    pub link: Option<Rc<Evidence>>,
    /// By what the commit was recognised as one that the session is behind.
    pub matched: Match,
    /// How sure it is.
    pub confidence: Percent,
}

impl Attribution {
    /// How sure it is, by how the lines are the same, what is around them, and by what session and commit are tied.
    pub(super) fn weigh(hit: &Hit, is_renamed: bool, link: Option<&Evidence>, matched: Match) -> Percent {
        let base: u8 = match (hit.sameness, hit.around) {
            (Sameness::Exact, 2..) => 100,
            (Sameness::Exact, 1) => 95,
            (Sameness::Exact, 0) => 85,
            (Sameness::Whitespace, 1..) => 90,
            (Sameness::Whitespace, 0) | (Sameness::Redacted, 1..) => 75,
            (Sameness::Formatted, _) => 70,
            (Sameness::Redacted, 0) => 60,
        };
        let base = base.saturating_sub(if is_renamed { 10 } else { 0 });
        // That the line is the session's makes up for a weak tie; a tie that nobody can read does not.
        let base = if link.is_some() { base } else { base.saturating_sub(20) };
        // Of a commit that is only like one of the session's, no more than how much it is like that.
        Percent::new(matched.share().map_or(base, |share| base.min(share.get())))
    }
}

impl Answer {
    /// The edit that a line is from.
    pub fn edit(&self, attribution: &Attribution) -> Option<&Edit> {
        self.trails.get(&attribution.session)?.edits.get(attribution.edit)
    }

    /// The prompt above that edit; `None` if the session did not begin with one.
    pub fn prompt(&self, attribution: &Attribution) -> Option<&Prompt> {
        let trail = self.trails.get(&attribution.session)?;
        trail.prompt_of(trail.edits.get(attribution.edit)?)
    }
}
