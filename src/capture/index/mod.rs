//! The cursor: what is known of every log that was seen, so that an unchanged one costs one `stat`.
//!
//! One binary file with a checksum. It holds no text of any session. Whatever is wrong with it, it is as if there were
//! none.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::disk;
use crate::agents::LogFile;
use crate::ledger::{SessionKey, Sid};
use crate::link::{Outline, PathHash};

/// The name of the file.
const NAME: &str = "cursor";
/// The first word of the file. The number goes up with the shape of what follows.
const MAGIC: &str = "opensession-cursor-4";
/// How many logs are remembered. Beyond that, those that were written longest ago are forgotten.
const MOST_LOGS: usize = 50_000;
/// How long a log is remembered after it was last written, in nanoseconds: a quarter of a year. Agents delete theirs sooner;
/// one that is still there is read again when it is of interest again.
const REMEMBERED: i128 = 90 * 24 * 60 * 60 * SECOND;
/// In nanoseconds.
const SECOND: i128 = 1_000_000_000;

/// What is known of the logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Index {
    logs: BTreeMap<PathHash, Entry>,
    /// The roots of all worktrees that were ever seen, canonical as they were then.
    pub(super) roots: Vec<PathBuf>,
    /// When the last capture ended well, in seconds since the epoch.
    pub(super) captured_at: Option<i64>,
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
    Here(Arc<Known>),
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

impl Entry {
    /// Whether the log is as it was.
    pub(super) fn is_of(&self, log: &LogFile) -> bool {
        self.size == log.size && self.mtime == log.mtime
    }
}

impl Index {
    /// Reads the index in a folder. `versions` names all that what is known depends on: with another one nothing
    /// is known but the worktrees.
    pub(super) fn load(folder: &Path, versions: &str) -> Self {
        let whole = fs::read(folder.join(NAME)).unwrap_or_default();
        Self::parse(&whole, versions).unwrap_or_default()
    }

    /// Reads the index in a folder, whatever made it.
    pub(super) fn load_any(folder: &Path) -> Self {
        let whole = fs::read(folder.join(NAME)).unwrap_or_default();
        Self::parse_of(&whole, |_| true).unwrap_or_default()
    }

    /// Writes the index.
    pub(super) fn store(&mut self, folder: &Path, versions: &str) -> io::Result<()> {
        self.forget_oldest(MOST_LOGS);
        let whole = self.print(versions).map_err(io::Error::other)?;
        disk::replace(&folder.join(NAME), &whole)
    }

    pub(super) fn get(&self, log: PathHash) -> Option<&Entry> {
        self.logs.get(&log)
    }

    /// Remembers a log as it was when the logs were listed.
    pub(super) fn insert(&mut self, log: PathHash, mut entry: Entry) {
        if self.listed_at.is_some_and(|listed_at| may_change_unseen(entry.mtime, listed_at)) {
            // As a little older: so it is not what it was, and is read once more.
            entry.mtime -= 1;
        }
        self.logs.insert(log, entry);
    }

