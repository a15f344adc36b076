//! A conversation with its work folded: what users ask for, because a session with every tool
//! output open cannot be read.

use std::collections::BTreeMap;
use std::io;

use super::{Paper, Section};
use crate::session::{Event, EventKind, Timestamp, attr, changed_lines};
use crate::view::Safe;
use crate::view::describe::{call, detail, first_line, text_of, waited, without_tag};
use crate::view::look::{Look, Role};
use crate::view::when::{counted, span};

/// Prompts longer than this are pasted logs rather than typed text.
const PROMPT_LINES: usize = 30;
/// What a subagent reports is mostly meant for the agent that sent it.
const REPORT_LINES: usize = 6;
/// So many quiet calls in a row are shown; of more, their number.
const QUIET_CALLS: usize = 4;

/// The work of a turn that is not written yet, because results come after their calls.
#[derive(Default)]
pub(super) struct Fold {
    work: Vec<Work>,
    tasks: BTreeMap<String, Task>,
}

enum Work {
    Call(Call),
    Edit(Edit),
}

struct Call {
    id: Option<String>,
    name: Safe<'static>,
    detail: Safe<'static>,
    at: Timestamp,
    outcome: Outcome,
    millis: u64,
    /// It was kept back once already for a result that did not come.
    overdue: bool,
}

enum Outcome {
    Unknown,
    Good,
    Bad(Safe<'static>),
}

#[derive(Clone)]
struct Edit {
    mark: &'static str,
    path: Safe<'static>,
    added: u64,
    removed: u64,
    times: u64,
}

/// A subagent's work, of which only the sum is shown.
#[derive(Default)]
struct Task {
    title: Option<Safe<'static>>,
    began: Option<Timestamp>,
    ended: Option<Timestamp>,
    calls: u64,
    failed: u64,
    edits: Vec<Edit>,
    report: String,
}

impl Fold {
    pub(super) fn event(&mut self, paper: &mut Paper<'_>, event: &Event) -> io::Result<()> {
        if let (Some(id), false) = (&event.task_id, event.kind == EventKind::UserMessage) {
            return self.task_event(paper, id, event);
        }
        match &event.kind {
            EventKind::UserMessage => {
                self.write_work(paper, false)?;
                paper.prompt(event, Some(PROMPT_LINES))
            }
            EventKind::AgentMessage => {
                let text = text_of(&event.content);
                if text.trim().is_empty() {
                    return Ok(());
                }
                self.write_work(paper, false)?;
                paper.answer(Paper::INDENT, &text, None)
            }
            EventKind::ToolResult { .. } => {
                self.result(paper, event);
                Ok(())
            }
            // A task without an id of its own.
            EventKind::TaskStart { .. } | EventKind::TaskEnd { .. } => self.task_event(paper, "", event),
            _ => {
                if let Some(edit) = Edit::of(event, paper) {
                    self.edit(event, edit);
                } else if let Some(call) = Call::of(event, paper) {
                    self.work.push(Work::Call(call));
                }
                Ok(())
            }
        }
    }

    pub(super) fn finish(&mut self, paper: &mut Paper<'_>) -> io::Result<()> {
        self.write_work(paper, true)?;
        for (_, task) in std::mem::take(&mut self.tasks) {
            task.write(paper)?;
        }
        Ok(())
    }

    fn result(&mut self, paper: &Paper<'_>, event: &Event) {
        let EventKind::ToolResult { name, is_error, .. } = &event.kind else { return };
        let outcome = Outcome::of(event, *is_error, &paper.pen.look);
        let id = event.call_id();
        let asked = self.work.iter_mut().rev().find_map(|work| match work {
            Work::Call(call) if id.is_some() && call.id.as_deref() == id => Some(call),
            _ => None,
        });
        match asked {
            Some(call) => {
                call.outcome = outcome;
                call.millis = event.duration_ms.unwrap_or_else(|| waited(call.at, event.timestamp)).max(call.millis);
                // A parser that does not know whom an answer is from says so.
                if !matches!(name.trim(), "" | "unknown") {
                    call.name = first_line(name, 40);
                }
            }
            // Its call has been written. That it went wrong is still worth a line.
            None if *is_error => self.work.push(Work::Call(Call {
                id: None,
                name: first_line(name, 40),
                detail: Safe::literal(""),
                at: event.timestamp,
                outcome,
                millis: event.duration_ms.unwrap_or(0),
                overdue: true,
            })),
            None => {}
        }
    }

    /// An edit stands for the call that made it, and several of one file in a row are one.
    fn edit(&mut self, event: &Event, edit: Edit) {
        if let Some(id) = event.call_id() {
            self.work.retain(|work| !matches!(work, Work::Call(call) if call.id.as_deref() == Some(id)));
        }
        match self.work.last_mut() {
            Some(Work::Edit(last)) if last.path == edit.path && edit.mark != Edit::DELETED => last.add(&edit),
            _ => self.work.push(Work::Edit(edit)),
        }
    }

