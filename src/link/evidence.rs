//! The rules: what ties a session to a commit, and whether that is enough.
//!
//! Strongest first: the session **committed** (git's answer to it names the commit), **wrote** (lines it added are
//! lines the commit adds), **edited** (it edited files the commit changes, after the commit before and before this
//! one), or its **window** holds the commit (it ran in the worktree the commit was made in, and the commit was made
//! between its first event and [`WINDOW_SLACK`] seconds after its last). The window alone is enough, unless
//!
//! - another session has stronger evidence and this one edited only other files;
//! - the commit was only *re*-committed in the window (a rebase, an amend: its author's time is outside), and
//!   another session has stronger evidence or has the author's time in its window, and this one edited
//!   none of the commit's files;
//! - the commit is somebody else's (see [`super::Maker`]).
//!
//! A merge changes no file of its own: only a session that committed it, or in whose window it was made, is linked.

use std::collections::HashMap;

use super::{CommitFacts, Footprint, Maker, Outline, PathHash};
use crate::ledger::{Evidence, EvidenceKind, Percent, Window};
use crate::session::Timestamp;

/// How long after its last event a session still counts for a commit, in seconds.
pub const WINDOW_SLACK: i64 = 30 * 60;

/// The share of a commit's lines that a session must have written if its edits are older than the commit before:
/// part of an edit may have been left for later, but a line here and there is chance.
const LATE_SHARE: u64 = 2;

/// How the window of a session holds a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InWindow {
    /// Only when it was committed, not when it was written.
    Committed,
    /// When it was written.
    Written,
}

/// What ties one session to one commit, and what does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each told to the user by its name")]
pub struct Ties {
    /// The session made the commit.
    pub committed: bool,
    /// How many telling lines of the commit the session wrote.
    pub lines: u64,
    /// How many telling lines the commit adds.
    pub added: u64,
    /// Files of the commit that the session edited in time.
    pub edited: Vec<PathHash>,
    /// Files of the commit that the session edited at any time.
    pub same_files: Vec<PathHash>,
    /// Whether it edited files that the commit does not change.
    pub other_files: bool,
    /// Whether the window holds the commit, be it the right worktree or not.
    pub in_window: Option<InWindow>,
    /// Whether it ran in another worktree than the one the commit was made in.
    pub other_worktree: bool,
    /// Whether the commit is somebody else's.
    pub somebody_else: bool,
}

/// Why a session is not linked to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyNot {
    /// Nothing ties them: it was at another time and edited other files.
    NothingInCommon,
    /// The commit was made long before the session began.
    Before,
    /// The commit was made more than 30 minutes after the session ended.
    After,
    /// It ran in another worktree than the one the commit was made in.
    OtherWorktree,
    /// Somebody else made the commit.
    SomebodyElse,
    /// Another session has stronger evidence; this one edited only other files, or the commit was only committed
    /// again while it ran.
    Yields,
}

/// Evidence, with how a window holds the commit where there is no more.
type Rank = (EvidenceKind, Option<InWindow>);

impl Ties {
    /// The strongest kind of evidence, if there is any.
    pub fn kind(&self) -> Option<EvidenceKind> {
        let window = self.in_window.is_some() && !self.other_worktree && !self.somebody_else;
        [
            (self.committed, EvidenceKind::Committed),
            (self.lines > 0, EvidenceKind::Wrote),
            (!self.edited.is_empty(), EvidenceKind::Edited),
            (window, EvidenceKind::Window),
        ]
        .into_iter()
        .find_map(|(there, kind)| there.then_some(kind))
    }

    /// Whether there is more than a window.
    pub fn is_strong(&self) -> bool {
        self.kind().is_some_and(|kind| kind > EvidenceKind::Window)
    }

    /// What two sessions with the same commit are compared by.
    fn rank(&self) -> Option<Rank> {
        let kind = self.kind()?;
        Some((kind, self.in_window.filter(|_| kind == EvidenceKind::Window)))
    }

