//! Commits that are made anew, one by one.

use std::process::Stdio;

use super::{Stage, found, none, similar};

/// The lines of a session, but for the first so many, which became others.
fn changed(id: &str, count: usize, others: usize) -> String {
    let lines = Stage::lines(id, count);
    let kept = lines.lines().skip(others).map(|line| format!("{line}\n"));
    (0..others).map(|n| format!("pub const QUITE_ANOTHER_{n}: u8 = 7;\n")).chain(kept).collect()
}

#[test]
fn amend_the_message() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.push_and_forget();
    stage.git(["commit", "-q", "--amend", "-m", "said better"]);
    stage.push_plainly("topic");
    assert_eq!(stage.behind("origin/topic"), found([("a", "patch")]));
}

#[test]
fn amend_the_content() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.push_and_forget();
    stage.write("a.rs", &changed("a", 6, 1));
    stage.git(["commit", "-q", "-a", "--amend", "--no-edit"]);
    stage.push_plainly("topic");
    assert_eq!(stage.behind("origin/topic"), similar("a", 83));
}

#[test]
fn amend_nearly_all_of_the_content() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.push_and_forget();
    stage.write("a.rs", &changed("a", 6, 4));
    stage.git(["commit", "-q", "-a", "--amend", "--no-edit"]);
    stage.push_plainly("topic");
    assert_eq!(stage.behind("origin/topic"), none());
}

#[test]
fn reword() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.work("b", "b.rs", 6);
    stage.push_and_forget();
    let editors = [("GIT_SEQUENCE_EDITOR", "sed -i 1s/pick/reword/"), ("GIT_EDITOR", "sed -i 1s/^/better:/")];
    stage.edit(&editors, &["rebase", "-q", "-i", "main"]);
    stage.push_plainly("topic");
    assert_eq!(stage.git(["log", "--format=%s", "main..topic"]), "add b\nbetter:add a\n");
    assert_eq!(stage.behind("origin/topic"), found([("b", "patch")]));
    assert_eq!(stage.behind("origin/topic~1"), found([("a", "patch")]));
}

#[test]
fn rebase_without_a_conflict() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.work_with("b", "base.rs", &Stage::base(&Stage::lines("b", 4)));
    stage.push_and_forget();
    stage.git(["checkout", "-q", "main"]);
    // Far from what the session changed, so that line numbers move and nothing else does.
    stage.by_hand("base.rs", &format!("// a line before all\n{}", Stage::base("")));
    stage.git(["rebase", "-q", "main", "topic"]);
    stage.push_plainly("topic");
    assert_eq!(stage.behind("origin/topic"), found([("b", "patch")]));
    assert_eq!(stage.behind("origin/topic~1"), found([("a", "patch")]));
    assert_eq!(stage.behind("origin/topic~2"), none());
}

#[test]
fn rebase_onto_other_lines_nearby() {
    let mut stage = Stage::new();
    stage.work_with("b", "base.rs", &Stage::base(&Stage::lines("b", 4)));
    stage.push_and_forget();
    stage.git(["checkout", "-q", "main"]);
    stage.by_hand("base.rs", &Stage::base("").replace("BASE_17: u32 = 17", "BASE_17: u64 = 17"));
    stage.git(["rebase", "-q", "main", "topic"]);
    stage.push_plainly("topic");
    // The lines that it adds are the same, those around them are not.
    assert_eq!(stage.behind("origin/topic"), similar("b", 100));
}

/// A rebase whose conflict is settled so that the first lines of the session became others.
fn conflict(others: usize) -> Stage {
    let mut stage = Stage::new();
    stage.work_with("b", "base.rs", &Stage::base(&Stage::lines("b", 6)));
    stage.push_and_forget();
    stage.git(["checkout", "-q", "main"]);
    stage.by_hand("base.rs", &Stage::base("pub const BY_HAND: u32 = 1;\n"));
    assert_ne!(stage.world.git(stage.repo(), ["rebase", "-q", "main", "topic"]).code, 0);
    let settled = format!("pub const BY_HAND: u32 = 1;\n{}", changed("b", 6, others));
    stage.write("base.rs", &Stage::base(&settled));
    stage.git(["add", "base.rs"]);
    stage.edit(&[("GIT_EDITOR", "true")], &["rebase", "--continue"]);
    stage.push_plainly("topic");
    stage
}

