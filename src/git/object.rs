//! Reading objects. Everything is looked at before it is read (kind and size), and nothing is ever asked of a
//! remote: in a shallow or partial clone a missing object is [`Error::Missing`], not a download.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use git2::ObjectType;

use super::tree_data::{self, RawEntry};
use super::{Error, Oid, Repo, Result};

/// A tree larger than this is not read: half a million entries are an attack or a mistake.
const MAX_TREE: u64 = 32 << 20;
/// How many large trees are kept, and what is one: smaller ones libgit2 keeps by itself, still larger ones nobody.
const KEPT: usize = 4;
const LARGE: std::ops::RangeInclusive<usize> = 4 << 10..=4 << 20;
/// A commit or tag larger than this is not read.
const MAX_COMMIT: u64 = 4 << 20;
/// Folders within folders that a walk enters.
const MAX_DEPTH: usize = 32;

/// The large trees that were looked into last, so that thousands of paths in one folder are found without reading it
/// thousands of times.
#[derive(Default)]
pub(super) struct LargeTrees(RefCell<VecDeque<(Oid, Rc<[u8]>)>>);

/// What kind an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// Bytes.
    Blob,
    /// A folder.
    Tree,
    /// A commit.
    Commit,
    /// An annotated tag.
    Tag,
}

/// What is known of an object without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectHeader {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its size in bytes.
    pub size: u64,
}

/// What a tree entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A folder (040000).
    Tree,
    /// A file (100644).
    File,
    /// An executable file (100755).
    Executable,
    /// A symbolic link (120000).
    Link,
    /// A commit of a submodule (160000): not an object of this repository.
    Submodule,
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// The name (one path part), exact bytes. In a [`Walk`], the path below the walk's root.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Its object.
    pub oid: Oid,
}

/// A bounded walk of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// The entries that are not folders, with their path below the root of the walk as name, in git's order.
    pub entries: Vec<TreeEntry>,
    /// Whether a bound cut it short.
    pub truncated: bool,
}

impl ObjectKind {
    /// git's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Tree => "tree",
            Self::Commit => "commit",
            Self::Tag => "tag",
        }
    }

    pub(super) fn to_git(self) -> ObjectType {
        match self {
            Self::Blob => ObjectType::Blob,
            Self::Tree => ObjectType::Tree,
            Self::Commit => ObjectType::Commit,
            Self::Tag => ObjectType::Tag,
        }
    }
}

