//! Clones that know nothing of a purge: away for months, or faster by a moment, or purging themselves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use git_opensession::ledger::Sid;

use super::{MAIN, TOPIC, is_left, reaches};
use crate::world::{ClaudeLog, World};

/// What is purged says this.
const SAID: &str = "never to be seen again";

/// A clone of ben's, in which he works with logs of his own.
fn ben(world: &World) -> PathBuf {
    let folder = world.clone_to("ben");
    world.os_in(&folder, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    folder
}

fn log_of(folder: &Path) -> ClaudeLog {
    let log = ClaudeLog::new("bens", folder, -60).prompt(SAID).write("ben.rs", "the work of ben\nin ben.rs\n");
    log.answer("It is written.")
}

fn name() -> String {
    Sid::new("claude-code", "bens").to_string()
}

/// Ben has pushed a session, and is away; Ann, who has work of her own, has purged it.
fn away() -> (World, PathBuf) {
    let mut world = World::installed();
    let ben = ben(&world);
    log_of(&ben).save(&world);
    world.commit_in(&ben, "ben.rs", "the work of ben\nin ben.rs\n", "add ben.rs");
    world.git(&ben, ["push", "-q", "origin", "main"]).ok();
    assert!(reaches(&world, world.origin(), SAID));
    world.git(world.repo(), ["pull", "-q"]).ok();
    world.work("anns", "ann.rs");
    world.push().ok();
    world.os(["purge", &name(), "--yes"]).ok();
    assert!(!reaches(&world, world.origin(), SAID) && reaches(&world, &ben, SAID));
    world.set_now("2026-07-06T12:00:00Z");
    (world, ben)
}

/// It is nowhere: not at the remote, not at Ben's, whatever comes after.
fn assert_gone(world: &World, ben: &Path) {
    for side in [&world.origin(), &ben.to_owned()] {
        assert!(!reaches(world, side, SAID), "{}", side.display());
    }
    // The agent goes on with it, and its log is read anew from the beginning.
    let log = log_of(ben).prompt("once more").edit("ben.rs", "in ben.rs", "in it").answer("done");
    log.save(world);
    let _ = fs::remove_dir_all(ben.join(".git/opensession"));
    world.commit_in(ben, "ben.rs", "the work of ben\nin it\n", "change ben.rs");
    world.git(ben, ["pull", "-q", "--no-rebase", "--no-edit"]).ok();
    world.os_in(ben, ["capture"]);
    world.git(ben, ["push", "-q", "origin", "main"]).ok();
    world.os_in(ben, ["sync"]).ok();
    world.os(["sync"]).ok();
    for side in [&world.origin(), &ben.to_owned(), &world.repo()] {
        assert!(!reaches(world, side, SAID), "{}", side.display());
        assert_eq!(world.titles(side), ["write ann.rs"]);
    }
    assert!(!is_left(world, ben, SAID), "not even as garbage, once that is collected");
}

#[test]
fn who_was_away_and_fetches_first() {
    let (world, ben) = away();
    world.os_in(&ben, ["fetch"]).ok();
    assert!(!reaches(&world, &ben, SAID));
    assert_gone(&world, &ben);
}

#[test]
fn who_was_away_and_syncs_first() {
    let (world, ben) = away();
    world.os_in(&ben, ["sync"]).ok();
    assert_gone(&world, &ben);
}

#[test]
fn who_was_away_and_fetches_with_git_alone_and_captures() {
    let (world, ben) = away();
    let mapping = "+refs/opensession/branches/*:refs/opensession/remotes/origin/branches/*";
    world.git(&ben, ["fetch", "-q", "origin", mapping]).ok();
    assert!(reaches(&world, &ben, SAID));
    world.os_in(&ben, ["capture"]).ok();
    assert!(!reaches(&world, &ben, SAID), "whoever fetched it");
    assert_gone(&world, &ben);
}

#[test]
fn who_was_away_and_captures_and_pushes_first() {
    let (world, ben) = away();
    log_of(&ben).prompt("more of it").write("more.rs", "more of ben's\n").save(&world);
    world.commit_in(&ben, "more.rs", "more of ben's\n", "add more.rs");
    world.os_in(&ben, ["capture"]).ok();
    world.git(&ben, ["pull", "-q", "--no-rebase", "--no-edit"]).ok();
    world.git(&ben, ["push", "-q", "origin", "main"]).ok();
    assert_gone(&world, &ben);
}

#[test]
fn who_was_away_and_pushes_it_to_another_branch() {
    let (world, ben) = away();
    world.git(&ben, ["switch", "-q", "-c", "topic"]).ok();
    log_of(&ben).prompt("more of it").write("more.rs", "more of ben's\n").save(&world);
    world.commit_in(&ben, "more.rs", "more of ben's\n", "add more.rs");
    world.git(&ben, ["push", "-q", "origin", "topic"]).ok();
    assert!(!reaches(&world, world.origin(), SAID), "the ledger of that branch never had it");
    world.git(&ben, ["switch", "-q", "main"]).ok();
    world.git(&ben, ["branch", "-q", "-D", "topic"]).ok();
    let tip = world.git(&ben, ["rev-parse", "--verify", "-q", TOPIC]);
    if tip.code == 0 {
        world.git(&ben, ["update-ref", "-d", TOPIC]).ok();
    }
    assert_gone(&world, &ben);
}

/// A git before the real one on the PATH, that does something before the first push of `verb`'s.
fn before_the_push(world: &mut World, action: &str) {
    let real = world.run("sh", world.root(), ["-c", "command -v git"]).ok();
    let (real, mark) = (real.trim(), world.path("mark"));
    let mark = mark.display();
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *' push '*' opensession-remote '*) if mkdir {mark} 2>/dev/null; then\n{action}\nfi;; \
         esac\nexec {real} \"$@\"\n"
    );
    let folder = world.program(world.path("bin/git"), script).parent().expect("a folder").to_owned();
    let path = std::env::var("PATH").expect("there is a PATH");
    world.set("PATH", &format!("{}:{path}", folder.display()));
}

