//! Every way of pushing does the right thing.

use super::*;

fn git<const N: usize>(world: &World, args: [&str; N]) {
    world.git(world.repo(), args).ok();
}

/// `main` and `topic` each one commit and one session ahead of the remote.
fn two_branches(world: &World) {
    work(world, 1, world.repo(), "one.rs");
    git(world, ["switch", "-q", "-c", "topic"]);
    work(world, 2, world.repo(), "two.rs");
}

fn both_are_there(world: &World) {
    let ben = reader(world, "ben");
    assert_eq!((behind(world, &ben, "origin/main"), behind(world, &ben, "origin/topic")), (ids([1]), ids([2])));
    assert_eq!(ledgers(world, world.origin()).len(), 2);
}

#[test]
fn several_branches_in_one_push() {
    let world = World::installed();
    two_branches(&world);
    git(&world, ["push", "-q", "origin", "main", "topic"]);
    both_are_there(&world);
}

#[test]
fn all_branches() {
    let world = World::installed();
    two_branches(&world);
    git(&world, ["push", "-q", "--all", "origin"]);
    both_are_there(&world);
}

#[test]
fn a_branch_that_is_not_pushed_keeps_its_sessions_here() {
    let world = World::installed();
    two_branches(&world);
    git(&world, ["push", "-q", "origin", "main"]);
    let ben = reader(&world, "ben");
    assert_eq!(behind(&world, &ben, "HEAD"), ids([1]));
    let everything = world.everything_in(world.origin());
    let everything = String::from_utf8_lossy(&everything);
    assert!(everything.contains("number 1") && !everything.contains("number 2"));
}

#[test]
fn a_tag_with_new_commits_carries_their_sessions() {
    for how in [&["tag", "v1"][..], &["tag", "-a", "-m", "version one", "v1"]] {
        let world = World::installed();
        work(&world, 1, world.repo(), "one.rs");
        world.git(world.repo(), how).ok();
        git(&world, ["push", "-q", "origin", "v1"]);
        let ben = reader(&world, "ben");
        assert_eq!(behind(&world, &ben, "v1"), ids([1]), "{how:?}");
        let main = world.git(world.origin(), ["rev-parse", "main"]).ok();
        assert_ne!(main.trim(), world.head(world.repo()), "only the tag was pushed");
    }
}

#[test]
fn all_tags_and_a_branch() {
    let world = World::installed();
    work(&world, 1, world.repo(), "one.rs");
    git(&world, ["tag", "-a", "-m", "one", "v1"]);
    work(&world, 2, world.repo(), "two.rs");
    git(&world, ["tag", "v2"]);
    git(&world, ["push", "-q", "--tags", "origin"]);
    let ben = reader(&world, "ben");
    assert_eq!((behind(&world, &ben, "v1"), behind(&world, &ben, "v2")), (ids([1]), ids([2])));
}

#[test]
fn a_tag_of_a_detached_head_carries_its_sessions() {
    let world = World::installed();
    git(&world, ["checkout", "-q", "--detach"]);
    work(&world, 1, world.repo(), "one.rs");
    git(&world, ["tag", "v1"]);
    git(&world, ["push", "-q", "origin", "v1"]);
    let ben = reader(&world, "ben");
    assert_eq!(behind(&world, &ben, "v1"), ids([1]));
}

#[test]
fn a_tag_of_what_is_there_already_carries_nothing() {
    let world = World::installed();
    work(&world, 1, world.repo(), "one.rs");
    git(&world, ["push", "-q", "origin", "main"]);
    let before = ledgers(&world, world.origin());
    for tag in [&["tag", "light"][..], &["tag", "-a", "-m", "heavy", "heavy"]] {
        world.git(world.repo(), tag).ok();
    }
    let said = world.git(world.repo(), ["push", "origin", "light", "heavy"]);
    assert!(!said.err.contains("opensession: "), "{}", said.err);
    said.ok();
    assert_eq!(ledgers(&world, world.origin()), before);
}

