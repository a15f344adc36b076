//! Records beside the conversation: attachments, notices, titles, and a lot of noise.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::content::content;
use super::human::{self, Voice};
use super::raw::{Raw, json, shape, text, words};
use super::reading::{Reading, Thread};
use super::record::{Attachment, Record};
use super::state::hash;
use super::user::injected;
use crate::agents::ParseError;
use crate::session::{Block, Content, Event, EventKind, Timestamp, attr};

/// A type is counted under its own name if it is short, as all known ones are, and while there are not too many.
const LONGEST_NAME: usize = 64;
const MOST_NAMES: usize = 256;

/// The name to count a type under.
fn countable<'a>(name: &'a str, counts: &BTreeMap<String, u64>) -> &'a str {
    let fits = name.len() <= LONGEST_NAME && (counts.len() < MOST_NAMES || counts.contains_key(name));
    if fits { name } else { "other" }
}

impl Reading<'_> {
    /// The events of a record that is neither `user` nor `assistant`.
    pub(super) fn aside(
        &mut self,
        thread: &mut Thread,
        kind: &str,
        record: &Record<'_>,
        now: Timestamp,
    ) -> Result<Vec<Event>, ParseError> {
        match kind {
            "attachment" => return self.attachment(thread, record, now),
            "system" => return Ok(self.notice(record, now)),
            "queue-operation" => return self.queue(thread, record, now),
            "pr-link" => return Ok(self.pull_request(record, now)),
            "custom-title" if thread.task.is_none() => {
                self.report.read(kind);
                let title = text(record.custom_title).and_then(|title| human::first_line(&title));
                self.state.facts.custom_title = title.or(self.state.facts.custom_title.take());
            }
            "summary" if thread.task.is_none() => {
                self.report.read(kind);
                if let Some(summary) = text(record.summary).and_then(|summary| human::first_line(&summary)) {
                    let leaf = hash(b'u', &[&text(record.leaf_uuid).unwrap_or_default()]);
                    self.state.facts.summed_up(leaf, summary);
                }
            }
            other => self.ignored(other, None),
        }
        Ok(Vec::new())
    }

    pub(super) fn ignored(&mut self, kind: &str, subtype: Option<&str>) {
        let name = subtype.map_or_else(|| kind.to_owned(), |subtype| format!("{kind}/{subtype}"));
        self.report.ignore(countable(&name, &self.report.ignored));
    }

    fn counted(&mut self, raw_type: &str) {
        self.report.read(countable(raw_type, &self.report.records));
    }

    fn attachment(
        &mut self,
        thread: &mut Thread,
        record: &Record<'_>,
        now: Timestamp,
    ) -> Result<Vec<Event>, ParseError> {
        let attachment = shape::<Attachment<'_>>(record.attachment);
        let kind = attachment.and_then(|attachment| text(attachment.kind)).unwrap_or_default();
        let mut events = Vec::new();
        match (kind.as_ref(), attachment) {
            ("queued_command", Some(queued)) => self.queued_command(thread, &queued, now, &mut events)?,
            ("file" | "edited_text_file", Some(file)) => events.extend(attached_file(&kind, &file, now)),
            _ => {}
        }
        if events.is_empty() {
            self.ignored("attachment", Some(&kind));
        } else {
            self.counted(&format!("attachment/{kind}"));
        }
        Ok(events)
    }

    /// What was typed, or has happened, while the agent was at work: it is nowhere else.
    fn queued_command(
        &mut self,
        thread: &mut Thread,
        queued: &Attachment<'_>,
        now: Timestamp,
        events: &mut Vec<Event>,
    ) -> Result<(), ParseError> {
        // Should it be a `user` record after all, then with this id.
        if let Some(uuid) = words(queued.source_uuid)
            && !self.state.seen.insert(hash(b'u', &[&uuid]))
        {
            return Ok(());
        }
        let said = content(queued.prompt, &mut self.report, &mut None);
        if said.texts().next().is_some_and(|said| thread.stream.queue.is_told(said, now)) {
            return Ok(());
        }
        let voice = match human::queued_voice(queued) {
            Voice::Human if thread.is_agent => Voice::Injected("task-prompt".to_owned()),
            voice => voice,
        };
        if said.blocks.is_empty() {
            return Ok(());
        }
        self.spoken(thread, voice, said, now, events)
    }

    fn notice(&mut self, record: &Record<'_>, now: Timestamp) -> Vec<Event> {
        let subtype = text(record.subtype).unwrap_or_default();
        let raw_type = format!("system/{subtype}");
        let event = match subtype.as_ref() {
            "compact_boundary" => Some(custom("compaction", &raw_type, compaction(record.compact_metadata), now)),
            "microcompact_boundary" => {
                Some(custom("microcompaction", &raw_type, compaction(record.compact_metadata), now))
            }
            "api_error" => Some(custom("api-error", &raw_type, api_error(record), now)),
            "turn_duration" | "stop_hook_summary" | "bridge_status" => None,
            _ => words(record.content).map(|said| injected(&raw_type, Content::text(said), now)),
        };
        if event.is_some() {
            self.counted(&raw_type);
        } else {
            self.ignored("system", Some(&subtype));
        }
        event.into_iter().collect()
    }

    /// A link to a pull request: written again and again, told once.
    fn pull_request(&mut self, record: &Record<'_>, now: Timestamp) -> Vec<Event> {
        let Some(url) = words(record.pr_url) else {
            self.ignored("pr-link", None);
            return Vec::new();
        };
        if !self.state.seen.insert(hash(b'p', &[&url])) {
            self.report.ignore("duplicate");
            return Vec::new();
        }
        self.report.read("pr-link");
        let fields = [("prNumber", record.pr_number), ("prUrl", record.pr_url), ("prRepository", record.pr_repository)];
        vec![custom("pr-link", "pr-link", data(fields), now)]
    }
}

