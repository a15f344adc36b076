//! Logs that grow, shrink and are replaced.

use proptest::prelude::*;
use serde_json::json;

use super::world::{Log, NOON, World, links};
use crate::git::Oid;
use crate::ledger::Change;

fn lines(log: &Log, from: i64, count: i64) {
    for n in from..from + count {
        log.say(NOON - 5000 + n, &format!("line {n}"));
    }
}

/// The sessions of a capture for `main`, and what they were to the ledger.
fn change(world: &World, commits: &[Oid]) -> Vec<Change> {
    let captured = world.capture(commits);
    assert!(captured.unfinished.is_empty(), "{:?}", captured.unfinished);
    captured.ledgers.into_iter().flat_map(|ledger| ledger.sessions).map(|(_, change)| change).collect()
}

#[test]
fn a_session_that_grew_adds_only_what_is_new_even_without_a_new_commit() {
    let world = World::new();
    let log = world.log("s", "repo");
    lines(&log, 0, 10);
    let commit = world.commit(NOON - 4000, &[("a", "b")]);
    assert_eq!(change(&world, &[commit]), [Change::New]);
    let before = world.stored("main", "s").unwrap();
    lines(&log, 10, 5);
    assert_eq!(change(&world, &[]), [Change::Grown]);
    let after = world.stored("main", "s").unwrap();
    assert_eq!(after.meta.events(), 15);
    assert_eq!(after.meta.segments[..1], before.meta.segments[..]);
    assert_eq!(after.meta.segments.len(), 2);
    assert_eq!(change(&world, &[]), []);
}

#[test]
fn a_session_that_grew_unseen_is_brought_up_to_date_where_it_is_stored() {
    let world = World::new();
    let log = world.log("s", "repo");
    lines(&log, 0, 10);
    let commit = world.commit(NOON - 4990, &[("a", "b")]);
    assert_eq!(change(&world, &[commit]), [Change::New]);
    lines(&log, 10, 10);
    log.touch(NOON);
    // A capture for another branch, to which it has no link, reads it all the same.
    assert!(world.capture_to(&[("topic", &[])]).ledgers.is_empty());
    assert_eq!(change(&world, &[]), [Change::Grown]);
    let stored = world.stored("main", "s").unwrap();
    assert_eq!((stored.meta.events(), stored.meta.segments.len()), (20, 2), "nothing was written twice");
    lines(&log, 20, 1);
    assert_eq!(change(&world, &[]), [Change::Grown]);
}

#[test]
fn a_session_that_grew_while_the_clock_was_wrong_is_read() {
    let world = World::new();
    let log = world.log("s", "repo");
    lines(&log, 0, 10);
    let commit = world.commit(NOON - 4990, &[("a", "b")]);
    assert_eq!(change(&world, &[commit]), [Change::New]);
    lines(&log, 10, 1);
    log.touch(NOON - 30 * 86_400);
    assert_eq!(change(&world, &[]), [Change::Grown]);
    assert_eq!(world.capture(&[]).logs.seen, 0, "it is an old log now");
    lines(&log, 11, 1);
    log.touch(NOON + 30 * 86_400);
    assert_eq!(change(&world, &[]), [Change::Grown]);
    assert_eq!(world.capture(&[]).logs.read, 0);
}

#[test]
fn a_log_written_in_the_tick_of_a_capture_is_read_again() {
    let world = World::new();
    let log = world.log("s", "repo");
    let commit = world.commit(NOON - 4990, &[("a", "b")]);
    lines(&log, 0, 10);
    // As on a disk that counts in whole seconds.
    let written = std::fs::metadata(&log.path).unwrap().modified().unwrap();
    let second = written.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    log.touch(i64::try_from(second).unwrap() + 1);
    assert_eq!(change(&world, &[commit]), [Change::New]);
    let text = std::fs::read_to_string(&log.path).unwrap().replace("line 9", "LINE 9");
    std::fs::write(&log.path, text).unwrap();
    log.touch(i64::try_from(second).unwrap() + 1);
    assert_eq!(world.capture(&[]).logs.read, 1);
}

#[test]
fn a_session_read_before_it_was_tied_is_stored_as_a_whole() {
    let world = World::new();
    let log = world.log("s", "repo");
    lines(&log, 0, 10);
    let early = world.commit(NOON - 40_000, &[("a", "b")]);
    assert_eq!(change(&world, &[early]), []);
    lines(&log, 10, 10);
    assert_eq!(change(&world, &[early]), []);
    let commit = world.commit(NOON - 4985, &[("a", "c")]);
    assert_eq!(change(&world, &[commit]), [Change::New]);
    assert_eq!(world.stored("main", "s").unwrap().meta.events(), 20);
}

#[test]
fn sessions_that_do_not_fit_into_memory_together_are_all_stored() {
    let world = World::new();
    // In tests, there is room for some kilobytes.
    let mut noise = 1_u64;
    for session in 0..12 {
        let log = world.log(&format!("s{session}"), "repo");
        for n in 0..40 {
            let words: Vec<_> = (0..40)
                .map(|_| {
                    noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    format!("word{}", noise >> 44)
                })
                .collect();
            log.say(NOON - 5000 + n, &words.join(" "));
        }
    }
    let commit = world.commit(NOON - 4000, &[("a", "b")]);
    assert_eq!(change(&world, &[commit]), [Change::New; 12]);
    let commits = world.git(&["rev-list", "--count", "--glob=refs/opensession/*"]);
    assert!(commits.parse::<u32>().unwrap() > 1, "more than goes into one commit");
    for session in 0..12 {
        assert_eq!(world.stored("main", &format!("s{session}")).unwrap().meta.events(), 40);
    }
    assert_eq!(change(&world, &[commit]), [Change::Same; 12]);
}

