//! Joining, over ledgers made up of everything a ledger can hold, and of what it cannot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proptest::prelude::*;

use super::scratch::*;
use crate::git::{EntryKind, Oid, PatchId, Repo, TreeEditor};
use crate::hail::{Digest, SegmentBody};
use crate::ledger::layout::Hash8;
use crate::ledger::meta::{Meta, SegmentEntry};
use crate::ledger::{
    Anchor, CommitAt, Day, Error, Evidence, EvidenceKind, LedgerPath, LedgerView, Ledgers, Month, Retention,
    SegmentName, SessionKey, Sketch, fold, join, retain,
};

const DAY: i64 = 86_400;
const BRANCH: &str = "main";

/// The days on which the sessions began.
fn began(session: u8) -> i64 {
    NOON + i64::from(session % 3) * DAY
}

fn key_of(session: u8) -> SessionKey {
    key(&session.to_string(), began(session))
}

fn commit(number: u8) -> Oid {
    oid(&format!("{number:02x}").repeat(20))
}

fn patch(number: u8) -> PatchId {
    PatchId(oid(&format!("{:02x}", 0xa0 + number).repeat(20)))
}

fn snapshot(number: u8) -> (Digest, Vec<u8>) {
    let text = format!("snapshot {number}\n").into_bytes();
    (Digest::of(&text), text)
}

/// A session as one clone has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Stored {
    rules: u32,
    events: u8,
    /// How hard its segments were compressed: the same lines, other bytes.
    level: i32,
}

/// What a link by patch hangs on, the surest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hold {
    Lines,
    Branch,
    Commit,
}

impl Hold {
    fn anchor(self) -> Anchor {
        let commit = CommitAt { id: commit(1), at: NOON };
        match self {
            Self::Lines => Anchor::Lines { commit, written: NOON, added: 2, sketch: Sketch::of([1, 2]) },
            Self::Branch => Anchor::Branch { others: vec![commit] },
            Self::Commit => Anchor::Commit { commit },
        }
    }
}

/// What one clone's ledger holds.
#[derive(Debug, Clone, Default)]
struct Holding {
    floor: Option<u8>,
    kept: BTreeSet<u8>,
    purged: BTreeSet<u8>,
    purged_snapshots: BTreeSet<u8>,
    sessions: BTreeMap<u8, Stored>,
    links: BTreeMap<(u8, u8), EvidenceKind>,
    patches: BTreeMap<(u8, u8), (Hold, EvidenceKind)>,
    snapshots: BTreeSet<u8>,
    junk: BTreeSet<u8>,
}

fn stored() -> impl Strategy<Value = Stored> {
    (1_u32..3, 1_u8..4, prop_oneof![Just(1), Just(19)]).prop_map(|(rules, events, level)| Stored {
        rules,
        events,
        level,
    })
}

fn kind() -> impl Strategy<Value = EvidenceKind> {
    prop_oneof![Just(EvidenceKind::Window), Just(EvidenceKind::Wrote), Just(EvidenceKind::Committed)]
}

fn hold() -> impl Strategy<Value = Hold> {
    prop_oneof![Just(Hold::Lines), Just(Hold::Branch), Just(Hold::Commit)]
}

fn holding() -> impl Strategy<Value = Holding> {
    let few = || prop::collection::btree_set(0_u8..5, 0..2);
    (
        (prop::option::weighted(0.3, 0_u8..3), few()),
        few(),
        few(),
        prop::collection::btree_map(0_u8..5, stored(), 0..5),
        prop::collection::btree_map((1_u8..4, 0_u8..5), kind(), 0..6),
        prop::collection::btree_map((1_u8..4, 0_u8..5), (hold(), kind()), 0..6),
        few(),
        prop::collection::btree_set(0_u8..9, 0..3),
    )
        .prop_map(|((floor, kept), purged, purged_snapshots, sessions, links, patches, snapshots, junk)| Holding {
            floor,
            kept,
            purged,
            purged_snapshots,
            sessions,
            links,
            patches,
            snapshots,
            junk,
        })
}

fn floor(number: u8) -> Day {
    Day::of(crate::session::Timestamp::from_seconds(NOON + i64::from(number) * DAY))
}

