//! Redacting again what older rules have stored.

use super::scratch::*;
use crate::ledger::{Again, LedgerView, Redone, Rolled, roll};
use crate::redaction::{Findings, Person, Redactor};

/// A token that today's rules find, stored by rules that did not.
const SECRET: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
const FOLDER: &str = "v2/s/2026/03/06";

fn again(scratch: &Scratch, rules: u32) -> (Rolled, Vec<Redone>) {
    let redactor = Redactor::new(&Person::default());
    let again = Again::new(&redactor, rules);
    let signature = signature();
    let rolled = roll(&scratch.repo(), &ledger("main"), &again, &appender(&signature)).expect("it rolls");
    assert!(again.take_failed().is_empty());
    (rolled, again.take_done().into_values().collect())
}

#[test]
fn what_newer_rules_find_is_taken_out_of_the_text_and_of_history() {
    let scratch = Scratch::new();
    scratch.appended(&[Talk::new("one", NOON)
        .say("hello", 3)
        .settle()
        .0
        .say(SECRET, 2)
        .settle()
        .0
        .say("bye", 1)
        .append()]);
    let commit = scratch.commit("work");
    let mut more = Talk::new("two", NOON).say("harmless", 2).append();
    more.links.push(link(commit, crate::ledger::EvidenceKind::Window));
    scratch.appended(&[more]);
    let before = scratch.parts("main", FOLDER);
    let (rolled, done) = again(&scratch, 2);
    assert!(matches!(rolled, Rolled::Moved { .. }));
    assert!(done.contains(&Redone::Unchanged) && done.len() == 2);
    let found: Vec<&Findings> =
        done.iter().filter_map(|redone| if let Redone::Changed(found) = redone { Some(found) } else { None }).collect();
    assert_eq!(found.iter().map(|found| found.secrets()).sum::<u64>(), 2);
    let repo = scratch.repo();
    let ledgers = main_of(&repo);
    let told = said(&ledgers, key("one", NOON));
    assert_eq!(told.len(), 6);
    assert!(told.iter().all(|text| !text.contains(SECRET)), "{told:?}");
    assert_eq!(said(&ledgers, key("two", NOON)), ["harmless 0", "harmless 1"]);
    let session = ledgers.session(key("one", NOON)).expect("it can be read").expect("it is there");
    assert_eq!((session.meta.redaction, session.meta.findings.secrets(), session.meta.events()), (2, 2, 6));
    assert_eq!(ledgers.links(commit, Some(NOON)).expect("links can be read").len(), 1, "links stay");
    // What comes before the change keeps its segment; nothing of the rest stays.
    let after = scratch.parts("main", FOLDER);
    assert_eq!((before.0.len(), after.0.len(), before.1.len(), after.1.len()), (2, 2, 4, 4));
    let kept = after.1.iter().filter(|path| before.1.contains(path)).count();
    assert_eq!(kept, 2, "the first of one session, and the only one of the other: {after:?}");
    assert_eq!(scratch.git(["rev-list", "--count", &ledger("main").to_string()]), "1");
    assert_eq!(again(&scratch, 2), (Rolled::AsItWas, Vec::new()), "once is enough");
    scratch.fsck();
}

#[test]
fn a_history_that_still_has_the_old_text_is_let_go_of() {
    let scratch = Scratch::new();
    scratch.appended(&[Talk::new("one", NOON).say(SECRET, 1).append()]);
    // A capture by the newer version has replaced it.
    scratch.appended(&[Talk::with_rules("one", NOON, 2).say("[REDACTED:github-token]", 1).append()]);
    let (rolled, done) = again(&scratch, 2);
    assert!(matches!(rolled, Rolled::Moved { .. }) && done.is_empty());
    assert_eq!(scratch.git(["rev-list", "--count", &ledger("main").to_string()]), "1");
    assert_eq!(again(&scratch, 2).0, Rolled::AsItWas);
}

#[test]
fn a_session_that_was_redacted_again_grows_on_and_is_there_once() {
    let scratch = Scratch::new();
    scratch.appended(&[Talk::new("one", NOON).say("hello", 2).append()]);
    let _ = again(&scratch, 2);
    // The agent's log is read from its beginning, for the checkpoint was of the older rules.
    scratch.appended(&[Talk::with_rules("one", NOON, 2).say("hello", 2).settle().0.say("more", 1).append()]);
    let repo = scratch.repo();
    let view = LedgerView::open(&repo, &ledger("main")).expect("it opens").expect("there is one");
    assert_eq!(view.holdings(|_| true).expect("it can be listed").sessions().count(), 1);
    assert_eq!(said(&main_of(&repo), key("one", NOON)), ["hello 0", "hello 1", "more 2"]);
    let (metas, segments) = scratch.parts("main", FOLDER);
    assert_eq!((metas.len(), segments.len()), (1, 2), "what was the same is not stored twice");
}

#[test]
fn one_that_cannot_be_read_is_named_and_the_others_are_done() {
    let scratch = Scratch::new();
    scratch.appended(&[Talk::new("bad", NOON).say("x", 1).append(), Talk::new("good", NOON).say(SECRET, 1).append()]);
    let bad = format!("{FOLDER}/{}", key("bad", NOON).sid);
    let segment = scratch.parts("main", &bad).1.remove(0);
    scratch.drop_path("main", &segment);
    let redactor = Redactor::new(&Person::default());
    let again = Again::new(&redactor, 2);
    let signature = signature();
    let rolled = roll(&scratch.repo(), &ledger("main"), &again, &appender(&signature)).expect("it rolls");
    assert!(matches!(rolled, Rolled::Moved { .. }));
    let failed: Vec<String> = again.take_failed().iter().map(ToString::to_string).collect();
    assert!(failed.len() == 1 && failed[0].contains(&key("bad", NOON).sid.to_string()), "{failed:?}");
    assert_eq!(again.take_done().len(), 1);
    assert!(!said(&main_of(&scratch.repo()), key("good", NOON))[0].contains(SECRET));
    assert_eq!(scratch.parts("main", &bad).0.len(), 1, "what cannot be read stays");
}
