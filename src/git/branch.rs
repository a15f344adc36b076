//! Where HEAD is, and what a branch is called elsewhere.

use super::{BranchName, Config, Error, Oid, RefName, Repo, Result};

/// Where HEAD of this worktree is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// On a branch with commits.
    Branch {
        /// The branch.
        name: BranchName,
        /// Its tip.
        tip: Oid,
    },
    /// On a branch without commits yet.
    Unborn {
        /// The branch.
        name: BranchName,
    },
    /// On no branch.
    Detached {
        /// The commit.
        commit: Oid,
    },
}

/// The branch that another branch follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// The remote's name; `.` is this repository.
    pub remote: String,
    /// The branch's name there (`branch.<name>.merge`).
    pub branch: BranchName,
}

impl Head {
    /// The branch, with commits or without.
    pub fn branch(&self) -> Option<&BranchName> {
        match self {
            Self::Branch { name, .. } | Self::Unborn { name } => Some(name),
            Self::Detached { .. } => None,
        }
    }

    /// The commit, if there is one.
    pub fn commit(&self) -> Option<Oid> {
        match self {
            Self::Branch { tip: commit, .. } | Self::Detached { commit } => Some(*commit),
            Self::Unborn { .. } => None,
        }
    }
}

impl Repo {
    /// Where HEAD of this worktree is.
    ///
    /// # Errors
    /// [`Error::UnknownRevision`] if HEAD names neither a branch nor an object; [`Error::Git`] if it does not parse.
    pub fn head(&self) -> Result<Head> {
        let oid = self.read_ref(&RefName::head())?;
        match (self.head_branch(), oid) {
            (Some(name), Some(tip)) => Ok(Head::Branch { name, tip }),
            (Some(name), None) => Ok(Head::Unborn { name }),
            (None, Some(commit)) => Ok(Head::Detached { commit }),
            (None, None) => Err(Error::UnknownRevision { text: "HEAD".to_owned() }),
        }
    }
}

impl Config {
    /// The upstream of a branch; `None` if it has none, or one that is no branch.
    pub fn upstream(&self, branch: &BranchName) -> Option<Upstream> {
        let remote = self.get(&format!("branch.{branch}.remote"))?.to_owned();
        let merge = self.get(&format!("branch.{branch}.merge"))?;
        Some(Upstream { remote, branch: RefName::new(merge).ok()?.branch()? })
    }

    /// The names of the configured remotes, sorted.
    pub fn remotes(&self) -> Vec<&str> {
        let names = self.with_prefix("remote.").filter_map(|entry| {
            let name = entry.key.strip_prefix("remote.")?;
            name.strip_suffix(".url").or_else(|| name.strip_suffix(".pushurl"))
        });
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The remote that a plain `git push` of this branch goes to: `branch.<name>.pushRemote`, `remote.pushDefault`,
    /// `branch.<name>.remote`, the only remote there is, or `origin` (git-push(1)). `None` if there is no remote.
    pub fn push_remote(&self, branch: Option<&BranchName>) -> Option<&str> {
        let of_branch = |name: &str| self.get(&format!("branch.{}.{name}", branch?));
        let configured = of_branch("pushremote").or_else(|| self.get("remote.pushdefault"));
        configured.filter(|remote| !remote.is_empty()).or_else(|| self.fetch_remote(branch))
    }

    /// The remote that a plain `git fetch` on this branch asks: `branch.<name>.remote`, the only remote there is, or
    /// `origin` (git-fetch(1)). `None` if there is no remote.
    pub fn fetch_remote(&self, branch: Option<&BranchName>) -> Option<&str> {
        let configured = branch.and_then(|branch| self.get(&format!("branch.{branch}.remote")));
        configured.filter(|remote| !remote.is_empty()).or_else(|| match self.remotes().as_slice() {
            [only] => Some(*only),
            several => several.iter().find(|name| **name == "origin").copied(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Sandbox, in_every_kind};
    use super::*;

    in_every_kind!(head_is_on_a_branch_unborn_or_detached,);

    fn head_is_on_a_branch_unborn_or_detached() {
        let sandbox = Sandbox::new();
        let main = BranchName::new("main").unwrap();
        assert_eq!(sandbox.open().head().unwrap(), Head::Unborn { name: main.clone() });
        let tip = sandbox.commit_file("a", "1");
        let head = sandbox.open().head().unwrap();
        assert_eq!((head.branch(), head.commit()), (Some(&main), Some(tip)));
        assert_eq!(head, Head::Branch { name: main, tip });
        sandbox.git(&["checkout", "-q", "--detach"]);
        assert_eq!(sandbox.open().head().unwrap(), Head::Detached { commit: tip });
    }

    #[test]
    fn the_upstream_is_the_branchs_name_on_its_remote() {
        let sandbox = Sandbox::new();
        sandbox.git(&["config", "branch.Topic.One.remote", "origin"]);
        sandbox.git(&["config", "branch.Topic.One.merge", "refs/heads/topic/one"]);
        sandbox.git(&["config", "branch.half.remote", "origin"]);
        sandbox.git(&["config", "branch.tag.remote", "origin"]);
        sandbox.git(&["config", "branch.tag.merge", "refs/tags/v1"]);
        let config = sandbox.open().config(&sandbox.environment(&[])).unwrap();
        let upstream = |name: &str| config.upstream(&BranchName::new(name).unwrap());
        let expected = Upstream { remote: "origin".to_owned(), branch: BranchName::new("topic/one").unwrap() };
        assert_eq!(upstream("Topic.One"), Some(expected));
        for none in ["topic.one", "half", "tag", "main"] {
            assert_eq!(upstream(none), None, "{none}");
        }
    }

    #[test]
    fn a_plain_push_goes_where_git_sends_it() {
        let sandbox = Sandbox::new();
        let main = BranchName::new("main").unwrap();
        let remote = |branch: Option<&BranchName>| {
            sandbox.open().config(&sandbox.environment(&[])).unwrap().push_remote(branch).map(str::to_owned)
        };
        assert_eq!(remote(Some(&main)), None);
        sandbox.git(&["remote", "add", "fork.x", "../fork"]);
        assert_eq!(remote(Some(&main)).as_deref(), Some("fork.x"), "the only one");
        sandbox.git(&["remote", "add", "other", "../other"]);
        assert_eq!(remote(None), None);
        sandbox.git(&["remote", "add", "origin", "../origin"]);
        assert_eq!(remote(None).as_deref(), Some("origin"));
        sandbox.git(&["config", "branch.main.remote", "other"]);
        assert_eq!(remote(Some(&main)).as_deref(), Some("other"));
        sandbox.git(&["config", "remote.pushDefault", "fork.x"]);
        assert_eq!(remote(Some(&main)).as_deref(), Some("fork.x"));
        sandbox.git(&["config", "branch.main.pushRemote", "origin"]);
        assert_eq!(remote(Some(&main)).as_deref(), Some("origin"));
        let config = sandbox.open().config(&sandbox.environment(&[])).unwrap();
        assert_eq!(config.remotes(), ["fork.x", "origin", "other"]);
    }
}
