//! The store: one name for one text, whoever writes at once, and nothing given out that is not what it is named.

use std::time::{Duration, Instant};

use super::*;
use crate::git::{GitEnvironment, Identity, Signature};
use crate::redaction::{Person, Redactor};

const TEXT: &str = concat!(
    r#"{"type":"header","version":"hail-1.0.0","session_id":"s","agent":{"provider":"p","model":"m","tool":"t"},"#,
    r#""context":{"tags":[],"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}}"#,
    "\n",
    r#"{"type":"event","event_id":"NAME","timestamp":"2026-01-01T00:00:00Z","event_type":{"type":"UserMessage"},"#,
    r#""content":{"blocks":[{"type":"Text","text":"token ghp_0123456789abcdefghijABCDEFGHIJ012345"}]}}"#,
    "\n{\"type\":\"stats\"}\n"
);

fn snapshot(name: &str) -> Snapshot {
    let redactor = Redactor::new(&Person::default());
    Snapshot::read(TEXT.replace("NAME", name).as_bytes(), &redactor, SHARE_LIMIT).expect("HAIL")
}

struct Place {
    folder: tempfile::TempDir,
    repo: Repo,
    signature: Signature,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let repo = Repo::make_private(&folder.path().join("r.git"), &GitEnvironment::default()).expect("a repository");
        let signature = Signature { identity: Identity::new("n", "e"), time: 1, offset: 0 };
        Self { folder, repo, signature }
    }

    fn by(&self) -> Appender<'_> {
        Appender { signature: &self.signature, lock: None, deadline: Instant::now() + Duration::from_secs(60) }
    }
}

#[test]
fn what_is_put_is_there_and_putting_it_again_writes_nothing() {
    let place = Place::new();
    let store = Store::of(&place.repo);
    let (one, two) = (snapshot("1"), snapshot("2"));
    assert_eq!(store.get(one.digest().into()).expect("a store"), None);
    assert_eq!(store.put(&one, &place.by()).expect("written"), Registered::New);
    let tip = store.tree().expect("a store");
    assert_eq!(store.put(&one, &place.by()).expect("known"), Registered::Known);
    assert_eq!(store.tree().expect("a store"), tip);
    assert_eq!(store.put(&two, &place.by()).expect("written"), Registered::New);
    for snapshot in [&one, &two] {
        let object = store.get(snapshot.digest().into()).expect("a store").expect("it is there");
        assert_eq!((object.text.as_slice(), object.redaction), (snapshot.text(), Redaction::Applied));
    }
    let mut names = vec![one.digest(), two.digest()];
    names.sort();
    let listed: Vec<Digest> = store.names().expect("a store").iter().map(|(name, _)| Digest::from(*name)).collect();
    assert_eq!(listed, names);
}

#[test]
fn what_was_not_redacted_is_remembered_as_such() {
    let place = Place::new();
    let store = Store::of(&place.repo);
    let raw = UnredactedSnapshot::read(TEXT.as_bytes(), SHARE_LIMIT).expect("HAIL");
    assert_eq!(store.put_unredacted(&raw, &place.by()).expect("written"), Registered::New);
    let object = store.get(raw.digest().into()).expect("a store").expect("it is there");
    assert_eq!((object.text.as_slice(), object.redaction), (raw.text(), Redaction::Skipped));
    assert_eq!(store.names().expect("a store"), [(raw.digest().into(), Redaction::Skipped)]);
}

#[test]
fn of_many_that_register_at_once_none_is_lost() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let path = place.folder.path().join("r.git");
            let by = place.by();
            scope.spawn(move || {
                let repo = Repo::open_private(&path, &GitEnvironment::default()).expect("a repository").expect("one");
                for round in 0..3 {
                    let put = Store::of(&repo).put(&snapshot(&format!("{number} {round}")), &by);
                    assert_eq!(put.expect("written"), Registered::New);
                }
            });
        }
    });
    assert_eq!(Store::of(&place.repo).names().expect("a store").len(), 24);
}

#[test]
fn what_is_not_what_its_name_says_is_not_given_out() {
    let place = Place::new();
    let store = Store::of(&place.repo);
    let (one, other) = (snapshot("1"), snapshot("2"));
    let name = one.digest().into();
    store.write(name, Redaction::Applied, other.text(), &place.by()).expect("written");
    let error = store.get(name).expect_err("it is another text");
    assert_eq!(
        error.to_string(),
        format!("os://src/local/{name} is damaged: what is stored under this name has the SHA-256 {}", other.digest())
    );
    assert_eq!(store.put(&one, &place.by()).expect("put right"), Registered::New);
    assert_eq!(store.get(name).expect("a store").expect("it is there").text, one.text());
}
