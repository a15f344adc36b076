//! Reading the text, line by line.

use std::borrow::Cow;
use std::io::{self, BufRead, Read as _};

use serde::Deserialize;

use crate::session::{Event, HAIL_VERSION, Header, Session, Stats};

/// The longest line that is read, in bytes: an event with a 200 MB tool output is odd, but real.
const LONGEST_LINE: u64 = 512 << 20;

/// The most values of one line: a megabyte of `[],[],[]` would be thirty in memory.
const MOST_VALUES: usize = 2_000_000;

/// A line that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct LineError {
    /// Its number, from 1.
    pub line: u64,
    /// Why.
    #[source]
    pub kind: LineErrorKind,
}

/// Why a line cannot be read. Never quotes it.
#[derive(Debug, thiserror::Error)]
pub enum LineErrorKind {
    /// The source failed.
    #[error("cannot be read")]
    Io(#[source] io::Error),
    /// The text is empty.
    #[error("no HAIL: the text is empty")]
    Empty,
    /// The first line is no header.
    #[error("no HAIL: the first line is not a header")]
    NoHeader,
    /// The header is of another version.
    #[error("HAIL of a version other than {HAIL_VERSION}")]
    Version,
    /// No JSON object with a known `type`, or one with wrong fields.
    #[error("not a HAIL line: {what} at column {column}")]
    Malformed {
        /// What is wrong: syntax, data, end of input.
        what: &'static str,
        /// Where, in bytes from 1; 0 where that is not known.
        column: usize,
    },
    /// A second header, or a line after the statistics.
    #[error("a line where none may be: the text goes header, events, stats")]
    Misplaced,
    /// A line of more than 512 MiB.
    #[error("longer than 512 MiB")]
    TooLong,
    /// A line that is made to exhaust the memory of its readers.
    #[error("more than {MOST_VALUES} values: no event has so many")]
    TooManyValues,
    /// The text ends before the statistics.
    #[error("the text ends without its stats line: it was cut off")]
    CutOff,
}

/// Reads a session as a stream: the header at once, the events one by one, last the statistics.
///
/// A bad line is an item that is an error; the lines after it can still be read.
///
/// ```
/// use git_opensession::hail::Reader;
/// let text = concat!(
///     r#"{"type":"header","version":"hail-1.0.0","session_id":"s","agent":{"provider":"p","model":"m","tool":"t"},"#,
///     r#""context":{"tags":[],"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}}"#, "\n",
///     r#"{"type":"event","event_id":"e","timestamp":"2026-01-01T00:00:00Z","event_type":{"type":"UserMessage"},"#,
///     r#""content":{"blocks":[{"type":"Text","text":"hi"}]}}"#, "\n",
///     r#"{"type":"stats","event_count":1}"#, "\n",
/// );
/// let mut reader = Reader::new(text.as_bytes())?;
/// let event = reader.next().transpose()?.expect("there is one event");
/// assert_eq!(event.kind.name(), "UserMessage");
/// assert!(reader.next().is_none());
/// # Ok::<(), git_opensession::hail::LineError>(())
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    line: u64,
    buffer: Vec<u8>,
    header: Header,
    stats: Option<Stats>,
    wanted: Option<&'static [&'static str]>,
    done: bool,
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When the first line is not a header of this version.
    pub fn new(mut source: R) -> Result<Self, LineError> {
        let mut buffer = Vec::new();
        let at = |kind| LineError { line: 1, kind };
        let line = read_line(&mut source, &mut buffer).map_err(at)?;
        if line == 0 {
            return Err(at(LineErrorKind::Empty));
        }
        let tag: Result<Tag<'_>, _> = serde_json::from_slice(&buffer);
        if !tag.is_ok_and(|tag| tag.kind == "header") {
            return Err(at(LineErrorKind::NoHeader));
        }
        let mut header: Header = parse(&buffer).map_err(at)?;
        header.extra.remove("type");
        if header.version != HAIL_VERSION {
            return Err(at(LineErrorKind::Version));
        }
        Ok(Self { source, line, buffer, header, stats: None, wanted: None, done: false })
    }

    /// Only events of these kinds, by their names in the text; the lines of others are passed over, and not looked at
    /// any further than that.
    #[must_use]
    pub fn only(mut self, kinds: &'static [&'static str]) -> Self {
        self.wanted = Some(kinds);
        self
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The statistics as the text has them, once the last line was read. They say what a writer
    /// counted; what the events add up to is [`crate::session::StatsFold`]'s to say.
    pub fn stats(&self) -> Option<&Stats> {
        self.stats.as_ref()
    }

    /// What is read from.
    pub fn source(&self) -> &R {
        &self.source
    }

    /// The number of the line that was read last.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Reads the rest, as a whole session. Its statistics are folded anew.
    ///
    /// # Errors
    /// At the first bad line, and when the text ends without its stats line.
    pub fn read_to_end(mut self) -> Result<Session, LineError> {
        let mut events = Vec::new();
        for event in &mut self {
            events.push(event?);
        }
        if self.stats.is_none() {
            return Err(LineError { line: self.line, kind: LineErrorKind::CutOff });
        }
        Ok(Session { header: self.header, events })
    }

    fn read_event(&mut self) -> Result<Option<Event>, LineErrorKind> {
        loop {
            let lines = read_line(&mut self.source, &mut self.buffer)?;
            if lines == 0 {
                self.done = true;
                return Ok(None);
            }
            self.line += lines;
            let is_unwanted = |wanted: &[&str]| kind_of(&self.buffer).is_some_and(|kind| !wanted.contains(&kind));
            if !self.wanted.is_some_and(is_unwanted) {
                break;
            }
        }
        if has_too_many_values(&self.buffer) {
            return Err(LineErrorKind::TooManyValues);
        }
        let tag: Tag<'_> = parse(&self.buffer)?;
        match tag.kind.as_ref() {
            _ if self.stats.is_some() => Err(LineErrorKind::Misplaced),
            "event" => {
                let mut event: Event = parse(&self.buffer)?;
                event.extra.remove("type");
                Ok(Some(event))
            }
            "stats" => {
                self.stats = Some(parse(&self.buffer)?);
                self.read_event()
            }
            "header" => Err(LineErrorKind::Misplaced),
            _ => Err(LineErrorKind::Malformed { what: "an unknown type of line", column: 0 }),
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Event, LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let item = self.read_event().map_err(|kind| {
            self.done |= matches!(kind, LineErrorKind::Io(_) | LineErrorKind::TooLong);
            LineError { line: self.line, kind }
        });
        item.transpose()
    }
}

/// The kind of an event whose line is spelled as the canonical text spells it; `None` if it has to be parsed to know.
fn kind_of(line: &[u8]) -> Option<&str> {
    // In a string the quotes would be escaped, and what may hold such a field comes later in the line.
    const BEFORE: &[u8] = br#","event_type":{"type":""#;
    const NEAR: usize = 1024;
    let head = line.get(..NEAR.min(line.len()))?;
    let from = memchr::memmem::find(head, BEFORE)? + BEFORE.len();
    let rest = head.get(from..)?;
    str::from_utf8(rest.get(..memchr::memchr(b'"', rest)?)?).ok()
}

/// Reads one line without its LF; says how many lines it took, 0 at the end. Blank lines are none of
/// a canonical text, but people's editors add them: they are passed over.
fn read_line(source: &mut impl BufRead, buffer: &mut Vec<u8>) -> Result<u64, LineErrorKind> {
    let mut lines = 0;
    loop {
        buffer.clear();
        let read = source.take(LONGEST_LINE + 1).read_until(b'\n', buffer).map_err(LineErrorKind::Io)?;
        if read == 0 {
            return Ok(0);
        }
        if read as u64 > LONGEST_LINE {
            return Err(LineErrorKind::TooLong);
        }
        lines += 1;
        while buffer.pop_if(|last| matches!(last, b'\n' | b'\r')).is_some() {}
        if !buffer.is_empty() {
            return Ok(lines);
        }
    }
}

/// Whether a line holds more values than [`MOST_VALUES`]: every one but the first of its list comes after a comma, and
/// every list begins with a bracket.
fn has_too_many_values(line: &[u8]) -> bool {
    if line.len() <= MOST_VALUES {
        return false;
    }
    let (mut values, mut at) = (0_usize, 0);
    let mut in_string = false;
    while let Some(rest) = line.get(at..).filter(|rest| !rest.is_empty()) {
        if in_string {
            let Some(end) = memchr::memchr2(b'"', b'\\', rest) else { break };
            // An escape takes the byte behind it along.
            let escape = usize::from(rest.get(end) == Some(&b'\\'));
            in_string = escape == 1;
            at += end + 1 + escape;
        } else {
            match rest.first() {
                Some(b'"') => in_string = true,
                Some(b',' | b'[' | b'{') => values += 1,
                _ => {}
            }
            at += 1;
        }
    }
    values > MOST_VALUES
}

fn parse<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, LineErrorKind> {
    serde_json::from_slice(line).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Syntax => "no valid JSON",
            serde_json::error::Category::Eof => "JSON that is cut off",
            serde_json::error::Category::Data | serde_json::error::Category::Io => "a missing or wrong field",
        };
        LineErrorKind::Malformed { what, column: error.column() }
    })
}
