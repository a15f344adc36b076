//! What is left beside a ledger: taken in by whoever comes next, bounded, and reached by everything that takes things out.

use std::fs;
use std::path::{Path, PathBuf};

use super::{MAIN, behind, ids, work};
use crate::world::World;

const INBOX: &str = "refs/opensession/inbox/";
const TRACKED: &str = "refs/opensession/remotes/origin/inbox/";
const TOPIC: &str = "refs/opensession/branches/dG9waWM";

/// A clone that is set up.
fn clone(world: &World, name: &str) -> PathBuf {
    let folder = world.clone_to(name);
    world.os_in(&folder, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    folder
}

/// Pushes while a ledger of the remote is locked: what it carries is left in the inbox.
fn push_beside(world: &World, folder: impl AsRef<Path>, ledger: &str, what: &str) {
    let lock = world.origin().join(format!("{ledger}.lock"));
    fs::create_dir_all(lock.parent().expect("a folder")).expect("folders");
    fs::write(&lock, "").expect("a lock");
    let before = world.refs(world.origin(), INBOX).len();
    let said = world.git(folder, ["push", "origin", what]);
    assert!(said.err.contains(" -> origin"), "{}", said.err);
    said.ok();
    fs::remove_file(lock).expect("it is unlocked");
    assert_eq!(world.refs(world.origin(), INBOX).len(), before + 1);
}

/// `first` has session 1 in the ledger; session 2 of `second` lies beside it.
fn beside() -> (World, PathBuf) {
    let world = World::installed();
    work(&world, 1, world.repo(), "one.rs");
    world.push().ok();
    let second = clone(&world, "second");
    work(&world, 2, &second, "two.rs");
    push_beside(&world, &second, MAIN, "main");
    (world, second)
}

fn assert_empty(world: &World, folder: impl AsRef<Path>) {
    assert_eq!(world.refs(world.origin(), INBOX), [""; 0]);
    assert_eq!(world.refs(folder, TRACKED), [""; 0]);
}

#[test]
fn a_remote_that_lets_no_refs_hang_together_is_drained_too() {
    let (world, _) = beside();
    world.git(world.origin(), ["config", "receive.advertiseAtomic", "false"]).ok();
    world.os(["fetch"]).ok();
    assert_eq!(world.refs(world.repo(), TRACKED).len(), 1);
    world.os(["push"]).ok();
    assert_empty(&world, world.repo());
    let reader = super::reader(&world, "reader");
    assert_eq!((behind(&world, &reader, "HEAD~1"), behind(&world, &reader, "HEAD")), (ids([1]), ids([2])));
    assert!(world.os(["push"]).err.contains("origin has everything already"));
}

#[test]
fn whoever_left_it_takes_it_in_himself() {
    let (world, second) = beside();
    assert_eq!(world.refs(&second, TRACKED).len(), 1);
    work(&world, 3, &second, "three.rs");
    world.git(&second, ["push", "-q", "origin", "main"]).ok();
    assert_empty(&world, &second);
}

#[test]
fn what_was_left_beside_a_ledger_that_nobody_has_becomes_one() {
    let world = World::installed();
    world.git(world.repo(), ["switch", "-q", "-c", "topic"]).ok();
    work(&world, 1, world.repo(), "one.rs");
    push_beside(&world, world.repo(), TOPIC, "topic");
    assert_eq!(world.refs(world.origin(), TOPIC), [""; 0]);
    // Whoever left it never comes back.
    let ben = clone(&world, "ben");
    world.os_in(&ben, ["fetch"]).ok();
    assert_eq!(behind(&world, &ben, "origin/topic"), ids([1]), "it is read where it lies");
    world.os_in(&ben, ["push"]).ok();
    assert_eq!(world.refs(world.origin(), TOPIC).len(), 1);
    assert_empty(&world, &ben);
    assert_eq!(behind(&world, &ben, "origin/topic"), ids([1]));
    assert_eq!(world.git(world.origin(), ["rev-list", "--count", TOPIC]).ok().trim(), "1");
}

/// Leaves so many commits more in the inbox of `main`, as that many clones would.
fn crowd(world: &World, count: usize) {
    let tip = world.git(world.origin(), ["rev-parse", MAIN]).ok();
    let script = format!(
        "for n in $(seq {count}); do commit=$(git commit-tree {tip}^{{tree}} -p {tip} -m $n) && \
         echo create {INBOX}bWFpbg/$commit $commit; done | git update-ref --stdin",
        tip = tip.trim(),
    );
    world.run("sh", world.origin(), ["-c", &script]).ok();
    assert_eq!(world.refs(world.origin(), INBOX).len(), count);
}

#[test]
fn a_fetch_takes_in_so_much_of_an_inbox_and_no_more() {
    let world = World::installed();
    work(&world, 1, world.repo(), "one.rs");
    world.push().ok();
    crowd(&world, 100);
    for (name, at) in [("latest", MAIN), (&"1".repeat(40), MAIN)] {
        world.git(world.origin(), ["update-ref", &format!("{INBOX}bWFpbg/{name}"), at]).ok();
    }
    world.os(["fetch"]).ok();
    assert_eq!(world.refs(world.repo(), TRACKED).len(), 64, "and nothing that is not what it is named for");
    world.os(["fetch"]).ok();
    assert_eq!(world.refs(world.repo(), TRACKED).len(), 64);
    world.os(["push"]).ok();
    assert_eq!((world.refs(world.repo(), TRACKED).len(), world.refs(world.origin(), INBOX).len()), (0, 38));
    world.os(["sync"]).ok();
    assert_eq!((world.refs(world.repo(), TRACKED).len(), world.refs(world.origin(), INBOX).len()), (0, 2));
}

#[test]
fn rubbish_in_an_inbox_keeps_nobody_from_pushing() {
    let (world, _) = beside();
    let origin = world.origin();
    let tree = world.git(&origin, ["mktree"]).ok();
    fs::write(world.path("tmp/format"), "99").expect("a file");
    let blob = world.git(&origin, ["hash-object", "-w", &world.path("tmp/format").display().to_string()]).ok();
    let script = format!(
        "v2=$(printf '100644 blob {}\\tformat\\n' | git mktree) && printf \"040000 tree $v2\\tv2\\n\" | git mktree",
        blob.trim()
    );
    let newer = world.run("sh", &origin, ["-c", &script]).ok();
    for tree in [tree.trim(), newer.trim()] {
        let commit = world.git(&origin, ["commit-tree", tree, "-m", "rubbish"]).ok();
        let commit = commit.trim();
        world.git(&origin, ["update-ref", &format!("{INBOX}bWFpbg/{commit}"), commit]).ok();
    }
    world.os(["fetch"]).ok();
    world.git(world.repo(), ["pull", "-q"]).ok();
    work(&world, 3, world.repo(), "three.rs");
    world.push().ok();
    let reader = super::reader(&world, "reader");
    assert_eq!(
        ["HEAD~2", "HEAD~1", "HEAD"].map(|commit| behind(&world, &reader, commit)),
        [ids([1]), ids([2]), ids([3])]
    );
    world.os(["push"]).ok();
}

#[test]
fn a_host_that_lets_nothing_be_deleted_is_asked_once() {
    let (world, _) = beside();
    let hook = "#!/bin/sh\ncase $3 in *[!0]*) exit 0;; *) echo nothing is deleted here >&2; exit 1;; esac\n";
    world.program(world.origin().join("hooks/update"), hook);
    world.os(["fetch"]).ok();
    world.os(["push"]).ok();
    let reader = super::reader(&world, "reader");
    assert_eq!(behind(&world, &reader, "HEAD"), ids([2]), "it is in the ledger");
    assert_eq!(world.refs(world.origin(), INBOX).len(), 1);
    fs::rename(world.origin(), world.path("away.git")).expect("the remote goes away");
    assert!(world.os(["push"]).err.contains("origin has everything already"), "nobody needs it");
}

#[test]
fn a_purge_reaches_it() {
    let (world, second) = beside();
    let listed = world.os_in(&second, ["log", "--json"]).json();
    let of = |title: &str| {
        let sessions = listed["sessions"].as_array().expect("sessions");
        let found = sessions.iter().find(|session| session["title"] == title).expect("it is there");
        found["sid"].as_str().expect("a name").to_owned()
    };
    world.os(["purge", &of("please do number 2"), "--yes"]).ok();
    assert_empty(&world, world.repo());
    assert!(!reaches(&world, "please do number 2") && reaches(&world, "please do number 1"));
    world.os_in(&second, ["sync"]).ok();
    assert_eq!(world.titles(&second), ["please do number 1"]);
}

#[test]
fn a_purge_reaches_what_was_left_there_by_somebody_who_knew_nothing_of_it() {
    let (world, second) = beside();
    let listed = world.os(["log", "--json"]).json();
    let one = listed["sessions"][0]["sid"].as_str().expect("a name").to_owned();
    let inbox = world.refs(world.origin(), INBOX).remove(0);
    let (name, tip) = inbox.split_once(' ').expect("a ref");
    world.git(world.origin(), ["update-ref", "refs/aside", tip]).ok();
    world.os(["purge", &one, "--yes"]).ok();
    world.git(world.origin(), ["update-ref", name, tip]).ok();
    world.git(world.origin(), ["update-ref", "-d", "refs/aside"]).ok();
    assert!(reaches(&world, "please do number 1"), "it came back");
    world.os(["purge", &one, "--yes"]).ok();
    assert!(!reaches(&world, "please do number 1") && reaches(&world, "please do number 2"));
    world.os_in(&second, ["sync"]).ok();
    assert_empty(&world, &second);
    assert!(!reaches(&world, "please do number 1"));
}

#[test]
fn a_prune_reaches_it() {
    let (mut world, second) = beside();
    world.set_now("2026-05-06T12:00:00Z");
    let plan = world.os(["prune", "--older-than", "30d"]).ok();
    assert_eq!(plan.lines().filter(|line| line.contains("at origin")).count(), 2, "ledger and inbox: {plan}");
    world.os(["prune", "--older-than", "30d", "--apply"]).ok();
    assert_empty(&world, world.repo());
    assert!(!reaches(&world, "please do number 1") && !reaches(&world, "please do number 2"));
    world.os_in(&second, ["sync"]).ok();
    assert!(!reaches(&world, "please do number 2"));
    assert!(world.titles(&second).is_empty());
}

#[test]
fn a_fold_takes_it_along() {
    let world = World::installed();
    work(&world, 1, world.repo(), "one.rs");
    world.push().ok();
    world.git(world.repo(), ["switch", "-q", "-c", "topic"]).ok();
    work(&world, 2, world.repo(), "two.rs");
    world.git(world.repo(), ["push", "-q", "origin", "topic"]).ok();
    work(&world, 3, world.repo(), "three.rs");
    push_beside(&world, world.repo(), TOPIC, "topic");
    world.git(world.repo(), ["switch", "-q", "main"]).ok();
    let ben = clone(&world, "ben");
    world.os_in(&ben, ["fold", "topic", "--into", "main", "--yes"]).ok();
    assert_empty(&world, &ben);
    let ledgers = super::ledgers(&world, world.origin());
    assert!(ledgers.len() == 1 && ledgers[0].starts_with(MAIN), "{ledgers:?}");
    let reader = super::reader(&world, "reader");
    let topic = |n| behind(&world, &reader, &format!("origin/topic{n}"));
    assert_eq!((topic("~1"), topic("")), (ids([2]), ids([3])));
}

/// Whether a text is anywhere in what the refs of the remote reach.
fn reaches(world: &World, text: &str) -> bool {
    crate::rolling::reaches(world, world.origin(), text)
}

/// Leaves a commit in the inbox of `main` that git's check of what it fetches does not let in. The command that deletes it.
fn unsound(world: &World, name: &[u8]) -> String {
    let origin = world.origin();
    let good = world.git(&origin, ["rev-parse", MAIN]).ok();
    crate::fsck::plant(world, &origin, MAIN, name);
    let bad = world.git(&origin, ["rev-parse", MAIN]).ok();
    let inbox = format!("{INBOX}bWFpbg/{}", bad.trim());
    world.git(&origin, ["update-ref", &inbox, bad.trim()]).ok();
    world.git(&origin, ["update-ref", MAIN, good.trim()]).ok();
    format!("git push --no-verify origin :{inbox}")
}

#[test]
fn what_no_fetch_takes_is_named_and_everything_beside_it_comes() {
    let (world, _) = beside();
    // Who knows nothing of that one leaves another.
    let third = clone(&world, "third");
    world.git(&third, ["switch", "-q", "-c", "topic"]).ok();
    work(&world, 3, &third, "three.rs");
    push_beside(&world, &third, TOPIC, "topic");
    // A clone of a folder takes all that is there, and asks nothing.
    let ben = clone(&world, "ben");
    let (one, two) = (unsound(&world, b".."), unsound(&world, b".git"));
    for _ in 0..2 {
        let said = world.os_in(&ben, ["fetch"]).code(3).err;
        assert!(said.contains(&one) && said.contains(&two), "{said}");
        assert_eq!(said.matches("was not fetched: object").count(), 2, "{said}");
        assert_eq!(world.refs(&ben, TRACKED).len(), 2, "the others are here");
        assert_eq!(
            (behind(&world, &ben, "origin/main"), behind(&world, &ben, "origin/topic")),
            (ids([1, 2]), ids([3]))
        );
    }
    // It is not fetched in vain again, nor does it keep anybody from anything.
    let trace = world.path("tmp/trace");
    let mut traced = world.command(env!("CARGO_BIN_EXE_git-opensession"), &ben);
    traced.arg("fetch").env("GIT_TRACE", &trace).output().expect("it runs");
    let trace = fs::read_to_string(&trace).expect("a trace");
    assert!(trace.contains("ls-remote") && !trace.contains("+refs/opensession/inbox"), "{trace}");
    world.os_in(&ben, ["push"]).ok();
    assert_eq!(world.refs(world.origin(), INBOX).len(), 2, "what is sound is in the ledgers");
    assert_eq!(world.os_in(&ben, ["prune", "--older-than", "30d", "--apply"]).code(3).err.matches(&one).count(), 1);
    for command in [one, two] {
        world.run("sh", &ben, ["-c", &command]).ok();
    }
    world.os_in(&ben, ["fetch"]).ok();
    world.os_in(&ben, ["fsck"]).ok();
}

#[test]
fn a_ledger_that_no_fetch_takes_keeps_those_of_other_branches_from_nobody() {
    let world = World::installed();
    work(&world, 1, world.repo(), "one.rs");
    world.push().ok();
    let ben = clone(&world, "ben");
    world.os_in(&ben, ["fetch"]).ok();
    world.git(world.repo(), ["switch", "-q", "-c", "topic"]).ok();
    work(&world, 2, world.repo(), "two.rs");
    world.git(world.repo(), ["push", "-q", "origin", "topic"]).ok();
    world.git(world.repo(), ["switch", "-q", "-c", "gone", "main"]).ok();
    work(&world, 3, world.repo(), "three.rs");
    world.git(world.repo(), ["push", "-q", "origin", "gone"]).ok();
    crate::fsck::plant(&world, &world.origin(), MAIN, b"..");
    let said = world.os_in(&ben, ["fetch"]).code(3).err;
    assert!(said.contains(&format!("{MAIN} at origin was not fetched: object")), "{said}");
    world.git(&ben, ["fetch", "-q"]).ok();
    assert_eq!(behind(&world, &ben, "origin/main"), ids([1]), "as it was known before");
    assert_eq!((behind(&world, &ben, "origin/topic"), behind(&world, &ben, "origin/gone")), (ids([2]), ids([3])));
    // What is gone there goes here all the same.
    world.git(world.origin(), ["update-ref", "-d", "refs/opensession/branches/Z29uZQ"]).ok();
    world.os_in(&ben, ["fetch"]).code(3);
    assert_eq!(world.refs(&ben, "refs/opensession/remotes/origin/branches/").len(), 2);
    // A purge says what it does not reach.
    world.os_in(&ben, ["purge", "--before", "2026-03-07", "--yes"]).code(3);
    assert!(!reaches(&world, "please do number 2"));
}

#[test]
fn of_several_ledgers_only_the_one_that_is_not_sound_there_waits() {
    let world = World::installed();
    let both = |folder: &Path| world.git(folder, ["push", "origin", "main", "topic"]).err;
    let on = |folder: &Path, branch: &str, n| {
        world.git(folder, ["switch", "-q", branch]).ok();
        work(&world, n, folder, &format!("{n}.rs"));
    };
    let ann = world.repo();
    work(&world, 1, &ann, "1.rs");
    world.git(&ann, ["switch", "-q", "-c", "topic"]).ok();
    work(&world, 2, &ann, "2.rs");
    both(&ann);
    let ben = clone(&world, "ben");
    on(&ben, "topic", 3);
    world.git(&ben, ["push", "-q", "origin", "topic"]).ok();
    crate::fsck::plant(&world, &world.origin(), MAIN, b"..");
    world.git(&ann, ["pull", "-q", "origin", "topic"]).ok();
    on(&ann, "topic", 4);
    on(&ann, "main", 5);
    let delete = format!("git push --no-verify origin :{MAIN}");
    let said = both(&ann);
    assert!(said.contains(&format!("{MAIN}) wait: what origin has of it is not sound: object")), "{said}");
    assert!(said.contains(&delete) && said.contains("1 session (1 commit) -> origin"), "{said}");
    // Asked for by hand it says the same, and in JSON which of them it is.
    let asked = world.os(["push"]).code(3).err;
    assert!(asked.contains(&delete), "{asked}");
    let told = world.os(["push", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told.code(3).out).expect("JSON");
    assert_eq!(told["remotes"][0]["ledgers"][0]["outcome"], "unsound", "{told}");
    let strict = world.git(&ann, ["-c", "opensession.strict=true", "push", "origin", "main:other", "topic:more"]);
    assert!(strict.code(1).err.contains(&delete));
    let reader = super::reader(&world, "reader");
    assert_eq!(behind(&world, &reader, "origin/topic~0"), ids([4]));
    assert_eq!(behind(&world, &reader, "origin/topic~1"), ids([3]));
    // The command that is named helps.
    world.run("sh", &ann, ["-c", &delete]).ok();
    world.os(["push"]).ok();
    world.os_in(&reader, ["fetch"]).ok();
    assert_eq!(behind(&world, &reader, "origin/main~0"), ids([5]));
    world.os_in(&reader, ["fsck"]).ok();
}
