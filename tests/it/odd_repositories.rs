//! Odd repositories: of other formats, in parts, of several worktrees, with odd branches. In each of them the whole way is
//! gone: set up, commit, push through the hook, clone, fetch, read.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::{ClaudeLog, World};

/// A session writes a file in a work tree, and it is committed.
fn work_in(world: &World, folder: &Path, file: &str) -> String {
    let text = format!("the work in {file}\n");
    let log = ClaudeLog::new(&format!("of-{file}"), folder, -60).prompt(&format!("write {file}"));
    log.write(file, &text).answer("It is written.").save(world);
    world.commit_in(folder, file, &text, &format!("add {file}"))
}

fn fix_in(world: &World, folder: &Path) {
    world.os_in(folder, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
}

/// The titles that somebody else sees who clones the remote and fetches.
fn titles_elsewhere(world: &World, name: &str) -> Vec<String> {
    let ben = world.clone_to(name);
    world.os_in(&ben, ["fetch"]).ok();
    world.titles(&ben)
}

/// A world whose repositories are of other formats: new ones are, by these variables of git's. `None` if this machine's
/// git knows no such format.
pub fn world_of(object_format: &str, ref_format: &str) -> Option<World> {
    let variables = [("GIT_DEFAULT_HASH", object_format), ("GIT_DEFAULT_REF_FORMAT", ref_format)];
    let world = World::with(&variables);
    let is_reftable = world.repo().join(".git/reftable").exists();
    (is_reftable == (ref_format == "reftable") && world.head(world.repo()).len() == length_of(object_format))
        .then_some(world)
}

fn length_of(object_format: &str) -> usize {
    if object_format == "sha256" { 64 } else { 40 }
}

/// All of it, in a repository of these formats.
fn goes_the_whole_way(object_format: &str, ref_format: &str) {
    let Some(mut world) = world_of(object_format, ref_format) else { return };
    world.set("OPENSESSION_STRICT", "1");
    world.fix();
    let one = work_in(&world, &world.repo(), "one.txt");
    assert_eq!(world.push().code(0).err, "opensession: 1 session (1 commit) -> origin\n");
    work_in(&world, &world.repo(), "two.txt");
    assert_eq!(world.push().code(0).err, "opensession: 1 session (1 commit) -> origin\n");
    assert_eq!(world.push().code(0).err, "", "nothing is new");
    assert_eq!(world.titles(world.origin()), ["write one.txt", "write two.txt"]);
    let ben = world.clone_to("ben");
    world.os_in(&ben, ["fetch"]).ok();
    assert_eq!(world.titles(&ben), ["write one.txt", "write two.txt"]);
    assert!(world.os_in(&ben, ["show", "HEAD"]).ok().contains("write two.txt"));
    assert!(world.os_in(&ben, ["show", &one]).ok().contains("write one.txt"));
    assert!(world.os_in(&ben, ["log", "HEAD~1..HEAD"]).ok().contains("write two.txt"));
    // A handoff, and what is registered, are the same in every format.
    let built = world.os(["handoff", "build", "--from", "HEAD", "--pin", "latest"]).ok();
    world.os(["handoff", "push", "origin"]).ok();
    world.os_in(&ben, ["handoff", "fetch"]).ok();
    world.os_in(&ben, ["handoff", "artifacts", "verify", "latest"]).ok();
    assert_eq!(world.os_in(&ben, ["handoff", "build", "--from", "HEAD"]).ok(), built);
    let text = world.os(["cat", "HEAD"]).ok();
    fs::write(world.path("session.hail.jsonl"), &text).expect("a file");
    let address = world.os(["register", "-q", "../session.hail.jsonl"]).ok();
    assert_eq!(world.os(["cat", address.trim()]).ok(), text);
    for repository in [world.repo(), world.origin(), ben] {
        world.git(&repository, ["fsck", "--strict", "--no-dangling"]).ok();
    }
    world.os(["doctor"]).code(0);
    world.git(world.repo(), ["gc", "-q", "--prune=now"]).ok();
    assert_eq!(world.titles(world.repo()), ["write one.txt", "write two.txt"]);
    let checked = world.os(["fsck", "--remote", "origin"]);
    assert!(checked.err.contains("1 ledger, 2 sessions, 2 links: all is well"), "{}", checked.err);
    assert_eq!(checked.ok(), "");
    world.uninstall().ok();
    assert!(!world.hook().exists());
}

#[test]
fn a_repository_with_sha256_is_like_any_other() {
    goes_the_whole_way("sha256", "files");
}

#[test]
fn a_repository_with_reftables_is_like_any_other() {
    goes_the_whole_way("sha1", "reftable");
}

#[test]
fn a_repository_with_sha256_and_reftables_is_like_any_other() {
    goes_the_whole_way("sha256", "reftable");
}

/// The git programs that ran, by the trace at that path.
fn programs_in(trace: &Path) -> Vec<String> {
    let trace = fs::read_to_string(trace).unwrap_or_default();
    trace.lines().filter_map(|line| Some(line.split_once("built-in: git ")?.1.to_owned())).collect()
}

#[test]
fn a_push_with_nothing_new_starts_few_programs() {
    for (object_format, ref_format) in [("sha256", "files"), ("sha1", "reftable")] {
        let Some(mut world) = world_of(object_format, ref_format) else { continue };
        world.fix();
        work_in(&world, &world.repo(), "one.txt");
        world.push().code(0);
        world.commit("plain.txt", "by hand\n", "no session");
        world.push().code(0);
        let input = format!("refs/heads/main {0} refs/heads/main {0}\n", world.head(world.repo()));
        let trace = world.path("trace");
        world.set("GIT_TRACE", &trace.to_string_lossy());
        let url = world.origin().to_string_lossy().into_owned();
        let file = world.path("input");
        fs::write(&file, input).expect("an input");
        let call =
            format!("'{}' hook pre-push origin '{url}' < '{}'", env!("CARGO_BIN_EXE_git-opensession"), file.display());
        assert_eq!(world.run("sh", world.repo(), ["-c", &call]).code(0).err, "");
        let programs = programs_in(&trace);
        assert!(!programs.is_empty() && programs.len() <= 5, "{object_format} {ref_format}: {programs:#?}");
        assert!(!programs.iter().any(|program| program.starts_with("push")), "{programs:#?}");
    }
}

#[test]
fn a_commit_of_a_linked_worktree_is_known_as_made_there_in_a_reftable() {
    let Some(world) = world_of("sha1", "reftable") else { return };
    world.fix();
    let linked = world.path("linked");
    world.git(world.repo(), ["worktree", "add", "-q", "../linked", "-b", "topic"]).ok();
    work_in(&world, &linked, "there.txt");
    let pushed = world.git(&linked, ["push", "-q", "origin", "topic"]).code(0);
    assert_eq!(pushed.err, "opensession: 1 session (1 commit) -> origin\n");
    assert_eq!(world.titles(world.origin()), ["write there.txt"]);
}

#[test]
fn sessions_of_a_linked_worktree_go_with_its_branch() {
    let world = World::installed();
    let linked = world.path("linked");
    world.git(world.repo(), ["worktree", "add", "-q", "../linked", "-b", "topic"]).ok();
    work_in(&world, &linked, "there.txt");
    work_in(&world, &world.repo(), "here.txt");
    let pushed = world.git(&linked, ["push", "-q", "origin", "topic"]).code(0);
    assert_eq!(pushed.err, "opensession: 1 session (1 commit) -> origin\n");
    assert_eq!(world.titles(world.origin()), ["write there.txt"]);
    // The ledger is the repository's, whichever worktree asks; and the worktree may go.
    world.push().code(0);
    world.git(world.repo(), ["worktree", "remove", "--force", "../linked"]).ok();
    assert_eq!(titles_elsewhere(&world, "ben"), ["write here.txt", "write there.txt"]);
}

#[test]
fn sessions_of_a_submodule_are_its_own() {
    let world = World::new();
    world.git(world.root(), ["init", "-q", "--bare", "super.git"]).ok();
    world.git(world.root(), ["clone", "-q", "super.git", "super"]).ok();
    let whole = world.path("super");
    world.git(&whole, ["submodule", "--quiet", "add", "../origin.git", "sub"]).ok();
    world.git(&whole, ["commit", "-q", "-m", "with a part"]).ok();
    let part = whole.join("sub");
    for folder in [&whole, &part] {
        fix_in(&world, folder);
    }
    work_in(&world, &part, "part.txt");
    world.git(&whole, ["add", "sub"]).ok();
    work_in(&world, &whole, "whole.txt");
    let pushed = world.git(&whole, ["push", "-q", "--recurse-submodules=on-demand", "origin", "main"]).code(0);
    assert_eq!(pushed.err.matches("opensession: 1 session (").count(), 2, "{}", pushed.err);
    assert_eq!(world.titles(world.origin()), ["write part.txt"]);
    assert_eq!(world.titles(world.path("super.git")), ["write whole.txt"]);
}

#[test]
fn a_bare_repository_is_fetched_into_and_read() {
    let world = World::installed();
    work_in(&world, &world.repo(), "one.txt");
    world.push().code(0);
    world.git(world.root(), ["clone", "-q", "--bare", "origin.git", "mirror.git"]).ok();
    let mirror = world.path("mirror.git");
    world.os_in(&mirror, ["fetch"]).ok();
    assert_eq!(world.titles(&mirror), ["write one.txt"]);
    assert!(world.os_in(&mirror, ["show", "HEAD"]).ok().contains("write one.txt"));
}

#[test]
fn a_shallow_clone_shares_its_sessions_and_stays_shallow() {
    let world = World::installed();
    work_in(&world, &world.repo(), "one.txt");
    world.push().code(0);
    let url = format!("file://{}", world.origin().display());
    world.git(world.root(), ["clone", "-q", "--depth=1", &url, "shallow"]).ok();
    let shallow = world.path("shallow");
    fix_in(&world, &shallow);
    world.os_in(&shallow, ["fetch"]).ok();
    assert_eq!(world.titles(&shallow), ["write one.txt"]);
    work_in(&world, &shallow, "two.txt");
    let pushed = world.git(&shallow, ["push", "-q", "origin", "main:two"]).code(0);
    assert_eq!(pushed.err, "opensession: 1 session (1 commit) -> origin\n");
    assert_eq!(world.git(&shallow, ["rev-list", "--count", "HEAD"]).ok().trim(), "2");
    assert_eq!(titles_elsewhere(&world, "ben"), ["write one.txt", "write two.txt"]);
}

/// The objects of `HEAD` that are not here.
fn missing_in(world: &World, folder: &Path) -> usize {
    let list = world.git(folder, ["rev-list", "--objects", "--missing=print", "HEAD"]).ok();
    list.lines().filter(|line| line.starts_with('?')).count()
}

/// A partial clone in which nothing is checked out: whatever it has to ask for is missing.
fn partial_clone_never_asks(filter: &str, object_format: &str, ref_format: &str) {
    let Some(mut world) = world_of(object_format, ref_format) else { return };
    world.git(world.origin(), ["config", "uploadpack.allowFilter", "true"]).ok();
    world.git(world.origin(), ["config", "uploadpack.allowAnySHA1InWant", "true"]).ok();
    world.fix();
    work_in(&world, &world.repo(), "one.txt");
    world.push().code(0);
    let url = format!("file://{}", world.origin().display());
    world.git(world.root(), ["clone", "-q", "--no-checkout", filter, &url, "partial"]).ok();
    let partial = world.path("partial");
    let missing = missing_in(&world, &partial);
    assert!(missing > 0, "{filter}: nothing is missing");
    fix_in(&world, &partial);
    world.os_in(&partial, ["fetch"]).ok();
    let trace = world.path("trace");
    world.set("GIT_TRACE", &trace.to_string_lossy());
    assert_eq!(world.titles(&partial), ["write one.txt"]);
    assert!(world.os_in(&partial, ["show", "HEAD"]).ok().contains("write one.txt"));
    world.os_in(&partial, ["doctor"]).code(0);
    // The very commit is captured again, as if it had been made here: its files cannot be looked at, and are not asked for.
    world.os_in(&partial, ["capture", "HEAD"]).code(0);
    assert_eq!(missing_in(&world, &partial), missing, "{filter}: something was fetched");
    let fetches: Vec<_> = programs_in(&trace).into_iter().filter(|program| program.starts_with("fetch")).collect();
    assert!(fetches.is_empty(), "{filter}: {fetches:#?}");
}

#[test]
fn a_partial_clone_never_asks_for_what_it_does_not_have() {
    partial_clone_never_asks("--filter=blob:none", "sha1", "files");
    partial_clone_never_asks("--filter=tree:0", "sha1", "files");
}

#[test]
fn a_partial_clone_of_another_format_never_asks_either() {
    partial_clone_never_asks("--filter=blob:none", "sha1", "reftable");
    partial_clone_never_asks("--filter=tree:0", "sha256", "files");
}

#[test]
fn a_partial_clone_shares_what_is_made_in_it() {
    let world = World::installed();
    world.git(world.origin(), ["config", "uploadpack.allowFilter", "true"]).ok();
    let url = format!("file://{}", world.origin().display());
    world.git(world.root(), ["clone", "-q", "--filter=blob:none", &url, "partial"]).ok();
    let partial = world.path("partial");
    fix_in(&world, &partial);
    work_in(&world, &partial, "two.txt");
    let pushed = world.git(&partial, ["push", "-q", "origin", "main"]).code(0);
    assert_eq!(pushed.err, "opensession: 1 session (1 commit) -> origin\n");
    assert_eq!(titles_elsewhere(&world, "ben"), ["write two.txt"]);
}

#[test]
fn a_clone_that_borrows_objects_reads_and_writes_ledgers() {
    for (object_format, ref_format) in [("sha1", "files"), ("sha256", "reftable")] {
        let Some(world) = world_of(object_format, ref_format) else { continue };
        world.fix();
        work_in(&world, &world.repo(), "one.txt");
        world.push().code(0);
        world.git(world.root(), ["clone", "-q", "--shared", "origin.git", "borrower"]).ok();
        let borrower = world.path("borrower");
        assert!(borrower.join(".git/objects/info/alternates").exists());
        fix_in(&world, &borrower);
        world.os_in(&borrower, ["fetch"]).ok();
        assert_eq!(world.titles(&borrower), ["write one.txt"]);
        work_in(&world, &borrower, "two.txt");
        let pushed = world.git(&borrower, ["push", "-q", "origin", "main:two"]).code(0);
        assert_eq!(pushed.err, "opensession: 1 session (1 commit) -> origin\n");
        assert_eq!(titles_elsewhere(&world, "ben"), ["write one.txt", "write two.txt"]);
    }
}

/// Names that are hard on a ref, a shell, a terminal or a file.
fn odd_branches() -> Vec<String> {
    let long = |length: usize| ["long/", &"x".repeat(length - 5)].concat();
    let odd = ["日本語/é", "it's-a-\"quote\"", "$(touch${IFS}pwn)", "`id`;a&b|c", "right\u{202e}left", "-x"];
    odd.map(str::to_owned).into_iter().chain([187, 188, 250].map(long)).collect()
}

#[test]
fn a_branch_may_be_called_anything() {
    for (object_format, ref_format) in [("sha1", "files"), ("sha1", "reftable")] {
        let Some(world) = world_of(object_format, ref_format) else { continue };
        world.fix();
        for (number, branch) in odd_branches().iter().enumerate() {
            let full = format!("refs/heads/{branch}");
            // git refuses to make a branch `-x`, and has it all the same.
            world.git(world.repo(), ["update-ref", &full, "HEAD"]).ok();
            world.git(world.repo(), ["symbolic-ref", "HEAD", &full]).ok();
            work_in(&world, &world.repo(), &format!("{number}.txt"));
            let pushed = world.git(world.repo(), ["push", "-q", "origin", &format!("{full}:{full}")]).code(0);
            assert_eq!(pushed.err, "opensession: 1 session (1 commit) -> origin\n", "{branch}");
        }
        let count = odd_branches().len();
        assert_eq!(titles_elsewhere(&world, "ben").len(), count);
        let list = world.os_in(world.path("ben"), ["log", "--json"]).json();
        let text = list.to_string();
        for branch in odd_branches() {
            let quoted = serde_json::to_string(&branch).expect("a text");
            // A fetched ledger is listed with its remote.
            assert!(text.contains(quoted.trim_matches('"')), "{branch} is not in the list");
        }
        let shown = world.os_in(world.path("ben"), ["log"]).ok();
        assert!(!shown.contains('\u{202e}'), "a terminal is not turned around");
        assert!(!world.repo().join("pwn").exists());
        world.git(world.origin(), ["fsck", "--strict", "--no-dangling"]).ok();
    }
}

#[test]
fn a_ledger_that_another_branch_has_taken_is_not_written() {
    // `feature-a` and `feature-G` have ledgers that differ in letter case only; where the file system sees no difference,
    // both are one ref. Here the one is laid under the other's name by hand.
    let world = World::installed();
    let name = |branch: &str| {
        let ledgers = world.refs(world.repo(), "refs/opensession/branches/");
        assert_eq!(ledgers.len(), 1, "{branch}: {ledgers:?}");
        ledgers[0].split(' ').next().expect("a name").to_owned()
    };
    world.git(world.repo(), ["checkout", "-q", "-b", "feature-a"]).ok();
    work_in(&world, &world.repo(), "a.txt");
    world.git(world.repo(), ["push", "-q", "origin", "feature-a"]).code(0);
    let taken = name("feature-a");
    assert!(taken.ends_with("/ZmVhdHVyZS1h"), "{taken}");
    let other = taken.replace("ZmVhdHVyZS1h", "ZmVhdHVyZS1H");
    world.git(world.repo(), ["update-ref", &other, &taken]).ok();
    let tip = world.git(world.repo(), ["rev-parse", &other]).ok();
    world.git(world.repo(), ["checkout", "-q", "-b", "feature-G"]).ok();
    work_in(&world, &world.repo(), "g.txt");
    let pushed = world.git(world.repo(), ["push", "-q", "origin", "feature-G"]).code(0);
    assert!(pushed.err.contains("the branch \"feature-a\", not of \"feature-G\""), "{}", pushed.err);
    assert_eq!(world.git(world.repo(), ["rev-parse", &other]).ok(), tip, "it is not written");
    assert_eq!(world.git(world.origin(), ["rev-parse", "feature-G"]).ok().trim(), world.head(world.repo()));
}

#[test]
fn a_git_that_dies_is_an_error_and_no_hang() {
    let Some(mut world) = world_of("sha1", "reftable") else { return };
    world.fix();
    work_in(&world, &world.repo(), "one.txt");
    let real: PathBuf = world.run("sh", world.root(), ["-c", "command -v git"]).ok().trim().into();
    let text =
        format!("#!/bin/sh\ncase \"$*\" in cat-file*) read -r line; exit 3;; esac\nexec '{}' \"$@\"\n", real.display());
    world.program(world.path("fake/git"), text);
    let path = format!("{}:{}", world.path("fake").display(), std::env::var("PATH").expect("there is a PATH"));
    world.set("PATH", &path);
    let answer = world.os(["log", "HEAD"]);
    assert_ne!(answer.code, 0);
    assert!(answer.err.contains("git cat-file: git has ended"), "{}", answer.err);
}