impl Repo {
    /// Kind and size, without reading the content (of a packed delta: its first bytes).
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Damaged`].
    pub fn header(&self, oid: Oid) -> Result<ObjectHeader> {
        self.backend.header(oid)
    }

    /// Whether the object is here.
    ///
    /// # Errors
    /// [`Error::Git`].
    pub fn has(&self, oid: Oid) -> Result<bool> {
        Ok(self.backend.format().is_of(oid) && self.backend.exists(oid)?)
    }

    /// The bytes of a blob of at most `limit` bytes; the size is looked at before anything is read.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Damaged`], [`Error::WrongKind`], [`Error::TooLarge`].
    pub fn blob(&self, oid: Oid, limit: u64) -> Result<Vec<u8>> {
        self.content(oid, ObjectKind::Blob, limit)
    }

    /// What lies at a path (parts joined by `/`) below a tree; `None` if nothing does. Reads one tree a part.
    ///
    /// # Errors
    /// As [`Repo::blob`], for the trees on the way; [`Error::BadPath`] for an empty path or part.
    pub fn lookup(&self, tree: Oid, path: &[u8]) -> Result<Option<TreeEntry>> {
        let mut found: Option<TreeEntry> = None;
        for part in tree_data::parts(path)? {
            let below = match &found {
                None => tree,
                Some(TreeEntry { kind: EntryKind::Tree, oid, .. }) => *oid,
                Some(_) => return Ok(None),
            };
            let content = self.tree_to_look_into(below)?;
            let mut entry = None;
            for candidate in tree_data::entries(&content, below) {
                let candidate = candidate?;
                if candidate.name == part {
                    entry = Some(candidate.to_entry()?);
                    break;
                }
            }
            match entry {
                None => return Ok(None),
                entry => found = entry,
            }
        }
        Ok(found)
    }

    /// The entries of the folder at a path below a tree, sorted by the bytes of their names; none if there is no such
    /// folder. An empty path is the tree itself.
    ///
    /// # Errors
    /// As [`Repo::lookup`].
    pub fn list(&self, tree: Oid, path: &[u8]) -> Result<Vec<TreeEntry>> {
        let Some(folder) = self.folder(tree, path)? else { return Ok(Vec::new()) };
        let mut entries = self.tree_entries(folder)?;
        entries.sort_by(|one, two| one.name.cmp(&two.name));
        Ok(entries)
    }

    /// All that is no folder below a path of a tree: at most `limit` entries and 32 folders deep. Folders that are not
    /// here (a partial clone) are an error, files that are not here are listed.
    ///
    /// # Errors
    /// As [`Repo::lookup`].
    pub fn walk(&self, tree: Oid, path: &[u8], limit: usize) -> Result<Walk> {
        let mut walk = Walk { entries: Vec::new(), truncated: false };
        if let Some(folder) = self.folder(tree, path)? {
            let mut walker = Walker { repo: self, path: Vec::new(), budget: Budget::for_files(limit), limit, walk };
            walker.enter(folder)?;
            walk = walker.walk;
        }
        Ok(walk)
    }

    /// The tree at a path; `None` if there is none.
    fn folder(&self, tree: Oid, path: &[u8]) -> Result<Option<Oid>> {
        if path.is_empty() {
            return Ok(Some(tree));
        }
        Ok(self.lookup(tree, path)?.filter(|entry| entry.kind == EntryKind::Tree).map(|entry| entry.oid))
    }

    /// The entries of a tree in git's order.
    pub(super) fn tree_entries(&self, tree: Oid) -> Result<Vec<TreeEntry>> {
        let content = self.tree_content(tree)?;
        tree_data::entries(&content, tree).map(|entry| entry?.to_entry()).collect()
    }

    fn tree_to_look_into(&self, tree: Oid) -> Result<Rc<[u8]>> {
        let LargeTrees(kept) = &self.large_trees;
        if let Some((_, content)) = kept.borrow().iter().find(|(oid, _)| *oid == tree) {
            return Ok(Rc::clone(content));
        }
        let content: Rc<[u8]> = self.tree_content(tree)?.into();
        if LARGE.contains(&content.len()) {
            let mut kept = kept.borrow_mut();
            kept.truncate(KEPT - 1);
            kept.push_front((tree, Rc::clone(&content)));
        }
        Ok(content)
    }

    pub(super) fn tree_content(&self, tree: Oid) -> Result<Vec<u8>> {
        self.content(tree, ObjectKind::Tree, MAX_TREE)
    }

    pub(super) fn commit_content(&self, commit: Oid) -> Result<Vec<u8>> {
        self.content(commit, ObjectKind::Commit, MAX_COMMIT)
    }

    fn content(&self, oid: Oid, kind: ObjectKind, limit: u64) -> Result<Vec<u8>> {
        let header = self.backend.header(oid)?;
        if header.kind != kind {
            return Err(Error::WrongKind { oid, wanted: kind.as_str() });
        }
        if header.size > limit {
            return Err(Error::TooLarge { oid, size: header.size, limit });
        }
        self.backend.read(oid)
    }
}

/// A walk on its way.
struct Walker<'repo> {
    repo: &'repo Repo,
    path: Vec<u8>,
    budget: Budget,
    limit: usize,
    walk: Walk,
}

impl Walker<'_> {
    fn enter(&mut self, folder: Oid) -> Result<()> {
        if !self.budget.enter() {
            self.walk.truncated = true;
            return Ok(());
        }
        let content = self.repo.tree_content(folder)?;
        for entry in tree_data::entries(&content, folder) {
            if self.walk.truncated || self.walk.entries.len() >= self.limit {
                self.walk.truncated = true;
                break;
            }
            let entry = entry?;
            let length = self.path.len();
            self.path.extend_from_slice(entry.name);
            if entry.kind == EntryKind::Tree {
                self.path.push(b'/');
                self.enter(entry.oid()?)?;
            } else {
                self.walk.entries.push(TreeEntry { name: self.path.clone(), ..entry.to_entry()? });
            }
            self.path.truncate(length);
        }
        self.budget.leave();
        Ok(())
    }
}

/// How much of a tree may be opened: eight tiny objects can name millions of folders.
pub(super) struct Budget {
    folders: usize,
    depth: usize,
}

impl Budget {
    /// Enough for any honest tree with so many files, 32 folders deep.
    pub fn for_files(files: usize) -> Self {
        Self { folders: files.saturating_mul(4).saturating_add(1024), depth: MAX_DEPTH }
    }

