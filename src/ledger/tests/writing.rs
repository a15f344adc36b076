//! What an append leaves in a ledger.

use std::io::Read as _;

use super::scratch::*;
use crate::hail::{Digest, SEGMENT_BYTES};
use crate::ledger::{
    Append, Captured, Change, EvidenceKind, LedgerView, MetaName, NewLink, Outcome, Refusal, SegmentName, append,
};

fn changes(scratch: &Scratch, append: Append) -> Vec<Change> {
    match scratch.append(&[append]) {
        Outcome::Appended { report, .. } | Outcome::Unchanged { report, .. } => {
            report.sessions.into_iter().map(|(_, change)| change).collect()
        }
        Outcome::Raced => panic!("nobody else is here"),
    }
}

/// The names of the segments of one session in the ledger of `main`.
fn segments(scratch: &Scratch) -> Vec<SegmentName> {
    let paths = scratch.paths("main");
    paths.iter().filter_map(|path| SegmentName::parse_file(path.rsplit('/').next()?.as_bytes())).collect()
}

fn metas(scratch: &Scratch) -> Vec<MetaName> {
    let paths = scratch.paths("main");
    paths.iter().filter_map(|path| MetaName::parse(path.rsplit('/').next()?.as_bytes())).collect()
}

#[test]
fn a_session_comes_back_as_it_was_stored() {
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    let mut one = Talk::new("one", NOON).say("hello", 3).append();
    one.links.push(link(commit, EvidenceKind::Edited));
    let report = scratch.appended(&[one, Talk::new("two", NOON + 5).say("bye", 2).append()]);
    assert_eq!((report.written_sessions(), report.links, report.refused.len()), (2, 1, 0));

    let repo = scratch.repo();
    let ledgers = main_of(&repo);
    assert_eq!(said(&ledgers, key("one", NOON)), ["hello 0", "hello 1", "hello 2"]);
    assert_eq!(said(&ledgers, key("two", NOON)), ["bye 0", "bye 1"]);
    let links = ledgers.links(commit, Some(NOON)).expect("links can be read");
    assert_eq!(links.len(), 1);
    assert_eq!((links[0].key, links[0].evidence.clone()), (key("one", NOON), Some(evidence(EvidenceKind::Edited))));
    assert_eq!(ledgers.links(commit, None).expect("without a date, too"), links);
    scratch.fsck();
}

#[test]
fn the_text_of_a_session_is_the_canonical_one() {
    let scratch = Scratch::new();
    scratch.appended(&[Talk::new("one", NOON).say("hello", 3).append()]);
    let repo = scratch.repo();
    let ledgers = main_of(&repo);
    let session = ledgers.session(key("one", NOON)).expect("it can be read").expect("it is there");
    let mut text = Vec::new();
    ledgers.text(&session).expect("it can be listed").read_to_end(&mut text).expect("it can be read");
    let read = crate::hail::Reader::new(text.as_slice()).expect("a header").read_to_end().expect("a session");
    let mut again = Vec::new();
    crate::hail::write_session(&read, &mut again).expect("it can be written");
    assert_eq!(String::from_utf8_lossy(&text), String::from_utf8_lossy(&again));
    assert_eq!(read.header, header("one", NOON));
}

#[test]
fn every_file_lies_where_the_layout_says() {
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    let mut append = Talk::new("one", NOON).say("hello", 3).append();
    append.links.push(link(commit, EvidenceKind::Window));
    scratch.appended(&[append]);
    let (meta, segment) = (metas(&scratch)[0], segments(&scratch)[0]);
    let (sid, hex) = (key("one", NOON).sid, commit.to_string());
    let mut expected = vec![
        "v2/branch".to_owned(),
        format!("v2/c/2026-03/{}/{}/20260306-{sid}", &hex[..2], &hex[2..]),
        "v2/format".to_owned(),
        format!("v2/s/2026/03/06/{sid}/{}", segment.file()),
        format!("v2/s/2026/03/06/{sid}/{meta}"),
    ];
    expected.sort();
    assert_eq!(scratch.paths("main"), expected);
    assert_eq!(segment.to_string(), format!("0.0-3-{}", segment.hash));
    let tip = ledger("main").to_string();
    assert_eq!(scratch.git(["show", &format!("{tip}:v2/format")]), "2");
    assert_eq!(scratch.git(["show", &format!("{tip}:v2/branch")]), "main");
    let commit = scratch.git(["cat-file", "commit", &tip]);
    assert!(commit.contains(&format!("author Ann <ann@example.com> {NOON} +0100")), "{commit}");
    assert!(commit.ends_with("\n\nopensession: 1 session, 1 link"), "{commit}");
}

