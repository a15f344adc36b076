//! Sessions whose logs have not changed, and what asks for them.

use serde_json::json;

use super::flow::sid;
use super::world::{Log, NOON, World, links};
use crate::ledger::{Change, EvidenceKind};

/// A day before noon.
const BEFORE: i64 = NOON - 86_400;

/// A world in which the logs of some sessions of the day before were captured, and none was tied.
fn world(sessions: &[&str], write: impl Fn(&World, &Log, &str)) -> World {
    let world = World::new();
    for session in sessions {
        let log = world.log(session, "repo");
        write(&world, &log, session);
        // Long enough ago to be known for unchanged.
        log.touch(NOON - 60);
    }
    let commit = world.commit(NOON - 7200, &[("unrelated", "x\n")]);
    let captured = world.capture(&[commit]);
    assert_eq!((captured.logs.read, links(&captured).len()), (sessions.len(), 0));
    world
}

#[test]
fn a_commit_asks_for_the_session_that_edited_its_file_and_for_no_other() {
    let world = world(&["a", "b", "c"], |world, log, name| {
        log.say(BEFORE, "go").edit(BEFORE + 9, &world.path("repo").join(format!("{name}.rs")), "let telling = 1;");
    });
    let commit = world.commit(NOON, &[("b.rs", "let telling = 1;\n")]);
    let captured = world.capture(&[commit]);
    assert_eq!((captured.logs.read, captured.logs.here, captured.logs.seen), (0, 3, 3));
    assert_eq!(links(&captured), [(sid("b"), commit, EvidenceKind::Wrote)]);
    assert_eq!(world.stored("main", "b").unwrap().meta.events(), 2);
    assert_eq!(world.explain(commit).sessions.len(), 3, "an explanation tells of all");
}

#[test]
fn a_commit_asks_for_the_session_that_made_it_and_for_those_in_whose_window_it_is() {
    let world = world(&["a", "b", "c"], |_, log, _| {
        log.say(BEFORE, "go");
    });
    let commit = world.commit(BEFORE + 60, &[("x", "y\n")]);
    let short: String = commit.to_string().chars().take(7).collect();
    world
        .log("d", "repo")
        .add(&json!({ "t": NOON - 60_000, "run": "git commit -m x", "id": "1" }))
        .add(&json!({ "t": NOON - 59_990, "out": format!("[main {short}] x"), "id": "1" }))
        .touch(NOON - 30);
    // It is read for a commit that it has nothing to do with, and rests when its own is asked for.
    let other = world.commit(NOON, &[("z", "z\n")]);
    assert_eq!(links(&world.capture(&[other])), []);
    let mut found = links(&world.capture(&[commit]));
    found.sort();
    let mut expected = ["a", "b", "c"].map(|name| (sid(name), commit, EvidenceKind::Window)).to_vec();
    expected.push((sid("d"), commit, EvidenceKind::Committed));
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn of_a_session_at_rest_and_a_new_log_of_it_the_longer_one_counts() {
    let long = |log: &Log| {
        log.say(BEFORE, "go").say(BEFORE + 1, "on").say(BEFORE + 2, "done");
    };
    let world = world(&["a"], |_, log, _| long(log));
    world.log_in(".fake/copy.log", "a", Some(&world.text("repo"))).say(BEFORE, "go").touch(NOON - 30);
    let commit = world.commit(BEFORE + 60, &[("x", "y\n")]);
    let captured = world.capture(&[commit]);
    assert_eq!((captured.logs.read, links(&captured)), (1, vec![(sid("a"), commit, EvidenceKind::Window)]));
    assert_eq!(world.stored("main", "a").unwrap().meta.events(), 3);
    // Neither rests now, and the longer one still counts.
    let next = world.commit(BEFORE + 90, &[("x", "z\n")]);
    let captured = world.capture(&[next]);
    assert_eq!((captured.logs.read, captured.ledgers[0].sessions[0].1), (0, Change::Same));
    assert_eq!(world.stored("main", "a").unwrap().meta.events(), 3);
}

#[test]
fn a_branch_that_goes_on_asks_for_the_sessions_that_it_was_tied_to() {
    let world = World::new();
    world.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    world.git(&["checkout", "-q", "-b", "topic"]);
    world.log("a", "repo").say(BEFORE, "go").touch(NOON - 60);
    world.log("b", "repo").say(NOON - 7300, "go").touch(NOON - 60);
    let first = world.commit(BEFORE + 60, &[("x", "one line of text\n")]);
    assert_eq!(links(&world.capture_to(&[("topic", &[first])])), [(sid("a"), first, EvidenceKind::Window)]);
    let second = world.commit(NOON, &[("x", "another line of text\n")]);
    let captured = world.capture_to(&[("topic", &[second])]);
    assert_eq!((captured.logs.read, links(&captured)), (0, Vec::new()));
    let changed: Vec<_> = captured.ledgers[0].sessions.iter().map(|(key, change)| (key.sid, *change)).collect();
    assert_eq!(changed, [(sid("a"), Change::Same)], "it is to be found by the patch of both");
}
