//! Several ledgers read as one.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use super::anchor::Anchor;
use super::day::{Day, Month};
use super::error::{Damage, Error, Result};
use super::evidence::{self, Evidence, Percent};
use super::layout;
use super::name::{LOCAL_PREFIX, LedgerRef, REMOTES_PREFIX};
use super::retention::Retention;
use super::sessions::{Days, Sessions};
use super::sid::{SessionKey, Sid, SidPrefix};
use super::text::SessionText;
use super::view::{LedgerView, StoredSession};
use crate::git::{BranchName, Oid, PatchId, Repo, TreeEntry};

/// How many broken `m` of one session are looked at before it is given up.
const BROKEN_LIMIT: usize = 8;

/// How much of what lies in inboxes is read. More is a mistake, or meant to keep readers busy; it is read once it is
/// joined.
const INBOX_LIMIT: usize = 256;

/// Ledgers read as one: those of this repository, and what was fetched of others. A session that several have is one
/// session, and its greatest `m` counts. What one of them says is purged is gone from all; what is below the floor of a
/// branch is expired in every ledger of that branch.
pub struct Ledgers<'repo> {
    repo: &'repo Repo,
    views: Vec<LedgerView<'repo>>,
    unreadable: Vec<Error>,
}

/// A session tied to a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The commit.
    pub commit: Oid,
    /// The session.
    pub key: SessionKey,
    /// Why; `None` if it cannot be read.
    pub evidence: Option<Evidence>,
    /// By what the commit was recognised.
    pub matched: Match,
}

/// By what a commit was recognised as one that a session is behind, surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Match {
    /// Its id.
    Commit,
    /// The id of its patch: it was rewritten, or picked to another branch.
    Patch,
    /// The id of its patch, which is that of a whole branch: it is a squash of it.
    Branch,
    /// So much of what a linked commit adds, or of what it adds itself, is the same: the patch was changed.
    Similar(Percent),
}

impl Match {
    /// Its word, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Patch => "patch",
            Self::Branch => "branch",
            Self::Similar(_) => "similar",
        }
    }

    /// How much is the same, where it is only similar.
    pub fn share(self) -> Option<Percent> {
        match self {
            Self::Similar(share) => Some(share),
            _ => None,
        }
    }
}

impl fmt::Display for Match {
    /// `patch`, `similar 83%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        self.share().map_or(Ok(()), |share| write!(f, " {}%", share.get()))
    }
}

/// A session that is found by a patch, or by a line of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchLink {
    /// The session.
    pub key: SessionKey,
    /// Why, with what the patch is of; `None` if it cannot be read.
    pub evidence: Option<Evidence>,
}

/// Which ledgers to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// All there are.
    All,
    /// The live ones of this repository.
    Local,
    /// Those of one branch: the live one, and those of remotes.
    Branch(&'a BranchName),
    /// Those of one remote, as they were when last fetched.
    Remote(&'a str),
}

impl Link {
    /// One that lies at the commit itself. What was found by lines stays similar, written down or not.
    fn at(commit: Oid, key: SessionKey, evidence: Option<Evidence>) -> Self {
        let matched = match evidence.as_ref().and_then(|why| why.anchor.as_ref()) {
            Some(Anchor::Similar { share, .. }) => Match::Similar(*share),
            _ => Match::Commit,
        };
        Self { commit, key, evidence, matched }
    }

    /// The surest match before all others, then the strongest evidence, then the newest session.
    pub fn by_strength(&self, other: &Self) -> std::cmp::Ordering {
        let strength = |link: &Self| link.evidence.as_ref().map(Evidence::strength);
        self.matched.cmp(&other.matched).then(strength(other).cmp(&strength(self))).then(other.key.cmp(&self.key))
    }
}

impl Scope<'_> {
    pub(super) fn has(self, ledger: &LedgerRef) -> bool {
        match self {
            Self::All => true,
            Self::Local => ledger.is_local(),
            Self::Branch(branch) => ledger.is_of(branch.as_bytes()),
            Self::Remote(remote) => ledger.is_at(remote),
        }
    }
}

