//! `push --with`: branch and sessions in one push, or nothing.

use super::*;
use crate::world::Answer;

fn with(world: &World, args: &[&str]) -> Answer {
    world.os(["push", "--with"].iter().chain(args))
}

/// The remote's branches and ledgers.
fn there(world: &World) -> Vec<String> {
    world.refs(world.origin(), "refs/")
}

/// What a hook of the remote says no to.
fn declines(world: &World, hook: &str, what: &str) {
    let script = format!("#!/bin/sh\nif grep -q '{what}'; then echo 'not here' >&2; exit 1; fi\n");
    world.program(world.origin().join("hooks").join(hook), script);
}

/// A world in which the remote has ledgers already: one session is there.
fn begun() -> World {
    let world = World::installed();
    work(&world, 1, world.repo(), "one.rs");
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    world
}

#[test]
fn a_branch_and_its_sessions_go_in_one_push_and_the_hook_has_nothing_to_do() {
    let world = World::installed();
    let log = world.path("pushes");
    let receive = format!("#!/bin/sh\ncat >>'{0}'\necho . >>'{0}'\n", log.display());
    world.program(world.origin().join("hooks/pre-receive"), receive);
    work(&world, 1, world.repo(), "one.rs");
    let said = with(&world, &["origin", "main"]).code(0);
    assert_eq!(said.out.lines().count(), 2, "{}", said.out);
    assert!(said.out.contains("main -> main\n1 session (1 commit) -> origin\n"), "{}", said.out);
    assert_eq!(said.err, "");
    assert_eq!(behind(&world, reader(&world, "ben"), "HEAD"), ids([1]));
    let pushes = std::fs::read_to_string(&log).expect("what was pushed");
    let last = pushes.split_terminator(".\n").last().expect("a push");
    assert!(last.contains(" refs/heads/main\n") && last.contains(MAIN), "together: {pushes}");
    let tracking = world.git(world.repo(), ["rev-parse", "origin/main"]).ok();
    assert_eq!(tracking.trim(), world.head(world.repo()));
    assert_eq!(with(&world, &[]).code(0).err, "origin has everything already\n");
    let quiet = with(&world, &["-q"]).code(0);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
    assert_eq!(world.git(world.origin(), ["for-each-ref", "refs/opensession/probe"]).ok(), "");
}

#[test]
fn several_branches_tags_and_deletes_go_together() {
    let world = begun();
    world.git(world.repo(), ["push", "-q", "origin", "HEAD:refs/heads/old"]).ok();
    work(&world, 2, world.repo(), "two.rs");
    world.git(world.repo(), ["tag", "-a", "-m", "two", "v2"]).ok();
    world.git(world.repo(), ["switch", "-q", "-c", "topic"]).ok();
    work(&world, 3, world.repo(), "three.rs");
    let said = with(&world, &["-u", "origin", "main", "topic", "v2", ":old"]).code(0);
    for line in
        [" - [deleted]         old\n", " * [new branch]      topic -> topic\n", " * [new tag]         v2 -> v2\n"]
    {
        assert!(said.out.contains(line), "{}", said.out);
    }
    assert!(said.err.contains("branch 'topic' set up to track 'origin/topic'"), "{}", said.err);
    let ben = reader(&world, "ben");
    assert_eq!((behind(&world, &ben, "v2"), behind(&world, &ben, "origin/topic")), (ids([2]), ids([3])));
    assert!(!there(&world).iter().any(|line| line.contains("refs/heads/old")));
    let upstream = world.git(world.repo(), ["rev-parse", "--abbrev-ref", "topic@{upstream}"]).ok();
    assert_eq!(upstream.trim(), "origin/topic");
}

