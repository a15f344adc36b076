//! The rules, one by one, and what must hold whatever the sessions.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::git::Oid;
use crate::link::{FileFacts, LineHash, Locator, ShortId, Worktrees};
use crate::session::{Content, Event, EventKind};

const HOUR: i64 = 3600;

fn path(path: &str) -> PathHash {
    PathHash::of(path.as_bytes())
}

fn commit_at(at: i64, files: &[(&str, &[&str])]) -> CommitFacts {
    let id = Oid::from_bytes(&[0xab; 20]).expect("an id");
    let files = files.iter().map(|(name, lines)| {
        let added = lines.iter().filter_map(|line| LineHash::of(line)).collect();
        (path(name), FileFacts { path: (*name).to_owned(), after: None, until: at, added })
    });
    CommitFacts {
        id,
        hex: id.to_string(),
        author_time: at,
        commit_time: at,
        maker: Maker::User,
        made_in: None,
        files: files.collect(),
    }
}

/// A session in `/w` that edited files at moments, adding lines.
fn session(first: i64, last: i64, edits: &[(i64, &str, &str)]) -> (Outline, Footprint) {
    let worktrees = Worktrees { present: vec!["/w".into()], ..Worktrees::default() };
    let mut locator = Locator::new(&worktrees);
    let mut footprint = Footprint::starting_in(Some("/w".into()));
    let mut add = |at: i64, kind, text: &str| {
        let event = Event::new(at.to_string(), Timestamp::from_seconds(at), kind, Content::text(text));
        let place = footprint.place(&event, &mut locator);
        footprint.take(&event, place.as_ref());
    };
    add(first, EventKind::UserMessage, "go");
    for (at, name, line) in edits {
        let path = Path::new("/w").join(name).display().to_string();
        add(*at, EventKind::FileEdit { path, diff: Some(format!("@@ -0,0 +1 @@\n+{line}\n")) }, "");
    }
    add(last, EventKind::AgentMessage, "done");
    (footprint.outline().expect("there are events"), footprint)
}

fn decided(commit: &CommitFacts, sessions: &[(Outline, Footprint)]) -> Vec<Result<EvidenceKind, WhyNot>> {
    let looked: Vec<_> =
        sessions.iter().map(|(outline, footprint)| (outline, ties(outline, Some(footprint), commit))).collect();
    decide(commit, &looked).into_iter().map(|answer| answer.map(|evidence| evidence.kind)).collect()
}

fn one(commit: &CommitFacts, one: (Outline, Footprint)) -> Result<EvidenceKind, WhyNot> {
    decided(commit, &[one]).remove(0)
}

#[test]
fn the_window_is_from_the_first_event_to_half_an_hour_after_the_last() {
    let talk = || session(HOUR, 2 * HOUR, &[]);
    let at = |at| one(&commit_at(at, &[("a", &[])]), talk());
    assert_eq!(at(HOUR - 1), Err(WhyNot::Before));
    assert_eq!(at(HOUR), Ok(EvidenceKind::Window));
    assert_eq!(at(2 * HOUR + 1800), Ok(EvidenceKind::Window));
    assert_eq!(at(2 * HOUR + 1801), Err(WhyNot::After));
}

#[test]
fn a_commit_rebased_later_is_in_the_window_it_was_written_in() {
    let commit = CommitFacts { commit_time: 900 * HOUR, ..commit_at(HOUR, &[("a", &[])]) };
    assert_eq!(one(&commit, session(HOUR, 2 * HOUR, &[])), Ok(EvidenceKind::Window));
}

#[test]
fn a_session_that_only_ran_while_a_commit_was_rebased_yields_to_the_one_that_was_there() {
    let commit = CommitFacts { commit_time: 900 * HOUR, ..commit_at(HOUR, &[("a", &[])]) };
    let there = session(HOUR, 2 * HOUR, &[]);
    let later = session(900 * HOUR, 901 * HOUR, &[]);
    assert_eq!(decided(&commit, &[later.clone(), there]), [Err(WhyNot::Yields), Ok(EvidenceKind::Window)]);
    assert_eq!(one(&commit, later), Ok(EvidenceKind::Window), "alone, it is the best there is");
}