/// A session's `m` and segments, as files.
fn files_of(session: u8, stored: Stored) -> Vec<(String, Vec<u8>)> {
    let talk = Talk::with_rules(&session.to_string(), began(session), stored.rules);
    let record = talk.say("hello", usize::from(stored.events)).record();
    let (mut files, mut entries) = (Vec::new(), Vec::new());
    for segment in record.segments() {
        let hash = Hash8::from(segment.sha256);
        let name = SegmentName { generation: 0, start: segment.first_event, len: segment.events, hash };
        let SegmentBody::New(packed) = &segment.body else { panic!("it is new") };
        let lines = zstd::bulk::decompress(packed, 1 << 20).expect("it unpacks");
        let packed = zstd::bulk::compress(&lines, stored.level).expect("it packs");
        files.push((LedgerPath::Segment(key_of(session), name).to_string(), packed));
        entries.push(SegmentEntry { name, bytes: segment.bytes, sha256: segment.sha256 });
    }
    let (name, bytes) = Meta::new(&record, entries).to_json().expect("it can be written");
    files.push((LedgerPath::Meta(key_of(session), name).to_string(), bytes));
    files
}

/// What no clean ledger has, some of it in places that readers look into.
fn junk(number: u8) -> (String, Vec<u8>) {
    let folder = format!("v2/s/{}", key_of(number).day.to_string().replace('-', "/"));
    let path = match number {
        0 => "v2/nonsense/x".to_owned(),
        1 => "readme".to_owned(),
        2 => format!("{folder}/{}/m.9.99999-00000000.json", key_of(number).sid),
        3 => format!("{folder}/{}/7.0-99-00000000.zst", key_of(number).sid),
        4 => format!("{folder}/not-a-session/m.1.1-00000000.json"),
        5 => "v2/c/2026-03/zz/x".to_owned(),
        // In the place of a link by patch, and beside those.
        6 => LedgerPath::PatchLink(patch(1), key_of(number - 6)).to_string(),
        7 => format!("v2/p/a1/{}", "a1".repeat(19)),
        _ => "v2/p/a1/x/y".to_owned(),
    };
    (path, b"junk".to_vec())
}

impl Holding {
    fn retention(&self) -> Retention {
        Retention {
            floor: self.floor.map(floor),
            kept: self.kept.iter().map(|session| key_of(*session)).collect(),
            purged: self.purged.iter().map(|session| key_of(*session).sid).collect(),
            purged_snapshots: self.purged_snapshots.iter().map(|number| snapshot(*number).0).collect(),
        }
    }

    /// Without what it says itself that it does not keep.
    fn tidy(mut self) -> Self {
        // A name says something below the floor only.
        let keeps = self.retention().and(&self.retention());
        self.kept.retain(|session| keeps.kept.contains(&key_of(*session)));
        self.sessions.retain(|session, _| keeps.keeps(key_of(*session)));
        self.links.retain(|(_, session), _| keeps.keeps(key_of(*session)));
        self.patches.retain(|(_, session), _| keeps.keeps(key_of(*session)));
        self.snapshots.retain(|number| keeps.keeps_snapshot(snapshot(*number).0));
        self.junk.clear();
        self
    }

