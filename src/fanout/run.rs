//! The nested push.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::inbox::{Inbox, Taken};
use super::pace::{CROWD, Pace};
use super::refusals::Refusals;
use super::report::{IsNetwork, LedgerOutcome, LedgerReport, Report};
use super::{Alone, Contents, Destination, FanoutError, LedgerPush, NotesPush, Plan, unsound};
use crate::git::remote::{
    Atomic, FetchError, Lease, Mapping, Network, PushReport, RefOutcome, RefPush, Rejection, RejectionKind,
    RemoteError, Sifted,
};
use crate::git::{self, Exclude, Expected, Oid, Repo, Signature, WalkLimits};
use crate::honour::{honour, purge, without_purged};
use crate::ledger::{
    Appender, LedgerRef, Ledgers, Namespace, Replayed, Retention, Scope, Sid, Theirs, remote_prefix, replay,
    retention_of_all, unite,
};

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
pub(super) struct Pending {
    pub push: LedgerPush,
    /// What is pushed now: ours, joined with what the remote is known to have.
    source: Oid,
    /// What of the remote's inbox is in it, and can go over there.
    drained: Vec<Oid>,
    pub last: Option<Rejection>,
}

/// What is under way: what is known, and what has come of it so far.
pub(super) struct Run<'p> {
    pub plan: &'p Plan,
    pub notes: Option<&'p NotesPush>,
    pub report: Report,
    pub refusals: Refusals,
    pub pace: Pace,
    /// What is in the remote's ledgers now, and still lies in their inboxes.
    taken: Taken,
}

