//! Artifacts and their aliases, on hidden refs.
//!
//! `refs/opensession/artifacts/<sha256>` points at a blob with the artifact's text, `refs/opensession/pins/<alias>` at
//! the blob of the artifact it is pinned to. Refs are written by anybody who can push: what a blob holds is believed only
//! if its digest is the one it is named for.

use std::time::{Duration, Instant};

use super::name::{artifact_ref, pin_ref};
use super::{Alias, Artifact, ArtifactId, BadArtifact, SIZE_LIMIT, Wanted};
use crate::git::{self, Expected, HiddenRef, ObjectKind, Oid, RefName, Repo, Update};
use crate::hail::Digest;

/// Where artifacts lie.
pub(super) const ARTIFACTS: &str = "refs/opensession/artifacts/";
/// Where pins lie.
pub(super) const PINS: &str = "refs/opensession/pins/";
/// Where what was fetched lies.
pub(super) const REMOTES: &str = "refs/opensession/remotes/";
/// How long a ref that somebody else has locked is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a pin that others move is tried.
const TRIES: usize = 8;
/// The shortest beginning of a digest.
const SHORTEST: usize = 4;

/// An alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The alias; with the remote in front (`origin/latest`), if it was fetched.
    pub name: String,
    /// The blob it points at.
    pub(super) blob: Oid,
    /// Whether it is one of this repository.
    pub is_local: bool,
}

/// An artifact that is here.
#[derive(Debug)]
pub struct Listed {
    /// Its name.
    pub id: ArtifactId,
    /// The aliases that are pinned to it.
    pub pins: Vec<String>,
    /// What is in it, or why that cannot be read.
    pub artifact: Result<Artifact, Error>,
}

/// What goes wrong with artifacts.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No artifact of that name.
    #[error("there is no artifact {asked:?} here")]
    Unknown {
        /// What was asked for.
        asked: String,
    },
    /// The beginning of several digests.
    #[error("{asked:?} is the beginning of {} artifacts", candidates.len())]
    Ambiguous {
        /// What was asked for.
        asked: String,
        /// All of them.
        candidates: Vec<ArtifactId>,
    },
    /// What is there has another digest. Nothing of it is given out.
    #[error("{id} does not hold what it is named for: its SHA-256 is {found}")]
    Mismatch {
        /// The name.
        id: ArtifactId,
        /// The digest of what is there.
        found: Digest,
    },
    /// What is there is too large, or no file.
    #[error("{name} holds no artifact: {why}")]
    NotOne {
        /// The ref.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// What is there is what it is named for, and no artifact.
    #[error("{id} cannot be read: {why}")]
    Bad {
        /// The name.
        id: ArtifactId,
        /// Why.
        why: BadArtifact,
    },
    /// It would not be read again.
    #[error("a handoff of {size} bytes is larger than any that is read ({SIZE_LIMIT})")]
    TooLarge {
        /// Its size.
        size: u64,
    },
    /// It is pinned.
    #[error("{id} is pinned as {}", aliases.join(", "))]
    Pinned {
        /// The name.
        id: ArtifactId,
        /// The aliases.
        aliases: Vec<String>,
    },
    /// There is no such pin.
    #[error("nothing is pinned as {alias}")]
    NoPin {
        /// The alias.
        alias: Alias,
    },
    /// Somebody else moves the ref all the time.
    #[error("{name} was moved by somebody else at the same time")]
    Raced {
        /// The ref.
        name: String,
    },
    /// The repository.
    #[error(transparent)]
    Git(#[from] git::Error),
}

impl From<git::BadName> for Error {
    fn from(error: git::BadName) -> Self {
        Self::Git(error.into())
    }
}

/// The artifacts of a repository.
pub struct Store<'repo> {
    pub(super) repo: &'repo Repo,
}

impl<'repo> Store<'repo> {
    /// Those of this repository.
    pub fn new(repo: &'repo Repo) -> Self {
        Self { repo }
    }

    /// Keeps an artifact. One that is there already is not written again.
    ///
    /// # Errors
    /// When it cannot be written, or something else lies under its name.
    pub fn put(&self, artifact: &Artifact) -> Result<ArtifactId, Error> {
        let text = artifact.to_text();
        let size = text.len() as u64;
        if size > SIZE_LIMIT {
            return Err(Error::TooLarge { size });
        }
        let id = artifact.id();
        let mut batch = self.repo.batch();
        let blob = batch.blob(text)?;
        batch.finish()?;
        self.adopt(id, blob)?;
        Ok(id)
    }

