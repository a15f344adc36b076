//! `fold`: the ledgers of branches that are done.

use super::{MAIN, TOPIC, pushed};
use crate::world::World;

/// Does some work on a branch of its own, and pushes it. The commit.
fn branch(world: &World, name: &str) -> String {
    world.git(world.repo(), ["switch", "-q", "-c", name, "main"]).ok();
    let commit = world.work(name, &format!("{name}.rs"));
    world.git(world.repo(), ["push", "-q", "-u", "origin", name]).ok();
    world.git(world.repo(), ["switch", "-q", "main"]).ok();
    commit
}

/// Whether the session behind a commit can be read.
fn is_readable(world: &World, repository: &std::path::Path, commit: &str, title: &str) -> bool {
    world.os_in(repository, ["show", commit]).out.contains(title)
}

#[test]
fn the_ledger_of_a_deleted_branch_is_folded_and_every_commit_stays_readable() {
    let world = pushed();
    let commit = branch(&world, "topic");
    let ben = world.clone_to("ben");
    world.git(world.repo(), ["push", "-q", "--no-verify", "origin", ":topic"]).ok();
    world.git(world.repo(), ["branch", "-q", "-D", "topic"]).ok();
    let plan = world.os(["fold", "--into", "main", "--dry-run"]).ok();
    assert_eq!(plan, "topic -> main (gone)\n");
    assert!(world.os(["fold", "--into", "main"]).code(2).err.contains("fold --into main --yes"));
    let done = world.os(["fold", "--into", "main", "--yes", "--json"]).json();
    assert_eq!((done["schema"].as_str(), done["done"].as_bool()), (Some("opensession.fold/1"), Some(true)), "{done}");
    for repository in [world.repo(), world.origin()] {
        let refs = world.refs(&repository, "refs/opensession/branches/");
        assert!(refs.len() == 1 && refs[0].starts_with(MAIN), "{refs:?}");
    }
    world.os_in(&ben, ["fetch"]).ok();
    for repository in [world.repo(), ben] {
        assert!(is_readable(&world, &repository, &commit, "write topic.rs"));
        assert!(is_readable(&world, &repository, "origin/main", "write two.rs"));
    }
    assert!(world.os(["fold", "--into", "main", "--yes"]).err.contains("nothing to fold"));
    world.work("three", "three.rs");
    world.push().ok();
    assert_eq!(world.refs(world.origin(), "refs/opensession").len(), 1, "it does not come back");
}

#[test]
fn a_merged_branch_is_folded_and_one_at_work_is_not() {
    let world = pushed();
    branch(&world, "topic");
    branch(&world, "other");
    world.git(world.repo(), ["merge", "-q", "--no-edit", "topic"]).ok();
    world.push().ok();
    assert_eq!(world.os(["fold", "--into", "main", "--dry-run"]).ok(), "topic -> main (merged)\n");
    world.os(["fold", "--into", "main", "--yes"]).ok();
    assert_eq!(world.refs(world.origin(), "refs/opensession").len(), 2);
    assert_eq!(world.os(["fold", "other", "--into", "main", "--dry-run"]).ok(), "other -> main (named)\n");
}