impl Fanout<'_> {
    /// Pushes what the plan says, in one connection if nobody else is at it. Who was faster is joined, and the race run
    /// again, at most four times, and only as long as there is time for it; what has lost them all is left in the remote's
    /// inbox, which nobody contends for. A remote that refuses is not asked twice. An empty plan does nothing at all.
    pub fn run(&self, plan: &Plan) -> Report {
        let mut run = self.begin(plan);
        let mut pending = Vec::new();
        for push in &plan.pushes {
            match run.refusals.known(&push.target, push.tip).filter(|_| !self.asks_again) {
                Some((reason, said)) => {
                    run.report.remote_says = said;
                    run.report.add(push.clone(), LedgerOutcome::Refused { reason, is_new: false });
                }
                None => pending.extend(self.align(push.clone(), &mut run)),
            }
        }
        while !pending.is_empty() || run.notes.is_some() {
            pending = self.attempt(pending, &mut run);
            if (pending.is_empty() && run.notes.is_none()) || !run.pace.race_again() {
                break;
            }
            let is_crowded;
            (pending, is_crowded) = self.catch_up(pending, &mut run);
            self.catch_up_notes(&mut run.notes, plan.namespace, &mut run.report);
            if is_crowded {
                break;
            }
        }
        if !pending.is_empty() {
            self.leave(pending, &mut run);
        }
        self.empty_inboxes(&mut run);
        run.refusals.save();
        run.report.ledgers.sort_by(|a, b| a.push.ledger.cmp(&b.push.ledger));
        run.report
    }

    pub(super) fn begin<'p>(&self, plan: &'p Plan) -> Run<'p> {
        Run {
            plan,
            notes: plan.notes.as_ref(),
            report: Report::new(self.destination.label()),
            refusals: Refusals::open(self.repo, self.network.config, self.destination),
            pace: Pace::new(self.network.deadline),
            taken: Taken::default(),
        }
    }

    /// Joins ours with what the remote is known to have. `None` if it is known to have all of ours, or if that failed.
    pub(super) fn align(&self, push: LedgerPush, run: &mut Run<'_>) -> Option<Pending> {
        match self.joined(&push, run) {
            Ok(Some((source, drained))) => Some(Pending { push, source, drained, last: None }),
            Ok(None) => {
                run.report.add(push, LedgerOutcome::AlreadyThere);
                None
            }
            Err(error) => {
                run.report.fail([push], &error);
                None
            }
        }
    }

    /// What the remote is to have, and what of its inbox is in that.
    fn joined(&self, push: &LedgerPush, run: &Run<'_>) -> Result<Option<(Oid, Vec<Oid>)>, FanoutError> {
        let key = self.destination.key();
        let tracking = push.ledger.to_tracking(key).to_ref().map_err(git::Error::from)?;
        let tip = self.repo.read_ref(tracking.name())?;
        let inbox = Inbox::of(self.repo, &push.ledger, key)?;
        let mut inbox = inbox.without_refused(&push.ledger, run.plan.namespace, &run.refusals)?.tips;
        let mut source = self.united(push, Theirs { tip, inbox: &inbox });
        if matches!(source, Err(FanoutError::Ledger(_))) && !inbox.is_empty() {
            // Whoever leaves rubbish there keeps nobody from pushing.
            let by = self.appender();
            inbox.retain(|one| unite(self.repo, &push.ledger, tip, Theirs { tip, inbox: &[*one] }, &by).is_ok());
            source = self.united(push, Theirs { tip, inbox: &inbox });
        }
        // Folded into another, or gone for another reason: there is nothing to push.
        let Some(source) = source? else { return Ok(None) };
        let source = self.clean(push, Theirs { tip, inbox: &inbox }, source)?;
        Ok((tip != Some(source) || !inbox.is_empty()).then_some((source, inbox)))
    }

    /// The remote's ledger with a snapshot in it; no ref moves for it here. `None` if it was purged meanwhile.
    fn with_alone(&self, push: &LedgerPush, alone: Alone, theirs: Theirs<'_>) -> Result<Option<Oid>, FanoutError> {
        let gone = retention_of_all(self.repo, &push.ledger)?;
        if gone.refusal(alone.session, alone.snapshot).is_some() {
            return Ok(None);
        }
        Ok(unite(self.repo, &push.ledger, Some(push.tip), theirs, &self.appender())?.tip())
    }

    /// What the remote has and what is ours; `None` if there is no live ledger, and nothing in the inbox.
    fn united(&self, push: &LedgerPush, theirs: Theirs<'_>) -> Result<Option<Oid>, FanoutError> {
        if let Some(alone) = push.alone {
            return self.with_alone(push, alone, theirs);
        }
        match replay(self.repo, &push.ledger, theirs, &self.appender())? {
            Replayed::UpToDate(tip) | Replayed::Moved { new: tip, .. } => Ok(Some(tip)),
            Replayed::NoLedger if theirs.inbox.is_empty() => Ok(None),
            Replayed::NoLedger => Ok(unite(self.repo, &push.ledger, None, theirs, &self.appender())?.tip()),
            Replayed::Raced => Err(FanoutError::Raced),
        }
    }

    /// The same without sessions that the remote lacks and that any ledger here says are purged. A ledger of another
    /// branch may have been captured before that was known.
    fn clean(&self, push: &LedgerPush, theirs: Theirs<'_>, source: Oid) -> Result<Oid, FanoutError> {
        let new = Contents::between(self.repo, theirs.tip, source)?.sessions;
        if new.is_empty() {
            return Ok(source);
        }
        let ledgers = Ledgers::open(self.repo, Scope::All)?;
        let gone: BTreeSet<Sid> = new.into_iter().filter(|sid| ledgers.is_purged(*sid)).collect();
        if gone.is_empty() {
            return Ok(source);
        }
        let gone = Retention { purged: gone, ..Retention::default() };
        if push.alone.is_none() && purge(self.repo, &push.ledger.to_local(), &gone, &self.appender())? {
            return Ok(self.united(push, theirs)?.unwrap_or(source));
        }
        Ok(without_purged(self.repo, source, &gone, theirs.tip, &self.appender())?)
    }

    /// Until when a locked ref is waited for.
    pub(super) fn deadline(&self) -> Instant {
        self.network.deadline.unwrap_or_else(|| Instant::now() + PATIENCE)
    }

    /// One push, and what came of it; gives what is to be tried again.
    fn attempt(&self, pending: Vec<Pending>, run: &mut Run<'_>) -> Vec<Pending> {
        let along = self.prepare_notes(&mut run.notes, &mut run.report, &run.refusals);
        if pending.is_empty() && along.is_none() {
            return pending;
        }
        let outcomes = match self.push(&pending, along.as_ref(), run) {
            Ok(pushed) => {
                run.report.remote_says = pushed.remote_says;
                pushed.refs
            }
            Err(error) => {
                run.report.fail(pending.into_iter().map(|pending| pending.push), &error);
                if along.is_some() {
                    run.report.fail_notes(run.notes.take(), &error);
                }
                return Vec::new();
            }
        };
        if let (Some(push), Some((_, outcome))) = (&along, outcomes.last()) {
            self.settle_notes(&mut run.notes, push, outcome, &mut run.report, &mut run.refusals);
        }
        let mut again = Vec::new();
        // The ledgers come first, then the notes.
        for (mut pending, (_, outcome)) in pending.into_iter().zip(outcomes) {
            match outcome {
                RefOutcome::Pushed(_) => {
                    run.refusals.forget(&pending.push.target);
                    self.take_note(pending, run);
                }
                RefOutcome::Rejected(rejection) if rejection.kind.is_retryable() => {
                    pending.last = Some(rejection);
                    again.push(pending);
                }
                RefOutcome::Rejected(Rejection { kind: RejectionKind::Refused, reason }) => run.refuse(pending, reason),
                RefOutcome::Rejected(rejection) => run.report.add(pending.push, LedgerOutcome::Rejected(rejection)),
            }
        }
        again
    }

    fn push(&self, group: &[Pending], notes: Option<&RefPush>, run: &mut Run<'_>) -> Result<PushReport, FanoutError> {
        let mut refs: Vec<RefPush> = group.iter().map(Pending::to_ref_push).collect();
        refs.extend(notes.cloned());
        let endpoint = self.destination.endpoint(self.network.config);
        Ok(run.pace.timed(|| self.network.push(&endpoint, &refs, Atomic::No))?)
    }

    /// Remembers that the remote has a ledger now.
    pub(super) fn take_note(&self, pending: Pending, run: &mut Run<'_>) {
        let Pending { push, source, drained, .. } = pending;
        let contents = Contents::between(self.repo, push.known, source).unwrap_or_default();
        self.remember(&push.ledger.to_tracking(self.destination.key()), Some(source));
        run.taken.add(&push.ledger, &drained);
        run.report.add(push, LedgerOutcome::Pushed(contents));
    }

    /// Deletes what lies in inboxes of ledgers that have it now: a push of its own, for not every host can let several refs
    /// hang together. Where that fails the next push does it: no harm is done.
    pub(super) fn empty_inboxes(&self, run: &mut Run<'_>) {
        let deadline = self.deadline();
        let _ = Inbox::empty(self.repo, &self.network, self.destination, &run.taken, &mut run.refusals, deadline);
    }

    /// Moves a tracking ref. Where that fails the next push asks the remote once more: no harm is done.
    fn remember(&self, tracking: &LedgerRef, tip: Option<Oid>) {
        let Ok(tracking) = tracking.to_ref() else { return };
        let Ok(seen) = self.repo.read_ref(tracking.name()) else { return };
        let expected = Expected::from(seen);
        let _ = self.repo.update_ref(&tracking, expected, tip, "opensession: pushed", None, self.deadline());
    }

    /// Fetches the ledgers the remote has moved on, and joins them. Says, too, whether so many are at it that another race
    /// is not worth it.
    pub(super) fn catch_up(&self, behind: Vec<Pending>, run: &mut Run<'_>) -> (Vec<Pending>, bool) {
        if behind.is_empty() {
            return (behind, false);
        }
        let key = self.destination.key();
        let ledgers = behind.iter().map(|pending| &pending.push.ledger);
        let mappings = run.plan.namespace.some(key, ledgers).map_err(git::Error::from).map_err(FanoutError::from);
        let sifted = match mappings.and_then(|mappings| run.pace.timed(|| self.fetch_around(&mappings))) {
            Ok(sifted) => sifted,
            // Somebody has deleted it since the push: then ours can simply be pushed.
            Err(FanoutError::Fetch(FetchError::Remote(RemoteError::NoSuchRef { .. }))) => return (behind, false),
            Err(error) => {
                run.report.fail(behind.into_iter().map(|pending| pending.push), &error);
                return (Vec::new(), false);
            }
        };
        let (mut aligned, mut is_crowded) = (Vec::new(), false);
        for Pending { mut push, last, .. } in behind {
            if let Some(outcome) = not_fetched(&sifted, &push.target.to_string()) {
                run.report.add(push, outcome);
                continue;
            }
            let tracking = push.ledger.to_tracking(key).to_ref();
            let known = tracking.ok().and_then(|tracking| self.repo.read_ref(tracking.name()).ok().flatten());
            // What is known from before the first race may be of last year.
            is_crowded |= run.pace.lost() > 1 && self.commits_between(push.known, known) > CROWD;
            push.known = known;
            aligned.extend(self.align(push, run).map(|pending| Pending { last, ..pending }));
        }
        (aligned, is_crowded)
    }

    /// How many commits a ledger has got more, as far as that is of interest.
    fn commits_between(&self, old: Option<Oid>, new: Option<Oid>) -> usize {
        let Some(new) = new else { return 0 };
        let exclude = Exclude { commits: old.into_iter().collect(), tracked_by: None };
        let walked = self.repo.rev_list(&[new], &exclude, WalkLimits::commits(CROWD + 1));
        walked.map_or(0, |walked| walked.commits.len())
    }

    /// Fetches all ledgers and the notes, and follows the remote in what it no longer keeps. Says whether anything came.
    /// What is not sound there is left out; a fetch that somebody has typed says so.
    pub(super) fn fetch_all(&self, namespace: Namespace) -> Result<bool, FanoutError> {
        let mappings = namespace.all(self.destination.key()).map_err(git::Error::from)?;
        Ok(!self.fetch_around(&mappings)?.moved.is_empty())
    }

    /// Fetches what is sound of some, and follows the remote in what it no longer keeps.
    fn fetch_around(&self, mappings: &[Mapping]) -> Result<Sifted, FanoutError> {
        let (endpoint, tracking) =
            (self.destination.endpoint(self.network.config), remote_prefix(self.destination.key()));
        let known = unsound::known(self.repo, self.destination);
        let sifted = self.network.fetch_around(self.repo, &endpoint, &tracking, mappings, &known)?;
        unsound::add(self.repo, self.destination, &known, &sifted);
        honour(self.repo, &sifted.moved, &self.appender())?;
        Ok(sifted)
    }

    /// Fetches some, and follows the remote in what it no longer keeps. Says whether anything came.
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
    fn leave(&self, pending: Vec<Pending>, run: &mut Run<'_>) {
        let mut refs = Vec::new();
        for Pending { push, source, .. } in &pending {
            let Ok(target) = run.plan.namespace.inbox(&push.ledger, *source) else { continue };
            refs.push(RefPush { source: Some(*source), target, lease: Lease::FastForward });
        }
        let endpoint = self.destination.endpoint(self.network.config);
        let outcomes = match self.network.push(&endpoint, &refs, Atomic::No) {
            Ok(pushed) => pushed.refs,
            Err(error) => {
                run.report.fail(pending.into_iter().map(|pending| pending.push), &error);
                return;
            }
        };
        for (pending, (_, outcome)) in pending.into_iter().zip(outcomes) {
            let Pending { push, source, last, .. } = pending;
            match outcome {
                RefOutcome::Pushed(_) => {
                    let contents = Contents::between(self.repo, push.known, source).unwrap_or_default();
                    self.remember(&push.ledger.to_inbox(self.destination.key(), source), Some(source));
                    run.report.add(push, LedgerOutcome::Left(contents));
                }
                RefOutcome::Rejected(rejection) => {
                    run.report.add(push, LedgerOutcome::Rejected(last.unwrap_or(rejection)));
                }
            }
        }
    }
}

