//! Artifacts and pins to a remote, and from it.
//!
//! An artifact is named for its content: what a remote has under a name is either the same or refused. A pin of ours is
//! moved over there only from the value that was last fetched from there; pins of a remote land in a namespace of their
//! own and never move ours. A handoff that is made of a purged session neither goes nor comes.

use std::collections::{BTreeMap, BTreeSet};

use super::name::{artifact_ref, pin_ref};
use super::store::{ARTIFACTS, Error as StoreError, PINS, tail};
use super::{Alias, ArtifactId, Store};
use crate::fanout::Destination;
use crate::fetch::{self, fetch_from};
use crate::git::remote::{
    Atomic, FetchError, Lease, Mapping, Network, RefOutcome, RefPush, RejectionKind, RemoteError,
};
use crate::git::{self, Expected, HiddenRef, Oid, RefName, Repo, Update};
use crate::ledger::{self, Appender, Ledgers, Scope, Sid, remote_prefix};

/// How many refs of a remote one command deals with.
pub(super) const MOST: usize = 1000;

/// What became of an artifact or a pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is new there, or here.
    New,
    /// It was there already.
    Known,
    /// It is something else now.
    Moved,
    /// It did not get through, and why.
    Refused(String),
    /// It quotes this session, which was purged: it goes nowhere.
    Purged(Sid),
}

/// An artifact or a pin that was pushed or fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// Its address, or its alias.
    pub name: String,
    /// What became of it.
    pub fate: Fate,
}

/// A push or fetch that failed as a whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The remote.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The repository.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// What the remote has purged cannot be fetched.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// What was purged cannot be read.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// The remote has too many.
    #[error("{label} has more than {MOST} artifacts and pins")]
    TooMany {
        /// The remote.
        label: String,
    },
    /// The remote has none of that name.
    #[error("{label} has no artifact {asked:?}")]
    NotThere {
        /// The remote.
        label: String,
        /// What was asked for.
        asked: String,
    },
}

/// What goes to a remote: artifacts, and the aliases that go along.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cargo {
    /// Aliases, with what they are pinned to.
    pub pins: Vec<(Alias, ArtifactId)>,
    /// Artifacts.
    pub artifacts: Vec<ArtifactId>,
    /// The sessions they are made of.
    sources: BTreeMap<ArtifactId, BTreeSet<Sid>>,
}

impl Cargo {
    /// What was asked for; without anything asked for, every pin of this repository and its artifact.
    ///
    /// # Errors
    /// When something is not here.
    pub fn of(store: &Store<'_>, asked: &[String]) -> Result<Self, StoreError> {
        let mut cargo = Self::default();
        let pins = store.pins()?;
        for pin in pins.iter().filter(|pin| pin.is_local) {
            let Ok(alias) = pin.name.parse::<Alias>() else { continue };
            let is_asked = |name: &String| name.strip_prefix("os://artifact/").unwrap_or(name) == pin.name;
            if asked.is_empty() || asked.iter().any(is_asked) {
                let id = store.id_of(pin.blob)?;
                cargo.artifacts.push(id);
                cargo.pins.push((alias, id));
            }
        }
        for name in asked {
            cargo.artifacts.push(store.find(name)?);
        }
        cargo.artifacts.sort();
        cargo.artifacts.dedup();
        // Nothing goes out that is not what it is named for.
        for id in &cargo.artifacts {
            cargo.sources.insert(*id, store.get(*id)?.sessions().collect());
        }
        Ok(cargo)
    }

