//! `fetch`: the ledgers of a remote.

use std::io::{self, Write};

use git_opensession::fetch::{FetchedLedger, fetch};
use git_opensession::git::remote::Network;
use git_opensession::view::{Safe, counted, json};
use serde::Serialize;

use super::work::{self, Work};
use crate::cli::Fetch;
use crate::context::Context;
use crate::report::{Exit, Failure};

pub fn run(context: &mut Context, arguments: &Fetch) -> Result<Exit, Failure> {
    let work = Work::new(context)?;
    let head = work.repo.head()?;
    let default = work.config.fetch_remote(head.branch());
    let remote = work::known_remote(&work, arguments.remote.as_deref(), default)?;
    let network = Network { git: &work.program, config: &work.config, prompts: work::prompts(context), deadline: None };
    let fetched = {
        let _progress = context.talk.progress("Fetching sessions");
        fetch(&work.repo, &network, &remote)?
    };
    if arguments.json {
        let ledgers = fetched.ledgers.iter().map(Told::of).collect();
        let told = ToldFetch { remote: &fetched.label, ledgers };
        context.out.write(|out, _| json::write_document(out, "opensession.fetch/1", &told))?;
        return Ok(Exit::Done);
    }
    context.out.write(|out, _| fetched.ledgers.iter().try_for_each(|ledger| write(out, &fetched.label, ledger)))?;
    if fetched.ledgers.is_empty() {
        context.talk.say(&format!("nothing new at {}", fetched.label));
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct ToldFetch<'a> {
    remote: &'a str,
    ledgers: Vec<Told>,
}

#[derive(Serialize)]
struct Told {
    branch: Option<String>,
    #[serde(rename = "ref")]
    name: String,
    old: Option<String>,
    new: Option<String>,
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
        None => writeln!(out, "{}: gone there, and so here", Safe::line(&branch)),
        Some(_) => writeln!(out, "{}: {sessions} ({commits}){more}", Safe::line(&branch)),
    }
}
