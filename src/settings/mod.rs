//! The settings there are, and what they are here.
//!
//! By the first that says something: a flag, the environment, git's configuration (`opensession.*`), then the file that
//! is committed with the code ([`committed`]), then a default. [`read`] gives the last two of those that are files as
//! one [`Config`], which is what every verb reads its settings from: so none can forget the committed file, and none can
//! take more from it than it may say.

mod base_url;
pub mod committed;
mod effective;
mod key;
mod mode;
mod push;
#[cfg(test)]
mod tests;

pub use base_url::BaseUrl;
pub use effective::{Listed, Origin, Shown, effective, listed};
pub use key::{Key, NotAKey, Setting};
pub use mode::{FanoutMode, OpenTarget};
pub use push::{Require, SecretScan, Settings, read_namespace};

use crate::git::{self, Config, GitEnvironment, Repo};
use committed::Problem;

/// A setting that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum BadSetting {
    /// A boolean, or an unreadable configuration.
    #[error(transparent)]
    Config(#[from] git::Error),
    /// A value that is none of those there are.
    #[error("{name} is {value:?}; it must be {wanted}")]
    Value {
        /// The key or variable.
        name: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        wanted: &'static str,
    },
}

/// The configuration that holds in a repository, and what of the committed file does not count.
#[derive(Debug)]
pub struct Reading {
    /// git's configuration, and below it what the committed file may say.
    pub config: Config,
    /// What else the committed file says.
    pub problems: Vec<Problem>,
}

/// Reads the configuration of a repository and its committed file.
///
/// # Errors
/// As [`Repo::config`]. Of the committed file nothing is an error: whoever clones a repository has not written it.
pub fn read(repo: &Repo, environment: &GitEnvironment) -> git::Result<Reading> {
    let config = repo.config(environment)?;
    let Some(path) = committed::path(repo) else { return Ok(Reading { config, problems: Vec::new() }) };
    let said = committed::read(&path);
    let entries = said.entries.into_iter().map(|(setting, value)| (setting.key().to_owned(), value));
    Ok(Reading { config: config.with_committed(&path, entries), problems: said.problems })
}
