//! Rolling the ledgers of a repository and of its remotes: what `purge`, `prune` and `redact --again` have in common.
//!
//! First the live ledgers here, so that no capture can add to what is to go. Then, for each remote: what it has is
//! fetched, rewritten, and pushed in the place of exactly what was fetched; the tracking refs follow, and the live
//! ledgers are put on top of what the remote has now. What somebody pushed in between is fetched and rewritten, too.
//!
//! Only what a remote has already goes there again: nothing that waits here for its branch to be published.
//!
//! Killed at any moment this leaves ledgers that are as they were, or rolled; the next run finds what is left to do.

mod remote;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::fanout::{Destination, FanoutError, Unfetched};
use crate::fetch::{self, fetch_from};
use crate::git::remote::{Network, Rejection, RemoteError};
use crate::git::{self, Expected, HiddenRef, Oid, Repo, Signature, Update};
use crate::handoff::exchange::Error as ExchangeError;
use crate::handoff::{self, MadeOf, forget_at};
use crate::ledger::{
    self, Appender, LOCAL_PREFIX, LedgerRef, Ledgers, REMOTES_PREFIX, Rewrite, Rolled, Scope, Sid, is_tracking_notes,
    roll, rolled, tracking_notes,
};
use crate::notes::{self, Forgotten, Gone, Unwanted};
use crate::store::{self, Store};

/// How long to wait for the capture lock, and for a ref that another process has locked.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where ledgers are rolled, and by whom.
#[derive(Clone, Copy)]
pub struct Rolling<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// The user's own store of registered sessions, if it is to be reached, too.
    pub own: Option<&'a Repo>,
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
    /// Its tip before; `None` if only something in its inbox was there.
    pub old: Option<Oid>,
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
    /// Its notes, if they were rolled.
    pub notes: Option<Forgotten>,
    /// Why its notes were not, if they should have been.
    pub notes_rejected: Option<Rejection>,
    /// Its refs of handoffs that it did not let go of, and why.
    pub handoffs_rejected: Vec<(String, Rejection)>,
    /// Why it could not be talked to.
    pub failed: Option<RemoteError>,
}

/// What was rolled.
#[derive(Debug, Default)]
pub struct Report {
    /// Ledgers of this repository.
    pub here: Vec<RolledLedger>,
    /// The notes of this repository, if they were rolled.
    pub notes: Option<Forgotten>,
    /// How many registered sessions were taken out of the store of this repository.
    pub unregistered: usize,
    /// What was taken out of the user's own store.
    pub outside: Option<Outside>,
    /// The handoffs that were made of sessions that are gone, and are removed.
    pub handoffs: Vec<MadeOf>,
    /// Remotes, in the order given.
    pub remotes: Vec<RemoteReport>,
    /// Ledgers that cannot be read here or were moved by others all the time; they stay as they are.
    pub left: Vec<(LedgerRef, Left)>,
}

/// Registered sessions that were taken out of the user's own store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// How many.
    pub count: usize,
    /// Where the store is.
    pub folder: PathBuf,
}

