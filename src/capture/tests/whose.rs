//! Whose a log is: the folder it is from decides.

use super::world::{NOON, World, links};
use crate::git::Oid;
use crate::ledger::{EvidenceKind, Sid};

/// Which of the sessions that began in these folders are of `repo`.
fn here(world: &World, folders: &[&str]) -> Vec<bool> {
    let commit = world.commit(NOON - 4000, &[("a", "b")]);
    for (n, folder) in folders.iter().enumerate() {
        world.log(&format!("s{n}"), folder).say(NOON - 5000, "x").say(NOON - 3900, "y");
    }
    let captured = world.capture(&[commit]);
    (0..folders.len())
        .map(|n| links(&captured).iter().any(|(sid, ..)| *sid == Sid::new("fake", &format!("s{n}"))))
        .collect()
}

#[test]
fn the_root_and_all_folders_below_are_the_repository_and_nothing_else_is() {
    let world = World::new();
    std::fs::create_dir_all(world.path("repo/src/deep")).unwrap();
    std::fs::create_dir_all(world.path("repository")).unwrap();
    let folders = ["repo", "repo/src/deep", "repo/gone/folder", "repository", "", "elsewhere", "repo/.."];
    assert_eq!(here(&world, &folders), [true, true, true, false, false, false, false]);
}

#[test]
fn a_repository_inside_of_this_one_is_another_one() {
    let world = World::new();
    world.git(&["init", "-q", "vendor/nested"]);
    std::fs::create_dir_all(world.path("repo/vendor/nested/src")).unwrap();
    std::fs::create_dir_all(world.path("repo/fake/.git")).unwrap();
    world.write("repo/.git/info/exclude", "vendor\n");
    let folders = ["repo/vendor/nested/src", "repo/vendor/nested", "repo/vendor", "repo/fake"];
    assert_eq!(here(&world, &folders), [false, false, true, true]);
}

#[test]
fn in_a_submodule_the_repository_is_the_submodule() {
    let world = World::new();
    world.git_in("", &["init", "-q", "-b", "main", "lib"]);
    world.identify("lib");
    world.commit_in("lib", NOON - 9000, &[("x", "y")]);
    world.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../lib", "sub"]);
    world.identify("repo/sub");
    let inner = world.commit_in("repo/sub", NOON - 4000, &[("a", "b")]);
    let outer = world.commit(NOON - 4000, &[]);
    world.log("in", "repo/sub").say(NOON - 4100, "x");
    world.log("out", "repo").say(NOON - 4100, "x");
    let of = |folder: &str, commit: Oid| links(&world.capture_in(folder, &[("main", &[commit])]).unwrap());
    assert_eq!(of("repo/sub", inner), [(Sid::new("fake", "in"), inner, EvidenceKind::Window)]);
    assert_eq!(of("repo", outer), [(Sid::new("fake", "out"), outer, EvidenceKind::Window)]);
}

#[test]
fn the_sessions_of_a_linked_worktree_are_found_from_the_main_one_and_the_other_way_round() {
    let world = World::new();
    world.git(&["worktree", "add", "-q", "../linked", "-b", "topic"]);
    world.log("main", "repo").say(NOON - 900, "x");
    world.log("topic", "linked").say(NOON - 900, "x");
    let main = world.commit(NOON - 700, &[("a", "b")]);
    let topic = world.commit_in("linked", NOON - 700, &[("c", "d")]);
    for folder in ["repo", "linked"] {
        let captured = world.capture_in(folder, &[("main", &[main]), ("topic", &[topic])]).unwrap();
        let mut found = links(&captured);
        found.sort();
        // Each ran in its own worktree only, and has nothing to do with what was made in the other.
        let mut expected = [
            (Sid::new("fake", "main"), main, EvidenceKind::Window),
            (Sid::new("fake", "topic"), topic, EvidenceKind::Window),
        ];
        expected.sort();
        assert_eq!(found, expected, "from {folder}");
    }
}

