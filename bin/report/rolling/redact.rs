//! What is said of a second redaction.

use std::collections::BTreeMap;
use std::io::{self, Write};

use git_opensession::fanout::Destination;
use git_opensession::ledger::Redone;
use git_opensession::redact::{Plan, StaleHandoff};
use git_opensession::redaction::Findings;
use git_opensession::uri::Source;
use git_opensession::view::{Safe, counted};
use serde::Serialize;

use super::{Telling, places, say};
use crate::context::Context;
use crate::report::{Exit, Failure, Hint};
use crate::terminal::Talk;

/// What is told of a second redaction.
#[derive(Serialize)]
pub struct ToldRedact {
    sessions: Vec<ToldRedone>,
    /// Snapshots that were shared, and are others now.
    snapshots: Vec<ToldRenamed>,
    /// Registered sessions, which have other addresses now.
    registered: Vec<ToldRenamed>,
    /// Handoffs in which something is found.
    handoffs: Vec<ToldHandoff>,
}

#[derive(Serialize)]
struct ToldRedone {
    sid: String,
    day: String,
    changed: bool,
    found: BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct ToldRenamed {
    old: String,
    new: String,
    /// Whether it is in the user's own store.
    outside: bool,
    found: BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct ToldHandoff {
    uri: String,
    pins: Vec<String>,
    found: BTreeMap<String, u64>,
}

impl ToldRedact {
    /// Of a plan.
    pub fn new(plan: &Plan) -> Self {
        let sessions = plan.sessions.iter().map(|(key, redone)| {
            let (changed, found) = match redone {
                Redone::Unchanged => (false, BTreeMap::new()),
                Redone::Changed(found) => (true, counts(found)),
            };
            ToldRedone { sid: key.sid.to_string(), day: key.day.to_string(), changed, found }
        });
        let snapshots = plan.reshared.iter().map(|(old, reshared)| {
            let (old, new) = (format!("sessions/{old}.jsonl"), format!("sessions/{}.jsonl", reshared.new));
            ToldRenamed { old, new, outside: false, found: counts(&reshared.found) }
        });
        let registered = plan.registered.iter().map(|one| {
            let (old, new) = (Source::Local(one.old).to_string(), Source::Local(one.new).to_string());
            ToldRenamed { old, new, outside: one.is_outside, found: counts(&one.found) }
        });
        let handoffs = plan.handoffs.iter().map(|one| {
            let (uri, pins, found) = (one.id.to_string(), one.pins.clone(), counts(&one.found));
            ToldHandoff { uri, pins, found }
        });
        Self {
            sessions: sessions.collect(),
            snapshots: snapshots.collect(),
            registered: registered.collect(),
            handoffs: handoffs.collect(),
        }
    }

    /// Tells it.
    pub fn tell(self, context: &mut Context, plan: &Plan, telling: Telling<'_>) -> Result<Exit, Failure> {
        telling.print(context, "opensession.redact/1", &self, |out| self.write(out))?;
        let talk = &context.talk;
        if plan.is_empty() {
            talk.say("all sessions were stored by today's rules");
        }
        for handoff in &plan.handoffs {
            warn_handoff(talk, handoff);
        }
        // What is left is for somebody to do.
        let left = if plan.handoffs.is_empty() || telling.is_dry_run { Exit::Done } else { Exit::Partly };
        let Some(report) = telling.report else { return Ok(left) };
        talk.say(&format!("looked through {} again", counted(plan.sessions.len() as u64, "session")));
        talk.say(&redact_counts(plan));
        Ok(say(talk, report).or(left))
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.sessions.iter().try_for_each(|redone| redone.write(out))?;
        self.snapshots.iter().chain(&self.registered).try_for_each(|renamed| renamed.write(out))
    }
}

impl ToldRedone {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let sid: String = self.sid.chars().take(10).collect();
        let what = if self.changed { listed(&self.found) } else { "nothing more is found".to_owned() };
        writeln!(out, "{sid}  {}  {}", self.day, Safe::line(&what))
    }
}

impl ToldRenamed {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let place = if self.outside { " in your own store" } else { "" };
        writeln!(out, "{} -> {}{place}: {}", self.old, self.new, Safe::line(&listed(&self.found)))
    }
}

fn counts(found: &Findings) -> BTreeMap<String, u64> {
    found.iter().map(|(rule, count)| (rule.to_owned(), count)).collect()
}

/// `2 home, 1 github-token`
fn listed(found: &BTreeMap<String, u64>) -> String {
    let found: Vec<_> = found.iter().map(|(rule, count)| format!("{count} {rule}")).collect();
    found.join(", ")
}

/// `3 sessions were stored by older rules, and 2 change; 1 registered session changes`
pub fn redact_counts(plan: &Plan) -> String {
    let mut parts = Vec::new();
    if !plan.sessions.is_empty() {
        let (all, changed) = (counted(plan.sessions.len() as u64, "session"), plan.changed());
        parts.push(format!("{all} were stored by older rules, {changed} changed"));
    }
    for (count, what) in [(plan.reshared.len(), "shared snapshot"), (plan.registered.len(), "registered session")] {
        if count > 0 {
            parts.push(format!("{} changed, with another address each", counted(count as u64, what)));
        }
    }
    if parts.is_empty() { "what older rules have left is in the history".to_owned() } else { parts.join("; ") }
}

/// `the ledgers here and at origin`
pub fn redact_places(plan: &Plan, destinations: &[Destination]) -> String {
    let ledgers = (!plan.ledgers.is_empty()).then(|| format!("the ledgers {}", places(destinations)));
    let stores = (!plan.registered.is_empty()).then(|| "what is registered on this machine".to_owned());
    ledgers.into_iter().chain(stores).collect::<Vec<_>>().join(", and ")
}

/// A handoff is named for its text: it can only be removed, and built again.
fn warn_handoff(talk: &Talk, handoff: &StaleHandoff) {
    let StaleHandoff { id, pins, found, is_outside } = handoff;
    let local = pins.iter().filter(|pin| !pin.contains('/'));
    let mut hints: Vec<Hint> = local.map(|pin| Hint::own(["handoff", "artifacts", "unpin", pin], "")).collect();
    hints.push(Hint::own(
        ["handoff".to_owned(), "artifacts".to_owned(), "rm".to_owned(), id.to_string()],
        "then build it again",
    ));
    for (remote, alias) in pins.iter().filter_map(|pin| pin.split_once('/')) {
        let refs = [format!(":refs/opensession/pins/{alias}"), format!(":refs/opensession/artifacts/{}", id.0)];
        let words = ["git", "push", "--no-verify", remote].map(str::to_owned).into_iter().chain(refs);
        hints.push(Hint::command(words, "delete it there"));
        let tracked = format!("refs/opensession/remotes/{remote}/pins/{alias}");
        hints.push(Hint::command(["git", "update-ref", "-d", &tracked], "and what is known of it here"));
    }
    let found = listed(&counts(found));
    let place = if *is_outside { " in your own store, which is that of folders in no repository," } else { "" };
    talk.warn(&format!("{id}{place} has what today's rules take out ({found}), and is named for its text"), &hints);
}
