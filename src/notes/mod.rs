//! Pointers from commits to sessions, as git notes: `opensession.fanout-mode = git_notes`.
//!
//! Besides the ledger, which is the truth, every linked commit has a line for each of its sessions in
//! `refs/notes/opensession`: one JSON object with sorted keys ([`NoteLine`]), so that git's own `cat_sort_uniq` can merge
//! them, and `git log --notes=opensession` shows them. Never a body.
//!
//! The ref may be shared with people who run `git notes` by hand: what is not ours stays ([`NoteText`]). What a remote has
//! is fetched into a ref of its own, and joined line by line ([`join`]); no fetch writes the live ref.

mod cursor;
mod forget;
mod gone;
mod join;
mod line;
mod pointers;
mod store;
mod text;

pub use forget::{Forgotten, Unwanted, forget, forgotten};
pub use gone::Gone;
pub use join::{Join, Limits, absorb, join};
pub use line::{NoteLine, Pointer};
pub use store::{Written, write};
pub use text::NoteText;

use crate::git::{HiddenRef, RefName};

/// The ref of the notes, here and at remotes.
pub const NOTES: &str = "refs/notes/opensession";

/// The most notes of one tree that are read.
const MOST: usize = 1_000_000;

/// The longest note that is read, in bytes. A longer one is left as it is.
const LONGEST: u64 = 1 << 20;

/// What can go wrong with notes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// git.
    #[error(transparent)]
    Git(#[from] crate::git::Error),
    /// A ledger.
    #[error(transparent)]
    Ledger(#[from] crate::ledger::Error),
    /// Others moved the ref every time.
    #[error("others moved {NOTES} again and again; the next capture or push goes on")]
    Raced,
}

/// The result of this module.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The live ref.
///
/// # Errors
/// Never in practice: the name is a valid one.
pub fn live() -> Result<HiddenRef> {
    named(NOTES)
}

/// What a remote had when it was last asked.
///
/// # Errors
/// Never in practice: the name is a valid one.
pub fn tracking(remote: &str) -> Result<HiddenRef> {
    named(&crate::ledger::tracking_notes(remote))
}

fn named(name: &str) -> Result<HiddenRef> {
    let name = RefName::new(name).and_then(HiddenRef::new);
    Ok(name.map_err(crate::git::Error::from)?)
}
