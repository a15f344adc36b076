//! Forgetting what is remembered of sessions that were purged.

use super::index::Index;
use super::state::State;
use super::{Error, Result};
use crate::git::Repo;
use crate::ledger::Sid;

/// Removes how far the logs of some sessions were read: a parser's memory holds some of their text. What belongs to no
/// session that is known goes, too. The logs themselves are the agents'.
///
/// # Errors
/// When a file cannot be removed.
pub fn forget(repo: &Repo, is_gone: impl Fn(Sid) -> bool) -> Result<()> {
    let folder = repo.private_dir();
    let index = Index::load_any(&folder);
    match State::sweep(&folder, |log| index.sid_of(log).is_some_and(|sid| !is_gone(sid))) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Error::Private { path: folder, source }),
        _ => Ok(()),
    }
}
