//! Handoffs of sessions that were purged: a handoff quotes what was said in them.

use std::collections::{BTreeMap, BTreeSet};

use super::exchange::{Error as ExchangeError, MOST, bring, remote_refs, sweep};
use super::store::{ARTIFACTS, Error, PINS, REMOTES, deadline};
use super::{Artifact, ArtifactId, Store};
use crate::fanout::Destination;
use crate::git::remote::{Atomic, Lease, Network, RefOutcome, RefPush, Rejection};
use crate::git::{self, Expected, HiddenRef, Oid, OwnRef, RefName};
use crate::ledger::Sid;

/// A handoff that is made of some sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeOf {
    /// Its name.
    pub id: ArtifactId,
    /// The aliases that are pinned to it.
    pub pins: Vec<String>,
    blob: Oid,
}

impl Store<'_> {
    /// The handoffs here that are made of any of these sessions. One that cannot be read does not say.
    ///
    /// # Errors
    /// When the refs cannot be listed.
    pub fn made_of(&self, sessions: &BTreeSet<Sid>) -> Result<Vec<MadeOf>, Error> {
        if sessions.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for listed in self.list()? {
            if listed.artifact.is_ok_and(|artifact| artifact.sessions().any(|sid| sessions.contains(&sid))) {
                found.push(MadeOf { id: listed.id, pins: listed.pins, blob: self.blob_of(listed.id)? });
            }
        }
        Ok(found)
    }

    /// The sessions that a blob is a handoff of. What is none is of none.
    pub(super) fn sessions_of(&self, blob: Oid) -> BTreeSet<Sid> {
        let text = self.bytes(&blob.to_string(), blob).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let artifact = text.and_then(|text| Artifact::parse(&text).ok());
        artifact.iter().flat_map(Artifact::sessions).collect()
    }

    /// Removes these, with all that is pinned to them here, and what was fetched of such pins. Gives what they were.
    ///
    /// # Errors
    /// When a ref cannot be read or written.
    pub fn remove_made_of(&self, sessions: &BTreeSet<Sid>) -> Result<Vec<MadeOf>, Error> {
        let handoffs = self.made_of(sessions)?;
        if handoffs.is_empty() {
            return Ok(handoffs);
        }
        let blobs: BTreeSet<Oid> = handoffs.iter().map(|handoff| handoff.blob).collect();
        // The pins first: an artifact without them is found again by the next run.
        for prefix in [PINS, REMOTES, ARTIFACTS] {
            for found in self.repo.refs(prefix)?.into_iter().filter(|found| blobs.contains(&found.oid)) {
                let name = HiddenRef::new(found.name)?;
                // Pinned to something else at this moment: then that is meant.
                let _ = self.repo.update_ref(&name, Expected::At(found.oid), None, "", None, deadline())?;
                self.repo.forget_reflog(&name, deadline())?;
            }
        }
        Ok(handoffs)
    }
}

impl Artifact {
    /// The sessions it is made of.
    pub(super) fn sessions(&self) -> impl Iterator<Item = Sid> + use<'_> {
        self.sources.iter().filter_map(|source| source.session.parse().ok())
    }
}

/// Deletes at a remote the handoffs that are made of any of these sessions, and what is pinned to them there. Gives the refs
/// that it did not let go of. What of them is not here is fetched, looked at, and let go of again.
///
/// # Errors
/// When the remote cannot be talked to.
pub fn forget_at(
    store: &Store<'_>,
    network: &Network<'_>,
    destination: &Destination,
    sessions: &BTreeSet<Sid>,
) -> Result<Vec<(String, Rejection)>, ExchangeError> {
    if sessions.is_empty() {
        return Ok(Vec::new());
    }
    let mut refs = Vec::new();
    let there: Vec<(RefName, Oid)> = remote_refs(network, destination)?.into_iter().collect();
    for part in there.chunks(MOST) {
        let part: BTreeMap<RefName, Oid> = part.iter().cloned().collect();
        let incoming = bring(store, network, destination, &part)?;
        for (name, oid) in part.into_iter().filter(|(_, oid)| !store.sessions_of(*oid).is_disjoint(sessions)) {
            let target = OwnRef::new(name).map_err(git::Error::from)?;
            refs.push(RefPush { source: None, target, lease: Lease::At(oid) });
        }
        sweep(store, &incoming)?;
    }
    if refs.is_empty() {
        return Ok(Vec::new());
    }
    let answer = network.push(&destination.endpoint(network.config), &refs, Atomic::No)?;
    let rejected = answer.refs.into_iter().filter_map(|(name, outcome)| match outcome {
        RefOutcome::Pushed(_) => None,
        RefOutcome::Rejected(rejection) => Some((name.to_string(), rejection)),
    });
    Ok(rejected.collect())
}
