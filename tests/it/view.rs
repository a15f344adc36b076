//! `view`: a page of sessions, written where no repository is, and opened where there is a screen.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::{Answer, ClaudeLog, CodexLog, World};

/// A world with two sessions behind HEAD, captured.
fn captured() -> World {
    let mut world = World::installed();
    ClaudeLog::new("aaaa", world.repo(), 60)
        .prompt("make it say <script>alert(1)</script> & hello")
        .write("hello.txt", "hello\n")
        .bash("cat hello.txt", "hello from the tool")
        .answer("It says **hello**.")
        .save(&world);
    CodexLog::new("bbbb", world.repo(), 60).prompt("now look").shell("ls", "hello.txt", 0).answer("Seen.").save(&world);
    world.set_now("2026-03-06T12:05:00Z");
    world.commit("hello.txt", "hello\n", "say hello");
    world.os(["capture", "HEAD"]).ok();
    world
}

/// The one path that a command printed, and what is there.
#[track_caller]
fn page(answer: Answer) -> (PathBuf, String) {
    let out = answer.ok();
    let path = PathBuf::from(out.strip_suffix('\n').expect("a line"));
    let html = fs::read_to_string(&path).expect("the page is where it says");
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"), "{html}");
    (path, html)
}

#[test]
fn a_commit_a_range_a_branch_and_a_session_are_pages() {
    let world = captured();
    let sid = world.os(["log", "--agent", "claude-code", "--json"]).json()["sessions"][0]["sid"].to_string();
    let sid = sid.trim_matches('"');
    for (what, sessions) in [("HEAD", 2), ("HEAD~1..HEAD", 2), ("main", 2), (sid, 1)] {
        let (path, html) = page(world.os(["view", "--no-open", what]));
        assert_eq!(html.matches("<header class=\"head\">").count(), sessions, "{what}");
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; hello"), "{what}");
        assert!(!html.contains("<script>alert"), "{what}");
        assert!(path.starts_with(world.home().join(".cache/opensession/view")), "{}", path.display());
    }
    let (_, html) = page(world.os(["view"]));
    assert!(html.contains("<dt>Commit</dt>") && html.contains("say hello"), "the commits of a session are told");
    assert_eq!(page(world.os(["view", "HEAD"])).1, html, "the same sessions are the same page");
    assert_eq!(world.git(world.repo(), ["status", "--porcelain"]).ok(), "", "no file in the work tree");
}

#[cfg(unix)]
#[test]
fn a_page_in_the_cache_is_for_its_reader_alone_and_not_for_ever() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut world = captured();
    let (path, _) = page(world.os(["view"]));
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().expect("a folder"))), (0o600, 0o700));
    let foreign = path.with_file_name("notes.txt");
    fs::write(&foreign, "mine").expect("a file");
    world.set_now("2099-01-01T00:00:00Z");
    let (other, _) = page(world.os(["view", "main"]));
    assert!(!path.exists() && other.exists() && foreign.exists(), "pages that are old are gone, and they alone");
}

#[test]
fn a_page_goes_where_it_is_wanted() {
    let world = captured();
    let (path, html) = page(world.os(["view", "--out", "../page.html"]));
    assert_eq!(path, world.repo().join("../page.html"));
    assert_eq!(world.os(["view", "-o", "-"]).ok(), html);
    let failed = world.os(["view", "--out", "no/such/folder.html"]).code(128);
    assert!(failed.err.contains("no/such/folder.html"), "{}", failed.err);
    // Where the whole home folder is a repository, its cache is in the work tree.
    world.git(world.home(), ["init", "-q"]).ok();
    let log = world.path("other.jsonl");
    fs::write(&log, ClaudeLog::new("c", world.home(), 0).prompt("hi").answer("ho").text()).expect("a log");
    let (path, _) = page(world.os_in(world.home(), ["view".as_ref(), log.as_os_str()]));
    assert!(path.starts_with(world.path("tmp")), "{}", path.display());
}

#[test]
fn a_file_is_viewed_redacted_whether_it_is_a_log_or_hail() {
    let world = World::new();
    let secret = format!("ghp_{}", "a1B2".repeat(9));
    let log = world.path("session.jsonl");
    let text = ClaudeLog::new("aaaa", world.repo(), 60).prompt(&format!("use {secret}")).answer("Done.").text();
    fs::write(&log, text).expect("a log");
    let hail = world.path("session.hail.jsonl");
    world.os(["parse".as_ref(), "--no-redact".as_ref(), "--out".as_ref(), hail.as_os_str(), log.as_os_str()]).ok();
    let mut pages = Vec::new();
    for file in [&log, &hail] {
        // Outside of any repository, too.
        let (_, html) = page(world.os_in(world.root(), ["view".as_ref(), "--no-open".as_ref(), file.as_os_str()]));
        assert!(!html.contains(&secret) && html.contains("[REDACTED:github-token]"), "{html}");
        pages.push(html.replace("session.hail.jsonl", "session.jsonl"));
    }
    assert_eq!(pages[0], pages[1], "a log and its HAIL are the same page");
    let over = world.os(["view".as_ref(), "--out".as_ref(), log.as_os_str(), log.as_os_str()]).code(2);
    assert!(over.err.contains("is the log itself"), "{}", over.err);
    let piped = format!("git opensession parse {} | git opensession view - --out -", log.display());
    assert!(world.run("sh", world.repo(), ["-c", &piped]).ok().contains("[REDACTED:github-token]"));
}

