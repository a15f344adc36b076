//! The sessions behind a commit, whatever became of it: the one way to look for them.
//!
//! A commit is recognised by its id; else by its patch, which a rebase, a cherry-pick and a new message leave alone; by the
//! patch of a whole branch, which is what a squash merge has; else by lines: where its patch was changed on the way, most of
//! what it adds is still what a linked commit added. Each answer says by what ([`Match`]), and the last one how much.
//!
//! Nothing depends on how many sessions there are: ids of patches and lines are places in a ledger.

use std::cell::{Cell, OnceCell};
use std::collections::{BTreeMap, HashSet};

use crate::anchor::{self, LineIds, Shared};
use crate::git::{Commit, Oid, PatchId, Repo};
use crate::ledger::{self, Anchor, CommitAt, Evidence, Ledgers, Link, Match, Month, Percent, SessionKey};

/// How many commits that nothing else is known of are looked at for lines. That costs a few milliseconds each.
const MOST_SIMILAR: usize = 500;
/// How much two commits must share.
const LEAST_SHARE: Percent = Percent::HALF;
/// How many lines that must be at least, unless both were written at the same second: then one was made from the other.
const LEAST_LINES: u64 = 3;
/// Two days, in seconds: clocks differ.
const SLACK: i64 = 2 * 24 * 60 * 60;

/// Looks for the sessions behind commits.
pub struct Lookup<'a, 'repo> {
    repo: &'repo Repo,
    ledgers: &'a Ledgers<'repo>,
    /// The month of the oldest session, if that is known.
    first: OnceCell<Option<Month>>,
    similar_left: Cell<usize>,
    unsearched: Cell<usize>,
}

impl<'a, 'repo> Lookup<'a, 'repo> {
    /// In these ledgers.
    pub fn new(repo: &'repo Repo, ledgers: &'a Ledgers<'repo>) -> Self {
        let (first, similar_left, unsearched) = (OnceCell::new(), Cell::new(MOST_SIMILAR), Cell::new(0));
        Self { repo, ledgers, first, similar_left, unsearched }
    }

    /// The sessions behind a commit, the surest match first. Of a commit that is not here only the id is known.
    ///
    /// # Errors
    /// When nothing was found, and a part of the ledgers cannot be read.
    pub fn behind(&self, commit: Oid) -> ledger::Result<Vec<Link>> {
        let Ok(known) = self.repo.commit(commit) else { return self.ledgers.links(commit, None) };
        let mut links = self.ledgers.links(commit, Some(known.commit_time))?;
        if known.parents.len() > 1 || !self.is_recent(&known) {
            return Ok(links);
        }
        if links.is_empty() {
            links = self.by_anchors(&known)?;
        } else if let Ok(Some(patch)) = anchor::patch_of(self.repo, &known) {
            // A commit with links of its own may be the squash of a branch with more; what another commit with the same
            // patch has is that one's. That a ledger is damaged keeps nothing that is known from being told.
            let more = self.by_patch(commit, patch).unwrap_or_default().into_iter();
            let more = more.filter(|link| link.matched == Match::Branch);
            let is_new = |link: &Link| !links.iter().any(|known| known.key == link.key);
            let more: Vec<Link> = more.filter(is_new).collect();
            links.extend(more);
        }
        links.sort_by(Link::by_strength);
        Ok(links)
    }

    /// By what a commit has in common with others.
    fn by_anchors(&self, commit: &Commit) -> ledger::Result<Vec<Link>> {
        // Where a part of it cannot be read its id is all there is.
        let Ok(Some(anchors)) = anchor::of_commit(self.repo, commit) else { return Ok(Vec::new()) };
        let mut links: Vec<Link> = Vec::new();
        for link in self.by_patch(commit.oid, anchors.patch)? {
            if !links.iter().any(|known| known.key == link.key) {
                links.push(link);
            }
        }
        if links.is_empty() { self.similar(commit, &anchors.lines) } else { Ok(links) }
    }

    /// How many commits were not looked at for lines, because there were too many that nothing is known of.
    pub fn unsearched(&self) -> usize {
        self.unsearched.get()
    }

    /// Whether a commit may have to do with a session at all: older ones are passed over.
    fn is_recent(&self, commit: &Commit) -> bool {
        let first = self.first.get_or_init(|| self.ledgers.first_month());
        first.is_some_and(|first| Month::of_commit(commit.commit_time.saturating_add(SLACK)) >= first)
    }

