//! Notes without what was purged, has expired or was redacted again, and without the history that still has it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::gone::Gone;
use super::line::NoteLine;
use super::store::{Edit, message, read, sweep};
use super::text::NoteText;
use super::{Error, MOST, Result, live};
use crate::git::{
    self, EntryKind, Exclude, Expected, NewCommit, NoteBlob, NotesTree, Oid, Repo, Signature, Update, WalkLimits, noted,
};
use crate::ledger::{Appender, Ledgers, Scope, Sid};

/// How often a lost race is run again.
const TRIES: usize = 16;
/// The most commits of a history that are looked through. A longer one is taken to have what is looked for.
const COMMITS: usize = 1_000_000;
/// Folders within folders.
const DEEPEST: usize = 20;

/// Notes that were rewritten without their history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// The tip before.
    pub old: Oid,
    /// The tip now: a commit without parents, and maybe without notes. (Were there no ref any more, a clone that knows
    /// nothing of this could push what it has as new.)
    pub new: Oid,
}

/// Which lines shall not stay, neither in notes nor in their history.
#[derive(Debug, Clone, Default)]
pub struct Unwanted {
    /// Those of sessions that are gone.
    gone: Gone,
    /// Those of sessions that were redacted again, if they have another title than the session has now.
    redone: BTreeMap<Sid, Option<String>>,
    /// The rules by which they were: what was written by these, or by later ones, stays.
    rules: u32,
}

impl Unwanted {
    /// Those of sessions that are gone.
    pub fn gone(gone: Gone) -> Self {
        Self { gone, ..Self::default() }
    }

    /// And those of sessions that were redacted again, by `rules`, as the live notes have them now.
    ///
    /// # Errors
    /// When the live notes cannot be read.
    pub fn and_redone(mut self, repo: &Repo, rules: u32) -> Result<Self> {
        self.rules = rules;
        let Some(tip) = repo.read_ref(live()?.name())? else { return Ok(self) };
        let root = repo.commit(tip)?.tree;
        let notes = NotesTree::new(repo, Some(root), 0)?;
        for commit in noted(repo, root, MOST)? {
            let Some(text) = read(repo, &notes.get(commit)?)? else { continue };
            let redone = text.lines().filter(|line| line.rules >= rules);
            self.redone.extend(redone.map(|line| (line.sid, line.title.clone())));
        }
        Ok(self)
    }

    fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.redone.is_empty()
    }

    fn has(&self, line: &NoteLine) -> bool {
        self.gone.has(line) || self.is_old(line)
    }

    fn is_old(&self, line: &NoteLine) -> bool {
        line.rules < self.rules && self.redone.get(&line.sid).is_some_and(|now| *now != line.title)
    }

    /// Puts in the place of lines that are old those that the live notes have at that commit.
    fn renew(&self, note: &mut NoteText, live: &NoteText) {
        let old: BTreeSet<Sid> = note.lines().filter(|line| self.is_old(line)).map(|line| line.sid).collect();
        note.retain(|line| !old.contains(&line.sid));
        for line in live.lines().filter(|line| old.contains(&line.sid) && !self.has(line)) {
            note.add(line.clone());
        }
    }
}

/// Rewrites the live notes without their history and without some lines, if any of these is there, or ever was. `None` if
/// not, and if there are no notes. The ref's reflog goes, too.
///
/// # Errors
/// When the notes cannot be read or written; [`Error::Raced`].
pub fn forget(repo: &Repo, unwanted: &Unwanted, by: &Appender<'_>) -> Result<Option<Forgotten>> {
    let name = live()?;
    for _ in 0..TRIES {
        let Some(old) = repo.read_ref(name.name())?.filter(|_| !unwanted.is_empty()) else { return Ok(None) };
        let keepers = Ledgers::open(repo, Scope::Local)?;
        let Some(new) = without(repo, old, unwanted, Some(&keepers), by.signature)? else {
            // It may have been rewritten by a run that was killed before it came to this.
            if repo.commit(old)?.parents.is_empty() {
                repo.forget_reflog(&name, by.deadline)?;
            }
            return Ok(None);
        };
        match repo.update_ref(&name, Expected::At(old), Some(new), "opensession: rolled", by.lock, by.deadline)? {
            Update::Moved => {
                repo.forget_reflog(&name, by.deadline)?;
                return Ok(Some(Forgotten { old, new }));
            }
            Update::Raced => {}
        }
    }
    Err(Error::Raced)
}

