//! What breaks around us: remotes, disks, processes, logs. Code is pushed all the same, nothing is lost,
//! and what is left is said in one line.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::{Answer, ClaudeLog, CodexLog, World, claude_folder};

const LEDGER: &str = "refs/opensession/branches/bWFpbg";

/// The remote has the code.
#[track_caller]
fn code_is_pushed(world: &World) {
    let there = world.git(world.origin(), ["rev-parse", "main"]).ok();
    assert_eq!(there.trim(), world.head(world.repo()), "the code is not there");
}

/// The remote takes nothing of ours: code goes there with one reason why sessions do not; strict mode lets
/// nothing through; and once the remote takes them, and is asked again, the next push brings all.
#[track_caller]
fn sessions_wait(world: &mut World, reason: &str, repair: impl FnOnce(&World)) {
    world.work("one", "one.txt");
    world.set("OPENSESSION_STRICT", "1");
    let strict = world.push().code(1);
    assert!(strict.err.contains(reason) && strict.err.contains("nothing is pushed: strict mode is on"), "{strict:?}");
    assert_ne!(world.git(world.origin(), ["rev-parse", "main"]).ok().trim(), world.head(world.repo()));
    world.set("OPENSESSION_STRICT", "0");
    let pushed = world.push().code(0);
    let line = pushed.err.lines().find(|line| line.contains(LEDGER)).expect("a line that names the ledger");
    assert!(line.starts_with("opensession: sessions of main (commit ") && pushed.err.contains(reason), "{pushed:?}");
    code_is_pushed(world);
    assert_eq!(world.titles(world.origin()), [""; 0]);
    assert_eq!(world.titles(world.repo()), ["write one.txt"]);
    repair(world);
    world.work("two", "two.txt");
    assert_eq!(world.push().code(0).err, "opensession: 2 sessions (2 commits) -> origin\n");
    assert_eq!(world.titles(world.origin()), ["write one.txt", "write two.txt"]);
}

#[test]
fn a_remote_that_is_gone_is_gits_own_failure_and_nothing_is_captured_for_it() {
    let world = World::installed();
    world.work("one", "one.txt");
    fs::rename(world.origin(), world.path("elsewhere")).expect("it moves");
    world.push().code(128);
    assert_eq!(world.refs(world.repo(), "refs/opensession/"), [""; 0]);
    fs::rename(world.path("elsewhere"), world.origin()).expect("it moves back");
    world.push().ok();
    assert_eq!(world.titles(world.origin()), ["write one.txt"]);
}

#[test]
fn a_remote_that_hides_our_refs_is_quoted_and_sessions_wait() {
    let mut world = World::installed();
    world.git(world.origin(), ["config", "receive.hideRefs", "refs/opensession"]).ok();
    sessions_wait(&mut world, "origin says: deny updating a hidden ref", |world| {
        world.git(world.origin(), ["config", "--unset", "receive.hideRefs"]).ok();
        world.os(["doctor", "--fix", "--yes"]).ok();
    });
}

#[test]
fn a_remote_whose_hook_declines_our_refs_is_quoted_and_sessions_wait() {
    let mut world = World::installed();
    let hook = world.program(
        world.origin().join("hooks/pre-receive"),
        "#!/bin/sh\nif grep -q refs/opensession/; then echo 'branches only, please' >&2; exit 1; fi\n",
    );
    sessions_wait(&mut world, "remote: branches only, please", |world| {
        fs::remove_file(hook).expect("the hook goes");
        world.os(["doctor", "--fix", "--yes"]).ok();
    });
}

#[test]
fn a_remote_that_hangs_costs_the_deadline_and_the_code_is_pushed() {
    let world = World::installed();
    let mark = world.path("second");
    let script = format!(
        "#!/bin/sh\nif [ -e '{0}' ]; then sleep 60; exit 1; fi\n: > '{0}'\nexec git-receive-pack \"$@\"\n",
        mark.display()
    );
    let fake = world.program(world.path("fake-receive-pack"), script);
    world.git(world.repo(), ["config", "remote.origin.receivepack", &fake.to_string_lossy()]).ok();
    world.git(world.repo(), ["config", "opensession.deadline", "1s"]).ok();
    world.work("one", "one.txt");
    let start = Instant::now();
    let pushed = world.push().code(0);
    assert!(mark.exists(), "the user's own push went through the fake");
    assert!(start.elapsed() < Duration::from_secs(30), "it waited for the remote: {:?}", start.elapsed());
    assert!(pushed.err.contains("did not answer in time"), "{}", pushed.err);
    code_is_pushed(&world);
    world.git(world.repo(), ["config", "--unset", "remote.origin.receivepack"]).ok();
    world.git(world.repo(), ["config", "--unset", "opensession.deadline"]).ok();
    world.git(world.repo(), ["push", "-q", "origin", "main:again"]).ok();
    assert_eq!(world.titles(world.origin()), ["write one.txt"]);
}

