//! Writing the live notes: what the ledgers have more, and what must go.

use std::collections::BTreeMap;

use super::cursor::Cursor;
use super::gone::Gone;
use super::line::NoteLine;
use super::pointers::{self, Pointers};
use super::text::NoteText;
use super::{Error, LONGEST, MOST, Result, live};
use crate::git::{self, NewCommit, NoteBlob, NotesTree, ObjectBatch, Oid, Repo, Update, noted};
use crate::ledger::{Appender, LOCAL_PREFIX, Ledgers, REMOTES_PREFIX, Scope, SessionKey};

/// How often a lost race is run again.
const TRIES: usize = 16;

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// The notes' commits before and now. Equal, if there was nothing to write.
    pub moved: (Option<Oid>, Option<Oid>),
    /// The commits whose notes changed.
    pub commits: usize,
}

/// Writes the lines of all links of the live ledgers that are not in the notes yet, and drops those of sessions that were
/// purged or have expired. Where nothing has changed since the last time, some refs are read and nothing else.
///
/// # Errors
/// When a ledger or the notes cannot be read or written; [`Error::Raced`].
pub fn write(repo: &Repo, by: &Appender<'_>) -> Result<Written> {
    let name = live()?;
    let tip = repo.read_ref(name.name())?;
    let folder = repo.private_dir();
    let known = if tip.is_some() { Cursor::load(&folder) } else { Cursor::default() };
    let mut cursor =
        Cursor { tips: tips(repo, LOCAL_PREFIX)?, fetched: tips(repo, REMOTES_PREFIX)?, ..Cursor::default() };
    cursor.fetched.retain(|name, _| name.contains("/branches/"));
    if (&cursor.tips, &cursor.fetched) == (&known.tips, &known.fetched) {
        return Ok(Written { moved: (tip, tip), commits: 0 });
    }
    let gone = Gone::of(&Ledgers::open(repo, Scope::All)?);
    cursor.gone = gone.mark().to_string();
    let ledgers = Ledgers::open(repo, Scope::Local)?;
    let mut wanted = Pointers::new();
    for view in ledgers.views() {
        let covered = known.tip(view.label());
        if covered != Some(view.tip()) {
            pointers::since(repo, &ledgers, view, covered, &mut wanted)?;
        }
    }
    let is_news = cursor.gone != known.gone;
    let edit = |notes: &mut Edit<'_>| {
        for (commit, lines) in &wanted {
            notes.change(*commit, |text| {
                for line in lines {
                    text.add(line.clone());
                }
                sweep(repo, text, *commit, &gone, Some(&ledgers));
            })?;
        }
        if is_news { notes.sweep(&gone, Some(&ledgers)) } else { Ok(()) }
    };
    let written = replace(repo, by, wanted.len(), edit)?;
    cursor.store(&folder);
    Ok(written)
}

/// Names and values of the refs below a prefix.
fn tips(repo: &Repo, prefix: &str) -> git::Result<BTreeMap<String, String>> {
    let refs = repo.refs(prefix)?.into_iter();
    Ok(refs.map(|found| (found.name.to_string(), found.oid.to_string())).collect())
}

/// Changes the live notes in one commit on top of their tip.
fn replace(repo: &Repo, by: &Appender<'_>, more: usize, edit: impl Fn(&mut Edit<'_>) -> Result<()>) -> Result<Written> {
    let name = live()?;
    for _ in 0..TRIES {
        let old = repo.read_ref(name.name())?;
        let mut notes = Edit::open(repo, old, more)?;
        edit(&mut notes)?;
        let commits = notes.commits;
        let Some((tree, mut batch)) = notes.finish()? else { return Ok(Written { moved: (old, old), commits: 0 }) };
        let message = message(commits);
        let parents: Vec<Oid> = old.into_iter().collect();
        let (author, committer) = (by.signature, by.signature);
        let new = batch.commit(&NewCommit { tree, parents: &parents, author, committer, message: &message })?;
        batch.finish()?;
        match repo.update_ref(&name, old.into(), Some(new), message.trim_end(), by.lock, by.deadline)? {
            Update::Moved => return Ok(Written { moved: (old, Some(new)), commits }),
            Update::Raced => {}
        }
    }
    Err(Error::Raced)
}

