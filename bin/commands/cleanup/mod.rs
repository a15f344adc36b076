//! `cleanup`: what OpenSession 0.2 called letting go of what belongs to no branch any more.

use std::io::{self, Write};

use git_opensession::cleanup::{Plan, Terms};
use git_opensession::fanout::Destination;
use git_opensession::git::{OwnKey, RemoteUrl};
use git_opensession::settings::Setting;
use git_opensession::source::remote_of;
use git_opensession::uri::Remote;

use super::rolled;
use super::work::{self, Work};
use crate::cli::{Cleanup, CleanupInit, CleanupVerb, Provider};
use crate::context::Context;
use crate::report::{CleanupFailure, Exit, Failure, cleanup as report, rolling};

pub fn run(context: &mut Context, arguments: &Cleanup) -> Result<Exit, Failure> {
    let work = Work::new(context)?;
    if let CleanupVerb::Init(arguments) = &arguments.verb {
        return init(context, &work, arguments);
    }
    let terms = Terms::read(&work.config)?;
    match (&arguments.verb, terms) {
        (CleanupVerb::Run(arguments), Some(terms)) => clean(context, &work, &terms, arguments.apply),
        (_, Some(terms)) => {
            context.out.write(|out, _| report::write_terms(out, &terms))?;
            clean(context, &work, &terms, false)
        }
        (CleanupVerb::Status, None) => {
            report::say_not_set_up(&context.talk);
            Ok(Exit::Done)
        }
        (_, None) => Err(CleanupFailure::NotSetUp.into()),
    }
}

/// Remembers the terms, and prints what does it regularly. No file is written: what runs where is for people to say.
fn init(context: &mut Context, work: &Work, arguments: &CleanupInit) -> Result<Exit, Failure> {
    let (hidden_ttl_days, artifact_ttl_days) = (arguments.hidden_ttl_days, arguments.artifact_ttl_days);
    let terms = Terms { hidden_ttl_days, artifact_ttl_days, remote: remote(work, arguments)? };
    report::say_terms(&context.talk, &terms);
    if !arguments.yes {
        match context.talk.ask("Remember this?") {
            Some(true) => {}
            None if !context.talk.can_ask() => {
                return Err(CleanupFailure::NeedsYes { terms }.into());
            }
            Some(false) | None => {
                context.talk.say("nothing was changed");
                return Ok(Exit::No);
            }
        }
    }
    for (setting, value) in [
        (Setting::HiddenTtl, Some(hidden_ttl_days.to_string())),
        (Setting::ArtifactTtl, Some(artifact_ttl_days.to_string())),
        (Setting::CleanupRemote, terms.remote.clone()),
    ] {
        let key = OwnKey::new(setting.key())?;
        match value {
            Some(value) => work.repo.set_config(&key, &value)?,
            None => drop(work.repo.unset_config(&key)?),
        }
    }
    let provider = provider(work, arguments.provider, terms.remote.as_deref());
    context.out.write(|out, _| report::write_schedule(out, provider, &terms))?;
    report::say_schedule(&context.talk, provider);
    Ok(Exit::Done)
}

/// The remote that was named, else `origin` or the only one; none, where there is none.
fn remote(work: &Work, arguments: &CleanupInit) -> Result<Option<String>, Failure> {
    if let Some(named) = &arguments.remote {
        return work::known_remote(work, Some(named), None).map(Some);
    }
    let remotes = work.config.remotes();
    let default = remotes.iter().find(|remote| **remote == "origin").or(remotes.first().filter(|_| remotes.len() == 1));
    Ok(default.map(|remote| (*remote).to_owned()))
}

/// Whatever the remote is at.
fn provider(work: &Work, asked: Provider, remote: Option<&str>) -> Provider {
    if asked != Provider::Auto {
        return asked;
    }
    let url = remote.and_then(|remote| work.config.get(&format!("remote.{remote}.url")));
    match url.map(|url| remote_of(&RemoteUrl::new(url), work.repo.base())) {
        Some(Ok(Remote::GitHub(_))) => Provider::Github,
        Some(Ok(Remote::GitLab(_))) => Provider::Gitlab,
        _ => Provider::Generic,
    }
}

fn clean(context: &mut Context, work: &Work, terms: &Terms, is_applied: bool) -> Result<Exit, Failure> {
    let destinations: Vec<Destination> = match &terms.remote {
        Some(remote) => rolled::destinations(work, Some(remote))?,
        None => Vec::new(),
    };
    let rolled = rolled::rolling(context, work);
    let fetched = rolled::fetch(context, &rolled, &destinations)?;
    let plan = {
        let _progress = context.talk.progress("Looking through the ledgers");
        Plan::new(&work.repo, &rolled.network, &destinations, terms, context.now)?
    };
    rolling::warn_unreadable(&context.talk, &plan.sessions.unreadable);
    context.out.write(|out, _| write_handoffs(out, &plan))?;
    let told = rolling::ToldPrune::new(&plan.sessions);
    let telling = rolling::Telling { is_dry_run: !is_applied, as_json: false, report: None, dropped: &[] };
    if !is_applied || (plan.sessions.is_empty() && plan.handoffs.is_empty()) {
        return told.tell(context, &plan.sessions, telling).map(|exit| exit.or(fetched));
    }
    let report = {
        let _progress = context.talk.progress("Rewriting ledgers");
        plan.remove_handoffs(&work.repo)?;
        rolled.run(&plan.sessions, &destinations)?
    };
    told.tell(context, &plan.sessions, telling.done(&report, &[])).map(|exit| exit.or(fetched))
}

fn write_handoffs(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    plan.handoffs.iter().try_for_each(|(id, day)| writeln!(out, "{id}: a handoff of {day}, not pinned"))
}
