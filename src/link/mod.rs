//! Which session made which commit, and what says so.
//!
//! A [`Footprint`] is what a session left that can be compared with commits: when it ran, where, which files
//! it edited, which lines it added, which commits it made. [`CommitFacts`] is the same of a commit. [`evidence`]
//! holds the rules that compare the two; it knows values only, neither files nor git.
//!
//! Paths and lines are kept as hashes: a footprint lies beside the repository, and needs no text.

pub mod evidence;
mod facts;
mod footprint;
mod hash;
mod places;
mod shell;
mod sketch;

pub use facts::{CommitFacts, FileFacts, Maker, Pushed, PushedFile, facts};
pub use footprint::{FileTrace, Footprint, Outline};
pub use hash::{LineHash, LineSet, PathHash, is_telling};
pub use places::{Located, Locator, Place, Worktrees};
pub use shell::ShortId;
pub use sketch::{Sketch, Sought};
