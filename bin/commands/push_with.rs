//! `push --with`: a `git push`, and the sessions behind it in the same atomic push.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use git_opensession::agents;
use git_opensession::fanout::{
    BadPush, Destination, End, Fanout, LedgerOutcome, Plan, PushUpdate, Report, Together, Typed, TypedPush, updates_of,
};
use git_opensession::git::process::text::redact_urls;
use git_opensession::git::remote::{
    Change, Direction, Network, RefOutcome, Rehearsal, RemoteError, TypedError, TypedRef, TypedRemote, addresses,
};
use git_opensession::notes::NOTES;
use git_opensession::pre_push::{Outcome, PrePush};
use git_opensession::view::{Safe, json};
use serde::Serialize;

use super::push::{Told, allowed, tell_failures, write_plan};
use super::work::{self, Work};
use crate::cli::Push;
use crate::context::Context;
use crate::report::{Exit, Failure, Together as Ended, push as sentences};

/// Somebody waits for it, and can end it.
const DEADLINE: Duration = Duration::from_secs(600);

pub fn run(context: &mut Context, arguments: &Push, words: &[String]) -> Result<Exit, Failure> {
    let typed = TypedPush::read(words).map_err(Ended::Bad)?;
    let work = Work::new(context)?;
    let head = work.repo.head()?;
    let default = work.config.push_remote(head.branch());
    let remote = work::known_remote(&work, typed.remote(), default)?;
    let urls = addresses(&work.program, &remote, Direction::Push)?;
    let [url] = urls.as_slice() else {
        return Err(Ended::Addresses { remote, count: urls.len() }.into());
    };
    let destination = Destination::of_push(OsStr::new(&remote), url.expose(), &work.config, work.repo.base());
    let endpoint = destination.endpoint(&work.config);
    // What is said of them is said to be typed again, but for a password in an address.
    let words: Vec<String> = words.iter().map(|word| redact_urls(word)).collect();
    let is_configured = destination.name().is_some();
    let asked = Asked {
        work: &work,
        words: &words,
        typed: &typed,
        remote: TypedRemote { name: &remote, is_configured, endpoint: &endpoint },
        destination: &destination,
    };
    let network = asked.network(context);
    let rehearsal = {
        let _progress = context.talk.progress("Asking the remote");
        network
            .rehearse(asked.remote, &typed.rehearsal(), typed.refspecs())
            .map_err(|error| asked.not_rehearsed(error))?
    };
    asked.check(&rehearsal)?;
    let mut done = if arguments.dry_run || typed.is_dry_run() {
        asked.dry_run(rehearsal)?
    } else {
        asked.push(context, &rehearsal)?
    };
    asked.tell(context, &done, arguments.json)?;
    match done.end.take() {
        Some(end) => asked.exit(context, end, &done),
        None => Ok(Exit::Done),
    }
}

/// What was asked for.
struct Asked<'a> {
    work: &'a Work,
    words: &'a [String],
    typed: &'a TypedPush,
    remote: TypedRemote<'a>,
    destination: &'a Destination,
}

/// What came of it.
struct Done {
    refs: Vec<TypedRef>,
    plan: Plan,
    /// `None` of what was only asked for.
    report: Option<Report>,
    end: Option<End>,
    is_strict: bool,
}

