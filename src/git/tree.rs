//! Changing a tree without reading all of it.

use std::collections::BTreeMap;

use super::tree_data;
use super::{EntryKind, ObjectBatch, Oid, Repo, Result, TreeEntry};

/// A tree being changed. Only the subtrees on changed paths are read, and only changed ones are written: one new
/// path in a ledger of 100,000 sessions costs five small trees.
pub struct TreeEditor<'repo> {
    repo: &'repo Repo,
    /// What the root is to be read from; `None` once it is read.
    base: Option<Oid>,
    root: Node,
}

/// A subtree that was read or made. A name is in one of the two maps.
#[derive(Default)]
struct Node {
    /// What it was read from; `None` for a new one and one that has changed.
    unchanged: Option<Oid>,
    entries: BTreeMap<Vec<u8>, (EntryKind, Oid)>,
    open: BTreeMap<Vec<u8>, Node>,
}

impl ObjectBatch<'_> {
    /// Adds a tree of these entries, each of one path part, and gives its id.
    ///
    /// # Errors
    /// [`super::Error::BadPath`] for a name that git would refuse; as [`ObjectBatch::blob`].
    pub fn folder(&mut self, entries: &[TreeEntry]) -> Result<Oid> {
        for entry in entries {
            tree_data::check_name(&entry.name)?;
        }
        self.tree(tree_data::build(entries.iter().map(|entry| (entry.name.as_slice(), entry.kind, entry.oid))))
    }
}

impl<'repo> TreeEditor<'repo> {
    /// Begins with a stored tree, or with an empty one. Nothing is read yet.
    pub fn new(repo: &'repo Repo, base: Option<Oid>) -> Self {
        Self { repo, base, root: Node::default() }
    }

    /// Puts an entry at a path (parts joined by `/`). Folders on the way are made; what was there, even a file where a
    /// folder must be, is replaced.
    ///
    /// # Errors
    /// [`super::Error::BadPath`] for a path that git would refuse; as [`Repo::list`], for the trees on the way.
    pub fn insert(&mut self, path: &[u8], kind: EntryKind, oid: Oid) -> Result<()> {
        let mut parts = tree_data::writable_parts(path)?.peekable();
        let (repo, mut node) = (self.repo, self.root()?);
        while let Some(part) = parts.next() {
            node.unchanged = None;
            if parts.peek().is_none() {
                node.open.remove(part);
                node.entries.insert(part.to_vec(), (kind, oid));
                break;
            }
            node = node.open_or_make(repo, part)?;
        }
        Ok(())
    }

    /// Removes what lies at a path, a file or a whole folder; folders that this leaves empty go too. Says whether
    /// anything was there.
    ///
    /// # Errors
    /// As [`Repo::lookup`].
    pub fn remove(&mut self, path: &[u8]) -> Result<bool> {
        let parts: Vec<&[u8]> = tree_data::parts(path)?.collect();
        let repo = self.repo;
        self.root()?.remove(repo, &parts)
    }

