//! Rolling the ledgers of a repository and of its remotes: what `purge`, `prune` and `redact --again` have in common.
//!
//! First the live ledgers here, so that no capture can add to what is to go. Then, for each remote: what it has is
//! fetched, rewritten, and pushed in the place of exactly what was fetched; the tracking refs follow, and the live
//! ledgers are put on top of what the remote has now. What somebody pushed in between is fetched and rewritten, too.
//!
//! Only what a remote has already goes there again: nothing that waits here for its branch to be published.
//!
//! Killed at any moment this leaves ledgers that are as they were, or rolled; the next run finds what is left to do.

use std::time::{Duration, Instant};

use crate::fanout::{Destination, FanoutError, Inbox};
use crate::fetch::{self, fetch_from};
use crate::git::remote::{Atomic, Lease, Network, RefOutcome, RefPush, Rejection, RemoteError};
use crate::git::{self, Expected, Oid, OwnRef, Repo, Signature, Update};
use crate::ledger::{
    self, Appender, LOCAL_PREFIX, LedgerRef, REMOTES_PREFIX, Rewrite, Rolled, Theirs, replay, roll, rolled,
    tracking_prefix, unite,
};
use crate::settings::read_namespace;

/// How often a remote that was faster is asked again.
const TRIES: usize = 4;
/// How long to wait for the capture lock, and for a ref that another process has locked.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where ledgers are rolled, and by whom.
#[derive(Clone, Copy)]
pub struct Rolling<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// Author and committer of the new commits.
    pub signature: &'a Signature,
    /// How to talk to remotes.
    pub network: Network<'a>,
}

/// A ledger that was rolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledLedger {
    /// The ledger: here, or as it is tracked.
    pub ledger: LedgerRef,
    /// Its tip before.
    pub old: Oid,
    /// Its tip now.
    pub new: Oid,
}

/// What came of one remote.
#[derive(Debug, Default)]
pub struct RemoteReport {
    /// What it is called.
    pub label: String,
    /// Its ledgers that were rolled.
    pub rolled: Vec<RolledLedger>,
    /// Its ledgers that were not, and why.
    pub rejected: Vec<(LedgerRef, Rejection)>,
    /// Why it could not be talked to.
    pub failed: Option<RemoteError>,
}

/// What was rolled.
#[derive(Debug, Default)]
pub struct Report {
    /// Ledgers of this repository.
    pub here: Vec<RolledLedger>,
    /// Remotes, in the order given.
    pub remotes: Vec<RemoteReport>,
    /// Ledgers that cannot be read here or were moved by others all the time; they stay as they are.
    pub left: Vec<(LedgerRef, Left)>,
}

/// Why a ledger was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum Left {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(ledger::Error),
    /// Others were faster every time.
    #[error("others moved it all the time")]
    Raced,
}

/// Why nothing more can be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The repository.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// A ledger.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// What was fetched, or the settings.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// What is pushed, or the settings.
    #[error(transparent)]
    Fanout(#[from] FanoutError),
}

impl RemoteReport {
    /// Whether all that the remote had to do is done.
    pub fn is_done(&self) -> bool {
        self.failed.is_none() && self.rejected.is_empty()
    }
}

impl Report {
    /// Whether all is done.
    pub fn is_done(&self) -> bool {
        self.left.is_empty() && self.remotes.iter().all(RemoteReport::is_done)
    }
}

