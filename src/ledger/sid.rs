//! The name a session has in every ledger.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::day::Day;
use crate::hail::Digest;
use crate::session::Header;

/// A session's name in a ledger: the first 16 bytes of SHA-256(agent NUL native session id), printed as 32 lowercase
/// hex digits. Safe as a path whatever the agent calls its session, and the same in every clone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid([u8; 16]);

/// A text that is not 32 lowercase hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a session name of 32 lowercase hex digits")]
pub struct BadSid;

impl Sid {
    /// The name of the session that `agent` (`claude-code`, `codex`, ...) calls `session_id`.
    ///
    /// ```
    /// use git_opensession::ledger::Sid;
    /// assert_eq!(Sid::new("codex", "../x").to_string(), "c08ce9fdbb46cdf1105743866c5f6e13");
    /// ```
    pub fn new(agent: &str, session_id: &str) -> Self {
        let named = [agent.as_bytes(), b"\0", session_id.as_bytes()].concat();
        let mut sid = [0; 16];
        for (to, from) in sid.iter_mut().zip(Digest::of(&named).as_bytes()) {
            *to = *from;
        }
        Self(sid)
    }

    /// The name of the session that a header is of.
    pub fn of(header: &Header) -> Self {
        Self::new(&header.agent.tool, &header.session_id)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// From its bytes, as they were stored.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Reads the 32 hex digits of a path part.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        str::from_utf8(text).ok()?.parse().ok()
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({self})")
    }
}

impl FromStr for Sid {
    type Err = BadSid;

    fn from_str(text: &str) -> Result<Self, BadSid> {
        let hex = text.len() == 32 && text.bytes().all(is_lower_hex);
        let number = hex.then(|| u128::from_str_radix(text, 16).ok()).flatten().ok_or(BadSid)?;
        Ok(Self(number.to_be_bytes()))
    }
}

impl Serialize for Sid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_bytes(&self.0) }
    }
}

impl<'de> Deserialize<'de> for Sid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return <&[u8]>::deserialize(deserializer)?.try_into().map(Self).map_err(de::Error::custom);
        }
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

pub(super) fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// Where a session lies: its name and the UTC day of its first event.
///
/// Ordered by day, then by name. Printed as the last part of a link's path, `YYYYMMDD-<sid>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct SessionKey {
    /// The day. It stays when the session grows.
    pub day: Day,
    /// The name.
    pub sid: Sid,
}

impl SessionKey {
    /// Reads `YYYYMMDD-<sid>`.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (day, rest) = text.split_at_checked(8)?;
        Some(Self { day: Day::from_digits(day)?, sid: Sid::parse(rest.strip_prefix(b"-")?)? })
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.day.digits(), self.sid)
    }
}

/// The first digits of a session's name, as a person types them: 4 to 32 hex digits of either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SidPrefix {
    value: u128,
    digits: usize,
}

/// A text that is not 4 to 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the beginning of a session name (4 to 32 hex digits): {0:?}")]
pub struct BadSidPrefix(String);

impl SidPrefix {
    /// Whether a name begins so.
    pub fn matches(self, sid: Sid) -> bool {
        u128::from_be_bytes(sid.0) >> (128 - 4 * self.digits) == self.value
    }

    /// The whole name, if all 32 digits are there.
    pub fn whole(self) -> Option<Sid> {
        (self.digits == 32).then(|| Sid(self.value.to_be_bytes()))
    }
}

impl From<Sid> for SidPrefix {
    fn from(sid: Sid) -> Self {
        Self { value: u128::from_be_bytes(sid.0), digits: 32 }
    }
}

impl fmt::Display for SidPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$x}", self.value, width = self.digits)
    }
}

impl FromStr for SidPrefix {
    type Err = BadSidPrefix;

    fn from_str(text: &str) -> Result<Self, BadSidPrefix> {
        let hex = (4..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = hex.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        let value = value.ok_or_else(|| BadSidPrefix(text.to_owned()))?;
        Ok(Self { value, digits: text.len() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_agent_is_a_part_of_the_name_and_cannot_be_moved_into_the_id() {
        assert_ne!(Sid::new("codex", "1"), Sid::new("claude-code", "1"));
        assert_ne!(Sid::new("a", "b"), Sid::new("ab", ""));
    }

    #[test]
    fn the_name_is_the_head_of_the_sha256() {
        let whole = Digest::of(b"codex\0abc").to_string();
        assert_eq!(Sid::new("codex", "abc").to_string(), whole[..32]);
    }

    #[test]
    fn a_prefix_matches_whatever_the_case_it_is_typed_in() {
        let sid = Sid::new("codex", "abc");
        let text = sid.to_string();
        for typed in [&text[..4], &text[..31], &text, &text.to_uppercase()] {
            assert!(
                typed
                    .parse::<SidPrefix>()
                    .is_ok_and(|prefix| prefix.matches(sid) && sid.to_string().starts_with(&prefix.to_string())),
                "{typed}"
            );
        }
        for other in ["0000".to_owned(), format!("{}0", &text[..31]), format!("{}1", &text[..31])] {
            assert_eq!(other.parse::<SidPrefix>().is_ok_and(|prefix| prefix.matches(sid)), text.starts_with(&other));
        }
        assert_eq!(SidPrefix::from(sid).whole(), Some(sid));
        assert_eq!(text[..31].parse::<SidPrefix>().ok().and_then(SidPrefix::whole), None);
        for wrong in ["", "abc", "abcg", "../..", "日本語日", &format!("{text}0")] {
            assert!(wrong.parse::<SidPrefix>().is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn any_native_id_has_a_name_that_reads_back(agent in any::<String>(), id in any::<String>()) {
            let sid = Sid::new(&agent, &id);
            prop_assert_eq!(sid.to_string().parse(), Ok(sid));
            let key = SessionKey { day: Day::of(crate::session::Timestamp::EPOCH), sid };
            prop_assert_eq!(SessionKey::parse(key.to_string().as_bytes()), Some(key));
        }

        #[test]
        fn no_text_makes_a_name_that_prints_otherwise(text in "[0-9a-fA-F+_]{31,33}") {
            if let Ok(sid) = text.parse::<Sid>() {
                prop_assert_eq!(sid.to_string(), text);
            }
        }
    }
}