    /// No longer keeps what another does not.
    fn takes_over(&mut self, other: &Self) {
        let both = self.retention().and(&other.retention()).kept;
        self.kept = self.kept.union(&other.kept).copied().filter(|session| both.contains(&key_of(*session))).collect();
        self.floor = self.floor.max(other.floor);
        self.purged.extend(&other.purged);
        self.purged_snapshots.extend(&other.purged_snapshots);
    }

    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = self.junk.iter().map(|number| junk(*number)).collect();
        files.push((LedgerPath::Format.to_string(), b"2".to_vec()));
        files.push((LedgerPath::Branch.to_string(), BRANCH.into()));
        files.extend(self.floor.map(|number| (LedgerPath::Floor.to_string(), floor(number).to_string().into_bytes())));
        for session in &self.kept {
            files.push((LedgerPath::Kept(key_of(*session)).to_string(), Vec::new()));
        }
        for session in &self.purged {
            files.push((LedgerPath::Tombstone(key_of(*session).sid).to_string(), Vec::new()));
        }
        for number in &self.purged_snapshots {
            files.push((LedgerPath::SnapshotTombstone(snapshot(*number).0).to_string(), Vec::new()));
        }
        for (session, stored) in &self.sessions {
            files.extend(files_of(*session, *stored));
        }
        for ((number, session), kind) in &self.links {
            let path = LedgerPath::CommitLink(Month::of_commit(NOON), commit(*number), key_of(*session));
            files.push((path.to_string(), evidence(*kind).to_json().expect("it can be written")));
        }
        for ((number, session), (hold, kind)) in &self.patches {
            let why = Evidence { anchor: Some(hold.anchor()), ..evidence(*kind) };
            let path = LedgerPath::PatchLink(patch(*number), key_of(*session));
            files.push((path.to_string(), why.to_json().expect("it can be written")));
        }
        for number in &self.snapshots {
            let (digest, text) = snapshot(*number);
            files.push((LedgerPath::Snapshot(digest).to_string(), text));
        }
        files
    }

    fn store(&self, repo: &Repo) -> Oid {
        let mut batch = repo.batch();
        let mut editor = TreeEditor::new(repo, None);
        for (path, content) in self.files() {
            let blob = batch.blob(content).expect("it is taken");
            editor.insert(path.as_bytes(), EntryKind::File, blob).expect("it can be inserted");
        }
        let tree = editor.write(&mut batch).expect("it can be written");
        batch.finish().expect("it is written");
        tree
    }
}

fn view(repo: &Repo, tree: Oid) -> LedgerView<'_> {
    LedgerView::open_tree(repo, &ledger(BRANCH), tree, tree).expect("it opens")
}

fn joined(repo: &Repo, one: Oid, other: Oid) -> Oid {
    let mut batch = repo.batch();
    let tree = join(&view(repo, one), &view(repo, other), &mut batch).expect("they can be joined");
    batch.finish().expect("it is written");
    tree
}

fn paths(repo: &Repo, tree: Oid) -> BTreeSet<String> {
    let walk = repo.walk(tree, b"", 100_000).expect("it can be walked");
    walk.entries.into_iter().map(|entry| String::from_utf8_lossy(&entry.name).into_owned()).collect()
}