    /// Takes out what is made of a purged session, and says what that was.
    fn without_purged(&self, repo: &Repo) -> Result<(Self, Vec<Exchanged>), Error> {
        let ledgers = Ledgers::open(repo, Scope::All)?;
        let purged = |id: &ArtifactId| self.sources.get(id)?.iter().copied().find(|sid| ledgers.is_purged(*sid));
        let mut rest = Self { sources: self.sources.clone(), ..Self::default() };
        let mut refused = Vec::new();
        for id in &self.artifacts {
            match purged(id) {
                Some(sid) => refused.push(Exchanged { name: id.to_string(), fate: Fate::Purged(sid) }),
                None => rest.artifacts.push(*id),
            }
        }
        for (alias, id) in &self.pins {
            match purged(id) {
                Some(sid) => refused.push(Exchanged { name: alias.to_string(), fate: Fate::Purged(sid) }),
                None => rest.pins.push((alias.clone(), *id)),
            }
        }
        Ok((rest, refused))
    }
}

/// The refs of artifacts and pins that a remote has.
pub(super) fn remote_refs(network: &Network<'_>, destination: &Destination) -> Result<BTreeMap<RefName, Oid>, Error> {
    let endpoint = destination.endpoint(network.config);
    let (artifacts, pins) = (format!("{ARTIFACTS}*"), format!("{PINS}*"));
    let refs = network.ls_remote(&endpoint, &[&artifacts, &pins])?;
    Ok(refs.into_iter().collect())
}

/// The ref that remembers a remote's pin: `refs/opensession/remotes/<remote>/pins/<alias>`.
fn tracked_pin(destination: &Destination, alias: &str) -> Result<HiddenRef, StoreError> {
    Ok(HiddenRef::new(RefName::new(format!("{}pins/{alias}", remote_prefix(destination.key())))?)?)
}

/// Pushes artifacts and pins. What others have purged is asked for first, and followed: nothing of it goes.
///
/// # Errors
/// When the remote cannot be talked to.
pub fn push(
    store: &Store<'_>,
    network: &Network<'_>,
    destination: &Destination,
    cargo: &Cargo,
    by: &Appender<'_>,
) -> Result<Vec<Exchanged>, Error> {
    fetch_from(store.repo, network, destination, by)?;
    let (cargo, mut done) = cargo.without_purged(store.repo)?;
    if cargo.artifacts.is_empty() && cargo.pins.is_empty() {
        return Ok(done);
    }
    let there = remote_refs(network, destination)?;
    let mut pushes: Vec<(String, bool, RefPush)> = Vec::new();
    for id in &cargo.artifacts {
        let target = artifact_ref(*id).map_err(StoreError::from)?;
        let blob = store.blob_of(*id)?;
        match there.get(target.name()) {
            Some(oid) if *oid == blob => done.push(Exchanged { name: id.to_string(), fate: Fate::Known }),
            Some(_) => {
                let why = "something else has its name there".to_owned();
                done.push(Exchanged { name: id.to_string(), fate: Fate::Refused(why) });
            }
            None => {
                let push = RefPush { source: Some(blob), target: target.into(), lease: Lease::Absent };
                pushes.push((id.to_string(), false, push));
            }
        }
    }
    for (alias, id) in &cargo.pins {
        let target = pin_ref(alias).map_err(StoreError::from)?;
        let blob = store.blob_of(*id)?;
        let seen = store.repo.read_ref(tracked_pin(destination, &alias.to_string())?.name())?;
        let lease = match there.get(target.name()) {
            Some(oid) if *oid == blob => {
                done.push(Exchanged { name: alias.to_string(), fate: Fate::Known });
                continue;
            }
            None => Lease::Absent,
            Some(oid) if Some(*oid) == seen => Lease::At(*oid),
            Some(_) => {
                let why = "somebody else has moved it there: fetch first".to_owned();
                done.push(Exchanged { name: alias.to_string(), fate: Fate::Refused(why) });
                continue;
            }
        };
        pushes.push((alias.to_string(), true, RefPush { source: Some(blob), target: target.into(), lease }));
    }
    if pushes.is_empty() {
        return Ok(done);
    }
    let refs: Vec<RefPush> = pushes.iter().map(|(_, _, push)| push.clone()).collect();
    let report = network.push(&destination.endpoint(network.config), &refs, Atomic::No)?;
    for ((name, is_pin, push), (_, outcome)) in pushes.into_iter().zip(report.refs) {
        let fate = match outcome {
            RefOutcome::Pushed(_) if push.lease == Lease::Absent => Fate::New,
            RefOutcome::Pushed(_) => Fate::Moved,
            RefOutcome::Rejected(rejection) if rejection.kind == RejectionKind::StaleLease => {
                Fate::Refused("somebody else was faster: fetch first".to_owned())
            }
            RefOutcome::Rejected(rejection) => Fate::Refused(rejection.reason),
        };
        if is_pin && !is_refused(&fate) {
            let _ = remember(store, destination, &name, push.source)?;
        }
        done.push(Exchanged { name, fate });
    }
    Ok(done)
}

