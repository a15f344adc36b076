//! Taking sessions out of every ledger, for good: `purge`.
//!
//! A tombstone stays in each ledger that had a session. Every clone that sees it honours it, so the session does not come
//! back: not from the agent's log, not from a clone that was away, not through history.

use std::collections::{BTreeMap, BTreeSet};

use crate::browse;
use crate::capture;
use crate::git::{ObjectBatch, Oid, Repo};
use crate::hail::Digest;
use crate::handoff::{self, MadeOf};
use crate::ledger::{
    self, Day, Holdings, LOCAL_PREFIX, LedgerRef, LedgerView, REMOTES_PREFIX, Retention, Rewrite, SessionKey, Sid,
    SidPrefix, StoredSession, without,
};
use crate::redaction::{Findings, Redactor};
use crate::store::{self, Store};
use crate::uri::ObjectName;

/// Which sessions shall go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// These: beginnings of their names.
    Named(Vec<String>),
    /// Those in which a rule of redaction took something out, or would today.
    Rule(String),
    /// Those of days before this one.
    Before(Day),
}

/// Why nothing can be planned.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name that names nothing, or several sessions.
    #[error(transparent)]
    Browse(#[from] browse::Error),
    /// The ledgers cannot be read.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// The store of registered sessions cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The handoffs cannot be listed.
    #[error(transparent)]
    Handoff(#[from] handoff::StoreError),
}

/// What a purge takes out, and where.
#[derive(Debug, Default)]
pub struct Plan {
    /// The sessions.
    pub sessions: BTreeMap<Sid, Planned>,
    /// The ledgers that have something of them, here and as remotes had them when last fetched.
    pub ledgers: BTreeSet<LedgerRef>,
    /// The handoffs that are made of any of the sessions, here and in the user's own store.
    pub handoffs: Vec<MadeOf>,
    /// Sessions and ledgers that cannot be read.
    pub unreadable: Vec<ledger::Error>,
}

/// What there is of one session.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Planned {
    /// The session, if it can be read.
    pub session: Option<Box<StoredSession>>,
    /// The ledgers that have something of it.
    pub ledgers: BTreeSet<LedgerRef>,
    /// How many commits it is tied to, at most in one ledger.
    pub links: usize,
    /// Its snapshots.
    pub snapshots: BTreeSet<Digest>,
    /// Under which names it is registered in this repository.
    pub registered: BTreeSet<ObjectName>,
    /// Under which names it is registered in the user's own store.
    pub registered_outside: BTreeSet<ObjectName>,
    /// How many bytes it has, at most in one ledger.
    pub bytes: u64,
    /// Whether it was purged before: what is left of it may be history.
    pub is_purged: bool,
    /// Whether it was here until what the remotes have was fetched: somebody has let it expire.
    pub has_expired: bool,
}

impl Plan {
    /// Looks through all ledgers of the repository, its store, and the user's `own` store, if there is one. A name that
    /// nothing has may be one of `before`, the sessions that were here until something was fetched.
    ///
    /// # Errors
    /// When a name names nothing or too much, or the ledgers cannot be listed.
    pub fn new(
        repo: &Repo,
        own: Option<&Repo>,
        selection: &Selection,
        before: &BTreeSet<Sid>,
        redactor: &Redactor,
    ) -> Result<Self, Error> {
        let mut plan = Self::default();
        let views = plan.views(repo)?;
        let registered = Store::of(repo).sessions()?;
        let outside = own.map_or_else(|| Ok(Vec::new()), |own| Store::of(own).sessions())?;
        let wanted = match selection {
            Selection::Named(names) => {
                let all = registered.iter().chain(&outside).map(|(sid, ..)| *sid).collect();
                named(&views, &all, before, names)?
            }
            Selection::Rule(rule) => by_rule(&views, rule, redactor)?,
            Selection::Before(day) => of_before(&views, *day)?,
        };
        for (ledger, view) in &views {
            let held = view.holdings(|key| wanted.contains(&key.sid))?;
            plan.add(ledger, view, &held)?;
            for sid in wanted.iter().filter(|sid| view.retention().purged.contains(sid)) {
                plan.sessions.entry(*sid).or_default().is_purged = true;
            }
        }
        for sid in wanted.iter().filter(|sid| before.contains(sid)) {
            let planned = plan.sessions.entry(*sid).or_default();
            planned.has_expired = planned.ledgers.is_empty() && !planned.is_purged;
        }
        for (sid, name, _) in registered.into_iter().filter(|(sid, ..)| wanted.contains(sid)) {
            plan.sessions.entry(sid).or_default().registered.insert(name);
        }
        for (sid, name, _) in outside.into_iter().filter(|(sid, ..)| wanted.contains(sid)) {
            plan.sessions.entry(sid).or_default().registered_outside.insert(name);
        }
        for repo in [Some(repo), own].into_iter().flatten() {
            plan.handoffs.extend(handoff::Store::new(repo).made_of(&wanted)?);
        }
        Ok(plan)
    }

