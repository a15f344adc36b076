//! What git may know of the machine, as values.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The home folder and the environment variables git reads (`GIT_DIR`, `GIT_CONFIG_PARAMETERS`, ...).
#[derive(Debug, Clone, Default)]
pub struct GitEnvironment {
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// Environment variables; those git does not know are ignored.
    pub variables: BTreeMap<OsString, OsString>,
}

/// What says in which repository git is (`git rev-parse --local-env-vars`), settings aside.
const WHERE: [&str; 11] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_CONFIG",
];

impl GitEnvironment {
    /// The same for work in another repository than the one these variables may name.
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        let mut elsewhere = self.clone();
        elsewhere.variables.retain(|name, _| !WHERE.iter().any(|known| name == OsStr::new(known)));
        elsewhere
    }

    /// A variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.set(name).filter(|value| !value.is_empty())
    }

    /// A variable that is set, even to nothing: `GIT_CONFIG_GLOBAL=` means "no such file".
    pub(super) fn set(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// A variable that is a path, relative ones below `folder`.
    pub(super) fn path(&self, name: &str, folder: &Path) -> Option<PathBuf> {
        self.variable(name).map(|value| folder.join(value))
    }

    /// A variable git reads as a boolean; unset, empty or unreadable is false.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.variable(name).and_then(OsStr::to_str).and_then(super::config::parse_bool).unwrap_or(false)
    }
}
