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
    /// `v2/p`, or `v2/c/YYYY-MM`.
    Heads,
    /// `v2/p/<aa>`, or `v2/c/YYYY-MM/<aa>`.
    Rests([u8; 2]),
    /// The folder of the links of one commit or patch.
    Links,
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
            Self::CommitMonths => Month::parse(name).map(|_| Self::Heads)?,
            Self::Heads => Self::Rests(<[u8; 2]>::try_from(name).ok()?),
            Self::Rests(head) => layout::parse_oid(&head, name).map(|_| Self::Links)?,
            Self::Links => return SessionKey::parse(name).map(Child::Link),
            Self::Snapshots => return layout::parse_snapshot_name(name).map(Child::Snapshot),
        };
        Some(Child::Folder(place))
    }
}
