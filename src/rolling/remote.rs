//! Rolling what a remote has: its ledgers, what lies in their inboxes, and its notes.

use std::collections::BTreeMap;
use std::time::Instant;

use super::{Error, Left, PATIENCE, RemoteReport, RolledLedger, Rolling};
use crate::fanout::{Destination, FanoutError, Inbox, Refusals, Taken};
use crate::fetch;
use crate::git::remote::{Atomic, Lease, RefOutcome, RefPush, RemoteError};
use crate::git::{self, Oid, OwnRef};
use crate::ledger::{
    self, Appender, LedgerRef, LedgerView, Namespace, Rewrite, Theirs, replay, rolled, tracking_prefix, unite,
};
use crate::notes::{self, Forgotten};
use crate::settings::read_namespace;

/// How often a remote that was faster is asked again.
const TRIES: usize = 4;
/// How often a remote is looked at, while each time something of it can be rolled: no more is fetched of an inbox at once
/// than is bounded.
const ROUNDS: usize = 64;

impl Rolling<'_> {
    /// Rolls what a remote has, which has been fetched.
    pub(super) fn roll_remote(
        &self,
        rewrite: &dyn Rewrite,
        destination: &Destination,
        left: &mut Vec<(LedgerRef, Left)>,
    ) -> Result<RemoteReport, Error> {
        let namespace = read_namespace(self.network.config).map_err(FanoutError::from)?;
        let mut at = AtRemote { rolling: self, rewrite, destination, namespace, report: RemoteReport::default(), left };
        at.report.label = destination.label();
        match at.roll() {
            Ok(()) => {}
            Err(Stop::Remote(error)) => at.report.failed = Some(error),
            Err(Stop::Here(error)) => return Err(*error),
        }
        Ok(at.report)
    }
}

/// The work on one remote.
struct AtRemote<'a> {
    rolling: &'a Rolling<'a>,
    rewrite: &'a dyn Rewrite,
    destination: &'a Destination,
    namespace: Namespace,
    report: RemoteReport,
    left: &'a mut Vec<(LedgerRef, Left)>,
}

/// A ledger of a remote that is to be rolled.
struct LedgerRoll {
    ledger: LedgerRef,
    target: OwnRef,
    /// `None` if there is nothing of it but what lies in its inbox.
    old: Option<Oid>,
    new: Oid,
    /// What others left beside it, and is in it now.
    inbox: Vec<Oid>,
}

/// Notes of a remote that are to be rolled.
struct NotesRoll {
    target: OwnRef,
    forgotten: Forgotten,
}

/// What came of one push.
#[derive(Default)]
struct Settled {
    /// Whether somebody was faster.
    raced: bool,
    taken: Taken,
}

