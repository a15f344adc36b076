//! A session under an address on this machine: one name for one session, and nothing given out that is not what its
//! name says.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::world::{Answer, ClaudeLog, World};

const SECRET: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

/// HAIL as OpenSession 0.2.x wrote it: attributes in any order, statistics as it counted, a secret left in.
fn old_hail(attributes: &[(&str, &str)]) -> String {
    let attributes: Vec<_> = attributes.iter().map(|(key, value)| format!("\"{key}\":\"{value}\"")).collect();
    let attributes = attributes.join(",");
    [
        r#"{"type":"header","version":"hail-1.0.0","session_id":"old-1","agent":{"provider":"anthropic","model":"claude-opus-4-6","tool":"claude-code","tool_version":null},"context":{"title":"Count to three","description":null,"tags":["claude-code"],"created_at":"2026-03-06T11:59:00+00:00","updated_at":"2026-03-06T11:59:09+00:00","attributes":{ATTRIBUTES}}}"#,
        r#"{"type":"event","event_id":"e1","timestamp":"2026-03-06T11:59:00+00:00","event_type":{"type":"UserMessage"},"task_id":null,"content":{"blocks":[{"type":"Text","text":"count; my token is SECRET"}]},"attributes":{ATTRIBUTES}}"#,
        r#"{"type":"event","event_id":"e2","timestamp":"2026-03-06T11:59:05+00:00","event_type":{"type":"FileEdit","data":{"path":"/home/zoe/three.txt","diff":"+1\n+2\n+3\n"}},"content":{"blocks":[]},"attributes":{}}"#,
        r#"{"type":"event","event_id":"e3","timestamp":"2026-03-06T11:59:09+00:00","event_type":{"type":"AgentMessage"},"content":{"blocks":[{"type":"Text","text":"Three lines."}]},"attributes":{}}"#,
        r#"{"type":"stats","event_count":3,"message_count":2,"tool_call_count":0,"task_count":0,"duration_seconds":9,"total_input_tokens":0,"total_output_tokens":0,"user_message_count":1,"files_changed":1,"lines_added":0,"lines_removed":0}"#,
    ]
    .map(|line| line.replace("ATTRIBUTES", &attributes).replace("SECRET", SECRET) + "\n")
    .concat()
}

/// A file of this world.
fn file(world: &World, name: &str, text: &str) -> PathBuf {
    let path = world.path(name);
    fs::write(&path, text).expect("a file");
    path
}

/// What an agent's log becomes.
fn parsed(world: &World) -> PathBuf {
    let log = ClaudeLog::new("s1", world.repo(), -60).prompt("write a file").write("a.txt", "a\nb\n").answer("Done.");
    let log = log.save(world);
    let out = world.path("session.hail.jsonl");
    world.os(["parse".as_ref(), log.as_os_str(), "--out".as_ref(), out.as_os_str()]).ok();
    out
}

fn register(world: &World, file: impl AsRef<std::ffi::OsStr>) -> Answer {
    world.os(["register".as_ref(), file.as_ref()])
}

fn address(answer: Answer) -> String {
    answer.ok().trim_end().to_owned()
}

#[test]
fn what_is_registered_is_read_back_byte_for_byte() {
    let world = World::new();
    let hail = parsed(&world);
    let uri = address(register(&world, &hail));
    assert!(uri.starts_with("os://src/local/") && uri.len() == 15 + 64, "{uri}");
    assert_eq!(world.os(["cat", &uri]).ok(), fs::read_to_string(&hail).expect("text"));
    let refs = world.refs(world.repo(), "refs/opensession");
    assert!(matches!(refs.as_slice(), [one] if one.starts_with("refs/opensession/local ")), "{refs:?}");
    let again = register(&world, &hail);
    assert!(again.err.contains("registered already"), "{again:?}");
    assert_eq!(address(again), uri);
    assert_eq!(world.refs(world.repo(), "refs/opensession"), refs);
    assert_eq!(world.git(world.repo(), ["status", "--porcelain"]).ok(), "", "no file in the work tree");
    let path = format!("refs/opensession/local:sessions/{}.jsonl", &uri[15..]);
    assert_eq!(world.git(world.repo(), ["cat-file", "-p", &path]).ok(), fs::read_to_string(&hail).expect("text"));
}

