//! The verbs: one file each. A command asks the library, and shows what it said.

mod addressed;
mod capture;
mod cat;
mod cleanup;
mod completion;
mod config;
mod demo;
mod docs;
mod doctor;
mod fetch;
mod fold;
mod fsck;
mod handoff;
mod hook;
mod inspect;
mod log;
mod parse;
mod prune;
mod purge;
mod push;
mod push_with;
mod redact;
mod register;
mod relink;
mod rolled;
mod share;
mod show;
mod shown;
mod stats;
mod status;
mod sync;
mod verify;
mod view;
mod why;
mod why_json;
mod work;

use crate::cli::{AnyVerb, Verb};
use crate::context::Context;
use crate::report::{Exit, Failure, Former};

/// Runs what the command line asks for.
pub fn run(context: &mut Context, verb: Option<&AnyVerb>) -> Result<Exit, Failure> {
    let verb = match verb {
        None => return status::run(context),
        Some(AnyVerb::Hook(arguments)) => return Ok(hook::run(context, arguments)),
        Some(AnyVerb::Cleanup(arguments)) => return cleanup::run(context, arguments),
        Some(AnyVerb::Summary(_)) => return Err(Former::Summary.into()),
        Some(AnyVerb::Review(former)) => return Err(Former::review(&former.words).into()),
        Some(AnyVerb::Setup(_)) => return Err(Former::Setup.into()),
        Some(AnyVerb::Shown(verb)) => verb,
    };
    match verb {
        Verb::Parse(arguments) => parse::run(context, arguments).map(|()| Exit::Done),
        Verb::Capture(arguments) => capture::run(context, arguments),
        Verb::Log(arguments) => log::run(context, arguments),
        Verb::Show(arguments) => show::run(context, arguments),
        Verb::View(arguments) => view::run(context, arguments),
        Verb::Why(arguments) => why::run(context, arguments),
        Verb::Stats(arguments) => stats::run(context, arguments),
        Verb::Verify(arguments) => verify::run(context, arguments),
        Verb::Cat(arguments) => cat::run(context, arguments),
        Verb::Register(arguments) => register::run(context, arguments),
        Verb::Inspect(arguments) => inspect::run(context, arguments),
        Verb::Share(arguments) => share::run(context, arguments),
        Verb::Fetch(arguments) => fetch::run(context, arguments),
        Verb::Push(arguments) => push::run(context, arguments),
        Verb::Sync(arguments) => sync::run(context, arguments),
        Verb::Fsck(arguments) => fsck::run(context, arguments),
        Verb::Purge(arguments) => purge::run(context, arguments),
        Verb::Redact(arguments) => redact::run(context, arguments),
        Verb::Prune(arguments) => prune::run(context, arguments),
        Verb::Fold(arguments) => fold::run(context, arguments),
        Verb::Relink(arguments) => relink::run(context, arguments),
        Verb::Handoff(arguments) => handoff::run(context, arguments),
        Verb::Config(arguments) => config::run(context, arguments),
        Verb::Doctor(arguments) => doctor::run(context, arguments),
        Verb::Docs(arguments) => docs::run(context, arguments),
        Verb::Demo(arguments) => demo::run(context, arguments).map(|()| Exit::Done),
        Verb::Completion(arguments) => completion::run(context, arguments).map(|()| Exit::Done),
    }
}
