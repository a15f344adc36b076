//! What `config` understands.

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::ListForm;

#[derive(Debug, Args)]
pub struct Config {
    #[command(subcommand)]
    pub verb: ConfigVerb,
}

/// What can be done with settings.
#[derive(Debug, Subcommand)]
pub enum ConfigVerb {
    /// Name the site that shows shared sessions, in the file that is committed with the code
    Init(ConfigInit),
    /// Show every setting: what it is here, and who says so
    Show(ConfigShow),
    /// List all that is said of settings, the strongest last
    List(ConfigList),
    /// Print what a setting is
    Get(ConfigGet),
    /// Set a setting, after looking whether it means something
    Set(ConfigSet),
    /// Take a setting away
    Unset(ConfigUnset),
    /// What else was said: of OpenSession 0.2.x, or as to `git config`
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

#[derive(Debug, Args)]
pub struct ConfigInit {
    /// The site: its address, as <https://opensession.io>
    #[arg(long, value_name = "URL")]
    pub base_url: String,
    /// Print what was written as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ConfigShow {
    #[command(flatten)]
    pub form: ListForm,
}

#[derive(Debug, Args)]
pub struct ConfigList {
    #[command(flatten)]
    pub form: ListForm,
}

#[derive(Debug, Args)]
pub struct ConfigGet {
    /// The setting, with opensession. before it or without
    #[arg(value_name = "KEY")]
    pub key: String,
    /// Print who says so, a tab, then the value
    #[arg(long, conflicts_with = "json")]
    pub show_origin: bool,
    /// Print value and origin as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ConfigSet {
    /// The setting, with opensession. before it or without
    #[arg(value_name = "KEY")]
    pub key: String,
    /// What it shall be
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    pub value: String,
    #[command(flatten)]
    pub place: ConfigPlace,
}

#[derive(Debug, Args)]
pub struct ConfigUnset {
    /// The setting, with opensession. before it or without
    #[arg(value_name = "KEY")]
    pub key: String,
    #[command(flatten)]
    pub place: ConfigPlace,
}

/// Where a setting is written.
#[derive(Debug, Clone, Copy, Args)]
#[group(multiple = false)]
pub struct ConfigPlace {
    /// In this repository's own configuration, as if nothing was said
    #[arg(long)]
    pub local: bool,
    /// In yours, for all repositories
    #[arg(long)]
    pub global: bool,
    /// In .opensession/config.toml, which is committed with the code
    #[arg(long)]
    pub committed: bool,
}
