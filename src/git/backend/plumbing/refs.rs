//! Refs: read where they are stored, moved by `git update-ref`.

use std::fs::File;
use std::path::Path;

use super::reftable::head_log;
use super::{Plumbing, RefStore, refused};
use crate::git::backend::{Attempt, Refs};
use crate::git::lock::lock_beside;
use crate::git::process::{Ending, Finished};
use crate::git::reflog::LogLine;
use crate::git::{Error, Expected, HiddenRef, Oid, RefName, RefValue, Result};

impl Refs for Plumbing {
    fn value(&self, name: &RefName) -> Result<Option<Oid>> {
        match &self.refs {
            RefStore::Files(files) => files.value(name),
            RefStore::Reftable(tables) => tables.value(self, name),
        }
    }

    fn symbolic_target(&self, name: &RefName) -> Result<Option<RefName>> {
        match &self.refs {
            RefStore::Files(files) => files.symbolic_target(name),
            RefStore::Reftable(tables) => tables.symbolic_target(self, name),
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<RefValue>> {
        match &self.refs {
            RefStore::Files(files) => files.list(prefix),
            RefStore::Reftable(tables) => tables.list(self, prefix),
        }
    }

    fn try_move(&self, name: &HiddenRef, expected: Expected, new: Option<Oid>, message: &str) -> Result<Attempt> {
        // Told not to follow a symbolic ref, git would make it a plain one.
        if self.symbolic_target(name.name())?.is_some() {
            return Ok(Attempt::Raced);
        }
        let order = match (expected, new) {
            (Expected::Absent, Some(new)) => format!("create {name} {new}"),
            (Expected::At(old), Some(new)) => format!("update {name} {new} {old}"),
            (Expected::At(old), None) => format!("delete {name} {old}"),
            (Expected::Absent, None) if self.as_expected(name, expected)? => return Ok(Attempt::Moved),
            (Expected::Absent, None) => return Ok(Attempt::Raced),
        };
        let finished = self
            .command(["update-ref", "-m", message, "--stdin"])
            .stdin(format!("option no-deref\n{order}\n").into_bytes())
            // A hook of the user's for ref transactions is for his refs, as with libgit2, which runs none.
            .private_setting("core.hooksPath", "/dev/null")
            .private_setting("core.fsync", "all")
            .run()
            .map_err(Error::process("move", name))?;
        if finished.succeeded() {
            return self.sync(name).map(|()| Attempt::Moved);
        }
        // What git compares, it compares under its lock; here it is only asked why it said no.
        if !self.as_expected(name, expected)? {
            return Ok(Attempt::Raced);
        }
        if is_locked(&finished) {
            return Ok(self.locked(name, &finished));
        }
        Err(refused(&finished, "move", name))
    }

    fn head_log(&self, git_dir: &Path) -> Vec<LogLine> {
        match &self.refs {
            RefStore::Files(_) => crate::git::reflog::of_head_in_files(git_dir),
            RefStore::Reftable(_) => head_log(self, git_dir),
        }
    }

    fn forget_log(&self, name: &HiddenRef) -> Result<Attempt> {
        match &self.refs {
            RefStore::Files(_) => crate::git::reflog::forget_in_files(&self.common_dir, name),
            RefStore::Reftable(_) => self.expire_log(name),
        }
    }
}

impl Plumbing {
    fn as_expected(&self, name: &HiddenRef, expected: Expected) -> Result<bool> {
        Ok(Expected::from(self.value(name.name())?) == expected)
    }

    fn locked(&self, name: &HiddenRef, finished: &Finished) -> Attempt {
        match &self.refs {
            RefStore::Files(_) => Attempt::locked(lock_beside(&self.common_dir.join(name.as_str())), &finished.stderr),
            RefStore::Reftable(tables) => Attempt::Locked { path: lock_beside(&tables.list_path()), of_all: true },
        }
    }

    /// The log of a ref in a reftable is git's alone.
    fn expire_log(&self, name: &HiddenRef) -> Result<Attempt> {
        let exists = self.command(["reflog", "exists", name.as_str()]).run();
        if !exists.map_err(Error::process("look for the reflog of", name))?.succeeded() {
            return Ok(Attempt::Moved);
        }
        let expire = ["reflog", "expire", "--expire=all", "--expire-unreachable=all", name.as_str()];
        let finished = self.command(expire).run().map_err(Error::process("expire the reflog of", name))?;
        match finished.succeeded() {
            true => Ok(Attempt::Moved),
            // It says so by its exit code alone: that of REFTABLE_LOCK_ERROR (-5).
            false if is_locked(&finished) || finished.ending == Ending::Exited(251) => Ok(self.locked(name, &finished)),
            false => Err(refused(&finished, "expire the reflog of", name)),
        }
    }

    /// A git before 2.36 renames a ref into place without a sync.
    fn sync(&self, name: &HiddenRef) -> Result<()> {
        let RefStore::Files(_) = &self.refs else { return Ok(()) };
        let path = self.common_dir.join(name.as_str());
        match File::open(&path).and_then(|file| file.sync_all()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("write", &path)(error)),
            _ => Ok(()),
        }
    }
}

/// Whether git found a lock in its way.
fn is_locked(finished: &Finished) -> bool {
    let locked = ["File exists", "cannot lock references", "data is locked"];
    locked.iter().any(|words| finished.stderr.contains(words))
}