#[test]
fn nothing_is_written_when_nothing_changed() {
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    let appends = || {
        let mut append = Talk::new("one", NOON).say("hello", 3).append();
        append.links.push(link(commit, EvidenceKind::Edited));
        [append]
    };
    scratch.appended(&appends());
    let (tip, objects) = (scratch.git(["rev-parse", &ledger("main").to_string()]), scratch.objects());
    match scratch.append(&appends()) {
        Outcome::Unchanged { tip: found, report } => {
            assert_eq!(found, Some(oid(&tip)));
            assert_eq!(report.sessions, [(key("one", NOON), Change::Same)]);
        }
        other => panic!("it should be unchanged: {other:?}"),
    }
    let stored = Append { session: Captured::Stored(key("one", NOON)), links: Vec::new(), anchors: Vec::new() };
    assert!(matches!(scratch.append(&[stored]), Outcome::Unchanged { .. }));
    assert!(matches!(scratch.append(&[]), Outcome::Unchanged { .. }));
    assert!(matches!(scratch.append_to("other", &[]), Outcome::Unchanged { tip: None, .. }));
    assert_eq!(scratch.git(["rev-parse", &ledger("main").to_string()]), tip);
    assert_eq!(scratch.objects(), objects);
}

#[test]
fn a_session_cut_otherwise_is_the_same_session() {
    let scratch = Scratch::new();
    let (talk, _) = Talk::new("one", NOON).say("hello", 3).settle();
    scratch.appended(&[talk.say("hello", 2).append()]);
    assert_eq!(changes(&scratch, Talk::new("one", NOON).say("hello", 5).append()), [Change::Same]);
    assert_eq!(segments(&scratch).len(), 2);
}

#[test]
fn a_grown_session_adds_its_new_events_only() {
    let scratch = Scratch::new();
    let (talk, checkpoint) = Talk::new("one", NOON).say("hello", 3).settle();
    scratch.appended(&[talk.append()]);
    let first = segments(&scratch);
    let talk = Talk::resumed("one", NOON, 3, checkpoint).say("more", 2);
    assert_eq!(changes(&scratch, talk.append()), [Change::Grown]);
    let both = segments(&scratch);
    assert_eq!(both[0], first[0]);
    assert_eq!((both[1].generation, both[1].start, both[1].len), (0, 3, 2));
    assert_eq!(metas(&scratch).len(), 1, "the old one is gone");
    let repo = scratch.repo();
    assert_eq!(said(&main_of(&repo), key("one", NOON)), ["hello 0", "hello 1", "hello 2", "more 3", "more 4"]);
    scratch.fsck();
}

#[test]
fn a_changed_tail_replaces_what_is_behind_the_settled_events() {
    let scratch = Scratch::new();
    let (talk, checkpoint) = Talk::new("one", NOON).say("hello", 3).settle();
    scratch.appended(&[talk.say("torn", 1).append()]);
    let talk = Talk::resumed("one", NOON, 3, checkpoint).say("whole", 2);
    assert_eq!(changes(&scratch, talk.append()), [Change::Grown]);
    let names: Vec<_> = segments(&scratch).iter().map(|name| (name.generation, name.start, name.len)).collect();
    assert_eq!(names, [(0, 0, 3), (0, 3, 2)]);
    let repo = scratch.repo();
    assert_eq!(said(&main_of(&repo), key("one", NOON)), ["hello 0", "hello 1", "hello 2", "whole 3", "whole 4"]);
}

