//! One line about a tool call, and the text of what an event carries.

use std::fmt::Write as _;

use serde_json::Value;

use super::columns::fit;
use super::when::size;
use super::{Look, Safe};
use crate::session::{Block, Content, Event, EventKind, Timestamp};

/// Where the agent worked: paths below it are told without it.
#[derive(Debug, Clone, Default)]
pub(super) struct Root(Option<String>);

impl Root {
    pub(super) fn new(cwd: Option<&str>) -> Self {
        let cwd = cwd.map(|cwd| cwd.trim_end_matches(['/', '\\'])).filter(|cwd| !cwd.is_empty());
        Self(cwd.map(str::to_owned))
    }

    /// `path` as a reader of this session wants it.
    pub(super) fn tell<'p>(&self, path: &'p str) -> &'p str {
        let below = self.0.as_deref().and_then(|root| path.strip_prefix(root));
        match below.and_then(|below| below.strip_prefix(['/', '\\'])) {
            Some(below) if !below.is_empty() => below,
            _ => path,
        }
    }
}

/// What a tool call is, in a name and a few words. `None` for events that are none.
pub(super) fn call<'e>(event: &'e Event, root: &Root) -> Option<(&'e str, String)> {
    let told = match &event.kind {
        EventKind::ToolCall { name } => (name.as_str(), tool_input(&event.content, root)),
        EventKind::ShellCommand { command, .. } => ("Shell", command.clone()),
        EventKind::FileRead { path } => ("Read", root.tell(path).to_owned()),
        EventKind::CodeSearch { query } => ("Search", query.clone()),
        EventKind::FileSearch { pattern } => ("Find", pattern.clone()),
        EventKind::WebSearch { query } => ("WebSearch", query.clone()),
        EventKind::WebFetch { url } => ("WebFetch", url.clone()),
        EventKind::ImageGenerate { prompt } => ("Image", prompt.clone()),
        EventKind::VideoGenerate { prompt } => ("Video", prompt.clone()),
        EventKind::AudioGenerate { prompt } => ("Audio", prompt.clone()),
        _ => return None,
    };
    Some(told)
}

/// What tells most about a call of a tool that nobody here knows: the field of its input that says
/// what it is about.
fn tool_input(content: &Content, root: &Root) -> String {
    const TELLING: [&str; 16] = [
        "description",
        "command",
        "cmd",
        "file_path",
        "path",
        "notebook_path",
        "pattern",
        "query",
        "url",
        "title",
        "subject",
        "skill",
        "name",
        "prompt",
        "message",
        "id",
    ];
    let input = content.blocks.iter().find_map(|block| match block {
        Block::Json { data } => Some(data),
        _ => None,
    });
    let text_of = |value: &Value| match value {
        Value::String(text) if !text.trim().is_empty() => Some(root.tell(text).to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match input {
        Some(Value::Object(fields)) => {
            let telling = TELLING.iter().find_map(|name| fields.get(*name).and_then(text_of));
            telling.or_else(|| fields.values().find_map(text_of)).unwrap_or_default()
        }
        Some(value) => text_of(value).unwrap_or_default(),
        None => content.texts().next().unwrap_or_default().to_owned(),
    }
}

/// The first line of a text that may be very long, with `…` if there is more.
pub(super) fn first_line(text: &str, columns: usize) -> Safe<'static> {
    // Looking at megabytes to show a line of them would be waste.
    const ENOUGH: usize = 4096;
    let text = text.trim_start();
    let mut end = text.len().min(ENOUGH);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = text.get(..end).unwrap_or(text);
    let line = head.lines().next().unwrap_or_default();
    let more = !text.get(line.len()..).unwrap_or_default().trim().is_empty();
    let line = Safe::line(line).as_str().to_owned();
    let told = if more { Safe::made_of_safe(line + " …") } else { Safe::made_of_safe(line) };
    fit(&told, columns)
}

/// The detail of a call, for a line of it.
pub(super) fn detail(text: &str, look: &Look) -> Safe<'static> {
    first_line(text, look.one_line(30))
}

