//! What the verbs understand that ask about the code: whose its lines are, what it cost, whether all of it is explained.
#![expect(clippy::struct_excessive_bools, reason = "each is a flag that a user may give or not")]

use std::ffi::OsString;

use clap::{ArgAction, Args, ValueHint};

#[derive(Debug, Args)]
pub struct Why {
    /// Files, or lines of them: file, file:12, file:12,20, file:12,+3
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
