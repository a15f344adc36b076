//! Carrying ledgers along with a push.
//!
//! A pre-push hook reads what git is about to do ([`PushUpdate`]), looks whether it is meant
//! ([`is_internal`], [`DryRun`], [`Destination::consent`]), and after the capture makes a [`Plan`]: which
//! ledgers this remote lacks. An empty plan needs no network. Otherwise one nested push carries them all
//! ([`Fanout::run`]): where somebody else was faster, both are joined and pushed again. The [`Report`] says what came of
//! it. Nothing here prints or decides about exit codes.

mod contents;
mod destination;
mod dry_run;
mod inbox;
mod meet;
mod notes;
mod pace;
mod plan;
mod refusals;
mod report;
mod run;
mod scan;
mod together;
mod typed;
pub(crate) mod unsound;
mod update;
mod words;

pub use contents::Contents;
pub use destination::{Consent, Destination};
pub use dry_run::{DryRun, is_mirror, may_force};
pub use inbox::{Inbox, Taken};
pub use notes::NotesPush;
pub use plan::{Alone, LedgerPush, Plan};
pub use refusals::Refusals;
pub use report::{Failure, LedgerOutcome, LedgerReport, Report};
pub use run::Fanout;
pub use scan::{Finding, SecretFindings, Suspect, scan_push};
pub use together::{End, Together, Typed};
pub use typed::{BadPush, TypedPush, updates_of};
pub use unsound::Unfetched;
pub use update::{BadUpdate, PushUpdate};

use crate::git::process::INTERNAL_MARK;
use crate::git::remote::{FetchError, RemoteError};
use crate::git::{Error, GitEnvironment};
use crate::ledger;
use crate::notes::NOTES;
use crate::settings::BadSetting;

/// A fanout that could not even be planned, for something in this repository.
#[derive(Debug, thiserror::Error)]
pub enum FanoutError {
    /// Refs, objects or the configuration.
    #[error(transparent)]
    Git(#[from] Error),
    /// A ledger.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// A setting.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// The remote could not be pushed to.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// What others have pushed could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Captures were faster every time.
    #[error("captures in this repository were faster every time; the next push tries again")]
    Raced,
    /// Others moved the notes every time.
    #[error("others moved {NOTES} again and again; the next push goes on")]
    NotesRaced,
    /// A handoff that was made of something purged cannot be removed.
    #[error(transparent)]
    Handoff(#[from] crate::handoff::StoreError),
}

impl From<crate::notes::Error> for FanoutError {
    fn from(error: crate::notes::Error) -> Self {
        match error {
            crate::notes::Error::Git(error) => Self::Git(error),
            crate::notes::Error::Ledger(error) => Self::Ledger(error),
            crate::notes::Error::Raced => Self::NotesRaced,
        }
    }
}

impl From<crate::honour::Error> for FanoutError {
    fn from(error: crate::honour::Error) -> Self {
        match error {
            crate::honour::Error::Ledger(error) => Self::Ledger(error),
            crate::honour::Error::Notes(error) => error.into(),
            crate::honour::Error::Handoff(error) => error.into(),
        }
    }
}

/// Whether this hook was called by a command of our own: then there is nothing to do.
pub fn is_internal(environment: &GitEnvironment) -> bool {
    environment.variable(INTERNAL_MARK).is_some()
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
