//! `redact --again`: what older rules have stored is looked through by today's.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use git_opensession::git::{BranchName, GitEnvironment, Identity, Repo, Signature};
use git_opensession::hail::RecordBuilder;
use git_opensession::ledger::{Append, Appender, Captured, Ledgers, NewLink, Outcome, Scope, append};
use git_opensession::redaction::{Findings, RULES_VERSION, Redactor};
use git_opensession::session::Block;

use super::{MAIN, is_left, pushed, reaches};
use crate::notes::{clone_on, note, notes_mode, push_from, titles, work_in};
use crate::world::{ClaudeLog, World};

/// Stores all sessions of the world again as if it had been by older rules, which knew nothing of home folders: each
/// says where it is, and if `in_titles`, in its title, too.
fn stored_by_older_rules(world: &World, in_titles: bool) {
    let environment = GitEnvironment { home: Some(world.home()), variables: BTreeMap::new() };
    let repo = Repo::open(&world.repo(), &environment).expect("a repository");
    let redactor = Redactor::of_secrets_only();
    let ledgers = Ledgers::open(&repo, Scope::Local).expect("the ledgers open");
    let mut appends = Vec::new();
    for session in ledgers.sessions().map(|session| session.expect("it can be read")) {
        let mut builder = RecordBuilder::new(RULES_VERSION - 1);
        for event in ledgers.text(&session).expect("a text").events().expect("a header") {
            let mut event = event.expect("an event");
            for block in &mut event.content.blocks {
                if let Block::Text { text } = block {
                    *text = format!("{text} in {}/secret-project", world.home().display());
                }
            }
            let mut found = Findings::new();
            let event = redactor.event(event, &mut found);
            builder.push(&event, &found).expect("it can be packed");
        }
        let mut header = session.meta.header.clone();
        if let Some(title) = header.context.title.as_mut().filter(|_| in_titles) {
            *title = format!("{title} in {}", world.home().display());
        }
        let header = redactor.header(header, &mut Findings::new());
        let record = Box::new(builder.finish(header, &Findings::new()).expect("it can be packed"));
        let links = ledgers.links_of(session.key).expect("links").into_iter().map(|link| NewLink {
            commit: link.commit,
            committed_at: repo.commit(link.commit).expect("a commit").commit_time,
            evidence: link.evidence.expect("evidence"),
        });
        let links = links.collect();
        appends.push(Append {
            session: Captured::Record { record, day: Some(session.key.day) },
            links,
            anchors: Vec::new(),
        });
    }
    drop(ledgers);
    world.git(world.repo(), ["update-ref", "-d", MAIN]).ok();
    let signature = Signature { identity: Identity::new("Old", "old@example.com"), time: 1_772_798_400, offset: 0 };
    let by = Appender { signature: &signature, lock: None, deadline: Instant::now() + Duration::from_secs(60) };
    let main = BranchName::new("main").expect("a branch");
    let done = append(&repo, &main, &appends, &by).expect("it is stored");
    assert!(matches!(done, Outcome::Appended { .. }));
    world.git(world.repo(), ["push", "-q", "--no-verify", "-f", "origin", MAIN]).ok();
    fs::remove_dir_all(world.repo().join(".git/opensession")).expect("the cache of the older version is none of ours");
}

#[test]
fn it_is_rewritten_here_and_at_the_remote_and_links_stay() {
    let world = pushed();
    stored_by_older_rules(&world, false);
    let home = world.home().display().to_string();
    assert!(reaches(&world, world.origin(), &home));
    let plan = world.os(["redact", "--again", "--dry-run"]).ok();
    assert_eq!(plan.lines().filter(|line| line.contains("home")).count(), 2, "{plan}");
    assert!(reaches(&world, world.origin(), &home), "that was a plan");
    assert!(world.os(["redact", "--again"]).code(2).err.contains("redact --again --yes"));
    let done = world.os(["redact", "--again", "--yes", "--json"]).json();
    assert_eq!((done["schema"].as_str(), done["done"].as_bool()), (Some("opensession.redact/1"), Some(true)));
    assert!(done["sessions"].as_array().expect("sessions").iter().all(|session| session["changed"] == true));
    assert!(!reaches(&world, world.origin(), &home));
    let ben = world.clone_to("ben");
    world.os_in(&ben, ["fetch"]).ok();
    for repository in [world.repo(), ben] {
        assert_eq!(world.titles(&repository), ["write one.rs", "write two.rs"]);
        for commit in ["HEAD", "HEAD~1"] {
            assert!(world.os_in(&repository, ["show", commit, "--full"]).ok().contains("~/secret-project"));
        }
        assert!(!is_left(&world, &repository, &home));
    }
    let again = world.os(["redact", "--again", "--yes"]);
    assert!(again.err.contains("all sessions were stored by today's rules"), "{}", again.err);
    again.ok();
}

