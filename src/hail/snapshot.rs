//! A whole session as one text: what is registered, and what is shared.

use std::io::{self, BufRead, Read};
use std::ops::Deref;

use super::{Digest, Hasher, LineError, LineErrorKind, Reader, write_event, write_header, write_stats};
use crate::redaction::{Findings, Redactor};
use crate::session::{Header, Stats, StatsFold};

/// The canonical text of a session, redacted, in one piece. There is no way to one but through a [`Redactor`]: what a
/// ledger takes as a snapshot has been looked at, as a [`super::Record`] has.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot(SnapshotText);

/// The canonical text of a session as it came, secrets and all. No ledger takes one: it stays on this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct UnredactedSnapshot(SnapshotText);

/// A canonical text, and what it is called.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotText {
    text: Vec<u8>,
    digest: Digest,
    source_digest: Digest,
    header: Header,
    stats: Stats,
    findings: Findings,
}

/// A text that no snapshot can be made of.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A line of it.
    #[error(transparent)]
    Line(#[from] LineError),
    /// It is too long to be kept in one piece.
    #[error("the session has more than {} MB of canonical text", limit >> 20)]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
}

impl Snapshot {
    /// Reads HAIL in any spelling, line by line, takes secrets and people out, and writes it in the canonical one.
    ///
    /// # Errors
    /// At the first bad line, at the end of a text that was cut off, and when the canonical text gets longer than
    /// `limit` bytes.
    pub fn read(source: impl BufRead, redactor: &Redactor, limit: u64) -> Result<Self, SnapshotError> {
        read(source, Some(redactor), limit).map(Self)
    }

    /// The header, redacted.
    pub fn header(&self) -> &Header {
        &self.0.header
    }

    /// What the events add up to.
    pub fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// What was taken out just now.
    pub fn findings(&self) -> &Findings {
        &self.0.findings
    }
}

impl UnredactedSnapshot {
    /// As [`Snapshot::read`], and takes nothing out.
    ///
    /// # Errors
    /// As [`Snapshot::read`].
    pub fn read(source: impl BufRead, limit: u64) -> Result<Self, SnapshotError> {
        read(source, None, limit).map(Self)
    }
}

impl Deref for Snapshot {
    type Target = SnapshotText;

    fn deref(&self) -> &SnapshotText {
        &self.0
    }
}

impl Deref for UnredactedSnapshot {
    type Target = SnapshotText;

    fn deref(&self) -> &SnapshotText {
        &self.0
    }
}

impl SnapshotText {
    /// The canonical text.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Its digest: the snapshot's name.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The digest of the text that was read: another one if that was not canonical, or if something was taken out.
    pub fn source_digest(&self) -> Digest {
        self.source_digest
    }
}

fn read(source: impl BufRead, redactor: Option<&Redactor>, limit: u64) -> Result<SnapshotText, SnapshotError> {
    let mut findings = Findings::default();
    let mut fold = StatsFold::default();
    let mut text = Vec::new();
    let mut reader = Reader::new(HashedSource::new(source))?;
    let header = reader.header().clone();
    let header = match redactor {
        Some(redactor) => redactor.header(header, &mut findings).into_inner(),
        None => header,
    };
    write_header(&header, &mut text).map_err(unwritable)?;
    while let Some(event) = reader.next().transpose()? {
        let event = match redactor {
            Some(redactor) => redactor.event(event, &mut findings).into_inner(),
            None => event,
        };
        fold.add(&event);
        write_event(&event, &mut text).map_err(unwritable)?;
        if text.len() as u64 > limit {
            return Err(SnapshotError::TooLarge { limit });
        }
    }
    if reader.stats().is_none() {
        return Err(LineError { line: reader.line(), kind: LineErrorKind::CutOff }.into());
    }
    let (source_digest, _) = reader.source().taken();
    let stats = fold.stats();
    write_stats(&stats, &mut text).map_err(unwritable)?;
    let digest = Digest::of(&text);
    Ok(SnapshotText { text, digest, source_digest, header, stats, findings })
}