#[test]
fn a_changed_beginning_starts_a_new_generation() {
    let scratch = Scratch::new();
    scratch.appended(&[Talk::new("one", NOON).say("hello", 3).append()]);
    assert_eq!(changes(&scratch, Talk::new("one", NOON).say("hi", 4).append()), [Change::Replaced]);
    let names: Vec<_> = segments(&scratch).iter().map(|name| (name.generation, name.start, name.len)).collect();
    assert_eq!(names, [(1, 0, 4)]);
    let repo = scratch.repo();
    assert_eq!(said(&main_of(&repo), key("one", NOON)), ["hi 0", "hi 1", "hi 2", "hi 3"]);
}

#[test]
fn a_long_session_is_cut_and_comes_back_whole() {
    let scratch = Scratch::new();
    let words = "x".repeat(SEGMENT_BYTES / 3);
    scratch.appended(&[Talk::new("one", NOON).say(&words, 7).append()]);
    assert_eq!(segments(&scratch).len(), 4);
    let repo = scratch.repo();
    let ledgers = main_of(&repo);
    assert_eq!(said(&ledgers, key("one", NOON)).len(), 7);
    let session = ledgers.session(key("one", NOON)).expect("it can be read").expect("it is there");
    assert_eq!(session.meta.segments.iter().map(|segment| segment.name.len).sum::<u64>(), 7);
}

#[test]
fn what_has_more_events_or_newer_rules_stays() {
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    scratch.appended(&[Talk::new("one", NOON).say("hello", 5).append()]);
    let mut shorter = Talk::new("one", NOON).say("hello", 4).append();
    shorter.links.push(link(commit, EvidenceKind::Window));
    let report = scratch.appended(&[shorter]);
    assert_eq!(report.sessions, [(key("one", NOON), Change::Older)]);
    assert_eq!(report.links, 1, "its link is new all the same");
    assert_eq!(changes(&scratch, Talk::with_rules("one", NOON, 2).say("hello", 4).append()), [Change::Replaced]);
    assert_eq!(changes(&scratch, Talk::new("one", NOON).say("hello", 9).append()), [Change::Older]);
    let repo = scratch.repo();
    assert_eq!(said(&main_of(&repo), key("one", NOON)).len(), 4);
}

#[test]
fn two_logs_of_one_session_are_one_session() {
    let scratch = Scratch::new();
    let (work, more) = (scratch.commit("work"), scratch.commit("more"));
    let mut archived = Talk::new("one", NOON).say("hello", 2).append();
    archived.links = vec![link(work, EvidenceKind::Window), link(more, EvidenceKind::Window)];
    let mut live = Talk::new("one", NOON).say("hello", 4).append();
    live.links = vec![link(work, EvidenceKind::Committed)];
    for appends in [[archived.clone(), live.clone()], [live, archived]] {
        let scratch_too = Scratch::new();
        let report = scratch_too.appended(&appends);
        assert_eq!((report.sessions.len(), report.links), (1, 2));
        let repo = scratch_too.repo();
        let ledgers = main_of(&repo);
        assert_eq!(said(&ledgers, key("one", NOON)).len(), 4);
        let links = ledgers.links(work, Some(NOON)).expect("links can be read");
        assert_eq!(links[0].evidence.as_ref().map(|evidence| evidence.kind), Some(EvidenceKind::Committed));
    }
}

#[test]
fn better_evidence_replaces_a_link_and_worse_does_not() {
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    let with = |kind| Append { links: vec![link(commit, kind)], ..Talk::new("one", NOON).say("hello", 1).append() };
    let kind = || {
        let repo = scratch.repo();
        main_of(&repo).links(commit, Some(NOON)).expect("links can be read")[0]
            .evidence
            .as_ref()
            .map(|found| found.kind)
    };
    scratch.appended(&[with(EvidenceKind::Edited)]);
    assert!(matches!(scratch.append(&[with(EvidenceKind::Window)]), Outcome::Unchanged { .. }));
    assert_eq!(kind(), Some(EvidenceKind::Edited));
    scratch.appended(&[with(EvidenceKind::Wrote)]);
    assert_eq!(kind(), Some(EvidenceKind::Wrote));
    assert_eq!(scratch.paths("main").iter().filter(|path| path.starts_with("v2/c/")).count(), 1);
}

