//! One thing that happened.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Content, Timestamp};

/// Free data beside an event or a session, sorted by key.
pub type Attributes = BTreeMap<String, Value>;

/// The attribute keys that this project reads and writes.
pub mod attr {
    /// Fresh input tokens of the API message that this event is the first to report, without
    /// cache. Reports add up: a later line of the same message carries only the difference.
    pub const INPUT_TOKENS: &str = "input_tokens";
    /// Output tokens, reasoning included. Adds up like [`INPUT_TOKENS`].
    pub const OUTPUT_TOKENS: &str = "output_tokens";
    /// Input tokens read from the provider's cache. Adds up like [`INPUT_TOKENS`].
    pub const CACHE_READ_TOKENS: &str = "cache_read_tokens";
    /// Input tokens written to the provider's cache. Adds up like [`INPUT_TOKENS`].
    pub const CACHE_WRITE_TOKENS: &str = "cache_write_tokens";
    /// The agent's id of a tool call: on the call, its result and the edits it made.
    pub const CALL_ID: &str = "semantic.call_id";
    /// The provider's id of the API message, so that one message counted in two logs is known.
    pub const MESSAGE_ID: &str = "message_id";
    /// The model that answered, where it differs from the event before.
    pub const MODEL: &str = "model";
    /// The folder the agent was in, where it differs from the event before.
    pub const CWD: &str = "cwd";
    /// The type of the record in the agent's own log.
    pub const RAW_TYPE: &str = "source.raw_type";
    /// The exit code of a shell command, on its result.
    pub const EXIT_CODE: &str = "exit_code";
    /// Where the agent's log has text that no human typed although it looks so: what injected it.
    pub const INJECTED: &str = "injected";
}

/// One thing that happened: a prompt, an answer, a thought, a tool call, its result, an edit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The agent's own id of it, or one made from its place in the log; unique in the session.
    pub event_id: String,
    /// When; logs are not always in the order of time.
    pub timestamp: Timestamp,
    /// What it is.
    #[serde(rename = "event_type")]
    pub kind: EventKind,
    /// The task (subagent) it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// What was said or carried.
    #[serde(default)]
    pub content: Content,
    /// How long it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// See [`attr`].
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

impl Event {
    /// An event with nothing but its id, time, kind and content.
    #[must_use]
    pub fn new(event_id: impl Into<String>, timestamp: Timestamp, kind: EventKind, content: Content) -> Self {
        Self {
            event_id: event_id.into(),
            timestamp,
            kind,
            task_id: None,
            content,
            duration_ms: None,
            attributes: Attributes::new(),
            extra: BTreeMap::new(),
        }
    }

    /// A text attribute.
    #[must_use]
    pub fn attr_str(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).and_then(Value::as_str)
    }

    /// A count attribute; 0 if there is none.
    #[must_use]
    pub fn attr_u64(&self, key: &str) -> u64 {
        self.attributes.get(key).and_then(Value::as_u64).unwrap_or(0)
    }

    /// The id of the tool call that this event is, answers or results from.
    #[must_use]
    pub fn call_id(&self) -> Option<&str> {
        match &self.kind {
            EventKind::ToolResult { call_id: Some(id), .. } => Some(id),
            _ => self.attr_str(attr::CALL_ID).or_else(|| self.attr_str("call_id")),
        }
    }
}

/// What an event is. Spelled `{"type":...,"data":{...}}`, `data` only where there is some.
///
/// Tool calls are the kinds of [`EventKind::is_call`]. An edit is *not* the call that asked for it
/// but its success: `FileEdit`, `FileCreate` and `FileDelete` are written when the agent's log says
/// that the file changed, beside the `ToolCall` with the same [`attr::CALL_ID`]. (HAIL of
/// OpenSession 0.2.x has the edit alone, and then it counts as the call, too.)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields of a kind are named for what they are")]
pub enum EventKind {
    /// What a human typed, and nothing else.
    UserMessage,
    /// What the agent answered.
    AgentMessage,
    /// What neither typed: injected context, notices, summaries of compaction.
    SystemMessage,
    /// The agent's reasoning.
    Thinking,
    /// A tool call of no more special kind.
    ToolCall { name: String },
    /// What a tool answered.
    ToolResult {
        name: String,
        is_error: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call_id: Option<String>,
    },
    /// The agent read a file.
    FileRead { path: String },
    /// The agent searched in files.
    CodeSearch { query: String },
    /// The agent searched for files.
    FileSearch { pattern: String },
    /// A file was changed; `diff` is unified, without file header.
    FileEdit {
        path: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        diff: Option<String>,
    },
    /// A file was made; what it holds is in the content.
    FileCreate { path: String },
    /// A file was removed.
    FileDelete { path: String },
    /// The agent ran a command.
    ShellCommand {
        command: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
    },
    /// The agent made an image.
    ImageGenerate { prompt: String },
    /// The agent made a video.
    VideoGenerate { prompt: String },
    /// The agent made a sound.
    AudioGenerate { prompt: String },
    /// The agent searched the web.
    WebSearch { query: String },
    /// The agent fetched a page.
    WebFetch { url: String },
    /// A task (subagent) began.
    TaskStart {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    },
    /// A task (subagent) ended.
    TaskEnd {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<String>,
    },
    /// Anything else that an agent's log tells.
    Custom { kind: String },
    /// A kind, or fields of one, that this version does not know: the whole `{"type":...}` object,
    /// kept as it is.
    #[serde(untagged)]
    Other(Value),
}

