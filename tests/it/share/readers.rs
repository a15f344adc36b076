//! An address that was printed is read: in the same clone, in a fresh one, and outside of any.

use super::*;
use crate::push::fetch_ledgers;

/// The session is read by each verb that takes an address.
fn reads(world: &World, folder: &Path, address: &str, text: &str) {
    assert_eq!(world.os_in(folder, ["cat", address]).ok(), text, "{}", folder.display());
    let told = world.os_in(folder, ["inspect", "--json", address]).json();
    assert!(address.contains(told["sessions"][0]["digest"].as_str().expect("a digest")));
    assert_eq!(told["sessions"][0]["uri"], address);
    let page = world.os_in(folder, ["view", address, "--no-open"]).ok();
    assert!(fs::read_to_string(page.trim_end()).expect("a page").contains("write s1.txt"));
}

#[test]
fn in_the_same_clone_in_a_fresh_one_and_outside_of_any() {
    let world = World::new();
    let local = registered(&world, "s1");
    let text = world.os(["cat", &local]).ok();
    let address = pushed(&world, world.repo(), &local);
    reads(&world, &world.repo(), &address, &text);
    let ben = world.clone_to("ben");
    reads(&world, &ben, &address, &text);
    let fetched = world.refs(&ben, "refs/opensession/");
    assert!(matches!(fetched.as_slice(), [one] if one.starts_with("refs/opensession/remotes/origin/branches/bWFpbg")));
    let config = fs::read(ben.join(".git/config")).expect("a config");
    reads(&world, &world.root(), &address, &text);
    assert_eq!(fs::read(ben.join(".git/config")).expect("a config"), config);
    assert!(world.home().join(".cache/opensession/remotes").is_dir(), "it was fetched into a repository beside");
    // In a clone of something else nothing is fetched into that.
    world.git(world.root(), ["init", "-q", "elsewhere"]).ok();
    reads(&world, &world.path("elsewhere"), &address, &text);
    assert!(world.refs(world.path("elsewhere"), "refs/").is_empty());
    // Where git can show it without us, it does.
    fetch_ledgers(&world, &ben);
    let path = address.split("/path/").nth(1).expect("a path");
    let shown = world.git(&ben, ["show", &format!("refs/opensession/remotes/origin/branches/bWFpbg:{path}")]);
    assert_eq!(shown.ok(), text);
}

#[test]
fn in_and_outside_of_repositories_of_every_kind() {
    for (object_format, ref_format) in [("sha256", "files"), ("sha1", "reftable"), ("sha256", "reftable")] {
        let Some(world) = crate::odd_repositories::world_of(object_format, ref_format) else { continue };
        let local = registered(&world, "s1");
        let text = world.os(["cat", &local]).ok();
        let address = pushed(&world, world.repo(), &local);
        // Outside twice: what is fetched there is kept in a repository of the right kind.
        for folder in [world.repo(), world.clone_to("ben"), world.root(), world.root()] {
            reads(&world, &folder, &address, &text);
        }
        let cached = fs::read_dir(world.home().join(".cache/opensession/remotes")).expect("it is there");
        assert!(cached.count() <= 2);
    }
}

#[test]
fn a_session_is_shared_from_a_bare_clone_and_from_a_linked_worktree() {
    let world = World::new();
    world.git(world.root(), ["clone", "-q", "--bare", "origin.git", "bare.git"]).ok();
    world.git(world.repo(), ["worktree", "add", "-q", "../linked", "-b", "topic"]).ok();
    for (folder, session, ledger) in [("bare.git", "s1", "bWFpbg"), ("linked", "s2", "dG9waWM")] {
        let local = registered_in(&world, world.path(folder), session);
        let address = pushed(&world, world.path(folder), &local);
        assert!(address.contains(&format!("branches%2F{ledger}/")), "{address}");
        assert_eq!(
            world.os_in(world.root(), ["cat", &address]).ok(),
            world.os_in(world.path(folder), ["cat", &local]).ok()
        );
    }
}

