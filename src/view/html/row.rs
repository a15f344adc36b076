//! What an agent did, as one line that opens: a tool call with its result and the edits it made.

use serde_json::Value;

use super::diff::diff;
use super::markup::Markup;
use super::section::Section;
use crate::session::{Event, EventKind, Timestamp, attr, changed_lines};
use crate::view::Safe;
use crate::view::columns::fit;
use crate::view::describe::{Root, call, first_line, text_of, waited, without_tag};
use crate::view::when::{counted, iso, number, size, span};

/// How much of what a line is about is in it. The rest is in its body.
const ABOUT_COLUMNS: usize = 160;
const NAME_COLUMNS: usize = 40;

/// A line that opens.
pub(super) struct Row {
    /// The anchors of the events in it, its own first.
    anchors: Vec<String>,
    call_id: Option<String>,
    class: &'static str,
    mark: &'static str,
    name: Safe<'static>,
    about: Safe<'static>,
    at: Timestamp,
    outcome: Outcome,
    millis: u64,
    lines: Option<(u64, u64)>,
    of_task: bool,
    /// Whether a result may still come.
    awaits: bool,
    input: Markup,
    effects: Markup,
    output: Markup,
}

enum Outcome {
    /// There is none: it is no call, or its result has not come.
    None,
    Good,
    Bad(String),
}

impl Row {
    /// A row for an event that is no prompt and no answer.
    pub(super) fn new(anchor: String, event: &Event, root: &Root) -> Self {
        let mut row = Self {
            anchors: vec![anchor],
            call_id: event.call_id().map(str::to_owned),
            class: "work",
            mark: "·",
            name: Safe::literal(""),
            about: Safe::literal(""),
            at: event.timestamp,
            outcome: Outcome::None,
            millis: event.duration_ms.unwrap_or(0),
            lines: None,
            of_task: event.task_id.is_some(),
            awaits: false,
            input: Markup::new(),
            effects: Markup::new(),
            output: Markup::new(),
        };
        row.describe(event, root);
        row
    }

    fn describe(&mut self, event: &Event, root: &Root) {
        let text = text_of(&event.content);
        match &event.kind {
            EventKind::Thinking => self.aside("thinking", &text),
            EventKind::SystemMessage => self.aside("system", &text),
            EventKind::AgentMessage => self.aside("subagent", &text),
            EventKind::Custom { kind } => self.aside(kind, &text),
            EventKind::Other(_) => self.aside(event.kind.name(), &text),
            EventKind::TaskStart { title } => self.task("▸", "Task", title.as_deref(), &text),
            EventKind::TaskEnd { summary } => self.task("◂", "Task ended", summary.as_deref(), &text),
            EventKind::ToolResult { name, .. } => {
                (self.mark, self.name) = ("→", first_line(name, NAME_COLUMNS));
                self.answer(event);
            }
            kind if kind.edited_path().is_some() => self.edit(event, root),
            _ => self.call(event, root, &text),
        }
        if let Some(injected) = event.attr_str(attr::INJECTED) {
            self.about = fit(&Safe::made_of_safe(format!("({}) {}", Safe::line(injected), self.about)), ABOUT_COLUMNS);
        }
    }

    fn aside(&mut self, name: &str, text: &str) {
        self.class = "aside";
        self.name = first_line(name, NAME_COLUMNS);
        self.about = first_line(text, ABOUT_COLUMNS);
        block(&mut self.input, "", text);
    }

    fn task(&mut self, mark: &'static str, name: &'static str, about: Option<&str>, text: &str) {
        (self.class, self.mark, self.name) = ("task", mark, Safe::literal(name));
        let about = about.unwrap_or_default();
        self.about = first_line(about, ABOUT_COLUMNS);
        if about.trim() != self.about.as_str() {
            block(&mut self.input, "", about);
        }
        block(&mut self.input, "", text);
    }

    fn call(&mut self, event: &Event, root: &Root, text: &str) {
        let Some((name, about)) = call(event, root) else { return self.aside(event.kind.name(), text) };
        self.name = first_line(name, NAME_COLUMNS);
        self.about = first_line(&about, ABOUT_COLUMNS);
        self.awaits = self.call_id.is_some();
        let told_whole = about.trim() == self.about.as_str();
        if !told_whole && !matches!(event.kind, EventKind::ToolCall { .. }) {
            block(&mut self.input, "", &about);
        }
        block(&mut self.input, "input", text);
        if let EventKind::ShellCommand { exit_code: Some(code), .. } = &event.kind {
            self.outcome = Outcome::exit(i64::from(*code));
        }
    }

    /// Whether an event is the result or the effect of the call in this row.
    pub(super) fn is_of(&self, event: &Event) -> bool {
        let belongs = matches!(event.kind, EventKind::ToolResult { .. }) || event.kind.edited_path().is_some();
        belongs && self.call_id.is_some() && self.call_id.as_deref() == event.call_id()
    }

    /// Whether a result may still come.
    pub(super) fn is_waiting(&self) -> bool {
        self.awaits
    }

    /// Takes in a result or an effect of its call.
    pub(super) fn add(&mut self, anchor: String, event: &Event, root: &Root) {
        self.anchors.push(anchor);
        match &event.kind {
            EventKind::ToolResult { name, .. } => {
                if !matches!(name.trim(), "" | "unknown") && self.lines.is_none() {
                    self.name = first_line(name, NAME_COLUMNS);
                }
                let took = event.duration_ms.unwrap_or_else(|| waited(self.at, event.timestamp));
                self.millis = self.millis.max(took);
                self.answer(event);
            }
            _ => self.edit(event, root),
        }
    }

