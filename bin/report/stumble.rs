//! What can go wrong in the demo.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why the demo could not be played to its end.
#[derive(Debug)]
pub enum Stumble {
    /// A file of the stage.
    File { path: PathBuf, source: io::Error },
    /// A program that cannot be started.
    Start { command: String, source: io::Error },
    /// A program that failed.
    Failed { command: String, said: String },
}

impl fmt::Display for Stumble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, source } => write!(f, "the demo cannot write {}: {source}", path.display()),
            Self::Start { command, source } => write!(f, "the demo cannot run `{command}`: {source}"),
            Self::Failed { command, said } => write!(f, "the demo's `{command}` failed:\n{}", said.trim_end()),
        }
    }
}