#[test]
fn rebase_with_a_conflict() {
    assert_eq!(conflict(1).behind("origin/topic"), similar("b", 83));
}

#[test]
fn rebase_with_a_conflict_that_left_little() {
    assert_eq!(conflict(4).behind("origin/topic"), none());
}

#[test]
fn reorder() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.work("b", "b.rs", 6);
    stage.push_and_forget();
    stage.edit(&[("GIT_SEQUENCE_EDITOR", "sed -i -e '1{h;d}' -e 2G")], &["rebase", "-q", "-i", "main"]);
    stage.push_plainly("topic");
    assert_eq!(stage.git(["log", "--format=%s", "main..topic"]), "add a\nadd b\n");
    assert_eq!(stage.behind("origin/topic"), found([("a", "patch")]));
    assert_eq!(stage.behind("origin/topic~1"), found([("b", "patch")]));
}

#[test]
fn fixup_and_autosquash() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.work("c", "c.rs", 6);
    stage.work_with("b", "a.rs", &format!("{}{}", Stage::lines("a", 6), Stage::lines("b", 4)));
    stage.push_and_forget();
    stage.git(["commit", "-q", "--amend", "-m", "fixup! add a"]);
    stage.edit(&[("GIT_SEQUENCE_EDITOR", "true")], &["rebase", "-q", "-i", "--autosquash", "main"]);
    stage.push_plainly("topic");
    assert_eq!(stage.git(["log", "--format=%s", "main..topic"]), "add c\nadd a\n");
    assert_eq!(stage.behind("origin/topic"), found([("c", "patch")]));
    assert_eq!(stage.behind("origin/topic~1"), found([("a", "similar 100%"), ("b", "similar 100%")]));
}

#[test]
fn split() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.push_and_forget();
    stage.git(["reset", "-q", "--hard", "main"]);
    for (file, lines) in [("a.rs", Stage::lines("a", 4)), ("a.rs", Stage::lines("a", 6))] {
        stage.by_hand(file, &lines);
    }
    stage.push_plainly("topic");
    assert_eq!(stage.behind("origin/topic~1"), similar("a", 100));
    // Two lines that somebody wrote at another time are too few to say anything.
    assert_eq!(stage.behind("origin/topic"), none());
}

#[test]
fn cherry_pick_to_a_release() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    let picked = stage.work_with("b", "base.rs", &Stage::base(&Stage::lines("b", 4)));
    stage.push_and_forget();
    stage.git(["checkout", "-q", "-b", "release", "main"]);
    stage.by_hand("base.rs", &format!("// released\n{}", Stage::base("")));
    stage.git(["cherry-pick", &picked]);
    stage.push_plainly("release");
    assert_eq!(stage.behind("origin/release"), found([("b", "patch")]));
    assert_eq!(stage.behind(&picked), found([("b", "commit")]));
}

#[test]
fn revert_and_reapply() {
    let mut stage = Stage::new();
    for (id, count) in [("a", 6), ("b", 5)] {
        stage.work(id, "a.rs", count);
        stage.push_and_forget();
    }
    for _ in 0..2 {
        stage.tick();
        stage.git(["revert", "--no-edit", "HEAD"]);
    }
    stage.push_plainly("topic");
    // What it adds are lines of the first session, and yet it is not behind it.
    assert_eq!(stage.behind("origin/topic~1"), none());
    assert_eq!(stage.behind("origin/topic"), found([("b", "patch")]), "it does the same once more");
    // The same in somebody's own words.
    stage.tick();
    stage.git(["revert", "--no-edit", "HEAD"]);
    stage.git(["commit", "-q", "--amend", "-m", "away with it"]);
    stage.push_plainly("topic");
    assert_eq!(stage.behind("origin/topic"), none());
}

