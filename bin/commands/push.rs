//! `push`: ledgers to a remote, by hand.

use std::ffi::OsStr;
use std::io::{self, Write};

use git_opensession::fanout::{Consent, Contents, Destination, Fanout, LedgerOutcome, LedgerPush, Plan, Report};
use git_opensession::fetch::{self, fetch_from};
use git_opensession::git::remote::{Direction, Network, RemoteError, addresses};
use git_opensession::ledger::{LOCAL_PREFIX, LedgerRef};
use git_opensession::notes::{self, NOTES};
use git_opensession::settings::FanoutMode;
use git_opensession::view::{Safe, json};
use serde::Serialize;

use super::push_with::{self, ToldRef};
use super::work::{self, Work};
use crate::cli::Push;
use crate::context::Context;
use crate::report::push::hints;
use crate::report::{Exit, Failure};

pub fn run(context: &mut Context, arguments: &Push) -> Result<Exit, Failure> {
    if let Some(words) = &arguments.with {
        return push_with::run(context, arguments, words);
    }
    let work = Work::new(context)?;
    let head = work.repo.head()?;
    let default = work.config.push_remote(head.branch());
    let remote = work::known_remote(&work, arguments.remote.as_deref(), default)?;
    if !arguments.dry_run {
        work.follow()?;
        write_notes(&work)?;
    }
    let mut done = Vec::new();
    for url in addresses(&work.program, &remote, Direction::Push)? {
        let destination = Destination::of_push(OsStr::new(&remote), url.expose(), &work.config, work.repo.base());
        let asked = if arguments.dry_run { Asked::No } else { look(context, &work, &destination)? };
        let plan = Plan::whole(&work.repo, &work.config, &destination, &[], &work.signature)?;
        let report = if arguments.dry_run || plan.is_empty() {
            None
        } else {
            allowed(context, &destination, destination.consent(&work.config)?)?;
            Some(push(context, &work, &destination, &plan)?)
        };
        done.push(Done { label: destination.label(), plan, report, asked });
    }
    if arguments.json {
        let remotes: Vec<_> = done.iter().map(Told::of).collect();
        context.out.write(|out, _| json::write_list(out, "opensession.push/1", "remotes", remotes))?;
    } else {
        context.out.write(|out, _| done.iter().try_for_each(|done| done.write(out)))?;
    }
    for done in &done {
        done.say(context, arguments.dry_run);
    }
    Ok(exit(done.iter().filter_map(|done| done.report.as_ref())))
}

/// Whether a remote was asked what it has.
enum Asked {
    Yes,
    No,
    InVain(RemoteError),
}

/// Asks the remote what it has now, if it may have sessions and there are any: what somebody has deleted there
/// (`git push --mirror` of a clone without it does) is pushed again.
fn look(context: &Context, work: &Work, destination: &Destination) -> Result<Asked, Failure> {
    if destination.consent(&work.config)? != Consent::Given || work.repo.refs(LOCAL_PREFIX)?.is_empty() {
        return Ok(Asked::Yes);
    }
    let _progress = context.talk.progress("Looking at the remote");
    let network = Network { git: &work.program, config: &work.config, prompts: work::prompts(context), deadline: None };
    match fetch_from(&work.repo, &network, destination, &work.appender()) {
        Ok(_) => Ok(Asked::Yes),
        // Where something is to be pushed, the push says it.
        Err(fetch::Error::Remote(error)) if error.is_network() => Ok(Asked::InVain(error)),
        Err(error) => Err(error.into()),
    }
}

/// Writes the notes of what is stored already, if notes are to travel: they may not have been when it was captured.
pub(super) fn write_notes(work: &Work) -> Result<(), Failure> {
    if FanoutMode::read(&work.config)? == Some(FanoutMode::GitNotes) {
        notes::write(&work.repo, &work.appender())?;
    }
    Ok(())
}

