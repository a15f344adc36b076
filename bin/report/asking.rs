//! What can end questions about the code early, and what is said of it.

use std::fmt;

use git_opensession::git;
use git_opensession::stats::{self, BadPrices};
use git_opensession::why;

use super::{Exit, Failure, Hint, chain};

/// Why a question about the code has no answer.
#[derive(Debug)]
pub enum Asking {
    /// A file, a revision, a line.
    Why(why::Error),
    /// A price table.
    Prices(BadPrices),
    /// No such range of commits.
    Range { text: String, is_shallow: bool, source: git::Error },
    /// Lines that are none: `12,x`.
    Lines { text: String },
}

impl Asking {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Why(why::Error::Outside { .. } | why::Error::NoFile { .. } | why::Error::NoLine { .. }) => Exit::No,
            Self::Lines { .. } | Self::Prices(_) | Self::Range { .. } => Exit::Usage,
            Self::Why(_) => Exit::Fatal,
        }
    }

    /// What may help.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::Why(why::Error::NoFile { path, .. }) => {
                let path = path.display().to_string();
                vec![Hint::command(["git", "log", "--oneline", "--all", "--", &path], "the revisions that have it")]
            }
            Self::Why(why::Error::NoLine { path, .. }) => {
                vec![Hint::own(["why", &path.display().to_string()], "all of its lines")]
            }
            Self::Lines { .. } => vec![Hint::own(["why", "src/main.rs:12,20"], "")],
            Self::Prices(_) => {
                let unset = ["git", "config", "--unset", "opensession.prices"];
                vec![Hint::command(unset, "use the project's own prices")]
            }
            Self::Range { is_shallow: true, .. } => {
                vec![Hint::command(["git", "fetch", "--unshallow"], "get the history that is not here")]
            }
            Self::Range { .. } => vec![Hint::own(["verify", "origin/main..HEAD"], "")],
            Self::Why(_) => Vec::new(),
        }
    }
}

impl fmt::Display for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Why(error) => write!(f, "{}", chain(error)),
            Self::Prices(error) => error.fmt(f),
            Self::Range { text, source, .. } => write!(f, "{text:?} is no range of commits here: {}", chain(source)),
            Self::Lines { text } => write!(f, "{text:?} names no lines: say file:12, file:12,20 or file:12,+3"),
        }
    }
}

impl From<Asking> for Failure {
    fn from(asking: Asking) -> Self {
        Self::Asking(Box::new(asking))
    }
}

impl From<why::Error> for Failure {
    fn from(error: why::Error) -> Self {
        match error {
            why::Error::Git(error) => Self::Git(error),
            why::Error::Ledger(error) => Self::Ledger(error),
            error => Asking::Why(error).into(),
        }
    }
}

impl From<BadPrices> for Failure {
    fn from(error: BadPrices) -> Self {
        Asking::Prices(error).into()
    }
}

impl From<stats::Error> for Failure {
    fn from(error: stats::Error) -> Self {
        match error {
            stats::Error::Browse(error) => error.into(),
            stats::Error::Ledger(error) => Self::Ledger(error),
            stats::Error::Git(error) => Self::Git(error),
            stats::Error::Why(error) => error.into(),
        }
    }
}
