//! Fetching what is sound, without what is not.
//!
//! git checks what comes in as a whole, and takes nothing of it if one object is not as it should be. Whoever may push can
//! leave such an object there, and would keep everybody from fetching all else. So what is asked for is halved until it is
//! known which refs it is that cannot be had.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::fetch::{moved, values};
use super::{Endpoint, FetchError, Mapping, Moved, Network, RemoteError};
use crate::git::{Error, Expected, HiddenRef, Oid, RefName, Repo};

/// How often a remote is asked in one go. What has not been told apart by then waits for the next time.
const TRIES: usize = 64;
/// How long a tracking ref that another process has locked is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Commits that are known not to be sound, and why: they are not asked for again.
pub type KnownUnsound = BTreeMap<Oid, String>;

/// One ref of a remote that is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What it is there.
    pub oid: Oid,
    /// From where to where.
    pub mapping: Mapping,
}

/// What a fetch brought that went around what is not sound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sifted {
    /// The tracking refs that changed, sorted by name.
    pub moved: Vec<Moved>,
    /// What was not taken.
    pub unsound: Vec<Unsound>,
    /// Refs of the remote that were not come to: too much else there was not sound.
    pub left: Vec<String>,
}

/// A ref of a remote that no fetch takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsound {
    /// Its name there.
    pub name: String,
    /// What it is there.
    pub oid: Oid,
    /// What is wrong with it, in git's words.
    pub reason: String,
}

impl Network<'_> {
    /// As [`Network::fetch`]; where something that would come is not sound, all else is fetched.
    ///
    /// # Errors
    ///
    /// As [`Network::fetch`], but for that.
    pub fn fetch_around(
        &self,
        repo: &Repo,
        endpoint: &Endpoint,
        tracking: &str,
        patterns: &[Mapping],
        known: &KnownUnsound,
    ) -> Result<Sifted, FetchError> {
        if known.is_empty() {
            match self.fetch(repo, endpoint, tracking, patterns) {
                Ok(report) => return Ok(Sifted { moved: report.moved, ..Sifted::default() }),
                Err(FetchError::Remote(RemoteError::Unsound { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        let theirs: Vec<&str> = patterns.iter().map(Mapping::theirs).collect();
        let mut wanted = Vec::new();
        for (name, oid) in self.ls_remote(endpoint, &theirs)? {
            let mapping = patterns.iter().find_map(|pattern| pattern.of(&name));
            wanted.extend(mapping.map(|mapping| Wanted { oid, mapping }));
        }
        let before = values(repo, tracking)?;
        forget_gone(repo, &before, patterns, &wanted)?;
        let mut sifted = self.fetch_sound(repo, endpoint, tracking, wanted, known)?;
        sifted.moved = moved(&before, &values(repo, tracking)?);
        Ok(sifted)
    }

    /// Fetches refs that are each named, and goes on without what is not sound. One that is gone meanwhile is passed over.
    ///
    /// # Errors
    ///
    /// When the remote cannot be talked to, or the refs of this repository not be read.
    pub fn fetch_sound(
        &self,
        repo: &Repo,
        endpoint: &Endpoint,
        tracking: &str,
        wanted: Vec<Wanted>,
        known: &KnownUnsound,
    ) -> Result<Sifted, FetchError> {
        let before = values(repo, tracking)?;
        let mut sifted = Sifted::default();
        let (unsound, wanted): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|wanted: &Wanted| known.contains_key(&wanted.oid));
        for wanted in unsound {
            let reason = known.get(&wanted.oid).cloned().unwrap_or_default();
            sifted.add(&wanted, reason);
        }
        let (mut parts, mut tries) = (vec![wanted], 0);
        while let Some(mut part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            tries += 1;
            if tries > TRIES {
                sifted.left.extend(part.iter().map(|wanted| wanted.mapping.theirs().to_owned()));
                continue;
            }
            let mappings: Vec<Mapping> = part.iter().map(|wanted| wanted.mapping.clone()).collect();
            match self.fetch(repo, endpoint, tracking, &mappings) {
                Ok(_) => {}
                Err(FetchError::Remote(RemoteError::NoSuchRef { name, .. })) => {
                    part.retain(|wanted| wanted.mapping.theirs() != name);
                    // Of one that git calls otherwise than we do nothing is known.
                    if part.len() < mappings.len() {
                        parts.push(part);
                    }
                }
                Err(FetchError::Remote(RemoteError::Unsound { reason, .. })) => {
                    if let [only] = part.as_slice() {
                        sifted.add(only, reason);
                    } else {
                        let half = part.split_off(part.len() / 2);
                        parts.extend([half, part]);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        sifted.moved = moved(&before, &values(repo, tracking)?);
        Ok(sifted)
    }
}

impl Sifted {
    fn add(&mut self, wanted: &Wanted, reason: String) {
        self.unsound.push(Unsound { name: wanted.mapping.theirs().to_owned(), oid: wanted.oid, reason });
    }
}

/// Deletes what was fetched by a pattern, and is no longer there: what is asked for by name, git prunes nothing of.
fn forget_gone(
    repo: &Repo,
    known: &BTreeMap<RefName, Oid>,
    patterns: &[Mapping],
    there: &[Wanted],
) -> Result<(), Error> {
    let there: BTreeSet<&str> = there.iter().map(|wanted| wanted.mapping.ours()).collect();
    for (name, oid) in known {
        let text = name.to_string();
        if there.contains(text.as_str()) || !patterns.iter().any(|pattern| pattern.covers(&text)) {
            continue;
        }
        let hidden = HiddenRef::new(name.clone())?;
        let deadline = Instant::now() + PATIENCE;
        // Whoever fetched meanwhile has deleted it.
        let _ = repo.update_ref(&hidden, Expected::At(*oid), None, "opensession: gone there", None, deadline)?;
    }
    Ok(())
}
