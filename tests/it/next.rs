//! What is named as the next command is one that helps, and what is said of a remote is so.

use crate::world::World;

const MAIN: &str = "refs/opensession/branches/bWFpbg";

fn next(world: &World) -> String {
    let told = world.os([""; 0]).ok();
    told.lines().find_map(|line| line.strip_prefix("next")).expect("a next command").trim().to_owned()
}

#[test]
fn a_ledger_that_somebody_deleted_there_is_pushed_again_by_hand() {
    let world = World::installed();
    world.work("one", "one.txt");
    world.push().ok();
    let before = world.refs(world.origin(), MAIN);
    // As a `git push --mirror` of a clone without ledgers does it.
    let other = world.clone_to("other");
    world.git(&other, ["push", "-q", "--mirror", "origin"]).ok();
    assert!(world.refs(world.origin(), MAIN).is_empty());
    let dry = world.os(["push", "--dry-run"]).err;
    assert!(dry.contains("origin has everything already, as far as is known here"), "{dry}");
    assert_eq!(world.os(["push"]).ok(), "1 session (1 commit) -> origin\n");
    assert_eq!(world.refs(world.origin(), MAIN), before);
    assert!(world.os(["push"]).err.contains("origin has everything already"));
    // A remote that cannot be asked has not said so.
    std::fs::rename(world.origin(), world.path("elsewhere")).expect("it moves");
    let away = world.os(["push"]).err;
    assert!(away.contains("has everything already, as far as is known here: there is no repository at"), "{away}");
}

#[test]
fn status_tells_what_waits_for_a_push_of_its_branch() {
    let world = World::installed();
    world.work("one", "one.txt");
    world.push().ok();
    let status = || world.os([""; 0]).ok();
    assert!(status().contains("origin has all it may have"), "{}", status());
    world.work("two", "two.txt");
    world.os(["capture"]).ok();
    assert!(status().contains("origin lacks 1 ledger until you push"), "{}", status());
    let doctor = world.os(["doctor"]).ok();
    assert!(doctor.contains("origin may have sessions; 1 ledger waits for a push of its branch"), "{doctor}");
    world.push().ok();
    assert!(status().contains("origin has all it may have"), "{}", status());
}

#[test]
fn of_a_commit_that_was_pushed_without_its_session_status_names_what_says_why() {
    let world = World::installed();
    world.work("one", "one.txt");
    assert_eq!(next(&world), "git opensession capture # or let the next git push do it");
    world.git(world.repo(), ["push", "-q", "--no-verify", "origin", "main"]).ok();
    assert_eq!(next(&world), "git opensession doctor --commit HEAD # why it has no session");
    let why = world.os(["doctor", "--commit", "HEAD"]).ok();
    assert!(why.contains("git opensession capture ") && why.contains("then git opensession push"), "{why}");
}

#[test]
fn whoever_is_stopped_or_kept_waiting_is_told_what_to_do() {
    let world = World::installed();
    let git = |args: &[&str]| world.git(world.repo(), args);
    git(&["config", "opensession.secret-scan", "block"]).ok();
    world.commit("config.env", "AWS_ACCESS_KEY_ID=AKIAQX7T2WJ5MZ4KCV3H\n", "configure");
    let said = git(&["push", "origin", "main"]).code(1).err;
    let once = said.lines().find_map(|line| line.strip_prefix("opensession:   git ")).expect("a command");
    let (words, _) = once.split_once("  # ").expect("and what it is for");
    git(&words.split(' ').chain(["-q", "origin", "main"]).collect::<Vec<_>>()).ok();
    // A remote that hangs in the hook may take its time later.
    let mark = world.path("mark");
    let script = format!(
        "#!/bin/sh\nif [ -e '{0}' ]; then rm '{0}'; sleep 60; fi\n: > '{0}'\nexec git-receive-pack \"$@\"\n",
        mark.display()
    );
    let slow = world.program(world.path("slow-receive-pack"), script);
    git(&["config", "remote.origin.receivepack", &slow.to_string_lossy()]).ok();
    git(&["config", "opensession.deadline", "1s"]).ok();
    world.work("one", "one.txt");
    let said = world.push().code(0).err;
    assert!(said.contains("did not answer in time"), "{said}");
    assert!(said.contains("opensession:   git opensession push origin  # asks again, and takes its time"), "{said}");
    git(&["config", "--unset", "remote.origin.receivepack"]).ok();
    assert_eq!(world.os(["push", "origin"]).ok(), "1 session (1 commit) -> origin\n");
    // One that cannot be reached: git itself says more.
    git(&["remote", "add", "away", "https://ann:s3cret@localhost:1/x.git"]).ok();
    let said = world.os(["fetch", "away"]).code(4).err;
    assert!(said.contains("hint: git ls-remote https://localhost:1/x.git") && !said.contains("s3cret"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn whoever_is_asked_has_seen_what_it_is_about() {
    use std::io::Write as _;
    use std::process::Stdio;

    let world = World::installed();
    if world.run("sh", world.root(), ["-c", "command -v script"]).code != 0 {
        return;
    }
    world.work("one", "one.txt");
    world.push().ok();
    let log = world.os(["log"]).ok();
    let session = log.split('\t').next().expect("a session");
    // script(1) of util-linux is a terminal.
    let mut terminal = world.command("script", world.repo());
    terminal.args(["-qec", &format!("git opensession purge {session}"), "/dev/null"]).env("TERM", "xterm");
    let mut asked = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    asked.stdin.take().expect("its input").write_all(b"n\n").expect("an answer");
    let said = String::from_utf8_lossy(&asked.wait_with_output().expect("it ends").stdout).into_owned();
    let (plan, question) = (said.find("write one.txt"), said.find("for good?"));
    assert!(plan.is_some() && question.is_some() && plan < question, "{said}");
    assert!(said.contains("nothing was changed"), "{said}");
    assert_eq!(world.os(["log"]).ok(), log);
}

#[test]
fn a_ledger_whose_ref_file_is_torn_is_named_with_what_brings_it_back() {
    let world = World::installed();
    world.work("one", "one.txt");
    world.push().ok();
    world.work("two", "two.txt");
    world.os(["capture"]).ok();
    // A disk that lost its power.
    let file = world.repo().join(".git").join(MAIN);
    std::fs::write(&file, "").expect("it is torn");
    assert!(world.push().code(0).err.contains("are not captured yet: cannot read refs/opensession/branches/"));
    let found = world.os(["fsck"]).code(1);
    assert!(found.out.contains(&format!("{MAIN}: its file holds no ref")), "{}", found.out);
    assert!(found.err.contains("1 rule broken"), "{}", found.err);
    assert_eq!(next(&world), "git opensession doctor # look at the ledgers");
    let told = world.os(["doctor"]).code(1).out;
    let remove = told.lines().map(str::trim).find(|line| line.starts_with("rm ")).expect("a command");
    world.run("sh", world.repo(), ["-c", remove]).ok();
    world.os(["capture", "HEAD~1..HEAD"]).ok();
    world.os(["push"]).ok();
    world.os(["fsck"]).ok();
    assert_eq!(world.titles(world.origin()), ["write one.txt", "write two.txt"]);
}