impl Rolling<'_> {
    /// Fetches what a remote has of ledgers, and follows it in what it no longer keeps.
    ///
    /// # Errors
    /// When the remote cannot be talked to, or the repository not be read or written.
    pub fn fetch(&self, destination: &Destination) -> Result<(), fetch::Error> {
        let by = Appender { signature: self.signature, lock: None, deadline: Instant::now() + PATIENCE };
        fetch_from(self.repo, &self.network, destination, &by).map(drop)
    }

    /// Rolls the live ledgers, then those of each remote, which have been fetched.
    ///
    /// # Errors
    /// When the repository cannot be read or written. Whatever concerns one ledger or one remote is in the report.
    pub fn run(&self, rewrite: &dyn Rewrite, destinations: &[Destination]) -> Result<Report, Error> {
        let mut report = Report::default();
        self.roll_live(rewrite, &mut report)?;
        for destination in destinations {
            let mut at = RemoteReport { label: destination.label(), ..RemoteReport::default() };
            if let Err(error) = self.roll_remote(rewrite, destination, &mut at, &mut report.left) {
                match error {
                    Stop::Remote(error) => at.failed = Some(error),
                    Stop::Here(error) => return Err(*error),
                }
            }
            report.remotes.push(at);
        }
        Ok(report)
    }

    fn roll_live(&self, rewrite: &dyn Rewrite, report: &mut Report) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        let lock = self.repo.lock(deadline)?;
        let by = Appender { signature: self.signature, lock: Some(&lock), deadline };
        for ledger in self.ledgers(LOCAL_PREFIX)? {
            match roll(self.repo, &ledger, rewrite, &by) {
                Ok(Rolled::Moved { old, new }) => report.here.push(RolledLedger { ledger, old, new }),
                Ok(Rolled::NoLedger | Rolled::AsItWas) => {}
                Ok(Rolled::Raced) => report.left.push((ledger, Left::Raced)),
                Err(ledger::Error::Git(error)) => return Err(error.into()),
                Err(error) => report.left.push((ledger, Left::Unreadable(error))),
            }
        }
        Ok(())
    }

    fn roll_remote(
        &self,
        rewrite: &dyn Rewrite,
        destination: &Destination,
        at: &mut RemoteReport,
        left: &mut Vec<(LedgerRef, Left)>,
    ) -> Result<(), Stop> {
        for _ in 0..TRIES {
            let (pushes, unreadable) = self.rewritten(rewrite, destination)?;
            left.extend(unreadable.into_iter().map(|(ledger, error)| (ledger, Left::Unreadable(error))));
            if pushes.is_empty() {
                at.rejected.clear();
                return Ok(());
            }
            let refs: Vec<RefPush> = pushes.iter().map(RemoteRoll::push).collect();
            let answer = self.network.push(&destination.endpoint(self.network.config), &refs, Atomic::No)?;
            at.rejected.clear();
            let (mut is_final, mut taken) = (true, Vec::new());
            for (roll, (_, outcome)) in pushes.into_iter().zip(answer.refs) {
                match outcome {
                    RefOutcome::Pushed(_) => {
                        taken.extend(roll.inbox.iter().map(|tip| (roll.ledger.clone(), *tip)));
                        at.rolled.push(self.follow(roll)?);
                    }
                    RefOutcome::Rejected(rejection) => {
                        is_final &= !rejection.kind.is_retryable();
                        at.rejected.push((roll.ledger, rejection));
                    }
                }
            }
            self.empty_inboxes(destination, &taken)?;
            if is_final {
                return Ok(());
            }
            left.retain(|(ledger, _)| ledger.is_local());
            self.fetch(destination).map_err(|error| match error {
                fetch::Error::Remote(error) => Stop::Remote(error),
                error => Error::from(error).into(),
            })?;
        }
        Ok(())
    }

    /// What is to be pushed: of each ledger that the remote has and that is to change, the commit that takes its place.
    fn rewritten(
        &self,
        rewrite: &dyn Rewrite,
        destination: &Destination,
    ) -> Result<(Vec<RemoteRoll>, Unreadable), Stop> {
        let by = Appender { signature: self.signature, lock: None, deadline: Instant::now() + PATIENCE };
        let (mut pushes, mut unreadable) = (Vec::new(), Vec::new());
        let namespace = read_namespace(self.network.config).map_err(FanoutError::from).map_err(Error::from)?;
        for found in self.repo.refs(&tracking_prefix(destination.key())).map_err(Error::from)? {
            let Some(ledger) = LedgerRef::parse(&found.name) else { continue };
            let inbox = Inbox::of(self.repo, &ledger, destination.key()).map_err(Error::from)?.tips;
            let whole = self.whole(&ledger, found.oid, &inbox, &by);
            match whole.and_then(|whole| rolled(self.repo, &ledger, whole, rewrite, &by)) {
                Ok(Some(new)) => {
                    let target = namespace.ledger(&ledger).map_err(git::Error::from).map_err(Error::from)?;
                    pushes.push(RemoteRoll { ledger, target, old: found.oid, new, inbox });
                }
                // It may have been rolled by a run that was killed before the reflog was gone.
                Ok(None) => self.forget_reflog(&ledger)?,
                Err(ledger::Error::Git(error)) => return Err(Error::from(error).into()),
                Err(error) => unreadable.push((ledger, error)),
            }
        }
        Ok((pushes, unreadable))
    }

    /// What a remote has of a ledger: with what others have left in its inbox.
    fn whole(&self, ledger: &LedgerRef, tip: Oid, inbox: &[Oid], by: &Appender<'_>) -> ledger::Result<Oid> {
        if inbox.is_empty() {
            return Ok(tip);
        }
        Ok(unite(self.repo, ledger, None, Theirs { tip: Some(tip), inbox }, by)?.tip().unwrap_or(tip))
    }

    /// Deletes what was taken in from the inboxes of a remote, there and as it is known here. What the remote does not
    /// delete is taken in again by whoever pushes next, without what is to be gone.
    fn empty_inboxes(&self, destination: &Destination, taken: &[(LedgerRef, Oid)]) -> Result<(), Stop> {
        if taken.is_empty() {
            return Ok(());
        }
        let namespace = read_namespace(self.network.config).map_err(FanoutError::from).map_err(Error::from)?;
        let mut refs = Vec::new();
        for (ledger, tip) in taken {
            let target = namespace.inbox(ledger, *tip).map_err(git::Error::from).map_err(Error::from)?;
            refs.push(RefPush { source: None, target, lease: Lease::At(*tip) });
        }
        let answer = self.network.push(&destination.endpoint(self.network.config), &refs, Atomic::No)?;
        let deadline = Instant::now() + PATIENCE;
        for ((ledger, tip), (_, outcome)) in taken.iter().zip(answer.refs) {
            if matches!(outcome, RefOutcome::Pushed(_)) {
                let name = ledger.to_inbox(destination.key(), *tip).to_ref().map_err(git::Error::from);
                let name = name.map_err(Error::from)?;
                let gone = self.repo.update_ref(&name, Expected::At(*tip), None, "", None, deadline);
                // Whoever fetched meanwhile has deleted it.
                let _ = gone.map_err(Error::from)?;
            }
        }
        Ok(())
    }

    /// Notes that the remote has the new commit, and puts the live ledger on top of it.
    fn follow(&self, roll: RemoteRoll) -> Result<RolledLedger, Error> {
        let RemoteRoll { ledger, old, new, .. } = roll;
        let deadline = Instant::now() + PATIENCE;
        let lock = self.repo.lock(deadline)?;
        let by = Appender { signature: self.signature, lock: Some(&lock), deadline };
        let tracking = ledger.to_ref().map_err(git::Error::from)?;
        let message = "opensession: rolled\n";
        // Whoever fetched meanwhile has written what the remote has.
        let _ = self.repo.update_ref(&tracking, Expected::At(old), Some(new), message, by.lock, deadline)?;
        let theirs = Theirs { tip: Some(new), inbox: &[] };
        // A race is lost to a capture; the next push joins.
        let _ = replay(self.repo, &ledger, theirs, &by)?;
        self.forget_reflog(&ledger)?;
        self.forget_reflog(&ledger.to_local())?;
        Ok(RolledLedger { ledger, old, new })
    }

    fn forget_reflog(&self, ledger: &LedgerRef) -> Result<(), Error> {
        Ok(self.repo.forget_reflog(&ledger.to_ref().map_err(git::Error::from)?)?)
    }

    /// Deletes the tracking refs, of other remotes than these, that a rewrite would change: what they hold is held by
    /// nothing else then, and a fetch brings them again. Gives their names.
    ///
    /// # Errors
    /// When the repository cannot be read or written.
    pub fn drop_other_tracking(
        &self,
        rewrite: &dyn Rewrite,
        destinations: &[Destination],
    ) -> Result<Vec<LedgerRef>, Error> {
        let deadline = Instant::now() + PATIENCE;
        let lock = self.repo.lock(deadline)?;
        let by = Appender { signature: self.signature, lock: Some(&lock), deadline };
        let mut dropped = Vec::new();
        for ledger in self.ledgers(REMOTES_PREFIX)? {
            if destinations.iter().any(|known| ledger.is_at(known.key())) {
                continue;
            }
            let name = ledger.to_ref().map_err(git::Error::from)?;
            let Some(tip) = self.repo.read_ref(name.name())? else { continue };
            // What cannot be read may hold it as well.
            if matches!(rolled(self.repo, &ledger, tip, rewrite, &by), Ok(None)) {
                continue;
            }
            let update = self.repo.update_ref(&name, Expected::At(tip), None, "", by.lock, deadline)?;
            self.repo.forget_reflog(&name)?;
            if update == Update::Moved {
                dropped.push(ledger);
            }
        }
        Ok(dropped)
    }

    fn ledgers(&self, prefix: &str) -> Result<Vec<LedgerRef>, Error> {
        let refs = self.repo.refs(prefix)?;
        Ok(refs.iter().filter_map(|found| LedgerRef::parse(&found.name)).collect())
    }
}

/// Ledgers that cannot be read, and why.
type Unreadable = Vec<(LedgerRef, ledger::Error)>;

/// A ledger of a remote that is to be rolled.
struct RemoteRoll {
    ledger: LedgerRef,
    target: OwnRef,
    old: Oid,
    new: Oid,
    /// What others left beside it, and is in it now.
    inbox: Vec<Oid>,
}

impl RemoteRoll {
    fn push(&self) -> RefPush {
        RefPush { source: Some(self.new), target: self.target.clone(), lease: Lease::At(self.old) }
    }
}

/// Why the work on a remote ended.
enum Stop {
    Remote(RemoteError),
    Here(Box<Error>),
}

impl From<RemoteError> for Stop {
    fn from(error: RemoteError) -> Self {
        Self::Remote(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Here(Box::new(error))
    }
}
