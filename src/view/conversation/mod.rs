//! A conversation as text, event by event.

mod fold;
mod full;

use std::io;

use fold::Fold;

use super::Safe;
use super::columns::wrap_markdown;
use super::describe::{Root, text_of};
use super::look::{Look, Pen, Role};
use super::when::{ago, counted, iso};
use crate::session::{Event, EventKind};

/// How much of a conversation is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reading {
    /// What was said; of what was done, one line each, and of much of it, one line for all.
    #[default]
    Folded,
    /// Everything: reasoning, the input and output of tools, diffs.
    Full,
    /// Only what humans typed.
    Prompts,
}

/// Writes a conversation as its events come, holding no more of it than the work of one turn.
pub struct Conversation<'w> {
    page: Paper<'w>,
    reading: Reading,
    fold: Fold,
}

impl<'w> Conversation<'w> {
    /// Begins a conversation. `cwd` is the folder the agent worked in: paths below it are told
    /// without it.
    pub fn new(out: &'w mut dyn io::Write, look: &Look, reading: Reading, cwd: Option<&str>) -> Self {
        let pen = Pen::new(out, look.clone());
        let page = Paper { pen, root: Root::new(cwd), prompts: 0, last: None };
        Self { page, reading, fold: Fold::default() }
    }

    /// Writes the next event.
    ///
    /// # Errors
    /// When the output cannot be written to.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        match self.reading {
            Reading::Folded => self.fold.event(&mut self.page, event),
            Reading::Full => full::event(&mut self.page, event),
            Reading::Prompts => match &event.kind {
                EventKind::UserMessage => self.page.prompt(event, None),
                _ => Ok(()),
            },
        }
    }

    /// Writes what is left, and says how many prompts there were.
    ///
    /// # Errors
    /// When the output cannot be written to.
    pub fn finish(mut self) -> io::Result<u64> {
        self.fold.finish(&mut self.page)?;
        Ok(self.page.prompts)
    }
}

/// What was written last: between two kinds there is an empty line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Prompt,
    Answer,
    Work,
}

struct Paper<'w> {
    pen: Pen<'w>,
    root: Root,
    prompts: u64,
    last: Option<Section>,
}

impl Paper<'_> {
    const INDENT: usize = 2;

    fn begin(&mut self, section: Section) -> io::Result<()> {
        if self.last != Some(Section::Work) || section != Section::Work {
            self.pen.newline()?;
        }
        self.last = Some(section);
        Ok(())
    }

    /// A prompt, at most `most` lines of it.
    fn prompt(&mut self, event: &Event, most: Option<usize>) -> io::Result<()> {
        self.begin(Section::Prompt)?;
        self.prompts += 1;
        let told = ago(event.timestamp, self.pen.look.now);
        self.pen.put_made(Role::Meta, format!("#{}  {} ({told})", self.prompts, iso(event.timestamp)))?;
        self.pen.newline()?;
        let text = text_of(&event.content);
        let shown = Clamped::new(text.trim_end(), most);
        for line in wrap_markdown(&Safe::text(shown.text), self.pen.look.prose(Self::INDENT)) {
            self.pen.say(Role::Prompt, "❯")?;
            if !line.as_str().is_empty() {
                self.pen.spaces(1)?;
                self.pen.put(Role::Prompt, &line)?;
            }
            self.pen.newline()?;
        }
        self.more(Self::INDENT, shown.more)
    }

    /// What an agent answered.
    fn answer(&mut self, indent: usize, text: &str, most: Option<usize>) -> io::Result<()> {
        if text.trim().is_empty() {
            return Ok(());
        }
        self.begin(Section::Answer)?;
        self.prose(Role::Text, indent, text.trim(), most)
    }

    /// Markdown, wrapped, at most `most` lines of it.
    fn prose(&mut self, role: Role, indent: usize, text: &str, most: Option<usize>) -> io::Result<()> {
        let shown = Clamped::new(text, most);
        let lines = wrap_markdown(&Safe::text(shown.text), self.pen.look.prose(indent));
        self.pen.block(role, indent, &lines)?;
        self.more(indent, shown.more)
    }

    fn more(&mut self, indent: usize, lines: u64) -> io::Result<()> {
        if lines == 0 {
            return Ok(());
        }
        self.pen.spaces(indent)?;
        self.pen.put_made(Role::Meta, format!("… {}", counted(lines, "more line")))?;
        self.pen.newline()
    }
}

/// The first lines of a text, and how many are left. One line more than shown is shown, too: a line
/// that says "1 more line" says less than the line.
struct Clamped<'t> {
    text: &'t str,
    more: u64,
}

impl<'t> Clamped<'t> {
    fn new(text: &'t str, most: Option<usize>) -> Self {
        let whole = Self { text, more: 0 };
        let Some(most) = most else { return whole };
        let end = text.match_indices('\n').map(|(at, _)| at).nth(most.saturating_sub(1));
        let Some((head, rest)) = end.and_then(|end| text.split_at_checked(end)) else { return whole };
        match rest.trim_start_matches('\n').lines().count() {
            0 | 1 => whole,
            more => Self { text: head, more: more as u64 },
        }
    }
}

#[cfg(test)]
mod tests;
