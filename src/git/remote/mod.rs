//! Talking to other repositories, by the user's own `git` program: his credentials, his proxies, his ssh.
//!
//! A remote is always addressed by a name that exists for one command only, defined in the command's
//! environment. So neither its address nor its credentials stand in a command line, nothing that is
//! configured for the user's remote (mirror, refspecs, tags, pruning) applies, an address that git has
//! rewritten once is not rewritten again, and of two push addresses only the one meant is used.

mod fetch;
mod push;
mod reason;
mod sift;
mod single;
mod typed;

use std::ffi::OsString;
use std::time::Instant;

pub use fetch::{FetchError, FetchReport, Mapping, Moved};
pub use push::{Atomic, Change, Lease, PushReport, RefOutcome, RefPush, Rejection, RejectionKind};
pub use sift::{KnownUnsound, Sifted, Unsound, Wanted};
pub use single::Extent;
pub use typed::{Rehearsal, TypedError, TypedRef, TypedRemote, TypedReport};

use super::process::{Command, Ending, Finished, GitProgram, ProcessError, Prompts};
use super::remote_url::{Login, RemoteUrl};
use super::{Config, Oid, RefName};

/// The remote's name during a command of ours.
const NAME: &str = "opensession-remote";
/// What that name's address is, before git rewrites it into the real one.
const ALIAS: &str = "opensession://remote";
/// Where the credential helper of a command of ours finds what stood in the address.
const USER_VARIABLE: &str = "OPENSESSION_REMOTE_USER";
const PASSWORD_VARIABLE: &str = "OPENSESSION_REMOTE_PASSWORD";
/// A helper that answers from these variables and stores nothing.
const HELPER: &str = "!f() { [ \"$1\" = get ] && \
     printf 'username=%s\\npassword=%s\\n' \"$OPENSESSION_REMOTE_USER\" \"$OPENSESSION_REMOTE_PASSWORD\"; }; f";
/// What of the user's settings of a remote is needed to reach it (`remote.<name>.*`, git-config(1)).
const REACHING: [&str; 4] = ["receivepack", "uploadpack", "proxy", "proxyauthmethod"];

/// A remote that could not be talked to. None of these names the credentials of an address.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// git could not be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The deadline came first.
    #[error("{url} did not answer in time")]
    TimedOut {
        /// The remote.
        url: String,
    },
    /// No connection.
    #[error("cannot reach {url}: {reason}")]
    Unreachable {
        /// The remote.
        url: String,
        /// git's words.
        reason: String,
    },
    /// No credentials, or not the right ones.
    #[error("{url} wants other credentials: {reason}")]
    Denied {
        /// The remote.
        url: String,
        /// git's words.
        reason: String,
    },
    /// There is no repository at this address.
    #[error("there is no repository at {url}: {reason}")]
    NotFound {
        /// The remote.
        url: String,
        /// git's words.
        reason: String,
    },
    /// The remote does not have a ref that was asked for by name.
    #[error("{url} has no {name}")]
    NoSuchRef {
        /// The remote.
        url: String,
        /// The ref.
        name: String,
    },
    /// It has object ids of another kind than the repository here.
    #[error("{url} and the repository here have object ids of different kinds (SHA-1, SHA-256)")]
    OtherFormat {
        /// The remote.
        url: String,
    },
    /// What it sent is not as it should be, by git's own check, and was not let in.
    #[error("what {url} has is not sound: {reason}")]
    Unsound {
        /// The remote.
        url: String,
        /// git's words.
        reason: String,
    },
    /// Anything else.
    #[error("git could not talk to {url}: {reason}")]
    Failed {
        /// The remote.
        url: String,
        /// git's words.
        reason: String,
    },
}

impl RemoteError {
    /// Whether this is about the network or credentials, and not about git or this repository.
    pub fn is_network(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::Unreachable { .. } | Self::Denied { .. } | Self::NotFound { .. })
    }
}

/// A remote repository, and how to reach it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    url: RemoteUrl,
    settings: Vec<(&'static str, OsString)>,
}

impl Endpoint {
    /// A remote by its address, as git gives it to a hook: already rewritten by `insteadOf`. With the name
    /// of the configured remote, what that one needs to be reached (proxy, programs there) is taken over.
    pub fn new(url: RemoteUrl, name: Option<&str>, config: &Config) -> Self {
        let setting = |variable| {
            let value = config.get(&format!("remote.{}.{variable}", name?))?;
            Some((variable, value.into()))
        };
        Self { url, settings: REACHING.into_iter().filter_map(setting).collect() }
    }

    /// The address.
    pub fn url(&self) -> &RemoteUrl {
        &self.url
    }
}

