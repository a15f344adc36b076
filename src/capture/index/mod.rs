//! The cursor: what is known of every log that was seen, so that an unchanged one costs one `stat`.
//!
//! One binary file with a checksum. It holds no text of any session. Whatever is wrong with it, it is as if there were
//! none.

mod file;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::disk;
use crate::agents::LogFile;
use crate::ledger::{SessionKey, Sid};
use crate::link::{Outline, PathHash};
use file::{Head, Record, Stored};
pub(super) use file::{Place, Rest};

/// The name of the file.
const NAME: &str = "cursor";
/// How many logs are remembered. Beyond that, those that were written longest ago are forgotten.
const MOST_LOGS: usize = 50_000;
/// How long a log is remembered after it was last written, in nanoseconds: a quarter of a year. Agents delete theirs sooner;
/// one that is still there is read again when it is of interest again.
const REMEMBERED: i128 = 90 * 24 * 60 * 60 * SECOND;
/// In nanoseconds.
const SECOND: i128 = 1_000_000_000;

/// What is known of the logs.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// As it was loaded: of thousands of logs only those that are asked for are taken apart.
    stored: Stored,
    /// What has changed since; `None`: it was forgotten.
    changed: BTreeMap<PathHash, Option<Entry>>,
    /// The roots of all worktrees that were ever seen, canonical as they were then.
    pub(super) roots: Vec<PathBuf>,
    /// When the last capture ended well, in seconds since the epoch.
    pub(super) captured_at: Option<i64>,
    /// When what is left of unknown logs was removed last, in seconds since the epoch.
    pub(super) swept_at: Option<i64>,
    /// When the logs were about to be listed, by the clock of the disk, in nanoseconds since the epoch. Not stored.
    pub(super) listed_at: Option<i128>,
}

/// What is known of one log, as it was at a size and a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) size: u64,
    pub(super) mtime: i128,
    pub(super) verdict: Verdict,
}

/// Whose a log is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Verdict {
    /// A session of this repository.
    Here(#[serde(with = "shared")] Arc<Known>),
    /// A session of this repository whose events are not known yet.
    Unread,
    /// Of another repository, or of none.
    Elsewhere,
    /// Nobody can tell: it does not say where it is from.
    Unplaced,
    /// It is no log, or breaks its parser: the reason.
    Broken(Broken),
}

/// Why a log is not looked at again until it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Broken {
    /// There is no record of the agent in it.
    NotALog,
    /// Its parser panicked.
    Panicked,
}

/// What is known of a session of this repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// Its day and name.
    pub(super) key: SessionKey,
    /// Its events, the provisional ones included.
    pub(super) events: u64,
    /// The ledgers that have it, by the hash of their branch's name, and how many of its events each has.
    pub(super) ledgers: Vec<(PathHash, u64)>,
    /// The ledgers that did not take it (it was purged, it is too large), and how many events it had then.
    pub(super) refused: Vec<(PathHash, u64)>,
    /// What is compared with commits.
    pub(super) outline: Outline,
}

impl Known {
    /// How many of its events a ledger has, if it has the session.
    pub(super) fn events_in(&self, ledger: PathHash) -> Option<u64> {
        self.ledgers.iter().find(|(known, _)| *known == ledger).map(|(_, events)| *events)
    }

    /// Notes that a ledger has all its events now.
    pub(super) fn stored_in(&mut self, ledger: PathHash) {
        note(&mut self.ledgers, ledger, self.events);
    }

    /// Notes that a ledger does not take it, as it is now.
    pub(super) fn refused_by(&mut self, ledger: PathHash) {
        note(&mut self.refused, ledger, self.events);
    }

    /// Whether a ledger did not take it, as it is now.
    pub(super) fn is_refused_by(&self, ledger: PathHash) -> bool {
        self.refused.contains(&(ledger, self.events))
    }

    /// Whether a ledger has only some of its events, and would take the others.
    pub(super) fn owes(&self) -> bool {
        self.ledgers.iter().any(|(ledger, events)| *events != self.events && !self.is_refused_by(*ledger))
    }

