//! `redact --again`: today's rules for what was stored by older ones.

use git_opensession::ledger::Again;
use git_opensession::redact::Plan;
use git_opensession::redaction::RULES_VERSION;
use git_opensession::view::counted;

use super::rolled;
use super::work::Work;
use crate::cli::Redact;
use crate::context::Context;
use crate::report::{Exit, Failure, rolling as report};

pub fn run(context: &mut Context, arguments: &Redact) -> Result<Exit, Failure> {
    let work = Work::new(context)?;
    let destinations = rolled::destinations(&work, arguments.remote.as_deref())?;
    let rolling = rolled::rolling(context, &work);
    let fetched = rolled::fetch(context, &rolling, &destinations)?;
    let again = Again::new(&work.redactor, RULES_VERSION);
    let plan = {
        let _progress = context.talk.progress("Redacting again");
        Plan::new(&work.repo, &again)?
    };
    report::warn_unreadable(&context.talk, &plan.unreadable);
    let told = report::ToldRedact::new(&plan);
    let telling = report::Telling::of(&arguments.asked);
    if plan.is_empty() || telling.is_dry_run {
        return told.tell(context, &plan, telling).map(|exit| exit.or(fetched));
    }
    let (all, changed) = (counted(plan.sessions.len() as u64, "session"), plan.changed());
    let places = report::places(&destinations);
    let question = format!("{all} were stored by older rules, and {changed} change: rewrite the ledgers {places}?");
    let mut command = vec!["redact".to_owned(), "--again".to_owned()];
    command.extend(arguments.remote.iter().flat_map(|remote| ["--remote".to_owned(), remote.clone()]));
    command.push("--yes".to_owned());
    if !rolled::confirmed(context, arguments.asked.yes, &question, command)? {
        return Ok(Exit::No);
    }
    let (done, dropped) = {
        let _progress = context.talk.progress("Rewriting ledgers");
        (rolling.run(&again, &destinations)?, rolling.drop_other_tracking(&again, &destinations)?)
    };
    told.tell(context, &plan, telling.done(&done, &dropped)).map(|exit| exit.or(fetched))
}