impl Asked<'_> {
    fn network(&self, context: &Context) -> Network<'_> {
        let (git, config) = (&self.work.program, &self.work.config);
        Network { git, config, prompts: work::prompts(context), deadline: None }
    }

    /// Why git would not do it.
    fn not_rehearsed(&self, error: RemoteError) -> Failure {
        match error {
            RemoteError::Failed { reason, .. } => Ended::GitSays { reason, words: self.words.to_vec() }.into(),
            error => error.into(),
        }
    }

    /// Whether it can be done with sessions in it, as far as the rehearsal tells.
    fn check(&self, rehearsal: &Rehearsal) -> Result<(), Failure> {
        self.typed.check(rehearsal).map_err(Ended::Bad)?;
        if rehearsal.sets_upstream && self.remote.is_secret() {
            return Err(Ended::Bad(BadPush::FollowsPassword).into());
        }
        self.not_rejected(&rehearsal.refs)
    }

    /// That no ref is rejected for its own sake.
    fn not_rejected(&self, refs: &[TypedRef]) -> Result<(), Failure> {
        let rejected = refs.iter().find_map(|found| {
            let rejection = found.rejection().filter(|rejection| !rejection.is_for_another())?;
            Some((short(found.target.as_bytes()), rejection.reason.clone()))
        });
        let Some((name, reason)) = rejected else { return Ok(()) };
        Err(Ended::Rejected { label: self.destination.label(), name, reason }.into())
    }

    fn plan(&self, updates: &[PushUpdate]) -> Result<Plan, Failure> {
        let Work { repo, config, signature, .. } = self.work;
        Ok(Plan::whole(repo, config, self.destination, updates, signature)?)
    }

    fn dry_run(&self, rehearsal: Rehearsal) -> Result<Done, Failure> {
        let plan = self.plan(&updates_of(&self.work.repo, &rehearsal))?;
        Ok(Done { refs: rehearsal.refs, plan, report: None, end: None, is_strict: false })
    }

    fn push(&self, context: &Context, rehearsal: &Rehearsal) -> Result<Done, Failure> {
        let updates = updates_of(&self.work.repo, rehearsal);
        let outcome = self.prepare(context, &updates);
        sentences::problems(&context.talk, &outcome);
        if outcome.must_fail() {
            return Err(Ended::Blocked { by: sentences::why_failed(&outcome) }.into());
        }
        let mut plan = self.plan(&updates)?;
        let network = self.network(context);
        let (repo, signature, destination) = (&*self.work.repo, &self.work.signature, self.destination);
        let fanout = Fanout { repo, network, destination, signature, asks_again: true };
        if !plan.is_empty() {
            allowed(context, destination, destination.consent(&self.work.config)?)?;
            let _progress = context.talk.progress("Asking the remote");
            if fanout.meet(&plan)? {
                plan = self.plan(&updates)?;
            }
        }
        let options = self.typed.options(rehearsal);
        let typed = Typed { remote: self.remote, options, refspecs: self.typed.refspecs_of(rehearsal) };
        let _progress = context.talk.progress("Pushing");
        let mut said = |line: &str| {
            // That it failed is said in our own words.
            if !line.starts_with("error: failed to push some refs to ") {
                context.talk.say(line);
            }
        };
        let Together { refs, report, end } = fanout.push_together(&plan, &typed, &mut said);
        Ok(Done { refs, plan, report: Some(report), end: Some(end), is_strict: outcome.strict })
    }

    /// What a hook does before it carries anything along.
    fn prepare(&self, context: &Context, updates: &[PushUpdate]) -> Outcome {
        let _progress = context.talk.progress("Reading sessions");
        let started = Instant::now();
        let hook = PrePush {
            repo: &self.work.repo,
            config: &self.work.config,
            git: &context.git_environment,
            environment: &context.environment,
            program: &self.work.program,
            parsers: agents::ALL,
            redactor: &self.work.redactor,
            signature: &self.work.signature,
            started,
        };
        hook.prepare(updates, self.destination, started + DEADLINE)
    }

    fn tell(&self, context: &mut Context, done: &Done, as_json: bool) -> Result<(), Failure> {
        let label = self.destination.label();
        let is_quiet = self.typed.is_quiet();
        if as_json {
            let refs = done.refs.iter().map(|found| ToldRef::of(found, done.report.is_none())).collect();
            let told = Told::of_push(&label, &done.plan, done.report.as_ref()).with_refs(refs);
            context.out.write(|out, _| json::write_list(out, "opensession.push/1", "remotes", [told]))?;
        } else if !is_quiet {
            let is_told = |found: &&TypedRef| self.typed.is_verbose() || !found.is_up_to_date();
            context.out.write(|out, _| {
                done.refs.iter().filter(is_told).try_for_each(|found| write_ref(out, found))?;
                done.write(out, &label)
            })?;
        }
        if !is_quiet && done.report.is_some() && done.refs.iter().all(TypedRef::is_up_to_date) && done.plan.is_empty() {
            context.talk.say(&format!("{label} has everything already"));
        }
        Ok(())
    }

    /// How it ended, once all of it is said.
    fn exit(&self, context: &Context, end: End, done: &Done) -> Result<Exit, Failure> {
        let label = self.destination.label();
        let push = || ["git", "push"].into_iter().map(str::to_owned).chain(self.words.iter().cloned()).collect();
        let ended = match end {
            End::Pushed => return Ok(Exit::Done),
            End::Rejected => {
                self.not_rejected(&done.refs)?;
                Ended::HookSaidNo
            }
            End::Refused => self.refused(done, push()),
            End::Torn => {
                done.report.iter().for_each(|report| tell_failures(context, report));
                Ended::Torn { label }
            }
            End::Raced => {
                let again =
                    ["push", "--with"].into_iter().map(str::to_owned).chain(self.words.iter().cloned()).collect();
                Ended::Raced { label, again }
            }
            End::NotReady => {
                done.report.iter().for_each(|report| tell_failures(context, report));
                Ended::NotReady
            }
            End::Failed(TypedError::NotAtomic { .. }) => Ended::NotAtomic { label, push: push() },
            End::Failed(TypedError::HookSaidNo) => Ended::HookSaidNo,
            End::Failed(TypedError::Remote(error)) => return Err(Failure::Remote(error)),
        };
        Err(ended.into())
    }

    /// What of ours the remote does not take.
    fn refused(&self, done: &Done, push: Vec<String>) -> Ended {
        let failures = || done.report.iter().flat_map(Report::failures);
        let refused = failures().find(|failure| matches!(failure.outcome, LedgerOutcome::Refused { .. }));
        let Some(failure) = refused.or_else(|| failures().next()) else { return Ended::NotReady };
        let name = failure.push.map_or_else(|| NOTES.to_owned(), |push| push.target.to_string());
        let reason = match failure.outcome {
            LedgerOutcome::Refused { reason, .. }
            | LedgerOutcome::Failed { reason, .. }
            | LedgerOutcome::Unsound { reason } => reason.clone(),
            LedgerOutcome::Rejected(rejection) => rejection.reason.clone(),
            LedgerOutcome::Pushed(_) | LedgerOutcome::AlreadyThere | LedgerOutcome::Left(_) => String::new(),
        };
        Ended::Refused { label: self.destination.label(), name, reason, push, is_strict: done.is_strict }
    }
}

