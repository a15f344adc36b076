//! `fsck`: ledgers held against every rule.

use git_opensession::fetch::{self, fetch, source};
use git_opensession::fsck::fsck;
use git_opensession::git::remote::Network;
use git_opensession::ledger::Scope;

use super::work::{self, Work};
use crate::cli::Fsck;
use crate::context::Context;
use crate::report::{self, Exit, Failure};

pub fn run(context: &mut Context, arguments: &Fsck) -> Result<Exit, Failure> {
    let work = Work::new(context)?;
    let key = match &arguments.remote {
        Some(remote) => Some(fetched(context, &work, remote)?),
        None => None,
    };
    let found = {
        let _progress = context.talk.progress("Checking ledgers");
        fsck(&work.repo, &work.config, key.as_deref().map_or(Scope::All, Scope::Remote))?
    };
    report::fsck::tell(context, &found, arguments.json)
}

/// Fetches the ledgers of a remote; gives what they are filed under.
fn fetched(context: &Context, work: &Work, remote: &str) -> Result<String, Failure> {
    let remote = work::known_remote(work, Some(remote), None)?;
    let network = Network { git: &work.program, config: &work.config, prompts: work::prompts(context), deadline: None };
    let key = source(&work.repo, &network, &remote)?.key().to_owned();
    let _progress = context.talk.progress("Fetching sessions");
    match fetch(&work.repo, &network, &remote, &work.appender()) {
        // What came cannot be counted; what is wrong with it is what is asked here.
        Ok(_) | Err(fetch::Error::Ledger(_)) => Ok(key),
        Err(error) => Err(error.into()),
    }
}
