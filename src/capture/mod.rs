//! From the logs of agents to the ledgers of a repository.
//!
//! A capture looks at the commits it is given, finds the logs that may have produced them, reads what is new of those,
//! ties sessions to commits by [evidence](crate::link), and appends what is tied to the ledgers. Nothing needs to run
//! while an agent works, nothing here needs a network, and a second capture of the same things writes nothing.
//!
//! It is safe to be killed at any moment: ledgers are written before the cursor that says so, and the commits in
//! question are written down before anything else.

mod anchors;
mod append;
mod discover;
pub(crate) mod disk;
mod explain;
mod forget;
mod gather;
mod index;
mod listing;
mod outcome;
mod pending;
mod read;
mod resting;
mod session;
mod state;
mod targets;
#[cfg(test)]
mod tests;
mod tie;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::Instant;

pub use explain::{Explanation, LookedAt, explain};
pub use forget::forget;
pub use listing::Listing;
pub use outcome::{Captured, LedgerChange, LinkMade, LogCounts, Skip, SkippedLog, Unfinished, WhyUnfinished};
pub use targets::{ledger_branch, targets_by_hand};

use crate::agents::{Environment, LogParser};
use crate::git::{self, BranchName, Config, Exclude, GitEnvironment, Oid, Repo, RepoLock, Signature, WalkLimits};
use crate::ledger::Appender;
use crate::link::Worktrees;
use crate::notes;
use crate::redaction::{RULES_VERSION, Redactor};
use crate::settings::FanoutMode;
use append::Appending;
use discover::{Discovery, Judge, Search, discover};
use gather::{Makers, Work, head_first};
use index::Index;
use pending::Pending;
use read::Reader;
use session::{Sessions, read_all};
use state::State;
use tie::{Comparison, tie};

/// How many commits are looked at to see which pending ones are still of use.
const WALKED: usize = 100_000;

/// Commits, and the branch whose ledger they belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The branch as those know it who read the ledger: the name it is pushed to.
    pub branch: BranchName,
    /// The commits, in any order. None is right, too: then sessions that the ledger has already are brought up to date.
    pub commits: Vec<Oid>,
}

/// What a capture needs to know.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The repository, opened in the worktree in question.
    pub repo: &'a Repo,
    /// Its configuration.
    pub config: &'a Config,
    /// What git may know of the machine.
    pub git: &'a GitEnvironment,
    /// What the parsers may know of the machine.
    pub environment: &'a Environment,
    /// The parsers, [`crate::agents::ALL`] unless it is a test.
    pub parsers: &'a [&'a dyn LogParser],
    /// What takes secrets and people out.
    pub redactor: &'a Redactor,
    /// Who makes the ledger's commits, and what time it is now.
    pub signature: &'a Signature,
    /// When it must be done. What is not done then is left to the next capture.
    pub deadline: Instant,
}

/// A capture that could not even begin. The commits in question are written down if that was possible.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The repository cannot be read.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The folder for the cursor cannot be written.
    #[error("cannot write to {}: {source}", path.display())]
    Private {
        /// The folder.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The result of this module.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Request<'_> {
    /// What the cursor depends on: with another build, parser or rule everything is read again.
    fn versions(&self) -> String {
        let mut versions = format!("{} rules:{}", env!("CARGO_PKG_VERSION"), RULES_VERSION);
        for parser in self.parsers {
            // Writing to a string does not fail.
            let _ = write!(versions, " {}:{}", parser.agent(), parser.version());
        }
        versions
    }

    /// When something must end so that a part of the time that is left now is left then: 1/4, 1/8.
    fn leaving(&self, part: u32) -> Instant {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.deadline.checked_sub(left / part).unwrap_or(self.deadline)
    }

    fn private(&self, done: std::io::Result<()>) -> Result<()> {
        done.map_err(|source| Error::Private { path: self.repo.private_dir(), source })
    }

    fn worktrees(&self, index: &Index) -> git::Result<Worktrees> {
        let present = self.repo.worktrees()?;
        let former = index.roots.iter().filter(|root| !present.contains(root)).cloned().collect();
        Ok(Worktrees { present, former, home: self.environment.home.clone() })
    }
}

