//! What a remote has that no fetch takes, as it was found out: it is not asked for again, nor fetched in vain.
//!
//! One small file for each address, beside what the remote has refused. It says nothing that could not be found out by
//! asking again: it can be deleted, and what of it cannot be read counts as nothing.

use std::fs;
use std::path::PathBuf;

use super::Destination;
use super::refusals::FOLDER;
use crate::capture::disk;
use crate::git::Repo;
use crate::git::remote::{KnownUnsound, Sifted};

/// Something at a remote that was not fetched; it keeps nothing else from being fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfetched {
    /// Its name there: a ref, or what matches several.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Whether it is this ref alone that no fetch takes: it can be deleted there.
    pub is_unsound: bool,
}

/// What is known of a remote.
pub(crate) fn known(repo: &Repo, destination: &Destination) -> KnownUnsound {
    let text = fs::read_to_string(path(repo, destination)).unwrap_or_default();
    let line = |line: &str| {
        let (oid, reason) = line.split_once(' ')?;
        Some((oid.parse().ok()?, reason.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

/// Writes down what a remote has of it beside what is known.
pub(super) fn add(repo: &Repo, destination: &Destination, before: &KnownUnsound, sifted: &Sifted) {
    let new = sifted.unsound.iter().map(|unsound| (unsound.oid, unsound.reason.clone()));
    write(repo, destination, before, before.clone().into_iter().chain(new).collect());
}

/// Writes down what a remote has of it now, if it can be written.
pub(crate) fn remember(repo: &Repo, destination: &Destination, before: &KnownUnsound, sifted: &[&Sifted]) {
    let all = sifted.iter().flat_map(|sifted| &sifted.unsound);
    let now = all.map(|unsound| (unsound.oid, unsound.reason.clone())).collect();
    write(repo, destination, before, now);
}

fn write(repo: &Repo, destination: &Destination, before: &KnownUnsound, mut now: KnownUnsound) {
    for reason in now.values_mut() {
        *reason = reason.replace('\n', " ");
    }
    if now == *before {
        return;
    }
    let path = path(repo, destination);
    let lines = now.iter().flat_map(|(oid, reason)| [oid.to_string(), " ".to_owned(), reason.clone(), "\n".to_owned()]);
    let lines: String = lines.collect();
    // Lost, it is found out again.
    let _ = if now.is_empty() { disk::remove(&path) } else { disk::replace(&path, lines.as_bytes()) };
}

/// What was not fetched, and why.
pub(crate) fn unfetched(sifted: &Sifted) -> impl Iterator<Item = Unfetched> {
    let unsound = sifted.unsound.iter().map(|unsound| {
        let (name, reason) = (unsound.name.clone(), unsound.reason.clone());
        Unfetched { name, reason, is_unsound: true }
    });
    let left = sifted.left.iter().map(|name| {
        let reason = "too much else there is not sound; the next fetch goes on".to_owned();
        Unfetched { name: name.clone(), reason, is_unsound: false }
    });
    unsound.chain(left)
}

fn path(repo: &Repo, destination: &Destination) -> PathBuf {
    repo.private_dir().join(FOLDER).join(format!("{}.unsound", destination.digest()))
}
