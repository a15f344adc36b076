//! The ledger of a branch: sessions and their links to commits, in the tree of a commit on a hidden ref.
//!
//! - [`LedgerRef`]: which ref it is. [`LedgerPath`]: what lies where in its tree. Nobody else spells either.
//! - [`append`]: one commit for one capture. What is there already is not written again.
//! - [`add_snapshot`]: a whole session as one plain file, for whoever has its address.
//! - [`join`]: one tree of the ledgers of two clones. [`replay`] brings what a remote has into the live ledger.
//! - [`Retention`]: what a ledger no longer keeps, and what [`retain`] takes out of it.
//! - [`roll`]: a ledger with another tree ([`Rewrite`]) and without its history.
//! - [`Ledgers`]: reading, of one ledger or of several as one. Lists are lazy, text is verified as it is unpacked.
//! - [`check`]: every rule held against a ledger.
//!
//! A session is a folder: segments, which are immutable runs of event lines, and one `m`, which has its header and
//! lists its segments ([`Meta`]). Every path names its content, so that the trees of two ledgers can be united without a
//! conflict. Until they are tidied, a folder may have several `m`; the greatest [`MetaName`] is the session.
//!
//! A ledger that was fetched may be anything. What does not parse as a path is passed over and counted, never
//! followed; what is too large is not read; what is damaged is an error that names its path, and keeps nothing
//! else from being read.

mod again;
mod anchor;
mod append;
pub mod check;
mod day;
mod error;
mod evidence;
mod folded;
mod holdings;
mod join;
mod layout;
mod ledgers;
mod meta;
mod name;
mod plan;
mod replay;
mod retention;
mod roll;
mod sessions;
mod sid;
mod snapshot;
#[cfg(test)]
mod tests;
mod text;
mod view;

pub use again::{Again, Redone, Reshared};
pub use anchor::{Anchor, CommitAt, Sketch};
pub use append::{Append, Appender, Captured, Change, NewAnchor, NewLink, Outcome, Refusal, Report, append};
pub use day::{BadDay, Day, Month};
pub use error::{Damage, Error, Result};
pub use evidence::{EVIDENCE_LIMIT, Evidence, EvidenceKind, Percent, Window};
pub use folded::drop_folded;
pub use holdings::{Holdings, Ties};
pub use join::{fold, join, retain};
pub use layout::{BadSegmentName, FORMAT, Hash8, LedgerPath, MetaName, SegmentName};
pub use ledgers::{Ledgers, Link, Match, PatchLink, Scope, retention_of_all};
pub use meta::{META_LIMIT, Meta, SEGMENT_LIMIT, SegmentEntry};
pub use name::{
    LOCAL_PREFIX, LedgerRef, Namespace, REMOTES_PREFIX, inbox_prefix, is_tracking_notes, remote_prefix, tracking_notes,
    tracking_prefix,
};
pub use replay::{Replayed, Theirs, Union, replay, unite};
pub use retention::Retention;
pub use roll::{Rewrite, Rolled, empty_tree, roll, rolled, without};
pub use sessions::Sessions;
pub use sid::{BadSid, BadSidPrefix, SessionKey, Sid, SidPrefix};
pub use snapshot::{SnapshotOutcome, add_snapshot, snapshot_alone};
pub use text::SessionText;
pub use view::{LedgerView, StoredSession};
