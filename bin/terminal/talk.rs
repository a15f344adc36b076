//! stderr: the talk.

use std::cell::RefCell;
use std::io::{self, Write as _};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use git_opensession::agents::Environment;
use git_opensession::view::{Palette, Role, Safe};

use super::{Progress, Terminals};
use crate::report::{Failure, Hint};

/// Talks with the user: errors, hints, news, questions, progress. All on stderr, so that stdout has
/// nothing but data.
///
/// Everything said is made safe here: file names, refs and remotes' answers are untrusted, too.
pub struct Talk {
    palette: Palette,
    program: String,
    quiet: bool,
    may_ask: bool,
    is_terminal: bool,
    /// Progress that has to make room for a line.
    progress: RefCell<Option<Progress>>,
}

/// How often somebody is asked to choose.
const TRIES: usize = 3;

impl Talk {
    /// `palette` is that of stderr; `program` how this program was called.
    pub fn new(
        terminals: Terminals,
        environment: &Environment,
        palette: Palette,
        program: String,
        quiet: bool,
    ) -> Self {
        let in_ci = environment.variable("CI").is_some();
        let may_ask = terminals.stdin && terminals.stderr && !in_ci;
        Self { palette, program, quiet, may_ask, is_terminal: terminals.stderr, progress: RefCell::new(None) }
    }

    /// For what is wrong before it is known how to talk.
    pub fn plain(environment: &Environment, program: String) -> Self {
        Self::new(Terminals::default(), environment, Palette::plain(), program, false)
    }

    /// How this program was called: `git opensession` or `opensession`.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// News that the user may do without: not said when quiet.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.line(Role::Text, "", text);
        }
    }

    /// News from the hook, beside what git itself says of the push.
    pub fn hook(&self, text: &str) {
        self.line(Role::Text, "opensession: ", text);
    }

    /// Something that is not as it should be, though the command goes on.
    pub fn warn(&self, text: &str, hints: &[Hint]) {
        self.line(Role::Hint, "warning: ", text);
        self.hints(hints);
    }

    /// What the user may do next: not said when quiet.
    pub fn advise(&self, hints: &[Hint]) {
        if !self.quiet {
            self.hints(hints);
        }
    }

    /// Why the command ended. Nothing is said of a reader that went away.
    pub fn failure(&self, failure: &Failure) {
        if !matches!(failure, Failure::Pipe) {
            self.line(Role::Error, "error: ", &failure.to_string());
            self.hints(&failure.hints());
        }
    }

    fn hints(&self, hints: &[Hint]) {
        for hint in hints {
            self.line(Role::Hint, "hint: ", &hint.line(&self.program));
        }
    }

    fn line(&self, role: Role, mark: &str, text: &str) {
        let style = self.palette.style(role);
        let text = Safe::text(text.trim_end());
        let mut lines = text.as_str().lines();
        let first = lines.next().unwrap_or_default();
        let mut said = format!("{style}{mark}{style:#}{first}\n");
        for line in lines {
            said.push_str("  ");
            said.push_str(line);
            said.push('\n');
        }
        let write = || {
            // Nobody listens any more: the exit code still says what happened.
            let _ = io::stderr().lock().write_all(said.as_bytes());
        };
        match &*self.progress.borrow() {
            Some(progress) => progress.suspend(write),
            None => write(),
        }
    }

    /// Asks the terminal to put a text into the clipboard of the machine it is shown on (OSC 52). It does not say whether
    /// it has; false if there is no terminal.
    pub fn ask_to_copy(&self, text: &str) -> bool {
        let order = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
        self.is_terminal && io::stderr().lock().write_all(order.as_bytes()).is_ok()
    }

    /// Whether a question would reach a human.
    pub fn can_ask(&self) -> bool {
        self.may_ask
    }

    /// Asks a yes-or-no question; no is what an empty answer means. `None` if there is nobody to ask:
    /// stdin or stderr is no terminal, or this runs in CI.
    pub fn ask(&self, question: &str) -> Option<bool> {
        if !self.may_ask {
            return None;
        }
        let answer = self.read_answer(question, "[y/N]")?;
        Some(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks for one of several words; its beginning will do. What is none of them is asked again, but not for ever. `None`
    /// if there is nobody to ask, or no answer.
    pub fn choose<'c>(&self, question: &str, choices: &[&'c str]) -> Option<&'c str> {
        if !self.may_ask {
            return None;
        }
        let words = format!("[{}]", choices.join("/"));
        let mut answers = std::iter::from_fn(|| self.read_answer(question, &words)).take(TRIES);
        answers.find_map(|answer| chosen(&answer, choices))
    }

    fn read_answer(&self, question: &str, choices: &str) -> Option<String> {
        let style = self.palette.style(Role::Prompt);
        let asked = format!("{style}{}{style:#} {choices} ", Safe::line(question));
        io::stderr().lock().write_all(asked.as_bytes()).ok()?;
        let mut answer = String::new();
        // Ctrl-D is no answer.
        let read = io::stdin().read_line(&mut answer).ok()?;
        (read > 0).then(|| answer.trim().to_owned())
    }

    /// Shows that something goes on, from half a second on, until the guard is dropped. On a terminal
    /// only.
    pub fn progress(&self, what: &'static str) -> ProgressGuard<'_> {
        if self.is_terminal && !self.quiet {
            *self.progress.borrow_mut() = Some(Progress::new(what, Duration::from_millis(500)));
        }
        ProgressGuard { talk: self }
    }
}

/// Ends its progress when it is dropped.
pub struct ProgressGuard<'t> {
    talk: &'t Talk,
}

impl Drop for ProgressGuard<'_> {
    fn drop(&mut self) {
        self.talk.progress.borrow_mut().take();
    }
}

/// The one of these words that an answer is, or begins alone.
fn chosen<'c>(answer: &str, choices: &[&'c str]) -> Option<&'c str> {
    let answer = answer.to_ascii_lowercase();
    let mut found = choices.iter().copied().filter(|choice| !answer.is_empty() && choice.starts_with(&answer));
    match (found.next(), found.next()) {
        (Some(only), None) => Some(only),
        _ => choices.iter().copied().find(|choice| *choice == answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_word_chooses_it_if_it_is_that_of_no_other() {
        let modes = ["hidden_ref", "git_notes"];
        for answer in ["hidden_ref", "Hidden", "h"] {
            assert_eq!(chosen(answer, &modes), Some("hidden_ref"));
        }
        for answer in ["", "1", "x", "hidden_refs"] {
            assert_eq!(chosen(answer, &modes), None);
        }
        assert_eq!((chosen("a", &["ab", "ac"]), chosen("ab", &["ab", "abc"])), (None, Some("ab")));
    }
}
