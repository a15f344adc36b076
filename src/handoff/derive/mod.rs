//! From sessions to an artifact: what was wanted, done, settled, and is left. Rules, and no model.
//!
//! A [`Reader`] takes the redacted events of one session as they come, and keeps little of them; a [`Derivation`] puts
//! what several readers kept together, oldest session first. Nothing is guessed: what the log does not plainly say is
//! not there, and everything that is there points at the event that says it.

mod merge;
mod session;
mod shell;
mod steps;
mod talk;

use std::collections::BTreeSet;

use super::artifact::LeftOut;
use super::{Artifact, Command, Decision, NextStep, Outcome, Prompt, Said, Source};
use crate::session::{Attributes, Header};

pub use session::Reader;

/// What one session says.
#[derive(Debug, Clone)]
pub struct Part {
    pub(super) source: Source,
    /// The folder it was in.
    cwd: Option<String>,
    prompts: Vec<Prompt>,
    left_out_prompts: u64,
    answer: Option<Said>,
    edits: Vec<Edit>,
    runs: Vec<Run>,
    failures: Vec<Failure>,
    decisions: Vec<Decision>,
    question: Option<Said>,
    next_steps: Vec<NextStep>,
    /// Every event of it: what can be pointed at.
    events: BTreeSet<String>,
}

/// What an edit did to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Created,
    Edited,
    Deleted,
}

/// One edit of a file.
#[derive(Debug, Clone)]
struct Edit {
    path: String,
    deed: Deed,
    lines_added: u64,
    lines_removed: u64,
    event: String,
}

/// One run of a command.
#[derive(Debug, Clone)]
struct Run {
    command: String,
    outcome: Outcome,
    exit_code: Option<i64>,
    /// What its output says of a check; and the end of it, if it failed.
    verdict: Outcome,
    said: Option<String>,
    event: String,
}

/// A tool that failed; or, without a text, one that worked.
#[derive(Debug, Clone)]
struct Failure {
    tool: String,
    input: Option<String>,
    text: Option<String>,
    event: String,
}

impl Part {
    /// The events that can be pointed at.
    pub fn events(&self) -> &BTreeSet<String> {
        &self.events
    }

    /// The session.
    pub fn source(&self) -> &Source {
        &self.source
    }
}

/// Puts together what sessions say.
#[derive(Debug, Default)]
pub struct Derivation {
    artifact: Artifact,
    files: merge::Files,
    commands: merge::Commands,
    checks: merge::Checks,
    errors: merge::Errors,
}

impl Derivation {
    /// Takes up the next session; the oldest comes first.
    pub fn add(&mut self, part: Part) {
        let cwd = part.cwd.as_deref();
        let session = &part.source.session;
        for edit in &part.edits {
            self.files.add(edit, cwd, session);
        }
        for run in &part.runs {
            let known = shell::look(&run.command, cwd);
            if known.check.is_some() {
                self.checks.add(run, &known, session);
            } else if !known.only_looks {
                self.commands.add(run, session);
            }
        }
        for failure in &part.failures {
            self.errors.add(failure, cwd, session);
        }
        let artifact = &mut self.artifact;
        artifact.left_out.prompts += part.left_out_prompts;
        artifact.prompts.extend(part.prompts);
        artifact.answers.extend(part.answer);
        artifact.decisions.extend(part.decisions);
        artifact.questions.extend(part.question);
        artifact.next_steps.extend(part.next_steps);
        artifact.sources.push(part.source);
    }

    /// The artifact.
    #[must_use]
    pub fn artifact(self) -> Artifact {
        let Self { mut artifact, files, commands, checks, errors } = self;
        let LeftOut { prompts, .. } = artifact.left_out;
        let (files, left_out_files) = files.finish();
        let (commands, left_out_commands): (Vec<Command>, u64) = commands.finish();
        let (errors, left_out_errors) = errors.finish();
        artifact.left_out =
            LeftOut { prompts, files: left_out_files, commands: left_out_commands, errors: left_out_errors };
        Artifact { files, commands, checks: checks.finish(), errors, ..artifact }
    }
}

/// A text of a header's attributes.
fn attribute(attributes: &Attributes, key: &str) -> Option<String> {
    attributes.get(key).and_then(serde_json::Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// What is kept of a header.
fn source(session: String, header: &Header, events: u64, prompts: u64) -> Source {
    let context = &header.context;
    Source {
        session,
        session_id: header.session_id.clone(),
        agent: header.agent.tool.clone(),
        model: header.agent.model.clone(),
        title: context.title.clone(),
        branch: attribute(&context.attributes, "git.branch"),
        commit: attribute(&context.attributes, "git.commit"),
        started: context.created_at,
        updated: context.updated_at,
        events,
        prompts,
    }
}

#[cfg(test)]
mod tests;
