//! `handoff push` and `handoff fetch`.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::{self, Write};

use git_opensession::fanout::Destination;
use git_opensession::git::RemoteUrl;
use git_opensession::git::remote::{Direction, Network, addresses};
use git_opensession::handoff::exchange::{self, Cargo, Exchanged, Fate};
use git_opensession::handoff::{ArtifactId, Store};
use git_opensession::view::{Safe, json};
use serde::Serialize;

use super::super::push::allowed;
use super::super::work::{self, Work};
use crate::cli::Exchange;
use crate::context::Context;
use crate::report::{Exit, Failure, HandoffFailure, Hint};

/// How much of a session's name is said.
const SHORT: usize = 10;

pub fn push(context: &mut Context, arguments: &Exchange) -> Result<Exit, Failure> {
    let work = Work::new(context)?;
    let head = work.repo.head()?;
    let default = work.config.push_remote(head.branch());
    let remote = work::known_remote(&work, arguments.remote.as_deref(), default)?;
    let store = Store::new(&work.repo);
    let cargo = Cargo::of(&store, &arguments.artifacts)?;
    if cargo.artifacts.is_empty() {
        return Err(HandoffFailure::NothingToPush.into());
    }
    let mut done = Vec::new();
    for url in addresses(&work.program, &remote, Direction::Push)? {
        let destination = Destination::of_push(OsStr::new(&remote), url.expose(), &work.config, work.repo.base());
        allowed(context, &destination, destination.consent(&work.config)?)?;
        let _progress = context.talk.progress("Pushing artifacts");
        done.extend(exchange::push(&store, &network(context, &work), &destination, &cargo, &work.appender())?);
    }
    tell(context, &store, &remote, &done, arguments.json, "push")
}

pub fn fetch(context: &mut Context, arguments: &Exchange) -> Result<Exit, Failure> {
    let work = Work::new(context)?;
    let head = work.repo.head()?;
    let default = work.config.fetch_remote(head.branch());
    let remote = work::known_remote(&work, arguments.remote.as_deref(), default)?;
    let url = addresses(&work.program, &remote, Direction::Fetch)?.into_iter().next();
    let address = url.as_ref().map_or(OsStr::new(&remote), RemoteUrl::expose);
    let destination = Destination::of_push(OsStr::new(&remote), address, &work.config, work.repo.base());
    let store = Store::new(&work.repo);
    let done = {
        let _progress = context.talk.progress("Fetching artifacts");
        exchange::fetch(&store, &network(context, &work), &destination, &arguments.artifacts)?
    };
    tell(context, &store, &remote, &done, arguments.json, "fetch")
}

fn network<'w>(context: &Context, work: &'w Work) -> Network<'w> {
    Network { git: &work.program, config: &work.config, prompts: work::prompts(context), deadline: None }
}

#[derive(Serialize)]
struct Told<'a> {
    name: &'a str,
    /// `new`, `known`, `moved` or `refused`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    /// The purged session that is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    purged: Option<String>,
}

impl<'a> Told<'a> {
    fn of(one: &'a Exchanged) -> Self {
        let (outcome, reason) = match &one.fate {
            Fate::New => ("new", None),
            Fate::Known => ("known", None),
            Fate::Moved => ("moved", None),
            Fate::Refused(reason) => ("refused", Some(Cow::from(reason))),
            Fate::Purged(sid) => {
                let sid: String = sid.to_string().chars().take(SHORT).collect();
                ("refused", Some(Cow::from(format!("it quotes session {sid}, which was purged"))))
            }
        };
        let purged = if let Fate::Purged(sid) = one.fate { Some(sid.to_string()) } else { None };
        Self { name: &one.name, outcome, reason, purged }
    }
}

fn tell(
    context: &mut Context,
    store: &Store<'_>,
    remote: &str,
    done: &[Exchanged],
    as_json: bool,
    verb: &str,
) -> Result<Exit, Failure> {
    let told: Vec<Told<'_>> = done.iter().map(Told::of).collect();
    if as_json {
        let schema = format!("opensession.handoff-{verb}/1");
        context.out.write(|out, _| json::write_list(out, &schema, "artifacts", &told))?;
    } else {
        let new = told.iter().filter(|told| matches!(told.outcome, "new" | "moved"));
        context.out.write(|out, _| new.clone().try_for_each(|told| write(out, told)))?;
        if told.iter().all(|told| told.outcome == "known") {
            let there = if verb == "push" { "has everything already" } else { "has nothing new" };
            context.talk.say(&format!("{} {there}", RemoteUrl::new(remote)));
        }
    }
    let refused: Vec<&Told<'_>> = told.iter().filter(|told| told.outcome == "refused").collect();
    for told in &refused {
        let hints = match (verb, &told.purged) {
            (_, Some(_)) => out_of_here(store, told.name).into_iter().collect(),
            ("push", None) => vec![Hint::own(["handoff", "fetch"], "see what is there")],
            _ => Vec::new(),
        };
        let reason = told.reason.as_deref().unwrap_or_default();
        context.talk.warn(&format!("{} was refused: {reason}", told.name), &hints);
    }
    let is_purged = !told.is_empty() && told.iter().all(|told| told.purged.is_some());
    Ok(match refused.as_slice() {
        [] => Exit::Done,
        _ if is_purged => Exit::No,
        _ => Exit::Partly,
    })
}

/// What takes a handoff, or an alias, away that is still here.
fn out_of_here(store: &Store<'_>, name: &str) -> Option<Hint> {
    if let Ok(id) = name.parse::<ArtifactId>() {
        let is_here = store.get(id).is_ok();
        return is_here.then(|| Hint::own(["handoff", "artifacts", "rm", name], "take it away here"));
    }
    let is_pinned = store.pins().is_ok_and(|pins| pins.iter().any(|pin| pin.is_local && pin.name == name));
    is_pinned.then(|| Hint::own(["handoff", "artifacts", "unpin", name], "first"))
}

fn write(out: &mut dyn Write, told: &Told<'_>) -> io::Result<()> {
    writeln!(out, "{} {}", told.outcome, Safe::line(told.name))
}
