//! Letting go of old sessions: `prune`.
//!
//! A prune sets the floor of each ledger that has something older: whole days go at once, with their links and
//! snapshots. Sessions behind commits that matter can be kept by name.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use crate::git::{self, BranchName, ObjectBatch, Oid, Repo, WalkLimits};
use crate::ledger::{
    self, Day, Holdings, LOCAL_PREFIX, LedgerRef, LedgerView, Ledgers, REMOTES_PREFIX, Retention, Rewrite, Scope,
    SessionKey, Ties, without,
};
use crate::lookup::Lookup;
use crate::session::Timestamp;

/// How many commits of a history are looked at for `--keep-linked`.
const COMMITS: usize = 5_000_000;
const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;

/// How old is too old, as a person types it: `30d`, `12w`, or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// So many days.
    Days(u32),
    /// Before this day.
    Before(Day),
}

/// A text that says no age.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("neither a number of days or weeks (30d, 12w) nor a day (YYYY-MM-DD): {0:?}")]
pub struct BadAge(String);

impl std::str::FromStr for Age {
    type Err = BadAge;

    fn from_str(text: &str) -> Result<Self, BadAge> {
        let days = |unit, days: u32| text.strip_suffix(unit)?.parse::<u32>().ok()?.checked_mul(days);
        let days = days('d', 1).or_else(|| days('w', 7)).filter(|_| !text.starts_with('+'));
        let day = || text.parse().map(Self::Before).map_err(|_| BadAge(text.to_owned()));
        days.map_or_else(day, |days| Ok(Self::Days(days)))
    }
}

impl Age {
    /// The first day that is kept.
    pub fn floor(self, now: Timestamp) -> Day {
        match self {
            Self::Days(days) => {
                let seconds = now.seconds().saturating_sub(i64::from(days) * SECONDS_OF_A_DAY);
                Day::of(Timestamp::from_seconds(seconds))
            }
            Self::Before(day) => day,
        }
    }
}

/// What a prune takes out, and where.
#[derive(Debug)]
pub struct Plan {
    /// The first day that is kept.
    pub floor: Day,
    /// The ledgers that have something older, here and as remotes had them when last fetched.
    pub ledgers: Vec<LedgerPlan>,
    /// What cannot be read.
    pub unreadable: Vec<ledger::Error>,
    kept: BTreeMap<BranchName, BTreeSet<SessionKey>>,
    /// What goes from the trees that were looked through, each as the ledger of its branch: once is enough.
    looked: RefCell<HashMap<Looked, Rc<Holdings>>>,
}

/// A tree that was looked through, and the branch whose ledger it is.
type Looked = (Oid, Option<BranchName>);

/// What goes from one ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerPlan {
    /// The ledger.
    pub ledger: LedgerRef,
    /// Its branch, if it says.
    branch: Option<BranchName>,
    /// Its sessions that go.
    pub sessions: usize,
    /// The days they are of.
    pub days: usize,
    /// Links that go.
    pub links: usize,
    /// Snapshots that go.
    pub snapshots: usize,
    /// The bytes of the sessions, as we packed them.
    pub bytes: u64,
    /// Older sessions that are kept.
    pub kept: usize,
}

impl Plan {
    /// Looks through all ledgers of the repository. Older sessions tied to a commit that `keep_linked` reaches are kept.
    ///
    /// # Errors
    /// When there is no such revision, or the ledgers cannot be listed.
    pub fn new(repo: &Repo, floor: Day, keep_linked: Option<&str>) -> ledger::Result<Self> {
        let reached: HashSet<Oid> = match keep_linked {
            Some(revision) => {
                let tip = repo.rev_parse(revision)?;
                let none = git::Exclude { commits: Vec::new(), tracked_by: None };
                repo.rev_list(&[tip], &none, WalkLimits::commits(COMMITS))?.commits.into_iter().collect()
            }
            None => HashSet::new(),
        };
        Self::keeping(repo, floor, &reached, &BTreeSet::new())
    }

