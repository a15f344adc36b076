//! The answer of `why` for programs.

use std::collections::BTreeMap;

use git_opensession::git::Oid;
use git_opensession::ledger::{Evidence, SessionKey};
use git_opensession::view::json;
use git_opensession::why::{Count, Line, Prompt, Summary, Trail, Verdict};
use serde::Serialize;

use super::why::{Asked, because, word};
use crate::context::Context;
use crate::report::Failure;

/// The longest prompt that is told again with each line, in characters; all of it is told with its session.
const BRIEF: usize = 200;

pub fn write(context: &mut Context, rev: Option<&str>, asked: &[Asked]) -> Result<(), Failure> {
    let mut all = Summary::default();
    let files: Vec<ToldFile<'_>> = asked
        .iter()
        .map(|asked| {
            let of_file = Summary::of(&asked.answer);
            all.merge(&of_file);
            file(asked, &of_file)
        })
        .collect();
    let commits = asked.iter().flat_map(|asked| &asked.answer.commits).collect::<BTreeMap<_, _>>();
    let commits = commits.into_iter().map(|(oid, commit)| ToldCommit {
        commit: oid.to_string(),
        author: &commit.author,
        author_time: commit.author_time,
        commit_time: commit.commit_time,
        subject: &commit.summary,
        summary: all.commits.get(oid).map(counted),
    });
    let told = Told { rev, files, commits: commits.collect(), sessions: sessions(asked), summary: counted(&all.all) };
    context.out.write(|out, _| json::write_document(out, "opensession.why/1", &told))
}

#[derive(Serialize)]
struct Told<'a> {
    rev: Option<&'a str>,
    files: Vec<ToldFile<'a>>,
    commits: Vec<ToldCommit<'a>>,
    sessions: Vec<ToldSession<'a>>,
    summary: ToldCount,
}

#[derive(Serialize)]
struct ToldFile<'a> {
    /// As the user called it.
    file: String,
    /// From the root of the repository.
    path: String,
    summary: ToldCount,
    lines: Vec<ToldLine<'a>>,
}

#[derive(Serialize)]
struct ToldCommit<'a> {
    commit: String,
    author: &'a str,
    author_time: i64,
    commit_time: i64,
    subject: &'a str,
    summary: Option<ToldCount>,
}

/// A session that wrote some of the lines, and the prompts above those edits.
#[derive(Serialize)]
struct ToldSession<'a> {
    sid: String,
    agent: &'a str,
    model: &'a str,
    title: Option<&'a str>,
    prompts: Vec<ToldPrompt<'a>>,
}

#[derive(Serialize)]
struct ToldPrompt<'a> {
    turn: u32,
    event: &'a str,
    at: String,
    text: &'a str,
}

#[derive(Serialize)]
struct ToldCount {
    lines: u64,
    agents: BTreeMap<String, u64>,
    sessions: BTreeMap<String, u64>,
    human: u64,
    unknown: u64,
    uncommitted: u64,
}

#[derive(Serialize)]
struct ToldLine<'a> {
    line: u32,
    text: &'a str,
    commit: Option<String>,
    /// Path and number in that commit.
    origin_path: String,
    origin_line: u32,
    /// `session`, `human`, `unknown`, `uncommitted`.
    by: &'static str,
    why: &'static str,
    #[serde(flatten)]
    session: Option<ToldAttribution<'a>>,
}

#[derive(Serialize)]
struct ToldAttribution<'a> {
    sid: String,
    agent: &'a str,
    turn: Option<u32>,
    /// The beginning of the prompt.
    prompt: Option<String>,
    event: &'a str,
    at: String,
    edited_path: &'a str,
    task: Option<&'a str>,
    /// `exact`, `whitespace`, `formatted`, `redacted`.
    sameness: &'static str,
    lines_around: usize,
    renamed: bool,
    confidence: u8,
    link: Option<&'a Evidence>,
    /// `commit`, `patch`, `branch`, `similar`.
    matched: &'static str,
}

fn file<'a>(asked: &'a Asked, summary: &Summary) -> ToldFile<'a> {
    ToldFile {
        file: asked.file.to_string_lossy().into_owned(),
        path: String::from_utf8_lossy(&asked.answer.path).into_owned(),
        summary: counted(&summary.all),
        lines: asked.answer.lines.iter().map(|told| line(asked, told)).collect(),
    }
}

fn line<'a>(asked: &'a Asked, line: &'a Line) -> ToldLine<'a> {
    ToldLine {
        line: line.number,
        text: &line.text,
        commit: line.commit.as_ref().map(Oid::to_string),
        origin_path: String::from_utf8_lossy(&line.path).into_owned(),
        origin_line: line.origin,
        by: word(&line.verdict),
        why: because(&line.verdict),
        session: attribution(asked, line),
    }
}

fn attribution<'a>(asked: &'a Asked, line: &'a Line) -> Option<ToldAttribution<'a>> {
    let Verdict::Session(found) = &line.verdict else { return None };
    let edit = asked.answer.edit(found)?;
    let prompt = asked.answer.prompt(found);
    Some(ToldAttribution {
        sid: found.session.sid.to_string(),
        agent: &asked.answer.trails.get(&found.session)?.session.meta.header.agent.tool,
        turn: prompt.map(|prompt| prompt.turn),
        prompt: prompt.map(|prompt| prompt.text.chars().take(BRIEF).collect()),
        event: &edit.event,
        at: edit.at.to_string(),
        edited_path: &edit.path,
        task: edit.task.as_deref(),
        sameness: found.sameness.name(),
        lines_around: found.around,
        renamed: found.is_renamed,
        confidence: found.confidence.get(),
        link: found.link.as_deref(),
        matched: found.matched.word(),
    })
}

fn sessions(asked: &[Asked]) -> Vec<ToldSession<'_>> {
    let mut found: BTreeMap<SessionKey, (&Trail, BTreeMap<u32, &Prompt>)> = BTreeMap::new();
    for Asked { answer, .. } in asked {
        for line in &answer.lines {
            let Verdict::Session(attribution) = &line.verdict else { continue };
            let Some(trail) = answer.trails.get(&attribution.session) else { continue };
            let (_, prompts) = found.entry(attribution.session).or_insert_with(|| (trail, BTreeMap::new()));
            prompts.extend(answer.prompt(attribution).map(|prompt| (prompt.turn, prompt)));
        }
    }
    found
        .into_iter()
        .map(|(key, (trail, prompts))| {
            let header = &trail.session.meta.header;
            ToldSession {
                sid: key.sid.to_string(),
                agent: &header.agent.tool,
                model: &header.agent.model,
                title: header.context.title.as_deref(),
                prompts: prompts.into_values().map(told_prompt).collect(),
            }
        })
        .collect()
}

fn told_prompt(prompt: &Prompt) -> ToldPrompt<'_> {
    ToldPrompt { turn: prompt.turn, event: &prompt.event, at: prompt.at.to_string(), text: &prompt.text }
}

fn counted(count: &Count) -> ToldCount {
    ToldCount {
        lines: count.lines,
        agents: count.agents.clone(),
        sessions: count.sessions.iter().map(|(key, lines)| (key.sid.to_string(), *lines)).collect(),
        human: count.human,
        unknown: count.unknown,
        uncommitted: count.uncommitted,
    }
}
