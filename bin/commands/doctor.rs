//! `doctor`: what is well, what is not, and setting it up.

use std::env;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use git_opensession::agents;
use git_opensession::capture::{Request, explain};
use git_opensession::doctor::{Belongings, Change, Patient, Removal, Setup, Wish, examine};
use git_opensession::fanout::Refusals;
use git_opensession::git::hooks::Way;
use git_opensession::git::{Exclude, WalkLimits};
use git_opensession::ledger::{Ledgers, Scope};
use git_opensession::lookup::Lookup;
use git_opensession::settings::{FanoutMode, OpenTarget};

use super::docs::manual;
use super::work::Work;
use crate::cli;
use crate::context::Context;
use crate::report::{self, Exit, Failure};

/// How long git may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn run(context: &mut Context, arguments: &cli::Doctor) -> Result<Exit, Failure> {
    let work = Work::new(context)?;
    let patient = Patient {
        repo: &work.repo,
        config: &work.config,
        git: &context.git_environment,
        environment: &context.environment,
        program: &work.program,
        parsers: agents::ALL,
        now: context.now,
        deadline: Instant::now() + PATIENCE,
    };
    if let Some(revision) = &arguments.commit {
        let request = Request {
            repo: &work.repo,
            config: &work.config,
            git: &context.git_environment,
            environment: &context.environment,
            parsers: agents::ALL,
            redactor: &work.redactor,
            signature: &work.signature,
            deadline: Instant::now() + Duration::from_secs(600),
        };
        let commit = work.repo.rev_parse(revision)?;
        let explanation = explain(&request, commit)?;
        let ledgers = Ledgers::open(&work.repo, Scope::All)?;
        let links = Lookup::new(&work.repo, &ledgers).behind(commit)?;
        let known = work.repo.refs("refs/remotes/")?.into_iter().map(|found| found.oid).collect();
        let unknown = Exclude { commits: known, tracked_by: None };
        let is_pushed = work.repo.rev_list(&[commit], &unknown, WalkLimits::commits(1))?.commits.is_empty();
        return report::explain::tell(&mut context.out, &explanation, &links, is_pushed, arguments.json);
    }
    if arguments.uninstall {
        return uninstall(context, &patient, arguments.yes);
    }
    if arguments.fix {
        return fix(context, &patient, arguments);
    }
    let examination = examine(&patient)?;
    let (binary, manual) = (binary()?, manual::text());
    let home = context.environment.home.clone();
    let belongings = Belongings { home: home.as_deref(), binary: &binary, manual: &manual };
    report::doctor::tell(context, &examination, &belongings, arguments.json)
}

fn fix(context: &Context, patient: &Patient<'_>, arguments: &cli::Doctor) -> Result<Exit, Failure> {
    let talk = &context.talk;
    if !arguments.yes && !talk.can_ask() {
        return Err(Failure::NeedsYes { verb: "--fix" });
    }
    let mode = match (arguments.fanout_mode, FanoutMode::read(patient.config)?) {
        (Some(mode), _) => mode.into(),
        (None, Some(mode)) => mode,
        (None, None) => ask_mode(context)?,
    };
    let (binary, manual) = (binary()?, manual::text());
    let open = arguments.open_target.map(Into::into).or(arguments.profile.map(Into::into));
    let (way, remote) = (arguments.hook.map(Into::into), arguments.remote.as_deref());
    let setup = Setup::plan(patient, &Wish { binary: &binary, way, mode, open, remote })?;
    let belongings = Belongings { home: context.environment.home.as_deref(), binary: &binary, manual: &manual };
    let changes = belongings.plan_install();
    report::doctor::tell_setup(talk, &setup, &changes);
    if Refusals::forget_all(patient.repo) {
        talk.say("remotes that have refused sessions are asked again");
    }
    if setup.is_empty() && changes.is_empty() {
        return Ok(Exit::Done);
    }
    if !arguments.yes && talk.ask("Apply this?") != Some(true) {
        talk.say("nothing was changed");
        return Ok(Exit::No);
    }
    setup.apply(patient.repo)?;
    apply(context, &changes);
    talk.say("done; from now on every push carries its sessions along");
    Ok(Exit::Done)
}

/// This program, by its real path.
pub fn binary() -> Result<PathBuf, Failure> {
    env::current_exe().and_then(|path| path.canonicalize().or(Ok(path))).map_err(Failure::OwnPath)
}

/// Does what there is to be done in the user's own folders. A push carries sessions without a man page, too: what
/// cannot be done is a warning.
fn apply(context: &Context, changes: &[Change]) {
    for change in changes {
        if let Err(error) = change.apply(context.environment.home.as_deref()) {
            let place = change.place().display();
            context.talk.warn(&format!("{place} could not be changed: {error}"), &[]);
        }
    }
}

fn ask_mode(context: &Context) -> Result<FanoutMode, Failure> {
    let modes = [FanoutMode::HiddenRef.as_str(), FanoutMode::GitNotes.as_str()];
    match context
        .talk
        .choose("How shall sessions travel: on hidden refs only, or with pointers in git notes, too?", &modes)
    {
        Some(mode) if mode == FanoutMode::GitNotes.as_str() => Ok(FanoutMode::GitNotes),
        Some(_) => Ok(FanoutMode::HiddenRef),
        None => Err(Failure::NeedsMode),
    }
}

fn uninstall(context: &Context, patient: &Patient<'_>, yes: bool) -> Result<Exit, Failure> {
    let talk = &context.talk;
    if !yes && !talk.can_ask() {
        return Err(Failure::NeedsYes { verb: "--uninstall" });
    }
    let removal = Removal::plan(patient)?;
    let (binary, manual) = (binary()?, manual::text());
    let belongings = Belongings { home: context.environment.home.as_deref(), binary: &binary, manual: &manual };
    let changes = belongings.plan_removal();
    report::doctor::tell_removal(talk, &removal, &changes);
    if removal.is_empty() && changes.is_empty() {
        return Ok(Exit::Done);
    }
    if !yes && talk.ask("Apply this?") != Some(true) {
        talk.say("nothing was changed");
        return Ok(Exit::No);
    }
    removal.apply(patient.repo)?;
    apply(context, &changes);
    talk.say("done; the sessions that were captured are still here");
    Ok(Exit::Done)
}

impl From<cli::HookWay> for Way {
    fn from(way: cli::HookWay) -> Self {
        match way {
            cli::HookWay::File => Self::File,
            cli::HookWay::Config => Self::Config,
        }
    }
}

impl From<cli::OpenTarget> for OpenTarget {
    fn from(target: cli::OpenTarget) -> Self {
        match target {
            cli::OpenTarget::Web => Self::Web,
            cli::OpenTarget::App => Self::App,
            cli::OpenTarget::None => Self::None,
        }
    }
}

impl From<cli::SetupProfile> for OpenTarget {
    fn from(profile: cli::SetupProfile) -> Self {
        match profile {
            cli::SetupProfile::Local => Self::Web,
            cli::SetupProfile::App => Self::App,
        }
    }
}

impl From<cli::FanoutMode> for FanoutMode {
    fn from(mode: cli::FanoutMode) -> Self {
        match mode {
            cli::FanoutMode::HiddenRef => Self::HiddenRef,
            cli::FanoutMode::GitNotes => Self::GitNotes,
        }
    }
}
