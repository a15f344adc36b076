//! What the verbs that write need: the repository, its configuration, the user's git, the redactor.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use git_opensession::fanout::FanoutError;
use git_opensession::git::process::{GitProgram, Prompts};
use git_opensession::git::{self, Config, Repo, Signature};
use git_opensession::honour::honour;
use git_opensession::ledger::Appender;
use git_opensession::redaction::Redactor;
use git_opensession::store::Store;

use crate::context::Context;
use crate::report::Failure;

/// How long a ref that another process has locked is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A repository to work in, and the tools for it.
pub struct Work {
    pub repo: Rc<Repo>,
    pub config: Config,
    pub program: GitProgram,
    pub redactor: Redactor,
    pub signature: Signature,
}

impl Work {
    /// Of the current folder.
    ///
    /// # Errors
    /// When there is no repository that can be used.
    pub fn new(context: &Context) -> Result<Self, Failure> {
        let repo = context.repo()?;
        let config = context.config(&repo)?;
        let identity = config.committer(&context.git_environment);
        let signature = Signature { identity, time: context.now.seconds(), offset: 0 };
        let program = GitProgram::new(&context.git_environment, &context.cwd);
        Ok(Self { repo, config, program, redactor: Redactor::new(&context.person()), signature })
    }

    /// Takes out here what was purged elsewhere, as far as somebody has fetched that.
    ///
    /// # Errors
    /// When a live ledger or the notes cannot be read or written.
    pub fn follow(&self) -> Result<(), Failure> {
        honour(&self.repo, &[], &self.appender()).map(drop).map_err(FanoutError::from)?;
        Ok(())
    }

    /// Who makes the commits of ledgers; a ref that another process has locked is waited for a while.
    pub fn appender(&self) -> Appender<'_> {
        Appender { signature: &self.signature, lock: None, deadline: Instant::now() + PATIENCE }
    }
}

/// The repository of the current folder; outside of any, the user's own store, and the folder that is in none.
///
/// # Errors
/// When there is a repository that cannot be used, or the store cannot be made.
pub fn repo_or_own(context: &Context) -> Result<(Rc<Repo>, Option<PathBuf>), Failure> {
    match context.repo() {
        Ok(repo) => Ok((repo, None)),
        Err(Failure::Git(git::Error::NotARepository { path })) => {
            Ok((Rc::new(Store::make_own(&context.git_environment)?), Some(path)))
        }
        Err(failure) => Err(failure),
    }
}

/// Who makes commits outside of any repository.
///
/// # Errors
/// When the user's configuration cannot be read.
pub fn signature_outside(context: &Context) -> Result<Signature, Failure> {
    let identity = Config::outside(&context.git_environment)?.committer(&context.git_environment);
    Ok(Signature { identity, time: context.now.seconds(), offset: 0 })
}

/// The remote that was named, if it can be one: a configured one, or an address.
///
/// # Errors
/// When it is neither.
pub fn known_remote(work: &Work, named: Option<&str>, default: Option<&str>) -> Result<String, Failure> {
    let Some(name) = named else {
        return default.map(str::to_owned).ok_or(Failure::NoRemote);
    };
    if !name.contains([':', '/', '\\']) && !work.config.remotes().contains(&name) {
        return Err(Failure::UnknownRemote { name: name.to_owned() });
    }
    Ok(name.to_owned())
}

/// Whom git may ask for credentials, for what somebody has typed himself.
pub fn prompts(context: &Context) -> Prompts {
    if context.talk.can_ask() { Prompts::Terminal } else { Prompts::Askpass }
}
