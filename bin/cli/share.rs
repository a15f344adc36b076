//! Registering sessions, reading them by address, and sharing them.
#![expect(clippy::struct_excessive_bools, reason = "each is a flag that a user may give or not")]

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueHint};

#[derive(Debug, Args)]
pub struct Register {
    /// The session, as HAIL; - for standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Leave secrets in: then it can be read here, and not be shared
    #[arg(long)]
    pub no_redact: bool,
    /// Print what was registered as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Inspect {
    /// An os:// address, a session id (or its beginning), a commit, or a branch
    #[arg(value_name = "WHAT", default_value = "HEAD")]
    pub what: String,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("how").args(["git", "quick", "web"]))]
pub struct Share {
    /// An os:// address, a session id (or its beginning), or a commit with one session behind it
    #[arg(value_name = "WHAT")]
    pub what: String,
    /// Write it into the ledger of a branch, and print the address it has at a remote
    #[arg(long)]
    pub git: bool,
    /// The same at origin, or the only remote, and push it; asks before the first push, and remembers a yes
    #[arg(long, conflicts_with = "remote")]
    pub quick: bool,
    /// Print where the site of .opensession/config.toml shows an address that others can read
    #[arg(long, conflicts_with_all = ["remote", "reference", "path", "push"])]
    pub web: bool,
    /// The remote that it is for: its name or address
    #[arg(long, value_name = "REMOTE")]
    pub remote: Option<String>,
    /// The branch whose ledger takes it, or the ref of that ledger; else the current branch's
    #[arg(long = "ref", id = "reference", value_name = "REF")]
    pub reference: Option<String>,
    /// The path it must have there, sessions/<digest>.jsonl: in a ledger the content names the file
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,
    /// Push it to that remote, and nothing else with it: this is your consent, for this one push
    #[arg(long)]
    pub push: bool,
    /// Answer the question of --quick with yes, for good
    #[arg(short, long, requires = "quick")]
    pub yes: bool,
    /// Put the address into the clipboard, too
    #[arg(long)]
    pub copy: bool,
    /// Print what was done as JSON
    #[arg(long)]
    pub json: bool,
}