#[test]
fn what_git_takes_behind_two_dashes_and_as_the_default_is_taken() {
    let world = begun();
    work(&world, 2, world.repo(), "two.rs");
    with(&world, &["--no-progress", "--", "origin", "HEAD:refs/heads/other"]).code(0);
    work(&world, 3, world.repo(), "three.rs");
    with(&world, &[]).code(0);
    let ben = reader(&world, "ben");
    assert_eq!((behind(&world, &ben, "origin/other"), behind(&world, &ben, "HEAD")), (ids([2]), ids([3])));
    work(&world, 4, world.repo(), "four.rs");
    with(&world, &["--all", "../origin.git"]).code(0);
    let _ = std::fs::remove_dir_all(&ben);
    assert_eq!(behind(&world, reader(&world, "ben"), "HEAD"), ids([4]));
}

#[test]
fn where_nothing_is_to_be_pushed_git_pushes_nothing_by_default() {
    let mut world = begun();
    world.set_now("2026-03-06T15:00:00Z");
    world.commit("by hand", "typed\n", "by hand");
    let before = there(&world);
    with(&world, &["--tags", "origin"]).code(0);
    assert_eq!(there(&world), before);
}

#[test]
fn a_dry_run_says_what_would_go_and_moves_nothing() {
    let world = begun();
    work(&world, 2, world.repo(), "two.rs");
    world.os(["capture"]).ok();
    let before = (there(&world), world.refs(world.repo(), "refs/"));
    for how in [&["-n", "origin", "main"][..], &["--dry-run"]] {
        let said = with(&world, how).code(0);
        assert!(said.out.contains("main -> main\nsessions of main -> origin\n"), "{}", said.out);
        assert_eq!((there(&world), world.refs(world.repo(), "refs/")), before, "{how:?}");
    }
    let told = world.os(["push", "--json", "-n", "--with", "origin", "main"]).json();
    let remote = &told["remotes"][0];
    assert_eq!(
        (&remote["refs"][0]["outcome"], &remote["ledgers"][0]["outcome"]),
        (&"planned".into(), &"planned".into())
    );
    assert_eq!((there(&world), world.refs(world.repo(), "refs/")), before);
}

#[test]
fn programs_are_told_of_both() {
    let world = begun();
    work(&world, 2, world.repo(), "two.rs");
    let told = world.os(["push", "--json", "--with", "origin", "main"]).json();
    assert_eq!(told["schema"], "opensession.push/1");
    let (moved, ledger) = (&told["remotes"][0]["refs"][0], &told["remotes"][0]["ledgers"][0]);
    assert_eq!((&moved["ref"], &moved["outcome"]), (&"refs/heads/main".into(), &"moved".into()));
    assert_eq!((&ledger["branch"], &ledger["outcome"]), (&"main".into(), &"pushed".into()));
    assert_eq!(ledger["commits"][0], world.head(world.repo()));
}

#[test]
fn a_remote_that_takes_no_sessions_gets_no_branch() {
    for hidden in [true, false] {
        let world = World::installed();
        if hidden {
            world.git(world.origin(), ["config", "receive.hideRefs", "refs/opensession"]).ok();
        } else {
            declines(&world, "pre-receive", "refs/opensession/");
        }
        work(&world, 1, world.repo(), "one.rs");
        let before = there(&world);
        let said = with(&world, &["origin", "main"]).code(1);
        assert_eq!(there(&world), before);
        let words = "error: nothing was pushed: origin does not take refs/opensession/branches/bWFpbg, which holds the sessions";
        assert!(said.err.contains(words), "{}", said.err);
        assert!(said.err.contains("hint: git push origin main  # the branch without its sessions"), "{}", said.err);
        assert_eq!(said.err.contains("git config opensession.namespace"), hidden, "{}", said.err);
        world.git(world.repo(), ["push", "-q", "origin", "main"]).code(0);
    }
}

#[test]
fn a_remote_that_does_nothing_as_one_is_named() {
    let world = World::installed();
    world.git(world.origin(), ["config", "receive.advertiseAtomic", "false"]).ok();
    work(&world, 1, world.repo(), "one.rs");
    let before = there(&world);
    let said = with(&world, &["origin", "main"]).code(1);
    assert!(said.err.contains("origin cannot take several refs as one (--atomic)"), "{}", said.err);
    assert!(said.err.contains("hint: git push origin main"), "{}", said.err);
    assert_eq!(there(&world), before);
}

