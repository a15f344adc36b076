//! The commits in question, and what is known of them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Instant;

use super::Target;
use crate::git::{self, BranchName, Commit, Config, DiffLimits, GitEnvironment, Head, Made, Oid, Repo};
use crate::link::{CommitFacts, FileFacts, LineHash, Maker, PathHash, Pushed, PushedFile, facts, is_telling};

/// A day, in seconds: clocks differ, and a session may rest before its commit is made.
pub(super) const SLACK: i64 = 24 * 60 * 60;

/// How much of a commit is looked at. Beyond that it is a vendored tree, and its lines say nothing of a session.
const LIMITS: DiffLimits = DiffLimits { files: 5_000, bytes: 16 << 20, file_size: 4 << 20 };

/// The commits of all targets, each in one target only.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) targets: Vec<Target>,
    commits: HashMap<Oid, Commit>,
    /// Commits that these stand on and that are no work themselves.
    before: Vec<Commit>,
    /// Whether history begins here, or is cut off here.
    from_the_beginning: bool,
}

impl Work {
    /// Reads the commits of some targets. One that is in several counts for the first of them; one that is not here
    /// is forgotten.
    pub(super) fn of(repo: &Repo, targets: Vec<Target>) -> git::Result<Self> {
        let mut work = Self::default();
        for target in targets {
            let mut commits = Vec::with_capacity(target.commits.len());
            for id in target.commits {
                if !work.commits.contains_key(&id)
                    && let Some(commit) = read(repo, id)?
                {
                    work.commits.insert(id, commit);
                    commits.push(id);
                }
            }
            work.targets.push(Target { branch: target.branch, commits });
        }
        work.look_below(repo)?;
        Ok(work)
    }

    /// Whether there is no commit.
    pub(super) fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }

    fn look_below(&mut self, repo: &Repo) -> git::Result<()> {
        let mut seen = HashSet::new();
        for commit in self.commits.values() {
            self.from_the_beginning |= commit.parents.is_empty();
            for parent in commit.parents.iter().filter(|parent| !self.commits.contains_key(parent)) {
                if seen.insert(*parent) {
                    match read(repo, *parent)? {
                        Some(parent) => self.before.push(parent),
                        None => self.from_the_beginning = true,
                    }
                }
            }
        }
        // The map has no order of its own.
        self.before.sort_by_key(|commit| (commit.commit_time, commit.oid));
        Ok(())
    }

    /// Since when a log must have been written to say anything of these commits, in seconds since the epoch.
    /// `None`: there are no commits.
    pub(super) fn since(&self) -> Option<i64> {
        let oldest = self.commits.values().map(|commit| commit.author_time.min(commit.commit_time)).min()?;
        if self.from_the_beginning {
            return Some(i64::MIN);
        }
        let below = self.before.iter().map(|commit| commit.commit_time).min().unwrap_or(oldest);
        Some(oldest.min(below).saturating_sub(SLACK))
    }

    /// What is known of the commits that were made at or after a moment: those alone can be tied to sessions that
    /// began then. The newest ones come first; what there is no time for is left.
    pub(super) fn facts(&self, repo: &Repo, makers: &Makers, since: i64, deadline: Instant) -> git::Result<Facts> {
        let recent = |commit: &&Commit| commit.author_time.max(commit.commit_time) >= since;
        let before = self.before.iter().filter(recent).filter(|_| Instant::now() < deadline);
        let before = before.map(|commit| pushed(repo, makers, commit)).collect::<git::Result<Vec<_>>>()?;
        let (mut new, mut left) = (Vec::new(), HashSet::new());
        for commit in newest_first(&self.commits).iter().filter_map(|id| self.commits.get(id)).filter(recent) {
            // One at least: so every capture gets on.
            if new.is_empty() || Instant::now() < deadline {
                new.push(pushed(repo, makers, commit)?);
            } else {
                left.insert(commit.oid);
            }
        }
        let mut target_of = HashMap::new();
        for (at, target) in self.targets.iter().enumerate() {
            target_of.extend(target.commits.iter().map(|commit| (*commit, at)));
        }
        let facts = facts(&new, &before).into_iter();
        let of_targets = facts.filter_map(|facts| Some((*target_of.get(&facts.id)?, facts))).collect();
        Ok(Facts { of_targets, left })
    }
}

