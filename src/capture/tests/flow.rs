//! What is stored, where, and what is not.

use std::collections::HashSet;
use std::time::Instant;

use serde_json::json;

use super::world::{NOON, World, links, name};
use crate::capture::gather::{Makers, Work};
use crate::capture::{Captured, Target, targets_by_hand};
use crate::git::Oid;
use crate::ledger::{Change, EvidenceKind, Sid};
use crate::link::evidence::WhyNot;
use crate::session::Timestamp;

pub fn sid(session: &str) -> Sid {
    Sid::new("fake", session)
}

fn changes(captured: &Captured) -> Vec<Vec<Change>> {
    captured.ledgers.iter().map(|ledger| ledger.sessions.iter().map(|(_, change)| *change).collect()).collect()
}

#[test]
fn the_session_that_wrote_a_commit_is_stored_and_tied_to_it() {
    let world = World::new();
    world.log("s", "repo").say(NOON - 600, "please").edit(NOON - 500, &world.path("repo/a.rs"), "let answer = 42;");
    let commit = world.commit(NOON - 400, &[("a.rs", "let answer = 42;\n")]);
    let captured = world.capture(&[commit]);
    assert_eq!(links(&captured), [(sid("s"), commit, EvidenceKind::Wrote)]);
    assert_eq!(changes(&captured), [[Change::New]]);
    assert_eq!(captured.links[0].evidence.files, ["a.rs"]);
    assert!(captured.unfinished.is_empty() && captured.skipped.is_empty());
    assert!(world.stored_text("main", "s").contains("let answer = 42;"));
}

#[test]
fn a_second_capture_of_the_same_writes_nothing() {
    let world = World::new();
    world.log("s", "repo").say(NOON - 600, "please");
    let commit = world.commit(NOON - 400, &[("a.rs", "x\n")]);
    assert!(world.capture(&[commit]).ledgers[0].is_changed());
    let (tip, cursor) = (world.tip("main"), std::fs::read(world.private().join("cursor")).unwrap());
    let again = world.capture(&[commit]);
    assert!(!again.ledgers[0].is_changed());
    assert_eq!((again.logs.read, world.tip("main")), (0, tip));
    assert_eq!(std::fs::read(world.private().join("cursor")).unwrap(), cursor);
}

#[test]
fn a_session_without_evidence_is_not_stored() {
    let world = World::new();
    world.log("early", "repo").say(NOON - 80_000, "yesterday");
    world.log("late", "repo").say(NOON, "after the commit");
    let commit = world.commit(NOON - 4000, &[("a.rs", "x\n")]);
    let captured = world.capture(&[commit]);
    assert_eq!((captured.logs.here, captured.links.len(), captured.ledgers.len()), (2, 0, 0));
    assert_eq!(world.tip("main"), None);
}

#[test]
fn a_commit_the_agent_made_is_tied_whatever_the_time() {
    let world = World::new();
    let commit = world.commit(NOON - 5_000, &[("a.rs", "x\n")]);
    let short: String = commit.to_string().chars().take(7).collect();
    world
        .log("s", "repo")
        .add(&json!({ "t": NOON - 60_000, "run": "git commit -m x", "id": "1" }))
        .add(&json!({ "t": NOON - 59_990, "out": format!("[main {short}] x"), "id": "1" }));
    assert_eq!(links(&world.capture(&[commit])), [(sid("s"), commit, EvidenceKind::Committed)]);
}

#[test]
fn parallel_sessions_are_told_apart_by_what_they_edited() {
    let world = World::new();
    for (session, file) in [("a", "a.rs"), ("b", "b.rs")] {
        let line = format!("let file = {file:?};");
        world.log(session, "repo").say(NOON - 900, "go").edit(NOON - 800, &world.path("repo").join(file), &line);
    }
    let a = world.commit(NOON - 700, &[("a.rs", "let file = \"a.rs\";\n")]);
    let b = world.commit(NOON - 600, &[("b.rs", "let file = \"b.rs\";\n")]);
    let captured = world.capture(&[b, a]);
    let mut found = links(&captured);
    found.sort();
    let mut expected = [(sid("a"), a, EvidenceKind::Wrote), (sid("b"), b, EvidenceKind::Wrote)];
    expected.sort();
    assert_eq!(found, expected);
    let why = world.explain(a);
    assert_eq!(
        why.sessions.iter().map(|looked| looked.answer.as_ref().err()).collect::<Vec<_>>(),
        [None, Some(&WhyNot::Yields)]
    );
}

