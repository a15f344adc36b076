//! Rolled ledgers, and what is kept below the floor.

use std::collections::BTreeSet;

use super::scratch::*;
use crate::git::{ObjectBatch, Oid};
use crate::ledger::{
    EvidenceKind, LedgerPath, LedgerView, Result, Retention, Rewrite, Rolled, SessionKey, fold, join, roll, without,
};

const DAY: i64 = 86_400;

/// Takes out what a retention drops.
struct TakeOut(Retention);

impl Rewrite for TakeOut {
    fn rewrite(&self, view: &LedgerView<'_>, batch: &mut ObjectBatch<'_>) -> Result<Option<Oid>> {
        without(view, &self.0, batch)
    }

    fn message(&self) -> &'static str {
        "test\n"
    }
}

/// Captures something the first time it is asked.
struct Meanwhile<'a>(&'a Scratch, Retention, std::cell::Cell<bool>);
impl Rewrite for Meanwhile<'_> {
    fn rewrite(&self, view: &LedgerView<'_>, batch: &mut ObjectBatch<'_>) -> Result<Option<Oid>> {
        if !self.2.replace(true) {
            self.0.appended(&[Talk::new("two", NOON).say("hi", 1).append()]);
        }
        without(view, &self.1, batch)
    }

    fn message(&self) -> &'static str {
        "test\n"
    }
}

fn rolled(scratch: &Scratch, retention: &Retention) -> Rolled {
    let signature = signature();
    roll(&scratch.repo(), &ledger("main"), &TakeOut(retention.clone()), &appender(&signature)).expect("it rolls")
}

fn purged(id: &str) -> Retention {
    Retention { purged: BTreeSet::from([key(id, NOON).sid]), ..Retention::default() }
}

fn floor(kept: &[SessionKey]) -> Retention {
    let floor = Some(key("x", NOON).day);
    Retention { floor, kept: kept.iter().copied().collect(), ..Retention::default() }
}

/// The sessions in the tree of a ledger, whatever its tombstones say.
fn in_tree(scratch: &Scratch) -> Vec<SessionKey> {
    let repo = scratch.repo();
    let view = LedgerView::open(&repo, &ledger("main")).expect("it opens").expect("there is one");
    view.holdings(|_| true).expect("it can be listed").keys().into_iter().collect()
}

#[test]
fn a_purged_session_leaves_tree_and_history_with_its_links() {
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    let mut one = Talk::new("one", NOON).say("hi", 1).append();
    one.links.push(link(commit, EvidenceKind::Window));
    scratch.appended(&[one, Talk::new("two", NOON).say("hi", 1).append()]);
    let hidden = ledger("main").to_string();
    scratch.git(["update-ref", "--create-reflog", &hidden, &hidden]);
    assert!(matches!(rolled(&scratch, &purged("one")), Rolled::Moved { .. }));
    assert_eq!(in_tree(&scratch), [key("two", NOON)]);
    let paths = scratch.paths("main");
    assert!(paths.contains(&format!("v2/x/{}", key("one", NOON).sid)));
    assert!(!paths.iter().any(|path| path.starts_with("v2/c/")), "{paths:?}");
    assert_eq!(scratch.git(["rev-list", "--count", &hidden]), "1");
    assert!(!scratch.path().join("logs").join(&hidden).exists(), "the reflog is gone");
    assert_eq!(rolled(&scratch, &purged("one")), Rolled::AsItWas);
    scratch.fsck();
}

#[test]
fn one_that_was_dropped_on_top_of_a_history_that_has_it_is_rolled_too() {
    let scratch = Scratch::new();
    scratch.appended(&[Talk::new("one", NOON).say("hi", 1).append()]);
    let hidden = ledger("main").to_string();
    let old = scratch.git(["rev-parse", &hidden]);
    let _ = rolled(&scratch, &purged("one"));
    // A join has put it on top of what a remote had.
    let joined = scratch.git(["commit-tree", &format!("{hidden}^{{tree}}"), "-p", &old, "-m", "join"]);
    scratch.git(["update-ref", &hidden, &joined]);
    assert!(matches!(rolled(&scratch, &purged("one")), Rolled::Moved { .. }));
    assert_eq!(scratch.git(["rev-list", "--count", &hidden]), "1");
}

