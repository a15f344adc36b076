//! The pre-push hook beside all those that were there before it, and the doctor that puts it in.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::world::{ClaudeLog, World};

/// Every file of the hooks folder and the configuration: kind, mode and content.
fn snapshot(git_folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let hooks = git_folder.join("hooks");
    let entries = fs::read_dir(&hooks).map(|entries| entries.map(|entry| entry.expect("an entry").path()).collect());
    let mut paths: Vec<PathBuf> = entries.unwrap_or_default();
    paths.push(git_folder.join("config"));
    let look = |path: PathBuf| {
        let meta = path.symlink_metadata().expect("it is there");
        let content = if meta.is_symlink() {
            fs::read_link(&path).expect("a link").into_os_string().into_encoded_bytes()
        } else {
            fs::read(&path).expect("a file")
        };
        (path, (meta.permissions().mode(), content))
    };
    paths.into_iter().map(look).collect()
}

fn snapshot_of(world: &World) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    snapshot(&world.repo().join(".git"))
}

/// Says what it got, and answers as the file `verdict` beside the repository says.
fn sh_hook(world: &World, name: &str) -> String {
    let said = world.path(name);
    format!("#!/bin/sh\n{{ echo \"$@\"; cat; }} > '{}'\nexit $(cat '{}')\n", said.display(), verdict(world).display())
}

fn verdict(world: &World) -> PathBuf {
    world.path("verdict")
}

fn say_yes(world: &World) {
    fs::write(verdict(world), "0").expect("a verdict");
}

fn say_no(world: &World) {
    fs::write(verdict(world), "1").expect("a verdict");
}

/// What a hook is told of a push of `new` over `old`.
fn told(world: &World, new: &str, old: &str) -> String {
    format!("origin {}\nrefs/heads/main {new} refs/heads/main {old}\n", world.origin().display())
}

/// A hook that writes what it is told into `said`: it is told what git says, its no is final, and our
/// session goes along all the same; taking ours out brings back every byte.
#[track_caller]
fn both_hooks_work(world: &World) {
    say_yes(world);
    let before = snapshot_of(world);
    world.fix().ok();
    let installed = snapshot_of(world);
    world.fix().ok();
    assert_eq!(snapshot_of(world), installed, "a second installation changes nothing");

    let first = world.head(world.repo());
    let second = world.work("one", "one.txt");
    let pushed = world.push().code(0);
    assert_eq!(pushed.err, "opensession: 1 session (1 commit) -> origin\n");
    assert_eq!(fs::read_to_string(world.path("said")).expect("the old hook ran"), told(world, &second, &first));
    assert_eq!(world.titles(world.origin()), ["write one.txt"]);

    say_no(world);
    world.work("two", "two.txt");
    let refused = world.push();
    assert_ne!(refused.code, 0);
    assert_eq!(world.titles(world.origin()), ["write one.txt"], "nothing goes to the remote after a no");
    assert_eq!(world.git(world.origin(), ["rev-parse", "main"]).ok().trim(), second);

    say_yes(world);
    world.push().code(0);
    assert_eq!(world.titles(world.origin()), ["write one.txt", "write two.txt"]);

    world.uninstall().ok();
    assert_eq!(snapshot_of(world), before);
    say_no(world);
    world.commit("three.txt", "3\n", "three");
    assert_ne!(world.push().code, 0, "the old hook is in its place again");
}

#[test]
fn a_shell_hook_that_reads_its_input_goes_on_working() {
    let world = World::new();
    world.program(world.hook(), sh_hook(&world, "said"));
    both_hooks_work(&world);
}

#[test]
fn a_hook_in_another_language_goes_on_working() {
    let world = World::new();
    let (said, verdict) = (world.path("said"), verdict(&world));
    let perl = format!(
        "#!/usr/bin/env perl\nuse strict;\nmy @input = <STDIN>;\nopen(my $out, '>', '{}') or die;\n\
         print $out \"@ARGV\\n\", @input;\nclose $out;\nopen(my $in, '<', '{}') or die;\nexit(<$in> + 0);\n",
        said.display(),
        verdict.display()
    );
    world.program(world.hook(), perl);
    both_hooks_work(&world);
}

#[test]
fn a_hook_that_is_a_symlink_goes_on_working_and_stays_one() {
    let world = World::new();
    let target = world.program(world.path("tools/check-push"), sh_hook(&world, "said"));
    symlink(&target, world.hook()).expect("a link");
    both_hooks_work(&world);
    assert_eq!(fs::read_link(world.hook()).expect("still a link"), target);
}

