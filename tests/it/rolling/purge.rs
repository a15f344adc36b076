//! `purge`: a session is gone, and stays gone.

use std::fs;

use git_opensession::ledger::Sid;

use super::{MAIN, TOPIC, is_left, pushed, reaches, sid};
use crate::world::{ClaudeLog, World};

/// What only the session `one` says, that no commit has.
const SAID: &str = "please write one.rs";

/// The same world as `pushed`, where `one` says something that is in no file.
fn world() -> World {
    let world = World::installed();
    let log = ClaudeLog::new("one", world.repo(), -60).prompt(SAID).write("one.rs", "the work of one\nin one.rs\n");
    log.answer("It is written.").save(&world);
    world.commit("one.rs", "the work of one\nin one.rs\n", "add one.rs");
    world.work("two", "two.rs");
    world.push().ok();
    assert_eq!(world.titles(world.repo()), [SAID, "write two.rs"]);
    world
}

#[test]
fn a_purged_session_is_gone_here_and_at_the_remote_and_its_log_does_not_bring_it_back() {
    let world = world();
    let one = sid(&world, SAID);
    let said = world.os(["purge", &one, "--yes"]);
    assert!(said.out.contains("main at origin") && said.out.contains(SAID), "{}", said.out);
    assert!(said.err.contains("purged 1 session from 2 ledgers"), "{}", said.err);
    assert!(said.err.contains("until the host collects garbage") && said.err.contains("git gc --prune=now"));
    said.ok();
    let elsewhere = world.clone_to("ben");
    world.os_in(&elsewhere, ["fetch"]).ok();
    for repository in [&world.repo(), &elsewhere] {
        assert_eq!(world.titles(repository), ["write two.rs"]);
        assert!(!is_left(&world, repository, SAID), "{}", repository.display());
    }
    assert!(!reaches(&world, world.origin(), SAID));
    assert_eq!(world.git(world.origin(), ["rev-list", "--count", MAIN]).ok().trim(), "1");
    // The agent goes on with it.
    let log = ClaudeLog::new("one", world.repo(), -60).prompt(SAID).write("one.rs", "the work of one\nin one.rs\n");
    log.answer("It is written.").prompt("once more").edit("one.rs", "in one.rs", "in it").answer("done").save(&world);
    world.commit("one.rs", "the work of one\nin it\n", "change one.rs");
    // That it is gone is meant: not even a strict push fails for it.
    world.git(world.repo(), ["config", "opensession.strict", "true"]).ok();
    world.push().ok();
    world.os(["capture"]).ok();
    assert_eq!(world.titles(world.repo()), ["write two.rs"]);
    assert!(!reaches(&world, world.origin(), SAID) && !is_left(&world, world.repo(), SAID));
    let again = world.os(["purge", &one, "--yes"]);
    assert!(again.err.contains("nothing is left of it"), "{}", again.err);
    again.ok();
}

#[test]
fn nothing_of_it_stays_in_the_cache_or_in_a_reflog() {
    let world = World::installed();
    world.git(world.repo(), ["config", "core.logAllRefUpdates", "always"]).ok();
    world.work("one", "one.rs");
    world.push().ok();
    let logs = world.repo().join(".git/opensession/logs");
    assert_eq!(fs::read_dir(&logs).expect("the cache").count(), 1);
    assert!(world.repo().join(".git/logs").join(MAIN).exists());
    world.os(["purge", &sid(&world, "write one.rs"), "--yes"]).ok();
    assert_eq!(fs::read_dir(&logs).expect("the cache").count(), 0);
    assert!(!world.repo().join(".git/logs").join(MAIN).exists());
    assert!(!is_left(&world, world.repo(), "write one.rs"));
}

#[test]
fn it_goes_from_the_ledgers_of_all_branches() {
    let world = pushed();
    world.os(["capture", "HEAD~2..HEAD", "--branch", "topic"]).ok();
    world.git(world.repo(), ["push", "-q", "origin", "main:topic"]).ok();
    assert_eq!(world.refs(world.origin(), "refs/opensession").len(), 2);
    let said = world.os(["purge", &sid(&world, "write one.rs"), "--yes", "--json"]).json();
    assert_eq!((said["schema"].as_str(), said["done"].as_bool()), (Some("opensession.purge/1"), Some(true)));
    assert_eq!(said["sessions"][0]["title"], "write one.rs");
    assert_eq!(said["rolled"].as_array().map(Vec::len), Some(2), "{said}");
    assert_eq!(said["remotes"][0]["rolled"].as_array().map(Vec::len), Some(2), "{said}");
    for ledger in [MAIN, TOPIC] {
        assert_eq!(world.git(world.origin(), ["rev-list", "--count", ledger]).ok().trim(), "1");
    }
    assert!(!reaches(&world, world.origin(), "write one.rs"));
    assert_eq!(world.titles(world.repo()), ["write two.rs"]);
}

#[test]
fn a_plan_changes_nothing_and_without_a_yes_nothing_happens() {
    let world = pushed();
    let one = sid(&world, "write one.rs");
    let state = || (world.refs(world.repo(), "refs/"), world.refs(world.origin(), "refs/"));
    let before = state();
    let plan = world.os(["purge", &one[..8], "--dry-run"]).ok();
    assert!(plan.contains("write one.rs") && plan.contains("1 commit"), "{plan}");
    assert_eq!(world.os(["purge", &one[..8], "-n", "--json"]).json()["dry_run"], true);
    let refused = world.os(["purge", &one]).code(2);
    assert!(refused.err.contains(&format!("purge {one} --yes")), "{}", refused.err);
    assert_eq!(state(), before);
}

