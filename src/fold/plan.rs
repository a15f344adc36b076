//! Which ledgers are folded.

use std::collections::{BTreeMap, BTreeSet};

use super::{Error, Held, Plan, Why};
use crate::fanout::{Destination, Inbox};
use crate::git::remote::Network;
use crate::git::{BranchName, Oid, Repo};
use crate::ledger::{LOCAL_PREFIX, LedgerRef, LedgerView, Retention, tracking_prefix};

/// What a plan is made from.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// How to talk to the remote.
    pub network: Network<'a>,
    /// The remote, whose ledgers have been fetched; `None` if there is none.
    pub destination: Option<&'a Destination>,
}

/// The branches that there are, here and at the remote.
struct Branches {
    here: BTreeMap<BranchName, Oid>,
    there: BTreeMap<BranchName, Oid>,
}

impl Plan {
    /// Finds the ledgers to be folded: the named ones; else those of branches that are gone, here and at the remote, or
    /// that are merged into the target.
    ///
    /// # Errors
    /// When there is no such branch or ledger, or the remote cannot be asked.
    pub fn new(context: &Context<'_>, target: &BranchName, named: &[BranchName]) -> Result<Self, Error> {
        let branches = context.branches()?;
        let mut ledgers = context.ledgers()?;
        let into = LedgerRef::local(target);
        if !ledgers.contains_key(&into) && !branches.has(target) {
            return Err(Error::NoBranch { branch: target.to_string() });
        }
        let retention = context.views(&into)?.iter().fold(Retention::default(), |all, view| all.and(view.retention()));
        ledgers.remove(&into);
        let mut plan = Self { target: target.clone(), folded: Vec::new(), held: Vec::new() };
        if named.is_empty() {
            let current = context.repo.head()?.branch().cloned();
            for (ledger, branch) in ledgers {
                // Somebody is at work on the current branch.
                if current.as_ref() == Some(&branch) {
                    continue;
                }
                if let Some(why) = context.reason(&branches, &branch, target)? {
                    let is_unknown_there = context.destination.is_some() && !context.is_tracked(&ledger)?;
                    match why {
                        Why::Gone if is_unknown_there => plan.held.push((ledger, branch, Held::NeverPushed)),
                        why => plan.folded.push((ledger, branch, why)),
                    }
                }
            }
        } else {
            for branch in named.iter().collect::<BTreeSet<_>>() {
                let ledger = LedgerRef::local(branch);
                if branch == target {
                    return Err(Error::Itself { branch: branch.to_string() });
                }
                if !ledgers.contains_key(&ledger) {
                    return Err(Error::NoLedger { branch: branch.to_string() });
                }
                plan.folded.push((ledger, branch.clone(), Why::Named));
            }
        }
        plan.hold_expired(context, &retention)?;
        Ok(plan)
    }

    /// A target does not take in what it has let go of: a ledger that has such sessions stays.
    fn hold_expired(&mut self, context: &Context<'_>, retention: &Retention) -> Result<(), Error> {
        for (ledger, branch, why) in std::mem::take(&mut self.folded) {
            let mut expired = BTreeSet::new();
            for view in context.views(&ledger)? {
                let is_lost = |key| view.retention().keeps(key) && retention.is_expired(key);
                expired.extend(view.holdings(is_lost)?.keys());
            }
            match expired.len() {
                0 => self.folded.push((ledger, branch, why)),
                lost => self.held.push((ledger, branch, Held::Expired(lost))),
            }
        }
        Ok(())
    }
}

impl Branches {
    fn has(&self, branch: &BranchName) -> bool {
        self.here.contains_key(branch) || self.there.contains_key(branch)
    }
}

impl Context<'_> {
    fn branches(&self) -> Result<Branches, Error> {
        let here = self.repo.refs("refs/heads/")?.into_iter().map(|found| (found.name, found.oid));
        let there = match self.destination {
            Some(destination) => {
                self.network.ls_remote(&destination.endpoint(self.network.config), &["refs/heads/*"])?
            }
            None => Vec::new(),
        };
        let named = |(name, oid): (crate::git::RefName, Oid)| Some((name.branch()?, oid));
        Ok(Branches { here: here.filter_map(named).collect(), there: there.into_iter().filter_map(named).collect() })
    }

    /// The ledgers there are, here or at the remote, by the name they have here; with their branches.
    fn ledgers(&self) -> Result<BTreeMap<LedgerRef, BranchName>, Error> {
        let mut ledgers = BTreeMap::new();
        let tracking = self.destination.map(|destination| tracking_prefix(destination.key()));
        for prefix in std::iter::once(LOCAL_PREFIX).chain(tracking.as_deref()) {
            for found in self.repo.refs(prefix)? {
                let Some(ledger) = LedgerRef::parse(&found.name) else { continue };
                // One that cannot be read stays where it is.
                let Ok(Some(view)) = LedgerView::open(self.repo, &ledger) else { continue };
                if let Some(branch) = view.branch() {
                    ledgers.insert(ledger.to_local(), branch.clone());
                }
            }
        }
        // A ledger of which there is nothing but what lies in its inbox.
        if let Some(destination) = self.destination {
            for ledger in Inbox::ledgers(self.repo, destination.key())? {
                if let Some(branch) = ledger.branch() {
                    ledgers.entry(ledger.to_local()).or_insert(branch);
                }
            }
        }
        Ok(ledgers)
    }

    /// A ledger, here and as the remote has it.
    fn views(&self, ledger: &LedgerRef) -> Result<Vec<LedgerView<'_>>, Error> {
        let mut views: Vec<_> = LedgerView::open(self.repo, ledger)?.into_iter().collect();
        if let Some(destination) = self.destination {
            views.extend(LedgerView::open(self.repo, &ledger.to_tracking(destination.key()))?);
            for tip in Inbox::of(self.repo, ledger, destination.key())?.tips {
                views.push(LedgerView::at(self.repo, tip)?);
            }
        }
        Ok(views)
    }

    fn is_tracked(&self, ledger: &LedgerRef) -> Result<bool, Error> {
        let Some(destination) = self.destination else { return Ok(false) };
        let tracking = ledger.to_tracking(destination.key()).to_ref().map_err(crate::git::Error::from)?;
        let is_beside = || Inbox::of(self.repo, ledger, destination.key()).map(|inbox| !inbox.tips.is_empty());
        Ok(self.repo.read_ref(tracking.name())?.is_some() || is_beside()?)
    }

    /// Why the ledger of a branch can go; `None` if somebody may still be at work on the branch.
    fn reason(&self, branches: &Branches, branch: &BranchName, target: &BranchName) -> Result<Option<Why>, Error> {
        if !branches.has(branch) {
            return Ok(Some(Why::Gone));
        }
        let tips = |branch| [branches.here.get(branch), branches.there.get(branch)].into_iter().flatten().copied();
        for tip in tips(branch) {
            let mut is_merged = false;
            for target in tips(target) {
                // What is not here cannot be told of.
                is_merged |= self.repo.has(tip)? && self.repo.has(target)? && self.repo.is_ancestor(tip, target)?;
            }
            if !is_merged {
                return Ok(None);
            }
        }
        Ok(Some(Why::Merged))
    }
}