#[test]
fn a_binary_hook_goes_on_working() {
    for (binary, is_allowed) in [("true", true), ("false", false)] {
        let world = World::new();
        let path = world.run("sh", world.root(), ["-c", &format!("command -v /bin/{binary} || which {binary}")]).ok();
        world.program(world.hook(), fs::read(path.trim()).expect("the binary"));
        let before = snapshot_of(&world);
        world.fix().ok();
        let commit = world.work("one", "one.txt");
        assert_eq!(world.push().code == 0, is_allowed, "{binary}");
        assert_eq!(world.titles(world.origin()).len(), usize::from(is_allowed));
        assert_eq!(world.git(world.origin(), ["rev-parse", "main"]).ok().trim() == commit, is_allowed);
        world.uninstall().ok();
        assert_eq!(snapshot_of(&world), before);
    }
}

#[test]
fn a_hook_without_the_run_bit_does_not_begin_to_run() {
    let world = World::new();
    say_no(&world);
    fs::write(world.hook(), sh_hook(&world, "said")).expect("a hook");
    fs::set_permissions(world.hook(), fs::Permissions::from_mode(0o644)).expect("a mode");
    let before = snapshot_of(&world);
    let fixed = world.fix().code(0);
    assert!(fixed.err.contains("is not executable"), "{}", fixed.err);
    world.work("one", "one.txt");
    world.push().ok();
    assert!(!world.path("said").exists());
    assert_eq!(world.titles(world.origin()).len(), 1);
    world.uninstall().ok();
    assert_eq!(snapshot_of(&world), before);
}

#[test]
fn when_another_tool_replaces_our_hook_a_second_fix_keeps_both() {
    let world = World::new();
    say_yes(&world);
    world.program(world.hook(), sh_hook(&world, "said-first"));
    world.fix().ok();
    fs::remove_file(world.hook()).expect("our hook was there");
    let second = sh_hook(&world, "said-second");
    world.program(world.hook(), &second);
    assert_eq!(world.os(["doctor"]).code(1).err, "");
    world.fix().ok();
    world.work("one", "one.txt");
    world.push().ok();
    let said = |name: &str| fs::read_to_string(world.path(name)).expect("the hook ran");
    assert_eq!(said("said-first"), said("said-second"));
    assert!(said("said-first").contains(" refs/heads/main "));
    assert_eq!(world.titles(world.origin()).len(), 1);

    let taken = world.uninstall().code(0);
    assert_eq!(fs::read_to_string(world.hook()).expect("the second tool's hook"), second);
    let first = world.repo().join(".git/hooks/pre-push.opensession-chained");
    assert_eq!(fs::read_to_string(&first).expect("the first one is kept"), sh_hook(&world, "said-first"));
    assert!(taken.err.contains("pre-push.opensession-chained is from before"), "{}", taken.err);
}

#[test]
fn what_a_person_edits_in_our_hook_is_noticed_and_kept() {
    let world = World::new();
    world.fix_with_a_file().ok();
    let ours = fs::read_to_string(world.hook()).expect("our hook");
    let said = world.path("said");
    let edited = ours.replacen("opensession=", &format!("echo mine > '{}'\nopensession=", said.display()), 1);
    assert_ne!(edited, ours);
    world.program(world.hook(), &edited);
    assert!(world.os(["doctor"]).ok().contains("every push calls us; it was edited by hand"));
    let fixed = world.fix().code(0);
    assert!(fixed.err.contains("was edited by hand; it is left as it is"), "{}", fixed.err);
    assert_eq!(fs::read_to_string(world.hook()).expect("a hook"), edited);
    world.work("one", "one.txt");
    world.push().ok();
    assert_eq!(fs::read_to_string(said).expect("the edit ran"), "mine\n");
    assert_eq!(world.titles(world.origin()).len(), 1);
    world.uninstall().ok();
    assert!(!world.hook().exists());
    let aside = world.repo().join(".git/hooks/pre-push.opensession-edited");
    assert_eq!(fs::read_to_string(aside).expect("the edited hook is kept"), edited);
}

