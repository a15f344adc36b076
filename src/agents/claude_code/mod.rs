//! Claude Code: one JSONL file a session, and one more for each subagent.
//!
//! Formats of 1.0 to 2.1.219. What a naive reader gets wrong, and where it is dealt with:
//! tokens told several times (`state::Spending`), texts that no human typed (`human`), edits that
//! failed (`edits`), history copied into the same file (`state::Seen`), subagents
//! (`subagents`), glued and torn lines ([`super::jsonl`]).

mod asides;
mod assistant;
mod content;
mod discover;
mod edits;
mod header;
mod human;
mod queue;
mod raw;
mod reading;
mod recognise;
mod record;
mod retention;
mod state;
mod subagents;
#[cfg(test)]
mod tests;
mod tools;
mod user;

use std::path::{Path, PathBuf};

use super::{Checkpoint, Environment, LogFile, LogParser, Origin, ParseError, Parsed, Sink};

/// The agent's name.
const NAME: &str = "claude-code";

/// Raised whenever the same log would give other events.
const VERSION: u32 = 4;

/// Reads the logs of Claude Code.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClaudeCode;

impl LogParser for ClaudeCode {
    fn agent(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn roots(&self, environment: &Environment) -> Vec<PathBuf> {
        discover::roots(environment)
    }

    fn logs(&self, environment: &Environment) -> Vec<LogFile> {
        discover::logs(&discover::roots(environment))
    }

    fn keeps_days(&self, environment: &Environment) -> Option<u32> {
        Some(retention::keeps_days(&discover::roots(environment)))
    }

    fn recognises(&self, _path: &Path, head: &[u8]) -> bool {
        recognise::recognises(head)
    }

    fn origin(&self, path: &Path) -> Result<Option<Origin>, ParseError> {
        recognise::origin(path)
    }

    fn parse(&self, path: &Path, from: Option<&Checkpoint>, sink: &mut dyn Sink) -> Result<Parsed, ParseError> {
        reading::parse(VERSION, path, from, sink)
    }
}