    /// Whether it is too little, when the strongest of all sessions ranks so.
    fn yields_to(&self, strongest: Rank) -> bool {
        let Some(mine) = self.rank().filter(|mine| mine.0 == EvidenceKind::Window) else { return false };
        let none_of_its_files = self.same_files.is_empty();
        if mine.1 == Some(InWindow::Written) {
            none_of_its_files && self.other_files && strongest.0 > EvidenceKind::Window
        } else {
            none_of_its_files && strongest > mine
        }
    }

    /// Why there is no evidence.
    fn missing(&self, session: &Outline, commit: &CommitFacts) -> WhyNot {
        match self.in_window {
            Some(_) if self.somebody_else => WhyNot::SomebodyElse,
            Some(_) => WhyNot::OtherWorktree,
            None if !self.same_files.is_empty() => WhyNot::NothingInCommon,
            None if commit.commit_time.max(commit.author_time) < session.first => WhyNot::Before,
            None if commit.commit_time.min(commit.author_time) > session.last.saturating_add(WINDOW_SLACK) => {
                WhyNot::After
            }
            None => WhyNot::NothingInCommon,
        }
    }
}

/// Whether [`ties`] needs the whole footprint: the session edited files that the commit changes.
pub fn needs_footprint(session: &Outline, commit: &CommitFacts) -> bool {
    same_files(session, commit).next().is_some()
}

fn same_files<'a>(session: &'a Outline, commit: &'a CommitFacts) -> impl Iterator<Item = PathHash> + 'a {
    commit.files.keys().copied().filter(|file| session.files.binary_search(file).is_ok())
}

/// What ties a session to a commit. Without its footprint, edits and lines are not compared.
pub fn ties(session: &Outline, footprint: Option<&Footprint>, commit: &CommitFacts) -> Ties {
    let same_files: Vec<_> = same_files(session, commit).collect();
    let mut ties = Ties {
        committed: session.commits.iter().any(|id| id.begins(&commit.hex)),
        added: commit.added(),
        other_files: session.files.len() > same_files.len(),
        in_window: in_window(session, commit),
        other_worktree: commit
            .made_in
            .is_some_and(|made_in| !session.worktrees.is_empty() && !session.worktrees.contains(&made_in)),
        somebody_else: commit.maker == Maker::SomebodyElse,
        same_files,
        ..Ties::default()
    };
    if let Some(footprint) = footprint {
        compare_files(&mut ties, footprint, commit);
    }
    ties
}

fn in_window(session: &Outline, commit: &CommitFacts) -> Option<InWindow> {
    let holds = |at| session.first <= at && at <= session.last.saturating_add(WINDOW_SLACK);
    match (holds(commit.author_time), holds(commit.commit_time)) {
        (true, _) => Some(InWindow::Written),
        (false, true) => Some(InWindow::Committed),
        (false, false) => None,
    }
}

fn compare_files(ties: &mut Ties, footprint: &Footprint, commit: &CommitFacts) {
    let mut late = 0;
    for path in &ties.same_files {
        let (Some(file), Some(trace)) = (commit.files.get(path), footprint.file(*path)) else { continue };
        if !trace.edited_between(None, file.until) {
            continue;
        }
        let lines = file.added.iter().filter(|line| trace.lines.contains(**line)).count() as u64;
        if trace.edited_between(file.after, file.until) {
            ties.edited.push(*path);
            ties.lines += lines;
        } else {
            late += lines;
        }
    }
    if late > 0 && (ties.lines + late) * LATE_SHARE >= ties.added {
        ties.lines += late;
    }
}

