//! The folders of a ledger, and what may lie in each: the grammar that a join walks by.

use crate::hail::Digest;
use crate::ledger::day::{Day, Month};
use crate::ledger::layout;
use crate::ledger::sid::{SessionKey, Sid};

/// A folder of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// `v2/s`.
    Years,
    /// `v2/s/YYYY`.
    Months(u16),
    /// `v2/s/YYYY/MM`.
    Days(u16, u8),
    /// `v2/s/YYYY/MM/DD`.
    Sessions(Day),
    /// `v2/c`.
    CommitMonths,
    /// `v2/c/YYYY-MM`.
    Commits,
    /// `v2/c/YYYY-MM/<aa>`.
    CommitRests([u8; 2]),
    /// The folder of the links of one commit.
    CommitLinks,
    /// `v2/p`.
    Patches,
    /// `v2/p/<aa>`.
    PatchNexts([u8; 2]),
    /// `v2/p/<aa>/<bb>`.
    PatchLinks([[u8; 2]; 2]),
    /// `sessions`.
    Snapshots,
}

/// What a name in a folder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Child {
    /// Another folder.
    Folder(Place),
    /// The folder of a session.
    Session(SessionKey),
    /// A link of a session.
    Link(SessionKey),
    /// A snapshot.
    Snapshot(Digest),
}

impl Place {
    /// What a name in this folder stands for; `None` for one that no ledger has.
    pub(super) fn child(self, name: &[u8]) -> Option<Child> {
        let place = match self {
            Self::Years => Self::Months(layout::parse_year(name)?),
            Self::Months(year) => Self::Days(year, layout::parse_month(name)?),
            Self::Days(year, month) => Self::Sessions(layout::parse_day(year, month, name)?),
            Self::Sessions(day) => return Some(Child::Session(SessionKey { day, sid: Sid::parse(name)? })),
            Self::CommitMonths => Month::parse(name).map(|_| Self::Commits)?,
            Self::Commits => Self::CommitRests(layout::digits(name)?),
            Self::CommitRests(head) => layout::parse_oid(&head, name).map(|_| Self::CommitLinks)?,
            Self::CommitLinks => return SessionKey::parse(name).map(Child::Link),
            Self::Patches => Self::PatchNexts(layout::digits(name)?),
            Self::PatchNexts(head) => Self::PatchLinks([head, layout::digits(name)?]),
            Self::PatchLinks(folder) => return layout::parse_patch_link(folder, name).map(|(_, key)| Child::Link(key)),
            Self::Snapshots => return layout::parse_snapshot_name(name).map(Child::Snapshot),
        };
        Some(Child::Folder(place))
    }
}
