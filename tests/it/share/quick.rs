//! `--quick`: which remote, and who has allowed it.

use super::*;

const CONSENT: &str = "opensession.share.auto-push-consent";

fn consent(world: &World) -> String {
    world.git(world.repo(), ["config", "--get", CONSENT]).out.trim_end().to_owned()
}

/// Runs it on a terminal of its own, and types.
fn typed(world: &World, words: &str, keys: &str) -> String {
    let program = env!("CARGO_BIN_EXE_git-opensession");
    let line = format!("printf '{keys}' | script -qec \"{program} {words}\" /dev/null");
    world.run("sh", world.repo(), ["-c", &line]).out
}

#[test]
fn without_a_terminal_it_asks_nobody_and_says_how_to_allow_it() {
    let world = World::new();
    let local = registered(&world, "s1");
    let answer = world.os(["share", &local, "--quick"]).code(2);
    assert!(answer.err.contains("nobody has allowed --quick to push to origin"), "{answer:?}");
    assert!(answer.err.contains(&format!("hint: git config {CONSENT} true")), "{answer:?}");
    assert!(answer.err.contains(&format!("hint: git opensession share {local} --quick --yes")), "{answer:?}");
    assert!(world.refs(world.repo(), "refs/opensession/branches/").is_empty() && answer.out.is_empty());

    let (address, rest) = lines(world.os(["share", &local, "--quick", "--push"]));
    assert!(rest.is_empty() && consent(&world).is_empty(), "for this once");
    assert_eq!(world.os_in(world.root(), ["cat", &address]).ok(), world.os(["cat", &local]).ok());
    let other = registered(&world, "s2");
    world.os(["share", &other, "--quick"]).code(2);
    world.os(["share", &other, "--quick", "--yes"]).ok();
    assert_eq!(consent(&world), "true");
    let third = registered(&world, "s3");
    lines(world.os(["share", &third, "--quick"]));
    assert_eq!(snapshots(&world, world.origin(), MAIN).len(), 3);
    // Sessions that nobody shared by name still go nowhere.
    world.work("one", "one.txt");
    world.os(["capture"]).ok();
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    world.os(["push"]).code(1);
    assert!(!world.git(world.origin(), ["ls-tree", "-r", "--name-only", MAIN]).ok().contains("v2/s/"));

    world.git(world.repo(), ["config", CONSENT, "false"]).ok();
    let (_, rest) = lines(world.os(["share", &registered(&world, "s4"), "--quick"]));
    assert!(rest[0].ends_with("--git --remote origin --push"), "{rest:?}");
    assert_eq!(snapshots(&world, world.origin(), MAIN).len(), 3);
    world.git(world.repo(), ["config", CONSENT, "perhaps"]).ok();
    world.os(["share", &local, "--quick"]).code(128);
}

#[test]
fn on_a_terminal_it_asks_once_and_remembers_a_yes() {
    let world = World::new();
    if world.run("sh", world.root(), ["-c", "command -v script"]).code != 0 {
        return;
    }
    let local = registered(&world, "s1");
    let said = typed(&world, &format!("share {local} --quick"), "\\n");
    assert!(said.contains("Push this session to origin") && said.contains("[y/N]"), "{said}");
    assert!(
        consent(&world).is_empty() && world.refs(world.origin(), "refs/opensession/").is_empty(),
        "no is not forever"
    );
    // Nor is it in the ledger, which the next push takes along.
    assert!(said.contains("nothing was changed, and nothing will be pushed"), "{said}");
    assert!(world.refs(world.repo(), "refs/opensession/branches/").is_empty(), "{said}");
    let said = typed(&world, &format!("share {local} --quick"), "y\\n");
    assert!(said.contains("origin has it"), "{said}");
    assert_eq!((consent(&world).as_str(), snapshots(&world, world.origin(), MAIN).len()), ("true", 1));
    let other = registered(&world, "s2");
    let said = typed(&world, &format!("share {other} --quick"), "");
    assert!(!said.contains("[y/N]") && said.contains("origin has it"), "{said}");
}

#[test]
fn it_takes_origin_or_the_only_remote_and_lists_them_otherwise() {
    let world = World::new();
    let local = registered(&world, "s1");
    let url = world.origin().display().to_string();
    world.git(world.repo(), ["remote", "rename", "origin", "upstream"]).ok();
    lines(world.os(["share", &local, "--quick", "--push"]));
    world.git(world.repo(), ["remote", "add", "fork", &url]).ok();
    let answer = world.os(["share", &local, "--quick", "--push"]).code(2);
    assert!(answer.err.contains("no remote is called origin, and there are 2: fork, upstream"), "{answer:?}");
    for remote in ["fork", "upstream"] {
        assert!(answer.err.contains(&format!("hint: git opensession share {local} --git --remote {remote}\n")));
    }
    world.git(world.repo(), ["remote", "add", "origin", &url]).ok();
    lines(world.os(["share", &local, "--quick", "--push"]));
    for remote in ["fork", "upstream", "origin"] {
        world.git(world.repo(), ["remote", "remove", remote]).ok();
    }
    let answer = world.os(["share", &local, "--quick", "--push"]).code(2);
    assert!(answer.err.contains("has no remote"), "{answer:?}");
}

#[test]
fn a_remote_that_was_refused_sessions_gets_none_whoever_asks() {
    let world = World::installed();
    let key = world.git(world.repo(), ["config", "--get-regexp", "^opensession.remote"]).ok();
    let key = key.split(' ').next().expect("a key").to_owned();
    world.git(world.repo(), ["config", &key, "false"]).ok();
    let local = registered(&world, "s1");
    for words in [&["--quick", "--yes"][..], &["--git", "--remote", "origin", "--push"]] {
        let answer = world.os(["share", &local].iter().chain(words)).code(1);
        assert!(answer.err.contains("sessions may not go to origin: you said so"), "{answer:?}");
        assert!(answer.err.contains("hint: git opensession doctor --fix --remote origin"), "{answer:?}");
    }
    assert!(consent(&world).is_empty() && world.refs(world.origin(), "refs/opensession/").is_empty());
    lines(world.os(["share", &local, "--git", "--remote", "origin"]));
}
