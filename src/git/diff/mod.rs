//! What changed between two trees, and which lines a commit added.
//!
//! Trees are compared here and not by libgit2, which reads every tree of both sides (1.5 s for two ledgers of 100,000
//! sessions): equal ids are skipped, so the cost is that of the change. Lines are compared by libgit2's xdiff, as git does.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;

use git2::{DiffLineType, DiffOptions, Patch};

use super::object::Budget;
use super::{EntryKind, Error, Oid, Repo, Result, TreeEntry};

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeStatus {
    /// It is new.
    Added,
    /// Its content or its kind changed.
    Modified,
    /// It is gone.
    Deleted,
}

/// A file that changed. Renamed ones are a deleted and an added one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// The path from the root of the tree, exact bytes.
    pub path: Vec<u8>,
    /// What happened.
    pub status: ChangeStatus,
    /// The old object and what it was; `None` for a new file.
    pub old: Option<(EntryKind, Oid)>,
    /// The new object and what it is; `None` for a file that is gone.
    pub new: Option<(EntryKind, Oid)>,
}

/// The files that changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The files, sorted by path.
    pub files: Vec<ChangedFile>,
    /// Whether a limit, or trees that are not here, cut the list short.
    pub truncated: bool,
}

/// What a commit changed against its first parent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitChanges {
    /// The files; for a root commit all of them.
    pub changes: Changes,
    /// Whether the commit has several parents: then most of it was written elsewhere.
    pub merge: bool,
}

/// A line that a commit added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedLine {
    /// Its number in the new file, from 1.
    pub number: u32,
    /// Its text without the line end; bytes that are not UTF-8 are read lossily.
    pub text: String,
}

/// The lines that a commit added to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedLines {
    /// The path from the root of the tree, exact bytes.
    pub path: Vec<u8>,
    /// The lines, in order.
    pub lines: Vec<AddedLine>,
}

/// The lines that a commit added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitLines {
    /// The files with added lines, sorted by path.
    pub files: Vec<AddedLines>,
    /// Whether a limit, or objects that are not here, left something out that git would show. Binary files and
    /// links are not counted.
    pub truncated: bool,
}

/// How much of a change to look at.
#[derive(Debug, Clone, Copy)]
pub struct DiffLimits {
    /// At most so many files.
    pub files: usize,
    /// At most so many bytes of added lines, all files together.
    pub bytes: u64,
    /// Files larger than this, before or after, are left out.
    pub file_size: u64,
}

impl Default for DiffLimits {
    /// 2,000 files, 20 MB of lines, files up to 5 MB.
    fn default() -> Self {
        Self { files: 2_000, bytes: 20 << 20, file_size: 5 << 20 }
    }
}

impl Repo {
    /// The files that differ between two trees (`None` is the empty one), at most `limit` of them.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::WrongKind`]. Trees that are not here only cut the list short.
    pub fn tree_changes(&self, old: Option<Oid>, new: Option<Oid>, limit: usize) -> Result<Changes> {
        let (path, budget) = (Vec::new(), Budget::for_files(limit));
        let mut diff = TreeDiff { repo: self, path, budget, limit, changes: Changes::default() };
        diff.compare(old, new)?;
        let mut changes = diff.changes;
        changes.files.sort_by(|one, two| one.path.cmp(&two.path));
        Ok(changes)
    }

    /// The files that a commit changed against its first parent. If that parent is not here (the boundary of a shallow clone)
    /// nothing can be said: no files, and truncated.
    ///
    /// # Errors
    /// As [`Repo::commit`], for the commit; as [`Repo::tree_changes`].
    pub fn changed_files(&self, commit: Oid, limits: DiffLimits) -> Result<CommitChanges> {
        let commit = self.commit(commit)?;
        let merge = commit.parents.len() > 1;
        let old = match commit.parents.first().map(|parent| self.commit(*parent)) {
            None => None,
            Some(Ok(parent)) => Some(parent.tree),
            Some(Err(Error::Missing(_))) => {
                return Ok(CommitChanges { changes: Changes { files: Vec::new(), truncated: true }, merge });
            }
            Some(Err(error)) => return Err(error),
        };
        Ok(CommitChanges { changes: self.tree_changes(old, Some(commit.tree), limits.files)?, merge })
    }

    /// The lines that a commit added against its first parent: what `git show --first-parent -U0` marks with `+`. Of a
    /// merge none; a file that was only moved adds none; binary files, links and submodules are left out.
    ///
    /// # Errors
    /// As [`Repo::changed_files`].
    pub fn added_lines(&self, commit: Oid, limits: DiffLimits) -> Result<CommitLines> {
        let CommitChanges { changes, merge } = self.changed_files(commit, limits)?;
        if merge {
            return Ok(CommitLines::default());
        }
        let moved: BTreeSet<Oid> = changes.files.iter().filter(|file| file.new.is_none()).filter_map(old_oid).collect();
        let mut lines = CommitLines { files: Vec::new(), truncated: changes.truncated };
        let mut left = limits.bytes;
        for file in changes.files {
            let Some((EntryKind::File | EntryKind::Executable, new)) = file.new else { continue };
            if file.old.is_none() && moved.contains(&new) {
                continue;
            }
            let was_text = matches!(file.old, Some((EntryKind::File | EntryKind::Executable, _)));
            let old = if was_text { old_oid(&file) } else { None };
            if old == Some(new) {
                continue;
            }
            match self.lines_between(old, new, limits.file_size, &mut left)? {
                Some(found) if found.is_empty() => {}
                Some(found) => lines.files.push(AddedLines { path: file.path, lines: found }),
                None => lines.truncated = true,
            }
        }
        Ok(lines)
    }

