//! Writing: one commit for one capture, and none when there is nothing new.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Instant;

use super::day::{Day, Month};
use super::error::Result;
use super::evidence::Evidence;
use super::name::LedgerRef;
use super::plan::Plan;
use super::sid::{SessionKey, Sid};
use crate::git::{self, BatchReport, BranchName, Expected, NewCommit, Oid, PatchId, Repo, RepoLock, Signature, Update};
use crate::hail::Record;

/// How often a lost race is run again. Each time somebody else got something done.
const TRIES: usize = 64;

/// What a capture has of one session.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// The session.
    pub session: Captured,
    /// The commits to tie it to.
    pub links: Vec<NewLink>,
    /// What else it is to be found by.
    pub anchors: Vec<NewAnchor>,
}

/// A session, as a capture has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Captured {
    /// New, or grown.
    Record {
        /// What to store. Segments that it only names may be in any live ledger of the repository.
        record: Box<Record>,
        /// The day it was stored under before: it stays there, even if its first moment is another now.
        day: Option<Day>,
    },
    /// As it was when it was stored, in this ledger, in that of another branch, or in one that was fetched.
    Stored(SessionKey),
}

impl Captured {
    fn sid(&self) -> Sid {
        match self {
            Self::Record { record, .. } => Sid::of(record.header()),
            Self::Stored(key) => key.sid,
        }
    }

    /// What counts when two logs are of one session.
    fn rank(&self) -> (u32, u64) {
        match self {
            Self::Record { record, .. } => (record.rules_version(), record.stats().event_count),
            Self::Stored(_) => (0, 0),
        }
    }
}

/// A session to be tied to a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    /// The commit.
    pub commit: Oid,
    /// Its committer date, in seconds since the epoch.
    pub committed_at: i64,
    /// Why.
    pub evidence: Evidence,
}

/// A session to be found by the id of a patch, or of a line of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAnchor {
    /// The patch.
    pub patch: PatchId,
    /// Why, with what the patch is of.
    pub evidence: Evidence,
}

/// Who appends, when, and how long it may take.
#[derive(Debug, Clone, Copy)]
pub struct Appender<'a> {
    /// Author and committer of the commit.
    pub signature: &'a Signature,
    /// The capture lock, if it is held: only then may the lock file of a killed process be removed.
    pub lock: Option<&'a RepoLock>,
    /// When to give up on a ref that another process has locked.
    pub deadline: Instant,
}

/// What came of an append.
#[derive(Debug)]
#[must_use = "a lost race is a value"]
pub enum Outcome {
    /// The ledger has a new commit, and it is durable.
    Appended {
        /// The tip before; `None`: the ledger is new.
        old: Option<Oid>,
        /// The tip now.
        new: Oid,
        /// What was done.
        report: Report,
    },
    /// There was nothing new, and nothing was written.
    Unchanged {
        /// The tip, if there is a ledger.
        tip: Option<Oid>,
        /// What was found.
        report: Report,
    },
    /// Others were faster every time. Nothing is lost but the time: append again.
    Raced,
}

/// What was done with each session.
#[derive(Debug, Default)]
pub struct Report {
    /// Each session and what it was, in the order of their names.
    pub sessions: Vec<(SessionKey, Change)>,
    /// Links that are new, or have better evidence now.
    pub links: usize,
    /// The same, by patch id.
    pub anchors: usize,
    /// What was not stored, and why.
    pub refused: Vec<(SessionKey, Refusal)>,
    /// What went to disk.
    pub written: BatchReport,
}

impl Report {
    /// How many sessions were written.
    pub fn written_sessions(&self) -> usize {
        self.sessions.iter().filter(|(_, change)| change.is_written()).count()
    }
}

/// What a session was to its ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Not there before.
    New,
    /// There, and continued.
    Grown,
    /// There with another beginning: all of it was written again.
    Replaced,
    /// Not there before, but in the ledger of another branch: nothing of it was written again.
    Copied,
    /// There, and the same.
    Same,
    /// There with more events, or redacted by newer rules: what is there stays.
    Older,
}

impl Change {
    pub(super) fn is_written(self) -> bool {
        !matches!(self, Self::Same | Self::Older)
    }
}

