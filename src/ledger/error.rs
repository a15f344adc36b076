//! What can be wrong with a ledger.

use super::SegmentName;
use crate::git;

/// The result of this room.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure that names the ledger, and the path in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// git failed on the repository itself.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The ref holds the ledger of another branch: two names that a disk which ignores case cannot tell apart.
    #[error(
        "{ledger} is the ledger of the branch {found:?}, not of {wanted:?}: on this disk both names are one file; rename one of the branches"
    )]
    OtherBranch {
        /// The ref.
        ledger: String,
        /// The branch it was opened for, lossily.
        wanted: String,
        /// The branch it is of, lossily.
        found: String,
    },
    /// The ledger was written by a later version, in a format that this one cannot read.
    #[error("{ledger} has the format {format:?}, and this version reads 2: update git-opensession")]
    NewerFormat {
        /// The ledger.
        ledger: String,
        /// What its `v2/format` says, lossily.
        format: String,
    },
    /// Something in the ledger is not what it should be. All else in it can still be read.
    #[error("{path} in {ledger}: {why}")]
    Damaged {
        /// The ledger.
        ledger: String,
        /// The path in its tree.
        path: String,
        /// What is wrong.
        #[source]
        why: Damage,
    },
}

/// What is wrong with something in a ledger.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// The object cannot be read, is missing, or is larger than such a thing may be.
    #[error(transparent)]
    Object(#[from] git::Error),
    /// No file (a folder, a link, a submodule) where a file should be, or no folder where one should be.
    #[error("is not a {0}")]
    NotA(&'static str),
    /// The content is not what its name says.
    #[error("its content is not the one it is named for")]
    Name,
    /// No JSON, or not with the fields that it must have.
    #[error("not the JSON it should be, at line {line}, column {column}")]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Written by a later version.
    #[error("has schema {0}, and this version reads {known}: update git-opensession", known = super::meta::SCHEMA)]
    Schema(u32),
    /// The parts of an `m` contradict one another.
    #[error("contradicts itself: {0}")]
    Incoherent(&'static str),
    /// A session's folder without a readable `m`.
    #[error("there is no session in it")]
    NoMeta,
    /// A text that is not the one it should be.
    #[error("is not {0}")]
    NotThe(&'static str),
    /// A listed segment that is not in the folder.
    #[error("the segment {0} is missing")]
    NoSegment(SegmentName),
    /// A segment that does not unpack to the size it is listed with.
    #[error("does not unpack to the {0} bytes it is listed with")]
    Unpack(u64),
    /// The lines of a segment have another digest than the one it is listed with.
    #[error("its lines have another SHA-256 than the one they are listed with")]
    SegmentDigest,
    /// A segment with more or fewer lines than its name says.
    #[error("does not have the {0} events that it is named for")]
    SegmentEvents(u64),
    /// All lines together have another digest.
    #[error("its events have another SHA-256 than the one they are listed with")]
    EventsDigest,
    /// More names than any real ledger has: a tree made to exhaust readers.
    #[error("more than {0} names: no real ledger has so many")]
    TooMany(usize),
}
