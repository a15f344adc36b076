//! `capture`: the sessions of this repository into its ledger, without a push.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use git_opensession::agents;
use git_opensession::capture::{Captured, LinkMade, Request, capture, targets_by_hand};
use git_opensession::git::{self, BranchName, Repo};
use git_opensession::ledger::Change;
use git_opensession::redaction::Findings;
use git_opensession::view::{Safe, counted, json};
use serde::Serialize;

use super::shown;
use super::work::Work;
use crate::cli::Capture;
use crate::context::Context;
use crate::report::{Exit, Failure, Hint, chain};

/// A capture by hand may take its time: somebody waits for it, and can end it.
const DEADLINE: Duration = Duration::from_secs(600);

pub fn run(context: &mut Context, arguments: &Capture) -> Result<Exit, Failure> {
    let work = Work::new(context)?;
    work.follow()?;
    let branch = arguments.branch.as_deref().map(BranchName::new).transpose().map_err(git::Error::from)?;
    let targets = targets_by_hand(&work.repo, &work.config, arguments.range.as_deref(), branch)?;
    let request = Request {
        repo: &work.repo,
        config: &work.config,
        git: &context.git_environment,
        environment: &context.environment,
        parsers: agents::ALL,
        redactor: &work.redactor,
        signature: &work.signature,
        deadline: Instant::now() + DEADLINE,
    };
    let captured = {
        let _progress = context.talk.progress("Reading sessions");
        capture(&request, targets)?
    };
    tell(context, &work.repo, &captured, arguments.json)?;
    let is_whole = captured.unfinished.is_empty()
        && !matches!(captured.notes, Some(Err(_)))
        && captured.skipped.is_empty()
        && captured.ledgers.iter().flat_map(|ledger| &ledger.refused).all(|(_, why)| why.is_meant());
    Ok(if is_whole { Exit::Done } else { Exit::Partly })
}

/// What was captured, for programs.
#[derive(Serialize)]
struct Told<'a> {
    ledgers: Vec<ToldLedger>,
    links: Vec<ToldLink<'a>>,
    redacted: &'a Findings,
    skipped: Vec<ToldProblem>,
    unfinished: Vec<ToldProblem>,
}

#[derive(Serialize)]
struct ToldLedger {
    branch: String,
    before: Option<String>,
    after: Option<String>,
    sessions: Vec<ToldSession>,
    links: usize,
}

#[derive(Serialize)]
struct ToldSession {
    sid: String,
    /// `new`, `grown`, `replaced`, `copied`, `same`, `older`, or why it was refused.
    change: String,
}

#[derive(Serialize)]
struct ToldLink<'a> {
    branch: String,
    commit: String,
    sid: String,
    agent: &'a str,
    evidence: serde_json::Value,
}

#[derive(Serialize)]
struct ToldProblem {
    subject: String,
    why: String,
}

fn tell(context: &mut Context, repo: &Repo, captured: &Captured, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let told = told(captured);
        context.out.write(|out, _| json::write_document(out, "opensession.capture/1", &told))?;
    } else {
        context.out.write(|out, _| captured.links.iter().try_for_each(|link| write_link(out, repo, link)))?;
    }
    for sentence in summary(captured) {
        context.talk.say(&sentence);
    }
    for skipped in &captured.skipped {
        context.talk.warn(&format!("{}: {}", skipped.path.display(), skipped.why), &[]);
    }
    for (key, why) in captured.ledgers.iter().flat_map(|ledger| &ledger.refused) {
        let told = format!("the session {} was not stored: {why}", key.sid);
        if why.is_meant() {
            context.talk.say(&told);
        } else {
            context.talk.warn(&told, &[]);
        }
    }
    if let Some(Err(error)) = &captured.notes {
        context.talk.warn(&format!("notes are not written yet: {}", chain(error)), &[]);
    }
    for left in &captured.unfinished {
        let why = format!(
            "sessions of {} ({}) are not captured yet: {}",
            left.branch,
            counted(left.commits.len() as u64, "commit"),
            left.why
        );
        context.talk.warn(&why, &[Hint::own(["capture"], "goes on where this one ended")]);
    }
    Ok(())
}

/// `3f2a9c1b8d  1a2b3c4d5e6f fix it (wrote, 12 lines)`
fn write_link(out: &mut dyn Write, repo: &Repo, link: &LinkMade) -> io::Result<()> {
    let sid: String = link.session.sid.to_string().chars().take(10).collect();
    let commit: String = link.commit.to_string().chars().take(12).collect();
    let subject = repo.commit(link.commit).map(|commit| commit.summary().to_owned()).unwrap_or_default();
    let reasons = shown::reasons(&link.evidence);
    let reasons = reasons.iter().map(|reason| reason.safe().to_string()).collect::<Vec<_>>().join(", ");
    writeln!(out, "{sid}  {}  {commit} {} ({reasons})", link.agent, Safe::line(&subject))
}

fn summary(captured: &Captured) -> Vec<String> {
    let mut sentences = Vec::new();
    for ledger in captured.ledgers.iter().filter(|ledger| ledger.is_changed()) {
        let written = |change: &Change| !matches!(change, Change::Same | Change::Older);
        let sessions = ledger.sessions.iter().filter(|(_, change)| written(change)).count();
        if sessions + ledger.links == 0 {
            sentences.push(format!("brought the anchors in the ledger of {} up to date", ledger.branch));
            continue;
        }
        sentences.push(format!(
            "captured {} with {} into the ledger of {}",
            counted(sessions as u64, "session"),
            counted(ledger.links as u64, "new link"),
            ledger.branch
        ));
    }
    let secrets = captured.findings.secrets();
    if secrets > 0 {
        sentences.push(format!("redacted {}", counted(secrets, "secret")));
    }
    if sentences.is_empty() && captured.unfinished.is_empty() {
        sentences.push("nothing new to capture".to_owned());
    }
    sentences
}

fn told(captured: &Captured) -> Told<'_> {
    let ledgers = captured.ledgers.iter().map(|ledger| {
        let kept = ledger.sessions.iter().map(|(key, change)| (key, word(*change).to_owned()));
        let refused = ledger.refused.iter().map(|(key, why)| (key, why.to_string()));
        let sessions = kept.chain(refused).map(|(key, change)| ToldSession { sid: key.sid.to_string(), change });
        ToldLedger {
            branch: ledger.branch.to_string(),
            before: ledger.moved.0.map(|oid| oid.to_string()),
            after: ledger.moved.1.map(|oid| oid.to_string()),
            sessions: sessions.collect(),
            links: ledger.links,
        }
    });
    let links = captured.links.iter().map(|link| ToldLink {
        branch: link.branch.to_string(),
        commit: link.commit.to_string(),
        sid: link.session.sid.to_string(),
        agent: link.agent,
        evidence: serde_json::to_value(&link.evidence).unwrap_or_default(),
    });
    let skipped = captured
        .skipped
        .iter()
        .map(|log| ToldProblem { subject: log.path.display().to_string(), why: log.why.to_string() });
    let unfinished = captured
        .unfinished
        .iter()
        .map(|left| ToldProblem { subject: left.branch.to_string(), why: left.why.to_string() });
    Told {
        ledgers: ledgers.collect(),
        links: links.collect(),
        redacted: &captured.findings,
        skipped: skipped.collect(),
        unfinished: unfinished.collect(),
    }
}

fn word(change: Change) -> &'static str {
    match change {
        Change::New => "new",
        Change::Grown => "grown",
        Change::Replaced => "replaced",
        Change::Copied => "copied",
        Change::Same => "same",
        Change::Older => "older",
    }
}
