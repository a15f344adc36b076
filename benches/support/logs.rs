//! Made-up sessions: prompts, thoughts, reads, searches, edits and commands in the shares that real
//! ones have. The same seed gives the same bytes.

use std::fmt::Write as _;
use std::path::Path;

use git_opensession::session::Timestamp;
use serde_json::{Value, json};

/// A small generator of numbers (xorshift64*): benches want no dice.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap_or_default() % bound.max(1)
    }
}

const WORDS: &str = "the parser now returns an error when the branch name is empty we should keep a cache of objects \
    read from pack files so that repeated lookups stay fast refactor this function into smaller pieces and add tests \
    for edge cases such as detached head worktree submodule bare repository and update the documentation accordingly";

fn prose(dice: &mut Dice, words: usize) -> String {
    let all: Vec<&str> = WORDS.split(' ').filter(|word| !word.is_empty()).collect();
    (0..words).map(|_| all[dice.below(all.len())]).collect::<Vec<_>>().join(" ")
}

fn code_line(dice: &mut Dice) -> String {
    let names = ["index", "branch", "object", "reader", "pack", "tree", "offset", "cache", "entry", "commit"];
    let (a, b, c) = (names[dice.below(10)], names[dice.below(10)], names[dice.below(10)]);
    match dice.below(6) {
        0 => format!("    let {a}_{} = self.{b}.get({c}_{})?;", dice.below(900), dice.below(90)),
        1 => format!("    if {a}.len() > {} && !{b}.is_empty() {{", dice.below(4096)),
        2 => format!("        return Err(Error::{}{}(\"{c} {a}\"));", a.to_uppercase(), dice.below(50)),
        3 => format!("// {}", prose(dice, 9)),
        4 => format!("pub fn {a}_{b}({c}: &[u8], at: usize) -> Result<{}, Error> {{", dice.below(300)),
        _ => "    }".to_owned(),
    }
}

fn code(dice: &mut Dice, lines: usize) -> Vec<String> {
    (0..lines).map(|_| code_line(dice)).collect()
}

/// Who, where, when and how large.
pub struct Plan<'a> {
    pub id: &'a str,
    pub cwd: &'a Path,
    pub start: Timestamp,
    pub end: Timestamp,
    pub bytes: usize,
    pub seed: u64,
}

struct Lines<'a> {
    plan: &'a Plan<'a>,
    dice: Dice,
    text: String,
    records: usize,
}

impl Lines<'_> {
    fn now(&self) -> String {
        let span = self.plan.end.millis() - self.plan.start.millis();
        let share = (self.text.len() * 1000 / self.plan.bytes.max(1)).min(1000);
        Timestamp::from_millis(self.plan.start.millis() + span * i64::try_from(share).unwrap_or(0) / 1000).to_string()
    }

    fn put(&mut self, value: &Value) {
        self.records += 1;
        let _ = writeln!(self.text, "{value}");
    }
}

/// A Claude Code log of about `plan.bytes` bytes.
pub fn claude(plan: &Plan<'_>) -> String {
    let mut lines = Lines { plan, dice: Dice::new(plan.seed), text: String::new(), records: 0 };
    let first = format!("Please look into this ({}): {}", plan.id, prose(&mut lines.dice, 12));
    claude_user(&mut lines, &json!(first), None);
    while lines.text.len() < plan.bytes {
        claude_step(&mut lines);
    }
    claude_assistant(&mut lines, &json!({"type": "text", "text": "Done."}));
    lines.text
}

fn claude_base(lines: &Lines<'_>, kind: &str) -> Value {
    let n = lines.records;
    json!({"parentUuid": n.checked_sub(1).map(|n| format!("{}-{n}", lines.plan.id)), "isSidechain": false,
        "userType": "external", "cwd": lines.plan.cwd, "sessionId": lines.plan.id, "version": "2.1.62",
        "gitBranch": "main", "type": kind, "uuid": format!("{}-{n}", lines.plan.id), "timestamp": lines.now()})
}

