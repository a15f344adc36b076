//! The machine that turns lines into events: what is held back, what is settled, where to go on.
//!
//! Events are numbered in the order they are made. One is held back while a later line may still
//! add to it (the tokens of an answer are told after it) or decide what it is (a prompt's twin comes
//! after it). All before it are handed over and never change. An [`Anchor`] is the place from which the
//! held ones can be made again: reading from there with the state it has gives the same events.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::copy::Verdict;
use super::prompts::Pending;
use super::quick;
use super::record::{self, Payload};
use super::results::OpenPatch;
use super::state::{Facts, Increment, State};
use crate::agents::jsonl::{self, LineEnd};
use crate::agents::long::Hollow;
use crate::agents::unescape;
use crate::agents::{Checkpoint, Report, Sink, SkipReason};
use crate::session::{Attributes, Content, Event, EventKind, Timestamp, attr};

/// The start of a line, and all that was known there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Anchor {
    pub offset: u64,
    /// Events made before it.
    pub events: u64,
    pub state: State,
}

/// What a checkpoint holds besides its offset and count.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Stored {
    pub anchor: Anchor,
    pub facts: Facts,
    pub seam: Seam,
}

/// The last bytes of what has been read, by hash: a log that was written anew has others there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seam {
    pub end: u64,
    pub hash: u64,
}

/// A line of a copy that may be the first prompt after it.
struct HeldLine {
    offset: u64,
    number: u64,
    end: LineEnd,
    text: String,
}

/// The line that a record is, if it is one alone, and how that ends.
#[derive(Clone, Copy)]
struct Text<'a> {
    end: LineEnd,
    text: Option<&'a str>,
}

/// How much is held back at most, waiting for tokens.
const QUEUE: usize = 16;
/// How much of a copy's end is held back at most.
const HELD: usize = 64;
const HELD_BYTES: usize = 8 << 20;

pub(super) struct Machine<'s> {
    sink: &'s mut dyn Sink,
    pub state: State,
    pub facts: Facts,
    pub report: Report,
    /// Events made, and of those the ones that have left the queue.
    made: u64,
    released: u64,
    /// Events that an earlier run has handed over.
    known: u64,
    queue: VecDeque<Event>,
    queue_anchor: Option<Rc<Anchor>>,
    pub pending: Option<Pending>,
    pub patches: VecDeque<OpenPatch>,
    held: VecDeque<HeldLine>,
    held_anchor: Option<Rc<Anchor>>,
    /// Where the line in hand can be read again from.
    start: Rc<Anchor>,
    /// Where it is, and how many events it has become.
    pub offset: u64,
    number: u64,
    in_line: u32,
    kind: String,
}

impl<'s> Machine<'s> {
    /// A machine at an anchor, or at the start of a log, after a run that handed `known` events over.
    pub(super) fn resume(sink: &'s mut dyn Sink, stored: Stored, known: u64) -> Self {
        let Stored { anchor, facts, .. } = stored;
        Self {
            sink,
            state: anchor.state.clone(),
            facts,
            report: Report::default(),
            made: anchor.events,
            released: anchor.events,
            known,
            queue: VecDeque::new(),
            queue_anchor: None,
            pending: None,
            patches: VecDeque::new(),
            held: VecDeque::new(),
            held_anchor: None,
            offset: anchor.offset,
            start: Rc::new(anchor),
            number: 0,
            in_line: 0,
            kind: String::new(),
        }
    }

    /// Asks the sink.
    pub(super) fn goes_on(&mut self) -> ControlFlow<()> {
        self.sink.goes_on()
    }

    /// Reads one line.
    pub(super) fn line(&mut self, line: jsonl::Line<'_>) -> ControlFlow<()> {
        if line.end == LineEnd::TooLong {
            self.report.lines += 1;
            self.report.skip(line.number, SkipReason::TooLong);
            return ControlFlow::Continue(());
        }
        self.report.lines += 1;
        if line.bytes.is_empty() {
            return ControlFlow::Continue(());
        }
        let (text, is_lossy) = line.text();
        if is_lossy {
            self.report.skip(line.number, SkipReason::NotUtf8);
        }
        self.text(line.offset, line.number, line.end, &text)
    }

