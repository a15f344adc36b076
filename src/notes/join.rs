//! Joining notes that two clones wrote: line by line, on top of what the remote has.

use std::collections::BTreeSet;

use super::gone::Gone;
use super::store::{Edit, message, read};
use super::{Error, MOST, Result, live, tracking};
use crate::git::{self, NewCommit, NotesTree, ObjectBatch, Oid, Repo, Signature, Update, notes_between};
use crate::ledger::{Appender, Ledgers, Scope};

/// How often a lost race is run again.
const TRIES: usize = 16;

/// What of our notes may go into a join.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// What is gone: no line of it stays.
    pub gone: Gone,
    /// The ledgers that the remote must not know yet: our lines about their sessions wait with them.
    pub held: BTreeSet<String>,
}

/// What a join comes to.
pub enum Join<'repo> {
    /// There is nothing at all.
    Nothing,
    /// One of the two has all of both.
    Is(Oid),
    /// A new commit, whose objects are not written yet.
    New(Oid, ObjectBatch<'repo>),
}

impl Join<'_> {
    /// The commit, now durable; `None` if there is nothing.
    ///
    /// # Errors
    /// When its objects cannot be written.
    pub fn finish(self) -> Result<Option<Oid>> {
        match self {
            Self::Nothing => Ok(None),
            Self::Is(commit) => Ok(Some(commit)),
            Self::New(commit, batch) => {
                batch.finish()?;
                Ok(Some(commit))
            }
        }
    }
}

/// Joins our notes into those of a remote. Where neither has all of the other, what has all of both is a new commit with one
/// parent, theirs. Nothing is written before [`Join::finish`].
///
/// Where notes of a commit differ, what is not ours is put together as git's `cat_sort_uniq` does it; of ours the greatest
/// line of each session stays. So it does not matter who joins what in which order.
///
/// # Errors
/// When the notes cannot be read.
pub fn join<'repo>(
    repo: &'repo Repo,
    theirs: Option<Oid>,
    ours: Option<Oid>,
    limits: &Limits,
    signature: &Signature,
) -> Result<Join<'repo>> {
    let tree_of = |tip: Oid| repo.commit(tip).map(|commit| commit.tree);
    let their_root = theirs.map(tree_of).transpose()?;
    let our_root = ours.map(tree_of).transpose()?;
    let differing = match our_root {
        Some(_) => notes_between(repo, their_root, our_root, MOST)?,
        None => BTreeSet::new(),
    };
    let our_notes = NotesTree::new(repo, our_root, 0)?;
    let mut edit = Edit::open(repo, theirs, differing.len())?;
    let mut all_of_ours = true;
    for commit in differing {
        let Some(mut more) = read(repo, &our_notes.get(commit)?)? else { continue };
        let lines = more.lines().count();
        more.retain(|line| !limits.held.contains(&line.ledger) && !limits.gone.has(line));
        all_of_ours &= more.lines().count() == lines;
        edit.change(commit, |text| *text = std::mem::take(text).join(more))?;
    }
    let joined = edit.commits;
    edit.sweep(&limits.gone, None)?;
    all_of_ours &= edit.commits == joined;
    if let Some(ours) = ours.filter(|_| all_of_ours) {
        let is_above = |theirs: Oid| -> git::Result<bool> { Ok(theirs == ours || repo.is_ancestor(theirs, ours)?) };
        if theirs.map_or(Ok(true), is_above)? {
            // Whatever was changed by hand since, such as a note that was removed, is meant.
            return Ok(Join::Is(ours));
        }
    }
    let message = message(edit.commits);
    let Some((tree, mut batch)) = edit.finish()? else { return Ok(theirs.map_or(Join::Nothing, Join::Is)) };
    let parents: Vec<Oid> = theirs.into_iter().collect();
    let new = NewCommit { tree, parents: &parents, author: signature, committer: signature, message: &message };
    Ok(Join::New(batch.commit(&new)?, batch))
}

/// Takes what a remote's notes have more into the live ones, after a fetch. Says whether anything was new.
///
/// # Errors
/// As [`join`]; [`Error::Raced`].
pub fn absorb(repo: &Repo, remote: &str, by: &Appender<'_>) -> Result<bool> {
    let Some(theirs) = repo.read_ref(tracking(remote)?.name())? else { return Ok(false) };
    let name = live()?;
    for _ in 0..TRIES {
        let ours = repo.read_ref(name.name())?;
        if ours == Some(theirs) {
            return Ok(false);
        }
        let limits = Limits { gone: Gone::of(&Ledgers::open(repo, Scope::All)?), held: BTreeSet::new() };
        let joined = join(repo, Some(theirs), ours, &limits, by.signature)?.finish()?;
        if joined == ours {
            return Ok(false);
        }
        match repo.update_ref(&name, ours.into(), joined, "opensession: joined", by.lock, by.deadline)? {
            Update::Moved => return Ok(true),
            Update::Raced => {}
        }
    }
    Err(Error::Raced)
}