impl<'repo> Ledgers<'repo> {
    /// Opens ledgers. One that cannot be opened does not keep the others from being read: see
    /// [`Ledgers::unreadable`].
    ///
    /// # Errors
    /// When the refs cannot be listed.
    pub fn open(repo: &'repo Repo, scope: Scope<'_>) -> Result<Self> {
        let mut ledgers = Self { repo, views: Vec::new(), unreadable: Vec::new() };
        let mut inbox = 0;
        for prefix in [LOCAL_PREFIX, REMOTES_PREFIX] {
            for found in repo.refs(prefix)? {
                let Some(ledger) = LedgerRef::parse(&found.name).filter(|ledger| scope.has(ledger)) else { continue };
                if let Some(named) = ledger.inbox() {
                    inbox += 1;
                    if named != found.oid || inbox > INBOX_LIMIT {
                        continue;
                    }
                }
                match LedgerView::open_at(repo, &ledger, found.oid) {
                    Ok(view) => ledgers.views.push(view),
                    Err(error) => ledgers.unreadable.push(error),
                }
            }
        }
        ledgers.share_retention();
        // A ledger that was pushed or fetched and not touched since is there twice.
        let mut seen = HashSet::new();
        ledgers.views.retain(|view| seen.insert((view.tip(), view.branch().cloned())));
        Ok(ledgers)
    }

    /// One ledger, read as such.
    pub fn one(view: LedgerView<'repo>) -> Self {
        Self { repo: view.repo(), views: vec![view], unreadable: Vec::new() }
    }

    fn share_retention(&mut self) {
        let mut shared: BTreeMap<Option<BranchName>, Retention> = BTreeMap::new();
        for view in &self.views {
            let known = shared.entry(view.branch().cloned()).or_default();
            *known = std::mem::take(known).and(view.retention());
        }
        for view in &mut self.views {
            if let Some(retention) = shared.get(&view.branch().cloned()) {
                view.restrict(retention);
            }
        }
    }

