//! A purge reaches what lies beside the ledgers: notes, registered sessions, snapshots, reflogs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use git_opensession::hail::Digest;

use super::{MAIN, contains, is_left, reaches, sid};
use crate::notes::{NOTES, clone_on, note, notes_mode, noting, push_from, titles, work_in};
use crate::world::World;

#[test]
fn the_title_of_a_purged_session_leaves_the_notes_and_their_history_everywhere() {
    let world = noting();
    let (one, two) = (work_in(&world, world.repo(), "one"), work_in(&world, world.repo(), "two"));
    world.push().ok();
    let ben = clone_on(&world, "ben");
    let of_ben = work_in(&world, &ben, "b1");
    push_from(&world, &ben).ok();
    // Carl has notes, and has gone back to ledgers only.
    let carl = clone_on(&world, "carl");
    world.os_in(&carl, ["fetch"]).ok();
    assert!(reaches(&world, &carl, "do one"));
    world.os_in(&carl, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();

    let said = world.os(["purge", &sid(&world, "do one"), "--yes"]);
    assert!(said.err.contains("the notes"), "{}", said.err);
    said.ok();
    for side in [world.repo(), world.origin()] {
        assert!(!reaches(&world, &side, "do one"), "{}", side.display());
        assert_eq!(note(&world, &side, &one), "");
        assert_eq!(titles(&world, &side, &two), BTreeSet::from(["do two".to_owned()]));
        assert_eq!(titles(&world, &side, &of_ben), BTreeSet::from(["do b1".to_owned()]));
    }
    assert!(!is_left(&world, world.repo(), "do one"), "no reflog holds it");

    // Ben knows nothing of it, and goes on; so does Carl.
    let more = work_in(&world, &ben, "b2");
    push_from(&world, &ben).ok();
    world.os_in(&carl, ["fetch"]).ok();
    for side in [&ben, &carl, &world.origin()] {
        assert!(!reaches(&world, side, "do one"), "{}", side.display());
        assert!(!is_left(&world, side, "do one"), "{}", side.display());
    }
    assert_eq!(titles(&world, world.origin(), &more), BTreeSet::from(["do b2".to_owned()]));
    let again = world.os(["purge", &sid_of(&world, "one"), "--yes"]);
    assert!(again.err.contains("nothing is left of it"), "{}", again.err);
    again.ok();
}

/// The name of a session of Claude Code's.
fn sid_of(_: &World, id: &str) -> String {
    git_opensession::ledger::Sid::new("claude-code", id).to_string()
}

#[test]
fn a_clone_that_has_only_notes_to_push_learns_what_was_purged() {
    let world = World::installed();
    let one = work_in(&world, world.repo(), "one");
    world.push().ok();
    let ben = clone_on(&world, "ben");
    world.os_in(&ben, ["fetch"]).ok();
    world.git(&ben, ["fetch", "-q", "origin", &format!("{MAIN}:{MAIN}")]).ok();
    notes_mode(&world, world.repo());
    world.os(["push"]).ok();
    world.os(["purge", &sid(&world, "do one"), "--yes"]).ok();
    world.os_in(&ben, ["push"]).ok();
    assert_eq!(note(&world, world.origin(), &one), "");
    assert!(!reaches(&world, world.origin(), "do one"));
}

#[test]
fn notes_that_a_remote_does_not_let_go_of_are_named_and_the_rest_is_done() {
    let world = noting();
    let one = work_in(&world, world.repo(), "one");
    work_in(&world, world.repo(), "two");
    world.push().ok();
    let hook = "#!/bin/sh\ncase $1 in refs/notes/*) echo notes stay >&2; exit 1;; esac\n";
    world.program(world.origin().join("hooks/update"), hook);
    let said = world.os(["purge", &sid(&world, "do one"), "--yes"]).code(3);
    assert!(said.err.contains("origin did not take refs/notes/opensession"), "{}", said.err);
    assert_eq!(note(&world, world.repo(), &one), "");
    fs::remove_file(world.origin().join("hooks/update")).expect("it can be removed");
    let done = world.os(["purge", &sid_of(&world, "one"), "--yes", "--json"]).json();
    assert!(done["remotes"][0]["notes"]["new"].is_string(), "{done}");
    assert!(!reaches(&world, world.origin(), "do one") && reaches(&world, world.origin(), "do two"));
}

/// The session of that title as canonical text, in a file.
fn exported(world: &World, title: &str) -> String {
    let text = world.os(["cat", &sid(world, title)]).ok();
    let path = world.path("tmp/session.hail.jsonl");
    fs::write(&path, text).expect("a file");
    path.display().to_string()
}

#[test]
fn what_is_registered_of_it_goes_from_the_store() {
    let world = super::pushed();
    let other = world.os(["register", &exported(&world, "write two.rs")]).ok();
    let hail = exported(&world, "write one.rs");
    let uri = world.os(["register", &hail]).ok();
    world.os(["register", "--no-redact", &hail]).ok();
    let one = sid(&world, "write one.rs");
    let plan = world.os(["purge", &one, "--dry-run"]).ok();
    assert!(plan.contains(uri.trim()), "{plan}");
    let done = world.os(["purge", &one, "--yes", "--json"]).json();
    assert_eq!(done["unregistered"], 2, "{done}");
    assert!(!is_left(&world, world.repo(), "write one.rs"));
    world.os(["cat", uri.trim()]).code(1);
    world.os(["cat", other.trim()]).ok();
    // One that is nowhere else.
    let hail = exported(&world, "write two.rs");
    world.os(["purge", &sid(&world, "write two.rs"), "--yes"]).ok();
    world.os(["register", &hail]).ok();
    let said = world.os(["purge", &sid_of(&world, "two")[..12], "--yes"]);
    assert!(said.err.contains("the store of this repository"), "{}", said.err);
    said.ok();
    assert!(!is_left(&world, world.repo(), "write two.rs"));
}

/// Puts a text under `sessions/` of the live ledger of `main`, as somebody who shares it does.
pub fn share(world: &World, folder: &Path, text: &str) {
    let path = world.path("tmp/snapshot");
    fs::write(&path, text).expect("a file");
    let name = format!("sessions/{}.jsonl", Digest::of(text.as_bytes()));
    let script = format!(
        "export GIT_INDEX_FILE={index}; rm -f {index}; git read-tree {MAIN} && \
         git update-index --add --cacheinfo 100644,$(git hash-object -w {path}),{name} && \
         git update-ref {MAIN} $(git commit-tree $(git write-tree) -p {MAIN} -m shared)",
        index = world.path("tmp/index").display(),
        path = path.display(),
    );
    world.run("sh", folder, ["-c", &script]).ok();
}

#[test]
fn its_snapshots_go_and_one_that_a_stale_clone_makes_does_not_come_in() {
    let world = super::pushed();
    let ben = world.clone_to("ben");
    world.os_in(&ben, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    world.git(&ben, ["fetch", "-q", "origin", &format!("{MAIN}:{MAIN}")]).ok();
    let (one, two) = (sid(&world, "write one.rs"), sid(&world, "write two.rs"));
    let text = |sid: &str| world.os(["cat", sid]).ok();
    let (text_of_one, text_of_two) = (text(&one), text(&two));
    share(&world, &world.repo(), &text_of_one);
    world.os(["push"]).ok();
    // Ben shares another one of it, whose name nobody else knows.
    let bens = text_of_one.replace("write one.rs", "do write one.rs");
    share(&world, &ben, &bens);
    share(&world, &ben, &text_of_two);
    world.os(["purge", &one, "--yes"]).ok();
    assert!(!reaches(&world, world.origin(), "write one.rs"));
    world.os_in(&ben, ["push"]).ok();
    for side in [&world.origin(), &ben] {
        assert!(!reaches(&world, side, "write one.rs"), "{}", side.display());
        let shared = world.git(side, ["ls-tree", "--name-only", MAIN, "sessions/"]).ok();
        assert_eq!(shared.trim(), format!("sessions/{}.jsonl", Digest::of(text_of_two.as_bytes())));
    }
    assert!(contains(&world.everything_in(world.origin()), "write two.rs"));
}

#[test]
fn reflogs_of_reftables_are_expired() {
    for hash in ["sha1", "sha256"] {
        let world = World::with(&[("GIT_DEFAULT_HASH", hash), ("GIT_DEFAULT_REF_FORMAT", "reftable")]);
        // A git that does not know these formats makes an ordinary repository.
        world.git(world.repo(), ["config", "core.logAllRefUpdates", "always"]).ok();
        notes_mode(&world, world.repo());
        work_in(&world, world.repo(), "one");
        work_in(&world, world.repo(), "two");
        world.push().ok();
        world.os(["purge", &sid(&world, "do one"), "--yes"]).ok();
        for name in [MAIN, NOTES] {
            let log = world.git(world.repo(), ["reflog", "show", "--format=%H", name]);
            assert!(log.out.lines().count() <= 1, "{hash} {name}: {}", log.out);
        }
        assert!(!is_left(&world, world.repo(), "do one"), "{hash}");
        assert!(!reaches(&world, world.origin(), "do one"), "{hash}");
    }
}

#[test]
fn what_is_registered_of_it_outside_of_repositories_goes_too() {
    let world = super::pushed();
    let (one, hail, outside) = (sid(&world, "write one.rs"), exported(&world, "write one.rs"), world.path("tmp"));
    let store = world.home().join(".local/share/opensession/store.git");
    world.os_in(&outside, ["purge", &one, "--yes"]).code(128);
    assert!(!store.exists(), "a purge makes none");
    let uri = world.os_in(&outside, ["register", &hail]).ok();
    let other = world.os_in(&outside, ["register", &exported(&world, "write two.rs")]).ok();
    world.os_in(&outside, ["register", "--no-redact", &exported(&world, "write one.rs")]).ok();
    let plan = world.os(["purge", &one, "--dry-run"]).ok();
    assert!(plan.contains(&format!("{} in your own store", uri.trim())) && !plan.contains(other.trim()), "{plan}");
    let done = world.os(["purge", &one, "--yes", "--json"]).json();
    assert_eq!(done["sessions"][0]["registered_outside"], serde_json::json!([uri.trim()]), "{done}");
    assert_eq!((&done["unregistered"], &done["unregistered_outside"]), (&0.into(), &2.into()), "{done}");
    world.os_in(&outside, ["cat", uri.trim()]).code(1);
    world.os_in(&outside, ["cat", other.trim()]).ok();
    assert!(!is_left(&world, &store, "write one.rs"));
    // Where there is no repository, there is that store.
    let two = sid(&world, "write two.rs");
    assert_eq!(world.os_in(&outside, ["purge", &two[..8], "-n", "--json"]).json()["dry_run"], true);
    assert!(world.os_in(&outside, ["purge", &two]).code(2).err.contains(&format!("purge {two} --yes")));
    let said = world.os_in(&outside, ["purge", &two[..8], "--yes"]);
    assert!(said.out.contains(other.trim()), "{}", said.out);
    assert!(said.err.contains("from your own store (1 snapshot)"), "{}", said.err);
    assert!(said.err.contains(&format!("git -C {} gc --prune=now", store.display())), "{}", said.err);
    said.ok();
    assert!(!is_left(&world, &store, "write two.rs"));
    assert_eq!(world.titles(world.repo()), ["write two.rs"], "in the repository nothing was asked for");
    world.os_in(&outside, ["purge", &two, "--yes"]).code(1);
    world.os_in(&outside, ["purge", "--before", "2026-03-07", "--yes"]).code(128);
}
