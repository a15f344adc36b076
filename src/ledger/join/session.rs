//! The folder of a session that two ledgers have, each in its own way.

use std::cmp::Ordering;

use super::{FOLDER_COST, Joiner, Pair, pick};
use crate::git::{EntryKind, Oid, TreeEntry};
use crate::ledger::error::{Damage, Result};
use crate::ledger::layout::{self, MetaName, SegmentName};
use crate::ledger::meta::{META_LIMIT, Meta, SegmentEntry};
use crate::ledger::sid::SessionKey;
use crate::ledger::text;
use crate::ledger::view::{LedgerView, SessionFolder};

/// What reading an `m` costs, in names.
const META_COST: usize = 20;

/// The session that one folder is: its greatest `m` that can be read and whose segments are all there.
struct Whole {
    name: MetaName,
    blob: Oid,
    segments: Vec<(SegmentEntry, Oid)>,
}

impl Joiner<'_, '_> {
    /// Of the two sessions the greater one, and nothing else. A folder in which there is no session is dropped.
    pub(super) fn session(&mut self, key: SessionKey, folders: Pair<Oid>) -> Result<Option<Oid>> {
        let mut listed: Pair<Vec<TreeEntry>> = [None, None];
        let mut sessions: Pair<Whole> = [None, None];
        for ((view, folder), (entries, session)) in
            self.views.into_iter().zip(folders).zip(listed.iter_mut().zip(&mut sessions))
        {
            let Some(folder) = folder else { continue };
            let found = view.entries(folder, layout::session_path(key))?;
            self.budget.spend(view, FOLDER_COST + found.len())?;
            *session = self.whole(view, key, found.clone())?;
            *entries = Some(found);
        }
        let Some(session) = self.greater(sessions)? else { return Ok(None) };
        self.write(&session.entries(), &listed, folders)
    }

    /// The session in a folder, if there is one.
    fn whole(&mut self, view: &LedgerView<'_>, key: SessionKey, entries: Vec<TreeEntry>) -> Result<Option<Whole>> {
        let folder = SessionFolder::of(entries);
        let mut metas = folder.metas.iter().filter(|(_, entry)| entry.kind == EntryKind::File).collect::<Vec<_>>();
        metas.sort_by(|(a, one), (b, other)| b.cmp(a).then(other.oid.cmp(&one.oid)));
        for (name, entry) in metas {
            self.budget.spend(view, META_COST)?;
            let meta = view.file(entry, META_LIMIT).and_then(|bytes| Meta::parse(&bytes, name, key.sid));
            let Some(meta) = for_everybody(meta)? else { continue };
            let blobs = meta.segments.into_iter().map(|entry| folder.segment(entry.name).map(|oid| (entry, oid)));
            if let Some(segments) = blobs.collect() {
                return Ok(Some(Whole { name: *name, blob: entry.oid, segments }));
            }
        }
        Ok(None)
    }

    fn greater(&self, sessions: Pair<Whole>) -> Result<Option<Whole>> {
        let [Some(one), Some(other)] = sessions else { return Ok(sessions.into_iter().flatten().next()) };
        match (one.name, one.blob).cmp(&(other.name, other.blob)) {
            Ordering::Greater => Ok(Some(one)),
            Ordering::Less => Ok(Some(other)),
            Ordering::Equal => self.of_both(one, other).map(Some),
        }
    }

    /// One session, stored twice. A segment that was packed by another version of zstd has another blob; one that
    /// was damaged does not unpack.
    fn of_both(&self, mut one: Whole, other: Whole) -> Result<Whole> {
        for ((entry, mine), (_, theirs)) in one.segments.iter_mut().zip(other.segments) {
            if *mine == theirs {
                continue;
            }
            let unpacks = |view: &LedgerView<'_>, oid| {
                let unpacked = text::unpack(view.repo(), EntryKind::File, oid, entry);
                for_everybody(unpacked).map(|lines| lines.is_some())
            };
            let [view, _] = self.views;
            *mine = pick((unpacks(view, *mine)?, *mine), (unpacks(view, theirs)?, theirs));
        }
        Ok(one)
    }
}

impl Whole {
    fn entries(self) -> Vec<TreeEntry> {
        let file = |name: String, oid| TreeEntry { name: name.into_bytes(), kind: EntryKind::File, oid };
        let segments = self.segments.iter().map(|(entry, oid)| file(SegmentName::file(&entry.name), *oid));
        let mut entries: Vec<_> = segments.chain([file(self.name.to_string(), self.blob)]).collect();
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        entries.dedup_by(|one, other| one.name == other.name);
        entries
    }
}

/// What was read; `None` if it cannot be by anybody, because of what it is. If only this repository cannot read it (it is
/// missing or damaged here) that is an error: another clone would decide otherwise.
pub(super) fn for_everybody<T>(read: Result<T, Damage>) -> Result<Option<T>> {
    use crate::git::Error::{TooLarge, WrongKind};
    match read {
        Ok(read) => Ok(Some(read)),
        Err(Damage::Object(error)) if !matches!(error, TooLarge { .. } | WrongKind { .. }) => Err(error.into()),
        Err(_) => Ok(None),
    }
}
