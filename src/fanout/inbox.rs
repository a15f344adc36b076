//! What others have left beside the ledgers of a remote: asked for, joined by whoever pushes next, and emptied.
//!
//! It is known here as it was when last asked for. A push asks for none of it: whoever left something there knows of
//! that, and pushes again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::{Destination, FanoutError, Refusals};
use crate::git::remote::{
    Atomic, FetchError, KnownUnsound, Lease, Mapping, Moved, Network, RefOutcome, RefPush, Rejection, RejectionKind,
    Sifted, Unsound, Wanted,
};
use crate::git::{self, HiddenRef, Oid, RefName, Repo};
use crate::ledger::{LedgerRef, LedgerView, Namespace, inbox_prefix};
use crate::settings::read_namespace;

/// How much of one ledger's inbox is fetched, and joined at once. The rest waits until that is done.
const AT_ONCE: usize = 64;
/// How much is fetched of all inboxes of a remote.
const MOST: usize = 256;

/// The inbox of one ledger at one remote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inbox {
    /// The commits in it, at most sixty-four, sorted.
    pub tips: Vec<Oid>,
}

impl Inbox {
    /// What was fetched of it. A ref that is not what it is named for, and a commit that is no ledger of that branch, is
    /// passed over.
    ///
    /// # Errors
    /// When the refs cannot be listed.
    pub fn of(repo: &Repo, ledger: &LedgerRef, remote: &str) -> Result<Self, FanoutError> {
        let found = repo.refs(&ledger.inbox_prefix(remote))?.into_iter();
        let tips = found.filter(|found| named_for(&found.name, found.oid).is_some()).map(|found| found.oid);
        let is_ledger = |tip: &Oid| match LedgerView::at(repo, *tip) {
            Ok(view) => view.branch().is_none_or(|branch| ledger.is_of(branch.as_bytes())),
            Err(_) => false,
        };
        Ok(Self { tips: tips.filter(is_ledger).take(AT_ONCE).collect() })
    }

    /// The ledgers of a remote that have something in their inbox, as far as is known: those it tracks, by name.
    ///
    /// # Errors
    /// When the refs cannot be listed.
    pub fn ledgers(repo: &Repo, remote: &str) -> Result<BTreeSet<LedgerRef>, FanoutError> {
        let found = repo.refs(&inbox_prefix(remote))?.into_iter();
        let named = found.filter_map(|found| named_for(&found.name, found.oid));
        Ok(named.map(|inbox| inbox.to_tracking(remote)).collect())
    }

    /// Those of its commits that the remote has not refused to let go of.
    pub(super) fn without_refused(
        mut self,
        ledger: &LedgerRef,
        namespace: Namespace,
        refusals: &Refusals,
    ) -> Result<Self, FanoutError> {
        let mut left = Vec::new();
        for tip in self.tips {
            let target = namespace.inbox(ledger, tip).map_err(git::Error::from)?;
            left.extend(refusals.known(&target, tip).is_none().then_some(tip));
        }
        self.tips = left;
        Ok(self)
    }

    /// Brings what is known of a remote's inboxes up to date: asks for the names of what is there, fetches what is new
    /// of it, and forgets what is gone. Of each ledger at most 64 commits are fetched, and at most 256 in all: what
    /// comes in is bounded, however much somebody leaves there. What is not sound is not taken, and keeps nothing else out.
    ///
    /// # Errors
    /// When the remote cannot be talked to, or the refs here cannot be read or written.
    pub fn fetch(
        repo: &Repo,
        network: &Network<'_>,
        destination: &Destination,
        namespace: Namespace,
        unsound: &KnownUnsound,
        deadline: Instant,
    ) -> Result<Sifted, FetchError> {
        let endpoint = destination.endpoint(network.config);
        let prefix = inbox_prefix(destination.key());
        let known: BTreeMap<RefName, Oid> =
            repo.refs(&prefix)?.into_iter().map(|found| (found.name, found.oid)).collect();
        let listed = network.ls_remote(&endpoint, &[&namespace.inboxes()])?;
        let there = listed.into_iter().filter_map(|(name, oid)| Some((namespace.inbox_named(&name, oid)?, oid)));
        let there: BTreeMap<LedgerRef, Oid> =
            there.map(|(ledger, oid)| (ledger.to_inbox(destination.key(), oid), oid)).collect();
        let mut gone = forget_gone(repo, &known, &there, deadline)?;
        let (bad, there): (BTreeMap<_, _>, BTreeMap<_, _>) =
            there.into_iter().partition(|(_, oid)| unsound.contains_key(oid));
        let mut wanted = Vec::new();
        for (ledger, oid) in bounded(&there, &known) {
            let theirs = namespace.inbox(ledger, oid).map_err(git::Error::from)?;
            let mapping = Mapping::new(theirs.to_string(), ledger.to_string()).map_err(git::Error::from)?;
            wanted.push(Wanted { oid, mapping });
        }
        let mut sifted = network.fetch_sound(repo, &endpoint, &prefix, wanted, unsound)?;
        for (ledger, oid) in bad {
            let name = namespace.inbox(&ledger, oid).map_err(git::Error::from)?.to_string();
            let reason = unsound.get(&oid).cloned().unwrap_or_default();
            sifted.unsound.push(Unsound { name, oid, reason });
        }
        gone.append(&mut sifted.moved);
        Ok(Sifted { moved: gone, ..sifted })
    }

