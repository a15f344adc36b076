//! What object ids are made with: SHA-1, or SHA-256 (`git init --object-format=sha256`).

use sha1::{Digest, Sha1};
use sha2::Sha256;

use super::{Error, ObjectKind, Oid, Result};

/// What ids and checksums are made with in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectFormat {
    /// SHA-1: 40 hex digits.
    Sha1,
    /// SHA-256: 64 hex digits.
    Sha256,
}

impl ObjectFormat {
    /// The id of an object. SHA-1 is libgit2's, which detects made collisions.
    pub(super) fn hash_object(self, kind: ObjectKind, content: &[u8]) -> Result<Oid> {
        match self {
            Self::Sha1 => {
                let oid = git2::Oid::hash_object(kind.to_git(), content).map_err(Error::git("hash", "an object"))?;
                Ok(Oid::from_git(oid)?)
            }
            Self::Sha256 => {
                let mut hash = Sha256::new();
                hash.update(format!("{} {}\0", kind.as_str(), content.len()));
                hash.update(content);
                Ok(Oid::from_bytes(&hash.finalize())?)
            }
        }
    }

    /// Whether an id is one of this format.
    pub(super) fn is_of(self, oid: Oid) -> bool {
        oid.as_bytes().len() == self.id_length()
    }

    /// The bytes of an id.
    fn id_length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

/// A running checksum, as packs and their indexes end in one.
pub(super) enum Checksum {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Checksum {
    pub fn new(format: ObjectFormat) -> Self {
        match format {
            ObjectFormat::Sha1 => Self::Sha1(Sha1::new()),
            ObjectFormat::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hash) => hash.update(bytes),
            Self::Sha256(hash) => hash.update(bytes),
        }
    }

    /// The checksum of what went in so far.
    pub fn value(&self) -> Vec<u8> {
        match self {
            Self::Sha1(hash) => hash.clone().finalize().to_vec(),
            Self::Sha256(hash) => hash.clone().finalize().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_that_git_documents() {
        // git hash-object -t tree /dev/null, in a repository of either format; printf abc | git hash-object --stdin
        for (format, kind, content, id) in [
            (ObjectFormat::Sha1, ObjectKind::Tree, "", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"),
            (
                ObjectFormat::Sha256,
                ObjectKind::Tree,
                "",
                "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
            ),
            (ObjectFormat::Sha1, ObjectKind::Blob, "abc", "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f"),
            (
                ObjectFormat::Sha256,
                ObjectKind::Blob,
                "abc",
                "c1cf6e465077930e88dc5136641d402f72a229ddd996f627d60e9639eaba35a6",
            ),
        ] {
            let oid = format.hash_object(kind, content.as_bytes()).unwrap();
            assert_eq!(oid.to_string(), id);
            assert!(format.is_of(oid));
        }
    }
}
