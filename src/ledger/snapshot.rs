//! Sharing: a whole session as one plain file of a ledger, which `git show` reads.

use super::append::{Appender, Refusal};
use super::day::Day;
use super::error::Result;
use super::layout::{FORMAT, LedgerPath};
use super::ledgers::retention_of_all;
use super::name::LedgerRef;
use super::retention::Retention;
use super::sid::{SessionKey, Sid};
use super::view::LedgerView;
use crate::git::{self, BranchName, EntryKind, Expected, NewCommit, ObjectBatch, Oid, Repo, TreeEditor, Update};
use crate::hail::{Digest, Snapshot};
use crate::session::Header;

/// How often a lost race is run again. Each time somebody else got something done.
const TRIES: usize = 64;
const MESSAGE: &str = "opensession: share\n";

/// What came of adding a snapshot to a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a refusal and a lost race are values"]
pub enum SnapshotOutcome {
    /// The ledger has it now, and it is durable.
    Added,
    /// The ledger had it, and nothing was written.
    Known,
    /// It is one that is no longer kept.
    Refused(Refusal),
    /// Others were faster every time. Nothing is lost but the time: add it again.
    Raced,
}

impl SessionKey {
    /// Where the session with this header lies, if its first moment was never another one.
    pub fn of(header: &Header) -> Self {
        Self { day: Day::of(header.context.created_at), sid: Sid::of(header) }
    }
}

impl Retention {
    /// Why a snapshot of this session is not kept; `None` if it is.
    pub fn refusal(&self, key: SessionKey, snapshot: Digest) -> Option<Refusal> {
        if self.purged.contains(&key.sid) || !self.keeps_snapshot(snapshot) {
            return Some(Refusal::Purged);
        }
        self.floor.filter(|_| self.is_expired(key)).map(Refusal::Expired)
    }
}

/// Adds a snapshot to the live ledger of a branch. Its text is one blob, the same that the local store has: what is there
/// is not written again.
///
/// # Errors
/// When the ledger cannot be read or is another branch's, when objects cannot be written, when the ref stays locked until
/// the deadline.
pub fn add_snapshot(
    repo: &Repo,
    branch: &BranchName,
    snapshot: &Snapshot,
    by: &Appender<'_>,
) -> Result<SnapshotOutcome> {
    let ledger = LedgerRef::local(branch);
    let hidden = ledger.to_ref().map_err(git::Error::from)?;
    for _ in 0..TRIES {
        let old = repo.read_ref(hidden.name())?;
        let gone = retention_of_all(repo, &ledger)?;
        if let Some(refusal) = gone.refusal(SessionKey::of(snapshot.header()), snapshot.digest()) {
            return Ok(SnapshotOutcome::Refused(refusal));
        }
        let view = old.map(|tip| LedgerView::open_at(repo, &ledger, tip)).transpose()?;
        let root = view.as_ref().map(LedgerView::root);
        let mut batch = repo.batch();
        let tree = with_snapshot(repo, root, branch, snapshot, &mut batch)?;
        if root == Some(tree) {
            // What is only named here (a partial clone) is written all the same.
            batch.finish()?;
            return Ok(SnapshotOutcome::Known);
        }
        let parents: Vec<Oid> = old.into_iter().collect();
        let new = commit(tree, &parents, by, &mut batch)?;
        batch.finish()?;
        match repo.update_ref(&hidden, Expected::from(old), Some(new), MESSAGE, by.lock, by.deadline)? {
            Update::Moved => return Ok(SnapshotOutcome::Added),
            Update::Raced => {}
        }
    }
    Ok(SnapshotOutcome::Raced)
}

/// Makes a ledger that has a snapshot and nothing else, and moves no ref: what is joined to the ledger of a remote that
/// is to get this one session.
///
/// # Errors
/// When objects cannot be written.
pub fn snapshot_alone(repo: &Repo, branch: &BranchName, snapshot: &Snapshot, by: &Appender<'_>) -> Result<Oid> {
    let mut batch = repo.batch();
    let tree = with_snapshot(repo, None, branch, snapshot, &mut batch)?;
    let alone = commit(tree, &[], by, &mut batch)?;
    batch.finish()?;
    Ok(alone)
}

fn commit(tree: Oid, parents: &[Oid], by: &Appender<'_>, batch: &mut ObjectBatch<'_>) -> Result<Oid> {
    let commit = NewCommit { tree, parents, author: by.signature, committer: by.signature, message: MESSAGE };
    Ok(batch.commit(&commit)?)
}

/// The tree of a ledger with a snapshot in it: the same tree, if it is there already.
fn with_snapshot(
    repo: &Repo,
    root: Option<Oid>,
    branch: &BranchName,
    snapshot: &Snapshot,
    batch: &mut ObjectBatch<'_>,
) -> Result<Oid> {
    let mut editor = TreeEditor::new(repo, root);
    for (path, content) in [(LedgerPath::Format, FORMAT.as_bytes()), (LedgerPath::Branch, branch.as_bytes())] {
        let path = path.to_string();
        if editor.get(path.as_bytes())?.is_none() {
            editor.insert(path.as_bytes(), EntryKind::File, batch.blob(content)?)?;
        }
    }
    let path = LedgerPath::Snapshot(snapshot.digest()).to_string();
    editor.insert(path.as_bytes(), EntryKind::File, batch.blob(snapshot.text())?)?;
    Ok(editor.write(batch)?)
}
