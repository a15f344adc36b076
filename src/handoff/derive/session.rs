//! One session, event by event.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::shell::verdict;
use super::steps::Steps;
use super::{Deed, Edit, Failure, Part, Run, attribute, source, talk};
use crate::handoff::text::{clip, clip_front, first_line, text_of};
use crate::handoff::{Decision, DecisionKind, NextStep, Outcome, Place, Pointer, Prompt, Said, StepState};
use crate::ledger::Sid;
use crate::redaction::Redacted;
use crate::session::{Block, Event, EventKind, Header, attr, changed_lines};

/// The longest texts, in bytes: the first and the last prompt and the last answer; other prompts; anything else.
const LONG: usize = 4000;
const MIDDLE: usize = 1200;
const SHORT: usize = 600;
/// Prompts between the first and the last that are kept: the latest.
const BETWEEN: usize = 30;
/// The longest command.
const COMMAND: usize = 400;

/// How agents write that the human said no.
const DECLINED: &[&str] = &["The user doesn't want to proceed with this tool use", "rejected by user", "user rejected"];
/// What a failed answer begins with that says nothing of the call itself.
const IDLE: &[&str] = &["<tool_use_error>Cancelled", "<tool_use_error>Sibling", "[Request interrupted"];

/// Reads one session.
#[derive(Debug, Default)]
pub struct Reader {
    prompts: Vec<(String, String)>,
    prompt_count: u64,
    /// The agent's last answer, and whether a human has typed something after it.
    answer: Option<(String, String)>,
    is_answered: bool,
    edits: Vec<Edit>,
    calls: BTreeMap<String, Call>,
    runs: Vec<Run>,
    failures: Vec<Failure>,
    decisions: Vec<(DecisionKind, String, String)>,
    /// A question asked by a tool that has no answer yet.
    asked: Vec<(String, (String, String))>,
    steps: Steps,
    events: BTreeSet<String>,
}

/// A tool call that waits for its answer.
#[derive(Debug)]
struct Call {
    tool: String,
    /// What it is about, in short: a command, a path.
    about: Option<String>,
    input: Value,
    is_shell: bool,
    event: String,
}

impl Reader {
    /// Takes the next event.
    pub fn event(&mut self, event: &Redacted<Event>) {
        let event = event.get();
        self.events.insert(event.event_id.clone());
        match &event.kind {
            EventKind::UserMessage if event.task_id.is_none() => self.prompt(event),
            EventKind::AgentMessage if event.task_id.is_none() => {
                let text = text_of(event);
                if !text.trim().is_empty() {
                    self.answer = Some((text, event.event_id.clone()));
                    self.is_answered = false;
                }
            }
            EventKind::ToolResult { name, is_error, .. } => self.result(event, name, *is_error),
            EventKind::ShellCommand { command, exit_code } => self.shell(event, command, *exit_code),
            kind if kind.edited_path().is_some() => self.edit(event),
            kind if kind.is_call() => self.call(event),
            _ => {}
        }
    }

    fn prompt(&mut self, event: &Event) {
        let text = text_of(event);
        if text.trim().is_empty() {
            return;
        }
        self.end_of_turn();
        self.is_answered = true;
        self.prompt_count += 1;
        self.prompts.push((text, event.event_id.clone()));
        // The first, and enough of the latest for the rest.
        if self.prompts.len() > BETWEEN + 2 {
            self.prompts.remove(1);
        }
    }

    /// What the answer that ends a turn says of choices.
    fn end_of_turn(&mut self) {
        if self.is_answered {
            return;
        }
        let Some((text, event)) = &self.answer else { return };
        for choice in talk::choices(text) {
            self.decisions.push((DecisionKind::Chosen, choice, event.clone()));
        }
    }

    fn edit(&mut self, event: &Event) {
        let (deed, (lines_added, lines_removed)) = match &event.kind {
            EventKind::FileEdit { diff, .. } => (Deed::Edited, diff.as_deref().map(changed_lines).unwrap_or_default()),
            EventKind::FileCreate { .. } => {
                (Deed::Created, (event.content.texts().map(|text| text.lines().count() as u64).sum(), 0))
            }
            _ => (Deed::Deleted, (0, 0)),
        };
        let path = event.kind.edited_path().unwrap_or_default().to_owned();
        self.edits.push(Edit { path, deed, lines_added, lines_removed, event: event.event_id.clone() });
    }

