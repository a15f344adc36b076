//! Looking at a repository's health, and setting up what is missing.
//!
//! An [`Examination`] is what was found, as values; a [`Setup`] is a plan that can be shown before it is applied, and
//! taken back byte for byte.

mod agents;
mod belongings;
mod examine;
mod setup;

pub use agents::{AgentState, ENDING_SOON};
pub use belongings::{Belongings, Change, MANUAL_MARK, State};
pub use examine::{Examination, LedgerState, MANY_LEDGERS, RemoteState, examine};
pub use setup::{Removal, Setup, Wish};

use std::time::Instant;

use crate::agents::{Environment, LogParser};
use crate::git::hooks::{HookError, Refusal};
use crate::git::process::{GitProgram, ProcessError};
use crate::git::{self, Config, GitEnvironment, Repo};
use crate::session::Timestamp;
use crate::settings::BadSetting;
use crate::{fanout, ledger};

/// What a doctor needs to know.
#[derive(Clone, Copy)]
pub struct Patient<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// Its configuration.
    pub config: &'a Config,
    /// What git may know of the machine.
    pub git: &'a GitEnvironment,
    /// What the parsers may know of the machine.
    pub environment: &'a Environment,
    /// The user's git, in a folder of the repository.
    pub program: &'a GitProgram,
    /// The parsers.
    pub parsers: &'a [&'a dyn LogParser],
    /// What time it is.
    pub now: Timestamp,
    /// When questions to git must be answered.
    pub deadline: Instant,
}

/// Why nothing could be examined, or set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The repository cannot be read or its configuration not written.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// git cannot be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The hook could not be looked at, put in or taken out.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// The hooks folder is not ours to write.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The ledgers cannot be listed.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// What waits for a remote cannot be told.
    #[error(transparent)]
    Fanout(#[from] fanout::FanoutError),
    /// There is no such remote.
    #[error("there is no remote {name:?} here")]
    NoRemote {
        /// What was asked for.
        name: String,
    },
    /// A setting means nothing.
    #[error(transparent)]
    Setting(#[from] BadSetting),
}

/// The result of this module.
pub type Result<T, E = Error> = std::result::Result<T, E>;
