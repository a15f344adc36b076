//! `fetch`: the ledgers of a remote.

use std::io::{self, Write};

use git_opensession::fanout::Unfetched;
use git_opensession::fetch::{Fetched, FetchedLedger, fetch};
use git_opensession::git::remote::Network;
use git_opensession::view::{Safe, counted, json};
use serde::Serialize;

use super::work::{self, Work};
use crate::cli::Fetch;
use crate::context::Context;
use crate::report::{Exit, Failure, Hint};

pub fn run(context: &mut Context, arguments: &Fetch) -> Result<Exit, Failure> {
    let work = Work::new(context)?;
    let head = work.repo.head()?;
    let default = work.config.fetch_remote(head.branch());
    let remote = work::known_remote(&work, arguments.remote.as_deref(), default)?;
    let network = Network { git: &work.program, config: &work.config, prompts: work::prompts(context), deadline: None };
    let fetched = {
        let _progress = context.talk.progress("Fetching sessions");
        fetch(&work.repo, &network, &remote, &work.appender())?
    };
    if arguments.json {
        let told = ToldFetch::of(&fetched);
        context.out.write(|out, _| json::write_document(out, "opensession.fetch/1", &told))?;
        return Ok(exit(&fetched));
    }
    context.out.write(|out, _| write_all(out, &fetched))?;
    tell_more(context, &fetched);
    if fetched.ledgers.is_empty() && !fetched.notes {
        context.talk.say(&format!("nothing new at {}", fetched.label));
    }
    Ok(exit(&fetched))
}

/// Whether all of it came.
pub(super) fn exit(fetched: &Fetched) -> Exit {
    if fetched.unfetched.is_empty() { Exit::Done } else { Exit::Partly }
}

/// One line for each ledger that came.
pub(super) fn write_all(out: &mut dyn Write, fetched: &Fetched) -> io::Result<()> {
    fetched.ledgers.iter().try_for_each(|ledger| write(out, &fetched.label, ledger))
}

/// Says which ledgers here have lost what the remote no longer keeps, which were folded there, and whether notes came.
pub(super) fn tell_more(context: &Context, fetched: &Fetched) {
    if fetched.notes {
        context.talk.say("notes are joined: git log --notes=opensession");
    }
    warn_unfetched(context, &fetched.label, &fetched.unfetched);
    for ledger in &fetched.honoured {
        let branch = ledger.branch().map_or_else(|| ledger.to_string(), |branch| branch.to_string());
        let label = &fetched.label;
        context.talk.say(&format!("the ledger of {branch} follows {label} in what is purged or expired there"));
    }
    for ledger in &fetched.folded {
        let branch = ledger.branch().map_or_else(|| ledger.to_string(), |branch| branch.to_string());
        context.talk.say(&format!("the ledger of {branch} was folded into another at {}", fetched.label));
    }
}

/// Says what could not be fetched, and how it can be deleted there if it is that ref alone.
pub(super) fn warn_unfetched(context: &Context, label: &str, unfetched: &[Unfetched]) {
    for Unfetched { name, reason, is_unsound } in unfetched {
        let delete = || Hint::command(["git", "push", "--no-verify", label, &format!(":{name}")], "delete it there");
        let hints: Vec<Hint> = is_unsound.then(delete).into_iter().collect();
        context.talk.warn(&format!("{name} at {label} was not fetched: {reason}"), &hints);
    }
}

/// What came, for programs.
#[derive(Serialize)]
pub(super) struct ToldFetch<'a> {
    remote: &'a str,
    ledgers: Vec<Told>,
    /// Refs of ledgers here that were brought in line with what is purged or expired there.
    honoured: Vec<String>,
    /// Whether the notes here got anything new.
    notes: bool,
    /// What could not be fetched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unfetched: Vec<ToldUnfetched<'a>>,
}

impl<'a> ToldFetch<'a> {
    pub(super) fn of(fetched: &'a Fetched) -> Self {
        let ledgers = fetched.ledgers.iter().map(Told::of).collect();
        let honoured = fetched.honoured.iter().map(ToString::to_string).collect();
        let unfetched =
            fetched.unfetched.iter().map(|one| ToldUnfetched { name: &one.name, reason: &one.reason }).collect();
        Self { remote: &fetched.label, ledgers, honoured, notes: fetched.notes, unfetched }
    }
}

#[derive(Serialize)]
struct ToldUnfetched<'a> {
    #[serde(rename = "ref")]
    name: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct Told {
    branch: Option<String>,
    #[serde(rename = "ref")]
    name: String,
    old: Option<String>,
    new: Option<String>,
    /// Whether it lies beside the ledger, to be joined by the next push.
    inbox: bool,
    sessions: Vec<String>,
    commits: Vec<String>,
}

impl Told {
    fn of(ledger: &FetchedLedger) -> Self {
        Self {
            branch: ledger.branch.as_ref().map(ToString::to_string),
            name: ledger.name.to_string(),
            old: ledger.old.map(|oid| oid.to_string()),
            new: ledger.new.map(|oid| oid.to_string()),
            inbox: ledger.is_inbox,
            sessions: ledger.contents.sessions.iter().map(ToString::to_string).collect(),
            commits: ledger.contents.commits.iter().map(ToString::to_string).collect(),
        }
    }
}

/// `origin/main: 2 sessions (3 commits)`
fn write(out: &mut dyn Write, label: &str, ledger: &FetchedLedger) -> io::Result<()> {
    let branch = ledger.branch.as_ref().map_or_else(|| ledger.name.to_string(), |branch| format!("{label}/{branch}"));
    let more = if ledger.contents.more { " and more" } else { "" };
    let sessions = counted(ledger.contents.sessions.len() as u64, "session");
    let commits = counted(ledger.contents.commits.len() as u64, "commit");
    match ledger.new {
        // It is in the ledger now.
        None if ledger.is_inbox => Ok(()),
        None => writeln!(out, "{}: gone there, and so here", Safe::line(&branch)),
        Some(_) if ledger.contents.is_empty() => writeln!(out, "{}: no new sessions", Safe::line(&branch)),
        Some(_) => writeln!(out, "{}: {sessions} ({commits}){more}", Safe::line(&branch)),
    }
}
