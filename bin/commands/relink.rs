//! `relink`: what is found by patch becomes ordinary links.

use std::io::{self, Write};

use git_opensession::browse::commits_of;
use git_opensession::capture::ledger_branch;
use git_opensession::git::{self, BranchName};
use git_opensession::ledger::{Ledgers, Percent, Scope};
use git_opensession::notes;
use git_opensession::relink::{Found, Plan, Written};
use git_opensession::settings::FanoutMode;
use git_opensession::view::{Safe, counted, json};
use serde::Serialize;

use super::shown;
use super::work::Work;
use crate::cli::Relink;
use crate::context::Context;
use crate::report::{Exit, Failure, Hint, chain, matched};

pub fn run(context: &mut Context, arguments: &Relink) -> Result<Exit, Failure> {
    let work = Work::new(context)?;
    let branch = match &arguments.branch {
        Some(branch) => BranchName::new(branch.as_str()).map_err(git::Error::from)?,
        None => ledger_branch(&work.config, work.repo.head()?)?,
    };
    let ledgers = Ledgers::open(&work.repo, Scope::All)?;
    let unreadable = shown::warn_ledgers(&context.talk, &ledgers);
    let commits = commits_of(&work.repo, arguments.range.as_deref().unwrap_or("HEAD"))?;
    let plan = {
        let _progress = context.talk.progress("Looking for rewritten commits");
        Plan::new(&work.repo, &ledgers, branch, &commits, arguments.similar)?
    };
    let by = work.appender();
    let written = if arguments.dry_run { None } else { Some(plan.write(&work.repo, &by)?) };
    if arguments.json {
        let told = Told::of(&plan, written.as_ref());
        context.out.write(|out, _| json::write_document(out, "opensession.relink/1", &told))?;
    } else {
        context.out.write(|out, _| plan.found.iter().try_for_each(|found| write_found(out, found)))?;
    }
    say(context, &plan, written.as_ref());
    let mut is_done = unreadable == 0;
    if let Some(written) = &written {
        is_done &= written.refused.is_empty() && !written.raced;
        let wants_notes = FanoutMode::read(&work.config).is_ok_and(|mode| mode == Some(FanoutMode::GitNotes));
        if written.links > 0
            && wants_notes
            && let Err(error) = notes::write(&work.repo, &by)
        {
            context.talk.warn(&format!("notes are not written yet: {}", chain(&error)), &[]);
            is_done = false;
        }
    }
    Ok(if is_done { Exit::Done } else { Exit::Partly })
}

/// `1a2b3c4d5e6f  3f2a9c1b8d  patch  subject`
fn write_found(out: &mut dyn Write, found: &Found) -> io::Result<()> {
    let commit: String = found.commit.oid.to_string().chars().take(12).collect();
    let sid: String = found.link.key.sid.to_string().chars().take(10).collect();
    writeln!(out, "{commit}  {sid}  {}  {}", found.link.matched, Safe::line(found.commit.summary()))
}

fn say(context: &Context, plan: &Plan, written: Option<&Written>) {
    let talk = &context.talk;
    let found = plan.found.len() as u64;
    match written {
        _ if found == 0 => talk.say("nothing is to be tied: every session that is found is found by a commit's id"),
        None => talk.say(&format!("{} would be written into the ledger of {}", counted(found, "link"), plan.branch)),
        Some(written) if written.raced => {
            talk.warn(&format!("the ledger of {} was moved by others all the time; run this again", plan.branch), &[]);
        }
        Some(written) => {
            let links = counted(written.links as u64, "link");
            talk.say(&format!("wrote {links} into the ledger of {}; the next push carries them along", plan.branch));
            for (key, why) in &written.refused {
                talk.warn(&format!("the session {} was not tied: {why}", key.sid), &[]);
            }
        }
    }
    if !plan.left_out.is_empty() {
        let similar = counted(plan.left_out.len() as u64, "more");
        let hint = Hint::own(["relink", "--similar", "--dry-run"], "shows them, too");
        talk.say(&format!("{similar} only similar, and left out: {}", hint.line(talk.program())));
    }
    if plan.unsearched > 0 {
        let commits = counted(plan.unsearched as u64, "older commit");
        talk.say(&format!("{commits} without a session were not looked at for similar ones: there are too many"));
    }
}

#[derive(Serialize)]
struct Told {
    branch: String,
    dry_run: bool,
    /// Links that are new in the ledger.
    written: usize,
    links: Vec<ToldLink>,
    /// What is only similar, and was not asked for.
    left_out: Vec<ToldLink>,
    refused: Vec<ToldRefusal>,
}

#[derive(Serialize)]
struct ToldLink {
    commit: String,
    subject: String,
    session: String,
    /// `patch`, `branch`, `similar`.
    matched: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<Percent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<String>,
}

#[derive(Serialize)]
struct ToldRefusal {
    session: String,
    why: String,
}

impl Told {
    fn of(plan: &Plan, written: Option<&Written>) -> Self {
        let link = |found: &Found| ToldLink {
            commit: found.commit.oid.to_string(),
            subject: found.commit.summary().to_owned(),
            session: found.link.key.sid.to_string(),
            matched: found.link.matched.word(),
            share: found.link.matched.share(),
            original: matched::original(&found.link).map(|commit| commit.to_string()),
        };
        let refused = written.into_iter().flat_map(|written| &written.refused);
        Self {
            branch: plan.branch.to_string(),
            dry_run: written.is_none(),
            written: written.map_or(0, |written| written.links),
            links: plan.found.iter().map(link).collect(),
            left_out: plan.left_out.iter().map(link).collect(),
            refused: refused
                .map(|(key, why)| ToldRefusal { session: key.sid.to_string(), why: why.to_string() })
                .collect(),
        }
    }
}
