//! The nested push.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, Instant};

use super::report::{LedgerOutcome, LedgerReport, Report};
use super::{Contents, Destination, LedgerPush, Plan};
use crate::git::remote::{
    FetchError, Lease, Network, RefOutcome, RefPush, Rejection, RejectionKind, RemoteError, Wanted,
};
use crate::git::{Expected, Oid, Repo};
use crate::ledger::{LOCAL_PREFIX, LedgerRef, tracking_prefix};

/// How often a lost race is run again.
const TRIES: u32 = 4;
/// The longest pause after the first lost race; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// A ledger that went two ways: ours and the remote's, which has been fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// The ledger.
    pub ledger: LedgerRef,
    /// Our tip.
    pub ours: Oid,
    /// The remote's tip.
    pub theirs: Oid,
}

/// What was made of a divergence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joined {
    /// A commit on top of the remote's tip that has all of both; to be pushed.
    At(Oid),
    /// Nothing yet: ours waits here.
    Waits,
}

/// Joins two ledgers, or says that ours waits.
pub type Join<'a> = dyn FnMut(&Divergence) -> Joined + 'a;

/// Leaves every divergence as it is.
pub fn wait_for_join(_divergence: &Divergence) -> Joined {
    Joined::Waits
}

/// Pushing ledgers to one remote.
#[derive(Clone, Copy)]
pub struct Fanout<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// How to talk to the remote, and until when.
    pub network: Network<'a>,
    /// The remote.
    pub destination: &'a Destination,
}

/// A ledger that is not through yet.
struct Pending {
    push: LedgerPush,
    /// What is pushed now: the tip, or what a join has made of it.
    source: Oid,
    last: Option<Rejection>,
}

