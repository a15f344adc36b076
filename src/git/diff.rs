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
mod tests {
    use super::super::testing::{Sandbox, in_every_kind};
    use super::*;

    in_every_kind!(
        changes_and_added_lines_are_those_git_shows,
        a_file_that_was_only_moved_adds_no_line,
        a_merge_says_so_and_adds_no_line,
        limits_leave_out_and_say_so,
        at_the_boundary_of_a_shallow_clone_nothing_is_claimed,
        in_a_partial_clone_what_is_not_here_is_left_out_and_never_fetched,
        two_trees_are_compared_without_reading_what_they_share,
    );

    /// What `git show` marks with `+`: path, line number, text.
    fn added_by_git(sandbox: &Sandbox, commit: Oid) -> Vec<(String, u32, String)> {
        let shown = sandbox.git(&[
            "-c",
            "core.quotePath=false",
            "show",
            "--first-parent",
            "--format=",
            "-U0",
            "--no-renames",
            "--no-ext-diff",
            "--ignore-submodules",
            &commit.to_string(),
        ]);
        let (mut path, mut number, mut link, mut found) = (String::new(), 0, false, Vec::new());
        for line in shown.lines() {
            if let Some(name) = line.strip_prefix("+++ b/") {
                path = name.trim_end_matches('\t').to_owned();
            } else if line.starts_with("diff --git") {
                (link, number) = (false, 0);
            } else if line.contains("mode 120000") || line.ends_with(" 120000") {
                link = true;
            } else if let Some(hunk) = line.strip_prefix("@@ ") {
                let start = hunk.split('+').nth(1).unwrap().split([',', ' ']).next().unwrap();
                number = start.parse().unwrap();
            } else if let Some(text) = line.strip_prefix('+').filter(|_| number > 0) {
                if !link {
                    found.push((path.clone(), number, text.trim_end_matches('\r').to_owned()));
                }
                number += 1;
            }
        }
        found
    }

    fn added(repo: &Repo, commit: Oid) -> Vec<(String, u32, String)> {
        let found = repo.added_lines(commit, DiffLimits::default()).unwrap();
        assert!(!found.truncated);
        let lines = found.files.into_iter().flat_map(|file| {
            let path = String::from_utf8(file.path).unwrap();
            file.lines.into_iter().map(move |line| (path.clone(), line.number, line.text))
        });
        lines.collect()
    }

    fn changed_by_git(sandbox: &Sandbox, commit: Oid) -> Vec<String> {
        let arguments = [
            "-c",
            "core.quotePath=false",
            "diff-tree",
            "-r",
            "--root",
            "--no-commit-id",
            "--no-renames",
            "--name-status",
            &commit.to_string(),
        ];
        sandbox.git(&arguments).lines().map(|line| line.replace("T\t", "M\t")).collect()
    }

    fn changed(repo: &Repo, commit: Oid) -> Vec<String> {
        let found = repo.changed_files(commit, DiffLimits::default()).unwrap();
        assert!(!found.changes.truncated && !found.merge);
        let line = |file: &ChangedFile| {
            let letter = match file.status {
                ChangeStatus::Added => 'A',
                ChangeStatus::Modified => 'M',
                ChangeStatus::Deleted => 'D',
            };
            format!("{letter}\t{}", String::from_utf8_lossy(&file.path))
        };
        found.changes.files.iter().map(line).collect()
    }