    fn by_patch(&self, commit: Oid, patch: PatchId) -> ledger::Result<Vec<Link>> {
        let mut links: Vec<Link> = Vec::new();
        let mut add = |key, evidence, matched| {
            if !links.iter().any(|known| known.key == key && known.matched <= matched) {
                links.push(Link { commit, key, evidence, matched });
            }
        };
        for found in self.ledgers.patch_links(patch)? {
            let Some(Anchor::Branch { others }) = found.evidence.as_ref().and_then(|why| why.anchor.clone()) else {
                add(found.key, found.evidence, Match::Patch);
                continue;
            };
            add(found.key, found.evidence, Match::Branch);
            for other in others {
                for link in self.ledgers.links(other.id, Some(other.at))? {
                    add(link.key, link.evidence, Match::Branch);
                }
            }
        }
        links.sort_by(Link::by_strength);
        Ok(links)
    }

    /// The sessions whose commits share lines with this one.
    fn similar(&self, commit: &Commit, lines: &LineIds) -> ledger::Result<Vec<Link>> {
        if lines.is_empty() || is_revert(&commit.message) {
            return Ok(Vec::new());
        }
        let Some(left) = self.similar_left.get().checked_sub(1) else {
            self.unsearched.set(self.unsearched.get() + 1);
            return Ok(Vec::new());
        };
        self.similar_left.set(left);
        let mut compared = HashSet::new();
        let mut best: BTreeMap<SessionKey, (Percent, Evidence)> = BTreeMap::new();
        let mut problem = None;
        for line in lines.sought() {
            let found = self.ledgers.patch_links(line).unwrap_or_else(|error| {
                problem.get_or_insert(error);
                Vec::new()
            });
            for found in found {
                let Some(evidence) = found.evidence else { continue };
                let Some(Anchor::Lines { commit: other, written, added, sketch }) = &evidence.anchor else { continue };
                if !compared.insert((found.key, other.id)) {
                    continue;
                }
                let shared = lines.shared_with(*added, sketch);
                let is_enough = enough(shared, *written == commit.author_time) && self.may_be_from(commit, *other);
                if is_enough && best.get(&found.key).is_none_or(|(known, _)| *known < shared.share) {
                    best.insert(found.key, (shared.share, evidence));
                }
            }
        }
        if let Some(problem) = problem.filter(|_| best.is_empty()) {
            return Err(problem);
        }
        let found = best.into_iter().map(|(key, (share, evidence))| Link {
            commit: commit.oid,
            key,
            evidence: Some(evidence),
            matched: Match::Similar(share),
        });
        Ok(found.collect())
    }

    /// Whether a commit can have been made from another one: not if it stands on that, or is older.
    fn may_be_from(&self, commit: &Commit, other: CommitAt) -> bool {
        let is_here = self.repo.has(other.id).unwrap_or(false);
        other.id != commit.oid
            && other.at <= commit.commit_time.saturating_add(SLACK)
            && !(is_here && self.repo.is_ancestor(other.id, commit.oid).unwrap_or(false))
    }
}

/// Whether so much in common is no chance.
fn enough(shared: Shared, same_time: bool) -> bool {
    shared.share >= LEAST_SHARE && (shared.lines >= LEAST_LINES || same_time && shared.lines > 0)
}

/// Whether a commit takes another one back, in git's words: then it adds what somebody wrote long before.
fn is_revert(message: &str) -> bool {
    message.starts_with("Revert \"") || message.contains("This reverts commit ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_lines_are_enough_only_if_both_were_written_at_once() {
        let shared = |lines, share| Shared { lines, share: Percent::new(share) };
        assert!(enough(shared(3, 50), false) && enough(shared(1, 100), true));
        assert!(!enough(shared(2, 100), false) && !enough(shared(30, 49), true) && !enough(shared(0, 100), true));
    }

    #[test]
    fn a_revert_is_known_by_the_words_of_git() {
        assert!(
            is_revert("Revert \"add it\"\n\nThis reverts commit 1234.\n")
                && is_revert("undo\n\nThis reverts commit 1.\n")
        );
        assert!(!is_revert("Reverted nothing\n"));
    }
}
