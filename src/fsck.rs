//! Checking all ledgers, or those of one remote: `fsck`.

use crate::git::{Config, Repo};
use crate::ledger::check::{self, Checked, Checker, Circumstances};
use crate::ledger::{self, Scope};
use crate::redaction::RULES_VERSION;

/// What was found, and where.
#[derive(Debug)]
pub struct Fsck {
    /// The ledgers, sorted by ref: live ones first, then those whose ref is torn.
    pub ledgers: Vec<Checked>,
}

impl Fsck {
    /// How many rules are broken.
    pub fn errors(&self) -> u64 {
        self.ledgers.iter().map(Checked::errors).sum()
    }

    /// How much else is worth knowing.
    pub fn notes(&self) -> u64 {
        self.ledgers.iter().map(Checked::notes).sum()
    }
}

/// Checks the ledgers of a scope against every rule. `checked` is told of each as it is done.
///
/// # Errors
/// When the refs cannot be listed. Whatever is wrong with a ledger is a finding.
pub fn fsck(repo: &Repo, config: &Config, scope: Scope<'_>) -> ledger::Result<Fsck> {
    let circumstances = Circumstances { partial: is_partial(config), rules: RULES_VERSION };
    let mut checker = Checker::new(repo, circumstances);
    let mut ledgers = Vec::new();
    for found in check::refs(repo, scope)? {
        ledgers.push(match found.ledger {
            Some(ledger) => checker.check(&ledger, found.tip),
            None => Checked::no_ledger(found.name),
        });
    }
    ledgers.extend(check::torn(repo, scope).into_iter().map(Checked::torn));
    Ok(Fsck { ledgers })
}

/// Whether objects may have been left at a remote (`git clone --filter`).
fn is_partial(config: &Config) -> bool {
    let promises = |remote: &&str| config.get_bool(&format!("remote.{remote}.promisor")).ok().flatten() == Some(true);
    config.get("extensions.partialclone").is_some() || config.remotes().iter().any(promises)
}
