//! What `docs` understands.

use clap::{Args, Subcommand};

use super::Completion;

#[derive(Debug, Args)]
pub struct Docs {
    #[command(subcommand)]
    pub page: DocsPage,
}

#[derive(Debug, Subcommand)]
pub enum DocsPage {
    /// Print the first steps, for the agents that are on this machine
    Quickstart,
    /// Print a completion script for a shell, as `completion` does
    Completion(Completion),
    /// Print the man page, or put it where git finds it
    Man(Man),
}

#[derive(Debug, Args)]
pub struct Man {
    /// Put it beside the folder this program is in, if that is yours; `doctor --uninstall` removes it
    #[arg(long)]
    pub install: bool,
}
