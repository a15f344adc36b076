//! Branches that are merged, by whatever button a host has for it.

use std::path::{Path, PathBuf};

use super::{Stage, found, none};
use crate::world::ClaudeLog;

/// Another clone, in which a host's merges are made.
fn host(stage: &Stage) -> PathBuf {
    let folder = stage.world.clone_to("host");
    stage.world.git(&folder, ["checkout", "-q", "main"]).ok();
    folder
}

/// Pushes `main` from there, and deletes the branch, as hosts do.
fn publish(stage: &Stage, host: &Path) {
    stage.world.git(host, ["push", "-q", "origin", "main", ":topic"]).ok();
}

/// `git merge --squash` at the host.
fn squash(stage: &mut Stage) {
    let host = host(stage);
    stage.tick();
    stage.world.git(&host, ["merge", "-q", "--squash", "origin/topic"]).ok();
    stage.world.git(&host, ["commit", "-q", "-m", "Do it all (#7)"]).ok();
    publish(stage, &host);
}

#[test]
fn squash_merge() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.work("b", "b.rs", 6);
    stage.by_hand("notes.txt", "nothing of an agent\n");
    stage.push_and_forget();
    squash(&mut stage);
    assert_eq!(stage.behind("origin/main"), found([("a", "branch"), ("b", "branch")]));
    let reader = stage.reader("reader");
    assert_eq!(stage.listed(&reader, &["origin/main~1..origin/main"]), found([("a", "branch"), ("b", "branch")]));
    let shown = stage.world.os_in(&reader, ["show", "origin/main", "--prompts"]).ok();
    assert!(shown.contains("is a squash of a branch") && shown.contains("(branch, wrote"), "{shown}");
}

#[test]
fn squash_merge_where_git_itself_answers() {
    for (object_format, ref_format) in [("sha256", "files"), ("sha1", "reftable")] {
        let Some(mut stage) = Stage::with_formats(object_format, ref_format) else { continue };
        stage.work("a", "a.rs", 6);
        let picked = stage.work("b", "b.rs", 6);
        stage.push_and_forget();
        squash(&mut stage);
        assert_eq!(stage.behind("origin/main"), found([("a", "branch"), ("b", "branch")]), "{object_format}");
        stage.git(["checkout", "-q", "-b", "release", "main"]);
        stage.tick();
        stage.git(["cherry-pick", &picked]);
        stage.push_plainly("release");
        assert_eq!(stage.behind("origin/release"), found([("b", "patch")]), "{ref_format}");
    }
}

#[test]
fn a_handoff_of_a_squash_has_all_sessions_and_says_how_they_were_found() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.work("b", "b.rs", 6);
    stage.push_and_forget();
    squash(&mut stage);
    let reader = stage.reader("reader");
    let commit = stage.world.head(&reader);
    let made = stage.world.os_in(&reader, ["handoff", "build", "--from", &commit, "--json"]);
    assert!(made.err.contains("is a squash of a branch"), "{}", made.err);
    let told = made.json();
    assert_eq!(told["sessions"].as_array().map(Vec::len), Some(2));
    assert_eq!(told["matches"][0]["matched"], "branch");
    let listed = stage.world.os_in(&reader, ["log", "HEAD~1.."]).ok();
    assert_eq!(listed.matches("\t[branch] ").count(), 2, "{listed}");
}

#[test]
fn squash_merge_of_a_branch_that_was_pushed_bit_by_bit() {
    let mut stage = Stage::new();
    for (id, file) in [("a", "a.rs"), ("b", "b.rs")] {
        stage.work(id, file, 6);
        stage.push_and_forget();
    }
    // The last push has no session of its own.
    stage.by_hand("notes.txt", "nothing of an agent\n");
    stage.world.git(stage.repo(), ["push", "-q", "origin", "topic"]).ok();
    stage.git(["checkout", "-q", "main"]);
    stage.by_hand("elsewhere.txt", "main moves on\n");
    stage.push_plainly("main");
    squash(&mut stage);
    assert_eq!(stage.behind("origin/main"), found([("a", "branch"), ("b", "branch")]));
    assert_eq!(stage.behind("origin/main~1"), none());
}

#[test]
fn squash_merge_of_one_commit() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.push_and_forget();
    squash(&mut stage);
    assert_eq!(stage.behind("origin/main"), found([("a", "patch")]));
}

#[test]
fn squash_merge_of_a_branch_that_changed_after_its_last_capture() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.work("b", "b.rs", 6);
    stage.push_and_forget();
    // Somebody accepts a suggestion on the host's page.
    stage.by_hand("b.rs", &Stage::lines("b", 6).replace("OF_B_0", "BETTER_0"));
    stage.push_plainly("topic");
    squash(&mut stage);
    assert_eq!(stage.behind("origin/main"), found([("a", "similar 100%"), ("b", "similar 83%")]));
}

#[test]
fn merge_commit() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.push_and_forget();
    let host = host(&stage);
    stage.world.git(&host, ["merge", "-q", "--no-ff", "-m", "Merge it", "origin/topic"]).ok();
    publish(&stage, &host);
    let reader = stage.reader("reader");
    let merge = stage.world.head(&host);
    stage.world.os_in(&reader, ["show", &merge]).code(1);
    assert_eq!(stage.listed(&reader, &["origin/main^..origin/main"]), found([("a", "commit")]));
}

#[test]
fn rebase_merge() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.work("b", "b.rs", 6);
    stage.push_and_forget();
    stage.git(["checkout", "-q", "main"]);
    stage.by_hand("elsewhere.txt", "main moves on\n");
    stage.push_plainly("main");
    let host = host(&stage);
    stage.tick();
    stage.world.git(&host, ["checkout", "-q", "topic"]).ok();
    stage.world.git(&host, ["rebase", "-q", "--no-ff", "main"]).ok();
    stage.world.git(&host, ["checkout", "-q", "-B", "main", "topic"]).ok();
    publish(&stage, &host);
    assert_eq!(stage.behind("origin/main"), found([("b", "patch")]));
    assert_eq!(stage.behind("origin/main~1"), found([("a", "patch")]));
    assert_eq!(stage.behind("origin/main~2"), none());
}

#[test]
fn two_people() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.tick();
    stage.world.git(stage.repo(), ["push", "-q", "-u", "origin", "topic"]).ok();
    // Ben adds to the branch, with a session of his own.
    let ben = stage.world.clone_to("ben");
    stage.world.os_in(&ben, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    stage.world.git(&ben, ["checkout", "-q", "topic"]).ok();
    stage.tick();
    ClaudeLog::new("b", &ben, 90).prompt("do b").write("b.rs", &Stage::lines("b", 6)).answer("done").save(&stage.world);
    stage.world.commit_in(&ben, "b.rs", &Stage::lines("b", 6), "add b");
    stage.world.git(&ben, ["push", "-q", "origin", "topic"]).ok();
    // Ann takes his commit, and knows nothing of his session; she adds another one and pushes last.
    stage.git(["pull", "-q", "--ff-only", "origin", "topic"]);
    stage.work("c", "c.rs", 6);
    stage.push_and_forget();
    squash(&mut stage);
    let all = found([("a", "branch"), ("b", "branch"), ("c", "branch")]);
    assert_eq!(stage.behind("origin/main"), all);
}
