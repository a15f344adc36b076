//! Codex (CLI, IDE extension, Desktop): the rollout files below `$CODEX_HOME`.
//!
//! - [`listing`] knows where they lie, [`record`] and [`items`] what a line can be.
//! - [`machine`] reads line by line and holds back what may still change; [`state`] is what it
//!   remembers, [`stream`] what the records say, [`copy`] what is repeated from another session.
//! - [`calls`], [`patch`], [`images`] and [`text`] read what is inside of them.
//!
//! One session is one file. A subagent is a session of its own that names its parent; the prompts
//! in it are not a human's. The format is not documented by its makers: what is relied on here was
//! measured in files of versions 0.34 to 0.142 and read in their source, and anything else costs at
//! most the record it is in.

mod calls;
mod copy;
mod cursor;
mod images;
mod items;
mod listing;
mod machine;
mod meta;
mod patch;
mod prompts;
mod quick;
mod record;
mod results;
mod state;
mod stream;
mod text;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use self::machine::{Machine, Seam, Settled, Stored};
use self::record::Payload;
use self::state::Facts;
use super::distance::Distance;
use super::jsonl::{self, LineEnd, Lines};
use super::long::{Hollow, LONG};
use super::{Checkpoint, Environment, LogFile, LogParser, Origin, ParseError, Parsed, Sink};

const AGENT: &str = "codex";
const VERSION: u32 = 4;

/// The parser of Codex' logs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Codex;

impl LogParser for Codex {
    fn agent(&self) -> &'static str {
        AGENT
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn roots(&self, environment: &Environment) -> Vec<PathBuf> {
        listing::roots(environment)
    }

    fn logs(&self, environment: &Environment) -> Vec<LogFile> {
        listing::logs(environment)
    }

    fn recognises(&self, path: &Path, head: &[u8]) -> bool {
        if listing::is_compressed(path) {
            return head.starts_with(&ZSTD);
        }
        let mut lines = Lines::new(head, 0);
        while let Ok(Some(line)) = lines.read() {
            let (text, _) = line.text();
            if text.trim().is_empty() {
                continue;
            }
            // The first line holds the instructions and may be longer than the head.
            let is_cut = line.end == LineEnd::Open;
            return if is_cut { looks_like_a_start(&text) } else { Start::read(&text).is_some() };
        }
        false
    }

    fn origin(&self, path: &Path) -> Result<Option<Origin>, ParseError> {
        let mut source = Source::open(path, 0)?;
        let mut origin: Option<Origin> = None;
        for _ in 0..FIRST_LINES {
            let Some(line) = source.lines.read().map_err(|error| read_error(path, error))? else { break };
            let (text, _) = line.text();
            match Start::read(&text) {
                Some(Start::Session { id, cwd, started }) if origin.is_none() => {
                    // As in the header: a log that does not say its id has it in its name.
                    let session_id = id.unwrap_or_else(|| listing::id_in_name(path));
                    origin = Some(Origin { session_id, cwd, started });
                }
                Some(Start::Turn { cwd: Some(cwd) }) => {
                    if let Some(origin) = origin.as_mut().filter(|origin| origin.cwd.is_none()) {
                        origin.cwd = Some(cwd);
                    }
                }
                _ => {}
            }
            if origin.as_ref().is_some_and(|origin| origin.cwd.is_some()) {
                break;
            }
        }
        Ok(origin)
    }

    fn parse(&self, path: &Path, from: Option<&Checkpoint>, sink: &mut dyn Sink) -> Result<Parsed, ParseError> {
        let is_compressed = listing::is_compressed(path);
        let resumed = from.map(|from| resumed(path, from)).transpose()?;
        // What is compressed can only be read from its start: events that are known are passed over.
        let offset = resumed.as_ref().map_or(0, |stored| if is_compressed { 0 } else { stored.anchor.offset });
        let mut source = Source::open(path, offset)?;
        let known = from.map_or(0, |from| from.events);
        let mut machine = match resumed {
            Some(mut stored) if !is_compressed => {
                read_titles(path, &mut stored.facts)?;
                Machine::resume(sink, stored, known)
            }
            _ => Machine::resume(sink, Stored::default(), known),
        };
        let settled = read_all(path, &mut source, &mut machine)?;
        if !machine.facts.is_codex {
            return Err(ParseError::NotThisAgent { path: path.to_owned(), agent: AGENT });
        }
        let header = machine.facts.header(&listing::id_in_name(path));
        let report = machine.report;
        let end = if is_compressed { source.size } else { settled.anchor.offset };
        let mut checkpoint = settled.checkpoint(seam(path, end)?);
        if is_compressed {
            checkpoint.offset = 0;
        }
        Ok(Parsed { header, report, checkpoint })
    }
}

