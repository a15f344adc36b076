//! What a ledger no longer keeps: what lies below its floor, and what was purged from it.
//!
//! Some sessions below the floor are kept by name. Two ledgers keep of those what both keep: a name alone must not bring
//! back what another clone has dropped, or has dropped a part of. (With a union of the names the order of joins would
//! matter.) So what somebody has pruned stays pruned.

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
    /// Sessions of before it that are kept all the same.
    pub kept: BTreeSet<SessionKey>,
    /// Sessions that were purged, and stay gone.
    pub purged: BTreeSet<Sid>,
    /// Snapshots that were purged, and stay gone.
    pub purged_snapshots: BTreeSet<Digest>,
}

impl Retention {
    /// Whether a session of this day and name, and its links, are kept.
    pub fn keeps(&self, key: SessionKey) -> bool {
        !self.is_expired(key) && !self.purged.contains(&key.sid)
    }

    /// Whether a snapshot is kept.
    pub fn keeps_snapshot(&self, digest: Digest) -> bool {
        !self.purged_snapshots.contains(&digest)
    }

    /// Whether a session is expired.
    pub fn is_expired(&self, key: SessionKey) -> bool {
        self.is_below_floor(key.day) && !self.kept.contains(&key)
    }

    /// Whether everything of this day is expired.
    pub fn expires_all_of(&self, day: Day) -> bool {
        self.is_below_floor(day) && !self.kept.iter().any(|key| key.day == day)
    }

    /// Whether what is of this day is expired that is not kept by name.
    pub fn is_below_floor(&self, day: Day) -> bool {
        self.floor.is_some_and(|floor| day < floor)
    }

    /// Whether another drops nothing that this one keeps.
    pub fn covers(&self, other: &Self) -> bool {
        self.clone().and(other) == *self
    }

    /// The same without a floor.
    #[must_use]
    pub fn only_purged(&self) -> Self {
        Self { floor: None, kept: BTreeSet::new(), ..self.clone() }
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
        let both = |key: &SessionKey| !self.is_expired(*key) && !other.is_expired(*key);
        let floor = self.floor.max(other.floor);
        let is_below = |key: &SessionKey| floor.is_some_and(|floor| key.day < floor);
        self.kept = self.kept.union(&other.kept).copied().filter(|key| is_below(key) && both(key)).collect();
        self.floor = floor;
        self.purged.extend(&other.purged);
        self.purged_snapshots.extend(&other.purged_snapshots);
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(n: u8) -> Day {
        Day::new(2026, 3, n).expect("a day")
    }

    fn key(n: u8) -> SessionKey {
        SessionKey { day: day(n), sid: Sid::new("codex", &n.to_string()) }
    }

    fn of(floor: impl Into<Option<u8>>, kept: &[u8]) -> Retention {
        let kept = kept.iter().map(|n| key(*n)).collect();
        // As a ledger that says such things is read, and joined with itself.
        let read = Retention { floor: floor.into().map(day), kept, ..Retention::default() };
        read.clone().and(&read)
    }

    fn retention() -> impl Strategy<Value = Retention> {
        (prop::option::of(1u8..9), prop::collection::vec(1u8..9, 0..5), prop::option::of(1u8..9)).prop_map(
            |(floor, kept, purged)| Retention {
                purged: purged.map(|n| key(n).sid).into_iter().collect(),
                ..of(floor, &kept)
            },
        )
    }

    #[test]
    fn what_is_below_the_floor_is_kept_by_name_only() {
        let retention = of(5, &[2, 7]);
        assert_eq!([1, 2, 4, 5, 7].map(|n| retention.keeps(key(n))), [false, true, false, true, true]);
        assert!(
            !retention.expires_all_of(day(2)) && retention.expires_all_of(day(3)) && !retention.expires_all_of(day(5))
        );
        assert_eq!(retention.kept.len(), 1, "what is above the floor needs no name");
        assert!(Retention::default().keeps(key(1)));
    }

    #[test]
    fn a_name_does_not_bring_back_what_another_has_dropped() {
        assert_eq!(of(5, &[]).and(&of(8, &[2, 6])), of(8, &[6]));
    }

    proptest! {
        #[test]
        fn two_drop_what_either_drops_in_any_order(a in retention(), b in retention(), c in retention()) {
            let joined = a.clone().and(&b);
            for n in 1..9 {
                prop_assert_eq!(joined.keeps(key(n)), a.keeps(key(n)) && b.keeps(key(n)));
            }
            prop_assert!(joined.covers(&a) && joined.covers(&b));
            prop_assert_eq!(&joined, &b.clone().and(&a));
            prop_assert_eq!(joined.and(&c), a.clone().and(&b.and(&c)));
            prop_assert_eq!(a.clone().and(&a), a);
        }
    }
}
