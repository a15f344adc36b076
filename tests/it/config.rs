//! `config`: settings with their origins, and the file that is committed.

use std::fs;

use crate::world::World;

/// The fields of every line: key, value, who says so.
fn fields(lines: &str) -> Vec<Vec<&str>> {
    lines.lines().map(|line| line.split('\t').collect()).collect()
}

fn origin_of<'a>(shown: &[Vec<&'a str>], key: &str) -> (&'a str, &'a str) {
    let line = shown.iter().find(|fields| fields[0] == key).expect("every setting is shown");
    (line[1], line[2])
}

#[test]
fn every_setting_is_shown_with_who_says_so() {
    let mut world = World::new();
    let config = |scope: &str, key: &str, value: &str| world.git(world.repo(), ["config", scope, key, value]).ok();
    config("--global", "opensession.secret-scan", "block");
    config("--local", "opensession.deadline", "3s");
    fs::create_dir(world.repo().join(".opensession")).expect("a folder");
    fs::write(world.repo().join(".opensession/config.toml"), "strict = true\ndeadline = 5\n").expect("a file");
    let shown = world.os(["config", "show"]).ok();
    let shown = fields(&shown);
    assert_eq!(origin_of(&shown, "opensession.secret-scan"), ("block", "global: ~/.gitconfig"));
    assert_eq!(origin_of(&shown, "opensession.deadline"), ("3s", "local: .git/config"));
    assert_eq!(origin_of(&shown, "opensession.strict"), ("true", "committed: .opensession/config.toml"));
    assert_eq!(origin_of(&shown, "opensession.open-target"), ("web", "default"));
    assert_eq!(origin_of(&shown, "opensession.share.base-url"), ("", "default"));
    world.set("OPENSESSION_STRICT", "off");
    let answer = world.git(world.repo(), ["-c", "opensession.deadline=9", "opensession", "config", "list"]).ok();
    let listed = fields(&answer);
    let strict: Vec<_> = listed.iter().filter(|fields| fields[0] == "opensession.strict").collect();
    assert_eq!(strict[1][1..], ["off", "environment: OPENSESSION_STRICT"]);
    assert!(strict[0][2].ends_with(", and something stronger says otherwise"), "{strict:?}");
    let deadlines: Vec<_> =
        listed.iter().filter(|fields| fields[0] == "opensession.deadline").map(|it| it[1]).collect();
    assert_eq!(deadlines, ["5", "3s", "9"], "the strongest last");

    let told = world.os(["config", "show", "--json"]).json();
    assert_eq!(told["schema"], "opensession.config/1");
    let strict = told["settings"].as_array().expect("a list").iter().find(|it| it["key"] == "opensession.strict");
    let strict = strict.expect("it is there");
    assert_eq!((&strict["origin"], &strict["variable"]), (&"environment".into(), &"OPENSESSION_STRICT".into()));
    let lines = world.os(["config", "list", "--jsonl"]).ok();
    assert!(
        lines.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()) && lines.lines().count() > 4
    );
    assert_eq!(world.os(["config", "list", "-z"]).ok().matches('\0').count(), lines.lines().count());
}

#[test]
fn outside_of_a_repository_there_are_settings_too() {
    let world = World::new();
    assert_eq!(world.os_in(world.root(), ["config", "list", "--json"]).json()["settings"], serde_json::json!([]));
    assert_eq!(world.os_in(world.root(), ["config", "get", "deadline"]).ok(), "10s\n");
    let refused = world.os_in(world.root(), ["config", "set", "strict", "yes"]).code(128);
    assert!(
        refused.err.contains("hint: git opensession config set opensession.strict yes --global"),
        "{}",
        refused.err
    );
    world.os_in(world.root(), ["config", "set", "strict", "yes", "--global"]).ok();
    assert_eq!(world.git(world.root(), ["config", "--global", "opensession.strict"]).ok(), "true\n");
    assert_eq!(
        world.os_in(world.root(), ["config", "get", "strict", "--show-origin"]).ok(),
        "global: ~/.gitconfig\ttrue\n"
    );
    world.os_in(world.root(), ["config", "unset", "strict", "--global"]).ok();
    world.os_in(world.root(), ["config", "unset", "strict", "--global"]).code(1);
    world.os_in(world.root(), ["config", "init", "--base-url", "https://x.example"]).code(128);
}

#[test]
fn only_what_means_something_is_set() {
    let world = World::new();
    let before = fs::read(world.repo().join(".git/config")).expect("a config");
    let unchanged = || assert_eq!(fs::read(world.repo().join(".git/config")).expect("a config"), before);
    let unknown = world.os(["config", "set", "strickt", "true"]).code(2);
    assert!(unknown.err.contains("there is no setting \"strickt\""), "{}", unknown.err);
    assert!(unknown.err.contains("hint: git opensession config set opensession.strict true"), "{}", unknown.err);
    world.os(["config", "unset", "strickt"]).code(2);
    world.os(["config", "get", "strickt"]).code(2);
    world.os(["config", "set", "user.name", "Mallory"]).code(2);
    let bad = world.os(["config", "set", "secret-scan", "sometimes"]).code(2);
    assert!(bad.err.contains("opensession.secret-scan is \"sometimes\"; it must be off, warn or block"), "{}", bad.err);
    assert!(bad.err.contains("hint: git opensession config set opensession.secret-scan warn"), "{}", bad.err);
    world.os(["config", "set", "deadline", "--", "-5"]).code(2);
    unchanged();
    world.os(["config", "set", "secret-scan", "BLOCK"]).ok();
    assert_eq!(world.git(world.repo(), ["config", "opensession.secret-scan"]).ok(), "block\n");
    world.os(["config", "unset", "opensession.secret-scan"]).ok();
    unchanged();
    let nowhere = world.os(["config", "unset", "secret-scan"]).code(1);
    assert!(nowhere.err.contains("opensession.secret-scan is set nowhere"), "{}", nowhere.err);
    world.git(world.repo(), ["config", "--global", "opensession.secret-scan", "off"]).ok();
    let elsewhere = world.os(["config", "unset", "secret-scan"]).code(1);
    assert!(
        elsewhere.err.contains("hint: git opensession config unset opensession.secret-scan --global"),
        "{}",
        elsewhere.err
    );
    // What was set, and does not hold, is said.
    let answer = world.run("sh", world.repo(), ["-c", "OPENSESSION_STRICT=1 git opensession config set strict no"]);
    assert!(answer.err.contains("stays \"1\" here: environment: OPENSESSION_STRICT comes before it"), "{}", answer.err);
}

