//! `handoff`: work handed over to the next agent or colleague.

mod artifacts;
mod build;
mod exchange;
mod resume;

use std::path::PathBuf;
use std::rc::Rc;

use git_opensession::browse;
use git_opensession::git::{self, Repo};
use git_opensession::store::Store;

use super::work;
use crate::cli::{Handoff, HandoffVerb};
use crate::context::Context;
use crate::report::{Exit, Failure};

pub fn run(context: &mut Context, arguments: &Handoff) -> Result<Exit, Failure> {
    match &arguments.verb {
        HandoffVerb::Build(arguments) => build::run(context, arguments),
        HandoffVerb::Artifacts(arguments) => artifacts::run(context, arguments),
        HandoffVerb::Push(arguments) => exchange::push(context, arguments),
        HandoffVerb::Fetch(arguments) => exchange::fetch(context, arguments),
        HandoffVerb::Resume(arguments) => resume::run(context, arguments),
    }
}

/// Where artifacts are kept: in this repository; outside of any, in the user's own store.
struct Place {
    repo: Rc<Repo>,
    /// The folder that is in no repository.
    outside: Option<PathBuf>,
}

impl Place {
    /// To keep something: the user's own store is made if there is none.
    fn to_write(context: &Context) -> Result<Self, Failure> {
        let (repo, outside) = work::repo_or_own(context)?;
        Ok(Self { repo, outside })
    }

    /// To read: where nothing was kept yet, nothing is made.
    fn to_read(context: &Context) -> Result<Self, Failure> {
        match context.repo() {
            Ok(repo) => Ok(Self { repo, outside: None }),
            Err(Failure::Git(git::Error::NotARepository { path })) => {
                match Store::open_own(&context.git_environment)? {
                    Some(repo) => Ok(Self { repo: Rc::new(repo), outside: Some(path) }),
                    None => Err(Failure::Git(git::Error::NotARepository { path })),
                }
            }
            Err(failure) => Err(failure),
        }
    }

    /// What names nothing outside of a repository may name something in one.
    fn explain(&self, failure: Failure) -> Failure {
        match (failure, &self.outside) {
            (Failure::Browse(browse::Error::Unknown { .. } | browse::Error::NoRange { .. }), Some(folder)) => {
                Failure::Git(git::Error::NotARepository { path: folder.clone() })
            }
            (failure, _) => failure,
        }
    }
}
