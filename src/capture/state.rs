//! How far a log was read: what is needed to go on when it has grown, one file a log.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::disk;
use crate::agents::{Checkpoint, LogParser};
use crate::hail::{Digest, RecordCheckpoint};
use crate::link::{Footprint, PathHash};
use crate::redaction::RULES_VERSION;

/// How much of a log's beginning, and of what comes before the place to go on from, tells it from another log.
const GUARDED: u64 = 4096;

/// How far a log was read, and what it left. The parser's memory went through redaction; the rest holds no text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// What this depends on, as in the index.
    pub(super) versions: String,
    /// Where to go on.
    pub(super) point: Point,
    /// Where to go on from what a ledger has, if that is less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stored: Option<Box<Point>>,
    /// What the settled events left.
    pub(super) settled: Footprint,
    /// What all events left, where those that may still change left more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) provisional: Option<Footprint>,
}

/// A place in a log to go on from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Point {
    /// Where the parser goes on.
    pub(super) parser: Checkpoint,
    /// Where the record goes on.
    pub(super) record: RecordCheckpoint,
    /// What tells the log from another one at the same place.
    pub(super) guard: Guard,
}

impl Point {
    /// Whether the log can be read on from here: the same bytes, the same parser, the same rules.
    pub(super) fn still_holds(&self, parser: &dyn LogParser, log: &Path) -> bool {
        self.parser.version == parser.version() && self.record.rules_version == RULES_VERSION && self.guard.holds(log)
    }
}

impl State {
    /// What all events of the log left.
    pub(super) fn footprint(&self) -> &Footprint {
        self.provisional.as_ref().unwrap_or(&self.settled)
    }

    /// Reads the state of a log. Whatever is wrong with it, there is none.
    pub(super) fn load(folder: &Path, log: PathHash, versions: &str) -> Option<Self> {
        let bytes = fs::read(file(folder, log)).ok()?;
        let state: Self = serde_json::from_slice(&bytes).ok()?;
        (state.versions == versions).then_some(state)
    }

    /// Writes the state of a log.
    pub(super) fn store(&self, folder: &Path, log: PathHash) -> io::Result<()> {
        disk::replace(&file(folder, log), &serde_json::to_vec(self)?)
    }

    /// Removes the state of a log.
    pub(super) fn forget(folder: &Path, log: PathHash) -> io::Result<()> {
        disk::remove(&file(folder, log))
    }

    /// Removes the states of logs that nobody knows any more.
    pub(super) fn sweep(folder: &Path, is_known: impl Fn(PathHash) -> bool) -> io::Result<()> {
        for entry in fs::read_dir(folder.join("logs"))? {
            let path = entry?.path();
            let name = path.file_stem().and_then(|name| name.to_str());
            let log = name.and_then(|name| u64::from_str_radix(name, 16).ok()).map(PathHash::from_number);
            if !log.is_some_and(&is_known) {
                disk::remove(&path)?;
            }
        }
        Ok(())
    }
}

fn file(folder: &Path, log: PathHash) -> PathBuf {
    folder.join("logs").join(format!("{:016x}.json", log.get()))
}

/// The digest of a log's first bytes and of those before a place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Guard {
    offset: u64,
    sha256: Digest,
}

impl Guard {
    /// Of a log, up to an offset, or to its end: in a compressed log the offset may lie beyond that.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn of(log: &Path, offset: u64) -> io::Result<Self> {
        Self::exactly(log, offset.min(fs::metadata(log)?.len()))
    }

    fn exactly(log: &Path, offset: u64) -> io::Result<Self> {
        let mut file = File::open(log)?;
        let mut bytes = Vec::new();
        let head = offset.min(GUARDED);
        read_exactly(&mut file, head, &mut bytes)?;
        file.seek(SeekFrom::Start(offset - head))?;
        read_exactly(&mut file, head, &mut bytes)?;
        Ok(Self { offset, sha256: Digest::of(&bytes) })
    }

    /// Whether a log still has the same bytes there.
    pub(super) fn holds(&self, log: &Path) -> bool {
        Self::exactly(log, self.offset).is_ok_and(|now| now == *self)
    }
}

fn read_exactly(file: &mut File, length: u64, into: &mut Vec<u8>) -> io::Result<()> {
    let read = file.take(length).read_to_end(into)?;
    if read as u64 == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_of_unknown_logs_and_what_a_killed_process_left_are_swept_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let (known, unknown) = (PathHash::of(b"known"), PathHash::of(b"unknown"));
        for path in [file(folder.path(), known), file(folder.path(), unknown), folder.path().join("logs/.tmp-x")] {
            disk::replace(&path, b"{}").expect("it can be written");
        }
        State::sweep(folder.path(), |log| log == known).expect("it can be swept");
        let left: Vec<_> = fs::read_dir(folder.path().join("logs")).expect("a list").flatten().collect();
        assert_eq!(left.iter().map(fs::DirEntry::path).collect::<Vec<_>>(), [file(folder.path(), known)]);
    }

    fn log(bytes: &[u8]) -> tempfile::NamedTempFile {
        let log = tempfile::NamedTempFile::new().expect("a file");
        fs::write(log.path(), bytes).expect("it can be written");
        log
    }

    #[test]
    fn a_log_that_only_grew_is_the_same_log() {
        let log = log(&[b'a'; 10_000]);
        let guard = Guard::of(log.path(), 9_000).expect("it is long enough");
        fs::write(log.path(), vec![b'a'; 20_000]).expect("it can be written");
        assert!(guard.holds(log.path()));
    }

    #[test]
    fn a_log_cut_replaced_or_rewritten_near_the_place_is_another_one() {
        for at in [None, Some(0), Some(4095), Some(8_999)] {
            let log = log(&[b'a'; 10_000]);
            let guard = Guard::of(log.path(), 9_000).expect("it is long enough");
            let mut bytes = vec![b'a'; 10_000];
            match at {
                Some(at) => bytes[at] = b'b',
                None => bytes.truncate(8_999),
            }
            fs::write(log.path(), bytes).expect("it can be written");
            assert!(!guard.holds(log.path()), "{at:?}");
        }
    }

    #[test]
    fn short_logs_are_guarded_as_a_whole() {
        let log = log(b"short");
        assert!(Guard::of(log.path(), 0).expect("no bytes are needed").holds(log.path()));
        let guard = Guard::of(log.path(), 5).expect("all of it");
        fs::write(log.path(), b"shOrt and longer").expect("it can be written");
        assert!(!guard.holds(log.path()));
        let guard = Guard::of(log.path(), 100).expect("all of it");
        fs::write(log.path(), b"shOrt").expect("it can be written");
        assert!(!guard.holds(log.path()));
    }
}
