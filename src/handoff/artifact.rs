//! What an artifact holds, and its one spelling: JSON Lines, first a head, then a line for each thing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::hail::{BadDigest, Digest};
use crate::redaction::{Findings, Redactor};
use crate::session::Timestamp;

/// The only format that is written.
const VERSION: &str = "handoff-1.0.0";

/// The longest text of an artifact that is read, in bytes.
pub const SIZE_LIMIT: u64 = 4 << 20;

/// How the address of an artifact begins.
const ADDRESS: &str = "os://artifact/";

/// The name of an artifact: the SHA-256 of its text. Prints itself as `os://artifact/<sha256>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactId(pub Digest);

impl fmt::Display for ArtifactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ADDRESS}{}", self.0)
    }
}

impl FromStr for ArtifactId {
    type Err = BadDigest;

    /// The address, or the bare digest.
    fn from_str(text: &str) -> Result<Self, BadDigest> {
        text.strip_prefix(ADDRESS).unwrap_or(text).parse().map(Self)
    }
}

/// Where something is said: an event of a session. `git opensession show <session>` has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pointer {
    /// The session's name in the ledger.
    pub session: String,
    /// The event's id.
    pub event: String,
}

/// A session that the artifact was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name in the ledger.
    pub session: String,
    /// The agent's own id of it.
    pub session_id: String,
    /// The agent.
    pub agent: String,
    /// The model that answered last.
    pub model: String,
    /// What it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The branch it began on, where the log tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit it began at, where the log tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// When it began.
    pub started: Timestamp,
    /// When it was last heard of.
    pub updated: Timestamp,
    /// How many events it had.
    pub events: u64,
    /// How many prompts a human typed.
    pub prompts: u64,
}

/// Where a prompt stands among those of its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// It began the session: the objective.
    First,
    /// It came in between.
    Between,
    /// It was the last thing that was asked for.
    Last,
}

/// What a human asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// Where it stands.
    pub place: Place,
    /// What was typed.
    pub text: String,
    /// Where.
    pub at: Pointer,
}

/// Something that the agent said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Its words.
    pub text: String,
    /// Where.
    pub at: Pointer,
}

/// How a file differs from what it was before the sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    Created,
    /// It was changed.
    Edited,
    /// It is gone.
    Deleted,
    /// It was made, and is gone again.
    Passing,
}

/// A file that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Its path, from the folder the session was in where it lies below.
    pub path: String,
    /// How.
    pub change: Change,
    /// How often.
    pub edits: u64,
    /// Lines that the edits added.
    pub lines_added: u64,
    /// Lines that the edits removed.
    pub lines_removed: u64,
    /// The last of the edits, oldest first.
    pub at: Vec<Pointer>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Well.
    Passed,
    /// Badly.
    Failed,
    /// Nobody can tell: it had no answer, or its exit code is that of another program in its pipe.
    Unknown,
}

/// A command that was run, as it ended the last time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The command.
    pub command: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Its exit code, where the log tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// How often it was run.
    pub runs: u64,
    /// The last time.
    pub at: Pointer,
}

/// What a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// Tests.
    Test,
    /// That it builds.
    Build,
    /// Style, types, and what else is found without running it.
    Lint,
}

/// A test, build or lint command, as it ended the last time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What it looks at.
    pub kind: CheckKind,
    /// The command.
    pub command: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Its exit code, where the log tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// What it said, where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// Where.
    pub at: Pointer,
}

/// How a decision came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    /// A plan that the human approved.
    Plan,
    /// What the human answered to the agent's question.
    Answer,
    /// What the human did not let the agent do, and why.
    Declined,
    /// The agent says that it chose.
    Chosen,
}

/// Something that was settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// How it came about.
    pub kind: DecisionKind,
    /// What it is.
    pub text: String,
    /// Where.
    pub at: Pointer,
}

/// Whether somebody has begun with a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// The agent was at it.
    InProgress,
    /// Nobody has begun.
    Open,
    /// The agent proposed it in the end.
    Proposed,
}

/// Something that is still to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextStep {
    /// How far it is.
    pub state: StepState,
    /// What is to be done.
    pub text: String,
    /// Where.
    pub at: Pointer,
}

