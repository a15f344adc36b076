//! `purge`: sessions out of every ledger, for good.

use git_opensession::purge::{Plan, Selection, forget};
use git_opensession::redaction::rules;
use git_opensession::view::counted;

use super::rolled;
use super::work::Work;
use crate::cli::Purge;
use crate::context::Context;
use crate::report::{Exit, Failure, rolling as report};

pub fn run(context: &mut Context, arguments: &Purge) -> Result<Exit, Failure> {
    let selection = selection(arguments)?;
    let work = Work::new(context)?;
    let destinations = rolled::destinations(&work, arguments.remote.as_deref())?;
    let rolling = rolled::rolling(context, &work);
    let fetched = rolled::fetch(context, &rolling, &destinations)?;
    let plan = {
        let _progress = context.talk.progress("Looking through the ledgers");
        Plan::new(&work.repo, &selection, &work.redactor)?
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
