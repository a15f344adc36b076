//! What is read: `log`, `show`, `cat`, `fetch`, `push` by hand, `parse`, the status; and how commands end.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use git_opensession::hail;

use crate::world::{ClaudeLog, CodexLog, World};

/// A world with two sessions behind a commit that was pushed, without the hook, and captured by hand.
fn captured() -> World {
    let mut world = World::installed();
    ClaudeLog::new("aaaa", world.repo(), 60)
        .prompt("make it say hello")
        .write("hello.txt", "hello\n")
        .bash("cat hello.txt", "hello")
        .answer("It says hello.")
        .save(&world);
    CodexLog::new("bbbb", world.repo(), 60).prompt("now look").shell("ls", "hello.txt", 0).answer("Seen.").save(&world);
    world.set_now("2026-03-06T12:05:00Z");
    world.commit("hello.txt", "hello\n", "say hello");
    world.git(world.repo(), ["push", "-q", "--no-verify"]).ok();
    world.os(["capture", "HEAD"]).ok();
    world
}

#[test]
fn sessions_are_listed_in_four_forms() {
    let world = captured();
    let plain = world.os(["log"]).ok();
    assert_eq!(plain.lines().count(), 2, "{plain}");
    assert!(plain.lines().all(|line| line.matches('\t').count() == 6), "{plain}");
    let json = world.os(["log", "--json"]).json();
    assert_eq!(json["schema"], "opensession.log/1");
    assert_eq!(json["sessions"].as_array().map(Vec::len), Some(2));
    assert_eq!(world.os(["log", "--jsonl"]).ok().lines().count(), 2);
    assert_eq!(world.os(["log", "-z"]).ok().matches('\0').count(), 2);
    assert_eq!(world.os(["log", "-n", "1"]).ok().lines().count(), 1);
    assert_eq!(world.os(["log", "--agent", "codex"]).ok().lines().count(), 1);
    assert_eq!(world.os(["log", "HEAD~1"]).ok(), "");
    assert_eq!(world.os(["log", "--json", "HEAD~1"]).json()["sessions"], serde_json::json!([]));
}

#[test]
fn a_conversation_is_shown_by_commit_by_branch_and_by_the_beginning_of_its_id() {
    let world = captured();
    let list = world.os(["log", "--json", "--agent", "claude-code"]).json();
    let sid = list["sessions"][0]["sid"].as_str().expect("an id").to_owned();
    for what in [sid.as_str(), &sid[..8]] {
        let shown = world.os(["show", what]).ok();
        assert!(shown.starts_with(&format!("session {sid}\n")), "{shown}");
        assert!(shown.contains("❯ make it say hello\n") && shown.contains("+ hello.txt +1\n"), "{shown}");
    }
    for what in ["HEAD", "main"] {
        assert_eq!(world.os(["show", "--prompts", what]).ok().matches("❯ ").count(), 2);
    }
    let json = world.os(["show", "HEAD", "--json"]).json();
    let sessions = json["sessions"].as_array().expect("a list");
    assert!(sessions.iter().all(|session| session["schema"] == "opensession.session/1"), "{json}");
    assert!(sessions.iter().all(|session| session["events"].as_array().is_some_and(|events| !events.is_empty())));
    assert!(world.os(["show", "--full", &sid]).ok().contains("· Shell  cat hello.txt\n"));
}

#[test]
fn cat_prints_the_canonical_text() {
    let world = captured();
    let list = world.os(["log", "--json"]).json();
    let sid = list["sessions"][0]["sid"].as_str().expect("an id");
    let text = world.os(["cat", sid]).ok();
    let session = hail::Reader::new(text.as_bytes()).and_then(hail::Reader::read_to_end).expect("HAIL");
    let mut again = Vec::new();
    hail::write_session(&session, &mut again).expect("a vector takes all");
    assert_eq!(String::from_utf8(again).expect("text"), text);
    let both = world.os(["cat", "HEAD"]).code(2);
    assert_eq!(both.err.matches("hint: git opensession cat ").count(), 2, "{}", both.err);
}