/// A tool that failed, and was not seen to work afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorMet {
    /// The tool.
    pub tool: String,
    /// What it was called with, in short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// What it said.
    pub text: String,
    /// How often it said so.
    pub times: u64,
    /// The last time.
    pub at: Pointer,
}

/// What of the sessions did not fit: how many of each were left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeftOut {
    /// Prompts between the first and the last.
    pub prompts: u64,
    /// Files.
    pub files: u64,
    /// Commands: the oldest ones. Those that only look (`ls`, `cat`) are not even counted.
    pub commands: u64,
    /// Errors: the oldest ones.
    pub errors: u64,
}

/// What the next one needs to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Artifact {
    /// The sessions it was made of, oldest first.
    pub sources: Vec<Source>,
    /// What humans asked for; the first prompt is the objective.
    pub prompts: Vec<Prompt>,
    /// The last answer of each session.
    pub answers: Vec<Said>,
    /// The files that were changed, by path.
    pub files: Vec<FileChange>,
    /// The commands that did something, in the order of their last run.
    pub commands: Vec<Command>,
    /// Tests, builds and lints, failing ones first.
    pub checks: Vec<Check>,
    /// What was settled.
    pub decisions: Vec<Decision>,
    /// What the agent asked, and nobody answered.
    pub questions: Vec<Said>,
    /// What is still to be done.
    pub next_steps: Vec<NextStep>,
    /// What failed.
    pub errors: Vec<ErrorMet>,
    /// What did not fit.
    pub left_out: LeftOut,
}

/// The lines of the text. The order of the fields is that of the structs.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    Handoff { version: String, left_out: LeftOut },
    Session(Source),
    Prompt(Prompt),
    Answer(Said),
    File(FileChange),
    Command(Command),
    Check(Check),
    Decision(Decision),
    Question(Said),
    NextStep(NextStep),
    Error(ErrorMet),
}

/// A text that is no artifact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadArtifact {
    /// A line that is none of an artifact.
    #[error("line {line} is none of a handoff")]
    Line {
        /// Its number, from 1.
        line: usize,
    },
    /// Another version.
    #[error("a handoff of a version other than {VERSION}")]
    Version,
    /// It means something, but is not the canonical text of that.
    #[error("not the canonical text of a handoff")]
    Spelling,
}

