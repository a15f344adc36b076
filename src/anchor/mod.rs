//! What a commit is recognised by after it was rewritten: its patch, the patch of its branch, its lines.
//!
//! A rebase, a cherry-pick, a reworded or re-signed commit keeps the patch; a squash merge has that of the whole branch;
//! a commit that was changed on the way keeps most of its lines. All three are computed from git's objects alone, so that
//! every clone comes to the same ([`of_commit`], [`Branch`]), and stored with the links of a session when it is captured.
//! [`crate::lookup`] tries them in that order.

mod branch;
mod lines;

pub use branch::{Branch, branches};
pub use lines::{LineIds, Shared};

use crate::git::{self, Commit, PatchId, PatchLimits, Repo};
use crate::ledger::{Anchor, CommitAt, Evidence, NewAnchor};

/// What a commit is recognised by, besides its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitAnchors {
    /// Its patch.
    pub patch: PatchId,
    /// The telling lines that it adds.
    pub lines: LineIds,
}

/// Computes what a commit is recognised by. `None` for a merge, for one that changes nothing or too much (see
/// [`PatchLimits`]), and where something of it is not here.
///
/// # Errors
/// When the commit cannot be read, or objects are damaged.
pub fn of_commit(repo: &Repo, commit: &Commit) -> git::Result<Option<CommitAnchors>> {
    let mut lines = lines::Gathering::default();
    let patch = repo.patch_of(commit.oid, PatchLimits::default(), &mut |line| lines.take(line))?;
    Ok(patch.map(|patch| CommitAnchors { patch, lines: lines.finish() }))
}

/// The patch alone, where nobody asks for lines.
///
/// # Errors
/// As [`of_commit`].
pub fn patch_of(repo: &Repo, commit: &Commit) -> git::Result<Option<PatchId>> {
    repo.patch_of(commit.oid, PatchLimits::default(), &mut |_| {})
}

impl CommitAnchors {
    /// What a ledger is to have, so that a session which is tied to the commit is found when that was rewritten.
    pub fn stored(&self, commit: &Commit, evidence: &Evidence) -> Vec<NewAnchor> {
        let at = CommitAt { id: commit.oid, at: commit.commit_time };
        let with = |anchor| Evidence { anchor: Some(anchor), ..evidence.clone() };
        let mut anchors = vec![NewAnchor { patch: self.patch, evidence: with(Anchor::Commit { commit: at }) }];
        let (added, sketch) = (self.lines.len() as u64, self.lines.sketch());
        let of_lines = with(Anchor::Lines { commit: at, written: commit.author_time, added, sketch });
        let stored = self.lines.stored().map(|patch| NewAnchor { patch, evidence: of_lines.clone() });
        anchors.extend(stored);
        anchors
    }
}
