//! Ledgers that somebody else may have written: refused by name, the rest still readable.

use serde_json::{Value, json};

use super::scratch::*;
use crate::hail::{Digest, LineErrorKind};
use crate::ledger::{Change, Damage, Error, EvidenceKind, Hash8, Ledgers, MetaName, SEGMENT_LIMIT, SegmentName};

/// Reads all sessions: the ids of the good ones, and what is wrong with the others.
fn read(ledgers: &Ledgers<'_>) -> (Vec<String>, Vec<Error>) {
    let (mut ids, mut errors) = (Vec::new(), Vec::new());
    for session in ledgers.sessions() {
        match session {
            Ok(session) => ids.push(session.meta.header.session_id),
            Err(error) => errors.push(error),
        }
    }
    ids.sort();
    (ids, errors)
}

/// A ledger with two sessions and a link, and the folder of the first.
fn two() -> (Scratch, String) {
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    let mut one = Talk::new("one", NOON).say("hello", 3).append();
    one.links.push(link(commit, EvidenceKind::Window));
    scratch.appended(&[one, Talk::new("two", NOON).say("hello", 3).append()]);
    (scratch, format!("v2/s/2026/03/06/{}", key("one", NOON).sid))
}

/// The `m` of the first session, changed, and under the name that the changed one has.
fn forge(scratch: &Scratch, folder: &str, change: impl FnOnce(&mut Value)) -> String {
    let path = scratch.parts("main", folder).0.remove(0);
    let text = scratch.git(["show", &format!("{}:{path}", ledger("main"))]);
    let mut meta: Value = serde_json::from_str(&text).expect("it is JSON");
    change(&mut meta);
    let bytes = serde_json::to_vec(&meta).expect("it can be written");
    let number = |value: &Value| value.as_u64().expect("a count");
    let rules = u32::try_from(number(&meta["redaction"])).expect("a version");
    let name = MetaName { rules, events: number(&meta["stats"]["event_count"]), hash: Hash8::of(&bytes) };
    scratch.drop_path("main", &path);
    scratch.put("main", &format!("{folder}/{name}"), &bytes);
    format!("{folder}/{name}")
}

fn damage(error: &Error) -> (&str, &Damage) {
    match error {
        Error::Damaged { path, why, .. } => (path, why),
        other => panic!("something else is wrong: {other}"),
    }
}

/// Why the first session's text cannot be read to its end.
fn unreadable(scratch: &Scratch) -> String {
    let repo = scratch.repo();
    let ledgers = main_of(&repo);
    let session = ledgers.session(key("one", NOON)).expect("its m is good").expect("it is there");
    let text = ledgers.text(&session).expect("its folder can be listed").events().expect("its header is good");
    let error = text.read_to_end().expect_err("its events are bad");
    let LineErrorKind::Io(source) = error.kind else { panic!("another error: {error}") };
    assert_eq!(said(&ledgers, key("two", NOON)).len(), 3, "the other session can be read");
    source.to_string()
}

#[test]
fn names_that_no_ledger_has_are_passed_over_and_counted() {
    let (scratch, folder) = two();
    let names: [&[u8]; 9] =
        [b"..", b".git", b"a\x1b[2J", b"-x", b"a\\b", b"CON", b"\xff\xfe", b"m.1.3-zzzzzzzz.json", b"con\n"];
    for below in ["", "v2", "v2/s", "v2/s/2026", "v2/s/2026/03", "v2/s/2026/03/06", "v2/c", &folder] {
        scratch.plant("main", below, &names);
    }
    let repo = scratch.repo();
    let ledgers = main_of(&repo);
    let mut sessions = ledgers.sessions();
    let found: Vec<_> = sessions.by_ref().map(|session| session.expect("it can be read")).collect();
    assert_eq!(found.len(), 2);
    assert_eq!(sessions.ignored(), 4 * names.len() as u64, "in the folders of sessions, years, months and days");
    assert_eq!(said(&ledgers, key("one", NOON)).len(), 3);
    assert_eq!(ledgers.find("0000".parse().expect("a prefix")).expect("names can be listed").len(), 0);
    let commit = scratch.commit("work");
    assert_eq!(ledgers.links(commit, None).expect("links can be read").len(), 1);
}

#[test]
fn a_ledger_with_hostile_names_can_be_appended_to() {
    let (scratch, folder) = two();
    for below in ["v2", "v2/s/2026/03/06", &folder] {
        scratch.plant("main", below, &[b"a\x1b[2J", b"CON"]);
    }
    assert_eq!(
        scratch.appended(&[Talk::new("one", NOON).say("hi", 5).append()]).sessions,
        [(key("one", NOON), Change::Replaced)]
    );
    let repo = scratch.repo();
    assert_eq!(said(&main_of(&repo), key("one", NOON)).len(), 5);
}