    fn changes_and_added_lines_are_those_git_shows() {
        let sandbox = Sandbox::new();
        let write = |path: &str, content: &[u8]| sandbox.write(path, content);
        write("a.txt", b"one\ntwo\nthree\nfour\nfive\n");
        write("dir/b.txt", b"x\r\ny\r\n");
        write("dir.txt", b"sorts before dir/");
        write("grün", "grün\n".as_bytes());
        write("bin", b"a\0b\n");
        write("empty", b"");
        let mut commits = vec![sandbox.commit_at("root", 1_700_000_000)];
        write("a.txt", b"zero\none\ntwo\n3\nfour\nfive\nsix");
        write("dir/b.txt", b"x\r\nz\r\ny\r\n");
        write("bin", b"a\0c\n");
        write("new/deep/er.txt", b"1\n2");
        std::fs::remove_file(sandbox.path().join("grün")).unwrap();
        commits.push(sandbox.commit_at("edit", 1_700_000_010));
        // A file becomes a folder, and a folder a file.
        std::fs::remove_file(sandbox.path().join("a.txt")).unwrap();
        write("a.txt/inner", b"inner\n");
        std::fs::remove_dir_all(sandbox.path().join("new")).unwrap();
        write("new", b"now a file\n");
        commits.push(sandbox.commit_at("kinds", 1_700_000_020));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("somewhere", sandbox.path().join("link")).unwrap();
            std::fs::remove_file(sandbox.path().join("dir.txt")).unwrap();
            std::os::unix::fs::symlink("elsewhere", sandbox.path().join("dir.txt")).unwrap();
            commits.push(sandbox.commit_at("links", 1_700_000_030));
        }
        sandbox.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{},sub", commits[0])]);
        sandbox.git(&["commit", "-q", "-m", "submodule"]);
        commits.push(sandbox.git(&["rev-parse", "HEAD"]).parse().unwrap());
        commits.push(sandbox.commit_at("nothing", 1_700_000_040));
        let repo = sandbox.open();
        for commit in commits {
            assert_eq!(changed(&repo, commit), changed_by_git(&sandbox, commit));
            let mut expected = added_by_git(&sandbox, commit);
            expected.sort_by(|one, two| one.0.cmp(&two.0));
            assert_eq!(added(&repo, commit), expected);
        }
    }

    fn a_file_that_was_only_moved_adds_no_line() {
        let sandbox = Sandbox::new();
        sandbox.commit_file("old", "a\nb\n");
        sandbox.git(&["mv", "old", "new"]);
        let commit = sandbox.commit_at("move", 1_700_000_010);
        assert_eq!(added(&sandbox.open(), commit), []);
        assert_eq!(changed(&sandbox.open(), commit), ["A\tnew", "D\told"]);
    }

    fn a_merge_says_so_and_adds_no_line() {
        let sandbox = Sandbox::new();
        sandbox.commit_file("a", "1\n");
        sandbox.git(&["checkout", "-q", "-b", "side"]);
        sandbox.commit_file("b", "2\n");
        sandbox.git(&["checkout", "-q", "main"]);
        sandbox.git(&["merge", "-q", "--no-ff", "-m", "m", "side"]);
        let repo = sandbox.open();
        let merge = repo.rev_parse("HEAD").unwrap();
        let found = repo.changed_files(merge, DiffLimits::default()).unwrap();
        assert!(found.merge);
        assert_eq!(found.changes.files[0].path, b"b");
        assert_eq!(repo.added_lines(merge, DiffLimits::default()).unwrap(), CommitLines::default());
    }

    fn limits_leave_out_and_say_so() {
        let sandbox = Sandbox::new();
        sandbox.write("a", "1234567890\n1234567890\n");
        sandbox.write("b", "1\n");
        sandbox.write("c", "1\n");
        let commit = sandbox.commit_at("m", 1_700_000_000);
        let repo = sandbox.open();
        let lines = |limits: DiffLimits| {
            let found = repo.added_lines(commit, limits).unwrap();
            let paths: Vec<_> =
                found.files.iter().map(|file| String::from_utf8_lossy(&file.path).into_owned()).collect();
            (paths.concat(), found.truncated)
        };
        let all = DiffLimits::default();
        assert_eq!(lines(all), ("abc".to_owned(), false));
        assert_eq!(lines(DiffLimits { file_size: 10, ..all }), ("bc".to_owned(), true));
        assert_eq!(lines(DiffLimits { files: 2, ..all }), ("ab".to_owned(), true));
        assert_eq!(lines(DiffLimits { bytes: 15, ..all }), ("bc".to_owned(), true), "a small one still fits");
    }

    fn at_the_boundary_of_a_shallow_clone_nothing_is_claimed() {
        let sandbox = Sandbox::new();
        sandbox.commit_file("a", "1\n");
        sandbox.commit_file("a", "2\n");
        let url = format!("file://{}", sandbox.path().display());
        sandbox.git_in(sandbox.home(), &["clone", "-q", "--depth=1", &url, "shallow"]);
        let repo = sandbox.open_in(&sandbox.home().join("shallow"));
        let found = repo.changed_files(repo.rev_parse("HEAD").unwrap(), DiffLimits::default()).unwrap();
        assert_eq!(found, CommitChanges { changes: Changes { files: Vec::new(), truncated: true }, merge: false });
    }

    fn in_a_partial_clone_what_is_not_here_is_left_out_and_never_fetched() {
        let sandbox = Sandbox::new();
        sandbox.git(&["config", "uploadpack.allowFilter", "true"]);
        let commit = sandbox.commit_file("a", "1\n");
        let url = format!("file://{}", sandbox.path().display());
        sandbox.git_in(sandbox.home(), &["clone", "-q", "--no-checkout", "--filter=blob:none", &url, "partial"]);
        let repo = sandbox.open_in(&sandbox.home().join("partial"));
        assert_eq!(changed(&repo, commit), ["A\ta"]);
        let found = repo.added_lines(commit, DiffLimits::default()).unwrap();
        assert_eq!(found, CommitLines { files: Vec::new(), truncated: true });
        let blob = repo.lookup(repo.commit(commit).unwrap().tree, b"a").unwrap().unwrap().oid;
        assert!(!repo.has(blob).unwrap());
    }

    fn two_trees_are_compared_without_reading_what_they_share() {
        let sandbox = Sandbox::new();
        sandbox.write("same/x", "1");
        sandbox.write("other/y", "1");
        let old = sandbox.commit_at("old", 1_700_000_000);
        sandbox.write("other/y", "2");
        let new = sandbox.commit_at("new", 1_700_000_010);
        let repo = sandbox.open();
        let tree = |commit| repo.commit(commit).unwrap().tree;
        let shared = repo.lookup(tree(old), b"same").unwrap().unwrap().oid.to_string();
        std::fs::remove_file(repo.common_dir().join("objects").join(&shared[..2]).join(&shared[2..])).unwrap();
        let repo = sandbox.open();
        let found = repo.tree_changes(Some(tree(old)), Some(tree(new)), 10).unwrap();
        assert_eq!((found.files.len(), found.truncated), (1, false));
        assert!(repo.tree_changes(None, Some(tree(new)), 10).unwrap().truncated, "here it is needed, and not there");
    }
}
