//! `user` records: what a human typed, what tools answered, and what was slipped in between.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::content::{Spelled, content};
use super::human::{self, Voice};
use super::raw::{Raw, count, flag, shape, text, words};
use super::reading::{Place, Reading, Thread};
use super::record::{BlockRecord, Record, TaskResult, blocks};
use super::state::{Call, hash};
use super::subagents::{Ending, belong_to};
use super::{edits, tools};
use crate::agents::capped::{Capped, left_out_note};
use crate::agents::jsonl::{self, values};
use crate::agents::{ParseError, SkipReason};
use crate::session::{Block, Content, Event, EventKind, Timestamp, attr};

/// The `injected` of what stands beside a tool's answer: a remark on it, or that it was interrupted.
const BESIDE_A_RESULT: &str = "tool-result";

impl Reading<'_> {
    /// The events of a `user` record.
    pub(super) fn user(
        &mut self,
        thread: &mut Thread,
        record: &Record<'_>,
        now: Timestamp,
        place: Place,
    ) -> Result<Vec<Event>, ParseError> {
        let Some(message) = record.message() else {
            self.report.skip(place.line, SkipReason::BadRecord);
            return Ok(Vec::new());
        };
        self.report.read("user");
        let task = self.sidechain(thread, record, message.content, now)?;
        let mut events = Vec::new();
        let Capped { items: blocks, left_out } = blocks(message.content);
        let results = blocks.iter().filter(|block| is_result(block)).count();
        if results == 0 {
            self.said(thread, record, message.content, now, &mut events)?;
        }
        let spelled = Spelled::of(message.content);
        let mut inputs = Inputs::default();
        for (nth, block) in blocks.iter().enumerate().filter(|_| results > 0) {
            if is_result(block) {
                // What the record tells beside the answer belongs to its only one.
                let rich = record.tool_use_result.filter(|_| results == 1);
                self.result(thread, block, rich, now, &mut inputs, &mut events)?;
            } else {
                events.push(injected(BESIDE_A_RESULT, spelled.nth(nth, &mut self.long), now));
            }
        }
        if results > 0 && left_out > 0 {
            self.report.leave_out(left_out);
            events.push(injected(BESIDE_A_RESULT, Content::text(left_out_note(left_out)), now));
        }
        belong_to(task.as_ref(), &mut events);
        Ok(events)
    }

    /// A text or an image, by whomever.
    fn said(
        &mut self,
        thread: &mut Thread,
        record: &Record<'_>,
        raw: Raw<'_>,
        now: Timestamp,
        events: &mut Vec<Event>,
    ) -> Result<(), ParseError> {
        let content = content(raw, &mut self.report, &mut self.long);
        if content.blocks.is_empty() {
            self.report.ignore("user/empty");
            return Ok(());
        }
        let is_agent = thread.is_agent || record.is_sidechain();
        let voice = match human::by_flags(record) {
            Voice::Human if is_agent => Voice::Injected("task-prompt".to_owned()),
            voice => voice,
        };
        if content.texts().next().is_some_and(|said| thread.stream.queue.is_told(said, now)) {
            self.report.ignore("duplicate");
            return Ok(());
        }
        self.spoken(thread, voice, content, now, events)
    }

    /// A text or an image in a voice that flags have told so far.
    pub(super) fn spoken(
        &mut self,
        thread: &mut Thread,
        voice: Voice,
        content: Content,
        now: Timestamp,
        events: &mut Vec<Event>,
    ) -> Result<(), ParseError> {
        if let Some(notice) = content.texts().next().and_then(human::notification) {
            let ending = Ending { at: now, summary: notice.summary, duration_ms: None };
            self.notified(thread, &notice.task, ending)?;
        }
        match voice {
            Voice::Injected(by) => events.push(injected(&by, content, now)),
            Voice::Human => events.extend(told_apart(content, now)),
        }
        Ok(())
    }

    /// What a tool answered, and what it changed.
    fn result(
        &mut self,
        thread: &mut Thread,
        block: &BlockRecord<'_>,
        rich: Raw<'_>,
        now: Timestamp,
        inputs: &mut Inputs,
        events: &mut Vec<Event>,
    ) -> Result<(), ParseError> {
        let id = words(block.tool_use_id);
        let call = id.as_ref().and_then(|id| thread.stream.calls.remove(id));
        let content = content(block.content, &mut self.report, &mut self.long);
        let is_error = flag(block.is_error);
        self.task_result(thread, id.as_deref(), call.as_ref(), rich, &content, now)?;

        let name = call.as_ref().map_or("unknown", |call| call.name.as_str()).to_owned();
        let change = match id.as_deref() {
            Some(id) if !is_error && edits::is_edit(&name) && self.state.seen.insert(hash(b'e', &[id])) => {
                let said = content.texts().next().unwrap_or_default();
                let line = call.as_ref().map_or(0, |call| call.line);
                edits::change(&name, rich, said, &mut self.long, || inputs.take(thread, line, id))
            }
            _ => None,
        };
        let exit_code = tools::exit_code(&name, &content);
        let kind = EventKind::ToolResult { name, is_error, call_id: id.clone() };
        let mut answer = Event::new(String::new(), now, kind, content);
        if let Some(code) = exit_code {
            answer.attributes.insert(attr::EXIT_CODE.to_owned(), code.into());
        }
        events.push(answer);
        if let (Some((kind, content)), Some(id)) = (change, id) {
            let mut edit = Event::new(String::new(), now, kind, content);
            edit.attributes.insert(attr::CALL_ID.to_owned(), id.into());
            events.push(edit);
        }
        Ok(())
    }

    /// Joins a subagent whose end, or whose beginning, this answer tells.
    fn task_result(
        &mut self,
        thread: &mut Thread,
        id: Option<&str>,
        call: Option<&Call>,
        rich: Raw<'_>,
        content: &Content,
        now: Timestamp,
    ) -> Result<(), ParseError> {
        let title = call.and_then(|call| call.task.as_ref()).and_then(|(title, _)| title.clone());
        let is_task = call.is_some_and(|call| tools::starts_task(&call.name));
        let told = rich.filter(|_| call.is_none_or(|call| !tools::runs_no_task(&call.name)));
        let told = told.filter(|told| told.get().starts_with('{')).and_then(|told| shape::<TaskResult<'_>>(Some(told)));
        let summary = content.texts().find_map(human::first_line);
        if let Some(told) = told
            && let Some(agent) = words(told.agent_id)
        {
            if told.is_launch() {
                self.launched(&agent, title);
                return Ok(());
            }
            let ending = Ending { at: now, summary, duration_ms: count(told.total_duration_ms) };
            return self.ended(thread, &agent, title, ending);
        }
        if is_task && let Some(id) = id {
            let prompt = call.and_then(|call| call.task.as_ref()).map(|(_, prompt)| *prompt);
            let ending = Ending { at: now, summary, duration_ms: None };
            return self.ended_without_id(thread, id, prompt, title, ending);
        }
        Ok(())
    }
}

