//! What readers find, and what they do not look at.

use std::fs;

use super::scratch::*;
use crate::ledger::{
    Change, Error, EvidenceKind, LedgerPath, LedgerRef, LedgerView, Ledgers, Refusal, Scope, Sid, SidPrefix,
};

const DAY: i64 = 86_400;

fn ids(ledgers: &Ledgers<'_>) -> Vec<String> {
    let sessions = ledgers.sessions().map(|session| session.expect("it can be read"));
    sessions.map(|session| session.meta.header.session_id).collect()
}

/// Moves the ledger of `main` to where that of a remote is tracked.
fn track(scratch: &Scratch, remote: &str) {
    let tracking = LedgerRef::tracking(remote, &branch("main")).to_string();
    scratch.git(["update-ref", &tracking, &ledger("main").to_string()]);
    scratch.git(["update-ref", "-d", &ledger("main").to_string()]);
}

#[test]
fn sessions_are_listed_newest_first() {
    let scratch = Scratch::new();
    let began = [("c", NOON), ("a", NOON - 400 * DAY), ("d", NOON + 60), ("b", NOON - 40 * DAY), ("e", NOON + DAY)];
    scratch.appended(&began.map(|(id, began)| Talk::new(id, began).say("hi", 1).append()));
    let repo = scratch.repo();
    assert_eq!(ids(&main_of(&repo)), ["e", "d", "c", "b", "a"]);
}

#[test]
fn the_newest_sessions_are_listed_without_opening_older_days() {
    let scratch = Scratch::new();
    let began = [("old", NOON - DAY), ("older", NOON - 40 * DAY), ("new", NOON)];
    scratch.appended(&began.map(|(id, began)| Talk::new(id, began).say("hi", 1).append()));
    for day in ["2026/03/05", "2026/01"] {
        let tree = scratch.git(["rev-parse", &format!("{}:v2/s/{day}", ledger("main"))]);
        fs::remove_file(scratch.path().join("objects").join(&tree[..2]).join(&tree[2..])).expect("a loose object");
    }
    let repo = scratch.repo();
    let ledgers = main_of(&repo);
    let mut sessions = ledgers.sessions();
    let first = sessions.next().expect("there is one").expect("it can be read");
    assert_eq!(first.meta.header.session_id, "new");
    assert!(sessions.next().expect("there is more").is_err(), "the older day is missing");
}

#[test]
fn a_session_is_found_by_the_beginning_of_its_name() {
    let scratch = Scratch::new();
    // Two ids whose names begin with the same four digits.
    let mut seen = std::collections::BTreeMap::new();
    let (one, two) = (0..)
        .find_map(|n| {
            let name = Sid::new("codex", &n.to_string()).to_string();
            seen.insert(name[..4].to_owned(), n.to_string()).map(|before| (before, n.to_string()))
        })
        .expect("names repeat");
    scratch.appended(&[Talk::new(&one, NOON).say("hi", 1).append(), Talk::new(&two, NOON - DAY).say("hi", 1).append()]);
    let repo = scratch.repo();
    let ledgers = main_of(&repo);
    let find = |text: &str| ledgers.find(text.parse().expect("a prefix")).expect("names can be listed");
    let name = key(&one, NOON).sid.to_string();
    assert_eq!(find(&name[..4]), [key(&one, NOON), key(&two, NOON - DAY)], "both are candidates, the newest first");
    assert_eq!(find(&name), [key(&one, NOON)]);
    assert_eq!(find(&name[..16]), [key(&one, NOON)]);
    let other = if name.starts_with('0') { "1111" } else { "0000" };
    assert!(find(&format!("{other}{}", &name[..8])).is_empty());
}

