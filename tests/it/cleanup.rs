//! `cleanup`, by the words of the first OpenSession: what belongs to no branch any more goes, and nothing else.

use std::fs;
use std::path::PathBuf;

use crate::world::{Answer, World};

const LATER: &str = "2026-06-06T12:00:00Z";

/// One session on `main`, one on a branch that is gone, all of them old.
fn scene() -> World {
    let mut world = World::installed();
    world.work("one", "one.txt");
    world.push().ok();
    world.git(world.repo(), ["switch", "-qc", "topic"]).ok();
    world.work("two", "two.txt");
    world.git(world.repo(), ["push", "-q", "origin", "topic"]).ok();
    world.git(world.repo(), ["switch", "-q", "main"]).ok();
    world.git(world.repo(), ["branch", "-qD", "topic"]).ok();
    world.set_now(LATER);
    world
}

/// The branch goes at the remote, too.
fn gone(world: &World) {
    world.git(world.repo(), ["push", "-q", "origin", "--delete", "topic"]).ok();
}

fn everything(world: &World) -> [Vec<String>; 2] {
    [world.repo(), world.origin()].map(|side| world.refs(side, "refs/"))
}

#[track_caller]
fn init(world: &World) {
    world.os(["cleanup", "init", "--provider", "auto", "--yes"]).ok();
}

#[test]
fn every_word_of_the_documentation_is_understood_by_the_old_name() {
    let world = scene();
    let program = world.path("bin/opensession");
    fs::create_dir_all(world.path("bin")).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_git-opensession"), &program).expect("a link");
    let run = |words: &str| -> Answer { world.run(&program, world.repo(), words.split(' ')) };

    let answer = run("cleanup run").code(1);
    assert!(answer.err.contains("hint: opensession cleanup init --provider auto\n"), "{answer:?}");
    assert!(answer.err.contains("hint: opensession cleanup run"), "{answer:?}");
    assert!(run("cleanup status").code(0).err.contains("hint: opensession cleanup init --provider auto"));
    let answer = run("cleanup init --provider auto").code(2);
    assert!(
        answer.err.contains("say --yes") && answer.err.contains("go after 30 days, here and at origin"),
        "{answer:?}"
    );
    assert_eq!(world.git(world.repo(), ["config", "--get-regexp", "^opensession.cleanup"]).out, "");

    let answer = run("cleanup init --provider auto --yes");
    assert!(answer.err.contains("no file was written"), "{answer:?}");
    assert!(answer.ok().contains("opensession cleanup run --apply"));
    let status = run("cleanup status");
    assert!(status.out.starts_with("hidden-ttl-days: 30\nartifact-ttl-days: 30\nremote: origin\n"), "{status:?}");
    status.ok();
    let before = everything(&world);
    run("cleanup run").ok();
    assert_eq!(everything(&world), before);
    run("cleanup run --apply").ok();
    run("cleanup init --provider auto --hidden-ttl-days 0 --artifact-ttl-days 0 --yes").ok();
    assert!(run("cleanup status").ok().starts_with("hidden-ttl-days: 0\nartifact-ttl-days: 0\n"));
    assert_eq!(world.git(world.repo(), ["status", "--porcelain"]).ok(), "", "no file in the work tree");
    for (provider, words) in
        [("github", "runs-on: ubuntu-latest"), ("gitlab", "CI_PIPELINE_SOURCE"), ("generic", "17 3 * * *")]
    {
        assert!(run(&format!("cleanup init --provider {provider} --yes")).ok().contains(words));
    }
    assert!(!run("--help").ok().contains("cleanup"), "newcomers learn prune and fold");
}

#[test]
fn old_sessions_of_branches_that_are_gone_go_and_all_others_stay() {
    let world = scene();
    init(&world);
    let all = ["write one.txt", "write two.txt"];
    let said = world.os(["cleanup", "run"]);
    assert!(said.err.contains("no ledger has anything of before 2026-05-07"), "both branches are there: {said:?}");
    world.os(["cleanup", "run", "--apply"]).ok();
    assert_eq!(
        (world.titles(world.repo()), world.titles(world.origin())),
        (all.map(String::from).into(), all.map(String::from).into())
    );

    gone(&world);
    world.os(["fetch"]).ok();
    let before = everything(&world);
    let said = world.os(["cleanup", "run"]);
    assert!(said.out.contains("topic: 1 session of 1 day") && said.err.contains("--apply does it"), "{said:?}");
    world.os(["cleanup", "status"]).ok();
    assert_eq!(everything(&world), before, "nothing was changed");
    assert_eq!(world.git(world.repo(), ["rev-parse", "--is-shallow-repository"]).ok(), "false\n");

    world.os(["cleanup", "run", "--apply"]).ok();
    assert_eq!((world.titles(world.repo()), world.titles(world.origin())), (vec![all[0].into()], vec![all[0].into()]));
    world.os(["fsck"]).ok();
    assert!(world.os(["cleanup", "run", "--apply"]).code(0).err.contains("no ledger has anything"));
}

