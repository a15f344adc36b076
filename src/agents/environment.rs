//! What a parser may know of the machine: handed in, never looked up.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The home folder and the environment variables, as values.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// Environment variables.
    pub variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// A variable that is set and not empty.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// A folder named by a variable, or one below the home folder.
    #[must_use]
    pub fn folder(&self, variable: &str, below_home: impl AsRef<Path>) -> Option<PathBuf> {
        match self.variable(variable) {
            Some(value) => Some(PathBuf::from(value)),
            None => self.home.as_ref().map(|home| home.join(below_home)),
        }
    }
}
