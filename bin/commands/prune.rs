//! `prune`: letting go of old sessions.

use git_opensession::prune::Plan;

use super::rolled;
use super::work::Work;
use crate::cli::Prune;
use crate::context::Context;
use crate::report::{Exit, Failure, rolling as report};

pub fn run(context: &mut Context, arguments: &Prune) -> Result<Exit, Failure> {
    let work = Work::new(context)?;
    let destinations = rolled::destinations(&work, arguments.remote.as_deref())?;
    let rolling = rolled::rolling(context, &work);
    let fetched = rolled::fetch(context, &rolling, &destinations)?;
    let floor = arguments.older_than.floor(context.now);
    let plan = {
        let _progress = context.talk.progress("Looking through the ledgers");
        Plan::new(&work.repo, floor, arguments.keep_linked.as_deref())?
    };
    report::warn_unreadable(&context.talk, &plan.unreadable);
    let told = report::ToldPrune::new(&plan);
    let telling = report::Telling { is_dry_run: !arguments.apply, as_json: arguments.json, report: None, dropped: &[] };
    // With nothing older in any tree there may still be some in the history of one that was left half done.
    if !arguments.apply {
        return told.tell(context, &plan, telling).map(|exit| exit.or(fetched));
    }
    let done = {
        let _progress = context.talk.progress("Rewriting ledgers");
        rolling.run(&plan, &destinations)?
    };
    told.tell(context, &plan, telling.done(&done, &[])).map(|exit| exit.or(fetched))
}