#[test]
fn the_site_is_committed_with_the_code() {
    let world = World::new();
    let sub = world.repo().join("sub");
    fs::create_dir(&sub).expect("a folder");
    let made = world.os_in(&sub, ["config", "init", "--base-url", "https://opensession.io/"]);
    assert_eq!(made.code, 0, "{}", made.err);
    assert_eq!(made.out, "config: .opensession/config.toml\nbase_url: https://opensession.io\n");
    let file = world.repo().join(".opensession/config.toml");
    assert_eq!(fs::read_to_string(&file).expect("a file"), "[share]\nbase_url = \"https://opensession.io\"\n");
    world.git(world.repo(), ["add", ".opensession"]).ok();
    world.git(world.repo(), ["commit", "-qm", "the site"]).ok();
    world.git(world.repo(), ["push", "-q"]).ok();
    let clone = world.clone_to("clone");
    let told = world.os_in(&clone, ["config", "get", "share.base_url", "--json"]).json();
    assert_eq!((&told["value"], &told["origin"]), (&"https://opensession.io".into(), &"committed".into()));
    // One's own word comes before it.
    world.os_in(&clone, ["config", "set", "share.base-url", "http://localhost:8788"]).ok();
    assert_eq!(world.os_in(&clone, ["config", "get", "share.base-url"]).ok(), "http://localhost:8788\n");
    world.os(["config", "set", "strict", "true", "--committed"]).ok();
    world.os(["config", "unset", "share.base-url", "--committed"]).ok();
    assert_eq!(fs::read_to_string(&file).expect("a file"), "strict = true\n");
    assert_eq!(world.os(["config", "get", "share.base-url"]).code(1).out, "");

    for bad in ["opensession.io", "https://ann:s3cret@x.example", "javascript:alert(1)"] {
        let refused = world.os(["config", "init", "--base-url", bad]).code(2);
        assert!(refused.err.contains("hint: git opensession config set opensession.share.base-url"), "{}", refused.err);
        assert!(!refused.err.contains("s3cret"), "{}", refused.err);
    }
    for own in ["namespace", "open-target", "share.auto-push-consent", "remote.0123456789abcdef.fanout"] {
        let refused = world.os(["config", "set", own, "true", "--committed"]).code(2);
        assert!(refused.err.contains("counts only in git's configuration"), "{}", refused.err);
    }
    fs::write(world.repo().join(".gitignore"), ".opensession/\n").expect("a file");
    world.git(world.repo(), ["rm", "-rq", "--cached", ".opensession"]).ok();
    let ignored = world.os(["config", "init", "--base-url", "https://x.example"]);
    assert!(ignored.err.contains("hint: git add --force .opensession/config.toml"), "{}", ignored.err);
}

#[test]
fn the_committed_file_reaches_the_push_and_decides_nothing_that_is_a_persons_own() {
    let world = World::installed();
    fs::create_dir(world.repo().join(".opensession")).expect("a folder");
    let text = "secret_scan = \"block\"\nnamespace = \"refs/heads/opensession/branches\"\nstrikt = true\n";
    world.commit(".opensession/config.toml", text, "settings");
    world.commit("key", "token = ghp_0123456789abcdefghijABCDEFGHIJ012345\n", "a key");
    let pushed = world.git(world.repo(), ["push", "origin", "main"]);
    assert_ne!(pushed.code, 0, "the committed file says block: {}", pushed.err);
    let warned = "warning: .opensession/config.toml, line 2: \"namespace\" counts only in git's configuration";
    assert!(pushed.err.contains(warned), "{}", pushed.err);
    assert!(pushed.err.contains("line 3: \"strikt\" is no setting; is \"strict\" meant?"), "{}", pushed.err);
    world.os(["config", "set", "secret-scan", "off"]).ok();
    world.git(world.repo(), ["push", "origin", "main"]).ok();
    // A file that is no TOML says nothing, and stops nothing.
    world.commit(".opensession/config.toml", "strict = true\n[[\n", "broken");
    let pushed = world.git(world.repo(), ["push", "origin", "main"]).code(0);
    assert!(pushed.err.contains("warning: .opensession/config.toml, line 2: "), "{}", pushed.err);
    let refused = world.os(["config", "init", "--base-url", "https://x.example"]).code(1);
    assert!(refused.err.contains("hint: git checkout -- .opensession/config.toml"), "{}", refused.err);
}
