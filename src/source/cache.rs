//! Remotes that are none of this repository: one ref of each, in a repository of the user's cache folder. Never in the
//! user's own: what is fetched here is shallow and partial, and git remembers that for a whole repository.

use super::here::ledger_of;
use super::{Error, Sources, blob, file_of};
use crate::fanout::Destination;
use crate::git::process::GitProgram;
use crate::git::remote::{Direction, Endpoint, Extent, Network, RemoteError, addresses};
use crate::git::{self, Config, HiddenRef, ObjectFormat, Oid, RemoteUrl, Repo};
use crate::hail::Digest;
use crate::store::cache_folder;
use crate::uri::RemoteSource;

/// How much of what was left beside a ledger is looked through.
const MOST: usize = 64;
/// As many hex digits of a digest as tell remotes, and refs, apart.
const SHORT: usize = 32;

impl Sources<'_> {
    /// Fetches one file. How to reach the remote is taken from the configured one, if it is known here.
    pub(super) fn fetch_to_cache(&self, source: &RemoteSource, known: Option<&Destination>) -> Result<Vec<u8>, Error> {
        match self.fetch_to(ObjectFormat::Sha1, source, known) {
            Err(Error::Remote(RemoteError::OtherFormat { .. })) => self.fetch_to(ObjectFormat::Sha256, source, known),
            fetched => fetched,
        }
    }

    /// The same, through a repository with object ids of that kind.
    fn fetch_to(
        &self,
        format: ObjectFormat,
        source: &RemoteSource,
        known: Option<&Destination>,
    ) -> Result<Vec<u8>, Error> {
        let folder = cache_folder(self.environment).ok_or(Error::NoCache)?;
        let url = source.remote.url();
        let ending = match format {
            ObjectFormat::Sha1 => "git",
            ObjectFormat::Sha256 => "sha256.git",
        };
        let path = folder.join("remotes").join(format!("{}.{ending}", short(&url)));
        let repo = Repo::make_private_of(format, &path, self.environment)?;
        let outside = Config::outside(self.environment)?;
        let config = self.here.map_or(&outside, |here| here.config);
        let program = GitProgram::new(&self.environment.elsewhere(), &path);
        let endpoint = if let Some(known) = known {
            known.endpoint(config)
        } else {
            // As git itself would rewrite it (`insteadOf`).
            let rewritten = addresses(&program, &url, Direction::Fetch)?.into_iter().next();
            Endpoint::new(rewritten.unwrap_or_else(|| RemoteUrl::new(&url)), None, config)
        };
        let network = Network { git: &program, config, prompts: self.prompts, deadline: None };
        let cached = Cached { repo: &repo, network, endpoint: &endpoint, path: source.path.in_tree() };
        let (found, missing) = match cached.file_on(source.reference.as_str()) {
            // There may be something beside a ledger that is not there yet.
            Err(Error::Remote(error @ RemoteError::NoSuchRef { .. })) => (None, Some(error)),
            found => (found?, None),
        };
        let file = match found {
            Some(file) => Some(file),
            None => cached.left_beside(source)?,
        };
        let nowhere = || missing.map_or_else(|| Error::NoFile(Box::new(source.clone())), Error::from);
        let file = file.ok_or_else(nowhere)?;
        if !repo.has(file)? {
            network.fetch_object(&endpoint, file)?;
        }
        Ok(blob(&repo, file)?)
    }
}

/// A file at a remote, looked for in a repository of the cache.
struct Cached<'a> {
    repo: &'a Repo,
    network: Network<'a>,
    endpoint: &'a Endpoint,
    path: String,
}

impl Cached<'_> {
    /// The blob of the file on a ref, whose tip is fetched.
    fn file_on(&self, reference: &str) -> Result<Option<Oid>, Error> {
        let into = HiddenRef::under(&format!("cache/{}", short(reference))).map_err(git::Error::from)?;
        self.network.fetch_one(self.endpoint, reference, &into, Extent::Tip)?;
        let tip = self.repo.read_ref(into.name())?;
        Ok(tip.map(|tip| file_of(self.repo, tip, &self.path)).transpose()?.flatten())
    }

    /// The same in what was left beside the ledger by those who lost every race for it.
    fn left_beside(&self, source: &RemoteSource) -> Result<Option<Oid>, Error> {
        let Some((namespace, ledger)) = ledger_of(source) else { return Ok(None) };
        let left = self.network.ls_remote(self.endpoint, &[&namespace.inbox_pattern(&ledger)])?;
        for (name, _) in left.iter().take(MOST) {
            if let Some(file) = self.file_on(&name.to_string())? {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }
}

fn short(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string().chars().take(SHORT).collect()
}
