//! Following remotes in what they no longer keep, as soon as it is known.
//!
//! A fetch touches no live ledger, but for this: where a ledger that came has a later floor or new tombstones, or was
//! rolled (it does not follow on what it was), the live one is replayed on it. And a session that was purged from one
//! ledger goes from every live one and from the notes, so that no stale clone brings back what somebody has taken out
//! everywhere else; so do handoffs that were made of it. What has expired goes from the notes, too.
//!
//! What was followed already is written down. So it does not matter who fetched, or whether he was killed before he came
//! to this: the next fetch, capture or push does it.

mod followed;

use self::followed::Followed;
use crate::git::remote::Moved;
use crate::git::{self, Expected, NewCommit, Oid, Repo, Update};
use crate::handoff;
use crate::ledger::{
    Appender, LOCAL_PREFIX, LedgerRef, LedgerView, Ledgers, Replayed, Result, Retention, Scope, Theirs, replay, retain,
};
use crate::notes::{self, Gone, Unwanted};

const MESSAGE: &str = "opensession: purge\n";
/// How often a lost race is run again.
const TRIES: usize = 64;

/// What a remote no longer keeps could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// In a ledger.
    #[error(transparent)]
    Ledger(#[from] crate::ledger::Error),
    /// In the notes.
    #[error(transparent)]
    Notes(#[from] notes::Error),
    /// In the handoffs.
    #[error(transparent)]
    Handoff(#[from] handoff::StoreError),
}

impl From<git::Error> for Error {
    fn from(error: git::Error) -> Self {
        Self::Ledger(error.into())
    }
}

/// Brings every live ledger, and the notes, in line with all that was fetched and not followed yet. Gives the ledgers that
/// have moved. `moved` is what a fetch has brought just now, if there was one.
///
/// What cannot be read of what came says nothing. Where nothing has come, some refs and a small file are read.
///
/// # Errors
/// When a live ledger or the notes cannot be read or written.
pub fn honour(repo: &Repo, moved: &[Moved], by: &Appender<'_>) -> Result<Vec<LedgerRef>, Error> {
    let folder = repo.private_dir();
    let (known, now) = (Followed::load(&folder), Followed::now(repo)?);
    if known == now {
        return Ok(Vec::new());
    }
    let mut news = Vec::new();
    for (name, tip) in now.since(&known) {
        let was = moved.iter().find(|moved| moved.name == *name).and_then(|moved| moved.old);
        let (Some(ledger), Ok(view)) = (LedgerRef::parse(name), LedgerView::at(repo, tip)) else { continue };
        news.push(News { ledger: ledger.to_local(), old: known.tip(name).or(was), view });
    }
    let changed = follow(repo, &news, by)?;
    now.store(&folder);
    Ok(changed)
}

/// A ledger of a remote that is not what it was.
struct News<'repo> {
    /// The live one.
    ledger: LedgerRef,
    old: Option<Oid>,
    view: LedgerView<'repo>,
}

fn follow(repo: &Repo, news: &[News<'_>], by: &Appender<'_>) -> Result<Vec<LedgerRef>, Error> {
    let mut changed = Vec::new();
    let drops: Vec<Retention> = news.iter().map(|news| news.drops(repo)).collect();
    let purged = drops.iter().fold(Retention::default(), |all, dropped| all.and(&dropped.only_purged()));
    if !purged.purged.is_empty() || !purged.purged_snapshots.is_empty() {
        for live in repo.refs(LOCAL_PREFIX)? {
            let Some(ledger) = LedgerRef::parse(&live.name) else { continue };
            let is_replayed = news.iter().any(|news| news.ledger == ledger);
            if !is_replayed && purge(repo, &ledger, &purged, by)? {
                changed.push(ledger);
            }
        }
    }
    if drops.iter().any(|dropped| dropped.floor.is_some() || !dropped.purged.is_empty()) {
        notes::forget(repo, &Unwanted::gone(Gone::of(&Ledgers::open(repo, Scope::All)?)), by)?;
    }
    handoff::Store::new(repo).remove_made_of(&purged.purged)?;
    for News { ledger, old, view } in news {
        if is_concerned(repo, ledger, *old, view)?
            && let Replayed::Moved { .. } = replay(repo, ledger, Theirs { tip: Some(view.tip()), inbox: &[] }, by)?
        {
            repo.forget_reflog(&ledger.to_ref().map_err(git::Error::from)?, by.deadline)?;
            changed.push(ledger.clone());
        }
    }
    Ok(changed)
}

impl News<'_> {
    /// What was purged, or has expired, since it was last followed.
    fn drops(&self, repo: &Repo) -> Retention {
        let now = self.view.retention();
        let old = self.old.and_then(|old| LedgerView::at(repo, old).ok());
        let was = old.map(|old| old.retention().clone()).unwrap_or_default();
        let expires = (now.floor, &now.kept) != (was.floor, &was.kept);
        Retention {
            floor: now.floor.filter(|_| expires),
            kept: now.kept.clone(),
            purged: &now.purged - &was.purged,
            purged_snapshots: &now.purged_snapshots - &was.purged_snapshots,
        }
    }
}

/// Whether a live ledger may have something that the remote's no longer keeps.
fn is_concerned(repo: &Repo, ledger: &LedgerRef, old: Option<Oid>, theirs: &LedgerView<'_>) -> Result<bool> {
    let Some(live) = LedgerView::open(repo, ledger)? else { return Ok(false) };
    // As after a push of ours.
    if live.tip() == theirs.tip() {
        return Ok(false);
    }
    let is_rolled = match old {
        Some(old) => !(repo.has(old)? && repo.is_ancestor(old, theirs.tip())?),
        None => false,
    };
    Ok(is_rolled || !live.retention().covers(theirs.retention()))
}

/// Takes purged sessions out of a live ledger that has them, and out of its history. Says whether it had any.
///
/// # Errors
/// When the ref cannot be read or written.
pub(crate) fn purge(repo: &Repo, ledger: &LedgerRef, purged: &Retention, by: &Appender<'_>) -> Result<bool> {
    let hidden = ledger.to_ref().map_err(git::Error::from)?;
    for _ in 0..TRIES {
        let Ok(Some(view)) = LedgerView::open(repo, ledger) else { return Ok(false) };
        if view.retention().covers(purged) || !view.has_any(purged)? {
            return Ok(false);
        }
        let new = without_purged(repo, view.tip(), purged, None, by)?;
        match repo.update_ref(&hidden, Expected::At(view.tip()), Some(new), MESSAGE, by.lock, by.deadline)? {
            Update::Moved => {
                repo.forget_reflog(&hidden, by.deadline)?;
                return Ok(true);
            }
            Update::Raced => {}
        }
    }
    Ok(false)
}

/// The commit of a ledger without what was purged, on top of `parent`; nothing of the ledger's own history.
///
/// # Errors
/// When the ledger cannot be read, or objects not be written.
pub(crate) fn without_purged(
    repo: &Repo,
    tip: Oid,
    purged: &Retention,
    parent: Option<Oid>,
    by: &Appender<'_>,
) -> Result<Oid> {
    let mut batch = repo.batch();
    let tree = retain(&LedgerView::at(repo, tip)?, purged, &mut batch)?;
    let parents: Vec<Oid> = parent.into_iter().collect();
    let commit = NewCommit { tree, parents: &parents, author: by.signature, committer: by.signature, message: MESSAGE };
    let new = batch.commit(&commit)?;
    batch.finish()?;
    Ok(new)
}
