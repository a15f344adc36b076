//! Sharing: an address that others can read, of one session, and nothing else with it.

mod clipboard;
mod crowd;
mod failures;
mod gone;
mod quick;
mod readers;
mod web;

use std::fs;
use std::path::Path;

use crate::push::{MAIN, behind, ids, ledgers, reader, work};
use crate::world::{Answer, ClaudeLog, World};

/// A session that is registered in the repository. Its address.
pub fn registered(world: &World, session: &str) -> String {
    registered_in(world, world.repo(), session)
}

/// The same in another folder.
pub fn registered_in(world: &World, folder: impl AsRef<Path>, session: &str) -> String {
    let hail = hail(world, session);
    world.os_in(folder, ["register".as_ref(), hail.as_os_str()]).ok().trim_end().to_owned()
}

/// The canonical text of a session, as a file.
pub fn hail(world: &World, session: &str) -> std::path::PathBuf {
    let file = format!("{session}.txt");
    let log = ClaudeLog::new(session, world.repo(), -60).prompt(&format!("write {file}"));
    let log = log.write(&file, "a\nb\n").answer("Done.");
    let (raw, out) = (world.path(format!("{session}.log")), world.path(format!("{session}.hail.jsonl")));
    fs::write(&raw, log.text()).expect("a log");
    let words = ["parse", "--profile", "claude-code", "--out"].map(std::ffi::OsStr::new);
    world.os(words.into_iter().chain([out.as_os_str(), raw.as_os_str()])).ok();
    out
}

/// The address on line one, and what follows.
pub fn lines(answer: Answer) -> (String, Vec<String>) {
    let out = answer.ok();
    let mut lines = out.lines().map(str::to_owned);
    (lines.next().expect("an address"), lines.collect())
}

/// `share <what> --git --remote origin --push`.
pub fn pushed(world: &World, folder: impl AsRef<Path>, what: &str) -> String {
    lines(world.os_in(folder, ["share", what, "--git", "--remote", "origin", "--push"])).0
}

/// The address that a session with that digest has at the world's remote, in the ledger of main.
fn expected(world: &World, digest: &str) -> String {
    use git_opensession::uri::{Reference, Remote, RemoteSource, SourcePath};
    let source = RemoteSource {
        remote: Remote::of_url(&world.origin().display().to_string()).expect("a remote"),
        reference: Reference::new(MAIN).expect("a ref"),
        path: SourcePath::new(&format!("sessions/{digest}.jsonl")).expect("a path"),
    };
    source.to_string()
}

/// The snapshots in a ledger, sorted.
pub fn snapshots(world: &World, repository: impl AsRef<Path>, ledger: &str) -> Vec<String> {
    let listed = world.git(repository, ["ls-tree", "-r", "--name-only", ledger, "sessions/"]);
    listed.ok().lines().map(str::to_owned).collect()
}

#[test]
fn without_push_nothing_leaves_the_machine_and_the_second_line_is_what_pushes_it() {
    let world = World::new();
    let local = registered(&world, "s1");
    let digest = &local["os://src/local/".len()..];
    let blob = world.git(world.repo(), ["rev-parse", &format!("refs/opensession/local:sessions/{digest}.jsonl")]).ok();
    let objects = || world.git(world.repo(), ["rev-list", "--all", "--objects", "--count"]).ok();
    let before = world.refs(world.origin(), "refs/");

    // Another remote that cannot be reached: no network is needed.
    let (address, rest) = lines(world.os(["share", &local, "--git", "--remote", "origin"]));
    assert_eq!(address, expected(&world, digest));
    assert_eq!(rest, [format!("git opensession share {local} --git --remote origin --push")]);
    assert_eq!(world.refs(world.origin(), "refs/"), before);
    let path = format!("{MAIN}:sessions/{digest}.jsonl");
    assert_eq!(world.git(world.repo(), ["rev-parse", &path]).ok(), blob, "the blob of the store");
    assert_eq!(world.git(world.repo(), ["show", &path]).ok(), world.os(["cat", &local]).ok(), "plain text");

    // Once more: nothing is written.
    let (tip, count) = (world.refs(world.repo(), MAIN), objects());
    assert_eq!(lines(world.os(["share", &local, "--git", "--remote", "origin"])).0, address);
    assert_eq!((world.refs(world.repo(), MAIN), objects()), (tip, count));

    let answer = world.run("sh", world.repo(), ["-c", &rest[0]]);
    assert_eq!(answer.out, format!("{address}\n"), "{answer:?}");
    assert!(answer.err.contains("origin has it in the ledger of main"), "{answer:?}");
    assert_eq!(snapshots(&world, world.origin(), MAIN), [format!("sessions/{digest}.jsonl")]);
    assert_eq!(world.refs(world.origin(), MAIN), world.refs(world.repo(), MAIN), "both are one");
    let again = world.run("sh", world.repo(), ["-c", &rest[0]]);
    assert_eq!(again.out, format!("{address}\n"));
    assert_eq!(world.git(world.repo(), ["status", "--porcelain"]).ok(), "", "no file in the work tree");
    for side in [world.repo(), world.origin()] {
        world.git(side, ["fsck", "--strict"]).ok();
    }
    world.os(["fsck"]).ok();
}

