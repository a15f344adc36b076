//! Following a remote in what it no longer keeps, at once when it is fetched.
//!
//! A fetch touches no live ledger, but for this: where a ledger that came has a later floor or new tombstones, or was
//! rolled (it does not follow on what it was), the live one is replayed on it. And a session that was purged from one
//! ledger goes from every live one, so that no stale clone brings back what somebody has taken out everywhere else.

use std::collections::BTreeSet;

use crate::git::remote::Moved;
use crate::git::{self, Expected, NewCommit, Oid, Repo, Update};
use crate::hail::Digest;
use crate::ledger::{
    Appender, LOCAL_PREFIX, LedgerRef, LedgerView, Replayed, Result, Retention, Sid, Theirs, replay, retain,
};

const MESSAGE: &str = "opensession: purge\n";
/// How often a lost race is run again.
const TRIES: usize = 64;

/// Brings every live ledger that is concerned in line with what was fetched. Gives those that have moved.
///
/// What cannot be read of what came says nothing.
///
/// # Errors
/// When a live ledger cannot be read or written.
pub fn honour(repo: &Repo, moved: &[Moved], by: &Appender<'_>) -> Result<Vec<LedgerRef>> {
    let mut changed = Vec::new();
    let mut purged = Retention::default();
    let mut replays = Vec::new();
    for Moved { name, old, new } in moved {
        let (Some(ledger), Some(new)) = (LedgerRef::parse(name), *new) else { continue };
        // What lies in an inbox waits for whoever joins it.
        if ledger.inbox().is_some() {
            continue;
        }
        let Ok(view) = LedgerView::at(repo, new) else { continue };
        purged = purged.and(&Retention { floor: None, ..view.retention().clone() });
        replays.push((ledger.to_local(), *old, new, view));
    }
    let buried = Retention { purged_snapshots: snapshots_of_purged(repo, &purged)?, ..Retention::default() };
    purged = purged.and(&buried);
    // First the ledgers of other branches: if this is interrupted, the tombstones are still news.
    if !purged.purged.is_empty() || !purged.purged_snapshots.is_empty() {
        for live in repo.refs(LOCAL_PREFIX)? {
            let Some(ledger) = LedgerRef::parse(&live.name) else { continue };
            let is_replayed = replays.iter().any(|(replayed, ..)| *replayed == ledger);
            if purge(repo, &ledger, if is_replayed { &buried } else { &purged }, by)? {
                changed.push(ledger);
            }
        }
    }
    for (ledger, old, new, view) in replays {
        if is_concerned(repo, &ledger, old, new, view.retention())?
            && let Replayed::Moved { .. } = replay(repo, &ledger, Theirs { tip: Some(new), inbox: &[] }, by)?
            && !changed.contains(&ledger)
        {
            changed.push(ledger);
        }
    }
    Ok(changed)
}

/// Snapshots in live ledgers of sessions that are news to be purged: one that was made here after the purge has a name
/// that no tombstone has. What a ledger knows to be purged it has dropped already.
fn snapshots_of_purged(repo: &Repo, purged: &Retention) -> Result<BTreeSet<Digest>> {
    let mut found = BTreeSet::new();
    if purged.purged.is_empty() {
        return Ok(found);
    }
    for live in repo.refs(LOCAL_PREFIX)? {
        let Some(ledger) = LedgerRef::parse(&live.name) else { continue };
        let Ok(Some(view)) = LedgerView::open(repo, &ledger) else { continue };
        let is_news = |sid: &Sid| purged.purged.contains(sid) && !view.is_purged(*sid);
        if purged.purged.iter().any(&is_news) {
            found.extend(view.snapshots_of(|key| is_news(&key.sid))?);
        }
    }
    Ok(found)
}

/// Whether a live ledger may have something that the remote's no longer keeps.
fn is_concerned(repo: &Repo, ledger: &LedgerRef, old: Option<Oid>, new: Oid, theirs: &Retention) -> Result<bool> {
    let Some(live) = LedgerView::open(repo, ledger)? else { return Ok(false) };
    let is_rolled = match old {
        Some(old) => !(repo.has(old)? && repo.is_ancestor(old, new)?),
        None => false,
    };
    Ok(is_rolled || !live.retention().covers(theirs))
}

/// Takes purged sessions out of a live ledger that has them, and out of its history.
fn purge(repo: &Repo, ledger: &LedgerRef, purged: &Retention, by: &Appender<'_>) -> Result<bool> {
    let hidden = ledger.to_ref().map_err(git::Error::from)?;
    for _ in 0..TRIES {
        let Ok(Some(view)) = LedgerView::open(repo, ledger) else { return Ok(false) };
        if view.retention().covers(purged) || !view.has_any(purged)? {
            return Ok(false);
        }
        let mut batch = repo.batch();
        let tree = retain(&view, purged, &mut batch)?;
        let commit = NewCommit { tree, parents: &[], author: by.signature, committer: by.signature, message: MESSAGE };
        let new = batch.commit(&commit)?;
        batch.finish()?;
        match repo.update_ref(&hidden, Expected::At(view.tip()), Some(new), MESSAGE, by.lock, by.deadline)? {
            Update::Moved => return Ok(true),
            Update::Raced => {}
        }
    }
    Ok(false)
}
