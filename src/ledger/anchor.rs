//! What a link hangs on besides the id of a commit.
//!
//! Ids of commits change when history is rewritten; these do not, or not much. A link below `v2/p` says in its evidence
//! which of them it is; a link by commit that was made from one says which one that was.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::evidence::Percent;
use crate::git::Oid;

/// What a link hangs on besides the id of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "lowercase")]
pub enum Anchor {
    /// The patch of one commit.
    Commit {
        /// The commit.
        #[serde(flatten)]
        commit: CommitAt,
    },
    /// The patch of a whole branch, as a squash merge has it.
    Branch {
        /// Its commits of whose sessions the ledger knew nothing, newest first; as many as fit. Another ledger may know.
        #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "few")]
        others: Vec<CommitAt>,
    },
    /// Lines that one commit adds.
    Lines {
        /// The commit.
        #[serde(flatten)]
        commit: CommitAt,
        /// When it was written, in seconds since the epoch. A rebase keeps this.
        written: i64,
        /// How many telling lines it adds.
        added: u64,
        /// A part of them.
        sketch: Sketch,
    },
    /// Made by a link that was found by shared lines.
    Similar {
        /// The commit that the session was tied to.
        #[serde(flatten)]
        commit: CommitAt,
        /// How much they share.
        share: Percent,
    },
}

impl Anchor {
    /// How many commits of a branch are listed at most.
    pub const MOST_OTHERS: usize = 32;

    /// What is surer has a greater rank: a commit itself, its patch, that of its branch, lines.
    pub(super) fn rank(anchor: Option<&Self>) -> u8 {
        match anchor {
            None => 4,
            Some(Self::Commit { .. }) => 3,
            Some(Self::Branch { .. }) => 2,
            Some(Self::Similar { .. }) => 1,
            Some(Self::Lines { .. }) => 0,
        }
    }

    /// The commit that the session was tied to, if it is one.
    pub fn commit(&self) -> Option<CommitAt> {
        match self {
            Self::Commit { commit } | Self::Lines { commit, .. } | Self::Similar { commit, .. } => Some(*commit),
            Self::Branch { .. } => None,
        }
    }
}

/// A commit, with the moment that says where its links lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommitAt {
    /// The commit.
    #[serde(rename = "commit", with = "hex")]
    pub id: Oid,
    /// Its committer date, in seconds since the epoch.
    pub at: i64,
}

/// No more commits than are written: each of them is looked up.
fn few<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CommitAt>, D::Error> {
    let mut commits = Vec::<CommitAt>::deserialize(deserializer)?;
    commits.truncate(Anchor::MOST_OTHERS);
    Ok(commits)
}

mod hex {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use crate::git::Oid;

    pub fn serialize<S: Serializer>(oid: &Oid, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(oid)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Oid, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Some of the lines of a change, each by the first four bytes of its hash: the smallest of all, so that of two changes which
/// share lines the same ones are taken. As base64.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch(Vec<u32>);

impl Sketch {
    /// How many lines are kept at most.
    pub const MOST: usize = 64;

    /// Of hashes in rising order.
    pub fn of(rising: impl IntoIterator<Item = u32>) -> Self {
        Self(rising.into_iter().take(Self::MOST).collect())
    }

    /// The hashes, in rising order.
    pub fn hashes(&self) -> impl ExactSizeIterator<Item = u32> {
        self.0.iter().copied()
    }
}

impl Serialize for Sketch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|hash| hash.to_be_bytes()).collect();
        serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Sketch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text.as_bytes()).map_err(D::Error::custom)?;
        let (hashes, []) = bytes.as_chunks::<4>() else { return Err(D::Error::custom("not hashes of 4 bytes each")) };
        if hashes.len() > Self::MOST || !hashes.is_sorted() {
            return Err(D::Error::custom("not a rising list of few hashes"));
        }
        Ok(Self(hashes.iter().map(|hash| u32::from_be_bytes(*hash)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(byte: &str) -> CommitAt {
        CommitAt { id: byte.repeat(20).parse().expect("an id"), at: 1_772_798_400 }
    }

    #[test]
    fn anchors_are_spelled_shortly_and_read_back() {
        let hex = "ab".repeat(20);
        for (anchor, spelled) in [
            (Anchor::Commit { commit: commit("ab") }, format!(r#"{{"of":"commit","commit":"{hex}","at":1772798400}}"#)),
            (Anchor::Branch { others: vec![] }, r#"{"of":"branch"}"#.to_owned()),
            (
                Anchor::Branch { others: vec![commit("ab")] },
                format!(r#"{{"of":"branch","others":[{{"commit":"{hex}","at":1772798400}}]}}"#),
            ),
            (
                Anchor::Lines { commit: commit("ab"), written: 7, added: 2, sketch: Sketch::of([1, 2]) },
                format!(
                    r#"{{"of":"lines","commit":"{hex}","at":1772798400,"written":7,"added":2,"sketch":"AAAAAQAAAAI"}}"#
                ),
            ),
            (
                Anchor::Similar { commit: commit("ab"), share: Percent::new(83) },
                format!(r#"{{"of":"similar","commit":"{hex}","at":1772798400,"share":83}}"#),
            ),
        ] {
            assert_eq!(serde_json::to_string(&anchor).expect("it can be written"), spelled);
            assert_eq!(serde_json::from_str::<Anchor>(&spelled).expect("and read"), anchor);
        }
    }

    #[test]
    fn a_sketch_is_few_hashes_in_rising_order() {
        assert_eq!(Sketch::of(0..1000).hashes().len(), Sketch::MOST);
        for bad in ["AAA", "AAAAAgAAAAE", &"AAAA".repeat(64 * 2)] {
            assert!(serde_json::from_str::<Sketch>(&format!("\"{bad}\"")).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_list_of_others_is_longer_than_it_may_be() {
        let others = vec![r#"{"commit":"abababababababababababababababababababab","at":1}"#; Anchor::MOST_OTHERS + 9];
        let spelled = format!(r#"{{"of":"branch","others":[{}]}}"#, others.join(","));
        let Anchor::Branch { others } = serde_json::from_str(&spelled).expect("it can be read") else {
            panic!("it is")
        };
        assert_eq!(others.len(), Anchor::MOST_OTHERS);
    }
}
