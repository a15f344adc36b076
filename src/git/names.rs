//! Names that cannot be taken for one another: an object, a ref, a hidden ref, a branch.
//!
//! ```compile_fail
//! use git_opensession::git::{BranchName, RefName};
//! fn read(name: &RefName) {}
//! read(&BranchName::new("main").unwrap()); // a branch is not a ref
//! ```
//!
//! ```
//! use git_opensession::git::{BranchName, HiddenRef, RefName};
//! let branch = BranchName::new("feature/x")?;
//! assert_eq!(branch.to_ref(), RefName::new("refs/heads/feature/x")?);
//! assert!(HiddenRef::new(branch.to_ref()).is_err(), "a user's branch is never written");
//! # Ok::<(), git_opensession::git::BadName>(())
//! ```

use std::fmt;
use std::str::FromStr;

const HEADS: &[u8] = b"refs/heads/";
const OURS: &[u8] = b"refs/opensession/";
const OUR_HEADS: &[u8] = b"refs/heads/opensession/";
const OUR_NOTES: &[u8] = b"refs/notes/opensession";

/// The id of an object: 20 bytes (SHA-1) or 32 bytes (SHA-256), never all zeros.
///
/// Where git writes forty zeros for "there is none", this library has `Option<Oid>`.
///
/// ```
/// use git_opensession::git::Oid;
/// let oid: Oid = "4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse()?;
/// assert_eq!(oid.to_string(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
/// assert_eq!(Oid::from_hex_or_zero("0000000000000000000000000000000000000000")?, None);
/// # Ok::<(), git_opensession::git::BadName>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(Raw);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Raw {
    Sha1([u8; 20]),
    Sha256([u8; 32]),
}

/// The first hex digits of an object id, as a user types them: 4 to 64 of them, in any letter case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidPrefix(String);

/// The full name of a ref (`refs/heads/main`, `HEAD`): exact bytes, valid by the rules of
/// git-check-ref-format(1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefName(Vec<u8>);

/// A ref this project may write: one under `refs/opensession/`, or `refs/notes/opensession`.
/// No other ref can be moved through this library, and so no branch of a user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HiddenRef(RefName);

/// A ref of this project at a remote: a [`HiddenRef`]; or, for a host that takes branches and tags only,
/// `refs/heads/opensession/branches/<name>`, `refs/heads/opensession/inbox/<name>/<name>` or
/// `refs/heads/opensession/notes`. Nothing else can be pushed through this library, and so no branch of a user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnRef(RefName);

/// The name of a branch (`main`, `feature/x`): exact bytes, and not a ref.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchName(Vec<u8>);

/// A text that is not the name it should be. Quoted lossily, control characters escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Neither 40 nor 64 hex digits, or all zeros.
    #[error("not an object id: {0:?}")]
    Oid(String),
    /// Not 4 to 64 hex digits.
    #[error("not the beginning of an object id: {0:?}")]
    OidPrefix(String),
    /// Not a valid ref name.
    #[error("not a ref name: {0:?}")]
    Ref(String),
    /// Not a ref of this project.
    #[error("not a ref of git-opensession, so it is never written: {0:?}")]
    NotHidden(String),
    /// Not a valid branch name.
    #[error("not a branch name: {0:?}")]
    Branch(String),
}