    /// What there is to purge outside of any repository: sessions in the user's own store, and handoffs that were made of
    /// them there.
    ///
    /// # Errors
    /// When a name names nothing or too much, or the store cannot be read.
    pub fn outside(own: &Repo, names: &[String]) -> Result<Self, Error> {
        let mut plan = Self::default();
        let registered = Store::of(own).sessions()?;
        let all = registered.iter().map(|(sid, ..)| *sid).collect();
        let wanted = named(&[], &all, &BTreeSet::new(), names)?;
        for (sid, name, _) in registered.into_iter().filter(|(sid, ..)| wanted.contains(sid)) {
            plan.sessions.entry(sid).or_default().registered_outside.insert(name);
        }
        plan.handoffs = handoff::Store::new(own).made_of(&wanted)?;
        Ok(plan)
    }

    /// Whether there is nothing to purge.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// The bytes of all sessions.
    pub fn bytes(&self) -> u64 {
        self.sessions.values().map(|planned| planned.bytes).sum()
    }

    /// The rewrite that does it.
    pub fn rewrite(&self) -> Purge {
        let retention = Retention {
            purged: self.sessions.keys().copied().collect(),
            purged_snapshots: self.sessions.values().flat_map(|planned| planned.snapshots.iter().copied()).collect(),
            ..Retention::default()
        };
        Purge { retention }
    }

    /// Every ledger that can be read, as it is.
    fn views<'repo>(&mut self, repo: &'repo Repo) -> Result<Vec<(LedgerRef, LedgerView<'repo>)>, Error> {
        let mut views = Vec::new();
        for prefix in [LOCAL_PREFIX, REMOTES_PREFIX] {
            for found in repo.refs(prefix).map_err(ledger::Error::from)? {
                let Some(ledger) = LedgerRef::parse(&found.name) else { continue };
                match LedgerView::open(repo, &ledger) {
                    Ok(view) => views.extend(view.map(|view| (ledger, view))),
                    Err(error) => self.unreadable.push(error),
                }
            }
        }
        Ok(views)
    }

    fn add(&mut self, ledger: &LedgerRef, view: &LedgerView<'_>, held: &Holdings) -> Result<(), Error> {
        for key in held.keys() {
            let planned = self.sessions.entry(key.sid).or_default();
            planned.ledgers.insert(ledger.clone());
            planned.links = planned.links.max(held.links.get(&key).copied().unwrap_or_default());
            planned.bytes = planned.bytes.max(view.bytes_of(held, key)?);
            match view.stored(held, key) {
                Some(session) if planned.session.as_ref().is_none_or(|known| known.name < session.name) => {
                    planned.session = Some(Box::new(session));
                }
                _ => {}
            }
            self.ledgers.insert(ledger.clone());
        }
        for (digest, key) in &held.snapshots {
            self.sessions.entry(key.sid).or_default().snapshots.insert(*digest);
        }
        Ok(())
    }
}

