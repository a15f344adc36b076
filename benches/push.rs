//! What the hook costs a `git push`, side by side with a push without it.

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
use std::time::{Instant, SystemTime};

use git_opensession::session::Timestamp;
use support::table::{Table, median, millis};
use support::world::{World, cut, size};

const MB: usize = 1 << 20;

/// A span that ended `hours` ago and took one hour.
fn span(hours: i64) -> (Timestamp, Timestamp) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970");
    let end = i64::try_from(now.as_secs()).expect("it is before 2262") - hours * 3600;
    (Timestamp::from_seconds(end - 3600), Timestamp::from_seconds(end))
}

/// Pushes of one commit each, without and with the hook in turn: the medians, in milliseconds.
fn pairs(world: &mut World, times: usize) -> (f64, f64) {
    let mut taken = [Vec::new(), Vec::new()];
    for n in 0..times * 2 {
        world.commit();
        let start = Instant::now();
        world.push(n % 2 == 1);
        taken[n % 2].push(millis(start.elapsed()));
    }
    for times in &mut taken {
        times.sort_by(f64::total_cmp);
    }
    (median(&taken[0]), median(&taken[1]))
}

/// A world in which `count` sessions were captured, so that a push has nothing new. Their logs were written today: each of them is
/// held against what is pushed.
fn settled(count: u64, foreign: bool) -> World {
    settled_at(count, foreign, span(48))
}

fn settled_at(count: u64, foreign: bool, when: (Timestamp, Timestamp)) -> World {
    let mut world = World::new();
    let cwd = if foreign { world.path("elsewhere") } else { world.repo() };
    world.sessions(&cwd, count, 20_000, when);
    world.install();
    world.commit();
    world.push(true);
    world
}

/// The same, a day and a half later: the usual case, for nobody has thousands of sessions a day.
fn rested(count: u64) -> World {
    let mut world = World::new();
    world.sessions(&world.repo(), count, 20_000, span(37));
    world.age_logs(36);
    world.install();
    let (_, then) = span(35);
    world.git_at(&format!("@{} +0000", then.seconds()), &["commit", "-q", "--allow-empty", "-m", "then"]);
    world.push(true);
    world.commit();
    world.push(true);
    world
}

/// What `.git` grows by, in megabytes, while one session grows to 50 MB in twenty pushes of a commit each.
fn growth() -> f64 {
    let mut world = World::new();
    world.install();
    let (_, now) = span(0);
    // All of it so lately that every commit is in the session's window.
    world.sessions(&world.repo(), 1, 50 * MB, (Timestamp::from_seconds(now.seconds() - 1200), now));
    let log = world.log();
    let whole = fs::read(&log).expect("the log");
    let before = size(&world.repo().join(".git"));
    for nth in 1..=20 {
        fs::write(&log, cut(&whole, whole.len() / 20 * nth)).expect("the log");
        world.commit();
        world.push(true);
    }
    assert!(world.opensession(&["log"]).contains("Please look into this"), "the session is in the ledger");
    let grown = size(&world.repo().join(".git")) - before;
    grown as f64 / MB as f64
}

fn main() {
    let mut table = Table::new("git push of one commit, plain and with the hook");
    let mut added = Vec::new();
    for count in [50, 500, 5000] {
        let (plain, hooked) = pairs(&mut settled(count, false), 15);
        Table::fact(&format!("plain push, {count} sessions on disk"), plain, "ms");
        table.at_most(&format!("nothing new, {count} sessions: more than plain"), hooked - plain, 20.0, "ms");
        added.push(hooked);
    }
    table.at_most("5000 sessions against 50, whole push", added[2] / added[0], 1.5, "x");
    let mut old = Vec::new();
    for count in [50, 5000] {
        let (plain, hooked) = pairs(&mut rested(count), 15);
        let what = format!("nothing new, {count} sessions of the day before yesterday: more than plain");
        table.at_most(&what, hooked - plain, 20.0, "ms");
        old.push(hooked);
    }
    table.at_most("the same, 5000 against 50, whole push", old[1] / old[0], 1.5, "x");
    let (plain, hooked) = pairs(&mut settled(500, true), 15);
    table.at_most("500 sessions of another repository: more than plain", hooked - plain, 20.0, "ms");

    let (plain, hooked) = pairs(&mut settled_at(500, false, span(0)), 5);
    Table::fact("500 new links: more than plain", hooked - plain, "ms");

    let mut world = World::new();
    world.install();
    world.sessions(&world.repo(), 1, MB, span(0));
    world.commit();
    let start = Instant::now();
    world.push(true);
    Table::fact("first push of 1 new session of 1 MB", millis(start.elapsed()), "ms");

    let mut world = World::new();
    world.install();
    world.sessions(&world.repo(), 100, MB, span(0));
    world.commit();
    let start = Instant::now();
    world.push(true);
    table.at_most("first push of 100 new sessions of 1 MB", millis(start.elapsed()), 1500.0, "ms");
    table.at_most(".git after 20 pushes of a session growing to 50 MB", growth(), 8.0, "MB");
    table.finish();
}
