//! `why`: whose a line is, and what was asked for when it was written.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use git_opensession::git::Oid;
use git_opensession::git::process::GitProgram;
use git_opensession::ledger::{EvidenceKind, Ledgers, Match, Scope, SessionKey};
use git_opensession::session::Timestamp;
use git_opensession::view::{
    self, CodeLine, LineCommit, LineCount, LineGroup, LinePrompt, LineSession, Maker, counted,
};
use git_opensession::why::{
    Answer, Attribution, Count, Line, Lines, NotKnown, Question, Sameness, Summary, Verdict, Why,
};

use super::why_json;
use crate::cli;
use crate::context::Context;
use crate::report::{Asking, Exit, Failure, Hint};

pub fn run(context: &mut Context, arguments: &cli::Why) -> Result<Exit, Failure> {
    let repo = context.repo()?;
    let program = GitProgram::new(&context.git_environment, &context.cwd);
    let ledgers = Ledgers::open(&repo, Scope::All)?;
    let mut why = Why::new(&repo, &program, &context.cwd, &ledgers);
    let mut asked = Vec::new();
    {
        let _progress = context.talk.progress("Asking git blame");
        for what in &arguments.what {
            let (file, lines) = file_and_lines(what, &context.cwd)?;
            let rev = arguments.rev.as_deref();
            let question = Question { file: &file, lines, rev, moves: arguments.moves, copies: arguments.copies };
            let answer = why.ask(&question)?;
            asked.push(Asked { file, lines, answer });
        }
    }
    let unreadable = super::shown::warn_ledgers(&context.talk, &ledgers) + warn(context, &asked);
    match arguments {
        cli::Why { json: true, .. } => why_json::write(context, arguments.rev.as_deref(), &asked)?,
        cli::Why { summary: true, .. } => summary(context, &asked)?,
        _ => text(context, &asked)?,
    }
    Ok(if unreadable == 0 { Exit::Done } else { Exit::Partly })
}

/// A question, and its answer.
pub struct Asked {
    pub file: OsString,
    pub lines: Option<Lines>,
    pub answer: Answer,
}

/// Takes `file:12,20` apart. A file that has such a name is that file.
fn file_and_lines(what: &OsStr, folder: &Path) -> Result<(OsString, Option<Lines>), Failure> {
    let whole = (what.to_owned(), None);
    let Some((file, range)) = what.to_str().and_then(|text| text.rsplit_once(':')) else { return Ok(whole) };
    if folder.join(what).symlink_metadata().is_ok() || !range.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(whole);
    }
    let bad = || Failure::from(Asking::Lines { text: range.to_owned() });
    let (first, last) = range.split_once([',', '-']).map_or((range, None), |(first, last)| (first, Some(last)));
    let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number > 0);
    let first = number(first).ok_or_else(bad)?;
    let last = match last {
        None => first,
        Some(last) => match last.strip_prefix('+') {
            Some(count) => first.saturating_add(number(count).ok_or_else(bad)? - 1),
            None => number(last).ok_or_else(bad)?,
        },
    };
    Ok((file.into(), Some((first.min(last), first.max(last)))))
}

/// Says what could not be read; how much that is.
fn warn(context: &Context, asked: &[Asked]) -> usize {
    let mut count = 0;
    for Asked { answer, .. } in asked {
        count += super::shown::warn_all(&context.talk, &answer.unreadable) + answer.damaged.len();
        for (key, why) in &answer.damaged {
            let hint = Hint::own(["fsck"], "look at the ledgers");
            context.talk.warn(&format!("the session {} cannot be read to its end: {why}", key.sid), &[hint]);
        }
    }
    count
}