/// That every listed session opens, and that its digests are right.
fn all_open(repo: &Repo, tree: Oid) {
    let ledgers = Ledgers::one(view(repo, tree));
    for session in ledgers.sessions() {
        let session = session.expect("it can be read");
        let read = ledgers.text(&session).expect("it opens").events().expect("it has a header").read_to_end();
        let events = read.expect("its digests are right").events.len();
        assert_eq!(events as u64, session.meta.events());
    }
}

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::new);

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(16) })]

    #[test]
    fn it_does_not_matter_who_joins_what_in_which_order_or_how_often(
        one in holding(), other in holding(), third in holding(), same in any::<bool>(),
    ) {
        let repo = SCRATCH.repo();
        let [a, b] = [one.store(&repo), other.store(&repo)];
        let c = if same { a } else { third.store(&repo) };
        let ab = joined(&repo, a, b);
        prop_assert_eq!(ab, joined(&repo, b, a), "commutative");
        prop_assert_eq!(joined(&repo, ab, c), joined(&repo, a, joined(&repo, b, c)), "associative");
        prop_assert_eq!(joined(&repo, a, a), a, "idempotent");
        prop_assert_eq!([joined(&repo, ab, a), joined(&repo, b, ab), joined(&repo, ab, ab)], [ab; 3], "absorbing");
        // What is damaged in the same way in both is not looked at.
        if ![2, 3].iter().any(|junk| one.junk.contains(junk) && other.junk.contains(junk)) {
            all_open(&repo, ab);
        }
    }

    #[test]
    fn nothing_is_lost_that_is_kept_and_nothing_comes_back(one in holding(), other in holding()) {
        let repo = SCRATCH.repo();
        let (one, other) = (one.tidy(), other.tidy());
        let tree = joined(&repo, one.store(&repo), other.store(&repo));
        let mut expected = one.clone();
        expected.takes_over(&other);
        expected.snapshots.extend(&other.snapshots);
        for (session, stored) in &other.sessions {
            let known = expected.sessions.entry(*session).or_insert(*stored);
            *known = (*known).max(*stored);
        }
        for (place, kind) in &other.links {
            let known = expected.links.entry(*place).or_insert(*kind);
            *known = (*known).max(*kind);
        }
        for (place, why) in &other.patches {
            let known = expected.patches.entry(*place).or_insert(*why);
            *known = (*known).max(*why);
        }
        let expected = expected.tidy();
        let wanted: BTreeSet<String> = expected.files().into_iter().map(|(path, _)| path).collect();
        prop_assert_eq!(paths(&repo, tree), wanted);
        let joined = view(&repo, tree);
        prop_assert_eq!(joined.retention(), &expected.retention());
        let ledgers = Ledgers::one(joined);
        for ((number, session), kind) in &expected.links {
            let links = ledgers.links(commit(*number), Some(NOON)).expect("they can be read");
            let link = links.iter().find(|link| link.key == key_of(*session)).expect("it is there");
            prop_assert_eq!(link.evidence.as_ref().map(|evidence| evidence.kind), Some(*kind));
        }
        for ((number, session), (hold, kind)) in &expected.patches {
            let links = ledgers.patch_links(patch(*number)).expect("they can be read");
            let link = links.iter().find(|link| link.key == key_of(*session)).expect("it is there");
            let why = link.evidence.clone().expect("it can be read");
            prop_assert_eq!((why.anchor, why.kind), (Some(hold.anchor()), *kind));
        }
        all_open(&repo, tree);
    }

    #[test]
    fn what_is_no_longer_to_be_kept_goes_and_nothing_else(one in holding(), more in holding()) {
        let repo = SCRATCH.repo();
        let one = one.tidy();
        let mut expected = one.clone();
        expected.takes_over(&more);
        let before = one.store(&repo);
        let mut batch = repo.batch();
        let after = retain(&view(&repo, before), &more.retention(), &mut batch).expect("it can be filtered");
        batch.finish().expect("it is written");
        prop_assert_eq!(after, expected.tidy().store(&repo));
        if one.retention().covers(&more.retention()) {
            prop_assert_eq!(after, before);
        }
    }

    #[test]
    fn a_ledger_takes_in_that_of_another_branch_and_stays_what_it_is(one in holding(), other in holding()) {
        let repo = SCRATCH.repo();
        let (one, other) = (one.tidy(), other.tidy());
        let mut batch = repo.batch();
        let folded = fold(&view(&repo, one.store(&repo)), &view(&repo, other.store(&repo)), &mut batch);
        batch.finish().expect("it is written");
        let after = view(&repo, folded.expect("it can be folded"));
        prop_assert_eq!(after.floor(), one.floor.map(floor));
        prop_assert_eq!(&after.retention().kept, &one.retention().kept);
        for (session, _) in one.sessions.iter().chain(&other.sessions) {
            let found = after.folder_oid(key_of(*session)).expect("it can be looked for");
            prop_assert_eq!(found.is_some(), after.retention().keeps(key_of(*session)));
        }
    }
}

/// The tree of a ledger by hand, on top of that of `main`.
fn changed(scratch: &Scratch, change: impl FnOnce(&Scratch)) -> (Oid, Oid) {
    let tree = || oid(&scratch.git(["rev-parse", &format!("{}^{{tree}}", ledger(BRANCH))]));
    let before = tree();
    change(scratch);
    (before, tree())
}

fn with_two_sessions() -> Scratch {
    let scratch = Scratch::new();
    scratch.appended(&[
        Talk::new("one", NOON).say("hello", 3).append(),
        Talk::new("two", NOON + DAY).say("hello", 3).append(),
    ]);
    scratch
}

#[test]
fn nobody_erases_a_session_by_naming_a_larger_one() {
    let scratch = with_two_sessions();
    let folder = format!("v2/s/2026/03/06/{}", key("one", NOON).sid);
    for content in ["", "{}", "no json"] {
        let (good, bad) = changed(&scratch, |scratch| {
            let meta = scratch.parts(BRANCH, &folder).0.remove(0);
            let hash = Hash8::of(content.as_bytes());
            scratch.put(BRANCH, &format!("{folder}/m.9.18446744073709551615-{hash}.json"), content.as_bytes());
            scratch.drop_path(BRANCH, &meta);
        });
        assert_eq!(joined(&scratch.repo(), good, bad), good, "{content}");
        scratch.drop_path(BRANCH, &folder);
        scratch.appended(&[Talk::new("one", NOON).say("hello", 3).append()]);
    }
}

