//! What goes wrong, and how little it costs.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use super::world::{NOON, World, links};
use crate::capture::{Skip, WhyUnfinished};
use crate::ledger::{EvidenceKind, Sid};

fn sid(session: &str) -> Sid {
    Sid::new("fake", session)
}

#[test]
fn no_session_id_is_too_odd_and_none_blocks_another() {
    let world = World::new();
    let commit = world.commit(NOON - 700, &[("a", "b")]);
    let ids = ["../x", "a/b/c", "", "nul\0", "日本語", "éa", "èa", "good", "-", ".git", "$(touch x)"];
    for (n, id) in ids.iter().enumerate() {
        world.log_in(&format!(".fake/{n}.log"), id, Some(&world.text("repo"))).say(NOON - 900, "x");
    }
    let captured = world.capture(&[commit]);
    assert_eq!((captured.links.len(), captured.ledgers[0].refused.len()), (ids.len(), 0));
    for id in ids {
        assert!(world.stored("main", id).is_some(), "{id:?}");
    }
    world.git(&["fsck", "--strict"]);
}

#[test]
fn logs_that_cannot_be_read_are_named_and_cost_only_themselves() {
    let world = World::new();
    let commit = world.commit(NOON - 700, &[("a", "b")]);
    world.log("good", "repo").say(NOON - 900, "x");
    world.write(".fake/empty.log", "");
    world.write(".fake/garbage.log", "\u{0}\u{1}garbage\n");
    fs::write(world.path(".fake/binary.log"), [0xff; 4096]).unwrap();
    fs::create_dir(world.path(".fake/folder.log")).unwrap();
    world.log_in(".fake/nowhere.log", "nowhere", None).say(NOON - 900, "x");
    world.write(".fake/breaks.log", "{\"session\":\"breaks\",\"panic_at_once\":true}\n");
    world.log("panics", "repo").say(NOON - 900, "x").add(&json!({ "panic": true }));
    world.log("eventless", "repo");
    world.log("lines", "repo").add_text("not json\n").say(NOON - 900, "x").add_text("{\"t\":");
    let captured = world.capture(&[commit]);
    let skipped: Vec<_> = captured
        .skipped
        .iter()
        .map(|log| (log.path.file_stem().unwrap().to_str().unwrap().to_owned(), log.why))
        .collect();
    assert_eq!(
        skipped,
        [
            ("binary".to_owned(), Skip::Unreadable(std::io::ErrorKind::InvalidData)),
            ("breaks".to_owned(), Skip::ParserPanicked),
            ("empty".to_owned(), Skip::NotALog),
            ("folder".to_owned(), Skip::NotAFile),
            ("garbage".to_owned(), Skip::NotALog),
            ("nowhere".to_owned(), Skip::NoFolder),
            ("panics".to_owned(), Skip::ParserPanicked),
        ]
    );
    let mut found: Vec<_> = links(&captured).into_iter().map(|(sid, ..)| sid).collect();
    found.sort();
    let mut expected = [sid("good"), sid("lines")];
    expected.sort();
    assert_eq!(found, expected);
    assert!(captured.unfinished.is_empty());
}

#[cfg(unix)]
#[test]
fn pipes_devices_and_forbidden_files_are_passed_over() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let world = World::new();
    let commit = world.commit(NOON - 700, &[("a", "b")]);
    world.log("good", "repo").say(NOON - 900, "x");
    symlink("/dev/zero", world.path(".fake/zero.log")).unwrap();
    symlink("/nowhere", world.path(".fake/dangling.log")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(world.path(".fake/pipe.log")).status().unwrap().success());
    let forbidden = world.log("forbidden", "repo");
    fs::set_permissions(&forbidden.path, fs::Permissions::from_mode(0o000)).unwrap();
    let captured = world.capture(&[commit]);
    let names: Vec<_> = captured.skipped.iter().map(|log| log.path.file_stem().unwrap().to_str().unwrap()).collect();
    // Root may read everything.
    let names: Vec<_> = names.into_iter().filter(|name| *name != "forbidden").collect();
    assert_eq!((names, links(&captured).len()), (vec!["pipe", "zero"], 1));
}