/// Captures the sessions behind some commits.
///
/// A commit that is in several targets belongs to the first of them, that of the branch `HEAD` is on before all
/// others. What an earlier capture left undone is done now.
///
/// # Errors
/// When the repository cannot be read or its private folder cannot be written. Anything that concerns one log, one
/// session or one ledger is in the outcome, and keeps nothing else from being captured.
pub fn capture(request: &Request<'_>, targets: Vec<Target>) -> Result<Captured> {
    std::thread::scope(|scope| {
        let listing = Listing::begin(scope, request.parsers, request.environment);
        capture_listed(request, targets, listing)
    })
}

/// The same, where the logs are being listed already.
///
/// # Errors
/// As [`capture`].
pub fn capture_listed(request: &Request<'_>, targets: Vec<Target>, listing: Listing<'_, '_>) -> Result<Captured> {
    let folder = request.repo.private_dir();
    request.private(disk::make_folder(&folder))?;
    let (reading_ends, comparing_ends) = (request.leaving(4), request.leaving(8));
    let targets = head_first(request.repo, request.config, targets)?;
    let lock = match request.repo.lock(request.deadline) {
        Ok(lock) => lock,
        Err(git::Error::RepoLocked { .. }) => {
            request.private(Pending::add_beside(&folder, &targets))?;
            let unfinished = targets.into_iter().filter(|target| !target.commits.is_empty());
            let unfinished = unfinished.map(|target| Unfinished::of(target, WhyUnfinished::Busy)).collect();
            return Ok(Captured { unfinished, ..Captured::default() });
        }
        Err(error) => return Err(error.into()),
    };
    let mut captured = with_lock(request, targets, listing, &lock, reading_ends, comparing_ends)?;
    if FanoutMode::read(request.config).is_ok_and(|mode| mode == Some(FanoutMode::GitNotes)) {
        let by = Appender { signature: request.signature, lock: Some(&lock), deadline: request.deadline };
        captured.notes = Some(notes::write(request.repo, &by));
    }
    Ok(captured)
}

/// The capture itself, by the only one in this repository who is at it.
fn with_lock(
    request: &Request<'_>,
    mut targets: Vec<Target>,
    listing: Listing<'_, '_>,
    lock: &RepoLock,
    reading_ends: Instant,
    comparing_ends: Instant,
) -> Result<Captured> {
    let folder = request.repo.private_dir();
    let mut pending = Pending::load(&folder);
    let left_over = still_of_use(request, &pending, &targets)?;
    pending::merge(&mut targets, left_over);
    request.private(pending.replace(&folder, &targets))?;

    let versions = request.versions();
    let work = Work::of(request.repo, targets)?;
    let mut index = Index::load(&folder, &versions);
    index.listed_at = listing.listed_at(&folder);
    let mut captured = Captured::default();
    let Some(since) = since(&work, &index) else { return Ok(captured) };
    let worktrees = request.worktrees(&index)?;
    let judge = Judge::new(request.repo, &worktrees, request.environment);
    let discovery = discover(listing.logs(), &mut Search { since, judge }, &mut index);
    let mut index_changed = discovery.index_changed;

    let reader = Reader {
        redactor: request.redactor,
        worktrees: &worktrees,
        versions: &versions,
        folder: &folder,
        deadline: reading_ends,
    };
    let mut sessions = look(&reader, &index, discovery, &mut captured);
    let makers = || Makers::of(request.repo, request.config, request.git);
    let Request { repo, .. } = *request;
    let comparison = Comparison { repo, index: &index, folder: &folder, versions: &versions, deadline: comparing_ends };
    let tied = tie(&comparison, &mut sessions, &work, makers)?;
    let reader = Reader { deadline: request.deadline, ..reader };
    let mut appending = Appending { request, lock, index: &index, reader: &reader, captured: &mut captured };
    appending.run(&work, &mut sessions, tied);

    index_changed |= sessions.remember(&mut index, &folder);
    let left: Vec<Target> = captured.unfinished.iter().map(Unfinished::target).collect();
    if left.is_empty() {
        // Not worth a file by itself: it is only there to make sure that nothing is overlooked.
        let now = request.signature.time;
        index_changed |= index.captured_at.is_none_or(|at| now.saturating_sub(at) > gather::SLACK / 2);
        if index_changed {
            index.captured_at = Some(now);
            index.forget_old(now);
            // What is left behind is only waste, and there may be thousands of files to go through.
            if index.swept_at.is_none_or(|at| now.saturating_sub(at) > gather::SLACK)
                && State::sweep(&folder, |log| index.is_here(log)).is_ok()
            {
                index.swept_at = Some(now);
            }
        }
    }
    if index_changed {
        request.private(index.store(&folder, &versions))?;
    }
    request.private(pending.replace(&folder, &left))?;
    Ok(captured)
}