/// Why something could not be fetched, if it could not.
fn not_fetched(sifted: &Sifted, name: &str) -> Option<LedgerOutcome> {
    let unsound = sifted.unsound.iter().find(|unsound| unsound.name == name);
    let unsound = unsound.map(|unsound| LedgerOutcome::Unsound { reason: unsound.reason.clone() });
    let left = || {
        let reason = "too much else there is not sound; the next push goes on".to_owned();
        sifted.left.iter().any(|left| left == name).then_some(LedgerOutcome::Failed { reason, network: false })
    };
    unsound.or_else(left)
}

impl Run<'_> {
    /// Takes note of what the remote does not want.
    pub(super) fn refuse(&mut self, pending: Pending, reason: String) {
        self.refusals.remember(&pending.push.target, pending.source, &reason, &self.report.remote_says);
        self.report.add(pending.push, LedgerOutcome::Refused { reason, is_new: true });
    }
}

impl Pending {
    pub(super) fn to_ref_push(&self) -> RefPush {
        RefPush { source: Some(self.source), target: self.push.target.clone(), lease: Lease::FastForward }
    }
}

impl Report {
    pub(super) fn fail(
        &mut self,
        pushes: impl IntoIterator<Item = LedgerPush>,
        error: &(impl std::error::Error + IsNetwork),
    ) {
        for push in pushes {
            let outcome = LedgerOutcome::Failed { reason: error.to_string(), network: error.is_network() };
            self.add(push, outcome);
        }
    }

    pub(super) fn add(&mut self, push: LedgerPush, outcome: LedgerOutcome) {
        self.ledgers.push(LedgerReport { push, outcome });
    }
}