/// Text that does not compress.
fn noise(length: usize) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut text = String::new();
    while text.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Words, so that no rule of redaction takes it for a key.
        let _ = write!(text, "{:x} ", state & 0xfff);
    }
    text
}

/// Not strict: a line, and the code is pushed. Strict: nothing is pushed. No ledger is damaged by it.
#[track_caller]
fn a_broken_disk_blocks_nothing(world: &mut World, push: impl Fn(&World) -> Answer, repair: impl FnOnce(&World)) {
    world.set("OPENSESSION_STRICT", "1");
    let strict = push(world);
    assert_eq!(strict.code, 1, "{strict:?}");
    world.set("OPENSESSION_STRICT", "0");
    let pushed = push(world).code(0);
    assert!(pushed.err.starts_with("opensession: "), "{pushed:?}");
    code_is_pushed(world);
    repair(world);
    world.git(world.repo(), ["fsck", "--strict", "--no-dangling"]).ok();
    let before = world.titles(world.repo());
    assert_eq!(before, ["write zero.txt"], "what was there is there");
    world.git(world.repo(), ["push", "-q", "origin", "main:again"]).ok();
    let after = world.titles(world.origin());
    assert_eq!(after, ["write one.txt", "write zero.txt"], "the next push completes it");
    world.git(world.repo(), ["fsck", "--strict", "--no-dangling"]).ok();
}

/// A session whose segment is larger than a hundred kilobytes.
fn large_session(world: &World) {
    world.work("zero", "zero.txt");
    world.push().ok();
    let log = ClaudeLog::new("one", world.repo(), -60).prompt("write one.txt").write("one.txt", "one, line by line\n");
    log.answer(&noise(400_000)).save(world);
    world.commit("one.txt", "one, line by line\n", "add one.txt");
}

#[test]
fn a_full_disk_blocks_no_push_and_damages_nothing() {
    let mut world = World::installed();
    large_session(&world);
    let push = |world: &World| {
        let limited = "trap '' XFSZ; ulimit -f 64; exec git push -q origin main";
        world.run("sh", world.repo(), ["-c", limited])
    };
    a_broken_disk_blocks_nothing(&mut world, push, |_| {});
}

#[test]
fn an_object_store_that_takes_nothing_blocks_no_push_and_damages_nothing() {
    let mut world = World::installed();
    large_session(&world);
    world.git(world.repo(), ["repack", "-q", "-a", "-d"]).ok();
    world.git(world.repo(), ["prune-packed", "-q"]).ok();
    // Files where folders would be made: this binds root, too.
    let objects = world.repo().join(".git/objects");
    let places: Vec<_> = (0..=255).map(|byte| objects.join(format!("{byte:02x}"))).collect();
    for place in &places {
        let _ = fs::remove_dir(place);
        fs::write(place, "").expect("a file");
    }
    fs::rename(objects.join("pack"), objects.join("packs")).expect("it moves");
    symlink("packs", objects.join("pack")).expect("a link");
    a_broken_disk_blocks_nothing(&mut world, World::push, |_| {
        for place in &places {
            fs::remove_file(place).expect("it is ours");
        }
    });
}

#[test]
fn a_capture_that_is_killed_at_any_moment_leaves_a_ledger_that_can_be_read_and_completed() {
    const ROUNDS: u32 = 25;
    let world = World::installed();
    for number in 0..4 {
        let file = format!("{number}.txt");
        let text = format!("the work of {number}\n");
        let mut log = ClaudeLog::new(&format!("s{number}"), world.repo(), -500).prompt(&format!("write {file}"));
        for step in 0..40 {
            log = log.bash(&format!("make step-{step}"), &noise(500));
        }
        log.write(&file, &text).answer("It is written.").save(&world);
        world.commit(&file, &text, &format!("add {file}"));
    }
    let tree = || world.git(world.repo(), ["rev-parse", &format!("{LEDGER}^{{tree}}")]).ok();
    let forget = || {
        let private = world.repo().join(".git/opensession");
        if private.exists() {
            fs::remove_dir_all(private).expect("it goes");
        }
        world.git(world.repo(), ["update-ref", "-d", LEDGER]).ok();
    };
    let start = Instant::now();
    world.os(["capture"]).ok();
    let whole = start.elapsed();
    let expected = tree();
    forget();
    let mut kept_on = 0;
    for round in 0..ROUNDS {
        let mut capture = world.command(env!("CARGO_BIN_EXE_git-opensession"), world.repo());
        let capture = capture.arg("capture").stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut capture = capture.expect("it starts");
        sleep(whole * round / ROUNDS);
        capture.kill().expect("it can be killed");
        let ended = capture.wait().expect("it ended");
        world.git(world.repo(), ["fsck", "--strict", "--no-dangling"]).ok();
        let titles = world.titles(world.repo());
        assert!(titles.is_empty() || titles.len() == 4, "{titles:?}");
        if round % 2 == 1 {
            // On what the killed one left behind.
            world.os(["capture"]).ok();
            assert_eq!(tree(), expected, "round {round}, {ended}");
            forget();
            kept_on += 1;
        }
    }
    assert_eq!(kept_on, ROUNDS / 2);
    world.push().ok();
    assert_eq!(tree(), expected);
    assert_eq!(world.titles(world.origin()).len(), 4);
    world.git(world.origin(), ["fsck", "--strict", "--no-dangling"]).ok();
    let left: Vec<_> = fs::read_dir(world.path("tmp")).expect("it is there").flatten().collect();
    assert!(left.is_empty(), "nothing is left in the temporary folder: {left:?}");
}

