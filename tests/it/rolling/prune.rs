//! `prune`: old sessions are let go of.

use super::{MAIN, is_left, reaches};
use crate::world::{ClaudeLog, World};

const DAY: i64 = 24 * 60 * 60;

/// A session of some days ago, and its commit.
fn old_work(world: &World, days: i64, name: &str) -> String {
    let file = format!("{name}.rs");
    let content = format!("the work of {name}\nin {file}\n");
    let log = ClaudeLog::new(name, world.repo(), -60 - days * DAY).prompt(&format!("write {file}"));
    log.write(&file, &content).answer("It is written.").save(world);
    world.commit(&file, &content, &format!("add {file}"))
}

/// A world with a session of 40 and one of 35 days ago, and one of today.
fn world() -> World {
    let world = World::installed();
    old_work(&world, 40, "forty");
    world.git(world.repo(), ["tag", "v1"]).ok();
    old_work(&world, 35, "thirty-five");
    old_work(&world, 0, "today");
    world.push().ok();
    assert_eq!(world.titles(world.repo()).len(), 3);
    world
}

#[test]
fn a_prune_is_a_plan_until_it_is_applied() {
    let world = world();
    let before = world.refs(world.origin(), "refs/");
    let plan = world.os(["prune", "--older-than", "30d"]);
    assert!(plan.out.contains("main: 2 sessions of 2 days"), "{}", plan.out);
    assert!(plan.err.contains("--apply"), "{}", plan.err);
    plan.ok();
    assert_eq!(world.refs(world.origin(), "refs/"), before);
    let done = world.os(["prune", "--older-than", "30d", "--apply", "--json"]).json();
    assert_eq!((done["floor"].as_str(), done["done"].as_bool()), (Some("2026-02-04"), Some(true)));
    assert_eq!(world.titles(world.repo()), ["write today.rs"]);
    for text in ["write forty.rs", "write thirty-five.rs"] {
        assert!(!reaches(&world, world.origin(), text) && !is_left(&world, world.repo(), text), "{text}");
    }
    assert_eq!(world.git(world.origin(), ["show", &format!("{MAIN}:v2/floor")]).ok().trim(), "2026-02-04");
    let settled = world.refs(world.origin(), "refs/");
    world.os(["prune", "--older-than", "30d", "--apply"]).ok();
    assert_eq!(world.refs(world.origin(), "refs/"), settled, "there is nothing left to do");
}

#[test]
fn the_log_of_an_expired_session_does_not_bring_it_back() {
    let world = world();
    world.os(["prune", "--older-than", "2026-02-04", "--apply"]).ok();
    std::fs::remove_dir_all(world.repo().join(".git/opensession")).expect("the cache can be removed");
    assert!(world.os(["capture", "HEAD~3..HEAD"]).code(0).err.contains("expired in this ledger"));
    world.push().ok();
    assert_eq!(world.titles(world.repo()), ["write today.rs"]);
    assert!(!reaches(&world, world.origin(), "write forty.rs"));
}

#[test]
fn what_is_linked_to_a_release_can_be_kept() {
    let world = world();
    let done = world.os(["prune", "--older-than", "30d", "--keep-linked", "v1", "--apply"]);
    assert!(done.out.contains("1 older session kept"), "{}", done.out);
    done.ok();
    assert_eq!(world.titles(world.repo()), ["write forty.rs", "write today.rs"]);
    world.git(world.repo(), ["push", "-q", "origin", "v1"]).ok();
    let ben = world.clone_to("ben");
    world.os_in(&ben, ["fetch"]).ok();
    assert_eq!(world.titles(&ben), ["write forty.rs", "write today.rs"]);
    world.os_in(&ben, ["show", "v1"]).ok();
    world.os_in(&ben, ["fsck"]).ok();
    assert!(!reaches(&world, world.origin(), "write thirty-five.rs"));
    // It can still grow.
    let log = ClaudeLog::new("forty", world.repo(), -60 - 40 * DAY).prompt("write forty.rs");
    let log = log.write("forty.rs", "the work of forty\nin forty.rs\n").answer("It is written.");
    log.prompt("and more").write("more.rs", "more of it\n").answer("There is more.").save(&world);
    world.commit("more.rs", "more of it\n", "more");
    world.push().ok();
    assert!(reaches(&world, world.origin(), "There is more."));
}

#[test]
fn nonsense_is_a_usage_error_and_nothing_old_is_nothing_to_do() {
    let world = world();
    for age in ["30", "soon", "2026-02-30", "-1d"] {
        let wrong = world.os(["prune".to_owned(), format!("--older-than={age}")]);
        assert!(wrong.code(2).err.contains("30d"), "{age}");
    }
    world.os(["prune", "--apply"]).code(2);
    world.os(["prune", "--older-than", "30d", "--keep-linked", "nothing"]).code(128);
    let none = world.os(["prune", "--older-than", "1000d", "--apply"]);
    assert!(none.err.contains("no ledger has anything of before 2023-06-10"), "{}", none.err);
    none.ok();
    assert_ne!(world.git(world.origin(), ["cat-file", "-e", &format!("{MAIN}:v2/floor")]).code, 0);
}
