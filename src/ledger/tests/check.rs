//! The check of a ledger: what is sound passes, what is not is named, and no ledger harms the checker.

use std::time::{Duration, Instant};

use serde_json::json;

use super::scratch::*;
use crate::git::Oid;
use crate::hail::Digest;
use crate::ledger::check::{Checked, Checker, Circumstances, Level, refs};
use crate::ledger::{EvidenceKind, Hash8, MetaName, Scope, SegmentName};

/// Checks the ledger of `main`.
fn check(scratch: &Scratch) -> Checked {
    check_with(scratch, Circumstances { partial: false, rules: 1 })
}

fn check_with(scratch: &Scratch, circumstances: Circumstances) -> Checked {
    let repo = scratch.repo();
    let found = refs(&repo, Scope::All).expect("refs can be listed").remove(0);
    Checker::new(&repo, circumstances).check(&found.ledger.expect("it is one of a ledger"), found.tip)
}

/// Path, kind and sentence of each finding.
fn told(checked: &Checked) -> Vec<(String, &'static str, String)> {
    let finding = |finding: &crate::ledger::check::Finding| {
        (finding.path.clone(), finding.problem.word(), finding.problem.to_string())
    };
    checked.findings.iter().map(finding).collect()
}

/// The kinds and paths of all findings.
fn kinds(scratch: &Scratch) -> Vec<(&'static str, String)> {
    told(&check(scratch)).into_iter().map(|(path, kind, _)| (kind, path)).collect()
}

/// A sound ledger of two sessions, one of them linked, and the folder of that.
fn sound() -> (Scratch, String) {
    let scratch = Scratch::new();
    let commit = scratch.commit("work");
    let mut one = Talk::new("one", NOON).say("hello", 3).append();
    one.links.push(link(commit, EvidenceKind::Window));
    scratch.appended(&[one, Talk::new("two", NOON).say("hello", 3).append()]);
    (scratch, format!("v2/s/2026/03/06/{}", key("one", NOON).sid))
}

#[test]
fn what_we_write_is_sound() {
    let (scratch, _) = sound();
    scratch.appended(&[Talk::new("one", NOON).say("hello", 8).append()]);
    let checked = check(&scratch);
    assert_eq!(told(&checked), []);
    assert_eq!((checked.sessions, checked.links, checked.branch), (2, 1, Some(branch("main"))));
}

#[test]
fn every_name_that_no_ledger_has_is_named() {
    let (scratch, folder) = sound();
    let names: [&[u8]; 8] = [b"..", b".git", b"a/b", b"a\x1b]0;x\x07", b"-x", "\u{202e}".as_bytes(), b"a\nb", b"\xff"];
    let places = ["", "v2", "v2/s", "v2/s/2026", "v2/s/2026/03", "v2/s/2026/03/06", "v2/c", "v2/c/2026-03", &folder];
    for below in places {
        scratch.plant("main", below, &names);
    }
    let checked = check(&scratch);
    let found = told(&checked);
    assert_eq!(found.len(), names.len() * places.len());
    assert!(found.iter().all(|(_, kind, _)| *kind == "bad-name"));
    assert!(found.iter().any(|(path, ..)| path == "\"v2/s/a\\033]0;x\\007\""), "{found:?}");
    assert!(found.iter().all(|(path, ..)| path.bytes().all(|byte| (b' '..=b'~').contains(&byte))));
    assert_eq!((checked.sessions, checked.links), (2, 1), "and the rest is checked");
}

#[test]
fn the_small_files_are_held_against_the_ref() {
    let (scratch, _) = sound();
    scratch.put("main", "v2/branch", b"other");
    assert_eq!(kinds(&scratch), [("other-branch", "v2/branch".into())]);
    scratch.put("main", "v2/branch", b"a..b");
    assert_eq!(kinds(&scratch), [("damaged", "v2/branch".into())]);
    scratch.drop_path("main", "v2/branch");
    scratch.put("main", "v2/floor", b"soon");
    assert_eq!(kinds(&scratch), [("missing", "v2/branch".into()), ("damaged", "v2/floor".into())]);
    scratch.put("main", "v2/format", b"3");
    assert!(kinds(&scratch).contains(&("format", "v2/format".into())));
}

