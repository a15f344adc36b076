//! Bringing what a remote has into the live ledger.

use super::scratch::*;
use crate::git::Oid;
use crate::ledger::{EvidenceKind, LedgerRef, Outcome, Refusal, Replayed, Theirs, Union, replay, unite};

/// A ledger that went two ways: the tip of ours, which is live, and of theirs.
fn diverged() -> (Scratch, Oid, Oid) {
    let scratch = Scratch::new();
    scratch.appended(&[Talk::new("both", NOON).say("hello", 2).append()]);
    let base = tip(&scratch);
    scratch.appended(&[Talk::new("theirs", NOON).say("hello", 2).append()]);
    let theirs = tip(&scratch);
    set(&scratch, base);
    scratch.appended(&[Talk::new("ours", NOON).say("hello", 2).append()]);
    let ours = tip(&scratch);
    (scratch, ours, theirs)
}

fn tip(scratch: &Scratch) -> Oid {
    oid(&scratch.git(["rev-parse", &ledger("main").to_string()]))
}

fn set(scratch: &Scratch, tip: Oid) {
    scratch.git(["update-ref", &ledger("main").to_string(), &tip.to_string()]);
}

fn replayed(scratch: &Scratch, tip: Option<Oid>, inbox: &[Oid]) -> Replayed {
    let signature = signature();
    replay(&scratch.repo(), &ledger("main"), Theirs { tip, inbox }, &appender(&signature)).expect("it can be replayed")
}

fn ids(scratch: &Scratch) -> Vec<String> {
    let repo = scratch.repo();
    let ids =
        main_of(&repo).sessions().map(|session| session.expect("it can be read").meta.header.session_id).collect();
    let mut ids: Vec<String> = ids;
    ids.sort();
    ids
}

#[test]
fn a_joined_commit_has_all_of_both_and_one_parent_the_remotes_tip() {
    let (scratch, ours, theirs) = diverged();
    let Replayed::Moved { old, new } = replayed(&scratch, Some(theirs), &[]) else { panic!("it is to move") };
    assert_eq!((old, new), (ours, tip(&scratch)));
    assert_eq!(ids(&scratch), ["both", "ours", "theirs"]);
    assert_eq!(scratch.git(["rev-list", "--parents", "-1", &new.to_string()]), format!("{new} {theirs}"));
    assert_eq!(replayed(&scratch, Some(theirs), &[]), Replayed::UpToDate(new), "and that is that");
    assert_eq!(replayed(&scratch, None, &[]), Replayed::UpToDate(new));
    scratch.fsck();
}

#[test]
fn a_ledger_with_nothing_of_its_own_moves_to_the_remotes_tip() {
    let (scratch, ours, theirs) = diverged();
    let base = oid(&scratch.git(["rev-parse", &format!("{ours}~")]));
    set(&scratch, base);
    assert_eq!(replayed(&scratch, Some(theirs), &[]), Replayed::Moved { old: base, new: theirs });
    assert_eq!(replayed(&scratch, Some(base), &[]), Replayed::UpToDate(theirs), "ours follows on theirs");
}

#[test]
fn what_somebody_took_out_without_a_tombstone_comes_back() {
    let (scratch, ours, _) = diverged();
    scratch.drop_path("main", "v2/s");
    let emptied = scratch.git(["rev-parse", &format!("{}^{{tree}}", ledger("main"))]);
    let theirs = oid(&scratch.git(["commit-tree", &emptied, "-p", &ours.to_string(), "-m", "x"]));
    set(&scratch, ours);
    let Replayed::Moved { new, .. } = replayed(&scratch, Some(theirs), &[]) else { panic!("it is to move") };
    assert_eq!(ids(&scratch), ["both", "ours"]);
    assert_eq!(scratch.git(["rev-parse", &format!("{new}~")]), theirs.to_string());
}

#[test]
fn a_rolled_ledger_is_followed_and_what_was_purged_is_not_even_in_the_history() {
    let (scratch, ours, theirs) = diverged();
    set(&scratch, theirs);
    let sid = key("both", NOON).sid;
    scratch.drop_path("main", &format!("v2/s/2026/03/06/{sid}"));
    scratch.put("main", &format!("v2/x/{sid}"), b"");
    let rolled = tip(&scratch); // written by hand: a commit without parents
    set(&scratch, ours);
    let Replayed::Moved { new, .. } = replayed(&scratch, Some(rolled), &[]) else { panic!("it is to move") };
    assert_eq!(ids(&scratch), ["ours", "theirs"]);
    let reachable = scratch.git(["rev-list", "--objects", &new.to_string()]);
    assert!(!reachable.contains(&format!("/{sid}/")), "{reachable}");
    assert_eq!(scratch.git(["rev-list", "--count", &new.to_string()]), "2");
}

