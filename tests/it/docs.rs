//! `docs`, and what `doctor --fix` puts into a person's own folders: the man page and the link.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::{Answer, ClaudeLog, World};

/// A copy of the program in a `bin` of the user, as `cargo install` puts it there.
fn installed_for_user(world: &World) -> PathBuf {
    let binary = world.home().join(".cargo/bin/git-opensession");
    let content = fs::read(env!("CARGO_BIN_EXE_git-opensession")).expect("the binary");
    world.program(&binary, content)
}

fn page(world: &World) -> PathBuf {
    world.home().join(".cargo/share/man/man1/git-opensession.1")
}

fn link(world: &World) -> PathBuf {
    world.home().join(".local/share/opensession/bin/opensession")
}

fn fix(world: &World, binary: &Path) -> Answer {
    world.run(binary, world.repo(), ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"])
}

#[test]
fn the_first_steps_name_the_logs_that_are_there() {
    let world = World::new();
    let none = world.os(["docs", "quickstart"]).ok();
    assert!(none.contains("# No logs of an agent are here yet") && none.contains("\ngit opensession demo\n"), "{none}");
    let log = ClaudeLog::new("aaaa", world.repo(), 0).prompt("hi").answer("ho").save(&world);
    let steps = world.os(["docs", "quickstart"]).ok();
    assert!(steps.contains("# Agents on this machine: claude-code (1 log)"), "{steps}");
    let parse = format!("parse --profile claude-code {} --out ./session.hail.jsonl", log.display());
    assert!(steps.contains(&format!("\ngit opensession {parse}\n")), "{steps}");
    // Lines without # can be pasted: the last ones, which need nothing of the others.
    let by_hand: Vec<_> = steps.lines().filter(|line| line.contains("session.hail.jsonl")).collect();
    for line in by_hand {
        assert_eq!(world.run("sh", world.repo(), ["-c", line]).code, 0, "{line}");
    }
}

#[test]
fn completion_is_printed_by_either_name() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert_eq!(world.os(["docs", "completion", shell]).ok(), world.os(["completion", shell]).ok());
    }
}

#[test]
fn the_man_page_and_the_link_are_put_in_kept_up_to_date_and_taken_out() {
    let world = World::new();
    let binary = installed_for_user(&world);
    let fixed = fix(&world, &binary).code(0);
    assert!(fixed.err.contains(&format!("write the man page {}", page(&world).display())), "{}", fixed.err);
    assert!(fixed.err.contains(&format!("link {} to {}", link(&world).display(), binary.display())), "{}", fixed.err);
    let text = fs::read_to_string(page(&world)).expect("a page");
    assert_eq!(text.split_once('\n').expect("a mark").1, world.os(["docs", "man"]).ok());
    assert_eq!(fs::read_link(link(&world)).expect("a link"), binary);
    let help = world.run(link(&world), world.repo(), ["show", "-h"]).ok();
    assert!(help.contains("Usage: opensession show"), "called by its other name: {help}");
    assert!(fix(&world, &binary).code(0).err.contains("all is set up"));

    // The page of an older version, and a link to where the binary was.
    fs::write(page(&world), format!("{}\nold\n", text.lines().next().expect("a mark"))).expect("a page");
    fs::remove_file(link(&world)).expect("it is there");
    std::os::unix::fs::symlink("/gone/git-opensession", link(&world)).expect("a link");
    let told = world.run(&binary, world.repo(), ["doctor"]).ok();
    assert!(told.contains("of another version") && told.contains("leads to another binary"), "{told}");
    fix(&world, &binary).code(0);
    assert_eq!(fs::read_to_string(page(&world)).expect("a page"), text);
    assert_eq!(fs::read_link(link(&world)).expect("a link"), binary);

    world.run(&binary, world.repo(), ["doctor", "--uninstall", "--yes"]).ok();
    assert!(!world.home().join(".local").exists() && !world.home().join(".cargo/share").exists());
    assert!(binary.exists());
}

#[test]
fn what_is_somebody_elses_is_never_written_over() {
    let world = World::new();
    let binary = installed_for_user(&world);
    for place in [page(&world), link(&world)] {
        fs::create_dir_all(place.parent().expect("a folder")).expect("folders");
        fs::write(place, "mine").expect("a file");
    }
    fix(&world, &binary).code(0);
    let refused = world.run(&binary, world.repo(), ["docs", "man", "--install"]).code(1);
    assert!(refused.err.contains("is not of ours") && refused.err.contains("hint: git opensession docs man"));
    world.run(&binary, world.repo(), ["doctor", "--uninstall", "--yes"]).ok();
    for place in [page(&world), link(&world)] {
        assert_eq!(fs::read_to_string(place).expect("it is there"), "mine");
    }
}

#[test]
fn the_man_page_can_be_put_in_without_a_repository() {
    let world = World::new();
    let binary = installed_for_user(&world);
    world.run(&binary, world.root(), ["docs", "man", "--install"]).ok();
    assert!(page(&world).exists());
    // A program that was built, and not installed, has no place for it.
    let answer = world.os(["docs", "man", "--install"]).code(1);
    assert!(answer.err.contains("is in no bin of your own"), "{}", answer.err);
}
