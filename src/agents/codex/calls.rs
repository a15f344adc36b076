//! Tool calls and their outputs, from the agent's shapes to events.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::items::{Item, Items, Output};
use super::patch::{self, Change};
use super::quick;
use super::record::{Lax, Payload, Raw, Said};
use super::text;
use crate::agents::capped::Capped;
use crate::agents::long::{Hollow, LONG};
use crate::session::{Block, Content, EventKind};

/// What a call asks for.
pub(super) struct Call {
    /// The tool, as its results name it.
    pub name: String,
    pub kind: EventKind,
    pub content: Content,
    /// The edits it asks for, and the folder their paths are relative to, if the call says one.
    pub edits: Capped<Change>,
    pub folder: Option<String>,
}

/// A call of a function, with its arguments as a text of JSON.
pub(super) fn function(payload: &mut Payload<'_>) -> Call {
    let name = full_name(payload.namespace.str(), payload.name.str());
    match arguments(std::mem::take(&mut payload.arguments)) {
        Arguments::Map(map) => with_arguments(name, map),
        Arguments::Other(content) => plain(name, content),
    }
}

/// A call of a tool that takes free text: a patch.
pub(super) fn custom(payload: &mut Payload<'_>) -> Call {
    let name = full_name(payload.namespace.str(), payload.name.str());
    let input = std::mem::take(&mut payload.input).into_text().unwrap_or_default();
    let edits = if name == "apply_patch" { patch::changes(&input) } else { Capped::default() };
    Call { edits, ..plain(name, Content::text(input)) }
}

/// The shell call of the first models: `action {type: exec, command, working_directory, ...}`.
pub(super) fn local_shell(payload: &Payload<'_>) -> Call {
    let Some(Value::Object(mut map)) = raw_data(payload.action) else {
        return plain("local_shell".to_owned(), Content::empty());
    };
    map.remove("type");
    if let Some(folder) = map.remove("working_directory") {
        map.insert("workdir".to_owned(), folder);
    }
    with_arguments("local_shell".to_owned(), map)
}

/// A search or a visit of the web, from either stream.
pub(super) fn web(payload: &Payload<'_>) -> Call {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Action<'a> {
        #[serde(borrow)]
        query: Lax<'a>,
        #[serde(borrow)]
        queries: Items<'a>,
        #[serde(borrow)]
        url: Lax<'a>,
    }
    let action: Action<'_> = payload.action.typed().unwrap_or_default();
    let several = || action.queries.0.iter().find_map(|query| query.text.filled());
    let kind = if let Some(url) = action.url.filled() {
        EventKind::WebFetch { url: url.to_owned() }
    } else {
        let query = action.query.filled().or_else(several).unwrap_or_else(|| payload.query.str());
        EventKind::WebSearch { query: query.to_owned() }
    };
    let content = raw_data(payload.action).map_or_else(Content::empty, Content::json);
    Call { kind, ..plain("web_search".to_owned(), content) }
}

/// A search for tools.
pub(super) fn tool_search(payload: &mut Payload<'_>) -> Call {
    let content = match arguments(std::mem::take(&mut payload.arguments)) {
        Arguments::Map(map) => Content::json(Value::Object(map)),
        Arguments::Other(content) => content,
    };
    plain("tool_search".to_owned(), content)
}

fn plain(name: String, content: Content) -> Call {
    Call { kind: EventKind::ToolCall { name: name.clone() }, name, content, edits: Capped::default(), folder: None }
}

/// `mcp__server__` and `tool` are one name; other namespaces are set apart.
fn full_name(namespace: &str, name: &str) -> String {
    match (namespace, name) {
        ("", "") => "unknown".to_owned(),
        ("", name) => name.to_owned(),
        (namespace, name) if namespace.ends_with("__") => format!("{namespace}{name}"),
        (namespace, name) => format!("{namespace}.{name}"),
    }
}

enum Arguments {
    Map(Map<String, Value>),
    Other(Content),
}

