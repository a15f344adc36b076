//! What a ledger has of some sessions: to be shown before it is taken out.
//!
//! Nothing is asked of tombstones or the floor here: this is about what lies in the tree, and who made the tree may not
//! have known of either.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;

use super::error::{Damage, Result};
use super::layout::{self, LedgerPath};
use super::sid::{SessionKey, Sid, SidPrefix};
use super::text::SessionText;
use super::view::{LedgerView, StoredSession};
use crate::git::{EntryKind, Oid, TreeEntry};
use crate::hail::{self, Digest};

/// The largest snapshot whose header is read. A larger one is none of ours: readers do not take it either.
pub(super) const SNAPSHOT_LIMIT: u64 = 64 << 20;

/// What one ledger has of some sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    /// The sessions, and their folders.
    pub(super) sessions: BTreeMap<SessionKey, Oid>,
    /// How many commits each session is tied to; 0 if only patches name it. One that is tied need not be here.
    pub links: BTreeMap<SessionKey, usize>,
    /// Their snapshots.
    pub snapshots: BTreeMap<Digest, SessionKey>,
}

impl Holdings {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.links.is_empty() && self.snapshots.is_empty()
    }

    /// The sessions that are here, not only tied or shared.
    pub fn sessions(&self) -> impl Iterator<Item = SessionKey> {
        self.sessions.keys().copied()
    }

    /// All sessions of which there is something.
    pub fn keys(&self) -> BTreeSet<SessionKey> {
        let named = self.sessions.keys().chain(self.links.keys()).chain(self.snapshots.values());
        named.copied().collect()
    }
}

/// What ties sessions to commits and patches in one ledger: read once, asked often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ties {
    /// By commit.
    pub commits: Vec<(SessionKey, Oid)>,
    /// The sessions that are tied to any patch.
    pub patched: BTreeSet<SessionKey>,
}

impl Ties {
    /// The sessions that are tied to a commit for which `wanted` says yes. (A link by patch alone names no commit.)
    pub fn sessions_of(&self, wanted: impl Fn(Oid) -> bool) -> BTreeSet<SessionKey> {
        self.commits.iter().filter(|(_, commit)| wanted(*commit)).map(|(key, _)| *key).collect()
    }
}

