//! What the sessions of a target are to be found by once its commits are rewritten.
//!
//! The patch and the lines of each commit that is tied now; and the patch of the whole branch, for every session that is
//! tied to any of its commits, now or earlier: with each commit the branch has another patch. Without new commits there
//! is nothing to do. Whatever cannot be read, or is too large, has only its id.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::session::Sessions;
use super::tie::Tie;
use super::{Request, Target};
use crate::anchor::{Branch, CommitAnchors, branches, of_commit};
use crate::git::{Commit, Oid};
use crate::ledger::{Anchor, CommitAt, Evidence, LedgerRef, LedgerView, Ledgers, NewAnchor, SessionKey, Sid};

/// The part of what time is left that is kept for storing.
const STORING: u32 = 4;

/// The anchors of each session of a target.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    of: BTreeMap<SessionKey, Vec<NewAnchor>>,
}

impl Anchors {
    /// Takes those of one session.
    pub(super) fn take(&mut self, key: SessionKey) -> Vec<NewAnchor> {
        self.of.remove(&key).unwrap_or_default()
    }

    /// The sessions that there are any of.
    pub(super) fn sids(&self) -> BTreeSet<Sid> {
        self.of.keys().map(|key| key.sid).collect()
    }

    /// Whether there are any of a session.
    pub(super) fn has(&self, key: SessionKey) -> bool {
        self.of.contains_key(&key)
    }

    /// Those that nobody took: of sessions whose logs are not at hand.
    pub(super) fn rest(self) -> impl Iterator<Item = (SessionKey, Vec<NewAnchor>)> {
        self.of.into_iter()
    }

    /// Computes them, from the ties of now (by the place of their session) and what the ledgers here know.
    pub(super) fn of_target(
        request: &Request<'_>,
        target: &Target,
        sessions: &Sessions<'_>,
        ties: &BTreeMap<usize, Vec<Tie>>,
    ) -> Self {
        let until = request.leaving(STORING);
        let mut anchors = Self::default();
        let key_of = |at: &usize| sessions.all.get(*at).map(|session| session.known.key);
        let ties: Vec<(SessionKey, &Tie)> = ties
            .iter()
            .filter_map(|(at, ties)| Some((key_of(at)?, ties)))
            .flat_map(|(key, ties)| ties.iter().map(move |tie| (key, tie)))
            .collect();
        anchors.add_commits(request, &ties, until);
        if let Some(tip) = target.commits.first().filter(|_| Instant::now() < until) {
            for branch in branches(request.repo, request.config, &target.branch, *tip).unwrap_or_default() {
                anchors.add_branch(request, target, &branch, &ties);
            }
        }
        anchors
    }

    fn add_commits(&mut self, request: &Request<'_>, ties: &[(SessionKey, &Tie)], until: Instant) {
        let mut known: BTreeMap<Oid, Option<(Commit, CommitAnchors)>> = BTreeMap::new();
        for (key, tie) in ties {
            let computed = known.entry(tie.commit).or_insert_with(|| {
                let commit = request.repo.commit(tie.commit).ok().filter(|_| Instant::now() < until)?;
                let anchors = of_commit(request.repo, &commit).ok()??;
                Some((commit, anchors))
            });
            if let Some((commit, anchors)) = computed {
                self.of.entry(*key).or_default().extend(anchors.stored(commit, &tie.evidence));
            }
        }
    }

    /// Of commits that other ledgers may know of (those of a branch below this one, those of a colleague) only the ids are
    /// noted: no session is taken along that was not tied to this branch.
    fn add_branch(&mut self, request: &Request<'_>, target: &Target, branch: &Branch, ties: &[(SessionKey, &Tie)]) {
        let mut strongest: BTreeMap<SessionKey, Evidence> = BTreeMap::new();
        let mut others = Vec::new();
        let view = LedgerView::open(request.repo, &LedgerRef::local(&target.branch)).ok().flatten();
        let known = view.map(Ledgers::one);
        for commit in &branch.commits {
            let now: Vec<_> = ties.iter().filter(|(_, tie)| tie.commit == *commit).collect();
            let mut found: Vec<(SessionKey, Evidence)> =
                now.into_iter().map(|(key, tie)| (*key, tie.evidence.clone())).collect();
            if found.is_empty() {
                let Ok(commit) = request.repo.commit(*commit) else { continue };
                let links = known.as_ref().and_then(|it| it.links(commit.oid, Some(commit.commit_time)).ok());
                found.extend(links.into_iter().flatten().filter_map(|link| Some((link.key, link.evidence?))));
                if found.is_empty() && others.len() < Anchor::MOST_OTHERS {
                    others.push(CommitAt { id: commit.oid, at: commit.commit_time });
                }
            }
            for (key, evidence) in found {
                if strongest.get(&key).is_none_or(|known| evidence.is_stronger_than(known)) {
                    strongest.insert(key, evidence);
                }
            }
        }
        for (key, evidence) in strongest {
            let anchor = Some(Anchor::Branch { others: others.clone() });
            let anchor = NewAnchor { patch: branch.patch, evidence: Evidence { anchor, ..evidence } };
            self.of.entry(key).or_default().push(anchor);
        }
    }
}