#[test]
fn a_log_that_is_still_being_written_is_completed_by_the_next_push() {
    let world = World::installed();
    let begun = ClaudeLog::new("s", world.repo(), -60).prompt("write it").write("a.txt", "one\n").text();
    let all = ClaudeLog::new("s", world.repo(), -60)
        .prompt("write it")
        .write("a.txt", "one\n")
        .answer("The first half is written, and here is the second: done.")
        .text();
    let path = claude_folder(&world, world.repo()).join("s.jsonl");
    let torn = begun.len() + (all.len() - begun.len()) / 2;
    fs::write(&path, all.as_bytes().get(..torn).expect("ASCII")).expect("a log");
    world.commit("a.txt", "one\n", "one");
    let pushed = world.push().code(0);
    assert_eq!(pushed.err, "opensession: 1 session (1 commit) -> origin\n");
    fs::write(&path, &all).expect("a log");
    world.commit("b.txt", "two\n", "two");
    world.push().ok();
    let sessions = world.os_in(world.origin(), ["log", "--json"]).json();
    let sid = sessions["sessions"][0]["sid"].as_str().expect("a name");
    let stored = world.os_in(world.origin(), ["cat", sid]).ok();
    assert!(stored.contains("here is the second: done."));
    assert_eq!(stored, world.os(["parse", &path.to_string_lossy()]).ok(), "as if it had been read at once");
}

/// A good session, and beside it whatever `spoil` makes of the folder of logs: the good one goes along, and not even
/// strict mode keeps the code back.
#[track_caller]
fn a_good_session_beside(spoil: impl FnOnce(&World, &std::path::Path)) -> (World, Answer) {
    let mut world = World::installed();
    world.set("OPENSESSION_STRICT", "1");
    // A build that is not optimised may take its time.
    world.git(world.repo(), ["config", "opensession.deadline", "120s"]).ok();
    let folder = claude_folder(&world, world.repo());
    fs::create_dir_all(world.home().join(".codex/sessions/2026/03/06")).expect("folders");
    spoil(&world, &folder);
    world.work("good", "good.txt");
    let pushed = world.push().code(0);
    code_is_pushed(&world);
    let titles = world.titles(world.origin());
    assert!(titles.iter().any(|title| title == "write good.txt"), "{titles:?}\n{}", pushed.err);
    world.git(world.origin(), ["fsck", "--strict"]).ok();
    (world, pushed)
}

#[test]
fn files_that_are_no_logs_keep_no_session_from_travelling() {
    let (_, pushed) = a_good_session_beside(|world, claude| {
        let codex = world.home().join(".codex/sessions/2026/03/06");
        for folder in [claude, &codex] {
            let at = |name: &str| folder.join(format!("rollout-2026-03-06T12-00-00-{name}.jsonl"));
            let binary: Vec<u8> = (0..=255).cycle().take(100_000).collect();
            fs::write(at("binary"), binary).expect("a file");
            fs::write(at("bytes"), [0xff; 5000]).expect("a file");
            fs::write(at("empty"), "").expect("a file");
            fs::write(at("list"), "[1,2,3]\n").expect("a file");
            fs::create_dir(at("folder")).expect("a folder");
            symlink("/dev/zero", at("zero")).expect("a link");
            symlink(at("loop"), at("loop")).expect("a link");
            symlink("/nowhere", at("dangling")).expect("a link");
            world.run("mkfifo", folder, [at("pipe")]).ok();
            fs::write(at("deep"), "[".repeat(10_000) + &"]".repeat(10_000) + "\n").expect("a file");
            let nested = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
            fs::write(at("nested"), nested + "\n").expect("a file");
        }
    });
    assert_eq!(pushed.err, "opensession: 1 session (1 commit) -> origin\n");
}

