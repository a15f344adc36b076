//! Who answers for a repository: what the rest of this room asks, and nothing more.
//!
//! Everything that can be done here by git's documented formats (trees, commits, packs, configuration, lines that
//! changed) is done once, above these traits. A back end reads objects, reads and moves refs, and walks history.

pub(super) mod libgit2;
pub(super) mod plumbing;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::batch::PendingObject;
use super::lock::lock_named_in;
use super::object_format::ObjectFormat;
use super::reflog::LogLine;
use super::{Expected, HiddenRef, ObjectHeader, Oid, RefName, RefValue, Result, WalkLimits, Walked};

/// A repository, answered for.
pub(super) trait Backend: Objects + Refs + History {}

impl<T: Objects + Refs + History> Backend for T {}

/// A repository that was opened, and where its parts lie.
pub(super) struct Opened {
    pub backend: Box<dyn Backend>,
    /// The git folder of the worktree.
    pub git_dir: PathBuf,
    /// The git folder that all worktrees share.
    pub common_dir: PathBuf,
    /// The root of the worktree, canonical; `None` in a bare repository.
    pub workdir: Option<PathBuf>,
}

/// Objects. Nothing is ever asked of a remote.
pub(super) trait Objects {
    /// What ids are made with here.
    fn format(&self) -> ObjectFormat;

    /// Kind and size, without reading the content. [`super::Error::Missing`], [`super::Error::Damaged`].
    fn header(&self, oid: Oid) -> Result<ObjectHeader>;

    /// The content, whatever its size: the header was looked at before.
    fn read(&self, oid: Oid) -> Result<Vec<u8>>;

    /// Whether the object is here.
    fn exists(&self, oid: Oid) -> Result<bool>;

    /// Gives back the objects that are not stored yet. The others may be unreachable and old, and a `git gc` on its way
    /// to them: they are made young again.
    fn renew(&self, objects: Vec<PendingObject>) -> Result<Vec<PendingObject>>;

    /// Objects were written into the store behind the back of this back end.
    fn refresh(&self) -> Result<()>;
}

/// Refs and their logs.
pub(super) trait Refs {
    /// What a ref points at, symbolic ones followed.
    fn value(&self, name: &RefName) -> Result<Option<Oid>>;

    /// The ref that a symbolic one names, whether that exists or not.
    fn symbolic_target(&self, name: &RefName) -> Result<Option<RefName>>;

    /// The refs whose name begins with `prefix`, in any order.
    fn list(&self, prefix: &str) -> Result<Vec<RefValue>>;

    /// Moves a ref once, comparing it under its lock, and makes the move durable; `None` deletes it.
    fn try_move(&self, name: &HiddenRef, expected: Expected, new: Option<Oid>, message: &str) -> Result<Attempt>;

    /// The latest lines of the log of `HEAD` in the worktree with that git folder; none if there is no log.
    fn head_log(&self, git_dir: &Path) -> Vec<LogLine>;

    /// Empties the log of a hidden ref, once; one that has none is done.
    fn forget_log(&self, name: &HiddenRef) -> Result<Attempt>;
}

/// What came of trying to change a ref, or its log.
pub(super) enum Attempt {
    /// It is done.
    Moved,
    /// It was not what was expected.
    Raced,
    /// Another process holds a lock.
    Locked {
        /// Its file.
        path: PathBuf,
        /// Whether it locks other refs, too, those of the user among them (a reftable, `packed-refs`): such a file is
        /// never removed here.
        of_all: bool,
    },
}

impl Attempt {
    /// A lock in the way, where each ref has a file: the ref's own, `own`, unless what was said names another.
    fn locked(own: PathBuf, said: &str) -> Self {
        match lock_named_in(said).filter(|named| named.file_name() != own.file_name()) {
            Some(path) => Self::Locked { path, of_all: true },
            None => Self::Locked { path: own, of_all: false },
        }
    }
}

/// Commits and how they hang together. What goes in is peeled: commits, and no tags of them.
pub(super) trait History {
    /// The commit that a text names. [`super::Error::UnknownRevision`], [`super::Error::AmbiguousRevision`].
    fn rev_parse(&self, text: &str) -> Result<Oid>;

    /// The commit itself, or the one that a tag is of.
    fn peel(&self, oid: Oid) -> Result<Oid>;

    /// What `tips` reach and `hidden` do not, newest first.
    fn walk(&self, tips: &[Oid], hidden: &BTreeSet<Oid>, limits: WalkLimits) -> Result<Walked>;

    /// A best common ancestor, if there is any.
    fn merge_base(&self, one: Oid, two: Oid) -> Result<Option<Oid>>;

    /// Whether `ancestor` is an ancestor of `commit`.
    fn is_ancestor(&self, ancestor: Oid, commit: Oid) -> Result<bool>;
}
