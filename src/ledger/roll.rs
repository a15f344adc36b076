//! Rolling a ledger: a commit without a parent takes the place of its history.
//!
//! What is to be gone must not only leave the tree; it must not be reachable through older commits either. So the new
//! commit has no parent. Whoever has the old history joins on top of the new one (see [`super::replay`]), and what was
//! taken out does not come back by that: the tombstones, the floor and the greater `m` are in the new tree.
//!
//! A roll that is broken off leaves the ledger as it was, or rolled: the ref moves last, and only from what was seen.

use std::collections::{BTreeSet, HashSet};

use super::append::Appender;
use super::error::Result;
use super::join::retain;
use super::layout::{FORMAT, LedgerPath};
use super::name::LedgerRef;
use super::retention::Retention;
use super::sid::Sid;
use super::view::LedgerView;
use crate::git::{self, BranchName, EntryKind, Expected, NewCommit, ObjectBatch, Oid, Repo, TreeEditor, Update};

/// How often a lost race is run again. Each time somebody else got something done.
const TRIES: usize = 64;

/// Something that takes a part out of ledgers.
pub trait Rewrite {
    /// The tree that is to be there instead of a ledger's; `None` if it, and its history, are as they should be.
    ///
    /// # Errors
    /// When the ledger cannot be read, or objects not be written.
    fn rewrite(&self, view: &LedgerView<'_>, batch: &mut ObjectBatch<'_>) -> Result<Option<Oid>>;

    /// The sessions of which nothing shall stay outside the ledgers either: in the notes, in the store.
    fn gone(&self) -> BTreeSet<Sid> {
        BTreeSet::new()
    }

    /// What of each ledger is let expire: notes of that go, too.
    fn expired(&self) -> Vec<(LedgerRef, Retention)> {
        Vec::new()
    }

    /// The version of the rules by which sessions are redacted again, if they are: then notes of older titles go, too.
    fn redone_by(&self) -> Option<u32> {
        None
    }

    /// The message of the commits: what was done, and nothing from a session.
    fn message(&self) -> &'static str;
}

/// What came of a live ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a lost race is a value"]
pub enum Rolled {
    /// There is none.
    NoLedger,
    /// It had nothing that is to go.
    AsItWas,
    /// It was rolled.
    Moved {
        /// The tip before.
        old: Oid,
        /// The tip now.
        new: Oid,
    },
    /// Others were faster every time. Do it again.
    Raced,
}

/// Makes the commit that is to take the place of a ledger's tip, and moves no ref. `None` if there is nothing to do.
///
/// # Errors
/// When the ledger cannot be read, or objects not be written.
pub fn rolled(
    repo: &Repo,
    ledger: &LedgerRef,
    tip: Oid,
    rewrite: &dyn Rewrite,
    by: &Appender<'_>,
) -> Result<Option<Oid>> {
    let view = LedgerView::open_at(repo, ledger, tip)?;
    let mut batch = repo.batch();
    let Some(tree) = rewrite.rewrite(&view, &mut batch)? else { return Ok(None) };
    let message = rewrite.message();
    let commit = NewCommit { tree, parents: &[], author: by.signature, committer: by.signature, message };
    let new = batch.commit(&commit)?;
    batch.finish()?;
    Ok(Some(new))
}

/// Rolls the live ledger, which moves only from what was read, and removes the reflog of its ref.
///
/// # Errors
/// As [`rolled`]; when the ref stays locked until the deadline.
pub fn roll(repo: &Repo, ledger: &LedgerRef, rewrite: &dyn Rewrite, by: &Appender<'_>) -> Result<Rolled> {
    let hidden = ledger.to_ref().map_err(git::Error::from)?;
    for _ in 0..TRIES {
        let Some(old) = repo.read_ref(hidden.name())? else { return Ok(Rolled::NoLedger) };
        let Some(new) = rolled(repo, ledger, old, rewrite, by)? else {
            // It may have been rolled by a run that was killed before it came to this.
            repo.forget_reflog(&hidden, by.deadline)?;
            return Ok(Rolled::AsItWas);
        };
        match repo.update_ref(&hidden, Expected::At(old), Some(new), rewrite.message(), by.lock, by.deadline)? {
            Update::Moved => {
                repo.forget_reflog(&hidden, by.deadline)?;
                return Ok(Rolled::Moved { old, new });
            }
            Update::Raced => {}
        }
    }
    Ok(Rolled::Raced)
}

/// The tree of a ledger in which there is nothing yet.
///
/// # Errors
/// When objects cannot be written.
pub fn empty_tree(repo: &Repo, branch: &BranchName, batch: &mut ObjectBatch<'_>) -> Result<Oid> {
    let mut editor = TreeEditor::new(repo, None);
    for (path, content) in [(LedgerPath::Format, FORMAT.as_bytes()), (LedgerPath::Branch, branch.as_bytes())] {
        editor.insert(path.to_string().as_bytes(), EntryKind::File, batch.blob(content)?)?;
    }
    Ok(editor.write(batch)?)
}

/// The tree of a ledger without what `wanted` drops; `None` if it never had any of it. A ledger that has dropped it
/// already, but on top of a history that has not (a join did so, on top of what a remote had), is to be rolled, too.
///
/// # Errors
/// When the ledger or its history cannot be read, or objects not be written.
pub fn without(view: &LedgerView<'_>, wanted: &Retention, batch: &mut ObjectBatch<'_>) -> Result<Option<Oid>> {
    let tree = retain(view, wanted, batch)?;
    if tree != view.root() || !roots_cover(view.repo(), view.tip(), wanted)? {
        return Ok(Some(tree));
    }
    Ok(None)
}

/// Whether the history of a ledger has been without something all along: floor and tombstones only ever grow from one
/// commit to the next, so the first commits tell.
fn roots_cover(repo: &Repo, tip: Oid, wanted: &Retention) -> Result<bool> {
    let mut covered = true;
    each_commit(repo, tip, |commit, is_root| {
        covered &= !is_root || LedgerView::at(repo, commit)?.retention().covers(wanted);
        Ok(covered)
    })?;
    Ok(covered)
}

/// Visits the commits of a ledger, newest first, until `visit` says no. What is cut off (a shallow repository) ends there.
pub(super) fn each_commit(repo: &Repo, tip: Oid, mut visit: impl FnMut(Oid, bool) -> Result<bool>) -> Result<()> {
    let (mut seen, mut left) = (HashSet::from([tip]), vec![tip]);
    while let Some(oid) = left.pop() {
        let mut parents = repo.commit(oid)?.parents;
        parents.retain(|parent| repo.has(*parent).unwrap_or(false));
        if !visit(oid, parents.is_empty())? {
            break;
        }
        left.extend(parents.into_iter().filter(|parent| seen.insert(*parent)));
    }
    Ok(())
}
