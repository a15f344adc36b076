//! The paths of a ledger's tree. This file spells them, and no other does.
//!
//! ```text
//! v2/format                                                "2"
//! v2/branch                                                the branch name, exact bytes
//! v2/floor                                                 a day, YYYY-MM-DD; earlier days are expired
//! v2/k/<YYYYMMDD>-<sid>                                    a session of before the floor that is kept; empty
//! v2/s/YYYY/MM/DD/<sid>/<gen>.<start>-<len>-<hash8>.zst    a segment: `len` events, `start` come before it
//! v2/s/YYYY/MM/DD/<sid>/m.<rev>-<hash8>.json               header, statistics, list of segments
//! v2/c/YYYY-MM/<aa>/<rest of commit id>/<YYYYMMDD>-<sid>   a link by commit
//! v2/p/<aa>/<bb>/<rest of patch id>-<YYYYMMDD>-<sid>       a link by patch id, or by the hash of a line of a patch
//! v2/x/<sid>                                               a tombstone: that session was purged
//! v2/x/<digest>                                            a tombstone: that snapshot was purged
//! sessions/<digest>.jsonl                                  a snapshot
//! ```
//!
//! Every path has one spelling: numbers have no leading zeros, hex is lowercase. What does not print back as it was read
//! is no path of a ledger and is passed over, whatever it is called. `hash8` is the beginning of the SHA-256 of what is
//! inside (of the lines of a segment, of the bytes of an `m`), so that a path names its content.
//!
//! `<rev>` is `<rules>.<events>`: the version of the redaction rules and the number of events. The names alone say
//! which `m` of a session is the greatest; readers hold the content against the name.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use super::day::{Day, Month, padded};
use super::sid::{SessionKey, Sid, is_lower_hex};
use crate::git::{Oid, PatchId};
use crate::hail::Digest;

/// What this version writes into `v2/format`.
pub const FORMAT: &str = "2";

/// `v2`.
pub(super) const ROOT: &str = "v2";
/// `format`, below [`ROOT`].
pub(super) const FORMAT_NAME: &str = "format";
/// `branch`, below [`ROOT`].
pub(super) const BRANCH_NAME: &str = "branch";
/// `floor`, below [`ROOT`].
pub(super) const FLOOR_NAME: &str = "floor";
/// The folder of the sessions that are kept below the floor, below [`ROOT`].
pub(super) const KEPT: &str = "k";
/// The folder of sessions, below [`ROOT`].
pub(super) const SESSIONS: &str = "s";
/// The folder of links by commit, below [`ROOT`].
pub(super) const COMMITS: &str = "c";
/// The folder of links by patch id, below [`ROOT`].
pub(super) const PATCHES: &str = "p";
/// The folder of tombstones, below [`ROOT`].
pub(super) const TOMBSTONES: &str = "x";
/// The folder of snapshots.
pub(super) const SNAPSHOTS: &str = "sessions";

/// The first 4 bytes of a SHA-256, printed as 8 lowercase hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash8([u8; 4]);

impl Hash8 {
    /// The beginning of the digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Digest::of(bytes).into()
    }

    fn parse(text: &[u8]) -> Option<Self> {
        (text.len() == 8 && text.iter().copied().all(is_lower_hex)).then_some(())?;
        let number = u32::from_str_radix(str::from_utf8(text).ok()?, 16).ok()?;
        Some(Self(number.to_be_bytes()))
    }
}

impl From<Digest> for Hash8 {
    fn from(digest: Digest) -> Self {
        let [a, b, c, d, ..] = *digest.as_bytes();
        Self([a, b, c, d])
    }
}

impl fmt::Display for Hash8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Hash8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash8({self})")
    }
}

/// A number without leading zeros or sign.
fn number<T: FromStr + ToString>(text: &[u8]) -> Option<T> {
    let text = str::from_utf8(text).ok()?;
    let number: T = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// Splits at the first `separator`.
fn split(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&byte| byte == separator)?;
    let (head, tail) = text.split_at_checked(at)?;
    Some((head, tail.get(1..)?))
}

/// The name of a segment, `<gen>.<start>-<len>-<hash8>`, in a tree with `.zst` behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    /// Raised when the beginning of the session became another.
    pub generation: u32,
    /// How many events come before it.
    pub start: u64,
    /// How many events it has.
    pub len: u64,
    /// The beginning of the digest of its lines.
    pub hash: Hash8,
}

impl SegmentName {
    /// The name as it is in a tree.
    pub fn file(&self) -> String {
        format!("{self}.zst")
    }

    /// Reads [`SegmentName::file`].
    pub fn parse_file(name: &[u8]) -> Option<Self> {
        str::from_utf8(name.strip_suffix(b".zst")?).ok()?.parse().ok()
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}-{}-{}", self.generation, self.start, self.len, self.hash)
    }
}

