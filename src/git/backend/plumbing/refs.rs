//! Refs: read where they are stored, moved by `git update-ref`.

use std::fs::File;
use std::path::Path;

use super::reftable::head_log;
use super::{Plumbing, RefStore, refused};
use crate::git::backend::{Attempt, Refs};
use crate::git::lock::lock_beside;
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
        let locked = ["File exists", "cannot lock references", "data is locked"];
        if locked.iter().any(|words| finished.stderr.contains(words)) {
            return Ok(self.locked(name));
        }
        Err(refused(&finished, "move", name))
    }

    fn head_log(&self, git_dir: &Path) -> Vec<LogLine> {
        match &self.refs {
            RefStore::Files(_) => crate::git::reflog::of_head_in_files(git_dir),
            RefStore::Reftable(_) => head_log(self, git_dir),
        }
    }
}

impl Plumbing {
    fn as_expected(&self, name: &HiddenRef, expected: Expected) -> Result<bool> {
        Ok(Expected::from(self.value(name.name())?) == expected)
    }

    fn locked(&self, name: &HiddenRef) -> Attempt {
        let (file, of_all) = match &self.refs {
            RefStore::Files(_) => (self.common_dir.join(name.as_str()), false),
            RefStore::Reftable(tables) => (tables.list_path(), true),
        };
        Attempt::Locked { path: lock_beside(&file), of_all }
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