#[test]
fn nothing_is_left_below_the_floor_or_under_a_tombstone() {
    let (scratch, folder) = sound();
    scratch.put("main", "v2/floor", b"2026-03-06");
    assert_eq!(kinds(&scratch), []);
    scratch.put("main", &format!("v2/x/{}", key("one", NOON).sid), b"");
    let found = kinds(&scratch);
    assert_eq!(found[0], ("purged", folder));
    assert!(found[1].0 == "purged" && found[1].1.starts_with("v2/c/2026-03/"), "{found:?}");
    for (floor, path) in
        [("2027-01-01", "v2/s/2026"), ("2026-04-01", "v2/s/2026/03"), ("2026-03-07", "v2/s/2026/03/06")]
    {
        scratch.put("main", "v2/floor", floor.as_bytes());
        assert_eq!(kinds(&scratch)[0], ("expired", path.to_owned()));
    }
}

#[test]
fn a_session_is_read_to_its_end() {
    let (scratch, folder) = sound();
    let segment = scratch.parts("main", &folder).1.remove(0);
    scratch.put("main", &segment, b"no zstd");
    assert_eq!(kinds(&scratch), [("damaged", segment.clone())]);
    scratch.drop_path("main", &segment);
    assert_eq!(kinds(&scratch)[0].0, "damaged", "a segment is missing");

    let (scratch, folder) = sound();
    let path = scratch.parts("main", &folder).0.remove(0);
    let text = scratch.git(["show", &format!("{}:{path}", ledger("main"))]);
    let mut meta: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    meta["stats"]["user_message_count"] = json!(77);
    let bytes = serde_json::to_vec(&meta).expect("it can be written");
    let forged = format!("{folder}/{}", MetaName { rules: 1, events: 3, hash: Hash8::of(&bytes) });
    scratch.put("main", &forged, &bytes);
    assert_eq!(kinds(&scratch), [("stats", forged)], "the good m beside it passes");
}

#[test]
fn links_are_held_against_commits_sessions_and_evidence() {
    let (scratch, folder) = sound();
    scratch.drop_path("main", &folder);
    assert_eq!(kinds(&scratch)[0].0, "no-session");

    let (scratch, _) = sound();
    let link = scratch.paths("main").into_iter().find(|path| path.starts_with("v2/c/")).expect("a link");
    scratch.put("main", &link.replace("2026-03", "2026-02"), b"{}");
    let found = told(&check(&scratch));
    assert_eq!((found[0].1, found[1].1), ("month", "damaged"), "{found:?}");
    assert!(found[0].2.contains("2026-03"));

    let (scratch, _) = sound();
    let absent = format!("v2/c/2026-03/ab/{}/{}", "cd".repeat(19), key("one", NOON));
    scratch.put("main", &absent, &evidence(EvidenceKind::Window).to_json().expect("it can be written"));
    let checked = check(&scratch);
    assert_eq!((checked.errors(), checked.notes()), (0, 1));
    assert_eq!(told(&checked)[0].2, "a linked commit is not here; never fetched, or rewritten since");
}

#[test]
fn older_rules_of_redaction_are_a_note_that_says_what_to_run() {
    let (scratch, _) = sound();
    let checked = check_with(&scratch, Circumstances { partial: false, rules: 2 });
    assert_eq!((checked.errors(), checked.findings[0].problem.level()), (0, Level::Note));
    assert!(told(&checked)[0].2.ends_with("git opensession redact --again"));
}

#[test]
fn snapshots_are_named_for_what_is_in_them() {
    let (scratch, _) = sound();
    scratch.put("main", &format!("sessions/{}.jsonl", Digest::of(b"one\n")), b"one\n");
    assert_eq!(kinds(&scratch), []);
    let wrong = format!("sessions/{}.jsonl", Digest::of(b"two\n"));
    scratch.put("main", &wrong, b"one\n");
    assert_eq!(kinds(&scratch), [("damaged", wrong.clone())]);
    scratch.drop_path("main", &wrong);
    scratch.put("main", &format!("v2/x/{}", Digest::of(b"one\n")), b"");
    assert_eq!(kinds(&scratch), [("purged", format!("sessions/{}.jsonl", Digest::of(b"one\n")))]);
}

