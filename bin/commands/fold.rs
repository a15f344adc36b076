//! `fold`: the ledgers of branches that are done, into that of another.

use std::ffi::OsStr;
use std::io::{self, Write};

use git_opensession::fanout::{Consent, Destination};
use git_opensession::fold::{Context as Asked, Held, Plan, Report, Why};
use git_opensession::git::BranchName;
use git_opensession::git::remote::{Direction, addresses};
use git_opensession::view::{Safe, counted, json};
use serde::Serialize;

use super::rolled;
use super::work::{self, Work};
use crate::cli::Fold;
use crate::context::Context;
use crate::report::{Exit, Failure};

pub fn run(context: &mut Context, arguments: &Fold) -> Result<Exit, Failure> {
    let target = branch(&arguments.into)?;
    let named = arguments.branches.iter().map(|name| branch(name)).collect::<Result<Vec<_>, _>>()?;
    let work = Work::new(context)?;
    let destination = destination(&work, arguments.remote.as_deref())?;
    let rolling = rolled::rolling(context, &work);
    let fetched = rolled::fetch(context, &rolling, destination.as_slice())?;
    let asked = Asked { repo: &work.repo, network: rolling.network, destination: destination.as_ref() };
    let plan = Plan::new(&asked, &target, &named)?;
    let told =
        Told { label: destination.as_ref().map(Destination::label), plan: &plan, is_dry_run: arguments.asked.dry_run };
    if plan.folded.is_empty() || arguments.asked.dry_run {
        return told.tell(context, arguments.asked.json, None).map(|exit| exit.or(fetched));
    }
    if !arguments.asked.json {
        context.out.write(|out, _| told.write_plan(out))?;
    }
    let ledgers = counted(plan.folded.len() as u64, "ledger");
    let places = told.label.as_ref().map_or_else(|| "here".to_owned(), |label| format!("here and at {label}"));
    let question = format!("Fold {ledgers} into that of {target}, {places}?");
    let mut command = vec!["fold".to_owned()];
    command.extend(arguments.branches.iter().cloned());
    command.extend(["--into".to_owned(), arguments.into.clone()]);
    command.extend(arguments.remote.iter().flat_map(|remote| ["--remote".to_owned(), remote.clone()]));
    command.push("--yes".to_owned());
    if !rolled::confirmed(context, arguments.asked.yes, &question, command)? {
        return Ok(Exit::No);
    }
    let report = {
        let _progress = context.talk.progress("Folding ledgers");
        plan.run(&rolling, destination.as_ref())?
    };
    told.tell(context, arguments.asked.json, Some(&report)).map(|exit| exit.or(fetched))
}

/// The branch of that name, with or without `refs/heads/`.
fn branch(name: &str) -> Result<BranchName, Failure> {
    let known = BranchName::new(name.strip_prefix("refs/heads/").unwrap_or(name));
    known.map_err(|_| git_opensession::fold::Error::NoBranch { branch: name.to_owned() }.into())
}

/// The remote to fold at: the one that was named, else the one that a push goes to, if it may have sessions.
fn destination(work: &Work, named: Option<&str>) -> Result<Option<Destination>, Failure> {
    let head = work.repo.head()?;
    let default = work.config.push_remote(head.branch()).filter(|remote| work.config.remotes().contains(remote));
    if named.is_none() && default.is_none() {
        return Ok(None);
    }
    let remote = work::known_remote(work, named, default)?;
    let Some(url) = addresses(&work.program, &remote, Direction::Push)?.into_iter().next() else { return Ok(None) };
    let destination = Destination::of_push(OsStr::new(&remote), url.expose(), &work.config, work.repo.base());
    let may = named.is_some() || destination.consent(&work.config)? == Consent::Given;
    Ok(may.then_some(destination))
}

/// What is told of a fold.
struct Told<'a> {
    label: Option<String>,
    plan: &'a Plan,
    is_dry_run: bool,
}

#[derive(Serialize)]
struct ToldFold<'a> {
    into: String,
    remote: Option<&'a str>,
    dry_run: bool,
    done: bool,
    folded: Vec<ToldLedger>,
    held: Vec<ToldHeld>,
    rejected: Vec<ToldRejected>,
    error: Option<String>,
}

