//! Which session is tied to which commit.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::time::Instant;

use super::gather::{Facts, Makers, Work, add_lines};
use super::index::Index;
use super::session::Sessions;
use crate::git::{self, Oid, Repo};
use crate::ledger::Evidence;
use crate::link::evidence::{Commits, Ties, WhyNot, decide, needs_footprint, ties};
use crate::link::{CommitFacts, Sought};

/// A session, a commit, and what ties them.
#[derive(Debug)]
pub(super) struct Tie {
    /// The place of the session among all.
    pub(super) session: usize,
    /// The place of the commit's target.
    pub(super) target: usize,
    pub(super) commit: Oid,
    pub(super) committed_at: i64,
    pub(super) evidence: Evidence,
}

/// A commit, and each session that was compared with it.
pub(super) struct Compared {
    pub(super) target: usize,
    pub(super) commit: CommitFacts,
    /// The place of the session, what they have in common, and what that makes.
    pub(super) sessions: Vec<(usize, Ties, Result<Evidence, WhyNot>)>,
}

/// What is needed to compare sessions with commits.
#[derive(Clone, Copy)]
pub(super) struct Comparison<'a> {
    pub(super) repo: &'a Repo,
    /// What is known of sessions at rest.
    pub(super) index: &'a Index,
    /// Where states are kept, and what they depend on.
    pub(super) folder: &'a Path,
    pub(super) versions: &'a str,
    /// When to leave the rest of the commits for later.
    pub(super) deadline: Instant,
}

/// What was compared, and the commits that there was no time for.
type AllCompared = (Vec<Compared>, HashSet<Oid>);

/// Compares sessions with commits. `everything`: also those that have nothing in common.
pub(super) fn compare(
    comparison: &Comparison<'_>,
    sessions: &mut Sessions<'_>,
    work: &Work,
    makers: &Makers,
    everything: bool,
) -> git::Result<AllCompared> {
    let Comparison { repo, index, folder, versions, deadline } = *comparison;
    let since = if everything { Some(i64::MIN) } else { sessions.first() };
    let Some(since) = since else { return Ok(AllCompared::default()) };
    let Facts { of_targets, left } = work.facts(repo, makers, since, deadline)?;
    let (targets, mut facts): (Vec<_>, Vec<_>) = of_targets.into_iter().unzip();
    let sought = Sought::of(&facts);
    sessions.wake(index, |rest| everything || sought.may_be_near(&rest.sketch));
    let sessions = &sessions.all;
    let at_hand = || sessions.iter().enumerate().filter(|(_, session)| !session.shadowed);
    let near: Vec<(usize, Vec<usize>)> = {
        let commits = Commits::new(&facts);
        let all = || (0..facts.len()).collect();
        at_hand()
            .map(|(at, session)| (at, if everything { all() } else { commits.near(&session.known.outline) }))
            .filter(|(_, near)| !near.is_empty())
            .collect()
    };
    let mut shared_files = BTreeSet::new();
    for (at, near) in &near {
        let Some(session) = sessions.get(*at) else { continue };
        shared_files.extend(
            near.iter().copied().filter(|commit| {
                facts.get(*commit).is_some_and(|commit| needs_footprint(&session.known.outline, commit))
            }),
        );
    }
    for at in &shared_files {
        if let Some(commit) = facts.get_mut(*at) {
            add_lines(repo, commit)?;
        }
    }
    let mut compared: Vec<Vec<(usize, Ties)>> = facts.iter().map(|_| Vec::new()).collect();
    for (at, near) in near {
        let Some(session) = sessions.get(at) else { continue };
        let footprint = if near.iter().any(|commit| shared_files.contains(commit)) {
            session.footprint(folder, versions)
        } else {
            None
        };
        for commit in near {
            if let (Some(facts), Some(compared)) = (facts.get(commit), compared.get_mut(commit)) {
                compared.push((at, ties(&session.known.outline, footprint.as_ref(), facts)));
            }
        }
    }
    let decided = targets.into_iter().zip(facts).zip(compared).map(|((target, commit), compared)| {
        let of = |at: usize| sessions.get(at).map(|session| &session.known.outline);
        let paired: Vec<_> = compared.into_iter().filter_map(|(at, ties)| Some((of(at)?, at, ties))).collect();
        let asked: Vec<_> = paired.iter().map(|(outline, _, ties)| (*outline, ties.clone())).collect();
        let answers = decide(&commit, &asked);
        let sessions = paired.into_iter().zip(answers).map(|((_, at, ties), answer)| (at, ties, answer)).collect();
        Compared { target, commit, sessions }
    });
    Ok((decided.collect(), left))
}

/// What ties sessions to commits, and the commits that there was no time for.
#[derive(Debug, Default)]
pub(super) struct Tied {
    pub(super) ties: Vec<Tie>,
    pub(super) left: HashSet<Oid>,
}

/// The ties of all sessions at hand with all commits. While some logs could not be read, a session is not tied by
/// its window alone: one of those may have better evidence.
pub(super) fn tie(
    comparison: &Comparison<'_>,
    sessions: &mut Sessions<'_>,
    work: &Work,
    makers: impl FnOnce() -> git::Result<Makers>,
) -> git::Result<Tied> {
    let mut tied = Tied::default();
    if sessions.is_empty() || work.is_empty() {
        return Ok(tied);
    }
    let (compared, left) = compare(comparison, sessions, work, &makers()?, false)?;
    tied.left = left;
    for Compared { target, commit, sessions: compared } in compared {
        for (session, ties, answer) in compared {
            let Ok(evidence) = answer else { continue };
            if sessions.is_complete() || ties.is_strong() {
                let (commit, committed_at) = (commit.id, commit.commit_time);
                tied.ties.push(Tie { session, target, commit, committed_at, evidence });
            }
        }
    }
    Ok(tied)
}
