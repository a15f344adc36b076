use proptest::prelude::*;

use super::*;
use crate::ledger::Day;
use crate::link::ShortId;
use crate::session::Timestamp;

const VERSIONS: &str = "0.0.0 rules:1 codex:1";

/// All that an index knows of logs.
fn entries(index: &Index) -> BTreeMap<PathHash, Entry> {
    index.pieces().map(|(name, piece)| (name, piece.entry().expect("it can be read"))).collect()
}

fn known(n: u64) -> Verdict {
    let hash = |n: u64| PathHash::of(&n.to_le_bytes());
    let mut files: Vec<_> = (0..n % 12).map(|at| hash(n * 100 + at)).collect();
    files.sort();
    Verdict::Here(Arc::new(Known {
        key: SessionKey {
            day: Day::of(Timestamp::from_seconds(1_700_000_000)),
            sid: Sid::new("codex", &n.to_string()),
        },
        events: n,
        ledgers: (0..n % 3).map(|ledger| (hash(ledger), n)).collect(),
        refused: (0..n % 2).map(|ledger| (hash(ledger + 7), n)).collect(),
        outline: Outline {
            first: -5,
            last: 1_700_000_000,
            worktrees: vec![hash(1)],
            files,
            commits: ShortId::new("abcdef0").into_iter().collect(),
        },
    }))
}

fn index(logs: u64) -> Index {
    let mut index = Index { roots: vec!["/a b/\"c\"\n".into(), "/d".into()], captured_at: Some(7), ..Index::default() };
    for n in 0..logs {
        let verdict = match n % 6 {
            0 => Verdict::Unread,
            1 => Verdict::Elsewhere,
            2 => Verdict::Unplaced,
            3 => Verdict::Broken(Broken::NotALog),
            4 => Verdict::Broken(Broken::Panicked),
            _ => known(n),
        };
        index.insert(PathHash::of(&n.to_be_bytes()), Entry { size: n, mtime: i128::from(n) - 3, verdict });
    }
    index
}

#[test]
fn what_is_stored_is_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut written = index(60);
    written.store(folder.path(), VERSIONS).expect("it can be written");
    let mut loaded = Index::load(folder.path(), VERSIONS);
    assert_eq!((entries(&loaded), &loaded.roots, loaded.captured_at), (entries(&written), &written.roots, Some(7)));
    assert_eq!(loaded.get(PathHash::of(&5u64.to_be_bytes())).map(|entry| entry.verdict), Some(known(5)));
    assert_eq!(loaded.get(PathHash::of(b"another")), None);
    // What was not touched is written as it was read.
    let entry = Entry { size: 1, mtime: 2, verdict: known(8) };
    for index in [&mut loaded, &mut written] {
        index.insert(PathHash::of(&7u64.to_be_bytes()), entry.clone());
        index.forget_elsewhere();
        index.store(folder.path(), VERSIONS).expect("it can be written");
        assert_eq!(entries(&Index::load(folder.path(), VERSIONS)), entries(index));
    }
    assert_eq!(entries(&loaded), entries(&written));
    assert!(entries(&loaded).values().all(|entry| entry.verdict != Verdict::Elsewhere));
}

#[test]
fn a_session_rests_if_it_owes_nothing_and_has_no_other_log() {
    let name = |n: u64| PathHash::of(&n.to_be_bytes());
    let log = LogFile { path: PathBuf::from("/x"), size: 1, mtime: 1 };
    let entry = |verdict: Verdict| Entry { size: 1, mtime: 1, verdict };
    let mut owing = known(1);
    if let Verdict::Here(known) = &mut owing {
        Arc::make_mut(known).ledgers = vec![(name(9), 0)];
    }
    let mut refused = owing.clone();
    if let Verdict::Here(known) = &mut refused {
        let known = Arc::make_mut(known);
        known.key.sid = Sid::new("codex", "refused");
        known.refused_by(name(9));
    }
    let mut index = Index::default();
    let verdicts = [known(5), known(5), known(7), owing, refused, Verdict::Elsewhere];
    for (n, verdict) in (0..).zip(verdicts.clone()) {
        index.insert(name(n), entry(verdict));
    }
    let again = |index: &Index| Index::parse(index.print(VERSIONS).expect("it can be written"), |_| true);
    let at_rest = |index: &Index| -> Vec<u64> {
        let rests = |n: &u64| match index.see(name(*n), &log) {
            Seen::AtRest(place, rest) => {
                let Verdict::Here(known) = &verdicts[usize::try_from(*n).expect("few")] else { panic!("no session") };
                assert_eq!((rest.sid, rest.sketch.first()), (known.key.sid, known.outline.first));
                assert_eq!(index.known(place).as_ref(), Some(known));
                true
            }
            Seen::New | Seen::Changed => panic!("it is known"),
            Seen::Same => false,
        };
        (0..6).filter(rests).collect()
    };
    assert_eq!(at_rest(&index), [] as [u64; 0], "what was learnt now is not looked up");
    let mut index = again(&index);
    assert_eq!(at_rest(&index), [2, 4]);
    let changed = LogFile { size: 2, ..log.clone() };
    assert!(matches!(index.see(name(2), &changed), Seen::Changed));
    assert!(matches!(index.see(name(77), &log), Seen::New));
    // Without its twin it may rest.
    index.forget(|piece| matches!(piece, Piece::Stored(record) if record.name == name(0)));
    assert!(matches!(index.see(name(0), &log), Seen::New));
    let mut index = again(&index);
    index.insert(name(0), entry(known(8)));
    assert_eq!(at_rest(&index)[..1], [1]);
}