impl Artifact {
    /// The canonical text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for line in self.lines() {
            // A struct of strings and numbers can always be written.
            text.push_str(&serde_json::to_string(&line).unwrap_or_default());
            text.push('\n');
        }
        text
    }

    /// The name: that of the canonical text.
    #[must_use]
    pub fn id(&self) -> ArtifactId {
        ArtifactId(Digest::of(self.to_text().as_bytes()))
    }

    /// All of it as one JSON value.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "version": VERSION, "sessions": self.sources, "prompts": self.prompts, "answers": self.answers,
            "files": self.files, "commands": self.commands, "checks": self.checks, "decisions": self.decisions,
            "questions": self.questions, "next_steps": self.next_steps, "errors": self.errors,
            "left_out": self.left_out,
        })
    }

    /// What rules of redaction find in it.
    #[must_use]
    pub fn findings(&self, redactor: &Redactor) -> Findings {
        let (mut found, mut left) = (Findings::new(), vec![self.to_json()]);
        while let Some(value) = left.pop() {
            match value {
                serde_json::Value::String(text) => drop(redactor.text(&text, &mut found)),
                serde_json::Value::Array(values) => left.extend(values),
                // The names are ours, and say nothing about their values.
                serde_json::Value::Object(fields) => left.extend(fields.into_iter().map(|(_, value)| value)),
                _ => {}
            }
        }
        found
    }

    /// Every place that is pointed at.
    pub fn pointers(&self) -> impl Iterator<Item = &Pointer> {
        let said = self.answers.iter().chain(&self.questions).map(|said| &said.at);
        let files = self.files.iter().flat_map(|file| &file.at);
        let commands = self.commands.iter().map(|command| &command.at).chain(self.checks.iter().map(|check| &check.at));
        let settled = self.decisions.iter().map(|decision| &decision.at);
        let open = self.next_steps.iter().map(|step| &step.at).chain(self.errors.iter().map(|error| &error.at));
        let prompts = self.prompts.iter().map(|prompt| &prompt.at);
        prompts.chain(said).chain(files).chain(commands).chain(settled).chain(open)
    }

    /// Reads the canonical text, and no other.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, BadArtifact> {
        let mut artifact = Self::default();
        for (index, line) in text.lines().enumerate() {
            let bad = || BadArtifact::Line { line: index + 1 };
            let line: Line = serde_json::from_str(line).map_err(|_| bad())?;
            if (index == 0) != matches!(line, Line::Handoff { .. }) {
                return Err(bad());
            }
            artifact.take(line)?;
        }
        if artifact.to_text() == text { Ok(artifact) } else { Err(BadArtifact::Spelling) }
    }

    fn take(&mut self, line: Line) -> Result<(), BadArtifact> {
        match line {
            Line::Handoff { version, .. } if version != VERSION => return Err(BadArtifact::Version),
            Line::Handoff { left_out, .. } => self.left_out = left_out,
            Line::Session(source) => self.sources.push(source),
            Line::Prompt(prompt) => self.prompts.push(prompt),
            Line::Answer(said) => self.answers.push(said),
            Line::File(file) => self.files.push(file),
            Line::Command(command) => self.commands.push(command),
            Line::Check(check) => self.checks.push(check),
            Line::Decision(decision) => self.decisions.push(decision),
            Line::Question(said) => self.questions.push(said),
            Line::NextStep(step) => self.next_steps.push(step),
            Line::Error(error) => self.errors.push(error),
        }
        Ok(())
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = vec![Line::Handoff { version: VERSION.to_owned(), left_out: self.left_out }];
        lines.extend(self.sources.iter().cloned().map(Line::Session));
        lines.extend(self.prompts.iter().cloned().map(Line::Prompt));
        lines.extend(self.answers.iter().cloned().map(Line::Answer));
        lines.extend(self.files.iter().cloned().map(Line::File));
        lines.extend(self.commands.iter().cloned().map(Line::Command));
        lines.extend(self.checks.iter().cloned().map(Line::Check));
        lines.extend(self.decisions.iter().cloned().map(Line::Decision));
        lines.extend(self.questions.iter().cloned().map(Line::Question));
        lines.extend(self.next_steps.iter().cloned().map(Line::NextStep));
        lines.extend(self.errors.iter().cloned().map(Line::Error));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact() -> Artifact {
        let at = Pointer { session: "0".repeat(32), event: "e1".into() };
        let prompt = Prompt { place: Place::First, text: "say \"hi\"\n".into(), at: at.clone() };
        let answers = vec![Said { text: "done".into(), at }];
        Artifact { prompts: vec![prompt], answers, ..Artifact::default() }
    }

    #[test]
    fn writing_and_reading_are_inverse_and_the_name_is_that_of_the_text() {
        let text = artifact().to_text();
        assert_eq!(Artifact::parse(&text), Ok(artifact()));
        assert_eq!(artifact().id(), ArtifactId(Digest::of(text.as_bytes())));
        let id = artifact().id();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.0.to_string().parse(), Ok(id));
    }

    #[test]
    fn a_text_that_is_not_canonical_is_refused() {
        let text = artifact().to_text();
        for (wrong, why) in [
            (String::new(), BadArtifact::Spelling),
            (text.replacen("handoff-1.0.0", "handoff-9.0.0", 1), BadArtifact::Version),
            (text.replace(":\"done\"", ": \"done\""), BadArtifact::Spelling),
            (text.trim_end().to_owned(), BadArtifact::Spelling),
            (text.replace("\"answer\"", "\"song\""), BadArtifact::Line { line: 3 }),
            (text.lines().skip(1).collect(), BadArtifact::Line { line: 1 }),
        ] {
            assert_eq!(Artifact::parse(&wrong), Err(why), "{wrong}");
        }
    }

    #[test]
    fn every_place_is_pointed_at() {
        assert_eq!(artifact().pointers().count(), 2);
    }
}
