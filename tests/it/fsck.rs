//! `fsck`: ledgers that other hands have made, checked and still read.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::world::World;

const MAIN: &str = "refs/opensession/branches/bWFpbg";
const TRACKED: &str = "refs/opensession/remotes/origin/branches/bWFpbg";

/// A world with one pushed session, and a clone that has fetched it.
fn shared() -> (World, std::path::PathBuf) {
    let world = World::installed();
    world.work("one", "one.rs");
    world.push().ok();
    let ben = world.clone_to("ben");
    world.os_in(&ben, ["fetch"]).ok();
    (world, ben)
}

/// Runs git with some input; gives what it printed.
fn git_with(world: &World, folder: &Path, args: &[&str], input: &[u8]) -> String {
    let mut command = world.command("git", folder);
    let child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("git starts");
    child.stdin.take().expect("an input").write_all(input).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Puts an entry with any name into the root of a ledger, by raw bytes.
pub fn plant(world: &World, folder: &Path, name: &str, entry: &[u8]) {
    let blob = git_with(world, folder, &["hash-object", "-w", "--stdin"], b"planted");
    let tree = world.git(folder, ["rev-parse", &format!("{name}:v2")]).ok();
    let raw = |hex: &str| -> Vec<u8> {
        let digits: Vec<u8> = hex.trim().bytes().collect();
        digits.chunks(2).map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
    };
    let mut entries =
        [[b"100644 ", entry, b"\0", &raw(&blob)].concat(), [b"40000 v2\0".as_slice(), &raw(&tree)].concat()];
    entries.sort_by_key(|entry| entry.iter().skip_while(|byte| **byte != b' ').copied().collect::<Vec<_>>());
    let tree =
        git_with(world, folder, &["hash-object", "-w", "-t", "tree", "--literally", "--stdin"], &entries.concat());
    let identity = ["-c", "user.name=M", "-c", "user.email=m@example.com"];
    let commit = world.git(folder, [&identity[..], &["commit-tree", &tree, "-p", name, "-m", "m"]].concat()).ok();
    world.git(folder, ["update-ref", name, commit.trim()]).ok();
}

#[test]
fn sound_ledgers_are_well_here_and_at_the_remote() {
    let (world, ben) = shared();
    let told = world.os(["fsck"]);
    assert!(told.err.contains("2 ledgers, 2 sessions, 2 links: all is well"), "{}", told.err);
    assert_eq!(told.ok(), "");
    let found = world.os_in(&ben, ["fsck", "--remote", "origin", "--json"]).json();
    assert_eq!(
        (&found["schema"], &found["errors"], &found["notes"]),
        (&"opensession.fsck/1".into(), &0.into(), &0.into())
    );
    let ledger = &found["ledgers"][0];
    assert_eq!((ledger["ref"].as_str(), ledger["branch"].as_str()), (Some(TRACKED), Some("main")));
    let empty = World::new();
    assert_eq!(empty.os(["fsck", "--json"]).json()["ledgers"], Value::Array(Vec::new()));
    assert_eq!(empty.os(["fsck", "--remote", "nobody"]).code, 2);
    assert_eq!(world.os_in(world.root(), ["fsck"]).code, 128);
}

#[test]
fn a_hostile_ledger_is_named_and_still_read() {
    let (world, ben) = shared();
    plant(&world, &world.origin(), MAIN, b"a\x1b]0;pwned\x07\nb");
    let told = world.os_in(&ben, ["fsck", "--remote", "origin"]);
    assert_eq!(told.out, format!("{TRACKED}:\"a\\033]0;pwned\\007\\nb\": is no path of a ledger\n"));
    assert!(told.err.contains("1 rule broken"), "{}", told.err);
    told.code(1);
    let list = world.os_in(&ben, ["log"]).ok();
    let sid: String = list.chars().take(10).collect();
    world.os_in(&ben, ["show", "HEAD"]).ok();
    assert!(world.os_in(&ben, ["cat", &sid]).ok().contains("write one.rs"));
}

#[test]
fn names_that_lead_elsewhere_are_never_fetched() {
    for name in [b"..".as_slice(), b".git", b"a/b", b".", b"x/../y"] {
        let (world, ben) = shared();
        let before = world.refs(&ben, "refs/opensession/");
        plant(&world, &world.origin(), MAIN, name);
        let fetched = world.os_in(&ben, ["fetch"]);
        assert_ne!(fetched.code, 0, "{}", fetched.out);
        assert_eq!(world.refs(&ben, "refs/opensession/"), before, "the fsck of the fetch has refused it");
        // With plain git, which does not look, it gets in; it is named, and all else is read.
        world.git(&ben, ["fetch", "-q", "origin", &format!("+{MAIN}:{TRACKED}")]).ok();
        let told = world.os_in(&ben, ["fsck"]).code(1);
        let shown = String::from_utf8_lossy(name);
        assert_eq!(told.out, format!("{TRACKED}:{shown}: is no path of a ledger\n"));
        world.os_in(&ben, ["show", "HEAD"]).ok();
        assert_eq!(world.titles(&ben), ["write one.rs"]);
    }
}

#[test]
fn what_no_fetch_takes_from_an_inbox_keeps_nothing_else_from_being_fetched() {
    let (world, ben) = shared();
    world.work("two", "two.rs");
    world.push().ok();
    let tip = |world: &World| world.git(world.origin(), ["rev-parse", MAIN]).ok().trim().to_owned();
    let good = tip(&world);
    plant(&world, &world.origin(), MAIN, b"..");
    let bad = tip(&world);
    world.git(world.origin(), ["update-ref", &format!("refs/opensession/inbox/bWFpbg/{bad}"), &bad]).ok();
    world.git(world.origin(), ["update-ref", MAIN, &good]).ok();
    let fetched = world.os_in(&ben, ["fetch"]).code(3);
    let name = format!("refs/opensession/inbox/bWFpbg/{bad}");
    assert!(fetched.err.contains(&format!("{name} at origin was not fetched: object")), "{}", fetched.err);
    assert_eq!(world.titles(&ben), ["write one.rs", "write two.rs"]);
    let told: Value = serde_json::from_str(&world.os_in(&ben, ["fetch", "--json"]).code(3).out).expect("JSON");
    assert_eq!(told["unfetched"][0]["ref"], name, "{told}");
    world.os(["sync"]).code(3);
    world.work("three", "three.rs");
    world.push().ok();
}

#[test]
fn shallow_and_partial_clones_say_what_they_lack() {
    let (world, _) = shared();
    world.git(world.origin(), ["config", "uploadpack.allowFilter", "true"]).ok();
    world.commit("two", "2\n", "two");
    world.push().ok();
    let url = format!("file://{}", world.origin().display());
    world.git(world.root(), ["clone", "-q", "--depth=1", &url, "shallow"]).ok();
    world.os_in(world.path("shallow"), ["fetch"]).ok();
    let told = world.os_in(world.path("shallow"), ["fsck"]).ok();
    assert_eq!(
        told,
        format!("note: {TRACKED}: a linked commit is not here; this is a shallow clone, which does not have all\n")
    );
    world.git(world.root(), ["clone", "-q", "--filter=blob:none", "--no-checkout", &url, "partial"]).ok();
    let partial = world.path("partial");
    world.git(&partial, ["fetch", "-q", "origin", &format!("{MAIN}:{TRACKED}")]).ok();
    let told = world.os_in(&partial, ["fsck"]).ok();
    assert!(told.contains("objects were left at the remote by this partial clone, and are not checked"), "{told}");
    let missing = world.git(&partial, ["rev-list", "--objects", "--missing=print", TRACKED]).ok();
    assert!(missing.lines().any(|line| line.starts_with('?')), "nothing was fetched by looking: {missing}");
}