/// The sessions in which a rule took something out when they were stored, or would today: one that was stored by older
/// rules still has what a newer rule finds.
fn by_rule(views: &[(LedgerRef, LedgerView<'_>)], rule: &str, redactor: &Redactor) -> Result<BTreeSet<Sid>, Error> {
    let mut wanted = BTreeSet::new();
    for (_, view) in views {
        let held = view.holdings(|_| true)?;
        for key in held.sessions().filter(|key| view.retention().keeps(*key)) {
            if wanted.contains(&key.sid) {
                continue;
            }
            let Some(session) = view.stored(&held, key) else { continue };
            if session.meta.findings.count(rule) > 0 || would_find(view, &session, rule, redactor)? {
                wanted.insert(key.sid);
            }
        }
    }
    Ok(wanted)
}

/// Whether a rule finds something in the text as it is stored. What cannot be read to its end is looked at as far as it can.
fn would_find(
    view: &LedgerView<'_>,
    session: &StoredSession,
    rule: &str,
    redactor: &Redactor,
) -> Result<bool, ledger::Error> {
    let mut found = Findings::new();
    let Ok(events) = view.text(session)?.events() else { return Ok(false) };
    redactor.header(events.header().clone(), &mut found);
    for event in events.map_while(Result::ok) {
        if found.count(rule) > 0 {
            break;
        }
        redactor.event(event, &mut found);
    }
    Ok(found.count(rule) > 0)
}

/// The sessions here whose names begin as one of those of a selection: they are looked up before anything is fetched, for
/// what is fetched may have let them expire. What cannot be read has none.
///
/// # Errors
/// When the ledgers cannot be listed.
pub fn names_here(repo: &Repo, selection: &Selection) -> Result<BTreeSet<Sid>, Error> {
    let Selection::Named(names) = selection else { return Ok(BTreeSet::new()) };
    let views = Plan::default().views(repo)?;
    let mut found = BTreeSet::new();
    for prefix in names.iter().filter_map(|text| text.parse::<SidPrefix>().ok()) {
        for (_, view) in &views {
            found.extend(view.names_like(prefix).unwrap_or_default());
        }
    }
    Ok(found)
}

/// The sessions whose names begin so, in ledgers and among those that are registered. One that was purged before is found,
/// too: its ledgers may be left half done.
fn named(
    views: &[(LedgerRef, LedgerView<'_>)],
    registered: &BTreeSet<Sid>,
    before: &BTreeSet<Sid>,
    names: &[String],
) -> Result<BTreeSet<Sid>, Error> {
    let mut wanted = BTreeSet::new();
    for text in names {
        let unknown = || browse::Error::Unknown { text: text.clone() };
        let prefix: SidPrefix = text.parse().map_err(|_| unknown())?;
        let mut found: BTreeSet<Sid> = registered.iter().copied().filter(|sid| prefix.matches(*sid)).collect();
        for (_, view) in views {
            found.extend(view.names_like(prefix)?);
        }
        if found.is_empty() {
            found.extend(before.iter().copied().filter(|sid| prefix.matches(*sid)));
        }
        if found.len() > 1 {
            return Err(ambiguous(views, text, &found)?.into());
        }
        wanted.insert(found.pop_first().ok_or_else(unknown)?);
    }
    Ok(wanted)
}

fn ambiguous(
    views: &[(LedgerRef, LedgerView<'_>)],
    text: &str,
    found: &BTreeSet<Sid>,
) -> Result<browse::Error, ledger::Error> {
    let mut candidates: BTreeMap<Sid, SessionKey> = BTreeMap::new();
    for (_, view) in views {
        let held = view.holdings(|key| found.contains(&key.sid))?;
        candidates.extend(held.keys().into_iter().map(|key| (key.sid, key)));
    }
    let mut candidates: Vec<_> = candidates.into_values().collect();
    candidates.sort_by(|a, b| b.cmp(a));
    Ok(browse::Error::Ambiguous { text: text.to_owned(), candidates })
}

fn of_before(views: &[(LedgerRef, LedgerView<'_>)], day: Day) -> Result<BTreeSet<Sid>, Error> {
    let mut wanted = BTreeSet::new();
    for (_, view) in views {
        let held = view.holdings(|key| key.day < day)?;
        wanted.extend(held.keys().into_iter().map(|key| key.sid));
    }
    Ok(wanted)
}

/// Takes sessions out of a ledger that has, or had, any of them.
#[derive(Debug)]
pub struct Purge {
    retention: Retention,
}

impl Rewrite for Purge {
    fn rewrite(&self, view: &LedgerView<'_>, batch: &mut ObjectBatch<'_>) -> ledger::Result<Option<Oid>> {
        let held = view.holdings(|key| self.retention.purged.contains(&key.sid))?;
        let known = &view.retention().purged;
        if held.is_empty() && self.retention.purged.is_disjoint(known) {
            return Ok(None);
        }
        let mut wanted = self.retention.clone();
        wanted.purged_snapshots.extend(held.snapshots.keys());
        without(view, &wanted, batch)
    }

    fn gone(&self) -> BTreeSet<Sid> {
        self.retention.purged.clone()
    }

    fn message(&self) -> &'static str {
        "opensession: purge\n"
    }
}

/// Removes what a capture remembers of sessions on this machine: how far their logs were read keeps some of their text.
///
/// # Errors
/// When a file cannot be removed.
pub fn forget(repo: &Repo, plan: &Plan) -> capture::Result<()> {
    capture::forget(repo, |sid| plan.sessions.contains_key(&sid))
}