/// One address of the remote.
struct Done {
    label: String,
    plan: Plan,
    /// `None` if nothing was to be pushed, or it was not meant.
    report: Option<Report>,
    asked: Asked,
}

/// Whether sessions may go there: what was said before, or what is said now, for this once.
pub(super) fn allowed(context: &Context, destination: &Destination, consent: Consent) -> Result<(), Failure> {
    let label = destination.label();
    match consent {
        Consent::Given => Ok(()),
        Consent::Refused => Err(Failure::NotAllowed { label, is_refused: true }),
        Consent::Unasked => {
            let question =
                format!("Nobody has allowed sessions to go to {label} ({}). Push them this once?", destination.url());
            match context.talk.ask(&question) {
                Some(true) => Ok(()),
                Some(false) | None => Err(Failure::NotAllowed { label, is_refused: false }),
            }
        }
    }
}

fn push(context: &Context, work: &Work, destination: &Destination, plan: &Plan) -> Result<Report, Failure> {
    let network = Network { git: &work.program, config: &work.config, prompts: work::prompts(context), deadline: None };
    let _progress = context.talk.progress("Pushing sessions");
    let (repo, signature) = (&*work.repo, &work.signature);
    let fanout = Fanout { repo, network, destination, signature, asks_again: true };
    if fanout.meet(plan)? {
        return Ok(fanout.run(&Plan::whole(repo, &work.config, destination, &[], signature)?));
    }
    Ok(fanout.run(plan))
}

/// Says what the remote does not have now, and why.
pub(super) fn tell_failures(context: &Context, report: &Report) {
    for failure in report.failures() {
        context.talk.warn(&failure.to_string(), &hints(&failure));
    }
    if report.failures().next().is_some() {
        for said in &report.remote_says {
            context.talk.warn(&format!("remote: {said}"), &[]);
        }
    }
}

/// The exit code of a push.
pub(super) fn exit<'a>(reports: impl IntoIterator<Item = &'a Report>) -> Exit {
    let failed: Vec<&Report> = reports.into_iter().filter(|report| report.failures().next().is_some()).collect();
    match failed.as_slice() {
        [] => Exit::Done,
        failed if failed.iter().any(|report| report.is_network_failure()) => Exit::Network,
        _ => Exit::Partly,
    }
}

impl Done {
    /// What was pushed, or would be: `main -> origin: 2 sessions, 3 commits`.
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        if let Some(report) = &self.report {
            if let Some(summary) = report.summary() {
                writeln!(out, "{}", Safe::line(&summary))?;
            }
            return Ok(());
        }
        write_plan(out, &self.plan, "", &self.label)
    }

    fn say(&self, context: &Context, is_dry_run: bool) {
        let talk = &context.talk;
        for ledger in &self.plan.held {
            let branch = branch_of(ledger);
            talk.say(&format!(
                "sessions of {branch} wait until the branch is at {}: git push carries them",
                self.label
            ));
        }
        match &self.report {
            Some(report) => tell_failures(context, report),
            None if self.plan.is_empty() && !self.plan.held.is_empty() => {}
            None if self.plan.is_empty() => {
                let asked = match &self.asked {
                    Asked::Yes => String::new(),
                    Asked::No => ", as far as is known here".to_owned(),
                    Asked::InVain(error) => format!(", as far as is known here: {error}"),
                };
                talk.say(&format!("{} has everything already{asked}", self.label));
            }
            None => debug_assert!(is_dry_run, "what is not empty is pushed"),
        }
    }
}

/// What would be pushed: `main -> origin`.
pub(super) fn write_plan(out: &mut dyn Write, plan: &Plan, what: &str, label: &str) -> io::Result<()> {
    for push in &plan.pushes {
        let branch = push.branch.as_ref().map_or_else(|| push.name.to_string(), ToString::to_string);
        writeln!(out, "{what}{} -> {}", Safe::line(&branch), Safe::line(label))?;
    }
    if plan.notes.is_some() {
        writeln!(out, "{NOTES} -> {}", Safe::line(label))?;
    }
    Ok(())
}

