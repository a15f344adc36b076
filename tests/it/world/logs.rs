//! Agents' logs as the agents write them, for sessions that never were.

use std::fs;
use std::path::{Path, PathBuf};

use git_opensession::session::Timestamp;
use serde_json::{Value, json};

use super::{NOW, World};

/// A moment, in seconds from the beginning of the world; negative is before it.
pub fn at(seconds: i64) -> String {
    let start: Timestamp = NOW.parse().expect("a timestamp");
    Timestamp::from_seconds(start.seconds() + seconds).to_string()
}

/// A Claude Code session that goes on by one second a record.
pub struct ClaudeLog {
    id: String,
    cwd: PathBuf,
    clock: i64,
    records: Vec<Value>,
}

impl ClaudeLog {
    /// Begins `seconds` from the beginning of the world.
    pub fn new(id: &str, cwd: impl AsRef<Path>, seconds: i64) -> Self {
        Self { id: id.to_owned(), cwd: cwd.as_ref().to_owned(), clock: seconds, records: Vec::new() }
    }

    fn record(mut self, kind: &str, rest: &Value) -> Self {
        let n = self.records.len();
        let mut record = json!({
            "parentUuid": n.checked_sub(1).map(|n| format!("{}-{n}", self.id)),
            "isSidechain": false, "userType": "external", "cwd": self.cwd, "sessionId": self.id,
            "version": "2.1.62", "gitBranch": "main", "type": kind,
            "uuid": format!("{}-{n}", self.id), "timestamp": at(self.clock),
        });
        let (Some(record_map), Some(rest)) = (record.as_object_mut(), rest.as_object()) else { panic!("maps") };
        record_map.extend(rest.clone());
        self.clock += 1;
        self.records.push(record);
        self
    }

    fn assistant(self, block: &Value) -> Self {
        let n = self.records.len();
        let usage = json!({"input_tokens": 10, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 30,
            "output_tokens": 5});
        self.record(
            "assistant",
            &json!({"requestId": format!("req_{n}"), "message": {"id": format!("msg_{n}"), "type": "message",
                "role": "assistant", "model": "claude-opus-4-6", "content": [block], "usage": usage}}),
        )
    }

    /// The human types.
    pub fn prompt(self, text: &str) -> Self {
        self.record("user", &json!({"message": {"role": "user", "content": text}}))
    }

    /// The agent answers.
    pub fn answer(self, text: &str) -> Self {
        self.assistant(&json!({"type": "text", "text": text}))
    }

    /// The agent thinks.
    pub fn think(self, text: &str) -> Self {
        self.assistant(&json!({"type": "thinking", "thinking": text, "signature": "c2ln"}))
    }

    /// A tool is called, and answers.
    pub fn tool(self, name: &str, input: &Value, output: &str, result: &Value) -> Self {
        let call = format!("toolu_{}_{}", self.id, self.records.len());
        self.assistant(&json!({"type": "tool_use", "id": call, "name": name, "input": input})).record(
            "user",
            &json!({"message": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call,
                "content": output, "is_error": false}]}, "toolUseResult": result}),
        )
    }

    /// The agent runs a command.
    pub fn bash(self, command: &str, output: &str) -> Self {
        let result = json!({"stdout": output, "stderr": "", "interrupted": false, "isImage": false});
        self.tool("Bash", &json!({"command": command, "description": "run"}), output, &result)
    }

    /// The agent writes a new file.
    pub fn write(self, file: &str, content: &str) -> Self {
        let path = self.cwd.join(file);
        let result = json!({"type": "create", "filePath": path, "content": content, "structuredPatch": []});
        self.tool("Write", &json!({"file_path": path, "content": content}), "File created successfully", &result)
    }

    /// The agent changes one line of a file.
    pub fn edit(self, file: &str, old: &str, new: &str) -> Self {
        let path = self.cwd.join(file);
        let hunks = json!([{"oldStart": 1, "oldLines": 1, "newStart": 1, "newLines": 1,
            "lines": [format!("-{old}"), format!("+{new}")]}]);
        let result = json!({"filePath": path, "oldString": old, "newString": new, "originalFile": old,
            "structuredPatch": hunks, "userModified": false, "replaceAll": false});
        let input = json!({"file_path": path, "old_string": old, "new_string": new});
        self.tool("Edit", &input, "The file has been updated.", &result)
    }

    /// The log's text.
    pub fn text(&self) -> String {
        self.records.iter().flat_map(|record| [record.to_string(), "\n".to_owned()]).collect()
    }

    /// Writes it where Claude Code keeps it. Its path.
    pub fn save(&self, world: &World) -> PathBuf {
        let slug: String = self.cwd.to_string_lossy().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        save(world.home().join(".claude/projects").join(slug).join(format!("{}.jsonl", self.id)), &self.text())
    }
}