/// Makes the commit that is to take the place of some notes, and moves no ref: without parents, and without some lines.
/// `None` if none of these is there, or ever was.
///
/// # Errors
/// When the notes cannot be read, or objects not be written.
pub fn forgotten(repo: &Repo, tip: Oid, unwanted: &Unwanted, signature: &Signature) -> Result<Option<Oid>> {
    // What is only in ledgers here is not for a remote yet: whoever pushes brings it there.
    without(repo, tip, unwanted, None, signature)
}

fn without(
    repo: &Repo,
    tip: Oid,
    unwanted: &Unwanted,
    keepers: Option<&Ledgers<'_>>,
    signature: &Signature,
) -> Result<Option<Oid>> {
    if unwanted.is_empty() || !knows(repo, tip, unwanted)? {
        return Ok(None);
    }
    let root = repo.commit(tip)?.tree;
    let live = repo.read_ref(live()?.name())?.filter(|_| !unwanted.redone.is_empty());
    let live = NotesTree::new(repo, live.map(|tip| repo.commit(tip)).transpose()?.map(|commit| commit.tree), 0)?;
    let mut notes = Edit::open(repo, Some(tip), 0)?;
    for commit in noted(repo, root, MOST)? {
        let live = read(repo, &live.get(commit)?)?.unwrap_or_default();
        notes.change(commit, |note| {
            unwanted.renew(note, &live);
            sweep(repo, note, commit, &unwanted.gone, keepers);
        })?;
    }
    let message = message(notes.commits);
    let (tree, mut batch) = match notes.finish()? {
        Some(changed) => changed,
        None => (root, repo.batch()),
    };
    let new = NewCommit { tree, parents: &[], author: signature, committer: signature, message: &message };
    let new = batch.commit(&new)?;
    batch.finish()?;
    Ok(Some(new))
}

/// Whether the notes of a commit, or of any before it, have such a line.
fn knows(repo: &Repo, tip: Oid, unwanted: &Unwanted) -> Result<bool> {
    let all = Exclude { commits: Vec::new(), tracked_by: None };
    let walked = repo.rev_list(&[tip], &all, WalkLimits::commits(COMMITS))?;
    let mut seen = HashSet::new();
    for commit in &walked.commits {
        if has_line(repo, repo.commit(*commit)?.tree, DEEPEST, unwanted, &mut seen)? {
            return Ok(true);
        }
    }
    Ok(walked.commits.len() == COMMITS)
}

/// Whether any note in a folder has one. What an equal folder or note was asked once is not asked again.
fn has_line(repo: &Repo, folder: Oid, depth: usize, unwanted: &Unwanted, seen: &mut HashSet<Oid>) -> Result<bool> {
    if !seen.insert(folder) {
        return Ok(false);
    }
    let entries = match repo.list(folder, b"") {
        Ok(entries) => entries,
        // What is not here (the history of a shallow repository) shows nobody anything.
        Err(git::Error::Missing(_)) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    for entry in entries {
        let found = match entry.kind {
            EntryKind::Tree if depth > 0 => has_line(repo, entry.oid, depth - 1, unwanted, seen)?,
            EntryKind::File if seen.insert(entry.oid) => {
                let note = read(repo, &[NoteBlob { path: entry.name, oid: entry.oid }])?;
                note.is_some_and(|note| note.lines().any(|line| unwanted.has(line)))
            }
            _ => false,
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}
