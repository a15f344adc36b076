//! A session goes with the commits it made, and with no others.

use std::fs;

use super::*;

fn push(world: &World) -> PathBuf {
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    reader(world, "ben")
}

#[test]
fn sessions_of_other_repositories_are_not_shared() {
    let world = World::installed();
    world.git(world.root(), ["init", "-q", "elsewhere"]).ok();
    world.git(world.repo(), ["init", "-q", "nested"]).ok();
    // The same file name, the same time; another repository.
    wrote(&world, 2, world.path("elsewhere"), "one.rs");
    wrote(&world, 3, world.path("work/nested"), "one.rs");
    // Its folder's name begins as ours does.
    fs::create_dir(world.path("work-two")).expect("a folder");
    wrote(&world, 4, world.path("work-two"), "one.rs");
    work(&world, 1, world.repo(), "one.rs");
    let ben = push(&world);
    assert_eq!(behind(&world, &ben, "HEAD"), ids([1]));
    let everything = world.everything_in(world.origin());
    let everything = String::from_utf8_lossy(&everything);
    for n in 2..=4 {
        assert!(!everything.contains(&format!("number {n}")), "session {n} was shared");
    }
}

#[test]
fn a_session_without_evidence_is_not_shared() {
    let world = World::installed();
    // Two days before, in this repository, on another file.
    let old = ClaudeLog::new(&id(2), world.repo(), -172_800).prompt("long ago").write("other.rs", "fn other() {}\n");
    old.save(&world);
    work(&world, 1, world.repo(), "one.rs");
    let ben = push(&world);
    assert_eq!(behind(&world, &ben, "HEAD"), ids([1]));
    assert!(!String::from_utf8_lossy(&world.everything_in(world.origin())).contains("long ago"));
}

#[test]
fn parallel_sessions_are_told_apart_by_what_they_edited() {
    let world = World::installed();
    wrote(&world, 1, world.repo(), "one.rs");
    let codex = CodexLog::new(&id(2), world.repo(), -60).prompt("two").add_file("two.rs", &line(2));
    codex.answer("done").save(&world);
    wrote(&world, 3, world.repo(), "three.rs");
    world.commit("two.rs", &line(2), "two");
    world.commit("one.rs", &line(1), "one");
    let ben = push(&world);
    assert_eq!((behind(&world, &ben, "HEAD~1"), behind(&world, &ben, "HEAD")), (ids([2]), ids([1])));
    let everything = world.everything_in(world.origin());
    assert!(!String::from_utf8_lossy(&everything).contains("number 3"), "nothing of it was committed");
}

#[test]
fn two_sessions_behind_one_commit_are_both_shared() {
    let world = World::installed();
    wrote(&world, 1, world.repo(), "one.rs");
    let codex = CodexLog::new(&id(2), world.repo(), -40).prompt("two").add_file("two.rs", &line(2));
    codex.answer("done").save(&world);
    fs::write(world.path("work/two.rs"), line(2)).expect("a file");
    world.git(world.repo(), ["add", "two.rs"]).ok();
    world.commit("one.rs", &line(1), "both");
    let ben = push(&world);
    assert_eq!(behind(&world, &ben, "HEAD"), ids([1, 2]));
}

#[test]
fn a_session_stays_tied_through_an_amend_before_the_push() {
    let world = World::installed();
    work(&world, 1, world.repo(), "one.rs");
    world.os(["capture"]).ok();
    fs::write(world.path("work/one.rs"), format!("{}// and a word by hand\n", line(1))).expect("a file");
    world.git(world.repo(), ["commit", "-q", "-a", "--amend", "-m", "better"]).ok();
    let ben = push(&world);
    assert_eq!(behind(&world, &ben, "HEAD"), ids([1]));
    assert_eq!(world.head(&ben), world.head(world.repo()));
}

#[test]
fn an_agent_that_commits_by_itself_is_tied_by_the_id_in_gits_answer() {
    let world = World::installed();
    let commit = world.commit("made", "by a script\n", "made by a script");
    let log = ClaudeLog::new(&id(1), world.repo(), -60).prompt("run the script and commit");
    let answer = format!("[main {}] made by a script\n 1 file changed, 1 insertion(+)", &commit[..7]);
    log.bash("./make && git commit -am 'made by a script'", &answer).save(&world);
    let ben = push(&world);
    assert_eq!(show(&world, &ben, "HEAD")[0]["commits"][0]["evidence"]["kind"], "committed");
    assert_eq!(behind(&world, &ben, "HEAD"), ids([1]));
}

#[test]
fn a_session_in_a_subfolder_belongs_to_the_repository() {
    let world = World::installed();
    fs::create_dir_all(world.path("work/crates/core")).expect("folders");
    wrote(&world, 1, world.path("work/crates/core"), "src/one.rs");
    world.commit("crates/core/src/one.rs", &line(1), "one");
    let ben = push(&world);
    assert_eq!(behind(&world, &ben, "HEAD"), ids([1]));
}

#[test]
fn a_session_of_a_linked_worktree_is_pushed_from_the_main_checkout() {
    let world = World::installed();
    world.git(world.repo(), ["worktree", "add", "-q", "-b", "topic", "../linked"]).ok();
    work(&world, 1, world.path("linked"), "one.rs");
    world.git(world.repo(), ["merge", "-q", "--ff-only", "topic"]).ok();
    let ben = push(&world);
    assert_eq!(behind(&world, &ben, "HEAD"), ids([1]));
}

#[test]
fn a_session_of_a_worktree_that_is_gone_is_still_pushed() {
    let world = World::installed();
    world.git(world.repo(), ["worktree", "add", "-q", "-b", "topic", "../linked"]).ok();
    work(&world, 1, world.path("linked"), "one.rs");
    world.os(["capture", "topic"]).code(0);
    world.git(world.repo(), ["merge", "-q", "--ff-only", "topic"]).ok();
    world.git(world.repo(), ["worktree", "remove", "../linked"]).ok();
    let ben = push(&world);
    assert_eq!(behind(&world, &ben, "HEAD"), ids([1]));
}
