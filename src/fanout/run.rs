//! The nested push.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, Instant};

use super::inbox::Inbox;
use super::refusals::Refusals;
use super::report::{IsNetwork, LedgerOutcome, LedgerReport, Report};
use super::{Alone, Contents, Destination, FanoutError, LedgerPush, NotesPush, Plan};
use crate::git::remote::{
    Atomic, FetchError, Lease, Mapping, Network, PushReport, RefOutcome, RefPush, Rejection, RejectionKind, RemoteError,
};
use crate::git::{Expected, Oid, Repo, Signature};
use crate::honour::honour;
use crate::ledger::{Appender, LedgerRef, Namespace, Replayed, Theirs, remote_prefix, replay, retention_of_all, unite};

/// How often a lost race is run again.
const TRIES: u32 = 4;
/// The longest pause after the first lost race; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// How long a ref that another process has locked is waited for, where nobody has set a deadline.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pushing ledgers to one remote.
#[derive(Clone, Copy)]
pub struct Fanout<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// How to talk to the remote, and until when.
    pub network: Network<'a>,
    /// The remote.
    pub destination: &'a Destination,
    /// Who makes the commits that join ledgers, and what time it is.
    pub signature: &'a Signature,
    /// Whether a remote is asked again for what it has refused.
    pub asks_again: bool,
}

/// A ledger that is not through yet.
struct Pending {
    push: LedgerPush,
    /// What is pushed now: ours, joined with what the remote is known to have.
    source: Oid,
    /// What of the remote's inbox is in it, and can go over there.
    drained: Vec<Oid>,
    last: Option<Rejection>,
}