/// Decides which of some sessions are linked to a commit. The answers are in the order of the sessions.
pub fn decide(commit: &CommitFacts, sessions: &[(&Outline, Ties)]) -> Vec<Result<Evidence, WhyNot>> {
    let strongest = sessions.iter().filter_map(|(_, ties)| ties.rank()).max();
    sessions
        .iter()
        .map(|(session, ties)| match ties.kind() {
            None => Err(ties.missing(session, commit)),
            Some(_) if strongest.is_some_and(|strongest| ties.yields_to(strongest)) => Err(WhyNot::Yields),
            Some(kind) => Ok(evidence(kind, session, ties, commit)),
        })
        .collect()
}

/// The evidence as it is stored. How sure it makes: what git said is certain; of lines, half and the half of their
/// share; of files, up to a half, by how many of the commit's files they are; of time alone, a fifth or a tenth.
fn evidence(kind: EvidenceKind, session: &Outline, ties: &Ties, commit: &CommitFacts) -> Evidence {
    let share = Percent::of(ties.lines, ties.added);
    let confidence = match kind {
        EvidenceKind::Committed => Percent::ALL,
        EvidenceKind::Wrote => Percent::new(50 + share.get() / 2),
        EvidenceKind::Edited => {
            Percent::new(25 + Percent::of(ties.edited.len() as u64, commit.files.len() as u64).get() / 4)
        }
        EvidenceKind::Window if ties.in_window == Some(InWindow::Written) => Percent::new(20),
        EvidenceKind::Window => Percent::new(10),
    };
    let mut files: Vec<_> =
        ties.edited.iter().filter_map(|path| commit.files.get(path)).map(|file| file.path.clone()).collect();
    files.sort();
    Evidence {
        kind,
        confidence,
        lines: ties.lines,
        share: (ties.lines > 0).then_some(share),
        files,
        more_files: 0,
        window: Window { first: Timestamp::from_seconds(session.first), last: Timestamp::from_seconds(session.last) },
        anchor: None,
    }
}

/// Commits, found by what a session may have in common with them.
#[derive(Debug)]
pub struct Commits<'a> {
    facts: &'a [CommitFacts],
    by_file: HashMap<PathHash, Vec<usize>>,
    by_time: Vec<(i64, usize)>,
    by_id: Vec<(&'a str, usize)>,
}

impl<'a> Commits<'a> {
    /// Makes commits findable.
    pub fn new(facts: &'a [CommitFacts]) -> Self {
        let mut by_file: HashMap<PathHash, Vec<usize>> = HashMap::new();
        let mut by_time = Vec::with_capacity(facts.len() * 2);
        let mut by_id = Vec::with_capacity(facts.len());
        for (at, commit) in facts.iter().enumerate() {
            for file in commit.files.keys() {
                by_file.entry(*file).or_default().push(at);
            }
            by_time.extend([(commit.author_time, at), (commit.commit_time, at)]);
            by_id.push((commit.hex.as_str(), at));
        }
        by_time.sort_unstable();
        by_id.sort_unstable();
        Self { facts, by_file, by_time, by_id }
    }

    /// All of them.
    pub fn facts(&self) -> &'a [CommitFacts] {
        self.facts
    }

    /// The commits that a session may be tied to, as places in [`Commits::facts`], in order. With all others it has
    /// nothing in common.
    pub fn near(&self, session: &Outline) -> Vec<usize> {
        let mut near: Vec<usize> =
            session.files.iter().filter_map(|file| self.by_file.get(file)).flatten().copied().collect();
        let from = self.by_time.partition_point(|(at, _)| *at < session.first);
        let until = session.last.saturating_add(WINDOW_SLACK);
        near.extend(self.by_time.iter().skip(from).take_while(|(at, _)| *at <= until).map(|(_, at)| *at));
        for id in &session.commits {
            let from = self.by_id.partition_point(|(hex, _)| *hex < id.as_str());
            near.extend(self.by_id.iter().skip(from).take_while(|(hex, _)| id.begins(hex)).map(|(_, at)| *at));
        }
        near.sort_unstable();
        near.dedup();
        near
    }
}

#[cfg(test)]
mod tests;