fn is_refused(fate: &Fate) -> bool {
    matches!(fate, Fate::Refused(_) | Fate::Purged(_))
}

/// Notes what a pin of a remote is.
fn remember(store: &Store<'_>, destination: &Destination, alias: &str, blob: Option<Oid>) -> Result<Update, Error> {
    let name = tracked_pin(destination, alias)?;
    let seen = store.repo.read_ref(name.name())?;
    if seen == blob {
        return Ok(Update::Moved);
    }
    let deadline = super::store::deadline();
    // Lost to another fetch: that one has seen it later.
    Ok(store.repo.update_ref(&name, Expected::from(seen), blob, "opensession: fetch", None, deadline)?)
}

/// Fetches artifacts and pins: what was asked for, or all there are.
///
/// # Errors
/// When the remote cannot be talked to, or has not what was asked for.
pub fn fetch(
    store: &Store<'_>,
    network: &Network<'_>,
    destination: &Destination,
    asked: &[String],
) -> Result<Vec<Exchanged>, Error> {
    let there = remote_refs(network, destination)?;
    let wanted = chosen(&there, asked, &destination.label())?;
    let incoming = bring(store, network, destination, &wanted)?;
    let ledgers = Ledgers::open(store.repo, Scope::All)?;
    let taken = wanted.iter().map(|(name, oid)| take(store, destination, &ledgers, name, *oid)).collect();
    sweep(store, &incoming)?;
    if asked.is_empty() {
        forget_gone(store, destination, &there)?;
    }
    taken
}

/// Fetches what is not here of some refs. Gives where it lies until it was looked at.
pub(super) fn bring(
    store: &Store<'_>,
    network: &Network<'_>,
    destination: &Destination,
    wanted: &BTreeMap<RefName, Oid>,
) -> Result<String, Error> {
    let missing: Vec<Oid> = wanted.values().copied().filter(|oid| !store.repo.has(*oid).unwrap_or(false)).collect();
    let incoming = format!("{}incoming/", remote_prefix(destination.key()));
    if !missing.is_empty() {
        let mapping = |(number, name): (usize, &RefName)| Mapping::new(name.to_string(), format!("{incoming}{number}"));
        let mappings =
            wanted.keys().enumerate().map(mapping).collect::<Result<Vec<_>, _>>().map_err(StoreError::from)?;
        let endpoint = destination.endpoint(network.config);
        network.fetch(store.repo, &endpoint, &incoming, &mappings).map_err(|error| match error {
            FetchError::Remote(error) => Error::Remote(error),
            FetchError::Local(error) => Error::Git(error),
        })?;
    }
    Ok(incoming)
}

/// Takes away the refs of what came in.
pub(super) fn sweep(store: &Store<'_>, incoming: &str) -> Result<(), Error> {
    for found in store.repo.refs(incoming)? {
        let name = HiddenRef::new(found.name).map_err(StoreError::from)?;
        let deadline = super::store::deadline();
        // Moved by another fetch at this moment: that one sweeps it.
        let _ = store.repo.update_ref(&name, Expected::At(found.oid), None, "opensession: fetch", None, deadline)?;
    }
    Ok(())
}

