//! What `cleanup` understands: the words of OpenSession 0.2.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub struct Cleanup {
    #[command(subcommand)]
    pub verb: CleanupVerb,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum CleanupVerb {
    /// Say after how many days things go, and print what does it regularly
    Init(CleanupInit),
    /// Show what was said, and what would go
    Status,
    /// Show what would go; with --apply, let go of it
    Run(CleanupRun),
}

#[derive(Debug, Args)]
pub struct CleanupInit {
    /// Where it is to run regularly; auto looks at the remote
    #[arg(long, value_name = "PROVIDER", default_value = "auto")]
    pub provider: Provider,
    /// The remote whose ledgers are cleaned, too; else origin, or the only one
    #[arg(long, value_name = "REMOTE")]
    pub remote: Option<String>,
    /// After how many days sessions go that are tied to no branch and no tag
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub hidden_ttl_days: u32,
    /// After how many days handoffs go that are not pinned
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub artifact_ttl_days: u32,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct CleanupRun {
    /// Do it; else only what would go is printed
    #[arg(long)]
    pub apply: bool,
}

/// Where something can run regularly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Provider {
    /// Whatever the remote is
    Auto,
    /// GitHub Actions
    Github,
    /// GitLab CI
    Gitlab,
    /// A crontab
    Generic,
}
