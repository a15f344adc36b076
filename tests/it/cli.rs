//! The command line as a shell and a terminal see it: exit codes, JSON, closed pipes, colours, and nothing of a
//! session that a terminal would obey.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::Stdio;

use git_opensession::ledger::Sid;

use crate::world::{Answer, ClaudeLog, World};

#[test]
fn the_exit_code_says_how_it_went() {
    let world = World::installed();
    world.work("one", "one.txt");
    world.push().ok();
    let repo = world.repo();
    let (inside, outside) = (repo.as_path(), world.root());
    std::fs::write(world.path("no.jsonl"), "no log\n").expect("a file");
    let no_log = world.path("no.jsonl");
    let no_log = no_log.to_string_lossy();
    let cases: [(&[&str], i32); 24] = [
        (&[], 0),
        (&["log"], 0),
        (&["log", "HEAD~1.."], 0),
        (&["show"], 0),
        (&["doctor"], 0),
        (&["capture"], 0),
        (&["fetch"], 0),
        (&["--help"], 0),
        (&["help", "log"], 0),
        (&["-V"], 0),
        (&["show", "HEAD~1"], 1),
        (&["cat", "HEAD~1"], 1),
        (&["show", "nonsense"], 1),
        (&["cat", "0123456789"], 1),
        (&["parse", &no_log], 1),
        (&["frobnicate"], 2),
        (&["log", "--frobnicate"], 2),
        (&["log", "--json", "-z"], 2),
        (&["show", "--full", "--prompts"], 2),
        (&["log", "nonsense..HEAD"], 2),
        (&["parse", "/nowhere/x.jsonl"], 2),
        (&["doctor", "--fix"], 2),
        (&["completion", "tcsh"], 2),
        (&["-C", "/nowhere", "log"], 128),
    ];
    for (arguments, code) in cases {
        let answer = world.os_in(inside, arguments);
        assert_eq!(answer.code, code, "{arguments:?}: {answer:?}");
        if code != 0 {
            assert_eq!(answer.out, "", "{arguments:?}: what went wrong is not data");
            assert!(answer.err.starts_with("error: "), "{arguments:?}: {}", answer.err);
        }
    }
    for verb in [&[][..], &["log"], &["show"], &["cat", "x"], &["capture"], &["fetch"], &["push"], &["doctor"]] {
        let answer = world.os_in(&outside, verb).code(128);
        assert!(answer.err.contains("not a git repository"), "{verb:?}: {}", answer.err);
        assert!(answer.err.contains("\nhint: git opensession demo"), "{verb:?}: {}", answer.err);
    }
}

#[test]
fn an_empty_list_is_an_empty_list_in_one_document() {
    let world = World::new();
    let cases: [(&[&str], &str, &str); 4] = [
        (&["log", "--json"], "opensession.log/1", "sessions"),
        (&["log", "--json", "HEAD"], "opensession.log/1", "sessions"),
        (&["capture", "--json"], "opensession.capture/1", "links"),
        (&["fetch", "--json"], "opensession.fetch/1", "ledgers"),
    ];
    for (arguments, schema, list) in cases {
        let answer = world.os(arguments);
        assert!(answer.out.starts_with(&format!("{{\"schema\":\"{schema}\"")), "{answer:?}");
        assert_eq!(answer.json()[list], serde_json::json!([]), "{arguments:?}");
    }
    assert_eq!(world.os(["log", "--jsonl"]).ok(), "");
    assert_eq!(world.os(["log", "-z"]).ok(), "");
    assert_eq!(world.os(["log"]).ok(), "");
}

/// Reads the beginning of what a command writes, and goes away.
fn only_the_beginning(world: &World, arguments: &[&str]) -> Answer {
    let mut command = world.command(env!("CARGO_BIN_EXE_git-opensession"), world.repo());
    let mut running = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut beginning = [0; 16];
    running.stdout.take().expect("a pipe").read_exact(&mut beginning).expect("a beginning");
    let mut err = String::new();
    running.stderr.take().expect("a pipe").read_to_string(&mut err).expect("text");
    let code = running.wait().expect("it ends").code().unwrap_or(-1);
    Answer { code, out: String::from_utf8_lossy(&beginning).into_owned(), err }
}

#[test]
fn a_reader_that_goes_away_ends_it_without_a_word() {
    let world = World::new();
    let text = "a long answer\n".repeat(40_000);
    let log = ClaudeLog::new("s", world.repo(), -60).prompt("x").write("a.txt", "a\n").answer(&text).save(&world);
    world.commit("a.txt", "a\n", "a");
    world.os(["capture"]).ok();
    let sid = Sid::new("claude-code", "s").to_string();
    let log = log.to_string_lossy().into_owned();
    for arguments in [
        &["cat", &sid][..],
        &["show", &sid, "--json"],
        &["show", &sid, "--jsonl"],
        &["show", &sid, "--full"],
        &["parse", &log],
    ] {
        let answer = only_the_beginning(&world, arguments);
        assert_eq!((answer.code, answer.err.as_str()), (141, ""), "{arguments:?}");
    }
}

