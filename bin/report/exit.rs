//! The exit codes.

use std::process::ExitCode;

/// How a command ended, as the process that called it sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; or, of a question: yes.
    Done,
    /// The answer is no: no session for this commit, a problem found, nothing in this log.
    No,
    /// The command line made no sense.
    Usage,
    /// Some of it was done, some was not.
    Partly,
    /// The network, or credentials for it.
    Network,
    /// Not a repository, or git or the system failed: what git dies with.
    Fatal,
    /// The reader of the output went away. git dies of SIGPIPE then, and a shell calls that 141.
    Pipe,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Partly => 3,
            Self::Network => 4,
            Self::Fatal => 128,
            Self::Pipe => 141,
        }
    }

    /// This one, unless all is done: then the other.
    pub const fn or(self, other: Self) -> Self {
        match self {
            Self::Done => other,
            _ => self,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
