//! One session, one byte string: the canonical text, its digest, and what a ledger may store.
//!
//! HAIL is JSON Lines: a header, then events, last the statistics. Canonical means UTF-8, LF, no
//! blank lines, no insignificant space, fields in the order of the structs in [`crate::session`],
//! every map sorted by key, absent options left out, timestamps in UTC with `Z`, numbers as
//! `serde_json` prints them, statistics folded from the events, a final LF. Writing, reading and writing
//! again gives the same bytes, whatever the platform, the locale or the order of a hash map.
//!
//! A text of more than 1 MiB in a redacted event is kept as its first and its last 64 KiB, and between
//! them a line `[left out: <n> of <all> bytes, sha256 of the whole <hex>]`; of the blocks of one event
//! those are kept that fit into 4 MiB, and a last one says how many were left out. Both depend on the
//! redacted event alone, so that a session that grows keeps its first bytes.
//!
//! The format is that of OpenSession 0.2.x (`hail-1.0.0`); its files can be read, and become
//! canonical when they are written again.

mod digest;
mod read;
mod record;
mod snapshot;
mod spell;
#[cfg(test)]
mod tests;
mod write;

pub use digest::{BadDigest, Digest, Hasher};
pub use read::{LineError, LineErrorKind, Reader};
pub use record::{Record, RecordBuilder, RecordCheckpoint, SEGMENT_BYTES, Segment, SegmentBody, StoredSegment};
pub use snapshot::{HashedSource, Snapshot, SnapshotError, SnapshotText, UnredactedSnapshot};
pub use write::{Hashed, write_event, write_header, write_session, write_stats};
