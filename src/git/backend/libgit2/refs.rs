//! Refs by libgit2, in the files format.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use git2::{ErrorCode, Reference};

use super::Libgit2;
use crate::git::backend::{Attempt, Refs};
use crate::git::lock::lock_beside;
use crate::git::reflog::{self, LogLine};
use crate::git::{Error, Expected, HiddenRef, Oid, RefName, RefValue, Result};

impl Refs for Libgit2 {
    fn value(&self, name: &RefName) -> Result<Option<Oid>> {
        let found = match std::str::from_utf8(name.as_bytes()) {
            Ok(text) => self.git.find_reference(text),
            // libgit2's binding takes text only, so a name that is none is looked for among all of them.
            Err(_) => match self.all_refs("refs/*")?.find(|found| found.name_bytes() == name.as_bytes()) {
                Some(found) => Ok(found),
                None => return Ok(None),
            },
        };
        match found.and_then(|found| found.resolve()) {
            Ok(found) => Ok(found.target().map(Oid::from_git).transpose()?),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(Error::git("read", name)(error)),
        }
    }

    fn symbolic_target(&self, name: &RefName) -> Result<Option<RefName>> {
        let Ok(text) = std::str::from_utf8(name.as_bytes()) else { return Ok(None) };
        let target = self.git.find_reference(text).ok();
        Ok(target.and_then(|found| RefName::new(found.symbolic_target_bytes()?).ok()))
    }

    fn list(&self, prefix: &str) -> Result<Vec<RefValue>> {
        let mut refs = Vec::new();
        for found in self.all_refs(&format!("{prefix}*"))? {
            let Ok(name) = RefName::new(found.name_bytes()) else { continue };
            let target = found.target().or_else(|| found.resolve().ok()?.target());
            let Some(oid) = target.and_then(|target| Oid::from_git(target).ok()) else { continue };
            if name.as_bytes().starts_with(prefix.as_bytes()) {
                refs.push(RefValue { name, oid });
            }
        }
        Ok(refs)
    }

    fn try_move(&self, name: &HiddenRef, expected: Expected, new: Option<Oid>, message: &str) -> Result<Attempt> {
        if new.is_none() && self.packed_lock().exists() && self.is_packed(name)? {
            return Ok(Attempt::Locked { path: self.packed_lock(), of_all: true });
        }
        let moved = match (expected, new) {
            (_, Some(new)) => self.set_ref(name, expected, new, message),
            (Expected::At(old), None) => self.delete_ref(name, old),
            (Expected::Absent, None) => self.is_absent(name),
        };
        match moved {
            // Of a ref that could not be taken out of `packed-refs`, for that was locked, libgit2 says the next time that it
            // is gone.
            Ok(true) if new.is_none() && self.is_packed(name)? => {
                Ok(Attempt::Locked { path: self.packed_lock(), of_all: true })
            }
            Ok(true) => self.sync_ref(name).map(|()| Attempt::Moved),
            Ok(false) => Ok(Attempt::Raced),
            Err(error) if error.code() == ErrorCode::Locked => {
                Ok(Attempt::locked(lock_beside(&self.ref_path(name)), error.message()))
            }
            Err(error) => Err(Error::git("move", name)(error)),
        }
    }

    fn head_log(&self, git_dir: &Path) -> Vec<LogLine> {
        reflog::of_head_in_files(git_dir)
    }

    fn forget_log(&self, name: &HiddenRef) -> Result<Attempt> {
        reflog::forget_in_files(self.git.commondir(), name)
    }
}

impl Libgit2 {
    /// Whether it could be done: the comparison happens under the ref's lock. (For libgit2, the zero id means that there
    /// must be no such ref; its own "do not overwrite" looks before it locks, and so two creators can both win.)
    fn set_ref(&self, name: &HiddenRef, expected: Expected, new: Oid, message: &str) -> Result<bool, git2::Error> {
        let id = |oid: Oid| git2::Oid::from_bytes(oid.as_bytes());
        let old = match expected {
            Expected::Absent => git2::Oid::ZERO_SHA1,
            Expected::At(old) => id(old)?,
        };
        match self.git.reference_matching(name.as_str(), id(new)?, true, old, message) {
            Ok(_) => Ok(true),
            Err(error) if is_race(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn delete_ref(&self, name: &HiddenRef, old: Oid) -> Result<bool, git2::Error> {
        let found = self.git.find_reference(name.as_str());
        match found {
            Ok(mut found) if found.target().is_some_and(|oid| oid.as_bytes() == old.as_bytes()) => {
                // Compares again under the lock.
                found.delete().map(|()| true).or_else(|error| if is_race(&error) { Ok(false) } else { Err(error) })
            }
            Ok(_) => Ok(false),
            Err(error) if is_race(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn is_absent(&self, name: &HiddenRef) -> Result<bool, git2::Error> {
        match self.git.find_reference(name.as_str()) {
            Ok(_) => Ok(false),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// libgit2 renames a ref into place without a sync: after a power cut it could be an empty file.
    fn sync_ref(&self, name: &HiddenRef) -> Result<()> {
        let path = self.ref_path(name);
        match File::open(&path).and_then(|file| file.sync_all()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("write", &path)(error)),
            // Gone again already, or packed by a `git gc`, which syncs.
            _ => Ok(()),
        }
    }

    /// Whether a ref has a line in `packed-refs`.
    fn is_packed(&self, name: &HiddenRef) -> Result<bool> {
        let path = self.git.commondir().join("packed-refs");
        match fs::read(&path) {
            Ok(packed) => Ok(memchr::memmem::find(&packed, format!(" {name}\n").as_bytes()).is_some()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("read", &path)(error)),
        }
    }

    fn packed_lock(&self) -> PathBuf {
        lock_beside(&self.git.commondir().join("packed-refs"))
    }

    fn ref_path(&self, name: &HiddenRef) -> PathBuf {
        self.git.commondir().join(name.as_str())
    }

    /// The refs that match a glob, in which `*` also matches slashes; those that do not parse are left out.
    fn all_refs(&self, glob: &str) -> Result<impl Iterator<Item = Reference<'_>>> {
        let refs = self.git.references_glob(glob).map_err(Error::git("list", glob))?;
        Ok(refs.filter_map(Result::ok))
    }
}

fn is_race(error: &git2::Error) -> bool {
    matches!(error.code(), ErrorCode::Modified | ErrorCode::Exists | ErrorCode::NotFound)
}