impl Fanout<'_> {
    /// Pushes what the plan says, in one connection if nobody else is at it. Who was faster is joined, and the race run
    /// again, at most four times; what has lost them all is left in the remote's inbox, which nobody contends for. A
    /// remote that refuses is not asked twice. An empty plan does nothing at all.
    pub fn run(&self, plan: &Plan) -> Report {
        let mut report = Report::new(self.destination.label());
        let mut refusals = Refusals::open(self.repo, self.network.config, self.destination);
        let mut pending = Vec::new();
        for push in &plan.pushes {
            match refusals.known(&push.target, push.tip).filter(|_| !self.asks_again) {
                Some((reason, said)) => {
                    report.remote_says = said;
                    report.add(push.clone(), LedgerOutcome::Refused { reason, is_new: false });
                }
                None => pending.extend(self.align(push.clone(), &mut report)),
            }
        }
        // Half of the time is for races, half for the inbox: where they take so long that it is tight, many are at it.
        let left = self.network.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let reserve = left.unwrap_or_default() / 2;
        let mut attempt = 1;
        let mut notes = plan.notes.as_ref();
        while !pending.is_empty() || notes.is_some() {
            pending = self.attempt(pending, &mut notes, plan.namespace, &mut report, &mut refusals);
            if (pending.is_empty() && notes.is_none()) || attempt == TRIES || !self.pause(attempt, reserve) {
                break;
            }
            attempt += 1;
            pending = self.catch_up(pending, plan.namespace, &mut report);
            self.catch_up_notes(&mut notes, &mut report);
        }
        if !pending.is_empty() {
            self.leave(pending, plan.namespace, &mut report);
        }
        refusals.save();
        report.ledgers.sort_by(|a, b| a.push.ledger.cmp(&b.push.ledger));
        report
    }

    /// Fetches what a remote has of which nothing is known here yet, once: a session that was purged there may still lie
    /// on this disk, and must not be published again. Says whether anything came; then the plan is to be made anew.
    ///
    /// # Errors
    /// When the remote cannot be talked to, or a live ledger not be brought in line with what came.
    pub fn meet(&self, namespace: Namespace) -> Result<bool, FanoutError> {
        let prefix = remote_prefix(self.destination.key());
        let met = self.repo.private_dir().join("met").join(self.destination.digest());
        if met.exists() || !self.repo.refs(&prefix)?.is_empty() {
            return Ok(false);
        }
        let mappings = namespace.all(self.destination.key()).map_err(crate::git::Error::from)?;
        let came = self.fetch(&mappings)?;
        // Without the mark it is asked once more: no harm.
        let _ = met.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&met, ""));
        Ok(came)
    }

    /// Joins ours with what the remote is known to have. `None` if it is known to have all of ours, or if that failed.
    fn align(&self, push: LedgerPush, report: &mut Report) -> Option<Pending> {
        match self.joined(&push) {
            Ok(Some((source, drained))) => Some(Pending { push, source, drained, last: None }),
            Ok(None) => {
                report.add(push, LedgerOutcome::AlreadyThere);
                None
            }
            Err(error) => {
                report.fail([push], &error);
                None
            }
        }
    }

    fn joined(&self, push: &LedgerPush) -> Result<Option<(Oid, Vec<Oid>)>, FanoutError> {
        let key = self.destination.key();
        let tracking = push.ledger.to_tracking(key).to_ref().map_err(crate::git::Error::from)?;
        let tip = self.repo.read_ref(tracking.name())?;
        let inbox = Inbox::of(self.repo, &push.ledger, key)?.tips;
        let theirs = Theirs { tip, inbox: &inbox };
        let source = match push.alone {
            Some(alone) => self.with_alone(push, alone, theirs)?,
            None => match replay(self.repo, &push.ledger, theirs, &self.appender())? {
                Replayed::UpToDate(tip) | Replayed::Moved { new: tip, .. } => Some(tip),
                // Folded into another, or gone for another reason: there is nothing to push.
                Replayed::NoLedger => None,
                Replayed::Raced => return Err(FanoutError::Raced),
            },
        };
        Ok(source.filter(|source| tip != Some(*source) || !inbox.is_empty()).map(|source| (source, inbox)))
    }

    /// The remote's ledger with a snapshot in it; no ref moves for it here. `None` if it was purged meanwhile.
    fn with_alone(&self, push: &LedgerPush, alone: Alone, theirs: Theirs<'_>) -> Result<Option<Oid>, FanoutError> {
        let gone = retention_of_all(self.repo, &push.ledger)?;
        if gone.refusal(alone.session, alone.snapshot).is_some() {
            return Ok(None);
        }
        Ok(unite(self.repo, &push.ledger, Some(push.tip), theirs, &self.appender())?.tip())
    }

    /// Until when a locked ref is waited for.
    pub(super) fn deadline(&self) -> Instant {
        self.network.deadline.unwrap_or_else(|| Instant::now() + PATIENCE)
    }

    /// One push, and what came of it; gives what is to be tried again.
    fn attempt(
        &self,
        pending: Vec<Pending>,
        notes: &mut Option<&NotesPush>,
        namespace: Namespace,
        report: &mut Report,
        refusals: &mut Refusals,
    ) -> Vec<Pending> {
        let (draining, plain): (Vec<_>, Vec<_>) = pending.into_iter().partition(|pending| !pending.drained.is_empty());
        let mut again = Vec::new();
        // What goes from an inbox goes together with the ledger that has it now, or not at all.
        let groups = draining.into_iter().map(|pending| (vec![pending], None, Atomic::Yes));
        let along = self.prepare_notes(notes, report, refusals);
        for (group, along, atomic) in groups.chain([(plain, along, Atomic::No)]) {
            if group.is_empty() && along.is_none() {
                continue;
            }
            let outcomes = match self.push(&group, along.as_ref(), namespace, atomic) {
                Ok(pushed) => {
                    report.remote_says = pushed.remote_says;
                    pushed.refs
                }
                Err(error) => {
                    report.fail(group.into_iter().map(|pending| pending.push), &error);
                    if along.is_some() {
                        report.fail_notes(notes.take(), &error);
                    }
                    continue;
                }
            };
            if let (Some(push), Some((_, outcome))) = (&along, outcomes.last()) {
                self.settle_notes(notes, push, outcome, report, refusals);
            }
            // The ledgers come first, then what is drained, then the notes.
            for (mut pending, (_, outcome)) in group.into_iter().zip(outcomes) {
                match outcome {
                    RefOutcome::Pushed(_) => {
                        refusals.forget(&pending.push.target);
                        self.take_note(pending, report);
                    }
                    RefOutcome::Rejected(rejection) if rejection.kind.is_retryable() => {
                        pending.last = Some(rejection);
                        again.push(pending);
                    }
                    RefOutcome::Rejected(Rejection { kind: RejectionKind::Refused, reason }) => {
                        refusals.remember(&pending.push.target, pending.source, &reason, &report.remote_says);
                        report.add(pending.push, LedgerOutcome::Refused { reason, is_new: true });
                    }
                    RefOutcome::Rejected(rejection) => report.add(pending.push, LedgerOutcome::Rejected(rejection)),
                }
            }
        }
        again
    }

    fn push(
        &self,
        group: &[Pending],
        notes: Option<&RefPush>,
        namespace: Namespace,
        atomic: Atomic,
    ) -> Result<PushReport, FanoutError> {
        let mut refs: Vec<RefPush> = group.iter().map(Pending::to_ref_push).collect();
        for pending in group {
            for commit in &pending.drained {
                let target = namespace.inbox(&pending.push.ledger, *commit).map_err(crate::git::Error::from)?;
                refs.push(RefPush { source: None, target, lease: Lease::At(*commit) });
            }
        }
        refs.extend(notes.cloned());
        Ok(self.network.push(&self.destination.endpoint(self.network.config), &refs, atomic)?)
    }

    /// Remembers that the remote has a ledger now, and nothing in its inbox that the ledger has.
    fn take_note(&self, pending: Pending, report: &mut Report) {
        let Pending { push, source, drained, .. } = pending;
        let contents = Contents::between(self.repo, push.known, source).unwrap_or_default();
        let key = self.destination.key();
        self.remember(&push.ledger.to_tracking(key), Some(source));
        for commit in drained {
            self.remember(&push.ledger.to_inbox(key, commit), None);
        }
        report.add(push, LedgerOutcome::Pushed(contents));
    }

    /// Moves a tracking ref. Where that fails the next push asks the remote once more: no harm is done.
    fn remember(&self, tracking: &LedgerRef, tip: Option<Oid>) {
        let Ok(tracking) = tracking.to_ref() else { return };
        let Ok(seen) = self.repo.read_ref(tracking.name()) else { return };
        let expected = Expected::from(seen);
        let _ = self.repo.update_ref(&tracking, expected, tip, "opensession: pushed", None, self.deadline());
    }

    /// Fetches the ledgers the remote has moved on, and joins them.
    fn catch_up(&self, behind: Vec<Pending>, namespace: Namespace, report: &mut Report) -> Vec<Pending> {
        if behind.is_empty() {
            return behind;
        }
        let ledgers = behind.iter().map(|pending| &pending.push.ledger);
        let mappings = namespace.some(self.destination.key(), ledgers).map_err(crate::git::Error::from);
        match mappings.map_err(FanoutError::from).and_then(|mappings| self.fetch(&mappings)) {
            Ok(_) => {}
            // Somebody has deleted it since the push: then ours can simply be pushed.
            Err(FanoutError::Fetch(FetchError::Remote(RemoteError::NoSuchRef { .. }))) => return behind,
            Err(error) => {
                report.fail(behind.into_iter().map(|pending| pending.push), &error);
                return Vec::new();
            }
        }
        let key = self.destination.key();
        let mut aligned = Vec::new();
        for Pending { mut push, last, .. } in behind {
            let tracking = push.ledger.to_tracking(key).to_ref();
            push.known = tracking.ok().and_then(|tracking| self.repo.read_ref(tracking.name()).ok().flatten());
            aligned.extend(self.align(push, report).map(|pending| Pending { last, ..pending }));
        }
        aligned
    }

    /// Fetches, and follows the remote in what it no longer keeps. Says whether anything came.
    pub(super) fn fetch(&self, mappings: &[Mapping]) -> Result<bool, FanoutError> {
        let endpoint = self.destination.endpoint(self.network.config);
        let fetched = self.network.fetch(self.repo, &endpoint, &remote_prefix(self.destination.key()), mappings)?;
        honour(self.repo, &fetched.moved, &self.appender())?;
        Ok(!fetched.moved.is_empty())
    }

    fn appender(&self) -> Appender<'_> {
        Appender { signature: self.signature, lock: None, deadline: self.deadline() }
    }

    /// Leaves what has lost every race in the remote's inbox, under a name that nobody else writes to: one push, and it
    /// is there. Whoever sees it and pushes next joins it.
    fn leave(&self, pending: Vec<Pending>, namespace: Namespace, report: &mut Report) {
        let mut refs = Vec::new();
        for Pending { push, source, .. } in &pending {
            let Ok(target) = namespace.inbox(&push.ledger, *source) else { continue };
            refs.push(RefPush { source: Some(*source), target, lease: Lease::FastForward });
        }
        let endpoint = self.destination.endpoint(self.network.config);
        let outcomes = match self.network.push(&endpoint, &refs, Atomic::No) {
            Ok(pushed) => pushed.refs,
            Err(error) => {
                report.fail(pending.into_iter().map(|pending| pending.push), &error);
                return;
            }
        };
        for (pending, (_, outcome)) in pending.into_iter().zip(outcomes) {
            let Pending { push, source, last, .. } = pending;
            match outcome {
                RefOutcome::Pushed(_) => {
                    let contents = Contents::between(self.repo, push.known, source).unwrap_or_default();
                    self.remember(&push.ledger.to_inbox(self.destination.key(), source), Some(source));
                    report.add(push, LedgerOutcome::Left(contents));
                }
                RefOutcome::Rejected(rejection) => {
                    report.add(push, LedgerOutcome::Rejected(last.unwrap_or(rejection)));
                }
            }
        }
    }

    /// Waits a random while (full jitter); false if that would leave less than `reserve` until the deadline.
    fn pause(&self, attempt: u32, reserve: Duration) -> bool {
        let longest = FIRST_PAUSE * 2_u32.saturating_pow(attempt - 1);
        // The seed of a hash map is the randomness the standard library has.
        let random = RandomState::new().build_hasher().finish() % 1000;
        let pause = longest * u32::try_from(random).unwrap_or_default() / 1000;
        let left = self.network.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left <= pause + reserve) {
            return false;
        }
        std::thread::sleep(pause);
        true
    }
}

impl Pending {
    fn to_ref_push(&self) -> RefPush {
        RefPush { source: Some(self.source), target: self.push.target.clone(), lease: Lease::FastForward }
    }
}

impl Report {
    fn fail(&mut self, pushes: impl IntoIterator<Item = LedgerPush>, error: &(impl std::error::Error + IsNetwork)) {
        for push in pushes {
            let outcome = LedgerOutcome::Failed { reason: error.to_string(), network: error.is_network() };
            self.add(push, outcome);
        }
    }

    fn add(&mut self, push: LedgerPush, outcome: LedgerOutcome) {
        self.ledgers.push(LedgerReport { push, outcome });
    }
}