/// A text that is not the name of a segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a segment")]
pub struct BadSegmentName;

impl FromStr for SegmentName {
    type Err = BadSegmentName;

    fn from_str(text: &str) -> Result<Self, BadSegmentName> {
        let parse = || {
            let (generation, rest) = split(text.as_bytes(), b'.')?;
            let (start, rest) = split(rest, b'-')?;
            let (len, hash) = split(rest, b'-')?;
            Some(Self {
                generation: number(generation)?,
                start: number(start)?,
                len: number(len)?,
                hash: Hash8::parse(hash)?,
            })
        };
        parse().ok_or(BadSegmentName)
    }
}

impl serde::Serialize for SegmentName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for SegmentName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The name of an `m`, `m.<rules>.<events>-<hash8>.json`. The order is that of precedence: of several in one folder, the
/// greatest is the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetaName {
    /// The version of the redaction rules.
    pub rules: u32,
    /// The number of events.
    pub events: u64,
    /// The beginning of the digest of its bytes.
    pub hash: Hash8,
}

impl MetaName {
    /// Reads the name as it is in a tree.
    pub fn parse(name: &[u8]) -> Option<Self> {
        let rest = name.strip_prefix(b"m.")?.strip_suffix(b".json")?;
        let (rules, rest) = split(rest, b'.')?;
        let (events, hash) = split(rest, b'-')?;
        Some(Self { rules: number(rules)?, events: number(events)?, hash: Hash8::parse(hash)? })
    }
}

impl fmt::Display for MetaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m.{}.{}-{}.json", self.rules, self.events, self.hash)
    }
}

/// A path in a ledger.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LedgerPath {
    /// `v2/format`.
    Format,
    /// `v2/branch`.
    Branch,
    /// `v2/floor`.
    Floor,
    /// A session below the floor that is kept.
    Kept(SessionKey),
    /// A segment of a session.
    Segment(SessionKey, SegmentName),
    /// An `m` of a session.
    Meta(SessionKey, MetaName),
    /// A link by commit; the month is that of the committer date.
    CommitLink(Month, Oid, SessionKey),
    /// A link by patch id.
    PatchLink(PatchId, SessionKey),
    /// A tombstone of a session.
    Tombstone(Sid),
    /// A tombstone of a snapshot.
    SnapshotTombstone(Digest),
    /// A snapshot.
    Snapshot(Digest),
}

/// The folder of a session, below [`ROOT`]/[`SESSIONS`].
pub(super) fn session_folder(key: SessionKey) -> String {
    format!("{}/{}", key.day.path(), key.sid)
}

/// The whole path of a folder below [`SESSIONS`]; of that itself, if `below` is empty.
pub(super) fn sessions_path(below: &str) -> String {
    if below.is_empty() { format!("{ROOT}/{SESSIONS}") } else { format!("{ROOT}/{SESSIONS}/{below}") }
}

/// The whole path of the folder of a session.
pub(super) fn session_path(key: SessionKey) -> String {
    sessions_path(&session_folder(key))
}

/// The folder of the links of a commit, below its month.
pub(super) fn oid_folder(oid: Oid) -> String {
    let hex = oid.to_string();
    match hex.split_at_checked(2) {
        Some((head, rest)) => format!("{head}/{rest}"),
        None => hex,
    }
}

/// The folder of the links of a patch, below [`PATCHES`], and how their names begin. Every commit has a handful of them, so there
/// are far more patches than commits of any month: they are spread over 65,536 folders, and have none of their own.
pub(super) fn patch_folder(patch: PatchId) -> (String, String) {
    let hex = patch.0.to_string();
    let (folders, rest) = hex.split_at_checked(4).unwrap_or((&hex, ""));
    let (head, next) = folders.split_at_checked(2).unwrap_or((folders, ""));
    (format!("{head}/{next}"), rest.to_owned())
}

impl fmt::Display for LedgerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => write!(f, "{ROOT}/{FORMAT_NAME}"),
            Self::Branch => write!(f, "{ROOT}/{BRANCH_NAME}"),
            Self::Floor => write!(f, "{ROOT}/{FLOOR_NAME}"),
            Self::Kept(key) => write!(f, "{ROOT}/{KEPT}/{key}"),
            Self::Segment(key, name) => write!(f, "{ROOT}/{SESSIONS}/{}/{}", session_folder(*key), name.file()),
            Self::Meta(key, name) => write!(f, "{ROOT}/{SESSIONS}/{}/{name}", session_folder(*key)),
            Self::CommitLink(month, commit, key) => {
                write!(f, "{ROOT}/{COMMITS}/{month}/{}/{key}", oid_folder(*commit))
            }
            Self::PatchLink(patch, key) => {
                let (folder, rest) = patch_folder(*patch);
                write!(f, "{ROOT}/{PATCHES}/{folder}/{rest}-{key}")
            }
            Self::Tombstone(sid) => write!(f, "{ROOT}/{TOMBSTONES}/{sid}"),
            Self::SnapshotTombstone(digest) => write!(f, "{ROOT}/{TOMBSTONES}/{digest}"),
            Self::Snapshot(digest) => write!(f, "{SNAPSHOTS}/{digest}.jsonl"),
        }
    }
}

