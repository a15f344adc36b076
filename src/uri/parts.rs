//! The parts of an address: a digest, a ref, a path.

use std::fmt;
use std::str::FromStr;

use super::{BadUri, percent};

/// The name of an object: the SHA-256 of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName([u8; 32]);

impl ObjectName {
    /// From the 32 bytes of a SHA-256.
    pub fn new(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ObjectName {
    type Err = BadUri;

    fn from_str(text: &str) -> Result<Self, BadUri> {
        let bad = || BadUri::part("name", "is not a SHA-256 of 64 hex digits");
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return Err(bad());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let digits = pair.iter().all(u8::is_ascii_hexdigit).then_some(pair).ok_or_else(bad)?;
            let digits = str::from_utf8(digits).map_err(|_| bad())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| bad())?;
        }
        Ok(Self(bytes))
    }
}

/// What a remote calls the tip that a file is on: a full ref name, a branch, a commit id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference(String);

impl Reference {
    /// The name as git knows it.
    ///
    /// # Errors
    /// When git-check-ref-format(1) would refuse it, or a command could take it for something else.
    pub fn new(name: &str) -> Result<Self, BadUri> {
        let bad = |why| Err(BadUri::part("ref", why));
        if name.is_empty() || name.len() > 1024 {
            return bad("is empty, or longer than 1024 bytes");
        }
        if name.contains(|c: char| c.is_control() || " ~^:?*[\\".contains(c)) || name == "@" {
            return bad("has a character that no ref may have");
        }
        let is_good = |part: &str| {
            !part.is_empty()
                && !part.starts_with(['.', '-'])
                && !part.ends_with('.')
                && part.strip_suffix(".lock").is_none()
        };
        if name.contains("..") || name.contains("@{") || !name.split('/').all(is_good) {
            return bad("is not the name of a ref");
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The path of a file in a tree. Prints itself percent-encoded, as it stands in an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourcePath(Vec<String>);

impl SourcePath {
    /// A path, its parts joined by `/`.
    ///
    /// # Errors
    /// When a part is empty, `.` or `..`, or has control characters.
    pub fn new(path: &str) -> Result<Self, BadUri> {
        Self::of_parts(path.split('/').map(str::to_owned).collect())
    }

    pub(super) fn of_parts(parts: Vec<String>) -> Result<Self, BadUri> {
        let is_good = |part: &String| {
            !matches!(part.as_str(), "" | "." | "..") && !part.contains(|c: char| c.is_control() || c == '/')
        };
        if parts.is_empty() || !parts.iter().all(is_good) {
            return Err(BadUri::part("path", "is not the path of a file in a tree"));
        }
        Ok(Self(parts))
    }

    /// The path as it is in a tree.
    pub fn in_tree(&self) -> String {
        self.0.join("/")
    }

    /// The name of the file.
    pub fn file(&self) -> &str {
        self.0.last().map(String::as_str).unwrap_or_default()
    }
}

impl fmt::Display for SourcePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(|part| percent::encode(part)).collect();
        f.write_str(&parts.join("/"))
    }
}