#[test]
fn a_huge_m_is_refused_by_its_size() {
    let (scratch, folder) = two();
    let bytes = vec![b' '; 2 << 20];
    let name = MetaName { rules: 9, events: 9, hash: Hash8::of(&bytes) };
    scratch.put("main", &format!("{folder}/{name}"), &bytes);
    let repo = scratch.repo();
    let (ids, errors) = read(&main_of(&repo));
    assert_eq!(ids, ["one", "two"], "the next greatest m counts");
    let (path, why) = damage(&errors[0]);
    assert_eq!(path, format!("{folder}/{name}"));
    assert!(matches!(why, Damage::Object(crate::git::Error::TooLarge { .. })), "{why}");
}

#[test]
fn an_m_that_is_not_what_it_is_named_for_is_refused() {
    let (scratch, folder) = two();
    let liar = MetaName { rules: 9, events: 9, hash: Hash8::of(b"{}") };
    for (name, bytes) in [(liar, b"{}".as_slice()), (MetaName { hash: Hash8::of(b"x"), ..liar }, b"y")] {
        scratch.put("main", &format!("{folder}/{name}"), bytes);
    }
    let repo = scratch.repo();
    let (ids, errors) = read(&main_of(&repo));
    assert_eq!((ids.len(), errors.len()), (2, 2));
    assert!(errors.iter().any(|error| matches!(damage(error).1, Damage::Name)));
    assert!(errors.iter().any(|error| matches!(damage(error).1, Damage::Json { .. })));
}

#[test]
fn an_m_that_contradicts_itself_is_refused() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 7] = [
        ("another session", |meta| meta["header"]["session_id"] = json!("two")),
        ("gaps", |meta| meta["segments"][0]["name"] = json!("0.1-3-00000000")),
        ("not named for its digest", |meta| meta["segments"][0]["name"] = json!("0.0-3-00000000")),
        ("longer than any", |meta| meta["segments"][0]["bytes"] = json!(SEGMENT_LIMIT + 1)),
        ("not all its events", |meta| meta["stats"]["event_count"] = json!(99)),
        ("update git-opensession", |meta| meta["schema"] = json!(2)),
        ("not the JSON it should be", |meta| meta["segments"][0]["name"] = json!("../../x")),
    ];
    for (what, change) in changes {
        let (scratch, folder) = two();
        let path = forge(&scratch, &folder, change);
        let repo = scratch.repo();
        let ledgers = main_of(&repo);
        let (ids, errors) = read(&ledgers);
        assert_eq!(ids, ["two"], "{what}");
        assert_eq!(damage(&errors[0]).0, path);
        assert!(errors[0].to_string().contains(what), "{}", errors[0]);
        assert!(ledgers.session(key("one", NOON)).is_err(), "{what}");
    }
}

#[test]
fn deep_json_is_an_error_and_no_overflow() {
    let (scratch, folder) = two();
    let bytes = format!("{{\"schema\":1,\"header\":{}", "[".repeat(500_000)).into_bytes();
    let name = MetaName { rules: 9, events: 9, hash: Hash8::of(&bytes) };
    scratch.put("main", &format!("{folder}/{name}"), &bytes);
    let repo = scratch.repo();
    let (ids, errors) = read(&main_of(&repo));
    assert_eq!(ids, ["one", "two"]);
    assert!(matches!(damage(&errors[0]).1, Damage::Json { .. }));
}

#[test]
fn folders_links_and_submodules_are_no_files() {
    let (scratch, folder) = two();
    let name = MetaName { rules: 9, events: 9, hash: Hash8::of(b"") };
    let commit = scratch.commit("work").to_string();
    let target = scratch.git_with(["hash-object", "-w", "--stdin"], b"/etc/passwd");
    for (mode, object) in [("120000", &target), ("160000", &commit)] {
        scratch.put_entry("main", &format!("{folder}/{name}"), mode, object);
        let repo = scratch.repo();
        let (ids, errors) = read(&main_of(&repo));
        assert_eq!(ids, ["one", "two"]);
        assert!(matches!(damage(&errors[0]).1, Damage::NotA("file")), "{mode}: {}", errors[0]);
    }
    // A folder of a session that is a file is no session.
    scratch.put("main", &format!("v2/s/2026/03/06/{}", key("three", NOON).sid), b"");
    let repo = scratch.repo();
    assert_eq!(read(&main_of(&repo)).0, ["one", "two"]);
}

#[test]
fn a_bomb_unpacks_to_no_more_than_it_is_listed_with() {
    let (scratch, folder) = two();
    let zeros = zstd::bulk::compress(&vec![0; 256 << 20], 1).expect("it can be compressed");
    assert!(zeros.len() < 100_000);
    let lines = Digest::of(b"whatever");
    let name = SegmentName { generation: 0, start: 0, len: 3, hash: Hash8::from(lines) };
    for bytes in [1000_u64, SEGMENT_LIMIT] {
        forge(&scratch, &folder, |meta| {
            meta["segments"] = json!([{"name": name.to_string(), "bytes": bytes, "sha256": lines.to_string()}]);
        });
        scratch.put("main", &format!("{folder}/{}", name.file()), &zeros);
        let why = unreadable(&scratch);
        assert!(why.starts_with(&format!("{folder}/{}", name.file())), "{why}");
    }
}

