//! The patch of a commit, or of a whole branch: its id, which rewriting does not change, and its lines.
//!
//! The id is the one that git prints for
//!
//! ```text
//! git diff-tree -p --root --full-index --no-renames --no-ext-diff --no-textconv --ignore-submodules=none <commit> |
//!     git patch-id --stable
//! ```
//!
//! in a repository without configuration and without attributes, by a git of 2.39 or later. So it depends on the two
//! trees alone: no `diff.algorithm`, `diff.noprefix`, `core.quotePath` or `.gitattributes` of any machine changes it, nor do
//! line ends or filters, for blobs are compared as they are stored. A file is binary by git's own rule, a NUL in its first
//! 8,000 bytes.
//!
//! Trees are compared here and lines by libgit2's xdiff, as in [`super::diff`], so that every kind of repository has it at
//! the same cost. (libgit2's own `git_diff_patchid` is another id than git's wherever a file is binary or empty.)

mod hash;
#[cfg(test)]
mod tests;

use std::fmt;

use git2::{DiffLineType, DiffOptions, Patch};

use self::hash::PatchHash;
use super::diff::is_binary;
use super::{ChangedFile, EntryKind, Error, Oid, Repo, Result};

/// The id that `git patch-id --stable` gives to a change. It is no object's id, but as long as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PatchId(pub Oid);

impl fmt::Display for PatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How large a patch may be. One that is larger is a vendored tree or a data set, and has no id: it would cost seconds.
/// The sizes are looked at before anything is read.
#[derive(Debug, Clone, Copy)]
pub struct PatchLimits {
    /// At most so many files.
    pub files: usize,
    /// At most so many bytes of files, before and after, all together.
    pub bytes: u64,
}

impl Default for PatchLimits {
    /// 2,000 files, 16 MB.
    fn default() -> Self {
        Self { files: 2_000, bytes: 16 << 20 }
    }
}

/// What a patch does with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineChange {
    /// It adds it.
    Added,
    /// It takes it out.
    Removed,
}

/// A line that a patch adds or takes out, with the path of its file: exact bytes, without the line end.
#[derive(Debug, Clone, Copy)]
pub struct PatchLine<'a> {
    /// The path from the root of the tree.
    pub path: &'a [u8],
    /// What becomes of it.
    pub change: LineChange,
    /// The line.
    pub text: &'a [u8],
}

/// One side of a changed file.
type Side = (EntryKind, Oid);

impl Repo {
    /// The id of a commit's patch against its parent, or, for a root commit, against nothing. `take` is given every line of it.
    ///
    /// `None` for a merge, for a commit that changes nothing, for one that is too large, and where something is not here (at
    /// the boundary of a shallow clone, in a partial clone): then what `take` was given is not all.
    ///
    /// # Errors
    /// As [`Repo::commit`], for the commit; [`Error::Damaged`] for other objects.
    pub fn patch_of(
        &self,
        commit: Oid,
        limits: PatchLimits,
        take: &mut dyn FnMut(PatchLine<'_>),
    ) -> Result<Option<PatchId>> {
        let commit = self.commit(commit)?;
        let old = match commit.parents.as_slice() {
            [] => None,
            [parent] => match self.commit(*parent) {
                Ok(parent) => Some(parent.tree),
                Err(Error::Missing(_)) => return Ok(None),
                Err(error) => return Err(error),
            },
            _ => return Ok(None),
        };
        self.patch_between(old, commit.tree, limits, take)
    }

    /// The id of the patch between two trees (`None` is the empty one), as [`Repo::patch_of`].
    ///
    /// # Errors
    /// As [`Repo::tree_changes`].
    pub fn patch_between(
        &self,
        old: Option<Oid>,
        new: Oid,
        limits: PatchLimits,
        take: &mut dyn FnMut(PatchLine<'_>),
    ) -> Result<Option<PatchId>> {
        let changes = self.tree_changes(old, Some(new), limits.files)?;
        if changes.truncated || !self.is_small(&changes.files, limits.bytes)? {
            return Ok(None);
        }
        let hash = PatchHash::new(self.backend.format());
        let mut reading = Reading { repo: self, limit: limits.bytes, hash, take };
        for file in &changes.files {
            match reading.file(file) {
                Err(Error::Missing(_)) => return Ok(None),
                read => read?,
            }
        }
        Ok(reading.hash.finish())
    }

    /// Whether the files of a change, before and after, have at most so many bytes, and all are here.
    fn is_small(&self, files: &[ChangedFile], limit: u64) -> Result<bool> {
        let mut left = limit;
        for file in files {
            let (old, new) = (blob(file.old), blob(file.new));
            if old == new {
                continue;
            }
            for oid in old.into_iter().chain(new) {
                let size = match self.header(oid) {
                    Err(Error::Missing(_)) => return Ok(false),
                    header => header?.size,
                };
                let Some(rest) = left.checked_sub(size) else { return Ok(false) };
                left = rest;
            }
        }
        Ok(true)
    }
}

/// The blob of a side; a submodule has none.
fn blob(side: Option<Side>) -> Option<Oid> {
    side.filter(|(kind, _)| *kind != EntryKind::Submodule).map(|(_, oid)| oid)
}

/// A patch being read, file by file.
struct Reading<'a> {
    repo: &'a Repo,
    limit: u64,
    hash: PatchHash,
    take: &'a mut dyn FnMut(PatchLine<'_>),
}

