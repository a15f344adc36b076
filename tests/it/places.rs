//! Odd places, odd repositories, odd configurations: it works there, or it says in one line why not.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::world::{ClaudeLog, World};

/// A session writes a file in a work tree, and it is committed.
fn work_in(world: &World, folder: &Path, file: &str) {
    let text = format!("the work in {file}\n");
    let log = ClaudeLog::new(&format!("of-{file}"), folder, -60).prompt(&format!("write {file}"));
    log.write(file, &text).answer("It is written.").save(world);
    world.commit_in(folder, file, &text, &format!("add {file}"));
}

fn fix_in(world: &World, folder: &Path) {
    world.os_in(folder, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
}

#[test]
fn a_folder_may_be_called_anything() {
    for name in ["it's my \"re po\"", "-dash", "日本語 é", "$(touch x) `y` %s \\n", "a;b&c|d", "new\nline"] {
        let world = World::new();
        let folder: PathBuf = world.path(name);
        world.git(world.root(), ["clone", "-q", "--", "origin.git", name]).ok();
        fix_in(&world, &folder);
        work_in(&world, &folder, "a.txt");
        let pushed = world.git(&folder, ["push", "-q", "origin", "main"]).code(0);
        assert_eq!(pushed.err, "opensession: 1 session (1 commit) -> origin\n", "{name:?}");
        assert_eq!(world.titles(world.origin()), ["write a.txt"], "{name:?}");
        world.os_in(&folder, ["doctor", "--uninstall", "--yes"]).ok();
        assert!(!folder.join(".git/hooks/pre-push").exists());
    }
}

#[test]
fn the_repository_may_be_named_by_the_environment() {
    let mut world = World::installed();
    work_in(&world, &world.repo(), "one.txt");
    world.set("GIT_DIR", &world.repo().join(".git").to_string_lossy());
    world.set("GIT_WORK_TREE", &world.repo().to_string_lossy());
    let pushed = world.git(world.root(), ["push", "-q", "origin", "main"]).code(0);
    assert_eq!(pushed.err, "opensession: 1 session (1 commit) -> origin\n");
    assert_eq!(world.os_in(world.root(), ["log"]).ok().lines().count(), 1);
}

#[test]
fn a_configuration_that_changes_what_git_says_and_does_changes_nothing_here() {
    let world = World::installed();
    for (key, value) in [
        ("color.ui", "always"),
        ("core.pager", "false"),
        ("core.quotePath", "true"),
        ("core.commentChar", "auto"),
        ("commit.gpgSign", "true"),
        ("tag.gpgSign", "true"),
        ("gpg.program", "/nowhere/gpg"),
        ("push.default", "nothing"),
        ("push.followTags", "true"),
        ("push.recurseSubmodules", "check"),
        ("fetch.prune", "true"),
        ("fetch.parallel", "0"),
        ("log.showSignature", "true"),
        ("log.date", "relative"),
        ("format.pretty", "%s"),
        ("diff.noprefix", "true"),
        ("diff.external", "/nowhere/diff"),
        ("transfer.fsckObjects", "true"),
        ("core.fsmonitor", "false"),
        ("gc.auto", "1"),
        ("protocol.version", "0"),
        ("core.logAllRefUpdates", "always"),
        ("user.useConfigOnly", "true"),
        ("url.https://example.invalid/.insteadOf", "nowhere:"),
    ] {
        world.git(world.repo(), ["config", "--global", key, value]).ok();
    }
    world.git(world.origin(), ["config", "receive.denyNonFastForwards", "true"]).ok();
    world.git(world.repo(), ["config", "--global", "commit.gpgSign", "false"]).ok();
    work_in(&world, &world.repo(), "one.txt");
    world.git(world.repo(), ["config", "--global", "commit.gpgSign", "true"]).ok();
    world.git(world.repo(), ["tag", "--no-sign", "-a", "-m", "v1", "v1"]).ok();
    let pushed = world.push().code(0);
    assert_eq!(pushed.err, "opensession: 1 session (1 commit) -> origin\n");
    assert_eq!(world.titles(world.origin()), ["write one.txt"]);
    let ben = world.clone_to("ben");
    world.os_in(&ben, ["fetch"]).ok();
    assert_eq!(world.titles(&ben), ["write one.txt"]);
    assert!(world.os_in(&ben, ["show", "HEAD"]).ok().contains("write one.txt"));
    world.git(&ben, ["fetch", "-q", "--prune", "--all"]).ok();
    assert_eq!(world.titles(&ben), ["write one.txt"], "a pruning fetch takes no ledger away");
    world.git(world.origin(), ["fsck", "--strict"]).ok();
}

#[test]
fn somebody_without_a_name_pushes_sessions_all_the_same() {
    let mut world = World::installed();
    work_in(&world, &world.repo(), "one.txt");
    world.git(world.repo(), ["config", "--global", "--remove-section", "user"]).ok();
    world.git(world.repo(), ["config", "--global", "user.useConfigOnly", "true"]).ok();
    world.set("OPENSESSION_STRICT", "1");
    let pushed = world.push().code(0);
    assert_eq!(pushed.err, "opensession: 1 session (1 commit) -> origin\n");
}

#[test]
fn a_hook_that_is_killed_at_work_blocks_no_push_and_damages_nothing() {
    let world = World::installed();
    let program = env!("CARGO_BIN_EXE_git-opensession");
    for round in 0..8 {
        // It gets git's input, and is killed after a while.
        let text = format!("#!/bin/sh\nexec 3<&0\n'{program}' \"$@\" <&3 &\nsleep 0.0{round}\nkill -9 $!\nwait $!\n");
        let killer = world.program(world.path("killer"), text);
        world.uninstall().ok();
        world.fix().ok();
        world.call(&killer.to_string_lossy());
        work_in(&world, &world.repo(), &format!("{round}.txt"));
        world.push().code(0);
        world.git(world.repo(), ["fsck", "--strict", "--no-dangling"]).ok();
        world.titles(world.repo());
    }
    world.uninstall().ok();
    world.fix().ok();
    work_in(&world, &world.repo(), "last.txt");
    world.push().code(0);
    assert!(world.titles(world.origin()).contains(&"write last.txt".to_owned()));
    world.git(world.origin(), ["fsck", "--strict", "--no-dangling"]).ok();
}

#[test]
fn two_pushes_at_once_both_succeed_and_lose_nothing() {
    let world = World::installed();
    for round in 0..4 {
        work_in(&world, &world.repo(), &format!("{round}.txt"));
        let push = |target: &str| {
            let mut push = world.command("git", world.repo());
            push.args(["push", "-q", "origin", &format!("main:{target}-{round}")]);
            push.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
        };
        let pushes = [push("one"), push("two")];
        sleep(Duration::from_millis(1));
        for push in pushes {
            let output = push.wait_with_output().expect("it ends");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    world.push().ok();
    assert_eq!(world.titles(world.repo()).len(), 4);
    assert_eq!(world.titles(world.origin()).len(), 4);
}
