//! The sessions of this repository that a capture has at hand.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::discover::{Found, What, newest_first};
use super::index::{Broken, Entry, Index, Known, Rest, Verdict};
use super::listing::Listed;
use super::outcome::{Skip, SkippedLog};
use super::read::{Fault, Reader, Reading};
use super::resting::Resting;
use super::state::State;
use crate::agents::{LogFile, LogParser};
use crate::hail::{Record, SegmentBody};
use crate::ledger::{Day, SessionKey, Sid};
use crate::link::{Footprint, PathHash};
use crate::session::Timestamp;

/// How many logs are read at a time.
const READERS: usize = 2;

/// How many compressed bytes of records are kept in memory. A session beyond that is read again when it is stored.
/// (Tests have less room, and need less to fill it.)
const RECORDS_KEPT: u64 = if cfg!(test) { 16 << 10 } else { 64 << 20 };

/// A session of this repository.
pub(super) struct Session<'a> {
    pub(super) parser: &'a dyn LogParser,
    pub(super) log: LogFile,
    /// What its log is called in the index.
    pub(super) name: PathHash,
    pub(super) known: Arc<Known>,
    /// What was known of it, if its log has not changed.
    before: Option<Arc<Known>>,
    /// What was read of it now. Boxed: of most sessions there is nothing.
    pub(super) fresh: Option<Box<Fresh>>,
    /// Whether there is another log of the same session, with more of it.
    pub(super) shadowed: bool,
}

/// What was read of a session now.
pub(super) struct Fresh {
    /// Taken when it is stored; not kept if there was no room for it, or if it goes on from what was never stored.
    record: Option<Record>,
    state: State,
}

/// All sessions at hand, and what became of the logs that are none.
#[derive(Default)]
pub(super) struct Sessions<'a> {
    /// The sessions that are awake.
    pub(super) all: Vec<Session<'a>>,
    /// The others.
    pub(super) resting: Resting<'a>,
    /// How many logs were read.
    pub(super) read: usize,
    /// How many were to be read. More than were, if the time was up.
    pub(super) to_read: usize,
    /// What the index has to learn beside.
    verdicts: Vec<(PathHash, Entry)>,
}

impl<'a> Session<'a> {
    /// One of which nothing is new.
    pub(super) fn unchanged(Listed { parser, log, name }: Listed<'a>, known: Arc<Known>) -> Self {
        Self { parser, log, name, before: Some(Arc::clone(&known)), known, fresh: None, shadowed: false }
    }

    /// What it left, from what was read now or earlier. `None` if that is lost.
    pub(super) fn footprint(&self, folder: &Path, versions: &str) -> Option<Footprint> {
        match &self.fresh {
            Some(fresh) => Some(fresh.state.footprint().clone()),
            None => State::load(folder, self.name, versions).map(|state| state.footprint().clone()),
        }
    }

    /// Its record: the one that was read now, or one that is read for this. `anew`: with all of its segments.
    pub(super) fn record(&mut self, reader: &Reader<'_>, anew: bool) -> Result<Record, Fault> {
        if let Some(record) = self.fresh.as_mut().and_then(|fresh| fresh.record.take()) {
            return Ok(record);
        }
        let state = match &self.fresh {
            Some(fresh) => Some(fresh.state.clone()),
            None => State::load(reader.folder, self.name, reader.versions),
        };
        // What a ledger has can be continued from, and nothing else.
        let point = match &state {
            Some(state) if self.known.is_stored() => Some(&state.point),
            Some(state) => state.stored.as_deref(),
            None => None,
        };
        let left = Footprint::default();
        let from = point.filter(|_| !anew).map(|point| (point, &left));
        let mut reading = reader.read(self.parser, &self.log.path, None, from)?;
        if let Some(State { settled, provisional, .. }) = state {
            // What all of it left is known; this reading may have begun in the middle.
            (reading.state.settled, reading.state.provisional) = (settled, provisional);
        }
        if let Some(outline) = reading.state.footprint().outline() {
            Arc::make_mut(&mut self.known).outline = outline;
        }
        Arc::make_mut(&mut self.known).events = reading.record.stats().event_count;
        self.fresh = Some(Box::new(Fresh { record: None, state: reading.state }));
        Ok(reading.record)
    }
}

