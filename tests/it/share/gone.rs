//! What was purged or has expired is not shared, whoever knows of it first.

use super::*;

fn sid(world: &World) -> String {
    world.os(["log", "--json"]).json()["sessions"][0]["sid"].as_str().expect("an id").to_owned()
}

#[test]
fn what_was_purged_here_is_not_shared_from_the_text_that_is_left() {
    let world = World::new();
    world.work("one", "one.txt");
    world.os(["capture"]).ok();
    fs::write(world.path("one.hail"), world.os(["cat", "HEAD"]).ok()).expect("a file");
    let local = world.os(["register", "../one.hail"]).ok().trim_end().to_owned();
    let address = pushed(&world, world.repo(), &local);
    world.os(["purge", "--yes", "--remote", "origin", &sid(&world)]).ok();
    assert!(snapshots(&world, world.origin(), MAIN).is_empty());
    // The store has let go of it, too; somebody has kept the text.
    world.os(["cat", &local]).code(1);
    assert_eq!(world.os(["register", "../one.hail"]).ok().trim_end(), local);
    let answer = world.os(["share", &local, "--git", "--remote", "origin", "--push"]).code(1);
    assert!(answer.err.contains("it was purged") && answer.out.is_empty(), "{answer:?}");
    assert!(snapshots(&world, world.repo(), MAIN).is_empty());
    let ben = world.clone_to("ben");
    for folder in [&ben, &world.root()] {
        world.os_in(folder, ["cat", &address]).code(1);
    }
}

#[test]
fn a_clone_that_knows_nothing_of_the_purge_does_not_bring_it_back() {
    let world = World::new();
    let ben = world.clone_to("ben");
    world.work("one", "one.txt");
    world.os(["capture"]).ok();
    fs::write(world.path("one.hail"), world.os(["cat", "HEAD"]).ok()).expect("a file");
    let local = world.os_in(&ben, ["register", "../one.hail"]).ok().trim_end().to_owned();
    // Ben has shared something before, so the remote is known to him.
    pushed(&world, &ben, &registered_in(&world, &ben, "s2"));
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    world.os(["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    world.os(["sync"]).ok();
    let one = world.os(["log", "--json"]).json();
    let one = one["sessions"].as_array().expect("a list").iter().find(|session| session["title"] == "write one.txt");
    let one = one.and_then(|session| session["sid"].as_str()).expect("an id").to_owned();
    world.os(["purge", "--yes", "--remote", "origin", &one]).ok();

    // He writes it into his ledger, for he cannot know; and it gets no further.
    let (address, _) = lines(world.os_in(&ben, ["share", &local, "--git", "--remote", "origin"]));
    let answer = world.os_in(&ben, ["share", &local, "--git", "--remote", "origin", "--push"]).code(1);
    assert!(answer.err.contains("it was purged") && answer.out.is_empty(), "{answer:?}");
    assert_eq!(snapshots(&world, world.origin(), MAIN).len(), 1, "that of s2");
    assert_eq!(snapshots(&world, &ben, MAIN).len(), 1, "and it is gone from his, too");
    world.os_in(world.root(), ["cat", &address]).code(1);
}

#[test]
fn what_a_ledger_has_let_expire_it_does_not_take() {
    let mut world = World::new();
    world.work("one", "one.txt");
    world.os(["capture"]).ok();
    fs::write(world.path("one.hail"), world.os(["cat", "HEAD"]).ok()).expect("a file");
    let local = world.os(["register", "../one.hail"]).ok().trim_end().to_owned();
    world.set_now("2026-06-06T12:00:00Z");
    world.os(["prune", "--older-than", "30d", "--apply"]).ok();
    let answer = world.os(["share", &local, "--git", "--remote", "origin"]).code(1);
    assert!(answer.err.contains("it is of before 2026-05-07") && answer.err.contains("--ref"), "{answer:?}");
    lines(world.os(["share", &local, "--git", "--remote", "origin", "--ref", "archive"]));
}
