//! What the verbs understand that take things out of ledgers.
use clap::{ArgGroup, Args};
use git_opensession::ledger::Day;
use git_opensession::prune::Age;

/// How it is done, or only shown.
#[derive(Debug, Args)]
pub struct Asked {
    /// Print the plan, and change nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Print what was done as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).args(["sessions", "rule", "before"]))]
pub struct Purge {
    /// The sessions: their ids, or beginnings of them
    #[arg(value_name = "SESSION")]
    pub sessions: Vec<String>,
    /// Those in which this rule of redaction took something out, or would today
    #[arg(long, value_name = "ID")]
    pub rule: Option<String>,
    /// Those that began before this day (YYYY-MM-DD)
    #[arg(long, value_name = "DATE")]
    pub before: Option<Day>,
    /// Only at this remote; else at all that may have sessions
    #[arg(long, value_name = "REMOTE")]
    pub remote: Option<String>,
    #[command(flatten)]
    pub asked: Asked,
}

#[derive(Debug, Args)]
pub struct Redact {
    /// Look with today's rules through what was stored by older ones
    #[arg(long, required = true)]
    pub again: bool,
    /// Only at this remote; else at all that may have sessions
    #[arg(long, value_name = "REMOTE")]
    pub remote: Option<String>,
    #[command(flatten)]
    pub asked: Asked,
}

#[derive(Debug, Args)]
pub struct Prune {
    /// Let go of sessions older than this: days or weeks (30d, 12w), or a day (YYYY-MM-DD)
    #[arg(long, value_name = "AGE")]
    pub older_than: Age,
    /// Keep those that are tied to commits of this branch, tag or commit
    #[arg(long, value_name = "REV")]
    pub keep_linked: Option<String>,
    /// Only at this remote; else at all that may have sessions
    #[arg(long, value_name = "REMOTE")]
    pub remote: Option<String>,
    /// Do it; else only the plan is printed
    #[arg(long)]
    pub apply: bool,
    /// Print what was done as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Fold {
    /// The branches whose ledgers go; else all that are gone or merged
    #[arg(value_name = "BRANCH")]
    pub branches: Vec<String>,
    /// The branch whose ledger takes them in
    #[arg(long, value_name = "BRANCH")]
    pub into: String,
    /// At this remote, too; else at the one that a push goes to
    #[arg(long, value_name = "REMOTE")]
    pub remote: Option<String>,
    #[command(flatten)]
    pub asked: Asked,
}