#[test]
fn a_commit_of_several_branches_counts_for_that_of_head_and_the_session_is_shared() {
    let world = World::new();
    world.log("s", "repo").say(NOON - 900, "go");
    let one = world.commit(NOON - 700, &[("a.rs", "1\n")]);
    world.git(&["checkout", "-q", "-b", "topic"]);
    let two = world.commit(NOON - 600, &[("a.rs", "2\n")]);
    let captured = world.capture_to(&[("main", &[one]), ("topic", &[two, one])]);
    assert_eq!(
        captured.links.iter().map(|link| (link.branch.to_string(), link.commit)).collect::<Vec<_>>(),
        [("topic".to_owned(), two), ("topic".to_owned(), one)]
    );
    assert_eq!(world.tip("main"), None);
    let three = world.commit(NOON - 500, &[("a.rs", "3\n")]);
    let captured = world.capture_to(&[("main", &[three])]);
    assert_eq!(changes(&captured), [[Change::Copied]]);
    let objects = |branch: &str| {
        let stored = world.stored(branch, "s").unwrap();
        (stored.meta.segments.clone(), stored.meta.events_sha256)
    };
    assert_eq!(objects("main"), objects("topic"));
}

#[test]
fn secrets_and_the_home_are_nowhere_in_what_is_written() {
    let world = World::new();
    let secret = "ghp_0123456789abcdefABCDEF0123456789abcd";
    world.log("s", "repo").say(NOON - 900, &format!("use {secret} in {}", world.text("notes"))).edit(
        NOON - 800,
        &world.path("repo/a.rs"),
        &format!("let token = \"{secret}\";"),
    );
    let commit = world.commit(NOON - 700, &[("a.rs", "x\n")]);
    let captured = world.capture(&[commit]);
    assert_eq!(links(&captured), [(sid("s"), commit, EvidenceKind::Edited)]);
    assert!(captured.findings.secrets() >= 2, "{:?}", captured.findings);
    let text = world.stored_text("main", "s");
    assert!(!text.contains(secret) && text.contains("[REDACTED:"));
    assert!(!text.contains(world.home.to_str().unwrap()) && text.contains("~/notes"));
    let mut folders = vec![world.private()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let bytes = std::fs::read(entry.path()).unwrap();
                let text = String::from_utf8_lossy(&bytes);
                assert!(!text.contains(secret), "{:?}", entry.path());
                // A parser that goes on must find its paths as they were. They stay on this machine.
                let is_state = entry.path().extension().is_some_and(|extension| extension == "json");
                assert!(!is_state || text.contains(&world.text("notes")) || text.contains(&world.text("repo")));
            }
        }
    }
}

#[test]
fn merges_are_tied_by_their_window_and_never_by_what_they_bring() {
    let world = World::new();
    world.git(&["checkout", "-q", "-b", "topic"]);
    world.commit(NOON - 20_000, &[("a.rs", "let answer = 42;\n")]);
    world.git(&["checkout", "-q", "main"]);
    world.git_at("repo", NOON - 400, &["merge", "-q", "--no-ff", "--no-edit", "topic"]);
    let merge: Oid = world.git(&["rev-parse", "HEAD"]).parse().unwrap();
    world.log("old", "repo").edit(NOON - 30_000, &world.path("repo/a.rs"), "let answer = 42;");
    world.log("now", "repo").say(NOON - 500, "merge it");
    assert_eq!(links(&world.capture(&[merge])), [(sid("now"), merge, EvidenceKind::Window)]);
}

#[test]
fn a_commit_of_a_colleague_that_was_pulled_is_not_tied_by_time() {
    let world = World::new();
    world.log("s", "repo").say(NOON - 900, "go");
    world.git(&["commit", "-q", "--allow-empty", "-m", "mine"]);
    let tree = world.git(&["rev-parse", "HEAD^{tree}"]);
    let made = |email: &str| -> Oid {
        let email = format!("user.email={email}");
        let made = ["-c", &email, "commit-tree", "-p", "HEAD", "-m", "theirs", &tree];
        world.git_at("repo", NOON - 700, &made).parse().unwrap()
    };
    let (theirs, mine) = (made("you@example.com"), made("ME@example.com"));
    assert_eq!(links(&world.capture(&[theirs])), []);
    assert_eq!(world.explain(theirs).sessions[0].answer.as_ref().err(), Some(&WhyNot::SomebodyElse));
    assert_eq!(links(&world.capture(&[mine])), [(sid("s"), mine, EvidenceKind::Window)]);
    world.git(&["config", "--unset", "user.email"]);
    assert_eq!(links(&world.capture(&[theirs])).len(), 1, "without an identity, all commits may be one's own");
}

#[test]
fn a_commit_made_here_under_another_name_is_ones_own() {
    let world = World::new();
    world.log("s", "repo").say(NOON - 900, "go");
    world.git_at("repo", NOON - 700, &["-c", "user.email=bot@example.com", "commit", "-q", "--allow-empty", "-m", "x"]);
    let commit: Oid = world.git(&["rev-parse", "HEAD"]).parse().unwrap();
    assert_eq!(links(&world.capture(&[commit])).len(), 1);
}

