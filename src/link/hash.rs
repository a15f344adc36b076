//! Paths and lines as numbers.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Component, Path};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// The hash of a path from the root of a repository, or of the root of a worktree itself.
///
/// Like all hashes here it means something to this build only: what is stored is dropped when the version changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathHash(u64);

/// A number, or where nobody reads it, its eight bytes: as digits of base 128 a hash takes longer to read.
impl Serialize for PathHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let human = serializer.is_human_readable();
        if human { serializer.serialize_u64(self.0) } else { serializer.serialize_bytes(&self.0.to_le_bytes()) }
    }
}

impl<'de> Deserialize<'de> for PathHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return u64::deserialize(deserializer).map(Self);
        }
        let bytes = <&[u8]>::deserialize(deserializer)?.try_into().map_err(de::Error::custom)?;
        Ok(Self(u64::from_le_bytes(bytes)))
    }
}

impl PathHash {
    /// Of a path as git spells it: bytes, parts joined by `/`.
    pub fn of(path: &[u8]) -> Self {
        Self(hash(path))
    }

    /// Of a path of this machine, as git would spell it.
    pub fn of_path(path: &Path) -> Self {
        let mut bytes = Vec::with_capacity(path.as_os_str().len());
        for part in path.components() {
            if !bytes.is_empty() && bytes != b"/" {
                bytes.push(b'/');
            }
            match part {
                Component::RootDir => bytes.push(b'/'),
                part => bytes.extend_from_slice(part.as_os_str().as_encoded_bytes()),
            }
        }
        Self::of(&bytes)
    }

    /// Of a path as it is spelled, for telling files of this machine apart.
    pub fn of_name(path: &Path) -> Self {
        Self::of(path.as_os_str().as_encoded_bytes())
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// From the number, as it was stored.
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// The hash of a line of text without the space around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineHash(u64);

impl LineHash {
    /// Of a line; `None` if it is blank.
    pub fn of(line: &str) -> Option<Self> {
        let line = line.trim();
        (!line.is_empty()).then(|| Self(hash(line.as_bytes())))
    }
}

/// Whether a line says something about who wrote it: `}`, `else {` and `return;` do not.
pub fn is_telling(line: &str) -> bool {
    line.trim().len() >= 8 && line.chars().filter(|c| c.is_alphanumeric()).take(5).count() == 5
}

/// Lines, as a set of hashes. Stored sorted, as base64 of 8 bytes each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineSet(HashSet<u64>);

impl LineSet {
    /// Adds a line; says whether it is new.
    pub fn insert(&mut self, line: LineHash) -> bool {
        self.0.insert(line.0)
    }

    /// Whether the line is there.
    pub fn contains(&self, line: LineHash) -> bool {
        self.0.contains(&line.0)
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for LineSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut lines: Vec<u64> = self.0.iter().copied().collect();
        lines.sort_unstable();
        let bytes: Vec<u8> = lines.into_iter().flat_map(u64::to_le_bytes).collect();
        serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for LineSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text.as_bytes()).map_err(de::Error::custom)?;
        let (lines, []) = bytes.as_chunks::<8>() else { return Err(de::Error::custom("not hashes of 8 bytes each")) };
        Ok(Self(lines.iter().map(|line| u64::from_le_bytes(*line)).collect()))
    }
}

fn hash(bytes: &[u8]) -> u64 {
    // Fixed keys: the same bytes have the same hash in every run.
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_this_machine_is_hashed_as_git_spells_it() {
        assert_eq!(PathHash::of_path(Path::new("src/a/../b.rs")), PathHash::of(b"src/a/../b.rs"));
        assert_eq!(PathHash::of_path(Path::new("/w/x/")), PathHash::of(b"/w/x"));
        assert_ne!(PathHash::of_path(Path::new("a/b")), PathHash::of_path(Path::new("ab")));
    }

    #[test]
    fn space_around_a_line_does_not_matter_and_blank_lines_are_none() {
        assert_eq!(LineHash::of("  let x = 1;\r"), LineHash::of("let x = 1;"));
        assert_ne!(LineHash::of("let x = 1;"), LineHash::of("let x = 2;"));
        assert_eq!(LineHash::of(" \t\r"), None);
    }

    #[test]
    fn braces_and_bare_keywords_tell_nothing() {
        for dull in ["}", "});", "else {", "return;", "    }", "", "/*******/", "// ----"] {
            assert!(!is_telling(dull), "{dull:?}");
        }
        for telling in ["let x = 1;", "import os, sys", "    def run(self):", "größer = 2"] {
            assert!(is_telling(telling), "{telling:?}");
        }
    }

    #[test]
    fn a_stored_set_is_the_same_set_and_has_one_spelling() {
        let lines = ["one line", "another line", "a third"].map(|line| LineHash::of(line).expect("not blank"));
        let (mut set, mut reversed) = (LineSet::default(), LineSet::default());
        for (line, other) in lines.iter().zip(lines.iter().rev()) {
            set.insert(*line);
            reversed.insert(*other);
        }
        let stored = serde_json::to_string(&set).expect("a set can be stored");
        assert_eq!(stored, serde_json::to_string(&reversed).expect("a set can be stored"));
        assert_eq!(serde_json::from_str::<LineSet>(&stored).expect("and read"), set);
        assert!(serde_json::from_str::<LineSet>("\"AAAA\"").is_err(), "three bytes are no hash");
    }
}
