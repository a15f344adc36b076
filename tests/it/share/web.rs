//! `--web`: the page of what others can read, at the site that the committed file names.

use super::*;

#[test]
fn a_local_session_and_one_without_a_site_are_told_what_is_missing() {
    let world = World::new();
    let local = registered(&world, "s1");
    for what in [local.as_str(), "HEAD"] {
        let answer = world.os(["share", what, "--web"]).code(2);
        assert!(answer.err.contains("is no address that others can read"), "{answer:?}");
        assert!(
            answer.err.contains(&format!("hint: git opensession share {what} --git --remote origin\n")),
            "{answer:?}"
        );
        assert!(answer.err.contains("hint: git opensession share os://src/... --web"), "{answer:?}");
    }
    let address = pushed(&world, world.repo(), &local);
    for folder in [world.repo(), world.root()] {
        let answer = world.os_in(folder, ["share", &address, "--web"]).code(1);
        assert!(
            answer.err.contains("hint: git opensession config init --base-url https://opensession.io\n"),
            "{answer:?}"
        );
        assert!(answer.err.contains("hint: git opensession config show\n") && answer.out.is_empty(), "{answer:?}");
    }
    world.os(["share", &address, "--web", "--push"]).code(2);
}

#[test]
fn an_address_is_shown_by_the_site_of_the_committed_file() {
    let world = World::new();
    let address = pushed(&world, world.repo(), &registered(&world, "s1"));
    world.os(["config", "init", "--base-url", "https://sessions.example.com/x/"]).ok();
    let path = address.strip_prefix("os:/").expect("an address");
    assert_eq!(world.os(["share", &address, "--web"]).ok(), format!("https://sessions.example.com/x{path}\n"));
    let told = world.os(["share", &address, "--web", "--json"]).json();
    assert_eq!((&told["schema"], &told["uri"]), (&"opensession.share-web/1".into(), &address.as_str().into()));
    assert_eq!(told["url"], format!("https://sessions.example.com/x{path}"));
    // Nothing of it is looked up: what is printed is the name of the page.
    fs::rename(world.origin(), world.path("away.git")).expect("it goes away");
    world.os(["share", &address, "--web"]).ok();
}
