//! JSON Lines as agents write them: one value a line, nominally.
//!
//! What really lies on a disk: two values glued on one line, a last line that is being written,
//! lines of a hundred megabytes, NULs after a crash, bytes that are no UTF-8, and names in a log
//! folder that are no files at all. [`open`] refuses the last without blocking, [`Lines`] reads
//! line by line in memory of the longest line, [`values()`] takes a line apart.

mod values;

use std::borrow::Cow;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

pub use self::values::{Values, values};
use super::ParseError;

/// The longest line that is read: 256 MiB. A longer one is skipped as
/// [`SkipReason::TooLong`](super::SkipReason::TooLong).
pub const LONGEST_LINE: usize = 256 << 20;

/// The longest JSON that is kept as data: a list of small numbers takes sixteen times its length in
/// memory. Longer, it is a text.
pub const LONGEST_DATA: usize = 4 << 20;

/// How much is read from a file at once.
const CHUNK: usize = 256 << 10;

/// A regular file, opened, with its size at that moment.
#[derive(Debug)]
pub struct OpenLog {
    /// The file, at its start.
    pub file: File,
    /// Its size in bytes when it was opened: what is appended later is for the next time.
    pub size: u64,
}

/// Opens a log for reading, if it is a regular file (or a link to one).
///
/// Never blocks: a FIFO nobody writes to, a device or a folder is refused before it is opened, and
/// again afterwards, in case it was put there in between.
///
/// # Errors
/// [`ParseError::NotAFile`] for what is no regular file, [`ParseError::Read`] for what cannot be opened.
pub fn open(path: &Path) -> Result<OpenLog, ParseError> {
    let failed = |source| ParseError::Read { path: path.to_owned(), source };
    let regular = |metadata: &Metadata| {
        if metadata.is_file() { Ok(()) } else { Err(ParseError::NotAFile { path: path.to_owned() }) }
    };
    regular(&std::fs::metadata(path).map_err(failed)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags((rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY).bits().cast_signed());
    }
    let file = options.open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    regular(&metadata)?;
    Ok(OpenLog { file, size: metadata.len() })
}

impl OpenLog {
    /// Its lines from a byte offset (the start of a line) to the size it had when it was opened.
    ///
    /// # Errors
    /// When the file cannot be moved to the offset.
    pub fn lines(mut self, from: u64) -> io::Result<Lines<io::Take<File>>> {
        self.file.seek(SeekFrom::Start(from))?;
        Ok(Lines::new(self.file.take(self.size.saturating_sub(from)), from))
    }
}

/// Lines of anything readable, one at a time, each borrowed from one buffer.
#[derive(Debug)]
pub struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    /// How much of the buffer has been read; behind it is room for more.
    filled: usize,
    /// Where in the buffer the line that was read last starts, and where the next one does.
    last: usize,
    start: usize,
    /// How much of the buffer has been searched for the end of that line.
    searched: usize,
    /// Where in the log the next line starts.
    offset: u64,
    number: u64,
    longest: usize,
    at_end: bool,
}

/// One line, without its line feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its number, from 1 where reading began.
    pub number: u64,
    /// Where in the log its first byte is.
    pub offset: u64,
    /// What is in it. Empty if it is too long.
    pub bytes: &'a [u8],
    /// How it ends.
    pub end: LineEnd,
}

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// With a line feed.
    Terminated,
    /// With the end of the log: it may be written still.
    Open,
    /// It was longer than the limit and has been skipped to its end.
    TooLong,
}

impl<R: Read> Lines<R> {
    /// Reads `source`, whose first byte is at `offset` of the log.
    pub fn new(source: R, offset: u64) -> Self {
        Self::with_longest(source, offset, LONGEST_LINE)
    }

