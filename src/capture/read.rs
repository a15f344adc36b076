//! One log, read once: parsed, redacted, cut into segments, and what it left for the links.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use super::outcome::Skip;
use super::state::{Guard, Point, State};
use crate::agents::{LogParser, Origin, ParseError, Sink};
use crate::hail::{Record, RecordBuilder, RecordCheckpoint};
use crate::link::{Footprint, Locator, Worktrees};
use crate::redaction::{Findings, RULES_VERSION, Redactor};
use crate::session::Event;

/// What is needed to read logs, the same for all of them.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) redactor: &'a Redactor,
    pub(super) worktrees: &'a Worktrees,
    pub(super) versions: &'a str,
    /// Where states are kept.
    pub(super) folder: &'a Path,
    pub(super) deadline: Instant,
}

/// A log that was read to its end.
pub(super) struct Reading {
    pub(super) record: Record,
    pub(super) state: State,
    /// Whether the record names segments that an earlier capture made.
    pub(super) continued: bool,
}

/// Why a log was not read.
pub(super) enum Fault {
    /// The time is up.
    TimeUp,
    /// It cannot be.
    Skip(Skip),
}

impl From<Skip> for Fault {
    fn from(skip: Skip) -> Self {
        Self::Skip(skip)
    }
}

/// Runs what a log may break. A panic is a defect of a parser, and must not cost more than its log.
pub(super) fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    // Nothing of what it worked on is used after a panic.
    catch_unwind(AssertUnwindSafe(run)).ok()
}

/// What the first records of a log say. Only of a regular file: opening a FIFO would wait for ever.
pub(super) fn origin(parser: &dyn LogParser, path: &Path) -> Result<Option<Origin>, Skip> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(Skip::NotAFile),
        Err(error) => return Err(Skip::Unreadable(error.kind())),
    }
    guarded(|| parser.origin(path)).ok_or(Skip::ParserPanicked)?.map_err(skip)
}

/// What an error of a parser means for the log.
fn skip(error: ParseError) -> Skip {
    match error {
        ParseError::Read { source, .. } => Skip::Unreadable(source.kind()),
        ParseError::NotAFile { .. } => Skip::NotAFile,
        ParseError::NotThisAgent { .. } => Skip::NotALog,
        // Neither comes from reading a log from its beginning.
        ParseError::Stale { .. } | ParseError::Stopped => Skip::Unreadable(io::ErrorKind::Interrupted),
    }
}

impl Reader<'_> {
    /// Reads a log, from a point of an earlier capture if that still holds, with what was left until there.
    pub(super) fn read(
        &self,
        parser: &dyn LogParser,
        path: &Path,
        known: Option<&Origin>,
        from: Option<(&Point, &Footprint)>,
    ) -> Result<Reading, Fault> {
        if let Some((point, left)) = from.filter(|(point, _)| point.still_holds(parser, path)) {
            match self.run(parser, path, Some(point), left.clone()) {
                Err(Fault::Skip(_)) => {}
                done => return done,
            }
        }
        let cwd = if let Some(origin) = known {
            origin.cwd.clone()
        } else {
            origin(parser, path)?.and_then(|origin| origin.cwd)
        };
        self.run(parser, path, None, Footprint::starting_in(cwd))
    }

    fn run(
        &self,
        parser: &dyn LogParser,
        path: &Path,
        from: Option<&Point>,
        footprint: Footprint,
    ) -> Result<Reading, Fault> {
        let continued = from.is_some_and(|point| !point.record.segments.is_empty());
        let builder = match from {
            Some(point) => RecordBuilder::resume(point.record.clone()),
            None => RecordBuilder::new(RULES_VERSION),
        };
        let from = from.map(|point| &point.parser);
        let mut stream = Stream {
            reader: self,
            locator: Locator::new(self.worktrees),
            builder,
            footprint,
            settled: None,
            failed: None,
        };
        let parsed = guarded(|| parser.parse(path, from, &mut stream)).ok_or(Skip::ParserPanicked)?;
        if let Some(error) = stream.failed {
            return Err(Skip::Unwritable(error.kind()).into());
        }
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(ParseError::Stopped) => return Err(Fault::TimeUp),
            Err(error) => return Err(skip(error).into()),
        };
        let unwritable = |error: io::Error| Skip::Unwritable(error.kind());
        let (record, settled, provisional) = match stream.settled {
            Some((record, settled)) if settled == stream.footprint => (record, settled, None),
            Some((record, settled)) => (record, settled, Some(stream.footprint)),
            None => (stream.builder.settle().map_err(unwritable)?, stream.footprint, None),
        };
        let mut found = Findings::default();
        let header = self.redactor.header(parsed.header, &mut found);
        let mut checkpoint = parsed.checkpoint;
        let guard = Guard::of(path, checkpoint.offset).map_err(|error| Skip::Unreadable(error.kind()))?;
        // It stays on this machine, and a parser has to find the paths it knows as they were.
        Redactor::of_secrets_only().json(&mut checkpoint.state, &mut Findings::default());
        let point = Point { parser: checkpoint, record, guard };
        let state = State { versions: self.versions.to_owned(), point, stored: None, settled, provisional };
        let record = stream.builder.finish(header, &found).map_err(unwritable)?;
        Ok(Reading { record, state, continued })
    }
}

/// Takes the events of a parser: each is redacted before anything of it is kept.
struct Stream<'a> {
    reader: &'a Reader<'a>,
    locator: Locator<'a>,
    builder: RecordBuilder,
    footprint: Footprint,
    settled: Option<(RecordCheckpoint, Footprint)>,
    failed: Option<io::Error>,
}

impl Stream<'_> {
    fn fail(&mut self, error: io::Error) -> ControlFlow<()> {
        self.failed = Some(error);
        ControlFlow::Break(())
    }
}

impl Sink for Stream<'_> {
    fn event(&mut self, event: Event) -> ControlFlow<()> {
        self.goes_on()?;
        let place = self.footprint.place(&event, &mut self.locator);
        let mut found = Findings::default();
        let event = self.reader.redactor.event(event, &mut found);
        self.footprint.add(&event, place.as_ref());
        match self.builder.push(&event, &found) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => self.fail(error),
        }
    }

    fn goes_on(&mut self) -> ControlFlow<()> {
        if Instant::now() < self.reader.deadline { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn settled(&mut self) {
        match self.builder.settle() {
            Ok(record) => self.settled = Some((record, self.footprint.clone())),
            Err(error) => _ = self.fail(error),
        }
    }
}
