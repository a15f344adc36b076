//! The sessions of a ledger: days, folders, `m`, segments, text.

use super::super::day::Day;
use super::super::error::{Damage, Error};
use super::super::layout::{self, MetaName, SegmentName};
use super::super::meta::{META_LIMIT, Meta};
use super::super::sid::{SessionKey, Sid};
use super::super::text::SessionText;
use super::super::view::StoredSession;
use super::folders::Kind;
use super::{Check, Problem, TEXT_FACTOR, TEXT_FREE};
use crate::git::{EntryKind, Oid, TreeEntry};
use crate::hail::{LineError, LineErrorKind};
use crate::session::StatsFold;

/// How many `m` of one session are read: as many clones would have to have joined without one of them tidying up.
const METAS_LIMIT: usize = 64;

impl Check<'_, '_> {
    /// All sessions: a year, a month, a day at a time.
    pub(super) fn years(&mut self, tree: Oid) {
        let path = layout::sessions_path("");
        self.folder(path.as_bytes(), tree, Kind::Top, |check, path, entry| {
            match layout::parse_year(&entry.name).filter(|_| is_tree(entry)) {
                None => check.checked.add(path, Problem::Name),
                Some(year) => check.year(path, entry.oid, year),
            }
        });
    }

    fn year(&mut self, path: &[u8], tree: Oid, year: u16) {
        let of_floor = self.retention.floor.filter(|floor| year <= floor.year());
        let keeps = self.retention.kept.iter().any(|key| key.day.year() == year);
        if let Some(floor) = of_floor.filter(|floor| year < floor.year() && !keeps) {
            return self.checked.add(path, Problem::Expired(floor));
        }
        let kind = Kind::Year(Day::new(year, 2, 29).is_some(), of_floor.map(|_| year));
        self.folder(path, tree, kind, |check, path, entry| {
            match layout::parse_month(&entry.name).filter(|_| is_tree(entry)) {
                None => check.checked.add(path, Problem::Name),
                Some(month) => check.month(path, entry.oid, year, month),
            }
        });
    }

    fn month(&mut self, path: &[u8], tree: Oid, year: u16, month: u8) {
        let of_floor = self.retention.floor.filter(|floor| (year, month) <= (floor.year(), floor.month()));
        let keeps = self.retention.kept.iter().any(|key| (key.day.year(), key.day.month()) == (year, month));
        if let Some(floor) = of_floor.filter(|floor| (year, month) < (floor.year(), floor.month()) && !keeps) {
            return self.checked.add(path, Problem::Expired(floor));
        }
        let days = (29..=31).filter(|day| Day::new(year, month, *day).is_some()).max().unwrap_or(28);
        let kind = Kind::Month(days, of_floor.map(|_| (year, month)));
        self.folder(path, tree, kind, |check, path, entry| {
            match layout::parse_day(year, month, &entry.name).filter(|_| is_tree(entry)) {
                None => check.checked.add(path, Problem::Name),
                Some(day) => match check.retention.floor.filter(|_| check.retention.expires_all_of(day)) {
                    Some(floor) => check.checked.add(path, Problem::Expired(floor)),
                    None => check.day(path, entry.oid, day),
                },
            }
        });
    }

    fn day(&mut self, path: &[u8], tree: Oid, day: Day) {
        let kind = Kind::Day(self.retention.is_below_floor(day).then_some(day));
        self.folder(path, tree, kind, |check, path, entry| match Sid::parse(&entry.name).filter(|_| is_tree(entry)) {
            None => check.checked.add(path, Problem::Name),
            Some(sid) => {
                let key = SessionKey { day, sid };
                check.known.insert(key);
                if check.is_welcome(path, key) {
                    check.checked.sessions += 1;
                    check.session(path, entry.oid, key);
                }
            }
        });
    }

    /// The folder of a session. One that was found sound before, in this ledger or another, is.
    fn session(&mut self, path: &[u8], tree: Oid, key: SessionKey) {
        let rules = match self.sound.sound_sessions.get(&(tree, key.sid)) {
            Some(rules) => Some(*rules),
            // Not sound, and named as such at another day of this ledger.
            None if self.seen.contains_key(&(tree, Kind::Session(key.sid))) => return,
            None => {
                let errors = self.checked.errors();
                let left = self.not_here;
                let rules = self.session_anew(path, tree, key);
                if let Some(rules) = rules.filter(|_| (self.checked.errors(), self.not_here) == (errors, left)) {
                    self.sound.sound_sessions.insert((tree, key.sid), rules);
                }
                rules
            }
        };
        if rules.is_some_and(|rules| rules < self.circumstances.rules) {
            self.old_rules += 1;
        }
    }

