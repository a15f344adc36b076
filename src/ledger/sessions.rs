//! Sessions, newest first, without reading those that nobody asks for.

use std::collections::{BTreeMap, HashSet, VecDeque};

use super::Ledgers;
use super::day::Day;
use super::error::{Damage, Error, Result};
use super::layout;
use super::ledgers::greatest;
use super::sid::{SessionKey, Sid};
use super::view::{LedgerView, StoredSession};
use crate::git::Oid;

/// The most folders of days that one walk opens: more than two centuries of days. A tree can name every day of eight
/// thousand years with a handful of objects, to keep its readers busy.
const DAYS_LIMIT: usize = 100_000;

/// A folder, in each ledger that has it.
type Folders<'a, 'repo> = Vec<(&'a LedgerView<'repo>, Oid)>;

/// The days of some ledgers, newest first. Opens a year, a month or a day only when it is come to; what cannot be
/// opened in one ledger does not keep the others from being walked.
pub(super) struct Days<'a, 'repo> {
    ledgers: &'a Ledgers<'repo>,
    // What is still to be opened, the newest last.
    years: Option<Vec<(u16, Folders<'a, 'repo>)>>,
    months: Vec<((u16, u8), Folders<'a, 'repo>)>,
    unopened: Vec<(Day, Folders<'a, 'repo>)>,
    opened: usize,
    ignored: u64,
    pub(super) problems: VecDeque<Error>,
}

impl<'a, 'repo> Days<'a, 'repo> {
    pub(super) fn new(ledgers: &'a Ledgers<'repo>) -> Self {
        let (months, unopened, problems) = (Vec::new(), Vec::new(), VecDeque::new());
        Self { ledgers, years: None, months, unopened, opened: 0, ignored: 0, problems }
    }

    /// What is in a folder that several ledgers have, the greatest last.
    fn open<T: Ord>(
        &mut self,
        folders: Folders<'a, 'repo>,
        path: &str,
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> Vec<(T, Folders<'a, 'repo>)> {
        let mut found: BTreeMap<T, Folders<'a, 'repo>> = BTreeMap::new();
        for (view, oid) in folders {
            match view.folders(oid, path, &mut self.ignored, &parse) {
                Ok(below) => below.into_iter().for_each(|(name, oid)| found.entry(name).or_default().push((view, oid))),
                Err(error) => self.problems.push_back(error),
            }
        }
        found.into_iter().collect()
    }

    /// The sessions of a day, in the order of their names.
    pub(super) fn sessions(
        &mut self,
        day: Day,
        folders: Folders<'a, 'repo>,
    ) -> impl Iterator<Item = (SessionKey, Folders<'a, 'repo>)> + use<'a, 'repo> {
        let kept = folders.into_iter().filter(|(view, _)| !view.retention().expires_all_of(day)).collect();
        let mut sessions = self.open(kept, &day.path(), Sid::parse);
        for (sid, folders) in &mut sessions {
            folders.retain(|(view, _)| !view.is_expired(SessionKey { day, sid: *sid }));
        }
        let ledgers = self.ledgers;
        let sessions = sessions.into_iter().filter(|(sid, folders)| !folders.is_empty() && !ledgers.is_purged(*sid));
        sessions.map(move |(sid, folders)| (SessionKey { day, sid }, folders))
    }

    fn give_up(&mut self) {
        self.years = Some(Vec::new());
        self.months.clear();
        self.unopened.clear();
        let ledger = self.ledgers.views().map(LedgerView::label).collect::<Vec<_>>().join(", ");
        let path = layout::sessions_path("");
        self.problems.push_back(Error::Damaged { ledger, path, why: Damage::TooMany(DAYS_LIMIT) });
    }
}

impl<'a, 'repo> Iterator for Days<'a, 'repo> {
    type Item = (Day, Folders<'a, 'repo>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(day) = self.unopened.pop() {
                self.opened += 1;
                if self.opened <= DAYS_LIMIT {
                    return Some(day);
                }
                self.give_up();
            } else if let Some(((year, month), folders)) = self.months.pop() {
                let path = format!("{year:04}/{month:02}");
                self.unopened = self.open(folders, &path, |name| layout::parse_day(year, month, name));
            } else if let Some(years) = &mut self.years {
                let (year, folders) = years.pop()?;
                let parse = |name: &[u8]| Some((year, layout::parse_month(name)?));
                self.months = self.open(folders, &format!("{year:04}"), parse);
            } else {
                let views = self.ledgers.views();
                let roots = views.filter_map(|view| Some((view, view.sessions()?))).collect();
                self.years = Some(self.open(roots, "", layout::parse_year));
            }
        }
    }
}

/// The sessions of some ledgers, newest first: by day, within a day by their first moment. One day at a time is read.
///
/// A session that cannot be read is an item that is an error; those after it follow.
pub struct Sessions<'a, 'repo> {
    days: Days<'a, 'repo>,
    ready: VecDeque<StoredSession>,
    seen: HashSet<Sid>,
}

impl<'a, 'repo> Sessions<'a, 'repo> {
    pub(super) fn new(ledgers: &'a Ledgers<'repo>) -> Self {
        Self { days: Days::new(ledgers), ready: VecDeque::new(), seen: HashSet::new() }
    }

    /// How many names were passed over so far because no ledger has such.
    pub fn ignored(&self) -> u64 {
        self.days.ignored
    }

    fn read(&mut self, day: Day, folders: Folders<'a, 'repo>) {
        let mut sessions = Vec::new();
        for (key, folders) in self.days.sessions(day, folders) {
            if !self.seen.insert(key.sid) {
                continue;
            }
            let (session, problems) = greatest(key, &folders);
            sessions.extend(session);
            self.days.problems.extend(problems);
        }
        sessions.sort_by_key(|session| std::cmp::Reverse((session.meta.header.context.created_at, session.key.sid)));
        self.ready.extend(sessions);
    }
}

impl Iterator for Sessions<'_, '_> {
    type Item = Result<StoredSession>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(session) = self.ready.pop_front() {
                return Some(Ok(session));
            }
            if let Some(problem) = self.days.problems.pop_front() {
                return Some(Err(problem));
            }
            match self.days.next() {
                Some((day, folders)) => self.read(day, folders),
                // The last step may have been the one that failed.
                None => return self.days.problems.pop_front().map(Err),
            }
        }
    }
}
