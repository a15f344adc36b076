//! The repository that one is in, and its remotes.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Error, blob, file_of};
use crate::fanout::{Destination, FanoutError, Inbox, unsound};
use crate::git::process::{GitProgram, Prompts};
use crate::git::remote::{Direction, FetchError, Network, RemoteError, addresses};
use crate::git::{self, Config, Oid, RefName, RemoteUrl, Repo, Signature};
use crate::hail::{self, Digest};
use crate::honour::honour;
use crate::ledger::{
    Appender, LOCAL_PREFIX, LedgerRef, Namespace, REMOTES_PREFIX, SessionKey, remote_prefix, retention_of_all,
};
use crate::uri::{BadUri, Remote, RemoteSource};

/// How long a ref that another process has locked, and another command that fetches, is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// The repository that one is in.
#[derive(Clone, Copy)]
pub struct Here<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// Its configuration.
    pub config: &'a Config,
    /// The user's git.
    pub program: &'a GitProgram,
    /// Who brings ledgers in line with what a remote has purged, and what time it is.
    pub signature: &'a Signature,
}

/// The remote that a URL of this repository names; relative paths are below `base`.
///
/// # Errors
/// When it is none that others could clone from.
pub fn remote_of(url: &RemoteUrl, base: &Path) -> Result<Remote, BadUri> {
    let text = url.expose().to_string_lossy();
    Remote::of_url(&text).or_else(|error| {
        let is_path = !text.is_empty() && !text.split('/').next().is_some_and(|first| first.contains(':'));
        if is_path { Remote::of_url(&absolute(&base.join(&*text)).to_string_lossy()) } else { Err(error) }
    })
}

/// A path with `.` and `..` resolved by name alone, as git does it.
fn absolute(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                whole.pop();
            }
            part => whole.push(part),
        }
    }
    whole
}

/// The ledger that the ref of an address is, and where its remote keeps ledgers; `None` if it is none.
pub(super) fn ledger_of(source: &RemoteSource) -> Option<(Namespace, LedgerRef)> {
    Namespace::parse_ledger(&RefName::new(source.reference.as_str()).ok()?)
}

impl Here<'_> {
    /// The session of that digest, if a ledger of this repository has it: its own, or one that was fetched.
    ///
    /// # Errors
    /// [`Error::Purged`] if a ledger says that it was.
    pub(super) fn nearby(&self, source: &RemoteSource, name: Digest) -> Result<Option<Vec<u8>>, Error> {
        let Some((_, wanted)) = ledger_of(source) else { return Ok(None) };
        let refs =
            [LOCAL_PREFIX, REMOTES_PREFIX].into_iter().flat_map(|prefix| self.repo.refs(prefix).unwrap_or_default());
        let mut found = refs
            .filter(|found| LedgerRef::parse(&found.name).is_some_and(|ledger| ledger.to_local() == wanted))
            .filter_map(|found| self.file_at(found.oid, source))
            .filter(|text| Digest::of(text) == name);
        let Some(text) = found.next() else { return Ok(None) };
        let session = hail::Reader::new(text.as_slice()).map(|reader| SessionKey::of(reader.header()));
        let gone = retention_of_all(self.repo, &wanted)?;
        match session {
            Ok(key) if gone.purged.contains(&key.sid) || !gone.keeps_snapshot(name) => {
                Err(Error::Purged(Box::new(source.clone())))
            }
            _ => Ok(Some(text)),
        }
    }

    fn file_at(&self, commit: Oid, source: &RemoteSource) -> Option<Vec<u8>> {
        blob(self.repo, file_of(self.repo, commit, &source.path.in_tree()).ok()??).ok()
    }

    /// The configured remote that is this one, by what it is configured as or by what git makes of that.
    pub(super) fn remote(&self, wanted: &Remote) -> Result<Option<Destination>, Error> {
        let base = self.repo.base();
        let is_wanted = |url: &RemoteUrl| remote_of(url, base).is_ok_and(|remote| remote.is_same(wanted));
        for name in self.config.remotes() {
            let key = format!("remote.{name}.url");
            let mut configured = self.config.all(&key).filter_map(|entry| entry.value.as_deref());
            let is_configured = configured.any(|url| is_wanted(&RemoteUrl::new(url)));
            for direction in [Direction::Fetch, Direction::Push] {
                for url in addresses(self.program, name, direction)? {
                    if is_configured || is_wanted(&url) {
                        return Ok(Some(Destination::of_push(OsStr::new(name), url.expose(), self.config, base)));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Fetches the ledger that a file is in, and what was left beside it, as `fetch` does, and reads the file; `None` if
    /// it is not in a ledger.
    pub(super) fn fetch(
        &self,
        source: &RemoteSource,
        known: &Destination,
        prompts: Prompts,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some((namespace, ledger)) = ledger_of(source) else { return Ok(None) };
        let network = Network { git: self.program, config: self.config, prompts, deadline: None };
        let mappings = namespace.some(known.key(), [&ledger]).map_err(git::Error::from)?;
        let (endpoint, tracking) = (known.endpoint(self.config), remote_prefix(known.key()));
        // Without it (nobody lets go of it) one of two fetches may fail.
        let _lock = self.repo.lock_pushes(Instant::now() + PATIENCE).ok();
        let by = Appender { signature: self.signature, lock: None, deadline: Instant::now() + PATIENCE };
        let missing = match network.fetch(self.repo, &endpoint, &tracking, &mappings) {
            // There may be something beside a ledger that is not there yet.
            Err(FetchError::Remote(error @ RemoteError::NoSuchRef { .. })) => Some(error),
            fetched => {
                honour(self.repo, &fetched?.moved, &by).map_err(FanoutError::from)?;
                None
            }
        };
        let tracking = ledger.to_tracking(known.key()).to_ref().map_err(git::Error::from)?;
        let found = self.repo.read_ref(tracking.name())?.and_then(|tip| self.file_at(tip, source));
        if found.is_some() {
            return Ok(found);
        }
        let unsound = unsound::known(self.repo, known);
        Inbox::fetch(self.repo, &network, known, namespace, &unsound, by.deadline)?;
        let inbox = Inbox::of(self.repo, &ledger, known.key())?.tips;
        let found = inbox.into_iter().find_map(|tip| self.file_at(tip, source));
        let nowhere = || missing.map_or_else(|| Error::NoFile(Box::new(source.clone())), Error::from);
        found.map(Some).ok_or_else(nowhere)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_is_below_the_folder_that_git_takes_it_from() {
        let of = |url: &str| remote_of(&RemoteUrl::new(url), Path::new("/srv/tree")).map(|remote| remote.url());
        assert_eq!(of("../origin.git").as_deref(), Ok("/srv/origin.git"));
        assert_eq!(of("./a:b/../c").as_deref(), Ok("/srv/tree/c"));
        assert_eq!(of("https://u:p@github.com/o/r").as_deref(), Ok("https://github.com/o/r.git"));
        assert!(of("ext::sh -c x").is_err() && of("evil://x/y").is_err());
    }
}