impl Sessions<'_> {
    /// Whether every log that had to be read was.
    pub(super) fn is_complete(&self) -> bool {
        self.read == self.to_read
    }

    /// Writes down how far each log was read. Says whether the index has changed.
    pub(super) fn remember(self, index: &mut Index, folder: &Path) -> bool {
        let mut changed = !self.verdicts.is_empty();
        for (name, entry) in self.verdicts {
            index.insert(name, entry);
        }
        for session in self.all {
            let Session { log, name, known, before, fresh, .. } = session;
            if fresh.is_none() && before.is_some_and(|before| Arc::ptr_eq(&before, &known) || before == known) {
                continue;
            }
            changed = true;
            if let Some(mut fresh) = fresh {
                if known.is_stored() {
                    fresh.state.stored = None;
                }
                // Without it, the log is read from its beginning the next time: no harm is done.
                if fresh.state.store(folder, name).is_err() {
                    let _ = State::forget(folder, name);
                }
            }
            index.insert(name, Entry { size: log.size, mtime: log.mtime, verdict: Verdict::Here(known) });
        }
        changed
    }
}

/// What came of a log that had to be read.
enum Done {
    Read(Box<Summary>),
    Failed(Fault),
}

/// A log that was read, and its record if there was room for it.
struct Summary {
    sid: Sid,
    began: Timestamp,
    events: u64,
    record: Option<Record>,
    state: State,
    continued: bool,
}

impl Summary {
    fn of(reading: Reading, room: &AtomicU64) -> Self {
        let Reading { record, state, continued } = reading;
        let header = record.header();
        let (sid, began, events) = (Sid::of(header), header.context.created_at, record.stats().event_count);
        let bytes = new_bytes(&record);
        let fits = room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(bytes)).is_ok();
        Self { sid, began, events, record: fits.then_some(record), state, continued }
    }
}

/// Reads the logs that are new or have changed, two at a time, those that were written last before the others.
pub(super) fn read_all<'a>(
    reader: &Reader<'_>,
    index: &Index,
    (found, resting): (Vec<Found<'a>>, Resting<'a>),
    skipped: &mut Vec<SkippedLog>,
) -> Sessions<'a> {
    let todo: Vec<usize> = places(&found, |what| matches!(what, What::Changed { .. }));
    let done = run(reader, &found, &todo);
    let mut sessions = Sessions { resting, to_read: todo.len(), ..Sessions::default() };
    let mut done: HashMap<usize, Done> = done.into_iter().collect();
    for (at, found) in found.into_iter().enumerate() {
        let Found { listed, what } = found;
        let before = match what {
            What::Unchanged(known) => {
                sessions.all.push(Session::unchanged(listed, known));
                continue;
            }
            What::Changed { before, .. } => before,
        };
        let Listed { parser, log, name } = listed;
        match done.remove(&at) {
            Some(Done::Read(summary)) => {
                sessions.read += 1;
                sessions.take(Listed { parser, log, name }, before, *summary);
            }
            Some(Done::Failed(Fault::Skip(why))) => {
                sessions.read += 1;
                match why {
                    Skip::NotALog => sessions.broken(&log, name, Broken::NotALog),
                    Skip::ParserPanicked => sessions.broken(&log, name, Broken::Panicked),
                    // It may be readable the next time, without having changed.
                    _ => {}
                }
                skipped.push(SkippedLog { path: log.path, agent: parser.agent(), why });
            }
            Some(Done::Failed(Fault::TimeUp)) | None => {
                // The next capture finds it as it is now, and need not ask again whose it is.
                if before.is_none() {
                    let entry = Entry { size: log.size, mtime: log.mtime, verdict: Verdict::Unread };
                    sessions.verdicts.push((name, entry));
                }
            }
        }
    }
    let awake: HashSet<Sid> = sessions.all.iter().map(|session| session.known.key.sid).collect();
    if !awake.is_empty() {
        sessions.wake(index, |rest| awake.contains(&rest.sid));
    }
    sessions.find_twins();
    sessions
}

