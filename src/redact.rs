//! Redacting again what was stored by older rules: `redact --again`.

use std::collections::{BTreeMap, BTreeSet};

use crate::git::Repo;
use crate::hail::Digest;
use crate::handoff::{self, ArtifactId};
use crate::ledger::{
    self, Again, Appender, LOCAL_PREFIX, LedgerRef, LedgerView, REMOTES_PREFIX, Redone, Reshared, Rewrite as _,
    SessionKey,
};
use crate::redaction::{Findings, Person, Redactor};
use crate::store::{self, Store};
use crate::uri::ObjectName;

/// What today's rules change, and where.
#[derive(Debug, Default)]
pub struct Plan {
    /// The sessions that were stored by older rules, and what these would take out of each.
    pub sessions: BTreeMap<SessionKey, Redone>,
    /// The snapshots that were shared and change, by the names they had.
    pub reshared: BTreeMap<Digest, Reshared>,
    /// The ledgers that have any of them, or have them in their history.
    pub ledgers: BTreeSet<LedgerRef>,
    /// Registered sessions that change, in this repository and in the user's own store.
    pub registered: Vec<Reregistered>,
    /// Handoffs in which something is found. They are named for their text, and not made anew: whoever wants them without it
    /// builds them again.
    pub handoffs: Vec<StaleHandoff>,
    /// Sessions and ledgers that cannot be read.
    pub unreadable: Vec<ledger::Error>,
}

/// A registered session that changes: its address is another one from then on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reregistered {
    /// Its name.
    pub old: ObjectName,
    /// Its name when it is redacted again.
    pub new: ObjectName,
    /// What is taken out of it.
    pub found: Findings,
    /// Whether it is in the user's own store.
    pub is_outside: bool,
}

/// A handoff in which today's rules find something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleHandoff {
    /// Its name.
    pub id: ArtifactId,
    /// The aliases that are pinned to it, here (`latest`) and at remotes (`origin/latest`).
    pub pins: Vec<String>,
    /// What is found.
    pub found: Findings,
    /// Whether it is in the user's own store.
    pub is_outside: bool,
}

/// Why nothing can be planned, or done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A ledger.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// A store of registered sessions.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The handoffs.
    #[error(transparent)]
    Handoff(#[from] handoff::StoreError),
}

impl Plan {
    /// Reads every session that was stored by older rules in all ledgers of the repository, what was shared, registered
    /// here and in the user's `own` store, and the handoffs. Nothing is stored.
    ///
    /// # Errors
    /// When something cannot be listed.
    pub fn new(repo: &Repo, own: Option<&Repo>, again: &Again<'_>) -> Result<Self, Error> {
        let mut plan = Self::default();
        plan.look_through_ledgers(repo, again)?;
        let nobody = nobody();
        for (store, is_outside) in stores(repo, own) {
            for (old, snapshot) in store.stale(&nobody)? {
                let (new, found) = (snapshot.digest().into(), snapshot.findings().clone());
                plan.registered.push(Reregistered { old, new, found, is_outside });
            }
        }
        for (repo, is_outside) in [(Some(repo), false), (own, true)] {
            let Some(repo) = repo else { continue };
            for listed in handoff::Store::new(repo).list()? {
                // One that cannot be read is named by whatever lists them.
                let Ok(artifact) = &listed.artifact else { continue };
                let found = artifact.findings(&nobody);
                if !found.is_empty() {
                    plan.handoffs.push(StaleHandoff { id: listed.id, pins: listed.pins, found, is_outside });
                }
            }
        }
        Ok(plan)
    }

    fn look_through_ledgers(&mut self, repo: &Repo, again: &Again<'_>) -> ledger::Result<()> {
        for prefix in [LOCAL_PREFIX, REMOTES_PREFIX] {
            for found in repo.refs(prefix)? {
                let Some(ledger) = LedgerRef::parse(&found.name) else { continue };
                let view = match LedgerView::open(repo, &ledger) {
                    Ok(Some(view)) => view,
                    Ok(None) => continue,
                    Err(error) => {
                        self.unreadable.push(error);
                        continue;
                    }
                };
                if again.rewrite(&view, &mut repo.batch())?.is_some() {
                    self.ledgers.insert(ledger);
                }
            }
        }
        self.sessions = again.take_done();
        self.reshared = again.take_reshared();
        self.unreadable.extend(again.take_failed());
        Ok(())
    }

    /// Whether nothing is to be rewritten. There may be handoffs to be told of.
    pub fn is_empty(&self) -> bool {
        self.ledgers.is_empty() && self.registered.is_empty()
    }

    /// How many sessions of ledgers change.
    pub fn changed(&self) -> usize {
        self.sessions.values().filter(|redone| matches!(redone, Redone::Changed(_))).count()
    }
}

/// Puts registered sessions, redacted again, in the place of what older rules have left of them.
///
/// # Errors
/// When a store cannot be read or written.
pub fn register_again(repo: &Repo, own: Option<&Repo>, by: &Appender<'_>) -> Result<(), Error> {
    let nobody = nobody();
    for (store, is_outside) in stores(repo, own) {
        // The lock of this repository says nothing of the refs of another.
        let by = Appender { lock: by.lock.filter(|_| !is_outside), ..*by };
        for (old, snapshot) in store.stale(&nobody)? {
            store.replace(old, &snapshot, &by)?;
        }
    }
    Ok(())
}

/// As whoever registers a session: one session has one name on every machine.
fn nobody() -> Redactor {
    Redactor::new(&Person::default())
}

/// The stores, and whether each is the user's own.
fn stores<'a>(repo: &'a Repo, own: Option<&'a Repo>) -> impl Iterator<Item = (Store<'a>, bool)> {
    let own = own.map(|own| (Store::of(own), true));
    [(Store::of(repo), false)].into_iter().chain(own)
}
