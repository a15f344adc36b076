//! Killed at any moment, ledgers can be read, and the next run completes. `OPENSESSION_KILLS=<n>` kills more often.

use std::cell::RefCell;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{MAIN, reaches, sid};
use crate::notes::{clone_on, noting, push_from, titles, work_in};
use crate::world::{ClaudeLog, World};

/// How often each verb is killed.
fn kills() -> u32 {
    std::env::var("OPENSESSION_KILLS").map_or(10, |text| text.parse().expect("a number"))
}

/// A world with so many sessions, all pushed, with notes.
fn world(sessions: u32) -> World {
    let world = noting();
    for n in 0..sessions {
        let (file, content) = (format!("{n}.rs"), format!("the work of {n}\nin {n}.rs\n"));
        // The older, the higher the number.
        let log = ClaudeLog::new(&n.to_string(), world.repo(), -60 - i64::from(n) * 24 * 60 * 60);
        log.prompt(&format!("MARK-{n}.")).write(&file, &content).answer("It is written.").save(&world);
        world.commit(&file, &content, &format!("add {file}"));
    }
    world.push().ok();
    assert_eq!(world.titles(world.repo()).len(), sessions as usize);
    world
}

/// Runs `git opensession` and kills it after a while. Whether it was still at work then.
fn kill(world: &World, args: &[&str], after: Duration) -> bool {
    let mut command = world.command(env!("CARGO_BIN_EXE_git-opensession"), world.repo());
    let mut child = command.args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    std::thread::sleep(after);
    let is_running = child.try_wait().expect("it can be asked").is_none();
    let _ = child.kill();
    child.wait().expect("it ends");
    is_running
}

/// `git fsck` finds nothing. It lists the objects before the refs, so to a git that is still pushing it may say that what
/// has just arrived is missing: such a git ends soon.
fn assert_sound(world: &World, repository: &Path) {
    let fsck = || world.git(repository, ["fsck", "--strict", "--no-dangling", "--no-progress"]);
    let patience = Instant::now() + Duration::from_secs(10);
    let mut said = fsck();
    while said.code != 0 && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(100));
        said = fsck();
    }
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
}

/// Kills a command at one moment after the other, from its beginning to its end; each time all must be readable, and the
/// next run complete. `prepare`, `command` and `check` are of the nth time.
fn at_every_moment(world: &World, prepare: impl Fn(u32), command: impl Fn(u32) -> Vec<String>, check: impl Fn(u32)) {
    prepare(0);
    let began = Instant::now();
    let run = |n| world.os(command(n)).ok();
    run(0);
    let length = began.elapsed();
    check(0);
    let (mut killed, kills) = (0, kills());
    for n in 1..=kills {
        prepare(n);
        let words = command(n);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        killed += u32::from(kill(world, &words, length * n / (kills + 1)));
        for repository in [world.repo(), world.origin()] {
            assert_sound(world, &repository);
        }
        world.os(["log"]).ok();
        // A git that was pushing may still be at it.
        run(n);
        check(n);
    }
    assert!(killed > 0, "it was always faster");
}

#[test]
fn a_purge() {
    let kills = kills();
    let world = world(kills + 2);
    let names: Vec<String> = (0..=kills).map(|n| sid(&world, &format!("MARK-{n}."))).collect();
    let command = |n: u32| ["purge", &names[n as usize], "--yes"].map(str::to_owned).to_vec();
    at_every_moment(
        &world,
        |_| {},
        command,
        |n| {
            for repository in [world.repo(), world.origin()] {
                assert!(!reaches(&world, repository, &format!("MARK-{n}.")));
            }
            assert_eq!(world.titles(world.repo()).len(), (kills + 1 - n) as usize);
        },
    );
}

#[test]
fn a_prune() {
    let kills = kills();
    let world = world(kills + 2);
    let age = |n: u32| format!("{}d", kills - n);
    let command = |n: u32| ["prune", "--older-than", &age(n), "--apply"].map(str::to_owned).to_vec();
    at_every_moment(
        &world,
        |_| {},
        command,
        |n| {
            for repository in [world.repo(), world.origin()] {
                assert!(!reaches(&world, repository, &format!("MARK-{}.", kills + 1 - n)));
            }
            assert_eq!(world.titles(world.repo()).len(), (kills + 1 - n) as usize);
        },
    );
}

#[test]
fn a_sync_that_brings_notes_together() {
    let world = noting();
    let ben = clone_on(&world, "ben");
    let commits = RefCell::new(Vec::new());
    // Each time both have something new: the sync takes in, joins and pushes ledgers and notes.
    let prepare = |n: u32| {
        for (folder, who) in [(&world.repo(), "a"), (&ben, "b")] {
            let session = format!("{who}{n}");
            commits.borrow_mut().push((work_in(&world, folder, &session), format!("do {session}")));
        }
        push_from(&world, &ben).ok();
        // On a machine with much to do the hook may have left something for the next push.
        world.os_in(&ben, ["push"]).ok();
        world.os(["capture"]).ok();
        world.git(world.repo(), ["push", "-q", "--no-verify", "origin", "HEAD"]).ok();
    };
    at_every_moment(
        &world,
        prepare,
        |_| vec!["sync".to_owned()],
        |n| {
            for side in [world.repo(), world.origin()] {
                for (commit, title) in commits.borrow().iter() {
                    assert_eq!(titles(&world, &side, commit), [title.clone()].into(), "{n}: {}", side.display());
                }
            }
            assert_eq!(world.titles(world.repo()).len(), commits.borrow().len());
        },
    );
}

#[test]
fn a_fold() {
    let (world, kills) = (world(1), kills());
    let name = |n: u32| format!("topic{n}");
    let mut commits = Vec::new();
    for n in 0..=kills {
        world.git(world.repo(), ["switch", "-q", "-c", &name(n), "main"]).ok();
        commits.push(world.work(&name(n), &format!("{}.rs", name(n))));
        world.git(world.repo(), ["push", "-q", "origin", &name(n)]).ok();
    }
    world.git(world.repo(), ["switch", "-q", "main"]).ok();
    world.os(["push"]).ok();
    let command = |n: u32| ["fold", &name(n), "--into", "main", "--yes"].map(str::to_owned).to_vec();
    let finish = |n: u32| {
        // Nothing to fold is what is said when all was done before the kill.
        let answer = world.os(command(n));
        assert!(answer.code == 0 || answer.err.contains("there is no ledger"), "{}", answer.err);
    };
    let mut length = Duration::from_secs(1);
    for n in 0..=kills {
        let words = command(n);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if n > 0 {
            kill(&world, &words, length * n / (kills + 1));
        }
        // Folded long ago, just now, and not yet.
        for commit in [&commits[0], &commits[n as usize], &commits[kills as usize]] {
            assert_eq!(world.os(["show", commit, "--json"]).json()["sessions"].as_array().map(Vec::len), Some(1));
        }
        let began = Instant::now();
        finish(n);
        if n == 0 {
            length = began.elapsed();
        }
        assert!(world.os(["show", &commits[n as usize]]).out.contains("write topic"));
        assert_eq!(world.refs(world.origin(), "refs/opensession").len(), (kills - n + 1) as usize);
    }
    assert!(world.refs(world.origin(), "refs/opensession")[0].starts_with(MAIN));
    let ben = world.clone_to("ben");
    world.os_in(&ben, ["fetch"]).ok();
    for commit in &commits {
        assert!(world.os_in(&ben, ["show", commit]).out.contains("write topic"));
    }
}
