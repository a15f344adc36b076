//! What has expired leaves the notes with the ledgers, and what others wrote into them stays.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{MAIN, TOPIC, is_left, reaches};
use crate::notes::{NOTES, clone_on, lines, note, noting, push_from, titles, work_in};
use crate::world::{ClaudeLog, World};

const DAY: i64 = 24 * 60 * 60;

/// A session of forty days ago, and its commit.
fn old_in(world: &World, folder: &Path, session: &str) -> String {
    let (file, content) = (format!("{session}.rs"), format!("the work of {session}\nof long ago\n"));
    let log = ClaudeLog::new(session, folder, -60 - 40 * DAY).prompt(&format!("do {session}"));
    log.write(&file, &content).answer("It is done.").save(world);
    world.commit_in(folder, &file, &content, &format!("add {session}"))
}

/// Gives a commit a note of exactly these bytes before our lines, and pushes it with plain git.
fn review(world: &World, commit: &str, text: &str) {
    let whole = format!("{text}{}", note(world, world.repo(), commit));
    let path = world.path("tmp/review");
    fs::write(&path, whole).expect("a file");
    let blob = world.git(world.repo(), ["hash-object", "-w", &path.display().to_string()]).ok();
    world.git(world.repo(), ["notes", "--ref=opensession", "add", "-f", "-C", blob.trim(), commit]).ok();
    world.git(world.repo(), ["push", "-q", "--no-verify", "origin", NOTES]).ok();
}

fn prune(world: &World) -> String {
    let done = world.os(["prune", "--older-than", "30d", "--apply"]);
    assert_eq!(done.code, 0, "{}", done.err);
    done.err
}

fn only(title: &str) -> BTreeSet<String> {
    BTreeSet::from([title.to_owned()])
}

#[test]
fn the_lines_of_expired_sessions_leave_the_notes_and_their_history_everywhere() {
    let world = noting();
    let (old, new) = (old_in(&world, &world.repo(), "old"), work_in(&world, world.repo(), "new"));
    world.push().ok();
    let said = "Reviewed-by: Zoë <zoe@example.com>\n\n  looks\tgood \r\n- b\n- a\n";
    review(&world, &old, said);
    let by_hand = world.commit("by hand", "typed\n", "by hand");
    review(&world, &by_hand, "nobody's\n\n\n");
    world.push().ok();
    let blob = |side: &Path| world.git(side, ["notes", "--ref=opensession", "list", &by_hand]).ok();
    let of_hand = blob(&world.repo());
    let ben = clone_on(&world, "ben");
    world.os_in(&ben, ["fetch"]).ok();
    assert!(reaches(&world, &ben, "do old"));

    prune(&world);
    for side in [world.repo(), world.origin()] {
        assert!(!reaches(&world, &side, "do old"), "{}", side.display());
        assert_eq!(note(&world, &side, &old), said, "{}", side.display());
        assert_eq!(titles(&world, &side, &new), only("do new"));
        assert_eq!(blob(&side), of_hand);
    }
    assert!(!is_left(&world, world.repo(), "do old"), "no reflog holds it");

    // Ben knows nothing of it, and goes on.
    let more = work_in(&world, &ben, "b1");
    push_from(&world, &ben).ok();
    world.os_in(&ben, ["sync"]).ok();
    for side in [&ben, &world.origin()] {
        assert!(!reaches(&world, side, "do old"), "{}", side.display());
        assert_eq!(note(&world, side, &old), said, "{}", side.display());
        assert_eq!(titles(&world, side, &more), only("do b1"));
        assert_eq!(blob(side), of_hand);
    }
    assert!(!is_left(&world, &ben, "do old"));
    let settled = (world.refs(world.repo(), "refs/"), world.refs(world.origin(), "refs/"));
    world.os(["sync"]).ok();
    let noted = world.refs(world.origin(), "refs/notes/");
    prune(&world);
    world.os(["sync"]).ok();
    assert_eq!(world.refs(world.origin(), "refs/notes/"), noted, "it is done: {settled:?}");
}