    /// Whether some ledger has all its events.
    pub(super) fn is_stored(&self) -> bool {
        self.ledgers.iter().any(|(_, events)| *events == self.events)
    }
}

fn note(ledgers: &mut Vec<(PathHash, u64)>, ledger: PathHash, events: u64) {
    ledgers.retain(|(known, _)| *known != ledger);
    ledgers.push((ledger, events));
    ledgers.sort_unstable();
}

/// What is shared once it is read: serde's own way makes room for it twice.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Known;

    pub fn serialize<S: Serializer>(known: &Arc<Known>, serializer: S) -> Result<S::Ok, S::Error> {
        known.as_ref().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Known>, D::Error> {
        Known::deserialize(deserializer).map(Arc::new)
    }
}

impl Entry {
    /// Whether the log is as it was.
    pub(super) fn is_of(&self, log: &LogFile) -> bool {
        self.size == log.size && self.mtime == log.mtime
    }
}

/// How a log is, held against what is known of it.
pub(super) enum Seen<'a> {
    /// Nothing is.
    New,
    /// It is another than it was.
    Changed,
    /// It is as it was.
    Same,
    /// It is as it was, and a session of which no more has to be known until something asks for it.
    AtRest(Place, Rest<'a>),
}

/// What is known of a log, as it was loaded or as it is now.
enum Piece<'a> {
    Stored(Record<'a>),
    Changed(&'a Entry),
}

impl Piece<'_> {
    fn size(&self) -> u64 {
        match self {
            Self::Stored(record) => record.size,
            Self::Changed(entry) => entry.size,
        }
    }

    fn mtime(&self) -> i128 {
        match self {
            Self::Stored(record) => record.mtime,
            Self::Changed(entry) => entry.mtime,
        }
    }

    fn entry(&self) -> Option<Entry> {
        match self {
            Self::Stored(record) => record.entry(),
            Self::Changed(entry) => Some((*entry).clone()),
        }
    }
}

impl Index {
    /// Reads the index in a folder. `versions` names all that what is known depends on: with another one nothing
    /// is known but the worktrees.
    pub(super) fn load(folder: &Path, versions: &str) -> Self {
        Self::parse(fs::read(folder.join(NAME)).unwrap_or_default(), |made_by| made_by == versions)
    }

    /// Reads the index in a folder, whatever made it.
    pub(super) fn load_any(folder: &Path) -> Self {
        Self::parse(fs::read(folder.join(NAME)).unwrap_or_default(), |_| true)
    }

    /// With the logs, if they are of versions for which `is_known` says yes: what another build knew may have another shape.
    fn parse(whole: Vec<u8>, is_known: impl Fn(&str) -> bool) -> Self {
        let Some((head, stored)) = file::read(whole) else { return Self::default() };
        let roots = head.roots.into_iter().map(PathBuf::from).collect();
        let stored = if is_known(&head.versions) { stored } else { Stored::default() };
        let Head { captured_at, swept_at, .. } = head;
        Self { stored, changed: BTreeMap::new(), roots, captured_at, swept_at, listed_at: None }
    }

    /// Writes the index.
    pub(super) fn store(&mut self, folder: &Path, versions: &str) -> io::Result<()> {
        self.forget_oldest(MOST_LOGS);
        disk::replace(&folder.join(NAME), &self.print(versions)?)
    }

    fn print(&self, versions: &str) -> io::Result<Vec<u8>> {
        // A path that is no UTF-8 is not remembered.
        let roots = self.roots.iter().filter_map(|root| root.to_str().map(str::to_owned)).collect();
        let Self { captured_at, swept_at, .. } = *self;
        let head = Head { versions: versions.to_owned(), captured_at, swept_at, roots };
        let mut pieces: Vec<_> = self.pieces().collect();
        pieces.sort_unstable_by_key(|(name, _)| *name);
        file::write(&head, &pieces)
    }

