//! Which logs are of this repository, and which of them have changed.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::index::{Broken, Entry, Index, Known, Seen, Verdict};
use super::listing::Listed;
use super::outcome::{Skip, SkippedLog};
use super::read::origin;
use super::resting::Resting;
use crate::agents::{Environment, LogFile, LogParser, Origin};
use crate::git::{GitEnvironment, Repo};
use crate::link::Worktrees;

/// A log of this repository that has to be looked at.
pub(super) struct Found<'a> {
    pub(super) listed: Listed<'a>,
    pub(super) what: What,
}

/// What is known of a log of this repository.
pub(super) enum What {
    /// It has not changed, and this is what it is.
    Unchanged(Arc<Known>),
    /// It is new, or has changed since this was known.
    Changed {
        /// What was known.
        before: Option<Arc<Known>>,
        /// What its first records say, if they had to be looked at.
        origin: Option<Origin>,
    },
}

/// What came of looking at the places where agents keep their logs.
#[derive(Default)]
pub(super) struct Discovery<'a> {
    /// The logs of this repository that have to be looked at, in the order of their last change, newest first.
    pub(super) found: Vec<Found<'a>>,
    /// Those that need not, until something asks for them.
    pub(super) resting: Resting<'a>,
    /// How many logs were listed.
    pub(super) seen: usize,
    /// How many of them were opened to see whose they are.
    pub(super) opened: usize,
    /// How many are of other repositories, or of none.
    pub(super) elsewhere: usize,
    /// Those that cannot be read.
    pub(super) skipped: Vec<SkippedLog>,
    /// Whether the index has to be written.
    pub(super) index_changed: bool,
}

/// What to look for.
pub(super) struct Search<'a> {
    /// Only logs written since then, in nanoseconds since the epoch, and known ones that have changed.
    pub(super) since: i128,
    pub(super) judge: Judge<'a>,
}

/// Tells whose the logs are. An unchanged one is not opened.
pub(super) fn discover<'a>(mut logs: Vec<Listed<'a>>, search: &mut Search<'_>, index: &mut Index) -> Discovery<'a> {
    let mut discovery =
        Discovery { index_changed: forget_what_roots_change(index, search.judge.worktrees), ..Discovery::default() };
    let mut places = Vec::new();
    let mut first = None;
    // In place: there may be thousands, and hardly any has to be looked at.
    logs.retain(|listed| {
        let seen = index.see(listed.name, &listed.log);
        // One that has changed counts whatever its time: the clock may have been stepped back.
        if listed.log.mtime < search.since && !matches!(seen, Seen::Changed) {
            return false;
        }
        discovery.seen += 1;
        if let Seen::AtRest(place, rest) = seen {
            places.push(place);
            first = first.into_iter().chain([rest.sketch.first()]).min();
            return true;
        }
        discovery.take(listed, &mut search.judge, index);
        false
    });
    discovery.resting = Resting::new(logs, places, first);
    discovery.found.sort_by(|a, b| newest_first(&a.listed.log, &b.listed.log));
    discovery
}

/// The order in which logs are looked at: those that were written last before the others.
pub(super) fn newest_first(a: &LogFile, b: &LogFile) -> Ordering {
    b.mtime.cmp(&a.mtime).then_with(|| a.path.as_os_str().cmp(b.path.as_os_str()))
}

/// A worktree that was not known may be where a log of nobody is from: such logs are judged again.
fn forget_what_roots_change(index: &mut Index, worktrees: &Worktrees) -> bool {
    let new: Vec<_> = worktrees.present.iter().filter(|root| !index.roots.contains(root)).cloned().collect();
    if new.is_empty() {
        return false;
    }
    index.roots.extend(new);
    index.roots.sort();
    index.forget_elsewhere();
    true
}

impl<'a> Discovery<'a> {
    fn take(&mut self, listed: &Listed<'a>, judge: &mut Judge<'_>, index: &mut Index) {
        let Listed { parser, log, name } = listed;
        let (parser, name) = (*parser, *name);
        let known = index.get(name);
        let unchanged = known.as_ref().is_some_and(|entry| entry.is_of(log));
        // A log that only grew still begins where it began.
        let grew = known.as_ref().is_some_and(|entry| log.size >= entry.size);
        let (verdict, what) = match known.map(|entry| entry.verdict) {
            Some(Verdict::Here(known)) if unchanged => {
                self.found.push(Found { listed: listed.clone(), what: What::Unchanged(known) });
                return;
            }
            Some(Verdict::Here(known)) => (None, Some(What::Changed { before: Some(known), origin: None })),
            Some(Verdict::Unread) if unchanged || grew => (None, Some(What::Changed { before: None, origin: None })),
            Some(Verdict::Elsewhere) if unchanged || grew => (Some(Verdict::Elsewhere), None),
            Some(verdict) if unchanged => (Some(verdict), None),
            _ => self.judge(parser, log, judge),
        };
        if let Some(verdict) = verdict {
            self.count(&log.path, parser.agent(), &verdict);
            if !unchanged {
                index.insert(name, Entry { size: log.size, mtime: log.mtime, verdict });
                self.index_changed = true;
            }
        } else if let Some(what) = what {
            self.found.push(Found { listed: listed.clone(), what });
        }
    }

