//! Redacting again the snapshots that were shared in a ledger.
//!
//! A snapshot is named for its text, and does not say by which rules it was redacted. So each is looked through; one in which
//! today's rules find something goes, with a tombstone that keeps it gone everywhere, and what is left of it lies beside
//! under a name of its own: its address is another one from then on.

use std::collections::{BTreeSet, HashSet};

use super::Again;
use crate::git::{EntryKind, ObjectBatch, Oid, TreeEditor, TreeEntry};
use crate::hail::{Digest, Snapshot};
use crate::ledger::error::{Damage, Result};
use crate::ledger::holdings::SNAPSHOT_LIMIT;
use crate::ledger::layout::{self, LedgerPath};
use crate::ledger::roll::each_commit;
use crate::ledger::sid::Sid;
use crate::ledger::view::LedgerView;
use crate::redaction::Findings;

/// What became of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reshared {
    /// The session it is of.
    pub session: Sid,
    /// Its name now.
    pub new: Digest,
    /// What was taken out of it.
    pub found: Findings,
}

impl Again<'_> {
    /// Puts what is redacted again in the place of snapshots that need it. Says whether any did.
    pub(super) fn snapshots(
        &self,
        view: &LedgerView<'_>,
        editor: &mut TreeEditor<'_>,
        batch: &mut ObjectBatch<'_>,
    ) -> Result<bool> {
        let mut is_changed = false;
        for entry in view.repo().list(view.root(), layout::SNAPSHOTS.as_bytes())? {
            let Some(old) = layout::parse_snapshot_name(&entry.name) else { continue };
            if self.sound.borrow().contains(&entry.oid) || !view.retention().keeps_snapshot(old) {
                continue;
            }
            let Some(snapshot) = self.snapshot(view, old, &entry) else {
                self.sound.borrow_mut().insert(entry.oid);
                continue;
            };
            let new = snapshot.digest();
            editor.remove(LedgerPath::Snapshot(old).to_string().as_bytes())?;
            let tombstone = LedgerPath::SnapshotTombstone(old).to_string();
            editor.insert(tombstone.as_bytes(), EntryKind::File, batch.blob(Vec::new())?)?;
            if view.retention().keeps_snapshot(new) {
                let path = LedgerPath::Snapshot(new).to_string();
                editor.insert(path.as_bytes(), EntryKind::File, batch.blob(snapshot.text())?)?;
            }
            let (session, found) = (Sid::of(snapshot.header()), snapshot.findings().clone());
            self.reshared.borrow_mut().insert(old, Reshared { session, new, found });
            is_changed = true;
        }
        Ok(is_changed)
    }

    /// A snapshot as today's rules leave it; `None` if they find nothing in it. One that cannot be read stays as it is.
    fn snapshot(&self, view: &LedgerView<'_>, old: Digest, entry: &TreeEntry) -> Option<Snapshot> {
        let path = LedgerPath::Snapshot(old).to_string();
        let read = view.file(entry, SNAPSHOT_LIMIT).and_then(|text| {
            let unreadable = |_| Damage::NotThe("the canonical text of a session");
            Snapshot::read(text.as_slice(), &self.nobody, SNAPSHOT_LIMIT).map_err(unreadable)
        });
        match read {
            Ok(snapshot) => Some(snapshot).filter(|read| !read.findings().is_empty() && read.digest() != old),
            Err(why) => {
                self.unread.borrow_mut().insert(path.clone(), view.damaged(path, why));
                None
            }
        }
    }
}

/// Whether an older commit of a ledger has a snapshot that is no longer kept. What an equal folder was asked once is not
/// asked again.
pub(super) fn has_older_snapshots(view: &LedgerView<'_>) -> Result<bool> {
    let gone: &BTreeSet<Digest> = &view.retention().purged_snapshots;
    let (repo, mut seen, mut found) = (view.repo(), HashSet::<Oid>::new(), false);
    if gone.is_empty() {
        return Ok(false);
    }
    each_commit(repo, view.tip(), |commit, _| {
        let folder = repo.lookup(repo.commit(commit)?.tree, layout::SNAPSHOTS.as_bytes())?;
        if let Some(folder) = folder.filter(|folder| commit != view.tip() && seen.insert(folder.oid)) {
            let names = repo.list(folder.oid, b"")?;
            found = names
                .iter()
                .any(|name| layout::parse_snapshot_name(&name.name).is_some_and(|name| gone.contains(&name)));
        }
        Ok(!found)
    })?;
    Ok(found)
}
