//! Getting the ledgers of a remote: `fetch`.
//!
//! They go where nobody writes but a fetch (`refs/opensession/remotes/<remote>/*`). A live ledger is touched for one
//! reason only: what the remote has purged, or let expire, goes here, too ([`crate::honour`]). Nothing that waits here
//! to be pushed can be lost.

use std::time::{Duration, Instant};

use crate::fanout::{Contents, Destination, FanoutError, Inbox, Unfetched, unsound};
use crate::git::remote::{Direction, FetchError, Moved, Network, RemoteError, addresses};
use crate::git::{self, BranchName, Oid, RefName, Repo};
use crate::honour::honour;
use crate::ledger::{Appender, LedgerRef, LedgerView, drop_folded, remote_prefix, tracking_notes};
use crate::notes;
use crate::settings::{FanoutMode, read_namespace};

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The remote: its name, or its address without credentials.
    pub label: String,
    /// The ledgers that changed, sorted by ref.
    pub ledgers: Vec<FetchedLedger>,
    /// Live ledgers that were brought in line with what the remote no longer keeps.
    pub honoured: Vec<LedgerRef>,
    /// Live ledgers that were let go of: the remote has them no more, and all of them is in another ledger there.
    pub folded: Vec<LedgerRef>,
    /// Whether the notes here got anything new.
    pub notes: bool,
    /// What could not be fetched: somebody may have left there what no fetch takes. It keeps nothing else from being
    /// fetched.
    pub unfetched: Vec<Unfetched>,
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
    /// Whether it was left beside the ledger, by somebody who lost every race for it.
    pub is_inbox: bool,
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

impl From<FetchError> for Error {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Remote(error) => Self::Remote(error),
            FetchError::Local(error) => Self::Git(error),
        }
    }
}

/// How long a tracking ref that another process has locked is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a remote is fetched from, and what it is filed under: the name of a configured one, or an address.
///
/// # Errors
/// When git cannot be run.
pub fn source(repo: &Repo, network: &Network<'_>, remote: &str) -> Result<Destination, RemoteError> {
    let url = addresses(network.git, remote, Direction::Fetch)?.into_iter().next();
    let address = url.as_ref().map_or(remote.as_ref(), git::RemoteUrl::expose);
    Ok(Destination::of_push(remote.as_ref(), address, network.config, repo.base()))
}

/// Fetches all ledgers of a remote: the name of a configured one, or an address.
///
/// # Errors
/// When the remote cannot be talked to, what came not be read, or a live ledger not be brought in line with it.
pub fn fetch(repo: &Repo, network: &Network<'_>, remote: &str, by: &Appender<'_>) -> Result<Fetched, Error> {
    fetch_from(repo, network, &source(repo, network, remote)?, by)
}

/// The same, of a destination.
///
/// # Errors
/// As [`fetch`].
pub fn fetch_from(
    repo: &Repo,
    network: &Network<'_>,
    destination: &Destination,
    by: &Appender<'_>,
) -> Result<Fetched, Error> {
    let namespace = read_namespace(network.config).map_err(FanoutError::from).map_err(Error::Ledger)?;
    let mappings = namespace.all(destination.key()).map_err(git::Error::from)?;
    let tracking = remote_prefix(destination.key());
    let known = unsound::known(repo, destination);
    let sifted = network.fetch_around(repo, &destination.endpoint(network.config), &tracking, &mappings, &known)?;
    let mut moved = sifted.moved.clone();
    let honoured = honour(repo, &moved, by).map_err(|error| Error::Ledger(error.into()))?;
    let gone = |moved: &Moved| moved.new.is_none().then(|| LedgerRef::parse(&moved.name)).flatten();
    let gone: Vec<LedgerRef> = moved.iter().filter_map(gone).collect();
    let folded = drop_folded(repo, destination.key(), &gone).map_err(|error| Error::Ledger(error.into()))?;
    // Where nobody wants notes of ours, none are made; what was fetched of them is kept beside.
    let wants_notes = FanoutMode::read(network.config).is_ok_and(|mode| mode != Some(FanoutMode::HiddenRef));
    let absorb = || notes::absorb(repo, destination.key(), by).map_err(|error| Error::Ledger(error.into()));
    let notes = wants_notes && absorb()?;
    let mut unfetched: Vec<Unfetched> = unsound::unfetched(&sifted).collect();
    let deadline = by.deadline.max(Instant::now() + PATIENCE);
    match Inbox::fetch(repo, network, destination, namespace, &known, deadline) {
        Ok(inboxes) => {
            unsound::remember(repo, destination, &known, &[&sifted, &inboxes]);
            unfetched.extend(unsound::unfetched(&inboxes));
            moved.extend(inboxes.moved);
        }
        Err(FetchError::Remote(error)) if !error.is_network() => {
            let (name, reason) = (namespace.inboxes(), error.to_string());
            unfetched.push(Unfetched { name, reason, is_unsound: false });
        }
        Err(error) => return Err(error.into()),
    }
    let beside = tracking_notes(destination.key());
    let mut ledgers = Vec::new();
    for moved in moved.into_iter().filter(|moved| !moved.name.as_bytes().starts_with(beside.as_bytes())) {
        let ledger = LedgerRef::parse(&moved.name);
        let is_inbox = ledger.as_ref().is_some_and(|ledger| ledger.inbox().is_some());
        let branch = ledger.as_ref().and_then(|ledger| branch_of(repo, ledger));
        let known = match &ledger {
            Some(ledger) if is_inbox => {
                repo.read_ref(ledger.to_tracking(destination.key()).to_ref().map_err(git::Error::from)?.name())?
            }
            _ => moved.old,
        };
        let contents = match moved.new {
            Some(new) => Contents::between(repo, known, new).map_err(Error::Ledger)?,
            None => Contents::default(),
        };
        let (name, old, new) = (moved.name, moved.old, moved.new);
        ledgers.push(FetchedLedger { name, branch, old, new, is_inbox, contents });
    }
    Ok(Fetched { label: destination.label(), ledgers, honoured, folded, notes, unfetched })
}

/// The branch of a ledger; a very long name stands in the ledger only.
fn branch_of(repo: &Repo, ledger: &LedgerRef) -> Option<BranchName> {
    ledger.branch().or_else(|| LedgerView::open(repo, ledger).ok().flatten()?.branch().cloned())
}
