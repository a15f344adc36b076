//! From an agent's log to HAIL: `parse`.
//!
//! The header comes first in the text and last from a parser, so the lines of the events wait in a
//! spool that the caller provides. Memory does not grow with the log.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::agents::{LogParser, ParseError, Report, Sink};
use crate::hail;
use crate::redaction::{Findings, Redactor};
use crate::session::{Event, Header, Stats, StatsFold};

/// A log that is to be parsed.
pub struct Log<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// Whose it is.
    pub parser: &'a dyn LogParser,
    /// Whether `path` is the log's own: a copy's name says nothing of the session.
    pub is_named: bool,
    /// What takes out secrets and people; `None` leaves them in.
    pub redactor: Option<&'a Redactor>,
}

/// What a log holds, but its events.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The session's header.
    pub header: Header,
    /// What the events add up to.
    pub stats: Stats,
    /// What was read and skipped.
    pub report: Report,
    /// What was taken out.
    pub findings: Findings,
}

/// A log that could not be parsed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log.
    #[error(transparent)]
    Log(#[from] ParseError),
    /// There is no conversation in it.
    #[error("{} has no conversation in it", path.display())]
    Empty {
        /// The log.
        path: PathBuf,
        /// What was read and skipped instead.
        report: Box<Report>,
    },
    /// The spool.
    #[error("cannot keep events aside")]
    Spool(#[source] io::Error),
    /// The output.
    #[error("cannot write")]
    Output(#[source] io::Error),
}

/// Hands the events of a log to `take`, one by one, redacted.
///
/// # Errors
/// [`Error::Log`], [`Error::Empty`]; [`Error::Spool`] with what `take` said.
pub fn read(log: &Log<'_>, take: &mut dyn FnMut(&Event) -> io::Result<()>) -> Result<Parsed, Error> {
    let (fold, findings) = (StatsFold::default(), Findings::default());
    let mut sink = Taking { take, redactor: log.redactor, fold, findings, failed: None };
    let parsed = log.parser.parse(log.path, None, &mut sink);
    if let Some(failed) = sink.failed {
        return Err(Error::Spool(failed));
    }
    let (stats, mut findings) = (sink.fold.stats(), sink.findings);
    let parsed = parsed?;
    if stats.event_count == 0 {
        return Err(Error::Empty { path: log.path.to_owned(), report: Box::new(parsed.report) });
    }
    let mut header = parsed.header;
    if !log.is_named {
        forget_name(&mut header, log.path);
    }
    if let Some(redactor) = log.redactor {
        header = redactor.header(header, &mut findings).into_inner();
    }
    Ok(Parsed { header, stats, report: parsed.report, findings })
}

/// Writes the canonical text of a log to `out`, keeping events in `spool` (empty, at its start)
/// until the header is known.
///
/// # Errors
/// As [`read`]; [`Error::Output`].
pub fn to_hail(log: &Log<'_>, mut spool: impl Read + Write + Seek, mut out: impl Write) -> Result<Parsed, Error> {
    let mut buffered = io::BufWriter::new(&mut spool);
    let parsed = read(log, &mut |event| hail::write_event(event, &mut buffered))?;
    buffered.flush().map_err(Error::Spool)?;
    drop(buffered);
    spool.seek(SeekFrom::Start(0)).map_err(Error::Spool)?;
    hail::write_header(&parsed.header, &mut out).map_err(Error::Output)?;
    copy(&mut spool, &mut out)?;
    hail::write_stats(&parsed.stats, &mut out).map_err(Error::Output)?;
    out.flush().map_err(Error::Output)?;
    Ok(parsed)
}

/// Like [`io::copy`], but it says on which side it failed.
fn copy(from: &mut impl Read, to: &mut impl Write) -> Result<(), Error> {
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = from.read(&mut buffer).map_err(Error::Spool)?;
        match buffer.get(..read) {
            None | Some([]) => return Ok(()),
            Some(bytes) => to.write_all(bytes).map_err(Error::Output)?,
        }
    }
}

/// Some agents name a session by its file alone. Of a copy, the id that its records say is better.
fn forget_name(header: &mut Header, path: &Path) {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    if header.session_id == stem && !header.context.related_session_ids.is_empty() {
        header.session_id = header.context.related_session_ids.remove(0);
    }
}

struct Taking<'a> {
    take: &'a mut dyn FnMut(&Event) -> io::Result<()>,
    redactor: Option<&'a Redactor>,
    fold: StatsFold,
    findings: Findings,
    failed: Option<io::Error>,
}