#[test]
fn what_lies_in_an_inbox_is_named_for_its_commit() {
    let (scratch, _) = sound();
    let tip: Oid = scratch.git(["rev-parse", &ledger("main").to_string()]).parse().expect("an id");
    let inbox = ledger("main").to_inbox("origin", tip).to_string();
    scratch.git(["update-ref", &inbox, &tip.to_string()]);
    let of_origin = || {
        let repo = scratch.repo();
        let found = refs(&repo, Scope::Remote("origin")).expect("they can be listed");
        let circumstances = Circumstances { partial: false, rules: 1 };
        let mut checker = Checker::new(&repo, circumstances);
        let found = found.into_iter().map(|found| match found.ledger {
            Some(ledger) => checker.check(&ledger, found.tip),
            None => Checked::no_ledger(found.name),
        });
        found.flat_map(|checked| told(&checked)).map(|(_, kind, _)| kind).collect::<Vec<_>>()
    };
    assert_eq!(of_origin(), [""; 0]);
    scratch.put("main", "v2/floor", b"2026-03-06");
    scratch.git(["update-ref", &inbox, &ledger("main").to_string()]);
    assert_eq!(of_origin(), ["bad-inbox"]);
    scratch.git(["update-ref", "refs/opensession/remotes/origin/inbox/bWFpbg/latest", &inbox]);
    scratch.git(["update-ref", "refs/opensession/remotes/origin/notes", &inbox]);
    assert_eq!(of_origin(), ["bad-inbox", "bad-ref"]);
}

#[test]
fn a_gigabyte_of_zeros_is_refused_by_its_size() {
    let (scratch, _) = sound();
    let zeros = scratch.path().join("zeros");
    std::fs::File::create(&zeros).and_then(|file| file.set_len(1 << 30)).expect("a sparse file");
    let blob = scratch.git(["-c", "core.bigFileThreshold=1m", "hash-object", "-w", "zeros"]);
    let path = format!("sessions/{}.jsonl", Digest::of(b"zeros"));
    scratch.put_entry("main", &path, "100644", &blob);
    let began = Instant::now();
    assert_eq!(kinds(&scratch), [("too-large", path)]);
    assert!(began.elapsed() < Duration::from_secs(5), "it was not read");
}

#[test]
fn a_bomb_of_trees_is_counted_and_not_walked() {
    let (scratch, _) = sound();
    let folder = |entries: &str| scratch.git_with(["mktree"], entries.as_bytes());
    let blob = scratch.git_with(["hash-object", "-w", "--stdin"], b"");
    // Ten names a day, in each of 2.7 million days: 4 trees.
    let lines = |entry: &str, names: &[String]| {
        let named: Vec<_> = names.iter().map(|name| format!("{entry}\t{name}\n")).collect();
        named.concat()
    };
    let names: Vec<_> = (0..10).map(|n: u8| n.to_string()).collect();
    let mut tree = folder(&lines(&format!("100644 blob {blob}"), &names));
    for (first, last, digits) in [(1, 28, 2), (1, 12, 2), (1970, 9999, 4)] {
        let names: Vec<_> = (first..=last).map(|number| format!("{number:0digits$}")).collect();
        tree = folder(&lines(&format!("040000 tree {tree}"), &names));
    }
    scratch.drop_path("main", "v2/s");
    scratch.plant_tree("main", "v2", "s", &tree);
    let checked = check(&scratch);
    let found = told(&checked);
    assert!(found.iter().any(|(_, _, why)| why.starts_with("more than 5000000 names")), "{found:?}");
    assert_eq!(found.iter().filter(|(_, kind, _)| *kind == "bad-name").count(), 10, "each is named once");
    assert_eq!(checked.links, 1, "links are checked all the same");
}

#[test]
fn a_bomb_of_text_is_not_unpacked() {
    let (scratch, folder) = sound();
    let packed = zstd::bulk::compress(&vec![b'\n'; 64 << 20], 1).expect("it can be compressed");
    let lines = Digest::of(&vec![b'\n'; 64 << 20]);
    let path = scratch.parts("main", &folder).0.remove(0);
    let text = scratch.git(["show", &format!("{}:{path}", ledger("main"))]);
    let mut meta: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let len = 64_u64 << 20;
    let name = |n: u64| SegmentName { generation: 0, start: n * len, len, hash: Hash8::from(lines) };
    let segment = |n| json!({"name": name(n).to_string(), "bytes": len, "sha256": lines.to_string()});
    meta["segments"] = (0..1000).map(segment).collect();
    meta["stats"]["event_count"] = json!(1000 * len);
    let bytes = serde_json::to_vec(&meta).expect("it can be written");
    let forged = format!("{folder}/{}", MetaName { rules: 1, events: 1000 * len, hash: Hash8::of(&bytes) });
    scratch.put("main", &forged, &bytes);
    let blob = scratch.git_with(["hash-object", "-w", "--stdin"], &packed);
    for n in 0..4 {
        scratch.put_entry("main", &format!("{folder}/{}", name(n).file()), "100644", &blob);
    }
    assert_eq!(kinds(&scratch), [("bomb", forged)]);
}

