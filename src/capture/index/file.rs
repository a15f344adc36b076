//! The file of the index: a checksum, a head, the logs sorted by name, and behind them what is known of each.
//!
//! All logs have a record of the same size, so that one is found without looking at the others, and what is known of it is taken
//! apart only if it is asked for.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher as _};
use std::io;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Entry, Piece};
use crate::link::PathHash;

/// The first word of the file. The number goes up with the shape of what follows.
const MAGIC: &str = "opensession-cursor-5";

/// What comes before the logs.
#[derive(Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) versions: String,
    pub(super) captured_at: Option<i64>,
    pub(super) roots: Vec<String>,
}

/// The logs of a file.
#[derive(Debug, Default)]
pub(super) struct Stored {
    whole: Vec<u8>,
    records: Range<usize>,
    /// What the records refer to.
    verdicts: Range<usize>,
}

/// One log of a file.
pub(super) struct Record<'a> {
    pub(super) name: PathHash,
    pub(super) size: u64,
    pub(super) mtime: i128,
    verdict: &'a [u8],
}

/// The bytes of a record: name, size, time; where its verdict begins among the verdicts, and the bytes it has.
const RECORD: usize = 8 + 8 + 16 + 4 + 4;

/// Takes a file apart, as far as it must be; `None` for one that is not whole.
pub(super) fn read(whole: Vec<u8>) -> Option<(Head, Stored)> {
    let first = memchr::memchr(b'\n', &whole)?;
    let sum = str::from_utf8(whole.get(..first)?).ok()?.strip_prefix(MAGIC)?.strip_prefix(' ')?;
    let body = whole.get(first + 1..)?;
    (u64::from_str_radix(sum, 16).ok()? == checksum(body)).then_some(())?;
    let (head, rest) = postcard::take_from_bytes::<Head>(body).ok()?;
    let (count, rest) = rest.split_first_chunk::<4>()?;
    let records = usize::try_from(u32::from_le_bytes(*count)).ok()?.checked_mul(RECORD)?;
    let verdicts = rest.len().checked_sub(records)?;
    let begin = whole.len() - rest.len();
    let (records, verdicts) = (begin..begin + records, whole.len() - verdicts..whole.len());
    Some((head, Stored { whole, records, verdicts }))
}

/// Makes the file of logs that are sorted by their names.
pub(super) fn write(head: &Head, logs: &[(PathHash, Piece<'_>)]) -> io::Result<Vec<u8>> {
    let mut body = postcard::to_stdvec(head).map_err(io::Error::other)?;
    body.extend(length(logs.len())?);
    let mut verdicts = Vec::new();
    for (name, piece) in logs {
        let (size, verdict) = match piece {
            Piece::Stored(record) => (record.size, Cow::Borrowed(record.verdict)),
            Piece::Changed(entry) => {
                (entry.size, Cow::Owned(postcard::to_stdvec(&entry.verdict).map_err(io::Error::other)?))
            }
        };
        body.extend(name.get().to_le_bytes());
        body.extend(size.to_le_bytes());
        body.extend(piece.mtime().to_le_bytes());
        body.extend(length(verdicts.len())?);
        body.extend(length(verdict.len())?);
        verdicts.extend_from_slice(&verdict);
    }
    body.extend(verdicts);
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

    /// One log.
    pub(super) fn find(&self, log: PathHash) -> Option<Record<'_>> {
        let (records, _) = self.packed().as_chunks::<RECORD>();
        let name = |packed: &[u8; RECORD]| packed.first_chunk().map(|name| u64::from_le_bytes(*name));
        let at = records.binary_search_by_key(&Some(log.get()), name).ok()?;
        self.record(records.get(at)?)
    }

    fn packed(&self) -> &[u8] {
        self.whole.get(self.records.clone()).unwrap_or_default()
    }

    fn record(&self, packed: &[u8; RECORD]) -> Option<Record<'_>> {
        let (name, rest) = packed.split_first_chunk::<8>()?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let (mtime, rest) = rest.split_first_chunk::<16>()?;
        let (at, bytes) = rest.split_first_chunk::<4>()?;
        let at = usize::try_from(u32::from_le_bytes(*at)).ok()?;
        let bytes = usize::try_from(u32::from_le_bytes(*bytes.first_chunk()?)).ok()?;
        let verdicts = self.whole.get(self.verdicts.clone())?;
        Some(Record {
            name: PathHash::from_number(u64::from_le_bytes(*name)),
            size: u64::from_le_bytes(*size),
            mtime: i128::from_le_bytes(*mtime),
            verdict: verdicts.get(at..at.checked_add(bytes)?)?,
        })
    }
}

impl Record<'_> {
    /// What is known of it.
    pub(super) fn entry(&self) -> Option<Entry> {
        let verdict = postcard::from_bytes(self.verdict).ok()?;
        Some(Entry { size: self.size, mtime: self.mtime, verdict })
    }
}
