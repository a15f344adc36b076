//! `redact --again` reaches what was copied out of sessions by older rules: shared, registered, handed over.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use git_opensession::git::{GitEnvironment, Identity, Repo, Signature};
use git_opensession::hail::{Digest, Snapshot};
use git_opensession::ledger::Appender;
use git_opensession::redaction::Redactor;
use git_opensession::store::{LOCAL_LIMIT, Store};

use super::beside::share;
use super::{MAIN, contains, is_left, pushed, reaches, sid};
use crate::world::{ClaudeLog, World};

/// What older rules knew nothing of.
const LEFT: &str = "/home/zoe/secret-project";

/// The text of the session `one` as older rules have left it.
fn older(world: &World) -> String {
    let text = world.os(["cat", &sid(world, "write one.rs")]).ok();
    assert!(text.contains("It is written."));
    text.replace("It is written.", &format!("It is written in {LEFT}."))
}

/// Registers a text in a repository as older rules did.
fn registered_by_older_rules(world: &World, folder: &Path, text: &str) -> String {
    let environment = GitEnvironment { home: Some(world.home()), ..GitEnvironment::default() };
    let repo = if folder.ends_with("store.git") {
        Repo::open_private(folder, &environment).expect("it opens").expect("it is there")
    } else {
        Repo::open(folder, &environment).expect("a repository")
    };
    let snapshot = Snapshot::read(text.as_bytes(), &Redactor::of_secrets_only(), LOCAL_LIMIT).expect("HAIL");
    assert!(contains(snapshot.text(), LEFT));
    let signature = Signature { identity: Identity::new("Old", "old@example.com"), time: 1_772_798_400, offset: 0 };
    let by = Appender { signature: &signature, lock: None, deadline: Instant::now() + Duration::from_secs(60) };
    Store::of(&repo).put(&snapshot, &by).expect("it is stored");
    format!("os://src/local/{}", snapshot.digest())
}

#[test]
fn what_is_registered_gets_another_address_here_and_in_the_own_store() {
    let world = pushed();
    let outside = world.path("tmp");
    let store = world.home().join(".local/share/opensession/store.git");
    let sound = world.os(["cat", &sid(&world, "write two.rs")]).ok();
    fs::write(world.path("tmp/two.jsonl"), sound).expect("a file");
    let two = world.os_in(&outside, ["register", "two.jsonl"]).ok();
    let text = older(&world);
    let old = registered_by_older_rules(&world, &world.repo(), &text);
    assert_eq!(registered_by_older_rules(&world, &store, &text), old);
    assert!(world.os(["cat", &old]).ok().contains(LEFT));

    let plan = world.os(["redact", "--again", "--dry-run"]).ok();
    assert_eq!(plan.lines().filter(|line| line.starts_with(&format!("{old} -> os://src/local/"))).count(), 2, "{plan}");
    assert!(plan.contains(" in your own store: 1 user"), "{plan}");
    assert!(world.os(["redact", "--again"]).code(2).err.contains("redact --again --yes"));
    let done = world.os(["redact", "--again", "--yes", "--json"]).json();
    let new = done["registered"][0]["new"].as_str().expect("an address").to_owned();
    assert_eq!(done["registered"][1]["outside"], true, "{done}");
    for folder in [&world.repo(), &outside] {
        world.os_in(folder, ["cat", &old]).code(1);
        let text = world.os_in(folder, ["cat", &new]).ok();
        assert!(text.contains("It is written in /home/user/secret-project."), "{text}");
        world.os_in(folder, ["cat", two.trim()]).ok();
    }
    assert!(!is_left(&world, world.repo(), LEFT) && !is_left(&world, &store, LEFT));
    let again = world.os(["redact", "--again", "--yes"]);
    assert!(again.err.contains("all sessions were stored by today's rules"), "{}", again.err);
    again.ok();
}