impl AtRemote<'_> {
    fn roll(&mut self) -> Result<(), Stop> {
        let mut tries = 0;
        for _ in 0..ROUNDS {
            let (ledgers, notes) = (self.ledgers()?, self.notes()?);
            self.report.rejected.clear();
            self.report.notes_rejected = None;
            if ledgers.is_empty() && notes.is_none() {
                return Ok(());
            }
            let Settled { raced, taken } = self.push(ledgers, notes)?;
            self.empty_inboxes(&taken)?;
            tries += usize::from(raced);
            if tries == TRIES || (!raced && taken.is_empty()) {
                return Ok(());
            }
            self.left.retain(|(ledger, _)| ledger.is_local());
            // What cannot be fetched was told before any of this began.
            self.rolling.fetch(self.destination).map(drop).map_err(|error| match error {
                fetch::Error::Remote(error) => Stop::Remote(error),
                error => Error::from(error).into(),
            })?;
        }
        Ok(())
    }

    /// What is to be pushed: of each ledger that the remote has something of and that is to change, the commit that takes
    /// its place.
    fn ledgers(&mut self) -> Result<Vec<LedgerRoll>, Stop> {
        let (repo, key) = (self.rolling.repo, self.destination.key());
        let mut tips: BTreeMap<LedgerRef, Option<Oid>> = BTreeMap::new();
        for found in repo.refs(&tracking_prefix(key)).map_err(Error::from)? {
            tips.extend(LedgerRef::parse(&found.name).map(|ledger| (ledger, Some(found.oid))));
        }
        for ledger in Inbox::ledgers(repo, key).map_err(Error::from)? {
            tips.entry(ledger).or_default();
        }
        let mut rolls = Vec::new();
        for (ledger, old) in tips {
            let inbox = Inbox::of(repo, &ledger, key).map_err(Error::from)?.tips;
            match self.rolled(&ledger, old, &inbox) {
                Ok(Some(new)) => {
                    let target = self.namespace.ledger(&ledger).map_err(git::Error::from).map_err(Error::from)?;
                    rolls.push(LedgerRoll { ledger, target, old, new, inbox });
                }
                // It may have been rolled by a run that was killed before the reflog was gone.
                Ok(None) => self.rolling.forget_reflog(&ledger)?,
                Err(ledger::Error::Git(error)) => return Err(Error::from(error).into()),
                Err(error) => self.left.push((ledger, Left::Unreadable(error))),
            }
        }
        Ok(rolls)
    }

    /// What a remote is to have of a ledger, with what others have left in its inbox; `None` if there is nothing to be
    /// done about it.
    fn rolled(&self, ledger: &LedgerRef, tip: Option<Oid>, inbox: &[Oid]) -> ledger::Result<Option<Oid>> {
        let repo = self.rolling.repo;
        let by = Appender { signature: self.rolling.signature, lock: None, deadline: Instant::now() + PATIENCE };
        let whole = match tip {
            Some(tip) if inbox.is_empty() => Some(tip),
            tip => unite(repo, ledger, None, Theirs { tip, inbox }, &by)?.tip(),
        };
        let Some(whole) = whole else { return Ok(None) };
        if let Some(new) = rolled(repo, ledger, whole, self.rewrite, &by)? {
            return Ok(Some(new));
        }
        // The ledger may be as it should be, and what lies beside it not: it hangs on an older history.
        for one in inbox {
            if self.rewrite.rewrite(&LedgerView::at(repo, *one)?, &mut repo.batch())?.is_some() {
                return Ok(Some(whole));
            }
        }
        Ok(None)
    }

    /// The notes that the remote has, if anything in them is to go.
    fn notes(&self) -> Result<Option<NotesRoll>, Stop> {
        let repo = self.rolling.repo;
        let tracking = notes::tracking(self.destination.key()).map_err(Error::from)?;
        let Some(old) = repo.read_ref(tracking.name()).map_err(Error::from)? else { return Ok(None) };
        let unwanted = self.rolling.unwanted(self.rewrite)?;
        let new = notes::forgotten(repo, old, &unwanted, self.rolling.signature).map_err(Error::from)?;
        let Some(new) = new else { return Ok(None) };
        let target = self.namespace.notes().map_err(git::Error::from).map_err(Error::from)?;
        Ok(Some(NotesRoll { target, forgotten: Forgotten { old, new } }))
    }

    /// One push of all of it, each under a lease.
    fn push(&mut self, ledgers: Vec<LedgerRoll>, notes: Option<NotesRoll>) -> Result<Settled, Stop> {
        let network = self.rolling.network;
        let refs: Vec<RefPush> =
            ledgers.iter().map(LedgerRoll::push).chain(notes.iter().map(NotesRoll::push)).collect();
        let answer = network.push(&self.destination.endpoint(network.config), &refs, Atomic::No)?;
        let mut outcomes = answer.refs.into_iter().map(|(_, outcome)| outcome);
        let mut settled = Settled::default();
        for (roll, outcome) in ledgers.into_iter().zip(&mut outcomes) {
            match outcome {
                RefOutcome::Pushed(_) => {
                    settled.taken.add(&roll.ledger, &roll.inbox);
                    self.follow(roll)?;
                }
                RefOutcome::Rejected(rejection) => {
                    settled.raced |= rejection.kind.is_retryable();
                    self.report.rejected.push((roll.ledger, rejection));
                }
            }
        }
        match notes.zip(outcomes.next()) {
            Some((roll, RefOutcome::Pushed(_))) => self.follow_notes(roll.forgotten)?,
            Some((_, RefOutcome::Rejected(rejection))) => {
                settled.raced |= rejection.kind.is_retryable();
                self.report.notes_rejected = Some(rejection);
            }
            None => {}
        }
        Ok(settled)
    }

    /// Deletes what was taken in from the inboxes of the remote. What it does not delete is taken in again by whoever
    /// pushes next, without what is to be gone.
    fn empty_inboxes(&self, taken: &Taken) -> Result<(), Stop> {
        let Rolling { repo, network, .. } = self.rolling;
        let mut refusals = Refusals::open(repo, network.config, self.destination);
        let deadline = Instant::now() + PATIENCE;
        let emptied = Inbox::empty(repo, network, self.destination, taken, &mut refusals, deadline);
        refusals.save();
        emptied.map_err(|error| match error {
            FanoutError::Remote(error) => Stop::Remote(error),
            error => Error::from(error).into(),
        })
    }

    /// Notes that the remote has the new commit, and puts the live ledger on top of it.
    fn follow(&mut self, roll: LedgerRoll) -> Result<(), Error> {
        let Rolling { repo, signature, .. } = *self.rolling;
        let LedgerRoll { ledger, old, new, .. } = roll;
        let deadline = Instant::now() + PATIENCE;
        let lock = repo.lock(deadline)?;
        let by = Appender { signature, lock: Some(&lock), deadline };
        let tracking = ledger.to_ref().map_err(git::Error::from)?;
        let message = "opensession: rolled\n";
        // Whoever fetched meanwhile has written what the remote has.
        let _ = repo.update_ref(&tracking, old.into(), Some(new), message, by.lock, deadline)?;
        // A race is lost to a capture; the next push joins.
        let _ = replay(repo, &ledger, Theirs { tip: Some(new), inbox: &[] }, &by)?;
        drop(lock);
        self.rolling.forget_reflog(&ledger)?;
        self.rolling.forget_reflog(&ledger.to_local())?;
        self.report.rolled.push(RolledLedger { ledger, old, new });
        Ok(())
    }

    /// The same for the notes, if there are any here.
    fn follow_notes(&mut self, forgotten: Forgotten) -> Result<(), Error> {
        let Rolling { repo, signature, .. } = *self.rolling;
        let deadline = Instant::now() + PATIENCE;
        let by = Appender { signature, lock: None, deadline };
        let tracking = notes::tracking(self.destination.key())?;
        let Forgotten { old, new } = forgotten;
        let _ = repo.update_ref(&tracking, git::Expected::At(old), Some(new), "opensession: rolled", None, deadline)?;
        repo.forget_reflog(&tracking, deadline)?;
        if repo.read_ref(notes::live()?.name())?.is_some() {
            notes::absorb(repo, self.destination.key(), &by)?;
            repo.forget_reflog(&notes::live()?, deadline)?;
        }
        self.report.notes = Some(forgotten);
        Ok(())
    }
}

impl LedgerRoll {
    fn push(&self) -> RefPush {
        let lease = self.old.map_or(Lease::Absent, Lease::At);
        RefPush { source: Some(self.new), target: self.target.clone(), lease }
    }
}

impl NotesRoll {
    fn push(&self) -> RefPush {
        let Forgotten { old, new } = self.forgotten;
        RefPush { source: Some(new), target: self.target.clone(), lease: Lease::At(old) }
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
