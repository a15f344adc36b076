//! What came of a fanout, as values; the sentences are short enough for one line each.

use std::fmt;

use super::{Contents, Destination, FanoutError, LedgerPush};
use crate::git::remote::{FetchError, Rejection, RemoteError};

/// What came of one ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerOutcome {
    /// The remote has it now; this is what was new to it.
    Pushed(Contents),
    /// The remote had all of it already.
    AlreadyThere,
    /// The remote has it, beside the ledger: others were faster every time, and the next push joins it.
    Left(Contents),
    /// The remote does not want it, and said so now or before. It is not asked again until something changes.
    Refused {
        /// Its words.
        reason: String,
        /// Whether it was asked now.
        is_new: bool,
    },
    /// The remote broke down over it, or every race was lost.
    Rejected(Rejection),
    /// What the remote has of it is not sound: no fetch takes it, and so nothing can be joined with it.
    Unsound {
        /// What is wrong with it, in git's words.
        reason: String,
    },
    /// It did not come to an answer.
    Failed {
        /// Why, without credentials.
        reason: String,
        /// Whether the network, or the credentials for it, are to blame.
        network: bool,
    },
}

impl LedgerOutcome {
    /// Whether the remote does not have it now.
    pub fn is_failure(&self) -> bool {
        !matches!(self, Self::Pushed(_) | Self::Left(_) | Self::AlreadyThere)
    }
}

/// One ledger, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerReport {
    /// The ledger.
    pub push: LedgerPush,
    /// What came of it.
    pub outcome: LedgerOutcome,
}

/// What came of a fanout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The remote: its name, or its address without credentials.
    pub label: String,
    /// The ledgers, sorted.
    pub ledgers: Vec<LedgerReport>,
    /// What came of the notes; `None` if none were to be pushed.
    pub notes: Option<LedgerOutcome>,
    /// What the remote said about a rejection: a few lines.
    pub remote_says: Vec<String>,
}

/// A ledger, or notes, that the remote does not have now, and why. Prints as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure<'a> {
    /// The remote.
    pub label: &'a str,
    /// The ledger; `None` for the notes.
    pub push: Option<&'a LedgerPush>,
    /// What came of it.
    pub outcome: &'a LedgerOutcome,
}

impl Report {
    pub(super) fn new(label: String) -> Self {
        Self { label, ledgers: Vec::new(), notes: None, remote_says: Vec::new() }
    }

    /// Nothing was to be pushed there.
    pub fn nothing(destination: &Destination) -> Self {
        Self::new(destination.label())
    }

    /// What the remote has got: sessions and commits, each counted once.
    pub fn pushed(&self) -> Contents {
        let mut all = Contents::default();
        for ledger in &self.ledgers {
            if let LedgerOutcome::Pushed(contents) | LedgerOutcome::Left(contents) = &ledger.outcome {
                all.add(contents);
            }
        }
        all
    }

    /// `2 sessions (3 commits) -> origin`; `None` if nothing was pushed.
    pub fn summary(&self) -> Option<String> {
        let pushed =
            |ledger: &LedgerReport| matches!(ledger.outcome, LedgerOutcome::Pushed(_) | LedgerOutcome::Left(_));
        if !self.ledgers.iter().any(pushed) {
            let notes = matches!(self.notes, Some(LedgerOutcome::Pushed(_)));
            return notes.then(|| format!("notes -> {}", self.label));
        }
        let contents = self.pushed();
        let more = if contents.more { "+" } else { "" };
        let count = |number: usize, what: &str| format!("{number}{more} {what}{}", if number == 1 { "" } else { "s" });
        let (sessions, commits) = (contents.sessions.len(), contents.commits.len());
        Some(match (sessions, commits) {
            (0, 0) => format!("ledger -> {}", self.label),
            (0, _) => format!("links of {} -> {}", count(commits, "commit"), self.label),
            _ => format!("{} ({}) -> {}", count(sessions, "session"), count(commits, "commit"), self.label),
        })
    }

    /// The ledgers, and the notes, that the remote does not have now.
    pub fn failures(&self) -> impl Iterator<Item = Failure<'_>> {
        let ledgers = self.ledgers.iter().map(|ledger| (Some(&ledger.push), &ledger.outcome));
        let all = ledgers.chain(self.notes.iter().map(|outcome| (None, outcome)));
        let failed = all.filter(|(_, outcome)| outcome.is_failure());
        failed.map(|(push, outcome)| Failure { label: &self.label, push, outcome })
    }

    /// Whether the network, or the credentials for it, are to blame for any failure.
    pub fn is_network_failure(&self) -> bool {
        let outcomes = self.ledgers.iter().map(|ledger| &ledger.outcome).chain(&self.notes);
        outcomes.into_iter().any(|outcome| matches!(outcome, LedgerOutcome::Failed { network: true, .. }))
    }
}

impl fmt::Display for Failure<'_> {
    /// `sessions of main (commit 1a2b3c4d5e6f, refs/opensession/branches/bWFpbg) wait: <reason>`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.push {
            Some(push) => {
                f.write_str("sessions")?;
                if let Some(branch) = &push.branch {
                    write!(f, " of {branch}")?;
                }
                f.write_str(" (")?;
                for commit in &push.commits {
                    write!(f, "commit {:.12}, ", commit.to_string())?;
                }
                write!(f, "{}) wait: ", push.name)?;
            }
            None => write!(f, "notes ({}) wait: ", crate::notes::NOTES)?,
        }
        match self.outcome {
            LedgerOutcome::Refused { reason, .. } => write!(f, "{} says: {reason}", self.label),
            LedgerOutcome::Rejected(rejection) => write!(f, "{} says: {}", self.label, rejection.reason),
            LedgerOutcome::Unsound { reason } => write!(f, "what {} has of it is not sound: {reason}", self.label),
            LedgerOutcome::Failed { reason, .. } => f.write_str(reason),
            LedgerOutcome::Pushed(_) | LedgerOutcome::Left(_) | LedgerOutcome::AlreadyThere => {
                f.write_str("not at all")
            }
        }
    }
}

/// Errors that know whether the network, or the credentials for it, are to blame.
pub(super) trait IsNetwork {
    fn is_network(&self) -> bool;
}

impl IsNetwork for RemoteError {
    fn is_network(&self) -> bool {
        Self::is_network(self)
    }
}

impl IsNetwork for FanoutError {
    fn is_network(&self) -> bool {
        match self {
            Self::Remote(error) | Self::Fetch(FetchError::Remote(error)) => error.is_network(),
            _ => false,
        }
    }
}