/// What is known of commits.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Each commit, with the place of its target.
    pub(super) of_targets: Vec<(usize, CommitFacts)>,
    /// Commits that there was no time to look at.
    pub(super) left: HashSet<Oid>,
}

fn read(repo: &Repo, id: Oid) -> git::Result<Option<Commit>> {
    match repo.commit(id) {
        Ok(commit) => Ok(Some(commit)),
        Err(git::Error::Missing(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Children before their parents; among those that do not depend on each other, the later one first.
fn newest_first(commits: &HashMap<Oid, Commit>) -> Vec<Oid> {
    let mut children: HashMap<Oid, usize> = HashMap::new();
    for parent in commits.values().flat_map(|commit| &commit.parents) {
        *children.entry(*parent).or_default() += 1;
    }
    let rank = |id: Oid| commits.get(&id).map(|commit| (commit.commit_time, id));
    let mut ready: BTreeSet<(i64, Oid)> =
        commits.keys().filter(|id| !children.contains_key(id)).filter_map(|id| rank(*id)).collect();
    let mut order = Vec::with_capacity(commits.len());
    while let Some((_, id)) = ready.pop_last() {
        order.push(id);
        for parent in commits.get(&id).into_iter().flat_map(|commit| &commit.parents) {
            if let Some(left) = children.get_mut(parent) {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    ready.extend(rank(*parent));
                }
            }
        }
    }
    order
}

/// Who makes commits in this repository.
#[derive(Debug, Default)]
pub(super) struct Makers {
    emails: BTreeSet<String>,
    made: HashMap<Oid, Made>,
}

impl Makers {
    /// By the configuration and by the reflogs.
    pub(super) fn of(repo: &Repo, config: &Config, environment: &GitEnvironment) -> git::Result<Self> {
        let mut emails: BTreeSet<String> = config.author_email(environment).into_iter().collect();
        for key in ["user.email", "author.email", "committer.email"] {
            emails.extend(config.get(key).map(str::to_owned));
        }
        for name in ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"] {
            emails.extend(environment.variable(name).map(|email| email.to_string_lossy().into_owned()));
        }
        emails.retain(|email| !email.trim().is_empty());
        Ok(Self { emails, made: repo.made_here()? })
    }
}

fn pushed(repo: &Repo, makers: &Makers, commit: &Commit) -> git::Result<Pushed> {
    let made = makers.made.get(&commit.oid);
    let mut files = Vec::new();
    if commit.parents.len() < 2 {
        match repo.changed_files(commit.oid, LIMITS) {
            Ok(changes) => files = changes.changes.files.into_iter().map(|file| pushed_file(&file.path)).collect(),
            // In a partial or shallow clone the trees may not be here: time still tells something.
            Err(git::Error::Missing(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Pushed {
        id: commit.oid,
        parents: commit.parents.clone(),
        author_time: commit.author_time,
        commit_time: commit.commit_time,
        maker: Maker::of(&commit.author_email, &makers.emails, made.is_some_and(|made| made.as_new)),
        made_in: made.and_then(|made| made.worktree.as_deref()).map(PathHash::of_path),
        files,
    })
}

fn pushed_file(path: &[u8]) -> PushedFile {
    PushedFile { path: String::from_utf8_lossy(path).into_owned(), hash: PathHash::of(path) }
}

/// Adds to what is known of a commit the lines it adds.
pub(super) fn add_lines(repo: &Repo, commit: &mut CommitFacts) -> git::Result<()> {
    let added = match repo.added_lines(commit.id, LIMITS) {
        Err(git::Error::Missing(_)) => return Ok(()),
        added => added?,
    };
    for file in added.files {
        let Some(FileFacts { added, .. }) = commit.files.get_mut(&PathHash::of(&file.path)) else { continue };
        let lines = file.lines.iter().map(|line| line.text.as_str());
        *added = lines.clone().filter(|line| is_telling(line)).filter_map(LineHash::of).collect();
        if added.is_empty() {
            *added = lines.filter_map(LineHash::of).collect();
        }
    }
    Ok(())
}

/// The targets with that of the branch HEAD is on before all others.
pub(super) fn head_first(repo: &Repo, config: &Config, mut targets: Vec<Target>) -> git::Result<Vec<Target>> {
    let Head::Branch { name, .. } = repo.head()? else { return Ok(targets) };
    let there: BranchName = config.upstream(&name).map_or(name, |upstream| upstream.branch);
    targets.sort_by_key(|target| target.branch != there);
    Ok(targets)
}