#[test]
fn a_session_stays_on_its_day() {
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    let mut append = Talk::new("one", NOON).say("hello", 2).append();
    append.links.push(link(commit, EvidenceKind::Window));
    scratch.appended(&[append]);
    // The log has an earlier moment now, of the day before.
    let earlier = NOON - 86_400;
    let record = |events| Box::new(Talk::new("one", earlier).say("hello", events).record());
    let day = Some(key("one", NOON).day);
    let known = Append { session: Captured::Record { record: record(3), day }, links: Vec::new(), anchors: Vec::new() };
    assert_eq!(scratch.appended(&[known]).sessions, [(key("one", NOON), Change::Replaced)]);
    assert_eq!(metas(&scratch).len(), 1);
    // Nobody remembers: it is there twice, and is one session all the same.
    let lost =
        Append { session: Captured::Record { record: record(4), day: None }, links: Vec::new(), anchors: Vec::new() };
    assert_eq!(scratch.appended(&[lost]).sessions, [(key("one", earlier), Change::New)]);
    let repo = scratch.repo();
    let ledgers = main_of(&repo);
    assert_eq!(ledgers.sessions().count(), 1);
    assert_eq!(ledgers.find(key("one", NOON).sid.into()).expect("names can be listed").len(), 1);
}

#[test]
fn a_session_of_another_branch_is_taken_over_without_a_byte() {
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    let (talk, checkpoint) = Talk::new("one", NOON).say("hello", 3).settle();
    let _ = scratch.append_to("topic", &[talk.append()]);
    let stored = Append {
        session: Captured::Stored(key("one", NOON)),
        links: vec![link(commit, EvidenceKind::Window)],
        anchors: Vec::new(),
    };
    let report = scratch.appended(&[stored]);
    assert_eq!((report.sessions, report.links), (vec![(key("one", NOON), Change::Copied)], 1));
    let repo = scratch.repo();
    assert_eq!(said(&main_of(&repo), key("one", NOON)).len(), 3);

    // It grows, and the third branch has none of it yet.
    let grown = Talk::resumed("one", NOON, 3, checkpoint).say("more", 1).append();
    let Outcome::Appended { report, .. } = scratch.append_to("third", &[grown]) else { panic!("it is new there") };
    assert_eq!(report.sessions, [(key("one", NOON), Change::New)]);
    let repo = scratch.repo();
    let third = LedgerView::open(&repo, &ledger("third")).expect("it opens").expect("there is one");
    assert_eq!(said(&crate::ledger::Ledgers::one(third), key("one", NOON)).len(), 4);
    let blobs = scratch.git(["cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"]);
    // format, three branches, two segments, two `m`, one link.
    assert_eq!(blobs.lines().filter(|line| *line == "blob").count(), 9);
    scratch.fsck();
}

#[test]
fn what_is_stored_nowhere_is_refused_and_the_others_are_stored() {
    let scratch = Scratch::new();
    let (_, checkpoint) = Talk::new("one", NOON).say("hello", 3).settle();
    let grown = Talk::resumed("one", NOON, 3, checkpoint).say("more", 1).append();
    let unknown = Append { session: Captured::Stored(key("two", NOON)), links: Vec::new(), anchors: Vec::new() };
    let report = scratch.appended(&[grown, unknown, Talk::new("three", NOON).say("hi", 1).append()]);
    let mut refused = vec![(key("one", NOON), Refusal::NotStored), (key("two", NOON), Refusal::NotStored)];
    refused.sort_by_key(|(key, _)| key.sid);
    assert_eq!(report.refused, refused);
    assert_eq!(report.sessions, [(key("three", NOON), Change::New)]);
    scratch.fsck();
}

#[test]
fn a_header_too_large_for_readers_is_refused_and_the_others_are_stored() {
    let scratch = Scratch::new();
    let large = Talk::new(&"x".repeat(1 << 20), NOON).say("hi", 1).append();
    let report = scratch.appended(&[large, Talk::new("one", NOON).say("hi", 1).append()]);
    assert!(matches!(report.refused[..], [(_, Refusal::MetaTooLarge(_))]), "{:?}", report.refused);
    assert_eq!(report.sessions, [(key("one", NOON), Change::New)]);
}

