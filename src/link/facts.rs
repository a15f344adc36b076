//! What is known of the commits that sessions are compared with.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use super::{LineHash, PathHash};
use crate::git::Oid;

/// Who made a commit, as far as this repository can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// The user of this repository: it was made here, or carries the user's e-mail, or nothing is known of either.
    User,
    /// Somebody else: it was not made here, and its author's e-mail is none of the user's.
    SomebodyElse,
}

impl Maker {
    /// Tells who made a commit. `made_here` says that the repository's own records (the reflog of a worktree's
    /// `HEAD`) have it as made with `git commit`; `mine` are the e-mails of the user, in any letter case.
    ///
    /// Without any configured e-mail nobody can be told from anybody else, and all commits are the user's: so it is
    /// for an agent that commits in CI with an identity from its environment.
    pub fn of(author_email: &str, mine: &BTreeSet<String>, made_here: bool) -> Self {
        let known = mine.iter().any(|email| email.eq_ignore_ascii_case(author_email.trim()));
        if made_here || mine.is_empty() || known { Self::User } else { Self::SomebodyElse }
    }
}

/// A commit as git has it, and what the repository knows of its making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The commit.
    pub id: Oid,
    /// Its parents.
    pub parents: Vec<Oid>,
    /// When it was written, in seconds since the epoch. A rebase keeps this.
    pub author_time: i64,
    /// When it was committed, in seconds since the epoch.
    pub commit_time: i64,
    /// Who made it.
    pub maker: Maker,
    /// The root of the worktree it was made in, if that is known.
    pub made_in: Option<PathHash>,
    /// The files it changes. None for a merge: what it brings in was made by other commits.
    pub files: Vec<PushedFile>,
}

/// A file that a commit changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedFile {
    /// Its path from the root of the repository, read lossily.
    pub path: String,
    /// The hash of its exact path.
    pub hash: PathHash,
}

/// A commit, ready to be compared with sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitFacts {
    /// The commit.
    pub id: Oid,
    /// Its id in hex.
    pub hex: String,
    /// When it was written, in seconds since the epoch.
    pub author_time: i64,
    /// When it was committed, in seconds since the epoch.
    pub commit_time: i64,
    /// Who made it.
    pub maker: Maker,
    /// The root of the worktree it was made in, if that is known.
    pub made_in: Option<PathHash>,
    /// The files it changes.
    pub files: BTreeMap<PathHash, FileFacts>,
}

/// A file that a commit changes: when an edit must have been made to be in the commit, and what it added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// Its path, read lossily.
    pub path: String,
    /// When the commit before that changed it was made, if that one is known: an edit up to then is in that one.
    pub after: Option<i64>,
    /// The latest moment of an edit that can be in this commit.
    pub until: i64,
    /// The telling lines that the commit adds, or all of them if none is telling.
    pub added: Vec<LineHash>,
}

impl CommitFacts {
    /// How many lines it adds that say something, in all files.
    pub fn added(&self) -> u64 {
        self.files.values().map(|file| file.added.len() as u64).sum()
    }
}

/// When each file was last changed, on the way to a commit.
type Touched = HashMap<PathHash, i64>;

/// The facts of some commits, in the same order. `newest_first`: children before their parents, as git lists them.
/// `before` are commits that were there already and that some of these stand on: they only say what is older.
///
/// An edit belongs to the first commit after it that changes the file. Commits keep their author's time when they
/// are rebased, but an amended commit holds edits that are younger than that: its files may have been edited until
/// it was committed, unless a commit that stands on it was written before (then it was rebased together with that one).
pub fn facts(newest_first: &[Pushed], before: &[Pushed]) -> Vec<CommitFacts> {
    let until: HashMap<Oid, i64> = settled(newest_first, before);
    let mut touched: HashMap<Oid, Rc<Touched>> = HashMap::new();
    let mut waiting = children(newest_first);
    let mut facts = Vec::with_capacity(newest_first.len());
    for (commit, is_new) in
        before.iter().map(|commit| (commit, false)).chain(newest_first.iter().rev().map(|commit| (commit, true)))
    {
        let mut known = if is_new { inherited(commit, &mut touched, &mut waiting) } else { Rc::default() };
        let until = until.get(&commit.id).copied().unwrap_or(commit.commit_time);
        let files = commit.files.iter().map(|file| {
            let after = known.get(&file.hash).copied();
            (file.hash, FileFacts { path: file.path.clone(), after, until, added: Vec::new() })
        });
        let facts_of = CommitFacts {
            id: commit.id,
            hex: commit.id.to_string(),
            author_time: commit.author_time,
            commit_time: commit.commit_time,
            maker: commit.maker,
            made_in: commit.made_in,
            files: files.collect(),
        };
        if is_new {
            facts.push(facts_of);
        }
        if !commit.files.is_empty() {
            let known = Rc::make_mut(&mut known);
            for file in &commit.files {
                let at = known.entry(file.hash).or_insert(until);
                *at = until.max(*at);
            }
        }
        touched.insert(commit.id, known);
    }
    facts.reverse();
    facts
}

/// How many of the commits stand on each.
fn children(commits: &[Pushed]) -> HashMap<Oid, usize> {
    let mut children = HashMap::new();
    for parent in commits.iter().flat_map(|commit| &commit.parents) {
        *children.entry(*parent).or_default() += 1;
    }
    children
}