impl Outside {
    /// Takes sessions out of it; `None` if it has none of them.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn remove(own: &Repo, sessions: &BTreeSet<Sid>, by: &Appender<'_>) -> Result<Option<Self>, store::Error> {
        let count = Store::of(own).remove(sessions, by)?;
        Ok((count > 0).then(|| Self { count, folder: own.common_dir().components().collect() }))
    }
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
    /// The notes.
    #[error(transparent)]
    Notes(#[from] notes::Error),
    /// The store of registered sessions.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What was fetched, or the settings.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// What is pushed, or the settings.
    #[error(transparent)]
    Fanout(#[from] FanoutError),
    /// The handoffs.
    #[error(transparent)]
    Handoff(#[from] handoff::StoreError),
}

impl RemoteReport {
    /// Whether all that the remote had to do is done.
    pub fn is_done(&self) -> bool {
        let nothing_rejected =
            self.rejected.is_empty() && self.notes_rejected.is_none() && self.handoffs_rejected.is_empty();
        self.failed.is_none() && nothing_rejected
    }
}

impl Report {
    /// Whether all is done.
    pub fn is_done(&self) -> bool {
        self.left.is_empty() && self.remotes.iter().all(RemoteReport::is_done)
    }
}

impl Rolling<'_> {
    /// Fetches what a remote has of ledgers, and follows it in what it no longer keeps. Gives what could not be fetched:
    /// nothing of that can be rolled.
    ///
    /// # Errors
    /// When the remote cannot be talked to, or the repository not be read or written.
    pub fn fetch(&self, destination: &Destination) -> Result<Vec<Unfetched>, fetch::Error> {
        let by = Appender { signature: self.signature, lock: None, deadline: Instant::now() + PATIENCE };
        fetch_from(self.repo, &self.network, destination, &by).map(|fetched| fetched.unfetched)
    }

    /// Rolls the live ledgers, then what lies beside them, then what each remote has, which has been fetched.
    ///
    /// # Errors
    /// When the repository cannot be read or written. Whatever concerns one ledger or one remote is in the report.
    pub fn run(&self, rewrite: &dyn Rewrite, destinations: &[Destination]) -> Result<Report, Error> {
        let mut report = Report::default();
        self.roll_live(rewrite, &mut report)?;
        self.clean_beside(rewrite, &mut report)?;
        let (gone, store) = (rewrite.gone(), handoff::Store::new(self.repo));
        for destination in destinations {
            let mut at = self.roll_remote(rewrite, destination, &mut report.left)?;
            if at.failed.is_none() {
                self.forget_handoffs(&store, &gone, destination, &mut at)?;
            }
            report.remotes.push(at);
        }
        for repo in [Some(self.repo), self.own].into_iter().flatten() {
            report.handoffs.extend(handoff::Store::new(repo).remove_made_of(&gone)?);
        }
        Ok(report)
    }

    fn forget_handoffs(
        &self,
        store: &handoff::Store<'_>,
        gone: &BTreeSet<Sid>,
        destination: &Destination,
        at: &mut RemoteReport,
    ) -> Result<(), Error> {
        match forget_at(store, &self.network, destination, gone) {
            Ok(rejected) => at.handoffs_rejected = rejected,
            Err(ExchangeError::Remote(error)) => at.failed = Some(error),
            Err(ExchangeError::Git(error)) => return Err(error.into()),
            Err(ExchangeError::Store(error)) => return Err(error.into()),
            Err(ExchangeError::Ledger(error)) => return Err(error.into()),
            // Nothing is asked for by name, and no ledger of the remote.
            Err(ExchangeError::TooMany { .. } | ExchangeError::NotThere { .. } | ExchangeError::Fetch(_)) => {}
        }
        Ok(())
    }

    fn roll_live(&self, rewrite: &dyn Rewrite, report: &mut Report) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        let lock = self.repo.lock(deadline)?;
        let by = Appender { signature: self.signature, lock: Some(&lock), deadline };
        for found in self.repo.refs(LOCAL_PREFIX)? {
            let Some(ledger) = LedgerRef::parse(&found.name) else { continue };
            match roll(self.repo, &ledger, rewrite, &by) {
                Ok(Rolled::Moved { old, new }) => {
                    report.here.push(RolledLedger { ledger, old: Some(old), new });
                }
                Ok(Rolled::NoLedger | Rolled::AsItWas) => {}
                Ok(Rolled::Raced) => report.left.push((ledger, Left::Raced)),
                Err(ledger::Error::Git(error)) => return Err(error.into()),
                Err(error) => report.left.push((ledger, Left::Unreadable(error))),
            }
        }
        Ok(())
    }

    /// What is in the notes of sessions that are gone, that have expired or that are redacted again, and in the store of those
    /// that are gone.
    fn clean_beside(&self, rewrite: &dyn Rewrite, report: &mut Report) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        let lock = self.repo.lock(deadline)?;
        let by = Appender { signature: self.signature, lock: Some(&lock), deadline };
        if rewrite.redone_by().is_some() && self.repo.read_ref(notes::live()?.name())?.is_some() {
            notes::write(self.repo, &by)?;
        }
        report.notes = notes::forget(self.repo, &self.unwanted(rewrite)?, &by)?;
        report.unregistered = Store::of(self.repo).remove(&rewrite.gone(), &by)?;
        if let Some(own) = self.own {
            // Its refs are its own: the lock of this repository says nothing of them.
            report.outside = Outside::remove(own, &rewrite.gone(), &Appender { lock: None, ..by })?;
        }
        Ok(())
    }

    /// Which lines shall not stay in any notes.
    fn unwanted(&self, rewrite: &dyn Rewrite) -> Result<Unwanted, Error> {
        let mut gone = Gone::of(&Ledgers::open(self.repo, Scope::All)?).and_purged(rewrite.gone());
        for (ledger, retention) in rewrite.expired() {
            gone.expire(&ledger, &retention);
        }
        let unwanted = Unwanted::gone(gone);
        match rewrite.redone_by() {
            Some(rules) => Ok(unwanted.and_redone(self.repo, rules)?),
            None => Ok(unwanted),
        }
    }

    fn forget_reflog(&self, ledger: &LedgerRef) -> Result<(), Error> {
        let name = ledger.to_ref().map_err(git::Error::from)?;
        Ok(self.repo.forget_reflog(&name, Instant::now() + PATIENCE)?)
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
    ) -> Result<Vec<HiddenRef>, Error> {
        let deadline = Instant::now() + PATIENCE;
        let lock = self.repo.lock(deadline)?;
        let by = Appender { signature: self.signature, lock: Some(&lock), deadline };
        let is_known = |ledger: &LedgerRef| destinations.iter().any(|known| ledger.is_at(known.key()));
        let unwanted = self.unwanted(rewrite)?;
        let known_notes: Vec<String> = destinations.iter().map(|known| tracking_notes(known.key())).collect();
        let mut dropped = Vec::new();
        for found in self.repo.refs(REMOTES_PREFIX)? {
            let is_touched = if let Some(ledger) = LedgerRef::parse(&found.name) {
                // What cannot be read may hold it as well.
                !is_known(&ledger) && !matches!(rolled(self.repo, &ledger, found.oid, rewrite, &by), Ok(None))
            } else {
                is_tracking_notes(&found.name)
                    && !known_notes.contains(&found.name.to_string())
                    && !matches!(notes::forgotten(self.repo, found.oid, &unwanted, self.signature), Ok(None))
            };
            if !is_touched {
                continue;
            }
            let name = HiddenRef::new(found.name).map_err(git::Error::from)?;
            let update = self.repo.update_ref(&name, Expected::At(found.oid), None, "", by.lock, deadline)?;
            self.repo.forget_reflog(&name, deadline)?;
            if update == Update::Moved {
                dropped.push(name);
            }
        }
        Ok(dropped)
    }
}