#[test]
fn a_worktree_that_was_removed_is_remembered() {
    let world = World::new();
    world.git(&["worktree", "add", "-q", "../linked", "-b", "topic"]);
    world.capture(&[world.git(&["rev-parse", "HEAD"]).parse().unwrap()]);
    let commit = world.commit_in("linked", NOON - 700, &[("src/a.rs", "let answer = 42;\n")]);
    world.log("s", "linked/src").say(NOON - 900, "x").edit(
        NOON - 800,
        &world.path("linked/src/a.rs"),
        "let answer = 42;",
    );
    world.git(&["worktree", "remove", "--force", "../linked"]);
    assert_eq!(
        links(&world.capture_to(&[("topic", &[commit])])),
        [(Sid::new("fake", "s"), commit, EvidenceKind::Wrote)]
    );
}

#[test]
fn a_worktree_inside_of_the_repository_that_nobody_saw_is_found_when_it_is_gone() {
    let world = World::new();
    world.git(&["worktree", "add", "-q", "trees/linked", "-b", "topic"]);
    let commit = world.commit_in("repo/trees/linked", NOON - 700, &[("src/a.rs", "let answer = 42;\n")]);
    let edited = world.path("repo/trees/linked/src/a.rs");
    world.log("s", "repo/trees/linked").say(NOON - 900, "x").edit(NOON - 800, &edited, "let answer = 42;");
    world.git(&["worktree", "remove", "--force", "trees/linked"]);
    assert_eq!(
        links(&world.capture_to(&[("topic", &[commit])])),
        [(Sid::new("fake", "s"), commit, EvidenceKind::Wrote)]
    );
}

#[test]
fn logs_of_nobody_are_judged_again_when_there_is_a_new_worktree() {
    let world = World::new();
    world.log("s", "linked").say(NOON - 900, "x");
    let commit = world.commit(NOON - 700, &[("a", "b")]);
    assert_eq!(world.capture(&[commit]).logs.elsewhere, 1);
    world.git(&["worktree", "add", "-q", "../linked", "-b", "topic"]);
    let captured = world.capture(&[commit]);
    assert_eq!((captured.logs.elsewhere, captured.logs.here), (0, 1));
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_to_the_repository_is_the_repository() {
    let world = World::new();
    std::os::unix::fs::symlink(world.path("repo"), world.path("link")).unwrap();
    std::os::unix::fs::symlink(world.path("elsewhere"), world.path("repo/out")).unwrap();
    std::fs::create_dir_all(world.path("elsewhere")).unwrap();
    world.write("repo/.git/info/exclude", "out\n");
    assert_eq!(here(&world, &["link", "link/src", "repo/out"]), [true, true, false]);
}

#[test]
fn unchanged_logs_are_not_opened() {
    let world = World::new();
    let commit = world.commit(NOON - 700, &[("a", "b")]);
    world.log("s", "repo").say(NOON - 900, "x").touch(NOON);
    world.log("other", "elsewhere").say(NOON - 900, "x").touch(NOON);
    world.capture(&[commit]);
    // What cannot be opened any more is known all the same.
    for log in ["s", "other"] {
        let path = world.path(&format!(".fake/{log}.log"));
        let (length, time) = (path.metadata().unwrap().len(), path.metadata().unwrap().modified().unwrap());
        std::fs::write(&path, vec![b'#'; usize::try_from(length).unwrap()]).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    }
    let captured = world.capture(&[commit]);
    assert_eq!((captured.logs.read, captured.logs.elsewhere, captured.skipped.len()), (0, 1, 0));
    assert_eq!(links(&captured).len(), 1);
}

#[test]
fn logs_that_are_older_than_the_commits_are_not_looked_at() {
    let world = World::new();
    let commit = world.commit(NOON - 700, &[("a", "b")]);
    let log = world.log("old", "repo");
    log.say(NOON - 900, "x").touch(NOON - 90_000 - 86_400 - 2);
    assert_eq!(world.capture(&[commit]).logs.seen, 0);
    log.touch(NOON - 90_000 - 86_400 + 2);
    assert_eq!(world.capture(&[commit]).logs.seen, 1);
    let root: Oid = world.git(&["rev-list", "--max-parents=0", "HEAD"]).parse().unwrap();
    log.touch(1000);
    assert_eq!(world.capture(&[commit, root]).logs.seen, 1, "with the first commit of all, all logs are of interest");
}
