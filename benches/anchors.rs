//! Budgets of finding sessions behind rewritten commits, where there are 100,000 sessions.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench prints its table, and a panic is its failure"
)]

#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::time::{Duration, Instant};

use git_opensession::git::{BranchName, Identity, Oid, PatchId, PatchLimits, Repo, Signature};
use git_opensession::ledger::{
    Anchor, Append, Appender, Captured, Evidence, EvidenceKind, Ledgers, NewAnchor, Outcome, Percent, Scope, Window,
    append,
};
use git_opensession::lookup::Lookup;
use git_opensession::session::Timestamp;
use support::ledgers::{NOON, fill, key, open};
use support::table::{Table, median, sample};
use support::world::World;

const SESSIONS: u32 = 100_000;
/// How many commits nobody knows, each with lines of its own.
const UNKNOWN: usize = 100;

fn main() {
    let world = World::new();
    let mut table = Table::new("rewritten commits, in a ledger of 100,000 sessions");
    let repo = open(&world.repo());
    fill(&repo, SESSIONS);
    for number in 0..=UNKNOWN {
        let lines: Vec<String> = (0..40).map(|line| format!("let of_commit_{number}_{line} = {line};\n")).collect();
        fs::write(world.repo().join(format!("file{number}.rs")), lines.concat()).expect("a file");
        world.git(&world.repo(), &["add", "."]);
        world.git(&world.repo(), &["commit", "-q", "-m", "a commit"]);
    }
    let squash: Oid = world.git(&world.repo(), &["rev-parse", "HEAD"]).trim().parse().expect("an id");
    let patch = repo.patch_of(squash, PatchLimits::default(), &mut |_| {});
    let patch = patch.expect("it can be read").expect("it has one");
    anchor(&repo, patch);
    world.git(&world.repo(), &["gc", "-q"]);

    let repo = open(&world.repo());
    let ledgers = Ledgers::open(&repo, Scope::All).expect("they open");
    let times = sample(50, || {
        let found = Lookup::new(&repo, &ledgers).behind(squash).expect("it can be read");
        assert_eq!(found.len(), 3);
    });
    table.at_most("a squash commit, in the library", median(&times), 10.0, "ms");
    let times = sample(15, || {
        let shown = world.opensession(&["show", &squash.to_string(), "--prompts"]);
        assert!(shown.contains("is a squash of a branch"), "{shown}");
    });
    table.at_most("show <squash commit>", median(&times), 50.0, "ms");
    let times = sample(5, || {
        world.opensession(&["log", &format!("HEAD~{UNKNOWN}..HEAD~1")]);
    });
    Table::fact("log of 99 commits without a session, each sought by lines", median(&times), "ms");
    table.finish();
}

/// Three sessions of the branch that was squashed.
fn anchor(repo: &Repo, patch: PatchId) {
    let signature = Signature { identity: Identity::new("Ann", "ann@example.com"), time: NOON, offset: 0 };
    let by = Appender { signature: &signature, lock: None, deadline: Instant::now() + Duration::from_secs(60) };
    let at = Timestamp::from_seconds(NOON);
    let evidence = Evidence {
        kind: EvidenceKind::Wrote,
        confidence: Percent::new(90),
        lines: 40,
        share: None,
        files: Vec::new(),
        more_files: 0,
        window: Window { first: at, last: at },
        anchor: Some(Anchor::Branch { others: Vec::new() }),
    };
    let appends: Vec<Append> = [7, 70, 700]
        .into_iter()
        .map(|n| Append {
            session: Captured::Stored(key(n)),
            links: Vec::new(),
            anchors: vec![NewAnchor { patch, evidence: evidence.clone() }],
        })
        .collect();
    let main = BranchName::new("main").expect("a branch");
    let done = append(repo, &main, &appends, &by).expect("it is stored");
    assert!(matches!(done, Outcome::Appended { .. }));
}
