//! Redacting again what a ledger has stored by older rules.
//!
//! The text is read from the ledger itself, so that it does not matter whether the agent's log is still there. It is cut
//! where it was cut before: what has not changed keeps its segments, and a session in which nothing has changed only
//! gets another `m`, with the version of the rules by which it has been looked through. What was shared as one file is looked
//! through, too.

mod snapshots;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};

use crate::git::{EntryKind, ObjectBatch, Oid, Repo, TreeEditor};
use crate::hail::{Digest, Record, RecordBuilder, SegmentBody};
use crate::ledger::error::{Damage, Error, Result};
use crate::ledger::layout::{Hash8, LedgerPath, MetaName, SegmentName, session_path};
use crate::ledger::meta::{META_LIMIT, Meta, SEGMENT_LIMIT, SegmentEntry};
use crate::ledger::roll::{Rewrite, each_commit};
use crate::ledger::sid::{SessionKey, Sid};
use crate::ledger::text::SessionText;
use crate::ledger::view::{LedgerView, SessionFolder, StoredSession};
use crate::redaction::{Findings, Person, Redactor};

pub use self::snapshots::Reshared;
use self::snapshots::has_older_snapshots;

/// The folders between that of all sessions and that of one.
const DEPTH: usize = 4;

/// Takes out of ledgers what today's rules find in sessions that were stored by older ones.
pub struct Again<'a> {
    redactor: &'a Redactor,
    version: u32,
    /// What was shared was looked through for the person who shared it; who looks through it again is another one.
    nobody: Redactor,
    done: RefCell<BTreeMap<SessionKey, Redone>>,
    failed: RefCell<BTreeMap<SessionKey, Error>>,
    reshared: RefCell<BTreeMap<Digest, Reshared>>,
    /// Snapshots in which nothing is found.
    sound: RefCell<HashSet<Oid>>,
    /// Snapshots that cannot be read.
    unread: RefCell<BTreeMap<String, Error>>,
}

/// What came of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redone {
    /// Today's rules find nothing more in it.
    Unchanged,
    /// This was taken out of it.
    Changed(Findings),
}

impl<'a> Again<'a> {
    /// By these rules, which have that version.
    pub fn new(redactor: &'a Redactor, version: u32) -> Self {
        Self {
            redactor,
            version,
            nobody: Redactor::new(&Person::default()),
            done: RefCell::default(),
            failed: RefCell::default(),
            reshared: RefCell::default(),
            sound: RefCell::default(),
            unread: RefCell::default(),
        }
    }

    /// The sessions that were redacted again, in any ledger, since this was last asked.
    pub fn take_done(&self) -> BTreeMap<SessionKey, Redone> {
        self.done.take()
    }

    /// The snapshots that were redacted again, in any ledger, by the names they had, since this was last asked.
    pub fn take_reshared(&self) -> BTreeMap<Digest, Reshared> {
        self.reshared.take()
    }

    /// The sessions and snapshots that cannot be read, and why. They stay as they are.
    pub fn take_failed(&self) -> Vec<Error> {
        self.failed.take().into_values().chain(self.unread.take().into_values()).collect()
    }

    /// The sessions of a ledger that were stored by older rules, with their folders.
    fn older(&self, view: &LedgerView<'_>) -> Result<Vec<(SessionKey, Oid, SessionFolder)>> {
        let mut older = Vec::new();
        for (key, oid) in view.session_folders()? {
            let folder = view.list_session(key, oid)?;
            let newest = folder.metas.iter().map(|(name, _)| name.rules).max();
            if view.retention().keeps(key) && newest.is_some_and(|rules| rules < self.version) {
                older.push((key, oid, folder));
            }
        }
        Ok(older)
    }

    /// Reads a session and redacts it again.
    fn record(&self, view: &LedgerView<'_>, session: &StoredSession) -> Result<(Record, Findings)> {
        let damaged = |why| view.damaged(session.path().to_string(), why);
        let unreadable = |_| damaged(Damage::Incoherent("its text cannot be read to its end"));
        let mut events = SessionText::new(view.repo(), session.clone())?.events().map_err(unreadable)?;
        let mut builder = RecordBuilder::new(self.version);
        let unwritable = |_| damaged(Damage::Incoherent("it cannot be written again"));
        let mut found = Findings::new();
        for SegmentEntry { name, .. } in &session.meta.segments {
            for event in events.by_ref().take(usize::try_from(name.len).unwrap_or(usize::MAX)) {
                let mut found_here = Findings::new();
                let event = self.redactor.event(event.map_err(unreadable)?, &mut found_here);
                builder.push(&event, &found_here).map_err(unwritable)?;
                found.merge(&found_here);
            }
            builder.settle().map_err(unwritable)?;
        }
        // The digest of all events is held against the text only at its end.
        if let Some(more) = events.next() {
            more.map_err(unreadable)?;
            return Err(damaged(Damage::EventsDigest));
        }
        let mut in_header = Findings::new();
        let header = self.redactor.header(session.meta.header.clone(), &mut in_header);
        found.merge(&in_header);
        in_header.merge(&session.meta.findings);
        let record = builder.finish(header, &in_header).map_err(unwritable)?;
        if Sid::of(record.header()) != session.key.sid || record.stats().event_count != session.meta.events() {
            return Err(damaged(Damage::Incoherent("redacted again it is another session")));
        }
        Ok((record, found))
    }
}