    /// Gives a blob the name of an artifact.
    pub(super) fn adopt(&self, id: ArtifactId, blob: Oid) -> Result<bool, Error> {
        let name = artifact_ref(id)?;
        match self.repo.read_ref(name.name())? {
            Some(there) if there == blob => return Ok(false),
            // Under its name is something else: what is named for its content is put right.
            seen => self.set(&name, seen.into(), Some(blob), "artifact")?,
        }
        Ok(true)
    }

    fn set(&self, name: &HiddenRef, expected: Expected, new: Option<Oid>, why: &str) -> Result<(), Error> {
        match self.repo.update_ref(name, expected, new, &format!("opensession: {why}"), None, deadline())? {
            Update::Moved => Ok(()),
            Update::Raced if new.is_some() && self.repo.read_ref(name.name())? == new => Ok(()),
            Update::Raced => Err(Error::Raced { name: name.to_string() }),
        }
    }

    /// The text of an artifact, held against its name.
    ///
    /// # Errors
    /// When it is not here, or not what it is named for.
    pub fn text(&self, id: ArtifactId) -> Result<String, Error> {
        let bytes = self.bytes(artifact_ref(id)?.as_str(), self.blob_of(id)?)?;
        let found = Digest::of(&bytes);
        if found != id.0 {
            return Err(Error::Mismatch { id, found });
        }
        String::from_utf8(bytes).map_err(|_| Error::Bad { id, why: BadArtifact::Line { line: 1 } })
    }

    /// The blob that has the name of an artifact.
    pub(super) fn blob_of(&self, id: ArtifactId) -> Result<Oid, Error> {
        let blob = match self.repo.read_ref(artifact_ref(id)?.name())? {
            Some(blob) => Some(blob),
            // Removed here, and still pinned over there.
            None => self.pins()?.into_iter().map(|pin| pin.blob).find(|blob| self.id_of(*blob).ok() == Some(id)),
        };
        blob.ok_or_else(|| Error::Unknown { asked: id.to_string() })
    }

    /// An artifact, held against its name.
    ///
    /// # Errors
    /// As [`Store::text`]; when it is of another version.
    pub fn get(&self, id: ArtifactId) -> Result<Artifact, Error> {
        Artifact::parse(&self.text(id)?).map_err(|why| Error::Bad { id, why })
    }

    /// The bytes of a blob that a ref points at, if they are not too many.
    pub(super) fn bytes(&self, name: &str, blob: Oid) -> Result<Vec<u8>, Error> {
        let not_one = |why| Error::NotOne { name: name.to_owned(), why };
        let header = self.repo.header(blob)?;
        if header.kind != ObjectKind::Blob {
            return Err(not_one("it points at no file"));
        }
        if header.size > SIZE_LIMIT {
            return Err(not_one("it is larger than any artifact"));
        }
        Ok(self.repo.blob(blob, SIZE_LIMIT)?)
    }

    /// The name of what a blob holds.
    pub(super) fn id_of(&self, blob: Oid) -> Result<ArtifactId, Error> {
        Ok(ArtifactId(Digest::of(&self.bytes(&blob.to_string(), blob)?)))
    }

    /// The names of all artifacts, sorted.
    ///
    /// # Errors
    /// When the refs cannot be listed.
    pub fn ids(&self) -> Result<Vec<ArtifactId>, Error> {
        let refs = self.repo.refs(ARTIFACTS)?;
        Ok(refs.iter().filter_map(|found| tail(&found.name, ARTIFACTS)?.parse().ok()).collect())
    }

    /// All pins, those of this repository first.
    ///
    /// # Errors
    /// When the refs cannot be listed.
    pub fn pins(&self) -> Result<Vec<Pin>, Error> {
        let mut pins = Vec::new();
        for found in self.repo.refs(PINS)? {
            let alias = tail(&found.name, PINS).filter(|alias| alias.parse::<Alias>().is_ok());
            pins.extend(alias.map(|alias| Pin { name: alias.to_owned(), blob: found.oid, is_local: true }));
        }
        for found in self.repo.refs(REMOTES)? {
            let parts = tail(&found.name, REMOTES).and_then(|tail| tail.split_once("/pins/"));
            let Some((remote, alias)) = parts.filter(|(_, alias)| alias.parse::<Alias>().is_ok()) else { continue };
            pins.push(Pin { name: format!("{remote}/{alias}"), blob: found.oid, is_local: false });
        }
        Ok(pins)
    }