    fn answer(&mut self, event: &Event) {
        let EventKind::ToolResult { is_error, .. } = &event.kind else { return };
        self.awaits = false;
        let text = text_of(&event.content);
        let code = event.attributes.get(attr::EXIT_CODE).and_then(Value::as_i64);
        self.outcome = match code {
            Some(code) if code != 0 => Outcome::exit(code),
            _ if *is_error => {
                let why = first_line(without_tag(&text), 80);
                Outcome::Bad(if why.as_str().is_empty() { "failed".to_owned() } else { format!("failed: {why}") })
            }
            _ => Outcome::Good,
        };
        block(&mut self.output, "output", &text);
    }

    /// An edit names the row: what changed says more than the tool that changed it.
    fn edit(&mut self, event: &Event, root: &Root) {
        let Some(path) = event.kind.edited_path() else { return };
        let text = text_of(&event.content);
        let (mark, (added, removed), effect) = match &event.kind {
            EventKind::FileEdit { diff: Some(text), .. } => ("±", changed_lines(text), diff(text)),
            EventKind::FileCreate { .. } => ("+", (text.lines().count() as u64, 0), labelled("new file", &text)),
            EventKind::FileDelete { .. } => ("-", (0, 0), Markup::new()),
            _ => ("±", (0, 0), labelled("", &text)),
        };
        let path = fit(&Safe::line(root.tell(path)), ABOUT_COLUMNS);
        match self.lines {
            // The first edit of the call.
            None => {
                (self.class, self.mark, self.name, self.lines) = ("edit", mark, path, Some((added, removed)));
                self.about = Safe::literal("");
            }
            Some((before, gone)) => {
                self.lines = Some((before + added, gone + removed));
                if self.name != path && !self.about.as_str().split(' ').any(|told| told == path.as_str()) {
                    let about = format!("{} {path}", self.about);
                    self.about = fit(&Safe::made_of_safe(about.trim_start().to_owned()), ABOUT_COLUMNS);
                }
                self.effects.html("<p class=\"label\">").line(path.as_str()).html("</p>");
            }
        }
        self.effects.add(&effect);
    }

    /// Writes it into its section.
    pub(super) fn write(self, section: &mut Section) {
        let mut opening = Markup::new();
        opening.html("<details class=\"event ").html(self.class);
        if self.of_task {
            opening.html(" sub");
        }
        opening.html("\" id=\"");
        let mut anchors = self.anchors.iter();
        opening.text(anchors.next().map_or("", String::as_str)).html("\"");

        let mut line = Markup::new();
        for anchor in anchors {
            line.html("<i id=\"").text(anchor).html("\"></i>");
        }
        line.html("<span class=\"mark\">").html(self.mark).html("</span> <b>").text(self.name.as_str()).html("</b>");
        if let Some((added, removed)) = self.lines.filter(|lines| *lines != (0, 0)) {
            line.html(" <span class=\"lines\">+").show(added).html(" -").show(removed).html("</span>");
        }
        if !self.about.as_str().is_empty() {
            line.html(" <code>").line(self.about.as_str()).html("</code>");
        }
        match &self.outcome {
            Outcome::None => {}
            Outcome::Good => drop(line.html(" <span class=\"ok\">ok</span>")),
            Outcome::Bad(why) => drop(line.html(" <span class=\"bad\">").text(why).html("</span>")),
        }
        if self.millis > 0 {
            line.html(" <span class=\"took\">").show(span(self.millis)).html("</span>");
        }
        let mut body = self.effects;
        body.add(&self.input).add(&self.output);
        if !body.is_empty() {
            body.html("<p class=\"label\"><time>").show(iso(self.at)).html("</time></p>");
        }
        section.fold(&opening, &line, body);
    }
}

impl Outcome {
    fn exit(code: i64) -> Self {
        if code == 0 { Self::Good } else { Self::Bad(format!("exit {code}")) }
    }
}

/// Text as it is, under what it is, with its size if that is worth a thought.
fn block(html: &mut Markup, label: &'static str, text: &str) {
    const LONG: usize = 4096;
    let text = text.trim_end();
    if text.trim().is_empty() {
        return;
    }
    if !label.is_empty() {
        html.html("<p class=\"label\">").html(label);
        if text.len() > LONG {
            html.html(" · ")
                .show(counted(text.lines().count() as u64, "line"))
                .html(", ")
                .show(size(text.len() as u64));
        }
        html.html("</p>");
    }
    html.html("<pre tabindex=\"0\">").text(text).html("</pre>");
}

fn labelled(label: &'static str, text: &str) -> Markup {
    let mut html = Markup::new();
    block(&mut html, label, text);
    html
}

/// The rest of a long prompt: `812 more lines`, folded.
pub(super) fn rest(section: &mut Section, text: &str) {
    let (mut opening, mut line, mut body) = (Markup::new(), Markup::new(), Markup::new());
    opening.html("<details class=\"rest\"");
    line.html("… ").show(number(text.lines().count() as u64)).html(" more lines");
    block(&mut body, "", text);
    section.fold(&opening, &line, body);
}
