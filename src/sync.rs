//! Bringing the ledgers here and at a remote together: fetch, join, push.

use crate::fanout::{Consent, Destination, Fanout, FanoutError, Inbox, Plan, Report};
use crate::fetch::{self, Fetched, fetch_from};
use crate::git::remote::Network;
use crate::git::{self, Oid, Repo};
use crate::ledger::{self, Appender, LOCAL_PREFIX, LedgerRef, Replayed, Theirs, replay};

/// What came of a sync with one address.
#[derive(Debug)]
pub struct Synced {
    /// What was fetched.
    pub fetched: Fetched,
    /// Live ledgers that took in what the remote has.
    pub joined: Vec<JoinedLedger>,
    /// Live ledgers that could not be joined with the remote's, and why.
    pub failed: Vec<(LedgerRef, ledger::Error)>,
    /// What the remote lacks.
    pub plan: Plan,
    /// What was pushed; `None` if nothing had to be, or it may not.
    pub pushed: Option<Report>,
}

/// A live ledger that has moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedLedger {
    /// The ledger.
    pub ledger: LedgerRef,
    /// The tip before.
    pub old: Oid,
    /// The tip now.
    pub new: Oid,
}

/// A sync that failed as a whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The fetch.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// The plan of the push.
    #[error(transparent)]
    Plan(#[from] FanoutError),
    /// The repository.
    #[error(transparent)]
    Git(#[from] git::Error),
}

/// Fetches the ledgers of a destination and joins them into the live ones; then pushes what it lacks, if `may_push`
/// says that sessions may go there. It is asked only if there is something to push.
///
/// A ledger that cannot be joined keeps no other from being joined.
///
/// # Errors
/// When the remote cannot be talked to, or the refs not be listed.
pub fn sync<E>(
    repo: &Repo,
    network: Network<'_>,
    destination: &Destination,
    by: &Appender<'_>,
    may_push: impl FnOnce(Consent) -> Result<bool, E>,
) -> Result<Result<Synced, E>, Error> {
    let fetched = fetch_from(repo, &network, destination, by)?;
    let (mut joined, mut failed) = (Vec::new(), Vec::new());
    for live in repo.refs(LOCAL_PREFIX)? {
        let Some(ledger) = LedgerRef::parse(&live.name) else { continue };
        let tracking = ledger.to_tracking(destination.key()).to_ref().map_err(git::Error::from)?;
        let tip = repo.read_ref(tracking.name())?;
        let inbox = Inbox::of(repo, &ledger, destination.key())?.tips;
        match replay(repo, &ledger, Theirs { tip, inbox: &inbox }, by) {
            Ok(Replayed::Moved { old, new }) => joined.push(JoinedLedger { ledger, old, new }),
            Ok(_) => {}
            Err(error) => failed.push((ledger, error)),
        }
    }
    let plan = Plan::whole(repo, network.config, destination, &[], by.signature)?;
    let mut synced = Synced { fetched, joined, failed, plan, pushed: None };
    if !synced.plan.is_empty() {
        match may_push(destination.consent(network.config)?) {
            Ok(true) => {
                let fanout = Fanout { repo, network, destination, signature: by.signature, asks_again: true };
                synced.pushed = Some(fanout.run(&synced.plan));
            }
            Ok(false) => {}
            Err(refused) => return Ok(Err(refused)),
        }
    }
    Ok(Ok(synced))
}
