//! One room per agent: where its logs lie and how they are read.
//!
//! [`LogParser`] is the one trait of this house. To add an agent, write its room and add it to
//! [`ALL`]; nothing else needs to know its name.

mod capped;
pub mod claude_code;
pub mod codex;
mod distance;
mod environment;
mod files;
pub mod jsonl;
mod long;
mod report;
mod together;
mod unescape;

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use environment::Environment;
pub use report::{Report, Skip, SkipReason};

use crate::session::{Event, Header, Timestamp};

/// Every agent whose logs are read, in the order in which they are asked what a file is.
pub static ALL: &[&dyn LogParser] = &[&claude_code::ClaudeCode, &codex::Codex];

/// The parser of the agent with this name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn LogParser> {
    ALL.iter().copied().find(|parser| parser.agent() == name)
}

/// The parser that recognises a file by `head`, its first bytes.
#[must_use]
pub fn detect(path: &Path, head: &[u8]) -> Option<&'static dyn LogParser> {
    ALL.iter().copied().find(|parser| parser.recognises(path, head))
}

/// A native log on disk, as its folder lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes, together with that of the files that belong to it (subagents).
    pub size: u64,
    /// When any of them was last written, in nanoseconds since the epoch.
    pub mtime: i128,
}

/// What the first records of a log say about where it is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The agent's own id of the session.
    pub session_id: String,
    /// The first folder the agent was in, if the log says so in its beginning.
    pub cwd: Option<PathBuf>,
    /// The first moment in the log.
    pub started: Option<Timestamp>,
}

/// Where a parser may go on when its log has grown: everything before it is settled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The parser's version; another one starts again.
    pub version: u32,
    /// Bytes of the log that are settled.
    pub offset: u64,
    /// Events that are settled.
    pub events: u64,
    /// Whatever else the parser must remember.
    pub state: serde_json::Value,
}

/// What a parser hands its events to.
pub trait Sink {
    /// Takes the next event. `Break` makes the parser stop at once.
    fn event(&mut self, event: Event) -> ControlFlow<()>;

    /// Says that all events so far are settled: a longer log will have the same ones first. Called
    /// at most once, before the events that may still change; never called, nothing is provisional.
    fn settled(&mut self) {}

    /// Asked at every few megabytes of a log, for some become no event: `Break` makes the parser stop, as from
    /// [`Sink::event`].
    fn goes_on(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// What is known of a log when its last event has been handed over.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The session's header.
    pub header: Header,
    /// What was skipped and why.
    pub report: Report,
    /// Where to go on when the log has grown.
    pub checkpoint: Checkpoint,
}

/// A log that cannot be read at all. (Bad lines are not errors: see [`Report`].)
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The log.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no regular file: a FIFO, a device, a folder.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The log.
        path: PathBuf,
    },
    /// There is no record of this agent in it.
    #[error("{} has no record of {agent}", path.display())]
    NotThisAgent {
        /// The log.
        path: PathBuf,
        /// The agent whose parser was asked.
        agent: &'static str,
    },
    /// The checkpoint is not of this parser's version, or the log is no longer the one it was made
    /// from (rewritten, cut off): read it from the start. No event has been handed over.
    #[error("{} is not what it was when it was read last", path.display())]
    Stale {
        /// The log.
        path: PathBuf,
    },
    /// The sink asked to stop.
    #[error("stopped")]
    Stopped,
}

/// Reads one agent's logs.
pub trait LogParser: Send + Sync {
    /// The agent's name, as in `header.agent.tool` and `--profile`: `claude-code`, `codex`.
    fn agent(&self) -> &'static str;

    /// The parser's version: raised whenever the same log would give other events.
    fn version(&self) -> u32;

    /// The folders where this agent keeps its logs here, existing or not.
    fn roots(&self, environment: &Environment) -> Vec<PathBuf>;

    /// Every log below the roots, in no order. Only regular files; what cannot be read is left out. No file is opened.
    fn logs(&self, environment: &Environment) -> Vec<LogFile>;

    /// After how many days this agent deletes its logs here; `None` if it keeps them.
    fn keeps_days(&self, environment: &Environment) -> Option<u32> {
        let _ = environment;
        None
    }

    /// Whether `head`, the first bytes of a file, looks like this agent's log.
    fn recognises(&self, path: &Path, head: &[u8]) -> bool;

    /// Where the log is from, by its first records. `None` if they do not tell.
    ///
    /// # Errors
    /// When the file cannot be read.
    fn origin(&self, path: &Path) -> Result<Option<Origin>, ParseError>;

    /// Hands the events of a log to `sink`, from the start or from a checkpoint of this parser.
    ///
    /// From a checkpoint, the events are those after the settled ones, and the header is that of the whole
    /// session. Memory does not grow with the log. Deterministic: the same bytes give the same
    /// events, and a log cut at any line gives the same settled events first.
    ///
    /// # Errors
    /// When the file cannot be read, has no record of this agent, or the sink stopped.
    fn parse(&self, path: &Path, from: Option<&Checkpoint>, sink: &mut dyn Sink) -> Result<Parsed, ParseError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_agent_is_found_by_its_name() {
        for parser in ALL {
            assert_eq!(by_name(parser.agent()).map(LogParser::agent), Some(parser.agent()));
        }
        assert!(by_name("nobody").is_none());
        assert!(detect(Path::new("x.jsonl"), b"[1,2,3]").is_none());
    }
}
