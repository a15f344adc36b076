//! The notes of this repository on their way to a remote, in the same push as the ledgers.

use std::collections::BTreeSet;
use std::time::Instant;

use super::report::IsNetwork;
use super::{Contents, Destination, Fanout, FanoutError, LedgerOutcome, Plan, PushUpdate, Refusals, Report};
use crate::git::remote::{FetchError, Lease, Mapping, RefOutcome, RefPush, Rejection, RejectionKind, RemoteError};
use crate::git::{self, Config, Oid, OwnRef, Repo, Signature};
use crate::ledger::{Appender, Ledgers, Namespace, Scope, tracking_notes};
use crate::notes::{self, Gone, Join, Limits};
use crate::settings::FanoutMode;

/// Notes to be pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotesPush {
    /// Their ref over there.
    target: OwnRef,
    /// The ledgers that are not for this remote: our lines about their sessions wait with them.
    held: BTreeSet<String>,
    /// Who makes the commit that joins ours with the remote's.
    signature: Signature,
}

impl Plan {
    /// Adds the notes, if they are to travel (`opensession.fanout-mode`) and the remote lacks any. Lines about sessions of
    /// ledgers that wait here wait with them. A push in which the user moves the notes himself is left to him.
    ///
    /// # Errors
    /// When the notes or the ledgers of this repository cannot be read.
    pub fn add_notes(
        &mut self,
        repo: &Repo,
        config: &Config,
        destination: &Destination,
        updates: &[PushUpdate],
        signature: &Signature,
    ) -> Result<(), FanoutError> {
        let is_on = FanoutMode::read(config).is_ok_and(|mode| mode == Some(FanoutMode::GitNotes));
        let name = notes::live()?;
        if !is_on || updates.iter().any(|update| update.target == *name.name()) {
            return Ok(());
        }
        let (ours, theirs) = (repo.read_ref(name.name())?, known(repo, destination)?);
        if ours.is_none() || ours == theirs {
            return Ok(());
        }
        let held: BTreeSet<String> = self.held.iter().map(ToString::to_string).collect();
        let target = self.namespace.notes().map_err(git::Error::from)?;
        let push = NotesPush { target, held, signature: signature.clone() };
        let is_new = match push.join(repo, destination)? {
            Join::Nothing => false,
            Join::Is(commit) => Some(commit) != theirs,
            Join::New(..) => true,
        };
        self.notes = is_new.then_some(push);
        Ok(())
    }
}

impl NotesPush {
    /// What the remote is to get: our notes joined into those it is known to have. Nothing is written yet.
    fn join<'repo>(&self, repo: &'repo Repo, destination: &Destination) -> Result<Join<'repo>, FanoutError> {
        let ours = repo.read_ref(notes::live()?.name())?;
        // Looked up each time: what a lost race has brought may say that more is gone.
        let limits = Limits { gone: Gone::of(&Ledgers::open(repo, Scope::All)?), held: self.held.clone() };
        Ok(notes::join(repo, known(repo, destination)?, ours, &limits, &self.signature)?)
    }

    /// The commit to push, its objects written, and where to; `None` if the remote has all of it by now.
    fn prepare(&self, repo: &Repo, destination: &Destination) -> Result<Option<(Oid, OwnRef)>, FanoutError> {
        let joined = self.join(repo, destination)?.finish()?;
        let known = known(repo, destination)?;
        Ok(joined.filter(|joined| known != Some(*joined)).map(|source| (source, self.target.clone())))
    }

    /// Remembers what the remote has now, and takes what it had more into ours. Where that fails the next push or fetch
    /// does it: no harm is done.
    fn settle(&self, repo: &Repo, destination: &Destination, pushed: Oid, deadline: Instant) {
        let Ok(tracking) = notes::tracking(destination.key()) else { return };
        let Ok(seen) = repo.read_ref(tracking.name()) else { return };
        let _ = repo.update_ref(&tracking, seen.into(), Some(pushed), "opensession: pushed", None, deadline);
        let by = Appender { signature: &self.signature, lock: None, deadline };
        let _ = notes::absorb(repo, destination.key(), &by);
    }
}

