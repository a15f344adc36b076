//! Where a push goes: several addresses, rewritten ones, and ones with credentials.

use super::*;

fn bare(world: &World, name: &str) -> String {
    world.git(world.root(), ["init", "-q", "--bare", name]).ok();
    world.path(name).display().to_string()
}

#[test]
fn each_of_two_push_addresses_gets_the_sessions_if_it_may() {
    let world = World::installed();
    let (one, two) = (world.origin().display().to_string(), bare(&world, "mirror.git"));
    for url in [&one, &two] {
        world.git(world.repo(), ["remote", "set-url", "--add", "--push", "origin", url]).ok();
    }
    work(&world, 1, world.repo(), "one.rs");
    let said = world.git(world.repo(), ["push", "origin", "main"]).code(0);
    assert!(said.err.contains("not allowed"), "nobody has allowed the mirror: {}", said.err);
    assert_eq!((ledgers(&world, &one).len(), ledgers(&world, &two).len()), (1, 0));

    world.os(["doctor", "--fix", "--yes", "--remote", "origin"]).ok();
    work(&world, 2, world.repo(), "two.rs");
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    assert_eq!(ledgers(&world, &one), ledgers(&world, &two));
    assert_eq!(behind(&world, reader(&world, "ben"), "HEAD~1"), ids([1]));
}

#[test]
fn a_push_goes_where_push_instead_of_sends_it() {
    let world = World::installed();
    let real = bare(&world, "real.git");
    world.git(world.repo(), ["remote", "add", "alias", "short:real.git"]).ok();
    let base = format!("url.{}/.pushInsteadOf", world.root().display());
    world.git(world.repo(), ["config", &base, "short:"]).ok();
    world.os(["doctor", "--fix", "--yes", "--remote", "alias"]).ok();
    work(&world, 1, world.repo(), "one.rs");
    world.git(world.repo(), ["push", "-q", "alias", "main"]).ok();
    assert_eq!(ledgers(&world, real).len(), 1);
    assert_eq!(ledgers(&world, world.origin()), Vec::<String>::new());
}

const TOKEN: &str = concat!("s3same", "-0pen");

#[test]
fn a_token_in_the_address_is_seen_by_nobody_but_git() {
    let mut world = World::installed();
    world.git(world.origin(), ["config", "http.receivepack", "true"]).ok();
    let port = http::serve(world.root());
    let url = format!("http://ann:{TOKEN}@127.0.0.1:{port}/origin.git");
    world.git(world.repo(), ["remote", "set-url", "origin", &url]).ok();
    let trace = world.path("trace");
    world.set("GIT_TRACE2_EVENT", &trace.display().to_string());
    // git hides them from its own trace, which would hide a mistake of ours.
    world.set("GIT_TRACE2_REDACT", "0");

    let mut said = vec![world.os(["doctor"]), world.os(["doctor", "--json"])];
    work(&world, 1, world.repo(), "one.rs");
    let pushed = world.git(world.repo(), ["push", "origin", "main"]);
    assert!(pushed.err.contains("origin is not allowed"), "this address was not allowed yet: {}", pushed.err);
    said.push(pushed);
    said.push(world.os(["doctor", "--fix", "--yes"]).code(0));
    world.commit("more", "more\n", "more");
    let pushed = world.git(world.repo(), ["push", "origin", "main"]).code(0);
    assert!(pushed.err.contains("-> origin"), "{}", pushed.err);
    said.push(pushed);
    world.commit("again", "again\n", "again");
    said.push(world.git(world.repo(), ["push", &url, "main"]).code(0));
    said.push(world.os(["doctor"]));
    for said in said {
        assert!(!said.out.contains(TOKEN) && !said.err.contains(TOKEN), "{}{}", said.out, said.err);
    }
    assert_eq!(ledgers(&world, world.origin()).len(), 1);
    assert_eq!(behind(&world, world.repo(), "HEAD~2"), ids([1]));

    let trace = std::fs::read_to_string(&trace).expect("a trace");
    let events = || trace.lines().map(|line| serde_json::from_str::<Value>(line).expect("an event"));
    let process = |event: &Value| event["sid"].as_str().expect("an id").to_owned();
    let argv = |event: &Value| event["argv"].as_array().into_iter().flatten().map(Value::to_string).collect::<String>();
    let is_ours = |event: &Value| event["event"] == "start" && argv(event).contains("--no-verify");
    let ours: Vec<String> = events().filter(is_ours).map(|event| process(&event)).collect();
    assert!(ours.len() >= 2, "pushes of ours: {ours:?}");
    let with_token = events().filter(|event| argv(event).contains(TOKEN));
    for event in with_token {
        // The user's own git hands its addresses to its hook and to its transport.
        let command = argv(&event);
        assert!(!ours.iter().any(|id| process(&event).starts_with(id.as_str())), "{command}");
        let gits_own = ["pre-push", "remote-http", "\"push\"", "send-pack", "set-url"];
        assert!(gits_own.iter().any(|words| command.contains(words)), "{command}");
    }
    for file in files_below(&world.path("work/.git")) {
        let is_gits_own = file.ends_with(".git/config");
        let content = std::fs::read(&file).expect("a file");
        let found = content.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes());
        assert!(!found || is_gits_own, "{} has the token", file.display());
    }
    let everything = [world.everything_in(world.repo()), world.everything_in(world.origin())].concat();
    assert!(!String::from_utf8_lossy(&everything).contains(TOKEN));
}

#[test]
fn nor_is_one_in_an_address_that_is_pushed_to_with_sessions() {
    let mut world = World::installed();
    world.git(world.origin(), ["config", "http.receivepack", "true"]).ok();
    let url = format!("http://ann:{TOKEN}@127.0.0.1:{}/origin.git", http::serve(world.root()));
    let trace = world.path("trace");
    world.set("GIT_TRACE2_EVENT", &trace.display().to_string());
    world.set("GIT_TRACE2_REDACT", "0");
    work(&world, 1, world.repo(), "one.rs");
    let with = |words: &[&str]| world.os(["push", "--with"].iter().chain(words));
    let mut said = vec![with(&[&url, "main"]).code(1), with(&["-u", &url, "main"]).code(2)];
    world.os(["doctor", "--fix", "--yes", "--remote", &url]).ok();
    said.push(with(&[&url, "no-such-branch"]).code(128));
    said.push(with(&["-n", &url, "main"]).code(0));
    said.push(with(&[&url, "main"]).code(0));
    said.push(world.os(["push", &url]).code(0));
    for said in said {
        assert!(!said.out.contains(TOKEN) && !said.err.contains(TOKEN), "{}{}", said.out, said.err);
    }
    assert_eq!(behind(&world, reader(&world, "ben"), "HEAD"), ids([1]));
    let trace = std::fs::read_to_string(&trace).expect("a trace");
    let argv = trace.lines().filter(|line| line.contains("\"argv\":")).find(|line| line.contains(TOKEN));
    assert_eq!(argv, None, "not even git was told in a command line");
    for file in files_below(&world.path("work/.git")) {
        let content = std::fs::read(&file).expect("a file");
        assert!(!content.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes()), "{} has the token", file.display());
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