#[test]
fn what_was_squashed_into_a_branch_stays_with_it() {
    let mut world = scene();
    world.set_now("2026-03-06T13:00:00Z");
    // A host does it, where no log is.
    let host = world.clone_to("host");
    world.git(&host, ["merge", "-q", "--squash", "origin/topic"]).ok();
    world.git(&host, ["commit", "-q", "-m", "topic, as one"]).ok();
    world.git(&host, ["push", "-q", "origin", "main"]).ok();
    gone(&world);
    world.git(world.repo(), ["fetch", "-q", "--prune"]).ok();
    world.git(world.repo(), ["reset", "-q", "--hard", "origin/main"]).ok();
    world.set_now(LATER);
    init(&world);
    world.os(["cleanup", "run", "--apply"]).ok();
    assert_eq!(world.titles(world.origin()), ["write one.txt", "write two.txt"]);
    assert!(world.os(["show", "HEAD"]).ok().contains("write two.txt"));
}

#[test]
fn what_was_shared_stays_as_long_as_the_branch_it_was_shared_in() {
    let world = scene();
    let share = |local: &str, branch: &str| {
        let words = ["share", local, "--git", "--remote", "origin", "--push", "--ref", branch];
        world.os(words).ok().trim_end().to_owned()
    };
    let [both, gone_with_it] = ["s1", "s2"].map(|session| crate::share::registered(&world, session));
    let (stays, too, goes) = (share(&both, "main"), share(&both, "topic"), share(&gone_with_it, "topic"));
    gone(&world);
    init(&world);
    world.os(["cleanup", "run", "--apply"]).ok();
    for address in [&stays, &too] {
        assert_eq!(world.os_in(world.root(), ["cat", address]).ok(), world.os(["cat", &both]).ok());
    }
    world.os_in(world.root(), ["cat", &goes]).code(1);
    world.os(["fsck"]).ok();
}

#[test]
fn what_is_not_old_enough_stays() {
    let mut world = scene();
    gone(&world);
    world.set_now("2026-03-20T12:00:00Z");
    init(&world);
    world.os(["cleanup", "run", "--apply"]).ok();
    assert_eq!(world.titles(world.origin()).len(), 2);
    world.os(["cleanup", "init", "--hidden-ttl-days", "0", "--yes"]).ok();
    world.os(["cleanup", "run", "--apply"]).ok();
    assert_eq!(world.titles(world.origin()), ["write one.txt"]);
}

#[test]
fn a_remote_that_does_not_answer_is_no_sign_that_its_branches_are_gone() {
    let world = scene();
    gone(&world);
    init(&world);
    let away: PathBuf = world.path("away.git");
    fs::rename(world.origin(), &away).expect("it goes away");
    let before = world.refs(world.repo(), "refs/");
    for words in [&["cleanup", "run", "--apply"][..], &["cleanup", "status"]] {
        world.os(words).code(4);
    }
    assert_eq!(world.refs(world.repo(), "refs/"), before);
    fs::rename(away, world.origin()).expect("it comes back");
    assert_eq!(world.titles(world.origin()).len(), 2);
}

#[test]
fn where_it_cannot_be_told_what_belongs_to_a_branch_nothing_goes() {
    let world = scene();
    let url = format!("file://{}", world.origin().display());
    world.git(world.root(), ["clone", "-q", "--depth=1", &url, "shallow"]).ok();
    world.git(world.root(), ["clone", "-q", "--single-branch", &url, "single"]).ok();
    for (folder, said, hint) in [
        ("shallow", "this clone is shallow", "git fetch --unshallow"),
        ("single", "at a commit that is not here", "git fetch origin '+refs/heads/*:refs/remotes/origin/*'"),
    ] {
        let folder = world.path(folder);
        world.os_in(&folder, ["cleanup", "init", "--yes"]).ok();
        let answer = world.os_in(&folder, ["cleanup", "run", "--apply"]).code(1);
        assert!(answer.err.contains(said) && answer.err.contains(&format!("hint: {hint}")), "{answer:?}");
    }
    assert_eq!(world.titles(world.origin()).len(), 2);
    let single = world.path("single");
    world.git(&single, ["fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*"]).ok();
    world.os_in(&single, ["cleanup", "run", "--apply"]).ok();
    assert_eq!(world.titles(world.origin()).len(), 2, "both branches are there");
}

#[test]
fn old_handoffs_go_unless_they_are_pinned() {
    let world = scene();
    let made = |words: &[&str]| world.os(["handoff", "build", "--from"].iter().chain(words)).ok().trim_end().to_owned();
    let pinned = made(&["HEAD", "--pin", "latest"]);
    let unpinned = made(&["topic"]);
    assert_ne!(pinned, unpinned);
    init(&world);
    let said = world.os(["cleanup", "run"]);
    assert!(said.out.contains(&format!("{unpinned}: a handoff of 2026-03-06, not pinned")), "{said:?}");
    assert!(!said.out.contains(&pinned), "{said:?}");
    world.os(["handoff", "artifacts", "verify", &unpinned]).ok();
    world.os(["cleanup", "run", "--apply"]).ok();
    world.os(["handoff", "artifacts", "verify", &unpinned]).code(1);
    world.os(["handoff", "artifacts", "verify", &pinned]).ok();
}