impl Oid {
    /// From 20 or 32 raw bytes.
    ///
    /// # Errors
    /// Another length, or all zeros.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadName> {
        let bad = || BadName::Oid(hex(bytes));
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(bad());
        }
        if let Ok(sha1) = bytes.try_into() {
            Ok(Self(Raw::Sha1(sha1)))
        } else {
            Ok(Self(Raw::Sha256(bytes.try_into().map_err(|_| bad())?)))
        }
    }

    /// The raw bytes, 20 or 32 of them.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Raw::Sha1(bytes) => bytes,
            Raw::Sha256(bytes) => bytes,
        }
    }

    /// An id as git writes it to hooks: `None` for its all-zero id, "there is none".
    ///
    /// # Errors
    /// Neither 40 nor 64 hex digits.
    pub fn from_hex_or_zero(hex: &str) -> Result<Option<Self>, BadName> {
        if matches!(hex.len(), 40 | 64) && hex.bytes().all(|digit| digit == b'0') {
            return Ok(None);
        }
        hex.parse().map(Some)
    }

    /// Whether the id begins with these hex digits.
    pub fn starts_with(&self, prefix: &OidPrefix) -> bool {
        self.to_string().starts_with(&prefix.0)
    }

    /// For libgit2; an id of SHA-256 is none of an object that it could have.
    pub(super) fn to_git(self) -> Result<git2::Oid, super::Error> {
        git2::Oid::from_bytes(self.as_bytes()).map_err(|_| super::Error::Missing(self))
    }

    pub(super) fn from_git(oid: git2::Oid) -> Result<Self, BadName> {
        Self::from_bytes(oid.as_bytes())
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self.as_bytes()))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Oid {
    type Err = BadName;

    fn from_str(hex: &str) -> Result<Self, BadName> {
        let bad = || BadName::Oid(quotable(hex.as_bytes()));
        let digits: Vec<u32> = hex.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>().ok_or_else(bad)?;
        if !matches!(digits.len(), 40 | 64) {
            return Err(bad());
        }
        let bytes: Vec<u8> = digits
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[high, low]| u8::try_from(high * 16 + low).map_err(|_| bad()))
            .collect::<Result<_, _>>()?;
        Self::from_bytes(&bytes).map_err(|_| bad())
    }
}

impl OidPrefix {
    /// The digits, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OidPrefix {
    type Err = BadName;

    fn from_str(hex: &str) -> Result<Self, BadName> {
        if (4..=64).contains(&hex.len()) && hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            Ok(Self(hex.to_ascii_lowercase()))
        } else {
            Err(BadName::OidPrefix(quotable(hex.as_bytes())))
        }
    }
}

impl RefName {
    /// A full ref name: `refs/...`, or a name of capitals and underscores such as `HEAD`.
    ///
    /// # Errors
    /// git-check-ref-format(1) would refuse it.
    pub fn new(name: impl AsRef<[u8]>) -> Result<Self, BadName> {
        let name = name.as_ref();
        let top_level = || !name.is_empty() && name.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
        if (name.contains(&b'/') && well_formed(name)) || top_level() {
            Ok(Self(name.to_vec()))
        } else {
            Err(BadName::Ref(quotable(name)))
        }
    }

    /// `HEAD`.
    pub fn head() -> Self {
        Self(b"HEAD".to_vec())
    }

    /// The exact bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The branch, if this is a ref under `refs/heads/`.
    pub fn branch(&self) -> Option<BranchName> {
        self.0.strip_prefix(HEADS).map(|name| BranchName(name.to_vec()))
    }
}

impl OwnRef {
    /// The ref as one that may be pushed.
    ///
    /// # Errors
    /// It is none of this project.
    pub fn new(name: RefName) -> Result<Self, BadName> {
        if let Ok(HiddenRef(name)) = HiddenRef::new(name.clone()) {
            return Ok(Self(name));
        }
        let plain =
            |part: &&[u8]| part.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        let below = name.0.strip_prefix(OUR_HEADS).unwrap_or_default();
        let parts: Vec<&[u8]> = below.split(|byte| *byte == b'/').collect();
        match parts.as_slice() {
            [b"notes"] => Ok(Self(name)),
            [b"branches", key] if plain(key) => Ok(Self(name)),
            [b"inbox", key, commit] if plain(key) && plain(commit) => Ok(Self(name)),
            _ => Err(BadName::NotHidden(quotable(&name.0))),
        }
    }
}

