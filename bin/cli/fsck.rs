//! What `fsck` understands.

use clap::Args;

#[derive(Debug, Args)]
pub struct Fsck {
    /// Fetch the ledgers of this remote, and check those; else all that are here
    #[arg(long, value_name = "REMOTE")]
    pub remote: Option<String>,
    /// Print what was found as JSON
    #[arg(long)]
    pub json: bool,
}