#[test]
fn a_log_cut_off_or_replaced_is_read_from_its_beginning() {
    let world = World::new();
    let log = world.log("s", "repo");
    lines(&log, 0, 20);
    let commit = world.commit(NOON - 4000, &[("a", "b")]);
    assert_eq!(change(&world, &[commit]), [Change::New]);
    // The same session, otherwise: as many events, other words.
    let log = world.log("s", "repo");
    (0..25).for_each(|n| _ = log.say(NOON - 5000 + n, &format!("other {n}")));
    assert_eq!(change(&world, &[]), [Change::Replaced]);
    assert!(!world.stored_text("main", "s").contains("line 3"));
    // A shorter one never takes the place of a longer one.
    let log = world.log("s", "repo");
    lines(&log, 0, 3);
    assert_eq!(change(&world, &[]), [Change::Older]);
    assert_eq!(world.stored("main", "s").unwrap().meta.events(), 25);
}

#[test]
fn a_ledger_that_is_gone_is_written_anew() {
    let world = World::new();
    let log = world.log("s", "repo");
    lines(&log, 0, 10);
    let commit = world.commit(NOON - 4000, &[("a", "b")]);
    assert_eq!(change(&world, &[commit]), [Change::New]);
    let ledger = world.git(&["for-each-ref", "--format=%(refname)", "refs/opensession/"]);
    world.git(&["update-ref", "-d", &ledger]);
    assert_eq!(change(&world, &[commit]), [Change::New], "it has not changed, and is nowhere");
    world.git(&["update-ref", "-d", &ledger]);
    lines(&log, 10, 10);
    assert_eq!(change(&world, &[commit]), [Change::New], "it has grown, and what it grew from is nowhere");
    assert_eq!(world.stored("main", "s").unwrap().meta.events(), 20);
}

#[test]
fn another_version_of_a_parser_reads_everything_again() {
    let mut world = World::new();
    let log = world.log("s", "repo");
    lines(&log, 0, 10);
    let commit = world.commit(NOON - 4000, &[("a", "b")]);
    assert_eq!(change(&world, &[commit]), [Change::New]);
    world.parser.version = 2;
    let captured = world.capture(&[commit]);
    assert_eq!((captured.logs.read, captured.ledgers[0].sessions[0].1), (1, Change::Same));
}

#[test]
fn of_two_logs_of_one_session_the_longer_one_counts() {
    let world = World::new();
    let long = world.log("s", "repo");
    lines(&long, 0, 20);
    let short = world.log_in(".fake/copy.log", "s", Some(&world.text("repo")));
    lines(&short, 0, 10);
    let commit = world.commit(NOON - 4000, &[("a", "b")]);
    assert_eq!(change(&world, &[commit]), [Change::New]);
    assert_eq!(world.stored("main", "s").unwrap().meta.events(), 20);
    lines(&short, 10, 2);
    assert_eq!(change(&world, &[commit]), [Change::Same]);
    lines(&short, 12, 20);
    assert_eq!(change(&world, &[commit]), [Change::Replaced], "the other one's pieces are others");
    assert_eq!(world.stored("main", "s").unwrap().meta.events(), 32);
}

#[test]
fn what_is_provisional_is_stored_and_replaced_when_it_settles() {
    let world = World::new();
    let log = world.log("s", "repo");
    lines(&log, 0, 3);
    let torn = json!({ "t": NOON - 4500, "edit": world.path("repo/a.rs"), "add": "let answer = 42;" }).to_string();
    log.add_text(&torn);
    let commit = world.commit(NOON - 4000, &[("a.rs", "let answer = 42;\n")]);
    let captured = world.capture(&[commit]);
    assert_eq!(links(&captured)[0].2, crate::ledger::EvidenceKind::Wrote);
    assert_eq!(world.stored("main", "s").unwrap().meta.events(), 4);
    log.add_text("\n");
    lines(&log, 3, 3);
    assert_eq!(change(&world, &[]), [Change::Grown]);
    assert_eq!(world.stored("main", "s").unwrap().meta.events(), 7);
    let edits = world.stored_text("main", "s").matches("let answer").count();
    assert_eq!(edits, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn a_session_stored_in_pieces_is_the_session_stored_at_once(
        cuts in prop::collection::vec(0usize..4000, 0..4), events in 1i64..30, stored_late in any::<bool>(),
    ) {
        let lines: Vec<_> = (0..events)
            .map(|n| json!({ "t": NOON - 5000 + n, "say": format!("größe {n}"), "cwd": "/x" }).to_string())
            .collect();
        let text = lines.join("\n") + "\n";
        let boundary = |cut: usize| (0..=cut.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let mut cuts: Vec<usize> = cuts.into_iter().map(boundary).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let (pieces, whole) = (World::new(), World::new());
        let commits = [&pieces, &whole].map(|world| world.commit(NOON - 4000, &[("a", "b")]));
        whole.log("s", "repo").add_text(&text);
        whole.capture(&commits[..1]);
        let log = pieces.log("s", "repo");
        for piece in cuts.windows(2) {
            log.add_text(&text[piece[0]..piece[1]]);
            let is_last = piece[1] == text.len();
            pieces.capture(if is_last || !stored_late { &commits[..1] } else { &[] });
        }
        let digests = [&pieces, &whole].map(|world| world.stored("main", "s").map(|stored| stored.meta.events_sha256));
        prop_assert_eq!(digests[0], digests[1]);
        prop_assert_eq!(pieces.stored_text("main", "s"), whole.stored_text("main", "s"));
    }
}