#[test]
fn a_review_carries_the_sessions_of_its_commits() {
    let world = World::installed();
    work(&world, 1, world.repo(), "one.rs");
    git(&world, ["push", "-q", "origin", "HEAD:refs/for/main"]);
    let ben = reader(&world, "ben");
    assert_eq!(behind(&world, world.repo(), "HEAD"), ids([1]));
    git(&world, ["push", "-q", "origin", "main"]);
    fetch_ledgers(&world, &ben);
    world.git(&ben, ["pull", "-q"]).ok();
    assert_eq!(behind(&world, &ben, "HEAD"), ids([1]));
}

#[test]
fn a_deleted_branch_needs_nothing_and_its_ledger_stays() {
    let world = World::installed();
    two_branches(&world);
    git(&world, ["push", "-q", "origin", "main", "topic"]);
    let before = ledgers(&world, world.origin());
    let said = world.git(world.repo(), ["push", "origin", "--delete", "topic"]);
    assert!(!said.err.contains("opensession: "), "{}", said.err);
    said.ok();
    assert_eq!(ledgers(&world, world.origin()), before);
}

#[test]
fn the_ledger_is_that_of_the_branch_pushed_to() {
    let world = World::installed();
    work(&world, 1, world.repo(), "one.rs");
    git(&world, ["push", "-q", "origin", "HEAD:other"]);
    let names = ledgers(&world, world.origin());
    assert!(names.len() == 1 && names[0].starts_with("refs/opensession/branches/b3RoZXI "), "{names:?}");
    let ben = reader(&world, "ben");
    assert_eq!(behind(&world, &ben, "origin/other"), ids([1]));
}

#[test]
fn a_push_by_address() {
    for relative in [false, true] {
        let world = World::installed();
        work(&world, 1, world.repo(), "one.rs");
        let address = if relative { "../origin.git".to_owned() } else { world.origin().display().to_string() };
        git(&world, ["push", "-q", &address, "main"]);
        let ben = reader(&world, "ben");
        assert_eq!(behind(&world, &ben, "HEAD"), ids([1]));
    }
}

#[test]
fn from_a_linked_worktree() {
    let world = World::installed();
    git(&world, ["worktree", "add", "-q", "-b", "topic", "../linked"]);
    work(&world, 1, world.path("linked"), "one.rs");
    world.git(world.path("linked"), ["push", "-q", "origin", "topic"]).ok();
    let ben = reader(&world, "ben");
    assert_eq!(behind(&world, &ben, "origin/topic"), ids([1]));
}

