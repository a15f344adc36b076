//! Why a commit has a session, or none.

use std::fmt::Write as _;

use git_opensession::capture::{Explanation, LookedAt};
use git_opensession::ledger::{Link, Percent};
use git_opensession::link::evidence::WhyNot;
use git_opensession::view::{Safe, counted, json};
use serde::Serialize;

use super::{Exit, Failure, matched};
use crate::terminal::Output;

/// How many sessions without evidence are named.
const NAMED: usize = 10;

#[derive(Serialize)]
struct Document<'a> {
    commit: String,
    answer: bool,
    files: &'a [String],
    logs_seen: usize,
    logs_here: usize,
    logs_elsewhere: usize,
    since: Option<String>,
    /// What the ledgers have.
    stored: Vec<Stored>,
    sessions: Vec<Looked>,
    skipped: Vec<Skipped>,
}

#[derive(Serialize)]
struct Stored {
    session: String,
    /// `commit`, `patch`, `branch`, `similar`.
    matched: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<Percent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<String>,
    evidence: Option<String>,
}

#[derive(Serialize)]
struct Looked {
    session: String,
    agent: &'static str,
    first: String,
    last: String,
    evidence: Option<String>,
    why_not: Option<String>,
}

#[derive(Serialize)]
struct Skipped {
    path: String,
    why: String,
}

/// Tells it. The answer is no if no session has evidence, and no ledger has a session.
///
/// `is_pushed` is whether a remote has the commit: no push carries its sessions then by itself.
pub fn tell(
    out: &mut Output,
    explanation: &Explanation,
    stored: &[Link],
    is_pushed: bool,
    as_json: bool,
) -> Result<Exit, Failure> {
    let answer = !stored.is_empty() || explanation.sessions.iter().any(|session| session.answer.is_ok());
    let exit = if answer { Exit::Done } else { Exit::No };
    if as_json {
        let document = Document {
            commit: explanation.commit.to_string(),
            answer,
            files: &explanation.files,
            logs_seen: explanation.logs.seen,
            logs_here: explanation.logs.here,
            logs_elsewhere: explanation.logs.elsewhere,
            since: explanation.since.map(|since| since.to_string()),
            stored: stored.iter().map(of_ledger).collect(),
            sessions: explanation.sessions.iter().map(looked).collect(),
            skipped: explanation
                .skipped
                .iter()
                .map(|skip| Skipped { path: skip.path.display().to_string(), why: skip.why.to_string() })
                .collect(),
        };
        out.write(|out, _| json::write_document(out, "opensession.explanation/1", &document))?;
        return Ok(exit);
    }
    let text = written(explanation, stored, is_pushed);
    out.write(|out, _| out.write_all(text.as_bytes()))?;
    Ok(exit)
}

fn of_ledger(link: &Link) -> Stored {
    Stored {
        session: link.key.sid.to_string(),
        matched: link.matched.word(),
        share: link.matched.share(),
        original: matched::original(link).map(|commit| commit.to_string()),
        evidence: link.evidence.as_ref().map(|evidence| evidence.kind.to_string()),
    }
}

fn looked(session: &LookedAt) -> Looked {
    Looked {
        session: session.session.sid.to_string(),
        agent: session.agent,
        first: session.first.to_string(),
        last: session.last.to_string(),
        evidence: session.answer.as_ref().ok().map(|evidence| evidence.kind.to_string()),
        why_not: session.answer.as_ref().err().map(|why| told(*why).to_owned()),
    }
}

/// Why a session is not tied to the commit.
fn told(why: WhyNot) -> &'static str {
    match why {
        WhyNot::NothingInCommon => "it was at another time and edited other files",
        WhyNot::Before => "the commit was made before the session began",
        WhyNot::After => "the commit was made more than 30 minutes after the session ended",
        WhyNot::OtherWorktree => "it ran in another worktree than the one the commit was made in",
        WhyNot::SomebodyElse => "somebody else made the commit",
        WhyNot::Yields => "another session has stronger evidence, and this one edited other files",
    }
}

fn written(explanation: &Explanation, stored: &[Link], is_pushed: bool) -> String {
    let mut text = String::new();
    let short: String = explanation.commit.to_string().chars().take(12).collect();
    let files = counted(explanation.files.len() as u64, "file");
    let _ = writeln!(text, "{short}, committed {}, changes {files}", explanation.committed);
    for link in stored.iter().take(NAMED) {
        let sid: String = link.key.sid.to_string().chars().take(10).collect();
        let how = matched::found_by(link).unwrap_or_else(|| "it is tied to this commit".to_owned());
        let _ = writeln!(text, "  {sid}  in a ledger: {how}");
    }
    if stored.len() > NAMED {
        let _ = writeln!(text, "  ... and {} more", stored.len() - NAMED);
    }
    let logs = explanation.logs;
    let since = explanation.since.map_or_else(String::new, |since| format!(" written since {since}"));
    let _ = writeln!(
        text,
        "{}{since}: {} of this repository, {} of others, {} unreadable",
        counted(logs.seen as u64, "log"),
        logs.here,
        logs.elsewhere,
        explanation.skipped.len()
    );
    for session in explanation.sessions.iter().take(NAMED) {
        let sid: String = session.session.sid.to_string().chars().take(10).collect();
        let why = match &session.answer {
            Ok(evidence) => format!("yes: {}", evidence.kind),
            Err(why) => format!("no: {}", told(*why)),
        };
        let _ = writeln!(text, "  {sid}  {:<12} {} to {}  {why}", session.agent, session.first, session.last);
    }
    if explanation.sessions.len() > NAMED {
        let _ = writeln!(text, "  ... and {} more", explanation.sessions.len() - NAMED);
    }
    for skipped in explanation.skipped.iter().take(NAMED) {
        let _ = writeln!(text, "  {}: {}", Safe::line(&skipped.path.display().to_string()), skipped.why);
    }
    if explanation.cut_short {
        text.push_str("there was not enough time to read all logs\n");
    }
    let mut tied = explanation.sessions.iter().filter(|session| session.answer.is_ok()).peekable();
    let has_evidence = tied.peek().is_some();
    let is_stored = tied.all(|session| stored.iter().any(|link| link.key.sid == session.session.sid));
    let pushed =
        format!("a remote has this commit already: git opensession capture {short}, then git opensession push\n");
    let verdict = match (has_evidence, explanation.sessions.is_empty()) {
        (true, _) if is_stored => "a ledger has all of them\n",
        (true, _) if is_pushed => &pushed,
        (true, _) => "a push of this commit carries these sessions along\n",
        (false, _) if !stored.is_empty() => "what the ledgers have is all that is known of it\n",
        (false, true) => "no agent ran in this repository around then, or its log is gone\n",
        (false, false) => "no session has to do with this commit, as far as can be told\n",
    };
    text.push_str(verdict);
    text
}