    /// The same, read. Gives the version of the rules that the session was redacted with, if that can be told.
    fn session_anew(&mut self, path: &[u8], tree: Oid, key: SessionKey) -> Option<u32> {
        let (mut metas, mut segments) = (Vec::new(), Vec::new());
        self.folder(path, tree, Kind::Session(key.sid), |check, path, entry| {
            if let Some(name) = MetaName::parse(&entry.name) {
                metas.push((name, entry.clone()));
            } else if let Some(name) = SegmentName::parse_file(&entry.name) {
                if let Some(size) = check.size(path, entry) {
                    segments.push((name, entry.oid, size));
                }
            } else {
                check.checked.add(path, Problem::Name);
            }
        });
        if metas.is_empty() {
            self.damage(path, Damage::NoMeta);
        }
        if metas.len() > METAS_LIMIT {
            self.damage(path, Damage::TooMany(METAS_LIMIT));
        }
        metas.sort_by(|(one, _), (other, _)| other.cmp(one));
        let mut rules = None;
        for (name, entry) in metas.iter().take(METAS_LIMIT) {
            let path = layout::LedgerPath::Meta(key, *name).to_string().into_bytes();
            let Some(meta) = self.meta(&path, key, name, entry) else { continue };
            rules = rules.or(Some(meta.redaction));
            let ledger = self.checked.ledger.clone();
            let session = StoredSession { key, name: *name, meta, ledger, folder: tree, blob: entry.oid };
            self.text(&path, session, &segments);
        }
        rules
    }

    fn meta(&mut self, path: &[u8], key: SessionKey, name: &MetaName, entry: &TreeEntry) -> Option<Meta> {
        let size = self.size(path, entry)?;
        if size <= META_LIMIT && !self.can_afford(path, &[(entry.oid, size)], size) {
            return None;
        }
        let bytes = self.file(path, entry, META_LIMIT)?;
        Meta::parse(&bytes, name, key.sid).map_err(|why| self.damage(path, why)).ok()
    }

    /// Reads a session's events: their digests are held against those that are stored, and they are counted anew.
    fn text(&mut self, path: &[u8], session: StoredSession, segments: &[(SegmentName, Oid, u64)]) {
        let listed = &session.meta.segments;
        let unpacked = listed.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.bytes));
        let find = |name: SegmentName| segments.iter().find(|(known, ..)| *known == name);
        let packed: Vec<_> =
            listed.iter().filter_map(|entry| find(entry.name)).map(|(_, oid, size)| (*oid, *size)).collect();
        if !self.can_afford(path, &packed, unpacked) {
            return;
        }
        let stored = session.meta.stats;
        let read = SessionText::new(self.repo, session).map_err(Stop::Ledger).and_then(|text| {
            let mut fold = StatsFold::default();
            for event in text.events().map_err(Stop::of)? {
                fold.add(&event.map_err(Stop::of)?);
            }
            Ok(fold.stats())
        });
        match read {
            Ok(counted) if counted == stored => {}
            Ok(_) => self.checked.add(path, Problem::Stats),
            Err(Stop::Ledger(Error::Damaged { path, why, .. })) => self.damage(path.as_bytes(), why),
            Err(Stop::Ledger(Error::Git(error))) => self.object(path, error),
            Err(Stop::Ledger(other)) => self.checked.add(path, Problem::Event { line: 1, why: other.to_string() }),
            Err(Stop::Line(line, why)) => self.checked.add(path, Problem::Event { line, why }),
        }
    }

    /// Whether so much may be read of so many packed bytes: a few small files can hold years of zeros.
    pub(super) fn can_afford(&mut self, path: &[u8], packed: &[(Oid, u64)], unpacked: u64) -> bool {
        for (oid, size) in packed {
            if self.text.blobs.insert(*oid) {
                self.text.packed = self.text.packed.saturating_add(*size);
            }
        }
        let all = self.text.unpacked.saturating_add(unpacked);
        if all > TEXT_FREE.saturating_add(self.text.packed.saturating_mul(TEXT_FACTOR)) {
            self.checked.add(path, Problem::Bomb(all));
            return false;
        }
        self.text.unpacked = all;
        true
    }
}

/// Why a text was not read to its end.
enum Stop {
    /// Something in the ledger.
    Ledger(Error),
    /// A line of it.
    Line(u64, String),
}

impl Stop {
    fn of(error: LineError) -> Self {
        let LineError { line, kind } = error;
        match kind {
            LineErrorKind::Io(source) => {
                let why = source.to_string();
                match source.downcast::<Error>().ok() {
                    Some(error) => Self::Ledger(error),
                    None => Self::Line(line, why),
                }
            }
            kind => Self::Line(line, kind.to_string()),
        }
    }
}

fn is_tree(entry: &TreeEntry) -> bool {
    entry.kind == EntryKind::Tree
}