/// What a checkpoint knows, if it is one of this version and the log still is what it was made of.
fn resumed(path: &Path, from: &Checkpoint) -> Result<Stored, ParseError> {
    let stale = || ParseError::Stale { path: path.to_owned() };
    if from.version != VERSION {
        return Err(stale());
    }
    let stored: Stored = serde_json::from_value(from.state.clone()).map_err(|_| stale())?;
    if seam(path, stored.seam.end)? == stored.seam { Ok(stored) } else { Err(stale()) }
}

/// The last bytes before `end`.
fn seam(path: &Path, end: u64) -> Result<Seam, ParseError> {
    let from = end.saturating_sub(SEAM);
    let log = jsonl::open(path)?;
    let mut bytes = Vec::new();
    let mut read = |mut file: File| -> io::Result<()> {
        file.seek(SeekFrom::Start(from))?;
        file.take(end - from).read_to_end(&mut bytes)?;
        Ok(())
    };
    read(log.file).map_err(|error| read_error(path, error))?;
    let hash = text::hash("seam", &String::from_utf8_lossy(&bytes));
    Ok(Seam { end: from + bytes.len() as u64, hash })
}

/// How many bytes tell a log from another: more than a line's start, which all logs have alike.
const SEAM: u64 = 512;

/// Reads to the end. What the last line says while it has no end, and what is still held back, is
/// provisional.
fn read_all(path: &Path, source: &mut Source, machine: &mut Machine<'_>) -> Result<Settled, ParseError> {
    let (mut settled, mut distance) = (None, Distance::default());
    while let Some(line) = source.lines.read().map_err(|error| read_error(path, error))? {
        if distance.is_far(&line) && machine.goes_on().is_break() {
            return Err(ParseError::Stopped);
        }
        if line.end != LineEnd::Terminated && line.end != LineEnd::TooLong {
            settled = Some(machine.settle(line.offset));
        }
        let hollow = if line.bytes.len() >= LONG { hollow(line.bytes) } else { None };
        let step = match hollow {
            Some(hollow) => {
                let place = jsonl::Line { bytes: &[], ..line };
                let length = line.bytes.len();
                let text = hollow.text(source.lines.part_with(length));
                machine.hollow_line(&place, &hollow, text)
            }
            None => machine.line(line),
        };
        if step.is_break() {
            return Err(ParseError::Stopped);
        }
    }
    let settled = settled.unwrap_or_else(|| machine.settle(source.lines.offset()));
    if machine.finish().is_break() {
        return Err(ParseError::Stopped);
    }
    Ok(settled)
}

/// A long line without its longest text, if that is one that a record of it has.
fn hollow(line: &[u8]) -> Option<Hollow> {
    let hollow = Hollow::of(line)?;
    let has_place = quick::line(hollow.line())?.payload?.gap(&hollow).is_some();
    has_place.then_some(hollow)
}

fn read_error(path: &Path, source: io::Error) -> ParseError {
    ParseError::Read { path: path.to_owned(), source }
}

/// How many lines are looked at for where a session is from.
const FIRST_LINES: usize = 40;

/// How a compressed log begins.
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// What the first lines of a log can be.
enum Start {
    Session { id: Option<String>, cwd: Option<PathBuf>, started: Option<crate::session::Timestamp> },
    Turn { cwd: Option<PathBuf> },
    Other,
}