/// Memory takes every line; what JSON cannot say was never read from any.
fn unwritable(source: io::Error) -> LineError {
    LineError { line: 0, kind: LineErrorKind::Io(source) }
}

/// A source that hashes and counts what is taken from it.
#[derive(Debug)]
pub struct HashedSource<R> {
    source: R,
    hasher: Hasher,
    bytes: u64,
}

impl<R> HashedSource<R> {
    /// Hashes all that is taken from here on.
    pub fn new(source: R) -> Self {
        Self { source, hasher: Hasher::default(), bytes: 0 }
    }

    /// What was taken: its digest and its size in bytes.
    pub fn taken(&self) -> (Digest, u64) {
        (self.hasher.digest(), self.bytes)
    }

    fn take_note(&mut self, taken: &[u8]) {
        self.hasher.update(taken);
        self.bytes += taken.len() as u64;
    }
}

impl<R: BufRead> Read for HashedSource<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(out)?;
        self.take_note(out.get(..read).unwrap_or_default());
        Ok(read)
    }
}

impl<R: BufRead> BufRead for HashedSource<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // What is taken was in the buffer, so this reads nothing.
        if let Some(taken) = self.source.fill_buf().ok().and_then(|bytes| bytes.get(..amount)) {
            self.hasher.update(taken);
            self.bytes += taken.len() as u64;
        }
        self.source.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redaction::Person;

    const HEADER: &str = r#"{"type":"header","version":"hail-1.0.0","session_id":"s","agent":{"provider":"p","model":"m","tool":"t"},"context":{"tags":[],"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}}"#;
    const EVENT: &str = r#"{"type":"event","event_id":"e","timestamp":"2026-01-01T00:00:00Z","event_type":{"type":"UserMessage"},"content":{"blocks":[{"type":"Text","text":"my key is TEXT"}]},"attributes":{"b":1,"a":2}}"#;

    fn text(said: &str) -> String {
        format!("{HEADER}\n{}\n{{\"type\":\"stats\"}}\n", EVENT.replace("TEXT", said))
    }

    fn snapshot(text: &str) -> Result<Snapshot, SnapshotError> {
        Snapshot::read(text.as_bytes(), &Redactor::new(&Person::default()), 10_000)
    }

    #[test]
    fn a_snapshot_is_canonical_and_reading_it_again_changes_nothing() {
        let once = snapshot(&text("none")).expect("HAIL");
        assert_ne!(once.source_digest(), once.digest(), "the attributes were not in order");
        let again = snapshot(str::from_utf8(once.text()).expect("text")).expect("HAIL");
        assert_eq!((again.digest(), again.source_digest()), (once.digest(), once.digest()));
        assert_eq!((once.digest(), once.stats().event_count), (Digest::of(once.text()), 1));
    }

    #[test]
    fn secrets_are_taken_out_unless_it_says_so_in_its_type() {
        let secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
        let text = text(secret);
        let redacted = snapshot(&text).expect("HAIL");
        assert!(!String::from_utf8_lossy(redacted.text()).contains(secret));
        assert_eq!(redacted.findings().secrets(), 1);
        let raw = UnredactedSnapshot::read(text.as_bytes(), 10_000).expect("HAIL");
        assert!(String::from_utf8_lossy(raw.text()).contains(secret));
    }

    #[test]
    fn what_is_cut_off_bad_or_too_long_is_refused() {
        let whole = text("x");
        let cut = whole.lines().take(2).collect::<Vec<_>>().join("\n");
        assert_eq!(
            snapshot(&cut).expect_err("cut off").to_string(),
            "line 2: the text ends without its stats line: it was cut off"
        );
        let bad = whole.replace("\"event_id\"", "\"event_id\":1,");
        assert!(snapshot(&bad).expect_err("bad").to_string().starts_with("line 2: not a HAIL line"));
        assert!(matches!(snapshot(&text(&"x ".repeat(9_000))), Err(SnapshotError::TooLarge { limit: 10_000 })));
    }
}