#[test]
fn an_edit_counts_before_the_commit_and_after_the_commit_before() {
    let mut commit = commit_at(10 * HOUR, &[("a", &["let value = 1;"])]);
    let edited = |at| session(HOUR, 2 * HOUR, &[(at, "a", "something else")]);
    assert_eq!(one(&commit, edited(2 * HOUR)), Ok(EvidenceKind::Edited));
    assert_eq!(one(&commit, session(0, 20 * HOUR, &[(11 * HOUR, "a", "x")])), Ok(EvidenceKind::Window));
    commit.files.get_mut(&path("a")).expect("the file").after = Some(3 * HOUR);
    assert_eq!(one(&commit, edited(2 * HOUR)), Err(WhyNot::NothingInCommon));
}

#[test]
fn edits_of_other_files_hours_before_are_nothing() {
    let commit = commit_at(10 * HOUR, &[("a", &["let value = 1;"])]);
    assert_eq!(one(&commit, session(HOUR, 2 * HOUR, &[(HOUR, "b", "let value = 1;")])), Err(WhyNot::After));
}

#[test]
fn lines_are_counted_of_all_that_the_commit_adds() {
    let commit =
        commit_at(10 * HOUR, &[("a", &["let one = 1;", "let two = 2;"]), ("b", &["let three = 3;", "let four = 4;"])]);
    let (outline, footprint) = session(HOUR, 2 * HOUR, &[(HOUR, "a", "  let one = 1;"), (HOUR, "b", "let five = 5;")]);
    let ties = ties(&outline, Some(&footprint), &commit);
    let evidence = decide(&commit, &[(&outline, ties)]).remove(0).expect("evidence");
    assert_eq!((evidence.kind, evidence.lines, evidence.share), (EvidenceKind::Wrote, 1, Some(Percent::new(25))));
    assert_eq!((evidence.confidence, evidence.files), (Percent::new(62), vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(evidence.window.last, Timestamp::from_seconds(2 * HOUR));
}

#[test]
fn old_edits_count_when_the_commit_is_mostly_their_lines() {
    let mut commit = commit_at(10 * HOUR, &[("a", &["let one = 1;", "let two = 2;", "let three = 3;"])]);
    commit.files.get_mut(&path("a")).expect("the file").after = Some(5 * HOUR);
    let few = session(HOUR, 2 * HOUR, &[(HOUR, "a", "let one = 1;")]);
    let most = session(HOUR, 2 * HOUR, &[(HOUR, "a", "let one = 1;"), (HOUR, "a", "let two = 2;")]);
    assert_eq!(one(&commit, few), Err(WhyNot::NothingInCommon));
    assert_eq!(one(&commit, most), Ok(EvidenceKind::Wrote));
}

#[test]
fn lines_written_after_the_commit_are_not_in_it() {
    let commit = commit_at(10 * HOUR, &[("a", &["let one = 1;"])]);
    let later = session(11 * HOUR, 12 * HOUR, &[(11 * HOUR, "a", "let one = 1;")]);
    assert_eq!(one(&commit, later), Err(WhyNot::NothingInCommon));
}

#[test]
fn who_made_the_commit_is_beyond_doubt() {
    let commit = CommitFacts { maker: Maker::SomebodyElse, ..commit_at(100 * HOUR, &[("a", &[])]) };
    let (mut outline, footprint) = session(0, HOUR, &[]);
    outline.commits.push(ShortId::new("ababab").expect("hex"));
    assert_eq!(one(&commit, (outline, footprint)), Ok(EvidenceKind::Committed));
}

#[test]
fn parallel_sessions_are_told_apart_by_what_they_edited() {
    let commit = commit_at(HOUR, &[("a", &["let one = 1;"])]);
    let wrote = session(0, 2 * HOUR, &[(HOUR - 9, "a", "let one = 1;")]);
    let edited = session(0, 2 * HOUR, &[(HOUR - 9, "a", "let none = 0;")]);
    let other = session(0, 2 * HOUR, &[(HOUR - 9, "b", "let one = 1;")]);
    let talk = session(0, 2 * HOUR, &[]);
    assert_eq!(
        decided(&commit, &[wrote, other.clone(), talk.clone(), edited]),
        [Ok(EvidenceKind::Wrote), Err(WhyNot::Yields), Ok(EvidenceKind::Window), Ok(EvidenceKind::Edited)]
    );
    assert_eq!(decided(&commit, &[other, talk]), [Ok(EvidenceKind::Window), Ok(EvidenceKind::Window)]);
}

#[test]
fn a_session_in_another_worktree_did_not_see_the_commit() {
    let commit = CommitFacts { made_in: Some(path("/elsewhere")), ..commit_at(HOUR, &[("a", &[])]) };
    assert_eq!(one(&commit, session(0, HOUR, &[])), Err(WhyNot::OtherWorktree));
    let commit = CommitFacts { made_in: Some(path("/w")), ..commit };
    assert_eq!(one(&commit, session(0, HOUR, &[])), Ok(EvidenceKind::Window));
}

#[test]
fn a_commit_of_somebody_else_needs_more_than_the_hour_it_was_made_in() {
    let commit = CommitFacts { maker: Maker::SomebodyElse, ..commit_at(HOUR, &[("a", &["let one = 1;"])]) };
    assert_eq!(one(&commit, session(0, HOUR, &[])), Err(WhyNot::SomebodyElse));
    assert_eq!(one(&commit, session(0, HOUR, &[(9, "a", "let one = 1;")])), Ok(EvidenceKind::Wrote));
}

#[test]
fn a_merge_is_linked_by_its_window_and_yields_like_any_commit() {
    let merge = commit_at(HOUR, &[]);
    let editing = session(0, HOUR, &[(9, "a", "x")]);
    assert_eq!(one(&merge, editing.clone()), Ok(EvidenceKind::Window));
    let (mut outline, footprint) = session(0, HOUR, &[]);
    outline.commits.push(ShortId::new("abab").expect("hex"));
    assert_eq!(decided(&merge, &[editing, (outline, footprint)]), [Err(WhyNot::Yields), Ok(EvidenceKind::Committed)]);
}

fn any_session() -> impl Strategy<Value = (Outline, Footprint)> {
    let edits = prop::collection::vec((0i64..100, 0usize..4, 0usize..4), 0..5);
    (0i64..100, 0i64..100, edits).prop_map(|(first, length, edits)| {
        let edits: Vec<_> = edits
            .into_iter()
            .map(|(at, file, line)| {
                (
                    first + at.min(length),
                    ["a", "b", "c", "d"][file],
                    ["line one", "line two", "line three", "line four"][line],
                )
            })
            .collect();
        session(first * 60, (first + length) * 60, &edits)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn stronger_evidence_is_never_refused_and_order_does_not_matter(
        sessions in prop::collection::vec(any_session(), 1..5), at in 0i64..12_000,
    ) {
        let commit = commit_at(at, &[("a", &["line one", "line two"]), ("b", &["line three"])]);
        let answers = decided(&commit, &sessions);
        for ((outline, footprint), answer) in sessions.iter().zip(&answers) {
            let ties = ties(outline, Some(footprint), &commit);
            match ties.kind() {
                None => prop_assert!(answer.is_err()),
                Some(EvidenceKind::Window) => {
                    let alone = one(&commit, (outline.clone(), footprint.clone()));
                    prop_assert_eq!(alone, Ok(EvidenceKind::Window));
                }
                Some(kind) => prop_assert_eq!(*answer, Ok(kind)),
            }
        }
        let mut turned: Vec<_> = sessions;
        turned.reverse();
        let mut again = decided(&commit, &turned);
        again.reverse();
        prop_assert_eq!(again, answers);
    }

    #[test]
    fn what_is_not_near_has_nothing_in_common(sessions in prop::collection::vec(any_session(), 1..4), at in 0i64..30_000) {
        let commits = [commit_at(at, &[("a", &["line one"])]), commit_at(at / 2, &[("b", &["line two"]), ("c", &[])])];
        let found = Commits::new(&commits);
        for (outline, footprint) in &sessions {
            let near = found.near(outline);
            for (place, commit) in commits.iter().enumerate() {
                let ties = ties(outline, Some(footprint), commit);
                prop_assert!(near.contains(&place) || ties.kind().is_none());
            }
        }
    }
}