impl Start {
    /// `None`: no line of Codex.
    fn read(text: &str) -> Option<Self> {
        let cwd = |payload: &Payload<'_>| payload.cwd.filled().map(PathBuf::from);
        let stamp = |stamp: Option<&str>| stamp.and_then(|stamp| stamp.parse().ok());
        let line = jsonl::values::<record::Line<'_>>(text, LineEnd::Terminated).next()?.ok()?;
        let kind = line.kind;
        if let Some(payload) = line.payload.filter(|_| stream::is_known(kind.str())) {
            return Some(match kind.str() {
                "session_meta" => Self::Session {
                    id: payload.id.filled().or(payload.session_id.filled()).map(str::to_owned),
                    cwd: cwd(&payload),
                    started: stamp(payload.timestamp.filled()).or_else(|| stamp(line.timestamp.filled())),
                },
                "turn_context" => Self::Turn { cwd: cwd(&payload) },
                _ => Self::Other,
            });
        }
        let payload = jsonl::values::<Payload<'_>>(text, LineEnd::Terminated).next()?.ok()?;
        let id = payload.id.filled().filter(|_| machine::is_bare_start(&payload, text))?;
        Some(Self::Session { id: Some(id.to_owned()), cwd: None, started: stamp(payload.timestamp.filled()) })
    }
}

/// Whether a line whose end is not there begins like one of Codex.
fn looks_like_a_start(text: &str) -> bool {
    let compact: String = text.chars().take(400).filter(|c| !c.is_whitespace()).collect();
    let starts = ["session_meta", "response_item", "event_msg", "turn_context", "compacted"];
    let is_line = |kind| compact.contains(&format!("\"type\":\"{kind}\",\"payload\":{{"));
    starts.into_iter().any(is_line) || (compact.starts_with("{\"id\":") && compact.contains("\"instructions\":"))
}

/// The lines that the title is from, read again: a checkpoint does not keep what they say.
fn read_titles(path: &Path, facts: &mut Facts) -> Result<(), ParseError> {
    for title in [&mut facts.prompt, &mut facts.name].into_iter().flatten() {
        let mut source = Source::open(path, title.at)?;
        let Some(line) = source.lines.read().map_err(|error| read_error(path, error))? else { continue };
        let (text, _) = line.text();
        let enveloped = jsonl::values::<record::Line<'_>>(&text, line.end)
            .flatten()
            .filter_map(|line| line.payload.map(|payload| *payload));
        let bare = jsonl::values::<Payload<'_>>(&text, line.end).flatten();
        for payload in enveloped.chain(bare) {
            title.find(payload.message.str());
            title.find(payload.thread_name.str());
            title.find(&payload.content.text());
        }
    }
    Ok(())
}

/// A log, opened: plain or compressed.
struct Source {
    lines: Lines<Box<dyn Read>>,
    size: u64,
}

/// A compressed log may be as much bigger than its file, and this many bytes; more is a bomb.
/// (Measured: sessions compress 4 to 12 times.)
const RATIO: u64 = 200;
const ALWAYS: u64 = 64 << 20;
/// The window a compressed log may ask for, as a power of two: what a decoder holds in memory.
const WINDOW: u32 = 25;

impl Source {
    /// `from` is 0 for a compressed log.
    fn open(path: &Path, from: u64) -> Result<Self, ParseError> {
        let log = jsonl::open(path)?;
        let size = log.size;
        let failed = |error| read_error(path, error);
        let reader: Box<dyn Read> = if listing::is_compressed(path) {
            let mut decoder = zstd::Decoder::new(log.file.take(size)).map_err(failed)?;
            decoder.window_log_max(WINDOW).map_err(failed)?;
            let limit = size.saturating_mul(RATIO).saturating_add(ALWAYS);
            Box::new(Decoded { decoder: Some(decoder.take(limit)) })
        } else {
            return Self::plain(log, from).map_err(failed);
        };
        Ok(Self { lines: Lines::new(reader, 0), size })
    }

    fn plain(log: jsonl::OpenLog, from: u64) -> io::Result<Self> {
        let jsonl::OpenLog { mut file, size } = log;
        file.seek(SeekFrom::Start(from))?;
        let reader: Box<dyn Read> = Box::new(file.take(size.saturating_sub(from)));
        Ok(Self { lines: Lines::new(reader, from), size })
    }
}

/// A decoder that ends where its input is broken: what came before it is good.
struct Decoded<'a> {
    decoder: Option<io::Take<zstd::Decoder<'a, io::BufReader<io::Take<File>>>>>,
}

impl Read for Decoded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(decoder) = &mut self.decoder else { return Ok(0) };
        match decoder.read(buffer) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                self.decoder = None;
                Ok(0)
            }
            read => read,
        }
    }
}
