//! What happens before a push: look whether it is meant, capture, carry the ledgers along.
//!
//! Everything is a value: the caller reads the hook's input, prints, and exits. Whatever goes wrong is a
//! [`Problem`], and only [`PrePush::run`]'s caller decides, by [`Outcome::must_fail`], that the user's push ends here.

use std::ffi::OsStr;
use std::time::{Duration, Instant};

use crate::agents::{Environment, LogParser};
use crate::capture::{self, Captured, Listing, Request, Skip, Target, capture_listed};
use crate::fanout::{
    self, BadUpdate, Consent, Destination, DryRun, Fanout, FanoutError, Plan, PushUpdate, SecretFindings, Suspect,
    is_internal, is_mirror, may_force, scan_push,
};
use crate::git::process::{GitProgram, Prompts, ancestors};
use crate::git::remote::Network;
use crate::git::{
    self, BranchName, Config, DiffLimits, Exclude, GitEnvironment, Head, Oid, Repo, Signature, WalkLimits,
};
use crate::honour::honour;
use crate::ledger::{self, Appender, LedgerRef, Ledgers, Scope, tracking_prefix};
use crate::notes;
use crate::redaction::Redactor;
use crate::settings::{BadSetting, Require, SecretScan, Settings};
use crate::verify::{self, Behind, Missing, Stale};

/// The most commits of one push that are tied to sessions, or searched for secrets.
const MOST_COMMITS: usize = 20_000;
/// How much of one commit is searched for secrets.
const SCANNED: DiffLimits = DiffLimits { files: 2_000, bytes: 16 << 20, file_size: 4 << 20 };
/// The part of the deadline that the search for secrets may take.
const SCAN_SHARE: u32 = 4;

/// A hook that was called.
#[derive(Clone, Copy)]
pub struct PrePush<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// Its configuration.
    pub config: &'a Config,
    /// What git may know of the machine.
    pub git: &'a GitEnvironment,
    /// What the parsers may know of the machine.
    pub environment: &'a Environment,
    /// The user's git, in the folder hooks run in.
    pub program: &'a GitProgram,
    /// The parsers.
    pub parsers: &'a [&'a dyn LogParser],
    /// What takes secrets and people out.
    pub redactor: &'a Redactor,
    /// Who makes the ledgers' commits, and what time it is.
    pub signature: &'a Signature,
    /// When the hook was called: the deadline counts from here.
    pub started: Instant,
}

/// Why nothing was done, and nothing had to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// A push of our own.
    Internal,
    /// `git push --dry-run`.
    DryRun,
}

