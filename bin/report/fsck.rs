//! What is said of ledgers that were checked.

use std::collections::BTreeMap;

use git_opensession::fsck::Fsck;
use git_opensession::ledger::check::{Checked, Finding, Level};
use git_opensession::view::{Safe, counted, json};
use serde::Serialize;

use super::{Exit, Failure};
use crate::context::Context;

/// Tells all that was found: a line each, and a summary. The answer is no if a rule is broken.
pub fn tell(context: &mut Context, found: &Fsck, as_json: bool) -> Result<Exit, Failure> {
    if as_json {
        context.out.write(|out, _| json::write_document(out, "opensession.fsck/1", &Told::of(found)))?;
    } else {
        context.out.write(|out, _| {
            for checked in &found.ledgers {
                for finding in &checked.findings {
                    writeln!(out, "{}", Safe::line(&line(checked, finding)))?;
                }
                for (kind, more) in &checked.more {
                    writeln!(out, "{}: and {more} more of the kind {kind}", Safe::line(&checked.ledger))?;
                }
            }
            Ok(())
        })?;
    }
    context.talk.say(&summary(found));
    Ok(if found.errors() == 0 { Exit::Done } else { Exit::No })
}

/// `refs/opensession/branches/bWFpbg:v2/format: is missing`
fn line(checked: &Checked, finding: &Finding) -> String {
    let note = if finding.problem.level() == Level::Note { "note: " } else { "" };
    let path = if finding.path.is_empty() { String::new() } else { format!(":{}", finding.path) };
    format!("{note}{}{path}: {}", checked.ledger, super::chain(&finding.problem))
}

/// `2 ledgers, 31 sessions, 40 links: all is well`
fn summary(found: &Fsck) -> String {
    let ledgers = counted(found.ledgers.len() as u64, "ledger");
    let sessions = counted(found.ledgers.iter().map(|checked| checked.sessions).sum(), "session");
    let links = counted(found.ledgers.iter().map(|checked| checked.links).sum(), "link");
    let notes = match found.notes() {
        0 => String::new(),
        notes => format!(", {}", counted(notes, "note")),
    };
    let errors = match found.errors() {
        0 => "all is well".to_owned(),
        errors => format!("{} broken", counted(errors, "rule")),
    };
    format!("{ledgers}, {sessions}, {links}: {errors}{notes}")
}

/// What was found, for programs.
#[derive(Serialize)]
struct Told<'a> {
    errors: u64,
    notes: u64,
    ledgers: Vec<ToldLedger<'a>>,
}

#[derive(Serialize)]
struct ToldLedger<'a> {
    #[serde(rename = "ref")]
    name: &'a str,
    branch: Option<String>,
    sessions: u64,
    links: u64,
    /// Links by patch, or by a line of one.
    anchors: u64,
    findings: Vec<ToldFinding<'a>>,
    /// How many more there are of a kind.
    more: &'a BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct ToldFinding<'a> {
    /// `error`, or `note`.
    level: &'static str,
    kind: &'static str,
    path: &'a str,
    why: String,
}

impl<'a> Told<'a> {
    fn of(found: &'a Fsck) -> Self {
        let finding = |finding: &'a Finding| ToldFinding {
            level: if finding.problem.level() == Level::Note { "note" } else { "error" },
            kind: finding.problem.word(),
            path: &finding.path,
            why: super::chain(&finding.problem),
        };
        let ledger = |checked: &'a Checked| ToldLedger {
            name: &checked.ledger,
            branch: checked.branch.as_ref().map(ToString::to_string),
            sessions: checked.sessions,
            links: checked.links,
            anchors: checked.anchors,
            findings: checked.findings.iter().map(finding).collect(),
            more: &checked.more,
        };
        Self { errors: found.errors(), notes: found.notes(), ledgers: found.ledgers.iter().map(ledger).collect() }
    }
}