/// Since when logs are of interest, in nanoseconds since the epoch: since the commits may have been begun, and since the
/// last capture, so that sessions which grew are seen. `None` if there is nothing to look for.
fn since(work: &Work, index: &Index) -> Option<i128> {
    let grown = index.captured_at.map(|at| at.saturating_sub(gather::SLACK));
    let since = [work.since(), grown].into_iter().flatten().min()?;
    Some(i128::from(since.max(0)) * 1_000_000_000)
}

/// Reads what is new, and gives all sessions of this repository that are at hand.
fn look<'a>(reader: &Reader<'_>, index: &Index, discovery: Discovery<'a>, captured: &mut Captured) -> Sessions<'a> {
    captured.logs.seen = discovery.seen;
    captured.logs.elsewhere = discovery.elsewhere;
    captured.logs.here = discovery.found.len() + discovery.resting.len();
    captured.skipped = discovery.skipped;
    let sessions = read_all(reader, index, (discovery.found, discovery.resting), &mut captured.skipped);
    captured.logs.read = sessions.read;
    captured.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    sessions
}

/// Of what is pending, the commits that are still on some branch, here or as a remote has it. One that was amended away
/// since was never seen by anybody else, and its session is tied to what became of it.
fn still_of_use(request: &Request<'_>, pending: &Pending, targets: &[Target]) -> Result<Vec<Target>> {
    let wanted: Vec<Oid> = pending.targets.iter().flat_map(|target| target.commits.iter().copied()).collect();
    if wanted.is_empty() {
        return Ok(pending.targets.clone());
    }
    let mut tips: Vec<Oid> = targets.iter().flat_map(|target| target.commits.iter().copied()).collect();
    for prefix in ["refs/heads/", "refs/remotes/"] {
        tips.extend(request.repo.refs(prefix)?.into_iter().map(|found| found.oid));
    }
    if let git::Head::Branch { tip, .. } | git::Head::Detached { commit: tip } = request.repo.head()? {
        tips.push(tip);
    }
    tips.retain(|tip| request.repo.has(*tip).unwrap_or(false));
    let below = wanted.iter().filter_map(|commit| request.repo.commit(*commit).ok()).flat_map(|commit| commit.parents);
    let below: Vec<Oid> = below.filter(|parent| !wanted.contains(parent)).collect();
    let limits = WalkLimits { commits: WALKED, deadline: Some(request.deadline) };
    let mut kept = pending.targets.clone();
    // Where that cannot be told, all are kept: a link too many does less harm than a session forgotten.
    if let Ok(walked) = request.repo.rev_list(&tips, &Exclude { commits: below, tracked_by: None }, limits)
        && !walked.truncated
    {
        let reached: HashSet<Oid> = walked.commits.into_iter().collect();
        for target in &mut kept {
            target.commits.retain(|commit| reached.contains(commit));
        }
    }
    Ok(kept)
}
