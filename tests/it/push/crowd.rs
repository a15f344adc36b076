//! Many clones that push to one ledger at the same moment.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{MAIN, line, wrote};
use crate::world::World;

/// What it took.
struct Told {
    /// Pushes that arrived at the remote, those of the users included.
    pushes: usize,
    slowest: Duration,
    /// What was left beside the ledger.
    left: usize,
}

/// A clone in which `each` sessions have made a commit each, that are tagged. (Tags of their own, so that the clones
/// contend for the ledger of `main` only.)
fn clone_with_work(world: &World, n: u32, each: u32) -> PathBuf {
    let folder = world.clone_to(&format!("clone-{n}"));
    world.os_in(&folder, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    for program in ["receive", "upload"] {
        let wrapper = world.path(program).display().to_string();
        world.git(&folder, ["config", &format!("remote.origin.{program}pack"), &wrapper]).ok();
    }
    for session in n * each..(n + 1) * each {
        let file = format!("{session}.rs");
        wrote(world, session, &folder, &file);
        world.commit_in(&folder, &file, &line(session), &format!("number {session}"));
    }
    world.git(&folder, ["tag", &format!("v{n}")]).ok();
    folder
}

/// Lets them all push at once; every push must succeed, and every session be readable in a fresh clone.
fn at_once(clones: u32, each: u32, delay: &str) -> Told {
    let world = World::new();
    let pushes = world.path("pushes");
    for (program, count) in [("receive", format!("echo x >> '{}'\n", pushes.display())), ("upload", String::new())] {
        let script = format!("#!/bin/sh\n{count}sleep {delay}\nexec git-{program}-pack \"$@\"\n");
        fs::write(world.path(program), script).expect("a script");
        world.run("chmod", world.root(), ["+x", program]).ok();
    }
    let folders: Vec<_> = (0..clones).map(|n| (n, clone_with_work(&world, n, each))).collect();
    let slowest = std::thread::scope(|scope| {
        let push = |n: u32, folder: &PathBuf| {
            let start = Instant::now();
            let said = world.git(folder, ["push", "origin", &format!("v{n}")]);
            assert!(said.err.contains(" -> origin"), "clone {n}: {}", said.err);
            said.ok();
            start.elapsed()
        };
        let threads: Vec<_> = folders.iter().map(|(n, folder)| scope.spawn(move || push(*n, folder))).collect();
        threads.into_iter().map(|thread| thread.join().expect("its push succeeds")).max().expect("there are some")
    });
    let reader = world.clone_to("reader");
    world.os_in(&reader, ["fetch"]).ok();
    let listed = world.os_in(&reader, ["log", "--json", "-n", "1000"]).json();
    let found = listed["sessions"].as_array().expect("a list").len();
    assert_eq!(found, (clones * each) as usize, "nothing is lost");
    let left = world.refs(world.origin(), "refs/opensession/inbox/").len();
    let pushes = fs::read_to_string(pushes).expect("there were some").lines().count();

    // The next push of anybody puts it in order.
    let last = clone_with_work(&world, clones, each);
    world.os_in(&last, ["fetch"]).ok();
    world.git(&last, ["push", "-q", "origin", &format!("v{clones}")]).ok();
    assert_eq!(world.refs(world.origin(), "refs/opensession/inbox/"), Vec::<String>::new());
    let metas = world.git(world.origin(), ["ls-tree", "-r", "--name-only", MAIN, "v2/s/"]).ok();
    assert_eq!(metas.lines().filter(|path| path.contains("/m.")).count(), ((clones + 1) * each) as usize);
    Told { pushes, slowest, left }
}

#[test]
fn whoever_pushes_at_the_same_moment_loses_nothing() {
    at_once(5, 1, "0");
}

/// `cargo test --test it crowd -- --ignored --nocapture` prints what it took, over a local remote and over one that takes
/// 100 ms to answer each connection. `OPENSESSION_CROWD=<clones>x<sessions>:<seconds>` is another crowd.
#[test]
#[ignore = "a measurement of half a minute"]
fn a_crowd_of_thirty_two() {
    let given = std::env::var("OPENSESSION_CROWD").ok();
    let parsed = given.as_deref().and_then(|text| {
        let (crowd, delay) = text.split_once(':')?;
        let (clones, each) = crowd.split_once('x')?;
        Some((clones.parse().ok()?, each.parse().ok()?, delay))
    });
    assert_eq!(parsed.is_some(), given.is_some(), "OPENSESSION_CROWD is <clones>x<sessions>:<seconds>");
    let crowds = parsed.map_or_else(|| vec![(32, 3, "0"), (32, 3, "0.1")], |crowd| vec![crowd]);
    for (clones, each, delay) in crowds {
        let Told { pushes, slowest, left } = at_once(clones, each, delay);
        // Of each clone one push is the user's own.
        let nested = pushes - clones as usize;
        println!(
            "{clones} clones x {each}, delay {delay} s: {nested} nested pushes, the slowest clone took {slowest:?}, \
             {left} left in the inbox"
        );
    }
}