impl LedgerPath {
    /// The folder of all snapshots.
    pub fn snapshots() -> &'static str {
        SNAPSHOTS
    }

    /// Reads a path; `None` if it is not one of a ledger.
    pub fn parse(path: &[u8]) -> Option<Self> {
        let parts: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
        let (root, below) = parts.split_first()?;
        if *root == SNAPSHOTS.as_bytes() {
            return parse_snapshot(below);
        }
        (*root == ROOT.as_bytes()).then_some(())?;
        let (folder, below) = below.split_first()?;
        match (str::from_utf8(folder).ok()?, below) {
            (FORMAT_NAME, []) => Some(Self::Format),
            (BRANCH_NAME, []) => Some(Self::Branch),
            (FLOOR_NAME, []) => Some(Self::Floor),
            (KEPT, [key]) => Some(Self::Kept(SessionKey::parse(key)?)),
            (SESSIONS, [year, month, day, sid, file]) => {
                let key = SessionKey { day: Day::from_parts(year, month, day)?, sid: Sid::parse(sid)? };
                let segment = SegmentName::parse_file(file).map(|name| Self::Segment(key, name));
                segment.or_else(|| MetaName::parse(file).map(|name| Self::Meta(key, name)))
            }
            (COMMITS, [month, head, rest, key]) => {
                Some(Self::CommitLink(Month::parse(month)?, parse_oid(head, rest)?, SessionKey::parse(key)?))
            }
            (PATCHES, [head, next, name]) => {
                let (of, key) = parse_patch_link([digits(head)?, digits(next)?], name)?;
                Some(Self::PatchLink(of, key))
            }
            (TOMBSTONES, [name]) => parse_tombstone(name),
            _ => None,
        }
    }
}

fn parse_snapshot(below: &[&[u8]]) -> Option<LedgerPath> {
    let [name] = below else { return None };
    parse_snapshot_name(name).map(LedgerPath::Snapshot)
}

/// The digest that a file in [`SNAPSHOTS`] is named for.
pub(super) fn parse_snapshot_name(name: &[u8]) -> Option<Digest> {
    str::from_utf8(name.strip_suffix(b".jsonl")?).ok()?.parse().ok()
}

/// The tombstone that a file in [`TOMBSTONES`] is: the length tells a session's name from a digest.
pub(super) fn parse_tombstone(name: &[u8]) -> Option<LedgerPath> {
    let digest = || str::from_utf8(name).ok()?.parse().ok().map(LedgerPath::SnapshotTombstone);
    Sid::parse(name).map(LedgerPath::Tombstone).or_else(digest)
}

/// The id that is spread over a folder of two digits and a folder of the rest.
pub(super) fn parse_oid(head: &[u8], rest: &[u8]) -> Option<Oid> {
    (head.len() == 2).then_some(())?;
    let hex = [head, rest].concat();
    hex.iter().copied().all(is_lower_hex).then_some(())?;
    str::from_utf8(&hex).ok()?.parse().ok()
}

/// The patch and the session of a link in the folder of these digits.
pub(super) fn parse_patch_link(folder: [[u8; 2]; 2], name: &[u8]) -> Option<(PatchId, SessionKey)> {
    let (rest, key) = split(name, b'-')?;
    let [head, next] = folder;
    let patch = parse_oid(&head, &[&next, rest].concat())?;
    Some((PatchId(patch), SessionKey::parse(key)?))
}

/// The two digits that a folder is named for.
pub(super) fn digits(name: &[u8]) -> Option<[u8; 2]> {
    <[u8; 2]>::try_from(name).ok().filter(|digits| digits.iter().copied().all(is_lower_hex))
}

/// The year that a folder below [`SESSIONS`] is named for.
pub(super) fn parse_year(name: &[u8]) -> Option<u16> {
    padded(name, 4).filter(|&year| Day::new(year, 1, 1).is_some())
}

/// The month that a folder below a year is named for.
pub(super) fn parse_month(name: &[u8]) -> Option<u8> {
    padded(name, 2).and_then(|month| u8::try_from(month).ok()).filter(|month| (1..=12).contains(month))
}

/// The day that a folder below a year and a month is named for.
pub(super) fn parse_day(year: u16, month: u8, name: &[u8]) -> Option<Day> {
    Day::new(year, month, u8::try_from(padded(name, 2)?).ok()?)
}
