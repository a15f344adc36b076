//! Notes mode: every linked commit points to its sessions, and notes of many clones and many tools come together.

mod shared;
mod walk;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::world::{Answer, ClaudeLog, World};

pub const NOTES: &str = "refs/notes/opensession";
pub const TRACKED: &str = "refs/opensession/remotes/origin/notes";

/// Sets up notes mode in a clone.
pub fn notes_mode(world: &World, folder: impl AsRef<Path>) {
    world.os_in(folder, ["doctor", "--fix", "--yes", "--fanout-mode", "git_notes"]).ok();
}

/// A world in notes mode.
pub fn noting() -> World {
    let world = World::new();
    notes_mode(&world, world.repo());
    world
}

/// A clone on a branch of its own, in notes mode.
pub fn clone_on(world: &World, name: &str) -> PathBuf {
    let folder = world.clone_to(name);
    notes_mode(world, &folder);
    world.git(&folder, ["checkout", "-q", "-b", name]).ok();
    folder
}

/// A session writes a file in a clone, and it is committed. The id of the commit.
pub fn work_in(world: &World, folder: impl AsRef<Path>, session: &str) -> String {
    let file = format!("{session}.rs");
    let content = format!("pub const OF_{session}: &str = \"{session}\";\n");
    let log = ClaudeLog::new(session, &folder, -60).prompt(&format!("do {session}")).write(&file, &content);
    log.answer("It is done.").save(world);
    world.commit_in(&folder, &file, &content, &format!("add {session}"))
}

/// `git push origin HEAD` from a clone.
pub fn push_from(world: &World, folder: impl AsRef<Path>) -> Answer {
    world.git(folder, ["push", "-q", "origin", "HEAD"])
}

/// The note of a commit in some notes; empty if there is none.
pub fn note(world: &World, repository: impl AsRef<Path>, commit: &str) -> String {
    let answer = world.git(repository, ["notes", "--ref=opensession", "show", commit]);
    if answer.code == 0 { answer.out } else { String::new() }
}

