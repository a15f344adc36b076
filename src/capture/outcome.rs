//! What a capture did, found and left undone, as values.

use std::io;
use std::path::PathBuf;

use super::Target;
use crate::git::{BranchName, Oid};
use crate::ledger::{self, Change, Evidence, Refusal, SessionKey};
use crate::notes;
use crate::redaction::Findings;

/// What came of a capture.
#[derive(Debug, Default)]
pub struct Captured {
    /// The logs that were looked at.
    pub logs: LogCounts,
    /// Logs that could not be read. None of them kept another one from being captured.
    pub skipped: Vec<SkippedLog>,
    /// Each session that was tied to a commit, in the order of the targets and their commits.
    pub links: Vec<LinkMade>,
    /// What happened to each ledger, in the order of the targets.
    pub ledgers: Vec<LedgerChange>,
    /// What redaction found in the sessions that were written now.
    pub findings: Findings,
    /// What is left to be done, and why. It is written down, and the next capture takes it up.
    pub unfinished: Vec<Unfinished>,
    /// What came of the notes; `None` if none are to be written.
    pub notes: Option<notes::Result<notes::Written>>,
}

/// How many logs there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogCounts {
    /// Logs that were written since the commits in question may have been begun.
    pub seen: usize,
    /// Of those, sessions of this repository.
    pub here: usize,
    /// Of those, logs that had to be read because they are new or have grown.
    pub read: usize,
    /// Logs of other repositories.
    pub elsewhere: usize,
}

/// A log that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedLog {
    /// Where it is.
    pub path: PathBuf,
    /// The agent it would be of.
    pub agent: &'static str,
    /// Why.
    pub why: Skip,
}

/// Why a log cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Skip {
    /// The system says no.
    #[error("it cannot be read: {0}")]
    Unreadable(io::ErrorKind),
    /// A FIFO, a device, a folder.
    #[error("it is not a regular file")]
    NotAFile,
    /// There is no record of the agent in it.
    #[error("there is no session in it")]
    NotALog,
    /// It does not say in which folder the agent was.
    #[error("it does not say where it is from")]
    NoFolder,
    /// Its parser broke on it. That is a defect of the parser.
    #[error("its parser broke on it")]
    ParserPanicked,
    /// Its events could not be compressed.
    #[error("it cannot be compressed: {0}")]
    Unwritable(io::ErrorKind),
}

/// A session and a commit that were tied together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkMade {
    /// The branch whose ledger has the link.
    pub branch: BranchName,
    /// The commit.
    pub commit: Oid,
    /// The session.
    pub session: SessionKey,
    /// Its agent.
    pub agent: &'static str,
    /// Why.
    pub evidence: Evidence,
}

/// What happened to the ledger of a branch.
#[derive(Debug)]
pub struct LedgerChange {
    /// The branch.
    pub branch: BranchName,
    /// The ledger's commits before and now; `None` if it has none. Equal, if there was nothing new.
    pub moved: (Option<Oid>, Option<Oid>),
    /// Each session and what it was to the ledger.
    pub sessions: Vec<(SessionKey, Change)>,
    /// Links that are new, or have better evidence now.
    pub links: usize,
    /// Sessions that the ledger does not take, and why.
    pub refused: Vec<(SessionKey, Refusal)>,
}

impl LedgerChange {
    /// Of a ledger to which nothing happened yet.
    pub(super) fn unmoved(branch: BranchName, tip: Option<Oid>) -> Self {
        Self { branch, moved: (tip, tip), sessions: Vec::new(), links: 0, refused: Vec::new() }
    }

    /// Whether anything was written.
    pub fn is_changed(&self) -> bool {
        self.moved.0 != self.moved.1
    }
}

/// Commits whose sessions are not captured yet.
#[derive(Debug)]
pub struct Unfinished {
    /// The branch they were pushed to.
    pub branch: BranchName,
    /// The commits, newest first.
    pub commits: Vec<Oid>,
    /// Why.
    pub why: WhyUnfinished,
}

impl Unfinished {
    pub(super) fn of(target: Target, why: WhyUnfinished) -> Self {
        Self { branch: target.branch, commits: target.commits, why }
    }

    pub(super) fn target(&self) -> Target {
        Target { branch: self.branch.clone(), commits: self.commits.clone() }
    }
}

/// Why a capture did not get to its end.
#[derive(Debug, thiserror::Error)]
pub enum WhyUnfinished {
    /// The time was up.
    #[error("the time was up after {read} of {of} logs")]
    TimeUp {
        /// Logs that were read.
        read: usize,
        /// Logs that had to be read.
        of: usize,
    },
    /// The time was up before all commits were looked at.
    #[error("the time was up before all commits were looked at")]
    TooManyCommits,
    /// Another capture was at work until the time was up.
    #[error("another capture is still at work in this repository")]
    Busy,
    /// Others moved the ledger every time.
    #[error("others moved the ledger of {0} again and again")]
    Raced(BranchName),
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Ledger(ledger::Error),
}
