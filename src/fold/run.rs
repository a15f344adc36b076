//! Folding: the target first, then the ledgers go.

use std::time::{Duration, Instant};

use super::{Error, Plan, Report};
use crate::fanout::{Destination, FanoutError, Inbox, Refusals, Taken};
use crate::git::remote::{Atomic, Lease, RefOutcome, RefPush};
use crate::git::{self, NewCommit, Oid, RepoLock, Update};
use crate::ledger::{Appender, LedgerRef, LedgerView, Theirs, empty_tree, fold, replay};
use crate::rolling::Rolling;
use crate::settings::read_namespace;

/// How often a remote, or a capture, that was faster is waited for.
const TRIES: usize = 4;
/// How long to wait for the capture lock, and for a ref that another process has locked.
const PATIENCE: Duration = Duration::from_secs(30);
const MESSAGE: &str = "opensession: fold\n";

/// Running a plan.
struct Folding<'a> {
    rolling: &'a Rolling<'a>,
    plan: &'a Plan,
    target: LedgerRef,
}

/// A commit that has taken some ledgers in.
struct TakenIn {
    /// The tip it follows on.
    old: Option<Oid>,
    /// The commit; the tip, if that had all already.
    new: Oid,
    /// The ledgers and the tips that are in it.
    sources: Vec<(LedgerRef, Oid)>,
}

impl Plan {
    /// Does it: at the remote, if one is given, and here.
    ///
    /// # Errors
    /// When the repository cannot be read or written. What the remote says is in the report.
    pub fn run(&self, rolling: &Rolling<'_>, destination: Option<&Destination>) -> Result<Report, Error> {
        let folding = Folding { rolling, plan: self, target: LedgerRef::local(&self.target) };
        let mut report = Report::default();
        folding.here(&mut report)?;
        if let Some(destination) = destination
            && let Err(error) = folding.there(destination, &mut report)
        {
            match error {
                Error::Remote(error) => report.failed = Some(error),
                error => return Err(error),
            }
        }
        Ok(report)
    }
}

