//! What a push carries along, told by what a fresh clone can read.

mod address;
mod crowd;
mod forms;
mod http;
mod inbox;
mod quiet;
mod together;
mod whose;
mod with;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::world::{ClaudeLog, CodexLog, World};

/// The ledger of `main`.
pub const MAIN: &str = "refs/opensession/branches/bWFpbg";

/// The id of the nth session.
pub fn id(n: u32) -> String {
    format!("{n:08}-0000-4000-8000-00000000000a")
}

/// A line that only this session writes.
pub fn line(n: u32) -> String {
    format!("pub const ANSWER_OF_SESSION_{n}: u32 = {n};\n")
}

/// A session with Claude Code that ended a minute before the world began, and wrote its line into `file`.
pub fn wrote(world: &World, n: u32, folder: impl AsRef<Path>, file: &str) {
    let log = ClaudeLog::new(&id(n), folder, -60).prompt(&format!("please do number {n}"));
    log.write(file, &line(n)).answer("done").save(world);
}

/// The same, and the commit of that file. Its id.
pub fn work(world: &World, n: u32, folder: impl AsRef<Path>, file: &str) -> String {
    wrote(world, n, &folder, file);
    world.commit_in(&folder, file, &line(n), &format!("number {n}"))
}

/// A fresh clone that has fetched the ledgers.
pub fn reader(world: &World, name: &str) -> PathBuf {
    let folder = world.clone_to(name);
    fetch_ledgers(world, &folder);
    folder
}

/// Fetches the ledgers as anybody can who has nothing but git.
pub fn fetch_ledgers(world: &World, folder: impl AsRef<Path>) {
    let refspec = "refs/opensession/branches/*:refs/opensession/remotes/origin/branches/*";
    world.git(folder, ["fetch", "-q", "origin", refspec]).ok();
}

/// The sessions behind a commit, as `show --json` gives them.
#[track_caller]
pub fn show(world: &World, folder: impl AsRef<Path>, what: &str) -> Vec<Value> {
    let answer = world.os_in(folder, ["show", what, "--json"]);
    if answer.code == 1 {
        return Vec::new();
    }
    let document = answer.json();
    assert_eq!(document["schema"], "opensession.show/1");
    document["sessions"].as_array().expect("a list").clone()
}

/// The agents' own ids of the sessions behind a commit.
#[track_caller]
pub fn behind(world: &World, folder: impl AsRef<Path>, what: &str) -> BTreeSet<String> {
    let name = |session: Value| session["header"]["session_id"].as_str().expect("an id").to_owned();
    show(world, folder, what).into_iter().map(name).collect()
}

/// The ids of these sessions.
pub fn ids<const N: usize>(numbers: [u32; N]) -> BTreeSet<String> {
    numbers.into_iter().map(id).collect()
}

/// The ledgers of a repository.
pub fn ledgers(world: &World, repository: impl AsRef<Path>) -> Vec<String> {
    world.refs(repository, "refs/opensession/branches/")
}

#[test]
fn a_push_carries_the_sessions_behind_its_commits_and_a_fresh_clone_reads_them() {
    let world = World::installed();
    work(&world, 1, world.repo(), "one.rs");
    let codex = CodexLog::new(&id(2), world.repo(), -50).prompt("now two").add_file("two.rs", &line(2));
    codex.shell("cargo test", "ok", 0).answer("two is there").save(&world);
    world.commit("two.rs", &line(2), "two");
    let said = world.git(world.repo(), ["push", "origin", "main"]);
    assert!(said.err.contains("opensession: 2 sessions (2 commits) -> origin"), "{}", said.err);
    said.ok();

    let ben = reader(&world, "ben");
    assert_eq!((behind(&world, &ben, "HEAD~1"), behind(&world, &ben, "HEAD")), (ids([1]), ids([2])));
    let [claude, codex] = ["HEAD~1", "HEAD"].map(|commit| show(&world, &ben, commit).remove(0));
    assert_eq!(
        (&claude["header"]["agent"]["tool"], &codex["header"]["agent"]["tool"]),
        (&"claude-code".into(), &"codex".into())
    );
    for (session, commit, prompt) in [(&claude, "HEAD~1", "please do number 1"), (&codex, "HEAD", "now two")] {
        let commit = world.git(&ben, ["rev-parse", commit]).ok();
        assert_eq!(session["commits"][0]["commit"], commit.trim());
        assert_eq!(session["commits"][0]["evidence"]["kind"], "wrote");
        assert_eq!(session["stats"]["user_message_count"], 1);
        assert_eq!(session["stats"]["files_changed"], 1);
        let events = session["events"].as_array().expect("events");
        let asked = events.iter().find(|event| event["event_type"]["type"] == "UserMessage").expect("a prompt");
        assert_eq!(asked["content"]["blocks"][0]["text"], prompt);
    }
    assert!(behind(&world, &ben, "HEAD~2").is_empty(), "the first commit has none");
}

#[test]
fn both_sides_are_clean_after_many_pushes() {
    let world = World::installed();
    for n in 1..=5 {
        work(&world, n, world.repo(), &format!("file{n}.rs"));
        world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    }
    for side in [world.repo(), world.origin()] {
        let said = world.git(side, ["fsck", "--strict", "--full"]);
        assert_eq!((said.err.trim(), said.code), ("", 0));
    }
    let ben = reader(&world, "ben");
    for n in 1..=5 {
        assert_eq!(behind(&world, &ben, &format!("HEAD~{}", 5 - n)), ids([n]));
    }
}