/// Arguments are a text of JSON; of some tools the JSON itself. What is none, or nested too deep
/// to be kept as data, stays text.
fn arguments(said: Said<'_>) -> Arguments {
    let text = match said {
        Said::Nothing => return Arguments::Map(Map::new()),
        Said::Text(text) => text,
        Said::Json(json) => Cow::Borrowed(json),
        // Only an output is read as one.
        Said::Output(_) => return Arguments::Other(Content::empty()),
    };
    if text.is_empty() {
        return Arguments::Map(Map::new());
    }
    match text::data(&text) {
        Some(Value::Object(map)) => Arguments::Map(map),
        Some(data) => Arguments::Other(Content::json(data)),
        None => Arguments::Other(Content::text(text)),
    }
}

/// Raw data, if it can be kept.
pub(super) fn raw_data(raw: Raw<'_>) -> Option<Value> {
    raw.0.and_then(text::data)
}

fn with_arguments(name: String, mut map: Map<String, Value>) -> Call {
    let text_of = |map: &Map<String, Value>, key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
    let folder = text_of(&map, "workdir");
    let mut edits = Capped::default();
    let kind = match name.as_str() {
        "shell" | "local_shell" | "shell_command" | "exec_command" | "container.exec" => {
            let Some(command) = ["command", "cmd"].iter().find_map(|key| command_line(&mut map, key)) else {
                return plain(name, data(map));
            };
            edits = patches_in(&command);
            let from = edits.items.first().and_then(|_| patch::leading_cd(&command));
            let folder = match (from, folder) {
                (Some(below), Some(folder)) => Some(patch::resolve(&folder, below)),
                (Some(below), None) => Some(below.to_owned()),
                (None, folder) => folder,
            };
            let kind = EventKind::ShellCommand { command, exit_code: None };
            return Call { kind, content: data(map), edits, folder, name };
        }
        "apply_patch" => {
            edits = ["input", "patch"]
                .iter()
                .find_map(|key| text_of(&map, key))
                .map_or_else(Capped::default, |text| patch::changes(&text));
            None
        }
        "view_image" => text_of(&map, "path").map(|path| EventKind::FileRead { path }),
        "read_file" => text_of(&map, "file_path").map(|path| EventKind::FileRead { path }),
        "grep_files" => text_of(&map, "pattern").map(|query| EventKind::CodeSearch { query }),
        _ => None,
    };
    let call = plain(name, data(map));
    Call { kind: kind.unwrap_or(call.kind), edits, folder, ..call }
}

fn data(map: Map<String, Value>) -> Content {
    if map.is_empty() { Content::empty() } else { Content::json(Value::Object(map)) }
}

/// The edits of a script; most have none.
fn patches_in(script: &str) -> Capped<Change> {
    if memchr::memmem::find(script.as_bytes(), b"*** Begin Patch").is_some() {
        patch::changes(script)
    } else {
        Capped::default()
    }
}

/// Takes the command out of the arguments: what is in the event's kind need not be in its content.
fn command_line(map: &mut Map<String, Value>, key: &str) -> Option<String> {
    let words = match map.get(key)? {
        Value::String(_) => {
            let Some(Value::String(command)) = map.remove(key) else { return None };
            return Some(command);
        }
        Value::Array(words) => words,
        _ => return None,
    };
    let words: Vec<&str> = words.iter().map(Value::as_str).collect::<Option<_>>()?;
    let command = match words.as_slice() {
        [shell, "-lc" | "-c", script] if is_shell(shell) => (*script).to_owned(),
        [shell, .., "-Command" | "-command" | "-c", script] if is_power_shell(shell) => (*script).to_owned(),
        words => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    };
    map.remove(key);
    Some(command)
}