impl Reading<'_> {
    fn file(&mut self, file: &ChangedFile) -> Result<()> {
        match (file.old, file.new) {
            // What becomes another type of file is taken out and put in.
            (Some(old), Some(new)) if !is_same_type(old.0, new.0) => {
                self.sides(&file.path, Some(old), None)?;
                self.sides(&file.path, None, Some(new))
            }
            (old, new) => self.sides(&file.path, old, new),
        }
    }

    fn sides(&mut self, path: &[u8], old: Option<Side>, new: Option<Side>) -> Result<()> {
        self.hash.file(path, old.map(|(kind, _)| kind), new.map(|(kind, _)| kind));
        let ids = [old, new].map(|side| side.map(|(_, oid)| oid));
        if ids[0] == ids[1] {
            return Ok(());
        }
        let (before, after) = (self.content(old)?, self.content(new)?);
        if is_binary(&before) || is_binary(&after) {
            self.hash.binary(ids[0], ids[1]);
            return Ok(());
        }
        self.lines(path, [old.is_some(), new.is_some()], &before, &after)
    }

    fn content(&self, side: Option<Side>) -> Result<Vec<u8>> {
        match side {
            None => Ok(Vec::new()),
            Some((EntryKind::Submodule, oid)) => Ok(format!("Subproject commit {oid}\n").into_bytes()),
            Some((_, oid)) => self.repo.blob(oid, self.limit),
        }
    }

    fn lines(&mut self, path: &[u8], there: [bool; 2], old: &[u8], new: &[u8]) -> Result<()> {
        let failed = |error| Error::git("compare the lines of", String::from_utf8_lossy(path))(error);
        let mut options = DiffOptions::new();
        options.context_lines(3).force_text(true).indent_heuristic(true);
        let diff = Patch::from_buffers(old, None, new, None, Some(&mut options)).map_err(failed)?;
        if diff.num_hunks() > 0 {
            self.hash.sides(path, there);
        }
        for hunk in 0..diff.num_hunks() {
            for line in 0..diff.num_lines_in_hunk(hunk).map_err(failed)? {
                let line = diff.line_in_hunk(hunk, line).map_err(failed)?;
                let change = match line.origin_value() {
                    DiffLineType::Context => None,
                    DiffLineType::Addition => Some(LineChange::Added),
                    DiffLineType::Deletion => Some(LineChange::Removed),
                    // That a last line has no end is no part of the id.
                    _ => continue,
                };
                self.hash.line(change, line.content());
                if let Some(change) = change {
                    let text = line.content();
                    (self.take)(PatchLine { path, change, text: text.strip_suffix(b"\n").unwrap_or(text) });
                }
            }
        }
        Ok(())
    }
}

/// Whether two sides are of the same type to git: it compares files with files, links with links.
fn is_same_type(one: EntryKind, other: EntryKind) -> bool {
    let is_file = |kind| matches!(kind, EntryKind::File | EntryKind::Executable);
    one == other || is_file(one) && is_file(other)
}