#[test]
fn another_version_knows_the_worktrees_and_nothing_else() {
    let printed = index(60).print(VERSIONS).expect("it can be written");
    let read = Index::parse(printed, |versions| versions == "0.0.1");
    assert_eq!((entries(&read).len(), read.roots.len(), read.captured_at), (0, 2, Some(7)));
}

#[test]
fn no_file_or_one_of_garbage_is_an_empty_index() {
    let folder = tempfile::tempdir().expect("a folder");
    let is_empty = || {
        let index = Index::load(folder.path(), VERSIONS);
        entries(&index).is_empty() && index.roots.is_empty() && index.captured_at.is_none()
    };
    assert!(is_empty());
    for garbage in [&b""[..], b"\n", b"\xff\xfe", b"opensession-cursor-7 zz\nversions x\n", b"opensession-cursor-6 0\n"]
    {
        fs::write(folder.path().join(NAME), garbage).expect("it can be written");
        assert!(is_empty());
    }
}

#[test]
fn a_log_written_while_the_logs_were_listed_is_not_taken_for_unchanged() {
    let log = |mtime| LogFile { path: PathBuf::from("/x"), size: 1, mtime };
    let is_settled = |mtime: i128, listed_at| {
        let mut index = Index { listed_at, ..Index::default() };
        index.insert(PathHash::of(b"x"), Entry { size: 1, mtime, verdict: Verdict::Unread });
        index.get(PathHash::of(b"x")).is_some_and(|entry| entry.is_of(&log(mtime)))
    };
    let (noon, ms) = (1_772_798_400 * SECOND + 500_000_000, 1_000_000);
    assert!(is_settled(noon, None));
    assert!(is_settled(noon - 4 * ms, Some(noon)));
    assert!(!is_settled(noon, Some(noon)) && !is_settled(noon + 4 * ms, Some(noon)));
    assert!(is_settled(noon + 3600 * SECOND, Some(noon)), "the clock was stepped back since");
    let whole = noon - 500 * ms;
    assert!(!is_settled(whole, Some(noon)), "a disk that counts in seconds");
    assert!(is_settled(whole - 2 * SECOND, Some(noon)));
}

#[test]
fn logs_of_long_ago_are_forgotten() {
    let day = |day: i128| Entry { size: 0, mtime: day * 86_400_000_000_000, verdict: Verdict::Unread };
    let mut index = Index::default();
    (0..200).for_each(|n| index.insert(PathHash::of(&n.to_string().into_bytes()), day(n)));
    index.forget_old(200 * 86_400);
    assert_eq!(entries(&index).len(), 90);
}

#[test]
fn the_oldest_logs_are_forgotten() {
    let mut index = index(60);
    index.forget_oldest(10);
    assert_eq!(entries(&index).len(), 10);
    assert!(entries(&index).values().all(|entry| entry.mtime >= 47));
}

proptest! {
    #[test]
    fn any_damage_is_noticed(at in any::<prop::sample::Index>(), bit in 0u8..7, cut in any::<bool>()) {
        let whole = index(20).print(VERSIONS).expect("it can be written");
        let at = at.index(whole.len());
        let mut bytes = whole.clone();
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        // Hex digits of the checksum may change their case, and mean the same.
        prop_assert!(file::read(bytes.clone()).is_none() || bytes.eq_ignore_ascii_case(&whole));
    }
}
