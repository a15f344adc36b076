//! The tree of a notes ref (git-notes(1)): one blob for each object that has a note.
//!
//! A note lies at the id of its object, cut into folders of two digits as often as git found it useful: `ab/cd/ef01...` as
//! well as `abcdef01...`. git reads every mixture of these. What is no note is left where it is.

use std::collections::BTreeSet;

use super::{EntryKind, Error, ObjectBatch, Oid, Repo, Result, TreeEditor};

/// A tree with more notes than this has folders of two digits, and folders in them from its square on.
const FLAT: usize = 256;
/// Folders within folders.
const DEEPEST: usize = 19;

/// The notes of one tree, and changes to them. Each object is looked up before it is changed, and changed once.
pub struct NotesTree<'repo> {
    repo: &'repo Repo,
    root: Option<Oid>,
    levels: usize,
    editor: TreeEditor<'repo>,
    changed: bool,
}

/// A blob that is, or is part of, the note of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteBlob {
    /// Where it lies.
    pub path: Vec<u8>,
    /// What it is.
    pub oid: Oid,
}

impl<'repo> NotesTree<'repo> {
    /// Opens a tree, or an empty one, to which about so many notes are to be added.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub fn new(repo: &'repo Repo, root: Option<Oid>, more: usize) -> Result<Self> {
        let levels = levels(repo, root, more)?;
        Ok(Self { repo, root, levels, editor: TreeEditor::new(repo, root), changed: false })
    }

    /// The blobs of an object's note, as the tree was when it was opened: one, unless two histories were put together.
    ///
    /// # Errors
    /// As [`Repo::lookup`].
    pub fn get(&self, object: Oid) -> Result<Vec<NoteBlob>> {
        let mut found = Vec::new();
        if let Some(root) = self.root {
            find(self.repo, root, &object.to_string(), &mut Vec::new(), &mut found)?;
        }
        Ok(found)
    }

    /// Gives an object this note, instead of `old`, what [`NotesTree::get`] found.
    ///
    /// # Errors
    /// As [`TreeEditor::insert`].
    pub fn set(&mut self, batch: &mut ObjectBatch<'_>, object: Oid, old: &[NoteBlob], text: Vec<u8>) -> Result<()> {
        let path = match old.first() {
            Some(known) => known.path.clone(),
            None => self.new_path(object)?,
        };
        for other in old.iter().skip(1) {
            self.editor.remove(&other.path)?;
        }
        let blob = batch.blob(text)?;
        self.changed = true;
        self.editor.insert(&path, EntryKind::File, blob)
    }

    /// Takes a note away: `old` is what [`NotesTree::get`] found.
    ///
    /// # Errors
    /// As [`TreeEditor::remove`].
    pub fn remove(&mut self, old: &[NoteBlob]) -> Result<()> {
        for blob in old {
            self.changed |= self.editor.remove(&blob.path)?;
        }
        Ok(())
    }

    /// Whether anything was changed.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Adds the changed trees to a batch and gives the new root.
    ///
    /// # Errors
    /// As [`TreeEditor::write`].
    pub fn write(self, batch: &mut ObjectBatch<'_>) -> Result<Oid> {
        self.editor.write(batch)
    }

    /// Where a new note goes: as deep as the others are, and never in place of something that is no folder.
    fn new_path(&self, object: Oid) -> Result<Vec<u8>> {
        let (mut path, hex) = (Vec::new(), object.to_string());
        let mut rest = hex.as_str();
        for _ in 0..self.levels {
            let Some((head, tail)) = rest.split_at_checked(2) else { break };
            let folder = [path.as_slice(), head.as_bytes()].concat();
            let there = self.root.map(|root| self.repo.lookup(root, &folder)).transpose()?.flatten();
            if there.is_some_and(|entry| entry.kind != EntryKind::Tree) {
                break;
            }
            path = [folder.as_slice(), b"/"].concat();
            rest = tail;
        }
        path.extend_from_slice(rest.as_bytes());
        Ok(path)
    }
}

/// The objects that have a note.
///
/// # Errors
/// As [`Repo::tree_changes`]; [`Error::Damaged`] for more than `limit` notes.
pub fn noted(repo: &Repo, root: Oid, limit: usize) -> Result<BTreeSet<Oid>> {
    notes_between(repo, None, Some(root), limit)
}

