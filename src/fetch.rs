//! Getting the ledgers of a remote: `fetch`.
//!
//! They go where nobody writes but a fetch (`refs/opensession/remotes/<remote>/branches/*`): a live
//! ledger is never touched, so nothing that waits here to be pushed can be lost.

use crate::fanout::{Contents, Destination, FanoutError};
use crate::git::remote::{Direction, FetchError, Network, RemoteError, Wanted, addresses};
use crate::git::{self, BranchName, Oid, RefName, Repo};
use crate::ledger::{LedgerRef, LedgerView, tracking_prefix};
use crate::pre_push::base;

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The remote: its name, or its address without credentials.
    pub label: String,
    /// The ledgers that changed, sorted by ref.
    pub ledgers: Vec<FetchedLedger>,
}

/// A ledger of the remote that is not what it was when last fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedLedger {
    /// The ref that tracks it.
    pub name: RefName,
    /// The branch it is of, if it says so.
    pub branch: Option<BranchName>,
    /// What it was; `None` if it is new here.
    pub old: Option<Oid>,
    /// What it is; `None` if the remote has it no more.
    pub new: Option<Oid>,
    /// What is in it that was not before.
    pub contents: Contents,
}

/// A fetch that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The remote.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The repository.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// A ledger that came cannot be read.
    #[error("what came from the remote cannot be read: {0}")]
    Ledger(#[source] FanoutError),
}

/// Fetches all ledgers of a remote: the name of a configured one, or an address.
///
/// # Errors
/// When the remote cannot be talked to, or what came not be read.
pub fn fetch(repo: &Repo, network: &Network<'_>, remote: &str) -> Result<Fetched, Error> {
    let url = addresses(network.git, remote, Direction::Fetch)?.into_iter().next();
    let address = url.as_ref().map_or(remote.as_ref(), git::RemoteUrl::expose);
    let destination = Destination::of_push(remote.as_ref(), address, network.config, base(repo));
    let tracking = tracking_prefix(destination.key());
    let report = network.fetch(repo, &destination.endpoint(network.config), &tracking, Wanted::All);
    let report = report.map_err(|error| match error {
        FetchError::Remote(error) => Error::Remote(error),
        FetchError::Local(error) => Error::Git(error),
    })?;
    let mut ledgers = Vec::new();
    for moved in report.moved {
        let ledger = LedgerRef::parse(&moved.name);
        let contents = match moved.new {
            Some(new) => Contents::between(repo, moved.old, new).map_err(Error::Ledger)?,
            None => Contents::default(),
        };
        let branch = ledger.as_ref().and_then(|ledger| branch_of(repo, ledger));
        ledgers.push(FetchedLedger { name: moved.name, branch, old: moved.old, new: moved.new, contents });
    }
    Ok(Fetched { label: destination.label(), ledgers })
}

/// The branch of a ledger; a very long name stands in the ledger only.
fn branch_of(repo: &Repo, ledger: &LedgerRef) -> Option<BranchName> {
    ledger.branch().or_else(|| LedgerView::open(repo, ledger).ok().flatten()?.branch().cloned())
}
