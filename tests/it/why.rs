//! `why`: from a line to the commit, the session, the edit and the prompt.

use std::fs;

use serde_json::Value;

use crate::world::{ClaudeLog, CodexLog, World};

const GREET: &str = "pub fn greet(name: &str) -> String {\n    format!(\"hello, {name}\")\n}\n";
const TEST: &str = "#[test]\nfn it_greets() {\n    assert_eq!(greet(\"x\"), \"hello, x\");\n}\n";

/// A world in which one agent wrote `greet.rs`, another the test of it, and a human a line in each commit; all captured.
fn written() -> World {
    let mut world = World::installed();
    ClaudeLog::new("aaaa", world.repo(), 60)
        .prompt("look around first")
        .answer("Seen.")
        .prompt("greet people by their name")
        .write("greet.rs", GREET)
        .answer("Done.")
        .save(&world);
    world.set_now("2026-03-06T12:05:00Z");
    world.commit("greet.rs", &format!("{GREET}// by hand, in the same commit\n"), "greet by name");
    CodexLog::new("bbbb", world.repo(), 400).prompt("test it").add_file("test.rs", TEST).answer("Tested.").save(&world);
    world.set_now("2026-03-06T12:10:00Z");
    world.commit("test.rs", TEST, "test the greeting");
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    world
}

fn lines(json: &Value) -> &Vec<Value> {
    json["files"][0]["lines"].as_array().expect("lines")
}

fn made_by(json: &Value) -> String {
    lines(json).iter().map(|line| line["by"].as_str().expect("by whom").chars().next().unwrap_or('?')).collect()
}

#[test]
fn a_line_leads_to_its_commit_its_session_and_what_was_asked_for() {
    let world = written();
    let told = world.os(["why", "greet.rs:2"]).ok();
    for words in
        ["greet.rs:2\n", "format!(", " greet by name\n", "claude-code, claude-opus-4-6", "#2, 2026-03-06T12:01:02Z"]
    {
        assert!(told.contains(words), "{words:?} in {told}");
    }
    assert!(told.ends_with("❯ greet people by their name\n"), "{told}");
    let by_hand = world.os(["blame", "greet.rs:4"]).ok();
    assert!(by_hand.contains("Written:  human: sessions behind the commit edited this file"), "{by_hand}");
    let unknown = world.os(["why", "README:1,+1"]).ok();
    assert!(unknown.contains("Written:  unknown: no session is known behind the commit"), "{unknown}");

    // From a folder below, and as it was.
    fs::create_dir(world.repo().join("sub")).expect("a folder");
    let below = world.os_in(world.repo().join("sub"), ["why", "--rev", "HEAD~1", "../greet.rs:1"]).ok();
    assert!(below.contains("❯ greet people"), "{below}");
}

#[test]
fn a_file_is_told_line_by_line_and_counted() {
    let world = written();
    let table = world.os(["why", "greet.rs", "test.rs"]).ok();
    let rows: Vec<Vec<&str>> =
        table.lines().filter(|line| !line.is_empty()).map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows.len(), 8, "{table}");
    assert!(rows.iter().all(|row| row.len() == 8), "{table}");
    assert_eq!((rows[0][3], rows[0][4], rows[0][6]), ("#2", "exact", "greet people by their name"));
    assert_eq!((rows[3][2], rows[3][4]), ("-", "human"));
    assert_eq!((rows[7][4], rows[7][6], rows[7][7]), ("exact", "test it", "}"));

    let json = world.os(["why", "--json", "greet.rs"]).json();
    assert_eq!(json["schema"], "opensession.why/1");
    assert_eq!(made_by(&json), "sssh");
    let first = &lines(&json)[0];
    assert_eq!(
        (first["turn"].as_u64(), first["sameness"].as_str(), first["confidence"].as_u64()),
        (Some(2), Some("exact"), Some(100))
    );
    assert_eq!(first["link"]["kind"], "wrote");
    assert_eq!(json["sessions"][0]["prompts"][0]["text"], "greet people by their name");
    assert_eq!(json["files"][0]["summary"]["human"], 1);

    let summary = world.os(["why", "--summary", "greet.rs", "test.rs"]).ok();
    for words in [
        "greet.rs: 4 lines\n  3   75 %  claude-code\n",
        "  1   25 %  human\n",
        "all: 8 lines\n",
        "codex",
        " test the greeting: 4 lines\n",
    ] {
        assert!(summary.contains(words), "{words:?} in {summary}");
    }
}