#[derive(Serialize)]
struct ToldLedger {
    branch: String,
    #[serde(rename = "ref")]
    name: String,
    why: &'static str,
}

#[derive(Serialize)]
struct ToldHeld {
    branch: String,
    #[serde(rename = "ref")]
    name: String,
    why: &'static str,
}

#[derive(Serialize)]
struct ToldRejected {
    #[serde(rename = "ref")]
    name: String,
    reason: String,
}

impl Told<'_> {
    fn tell(&self, context: &mut Context, as_json: bool, report: Option<&Report>) -> Result<Exit, Failure> {
        if as_json {
            let told = self.told(report);
            context.out.write(|out, _| json::write_document(out, "opensession.fold/1", &told))?;
        } else if self.is_dry_run {
            context.out.write(|out, _| self.write_plan(out))?;
        }
        let talk = &context.talk;
        for (_, branch, held) in &self.plan.held {
            match held {
                Held::NeverPushed => talk.say(&format!(
                    "the ledger of {branch} stays: nobody has published its commits; name it to fold it all the same"
                )),
                Held::Expired(count) => talk.warn(
                    &format!(
                        "the ledger of {branch} stays: {} of it are of before the floor of {}",
                        counted(*count as u64, "session"),
                        self.plan.target
                    ),
                    &[],
                ),
            }
        }
        let Some(report) = report else {
            if self.plan.folded.is_empty() {
                talk.say("there is nothing to fold");
            }
            return Ok(Exit::Done);
        };
        for (ledger, rejection) in &report.rejected {
            talk.warn(&format!("{} did not take {ledger}: {}", self.at(), rejection.reason), &[]);
        }
        for ledger in &report.raced {
            talk.warn(&format!("{ledger} was moved by others all the time; run this again"), &[]);
        }
        if let Some(error) = &report.failed {
            talk.warn(&format!("{error}; run this again"), &[]);
        }
        let (here, there) = (report.here.len() as u64, report.there.len() as u64);
        let at = if self.label.is_some() { format!(", {there} at {}", self.at()) } else { String::new() };
        talk.say(&format!("folded {} here{at} into that of {}", counted(here, "ledger"), self.plan.target));
        Ok(match (report.is_done(), &report.failed) {
            (true, _) => Exit::Done,
            (false, Some(error)) if error.is_network() => Exit::Network,
            (false, _) => Exit::Partly,
        })
    }

    fn at(&self) -> &str {
        self.label.as_deref().unwrap_or("the remote")
    }

    fn write_plan(&self, out: &mut dyn Write) -> io::Result<()> {
        self.plan.folded.iter().try_for_each(|(_, branch, why)| {
            let (branch, target) = (branch.to_string(), self.plan.target.to_string());
            writeln!(out, "{} -> {} ({})", Safe::line(&branch), Safe::line(&target), word(*why))
        })
    }

    fn told(&self, report: Option<&Report>) -> ToldFold<'_> {
        let Plan { target, folded, held } = self.plan;
        let rejected = report.into_iter().flat_map(|report| &report.rejected);
        ToldFold {
            into: target.to_string(),
            remote: self.label.as_deref(),
            dry_run: self.is_dry_run,
            done: report.is_none_or(Report::is_done),
            folded: folded
                .iter()
                .map(|(ledger, branch, why)| ToldLedger {
                    branch: branch.to_string(),
                    name: ledger.to_string(),
                    why: word(*why),
                })
                .collect(),
            held: held
                .iter()
                .map(|(ledger, branch, held)| ToldHeld {
                    branch: branch.to_string(),
                    name: ledger.to_string(),
                    why: match held {
                        Held::NeverPushed => "never-pushed",
                        Held::Expired(_) => "expired",
                    },
                })
                .collect(),
            rejected: rejected
                .map(|(ledger, rejection)| ToldRejected { name: ledger.to_string(), reason: rejection.reason.clone() })
                .collect(),
            error: report.and_then(|report| report.failed.as_ref()).map(ToString::to_string),
        }
    }
}

fn word(why: Why) -> &'static str {
    match why {
        Why::Named => "named",
        Why::Merged => "merged",
        Why::Gone => "gone",
    }
}
