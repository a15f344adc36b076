//! The patch of a whole branch, which is what a squash merge of it has.
//!
//! Against what? The branch that it will be merged into is not known, so each that may be is asked for a common ancestor:
//! the default branches of all remotes (`refs/remotes/<remote>/HEAD`, and the usual names), and the branch that it follows.
//! Mostly they are one commit.

use std::collections::HashSet;

use super::patch_of;
use crate::git::{self, BranchName, Config, Exclude, Oid, PatchId, PatchLimits, RefValue, Repo, WalkLimits};

/// A branch with more commits than this is none that is squashed.
const MOST_COMMITS: usize = 500;
/// How many of them are held against the patch of all: where the others cancel each other out, it is that of one.
const MOST_COMPARED: usize = 64;
/// How many branches are asked for a common ancestor, and against how many ancestors a patch is made.
const MOST_TARGETS: usize = 8;
const MOST_BASES: usize = 3;
/// The usual names of branches that others are merged into.
const USUAL: [&str; 5] = ["HEAD", "main", "master", "trunk", "develop"];

/// A branch against one that it may be merged into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// The patch of all of it.
    pub patch: PatchId,
    /// Its commits without merges, newest first: several.
    pub commits: Vec<Oid>,
}

/// The patches of the branch with that tip, nearest ancestor first. None for a branch of one commit, which has the patch
/// of that, as has one whose other commits cancel each other out; for one that is merged already; for one that is too large.
///
/// # Errors
/// When history or objects cannot be read.
pub fn branches(repo: &Repo, config: &Config, branch: &BranchName, tip: Oid) -> git::Result<Vec<Branch>> {
    let mut bases = Vec::new();
    for target in targets(repo, config, branch)?.into_iter().take(MOST_TARGETS) {
        // Where history is cut off nothing can be said.
        let Ok(Some(base)) = repo.merge_base(target, tip) else { continue };
        if base != tip && !bases.iter().any(|(_, known)| *known == base) {
            bases.push((repo.commit(base)?.commit_time, base));
        }
    }
    bases.sort_by(|one, other| other.cmp(one));
    let mut found: Vec<Branch> = Vec::new();
    for (_, base) in bases.into_iter().take(MOST_BASES) {
        let Some(branch) = against(repo, base, tip)? else { continue };
        if !found.iter().any(|known| known.patch == branch.patch) {
            found.push(branch);
        }
    }
    Ok(found)
}

/// The tips of the branches that this one may be merged into.
fn targets(repo: &Repo, config: &Config, branch: &BranchName) -> git::Result<Vec<Oid>> {
    let named = config.get("init.defaultbranch");
    let followed = repo.head()?.branch().and_then(|head| config.upstream(head)).filter(|it| it.branch != *branch);
    let followed = followed.map(|upstream| format!("refs/remotes/{}/{}", upstream.remote, upstream.branch));
    let is_target = |found: &RefValue| {
        let Ok(name) = str::from_utf8(found.name.as_bytes()) else { return false };
        let last = name.rsplit('/').next().unwrap_or_default();
        USUAL.contains(&last) || named == Some(last) || followed.as_deref() == Some(name)
    };
    let mut seen = HashSet::new();
    let found = repo.refs("refs/remotes/")?.into_iter().filter(is_target).map(|found| found.oid);
    Ok(found.filter(|oid| seen.insert(*oid)).collect())
}

fn against(repo: &Repo, base: Oid, tip: Oid) -> git::Result<Option<Branch>> {
    let exclude = Exclude { commits: vec![base], tracked_by: None };
    let walked = repo.rev_list(&[tip], &exclude, WalkLimits::commits(MOST_COMMITS))?;
    if walked.truncated {
        return Ok(None);
    }
    let mut commits = Vec::new();
    for oid in walked.commits {
        if repo.commit(oid)?.parents.len() < 2 {
            commits.push(oid);
        }
    }
    if commits.len() < 2 {
        return Ok(None);
    }
    let [old, new] = [repo.commit(base)?.tree, repo.commit(tip)?.tree];
    let Some(patch) = repo.patch_between(Some(old), new, PatchLimits::default(), &mut |_| {})? else { return Ok(None) };
    for oid in commits.iter().take(MOST_COMPARED) {
        if patch_of(repo, &repo.commit(*oid)?)? == Some(patch) {
            return Ok(None);
        }
    }
    Ok(Some(Branch { patch, commits }))
}
