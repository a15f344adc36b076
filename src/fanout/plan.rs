//! Which ledgers a remote lacks and may have.

use std::collections::BTreeMap;

use super::{Destination, FanoutError, Inbox, NotesPush, PushUpdate, Refusals};
use crate::git::{BranchName, Config, Exclude, HiddenRef, Oid, OwnRef, Repo, Signature, WalkLimits};
use crate::hail::Digest;
use crate::ledger::{LOCAL_PREFIX, LedgerRef, LedgerView, Namespace, SessionKey, tracking_prefix};
use crate::settings::read_namespace;

/// One ledger to be pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerPush {
    /// The ledger.
    pub ledger: LedgerRef,
    /// Its ref here.
    pub name: HiddenRef,
    /// Its ref over there.
    pub target: OwnRef,
    /// Whose it is.
    pub branch: Option<BranchName>,
    /// What it is to point at.
    pub tip: Oid,
    /// What the remote is known to have.
    pub known: Option<Oid>,
    /// The commits that this push moves the branch to.
    pub commits: Vec<Oid>,
    /// What goes there instead of the live ledger, which may have what nobody wants to publish yet.
    pub alone: Option<Alone>,
}

/// A snapshot that goes to a remote's ledger, and nothing else with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alone {
    /// The snapshot.
    pub snapshot: Digest,
    /// The session it is of.
    pub session: SessionKey,
}

/// What is to be done for a remote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Ledgers to push. None: the network is not needed.
    pub pushes: Vec<LedgerPush>,
    /// Ledgers that the remote lacks and that wait until their branch is pushed there: they may hold sessions of
    /// commits that nobody has published.
    pub held: Vec<LedgerRef>,
    /// Where the remote keeps them.
    pub namespace: Namespace,
    /// Notes to push along ([`Plan::add_notes`]).
    pub notes: Option<NotesPush>,
    /// Whether the user's own push brings ledgers, or other refs of ours, there, as `git push --mirror` does.
    pub is_typed: bool,
}

impl Plan {
    /// The ledgers that are to go to a destination along with these updates.
    ///
    /// Those of the branches being pushed go; so do others that the remote lacks (an earlier push has failed, a tag is
    /// pushed), if it has, or gets by this push, all commits they may be about; and so do those beside which somebody has
    /// left something there. A ref that the user's own push moves is left to that push.
    ///
    /// # Errors
    ///
    /// When refs, commits or a ledger of this repository cannot be read.
    pub fn new(
        repo: &Repo,
        config: &Config,
        destination: &Destination,
        updates: &[PushUpdate],
    ) -> Result<Self, FanoutError> {
        let known = repo.refs(&tracking_prefix(destination.key()))?;
        let known = |ledger: &LedgerRef| {
            let tracking = ledger.to_tracking(destination.key()).to_string();
            known.iter().find(|value| value.name.as_bytes() == tracking.as_bytes()).map(|value| value.oid)
        };
        let is_typed = updates.iter().any(|update| update.new.is_some() && update.is_ledger());
        let mut plan = Self { namespace: read_namespace(config)?, is_typed, ..Self::default() };
        let mut inboxes = plan.inboxes(repo, config, destination)?;
        for local in repo.refs(LOCAL_PREFIX)? {
            let Some(ledger) = LedgerRef::parse(&local.name) else { continue };
            let known = known(&ledger);
            let left = inboxes.remove(&ledger);
            if updates.iter().any(|update| update.target == local.name) {
                continue;
            }
            // What others have left there is to be joined even if the remote has all of ours.
            let has_all = has_all(repo, known, local.oid)?;
            if has_all && left.is_none() {
                continue;
            }
            let branch = branch_of(repo, &ledger)?;
            let moves = |update: &&PushUpdate| update.branch().is_some() && update.branch() == branch;
            let commits: Vec<Oid> = updates.iter().filter(moves).filter_map(|update| update.new).collect();
            if !has_all && commits.is_empty() && !is_published(repo, config, destination, updates, branch.as_ref())? {
                plan.held.push(ledger);
                continue;
            }
            let name = HiddenRef::new(local.name).map_err(crate::git::Error::from)?;
            let target = plan.namespace.ledger(&ledger).map_err(crate::git::Error::from)?;
            let tip = local.oid;
            plan.pushes.push(LedgerPush { ledger, name, target, branch, tip, known, commits, alone: None });
        }
        // What was left beside a ledger that nobody here works on is there for everybody to take in.
        for (ledger, tip) in inboxes {
            let name = ledger.to_ref().map_err(crate::git::Error::from)?;
            if updates.iter().any(|update| update.target == *name.name()) {
                continue;
            }
            let target = plan.namespace.ledger(&ledger).map_err(crate::git::Error::from)?;
            let (branch, known) = (ledger.branch(), known(&ledger));
            plan.pushes.push(LedgerPush { ledger, name, target, branch, tip, known, commits: Vec::new(), alone: None });
        }
        Ok(plan)
    }