#[test]
fn filter_branch() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.work("b", "b.rs", 6);
    stage.push_and_forget();
    let squelch = [("FILTER_BRANCH_SQUELCH_WARNING", "1")];
    stage.edit(&squelch, &["filter-branch", "-f", "--msg-filter", "sed s/^/x:/", "main..topic"]);
    stage.push_plainly("topic");
    assert_eq!(stage.behind("origin/topic"), found([("b", "patch")]));
    assert_eq!(stage.behind("origin/topic~1"), found([("a", "patch")]));
}

#[test]
fn format_patch_and_am() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.work("b", "b.rs", 6);
    stage.push_and_forget();
    let mail = stage.git(["format-patch", "-q", "--stdout", "main..topic"]);
    let carol = stage.world.clone_to("carol");
    let mut am = stage.world.command("git", &carol);
    let mut child = am.args(["am", "-q"]).stdin(Stdio::piped()).spawn().expect("git runs");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), mail.as_bytes()).expect("it reads");
    assert!(child.wait().expect("it ends").success());
    stage.world.git(&carol, ["push", "-q", "origin", "main"]).ok();
    assert_eq!(stage.behind("origin/main"), found([("b", "patch")]));
    assert_eq!(stage.behind("origin/main~1"), found([("a", "patch")]));
}

#[test]
fn rewritten_by_a_program_that_knows_no_hooks() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.push_and_forget();
    // As jj does it: objects and a ref, no index, no hook.
    let again = stage.git(["commit-tree", "topic^{tree}", "-p", "main", "-m", "described anew"]);
    stage.git(["update-ref", "refs/heads/topic", again.trim()]);
    stage.push_plainly("topic");
    assert_eq!(stage.behind("origin/topic"), found([("a", "patch")]));
    let blob = {
        stage.write("a.rs", &changed("a", 6, 2));
        stage.git(["hash-object", "-w", "a.rs"])
    };
    stage.git(["update-index", "--cacheinfo", &format!("100644,{},a.rs", blob.trim())]);
    let tree = stage.git(["write-tree"]);
    let again = stage.git(["commit-tree", tree.trim(), "-p", "main", "-m", "with other content"]);
    stage.git(["update-ref", "refs/heads/topic", again.trim()]);
    stage.push_plainly("topic");
    assert_eq!(stage.behind("origin/topic"), similar("a", 66));
}

#[test]
fn a_branch_whose_work_was_taken_back_is_not_behind_what_is_left_of_it() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.tick();
    stage.git(["revert", "--no-edit", "HEAD"]);
    // Long after the session.
    (0..40).for_each(|_| stage.tick());
    stage.by_hand("notes.rs", &Stage::lines("somebody", 6));
    stage.push_and_forget();
    assert_eq!(stage.behind("origin/topic"), none());
    stage.git(["commit", "-q", "--amend", "-m", "said better"]);
    stage.push_plainly("topic");
    assert_eq!(stage.behind("origin/topic"), none());
}

#[test]
fn what_only_looks_the_same_is_nobodys() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.push_and_forget();
    // The same lines in another file; lines that are moved within theirs; lines that are indented.
    stage.by_hand("copy.rs", &Stage::lines("a", 6));
    let mut lines: Vec<String> = Stage::lines("a", 6).lines().map(str::to_owned).collect();
    lines.rotate_left(3);
    stage.by_hand("a.rs", &format!("{}\n", lines.join("\n")));
    stage.by_hand("a.rs", &format!("mod a {{\n    {}\n}}\n", lines.join("\n    ")));
    stage.push_plainly("topic");
    for commit in ["origin/topic", "origin/topic~1", "origin/topic~2"] {
        assert_eq!(stage.behind(commit), none(), "{commit}");
    }
}
