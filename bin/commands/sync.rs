//! `sync`: the ledgers here and at a remote, brought together.

use std::ffi::OsStr;

use git_opensession::fanout::{Consent, Destination};
use git_opensession::git::remote::{Direction, Network, addresses};
use git_opensession::sync::{Synced, sync};
use git_opensession::view::{Safe, counted, json};
use serde::Serialize;

use super::fetch::{self, ToldFetch, tell_more, write_all};
use super::push::{self, Told};
use super::work::{self, Work};
use crate::cli::Sync;
use crate::context::Context;
use crate::report::{Exit, Failure};

pub fn run(context: &mut Context, arguments: &Sync) -> Result<Exit, Failure> {
    let work = Work::new(context)?;
    let head = work.repo.head()?;
    let default = work.config.push_remote(head.branch());
    let remote = work::known_remote(&work, arguments.remote.as_deref(), default)?;
    push::write_notes(&work)?;
    let mut done = Vec::new();
    for url in addresses(&work.program, &remote, Direction::Push)? {
        let destination = Destination::of_push(OsStr::new(&remote), url.expose(), &work.config, work.repo.base());
        done.push(one(context, &work, &destination)?);
    }
    if arguments.json {
        let remotes: Vec<_> = done.iter().map(ToldSync::of).collect();
        context.out.write(|out, _| json::write_list(out, "opensession.sync/1", "remotes", remotes))?;
    } else {
        context.out.write(|out, _| {
            done.iter().try_for_each(|synced| {
                write_all(out, &synced.fetched)?;
                writeln!(out, "{}", Safe::line(&summary(synced)))
            })
        })?;
    }
    for synced in &done {
        tell_more(context, &synced.fetched);
        for (_, why) in &synced.failed {
            context.talk.warn(&why.to_string(), &[]);
        }
        if let Some(report) = &synced.pushed {
            push::tell_failures(context, report);
        }
    }
    let exit = push::exit(done.iter().filter_map(|synced| synced.pushed.as_ref()));
    let is_partly = |synced: &Synced| !synced.failed.is_empty() || fetch::exit(&synced.fetched) == Exit::Partly;
    Ok(if exit == Exit::Done && done.iter().any(is_partly) { Exit::Partly } else { exit })
}

fn one(context: &Context, work: &Work, destination: &Destination) -> Result<Synced, Failure> {
    let network = Network { git: &work.program, config: &work.config, prompts: work::prompts(context), deadline: None };
    let may_push = |consent: Consent| push::allowed(context, destination, consent).map(|()| true);
    let _progress = context.talk.progress("Syncing sessions");
    sync(&work.repo, network, destination, &work.appender(), may_push)?
}

/// `origin: 2 ledgers joined; 3 sessions (2 commits) -> origin`
fn summary(synced: &Synced) -> String {
    let label = &synced.fetched.label;
    let joined = match synced.joined.len() {
        0 => None,
        count => Some(format!("{} joined", counted(count as u64, "ledger"))),
    };
    let pushed = synced.pushed.as_ref().and_then(git_opensession::fanout::Report::summary);
    let parts: Vec<String> = joined.into_iter().chain(pushed).collect();
    if parts.is_empty() { format!("{label}: in sync") } else { format!("{label}: {}", parts.join("; ")) }
}

#[derive(Serialize)]
struct ToldSync<'a> {
    fetched: ToldFetch<'a>,
    joined: Vec<ToldJoin>,
    failed: Vec<ToldFailure>,
    pushed: Told,
}

#[derive(Serialize)]
struct ToldJoin {
    branch: Option<String>,
    #[serde(rename = "ref")]
    name: String,
    old: String,
    new: String,
}

#[derive(Serialize)]
struct ToldFailure {
    #[serde(rename = "ref")]
    name: String,
    reason: String,
}

impl<'a> ToldSync<'a> {
    fn of(synced: &'a Synced) -> Self {
        let joined = synced.joined.iter().map(|joined| ToldJoin {
            branch: joined.ledger.branch().map(|branch| branch.to_string()),
            name: joined.ledger.to_string(),
            old: joined.old.to_string(),
            new: joined.new.to_string(),
        });
        let failed = synced.failed.iter();
        let failed = failed.map(|(ledger, why)| ToldFailure { name: ledger.to_string(), reason: why.to_string() });
        Self {
            fetched: ToldFetch::of(&synced.fetched),
            joined: joined.collect(),
            failed: failed.collect(),
            pushed: Told::of_push(&synced.fetched.label, &synced.plan, synced.pushed.as_ref()),
        }
    }
}