    /// The same; older sessions tied to one of these commits are kept, and what was shared in the ledger of one of these
    /// branches.
    ///
    /// # Errors
    /// When the ledgers cannot be listed.
    pub fn keeping(
        repo: &Repo,
        floor: Day,
        reached: &HashSet<Oid>,
        branches: &BTreeSet<BranchName>,
    ) -> ledger::Result<Self> {
        let (ledgers, unreadable, kept) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut plan = Self { floor, ledgers, unreadable, kept, looked: RefCell::default() };
        let mut views = Vec::new();
        for prefix in [LOCAL_PREFIX, REMOTES_PREFIX] {
            for found in repo.refs(prefix)? {
                let Some(ledger) = LedgerRef::parse(&found.name) else { continue };
                match LedgerView::open(repo, &ledger) {
                    Ok(view) => views.extend(view.map(|view| (ledger, view))),
                    Err(error) => plan.unreadable.push(error),
                }
            }
        }
        plan.keep_shared(&views, branches)?;
        let rewritten = sessions_behind(repo, reached)?;
        let ties = plan.keep_linked(&views, reached, &rewritten)?;
        for ((ledger, view), ties) in views.iter().zip(ties) {
            let held = plan.held(view, ties.as_ref())?;
            if !held.is_empty() {
                plan.ledgers.push(LedgerPlan::of(ledger, view, &held, plan.kept_in(view))?);
            }
        }
        Ok(plan)
    }

