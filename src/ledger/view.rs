//! One ledger as it is at one commit.

use super::LedgerRef;
use super::day::{Day, Month};
use super::error::{Damage, Error, Result};
use super::evidence::EvidenceKind;
use super::layout::{self, LedgerPath, MetaName, SegmentName};
use super::ledgers::read_evidence;
use super::meta::{META_LIMIT, Meta};
use super::retention::Retention;
use super::sid::{SessionKey, Sid};
use crate::git::{self, BranchName, EntryKind, Oid, PatchId, Repo, TreeEntry};

/// The largest of the small files below `v2/`, in bytes: a branch name is at most a path long.
const SMALL_LIMIT: u64 = 8 << 10;

/// One ledger as it is at one commit. Nothing of it is trusted: a name that is none of a ledger is passed over, and
/// sizes are looked at before anything is read.
pub struct LedgerView<'repo> {
    repo: &'repo Repo,
    label: String,
    tip: Oid,
    root: Oid,
    branch: Option<BranchName>,
    retention: Retention,
    sessions: Option<Oid>,
    commits: Option<Oid>,
    patches: Option<Oid>,
}

/// The folder of a session, listed.
#[derive(Debug, Clone, Default)]
pub(super) struct SessionFolder {
    pub(super) metas: Vec<(MetaName, TreeEntry)>,
    pub(super) segments: Vec<(SegmentName, TreeEntry)>,
}

/// A session as a ledger has it, without its events.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSession {
    /// Its day and its name.
    pub key: SessionKey,
    /// The name of its `m`.
    pub name: MetaName,
    /// Header, statistics, list of segments.
    pub meta: Meta,
    /// The ledger it was read from: its ref, or a commit.
    pub ledger: String,
    /// The folder it was read from.
    pub(super) folder: Oid,
    /// The blob of its `m`.
    pub(super) blob: Oid,
}

impl<'repo> LedgerView<'repo> {
    /// Opens a ledger; `None` if there is no such ref.
    ///
    /// # Errors
    /// When the ref or its commit cannot be read, when it is the ledger of another branch, or of a later format.
    pub fn open(repo: &'repo Repo, ledger: &LedgerRef) -> Result<Option<Self>> {
        let hidden = ledger.to_ref().map_err(git::Error::from)?;
        let Some(tip) = repo.read_ref(hidden.name())? else { return Ok(None) };
        Self::open_at(repo, ledger, tip).map(Some)
    }

    /// Opens a ledger whose tip was read already.
    pub(super) fn open_at(repo: &'repo Repo, ledger: &LedgerRef, tip: Oid) -> Result<Self> {
        Self::open_tree(repo, ledger, tip, repo.commit(tip)?.tree)
    }

    /// Opens a tree that is to be, or is, that of a ledger's tip.
    pub(super) fn open_tree(repo: &'repo Repo, ledger: &LedgerRef, tip: Oid, root: Oid) -> Result<Self> {
        let mut view = Self::labelled(repo, ledger.to_string(), tip, root)?;
        match &view.branch {
            Some(found) if !ledger.is_of(found.as_bytes()) => {
                let wanted = ledger.branch().map_or_else(|| "a long name".to_owned(), |branch| branch.to_string());
                let found = found.to_string();
                return Err(Error::OtherBranch { ledger: view.label, wanted, found });
            }
            Some(_) => {}
            None => view.branch = ledger.branch(),
        }
        Ok(view)
    }

    /// Opens what a commit holds, whatever ref it is on.
    ///
    /// # Errors
    /// When the commit cannot be read, or is of a later format.
    pub fn at(repo: &'repo Repo, commit: Oid) -> Result<Self> {
        Self::labelled(repo, commit.to_string(), commit, repo.commit(commit)?.tree)
    }

    fn labelled(repo: &'repo Repo, label: String, tip: Oid, root: Oid) -> Result<Self> {
        let top = repo.lookup(root, layout::ROOT.as_bytes())?.filter(is_tree);
        let entries = match &top {
            Some(top) => repo.list(top.oid, b"")?,
            None => Vec::new(),
        };
        let mut view = Self {
            repo,
            label,
            tip,
            root,
            branch: None,
            retention: Retention::default(),
            sessions: folder(&entries, layout::SESSIONS),
            commits: folder(&entries, layout::COMMITS),
            patches: folder(&entries, layout::PATCHES),
        };
        view.check_format(&entries)?;
        view.branch =
            view.small(&entries, layout::BRANCH_NAME, "a branch name", |bytes| BranchName::new(bytes).ok())?;
        view.retention.floor = view.small(&entries, layout::FLOOR_NAME, "a day", |bytes| {
            str::from_utf8(bytes.trim_ascii_end()).ok()?.parse().ok()
        })?;
        if let Some(tree) = folder(&entries, layout::KEPT) {
            let listed = view.entries(tree, format!("{}/{}", layout::ROOT, layout::KEPT))?;
            let keys = listed.iter().filter_map(|entry| SessionKey::parse(&entry.name));
            // What is not below the floor needs no name.
            view.retention.kept = keys.filter(|key| view.retention.is_below_floor(key.day)).collect();
        }
        if let Some(tree) = folder(&entries, layout::TOMBSTONES) {
            let path = format!("{}/{}", layout::ROOT, layout::TOMBSTONES);
            view.retention.bury(&view.entries(tree, path)?);
        }
        Ok(view)
    }

