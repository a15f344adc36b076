//! Who may have sessions, what strict mode makes of failures, and secrets in what is pushed itself.

use std::fs;

use crate::push::{behind, fetch_ledgers, ids, ledgers, reader, work};
use crate::world::{Answer, World};

/// What was said by us of a push.
fn said(answer: &Answer) -> Vec<&str> {
    answer.err.lines().filter(|line| line.starts_with("opensession: ")).collect()
}

/// The command that a line of ours asks to be run.
fn hint(answer: &Answer) -> String {
    let hints: Vec<_> = said(answer).into_iter().filter_map(|line| line.split_once("git opensession ")).collect();
    assert_eq!(hints.len(), 1, "one line tells what to do: {}", answer.err);
    let (command, _) = hints[0].1.split_once("  #").expect("a comment");
    format!("git opensession {command}")
}

fn push(world: &World, args: &[&str]) -> Answer {
    world.git(world.repo(), ["push", "-q"].iter().chain(args))
}

fn tip(world: &World, branch: &str) -> Vec<String> {
    world.refs(world.origin(), &format!("refs/heads/{branch}"))
}

#[test]
fn a_remote_that_nobody_allowed_gets_nothing_and_the_hint_works_when_pasted() {
    for by_address in [false, true] {
        let world = World::installed();
        world.git(world.root(), ["init", "-q", "--bare", "other.git"]).ok();
        world.git(world.repo(), ["remote", "add", "other", "../other.git"]).ok();
        let address = format!("file://{}", world.path("other.git").display());
        let to = if by_address { address.as_str() } else { "other" };
        work(&world, 1, world.repo(), "one.rs");
        let pushed = push(&world, &[to, "main"]).code(0);
        assert_eq!(world.refs(world.path("other.git"), "refs/opensession/"), Vec::<String>::new());
        assert!(!String::from_utf8_lossy(&world.everything_in(world.path("other.git"))).contains("please do number 1"));

        // There is no terminal to ask at.
        let command = format!("{} --yes", hint(&pushed));
        world.run("sh", world.repo(), ["-c", &command]).ok();
        world.commit("more", "more\n", "more");
        assert_eq!(said(&push(&world, &[to, "main"]).code(0)).len(), 1, "a report");
        world.git(world.root(), ["clone", "-q", "other.git", "ben"]).ok();
        fetch_ledgers(&world, world.path("ben"));
        assert_eq!(behind(&world, world.path("ben"), "HEAD~1"), ids([1]), "{command}");
    }
}

#[test]
fn a_remote_nobody_allowed_is_not_mentioned_where_there_is_nothing_to_share() {
    let world = World::installed();
    world.git(world.root(), ["init", "-q", "--bare", "other.git"]).ok();
    world.commit("by hand", "typed\n", "by hand");
    assert_eq!(said(&push(&world, &["../other.git", "main"]).code(0)), Vec::<&str>::new());
}

#[test]
fn a_refused_remote_is_passed_over_in_silence_strict_or_not() {
    for strict in ["0", "1"] {
        let mut world = World::installed();
        world.set("OPENSESSION_STRICT", strict);
        let keys = world.git(world.repo(), ["config", "--name-only", "--get-regexp", r"^opensession\.remote\."]).ok();
        world.git(world.repo(), ["config", keys.trim(), "no"]).ok();
        work(&world, 1, world.repo(), "one.rs");
        assert_eq!(said(&push(&world, &["origin", "main"]).code(0)), Vec::<&str>::new());
        assert_eq!(ledgers(&world, world.origin()), Vec::<String>::new());
    }
}

/// A remote that takes branches and refuses sessions.
fn refusing() -> (World, String) {
    let world = World::installed();
    world.git(world.origin(), ["config", "receive.hideRefs", "refs/opensession"]).ok();
    let commit = work(&world, 1, world.repo(), "one.rs");
    (world, commit)
}

#[test]
fn strict_is_a_yes_in_any_letter_case() {
    let (mut world, _) = refusing();
    let before = tip(&world, "main");
    for yes in ["1", "true", "TRUE", "True", "tRuE", "yes", "Yes", "YES", "on", "On", "ON", "enabled"] {
        world.set("OPENSESSION_STRICT", yes);
        let pushed = push(&world, &["origin", "main"]).code(1);
        assert!(pushed.err.contains("nothing is pushed: strict mode is on"), "{yes}: {}", pushed.err);
        assert_eq!(tip(&world, "main"), before, "{yes}");
    }
    world.set("OPENSESSION_STRICT", "");
    world.git(world.repo(), ["config", "opensession.strict", "Yes"]).ok();
    push(&world, &["origin", "main"]).code(1);
    assert_eq!(tip(&world, "main"), before);
    for (n, no) in ["0", "false", "False", "NO", "off"].into_iter().enumerate() {
        world.set("OPENSESSION_STRICT", no);
        push(&world, &["origin", &format!("main:no{n}")]).code(0);
        assert_eq!(tip(&world, &format!("no{n}")).len(), 1, "{no}");
    }
}

/// Strict mode names all there is to know; without it the push goes on, with one line.
#[track_caller]
fn fails_only_in_strict_mode(mut world: World, words: &[&str]) -> World {
    let before = tip(&world, "main");
    world.set("OPENSESSION_STRICT", "1");
    let pushed = push(&world, &["origin", "main"]).code(1);
    for word in words {
        assert!(said(&pushed).iter().any(|line| line.contains(word)), "{word} is missing: {}", pushed.err);
    }
    assert_eq!(tip(&world, "main"), before);

    world.set("OPENSESSION_STRICT", "0");
    let pushed = push(&world, &["origin", "main"]).code(0);
    let lines = said(&pushed).into_iter().filter(|line| !line.starts_with("opensession:   "));
    let complaints: Vec<_> = lines.filter(|line| !line.contains("-> origin")).collect();
    assert_eq!(complaints.len(), 1, "{}", pushed.err);
    assert_ne!(tip(&world, "main"), before);
    world
}

