//! What is said when work cannot be handed over.

use std::fmt;
use std::io;

use git_opensession::git::process::ProcessError;
use git_opensession::handoff::resume::LAUNCHERS;
use git_opensession::handoff::{BadAlias, Missing, SelectError, StoreError, exchange};

use super::{Exit, Failure, Hint, chain};

/// How many things are named.
const NAMED: usize = 8;

/// Why work could not be handed over.
#[derive(Debug)]
pub enum HandoffFailure {
    /// A text that is no alias.
    Alias(BadAlias),
    /// A session cannot be taken.
    Select(SelectError),
    /// An artifact.
    Store(StoreError),
    /// A push or fetch.
    Exchange(exchange::Error),
    /// The artifact lacks something.
    Missing(Vec<Missing>),
    /// A format that is not spelled so.
    Form { format: String, encoding: String },
    /// Nothing is pinned, and nothing was named.
    NothingToPush,
    /// Nothing is pinned as `latest`, and nothing was named.
    NothingToResume,
    /// No agent of that name can be started.
    UnknownAgent { agent: String },
    /// The agent's program cannot be started.
    Start { agent: String, what: String, error: ProcessError },
}

impl HandoffFailure {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Alias(_)
            | Self::Form { .. }
            | Self::UnknownAgent { .. }
            | Self::Store(StoreError::Ambiguous { .. })
            | Self::Select(SelectError::File { .. }) => Exit::Usage,
            Self::Store(StoreError::Git(_) | StoreError::Raced { .. }) | Self::Exchange(exchange::Error::Git(_)) => {
                Exit::Fatal
            }
            _ => Exit::No,
        }
    }

    /// What may help.
    pub fn hints(&self) -> Vec<Hint> {
        let list = || Hint::own(["handoff", "artifacts", "list"], "those that are here");
        let build = || Hint::own(["handoff", "build", "--from", "HEAD", "--pin", "latest"], "make one");
        match self {
            Self::Store(StoreError::Unknown { .. }) => {
                vec![list(), Hint::own(["handoff", "fetch"], "get those that others have pushed")]
            }
            Self::Store(StoreError::Ambiguous { candidates, .. }) => {
                let get = |id: &git_opensession::handoff::ArtifactId| {
                    Hint::own(["handoff", "artifacts", "get", &id.to_string()], "")
                };
                candidates.iter().take(NAMED).map(get).collect()
            }
            Self::Store(StoreError::Pinned { aliases, .. }) => {
                let unpin = |alias: &String| Hint::own(["handoff", "artifacts", "unpin", alias], "");
                aliases.iter().take(NAMED).map(unpin).collect()
            }
            Self::Store(StoreError::TooLarge { .. }) => {
                vec![Hint::own(["handoff", "build", "--from", "HEAD", "--last", "10"], "of fewer sessions")]
            }
            Self::Store(StoreError::Mismatch { id, .. } | StoreError::Bad { id, .. }) => {
                let id = id.0.to_string();
                vec![Hint::own(["handoff", "artifacts", "rm", &id], "then fetch it or build it again")]
            }
            Self::Store(StoreError::NoPin { .. }) | Self::Exchange(exchange::Error::NotThere { .. }) => vec![list()],
            Self::Exchange(exchange::Error::TooMany { label }) => {
                vec![Hint::own(["handoff", "fetch", label, "latest"], "name what you want")]
            }
            Self::Form { .. } => {
                let get = ["handoff", "artifacts", "get", "latest", "--format"];
                vec![
                    Hint::own(get.iter().copied().chain(["markdown"]), "for reading"),
                    Hint::own(get.iter().copied().chain(["canonical", "--encode", "json"]), "one document"),
                    Hint::own(get.iter().copied().chain(["raw"]), "the bytes that are stored"),
                ]
            }
            Self::Missing(_) => vec![Hint::own(["log"], "the sessions that are here")],
            Self::NothingToPush => vec![list(), build()],
            Self::NothingToResume => vec![build(), Hint::own(["handoff", "resume", "HEAD"], "go on from a commit")],
            Self::Select(SelectError::None { asked }) => vec![
                Hint::own(["doctor", "--commit", asked], "says why"),
                Hint::own(["fetch"], "get what others have pushed"),
            ],
            Self::Select(SelectError::UnknownLog { path }) => {
                vec![Hint::own(["parse", "--report", &path.display().to_string()], "what is read of it")]
            }
            Self::Start { agent, what, .. } => {
                let prompt = ["handoff", "resume", what, "--agent", agent];
                vec![Hint::own(prompt, "print the prompt instead")]
            }
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for HandoffFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alias(error) => error.fmt(f),
            Self::Select(error) => write!(f, "{}", chain(error)),
            Self::Store(error) => write!(f, "{}", chain(error)),
            Self::Exchange(error) => write!(f, "{}", chain(error)),
            Self::Missing(missing) => {
                let named: Vec<String> = missing.iter().take(NAMED).map(ToString::to_string).collect();
                write!(f, "the handoff lacks {}", named.join("; "))?;
                match missing.len().checked_sub(NAMED) {
                    None | Some(0) => Ok(()),
                    Some(more) => write!(f, "; and {more} more"),
                }
            }
            Self::Form { format, encoding } => write!(f, "--format {format} cannot be spelled as {encoding}"),
            Self::NothingToPush => f.write_str("no artifact is pinned, and none was named"),
            Self::NothingToResume => f.write_str("no artifact is pinned as latest, and nothing else was named"),
            Self::UnknownAgent { agent } => {
                let known: Vec<&str> = LAUNCHERS.iter().map(|launcher| launcher.agent).collect();
                write!(f, "{agent:?} is no agent that can be started from here ({})", known.join(", "))
            }
            Self::Start { agent, error: ProcessError::Start { program, source }, .. }
                if source.kind() == io::ErrorKind::NotFound =>
            {
                write!(f, "{agent} cannot be started: there is no program {program:?} on the PATH")
            }
            Self::Start { agent, error, .. } => write!(f, "{agent} cannot be started: {}", chain(error)),
        }
    }
}

impl From<HandoffFailure> for Failure {
    fn from(failure: HandoffFailure) -> Self {
        match failure {
            HandoffFailure::Select(SelectError::Browse(error)) => error.into(),
            HandoffFailure::Select(SelectError::Ledger(error))
            | HandoffFailure::Exchange(exchange::Error::Ledger(error)) => error.into(),
            HandoffFailure::Select(SelectError::Log { path, error }) => {
                Self::Parse { log: path.display().to_string(), error: *error }
            }
            HandoffFailure::Exchange(exchange::Error::Store(error)) => {
                Self::Handoff(Box::new(HandoffFailure::Store(error)))
            }
            HandoffFailure::Exchange(exchange::Error::Remote(error)) => error.into(),
            HandoffFailure::Exchange(exchange::Error::Fetch(error)) => error.into(),
            HandoffFailure::Store(StoreError::Git(error)) | HandoffFailure::Exchange(exchange::Error::Git(error)) => {
                error.into()
            }
            failure => Self::Handoff(Box::new(failure)),
        }
    }
}

impl From<SelectError> for Failure {
    fn from(error: SelectError) -> Self {
        HandoffFailure::Select(error).into()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        HandoffFailure::Store(error).into()
    }
}

impl From<exchange::Error> for Failure {
    fn from(error: exchange::Error) -> Self {
        HandoffFailure::Exchange(error).into()
    }
}

impl From<BadAlias> for Failure {
    fn from(error: BadAlias) -> Self {
        HandoffFailure::Alias(error).into()
    }
}
