//! The commands of OpenSession 0.2.x, word for word as its documentation has them, by the name it had.

use std::os::unix::fs::symlink;

use crate::world::{Answer, ClaudeLog, World};

/// Runs a command line by the name `opensession`.
fn first(world: &World, line: &str) -> Answer {
    let bin = world.home().join("bin");
    if !bin.exists() {
        std::fs::create_dir(&bin).expect("a folder");
        symlink(env!("CARGO_BIN_EXE_git-opensession"), bin.join("opensession")).expect("a link");
    }
    let line = format!("PATH={}:$PATH; {line}", bin.display());
    world.run("sh", world.repo(), ["-c", &line])
}

#[test]
fn the_quick_path_works_as_documented() {
    let world = World::new();
    let log = ClaudeLog::new("quick", world.repo(), 60).prompt("write a file").write("file", "text\n").save(&world);
    std::fs::copy(log, world.repo().join("raw-session.jsonl")).expect("a copy");
    first(&world, "opensession docs quickstart").ok();
    first(&world, "opensession doctor --fix --yes --profile local --fanout-mode hidden_ref").ok();
    first(&world, "opensession doctor --fix --yes --profile app --fanout-mode hidden_ref --open-target app").ok();
    assert_eq!(world.git(world.repo(), ["config", "opensession.open-target"]).ok(), "app\n");
    first(&world, "opensession parse --profile claude-code ./raw-session.jsonl > ./session.hail.jsonl").ok();
    first(&world, "opensession parse --profile claude-code ./raw-session.jsonl --preview").ok();
    let uri = first(&world, "opensession register --quiet ./session.hail.jsonl").ok();
    let uri = uri.trim();
    let text = std::fs::read_to_string(world.repo().join("session.hail.jsonl")).expect("the session");
    assert_eq!(first(&world, &format!("opensession cat {uri}")).ok(), text);
    first(&world, &format!("opensession inspect {uri}")).ok();
    first(&world, &format!("opensession view {uri} --no-open")).ok();
    first(&world, "opensession view ./session.hail.jsonl --no-open").ok();
    let id = first(&world, &format!("opensession handoff build --from {uri} --pin latest")).ok();
    let id = id.trim();
    assert_eq!(first(&world, "opensession handoff build ./session.hail.jsonl --validate").ok().trim(), id);
    first(&world, &format!("opensession handoff artifacts get {id} --format canonical --encode jsonl")).ok();
    first(&world, &format!("opensession handoff artifacts verify {id}")).ok();
    first(&world, &format!("opensession handoff artifacts pin latest {id}")).ok();
    first(&world, &format!("opensession handoff artifacts rm {id}")).code(1);
    first(&world, "opensession handoff artifacts unpin latest").ok();
    first(&world, &format!("opensession handoff artifacts rm {id}")).ok();
    first(&world, "opensession config init --base-url https://opensession.io").ok();
    let shown = first(&world, "opensession config show").ok();
    assert!(shown.contains("opensession.share.base-url\thttps://opensession.io\tcommitted: "), "{shown}");
    first(&world, "opensession doctor --uninstall --yes").ok();
    world.git(world.repo(), ["config", "opensession.open-target"]).code(1);
}

#[test]
fn what_is_no_more_says_what_to_run_instead() {
    let world = World::new();
    for (line, hint) in [
        ("opensession summary run --commit HEAD", "hint: opensession inspect HEAD"),
        ("opensession summary show 3f2a91", "hint: opensession handoff build --from HEAD --pin latest"),
        ("opensession config summary show", "hint: opensession inspect HEAD"),
        ("opensession config runtime set --session-default-view full", "hint: opensession config show"),
        ("opensession review https://github.com/a/b/pull/7 --no-open", "hint: git fetch origin pull/7/head"),
        ("opensession setup --check", "hint: opensession doctor --fix"),
        ("opensession setup --sync-branch-session main", "hint: opensession doctor --fix"),
        ("opensession config opensession.strict true", "hint: opensession config set opensession.strict true"),
        ("opensession config strict", "hint: opensession config get strict"),
        ("opensession config frobnicate", "hint: opensession config show"),
    ] {
        let answer = first(&world, line).code(2);
        assert!(answer.err.starts_with("error: ") && answer.err.contains(hint), "{line}\n{}", answer.err);
        assert_eq!(answer.out, "", "{line}");
    }
}

#[test]
fn outside_of_a_repository_a_handoff_is_kept_with_what_is_registered() {
    let world = World::new();
    let log = ClaudeLog::new("outside", world.repo(), 60).prompt("write a file").write("file", "text\n").save(&world);
    let outside = |words: &[&str]| world.os_in(world.root(), words);
    outside(&["handoff", "artifacts", "list"]).code(128);
    assert!(!world.home().join(".local").exists(), "looking makes nothing");
    outside(&["parse", &log.display().to_string(), "--out", "session.hail.jsonl"]).ok();
    let uri = outside(&["register", "-q", "session.hail.jsonl"]).ok();
    let id = outside(&["handoff", "build", "--from", uri.trim(), "--pin", "latest"]).ok();
    assert!(outside(&["handoff", "artifacts", "list"]).ok().contains(id.trim()));
    outside(&["handoff", "artifacts", "verify", "latest"]).ok();
    assert!(outside(&["handoff", "resume"]).ok().contains("write a file"));
    // The same session, in a repository: the same artifact.
    assert_eq!(world.os(["handoff", "build", "--from", uri.trim()]).ok(), id);
    let nowhere = outside(&["handoff", "build", "--from", "HEAD"]).code(128);
    assert!(nowhere.err.contains("hint: git opensession -C path/to/repository doctor"), "{}", nowhere.err);
    outside(&["handoff", "push"]).code(128);
}

#[test]
fn the_last_sessions_are_handed_over_without_naming_them() {
    let mut world = World::installed();
    for (at, name) in ["one", "two"].into_iter().enumerate() {
        let log = ClaudeLog::new(name, world.repo(), 60).prompt(name);
        log.write(name, "text\n").answer("done").save(&world);
        world.set_now(&format!("2026-03-06T12:{at}5:00Z"));
        world.commit(name, "text\n", name);
        world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    }
    let built = world.os(["handoff", "build", "--last", "2", "--json"]).json();
    assert_eq!(built["sessions"].as_array().map(Vec::len), Some(2));
    let built = world.os(["handoff", "build", "--last", "1", "--json"]).json();
    assert_eq!(built["sessions"].as_array().map(Vec::len), Some(1));
    world.os(["handoff", "build"]).code(2);
}