#[test]
fn a_remote_that_hides_its_refs() {
    let (world, commit) = refusing();
    let words =
        ["refs/opensession/branches/bWFpbg", &commit[..12], "of main", "origin says: deny updating a hidden ref"];
    let world = fails_only_in_strict_mode(world, &words);
    // What waits goes with the next push, once it may and the remote is asked again.
    world.git(world.origin(), ["config", "--unset", "receive.hideRefs"]).ok();
    world.os(["doctor", "--fix", "--yes"]).ok();
    world.commit("more", "more\n", "more");
    push(&world, &["origin", "main"]).code(0);
    assert_eq!(behind(&world, reader(&world, "ben"), "HEAD~1"), ids([1]));
}

#[test]
fn a_remote_whose_hook_says_no() {
    let world = World::installed();
    let refuse = "#!/bin/sh\nwhile read -r old new ref; do\n    case $ref in refs/opensession/*)\n        \
                  echo 'no sessions in this house' >&2; exit 1 ;;\n    esac\ndone\n";
    world.program(world.path("origin.git/hooks/pre-receive"), refuse);
    let commit = work(&world, 1, world.repo(), "one.rs");
    let words = ["refs/opensession/branches/bWFpbg", &commit[..12], "declined", "remote: no sessions in this house"];
    fails_only_in_strict_mode(world, &words);
}

#[test]
fn a_capture_that_cannot_be_done() {
    let world = World::installed();
    let commit = work(&world, 1, world.repo(), "one.rs");
    let folder = world.path("work/.git/opensession");
    let _ = fs::remove_dir_all(&folder);
    fs::write(&folder, "in the way").expect("a file");
    let world = fails_only_in_strict_mode(world, &["of main", &commit[..12], "work/.git/opensession"]);
    // And it is made up for.
    fs::remove_file(&folder).expect("out of the way");
    world.os(["capture", "HEAD"]).code(0);
    assert_eq!(behind(&world, world.repo(), "HEAD"), ids([1]));
}

#[test]
fn a_setting_that_makes_no_sense() {
    let world = World::installed();
    world.git(world.repo(), ["config", "opensession.deadline", "soon"]).ok();
    work(&world, 1, world.repo(), "one.rs");
    fails_only_in_strict_mode(world, &["opensession.deadline", "soon", "at most an hour"]);
}

#[test]
fn a_binary_that_is_gone() {
    let mut world = World::new();
    let binary = world.path("elsewhere/git-opensession");
    world
        .run("install", world.root(), ["-D", env!("CARGO_BIN_EXE_git-opensession"), &binary.display().to_string()])
        .ok();
    world.run(&binary, world.repo(), ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    world.set("PATH", &std::env::var("PATH").expect("a PATH"));
    fs::remove_file(&binary).expect("it is gone");
    work(&world, 1, world.repo(), "one.rs");
    let before = tip(&world, "main");
    for yes in ["1", "TRUE", "Yes", "oN"] {
        world.set("OPENSESSION_STRICT", yes);
        let pushed = push(&world, &["origin", "main"]).code(1);
        assert!(said(&pushed)[0].contains("git-opensession is not installed here"), "{}", pushed.err);
        assert_eq!(tip(&world, "main"), before, "{yes}");
    }
    fails_only_in_strict_mode(world, &["git-opensession is not installed here", "nothing is pushed"]);
}

const KEY: &str = concat!("AKIA", "Q3EGVB7N2MWXYZ5K");

/// A new branch whose commit has a key in line 2 of a file.
fn with_a_key(scan: &str) -> World {
    let world = World::installed();
    world.git(world.repo(), ["config", "opensession.secret-scan", scan]).ok();
    world.git(world.repo(), ["switch", "-q", "-c", "topic"]).ok();
    world.commit("config.env", &format!("# keys\nAWS_ACCESS_KEY_ID={KEY}\n"), "configure");
    world
}

#[test]
fn a_secret_in_what_is_pushed_is_named_by_place_and_rule_and_never_shown() {
    for (scan, code) in [("warn", 0), ("block", 1)] {
        let world = with_a_key(scan);
        let pushed = push(&world, &["origin", "topic"]).code(code);
        let commit = &world.head(world.repo())[..12];
        let named = said(&pushed).into_iter().filter(|line| line.contains("config.env:2 (") && line.contains(commit));
        assert_eq!(named.count(), 1, "{}", pushed.err);
        assert!(!pushed.err.contains(KEY) && !pushed.err.contains(&KEY[4..]), "{}", pushed.err);
        assert_eq!(tip(&world, "topic").len(), usize::from(code == 0));
        assert_eq!(pushed.err.contains("nothing is pushed: opensession.secret-scan is block"), code == 1);
    }
}

#[test]
fn the_search_can_be_switched_off() {
    let world = with_a_key("off");
    assert_eq!(said(&push(&world, &["origin", "topic"]).code(0)), Vec::<&str>::new());
    assert_eq!(tip(&world, "topic").len(), 1);
}

#[test]
fn taking_a_key_out_is_no_reason_to_warn() {
    let world = with_a_key("off");
    push(&world, &["origin", "topic"]).code(0);
    world.git(world.repo(), ["config", "opensession.secret-scan", "block"]).ok();
    world.commit("config.env", "# keys\n", "take it out");
    assert_eq!(said(&push(&world, &["origin", "topic"]).code(0)), Vec::<&str>::new());
    push(&world, &["origin", "topic:again"]).code(0);
}
