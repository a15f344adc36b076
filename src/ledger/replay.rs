//! Bringing what a remote has into a ledger: the one place where ledgers are joined and the live one is moved.
//!
//! A joined commit has one parent, the remote's tip. Two would bring back, through the history, what was purged or has
//! expired; and with the remote's tip as parent it can be pushed without force. What was ours only is in its tree.

use super::append::Appender;
use super::error::Result;
use super::join::join;
use super::name::LedgerRef;
use super::view::LedgerView;
use crate::git::{self, Expected, NewCommit, Oid, Repo, Update};

/// How often a lost race is run again. Each time somebody else got something done.
const TRIES: usize = 64;
const MESSAGE: &str = "opensession: join\n";

/// What a remote has of one ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Theirs<'a> {
    /// The tip of the ledger there; `None` if it is not there.
    pub tip: Option<Oid>,
    /// What others have left in its inbox there.
    pub inbox: &'a [Oid],
}

/// A ledger that has all of ours and of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Union {
    /// There is nothing, here and there.
    Nothing,
    /// Ours has all of it, and follows on theirs.
    Ours(Oid),
    /// Theirs has all of it.
    Theirs(Oid),
    /// A new commit, durable: it follows on theirs, or on ours if the ledger is not there.
    New(Oid),
}

impl Union {
    /// The commit that has all of it.
    pub fn tip(self) -> Option<Oid> {
        match self {
            Self::Nothing => None,
            Self::Ours(tip) | Self::Theirs(tip) | Self::New(tip) => Some(tip),
        }
    }
}

/// What came of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a lost race is a value"]
pub enum Replayed {
    /// There is no live ledger.
    NoLedger,
    /// The live ledger has all of it, and follows on theirs.
    UpToDate(Oid),
    /// The live ledger has moved: to theirs, if that has all of ours, or to a commit that follows on it.
    Moved {
        /// The tip before.
        old: Oid,
        /// The tip now.
        new: Oid,
    },
    /// Others were faster every time. Nothing is lost but the time: do it again.
    Raced,
}

/// Finds or makes the commit that has all that ours and theirs have, and moves no ref.
///
/// # Errors
/// As [`join`]; when a commit or its tree cannot be read, when objects cannot be written.
pub fn unite(
    repo: &Repo,
    ledger: &LedgerRef,
    ours: Option<Oid>,
    theirs: Theirs<'_>,
    by: &Appender<'_>,
) -> Result<Union> {
    // What follows on theirs has all of it. The other way round that proves nothing: somebody may have taken
    // something out without a tombstone.
    let is_ahead = match (ours, theirs.tip) {
        (Some(ours), Some(tip)) => repo.is_ancestor(tip, ours)?,
        _ => true,
    };
    let mut tips: Vec<Oid> = ours.into_iter().collect();
    tips.extend(theirs.tip.filter(|_| ours.is_none() || !is_ahead));
    for inbox in theirs.inbox {
        if !is_in_any(repo, *inbox, &tips)? {
            tips.push(*inbox);
        }
    }
    let Some(tree) = tree_of_all(repo, ledger, &tips)? else { return Ok(Union::Nothing) };
    if let Some(ours) = ours.filter(|_| is_ahead)
        && repo.commit(ours)?.tree == tree
    {
        return Ok(Union::Ours(ours));
    }
    if let Some(tip) = theirs.tip
        && repo.commit(tip)?.tree == tree
    {
        return Ok(Union::Theirs(tip));
    }
    let parents: Vec<Oid> = theirs.tip.or(ours).into_iter().collect();
    let commit = NewCommit { tree, parents: &parents, author: by.signature, committer: by.signature, message: MESSAGE };
    let mut batch = repo.batch();
    let new = batch.commit(&commit)?;
    batch.finish()?;
    Ok(Union::New(new))
}

/// Brings what a remote has into the live ledger, which moves only from what was read. A capture that was faster is
/// read again: nothing of it is lost. Where there is no live ledger none is made.
///
/// # Errors
/// As [`unite`]; when the ref stays locked until the deadline.
pub fn replay(repo: &Repo, ledger: &LedgerRef, theirs: Theirs<'_>, by: &Appender<'_>) -> Result<Replayed> {
    let ledger = ledger.to_local();
    let hidden = ledger.to_ref().map_err(git::Error::from)?;
    for _ in 0..TRIES {
        let Some(old) = repo.read_ref(hidden.name())? else { return Ok(Replayed::NoLedger) };
        let new = match unite(repo, &ledger, Some(old), theirs, by)? {
            Union::Theirs(new) | Union::New(new) if new != old => new,
            _ => return Ok(Replayed::UpToDate(old)),
        };
        match repo.update_ref(&hidden, Expected::At(old), Some(new), MESSAGE, by.lock, by.deadline)? {
            Update::Moved => return Ok(Replayed::Moved { old, new }),
            Update::Raced => {}
        }
    }
    Ok(Replayed::Raced)
}

/// The tree of some ledgers of one branch; `None` for none.
fn tree_of_all(repo: &Repo, ledger: &LedgerRef, tips: &[Oid]) -> Result<Option<Oid>> {
    let Some((first, rest)) = tips.split_first() else { return Ok(None) };
    let mut tree = repo.commit(*first)?.tree;
    for tip in rest {
        let known = LedgerView::open_tree(repo, ledger, *first, tree)?;
        let mut batch = repo.batch();
        tree = join(&known, &LedgerView::open_at(repo, ledger, *tip)?, &mut batch)?;
        batch.finish()?;
    }
    Ok(Some(tree))
}

/// Whether a commit is in the history of one of these.
fn is_in_any(repo: &Repo, commit: Oid, tips: &[Oid]) -> Result<bool, git::Error> {
    for tip in tips {
        if repo.is_ancestor(commit, *tip)? {
            return Ok(true);
        }
    }
    Ok(false)
}