fn custom(kind: &str, raw_type: &str, content: Content, now: Timestamp) -> Event {
    let mut event = Event::new(String::new(), now, EventKind::Custom { kind: kind.to_owned() }, content);
    event.attributes.insert(attr::RAW_TYPE.to_owned(), raw_type.into());
    event
}

/// The fields that are there, as data.
fn data<'a>(fields: impl IntoIterator<Item = (&'a str, Raw<'a>)>) -> Content {
    let fields = fields.into_iter().filter_map(|(key, raw)| Some((key.to_owned(), json(raw?))));
    let data: Map<String, Value> = fields.collect();
    if data.is_empty() { Content::empty() } else { Content::json(Value::Object(data)) }
}

/// What a compaction was, without the lists of record ids.
fn compaction(metadata: Raw<'_>) -> Content {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata<'a> {
        #[serde(borrow)]
        trigger: Raw<'a>,
        #[serde(borrow)]
        pre_tokens: Raw<'a>,
        #[serde(borrow)]
        post_tokens: Raw<'a>,
        #[serde(borrow)]
        tokens_saved: Raw<'a>,
        #[serde(borrow)]
        duration_ms: Raw<'a>,
    }
    let Some(metadata) = shape::<Metadata<'_>>(metadata) else { return Content::empty() };
    data([
        ("trigger", metadata.trigger),
        ("preTokens", metadata.pre_tokens),
        ("postTokens", metadata.post_tokens),
        ("tokensSaved", metadata.tokens_saved),
        ("durationMs", metadata.duration_ms),
    ])
}

/// Why a request failed, without the response's headers.
fn api_error(record: &Record<'_>) -> Content {
    #[derive(Deserialize)]
    struct Failure<'a> {
        #[serde(borrow)]
        status: Raw<'a>,
        #[serde(borrow)]
        message: Raw<'a>,
        #[serde(borrow)]
        error: Raw<'a>,
        #[serde(borrow, rename = "type")]
        kind: Raw<'a>,
    }
    // The failure of the provider lies inside that of the client, up to three deep.
    let (mut status, mut message, mut kind, mut inner) = (None, None, None, record.error);
    while let Some(failure) = shape::<Failure<'_>>(inner) {
        status = status.or(failure.status);
        message = failure.message.or(message);
        kind = failure.kind.or(kind);
        inner = failure.error;
    }
    data([
        ("status", status),
        ("type", kind),
        ("message", message),
        ("retryAttempt", record.retry_attempt),
        ("maxRetries", record.max_retries),
    ])
}

/// A file that came along with a prompt, or that the human changed beside the agent.
fn attached_file(kind: &str, attachment: &Attachment<'_>, now: Timestamp) -> Option<Event> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Attached<'a> {
        #[serde(borrow)]
        file: Raw<'a>,
        #[serde(borrow)]
        content: Raw<'a>,
    }
    let path = words(attachment.filename)?;
    let whole = || {
        let attached: Attached<'_> = shape(attachment.content)?;
        let file: Attached<'_> = shape(attached.file)?;
        words(file.content)
    };
    let content = words(attachment.snippet).or_else(whole);
    let mut event = injected(kind, Content { blocks: vec![Block::File { path, content }] }, now);
    event.attributes.insert(attr::RAW_TYPE.to_owned(), format!("attachment/{kind}").into());
    Some(event)
}