fn text(context: &mut Context, asked: &[Asked]) -> Result<(), Failure> {
    if asked.iter().any(|asked| asked.lines.is_none()) {
        context.page();
    }
    context.out.write(|out, look| {
        for (at, asked) in asked.iter().enumerate() {
            let groups = groups(asked);
            if asked.lines.is_none() {
                if at > 0 {
                    out.write_all(b"\n")?;
                }
                view::write_lines_of(out, look, &groups)?;
                continue;
            }
            for (nth, group) in groups.iter().enumerate() {
                if at + nth > 0 {
                    out.write_all(b"\n")?;
                }
                view::write_line_story(out, look, group)?;
            }
        }
        Ok(())
    })
}

/// Lines of which the same is to be said, together.
fn groups(asked: &Asked) -> Vec<LineGroup> {
    let same = |one: &Line, other: &Line| one.commit == other.commit && one.path == other.path && is_same(one, other);
    let Asked { file, answer, .. } = asked;
    let groups = answer.lines.chunk_by(same).filter_map(|lines| Some((lines, lines.first()?)));
    let group = |(lines, first): (&[Line], &Line)| LineGroup {
        file: file.to_string_lossy().into_owned().into(),
        lines: lines.iter().map(|line| CodeLine { number: line.number, text: line.text.as_str().into() }).collect(),
        commit: first.commit.map(|oid| commit(answer, oid)),
        maker: maker(answer, first),
    };
    groups.map(group).collect()
}

fn is_same(one: &Line, other: &Line) -> bool {
    match (&one.verdict, &other.verdict) {
        (Verdict::Session(one), Verdict::Session(other)) => {
            (one.session, one.edit, one.sameness) == (other.session, other.edit, other.sameness)
        }
        (one, other) => one == other,
    }
}

fn commit(answer: &Answer, oid: Oid) -> LineCommit {
    let blamed = answer.commits.get(&oid).cloned().unwrap_or_default();
    LineCommit {
        id: oid.to_string(),
        author: blamed.author.into(),
        at: Timestamp::from_seconds(blamed.author_time),
        subject: blamed.summary.into(),
    }
}

fn maker(answer: &Answer, line: &Line) -> Maker {
    let attribution = match &line.verdict {
        Verdict::Session(attribution) => attribution,
        verdict => return Maker::Other { word: word(verdict), why: because(verdict) },
    };
    let (Some(trail), Some(edit)) = (answer.trails.get(&attribution.session), answer.edit(attribution)) else {
        return Maker::Other { word: "unknown", why: because(&Verdict::Unknown(NotKnown::NotAll)) };
    };
    let header = &trail.session.meta.header;
    let prompt = answer.prompt(attribution);
    Maker::Session(Box::new(LineSession {
        sid: attribution.session.sid.to_string(),
        agent: header.agent.tool.as_str().into(),
        model: header.agent.model.as_str().into(),
        title: header.context.title.as_deref().map(Into::into),
        prompt: prompt.map(|prompt| LinePrompt { turn: prompt.turn, at: prompt.at, text: prompt.text.as_str().into() }),
        event: edit.event.as_str().into(),
        at: edit.at,
        path: edit.path.as_str().into(),
        task: edit.task.as_deref().map(Into::into),
        sameness: attribution.sameness.name(),
        evidence: evidence(attribution),
        confidence: attribution.confidence.get(),
    }))
}

/// Whose a line is that no session is known to have written, in a word.
pub fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Session(_) => "session",
        Verdict::Human => "human",
        Verdict::Unknown(_) => "unknown",
        Verdict::Uncommitted => "uncommitted",
    }
}

/// Why that is said.
pub fn because(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Session(_) => "an edit of a session wrote this line",
        Verdict::Human => "sessions behind the commit edited this file, and none of them wrote this line",
        Verdict::Unknown(NotKnown::NoSession) => "no session is known behind the commit",
        Verdict::Unknown(NotKnown::NotEdited) => "the sessions behind the commit did not edit this file",
        Verdict::Unknown(NotKnown::NotAll) => "not all that the sessions behind the commit wrote is known",
        Verdict::Uncommitted => "it is not committed yet",
    }
}