#[test]
fn one_session_has_one_address_a_hundred_times_on_every_machine() {
    let attributes = [("cwd", "/home/zoe/x"), ("b", "2"), ("a", "1"), ("é", "3"), ("Z", "4"), ("_", "5")];
    let mut addresses = std::collections::BTreeSet::new();
    for machine in 0..4 {
        let mut world = World::new();
        for (name, value) in [
            ("LC_ALL", ["C", "tr_TR.UTF-8", "de_DE.UTF-8", "C.UTF-8"][machine]),
            ("LANG", ["C", "tr_TR", "ja_JP.UTF-8", ""][machine]),
            ("TZ", ["UTC", "Asia/Tokyo", "America/St_Johns", "Europe/Berlin"][machine]),
            ("USER", ["zoe", "ann", "count", "root"][machine]),
        ] {
            world.set(name, value);
        }
        for turn in 0..25 {
            let mut attributes = attributes;
            attributes.rotate_left(turn % 6);
            if turn % 2 == 1 {
                attributes.reverse();
            }
            attributes[0..3].rotate_left(turn / 8);
            let hail = file(&world, "old.jsonl", &old_hail(&attributes));
            addresses.insert(address(register(&world, &hail)));
        }
    }
    assert_eq!(addresses.len(), 1, "{addresses:?}");
}

#[test]
fn hail_of_the_first_opensession_becomes_canonical_and_is_redacted() {
    let world = World::new();
    let hail = file(&world, "old.jsonl", &old_hail(&[("b", "1"), ("a", "2")]));
    let answer = register(&world, &hail);
    assert!(answer.err.contains("1 secret and 1 home or user name taken out"), "{answer:?}");
    let uri = address(answer);
    let text = world.os(["cat", &uri]).ok();
    assert!(!text.contains(SECRET) && !text.contains("/home/zoe") && text.contains("[REDACTED:"), "{text}");
    assert!(text.contains(r#""attributes":{"a":"2","b":"1"}"#), "{text}");
    assert!(!String::from_utf8_lossy(&world.everything_in(world.repo())).contains(SECRET));
    let plain = file(&world, "plain.jsonl", &old_hail(&[]).replace(SECRET, "none").replace("/home/zoe/", ""));
    let answer = register(&world, &plain);
    assert!(answer.err.contains("was not canonical"), "{answer:?}");
    let canonical = file(&world, "canonical.jsonl", &world.os(["cat", &address(answer)]).ok());
    assert!(!register(&world, &canonical).err.contains("canonical"));
}

#[test]
fn the_summary_says_who_did_what_to_which_files() {
    let world = World::new();
    let uri = address(register(&world, file(&world, "old.jsonl", &old_hail(&[]))));
    let text = world.os(["inspect", &uri]).ok();
    for line in
        ["Title:    Count to three", "Agent:    claude-code", "Model:    claude-opus-4-6", &format!("Address:  {uri}")]
    {
        assert!(text.lines().any(|said| said == line), "{line:?} is not in\n{text}");
    }
    assert!(text.contains("Changed:  M ") && text.contains("three.txt  +3 -0"), "{text}");
    let told = world.os(["inspect", "--json", &uri]).json();
    assert_eq!(told["schema"], "opensession.inspect/1");
    let session = &told["sessions"][0];
    assert_eq!((&session["uri"], &session["agent"]), (&Value::from(uri.as_str()), &Value::from("claude-code")));
    assert_eq!(session["files"][0]["change"], "edited");
    assert_eq!((&session["stats"]["event_count"], &session["files"][0]["lines_added"]), (&3.into(), &3.into()));
    assert_eq!(session["redacted"].as_object().map(serde_json::Map::len), Some(1), "{session}");
    assert_eq!(session["digest"], uri[15..]);
}

#[test]
fn a_captured_session_is_inspected_by_its_commit_and_an_address_finds_its_commits() {
    let world = World::new();
    let commit = world.work("one", "one.txt");
    world.os(["capture"]).ok();
    let told = world.os(["inspect", "--json", "HEAD"]).json();
    let session = &told["sessions"][0];
    assert_eq!((&session["commits"][0]["commit"], &session["uri"]), (&Value::from(commit.as_str()), &Value::Null));
    let text = world.os(["cat", "HEAD"]).ok();
    let uri = address(register(&world, file(&world, "cat.jsonl", &text)));
    assert_eq!(session["digest"], uri[15..], "what cat prints is what inspect has hashed");
    let told = world.os(["inspect", "--json", &uri]).json();
    assert_eq!(told["sessions"][0]["commits"][0]["commit"], commit);
    world.os(["inspect", "HEAD~1"]).code(1);
}

#[test]
fn outside_a_repository_it_is_in_the_users_own_folder_and_is_found_from_inside_one() {
    let mut world = World::new();
    let hail = parsed(&world);
    let outside = world.root();
    let uri = address(world.os_in(&outside, ["register".as_ref(), hail.as_os_str()]));
    let store = world.home().join(".local/share/opensession/store.git");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&store).expect("the store").permissions());
    assert_eq!(mode & 0o77, 0, "others can look into it");
    for folder in [outside.clone(), world.repo()] {
        assert_eq!(world.os_in(folder, ["cat", &uri]).ok(), fs::read_to_string(&hail).expect("text"));
    }
    assert!(world.refs(world.repo(), "refs/opensession").is_empty());
    // GIT_DIR of something else is not followed into it, and the folder can be elsewhere.
    world.set("XDG_DATA_HOME", &world.path("data").to_string_lossy());
    world.os_in(&outside, ["cat", &uri]).code(1);
    assert_eq!(address(world.os_in(&outside, ["register".as_ref(), hail.as_os_str()])), uri);
    assert!(world.path("data/opensession/store.git/HEAD").is_file());
}

