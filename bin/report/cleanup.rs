//! What is said of `cleanup`.

use std::fmt;
use std::io::{self, Write};

use git_opensession::cleanup::{self, Terms};
use git_opensession::view::{Safe, counted};

use super::{Exit, Failure, Hint, chain};
use crate::cli::Provider;
use crate::terminal::Talk;

/// Why nothing is cleaned.
#[derive(Debug)]
pub enum CleanupFailure {
    /// Nobody has said after how many days.
    NotSetUp,
    /// There is nobody to ask.
    NeedsYes { terms: Terms },
    /// What goes cannot be told.
    Plan(cleanup::Error),
}

impl CleanupFailure {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NotSetUp | Self::Plan(cleanup::Error::Shallow | cleanup::Error::NotHere { .. }) => Exit::No,
            Self::NeedsYes { .. } => Exit::Usage,
            Self::Plan(_) => Exit::Fatal,
        }
    }

    /// What may help.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::NotSetUp => vec![set_up(), Hint::own(["cleanup", "run"], "then; it shows what would go")],
            Self::NeedsYes { terms } => {
                let (hidden, artifact) = (terms.hidden_ttl_days.to_string(), terms.artifact_ttl_days.to_string());
                let mut words = ["cleanup", "init", "--hidden-ttl-days", &hidden].map(str::to_owned).to_vec();
                words.extend(["--artifact-ttl-days", &artifact, "--yes"].map(str::to_owned));
                vec![Hint::own(words, "")]
            }
            Self::Plan(cleanup::Error::Shallow) => {
                vec![Hint::command(["git", "fetch", "--unshallow"], "get the rest of the history")]
            }
            Self::Plan(cleanup::Error::NotHere { label, .. }) => {
                let branches = format!("+refs/heads/*:refs/remotes/{label}/*");
                vec![Hint::command(["git", "fetch", label, &branches], "get all branches")]
            }
            Self::Plan(_) => vec![Hint::own(["fsck"], "look at the ledgers")],
        }
    }
}

impl fmt::Display for CleanupFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSetUp => f.write_str("nobody has said after how many days sessions go"),
            Self::NeedsYes { .. } => f.write_str("there is nobody to ask: say --yes"),
            Self::Plan(error) => write!(f, "{}", chain(error)),
        }
    }
}

impl From<CleanupFailure> for Failure {
    fn from(failure: CleanupFailure) -> Self {
        Self::Cleanup(Box::new(failure))
    }
}

impl From<cleanup::Error> for Failure {
    fn from(error: cleanup::Error) -> Self {
        match error {
            cleanup::Error::Git(error) => Self::Git(error),
            cleanup::Error::Ledger(error) => Self::Ledger(error),
            cleanup::Error::Remote(error) => Self::Remote(error),
            cleanup::Error::Handoff(error) => error.into(),
            error => CleanupFailure::Plan(error).into(),
        }
    }
}

fn set_up() -> Hint {
    Hint::own(["cleanup", "init", "--provider", "auto"], "")
}

/// Says that nothing was set up, and what does it.
pub fn say_not_set_up(talk: &Talk) {
    talk.warn(&CleanupFailure::NotSetUp.to_string(), &[set_up()]);
}

/// Says what will go, in the words of the verbs that are to be learnt.
pub fn say_terms(talk: &Talk, terms: &Terms) {
    let Terms { hidden_ttl_days, artifact_ttl_days, remote } = terms;
    let place = remote.as_ref().map_or_else(String::new, |remote| format!(" and at {}", Safe::line(remote)));
    let (hidden, artifact) = (counted((*hidden_ttl_days).into(), "day"), counted((*artifact_ttl_days).into(), "day"));
    talk.say(&format!(
        "sessions that are tied to no branch and no tag go after {hidden}, here{place}; as prune --older-than does it, and for \
         good"
    ));
    talk.say(&format!("handoffs that are not pinned go after {artifact}, here; as handoff artifacts rm does it"));
    talk.say("ledgers of branches that are done can be kept together instead: fold --into");
}

/// The terms, a line each.
pub fn write_terms(out: &mut dyn Write, terms: &Terms) -> io::Result<()> {
    writeln!(out, "hidden-ttl-days: {}", terms.hidden_ttl_days)?;
    writeln!(out, "artifact-ttl-days: {}", terms.artifact_ttl_days)?;
    match &terms.remote {
        Some(remote) => writeln!(out, "remote: {}", Safe::line(remote)),
        None => Ok(()),
    }
}

/// What runs it regularly.
pub fn write_schedule(out: &mut dyn Write, provider: Provider, terms: &Terms) -> io::Result<()> {
    let text = match provider {
        Provider::Github => include_str!("../commands/cleanup/github.yml"),
        Provider::Gitlab => include_str!("../commands/cleanup/gitlab.yml"),
        Provider::Auto | Provider::Generic => include_str!("../commands/cleanup/crontab"),
    };
    let days = |days: u32| days.to_string();
    let text = text.replace("HIDDEN", &days(terms.hidden_ttl_days)).replace("ARTIFACT", &days(terms.artifact_ttl_days));
    out.write_all(text.as_bytes())
}

/// Says what that is.
pub fn say_schedule(talk: &Talk, provider: Provider) {
    let place = match provider {
        Provider::Github => "GitHub runs it",
        Provider::Gitlab => "GitLab runs it",
        Provider::Auto | Provider::Generic => "cron runs it",
    };
    talk.say(&format!(
        "remembered; no file was written: {place} every night, if you put the lines above where they say"
    ));
}
