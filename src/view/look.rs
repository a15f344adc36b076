//! How text looks on a terminal: its colours, its width, and the pen that writes it.

use std::io::{self, Write};

use anstyle::{AnsiColor, Effects, Style};

use super::Safe;
use crate::session::Timestamp;

/// All that a terminal's user decides about text.
#[derive(Debug, Clone)]
pub struct Look {
    /// The terminal's width. `None` where there is no terminal: then no line is wrapped.
    pub columns: Option<usize>,
    /// The colours; [`Palette::plain`] where there are none.
    pub palette: Palette,
    /// The moment that "3 days ago" counts from.
    pub now: Timestamp,
}

impl Look {
    /// Prose is not easier to read on a very wide screen.
    const WIDEST_PROSE: usize = 100;

    /// Text for no terminal: no colours, no wrapping.
    #[must_use]
    pub fn plain(now: Timestamp) -> Self {
        Self { columns: None, palette: Palette::plain(), now }
    }

    /// The columns for prose that is indented by `indent`.
    pub(super) fn prose(&self, indent: usize) -> Option<usize> {
        self.columns.map(|columns| columns.min(Self::WIDEST_PROSE).saturating_sub(indent))
    }

    /// The columns for one line that must not be longer than the screen; bounded without one, too.
    pub(super) fn one_line(&self, indent: usize) -> usize {
        self.columns.unwrap_or(160).saturating_sub(indent).max(20)
    }
}

/// What a piece of text is, and so how it is painted. The names are those of the configuration:
/// `color.opensession.<role>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Role {
    /// Text of no special kind: the agent's answers.
    Text,
    /// What a human typed.
    Prompt,
    /// The id of a session or a commit.
    Id,
    /// What says what follows: `Date:`, times, numbers of prompts.
    Meta,
    /// What a tool did.
    Tool,
    /// A subagent's work.
    Task,
    /// The agent's reasoning, and what neither typed.
    Aside,
    /// Added lines.
    Added,
    /// Removed lines.
    Removed,
    /// The head of a hunk.
    Hunk,
    /// What went wrong.
    Error,
    /// What a user may do next.
    Hint,
    /// What went well.
    Good,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 13] = [
        Self::Text,
        Self::Prompt,
        Self::Id,
        Self::Meta,
        Self::Tool,
        Self::Task,
        Self::Aside,
        Self::Added,
        Self::Removed,
        Self::Hunk,
        Self::Error,
        Self::Hint,
        Self::Good,
    ];

    /// Its name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Prompt => "prompt",
            Self::Id => "id",
            Self::Meta => "meta",
            Self::Tool => "tool",
            Self::Task => "task",
            Self::Aside => "aside",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Hunk => "hunk",
            Self::Error => "error",
            Self::Hint => "hint",
            Self::Good => "good",
        }
    }

    /// Its style where the user has set none. Ids and diffs are coloured as git colours them.
    fn style(self) -> Style {
        let coloured = |colour: AnsiColor| colour.on_default();
        match self {
            Self::Text => Style::new(),
            Self::Prompt => coloured(AnsiColor::Cyan).effects(Effects::BOLD),
            Self::Id | Self::Hint => coloured(AnsiColor::Yellow),
            Self::Meta | Self::Tool => Style::new().effects(Effects::DIMMED),
            Self::Task => coloured(AnsiColor::Magenta),
            Self::Aside => Style::new().effects(Effects::DIMMED | Effects::ITALIC),
            Self::Added | Self::Good => coloured(AnsiColor::Green),
            Self::Removed => coloured(AnsiColor::Red),
            Self::Hunk => coloured(AnsiColor::Cyan),
            Self::Error => coloured(AnsiColor::Red).effects(Effects::BOLD),
        }
    }
}

/// A style for each role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Palette([Style; Role::ALL.len()]);

impl Palette {
    /// No colours: not one escape sequence.
    #[must_use]
    pub fn plain() -> Self {
        Self([Style::new(); Role::ALL.len()])
    }

    /// The colours of a user who has set none.
    #[must_use]
    pub fn coloured() -> Self {
        Self(Role::ALL.map(Role::style))
    }

    /// Sets the style of a role.
    pub fn set(&mut self, role: Role, style: Style) {
        if let Some(slot) = self.0.get_mut(role as usize) {
            *slot = style;
        }
    }

    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.0.get(role as usize).copied().unwrap_or_default()
    }
}

/// Writes safe text, painted, and nothing else.
pub(super) struct Pen<'w> {
    out: &'w mut dyn Write,
    pub(super) look: Look,
}

impl<'w> Pen<'w> {
    pub(super) fn new(out: &'w mut dyn Write, look: Look) -> Self {
        Self { out, look }
    }

    /// Writes text that has no line break in it.
    pub(super) fn put(&mut self, role: Role, text: &Safe<'_>) -> io::Result<()> {
        if text.as_str().is_empty() {
            return Ok(());
        }
        let style = self.look.palette.style(role);
        write!(self.out, "{style}{text}{style:#}")
    }

    /// Writes text of this program.
    pub(super) fn say(&mut self, role: Role, text: &'static str) -> io::Result<()> {
        self.put(role, &Safe::literal(text))
    }

    /// Writes numbers and the like: what this program formatted out of safe things.
    pub(super) fn put_made(&mut self, role: Role, text: String) -> io::Result<()> {
        self.put(role, &Safe::made_of_safe(text))
    }

    pub(super) fn spaces(&mut self, count: usize) -> io::Result<()> {
        write!(self.out, "{:count$}", "")
    }

    pub(super) fn newline(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }

    /// Lines, each behind `indent` spaces. Empty lines stay empty.
    pub(super) fn block(&mut self, role: Role, indent: usize, lines: &[Safe<'_>]) -> io::Result<()> {
        for line in lines {
            if !line.as_str().is_empty() {
                self.spaces(indent)?;
                self.put(role, line)?;
            }
            self.newline()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_palette_writes_no_escape_sequence() {
        let mut out = Vec::new();
        let mut pen = Pen::new(&mut out, Look::plain(Timestamp::EPOCH));
        for role in Role::ALL {
            pen.say(role, "x").expect("a vector takes all");
        }
        assert_eq!(String::from_utf8(out).expect("text"), "x".repeat(Role::ALL.len()));
    }

    #[test]
    fn every_role_has_its_own_place_and_name() {
        let mut palette = Palette::plain();
        for role in Role::ALL {
            assert_eq!(palette.style(role), Style::new(), "{} has a place of its own", role.name());
            palette.set(role, Style::new().bold());
            assert_eq!(Role::ALL.iter().filter(|other| other.name() == role.name()).count(), 1);
        }
    }
}