#[test]
fn what_others_left_in_the_inbox_is_joined_too() {
    let (scratch, ours, theirs) = diverged();
    set(&scratch, theirs);
    scratch.appended(&[Talk::new("late", NOON).say("hello", 2).append()]);
    let inbox = tip(&scratch);
    set(&scratch, ours);
    let Replayed::Moved { new, .. } = replayed(&scratch, Some(theirs), &[inbox, theirs]) else {
        panic!("it is to move")
    };
    assert_eq!(ids(&scratch), ["both", "late", "ours", "theirs"]);
    assert_eq!(scratch.git(["rev-parse", &format!("{new}~")]), theirs.to_string());
    // Without a ledger over there, it follows on ours.
    set(&scratch, ours);
    let Replayed::Moved { new, .. } = replayed(&scratch, None, &[inbox]) else { panic!("it is to move") };
    assert_eq!(scratch.git(["rev-parse", &format!("{new}~")]), ours.to_string());
}

#[test]
fn without_a_live_ledger_none_is_made() {
    let (scratch, ours, theirs) = diverged();
    scratch.git(["update-ref", "-d", &ledger("main").to_string()]);
    assert_eq!(replayed(&scratch, Some(theirs), &[ours]), Replayed::NoLedger);
    let signature = signature();
    let both = Theirs { tip: Some(theirs), inbox: &[ours] };
    let repo = scratch.repo();
    let united = unite(&repo, &LedgerRef::local(&branch("main")), None, both, &appender(&signature));
    let Union::New(new) = united.expect("it can be united") else { panic!("it is new") };
    assert_eq!(scratch.git(["rev-parse", &format!("{new}~")]), theirs.to_string());
    let nothing = unite(&repo, &ledger("main"), None, Theirs::default(), &appender(&signature));
    assert_eq!(nothing.expect("nothing is easy"), Union::Nothing);
}

#[test]
fn a_capture_at_the_same_time_loses_nothing() {
    let (scratch, _, theirs) = diverged();
    let commit = scratch.commit("work");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..10 {
                let mut append = Talk::new(&format!("captured-{n}"), NOON).say("hello", 1).append();
                append.links.push(link(commit, EvidenceKind::Window));
                scratch.appended(&[append]);
            }
        });
        let mut theirs = theirs;
        for _ in 0..10 {
            if let Replayed::Moved { new, .. } = replayed(&scratch, Some(theirs), &[]) {
                theirs = new;
            }
        }
    });
    assert_eq!(ids(&scratch).len(), 13);
    scratch.fsck();
}

#[test]
fn a_session_that_any_known_ledger_has_purged_is_not_captured_again() {
    let (scratch, ..) = diverged();
    let talk = || Talk::new("gone", NOON).say("hello", 2).append();
    scratch.put("main", &format!("v2/x/{}", key("gone", NOON).sid), b"");
    scratch.put("main", "v2/floor", b"2026-03-06");
    let tracking = LedgerRef::tracking("origin", &branch("elsewhere"));
    let tip = tip(&scratch).to_string();
    scratch.git(["update-ref", "-d", &ledger("main").to_string()]);
    scratch.put_branch("elsewhere", &tip);
    scratch.git(["update-ref", &tracking.to_string(), &format!("{}", ledger("elsewhere"))]);
    scratch.git(["update-ref", "-d", &ledger("elsewhere").to_string()]);
    let early = || Talk::new("early", NOON - 86_400).say("hello", 2).append();
    for (name, refused) in [("new", 1), ("elsewhere", 2)] {
        let report = match scratch.append_to(name, &[talk(), early()]) {
            Outcome::Appended { report, .. } | Outcome::Unchanged { report, .. } => report,
            Outcome::Raced => panic!("nobody else is there"),
        };
        assert_eq!(report.refused.len(), refused, "the floor is that of one branch: {report:?}");
        assert!(report.refused.iter().any(|(_, why)| *why == Refusal::Purged));
    }
}
