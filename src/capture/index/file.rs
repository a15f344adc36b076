//! The file of the index: a checksum, a head, the logs sorted by name, and behind them what is known of each.
//!
//! All logs have a record of the same size, so that one is found without looking at the others. What is known of it is taken
//! apart only if it is asked for; before that lies what tells whether it has to be.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher as _};
use std::io;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Entry, Known, Piece, Verdict};
use crate::agents::LogFile;
use crate::ledger::Sid;
use crate::link::{PathHash, Sketch};

/// The first word of the file. The number goes up with the shape of what follows.
const MAGIC: &str = "opensession-cursor-7";

/// What comes before the logs.
#[derive(Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) versions: String,
    pub(super) captured_at: Option<i64>,
    pub(super) swept_at: Option<i64>,
    pub(super) roots: Vec<String>,
}

/// The logs of a file.
#[derive(Debug, Default)]
pub(super) struct Stored {
    whole: Vec<u8>,
    records: Range<usize>,
    /// What the records refer to.
    known: Range<usize>,
}

/// Where the record of a log is.
#[derive(Debug, Clone, Copy)]
pub(in crate::capture) struct Place(usize);

/// One log of a file.
pub(super) struct Record<'a> {
    pub(super) name: PathHash,
    pub(super) size: u64,
    pub(super) mtime: i128,
    rest: &'a [u8],
    verdict: &'a [u8],
}

/// The bytes of a record: name, size, time; where what is known of it begins, the bytes of its rest, and those of its verdict
/// behind it.
const RECORD: usize = 8 + 8 + 16 + 4 + 4 + 4;

/// What there is to know of a session as long as nothing asks for more. There is none of one that is looked at whatever is
/// asked for: it owes something to a ledger, or another log is of the same session.
#[derive(Debug, Clone, Copy)]
pub(in crate::capture) struct Rest<'a> {
    pub(in crate::capture) sid: Sid,
    pub(in crate::capture) sketch: Sketch<'a>,
}

impl<'a> Rest<'a> {
    fn write(known: &Known) -> Vec<u8> {
        let mut bytes = known.key.sid.as_bytes().to_vec();
        Sketch::write(&known.outline, &mut bytes);
        bytes
    }

    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (sid, sketch) = bytes.split_first_chunk()?;
        Some(Self { sid: Sid::from_bytes(*sid), sketch: Sketch::read(sketch)? })
    }
}

/// Takes a file apart, as far as it must be; `None` for one that is not whole.
pub(super) fn read(whole: Vec<u8>) -> Option<(Head, Stored)> {
    let first = memchr::memchr(b'\n', &whole)?;
    let sum = str::from_utf8(whole.get(..first)?).ok()?.strip_prefix(MAGIC)?.strip_prefix(' ')?;
    let body = whole.get(first + 1..)?;
    (u64::from_str_radix(sum, 16).ok()? == checksum(body)).then_some(())?;
    let (head, rest) = postcard::take_from_bytes::<Head>(body).ok()?;
    let (count, rest) = rest.split_first_chunk::<4>()?;
    let records = usize::try_from(u32::from_le_bytes(*count)).ok()?.checked_mul(RECORD)?;
    let known = rest.len().checked_sub(records)?;
    let begin = whole.len() - rest.len();
    let (records, known) = (begin..begin + records, whole.len() - known..whole.len());
    Some((head, Stored { whole, records, known }))
}

/// What is written of one log.
struct Written<'a> {
    sid: Option<Sid>,
    /// What there is to know of it if there is no other log of the same session.
    rest: Cow<'a, [u8]>,
    verdict: Cow<'a, [u8]>,
}

impl<'a> Written<'a> {
    fn of(piece: &'a Piece<'_>) -> io::Result<Self> {
        match piece {
            Piece::Stored(record) => {
                let verdict = Cow::Borrowed(record.verdict);
                if let Some(rest) = record.rest() {
                    return Ok(Self { sid: Some(rest.sid), rest: Cow::Borrowed(record.rest), verdict });
                }
                // The other log of its session may be gone by now.
                let (sid, rest) = record.entry().map(|entry| Self::rest_of(&entry.verdict)).unwrap_or_default();
                Ok(Self { sid, rest: Cow::Owned(rest), verdict })
            }
            Piece::Changed(entry) => {
                let (sid, rest) = Self::rest_of(&entry.verdict);
                let verdict = Cow::Owned(postcard::to_stdvec(&entry.verdict).map_err(io::Error::other)?);
                Ok(Self { sid, rest: Cow::Owned(rest), verdict })
            }
        }
    }