    /// Forgets the logs for which `keep` says no.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Entry) -> bool) {
        self.logs.retain(|_, entry| keep(entry));
    }

    /// Whether a log is known as one of this repository.
    pub(super) fn is_here(&self, log: PathHash) -> bool {
        self.get(log).is_some_and(|entry| matches!(entry.verdict, Verdict::Here(_)))
    }

    /// The session that a log is of, if that is known.
    pub(super) fn sid_of(&self, log: PathHash) -> Option<Sid> {
        match &self.get(log)?.verdict {
            Verdict::Here(known) => Some(known.key.sid),
            _ => None,
        }
    }

    /// Forgets the logs that were last written long before now (seconds since the epoch).
    pub(super) fn forget_old(&mut self, now: i64) {
        let oldest = i128::from(now) * SECOND - REMEMBERED;
        self.retain(|entry| entry.mtime >= oldest);
    }

    fn forget_oldest(&mut self, most: usize) {
        if self.logs.len() > most {
            let mut times: Vec<_> = self.logs.values().map(|entry| entry.mtime).collect();
            times.sort_unstable();
            let oldest = times.get(times.len() - most).copied().unwrap_or_default();
            self.retain(|entry| entry.mtime >= oldest);
        }
    }

    fn print(&self, versions: &str) -> postcard::Result<Vec<u8>> {
        // A path that is no UTF-8 is not remembered.
        let roots = self.roots.iter().filter_map(|root| root.to_str()).collect();
        let body = postcard::to_stdvec(&Head { versions, captured_at: self.captured_at, roots })?;
        let body = postcard::to_extend(&self.logs, body)?;
        let mut whole = format!("{MAGIC} {:016x}\n", checksum(&body)).into_bytes();
        whole.extend(body);
        Ok(whole)
    }

    fn parse(whole: &[u8], versions: &str) -> Option<Self> {
        Self::parse_of(whole, |made_by| made_by == versions)
    }

    /// With the logs, if they are of versions for which `is_known` says yes.
    fn parse_of(whole: &[u8], is_known: impl Fn(&str) -> bool) -> Option<Self> {
        let (first, body) = whole.split_at(memchr::memchr(b'\n', whole)?);
        let body = body.strip_prefix(b"\n")?;
        let sum = str::from_utf8(first).ok()?.strip_prefix(MAGIC)?.strip_prefix(' ')?;
        (u64::from_str_radix(sum, 16).ok()? == checksum(body)).then_some(())?;
        let (head, logs) = postcard::take_from_bytes::<Head<'_>>(body).ok()?;
        // What another build knew may also have another shape.
        let logs = if is_known(head.versions) { postcard::from_bytes::<Vec<_>>(logs).ok()? } else { Vec::new() };
        let roots = head.roots.into_iter().map(PathBuf::from).collect();
        let logs = logs.into_iter().collect();
        Some(Self { logs, roots, captured_at: head.captured_at, listed_at: None })
    }
}

/// What comes before the logs.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    versions: &'a str,
    captured_at: Option<i64>,
    #[serde(borrow)]
    roots: Vec<&'a str>,
}

/// Whether a log of this time may be written again without its time being another: it was written when the logs were
/// listed, in the same tick of the clock.
fn may_change_unseen(mtime: i128, listed_at: i128) -> bool {
    // Some file systems count in whole seconds, or in two of them.
    let tick = if mtime % SECOND == 0 { 2 * SECOND } else { 0 };
    // One of a time to come has got it otherwise than by being written now.
    (-tick..=2 * SECOND).contains(&(mtime - listed_at))
}

