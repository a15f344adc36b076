//! The only room that knows git.
//!
//! Everything local goes through a back end (libgit2, or the user's own git where libgit2 cannot open the repository) or
//! is done here by git's documented formats: trees, commits, packs, configuration, changes. Everything that needs a network or
//! a hook goes through the user's own `git` program. No type of any of them leaves this room.

mod backend;
mod batch;
mod blame;
mod branch;
mod commit;
mod config;
mod diff;
mod environment;
mod error;
mod history;
pub mod hooks;
mod identity;
mod lock;
mod names;
mod notes;
mod object;
mod object_format;
mod pack;
mod patch;
mod private;
pub mod process;
mod reflog;
mod refs;
pub mod remote;
mod remote_url;
mod repo;
mod torn;
mod tree;
mod tree_data;

#[cfg(test)]
mod testing;

pub use batch::{BatchReport, ObjectBatch};
pub use blame::{BlameRequest, BlameRun, BlamedCommit};
pub use branch::{Head, Upstream};
pub use commit::{Commit, NewCommit};
pub use config::{Config, ConfigEntry, ConfigScope, OwnKey, parse_bool};
pub use diff::{AddedLine, AddedLines, ChangeStatus, ChangedFile, Changes, CommitChanges, CommitLines, DiffLimits};
pub use environment::GitEnvironment;
pub use error::{Error, Result};
pub use history::{Exclude, WalkLimits, Walked};
pub use identity::{Identity, Signature};
pub use lock::{PushLock, RepoLock};
pub use names::{BadName, BranchName, HiddenRef, Oid, OidPrefix, OwnRef, RefName};
pub use notes::{NoteBlob, NotesTree, noted, notes_between};
pub use object::{EntryKind, ObjectHeader, ObjectKind, TreeEntry, Walk};
pub use object_format::ObjectFormat;
pub use patch::{LineChange, PatchId, PatchLimits, PatchLine};
pub use reflog::Made;
pub use refs::{Expected, RefValue, Update};
pub use remote_url::{Login, RemoteUrl};
pub use repo::Repo;
pub use torn::TornRef;
pub use tree::TreeEditor;

/// The version of libgit2 that is linked in: `1.9.7`.
pub fn libgit2_version() -> String {
    let (major, minor, patch) = git2::Version::get().libgit2_version();
    format!("{major}.{minor}.{patch}")
}