    /// Deletes at a remote what was taken from its inboxes into ledgers that are there by now; and then here. What it
    /// does not delete, and does not refuse to, is taken in again by whoever pushes next: no harm.
    ///
    /// # Errors
    /// When the remote cannot be talked to, or the refs here not be written.
    pub fn empty(
        repo: &Repo,
        network: &Network<'_>,
        destination: &Destination,
        taken: &Taken,
        refusals: &mut Refusals,
        deadline: Instant,
    ) -> Result<(), FanoutError> {
        if taken.0.is_empty() {
            return Ok(());
        }
        let namespace = read_namespace(network.config)?;
        let mut refs = Vec::new();
        for (ledger, tip) in &taken.0 {
            let target = namespace.inbox(ledger, *tip).map_err(git::Error::from)?;
            refs.push(RefPush { source: None, target, lease: Lease::At(*tip) });
        }
        let answer = network.push(&destination.endpoint(network.config), &refs, Atomic::No)?;
        for ((ledger, tip), (target, outcome)) in taken.0.iter().zip(answer.refs) {
            match outcome {
                // One that is gone there already is not as the lease says.
                RefOutcome::Pushed(_) | RefOutcome::Rejected(Rejection { kind: RejectionKind::StaleLease, .. }) => {
                    let name = ledger.to_inbox(destination.key(), *tip).to_ref().map_err(git::Error::from)?;
                    // Whoever fetched meanwhile has deleted it.
                    let _ = repo.update_ref(&name, git::Expected::At(*tip), None, "", None, deadline)?;
                }
                RefOutcome::Rejected(Rejection { kind: RejectionKind::Refused, reason }) => {
                    refusals.remember(&target, *tip, &reason, &[]);
                }
                RefOutcome::Rejected(_) => {}
            }
        }
        Ok(())
    }
}

/// What was taken from inboxes, each commit with its ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken(Vec<(LedgerRef, Oid)>);

impl Taken {
    /// Adds what was taken from the inbox of one ledger.
    pub fn add(&mut self, ledger: &LedgerRef, tips: &[Oid]) {
        self.0.extend(tips.iter().map(|tip| (ledger.clone(), *tip)));
    }

    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What lies in an inbox under that ref, if it is what it is named for.
fn named_for(name: &RefName, oid: Oid) -> Option<LedgerRef> {
    let inbox = LedgerRef::parse(name).filter(|inbox| inbox.inbox() == Some(oid))?;
    HiddenRef::new(name.clone()).is_ok().then_some(inbox)
}

/// What is not here yet of what is there, as far as the bounds go. What is here already counts, too.
fn bounded<'a>(there: &'a BTreeMap<LedgerRef, Oid>, known: &BTreeMap<RefName, Oid>) -> Vec<(&'a LedgerRef, Oid)> {
    let known: BTreeSet<LedgerRef> = known.keys().filter_map(LedgerRef::parse).collect();
    let mut sorted: Vec<_> = there.iter().map(|(ledger, oid)| (!known.contains(ledger), ledger, *oid)).collect();
    sorted.sort();
    let (mut all, mut each, mut wanted) = (0, BTreeMap::<LedgerRef, usize>::new(), Vec::new());
    for (is_new, ledger, oid) in sorted {
        let of_ledger = each.entry(ledger.to_local()).or_default();
        if all == MOST || *of_ledger == AT_ONCE {
            continue;
        }
        all += 1;
        *of_ledger += 1;
        wanted.extend(is_new.then_some((ledger, oid)));
    }
    wanted
}

/// Deletes here what is no longer there.
fn forget_gone(
    repo: &Repo,
    known: &BTreeMap<RefName, Oid>,
    there: &BTreeMap<LedgerRef, Oid>,
    deadline: Instant,
) -> Result<Vec<Moved>, git::Error> {
    let mut gone = Vec::new();
    for (name, oid) in known {
        if LedgerRef::parse(name).is_some_and(|ledger| there.get(&ledger) == Some(oid)) {
            continue;
        }
        let hidden = HiddenRef::new(name.clone())?;
        let _ = repo.update_ref(&hidden, git::Expected::At(*oid), None, "opensession: gone there", None, deadline)?;
        gone.push(Moved { name: name.clone(), old: Some(*oid), new: None });
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::BranchName;

    #[test]
    fn what_comes_in_is_bounded_and_what_is_here_counts() {
        let oid = |n: usize| format!("{:040x}", n + 1).parse::<Oid>().expect("an id");
        let of = |branch: &str, n: usize| {
            let branch = BranchName::new(branch).expect("a branch name");
            (LedgerRef::local(&branch).to_inbox("origin", oid(n)), oid(n))
        };
        let there: BTreeMap<LedgerRef, Oid> =
            (0..10).flat_map(|branch| (0..100).map(move |n| of(&format!("b{branch}"), branch * 100 + n))).collect();
        assert_eq!(bounded(&there, &BTreeMap::new()).len(), MOST);
        let one: BTreeMap<_, _> = there.iter().take(100).map(|(ledger, oid)| (ledger.clone(), *oid)).collect();
        assert_eq!(bounded(&one, &BTreeMap::new()).len(), AT_ONCE);
        let ref_of = |ledger: &LedgerRef| RefName::new(ledger.to_string()).expect("a ref");
        let known = one.iter().skip(30).take(60).map(|(ledger, oid)| (ref_of(ledger), *oid)).collect();
        assert_eq!(bounded(&one, &known).len(), AT_ONCE - 60);
        assert!(bounded(&one, &one.iter().map(|(ledger, oid)| (ref_of(ledger), *oid)).collect()).is_empty());
    }
}