/// The objects whose notes are not the same in two trees. Equal subtrees are not read.
///
/// # Errors
/// As [`Repo::tree_changes`]; [`Error::Damaged`] for more than `limit` of them: a tree made to exhaust readers.
pub fn notes_between(repo: &Repo, old: Option<Oid>, new: Option<Oid>, limit: usize) -> Result<BTreeSet<Oid>> {
    let changes = repo.tree_changes(old, new, limit)?;
    match new.or(old).filter(|_| changes.truncated) {
        Some(oid) => Err(Error::Damaged { oid, reason: "more notes than can be read, or not all are here".to_owned() }),
        None => Ok(changes.files.iter().filter_map(|file| object_of(&file.path)).collect()),
    }
}

/// The object whose note lies at a path; `None` if it is no path of a note.
fn object_of(path: &[u8]) -> Option<Oid> {
    let mut parts = path.split(|byte| *byte == b'/').rev();
    let is_hex = |part: &[u8]| part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let last = parts.next()?;
    let hex: Vec<u8> = path.iter().copied().filter(|byte| *byte != b'/').collect();
    (is_hex(last) && parts.all(|part| part.len() == 2 && is_hex(part))).then_some(())?;
    str::from_utf8(&hex).ok()?.parse().ok()
}

fn find(repo: &Repo, tree: Oid, rest: &str, path: &mut Vec<u8>, found: &mut Vec<NoteBlob>) -> Result<()> {
    let here = repo.lookup(tree, rest.as_bytes())?;
    if let Some(entry) = here.filter(|entry| entry.kind != EntryKind::Tree) {
        found.push(NoteBlob { path: [path.as_slice(), rest.as_bytes()].concat(), oid: entry.oid });
    }
    let Some((head, tail)) = rest.split_at_checked(2).filter(|(_, tail)| !tail.is_empty()) else { return Ok(()) };
    if let Some(folder) = repo.lookup(tree, head.as_bytes())?.filter(|entry| entry.kind == EntryKind::Tree) {
        let length = path.len();
        path.extend_from_slice(head.as_bytes());
        path.push(b'/');
        find(repo, folder.oid, tail, path, found)?;
        path.truncate(length);
    }
    Ok(())
}

