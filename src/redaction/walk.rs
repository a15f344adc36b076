//! Every string of a session: none is left out, and the compiler sees to it that none will be.

use serde_json::{Map, Value};

use super::{Findings, Redactor, excerpt};
use crate::session::{Agent, Attributes, Block, Content, Context, Event, EventKind, Header};

/// Values nested deeper than this are replaced as a whole. JSON that was read is never so deep.
const DEEPEST: usize = 256;

impl Redactor {
    pub(super) fn string(&self, text: &mut String, findings: &mut Findings) {
        if let Some(redacted) = self.changed(text, findings) {
            *text = redacted;
        }
        excerpt::shorten(text);
    }

    fn optional(&self, text: Option<&mut String>, findings: &mut Findings) {
        if let Some(text) = text {
            self.string(text, findings);
        }
    }

    pub(super) fn walk_event(&self, event: &mut Event, findings: &mut Findings) {
        // Named one by one: a field that is added later does not compile until it is here.
        let Event { event_id, timestamp: _, kind, task_id, content, duration_ms: _, attributes, extra } = event;
        self.string(event_id, findings);
        self.walk_kind(kind, findings);
        self.optional(task_id.as_mut(), findings);
        self.walk_content(content, findings);
        self.walk_attributes(attributes, findings);
        self.walk_attributes(extra, findings);
    }

    pub(super) fn walk_header(&self, header: &mut Header, findings: &mut Findings) {
        let Header { version, session_id, agent, context, extra } = header;
        let Agent { provider, model, tool, tool_version } = agent;
        for text in [version, session_id, provider, model, tool] {
            self.string(text, findings);
        }
        self.optional(tool_version.as_mut(), findings);
        let Context { title, description, tags, created_at: _, updated_at: _, related_session_ids, attributes } =
            context;
        self.optional(title.as_mut(), findings);
        self.optional(description.as_mut(), findings);
        for text in tags.iter_mut().chain(related_session_ids) {
            self.string(text, findings);
        }
        self.walk_attributes(attributes, findings);
        self.walk_attributes(extra, findings);
    }

    fn walk_kind(&self, kind: &mut EventKind, findings: &mut Findings) {
        match kind {
            EventKind::UserMessage | EventKind::AgentMessage | EventKind::SystemMessage | EventKind::Thinking => {}
            EventKind::ToolCall { name: text }
            | EventKind::FileRead { path: text }
            | EventKind::CodeSearch { query: text }
            | EventKind::FileSearch { pattern: text }
            | EventKind::FileCreate { path: text }
            | EventKind::FileDelete { path: text }
            | EventKind::ShellCommand { command: text, exit_code: _ }
            | EventKind::ImageGenerate { prompt: text }
            | EventKind::VideoGenerate { prompt: text }
            | EventKind::AudioGenerate { prompt: text }
            | EventKind::WebSearch { query: text }
            | EventKind::WebFetch { url: text }
            | EventKind::Custom { kind: text } => self.string(text, findings),
            EventKind::ToolResult { name, is_error: _, call_id } => {
                self.string(name, findings);
                self.optional(call_id.as_mut(), findings);
            }
            EventKind::FileEdit { path, diff } => {
                self.string(path, findings);
                self.optional(diff.as_mut(), findings);
            }
            EventKind::TaskStart { title: text } | EventKind::TaskEnd { summary: text } => {
                self.optional(text.as_mut(), findings);
            }
            EventKind::Other(value) => self.walk_json(value, findings, 0),
        }
    }

    fn walk_content(&self, content: &mut Content, findings: &mut Findings) {
        let Content { blocks } = &mut *content;
        for block in blocks {
            match block {
                Block::Text { text } => self.string(text, findings),
                Block::Code { code, language, start_line: _ } => {
                    self.string(code, findings);
                    self.optional(language.as_mut(), findings);
                }
                Block::Image { url, alt, mime } => {
                    self.string(url, findings);
                    self.optional(alt.as_mut(), findings);
                    self.string(mime, findings);
                }
                Block::Video { url: one, mime: two }
                | Block::Audio { url: one, mime: two }
                | Block::Reference { uri: one, media_type: two } => {
                    self.string(one, findings);
                    self.string(two, findings);
                }
                Block::File { path, content } => {
                    self.string(path, findings);
                    self.optional(content.as_mut(), findings);
                }
                Block::Json { data } | Block::Other(data) => self.walk_json(data, findings, 0),
            }
        }
        excerpt::fit(content);
    }

