//! What is said of ledgers that were rolled: by `purge`, `prune` and `redact --again`.

mod redact;

use std::collections::BTreeSet;
use std::io::{self, Write};

use git_opensession::fanout::Destination;
use git_opensession::git::HiddenRef;
use git_opensession::git::remote::{Rejection, RemoteError};
use git_opensession::handoff::MadeOf;
use git_opensession::ledger::{self, LedgerRef};
use git_opensession::notes::{Forgotten, NOTES};
use git_opensession::rolling::{RemoteReport, Report, RolledLedger};
use git_opensession::uri::{ObjectName, Source};
use git_opensession::view::{Safe, counted, json, size};
use git_opensession::{prune, purge};
use serde::Serialize;

pub use self::redact::{ToldRedact, redact_counts, redact_places};

use super::{Exit, Failure, Hint, chain};
use crate::cli::Asked;
use crate::context::Context;
use crate::terminal::Talk;

/// `here`, or `here and at origin`.
pub fn places(destinations: &[Destination]) -> String {
    let labels: Vec<_> = destinations.iter().map(Destination::label).collect();
    if labels.is_empty() { "here".to_owned() } else { format!("here and at {}", labels.join(", ")) }
}

/// Says what could not be read.
pub fn warn_unreadable(talk: &Talk, errors: &[ledger::Error]) {
    for error in errors {
        talk.warn(&chain(error), &[Hint::own(["doctor"], "look at the ledgers")]);
    }
}

/// What every one of these verbs tells a program.
#[derive(Serialize)]
struct Told<T: Serialize> {
    dry_run: bool,
    /// Whether nothing is left to do.
    done: bool,
    #[serde(flatten)]
    own: T,
    /// Live ledgers that were rolled.
    rolled: Vec<ToldRolled>,
    /// The notes here, if they were.
    notes: Option<ToldNotes>,
    /// How many registered sessions were taken out of the store.
    unregistered: usize,
    /// How many were taken out of the user's own store.
    unregistered_outside: usize,
    /// How many handoffs were removed here.
    handoffs_removed: usize,
    remotes: Vec<ToldRemote>,
    /// What was known of other remotes, and let go of.
    dropped: Vec<String>,
}

#[derive(Serialize)]
struct ToldRolled {
    #[serde(rename = "ref")]
    name: String,
    branch: Option<String>,
    old: Option<String>,
    new: String,
}

#[derive(Serialize)]
struct ToldRemote {
    remote: String,
    rolled: Vec<ToldRolled>,
    notes: Option<ToldNotes>,
    rejected: Vec<ToldRejected>,
    error: Option<String>,
}

#[derive(Serialize)]
struct ToldNotes {
    old: String,
    new: String,
}

#[derive(Serialize)]
struct ToldRejected {
    #[serde(rename = "ref")]
    name: String,
    reason: String,
}

impl ToldRolled {
    fn of(rolled: &RolledLedger) -> Self {
        Self {
            name: rolled.ledger.to_local().to_string(),
            branch: rolled.ledger.branch().map(|branch| branch.to_string()),
            old: rolled.old.map(|oid| oid.to_string()),
            new: rolled.new.to_string(),
        }
    }
}

impl ToldNotes {
    fn of(notes: &Forgotten) -> Self {
        Self { old: notes.old.to_string(), new: notes.new.to_string() }
    }
}

impl ToldRemote {
    fn of(report: &RemoteReport) -> Self {
        let rejected = rejections(report).map(|(name, rejection)| {
            let reason = rejection.reason.clone();
            ToldRejected { name, reason }
        });
        Self {
            remote: report.label.clone(),
            rolled: report.rolled.iter().map(ToldRolled::of).collect(),
            notes: report.notes.as_ref().map(ToldNotes::of),
            rejected: rejected.collect(),
            error: report.failed.as_ref().map(ToString::to_string),
        }
    }
}

/// What a remote did not take: ledgers, by their names over there, and notes.
fn rejections(report: &RemoteReport) -> impl Iterator<Item = (String, &Rejection)> {
    let ledgers = report.rejected.iter().map(|(ledger, rejection)| (ledger.to_local().to_string(), rejection));
    let handoffs = report.handoffs_rejected.iter().map(|(name, rejection)| (name.clone(), rejection));
    ledgers.chain(report.notes_rejected.iter().map(|rejection| (NOTES.to_owned(), rejection))).chain(handoffs)
}