impl Fanout<'_> {
    /// Pushes what the plan says, in one connection if nobody else is at it. A lost race is run again, at most four
    /// times; a remote that refuses is not asked twice. An empty plan does nothing at all.
    pub fn run(&self, plan: &Plan, join: &mut Join<'_>) -> Report {
        let mut report = Report::new(self.destination.label());
        let mut pending: Vec<Pending> = plan.pushes.iter().map(Pending::new).collect();
        for attempt in 1..=TRIES {
            pending = self.attempt(pending, &mut report, join);
            if pending.is_empty() {
                break;
            }
            if attempt < TRIES && !self.pause(attempt) {
                let reason = RemoteError::TimedOut { url: self.destination.url().to_string() };
                report.fail(pending.drain(..).map(|pending| pending.push), &reason);
            }
        }
        for Pending { push, last, .. } in pending {
            let rejection = last.unwrap_or_else(|| Rejection {
                kind: RejectionKind::LockFailure,
                reason: "lost every race".to_owned(),
            });
            report.add(push, LedgerOutcome::Rejected(rejection));
        }
        report.ledgers.sort_by(|a, b| a.push.ledger.cmp(&b.push.ledger));
        report
    }

    /// One push, and what follows from it; gives what is to be tried again.
    fn attempt(&self, pending: Vec<Pending>, report: &mut Report, join: &mut Join<'_>) -> Vec<Pending> {
        let refs: Vec<RefPush> = pending.iter().map(Pending::to_ref_push).collect();
        let endpoint = self.destination.endpoint(self.network.config);
        let pushed = match self.network.push(&endpoint, &refs) {
            Ok(pushed) => pushed,
            Err(error) => {
                report.fail(pending.into_iter().map(|pending| pending.push), &error);
                return Vec::new();
            }
        };
        report.remote_says = pushed.remote_says;
        let (mut again, mut behind) = (Vec::new(), Vec::new());
        for (mut pending, (_, outcome)) in pending.into_iter().zip(pushed.refs) {
            match outcome {
                RefOutcome::Pushed(_) => self.take_note(pending, report),
                RefOutcome::Rejected(rejection) => {
                    let kind = rejection.kind;
                    pending.last = Some(rejection.clone());
                    match kind {
                        RejectionKind::LockFailure => again.push(pending),
                        kind if kind.is_retryable() => behind.push(pending),
                        _ => report.add(pending.push, LedgerOutcome::Rejected(rejection)),
                    }
                }
            }
        }
        if !behind.is_empty() {
            again.extend(self.catch_up(behind, report, join));
        }
        again
    }

    /// Remembers that the remote has a ledger now.
    fn take_note(&self, pending: Pending, report: &mut Report) {
        let Pending { push, source, .. } = pending;
        let contents = Contents::between(self.repo, push.known, source).unwrap_or_default();
        self.remember(&push.ledger, source);
        report.add(push, LedgerOutcome::Pushed(contents));
    }

    /// Moves the tracking ref. Where that fails the next push asks the remote once more: no harm is done.
    fn remember(&self, ledger: &LedgerRef, tip: Oid) {
        let Ok(tracking) = ledger.to_tracking(self.destination.key()).to_ref() else { return };
        let Ok(seen) = self.repo.read_ref(tracking.name()) else { return };
        let expected = seen.map_or(Expected::Absent, Expected::At);
        let deadline = self.network.deadline.unwrap_or_else(|| Instant::now() + Duration::from_secs(1));
        let _ = self.repo.update_ref(&tracking, expected, Some(tip), "opensession: pushed", None, deadline);
    }

    /// Fetches the ledgers the remote has moved on, and looks what is to be done about each.
    fn catch_up(&self, behind: Vec<Pending>, report: &mut Report, join: &mut Join<'_>) -> Vec<Pending> {
        let names: Vec<String> = behind.iter().map(|pending| pending.push.ledger.to_string()).collect();
        let parts: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix(LOCAL_PREFIX)).collect();
        let endpoint = self.destination.endpoint(self.network.config);
        let tracking = tracking_prefix(self.destination.key());
        match self.network.fetch(self.repo, &endpoint, &tracking, Wanted::Ledgers(&parts)) {
            Ok(_) => {}
            // Somebody has deleted it since the push: then ours can simply be pushed.
            Err(FetchError::Remote(RemoteError::NoSuchRef { .. })) => return behind,
            Err(error) => {
                report.fail(behind.into_iter().map(|pending| pending.push), &error);
                return Vec::new();
            }
        }
        behind.into_iter().filter_map(|pending| self.look_again(pending, report, join)).collect()
    }

    fn look_again(&self, mut pending: Pending, report: &mut Report, join: &mut Join<'_>) -> Option<Pending> {
        let ledger = &pending.push.ledger;
        let theirs = match self.relation(ledger, pending.push.tip) {
            Ok(Relation::Ahead) => {
                pending.source = pending.push.tip;
                return Some(pending);
            }
            Ok(Relation::Behind) => {
                report.add(pending.push, LedgerOutcome::AlreadyThere);
                return None;
            }
            Ok(Relation::Diverged(theirs)) => theirs,
            Err(error) => {
                report.fail([pending.push], &error);
                return None;
            }
        };
        match join(&Divergence { ledger: ledger.clone(), ours: pending.push.tip, theirs }) {
            Joined::At(joined) => {
                pending.source = joined;
                pending.push.known = Some(theirs);
                Some(pending)
            }
            Joined::Waits => {
                report.add(pending.push, LedgerOutcome::Diverged { theirs });
                None
            }
        }
    }

    fn relation(&self, ledger: &LedgerRef, ours: Oid) -> Result<Relation, crate::git::Error> {
        let tracking = ledger.to_tracking(self.destination.key()).to_ref()?;
        let Some(theirs) = self.repo.read_ref(tracking.name())? else { return Ok(Relation::Ahead) };
        if theirs == ours || self.repo.is_ancestor(ours, theirs)? {
            return Ok(Relation::Behind);
        }
        Ok(if self.repo.is_ancestor(theirs, ours)? { Relation::Ahead } else { Relation::Diverged(theirs) })
    }

    /// Waits a random while (full jitter); false if the deadline would pass.
    fn pause(&self, attempt: u32) -> bool {
        let longest = FIRST_PAUSE * 2_u32.saturating_pow(attempt - 1);
        // The seed of a hash map is the randomness the standard library has.
        let random = RandomState::new().build_hasher().finish() % 1000;
        let pause = longest * u32::try_from(random).unwrap_or_default() / 1000;
        let left = self.network.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left <= pause) {
            return false;
        }
        std::thread::sleep(pause);
        true
    }
}

/// How our ledger stands to the remote's.
enum Relation {
    Ahead,
    Behind,
    Diverged(Oid),
}

impl Pending {
    fn new(push: &LedgerPush) -> Self {
        Self { push: push.clone(), source: push.tip, last: None }
    }

    fn to_ref_push(&self) -> RefPush {
        RefPush { source: Some(self.source), target: self.push.name.clone(), lease: Lease::FastForward }
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

/// Errors that know whether the network, or the credentials for it, are to blame.
trait IsNetwork {
    fn is_network(&self) -> bool;
}

impl IsNetwork for RemoteError {
    fn is_network(&self) -> bool {
        Self::is_network(self)
    }
}

impl IsNetwork for FetchError {
    fn is_network(&self) -> bool {
        matches!(self, Self::Remote(error) if error.is_network())
    }
}

impl IsNetwork for crate::git::Error {
    fn is_network(&self) -> bool {
        false
    }
}
