//! Remotes that are none of this repository: one ref of each, in a repository of the user's cache folder. Never in the
//! user's own: what is fetched here is shallow and partial, and git remembers that for a whole repository.

use super::{Error, Sources, blob, file_of};
use crate::fanout::Destination;
use crate::git::process::GitProgram;
use crate::git::remote::{Endpoint, Extent, Network};
use crate::git::{self, Config, HiddenRef, RemoteUrl, Repo};
use crate::hail::Digest;
use crate::store::cache_folder;
use crate::uri::RemoteSource;

/// As many hex digits of a digest as tell remotes, and refs, apart.
const SHORT: usize = 32;

impl Sources<'_> {
    /// Fetches one file. How to reach the remote is taken from the configured one, if it is known here.
    pub(super) fn fetch_to_cache(&self, source: &RemoteSource, known: Option<&Destination>) -> Result<Vec<u8>, Error> {
        let folder = cache_folder(self.environment).ok_or(Error::NoCache)?;
        let url = source.remote.url();
        let path = folder.join("remotes").join(format!("{}.git", short(&url)));
        let repo = Repo::make_private(&path, self.environment)?;
        let outside = Config::outside(self.environment)?;
        let config = self.here.map_or(&outside, |here| here.config);
        let endpoint = match known {
            Some(known) => known.endpoint(config),
            None => Endpoint::new(RemoteUrl::new(url), None, config),
        };
        let program = GitProgram::new(&self.environment.elsewhere(), &path);
        let network = Network { git: &program, config, prompts: self.prompts, deadline: None };
        let into =
            HiddenRef::under(&format!("cache/{}", short(source.reference.as_str()))).map_err(git::Error::from)?;
        network.fetch_one(&endpoint, source.reference.as_str(), &into, Extent::Tip)?;
        let tip = repo.read_ref(into.name())?;
        let file = tip.map(|tip| file_of(&repo, tip, &source.path.in_tree())).transpose()?.flatten();
        let file = file.ok_or_else(|| Error::NoFile(Box::new(source.clone())))?;
        if !repo.has(file)? {
            network.fetch_object(&endpoint, file)?;
        }
        Ok(blob(&repo, file)?)
    }
}

fn short(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string().chars().take(SHORT).collect()
}