/// The message of a commit of notes: a count, and nothing from the sessions.
pub(super) fn message(commits: usize) -> String {
    format!("opensession: notes of {commits} commit{}\n", if commits == 1 { "" } else { "s" })
}

/// Notes being changed.
pub(super) struct Edit<'repo> {
    repo: &'repo Repo,
    root: Option<Oid>,
    tree: NotesTree<'repo>,
    batch: ObjectBatch<'repo>,
    /// How many notes changed.
    pub commits: usize,
}

impl<'repo> Edit<'repo> {
    /// Opens the notes of a commit, to which about so many are to be added.
    pub fn open(repo: &'repo Repo, tip: Option<Oid>, more: usize) -> Result<Self> {
        let root = tip.map(|tip| repo.commit(tip)).transpose()?.map(|commit| commit.tree);
        Ok(Self { repo, root, tree: NotesTree::new(repo, root, more)?, batch: repo.batch(), commits: 0 })
    }

    /// Changes the note of a commit. One that is too long to be read stays as it is.
    pub fn change(&mut self, commit: Oid, change: impl FnOnce(&mut NoteText)) -> Result<()> {
        let blobs = self.tree.get(commit)?;
        let Some(old) = read(self.repo, &blobs)? else { return Ok(()) };
        let mut new = old.clone();
        change(&mut new);
        if new == old {
            return Ok(());
        }
        self.commits += 1;
        if new.is_empty() {
            self.tree.remove(&blobs)?;
        } else {
            self.tree.set(&mut self.batch, commit, &blobs, new.to_bytes())?;
        }
        Ok(())
    }

    /// Drops the lines of sessions that are gone, wherever they are.
    pub fn sweep(&mut self, gone: &Gone, keepers: Option<&Ledgers<'_>>) -> Result<()> {
        let Some(root) = self.root.filter(|_| !gone.is_empty()) else { return Ok(()) };
        let repo = self.repo;
        for commit in noted(repo, root, MOST)? {
            self.change(commit, |text| sweep(repo, text, commit, gone, keepers))?;
        }
        Ok(())
    }

    /// The changed tree and the objects to write; `None` if nothing changed.
    pub fn finish(mut self) -> Result<Option<(Oid, ObjectBatch<'repo>)>> {
        if !self.tree.is_changed() {
            return Ok(None);
        }
        let tree = self.tree.write(&mut self.batch)?;
        Ok(Some((tree, self.batch)))
    }
}

/// Drops the lines of sessions that are gone from the note of a commit. In the place of one that has expired comes what another
/// of these ledgers, which keeps the session, has of it.
pub(super) fn sweep(repo: &Repo, note: &mut NoteText, commit: Oid, gone: &Gone, keepers: Option<&Ledgers<'_>>) {
    let dropped: Vec<SessionKey> = note.lines().filter(|line| gone.has(line)).map(NoteLine::key).collect();
    note.retain(|line| !gone.has(line));
    for key in dropped {
        if let Some(line) = keepers.and_then(|ledgers| pointers::kept(repo, ledgers, gone, commit, key)) {
            note.add(line);
        }
    }
}

/// A note; `None` if it is too long to be read, or no file.
pub(super) fn read(repo: &Repo, blobs: &[NoteBlob]) -> Result<Option<NoteText>> {
    let mut text = NoteText::default();
    for blob in blobs {
        match repo.blob(blob.oid, LONGEST) {
            Ok(bytes) => text = text.join(NoteText::parse(&bytes)),
            Err(git::Error::TooLarge { .. } | git::Error::WrongKind { .. } | git::Error::Missing(_)) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some(text))
}
