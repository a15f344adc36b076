//! The programs in `examples/`, as somebody runs them who reads them.

use std::path::{Path, PathBuf};

use crate::world::World;

/// A program of `examples/`: cargo builds them with the tests, beside the binary.
fn example(name: &str) -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_git-opensession"));
    let path = binary.with_file_name("examples").join(name);
    assert!(path.exists(), "{} is not there: run `cargo build --examples`", path.display());
    path
}

#[test]
fn the_sessions_behind_a_commit_are_listed() {
    let world = World::new();
    let commit = world.work("aaaa", "hello.txt");
    world.os(["capture", "HEAD"]).ok();
    let program = example("sessions_behind");
    let listed = world.run(&program, world.repo(), [commit.as_str()]).ok();
    let log = world.os(["log", "--json"]).json();
    let sid = log["sessions"][0]["sid"].as_str().expect("an id");
    assert_eq!(listed, format!("{sid}\tclaude-code\twrite hello.txt\n"));
    assert_eq!(world.run(&program, world.repo(), ["HEAD"]).ok(), listed);
    assert_eq!(world.run(&program, world.repo(), ["HEAD~1"]).ok(), "", "nothing is behind that one");
    let unknown = world.run(&program, world.repo(), ["nothing"]).code(1);
    assert!(unknown.err.contains("Unknown"), "{}", unknown.err);
}

#[test]
fn a_session_is_registered_and_shared() {
    let world = World::new();
    let hail = crate::share::hail(&world, "s1");
    let program = example("register_and_share");
    let printed = world.run(&program, world.repo(), [hail.as_os_str()]).ok();
    let [local, remote] = printed.lines().collect::<Vec<_>>()[..] else { panic!("two addresses: {printed}") };
    let text = world.os(["cat", local]).ok();
    assert_eq!(world.os(["cat", remote]).ok(), text);
    // It is what the program itself prints, and pushes.
    assert_eq!(crate::share::pushed(&world, world.repo(), local), remote);
    assert_eq!(world.os_in(world.root(), ["cat", remote]).ok(), text);
    assert!(world.run(&program, world.repo(), ["/nowhere"]).code(1).err.contains("No such file"));
}