#[test]
fn another_clone_lets_go_of_a_folded_ledger() {
    let world = pushed();
    let commit = branch(&world, "topic");
    let ben = world.clone_to("ben");
    world.git(&ben, ["fetch", "-q", "origin", "refs/opensession/branches/*:refs/opensession/branches/*"]).ok();
    world.os_in(&ben, ["fetch"]).ok();
    world.os(["fold", "topic", "--into", "main", "--yes"]).ok();
    assert!(world.refs(&ben, TOPIC).len() == 1);
    world.os_in(&ben, ["fetch"]).ok();
    assert!(world.refs(&ben, TOPIC).is_empty(), "all of it is in another ledger of the remote");
    assert!(is_readable(&world, &ben, &commit, "write topic.rs"));
    // One that has something of its own is not let go of.
    let late = branch(&world, "late");
    world.os_in(&ben, ["fetch"]).ok();
    let key = "refs/opensession/branches/bGF0ZQ";
    let tip = world.git(&ben, ["rev-parse", "refs/opensession/remotes/origin/branches/bGF0ZQ"]).ok();
    world.git(&ben, ["update-ref", key, tip.trim()]).ok();
    world.git(world.repo(), ["push", "-q", "--no-verify", "origin", &format!(":{key}")]).ok();
    world.os_in(&ben, ["fetch"]).ok();
    assert_eq!(world.refs(&ben, key).len(), 1);
    world.git(&ben, ["fetch", "-q"]).ok();
    assert!(is_readable(&world, &ben, &late, "write late.rs"));
}

#[test]
fn what_nobody_has_published_is_folded_only_by_name() {
    let world = pushed();
    world.git(world.repo(), ["switch", "-q", "-c", "secret"]).ok();
    let commit = world.work("secret", "secret.rs");
    world.os(["capture"]).ok();
    world.git(world.repo(), ["switch", "-q", "main"]).ok();
    world.git(world.repo(), ["branch", "-q", "-D", "secret"]).ok();
    let said = world.os(["fold", "--into", "main", "--yes"]);
    assert!(said.err.contains("the ledger of secret stays"), "{}", said.err);
    world.os(["fold", "secret", "--into", "main", "--yes"]).ok();
    assert_eq!(world.refs(world.repo(), "refs/opensession/branches/").len(), 1);
    assert!(is_readable(&world, &world.repo(), &commit, "write secret.rs"));
    assert!(!super::reaches(&world, world.origin(), "write secret.rs"), "it waits for a push");
}

#[test]
fn a_target_does_not_take_in_what_it_has_let_go_of() {
    let mut world = pushed();
    branch(&world, "topic");
    world.set_now("2026-04-20T12:00:00Z");
    world.git(world.repo(), ["switch", "-q", "main"]).ok();
    world.git(world.repo(), ["update-ref", "-d", TOPIC]).ok();
    world.git(world.origin(), ["update-ref", "refs/aside", TOPIC]).ok();
    world.git(world.origin(), ["update-ref", "-d", TOPIC]).ok();
    world.os(["prune", "--older-than", "30d", "--apply"]).ok();
    world.git(world.origin(), ["update-ref", TOPIC, "refs/aside"]).ok();
    let held = world.os(["fold", "topic", "--into", "main", "--yes"]);
    assert!(held.err.contains("the ledger of topic stays: 1 session"), "{}", held.err);
    assert_eq!(world.refs(world.origin(), TOPIC).len(), 1);
}

#[test]
fn errors_name_the_branch() {
    let world = pushed();
    assert!(world.os(["fold", "--into", "nowhere", "--yes"]).code(1).err.contains("nowhere"));
    assert!(world.os(["fold", "nowhere", "--into", "main", "--yes"]).code(1).err.contains("nowhere"));
    world.os(["fold", "main", "--into", "main", "--yes"]).code(2);
    world.os(["fold", "a..b", "--into", "main", "--yes"]).code(1);
    world.os(["fold", "--yes"]).code(2);
}

#[test]
fn the_doctor_names_it_when_there_are_many_ledgers() {
    let world = pushed();
    assert!(!world.os(["doctor"]).out.contains("fold"));
    let tip = world.git(world.repo(), ["rev-parse", MAIN]).ok();
    let lines: Vec<String> = (0..200).map(|n| format!("create {MAIN}{n:03} {tip}")).collect();
    std::fs::write(world.path("refs"), lines.concat()).expect("a file");
    world.run("sh", world.repo(), ["-c", "git update-ref --stdin < ../refs"]).ok();
    let said = world.os(["doctor"]).out;
    assert!(said.contains("git opensession fold --into main"), "{said}");
}