#[test]
fn who_pushes_between_the_plan_of_a_purge_and_its_push() {
    let mut world = World::installed();
    let ben = ben(&world);
    log_of(&ben).save(&world);
    world.commit_in(&ben, "ben.rs", "the work of ben\nin ben.rs\n", "add ben.rs");
    world.git(&ben, ["push", "-q", "origin", "main"]).ok();
    world.git(world.repo(), ["pull", "-q"]).ok();
    // Ben's session has grown, and he has another one.
    log_of(&ben).prompt("more of it").write("more.rs", "more of ben's\n").save(&world);
    world.commit_in(&ben, "more.rs", "more of ben's\n", "add more.rs");
    ClaudeLog::new("other", &ben, -30).prompt("another one").write("other.rs", "the other\n").save(&world);
    world.commit_in(&ben, "other.rs", "the other\n", "add other.rs");
    let system = std::env::var("PATH").expect("there is a PATH");
    let bin = Path::new(env!("CARGO_BIN_EXE_git-opensession")).parent().expect("a folder").to_owned();
    let action = format!(
        "(unset OPENSESSION_INTERNAL GIT_DIR; PATH={}:{system}; export PATH; env -u GIT_CONFIG_COUNT git -C {} push -q origin main) \
         >{} 2>&1 || exit 9",
        bin.display(),
        ben.display(),
        world.path("said").display(),
    );
    before_the_push(&mut world, &action);
    let done = world.os(["purge", &name(), "--yes"]);
    assert!(world.path("mark").exists(), "somebody was faster");
    let said = fs::read_to_string(world.path("said")).unwrap_or_default();
    assert_eq!(done.code, 0, "{}\n{said}", done.err);
    world.set("PATH", &system);
    assert!(!reaches(&world, world.origin(), SAID));
    assert!(reaches(&world, world.origin(), "another one"), "{said}");
    world.os_in(&ben, ["sync"]).ok();
    world.os(["sync"]).ok();
    for side in [&world.origin(), &ben, &world.repo()] {
        assert!(!reaches(&world, side, SAID), "{}", side.display());
        assert_eq!(world.titles(side), ["another one"]);
    }
}

#[test]
fn two_who_purge_different_sessions_at_once() {
    let world = World::installed();
    for name in ["one", "two", "three"] {
        world.work(name, &format!("{name}.rs"));
    }
    world.push().ok();
    let ben = ben(&world);
    world.os_in(&ben, ["fetch"]).ok();
    world.git(&ben, ["update-ref", MAIN, "refs/opensession/remotes/origin/branches/bWFpbg"]).ok();
    let purge = |folder: &Path, session: &str| {
        let sid = Sid::new("claude-code", session).to_string();
        let mut command = world.command(env!("CARGO_BIN_EXE_git-opensession"), folder);
        command.args(["purge", &sid, "--yes"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let both = [purge(&world.repo(), "one"), purge(&ben, "two")];
    for child in both {
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    world.os(["sync"]).ok();
    world.os_in(&ben, ["sync"]).ok();
    for side in [&world.origin(), &ben, &world.repo()] {
        for gone in ["write one.rs", "write two.rs"] {
            assert!(!reaches(&world, side, gone), "{gone} in {}", side.display());
        }
        assert_eq!(world.titles(side), ["write three.rs"]);
    }
}

#[test]
fn what_has_expired_by_the_time_somebody_purges_it_is_no_error() {
    let world = World::installed();
    let ben = ben(&world);
    log_of(&ben).save(&world);
    world.commit_in(&ben, "ben.rs", "the work of ben\nin ben.rs\n", "add ben.rs");
    world.git(&ben, ["push", "-q", "origin", "main"]).ok();
    world.os(["prune", "--older-than", "2026-03-07", "--apply"]).ok();
    let said = world.os_in(&ben, ["purge", &name()[..8], "--yes"]);
    assert!(said.out.contains("(it has expired)"), "{}", said.out);
    assert!(said.err.contains("nothing is left of it"), "{}", said.err);
    said.ok();
    assert!(!reaches(&world, &ben, SAID) && !reaches(&world, world.origin(), SAID));
    world.os_in(&ben, ["purge", &name()[..8], "--yes"]).code(1);
}
