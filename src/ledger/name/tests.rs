use proptest::prelude::*;

use super::*;

fn branch(name: impl AsRef<[u8]>) -> BranchName {
    BranchName::new(name).expect("a branch name")
}

fn parsed(name: &str) -> Option<LedgerRef> {
    LedgerRef::parse(&RefName::new(name).expect("a ref name"))
}

#[test]
fn a_branch_is_spelled_in_base64url_without_padding() {
    assert_eq!(LedgerRef::local(&branch("main")).to_string(), "refs/opensession/branches/bWFpbg");
    let tracking = LedgerRef::tracking("origin", &branch("feature/x?".replace('?', "y")));
    assert_eq!(tracking.to_string(), "refs/opensession/remotes/origin/branches/ZmVhdHVyZS94eQ");
    assert_eq!(tracking.to_local().to_tracking("origin"), tracking);
}

#[test]
fn a_long_name_is_hashed_so_that_its_lock_file_fits_into_a_path_part() {
    let longest = LedgerRef::local(&branch("b".repeat(187)));
    assert_eq!(longest.key.len() + ".lock".len(), 255);
    assert_eq!(longest.branch(), Some(branch("b".repeat(187))));
    let hashed = LedgerRef::local(&branch("b".repeat(188)));
    assert_eq!(hashed.key.len(), 66);
    assert_eq!(hashed.branch(), None);
    assert!(hashed.is_of("b".repeat(188).as_bytes()) && !hashed.is_of(b"main"));
    assert_eq!(parsed(&hashed.to_string()), Some(hashed));
}

#[test]
fn refs_that_are_no_ledgers_are_not_taken_for_one() {
    for name in [
        "refs/heads/main",
        "refs/opensession/local",
        "refs/opensession/branches/a/b",
        "refs/opensession/branches/bWFpbg=",
        "refs/opensession/branches/bWFpbh", // not the canonical spelling of `main`
        "refs/opensession/branches/h.00",
        "refs/opensession/branches/Li4", // `..`
        "refs/opensession/remotes/origin/bWFpbg",
        "refs/opensession/remotes/or.igin/branches/bWFpbg",
        "refs/opensession/remotes/a/b/branches/bWFpbg",
        "refs/opensession/remotes/%6Frigin/branches/bWFpbg", // `origin`, but not as we spell it
    ] {
        assert_eq!(parsed(name), None, "{name}");
    }
}

#[test]
fn a_fetch_never_writes_a_live_ledger_and_asks_for_no_inbox_by_a_pattern() {
    let told = |namespace: Namespace| {
        let all = namespace.all("my/remote").expect("they are valid");
        all.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let ours = "refs/opensession/remotes/my%2Fremote";
    for (namespace, theirs, notes) in [
        (Namespace::Hidden, "refs/opensession", "refs/notes/opensession"),
        (Namespace::Heads, "refs/heads/opensession", "refs/heads/opensession/notes"),
    ] {
        let ledgers = format!("+{theirs}/branches/*:{ours}/branches/*");
        assert_eq!(told(namespace), [ledgers, format!("+{notes}*:{ours}/notes*")]);
    }
    assert!(Mapping::new("refs/opensession/branches/*", "refs/opensession/branches/*").is_err());
}

#[test]
fn what_is_left_in_an_inbox_is_named_for_its_content() {
    let commit: Oid = "1234567890123456789012345678901234567890".parse().expect("an id");
    let inbox = LedgerRef::local(&branch("main")).to_inbox("origin", commit);
    assert_eq!(inbox.to_string(), format!("refs/opensession/remotes/origin/inbox/bWFpbg/{commit}"));
    assert_eq!(parsed(&inbox.to_string()), Some(inbox.clone()));
    assert_eq!((inbox.inbox(), inbox.is_local(), inbox.remote().as_deref()), (Some(commit), false, Some("origin")));
    let there = Namespace::Heads.inbox(&inbox, commit).expect("a valid ref");
    assert_eq!(there.to_string(), format!("refs/heads/opensession/inbox/bWFpbg/{commit}"));
    let there = RefName::new(there.to_string()).expect("a ref name");
    assert_eq!(Namespace::Heads.inbox_named(&there, commit), Some(inbox.to_local()));
    assert_eq!(Namespace::Hidden.inbox_named(&there, commit), None);
    let other = "2".repeat(40).parse().expect("an id");
    assert_eq!(Namespace::Heads.inbox_named(&there, other), None, "it is not what it is named for");
    for name in ["12", "", "123456789012345678901234567890123456789G"] {
        let name = format!("refs/opensession/remotes/origin/inbox/bWFpbg/x{name}");
        assert_eq!(parsed(&name), None, "{name}");
    }
}

#[test]
fn a_ledger_is_known_by_what_either_kind_of_remote_calls_it() {
    let ledger = LedgerRef::local(&branch("main"));
    for namespace in [Namespace::Hidden, Namespace::Heads] {
        let there = namespace.ledger(&ledger).expect("a valid ref").to_string();
        let there = RefName::new(there).expect("a ref name");
        assert_eq!(Namespace::parse_ledger(&there), Some((namespace, ledger.clone())));
    }
    for name in ["refs/heads/main", "refs/opensession/local", "refs/opensession/branches/Li4", "refs/notes/x"] {
        assert_eq!(Namespace::parse_ledger(&RefName::new(name).expect("a ref name")), None, "{name}");
    }
}

#[test]
fn there_are_two_namespaces_and_no_more() {
    for (name, namespace) in Namespace::NAMES.into_iter().zip([Namespace::Hidden, Namespace::Heads]) {
        assert_eq!(Namespace::parse(name), Some(namespace));
    }
    for name in ["", "refs/heads", "refs/heads/main", "opensession", "refs/tags/opensession/branches"] {
        assert_eq!(Namespace::parse(name), None, "{name}");
    }
}

proptest! {
    #[test]
    fn every_branch_reads_back_from_its_ref(name in "[a-zA-Z0-9é日_-]{1,12}(/[a-zA-Z0-9é日_-]{1,12}){0,3}") {
        let ledger = LedgerRef::local(&branch(&name));
        prop_assert_eq!(parsed(&ledger.to_string()), Some(ledger.clone()));
        prop_assert_eq!(ledger.branch(), Some(branch(&name)));
        prop_assert!(ledger.to_ref().is_ok());
    }

    #[test]
    fn every_remote_has_one_valid_path_part_and_reads_back(remote in any::<String>()) {
        let ledger = LedgerRef::tracking(&remote, &branch("main"));
        prop_assert!(ledger.to_ref().is_ok());
        prop_assert_eq!(parsed(&ledger.to_string()), Some(ledger.clone()));
        prop_assert!(ledger.remote().is_none_or(|name| name == remote));
    }

    #[test]
    fn no_two_remotes_share_a_path_part(one in "[a-c%./]{1,3}", other in "[a-c%./]{1,3}") {
        prop_assert_eq!(RemoteKey::new(&one) == RemoteKey::new(&other), one == other);
    }
}