#[test]
fn amended_and_rebased_commits_keep_their_session() {
    let world = World::new();
    world.log("s", "repo").say(NOON - 9_000, "go").edit(NOON - 8_900, &world.path("repo/a.rs"), "let answer = 42;");
    world.commit(NOON - 8_800, &[("a.rs", "let answer = 42;\n")]);
    world.commit(NOON - 8_700, &[("b.rs", "x\n")]);
    world.git_at("repo", NOON - 10, &["rebase", "-q", "--force-rebase", "HEAD~2"]);
    world.git_at("repo", NOON - 5, &["commit", "-q", "--amend", "-m", "y"]);
    let ids = world.git(&["rev-list", "HEAD~2..HEAD"]);
    let ids: Vec<Oid> = ids.lines().map(|id| id.parse().unwrap()).collect();
    let kinds: Vec<_> = links(&world.capture(&ids)).into_iter().map(|(_, _, kind)| kind).collect();
    assert_eq!(kinds, [EvidenceKind::Window, EvidenceKind::Wrote]);
}

#[test]
fn without_reflogs_everything_is_tied_all_the_same() {
    let world = World::new();
    world.git(&["config", "core.logAllRefUpdates", "false"]);
    std::fs::remove_dir_all(world.path("repo/.git/logs")).unwrap();
    world.log("s", "repo").say(NOON - 900, "go");
    let commits = [1, 2, 3].map(|n| world.commit(NOON - 700 + n, &[("a", &n.to_string())]));
    assert_eq!(links(&world.capture(&commits)).len(), 3);
}

#[test]
fn when_there_is_no_time_for_history_the_newest_commits_come_first() {
    let world = World::new();
    let commits = [1, 2, 3].map(|n| world.commit(NOON - 700 + n, &[("a", &n.to_string())]));
    let targets = vec![Target { branch: name("main"), commits: commits.to_vec() }];
    let repo = world.repo();
    let work = Work::of(&repo, targets).unwrap();
    let facts = work.facts(&repo, &Makers::default(), i64::MIN, Instant::now()).unwrap();
    assert_eq!(facts.of_targets.iter().map(|(_, facts)| facts.id).collect::<Vec<_>>(), [commits[2]]);
    assert_eq!(facts.left, HashSet::from([commits[0], commits[1]]));
}

#[test]
fn by_hand_the_ledger_is_that_of_the_upstream_and_the_commits_are_what_it_lacks() {
    let world = World::new();
    world.git_in("", &["clone", "-q", "--bare", "repo", "origin.git"]);
    world.git(&["remote", "add", "origin", "../origin.git"]);
    world.git(&["fetch", "-q", "origin"]);
    world.git(&["checkout", "-q", "-b", "mine", "--track", "origin/main"]);
    let commit = world.commit(NOON, &[("a", "b")]);
    let by_hand = |range: Option<&str>, branch: Option<&str>| {
        let repo = world.repo();
        let config = repo.config(&world.git_environment()).unwrap();
        targets_by_hand(&repo, &config, range, branch.map(name)).unwrap()
    };
    let target = |branch: &str, commits: &[Oid]| vec![Target { branch: name(branch), commits: commits.to_vec() }];
    assert_eq!(by_hand(None, None), target("main", &[commit]));
    assert_eq!(by_hand(Some("HEAD"), Some("other")), target("other", &[commit]));
    assert_eq!(by_hand(Some("HEAD~1..HEAD"), None), target("main", &[commit]));
    world.git(&["checkout", "-q", "--detach"]);
    let digits: String = commit.to_string().chars().take(8).collect();
    assert_eq!(by_hand(None, None), target(&format!("detached@{digits}"), &[commit]));
    world.git(&["checkout", "-q", "--orphan", "empty"]);
    assert_eq!(by_hand(None, None), target("empty", &[]));
}

#[test]
fn an_explanation_names_every_log_and_what_it_lacked() {
    let world = World::new();
    world.log("early", "repo").say(NOON - 50_000, "long ago");
    world.log("late", "repo").say(NOON, "too late");
    world.log("elsewhere", "other").say(NOON - 900, "not here");
    world.write(".fake/garbage.log", "garbage");
    let commit = world.commit(NOON - 900, &[("a", "b")]);
    let why = world.explain(commit);
    assert_eq!((why.logs.seen, why.logs.here, why.logs.elsewhere, why.skipped.len()), (4, 2, 1, 1));
    assert_eq!((why.written.seconds(), why.files), (NOON - 900, vec!["a".to_owned()]));
    assert_eq!(why.made_in, Some(world.path("repo")));
    assert_eq!(why.since.map(Timestamp::seconds), Some(NOON - 90_000 - 86_400));
    let found: Vec<_> = why.sessions.iter().map(|looked| (looked.session.sid, looked.answer.clone())).collect();
    assert_eq!(found, [(sid("late"), Err(WhyNot::Before)), (sid("early"), Err(WhyNot::After))]);
    assert!(!world.private().join("cursor").exists(), "an explanation writes nothing");
}