#[test]
fn a_shared_snapshot_gets_another_name_and_the_old_one_comes_back_from_nobody() {
    let world = pushed();
    let ben = world.clone_to("ben");
    world.os_in(&ben, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    let text = older(&world);
    let old = format!("sessions/{}.jsonl", Digest::of(text.as_bytes()));
    share(&world, &world.repo(), &text);
    world.os(["push"]).ok();
    world.git(&ben, ["fetch", "-q", "origin", &format!("{MAIN}:{MAIN}")]).ok();
    let sound = world.os(["cat", &sid(&world, "write two.rs")]).ok();
    share(&world, &ben, &sound);
    assert!(reaches(&world, world.origin(), LEFT));
    let plan = world.os(["redact", "--again", "--dry-run"]).ok();
    assert!(plan.contains(&format!("{old} -> sessions/")), "{plan}");
    let done = world.os(["redact", "--again", "--yes", "--json"]).json();
    let new = done["snapshots"][0]["new"].as_str().expect("a path").to_owned();
    world.os_in(&ben, ["sync"]).ok();
    world.os(["sync"]).ok();
    for side in [&world.repo(), &world.origin(), &ben] {
        assert!(!reaches(&world, side, LEFT), "{}", side.display());
        let shown = world.git(side, ["show", &format!("{MAIN}:{new}")]).ok();
        assert!(shown.contains("It is written in /home/user/secret-project."), "{shown}");
        assert_eq!(world.git(side, ["ls-tree", "--name-only", MAIN, "sessions/"]).ok().lines().count(), 2);
    }
    world.os(["fsck"]).ok();
    let settled = world.refs(world.origin(), "refs/");
    world.os(["redact", "--again", "--yes"]).ok();
    assert_eq!(world.refs(world.origin(), "refs/"), settled);
}

#[test]
fn a_handoff_is_named_with_what_removes_it() {
    let world = pushed();
    let built = world.os(["handoff", "build", "--from", &sid(&world, "write one.rs")]).ok();
    let text = world.os(["handoff", "artifacts", "get", built.trim(), "--format", "raw"]).ok();
    assert!(text.contains("It is written."));
    let text = text.replace("It is written.", &format!("It is written in {LEFT}."));
    let id = Digest::of(text.as_bytes());
    fs::write(world.path("tmp/handoff"), text).expect("a file");
    let blob = world.git(world.repo(), ["hash-object", "-w", "../tmp/handoff"]).ok();
    world.git(world.repo(), ["update-ref", &format!("refs/opensession/artifacts/{id}"), blob.trim()]).ok();
    world.os(["handoff", "artifacts", "pin", "latest", &id.to_string()]).ok();
    world.os(["handoff", "push", "origin", "latest"]).ok();
    assert!(world.os(["redact", "--again", "--dry-run"]).err.contains(&format!("os://artifact/{id} has what")));
    let said = world.os(["redact", "--again", "--yes"]).code(3).err;
    let is_command = |line: &&str| ["artifacts", "update-ref"].iter().any(|word| line.contains(word));
    let commands: Vec<&str> = said.lines().filter(is_command).filter(|line| !line.contains("warning")).collect();
    assert_eq!(commands.len(), 4, "{said}");
    assert!(!said.contains(built.trim()), "the other one is as it should be");
    for command in commands {
        let command = command.trim().trim_start_matches("hint:").trim();
        world.run("sh", world.repo(), ["-c", command]).ok();
    }
    for side in [world.repo(), world.origin()] {
        assert!(!reaches(&world, &side, LEFT), "{}", side.display());
    }
    let done = world.os(["redact", "--again", "--yes", "--json"]).json();
    assert_eq!(done["handoffs"], serde_json::json!([]));
}

#[test]
fn a_purge_removes_the_handoffs_that_were_made_of_a_session_everywhere() {
    let world = pushed();
    let (one, two) = (sid(&world, "write one.rs"), sid(&world, "write two.rs"));
    let build = |what: &[&str]| world.os([&["handoff", "build"], what].concat()).ok().trim().to_owned();
    let both = build(&["--from", &one, "--from", &two, "--pin", "latest"]);
    let (of_one, of_two) = (build(&["--from", &one]), build(&["--from", &two, "--pin", "kept"]));
    // One that is only there.
    world.os(["handoff", "push", "origin", &of_one]).ok();
    world.os(["handoff", "artifacts", "rm", &of_one]).ok();
    for pushed in [&both, &of_two, "latest", "kept"] {
        world.os(["handoff", "push", "origin", pushed]).ok();
    }
    let ben = world.clone_to("ben");
    world.os_in(&ben, ["handoff", "fetch"]).ok();
    world.os_in(&ben, ["fetch"]).ok();
    world.os_in(&ben, ["handoff", "artifacts", "pin", "mine", &both]).ok();
    assert!(reaches(&world, &ben, "write one.rs"));
    let plan = world.os(["purge", &one, "--dry-run"]).ok();
    assert!(plan.contains(&format!("{both} [latest, origin/latest]")) && !plan.contains(&of_two), "{plan}");
    let done = world.os(["purge", &one, "--yes", "--json"]).json();
    assert_eq!((&done["handoffs_removed"], &done["done"]), (&1.into(), &true.into()), "{done}");
    world.os_in(&ben, ["fetch"]).ok();
    for side in [&world.repo(), &world.origin(), &ben] {
        assert!(!reaches(&world, side, "write one.rs"), "{}", side.display());
        assert!(reaches(&world, side, "write two.rs"), "{}", side.display());
    }
    for folder in [&world.repo(), &ben] {
        world.os_in(folder, ["handoff", "artifacts", "verify", &of_two]).ok();
        assert_eq!(world.os_in(folder, ["handoff", "artifacts", "list"]).ok().lines().count(), 1);
    }
    assert!(!is_left(&world, world.repo(), "write one.rs") && !is_left(&world, &ben, "write one.rs"));
}

/// A handoff of the agent's own log.
fn of_log(world: &World, log: &Path, pin: &[&str]) -> String {
    let from = ["handoff", "build", "--from", &log.to_string_lossy()];
    world.os([&from[..], pin].concat()).ok().trim().to_owned()
}

#[test]
fn a_handoff_of_a_purged_session_goes_to_no_remote() {
    let world = pushed();
    let log = ClaudeLog::new("late", world.repo(), -60).prompt("write late.rs").answer("It is late.").save(&world);
    let late = of_log(&world, &log, &["--pin", "latest"]);
    world.os(["purge", "--yes", &sid(&world, "write one.rs")]).ok();
    // Of something else: it goes.
    assert_eq!(world.os(["handoff", "push"]).ok(), format!("new {late}\nnew latest\n"));
    world.commit("late.rs", "late\n", "late");
    world.os(["capture", "HEAD~1..HEAD"]).ok();
    world.push().ok();
    world.os(["purge", "--yes", &sid(&world, "write late.rs")]).ok();
    assert!(!reaches(&world, world.origin(), "It is late."));
    world.os(["fetch"]).ok();
    // The log is still there, and a handoff can be made of it here.
    assert_eq!(of_log(&world, &log, &["--pin", "latest"]), late);
    for asked in [&["handoff", "push"][..], &["handoff", "push", "origin", &late]] {
        let said = world.os(asked).code(1).err;
        assert!(said.contains(&format!("{late} was refused: it quotes session ")), "{said}");
        assert!(said.contains(", which was purged"), "{said}");
        assert!(said.contains(&format!("hint: git opensession handoff artifacts rm {late}")), "{said}");
    }
    let two = world.os(["handoff", "build", "--from", &sid(&world, "write two.rs"), "--pin", "two"]).ok();
    let told = world.os(["handoff", "push", "--json"]).code(3);
    let told: serde_json::Value = serde_json::from_str(&told.out).expect("JSON");
    let outcome = |name: &str| {
        let all = told["artifacts"].as_array().expect("a list");
        all.iter().find(|one| one["name"] == name).map(|one| one["outcome"].as_str().expect("a word").to_owned())
    };
    assert_eq!((outcome(&late).as_deref(), outcome("latest").as_deref()), (Some("refused"), Some("refused")));
    assert_eq!((outcome(two.trim()).as_deref(), outcome("two").as_deref()), (Some("new"), Some("new")));
    assert!(!reaches(&world, world.origin(), "It is late."));
    // What it names takes it away.
    world.os(["handoff", "artifacts", "unpin", "latest"]).ok();
    world.os(["handoff", "artifacts", "rm", &late]).ok();
    assert!(world.os(["handoff", "push"]).err.contains("has everything already"));
}

#[test]
fn a_purge_that_was_not_fetched_yet_stops_a_handoff_too() {
    let world = pushed();
    let one = sid(&world, "write one.rs");
    let ben = world.clone_to("ben");
    world.os_in(&ben, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    world.os_in(&ben, ["fetch"]).ok();
    let handoff = world.os_in(&ben, ["handoff", "build", "--from", &one, "--pin", "latest"]).ok();
    let name = format!("refs/opensession/artifacts/{}", handoff.trim().trim_start_matches("os://artifact/"));
    let blob = world.git(&ben, ["rev-parse", &name]).ok();
    world.os(["purge", &one, "--yes"]).ok();
    let said = world.os_in(&ben, ["handoff", "push"]).code(1).err;
    assert!(said.contains("it quotes session") && !said.contains("artifacts rm"), "{said}");
    assert!(!reaches(&world, world.origin(), "write one.rs") && !reaches(&world, &ben, "write one.rs"));
    // Whoever pushes it with git alone brings it to nobody.
    for name in [&name[..], "refs/opensession/pins/latest"] {
        world.git(&ben, ["push", "-q", "--no-verify", "origin", &format!("{}:{name}", blob.trim())]).ok();
    }
    let said = world.os(["handoff", "fetch"]).code(1).err;
    assert_eq!(said.matches("was refused: it quotes session").count(), 2, "{said}");
    assert!(!reaches(&world, world.repo(), "write one.rs"));
}

#[test]
fn a_handoff_that_a_remote_does_not_let_go_of_stays_named() {
    let world = pushed();
    let one = sid(&world, "write one.rs");
    world.os(["handoff", "build", "--from", &one, "--pin", "latest"]).ok();
    world.os(["handoff", "push", "origin", "latest"]).ok();
    let hook = "#!/bin/sh\ncase $1 in refs/opensession/artifacts/*) echo it stays >&2; exit 1;; esac\n";
    world.program(world.origin().join("hooks/update"), hook);
    let said = world.os(["purge", &one, "--yes"]).code(3).err;
    assert!(said.contains("origin did not take refs/opensession/artifacts/"), "{said}");
    fs::remove_file(world.origin().join("hooks/update")).expect("it can be removed");
    world.os(["purge", &one, "--yes"]).ok();
    for side in [world.repo(), world.origin()] {
        assert!(!reaches(&world, &side, "write one.rs"), "{}", side.display());
    }
}

#[test]
fn a_purge_removes_handoffs_of_folders_in_no_repository() {
    let world = pushed();
    let (one, outside) = (sid(&world, "write one.rs"), world.path("tmp"));
    let store = world.home().join(".local/share/opensession/store.git");
    let build = |what: &str| {
        let text = world.os(["cat", what]).ok();
        fs::write(outside.join("session.hail.jsonl"), text).expect("a file");
        world.os_in(&outside, ["handoff", "build", "--from", "./session.hail.jsonl"]).ok();
    };
    build(&one);
    assert!(reaches(&world, &store, "write one.rs"));
    let done = world.os(["purge", &one, "--yes", "--json"]).json();
    assert_eq!(done["handoffs_removed"], 1, "{done}");
    assert!(!is_left(&world, &store, "write one.rs"));
    // And from outside.
    let two = sid(&world, "write two.rs");
    build(&two);
    world.os_in(&outside, ["register", "session.hail.jsonl"]).ok();
    let said = world.os_in(&outside, ["purge", &two, "--yes"]);
    assert!(said.err.contains("your own store (1 snapshot), 1 handoff"), "{}", said.err);
    said.ok();
    assert!(!is_left(&world, &store, "write two.rs"));
}