/// The text of all blocks, one after the other; what is no text is told in brackets.
pub(super) fn text_of(content: &Content) -> String {
    let mut text = String::new();
    for block in &content.blocks {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        match block {
            Block::Text { text: said } => text.push_str(said),
            Block::Code { code, .. } => text.push_str(code),
            Block::Json { data } => text.push_str(&data_text(data)),
            Block::File { path, content } => {
                let _ = write!(text, "[{path}]");
                if let Some(content) = content {
                    let _ = write!(text, "\n{content}");
                }
            }
            Block::Image { url, alt, mime } => {
                let _ = write!(text, "[{mime}: {}]", alt.as_deref().unwrap_or(url));
            }
            Block::Video { url, mime } | Block::Audio { url, mime } => {
                let _ = write!(text, "[{mime}: {url}]");
            }
            Block::Reference { uri, media_type } => text.push_str(&reference(uri, media_type)),
            Block::Other(value) => text.push_str(&value.to_string()),
        }
    }
    text
}

/// `[image/png, 12.3 KiB]`, or where it is.
fn reference(uri: &str, media_type: &str) -> String {
    let bytes = uri.split_once("?size=").and_then(|(_, bytes)| bytes.parse().ok());
    match bytes {
        Some(bytes) if uri.starts_with("sha256:") => format!("[{media_type}, {}]", size(bytes)),
        _ => format!("[{media_type}: {uri}]"),
    }
}

/// Data as a reader wants it: the fields of an object as `name: value`, texts as they are.
fn data_text(data: &Value) -> String {
    let Value::Object(fields) = data else {
        return match data {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
    };
    let lines = fields.iter().map(|(name, value)| match value {
        Value::String(text) if text.contains('\n') => format!("{name}:\n{}", indented(text)),
        Value::String(text) => format!("{name}: {text}"),
        other => format!("{name}: {other}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// How long a call took where the log does not say, if that was long: in a short time most may be
/// the human who was asked for permission.
pub(super) fn waited(call: Timestamp, result: Timestamp) -> u64 {
    let millis = u64::try_from(result.millis().saturating_sub(call.millis())).unwrap_or(0);
    if millis >= 10_000 { millis } else { 0 }
}

/// `<error>text</error>` as `text`: some agents wrap what went wrong for their model.
pub(super) fn without_tag(text: &str) -> &str {
    let inner = || {
        let (name, rest) = text.trim().strip_prefix('<')?.split_once('>')?;
        rest.strip_suffix('>')?.strip_suffix(name)?.strip_suffix("</")
    };
    inner().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(kind: EventKind, input: Value) -> (String, String) {
        let event = Event::new("e", Timestamp::EPOCH, kind, Content::json(input));
        let (name, detail) = call(&event, &Root::new(Some("/repo/"))).expect("a call");
        (name.to_owned(), detail)
    }

    fn tool(name: &str, input: Value) -> String {
        told(EventKind::ToolCall { name: name.into() }, input).1
    }

    #[test]
    fn a_call_is_told_by_the_field_that_says_what_it_is_about() {
        assert_eq!(tool("Edit", json!({"new_string": "b", "file_path": "/repo/src/a.rs"})), "src/a.rs");
        assert_eq!(tool("Task", json!({"prompt": "long", "description": "look around"})), "look around");
        assert_eq!(tool("mcp__jira__get", json!({"issue": "AB-1"})), "AB-1");
        assert_eq!(tool("Odd", json!({"list": [1]})), "");
        assert_eq!(tool("Odd", json!("plain")), "plain");
    }

    #[test]
    fn paths_below_the_agents_folder_are_told_without_it() {
        let root = Root::new(Some("/repo"));
        assert_eq!(root.tell("/repo/src/a.rs"), "src/a.rs");
        assert_eq!(root.tell("/repository/a"), "/repository/a");
        assert_eq!(root.tell("/repo"), "/repo");
        assert_eq!(Root::new(Some("/")).tell("/a"), "/a");
        assert_eq!(Root::new(None).tell("/a"), "/a");
    }

    #[test]
    fn of_many_lines_the_first_is_told() {
        assert_eq!(first_line("  cargo test\ncargo doc", 80).as_str(), "cargo test …");
        assert_eq!(first_line("one\n\n", 80).as_str(), "one");
        assert_eq!(first_line(&"日".repeat(5000), 9).as_str(), "日日日日…");
        assert_eq!(first_line("", 9).as_str(), "");
    }

    #[test]
    fn what_is_no_text_is_told_in_brackets() {
        let blocks = vec![
            Block::Text { text: "look:".into() },
            Block::Reference { uri: "sha256:ab?size=2048".into(), media_type: "image/png".into() },
            Block::Json { data: json!({"a": 1, "b": "x\ny"}) },
        ];
        assert_eq!(text_of(&Content { blocks }), "look:\n[image/png, 2.0 KiB]\na: 1\nb:\n  x\n  y");
    }
}
