//! Commits that are still to be looked at: written down before the work begins, crossed out when it is done. What a
//! deadline, an error or a killed process leaves here, the next capture takes up.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Target;
use super::disk;
use crate::git::{BranchName, Oid};

/// The file of whoever holds the capture lock.
const NAME: &str = "pending.json";
/// Files of those who did not get it: `pending-<random>.json`.
const PREFIX: &str = "pending-";

/// Commits by branch, as they are stored: names percent-encoded where they are not plain ASCII, ids in hex, newest first.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Stored(BTreeMap<String, Vec<String>>);

/// What was found, and in which files beside the main one.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) targets: Vec<Target>,
    strays: Vec<PathBuf>,
}

impl Pending {
    /// Reads what is pending. A broken file is as good as none: nothing can be made of it.
    pub(super) fn load(folder: &Path) -> Self {
        let mut pending = Self { targets: read(&folder.join(NAME)).unwrap_or_default(), strays: Vec::new() };
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.to_str().is_some_and(|name| name.starts_with(PREFIX)) {
                pending.strays.push(entry.path());
            }
        }
        pending.strays.sort();
        for stray in &pending.strays {
            merge(&mut pending.targets, read(stray).unwrap_or_default());
        }
        pending
    }

    /// Writes down what is to be done now, instead of what was. With nothing to do, there is no file.
    pub(super) fn replace(&mut self, folder: &Path, targets: &[Target]) -> io::Result<()> {
        let path = folder.join(NAME);
        if targets.iter().all(|target| target.commits.is_empty()) {
            disk::remove(&path)?;
        } else {
            disk::replace(&path, &print(targets)?)?;
        }
        self.strays.drain(..).try_for_each(|stray| disk::remove(&stray))
    }

    /// Writes down what is to be done, beside what another process has written.
    pub(super) fn add_beside(folder: &Path, targets: &[Target]) -> io::Result<()> {
        if targets.iter().all(|target| target.commits.is_empty()) {
            return Ok(());
        }
        disk::make_folder(folder)?;
        let file = tempfile::Builder::new().prefix(".tmp-").suffix(".json").tempfile_in(folder)?;
        fs::write(file.path(), print(targets)?)?;
        let random = file.path().file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let name = format!("{PREFIX}{}", random.trim_start_matches(".tmp-"));
        file.persist(folder.join(name)).map(drop).map_err(|error| error.error)
    }
}

/// Adds commits to the targets of the same branch, newest first as they come; none twice.
pub(super) fn merge(targets: &mut Vec<Target>, more: Vec<Target>) {
    for target in more {
        match targets.iter_mut().find(|known| known.branch == target.branch) {
            Some(known) => {
                let seen: HashSet<Oid> = known.commits.iter().copied().collect();
                known.commits.extend(target.commits.into_iter().filter(|commit| !seen.contains(commit)));
            }
            None => targets.push(target),
        }
    }
}

fn print(targets: &[Target]) -> io::Result<Vec<u8>> {
    let mut stored = Stored::default();
    for target in targets.iter().filter(|target| !target.commits.is_empty()) {
        stored.0.insert(encode(target.branch.as_bytes()), target.commits.iter().map(Oid::to_string).collect());
    }
    Ok(serde_json::to_vec(&stored)?)
}

fn read(path: &Path) -> Option<Vec<Target>> {
    let stored: Stored = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let targets = stored.0.into_iter().filter_map(|(branch, commits)| {
        let branch = BranchName::new(decode(&branch)?).ok()?;
        let commits = commits.iter().filter_map(|commit| commit.parse().ok()).collect();
        Some(Target { branch, commits })
    });
    Some(targets.collect())
}

fn encode(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name {
        match byte {
            b'%' | 0..=0x1f | 0x7f.. => {
                // Writing to a string does not fail.
                let _ = write!(text, "%{byte:02x}");
            }
            byte => text.push(char::from(*byte)),
        }
    }
    text
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut name = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            name.push(byte);
            continue;
        }
        let hex = [bytes.next()?, bytes.next()?];
        name.push(u8::from_str_radix(str::from_utf8(&hex).ok()?, 16).ok()?);
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(branch: &[u8], commits: &[u8]) -> Target {
        Target {
            branch: BranchName::new(branch).expect("a branch name"),
            commits: commits.iter().map(|n| Oid::from_bytes(&[*n; 20]).expect("an id")).collect(),
        }
    }

    #[test]
    fn what_was_written_down_is_found_and_crossed_out() {
        let folder = tempfile::tempdir().expect("a folder");
        // In the order of their spelling.
        let work = [target(b"\xff", &[4]), target("gr\u{f6}\u{df}e/%".as_bytes(), &[3]), target(b"main", &[2, 1])];
        Pending::load(folder.path()).replace(folder.path(), &work).expect("it can be written");
        let mut found = Pending::load(folder.path());
        assert_eq!(found.targets, work);
        found.replace(folder.path(), &[target(b"main", &[])]).expect("nothing is left to do");
        assert_eq!(fs::read_dir(folder.path()).expect("a list").count(), 0);
    }

    #[test]
    fn those_who_waited_in_vain_leave_their_work_beside() {
        let folder = tempfile::tempdir().expect("a folder");
        Pending::load(folder.path()).replace(folder.path(), &[target(b"main", &[2, 1])]).expect("written");
        Pending::add_beside(folder.path(), &[target(b"main", &[3, 2]), target(b"topic", &[4])]).expect("written");
        Pending::add_beside(folder.path(), &[target(b"main", &[])]).expect("nothing to write");
        let mut found = Pending::load(folder.path());
        assert_eq!(found.targets, [target(b"main", &[2, 1, 3]), target(b"topic", &[4])]);
        found.replace(folder.path(), &[]).expect("all is done");
        assert_eq!(fs::read_dir(folder.path()).expect("a list").count(), 0);
    }

    #[test]
    fn a_broken_file_is_as_good_as_none() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(NAME), b"{\"main\":[\"xyz\",3").expect("written");
        fs::write(folder.path().join("pending-x.json"), b"[]").expect("written");
        assert_eq!(Pending::load(folder.path()).targets, []);
    }
}