#[test]
fn a_hooks_folder_that_is_not_gits_is_refused_with_what_to_add_and_nothing_is_written() {
    let husky = World::new();
    fs::create_dir(husky.repo().join(".husky")).expect("a folder");
    husky.git(husky.repo(), ["config", "core.hooksPath", ".husky"]).ok();
    let global = World::new();
    fs::create_dir(global.path("hooks")).expect("a folder");
    let hooks = global.path("hooks");
    global.git(global.repo(), ["config", "--global", "core.hooksPath", &hooks.to_string_lossy()]).ok();
    let tilde = World::new();
    tilde.git(tilde.repo(), ["config", "core.hooksPath", "~/my-hooks"]).ok();
    let off = World::new();
    off.git(off.repo(), ["config", "core.hooksPath", "/dev/null"]).ok();
    let cases = [
        (&husky, ".husky/pre-push", "git-opensession hook pre-push \"$@\""),
        (&global, "is not inside the git folder", "git-opensession hook pre-push \"$@\""),
        (&tilde, "home/my-hooks is not inside the git folder", "git-opensession hook pre-push \"$@\""),
        (&off, "core.hooksPath is /dev/null", "git 2.54"),
    ];
    for (world, place, line) in cases {
        let before = snapshot_of(world);
        let fixed = world.fix_with_a_file().code(1);
        assert!(fixed.err.contains(place) && fixed.err.contains(line), "{}", fixed.err);
        assert_eq!(snapshot_of(world), before);
        assert_eq!(world.git(world.repo(), ["status", "--porcelain"]).ok(), "");
        let names: Vec<_> = fs::read_dir(world.home()).expect("the home").flatten().map(|e| e.file_name()).collect();
        assert_eq!(names, [".gitconfig"]);
        assert!(!world.repo().join("~").exists());
        assert_eq!(world.os(["doctor"]).code, 1);
    }
}

#[test]
fn the_line_for_husky_works_when_it_is_added() {
    let world = World::new();
    world.git(world.repo(), ["config", "core.hooksPath", ".husky"]).ok();
    let refused = world.fix_with_a_file().code(1);
    let line = refused.err.lines().map(str::trim).find(|line| line.starts_with("if command -v")).expect("a line");
    assert!(refused.err.contains("add by hand to .husky/pre-push, before all else in it:"), "{}", refused.err);
    assert!(refused.err.contains("hint: git opensession doctor --fix  # then, for the rest"), "{}", refused.err);
    // What is there already reads standard input, as git-lfs does.
    let seen = world.path("seen");
    let theirs = format!("cat >'{}'\n", seen.display());
    world.program(world.repo().join(".husky/pre-push"), format!("#!/bin/sh -e\n{line}\n{theirs}"));
    world.fix().ok();
    world.work("one", "one.txt");
    assert_eq!(world.push().code(0).err, "opensession: 1 session (1 commit) -> origin\n");
    let head = world.head(world.repo());
    let said = fs::read_to_string(&seen).expect("it ran");
    assert!(said.starts_with(&format!("refs/heads/main {head} refs/heads/main ")), "{said}");
    assert!(world.os(["doctor"]).ok().contains("every push calls us"));
    // In strict mode its "no" is final, and nothing is left behind.
    world.git(world.repo(), ["config", "opensession.strict", "nonsense"]).ok();
    fs::remove_file(&seen).expect("a file");
    world.commit("two.txt", "two\n", "two");
    world.push().code(1);
    assert!(!seen.exists());
    assert!(fs::read_dir(world.path("tmp")).expect("a folder").flatten().all(|left| !left.path().is_file()));
}

