//! Whether commits are explained: each has a session, its ledger is where others can fetch it, and what is stored holds no
//! secret that today's rules know.
//!
//! `verify` asks so in CI, and strict mode of the pre-push hook before a push, by the same functions.

mod marks;

use std::collections::BTreeSet;
use std::fmt;

use crate::fanout::{Destination, FanoutError, Plan};
use crate::git::{self, BranchName, Config, Oid, Repo};
use crate::ledger::{self, LedgerRef, LedgerView, Ledgers, SessionKey};
use crate::lookup::Lookup;
use crate::redaction::{Findings, RULES_VERSION, Redactor};
use crate::settings::Require;

pub use marks::{Mark, mark};

/// A commit that must have a session behind it, and has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The commit.
    pub commit: Oid,
    /// The first line of its message.
    pub summary: String,
    /// What says that an agent wrote it.
    pub mark: Option<Mark>,
}

impl fmt::Display for Missing {
    /// `1a2b3c4d5e6f has no session, though Claude wrote it (Co-authored-by): say hello`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.12} has no session", self.commit.to_string())?;
        if let Some(Mark { agent, by }) = &self.mark {
            write!(f, ", though {agent} wrote it ({by})")?;
        }
        write!(f, ": {}", self.summary)
    }
}

/// A ledger that a remote does not have, or not all of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpushed {
    /// The ledger.
    pub ledger: LedgerRef,
    /// Whose it is.
    pub branch: Option<BranchName>,
    /// Whether it waits until its branch is there.
    pub is_held: bool,
}

/// A session that was stored by older rules of redaction, in which today's find more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The session.
    pub session: SessionKey,
    /// The version of the rules it was stored by.
    pub rules: u32,
    /// What today's rules find in it.
    pub findings: Findings,
}

impl fmt::Display for Stale {
    /// `session 3f2a... was redacted by rules 1; today's find more: stripe-key 2`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { session, rules, findings } = self;
        write!(f, "session {} was redacted by rules {rules}; today's find more:", session.sid)?;
        for (at, (rule, count)) in findings.iter().enumerate() {
            write!(f, "{} {rule} {count}", if at > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

/// What commits have behind them.
#[derive(Debug, Default)]
pub struct Behind {
    /// Commits without a session, that must have one.
    pub missing: Vec<Missing>,
    /// The sessions of the others.
    pub sessions: BTreeSet<SessionKey>,
    /// How many commits were looked at: merges, which change nothing themselves, are none.
    pub commits: u64,
    /// Links that cannot be read.
    pub unreadable: Vec<ledger::Error>,
}

/// Looks for the sessions behind commits.
///
/// # Errors
/// When a commit cannot be read.
pub fn behind(repo: &Repo, ledgers: &Ledgers<'_>, commits: &[Oid], require: Require) -> git::Result<Behind> {
    let lookup = Lookup::new(repo, ledgers);
    let mut behind = Behind::default();
    for &oid in commits {
        let commit = repo.commit(oid)?;
        if commit.parents.len() > 1 {
            continue;
        }
        behind.commits += 1;
        let direct = ledgers.links(oid, Some(commit.commit_time));
        let links = direct.and_then(|links| if links.is_empty() { lookup.behind(oid) } else { Ok(links) });
        let links = links.unwrap_or_else(|error| {
            behind.unreadable.push(error);
            Vec::new()
        });
        behind.sessions.extend(links.iter().map(|link| link.key));
        let mark = mark(&commit);
        if links.is_empty() && (require == Require::All || mark.is_some()) {
            behind.missing.push(Missing { commit: oid, summary: commit.summary().to_owned(), mark });
        }
    }
    Ok(behind)
}

/// The ledgers that a remote does not have, as far as is known here. One that waits for its branch is one only if it has
/// sessions of these commits.
///
/// # Errors
/// When refs, the configuration or a ledger cannot be read.
pub fn unpushed(
    repo: &Repo,
    config: &Config,
    destination: &Destination,
    commits: &[Oid],
) -> Result<Vec<Unpushed>, FanoutError> {
    let plan = Plan::new(repo, config, destination, &[])?;
    let mut found = Vec::new();
    for push in plan.pushes {
        // What others have left beside a ledger is theirs to be joined, and no lack of it.
        if push.known != Some(push.tip) {
            found.push(Unpushed { ledger: push.ledger, branch: push.branch, is_held: false });
        }
    }
    for ledger in plan.held {
        let Some(view) = LedgerView::open(repo, &ledger)? else { continue };
        let branch = view.branch().cloned();
        let of_ledger = Ledgers::one(view);
        let has_any = commits.iter().any(|commit| {
            let committed_at = repo.commit(*commit).map(|commit| commit.commit_time).unwrap_or_default();
            of_ledger.links(*commit, Some(committed_at)).is_ok_and(|links| !links.is_empty())
        });
        if has_any {
            found.push(Unpushed { ledger, branch, is_held: true });
        }
    }
    Ok(found)
}

/// Those of some sessions that older rules have redacted, and in which today's find more; and what cannot be read.
///
/// The secrets are looked for, and nobody's home and name: whoever looks is not who wrote them.
pub fn stale(ledgers: &Ledgers<'_>, sessions: &BTreeSet<SessionKey>) -> (Vec<Stale>, Vec<String>) {
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    let mut redactor = None;
    for key in sessions {
        let session = match ledgers.session(*key) {
            Ok(Some(session)) if session.meta.redaction < RULES_VERSION => session,
            Ok(_) => continue,
            Err(error) => {
                unreadable.push(error.to_string());
                continue;
            }
        };
        let redactor = redactor.get_or_insert_with(Redactor::of_secrets_only);
        let rules = session.meta.redaction;
        let mut findings = Findings::new();
        redactor.header(session.meta.header.clone(), &mut findings);
        let read = ledgers.text(&session).map_err(|error| error.to_string()).and_then(|text| {
            for event in text.events().map_err(|error| error.to_string())? {
                redactor.event(event.map_err(|error| error.to_string())?, &mut findings);
            }
            Ok(())
        });
        unreadable.extend(read.err().map(|why| format!("session {}: {why}", key.sid)));
        if findings.iter().next().is_some() {
            found.push(Stale { session: *key, rules, findings });
        }
    }
    (found, unreadable)
}