    /// Writes the work so far. Calls that have no result yet wait once.
    fn write_work(&mut self, paper: &mut Paper<'_>, all: bool) -> io::Result<()> {
        let mut waiting = Vec::new();
        let mut quiet: Vec<Call> = Vec::new();
        for work in std::mem::take(&mut self.work) {
            match work {
                Work::Call(mut call) if !all && call.may_be_answered() => {
                    call.overdue = true;
                    waiting.push(Work::Call(call));
                }
                Work::Call(call) if !matches!(call.outcome, Outcome::Bad(_)) => quiet.push(call),
                loud => {
                    write_quiet(paper, &mut quiet)?;
                    match loud {
                        Work::Call(call) => call.write(paper)?,
                        Work::Edit(edit) => edit.write(paper, Paper::INDENT)?,
                    }
                }
            }
        }
        write_quiet(paper, &mut quiet)?;
        self.work = waiting;
        Ok(())
    }

    /// A task's line tells what the call that started it would: that call is not told, too.
    fn drop_call_of_task(&mut self, id: Option<&str>, title: Option<&Safe<'_>>) {
        let starter = self.work.iter().rposition(|work| match work {
            Work::Call(call) if id.is_some() && call.id.as_deref() == id => true,
            Work::Call(call) if starts_task(call.name.as_str()) && matches!(call.outcome, Outcome::Unknown) => {
                title.is_none_or(|title| *title == call.detail)
            }
            _ => false,
        });
        if let Some(at) = starter {
            self.work.remove(at);
        }
    }

    fn task_event(&mut self, paper: &mut Paper<'_>, id: &str, event: &Event) -> io::Result<()> {
        let task = self.tasks.entry(id.to_owned()).or_default();
        task.began = Some(task.began.map_or(event.timestamp, |at| at.min(event.timestamp)));
        task.ended = task.ended.max(Some(event.timestamp));
        match &event.kind {
            EventKind::TaskStart { title } => {
                task.title = title.as_deref().map(|title| detail(title, &paper.pen.look));
                let title = task.title.clone();
                self.drop_call_of_task(event.call_id(), title.as_ref());
            }
            EventKind::TaskEnd { summary } => {
                // What the subagent said last is the summary, and more of it.
                if task.report.is_empty() {
                    task.report = summary.clone().unwrap_or_default();
                }
                let task = self.tasks.remove(id);
                self.write_work(paper, false)?;
                if let Some(task) = task {
                    task.write(paper)?;
                }
            }
            EventKind::AgentMessage => {
                let text = text_of(&event.content);
                if !text.trim().is_empty() {
                    task.report = text;
                }
            }
            EventKind::ToolResult { is_error, .. } => task.failed += u64::from(*is_error),
            kind => {
                task.calls += u64::from(kind.is_call());
                if let Some(edit) = Edit::of(event, paper) {
                    task.edit(&edit);
                }
            }
        }
        Ok(())
    }
}

/// The tools that start a subagent.
fn starts_task(name: &str) -> bool {
    matches!(name, "Task" | "Agent" | "spawn_agent")
}

/// Calls that went well: each, or if there are many, how many of which.
fn write_quiet(paper: &mut Paper<'_>, calls: &mut Vec<Call>) -> io::Result<()> {
    let calls = std::mem::take(calls);
    if calls.len() <= QUIET_CALLS {
        return calls.into_iter().try_for_each(|call| call.write(paper));
    }
    let mut names: Vec<(String, u64)> = Vec::new();
    for call in &calls {
        match names.iter_mut().find(|(name, _)| name == call.name.as_str()) {
            Some((_, count)) => *count += 1,
            None => names.push((call.name.to_string(), 1)),
        }
    }
    names.sort_by(|one, two| two.1.cmp(&one.1).then_with(|| one.0.cmp(&two.0)));
    let names = names.into_iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ");
    paper.begin(Section::Work)?;
    paper.pen.spaces(Paper::INDENT)?;
    paper.pen.put_made(Role::Tool, format!("… {}  {names}", counted(calls.len() as u64, "tool call")))?;
    paper.pen.newline()
}

impl Call {
    fn of(event: &Event, paper: &Paper<'_>) -> Option<Self> {
        let (name, about) = call(event, &paper.root)?;
        let outcome = match &event.kind {
            EventKind::ShellCommand { exit_code: Some(code), .. } => Outcome::exit(i64::from(*code)),
            _ => Outcome::Unknown,
        };
        Some(Self {
            id: event.call_id().map(str::to_owned),
            name: first_line(name, 40),
            detail: detail(&about, &paper.pen.look),
            at: event.timestamp,
            outcome,
            millis: event.duration_ms.unwrap_or(0),
            overdue: false,
        })
    }

    fn may_be_answered(&self) -> bool {
        matches!(self.outcome, Outcome::Unknown) && self.id.is_some() && !self.overdue
    }