    /// A snapshot alone: `commit` is a ledger that has it and nothing else.
    ///
    /// # Errors
    ///
    /// When the refs of this repository cannot be read, or a setting makes no sense.
    pub fn alone(
        repo: &Repo,
        config: &Config,
        destination: &Destination,
        branch: &BranchName,
        commit: Oid,
        alone: Alone,
    ) -> Result<Self, FanoutError> {
        let namespace = read_namespace(config)?;
        let ledger = LedgerRef::local(branch);
        let tracking = ledger.to_tracking(destination.key()).to_ref().map_err(crate::git::Error::from)?;
        let push = LedgerPush {
            name: ledger.to_ref().map_err(crate::git::Error::from)?,
            target: namespace.ledger(&ledger).map_err(crate::git::Error::from)?,
            known: repo.read_ref(tracking.name())?,
            branch: Some(branch.clone()),
            tip: commit,
            commits: Vec::new(),
            alone: Some(alone),
            ledger,
        };
        Ok(Self { pushes: vec![push], namespace, ..Self::default() })
    }

    /// The ledgers beside which something was left there that can be taken in, each with one commit of it.
    fn inboxes(
        &self,
        repo: &Repo,
        config: &Config,
        destination: &Destination,
    ) -> Result<BTreeMap<LedgerRef, Oid>, FanoutError> {
        let mut found = BTreeMap::new();
        let ledgers = Inbox::ledgers(repo, destination.key())?;
        if ledgers.is_empty() {
            return Ok(found);
        }
        let refusals = Refusals::open(repo, config, destination);
        for ledger in ledgers {
            let inbox = Inbox::of(repo, &ledger, destination.key())?;
            let tips = inbox.without_refused(&ledger, self.namespace, &refusals)?.tips;
            found.extend(tips.first().map(|tip| (ledger.to_local(), *tip)));
        }
        Ok(found)
    }

    /// The ledgers as by [`Plan::new`], with the notes.
    ///
    /// # Errors
    ///
    /// As [`Plan::new`], and when the notes of this repository cannot be read.
    pub fn whole(
        repo: &Repo,
        config: &Config,
        destination: &Destination,
        updates: &[PushUpdate],
        signature: &Signature,
    ) -> Result<Self, FanoutError> {
        let mut plan = Self::new(repo, config, destination, updates)?;
        plan.add_notes(repo, config, destination, updates, signature)?;
        Ok(plan)
    }

    /// Whether nothing of ours goes there: neither is there anything to push, nor does the user's own push bring any.
    pub fn is_empty(&self) -> bool {
        self.pushes.is_empty() && self.notes.is_none() && !self.is_typed
    }
}

/// Whether what the remote is known to have is the ledger, or ahead of it.
fn has_all(repo: &Repo, known: Option<Oid>, tip: Oid) -> Result<bool, FanoutError> {
    match known {
        None => Ok(false),
        Some(known) if known == tip => Ok(true),
        Some(known) => Ok(repo.has(known)? && repo.is_ancestor(tip, known)?),
    }
}

/// The branch of a ledger; a very long name stands in the ledger only.
fn branch_of(repo: &Repo, ledger: &LedgerRef) -> Result<Option<BranchName>, FanoutError> {
    match ledger.branch() {
        Some(branch) => Ok(Some(branch)),
        None => Ok(LedgerView::open(repo, ledger)?.and_then(|view| view.branch().cloned())),
    }
}

/// Whether the remote has, or gets by this push, every commit that the ledger of a branch may be about: those of the
/// local branch of that name, of any that follows it over there, and the commit of a detached HEAD.
fn is_published(
    repo: &Repo,
    config: &Config,
    destination: &Destination,
    updates: &[PushUpdate],
    branch: Option<&BranchName>,
) -> Result<bool, FanoutError> {
    let Some(branch) = branch else { return Ok(false) };
    let remote = destination.name();
    let follows = |name: &BranchName| {
        let upstream = config.upstream(name);
        name == branch || upstream.is_some_and(|up| Some(up.remote.as_str()) == remote && up.branch == *branch)
    };
    let mut tips: Vec<Oid> = repo
        .refs("refs/heads/")?
        .into_iter()
        .filter_map(|local| local.name.branch().filter(follows).map(|_| local.oid))
        .collect();
    let detached = branch.as_bytes().strip_prefix(b"detached@").and_then(|id| str::from_utf8(id).ok());
    tips.extend(detached.and_then(|id| repo.rev_parse(id).ok()));
    if tips.is_empty() {
        // Nobody here can have more commits of it than the remote, if that has the branch at all.
        let tracking = remote.and_then(|remote| branch.tracking_ref(remote).ok());
        return Ok(tracking.map(|name| repo.read_ref(&name)).transpose()?.flatten().is_some());
    }
    let exclude = Exclude {
        commits: updates.iter().filter_map(|update| update.new).collect(),
        tracked_by: remote.map(str::to_owned),
    };
    Ok(repo.rev_list(&tips, &exclude, WalkLimits::commits(1))?.commits.is_empty())
}
