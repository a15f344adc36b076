//! Letting go of a ledger that somebody else has folded.

use std::time::{Duration, Instant};

use super::error::Result;
use super::join::fold;
use super::name::{LedgerRef, tracking_prefix};
use super::view::LedgerView;
use crate::git::{self, Expected, Repo, Update};

/// How long to wait for a ref that another process has locked.
const PATIENCE: Duration = Duration::from_secs(2);

/// Deletes the live ledgers of some that are gone at a remote, `gone`, as far as another ledger there has all that is in
/// them. Without this the next push would bring a folded ledger back. One that has something more stays: that is pushed,
/// and folded again by whoever folds next. Gives those that were deleted.
///
/// # Errors
/// When the repository cannot be read or written.
pub fn drop_folded(repo: &Repo, remote: &str, gone: &[LedgerRef]) -> Result<Vec<LedgerRef>> {
    let mut dropped = Vec::new();
    for ledger in gone.iter().map(LedgerRef::to_local) {
        let Ok(Some(live)) = LedgerView::open(repo, &ledger) else { continue };
        if !is_elsewhere(repo, remote, &live)? {
            continue;
        }
        let name = ledger.to_ref().map_err(git::Error::from)?;
        let message = "opensession: folded elsewhere\n";
        let deadline = Instant::now() + PATIENCE;
        match repo.update_ref(&name, Expected::At(live.tip()), None, message, None, deadline)? {
            Update::Moved => dropped.push(ledger),
            // A capture has added to it: it stays.
            Update::Raced => {}
        }
    }
    Ok(dropped)
}

/// Whether one of a remote's ledgers has all of a ledger.
fn is_elsewhere(repo: &Repo, remote: &str, live: &LedgerView<'_>) -> Result<bool> {
    for found in repo.refs(&tracking_prefix(remote))? {
        let Some(ledger) = LedgerRef::parse(&found.name) else { continue };
        let Ok(Some(view)) = LedgerView::open(repo, &ledger) else { continue };
        let retention = view.retention();
        let is_lost = |key| live.retention().keeps(key) && retention.is_expired(key);
        // The objects of the batch are never written: only the tree's name is of interest.
        if live.holdings(is_lost)?.is_empty() && fold(&view, live, &mut repo.batch())? == repo.commit(view.tip())?.tree
        {
            return Ok(true);
        }
    }
    Ok(false)
}
