//! What the README shows is what happens.

use std::fs;
use std::path::Path;

use crate::world::{ClaudeLog, World};

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("the README")
}

#[test]
fn the_demo_prints_what_the_readme_shows() {
    let world = World::new();
    let readme = readme();
    let shown = readme.split("<!-- demo -->\n```\n").nth(1).and_then(|rest| rest.split("```\n").next());
    let shown = shown.expect("the README has the demo's output");
    let played = world.os_in(world.root(), ["demo"]).ok();
    assert_eq!(played, shown, "the README shows another demo");
    assert!(shown.lines().count() <= 25, "the demo is at most 25 lines");
    let left: Vec<_> = fs::read_dir(world.path("tmp")).expect("the folder for temporary files").collect();
    assert!(left.is_empty(), "the demo leaves nothing behind: {left:?}");
}

#[test]
fn a_kept_demo_can_be_looked_at() {
    let world = World::new();
    let played = world.os_in(world.root(), ["demo", "--keep"]).ok();
    let kept = played.lines().last().and_then(|line| line.strip_prefix("kept: ")).expect("it says where");
    let log = world.run("sh", world.root(), ["-c", kept]).ok();
    assert_eq!(log.lines().count(), 2, "{log}");
}

/// The commands between backticks, with a real commit, log and session in place of the README's.
fn commands(readme: &str, log: &str, sid: &str) -> Vec<String> {
    let quoted = readme.split('`').skip(1).step_by(2);
    let mut commands: Vec<String> = quoted
        .filter(|text| text.starts_with("git opensession") && !text.contains('\n'))
        .map(|text| {
            let text = text.replace("<rev>", "HEAD").replace("<log>", log).replace("3f2a91", sid);
            let text = text.replace("src/main.rs:12", "file:1");
            text.replace("main..topic", "HEAD~1..HEAD").replace("session.hail.jsonl", "../session.hail.jsonl")
        })
        .collect();
    // Last what takes all of it away.
    commands.sort_by_key(|command| command.contains("--uninstall"));
    commands
}

#[test]
fn every_command_of_the_readme_works() {
    let mut world = World::installed();
    let log = ClaudeLog::new("readme", world.repo(), 60).prompt("write a file").write("file", "one line of text\n");
    let log = log.answer("There it is.").save(&world);
    world.set_now("2026-03-06T12:05:00Z");
    world.commit("file", "one line of text\n", "a file");
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    let hail = world.path("session.hail.jsonl");
    world.os(["parse".as_ref(), log.as_os_str(), "--out".as_ref(), hail.as_os_str()]).ok();
    let sid: String = world.os(["log"]).ok().chars().take(8).collect();
    let commands = commands(&readme(), &log.display().to_string(), &sid);
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands {
        let command = match command.as_str() {
            "git opensession doctor --fix" => "git opensession doctor --fix --yes".to_owned(),
            "git opensession doctor --uninstall" => "git opensession doctor --uninstall --yes".to_owned(),
            _ => command,
        };
        let answer = world.run("sh", world.repo(), ["-c", &command]);
        assert_eq!(answer.code, 0, "{command}\n{}{}", answer.out, answer.err);
    }
}
