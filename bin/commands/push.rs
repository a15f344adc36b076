//! `push`: ledgers to a remote, by hand.

use std::ffi::OsStr;
use std::io::{self, Write};

use git_opensession::fanout::{Consent, Contents, Destination, Fanout, LedgerOutcome, Plan, Report, wait_for_join};
use git_opensession::git::remote::{Direction, Network, addresses};
use git_opensession::ledger::LedgerRef;
use git_opensession::pre_push::base;
use git_opensession::view::{Safe, json};
use serde::Serialize;

use super::work::{self, Work};
use crate::cli::Push;
use crate::context::Context;
use crate::report::{Exit, Failure};

pub fn run(context: &mut Context, arguments: &Push) -> Result<Exit, Failure> {
    let work = Work::new(context)?;
    let head = work.repo.head()?;
    let default = work.config.push_remote(head.branch());
    let remote = work::known_remote(&work, arguments.remote.as_deref(), default)?;
    let mut done = Vec::new();
    for url in addresses(&work.program, &remote, Direction::Push)? {
        let destination = Destination::of_push(OsStr::new(&remote), url.expose(), &work.config, base(&work.repo));
        let plan = Plan::new(&work.repo, &work.config, &destination, &[])?;
        let report = if arguments.dry_run || plan.is_empty() {
            None
        } else {
            allowed(context, &work, &destination)?;
            Some(push(context, &work, &destination, &plan))
        };
        done.push(Done { label: destination.label(), plan, report });
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
    let failed = |done: &&Done| done.report.as_ref().is_some_and(|report| report.failures().next().is_some());
    let network = |done: &Done| done.report.as_ref().is_some_and(Report::is_network_failure);
    Ok(match done.iter().filter(failed).count() {
        0 => Exit::Done,
        _ if done.iter().any(network) => Exit::Network,
        _ => Exit::Partly,
    })
}

/// One address of the remote.
struct Done {
    label: String,
    plan: Plan,
    /// `None` if nothing was to be pushed, or it was not meant.
    report: Option<Report>,
}

/// Whether sessions may go there: what was said before, or what is said now, for this once.
fn allowed(context: &Context, work: &Work, destination: &Destination) -> Result<(), Failure> {
    let label = destination.label();
    match destination.consent(&work.config)? {
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

fn push(context: &Context, work: &Work, destination: &Destination, plan: &Plan) -> Report {
    let network = Network { git: &work.program, config: &work.config, prompts: work::prompts(context), deadline: None };
    let _progress = context.talk.progress("Pushing sessions");
    Fanout { repo: &work.repo, network, destination }.run(plan, &mut wait_for_join)
}

impl Done {
    /// What was pushed, or would be: `main -> origin: 2 sessions, 3 commits`.
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        match &self.report {
            Some(report) => match report.summary() {
                Some(summary) => writeln!(out, "{}", Safe::line(&summary)),
                None => Ok(()),
            },
            None => self.plan.pushes.iter().try_for_each(|push| {
                let branch = push.branch.as_ref().map_or_else(|| push.name.to_string(), ToString::to_string);
                writeln!(out, "{} -> {}", Safe::line(&branch), Safe::line(&self.label))
            }),
        }
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
            Some(report) => {
                for failure in report.failures() {
                    talk.warn(&failure.to_string(), &[]);
                }
                if report.failures().next().is_some() {
                    for said in &report.remote_says {
                        talk.warn(&format!("remote: {said}"), &[]);
                    }
                }
            }
            None if self.plan.is_empty() && !self.plan.held.is_empty() => {}
            None if self.plan.is_empty() => talk.say(&format!("{} has everything already", self.label)),
            None => debug_assert!(is_dry_run, "what is not empty is pushed"),
        }
    }
}

fn branch_of(ledger: &LedgerRef) -> String {
    ledger.branch().map_or_else(|| ledger.to_string(), |branch| branch.to_string())
}

#[derive(Serialize)]
struct Told {
    remote: String,
    ledgers: Vec<ToldLedger>,
    /// Ledgers that wait until their branch is there.
    held: Vec<String>,
}

#[derive(Serialize)]
struct ToldLedger {
    branch: Option<String>,
    #[serde(rename = "ref")]
    name: String,
    tip: String,
    /// `pushed`, `already-there`, `diverged`, `rejected`, `failed`, or `planned`.
    outcome: &'static str,
    sessions: Vec<String>,
    commits: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Told {
    fn of(done: &Done) -> Self {
        let ledger = |push: &git_opensession::fanout::LedgerPush, outcome: Option<&LedgerOutcome>| {
            let none = Contents::default();
            let (word, contents, reason) = match outcome {
                None => ("planned", &none, None),
                Some(LedgerOutcome::Pushed(contents)) => ("pushed", contents, None),
                Some(LedgerOutcome::AlreadyThere) => ("already-there", &none, None),
                Some(LedgerOutcome::Diverged { .. }) => ("diverged", &none, None),
                Some(LedgerOutcome::Rejected(rejection)) => ("rejected", &none, Some(rejection.reason.clone())),
                Some(LedgerOutcome::Failed { reason, .. }) => ("failed", &none, Some(reason.clone())),
            };
            ToldLedger {
                branch: push.branch.as_ref().map(ToString::to_string),
                name: push.name.to_string(),
                tip: push.tip.to_string(),
                outcome: word,
                sessions: contents.sessions.iter().map(ToString::to_string).collect(),
                commits: contents.commits.iter().map(ToString::to_string).collect(),
                reason,
            }
        };
        let ledgers = match &done.report {
            Some(report) => report.ledgers.iter().map(|one| ledger(&one.push, Some(&one.outcome))).collect(),
            None => done.plan.pushes.iter().map(|push| ledger(push, None)).collect(),
        };
        Self { remote: done.label.clone(), ledgers, held: done.plan.held.iter().map(branch_of).collect() }
    }
}