    fn shell(&mut self, event: &Event, command: &str, exit_code: Option<i32>) {
        let call = Call {
            tool: "shell".to_owned(),
            about: Some(command.to_owned()),
            input: Value::Null,
            is_shell: true,
            event: event.event_id.clone(),
        };
        match exit_code {
            Some(code) => self.ran(&call, Some(code.into()), code != 0, ""),
            None => self.wait(event, call),
        }
    }

    fn call(&mut self, event: &Event) {
        let input = event.content.blocks.iter().find_map(|block| match block {
            Block::Json { data } => Some(data.clone()),
            _ => None,
        });
        let input = input.unwrap_or_default();
        let tool = match &event.kind {
            EventKind::ToolCall { name } => name.clone(),
            kind => kind.name().to_owned(),
        };
        if tool == "AskUserQuestion" {
            let question = questions_of(&input);
            self.asked.extend(event.call_id().map(|id| (id.to_owned(), (question, event.event_id.clone()))));
        }
        let about = match &event.kind {
            EventKind::FileRead { path } => Some(path.clone()),
            EventKind::CodeSearch { query } | EventKind::WebSearch { query } => Some(query.clone()),
            EventKind::FileSearch { pattern } => Some(pattern.clone()),
            EventKind::WebFetch { url } => Some(url.clone()),
            _ => ["file_path", "path", "notebook_path", "description", "subject", "skill"]
                .iter()
                .find_map(|key| input.get(key)?.as_str().map(str::to_owned)),
        };
        self.wait(event, Call { tool, about, input, is_shell: false, event: event.event_id.clone() });
    }

    fn wait(&mut self, event: &Event, call: Call) {
        let id = event.call_id().unwrap_or(&event.event_id).to_owned();
        self.calls.insert(id, call);
    }

    fn result(&mut self, event: &Event, name: &str, is_error: bool) {
        let Some(call) = event.call_id().and_then(|id| self.calls.remove(id)) else { return };
        let asked = self.asked.iter().position(|(id, _)| event.call_id() == Some(id));
        let asked = asked.map(|at| self.asked.remove(at).1);
        let text = text_of(event);
        if is_error && DECLINED.iter().any(|words| text.contains(words)) {
            self.declined(&call, name, &text, &event.event_id);
            return;
        }
        if is_error && IDLE.iter().any(|words| text.starts_with(words)) {
            return;
        }
        if call.is_shell {
            let code = event.attributes.get(attr::EXIT_CODE).and_then(Value::as_i64);
            self.ran(&call, code, is_error, &text);
            return;
        }
        if !is_error {
            self.worked(&call, asked, &text, event);
        }
        let said = is_error.then(|| clip(&plain(&text), SHORT));
        let input = call.about.map(|about| first_line(&about, 200));
        self.failures.push(Failure { tool: call.tool, input, text: said, event: event.event_id.clone() });
    }

    /// What a tool that worked settles.
    fn worked(&mut self, call: &Call, asked: Option<(String, String)>, answer: &str, event: &Event) {
        if let Some((question, _)) = asked {
            let answer = answer.trim();
            let text = if answer.is_empty() { question } else { answer.to_owned() };
            self.decisions.push((DecisionKind::Answer, text, event.event_id.clone()));
        }
        if call.tool == "ExitPlanMode" {
            let plan = call.input.get("plan").and_then(Value::as_str).map(str::to_owned);
            self.decisions.extend(plan.map(|plan| (DecisionKind::Plan, plan, call.event.clone())));
        }
        self.steps.call(&call.tool, &call.input, answer, &call.event);
    }

    fn declined(&mut self, call: &Call, name: &str, text: &str, event: &str) {
        let why = text.split_once("the user said:").map(|(_, why)| why.trim()).filter(|why| !why.is_empty());
        let about = call.about.as_deref().map(|about| format!(" {}", first_line(about, 160))).unwrap_or_default();
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        self.decisions.push((DecisionKind::Declined, format!("{name}{about}{why}"), event.to_owned()));
    }

