//! A look at a remote before something is pushed there that somebody may have purged from it.
//!
//! Most pushes need none: a ledger from which something was purged was rolled, and does not take a push of ours before we
//! have seen that. But a session can be new to one ledger, and have been purged from another.

use super::{Fanout, FanoutError, Plan};
use crate::git::ChangeStatus;
use crate::ledger::{LedgerPath, LedgerRef, LedgerView, SessionKey, remote_prefix, tracking_prefix};

/// The most changed files of one ledger that are looked at.
const LIMIT: usize = 50_000;

impl Fanout<'_> {
    /// Fetches the ledgers of the remote, if nothing was known of it here yet, or if the plan brings a session to one
    /// ledger that another of its ledgers had: it may have been purged since. Says whether anything came; then the plan is
    /// to be made anew.
    ///
    /// # Errors
    /// When the remote cannot be talked to, or a live ledger not be brought in line with what came.
    pub fn meet(&self, plan: &Plan) -> Result<bool, FanoutError> {
        let met = self.repo.private_dir().join("met").join(self.destination.digest());
        let is_new = !met.exists() && self.repo.refs(&remote_prefix(self.destination.key()))?.is_empty();
        if !is_new && !self.spreads(plan)? {
            return Ok(false);
        }
        let came = self.fetch_all(plan.namespace)?;
        // Without the mark it is asked once more: no harm.
        let _ = met.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&met, ""));
        Ok(came)
    }

    /// Whether a ledger is to get a session that it does not have there, and that another one there had.
    fn spreads(&self, plan: &Plan) -> Result<bool, FanoutError> {
        let mut there = Vec::new();
        for found in self.repo.refs(&tracking_prefix(self.destination.key()))? {
            let Some(ledger) = LedgerRef::parse(&found.name) else { continue };
            // One that cannot be read is not known to have anything.
            there.extend(LedgerView::at(self.repo, found.oid).ok().map(|view| (ledger.to_local(), view)));
        }
        for push in &plan.pushes {
            let known = push.known.and_then(|known| self.repo.commit(known).ok()).map(|commit| commit.tree);
            let changes = self.repo.tree_changes(known, Some(self.repo.commit(push.tip)?.tree), LIMIT)?;
            let added = changes.files.iter().filter(|file| file.status == ChangeStatus::Added);
            let added = added.filter_map(|file| match LedgerPath::parse(&file.path) {
                Some(LedgerPath::Meta(key, _)) => Some(key),
                _ => None,
            });
            for key in added {
                if has(&there, |ledger| *ledger != push.ledger, key)?
                    && !has(&there, |ledger| *ledger == push.ledger, key)?
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// Whether one of these ledgers has a session.
fn has(
    ledgers: &[(LedgerRef, LedgerView<'_>)],
    wanted: impl Fn(&LedgerRef) -> bool,
    key: SessionKey,
) -> Result<bool, FanoutError> {
    for (_, view) in ledgers.iter().filter(|(ledger, _)| wanted(ledger)) {
        if view.has_session(key)? {
            return Ok(true);
        }
    }
    Ok(false)
}
