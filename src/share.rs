//! Sharing one session: a plain file in the ledger of a branch, with an address that anybody can read who can read the
//! remote.
//!
//! What is shared is a [`Snapshot`], and so has been looked through for secrets. [`share`] writes it into the ledger here
//! and needs no network. [`push`] brings it to a remote, and nothing else with it: a ledger may have sessions of commits
//! that nobody has published yet, and they wait for their branch as ever. It is the push that the hook makes: what others
//! have pushed is joined, no ref is forced, what was purged does not come back.

use std::time::{Duration, Instant};

use crate::fanout::{Alone, Fanout, FanoutError, LedgerOutcome, Plan, Report};
use crate::git::{self, BranchName, RefName, Repo};
use crate::hail::{Digest, Snapshot};
use crate::ledger::{
    self, Appender, LedgerPath, LedgerRef, LedgerView, Namespace, Refusal, Replayed, SessionKey, SnapshotOutcome,
    Theirs, add_snapshot, replay, retention_of_all, snapshot_alone,
};
use crate::uri::{BadUri, Reference, Remote, RemoteSource, SourcePath};

/// How long other pushes that somebody has typed in this repository are waited for.
const PATIENCE: Duration = Duration::from_secs(300);

/// A session in the ledger of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The branch.
    pub branch: BranchName,
    /// The session.
    pub session: SessionKey,
    /// The digest of its text: its name.
    pub digest: Digest,
    /// Whether it was not there before.
    pub is_new: bool,
}

/// What came of a push.
#[derive(Debug)]
pub struct Pushed {
    /// All that is to be told of it.
    pub report: Report,
    /// Where the session is now.
    pub arrival: Arrival,
}

/// Where a session that was pushed is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// In the ledger of the remote.
    InLedger,
    /// Beside that ledger, for every race was lost: its address leads there, and the next push of anybody joins it.
    Beside,
    /// Not there; the report says why.
    Nowhere,
}

/// Why a session is not shared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledger does not take it.
    #[error("the ledger of {branch} does not take this session: {why}")]
    Refused {
        /// The branch.
        branch: BranchName,
        /// Why.
        why: Refusal,
    },
    /// Captures in this repository were faster every time.
    #[error("captures in this repository were faster every time; try again")]
    Raced,
    /// The remote, or the ref, cannot stand in an address.
    #[error(transparent)]
    Address(#[from] BadUri),
    /// A ledger.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// The repository.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The push.
    #[error(transparent)]
    Fanout(#[from] FanoutError),
}

/// Writes a session into the live ledger of a branch, unless it is there. What the local store has is not written again.
///
/// # Errors
/// When the ledger does not take it ([`Error::Refused`]), or cannot be read or written.
pub fn share(repo: &Repo, branch: &BranchName, snapshot: &Snapshot, by: &Appender<'_>) -> Result<Shared, Error> {
    let is_new = match add_snapshot(repo, branch, snapshot, by)? {
        SnapshotOutcome::Added => true,
        SnapshotOutcome::Known => false,
        SnapshotOutcome::Refused(why) => return Err(Error::Refused { branch: branch.clone(), why }),
        SnapshotOutcome::Raced => return Err(Error::Raced),
    };
    let (session, digest) = (SessionKey::of(snapshot.header()), snapshot.digest());
    Ok(Shared { branch: branch.clone(), session, digest, is_new })
}

/// Pushes a session that was shared here to a remote.
///
/// # Errors
/// When somebody has purged it meanwhile ([`Error::Refused`]), or the repository cannot be read or written. What the
/// remote or the network has against it is in the report.
pub fn push(shared: &Shared, snapshot: &Snapshot, fanout: &Fanout<'_>) -> Result<Pushed, Error> {
    let Fanout { repo, network, destination, signature, .. } = *fanout;
    let _lock = repo.lock_pushes(Instant::now() + PATIENCE)?;
    let by = Appender { signature, lock: None, deadline: Instant::now() + PATIENCE };
    let alone = Alone { snapshot: shared.digest, session: shared.session };
    let commit = snapshot_alone(repo, &shared.branch, snapshot, &by)?;
    let plan = || Plan::alone(repo, network.config, destination, &shared.branch, commit, alone);
    let first = plan()?;
    // Of a remote that was never asked nothing is known of what somebody has purged there.
    let plan = if fanout.meet(&first)? { plan()? } else { first };
    let report = fanout.run(&plan);
    let outcome = report.ledgers.first().map(|ledger| &ledger.outcome);
    let arrival = match outcome {
        Some(LedgerOutcome::Pushed(_) | LedgerOutcome::AlreadyThere) => {
            // Either it was there, or somebody has purged it while it was on its way.
            if let Some(why) = retention_of_all(repo, &shared.ledger())?.refusal(shared.session, shared.digest) {
                return Err(Error::Refused { branch: shared.branch.clone(), why });
            }
            shared.follow(fanout, &by)?;
            Arrival::InLedger
        }
        Some(LedgerOutcome::Left(_)) => Arrival::Beside,
        _ => Arrival::Nowhere,
    };
    Ok(Pushed { report, arrival })
}

impl Shared {
    /// The ledger here.
    pub fn ledger(&self) -> LedgerRef {
        LedgerRef::local(&self.branch)
    }

    /// Where it is in the ledger.
    pub fn path(&self) -> LedgerPath {
        LedgerPath::Snapshot(self.digest)
    }

    /// Its address at a remote, which need not have it yet.
    ///
    /// # Errors
    /// Never in practice: the names of ledgers can stand in an address.
    pub fn address(&self, remote: Remote, namespace: Namespace) -> Result<RemoteSource, Error> {
        let reference = namespace.ledger(&self.ledger()).map_err(git::Error::from)?;
        let (reference, path) = (Reference::new(&reference.to_string())?, SourcePath::new(&self.path().to_string())?);
        Ok(RemoteSource { remote, reference, path })
    }

    /// Puts the live ledger on top of what the remote has now, so that nothing is left to be joined.
    fn follow(&self, fanout: &Fanout<'_>, by: &Appender<'_>) -> Result<(), Error> {
        let tracking = self.ledger().to_tracking(fanout.destination.key()).to_ref().map_err(git::Error::from)?;
        let tip = fanout.repo.read_ref(tracking.name())?;
        match replay(fanout.repo, &self.ledger(), Theirs { tip, inbox: &[] }, by)? {
            // Whoever was faster leaves it to the next push.
            Replayed::Moved { .. } | Replayed::UpToDate(_) | Replayed::NoLedger | Replayed::Raced => Ok(()),
        }
    }
}

/// The branch whose ledger is meant by a branch's name, by its ref, or by the ref of the ledger itself, here or at a
/// remote; `None` for anything else, and for a ledger that does not say whose it is.
///
/// # Errors
/// When a ledger that was named cannot be read.
pub fn branch_of(repo: &Repo, text: &str) -> Result<Option<BranchName>, ledger::Error> {
    let name = RefName::new(text).ok();
    if let Some((_, ledger)) = name.as_ref().and_then(Namespace::parse_ledger) {
        return match ledger.branch() {
            Some(branch) => Ok(Some(branch)),
            // A very long name stands in the ledger only.
            None => Ok(LedgerView::open(repo, &ledger)?.and_then(|view| view.branch().cloned())),
        };
    }
    if let Some(branch) = name.as_ref().and_then(RefName::branch) {
        return Ok(Some(branch));
    }
    Ok(BranchName::new(text).ok().filter(|_| !text.starts_with("refs/") && text != "HEAD"))
}