impl From<HiddenRef> for OwnRef {
    fn from(HiddenRef(name): HiddenRef) -> Self {
        Self(name)
    }
}

impl fmt::Display for OwnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl HiddenRef {
    /// The ref as one this project may write.
    ///
    /// # Errors
    /// It is not under `refs/opensession/` and not `refs/notes/opensession`, or not UTF-8.
    pub fn new(name: RefName) -> Result<Self, BadName> {
        let ours = name.0.starts_with(OURS) || name.0 == OUR_NOTES;
        if ours && std::str::from_utf8(&name.0).is_ok() {
            Ok(Self(name))
        } else {
            Err(BadName::NotHidden(quotable(&name.0)))
        }
    }

    /// `refs/opensession/<tail>`.
    ///
    /// # Errors
    /// The tail does not make a valid ref name.
    pub fn under(tail: &str) -> Result<Self, BadName> {
        Self::new(RefName::new(format!("refs/opensession/{tail}"))?)
    }

    /// The full name.
    pub fn as_str(&self) -> &str {
        // It is UTF-8 since it was made.
        std::str::from_utf8(&self.0.0).unwrap_or_default()
    }

    /// The name, for reading.
    pub fn name(&self) -> &RefName {
        &self.0
    }
}

impl BranchName {
    /// A branch name. One that begins with `-` is allowed: it can exist, and nothing here is ever parsed as an option.
    ///
    /// # Errors
    /// `refs/heads/<name>` is not a valid ref name.
    pub fn new(name: impl AsRef<[u8]>) -> Result<Self, BadName> {
        let name = name.as_ref();
        if RefName::new([HEADS, name].concat()).is_ok() {
            Ok(Self(name.to_vec()))
        } else {
            Err(BadName::Branch(quotable(name)))
        }
    }

    /// The exact bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// `refs/heads/<name>`.
    pub fn to_ref(&self) -> RefName {
        RefName([HEADS, &self.0].concat())
    }

    /// `refs/remotes/<remote>/<name>`.
    ///
    /// # Errors
    /// The remote's name cannot be part of a ref (a URL, say).
    pub fn tracking_ref(&self, remote: &str) -> Result<RefName, BadName> {
        RefName::new([b"refs/remotes/", remote.as_bytes(), b"/", &self.0].concat())
    }
}

/// The rules of git-check-ref-format(1) for a name with or without slashes.
fn well_formed(name: &[u8]) -> bool {
    let part = |part: &[u8]| !part.is_empty() && !part.starts_with(b".") && !part.ends_with(b".lock");
    let byte = |byte: &u8| !(*byte <= b' ' || *byte == 0x7f || b"~^:?*[\\".contains(byte));
    let pair = |pair: &[u8]| pair != b".." && pair != b"@{";
    name.split(|byte| *byte == b'/').all(part)
        && name.iter().all(byte)
        && name.windows(2).all(pair)
        && !name.ends_with(b".")
        && name != b"@"
}

