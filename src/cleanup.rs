//! What the first OpenSession called cleanup: what belongs to no branch any more goes after a while.
//!
//! Of the ledgers, here and at remotes, go the sessions that are older than so many days and tied to no commit of a branch
//! or tag that there is, nor to one that such a commit was made from ([`crate::prune`] takes them out); what was shared in the
//! ledger of a branch stays as long as the branch. Of the handoffs here go the old ones that nobody has pinned.
//!
//! A branch is gone only if the remote says which ones it has, and this is not among them: a remote that cannot be asked,
//! and history that is not here, are errors.

use std::collections::{BTreeSet, HashSet};

use crate::fanout::Destination;
use crate::git::remote::{Network, RemoteError};
use crate::git::{self, BranchName, Config, Exclude, Oid, Repo, WalkLimits};
use crate::handoff::{ArtifactId, Store, StoreError};
use crate::ledger::{self, Day};
use crate::prune::{self, Age};
use crate::session::Timestamp;
use crate::settings::{BadSetting, Setting};

/// How many commits of all branches are looked at.
const COMMITS: usize = 5_000_000;

/// After how many days things go, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Sessions of branches that are gone.
    pub hidden_ttl_days: u32,
    /// Handoffs that are not pinned.
    pub artifact_ttl_days: u32,
    /// The remote whose ledgers are cleaned, too.
    pub remote: Option<String>,
}

/// What goes.
#[derive(Debug)]
pub struct Plan {
    /// Sessions.
    pub sessions: prune::Plan,
    /// Handoffs, and the day they were last added to.
    pub handoffs: Vec<(ArtifactId, Day)>,
}

/// Why nothing can be planned.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// History is cut off: what branches have cannot be told.
    #[error("this clone is shallow: which commits the branches have cannot be told here")]
    Shallow,
    /// A branch of a remote is not here.
    #[error("{label} has {branch} at a commit that is not here")]
    NotHere {
        /// The remote.
        label: String,
        /// The branch.
        branch: String,
    },
    /// There are more commits than are looked at, or some are missing.
    #[error("not all commits of the branches can be looked at")]
    Cut,
    /// A ledger.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// The repository.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The remote.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The handoffs.
    #[error(transparent)]
    Handoff(#[from] StoreError),
}

impl Terms {
    /// As configured; `None` if nobody has said after how many days sessions go.
    ///
    /// # Errors
    /// When it is no number.
    pub fn read(config: &Config) -> Result<Option<Self>, BadSetting> {
        let days = |setting: Setting| {
            let Some(value) = config.get(setting.key()) else { return Ok(None) };
            // What passes is a number.
            Ok::<_, BadSetting>(setting.check(value)?.parse().ok())
        };
        let Some(hidden_ttl_days) = days(Setting::HiddenTtl)? else { return Ok(None) };
        let artifact_ttl_days = days(Setting::ArtifactTtl)?.unwrap_or(hidden_ttl_days);
        let remote = config.get(Setting::CleanupRemote.key()).filter(|remote| !remote.is_empty());
        Ok(Some(Self { hidden_ttl_days, artifact_ttl_days, remote: remote.map(str::to_owned) }))
    }
}

impl Plan {
    /// Looks through the ledgers, which have been fetched, and the handoffs.
    ///
    /// # Errors
    /// When a remote does not say which branches it has, or their commits are not all here.
    pub fn new(
        repo: &Repo,
        network: &Network<'_>,
        destinations: &[Destination],
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Self, Error> {
        if repo.is_shallow() {
            return Err(Error::Shallow);
        }
        let Branches { names, tips } = Branches::of(repo, network, destinations)?;
        let none = Exclude { commits: Vec::new(), tracked_by: None };
        let walked = repo.rev_list(&tips, &none, WalkLimits::commits(COMMITS))?;
        if walked.truncated {
            return Err(Error::Cut);
        }
        let reached: HashSet<Oid> = walked.commits.into_iter().collect();
        let sessions = prune::Plan::keeping(repo, Age::Days(terms.hidden_ttl_days).floor(now), &reached, &names)?;
        let handoffs = old_handoffs(repo, Age::Days(terms.artifact_ttl_days).floor(now))?;
        Ok(Self { sessions, handoffs })
    }

    /// Removes the handoffs.
    ///
    /// # Errors
    /// When one cannot be removed; one that somebody has pinned meanwhile stays.
    pub fn remove_handoffs(&self, repo: &Repo) -> Result<(), Error> {
        let store = Store::new(repo);
        for (id, _) in &self.handoffs {
            match store.remove(*id) {
                Ok(()) | Err(StoreError::Pinned { .. } | StoreError::Unknown { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// The branches that there are, here and at the remotes.
#[derive(Default)]
struct Branches {
    names: BTreeSet<BranchName>,
    /// Where they are, and where the tags are.
    tips: Vec<Oid>,
}

impl Branches {
    fn of(repo: &Repo, network: &Network<'_>, destinations: &[Destination]) -> Result<Self, Error> {
        let mut found = Self::default();
        for head in repo.refs("refs/heads/")? {
            found.names.extend(head.name.branch());
            found.tips.push(head.oid);
        }
        found.tips.extend(repo.refs("refs/remotes/")?.into_iter().map(|tracked| tracked.oid));
        // A tag may be of something else than a commit.
        let tags = repo.refs("refs/tags/")?;
        found.tips.extend(tags.iter().filter_map(|tag| repo.rev_parse(&tag.oid.to_string()).ok()));
        for destination in destinations {
            for (name, oid) in network.ls_remote(&destination.endpoint(network.config), &["refs/heads/*"])? {
                if !repo.has(oid)? {
                    return Err(Error::NotHere { label: destination.label(), branch: name.to_string() });
                }
                found.names.extend(name.branch());
                found.tips.push(oid);
            }
        }
        Ok(found)
    }
}

/// Handoffs that are not pinned, and whose sessions are all of before a day. What cannot be read stays.
fn old_handoffs(repo: &Repo, floor: Day) -> Result<Vec<(ArtifactId, Day)>, Error> {
    let listed = Store::new(repo).list()?.into_iter().filter(|listed| listed.pins.is_empty());
    let aged = listed.filter_map(|listed| {
        let newest = listed.artifact.ok()?.sources.iter().map(|source| source.updated).max()?;
        Some((listed.id, Day::of(newest)))
    });
    Ok(aged.filter(|(_, day)| *day < floor).collect())
}
