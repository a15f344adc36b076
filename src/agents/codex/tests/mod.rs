//! What a log becomes, trap by trap. The logs are made here, line by line, in the shapes that Codex
//! writes; [`Log`] writes them, [`Read`] is what came out.

mod conversation;
mod copies;
mod files;
mod growth;
mod tools;

use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::Codex;
use crate::agents::{Checkpoint, LogParser, ParseError, Parsed, Sink};
use crate::session::{Event, EventKind, Stats, StatsFold, attr};

/// A log that grows line by line. Time goes on by a second a line, unless told otherwise.
#[derive(Default)]
struct Log {
    text: String,
    millis: i64,
    calls: u32,
}

impl Log {
    fn new() -> Self {
        let mut log = Self::default();
        log.line(
            "session_meta",
            json!({"id": ID, "timestamp": stamp(0), "cwd": "/r", "originator": "codex_cli_rs",
            "cli_version": "0.99.0", "source": "cli", "model_provider": "openai",
            "git": {"branch": "main", "commit_hash": "c0ffee", "repository_url": "https://me:pw@host/o/r.git"}}),
        );
        log
    }

    fn line(&mut self, kind: &str, payload: impl std::fmt::Display) -> &mut Self {
        self.millis += 1000;
        self.raw(&format!("{{\"timestamp\":\"{}\",\"type\":\"{kind}\",\"payload\":{payload}}}", stamp(self.millis)))
    }

    fn raw(&mut self, line: &str) -> &mut Self {
        self.text.push_str(line);
        self.text.push('\n');
        self
    }

    fn item(&mut self, payload: Value) -> &mut Self {
        self.line("response_item", payload)
    }

    fn event(&mut self, payload: Value) -> &mut Self {
        self.line("event_msg", payload)
    }

    fn turn(&mut self, model: &str) -> &mut Self {
        self.line("turn_context", json!({"cwd": "/r", "model": model, "summary": "auto"}))
    }

    /// A message as the model sees it.
    fn message(&mut self, role: &str, text: &str) -> &mut Self {
        let kind = if role == "assistant" { "output_text" } else { "input_text" };
        self.item(json!({"type": "message", "role": role, "content": [{"type": kind, "text": text}]}))
    }

    /// A prompt, in both streams.
    fn asks(&mut self, text: &str) -> &mut Self {
        self.message("user", text);
        self.event(json!({"type": "user_message", "message": text, "kind": "plain"}))
    }

    /// An answer, in both streams.
    fn says(&mut self, text: &str) -> &mut Self {
        self.event(json!({"type": "agent_message", "message": text}));
        self.message("assistant", text)
    }

    fn function(&mut self, name: &str, arguments: &Value) -> String {
        self.calls += 1;
        let id = format!("call_{}", self.calls);
        self.item(json!({"type": "function_call", "name": name, "arguments": arguments.to_string(), "call_id": id}));
        id
    }

    fn patches(&mut self, patch: &str) -> String {
        self.calls += 1;
        let id = format!("call_{}", self.calls);
        self.item(json!({"type": "custom_tool_call", "name": "apply_patch", "input": patch, "call_id": id}));
        id
    }

    fn answers(&mut self, call: &str, output: &str) -> &mut Self {
        self.item(json!({"type": "function_call_output", "call_id": call, "output": output}))
    }

    /// A shell command and its answer, in the shape of 2025.
    fn runs(&mut self, command: &str, output: &str, code: i32) -> &mut Self {
        let id = self.function("shell", &json!({"command": ["bash", "-lc", command]}));
        let answer = json!({"output": output, "metadata": {"exit_code": code, "duration_seconds": 0.5}});
        self.answers(&id, &answer.to_string())
    }

    /// Tokens: the total so far and what the last answer took, each `[input, cached, output]`.
    fn counts(&mut self, total: [u64; 3], last: [u64; 3]) -> &mut Self {
        let usage = |[input, cached, output]: [u64; 3]| {
            json!({"input_tokens": input, "cached_input_tokens": cached, "output_tokens": output,
                "reasoning_output_tokens": 0, "total_tokens": input + output})
        };
        self.event(json!({"type": "token_count", "info": {"total_token_usage": usage(total),
            "last_token_usage": usage(last), "model_context_window": 1000}, "rate_limits": null}))
    }

    fn read(&self) -> Read {
        read(self.text.as_bytes())
    }
}

const ID: &str = "019b8000-0000-7000-8000-00000000abcd";

/// A moment so many milliseconds after the session began.
fn stamp(millis: i64) -> String {
    let began: crate::session::Timestamp = "2026-01-02T10:00:00Z".parse().unwrap();
    crate::session::Timestamp::from_millis(began.millis() + millis).to_string()
}

/// What came out of a log.
#[derive(Debug)]
struct Read {
    events: Vec<Event>,
    settled: usize,
    parsed: Parsed,
}

#[derive(Default)]
struct Kept {
    events: Vec<Event>,
    settled: Option<usize>,
    at_most: Option<usize>,
    /// How often it has been asked whether to go on, and how often it says yes.
    asked: usize,
    patience: Option<usize>,
}

impl Sink for Kept {
    fn event(&mut self, event: Event) -> ControlFlow<()> {
        self.events.push(event);
        if self.at_most == Some(self.events.len()) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn goes_on(&mut self) -> ControlFlow<()> {
        self.asked += 1;
        if self.patience.is_some_and(|patience| self.asked > patience) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn settled(&mut self) {
        assert_eq!(self.settled, None, "settled is said once");
        self.settled = Some(self.events.len());
    }
}

fn read(bytes: &[u8]) -> Read {
    read_from(bytes, None)
}

fn read_from(bytes: &[u8], from: Option<&Checkpoint>) -> Read {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    read_file(file.path(), from).unwrap()
}

fn read_file(path: &Path, from: Option<&Checkpoint>) -> Result<Read, ParseError> {
    let mut kept = Kept::default();
    let parsed = Codex.parse(path, from, &mut kept)?;
    let settled = kept.settled.unwrap_or(kept.events.len());
    Ok(Read { events: kept.events, settled, parsed })
}

impl Read {
    fn stats(&self) -> Stats {
        let mut fold = StatsFold::default();
        self.events.iter().for_each(|event| fold.add(event));
        fold.stats()
    }

    /// One line an event: what it is, and what it says.
    fn outline(&self) -> Vec<String> {
        self.events.iter().map(outline).collect()
    }

    fn title(&self) -> Option<&str> {
        self.parsed.header.context.title.as_deref()
    }
}

fn outline(event: &Event) -> String {
    let said: Vec<_> = event.content.texts().collect();
    let said = said.join("|");
    match &event.kind {
        EventKind::UserMessage => format!("user: {said}"),
        EventKind::AgentMessage => format!("agent: {said}"),
        EventKind::SystemMessage => format!("system {}: {said}", event.attr_str(attr::INJECTED).unwrap_or("?")),
        EventKind::Thinking => format!("thinks: {said}"),
        EventKind::ShellCommand { command, .. } => format!("$ {command}"),
        EventKind::ToolCall { name } => format!("calls {name}"),
        EventKind::ToolResult { name, is_error, .. } => {
            format!("{name} {}: {said}", if *is_error { "failed" } else { "answers" })
        }
        EventKind::FileEdit { path, diff } => format!("edits {path}: {}", diff.as_deref().unwrap_or("?")),
        EventKind::FileCreate { path } => format!("creates {path}: {said}"),
        EventKind::FileDelete { path } => format!("deletes {path}"),
        EventKind::Custom { kind } => format!("({kind}) {said}"),
        other => format!("{other:?}"),
    }
}