    /// Keeps what was shared in the ledger of one of these branches, wherever else it was shared: a tombstone of one ledger
    /// counts in all of them.
    fn keep_shared(
        &mut self,
        views: &[(LedgerRef, LedgerView<'_>)],
        branches: &BTreeSet<BranchName>,
    ) -> ledger::Result<()> {
        let mut wanted = BTreeSet::new();
        for (_, view) in views.iter().filter(|(_, view)| view.branch().is_some_and(|name| branches.contains(name))) {
            let shared = view.shared_sessions()?.into_iter();
            wanted.extend(shared.filter(|key| key.day < self.floor && view.retention().keeps(*key)));
        }
        for (_, view) in views.iter().filter(|_| !wanted.is_empty()) {
            let Some(branch) = view.branch() else { continue };
            let shared = view.shared_sessions()?.into_iter().filter(|key| wanted.contains(key));
            self.kept.entry(branch.clone()).or_default().extend(shared);
        }
        Ok(())
    }

    /// Finds what is kept in any ledger of a branch: what one of them drops would be gone from all. Gives the ties of each
    /// ledger, as far as they had to be read.
    fn keep_linked(
        &mut self,
        views: &[(LedgerRef, LedgerView<'_>)],
        reached: &HashSet<Oid>,
        rewritten: &BTreeSet<SessionKey>,
    ) -> ledger::Result<Vec<Option<Ties>>> {
        let mut all = Vec::new();
        for (_, view) in views {
            let Some(branch) = view.branch().filter(|_| !reached.is_empty()) else {
                all.push(None);
                continue;
            };
            let ties = view.ties()?;
            let mut linked = ties.sessions_of(|commit| reached.contains(&commit));
            for key in rewritten {
                if view.has_session(*key)? {
                    linked.insert(*key);
                }
            }
            let older = linked.into_iter().filter(|key| key.day < self.floor && view.retention().keeps(*key));
            self.kept.entry(branch.clone()).or_default().extend(older);
            all.push(Some(ties));
        }
        Ok(all)
    }

    /// Whether there is nothing older.
    pub fn is_empty(&self) -> bool {
        self.ledgers.is_empty()
    }

    /// What goes from a ledger. Its ties are read, unless they are given.
    fn held(&self, view: &LedgerView<'_>, ties: Option<&Ties>) -> ledger::Result<Rc<Holdings>> {
        let place = (view.root(), view.branch().cloned());
        if let Some(held) = self.looked.borrow().get(&place) {
            return Ok(Rc::clone(held));
        }
        let kept = self.kept_in(view);
        let wanted = |key: SessionKey| key.day < self.floor && !kept.contains(&key);
        let held = match ties {
            Some(ties) => view.holdings_tied(ties, wanted)?,
            None => view.holdings(wanted)?,
        };
        let held = Rc::new(held);
        self.looked.borrow_mut().insert(place, Rc::clone(&held));
        Ok(held)
    }

    fn kept_in(&self, view: &LedgerView<'_>) -> &BTreeSet<SessionKey> {
        static NONE: BTreeSet<SessionKey> = BTreeSet::new();
        view.branch().and_then(|branch| self.kept.get(branch)).unwrap_or(&NONE)
    }
}

/// The sessions behind some commits, as a lookup finds them: those commits may have been rewritten since they were linked.
fn sessions_behind(repo: &Repo, commits: &HashSet<Oid>) -> ledger::Result<BTreeSet<SessionKey>> {
    let ledgers = Ledgers::open(repo, Scope::All)?;
    let lookup = Lookup::new(repo, &ledgers);
    let mut keys = BTreeSet::new();
    for commit in commits {
        keys.extend(lookup.behind(*commit)?.into_iter().map(|link| link.key));
    }
    Ok(keys)
}

impl LedgerPlan {
    fn of(
        ledger: &LedgerRef,
        view: &LedgerView<'_>,
        held: &Holdings,
        kept: &BTreeSet<SessionKey>,
    ) -> ledger::Result<Self> {
        let mut bytes = 0;
        for key in held.sessions() {
            bytes += view.bytes_of(held, key)?;
        }
        let days: BTreeSet<Day> = held.sessions().map(|key| key.day).collect();
        Ok(Self {
            ledger: ledger.clone(),
            branch: view.branch().cloned(),
            sessions: held.sessions().count(),
            days: days.len(),
            links: held.links.values().sum(),
            snapshots: held.snapshots.len(),
            bytes,
            kept: kept.len(),
        })
    }
}

impl Rewrite for Plan {
    fn rewrite(&self, view: &LedgerView<'_>, batch: &mut ObjectBatch<'_>) -> ledger::Result<Option<Oid>> {
        let held = self.held(view, None)?;
        // A ledger that never had anything older needs no floor, and keeps its history.
        if held.is_empty() && view.floor() < Some(self.floor) {
            return Ok(None);
        }
        let wanted = Retention {
            floor: Some(self.floor),
            kept: self.kept_in(view).clone(),
            purged_snapshots: held.snapshots.keys().copied().collect(),
            ..Retention::default()
        };
        without(view, &wanted, batch)
    }

    fn expired(&self) -> Vec<(LedgerRef, Retention)> {
        let of = |ledger: &LedgerRef, branch: &Option<BranchName>| {
            let kept = branch.as_ref().and_then(|branch| self.kept.get(branch)).cloned().unwrap_or_default();
            (ledger.to_local(), Retention { floor: Some(self.floor), kept, ..Retention::default() })
        };
        self.ledgers.iter().map(|plan| of(&plan.ledger, &plan.branch)).collect()
    }

    fn message(&self) -> &'static str {
        "opensession: prune\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_days_weeks_or_a_day() {
        let now: Timestamp = "2026-03-06T12:00:00Z".parse().expect("a moment");
        let floor = |text: &str| text.parse::<Age>().map(|age| age.floor(now).to_string());
        assert_eq!(floor("30d").as_deref(), Ok("2026-02-04"));
        assert_eq!(floor("2w").as_deref(), Ok("2026-02-20"));
        assert_eq!(floor("0d").as_deref(), Ok("2026-03-06"));
        assert_eq!(floor("4294967295d").as_deref(), Ok("1970-01-01"));
        assert_eq!(floor("2025-12-31").as_deref(), Ok("2025-12-31"));
        for bad in ["", "d", "30", "-1d", "+1d", "1.5d", "30 d", "30D", "2025-13-01", "yesterday", "4294967295w"] {
            assert!(floor(bad).is_err(), "{bad:?}");
        }
    }
}