/// Bytes as hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes as text for an error, cut to a length one can read.
fn quotable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(200).collect()
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Display for HiddenRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_branch_of_a_user_can_be_pushed() {
        let own = |name: &str| RefName::new(name).and_then(OwnRef::new).is_ok();
        for name in [
            "refs/opensession/branches/eA",
            "refs/notes/opensession",
            "refs/heads/opensession/branches/bWFpbg",
            "refs/heads/opensession/inbox/bWFpbg/1234",
        ] {
            assert!(own(name), "{name}");
        }
        for name in [
            "refs/heads/main",
            "refs/heads/opensession",
            "refs/heads/opensession/x",
            "refs/heads/opensession/branches/a/b",
            "refs/heads/opensession/branches/a b",
            "refs/heads/opensession/inbox/a",
            "refs/heads/opensessions/branches/a",
            "refs/tags/opensession/branches/a",
            "refs/notes/commits",
        ] {
            assert!(!own(name), "{name}");
        }
    }

    #[test]
    fn an_oid_is_forty_or_sixty_four_digits_and_never_zero() {
        let hex = "0123456789abcdef0123456789abcdef01234567";
        let oid: Oid = hex.to_uppercase().parse().unwrap();
        assert_eq!(oid.to_string(), hex);
        assert_eq!(Oid::from_bytes(oid.as_bytes()).unwrap(), oid);
        let long: Oid = "ab".repeat(32).parse().unwrap();
        assert_eq!(long.as_bytes().len(), 32);
        for bad in ["", "abc", &hex[1..], &"0".repeat(40), &"0".repeat(64), &"g".repeat(40), &"é".repeat(20)] {
            assert!(bad.parse::<Oid>().is_err(), "{bad:?}");
        }
        assert_eq!(Oid::from_hex_or_zero(&"0".repeat(64)).unwrap(), None);
        assert_eq!(Oid::from_hex_or_zero(hex).unwrap(), Some(oid));
        assert!(Oid::from_hex_or_zero("0000").is_err());
    }

    #[test]
    fn a_prefix_matches_in_any_letter_case_and_has_at_least_four_digits() {
        let oid: Oid = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
        assert!(oid.starts_with(&"0123456789ABC".parse().unwrap()));
        assert!(!oid.starts_with(&"0124".parse().unwrap()));
        assert!("012".parse::<OidPrefix>().is_err());
        assert!("HEAD".parse::<OidPrefix>().is_err());
        assert!("a".repeat(65).parse::<OidPrefix>().is_err());
    }

    #[test]
    fn ref_names_follow_the_rules_of_check_ref_format() {
        for good in ["refs/heads/main", "HEAD", "FETCH_HEAD", "refs/heads/-x", "refs/heads/a@b", "refs/heads/grün"] {
            assert!(RefName::new(good).is_ok(), "{good}");
        }
        let bad = [
            "",
            "main",
            "refs/heads/",
            "/refs/x",
            "refs//x",
            "refs/heads/.x",
            "refs/heads/x.lock",
            "refs/x.lock/y",
            "refs/heads/a..b",
            "refs/heads/a b",
            "refs/heads/a~1",
            "refs/heads/a^",
            "refs/heads/a:b",
            "refs/heads/a?",
            "refs/heads/a*",
            "refs/heads/a[",
            "refs/heads/a\\b",
            "refs/heads/a@{b",
            "refs/heads/a.",
            "refs/heads/a\u{7f}",
            "refs/heads/a\nb",
            "@",
        ];
        for bad in bad {
            assert!(RefName::new(bad).is_err(), "{bad:?}");
        }
        assert!(RefName::new(b"refs/heads/\xff\xfe").is_ok(), "names are bytes");
    }

    #[test]
    fn only_our_own_refs_can_be_written() {
        assert!(HiddenRef::under("branches/bWFpbg").is_ok());
        assert!(HiddenRef::new(RefName::new("refs/notes/opensession").unwrap()).is_ok());
        for foreign in
            ["refs/heads/main", "HEAD", "refs/notes/commits", "refs/notes/opensession2", "refs/opensessionx/a"]
        {
            assert!(HiddenRef::new(RefName::new(foreign).unwrap()).is_err(), "{foreign}");
        }
        assert!(HiddenRef::under("../heads/main").is_err());
    }

    #[test]
    fn a_branch_and_its_refs_convert_without_loss() {
        let branch = BranchName::new(b"caf\xe9/x").unwrap();
        assert_eq!(branch.to_ref().branch(), Some(branch.clone()));
        assert_eq!(branch.to_string(), "caf\u{fffd}/x");
        assert_eq!(branch.tracking_ref("origin").unwrap().as_bytes(), b"refs/remotes/origin/caf\xe9/x");
        assert!(branch.tracking_ref("https://example.com/x").is_err());
        assert_eq!(RefName::head().branch(), None);
    }
}
