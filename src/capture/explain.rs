//! Why a commit has a session, or none.

use std::path::PathBuf;

use super::discover::{Judge, Search, discover};
use super::gather::{Makers, Work};
use super::index::Index;
use super::listing::list;
use super::outcome::{LogCounts, SkippedLog};
use super::read::Reader;
use super::session::read_all;
use super::tie::{Compared, Comparison, compare};
use super::{Request, Result, Target};
use crate::git::{self, BranchName, Oid};
use crate::ledger::{Evidence, SessionKey};
use crate::link::Maker;
use crate::link::evidence::{Ties, WhyNot};
use crate::session::Timestamp;

/// Why a commit has a session, or none: each log that may have had to do with it, and what it has in common with it.
#[derive(Debug)]
pub struct Explanation {
    /// The commit.
    pub commit: Oid,
    /// When it was written.
    pub written: Timestamp,
    /// When it was committed.
    pub committed: Timestamp,
    /// Whose it is.
    pub maker: Maker,
    /// The root of the worktree it was made in, if that is known and still there.
    pub made_in: Option<PathBuf>,
    /// The files it changes; none for a merge.
    pub files: Vec<String>,
    /// Logs that were last written before this were not looked at. `None`: all were.
    pub since: Option<Timestamp>,
    /// How many logs there were.
    pub logs: LogCounts,
    /// The sessions of this repository: first those that are tied to the commit, strongest first, then the others; among
    /// equals those that ended last before the others.
    pub sessions: Vec<LookedAt>,
    /// Logs that cannot be read.
    pub skipped: Vec<SkippedLog>,
    /// Whether there was not enough time to read all logs.
    pub cut_short: bool,
}

/// A session of this repository, compared with a commit.
#[derive(Debug)]
pub struct LookedAt {
    /// Its log.
    pub path: PathBuf,
    /// Its agent.
    pub agent: &'static str,
    /// Its day and name.
    pub session: SessionKey,
    /// Its first event.
    pub first: Timestamp,
    /// Its last event.
    pub last: Timestamp,
    /// What the two have in common.
    pub ties: Ties,
    /// The evidence, or why there is too little.
    pub answer: std::result::Result<Evidence, WhyNot>,
}

/// Looks for the sessions behind a commit, as a capture would, and says of each what was found. Writes nothing.
///
/// # Errors
/// When the commit or the repository cannot be read.
pub fn explain(request: &Request<'_>, commit: Oid) -> Result<Explanation> {
    let folder = request.repo.private_dir();
    let versions = request.versions();
    request.repo.commit(commit)?;
    let mut index = Index::load(&folder, &versions);
    let branch = BranchName::new("explained").map_err(git::Error::from)?;
    let work = Work::of(request.repo, vec![Target { branch, commits: vec![commit] }])?;
    let since = work.since().unwrap_or_default().max(0);
    let worktrees = request.worktrees(&index)?;
    let judge = Judge::new(request.repo, &worktrees, request.environment);
    let nanos = i128::from(since) * 1_000_000_000;
    let discovery =
        discover(list(request.parsers, request.environment), &mut Search { since: nanos, judge }, &mut index);
    let mut logs = LogCounts {
        seen: discovery.seen,
        here: discovery.found.len() + discovery.resting.len(),
        read: 0,
        elsewhere: discovery.elsewhere,
    };
    let reader = Reader {
        redactor: request.redactor,
        worktrees: &worktrees,
        versions: &versions,
        folder: &folder,
        deadline: request.deadline,
    };
    let mut skipped = discovery.skipped;
    let mut sessions = read_all(&reader, &index, (discovery.found, discovery.resting), &mut skipped);
    logs.read = sessions.read;
    let makers = Makers::of(request.repo, request.config, request.git)?;
    let comparison = Comparison {
        repo: request.repo,
        index: &index,
        folder: &folder,
        versions: &versions,
        deadline: request.deadline,
    };
    let (mut compared, _) = compare(&comparison, &mut sessions, &work, &makers, true)?;
    let Some(compared) = compared.pop() else { return Err(git::Error::Missing(commit).into()) };
    let Compared { commit: facts, sessions: answers, .. } = compared;
    let mut looked_at: Vec<LookedAt> = answers
        .into_iter()
        .filter_map(|(at, ties, answer)| {
            let session = sessions.all.get(at)?;
            Some(LookedAt {
                path: session.log.path.clone(),
                agent: session.parser.agent(),
                session: session.known.key,
                first: Timestamp::from_seconds(session.known.outline.first),
                last: Timestamp::from_seconds(session.known.outline.last),
                ties,
                answer,
            })
        })
        .collect();
    looked_at.sort_by_key(|looked| {
        let kind = std::cmp::Reverse(looked.ties.kind());
        (looked.answer.is_err(), kind, std::cmp::Reverse(looked.last), looked.session)
    });
    let root = |hash| worktrees.present.iter().find(|root| crate::link::PathHash::of_path(root) == hash).cloned();
    Ok(Explanation {
        commit,
        written: Timestamp::from_seconds(facts.author_time),
        committed: Timestamp::from_seconds(facts.commit_time),
        maker: facts.maker,
        made_in: facts.made_in.and_then(root),
        files: facts.files.into_values().map(|file| file.path).collect(),
        since: (since > 0).then(|| Timestamp::from_seconds(since)),
        logs,
        sessions: looked_at,
        skipped,
        cut_short: !sessions.is_complete(),
    })
}
