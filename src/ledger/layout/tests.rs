use proptest::prelude::*;

use super::*;
use crate::session::Timestamp;

fn key() -> impl Strategy<Value = SessionKey> {
    (0_i64..253_402_300_799, any::<String>())
        .prop_map(|(at, id)| SessionKey { day: Day::of(Timestamp::from_seconds(at)), sid: Sid::new("a", &id) })
}

fn oid() -> impl Strategy<Value = Oid> {
    let sha1 = any::<[u8; 20]>().prop_map(|bytes| Oid::from_bytes(&bytes));
    let sha256 = any::<[u8; 32]>().prop_map(|bytes| Oid::from_bytes(&bytes));
    prop_oneof![sha1, sha256].prop_filter_map("all zeros are no id", Result::ok)
}

fn hash() -> impl Strategy<Value = Hash8> {
    any::<[u8; 4]>().prop_map(Hash8)
}

fn path() -> impl Strategy<Value = LedgerPath> {
    prop_oneof![
        Just(LedgerPath::Format),
        Just(LedgerPath::Branch),
        Just(LedgerPath::Floor),
        key().prop_map(LedgerPath::Kept),
        (key(), any::<u32>(), any::<u64>(), any::<u64>(), hash()).prop_map(|(key, generation, start, len, hash)| {
            LedgerPath::Segment(key, SegmentName { generation, start, len, hash })
        }),
        (key(), any::<u32>(), any::<u64>(), hash())
            .prop_map(|(key, rules, events, hash)| LedgerPath::Meta(key, MetaName { rules, events, hash })),
        (any::<i64>(), oid(), key()).prop_map(|(at, oid, key)| LedgerPath::CommitLink(Month::of_commit(at), oid, key)),
        (oid(), key()).prop_map(|(oid, key)| LedgerPath::PatchLink(PatchId(oid), key)),
        key().prop_map(|key| LedgerPath::Tombstone(key.sid)),
        any::<Vec<u8>>().prop_map(|bytes| LedgerPath::SnapshotTombstone(Digest::of(&bytes))),
        any::<Vec<u8>>().prop_map(|bytes| LedgerPath::Snapshot(Digest::of(&bytes))),
    ]
}

proptest! {
    #[test]
    fn every_path_reads_back_as_what_it_was(path in path()) {
        prop_assert_eq!(LedgerPath::parse(path.to_string().as_bytes()), Some(path));
    }

    #[test]
    fn a_path_with_one_byte_changed_is_no_path_or_prints_as_it_was_read(
        path in path(), at in any::<prop::sample::Index>(), byte in any::<u8>(), insert in any::<bool>(),
    ) {
        let mut bytes = path.to_string().into_bytes();
        let at = at.index(bytes.len());
        if insert { bytes.insert(at, byte) } else { bytes[at] = byte }
        if let Some(read) = LedgerPath::parse(&bytes) {
            prop_assert_eq!(read.to_string().into_bytes(), bytes);
        }
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in any::<Vec<u8>>(), parts in "(v2|s|c|p|x|\\.\\.|/|[0-9a-f]{2}|-){0,12}") {
        for bytes in [bytes, parts.into_bytes()] {
            if let Some(read) = LedgerPath::parse(&bytes) {
                prop_assert_eq!(read.to_string().into_bytes(), bytes);
            }
        }
    }
}

#[test]
fn hostile_names_are_no_paths() {
    let sid = "0123456789abcdef0123456789abcdef";
    let commit = "ab/cdef0123456789abcdef0123456789abcdef01";
    for path in [
        "",
        "/",
        "v2",
        "v2/",
        "v2/s",
        "..",
        "v2/../v2/format",
        "/v2/format",
        "v2/format/",
        "v1/format",
        "v2/FORMAT",
        ".git/config",
        "v2/x/..",
        "v2/x/.git",
        &format!("v2/x/{}", sid.to_uppercase()),
        &format!("v2/x/{sid}\u{1b}[2J"),
        &format!("v2/x/{sid}/{sid}"),
        &format!("v2/x/{sid}0123"),
        &format!("v2/x/{sid}{}", sid.to_uppercase()),
        &format!("v2/s/2026/02/30/{sid}/m.1.5-00000000.json"),
        &format!("v2/s/2026/1/01/{sid}/m.1.5-00000000.json"),
        &format!("v2/s/2026/01/01/{sid}/m.1.05-00000000.json"),
        &format!("v2/s/2026/01/01/{sid}/m.1.+5-00000000.json"),
        &format!("v2/s/2026/01/01/{sid}/m.1.5-0000000.json"),
        &format!("v2/s/2026/01/01/{sid}/m.1.5-0000000G.json"),
        &format!("v2/s/2026/01/01/{sid}/m.4294967296.5-00000000.json"),
        &format!("v2/s/2026/01/01/{sid}/0.0-5-00000000"),
        &format!("v2/s/2026/01/01/{sid}/../0.0-5-00000000.zst"),
        &format!("v2/s/2026/01/01/{sid}/0.0-18446744073709551616-00000000.zst"),
        &format!("v2/s/2026/01/01/{sid}"),
        &format!("v2/c/2026-13/{commit}/20260101-{sid}"),
        &format!("v2/c/2026-01/{}/20260101-{sid}", &commit[..40]),
        &format!("v2/c/2026-01/{}/20260101-{sid}", commit.to_uppercase()),
        &format!("v2/c/2026-01/{commit}/20260230-{sid}"),
        "v2/c/2026-01/00/00000000000000000000000000000000000000/20260101-0123456789abcdef0123456789abcdef",
        "sessions/abc.jsonl",
    ] {
        assert_eq!(LedgerPath::parse(path.as_bytes()), None, "{path}");
    }
}

#[test]
fn the_names_of_metas_are_ordered_by_rules_then_events_then_hash() {
    let name = |text: &str| MetaName::parse(text.as_bytes()).expect("a name");
    let rising = [
        "m.1.9-ffffffff.json",
        "m.1.10-00000000.json",
        "m.1.10-00000001.json",
        "m.2.3-00000000.json",
        "m.10.1-00000000.json",
    ]
    .map(name);
    assert!(rising.is_sorted());
}
