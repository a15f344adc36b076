//! One push of branch and ledgers: all of it, or nothing.

use std::ffi::OsString;

use super::report::{IsNetwork, LedgerOutcome, Report};
use super::run::{Pending, Run};
use super::{Fanout, FanoutError, Plan};
use crate::git::remote::{
    Atomic, Change, Lease, RefOutcome, RefPush, Rejection, RejectionKind, TypedError, TypedRef, TypedRemote,
    TypedReport,
};
use crate::git::{Error, HiddenRef, Identity, NewCommit, Oid, RefName, Signature};
use crate::ledger::{Namespace, tracking_prefix};

/// Where it is tried whether a remote takes hidden refs at all. It is gone again at once.
const PROBE: &str = "refs/opensession/probe";

/// The user's part of it.
pub struct Typed<'a> {
    /// The remote as it was typed.
    pub remote: TypedRemote<'a>,
    /// Options.
    pub options: Vec<String>,
    /// One refspec for each ref.
    pub refspecs: Vec<OsString>,
}

/// How it ended.
#[derive(Debug)]
pub enum End {
    /// The remote has all of it.
    Pushed,
    /// The remote did not keep its word: it has taken the branch, and refused what was to come with it.
    Torn,
    /// The remote does not take a ref of the user's. It has nothing.
    Rejected,
    /// The remote does not take ours. It has nothing.
    Refused,
    /// Others were faster every time. The remote has nothing.
    Raced,
    /// It did not come to that: something of ours cannot be made ready. The remote has nothing.
    NotReady,
    /// git came to no answer.
    Failed(TypedError),
}

/// What came of it.
pub struct Together {
    /// The user's refs; empty if it did not come to them.
    pub refs: Vec<TypedRef>,
    /// Ours.
    pub report: Report,
    /// How it ended.
    pub end: End,
}

/// What comes next.
enum Next {
    /// Nothing.
    End(End),
    /// The same again, when what others have pushed is joined.
    Again,
}

impl Fanout<'_> {
    /// Pushes what the user has typed and what the plan says at once. Ledgers that others have moved are joined, and all of
    /// it is tried again, at most four times; for a branch that others have moved nothing can be done here. What git says
    /// meanwhile is handed over line by line.
    pub fn push_together(&self, plan: &Plan, typed: &Typed<'_>, said: &mut dyn FnMut(&str)) -> Together {
        let mut run = self.begin(plan);
        let mut pending: Vec<Pending> = Vec::new();
        for push in &plan.pushes {
            pending.extend(self.align(push.clone(), &mut run));
        }
        let mut refs = Vec::new();
        let mut end = None;
        if !pending.is_empty() && self.must_probe(plan) {
            end = self.probe(&mut pending, &mut run);
        }
        let end = loop {
            if let Some(end) = end.take() {
                break end;
            }
            match self.attempt_together(&mut pending, &mut refs, typed, &mut run, said) {
                Next::End(end) => break end,
                Next::Again if !run.pace.race_again() => break End::Raced,
                Next::Again => self.catch_up_together(&mut pending, &mut run),
            }
        };
        self.finish(pending, &end, &mut run);
        Together { refs, report: run.report, end }
    }

    /// One push of it all.
    fn attempt_together(
        &self,
        pending: &mut Vec<Pending>,
        refs: &mut Vec<TypedRef>,
        typed: &Typed<'_>,
        run: &mut Run<'_>,
        said: &mut dyn FnMut(&str),
    ) -> Next {
        if run.notes.is_some() {
            // What a race before has said of them.
            run.report.notes = None;
        }
        let along = self.prepare_notes(&mut run.notes, &mut run.report, &run.refusals);
        if run.report.failures().next().is_some() {
            return Next::End(End::NotReady);
        }
        let own: Vec<RefPush> = pending.iter().map(Pending::to_ref_push).chain(along.clone()).collect();
        let push = || self.network.push_typed(typed.remote, &typed.options, &typed.refspecs, &own, said);
        let pushed = match run.pace.timed(push) {
            Ok(pushed) => pushed,
            Err(error) => return Next::End(End::Failed(error)),
        };
        let next = next_of(&pushed);
        run.report.remote_says = pushed.remote_says;
        if let (Some(push), Some((_, outcome))) = (&along, pushed.own.last()) {
            self.settle_notes(&mut run.notes, push, outcome, &mut run.report, &mut run.refusals);
        }
        let outcomes = pushed.own.into_iter().map(|(_, outcome)| outcome);
        *pending = self.settle(std::mem::take(pending), outcomes, run);
        *refs = pushed.refs;
        next
    }

    /// Joins what others have pushed. Those that were rejected only for another need nothing.
    fn catch_up_together(&self, pending: &mut Vec<Pending>, run: &mut Run<'_>) {
        let is_behind = |pending: &Pending| pending.last.as_ref().is_some_and(|last| !last.is_for_another());
        let (behind, mut rest): (Vec<_>, Vec<_>) = std::mem::take(pending).into_iter().partition(is_behind);
        rest.extend(self.catch_up(behind, run).0);
        *pending = rest;
        self.catch_up_notes(&mut run.notes, run.plan.namespace, &mut run.report);
    }

    /// Takes note of what the remote has, and of what it does not want; gives the rest.
    fn settle(
        &self,
        pending: Vec<Pending>,
        outcomes: impl Iterator<Item = RefOutcome>,
        run: &mut Run<'_>,
    ) -> Vec<Pending> {
        let mut rest = Vec::new();
        for (mut pending, outcome) in pending.into_iter().zip(outcomes) {
            match outcome {
                RefOutcome::Pushed(_) => {
                    run.refusals.forget(&pending.push.target);
                    self.take_note(pending, run);
                }
                RefOutcome::Rejected(Rejection { kind: RejectionKind::Refused, reason }) => run.refuse(pending, reason),
                RefOutcome::Rejected(rejection) => {
                    pending.last = Some(rejection);
                    rest.push(pending);
                }
            }
        }
        rest
    }

    /// Empties inboxes of what was pushed, and says of the rest why it was not.
    fn finish(&self, pending: Vec<Pending>, end: &End, run: &mut Run<'_>) {
        for Pending { push, last, .. } in pending {
            let outcome = match (end, last) {
                (End::Failed(error), _) => {
                    LedgerOutcome::Failed { reason: error.to_string(), network: error.is_network() }
                }
                (_, Some(rejection)) => LedgerOutcome::Rejected(rejection),
                (_, None) => LedgerOutcome::Failed { reason: "nothing was pushed".to_owned(), network: false },
            };
            run.report.add(push, outcome);
        }
        if let (End::Failed(error), Some(_)) = (end, run.notes) {
            run.report.notes = Some(LedgerOutcome::Failed { reason: error.to_string(), network: error.is_network() });
        }
        self.empty_inboxes(run);
        run.refusals.save();
        run.report.ledgers.sort_by(|a, b| a.push.ledger.cmp(&b.push.ledger));
    }
}

