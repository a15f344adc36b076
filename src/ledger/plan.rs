//! What an append changes in the tree of a ledger.

use std::cell::OnceCell;

use super::append::{Captured, Change, Links, Refusal, Report};
use super::day::Day;
use super::error::{Damage, Error, Result};
use super::evidence::{self, Evidence};
use super::layout::{FORMAT, Hash8, LedgerPath, SegmentName, session_path};
use super::ledgers::{Ledgers, Scope, greatest, retention_of_all};
use super::meta::{META_LIMIT, Meta, SEGMENT_LIMIT, SegmentEntry};
use super::name::LedgerRef;
use super::retention::Retention;
use super::sid::{SessionKey, Sid};
use super::view::{LedgerView, SessionFolder, StoredSession};
use crate::git::{self, BranchName, EntryKind, ObjectBatch, Oid, Repo, TreeEditor};
use crate::hail::{Record, Segment, SegmentBody};

/// The changes to one tip. Blobs and trees are gathered as they are decided upon, and nothing of them is written before
/// all is.
pub(super) struct Plan<'repo> {
    repo: &'repo Repo,
    ledger: LedgerRef,
    view: Option<LedgerView<'repo>>,
    others: OnceCell<Ledgers<'repo>>,
    gone: OnceCell<Retention>,
    editor: TreeEditor<'repo>,
    batch: ObjectBatch<'repo>,
    report: Report,
}

/// Where the bytes of a segment are.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// In the session's folder, under that name.
    Kept,
    /// In another ledger of the repository.
    Elsewhere(Oid),
    /// In the record.
    New(&'a [u8]),
}

