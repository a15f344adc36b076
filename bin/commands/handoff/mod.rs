//! `handoff`: work handed over to the next agent or colleague.

mod artifacts;
mod build;
mod exchange;
mod resume;

use crate::cli::{Handoff, HandoffVerb};
use crate::context::Context;
use crate::report::{Exit, Failure};

pub fn run(context: &mut Context, arguments: &Handoff) -> Result<Exit, Failure> {
    match &arguments.verb {
        HandoffVerb::Build(arguments) => build::run(context, arguments),
        HandoffVerb::Artifacts(arguments) => artifacts::run(context, arguments),
        HandoffVerb::Push(arguments) => exchange::push(context, arguments),
        HandoffVerb::Fetch(arguments) => exchange::fetch(context, arguments),
        HandoffVerb::Resume(arguments) => resume::run(context, arguments),
    }
}
