//! What is said of a push: one line if all is well, one for each thing that is not.

use git_opensession::agents::Environment;
use git_opensession::fanout::{self, Finding, LedgerOutcome};
use git_opensession::ledger::Namespace;
use git_opensession::pre_push::{Outcome, Problem};
use git_opensession::redaction::Findings;
use git_opensession::view::{Safe, counted};

use super::Hint;
use crate::terminal::Talk;

/// How many secrets are named.
const NAMED: usize = 5;

/// Says what came of a hook.
pub fn tell(talk: &Talk, outcome: &Outcome) {
    if outcome.idle.is_some() {
        return;
    }
    problems(talk, outcome);
    if outcome.deleted_ledgers > 0 {
        let ledgers = counted(outcome.deleted_ledgers as u64, "ledger");
        talk.hook(&format!(
            "this push deletes {ledgers} of sessions over there; whoever has them brings them back with"
        ));
        talk.hook(&format!("  {}", Hint::own(["push"], "asks the remote what it has").line(talk.program())));
    }
    if let Some(report) = &outcome.fanout {
        for failure in report.failures() {
            talk.hook(Safe::line(&failure.to_string()).as_ref());
            let later = matches!(failure.outcome, LedgerOutcome::Failed { network: true, .. })
                .then(|| Hint::own(["push", failure.label], "asks again, and takes its time"));
            for hint in hints(&failure).into_iter().chain(later) {
                talk.hook(&format!("  {}", hint.line(talk.program())));
            }
        }
        if report.failures().next().is_some() {
            for said in &report.remote_says {
                talk.hook(&format!("  remote: {}", Safe::line(said)));
            }
        }
        if let Some(summary) = report.summary() {
            talk.hook(&format!("{}{}", Safe::line(&summary), redacted(outcome)));
        }
    }
    if outcome.must_fail() {
        talk.hook(&format!("nothing is pushed: {}", why_failed(outcome)));
        if outcome.is_blocked() {
            let once = ["git", "-c", "opensession.secret-scan=warn", "push"];
            talk.hook(&format!("  {}", Hint::command(once, "with what else you typed, if it is no secret").line("")));
        }
    }
}

/// Says what is wrong before anything is pushed.
pub fn problems(talk: &Talk, outcome: &Outcome) {
    secrets(talk, outcome);
    for problem in &outcome.problems {
        tell_problem(talk, problem);
        // Nothing of ours was to go there, and so it is the user's own push that brings it.
        if matches!(problem, Problem::NotAllowed { .. }) && outcome.waiting == 0 && !outcome.must_fail() {
            talk.hook("  this push takes them there all the same: it names refs/opensession/ itself, as --mirror does");
        }
    }
}

/// What ends the push.
pub fn why_failed(outcome: &Outcome) -> &'static str {
    if outcome.is_blocked() { "opensession.secret-scan is block" } else { "strict mode is on" }
}

/// What may be done about a ledger that a remote does not have now.
pub fn hints(failure: &fanout::Failure<'_>) -> Vec<Hint> {
    if let (LedgerOutcome::Unsound { .. }, Some(push)) = (failure.outcome, failure.push) {
        let delete = ["git", "push", "--no-verify", failure.label, &format!(":{}", push.target)];
        return vec![Hint::command(delete, "delete it there, then push again")];
    }
    let LedgerOutcome::Refused { reason, is_new } = failure.outcome else { return Vec::new() };
    let ask = Hint::own(["push"], "it said so before; this asks it again");
    let is_hidden = failure.push.is_some_and(|push| push.target.to_string().starts_with("refs/opensession/"));
    if reason.contains("hidden ref") && is_hidden {
        let [_, heads] = Namespace::NAMES;
        let words = ["git", "config", "opensession.namespace", heads];
        return vec![Hint::command(words, "for a host that takes only branches")];
    }
    if *is_new { Vec::new() } else { vec![ask] }
}

/// `, 5 secrets redacted`, or nothing.
fn redacted(outcome: &Outcome) -> String {
    let findings = outcome.captured.iter().map(|captured| &captured.findings);
    let people = ["home", "user"];
    let count: u64 = findings.flat_map(Findings::iter).filter(|(rule, _)| !people.contains(rule)).map(|(_, n)| n).sum();
    match count {
        0 => String::new(),
        1 => ", 1 secret redacted".to_owned(),
        n => format!(", {n} secrets redacted"),
    }
}

fn tell_problem(talk: &Talk, problem: &Problem) {
    let text = problem.to_string();
    talk.hook(Safe::line(&text).as_ref());
    let hint = match problem {
        Problem::NotAllowed { label } => Some(Hint::own(["doctor", "--fix", "--remote", label], "allow it")),
        Problem::Missing(missing) => missing.first().map(|first| {
            let commit: String = first.commit.to_string().chars().take(12).collect();
            Hint::own(["doctor", "--commit", &commit], "says why")
        }),
        Problem::Stale(_) => Some(Hint::own(["redact", "--again"], "redact what is stored by today's rules")),
        Problem::Unfinished { .. } => Some(Hint::own(["capture"], "finish it now, or let the next push do it")),
        _ => None,
    };
    if let Some(hint) = hint {
        talk.hook(&format!("  {}", hint.line(talk.program())));
    }
}

fn secrets(talk: &Talk, outcome: &Outcome) {
    let findings = &outcome.secrets.findings;
    for Finding { file, line, rule, commit } in findings.iter().take(NAMED) {
        let commit: String = commit.to_string().chars().take(12).collect();
        talk.hook(&format!("a secret is being pushed: {}:{line} ({rule}, commit {commit})", Safe::line(file)));
    }
    if findings.len() > NAMED {
        talk.hook(&format!("... and {} more", findings.len() - NAMED));
    }
}

/// Whether strict mode is on as far as the environment says: for when the configuration cannot be read.
pub fn is_strict(environment: &Environment) -> bool {
    let value = environment.variable("OPENSESSION_STRICT");
    value.is_some_and(|value| {
        !matches!(value.to_string_lossy().to_ascii_lowercase().as_str(), "0" | "no" | "off" | "false")
    })
}