    fn count(&mut self, path: &Path, agent: &'static str, verdict: &Verdict) {
        let why = match verdict {
            Verdict::Elsewhere => {
                self.elsewhere += 1;
                return;
            }
            Verdict::Unplaced => Skip::NoFolder,
            Verdict::Broken(Broken::NotALog) => Skip::NotALog,
            Verdict::Broken(Broken::Panicked) => Skip::ParserPanicked,
            Verdict::Here(_) | Verdict::Unread => return,
        };
        self.skipped.push(SkippedLog { path: path.to_owned(), agent, why });
    }

    /// Opens a log to see whose it is.
    fn judge(
        &mut self,
        parser: &'a dyn LogParser,
        log: &LogFile,
        judge: &mut Judge<'_>,
    ) -> (Option<Verdict>, Option<What>) {
        self.opened += 1;
        match origin(parser, &log.path) {
            Ok(Some(origin)) => match origin.cwd.as_deref().map(|cwd| judge.is_here(cwd)) {
                Some(true) => (None, Some(What::Changed { before: None, origin: Some(origin) })),
                Some(false) => (Some(Verdict::Elsewhere), None),
                None => (Some(Verdict::Unplaced), None),
            },
            Ok(None) | Err(Skip::NotALog) => (Some(Verdict::Broken(Broken::NotALog)), None),
            Err(Skip::ParserPanicked) => (Some(Verdict::Broken(Broken::Panicked)), None),
            Err(why) => {
                // It may be readable the next time, without having changed.
                self.skipped.push(SkippedLog { path: log.path.clone(), agent: parser.agent(), why });
                (None, None)
            }
        }
    }
}

/// Tells which folders are in this repository: those of its worktrees, without the repositories inside of them.
pub(super) struct Judge<'a> {
    worktrees: &'a Worktrees,
    common_dir: PathBuf,
    git: GitEnvironment,
    told: HashMap<PathBuf, bool>,
}

impl<'a> Judge<'a> {
    /// For a repository and its worktrees.
    pub(super) fn new(repo: &Repo, worktrees: &'a Worktrees, environment: &Environment) -> Self {
        // Where git was told to look for *this* repository is no help with others.
        let variables = environment.variables.iter().filter(|(name, _)| !name.to_string_lossy().starts_with("GIT_"));
        let git = GitEnvironment {
            home: environment.home.clone(),
            variables: variables.map(|(name, value)| (name.clone(), value.clone())).collect(),
        };
        let common_dir = canonical(repo.common_dir());
        Self { worktrees, common_dir, git, told: HashMap::new() }
    }

    /// Whether the nearest repository of a folder is this one. A folder that is gone is where it was: in the worktree
    /// that it was in, even if that is gone, too.
    pub(super) fn is_here(&mut self, folder: &Path) -> bool {
        if let Some(told) = self.told.get(folder) {
            return *told;
        }
        let here = self.look(folder);
        self.told.insert(folder.to_owned(), here);
        here
    }

    fn look(&self, folder: &Path) -> bool {
        let Some((folder, _)) = self.worktrees.canonical(folder) else { return false };
        for folder in folder.ancestors() {
            if self.worktrees.present.iter().any(|root| root == folder) {
                return true;
            }
            if let Some(here) = self.has_repository(folder) {
                return here;
            }
            if self.worktrees.former.iter().any(|root| root == folder) {
                return true;
            }
        }
        false
    }

    /// Whether the repository in a folder is this one, if there is any.
    fn has_repository(&self, folder: &Path) -> Option<bool> {
        fs::symlink_metadata(folder.join(".git")).ok()?;
        match Repo::open(folder, &self.git) {
            Ok(repo) => Some(canonical(repo.common_dir()) == self.common_dir),
            // Something that git does not take for a repository does not hide the one around it.
            Err(crate::git::Error::NotARepository { .. }) => None,
            Err(_) => Some(false),
        }
    }
}

fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