    /// Reads one line whose text was taken out of it.
    pub(super) fn hollow_line(
        &mut self,
        place: &jsonl::Line<'_>,
        line: &Hollow,
        text: Option<String>,
    ) -> ControlFlow<()> {
        self.report.lines += 1;
        self.begin_line(place.offset, place.number);
        let read = quick::line(line.line());
        let (Some(record::Line { timestamp, kind, payload: Some(mut payload) }), Some(text)) = (read, text) else {
            self.report.skip(place.number, SkipReason::NotJson);
            return ControlFlow::Continue(());
        };
        if let Some(gap) = payload.gap(line) {
            *gap = Cow::Owned(text);
        }
        let at = self.clock(timestamp.0.as_deref());
        // Too long to be held back.
        self.record(kind.str(), &mut payload, at, Text { end: place.end, text: None })
    }

    fn begin_line(&mut self, offset: u64, number: u64) {
        (self.offset, self.number, self.in_line) = (offset, number, 0);
        self.drop_old_patches();
        self.anchor_line();
    }

    fn text(&mut self, offset: u64, number: u64, end: LineEnd, text: &str) -> ControlFlow<()> {
        self.begin_line(offset, number);
        let mut line = Text { end, text: Some(text) };
        if let Some(record::Line { timestamp, kind, payload: Some(mut payload) }) = quick::line(text) {
            let at = self.clock(timestamp.0.as_deref());
            return self.record(kind.str(), &mut payload, at, line);
        }
        let text = &*unescape::without_halves(text);
        let mut values = jsonl::values::<record::Line<'_>>(text, end);
        while let Some(value) = values.next() {
            if line.text.is_some() && !values.is_done() {
                // One of glued records may be for what was held back before the line, and another be
                // held back itself: reading again must begin before both.
                let queued = self.queue_anchor.iter().chain([&self.start]);
                self.start = queued.min_by_key(|anchor| anchor.offset).map_or_else(|| self.start(), Rc::clone);
                line.text = None;
            }
            match value {
                Ok(record::Line { timestamp, kind, payload: Some(mut payload) }) => {
                    let at = self.clock(timestamp.0.as_deref());
                    self.record(kind.str(), &mut payload, at, line)?;
                }
                Ok(_) => return self.bare(end, text),
                Err(reason) => self.report.skip(number, reason),
            }
        }
        ControlFlow::Continue(())
    }