impl Fanout<'_> {
    /// The notes, ready to be pushed, if they are still to be.
    pub(super) fn prepare_notes(
        &self,
        notes: &mut Option<&NotesPush>,
        report: &mut Report,
        refusals: &Refusals,
    ) -> Option<RefPush> {
        let push = (*notes)?.prepare(self.repo, self.destination);
        match push {
            Ok(Some((source, target))) => match refusals.known(&target, source).filter(|_| !self.asks_again) {
                None => return Some(RefPush { source: Some(source), target, lease: Lease::FastForward }),
                Some((reason, said)) => {
                    report.remote_says = said;
                    report.notes = Some(LedgerOutcome::Refused { reason, is_new: false });
                }
            },
            Ok(None) => report.notes = Some(LedgerOutcome::AlreadyThere),
            Err(error) => report.fail_notes(*notes, &error),
        }
        *notes = None;
        None
    }

    /// What follows from the remote's answer.
    pub(super) fn settle_notes(
        &self,
        notes: &mut Option<&NotesPush>,
        push: &RefPush,
        outcome: &RefOutcome,
        report: &mut Report,
        refusals: &mut Refusals,
    ) {
        let (Some(notes_push), Some(source)) = (*notes, push.source) else { return };
        match outcome {
            RefOutcome::Pushed(_) => {
                refusals.forget(&push.target);
                notes_push.settle(self.repo, self.destination, source, self.deadline());
                report.notes = Some(LedgerOutcome::Pushed(Contents::default()));
                *notes = None;
            }
            RefOutcome::Rejected(Rejection { kind: RejectionKind::Refused, reason }) => {
                refusals.remember(&push.target, source, reason, &report.remote_says);
                report.notes = Some(LedgerOutcome::Refused { reason: reason.clone(), is_new: true });
                *notes = None;
            }
            RefOutcome::Rejected(rejection) => {
                report.notes = Some(LedgerOutcome::Rejected(rejection.clone()));
                if !rejection.kind.is_retryable() {
                    *notes = None;
                }
            }
        }
    }

    /// Fetches notes that the remote has moved on, to be joined and pushed once more. Where they do not follow on what was
    /// known, something was purged: which sessions, the ledgers say, and so all of these are fetched, too.
    pub(super) fn catch_up_notes(&self, notes: &mut Option<&NotesPush>, namespace: Namespace, report: &mut Report) {
        let Some(push) = *notes else { return };
        if let Err(error) = self.fetch_notes(push, namespace) {
            report.fail_notes(notes.take(), &error);
        }
    }

    fn fetch_notes(&self, push: &NotesPush, namespace: Namespace) -> Result<(), FanoutError> {
        let was = known(self.repo, self.destination)?;
        let mapping = Mapping::new(push.target.to_string(), tracking_notes(self.destination.key()));
        match self.fetch(&[mapping.map_err(git::Error::from)?]) {
            Ok(_) => {}
            // Somebody has deleted them since the push: then ours can simply be pushed.
            Err(FanoutError::Fetch(FetchError::Remote(RemoteError::NoSuchRef { .. }))) => return Ok(()),
            Err(error) => return Err(error),
        }
        let is_rolled = match (was, known(self.repo, self.destination)?) {
            (Some(was), Some(now)) => was != now && !self.repo.is_ancestor(was, now)?,
            (was, _) => was.is_none(),
        };
        if is_rolled {
            self.fetch_all(namespace)?;
        }
        Ok(())
    }
}

impl Report {
    /// Notes that did not come to an answer.
    pub(super) fn fail_notes(&mut self, notes: Option<&NotesPush>, error: &(impl std::error::Error + IsNetwork)) {
        if notes.is_some() {
            self.notes = Some(LedgerOutcome::Failed { reason: error.to_string(), network: error.is_network() });
        }
    }
}

/// What a remote is known to have.
fn known(repo: &Repo, destination: &Destination) -> Result<Option<Oid>, FanoutError> {
    let tip = repo.read_ref(notes::tracking(destination.key())?.name())?;
    // What was fetched once may have been cleaned away since.
    Ok(tip.filter(|tip| repo.has(*tip).unwrap_or(false)))
}
