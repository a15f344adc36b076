//! A first look at a session: whether it may have anything to do with some commits.

use super::evidence::WINDOW_SLACK;
use super::{CommitFacts, Outline, PathHash, ShortId};

/// An [`Outline`] as a few bytes that can be held against commits as they lie: of thousands of sessions hardly one is near
/// those of a push.
///
/// The bytes: the first and the last moment (`i64`), then a [`Trace`] for each file and each commit. It may call a commit near
/// that is not, and never the other way round.
#[derive(Debug, Clone, Copy)]
pub struct Sketch<'a> {
    first: i64,
    last: i64,
    traces: &'a [[u8; 4]],
}

/// Half of the hash of a file's path, or the first four digits of a commit's id.
type Trace = u32;

fn of_file(path: PathHash) -> Trace {
    let [a, b, c, d, ..] = path.get().to_le_bytes();
    Trace::from_le_bytes([a, b, c, d])
}

/// [`ShortId`]s have four digits at least.
fn of_commit(hex: &str) -> Option<Trace> {
    Trace::from_str_radix(hex.get(..4)?, 16).ok()
}

impl<'a> Sketch<'a> {
    /// Appends the bytes of an outline.
    pub fn write(outline: &Outline, into: &mut Vec<u8>) {
        into.extend(outline.first.to_le_bytes());
        into.extend(outline.last.to_le_bytes());
        let files = outline.files.iter().copied().map(of_file);
        let commits = outline.commits.iter().map(ShortId::as_str).filter_map(of_commit);
        into.extend(files.chain(commits).flat_map(Trace::to_le_bytes));
    }

    /// From the bytes; `None` if there cannot be as many of them.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first_chunk()?;
        let (last, rest) = rest.split_first_chunk()?;
        let (traces, []) = rest.as_chunks() else { return None };
        Some(Self { first: i64::from_le_bytes(*first), last: i64::from_le_bytes(*last), traces })
    }

    /// The earliest moment of the session, in seconds since the epoch, rounded down.
    pub fn first(&self) -> i64 {
        self.first
    }
}

/// What a session must have at least one of, to be near one of some commits.
#[derive(Debug)]
pub struct Sought {
    times: Vec<i64>,
    traces: Vec<Trace>,
}

impl Sought {
    /// Of commits.
    pub fn of(commits: &[CommitFacts]) -> Self {
        let mut times: Vec<i64> = commits.iter().flat_map(|commit| [commit.author_time, commit.commit_time]).collect();
        let files = commits.iter().flat_map(|commit| commit.files.keys().copied().map(of_file));
        let ids = commits.iter().filter_map(|commit| of_commit(&commit.hex));
        let mut traces: Vec<Trace> = files.chain(ids).collect();
        times.sort_unstable();
        traces.sort_unstable();
        Self { times, traces }
    }

    /// Whether a session may be near.
    pub fn may_be_near(&self, session: &Sketch<'_>) -> bool {
        let until = session.last.saturating_add(WINDOW_SLACK);
        let next = self.times.partition_point(|at| *at < session.first);
        self.times.get(next).is_some_and(|at| *at <= until)
            || session.traces.iter().any(|trace| self.traces.binary_search(&Trace::from_le_bytes(*trace)).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::git::Oid;
    use crate::link::evidence::Commits;
    use crate::link::{FileFacts, Maker};

    fn file(n: u8) -> PathHash {
        PathHash::of(&[n])
    }

    prop_compose! {
        fn outline()(
            first in -50i64..50, length in 0i64..20, files in prop::collection::btree_set(0u8..6, 0..3),
            commits in prop::collection::vec("[0-3]{4,6}", 0..3),
        ) -> Outline {
            let mut files: Vec<_> = files.into_iter().map(file).collect();
            files.sort();
            let commits = commits.iter().filter_map(|id| ShortId::new(id)).collect();
            // In hours, for half of one counts for the window.
            Outline { first: first * 3600, last: (first + length) * 3600, worktrees: vec![file(9)], files, commits }
        }
    }

    prop_compose! {
        fn commit()(
            id in prop::array::uniform20(0u8..4), author_time in -90i64..90, later in 0i64..20,
            files in prop::collection::btree_set(3u8..9, 0..3),
        ) -> CommitFacts {
            let id = Oid::from_bytes(&id.map(|digit| digit << 4 | digit)).expect("an id");
            CommitFacts {
                id,
                hex: id.to_string(),
                author_time: author_time * 3600,
                commit_time: (author_time + later) * 3600,
                maker: Maker::User,
                made_in: None,
                files: files.into_iter().map(|n| (file(n), FileFacts::default())).collect(),
            }
        }
    }

    fn may_be_near(outline: &Outline, commits: &[CommitFacts]) -> bool {
        let mut bytes = Vec::new();
        Sketch::write(outline, &mut bytes);
        let sketch = Sketch::read(&bytes).expect("it was written so");
        assert_eq!(sketch.first(), outline.first);
        assert!(Sketch::read(&bytes[1..]).is_none());
        Sought::of(commits).may_be_near(&sketch)
    }

    proptest! {
        #[test]
        fn what_is_near_is_never_overlooked(
            outline in outline(), commits in prop::collection::vec(commit(), 0..3),
        ) {
            // Exactly: in so few there are no two hashes of which a half is the same.
            let is_near = !Commits::new(&commits).near(&outline).is_empty();
            let begins = |id: &ShortId| commits.iter().any(|commit| commit.hex.starts_with(&id.as_str()[..4]));
            prop_assert_eq!(may_be_near(&outline, &commits), is_near || outline.commits.iter().any(begins));
        }
    }

    #[test]
    fn a_session_of_no_commits_is_near_none() {
        assert!(!may_be_near(&Outline::default(), &[]));
    }
}