fn claude_user(lines: &mut Lines<'_>, content: &Value, result: Option<&Value>) {
    let mut record = claude_base(lines, "user");
    record["message"] = json!({"role": "user", "content": content});
    if let Some(result) = result {
        record["toolUseResult"] = result.clone();
    }
    lines.put(&record);
}

fn claude_assistant(lines: &mut Lines<'_>, block: &Value) {
    let n = lines.records;
    let mut record = claude_base(lines, "assistant");
    record["requestId"] = json!(format!("req_{n}"));
    record["message"] = json!({"id": format!("msg_{n}"), "type": "message", "role": "assistant",
        "model": "claude-opus-4-6", "content": [block], "stop_reason": null,
        "usage": {"input_tokens": 9, "cache_creation_input_tokens": 900, "cache_read_input_tokens": 40_000,
            "output_tokens": 120, "service_tier": "standard"}});
    lines.put(&record);
}

fn claude_tool(lines: &mut Lines<'_>, name: &str, input: &Value, output: &str, result: &Value) {
    let id = format!("toolu_{}_{}", lines.plan.id, lines.records);
    claude_assistant(lines, &json!({"type": "tool_use", "id": id, "name": name, "input": input}));
    let content = json!([{"type": "tool_result", "tool_use_id": id, "content": output, "is_error": false}]);
    claude_user(lines, &content, Some(result));
}

fn claude_step(lines: &mut Lines<'_>) {
    let count = 5 + lines.dice.below(80);
    let file = lines.plan.cwd.join(format!("src/file_{}.rs", lines.dice.below(40)));
    match lines.dice.below(100) {
        0..8 => {
            let text = prose(&mut lines.dice, 20);
            claude_user(lines, &json!(text), None);
        }
        8..20 => {
            let text = prose(&mut lines.dice, 90);
            claude_assistant(lines, &json!({"type": "thinking", "thinking": text, "signature": "c2ln".repeat(120)}));
        }
        20..40 => {
            let text = prose(&mut lines.dice, 40);
            claude_assistant(lines, &json!({"type": "text", "text": text}));
        }
        40..62 => {
            let body = code(&mut lines.dice, count);
            let numbered: Vec<_> = body.iter().enumerate().map(|(n, line)| format!("{:>6}→{line}", n + 1)).collect();
            let result = json!({"type": "text", "file": {"filePath": file, "content": body.join("\n"),
                "numLines": count, "startLine": 1, "totalLines": 2000}});
            claude_tool(lines, "Read", &json!({"file_path": file}), &numbered.join("\n"), &result);
        }
        62..80 => {
            let output = code(&mut lines.dice, count / 2).join("\n");
            let result = json!({"stdout": output, "stderr": "", "interrupted": false, "isImage": false});
            claude_tool(
                lines,
                "Bash",
                &json!({"command": "rg -n parser src", "description": "look"}),
                &output,
                &result,
            );
        }
        _ => {
            let (old, new) = (code(&mut lines.dice, 6), code(&mut lines.dice, 8));
            let mut patch: Vec<_> = old.iter().map(|line| format!("-{line}")).collect();
            patch.extend(new.iter().map(|line| format!("+{line}")));
            let result = json!({"filePath": file, "oldString": old.join("\n"), "newString": new.join("\n"),
                "originalFile": null, "userModified": false, "replaceAll": false, "structuredPatch":
                [{"oldStart": 1, "oldLines": 6, "newStart": 1, "newLines": 8, "lines": patch}]});
            let input = json!({"file_path": file, "old_string": old.join("\n"), "new_string": new.join("\n")});
            claude_tool(lines, "Edit", &input, "The file has been updated.", &result);
        }
    }
}