fn branch_of(ledger: &LedgerRef) -> String {
    ledger.branch().map_or_else(|| ledger.to_string(), |branch| branch.to_string())
}

/// What was pushed to one address, for programs.
#[derive(Serialize)]
pub(super) struct Told {
    remote: String,
    /// The user's own refs, with `--with`.
    #[serde(skip_serializing_if = "Option::is_none")]
    refs: Option<Vec<ToldRef>>,
    ledgers: Vec<ToldLedger>,
    /// What came of the notes, by the same words; absent if there is nothing to push of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<&'static str>,
    /// Ledgers that wait until their branch is there.
    held: Vec<String>,
}

#[derive(Serialize)]
struct ToldLedger {
    branch: Option<String>,
    #[serde(rename = "ref")]
    name: String,
    tip: String,
    /// `pushed`, `left` (beside the ledger: the next push joins it), `already-there`, `refused`, `rejected`,
    /// `unsound` (what the remote has of it), `failed`, or `planned`.
    outcome: &'static str,
    sessions: Vec<String>,
    commits: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Told {
    fn of(done: &Done) -> Self {
        Self::of_push(&done.label, &done.plan, done.report.as_ref())
    }

    pub(super) fn of_push(label: &str, plan: &Plan, report: Option<&Report>) -> Self {
        let ledger = |push: &LedgerPush, outcome: Option<&LedgerOutcome>| {
            let none = Contents::default();
            let (contents, reason) = match outcome {
                Some(LedgerOutcome::Pushed(contents) | LedgerOutcome::Left(contents)) => (contents, None),
                Some(
                    LedgerOutcome::Refused { reason, .. }
                    | LedgerOutcome::Failed { reason, .. }
                    | LedgerOutcome::Unsound { reason },
                ) => (&none, Some(reason.clone())),
                Some(LedgerOutcome::Rejected(rejection)) => (&none, Some(rejection.reason.clone())),
                None | Some(LedgerOutcome::AlreadyThere) => (&none, None),
            };
            ToldLedger {
                branch: push.branch.as_ref().map(ToString::to_string),
                name: push.name.to_string(),
                tip: push.tip.to_string(),
                outcome: word(outcome),
                sessions: contents.sessions.iter().map(ToString::to_string).collect(),
                commits: contents.commits.iter().map(ToString::to_string).collect(),
                reason,
            }
        };
        let ledgers = match report {
            Some(report) => report.ledgers.iter().map(|one| ledger(&one.push, Some(&one.outcome))).collect(),
            None => plan.pushes.iter().map(|push| ledger(push, None)).collect(),
        };
        let notes = match report {
            Some(report) => report.notes.as_ref().map(|outcome| word(Some(outcome))),
            None => plan.notes.as_ref().map(|_| word(None)),
        };
        let held = plan.held.iter().map(branch_of).collect();
        Self { remote: label.to_owned(), refs: None, ledgers, notes, held }
    }

    /// The same, with what came of the user's own refs.
    pub(super) fn with_refs(self, refs: Vec<ToldRef>) -> Self {
        Self { refs: Some(refs), ..self }
    }
}

/// What came of a ledger or of the notes, in a word.
pub(super) fn word(outcome: Option<&LedgerOutcome>) -> &'static str {
    match outcome {
        None => "planned",
        Some(LedgerOutcome::Pushed(_)) => "pushed",
        Some(LedgerOutcome::AlreadyThere) => "already-there",
        Some(LedgerOutcome::Left(_)) => "left",
        Some(LedgerOutcome::Refused { .. }) => "refused",
        Some(LedgerOutcome::Rejected(_)) => "rejected",
        Some(LedgerOutcome::Unsound { .. }) => "unsound",
        Some(LedgerOutcome::Failed { .. }) => "failed",
    }
}
