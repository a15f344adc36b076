//! What of the ledgers is in the notes already: a small file that may be lost without harm.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::capture::disk;
use crate::git::Oid;

/// The tips of the live ledgers whose links are all in the notes, and what was gone then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// By ref.
    pub tips: BTreeMap<String, String>,
    /// The mark of what was gone when lines were dropped.
    #[serde(default)]
    pub gone: String,
    /// The tips of what was fetched when that was looked up.
    pub fetched: BTreeMap<String, String>,
}

impl Cursor {
    /// Reads it. One that is lost or broken only makes the next write slower.
    pub fn load(folder: &Path) -> Self {
        fs::read(path(folder)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Writes it down, if it can be written.
    pub fn store(&self, folder: &Path) {
        // Lost, it is made again.
        let _ = serde_json::to_vec(self).map(|bytes| disk::replace(&path(folder), &bytes));
    }

    /// The tip up to which the links of a ledger are in the notes.
    pub fn tip(&self, ledger: &str) -> Option<Oid> {
        self.tips.get(ledger)?.parse().ok()
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("notes.json")
}
