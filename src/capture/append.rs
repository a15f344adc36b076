//! Storing what was tied: one commit a ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use super::anchors::Anchors;
use super::gather::Work;
use super::index::Index;
use super::outcome::{LedgerChange, LinkMade, SkippedLog, Unfinished, WhyUnfinished};
use super::read::{Fault, Reader};
use super::session::{Session, Sessions, new_bytes};
use super::tie::{Tie, Tied};
use super::{Captured, Request, Target};
use crate::git::RepoLock;
use crate::hail::Record;
use crate::ledger::{self, Append, Appender, Change, NewLink, Outcome, Refusal, SessionKey, append};
use crate::link::PathHash;

/// How many compressed bytes go into one commit of a ledger, at most, unless one session alone is larger.
/// (Tests have less to store.)
const BYTES_AT_ONCE: u64 = if cfg!(test) { 16 << 10 } else { 64 << 20 };

/// Appends what was tied to the ledgers.
pub(super) struct Appending<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) lock: &'a RepoLock,
    /// What is known of sessions at rest.
    pub(super) index: &'a Index,
    pub(super) reader: &'a Reader<'a>,
    pub(super) captured: &'a mut Captured,
}

/// Why the work on a ledger ended.
enum Stop {
    TimeUp,
    Why(WhyUnfinished),
}

/// What goes into one commit.
#[derive(Default)]
struct Batch {
    appends: Vec<Append>,
    /// The place of the session of each; `None` of one whose log is not at hand.
    sessions: Vec<Option<usize>>,
    bytes: u64,
}

impl Batch {
    fn record(&mut self, session: &Session<'_>, record: Record) -> ledger::Captured {
        self.bytes += new_bytes(&record);
        let day = (!session.known.ledgers.is_empty()).then_some(session.known.key.day);
        ledger::Captured::Record { record: Box::new(record), day }
    }
}

