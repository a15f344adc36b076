//! The text of a stored session, unpacked and verified piece by piece.

use std::io::{self, BufRead, Read};

use super::error::{Damage, Error};
use super::layout::LedgerPath;
use super::meta::{SEGMENT_LIMIT, SegmentEntry};
use super::view::StoredSession;
use crate::git::{EntryKind, Oid, Repo, TreeEntry};
use crate::hail::{self, Digest, Hasher};

/// The canonical HAIL text of a stored session, to be read once from its beginning.
///
/// Nothing of a segment is given out before all of it has been held against its digest, and the statistics, the last
/// line, not before the digest of all events was right. One segment at a time is in memory.
///
/// Its errors are [`io::Error`]s around an [`Error`] that names the path in the ledger.
pub struct SessionText<'repo> {
    repo: &'repo Repo,
    session: StoredSession,
    entries: Vec<TreeEntry>,
    next: Part,
    hasher: Hasher,
    buffer: Vec<u8>,
    at: usize,
}

#[derive(Clone, Copy)]
enum Part {
    Header,
    Segment(usize),
    Stats,
    End,
}

impl<'repo> SessionText<'repo> {
    pub(super) fn new(repo: &'repo Repo, session: StoredSession) -> Result<Self, Error> {
        let entries = repo.list(session.folder, b"")?;
        Ok(Self { repo, session, entries, next: Part::Header, hasher: Hasher::default(), buffer: Vec::new(), at: 0 })
    }

    /// Reads the text as a session: the header at once, the events one by one.
    ///
    /// # Errors
    /// When the header cannot be read.
    pub fn events(self) -> Result<hail::Reader<Self>, hail::LineError> {
        hail::Reader::new(self)
    }

    /// Fills the buffer with the next part.
    fn fill(&mut self) -> Result<(), Error> {
        self.buffer.clear();
        self.at = 0;
        match self.next {
            Part::Header => {
                let written = hail::write_header(&self.session.meta.header, &mut self.buffer);
                written.map_err(|_| self.damaged(Damage::Incoherent("its header cannot be written")))?;
                self.next = Part::Segment(0);
            }
            Part::Segment(index) => match self.session.meta.segments.get(index).cloned() {
                Some(segment) => {
                    self.buffer = self.unpack(&segment)?;
                    self.hasher.update(&self.buffer);
                    self.next = Part::Segment(index + 1);
                }
                None if self.hasher.digest() == self.session.meta.events_sha256 => self.next = Part::Stats,
                None => return Err(self.damaged(Damage::EventsDigest)),
            },
            Part::Stats => {
                let written = hail::write_stats(&self.session.meta.stats, &mut self.buffer);
                written.map_err(|_| self.damaged(Damage::Incoherent("its statistics cannot be written")))?;
                self.next = Part::End;
            }
            Part::End => {}
        }
        Ok(())
    }

    fn damaged(&self, why: Damage) -> Error {
        Error::Damaged { ledger: self.session.ledger.clone(), path: self.session.path().to_string(), why }
    }

    fn unpack(&self, segment: &SegmentEntry) -> Result<Vec<u8>, Error> {
        let name = segment.name.file();
        let Some(entry) = self.entries.iter().find(|entry| entry.name == name.as_bytes()) else {
            return Err(self.damaged(Damage::NoSegment(segment.name)));
        };
        unpack(self.repo, entry.kind, entry.oid, segment).map_err(|why| {
            let path = LedgerPath::Segment(self.session.key, segment.name).to_string();
            Error::Damaged { ledger: self.session.ledger.clone(), path, why }
        })
    }
}

/// The lines of a segment. Bounded before anything is read or unpacked, and verified before anything is returned.
pub(super) fn unpack(repo: &Repo, kind: EntryKind, oid: Oid, segment: &SegmentEntry) -> Result<Vec<u8>, Damage> {
    if kind != EntryKind::File {
        return Err(Damage::NotA("file"));
    }
    let wrong_size = || Damage::Unpack(segment.bytes);
    let size = usize::try_from(segment.bytes.min(SEGMENT_LIMIT + 1)).map_err(|_| wrong_size())?;
    if segment.bytes > SEGMENT_LIMIT {
        return Err(wrong_size());
    }
    let packed = repo.blob(oid, zstd::zstd_safe::compress_bound(size) as u64)?;
    let lines = zstd::bulk::decompress(&packed, size).map_err(|_| wrong_size())?;
    if lines.len() != size {
        return Err(wrong_size());
    }
    if Digest::of(&lines) != segment.sha256 {
        return Err(Damage::SegmentDigest);
    }
    if memchr::memchr_iter(b'\n', &lines).count() as u64 != segment.name.len {
        return Err(Damage::SegmentEvents(segment.name.len));
    }
    Ok(lines)
}

impl BufRead for SessionText<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at >= self.buffer.len() && !matches!(self.next, Part::End) {
            if let Err(error) = self.fill() {
                // What could not be read cannot be passed over: there is nothing after it.
                self.next = Part::End;
                self.buffer.clear();
                self.at = 0;
                return Err(io::Error::other(error));
            }
        }
        Ok(self.buffer.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.at = self.at.saturating_add(amount).min(self.buffer.len());
    }
}

impl Read for SessionText<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(out)?;
        self.consume(read);
        Ok(read)
    }
}
