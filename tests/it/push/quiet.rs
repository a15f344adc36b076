//! A push with nothing new costs no connection, and writes nothing.

use std::fs;

use super::*;

/// When no session of these stories is near any more.
const LATER: &str = "2026-03-06T15:00:00Z";

/// The command lines of all git processes since the last call.
fn command_lines(log: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let _ = fs::remove_file(log);
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("an event of git"));
    let starts = events.filter(|event| event["event"] == "start");
    let words = |event: Value| event["argv"].as_array().expect("words").iter().map(word).collect();
    starts.map(words).collect()
}

fn word(word: &Value) -> String {
    word.as_str().expect("a word").to_owned()
}

/// Those that talk to a remote.
fn connections(log: &Path) -> Vec<String> {
    let talks = |line: &Vec<String>| {
        line.iter().any(|word| matches!(word.as_str(), "push" | "fetch" | "ls-remote" | "send-pack" | "fetch-pack"))
    };
    command_lines(log).into_iter().filter(talks).map(|line| line.join(" ")).collect()
}

#[test]
fn nothing_new_is_no_nested_push() {
    let mut world = World::installed();
    let log = world.path("trace");
    world.set("GIT_TRACE2_EVENT", &log.display().to_string());
    work(&world, 1, world.repo(), "one.rs");
    connections(&log);
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    let first = connections(&log);
    let ours = first.iter().filter(|line| line.contains("--no-verify"));
    assert_eq!(ours.count(), 1, "one connection for all: {first:?}");

    // A session is there and a commit, but nothing ties them.
    wrote(&world, 2, world.path("home"), "elsewhere.rs");
    world.set_now(LATER);
    world.commit("by hand", "typed\n", "by hand");
    let before = ledgers(&world, world.repo());
    connections(&log);
    let said = world.git(world.repo(), ["push", "origin", "main"]);
    assert!(!said.err.contains("opensession: "), "{}", said.err);
    assert!(!connections(&log).iter().any(|line| line.contains("--no-verify")));
    assert_eq!(ledgers(&world, world.repo()), before);
}

#[test]
fn an_up_to_date_push_does_nothing() {
    let mut world = World::installed();
    work(&world, 1, world.repo(), "one.rs");
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    let before = (world.refs(world.repo(), "refs/"), world.refs(world.origin(), "refs/"));
    let log = world.path("trace");
    world.set("GIT_TRACE2_EVENT", &log.display().to_string());
    let said = world.git(world.repo(), ["push", "origin", "main"]).code(0);
    assert_eq!(said.err, "Everything up-to-date\n");
    let connections = connections(&log);
    assert!(!connections.iter().any(|line| line.contains("--no-verify")), "{connections:?}");
    assert_eq!((world.refs(world.repo(), "refs/"), world.refs(world.origin(), "refs/")), before);
}

/// The files of the remote's ledger of `main`.
fn files(world: &World) -> Vec<String> {
    let listing = world.git(world.origin(), ["ls-tree", "-r", MAIN]).ok();
    listing.lines().map(str::to_owned).collect()
}

#[test]
fn a_session_that_grew_is_brought_up_to_date_and_the_others_are_left_alone() {
    let mut world = World::installed();
    work(&world, 1, world.repo(), "one.rs");
    let log = ClaudeLog::new(&id(2), world.repo(), -50).prompt("two, part one").write("two.rs", &line(2));
    let path = log.save(&world);
    world.commit("two.rs", &line(2), "two");
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    let before = files(&world);
    let sid = |commit| show(&world, world.repo(), commit)[0]["sid"].as_str().expect("a sid").to_owned();
    let (one, two) = (sid("HEAD~1"), sid("HEAD"));

    let grown = log.prompt("two, part two").answer("and done").text();
    fs::write(&path, grown).expect("the log");
    world.set_now(LATER);
    world.commit("by hand", "typed\n", "by hand");
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();

    let after = files(&world);
    let new: Vec<_> = after.iter().filter(|file| !before.contains(file)).collect();
    let gone: Vec<_> = before.iter().filter(|file| !after.contains(file)).collect();
    assert!(!new.is_empty() && new.iter().chain(&gone).all(|file| file.contains(&two)), "{new:?} {gone:?}");
    assert!(!new.iter().any(|file| file.contains(&one)));
    let segments = |files: &[String]| files.iter().filter(|file| file.contains(&two) && file.contains(".zst")).count();
    assert_eq!((segments(&before), segments(&after)), (1, 2), "only what is new was added");

    let ben = reader(&world, "ben");
    let session = show(&world, &ben, "HEAD~1").remove(0);
    assert_eq!(session["stats"]["user_message_count"], 2);
}