#[test]
fn a_branch_that_the_remote_does_not_take_keeps_its_sessions_here() {
    let world = begun();
    let other = world.clone_to("other");
    world.commit_in(&other, "theirs", "theirs\n", "theirs");
    world.git(&other, ["push", "-q", "origin", "main"]).ok();
    work(&world, 2, world.repo(), "two.rs");
    let before = there(&world);
    let said = with(&world, &["origin", "main"]).code(1);
    assert!(said.err.contains("nothing was pushed: origin does not take main (fetch first)"), "{}", said.err);
    assert!(said.err.contains("hint: git fetch origin"), "{}", said.err);
    assert_eq!(there(&world), before);

    world.git(world.repo(), ["pull", "-q", "--rebase"]).ok();
    declines(&world, "pre-receive", "refs/heads/main");
    let said = with(&world, &["origin", "main"]).code(1);
    assert!(said.err.contains("remote: not here") && said.err.contains("(pre-receive hook declined)"), "{}", said.err);
    assert_eq!(there(&world), before);
}

#[test]
fn force_is_for_the_branch_and_never_for_a_ledger() {
    for how in [&["--force", "origin", "main"][..], &["origin", "+main"], &["--force-with-lease", "origin", "main"]] {
        let world = begun();
        // Another clone has pushed a session since, and has its branch moved back over there.
        let other = world.clone_to("other");
        world.os_in(&other, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
        work(&world, 2, &other, "two.rs");
        world.git(&other, ["push", "-q", "origin", "main"]).ok();
        world.git(world.repo(), ["fetch", "-q"]).ok();
        world.git(world.repo(), ["commit", "-q", "--amend", "-m", "better words"]).ok();
        let said = with(&world, how).code(0);
        assert!(said.out.contains("(forced update)"), "{}", said.out);
        assert_eq!(world.git(world.origin(), ["rev-parse", "main"]).ok().trim(), world.head(world.repo()));
        let ben = reader(&world, "ben");
        assert_eq!(behind(&world, &ben, "HEAD"), ids([1]), "{how:?}");
        assert_eq!(
            world.titles(&ben),
            ["please do number 1", "please do number 2"],
            "{how:?}: joined, not overwritten"
        );
    }
}

#[test]
fn a_lease_that_is_stale_moves_nothing() {
    let world = begun();
    let other = world.clone_to("other");
    world.commit_in(&other, "theirs", "theirs\n", "theirs");
    world.git(&other, ["push", "-q", "origin", "main"]).ok();
    work(&world, 2, world.repo(), "two.rs");
    let before = there(&world);
    let said = with(&world, &["--force-with-lease", "origin", "main"]).code(1);
    assert!(said.err.contains("origin does not take main (stale info)"), "{}", said.err);
    assert_eq!(there(&world), before);
}

#[test]
fn what_would_move_ledgers_by_itself_is_refused_by_name() {
    let world = begun();
    work(&world, 2, world.repo(), "two.rs");
    world.os(["capture"]).ok();
    let before = there(&world);
    for (how, words) in [
        (&["--mirror", "origin"][..], "--mirror takes it in"),
        (&["origin", "refs/opensession/*:refs/opensession/*"], "would itself move refs/opensession/"),
        (&["-f", "origin", "refs/opensession/*:refs/opensession/*"], "would itself overwrite refs/opensession/"),
        (&["origin", ":refs/opensession/branches/bWFpbg"], "would itself delete refs/opensession/branches/bWFpbg"),
    ] {
        let said = with(&world, how).code(1);
        assert!(said.err.contains(words) && said.err.contains("hint: git opensession push --with"), "{}", said.err);
    }
    // In another repository the refs of ledgers are not those of the remote.
    let other = world.clone_to("other");
    let said = world.os_in(&other, ["push", "--with", "--prune", "origin", "refs/*:refs/*"]).code(1);
    assert!(said.err.contains("--prune takes it in"), "{}", said.err);
    assert_eq!(there(&world), before);
}

#[test]
fn prune_prunes_branches() {
    let world = begun();
    world.git(world.repo(), ["push", "-q", "origin", "HEAD:refs/heads/old"]).ok();
    work(&world, 2, world.repo(), "two.rs");
    let said = with(&world, &["--prune", "origin", "refs/heads/*:refs/heads/*"]).code(0);
    assert!(said.out.contains(" - [deleted]         old\n"), "{}", said.out);
    assert_eq!(behind(&world, reader(&world, "ben"), "HEAD"), ids([2]));
}

#[test]
fn ledgers_of_two_clones_are_joined_before_either_is_pushed() {
    let world = begun();
    let other = world.clone_to("other");
    world.os_in(&other, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    world.git(&other, ["switch", "-q", "-c", "side"]).ok();
    work(&world, 2, &other, "two.rs");
    // Onto the ledger of main, but not onto main.
    world.os_in(&other, ["capture", "--branch", "main", "HEAD"]).ok();
    world.git(&other, ["push", "-q", "origin", "side"]).ok();
    work(&world, 3, world.repo(), "three.rs");
    let said = with(&world, &["origin", "main"]).code(0);
    assert!(said.out.contains("1 session (1 commit) -> origin"), "{} {}", said.out, said.err);
    let ben = reader(&world, "ben");
    assert_eq!((behind(&world, &ben, "HEAD"), behind(&world, &ben, "origin/main")), (ids([3]), ids([1, 2, 3])));
}

/// A hook of the user's runs between what is looked at and what is pushed: there somebody else is faster.
#[test]
fn a_ledger_that_moves_meanwhile_is_joined_and_all_of_it_is_tried_again() {
    let world = begun();
    let tip = || world.git(world.origin(), ["rev-parse", MAIN]).ok().trim().to_owned();
    let before = tip();
    let other = world.clone_to("other");
    world.os_in(&other, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    world.git(&other, ["switch", "-q", "-c", "side"]).ok();
    work(&world, 2, &other, "two.rs");
    world.os_in(&other, ["capture", "--branch", "main", "HEAD"]).ok();
    world.git(&other, ["push", "-q", "origin", "side"]).ok();
    let after = tip();
    assert_ne!(before, after);
    // The remote is as it was before, and becomes so again at that moment.
    world.git(world.origin(), ["update-ref", MAIN, &before]).ok();
    let raced = world.path("raced");
    let move_on = format!("git --git-dir='{}' update-ref {MAIN} {after}", world.origin().display());
    world.uninstall().ok();
    let script = format!("#!/bin/sh\necho once more >>'{}'\n{move_on}\n", raced.display());
    world.program(world.hook(), script);
    world.fix().ok();
    work(&world, 3, world.repo(), "three.rs");
    let said = with(&world, &["origin", "main"]).code(0);
    assert!(said.out.contains("1 session (1 commit) -> origin"), "{} {}", said.out, said.err);
    assert_eq!(std::fs::read_to_string(raced).expect("a log"), "once more\nonce more\n");
    let ben = reader(&world, "ben");
    assert_eq!(world.titles(&ben), [1, 2, 3].map(|n| format!("please do number {n}")));
    world.git(world.origin(), ["merge-base", "--is-ancestor", &after, MAIN]).ok();
}

#[test]
fn a_hook_of_the_users_runs_once_and_its_no_is_final() {
    let world = World::installed();
    world.uninstall().ok();
    let log = world.path("ran");
    world.program(world.hook(), format!("#!/bin/sh\necho ran >>'{}'\necho 'tests fail' >&2\nexit 1\n", log.display()));
    world.fix().ok();
    work(&world, 1, world.repo(), "one.rs");
    let before = there(&world);
    let said = with(&world, &["origin", "main"]).code(1);
    assert!(said.err.contains("tests fail") && said.err.contains("nothing was pushed"), "{}", said.err);
    assert_eq!(std::fs::read_to_string(&log).expect("a log"), "ran\n");
    assert_eq!(there(&world), before);
    with(&world, &["--no-verify", "origin", "main"]).code(0);
    assert_eq!(std::fs::read_to_string(&log).expect("a log"), "ran\n");
    assert_eq!(behind(&world, reader(&world, "ben"), "HEAD"), ids([1]));
}

#[test]
fn nobody_gets_sessions_without_being_allowed_to() {
    let world = World::installed();
    world.git(world.root(), ["init", "-q", "--bare", "other.git"]).ok();
    work(&world, 1, world.repo(), "one.rs");
    let said = with(&world, &["../other.git", "main"]).code(1);
    assert!(said.err.contains("nobody has allowed sessions to go to ../other.git"), "{}", said.err);
    assert_eq!(world.refs(world.path("other.git"), "refs/"), [""; 0]);
    // Without sessions there is nothing to allow.
    let plain = World::new();
    plain.commit("by hand", "typed\n", "by hand");
    let said = with(&plain, &["origin", "main"]).code(0);
    assert!(said.out.contains("main -> main\n"), "{}", said.out);
}

#[test]
fn strict_mode_and_secrets_end_it_before_anything_is_pushed() {
    let mut world = begun();
    world.set_now("2026-03-06T15:00:00Z");
    world.git(world.repo(), ["config", "opensession.secret-scan", "block"]).ok();
    let token = concat!("AWS_SECRET_ACCESS_KEY = \"wJalrXUtnFEMI", "K7MDENGbPxRfiCYzEXAMPLEK12\"\n");
    world.commit("leak.py", token, "a leak");
    let before = there(&world);
    let said = with(&world, &["origin", "main"]).code(1);
    assert!(said.err.contains("a secret is being pushed: leak.py:1"), "{}", said.err);
    assert!(said.err.contains("error: nothing is pushed: opensession.secret-scan is block"), "{}", said.err);
    assert!(!said.err.contains("wJalrXUtnFEMI"));
    world.git(world.repo(), ["config", "opensession.secret-scan", "warn"]).ok();
    world.git(world.repo(), ["config", "opensession.require", "all"]).ok();
    world.set("OPENSESSION_STRICT", "1");
    let said = with(&world, &["origin", "main"]).code(1);
    assert!(said.err.contains("error: nothing is pushed: strict mode is on"), "{}", said.err);
    assert_eq!(there(&world), before);
}

#[test]
fn what_git_would_not_understand_is_a_usage_error_that_says_where_ours_stands() {
    let world = begun();
    for (how, words) in [
        (&["--json", "origin"][..], "git push has no option --json"),
        (&["--no-atomic"], "--no-atomic is the opposite"),
        (&["nowhere", "main"], "there is no remote \"nowhere\""),
    ] {
        let said = with(&world, how).code(2);
        assert!(said.err.contains(words) && said.err.contains("hint: "), "{}", said.err);
    }
    assert_eq!(world.os(["push", "origin", "--with", "origin"]).code, 2);
    let said = with(&world, &["origin", "no-such-branch"]).code(128);
    assert!(said.err.contains("git push says: src refspec no-such-branch does not match any"), "{}", said.err);
    assert!(said.err.contains("hint: git push --dry-run origin no-such-branch"), "{}", said.err);
    world.git(world.repo(), ["remote", "set-url", "--add", "--push", "origin", "../a.git"]).ok();
    world.git(world.repo(), ["remote", "set-url", "--add", "--push", "origin", "../b.git"]).ok();
    let said = with(&world, &["origin", "main"]).code(2);
    assert!(said.err.contains("origin has 2 addresses"), "{}", said.err);
}
