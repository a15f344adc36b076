//! Verbs of OpenSession 0.2.x that are none here: they are understood, to say what to run instead.

use std::ffi::OsString;

use clap::Args;

/// What was said behind such a verb.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct Former {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<OsString>,
}
