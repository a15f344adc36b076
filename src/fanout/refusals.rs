//! What a remote has refused for good, so that it is not asked again at every push.
//!
//! One small file for each address, `.git/opensession/refused/<digest of the address>.json`. It says nothing that could
//! not be found out by asking again: it can be deleted, and what of it cannot be read counts as nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Destination;
use crate::git::{Config, Oid, OwnRef, Repo};
use crate::settings::FanoutMode;

/// Where the files are, below the private folder of the repository.
pub(super) const FOLDER: &str = "refused";
/// Words with which hosts refuse what is too large: then another tip may be let in.
const SIZE_WORDS: [&str; 5] = ["size", "large", "exceed", "quota", "limit"];

/// What one remote has refused.
#[derive(Debug, Default)]
pub struct Refusals {
    path: PathBuf,
    mode: String,
    known: BTreeMap<String, Refused>,
    changed: bool,
}

/// One ref that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Refused {
    reason: String,
    /// What the remote said beside: a few lines.
    said: Vec<String>,
    /// `opensession.fanout-mode` as it was then.
    mode: String,
    /// What was to be pushed, if it was too large.
    #[serde(skip_serializing_if = "Option::is_none")]
    tip: Option<String>,
}

impl Refusals {
    /// Reads what is known of a destination.
    pub fn open(repo: &Repo, config: &Config, destination: &Destination) -> Self {
        let path = repo.private_dir().join(FOLDER).join(format!("{}.json", destination.digest()));
        let known = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let mode = config.get(FanoutMode::KEY).unwrap_or_default().to_owned();
        Self { path, mode, known, changed: false }
    }

    /// Why the remote has refused this ref, and what it said beside, unless something has changed since.
    pub(super) fn known(&self, target: &OwnRef, tip: Oid) -> Option<(String, Vec<String>)> {
        let refused = self.known.get(&target.to_string())?;
        let same = refused.mode == self.mode && refused.tip.as_ref().is_none_or(|old| *old == tip.to_string());
        same.then(|| (refused.reason.clone(), refused.said.clone()))
    }

    pub(super) fn remember(&mut self, target: &OwnRef, tip: Oid, reason: &str, said: &[String]) {
        let lower = reason.to_ascii_lowercase();
        let tip = SIZE_WORDS.iter().any(|word| lower.contains(word)).then(|| tip.to_string());
        let (reason, said) = (reason.to_owned(), said.to_vec());
        let refused = Refused { reason, said, mode: self.mode.clone(), tip };
        self.changed |= self.known.insert(target.to_string(), refused.clone()) != Some(refused);
    }

    pub(super) fn forget(&mut self, target: &OwnRef) {
        self.changed |= self.known.remove(&target.to_string()).is_some();
    }

    /// Writes what has changed. If that cannot be done the remote is asked once more: no harm.
    pub fn save(&self) {
        if self.changed && !self.known.is_empty() {
            let _ = self.write();
        } else if self.changed {
            let _ = fs::remove_file(&self.path);
        }
    }

    fn write(&self) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut file, &self.known)?;
        file.persist(&self.path)?;
        Ok(())
    }

    /// Forgets what all remotes have refused: they are asked again. Says whether there was anything to forget.
    pub fn forget_all(repo: &Repo) -> bool {
        fs::remove_dir_all(repo.private_dir().join(FOLDER)).is_ok()
    }
}