    /// The entries of a tree, its path told if it cannot be read.
    pub(super) fn entries(&self, tree: Oid, path: String) -> Result<Vec<TreeEntry>> {
        self.repo.list(tree, b"").map_err(|why| self.damaged(path, why.into()))
    }

    fn check_format(&self, entries: &[TreeEntry]) -> Result<()> {
        let format = self.small(entries, layout::FORMAT_NAME, "a format", |bytes| Some(bytes.to_vec()))?;
        match format {
            Some(format) if format.trim_ascii_end() != layout::FORMAT.as_bytes() => {
                let format = String::from_utf8_lossy(format.get(..16).unwrap_or(&format)).into_owned();
                Err(Error::NewerFormat { ledger: self.label.clone(), format })
            }
            _ => Ok(()),
        }
    }

    /// One of the small files below `v2/`; `None` if it is not there.
    fn small<T>(
        &self,
        entries: &[TreeEntry],
        name: &str,
        what: &'static str,
        parse: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(entry) = entries.iter().find(|entry| entry.name == name.as_bytes()) else { return Ok(None) };
        let path = format!("{}/{name}", layout::ROOT);
        let bytes = self.file(entry, SMALL_LIMIT).map_err(|why| self.damaged(path.clone(), why))?;
        let value = parse(&bytes).ok_or_else(|| self.damaged(path, Damage::NotThe(what)))?;
        Ok(Some(value))
    }

    /// The bytes of an entry that must be a file of at most `limit` bytes.
    pub(super) fn file(&self, entry: &TreeEntry, limit: u64) -> Result<Vec<u8>, Damage> {
        if entry.kind != EntryKind::File {
            return Err(Damage::NotA("file"));
        }
        Ok(self.repo.blob(entry.oid, limit)?)
    }

    pub(super) fn damaged(&self, path: String, why: Damage) -> Error {
        Error::Damaged { ledger: self.label.clone(), path, why }
    }

    /// What it is called in messages: its ref, or the commit.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The commit.
    pub fn tip(&self) -> Oid {
        self.tip
    }

    /// The commit's tree.
    pub fn root(&self) -> Oid {
        self.root
    }