impl<'repo> LedgerView<'repo> {
    /// What is here of the sessions for which `wanted` says yes. All names of the ledger are read.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn holdings(&self, wanted: impl Fn(SessionKey) -> bool) -> Result<Holdings> {
        self.holdings_tied(&self.ties()?, wanted)
    }

    /// The same, where the ledger's ties were read already.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn holdings_tied(&self, ties: &Ties, wanted: impl Fn(SessionKey) -> bool) -> Result<Holdings> {
        let mut held = Holdings::default();
        for (key, folder) in self.session_folders()? {
            if wanted(key) {
                held.sessions.insert(key, folder);
            }
        }
        for (key, _) in ties.commits.iter().filter(|(key, _)| wanted(*key)) {
            *held.links.entry(*key).or_default() += 1;
        }
        for key in ties.patched.iter().filter(|key| wanted(**key)) {
            held.links.entry(*key).or_default();
        }
        held.snapshots = self.snapshots()?.into_iter().filter(|(_, key)| wanted(*key)).collect();
        Ok(held)
    }

    /// Every link, by commit and by patch: one tree of each commit is read, and one of each few patches.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn ties(&self) -> Result<Ties> {
        let mut ties = Ties { commits: self.ties_since(None)?, patched: BTreeSet::new() };
        let heads = self.repo().list(self.root(), format!("{}/{}", layout::ROOT, layout::PATCHES).as_bytes())?;
        for head in heads.iter().filter(|entry| entry.kind == EntryKind::Tree) {
            let Some(digits) = layout::digits(&head.name) else { continue };
            for next in self.repo().list(head.oid, b"")?.iter().filter(|entry| entry.kind == EntryKind::Tree) {
                let Some(folder) = layout::digits(&next.name).map(|next| [digits, next]) else { continue };
                let links = self.repo().list(next.oid, b"")?;
                let keys = links.iter().filter_map(|link| layout::parse_patch_link(folder, &link.name));
                ties.patched.extend(keys.map(|(_, key)| key));
            }
        }
        Ok(ties)
    }

    /// The snapshots here of sessions for which `wanted` says yes.
    ///
    /// # Errors
    /// When their folder cannot be listed.
    pub fn snapshots_of(&self, wanted: impl Fn(SessionKey) -> bool) -> Result<BTreeSet<Digest>> {
        let found = self.snapshots()?.into_iter();
        Ok(found.filter(|(_, key)| wanted(*key)).map(|(digest, _)| digest).collect())
    }

    /// The sessions that were shared here: of which there is a snapshot that can be read.
    ///
    /// # Errors
    /// When their folder cannot be listed.
    pub fn shared_sessions(&self) -> Result<BTreeSet<SessionKey>> {
        Ok(self.snapshots()?.into_iter().map(|(_, key)| key).collect())
    }

    /// Whether there is a snapshot of that digest.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn has_snapshot(&self, digest: Digest) -> Result<bool> {
        let path = LedgerPath::Snapshot(digest).to_string();
        Ok(self.repo().lookup(self.root(), path.as_bytes())?.is_some())
    }

    /// How many bytes the objects of a session that is here have, as we packed them.
    ///
    /// # Errors
    /// When its folder cannot be listed.
    pub fn bytes_of(&self, held: &Holdings, key: SessionKey) -> Result<u64> {
        let Some(folder) = held.sessions.get(&key) else { return Ok(0) };
        let entries = self.repo().list(*folder, b"")?;
        // What is missing here takes no room here.
        Ok(entries.iter().filter_map(|entry| self.repo().header(entry.oid).ok()).map(|header| header.size).sum())
    }

    /// A session that is here, whatever tombstones and floor say; `None` if it cannot be read.
    pub fn stored(&self, held: &Holdings, key: SessionKey) -> Option<StoredSession> {
        self.session_in(key, *held.sessions.get(&key)?).ok().flatten()
    }

    /// The text of a session that is here.
    ///
    /// # Errors
    /// When its folder cannot be listed.
    pub fn text(&self, session: &StoredSession) -> Result<SessionText<'repo>> {
        SessionText::new(self.repo(), session.clone())
    }

    /// The sessions here whose name begins so, purged and expired ones, too: of those there may be a tombstone only.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn names_like(&self, prefix: SidPrefix) -> Result<BTreeSet<Sid>> {
        let mut names: BTreeSet<Sid> = self.session_folders()?.into_iter().map(|(key, _)| key.sid).collect();
        names.extend(&self.retention().purged);
        names.retain(|sid| prefix.matches(*sid));
        Ok(names)
    }

    /// Every folder of a session.
    pub(super) fn session_folders(&self) -> Result<Vec<(SessionKey, Oid)>> {
        let Some(root) = self.sessions() else { return Ok(Vec::new()) };
        let mut ignored = 0;
        let mut found = Vec::new();
        for (year, months) in self.folders(root, "", &mut ignored, layout::parse_year)? {
            let path = format!("{year:04}");
            for (month, days) in self.folders(months, &path, &mut ignored, layout::parse_month)? {
                let path = format!("{year:04}/{month:02}");
                let parse = |name: &[u8]| layout::parse_day(year, month, name);
                for (day, sessions) in self.folders(days, &path, &mut ignored, parse)? {
                    let listed = self.folders(sessions, &day.path(), &mut ignored, Sid::parse)?;
                    found.extend(listed.into_iter().map(|(sid, oid)| (SessionKey { day, sid }, oid)));
                }
            }
        }
        Ok(found)
    }

    /// Every snapshot that can be read, and the session it is of.
    fn snapshots(&self) -> Result<Vec<(Digest, SessionKey)>> {
        let mut found = Vec::new();
        for entry in self.repo().list(self.root(), layout::SNAPSHOTS.as_bytes())? {
            let Some(digest) = layout::parse_snapshot_name(&entry.name) else { continue };
            let Ok(Some(key)) = self.snapshot_key(&entry) else { continue };
            found.push((digest, key));
        }
        Ok(found)
    }

    /// The session that a snapshot is of; `None` if its first line does not say.
    pub(super) fn snapshot_key(&self, entry: &TreeEntry) -> Result<Option<SessionKey>, Damage> {
        let text = self.file(entry, SNAPSHOT_LIMIT)?;
        let Ok(reader) = hail::Reader::new(BufReader::new(text.as_slice())) else { return Ok(None) };
        Ok(Some(SessionKey::of(reader.header())))
    }

    /// The session in a folder here, whatever tombstones and floor say: the greatest `m` that can be read.
    pub(super) fn session_in(&self, key: SessionKey, folder: Oid) -> Result<Option<StoredSession>> {
        let mut metas = self.list_session(key, folder)?.metas;
        metas.sort_by(|(a, _), (b, _)| b.cmp(a));
        Ok(metas.iter().find_map(|(name, entry)| self.read_meta(key, folder, *name, entry).ok()))
    }
}
