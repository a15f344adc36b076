//! The repository that one is in, and its remotes.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::{Error, blob, file_of};
use crate::fanout::Destination;
use crate::git::process::{GitProgram, Prompts};
use crate::git::remote::{Direction, Extent, Network, addresses};
use crate::git::{Config, HiddenRef, Oid, RefName, RemoteUrl, Repo};
use crate::hail::Digest;
use crate::ledger::{LOCAL_PREFIX, LedgerRef, REMOTES_PREFIX, tracking_prefix};
use crate::pre_push::base;
use crate::uri::{BadUri, Remote, RemoteSource};

/// The repository that one is in.
#[derive(Clone, Copy)]
pub struct Here<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// Its configuration.
    pub config: &'a Config,
    /// The user's git.
    pub program: &'a GitProgram,
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

impl Here<'_> {
    /// The session of that digest, if a ledger of this repository has it: its own, or one that was fetched.
    pub(super) fn nearby(&self, source: &RemoteSource, name: Digest) -> Option<Vec<u8>> {
        let wanted = RefName::new(source.reference.as_str()).ok().and_then(|name| LedgerRef::parse(&name))?;
        let path = source.path.in_tree();
        let refs =
            [LOCAL_PREFIX, REMOTES_PREFIX].into_iter().flat_map(|prefix| self.repo.refs(prefix).unwrap_or_default());
        refs.filter(|found| LedgerRef::parse(&found.name).is_some_and(|ledger| ledger.to_local() == wanted)).find_map(
            |found| {
                let text = blob(self.repo, file_of(self.repo, found.oid, &path).ok()??).ok()?;
                (Digest::of(&text) == name).then_some(text)
            },
        )
    }

    /// The configured remote that is this one.
    pub(super) fn remote(&self, wanted: &Remote) -> Result<Option<Destination>, Error> {
        for name in self.config.remotes() {
            for direction in [Direction::Fetch, Direction::Push] {
                for url in addresses(self.program, name, direction)? {
                    if remote_of(&url, base(self.repo)).is_ok_and(|remote| remote.is_same(wanted)) {
                        let destination =
                            Destination::of_push(OsStr::new(name), url.expose(), self.config, base(self.repo));
                        return Ok(Some(destination));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Fetches the ledger that a file is in, as `fetch` does, and reads it; `None` if it is not in a ledger.
    pub(super) fn fetch(
        &self,
        source: &RemoteSource,
        known: &Destination,
        prompts: Prompts,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some(part) = source.reference.as_str().strip_prefix(LOCAL_PREFIX) else { return Ok(None) };
        let network = Network { git: self.program, config: self.config, prompts, deadline: None };
        let name = RefName::new(format!("{}{part}", tracking_prefix(known.key())));
        let name = name.and_then(HiddenRef::new).map_err(crate::git::Error::from)?;
        network.fetch_one(&known.endpoint(self.config), source.reference.as_str(), &name, Extent::Whole)?;
        let tip: Option<Oid> = self.repo.read_ref(name.name())?;
        let file = tip.map(|tip| file_of(self.repo, tip, &source.path.in_tree())).transpose()?.flatten();
        let file = file.ok_or_else(|| Error::NoFile(Box::new(source.clone())))?;
        Ok(Some(blob(self.repo, file)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_is_below_the_folder_that_git_takes_it_from() {
        let of = |url: &str| remote_of(&RemoteUrl::new(url), Path::new("/work/tree")).map(|remote| remote.url());
        assert_eq!(of("../origin.git").as_deref(), Ok("/work/origin.git"));
        assert_eq!(of("./a:b/../c").as_deref(), Ok("/work/tree/c"));
        assert_eq!(of("https://u:p@github.com/o/r").as_deref(), Ok("https://github.com/o/r.git"));
        assert!(of("ext::sh -c x").is_err() && of("evil://x/y").is_err());
    }
}