impl Folding<'_> {
    /// Takes the live ledgers in, then deletes them as they were taken in.
    fn here(&self, report: &mut Report) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        let lock = self.rolling.repo.lock(deadline)?;
        for _ in 0..TRIES {
            report.raced.clear();
            let Some(taken) = self.taken_in(LedgerRef::to_local, &[])? else { return Ok(()) };
            if !self.update(&self.target, taken.old, Some(taken.new), &lock, deadline)? {
                report.raced.push(self.target.clone());
                continue;
            }
            for (ledger, tip) in taken.sources {
                if self.update(&ledger, Some(tip), None, &lock, deadline)? {
                    report.here.push(ledger);
                } else {
                    report.raced.push(ledger);
                }
            }
            if report.raced.is_empty() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The same at a remote, with what others have left beside the ledgers that go.
    fn there(&self, destination: &Destination, report: &mut Report) -> Result<(), Error> {
        let tracked = |ledger: &LedgerRef| ledger.to_tracking(destination.key());
        for _ in 0..TRIES {
            report.rejected.clear();
            let inboxes = self.inboxes(destination)?;
            let Some(taken) = self.taken_in(tracked, &inboxes)? else { return Ok(()) };
            let lease = taken.old.map_or(Lease::Absent, Lease::At);
            let is_there = taken.old == Some(taken.new)
                || self.push(destination, &[(tracked(&self.target), Some(taken.new), lease)], report)?;
            let gone: Vec<_> = taken.sources.into_iter().map(|(ledger, tip)| (ledger, None, Lease::At(tip))).collect();
            if is_there {
                self.empty_inboxes(destination, &inboxes)?;
                if gone.is_empty() || self.push(destination, &gone, report)? {
                    break;
                }
            }
            if report.rejected.iter().all(|(_, rejection)| !rejection.kind.is_retryable()) {
                break;
            }
            self.rolling.fetch(destination)?;
        }
        self.follow(&tracked(&self.target))
    }

    /// What others have left beside the ledgers that go.
    fn inboxes(&self, destination: &Destination) -> Result<Vec<(LedgerRef, Vec<Oid>)>, Error> {
        let mut inboxes = Vec::new();
        for (ledger, ..) in &self.plan.folded {
            let tips = Inbox::of(self.rolling.repo, ledger, destination.key())?.tips;
            inboxes.extend((!tips.is_empty()).then(|| (ledger.clone(), tips)));
        }
        Ok(inboxes)
    }

    /// Deletes what was taken in. What the remote does not let go of is taken in again by whoever pushes next.
    fn empty_inboxes(&self, destination: &Destination, inboxes: &[(LedgerRef, Vec<Oid>)]) -> Result<(), Error> {
        let Rolling { repo, network, .. } = self.rolling;
        let mut taken = Taken::default();
        for (ledger, tips) in inboxes {
            taken.add(ledger, tips);
        }
        let mut refusals = Refusals::open(repo, network.config, destination);
        let deadline = Instant::now() + PATIENCE;
        let emptied = Inbox::empty(repo, network, destination, &taken, &mut refusals, deadline);
        refusals.save();
        Ok(emptied?)
    }

    /// The target with all of the ledgers that are to be folded, of those that `place` names, and of their inboxes; `None`
    /// if there are none.
    fn taken_in(
        &self,
        place: impl Fn(&LedgerRef) -> LedgerRef,
        inboxes: &[(LedgerRef, Vec<Oid>)],
    ) -> Result<Option<TakenIn>, Error> {
        let repo = self.rolling.repo;
        let mut sources = Vec::new();
        for (ledger, ..) in &self.plan.folded {
            sources.extend(LedgerView::open(repo, &place(ledger))?.map(|view| (place(ledger), view)));
        }
        let mut views = Vec::new();
        for tip in inboxes.iter().flat_map(|(_, tips)| tips) {
            views.push(LedgerView::at(repo, *tip)?);
        }
        if sources.is_empty() && views.is_empty() {
            return Ok(None);
        }
        let target = place(&self.target);
        let old = LedgerView::open(repo, &target)?.map(|view| view.tip());
        let mut tip = if let Some(tip) = old {
            tip
        } else {
            let mut batch = repo.batch();
            let tree = empty_tree(repo, &self.plan.target, &mut batch)?;
            let tip = batch.commit(&self.commit(tree, &[]))?;
            batch.finish()?;
            tip
        };
        let parents: Vec<Oid> = old.into_iter().collect();
        for source in sources.iter().map(|(_, view)| view).chain(&views) {
            let mut batch = repo.batch();
            let view = LedgerView::at(repo, tip)?;
            let tree = fold(&view, source, &mut batch)?;
            if tree != repo.commit(tip)?.tree {
                tip = batch.commit(&self.commit(tree, &parents))?;
                batch.finish()?;
            }
        }
        let sources = sources.into_iter().map(|(ledger, view)| (ledger, view.tip())).collect();
        Ok(Some(TakenIn { old, new: tip, sources }))
    }

    fn commit<'c>(&'c self, tree: Oid, parents: &'c [Oid]) -> NewCommit<'c> {
        let signature = self.rolling.signature;
        NewCommit { tree, parents, author: signature, committer: signature, message: MESSAGE }
    }

    /// Moves or deletes a ref here, if it is as it was seen. Whether it is as it should be now.
    fn update(
        &self,
        ledger: &LedgerRef,
        old: Option<Oid>,
        new: Option<Oid>,
        lock: &RepoLock,
        deadline: Instant,
    ) -> Result<bool, Error> {
        if old == new {
            return Ok(true);
        }
        let name = ledger.to_ref().map_err(git::Error::from)?;
        let moved = self.rolling.repo.update_ref(&name, old.into(), new, MESSAGE, Some(lock), deadline)?;
        Ok(moved == Update::Moved)
    }

    /// Pushes, and lets the tracking refs follow. Whether the remote took all of it.
    fn push(
        &self,
        destination: &Destination,
        changes: &[(LedgerRef, Option<Oid>, Lease)],
        report: &mut Report,
    ) -> Result<bool, Error> {
        let rolling = self.rolling;
        let namespace = read_namespace(rolling.network.config).map_err(FanoutError::from)?;
        let mut refs = Vec::new();
        for (ledger, source, lease) in changes {
            let target = namespace.ledger(ledger).map_err(git::Error::from)?;
            refs.push(RefPush { source: *source, target, lease: *lease });
        }
        let pushed = rolling.network.push(&destination.endpoint(rolling.network.config), &refs, Atomic::No)?;
        let deadline = Instant::now() + PATIENCE;
        let lock = rolling.repo.lock(deadline)?;
        let mut took_all = true;
        for ((ledger, new, lease), (_, outcome)) in changes.iter().zip(pushed.refs) {
            match outcome {
                RefOutcome::Pushed(_) => {
                    let old = if let Lease::At(old) = lease { Some(*old) } else { None };
                    // Whoever fetched meanwhile has written what the remote has.
                    self.update(ledger, old, *new, &lock, deadline)?;
                    if new.is_none() {
                        report.there.push(ledger.to_local());
                    }
                }
                RefOutcome::Rejected(rejection) => {
                    took_all = false;
                    report.rejected.push((ledger.to_local(), rejection));
                }
            }
        }
        Ok(took_all)
    }

    /// Puts the live ledger on top of what the remote has now.
    fn follow(&self, tracking: &LedgerRef) -> Result<(), Error> {
        let repo = self.rolling.repo;
        let name = tracking.to_ref().map_err(git::Error::from)?;
        let Some(tip) = repo.read_ref(name.name())? else { return Ok(()) };
        let deadline = Instant::now() + PATIENCE;
        let lock = repo.lock(deadline)?;
        let by = Appender { signature: self.rolling.signature, lock: Some(&lock), deadline };
        // A race is lost to a capture; the next push joins.
        let _ = replay(repo, &self.target, Theirs { tip: Some(tip), inbox: &[] }, &by)?;
        Ok(())
    }
}
