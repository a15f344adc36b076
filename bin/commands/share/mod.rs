//! `share`: an address that others can read.

mod copied;
mod place;
mod session;
mod told;
mod web;

use git_opensession::fanout::{Consent, Fanout};
use git_opensession::git::OwnKey;
use git_opensession::git::remote::Network;
use git_opensession::settings::Setting;
use git_opensession::share::{Arrival, Pushed, push, share};

use super::push::{exit, tell_failures};
use super::work::{self, Work};
use crate::cli::Share;
use crate::context::Context;
use crate::report::{Exit, Failure, Sharing};
use copied::Copied;
use place::Place;
use session::Session;
use told::Told;

/// Whether `--quick` pushes without a question.
const CONSENT: &str = Setting::AutoPush.key();

pub fn run(context: &mut Context, arguments: &Share) -> Result<Exit, Failure> {
    if arguments.web {
        return web::run(context, arguments);
    }
    if !arguments.git && !arguments.quick && arguments.remote.is_none() {
        return Err(Sharing::NoWay { what: arguments.what.clone() }.into());
    }
    let work = place::work(context, arguments)?;
    let place = Place::new(&work, arguments)?;
    let session = session::read(context, &work, arguments)?;
    place::check_path(arguments, &session.snapshot)?;
    let wish = wish(context, &work, arguments, &place, &session)?;
    if wish == Wish::Nothing {
        // What is in the ledger goes with the next push: a no is none to that, too.
        context.talk.say("nothing was changed, and nothing will be pushed");
        return Ok(Exit::No);
    }
    let shared = share(&work.repo, &place.branch, &session.snapshot, &work.appender())?;
    let address = shared.address(place.remote.clone(), place.namespace)?.to_string();
    session.say(context);
    let mut told = Told::new(&address, &shared, &session, &place);
    if wish == Wish::Keep {
        told.push_command = Some(place.push_command(&session).line(context.talk.program()));
        told.copied = arguments.copy.then(|| Copied::copy(context, &address));
        told.tell(context, arguments)?;
        let branch = &place.branch;
        context.talk.say(&format!(
            "it is in the ledger of {branch} here, and goes with its next push to a remote that may have sessions"
        ));
        return Ok(told.exit(Exit::Done));
    }
    let pushed = {
        let _progress = context.talk.progress("Pushing the session");
        let each = place.destinations.iter().map(|destination| {
            let prompts = work::prompts(context);
            let network = Network { git: &work.program, config: &work.config, prompts, deadline: None };
            let fanout =
                Fanout { repo: &work.repo, network, destination, signature: &work.signature, asks_again: true };
            push(&shared, &session.snapshot, &fanout).map_err(Failure::from)
        });
        each.collect::<Result<Vec<Pushed>, Failure>>()?
    };
    told.pushes = pushed.iter().map(told::ToldPush::of).collect();
    // Where nobody can read it there is no address.
    told.is_there = pushed.iter().any(|pushed| pushed.arrival != Arrival::Nowhere);
    told.copied = (arguments.copy && told.is_there).then(|| Copied::copy(context, &address));
    told.tell(context, arguments)?;
    for pushed in &pushed {
        tell_failures(context, &pushed.report);
        told::say_arrival(context, &place, pushed);
    }
    Ok(told.exit(exit(pushed.iter().map(|pushed| &pushed.report))))
}

/// What is to be done with it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// Into the ledger, and to the remote.
    Push,
    /// Into the ledger.
    Keep,
    /// The answer was no.
    Nothing,
}

/// Whether it is pushed. What was typed is consent for this once; without it `--quick` asks, and remembers a yes.
fn wish(context: &Context, work: &Work, arguments: &Share, place: &Place, session: &Session) -> Result<Wish, Failure> {
    let allowed = work.config.get_bool(CONSENT)?;
    let wants = arguments.push || arguments.yes || (arguments.quick && allowed == Some(true));
    if !wants && !arguments.quick {
        return Ok(Wish::Keep);
    }
    for destination in &place.destinations {
        if destination.consent(&work.config)? == Consent::Refused {
            return Err(Failure::NotAllowed { label: destination.label(), is_refused: true });
        }
    }
    let is_asked = arguments.quick && !wants;
    if is_asked && allowed == Some(false) {
        context.talk.say(&format!("{CONSENT} is false: nothing is pushed now without --push"));
        return Ok(Wish::Keep);
    }
    if is_asked {
        let question = format!(
            "Push this session to {} ({}), now and whenever you say --quick?",
            place.label,
            place.destinations.iter().map(|one| one.url().to_string()).collect::<Vec<_>>().join(", ")
        );
        match context.talk.ask(&question) {
            Some(true) => {}
            Some(false) => return Ok(Wish::Nothing),
            None if context.talk.can_ask() => return Ok(Wish::Nothing),
            None => return Err(Sharing::Unasked { label: place.label.clone(), what: session.name.clone() }.into()),
        }
    }
    if is_asked || arguments.yes {
        work.repo.set_config(&OwnKey::new(CONSENT)?, "true")?;
    }
    Ok(Wish::Push)
}