impl EventKind {
    /// Whether this is a tool call by itself (and not the effect or the answer of one).
    #[must_use]
    pub fn is_call(&self) -> bool {
        matches!(
            self,
            Self::ToolCall { .. }
                | Self::FileRead { .. }
                | Self::CodeSearch { .. }
                | Self::FileSearch { .. }
                | Self::ShellCommand { .. }
                | Self::ImageGenerate { .. }
                | Self::VideoGenerate { .. }
                | Self::AudioGenerate { .. }
                | Self::WebSearch { .. }
                | Self::WebFetch { .. }
        )
    }

    /// The path of a file that this event changed, made or removed.
    #[must_use]
    pub fn edited_path(&self) -> Option<&str> {
        match self {
            Self::FileEdit { path, .. } | Self::FileCreate { path } | Self::FileDelete { path } => Some(path),
            _ => None,
        }
    }

    /// The name in the canonical text: `UserMessage`, `ToolCall`, ...
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::UserMessage => "UserMessage",
            Self::AgentMessage => "AgentMessage",
            Self::SystemMessage => "SystemMessage",
            Self::Thinking => "Thinking",
            Self::ToolCall { .. } => "ToolCall",
            Self::ToolResult { .. } => "ToolResult",
            Self::FileRead { .. } => "FileRead",
            Self::CodeSearch { .. } => "CodeSearch",
            Self::FileSearch { .. } => "FileSearch",
            Self::FileEdit { .. } => "FileEdit",
            Self::FileCreate { .. } => "FileCreate",
            Self::FileDelete { .. } => "FileDelete",
            Self::ShellCommand { .. } => "ShellCommand",
            Self::ImageGenerate { .. } => "ImageGenerate",
            Self::VideoGenerate { .. } => "VideoGenerate",
            Self::AudioGenerate { .. } => "AudioGenerate",
            Self::WebSearch { .. } => "WebSearch",
            Self::WebFetch { .. } => "WebFetch",
            Self::TaskStart { .. } => "TaskStart",
            Self::TaskEnd { .. } => "TaskEnd",
            Self::Custom { .. } => "Custom",
            Self::Other(value) => value.get("type").and_then(Value::as_str).unwrap_or("Other"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(line: &str) -> (EventKind, String) {
        let kind: EventKind = serde_json::from_str(line).expect("any object is a kind");
        let again = serde_json::to_string(&kind).expect("a kind can be written");
        (kind, again)
    }

    #[test]
    fn kinds_are_spelled_as_hail_spells_them() {
        for line in [
            r#"{"type":"UserMessage"}"#,
            r#"{"type":"ToolCall","data":{"name":"Bash"}}"#,
            r#"{"type":"ToolResult","data":{"name":"Bash","is_error":true,"call_id":"c1"}}"#,
            r#"{"type":"ToolResult","data":{"name":"Bash","is_error":false}}"#,
            r#"{"type":"TaskStart","data":{}}"#,
        ] {
            let (kind, again) = round_trip(line);
            assert_eq!(again, line);
            assert!(!matches!(kind, EventKind::Other(_)), "{line} is a known kind");
        }
    }

    #[test]
    fn unknown_kinds_and_unknown_fields_of_known_kinds_survive() {
        for line in [
            r#"{"data":{"x":[1,2]},"type":"Teleport"}"#,
            r#"{"type":"Teleport"}"#,
            r#"{"data":{"name":"Bash","since":2},"type":"ToolCall"}"#,
        ] {
            let (kind, again) = round_trip(line);
            assert!(matches!(kind, EventKind::Other(_)), "{line} is kept as it is");
            assert_eq!(again, line);
        }
    }

    #[test]
    fn the_name_of_an_unknown_kind_is_its_type() {
        assert_eq!(round_trip(r#"{"type":"Teleport"}"#).0.name(), "Teleport");
    }
}
