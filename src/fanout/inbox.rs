//! What others have left beside a ledger at a remote, as it was when last fetched.

use super::FanoutError;
use crate::git::{HiddenRef, Oid, Repo};
use crate::ledger::LedgerRef;

/// How much of one ledger's inbox is joined at once. The rest waits for the next push.
const AT_ONCE: usize = 64;

/// The inbox of one ledger at one remote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inbox {
    /// The commits in it, at most sixty-four, sorted.
    pub tips: Vec<Oid>,
}

impl Inbox {
    /// What was fetched of it. A ref that is not what it is named for is passed over.
    ///
    /// # Errors
    /// When the refs cannot be listed.
    pub fn of(repo: &Repo, ledger: &LedgerRef, remote: &str) -> Result<Self, FanoutError> {
        let found = repo.refs(&ledger.inbox_prefix(remote))?.into_iter();
        let named = found.filter(|found| {
            LedgerRef::parse(&found.name).and_then(|inbox| inbox.inbox()) == Some(found.oid)
                && HiddenRef::new(found.name.clone()).is_ok()
        });
        Ok(Self { tips: named.map(|found| found.oid).take(AT_ONCE).collect() })
    }
}
