//! Where a session is shared: which remote, which ledger of it.

use std::ffi::OsStr;

use git_opensession::capture::ledger_branch;
use git_opensession::fanout::Destination;
use git_opensession::git::remote::{Direction, addresses};
use git_opensession::git::{self, BranchName};
use git_opensession::hail::Snapshot;
use git_opensession::ledger::{LedgerPath, Namespace};
use git_opensession::settings::read_namespace;
use git_opensession::share::branch_of;
use git_opensession::source::remote_of;
use git_opensession::uri::Remote;

use super::super::work::{self, Work};
use super::session::Session;
use crate::cli::Share;
use crate::context::Context;
use crate::report::{Failure, Hint, Sharing};

/// A ledger of a remote.
pub struct Place {
    /// What the remote is called in a message: without credentials.
    pub label: String,
    /// The remote, as addresses name it.
    pub remote: Remote,
    /// Every address that a push to it goes to.
    pub destinations: Vec<Destination>,
    /// Where it keeps ledgers.
    pub namespace: Namespace,
    /// The branch whose ledger takes the session.
    pub branch: BranchName,
    /// Whether that branch was named.
    is_named: bool,
}

/// The repository to share from.
///
/// # Errors
/// When there is none here.
pub fn work(context: &Context, arguments: &Share) -> Result<Work, Failure> {
    Work::new(context).map_err(|failure| match failure {
        Failure::Git(git::Error::NotARepository { .. }) => Sharing::Outside { what: arguments.what.clone() }.into(),
        failure => failure,
    })
}

/// Only the content names the file: so many can share into one ledger, and nothing gets lost when it is joined.
///
/// # Errors
/// When another path was asked for.
pub fn check_path(arguments: &Share, snapshot: &Snapshot) -> Result<(), Failure> {
    let right = LedgerPath::Snapshot(snapshot.digest()).to_string();
    match &arguments.path {
        Some(path) if *path != right => Err(Sharing::BadPath { path: path.clone(), right }.into()),
        _ => Ok(()),
    }
}

impl Place {
    /// As the command line names it.
    ///
    /// # Errors
    /// When there is no such remote, no such ledger, or the remote cannot stand in an address.
    pub fn new(work: &Work, arguments: &Share) -> Result<Self, Failure> {
        let name = remote(work, arguments)?;
        let name = work::known_remote(work, Some(&name), None)?;
        let base = work.repo.base();
        let destination =
            |url: &git::RemoteUrl| Destination::of_push(OsStr::new(&name), url.expose(), &work.config, base);
        let destinations: Vec<_> = addresses(&work.program, &name, Direction::Push)?.iter().map(destination).collect();
        let Some(first) = destinations.first() else { return Err(Failure::UnknownRemote { name }) };
        let label = first.label();
        let remote = remote_of(first.url(), base);
        let remote = remote.map_err(|error| Sharing::NoAddress { label: label.clone(), error })?;
        let namespace = read_namespace(&work.config)?;
        let branch = match &arguments.reference {
            Some(text) => branch_of(&work.repo, text)?.ok_or_else(|| Sharing::BadRef { text: text.clone() })?,
            None => ledger_branch(&work.config, work.repo.head()?)?,
        };
        Ok(Self { label, remote, destinations, namespace, branch, is_named: arguments.reference.is_some() })
    }

    /// What pushes the session.
    pub fn push_command(&self, session: &Session) -> Hint {
        let mut words = ["share", &session.name, "--git", "--remote", &self.label].map(str::to_owned).to_vec();
        if self.is_named {
            words.extend(["--ref".to_owned(), self.branch.to_string()]);
        }
        words.push("--push".to_owned());
        Hint::own(words, "")
    }
}

/// The remote that was named; for `--quick`, `origin` or the only one.
fn remote(work: &Work, arguments: &Share) -> Result<String, Failure> {
    let what = || arguments.what.clone();
    let remotes = work.config.remotes();
    let owned = || remotes.iter().map(|remote| (*remote).to_owned()).collect::<Vec<_>>();
    match (&arguments.remote, remotes.as_slice()) {
        (Some(remote), _) => Ok(remote.clone()),
        (None, []) => Err(Failure::NoRemote),
        (None, remotes) if arguments.quick => match remotes {
            [only] => Ok((*only).to_owned()),
            remotes if remotes.contains(&"origin") => Ok("origin".to_owned()),
            _ => Err(Sharing::WhichRemote { what: what(), remotes: owned() }.into()),
        },
        (None, _) => Err(Sharing::NoRemoteNamed { what: what(), remotes: owned() }.into()),
    }
}