#[test]
fn any_native_id_is_stored() {
    let scratch = Scratch::new();
    let ids = ["", "..", "../x", "a/b/c", ".git", "\0", "日本語", "éa", "èa", "-x", "$(touch x)", "a\nb", "CON"];
    let appends: Vec<_> = ids.iter().map(|id| Talk::new(id, NOON).say("hi", 1).append()).collect();
    assert_eq!(scratch.appended(&appends).sessions.len(), ids.len());
    let repo = scratch.repo();
    let ledgers = main_of(&repo);
    for id in ids {
        let session = ledgers.session(key(id, NOON)).expect("it can be read").expect("it is there");
        assert_eq!(session.meta.header.session_id, id);
    }
    scratch.fsck();
}

#[test]
fn a_ledger_of_the_first_opensession_is_kept_and_written_beside() {
    let scratch = Scratch::new();
    let blob = scratch.git_with(["hash-object", "-w", "--stdin"], b"{}\n");
    let digest = Digest::of(b"{}\n");
    let sub = scratch.git_with(["mktree"], format!("100644 blob {blob}\t{digest}.jsonl\n").as_bytes());
    let tree = scratch.git_with(["mktree"], format!("040000 tree {sub}\tsessions\n040000 tree {sub}\tv1\n").as_bytes());
    let commit = scratch.git(["commit-tree", &tree, "-m", "old"]);
    scratch.git(["update-ref", &ledger("main").to_string(), &commit]);
    scratch.appended(&[Talk::new("one", NOON).say("hi", 1).append()]);
    let paths = scratch.paths("main");
    assert!(paths.contains(&format!("sessions/{digest}.jsonl")) && paths.contains(&format!("v1/{digest}.jsonl")));
    assert!(paths.contains(&"v2/format".to_owned()));
    scratch.fsck();
}

#[test]
fn branches_with_long_and_odd_names_have_ledgers() {
    let scratch = Scratch::new();
    let names =
        ["b".repeat(187), "c".repeat(200), "feature/日本/x".to_owned(), "-x".to_owned() + "y", "x'$(y)".to_owned()];
    for name in &names {
        let Ok(branch) = crate::git::BranchName::new(name) else { continue };
        let (repo, signature) = (scratch.repo(), signature());
        let outcome = append(&repo, &branch, &[Talk::new("one", NOON).say("hi", 1).append()], &appender(&signature));
        assert!(matches!(outcome, Ok(Outcome::Appended { .. })), "{name}: {outcome:?}");
        let view = LedgerView::open(&repo, &crate::ledger::LedgerRef::local(&branch));
        let view = view.expect("it opens").expect("there is one");
        assert_eq!(view.branch(), Some(&branch));
    }
    assert!(!scratch.git(["for-each-ref", "refs/opensession/branches/"]).is_empty());
    scratch.fsck();
}

#[test]
fn a_ref_that_holds_the_ledger_of_another_branch_is_not_appended_to() {
    let scratch = Scratch::new();
    scratch.appended(&[Talk::new("one", NOON).say("hi", 1).append()]);
    // As a disk that ignores case shows `feature-a` under the name of `feature-G`.
    scratch.git(["update-ref", &ledger("other").to_string(), &ledger("main").to_string()]);
    let (repo, signature) = (scratch.repo(), signature());
    let appended = append(&repo, &branch("other"), &[Talk::new("two", NOON).append()], &appender(&signature));
    let error = appended.expect_err("it is another branch's").to_string();
    assert!(error.contains("is the ledger of the branch \"main\", not of \"other\""), "{error}");
}

#[test]
fn links_alone_are_an_append() {
    let scratch = Scratch::new();
    scratch.appended(&[Talk::new("one", NOON).say("hi", 1).append()]);
    let commits: Vec<_> = ["a", "b"].iter().map(|message| scratch.commit(message)).collect();
    let links: Vec<NewLink> = commits.iter().map(|commit| link(*commit, EvidenceKind::Window)).collect();
    let report =
        scratch.appended(&[Append { session: Captured::Stored(key("one", NOON)), links, anchors: Vec::new() }]);
    assert_eq!((report.written_sessions(), report.links), (0, 2));
    let summary = scratch.git(["log", "-1", "--format=%s", &ledger("main").to_string()]);
    assert_eq!(summary, "opensession: 2 links");
}
