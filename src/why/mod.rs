//! Why a line is there: from a line to its commit, to the session behind that, to the edit that wrote it, to what the
//! human had asked for.
//!
//! `git blame` says the commit, the ledgers say the sessions behind it, and a session's own edits say which lines it
//! wrote. A line is a session's only if one of its edits wrote that line, and the answer says how that is known. The
//! commit's other lines in a file that its sessions edited are a human's; of all else nothing is known, and nothing is
//! claimed.
//!
//! Only the sessions behind the commits that git names are read, while git still goes on.

mod ask;
mod attribute;
mod heredoc;
mod place;
mod same;
mod summary;
#[cfg(test)]
mod testing;
mod trail;
mod verdict;

pub(crate) use place::Roots;
pub(crate) use trail::TrailBuilder;

pub use ask::{Error, Lines, Question, Why};
pub use same::Sameness;
pub use summary::{Count, Summary};
pub use trail::{Edit, Hunk, HunkLine, Prompt, Trail};
pub use verdict::{Answer, Attribution, Line, NotKnown, Verdict};
