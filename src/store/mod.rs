//! The local store: sessions that are registered on this machine, each under the digest of its text.
//!
//! In a repository they are in that repository, on `refs/opensession/local`; elsewhere in a bare repository of the
//! user's data folder. No push of this project ever names that ref. It is the same layout as in a ledger, so that a
//! session that is shared is not written a second time:
//!
//! ```text
//! sessions/<digest>.jsonl       canonical text, redacted
//! unredacted/<digest>.jsonl     canonical text as it came; it can be read here, and not be shared
//! ```
//!
//! Each registration is a commit without parents: what is removed from the store is gone with the next `git gc`.

mod places;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::git::{self, EntryKind, Expected, HiddenRef, NewCommit, Oid, Repo, TreeEditor, Update};
use crate::hail::{self, Digest, Snapshot, UnredactedSnapshot};
use crate::ledger::{Appender, LedgerPath, Sid};
use crate::redaction::Redactor;
use crate::uri::{ObjectName, Source};

pub use places::{Stores, cache_folder, data_folder};

/// The ref of the store, below `refs/opensession/`.
const TAIL: &str = "local";
/// The folder of what nobody may share.
const UNREDACTED: &str = "unredacted";
/// How often a lost race is run again. Each time somebody else got something done.
const TRIES: usize = 64;

/// The longest session that is registered, in bytes of canonical text: it is written, read and verified in one piece.
pub const LOCAL_LIMIT: u64 = 256 << 20;
/// The longest session that is shared, in bytes of canonical text. Forges warn of files above this, and refuse some.
pub const SHARE_LIMIT: u64 = 50 << 20;

/// The sessions registered in one repository.
#[derive(Clone, Copy)]
pub struct Store<'repo> {
    repo: &'repo Repo,
}

/// A registered session, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its canonical text: the one its name says.
    pub text: Vec<u8>,
    /// Whether secrets were taken out of it: only then can it be shared.
    pub redaction: Redaction,
}

/// Whether secrets were taken out of a session when it was registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redaction {
    /// They were.
    Applied,
    /// It is as it came.
    Skipped,
}

/// What came of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// It is there now, and durable.
    New,
    /// It was there already, and nothing was written.
    Known,
}

/// The store cannot do what is asked of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The repository.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// Something is there under that name, and it is something else.
    #[error("{} is damaged: {why}", Source::Local(*.name))]
    Damaged {
        /// The session.
        name: ObjectName,
        /// What is wrong with it.
        why: Damage,
    },
    /// Others were faster every time.
    #[error("the store is busy: others were faster {TRIES} times; try again")]
    Raced,
    /// There is no data folder.
    #[error("there is no home folder to keep sessions in, and this is no repository")]
    NoPlace,
}

/// What is wrong with a stored session.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// Its object cannot be read.
    #[error(transparent)]
    Object(git::Error),
    /// Its bytes have another digest than its name.
    #[error("what is stored under this name has the SHA-256 {found}")]
    Digest {
        /// The digest of what is there.
        found: Digest,
    },
}

impl<'repo> Store<'repo> {
    /// The store of a repository. It may be empty.
    pub fn of(repo: &'repo Repo) -> Self {
        Self { repo }
    }

    /// Registers a session.
    ///
    /// # Errors
    /// When it cannot be written, or the ref stays locked until the deadline.
    pub fn put(self, snapshot: &Snapshot, by: &Appender<'_>) -> Result<Registered, Error> {
        let (name, redaction) = (snapshot.digest().into(), Redaction::Applied);
        self.write(name, redaction, snapshot.text(), by)
    }

