//! `docs`: the first steps, completion, the man page.

pub mod manual;
mod quickstart;

use git_opensession::doctor::{Belongings, State};

use super::{completion, doctor};
use crate::cli::{Docs, DocsPage};
use crate::context::Context;
use crate::report::{Exit, Failure};

pub fn run(context: &mut Context, arguments: &Docs) -> Result<Exit, Failure> {
    match &arguments.page {
        DocsPage::Quickstart => quickstart::run(context)?,
        DocsPage::Completion(arguments) => completion::run(context, arguments)?,
        DocsPage::Man(arguments) if arguments.install => install(context)?,
        DocsPage::Man(_) => context.out.write(|out, _| out.write_all(manual::text().as_bytes()))?,
    }
    Ok(Exit::Done)
}

fn install(context: &Context) -> Result<(), Failure> {
    let (binary, manual) = (doctor::binary()?, manual::text());
    let home = context.environment.home.as_deref();
    let belongings = Belongings { home, binary: &binary, manual: &manual };
    match belongings.manual() {
        State::NoPlace => return Err(Failure::NoPlaceForManual { binary }),
        State::Foreign(at) => return Err(Failure::ForeignManual { at }),
        State::Present(at) => context.talk.say(&format!("{} is there", at.display())),
        State::Absent(_) | State::Stale(_) => {}
    }
    if let Some(change) = belongings.plan_manual() {
        let place = change.place().to_owned();
        change.apply(home).map_err(|source| Failure::Write { path: place.clone(), source })?;
        context.talk.say(&format!("wrote {}", place.display()));
    }
    Ok(())
}
