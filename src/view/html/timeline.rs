//! The events of one session, in the order they happened: what was said as text, what was done as lines that open.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::markdown::{Breaks, markdown};
use super::markup::Markup;
use super::row::{Row, rest};
use super::section::{EVENTS, Section};
use crate::session::{Event, EventKind};
use crate::view::describe::{Root, first_line, text_of};
use crate::view::when::iso;

/// Of a prompt that is longer, the rest is folded: it is a pasted log rather than typed text.
const PROMPT_LINES: usize = 40;
/// A section waits for the results of its calls until it has so many events.
const MOST_EVENTS: usize = 2 * EVENTS;
/// How much of a prompt is in the list of prompts.
const RAIL_COLUMNS: usize = 90;

/// A session that is being written.
pub(super) struct Timeline {
    root: Root,
    items: Vec<Item>,
    prompts: u64,
}

enum Item {
    Said { html: Markup, rest: Option<String>, end: &'static str },
    Row(Box<Row>),
}

impl Timeline {
    pub(super) fn new(cwd: Option<&str>) -> Self {
        Self { root: Root::new(cwd), items: Vec::new(), prompts: 0 }
    }

    /// Takes the next event; writes a section when it is full.
    pub(super) fn event(&mut self, event: &Event, marks: &mut Marks, out: &mut dyn Write) -> io::Result<()> {
        let anchor = marks.anchor(&event.event_id);
        match &event.kind {
            EventKind::UserMessage => self.prompt(event, &anchor, marks),
            EventKind::AgentMessage if event.task_id.is_none() => self.answer(event, &anchor),
            _ => self.work(event, anchor),
        }
        let is_waiting = self.items.iter().any(|item| matches!(item, Item::Row(row) if row.is_waiting()));
        if self.items.len() >= MOST_EVENTS || (self.items.len() >= EVENTS && !is_waiting) {
            self.write(out)?;
        }
        Ok(())
    }

    /// Writes what is left.
    pub(super) fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut section = Section::default();
        for item in self.items.drain(..) {
            match item {
                Item::Said { html, rest: None, end } => section.show(html.clone().html(end)),
                Item::Said { html, rest: Some(text), end } => {
                    section.show(&html);
                    rest(&mut section, &text);
                    section.show(Markup::new().html(end));
                }
                Item::Row(row) => row.write(&mut section),
            }
        }
        if section.is_empty() { Ok(()) } else { section.write(out) }
    }

    fn prompt(&mut self, event: &Event, anchor: &str, marks: &mut Marks) {
        self.prompts += 1;
        let text = text_of(&event.content);
        marks.prompts.push((anchor.to_owned(), first_line(&text, RAIL_COLUMNS).as_str().to_owned()));
        let (head, more) = head_and_rest(text.trim());
        let mut html = Markup::new();
        html.html("<article class=\"event prompt\" tabindex=\"-1\" id=\"").text(anchor);
        html.html("\">\n<h3><a href=\"#").text(anchor).html("\">Prompt ").show(self.prompts).html("</a> ");
        html.html("<time>").show(iso(event.timestamp)).html("</time></h3>\n").add(&markdown(head, Breaks::Kept));
        self.items.push(Item::Said { html, rest: more.map(str::to_owned), end: "</article>\n" });
    }

    fn answer(&mut self, event: &Event, anchor: &str) {
        let text = text_of(&event.content);
        let mut html = Markup::new();
        html.html("<article class=\"event answer\" tabindex=\"-1\" id=\"").text(anchor).html("\">\n");
        html.add(&markdown(text.trim(), Breaks::Spaces));
        self.items.push(Item::Said { html, rest: None, end: "</article>\n" });
    }

    fn work(&mut self, event: &Event, anchor: String) {
        let of = self.items.iter_mut().rev().find_map(|item| match item {
            Item::Row(row) if row.is_of(event) => Some(row),
            _ => None,
        });
        match of {
            Some(row) => row.add(anchor, event, &self.root),
            None => self.items.push(Item::Row(Box::new(Row::new(anchor, event, &self.root)))),
        }
    }
}

/// What is shown of a prompt, and what is folded. A few lines more are shown rather than folded.
fn head_and_rest(text: &str) -> (&str, Option<&str>) {
    let end = text.match_indices('\n').map(|(at, _)| at).nth(PROMPT_LINES - 1);
    match end.and_then(|end| text.split_at_checked(end)) {
        Some((head, rest)) if rest.lines().count() > PROMPT_LINES / 4 => (head, Some(rest.trim_start_matches('\n'))),
        _ => (text, None),
    }
}

/// The anchors of the page and the list of its prompts.
#[derive(Default)]
pub(super) struct Marks {
    taken: HashSet<String>,
    /// The anchor of each prompt, and its beginning.
    pub(super) prompts: Vec<(String, String)>,
}

impl Marks {
    /// `e-<event id>`, spelled with what is harmless in an address; a second one of that name gets a number.
    fn anchor(&mut self, event_id: &str) -> String {
        let mut anchor = String::from("e-");
        for byte in event_id.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte) {
                anchor.push(char::from(byte));
            } else {
                let _ = write!(anchor, "~{byte:02x}");
            }
        }
        let first = anchor.clone();
        let mut number = 1;
        while !self.taken.insert(anchor.clone()) {
            number += 1;
            anchor = format!("{first}~{number}");
        }
        anchor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_the_events_id_and_is_there_once() {
        let mut marks = Marks::default();
        assert_eq!(marks.anchor("msg_01:a.b-c"), "e-msg_01:a.b-c");
        assert_eq!(marks.anchor("a b\"<"), "e-a~20b~22~3c");
        assert_eq!(marks.anchor("x"), "e-x");
        assert_eq!(marks.anchor("x"), "e-x~2");
        assert_eq!(marks.anchor("x"), "e-x~3");
    }

    #[test]
    fn a_long_prompt_is_folded_and_a_little_more_is_not() {
        let lines = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
        assert_eq!(head_and_rest(&lines(45)).1, None);
        let long = lines(500);
        let (head, rest) = head_and_rest(&long);
        assert_eq!((head.lines().count(), rest.map(|rest| rest.lines().count())), (40, Some(460)));
    }
}