    /// The file that lies at a path now, changes included; `None` for nothing and for a folder.
    ///
    /// # Errors
    /// As [`Repo::lookup`].
    pub fn get(&mut self, path: &[u8]) -> Result<Option<(EntryKind, Oid)>> {
        let mut parts = tree_data::parts(path)?.peekable();
        let (repo, mut node) = (self.repo, self.root()?);
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return Ok(node.entries.get(part).copied().filter(|(kind, _)| *kind != EntryKind::Tree));
            }
            match node.open(repo, part)? {
                Some(next) => node = next,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Adds the changed trees to a batch and gives the new root (git's empty tree if nothing is left).
    ///
    /// # Errors
    /// As [`ObjectBatch::blob`].
    pub fn write(self, batch: &mut ObjectBatch<'_>) -> Result<Oid> {
        if let Some(base) = self.base {
            return Ok(base);
        }
        match self.root.write(batch)? {
            Some(root) => Ok(root),
            None => batch.tree(Vec::new()),
        }
    }

    fn root(&mut self) -> Result<&mut Node> {
        if let Some(base) = self.base {
            self.root = Node::read(self.repo, base)?;
            self.base = None;
        }
        Ok(&mut self.root)
    }
}

impl Node {
    fn read(repo: &Repo, oid: Oid) -> Result<Self> {
        // A name with a slash is none that git would write: it does not stay in a tree that is written anew.
        let entries = repo.tree_entries(oid)?.into_iter().filter(|entry| !entry.name.contains(&b'/'));
        let entries = entries.map(|TreeEntry { name, kind, oid }| (name, (kind, oid))).collect();
        Ok(Self { unchanged: Some(oid), entries, open: BTreeMap::new() })
    }

    /// The subtree of that name, read if need be; `None` if there is none.
    fn open(&mut self, repo: &Repo, name: &[u8]) -> Result<Option<&mut Self>> {
        if let Some((EntryKind::Tree, oid)) = self.entries.get(name) {
            let node = Self::read(repo, *oid)?;
            self.entries.remove(name);
            self.open.insert(name.to_vec(), node);
        }
        Ok(self.open.get_mut(name))
    }

    /// The subtree of that name, made if need be, in place of a file if there was one.
    fn open_or_make(&mut self, repo: &Repo, name: &[u8]) -> Result<&mut Self> {
        self.open(repo, name)?;
        self.entries.remove(name);
        Ok(self.open.entry(name.to_vec()).or_default())
    }

    fn remove(&mut self, repo: &Repo, parts: &[&[u8]]) -> Result<bool> {
        let removed = match parts {
            [] => false,
            [name] => self.entries.remove(*name).is_some() || self.open.remove(*name).is_some(),
            [name, below @ ..] => {
                let Some(node) = self.open(repo, name)? else { return Ok(false) };
                let removed = node.remove(repo, below)?;
                if node.entries.is_empty() && node.open.is_empty() {
                    self.open.remove(*name);
                }
                removed
            }
        };
        if removed {
            self.unchanged = None;
        }
        Ok(removed)
    }

    /// `None` for a folder with nothing in it, which git does not store.
    fn write(self, batch: &mut ObjectBatch<'_>) -> Result<Option<Oid>> {
        if let Some(oid) = self.unchanged {
            return Ok(Some(oid));
        }
        let mut entries: Vec<_> = self.entries.into_iter().map(|(name, (kind, oid))| (name, kind, oid)).collect();
        for (name, node) in self.open {
            entries.extend(node.write(batch)?.map(|oid| (name, EntryKind::Tree, oid)));
        }
        if entries.is_empty() {
            return Ok(None);
        }
        let entries = entries.iter().map(|(name, kind, oid)| (name.as_slice(), *kind, *oid));
        batch.tree(tree_data::build(entries)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::Error;
    use super::super::testing::{Sandbox, in_every_kind};
    use super::*;

    in_every_kind!(
        a_tree_of_entries_is_the_one_git_writes,
        only_the_trees_on_the_path_are_written,
        what_is_not_changed_is_not_written_and_an_empty_folder_does_not_stay,
        an_entry_can_name_an_object_that_is_not_here,
        a_path_git_would_refuse_is_refused,
    );

    fn stored(
        sandbox: &Sandbox,
        edit: impl FnOnce(&mut TreeEditor<'_>, &mut ObjectBatch<'_>),
        base: Option<Oid>,
    ) -> Oid {
        let repo = sandbox.open();
        let mut batch = repo.batch();
        let mut editor = TreeEditor::new(&repo, base);
        edit(&mut editor, &mut batch);
        let tree = editor.write(&mut batch).unwrap();
        batch.finish().unwrap();
        tree
    }

    /// The tree that git makes of these files.
    fn by_git(sandbox: &Sandbox, files: &BTreeMap<String, (EntryKind, Oid)>) -> String {
        let mode = |kind: &EntryKind| if *kind == EntryKind::Executable { "100755" } else { "100644" };
        let lines = files.iter().map(|(path, (kind, oid))| format!("{} {oid} 0\t{path}\n", mode(kind)));
        let index = sandbox.path().join("test-index");
        let _ = std::fs::remove_file(&index);
        let mut update = sandbox.command(&sandbox.path(), &["update-index", "--index-info"]);
        super::super::testing::run(update.env("GIT_INDEX_FILE", &index), lines.collect::<String>().as_bytes());
        let mut write = sandbox.command(&sandbox.path(), &["write-tree"]);
        super::super::testing::run(write.env("GIT_INDEX_FILE", &index), b"")
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(8) })]

        #[test]
        fn an_edited_tree_is_the_one_git_writes(
            first in prop::collection::btree_map("[ab]{1,2}(/[ab.0]{1,2}x){0,3}", 0u8..3, 1..12),
            removed in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
            second in prop::collection::btree_map("[ab]{1,2}(/[ab.0]{1,2}x){0,3}", 0u8..3, 0..6),
        ) {
            let sandbox = Sandbox::new();
            let mut files = BTreeMap::new();
            let mut tree = None;
            for (round, (inserted, removed)) in [(first, vec![]), (second, removed)].into_iter().enumerate() {
                tree = Some(stored(&sandbox, |editor, batch| {
                    for index in removed {
                        let paths: Vec<String> = files.keys().cloned().collect();
                        let Some(path) = (!paths.is_empty()).then(|| index.get(&paths)) else { continue };
                        let was_there = files.remove(path).is_some();
                        assert_eq!(editor.remove(path.as_bytes()).unwrap(), was_there);
                    }
                    for (path, content) in inserted {
                        let kind = if content == 0 { EntryKind::Executable } else { EntryKind::File };
                        let oid = batch.blob(format!("{round} {content}")).unwrap();
                        editor.insert(path.as_bytes(), kind, oid).unwrap();
                        // A file and a folder of one name: the later one stays.
                        let below = format!("{path}/");
                        files.retain(|other, _| !other.starts_with(&below) && !path.starts_with(&format!("{other}/")));
                        files.insert(path, (kind, oid));
                    }
                    for (path, file) in &files {
                        assert_eq!(editor.get(path.as_bytes()).unwrap(), Some(*file));
                    }
                }, tree));
                prop_assert_eq!(tree.unwrap().to_string(), by_git(&sandbox, &files));
            }
            sandbox.fsck();
        }
    }

    fn a_tree_of_entries_is_the_one_git_writes() {
        let sandbox = Sandbox::new();
        let blob: Oid = sandbox.git_with_input(&["hash-object", "-w", "--stdin"], b"x").parse().unwrap();
        let repo = sandbox.open();
        let mut batch = repo.batch();
        let entry = |name: &str, kind, oid| TreeEntry { name: name.into(), kind, oid };
        let below = batch.folder(&[entry("x", EntryKind::File, blob)]).unwrap();
        let entries = [entry("a", EntryKind::Tree, below), entry("a.b", EntryKind::File, blob)];
        let tree = batch.folder(&entries).unwrap();
        for name in ["", "a/b", "..", ".GIT", "a\u{7f}"] {
            assert!(
                matches!(batch.folder(&[entry(name, EntryKind::File, blob)]), Err(Error::BadPath { .. })),
                "{name}"
            );
        }
        batch.finish().unwrap();
        let files = ["a/x", "a.b"].map(|path| (path.to_owned(), (EntryKind::File, blob))).into();
        assert_eq!(tree.to_string(), by_git(&sandbox, &files));
    }

    fn only_the_trees_on_the_path_are_written() {
        let sandbox = Sandbox::new();
        let tree = stored(
            &sandbox,
            |editor, batch| {
                for number in 0..50 {
                    let oid = batch.blob(format!("{number}")).unwrap();
                    editor.insert(format!("a/{}/b/{number}", number % 10).as_bytes(), EntryKind::File, oid).unwrap();
                }
            },
            None,
        );
        let repo = sandbox.open();
        let mut batch = repo.batch();
        let mut editor = TreeEditor::new(&repo, Some(tree));
        let oid = batch.blob("new").unwrap();
        editor.insert(b"a/3/b/new", EntryKind::File, oid).unwrap();
        let changed = editor.write(&mut batch).unwrap();
        assert_eq!(batch.finish().unwrap().objects, 5, "one blob and four trees");
        assert_eq!(repo.lookup(changed, b"a/4").unwrap(), repo.lookup(tree, b"a/4").unwrap());
    }

    fn what_is_not_changed_is_not_written_and_an_empty_folder_does_not_stay() {
        let sandbox = Sandbox::new();
        let blob: Oid = sandbox.git_with_input(&["hash-object", "-w", "--stdin"], b"x").parse().unwrap();
        let tree = stored(&sandbox, |editor, _| editor.insert(b"a/b/c", EntryKind::File, blob).unwrap(), None);
        let repo = sandbox.open();
        let mut batch = repo.batch();
        let mut editor = TreeEditor::new(&repo, Some(tree));
        assert!(editor.get(b"a/b/c").unwrap().is_some());
        assert_eq!(editor.get(b"a/b").unwrap(), None, "a folder is no file");
        assert!(!editor.remove(b"a/b/d").unwrap());
        assert!(!editor.remove(b"x/y").unwrap());
        assert_eq!(editor.write(&mut batch).unwrap(), tree);
        assert_eq!(batch.finish().unwrap().objects, 0);
        let emptied = stored(&sandbox, |editor, _| assert!(editor.remove(b"a/b/c").unwrap()), Some(tree));
        assert_eq!(emptied.to_string(), sandbox.git(&["hash-object", "-t", "tree", "/dev/null"]), "git's empty tree");
        sandbox.fsck();
    }

    fn an_entry_can_name_an_object_that_is_not_here() {
        // A partial clone has trees whose blobs it never fetched; nothing may be asked of a remote for them.
        let sandbox = Sandbox::new();
        let absent = sandbox.oid("12");
        let tree = stored(&sandbox, |editor, _| editor.insert(b"a/absent", EntryKind::File, absent).unwrap(), None);
        let grown = stored(
            &sandbox,
            |editor, batch| {
                let oid = batch.blob("here").unwrap();
                editor.insert(b"a/here", EntryKind::File, oid).unwrap();
            },
            Some(tree),
        );
        let repo = sandbox.open();
        let names: BTreeSet<_> =
            repo.walk(grown, b"", 10).unwrap().entries.into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, BTreeSet::from([b"a/absent".to_vec(), b"a/here".to_vec()]));
        assert!(matches!(repo.blob(absent, 100), Err(Error::Missing(oid)) if oid == absent));
    }

    fn a_path_git_would_refuse_is_refused() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open();
        let mut editor = TreeEditor::new(&repo, None);
        for path in ["", "/a", "a//b", "a/../b", "a/.git/b"] {
            let inserted = editor.insert(path.as_bytes(), EntryKind::File, "11".repeat(20).parse().unwrap());
            assert!(matches!(inserted, Err(Error::BadPath { .. })), "{path:?}");
        }
    }
}