/// What an answer means. What hangs together is rejected together: what is at the root of it counts.
fn next_of(pushed: &TypedReport) -> Next {
    let own = pushed.own.iter().map(|(_, outcome)| outcome);
    let theirs = pushed.refs.iter().map(|found| &found.outcome);
    if own.clone().chain(theirs.clone()).all(|outcome| rejection_of(outcome).is_none()) {
        return Next::End(End::Pushed);
    }
    // What the remote had already says nothing.
    let has_moved = |outcome: &RefOutcome| matches!(outcome, RefOutcome::Pushed(change) if *change != Change::UpToDate);
    if own.clone().chain(theirs.clone()).any(has_moved) {
        return Next::End(End::Torn);
    }
    let mut theirs = theirs.filter_map(rejection_of).filter(|rejection| !rejection.is_for_another());
    // A lock that somebody held for a moment is a race; a branch that has moved on is for the user to follow.
    if theirs.any(|rejection| rejection.kind != RejectionKind::LockFailure) {
        return Next::End(End::Rejected);
    }
    if own.filter_map(rejection_of).any(|rejection| !rejection.kind.is_retryable()) {
        return Next::End(End::Refused);
    }
    Next::Again
}

fn rejection_of(outcome: &RefOutcome) -> Option<&Rejection> {
    match outcome {
        RefOutcome::Rejected(rejection) => Some(rejection),
        RefOutcome::Pushed(_) => None,
    }
}

impl IsNetwork for TypedError {
    fn is_network(&self) -> bool {
        matches!(self, Self::Remote(error) if error.is_network())
    }
}

impl Fanout<'_> {
    /// git's own server refuses a ref that it hides (`receive.hideRefs`) for itself, and does the rest of an atomic push.
    /// So a remote that is not known to have any of ours is asked first.
    fn must_probe(&self, plan: &Plan) -> bool {
        let known = self.repo.refs(&tracking_prefix(self.destination.key()));
        plan.namespace == Namespace::Hidden && known.is_ok_and(|known| known.is_empty())
    }

    /// Makes a ref over there that says nothing, and takes it away again. Gives the end if the remote does not let it in.
    fn probe(&self, pending: &mut Vec<Pending>, run: &mut Run<'_>) -> Option<End> {
        match self.ask_for_place() {
            Ok(Ok(())) => None,
            Ok(Err((rejection, said))) => {
                run.report.remote_says = said;
                for pending in std::mem::take(pending) {
                    run.refuse(pending, rejection.reason.clone());
                }
                Some(End::Refused)
            }
            Err(FanoutError::Remote(error)) => Some(End::Failed(error.into())),
            Err(error) => {
                run.report.fail(std::mem::take(pending).into_iter().map(|pending| pending.push), &error);
                Some(End::NotReady)
            }
        }
    }

    /// Whether the remote lets a hidden ref in; if not, why, and what it said beside.
    fn ask_for_place(&self) -> Result<Result<(), (Rejection, Vec<String>)>, FanoutError> {
        let name = RefName::new(PROBE).and_then(HiddenRef::new).map_err(Error::from)?;
        let push = RefPush { source: Some(self.nothing()?), target: name.into(), lease: Lease::FastForward };
        let endpoint = self.destination.endpoint(self.network.config);
        let pushed = self.network.push(&endpoint, std::slice::from_ref(&push), Atomic::No)?;
        let refused = pushed.refs.iter().find_map(|(_, outcome)| rejection_of(outcome));
        if let Some(rejection) = refused.filter(|rejection| rejection.kind == RejectionKind::Refused) {
            return Ok(Err((rejection.clone(), pushed.remote_says.clone())));
        }
        // Where it stays, it still says nothing.
        let _ = self.network.push(&endpoint, &[RefPush { source: None, ..push }], Atomic::No);
        Ok(Ok(()))
    }

    /// A commit of nothing, the same everywhere.
    fn nothing(&self) -> Result<Oid, FanoutError> {
        let nobody = Signature { identity: Identity::new("", ""), time: 0, offset: 0 };
        let mut batch = self.repo.batch();
        let tree = batch.folder(&[])?;
        let message = "whether hidden refs are let in\n";
        let commit = NewCommit { tree, parents: &[], author: &nobody, committer: &nobody, message };
        let commit = batch.commit(&commit)?;
        batch.finish()?;
        Ok(commit)
    }
}