#[test]
fn a_cursor_that_is_damaged_in_any_way_costs_time_and_nothing_else() {
    let world = World::new();
    let log = world.log("s", "repo");
    log.say(NOON - 900, "x");
    let commit = world.commit(NOON - 700, &[("a", "b")]);
    world.capture(&[commit]);
    let state = fs::read_dir(world.private().join("logs")).unwrap().next().unwrap().unwrap().path();
    for damage in [&b""[..], b"garbage", b"{}", b"\xff\xff"] {
        for path in [world.private().join("cursor"), state.clone(), world.private().join("pending.json")] {
            fs::write(&path, damage).unwrap();
            log.say(NOON - 800, "more");
            let captured = world.capture(&[commit]);
            assert!(captured.unfinished.is_empty());
            assert_eq!(links(&captured), [(sid("s"), commit, EvidenceKind::Window)]);
        }
    }
    assert_eq!(world.stored("main", "s").unwrap().meta.events(), 13);
}

#[test]
fn what_there_is_no_time_for_is_done_the_next_time() {
    let mut world = World::new();
    world.log("s", "repo").say(NOON - 900, "x");
    let commit = world.commit(NOON - 700, &[("a", "b")]);
    world.patience = Duration::ZERO;
    let captured = world.capture(&[commit]);
    assert!(matches!(captured.unfinished[0].why, WhyUnfinished::TimeUp { read: 0, of: 1 }));
    assert_eq!((captured.links.len(), world.tip("main")), (0, None));
    world.patience = Duration::from_secs(60);
    assert_eq!(links(&world.capture(&[])), [(sid("s"), commit, EvidenceKind::Window)]);
    assert_eq!(world.capture(&[]).links.len(), 0);
}

#[test]
fn there_is_no_more_time_for_what_becomes_no_event() {
    let mut world = World::new();
    world.log("s", "repo").add(&json!({ "nothing": 1 }));
    let commit = world.commit(NOON - 700, &[("a", "b")]);
    world.patience = Duration::ZERO;
    let captured = world.capture(&[commit]);
    assert!(matches!(captured.unfinished[0].why, WhyUnfinished::TimeUp { read: 0, of: 1 }));
}

#[test]
fn while_some_logs_are_unread_only_strong_evidence_counts() {
    let mut world = World::new();
    world.log("window", "repo").say(NOON - 900, "x");
    world.log("wrote", "repo").say(NOON - 900, "x").edit(NOON - 800, &world.path("repo/a"), "let answer = 42;");
    let commit = world.commit(NOON - 700, &[("a", "let answer = 42;\n")]);
    let root = world.git(&["rev-list", "--max-parents=0", "HEAD"]).parse().unwrap();
    assert_eq!(world.capture_to(&[("other", &[root])]).logs.read, 2);
    // Both are known now. A third one is not, and there is no time to read it.
    let slow = world.log("slow", "repo");
    (0..200).for_each(|n| _ = slow.say(NOON - 900 + n, "x"));
    world.patience = Duration::from_secs(1);
    world.parser.slow = Duration::from_millis(10);
    let captured = world.capture(&[commit]);
    assert_eq!(links(&captured), [(sid("wrote"), commit, EvidenceKind::Wrote)]);
    assert!(matches!(captured.unfinished[0].why, WhyUnfinished::TimeUp { read: 0, of: 1 }));
    world.patience = Duration::from_secs(60);
    world.parser.slow = Duration::ZERO;
    let captured = world.capture(&[]);
    assert_eq!((captured.links.len(), captured.unfinished.len()), (3, 0));
}

#[test]
fn a_capture_that_finds_another_at_work_leaves_its_commits_behind() {
    let mut world = World::new();
    world.log("s", "repo").say(NOON - 900, "x");
    let commit = world.commit(NOON - 700, &[("a", "b")]);
    world.patience = Duration::from_millis(20);
    let repo = world.repo();
    let lock = repo.lock(Instant::now()).unwrap();
    let captured = world.capture(&[commit]);
    assert!(matches!(captured.unfinished[0].why, WhyUnfinished::Busy));
    drop(lock);
    world.patience = Duration::from_secs(60);
    assert_eq!(links(&world.capture(&[])).len(), 1);
    assert_eq!(
        fs::read_dir(world.private())
            .unwrap()
            .flatten()
            .filter(|entry| { entry.file_name().to_string_lossy().contains("pending") })
            .count(),
        0
    );
}

