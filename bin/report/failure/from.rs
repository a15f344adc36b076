//! What the rooms of the library say, as failures of a command.

use git_opensession::fanout::FanoutError;
use git_opensession::git::remote::{FetchError, RemoteError};
use git_opensession::settings::BadSetting;
use git_opensession::{
    browse, capture, doctor, fetch, fold, git, ledger, notes, purge, redact, rolling, share, source, store, sync,
};

use super::Failure;
use crate::report::{SettingFailure, Sharing, Together};

impl From<browse::Error> for Failure {
    fn from(error: browse::Error) -> Self {
        match error {
            browse::Error::Git(error) => Self::Git(error),
            browse::Error::Ledger(error) => Self::Ledger(error),
            error => Self::Browse(error),
        }
    }
}

impl From<capture::Error> for Failure {
    fn from(error: capture::Error) -> Self {
        match error {
            capture::Error::Git(error) => Self::Git(error),
            error @ capture::Error::Private { .. } => Self::Capture(error),
        }
    }
}

impl From<purge::Error> for Failure {
    fn from(error: purge::Error) -> Self {
        match error {
            purge::Error::Browse(error) => error.into(),
            purge::Error::Ledger(error) => error.into(),
            purge::Error::Store(error) => error.into(),
            purge::Error::Handoff(error) => error.into(),
        }
    }
}

impl From<rolling::Error> for Failure {
    fn from(error: rolling::Error) -> Self {
        match error {
            rolling::Error::Git(error) => Self::Git(error),
            rolling::Error::Ledger(error) => Self::Ledger(error),
            rolling::Error::Notes(error) => error.into(),
            rolling::Error::Store(error) => error.into(),
            rolling::Error::Fetch(error) => error.into(),
            rolling::Error::Fanout(error) => error.into(),
            rolling::Error::Handoff(error) => error.into(),
        }
    }
}

impl From<fold::Error> for Failure {
    fn from(error: fold::Error) -> Self {
        match error {
            fold::Error::Git(error) => Self::Git(error),
            fold::Error::Ledger(error) => Self::Ledger(error),
            fold::Error::Remote(error) => Self::Remote(error),
            fold::Error::Fetch(error) => error.into(),
            fold::Error::Fanout(error) => error.into(),
            error => Self::Fold(Box::new(error)),
        }
    }
}

impl From<ledger::Error> for Failure {
    fn from(error: ledger::Error) -> Self {
        Self::Ledger(error)
    }
}

impl From<doctor::Error> for Failure {
    fn from(error: doctor::Error) -> Self {
        match error {
            doctor::Error::Git(error) => Self::Git(error),
            doctor::Error::Setting(error) => error.into(),
            error => Self::Doctor(Box::new(error)),
        }
    }
}

impl From<Sharing> for Failure {
    fn from(sharing: Sharing) -> Self {
        Self::Sharing(Box::new(sharing))
    }
}

impl From<SettingFailure> for Failure {
    fn from(failure: SettingFailure) -> Self {
        Self::Setting(Box::new(failure))
    }
}

impl From<BadSetting> for Failure {
    fn from(error: BadSetting) -> Self {
        match error {
            BadSetting::Config(error) => Self::Git(error),
            error @ BadSetting::Value { .. } => SettingFailure::Bad { error, fix: None }.into(),
        }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Git(error) => Self::Git(error),
            error => Sharing::Store(error).into(),
        }
    }
}

impl From<redact::Error> for Failure {
    fn from(error: redact::Error) -> Self {
        match error {
            redact::Error::Ledger(error) => error.into(),
            redact::Error::Store(error) => error.into(),
            redact::Error::Handoff(error) => error.into(),
        }
    }
}

impl From<source::Error> for Failure {
    fn from(error: source::Error) -> Self {
        match error {
            source::Error::Git(error) | source::Error::Store(store::Error::Git(error)) => Self::Git(error),
            error => Sharing::Source(error).into(),
        }
    }
}

impl From<share::Error> for Failure {
    fn from(error: share::Error) -> Self {
        match error {
            share::Error::Git(error) => Self::Git(error),
            share::Error::Ledger(error) => Self::Ledger(error),
            share::Error::Fanout(error) => error.into(),
            error => Sharing::Share(error).into(),
        }
    }
}

impl From<notes::Error> for Failure {
    fn from(error: notes::Error) -> Self {
        match error {
            notes::Error::Git(error) => Self::Git(error),
            notes::Error::Ledger(error) => Self::Ledger(error),
            error @ notes::Error::Raced => Self::Notes(error),
        }
    }
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        Self::Remote(error)
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Remote(error) => Self::Remote(error),
            FetchError::Local(error) => Self::Git(error),
        }
    }
}

impl From<FanoutError> for Failure {
    fn from(error: FanoutError) -> Self {
        match error {
            FanoutError::Git(error) | FanoutError::Fetch(FetchError::Local(error)) => Self::Git(error),
            FanoutError::Ledger(error) => Self::Ledger(error),
            FanoutError::Remote(error) | FanoutError::Fetch(FetchError::Remote(error)) => Self::Remote(error),
            FanoutError::Setting(error) => error.into(),
            FanoutError::Handoff(error) => error.into(),
            error @ (FanoutError::Raced | FanoutError::NotesRaced) => Self::Fanout(error),
        }
    }
}

impl From<sync::Error> for Failure {
    fn from(error: sync::Error) -> Self {
        match error {
            sync::Error::Fetch(error) => error.into(),
            sync::Error::Plan(error) => error.into(),
            sync::Error::Git(error) => Self::Git(error),
        }
    }
}

impl From<fetch::Error> for Failure {
    fn from(error: fetch::Error) -> Self {
        match error {
            fetch::Error::Remote(error) => Self::Remote(error),
            fetch::Error::Git(error) => Self::Git(error),
            fetch::Error::Ledger(FanoutError::Setting(error)) => error.into(),
            error @ fetch::Error::Ledger(_) => Self::Fetch(error),
        }
    }
}

impl From<git::Error> for Failure {
    fn from(error: git::Error) -> Self {
        Self::Git(error)
    }
}

impl From<Together> for Failure {
    fn from(together: Together) -> Self {
        Self::Together(Box::new(together))
    }
}