#[test]
fn who_only_fetches_loses_them_too_and_what_is_kept_by_name_keeps_its_line() {
    let world = noting();
    let (kept, old) = (old_in(&world, &world.repo(), "kept"), old_in(&world, &world.repo(), "old"));
    world.push().ok();
    let ben = clone_on(&world, "ben");
    world.os_in(&ben, ["fetch"]).ok();
    // Carl takes notes no more, and has some.
    let carl = clone_on(&world, "carl");
    world.os_in(&carl, ["fetch"]).ok();
    world.os_in(&carl, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    world.os(["prune", "--older-than", "30d", "--keep-linked", &kept, "--apply"]).ok();
    for clone in [&ben, &carl] {
        world.os_in(clone, ["fetch"]).ok();
    }
    for side in [&world.repo(), &world.origin(), &ben, &carl] {
        assert_eq!(titles(&world, side, &kept), only("do kept"), "{}", side.display());
        assert_eq!(note(&world, side, &old), "", "{}", side.display());
    }
    prune(&world);
    for clone in [&ben, &carl] {
        world.os_in(clone, ["fetch"]).ok();
    }
    for side in [&world.repo(), &world.origin(), &ben, &carl] {
        assert!(!reaches(&world, side, "do kept"), "{}", side.display());
        assert_eq!(note(&world, side, &old) + &note(&world, side, &kept), "", "{}", side.display());
    }
}

#[test]
fn a_line_moves_to_another_ledger_that_keeps_the_session_and_is_not_published_by_that() {
    let world = noting();
    let ben = clone_on(&world, "ben");
    let old = old_in(&world, &ben, "old");
    push_from(&world, &ben).ok();
    // Of a branch that nobody has published.
    world.os_in(&ben, ["capture", "HEAD", "--branch", "aside"]).ok();
    let branch = |side: &Path| -> Vec<String> {
        lines(&world, side, &old).iter().map(|line| line["branch"].as_str().expect("a branch").to_owned()).collect()
    };
    assert_eq!((branch(&ben), branch(&world.origin())), (vec!["ben".to_owned()], vec!["ben".to_owned()]));
    // Who prunes has none of these ledgers but as they are at the remote.
    prune(&world);
    assert_eq!(branch(&world.origin()), [""; 0]);
    world.os_in(&ben, ["fetch"]).ok();
    assert_eq!(branch(&ben), ["aside"]);
    world.os_in(&ben, ["push"]).ok();
    work_in(&world, &ben, "more");
    push_from(&world, &ben).ok();
    assert_eq!((branch(&ben), branch(&world.origin())), (vec!["aside".to_owned()], Vec::new()));
    assert!(!reaches(&world, world.origin(), "do old"));
}

#[test]
fn a_line_of_a_ledger_that_was_folded_goes_with_the_ledger_that_took_it_in() {
    let world = noting();
    world.git(world.repo(), ["switch", "-q", "-c", "topic"]).ok();
    let old = old_in(&world, &world.repo(), "old");
    world.git(world.repo(), ["push", "-q", "origin", "topic"]).ok();
    world.git(world.repo(), ["switch", "-q", "main"]).ok();
    world.git(world.repo(), ["merge", "-q", "--ff-only", "topic"]).ok();
    let new = work_in(&world, world.repo(), "new");
    world.push().ok();
    world.os(["fold", "topic", "--into", "main", "--yes"]).ok();
    assert_eq!((world.refs(world.origin(), TOPIC).len(), world.refs(world.origin(), MAIN).len()), (0, 1));
    assert_eq!(lines(&world, world.origin(), &old)[0]["branch"], "topic");
    prune(&world);
    for side in [world.repo(), world.origin()] {
        assert!(!reaches(&world, &side, "do old"), "{}", side.display());
        assert_eq!(titles(&world, &side, &new), only("do new"));
    }
}