#[test]
fn what_was_pushed_by_hand_is_fetched_and_read_in_another_clone() {
    let world = captured();
    let planned = world.os(["push", "--dry-run"]).ok();
    assert_eq!(planned, "main -> origin\n");
    assert!(world.refs(world.origin(), "refs/opensession/").is_empty(), "nothing was pushed");
    assert_eq!(world.os(["push"]).ok(), "2 sessions (1 commit) -> origin\n");
    assert_eq!(world.os(["push", "--json"]).json()["remotes"][0]["ledgers"], serde_json::json!([]));

    let clone = world.clone_to("clone");
    world.os_in(&clone, ["show", "HEAD"]).code(1);
    let fetched = world.os_in(&clone, ["fetch", "--json"]).json();
    assert_eq!(fetched["ledgers"][0]["branch"], "main");
    assert_eq!(fetched["ledgers"][0]["sessions"].as_array().map(Vec::len), Some(2));
    assert_eq!(world.os_in(&clone, ["fetch", "--json"]).json()["ledgers"], serde_json::json!([]));
    assert_eq!(world.os_in(&clone, ["show", "--prompts"]).ok().matches("❯ ").count(), 2);
    assert!(world.os_in(&clone, ["show"]).ok().contains("Ledger:   origin/main\n"));
    assert!(world.refs(&clone, "refs/opensession/branches/").is_empty(), "no live ledger is made by a fetch");
}

#[test]
fn a_commit_that_was_pushed_without_its_session_is_told_what_brings_it() {
    let world = World::installed();
    world.work("one", "one.txt");
    let why = || world.os(["doctor", "--commit", "HEAD"]).code(0).out;
    assert!(why().ends_with("a push of this commit carries these sessions along\n"), "{}", why());
    world.git(world.repo(), ["push", "-q", "--no-verify", "origin", "main"]).ok();
    let told = why();
    let (_, command) = told.rsplit_once("a remote has this commit already: git opensession ").expect("a next command");
    let (capture, push) = command.trim_end().split_once(", then git opensession ").expect("two of them");
    for command in [capture, push] {
        world.os(command.split(' ')).ok();
    }
    assert!(why().ends_with("a ledger has all of them\n"), "{}", why());
    assert_eq!(world.titles(world.origin()), ["write one.txt"]);
}

#[test]
fn sessions_go_nowhere_without_consent_and_held_ones_wait_for_their_branch() {
    let world = captured();
    world.git(world.root(), ["init", "-q", "--bare", "public.git"]).ok();
    world.git(world.repo(), ["remote", "add", "public", &world.path("public.git").to_string_lossy()]).ok();
    let held = world.os(["push", "public"]);
    assert!(held.err.contains("sessions of main wait until the branch is at public"), "{}", held.err);
    world.git(world.repo(), ["push", "-q", "--no-verify", "public", "main"]).ok();
    let refused = world.os(["push", "public"]).code(1);
    assert!(refused.err.contains("hint: git opensession doctor --fix --remote public"), "{}", refused.err);
    assert!(world.refs(world.path("public.git"), "refs/opensession/").is_empty());
}

