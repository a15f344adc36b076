//! What a push of a ledger carries: counted from the trees, not claimed.

use std::collections::BTreeSet;

use super::FanoutError;
use crate::git::{ChangeStatus, Oid, Repo};
use crate::ledger::{LedgerPath, Sid};

/// The sessions and linked commits that are in a ledger and were not in what the remote had.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// New sessions and ones that have grown.
    pub sessions: BTreeSet<Sid>,
    /// Commits with new links.
    pub commits: BTreeSet<Oid>,
    /// Whether there are more than were counted.
    pub more: bool,
}

/// Changed files looked at in one ledger.
const LIMIT: usize = 50_000;

impl Contents {
    /// What the ledger at `tip` has more than the one at `known`.
    ///
    /// # Errors
    /// When the ledger at `tip` cannot be read.
    pub fn between(repo: &Repo, known: Option<Oid>, tip: Oid) -> Result<Self, FanoutError> {
        // A remote's ledger that was fetched once may have been cleaned away since: then all of ours counts.
        let known = known.and_then(|known| repo.commit(known).ok()).map(|commit| commit.tree);
        let changes = repo.tree_changes(known, Some(repo.commit(tip)?.tree), LIMIT)?;
        let mut contents = Self { more: changes.truncated, ..Self::default() };
        for file in changes.files.iter().filter(|file| file.status != ChangeStatus::Deleted) {
            match LedgerPath::parse(&file.path) {
                Some(LedgerPath::Meta(key, _)) => drop(contents.sessions.insert(key.sid)),
                Some(LedgerPath::CommitLink(_, commit, _)) => drop(contents.commits.insert(commit)),
                _ => {}
            }
        }
        Ok(contents)
    }

    /// Whether nothing is new.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.commits.is_empty() && !self.more
    }

    /// Adds those of another ledger; a session in both is one.
    pub(super) fn add(&mut self, other: &Self) {
        self.sessions.extend(&other.sessions);
        self.commits.extend(&other.commits);
        self.more |= other.more;
    }
}