fn program(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn is_shell(path: &str) -> bool {
    matches!(program(path), "bash" | "zsh" | "sh" | "dash" | "bash.exe")
}

fn is_power_shell(path: &str) -> bool {
    let name = program(path);
    ["powershell", "powershell.exe", "pwsh", "pwsh.exe"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// A word as a shell would have to be given it.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '=' | '@' | '+' | ',' | '%');
    if !word.is_empty() && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

/// What a call answered.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub blocks: Vec<Block>,
    pub exit_code: Option<i64>,
    pub duration_ms: Option<u64>,
    pub is_error: bool,
}

/// Reads an output: a text with a head of its own kind, JSON in a text, or several items.
pub(super) fn answer(output: Output<'_>) -> Answer {
    let mut answer = Answer::default();
    for item in output.items.0 {
        if item.image_url.filled().is_some() {
            answer.blocks.push(super::images::block(item.image_url.str()));
            continue;
        }
        let text = answer.take_head(item);
        answer.is_error |= reads_as_error(&text);
        if !text.is_empty() {
            answer.blocks.push(Block::Text { text });
        }
    }
    answer.is_error = match (answer.exit_code, output.success) {
        (Some(code), _) => code != 0,
        (None, Some(success)) => !success,
        (None, None) => answer.is_error,
    };
    answer
}

impl Answer {
    /// The text of an item without its head, whose facts are taken over.
    fn take_head(&mut self, item: Item<'_>) -> String {
        let text = item.text.into_string();
        if text.starts_with("{\"output\"") || text.starts_with("{\"metadata\"") {
            return self.take_json(text);
        }
        let is_exec =
            text.starts_with("Chunk ID: ") || text.starts_with("Exit code: ") || text.starts_with("Wall time: ");
        if is_exec { self.take_exec_head(text) } else { text }
    }

    /// `{"output", "metadata": {"exit_code", "duration_seconds"}}`.
    fn take_json(&mut self, text: String) -> String {
        let hollow = if text.len() >= LONG { Hollow::of(text.as_bytes()) } else { None };
        if let Some(hollow) = &hollow
            && let Some((output, metadata)) = shell_json(hollow.line())
            && hollow.is_gap(&output)
        {
            self.exit_code = metadata.exit_code;
            self.duration_ms = metadata.duration_seconds.and_then(millis);
            return hollow.text(text.into_bytes()).unwrap_or_default();
        }
        let Some((output, metadata)) = shell_json(&text) else { return text };
        self.exit_code = metadata.exit_code;
        self.duration_ms = metadata.duration_seconds.and_then(millis);
        output.into_owned()
    }

    /// Lines `Chunk ID`, `Exit code`, `Wall time`, `Process exited with code`, ... up to `Output:`.
    /// Kept when the command still runs: the head then says how to go on with it.
    fn take_exec_head(&mut self, text: String) -> String {
        let mut at = 0;
        for line in text.split_inclusive('\n').take(10) {
            at += line.len();
            let line = line.trim_end();
            let code = ["Process exited with code ", "Exit code: "].iter().find_map(|head| line.strip_prefix(head));
            if let Some(code) = code {
                self.exit_code = code.parse().ok();
            } else if let Some(time) = line.strip_prefix("Wall time: ") {
                let seconds = time.strip_suffix(" seconds").and_then(|time| time.parse().ok());
                self.duration_ms = seconds.and_then(millis);
            } else if line == "Output:" {
                let body = text.get(at..).filter(|_| self.exit_code.is_some());
                return body.map_or_else(|| text.clone(), str::to_owned);
            }
        }
        text
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    exit_code: Option<i64>,
    duration_seconds: Option<f64>,
}

fn shell_json(text: &str) -> Option<(Cow<'_, str>, Metadata)> {
    #[derive(Deserialize)]
    struct Shell<'a> {
        #[serde(borrow)]
        output: Lax<'a>,
        #[serde(default)]
        metadata: Metadata,
    }
    // As Codex spells it; else in any order and with any space.
    if let Some((output, metadata)) = quick::shell(text) {
        let metadata = if metadata.0.is_some() { metadata.typed() } else { Some(Metadata::default()) };
        if let Some(metadata) = metadata {
            return Some((output, metadata));
        }
    }
    let shell: Shell<'_> = serde_json::from_str(text).ok()?;
    Some((shell.output.0?, shell.metadata))
}

fn millis(seconds: f64) -> Option<u64> {
    let millis = (seconds * 1000.0).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    (0.0..9e15).contains(&millis).then_some(millis as u64)
}

/// How Codex begins what it answers itself in place of a tool that failed or was not allowed.
const ERRORS: &[&str] = &[
    "failed in sandbox",
    "exec command rejected by user",
    "apply_patch verification failed",
    "patch rejected",
    "execution error",
    "error: ",
    "Error: ",
    "err: ",
    "aborted",
    "command timed out",
    "failed to parse function arguments",
    "unsupported call",
    "tool call error",
    "user rejected",
    "user cancelled",
    "unable to ",
];

fn reads_as_error(text: &str) -> bool {
    ERRORS.iter().any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call_of(name: &str, arguments: &Value) -> Call {
        let line = json!({"name": name, "arguments": arguments.to_string()}).to_string();
        function(&mut serde_json::from_str(&line).unwrap())
    }

    fn command_of(arguments: &Value) -> String {
        match call_of("shell", arguments).kind {
            EventKind::ShellCommand { command, .. } => command,
            other => panic!("{other:?} is no command"),
        }
    }

    fn answer_to(output: &Value) -> Answer {
        let line = json!({ "output": output }).to_string();
        let payload: Payload<'_> = serde_json::from_str(&line).unwrap();
        answer(payload.output.into_output())
    }

    fn text(text: &str) -> Vec<Block> {
        vec![Block::Text { text: text.into() }]
    }

    #[test]
    fn a_command_is_what_the_shell_was_given() {
        assert_eq!(command_of(&json!({"command": ["bash", "-lc", "ls | wc"]})), "ls | wc");
        assert_eq!(command_of(&json!({"command": ["/usr/bin/zsh", "-c", "ls"]})), "ls");
        assert_eq!(command_of(&json!({"command": ["powershell.exe", "-NoProfile", "-Command", "dir"]})), "dir");
        assert_eq!(command_of(&json!({"command": ["rg", "-n", "it's", ""]})), r"rg -n 'it'\''s' ''");
        assert_eq!(command_of(&json!({"cmd": "ls"})), "ls");
    }

    #[test]
    fn what_is_in_the_kind_is_not_in_the_content_again() {
        let call = call_of("exec_command", &json!({"cmd": "ls", "workdir": "/r"}));
        assert_eq!(call.content, Content::json(json!({"workdir": "/r"})));
        assert_eq!(call.folder.as_deref(), Some("/r"));
        assert_eq!(call_of("shell_command", &json!({"command": "ls"})).content, Content::empty());
    }

    #[test]
    fn a_shell_without_a_command_is_a_tool() {
        let call = call_of("shell", &json!({"command": [1, 2]}));
        assert_eq!(call.kind, EventKind::ToolCall { name: "shell".into() });
        assert_eq!(call.content, Content::json(json!({"command": [1, 2]})));
    }

    #[test]
    fn arguments_that_are_no_data_stay_text() {
        let line = json!({"name": "x", "arguments": "{\"a\":"}).to_string();
        assert_eq!(function(&mut serde_json::from_str(&line).unwrap()).content, Content::text("{\"a\":"));
        let deep = "[".repeat(120) + &"]".repeat(120);
        let line = json!({"name": "x", "arguments": deep}).to_string();
        assert_eq!(function(&mut serde_json::from_str(&line).unwrap()).content, Content::text(deep));
        let mut call: Payload<'_> = serde_json::from_str(r#"{"name":"x","arguments":{"a":1}}"#).unwrap();
        assert_eq!(function(&mut call).content, Content::json(json!({"a": 1})));
    }

    #[test]
    fn names_say_where_a_tool_is_from() {
        assert_eq!(full_name("mcp__hub__", "search"), "mcp__hub__search");
        assert_eq!(full_name("agents", "spawn"), "agents.spawn");
        assert_eq!(full_name("", "shell"), "shell");
    }

    #[test]
    fn a_patch_in_a_script_is_an_edit_below_the_folder_it_goes_to() {
        let script = "cd sub && apply_patch <<'EOF'\n*** Begin Patch\n*** Delete File: a\n*** End Patch\nEOF";
        let call = call_of("shell", &json!({"command": ["bash", "-lc", script], "workdir": "/r"}));
        assert_eq!((call.edits.items.len(), call.folder.as_deref()), (1, Some("/r/sub")));
    }

    #[test]
    fn the_known_tools_have_kinds_of_their_own() {
        assert_eq!(
            call_of("view_image", &json!({"path": "/a.png"})).kind,
            EventKind::FileRead { path: "/a.png".into() }
        );
        assert_eq!(call_of("grep_files", &json!({"pattern": "x"})).kind, EventKind::CodeSearch { query: "x".into() });
        let page = r#"{"action":{"type":"open_page","url":"https://a/"}}"#;
        assert_eq!(web(&serde_json::from_str(page).unwrap()).kind, EventKind::WebFetch { url: "https://a/".into() });
        let search = r#"{"action":{"type":"search","query":"q"}}"#;
        assert_eq!(web(&serde_json::from_str(search).unwrap()).kind, EventKind::WebSearch { query: "q".into() });
    }

    #[test]
    fn the_three_heads_of_a_shells_output_are_read() {
        let json = answer_to(&json!(r#"{"output":"no\n","metadata":{"exit_code":1,"duration_seconds":0.25}}"#));
        assert_eq!(json, Answer { blocks: text("no\n"), exit_code: Some(1), duration_ms: Some(250), is_error: true });
        let exit = answer_to(&json!("Exit code: 0\nWall time: 1.5 seconds\nTotal output lines: 2\nOutput:\nok\n"));
        assert_eq!(exit, Answer { blocks: text("ok\n"), exit_code: Some(0), duration_ms: Some(1500), is_error: false });
        for odd in ["{\"output\":\"a\nb\",\"metadata\":{}}", "{\"metadata\": {}, \"more\":[1], \"output\" : \"a\\nb\"}"]
        {
            assert_eq!(answer_to(&json!(odd)).blocks, text("a\nb"));
        }
        for none in [
            r#"{"output":7}"#,
            r#"{"output":"a","output":"b"}"#,
            r#"{"output":"a","metadata":7}"#,
            r#"{"metadata":{},"output":"\ud83d"}"#,
        ] {
            assert_eq!(answer_to(&json!(none)).blocks, text(none));
        }
        let chunk = answer_to(&json!("Chunk ID: ab\nWall time: 0 seconds\nProcess exited with code 2\nOutput:\nx"));
        assert_eq!((chunk.blocks, chunk.exit_code, chunk.is_error), (text("x"), Some(2), true));
    }

    #[test]
    fn a_command_that_still_runs_has_no_exit_code_and_keeps_its_head() {
        let head = "Chunk ID: ab\nWall time: 10 seconds\nProcess running with session ID 7\nOutput:\nx";
        let running = answer_to(&json!(head));
        assert_eq!((running.blocks, running.exit_code, running.is_error), (text(head), None, false));
    }

    #[test]
    fn what_codex_answers_instead_of_a_tool_is_an_error() {
        for said in
            ["exec command rejected by user", "apply_patch verification failed: x", "aborted by user after 29.7s"]
        {
            assert!(answer_to(&json!(said)).is_error, "{said}");
        }
        assert!(!answer_to(&json!("Plan updated")).is_error);
        assert!(answer_to(&json!({"content": "no", "success": false})).is_error);
        assert!(!answer_to(&json!({"content": "error: is what I looked for", "success": true})).is_error);
    }

    #[test]
    fn an_output_of_several_items_keeps_their_order() {
        let items = json!([{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}, 7, "b"]);
        let answer = answer_to(&items);
        assert!(matches!(answer.blocks.as_slice(), [Block::Text { .. }, Block::Reference { .. }, Block::Text { .. }]));
    }
}
