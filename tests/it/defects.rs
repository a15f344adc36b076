//! What went wrong in the first OpenSession, one story for each: none of it happens here.
//!
//! Told elsewhere: odd session ids and unreadable logs block nobody, a stale lock is named (`faults`); hooks that were
//! there before, hooks folders, worktrees, submodules (`hooks`); secrets in what is stored, remotes that nobody has
//! allowed (`privacy`, `consent`); panics on a closed pipe, colours, talk on stdout (`cli`); the speed of reading
//! (`benches`).

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::world::{ClaudeLog, CodexLog, World, claude_folder};

const LEDGER: &str = "refs/opensession/branches/bWFpbg";

/// The commits that the sessions of all ledgers of a repository are tied to.
fn linked(world: &World, repository: &std::path::Path) -> BTreeSet<String> {
    let list = world.os_in(repository, ["log", "--json"]).json();
    let sessions = list["sessions"].as_array().expect("a list");
    let commits = sessions.iter().flat_map(|session| session["commits"].as_array().expect("commits"));
    commits.map(|commit| commit.as_str().expect("an id").to_owned()).collect()
}

/// A remote that takes code and no sessions.
fn refuse_sessions(world: &World) {
    world.git(world.origin(), ["config", "receive.hideRefs", "refs/opensession"]).ok();
}

