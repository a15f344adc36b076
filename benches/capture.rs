//! What reading, redacting and storing costs: a log to HAIL, redaction alone, a log that grew.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench prints its table, and a panic is its failure"
)]

#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use git_opensession::agents::{LogParser, Sink, claude_code::ClaudeCode, codex::Codex};
use git_opensession::hail::write_event;
use git_opensession::redaction::{Findings, Person, Redactor};
use git_opensession::session::{Event, Timestamp};
use support::logs::{self, Plan};
use support::table::{Table, median, millis, sample};
use support::world::{World, cut};

const MB: usize = 1 << 20;

/// Writes events as canonical lines and forgets them.
struct Lines(Vec<u8>);

impl Sink for Lines {
    fn event(&mut self, event: Event) -> ControlFlow<()> {
        self.0.clear();
        write_event(&event, &mut self.0).expect("a vector takes everything");
        ControlFlow::Continue(())
    }
}

/// Keeps the events.
struct Kept(Vec<Event>);

impl Sink for Kept {
    fn event(&mut self, event: Event) -> ControlFlow<()> {
        self.0.push(event);
        ControlFlow::Continue(())
    }
}

fn plan(bytes: usize) -> Plan<'static> {
    let start = Timestamp::from_seconds(1_770_000_000);
    let end = Timestamp::from_seconds(1_770_010_000);
    Plan { id: "00000000-0000-4000-8000-000000000001", cwd: Path::new("/home/ann/app"), start, end, bytes, seed: 7 }
}

fn speed(bytes: usize, millis: f64) -> f64 {
    bytes as f64 / MB as f64 / millis * 1e3
}

fn parsing(table: &mut Table, folder: &Path) {
    let logs: [(&str, &dyn LogParser, String); 2] =
        [("Claude Code", &ClaudeCode, logs::claude(&plan(100 * MB))), ("Codex", &Codex, logs::codex(&plan(100 * MB)))];
    for (name, parser, text) in logs {
        let path = folder.join(format!("rollout-{}.jsonl", parser.agent()));
        fs::write(&path, &text).expect("a log");
        let parse = || {
            parser.parse(&path, None, &mut Lines(Vec::new())).expect("it can be parsed");
        };
        table.at_least(
            &format!("{name}: log to HAIL, 100 MB"),
            speed(text.len(), median(&sample(3, parse))),
            300.0,
            "MB/s",
        );
    }
}

fn redacting(table: &mut Table, folder: &Path) {
    let text = logs::claude(&plan(32 * MB));
    let path = folder.join("redacted.jsonl");
    fs::write(&path, text).expect("a log");
    let mut kept = Kept(Vec::new());
    ClaudeCode.parse(&path, None, &mut kept).expect("it can be parsed");
    let mut line = Vec::new();
    let bytes: usize = kept
        .0
        .iter()
        .map(|event| {
            line.clear();
            write_event(event, &mut line).expect("a vector takes everything");
            line.len()
        })
        .sum();
    let redactor =
        Redactor::new(&Person { home: Some("/home/ann".into()), user: Some("ann".into()), ..Person::default() });
    let mut times = Vec::new();
    for _ in 0..5 {
        let events = kept.0.clone();
        let mut findings = Findings::default();
        let start = Instant::now();
        for event in events {
            drop(redactor.event(event, &mut findings));
        }
        times.push(millis(start.elapsed()));
    }
    times.sort_by(f64::total_cmp);
    table.at_least("redaction of events", speed(bytes, median(&times)), 150.0, "MB/s");
}

/// A log of 50 MB that is captured, grows by 1 MB, and is captured again with a new commit.
fn growing(table: &mut Table) {
    let mut world = World::new();
    world.install();
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).expect("after 1970");
    let now = i64::try_from(now.as_secs()).expect("before 2262");
    let span = (Timestamp::from_seconds(now - 3600), Timestamp::from_seconds(now));
    world.sessions(&world.repo(), 1, 56 * MB, span);
    let log = world.log();
    let whole = fs::read(&log).expect("the log");
    fs::write(&log, cut(&whole, 50 * MB)).expect("the log");
    world.commit();
    world.push(true);
    let (mut plain, mut grown) = (Vec::new(), Vec::new());
    for n in 0..5 {
        world.commit();
        let start = Instant::now();
        world.opensession(&["capture"]);
        plain.push(millis(start.elapsed()));
        world.push(true);
        fs::write(&log, cut(&whole, 50 * MB + (n + 1) * MB)).expect("the log");
        world.commit();
        let start = Instant::now();
        world.opensession(&["capture"]);
        grown.push(millis(start.elapsed()));
        world.push(true);
    }
    plain.sort_by(f64::total_cmp);
    grown.sort_by(f64::total_cmp);
    Table::fact("capture of one commit, 50 MB log unchanged", median(&plain), "ms");
    table.at_most("the same, the log grew by 1 MB", median(&grown), 100.0, "ms");
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut table = Table::new("reading, redacting, storing");
    parsing(&mut table, folder.path());
    redacting(&mut table, folder.path());
    growing(&mut table);
    table.finish();
}