#[test]
fn in_a_linked_worktree_the_hook_goes_to_the_common_folder_and_serves_both() {
    let world = World::new();
    world.git(world.repo(), ["worktree", "add", "-q", "../linked", "-b", "topic"]).ok();
    let linked = world.path("linked");
    world.os_in(&linked, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref", "--hook", "file"]).ok();
    assert!(world.hook().is_file());
    let text = "written in the linked one\n";
    ClaudeLog::new("linked", &linked, -60).prompt("write linked.txt").write("linked.txt", text).save(&world);
    world.commit_in(&linked, "linked.txt", text, "add linked.txt");
    world.git(&linked, ["push", "-q", "origin", "topic"]).ok();
    assert_eq!(world.titles(world.origin()), ["write linked.txt"]);
    world.work("main", "main.txt");
    world.push().ok();
    assert_eq!(world.titles(world.origin()), ["write linked.txt", "write main.txt"]);
}

#[test]
fn a_submodule_has_a_hook_of_its_own() {
    let world = World::new();
    world.git(world.root(), ["init", "-q", "--bare", "sub.git"]).ok();
    world.git(world.root(), ["clone", "-q", "sub.git", "seed"]).ok();
    world.commit_in(world.path("seed"), "lib.txt", "lib\n", "lib");
    world.git(world.path("seed"), ["push", "-q", "origin", "main"]).ok();
    world.git(world.repo(), ["submodule", "--quiet", "add", "../sub.git", "sub"]).ok();
    let sub = world.repo().join("sub");
    world.os_in(&sub, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref", "--hook", "file"]).ok();
    assert!(world.repo().join(".git/modules/sub/hooks/pre-push").is_file());
    assert!(!world.hook().exists());
    let text = "written in the submodule\n";
    ClaudeLog::new("sub", &sub, -60).prompt("write in.txt").write("in.txt", text).save(&world);
    world.commit_in(&sub, "in.txt", text, "add in.txt");
    world.git(&sub, ["push", "-q", "origin", "main"]).ok();
    assert_eq!(world.titles(world.path("sub.git")), ["write in.txt"]);
    assert_eq!(world.titles(world.origin()), [""; 0]);
}

/// A repository whose hook calls a program that is gone, and a PATH without another one.
fn with_a_missing_program() -> (World, String) {
    let world = World::installed();
    world.call("/nowhere/git-opensession");
    world.work("one", "one.txt");
    let system = std::env::var("PATH").expect("there is a PATH");
    let has_ours = |folder: &&str| Path::new(folder).join("git-opensession").exists();
    let path = system.split(':').filter(|folder| !has_ours(folder)).collect::<Vec<_>>().join(":");
    (world, path)
}

#[test]
fn a_missing_program_costs_one_line_and_in_strict_mode_the_push() {
    let (mut world, path) = with_a_missing_program();
    let whole = std::env::var("PATH").expect("there is a PATH");
    world.set("PATH", &path);
    world.set("OPENSESSION_STRICT", "yes");
    let strict = world.push().code(1);
    assert!(strict.err.contains("git-opensession is not installed here, and strict mode"), "{}", strict.err);
    assert_ne!(world.git(world.origin(), ["rev-parse", "main"]).ok().trim(), world.head(world.repo()));
    world.set("OPENSESSION_STRICT", "");
    world.git(world.repo(), ["config", "opensession.strict", "true"]).ok();
    world.push().code(1);
    world.git(world.repo(), ["config", "--unset", "opensession.strict"]).ok();
    let pushed = world.push().code(0);
    assert_eq!(pushed.err, "opensession: git-opensession is not installed here; its sessions wait for the next push\n");
    assert_eq!(world.git(world.origin(), ["rev-parse", "main"]).ok().trim(), world.head(world.repo()));
    // The line keeps its word: with the program back, the next push brings what waits, though its commits are there.
    let program = Path::new(env!("CARGO_BIN_EXE_git-opensession")).parent().expect("a folder");
    world.set("PATH", &format!("{}:{whole}", program.display()));
    world.work("two", "two.txt");
    assert_eq!(world.push().code(0).err, "opensession: 2 sessions (2 commits) -> origin\n");
    assert_eq!(world.titles(world.origin()), ["write one.txt", "write two.txt"]);
}

#[test]
fn hooks_in_the_configuration_need_a_git_that_reads_them_and_leave_files_alone() {
    let world = World::new();
    say_yes(&world);
    let theirs = sh_hook(&world, "said");
    world.program(world.hook(), &theirs);
    let before = snapshot_of(&world);
    let asked = world.os(["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref", "--hook", "config"]);
    if asked.code == 1 {
        assert!(asked.err.contains("git 2.54 is the first that does"), "{}", asked.err);
        assert!(asked.err.contains("doctor --fix --hook file"), "{}", asked.err);
        assert_eq!(snapshot_of(&world), before);
        return;
    }
    assert!(asked.err.contains("pre-push after ours: sessions have gone even if it says no"), "{}", asked.err);
    assert_eq!(fs::read_to_string(world.hook()).expect("their hook"), theirs);
    assert!(world.os(["doctor"]).ok().contains("runs after ours"));
    world.work("one", "one.txt");
    assert_eq!(world.push().code(0).err, "opensession: 1 session (1 commit) -> origin\n");
    assert!(world.path("said").exists(), "theirs runs, too");
    // Without being asked for, theirs comes first.
    world.fix().ok();
    assert_eq!(world.git(world.repo(), ["config", "--get-regexp", "^hook[.]"]).out, "");
    say_no(&world);
    world.work("two", "two.txt");
    assert_ne!(world.push().code, 0);
    assert_eq!(world.titles(world.origin()), ["write one.txt"]);
    world.uninstall().ok();
    assert_eq!(snapshot_of(&world), before);
}

#[test]
fn a_program_that_moved_is_found_on_the_path() {
    let (world, _) = with_a_missing_program();
    world.push().ok();
    assert_eq!(world.titles(world.origin()), ["write one.txt"]);
}

#[test]
fn the_recursion_mark_keeps_the_hook_from_running_inside_of_itself() {
    let mut world = World::installed();
    world.work("one", "one.txt");
    world.set("OPENSESSION_INTERNAL", "1");
    assert_eq!(world.push().code(0).err, "");
    assert_eq!(world.refs(world.repo(), "refs/opensession/"), [""; 0]);
}

#[test]
fn the_doctor_says_by_its_exit_code_whether_all_is_well() {
    let world = World::new();
    let sick = world.os(["doctor"]).code(1);
    assert!(sick.out.contains("problem  hook     no push calls us"), "{}", sick.out);
    assert!(sick.out.contains("git opensession doctor --fix"), "{}", sick.out);
    world.fix().ok();
    let healthy = world.os(["doctor"]).code(0);
    assert!(healthy.out.contains("ok       hook     every push calls us"), "{}", healthy.out);
    let told = world.os(["doctor", "--json"]).json();
    assert_eq!(told["schema"], "opensession.doctor/1");
    assert!(told["findings"].as_array().is_some_and(|findings| findings.len() > 4));
    world.uninstall().ok();
    world.os(["doctor"]).code(1);
    world.git(world.repo(), ["config", "opensession.fanout-mode", "pigeons"]).ok();
    world.os(["doctor"]).code(2);
    world.os_in(world.root(), ["doctor"]).code(128);
}

#[test]
fn without_a_terminal_nothing_is_set_up_that_nobody_has_said_yes_to() {
    let world = World::new();
    let before = snapshot_of(&world);
    for incomplete in
        [&["doctor", "--fix"][..], &["doctor", "--fix", "--yes"], &["doctor", "--fix", "--fanout-mode", "hidden_ref"]]
    {
        let refused = world.os(incomplete).code(2);
        assert!(refused.err.contains("hint: git opensession doctor --fix --yes --fanout-mode hidden_ref"));
        assert_eq!(snapshot_of(&world), before, "{incomplete:?}");
    }
    world.os(["doctor", "--fix", "--yes", "--fanout-mode", "pigeons"]).code(2);
    assert_eq!(snapshot_of(&world), before);
    world.fix().ok();
    let installed = snapshot_of(&world);
    world.os(["doctor", "--uninstall"]).code(2);
    assert_eq!(snapshot_of(&world), installed);
}

#[test]
fn setting_up_leaves_the_work_tree_and_the_home_clean_and_taking_out_leaves_nothing() {
    let world = World::new();
    let before = snapshot_of(&world);
    let config = fs::read(world.home().join(".gitconfig")).expect("a config");
    let fixed = world.fix().code(0);
    assert!(fixed.err.contains("let sessions go to origin"), "{}", fixed.err);
    assert_eq!(world.git(world.repo(), ["status", "--porcelain", "--ignored"]).ok(), "");
    world.work("one", "one.txt");
    world.push().ok();
    assert_eq!(world.git(world.repo(), ["status", "--porcelain", "--ignored"]).ok(), "");
    world.uninstall().ok();
    assert_eq!(snapshot_of(&world), before);
    assert_eq!(fs::read(world.home().join(".gitconfig")).expect("a config"), config);
    assert_eq!(world.refs(world.repo(), "refs/opensession/branches/").len(), 1, "sessions stay");
    let mut names: Vec<_> = fs::read_dir(world.home()).expect("the home").flatten().map(|e| e.file_name()).collect();
    names.sort();
    assert_eq!(names, [".claude", ".gitconfig"]);
}

#[test]
fn what_a_person_has_written_into_the_configuration_outlives_an_uninstall() {
    let world = World::new();
    let config = world.repo().join(".git/config");
    let mine = "# mine\n[opensession]\n\tdeadline = 20s ; as long as that\n\tstrict = true\n\n\
                [opensession \"remote.0123456789abcdef\"]\n\tfanout = false\n[alias]\n\tos = opensession\n";
    let text = fs::read_to_string(&config).expect("a config") + mine;
    fs::write(&config, text).expect("a config");
    let before = snapshot_of(&world);
    world.fix().ok();
    world.work("one", "one.txt");
    world.push().ok();
    world.uninstall().ok();
    assert_eq!(snapshot_of(&world), before);
}

#[test]
fn setting_up_and_taking_out_again_and_again_leaves_nothing_behind() {
    let world = World::new();
    let before = snapshot_of(&world);
    for round in 0..3 {
        world.fix().ok();
        world.work(&format!("s{round}"), &format!("{round}.txt"));
        world.push().ok();
        world.uninstall().ok();
        assert_eq!(snapshot_of(&world), before, "round {round}");
    }
    let nothing = world.uninstall().code(0);
    assert!(nothing.err.contains("nothing of ours is set up here"), "{}", nothing.err);
    assert_eq!(world.titles(world.origin()).len(), 3);
}