#[test]
fn several_ledgers_are_read_as_one_and_the_greatest_session_counts() {
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    let linked = |talk: Talk, kind| crate::ledger::Append { links: vec![link(commit, kind)], ..talk.append() };
    scratch.appended(&[
        linked(Talk::new("one", NOON).say("hello", 5), EvidenceKind::Committed),
        Talk::new("theirs", NOON - DAY).say("hi", 1).append(),
    ]);
    track(&scratch, "origin");
    scratch.appended(&[
        linked(Talk::new("one", NOON).say("hello", 2), EvidenceKind::Window),
        Talk::new("ours", NOON + DAY).say("hi", 1).append(),
    ]);
    let _ = scratch.append_to("topic", &[Talk::new("topic", NOON).say("hi", 1).append()]);
    let repo = scratch.repo();
    let all = all_of(&repo);
    assert_eq!(ids(&all).len(), 4);
    assert_eq!(ids(&all).first().map(String::as_str), Some("ours"));
    assert_eq!(said(&all, key("one", NOON)).len(), 5);
    let links = all.links(commit, Some(NOON)).expect("links can be read");
    let kinds: Vec<_> = links.iter().map(|link| link.evidence.as_ref().map(|evidence| evidence.kind)).collect();
    assert_eq!(kinds, [Some(EvidenceKind::Committed)]);

    let ids_of = |scope: Scope<'_>| ids(&Ledgers::open(&repo, scope).expect("they open"));
    assert_eq!(ids_of(Scope::Branch(&branch("topic"))), ["topic"]);
    assert_eq!(ids_of(Scope::Branch(&branch("main"))), ["ours", "one", "theirs"]);
    assert_eq!(ids_of(Scope::Remote("origin")), ["one", "theirs"]);
    assert_eq!(ids_of(Scope::Remote("other")), Vec::<String>::new());
    assert_eq!(ids_of(Scope::Local).len(), 3);
}

#[test]
fn the_commits_of_all_sessions_are_read_at_once() {
    let scratch = Scratch::new();
    let (first, second) = (scratch.commit("first"), scratch.commit("second"));
    let tied = |talk: Talk, commits: &[crate::git::Oid]| crate::ledger::Append {
        links: commits.iter().map(|commit| link(*commit, EvidenceKind::Wrote)).collect(),
        ..talk.append()
    };
    scratch.appended(&[
        tied(Talk::new("both", NOON).say("hi", 1), &[first, second]),
        tied(Talk::new("old", NOON - 40 * DAY).say("hi", 1), &[first]),
        Talk::new("none", NOON).say("hi", 1).append(),
    ]);
    let repo = scratch.repo();
    let ledgers = all_of(&repo);
    let all = ledgers.commits_by_session(None).expect("links can be read");
    let keys: Vec<_> = all.keys().copied().collect();
    assert_eq!(keys, [key("old", NOON - 40 * DAY), key("both", NOON)]);
    for (key, commits) in &all {
        let links = ledgers.links_of(*key).expect("links can be read");
        assert_eq!(
            commits.iter().copied().collect::<Vec<_>>(),
            links.iter().map(|link| link.commit).collect::<Vec<_>>()
        );
    }
    let recent = ledgers.commits_by_session(Some(key("both", NOON).day)).expect("links can be read");
    assert_eq!(recent.keys().copied().collect::<Vec<_>>(), [key("both", NOON)]);
}

#[test]
fn a_ledger_that_was_fetched_and_not_touched_is_read_once() {
    let scratch = Scratch::new();
    scratch.appended(&[Talk::new("one", NOON).say("hello", 1).append()]);
    let tracking = LedgerRef::tracking("origin", &branch("main")).to_string();
    scratch.git(["update-ref", &tracking, &ledger("main").to_string()]);
    let repo = scratch.repo();
    assert_eq!(all_of(&repo).views().count(), 1);
}

#[test]
fn what_is_below_the_floor_is_expired_and_stays_out() {
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    let mut old = Talk::new("old", NOON - DAY).say("hi", 1).append();
    old.links.push(link(commit, EvidenceKind::Window));
    scratch.appended(&[old.clone(), Talk::new("new", NOON).say("hi", 1).append()]);
    let tracking = LedgerRef::tracking("origin", &branch("main")).to_string();
    scratch.git(["update-ref", &tracking, &ledger("main").to_string()]);
    scratch.put("main", "v2/floor", b"2026-03-06\n");
    let repo = scratch.repo();
    // The tracked ledger has no floor of its own, and is of the same branch.
    for ledgers in [main_of(&repo), all_of(&repo)] {
        assert_eq!(ids(&ledgers), ["new"]);
        assert_eq!(ledgers.session(key("old", NOON - DAY)).expect("it can be asked for"), None);
        assert!(ledgers.links(commit, Some(NOON)).expect("links can be read").is_empty());
        assert!(ledgers.find(SidPrefix::from(key("old", NOON).sid)).expect("names can be listed").is_empty());
    }
    let report = scratch.appended(&[old, Talk::new("newer", NOON).say("hi", 1).append()]);
    assert_eq!(report.refused, [(key("old", NOON - DAY), Refusal::Expired(key("new", NOON).day))]);
    assert_eq!(report.sessions, [(key("newer", NOON), Change::New)]);
}