/// Which addresses of a remote are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// That it is fetched from.
    Fetch,
    /// Those it is pushed to.
    Push,
}

/// The addresses of a remote, with `insteadOf` and `pushInsteadOf` applied as git does it. What is no configured remote
/// is an address itself.
///
/// # Errors
///
/// When git cannot be run.
pub fn addresses(git: &GitProgram, remote: &str, direction: Direction) -> Result<Vec<RemoteUrl>, RemoteError> {
    let all: &[&str] = match direction {
        Direction::Fetch => &["remote", "get-url", "--", remote],
        Direction::Push => &["remote", "get-url", "--push", "--all", "--", remote],
    };
    // An address with a password in it must not stand in a command line, and is no remote's name.
    let is_secret = RemoteUrl::new(remote).without_login().1.is_some();
    let named = if is_secret { None } else { Some(git.command(all.iter().copied()).run()?) };
    let finished = if let Some(finished) = named.filter(Finished::succeeded) {
        finished
    } else {
        let ask = git.command(["ls-remote", "--get-url", "--", NAME]);
        ask.private_setting(format!("remote.{NAME}.url"), remote).run()?
    };
    let lines = finished.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    Ok(lines.map(|line| RemoteUrl::new(os_string(line))).collect())
}

#[cfg(unix)]
fn os_string(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// What all network commands of one task have in common.
#[derive(Debug, Clone, Copy)]
pub struct Network<'a> {
    /// The user's git.
    pub git: &'a GitProgram,
    /// The repository's configuration.
    pub config: &'a Config,
    /// Whom git may ask for credentials.
    pub prompts: Prompts,
    /// When everything must be over.
    pub deadline: Option<Instant>,
}

impl Network<'_> {
    /// The refs of a remote that match one of these patterns (git-ls-remote(1)), sorted by name.
    ///
    /// # Errors
    ///
    /// When the remote cannot be talked to.
    pub fn ls_remote(&self, endpoint: &Endpoint, patterns: &[&str]) -> Result<Vec<(RefName, Oid)>, RemoteError> {
        let fixed = ["ls-remote", "--quiet", "--refs", "--", NAME];
        let finished = self.command(endpoint, fixed.iter().chain(patterns)).run()?;
        if !finished.succeeded() {
            return Err(reason::failure(&endpoint.url, &finished));
        }
        let line = |line: &[u8]| {
            let tab = line.iter().position(|&byte| byte == b'\t')?;
            let (oid, name) = line.split_at(tab);
            let oid = std::str::from_utf8(oid).ok()?.parse().ok()?;
            Some((RefName::new(name.strip_prefix(b"\t")?).ok()?, oid))
        };
        let mut refs: Vec<_> = finished.stdout.split(|&byte| byte == b'\n').filter_map(line).collect();
        refs.sort();
        Ok(refs)
    }

    /// A command that knows the endpoint as [`NAME`] and asks nobody anything.
    fn command<S: AsRef<str>>(&self, endpoint: &Endpoint, arguments: impl IntoIterator<Item = S>) -> Command {
        self.command_for(endpoint, arguments.into_iter().map(|argument| argument.as_ref().into()).collect())
    }

    fn command_for(&self, endpoint: &Endpoint, arguments: Vec<OsString>) -> Command {
        let (url, login) = endpoint.url.without_login();
        let mut command = self
            .git
            .command(arguments)
            .deadline(self.deadline)
            .prompts(self.config, self.prompts)
            .secrets(endpoint.url.secrets())
            .private_setting(format!("remote.{NAME}.url"), ALIAS)
            .private_setting(joined("url.", &url, ".insteadOf"), ALIAS);
        for (variable, value) in &endpoint.settings {
            command = command.private_setting(format!("remote.{NAME}.{variable}"), value);
        }
        match login {
            Some(Login { user, password: Some(password) }) => command
                .variable(USER_VARIABLE, user)
                .variable(PASSWORD_VARIABLE, password)
                .private_setting("credential.helper", "")
                .private_setting("credential.helper", HELPER),
            Some(Login { user, password: None }) => command.private_setting("credential.username", user),
            None => command,
        }
    }
}

fn joined(before: &str, middle: &std::ffi::OsStr, after: &str) -> OsString {
    let mut whole = OsString::from(before);
    whole.push(middle);
    whole.push(after);
    whole
}

/// Whether a command came to its end by itself, or what to say about it.
fn in_time(endpoint: &Endpoint, finished: &Finished) -> Result<(), RemoteError> {
    match finished.ending {
        Ending::TimedOut => Err(RemoteError::TimedOut { url: endpoint.url.to_string() }),
        Ending::Exited(_) | Ending::Signalled(_) => Ok(()),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