impl TaskResult<'_> {
    /// Whether the subagent has only been started: it will be told of when it stops.
    fn is_launch(&self) -> bool {
        let status = text(self.status).unwrap_or_default();
        flag(self.is_async) || status.ends_with("launched") || status.ends_with("spawned")
    }
}

fn is_result(block: &BlockRecord<'_>) -> bool {
    text(block.kind).as_deref() == Some("tool_result")
}

/// A text that no human typed.
pub(super) fn injected(by: &str, content: Content, now: Timestamp) -> Event {
    let mut event = Event::new(String::new(), now, EventKind::SystemMessage, content);
    event.attributes.insert(attr::INJECTED.to_owned(), by.into());
    event
}

/// What a human sent, apart from what the interface put around it.
fn told_apart(content: Content, now: Timestamp) -> Vec<Event> {
    let mut events = Vec::new();
    let mut typed = Content::empty();
    for block in content.blocks {
        let voice = match &block {
            Block::Text { text } => human::by_prefix(text),
            _ => Voice::Human,
        };
        match voice {
            Voice::Human => typed.blocks.push(block),
            Voice::Injected(by) => events.push(injected(&by, Content { blocks: vec![block] }, now)),
        }
    }
    let is_said = typed.blocks.iter().any(|block| !matches!(block, Block::Text { text } if text.trim().is_empty()));
    if is_said {
        events.push(Event::new(String::new(), now, EventKind::UserMessage, typed));
    }
    events
}

/// The inputs of the calls on one line, read again once for all that a record answers.
#[derive(Default)]
struct Inputs {
    line: Option<u64>,
    by_id: BTreeMap<String, Box<RawValue>>,
}

impl Inputs {
    /// The input of a call that is on the line at this offset.
    fn take(&mut self, thread: &Thread, line: u64, id: &str) -> Option<Box<RawValue>> {
        if self.line != Some(line) {
            *self = Self { line: Some(line), by_id: inputs_on(thread, line).unwrap_or_default() };
        }
        self.by_id.remove(id)
    }
}

fn inputs_on(thread: &Thread, line: u64) -> Option<BTreeMap<String, Box<RawValue>>> {
    let mut lines = jsonl::open(&thread.path).ok()?.lines(line).ok()?;
    let line = lines.read().ok()??;
    let (text, _) = line.text();
    let records = values::<Record<'_>>(&text, line.end).flatten();
    let blocks = records.filter_map(|record| Some(blocks(record.message()?.content).items)).flatten();
    Some(blocks.filter_map(|block| Some((words(block.id)?, block.input?.to_owned()))).collect())
}