/// A Codex log of about `plan.bytes` bytes.
pub fn codex(plan: &Plan<'_>) -> String {
    let mut lines = Lines { plan, dice: Dice::new(plan.seed), text: String::new(), records: 0 };
    let meta = json!({"id": plan.id, "timestamp": plan.start.to_string(), "cwd": plan.cwd,
        "originator": "codex_cli_rs", "cli_version": "0.142.5", "source": "cli", "model_provider": "openai"});
    codex_line(&mut lines, "session_meta", &meta);
    codex_line(&mut lines, "turn_context", &json!({"turn_id": "t", "cwd": plan.cwd, "model": "gpt-5-codex"}));
    codex_prompt(&mut lines);
    while lines.text.len() < plan.bytes {
        codex_step(&mut lines);
    }
    lines.text
}

fn codex_line(lines: &mut Lines<'_>, kind: &str, payload: &Value) {
    let line = json!({"timestamp": lines.now(), "type": kind, "payload": payload});
    lines.put(&line);
}

fn codex_prompt(lines: &mut Lines<'_>) {
    let text = prose(&mut lines.dice, 25);
    let content = json!([{"type": "input_text", "text": text}]);
    codex_line(lines, "response_item", &json!({"type": "message", "role": "user", "content": content}));
    codex_line(lines, "event_msg", &json!({"type": "user_message", "message": text}));
}

fn codex_step(lines: &mut Lines<'_>) {
    let count = 5 + lines.dice.below(90);
    let call = format!("call_{}", lines.records);
    match lines.dice.below(100) {
        0..6 => codex_prompt(lines),
        6..22 => {
            let text = prose(&mut lines.dice, 50);
            codex_line(lines, "event_msg", &json!({"type": "agent_reasoning", "text": text}));
            codex_line(
                lines,
                "response_item",
                &json!({"type": "reasoning", "summary":
                [{"type": "summary_text", "text": text}], "content": null, "encrypted_content": "Z0FB".repeat(250)}),
            );
        }
        22..38 => {
            let text = prose(&mut lines.dice, 40);
            codex_line(lines, "event_msg", &json!({"type": "agent_message", "message": text}));
            codex_line(
                lines,
                "response_item",
                &json!({"type": "message", "role": "assistant", "content":
                [{"type": "output_text", "text": text}]}),
            );
            let usage = json!({"input_tokens": 70 * lines.records, "cached_input_tokens": 30 * lines.records,
                "output_tokens": 30 * lines.records, "reasoning_output_tokens": 0,
                "total_tokens": 100 * lines.records});
            codex_line(
                lines,
                "event_msg",
                &json!({"type": "token_count", "info": {"total_token_usage": usage,
                "last_token_usage": usage, "model_context_window": 272_000}}),
            );
        }
        38..85 => {
            let output = code(&mut lines.dice, count).join("\n");
            let arguments = json!({"command": ["bash", "-lc", "rg -n parser src"], "workdir": lines.plan.cwd});
            codex_line(
                lines,
                "response_item",
                &json!({"type": "function_call", "name": "shell",
                "arguments": arguments.to_string(), "call_id": call}),
            );
            let answer = json!({"output": output, "metadata": {"exit_code": 0, "duration_seconds": 0.1}});
            codex_line(
                lines,
                "response_item",
                &json!({"type": "function_call_output", "call_id": call,
                "output": answer.to_string()}),
            );
        }
        _ => {
            let added: String = code(&mut lines.dice, 8).iter().flat_map(|line| ["+", line, "\n"]).collect();
            let file = format!("src/file_{}.rs", lines.dice.below(40));
            let patch = format!("*** Begin Patch\n*** Update File: {file}\n@@\n{added}*** End Patch");
            codex_line(
                lines,
                "response_item",
                &json!({"type": "custom_tool_call", "status": "completed",
                "call_id": call, "name": "apply_patch", "input": patch}),
            );
            let answer = json!({"output": format!("Success. Updated the following files:\nM {file}\n"),
                "metadata": {"exit_code": 0, "duration_seconds": 0.0}});
            codex_line(
                lines,
                "response_item",
                &json!({"type": "custom_tool_call_output", "call_id": call,
                "output": answer.to_string()}),
            );
        }
    }
}