    /// The ledgers.
    pub fn views(&self) -> impl Iterator<Item = &LedgerView<'repo>> {
        self.views.iter()
    }

    /// What could not be opened, and why.
    pub fn unreadable(&self) -> &[Error] {
        &self.unreadable
    }

    /// What could not be opened, and why; the rest is let go.
    pub fn into_unreadable(self) -> Vec<Error> {
        self.unreadable
    }

    /// Whether any of the ledgers says that a session was purged.
    pub fn is_purged(&self, sid: Sid) -> bool {
        self.views.iter().any(|view| view.is_purged(sid))
    }

    /// The session of a day and a name; `None` if it is nowhere, expired or purged.
    ///
    /// # Errors
    /// When something lies there, and none of it can be read.
    pub fn session(&self, key: SessionKey) -> Result<Option<StoredSession>> {
        if self.is_purged(key.sid) {
            return Ok(None);
        }
        let (mut folders, mut problems) = (Vec::new(), Vec::new());
        for view in self.views.iter().filter(|view| !view.is_expired(key)) {
            match view.folder_oid(key) {
                Ok(oid) => folders.extend(oid.map(|oid| (view, oid))),
                Err(error) => problems.push(error),
            }
        }
        let (session, wrong) = greatest(key, &folders);
        problems.extend(wrong);
        match (session, problems.into_iter().next()) {
            (None, Some(problem)) => Err(problem),
            (session, _) => Ok(session),
        }
    }

    /// Where the sessions are whose name begins so, newest first. More than one: the beginning was too short.
    ///
    /// Reads names only, but all of them.
    ///
    /// # Errors
    /// When nothing was found, and something could not be listed.
    pub fn find(&self, prefix: SidPrefix) -> Result<Vec<SessionKey>> {
        let mut found = BTreeMap::new();
        let mut days = Days::new(self);
        while let Some((day, folders)) = days.next() {
            for (key, _) in days.sessions(day, folders).filter(|(key, _)| prefix.matches(key.sid)) {
                found.entry(key.sid).or_insert(key);
            }
            if prefix.whole().is_some() && !found.is_empty() {
                break;
            }
        }
        if let Some(problem) = days.problems.pop_front().filter(|_| found.is_empty()) {
            return Err(problem);
        }
        let mut keys: Vec<_> = found.into_values().collect();
        keys.sort_by(|a, b| b.cmp(a));
        Ok(keys)
    }

    /// The month of the first day that any ledger has; `None` if none has a day that can be read. Two lists a ledger are
    /// read.
    pub fn first_month(&self) -> Option<Month> {
        self.views.iter().filter_map(LedgerView::first_month).min()
    }

    /// All sessions, newest first; read as they are asked for.
    pub fn sessions(&self) -> Sessions<'_, 'repo> {
        Sessions::new(self)
    }

    /// The sessions tied to a commit, strongest evidence first. `committed_at` is its committer date in seconds since
    /// the epoch: without it (the commit is not here) all months are searched.
    ///
    /// # Errors
    /// When nothing was found, and something could not be listed.
    pub fn links(&self, commit: Oid, committed_at: Option<i64>) -> Result<Vec<Link>> {
        let strongest = self.strongest(|view| view.links(commit, committed_at))?;
        let links = strongest.into_iter().map(|(key, evidence)| Link::at(commit, key, evidence));
        let mut links: Vec<_> = links.collect();
        links.sort_by(Link::by_strength);
        Ok(links)
    }

    /// The sessions that are found by a patch, or by a line of one, each with its strongest evidence.
    ///
    /// # Errors
    /// When nothing was found, and something could not be listed.
    pub fn patch_links(&self, patch: PatchId) -> Result<Vec<PatchLink>> {
        let found = self.strongest(|view| view.patch_links(patch))?;
        Ok(found.into_iter().map(|(key, evidence)| PatchLink { key, evidence }).collect())
    }

    /// The sessions in some folder of links, in all ledgers, each with its strongest evidence.
    fn strongest(
        &self,
        links: impl Fn(&LedgerView<'repo>) -> Result<Vec<(SessionKey, TreeEntry)>>,
    ) -> Result<BTreeMap<SessionKey, Option<Evidence>>> {
        let mut strongest: BTreeMap<SessionKey, Option<Evidence>> = BTreeMap::new();
        let mut problem = None;
        for view in &self.views {
            let links = links(view).unwrap_or_else(|error| {
                problem.get_or_insert(error);
                Vec::new()
            });
            for (key, entry) in links {
                if view.is_expired(key) || self.is_purged(key.sid) {
                    continue;
                }
                keep_stronger(strongest.entry(key).or_insert(None), read_evidence(view, &entry).ok());
            }
        }
        match problem {
            Some(problem) if strongest.is_empty() => Err(problem),
            _ => Ok(strongest),
        }
    }

    /// The commits a session is tied to, each with its strongest evidence, sorted by commit id; none if it is purged.
    ///
    /// # Errors
    /// When the links cannot be listed.
    pub fn links_of(&self, key: SessionKey) -> Result<Vec<Link>> {
        if self.is_purged(key.sid) {
            return Ok(Vec::new());
        }
        let mut strongest: BTreeMap<Oid, Option<Evidence>> = BTreeMap::new();
        for view in self.views.iter().filter(|view| !view.is_expired(key)) {
            for (commit, entry) in view.commits_of(key)? {
                keep_stronger(strongest.entry(commit).or_insert(None), read_evidence(view, &entry).ok());
            }
        }
        Ok(strongest.into_iter().map(|(commit, evidence)| Link::at(commit, key, evidence)).collect())
    }

    /// The commits of every session of a day or later (of all, without a day), sorted. Links made in an earlier month
    /// than that of the day are left out.
    ///
    /// # Errors
    /// When the links cannot be listed.
    pub fn commits_by_session(&self, since: Option<Day>) -> Result<BTreeMap<SessionKey, BTreeSet<Oid>>> {
        let mut commits: BTreeMap<SessionKey, BTreeSet<Oid>> = BTreeMap::new();
        for view in &self.views {
            for (key, commit) in view.ties_since(since.map(Month::of))? {
                let wanted = since.is_none_or(|since| key.day >= since) && !view.is_expired(key);
                if wanted && !self.is_purged(key.sid) {
                    commits.entry(key).or_default().insert(commit);
                }
            }
        }
        Ok(commits)
    }

    /// The text of a session.
    ///
    /// # Errors
    /// When its folder cannot be listed.
    pub fn text(&self, session: &StoredSession) -> Result<SessionText<'repo>> {
        SessionText::new(self.repo, session.clone())
    }
}

