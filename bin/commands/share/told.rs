//! What is told of a session that was shared.

use git_opensession::redaction::Findings;
use git_opensession::share::{Arrival, Pushed, Shared};
use git_opensession::view::json;
use serde::Serialize;

use super::super::push::word;
use super::copied::Copied;
use super::place::Place;
use super::session::Session;
use crate::cli::Share;
use crate::context::Context;
use crate::report::{Exit, Failure};

/// A session that was shared, for programs.
#[derive(Serialize)]
pub struct Told<'a> {
    uri: &'a str,
    digest: String,
    bytes: usize,
    branch: String,
    #[serde(rename = "ref")]
    reference: String,
    path: String,
    remote: &'a str,
    /// Whether the ledger here did not have it before.
    new: bool,
    /// What was taken out of it just now.
    redacted: &'a Findings,
    /// What came of the push to each address of the remote; none if it was not meant.
    pub pushes: Vec<ToldPush>,
    /// What pushes it, if it was not meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_command: Option<String>,
    /// The program that put the address into the clipboard, `terminal`, or null; absent if that was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copied: Option<Copied>,
    /// Whether the address leads somewhere, or will.
    #[serde(skip)]
    pub is_there: bool,
}

/// What came of a push to one address.
#[derive(Serialize)]
pub struct ToldPush {
    remote: String,
    /// As `push` tells it: `pushed`, `already-there`, `left` (beside the ledger), `refused`, `rejected` or `failed`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl ToldPush {
    pub fn of(pushed: &Pushed) -> Self {
        let report = &pushed.report;
        let outcome = word(report.ledgers.first().map(|ledger| &ledger.outcome));
        let reason = report.failures().next().map(|failure| failure.to_string());
        Self { remote: report.label.clone(), outcome, reason }
    }
}

impl<'a> Told<'a> {
    pub fn new(uri: &'a str, shared: &Shared, session: &'a Session, place: &'a Place) -> Self {
        Self {
            uri,
            digest: shared.digest.to_string(),
            bytes: session.snapshot.text().len(),
            branch: shared.branch.to_string(),
            reference: shared.ledger().to_string(),
            path: shared.path().to_string(),
            remote: &place.label,
            new: shared.is_new,
            redacted: session.snapshot.findings(),
            pushes: Vec::new(),
            push_command: None,
            copied: None,
            is_there: true,
        }
    }

    /// The address, then the command that pushes it, a line each; or the document.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn tell(&self, context: &mut Context, arguments: &Share) -> Result<(), Failure> {
        if arguments.json {
            context.out.write(|out, _| json::write_document(out, "opensession.share/1", self))?;
        } else if self.is_there {
            let lines = std::iter::once(self.uri).chain(self.push_command.as_deref());
            context.out.write(|out, _| lines.into_iter().try_for_each(|line| writeln!(out, "{line}")))?;
        }
        if let Some(copied) = self.copied {
            copied.say(context);
        }
        Ok(())
    }

    /// The exit code, with what came of the clipboard.
    pub fn exit(&self, exit: Exit) -> Exit {
        Copied::exit(self.copied, exit)
    }
}

/// Says where the session is now.
pub fn say_arrival(context: &Context, place: &Place, pushed: &Pushed) {
    let (label, branch) = (&pushed.report.label, &place.branch);
    let said = match pushed.arrival {
        Arrival::InLedger => format!("{label} has it in the ledger of {branch}; nothing else was pushed"),
        Arrival::Beside => format!(
            "{label} has it beside the ledger of {branch}, for others were faster every time; the address leads there, \
             and the next push of anybody joins it"
        ),
        Arrival::Nowhere => format!("it is in the ledger of {branch} here; run this again when {label} takes it"),
    };
    context.talk.say(&said);
}
