//! How people call an artifact: by its address, the beginning of its digest, or an alias.

use std::fmt;
use std::str::FromStr;

use super::ArtifactId;
use crate::git::{HiddenRef, RefName};

/// The longest alias.
const LONGEST: usize = 64;

/// A name that somebody pinned to an artifact: letters, digits, `.`, `_` and `-`, as git lets a ref be called. It is
/// never read as an option, a path or a digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Alias(String);

/// A text that is no alias.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an alias has 1 to {LONGEST} letters, digits, `.`, `_` or `-`, begins with a letter, and is no digest: {0:?}")]
pub struct BadAlias(String);

impl FromStr for Alias {
    type Err = BadAlias;

    fn from_str(text: &str) -> Result<Self, BadAlias> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
        let digest = text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_ref = RefName::new(format!("refs/opensession/pins/{text}")).is_ok();
        if plain && begins && !digest && is_ref && text.len() <= LONGEST {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadAlias(text.chars().take(LONGEST).collect()))
        }
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What somebody calls an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// By its whole digest.
    Id(ArtifactId),
    /// By an alias; if there is none, by the beginning of its digest.
    Name {
        /// What was typed, without `os://artifact/`.
        text: String,
        /// The same as an alias, if it can be one.
        alias: Option<Alias>,
    },
}

impl Wanted {
    /// What a text calls: `latest`, `os://artifact/latest`, `os://artifact/<sha256>`, the digest, its beginning, or
    /// `origin/latest` for what was fetched.
    pub fn of(text: &str) -> Self {
        if let Ok(id) = text.parse() {
            return Self::Id(id);
        }
        let text = text.strip_prefix("os://artifact/").unwrap_or(text).to_owned();
        let alias = text.parse().ok();
        Self::Name { text, alias }
    }
}

/// The ref of an artifact: `refs/opensession/artifacts/<sha256>`.
pub(super) fn artifact_ref(id: ArtifactId) -> Result<HiddenRef, crate::git::BadName> {
    HiddenRef::under(&format!("artifacts/{}", id.0))
}

/// The ref of an alias: `refs/opensession/pins/<alias>`.
pub(super) fn pin_ref(alias: &Alias) -> Result<HiddenRef, crate::git::BadName> {
    HiddenRef::under(&format!("pins/{alias}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_no_path_no_option_and_no_digest() {
        for good in ["latest", "v1.2", "Ann_s-work", "a", "cafe"] {
            assert!(good.parse::<Alias>().is_ok(), "{good}");
        }
        let long = "a".repeat(65);
        for bad in ["", "-x", "a/b", "../x", "a..b", "a.lock", "a.", ".a", "a b", "é", "deadbeef", "a\n", "1a", &long]
        {
            assert!(bad.parse::<Alias>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_artifact_is_called_by_address_digest_or_alias() {
        let id = ArtifactId(crate::hail::Digest::of(b"x"));
        assert_eq!(Wanted::of(&id.to_string()), Wanted::Id(id));
        assert_eq!(Wanted::of(&id.0.to_string()), Wanted::Id(id));
        for text in ["latest", "os://artifact/latest"] {
            assert_eq!(Wanted::of(text), Wanted::Name { text: "latest".into(), alias: "latest".parse().ok() });
        }
        assert_eq!(Wanted::of("a/../b"), Wanted::Name { text: "a/../b".into(), alias: None });
    }
}