#[test]
fn a_session_that_was_redacted_again_grows_on_and_is_there_once() {
    let world = pushed();
    stored_by_older_rules(&world, false);
    world.os(["redact", "--again", "--yes"]).ok();
    let log = ClaudeLog::new("one", world.repo(), -60).prompt("write one.rs");
    let log = log.write("one.rs", "the work of one\nin one.rs\n").answer("It is written.");
    log.prompt("and more").write("more.rs", "more of it\n").answer("There is more.").save(&world);
    world.commit("more.rs", "more of it\n", "more");
    world.push().ok();
    assert_eq!(world.titles(world.repo()), ["write one.rs", "write two.rs"]);
    let shown = world.os(["show", "HEAD", "--full"]).ok();
    assert_eq!((shown.matches("There is more.").count(), shown.matches("It is written.").count()), (1, 1), "{shown}");
    assert!(!reaches(&world, world.origin(), &world.home().display().to_string()));
}

#[test]
fn older_titles_leave_the_notes_and_their_history() {
    let world = pushed();
    stored_by_older_rules(&world, true);
    let home = world.home().display().to_string();
    notes_mode(&world, world.repo());
    world.os(["push"]).ok();
    let ben = clone_on(&world, "ben");
    world.os_in(&ben, ["fetch"]).ok();
    for side in [&world.repo(), &world.origin(), &ben] {
        assert!(note(&world, side, "HEAD").contains(&home), "{}", side.display());
    }
    world.os(["redact", "--again", "--yes"]).ok();
    world.os_in(&ben, ["fetch"]).ok();
    for side in [&world.repo(), &world.origin(), &ben] {
        assert!(!reaches(&world, side, &home), "{}", side.display());
        let told = titles(&world, side, "HEAD");
        assert!(told.len() == 1 && told.iter().all(|title| title.starts_with("write two.rs")), "{told:?}");
    }
    let more = work_in(&world, &ben, "b1");
    push_from(&world, &ben).ok();
    assert!(!reaches(&world, world.origin(), &home));
    assert_eq!(titles(&world, world.origin(), &more), ["do b1".to_owned()].into());
    let settled = world.refs(world.origin(), "refs/notes/");
    world.os(["redact", "--again", "--yes"]).ok();
    assert_eq!(world.refs(world.origin(), "refs/notes/"), settled);
}

#[test]
fn what_lies_in_an_inbox_is_redacted_again_and_taken_in() {
    let world = World::installed();
    world.work("one", "one.rs");
    world.push().ok();
    let tip = |folder: &std::path::Path| world.git(folder, ["rev-parse", MAIN]).ok().trim().to_owned();
    let ledger = tip(&world.repo());
    world.work("two", "two.rs");
    world.push().ok();
    stored_by_older_rules(&world, false);
    let home = world.home().display().to_string();
    // An older version has left both beside a ledger that has one of them; and beside one that nobody has.
    let left = tip(&world.repo());
    for (folder, name, oid) in [
        (world.origin(), format!("refs/opensession/inbox/bWFpbg/{left}"), &left),
        (world.origin(), MAIN.to_owned(), &ledger),
        (world.repo(), MAIN.to_owned(), &ledger),
    ] {
        world.git(&folder, ["update-ref", &name, oid]).ok();
    }
    assert!(reaches(&world, world.origin(), &home));
    let plan = world.os(["redact", "--again", "--dry-run"]).ok();
    assert_eq!(plan.lines().filter(|line| line.contains("home")).count(), 2, "{plan}");
    world.os(["redact", "--again", "--yes"]).ok();
    assert!(!reaches(&world, world.origin(), &home) && !reaches(&world, world.repo(), &home));
    assert_eq!(world.refs(world.origin(), "refs/opensession/inbox/"), [""; 0]);
    let ben = world.clone_to("ben");
    world.os_in(&ben, ["fetch"]).ok();
    assert_eq!(world.titles(&ben), ["write one.rs", "write two.rs"]);
    assert!(world.os_in(&ben, ["show", "HEAD", "--full"]).ok().contains("~/secret-project"));
    assert!(!is_left(&world, &ben, &home) && !is_left(&world, world.repo(), &home));
    world.os_in(&ben, ["fsck"]).ok();
    let again = world.os(["redact", "--again", "--yes"]);
    assert!(again.err.contains("all sessions were stored by today's rules"), "{}", again.err);
}

#[test]
fn what_lies_beside_a_ledger_that_nobody_has_is_redacted_again() {
    let world = pushed();
    stored_by_older_rules(&world, false);
    let home = world.home().display().to_string();
    let left = world.git(world.repo(), ["rev-parse", MAIN]).ok().trim().to_owned();
    world.git(world.origin(), ["update-ref", &format!("refs/opensession/inbox/bWFpbg/{left}"), &left]).ok();
    for side in [world.origin(), world.repo()] {
        world.git(&side, ["update-ref", "-d", MAIN]).ok();
    }
    let ben = world.clone_to("ben");
    world.os_in(&ben, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    world.os_in(&ben, ["redact", "--again", "--yes"]).ok();
    assert!(!reaches(&world, world.origin(), &home) && !reaches(&world, &ben, &home));
    assert_eq!(world.refs(world.origin(), "refs/opensession/inbox/"), [""; 0]);
    assert_eq!(world.titles(&ben), ["write one.rs", "write two.rs"]);
}
