//! What a capture without a push is about.

use super::Target;
use crate::git::{self, BranchName, Config, Exclude, Head, Oid, Repo, WalkLimits};

/// How many commits are looked at when nobody says which.
const MOST_COMMITS: usize = 10_000;

/// The targets of a capture that no push has asked for.
///
/// The ledger is that of `branch`, else of the branch that HEAD's branch follows (by the name it has there), else of
/// HEAD's branch itself, else, without any branch, of `detached@<first 8 digits of the commit>`. The commits are those of
/// `range` (as for `git log`: `a..b`, or a revision, which then stands for that one commit), else those that HEAD has
/// and the remote of its branch does not, as far as is known.
///
/// # Errors
/// When the range names nothing, or history cannot be read.
pub fn targets_by_hand(
    repo: &Repo,
    config: &Config,
    range: Option<&str>,
    branch: Option<BranchName>,
) -> git::Result<Vec<Target>> {
    let head = repo.head()?;
    let limits = WalkLimits::commits(MOST_COMMITS);
    let commits = match (range, &head) {
        (Some(range), _) if range.contains("..") => repo.rev_list_text(range, limits)?.commits,
        (Some(revision), _) => vec![repo.rev_parse(revision)?],
        (None, Head::Unborn { .. }) => Vec::new(),
        (None, Head::Branch { name, tip }) => unpushed(repo, config, Some(name), *tip, limits)?,
        (None, Head::Detached { commit }) => unpushed(repo, config, None, *commit, limits)?,
    };
    let branch = match branch {
        Some(branch) => branch,
        None => ledger_branch(config, head)?,
    };
    Ok(vec![Target { branch, commits }])
}

/// The branch whose ledger takes what is made at HEAD, and no push has asked for.
///
/// # Errors
/// Never in practice: the name for a detached HEAD is one that a branch may have.
pub fn ledger_branch(config: &Config, head: Head) -> git::Result<BranchName> {
    match head {
        Head::Branch { name, .. } | Head::Unborn { name } => {
            Ok(config.upstream(&name).map_or(name, |upstream| upstream.branch))
        }
        Head::Detached { commit } => {
            let digits: String = commit.to_string().chars().take(8).collect();
            Ok(BranchName::new(format!("detached@{digits}"))?)
        }
    }
}

fn unpushed(
    repo: &Repo,
    config: &Config,
    branch: Option<&BranchName>,
    tip: Oid,
    limits: WalkLimits,
) -> git::Result<Vec<Oid>> {
    let remote = branch.and_then(|branch| config.upstream(branch)).map(|upstream| upstream.remote);
    let remote = remote.filter(|remote| remote != ".").or_else(|| config.push_remote(branch).map(str::to_owned));
    let exclude = Exclude { commits: Vec::new(), tracked_by: remote };
    Ok(repo.rev_list(&[tip], &exclude, limits)?.commits)
}