/// How deep the folders for new notes are: as deep as those that are there, and as many notes want it.
fn levels(repo: &Repo, root: Option<Oid>, more: usize) -> Result<usize> {
    let (mut levels, mut notes, mut folders) = (0, 0_usize, 1_usize);
    let mut at = root;
    while let Some(tree) = at.filter(|_| levels < DEEPEST) {
        let entries = repo.list(tree, b"")?;
        let inner: Vec<_> =
            entries.iter().filter(|entry| entry.kind == EntryKind::Tree && entry.name.len() == 2).collect();
        notes = notes.saturating_add(folders.saturating_mul(entries.len() - inner.len()));
        at = inner.first().map(|entry| entry.oid);
        if !inner.is_empty() {
            folders = folders.saturating_mul(inner.len());
            levels += 1;
        }
    }
    let all = notes.saturating_add(more);
    let wanted = if all > FLAT * FLAT { 2 } else { usize::from(all > FLAT) };
    Ok(levels.max(wanted))
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;
    use super::super::{HiddenRef, Identity, NewCommit, RefName, Signature, Update};
    use super::*;

    const NOTES: &str = "refs/notes/opensession";

    /// Writes notes on top of the ref's.
    fn write(sandbox: &Sandbox, notes: &[(Oid, Option<&str>)]) {
        let repo = sandbox.open();
        let name = HiddenRef::new(RefName::new(NOTES).unwrap()).unwrap();
        let tip = repo.read_ref(name.name()).unwrap();
        let root = tip.map(|tip| repo.commit(tip).unwrap().tree);
        let mut batch = repo.batch();
        let mut tree = NotesTree::new(&repo, root, notes.len()).unwrap();
        for (object, text) in notes {
            let old = tree.get(*object).unwrap();
            match text {
                Some(text) => tree.set(&mut batch, *object, &old, text.as_bytes().to_vec()).unwrap(),
                None => tree.remove(&old).unwrap(),
            }
        }
        assert!(tree.is_changed());
        let tree = tree.write(&mut batch).unwrap();
        let who = Signature { identity: Identity::new("N", "e@x"), time: 1_700_000_000, offset: 0 };
        let parents: Vec<Oid> = tip.into_iter().collect();
        let new = NewCommit { tree, parents: &parents, author: &who, committer: &who, message: "notes" };
        let commit = batch.commit(&new).unwrap();
        batch.finish().unwrap();
        let far = std::time::Instant::now() + std::time::Duration::from_secs(60);
        assert_eq!(repo.update_ref(&name, tip.into(), Some(commit), "m", None, far).unwrap(), Update::Moved);
        sandbox.fsck();
    }

    fn object(n: usize) -> Oid {
        let spread = (n as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        format!("{spread:032x}{n:08x}").parse().unwrap()
    }

    fn root(sandbox: &Sandbox) -> Oid {
        let repo = sandbox.open();
        let tip = repo.read_ref(&RefName::new(NOTES).unwrap()).unwrap().unwrap();
        repo.commit(tip).unwrap().tree
    }

    #[test]
    fn git_reads_what_is_written_and_the_other_way_round() {
        let sandbox = Sandbox::new();
        let tip = sandbox.commit_file("a", "1");
        write(&sandbox, &[(tip, Some("ours\n"))]);
        assert_eq!(sandbox.git(&["notes", "--ref=opensession", "show"]), "ours");
        assert!(sandbox.git(&["log", "--notes=opensession"]).contains("    ours"));
        sandbox.git(&["notes", "--ref=opensession", "append", "-m", "theirs"]);
        let repo = sandbox.open();
        let notes = NotesTree::new(&repo, Some(root(&sandbox)), 0).unwrap();
        let blob = notes.get(tip).unwrap().remove(0);
        assert_eq!(repo.blob(blob.oid, 100).unwrap(), b"ours\n\ntheirs\n");
        write(&sandbox, &[(tip, None)]);
        assert_eq!(sandbox.git(&["notes", "--ref=opensession", "list"]), "");
    }

    #[test]
    fn many_notes_are_in_folders_and_git_finds_each() {
        let sandbox = Sandbox::new();
        let few: Vec<_> = (0..100).map(|n| (object(n), Some("few\n"))).collect();
        write(&sandbox, &few);
        let many: Vec<_> = (90..400).map(|n| (object(n), Some("many\n"))).collect();
        write(&sandbox, &many);
        let listed = sandbox.git(&["notes", "--ref=opensession", "list"]);
        assert_eq!(listed.lines().count(), 400);
        let names = sandbox.git(&["ls-tree", "--name-only", NOTES]);
        assert!(names.lines().any(|name| name.len() == 2) && names.lines().any(|name| name.len() == 40));
        let repo = sandbox.open();
        let notes = noted(&repo, root(&sandbox), 1000).unwrap();
        assert_eq!(notes, (0..400).map(object).collect());
        assert!(noted(&repo, root(&sandbox), 100).is_err(), "more than are to be read");
        // git writes them anew in its own way, and they are found all the same.
        sandbox.git(&["notes", "--ref=opensession", "add", "-m", "by git", &sandbox.commit_file("a", "1").to_string()]);
        assert_eq!(noted(&repo, root(&sandbox), 1000).unwrap().len(), 401);
        let tree = NotesTree::new(&repo, Some(root(&sandbox)), 0).unwrap();
        assert_eq!(tree.get(object(399)).unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_note_stays_where_it_is() {
        let sandbox = Sandbox::new();
        let tip = sandbox.commit_file("README", "not a note");
        sandbox.git(&["update-ref", NOTES, "HEAD"]);
        write(&sandbox, &[(tip, Some("a note\n"))]);
        assert_eq!(sandbox.git(&["show", &format!("{NOTES}:README")]), "not a note");
        assert_eq!(sandbox.git(&["notes", "--ref=opensession", "show"]), "a note");
        assert_eq!(object_of(b"README"), None);
        assert_eq!(object_of(format!("abc/{}", "0".repeat(37)).as_bytes()), None);
    }

    #[test]
    fn only_the_notes_that_differ_are_told() {
        let sandbox = Sandbox::new();
        write(&sandbox, &(0..300).map(|n| (object(n), Some("x\n"))).collect::<Vec<_>>());
        let before = root(&sandbox);
        write(&sandbox, &[(object(7), Some("y\n")), (object(8), None), (object(900), Some("z\n"))]);
        let found = notes_between(&sandbox.open(), Some(before), Some(root(&sandbox)), 10).unwrap();
        assert_eq!(found, [7, 8, 900].map(object).into());
    }
}
