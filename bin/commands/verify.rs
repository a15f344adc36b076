//! `verify`: whether commits are explained, for CI.

use std::ffi::OsStr;

use git_opensession::fanout::Destination;
use git_opensession::git::WalkLimits;
use git_opensession::git::remote::{Direction, addresses};
use git_opensession::ledger::{Ledgers, Scope};
use git_opensession::settings::Require;
use git_opensession::verify::{behind, stale, unpushed};

use super::shown;
use super::work::{self, Work};
use crate::cli::{Requirement, Verify};
use crate::context::Context;
use crate::report::{self, Asking, Exit, Failure, verify::Verified};

/// How many commits are looked at.
const MOST: usize = 100_000;

pub fn run(context: &mut Context, arguments: &Verify) -> Result<Exit, Failure> {
    let work = Work::new(context)?;
    let require = match arguments.require {
        Some(Requirement::All) => Require::All,
        Some(Requirement::Agent) => Require::Agent,
        None => Require::read(&work.config)?.unwrap_or(Require::All),
    };
    let walked = work.repo.rev_list_text(&arguments.range, WalkLimits::commits(MOST));
    let is_shallow = work.repo.is_shallow();
    let walked = walked.map_err(|source| Asking::Range { text: arguments.range.clone(), is_shallow, source })?;
    let ledgers = Ledgers::open(&work.repo, Scope::All)?;
    let has_ledgers = ledgers.views().next().is_some();
    let mut unreadable = shown::warn_ledgers(&context.talk, &ledgers);
    let found = {
        let _progress = context.talk.progress("Looking for sessions");
        behind(&work.repo, &ledgers, &walked.commits, require)?
    };
    unreadable += shown::warn_all(&context.talk, &found.unreadable);
    let destination = destination(&work, arguments.remote.as_deref())?;
    let unpushed = match &destination {
        Some(destination) => unpushed(&work.repo, &work.config, destination, &walked.commits)?,
        None => Vec::new(),
    };
    let (stale, wrong) = stale(&ledgers, &found.sessions);
    for why in &wrong {
        context.talk.warn(why, &[]);
    }
    unreadable += wrong.len();
    let remote = destination.map(|destination| destination.label());
    let verified =
        Verified { require, found, unpushed, stale, remote, has_ledgers, unreadable, is_cut: walked.truncated };
    report::verify::tell(context, &verified, arguments.json)
}

/// Where the ledgers are to be; `None` if there is no remote.
fn destination(work: &Work, named: Option<&str>) -> Result<Option<Destination>, Failure> {
    let head = work.repo.head()?;
    let default = work.config.push_remote(head.branch());
    if named.is_none() && default.is_none() {
        return Ok(None);
    }
    let remote = work::known_remote(work, named, default)?;
    let url = addresses(&work.program, &remote, Direction::Push)?.into_iter().next();
    Ok(url.map(|url| Destination::of_push(OsStr::new(&remote), url.expose(), &work.config, work.repo.base())))
}
