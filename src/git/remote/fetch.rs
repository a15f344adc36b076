//! Fetching the ledgers of a remote into their own namespace.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use super::{Ending, Endpoint, Finished, NAME, Network, RemoteError, reason};
use crate::git::lock::{Backoff, lock_beside};
use crate::git::{BadName, Error, Oid, RefName, Repo};

/// Where things at a remote are fetched to: one ref, or all that begin alike (`*` at the end of both). Forced, for a
/// remote may roll its ledgers; and only into the tracking namespace, so that no live ref can be overwritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    theirs: String,
    ours: String,
}

/// The only refs that are fetched into.
const TRACKING: &str = "refs/opensession/remotes/";
/// How long a ref that another git is just moving is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

impl Mapping {
    /// From a ref or pattern there to one here.
    ///
    /// # Errors
    /// [`BadName::NotHidden`] if that is not below `refs/opensession/remotes/`.
    pub fn new(theirs: impl Into<String>, ours: impl Into<String>) -> Result<Self, BadName> {
        let (theirs, ours) = (theirs.into(), ours.into());
        if ours.starts_with(TRACKING) { Ok(Self { theirs, ours }) } else { Err(BadName::NotHidden(ours)) }
    }

    /// The ref, or the pattern, there.
    pub(super) fn theirs(&self) -> &str {
        &self.theirs
    }

    /// The ref, or the pattern, here.
    pub(super) fn ours(&self) -> &str {
        &self.ours
    }

    /// The mapping of one ref by this one, of a pattern or of that ref; `None` if it is not of that.
    pub(super) fn of(&self, name: &RefName) -> Option<Self> {
        let name = str::from_utf8(name.as_bytes()).ok()?;
        if name == self.theirs {
            return Some(self.clone());
        }
        let rest = name.strip_prefix(self.theirs.strip_suffix('*')?)?;
        Some(Self { theirs: name.to_owned(), ours: format!("{}{rest}", self.ours.strip_suffix('*')?) })
    }

    /// Whether a ref here is fetched by this.
    pub(super) fn covers(&self, ours: &str) -> bool {
        match self.ours.strip_suffix('*') {
            Some(prefix) => ours.starts_with(prefix),
            None => self.ours == ours,
        }
    }
}

impl fmt::Display for Mapping {
    /// As git's refspec.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}:{}", self.theirs, self.ours)
    }
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

impl Network<'_> {
    /// Fetches refs of a remote into tracking refs, which begin with `tracking` (`refs/opensession/remotes/<key>/`), and
    /// touches nothing else: no live ledger, no tag, no `FETCH_HEAD`, no shallow or partial clone settings.
    /// What is gone there goes here, too. What comes in is checked as `git fsck` would.
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
        wanted: &[Mapping],
    ) -> Result<FetchReport, FetchError> {
        let before = values(repo, tracking)?;
        let finished = self.past_locks(repo, endpoint, tracking, wanted)?;
        if !finished.succeeded() {
            let missing = finished.stderr.lines().find_map(|line| line.split_once("couldn't find remote ref "));
            let url = endpoint.url();
            return Err(FetchError::Remote(match missing {
                Some((_, name)) => RemoteError::NoSuchRef { url: url.to_string(), name: name.trim().to_owned() },
                None => reason::failure(url, &finished),
            }));
        }
        Ok(FetchReport { moved: moved(&before, &values(repo, tracking)?) })
    }

    /// Fetches; as long as another git holds the lock of a tracking ref, or of all refs, again. One that was killed has left
    /// its lock.
    fn past_locks(
        &self,
        repo: &Repo,
        endpoint: &Endpoint,
        tracking: &str,
        wanted: &[Mapping],
    ) -> Result<Finished, FetchError> {
        let soon = Instant::now() + PATIENCE;
        let mut pause = Backoff::new(self.deadline.map_or(soon, |deadline| deadline.min(soon)));
        let mut held = None;
        loop {
            let finished = self.command(endpoint, arguments(wanted)).run().map_err(RemoteError::from)?;
            held = match reason::locked(&finished) {
                Some(locked) if break_if_ours_and_stale(repo, &locked)? => continue,
                Some(locked) => Some(locked),
                None if finished.ending == Ending::TimedOut => held,
                None => None,
            };
            match held {
                None => return Ok(finished),
                Some(_) if pause.sleep() => {}
                Some(reason::Locked { name, lock }) => {
                    let all = || RefName::new(tracking.trim_end_matches('/')).map_err(Error::from);
                    let of_all = || lock_beside(&repo.common_dir().join("reftable").join("tables.list"));
                    let name = name.map_or_else(all, Ok)?;
                    return Err(Error::RefLocked { name, lock: lock.unwrap_or_else(of_all) }.into());
                }
            }
        }
    }
}

/// Removes the lock of a tracking ref that a killed git has left; that of all refs is not ours.
fn break_if_ours_and_stale(repo: &Repo, locked: &reason::Locked) -> Result<bool, Error> {
    let (Some(name), Some(lock)) = (&locked.name, &locked.lock) else { return Ok(false) };
    let name = name.to_string();
    if !name.starts_with(TRACKING) || !lock.ends_with(format!("{name}.lock")) {
        return Ok(false);
    }
    match repo.lock(Instant::now()) {
        Ok(held) => held.break_if_stale(None, lock),
        // Whoever is at work here will be done soon.
        Err(Error::RepoLocked { .. }) => Ok(false),
        Err(error) => Err(error),
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

/// The refs below a prefix.
pub(super) fn values(repo: &Repo, prefix: &str) -> Result<BTreeMap<RefName, Oid>, Error> {
    Ok(repo.refs(prefix)?.into_iter().map(|value| (value.name, value.oid)).collect())
}

/// What is not as it was, sorted by name.
pub(super) fn moved(before: &BTreeMap<RefName, Oid>, after: &BTreeMap<RefName, Oid>) -> Vec<Moved> {
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(name)));
    let mut moved: Vec<Moved> = names
        .map(|name| Moved { name: name.clone(), old: before.get(name).copied(), new: after.get(name).copied() })
        .filter(|moved| moved.old != moved.new)
        .collect();
    moved.sort_by(|a, b| a.name.cmp(&b.name));
    moved
}

fn arguments(wanted: &[Mapping]) -> Vec<String> {
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
        "--prune",
        "--",
        NAME,
    ]
    .map(str::to_owned)
    .into();
    arguments.extend(wanted.iter().map(ToString::to_string));
    arguments
}
