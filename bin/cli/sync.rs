//! What `sync` understands.

use clap::Args;

#[derive(Debug, Args)]
pub struct Sync {
    /// The remote; else the one that `git push` would take
    #[arg(value_name = "REMOTE")]
    pub remote: Option<String>,
    /// Print what was done as JSON
    #[arg(long)]
    pub json: bool,
}
