//! The small files of a ledger, its tombstones, what it keeps, and its snapshots.

use super::super::error::Damage;
use super::super::layout::{self, LedgerPath};
use super::folders::Kind;
use super::{Check, FILE_LIMIT, Problem};
use crate::git::{BranchName, Oid, TreeEntry};
use crate::hail::Digest;

/// The largest of the small files below `v2/`, and of those that are there for their names, in bytes.
const SMALL_LIMIT: u64 = 8 << 10;

impl Check<'_, '_> {
    /// Format, branch and floor. Whether the rest can be read: it cannot be if a later version wrote it.
    pub(super) fn small_files(&mut self, entries: &[TreeEntry]) -> bool {
        let mut read = |path: &LedgerPath, name: &str| {
            let entry = entries.iter().find(|entry| entry.name == name.as_bytes())?;
            self.file(path.to_string().as_bytes(), entry, SMALL_LIMIT)
        };
        let format = read(&LedgerPath::Format, layout::FORMAT_NAME);
        let branch = read(&LedgerPath::Branch, layout::BRANCH_NAME);
        let floor = read(&LedgerPath::Floor, layout::FLOOR_NAME);
        for (path, name) in [(LedgerPath::Format, layout::FORMAT_NAME), (LedgerPath::Branch, layout::BRANCH_NAME)] {
            if !entries.iter().any(|entry| entry.name == name.as_bytes()) {
                self.checked.add(path.to_string().as_bytes(), Problem::Lacks);
            }
        }
        if let Some(branch) = branch {
            self.branch(&branch);
        }
        if let Some(floor) = floor {
            self.retention.floor = str::from_utf8(floor.trim_ascii_end()).ok().and_then(|text| text.parse().ok());
            if self.retention.floor.is_none() {
                self.checked.add(LedgerPath::Floor.to_string().as_bytes(), Damage::NotThe("a day"));
            }
        }
        let known = |format: &Vec<u8>| format.trim_ascii_end() == layout::FORMAT.as_bytes();
        match format {
            Some(format) if !known(&format) => {
                let told = String::from_utf8_lossy(format.get(..16).unwrap_or(&format)).into_owned();
                self.checked.add(LedgerPath::Format.to_string().as_bytes(), Problem::Format(told));
                false
            }
            _ => true,
        }
    }

    fn branch(&mut self, bytes: &[u8]) {
        let path = LedgerPath::Branch.to_string();
        match BranchName::new(bytes) {
            Ok(branch) if self.ledger.is_of(bytes) => self.checked.branch = Some(branch),
            Ok(branch) => {
                let wanted = self.ledger.branch().map_or_else(|| "a long name".to_owned(), |wanted| wanted.to_string());
                self.checked.add(path.as_bytes(), Problem::OtherBranch { found: branch.to_string(), wanted });
            }
            Err(_) => self.checked.add(path.as_bytes(), Damage::NotThe("a branch name")),
        }
    }

    /// What was purged.
    pub(super) fn tombstones(&mut self, tree: Oid) {
        let path = format!("{}/{}", layout::ROOT, layout::TOMBSTONES);
        self.folder(path.as_bytes(), tree, Kind::Top, |check, path, entry| {
            match layout::parse_tombstone(&entry.name) {
                Some(LedgerPath::Tombstone(sid)) => drop(check.retention.purged.insert(sid)),
                Some(LedgerPath::SnapshotTombstone(digest)) => {
                    check.retention.purged_snapshots.insert(digest);
                }
                _ => return check.checked.add(path, Problem::Name),
            }
            check.is_small(path, entry);
        });
    }

    /// What is kept of before the floor.
    pub(super) fn kept(&mut self, tree: Oid) {
        let path = format!("{}/{}", layout::ROOT, layout::KEPT);
        self.folder(path.as_bytes(), tree, Kind::Top, |check, path, entry| {
            let Some(LedgerPath::Kept(key)) = LedgerPath::parse(path) else {
                return check.checked.add(path, Problem::Name);
            };
            check.retention.kept.insert(key);
            check.is_small(path, entry);
        });
    }

    /// Only the name of such a file says something.
    fn is_small(&mut self, path: &[u8], entry: &TreeEntry) {
        if let Some(size) = self.size(path, entry).filter(|size| *size > SMALL_LIMIT) {
            self.checked.add(path, Problem::TooLarge { size, limit: SMALL_LIMIT });
        }
    }

    /// Snapshots are named for the digest of what is in them.
    pub(super) fn snapshots(&mut self, tree: Oid) {
        self.folder(layout::SNAPSHOTS.as_bytes(), tree, Kind::Top, |check, path, entry| {
            let Some(LedgerPath::Snapshot(digest)) = LedgerPath::parse(path) else {
                return check.checked.add(path, Problem::Name);
            };
            if !check.retention.keeps_snapshot(digest) {
                check.checked.add(path, Problem::PurgedSnapshot);
            }
            let Some(size) = check.size(path, entry) else { return };
            if !check.can_afford(path, &[(entry.oid, size)], size) {
                return;
            }
            if let Some(bytes) = check.file(path, entry, FILE_LIMIT).filter(|bytes| Digest::of(bytes) != digest) {
                drop(bytes);
                check.checked.add(path, Damage::Name);
            }
        });
    }
}