impl Appending<'_> {
    pub(super) fn run(&mut self, work: &Work, sessions: &mut Sessions<'_>, tied: Tied) {
        let mut by_target: BTreeMap<usize, BTreeMap<usize, Vec<Tie>>> = BTreeMap::new();
        for tie in tied.ties {
            by_target.entry(tie.target).or_default().entry(tie.session).or_default().push(tie);
        }
        for (at, target) in work.targets.iter().enumerate() {
            let mut change = None;
            let of_target = by_target.remove(&at).unwrap_or_default();
            let result = self.target(target, sessions, of_target, &mut change);
            self.captured.ledgers.extend(change);
            let time_up = || WhyUnfinished::TimeUp { read: sessions.read, of: sessions.to_read };
            let left = || target.commits.iter().copied().filter(|commit| tied.left.contains(commit)).collect();
            let (why, commits) = match result {
                Err(Stop::Why(why)) => (why, target.commits.clone()),
                Err(Stop::TimeUp) => (time_up(), target.commits.clone()),
                Ok(()) if !sessions.is_complete() => (time_up(), target.commits.clone()),
                Ok(()) => (WhyUnfinished::TooManyCommits, left()),
            };
            if !commits.is_empty() {
                let branch = target.branch.clone();
                self.captured.unfinished.push(Unfinished { branch, commits, why });
            }
        }
    }

    fn target(
        &mut self,
        target: &Target,
        sessions: &mut Sessions<'_>,
        mut ties: BTreeMap<usize, Vec<Tie>>,
        change: &mut Option<LedgerChange>,
    ) -> Result<(), Stop> {
        let ledger = PathHash::of(target.branch.as_bytes());
        let mut anchors = Anchors::of_target(self.request, target, sessions, &ties);
        let anchored = anchors.sids();
        if !anchored.is_empty() {
            // At the end: ties know the others by their places.
            sessions.all.extend(sessions.resting.wake(self.index, |rest| anchored.contains(&rest.sid)));
        }
        let mut batch = Batch::default();
        for at in 0..sessions.all.len() {
            let links = ties.remove(&at).unwrap_or_default();
            let Some(session) = sessions.all.get_mut(at).filter(|session| !session.shadowed) else { continue };
            if session.known.is_refused_by(ledger) {
                drop(anchors.take(session.known.key));
                continue;
            }
            let has = session.known.events_in(ledger);
            let is_tied = !links.is_empty() || anchors.has(session.known.key);
            // A session that the ledger has and that grew since is brought up to date, tied to a new commit or not.
            if !is_tied && has.is_none_or(|events| events == session.known.events) {
                continue;
            }
            let links = links.into_iter().map(|tie| NewLink {
                commit: tie.commit,
                committed_at: tie.committed_at,
                evidence: tie.evidence,
            });
            let links = links.collect();
            if batch.bytes >= BYTES_AT_ONCE {
                self.flush(target, sessions, &mut batch, change)?;
            }
            let Some(session) = sessions.all.get_mut(at) else { continue };
            let anchors = anchors.take(session.known.key);
            let captured = if has.is_none_or(|events| events == session.known.events) && session.known.is_stored() {
                ledger::Captured::Stored(session.known.key)
            } else {
                match session.record(self.reader, false) {
                    Ok(record) => batch.record(session, record),
                    Err(fault) => {
                        self.fault(session, &fault)?;
                        continue;
                    }
                }
            };
            batch.appends.push(Append { session: captured, links, anchors });
            batch.sessions.push(Some(at));
        }
        for (key, anchors) in anchors.rest() {
            batch.appends.push(Append { session: ledger::Captured::Stored(key), links: Vec::new(), anchors });
            batch.sessions.push(None);
        }
        self.flush(target, sessions, &mut batch, change)
    }

    /// A log that could be read before, and cannot now.
    fn fault(&mut self, session: &Session<'_>, fault: &Fault) -> Result<(), Stop> {
        match fault {
            Fault::TimeUp => Err(Stop::TimeUp),
            Fault::Skip(why) => {
                let (path, agent) = (session.log.path.clone(), session.parser.agent());
                self.captured.skipped.push(SkippedLog { path, agent, why: *why });
                Ok(())
            }
        }
    }

    /// Appends a batch. What goes on from something that no ledger has any more is read from its beginning, once.
    fn flush(
        &mut self,
        target: &Target,
        sessions: &mut Sessions<'_>,
        batch: &mut Batch,
        change: &mut Option<LedgerChange>,
    ) -> Result<(), Stop> {
        let lost = self.append(target, sessions, std::mem::take(batch), change)?;
        if lost.is_empty() {
            return Ok(());
        }
        let mut again = Batch::default();
        for (at, lost) in lost {
            let Some(session) = sessions.all.get_mut(at) else { continue };
            Arc::make_mut(&mut session.known).ledgers.clear();
            match session.record(self.reader, true) {
                Ok(record) => {
                    let session = again.record(session, record);
                    again.appends.push(Append { session, ..lost });
                    again.sessions.push(Some(at));
                }
                Err(fault) => self.fault(session, &fault)?,
            }
        }
        self.append(target, sessions, again, change).map(drop)
    }

    /// Appends a batch, and gives what was not stored although it was said to be.
    fn append(
        &mut self,
        target: &Target,
        sessions: &mut Sessions<'_>,
        batch: Batch,
        change: &mut Option<LedgerChange>,
    ) -> Result<Vec<(usize, Append)>, Stop> {
        if batch.appends.is_empty() {
            return Ok(Vec::new());
        }
        if Instant::now() >= self.request.deadline {
            return Err(Stop::TimeUp);
        }
        let Request { repo, signature, deadline, .. } = *self.request;
        let by = Appender { signature, lock: Some(self.lock), deadline };
        let outcome = append(repo, &target.branch, &batch.appends, &by);
        let (old, new, report) = match outcome.map_err(|error| Stop::Why(WhyUnfinished::Ledger(error)))? {
            Outcome::Appended { old, new, report } => (old, Some(new), report),
            Outcome::Unchanged { tip, report } => (tip, tip, report),
            Outcome::Raced => return Err(Stop::Why(WhyUnfinished::Raced(target.branch.clone()))),
        };
        let changes: BTreeMap<_, _> = report.sessions.iter().map(|(key, change)| (key.sid, (*key, *change))).collect();
        let mut lost = Vec::new();
        let mut at_hand = BTreeSet::new();
        let ledger = PathHash::of(target.branch.as_bytes());
        for (at, append) in batch.sessions.into_iter().zip(batch.appends) {
            let Some((at, session)) = at.and_then(|at| Some((at, sessions.all.get_mut(at)?))) else { continue };
            let sid = session.known.key.sid;
            at_hand.insert(sid);
            let refusal = report.refused.iter().find(|(key, _)| key.sid == sid).map(|(_, why)| why);
            if let Some((key, change)) = changes.get(&sid) {
                let known = Arc::make_mut(&mut session.known);
                known.key = *key;
                known.stored_in(ledger);
                self.note(target, session, &append, *change);
            } else if refusal == Some(&Refusal::NotStored) {
                lost.push((at, append));
            } else if refusal.is_some() {
                // It would be again. It is asked again when it has grown.
                Arc::make_mut(&mut session.known).refused_by(ledger);
            }
        }
        let change = change.get_or_insert_with(|| LedgerChange::unmoved(target.branch.clone(), old));
        change.moved.1 = new;
        // Of the others only the anchors are new, or there is nothing left to find.
        change.sessions.extend(report.sessions.into_iter().filter(|(key, _)| at_hand.contains(&key.sid)));
        change.links += report.links;
        let is_told = |key: SessionKey, why: &Refusal| at_hand.contains(&key.sid) && *why != Refusal::NotStored;
        change.refused.extend(report.refused.into_iter().filter(|(key, why)| is_told(*key, why)));
        Ok(lost)
    }

    fn note(&mut self, target: &Target, session: &Session<'_>, append: &Append, change: Change) {
        if let (ledger::Captured::Record { record, .. }, Change::New | Change::Grown | Change::Replaced) =
            (&append.session, change)
        {
            self.captured.findings.merge(record.findings());
        }
        self.captured.links.extend(append.links.iter().map(|link| LinkMade {
            branch: target.branch.clone(),
            commit: link.commit,
            session: session.known.key,
            agent: session.parser.agent(),
            evidence: link.evidence.clone(),
        }));
    }
}