    fn ran(&mut self, call: &Call, exit_code: Option<i64>, is_error: bool, output: &str) {
        let outcome = match exit_code {
            Some(0) => Outcome::Passed,
            Some(_) => Outcome::Failed,
            None if is_error => Outcome::Failed,
            None => Outcome::Passed,
        };
        let verdict = verdict(output);
        let failed = outcome == Outcome::Failed || verdict == Outcome::Failed;
        let said = (failed && !output.trim().is_empty()).then(|| clip_front(output, SHORT));
        let command = clip(call.about.as_deref().unwrap_or_default(), COMMAND);
        self.runs.push(Run { command, outcome, exit_code, verdict, said, event: call.event.clone() });
    }

    /// The session as a part of an artifact, now that its header is known.
    pub fn finish(mut self, header: &Redacted<Header>) -> Part {
        let header = header.get();
        let session = Sid::of(header).to_string();
        let at = |event: &str| Pointer { session: session.clone(), event: event.to_owned() };
        self.end_of_turn();
        self.waiting();
        let last = self.answer.take().filter(|_| !self.prompts.is_empty());
        let open = last.as_ref().filter(|_| !self.is_answered);
        let mut next_steps: Vec<NextStep> = std::mem::take(&mut self.steps)
            .open()
            .into_iter()
            .filter_map(|step| {
                Some(NextStep { state: step.state?, text: clip(&step.text, SHORT), at: at(&step.event) })
            })
            .collect();
        if let Some((text, event)) = open {
            let proposed = talk::next_steps(text).into_iter();
            next_steps.extend(proposed.map(|text| NextStep {
                state: StepState::Proposed,
                text: clip(&text, SHORT),
                at: at(event),
            }));
        }
        let asked = self.asked.pop().map(|(_, asked)| asked);
        let question = asked.or_else(|| open.and_then(|(text, event)| Some((talk::question(text)?, event.clone()))));
        let decision = |(kind, text, event): &(DecisionKind, String, String)| {
            let most = if *kind == DecisionKind::Plan { LONG } else { SHORT };
            Decision { kind: *kind, text: clip(text, most), at: at(event) }
        };
        Part {
            source: source(session.clone(), header, self.events.len() as u64, self.prompt_count),
            cwd: attribute(&header.context.attributes, "cwd"),
            prompts: prompts(&self.prompts, at),
            left_out_prompts: self.prompt_count.saturating_sub(self.prompts.len() as u64),
            answer: last.as_ref().map(|(text, event)| Said { text: clip(text, LONG), at: at(event) }),
            decisions: self.decisions.iter().map(decision).collect(),
            question: question.map(|(text, event)| Said { text: clip(&text, MIDDLE), at: at(&event) }),
            next_steps,
            edits: self.edits,
            runs: self.runs,
            failures: self.failures,
            events: self.events,
        }
    }

    /// Commands that never had an answer: nobody can tell how they ended.
    fn waiting(&mut self) {
        let waiting = std::mem::take(&mut self.calls);
        for call in waiting.into_values().filter(|call| call.is_shell) {
            let command = clip(call.about.as_deref().unwrap_or_default(), COMMAND);
            let (outcome, verdict) = (Outcome::Unknown, Outcome::Unknown);
            self.runs.push(Run { command, outcome, exit_code: None, verdict, said: None, event: call.event });
        }
    }
}

fn prompts(prompts: &[(String, String)], at: impl Fn(&str) -> Pointer) -> Vec<Prompt> {
    let last = prompts.len().saturating_sub(1);
    let prompt = |(index, (text, event)): (usize, &(String, String))| {
        let place = match index {
            0 => Place::First,
            index if index == last => Place::Last,
            _ => Place::Between,
        };
        let most = if place == Place::Between { MIDDLE } else { LONG };
        Prompt { place, text: clip(text, most), at: at(event) }
    };
    prompts.iter().enumerate().map(prompt).collect()
}

/// A tool's own words, without the mark-up around them.
fn plain(text: &str) -> String {
    text.replace("<tool_use_error>", "").replace("</tool_use_error>", "")
}

/// What `AskUserQuestion` asks.
fn questions_of(input: &Value) -> String {
    let questions = input.get("questions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let asked = questions.iter().filter_map(|question| {
        let text = question.get("question")?.as_str()?;
        let options = question.get("options").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let labels = options.iter().filter_map(|option| Some(format!("\n- {}", option.get("label")?.as_str()?)));
        Some(format!("{text}{}", labels.collect::<String>()))
    });
    asked.collect::<Vec<_>>().join("\n")
}