impl Rewrite for Again<'_> {
    fn rewrite(&self, view: &LedgerView<'_>, batch: &mut ObjectBatch<'_>) -> Result<Option<Oid>> {
        let mut editor = TreeEditor::new(view.repo(), Some(view.root()));
        let mut is_changed = false;
        for (key, oid, folder) in self.older(view)? {
            let Some(session) = view.session_in(key, oid)? else { continue };
            let written = self.record(view, &session).and_then(|(record, found)| {
                Ok((replace(view, &session, &folder, &record, &mut editor, batch)?, found))
            });
            match written {
                Ok((changed, found)) => {
                    let redone = if changed { Redone::Changed(found) } else { Redone::Unchanged };
                    self.done.borrow_mut().insert(key, redone);
                    is_changed = true;
                }
                Err(error) => drop(self.failed.borrow_mut().insert(key, error)),
            }
        }
        is_changed |= self.snapshots(view, &mut editor, batch)?;
        if is_changed {
            return Ok(Some(editor.write(batch)?));
        }
        let has_older = has_older_history(view, self.version)? || has_older_snapshots(view)?;
        Ok(has_older.then_some(view.root()))
    }

    fn redone_by(&self) -> Option<u32> {
        Some(self.version)
    }

    fn message(&self) -> &'static str {
        "opensession: redact again\n"
    }
}

/// Puts a record into the place of a session, and nothing else of the session stays. Says whether the text has changed.
fn replace(
    view: &LedgerView<'_>,
    session: &StoredSession,
    folder: &SessionFolder,
    record: &Record,
    editor: &mut TreeEditor<'_>,
    batch: &mut ObjectBatch<'_>,
) -> Result<bool> {
    let key = session.key;
    let unwritable = |why| view.damaged(session_path(key), Damage::Incoherent(why));
    let newest = folder.segments.iter().map(|(name, _)| name.generation).max();
    let generation = newest.map_or(0, |newest| newest.saturating_add(1));
    let mut known = session.meta.segments.iter().peekable();
    let mut named: Vec<(SegmentEntry, Option<&[u8]>)> = Vec::new();
    for segment in record.segments() {
        let start = segment.first_event;
        let name = SegmentName { generation, start, len: segment.events, hash: Hash8::from(segment.sha256) };
        let same = known.next_if(|entry| {
            (entry.name.start, entry.name.len, entry.sha256) == (start, segment.events, segment.sha256)
        });
        match (same, &segment.body) {
            (Some(entry), _) => named.push((entry.clone(), None)),
            (None, SegmentBody::New(bytes)) if segment.bytes <= SEGMENT_LIMIT => {
                let entry = SegmentEntry { name, bytes: segment.bytes, sha256: segment.sha256 };
                named.push((entry, Some(bytes)));
            }
            (None, _) => return Err(unwritable("one of its events is longer than readers accept")),
        }
    }
    let entries = named.iter().map(|(entry, _)| entry.clone()).collect();
    let (name, bytes) = Meta::new(record, entries).to_json().map_err(|_| unwritable("it cannot be written as JSON"))?;
    if bytes.len() as u64 > META_LIMIT {
        return Err(unwritable("its metadata is longer than readers accept"));
    }
    for (old, _) in &folder.segments {
        editor.remove(LedgerPath::Segment(key, *old).to_string().as_bytes())?;
    }
    for (old, _) in &folder.metas {
        editor.remove(LedgerPath::Meta(key, *old).to_string().as_bytes())?;
    }
    for (entry, bytes) in named {
        let oid = match bytes {
            Some(bytes) => batch.blob(bytes)?,
            None => folder
                .segment(entry.name)
                .ok_or_else(|| view.damaged(session.path().to_string(), Damage::NoSegment(entry.name)))?,
        };
        editor.insert(LedgerPath::Segment(key, entry.name).to_string().as_bytes(), EntryKind::File, oid)?;
    }
    let oid = batch.blob(bytes)?;
    editor.insert(LedgerPath::Meta(key, name).to_string().as_bytes(), EntryKind::File, oid)?;
    Ok(record.events_sha256() != session.meta.events_sha256 || *record.header() != session.meta.header)
}

/// Whether an older commit of a ledger has a session that was redacted by rules before a version: then its text is
/// still reachable. What an equal folder was asked once is not asked again.
fn has_older_history(view: &LedgerView<'_>, version: u32) -> Result<bool> {
    let (repo, mut seen, mut found) = (view.repo(), HashSet::new(), false);
    each_commit(repo, view.tip(), |commit, _| {
        if commit != view.tip()
            && let Some(sessions) = LedgerView::at(repo, commit)?.sessions()
        {
            found |= has_older(repo, sessions, DEPTH, version, &mut seen)?;
        }
        Ok(!found)
    })?;
    Ok(found)
}

fn has_older(repo: &Repo, folder: Oid, depth: usize, version: u32, seen: &mut HashSet<Oid>) -> Result<bool> {
    if !seen.insert(folder) {
        return Ok(false);
    }
    for entry in repo.list(folder, b"")? {
        let found = match entry.kind {
            EntryKind::Tree if depth > 0 => has_older(repo, entry.oid, depth - 1, version, seen)?,
            EntryKind::File if depth == 0 => MetaName::parse(&entry.name).is_some_and(|name| name.rules < version),
            _ => false,
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}