impl Done {
    /// The sessions: `2 sessions (3 commits) -> origin`, or which would go.
    fn write(&self, out: &mut dyn Write, label: &str) -> io::Result<()> {
        match &self.report {
            Some(report) => match report.summary() {
                Some(summary) => writeln!(out, "{}", Safe::line(&summary)),
                None => Ok(()),
            },
            None => write_plan(out, &self.plan, "sessions of ", label),
        }
    }
}

/// ` * [new branch]      main -> main`, as git says it.
fn write_ref(out: &mut dyn Write, found: &TypedRef) -> io::Result<()> {
    let flag = match &found.outcome {
        RefOutcome::Pushed(change) => match change {
            Change::New => '*',
            Change::FastForward => ' ',
            Change::Forced => '+',
            Change::Deleted => '-',
            Change::UpToDate => '=',
        },
        RefOutcome::Rejected(_) => '!',
    };
    let (source, target) = (short(&found.source), short(found.target.as_bytes()));
    let (what, why) =
        found.summary.split_once(" (").map_or((found.summary.as_str(), None), |(what, why)| (what, Some(why)));
    let arrow = if found.is_delete() { target } else { format!("{source} -> {target}") };
    let why = why.map(|why| format!(" ({why}")).unwrap_or_default();
    writeln!(out, " {flag} {:<17} {}{}", Safe::line(what).to_string(), Safe::line(&arrow), Safe::line(&why))
}

/// A ref without what everybody knows of it.
fn short(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    let known = ["refs/heads/", "refs/tags/", "refs/remotes/"];
    known.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(&name).to_owned()
}

/// What came of one of the user's refs, for programs.
#[derive(Serialize)]
pub(super) struct ToldRef {
    /// What was pushed: a ref, or an expression; absent if it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(rename = "ref")]
    target: String,
    /// `new`, `moved`, `forced`, `deleted`, `same`, `rejected`, or `planned`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl ToldRef {
    fn of(found: &TypedRef, is_dry_run: bool) -> Self {
        let outcome = match &found.outcome {
            RefOutcome::Pushed(Change::UpToDate) => "same",
            RefOutcome::Pushed(_) if is_dry_run => "planned",
            RefOutcome::Pushed(Change::New) => "new",
            RefOutcome::Pushed(Change::FastForward) => "moved",
            RefOutcome::Pushed(Change::Forced) => "forced",
            RefOutcome::Pushed(Change::Deleted) => "deleted",
            RefOutcome::Rejected(_) => "rejected",
        };
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            source: (!found.is_delete()).then(|| lossy(&found.source)),
            target: lossy(found.target.as_bytes()),
            outcome,
            reason: found.rejection().map(|rejection| rejection.reason.clone()),
        }
    }
}
