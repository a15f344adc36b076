//! Which ledgers of remotes have been followed: a small file that may be lost without harm.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::capture::disk;
use crate::git::{self, Oid, RefName, Repo};
use crate::ledger::{LedgerRef, REMOTES_PREFIX};

/// The tips of what was fetched, as they were when it was followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Followed(BTreeMap<RefName, Oid>);

impl Followed {
    /// As it is now. What lies in an inbox waits for whoever joins it.
    pub fn now(repo: &Repo) -> git::Result<Self> {
        let refs = repo.refs(REMOTES_PREFIX)?.into_iter();
        let ledgers = refs.filter(|found| LedgerRef::parse(&found.name).is_some_and(|ledger| ledger.inbox().is_none()));
        Ok(Self(ledgers.map(|found| (found.name, found.oid)).collect()))
    }

    /// Reads it. One that is lost or broken makes the next time slower, and everything is followed once more.
    pub fn load(folder: &Path) -> Self {
        let text = fs::read_to_string(path(folder)).unwrap_or_default();
        let line = |line: &str| {
            let (oid, name) = line.split_once(' ')?;
            Some((RefName::new(name).ok()?, oid.parse().ok()?))
        };
        Self(text.lines().filter_map(line).collect())
    }

    /// Writes it down, if it can be written.
    pub fn store(&self, folder: &Path) {
        let lines =
            self.0.iter().flat_map(|(name, oid)| [oid.to_string(), " ".to_owned(), name.to_string(), "\n".to_owned()]);
        let lines: String = lines.collect();
        // Lost, it is made again.
        let _ = disk::replace(&path(folder), lines.as_bytes());
    }

    /// What a ledger was when it was followed.
    pub fn tip(&self, name: &RefName) -> Option<Oid> {
        self.0.get(name).copied()
    }

    /// The ledgers that are not as they were.
    pub fn since(&self, known: &Self) -> impl Iterator<Item = (&RefName, Oid)> {
        self.0.iter().filter(|(name, oid)| known.0.get(*name) != Some(*oid)).map(|(name, oid)| (name, *oid))
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("followed")
}
