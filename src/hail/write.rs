//! The canonical spelling.

use std::io::{self, Write};

use serde::Serialize;

use super::{Digest, Hasher, spell};
use crate::session::{Event, Header, Session, Stats};

/// The lines that a text has once. The order of the fields is that of the structs.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Header(&'a Header),
    Stats(&'a Stats),
}

impl Line<'_> {
    fn write(&self, mut out: impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut out, self)?;
        out.write_all(b"\n")
    }
}

/// Writes the header's line.
///
/// # Errors
/// Those of `out`.
pub fn write_header(header: &Header, out: impl Write) -> io::Result<()> {
    Line::Header(header).write(out)
}

/// Writes the line of one event.
///
/// # Errors
/// Those of `out`.
pub fn write_event(event: &Event, mut out: impl Write) -> io::Result<()> {
    spell::event(event, &mut out)?;
    out.write_all(b"\n")
}

/// Writes the line of the statistics.
///
/// # Errors
/// Those of `out`.
pub fn write_stats(stats: &Stats, out: impl Write) -> io::Result<()> {
    Line::Stats(stats).write(out)
}

/// Writes a whole session, its statistics folded from its events.
///
/// # Errors
/// Those of `out`.
pub fn write_session(session: &Session, mut out: impl Write) -> io::Result<()> {
    write_header(&session.header, &mut out)?;
    for event in &session.events {
        write_event(event, &mut out)?;
    }
    write_stats(&session.stats(), out)
}

/// A writer that hashes what goes through it: the digest of a session is that of its text.
#[derive(Debug)]
pub struct Hashed<W> {
    out: W,
    hasher: Hasher,
    bytes: u64,
}

impl<W: Write> Hashed<W> {
    /// Hashes all that is written to `out` from here on.
    pub fn new(out: W) -> Self {
        Self { out, hasher: Hasher::default(), bytes: 0 }
    }

    /// What was written: its digest and its size in bytes.
    pub fn finish(self) -> (W, Digest, u64) {
        (self.out, self.hasher.digest(), self.bytes)
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or(bytes));
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