/// Something that went wrong. Strict mode fails the push for it.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// git's input was not git's.
    #[error(transparent)]
    Input(#[from] BadUpdate),
    /// A setting makes no sense.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// The repository cannot be read.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The capture could not begin.
    #[error("sessions{} could not be captured: {source}", of(.targets))]
    Capture {
        /// What was to be captured.
        targets: Vec<Target>,
        /// Why it could not begin.
        source: capture::Error,
    },
    /// Sessions of some commits are not captured yet.
    #[error("sessions of {branch} ({}) are not captured yet: {why}", briefly(.commits))]
    Unfinished {
        /// The branch.
        branch: BranchName,
        /// The commits.
        commits: Vec<Oid>,
        /// Why.
        why: String,
    },
    /// A log of this machine cannot be read.
    #[error("{}: {why}", path.display())]
    Log {
        /// The log.
        path: std::path::PathBuf,
        /// Why.
        why: Skip,
    },
    /// A ledger does not take a session.
    #[error("session {session} is not stored: {why}")]
    Refused {
        /// The session's name.
        session: ledger::Sid,
        /// Why.
        why: String,
    },
    /// Sessions are stored, and the notes that point to them are not.
    #[error("notes are not written yet: {0}")]
    Notes(#[source] notes::Error),
    /// The fanout could not be planned.
    #[error(transparent)]
    Plan(#[from] FanoutError),
    /// Pushed commits that must have a session, and have none.
    #[error("{}", few(.0))]
    Missing(Vec<Missing>),
    /// A session was redacted by rules that know less than today's.
    #[error("{0}")]
    Stale(Stale),
    /// Nobody has said whether sessions may go there.
    #[error("{label} is not allowed to have sessions")]
    NotAllowed {
        /// The remote.
        label: String,
    },
}

/// The first of them, and how many more there are.
fn few(missing: &[Missing]) -> String {
    match missing {
        [] => "no commit lacks a session".to_owned(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first}; and {} more have none", rest.len()),
    }
}

/// ` of main (commit 1a2b3c4d5e6f)`, or nothing.
fn of(targets: &[Target]) -> String {
    let named = |target: &Target| format!("{} ({})", target.branch, briefly(&target.commits));
    match targets {
        [] => String::new(),
        [one] => format!(" of {}", named(one)),
        [first, rest @ ..] => format!(" of {} and {} more", named(first), rest.len()),
    }
}

fn briefly(commits: &[Oid]) -> String {
    match commits {
        [] => "no commit".to_owned(),
        [one] => format!("commit {:.12}", one.to_string()),
        [first, rest @ ..] => format!("commit {:.12} and {} more", first.to_string(), rest.len()),
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Set if nothing was to be done.
    pub idle: Option<Idle>,
    /// Whether strict mode is on.
    pub strict: bool,
    /// Where the push goes.
    pub destination: Option<Destination>,
    /// Whether sessions may go there.
    pub consent: Option<Consent>,
    /// Secrets in the pushed changes.
    pub secrets: SecretFindings,
    /// What is to be done about them.
    pub secret_scan: SecretScan,
    /// Ledgers over there that this push deletes (`git push --mirror` from a clone without them does).
    pub deleted_ledgers: usize,
    /// What was captured.
    pub captured: Option<Captured>,
    /// What was pushed along.
    pub fanout: Option<fanout::Report>,
    /// Whether this remote lacks ledgers of ours.
    pub waiting: usize,
    /// What went wrong.
    pub problems: Vec<Problem>,
}

impl Outcome {
    /// Whether the push must end here.
    pub fn must_fail(&self) -> bool {
        self.is_blocked() || (self.strict && self.has_failed())
    }

    /// Whether secrets in the pushed changes end the push.
    pub fn is_blocked(&self) -> bool {
        self.secret_scan == SecretScan::Block && !self.secrets.findings.is_empty()
    }

    /// Whether anything that strict mode wants did not happen.
    pub fn has_failed(&self) -> bool {
        !self.problems.is_empty() || self.fanout.as_ref().is_some_and(|report| report.failures().next().is_some())
    }
}

impl PrePush<'_> {
    /// Does all of it, until the deadline at the latest.
    ///
    /// `name` and `url` are the hook's arguments, `input` its standard input (githooks(5)); the logs are being listed.
    pub fn run(&self, name: &OsStr, url: &OsStr, input: &[u8], listing: Listing<'_, '_>) -> Outcome {
        let mut outcome = Outcome::default();
        if is_internal(self.git) {
            outcome.idle = Some(Idle::Internal);
            return outcome;
        }
        let above = ancestors(self.program);
        if DryRun::of(&above) == DryRun::Yes {
            outcome.idle = Some(Idle::DryRun);
            return outcome;
        }
        let settings = self.settings(&mut outcome);
        let deadline = self.started + settings.deadline;
        let updates = match PushUpdate::read_all(input) {
            Ok(updates) => updates,
            Err(error) => {
                outcome.problems.push(error.into());
                return outcome;
            }
        };
        let destination = Destination::of_push(name, url, self.config, self.repo.base());
        outcome.deleted_ledgers = updates.iter().filter(|update| update.deletes_ledger()).count();
        if is_mirror(&above) || self.is_kept_as_mirror(&destination) {
            outcome.deleted_ledgers = outcome.deleted_ledgers.max(self.only_at(&destination));
        }
        self.scan(&updates, &destination, settings, &mut outcome);
        if !outcome.is_blocked() {
            self.follow(deadline, &mut outcome);
            self.capture(&updates, listing, deadline, &mut outcome);
            if outcome.strict {
                self.verify(&updates, settings.require, &mut outcome);
            }
            // Sessions do not go ahead of commits that stay here.
            if !outcome.must_fail() {
                let going = self.without_rejected(updates, may_force(&above));
                self.carry(&going, &destination, deadline, &mut outcome);
            }
        }
        outcome.destination = Some(destination);
        outcome
    }

    fn is_kept_as_mirror(&self, destination: &Destination) -> bool {
        let key = destination.name().map(|name| format!("remote.{name}.mirror"));
        key.is_some_and(|key| self.config.get_bool(&key).ok().flatten() == Some(true))
    }

    /// How many ledgers a remote has that are not here, as far as is known: of what a mirror deletes git tells no hook.
    fn only_at(&self, destination: &Destination) -> usize {
        let known = self.repo.refs(&tracking_prefix(destination.key())).unwrap_or_default();
        let ledgers = known.iter().filter_map(|known| LedgerRef::parse(&known.name)?.to_local().to_ref().ok());
        ledgers.filter(|local| matches!(self.repo.read_ref(local.name()), Ok(None))).count()
    }

    /// The same for a push by which the caller carries the ledgers himself: all but that. It takes its time until
    /// `deadline`; what must end the push, and what was captured, is in the outcome.
    pub fn prepare(&self, updates: &[PushUpdate], destination: &Destination, deadline: Instant) -> Outcome {
        let mut outcome = Outcome::default();
        let settings = self.settings(&mut outcome);
        self.scan(updates, destination, settings, &mut outcome);
        if outcome.is_blocked() {
            return outcome;
        }
        self.follow(deadline, &mut outcome);
        std::thread::scope(|scope| {
            let listing = Listing::begin(scope, self.parsers, self.environment);
            self.capture(updates, listing, deadline, &mut outcome);
        });
        if outcome.strict {
            self.verify(updates, settings.require, &mut outcome);
        }
        outcome
    }

    /// Those that git does not already know to be rejected: without force, it does not move a ref from an object that
    /// is not here (`fetch first`), and yet tells the hook of it. Sessions of commits that stay here stay here, too.
    fn without_rejected(&self, mut updates: Vec<PushUpdate>, may_force: bool) -> Vec<PushUpdate> {
        let is_known = |old: Oid| self.repo.has(old).unwrap_or(true);
        updates.retain(|update| may_force || update.new.is_none() || update.old.is_none_or(is_known));
        updates
    }

    /// The settings. One that makes no sense is a problem, and whoever tries to be strict is.
    fn settings(&self, outcome: &mut Outcome) -> Settings {
        let read = Settings::read(self.config, self.git);
        outcome.strict = Settings::read_strict(self.config, self.git).unwrap_or(true);
        let settings = read.unwrap_or_else(|error| {
            outcome.problems.push(error.into());
            let deadline = Duration::from_secs(10);
            Settings { strict: outcome.strict, deadline, secret_scan: SecretScan::default(), require: None }
        });
        outcome.secret_scan = settings.secret_scan;
        settings
    }

    fn scan(&self, updates: &[PushUpdate], destination: &Destination, settings: Settings, outcome: &mut Outcome) {
        if settings.secret_scan == SecretScan::Off {
            return;
        }
        let deadline = Instant::now() + settings.deadline / SCAN_SHARE;
        let walk = WalkLimits { commits: MOST_COMMITS, deadline: Some(deadline) };
        let scanner = |text: &str| -> Vec<Suspect> {
            let hits = self.redactor.scan(text).into_iter();
            hits.map(|hit| Suspect { rule: hit.rule, range: hit.range }).collect()
        };
        match scan_push(self.repo, updates, destination.name(), walk, SCANNED, &scanner) {
            Ok(found) => outcome.secrets = found,
            Err(error) => outcome.problems.push(error.into()),
        }
    }

    /// Takes out here what was purged elsewhere, as far as somebody has fetched that.
    fn follow(&self, deadline: Instant, outcome: &mut Outcome) {
        let by = Appender { signature: self.signature, lock: None, deadline };
        if let Err(error) = honour(self.repo, &[], &by) {
            outcome.problems.push(FanoutError::from(error).into());
        }
    }

    /// Captures for each ref that is pushed. It needs nobody's consent: it stays here.
    fn capture(&self, updates: &[PushUpdate], listing: Listing<'_, '_>, deadline: Instant, outcome: &mut Outcome) {
        let targets = match self.targets(updates) {
            Ok(targets) => targets,
            Err(error) => {
                outcome.problems.push(error.into());
                return;
            }
        };
        let request = Request {
            repo: self.repo,
            config: self.config,
            git: self.git,
            environment: self.environment,
            parsers: self.parsers,
            redactor: self.redactor,
            signature: self.signature,
            deadline,
        };
        match capture_listed(&request, targets.clone(), listing) {
            Ok(mut captured) => {
                if let Some(Err(error)) = captured.notes.take_if(|notes| notes.is_err()) {
                    outcome.problems.push(Problem::Notes(error));
                }
                outcome.problems.extend(problems_of(&captured));
                outcome.captured = Some(captured);
            }
            Err(source) => outcome.problems.push(Problem::Capture { targets, source }),
        }
    }

    /// What strict mode wants of the pushed commits: the same that `verify` asks in CI.
    fn verify(&self, updates: &[PushUpdate], require: Option<Require>, outcome: &mut Outcome) {
        let asked = || -> Result<(Behind, Vec<Stale>), Problem> {
            let commits: Vec<Oid> = self.targets(updates)?.into_iter().flat_map(|target| target.commits).collect();
            let ledgers = Ledgers::open(self.repo, Scope::All).map_err(FanoutError::from)?;
            let behind = verify::behind(self.repo, &ledgers, &commits, require.unwrap_or(Require::Agent))?;
            let (stale, _) = verify::stale(&ledgers, &behind.sessions);
            Ok((behind, stale))
        };
        match asked() {
            Ok((behind, stale)) => {
                if require.is_some() && !behind.missing.is_empty() {
                    outcome.problems.push(Problem::Missing(behind.missing));
                }
                outcome.problems.extend(stale.into_iter().map(Problem::Stale));
            }
            Err(problem) => outcome.problems.push(problem),
        }
    }

    /// The commits that each ref brings to the remote, and the branch whose ledger they belong to.
    fn targets(&self, updates: &[PushUpdate]) -> git::Result<Vec<Target>> {
        // What any remote has already was pushed before, here or by somebody else.
        let mut known: Vec<Oid> = self.repo.refs("refs/remotes/")?.into_iter().map(|found| found.oid).collect();
        known.extend(updates.iter().filter_map(|update| update.old));
        let mut targets = Vec::new();
        for update in updates.iter().filter(|update| update.is_work()) {
            let Some(tip) = update.new.and_then(|new| self.repo.rev_parse(&new.to_string()).ok()) else { continue };
            let exclude = Exclude { commits: known.clone(), tracked_by: None };
            let commits = self.repo.rev_list(&[tip], &exclude, WalkLimits::commits(MOST_COMMITS))?.commits;
            known.push(tip);
            let branch = match update.branch() {
                Some(branch) => branch,
                // A tag that brings nothing new needs no ledger.
                None if commits.is_empty() => continue,
                None => self.ledger_of(update, tip)?,
            };
            targets.push(Target { branch, commits });
        }
        Ok(targets)
    }

    /// The ledger of commits that are pushed to something else than a branch: to a review (`refs/for/main`) of that
    /// branch, else, with a tag, of the branch HEAD is on.
    fn ledger_of(&self, update: &PushUpdate, tip: Oid) -> git::Result<BranchName> {
        let review = update.target.as_bytes().strip_prefix(b"refs/for/");
        if let Some(branch) = review.and_then(|name| BranchName::new(name).ok()) {
            return Ok(branch);
        }
        match self.repo.head()? {
            Head::Branch { name, .. } | Head::Unborn { name } => {
                Ok(self.config.upstream(&name).map_or(name, |upstream| upstream.branch))
            }
            Head::Detached { .. } => {
                let digits: String = tip.to_string().chars().take(8).collect();
                Ok(BranchName::new(format!("detached@{digits}"))?)
            }
        }
    }

    /// Pushes the ledgers, if they may go there.
    fn carry(&self, updates: &[PushUpdate], destination: &Destination, deadline: Instant, outcome: &mut Outcome) {
        let plan = match self.plan(updates, destination) {
            Ok(plan) => plan,
            Err(error) => {
                outcome.problems.push(error.into());
                return;
            }
        };
        let consent = match destination.consent(self.config) {
            Ok(consent) => consent,
            Err(error) => {
                outcome.problems.push(error.into());
                return;
            }
        };
        outcome.consent = Some(consent);
        outcome.waiting = plan.pushes.len() + usize::from(plan.notes.is_some());
        match consent {
            Consent::Given if plan.is_empty() => outcome.fanout = Some(fanout::Report::nothing(destination)),
            Consent::Given => match self.push(plan, updates, destination, deadline) {
                Ok(report) => {
                    outcome.waiting = report.failures().count();
                    outcome.fanout = Some(report);
                }
                Err(error) => outcome.problems.push(error.into()),
            },
            Consent::Unasked if !plan.is_empty() => {
                outcome.problems.push(Problem::NotAllowed { label: destination.label() });
            }
            Consent::Unasked | Consent::Refused => {}
        }
    }
}

impl PrePush<'_> {
    /// Pushes them. What nothing is known of yet is looked at first: it may say that some of it was purged.
    fn push(
        &self,
        plan: Plan,
        updates: &[PushUpdate],
        destination: &Destination,
        deadline: Instant,
    ) -> Result<fanout::Report, FanoutError> {
        let network =
            Network { git: self.program, config: self.config, prompts: Prompts::Never, deadline: Some(deadline) };
        let fanout = Fanout { repo: self.repo, network, destination, signature: self.signature, asks_again: false };
        let plan = if fanout.meet(&plan)? { self.plan(updates, destination)? } else { plan };
        Ok(fanout.run(&plan))
    }

    fn plan(&self, updates: &[PushUpdate], destination: &Destination) -> Result<Plan, FanoutError> {
        Plan::whole(self.repo, self.config, destination, updates, self.signature)
    }
}

/// What of a capture is a failure. A file that is no session is none, wherever it lies.
fn problems_of(captured: &Captured) -> Vec<Problem> {
    let logs = captured
        .skipped
        .iter()
        .filter(|skipped| matches!(skipped.why, Skip::Unreadable(_) | Skip::ParserPanicked | Skip::Unwritable(_)));
    let logs = logs.map(|skipped| Problem::Log { path: skipped.path.clone(), why: skipped.why });
    let unfinished = captured.unfinished.iter().map(|left| Problem::Unfinished {
        branch: left.branch.clone(),
        commits: left.commits.clone(),
        why: left.why.to_string(),
    });
    let refused = captured.ledgers.iter().flat_map(|ledger| &ledger.refused).filter(|(_, why)| !why.is_meant());
    let refused = refused.map(|(key, why)| Problem::Refused { session: key.sid, why: why.to_string() });
    logs.chain(unfinished).chain(refused).collect()
}
