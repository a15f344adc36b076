//! What can end registering, reading by address, sharing and settings early, and what is said of it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use git_opensession::git::remote::RemoteError;
use git_opensession::hail::LineError;
use git_opensession::ledger::Refusal;
use git_opensession::uri::{BadUri, Source};
use git_opensession::{share, source, store};

use super::{Exit, Hint, chain, failure::told};

/// Where people put a session's canonical text: as in the first OpenSession's own words.
const HAIL_FILE: &str = "./session.hail.jsonl";

/// Why a session could not be registered, read by its address or shared.
#[derive(Debug)]
pub enum Sharing {
    /// An address that is none.
    BadUri { text: String, error: BadUri },
    /// The address of a handoff, where a session is wanted.
    Artifact { uri: String },
    /// A file that cannot be read.
    Unreadable { file: String, source: io::Error },
    /// A file that is no HAIL; `agent` if it is that agent's own log. `log` is `None` for standard input.
    NotHail { file: String, log: Option<PathBuf>, agent: Option<&'static str>, why: LineError },
    /// A file that is HAIL, where an agent's log is wanted, and the word that names it on a command line.
    AlreadyHail { file: String, word: String },
    /// A session that is too long.
    TooLarge { what: String, limit: u64, is_for_share: bool },
    /// The store.
    Store(store::Error),
    /// An address that leads to nothing that can be read.
    Source(source::Error),
    /// Nobody has said how to share.
    NoWay { what: String },
    /// `--git` without a remote.
    NoRemoteNamed { what: String, remotes: Vec<String> },
    /// Several remotes, of which none is called origin.
    WhichRemote { what: String, remotes: Vec<String> },
    /// `--web` of what only this machine has.
    NotRemote { what: String },
    /// `--web` where nobody has named a site.
    NoSite,
    /// There is no repository to share from.
    Outside { what: String },
    /// A session that was registered with its secrets.
    Unredacted { uri: String },
    /// What names no ledger.
    BadRef { text: String },
    /// A path that no snapshot has.
    BadPath { path: String, right: String },
    /// A remote that cannot stand in an address.
    NoAddress { label: String, error: BadUri },
    /// There is nobody to ask, and nobody has said yes.
    Unasked { label: String, what: String },
    /// The ledger, or the push.
    Share(share::Error),
}

impl Sharing {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::BadUri { .. }
            | Self::NoWay { .. }
            | Self::NoRemoteNamed { .. }
            | Self::WhichRemote { .. }
            | Self::NotRemote { .. }
            | Self::BadRef { .. }
            | Self::BadPath { .. }
            | Self::Unasked { .. } => Exit::Usage,
            Self::Unreadable { source, .. } if is_wrong_path(source) => Exit::Usage,
            Self::Artifact { .. }
            | Self::NotHail { .. }
            | Self::AlreadyHail { .. }
            | Self::TooLarge { .. }
            | Self::Outside { .. }
            | Self::NoSite
            | Self::Unredacted { .. }
            | Self::NoAddress { .. }
            | Self::Share(share::Error::Refused { .. })
            | Self::Store(store::Error::Damaged { .. } | store::Error::Raced)
            | Self::Source(
                source::Error::Unregistered(_)
                | source::Error::Digest { .. }
                | source::Error::NotHail { .. }
                | source::Error::NoFile(_)
                | source::Error::Purged(_)
                | source::Error::Store(store::Error::Damaged { .. })
                | source::Error::Remote(RemoteError::NoSuchRef { .. }),
            ) => Exit::No,
            Self::Source(source::Error::Remote(error)) if error.is_network() => Exit::Network,
            Self::Unreadable { .. } | Self::Store(_) | Self::Source(_) | Self::Share(_) => Exit::Fatal,
        }
    }

    /// What may help.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::BadUri { error: BadUri::Spelling { right }, .. } => vec![Hint::own(["inspect", right], "")],
            Self::BadUri { .. } => vec![Hint::own(["register", HAIL_FILE], "prints the address of a session")],
            Self::Artifact { uri } => vec![Hint::own(["handoff", "artifacts", "get", uri], "read it")],
            Self::NotHail { log, agent, .. } => {
                let log = log.as_ref().map_or_else(|| "-".to_owned(), |log| log.display().to_string());
                let (profile, log) = match agent {
                    Some(agent) => (*agent, log),
                    None => ("auto", "./raw-session.jsonl".to_owned()),
                };
                vec![
                    Hint::own(["parse", "--profile", profile, &log, "--out", HAIL_FILE], ""),
                    Hint::own(["register", HAIL_FILE], ""),
                ]
            }
            Self::AlreadyHail { word, .. } => vec![Hint::own(["register", word], "")],
            Self::Store(store::Error::Damaged { .. })
            | Self::Source(source::Error::Store(store::Error::Damaged { .. })) => {
                vec![
                    Hint::own(["register", HAIL_FILE], "put it right, from the session's text"),
                    Hint::command(["git", "fsck"], "look what else is damaged"),
                ]
            }
            Self::Source(source::Error::Unregistered(_)) => {
                vec![Hint::own(["register", HAIL_FILE], "from the session's text")]
            }
            Self::Source(source::Error::Digest { .. } | source::Error::NoFile(_) | source::Error::NotHail { .. }) => {
                vec![Hint::own(["fetch"], "get what the remote has now")]
            }
            Self::Source(source::Error::Remote(RemoteError::NotFound { .. })) | Self::NoAddress { .. } => {
                vec![Hint::command(["git", "remote", "-v"], "the remotes that are known here")]
            }
            Self::NoWay { what } => {
                vec![to_remote(what, "origin"), Hint::own(["share", what, "--quick"], "and push it")]
            }
            Self::NoRemoteNamed { what, remotes } | Self::WhichRemote { what, remotes } => {
                remotes.iter().map(|remote| to_remote(what, remote)).collect()
            }
            Self::NotRemote { what } => vec![
                to_remote(what, "origin"),
                Hint::own(["share", "os://src/...", "--web"], "the address that this prints"),
            ],
            Self::NoSite => vec![
                Hint::own(["config", "init", "--base-url", "https://opensession.io"], ""),
                Hint::own(["config", "show"], ""),
            ],
            Self::Outside { what } => {
                vec![Hint::command(["cd", "YOUR-REPOSITORY"], "a clone of the project"), to_remote(what, "origin")]
            }
            Self::Unredacted { .. } => {
                vec![Hint::own(["register", HAIL_FILE], "from the session's text, without --no-redact")]
            }
            Self::BadRef { .. } => {
                vec![Hint::command(["git", "for-each-ref", "refs/opensession/branches"], "the ledgers that are here")]
            }
            Self::Unasked { what, .. } => vec![
                Hint::command(["git", "config", "opensession.share.auto-push-consent", "true"], "allow it, for good"),
                Hint::own(["share", what, "--quick", "--yes"], "the same, and share"),
                Hint::own(["share", what, "--quick", "--push"], "allow it this once"),
            ],
            Self::Share(share::Error::Refused { why: Refusal::Expired(_), .. }) => {
                vec![Hint::own(["share", "--help"], "--ref names the ledger of another branch")]
            }
            _ => Vec::new(),
        }
    }
}