#[test]
fn an_address_at_github_or_gitlab_is_read_from_where_git_is_told_to_find_it() {
    for (url, remote) in [
        ("https://github.com/ann/greeter.git", "gh/ann/greeter"),
        ("https://gitlab.com/a/b/greeter.git", "gl/YS9iL2dyZWV0ZXI"),
    ] {
        let world = World::new();
        let local = registered(&world, "s1");
        let text = world.os(["cat", &local]).ok();
        let address = pushed(&world, world.repo(), &local);
        let (_, rest) = address.split_once("/ref/").expect("a ref");
        let address = format!("os://src/{remote}/ref/{rest}");
        // The host is played by the bare repository.
        let ben = world.clone_to("ben");
        let base = format!("url.{}.insteadOf", world.origin().display());
        world.git(world.root(), ["config", "--global", &base, url]).ok();
        world.git(&ben, ["remote", "set-url", "origin", url]).ok();
        reads(&world, &ben, &address, &text);
        assert_eq!(world.refs(&ben, "refs/opensession/remotes/origin/").len(), 1, "by the remote of the clone");
        reads(&world, &world.root(), &address, &text);
    }
}

#[test]
fn an_address_names_the_host_that_the_remote_is_at() {
    for (url, begins) in [
        (
            "https://github.com/ann/greeter.git",
            "os://src/gh/ann/greeter/ref/refs%2Fopensession%2Fbranches%2FbWFpbg/path/",
        ),
        ("https://ann:s3same@github.com/ann/greeter", "os://src/gh/ann/greeter/ref/"),
        ("git@github.com:ann/greeter.git", "os://src/gh/ann/greeter/ref/"),
        ("https://gitlab.com/a/b/greeter.git", "os://src/gl/YS9iL2dyZWV0ZXI/ref/"),
        ("ssh://git@git.example.com/x.git", "os://src/git/c3NoOi8vZ2l0QGdpdC5leGFtcGxlLmNvbS94LmdpdA/ref/"),
    ] {
        let world = World::new();
        let local = registered(&world, "s1");
        world.git(world.repo(), ["remote", "set-url", "origin", url]).ok();
        let answer = world.os(["share", &local, "--git", "--remote", "origin"]);
        assert!(answer.out.starts_with(begins), "{url}: {answer:?}");
        assert!(!answer.out.contains("s3same") && !answer.err.contains("s3same"), "{answer:?}");
        // The same by the address of the remote alone.
        let by_url = world.os(["share", &local, "--git", "--remote", url]);
        assert_eq!(by_url.out.lines().next(), answer.out.lines().next(), "{url}");
        assert!(!by_url.out.contains("s3same"), "{by_url:?}");
    }
}

#[test]
fn what_was_changed_on_its_way_is_named_and_not_printed() {
    let world = World::new();
    let address = pushed(&world, world.repo(), &registered(&world, "s1"));
    let path = address.split("/path/").nth(1).expect("a path");
    let forge = format!(
        "b=$(echo forged | git hash-object -w --stdin) && f=$(printf '100644 blob %s\\t%s\\n' $b {} | git mktree) && \
         t=$(printf '040000 tree %s\\tsessions\\n' $f | git mktree) && git update-ref {MAIN} $(git commit-tree -m x $t)",
        path.strip_prefix("sessions/").expect("a snapshot"),
    );
    world.run("sh", world.origin(), ["-c", &forge]).ok();
    let ben = world.clone_to("ben");
    for folder in [&ben, &world.root()] {
        for verb in ["cat", "inspect", "view"] {
            let answer = world.os_in(folder, [verb, &address]).code(1);
            assert_eq!(answer.out, "");
            assert!(
                answer.err.contains("and not the one it is named for") && answer.err.contains(&address),
                "{answer:?}"
            );
        }
    }
}

#[test]
fn an_address_that_leads_nowhere_says_what_is_missing() {
    let world = World::new();
    let address = pushed(&world, world.repo(), &registered(&world, "s1"));
    let ben = world.clone_to("ben");
    let digest = address.rsplit_once('/').expect("a path").1;
    for (wrong, said) in [
        (address.replace(digest, &format!("{}.jsonl", "ab".repeat(32))), "has no file"),
        (address.replace("bWFpbg", "dG9waWM"), "has no refs/opensession/branches/dG9waWM"),
    ] {
        for folder in [&ben, &world.root()] {
            let answer = world.os_in(folder, ["cat", &wrong]).code(1);
            assert!(answer.err.contains(said) && answer.out.is_empty(), "{answer:?}");
        }
    }
    fs::rename(world.origin(), world.path("away.git")).expect("it goes away");
    let answer = world.os_in(world.root(), ["cat", &address.replace("bWFpbg", "dG9waWM")]).code(4);
    assert!(answer.err.contains("there is no repository at"), "{answer:?}");
    // What is here already needs no remote.
    world.os(["cat", &address]).ok();
}