#[test]
fn odd_session_ids_keep_no_session_from_travelling_and_travel_themselves() {
    let ids = ["../x", "a/b/c", "", "nul\0", "日本語", "éa", "èa", "$(touch x)", "-", ".git", "x\u{1b}[2J"];
    let (world, _) = a_good_session_beside(|world, folder| {
        let codex = world.home().join(".codex/sessions/2026/03/06");
        for (number, id) in ids.iter().enumerate() {
            let log = ClaudeLog::new(id, world.repo(), -60).prompt(&format!("odd {number}"));
            fs::write(folder.join(format!("{number}.jsonl")), log.write("good.txt", "good\n").text()).expect("a log");
            // The name of Claude Code's file is its session's name, too; in Codex's, the record alone counts.
            let log = CodexLog::new(id, world.repo(), -60).prompt(&format!("odd {number}")).answer("good");
            fs::write(codex.join(format!("rollout-2026-03-06T12-00-00-{number}.jsonl")), log.text()).expect("a log");
        }
    });
    assert_eq!(world.titles(world.origin()).len(), 2 * ids.len() + 1);
    let list = world.os_in(world.origin(), ["log", "--json"]).json();
    let mut found = BTreeSet::new();
    for session in list["sessions"].as_array().expect("a list") {
        let sid = session["sid"].as_str().expect("a name");
        let shown = world.os_in(world.origin(), ["show", "--json", sid]).json();
        found.insert(shown["sessions"][0]["header"]["session_id"].as_str().expect("an id").to_owned());
    }
    assert_eq!(ids.iter().filter(|id| !id.is_empty() && !found.contains(**id)).count(), 0, "{found:?}");
    let paths = world.git(world.origin(), ["ls-tree", "-r", "--name-only", LEDGER]).ok();
    assert!(paths.lines().all(|path| path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/.-_".contains(&b))));
    assert!(!paths.contains(".."), "{paths}");
}

#[test]
fn bad_lines_cost_only_themselves() {
    let (world, pushed) = a_good_session_beside(|world, folder| {
        let lines = ClaudeLog::new("bad", world.repo(), -60)
            .prompt("survive bad lines")
            .write("good.txt", "written by bad\n")
            .answer("The last word.")
            .text();
        let deep = format!(
            "{{\"type\":\"user\",\"sessionId\":\"bad\",\"message\":{}1{}}}\n",
            "[".repeat(10_000),
            "]".repeat(10_000)
        );
        let mut file = fs::File::create(folder.join("bad.jsonl")).expect("a log");
        for line in lines.lines() {
            for bad in [b"\xff\xfe\x00 not text\n".as_slice(), b"{\"type\":\"user\",\n", b"\n", deep.as_bytes()] {
                file.write_all(bad).expect("a bad line");
            }
            writeln!(file, "{line}").expect("a good line");
        }
        let when = json!({"type": "user", "timestamp": "yesterday", "sessionId": "bad", "cwd": world.repo(),
            "message": {"role": "user", "content": "when?"}});
        writeln!(file, "{when}").expect("a bad moment");
    });
    assert_eq!(pushed.err, "opensession: 2 sessions (1 commit) -> origin\n");
    let all = String::from_utf8_lossy(&world.everything_in(world.origin())).into_owned();
    assert!(all.contains("The last word."));
}

#[test]
fn a_line_of_thirty_megabytes_keeps_no_session_from_travelling() {
    let (world, _) = a_good_session_beside(|world, folder| {
        let log = ClaudeLog::new("huge", world.repo(), -60).prompt("a huge line").write("good.txt", "huge\n");
        let log = log.answer(&"all work and no play\n".repeat(30 * 50_000));
        fs::write(folder.join("huge.jsonl"), log.text()).expect("a log");
    });
    assert_eq!(world.titles(world.origin()), ["a huge line", "write good.txt"]);
}

#[test]
fn a_stale_lock_on_the_ledger_is_named_and_strict_mode_stops_at_it() {
    let mut world = World::installed();
    world.git(world.repo(), ["config", "opensession.deadline", "1s"]).ok();
    world.work("one", "one.txt");
    let lock = world.repo().join(".git").join(format!("{LEDGER}.lock"));
    fs::create_dir_all(lock.parent().expect("a folder")).expect("folders");
    fs::write(&lock, "").expect("a lock");
    world.set("OPENSESSION_STRICT", "on");
    let strict = world.push().code(1);
    assert!(strict.err.contains("sessions of main (commit "), "{}", strict.err);
    world.set("OPENSESSION_STRICT", "off");
    let pushed = world.push().code(0);
    assert!(pushed.err.contains("are not captured yet"), "{}", pushed.err);
    code_is_pushed(&world);
    fs::remove_file(lock).expect("it goes");
    world.git(world.repo(), ["push", "-q", "origin", "main:again"]).ok();
    assert_eq!(world.titles(world.origin()), ["write one.txt"]);
}