/// What a ledger must not take: every session that any ledger here, live or fetched, says was purged; and what lies
/// below the floor of the same branch in any of them. Sessions and links are not looked at.
///
/// One that cannot be opened says nothing.
///
/// # Errors
/// When the refs cannot be listed.
pub fn retention_of_all(repo: &Repo, ledger: &LedgerRef) -> Result<Retention> {
    let mut all = Retention::default();
    let mut seen = HashSet::new();
    for prefix in [LOCAL_PREFIX, REMOTES_PREFIX] {
        for found in repo.refs(prefix)? {
            let Some(other) = LedgerRef::parse(&found.name) else { continue };
            let same_branch = other.to_local() == ledger.to_local();
            if !seen.insert((found.oid, same_branch)) {
                continue;
            }
            let Ok(view) = LedgerView::open_at(repo, &other, found.oid) else { continue };
            let floor = view.floor().filter(|_| same_branch);
            all = all.and(&Retention { floor, ..view.retention().clone() });
        }
    }
    Ok(all)
}

fn keep_stronger(known: &mut Option<Evidence>, new: Option<Evidence>) {
    if new.as_ref().is_some_and(|new| known.as_ref().is_none_or(|old| new.is_stronger_than(old))) {
        *known = new;
    }
}

pub(super) fn read_evidence(view: &LedgerView<'_>, entry: &TreeEntry) -> Result<Evidence, Damage> {
    Evidence::parse(&view.file(entry, evidence::READ_LIMIT)?)
}

/// Of the folders that one session has in some ledgers, the greatest readable `m`; and what could not be read on the
/// way to it.
pub(super) fn greatest(key: SessionKey, folders: &[(&LedgerView<'_>, Oid)]) -> (Option<StoredSession>, Vec<Error>) {
    let mut problems = Vec::new();
    let mut metas = Vec::new();
    let mut listed = HashSet::new();
    for (view, oid) in folders {
        if !listed.insert(*oid) {
            continue;
        }
        match view.list_session(key, *oid) {
            Ok(folder) if folder.metas.is_empty() => {
                problems.push(view.damaged(layout::session_path(key), Damage::NoMeta));
            }
            Ok(folder) => metas.extend(folder.metas.into_iter().map(|(name, entry)| (name, entry, *view, *oid))),
            Err(error) => problems.push(error),
        }
    }
    metas.sort_by(|(a, ..), (b, ..)| b.cmp(a));
    metas.dedup_by(|(a, entry, ..), (b, other, ..)| a == b && entry.oid == other.oid);
    for (name, entry, view, oid) in metas.iter().take(BROKEN_LIMIT) {
        match view.read_meta(key, *oid, *name, entry) {
            Ok(session) => return (Some(session), problems),
            Err(error) => problems.push(error),
        }
    }
    (None, problems)
}