#[test]
fn a_segment_with_other_lines_is_named_and_nothing_of_it_is_given_out() {
    let (scratch, folder) = two();
    let path = scratch.parts("main", &folder).1.remove(0);
    let packed = scratch.git(["rev-parse", &format!("{}:{path}", ledger("main"))]);
    let size: usize = {
        let repo = scratch.repo();
        let ledgers = main_of(&repo);
        let session = ledgers.session(key("one", NOON)).expect("it can be read").expect("it is there");
        usize::try_from(session.meta.segments[0].bytes).expect("a small size")
    };
    let other = zstd::bulk::compress(&vec![b'\n'; size], 3).expect("it can be compressed");
    scratch.put("main", &path, &other);
    assert_eq!(
        unreadable(&scratch),
        format!("{path} in {}: its lines have another SHA-256 than the one they are listed with", ledger("main"))
    );
    scratch.put("main", &path, b"no zstd at all");
    assert!(unreadable(&scratch).contains("does not unpack to the"));
    scratch.drop_path("main", &path);
    assert!(unreadable(&scratch).contains("is missing"));
    scratch.put_entry("main", &path, "100644", &packed);
    let repo = scratch.repo();
    assert_eq!(said(&main_of(&repo), key("one", NOON)).len(), 3, "put back, it is whole again");
}

#[test]
fn events_in_another_order_are_noticed() {
    let (scratch, folder) = two();
    forge(&scratch, &folder, |meta| meta["events_sha256"] = json!(Digest::of(b"else").to_string()));
    assert!(unreadable(&scratch).contains("its events have another SHA-256"));
}

#[test]
fn files_where_folders_should_be_are_an_empty_ledger() {
    for path in ["v2", "v2/s", "v2/c", "v2/s/2026", "v2/s/2026/03/06"] {
        let (scratch, _) = two();
        let commit = scratch.commit("work");
        scratch.drop_path("main", path);
        scratch.put("main", path, b"a file");
        let repo = scratch.repo();
        let ledgers = main_of(&repo);
        let (_, errors) = read(&ledgers);
        assert!(errors.is_empty(), "{path}: {errors:?}");
        assert!(ledgers.links(commit, Some(NOON)).is_ok(), "{path}");
        assert!(ledgers.session(key("one", NOON)).is_ok(), "{path}");
    }
}

#[test]
fn a_tree_that_names_every_day_of_all_years_does_not_hold_a_reader_for_ever() {
    let scratch = Scratch::new();
    let folder = |entries: &str| scratch.git_with(["mktree"], entries.as_bytes());
    let mut tree = folder("");
    for (first, last, digits) in [(1, 28, 2), (1, 12, 2), (1970, 9999, 4)] {
        let names = (first..=last).map(|number| format!("{number:0digits$}"));
        let lines: Vec<_> = names.map(|name| format!("040000 tree {tree}\t{name}\n")).collect();
        tree = folder(&lines.concat());
    }
    for name in ["s", "v2"] {
        tree = folder(&format!("040000 tree {tree}\t{name}\n"));
    }
    let commit = scratch.git(["commit-tree", &tree, "-m", "bomb"]);
    scratch.git(["update-ref", &ledger("main").to_string(), &commit]);
    let repo = scratch.repo();
    let ledgers = main_of(&repo);
    let found = ledgers.find("abcd".parse().expect("a prefix"));
    assert!(matches!(&found, Err(error) if matches!(damage(error).1, Damage::TooMany(_))), "{found:?}");
}

#[test]
fn links_with_bad_evidence_are_links_all_the_same() {
    let (scratch, _) = two();
    let commit = scratch.commit("work");
    let path = scratch.paths("main").into_iter().find(|path| path.starts_with("v2/c/")).expect("there is a link");
    for bytes in [vec![b'x'; 1 << 20], b"{}".to_vec(), Vec::new()] {
        scratch.put("main", &path, &bytes);
        let repo = scratch.repo();
        let links = main_of(&repo).links(commit, Some(NOON)).expect("links can be read");
        assert_eq!((links.len(), links[0].evidence.clone()), (1, None));
    }
    // A capture that has evidence puts it right.
    let again = crate::ledger::Append {
        session: crate::ledger::Captured::Stored(key("one", NOON)),
        links: vec![link(commit, EvidenceKind::Window)],
        anchors: Vec::new(),
    };
    assert_eq!(scratch.appended(&[again]).links, 1);
}

#[test]
fn a_session_that_lacks_a_segment_is_stored_anew() {
    let (scratch, folder) = two();
    let segment = scratch.parts("main", &folder).1.remove(0);
    scratch.drop_path("main", &segment);
    let again = Talk::new("one", NOON).say("hello", 3).append();
    assert_eq!(scratch.appended(&[again]).sessions, [(key("one", NOON), Change::New)]);
    let repo = scratch.repo();
    assert_eq!(said(&main_of(&repo), key("one", NOON)).len(), 3);
}
