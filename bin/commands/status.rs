//! Without a verb: how things are, in a few lines, and what to do next.

use std::time::{Duration, Instant};

use git_opensession::agents;
use git_opensession::browse::Browser;
use git_opensession::doctor::{Examination, Patient, examine};
use git_opensession::fanout::Consent;
use git_opensession::git::{Exclude, Head, Repo, WalkLimits};
use git_opensession::ledger::StoredSession;
use git_opensession::view::{Safe, ago, counted, fit};

use super::work::Work;
use crate::context::Context;
use crate::report::{Exit, Failure, Hint};

/// How long git may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn run(context: &mut Context) -> Result<Exit, Failure> {
    let work = Work::new(context)?;
    let patient = Patient {
        repo: &work.repo,
        config: &work.config,
        git: &context.git_environment,
        environment: &context.environment,
        program: &work.program,
        parsers: agents::ALL,
        now: context.now,
        deadline: Instant::now() + PATIENCE,
    };
    let examination = examine(&patient)?;
    let browser = Browser::open(&work.repo)?;
    let newest = browser.newest(1)?.found.into_iter().next().map(|found| found.session);

    let mut lines = Vec::new();
    let mut line = |name: &'static str, value: &str| lines.push((name, value.to_owned()));
    line("HEAD", &head(&work.repo, &examination)?);
    line("sessions", &sessions(context, &examination, newest.as_ref()));
    line(
        "hook",
        if examination.hook.is_installed() {
            "every push carries sessions along"
        } else {
            "not set up: no push carries sessions"
        },
    );
    line("remotes", &remotes(&examination));
    line("agents", &agents_here(&examination));
    let program = context.talk.program().to_owned();
    let next = match next(&examination, newest.is_some()) {
        // No push brings a commit again that a remote has.
        None if is_pushed(&work.repo, &examination)? => {
            Hint::own(["doctor", "--commit", "HEAD"], "why it has no session")
        }
        None => Hint::own(["capture"], "or let the next git push do it"),
        Some(next) => next,
    };
    line("next", &next.line(&program));
    context.out.write(|out, look| {
        lines.iter().try_for_each(|(name, value)| {
            let value = Safe::line(value);
            match look.columns {
                // The next command is there to be copied: it is never cut.
                Some(columns) if *name != "next" => {
                    writeln!(out, "{name:<9} {}", fit(&value, columns.saturating_sub(10)))
                }
                _ => writeln!(out, "{name:<9} {value}"),
            }
        })
    })?;
    Ok(Exit::Done)
}

fn head(repo: &Repo, examination: &Examination) -> Result<String, Failure> {
    let (place, commit) = match repo.head()? {
        Head::Branch { name, tip } => (name.to_string(), Some(tip)),
        Head::Unborn { name } => (name.to_string(), None),
        Head::Detached { commit } => ("detached".to_owned(), Some(commit)),
    };
    let Some(commit) = commit else { return Ok(format!("{place}, without a commit yet")) };
    let short: String = commit.to_string().chars().take(12).collect();
    let behind = match examination.head {
        Some((_, 0)) | None => "no session".to_owned(),
        Some((_, count)) => counted(count as u64, "session"),
    };
    Ok(format!("{short} ({place}), {behind} behind it"))
}

fn sessions(context: &Context, examination: &Examination, newest: Option<&StoredSession>) -> String {
    let ledgers = &examination.ledgers;
    let held = format!("{} here, {} fetched", counted(ledgers.local as u64, "ledger"), ledgers.fetched);
    let broken = match ledgers.unreadable.len() + ledgers.torn.len() {
        0 => String::new(),
        count => format!(", {count} cannot be read"),
    };
    let Some(session) = newest else { return format!("none yet; {held}{broken}") };
    let header = &session.meta.header;
    let title = Safe::line(header.context.title.as_deref().unwrap_or("without a title"));
    let title = fit(&title, 50);
    let when = ago(header.context.updated_at, context.now);
    format!("{held}{broken}; the newest is of {when}: {title}")
}

fn remotes(examination: &Examination) -> String {
    let told = examination.remotes.iter().map(|remote| {
        let label = remote.destination.label();
        match (remote.consent, remote.waiting) {
            (Consent::Given, 0) if remote.held == 0 => format!("{label} has all it may have"),
            (Consent::Given, 0) => {
                format!("{label} lacks {} until you push", counted(remote.held as u64, "ledger"))
            }
            (Consent::Given, waiting) => format!("{label} lacks {}", counted(waiting as u64, "ledger")),
            (Consent::Refused, _) => format!("{label} gets none, as you said"),
            (Consent::Unasked, _) => format!("{label} gets none: nobody has allowed it"),
        }
    });
    let told = told.collect::<Vec<_>>().join("; ");
    if told.is_empty() { "none: sessions stay here".to_owned() } else { told }
}

fn agents_here(examination: &Examination) -> String {
    let told = examination.agents.iter().filter(|agent| agent.logs > 0).map(|agent| {
        let ending = match agent.ending_soon {
            0 => String::new(),
            count => format!(" ({count} to be deleted by it within days)"),
        };
        format!("{} {}{ending}", agent.agent, counted(agent.logs as u64, "log"))
    });
    let told = told.collect::<Vec<_>>().join(", ");
    if told.is_empty() { "no logs found".to_owned() } else { told }
}

/// Whether a remote has HEAD's commit, as far as is known here.
fn is_pushed(repo: &Repo, examination: &Examination) -> Result<bool, Failure> {
    let Some((head, _)) = examination.head else { return Ok(false) };
    let known = repo.refs("refs/remotes/")?.into_iter().map(|found| found.oid).collect();
    let exclude = Exclude { commits: known, tracked_by: None };
    Ok(repo.rev_list(&[head], &exclude, WalkLimits::commits(1))?.commits.is_empty())
}

/// The one thing to do now; `None` if HEAD's commit is to be captured, and nothing has been yet.
fn next(examination: &Examination, has_sessions: bool) -> Option<Hint> {
    let consents = || examination.remotes.iter().map(|remote| remote.consent);
    let lacking = examination.remotes.iter().find(|remote| remote.consent == Consent::Given && remote.waiting > 0);
    if !examination.hook.is_installed() || examination.mode.is_none() {
        return Some(Hint::own(["doctor", "--fix"], "set it up"));
    }
    if !examination.ledgers.unreadable.is_empty() || !examination.ledgers.torn.is_empty() {
        return Some(Hint::own(["doctor"], "look at the ledgers"));
    }
    if let Some(remote) = lacking {
        return Some(Hint::own(["push".to_owned(), remote.destination.label()], "or let the next git push do it"));
    }
    if !has_sessions
        && consents().any(|consent| consent == Consent::Unasked)
        && consents().all(|it| it != Consent::Given)
    {
        return Some(Hint::own(["doctor", "--fix"], "let sessions go to a remote"));
    }
    match examination.head {
        Some((_, count)) if count > 0 => Some(Hint::own(["show"], "the conversation behind HEAD")),
        Some(_) if has_sessions => Some(Hint::own(["log"], "all sessions")),
        Some(_) => None,
        None => Some(Hint::own(["demo"], "see it at work")),
    }
}
