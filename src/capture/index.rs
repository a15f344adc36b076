//! The cursor: what is known of every log that was seen, so that an unchanged one costs one `stat`.
//!
//! One text file, a line a log: five thousand of them load in a few milliseconds. It holds no text of any
//! session. Whatever is wrong with it, it is as if there were none.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk;
use crate::agents::LogFile;
use crate::ledger::{Day, SessionKey, Sid};
use crate::link::{Outline, PathHash, ShortId};

/// The name of the file.
const NAME: &str = "cursor";
/// The first word of the file. The number goes up with the shape of what follows.
const MAGIC: &str = "opensession-cursor-1";
/// How many logs are remembered. Beyond that, those that were written longest ago are forgotten.
const MOST_LOGS: usize = 50_000;
/// How long a log is remembered after it was last written, in nanoseconds: a quarter of a year. Agents delete theirs sooner;
/// one that is still there is read again when it is of interest again.
const REMEMBERED: i128 = 90 * 24 * 60 * 60 * 1_000_000_000;

/// What is known of the logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Index {
    logs: HashMap<PathHash, Entry>,
    /// The roots of all worktrees that were ever seen, canonical as they were then.
    pub(super) roots: Vec<PathBuf>,
    /// When the last capture ended well, in seconds since the epoch.
    pub(super) captured_at: Option<i64>,
}

/// What is known of one log, as it was at a size and a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) size: u64,
    pub(super) mtime: i128,
    pub(super) verdict: Verdict,
}

/// Whose a log is.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// There is no record of the agent in it.
    NotALog,
    /// Its parser panicked.
    Panicked,
}