    pub(super) fn repo(&self) -> &'repo Repo {
        self.repo
    }

    /// The branch it is the ledger of, if it says so.
    pub fn branch(&self) -> Option<&BranchName> {
        self.branch.as_ref()
    }

    /// What it no longer keeps.
    pub fn retention(&self) -> &Retention {
        &self.retention
    }

    /// The day before which all is expired.
    pub fn floor(&self) -> Option<Day> {
        self.retention.floor
    }

    /// Takes over what another ledger of the same branch no longer keeps.
    pub(super) fn restrict(&mut self, other: &Retention) {
        self.retention = std::mem::take(&mut self.retention).and(other);
    }

    /// Whether a session was purged here: it stays gone.
    pub fn is_purged(&self, sid: Sid) -> bool {
        self.retention.purged.contains(&sid)
    }

    /// The sessions that were purged here.
    pub fn tombstones(&self) -> impl Iterator<Item = Sid> + use<'_, 'repo> {
        self.retention.purged.iter().copied()
    }

    /// Whether a session is expired here.
    pub(super) fn is_expired(&self, key: SessionKey) -> bool {
        self.retention.is_expired(key)
    }

    /// The tree of all sessions.
    pub(super) fn sessions(&self) -> Option<Oid> {
        self.sessions
    }

    /// The folders in a folder of the sessions whose names parse; all else in it is counted.
    pub(super) fn folders<T>(
        &self,
        tree: Oid,
        path: &str,
        ignored: &mut u64,
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Vec<(T, Oid)>> {
        let entries = self.entries(tree, layout::sessions_path(path))?;
        let count = entries.len();
        let parsed = entries.into_iter().filter(is_tree).filter_map(|entry| Some((parse(&entry.name)?, entry.oid)));
        let folders: Vec<_> = parsed.collect();
        *ignored += (count - folders.len()) as u64;
        Ok(folders)
    }

    /// The month of the first day of sessions.
    pub(super) fn first_month(&self) -> Option<Month> {
        let mut ignored = 0;
        let years = self.folders(self.sessions?, "", &mut ignored, layout::parse_year).ok()?;
        let (year, months) = years.into_iter().min()?;
        let months = self.folders(months, &format!("{year:04}"), &mut ignored, layout::parse_month).ok()?;
        let (month, _) = months.into_iter().min()?;
        Day::new(year, month, 1).map(Month::of)
    }

    /// The entries of a folder of the links by commit; none if there is no such folder.
    fn commit_entries(&self, tree: Oid, path: &str) -> Result<Vec<TreeEntry>> {
        let listed = self.repo.list(tree, path.as_bytes());
        listed.map_err(|why| self.damaged(format!("{}/{}/{path}", layout::ROOT, layout::COMMITS), why.into()))
    }

    /// The folder of a session, if there is one. Tombstones and floor are not asked.
    pub(super) fn folder_oid(&self, key: SessionKey) -> Result<Option<Oid>> {
        let Some(tree) = self.sessions else { return Ok(None) };
        let found = self.repo.lookup(tree, layout::session_folder(key).as_bytes());
        let found = found.map_err(|why| self.damaged(layout::session_path(key), why.into()))?;
        Ok(found.filter(is_tree).map(|entry| entry.oid))
    }

    /// Whether a session is here, whatever tombstones and floor say.
    ///
    /// # Errors
    /// When the folders on the way cannot be read.
    pub fn has_session(&self, key: SessionKey) -> Result<bool> {
        Ok(self.folder_oid(key)?.is_some())
    }

    /// Whether sessions or snapshots are here that are purged by somebody else's word. Reads names only.
    ///
    /// # Errors
    /// When the folders cannot be listed.
    pub fn has_any(&self, purged: &Retention) -> Result<bool> {
        for digest in &purged.purged_snapshots {
            let path = LedgerPath::Snapshot(*digest).to_string();
            if self.repo.lookup(self.root, path.as_bytes())?.is_some() {
                return Ok(true);
            }
        }
        if !purged.purged.is_empty() && !self.snapshots_of(|key| purged.purged.contains(&key.sid))?.is_empty() {
            return Ok(true);
        }
        let Some(years) = self.sessions.filter(|_| !purged.purged.is_empty()) else { return Ok(false) };
        let mut ignored = 0;
        for (year, months) in self.folders(years, "", &mut ignored, layout::parse_year)? {
            for (month, days) in self.folders(months, &format!("{year:04}"), &mut ignored, layout::parse_month)? {
                let path = format!("{year:04}/{month:02}");
                for (_, sids) in self.folders(days, &path, &mut ignored, |name| layout::parse_day(year, month, name))? {
                    let found = self.folders(sids, &path, &mut ignored, Sid::parse)?;
                    if found.iter().any(|(sid, _)| purged.purged.contains(sid)) {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// Lists the folder of a session.
    pub(super) fn list_session(&self, key: SessionKey, oid: Oid) -> Result<SessionFolder> {
        Ok(SessionFolder::of(self.entries(oid, layout::session_path(key))?))
    }

    /// Reads an `m`.
    pub(super) fn read_meta(
        &self,
        key: SessionKey,
        folder: Oid,
        name: MetaName,
        entry: &TreeEntry,
    ) -> Result<StoredSession> {
        let read = || Meta::parse(&self.file(entry, META_LIMIT)?, &name, key.sid);
        let meta = read().map_err(|why| self.damaged(LedgerPath::Meta(key, name).to_string(), why))?;
        Ok(StoredSession { key, name, meta, ledger: self.label.clone(), folder, blob: entry.oid })
    }

    /// The links of a commit, with the evidence's entries; all months are searched if the committer date is not known.
    pub(super) fn links(&self, commit: Oid, committed_at: Option<i64>) -> Result<Vec<(SessionKey, TreeEntry)>> {
        let Some(tree) = self.commits else { return Ok(Vec::new()) };
        let months = match committed_at {
            Some(seconds) => vec![Month::of_commit(seconds)],
            None => self.commit_entries(tree, "")?.iter().filter_map(|entry| Month::parse(&entry.name)).collect(),
        };
        let mut links = Vec::new();
        for month in months {
            let path = format!("{month}/{}", layout::oid_folder(commit));
            for entry in self.commit_entries(tree, &path)? {
                if let Some(key) = SessionKey::parse(&entry.name) {
                    links.push((key, entry));
                }
            }
        }
        Ok(links)
    }

    /// What ties a session that this ledger keeps to a commit; `None` if nothing does. Of what cannot be read no more is
    /// known than that it is there.
    ///
    /// # Errors
    /// When something cannot be listed.
    pub fn tie(&self, commit: Oid, committed_at: Option<i64>, key: SessionKey) -> Result<Option<EvidenceKind>> {
        if !self.retention.keeps(key) || !self.has_session(key)? {
            return Ok(None);
        }
        let links = self.links(commit, committed_at)?;
        let found = links.into_iter().find(|(linked, _)| *linked == key);
        Ok(found.map(|(_, entry)| read_evidence(self, &entry).map_or(EvidenceKind::Window, |evidence| evidence.kind)))
    }

    /// The links of a patch, with the evidence's entries.
    pub(super) fn patch_links(&self, patch: PatchId) -> Result<Vec<(SessionKey, TreeEntry)>> {
        let Some(tree) = self.patches else { return Ok(Vec::new()) };
        let (folder, rest) = layout::patch_folder(patch);
        let listed = self.repo.list(tree, folder.as_bytes());
        let listed =
            listed.map_err(|why| self.damaged(format!("{}/{}/{folder}", layout::ROOT, layout::PATCHES), why.into()))?;
        let key_of = |name: &[u8]| SessionKey::parse(name.strip_prefix(rest.as_bytes())?.strip_prefix(b"-")?);
        Ok(listed.into_iter().filter_map(|entry| Some((key_of(&entry.name)?, entry))).collect())
    }

    /// The commits a session is tied to, in the months from its own on. There is no index from session to commit:
    /// the names of those months are read, one tree a commit.
    pub(super) fn commits_of(&self, key: SessionKey) -> Result<Vec<(Oid, TreeEntry)>> {
        let name = key.to_string();
        let mut found = Vec::new();
        for (commit, sessions) in self.commits_since(Some(Month::of(key.day)))? {
            if let Some(entry) = self.repo.lookup(sessions, name.as_bytes())? {
                found.push((commit, entry));
            }
        }
        Ok(found)
    }

    /// Every session and commit that are tied, in the months from one on: for lists, which would
    /// otherwise read the same trees for each session.
    pub(super) fn ties_since(&self, since: Option<Month>) -> Result<Vec<(SessionKey, Oid)>> {
        let mut ties = Vec::new();
        for (commit, sessions) in self.commits_since(since)? {
            let keys = self.repo.list(sessions, b"")?;
            ties.extend(keys.iter().filter_map(|entry| Some((SessionKey::parse(&entry.name)?, commit))));
        }
        Ok(ties)
    }

    /// The commits that have links, in the months from one on, each with the tree of its links.
    fn commits_since(&self, since: Option<Month>) -> Result<Vec<(Oid, Oid)>> {
        let Some(tree) = self.commits else { return Ok(Vec::new()) };
        let mut commits = Vec::new();
        for month in self.repo.list(tree, b"")?.iter().filter(|entry| is_tree(entry)) {
            if Month::parse(&month.name).is_none_or(|month| since.is_some_and(|since| month < since)) {
                continue;
            }
            for head in self.repo.list(month.oid, b"")?.iter().filter(|entry| is_tree(entry)) {
                for rest in self.repo.list(head.oid, b"")?.iter().filter(|entry| is_tree(entry)) {
                    commits.extend(layout::parse_oid(&head.name, &rest.name).map(|commit| (commit, rest.oid)));
                }
            }
        }
        Ok(commits)
    }
}

impl SessionFolder {
    pub(super) fn of(entries: Vec<TreeEntry>) -> Self {
        let mut folder = Self::default();
        for entry in entries {
            if let Some(name) = MetaName::parse(&entry.name) {
                folder.metas.push((name, entry));
            } else if let Some(name) = SegmentName::parse_file(&entry.name) {
                folder.segments.push((name, entry));
            }
        }
        folder
    }

    /// The blob of a segment.
    pub(super) fn segment(&self, name: SegmentName) -> Option<Oid> {
        let (_, entry) = self.segments.iter().find(|(known, _)| *known == name)?;
        (entry.kind == EntryKind::File).then_some(entry.oid)
    }
}

impl StoredSession {
    /// Where its `m` lies in its ledger.
    pub fn path(&self) -> LedgerPath {
        LedgerPath::Meta(self.key, self.name)
    }
}

fn is_tree(entry: &TreeEntry) -> bool {
    entry.kind == EntryKind::Tree
}

fn folder(entries: &[TreeEntry], name: &str) -> Option<Oid> {
    entries.iter().find(|entry| entry.name == name.as_bytes() && is_tree(entry)).map(|entry| entry.oid)
}
