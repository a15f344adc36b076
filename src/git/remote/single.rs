//! Fetching one ref, by its own name, and one file of it.

use super::{Endpoint, NAME, Network, RemoteError, reason};
use crate::git::{HiddenRef, Oid};

/// How much of what a ref reaches is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it, as `git fetch` does.
    Whole,
    /// Its tip alone, and files only as they are asked for ([`Network::fetch_object`]), where the remote can do that.
    ///
    /// Only for a repository of our own ([`crate::git::Repo::make_private`]): it becomes a shallow and partial one.
    Tip,
}

impl Network<'_> {
    /// Fetches what a remote calls `reference` into `into`, whatever that was, and touches nothing else.
    ///
    /// # Errors
    /// When the remote cannot be talked to, or has no such ref.
    pub fn fetch_one(
        &self,
        endpoint: &Endpoint,
        reference: &str,
        into: &HiddenRef,
        extent: Extent,
    ) -> Result<(), RemoteError> {
        const SETTINGS: [&str; 6] =
            ["-c", "fetch.fsckObjects=true", "-c", "fetch.writeCommitGraph=false", "-c", "fetch.bundleURI="];
        const FETCH: [&str; 8] = [
            "fetch",
            "--quiet",
            "--no-progress",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--no-prune",
        ];
        let refspec = format!("+{reference}:{}", into.as_str());
        let extent: &[&str] = match extent {
            Extent::Whole => &[],
            Extent::Tip => &["--depth=1", "--filter=blob:none"],
        };
        let what = ["--", NAME, refspec.as_str()];
        let arguments = SETTINGS.iter().chain(&FETCH).chain(extent).chain(&what);
        let finished = self.command(endpoint, arguments).run()?;
        if finished.succeeded() {
            return Ok(());
        }
        let is_missing = finished.stderr.lines().any(|line| line.contains("couldn't find remote ref "));
        let url = endpoint.url();
        Err(if is_missing {
            RemoteError::NoSuchRef { url: url.to_string(), name: reference.to_owned() }
        } else {
            reason::failure(url, &finished)
        })
    }

    /// Gets an object that [`Extent::Tip`] left at the remote.
    ///
    /// # Errors
    /// When the remote cannot be talked to, or does not give it.
    pub fn fetch_object(&self, endpoint: &Endpoint, oid: Oid) -> Result<(), RemoteError> {
        let finished = self.command(endpoint, ["cat-file", "-e", &oid.to_string()]).run()?;
        if finished.succeeded() { Ok(()) } else { Err(reason::failure(endpoint.url(), &finished)) }
    }
}
