//! What a ledger no longer keeps: what lies below its floor, and what was purged from it.

use std::collections::BTreeSet;

use super::day::Day;
use super::layout::{LedgerPath, parse_tombstone};
use super::sid::{SessionKey, Sid};
use crate::git::{EntryKind, TreeEntry};
use crate::hail::Digest;

/// What a ledger no longer keeps. It only ever grows: a floor rises, a tombstone stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retention {
    /// The day before which all is expired.
    pub floor: Option<Day>,
    /// Sessions that were purged, and stay gone.
    pub purged: BTreeSet<Sid>,
    /// Snapshots that were purged, and stay gone.
    pub purged_snapshots: BTreeSet<Digest>,
}

impl Retention {
    /// Whether a session of this day and name, and its links, are kept.
    pub fn keeps(&self, key: SessionKey) -> bool {
        !self.is_expired(key.day) && !self.purged.contains(&key.sid)
    }

    /// Whether a snapshot is kept.
    pub fn keeps_snapshot(&self, digest: Digest) -> bool {
        !self.purged_snapshots.contains(&digest)
    }

    /// Whether everything of this day is expired.
    pub fn is_expired(&self, day: Day) -> bool {
        self.floor.is_some_and(|floor| day < floor)
    }

    /// Whether another drops nothing that this one keeps.
    pub fn covers(&self, other: &Self) -> bool {
        self.floor >= other.floor
            && self.purged.is_superset(&other.purged)
            && self.purged_snapshots.is_superset(&other.purged_snapshots)
    }

    /// Reads the folder of tombstones.
    pub(super) fn bury(&mut self, entries: &[TreeEntry]) {
        for entry in entries.iter().filter(|entry| entry.kind == EntryKind::File) {
            match parse_tombstone(&entry.name) {
                Some(LedgerPath::Tombstone(sid)) => drop(self.purged.insert(sid)),
                Some(LedgerPath::SnapshotTombstone(digest)) => drop(self.purged_snapshots.insert(digest)),
                _ => {}
            }
        }
    }

    /// Drops what another drops, too: the later floor, all tombstones.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.floor = self.floor.max(other.floor);
        self.purged.extend(&other.purged);
        self.purged_snapshots.extend(&other.purged_snapshots);
        self
    }
}