#[test]
fn a_session_is_shared_by_its_commit_its_id_or_as_head_and_is_one_each_time() {
    let world = World::new();
    let commit = world.work("one", "one.txt");
    world.os(["capture"]).ok();
    let sid = world.os(["log", "--json"]).json()["sessions"][0]["sid"].as_str().expect("an id").to_owned();
    let digest = world.os(["inspect", "--json", "HEAD"]).json()["sessions"][0]["digest"].as_str().map(str::to_owned);
    let digest = digest.expect("a digest");
    for what in ["HEAD", &commit, &commit[..10], &sid, &sid[..6]] {
        let (address, rest) = lines(world.os(["share", what, "--git", "--remote", "origin"]));
        assert_eq!(address, expected(&world, &digest), "{what}");
        assert_eq!(rest, [format!("git opensession share {sid} --git --remote origin --push")], "{what}");
    }
    assert_eq!(snapshots(&world, world.repo(), MAIN), [format!("sessions/{digest}.jsonl")]);
    assert_eq!(world.os(["cat", &expected(&world, &digest)]).ok(), world.os(["cat", "HEAD"]).ok());
}

#[test]
fn a_push_takes_that_session_along_and_nothing_else_of_the_ledger() {
    let world = World::installed();
    work(&world, 1, world.repo(), "private.rs");
    world.os(["capture"]).ok();
    let local = registered(&world, "s1");
    let address = pushed(&world, world.repo(), &local);
    assert_eq!(snapshots(&world, world.origin(), MAIN).len(), 1);
    let all = world.git(world.origin(), ["ls-tree", "-r", "--name-only", MAIN]).ok();
    assert!(!all.contains("v2/s/") && !all.contains("v2/c/"), "its commit is not published: {all}");
    assert!(!String::from_utf8_lossy(&world.everything_in(world.origin())).contains("please do number 1"));

    // The push of the branch brings the rest, on top of what is there.
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    let ben = reader(&world, "ben");
    assert_eq!(behind(&world, &ben, "HEAD"), ids([1]));
    assert_eq!(world.os_in(&ben, ["cat", &address]).ok(), world.os(["cat", &local]).ok());
    assert_eq!(ledgers(&world, world.origin()), ledgers(&world, world.repo()));
}

#[test]
fn the_ledger_can_be_named_by_its_branch_or_by_its_ref() {
    let world = World::new();
    let local = registered(&world, "s1");
    let named = |text: &str| {
        let address = lines(world.os(["share", &local, "--git", "--remote", "origin", "--ref", text])).0;
        address.split("/ref/").nth(1).expect("a ref").split("/path/").next().expect("it").replace("%2F", "/")
    };
    assert_eq!(named("refs/opensession/branches/dG9waWM"), "refs/opensession/branches/dG9waWM");
    assert_eq!(named("topic"), "refs/opensession/branches/dG9waWM");
    assert_eq!(named("refs/heads/topic"), "refs/opensession/branches/dG9waWM");
    let (_, rest) = lines(world.os(["share", &local, "--git", "--remote", "origin", "--ref", "topic"]));
    assert!(rest[0].ends_with("--git --remote origin --ref topic --push"), "{rest:?}");
    for text in
        ["refs/heads/", "refs/tags/v1", "refs/opensession/local", "a..b", "refs/opensession/branches/x/y", "HEAD"]
    {
        let answer = world.os(["share", &local, "--git", "--remote", "origin", "--ref", text]).code(2);
        assert!(answer.err.contains("is no branch and no ledger"), "{answer:?}");
    }
    // A branch that follows another is that of its readers; without a branch there is one of the commit.
    world.git(world.repo(), ["switch", "-qc", "mine", "--track", "origin/main"]).ok();
    assert!(lines(world.os(["share", &local, "--git", "--remote", "origin"])).0.contains("branches%2FbWFpbg/"));
    world.git(world.repo(), ["switch", "-q", "--detach"]).ok();
    assert!(!lines(world.os(["share", &local, "--git", "--remote", "origin"])).0.contains("branches%2FbWFpbg/"));
}