fn places(found: &[Found<'_>], wanted: impl Fn(&What) -> bool) -> Vec<usize> {
    found.iter().enumerate().filter(|(_, found)| wanted(&found.what)).map(|(at, _)| at).collect()
}

fn run(reader: &Reader<'_>, found: &[Found<'_>], todo: &[usize]) -> Vec<(usize, Done)> {
    let next = AtomicUsize::new(0);
    let room = AtomicU64::new(RECORDS_KEPT);
    let time_up = AtomicBool::new(false);
    let done = Mutex::new(Vec::with_capacity(todo.len()));
    let work = || {
        while !time_up.load(Ordering::Relaxed)
            && let Some(at) = todo.get(next.fetch_add(1, Ordering::Relaxed))
            && let Some(found) = found.get(*at)
        {
            let result = match read(reader, found) {
                Ok(reading) => Done::Read(Box::new(Summary::of(reading, &room))),
                Err(fault) => {
                    time_up.fetch_or(matches!(fault, Fault::TimeUp), Ordering::Relaxed);
                    Done::Failed(fault)
                }
            };
            done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((*at, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..READERS.min(todo.len()) {
            scope.spawn(work);
        }
        work();
    });
    done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn read(reader: &Reader<'_>, found: &Found<'_>) -> Result<Reading, Fault> {
    let What::Changed { before, origin } = &found.what else { return Err(Fault::TimeUp) };
    let Listed { parser, log, name } = &found.listed;
    let state = before.as_ref().and_then(|_| State::load(reader.folder, *name, reader.versions));
    let from = state.as_ref().map(|state| (&state.point, &state.settled));
    let mut reading = reader.read(*parser, &log.path, origin.as_ref(), from)?;
    if let Some(state) = state.filter(|_| reading.continued) {
        let all_stored = before.as_ref().is_some_and(|before| before.is_stored());
        reading.state.stored = if all_stored { Some(Box::new(state.point)) } else { state.stored };
    }
    Ok(reading)
}

impl<'a> Sessions<'a> {
    /// Takes what was read of a log.
    fn take(&mut self, Listed { parser, log, name }: Listed<'a>, before: Option<Arc<Known>>, summary: Summary) {
        let Summary { sid, began, events, record, state, continued } = summary;
        let Some(outline) = state.footprint().outline() else {
            // A log without any event is no session yet.
            self.broken(&log, name, Broken::NotALog);
            return;
        };
        // Another session at the same place is another session.
        let before = before.filter(|before| before.key.sid == sid);
        let day = before.as_ref().map_or_else(|| Day::of(began), |before| before.key.day);
        // It goes on from what was read before: from what a ledger has, only if that was stored.
        let is_whole = !continued || before.as_ref().is_some_and(|before| before.is_stored());
        let (ledgers, refused) =
            before.map(|before| (before.ledgers.clone(), before.refused.clone())).unwrap_or_default();
        let known = Arc::new(Known { key: SessionKey { day, sid }, events, ledgers, refused, outline });
        let fresh = Some(Box::new(Fresh { record: record.filter(|_| is_whole), state }));
        self.all.push(Session { parser, log, name, known, before: None, fresh, shadowed: false });
    }

    /// The earliest moment of any of them, in seconds since the epoch.
    pub(super) fn first(&self) -> Option<i64> {
        let awake =
            self.all.iter().filter(|session| !session.shadowed).map(|session| session.known.outline.first).min();
        [awake, self.resting.first()].into_iter().flatten().min()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.resting.len() == 0
    }

    /// Wakes those at rest that are asked for. All get another place.
    pub(super) fn wake(&mut self, index: &Index, asked: impl Fn(&Rest<'_>) -> bool) {
        self.all.extend(self.resting.wake(index, asked));
        self.all.sort_by(|a, b| newest_first(&a.log, &b.log));
    }

    /// Of two logs of one session (an archived copy, a resumed one) the longer one counts. What the ledgers have of
    /// either, they have of the session.
    fn find_twins(&mut self) {
        let mut longest: HashMap<Sid, usize> = HashMap::with_capacity(self.all.len());
        let mut twins: HashMap<Sid, Vec<(PathHash, u64)>> = HashMap::new();
        for (at, session) in self.all.iter().enumerate() {
            let sid = session.known.key.sid;
            let Some(other) = longest.get(&sid).and_then(|other| self.all.get(*other)) else {
                longest.insert(sid, at);
                continue;
            };
            let ledgers = twins.entry(sid).or_insert_with(|| other.known.ledgers.clone());
            ledgers.extend(&session.known.ledgers);
            if session.known.events > other.known.events {
                longest.insert(sid, at);
            }
        }
        for (at, session) in self.all.iter_mut().enumerate() {
            let sid = session.known.key.sid;
            session.shadowed = longest.get(&sid) != Some(&at);
            if let Some(ledgers) = twins.get_mut(&sid) {
                ledgers.sort_unstable_by_key(|(ledger, events)| (*ledger, std::cmp::Reverse(*events)));
                ledgers.dedup_by_key(|(ledger, _)| *ledger);
                Arc::make_mut(&mut session.known).ledgers.clone_from(ledgers);
            }
        }
    }

    fn broken(&mut self, log: &LogFile, name: PathHash, why: Broken) {
        self.verdicts.push((name, Entry { size: log.size, mtime: log.mtime, verdict: Verdict::Broken(why) }));
    }
}

/// The compressed bytes that a record brings.
pub(super) fn new_bytes(record: &Record) -> u64 {
    let bytes = record.segments().iter().map(|segment| match &segment.body {
        SegmentBody::New(bytes) => bytes.len() as u64,
        SegmentBody::Stored => 0,
    });
    bytes.sum()
}