fn checksum(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::Day;
    use crate::link::ShortId;
    use crate::session::Timestamp;

    const VERSIONS: &str = "0.0.0 rules:1 codex:1";

    fn known(n: u64) -> Verdict {
        let hash = |n: u64| PathHash::of(&n.to_le_bytes());
        let mut files: Vec<_> = (0..n % 12).map(|at| hash(n * 100 + at)).collect();
        files.sort();
        Verdict::Here(Arc::new(Known {
            key: SessionKey {
                day: Day::of(Timestamp::from_seconds(1_700_000_000)),
                sid: Sid::new("codex", &n.to_string()),
            },
            events: n,
            ledgers: (0..n % 3).map(|ledger| (hash(ledger), n)).collect(),
            refused: (0..n % 2).map(|ledger| (hash(ledger + 7), n)).collect(),
            outline: Outline {
                first: -5,
                last: 1_700_000_000,
                worktrees: vec![hash(1)],
                files,
                commits: ShortId::new("abcdef0").into_iter().collect(),
            },
        }))
    }

    fn index(logs: u64) -> Index {
        let mut index =
            Index { roots: vec!["/a b/\"c\"\n".into(), "/d".into()], captured_at: Some(7), ..Index::default() };
        for n in 0..logs {
            let verdict = match n % 6 {
                0 => Verdict::Unread,
                1 => Verdict::Elsewhere,
                2 => Verdict::Unplaced,
                3 => Verdict::Broken(Broken::NotALog),
                4 => Verdict::Broken(Broken::Panicked),
                _ => known(n),
            };
            index.insert(PathHash::of(&n.to_be_bytes()), Entry { size: n, mtime: i128::from(n) - 3, verdict });
        }
        index
    }

    #[test]
    fn what_is_stored_is_loaded() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut written = index(60);
        written.store(folder.path(), VERSIONS).expect("it can be written");
        assert_eq!(Index::load(folder.path(), VERSIONS), written);
    }

    #[test]
    fn another_version_knows_the_worktrees_and_nothing_else() {
        let printed = index(60).print(VERSIONS).expect("it can be written");
        let read = Index::parse(&printed, "0.0.1").expect("it is whole");
        assert_eq!((read.logs.len(), read.roots.len(), read.captured_at), (0, 2, Some(7)));
    }

    #[test]
    fn no_file_or_one_of_garbage_is_an_empty_index() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Index::load(folder.path(), VERSIONS), Index::default());
        for garbage in
            [&b""[..], b"\n", b"\xff\xfe", b"opensession-cursor-4 zz\nversions x\n", b"opensession-cursor-2 0\n"]
        {
            fs::write(folder.path().join(NAME), garbage).expect("it can be written");
            assert_eq!(Index::load(folder.path(), VERSIONS), Index::default());
        }
    }

    #[test]
    fn a_log_written_while_the_logs_were_listed_is_not_taken_for_unchanged() {
        let log = |mtime| LogFile { path: PathBuf::from("/x"), size: 1, mtime };
        let is_settled = |mtime: i128, listed_at| {
            let mut index = Index { listed_at, ..Index::default() };
            index.insert(PathHash::of(b"x"), Entry { size: 1, mtime, verdict: Verdict::Unread });
            index.get(PathHash::of(b"x")).is_some_and(|entry| entry.is_of(&log(mtime)))
        };
        let (noon, ms) = (1_772_798_400 * SECOND + 500_000_000, 1_000_000);
        assert!(is_settled(noon, None));
        assert!(is_settled(noon - 4 * ms, Some(noon)));
        assert!(!is_settled(noon, Some(noon)) && !is_settled(noon + 4 * ms, Some(noon)));
        assert!(is_settled(noon + 3600 * SECOND, Some(noon)), "the clock was stepped back since");
        let whole = noon - 500 * ms;
        assert!(!is_settled(whole, Some(noon)), "a disk that counts in seconds");
        assert!(is_settled(whole - 2 * SECOND, Some(noon)));
    }

    #[test]
    fn logs_of_long_ago_are_forgotten() {
        let day = |day: i128| Entry { size: 0, mtime: day * 86_400_000_000_000, verdict: Verdict::Unread };
        let mut index = Index::default();
        (0..200).for_each(|n| index.insert(PathHash::of(&n.to_string().into_bytes()), day(n)));
        index.forget_old(200 * 86_400);
        assert_eq!(index.logs.len(), 90);
    }

    #[test]
    fn the_oldest_logs_are_forgotten() {
        let mut index = index(60);
        index.forget_oldest(10);
        assert_eq!(index.logs.len(), 10);
        assert!(index.logs.values().all(|entry| entry.mtime >= 47));
    }

    proptest! {
        #[test]
        fn any_damage_is_noticed(at in any::<prop::sample::Index>(), bit in 0u8..7, cut in any::<bool>()) {
            let whole = index(20).print(VERSIONS).expect("it can be written");
            let at = at.index(whole.len());
            let mut bytes = whole.clone();
            if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
            let read = Index::parse(&bytes, VERSIONS);
            // Hex digits of the checksum may change their case, and mean the same.
            prop_assert!(read.is_none() || bytes.eq_ignore_ascii_case(&whole), "{:?}", read);
        }
    }
}