#[test]
fn a_branch_with_a_very_long_name_and_a_host_of_branches_only_have_addresses_too() {
    let world = World::new();
    let long = format!("{}/{}", "a".repeat(120), "b".repeat(100));
    world.git(world.repo(), ["switch", "-qc", &long]).ok();
    let local = registered(&world, "s1");
    let address = pushed(&world, world.repo(), &local);
    assert!(address.contains("branches%2Fh."), "{address}");
    let ben = world.clone_to("ben");
    assert_eq!(world.os_in(&ben, ["cat", &address]).ok(), world.os(["cat", &local]).ok());
    let named = address.split("/ref/").nth(1).and_then(|rest| rest.split("/path/").next()).expect("a ref");
    let named = named.replace("%2F", "/");
    assert_eq!(lines(world.os(["share", &local, "--git", "--remote", "origin", "--ref", &named])).0, address);

    world.git(world.repo(), ["switch", "-q", "main"]).ok();
    world.git(world.repo(), ["config", "opensession.namespace", "refs/heads/opensession/branches"]).ok();
    let address = pushed(&world, world.repo(), &local);
    assert!(address.contains("/ref/refs%2Fheads%2Fopensession%2Fbranches%2FbWFpbg/"), "{address}");
    assert_eq!(world.refs(world.origin(), "refs/heads/opensession/").len(), 1);
    let cam = world.clone_to("cam");
    for folder in [world.repo(), cam, world.root()] {
        assert_eq!(world.os_in(folder, ["cat", &address]).ok(), world.os(["cat", &local]).ok());
    }
}

#[test]
fn a_session_of_one_remote_can_be_shared_at_another_and_by_an_address_alone() {
    let world = World::new();
    let local = registered(&world, "s1");
    let first = pushed(&world, world.repo(), &local);
    world.git(world.root(), ["init", "-q", "--bare", "second.git"]).ok();
    let url = world.path("second.git").display().to_string();
    let ben = world.clone_to("ben");
    let (second, _) = lines(world.os_in(&ben, ["share", &first, "--git", "--remote", &url, "--push"]));
    assert_ne!(second, first);
    assert_eq!(snapshots(&world, &url, MAIN).len(), 1);
    assert_eq!(world.os_in(world.root(), ["cat", &second]).ok(), world.os(["cat", &local]).ok());
    assert!(world.refs(&ben, "refs/remotes/").iter().all(|found| found.contains("refs/remotes/origin/")));
    assert_eq!(world.git(&ben, ["remote"]).ok(), "origin\n", "no remote is configured");
}

#[test]
fn programs_get_one_document() {
    let world = World::new();
    let local = registered(&world, "s1");
    let told = world.os(["share", &local, "--git", "--remote", "origin", "--json"]).json();
    assert_eq!(told["schema"], "opensession.share/1");
    assert_eq!(told["uri"], expected(&world, told["digest"].as_str().expect("a digest")));
    assert_eq!((&told["branch"], &told["ref"], &told["new"]), (&"main".into(), &MAIN.into(), &true.into()));
    assert_eq!(told["pushes"], serde_json::json!([]));
    let command = format!("git opensession share {local} --git --remote origin --push");
    assert_eq!(told["push_command"], command);
    let pushed = world.os(["share", &local, "--git", "--remote", "origin", "--push", "--json"]).json();
    assert_eq!(pushed["pushes"], serde_json::json!([{"remote": "origin", "outcome": "pushed"}]));
    assert_eq!((&pushed["new"], pushed.get("push_command")), (&false.into(), None));
    let again = world.os(["share", &local, "--git", "--remote", "origin", "--push", "--json"]).json();
    assert_eq!(again["pushes"][0]["outcome"], "already-there");
}

#[test]
fn the_words_of_the_first_opensession_are_understood() {
    let world = World::new();
    let hail = hail(&world, "s1");
    let program = world.path("bin/opensession");
    fs::create_dir_all(world.path("bin")).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_git-opensession"), &program).expect("a link");
    let run = |words: &str| world.run(&program, world.repo(), words.split(' '));
    fs::copy(&hail, world.repo().join("session.hail.jsonl")).expect("a copy");
    let uri = run("register ./session.hail.jsonl").ok().trim_end().to_owned();
    let (address, rest) = lines(run(&format!("share {uri} --git --remote origin")));
    assert_eq!(rest, [format!("opensession share {uri} --git --remote origin --push")]);
    assert_eq!(run(&format!("share {uri} --git --remote origin --push")).ok(), format!("{address}\n"));
    assert_eq!(run(&format!("cat {address}")).ok(), fs::read_to_string(hail).expect("text"));
    let refused = run(&format!("share {uri} --web")).code(2);
    assert!(refused.err.contains(&format!("hint: opensession share {uri} --git --remote origin\n")), "{refused:?}");
    let refused = run(&format!("share {address} --web")).code(1);
    assert!(refused.err.contains("hint: opensession config init --base-url https://opensession.io\n"), "{refused:?}");
    run("config init --base-url https://opensession.io").ok();
    let shown = run(&format!("share {address} --web")).ok();
    assert_eq!(shown, format!("https://opensession.io{}\n", address.strip_prefix("os:/").expect("an address")));
}
