//! What `view` understands.

use std::path::PathBuf;

use clap::{Args, ValueHint};

#[derive(Debug, Args)]
pub struct View {
    /// A commit, a range of commits, a session id (or its beginning), a branch, an address
    /// (os://...), or a file: HAIL or an agent's log
    #[arg(value_name = "WHAT", default_value = "HEAD", value_hint = ValueHint::AnyPath)]
    pub what: String,
    /// Print the path of the page, and open nothing
    #[arg(long)]
    pub no_open: bool,
    /// Write the page to this file; - for standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
}
