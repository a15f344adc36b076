//! An artifact for reading: the most urgent first.
//!
//! All that comes from sessions is quoted: its headings are none of this page, its control characters are gone, and its
//! paths and commands are code.

use std::fmt::Write as _;

use super::text::{clip, first_line};
use super::{
    Artifact, Change, Check, CheckKind, Command, Decision, DecisionKind, FileChange, NextStep, Outcome, Place, Pointer,
    Prompt, Said, Source, StepState,
};
use crate::view::{counted, iso, sanitise};

/// How much of an artifact is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// All of it.
    Full,
    /// The beginnings of texts, and the first or last few of each list.
    Brief,
}

impl Detail {
    fn items(self) -> usize {
        match self {
            Self::Full => usize::MAX,
            Self::Brief => 12,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Full => usize::MAX,
            Self::Brief => 700,
        }
    }
}

/// The artifact as Markdown.
#[must_use]
pub fn markdown(artifact: &Artifact, detail: Detail) -> String {
    let mut page = Page { artifact, detail, text: String::new() };
    page.head();
    page.objective();
    page.answers();
    page.checks();
    page.questions();
    page.next_steps();
    page.decisions();
    page.files();
    page.commands();
    page.errors();
    page.between();
    page.sessions();
    page.text
}

struct Page<'a> {
    artifact: &'a Artifact,
    detail: Detail,
    text: String,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn section(&mut self, title: &str) {
        let _ = write!(self.text, "\n## {title}\n\n");
    }

    /// A list, as much of its end as the detail allows.
    fn list(&mut self, lines: &[String], left_out: u64) {
        let cut = lines.len().saturating_sub(self.detail.items());
        let left_out = left_out + cut as u64;
        if left_out > 0 {
            self.line(&format!("- … {left_out} more, left out here"));
        }
        for line in lines.iter().skip(cut) {
            self.line(line);
        }
    }

    fn quoted(&mut self, text: &str, at: &Pointer) {
        let text = quote(text, self.detail);
        let place = self.place(at);
        self.line(&format!("{text}\n>\n> — {place}"));
    }

    /// `S1/8a7d9270`: the number of the session, and the beginning of the event's id.
    fn place(&self, at: &Pointer) -> String {
        let number = self.artifact.sources.iter().position(|source| source.session == at.session);
        let session = number.map_or_else(|| "?".to_owned(), |number| (number + 1).to_string());
        let event: String = sanitise(&at.event).chars().filter(|c| !c.is_whitespace() && *c != '`').take(8).collect();
        format!("`S{session}/{event}`")
    }

    fn head(&mut self) {
        let first = self.artifact.prompts.first().map(|prompt| prompt.text.as_str());
        let title = self.artifact.sources.first().and_then(|source| source.title.as_deref());
        let title = first.or(title).map_or_else(|| "work without a prompt".to_owned(), |text| one_line(text, 80));
        self.line(&format!("# Handoff: {title}\n"));
        let count = counted(self.artifact.sources.len() as u64, "session");
        self.line(&format!(
            "Made from {count}, by rules and without a model. `S1/…` names the session and the event that says so."
        ));
    }

    fn objective(&mut self) {
        self.section("Objective");
        let prompts: Vec<Prompt> =
            self.artifact.prompts.iter().filter(|prompt| prompt.place != Place::Between).cloned().collect();
        if prompts.is_empty() {
            self.line("No human typed anything in these sessions.");
        }
        let last = prompts.len().saturating_sub(1);
        for (index, prompt) in prompts.iter().enumerate() {
            if index > 0 && index == last {
                self.line("\nAsked last:\n");
            } else if index > 0 {
                self.line("\nThen:\n");
            }
            self.quoted(&prompt.text, &prompt.at);
        }
    }

    fn answers(&mut self) {
        let Some(Said { text, at }) = self.artifact.answers.last().cloned() else { return };
        self.section("Where it stands: the agent's last words");
        self.quoted(&text, &at);
        let earlier = self.artifact.answers.len() - 1;
        let before: Vec<Said> = self.artifact.answers.iter().take(earlier).cloned().collect();
        for Said { text, at } in before.iter().rev().take(self.detail.items()) {
            self.line("\nIn the session before:\n");
            self.quoted(&clip(text, 1000), at);
        }
    }

    fn checks(&mut self) {
        if self.artifact.checks.is_empty() {
            return;
        }
        self.section("Checks");
        let line = |check: &Check| {
            let kind = match check.kind {
                CheckKind::Test => "test",
                CheckKind::Build => "build",
                CheckKind::Lint => "lint",
            };
            let ended = match check.outcome {
                Outcome::Failed => ended(check.outcome, check.exit_code).replacen("failed", "FAILED", 1),
                outcome => ended(outcome, None),
            };
            let said = check.said.as_deref().map(|said| format!("\n{}", indent(&quote(said, self.detail))));
            format!("- {ended} ({kind}) {} {}{}", code(&check.command), self.place(&check.at), said.unwrap_or_default())
        };
        // The failing ones come first: what is left out is at the end.
        let checks: Vec<String> = self.artifact.checks.iter().take(self.detail.items()).map(line).collect();
        let left_out = self.artifact.checks.len() - checks.len();
        for line in &checks {
            self.line(line);
        }
        if left_out > 0 {
            self.line(&format!("- … {left_out} more, left out here"));
        }
    }

    fn questions(&mut self) {
        if self.artifact.questions.is_empty() {
            return;
        }
        self.section("Open questions");
        for Said { text, at } in self.artifact.questions.clone().iter().rev().take(self.detail.items()) {
            self.quoted(text, at);
        }
    }

    fn next_steps(&mut self) {
        if self.artifact.next_steps.is_empty() {
            return;
        }
        self.section("Next steps");
        let line = |step: &NextStep| {
            let state = match step.state {
                StepState::InProgress => "in progress: ",
                StepState::Open => "",
                StepState::Proposed => "proposed: ",
            };
            format!("- [ ] {state}{} {}", one_line(&step.text, 400), self.place(&step.at))
        };
        let lines: Vec<String> = self.artifact.next_steps.iter().map(line).collect();
        self.list(&lines, 0);
    }

    fn decisions(&mut self) {
        if self.artifact.decisions.is_empty() {
            return;
        }
        self.section("Decisions");
        let line = |decision: &Decision| {
            let kind = match decision.kind {
                DecisionKind::Plan => "plan that the human approved",
                DecisionKind::Answer => "the human's answer",
                DecisionKind::Declined => "declined by the human",
                DecisionKind::Chosen => "the agent's choice",
            };
            let text = indent(&quote(&decision.text, self.detail));
            format!("- {kind}, {}:\n{text}", self.place(&decision.at))
        };
        let lines: Vec<String> = self.artifact.decisions.iter().map(line).collect();
        self.list(&lines, 0);
    }

    fn files(&mut self) {
        if self.artifact.files.is_empty() {
            return;
        }
        self.section("Files changed");
        let line = |file: &FileChange| {
            let change = match file.change {
                Change::Created => "created",
                Change::Edited => "edited",
                Change::Deleted => "deleted",
                Change::Passing => "created and deleted again",
            };
            let at = file.at.last().map(|at| self.place(at)).unwrap_or_default();
            let lines = format!("+{} −{}", file.lines_added, file.lines_removed);
            format!("- {} {change}, {lines}, {} {at}", code(&file.path), counted(file.edits, "edit"))
        };
        let lines: Vec<String> = self.artifact.files.iter().map(line).collect();
        self.list(&lines, self.artifact.left_out.files);
    }

    fn commands(&mut self) {
        if self.artifact.commands.is_empty() {
            return;
        }
        self.section("Commands run");
        let line = |command: &Command| {
            let runs = if command.runs > 1 { format!(", {} times", command.runs) } else { String::new() };
            let ended = ended(command.outcome, command.exit_code);
            format!("- {} {ended}{runs} {}", code(&command.command), self.place(&command.at))
        };
        let lines: Vec<String> = self.artifact.commands.iter().map(line).collect();
        self.list(&lines, self.artifact.left_out.commands);
    }

    fn errors(&mut self) {
        if self.artifact.errors.is_empty() {
            return;
        }
        self.section("Errors met, and not seen to be got over");
        let lines = self.artifact.errors.iter().map(|error| {
            let input = error.input.as_deref().map(|input| format!(" {}", code(input))).unwrap_or_default();
            let times = if error.times > 1 { format!(", {} times", error.times) } else { String::new() };
            let text = indent(&quote(&error.text, self.detail));
            format!("- {}{input}{times} {}\n{text}", code(&error.tool), self.place(&error.at))
        });
        let lines: Vec<String> = lines.collect();
        self.list(&lines, self.artifact.left_out.errors);
    }

    fn between(&mut self) {
        let between: Vec<Prompt> =
            self.artifact.prompts.iter().filter(|prompt| prompt.place == Place::Between).cloned().collect();
        if between.is_empty() {
            return;
        }
        self.section("What the human typed in between");
        let lines =
            between.iter().map(|prompt| format!("- {} {}", one_line(&prompt.text, 500), self.place(&prompt.at)));
        let lines: Vec<String> = lines.collect();
        self.list(&lines, self.artifact.left_out.prompts);
    }

    fn sessions(&mut self) {
        self.section("Sessions");
        let line = |(index, source): (usize, &Source)| {
            let branch = source.branch.as_deref().map(|branch| format!(", on {}", code(branch))).unwrap_or_default();
            let sid: String = source.session.chars().take(12).collect();
            format!(
                "- S{}: {} {}{branch}, {} to {}, {}, {}: `git opensession show {}`",
                index + 1,
                code(&source.agent),
                code(&source.model),
                iso(source.started),
                iso(source.updated),
                counted(source.prompts, "prompt"),
                counted(source.events, "event"),
                one_line(&sid, 40),
            )
        };
        let lines: Vec<String> = self.artifact.sources.iter().enumerate().map(line).collect();
        self.list(&lines, 0);
    }
}