#[test]
fn what_is_no_file_and_what_is_not_here_are_named() {
    let (scratch, folder) = sound();
    let commit = scratch.commit("work").to_string();
    let target = scratch.git_with(["hash-object", "-w", "--stdin"], b"/etc/passwd");
    let floor = "v2/floor".to_owned();
    for (mode, object) in [("120000", &target), ("160000", &commit)] {
        scratch.put_entry("main", &floor, mode, object);
        assert_eq!(kinds(&scratch), [("damaged", floor.clone())]);
    }
    scratch.drop_path("main", &floor);
    // A submodule where the sessions of a day are: it leads nowhere, not even to this ledger itself.
    let own = scratch.git(["rev-parse", &ledger("main").to_string()]);
    scratch.put_entry("main", "v2/s/2026/03/07", "160000", &own);
    assert_eq!(kinds(&scratch), [("bad-name", "v2/s/2026/03/07".into())]);
    scratch.put_entry("main", "v2/s/2026/03/07", "100644", &target);
    assert_eq!(kinds(&scratch), [("bad-name", "v2/s/2026/03/07".into())]);
    scratch.drop_path("main", "v2/s/2026/03/07");

    let segment = scratch.parts("main", &folder).1.remove(0);
    let oid = scratch.git(["rev-parse", &format!("{}:{segment}", ledger("main"))]);
    std::fs::remove_file(scratch.path().join("objects").join(&oid[..2]).join(&oid[2..])).expect("it is loose");
    let checked = check(&scratch);
    assert_eq!(told(&checked)[0].1, "damaged");
    assert!(checked.errors() >= 1);
    let partial = check_with(&scratch, Circumstances { partial: true, rules: 1 });
    assert_eq!((partial.errors(), told(&partial)[0].1), (0, "objects-not-here"), "{:?}", told(&partial));
}

#[test]
fn a_merge_and_a_ref_that_is_none_of_a_ledger_are_named() {
    let (scratch, _) = sound();
    let name = ledger("main").to_string();
    let merge = scratch.git([
        "commit-tree",
        &format!("{name}^{{tree}}"),
        "-p",
        &name,
        "-p",
        &scratch.commit("x").to_string(),
        "-m",
        "m",
    ]);
    scratch.git(["update-ref", &name, &merge]);
    assert_eq!(kinds(&scratch), [("parents", merge)]);
    scratch.git(["update-ref", "refs/opensession/branches/a/b", &name]);
    scratch.git(["update-ref", "refs/opensession/remotes/origin/notes", &name]);
    let repo = scratch.repo();
    let found = refs(&repo, Scope::All).expect("they can be listed");
    let odd: Vec<_> = found.iter().filter(|found| found.ledger.is_none()).map(|found| found.name.as_str()).collect();
    assert_eq!(odd, ["refs/opensession/branches/a/b"]);
}

#[test]
fn what_two_ledgers_share_is_read_once_and_named_in_both() {
    let (scratch, folder) = sound();
    let name = ledger("main").to_string();
    let segment = scratch.parts("main", &folder).1.remove(0);
    scratch.put("main", &segment, b"no zstd");
    scratch.git(["update-ref", &ledger("main").to_tracking("origin").to_string(), &name]);
    let repo = scratch.repo();
    let mut checker = Checker::new(&repo, Circumstances { partial: false, rules: 1 });
    let found = refs(&repo, Scope::All).expect("they can be listed");
    let both: Vec<_> =
        found.iter().map(|found| checker.check(found.ledger.as_ref().expect("one"), found.tip)).collect();
    assert_eq!(both.iter().map(Checked::errors).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(both.iter().map(|checked| checked.sessions).collect::<Vec<_>>(), [2, 2]);
}