#[test]
fn a_session_that_is_kept_by_name_stays_below_the_floor() {
    let scratch = Scratch::new();
    let talk = |id: &str| Talk::new(id, NOON - DAY).say("hi", 1);
    scratch.appended(&[talk("kept").append(), talk("old").append(), Talk::new("new", NOON).say("hi", 1).append()]);
    scratch.put("main", "v2/floor", b"2026-03-06\n");
    scratch.put("main", &LedgerPath::Kept(key("kept", NOON - DAY)).to_string(), b"");
    assert_eq!(ids(&all_of(&scratch.repo())), ["new", "kept"]);
    let report =
        scratch.appended(&[talk("kept").settle().0.say("more", 2).append(), talk("old").say("more", 2).append()]);
    assert_eq!(report.sessions, [(key("kept", NOON - DAY), Change::Grown)], "it can still grow");
    assert_eq!(report.refused.len(), 1);
}

#[test]
fn what_was_purged_stays_gone() {
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    let mut one = Talk::new("one", NOON).say("hi", 1).append();
    one.links.push(link(commit, EvidenceKind::Window));
    scratch.appended(&[one.clone()]);
    track(&scratch, "origin");
    scratch.appended(&[Talk::new("two", NOON).say("hi", 1).append()]);
    scratch.put("main", &format!("v2/x/{}", key("one", NOON).sid), b"");
    let repo = scratch.repo();
    let all = all_of(&repo);
    assert_eq!(ids(&all), ["two"], "the remote still has it, and it is gone all the same");
    assert_eq!(all.session(key("one", NOON)).expect("it can be asked for"), None);
    assert!(all.links(commit, Some(NOON)).expect("links can be read").is_empty());
    assert!(all.links_of(key("one", NOON)).expect("links can be read").is_empty());
    assert!(all.commits_by_session(None).expect("links can be read").is_empty());
    let grown = Talk::new("one", NOON).say("hi", 2).append();
    match scratch.append(&[one, grown]) {
        crate::ledger::Outcome::Unchanged { report, .. } => {
            assert_eq!(report.refused, [(key("one", NOON), Refusal::Purged)]);
        }
        other => panic!("a purged session came back: {other:?}"),
    }
}

#[test]
fn a_ledger_of_a_later_format_is_left_alone() {
    let scratch = Scratch::new();
    scratch.appended(&[Talk::new("one", NOON).say("hi", 1).append()]);
    let _ = scratch.append_to("topic", &[Talk::new("two", NOON).say("hi", 1).append()]);
    scratch.put("main", "v2/format", b"3");
    let repo = scratch.repo();
    assert!(matches!(LedgerView::open(&repo, &ledger("main")), Err(Error::NewerFormat { .. })));
    let all = all_of(&repo);
    assert_eq!((ids(&all), all.unreadable().len()), (vec!["two".to_owned()], 1), "the others can be read");
    let signature = signature();
    let more = [Talk::new("three", NOON).say("hi", 1).append()];
    assert!(crate::ledger::append(&repo, &branch("main"), &more, &appender(&signature)).is_err());
}

#[test]
fn there_is_no_ledger_before_the_first_append() {
    let scratch = Scratch::new();
    let repo = scratch.repo();
    assert!(LedgerView::open(&repo, &ledger("main")).expect("it can be asked for").is_none());
    let all = all_of(&repo);
    assert_eq!((ids(&all).len(), all.find("abcd".parse().expect("a prefix")).expect("nothing fails").len()), (0, 0));
    assert_eq!(all.session(key("one", NOON)).expect("nothing fails"), None);
}
