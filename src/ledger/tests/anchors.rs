//! Links by patch: written, found, joined, and dropped with their session.

use super::scratch::*;
use crate::git::{Oid, PatchId};
use crate::ledger::check::{Checker, Circumstances};
use crate::ledger::{
    Anchor, Append, CommitAt, Day, Evidence, EvidenceKind, LedgerView, Match, NewAnchor, NewLink, Outcome, Percent,
    Retention, fold, retain,
};
use crate::session::Timestamp;

const DAY: i64 = 86_400;

fn patch(byte: &str) -> PatchId {
    PatchId(byte.repeat(20).parse().expect("an id"))
}

fn of_commit(commit: Oid) -> Anchor {
    Anchor::Commit { commit: CommitAt { id: commit, at: NOON } }
}

fn anchor(byte: &str, kind: EvidenceKind, anchor: Anchor) -> NewAnchor {
    NewAnchor { patch: patch(byte), evidence: Evidence { anchor: Some(anchor), ..evidence(kind) } }
}

fn anchored(id: &str, began: i64, anchors: Vec<NewAnchor>) -> Append {
    Append { anchors, ..Talk::new(id, began).say("hello", 1).append() }
}

#[test]
fn a_session_is_found_by_its_patches_and_a_surer_anchor_stays() {
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    let branch = || anchor("aa", EvidenceKind::Committed, Anchor::Branch { others: vec![] });
    let report = scratch.appended(&[anchored(
        "one",
        NOON,
        vec![branch(), anchor("bb", EvidenceKind::Wrote, of_commit(commit))],
    )]);
    assert_eq!((report.links, report.anchors), (0, 2));
    // The patch of a commit is surer than that of a branch, whatever the evidence.
    let surer = vec![anchor("aa", EvidenceKind::Window, of_commit(commit))];
    assert_eq!(scratch.appended(&[anchored("one", NOON, surer)]).anchors, 1);
    assert!(matches!(scratch.append(&[anchored("one", NOON, vec![branch()])]), Outcome::Unchanged { .. }));
    let repo = scratch.repo();
    let ledgers = main_of(&repo);
    let found = ledgers.patch_links(patch("aa")).expect("they can be read");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].key, key("one", NOON));
    assert_eq!(found[0].evidence.as_ref().and_then(|why| why.anchor.clone()), Some(of_commit(commit)));
    assert!(ledgers.patch_links(patch("cc")).expect("they can be read").is_empty());
    assert_eq!(scratch.paths("main").iter().filter(|path| path.starts_with("v2/p/")).count(), 2);
}

#[test]
fn what_was_found_by_lines_stays_similar_once_it_is_written_down() {
    let scratch = Scratch::new();
    let (commit, original) = (scratch.commit("work"), scratch.commit("original"));
    let share = Percent::new(83);
    let similar = Anchor::Similar { commit: CommitAt { id: original, at: NOON }, share };
    let with =
        |anchor| NewLink { commit, committed_at: NOON, evidence: Evidence { anchor, ..evidence(EvidenceKind::Wrote) } };
    let linked = |anchor| Append { links: vec![with(anchor)], ..Talk::new("one", NOON).say("hello", 1).append() };
    let matched = || {
        let repo = scratch.repo();
        main_of(&repo).links(commit, Some(NOON)).expect("they can be read")[0].matched
    };
    scratch.appended(&[linked(Some(similar))]);
    assert_eq!(matched(), Match::Similar(share));
    // A capture that ties the two by themselves is surer.
    scratch.appended(&[linked(None)]);
    assert_eq!(matched(), Match::Commit);
}

#[test]
fn anchors_are_joined_and_go_with_their_session() {
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    let old = NOON - 40 * DAY;
    let one = |byte| vec![anchor(byte, EvidenceKind::Wrote, of_commit(commit))];
    scratch.appended(&[anchored("one", NOON, one("aa")), anchored("old", old, one("cc"))]);
    let more = [anchored("two", NOON, one("aa")), anchored("one", NOON, one("bb"))];
    assert!(matches!(scratch.append_to("topic", &more), Outcome::Appended { .. }));
    let repo = scratch.repo();
    let [mine, theirs] =
        ["main", "topic"].map(|name| LedgerView::open(&repo, &ledger(name)).expect("it opens").expect("there is one"));
    let mut batch = repo.batch();
    let joined = fold(&mine, &theirs, &mut batch).expect("they can be joined");
    batch.finish().expect("it is written");
    let found = |tree: Oid| -> Vec<String> {
        let listed = repo.walk(tree, b"v2/p", 100).expect("it can be walked");
        let names = listed.entries.iter().map(|entry| String::from_utf8_lossy(&entry.name).into_owned());
        names.map(|name| format!("{} {}", &name[..2], name.split_once('-').unwrap_or_default().1)).collect()
    };
    let named = |byte: &str, id: &str, began| format!("{byte} {}", key(id, began));
    let mut all =
        vec![named("aa", "one", NOON), named("aa", "two", NOON), named("bb", "one", NOON), named("cc", "old", old)];
    all.sort();
    assert_eq!(found(joined), all);
    let day = Day::of(Timestamp::from_seconds(NOON));
    let kept = [key("old", old)].into();
    for (retention, left) in [
        (Retention { purged: [key("one", NOON).sid].into(), ..Retention::default() }, vec!["aa", "cc"]),
        (Retention { floor: Some(day), ..Retention::default() }, vec!["aa", "aa", "bb"]),
        (Retention { floor: Some(day), kept, ..Retention::default() }, vec!["aa", "aa", "bb", "cc"]),
    ] {
        let mut batch = repo.batch();
        let view = LedgerView::open_tree(&repo, &ledger("main"), mine.tip(), joined).expect("it opens");
        let tree = retain(&view, &retention, &mut batch).expect("it can be made");
        batch.finish().expect("it is written");
        let heads: Vec<String> = found(tree).iter().map(|name| name[..2].to_owned()).collect();
        assert_eq!(heads, left, "{retention:?}");
    }
}

#[test]
fn a_check_looks_at_anchors_as_at_links() {
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    let gone: Oid = "ab".repeat(20).parse().expect("an id");
    let mut one = anchored("one", NOON, vec![anchor("aa", EvidenceKind::Wrote, of_commit(gone))]);
    one.links = vec![link(commit, EvidenceKind::Wrote), link(gone, EvidenceKind::Wrote)];
    scratch.appended(&[one]);
    let repo = scratch.repo();
    let view = LedgerView::open(&repo, &ledger("main")).expect("it opens").expect("there is one");
    let checked = Checker::new(&repo, Circumstances { partial: false, rules: 1 }).check(&ledger("main"), view.tip());
    assert_eq!((checked.links, checked.anchors, checked.errors()), (2, 1, 0));
    let said: Vec<String> = checked.findings.iter().map(|finding| finding.problem.to_string()).collect();
    assert_eq!(said, ["a linked commit is not here; never fetched, or rewritten since (1 would be found by patch)"]);
}