    /// The lines of a blob that an older one does not have; `None` if a limit or a missing blob leaves them out.
    fn lines_between(
        &self,
        old: Option<Oid>,
        new: Oid,
        file_size: u64,
        left: &mut u64,
    ) -> Result<Option<Vec<AddedLine>>> {
        let read = |oid| match self.blob(oid, file_size) {
            Ok(content) => Ok(Some(content)),
            Err(Error::Missing(_) | Error::TooLarge { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        let old = match old.map(read).transpose()? {
            None => Vec::new(),
            Some(Some(content)) => content,
            Some(None) => return Ok(None),
        };
        let Some(new) = read(new)? else { return Ok(None) };
        if is_binary(&old) || is_binary(&new) {
            return Ok(Some(Vec::new()));
        }
        let failed = |error| Error::git("compare the lines of", "two files")(error);
        let mut options = DiffOptions::new();
        options.context_lines(0).force_text(true);
        let patch = Patch::from_buffers(&old, None, &new, None, Some(&mut options)).map_err(failed)?;
        let mut added = Vec::new();
        for hunk in 0..patch.num_hunks() {
            for line in 0..patch.num_lines_in_hunk(hunk).map_err(failed)? {
                let line = patch.line_in_hunk(hunk, line).map_err(failed)?;
                let (DiffLineType::Addition, Some(number)) = (line.origin_value(), line.new_lineno()) else { continue };
                let content = line.content();
                let Some(rest) = left.checked_sub(content.len() as u64) else { return Ok(None) };
                *left = rest;
                let content = content.strip_suffix(b"\n").unwrap_or(content);
                let content = content.strip_suffix(b"\r").unwrap_or(content);
                added.push(AddedLine { number, text: String::from_utf8_lossy(content).into_owned() });
            }
        }
        Ok(Some(added))
    }

    /// The entries of a tree sorted by name; `None` if the tree is not here.
    fn entries_by_name(&self, tree: Option<Oid>) -> Result<Option<BTreeMap<Vec<u8>, Entry>>> {
        let Some(tree) = tree else { return Ok(Some(BTreeMap::new())) };
        match self.tree_entries(tree) {
            Ok(entries) => {
                let entries = entries.into_iter().map(|TreeEntry { name, kind, oid }| (name, (kind, oid)));
                Ok(Some(entries.collect()))
            }
            Err(Error::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn old_oid(file: &ChangedFile) -> Option<Oid> {
    file.old.map(|(_, oid)| oid)
}

/// A comparison on its way.
struct TreeDiff<'repo> {
    repo: &'repo Repo,
    path: Vec<u8>,
    budget: Budget,
    limit: usize,
    changes: Changes,
}

impl TreeDiff<'_> {
    /// Adds what differs below two trees. Both are sorted, so a merge of the two lists finds it.
    fn compare(&mut self, old: Option<Oid>, new: Option<Oid>) -> Result<()> {
        if old == new || self.changes.truncated {
            return Ok(());
        }
        if !self.budget.enter() {
            self.changes.truncated = true;
            return Ok(());
        }
        let (Some(old), Some(new)) = (self.repo.entries_by_name(old)?, self.repo.entries_by_name(new)?) else {
            self.changes.truncated = true;
            return Ok(());
        };
        for (name, old, new) in pairs(old.into_iter().peekable(), new.into_iter().peekable()) {
            if old == new {
                continue;
            }
            let length = self.path.len();
            self.path.extend_from_slice(&name);
            let is_tree = |entry: &Entry| entry.0 == EntryKind::Tree;
            self.record(old.filter(|entry| !is_tree(entry)), new.filter(|entry| !is_tree(entry)));
            self.path.push(b'/');
            self.compare(old.filter(is_tree).map(|entry| entry.1), new.filter(is_tree).map(|entry| entry.1))?;
            self.path.truncate(length);
        }
        self.budget.leave();
        Ok(())
    }

    fn record(&mut self, old: Option<Entry>, new: Option<Entry>) {
        let status = match (old, new) {
            (None, None) => return,
            (None, Some(_)) => ChangeStatus::Added,
            (Some(_), None) => ChangeStatus::Deleted,
            (Some(_), Some(_)) => ChangeStatus::Modified,
        };
        if self.changes.files.len() >= self.limit {
            self.changes.truncated = true;
        } else {
            self.changes.files.push(ChangedFile { path: self.path.clone(), status, old, new });
        }
    }
}

type Entry = (EntryKind, Oid);
type Named = (Vec<u8>, Entry);

/// The names of two sorted lists, each with what either has under it.
fn pairs(
    mut old: Peekable<impl Iterator<Item = Named>>,
    mut new: Peekable<impl Iterator<Item = Named>>,
) -> impl Iterator<Item = (Vec<u8>, Option<Entry>, Option<Entry>)> {
    std::iter::from_fn(move || {
        let first = match (old.peek(), new.peek()) {
            (Some(one), Some(two)) => (&one.0).min(&two.0).clone(),
            (Some(one), None) | (None, Some(one)) => one.0.clone(),
            (None, None) => return None,
        };
        let old = old.next_if(|entry| entry.0 == first).map(|entry| entry.1);
        let new = new.next_if(|entry| entry.0 == first).map(|entry| entry.1);
        Some((first, old, new))
    })
}

/// git's rule: a NUL in the first 8,000 bytes.
pub(super) fn is_binary(content: &[u8]) -> bool {
    content.iter().take(8000).any(|byte| *byte == 0)
}

#[cfg(test)]
mod tests;
