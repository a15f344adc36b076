//! One pass over a log: lines become records, records events, and events go to the sink.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::Value;

use super::content::{Long, asks_for};
use super::raw::text;
use super::record::Record;
use super::state::{Beginning, LastLine, REMEMBERED, State, Stream, hash};
use super::{edits, header, human, subagents};
use crate::agents::distance::Distance;
use crate::agents::jsonl::{self, Line, LineEnd, Lines, OpenLog, values};
use crate::agents::long::{Hollow, LONG};
use crate::agents::{Checkpoint, ParseError, Parsed, Report, Sink, SkipReason};
use crate::session::{Event, EventKind, Timestamp, attr};

/// A log being read.
pub(super) struct Reading<'s> {
    sink: &'s mut dyn Sink,
    /// The session's log.
    pub path: PathBuf,
    pub state: State,
    pub report: Report,
    /// The text that was taken out of the line in hand.
    pub long: Option<Long>,
    /// The subagents' files, by the agent's id.
    pub agent_files: BTreeMap<String, PathBuf>,
    /// The call that each says it answers, and the hash of what it was told, of those that were asked for.
    pub agents_told: BTreeMap<String, (Option<String>, Option<u64>)>,
    /// Subagents whose files are being read just now, each inside the one before.
    pub open_agents: Vec<String>,
    events: u64,
    phase: Phase,
    /// Whether there was a record of this agent.
    recognised: bool,
}

/// Whether what is handed over may still change when the log grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Settled,
    /// The checkpoint is taken; the sink need not know before another event comes.
    Closing,
    Provisional,
    /// No record tells a time yet: a later one may, and then all events have that.
    Timeless,
}

/// One file being read: the log itself, or a subagent's.
pub(super) struct Thread {
    pub path: PathBuf,
    /// The subagent's id.
    pub task: Option<String>,
    /// Whether no human speaks here.
    pub is_agent: bool,
    /// The start of its task, if that is still to come: before the next event of this file.
    pub start: Option<Start>,
    pub stream: Stream,
}

/// The start of a task that has not been handed over.
pub(super) struct Start {
    pub title: Option<String>,
}

/// Where in its file a record is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The number of its line, for the report.
    pub line: u64,
    /// The byte its line starts at.
    pub offset: u64,
    /// Which one on its line it is, from 0.
    pub nth: usize,
}

