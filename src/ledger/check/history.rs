//! The commits of a ledger.

use super::{Check, Problem};
use crate::git::Oid;

/// How many commits are looked at.
const WALKED: usize = 100_000;

impl Check<'_, '_> {
    /// One commit after the other: each has one parent, and each is here.
    pub(super) fn history(&mut self, tip: Oid) {
        let mut at = tip;
        for _ in 0..WALKED {
            let path = at.to_string();
            let commit = match self.repo.commit(at) {
                Ok(commit) => commit,
                Err(crate::git::Error::Missing(_)) if self.repo.is_shallow() => {
                    return self.checked.add(path.as_bytes(), Problem::Shallow);
                }
                Err(error) => return self.object(path.as_bytes(), error),
            };
            if commit.parents.len() > 1 {
                self.checked.add(path.as_bytes(), Problem::Parents(commit.parents.len()));
            }
            match commit.parents.first() {
                Some(parent) => at = *parent,
                None => return,
            }
        }
    }
}