#[test]
fn what_is_no_hail_is_refused_with_the_command_that_makes_it_one() {
    let world = World::new();
    let log = ClaudeLog::new("s1", world.repo(), -60).prompt("hello").answer("Hi.").save(&world);
    let answer = register(&world, &log).code(1);
    let hint =
        format!("hint: git opensession parse --profile claude-code {} --out ./session.hail.jsonl", log.display());
    assert!(answer.err.contains("is a log of claude-code") && answer.err.contains(&hint), "{answer:?}");
    for line in answer.err.lines().filter_map(|line| line.strip_prefix("hint: ")) {
        world.run("sh", world.repo(), ["-c", line]).ok();
    }
    let whole = fs::read_to_string(parsed(&world)).expect("HAIL");
    let first = whole.lines().next().expect("a header");
    for (name, text, why) in [
        ("empty", String::new(), "line 1: no HAIL: the text is empty"),
        ("foreign", "[1,2,3]\n".to_owned(), "line 1: no HAIL: the first line is not a header"),
        ("cut", format!("{first}\n"), "line 1: the text ends without its stats line"),
        (
            "broken",
            whole.replacen("\"event_id\"", "\"event_id\":", 1),
            "line 2: not a HAIL line: no valid JSON at column",
        ),
        ("later", whole.replace("hail-1.0.0", "hail-9.0.0"), "line 1: HAIL of a version other than hail-1.0.0"),
    ] {
        let answer = register(&world, file(&world, name, &text)).code(1);
        assert!(answer.err.contains(why), "{name}: {}", answer.err);
        assert!(answer.err.contains("hint: git opensession parse --profile auto"), "{name}: {}", answer.err);
        assert_eq!(answer.out, "", "{name}");
    }
    register(&world, "/nowhere").code(2);
    world.os(["parse", "--out", "x", "session.hail.jsonl"]).code(1);
}

#[test]
fn bad_input_leaves_no_store_behind() {
    let world = World::new();
    file(&world, "bad", "[1,2,3]\n");
    world.os_in(world.root(), ["register", "bad"]).code(1);
    world.os_in(world.root(), ["register", "nothing"]).code(2);
    assert!(!world.home().join(".local").exists());
    parsed(&world);
    world.os_in(world.root(), ["register", "session.hail.jsonl"]).ok();
    assert!(world.home().join(".local/share/opensession/store.git").is_dir());
}

#[test]
fn parse_says_so_when_there_is_nothing_to_parse() {
    let world = World::new();
    let (empty, foreign) = (file(&world, "empty", ""), file(&world, "foreign", "[1,2,3]\n"));
    let hail = parsed(&world);
    for profile in ["auto", "codex", "claude-code"] {
        for file in [&empty, &foreign, &hail] {
            let answer = world.os(["parse".as_ref(), "--profile".as_ref(), profile.as_ref(), file.as_os_str()]);
            assert_eq!((answer.code, answer.out.as_str()), (1, ""), "{profile} {}: {answer:?}", file.display());
            assert!(answer.err.starts_with("error: "), "{answer:?}");
        }
    }
    let answer = world.os(["parse".as_ref(), hail.as_os_str()]).code(1);
    assert!(answer.err.contains(&format!("hint: git opensession register {}", hail.display())), "{answer:?}");
}