#[test]
fn a_second_contributor_pushes_code_and_no_session_of_anybody_is_lost() {
    let world = World::installed();
    let ben = world.clone_to("ben");
    world.os_in(&ben, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    world.work("ann", "ann.txt");
    world.push().ok();
    world.git(&ben, ["pull", "-q", "origin", "main"]).ok();
    for round in ["one", "two"] {
        let text = format!("by ben, {round}\n");
        let file = format!("{round}.txt");
        let log = ClaudeLog::new(round, &ben, -60).prompt(&format!("write {round}")).write(&file, &text);
        log.save(&world);
        let commit = world.commit_in(&ben, &file, &text, round);
        world.git(&ben, ["push", "-q", "origin", "main"]).code(0);
        assert_eq!(world.git(world.origin(), ["rev-parse", "main"]).ok().trim(), commit);
    }
    world
        .git(&ben, ["fetch", "-q", "origin", "refs/opensession/branches/*:refs/opensession/remotes/origin/branches/*"])
        .ok();
    assert_eq!(world.titles(&ben), ["write ann.txt", "write one", "write two"]);
    assert!(world.titles(world.origin()).contains(&"write ann.txt".to_owned()));
}

#[test]
fn pushing_head_by_that_name_captures() {
    let world = World::installed();
    world.work("one", "one.txt");
    world.git(world.repo(), ["push", "-q", "origin", "HEAD"]).ok();
    assert_eq!(world.titles(world.origin()), ["write one.txt"]);
}

#[test]
fn a_detached_head_and_another_name_over_there_capture_into_the_ledger_of_that_name() {
    let world = World::installed();
    world.work("one", "one.txt");
    world.git(world.repo(), ["push", "-q", "origin", "main:topic"]).ok();
    world.git(world.repo(), ["checkout", "-q", "--detach"]).ok();
    world.work("two", "two.txt");
    world.git(world.repo(), ["push", "-q", "origin", "HEAD:refs/heads/other"]).ok();
    let ledger = |branch: &str| {
        let list = world.os_in(world.origin(), ["log", "--json", "--branch", branch]).json();
        list["sessions"].as_array().expect("a list").iter().map(|s| s["title"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ledger("topic"), ["\"write one.txt\""]);
    assert_eq!(ledger("other"), ["\"write two.txt\""]);
}

#[test]
fn any_number_of_newer_logs_hides_no_session() {
    let world = World::installed();
    let commit = world.work("mine", "mine.txt");
    fs::create_dir(world.path("elsewhere")).expect("a folder");
    for number in 0..150 {
        for folder in [world.repo(), world.path("elsewhere")] {
            ClaudeLog::new(&format!("{number}"), folder, 3600 + number).prompt("something else").save(&world);
        }
    }
    world.push().ok();
    assert!(world.titles(world.origin()).contains(&"write mine.txt".to_owned()));
    assert_eq!(linked(&world, &world.origin()), BTreeSet::from([commit]));
}

#[test]
fn a_session_of_a_worktree_goes_along_when_its_branch_is_pushed_from_the_main_checkout() {
    let world = World::installed();
    world.git(world.repo(), ["worktree", "add", "-q", "../linked", "-b", "topic"]).ok();
    let text = "written over there\n";
    ClaudeLog::new("linked", world.path("linked"), -60).prompt("write it").write("a.txt", text).save(&world);
    let commit = world.commit_in(world.path("linked"), "a.txt", text, "add a.txt");
    world.git(world.repo(), ["push", "-q", "origin", "topic"]).ok();
    assert_eq!(linked(&world, &world.origin()), BTreeSet::from([commit]));
}

#[test]
fn a_commit_of_the_agent_that_is_amended_before_the_push_keeps_its_session() {
    let world = World::installed();
    let text = "made and committed by the agent\n";
    let first = world.commit("a.txt", text, "by the agent");
    let said = format!("[main {}] by the agent\n 1 file changed, 1 insertion(+)", first.get(..7).expect("an id"));
    ClaudeLog::new("s", world.repo(), -60)
        .prompt("write a.txt and commit it")
        .write("a.txt", text)
        .bash("git commit -am 'by the agent'", &said)
        .save(&world);
    world.git(world.repo(), ["commit", "-q", "--amend", "-m", "a better message"]).ok();
    let amended = world.head(world.repo());
    assert_ne!(amended, first);
    world.push().ok();
    assert!(linked(&world, &world.origin()).contains(&amended));
}

/// Three commits of one session, made an hour before the world begins, then rebased a day later.
fn rebased(world: &mut World) -> BTreeSet<String> {
    world.set_now("2026-03-06T11:00:00Z");
    let mut log = ClaudeLog::new("s", world.repo(), -3660).prompt("write three files");
    for name in ["one", "two", "three"] {
        let text = format!("a line about {name}\nand another about {name}\n");
        log = log.write(&format!("{name}.txt"), &text);
        log.save(world);
        world.commit(&format!("{name}.txt"), &text, name);
    }
    world.set_now("2026-03-07T11:00:00Z");
    let other = world.clone_to("other");
    world.commit_in(&other, "theirs.txt", "theirs\n", "theirs");
    world.git(&other, ["push", "-q", "origin", "main"]).ok();
    world.git(world.repo(), ["pull", "-q", "--rebase", "origin", "main"]).ok();
    let commits = world.git(world.repo(), ["rev-list", "origin/main..main"]).ok();
    commits.lines().map(str::to_owned).collect()
}

#[test]
fn all_commits_of_a_session_keep_it_over_a_rebase() {
    let mut world = World::installed();
    let commits = rebased(&mut world);
    assert_eq!(commits.len(), 3);
    world.push().ok();
    assert_eq!(linked(&world, &world.origin()), commits);
}

#[test]
fn without_reflogs_no_link_is_missing() {
    let mut world = World::installed();
    world.git(world.repo(), ["config", "core.logAllRefUpdates", "false"]).ok();
    fs::remove_dir_all(world.repo().join(".git/logs")).expect("there are reflogs of the clone");
    let commits = rebased(&mut world);
    world.push().ok();
    assert_eq!(linked(&world, &world.origin()), commits);
}

#[test]
fn ten_captures_at_once_lose_nothing() {
    let world = World::installed();
    world.git(world.repo(), ["config", "opensession.deadline", "120s"]).ok();
    let mut branches = Vec::new();
    for number in 0..10 {
        world.git(world.repo(), ["checkout", "-q", "-b", &format!("b{number}"), "origin/main"]).ok();
        world.work(&format!("s{number}"), &format!("{number}.txt"));
        branches.push(format!("b{number}"));
    }
    let all = |arguments: &dyn Fn(&str) -> (&'static str, Vec<String>)| {
        let start = |branch: &String| {
            let (program, arguments) = arguments(branch);
            let mut command = world.command(program, world.repo());
            command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
        };
        let running: Vec<_> = branches.iter().map(start).collect();
        for process in running {
            let output = process.wait_with_output().expect("it ends");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    };
    // All into one ledger, then each into its own.
    all(&|branch| {
        (
            env!("CARGO_BIN_EXE_git-opensession"),
            vec!["capture".into(), "--branch".into(), "main".into(), format!("origin/main..{branch}")],
        )
    });
    assert_eq!(world.titles(world.repo()).len(), 10);
    assert_eq!(linked(&world, &world.repo()).len(), 10);
    world.git(world.repo(), ["update-ref", "-d", LEDGER]).ok();
    all(&|branch| ("git", vec!["push".into(), "-q".into(), "origin".into(), branch.into()]));
    world.git(world.repo(), ["push", "-q", "origin", "HEAD:refs/heads/again"]).ok();
    assert_eq!(world.titles(world.origin()).len(), 10);
    world.git(world.repo(), ["fsck", "--strict", "--no-dangling"]).ok();
}

#[test]
fn a_warning_about_a_secret_does_not_end_the_hook_before_sessions_are_pushed() {
    let mut world = World::installed();
    world.set("OPENSESSION_STRICT", "1");
    let key = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    world.commit("config.txt", &format!("token = {key}\n"), "a secret");
    world.work("one", "one.txt");
    refuse_sessions(&world);
    let strict = world.push().code(1);
    assert!(strict.err.contains("a secret is being pushed: config.txt:1"), "{}", strict.err);
    assert!(strict.err.contains("nothing is pushed: strict mode is on"), "{}", strict.err);
    assert!(!strict.err.contains(&key));
    world.git(world.origin(), ["config", "--unset", "receive.hideRefs"]).ok();
    world.os(["doctor", "--fix", "--yes"]).ok();
    world.push().ok();
    assert_eq!(world.titles(world.origin()), ["write one.txt"]);
}

#[test]
fn a_secret_is_named_on_a_new_branch_and_not_when_it_is_removed() {
    let world = World::installed();
    let key = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    world.git(world.repo(), ["checkout", "-q", "-b", "topic"]).ok();
    world.commit("config.txt", &format!("token = {key}\n"), "a secret");
    let pushed = world.git(world.repo(), ["push", "-q", "origin", "topic"]).code(0);
    assert!(pushed.err.contains("a secret is being pushed: config.txt:1"), "{}", pushed.err);
    world.commit("config.txt", "token = \n", "no secret");
    let pushed = world.git(world.repo(), ["push", "-q", "origin", "topic"]).code(0);
    assert!(!pushed.err.contains("secret"), "{}", pushed.err);
}

#[test]
fn a_program_that_crashes_fails_a_strict_push_and_no_other() {
    let mut world = World::installed();
    for crash in ["kill -SEGV $$", "kill -KILL $$", "exit 101", "exit 2"] {
        let broken = world.program(world.path("broken"), format!("#!/bin/sh\n{crash}\n"));
        world.uninstall().ok();
        world.fix().ok();
        world.call(&broken.to_string_lossy());
        world.commit("a.txt", crash, crash);
        world.set("OPENSESSION_STRICT", "1");
        world.push().code(1);
        world.set("OPENSESSION_STRICT", "0");
        let pushed = world.push().code(0);
        assert!(pushed.err.contains("broke down"), "{}", pushed.err);
    }
}

#[test]
fn every_way_to_say_yes_to_strict_mode_is_a_yes() {
    let mut world = World::installed();
    refuse_sessions(&world);
    world.work("one", "one.txt");
    for yes in ["1", "true", "True", "TRUE", "yes", "YES", "on", "On"] {
        world.set("OPENSESSION_STRICT", yes);
        world.push().code(1);
        world.set("OPENSESSION_STRICT", "");
        world.git(world.repo(), ["config", "opensession.strict", yes]).ok();
        world.push().code(1);
        world.git(world.repo(), ["config", "--unset", "opensession.strict"]).ok();
    }
    for no in ["0", "False", "no", "OFF"] {
        world.set("OPENSESSION_STRICT", no);
        world.commit("a.txt", no, no);
        world.push().code(0);
    }
}

#[test]
fn a_push_that_git_will_not_make_publishes_no_session() {
    let world = World::installed();
    world.work("one", "one.txt");
    world.git(world.repo(), ["push", "-q", "--dry-run", "origin", "main"]).ok();
    assert_eq!(world.refs(world.origin(), "refs/opensession/"), [""; 0]);
    let other = world.clone_to("other");
    world.commit_in(&other, "theirs.txt", "theirs\n", "theirs");
    world.git(&other, ["push", "-q", "origin", "main"]).ok();
    world.git(world.repo(), ["fetch", "-q", "origin"]).ok();
    assert_ne!(world.push().code, 0, "it is not a fast-forward");
    assert_eq!(world.refs(world.origin(), "refs/opensession/"), [""; 0]);
}

#[test]
fn nothing_of_a_session_is_ever_in_the_work_tree() {
    let world = World::installed();
    world.work("one", "one.txt");
    world.os(["capture"]).ok();
    world.push().ok();
    world.git(world.repo(), ["add", "-A", "-f"]).ok();
    assert_eq!(world.git(world.repo(), ["status", "--porcelain"]).ok(), "");
}

#[test]
fn a_killed_parse_and_a_strict_no_leave_nothing_in_the_temporary_folder() {
    let mut world = World::installed();
    let log = ClaudeLog::new("s", world.repo(), -60).prompt("x").answer(&"a long answer\n".repeat(100_000)).text();
    for delay in [0, 20, 100, 300] {
        let mut parse = world.command(env!("CARGO_BIN_EXE_git-opensession"), world.repo());
        let parse =
            parse.args(["parse", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut parse = parse.expect("it starts");
        // It waits for more, with all of this read.
        let mut input = parse.stdin.take().expect("a pipe");
        input.write_all(log.as_bytes()).expect("it reads");
        sleep(Duration::from_millis(delay));
        parse.kill().expect("it can be killed");
        parse.wait().expect("it ended");
    }
    refuse_sessions(&world);
    world.work("one", "one.txt");
    world.set("OPENSESSION_STRICT", "1");
    world.push().code(1);
    let left: Vec<_> = fs::read_dir(world.path("tmp")).expect("it is there").flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_same_log_is_the_same_text_every_time() {
    let world = World::new();
    let claude = ClaudeLog::new("s", world.repo(), -60).prompt("x").edit("a", "b", "c").bash("ls", "a").save(&world);
    let codex = CodexLog::new("c", world.repo(), -60).prompt("x").shell("ls", "a", 0).add_file("b", "c").save(&world);
    for log in [claude, codex] {
        let parse = || world.os(["parse", &log.to_string_lossy()]).ok();
        let first = parse();
        assert!((0..9).all(|_| parse() == first));
        let copy = world.path("tmp").join(log.file_name().expect("a name"));
        fs::copy(&log, &copy).expect("a copy");
        assert_eq!(world.os(["parse", &copy.to_string_lossy()]).ok(), first, "wherever it lies");
    }
}

#[test]
fn pushing_again_stores_nothing_again() {
    let mut world = World::installed();
    world.work("one", "one.txt");
    world.push().ok();
    let ledgers = world.refs(world.repo(), "refs/opensession/");
    world.set_now("2026-03-09T12:00:00Z");
    for branch in ["main", "second", "third"] {
        world.commit("by-hand.txt", branch, "by hand, long after the session");
        assert_eq!(world.git(world.repo(), ["push", "-q", "origin", &format!("HEAD:{branch}")]).code(0).err, "");
        assert_eq!(world.refs(world.repo(), "refs/opensession/"), ledgers);
    }
}

#[test]
fn a_session_behind_three_branches_is_stored_once() {
    let world = World::installed();
    let mut log = ClaudeLog::new("s", world.repo(), -60).prompt("write three files on three branches");
    for branch in ["one", "two", "three"] {
        let text = format!("a line for {branch}\n");
        log = log.write(&format!("{branch}.txt"), &text);
        world.git(world.repo(), ["checkout", "-q", "-b", branch, "origin/main"]).ok();
        world.commit(&format!("{branch}.txt"), &text, branch);
    }
    log.save(&world);
    world.git(world.repo(), ["push", "-q", "origin", "one", "two", "three"]).ok();
    let ledgers = world.refs(world.origin(), "refs/opensession/branches/");
    assert_eq!(ledgers.len(), 3);
    let mut segments = BTreeSet::new();
    for ledger in &ledgers {
        let (name, _) = ledger.split_once(' ').expect("a name and an id");
        let tree = world.git(world.origin(), ["ls-tree", "-r", name]).ok();
        let stored = tree.lines().filter(|line| line.strip_suffix(".zst").is_some());
        segments.extend(stored.map(|line| line.split(['\t', ' ']).nth(2).expect("a blob").to_owned()));
    }
    assert_eq!(segments.len(), 1, "{segments:?}");
}

#[test]
fn edits_tokens_and_models_are_all_there() {
    let world = World::installed();
    let claude = ClaudeLog::new("s", world.repo(), -60).prompt("x");
    let claude = claude.edit("a.txt", "the old line", "the new line").write("b.txt", "first\nsecond\n").save(&world);
    let codex =
        CodexLog::new("c", world.repo(), -60).prompt("x").add_file("c.txt", "of codex\n").answer("y").save(&world);
    let parsed = |log: &std::path::Path| {
        let text = world.os(["parse", &log.to_string_lossy()]).ok();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        (lines.first().cloned().expect("a header"), lines.last().cloned().expect("stats"), text)
    };
    let (header, stats, text) = parsed(&claude);
    assert_eq!(header["agent"]["model"], "claude-opus-4-6");
    assert!(["the old line", "the new line", "second"].iter().all(|line| text.contains(line)));
    // Two answers with 10 fresh, 20 written to and 30 read from the cache, and 5 that came out.
    let counted = ["lines_added", "lines_removed", "files_changed", "total_input_tokens", "total_output_tokens"];
    assert_eq!(counted.map(|name| stats[name].as_u64()), [3, 1, 2, 20, 10].map(Some), "{stats}");
    let (header, stats, text) = parsed(&codex);
    assert_eq!(header["agent"]["model"], "gpt-5-codex");
    assert!(text.contains("of codex"));
    assert_eq!(counted.map(|name| stats[name].as_u64()), [1, 0, 1, 40, 30].map(Some), "{stats}");
}

#[test]
fn a_log_is_never_taken_for_one_of_another_agent() {
    let world = World::new();
    let text = ClaudeLog::new("s", world.repo(), -60).prompt("when?").answer("Now.").text();
    let log = claude_folder(&world, world.repo()).join("s.jsonl");
    let bad_moment = text.lines().next().expect("a line").replacen("2026-03-06T11:59:00Z", "yesterday", 1);
    assert!(bad_moment.contains("yesterday"), "{bad_moment}");
    fs::write(&log, format!("{bad_moment}\n{text}")).expect("a log");
    let parse = |arguments: &[&str]| world.os([&["parse", "--profile"], arguments].concat());
    let parsed = parse(&["auto", &log.to_string_lossy()]).ok();
    assert!(
        parsed.starts_with("{\"type\":\"header\"") && parsed.contains("\"claude-code\"") && parsed.contains("Now.")
    );
    parse(&["codex", &log.to_string_lossy()]).code(2);
    for (name, content) in [("empty", ""), ("list", "[1,2,3]\n"), ("text", "hello\n")] {
        fs::write(world.path(name), content).expect("a file");
        for profile in ["auto", "claude-code", "codex"] {
            let answer = parse(&[profile, &world.path(name).to_string_lossy()]).code(1);
            assert_eq!(answer.out, "", "{name}, {profile}");
        }
    }
}
