//! What the verbs that roll ledgers have in common: where to, and a last question.

use std::ffi::OsStr;

use git_opensession::fanout::{Consent, Destination};
use git_opensession::git::remote::{Direction, Network, addresses};
use git_opensession::rolling::Rolling;

use super::fetch::warn_unfetched;
use super::work::{self, Work};
use crate::context::Context;
use crate::report::{Exit, Failure};

/// The addresses of the remote that was named; else of all remotes that may have sessions.
pub fn destinations(work: &Work, named: Option<&str>) -> Result<Vec<Destination>, Failure> {
    let remotes = match named {
        Some(_) => vec![work::known_remote(work, named, None)?],
        None => work.config.remotes().into_iter().map(str::to_owned).collect(),
    };
    let mut found = Vec::new();
    for remote in remotes {
        for url in addresses(&work.program, &remote, Direction::Push)? {
            let destination = Destination::of_push(OsStr::new(&remote), url.expose(), &work.config, work.repo.base());
            // To one that was named goes only what it has already, and less of it.
            if named.is_some() || destination.consent(&work.config)? == Consent::Given {
                found.push(destination);
            }
        }
    }
    Ok(found)
}

/// What rolls ledgers here.
pub fn rolling<'a>(context: &Context, work: &'a Work) -> Rolling<'a> {
    let network = Network { git: &work.program, config: &work.config, prompts: work::prompts(context), deadline: None };
    Rolling { repo: &work.repo, own: None, signature: &work.signature, network }
}

/// Fetches what the remotes have: a plan that does not know it is none. What could not be fetched is told, and then not all
/// can be done.
pub fn fetch(context: &Context, rolling: &Rolling<'_>, destinations: &[Destination]) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    for destination in destinations {
        let unfetched = {
            let _progress = context.talk.progress("Fetching sessions");
            rolling.fetch(destination)?
        };
        warn_unfetched(context, &destination.label(), &unfetched);
        exit = exit.or(if unfetched.is_empty() { Exit::Done } else { Exit::Partly });
    }
    Ok(exit)
}

/// Whether to go on: it was said, or is said now. `command` is what would do it without a question.
pub fn confirmed(context: &Context, yes: bool, question: &str, command: Vec<String>) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    match context.talk.ask(question) {
        Some(true) => Ok(true),
        Some(false) => {
            context.talk.say("nothing was changed");
            Ok(false)
        }
        None if context.talk.can_ask() => Ok(false),
        None => Err(Failure::Unconfirmed { command }),
    }
}
