//! Folding the ledgers of branches that are done into that of another: `fold`.
//!
//! Everybody's every push pays for each ledger of a remote (some 120 bytes), so a ledger that nobody adds to any more is
//! taken into that of the branch its work went to. Links go along: nothing that could be read by a commit is lost.
//!
//! The target has arrived before a ledger is deleted, here and at the remote, and only what was taken in is deleted: a
//! ledger that somebody added to meanwhile is taken in again. Another clone that still has the folded ledger lets go of
//! it when it sees that it is gone at the remote, and that another ledger there has all of it ([`crate::ledger::drop_folded`]).

mod plan;
mod run;

use crate::fanout::FanoutError;
use crate::fetch;
use crate::git::remote::{Rejection, RemoteError};
use crate::git::{self, BranchName};
use crate::ledger::{self, LedgerRef};

pub use plan::Context;

/// Why a ledger is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It was named.
    Named,
    /// The target has all commits of its branch.
    Merged,
    /// There is no such branch any more.
    Gone,
}

/// Why a ledger that could be folded is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Its branch is gone, but it was never at the remote: nobody has published its commits. It is folded if it is named.
    NeverPushed,
    /// So many of its sessions are of before the floor of the target, which does not take them.
    Expired(usize),
}

/// What is to be folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The branch whose ledger takes the others in.
    pub target: BranchName,
    /// The ledgers that go, each with its branch.
    pub folded: Vec<(LedgerRef, BranchName, Why)>,
    /// Those that stay.
    pub held: Vec<(LedgerRef, BranchName, Held)>,
}

/// What was done.
#[derive(Debug, Default)]
pub struct Report {
    /// Ledgers that are gone here.
    pub here: Vec<LedgerRef>,
    /// Ledgers that are gone at the remote.
    pub there: Vec<LedgerRef>,
    /// What the remote did not take.
    pub rejected: Vec<(LedgerRef, Rejection)>,
    /// Why the remote could not be talked to.
    pub failed: Option<RemoteError>,
    /// Ledgers that were moved by others all the time, and stay.
    pub raced: Vec<LedgerRef>,
}

/// Why nothing can be folded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such branch.
    #[error("there is no branch {branch:?} here, and no ledger of it")]
    NoBranch {
        /// The branch.
        branch: String,
    },
    /// There is no such ledger.
    #[error("there is no ledger of a branch {branch:?}")]
    NoLedger {
        /// The branch.
        branch: String,
    },
    /// A ledger cannot be folded into itself.
    #[error("the ledger of {branch:?} cannot be folded into itself")]
    Itself {
        /// The branch.
        branch: String,
    },
    /// A ledger.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// The repository.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The remote.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// What was fetched.
    #[error(transparent)]
    Fetch(fetch::Error),
    /// The settings.
    #[error(transparent)]
    Fanout(#[from] FanoutError),
}

impl From<fetch::Error> for Error {
    fn from(error: fetch::Error) -> Self {
        match error {
            fetch::Error::Remote(error) => Self::Remote(error),
            error => Self::Fetch(error),
        }
    }
}

impl Report {
    /// Whether all is done.
    pub fn is_done(&self) -> bool {
        self.rejected.is_empty() && self.failed.is_none() && self.raced.is_empty()
    }
}