/// What says that a line is a session's, in words.
fn evidence(attribution: &Attribution) -> Vec<view::Untrusted> {
    let same = match attribution.sameness {
        Sameness::Exact => "it wrote exactly this",
        Sameness::Whitespace => "it wrote this with other white space",
        Sameness::Formatted => "it wrote this before it was formatted",
        Sameness::Redacted => "it wrote this, of which something was redacted",
    };
    let mut words: Vec<view::Untrusted> = vec![same.into()];
    if attribution.around > 0 {
        words.push(format!("with {} around it", counted(attribution.around as u64, "line")).into());
    }
    if attribution.is_renamed {
        words.push("in a file that was renamed since".into());
    }
    words.push(match &attribution.link {
        Some(link) => format!("and is tied to the commit: {}", kind(link.kind)).into(),
        None => "and is tied to the commit, but not known how".into(),
    });
    match attribution.matched {
        Match::Commit => {}
        Match::Patch => words.push("which was rewritten since".into()),
        Match::Branch => words.push("which is the squash of its branch".into()),
        Match::Similar(share) => {
            words.push(format!("to which one of its commits is similar ({} %)", share.get()).into());
        }
    }
    words
}

fn kind(kind: EvidenceKind) -> &'static str {
    match kind {
        EvidenceKind::Committed => "it made it",
        EvidenceKind::Wrote => "it wrote lines of it",
        EvidenceKind::Edited => "it edited files of it",
        EvidenceKind::Window => "it ran when it was made",
    }
}

fn summary(context: &mut Context, asked: &[Asked]) -> Result<(), Failure> {
    let mut all = Summary::default();
    let mut counts = Vec::new();
    for asked in asked {
        let of_file = Summary::of(&asked.answer);
        counts.push(line_count(asked.file.to_string_lossy().into_owned(), &of_file.all, &agents(asked)));
        all.merge(&of_file);
    }
    let names: BTreeMap<SessionKey, String> = asked.iter().flat_map(agents).collect();
    if asked.len() > 1 {
        counts.push(line_count("all".to_owned(), &all.all, &names));
    }
    let mut commits: Vec<_> = all.commits.iter().collect();
    let found = |oid: &Oid| asked.iter().find_map(|asked| asked.answer.commits.get(oid));
    commits.sort_by_key(|(oid, _)| std::cmp::Reverse(found(oid).map(|commit| commit.commit_time)));
    for (oid, count) in commits {
        let subject = found(oid).map(|commit| commit.summary.as_str()).unwrap_or_default();
        counts.push(line_count(format!("{:.12} {subject}", oid.to_string()), count, &names));
    }
    context.page();
    context.out.write(|out, look| view::write_line_counts(out, look, &counts))
}

/// The agents of the sessions of an answer.
fn agents(asked: &Asked) -> BTreeMap<SessionKey, String> {
    let agent = |(key, trail): (&SessionKey, &std::rc::Rc<git_opensession::why::Trail>)| {
        (*key, trail.session.meta.header.agent.tool.clone())
    };
    asked.answer.trails.iter().map(agent).collect()
}

fn line_count(of: String, count: &Count, names: &BTreeMap<SessionKey, String>) -> LineCount {
    let mut makers: Vec<(view::Untrusted, u64)> = Vec::new();
    for (agent, lines) in &count.agents {
        makers.push((agent.as_str().into(), *lines));
        let mut sessions: Vec<_> = count.sessions.iter().filter(|(key, _)| names.get(key) == Some(agent)).collect();
        sessions.sort_by_key(|(key, lines)| (std::cmp::Reverse(**lines), **key));
        makers
            .extend(sessions.into_iter().map(|(key, lines)| (format!("  {:.10}", key.sid.to_string()).into(), *lines)));
    }
    let others = [("human", count.human), ("unknown", count.unknown), ("uncommitted", count.uncommitted)];
    makers.extend(others.into_iter().filter(|(_, lines)| *lines > 0).map(|(word, lines)| (word.into(), lines)));
    LineCount { of: of.into(), lines: count.lines, makers }
}
