//! Budgets of what rewrites a whole ledger: a prune and a purge of one with 100,000 sessions.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench prints its table, and a panic is its failure"
)]

#[path = "support/mod.rs"]
mod support;

use std::time::Instant;

use support::ledgers::{fill, open};
use support::table::{Table, millis};
use support::world::World;

const SESSIONS: u32 = 100_000;

fn main() {
    let world = World::new();
    let began = Instant::now();
    fill(&open(&world.repo()), SESSIONS);
    world.git(&world.repo(), &["gc", "-q"]);
    let mut table = Table::new("retention: a ledger of 100,000 sessions on 500 days");
    Table::fact("writing it, and git gc", millis(began.elapsed()) / 1e3, "s");
    let timed = |args: &[&str]| {
        let began = Instant::now();
        let said = world.opensession(args);
        (millis(began.elapsed()) / 1e3, said)
    };
    let half = "2025-07-01";
    let (taken, plan) = timed(&["prune", "--older-than", half]);
    table.at_most("prune, the plan", taken, 15.0, "s");
    print!("  {plan}");
    let (taken, _) = timed(&["prune", "--older-than", half, "--apply"]);
    table.at_most("prune --apply, half of it", taken, 30.0, "s");
    let (taken, _) = timed(&["prune", "--older-than", half, "--apply"]);
    table.at_most("the same again: nothing to do", taken, 15.0, "s");
    let list = world.opensession(&["log", "-n", "1", "--json"]);
    let sid = list.split("\"sid\":\"").nth(1).and_then(|rest| rest.get(..32)).expect("a session");
    let (taken, _) = timed(&["purge", sid, "--yes"]);
    table.at_most("purge of one session", taken, 30.0, "s");
    table.finish();
}
