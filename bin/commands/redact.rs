//! `redact --again`: today's rules for what was stored by older ones.

use std::time::{Duration, Instant};

use git_opensession::ledger::{Again, Appender};
use git_opensession::redact::{Plan, register_again};
use git_opensession::redaction::RULES_VERSION;
use git_opensession::store::Store;

use super::rolled;
use super::work::Work;
use crate::cli::Redact;
use crate::context::Context;
use crate::report::{Exit, Failure, rolling as report};

/// How long another process that registers sessions is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

pub fn run(context: &mut Context, arguments: &Redact) -> Result<Exit, Failure> {
    let work = Work::new(context)?;
    let own = Store::open_own(&context.git_environment)?;
    let destinations = rolled::destinations(&work, arguments.remote.as_deref())?;
    let rolling = rolled::rolling(context, &work);
    let fetched = rolled::fetch(context, &rolling, &destinations)?;
    let again = Again::new(&work.redactor, RULES_VERSION);
    let plan = {
        let _progress = context.talk.progress("Redacting again");
        Plan::new(&work.repo, own.as_ref(), &again)?
    };
    report::warn_unreadable(&context.talk, &plan.unreadable);
    let told = report::ToldRedact::new(&plan);
    let telling = report::Telling::of(&arguments.asked);
    if plan.is_empty() || telling.is_dry_run {
        return told.tell(context, &plan, telling).map(|exit| exit.or(fetched));
    }
    let question =
        format!("{}: rewrite {}?", report::redact_counts(&plan), report::redact_places(&plan, &destinations));
    let mut command = vec!["redact".to_owned(), "--again".to_owned()];
    command.extend(arguments.remote.iter().flat_map(|remote| ["--remote".to_owned(), remote.clone()]));
    command.push("--yes".to_owned());
    if !rolled::confirmed(context, arguments.asked.yes, &question, command)? {
        return Ok(Exit::No);
    }
    let (done, dropped) = {
        let _progress = context.talk.progress("Rewriting ledgers");
        let done = rolling.run(&again, &destinations)?;
        let dropped = rolling.drop_other_tracking(&again, &destinations)?;
        let by = Appender { signature: &work.signature, lock: None, deadline: Instant::now() + PATIENCE };
        register_again(&work.repo, own.as_ref(), &by)?;
        (done, dropped)
    };
    told.tell(context, &plan, telling.done(&done, &dropped)).map(|exit| exit.or(fetched))
}
