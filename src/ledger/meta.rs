//! `m.*.json`: what is known of a session without its events.
//!
//! ```json
//! {"schema":1,"header":{...},"stats":{...},"findings":{...},"redaction":3,
//!  "segments":[{"name":"0.0-120-5f3a9c01","bytes":48213,"sha256":"..."}],"events_sha256":"..."}
//! ```
//!
//! One line, fields in this order, maps sorted: equal sessions, equal bytes. Agent and native session id are in the
//! header, and make the session's name.
//!
//! There is no digest of the whole HAIL text. Header and statistics are here in plain, and `events_sha256` is over all
//! event lines in order: it does not depend on how they were cut into segments, and can be continued when the session
//! grows. A digest over the header, too, would have to read every old byte again at each growth, for the header comes
//! first in the text and its times change.
//!
//! The segments are listed and not just found in the folder, so that a changed tail replaces the segments behind the
//! settled ones, and nothing that merely lies in the folder becomes a part of the session.

use serde::{Deserialize, Serialize};

use super::error::Damage;
use super::layout::{Hash8, MetaName, SegmentName};
use super::sid::Sid;
use crate::hail::{Digest, Record};
use crate::redaction::Findings;
use crate::session::{Header, Stats};

/// The schema that is written.
pub(super) const SCHEMA: u32 = 1;

/// The largest `m`, in bytes. A session of eight thousand segments has one of this size.
pub const META_LIMIT: u64 = 1 << 20;

/// The longest segment, in bytes of its lines: 4 MiB (see [`crate::hail::SEGMENT_BYTES`]) or one event.
pub const SEGMENT_LIMIT: u64 = 64 << 20;

/// A session without its events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    schema: u32,
    /// The redacted header.
    pub header: Header,
    /// What its events add up to.
    pub stats: Stats,
    /// How often each rule of redaction hit.
    pub findings: Findings,
    /// The version of the redaction rules.
    pub redaction: u32,
    /// Its segments, in order and without gap.
    pub segments: Vec<SegmentEntry>,
    /// The digest of all event lines in order.
    pub events_sha256: Digest,
}

/// A segment as an `m` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEntry {
    /// Its name, in the same folder.
    pub name: SegmentName,
    /// How long its lines are together, in bytes.
    pub bytes: u64,
    /// The digest of its lines.
    pub sha256: Digest,
}

#[derive(Deserialize)]
struct Probe {
    schema: u32,
}

impl Meta {
    /// The `m` of a record whose segments have these names.
    pub(super) fn new(record: &Record, segments: Vec<SegmentEntry>) -> Self {
        Self {
            schema: SCHEMA,
            header: record.header().clone(),
            stats: *record.stats(),
            findings: record.findings().clone(),
            redaction: record.rules_version(),
            segments,
            events_sha256: record.events_sha256(),
        }
    }

    /// The session's name.
    pub fn sid(&self) -> Sid {
        Sid::of(&self.header)
    }

    /// The number of its events.
    pub fn events(&self) -> u64 {
        self.stats.event_count
    }

    /// Whether this is the same session, however its events are cut into segments.
    pub fn same_as(&self, other: &Self) -> bool {
        Self { segments: Vec::new(), ..self.clone() } == Self { segments: Vec::new(), ..other.clone() }
    }

    /// The bytes, and the name they have.
    pub(super) fn to_json(&self) -> serde_json::Result<(MetaName, Vec<u8>)> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        let name = MetaName { rules: self.redaction, events: self.events(), hash: Hash8::of(&bytes) };
        Ok((name, bytes))
    }

    /// Reads the bytes that lie under a name in the folder of a session, and holds them against it.
    pub(super) fn parse(bytes: &[u8], name: &MetaName, sid: Sid) -> Result<Self, Damage> {
        if Hash8::of(bytes) != name.hash {
            return Err(Damage::Name);
        }
        let Probe { schema } = parse(bytes)?;
        if schema != SCHEMA {
            return Err(Damage::Schema(schema));
        }
        let meta: Self = parse(bytes)?;
        if meta.sid() != sid {
            return Err(Damage::Incoherent("it is of another session than its folder"));
        }
        if (meta.redaction, meta.events()) != (name.rules, name.events) {
            return Err(Damage::Name);
        }
        meta.check_segments()?;
        Ok(meta)
    }

    fn check_segments(&self) -> Result<(), Damage> {
        let mut events = 0_u64;
        for SegmentEntry { name, bytes, sha256 } in &self.segments {
            if name.start != events || name.len == 0 {
                return Err(Damage::Incoherent("its segments have gaps"));
            }
            if name.hash != Hash8::from(*sha256) {
                return Err(Damage::Incoherent("a segment is not named for its digest"));
            }
            if *bytes > SEGMENT_LIMIT {
                return Err(Damage::Incoherent("a segment is longer than any may be"));
            }
            events = events.checked_add(name.len).ok_or(Damage::Incoherent("its segments have gaps"))?;
        }
        if events == self.events() { Ok(()) } else { Err(Damage::Incoherent("its segments are not all its events")) }
    }
}

/// Parses JSON; its error names the place and quotes nothing. Nesting is bounded by the parser (128).
pub(super) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Damage> {
    serde_json::from_slice(bytes).map_err(|error| Damage::Json { line: error.line(), column: error.column() })
}