    /// Lines of the first Rust versions are the payload itself: first `{id, timestamp, instructions,
    /// git}`, then items, and `{record_type: "state"}`.
    fn bare(&mut self, end: LineEnd, text: &str) -> ControlFlow<()> {
        let line = Text { end, text: Some(text) };
        for value in jsonl::values::<Payload<'_>>(text, end) {
            let Ok(mut payload) = value else { continue };
            let is_start = is_bare_start(&payload, text);
            let at = self.clock(payload.timestamp.0.as_deref().filter(|_| is_start));
            if is_start && !self.state.started {
                self.state.bare = true;
                self.record("session_meta", &mut payload, at, line)?;
            } else if self.state.bare && payload.tag.filled().is_some() {
                self.record("response_item", &mut payload, at, line)?;
            } else if self.state.bare && payload.record_type.filled().is_some() {
                self.report.ignore("state");
            } else {
                self.report.skip(self.number, SkipReason::BadRecord);
            }
        }
        ControlFlow::Continue(())
    }

    /// The moment of a record; of one without, that of the record before.
    fn clock(&mut self, stamp: Option<&str>) -> Timestamp {
        let before = self.state.now.unwrap_or(Timestamp::EPOCH);
        let at = match stamp.map(str::parse) {
            Some(Ok(at)) => at,
            None if self.state.bare => before,
            Some(Err(_)) | None => {
                self.report.skip(self.number, SkipReason::BadTimestamp);
                before
            }
        };
        self.state.now = Some(at);
        at
    }

    fn record(&mut self, kind: &str, payload: &mut Payload<'_>, at: Timestamp, line: Text<'_>) -> ControlFlow<()> {
        self.facts.is_codex |= super::stream::is_known(kind);
        if self.state.copy.active && self.is_copied(kind, payload, at, line)? {
            self.absorb(kind, payload, at);
            self.report.ignore("copied");
            return ControlFlow::Continue(());
        }
        if at != Timestamp::EPOCH {
            self.facts.saw(at);
        }
        let tag = payload.tag.0.clone().unwrap_or_default();
        self.report.leave_out(payload.content.1 + payload.summary.1);
        let used = self.take(kind, payload, at)?;
        self.kind.clear();
        self.kind.push_str(kind);
        if !tag.is_empty() {
            self.kind.push('/');
            self.kind.push_str(&tag);
        }
        if used {
            self.report.read(&self.kind);
        } else {
            self.report.ignore(&self.kind);
        }
        ControlFlow::Continue(())
    }

    /// Whether a record is part of a copied history. If it ends the copy, the held lines that are the
    /// session's own are read first.
    fn is_copied(&mut self, kind: &str, payload: &Payload<'_>, at: Timestamp, line: Text<'_>) -> ControlFlow<(), bool> {
        let verdict = super::stream::judge(&mut self.state.copy, kind, payload, at);
        match verdict {
            Verdict::Copied => self.let_go(),
            Verdict::Held { alone } => {
                if alone {
                    self.let_go();
                }
                self.hold(line);
            }
            Verdict::Skipped => {
                if !self.held.is_empty() {
                    self.hold(line);
                }
            }
            Verdict::Own { with_held } => {
                if !with_held {
                    self.let_go();
                }
                self.read_held()?;
                return ControlFlow::Continue(false);
            }
        }
        ControlFlow::Continue(true)
    }

    fn hold(&mut self, Text { end, text }: Text<'_>) {
        // A glued line is not worth taking apart.
        let Some(text) = text else { return self.let_go() };
        if self.held.is_empty() {
            self.held_anchor = Some(Rc::clone(&self.start));
        }
        self.held.push_back(HeldLine { offset: self.offset, number: self.number, end, text: text.to_owned() });
        while self.held.len() > HELD || self.held.iter().map(|line| line.text.len()).sum::<usize>() > HELD_BYTES {
            self.held.pop_front();
        }
    }

    fn let_go(&mut self) {
        self.held.clear();
        self.held_anchor = None;
    }

    /// Reads the held lines as the session's own, then goes on with the line in hand.
    fn read_held(&mut self) -> ControlFlow<()> {
        let (offset, number, in_line, start) = (self.offset, self.number, self.in_line, Rc::clone(&self.start));
        let held = std::mem::take(&mut self.held);
        self.held_anchor = None;
        let now = self.state.now;
        for line in held.iter().filter(|line| line.offset != offset) {
            self.text(line.offset, line.number, line.end, &line.text)?;
        }
        self.state.now = now;
        (self.offset, self.number, self.in_line) = (offset, number, in_line);
        self.start = self.earliest().unwrap_or(start);
        ControlFlow::Continue(())
    }

    /// Where the line in hand can be read again from.
    pub(super) fn start(&self) -> Rc<Anchor> {
        Rc::clone(&self.start)
    }

    /// The start of the line in hand as it can be read again.
    fn anchor_line(&mut self) {
        if let Some(earliest) = self.earliest() {
            self.start = earliest;
        } else if let Some(unused) = Rc::get_mut(&mut self.start) {
            (unused.offset, unused.events) = (self.offset, self.made);
            unused.state.copy_from(&self.state);
        } else {
            self.start = self.anchor();
        }
    }

    /// The state as it is.
    fn anchor(&self) -> Rc<Anchor> {
        Rc::new(Anchor { offset: self.offset, events: self.made, state: self.state.clone() })
    }

    /// The anchor of whatever is open across lines: reading again must begin before all of it.
    fn earliest(&self) -> Option<Rc<Anchor>> {
        let patch = self.patches.front().map(|open| &open.anchor);
        let pending = self.pending.as_ref().map(|pending| &pending.anchor);
        let open = [patch, pending, self.held_anchor.as_ref()];
        open.into_iter().flatten().min_by_key(|anchor| anchor.offset).map(Rc::clone)
    }

    /// Where reading can go on, once everything before `end` has been read: to be asked for before
    /// anything provisional is made.
    pub(super) fn settle(&mut self, end: u64) -> Settled {
        self.sink.settled();
        self.offset = end;
        let open = self.earliest().into_iter().chain(self.queue_anchor.clone());
        let anchor = open.min_by_key(|anchor| anchor.offset).unwrap_or_else(|| self.anchor());
        Settled { anchor: Rc::unwrap_or_clone(anchor), facts: self.facts.clone(), events: self.released }
    }

    /// Hands over everything that was held back: nothing comes after it.
    pub(super) fn finish(&mut self) -> ControlFlow<()> {
        if self.state.copy.active && self.state.copy.may_be_own() {
            self.state.copy.active = false;
            self.read_held()?;
        }
        self.flush_pending()?;
        if !self.state.carried.is_zero() {
            let (id, at) = (format!("o{}.usage", self.offset), self.state.now.unwrap_or(Timestamp::EPOCH));
            let kind = EventKind::Custom { kind: "usage".to_owned() };
            let mut event = Event::new(id, at, kind, Content::empty());
            std::mem::take(&mut self.state.carried).write(&mut event.attributes);
            self.push(event, false)?;
        }
        self.release()
    }

    /// The id of the next event of the line in hand.
    pub(super) fn next_id(&mut self) -> String {
        let mut id = String::with_capacity(16);
        id.push('o');
        id.push_str(&self.offset.to_string());
        if self.in_line > 0 {
            id.push('.');
            id.push_str(&self.in_line.to_string());
        }
        self.in_line += 1;
        id
    }

    /// Makes an event of the line in hand.
    pub(super) fn emit(
        &mut self,
        at: Timestamp,
        kind: EventKind,
        content: Content,
        attributes: Attributes,
    ) -> ControlFlow<()> {
        let mut event = Event::new(self.next_id(), at, kind, content);
        event.attributes = attributes;
        self.emit_event(event)
    }

    /// Adds to an event what has changed since the one before, and puts it in its place.
    pub(super) fn emit_event(&mut self, mut event: Event) -> ControlFlow<()> {
        let by_model = event.kind.is_call() || matches!(event.kind, EventKind::AgentMessage | EventKind::Thinking);
        if self.state.told_cwd != self.state.cwd {
            self.state.told_cwd = self.state.cwd;
            if let Some(cwd) = self.facts.name_at(self.state.cwd) {
                event.attributes.insert(attr::CWD.to_owned(), cwd.into());
            }
        }
        if by_model {
            self.facts.model = self.state.model.or(self.facts.model);
            if self.state.told_model != self.state.model {
                self.state.told_model = self.state.model;
                if let Some(model) = self.facts.name_at(self.state.model) {
                    event.attributes.insert(attr::MODEL.to_owned(), model.into());
                }
            }
            std::mem::take(&mut self.state.carried).write(&mut event.attributes);
        }
        self.push(event, by_model)
    }

    /// The queue holds the last event by the model, which may still get its tokens, and what came
    /// after it.
    fn push(&mut self, event: Event, by_model: bool) -> ControlFlow<()> {
        if by_model || self.queue.len() >= QUEUE || event.kind == EventKind::UserMessage {
            self.release()?;
        }
        self.made += 1;
        if !by_model && self.queue.is_empty() {
            return self.hand_over(event);
        }
        if by_model {
            self.queue_anchor = Some(Rc::clone(&self.start));
        }
        self.queue.push_back(event);
        ControlFlow::Continue(())
    }

    /// Hands everything in the queue over.
    pub(super) fn release(&mut self) -> ControlFlow<()> {
        self.queue_anchor = None;
        while let Some(event) = self.queue.pop_front() {
            self.hand_over(event)?;
        }
        ControlFlow::Continue(())
    }

    fn hand_over(&mut self, event: Event) -> ControlFlow<()> {
        self.released += 1;
        if self.released <= self.known { ControlFlow::Continue(()) } else { self.sink.event(event) }
    }

    /// Tokens of the answer that the queue begins with; else of the next one.
    pub(super) fn spend(&mut self, tokens: Increment) -> ControlFlow<()> {
        match self.queue.front_mut() {
            Some(event) => tokens.write(&mut event.attributes),
            None => self.state.carried.add(tokens),
        }
        self.release()
    }
}

/// Whether a line is the first of a log without envelopes: `{id, timestamp, instructions, git}`.
pub(super) fn is_bare_start(payload: &Payload<'_>, text: &str) -> bool {
    let has_id = payload.tag.0.is_none() && payload.id.filled().is_some() && payload.timestamp.filled().is_some();
    has_id && (payload.git.0.is_some() || text.contains("\"instructions\""))
}

/// What a log has become, up to where it can be read on.
pub(super) struct Settled {
    pub anchor: Anchor,
    pub facts: Facts,
    pub events: u64,
}

impl Settled {
    /// As a checkpoint.
    pub(super) fn checkpoint(self, seam: Seam) -> Checkpoint {
        let Self { anchor, facts, events } = self;
        let offset = anchor.offset;
        // Plain data: it cannot fail to be a value.
        let state = serde_json::to_value(Stored { anchor, facts, seam }).unwrap_or_default();
        Checkpoint { version: super::VERSION, offset, events, state }
    }
}