#[test]
fn a_capture_in_between_is_not_lost() {
    let scratch = Scratch::new();
    scratch.appended(&[Talk::new("one", NOON).say("hi", 1).append()]);
    let meanwhile = Meanwhile(&scratch, purged("one"), std::cell::Cell::new(false));
    let signature = signature();
    let done = roll(&scratch.repo(), &ledger("main"), &meanwhile, &appender(&signature)).expect("it rolls");
    assert!(matches!(done, Rolled::Moved { .. }));
    assert_eq!(in_tree(&scratch), [key("two", NOON)]);
}

#[test]
fn the_floor_drops_days_and_keeps_what_is_named() {
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    let old = |id: &str| {
        let mut append = Talk::new(id, NOON - DAY).say("hi", 1).append();
        append.links.push(link(commit, EvidenceKind::Window));
        append
    };
    scratch.appended(&[old("kept"), old("old"), Talk::new("new", NOON).say("hi", 1).append()]);
    let kept = key("kept", NOON - DAY);
    assert!(matches!(rolled(&scratch, &floor(&[kept])), Rolled::Moved { .. }));
    assert_eq!(in_tree(&scratch), [kept, key("new", NOON)]);
    assert!(scratch.paths("main").contains(&LedgerPath::Kept(kept).to_string()));
    let repo = scratch.repo();
    assert_eq!(main_of(&repo).links(commit, Some(NOON)).expect("links can be read").len(), 1);
    assert_eq!(rolled(&scratch, &floor(&[kept])), Rolled::AsItWas);
    assert!(matches!(rolled(&scratch, &floor(&[])), Rolled::Moved { .. }), "it is kept no longer");
    assert_eq!(in_tree(&scratch), [key("new", NOON)]);
    let _ = rolled(&scratch, &floor(&[kept]));
    assert!(!scratch.paths("main").iter().any(|path| path.starts_with("v2/k/")), "and a name does not bring it back");
}

#[test]
fn a_join_keeps_below_the_floor_what_both_keep() {
    let scratch = Scratch::new();
    let old = |id: &str| Talk::new(id, NOON - DAY).say("hi", 1).append();
    scratch.appended(&[old("kept"), old("other"), Talk::new("new", NOON).say("hi", 1).append()]);
    let repo = scratch.repo();
    let start = LedgerView::open(&repo, &ledger("main")).expect("it opens").expect("there is one").tip();
    let (kept, other) = (key("kept", NOON - DAY), key("other", NOON - DAY));
    let mut tips = Vec::new();
    for named in [&[kept, other][..], &[kept]] {
        scratch.git(["update-ref", &ledger("main").to_string(), &start.to_string()]);
        let Rolled::Moved { new, .. } = rolled(&scratch, &floor(named)) else { panic!("it was not rolled") };
        tips.push(new);
    }
    tips.push(start);
    let view = |tip: Oid| LedgerView::at(&repo, tip).expect("it opens");
    for (one, two) in [(0, 1), (1, 0), (1, 2), (2, 1)] {
        let mut batch = repo.batch();
        let tree = join(&view(tips[one]), &view(tips[two]), &mut batch).expect("they join");
        assert_eq!(tree, repo.commit(tips[1]).expect("a commit").tree, "{one} and {two}");
    }
}

#[test]
fn a_fold_keeps_what_its_target_keeps() {
    let scratch = Scratch::new();
    let kept = key("kept", NOON - DAY);
    scratch
        .appended(&[Talk::new("kept", NOON - DAY).say("hi", 1).append(), Talk::new("new", NOON).say("a", 1).append()]);
    let _ = rolled(&scratch, &floor(&[kept]));
    let _ = scratch.append_to("topic", &[Talk::new("topic", NOON).say("b", 1).append()]);
    let repo = scratch.repo();
    let view = |name: &str| LedgerView::open(&repo, &ledger(name)).expect("it opens").expect("there is one");
    let mut batch = repo.batch();
    let tree = fold(&view("main"), &view("topic"), &mut batch).expect("it folds");
    batch.finish().expect("it can be written");
    for path in [LedgerPath::Kept(kept).to_string(), format!("v2/s/2026/03/06/{}", key("topic", NOON).sid)] {
        assert!(repo.lookup(tree, path.as_bytes()).expect("it can be read").is_some(), "{path}");
    }
}