#[test]
fn from_a_submodule_without_the_sessions_of_its_superproject() {
    let world = World::installed();
    world.git(world.root(), ["init", "-q", "--bare", "library.git"]).ok();
    world.git(world.root(), ["clone", "-q", "library.git", "seed"]).ok();
    world.commit_in(world.path("seed"), "lib.rs", "fn seed() {}\n", "seed");
    world.git(world.path("seed"), ["push", "-q", "origin", "main"]).ok();
    let library = world.path("library.git").display().to_string();
    git(&world, ["submodule", "add", "-q", &library, "library"]);
    git(&world, ["commit", "-q", "-m", "the library"]);
    let inside = world.path("work/library");
    world.os_in(&inside, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();

    work(&world, 1, &inside, "one.rs");
    wrote(&world, 2, world.repo(), "two.rs");
    world.git(&inside, ["push", "-q", "origin", "main"]).ok();
    world.git(world.root(), ["clone", "-q", "library.git", "ben"]).ok();
    fetch_ledgers(&world, world.path("ben"));
    assert_eq!(behind(&world, world.path("ben"), "HEAD"), ids([1]));
}

#[test]
fn from_a_detached_head() {
    let world = World::installed();
    git(&world, ["checkout", "-q", "--detach"]);
    work(&world, 1, world.repo(), "one.rs");
    git(&world, ["push", "-q", "origin", "HEAD:refs/heads/found"]);
    let ben = reader(&world, "ben");
    assert_eq!(behind(&world, &ben, "origin/found"), ids([1]));
}

#[test]
fn from_a_shallow_clone() {
    let world = World::installed();
    world.commit("more", "more\n", "more");
    git(&world, ["push", "-q", "origin", "main"]);
    let address = format!("file://{}", world.origin().display());
    world.git(world.root(), ["clone", "-q", "--depth", "1", &address, "shallow"]).ok();
    let shallow = world.path("shallow");
    world.os_in(&shallow, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    work(&world, 1, &shallow, "one.rs");
    world.git(&shallow, ["push", "-q", "origin", "main"]).ok();
    let ben = reader(&world, "ben");
    assert_eq!(behind(&world, &ben, "HEAD"), ids([1]));
    assert_eq!(world.git(&shallow, ["rev-list", "--count", "HEAD"]).ok().trim(), "2", "it is still shallow");
}

#[test]
fn by_force_after_an_amend() {
    let world = World::installed();
    work(&world, 1, world.repo(), "one.rs");
    git(&world, ["push", "-q", "origin", "main"]);
    git(&world, ["commit", "-q", "--amend", "-m", "better words"]);
    let amended = world.head(world.repo());
    git(&world, ["push", "-q", "--force", "origin", "main"]);
    let ben = reader(&world, "ben");
    assert_eq!((world.head(&ben), behind(&world, &ben, "HEAD")), (amended, ids([1])));
}

#[test]
fn the_first_push_to_an_empty_remote() {
    let world = World::installed();
    world.git(world.root(), ["init", "-q", "--bare", "empty.git"]).ok();
    git(&world, ["remote", "add", "empty", "../empty.git"]);
    world.os(["doctor", "--fix", "--yes", "--remote", "empty"]).ok();
    work(&world, 1, world.repo(), "one.rs");
    git(&world, ["push", "-q", "empty", "main"]);
    world.git(world.root(), ["clone", "-q", "empty.git", "ben"]).ok();
    fetch_ledgers(&world, world.path("ben"));
    assert_eq!(behind(&world, world.path("ben"), "HEAD"), ids([1]));
}

#[test]
fn a_dry_run_publishes_nothing() {
    for how in ["--dry-run", "-n", "-fn", "--dry"] {
        let world = World::installed();
        work(&world, 1, world.repo(), "one.rs");
        let said = world.git(world.repo(), ["push", how, "origin", "main"]).code(0);
        assert!(!said.err.contains("opensession: "), "{}", said.err);
        assert_eq!(world.refs(world.origin(), "refs/opensession/"), Vec::<String>::new(), "{how}");
        assert_eq!(world.refs(world.repo(), "refs/opensession/"), Vec::<String>::new(), "{how}");
        git(&world, ["push", "-q", "origin", "main"]);
        assert_eq!(behind(&world, reader(&world, "ben"), "HEAD"), ids([1]), "the real one after it");
    }
}

#[test]
fn a_push_that_git_rejects_publishes_nothing_and_the_next_one_does() {
    let world = World::installed();
    let other = world.clone_to("other");
    world.commit_in(&other, "theirs", "theirs\n", "theirs");
    world.git(&other, ["push", "-q", "origin", "main"]).ok();
    work(&world, 1, world.repo(), "one.rs");
    world.git(world.repo(), ["push", "-q", "origin", "main"]).code(1);
    assert_eq!(ledgers(&world, world.origin()), Vec::<String>::new());
    git(&world, ["pull", "-q", "--rebase"]);
    git(&world, ["push", "-q", "origin", "main"]);
    assert_eq!(behind(&world, reader(&world, "ben"), "HEAD"), ids([1]));
}

#[test]
fn what_a_push_without_the_hook_left_behind_goes_by_hand() {
    let world = World::installed();
    work(&world, 1, world.repo(), "one.rs");
    git(&world, ["push", "-q", "--no-verify", "origin", "main"]);
    assert_eq!(ledgers(&world, world.origin()), Vec::<String>::new());
    world.os(["capture", "HEAD"]).ok();
    world.os(["push"]).ok();
    let ben = world.clone_to("ben");
    assert!(behind(&world, &ben, "HEAD").is_empty(), "git alone fetches no sessions");
    world.os_in(&ben, ["fetch"]).ok();
    assert_eq!(behind(&world, &ben, "HEAD"), ids([1]));
    let tips = (ledgers(&world, world.origin()), ledgers(&world, world.repo()));
    world.os(["push"]).ok();
    assert_eq!((ledgers(&world, world.origin()), ledgers(&world, world.repo())), tips, "there is nothing more");
}

#[test]
fn a_mirror_carries_the_ledgers_itself() {
    let world = World::installed();
    work(&world, 1, world.repo(), "one.rs");
    world.os(["capture", "HEAD"]).ok();
    git(&world, ["push", "-q", "--mirror", "origin"]);
    assert_eq!(ledgers(&world, world.origin()), ledgers(&world, world.repo()));
    assert_eq!(behind(&world, reader(&world, "ben"), "HEAD"), ids([1]));
}

#[test]
fn a_mirror_of_a_clone_without_the_ledgers_says_what_it_deletes() {
    let world = World::installed();
    work(&world, 1, world.repo(), "one.rs");
    world.push().ok();
    let before = ledgers(&world, world.origin());
    let ben = reader(&world, "ben");
    world.os_in(&ben, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    world.os_in(&ben, ["fetch"]).ok();
    let said = world.git(&ben, ["push", "--mirror", "origin"]).err;
    assert!(said.contains("opensession: this push deletes 1 ledger of sessions over there"), "{said}");
    assert!(said.contains("opensession:   git opensession push  #"), "{said}");
    assert!(ledgers(&world, world.origin()).is_empty());
    // Where they are, the command that is named brings them back.
    world.os(["push"]).ok();
    assert_eq!(ledgers(&world, world.origin()), before);
    let again = world.git(world.repo(), ["push", "--mirror", "origin"]).err;
    assert!(!again.contains("deletes"), "{again}");
}

#[test]
fn a_mirror_to_where_no_sessions_may_go_says_so_and_is_stopped_in_strict_mode() {
    let world = World::installed();
    world.git(world.root(), ["init", "-q", "--bare", "public.git"]).ok();
    let public = world.path("public.git");
    git(&world, ["remote", "add", "public", &public.to_string_lossy()]);
    work(&world, 1, world.repo(), "one.rs");
    world.os(["capture", "HEAD"]).ok();
    let mirror = |strict: &str| world.git(world.repo(), ["-c", strict, "push", "--mirror", "public"]);
    let stopped = mirror("opensession.strict=true").code(1).err;
    assert!(stopped.contains("public is not allowed to have sessions"), "{stopped}");
    assert!(stopped.contains("nothing is pushed: strict mode is on"), "{stopped}");
    assert!(world.refs(&public, "refs/").is_empty() && !stopped.contains("all the same"), "{stopped}");
    let told = mirror("opensession.strict=false").code(0).err;
    assert!(told.contains("opensession:   git opensession doctor --fix --remote public  # allow it"), "{told}");
    assert!(told.contains("this push takes them there all the same"), "{told}");
    // What is wanted is said by naming branches.
    world.git(world.root(), ["init", "-q", "--bare", "other.git"]).ok();
    git(&world, ["remote", "set-url", "public", &world.path("other.git").to_string_lossy()]);
    let told = world.git(world.repo(), ["push", "--all", "public"]).err;
    assert!(told.contains("is not allowed") && !told.contains("all the same"), "{told}");
    assert!(ledgers(&world, world.path("other.git")).is_empty());
}

#[test]
fn a_forced_push_over_commits_nobody_here_knows_carries_its_sessions() {
    for how in [&["--force", "origin", "main"][..], &["origin", "+main"]] {
        let world = World::installed();
        let other = world.clone_to("other");
        world.commit_in(&other, "theirs", "theirs\n", "theirs");
        world.git(&other, ["push", "-q", "origin", "main"]).ok();
        work(&world, 1, world.repo(), "one.rs");
        world.git(world.repo(), ["push", "-q"].iter().chain(how)).ok();
        assert_eq!(behind(&world, reader(&world, "ben"), "HEAD"), ids([1]), "{how:?}");
    }
}
