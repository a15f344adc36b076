//! Fetching the ledgers of a remote into their own namespace.

use std::collections::BTreeMap;

use super::{Endpoint, NAME, Network, RemoteError, reason};
use crate::git::{Error, Oid, RefName, Repo};

/// Which refs of the remote to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// All of its ledgers; those that are gone there go here, too.
    All,
    /// These, each the last part of a ledger's ref name (`refs/opensession/branches/<part>`).
    Ledgers(&'a [&'a str]),
}

/// A tracking ref that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The tracking ref.
    pub name: RefName,
    /// What it was.
    pub old: Option<Oid>,
    /// What it is.
    pub new: Option<Oid>,
}

/// What a fetch brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchReport {
    /// The tracking refs that changed, sorted by name.
    pub moved: Vec<Moved>,
}

/// Where ledgers lie in the repository they belong to.
const LEDGERS: &str = "refs/opensession/branches/";

impl Network<'_> {
    /// Fetches ledgers of a remote into `tracking` (`refs/opensession/remotes/<key>/branches/`), and touches
    /// nothing else: no live ledger, no tag, no `FETCH_HEAD`, no shallow or partial clone settings.
    /// What comes in is checked as `git fsck` would.
    ///
    /// # Errors
    ///
    /// When the remote cannot be talked to, when it lacks a ledger asked for by name, and when the refs of
    /// this repository cannot be read.
    pub fn fetch(
        &self,
        repo: &Repo,
        endpoint: &Endpoint,
        tracking: &str,
        wanted: Wanted<'_>,
    ) -> Result<FetchReport, FetchError> {
        let before = values(repo, tracking)?;
        let finished = self.command(endpoint, arguments(tracking, wanted)).run().map_err(RemoteError::from)?;
        if !finished.succeeded() {
            let missing = finished.stderr.lines().find_map(|line| line.split_once("couldn't find remote ref "));
            let url = endpoint.url();
            return Err(FetchError::Remote(match missing {
                Some((_, name)) => RemoteError::NoSuchRef { url: url.to_string(), name: name.trim().to_owned() },
                None => reason::failure(url, &finished),
            }));
        }
        let after = values(repo, tracking)?;
        let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(name)));
        let mut moved: Vec<Moved> = names
            .map(|name| Moved { name: name.clone(), old: before.get(name).copied(), new: after.get(name).copied() })
            .filter(|moved| moved.old != moved.new)
            .collect();
        moved.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(FetchReport { moved })
    }
}

/// A fetch that failed.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// On the other side, or on the way.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// In this repository.
    #[error(transparent)]
    Local(#[from] Error),
}

fn values(repo: &Repo, prefix: &str) -> Result<BTreeMap<RefName, Oid>, Error> {
    Ok(repo.refs(prefix)?.into_iter().map(|value| (value.name, value.oid)).collect())
}

fn arguments(tracking: &str, wanted: Wanted<'_>) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "-c",
        "fetch.fsckObjects=true",
        "-c",
        "fetch.writeCommitGraph=false",
        "-c",
        "fetch.bundleURI=",
        "-c",
        "fetch.pruneTags=false",
        "fetch",
        "--quiet",
        "--no-progress",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-auto-maintenance",
        "--no-recurse-submodules",
        "--no-show-forced-updates",
        if wanted == Wanted::All { "--prune" } else { "--no-prune" },
        "--",
        NAME,
    ]
    .map(str::to_owned)
    .into();
    match wanted {
        Wanted::All => arguments.push(format!("+{LEDGERS}*:{tracking}*")),
        Wanted::Ledgers(parts) => {
            arguments.extend(parts.iter().map(|part| format!("+{LEDGERS}{part}:{tracking}{part}")));
        }
    }
    arguments
}