#[test]
fn another_clone_knows_it_too_and_renames_are_followed() {
    let world = written();
    let clone = world.clone_to("clone");
    assert_eq!(made_by(&world.os_in(&clone, ["why", "--json", "test.rs"]).json()), "uuuu", "nothing is fetched yet");
    world.os_in(&clone, ["fetch"]).ok();
    assert_eq!(made_by(&world.os_in(&clone, ["why", "--json", "test.rs"]).json()), "ssss");
    world.git(&clone, ["mv", "test.rs", "tests.rs"]).ok();
    world.git(&clone, ["commit", "-q", "-m", "rename"]).ok();
    let json = world.os_in(&clone, ["why", "--json", "tests.rs"]).json();
    assert_eq!(made_by(&json), "ssss");
    assert_eq!(lines(&json)[0]["origin_path"], "test.rs");
    fs::write(clone.join("tests.rs"), format!("{TEST}not yet\n")).expect("a file");
    assert_eq!(made_by(&world.os_in(&clone, ["why", "--json", "tests.rs"]).json()), "ssssu");
    assert_eq!(made_by(&world.os_in(&clone, ["why", "--json", "tests.rs", "--rev", "HEAD"]).json()), "ssss");
}

#[test]
fn what_is_not_letter_for_letter_the_same_is_marked() {
    let mut world = World::installed();
    let key = ["sk_live_", "51HxYbKz0AbCdEfGhIjKlMnOp"].concat();
    let content = format!("fn first_line() {{\nlet stripe = \"{key}\";\nlet total = one_value + other_value;\n}}\n");
    ClaudeLog::new("aaaa", world.repo(), 60)
        .prompt("write it")
        .write("old.rs", &content)
        .write("plain.rs", GREET)
        .answer("Done.")
        .save(&world);
    world.set_now("2026-03-06T12:05:00Z");
    let formatted = content.replace("\nlet ", "\n    let ").replace(" + other", "\n        + other");
    world.commit("old.rs", &formatted, "write it, and format it");
    world.commit("renamed.rs", GREET, "greet, in a file of another name");
    world.os(["capture"]).ok();
    let renamed = world.os(["why", "--json", "renamed.rs"]).json();
    assert_eq!((made_by(&renamed).as_str(), &lines(&renamed)[0]["renamed"]), ("sss", &Value::Bool(true)), "{renamed}");
    let json = world.os(["why", "--json", "old.rs"]).json();
    let how: Vec<_> = lines(&json).iter().map(|line| line["sameness"].as_str().unwrap_or("-")).collect();
    assert_eq!(how, ["exact", "redacted", "formatted", "formatted", "exact"], "{json}");
    assert!(lines(&json).iter().all(|line| line["confidence"].as_u64() <= Some(100)));
}

#[test]
fn of_two_sessions_behind_a_commit_each_has_its_own_lines() {
    let mut world = World::installed();
    let first = "fn of_the_first() {\n    first_call();\n}\n";
    let second = "fn of_the_second() {\n    second_call();\n}\n";
    ClaudeLog::new("aaaa", world.repo(), 60).prompt("first").write("one.rs", first).answer("Done.").save(&world);
    ClaudeLog::new("cccc", world.repo(), 90)
        .prompt("second")
        .edit("one.rs", "", second.trim_end())
        .answer("Done.")
        .save(&world);
    world.set_now("2026-03-06T12:05:00Z");
    world.commit("one.rs", &format!("{first}{second}"), "both");
    world.os(["capture"]).ok();
    let json = world.os(["why", "--json", "one.rs"]).json();
    let prompts: Vec<_> = lines(&json).iter().map(|line| line["prompt"].as_str().unwrap_or("-")).collect();
    assert_eq!(prompts[..4], ["first", "first", "first", "second"], "{json}");
}