/// What is known of a session of this repository.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        let text = fs::read_to_string(folder.join(NAME)).unwrap_or_default();
        Self::parse(&text, versions).unwrap_or_default()
    }

    /// Writes the index.
    pub(super) fn store(&mut self, folder: &Path, versions: &str) -> io::Result<()> {
        self.forget_oldest(MOST_LOGS);
        disk::replace(&folder.join(NAME), self.print(versions).as_bytes())
    }

    pub(super) fn get(&self, log: PathHash) -> Option<&Entry> {
        self.logs.get(&log)
    }

    pub(super) fn insert(&mut self, log: PathHash, entry: Entry) {
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

    /// Forgets the logs that were last written long before now (seconds since the epoch).
    pub(super) fn forget_old(&mut self, now: i64) {
        let oldest = i128::from(now) * 1_000_000_000 - REMEMBERED;
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

    fn print(&self, versions: &str) -> String {
        let mut body = format!("versions {versions}\n");
        if let Some(at) = self.captured_at {
            let _ = writeln!(body, "captured {at}");
        }
        for root in &self.roots {
            // A path that JSON cannot hold is not remembered.
            if let Some(root) = root.to_str().and_then(|root| serde_json::to_string(root).ok()) {
                let _ = writeln!(body, "root {root}");
            }
        }
        let mut logs: Vec<_> = self.logs.iter().collect();
        logs.sort_unstable_by_key(|(log, _)| **log);
        for (log, entry) in logs {
            print_entry(*log, entry, &mut body);
        }
        format!("{MAGIC} {:016x}\n{body}", checksum(&body))
    }

    fn parse(text: &str, versions: &str) -> Option<Self> {
        let (first, body) = text.split_once('\n')?;
        let sum = first.strip_prefix(MAGIC)?.strip_prefix(' ')?;
        (u64::from_str_radix(sum, 16).ok()? == checksum(body)).then_some(())?;
        let mut lines = body.lines();
        let same_versions = lines.next()?.strip_prefix("versions ")? == versions;
        let mut index = Self::default();
        for line in lines {
            match line.split_once(' ')? {
                ("captured", at) => index.captured_at = Some(at.parse().ok()?),
                ("root", root) => index.roots.push(PathBuf::from(serde_json::from_str::<String>(root).ok()?)),
                ("log", rest) if same_versions => {
                    let (log, entry) = parse_entry(rest)?;
                    index.logs.insert(log, entry);
                }
                ("log", _) => {}
                _ => return None,
            }
        }
        Some(index)
    }
}

fn checksum(body: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

fn print_entry(log: PathHash, entry: &Entry, out: &mut String) {
    let _ = write!(out, "log {:x} {:x} {:x}", log.get(), entry.size, entry.mtime);
    match &entry.verdict {
        Verdict::Unread => out.push_str(" unread"),
        Verdict::Elsewhere => out.push_str(" elsewhere"),
        Verdict::Unplaced => out.push_str(" unplaced"),
        Verdict::Broken(Broken::NotALog) => out.push_str(" not-a-log"),
        Verdict::Broken(Broken::Panicked) => out.push_str(" panicked"),
        Verdict::Here(known) => {
            let Known { key, events, ledgers, refused, outline } = known.as_ref();
            let _ = write!(out, " here {} {} {events:x}", key.day, key.sid);
            for ledgers in [ledgers, refused] {
                print_list(ledgers, out, |(ledger, events), out| write!(out, "{:x}:{events:x}", ledger.get()));
            }
            let _ = write!(out, " {} {}", outline.first, outline.last);
            print_list(&outline.worktrees, out, |hash, out| write!(out, "{:x}", hash.get()));
            print_list(&outline.files, out, |hash, out| write!(out, "{:x}", hash.get()));
            print_list(&outline.commits, out, |id, out| out.write_str(id.as_str()));
        }
    }
    out.push('\n');
}

fn print_list<T>(items: &[T], out: &mut String, print: impl Fn(&T, &mut String) -> std::fmt::Result) {
    out.push_str(if items.is_empty() { " -" } else { " " });
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        // Writing to a string does not fail.
        let _ = print(item, out);
    }
}

fn parse_entry(text: &str) -> Option<(PathHash, Entry)> {
    let mut words = text.split(' ');
    let log = PathHash::from_number(u64::from_str_radix(words.next()?, 16).ok()?);
    let size = u64::from_str_radix(words.next()?, 16).ok()?;
    let mtime = u128::from_str_radix(words.next()?, 16).ok()?.cast_signed();
    let verdict = match words.next()? {
        "unread" => Verdict::Unread,
        "elsewhere" => Verdict::Elsewhere,
        "unplaced" => Verdict::Unplaced,
        "not-a-log" => Verdict::Broken(Broken::NotALog),
        "panicked" => Verdict::Broken(Broken::Panicked),
        "here" => Verdict::Here(Arc::new(parse_known(&mut words)?)),
        _ => return None,
    };
    words.next().is_none().then_some((log, Entry { size, mtime, verdict }))
}

fn parse_known<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Known> {
    let day: Day = words.next()?.parse().ok()?;
    let sid: Sid = words.next()?.parse().ok()?;
    let events = u64::from_str_radix(words.next()?, 16).ok()?;
    let ledgers = parse_list(words.next()?, parse_ledger)?;
    let refused = parse_list(words.next()?, parse_ledger)?;
    let first = words.next()?.parse().ok()?;
    let last = words.next()?.parse().ok()?;
    let worktrees = parse_list(words.next()?, parse_hash)?;
    let files = parse_list(words.next()?, parse_hash)?;
    let commits = parse_list(words.next()?, ShortId::new)?;
    Some(Known {
        key: SessionKey { day, sid },
        events,
        ledgers,
        refused,
        outline: Outline { first, last, worktrees, files, commits },
    })
}

fn parse_ledger(item: &str) -> Option<(PathHash, u64)> {
    let (ledger, events) = item.split_once(':')?;
    Some((parse_hash(ledger)?, u64::from_str_radix(events, 16).ok()?))
}

fn parse_hash(text: &str) -> Option<PathHash> {
    u64::from_str_radix(text, 16).ok().map(PathHash::from_number)
}

fn parse_list<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    if text == "-" { Some(Vec::new()) } else { text.split(',').map(parse).collect() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
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
        let printed = index(60).print(VERSIONS);
        let read = Index::parse(&printed, "0.0.1").expect("it is whole");
        assert_eq!((read.logs.len(), read.roots.len(), read.captured_at), (0, 2, Some(7)));
    }

    #[test]
    fn no_file_or_one_of_garbage_is_an_empty_index() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Index::load(folder.path(), VERSIONS), Index::default());
        for garbage in
            [&b""[..], b"\n", b"\xff\xfe", b"opensession-cursor-1 zz\nversions x\n", b"opensession-cursor-2 0\n"]
        {
            fs::write(folder.path().join(NAME), garbage).expect("it can be written");
            assert_eq!(Index::load(folder.path(), VERSIONS), Index::default());
        }
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
            let whole = index(20).print(VERSIONS);
            let at = at.index(whole.len());
            let mut bytes = whole.clone().into_bytes();
            if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
            if let Ok(text) = String::from_utf8(bytes) {
                let read = Index::parse(&text, VERSIONS);
                // Hex digits of the checksum may change their case, and mean the same.
                prop_assert!(read.is_none() || text.eq_ignore_ascii_case(&whole), "{:?}", read);
            }
        }
    }
}