#[test]
fn what_cannot_be_viewed_is_named_with_what_to_run_next() {
    let world = captured();
    fs::write(world.path("broken.jsonl"), "{\"type\":\"header\",\"version\":\"hail-9\"}\nno\n").expect("a file");
    fs::write(world.path("no.txt"), "nothing").expect("a file");
    let file = |name: &str| world.path(name).to_string_lossy().into_owned();
    let cases: [(&str, &str); 6] = [
        ("nonsense", "is no commit, range, branch or session here, and no file"),
        ("nonsense..HEAD", "is no commit, range"),
        ("HEAD~1", "no session is known behind"),
        ("HEAD~1..HEAD~1", "no session is known behind the commits of HEAD~1..HEAD~1"),
        (&file("no.txt"), "is no log of an agent"),
        (&file("broken.jsonl"), "as HAIL"),
    ];
    for (what, said) in cases {
        let answer = world.os(["view", "--no-open", what]).code(1);
        assert!(answer.err.contains(said) && answer.out.is_empty(), "{what}: {answer:?}");
        assert!(answer.err.contains("\nhint: git opensession ") || what.contains("no.txt"), "{what}: {}", answer.err);
    }
    assert!(world.os_in(world.root(), ["view", "HEAD"]).code(128).err.contains("not a git repository"));
    world.os_in(world.root(), ["view", "./nope.hail.jsonl"]).code(1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_page_is_opened_where_there_is_a_screen_and_as_it_is_configured() {
    let mut world = captured();
    let opened = world.path("opened");
    let script = format!("#!/bin/sh\necho \"$0\" \"$@\" >>{}\n", opened.display());
    for name in ["xdg-open", "chromium"] {
        world.program(world.path("bin").join(name), &script);
    }
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").expect("a PATH"));
    world.set("PATH", &path);
    let calls = |world: &World, arguments: &[&str]| {
        let (path, _) = page(world.os(arguments));
        let said = fs::read_to_string(&opened).unwrap_or_default();
        fs::write(&opened, "").expect("a file");
        (path.display().to_string(), said)
    };
    assert_eq!(calls(&world, &["view"]).1, "", "there is no screen");
    world.set("DISPLAY", ":9");
    assert_eq!(calls(&world, &["view", "--no-open"]).1, "");
    let (path, said) = calls(&world, &["view"]);
    assert!(said.ends_with(&format!("xdg-open {path}\n")), "{said}");
    world.git(world.repo(), ["config", "opensession.open-target", "app"]).ok();
    let (path, said) = calls(&world, &["view"]);
    assert!(said.ends_with(&format!("chromium --app=file://{path}\n")), "{said}");
    world.git(world.repo(), ["config", "opensession.open-target", "none"]).ok();
    assert_eq!(calls(&world, &["view"]).1, "");
    world.git(world.repo(), ["config", "opensession.open-target", "moon"]).ok();
    let answer = world.os(["view"]).code(2);
    assert!(answer.err.contains("hint: git opensession config set opensession.open-target web"), "{}", answer.err);
}

#[test]
fn a_session_at_an_address_is_a_page_and_one_that_is_not_there_is_none() {
    let world = World::new();
    let log = ClaudeLog::new("aaaa", world.repo(), 0).prompt("say <b>hello</b>").answer("hello").save(&world);
    let hail = world.path("a.hail.jsonl");
    let profile = ["parse", "--profile", "claude-code", "--out"].map(std::ffi::OsStr::new);
    world.os(profile.into_iter().chain([hail.as_os_str(), log.as_os_str()])).ok();
    let address = world.os(["register".as_ref(), hail.as_os_str()]).ok();
    let (_, html) = page(world.os(["view", "--no-open", address.trim()]));
    assert!(html.contains("say &lt;b&gt;hello&lt;/b&gt;") && html.contains(address.trim()), "{html}");
    let nowhere = format!("os://src/local/{}", "0".repeat(64));
    let refused = world.os(["view", "--no-open", &nowhere]).code(1);
    assert!(refused.out.is_empty() && refused.err.contains("is not registered here"), "{refused:?}");
    world.os(["view", "--no-open", "os://src/nothing"]).code(2);
}