/// The session id that a log's name says: the one to trust.
pub(super) fn session_id(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Hands the events of a log to the sink; see [`crate::agents::LogParser::parse`].
pub(super) fn parse(
    version: u32,
    path: &Path,
    from: Option<&Checkpoint>,
    sink: &mut dyn Sink,
) -> Result<Parsed, ParseError> {
    let failed = |source| ParseError::Read { path: path.to_owned(), source };
    let mut log = jsonl::open(path)?;
    let state = match from {
        Some(checkpoint) => resumed(version, checkpoint, &mut log, path)?,
        None => State::default(),
    };
    let mut reading = Reading {
        sink,
        path: path.to_owned(),
        state,
        report: Report::default(),
        long: None,
        agent_files: super::discover::agent_files(path),
        agents_told: BTreeMap::new(),
        open_agents: Vec::new(),
        events: from.map_or(0, |checkpoint| checkpoint.events),
        phase: Phase::Settled,
        recognised: from.is_some_and(|checkpoint| checkpoint.offset > 0),
    };
    let mut thread = Thread {
        path: path.to_owned(),
        task: None,
        is_agent: session_id(path).starts_with("agent-"),
        start: None,
        stream: std::mem::take(&mut reading.state.main),
    };
    let mut lines = log.lines(from.map_or(0, |checkpoint| checkpoint.offset)).map_err(failed)?;
    let (mut checkpoint, mut last_line, mut distance) = (None, Beginning::default(), Distance::default());
    while let Some(line) = lines.read().map_err(failed)? {
        reading.goes_on(&mut distance, &line)?;
        if line.end == LineEnd::Open {
            reading.state.last_line = last_line.remembered().or(reading.state.last_line);
            checkpoint = Some(reading.checkpoint(version, line.offset, &mut thread));
        } else {
            last_line.keep(&line);
        }
        let (place, length) = (Line { bytes: &[], ..line }, line.bytes.len());
        match hollow(line.bytes, &thread) {
            Some(hollow) => reading.hollow_line(&mut thread, &mut lines, (&place, length), hollow, None)?,
            None => reading.line(&mut thread, &line, None)?,
        };
    }
    let offset = lines.offset();
    reading.state.last_line = last_line.remembered().or(reading.state.last_line);
    let checkpoint = match checkpoint {
        _ if reading.phase == Phase::Timeless => {
            let state = serde_json::to_value(State::default()).unwrap_or(Value::Null);
            Checkpoint { version, offset: 0, events: 0, state }
        }
        Some(checkpoint) => checkpoint,
        None => reading.checkpoint(version, offset, &mut thread),
    };
    reading.unfinished_agents(&mut thread)?;
    if !reading.recognised {
        return Err(ParseError::NotThisAgent { path: path.to_owned(), agent: super::NAME });
    }
    Ok(Parsed { header: header::of(&reading.state, path), report: reading.report, checkpoint })
}

/// A long line without its longest text, if that is one that a message of it says, or that a file was made of.
pub(super) fn hollow(line: &[u8], thread: &Thread) -> Option<Hollow> {
    let hollow = if line.len() >= LONG { Hollow::of(line)? } else { return None };
    let mut records = values::<Record<'_>>(hollow.line(), LineEnd::Terminated);
    let record = records.next()?.ok().filter(|_| records.is_done())?;
    // Of a subagent in its parent's log the first text is asked for twice.
    let is_message =
        matches!(text(record.kind)?.as_ref(), "user" | "assistant") && (thread.is_agent || !record.is_sidechain());
    let is_said = || record.message().is_some_and(|message| asks_for(&message, &hollow));
    let is_asked_for = is_message && (is_said() || edits::asks_for(record.tool_use_result, &hollow));
    is_asked_for.then_some(hollow)
}

/// The state of a checkpoint, if the log still is the one it was made from.
fn resumed(version: u32, checkpoint: &Checkpoint, log: &mut OpenLog, path: &Path) -> Result<State, ParseError> {
    let changed = || ParseError::Stale { path: path.to_owned() };
    if checkpoint.version != version || checkpoint.offset > log.size {
        return Err(changed());
    }
    let state: State = serde_json::from_value(checkpoint.state.clone()).map_err(|_| changed())?;
    let Some(known) = state.last_line else { return Ok(state) };
    let mut bytes = Vec::new();
    let read = log
        .file
        .seek(SeekFrom::Start(known.offset))
        .and_then(|_| log.file.by_ref().take(LastLine::HASHED as u64).read_to_end(&mut bytes));
    read.map_err(|source| ParseError::Read { path: path.to_owned(), source })?;
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    if LastLine::hashed(line) == known.hash { Ok(state) } else { Err(changed()) }
}

impl Reading<'_> {
    /// Where to go on. From here on everything is provisional.
    fn checkpoint(&mut self, version: u32, offset: u64, thread: &mut Thread) -> Checkpoint {
        if self.phase == Phase::Settled {
            self.phase = Phase::Closing;
        }
        self.state.main = std::mem::take(&mut thread.stream);
        let state = serde_json::to_value(&self.state).unwrap_or(Value::Null);
        thread.stream = std::mem::take(&mut self.state.main);
        Checkpoint { version, offset, events: self.events, state }
    }

    /// Asks the sink, now and then.
    pub fn goes_on(&mut self, distance: &mut Distance, line: &Line<'_>) -> Result<(), ParseError> {
        let is_stopped = distance.is_far(line) && self.sink.goes_on().is_break();
        if is_stopped { Err(ParseError::Stopped) } else { Ok(()) }
    }

    /// Reads the records of one line. With a moment, only if the line was written up to then:
    /// `false` if it was not.
    pub fn line(&mut self, thread: &mut Thread, line: &Line<'_>, until: Option<Timestamp>) -> Result<bool, ParseError> {
        let (text, is_lossy) = line.text();
        if until.is_some_and(|until| is_later(&text, line.end, until)) {
            return Ok(false);
        }
        self.report.lines += 1;
        if line.end == LineEnd::TooLong {
            self.report.skip(line.number, SkipReason::TooLong);
        }
        let mut is_whole = true;
        // One by one: a line of nothing but glued braces has more records than there is memory for.
        for (nth, record) in values::<Record<'_>>(&text, line.end).enumerate() {
            match record {
                Ok(record) => {
                    self.record(thread, &record, Place { line: line.number, offset: line.offset, nth })?;
                }
                Err(reason) => {
                    is_whole = false;
                    self.report.skip(line.number, reason);
                }
            }
        }
        if is_lossy && is_whole {
            self.report.skip(line.number, SkipReason::NotUtf8);
        }
        Ok(true)
    }

    /// Does what [`Reading::line`] does with the line that was read last, which is so long: takes its text out of it.
    pub fn hollow_line(
        &mut self,
        thread: &mut Thread,
        lines: &mut Lines<impl Read>,
        (line, length): (&Line<'_>, usize),
        hollow: Hollow,
        until: Option<Timestamp>,
    ) -> Result<bool, ParseError> {
        if until.is_some_and(|until| is_later(hollow.line(), line.end, until)) {
            return Ok(false);
        }
        self.report.lines += 1;
        let hollow = Rc::new(hollow);
        let text = hollow.text(lines.part_with(length));
        self.long = text.map(|text| Long { line: Rc::clone(&hollow), text });
        let record = values::<Record<'_>>(hollow.line(), line.end).next().filter(|_| self.long.is_some());
        match record {
            Some(Ok(record)) => {
                self.record(thread, &record, Place { line: line.number, offset: line.offset, nth: 0 })?;
            }
            Some(Err(reason)) => self.report.skip(line.number, reason),
            None => self.report.skip(line.number, SkipReason::NotJson),
        }
        self.long = None;
        Ok(true)
    }

    fn record(&mut self, thread: &mut Thread, record: &Record<'_>, place: Place) -> Result<(), ParseError> {
        let at = moment(record);
        if let Some(at) = at {
            thread.stream.last = Some(at);
            self.state.facts.span(at);
        }
        self.learn(thread, record);
        let Some(kind) = text(record.kind) else {
            self.report.skip(place.line, SkipReason::BadRecord);
            return Ok(());
        };
        let has_events =
            matches!(kind.as_ref(), "user" | "assistant" | "attachment" | "system" | "pr-link" | "queue-operation");
        if has_events && let Some(uuid) = text(record.uuid).filter(|uuid| !uuid.is_empty()) {
            // History that was copied into the same file.
            if !self.state.seen.insert(hash(b'u', &[&uuid])) {
                self.report.ignore("duplicate");
                return Ok(());
            }
        }
        self.recognised |= super::recognise::is_ours(record) != Some(false);
        let now = match at.or(thread.stream.last) {
            Some(at) => at,
            None if has_events => {
                let earliest = self.earliest(thread);
                *thread.stream.last.insert(earliest)
            }
            None => Timestamp::EPOCH,
        };
        let events = match kind.as_ref() {
            "user" => self.user(thread, record, now, place)?,
            "assistant" => self.assistant(thread, record, now, place)?,
            _ => self.aside(thread, &kind, record, now)?,
        };
        if at.is_none() && !events.is_empty() {
            self.report.skip(place.line, SkipReason::BadTimestamp);
        }
        self.hand_over(thread, record, events, place)
    }

    /// Takes what a record says of the session as a whole.
    fn learn(&mut self, thread: &Thread, record: &Record<'_>) {
        let facts = &mut self.state.facts;
        if let Some(cwd) = text(record.cwd).filter(|cwd| !cwd.is_empty()) {
            facts.was_in(&cwd);
        }
        if thread.task.is_some() {
            return;
        }
        if let Some(version) = text(record.version)
            && facts.version.as_deref() != Some(&version)
            && !version.is_empty()
        {
            facts.version = Some(version.into_owned());
        }
        if facts.branch.is_none() {
            facts.branch = super::raw::words(record.git_branch);
        }
        if let Some(id) = text(record.session_id)
            && !facts.related.contains(id.as_ref())
            && facts.related.len() < REMEMBERED
            && !id.is_empty()
        {
            facts.related.insert(id.into_owned());
        }
    }

    /// The earliest moment that the first records tell: for events before any of them.
    fn earliest(&mut self, thread: &Thread) -> Timestamp {
        let origin = super::recognise::origin(&thread.path).ok().flatten();
        let told = origin.and_then(|origin| origin.started).or(self.state.facts.created);
        if told.is_none() && self.phase != Phase::Timeless {
            if self.phase != Phase::Provisional {
                self.sink.settled();
            }
            self.phase = Phase::Timeless;
        }
        told.unwrap_or(Timestamp::EPOCH)
    }

    /// Names the events of one record and hands them over.
    fn hand_over(
        &mut self,
        thread: &mut Thread,
        record: &Record<'_>,
        mut events: Vec<Event>,
        place: Place,
    ) -> Result<(), ParseError> {
        let Some(first) = events.first_mut() else { return Ok(()) };
        if let Some(cwd) = text(record.cwd).filter(|cwd| !cwd.is_empty())
            && self.state.cwd.as_deref() != Some(&cwd)
        {
            let cwd = cwd.into_owned();
            first.attributes.insert(attr::CWD.to_owned(), cwd.clone().into());
            self.state.cwd = Some(cwd);
        }
        let base = event_id(thread, record, place);
        for (nth, mut event) in events.into_iter().enumerate() {
            event.event_id = if nth == 0 { base.clone() } else { format!("{base}/{nth}") };
            self.emit(thread, event)?;
        }
        Ok(())
    }

    /// Hands one event over, after the start of its task if that is still to come.
    pub fn emit(&mut self, thread: &mut Thread, mut event: Event) -> Result<(), ParseError> {
        if event.task_id.is_none() {
            event.task_id.clone_from(&thread.task);
        }
        if let (Some(start), Some(task)) = (thread.start.take(), thread.task.as_deref()) {
            self.deliver(subagents::task_start(task, start.title, event.timestamp))?;
        }
        self.deliver(event)
    }

    fn deliver(&mut self, event: Event) -> Result<(), ParseError> {
        if event.kind == EventKind::UserMessage && self.state.facts.first_prompt.is_none() {
            self.state.facts.first_prompt = event.content.texts().find_map(human::first_line);
        }
        if self.phase == Phase::Closing {
            self.sink.settled();
            self.phase = Phase::Provisional;
        }
        self.events += 1;
        match self.sink.event(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ParseError::Stopped),
        }
    }
}

/// Whether a line was written after a moment, or is still being written.
fn is_later(text: &str, end: LineEnd, until: Timestamp) -> bool {
    let (mut first, mut is_torn) = (None, false);
    for record in values::<Record<'_>>(text, end) {
        match record {
            Ok(record) => first = first.or_else(|| moment(&record)),
            Err(reason) => is_torn |= reason == SkipReason::Torn,
        }
    }
    is_torn || first.is_some_and(|at| at > until)
}

/// When a record was written, if it says so readably.
pub(super) fn moment(record: &Record<'_>) -> Option<Timestamp> {
    text(record.timestamp)?.parse().ok()
}

/// The id of a record's first event: its own, or one made of its place.
fn event_id(thread: &Thread, record: &Record<'_>, place: Place) -> String {
    if let Some(uuid) = text(record.uuid).filter(|uuid| super::discover::is_plain(uuid)) {
        return uuid.into_owned();
    }
    let file = thread.task.as_deref().unwrap_or_default();
    match place.nth {
        0 => format!("{file}@{}", place.offset),
        nth => format!("{file}@{}.{nth}", place.offset),
    }
}
