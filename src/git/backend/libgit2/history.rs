//! History by libgit2.

use std::collections::BTreeSet;
use std::time::Instant;

use git2::{ErrorCode, ObjectType, Sort};

use super::Libgit2;
use crate::git::backend::History;
use crate::git::{Error, Oid, Result, WalkLimits, Walked};

impl History for Libgit2 {
    fn rev_parse(&self, text: &str) -> Result<Oid> {
        let unknown = || Error::UnknownRevision { text: text.to_owned() };
        let object = self.git.revparse_single(text).map_err(|error| match error.code() {
            ErrorCode::Ambiguous => Error::AmbiguousRevision { text: text.to_owned() },
            _ => unknown(),
        })?;
        let commit = object.peel(ObjectType::Commit).map_err(|_| unknown())?;
        Ok(Oid::from_git(commit.id())?)
    }

    fn peel(&self, oid: Oid) -> Result<Oid> {
        let object = self.git.find_object(oid.to_git()?, None).map_err(|error| match error.code() {
            ErrorCode::NotFound => Error::Missing(oid),
            _ => Error::Damaged { oid, reason: error.message().to_owned() },
        })?;
        match object.peel(ObjectType::Commit) {
            Ok(commit) => Ok(Oid::from_git(commit.id())?),
            Err(error) if error.code() == ErrorCode::NotFound => Err(Error::Missing(oid)),
            Err(_) => Err(Error::WrongKind { oid, wanted: "commit" }),
        }
    }

    fn walk(&self, tips: &[Oid], hidden: &BTreeSet<Oid>, limits: WalkLimits) -> Result<Walked> {
        let failed = |error| Error::git("walk the history of", self.git.commondir().display())(error);
        let mut walk = self.git.revwalk().map_err(failed)?;
        walk.set_sorting(Sort::TIME).map_err(failed)?;
        for tip in tips {
            walk.push(tip.to_git()?).map_err(failed)?;
        }
        for oid in hidden {
            walk.hide(oid.to_git()?).map_err(failed)?;
        }
        let mut walked = Walked::default();
        for commit in walk {
            let late = limits.deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if walked.commits.len() >= limits.commits || late {
                walked.truncated = true;
                break;
            }
            match commit {
                Ok(commit) => walked.commits.push(Oid::from_git(commit)?),
                Err(error) if error.code() == ErrorCode::NotFound => {
                    walked.truncated = true;
                    break;
                }
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(walked)
    }

    fn merge_base(&self, one: Oid, two: Oid) -> Result<Option<Oid>> {
        match self.git.merge_base(one.to_git()?, two.to_git()?) {
            Ok(base) => Ok(Some(Oid::from_git(base)?)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(Error::git("find a common ancestor of", format!("{one} and {two}"))(error)),
        }
    }

    fn is_ancestor(&self, ancestor: Oid, commit: Oid) -> Result<bool> {
        let found = self.git.graph_descendant_of(commit.to_git()?, ancestor.to_git()?);
        found.map_err(Error::git("look for an ancestor of", commit))
    }
}