/// What shares at a remote.
fn to_remote(what: &str, remote: &str) -> Hint {
    Hint::own(["share", what, "--git", "--remote", remote], "")
}

fn is_wrong_path(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory)
}

impl fmt::Display for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadUri { text, error } => write!(f, "{text}: {error}"),
            Self::Artifact { uri } => write!(f, "{uri} is a handoff, and no session"),
            Self::Unreadable { file, source } => write!(f, "cannot read {file}: {}", told(source)),
            Self::NotHail { file, agent: Some(agent), .. } => {
                write!(f, "{file} is a log of {agent}, and no canonical HAIL: parse it first")
            }
            Self::NotHail { file, agent: None, why, .. } => write!(f, "{file} is no canonical HAIL: {}", chain(why)),
            Self::AlreadyHail { file, .. } => write!(f, "{file} is canonical HAIL already: there is nothing to parse"),
            Self::TooLarge { what, limit, is_for_share: true } => write!(
                f,
                "{what} has more than {} MB of text: forges warn of files above that, and refuse larger ones",
                limit >> 20
            ),
            Self::TooLarge { what, limit, .. } => {
                write!(f, "{what} has more than {} MB: a session is stored and verified in one piece", limit >> 20)
            }
            Self::Store(error) => write!(f, "{}", chain(error)),
            Self::Source(source::Error::Digest { address, found }) => write!(
                f,
                "{}: what is there has the SHA-256 {found}, and not the one it is named for",
                Source::Remote((**address).clone())
            ),
            Self::Source(error) => write!(f, "{}", chain(error)),
            Self::NoWay { .. } => f.write_str("say how to share it: --git with --remote, or --quick"),
            Self::NoRemoteNamed { .. } => f.write_str("--git needs the remote that it is for: say --remote"),
            Self::WhichRemote { remotes, .. } => {
                write!(f, "no remote is called origin, and there are {}: {}", remotes.len(), remotes.join(", "))
            }
            Self::NotRemote { what } => {
                write!(f, "{what} is no address that others can read: share it at a remote first")
            }
            Self::NoSite => f.write_str("nobody has said which site shows sessions: there is no share.base_url"),
            Self::Outside { .. } => f.write_str("this is no git repository, and a session is shared through one"),
            Self::Unredacted { uri } => {
                write!(f, "{uri} was registered with --no-redact: it can be read here, and not be shared")
            }
            Self::BadRef { text } => {
                write!(f, "{text:?} is no branch and no ledger: a session is shared into refs/opensession/branches/*")
            }
            Self::BadPath { path, right } => {
                write!(f, "a ledger names a session by its content: its path is {right}, and not {path:?}")
            }
            Self::NoAddress { label, error } => write!(f, "no address can lead to {label}: {error}"),
            Self::Unasked { label, .. } => {
                write!(f, "nobody has allowed --quick to push to {label}, and there is nobody to ask")
            }
            Self::Share(error) => write!(f, "{}", chain(error)),
        }
    }
}
