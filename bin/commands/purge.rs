//! `purge`: sessions out of every ledger, for good.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use git_opensession::git::{self, Repo};
use git_opensession::handoff;
use git_opensession::ledger::{Appender, Sid};
use git_opensession::purge::{Plan, Selection, forget, names_here};
use git_opensession::redaction::rules;
use git_opensession::rolling::{Outside, Report, Rolling};
use git_opensession::store::Store;
use git_opensession::view::counted;

use super::rolled;
use super::work::{self, Work};
use crate::cli::Purge;
use crate::context::Context;
use crate::report::{Exit, Failure, rolling as report};

/// How long another process that writes to the user's own store is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

pub fn run(context: &mut Context, arguments: &Purge) -> Result<Exit, Failure> {
    let selection = selection(arguments)?;
    let own = Store::open_own(&context.git_environment)?;
    let work = match (Work::new(context), &own, &selection) {
        (Err(Failure::Git(git::Error::NotARepository { .. })), Some(own), Selection::Named(names)) => {
            return outside(context, arguments, own, names);
        }
        (work, ..) => work?,
    };
    let destinations = rolled::destinations(&work, arguments.remote.as_deref())?;
    let rolling = Rolling { own: own.as_ref(), ..rolled::rolling(context, &work) };
    let before = names_here(&work.repo, &selection)?;
    let fetched = rolled::fetch(context, &rolling, &destinations)?;
    let plan = {
        let _progress = context.talk.progress("Looking through the ledgers");
        Plan::new(&work.repo, own.as_ref(), &selection, &before, &work.redactor)?
    };
    report::warn_unreadable(&context.talk, &plan.unreadable);
    let told = report::ToldPurge::new(&plan);
    let telling = report::Telling::of(&arguments.asked);
    if plan.is_empty() || telling.is_dry_run {
        return told.tell(context, &plan, telling).map(|exit| exit.or(fetched));
    }
    if !telling.as_json {
        report::show_purge(context, &plan)?;
    }
    let sessions = counted(plan.sessions.len() as u64, "session");
    let places = report::places(&destinations);
    let question = format!("Take {sessions} out of every ledger {places}, for good?");
    if !rolled::confirmed(context, arguments.asked.yes, &question, command(arguments))? {
        return Ok(Exit::No);
    }
    let rewrite = plan.rewrite();
    let (done, dropped) = {
        let _progress = context.talk.progress("Rewriting ledgers");
        let done = rolling.run(&rewrite, &destinations)?;
        let dropped = rolling.drop_other_tracking(&rewrite, &destinations)?;
        forget(&work.repo, &plan)?;
        (done, dropped)
    };
    told.tell(context, &plan, telling.done(&done, &dropped)).map(|exit| exit.or(fetched))
}

/// Outside of any repository there is the user's own store, and nothing else.
fn outside(context: &mut Context, arguments: &Purge, own: &Repo, names: &[String]) -> Result<Exit, Failure> {
    let plan = Plan::outside(own, names)?;
    let told = report::ToldPurge::new(&plan);
    let telling = report::Telling::of(&arguments.asked);
    if telling.is_dry_run {
        return told.tell(context, &plan, telling);
    }
    if !telling.as_json {
        report::show_purge(context, &plan)?;
    }
    let question = format!("Take {} out of your own store?", counted(plan.sessions.len() as u64, "session"));
    if !rolled::confirmed(context, arguments.asked.yes, &question, command(arguments))? {
        return Ok(Exit::No);
    }
    let signature = work::signature_outside(context)?;
    let by = Appender { signature: &signature, lock: None, deadline: Instant::now() + PATIENCE };
    let sessions = plan.sessions.keys().copied().collect::<BTreeSet<Sid>>();
    let outside = Outside::remove(own, &sessions, &by)?;
    let handoffs = handoff::Store::new(own).remove_made_of(&sessions)?;
    let report = Report { outside, handoffs, ..Report::default() };
    told.tell(context, &plan, telling.done(&report, &[]))
}

fn selection(arguments: &Purge) -> Result<Selection, Failure> {
    match (&arguments.rule, arguments.before) {
        (Some(rule), _) => {
            let is_known = rules().iter().any(|known| known.id == rule);
            let unknown = || Failure::UnknownRule { rule: rule.clone() };
            is_known.then(|| Selection::Rule(rule.clone())).ok_or_else(unknown)
        }
        (None, Some(day)) => Ok(Selection::Before(day)),
        (None, None) => Ok(Selection::Named(arguments.sessions.clone())),
    }
}

/// What would do it without a question.
fn command(arguments: &Purge) -> Vec<String> {
    let mut words = vec!["purge".to_owned()];
    words.extend(arguments.sessions.iter().cloned());
    for (option, value) in [
        ("--rule", arguments.rule.clone()),
        ("--before", arguments.before.map(|day| day.to_string())),
        ("--remote", arguments.remote.clone()),
    ] {
        words.extend(value.into_iter().flat_map(|value| [option.to_owned(), value]));
    }
    words.push("--yes".to_owned());
    words
}