#[test]
fn commands_end_as_the_table_says() {
    let world = World::new();
    let code = |args: &[&str]| world.os(args.iter().copied()).code;
    assert_eq!(code(&["show"]), 1, "no session");
    assert_eq!(code(&["show", "nonsense"]), 1);
    assert_eq!(code(&["log"]), 0, "an empty list is a list");
    assert_eq!(code(&["log", "nonsense.."]), 2);
    assert_eq!(code(&["frobnicate"]), 2);
    assert_eq!(code(&["fetch", "nobody"]), 2);
    assert_eq!(code(&["fetch", "./nothing-there.git"]), 4);
    assert_eq!(code(&["-C", "nowhere", "log"]), 128);
    assert_eq!(world.os_in(world.root(), ["log"]).code, 128);
    assert_eq!(code(&["--version"]), 0);
    assert_eq!(code(&["help", "show"]), 0);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let world = captured();
    let line = "git-opensession show --full HEAD | head -1; git-opensession completion bash | head -1";
    let answer = world.run("sh", world.repo(), ["-c", line]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
    let mut command = world.command(env!("CARGO_BIN_EXE_git-opensession"), world.repo());
    let mut child = command.args(["completion", "bash"]).stdout(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(141));
}

#[test]
fn the_status_is_short_and_names_the_next_command() {
    let world = World::new();
    let fresh = world.os::<&str>([]).ok();
    assert!(fresh.lines().count() <= 8, "{fresh}");
    assert!(fresh.contains("next      git opensession doctor --fix"), "{fresh}");
    let world = captured();
    let full = world.os::<&str>([]).ok();
    assert!(full.lines().count() <= 8, "{full}");
    assert!(full.contains("2 sessions behind it") && full.contains("next      git opensession push origin"), "{full}");
}

#[test]
fn a_log_is_parsed_redacted_from_a_file_and_from_standard_input() {
    let world = World::new();
    let home = world.home();
    let log = ClaudeLog::new("cccc", world.repo(), 0).prompt(&format!("look at {}/notes", home.display())).answer("ok");
    let path = log.save(&world);
    let path = path.to_str().expect("text");
    let text = world.os(["parse", path]).ok();
    assert!(text.contains("look at ~/notes"), "{text}");
    assert!(world.os(["parse", "--no-redact", path]).ok().contains(&format!("{}/notes", home.display())));
    assert_eq!(world.os(["parse", path]).ok(), text, "twice the same");

    let mut command = world.command(env!("CARGO_BIN_EXE_git-opensession"), world.repo());
    command.args(["parse", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    child.stdin.take().expect("an input").write_all(log.text().as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), text, "the id is that of the records");

    let out = world.path("out.jsonl");
    let out = out.to_str().expect("text");
    assert_eq!(world.os(["parse", "-o", out, path]).ok(), "");
    assert_eq!(fs::read_to_string(out).expect("a file"), text);
    let report = world.os(["parse", "--report", "--json", path]).json();
    assert_eq!((&report["schema"], &report["agent"]), (&"opensession.parse-report/1".into(), &"claude-code".into()));
    assert!(report["redacted"]["home"].as_u64().is_some_and(|count| count > 0), "{report}");
    assert!(world.os(["parse", "--preview", path]).ok().contains("❯ look at ~/notes"));
    let left: Vec<_> = fs::read_dir(world.path("tmp")).expect("the folder of temporary files").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_cannot_be_parsed_says_why_and_writes_nothing() {
    let world = World::new();
    let out = world.path("out.jsonl");
    let file = |name: &str, content: &[u8]| {
        let path = world.path(name);
        fs::write(&path, content).expect("a file");
        path.to_str().expect("text").to_owned()
    };
    let codex = CodexLog::new("dddd", world.repo(), 0).prompt("hi").answer("ho").text();
    let codex = file("codex.jsonl", codex.as_bytes());
    let wrong = world.os(["parse", "--profile", "claude-code", &codex]).code(2);
    assert!(wrong.err.contains("is not a log of claude-code, but of codex"), "{}", wrong.err);
    assert!(wrong.err.contains(&format!("hint: git opensession parse --profile codex {codex}")), "{}", wrong.err);
    for (name, content) in [("empty", &b""[..]), ("list", b"[1,2,3]\n"), ("garbage", b"\x00\xff\xfe\x1b[31m")] {
        let path = file(name, content);
        let answer = world.os(["parse", "-o", out.to_str().expect("text"), &path]).code(1);
        assert!(answer.err.starts_with("error: ") && !answer.err.contains('\u{1b}'), "{}", answer.err);
        assert!(!out.exists(), "{name}");
    }
    assert_eq!(world.os(["parse", "/no/such/log"]).code, 2);
    assert_eq!(world.os(["parse", world.root().to_str().expect("text")]).code, 2);
    assert_eq!(world.os(["parse", "-o", &codex, &codex]).code, 2);
    assert!(fs::metadata(&codex).is_ok_and(|log| log.len() > 0), "the log is still there");
}