/// What the parents of a commit knew, as one. The last child of a parent takes what that one knew.
fn inherited(
    commit: &Pushed,
    touched: &mut HashMap<Oid, Rc<Touched>>,
    waiting: &mut HashMap<Oid, usize>,
) -> Rc<Touched> {
    let mut parents = commit.parents.iter().filter_map(|parent| {
        let left = waiting.get_mut(parent)?;
        *left = left.saturating_sub(1);
        if *left == 0 { touched.remove(parent) } else { touched.get(parent).cloned() }
    });
    let mut known = parents.next().unwrap_or_default();
    for other in parents {
        let known = Rc::make_mut(&mut known);
        for (file, at) in other.iter() {
            let known_at = known.entry(*file).or_insert(*at);
            *known_at = (*at).max(*known_at);
        }
    }
    known
}

/// Until when each commit took edits in.
fn settled(newest_first: &[Pushed], before: &[Pushed]) -> HashMap<Oid, i64> {
    let mut earliest_child: HashMap<Oid, i64> = HashMap::new();
    let mut settled = HashMap::new();
    for commit in newest_first.iter().chain(before) {
        let child = earliest_child.get(&commit.id).copied();
        let rebased = child.is_some_and(|written| written < commit.commit_time);
        let until = if rebased { commit.author_time } else { commit.commit_time.max(commit.author_time) };
        settled.insert(commit.id, until);
        let written = child.map_or(commit.author_time, |child| child.min(commit.author_time));
        for parent in &commit.parents {
            let at = earliest_child.entry(*parent).or_insert(written);
            *at = written.min(*at);
        }
    }
    settled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(n: u8) -> Oid {
        Oid::from_bytes(&[n; 20]).expect("an id")
    }

    fn commit(n: u8, parents: &[u8], times: (i64, i64), files: &[&str]) -> Pushed {
        Pushed {
            id: oid(n),
            parents: parents.iter().copied().map(oid).collect(),
            author_time: times.0,
            commit_time: times.1,
            maker: Maker::User,
            made_in: None,
            files: files
                .iter()
                .map(|path| PushedFile { path: (*path).to_owned(), hash: PathHash::of(path.as_bytes()) })
                .collect(),
        }
    }

    fn span(facts: &[CommitFacts], n: u8, path: &str) -> (Option<i64>, i64) {
        let commit = facts.iter().find(|commit| commit.id == oid(n)).expect("the commit");
        let file = &commit.files[&PathHash::of(path.as_bytes())];
        (file.after, file.until)
    }

    #[test]
    fn an_edit_belongs_to_the_first_commit_after_it_that_changes_the_file() {
        let chain = [
            commit(3, &[2], (30, 30), &["a", "b"]),
            commit(2, &[1], (20, 20), &["b"]),
            commit(1, &[], (10, 10), &["a"]),
        ];
        let facts = facts(&chain, &[]);
        assert_eq!(facts.iter().map(|commit| commit.id).collect::<Vec<_>>(), [oid(3), oid(2), oid(1)]);
        assert_eq!(span(&facts, 1, "a"), (None, 10));
        assert_eq!(span(&facts, 3, "a"), (Some(10), 30));
        assert_eq!(span(&facts, 3, "b"), (Some(20), 30));
    }

    #[test]
    fn what_was_there_already_has_taken_its_edits() {
        let facts = facts(&[commit(2, &[1], (20, 20), &["a"])], &[commit(1, &[], (10, 10), &["a"])]);
        assert_eq!(facts.len(), 1);
        assert_eq!(span(&facts, 2, "a"), (Some(10), 20));
    }

    #[test]
    fn an_amended_commit_takes_edits_until_it_was_committed() {
        let facts = facts(&[commit(2, &[1], (50, 50), &["a"]), commit(1, &[], (10, 30), &["a"])], &[]);
        assert_eq!(span(&facts, 1, "a"), (None, 30));
        assert_eq!(span(&facts, 2, "a"), (Some(30), 50));
    }

    #[test]
    fn commits_rebased_together_keep_their_own_times() {
        let facts = facts(&[commit(2, &[1], (20, 101), &["a"]), commit(1, &[], (10, 100), &["a"])], &[]);
        assert_eq!(span(&facts, 1, "a"), (None, 10));
        assert_eq!(span(&facts, 2, "a"), (Some(10), 101));
    }

    #[test]
    fn branches_know_nothing_of_each_other_until_they_meet() {
        let commits = [
            commit(4, &[2, 3], (40, 40), &[]),
            commit(3, &[1], (30, 30), &["a"]),
            commit(2, &[1], (20, 20), &["a"]),
            commit(1, &[], (10, 10), &["a"]),
        ];
        let mut tip = vec![commit(5, &[4], (50, 50), &["a"])];
        tip.extend(commits);
        let facts = facts(&tip, &[]);
        assert_eq!(span(&facts, 2, "a"), (Some(10), 20));
        assert_eq!(span(&facts, 3, "a"), (Some(10), 30));
        assert_eq!(span(&facts, 5, "a"), (Some(30), 50));
    }

    #[test]
    fn somebody_else_is_who_is_neither_me_nor_was_here() {
        let mine = BTreeSet::from(["Me@example.com".to_owned()]);
        assert_eq!(Maker::of("me@EXAMPLE.com", &mine, false), Maker::User);
        assert_eq!(Maker::of("you@example.com", &mine, false), Maker::SomebodyElse);
        assert_eq!(Maker::of("you@example.com", &mine, true), Maker::User);
        assert_eq!(Maker::of("you@example.com", &BTreeSet::new(), false), Maker::User);
    }
}