/// Our lines of a note.
#[track_caller]
pub fn lines(world: &World, repository: impl AsRef<Path>, commit: &str) -> Vec<Value> {
    let note = note(world, repository, commit);
    note.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The titles in the note of a commit.
pub fn titles(world: &World, repository: impl AsRef<Path>, commit: &str) -> BTreeSet<String> {
    lines(world, repository, commit).iter().map(|line| line["title"].as_str().expect("a title").to_owned()).collect()
}

#[test]
fn every_linked_commit_has_a_line_of_its_own_and_git_log_shows_it() {
    let mut world = noting();
    let one = work_in(&world, world.repo(), "one");
    let two = work_in(&world, world.repo(), "two");
    // When no session is near any more.
    world.set_now("2026-03-06T15:00:00Z");
    let by_hand = world.commit("by hand", "typed\n", "by hand");
    world.push().ok();
    for side in [world.repo(), world.origin()] {
        assert_eq!(titles(&world, &side, &one), ["do one".to_owned()].into());
        assert_eq!(titles(&world, &side, &two), ["do two".to_owned()].into());
        world.git(&side, ["fsck", "--strict"]).ok();
    }
    assert_eq!(note(&world, world.repo(), &by_hand), "", "no copies to the next tip");
    let line = lines(&world, world.repo(), &one).remove(0);
    assert_eq!(line["schema"], "opensession.note/1");
    assert_eq!((&line["agent"], &line["branch"]), (&"claude-code".into(), &"main".into()));
    assert_eq!((&line["evidence"], &line["ledger"]), (&"wrote".into(), &"refs/opensession/branches/bWFpbg".into()));
    let sid = line["sid"].as_str().expect("a name");
    assert!(world.os(["show", sid]).ok().contains("do one"));
    let keys: Vec<_> = line.as_object().expect("an object").keys().collect();
    assert!(keys.is_sorted(), "{keys:?}");
    let log = world.git(world.repo(), ["log", "--notes=opensession", "-3"]).ok();
    assert!(log.contains(r#""title":"do one""#) && log.contains(r#""title":"do two""#), "{log}");
    assert!(!log.contains("It is done."), "never a body");
}

#[test]
fn notes_are_written_with_sha256_and_in_reftables_too() {
    // A git that does not know these formats makes an ordinary repository.
    for (hash, refs) in [("sha256", "files"), ("sha1", "reftable"), ("sha256", "reftable")] {
        let world = World::with(&[("GIT_DEFAULT_HASH", hash), ("GIT_DEFAULT_REF_FORMAT", refs)]);
        notes_mode(&world, world.repo());
        let (ann, ben) = (clone_on(&world, "ann"), clone_on(&world, "ben"));
        let of_ann = work_in(&world, &ann, "a1");
        let of_ben = work_in(&world, &ben, "b1");
        push_from(&world, &ann).ok();
        push_from(&world, &ben).ok();
        world.os_in(&ann, ["fetch"]).ok();
        for side in [&ann, &ben, &world.origin()] {
            assert_eq!(titles(&world, side, &of_ann), ["do a1".to_owned()].into(), "{hash} {refs}");
            assert_eq!(titles(&world, side, &of_ben), ["do b1".to_owned()].into(), "{hash} {refs}");
            world.git(side, ["fsck", "--strict"]).ok();
        }
    }
}

#[test]
fn a_title_does_nothing_to_a_terminal_and_holds_no_secret() {
    let world = noting();
    let text = "one line that is written\n";
    let asked = "fix \u{1b}]0;pwned\u{7}it\u{202e} with sk_live_4eC39HqLyjWDarjtT1zdp7dc now";
    ClaudeLog::new("evil", world.repo(), -60).prompt(asked).write("a.rs", text).save(&world);
    let commit = world.commit("a.rs", text, "a");
    world.push().ok();
    let note = note(&world, world.origin(), &commit);
    assert!(note.contains("fix it with [REDACTED:"), "{note}");
    assert!(!note.contains("sk_live") && !note.contains("pwned"));
    assert!(note.chars().all(|c| c == '\n' || !c.is_control()), "{note:?}");
}

#[test]
fn the_line_of_a_session_that_grew_takes_the_place_of_the_older_one_at_each_of_its_commits() {
    let mut world = noting();
    let first = work_in(&world, world.repo(), "one");
    world.push().ok();
    let events =
        |world: &World, commit: &str| lines(world, world.origin(), commit)[0]["events"].as_u64().expect("a count");
    let before = events(&world, &first);
    let content = "pub const OF_one: &str = \"one\";\n";
    let log = ClaudeLog::new("one", world.repo(), -60).prompt("do one").write("one.rs", content);
    log.answer("It is done.").prompt("and more").write("more.rs", "more of it, and still more\n").save(&world);
    world.set_now("2026-03-06T12:05:00Z");
    let second = world.commit("more.rs", "more of it, and still more\n", "more");
    world.push().ok();
    for commit in [&first, &second] {
        assert_eq!(lines(&world, world.origin(), commit).len(), 1);
        assert!(events(&world, commit) > before);
    }
}

#[test]
fn a_push_with_nothing_new_moves_no_notes_and_needs_no_network() {
    let world = noting();
    work_in(&world, world.repo(), "one");
    world.push().ok();
    let all = |world: &World| (world.refs(world.repo(), "refs/"), world.refs(world.origin(), "refs/"));
    let before = all(&world);
    std::fs::rename(world.origin(), world.path("away.git")).expect("the remote goes away");
    let said = world.os(["push"]);
    assert!(said.err.contains("origin has everything already"), "{}", said.err);
    said.ok();
    world.os(["capture"]).ok();
    std::fs::rename(world.path("away.git"), world.origin()).expect("and comes back");
    assert_eq!(all(&world), before);
    assert_eq!(world.refs(world.repo(), TRACKED).len(), 1);
}

#[test]
fn switching_modes_back_and_forth_loses_nothing() {
    let world = World::installed();
    let early = work_in(&world, world.repo(), "early");
    world.push().ok();
    assert_eq!(world.refs(world.repo(), NOTES), [""; 0]);
    notes_mode(&world, world.repo());
    let said = world.os(["push"]).ok();
    assert_eq!(said, "notes -> origin\n", "what is stored already is noted at the next push");
    assert_eq!(titles(&world, world.origin(), &early), ["do early".to_owned()].into());
    world.fix().ok();
    let middle = work_in(&world, world.repo(), "middle");
    world.push().ok();
    assert_eq!(note(&world, world.origin(), &middle), "", "switched off, no notes are written");
    assert_eq!(titles(&world, world.repo(), &early), ["do early".to_owned()].into(), "and those there are stay");
    notes_mode(&world, world.repo());
    let late = work_in(&world, world.repo(), "late");
    world.push().ok();
    for (commit, title) in [(early, "do early"), (middle, "do middle"), (late, "do late")] {
        assert_eq!(titles(&world, world.origin(), &commit), [title.to_owned()].into());
    }
}

#[test]
fn notes_of_sessions_that_wait_here_wait_with_them() {
    let world = noting();
    world.git(world.repo(), ["checkout", "-q", "-b", "secret"]).ok();
    let secret = work_in(&world, world.repo(), "secret");
    world.os(["capture"]).ok();
    assert_eq!(titles(&world, world.repo(), &secret), ["do secret".to_owned()].into());
    world.git(world.repo(), ["checkout", "-q", "main"]).ok();
    let open = work_in(&world, world.repo(), "open");
    world.push().ok();
    assert_eq!(titles(&world, world.origin(), &open), ["do open".to_owned()].into());
    let everything = world.everything_in(world.origin());
    assert!(!String::from_utf8_lossy(&everything).contains("do secret"), "nobody has published that commit");
    let before = world.refs(world.origin(), "refs/");
    assert!(world.os(["push"]).err.contains("wait until the branch is at origin"));
    assert_eq!(world.refs(world.origin(), "refs/"), before);
    world.git(world.repo(), ["push", "-q", "origin", "secret"]).ok();
    for (commit, title) in [(&secret, "do secret"), (&open, "do open")] {
        assert_eq!(titles(&world, world.origin(), commit), [title.to_owned()].into());
        assert_eq!(titles(&world, world.repo(), commit), [title.to_owned()].into());
    }
}

#[test]
fn a_remote_that_takes_no_notes_gets_the_ledgers_all_the_same() {
    let world = noting();
    world.git(world.origin(), ["config", "receive.hideRefs", "refs/notes"]).ok();
    work_in(&world, world.repo(), "one");
    let said = world.git(world.repo(), ["push", "origin", "main"]);
    assert!(said.err.contains("opensession: notes (refs/notes/opensession) wait: origin says: "), "{}", said.err);
    assert!(said.err.contains("opensession: 1 session (1 commit) -> origin"), "{}", said.err);
    said.ok();
    assert_eq!(world.titles(world.origin()), ["do one"]);
}

#[test]
fn the_lines_of_a_purged_session_go_everywhere() {
    let world = noting();
    let commit = work_in(&world, world.repo(), "one");
    let other = work_in(&world, world.repo(), "two");
    world.push().ok();
    let sid = lines(&world, world.repo(), &commit)[0]["sid"].as_str().expect("a name").to_owned();
    // Somebody else has purged it: what is fetched from him has a tombstone.
    let blob = world.git(world.repo(), ["hash-object", "-w", "/dev/null"]).ok();
    let index = world.path("tmp/index");
    let git = |args: &[&str]| {
        let output =
            world.command("git", world.repo()).env("GIT_INDEX_FILE", &index).args(args).output().expect("git runs");
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    };
    let tracked = "refs/opensession/remotes/origin/branches/bWFpbg";
    git(&["read-tree", tracked]);
    git(&["update-index", "--add", "--cacheinfo", &format!("100644,{},v2/x/{sid}", blob.trim())]);
    let commit_id = git(&["commit-tree", &git(&["write-tree"]), "-p", tracked, "-m", "purged"]);
    git(&["update-ref", tracked, &commit_id]);
    world.os(["capture"]).ok();
    assert_eq!(note(&world, world.repo(), &commit), "");
    assert_eq!(titles(&world, world.repo(), &other), ["do two".to_owned()].into());
    world.os(["push"]).ok();
    assert_eq!(note(&world, world.origin(), &commit), "");
    // A stale clone's notes bring it not back.
    assert_eq!(titles(&world, world.origin(), &other), ["do two".to_owned()].into());
}

#[test]
fn what_is_forgotten_is_not_in_the_history_of_the_notes_either() {
    use git_opensession::git::{GitEnvironment, Identity, Repo, Signature};
    use git_opensession::ledger::Appender;
    use git_opensession::notes::{Gone, Unwanted, forget};
    let world = noting();
    let one = work_in(&world, world.repo(), "one");
    let two = work_in(&world, world.repo(), "two");
    world.push().ok();
    let sid = lines(&world, world.repo(), &one)[0]["sid"].as_str().expect("a name").parse().expect("a name");
    let environment = GitEnvironment { home: Some(world.home()), ..GitEnvironment::default() };
    let repo = Repo::open(&world.repo(), &environment).expect("the repository opens");
    let signature = Signature { identity: Identity::new("Ann", "ann@example.com"), time: 1_772_798_400, offset: 0 };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let by = Appender { signature: &signature, lock: None, deadline };
    let forgotten = forget(&repo, &Unwanted::gone(Gone::default().and_purged(BTreeSet::from([sid]))), &by)
        .expect("it works")
        .expect("there are notes");
    assert_eq!(world.git(world.repo(), ["rev-list", "--count", NOTES]).ok().trim(), "1");
    assert_eq!(world.git(world.repo(), ["rev-parse", NOTES]).ok().trim(), forgotten.new.to_string());
    assert_eq!(note(&world, world.repo(), &one), "");
    assert_eq!(titles(&world, world.repo(), &two), ["do two".to_owned()].into());
    let objects = world.git(world.repo(), ["rev-list", "--objects", NOTES]).ok();
    for line in objects.lines() {
        let object = line.split(' ').next().expect("an id");
        assert!(!world.git(world.repo(), ["cat-file", "-p", object]).ok().contains("do one"));
    }
}
