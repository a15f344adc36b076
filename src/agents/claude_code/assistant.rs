//! `assistant` records: one block of an API message each, and what the message has cost so far.

use super::content::{Long, Spelled, content, said};
use super::raw::{count, flag, shape, text, words};
use super::reading::{Place, Reading, Thread};
use super::record::{BlockRecord, Message, Record, UsageRecord, blocks};
use super::state::{Increase, Tokens, hash};
use super::subagents::belong_to;
use super::tools;
use super::user::injected;
use crate::agents::capped::{Capped, left_out_note};
use crate::agents::{ParseError, Report, SkipReason};
use crate::session::{Attributes, Content, Event, EventKind, Timestamp, attr};

/// The model of records that the program itself wrote in the model's place.
const SYNTHETIC: &str = "<synthetic>";

impl Reading<'_> {
    /// The events of an `assistant` record.
    pub(super) fn assistant(
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
        self.report.read("assistant");
        if text(message.model).as_deref() == Some(SYNTHETIC) {
            let content = content(message.content, &mut self.report, &mut self.long);
            return Ok(if content.blocks.is_empty() { Vec::new() } else { vec![injected("synthetic", content, now)] });
        }
        let task = self.sidechain(thread, record, None, now)?;
        let mut events: Vec<Event> = if message.content.is_some_and(|content| content.get().starts_with('"')) {
            let said = said(message.content, &mut self.long).unwrap_or_default();
            vec![said_by_agent(Content::text(said), now)]
        } else {
            let Capped { items, left_out } = blocks(message.content);
            let spelled = Spelled::of(message.content);
            let blocks = items.iter().enumerate();
            let (report, long) = (&mut self.report, &mut self.long);
            let events = blocks.filter_map(|block| block_event(thread, &spelled, block, now, place, report, long));
            let mut events: Vec<Event> = events.collect();
            if left_out > 0 {
                self.report.leave_out(left_out);
                events.push(said_by_agent(Content::text(left_out_note(left_out)), now));
            }
            events
        };
        let attributes = self.costs(thread, record, &message);
        if events.is_empty() && !attributes.is_empty() {
            // A message without a word still has its price.
            let kind = EventKind::Custom { kind: "empty-message".to_owned() };
            events.push(Event::new(String::new(), now, kind, Content::empty()));
        }
        if let Some(first) = events.first_mut() {
            first.attributes.extend(attributes);
        }
        belong_to(task.as_ref(), &mut events);
        Ok(events)
    }

    /// What this line says of its API message that no line before has said.
    fn costs(&mut self, thread: &Thread, record: &Record<'_>, message: &Message<'_>) -> Attributes {
        let mut attributes = Attributes::new();
        if let Some(model) = words(message.model) {
            if thread.task.is_none() && !record.is_sidechain() {
                self.state.facts.model = Some(model.clone());
            }
            if self.state.model.as_ref() != Some(&model) {
                attributes.insert(attr::MODEL.to_owned(), model.as_str().into());
                self.state.model = Some(model);
            }
        }
        let Some(id) = words(message.id) else {
            // Nothing to tell two lines of one message by: each is one.
            tell(&mut attributes, tokens(message));
            return attributes;
        };
        let key = hash(b'm', &[&id, &text(record.request_id).unwrap_or_default()]);
        let Increase { is_first, tokens } = self.state.spending.told(key, tokens(message), &mut self.state.seen);
        tell(&mut attributes, tokens);
        if is_first {
            attributes.insert(attr::MESSAGE_ID.to_owned(), id.into());
        }
        attributes
    }
}

fn tokens(message: &Message<'_>) -> Tokens {
    let Some(usage) = shape::<UsageRecord<'_>>(message.usage) else { return Tokens::default() };
    let number = |raw| count(raw).unwrap_or(0);
    Tokens {
        input: number(usage.input),
        output: number(usage.output),
        cache_read: number(usage.cache_read),
        cache_write: number(usage.cache_write),
    }
}

fn tell(attributes: &mut Attributes, tokens: Tokens) {
    let counts = [
        (attr::INPUT_TOKENS, tokens.input),
        (attr::OUTPUT_TOKENS, tokens.output),
        (attr::CACHE_READ_TOKENS, tokens.cache_read),
        (attr::CACHE_WRITE_TOKENS, tokens.cache_write),
    ];
    for (key, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        attributes.insert(key.to_owned(), count.into());
    }
}

fn said_by_agent(content: Content, now: Timestamp) -> Event {
    Event::new(String::new(), now, EventKind::AgentMessage, content)
}

/// The event of one block.
fn block_event(
    thread: &mut Thread,
    spelled: &Spelled<'_>,
    (nth, block): (usize, &BlockRecord<'_>),
    now: Timestamp,
    place: Place,
    report: &mut Report,
    long: &mut Option<Long>,
) -> Option<Event> {
    let event = |kind, content| Some(Event::new(String::new(), now, kind, content));
    let kind = text(block.kind)?;
    match kind.as_ref() {
        "text" => Some(said_by_agent(Content::text(said(block.text, long)?), now)),
        // The signature is of no use to a reader; a thought may be nothing else.
        "thinking" => event(EventKind::Thinking, content(block.thinking, report, long)),
        "redacted_thinking" => event(EventKind::Thinking, Content::empty()),
        "tool_use" | "server_tool_use" | "mcp_tool_use" => {
            let name = words(block.name).unwrap_or_else(|| "unknown".to_owned());
            let id = words(block.id);
            if let Some(id) = &id {
                thread.stream.called(id.clone(), tools::pending(&name, block.input, place.offset));
            }
            let (kind, content) = tools::call(name, block.input);
            let mut call = Event::new(String::new(), now, kind, content);
            if let Some(id) = id {
                call.attributes.insert(attr::CALL_ID.to_owned(), id.into());
            }
            Some(call)
        }
        answer if answer.ends_with("tool_result") => {
            let id = words(block.tool_use_id);
            let call = id.as_ref().and_then(|id| thread.stream.calls.remove(id));
            let name = call.map_or_else(|| "unknown".to_owned(), |call| call.name);
            let kind = EventKind::ToolResult { name, is_error: flag(block.is_error), call_id: id };
            event(kind, content(block.content, report, long))
        }
        other => event(EventKind::Custom { kind: other.chars().take(64).collect() }, spelled.nth(nth, long)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_usage_counts_as_nothing() {
        for usage in ["null", "7", "{}", r#"{"input_tokens":-1,"output_tokens":"9"}"#] {
            let message = format!(r#"{{"usage":{usage}}}"#);
            assert_eq!(tokens(&serde_json::from_str(&message).unwrap()), Tokens::default(), "{usage}");
        }
        let message = r#"{"usage":{"input_tokens":3,"cache_creation_input_tokens":4,"cache_read_input_tokens":5,"output_tokens":6}}"#;
        let read = tokens(&serde_json::from_str(message).unwrap());
        assert_eq!(read, Tokens { input: 3, output: 6, cache_read: 5, cache_write: 4 });
    }
}