#[test]
fn a_rule_and_a_day_select_sessions() {
    let world = World::installed();
    let log = ClaudeLog::new("one", world.repo(), -60).prompt("the key is ghp_0123456789abcdefghijABCDEFGHIJ012345");
    log.write("one.rs", "the work of one\nin one.rs\n").answer("It is written.").save(&world);
    world.commit("one.rs", "the work of one\nin one.rs\n", "add one.rs");
    world.work("two", "two.rs");
    world.push().ok();
    let none = world.os(["purge", "--rule", "npm-token", "--yes"]);
    assert!(none.err.contains("there is no such session"), "{}", none.err);
    none.ok();
    world.os(["purge", "--rule", "github-token", "--yes"]).ok();
    assert_eq!(world.titles(world.repo()), ["write two.rs"]);
    world.os(["purge", "--before", "2026-03-06", "--yes"]).ok();
    assert_eq!(world.titles(world.repo()), ["write two.rs"]);
    world.os(["purge", "--before", "2026-03-07", "--yes"]).ok();
    assert!(world.titles(world.repo()).is_empty());
    assert!(!reaches(&world, world.origin(), "write two.rs"));
}

#[test]
fn errors_say_what_to_run_next() {
    let world = World::installed();
    // Two sessions whose names begin alike.
    let mut seen = std::collections::BTreeMap::new();
    let sid_of = |n: u32| Sid::new("claude-code", &n.to_string()).to_string();
    let (one, two) = (0..)
        .find_map(|n| seen.insert(sid_of(n)[..4].to_owned(), n).map(|known| (known, n)))
        .expect("two of them begin alike");
    for n in [one, two] {
        world.work(&n.to_string(), &format!("{n}.rs"));
    }
    world.push().ok();
    let ambiguous = world.os(["purge", &sid_of(one)[..4], "--yes"]).code(2);
    assert!(ambiguous.err.contains(&sid_of(one)) && ambiguous.err.contains(&sid_of(two)), "{}", ambiguous.err);
    for unknown in ["ffffffff", "no session"] {
        let unknown = world.os(["purge", unknown, "--yes"]).code(1);
        assert!(unknown.err.contains("git opensession log"), "{}", unknown.err);
    }
    world.os(["purge", "--before", "yesterday", "--yes"]).code(2);
    world.os(["purge", "--yes"]).code(2);
    assert!(world.os(["purge", "--rule", "nonsense", "--yes"]).code(2).err.contains("github-token"));
    world.os(["purge", "--before", "2026-03-07", "--remote", "nowhere", "--yes"]).code(2);
    fs::rename(world.origin(), world.path("moved.git")).expect("it can be moved");
    world.os(["purge", &sid_of(one), "--yes"]).code(4);
    assert_eq!(world.titles(world.repo()).len(), 2);
}

#[test]
fn without_a_remote_it_is_purged_here_and_that_is_said() {
    let world = pushed();
    let one = sid(&world, "write one.rs");
    world.git(world.repo(), ["remote", "remove", "origin"]).ok();
    let said = world.os(["purge", &one, "--yes"]);
    assert!(said.err.contains("only here"), "{}", said.err);
    said.ok();
    assert!(!is_left(&world, world.repo(), "write one.rs"), "what was fetched once is gone, too");
    assert!(reaches(&world, world.origin(), "write one.rs"));
}

#[test]
fn a_remote_that_was_faster_is_rewritten_again() {
    let mut world = pushed();
    let ben = world.clone_to("ben");
    world.git(&ben, ["fetch", "-q", "origin", "refs/opensession/branches/*:refs/opensession/branches/*"]).ok();
    let late = world.git(&ben, ["commit-tree", &format!("{MAIN}^{{tree}}"), "-p", MAIN, "-m", "late"]).ok();
    // Another clone pushes between the fetch and the push.
    let real = world.run("sh", world.root(), ["-c", "command -v git"]).ok();
    let script = format!(
        "#!/bin/sh\nreal={}\ncase \" $* \" in *' push '*) if [ ! -e {mark} ]; then touch {mark}; \
         \"$real\" -C {ben} push -q --no-verify origin {late}:{MAIN} || exit 1; fi;; esac\nexec \"$real\" \"$@\"\n",
        real.trim(),
        mark = world.path("mark").display(),
        ben = ben.display(),
        late = late.trim(),
    );
    let folder = world.program(world.path("bin/git"), script).parent().expect("a folder").to_owned();
    let one = sid(&world, "write one.rs");
    let path = std::env::var("PATH").expect("there is a PATH");
    world.set("PATH", &format!("{}:{path}", folder.display()));
    world.os(["purge", &one, "--yes"]).ok();
    assert!(world.path("mark").exists(), "somebody was faster");
    assert!(!reaches(&world, world.origin(), "write one.rs"));
    assert!(reaches(&world, world.origin(), "write two.rs"));
}

#[test]
fn a_host_that_refuses_is_quoted_and_asked_again_the_next_time() {
    let world = pushed();
    let one = sid(&world, "write one.rs");
    let hook =
        world.program(world.origin().join("hooks/pre-receive"), "#!/bin/sh\necho no rewriting here >&2\nexit 1\n");
    let refused = world.os(["purge", &one, "--yes"]).code(3);
    assert!(refused.err.contains("origin did not take refs/opensession/branches/bWFpbg"), "{}", refused.err);
    assert_eq!(world.titles(world.repo()), ["write two.rs"]);
    fs::remove_file(hook).expect("it can be removed");
    world.os(["purge", &one, "--yes"]).ok();
    assert!(!reaches(&world, world.origin(), "write one.rs"));
}
