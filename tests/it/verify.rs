//! `verify`, and what strict mode asks of a push in the same words.

use crate::world::{ClaudeLog, World};

/// A world with a commit that has a session, and two that have none: one of a human, one that says an agent wrote it.
fn mixed() -> World {
    let mut world = World::installed();
    ClaudeLog::new("aaaa", world.repo(), 60)
        .prompt("write")
        .write("one.rs", "fn one() {}\n")
        .answer("Done.")
        .save(&world);
    world.set_now("2026-03-06T12:02:00Z");
    world.commit("one.rs", "fn one() {}\n", "one");
    world.set_now("2026-03-07T12:00:00Z");
    world.commit("two.rs", "fn two() {}\n", "two, by hand");
    world.commit("three.rs", "fn three() {}\n", "three\n\nCo-Authored-By: Claude <noreply@anthropic.com>");
    world
}

#[test]
fn commits_without_a_session_and_ledgers_that_are_not_pushed_are_named() {
    let world = mixed();
    world.os(["capture"]).ok();
    let all = world.os(["verify", "origin/main..HEAD"]).code(1);
    assert!(all.out.contains(" has no session: two, by hand\n"), "{}", all.out);
    assert!(all.out.contains(" has no session, though Claude wrote it (Co-Authored-By): three\n"), "{}", all.out);
    assert!(all.out.contains("refs/opensession/branches/bWFpbg (main) is not at origin"), "{}", all.out);
    assert!(all.err.contains("3 commits: 2 commits without a session, 1 ledger not pushed"), "{}", all.err);
    assert!(
        all.err.contains("hint: git opensession doctor --commit ") && all.err.contains("hint: git opensession push"),
        "{}",
        all.err
    );

    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    let agent = world.os(["verify", "HEAD~3..HEAD", "--require", "agent", "--json"]).code(1);
    let json: serde_json::Value = serde_json::from_str(&agent.out).expect("a document");
    assert_eq!((json["schema"].as_str(), json["ok"].as_bool()), (Some("opensession.verify/1"), Some(false)));
    assert_eq!(json["missing"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (json["missing"][0]["agent"].as_str(), json["missing"][0]["said_by"].as_str()),
        (Some("Claude"), Some("Co-Authored-By"))
    );
    assert_eq!(json["unpushed"], serde_json::json!([]));

    let good = world.os(["verify", "HEAD~3..HEAD~2"]).code(0);
    assert!(good.out.is_empty() && good.err.contains("1 commit: all is well"), "{}{}", good.out, good.err);
    world.os(["verify", "HEAD~3..HEAD~1", "--require", "agent"]).ok();
    world.git(world.repo(), ["config", "opensession.require", "agent"]).ok();
    world.os(["verify", "HEAD~3..HEAD~1"]).ok();
    assert_eq!(world.os(["verify", "nonsense..HEAD"]).code, 2);
    assert_eq!(world.os(["verify", "HEAD", "--remote", "nowhere"]).code, 2);
    assert_eq!(world.os(["verify"]).code, 2);
}

#[test]
fn in_ci_there_is_a_shallow_clone_no_home_and_no_terminal() {
    let world = mixed();
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    let url = format!("file://{}", world.origin().display());
    world.git(world.root(), ["clone", "-q", "--depth=3", &url, "ci"]).ok();
    let ci = world.path("ci");
    let run = |args: &[&str]| {
        let mut command = world.command(env!("CARGO_BIN_EXE_git-opensession"), &ci);
        let output = command.env_remove("HOME").env("CI", "true").args(args).output().expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, out, err) = run(&["verify", "HEAD", "--require", "agent"]);
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(err.contains("hint: git opensession fetch  # no ledger is here"), "{err}");
    assert_eq!(run(&["fetch"]).0, Some(0));
    let (code, out, err) = run(&["verify", "HEAD~2", "--require", "all"]);
    assert_eq!((code, out.as_str()), (Some(0), ""), "{err}");
    let (code, out, _) = run(&["verify", "HEAD~2..HEAD", "--require", "agent"]);
    assert_eq!((code, out.lines().count()), (Some(1), 1), "{out}");
    let (code, _, err) = run(&["verify", "HEAD~9..HEAD"]);
    assert!(code == Some(2) && err.contains("hint: git fetch --unshallow"), "{code:?} {err}");
}

#[test]
fn strict_mode_asks_the_same_of_a_push() {
    let world = mixed();
    world.git(world.repo(), ["config", "opensession.strict", "true"]).ok();
    world.git(world.repo(), ["config", "opensession.require", "agent"]).ok();
    let refused = world.git(world.repo(), ["push", "-q", "origin", "main"]);
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("has no session, though Claude wrote it (Co-Authored-By): three"), "{}", refused.err);
    assert!(
        refused.err.contains("git opensession doctor --commit ") && refused.err.contains("strict mode is on"),
        "{}",
        refused.err
    );
    assert!(!refused.err.contains("two, by hand"), "{}", refused.err);
    let there = || world.git(world.origin(), ["for-each-ref", "refs/opensession"]).ok();
    assert!(!refused.err.contains("-> origin") && there().is_empty(), "no session goes where its commit does not");
    // Without strict mode, or without the requirement, it is pushed.
    world.git(world.repo(), ["config", "--unset", "opensession.require"]).ok();
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    assert!(!there().is_empty());
}

#[test]
fn a_setting_that_means_nothing_is_named() {
    let world = mixed();
    world.git(world.repo(), ["config", "opensession.require", "some"]).ok();
    let bad = world.os(["verify", "HEAD"]).code(2);
    assert!(bad.err.contains("opensession.require is \"some\"; it must be all or agent"), "{}", bad.err);
}
