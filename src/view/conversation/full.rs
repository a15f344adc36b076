//! A conversation with everything in it.

use std::io;

use serde_json::Value;

use super::{Paper, Section};
use crate::session::{Event, EventKind, attr, changed_lines};
use crate::view::Safe;
use crate::view::columns::expand_tabs;
use crate::view::describe::{call, first_line, text_of};
use crate::view::look::Role;
use crate::view::when::{counted, span};

pub(super) fn event(paper: &mut Paper<'_>, event: &Event) -> io::Result<()> {
    // What a subagent does is set in by a step.
    let indent = if event.task_id.is_some() { Paper::INDENT * 2 } else { Paper::INDENT };
    match &event.kind {
        EventKind::UserMessage => paper.prompt(event, None),
        EventKind::AgentMessage => paper.answer(indent, &text_of(&event.content), None),
        EventKind::Thinking => aside(paper, indent, "thinking", event),
        EventKind::SystemMessage => aside(paper, indent, "system", event),
        EventKind::Custom { kind } => aside(paper, indent, kind, event),
        EventKind::Other(_) => aside(paper, indent, event.kind.name(), event),
        EventKind::ToolResult { name, is_error, .. } => result(paper, indent, event, name, *is_error),
        EventKind::FileEdit { path, diff } => edit(paper, indent, path, diff.as_deref()),
        EventKind::FileCreate { path } => create(paper, indent, path, event),
        EventKind::FileDelete { path } => {
            let path = &paper.root.tell(path).to_owned();
            heading(paper, indent, Role::Removed, ("-", path, ""))?;
            paper.pen.newline()
        }
        EventKind::TaskStart { title } => task(paper, "▸ Task", title.as_deref(), event),
        EventKind::TaskEnd { summary } => task(paper, "◂ Task ended", summary.as_deref(), event),
        _ => tool_call(paper, indent, event),
    }
}

/// A line that is no prose: `mark name  about`, bounded, because it is somebody else's.
fn heading(
    paper: &mut Paper<'_>,
    indent: usize,
    role: Role,
    (mark, name, about): (&'static str, &str, &str),
) -> io::Result<()> {
    paper.pen.newline()?;
    paper.last = Some(Section::Work);
    paper.pen.spaces(indent)?;
    let columns = paper.pen.look.one_line(indent + 20);
    let (name, about) = (first_line(name, columns), first_line(about, columns));
    paper.pen.say(role, mark)?;
    if !name.as_str().is_empty() {
        paper.pen.put_made(role, format!(" {name}"))?;
    }
    if !about.as_str().is_empty() {
        paper.pen.put_made(role, format!("  {about}"))?;
    }
    Ok(())
}

/// Text as it is, every line of it.
fn verbatim(paper: &mut Paper<'_>, role: Role, indent: usize, text: &str) -> io::Result<()> {
    for line in Safe::text(text.trim_end()).as_str().lines() {
        if !line.is_empty() {
            paper.pen.spaces(indent)?;
            paper.pen.put_made(role, expand_tabs(line))?;
        }
        paper.pen.newline()?;
    }
    Ok(())
}

fn aside(paper: &mut Paper<'_>, indent: usize, what: &str, event: &Event) -> io::Result<()> {
    let text = text_of(&event.content);
    heading(paper, indent, Role::Meta, ("·", what, ""))?;
    if let Some(injected) = event.attr_str(attr::INJECTED) {
        paper.pen.put_made(Role::Meta, format!(" ({})", Safe::line(injected)))?;
    }
    paper.pen.newline()?;
    paper.prose(Role::Aside, indent + 2, text.trim(), None)
}

fn tool_call(paper: &mut Paper<'_>, indent: usize, event: &Event) -> io::Result<()> {
    let Some((name, about)) = call(event, &paper.root) else { return Ok(()) };
    let columns = paper.pen.look.one_line(indent + 20);
    heading(paper, indent, Role::Task, ("·", name, &about))?;
    paper.pen.newline()?;
    let told_whole = about.trim() == first_line(&about, columns).as_str();
    if !told_whole && !matches!(event.kind, EventKind::ToolCall { .. }) {
        // A command of several lines: the heading has only its first.
        verbatim(paper, Role::Text, indent + 2, &about)?;
    }
    verbatim(paper, Role::Text, indent + 2, &text_of(&event.content))
}

fn result(paper: &mut Paper<'_>, indent: usize, event: &Event, name: &str, is_error: bool) -> io::Result<()> {
    let code = event.attributes.get(attr::EXIT_CODE).and_then(Value::as_i64).filter(|code| *code != 0);
    let outcome = match code {
        Some(code) => format!("exit {code}"),
        None if is_error => "failed".to_owned(),
        None => "ok".to_owned(),
    };
    let bad = is_error || code.is_some();
    paper.last = Some(Section::Work);
    paper.pen.spaces(indent)?;
    paper.pen.put_made(Role::Meta, format!("→ {}", first_line(name, 40)))?;
    paper.pen.spaces(1)?;
    paper.pen.put_made(if bad { Role::Error } else { Role::Good }, outcome)?;
    if let Some(millis) = event.duration_ms {
        paper.pen.put_made(Role::Meta, format!(" ({})", span(millis)))?;
    }
    paper.pen.newline()?;
    verbatim(paper, Role::Meta, indent + 2, &text_of(&event.content))
}

fn edit(paper: &mut Paper<'_>, indent: usize, path: &str, diff: Option<&str>) -> io::Result<()> {
    let path = &paper.root.tell(path).to_owned();
    heading(paper, indent, Role::Hunk, ("±", path, ""))?;
    let (added, removed) = diff.map(changed_lines).unwrap_or_default();
    paper.pen.put_made(Role::Meta, format!(" +{added} -{removed}"))?;
    paper.pen.newline()?;
    let mut in_hunk = false;
    for line in Safe::text(diff.unwrap_or_default()).as_str().lines() {
        in_hunk |= line.starts_with("@@");
        let role = match line.as_bytes().first() {
            Some(b'@') => Role::Hunk,
            Some(b'+') if in_hunk => Role::Added,
            Some(b'-') if in_hunk => Role::Removed,
            _ => Role::Text,
        };
        paper.pen.spaces(indent + 2)?;
        paper.pen.put_made(role, expand_tabs(line))?;
        paper.pen.newline()?;
    }
    Ok(())
}

fn create(paper: &mut Paper<'_>, indent: usize, path: &str, event: &Event) -> io::Result<()> {
    let text = text_of(&event.content);
    let path = &paper.root.tell(path).to_owned();
    heading(paper, indent, Role::Added, ("+", path, ""))?;
    paper.pen.put_made(Role::Meta, format!("  {}", counted(text.lines().count() as u64, "line")))?;
    paper.pen.newline()?;
    verbatim(paper, Role::Added, indent + 2, &text)
}

fn task(paper: &mut Paper<'_>, what: &'static str, text: Option<&str>, event: &Event) -> io::Result<()> {
    let text = text.unwrap_or_default();
    let of_several_lines = text.trim().contains('\n');
    let about = if of_several_lines { "" } else { text };
    heading(paper, Paper::INDENT, Role::Task, (what, "", about))?;
    paper.pen.newline()?;
    if of_several_lines {
        paper.prose(Role::Text, Paper::INDENT * 2, text.trim(), None)?;
    }
    verbatim(paper, Role::Text, Paper::INDENT * 2, &text_of(&event.content))
}
