//! Why a session is linked to a commit.

use std::fmt;

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

use super::anchor::Anchor;
use super::error::Damage;
use super::meta;
use crate::session::Timestamp;

/// The largest evidence that is written, in bytes, but for its anchor: what does not fit of the list of files is left out.
pub const EVIDENCE_LIMIT: usize = 2048;

/// The largest evidence that is read, in bytes.
pub(super) const READ_LIMIT: u64 = Evidence::READ_LIMIT;

/// What tied a session to a commit, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EvidenceKind {
    /// It ran in this worktree when the commit was made, or shortly before.
    Window,
    /// It edited, before the commit, files that the commit changes.
    Edited,
    /// It wrote lines that the commit adds.
    Wrote,
    /// It made the commit.
    Committed,
}

impl fmt::Display for EvidenceKind {
    /// As it is spelled in a ledger.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Window => "window",
            Self::Edited => "edited",
            Self::Wrote => "wrote",
            Self::Committed => "committed",
        })
    }
}

/// A share of a whole, from 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Percent(u8);

impl Percent {
    /// All of it.
    pub const ALL: Self = Self(100);

    /// The half of it.
    pub const HALF: Self = Self(50);

    /// Of that many percent; more than 100 are 100.
    pub fn new(percent: u8) -> Self {
        Self(percent.min(100))
    }

    /// `part` of `whole`, rounded down; 0 of nothing.
    pub fn of(part: u64, whole: u64) -> Self {
        let percent = (u128::from(part) * 100).checked_div(u128::from(whole)).unwrap_or(0);
        Self(u8::try_from(percent.min(100)).unwrap_or(100))
    }

    /// The number, from 0 to 100.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let percent = u8::deserialize(deserializer)?;
        if percent <= 100 { Ok(Self(percent)) } else { Err(de::Error::custom("more than 100 percent")) }
    }
}

/// From the first to the last event of a session, as it was when it was linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The earliest event.
    pub first: Timestamp,
    /// The latest event.
    pub last: Timestamp,
}

/// Why a session is linked to a commit. Stored with the link, and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The strongest thing that ties them.
    pub kind: EvidenceKind,
    /// How sure that makes it.
    pub confidence: Percent,
    /// How many lines that the commit adds were written in the session.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lines: u64,
    /// How much of what the commit adds that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Percent>,
    /// Files that both touched, as paths in the repository; as many as fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_files: u64,
    /// When the session was.
    pub window: Window,
    /// What the link hangs on, or was found by, if that is not the commit's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Anchor>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Evidence {
    /// Whether this is a better reason for the same link.
    pub fn is_stronger_than(&self, other: &Self) -> bool {
        self.strength() > other.strength()
    }

    /// What evidence is compared by: first what it hangs on.
    pub(super) fn strength(&self) -> impl Ord + use<> {
        (Anchor::rank(self.anchor.as_ref()), self.kind, self.confidence, self.lines, self.share)
    }

    /// The bytes to store, at most [`EVIDENCE_LIMIT`] of them and the anchor.
    pub(super) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let all = self.more_files.saturating_add(self.files.len() as u64);
        let mut fitting = Self { files: Vec::new(), more_files: all, ..self.clone() };
        let anchor = fitting.anchor.take();
        let mut size = serde_json::to_vec(&fitting)?.len() + r#","files":[]"#.len() + 1;
        fitting.anchor = anchor;
        for file in &self.files {
            size += serde_json::to_string(file)?.len() + 1;
            if size > EVIDENCE_LIMIT {
                break;
            }
            fitting.files.push(file.clone());
        }
        fitting.more_files = all - fitting.files.len() as u64;
        let mut bytes = serde_json::to_vec(&fitting)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The largest evidence that is read, in bytes.
    pub const READ_LIMIT: u64 = 64 << 10;

    /// Reads what was stored; `None` if it cannot be read.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        Self::parse(bytes).ok()
    }

    /// Reads what was stored.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Damage> {
        meta::parse(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn evidence(kind: EvidenceKind, files: Vec<String>) -> Evidence {
        let window = Window { first: Timestamp::EPOCH, last: Timestamp::from_seconds(60) };
        Evidence {
            kind,
            confidence: Percent::new(90),
            lines: 0,
            share: None,
            files,
            more_files: 0,
            window,
            anchor: None,
        }
    }

    #[test]
    fn evidence_is_spelled_shortly() {
        let spelled = evidence(EvidenceKind::Edited, vec!["a.rs".into()]).to_json().expect("it can be written");
        assert_eq!(
            String::from_utf8_lossy(&spelled),
            concat!(
                r#"{"kind":"edited","confidence":90,"files":["a.rs"],"#,
                r#""window":{"first":"1970-01-01T00:00:00Z","last":"1970-01-01T00:01:00Z"}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_stronger_kind_beats_any_number_of_lines() {
        let edited = Evidence { lines: 1000, ..evidence(EvidenceKind::Edited, vec![]) };
        let wrote = Evidence { lines: 1, ..evidence(EvidenceKind::Wrote, vec![]) };
        assert!(wrote.is_stronger_than(&edited) && !edited.is_stronger_than(&wrote));
        assert!(!wrote.is_stronger_than(&wrote));
    }

    #[test]
    fn a_share_is_of_a_whole() {
        assert_eq!(
            [(0, 0), (1, 3), (3, 3), (9, 3)].map(|(part, whole)| Percent::of(part, whole).get()),
            [0, 33, 100, 100]
        );
        assert_eq!(Percent::of(u64::MAX, u64::MAX), Percent::ALL);
        assert!(serde_json::from_str::<Percent>("101").is_err());
    }

    proptest! {
        #[test]
        fn evidence_fits_and_no_file_is_forgotten(files in prop::collection::vec("[a-zé\"/]{1,80}", 0..200)) {
            let whole = evidence(EvidenceKind::Wrote, files.clone());
            let bytes = whole.to_json().expect("it can be written");
            prop_assert!(bytes.len() <= EVIDENCE_LIMIT);
            let read = Evidence::parse(&bytes).expect("and read");
            prop_assert_eq!(read.files.as_slice(), &files[..read.files.len()]);
            prop_assert_eq!(read.files.len() as u64 + read.more_files, files.len() as u64);
            prop_assert_eq!(read.to_json().expect("it can be written again"), bytes);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in any::<Vec<u8>>()) {
            let _ = Evidence::parse(&bytes);
        }
    }
}
