//! What a ledger may store of a session: redacted, canonical, cut into segments.

use std::io;

use serde::{Deserialize, Serialize};

use super::{Digest, Hasher, write_event};
use crate::redaction::{Findings, Redacted};
use crate::session::{Event, Header, Stats, StatsFold};

/// The most canonical text that goes into one segment, in bytes, unless one event alone is longer.
pub const SEGMENT_BYTES: usize = 4 << 20;

/// Fast, and with a window that finds what an agent reads again and again.
const ZSTD_LEVEL: i32 = 3;

/// A run of whole event lines, compressed with zstd.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// How many events come before it.
    pub first_event: u64,
    /// How many events it has.
    pub events: u64,
    /// How long its lines are together, in bytes, before compression.
    pub bytes: u64,
    /// The digest of its lines, before compression.
    pub sha256: Digest,
    /// Its bytes, or where they are already.
    pub body: SegmentBody,
}

/// Where the bytes of a segment are.
#[derive(Debug, Clone, PartialEq)]
pub enum SegmentBody {
    /// Here, compressed, still to be stored.
    New(Vec<u8>),
    /// In the ledger since an earlier capture.
    Stored,
}

/// A segment of an earlier capture, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSegment {
    /// How many events come before it.
    pub first_event: u64,
    /// How many events it has.
    pub events: u64,
    /// How long its lines are together, in bytes, before compression.
    pub bytes: u64,
    /// The digest of its lines, before compression.
    pub sha256: Digest,
}

impl From<&Segment> for StoredSegment {
    fn from(segment: &Segment) -> Self {
        let Segment { first_event, events, bytes, sha256, .. } = *segment;
        Self { first_event, events, bytes, sha256 }
    }
}

impl From<StoredSegment> for Segment {
    fn from(stored: StoredSegment) -> Self {
        let StoredSegment { first_event, events, bytes, sha256 } = stored;
        Self { first_event, events, bytes, sha256, body: SegmentBody::Stored }
    }
}

/// A redacted session, ready to be stored. There is no way to one but through a
/// [`RecordBuilder`], and no way into that but through a [`crate::redaction::Redactor`].
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    header: Header,
    stats: Stats,
    findings: Findings,
    rules_version: u32,
    segments: Vec<Segment>,
    events_sha256: Digest,
}

impl Record {
    /// The redacted header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The statistics, folded from the redacted events.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// How often each rule of redaction hit.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// The version of the rules.
    pub fn rules_version(&self) -> u32 {
        self.rules_version
    }

    /// The segments, in order and without gap.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The digest of all event lines in order, however they are cut into segments.
    pub fn events_sha256(&self) -> Digest {
        self.events_sha256
    }
}

/// How far a record was settled: what is needed to go on when the session has grown, without its
/// earlier events. Holds no text of the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordCheckpoint {
    /// The version of the rules of redaction; another one starts again.
    pub rules_version: u32,
    /// The settled segments.
    pub segments: Vec<StoredSegment>,
    hasher: Hasher,
    fold: StatsFold,
    findings: Findings,
}

/// Takes redacted events one by one and compresses them as they come: what it holds in memory is
/// one open segment and the compressed ones.
#[derive(Debug)]
pub struct RecordBuilder {
    rules_version: u32,
    segments: Vec<Segment>,
    open: Vec<u8>,
    open_events: u64,
    closed_events: u64,
    hasher: Hasher,
    fold: StatsFold,
    findings: Findings,
}

impl RecordBuilder {
    /// For a session from its beginning.
    pub fn new(rules_version: u32) -> Self {
        Self {
            rules_version,
            segments: Vec::new(),
            open: Vec::new(),
            open_events: 0,
            closed_events: 0,
            hasher: Hasher::default(),
            fold: StatsFold::default(),
            findings: Findings::default(),
        }
    }

    /// For a session from where it was settled.
    pub fn resume(checkpoint: RecordCheckpoint) -> Self {
        let RecordCheckpoint { rules_version, segments, hasher, fold, findings } = checkpoint;
        Self {
            closed_events: segments.iter().map(|segment| segment.events).sum(),
            segments: segments.into_iter().map(Segment::from).collect(),
            hasher,
            fold,
            findings,
            ..Self::new(rules_version)
        }
    }

    /// Takes the next event, and what was found in it.
    ///
    /// # Errors
    /// When a full segment cannot be compressed.
    pub fn push(&mut self, event: &Redacted<Event>, found: &Findings) -> io::Result<()> {
        let start = self.open.len();
        write_event(event.get(), &mut self.open)?;
        if start > 0 && self.open.len() > SEGMENT_BYTES {
            let line = self.open.split_off(start);
            self.close()?;
            self.open = line;
        }
        self.open_events += 1;
        self.fold.add(event.get());
        self.findings.merge(found);
        Ok(())
    }

    /// Says that all events so far will be the same in a longer log, and where to go on from here.
    ///
    /// # Errors
    /// When the open segment cannot be compressed.
    pub fn settle(&mut self) -> io::Result<RecordCheckpoint> {
        self.close()?;
        Ok(RecordCheckpoint {
            rules_version: self.rules_version,
            segments: self.segments.iter().map(StoredSegment::from).collect(),
            hasher: self.hasher.clone(),
            fold: self.fold.clone(),
            findings: self.findings.clone(),
        })
    }

    /// Makes the record.
    ///
    /// # Errors
    /// When the last segment cannot be compressed.
    pub fn finish(mut self, header: Redacted<Header>, found: &Findings) -> io::Result<Record> {
        self.close()?;
        self.findings.merge(found);
        Ok(Record {
            header: header.into_inner(),
            stats: self.fold.stats(),
            findings: self.findings,
            rules_version: self.rules_version,
            segments: self.segments,
            events_sha256: self.hasher.digest(),
        })
    }

    /// Makes a segment of the open lines, if there are any.
    fn close(&mut self) -> io::Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        self.hasher.update(&self.open);
        let segment = Segment {
            first_event: self.closed_events,
            events: self.open_events,
            bytes: self.open.len() as u64,
            sha256: Digest::of(&self.open),
            body: SegmentBody::New(zstd::bulk::compress(&self.open, ZSTD_LEVEL)?),
        };
        self.closed_events += self.open_events;
        self.open_events = 0;
        self.open.clear();
        self.segments.push(segment);
        Ok(())
    }
}