    /// The same with another limit than [`LONGEST_LINE`].
    pub fn with_longest(source: R, offset: u64, longest: usize) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            filled: 0,
            last: 0,
            start: 0,
            searched: 0,
            offset,
            number: 0,
            longest,
            at_end: false,
        }
    }

    /// Where in the log the line starts that is read next.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn read(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            if let Some(length) = self.find_feed() {
                return Ok(Some(self.take(length, 1, LineEnd::Terminated)));
            }
            let pending = self.filled - self.start;
            if pending > self.longest {
                return self.skip_long(pending as u64).map(Some);
            }
            if self.at_end {
                return Ok((pending > 0).then(|| self.take(pending, 0, LineEnd::Open)));
            }
            self.fill()?;
        }
    }

    /// Gives the first `length` bytes of the line that was read last away, in the memory that they are in.
    pub(super) fn part_with(&mut self, length: usize) -> Vec<u8> {
        let rest = self.buffer.get(self.start..self.filled).unwrap_or_default().to_vec();
        let mut line = std::mem::replace(&mut self.buffer, rest);
        (self.filled, self.start, self.searched) = (self.buffer.len(), 0, 0);
        line.truncate(self.last + length);
        line.drain(..self.last);
        self.last = 0;
        line
    }

    /// The length of the next line, if its end is in the buffer.
    fn find_feed(&mut self) -> Option<usize> {
        let unseen = self.buffer.get(self.searched..self.filled).unwrap_or_default();
        let found = memchr::memchr(b'\n', unseen).map(|at| self.searched + at - self.start);
        if found.is_none() {
            self.searched = self.filled;
        }
        found
    }

    fn take(&mut self, length: usize, feed: usize, end: LineEnd) -> Line<'_> {
        let from = self.start;
        self.last = from;
        let line = Line { number: self.number + 1, offset: self.offset, bytes: &[], end };
        self.start += length + feed;
        self.searched = self.start;
        self.offset += (length + feed) as u64;
        self.number += 1;
        Line { bytes: self.buffer.get(from..from + length).unwrap_or_default(), ..line }
    }

    /// Reads more behind what is in the buffer, after moving that to its front.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.searched -= self.start;
        self.start = 0;
        if self.filled < CHUNK && self.buffer.len() > 8 * CHUNK {
            self.buffer.truncate(2 * CHUNK);
            self.buffer.shrink_to_fit();
        }
        // Room is made chunk by chunk, and kept: a growing buffer costs the memory of what is in it.
        let end = self.filled + CHUNK;
        if self.buffer.is_empty() {
            // Zeros that the kernel has: a short log costs no more than it is long.
            self.buffer = vec![0; end];
        } else if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        while self.filled < end {
            let room = self.buffer.get_mut(self.filled..end).unwrap_or_default();
            match self.source.read(room) {
                Ok(0) => {
                    self.at_end = true;
                    break;
                }
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Throws the rest of a line away, up to its end, without keeping it.
    fn skip_long(&mut self, mut length: u64) -> io::Result<Line<'_>> {
        self.buffer = Vec::new();
        (self.filled, self.start, self.searched) = (0, 0, 0);
        loop {
            if let Some(rest) = self.find_feed() {
                let line = Line { number: 0, offset: self.offset, bytes: &[], end: LineEnd::TooLong };
                self.offset += length;
                let number = self.take(rest, 1, LineEnd::TooLong).number;
                return Ok(Line { number, ..line });
            }
            length += self.filled as u64;
            (self.filled, self.searched) = (0, 0);
            if self.at_end {
                let line = Line { number: self.number + 1, offset: self.offset, bytes: &[], end: LineEnd::TooLong };
                self.number += 1;
                self.offset += length;
                return Ok(line);
            }
            self.fill()?;
        }
    }
}

