//! `relink`: what is found by patch is written down, and found by everybody from then on.

use super::{Stage, found, similar};

/// The ledger of `topic`.
const TOPIC: &str = "refs/opensession/branches/dG9waWM";

/// A branch with two sessions, squashed on `main`; the commit.
fn squashed() -> (Stage, String) {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.work("b", "b.rs", 6);
    stage.push_and_forget();
    stage.git(["checkout", "-q", "main"]);
    stage.git(["merge", "-q", "--squash", "topic"]);
    stage.tick();
    stage.git(["commit", "-q", "-m", "Do it all (#7)"]);
    stage.push_plainly("main");
    let squash = stage.git(["rev-parse", "main"]).trim().to_owned();
    (stage, squash)
}

#[test]
fn a_squash_is_tied_to_the_sessions_of_its_branch_for_good() {
    let (stage, squash) = squashed();
    let reader = stage.reader("reader");
    stage.world.os_in(&reader, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    let plan = stage.world.os_in(&reader, ["relink", "-n"]);
    let lines: Vec<&str> = plan.out.lines().collect();
    assert_eq!(lines.len(), 2, "{}", plan.out);
    assert!(lines.iter().all(|line| line.starts_with(&squash[..12]) && line.ends_with("  branch  Do it all (#7)")));
    assert!(plan.err.contains("2 links would be written into the ledger of main"), "{}", plan.err);
    assert!(stage.world.refs(&reader, "refs/opensession/branches/").is_empty(), "it was a plan");

    let told = stage.world.os_in(&reader, ["relink", "--json"]).json();
    assert_eq!((told["schema"].as_str(), told["written"].as_u64()), (Some("opensession.relink/1"), Some(2)));
    assert_eq!(stage.behind_in(&reader, &squash), found([("a", "commit"), ("b", "commit")]));
    let again = stage.world.os_in(&reader, ["relink"]);
    assert!(again.out.is_empty() && again.err.contains("nothing is to be tied"), "{}", again.err);
    // Whoever comes later needs neither the branch's ledger nor any anchor.
    stage.world.os_in(&reader, ["push", "-q"]).ok();
    stage.world.git(stage.world.origin(), ["update-ref", "-d", TOPIC]).ok();
    assert_eq!(stage.behind(&squash), found([("a", "commit"), ("b", "commit")]));
    let checked = stage.world.os_in(&reader, ["fsck"]);
    assert_eq!(checked.code, 0, "{}", checked.out);
}

#[test]
fn what_is_only_similar_is_left_out_unless_asked_for_and_stays_similar() {
    let mut stage = Stage::new();
    stage.work("a", "a.rs", 6);
    stage.push_and_forget();
    stage.write("a.rs", &Stage::lines("a", 6).replace("OF_A_0", "ANOTHER_0"));
    stage.git(["commit", "-q", "-a", "--amend", "--no-edit"]);
    let amended = stage.git(["rev-parse", "HEAD"]).trim().to_owned();
    let told = stage.world.os(["relink", "main.."]);
    assert!(told.out.is_empty() && told.err.contains("1 more only similar, and left out"), "{}", told.err);
    let told = stage.world.os(["relink", "main..", "--similar"]).ok();
    assert!(told.contains("  similar 83%  add a"), "{told}");
    stage.push_plainly("topic");
    stage.world.os(["push", "-q"]).ok();
    assert_eq!(stage.behind(&amended), similar("a", 83));
    let shown = stage.world.os(["show", &amended, "--prompts"]).ok();
    assert!(shown.contains("(similar 83%, wrote"), "{shown}");
}

#[test]
fn a_range_that_is_none_is_told_and_a_repository_without_sessions_has_nothing_to_relink() {
    let stage = Stage::new();
    let told = stage.world.os(["relink", "no..where"]).code(2);
    assert!(told.err.contains("no..where"), "{}", told.err);
    assert!(stage.world.os(["relink"]).code(0).err.contains("nothing is to be tied"));
}