    fn walk_attributes(&self, attributes: &mut Attributes, findings: &mut Findings) {
        for (name, value) in attributes.iter_mut() {
            self.walk_named(name, value, findings, 0);
        }
        let found: Vec<(String, String)> =
            attributes.keys().filter_map(|key| self.changed(key, findings).map(|new| (key.clone(), new))).collect();
        for (old, new) in found {
            if let Some(value) = attributes.remove(&old) {
                let free = free_key(new, |key| attributes.contains_key(key));
                attributes.insert(free, value);
            }
        }
    }

    pub(super) fn walk_json(&self, value: &mut Value, findings: &mut Findings, depth: usize) {
        if depth > DEEPEST {
            *value = Value::String("[REDACTED:too-deep]".to_owned());
            return;
        }
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => self.string(text, findings),
            Value::Array(values) => self.walk_array(values, findings, depth),
            Value::Object(map) => self.walk_map(map, findings, depth),
        }
    }

    fn walk_map(&self, map: &mut Map<String, Value>, findings: &mut Findings, depth: usize) {
        // `{"name": "API_TOKEN", "value": "..."}`
        let named = ["name", "key", "variable", "Name", "Key"]
            .iter()
            .find_map(|key| map.get(*key))
            .and_then(Value::as_str)
            .map(str::to_owned);
        for (name, value) in map.iter_mut() {
            match &named {
                Some(named) if matches!(name.as_str(), "value" | "Value") => {
                    self.walk_named(named, value, findings, depth);
                }
                _ => self.walk_named(name, value, findings, depth),
            }
        }
        let found: Vec<(String, String)> =
            map.keys().filter_map(|key| self.changed(key, findings).map(|new| (key.clone(), new))).collect();
        for (old, new) in found {
            if let Some(value) = map.remove(&old) {
                let free = free_key(new, |key| map.contains_key(key));
                map.insert(free, value);
            }
        }
    }

    /// A value whose name may say that it is a secret.
    fn walk_named(&self, name: &str, value: &mut Value, findings: &mut Findings, depth: usize) {
        match value {
            Value::String(text) => match self.named(name, text, findings) {
                Some(redacted) => *text = redacted,
                None => self.string(text, findings),
            },
            Value::Number(number) => {
                if let Some(redacted) = self.named(name, &number.to_string(), findings) {
                    *value = Value::String(redacted);
                }
            }
            _ => self.walk_json(value, findings, depth + 1),
        }
    }

    fn walk_array(&self, values: &mut [Value], findings: &mut Findings, depth: usize) {
        self.walk_arguments(values, findings);
        // `["Authorization", "Bearer ..."]`, `["--password", "..."]`
        let mut name = String::new();
        for value in values.iter_mut() {
            let next = value.as_str().filter(|text| text.len() < 64).unwrap_or_default().to_owned();
            self.walk_named(&name, value, findings, depth);
            name = next;
        }
    }

    /// The arguments of a command, looked at as the line that they are.
    fn walk_arguments(&self, values: &mut [Value], findings: &mut Findings) {
        let texts: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
        let Some(texts) = texts.filter(|texts| texts.len() > 1 && texts.iter().all(|text| text.len() < 4096)) else {
            return;
        };
        let mut line = String::new();
        let mut starts = Vec::new();
        for text in texts {
            starts.push(line.len());
            line.push_str(text);
            line.push(' ');
        }
        let found = self.machine.find(&line, None, 0);
        let mut ends = starts.iter().skip(1).map(|next| next - 1).chain([line.len() - 1]).collect::<Vec<_>>();
        for (value, (start, end)) in values.iter_mut().zip(starts.into_iter().zip(ends.drain(..))) {
            let inside: Vec<_> = found
                .iter()
                .filter(|one| one.range.start < end && one.range.end > start)
                .map(|one| {
                    let mut one = one.clone();
                    one.range = one.range.start.saturating_sub(start)..one.range.end.min(end) - start;
                    one
                })
                .collect();
            if let (Value::String(text), false) = (&mut *value, inside.is_empty()) {
                *text = super::scan::replaced(text, &inside, findings);
            }
        }
    }
}

/// The key, or if it is taken one beside it: two keys that are redacted stay two.
fn free_key(key: String, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(&key) {
        return key;
    }
    let mut nth = 2;
    let mut free = format!("{key}#{nth}");
    while is_taken(&free) {
        nth += 1;
        free = format!("{key}#{nth}");
    }
    free
}
