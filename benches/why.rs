//! The budget of `why`: a file of 5,000 lines that 200 commits made, with 50 sessions behind them, beside `git blame`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench prints its table, and a panic is its failure"
)]

#[path = "support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use git_opensession::git::{BranchName, Identity, Oid, Signature};
use git_opensession::hail::RecordBuilder;
use git_opensession::ledger::{
    Append, Appender, Captured, Evidence, EvidenceKind, NewLink, Outcome, Percent, Window, append,
};
use git_opensession::redaction::{Findings, RULES_VERSION, Redactor};
use git_opensession::session::{Content, Event, EventKind, Header, Timestamp};
use support::ledgers::{NOON, open};
use support::table::{Table, median, sample};
use support::world::World;

const LINES: usize = 5_000;
const COMMITS: usize = 200;
const SESSIONS: usize = 50;
/// Lines that each commit writes anew.
const CHANGED: usize = LINES / COMMITS;
/// What the tools of each session print beside its edits, in bytes.
const TALK: usize = 200_000;

/// The lines that a commit writes, and where: every part of the file is somebody's, and no two have the same.
fn written(commit: usize) -> (usize, Vec<String>) {
    let first = (commit * 7919 % COMMITS) * CHANGED;
    (first, (0..CHANGED).map(|line| format!("    let value_{commit}_{line} = compute({commit}, {line});")).collect())
}

/// Makes the commits; their ids.
fn commits(world: &World) -> Vec<Oid> {
    let mut file: Vec<String> = (0..LINES).map(|line| format!("    let first_{line} = {line};")).collect();
    let mut made = Vec::new();
    for commit in 0..COMMITS {
        let (first, lines) = written(commit);
        file.splice(first..first + CHANGED, lines);
        fs::write(world.repo().join("big.rs"), file.join("\n") + "\n").expect("a file");
        world.git(&world.repo(), &["add", "big.rs"]);
        let date = format!("{} +0000", NOON + i64::try_from(commit).expect("a small number") * 60);
        world.git_at(&date, &["commit", "-q", "-m", "more"]);
        made.push(world.git(&world.repo(), &["rev-parse", "HEAD"]).trim().parse().expect("an id"));
    }
    made
}

/// A session that wrote the lines of every 50th commit.
fn session(number: usize, commits: &[Oid], root: &str, redactor: &Redactor) -> Append {
    let time = |commit: usize| NOON + i64::try_from(commit).expect("a small number") * 60;
    let at = |commit: usize| Timestamp::from_seconds(time(commit) - 30);
    let header = serde_json::json!({
        "version": "hail-1.0.0", "session_id": format!("s{number}"),
        "agent": { "provider": "anthropic", "model": "m", "tool": "claude-code" },
        "context": { "tags": [], "created_at": at(number), "updated_at": at(COMMITS), "attributes": { "cwd": root } },
    });
    let header: Header = serde_json::from_value(header).expect("a header");
    let (mut builder, mut findings) = (RecordBuilder::new(RULES_VERSION), Findings::new());
    let mut ties = Vec::new();
    for commit in (number..COMMITS).step_by(SESSIONS) {
        let (first, lines) = written(commit);
        let mut diff = format!("@@ -{0},{CHANGED} +{0},{CHANGED} @@\n", first + 1);
        for line in &lines {
            writeln!(diff, "+{line}").expect("a string takes all");
        }
        let prompt = Content::text(format!("write the part of commit {commit}"));
        let talk = Content::text("what a tool printed, and nobody asks for\n".repeat(TALK / 41 / (COMMITS / SESSIONS)));
        let edit = EventKind::FileEdit { path: format!("{root}/big.rs"), diff: Some(diff) };
        let result = EventKind::ToolResult { name: "Bash".into(), is_error: false, call_id: None };
        for (n, (kind, content)) in
            [(EventKind::UserMessage, prompt), (result, talk), (edit, Content::empty())].into_iter().enumerate()
        {
            let event = Event::new(format!("e{commit}-{n}"), at(commit), kind, content);
            builder.push(&redactor.event(event, &mut findings), &findings).expect("it is taken");
        }
        let window = Window { first: at(number), last: at(COMMITS) };
        let (kind, confidence, files) = (EvidenceKind::Wrote, Percent::new(90), vec!["big.rs".to_owned()]);
        let evidence =
            Evidence { kind, confidence, lines: 25, share: None, files, more_files: 0, window, anchor: None };
        ties.push(NewLink { commit: commits[commit], committed_at: time(commit), evidence });
    }
    let header = redactor.header(header, &mut findings);
    let record = builder.finish(header, &findings).expect("it is taken");
    Append { session: Captured::Record { record: Box::new(record), day: None }, links: ties, anchors: Vec::new() }
}

fn main() {
    let world = World::new();
    let commits = commits(&world);
    let repo = open(&world.repo());
    let redactor = Redactor::of_secrets_only();
    let root = world.repo().display().to_string();
    let sessions: Vec<Append> = (0..SESSIONS).map(|number| session(number, &commits, &root, &redactor)).collect();
    let signature = Signature { identity: Identity::new("Ann", "ann@example.com"), time: NOON, offset: 0 };
    let by = Appender { signature: &signature, lock: None, deadline: Instant::now() + Duration::from_secs(600) };
    let main = BranchName::new("main").expect("a branch");
    assert!(matches!(append(&repo, &main, &sessions, &by).expect("it appends"), Outcome::Appended { .. }));
    world.git(&world.repo(), &["gc", "-q"]);

    let mut table = Table::new("why: 5,000 lines of 200 commits, 50 sessions");
    let counted = world.opensession(&["why", "--summary", "--rev", "HEAD", "big.rs"]);
    assert!(counted.contains("big.rs: 5,000 lines\n  5,000  100 %  claude-code\n"), "{counted}");
    let plain = median(&sample(9, || {
        world.git(&world.repo(), &["blame", "--porcelain", "HEAD", "--", "big.rs"]);
    }));
    let ours = median(&sample(9, || {
        world.opensession(&["why", "--rev", "HEAD", "big.rs"]);
    }));
    Table::fact("git blame --porcelain", plain, "ms");
    table.at_most("why of the file", ours, plain * 1.3 + 50.0, "ms");
    let line = median(&sample(9, || {
        world.opensession(&["why", "--rev", "HEAD", "big.rs:2500"]);
    }));
    let plain_line = median(&sample(9, || {
        world.git(&world.repo(), &["blame", "--porcelain", "-L2500,2500", "HEAD", "--", "big.rs"]);
    }));
    Table::fact("git blame --porcelain of a line", plain_line, "ms");
    table.at_most("why of a line", line, plain_line * 1.3 + 50.0, "ms");
    table.finish();
}