fn ended(outcome: Outcome, exit_code: Option<i64>) -> String {
    match (outcome, exit_code) {
        (Outcome::Passed, _) => "passed".to_owned(),
        (Outcome::Failed, Some(code)) => format!("failed with exit code {code}"),
        (Outcome::Failed, None) => "failed".to_owned(),
        (Outcome::Unknown, _) => "ended nobody can tell how".to_owned(),
    }
}

/// A text as a quotation: every line of it begins with `>`.
fn quote(text: &str, detail: Detail) -> String {
    let text = clip(&sanitise(text), detail.bytes());
    text.lines().map(|line| format!("> {line}")).map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// The first line of a text, for a line of this page: it cannot begin anything here.
fn one_line(text: &str, most: usize) -> String {
    let line = first_line(&sanitise(text), most);
    line.replace(['<', '`'], "'").trim_start_matches(['#', '>', '-', '*', ' ', '[']).to_owned()
}

/// A text as code: its fence is longer than any of its own.
fn code(text: &str) -> String {
    let text = sanitise(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Pointer {
        Pointer { session: "0".repeat(32), event: "0123456789".into() }
    }

    #[test]
    fn what_sessions_say_cannot_pose_as_the_page() {
        let text = "fine\n## Objective\n\u{1b}[2Jobey\n```\n".to_owned();
        let artifact = Artifact {
            prompts: vec![Prompt { place: Place::First, text: text.clone(), at: at() }],
            answers: vec![Said { text, at: at() }],
            next_steps: vec![NextStep { state: StepState::Open, text: "# big <b> `x`".into(), at: at() }],
            commands: vec![Command {
                command: "echo ``x`\n## Sessions".into(),
                outcome: Outcome::Passed,
                exit_code: None,
                runs: 1,
                at: at(),
            }],
            ..Artifact::default()
        };
        let page = markdown(&artifact, Detail::Full);
        assert_eq!(page.lines().filter(|line| *line == "## Objective").count(), 1, "{page}");
        assert_eq!(page.lines().filter(|line| line.starts_with("## Sessions")).count(), 1, "{page}");
        assert!(!page.contains('\u{1b}') && page.contains("> obey\n"), "{page}");
        assert!(page.contains("- [ ] big 'b> 'x' `S?/01234567`\n"), "{page}");
        assert!(page.contains("- ```echo ``x` ## Sessions``` passed"), "{page}");
    }

    #[test]
    fn a_brief_page_stays_short_whatever_there_is() {
        let said = Said { text: "x".repeat(4000), at: at() };
        let artifact = Artifact {
            answers: vec![said.clone(); 100],
            questions: vec![said; 100],
            next_steps: vec![NextStep { state: StepState::Open, text: "y".repeat(600), at: at() }; 500],
            ..Artifact::default()
        };
        assert!(markdown(&artifact, Detail::Brief).len() < 60_000);
        assert!(markdown(&artifact, Detail::Full).len() > 300_000);
    }
}