#[test]
fn a_pending_commit_that_was_amended_away_is_forgotten() {
    let mut world = World::new();
    world.log("s", "repo").say(NOON - 900, "x");
    let commit = world.commit(NOON - 700, &[("a", "b")]);
    world.patience = Duration::ZERO;
    world.capture(&[commit]);
    world.git_at("repo", NOON - 600, &["commit", "-q", "--amend", "-m", "y"]);
    let amended = world.git(&["rev-parse", "HEAD"]).parse().unwrap();
    world.patience = Duration::from_secs(60);
    assert_eq!(links(&world.capture(&[amended])), [(sid("s"), amended, EvidenceKind::Window)]);
}

#[test]
fn a_broken_ledger_keeps_no_other_from_being_written() {
    let world = World::new();
    world.log("s", "repo").say(NOON - 900, "x");
    let one = world.commit(NOON - 700, &[("a", "1")]);
    let two = world.commit(NOON - 690, &[("a", "2")]);
    world.capture(&[one]);
    let ledger = world.git(&["for-each-ref", "--format=%(refname)", "refs/opensession/"]);
    let blob = world.git(&["hash-object", "-w", "README"]);
    world.git(&["update-ref", &ledger, &blob]);
    let captured = world.capture_to(&[("main", &[one]), ("topic", &[two])]);
    assert!(matches!(captured.unfinished[0].why, WhyUnfinished::Ledger(_)));
    assert_eq!(captured.links.iter().map(|link| link.branch.to_string()).collect::<Vec<_>>(), ["topic"]);
    world.git(&["update-ref", "-d", &ledger]);
    assert_eq!(links(&world.capture(&[])), [(sid("s"), one, EvidenceKind::Window)], "it was not forgotten");
}

#[test]
fn a_session_that_a_ledger_does_not_take_is_named_once_and_keeps_none_from_being_stored() {
    let world = World::new();
    // Its header is longer than one may be.
    let id = "x".repeat(1 << 20);
    let huge = world.log_in(".fake/huge.log", &id, Some(&world.text("repo")));
    huge.say(NOON - 900, "x");
    world.log("good", "repo").say(NOON - 900, "x");
    let commit = world.commit(NOON - 700, &[("a", "b")]);
    let captured = world.capture(&[commit]);
    assert_eq!(captured.ledgers[0].refused.len(), 1);
    assert!(world.stored("main", "good").is_some() && world.stored("main", &id).is_none());
    let captured = world.capture(&[commit]);
    assert_eq!((captured.logs.read, captured.ledgers[0].refused.len()), (0, 0));
    huge.say(NOON - 800, "y");
    assert_eq!(world.capture(&[commit]).ledgers[0].refused.len(), 1, "it has grown, and is asked again");
}

#[test]
fn a_huge_event_is_stored_by_its_ends_and_nothing_else_of_its_session_is_lost() {
    let world = World::new();
    let huge = world.log("huge", "repo");
    huge.say(NOON - 900, "first").say(NOON - 890, &"x".repeat(3 << 20)).say(NOON - 880, "last");
    let commit = world.commit(NOON - 700, &[("a", "b")]);
    assert!(world.capture(&[commit]).ledgers[0].refused.is_empty());
    let text = world.stored_text("main", "huge");
    assert!(text.len() < 200 << 10, "{} bytes", text.len());
    assert!(text.contains("[left out: 3014656 of 3145728 bytes, sha256 of the whole "));
    assert!(text.contains(r#""text":"first""#) && text.contains(r#""text":"last""#));
}

#[test]
fn an_unwritable_folder_is_an_error_that_names_it() {
    let world = World::new();
    world.log("s", "repo").say(NOON - 900, "x");
    let commit = world.commit(NOON - 700, &[("a", "b")]);
    fs::write(world.private(), "a file where a folder should be").unwrap();
    let error = world.capture_in("repo", &[("main", &[commit])]).unwrap_err().to_string();
    assert!(error.contains("opensession"), "{error}");
}

#[test]
fn what_a_killed_capture_left_is_swept_away_once_a_day() {
    let mut world = World::new();
    let log = world.log("s", "repo");
    let capture_at = |world: &mut World, now: i64| {
        log.say(now - 9, "more");
        world.now = now;
        world.capture(&[]);
    };
    let commit = world.commit(NOON - 60, &[("a", "b")]);
    world.capture(&[commit]);
    let left = world.private().join("logs/.tmp-left");
    capture_at(&mut world, NOON);
    fs::write(&left, "{}").unwrap();
    capture_at(&mut world, NOON + 3600);
    assert!(left.exists(), "it was done an hour ago");
    capture_at(&mut world, NOON + 86_400 + 3601);
    assert!(!left.exists());
}
