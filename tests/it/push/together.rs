//! Several clones on one branch: nothing is lost, and what is purged stays gone.

use std::path::{Path, PathBuf};

use super::{MAIN, behind, fetch_ledgers, ids, reader, work, wrote};
use crate::world::World;

/// A second clone in which somebody works and pushes.
fn second(world: &World) -> PathBuf {
    let folder = world.clone_to("second");
    world.os_in(&folder, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    folder
}

fn push(world: &World, folder: impl AsRef<Path>) -> String {
    let said = world.git(folder, ["push", "origin", "HEAD:main"]);
    let told = said.err.clone();
    said.ok();
    told
}

/// Two clones have each pushed one commit, and one session, without having seen the other's ledger.
fn two() -> (World, PathBuf) {
    let world = World::installed();
    let second = second(&world);
    work(&world, 1, world.repo(), "one.rs");
    push(&world, world.repo());
    world.git(&second, ["pull", "-q"]).ok();
    work(&world, 2, &second, "two.rs");
    let told = push(&world, &second);
    assert!(told.contains("opensession: 1 session (1 commit) -> origin"), "{told}");
    (world, second)
}

#[test]
fn who_pushes_second_joins_what_the_first_has_pushed() {
    let (world, _) = two();
    let ben = reader(&world, "ben");
    assert_eq!((behind(&world, &ben, "HEAD~1"), behind(&world, &ben, "HEAD")), (ids([1]), ids([2])));
    let chain = world.git(world.origin(), ["rev-list", "--count", MAIN]).ok();
    assert_eq!(chain.trim(), "2", "one follows on the other");
    // And the first, who has not fetched since.
    world.git(world.repo(), ["pull", "-q"]).ok();
    work(&world, 3, world.repo(), "three.rs");
    let told = push(&world, world.repo());
    assert!(told.contains("opensession: 1 session (1 commit) -> origin"), "{told}");
    fetch_ledgers(&world, &ben);
    world.git(&ben, ["pull", "-q"]).ok();
    assert_eq!(["HEAD~2", "HEAD~1", "HEAD"].map(|commit| behind(&world, &ben, commit)), [ids([1]), ids([2]), ids([3])]);
}

#[test]
fn sync_brings_both_together_and_says_so_in_a_line() {
    let (world, second) = two();
    // Here is something that was captured, but not pushed; there is something that was not seen here.
    world.git(world.repo(), ["pull", "-q"]).ok();
    wrote(&world, 3, world.repo(), "three.rs");
    world.commit("three.rs", &super::line(3), "three");
    world.git(world.repo(), ["push", "-q", "--no-verify", "origin", "main"]).ok();
    world.os(["capture", "HEAD~1..HEAD"]).ok();
    let told = world.os(["sync"]).ok();
    assert!(told.contains("origin: 1 ledger joined; 1 session (1 commit) -> origin"), "{told}");
    assert_eq!(world.os(["sync"]).ok(), "origin: in sync\n");
    let json = world.os_in(&second, ["sync", "origin", "--json"]).json();
    assert_eq!(json["schema"], "opensession.sync/1");
    assert_eq!(json["remotes"][0]["joined"][0]["branch"], "main");
    assert_eq!(json["remotes"][0]["pushed"]["ledgers"], serde_json::json!([]));
    let [one, other] = [&world.repo(), &second].map(|folder| world.git(folder, ["rev-parse", MAIN]).ok());
    assert_eq!(one, other, "both are at the remote's tip");
}

#[test]
fn sync_pushes_only_where_it_may_and_fails_by_name() {
    let world = World::new();
    work(&world, 1, world.repo(), "one.rs");
    world.os(["capture"]).ok();
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    let refused = world.os(["sync"]).code(1);
    assert!(refused.err.contains("nobody has allowed sessions to go to origin"), "{}", refused.err);
    world.os(["sync", "nowhere"]).code(2);
    world.git(world.repo(), ["remote", "add", "gone", "/does/not/exist"]).ok();
    world.os(["sync", "gone"]).code(4);
}

/// Writes a tombstone for every session of the remote's ledger, as a purge elsewhere would: without parents.
fn purge_all(world: &World) {
    let origin = world.origin();
    let listed = world.git(&origin, ["ls-tree", "-r", "--name-only", MAIN, "v2/s/"]).ok();
    let sids: Vec<&str> = listed.lines().filter_map(|path| path.split('/').nth(5)).collect();
    let blob = world.git(&origin, ["hash-object", "-w", "/dev/null"]).ok();
    world.git(&origin, ["read-tree", "--empty"]).ok();
    for sid in sids {
        let entry = format!("100644,{},v2/x/{sid}", blob.trim());
        world.git(&origin, ["update-index", "--add", "--cacheinfo", &entry]).ok();
    }
    let tree = world.git(&origin, ["write-tree"]).ok();
    let commit = world.git(&origin, ["commit-tree", tree.trim(), "-m", "purge"]).ok();
    world.git(&origin, ["update-ref", MAIN, commit.trim()]).ok();
}

#[test]
fn what_was_purged_there_goes_here_with_the_next_fetch_and_no_log_brings_it_back() {
    let (world, second) = two();
    purge_all(&world);
    let fetched = world.os(["fetch"]);
    assert!(
        fetched.err.contains("the ledger of main follows origin in what is purged or expired there"),
        "{}",
        fetched.err
    );
    fetched.ok();
    assert_eq!(behind(&world, world.repo(), "HEAD"), ids([]));
    let reachable = world.git(world.repo(), ["rev-list", "--objects", MAIN]).ok();
    assert!(!reachable.contains(".zst"), "{reachable}");
    // The other one knows nothing of it, and pushes; the log is still on its disk.
    work(&world, 4, &second, "four.rs");
    push(&world, &second);
    // So does a clone that has never seen a ledger.
    let third = world.clone_to("third");
    world.os_in(&third, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    world.git(&third, ["checkout", "-q", "-b", "topic", "HEAD~1"]).ok();
    work(&world, 5, &third, "five.rs");
    world.git(&third, ["push", "-q", "origin", "topic"]).ok();
    let ben = reader(&world, "ben");
    assert_eq!(["HEAD~2", "HEAD~1", "HEAD"].map(|commit| behind(&world, &ben, commit)), [ids([]), ids([]), ids([4])]);
    assert_eq!(behind(&world, &ben, "origin/topic"), ids([5]));
    let all = world.git(world.origin(), ["rev-list", "--objects", MAIN]).ok();
    assert_eq!(all.lines().filter(|path| path.contains(".zst")).count(), 1, "only what is new:\n{all}");
}

#[test]
fn a_remote_that_takes_only_branches_is_told_of_and_asked_once() {
    let world = World::installed();
    world.git(world.origin(), ["config", "receive.hideRefs", "refs/opensession"]).ok();
    work(&world, 1, world.repo(), "one.rs");
    let told = push(&world, world.repo());
    assert!(told.contains("origin says: deny updating a hidden ref"), "{told}");
    assert!(told.contains("git config opensession.namespace refs/heads/opensession/branches"), "{told}");
    world.git(world.repo(), ["config", "opensession.strict", "true"]).ok();
    world.commit("x", "x", "x");
    let again = world.git(world.repo(), ["push", "origin", "main"]).code(1);
    assert!(again.err.contains("origin says: deny updating a hidden ref"), "{}", again.err);
    world.git(world.repo(), ["config", "opensession.namespace", "refs/heads/opensession/branches"]).ok();
    let told = push(&world, world.repo());
    assert!(told.contains("1 session (2 commits) -> origin"), "{told}");
    let there = world.refs(world.origin(), "refs/heads/opensession/");
    assert!(
        matches!(there.as_slice(), [one] if one.starts_with("refs/heads/opensession/branches/bWFpbg ")),
        "{there:?}"
    );
    // Another clone, that knows of it, reads and joins.
    let second = world.clone_to("second");
    world.git(&second, ["config", "opensession.namespace", "refs/heads/opensession/branches"]).ok();
    world.os_in(&second, ["fetch"]).ok();
    assert_eq!(behind(&world, &second, "origin/main~1"), ids([1]));
}