/// How one of these verbs was asked, and what it has done.
#[derive(Clone, Copy)]
pub struct Telling<'a> {
    pub as_json: bool,
    pub is_dry_run: bool,
    /// `None` if nothing was done.
    pub report: Option<&'a Report>,
    /// What was known of other remotes, and let go of.
    pub dropped: &'a [HiddenRef],
}

impl<'a> Telling<'a> {
    /// As it was asked; nothing was done yet.
    pub fn of(asked: &Asked) -> Self {
        Self { as_json: asked.json, is_dry_run: asked.dry_run, report: None, dropped: &[] }
    }

    /// When it is done.
    pub fn done(self, report: &'a Report, dropped: &'a [HiddenRef]) -> Self {
        Self { report: Some(report), dropped, ..self }
    }

    /// Prints it: to a program as a document, to a person as `text` has it.
    fn print(
        &self,
        context: &mut Context,
        schema: &str,
        own: &impl Serialize,
        text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        if !self.as_json {
            return context.out.write(|out, _| text(out));
        }
        let told = self.document(own);
        context.out.write(|out, _| json::write_document(out, schema, &told))
    }

    fn document<T: Serialize>(&self, own: T) -> Told<T> {
        let report = self.report;
        let rolled = report.into_iter().flat_map(|report| &report.here);
        let remotes = report.into_iter().flat_map(|report| &report.remotes);
        Told {
            dry_run: self.is_dry_run,
            done: report.is_none_or(Report::is_done),
            own,
            rolled: rolled.map(ToldRolled::of).collect(),
            notes: report.and_then(|report| report.notes.as_ref()).map(ToldNotes::of),
            unregistered: report.map_or(0, |report| report.unregistered),
            unregistered_outside: report.and_then(|report| report.outside.as_ref()).map_or(0, |outside| outside.count),
            handoffs_removed: report.map_or(0, |report| report.handoffs.len()),
            remotes: remotes.map(ToldRemote::of).collect(),
            dropped: self.dropped.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Says how it went, and what only others can finish.
fn say(talk: &Talk, report: &Report) -> Exit {
    for (ledger, why) in &report.left {
        talk.warn(&format!("{ledger} stays as it is: {}", chain(why)), &[Hint::own(["doctor"], "")]);
    }
    for remote in &report.remotes {
        for (name, rejection) in rejections(remote) {
            talk.warn(&format!("{} did not take {name}: {}", remote.label, rejection.reason), &[]);
        }
        if let Some(error) = &remote.failed {
            talk.warn(&format!("{}: {error}; run this again when it can be reached", remote.label), &[]);
        }
    }
    let touched = |remote: &&RemoteReport| !remote.rolled.is_empty() || remote.notes.is_some();
    let labels: Vec<_> = report.remotes.iter().filter(touched).map(|remote| remote.label.as_str()).collect();
    if !labels.is_empty() {
        talk.say(&format!(
            "{} no longer shows it; the objects stay on the server until the host collects garbage (ask the host if \
             it is urgent), and in forks and other clones until these fetch",
            labels.join(", ")
        ));
    }
    let is_only_outside = report.here.is_empty() && report.unregistered == 0 && report.outside.is_some();
    if report.remotes.is_empty() && !is_only_outside {
        talk.say("only here: no remote may have sessions, or there is none");
    }
    if !report.here.is_empty() || report.notes.is_some() || report.unregistered > 0 || !labels.is_empty() {
        let gc = Hint::command(["git", "gc", "--prune=now"], "removes the objects from this repository");
        talk.say(&format!(
            "in this repository the objects stay until git collects garbage: {}",
            gc.line(talk.program())
        ));
    }
    if let Some(outside) = &report.outside {
        let folder = outside.folder.to_string_lossy();
        let gc = Hint::command(["git", "-C", &folder, "gc", "--prune=now"], "removes the objects from there");
        talk.say(&format!(
            "in your own store the objects stay until git collects garbage: {}",
            gc.line(talk.program())
        ));
    }
    let is_network = |remote: &RemoteReport| remote.failed.as_ref().is_some_and(RemoteError::is_network);
    if report.is_done() {
        Exit::Done
    } else if report.remotes.iter().any(is_network) {
        Exit::Network
    } else {
        Exit::Partly
    }
}

/// What is told of a purge.
#[derive(Serialize)]
pub struct ToldPurge {
    sessions: Vec<ToldSession>,
    /// The handoffs that are made of any of them.
    handoffs: Vec<ToldHandoff>,
}

#[derive(Serialize)]
struct ToldHandoff {
    uri: String,
    pins: Vec<String>,
}

#[derive(Serialize, Clone)]
struct ToldSession {
    sid: String,
    day: Option<String>,
    agent: Option<String>,
    title: Option<String>,
    events: Option<u64>,
    links: usize,
    snapshots: Vec<String>,
    /// Its addresses on this machine.
    registered: Vec<String>,
    /// Its addresses in the user's own store.
    registered_outside: Vec<String>,
    bytes: u64,
    ledgers: Vec<String>,
}

impl ToldPurge {
    /// Of a plan.
    pub fn new(plan: &purge::Plan) -> Self {
        let session = |(sid, planned): (&ledger::Sid, &purge::Planned)| {
            let session = planned.session.as_ref();
            let header = session.map(|session| &session.meta.header);
            ToldSession {
                sid: sid.to_string(),
                day: session.map(|session| session.key.day.to_string()),
                agent: header.map(|header| header.agent.tool.clone()),
                title: header.and_then(|header| header.context.title.clone()),
                events: session.map(|session| session.meta.events()),
                links: planned.links,
                snapshots: planned.snapshots.iter().map(ToString::to_string).collect(),
                registered: addresses(&planned.registered),
                registered_outside: addresses(&planned.registered_outside),
                bytes: planned.bytes,
                ledgers: planned.ledgers.iter().map(ToString::to_string).collect(),
            }
        };
        let handoff = |made: &MadeOf| ToldHandoff { uri: made.id.to_string(), pins: made.pins.clone() };
        Self {
            sessions: plan.sessions.iter().map(session).collect(),
            handoffs: plan.handoffs.iter().map(handoff).collect(),
        }
    }

    /// Tells it.
    pub fn tell(self, context: &mut Context, plan: &purge::Plan, telling: Telling<'_>) -> Result<Exit, Failure> {
        telling.print(context, "opensession.purge/1", &self, |out| {
            // What was done was shown before it was.
            if telling.is_dry_run { write_purge(out, plan) } else { Ok(()) }
        })?;
        let talk = &context.talk;
        if plan.is_empty() {
            talk.say("there is no such session");
        }
        let Some(report) = telling.report else { return Ok(Exit::Done) };
        let sessions = counted(plan.sessions.len() as u64, "session");
        let rolled = report.here.len() + report.remotes.iter().map(|remote| remote.rolled.len()).sum::<usize>();
        let notes = report.remotes.iter().map(|remote| &remote.notes).chain([&report.notes]).flatten().count();
        let outside = report.outside.as_ref().map_or(0, |outside| outside.count);
        let handoffs = report.handoffs.len();
        if rolled + notes + report.unregistered + outside + handoffs == 0 && report.is_done() {
            talk.say("nothing is left of it to take out");
            return Ok(Exit::Done);
        }
        let mut places = Vec::new();
        if rolled > 0 || report.unregistered + outside + handoffs == 0 {
            places.push(counted(rolled as u64, "ledger"));
        }
        if notes > 0 {
            places.push("the notes".to_owned());
        }
        for (count, store) in [(report.unregistered, "the store of this repository"), (outside, "your own store")] {
            if count > 0 {
                places.push(format!("{store} ({})", counted(count as u64, "snapshot")));
            }
        }
        if handoffs > 0 {
            places.push(counted(handoffs as u64, "handoff"));
        }
        talk.say(&format!("purged {sessions} from {}", places.join(", ")));
        Ok(say(talk, report))
    }
}

/// Prints what a purge takes out.
pub fn show_purge(context: &mut Context, plan: &purge::Plan) -> Result<(), Failure> {
    context.out.write(|out, _| write_purge(out, plan))
}

fn write_purge(out: &mut dyn Write, plan: &purge::Plan) -> io::Result<()> {
    plan.sessions.iter().try_for_each(|(sid, planned)| write_session(out, sid, planned))?;
    plan.handoffs.iter().try_for_each(|made| {
        let pins = if made.pins.is_empty() { String::new() } else { format!(" [{}]", made.pins.join(", ")) };
        writeln!(out, "{}", Safe::line(&format!("{}{pins}", made.id)))
    })
}

fn write_session(out: &mut dyn Write, sid: &ledger::Sid, planned: &purge::Planned) -> io::Result<()> {
    let sid: String = sid.to_string().chars().take(10).collect();
    write!(out, "{sid}")?;
    if let Some(session) = &planned.session {
        let header = &session.meta.header;
        let title = header.context.title.as_deref().unwrap_or_default();
        write!(out, "  {}  {}  {}", session.key.day, Safe::line(&header.agent.tool), Safe::line(title))?;
    }
    let is_registered = !planned.registered.is_empty() || !planned.registered_outside.is_empty();
    if planned.is_purged && planned.ledgers.is_empty() && !is_registered {
        return writeln!(out, "  (purged before)");
    }
    if planned.has_expired && !is_registered {
        return writeln!(out, "  (it has expired)");
    }
    writeln!(out)?;
    let (links, snapshots) = (planned.links as u64, planned.snapshots.len() as u64);
    let parts = [size(planned.bytes), counted(links, "commit"), counted(snapshots, "snapshot")];
    writeln!(out, "  {}", parts.join(", "))?;
    planned.registered.iter().try_for_each(|name| writeln!(out, "  {}", Source::Local(*name)))?;
    let outside = planned.registered_outside.iter();
    outside.map(|name| Source::Local(*name)).try_for_each(|name| writeln!(out, "  {name} in your own store"))?;
    planned.ledgers.iter().try_for_each(|ledger| writeln!(out, "  {}", Safe::line(&place(ledger))))
}

/// The addresses of registered sessions.
fn addresses(names: &BTreeSet<ObjectName>) -> Vec<String> {
    names.iter().map(|name| Source::Local(*name).to_string()).collect()
}

/// `main`, or `main at origin`.
fn place(ledger: &LedgerRef) -> String {
    let branch = ledger.branch().map_or_else(|| ledger.to_string(), |branch| branch.to_string());
    match ledger.remote() {
        Some(remote) => format!("{branch} at {remote}"),
        None => branch,
    }
}

/// What is told of a prune.
#[derive(Serialize)]
pub struct ToldPrune {
    floor: String,
    ledgers: Vec<ToldPruned>,
}

#[derive(Serialize)]
struct ToldPruned {
    #[serde(skip)]
    place: String,
    #[serde(rename = "ref")]
    name: String,
    sessions: usize,
    days: usize,
    links: usize,
    snapshots: usize,
    bytes: u64,
    kept: usize,
}

impl ToldPrune {
    /// Of a plan.
    pub fn new(plan: &prune::Plan) -> Self {
        let ledger = |one: &prune::LedgerPlan| ToldPruned {
            place: place(&one.ledger),
            name: one.ledger.to_string(),
            sessions: one.sessions,
            days: one.days,
            links: one.links,
            snapshots: one.snapshots,
            bytes: one.bytes,
            kept: one.kept,
        };
        Self { floor: plan.floor.to_string(), ledgers: plan.ledgers.iter().map(ledger).collect() }
    }

    /// Tells it.
    pub fn tell(self, context: &mut Context, plan: &prune::Plan, telling: Telling<'_>) -> Result<Exit, Failure> {
        let text = |out: &mut dyn Write| self.ledgers.iter().try_for_each(|ledger| ledger.write(out));
        telling.print(context, "opensession.prune/1", &self, text)?;
        let talk = &context.talk;
        if plan.is_empty() {
            talk.say(&format!("no ledger has anything of before {}", plan.floor));
        }
        let Some(report) = telling.report else {
            if !plan.is_empty() {
                talk.say("nothing was changed: --apply does it");
            }
            return Ok(Exit::Done);
        };
        let untouched = |remote: &RemoteReport| remote.rolled.is_empty() && remote.notes.is_none();
        let is_untouched = report.here.is_empty() && report.notes.is_none() && report.remotes.iter().all(untouched);
        if is_untouched && report.is_done() {
            return Ok(Exit::Done);
        }
        talk.say(&format!("nothing of before {} is kept any more, but what was to be kept", plan.floor));
        Ok(say(talk, report))
    }
}

impl ToldPruned {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut parts = vec![
            format!("{} of {}", counted(self.sessions as u64, "session"), counted(self.days as u64, "day")),
            counted(self.links as u64, "link"),
            size(self.bytes),
        ];
        if self.snapshots > 0 {
            parts.push(counted(self.snapshots as u64, "snapshot"));
        }
        if self.kept > 0 {
            parts.push(format!("{} kept", counted(self.kept as u64, "older session")));
        }
        writeln!(out, "{}: {}", Safe::line(&self.place), parts.join(", "))
    }
}
