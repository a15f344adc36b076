//! Tool calls and what came back from them.

use serde_json::{Map, Value};

use super::raw::{Raw, json, shape, text, words};
use super::state::{Call, hash};
use crate::session::{Content, EventKind};
use serde::Deserialize;

/// A call as an event: its kind, and what its input says beyond that.
pub(super) fn call(name: String, input: Raw<'_>) -> (EventKind, Content) {
    let mut input = match input.map(json) {
        Some(Value::Object(fields)) => fields,
        Some(Value::Null) | None => Map::new(),
        Some(other) => return (EventKind::ToolCall { name }, Content::json(other)),
    };
    let kind = typed(&name, &mut input).unwrap_or(EventKind::ToolCall { name });
    let content = if input.is_empty() { Content::empty() } else { Content::json(Value::Object(input)) };
    (kind, content)
}

/// The special kind of a call; what the kind says is taken out of the input.
fn typed(name: &str, input: &mut Map<String, Value>) -> Option<EventKind> {
    let mut take = |key: &str| match input.get_mut(key)? {
        Value::String(text) => {
            let text = std::mem::take(text);
            input.remove(key);
            Some(text)
        }
        _ => None,
    };
    Some(match name {
        "Bash" | "PowerShell" => EventKind::ShellCommand { command: take("command")?, exit_code: None },
        "Read" => EventKind::FileRead { path: take("file_path")? },
        "NotebookRead" => EventKind::FileRead { path: take("notebook_path")? },
        "Grep" => EventKind::CodeSearch { query: take("pattern")? },
        "Glob" => EventKind::FileSearch { pattern: take("pattern")? },
        "WebSearch" => EventKind::WebSearch { query: take("query")? },
        "WebFetch" => EventKind::WebFetch { url: take("url")? },
        _ => return None,
    })
}

/// The exit code that a shell's answer tells: it has one only when the command failed.
pub(super) fn exit_code(name: &str, content: &Content) -> Option<i32> {
    if !matches!(name, "Bash" | "PowerShell") {
        return None;
    }
    let digits = content.texts().next()?.strip_prefix("Exit code ")?;
    digits.split(|c: char| !c.is_ascii_digit() && c != '-').next()?.parse().ok()
}

/// Whether a tool starts a subagent. `Task` became `Agent` in 2.1.6x.
pub(super) fn starts_task(name: &str) -> bool {
    matches!(name, "Task" | "Agent")
}

/// Whether a tool is one of those whose answers are many and never tell of a subagent.
pub(super) fn runs_no_task(name: &str) -> bool {
    const NONE: &[&str] =
        &["Bash", "PowerShell", "Read", "Edit", "MultiEdit", "Write", "NotebookEdit", "Grep", "Glob", "TodoWrite"];
    NONE.contains(&name)
}

/// What must be remembered of a call until its answer comes.
pub(super) fn pending(name: &str, input: Raw<'_>, line: u64) -> Call {
    #[derive(Deserialize)]
    struct TaskInput<'a> {
        #[serde(borrow)]
        description: Raw<'a>,
        #[serde(borrow)]
        subagent_type: Raw<'a>,
        #[serde(borrow)]
        prompt: Raw<'a>,
    }
    let task = starts_task(name).then(|| shape::<TaskInput<'_>>(input)).flatten().map(|input| {
        let title = words(input.description).or_else(|| words(input.subagent_type));
        (title, task_prompt(&text(input.prompt).unwrap_or_default()))
    });
    Call { name: name.to_owned(), line, task }
}

/// The hash that ties a subagent's first text to the call that told it so.
pub(super) fn task_prompt(prompt: &str) -> u64 {
    hash(b't', &[prompt.trim()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn called(name: &str, input: &Value) -> (EventKind, Content) {
        let raw = serde_json::value::to_raw_value(input).expect("data can be written");
        call(name.to_owned(), Some(&raw))
    }

    #[test]
    fn known_tools_have_their_own_kind_and_say_nothing_twice() {
        let (kind, content) = called("Bash", &json!({"command": "ls", "description": "List"}));
        assert_eq!(kind, EventKind::ShellCommand { command: "ls".into(), exit_code: None });
        assert_eq!(content, Content::json(json!({"description": "List"})));
        let (kind, content) = called("Read", &json!({"file_path": "/a"}));
        assert_eq!((kind, content), (EventKind::FileRead { path: "/a".into() }, Content::empty()));
        assert_eq!(called("Grep", &json!({"pattern": "x"})).0, EventKind::CodeSearch { query: "x".into() });
        assert_eq!(called("Glob", &json!({"pattern": "*"})).0, EventKind::FileSearch { pattern: "*".into() });
        assert_eq!(called("WebSearch", &json!({"query": "q"})).0, EventKind::WebSearch { query: "q".into() });
        assert_eq!(called("WebFetch", &json!({"url": "u"})).0, EventKind::WebFetch { url: "u".into() });
    }

    #[test]
    fn a_known_tool_without_its_field_is_a_plain_call() {
        let (kind, content) = called("Bash", &json!({"command": 7}));
        assert_eq!(kind, EventKind::ToolCall { name: "Bash".into() });
        assert_eq!(content, Content::json(json!({"command": 7})));
        let (kind, content) = called("mcp__s__t", &json!([1]));
        assert_eq!((kind, content), (EventKind::ToolCall { name: "mcp__s__t".into() }, Content::json(json!([1]))));
    }

    #[test]
    fn exit_codes_are_read_from_the_answers_of_shells() {
        let said = |text: &str| Content::text(text);
        assert_eq!(exit_code("Bash", &said("Exit code 127\nnot found")), Some(127));
        assert_eq!(exit_code("PowerShell", &said("Exit code -1")), Some(-1));
        assert_eq!(exit_code("Bash", &said("Exit code unknown")), None);
        assert_eq!(exit_code("Read", &said("Exit code 1")), None);
    }
}
