//! What several sessions did to the same things: the last state wins.

use std::collections::BTreeMap;

use super::shell::Known;
use super::{Deed, Edit, Failure, Run};
use crate::handoff::{Change, Check, CheckKind, Command, ErrorMet, FileChange, Outcome, Pointer};

/// How many of each are kept.
const FILES: usize = 400;
const COMMANDS: usize = 60;
const ERRORS: usize = 20;
/// How many edits of a file are pointed at.
const EDITS: usize = 3;

fn pointer(session: &str, event: &str) -> Pointer {
    Pointer { session: session.to_owned(), event: event.to_owned() }
}

/// A path from the folder of its session, where it lies below; it does not name a machine then.
pub(super) fn relative<'p>(path: &'p str, cwd: Option<&str>) -> &'p str {
    let below = cwd.and_then(|cwd| path.strip_prefix(cwd.trim_end_matches('/'))?.strip_prefix('/'));
    below.filter(|below| !below.is_empty()).unwrap_or(path)
}

/// Files, by path.
#[derive(Debug, Default)]
pub(super) struct Files(BTreeMap<String, FileChange>);

impl Files {
    pub(super) fn add(&mut self, edit: &Edit, cwd: Option<&str>, session: &str) {
        let path = relative(&edit.path, cwd).to_owned();
        let new = FileChange {
            path: path.clone(),
            change: match edit.deed {
                Deed::Created => Change::Created,
                Deed::Edited => Change::Edited,
                Deed::Deleted => Change::Deleted,
            },
            edits: 0,
            lines_added: 0,
            lines_removed: 0,
            at: Vec::new(),
        };
        let file = self.0.entry(path).or_insert(new);
        file.change = match (file.change, edit.deed) {
            (Change::Created, Deed::Deleted) if file.edits > 0 => Change::Passing,
            (Change::Passing, Deed::Created | Deed::Edited) => Change::Created,
            (Change::Deleted, Deed::Created | Deed::Edited) if file.edits > 0 => Change::Edited,
            (Change::Edited, Deed::Deleted) => Change::Deleted,
            (change, _) => change,
        };
        file.edits += 1;
        file.lines_added += edit.lines_added;
        file.lines_removed += edit.lines_removed;
        file.at.push(pointer(session, &edit.event));
        if file.at.len() > EDITS {
            file.at.remove(0);
        }
    }

    pub(super) fn finish(self) -> (Vec<FileChange>, u64) {
        let left_out = self.0.len().saturating_sub(FILES) as u64;
        (self.0.into_values().take(FILES).collect(), left_out)
    }
}

/// Commands, in the order of their last run.
#[derive(Debug, Default)]
pub(super) struct Commands(Vec<Command>);

impl Commands {
    pub(super) fn add(&mut self, run: &Run, session: &str) {
        let before = self.0.iter().position(|known| known.command == run.command).map(|at| self.0.remove(at));
        self.0.push(Command {
            command: run.command.clone(),
            outcome: run.outcome,
            exit_code: run.exit_code,
            runs: before.map_or(0, |before| before.runs) + 1,
            at: pointer(session, &run.event),
        });
    }

    pub(super) fn finish(mut self) -> (Vec<Command>, u64) {
        let left_out = self.0.len().saturating_sub(COMMANDS);
        (self.0.split_off(left_out), left_out as u64)
    }
}

/// Checks, by what they check.
#[derive(Debug, Default)]
pub(super) struct Checks(Vec<(Vec<String>, Check)>);

impl Checks {
    /// The last run of a check counts; a wider one that passed (`cargo test`) settles the narrower ones before it
    /// (`cargo test one`).
    pub(super) fn add(&mut self, run: &Run, known: &Known, session: &str) {
        let (outcome, exit_code) = match (known.is_telling, run.outcome) {
            (true, outcome) if outcome != Outcome::Unknown => (outcome, run.exit_code),
            // The exit code is another program's.
            _ => (run.verdict, None),
        };
        let settles = |older: &[String]| match outcome {
            Outcome::Passed => older.starts_with(&known.identity),
            _ => older == known.identity,
        };
        self.0.retain(|(identity, _)| !settles(identity));
        let said = run.said.clone().filter(|_| outcome == Outcome::Failed);
        let kind = known.check.unwrap_or(CheckKind::Test);
        let at = pointer(session, &run.event);
        self.0
            .push((known.identity.clone(), Check { kind, command: run.command.clone(), outcome, exit_code, said, at }));
    }

    /// What fails comes first, then what nobody can tell.
    pub(super) fn finish(self) -> Vec<Check> {
        let mut checks: Vec<Check> = self.0.into_iter().map(|(_, check)| check).collect();
        let rank = |check: &Check| match check.outcome {
            Outcome::Failed => 0,
            Outcome::Unknown => 1,
            Outcome::Passed => 2,
        };
        checks.sort_by_key(|check| (rank(check), check.kind));
        checks
    }
}

/// Tools that failed, in the order of the last time.
#[derive(Debug, Default)]
pub(super) struct Errors(Vec<ErrorMet>);

impl Errors {
    /// The same call that works later settles its failures; a file that could not be edited and then was is no error.
    pub(super) fn add(&mut self, failure: &Failure, cwd: Option<&str>, session: &str) {
        let input = failure.input.as_deref().map(|input| relative(input, cwd).to_owned());
        let is_same = |known: &ErrorMet| known.tool == failure.tool && known.input == input;
        let Some(text) = &failure.text else {
            self.0.retain(|known| !is_same(known));
            return;
        };
        let before = self.0.iter().position(|known| is_same(known) && known.text == *text);
        let times = before.map_or(0, |at| self.0.remove(at).times) + 1;
        let at = pointer(session, &failure.event);
        self.0.push(ErrorMet { tool: failure.tool.clone(), input, text: text.clone(), times, at });
    }

    pub(super) fn finish(mut self) -> (Vec<ErrorMet>, u64) {
        let left_out = self.0.len().saturating_sub(ERRORS);
        (self.0.split_off(left_out), left_out as u64)
    }
}
