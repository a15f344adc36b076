//! What sessions add up to: prompts, tool calls, tokens and what they cost, lines written and how many of them are left.
//!
//! Every API message counts once, also where a session was resumed and its history copied into another; subagents
//! count where they belong. Costs are list prices of a dated table ([`Prices`]); what has no price has none, and never 0.

mod gather;
mod prices;
mod surviving;
mod tally;

use std::path::Path;

use crate::browse;
use crate::git::process::GitProgram;
use crate::git::{self, Repo};
use crate::ledger::{self, SessionKey};
use crate::why;

pub use prices::{BadPrices, Prices};
pub use tally::{Cost, Tally, Tokens};

/// What the rows of a report are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The authors of the commits that the sessions are tied to.
    Author,
    /// The programs of the agents.
    Agent,
    /// The models.
    Model,
    /// The files that the sessions edited.
    File,
}

/// What is asked.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// The user's git, in `folder`.
    pub program: &'a GitProgram,
    /// The root of the work tree, or of the bare repository.
    pub folder: &'a Path,
    /// Only sessions behind these commits.
    pub range: Option<&'a str>,
    /// What the rows are.
    pub by: Option<By>,
    /// Whether to look which lines are left.
    pub surviving: bool,
}

/// What was added up.
#[derive(Debug, Default)]
pub struct Report {
    /// All of it.
    pub total: Tally,
    /// The rows, the most first: what they are of, and what that adds up to.
    pub rows: Vec<(String, Tally)>,
    /// Ledgers and sessions that cannot be read.
    pub unreadable: Vec<ledger::Error>,
    /// Sessions that cannot be read to their end, and why.
    pub damaged: Vec<(SessionKey, String)>,
}

/// Why nothing can be said at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The sessions cannot be looked up.
    #[error(transparent)]
    Browse(#[from] browse::Error),
    /// The ledgers cannot be listed.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// The repository cannot be read.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The lines of the files cannot be looked at.
    #[error(transparent)]
    Why(#[from] why::Error),
}

/// Adds up.
///
/// # Errors
/// When there is no such range, and when ledgers or the repository cannot be read at all.
pub fn stats(request: &Request<'_>) -> Result<Report, Error> {
    let mut gathered = gather::gather(request)?;
    if request.surviving {
        surviving::count(request, &mut gathered)?;
    }
    Ok(gathered.report(request.by))
}
