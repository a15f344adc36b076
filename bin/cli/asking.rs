//! What the verbs understand that ask about the code: whose its lines are, what it cost, whether all of it is explained.

use std::ffi::OsString;

use clap::{ArgAction, Args, ValueEnum, ValueHint};

#[derive(Debug, Args)]
pub struct Why {
    /// Files; with `:12`, `:12,20` or `:12,+3` behind it only those lines of one
    #[arg(value_name = "FILE[:LINE[,LINE]]", required = true, value_hint = ValueHint::FilePath)]
    pub what: Vec<OsString>,
    /// As it was in this revision; else as it is in the work tree
    #[arg(long, value_name = "REV")]
    pub rev: Option<String>,
    /// Follow lines that moved within a file (as `git blame -M`)
    #[arg(short = 'M', long)]
    pub moves: bool,
    /// Follow lines that came from other files (as `git blame -C`; up to three times for more of them)
    #[arg(long, action = ArgAction::Count)]
    pub copies: u8,
    /// Count the lines: by agent, by session, by human, per file and per commit
    #[arg(long)]
    pub summary: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Stats {
    /// Only sessions behind these commits (`main..topic`, `v1.2`); else all there are
    #[arg(value_name = "RANGE")]
    pub range: Option<String>,
    /// A row for each
    #[arg(long, value_name = "WHAT")]
    pub by: Option<StatsBy>,
    /// Do not look which lines are left: that needs a git blame of each file
    #[arg(long)]
    pub no_blame: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// What the rows of `stats` are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatsBy {
    /// The authors of the commits that the sessions are tied to
    Author,
    /// The agents
    Agent,
    /// The models
    Model,
    /// The files that were edited
    File,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// The commits: `main..topic`, or one revision and all it reaches
    #[arg(value_name = "RANGE")]
    pub range: String,
    /// Which of them must have a session; else as opensession.require says, else all
    #[arg(long, value_name = "WHICH")]
    pub require: Option<Requirement>,
    /// The remote that must have the ledgers; else the one that `git push` would take
    #[arg(long, value_name = "REMOTE")]
    pub remote: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Which commits must have a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Requirement {
    /// All of them
    All,
    /// Those that say that an agent wrote them: by a trailer, or their author
    Agent,
}