impl<'a> Line<'a> {
    /// The line as text, and whether bytes that are no UTF-8 were replaced. A byte order mark and
    /// NULs before the text (a file system's scar after a crash) are left out.
    #[must_use]
    pub fn text(&self) -> (Cow<'a, str>, bool) {
        let mut bytes = self.bytes;
        if self.offset == 0 {
            bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        }
        let from = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len());
        let bytes = bytes.get(from..).unwrap_or_default();
        match std::str::from_utf8(bytes) {
            Ok(text) => (Cow::Borrowed(text), false),
            Err(_) => (String::from_utf8_lossy(bytes), true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(bytes: &[u8], longest: usize) -> Vec<(u64, u64, usize, LineEnd)> {
        let mut lines = Lines::with_longest(bytes, 0, longest);
        let mut seen = Vec::new();
        while let Some(line) = lines.read().expect("memory can be read") {
            seen.push((line.number, line.offset, line.bytes.len(), line.end));
        }
        assert_eq!(lines.offset(), bytes.len() as u64);
        seen
    }

    #[test]
    fn every_line_has_its_number_and_its_place() {
        use LineEnd::{Open, Terminated};
        assert_eq!(read_all(b"", 9), []);
        assert_eq!(read_all(b"ab\n\nc", 9), [(1, 0, 2, Terminated), (2, 3, 0, Terminated), (3, 4, 1, Open)]);
    }

    #[test]
    fn lines_over_many_chunks_come_back_whole() {
        let mut log = Vec::new();
        for n in 0..40_usize {
            log.extend(std::iter::repeat_n(b'x', n * 40_009 % (3 * CHUNK)));
            log.push(b'\n');
        }
        let mut lines = Lines::new(log.as_slice(), 0);
        for n in 0..40_usize {
            let line = lines.read().unwrap().unwrap();
            assert_eq!((line.bytes.len(), line.end), (n * 40_009 % (3 * CHUNK), LineEnd::Terminated));
        }
        assert!(lines.read().unwrap().is_none());
    }

    #[test]
    fn a_line_that_was_given_away_leaves_what_is_behind_it() {
        let huge = "y".repeat(3 * CHUNK);
        let log = format!("one\n{huge}\nthree\nfour");
        let mut lines = Lines::new(log.as_bytes(), 0);
        lines.read().unwrap().unwrap();
        let length = lines.read().unwrap().unwrap().bytes.len();
        assert_eq!(lines.part_with(length), huge.as_bytes());
        assert_eq!(lines.read().unwrap().unwrap().bytes, b"three");
        assert_eq!(lines.part_with(5), b"three");
        let last = lines.read().unwrap().unwrap();
        assert_eq!((last.number, last.offset, last.bytes), (4, log.len() as u64 - 4, &b"four"[..]));
        assert!(lines.read().unwrap().is_none());
    }

    #[test]
    fn a_line_over_the_limit_is_skipped_and_the_next_is_read() {
        let mut log = vec![b'x'; 3 * CHUNK];
        log.extend(b"\nnext\n");
        log.extend(vec![b'y'; 3 * CHUNK]);
        let seen = read_all(&log, CHUNK);
        let after = 3 * CHUNK as u64 + 1;
        assert_eq!(
            seen,
            [(1, 0, 0, LineEnd::TooLong), (2, after, 4, LineEnd::Terminated), (3, after + 5, 0, LineEnd::TooLong)]
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_nuls_before_it_dropped() {
        let line = |bytes| Line { number: 1, offset: 0, bytes, end: LineEnd::Terminated };
        assert_eq!(line(b"{\"a\":\"\xFF\"}").text(), (Cow::Borrowed("{\"a\":\"\u{FFFD}\"}"), true));
        assert_eq!(line(b"\0\0{}").text(), (Cow::Borrowed("{}"), false));
        assert_eq!(line(b"\xEF\xBB\xBF{}").text(), (Cow::Borrowed("{}"), false));
    }

    #[test]
    fn only_what_was_there_when_it_was_opened_is_read() {
        use std::io::Write;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"one\ntwo\n").unwrap();
        let log = open(file.path()).unwrap();
        file.write_all(b"three\n").unwrap();
        let mut lines = log.lines(4).unwrap();
        assert_eq!(lines.read().unwrap().unwrap().bytes, b"two");
        assert!(lines.read().unwrap().is_none());
        assert_eq!(lines.offset(), 8);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_refused_at_once() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo.jsonl");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).unwrap();
        let zero = folder.path().join("zero.jsonl");
        std::os::unix::fs::symlink("/dev/zero", &zero).unwrap();
        for path in [folder.path(), &fifo, &zero] {
            assert!(matches!(open(path), Err(ParseError::NotAFile { .. })), "{}", path.display());
        }
        assert!(matches!(open(&folder.path().join("none")), Err(ParseError::Read { .. })));
    }
}