    /// Every artifact that is here, by its name.
    ///
    /// # Errors
    /// When the refs cannot be listed.
    pub fn list(&self) -> Result<Vec<Listed>, Error> {
        let mut pinned: Vec<(ArtifactId, String)> = Vec::new();
        for pin in self.pins()? {
            pinned.extend(self.id_of(pin.blob).ok().map(|id| (id, pin.name)));
        }
        let mut ids = self.ids()?;
        ids.extend(pinned.iter().map(|(id, _)| *id));
        ids.sort();
        ids.dedup();
        let listed = ids.into_iter().map(|id| {
            let pins = pinned.iter().filter(|(pinned, _)| *pinned == id).map(|(_, name)| name.clone()).collect();
            Listed { id, pins, artifact: self.get(id) }
        });
        Ok(listed.collect())
    }

    /// The name of what somebody calls.
    ///
    /// # Errors
    /// When it is not here, or several are called so.
    pub fn find(&self, asked: &str) -> Result<ArtifactId, Error> {
        let (text, alias) = match Wanted::of(asked) {
            Wanted::Id(id) => return Ok(id),
            Wanted::Name { text, alias } => (text, alias),
        };
        let pins = self.pins()?;
        let unknown = || Error::Unknown { asked: asked.to_owned() };
        let local = pins.iter().find(|pin| pin.name == text);
        let fetched = || alias.is_some().then(|| pins.iter().filter(|pin| pin.name.ends_with(&format!("/{text}"))));
        if let Some(pin) = local {
            return self.id_of(pin.blob);
        }
        if let Some(mut fetched) = fetched()
            && let (Some(pin), None) = (fetched.next(), fetched.next())
        {
            return self.id_of(pin.blob);
        }
        if text.len() < SHORTEST || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(unknown());
        }
        let beginning = text.to_ascii_lowercase();
        let begins = |id: &ArtifactId| id.0.to_string().starts_with(&beginning);
        let candidates: Vec<ArtifactId> = self.ids()?.into_iter().filter(begins).collect();
        match candidates.as_slice() {
            [] => Err(unknown()),
            [only] => Ok(*only),
            _ => Err(Error::Ambiguous { asked: asked.to_owned(), candidates }),
        }
    }

    /// Pins an alias to an artifact that is here, wherever it was pinned before. What it was pinned to, if that was another.
    ///
    /// # Errors
    /// When the artifact cannot be read.
    pub fn pin(&self, alias: &Alias, id: ArtifactId) -> Result<Option<ArtifactId>, Error> {
        let text = self.text(id)?;
        let mut batch = self.repo.batch();
        let blob = batch.blob(text)?;
        batch.finish()?;
        let name = pin_ref(alias)?;
        for _ in 0..TRIES {
            let seen = self.repo.read_ref(name.name())?;
            if seen == Some(blob) {
                return Ok(None);
            }
            match self.set(&name, seen.into(), Some(blob), "pin") {
                Err(Error::Raced { .. }) => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(seen.and_then(|seen| self.id_of(seen).ok())),
            }
        }
        Err(Error::Raced { name: name.to_string() })
    }

    /// Takes an alias away. What it was pinned to, as far as that can be told.
    ///
    /// # Errors
    /// When there is none.
    pub fn unpin(&self, alias: &Alias) -> Result<Option<ArtifactId>, Error> {
        let name = pin_ref(alias)?;
        let seen = self.repo.read_ref(name.name())?;
        let seen = seen.ok_or_else(|| Error::NoPin { alias: alias.clone() })?;
        let id = self.id_of(seen).ok();
        self.set(&name, Expected::At(seen), None, "unpin")?;
        Ok(id)
    }

    /// Removes an artifact that nobody here has pinned.
    ///
    /// # Errors
    /// When it is pinned, or not here.
    pub fn remove(&self, id: ArtifactId) -> Result<(), Error> {
        let name = artifact_ref(id)?;
        let seen = self.repo.read_ref(name.name())?.ok_or_else(|| Error::Unknown { asked: id.to_string() })?;
        let pins = self.pins()?.into_iter().filter(|pin| pin.is_local && pin.blob == seen);
        let aliases: Vec<String> = pins.map(|pin| pin.name).collect();
        if !aliases.is_empty() {
            return Err(Error::Pinned { id, aliases });
        }
        self.set(&name, Expected::At(seen), None, "remove")
    }
}

/// How long a ref may be waited for, from now on.
pub(super) fn deadline() -> Instant {
    Instant::now() + PATIENCE
}

/// What follows a prefix in the name of a ref.
pub(super) fn tail<'n>(name: &'n RefName, prefix: &str) -> Option<&'n str> {
    str::from_utf8(name.as_bytes()).ok()?.strip_prefix(prefix)
}
