//! Reading a session by its address: from the local store, from a remote of this repository, from any other remote.
//!
//! Nothing is given out before it was held against its name. A session that is named by its digest is the same wherever
//! it is found, so it is looked for nearby first; only then is a network needed.

mod cache;
mod here;

use crate::fanout::FanoutError;
use crate::git::process::Prompts;
use crate::git::remote::{FetchError, RemoteError};
use crate::git::{self, GitEnvironment, Oid, Repo};
use crate::hail::{Digest, LineError};
use crate::inspect::inspect;
use crate::ledger;
use crate::store::{self, SHARE_LIMIT, Stores};
use crate::uri::{ObjectName, RemoteSource, Source};

pub use here::{Here, remote_of};

/// Where to look.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The stores of this machine.
    pub stores: &'a Stores,
    /// The repository that one is in.
    pub here: Option<Here<'a>>,
    /// What git may know of the machine.
    pub environment: &'a GitEnvironment,
    /// Whom git may ask for credentials.
    pub prompts: Prompts,
}

/// A session that cannot be read by its address.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing is registered under this name.
    #[error("{} is not registered here", Source::Local(*.0))]
    Unregistered(ObjectName),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What is there has another digest.
    #[error("{source} does not hold what it is named for: its SHA-256 is {found}", source = .address)]
    Digest {
        /// The address.
        address: Box<RemoteSource>,
        /// The digest of what is there.
        found: Digest,
    },
    /// What is there is no session.
    #[error("{address} is no session: {why}")]
    NotHail {
        /// The address.
        address: Box<RemoteSource>,
        /// Why.
        #[source]
        why: LineError,
    },
    /// Somebody has purged it.
    #[error("{0} was purged, and stays gone")]
    Purged(Box<RemoteSource>),
    /// The ref is there, and the file is not.
    #[error("{} has no file {:?} on {}", .0.remote.url(), .0.path.in_tree(), .0.reference)]
    NoFile(Box<RemoteSource>),
    /// The remote.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// This repository, or that of the cache.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// A ledger here.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// What was fetched.
    #[error(transparent)]
    Fanout(#[from] FanoutError),
    /// There is no folder for what is fetched.
    #[error("there is no home folder to keep in what is fetched")]
    NoCache,
}

impl From<FetchError> for Error {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Remote(error) => Self::Remote(error),
            FetchError::Local(error) => Self::Git(error),
        }
    }
}

impl Sources<'_> {
    /// The text of a session, verified.
    ///
    /// # Errors
    /// When it is nowhere, or is not what its address says.
    pub fn read(&self, source: &Source) -> Result<Vec<u8>, Error> {
        match source {
            Source::Local(name) => match self.stores.get(*name)? {
                Some(object) => Ok(object.text),
                None => Err(Error::Unregistered(*name)),
            },
            Source::Remote(remote) => self.read_remote(remote),
        }
    }

    fn read_remote(&self, source: &RemoteSource) -> Result<Vec<u8>, Error> {
        let name = named(source);
        if let Some(name) = name {
            if let Ok(Some(object)) = self.stores.get(name.into()) {
                return Ok(object.text);
            }
            if let Some(text) = self.here.map(|here| here.nearby(source, name)).transpose()?.flatten() {
                return Ok(text);
            }
        }
        let known = match self.here {
            Some(here) => here.remote(&source.remote)?,
            None => None,
        };
        let fetched = match (self.here, &known) {
            (Some(here), Some(known)) => here.fetch(source, known, self.prompts)?,
            _ => None,
        };
        let text = match fetched {
            Some(text) => text,
            None => self.fetch_to_cache(source, known.as_ref())?,
        };
        verified(source, name, text)
    }
}

/// The digest that a file is named for.
fn named(source: &RemoteSource) -> Option<Digest> {
    source.path.file().strip_suffix(".jsonl")?.parse().ok()
}

/// What was found, if it is what the address says: by its digest where the file is named for it, else by being a session.
fn verified(source: &RemoteSource, name: Option<Digest>, text: Vec<u8>) -> Result<Vec<u8>, Error> {
    let address = || Box::new(source.clone());
    match name {
        Some(name) => {
            let found = Digest::of(&text);
            if found == name { Ok(text) } else { Err(Error::Digest { address: address(), found }) }
        }
        None => match inspect(text.as_slice()) {
            Ok(_) => Ok(text),
            Err(why) => Err(Error::NotHail { address: address(), why }),
        },
    }
}

/// The blob of a file of a commit; `None` if there is no such file.
fn file_of(repo: &Repo, commit: Oid, path: &str) -> Result<Option<Oid>, git::Error> {
    let entry = repo.lookup(repo.commit(commit)?.tree, path.as_bytes())?;
    Ok(entry.filter(|entry| entry.kind == git::EntryKind::File).map(|entry| entry.oid))
}

/// The bytes of a file that may be shared.
fn blob(repo: &Repo, oid: Oid) -> Result<Vec<u8>, git::Error> {
    repo.blob(oid, SHARE_LIMIT)
}