#[test]
fn what_cannot_be_asked_ends_as_the_table_says() {
    let world = written();
    let ends = |args: &[&str], code: i32, words: &str| {
        let answer = world.os(args.iter().copied()).code(code);
        assert!(answer.err.contains(words), "{words:?} in {}", answer.err);
    };
    ends(&["why", "gone.rs"], 1, "hint: git log --oneline --all -- gone.rs");
    ends(&["why", "greet.rs:99"], 1, "greet.rs has 4 lines, and no line 99");
    ends(&["why", "greet.rs:1,x"], 2, "hint: git opensession why src/main.rs:12,20");
    ends(&["why", "greet.rs:0"], 2, "names no lines");
    ends(&["why", "--rev", "nowhere", "greet.rs"], 128, "nowhere");
    ends(&["why", "/etc/hostname"], 1, "outside the repository");
    ends(&["why"], 2, "required");
}

#[test]
fn nothing_of_a_file_or_a_prompt_reaches_the_terminal_as_control() {
    let mut world = World::installed();
    let evil = "let evil = \"\u{1b}]0;title\u{7}\u{202e}\";\n";
    ClaudeLog::new("aaaa", world.repo(), 60)
        .prompt("do \u{1b}[31mit\u{1b}]8;;http://x\u{7}\u{202e}")
        .write("evil.rs", evil)
        .answer("Done.")
        .save(&world);
    world.set_now("2026-03-06T12:05:00Z");
    world.commit("evil.rs", evil, "evil \u{1b}[31m");
    world.os(["capture"]).ok();
    for args in [
        &["why", "evil.rs"][..],
        &["why", "evil.rs:1"],
        &["why", "--summary", "evil.rs"],
        &["why", "--json", "evil.rs"],
    ] {
        let told = world.os(args.iter().copied()).ok();
        assert!(!told.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{args:?}: {told:?}");
    }
}

#[test]
fn a_commit_that_was_rewritten_is_still_explained() {
    let world = written();
    world.git(world.repo(), ["commit", "-q", "--amend", "-m", "another message"]).ok();
    let json = world.os(["why", "--json", "test.rs"]).json();
    assert_eq!((made_by(&json).as_str(), lines(&json)[0]["matched"].as_str()), ("ssss", Some("patch")), "{json}");
    assert!(world.os(["why", "test.rs:1"]).ok().contains("which was rewritten since"));
    // A squash of both commits, as a server makes it.
    world.git(world.repo(), ["checkout", "-q", "-b", "squash", "HEAD~2"]).ok();
    world.git(world.repo(), ["merge", "-q", "--squash", "main"]).ok();
    world.git(world.repo(), ["commit", "-q", "-m", "both"]).ok();
    let squashed = world.os(["why", "--json", "greet.rs"]).json();
    assert!(made_by(&squashed).starts_with("sss"), "{squashed}");
    world.os(["verify", "HEAD~1..HEAD"]).ok();
}

#[test]
fn a_file_that_a_command_wrote_is_the_sessions_if_the_command_says_what() {
    let mut world = World::installed();
    let text = "one line of a here-document\nanother line of it\n";
    ClaudeLog::new("aaaa", world.repo(), 60)
        .prompt("write it")
        .bash(&format!("cat > here.txt <<'EOF'\n{text}EOF"), "")
        .answer("Done.")
        .save(&world);
    world.set_now("2026-03-06T12:05:00Z");
    world.commit("here.txt", text, "here");
    world.os(["capture"]).ok();
    assert_eq!(made_by(&world.os(["why", "--json", "here.txt"]).json()), "ss");
}