    /// What is known of all logs.
    fn pieces(&self) -> impl Iterator<Item = (PathHash, Piece<'_>)> {
        let stored = self.stored.records().filter(|record| !self.changed.contains_key(&record.name));
        let stored = stored.map(|record| (record.name, Piece::Stored(record)));
        let changed = self.changed.iter().filter_map(|(name, entry)| Some((*name, Piece::Changed(entry.as_ref()?))));
        stored.chain(changed)
    }

    /// What is known of a log.
    pub(super) fn get(&self, log: PathHash) -> Option<Entry> {
        match self.changed.get(&log) {
            Some(changed) => changed.clone(),
            None => self.stored.at(self.stored.find(log)?)?.entry(),
        }
    }

    /// Holds a log against what is known of it.
    pub(super) fn see(&self, name: PathHash, log: &LogFile) -> Seen<'_> {
        let is_same = match self.changed.get(&name) {
            Some(None) => return Seen::New,
            Some(Some(entry)) => entry.is_of(log),
            None => {
                let found = self.stored.find(name).and_then(|place| Some((place, self.stored.at(place)?)));
                let Some((place, record)) = found else { return Seen::New };
                match record.rest() {
                    Some(rest) if record.is_of(log) => return Seen::AtRest(place, rest),
                    _ => record.is_of(log),
                }
            }
        };
        if is_same { Seen::Same } else { Seen::Changed }
    }

    /// What there is to know of a session at rest.
    pub(super) fn rest(&self, place: Place) -> Option<Rest<'_>> {
        self.stored.at(place)?.rest()
    }

    /// All that is known of a session at rest.
    pub(super) fn known(&self, place: Place) -> Option<Arc<Known>> {
        match self.stored.at(place)?.entry()?.verdict {
            Verdict::Here(known) => Some(known),
            _ => None,
        }
    }

    /// Remembers a log as it was when the logs were listed.
    pub(super) fn insert(&mut self, log: PathHash, mut entry: Entry) {
        if self.listed_at.is_some_and(|listed_at| may_change_unseen(entry.mtime, listed_at)) {
            // As a little older: so it is not what it was, and is read once more.
            entry.mtime -= 1;
        }
        self.changed.insert(log, Some(entry));
    }

    /// Whether a log is known as one of this repository.
    pub(super) fn is_here(&self, log: PathHash) -> bool {
        self.sid_of(log).is_some()
    }

    /// The session that a log is of, if that is known.
    pub(super) fn sid_of(&self, log: PathHash) -> Option<Sid> {
        match &self.get(log)?.verdict {
            Verdict::Here(known) => Some(known.key.sid),
            _ => None,
        }
    }

    /// Forgets the logs of which it is known only that they are not of this repository.
    pub(super) fn forget_elsewhere(&mut self) {
        self.forget(|piece| piece.entry().is_some_and(|entry| entry.verdict == Verdict::Elsewhere));
    }

    /// Forgets the logs that were last written long before now (seconds since the epoch).
    pub(super) fn forget_old(&mut self, now: i64) {
        let oldest = i128::from(now) * SECOND - REMEMBERED;
        self.forget(|piece| piece.mtime() < oldest);
    }

    fn forget_oldest(&mut self, most: usize) {
        let mut times: Vec<_> = self.pieces().map(|(_, piece)| piece.mtime()).collect();
        if times.len() > most {
            times.sort_unstable();
            let oldest = times.get(times.len() - most).copied().unwrap_or_default();
            self.forget(|piece| piece.mtime() < oldest);
        }
    }

    fn forget(&mut self, gone: impl Fn(&Piece<'_>) -> bool) {
        let gone: Vec<_> = self.pieces().filter(|(_, piece)| gone(piece)).map(|(name, _)| name).collect();
        self.changed.extend(gone.into_iter().map(|name| (name, None)));
    }
}

/// Whether a log of this time may be written again without its time being another: it was written when the logs were
/// listed, in the same tick of the clock.
fn may_change_unseen(mtime: i128, listed_at: i128) -> bool {
    // Some file systems count in whole seconds, or in two of them.
    let tick = if mtime % SECOND == 0 { 2 * SECOND } else { 0 };
    // One of a time to come has got it otherwise than by being written now.
    (-tick..=2 * SECOND).contains(&(mtime - listed_at))
}