/// Why a session is not appended: it is refused, or nothing can be.
enum Stop {
    Refused(Refusal),
    Failed(Error),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<git::Error> for Stop {
    fn from(error: git::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// A session's folder in the ledger as it is, and the session in it.
#[derive(Default)]
struct Known {
    folder: SessionFolder,
    session: Option<StoredSession>,
}

impl<'repo> Plan<'repo> {
    /// Begins with a tip, or with an empty ledger.
    pub(super) fn new(repo: &'repo Repo, ledger: &LedgerRef, branch: &BranchName, tip: Option<Oid>) -> Result<Self> {
        let view = tip.map(|tip| LedgerView::open_at(repo, ledger, tip)).transpose()?;
        let editor = TreeEditor::new(repo, view.as_ref().map(LedgerView::root));
        let (batch, report) = (repo.batch(), Report::default());
        let (others, gone) = (OnceCell::new(), OnceCell::new());
        let mut plan = Self { repo, ledger: ledger.clone(), view, others, gone, editor, batch, report };
        for (path, content) in [(LedgerPath::Format, FORMAT.as_bytes()), (LedgerPath::Branch, branch.as_bytes())] {
            if plan.editor.get(path.to_string().as_bytes())?.is_none() {
                plan.write(&path, content)?;
            }
        }
        Ok(plan)
    }

    /// Decides on one session and its links.
    pub(super) fn session(&mut self, sid: Sid, captured: &Captured, links: &Links<'_>) -> Result<()> {
        let key = match captured {
            // A session is never searched for: an append would be as slow as its ledger is large. One whose first moment
            // moves to another day while nobody remembers where it was is there twice; readers take it for one.
            Captured::Record { record, day } => {
                SessionKey { day: day.unwrap_or_else(|| Day::of(record.header().context.created_at)), sid }
            }
            Captured::Stored(key) => *key,
        };
        let decided = self.check(key).and_then(|()| match captured {
            Captured::Record { record, .. } => self.record(key, record),
            Captured::Stored(_) => self.copy(key),
        });
        match decided {
            Ok(change) => self.report.sessions.push((key, change)),
            Err(Stop::Refused(refusal)) => {
                self.report.refused.push((key, refusal));
                return Ok(());
            }
            Err(Stop::Failed(error)) => return Err(error),
        }
        for ((month, commit), evidence) in &links.commits {
            self.report.links +=
                usize::from(self.link(&LedgerPath::CommitLink(*month, *commit, key), key, evidence)?);
        }
        for (patch, evidence) in &links.patches {
            self.report.anchors += usize::from(self.link(&LedgerPath::PatchLink(*patch, key), key, evidence)?);
        }
        Ok(())
    }

    /// The tree to commit and the objects to write, if anything has changed; and what was done.
    pub(super) fn finish(mut self) -> Result<(Option<(Oid, ObjectBatch<'repo>)>, Report)> {
        if self.report.links + self.report.anchors + self.report.written_sessions() == 0 {
            return Ok((None, self.report));
        }
        let tree = self.editor.write(&mut self.batch)?;
        Ok((Some((tree, self.batch)), self.report))
    }

    /// Whether the ledger takes such a session. One that it has not yet may have been purged from any other.
    fn check(&self, key: SessionKey) -> Result<(), Stop> {
        let is_known = match &self.view {
            Some(view) => {
                refuse(view.retention(), key)?;
                view.folder_oid(key)?.is_some()
            }
            None => false,
        };
        if is_known { Ok(()) } else { refuse(self.gone()?, key) }
    }

    /// What no ledger of the repository keeps, live or as it was fetched.
    fn gone(&self) -> Result<&Retention> {
        if let Some(gone) = self.gone.get() {
            return Ok(gone);
        }
        let gone = retention_of_all(self.repo, &self.ledger)?;
        Ok(self.gone.get_or_init(|| gone))
    }

    /// What the ledger has of a session.
    fn known(&self, key: SessionKey) -> Result<Known> {
        let Some(view) = &self.view else { return Ok(Known::default()) };
        let Some(oid) = view.folder_oid(key)? else { return Ok(Known::default()) };
        Known::read(view, key, oid)
    }

    fn record(&mut self, key: SessionKey, record: &Record) -> Result<Change, Stop> {
        let known = self.known(key)?;
        if let Some(session) = &known.session {
            let meta = Meta::new(record, Vec::new());
            if meta.same_as(&session.meta) {
                return Ok(Change::Same);
            }
            if (meta.redaction, meta.events()) < (session.meta.redaction, session.meta.events()) {
                return Ok(Change::Older);
            }
        }
        let segments = self.segments(key, record, &known)?;
        let entries = segments.iter().map(|(entry, _)| entry.clone()).collect();
        let (name, bytes) = Meta::new(record, entries).to_json().map_err(|_| self.unwritable(key))?;
        if bytes.len() as u64 > META_LIMIT {
            return Err(Refusal::MetaTooLarge(bytes.len()).into());
        }
        let continued = segments.iter().any(|(_, source)| matches!(source, Source::Kept));
        for (entry, source) in &segments {
            let path = LedgerPath::Segment(key, entry.name);
            match source {
                Source::Kept => {}
                Source::Elsewhere(oid) => self.insert(&path, *oid)?,
                Source::New(bytes) => self.write(&path, bytes)?,
            }
        }
        self.write(&LedgerPath::Meta(key, name), &bytes)?;
        for (old, _) in known.folder.metas.iter().filter(|(old, _)| *old != name) {
            self.editor.remove(LedgerPath::Meta(key, *old).to_string().as_bytes())?;
        }
        for (old, _) in &known.folder.segments {
            if !segments.iter().any(|(entry, _)| entry.name == *old) {
                self.editor.remove(LedgerPath::Segment(key, *old).to_string().as_bytes())?;
            }
        }
        Ok(match known.session {
            None => Change::New,
            Some(_) if continued => Change::Grown,
            Some(_) => Change::Replaced,
        })
    }

    /// Names the segments of a record, and says where their bytes come from. What the ledger has already keeps its
    /// name; a new beginning raises the generation.
    fn segments<'a>(
        &self,
        key: SessionKey,
        record: &'a Record,
        known: &Known,
    ) -> Result<Vec<(SegmentEntry, Source<'a>)>, Stop> {
        let mut named: Vec<(SegmentEntry, Source<'a>)> = Vec::new();
        let newest = known.folder.segments.iter().map(|(name, _)| name.generation).max();
        let mut generation = newest.map_or(0, |newest| newest.saturating_add(1));
        for segment in record.segments() {
            if segment.bytes > SEGMENT_LIMIT {
                return Err(Refusal::EventTooLarge(segment.bytes).into());
            }
            let kept = known.find(segment).map(|entry| (entry, Source::Kept));
            let found = match (kept, &segment.body) {
                (Some(kept), _) => Some(kept),
                (None, SegmentBody::New(bytes)) => {
                    let hash = Hash8::from(segment.sha256);
                    let name = SegmentName { generation, start: segment.first_event, len: segment.events, hash };
                    let entry = SegmentEntry { name, bytes: segment.bytes, sha256: segment.sha256 };
                    Some((entry, Source::New(bytes)))
                }
                (None, SegmentBody::Stored) => self.elsewhere(key, segment)?,
            };
            let (entry, source) = found.ok_or(Refusal::NotStored)?;
            generation = entry.name.generation;
            named.push((entry, source));
        }
        Ok(named)
    }

    /// The live ledgers of the repository, this one included.
    fn others(&self) -> Result<&Ledgers<'repo>> {
        if let Some(others) = self.others.get() {
            return Ok(others);
        }
        let others = Ledgers::open(self.repo, Scope::Local)?;
        Ok(self.others.get_or_init(|| others))
    }

    /// What the live ledgers of the repository have of a session.
    fn known_elsewhere(&self, key: SessionKey) -> Result<Vec<Known>> {
        Ok(Known::in_any(self.others()?, key))
    }

    /// What the ledgers that were fetched have of a session, all of which is here.
    fn known_of_remotes(&self, key: SessionKey) -> Result<Vec<Known>> {
        let mut found = Known::in_any(&Ledgers::open(self.repo, Scope::All)?, key);
        found.retain(|known| known.folder.segments.iter().all(|(_, entry)| self.repo.has(entry.oid).unwrap_or(false)));
        Ok(found)
    }

    /// A segment that was stored before, but not here.
    fn elsewhere<'a>(&self, key: SessionKey, segment: &Segment) -> Result<Option<(SegmentEntry, Source<'a>)>> {
        for known in self.known_elsewhere(key)? {
            if let Some(entry) = known.find(segment)
                && let Some(oid) = known.folder.segment(entry.name)
            {
                return Ok(Some((entry, Source::Elsewhere(oid))));
            }
        }
        Ok(None)
    }

    /// Takes over a session that has not changed since it was stored.
    fn copy(&mut self, key: SessionKey) -> Result<Change, Stop> {
        if self.known(key)?.session.is_some() {
            return Ok(Change::Same);
        }
        let greatest = |found: Vec<Known>| {
            let found = found.into_iter().filter_map(|known| Some((known.session?, known.folder)));
            found.max_by_key(|(session, _)| session.name)
        };
        let found = match greatest(self.known_elsewhere(key)?) {
            None => greatest(self.known_of_remotes(key)?),
            found => found,
        };
        let (session, folder) = found.ok_or(Refusal::NotStored)?;
        self.insert(&LedgerPath::Meta(key, session.name), session.blob)?;
        for SegmentEntry { name, .. } in &session.meta.segments {
            if let Some(oid) = folder.segment(*name) {
                self.insert(&LedgerPath::Segment(key, *name), oid)?;
            }
        }
        Ok(Change::Copied)
    }

    /// Ties a session to a commit or a patch, unless it is already, for as good a reason. Says whether it wrote.
    fn link(&mut self, path: &LedgerPath, key: SessionKey, evidence: &Evidence) -> Result<bool> {
        if let Some((EntryKind::File, oid)) = self.editor.get(path.to_string().as_bytes())? {
            let old = self.repo.blob(oid, evidence::READ_LIMIT).ok().and_then(|bytes| Evidence::parse(&bytes).ok());
            if old.is_some_and(|old| !evidence.is_stronger_than(&old)) {
                return Ok(false);
            }
        }
        let bytes = evidence.to_json().map_err(|_| self.unwritable(key))?;
        self.write(path, &bytes)?;
        Ok(true)
    }

    fn unwritable(&self, key: SessionKey) -> Error {
        let (ledger, path) = (self.ledger.to_string(), session_path(key));
        Error::Damaged { ledger, path, why: Damage::Incoherent("it cannot be written as JSON") }
    }

    fn write(&mut self, path: &LedgerPath, content: &[u8]) -> Result<()> {
        let oid = self.batch.blob(content)?;
        self.insert(path, oid)
    }

    fn insert(&mut self, path: &LedgerPath, oid: Oid) -> Result<()> {
        Ok(self.editor.insert(path.to_string().as_bytes(), EntryKind::File, oid)?)
    }
}

/// Whether a session is one that is no longer kept.
fn refuse(retention: &Retention, key: SessionKey) -> Result<(), Stop> {
    if retention.purged.contains(&key.sid) {
        return Err(Refusal::Purged.into());
    }
    match retention.floor {
        Some(floor) if retention.is_expired(key) => Err(Refusal::Expired(floor).into()),
        _ => Ok(()),
    }
}

impl Known {
    /// Of some ledgers. One that is broken does not keep the others from being asked.
    fn in_any(ledgers: &Ledgers<'_>, key: SessionKey) -> Vec<Self> {
        let read = |view| Self::read(view, key, LedgerView::folder_oid(view, key).ok()??).ok();
        ledgers.views().filter_map(read).collect()
    }

    /// Reads a session's folder. A session that lacks segments is none: it is to be stored anew.
    fn read(view: &LedgerView<'_>, key: SessionKey, oid: Oid) -> Result<Self> {
        let folder = view.list_session(key, oid)?;
        let session = greatest(key, &[(view, oid)]).0;
        let whole = |of: &StoredSession| of.meta.segments.iter().all(|entry| folder.segment(entry.name).is_some());
        let session = session.filter(whole);
        Ok(Self { folder, session })
    }

    /// The segment with the same lines at the same place, if the session here has it.
    fn find(&self, segment: &Segment) -> Option<SegmentEntry> {
        let entries = &self.session.as_ref()?.meta.segments;
        let same = |entry: &&SegmentEntry| {
            (entry.name.start, entry.name.len, entry.bytes, entry.sha256)
                == (segment.first_event, segment.events, segment.bytes, segment.sha256)
        };
        entries.iter().find(same).cloned()
    }
}