/// The refs to be fetched. A pin brings its artifact along.
fn chosen(there: &BTreeMap<RefName, Oid>, asked: &[String], label: &str) -> Result<BTreeMap<RefName, Oid>, Error> {
    let mut wanted = BTreeMap::new();
    if asked.is_empty() {
        wanted.clone_from(there);
    }
    for name in asked {
        let text = name.strip_prefix("os://artifact/").unwrap_or(name);
        let is_it = |found: &&RefName| {
            tail(found, PINS) == Some(text)
                || tail(found, ARTIFACTS).is_some_and(|id| text.len() >= 4 && id.starts_with(text))
        };
        let found: Vec<&RefName> = there.keys().filter(is_it).collect();
        if found.is_empty() {
            return Err(Error::NotThere { label: label.to_owned(), asked: name.clone() });
        }
        let oids: Vec<Oid> = found.iter().filter_map(|name| there.get(*name).copied()).collect();
        let along = there
            .iter()
            .filter(|(name, oid)| found.contains(name) || (oids.contains(oid) && tail(name, ARTIFACTS).is_some()));
        wanted.extend(along.map(|(name, oid)| (name.clone(), *oid)));
    }
    if wanted.len() > MOST {
        return Err(Error::TooMany { label: label.to_owned() });
    }
    Ok(wanted)
}

/// Takes up one ref that came, if it is what its name says.
fn take(
    store: &Store<'_>,
    destination: &Destination,
    ledgers: &Ledgers<'_>,
    name: &RefName,
    oid: Oid,
) -> Result<Exchanged, Error> {
    let refused = |shown: String, why: String| Ok(Exchanged { name: shown, fate: Fate::Refused(why) });
    let held = store.id_of(oid);
    let quoted = store.sessions_of(oid);
    let purged = quoted.into_iter().find(|sid| ledgers.is_purged(*sid)).map(Fate::Purged);
    if let Some(alias) = tail(name, PINS) {
        let shown = format!("{}/{alias}", destination.label());
        if alias.parse::<Alias>().is_err() {
            return refused(shown, "it is no alias".to_owned());
        }
        if let Err(error) = held {
            return refused(shown, error.to_string());
        }
        if let Some(fate) = purged {
            return Ok(Exchanged { name: shown, fate });
        }
        let seen = store.repo.read_ref(tracked_pin(destination, alias)?.name())?;
        let fate = match seen {
            Some(seen) if seen == oid => Fate::Known,
            Some(_) => Fate::Moved,
            None => Fate::New,
        };
        let _ = remember(store, destination, alias, Some(oid))?;
        return Ok(Exchanged { name: shown, fate });
    }
    let id = tail(name, ARTIFACTS).unwrap_or_default();
    let Ok(id) = id.parse::<ArtifactId>() else { return refused(name.to_string(), "it is no artifact".to_owned()) };
    if let Some(fate) = purged {
        return Ok(Exchanged { name: id.to_string(), fate });
    }
    match held {
        Ok(found) if found == id => {
            let is_new = store.adopt(id, oid)?;
            Ok(Exchanged { name: id.to_string(), fate: if is_new { Fate::New } else { Fate::Known } })
        }
        Ok(found) => refused(id.to_string(), StoreError::Mismatch { id, found: found.0 }.to_string()),
        Err(error) => refused(id.to_string(), error.to_string()),
    }
}

/// Forgets pins that the remote has no more.
fn forget_gone(store: &Store<'_>, destination: &Destination, there: &BTreeMap<RefName, Oid>) -> Result<(), Error> {
    let prefix = format!("{}pins/", remote_prefix(destination.key()));
    for found in store.repo.refs(&prefix)? {
        let Some(alias) = tail(&found.name, &prefix) else { continue };
        let is_there = RefName::new(format!("{PINS}{alias}")).is_ok_and(|name| there.contains_key(&name));
        if !is_there {
            let _ = remember(store, destination, alias, None)?;
        }
    }
    Ok(())
}
