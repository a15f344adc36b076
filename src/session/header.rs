//! The first line of a session: who, with what, when, about what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Timestamp;
use super::event::Attributes;

/// The only format version written.
pub const HAIL_VERSION: &str = "hail-1.0.0";

/// What is known of a session as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The format's version, [`HAIL_VERSION`].
    pub version: String,
    /// The agent's own id of the session. Untrusted text: never a path, never a ref.
    pub session_id: String,
    /// The agent that held the conversation.
    pub agent: Agent,
    /// Title, times and whatever else is known.
    pub context: Context,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

/// The agent: the program, and the model behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Who runs the model: `anthropic`, `openai`, ...
    pub provider: String,
    /// The model that answered last; `unknown` if the log never says.
    pub model: String,
    /// The program: `claude-code`, `codex`, ...
    pub tool: String,
    /// The program's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_version: Option<String>,
}

/// What the conversation was about, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// One line: the agent's own title, else the first human prompt's first line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A longer description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Free labels.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The earliest moment in the log.
    pub created_at: Timestamp,
    /// The latest moment in the log.
    pub updated_at: Timestamp,
    /// Native ids of the sessions this one came from or belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related_session_ids: Vec<String>,
    /// Anything else: `cwd`, `git.branch`, `git.commit`, ...
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}