/// A Codex session that goes on by one second a record.
pub struct CodexLog {
    id: String,
    cwd: PathBuf,
    clock: i64,
    records: Vec<Value>,
    tokens: u64,
}

impl CodexLog {
    /// Begins `seconds` from the beginning of the world.
    pub fn new(id: &str, cwd: impl AsRef<Path>, seconds: i64) -> Self {
        let cwd = cwd.as_ref().to_owned();
        let new = Self { id: id.to_owned(), cwd: cwd.clone(), clock: seconds, records: Vec::new(), tokens: 0 };
        let meta = json!({"id": id, "timestamp": at(seconds), "cwd": cwd, "originator": "codex_cli_rs",
            "cli_version": "0.142.5", "source": "cli", "model_provider": "openai",
            "git": {"commit_hash": "0".repeat(40), "branch": "main"}});
        let turn = json!({"turn_id": "t1", "cwd": cwd, "model": "gpt-5-codex", "effort": "medium",
            "approval_policy": "on-request", "sandbox_policy": {"mode": "workspace-write"}, "summary": "auto"});
        new.record("session_meta", &meta).record("turn_context", &turn)
    }

    fn record(mut self, kind: &str, payload: &Value) -> Self {
        self.records.push(json!({"timestamp": at(self.clock), "type": kind, "payload": payload}));
        self.clock += 1;
        self
    }

    /// The human types: both streams have it.
    pub fn prompt(self, text: &str) -> Self {
        self.record(
            "response_item",
            &json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}),
        )
        .record("event_msg", &json!({"type": "user_message", "message": text, "kind": "plain"}))
    }

    /// The agent answers: both streams have it; and it costs 100 tokens.
    pub fn answer(mut self, text: &str) -> Self {
        self.tokens += 1;
        let usage = |n: u64| {
            json!({"input_tokens": 70 * n, "cached_input_tokens": 30 * n, "output_tokens": 30 * n,
            "reasoning_output_tokens": 10 * n, "total_tokens": 100 * n})
        };
        let info = json!({"total_token_usage": usage(self.tokens), "last_token_usage": usage(1),
            "model_context_window": 272_000});
        self.record("event_msg", &json!({"type": "agent_message", "message": text}))
            .record(
                "response_item",
                &json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}),
            )
            .record("event_msg", &json!({"type": "token_count", "info": info}))
    }

    fn call(&self) -> String {
        format!("call_{}_{}", self.id, self.records.len())
    }

    /// The agent runs a command.
    pub fn shell(self, command: &str, output: &str, code: i32) -> Self {
        let call = self.call();
        let arguments = json!({"command": ["bash", "-lc", command], "workdir": self.cwd}).to_string();
        let answer = json!({"output": output, "metadata": {"exit_code": code, "duration_seconds": 0.1}}).to_string();
        self.record(
            "response_item",
            &json!({"type": "function_call", "name": "shell", "arguments": arguments, "call_id": call}),
        )
        .record("response_item", &json!({"type": "function_call_output", "call_id": call, "output": answer}))
    }

    /// The agent adds a file.
    pub fn add_file(self, file: &str, content: &str) -> Self {
        let call = self.call();
        let added: String = content.lines().flat_map(|line| ["+", line, "\n"]).collect();
        let patch = format!("*** Begin Patch\n*** Add File: {file}\n{added}*** End Patch");
        let answer = json!({"output": format!("Success. Updated the following files:\nA {file}\n"),
            "metadata": {"exit_code": 0, "duration_seconds": 0.0}})
        .to_string();
        self.record(
            "response_item",
            &json!({"type": "custom_tool_call", "status": "completed", "call_id": call, "name": "apply_patch",
                "input": patch}),
        )
        .record("response_item", &json!({"type": "custom_tool_call_output", "call_id": call, "output": answer}))
    }

    /// The log's text.
    pub fn text(&self) -> String {
        self.records.iter().flat_map(|record| [record.to_string(), "\n".to_owned()]).collect()
    }

    /// Writes it where Codex keeps it. Its path.
    pub fn save(&self, world: &World) -> PathBuf {
        let name = format!("rollout-2026-03-06T12-00-00-{}.jsonl", self.id);
        save(world.home().join(".codex/sessions/2026/03/06").join(name), &self.text())
    }
}

fn save(path: PathBuf, text: &str) -> PathBuf {
    fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    fs::write(&path, text).expect("a log");
    path
}
