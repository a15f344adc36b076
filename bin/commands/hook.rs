//! `hook pre-push`: what git calls before a push.

use std::ffi::OsStr;
use std::io::{self, Read as _};
use std::time::Instant;

use git_opensession::agents;
use git_opensession::capture::Listing;
use git_opensession::pre_push::PrePush;

use super::work::Work;
use crate::cli::{Hook, HookEvent};
use crate::context::Context;
use crate::report::{Exit, Failure, push};

/// Always 0 or 1: git takes anything else for a no, and an accident of ours must not be one.
pub fn run(context: &Context, arguments: &Hook) -> Exit {
    let HookEvent::PrePush { remote, url } = &arguments.event;
    match pre_push(context, remote, url) {
        Ok(exit) => exit,
        Err(failure) => {
            context.talk.failure(&failure);
            if push::is_strict(&context.environment) { Exit::No } else { Exit::Done }
        }
    }
}

fn pre_push(context: &Context, remote: &OsStr, url: &OsStr) -> Result<Exit, Failure> {
    let started = Instant::now();
    std::thread::scope(|scope| {
        // First of all: everything else is done meanwhile.
        let listing = Listing::begin(scope, agents::ALL, &context.environment);
        run_beside(context, started, listing, (remote, url))
    })
}

fn run_beside(
    context: &Context,
    started: Instant,
    listing: Listing<'_, '_>,
    (remote, url): (&OsStr, &OsStr),
) -> Result<Exit, Failure> {
    let mut input = Vec::new();
    io::stdin().lock().read_to_end(&mut input).map_err(Failure::Input)?;
    let work = Work::new(context)?;
    let hook = PrePush {
        repo: &work.repo,
        config: &work.config,
        git: &context.git_environment,
        environment: &context.environment,
        program: &work.program,
        parsers: agents::ALL,
        redactor: &work.redactor,
        signature: &work.signature,
        started,
    };
    let outcome = hook.run(remote, url, &input, listing);
    push::tell(&context.talk, &outcome);
    Ok(if outcome.must_fail() { Exit::No } else { Exit::Done })
}