/// Why a session is not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was purged, and stays gone.
    #[error("it was purged")]
    Purged,
    /// It is older than what the ledger keeps.
    #[error("it is of before {0}, and expired in this ledger")]
    Expired(Day),
    /// Header and list of segments are larger than readers accept.
    #[error("its metadata has {0} bytes, more than {limit}", limit = super::meta::META_LIMIT)]
    MetaTooLarge(usize),
    /// One event is larger than readers accept.
    #[error("one of its events has {0} bytes, more than {limit}", limit = super::meta::SEGMENT_LIMIT)]
    EventTooLarge(u64),
    /// It was said to be stored, and no live ledger has it: capture it from its beginning.
    #[error("no ledger of this repository has what it was continued from; it must be captured from its beginning")]
    NotStored,
}

impl Refusal {
    /// Whether this is what somebody has asked for, and no failure: what was purged or has expired stays gone.
    pub fn is_meant(&self) -> bool {
        matches!(self, Self::Purged | Self::Expired(_))
    }
}

/// Appends to the live ledger of a branch: all in one commit, durable before the ref moves, and moved only from the
/// tip that was read. A lost race is run again on top of the winner.
///
/// What is there and greater stays; what is the same is not written again; a session that cannot be stored keeps
/// none of the others from being stored.
///
/// # Errors
/// When the ledger cannot be read or is another branch's, when objects cannot be written, when the ref stays locked
/// until the deadline.
pub fn append(repo: &Repo, branch: &BranchName, appends: &[Append], by: &Appender<'_>) -> Result<Outcome> {
    let ledger = LedgerRef::local(branch);
    let hidden = ledger.to_ref().map_err(git::Error::from)?;
    let sessions = by_session(appends);
    for _ in 0..TRIES {
        let old = repo.read_ref(hidden.name())?;
        let mut plan = Plan::new(repo, &ledger, branch, old)?;
        for (sid, (captured, links)) in &sessions {
            plan.session(*sid, captured, links)?;
        }
        let (changed, mut report) = plan.finish()?;
        let Some((tree, mut batch)) = changed else { return Ok(Outcome::Unchanged { tip: old, report }) };
        let message = message(&report);
        let parents: Vec<Oid> = old.into_iter().collect();
        let commit =
            NewCommit { tree, parents: &parents, author: by.signature, committer: by.signature, message: &message };
        let new = batch.commit(&commit)?;
        if repo.read_ref(hidden.name())? != old {
            // Lost already: it would be a pity to wait for the disk.
            continue;
        }
        report.written = batch.finish()?;
        let expected = old.map_or(Expected::Absent, Expected::At);
        match repo.update_ref(&hidden, expected, Some(new), &message, by.lock, by.deadline)? {
            Update::Moved => return Ok(Outcome::Appended { old, new, report }),
            Update::Raced => {}
        }
    }
    Ok(Outcome::Raced)
}

/// The links of one session, by where they lie.
#[derive(Default)]
pub(super) struct Links<'a> {
    pub(super) commits: BTreeMap<(Month, Oid), &'a Evidence>,
    pub(super) patches: BTreeMap<PatchId, &'a Evidence>,
}

impl<'a> Links<'a> {
    fn add(&mut self, append: &'a Append) {
        for NewLink { commit, committed_at, evidence } in &append.links {
            keep_stronger(self.commits.entry((Month::of_commit(*committed_at), *commit)), evidence);
        }
        for NewAnchor { patch, evidence } in &append.anchors {
            keep_stronger(self.patches.entry(*patch), evidence);
        }
    }
}

fn keep_stronger<'a, K: Ord>(place: Entry<'_, K, &'a Evidence>, evidence: &'a Evidence) {
    let known = place.or_insert(evidence);
    if evidence.is_stronger_than(known) {
        *known = evidence;
    }
}

/// Gathers what belongs to one session. Two logs can be of one (an archived copy): the greater one counts.
fn by_session(appends: &[Append]) -> BTreeMap<Sid, (&Captured, Links<'_>)> {
    let mut sessions = BTreeMap::new();
    for append in appends {
        let session = &append.session;
        let (captured, links) = sessions.entry(session.sid()).or_insert_with(|| (session, Links::default()));
        if session.rank() > captured.rank() {
            *captured = session;
        }
        links.add(append);
    }
    sessions
}

/// The message of the commit: counts, and nothing from the sessions.
fn message(report: &Report) -> String {
    let count = |number: usize, what: &str| match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{number} {what}s")),
    };
    // Anchors come with links; they are worth a word where there is nothing else.
    let anchors = if report.written_sessions() + report.links == 0 { report.anchors } else { 0 };
    let parts = [count(report.written_sessions(), "session"), count(report.links, "link"), count(anchors, "anchor")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("opensession: {}\n", parts.join(", "))
}
