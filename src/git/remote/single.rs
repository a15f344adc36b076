//! Fetching one ref, and one file of it, into a repository of our own.

use super::{Endpoint, NAME, Network, RemoteError, reason};
use crate::git::{HiddenRef, Oid};

impl Network<'_> {
    /// Fetches what a remote calls `reference` into `into`: its tip alone, and its files only as they are asked for,
    /// where the remote can do that.
    ///
    /// Only for a repository of our own ([`crate::git::Repo::make_private`]): it becomes a shallow and partial one. The
    /// git this network was given must work there.
    ///
    /// # Errors
    /// When the remote cannot be talked to, or has no such ref.
    pub fn fetch_tip(&self, endpoint: &Endpoint, reference: &str, into: &HiddenRef) -> Result<(), RemoteError> {
        let refspec = format!("+{reference}:{}", into.as_str());
        let fixed = [
            "-c",
            "fetch.fsckObjects=true",
            "-c",
            "fetch.writeCommitGraph=false",
            "-c",
            "fetch.bundleURI=",
            "fetch",
            "--quiet",
            "--no-progress",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--no-prune",
            "--depth=1",
            "--filter=blob:none",
            "--",
            NAME,
        ];
        let finished = self.command(endpoint, fixed.into_iter().chain([refspec.as_str()])).run()?;
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

    /// Gets an object that [`Network::fetch_tip`] left at the remote.
    ///
    /// # Errors
    /// When the remote cannot be talked to, or does not give it.
    pub fn fetch_object(&self, endpoint: &Endpoint, oid: Oid) -> Result<(), RemoteError> {
        let finished = self.command(endpoint, ["cat-file", "-e", &oid.to_string()]).run()?;
        if finished.succeeded() { Ok(()) } else { Err(reason::failure(endpoint.url(), &finished)) }
    }
}
