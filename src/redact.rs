//! Redacting again what was stored by older rules: `redact --again`.

use std::collections::{BTreeMap, BTreeSet};

use crate::git::Repo;
use crate::ledger::{
    self, Again, LOCAL_PREFIX, LedgerRef, LedgerView, REMOTES_PREFIX, Redone, Rewrite as _, SessionKey,
};

/// What today's rules change, and where.
#[derive(Debug, Default)]
pub struct Plan {
    /// The sessions that were stored by older rules, and what these would take out of each.
    pub sessions: BTreeMap<SessionKey, Redone>,
    /// The ledgers that have them, or have them in their history.
    pub ledgers: BTreeSet<LedgerRef>,
    /// Sessions and ledgers that cannot be read.
    pub unreadable: Vec<ledger::Error>,
}

impl Plan {
    /// Reads every session that was stored by older rules, in all ledgers of the repository. Nothing is stored.
    ///
    /// # Errors
    /// When the ledgers cannot be listed.
    pub fn new(repo: &Repo, again: &Again<'_>) -> ledger::Result<Self> {
        let mut plan = Self::default();
        for prefix in [LOCAL_PREFIX, REMOTES_PREFIX] {
            for found in repo.refs(prefix)? {
                let Some(ledger) = LedgerRef::parse(&found.name) else { continue };
                let view = match LedgerView::open(repo, &ledger) {
                    Ok(Some(view)) => view,
                    Ok(None) => continue,
                    Err(error) => {
                        plan.unreadable.push(error);
                        continue;
                    }
                };
                if again.rewrite(&view, &mut repo.batch())?.is_some() {
                    plan.ledgers.insert(ledger);
                }
            }
        }
        plan.sessions = again.take_done();
        plan.unreadable.extend(again.take_failed().into_values());
        Ok(plan)
    }

    /// Whether everything was stored by today's rules.
    pub fn is_empty(&self) -> bool {
        self.ledgers.is_empty()
    }

    /// How many sessions change.
    pub fn changed(&self) -> usize {
        self.sessions.values().filter(|redone| matches!(redone, Redone::Changed(_))).count()
    }
}