    /// Registers a session with all that is in it. It can be read here, and not be shared.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_unredacted(self, snapshot: &UnredactedSnapshot, by: &Appender<'_>) -> Result<Registered, Error> {
        let (name, redaction) = (snapshot.digest().into(), Redaction::Skipped);
        self.write(name, redaction, snapshot.text(), by)
    }

    /// A session by its name, held against it.
    ///
    /// # Errors
    /// [`Error::Damaged`] when what is there is not what the name says.
    pub fn get(self, name: ObjectName) -> Result<Option<Object>, Error> {
        let Some(tree) = self.tree()? else { return Ok(None) };
        for redaction in [Redaction::Applied, Redaction::Skipped] {
            let path = path(name, redaction);
            let Some(entry) = self.repo.lookup(tree, path.as_bytes())? else { continue };
            let damaged = |why| Error::Damaged { name, why };
            let text = self.repo.blob(entry.oid, LOCAL_LIMIT).map_err(|error| damaged(Damage::Object(error)))?;
            let found = Digest::of(&text);
            if ObjectName::from(found) != name {
                return Err(damaged(Damage::Digest { found }));
            }
            return Ok(Some(Object { text, redaction }));
        }
        Ok(None)
    }

    /// The names of all sessions in it, sorted. Nothing of them is read.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub fn names(self) -> Result<Vec<(ObjectName, Redaction)>, Error> {
        let mut names = self.entries()?;
        names.sort_by_key(|(name, _)| *name);
        names.dedup_by_key(|(name, _)| *name);
        Ok(names)
    }

    /// Everything in it. What was registered both ways is there twice.
    fn entries(self) -> Result<Vec<(ObjectName, Redaction)>, Error> {
        let Some(tree) = self.tree()? else { return Ok(Vec::new()) };
        let mut names = Vec::new();
        for redaction in [Redaction::Applied, Redaction::Skipped] {
            for entry in self.repo.list(tree, folder(redaction).as_bytes())? {
                let name = entry.name.strip_suffix(b".jsonl").and_then(|name| str::from_utf8(name).ok()?.parse().ok());
                names.extend(name.map(|name| (name, redaction)));
            }
        }
        Ok(names)
    }

    /// Which session each registered text is of, by its first line. One that does not say is passed over.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub fn sessions(self) -> Result<Vec<(Sid, ObjectName, Redaction)>, Error> {
        let Some(tree) = self.tree()? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for (name, redaction) in self.entries()? {
            let Some(entry) = self.repo.lookup(tree, path(name, redaction).as_bytes())? else { continue };
            let Ok(text) = self.repo.blob(entry.oid, LOCAL_LIMIT) else { continue };
            let Ok(reader) = hail::Reader::new(text.as_slice()) else { continue };
            found.push((Sid::of(reader.header()), name, redaction));
        }
        Ok(found)
    }

    /// What today's rules find in sessions that were redacted when they were registered: by older rules, then. Each with the
    /// text that is to be in its place.
    ///
    /// # Errors
    /// When the store cannot be listed. What cannot be read is passed over: whoever reads it is told.
    pub fn stale(self, redactor: &Redactor) -> Result<Vec<(ObjectName, Snapshot)>, Error> {
        let mut stale = Vec::new();
        for (name, _) in self.entries()?.into_iter().filter(|(_, redaction)| *redaction == Redaction::Applied) {
            let Ok(Some(object)) = self.get(name) else { continue };
            let Ok(snapshot) = Snapshot::read(object.text.as_slice(), redactor, LOCAL_LIMIT) else { continue };
            if !snapshot.findings().is_empty() && ObjectName::from(snapshot.digest()) != name {
                stale.push((name, snapshot));
            }
        }
        Ok(stale)
    }

    /// Puts a session, redacted again, in the place of one that was redacted by older rules. Its name is another one.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn replace(self, old: ObjectName, snapshot: &Snapshot, by: &Appender<'_>) -> Result<(), Error> {
        self.put(snapshot, by)?;
        self.take_out(|_, name, redaction| name == old && redaction == Redaction::Applied, by).map(drop)
    }

    /// Takes registered sessions out of the store, redacted or not. Gives how many there were. What is gone from the store
    /// is gone with the next `git gc`.
    ///
    /// # Errors
    /// When the store cannot be read or written, or the ref stays locked until the deadline.
    pub fn remove(self, sessions: &BTreeSet<Sid>, by: &Appender<'_>) -> Result<usize, Error> {
        if sessions.is_empty() {
            return Ok(0);
        }
        self.take_out(|sid, _, _| sessions.contains(&sid), by)
    }

    fn take_out(
        self,
        unwanted: impl Fn(Sid, ObjectName, Redaction) -> bool,
        by: &Appender<'_>,
    ) -> Result<usize, Error> {
        let hidden = HiddenRef::under(TAIL).map_err(git::Error::from)?;
        for _ in 0..TRIES {
            let Some(old) = self.repo.read_ref(hidden.name())? else { return Ok(0) };
            let mut editor = TreeEditor::new(self.repo, Some(self.repo.commit(old)?.tree));
            let mut removed = 0;
            let found = self.sessions()?.into_iter();
            for (_, name, redaction) in found.filter(|(sid, name, redaction)| unwanted(*sid, *name, *redaction)) {
                editor.remove(path(name, redaction).as_bytes())?;
                removed += 1;
            }
            if removed == 0 {
                self.repo.forget_reflog(&hidden, by.deadline)?;
                return Ok(0);
            }
            let mut batch = self.repo.batch();
            let tree = editor.write(&mut batch)?;
            let message = "opensession: purge\n";
            let commit = NewCommit { tree, parents: &[], author: by.signature, committer: by.signature, message };
            let new = batch.commit(&commit)?;
            batch.finish()?;
            if self.repo.update_ref(&hidden, Expected::At(old), Some(new), message, by.lock, by.deadline)?
                == Update::Moved
            {
                self.repo.forget_reflog(&hidden, by.deadline)?;
                return Ok(removed);
            }
        }
        Err(Error::Raced)
    }

    fn write(
        self,
        name: ObjectName,
        redaction: Redaction,
        text: &[u8],
        by: &Appender<'_>,
    ) -> Result<Registered, Error> {
        let hidden = HiddenRef::under(TAIL).map_err(git::Error::from)?;
        let path = path(name, redaction);
        for _ in 0..TRIES {
            let old = self.repo.read_ref(hidden.name())?;
            let tree = old.map(|tip| self.repo.commit(tip)).transpose()?.map(|commit| commit.tree);
            let mut batch = self.repo.batch();
            let blob = batch.blob(text)?;
            let mut editor = TreeEditor::new(self.repo, tree);
            if tree.is_some() && editor.get(path.as_bytes())? == Some((EntryKind::File, blob)) && self.repo.has(blob)? {
                return Ok(Registered::Known);
            }
            editor.insert(path.as_bytes(), EntryKind::File, blob)?;
            let tree = editor.write(&mut batch)?;
            let message = "opensession: registered\n";
            let commit = NewCommit { tree, parents: &[], author: by.signature, committer: by.signature, message };
            let new = batch.commit(&commit)?;
            batch.finish()?;
            match self.repo.update_ref(&hidden, Expected::from(old), Some(new), message, by.lock, by.deadline)? {
                Update::Moved => return Ok(Registered::New),
                Update::Raced => {}
            }
        }
        Err(Error::Raced)
    }

    fn tree(self) -> Result<Option<Oid>, Error> {
        let hidden = HiddenRef::under(TAIL).map_err(git::Error::from)?;
        let Some(tip) = self.repo.read_ref(hidden.name())? else { return Ok(None) };
        Ok(Some(self.repo.commit(tip)?.tree))
    }
}

fn folder(redaction: Redaction) -> String {
    match redaction {
        Redaction::Applied => LedgerPath::snapshots().to_owned(),
        Redaction::Skipped => UNREDACTED.to_owned(),
    }
}

fn path(name: ObjectName, redaction: Redaction) -> String {
    format!("{}/{name}.jsonl", folder(redaction))
}

impl From<Digest> for ObjectName {
    fn from(digest: Digest) -> Self {
        Self::new(*digest.as_bytes())
    }
}

impl From<ObjectName> for Digest {
    fn from(name: ObjectName) -> Self {
        Self::from(*name.as_bytes())
    }
}
