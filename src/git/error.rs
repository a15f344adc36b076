//! What can go wrong in this room.

use std::path::{Path, PathBuf};

use super::names::{BadName, Oid, RefName};
use super::process::ProcessError;

/// The result of this room.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure that names its subject: a path, a ref, an object, a key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No repository here or above.
    #[error("not a git repository (nor any of the folders above): {}", path.display())]
    NotARepository {
        /// Where the search began, or the `GIT_DIR` that is none.
        path: PathBuf,
    },
    /// The repository belongs to somebody else (`safe.directory`).
    #[error(
        "{path} is owned by somebody else, so git refuses to use it; \
         if you trust it: git config --global --add safe.directory {path}",
        path = path.display()
    )]
    NotOwned {
        /// The repository.
        path: PathBuf,
    },
    /// A kind of repository that cannot be used yet.
    #[error("this repository uses {what}, which git-opensession does not support yet: {advice}")]
    Unsupported {
        /// The feature: `SHA-256 object ids`, `the reftable format`, ...
        what: String,
        /// What to do about it.
        advice: &'static str,
    },
    /// An object that is not here. In a shallow or partial clone that is no damage.
    #[error("object {0} is not in this repository")]
    Missing(Oid),
    /// An object of another kind than asked for.
    #[error("object {oid} is not a {wanted}")]
    WrongKind {
        /// The object.
        oid: Oid,
        /// What was asked for.
        wanted: &'static str,
    },
    /// An object whose bytes do not parse, or do not match its id.
    #[error("object {oid} is damaged: {reason}")]
    Damaged {
        /// The object.
        oid: Oid,
        /// Why.
        reason: String,
    },
    /// An object larger than the caller allows.
    #[error("object {oid} has {size} bytes, more than the {limit} that are allowed")]
    TooLarge {
        /// The object.
        oid: Oid,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A path that no tree can hold.
    #[error("not a path for a tree: {path:?}: {reason}")]
    BadPath {
        /// The path, read lossily.
        path: String,
        /// Why.
        reason: &'static str,
    },
    /// A text that is not the name it should be.
    #[error(transparent)]
    Name(#[from] BadName),
    /// Nothing is called so.
    #[error("unknown revision: {text:?}")]
    UnknownRevision {
        /// What was asked for.
        text: String,
    },
    /// More than one object is called so.
    #[error("ambiguous revision: {text:?}; use more digits")]
    AmbiguousRevision {
        /// What was asked for.
        text: String,
    },
    /// The ref's lock file stayed held until the deadline.
    #[error("{name} is locked by another process; if none is running, remove {}", lock.display())]
    RefLocked {
        /// The ref.
        name: RefName,
        /// Its lock file.
        lock: PathBuf,
    },
    /// A hidden ref that somebody made a symbolic one: it would be written through.
    #[error(
        "{name} is a symbolic ref, which git-opensession never writes; remove it: git symbolic-ref --delete {name}"
    )]
    SymbolicRef {
        /// The ref.
        name: RefName,
    },
    /// Another capture held the repository's lock until the deadline.
    #[error("another git-opensession is at work in this repository (it holds {})", path.display())]
    RepoLocked {
        /// The lock file.
        path: PathBuf,
    },
    /// A configuration that does not parse.
    #[error("bad git configuration: {subject}: {reason}")]
    Config {
        /// The key, file or environment variable.
        subject: String,
        /// Why.
        reason: String,
    },
    /// The file system said no.
    #[error("cannot {doing} {}: {}", path.display(), said(source))]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// libgit2, or git itself, said no.
    #[error("cannot {doing} {subject}: {reason}")]
    Git {
        /// What was tried.
        doing: &'static str,
        /// On what.
        subject: String,
        /// Its words.
        reason: String,
    },
}

impl Error {
    /// Wraps what libgit2 said.
    pub(super) fn git(doing: &'static str, subject: impl std::fmt::Display) -> impl FnOnce(git2::Error) -> Self {
        let subject = subject.to_string();
        move |error| Self::Git { doing, subject, reason: error.message().to_owned() }
    }

    /// Wraps that git could not be run, or did not answer.
    pub(super) fn process(doing: &'static str, subject: impl std::fmt::Display) -> impl FnOnce(ProcessError) -> Self {
        let subject = subject.to_string();
        move |error| Self::Git { doing, subject, reason: error.to_string() }
    }

    /// Wraps what the file system said.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { doing, path, source }
    }
}

/// What the system says, without the number that Rust adds, and the path that some add once more.
fn said(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_said_is_said_in_its_words_once() {
        let full = std::io::Error::from_raw_os_error(28);
        let told = format!("{full} at path \"/r/x\"");
        let error = Error::io("write", Path::new("/r/x"))(std::io::Error::new(full.kind(), told));
        assert_eq!(error.to_string(), "cannot write /r/x: No space left on device");
    }
}