    /// Whether one more folder may be opened, within the ones that are open.
    pub fn enter(&mut self) -> bool {
        match (self.folders.checked_sub(1), self.depth.checked_sub(1)) {
            (Some(folders), Some(depth)) => {
                *self = Self { folders, depth };
                true
            }
            _ => false,
        }
    }

    pub fn leave(&mut self) {
        self.depth += 1;
    }
}

impl RawEntry<'_> {
    fn to_entry(self) -> Result<TreeEntry> {
        Ok(TreeEntry { name: self.name.to_vec(), kind: self.kind, oid: self.oid()? })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Sandbox, in_every_kind};
    use super::*;

    in_every_kind!(
        paths_are_looked_up_and_folders_listed,
        a_walk_gives_whole_paths_and_is_bounded,
        large_folders_are_looked_into_again_and_again,
        a_tree_bomb_is_walked_within_bounds,
        sizes_and_kinds_are_known_before_anything_is_read,
        a_damaged_object_is_named,
    );

    fn tree_of(sandbox: &Sandbox, paths: &[&str]) -> Oid {
        for path in paths {
            sandbox.write(path, path);
        }
        let commit = sandbox.commit_at("m", 1_700_000_000);
        sandbox.open().commit(commit).unwrap().tree
    }

    fn paths_are_looked_up_and_folders_listed() {
        let sandbox = Sandbox::new();
        let tree = tree_of(&sandbox, &["a.txt", "a/b/c", "a/b/d", "a0"]);
        let repo = sandbox.open();
        let kind = |path: &str| repo.lookup(tree, path.as_bytes()).unwrap().map(|entry| entry.kind);
        assert_eq!(kind("a/b/c"), Some(EntryKind::File));
        assert_eq!(kind("a/b"), Some(EntryKind::Tree));
        assert_eq!(kind("a/b/x"), None);
        assert_eq!(kind("a/b/c/x"), None, "below a file there is nothing");
        assert!(matches!(repo.lookup(tree, b""), Err(Error::BadPath { .. })));
        assert!(matches!(repo.lookup(tree, b"a//b"), Err(Error::BadPath { .. })));
        let names = |path: &str| {
            let entries = repo.list(tree, path.as_bytes()).unwrap();
            entries.into_iter().map(|entry| String::from_utf8(entry.name).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(names(""), ["a", "a.txt", "a0"], "by name, where git has a.txt before a/");
        assert_eq!(names("a/b"), ["c", "d"]);
        assert_eq!(names("a/none"), [""; 0]);
        assert_eq!(names("a.txt"), [""; 0]);
    }

    fn large_folders_are_looked_into_again_and_again() {
        let sandbox = Sandbox::new();
        let folders: Vec<String> = (0..=KEPT).map(|folder| folder.to_string()).collect();
        let names: Vec<String> = (0..200).map(|name| format!("name-{name:03}")).collect();
        let paths: Vec<String> =
            folders.iter().flat_map(|folder| names.iter().map(move |name| format!("{folder}/{name}"))).collect();
        let tree = tree_of(&sandbox, &paths.iter().map(String::as_str).collect::<Vec<_>>());
        let repo = sandbox.open();
        let blob = |path: &str| repo.lookup(tree, path.as_bytes()).unwrap().map(|entry| entry.oid);
        // More of them than are kept, one after the other and by turns.
        let by_turns =
            names.iter().step_by(40).flat_map(|name| folders.iter().map(move |folder| format!("{folder}/{name}")));
        for path in paths.iter().step_by(9).cloned().chain(by_turns) {
            let text = repo.blob(blob(&path).unwrap(), 100).unwrap();
            assert_eq!(text, path.as_bytes());
        }
        assert_eq!(blob("0/name-200"), None);
        let LargeTrees(kept) = &repo.large_trees;
        assert_eq!(kept.borrow().len(), KEPT);
    }

    fn a_walk_gives_whole_paths_and_is_bounded() {
        let sandbox = Sandbox::new();
        let tree = tree_of(&sandbox, &["a.txt", "a/b/c", "a/b/d", "a0"]);
        let repo = sandbox.open();
        let names = |walk: &Walk| {
            walk.entries.iter().map(|entry| String::from_utf8(entry.name.clone()).unwrap()).collect::<Vec<_>>()
        };
        let walk = repo.walk(tree, b"", 100).unwrap();
        assert_eq!(
            (names(&walk), walk.truncated),
            (["a.txt", "a/b/c", "a/b/d", "a0"].map(str::to_owned).to_vec(), false)
        );
        let walk = repo.walk(tree, b"a", 1).unwrap();
        assert_eq!((names(&walk), walk.truncated), (vec!["b/c".to_owned()], true));
        let walk = repo.walk(tree, b"none", 1).unwrap();
        assert_eq!((names(&walk), walk.truncated), (Vec::new(), false));
    }

    fn a_tree_bomb_is_walked_within_bounds() {
        // Ten folders that are all the same one, seven times over: ten million paths in eight objects.
        let sandbox = Sandbox::new();
        let repo = sandbox.open();
        let mut batch = repo.batch();
        let mut below = batch.tree(Vec::new()).unwrap();
        for _ in 0..7 {
            let names: Vec<String> = (0..10).map(|number| number.to_string()).collect();
            let entries = names.iter().map(|name| (name.as_bytes(), EntryKind::Tree, below));
            below = batch.tree(tree_data::build(entries)).unwrap();
        }
        let mut deep = below;
        for _ in 0..40 {
            deep = batch.tree(tree_data::build([(b"d".as_slice(), EntryKind::Tree, deep)].into_iter())).unwrap();
        }
        batch.finish().unwrap();
        let walk = repo.walk(below, b"", 100).unwrap();
        assert_eq!((walk.entries.len(), walk.truncated), (0, true), "it has folders only");
        assert!(repo.walk(deep, b"", 100).unwrap().truncated, "deeper than any ledger");
    }

    fn sizes_and_kinds_are_known_before_anything_is_read() {
        let sandbox = Sandbox::new();
        let tree = tree_of(&sandbox, &["12345"]);
        let repo = sandbox.open();
        let blob = repo.lookup(tree, b"12345").unwrap().unwrap().oid;
        assert_eq!(repo.header(blob).unwrap(), ObjectHeader { kind: ObjectKind::Blob, size: 5 });
        assert_eq!(repo.header(tree).unwrap().kind, ObjectKind::Tree);
        assert_eq!(repo.blob(blob, 5).unwrap(), b"12345");
        assert!(matches!(repo.blob(blob, 4), Err(Error::TooLarge { size: 5, limit: 4, .. })));
        assert!(matches!(repo.blob(tree, 100), Err(Error::WrongKind { wanted: "blob", .. })));
        assert!(matches!(repo.list(blob, b""), Err(Error::WrongKind { wanted: "tree", .. })));
        assert!(matches!(repo.commit(tree), Err(Error::WrongKind { wanted: "commit", .. })));
        let absent = sandbox.oid("12");
        assert!(!repo.has(absent).unwrap());
        assert!(matches!(repo.header(absent), Err(Error::Missing(oid)) if oid == absent));
        // An id of the other object format.
        let length = if absent.as_bytes().len() == 20 { 32 } else { 20 };
        let other: Oid = "12".repeat(length).parse().unwrap();
        assert!(!repo.has(other).unwrap());
        assert!(matches!(repo.header(other), Err(Error::Missing(oid)) if oid == other));
    }

    fn a_damaged_object_is_named() {
        let sandbox = Sandbox::new();
        let tree = tree_of(&sandbox, &["a"]);
        let repo = sandbox.open();
        let path = |oid: Oid| {
            let name = oid.to_string();
            repo.common_dir().join("objects").join(&name[..2]).join(&name[2..])
        };
        let blob = repo.lookup(tree, b"a").unwrap().unwrap().oid;
        let other = repo.batch();
        drop(other);
        // The bytes of another object under this name: the id does not match.
        std::fs::remove_file(path(blob)).unwrap();
        std::fs::copy(path(tree), path(blob)).unwrap();
        let read = sandbox.open().blob(blob, 1000);
        assert!(matches!(read, Err(Error::WrongKind { oid, .. } | Error::Damaged { oid, .. }) if oid == blob));
        let second: Oid = sandbox.git_with_input(&["hash-object", "-w", "--stdin"], b"second").parse().unwrap();
        std::fs::remove_file(path(blob)).unwrap();
        std::fs::copy(path(second), path(blob)).unwrap();
        assert!(matches!(sandbox.open().blob(blob, 1000), Err(Error::Damaged { oid, .. }) if oid == blob));
        std::fs::remove_file(path(blob)).unwrap();
        std::fs::write(path(blob), "garbage").unwrap();
        assert!(matches!(sandbox.open().blob(blob, 1000), Err(Error::Damaged { oid, .. }) if oid == blob));
    }
}