#[test]
fn a_session_that_lacks_a_segment_is_none_and_a_damaged_segment_yields_to_the_right_one() {
    let scratch = with_two_sessions();
    let folder = format!("v2/s/2026/03/06/{}", key("one", NOON).sid);
    let segment = scratch.parts(BRANCH, &folder).1.remove(0);
    let (good, lacking) = changed(&scratch, |scratch| scratch.drop_path(BRANCH, &segment));
    assert_eq!(joined(&scratch.repo(), good, lacking), good);
    for content in ["a", "b", "c", "d"] {
        let (_, damaged) = changed(&scratch, |scratch| scratch.put(BRANCH, &segment, content.as_bytes()));
        assert_eq!(joined(&scratch.repo(), good, damaged), good, "whichever id is greater");
        assert_eq!(joined(&scratch.repo(), damaged, good), good);
    }
}

#[test]
fn a_snapshot_is_the_text_it_is_named_for() {
    let scratch = with_two_sessions();
    let (digest, text) = snapshot(0);
    let path = LedgerPath::Snapshot(digest).to_string();
    let (_, good) = changed(&scratch, |scratch| scratch.put(BRANCH, &path, &text));
    for content in ["a", "b", "c", "d"] {
        let (_, bad) = changed(&scratch, |scratch| scratch.put(BRANCH, &path, content.as_bytes()));
        assert_eq!(joined(&scratch.repo(), bad, good), good);
    }
}

#[test]
fn ledgers_of_two_branches_are_not_joined() {
    let scratch = with_two_sessions();
    let (main, other) = changed(&scratch, |scratch| scratch.put(BRANCH, "v2/branch", b"other"));
    let repo = scratch.repo();
    let other = LedgerView::open_tree(&repo, &ledger("other"), other, other).expect("it opens");
    let failed = join(&view(&repo, main), &other, &mut repo.batch());
    assert!(matches!(failed, Err(Error::OtherBranch { .. })), "{failed:?}");
}

#[test]
fn what_cannot_be_read_here_alone_is_an_error_and_no_decision() {
    let scratch = with_two_sessions();
    let folder = format!("v2/s/2026/03/06/{}", key("one", NOON).sid);
    let (meta, segment) = (scratch.parts(BRANCH, &folder).0.remove(0), scratch.parts(BRANCH, &folder).1.remove(0));
    let (good, other) = changed(&scratch, |scratch| scratch.drop_path(BRANCH, &segment));
    let blob = scratch.git(["rev-parse", &format!("{good}:{meta}")]);
    std::fs::remove_file(scratch.path().join(format!("objects/{}/{}", &blob[..2], &blob[2..]))).expect("it is loose");
    let repo = scratch.repo();
    let failed = join(&view(&repo, good), &view(&repo, other), &mut repo.batch());
    assert!(matches!(failed, Err(Error::Git(crate::git::Error::Missing(_)))), "{failed:?}");
}

#[test]
fn a_tree_made_to_exhaust_its_readers_is_refused() {
    let scratch = with_two_sessions();
    let main = oid(&scratch.git(["rev-parse", &format!("{}^{{tree}}", ledger(BRANCH))]));
    // Four hundred years of days, each with the same thousand sessions that are none: seven objects.
    let blob = scratch.git_with(["hash-object", "-w", "--stdin"], b"");
    let tree = |lines: Vec<String>| scratch.git_with(["mktree", "--missing"], lines.concat().as_bytes());
    let session = tree(vec![format!("100644 blob {blob}\tx\n")]);
    let day = tree((0..1000).map(|n| format!("040000 tree {session}\t{n:032x}\n")).collect());
    let month = tree((1..29).map(|n| format!("040000 tree {day}\t{n:02}\n")).collect());
    let year = tree((1..13).map(|n| format!("040000 tree {month}\t{n:02}\n")).collect());
    let years = tree((2000..2400).map(|n| format!("040000 tree {year}\t{n:04}\n")).collect());
    let top = tree(vec![format!("040000 tree {years}\ts\n")]);
    let bomb = oid(&tree(vec![format!("040000 tree {top}\tv2\n")]));
    let repo = scratch.repo();
    let failed = join(&view(&repo, main), &view(&repo, bomb), &mut repo.batch());
    assert!(matches!(failed, Err(Error::Damaged { .. })), "{failed:?}");
}