    fn rest_of(verdict: &Verdict) -> (Option<Sid>, Vec<u8>) {
        match verdict {
            Verdict::Here(known) if known.owes() => (Some(known.key.sid), Vec::new()),
            Verdict::Here(known) => (Some(known.key.sid), Rest::write(known)),
            _ => (None, Vec::new()),
        }
    }
}

/// Makes the file of logs that are sorted by their names.
pub(super) fn write(head: &Head, logs: &[(PathHash, Piece<'_>)]) -> io::Result<Vec<u8>> {
    let written: Vec<Written<'_>> = logs.iter().map(|(_, piece)| Written::of(piece)).collect::<io::Result<_>>()?;
    let mut sids: Vec<Sid> = written.iter().filter_map(|log| log.sid).collect();
    sids.sort_unstable();
    let is_alone = |sid: Sid| {
        let from = sids.partition_point(|other| *other < sid);
        sids.get(from + 1) != Some(&sid)
    };
    let mut body = postcard::to_stdvec(head).map_err(io::Error::other)?;
    body.extend(length(logs.len())?);
    let mut known = Vec::new();
    for ((name, piece), Written { sid, rest, verdict }) in logs.iter().zip(written) {
        let rest = if sid.is_some_and(is_alone) { rest } else { Cow::default() };
        body.extend(name.get().to_le_bytes());
        body.extend(piece.size().to_le_bytes());
        body.extend(piece.mtime().to_le_bytes());
        for number in [known.len(), rest.len(), verdict.len()] {
            body.extend(length(number)?);
        }
        known.extend_from_slice(&rest);
        known.extend_from_slice(&verdict);
    }
    body.extend(known);
    let mut whole = format!("{MAGIC} {:016x}\n", checksum(&body)).into_bytes();
    whole.extend(body);
    Ok(whole)
}

fn length(of: usize) -> io::Result<[u8; 4]> {
    u32::try_from(of).map(u32::to_le_bytes).map_err(io::Error::other)
}

fn checksum(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    hasher.finish()
}

impl Stored {
    /// All logs, by their names.
    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let (records, _) = self.packed().as_chunks::<RECORD>();
        records.iter().filter_map(|packed| self.record(packed))
    }

    /// Where a log is.
    pub(super) fn find(&self, log: PathHash) -> Option<Place> {
        let (records, _) = self.packed().as_chunks::<RECORD>();
        let name = |packed: &[u8; RECORD]| packed.first_chunk().map(|name| u64::from_le_bytes(*name));
        records.binary_search_by_key(&Some(log.get()), name).ok().map(Place)
    }

    /// One log.
    pub(super) fn at(&self, place: Place) -> Option<Record<'_>> {
        let (records, _) = self.packed().as_chunks::<RECORD>();
        self.record(records.get(place.0)?)
    }

    fn packed(&self) -> &[u8] {
        self.whole.get(self.records.clone()).unwrap_or_default()
    }

    fn record(&self, packed: &[u8; RECORD]) -> Option<Record<'_>> {
        let (name, packed) = packed.split_first_chunk()?;
        let (size, packed) = packed.split_first_chunk()?;
        let (mtime, packed) = packed.split_first_chunk()?;
        let ([at, rest, verdict], []) = packed.as_chunks() else { return None };
        let number = |packed: &[u8; 4]| usize::try_from(u32::from_le_bytes(*packed)).ok();
        let known = self.whole.get(self.known.clone())?.get(number(at)?..)?;
        let (rest, known) = known.split_at_checked(number(rest)?)?;
        Some(Record {
            name: PathHash::from_number(u64::from_le_bytes(*name)),
            size: u64::from_le_bytes(*size),
            mtime: i128::from_le_bytes(*mtime),
            rest,
            verdict: known.get(..number(verdict)?)?,
        })
    }
}

impl<'a> Record<'a> {
    /// What is known of it.
    pub(super) fn entry(&self) -> Option<Entry> {
        let verdict = postcard::from_bytes(self.verdict).ok()?;
        Some(Entry { size: self.size, mtime: self.mtime, verdict })
    }

    /// What there is to know of it as long as nothing asks for more, if it is a session that can wait for that.
    pub(super) fn rest(&self) -> Option<Rest<'a>> {
        Rest::read(self.rest)
    }

    /// Whether the log is as it was.
    pub(super) fn is_of(&self, log: &LogFile) -> bool {
        self.size == log.size && self.mtime == log.mtime
    }
}