impl Sink for Taking<'_> {
    fn event(&mut self, event: Event) -> ControlFlow<()> {
        let event = match self.redactor {
            Some(redactor) => redactor.event(event, &mut self.findings).into_inner(),
            None => event,
        };
        self.fold.add(&event);
        match (self.take)(&event) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::{self, Checkpoint, Environment, LogFile, Origin};
    use crate::redaction::Person;
    use crate::session::{Agent, Attributes, Content, Context, EventKind, HAIL_VERSION, Timestamp};

    /// An agent that names its sessions by their file, and says `events` things.
    struct Fake {
        events: usize,
    }

    impl LogParser for Fake {
        fn agent(&self) -> &'static str {
            "fake"
        }

        fn version(&self) -> u32 {
            1
        }

        fn roots(&self, _: &Environment) -> Vec<PathBuf> {
            Vec::new()
        }

        fn logs(&self, _: &Environment) -> Vec<LogFile> {
            Vec::new()
        }

        fn recognises(&self, _: &Path, _: &[u8]) -> bool {
            true
        }

        fn origin(&self, _: &Path) -> Result<Option<Origin>, ParseError> {
            Ok(None)
        }

        fn parse(
            &self,
            path: &Path,
            _: Option<&Checkpoint>,
            sink: &mut dyn Sink,
        ) -> Result<agents::Parsed, ParseError> {
            for n in 0..self.events {
                let event = Event::new(
                    n.to_string(),
                    Timestamp::EPOCH,
                    EventKind::UserMessage,
                    Content::text("hi from /home/ann/x"),
                );
                if sink.event(event).is_break() {
                    return Err(ParseError::Stopped);
                }
            }
            Ok(agents::Parsed {
                header: header(&path.file_stem().expect("a name").to_string_lossy()),
                report: Report::default(),
                checkpoint: Checkpoint { version: 1, offset: 0, events: 0, state: serde_json::Value::Null },
            })
        }
    }

    fn header(id: &str) -> Header {
        let (provider, model, tool) = ("p".to_owned(), "m".to_owned(), "fake".to_owned());
        Header {
            version: HAIL_VERSION.to_owned(),
            session_id: id.to_owned(),
            agent: Agent { provider, model, tool, tool_version: None },
            context: Context {
                title: Some("in /home/ann/x".to_owned()),
                description: None,
                tags: Vec::new(),
                created_at: Timestamp::EPOCH,
                updated_at: Timestamp::EPOCH,
                related_session_ids: vec!["real".to_owned(), "older".to_owned()],
                attributes: Attributes::new(),
            },
            extra: std::collections::BTreeMap::new(),
        }
    }

    fn text(events: usize, is_named: bool) -> Result<String, Error> {
        let log = Log { path: Path::new("/logs/7.jsonl"), parser: &Fake { events }, is_named, redactor: None };
        let mut out = Vec::new();
        to_hail(&log, io::Cursor::new(Vec::new()), &mut out)?;
        Ok(String::from_utf8(out).expect("text"))
    }

    #[test]
    fn the_text_is_canonical_with_the_header_first_and_the_stats_last() {
        let text = text(3, true).expect("a session");
        let session = hail::Reader::new(text.as_bytes()).and_then(hail::Reader::read_to_end).expect("HAIL");
        assert_eq!((session.header.session_id.as_str(), session.events.len()), ("7", 3));
        let mut again = Vec::new();
        hail::write_session(&session, &mut again).expect("a vector takes all");
        assert_eq!(String::from_utf8(again).expect("text"), text);
    }

    #[test]
    fn a_copy_takes_the_id_that_its_records_say() {
        let text = text(1, false).expect("a session");
        let header = hail::Reader::new(text.as_bytes()).expect("HAIL").header().clone();
        assert_eq!(
            (header.session_id.as_str(), header.context.related_session_ids),
            ("real", vec!["older".to_owned()])
        );
    }

    #[test]
    fn a_log_without_a_conversation_is_an_error() {
        assert!(matches!(text(0, true), Err(Error::Empty { path, .. }) if path == Path::new("/logs/7.jsonl")));
    }

    #[test]
    fn secrets_are_taken_out_of_events_and_header_and_counted() {
        let home = Some(PathBuf::from("/home/ann"));
        let redactor = Redactor::new(&Person { home, ..Person::default() });
        let log = Log {
            path: Path::new("/x/7.jsonl"),
            parser: &Fake { events: 2 },
            is_named: true,
            redactor: Some(&redactor),
        };
        let mut texts = Vec::new();
        let parsed = read(&log, &mut |event| {
            texts.extend(event.content.texts().map(str::to_owned));
            Ok(())
        });
        let parsed = parsed.expect("a session");
        assert_eq!(texts, ["hi from ~/x", "hi from ~/x"]);
        assert_eq!(parsed.header.context.title.as_deref(), Some("in ~/x"));
        assert_eq!(parsed.findings.count("home"), 3);
    }

    #[test]
    fn an_event_that_cannot_be_kept_stops_the_parser() {
        let log = Log { path: Path::new("x"), parser: &Fake { events: 5 }, is_named: true, redactor: None };
        let mut taken = 0;
        let failed = read(&log, &mut |_| {
            taken += 1;
            if taken == 2 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        });
        assert!(matches!(failed, Err(Error::Spool(error)) if error.kind() == io::ErrorKind::StorageFull));
        assert_eq!(taken, 2);
    }
}
