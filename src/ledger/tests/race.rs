//! Many writers, one ledger.

use std::thread;

use super::scratch::*;
use crate::ledger::{Append, EvidenceKind, Outcome};

#[test]
fn writers_at_the_same_time_lose_nothing() {
    const WRITERS: usize = 8;
    const EACH: usize = 4;
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let scratch = &scratch;
            scope.spawn(move || {
                for n in 0..EACH {
                    let talk = Talk::new(&format!("{writer}-{n}"), NOON).say("hello", 2);
                    let append = Append { links: vec![link(commit, EvidenceKind::Window)], ..talk.append() };
                    assert!(matches!(scratch.append(&[append]), Outcome::Appended { .. }));
                }
            });
        }
    });
    let repo = scratch.repo();
    let ledgers = main_of(&repo);
    assert_eq!(ledgers.sessions().flatten().count(), WRITERS * EACH);
    assert_eq!(ledgers.links(commit, Some(NOON)).expect("links can be read").len(), WRITERS * EACH);
    let commits = scratch.git(["rev-list", "--count", &ledger("main").to_string()]);
    assert_eq!(commits, (WRITERS * EACH).to_string(), "one commit for each append");
    scratch.fsck();
}

#[test]
fn of_two_captures_of_one_session_the_longer_wins_whoever_is_first() {
    let scratch = Scratch::new();
    thread::scope(|scope| {
        for events in 1..9 {
            let scratch = &scratch;
            scope.spawn(move || {
                let _ = scratch.append(&[Talk::new("one", NOON).say("hello", events).append()]);
            });
        }
    });
    let repo = scratch.repo();
    assert_eq!(said(&main_of(&repo), key("one", NOON)).len(), 8);
    let (metas, segments) = scratch.parts("main", "v2/s/");
    assert_eq!((metas.len(), segments.len()), (1, 1), "what was superseded is gone");
    scratch.fsck();
}
