//! Handing work over.

use std::num::NonZeroUsize;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub struct Handoff {
    #[command(subcommand)]
    pub verb: HandoffVerb,
}

/// What can be done with handoffs.
#[derive(Debug, Subcommand)]
pub enum HandoffVerb {
    /// Make an artifact of sessions, and print its address
    Build(Build),
    /// List, read, check, pin and remove artifacts
    Artifacts(Artifacts),
    /// Push artifacts and pins to a remote
    Push(Exchange),
    /// Fetch artifacts and pins of a remote
    Fetch(Exchange),
    /// Print the prompt that goes on with the work in any agent; or start one with it
    Resume(Resume),
}

#[derive(Debug, Args)]
pub struct Build {
    /// As --from
    #[arg(value_name = "WHAT", required_unless_present_any = ["from", "last"])]
    pub what: Vec<String>,
    /// An os:// address, a session, a commit, a branch, a range of commits, an agent's log, or a HAIL file; may be repeated
    #[arg(long, value_name = "WHAT", num_args = 1..)]
    pub from: Vec<String>,
    /// Only the last so many sessions; of all that are here, if nothing is named
    #[arg(long, value_name = "N")]
    pub last: Option<NonZeroUsize>,
    /// Fail unless everything it needs is there, and every event it points at
    #[arg(long)]
    pub validate: bool,
    /// Pin it under this alias
    #[arg(long, value_name = "ALIAS")]
    pub pin: Option<String>,
    /// Print what was made as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Artifacts {
    #[command(subcommand)]
    pub verb: ArtifactsVerb,
}

/// What can be done with artifacts.
#[derive(Debug, Subcommand)]
pub enum ArtifactsVerb {
    /// List the artifacts that are here
    List(List),
    /// Print an artifact
    Get(Get),
    /// Check that an artifact is what it is named for, and can be read
    Verify(One),
    /// Pin an alias to an artifact
    Pin(Pin),
    /// Take an alias away
    Unpin(Unpin),
    /// Remove an artifact that is not pinned
    Rm(One),
}

#[derive(Debug, Args)]
pub struct List {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct One {
    /// An address, the beginning of a digest, or an alias
    #[arg(value_name = "ARTIFACT")]
    pub artifact: String,
}

/// How an artifact is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// What it says, line by line
    Canonical,
    /// The very bytes that are stored
    Raw,
    /// For reading
    Markdown,
}

/// How it is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Encoding {
    /// A line of JSON for each thing
    Jsonl,
    /// One JSON document
    Json,
    /// Markdown
    Md,
}

#[derive(Debug, Args)]
pub struct Get {
    /// An address, the beginning of a digest, or an alias
    #[arg(value_name = "ARTIFACT")]
    pub artifact: String,
    /// How to read it
    #[arg(long, value_name = "FORMAT", default_value = "canonical")]
    pub format: Format,
    /// How to spell it; else what fits the format
    #[arg(long, value_name = "ENCODING")]
    pub encode: Option<Encoding>,
}

#[derive(Debug, Args)]
pub struct Pin {
    /// The alias
    #[arg(value_name = "ALIAS")]
    pub alias: String,
    /// An address, the beginning of a digest, or another alias
    #[arg(value_name = "ARTIFACT")]
    pub artifact: String,
}

#[derive(Debug, Args)]
pub struct Unpin {
    /// The alias
    #[arg(value_name = "ALIAS")]
    pub alias: String,
}

#[derive(Debug, Args)]
pub struct Exchange {
    /// The remote; else the one that git would take
    #[arg(value_name = "REMOTE")]
    pub remote: Option<String>,
    /// Artifacts and aliases; else all pins when pushing, everything when fetching
    #[arg(value_name = "ARTIFACT")]
    pub artifacts: Vec<String>,
    /// Print what was done as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Resume {
    /// An artifact, a session, a commit, or anything else that `build --from` takes; else what is pinned as latest
    #[arg(value_name = "WHAT", default_value = "latest")]
    pub what: String,
    /// The agent that goes on: claude-code, codex, gemini, ...
    #[arg(long, value_name = "AGENT")]
    pub agent: Option<String>,
    /// Start that agent with the prompt
    #[arg(long, requires = "agent")]
    pub exec: bool,
}