    /// `· Bash  cargo test  → exit 1  (1.2 s)`
    fn write(&self, paper: &mut Paper<'_>) -> io::Result<()> {
        paper.begin(Section::Work)?;
        paper.pen.spaces(Paper::INDENT)?;
        paper.pen.put_made(Role::Tool, format!("· {}", self.name))?;
        if !self.detail.as_str().is_empty() {
            paper.pen.put_made(Role::Tool, format!("  {}", self.detail))?;
        }
        write_outcome(paper, &self.outcome, self.millis)?;
        paper.pen.newline()
    }
}

fn write_outcome(paper: &mut Paper<'_>, outcome: &Outcome, millis: u64) -> io::Result<()> {
    if let Outcome::Bad(why) = outcome {
        paper.pen.say(Role::Tool, "  → ")?;
        paper.pen.put(Role::Error, why)?;
    }
    // What took less than a second is nothing to wonder about.
    if millis >= 1000 {
        paper.pen.put_made(Role::Meta, format!("  ({})", span(millis)))?;
    }
    Ok(())
}

impl Outcome {
    fn of(result: &Event, is_error: bool, look: &Look) -> Self {
        let code = result.attributes.get(attr::EXIT_CODE).and_then(serde_json::Value::as_i64);
        match code {
            Some(code) if code != 0 => Self::exit(code),
            _ if is_error => {
                let text = text_of(&result.content);
                let why = first_line(without_tag(&text), look.one_line(40).min(80));
                if why.as_str().is_empty() { Self::Bad(Safe::literal("failed")) } else { Self::Bad(why) }
            }
            _ => Self::Good,
        }
    }

    fn exit(code: i64) -> Self {
        match code {
            0 => Self::Good,
            code => Self::Bad(Safe::made_of_safe(format!("exit {code}"))),
        }
    }
}

impl Edit {
    const CHANGED: &'static str = "±";
    const CREATED: &'static str = "+";
    const DELETED: &'static str = "-";

    fn of(event: &Event, paper: &Paper<'_>) -> Option<Self> {
        let (mark, added, removed) = match &event.kind {
            EventKind::FileEdit { diff, .. } => {
                let (added, removed) = diff.as_deref().map(changed_lines).unwrap_or_default();
                (Self::CHANGED, added, removed)
            }
            EventKind::FileCreate { .. } => {
                (Self::CREATED, event.content.texts().map(|text| text.lines().count() as u64).sum(), 0)
            }
            EventKind::FileDelete { .. } => (Self::DELETED, 0, 0),
            _ => return None,
        };
        let path = detail(paper.root.tell(event.kind.edited_path()?), &paper.pen.look);
        Some(Self { mark, path, added, removed, times: 1 })
    }

    fn add(&mut self, other: &Self) {
        self.added += other.added;
        self.removed += other.removed;
        self.times += other.times;
    }

    /// `± src/x.rs +3 -1`
    fn write(&self, paper: &mut Paper<'_>, indent: usize) -> io::Result<()> {
        paper.begin(Section::Work)?;
        paper.pen.spaces(indent)?;
        let role = match self.mark {
            Self::CREATED => Role::Added,
            Self::DELETED => Role::Removed,
            _ => Role::Hunk,
        };
        paper.pen.say(role, self.mark)?;
        paper.pen.put_made(Role::Text, format!(" {}", self.path))?;
        if self.added > 0 {
            paper.pen.put_made(Role::Added, format!(" +{}", self.added))?;
        }
        if self.removed > 0 {
            paper.pen.put_made(Role::Removed, format!(" -{}", self.removed))?;
        }
        if self.times > 1 {
            paper.pen.put_made(Role::Meta, format!("  ({})", counted(self.times, "edit")))?;
        }
        paper.pen.newline()
    }
}

impl Task {
    /// A subagent goes to and fro between its files: each is told once.
    fn edit(&mut self, edit: &Edit) {
        match self.edits.iter_mut().find(|known| known.path == edit.path) {
            Some(known) if edit.mark != Edit::DELETED => known.add(edit),
            _ => self.edits.push(edit.clone()),
        }
    }

    fn write(&self, paper: &mut Paper<'_>) -> io::Result<()> {
        paper.begin(Section::Work)?;
        paper.pen.spaces(Paper::INDENT)?;
        paper.pen.say(Role::Task, "▸ Task")?;
        if let Some(title) = &self.title {
            paper.pen.put_made(Role::Task, format!("  {title}"))?;
        }
        paper.pen.put_made(Role::Meta, format!("  {}", counted(self.calls, "tool call")))?;
        if self.failed > 0 {
            paper.pen.put_made(Role::Meta, format!(", {} failed", self.failed))?;
        }
        if let (Some(began), Some(ended)) = (self.began, self.ended) {
            let millis = u64::try_from(ended.millis().saturating_sub(began.millis())).unwrap_or(0);
            write_outcome(paper, &Outcome::Good, millis)?;
        }
        paper.pen.newline()?;
        let indent = Paper::INDENT * 2;
        for edit in &self.edits {
            edit.write(paper, indent)?;
        }
        if self.report.trim().is_empty() {
            return Ok(());
        }
        paper.prose(Role::Aside, indent, self.report.trim(), Some(REPORT_LINES))
    }
}