/// What a terminal would obey or a reader be deceived by, with marks around it that are to be found.
const EVIL: &str = "before\u{1b}[2J\u{1b}]0;title\u{7}\u{1b}]52;c;ZXZpbA==\u{1b}\\\u{9b}31m\u{90}x\u{9c}\u{8}\u{7f}\u{202e}\u{2066}\u{200e}\rafter";

fn is_evil(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

#[test]
fn nothing_that_a_terminal_obeys_gets_out_of_a_session() {
    let mut world = World::installed();
    let file = format!("{EVIL}.txt").replace('/', "");
    let log = ClaudeLog::new("s", world.repo(), -60)
        .prompt(EVIL)
        .think(EVIL)
        .bash(EVIL, EVIL)
        .write(&file, EVIL)
        .edit("other.txt", EVIL, "good")
        .answer(EVIL);
    let log = log.save(&world);
    world.commit(&file, EVIL, "a commit that is named \u{1b}[2J\u{202e}evil");
    world.git(world.repo(), ["branch", "-q", "-m", "ev\u{202e}il\u{9b}"]).ok();
    let log = log.to_string_lossy().into_owned();
    let sid = Sid::new("claude-code", "s").to_string();
    let commands: Vec<Vec<&str>> = vec![
        vec!["capture"],
        vec!["capture", "--json"],
        vec![],
        vec!["log"],
        vec!["log", "--json"],
        vec!["log", "--jsonl"],
        vec!["log", "HEAD"],
        vec!["show"],
        vec!["show", "--full"],
        vec!["show", "--prompts"],
        vec!["show", "--json"],
        vec!["show", "--jsonl"],
        vec!["cat", &sid],
        vec!["doctor"],
        vec!["doctor", "--json"],
        vec!["doctor", "--commit", "HEAD"],
        vec!["doctor", "--commit", "HEAD", "--json"],
        vec!["parse", "--preview", &log],
        vec!["parse", "--report", &log],
        vec!["show", EVIL.split('\0').next().unwrap_or_default()],
        vec!["log", "--branch", "x\u{1b}[2J"],
        vec!["fetch", "evil\u{1b}[2J\u{202e}"],
        vec!["push", "--dry-run"],
    ];
    // As at a terminal, and with colours off: then no escape is one of ours.
    world.set("GIT_PAGER_IN_USE", "1");
    let mut found = BTreeMap::new();
    for arguments in commands {
        let answer = world.os([&["--color=never"][..], &arguments].concat());
        for (stream, text) in [("out", &answer.out), ("err", &answer.err)] {
            let evil: Vec<char> = text.chars().filter(|c| is_evil(*c)).collect();
            assert!(evil.is_empty(), "{arguments:?}: {stream} has {evil:?}\n{text:?}");
        }
        found.insert(arguments.join(" "), answer.out);
    }
    for shown in ["show", "show --full", "show --json", "log"] {
        let text = found.get(shown).expect("it ran");
        assert!(text.contains("before") && text.contains("after"), "{shown}: the text itself is there\n{text}");
    }
    let pushed = world.git(world.repo(), ["push", "-q", "origin", "HEAD"]).code(0);
    assert_eq!(pushed.err.chars().find(|c| is_evil(*c)), None, "{:?}", pushed.err);
    assert!(pushed.err.contains("1 session"), "{}", pushed.err);
}

#[test]
fn json_keeps_what_it_escapes() {
    let world = World::new();
    ClaudeLog::new("s", world.repo(), -60).prompt(EVIL).write("a.txt", "a\n").save(&world);
    world.commit("a.txt", "a\n", "a");
    world.os(["capture"]).ok();
    let shown = world.os(["show", "--json"]).json();
    let text = &shown["sessions"][0]["events"][0]["content"]["blocks"][0]["text"];
    assert_eq!(text.as_str(), Some(EVIL), "escaped, not taken away");
}

#[test]
fn colours_are_there_when_they_are_wanted_and_only_then() {
    let mut world = World::new();
    world.work("one", "one.txt");
    world.os(["capture"]).ok();
    let is_coloured = |world: &World, flags: &[&str]| {
        let words = [flags, &["show"]].concat();
        world.os(words).ok().contains("\u{1b}[")
    };
    assert!(!is_coloured(&world, &[]), "no terminal, no colours");
    assert!(is_coloured(&world, &["--color=always"]) && is_coloured(&world, &["--color"]));
    world.set("CLICOLOR_FORCE", "1");
    assert!(is_coloured(&world, &[]) && !is_coloured(&world, &["--color=never"]));
    world.set("NO_COLOR", "1");
    assert!(!is_coloured(&world, &[]) && is_coloured(&world, &["--color=always"]));
    world.set("CLICOLOR_FORCE", "0");
    world.git(world.repo(), ["config", "color.ui", "always"]).ok();
    assert!(!is_coloured(&world, &[]), "NO_COLOR counts before the configuration");
    let mut plain = World::new();
    plain.work("one", "one.txt");
    plain.os(["capture"]).ok();
    plain.git(plain.repo(), ["config", "color.ui", "always"]).ok();
    assert!(is_coloured(&plain, &[]));
    plain.git(plain.repo(), ["config", "color.opensession", "false"]).ok();
    assert!(!is_coloured(&plain, &[]));
    plain.set("GIT_PAGER_IN_USE", "1");
    plain.git(plain.repo(), ["config", "color.opensession", "auto"]).ok();
    assert!(is_coloured(&plain, &[]), "a terminal is behind git's pager");
    plain.os(["--color=sometimes", "show"]).code(2);
}

#[test]
fn it_can_be_run_from_elsewhere_and_from_a_folder_below() {
    let world = World::new();
    world.work("one", "deep/down/one.txt");
    let here = world.os(["capture", "--json"]).json();
    assert_eq!(here["links"].as_array().map(Vec::len), Some(1));
    let expected = world.os(["log"]).ok();
    assert_eq!(expected.lines().count(), 1);
    assert_eq!(world.os_in(world.root(), ["-C", "work", "log"]).ok(), expected);
    assert_eq!(world.os_in(world.root(), ["log", "-C", "work/deep"]).ok(), expected);
    assert_eq!(world.os_in(world.repo().join("deep/down"), ["log"]).ok(), expected);
    let through_git = world.git(world.root(), ["-C", "work/deep/down", "opensession", "log"]).ok();
    assert_eq!(through_git, expected, "as a subcommand of git");
    let nowhere = world.os(["-C", "/nowhere", "log"]).code(128);
    assert!(nowhere.err.contains("/nowhere"), "{}", nowhere.err);
}

/// Two session ids whose names begin alike.
fn look_alikes() -> (String, String, String) {
    let mut seen = BTreeMap::new();
    for number in 0.. {
        let id = format!("session-{number}");
        let sid = Sid::new("claude-code", &id).to_string();
        let beginning = sid.get(..4).expect("digits").to_owned();
        if let Some(other) = seen.insert(beginning.clone(), id.clone()) {
            return (beginning, other, id);
        }
    }
    unreachable!("there are only so many beginnings")
}

#[test]
fn a_beginning_that_two_sessions_have_lists_both() {
    let world = World::new();
    let (beginning, one, two) = look_alikes();
    world.work(&one, "one.txt");
    world.work(&two, "two.txt");
    world.os(["capture"]).ok();
    for verb in ["show", "cat"] {
        let ambiguous = world.os([verb, &beginning]).code(2);
        assert!(ambiguous.err.contains(&format!("{beginning:?} is the beginning of 2 sessions")), "{}", ambiguous.err);
        let hints: Vec<_> =
            ambiguous.err.lines().filter_map(|line| line.strip_prefix("hint: git opensession ")).collect();
        assert_eq!(hints.len(), 2, "{}", ambiguous.err);
        for hint in hints {
            world.os(hint.split_whitespace()).ok();
        }
    }
    let sid = Sid::new("claude-code", &one).to_string();
    let enough = sid.get(..12).expect("digits");
    assert!(world.os(["show", enough]).ok().contains("write one.txt"));
}

#[test]
fn every_shell_gets_a_script_that_it_can_read() {
    let world = World::new();
    let syntax: [(&str, &[&str]); 5] = [
        ("bash", &["bash", "-n"]),
        ("zsh", &["zsh", "-n"]),
        ("fish", &["fish", "-n"]),
        ("elvish", &[]),
        ("powershell", &[]),
    ];
    for (shell, check) in syntax {
        // Outside of a repository, too.
        let script = world.os_in(world.root(), ["completion", shell]).ok();
        for verb in ["parse", "capture", "log", "show", "cat", "fetch", "push", "doctor", "demo", "completion"] {
            assert!(script.contains(verb), "{shell} does not know {verb}");
        }
        assert!(!script.contains("pre-push"), "{shell} offers what only git calls");
        let path = world.path(format!("completion.{shell}"));
        std::fs::write(&path, script).expect("a file");
        let is_there = |program: &str| {
            let path = std::env::var("PATH").unwrap_or_default();
            path.split(':').any(|folder| std::path::Path::new(folder).join(program).is_file())
        };
        if let [program, flag] = check
            && is_there(program)
        {
            let read = world.run(program, world.root(), [*flag, &path.to_string_lossy()]);
            assert_eq!((read.code, read.err.as_str()), (0, ""), "{shell}");
        }
    }
}

#[test]
fn help_and_version_are_data_and_the_verbless_call_is_short() {
    let world = World::installed();
    let version = world.os(["--version"]).code(0);
    assert!(version.out.starts_with(concat!("git-opensession ", env!("CARGO_PKG_VERSION"), "\n")));
    assert_eq!(version.err, "");
    let help = world.os(["--help"]).code(0);
    assert!(help.out.contains("Usage: git opensession ") && help.err.is_empty());
    world.work("one", "one.txt");
    let status = world.os([""; 0]).code(0);
    assert!(status.out.lines().count() <= 8, "{}", status.out);
    let next = status.out.lines().find_map(|line| line.strip_prefix("next")).expect("a next command");
    assert!(next.trim().starts_with("git "), "{next}");
}