#[test]
fn what_is_not_what_its_name_says_is_named_and_not_printed() {
    let world = World::new();
    let uri = address(register(&world, parsed(&world)));
    // Somebody writes another text under the same name.
    let blob = file(&world, "other", "{\"type\":\"other\"}\n");
    let blob = world.git(world.repo(), ["hash-object".as_ref(), "-w".as_ref(), blob.as_os_str()]).ok();
    let tree = format!(
        "f=$(printf '100644 blob {}\\t{}.jsonl\\n' | git mktree) && t=$(printf '040000 tree %s\\tsessions\\n' $f | git mktree) \
         && git update-ref refs/opensession/local $(git commit-tree -m x $t)",
        blob.trim(),
        &uri[15..]
    );
    world.run("sh", world.repo(), ["-c", &tree]).ok();
    for verb in ["cat", "inspect"] {
        let answer = world.os([verb, &uri]).code(1);
        assert_eq!(answer.out, "");
        assert!(answer.err.contains(&format!("{uri} is damaged")), "{answer:?}");
        assert!(answer.err.contains("hint: git opensession register"), "{answer:?}");
    }
    assert_eq!(address(register(&world, world.path("session.hail.jsonl"))), uri, "registered again, it is put right");
    world.os(["cat", &uri]).ok();
}

#[test]
fn a_wrong_address_is_told_from_one_that_leads_nowhere() {
    let world = World::new();
    let nowhere = format!("os://src/local/{}", "ab".repeat(32));
    let answer = world.os(["cat", &nowhere]).code(1);
    assert!(answer.err.contains(&format!("{nowhere} is not registered here")), "{answer:?}");
    let answer = world.os(["cat", &nowhere.to_uppercase().replace("OS://SRC/LOCAL", "os://src/local")]).code(2);
    assert!(answer.err.contains(&format!("hint: git opensession inspect {nowhere}")), "{answer:?}");
    world.os(["cat", "os://src/somewhere"]).code(2);
    let answer = world.os(["cat", &format!("os://artifact/{}", "ab".repeat(32))]).code(1);
    assert!(answer.err.contains("is a handoff"), "{answer:?}");
}

#[test]
fn no_push_of_ours_takes_the_local_store_along() {
    let world = World::installed();
    let uri = address(register(&world, parsed(&world)));
    world.os(["register", "--no-redact", "../session.hail.jsonl"]).ok();
    world.work("one", "one.txt");
    world.push().ok();
    world.git(world.repo(), ["push", "-q", "--all", "origin"]).ok();
    world.git(world.repo(), ["push", "-q", "--tags", "origin"]).ok();
    world.os(["push"]).ok();
    let there = world.refs(world.origin(), "refs/opensession");
    assert!(there.iter().all(|found| found.starts_with("refs/opensession/branches/")), "{there:?}");
    assert!(!there.is_empty(), "the ledger was pushed");
    let other = world.clone_to("other");
    world.os_in(&other, ["fetch"]).ok();
    world.os_in(&other, ["cat", &uri]).code(1);
}

#[test]
fn the_reader_may_go_away_after_the_first_line() {
    let world = World::new();
    let text = old_hail(&[]).replace("Three lines.", &"many words ".repeat(60_000));
    let uri = address(register(&world, file(&world, "long.jsonl", &text)));
    let line = format!("git opensession cat {uri} | head -1");
    let answer = world.run("sh", world.repo(), ["-c", &line]);
    assert!(answer.out.starts_with("{\"type\":\"header\"") && answer.err.is_empty(), "{answer:?}");
    let told = world.os(["register", "--json", "../long.jsonl"]).json();
    assert_eq!(
        (&told["schema"], &told["uri"], &told["new"]),
        (&"opensession.register/1".into(), &uri.as_str().into(), &false.into())
    );
}

#[test]
fn what_is_hail_already_is_parsed_by_nobody_and_the_command_that_is_named_takes_it() {
    let world = World::new();
    let hail = parsed(&world);
    let said = |answer: Answer| answer.code(1).err;
    let of_file = said(world.os(["parse".as_ref(), hail.as_os_str()]));
    assert!(of_file.contains(&format!("hint: git opensession register {}", hail.display())), "{of_file}");
    let piped = format!("git opensession parse - < '{}'", hail.display());
    let of_input = said(world.run("sh", world.repo(), ["-c", &piped]));
    assert!(of_input.contains("standard input is canonical HAIL already"), "{of_input}");
    assert!(of_input.contains("hint: git opensession register -\n"), "{of_input}");
    world.run("sh", world.repo(), ["-c", &piped.replace("parse", "register")]).ok();
}
