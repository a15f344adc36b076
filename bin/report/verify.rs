//! What is said of commits that were verified.

use git_opensession::redaction::Findings;
use git_opensession::settings::Require;
use git_opensession::verify::{Behind, Missing, Stale, Unpushed};
use git_opensession::view::{Safe, counted, json};
use serde::Serialize;

use super::{Exit, Failure, Hint};
use crate::context::Context;

/// What came of it.
pub struct Verified {
    pub require: Require,
    pub found: Behind,
    pub unpushed: Vec<Unpushed>,
    pub stale: Vec<Stale>,
    /// The remote that must have the ledgers.
    pub remote: Option<String>,
    pub has_ledgers: bool,
    /// How much could not be read.
    pub unreadable: usize,
    /// Whether history that is not here, or a limit, left commits out.
    pub is_cut: bool,
}

impl Verified {
    fn is_well(&self) -> bool {
        self.found.missing.is_empty() && self.unpushed.is_empty() && self.stale.is_empty()
    }

    fn exit(&self) -> Exit {
        match (self.is_well(), self.unreadable > 0 || self.is_cut) {
            (false, _) => Exit::No,
            (true, true) => Exit::Partly,
            (true, false) => Exit::Done,
        }
    }

    /// `12 commits: 2 without a session, 1 ledger not pushed`
    fn summary(&self) -> String {
        let count = |number: usize, what: &str| (number > 0).then(|| counted(number as u64, what));
        let missing = count(self.found.missing.len(), "commit").map(|commits| format!("{commits} without a session"));
        let unpushed = count(self.unpushed.len(), "ledger").map(|ledgers| format!("{ledgers} not pushed"));
        let stale = count(self.stale.len(), "session").map(|sessions| format!("{sessions} to be redacted again"));
        let all: Vec<String> = [missing, unpushed, stale].into_iter().flatten().collect();
        let told = if all.is_empty() { "all is well".to_owned() } else { all.join(", ") };
        format!("{}: {told}", counted(self.found.commits, "commit"))
    }

    /// What may help, a command for each kind of finding.
    fn hints(&self) -> Vec<Hint> {
        let mut hints = Vec::new();
        if let Some(first) = self.found.missing.first() {
            if self.has_ledgers {
                let commit: String = first.commit.to_string().chars().take(12).collect();
                hints.push(Hint::own(["doctor", "--commit", &commit], "says why it has none"));
            } else {
                hints.push(Hint::own(["fetch"], "no ledger is here: get those of the remote"));
            }
        }
        if !self.unpushed.is_empty() {
            hints.push(Hint::own(["push"], "push the ledgers"));
        }
        if !self.stale.is_empty() {
            hints.push(Hint::own(["redact", "--again"], "redact what is stored by today's rules"));
        }
        hints
    }
}

/// Tells all that was found, a line each, and a summary.
pub fn tell(context: &mut Context, verified: &Verified, as_json: bool) -> Result<Exit, Failure> {
    if as_json {
        let told = Told::of(verified);
        context.out.write(|out, _| json::write_document(out, "opensession.verify/1", &told))?;
    } else {
        let missing = verified.found.missing.iter().map(ToString::to_string);
        let unpushed = verified.unpushed.iter().map(|one| unpushed(one, verified.remote.as_deref()));
        let lines: Vec<String> =
            missing.chain(unpushed).chain(verified.stale.iter().map(ToString::to_string)).collect();
        context.out.write(|out, _| lines.iter().try_for_each(|line| writeln!(out, "{}", Safe::line(line))))?;
    }
    if verified.is_cut {
        let fetch = Hint::command(["git", "fetch", "--unshallow"], "get the history that is not here");
        context.talk.warn("not all commits of the range are here", &[fetch]);
    }
    context.talk.say(&verified.summary());
    context.talk.advise(&verified.hints());
    Ok(verified.exit())
}

fn unpushed(unpushed: &Unpushed, remote: Option<&str>) -> String {
    let of = unpushed.branch.as_ref().map(|branch| format!(" ({branch})")).unwrap_or_default();
    let waits = if unpushed.is_held { ": it waits for its branch" } else { "" };
    format!("{}{of} is not at {}{waits}", unpushed.ledger, remote.unwrap_or("the remote"))
}

#[derive(Serialize)]
struct Told<'a> {
    /// Whether nothing was found.
    ok: bool,
    require: &'static str,
    commits: u64,
    sessions: u64,
    missing: Vec<ToldMissing<'a>>,
    unpushed: Vec<ToldUnpushed>,
    stale: Vec<ToldStale<'a>>,
    remote: Option<&'a str>,
    unreadable: u64,
    truncated: bool,
}

#[derive(Serialize)]
struct ToldMissing<'a> {
    commit: String,
    subject: &'a str,
    agent: Option<&'static str>,
    /// `author`, or a trailer's key.
    said_by: Option<&'a str>,
}

#[derive(Serialize)]
struct ToldUnpushed {
    #[serde(rename = "ref")]
    name: String,
    branch: Option<String>,
    held: bool,
}

#[derive(Serialize)]
struct ToldStale<'a> {
    sid: String,
    rules: u32,
    findings: &'a Findings,
}

impl<'a> Told<'a> {
    fn of(verified: &'a Verified) -> Self {
        let missing = |missing: &'a Missing| ToldMissing {
            commit: missing.commit.to_string(),
            subject: &missing.summary,
            agent: missing.mark.as_ref().map(|mark| mark.agent),
            said_by: missing.mark.as_ref().map(|mark| mark.by.as_str()),
        };
        let unpushed = |one: &Unpushed| ToldUnpushed {
            name: one.ledger.to_string(),
            branch: one.branch.as_ref().map(ToString::to_string),
            held: one.is_held,
        };
        let stale =
            |one: &'a Stale| ToldStale { sid: one.session.sid.to_string(), rules: one.rules, findings: &one.findings };
        Self {
            ok: verified.is_well(),
            require: verified.require.as_str(),
            commits: verified.found.commits,
            sessions: verified.found.sessions.len() as u64,
            missing: verified.found.missing.iter().map(missing).collect(),
            unpushed: verified.unpushed.iter().map(unpushed).collect(),
            stale: verified.stale.iter().map(stale).collect(),
            remote: verified.remote.as_deref(),
            unreadable: verified.unreadable as u64,
            truncated: verified.is_cut,
        }
    }
}
