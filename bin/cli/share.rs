//! Registering sessions, and reading them by address.

use std::path::PathBuf;

use clap::{Args, ValueHint};

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
