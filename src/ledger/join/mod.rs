//! Joining two ledgers: a pure function of two trees, and one tree.
//!
//! The result has the later floor, all tombstones, and every path of both that a ledger can have (what does not parse as
//! one is dropped, and never followed), but for what these drop. Where both have a path, each in its own way:
//!
//! - of a session: the greatest `m` that can be read and whose segments are all there, and exactly the segments it
//!   lists. Its name is held against its content: nobody erases a session by naming a larger one;
//! - of a link: the stronger evidence;
//! - of a segment or a snapshot: the one that is what its name says;
//! - then, and in all else: the greater object id.
//!
//! So it does not matter who joins what, in which order, or how often: the function is commutative, associative and
//! idempotent, and every machine comes to the same tree. It needs no common ancestor, and so joins ledgers that were
//! rolled, too.
//!
//! Subtrees that are the same on both sides are kept as they are, without a look inside: what a join costs follows what
//! differs, not how large the ledgers are. Only where floor or tombstones differ all of it is looked at. (libgit2's
//! merge takes two seconds for ledgers of 100,000 sessions, whatever differs.)

mod place;
mod session;

use std::collections::BTreeMap;

use super::error::{Damage, Error, Result};
use super::evidence::Evidence;
use super::layout;
use super::ledgers::read_evidence;
use super::retention::Retention;
use super::view::LedgerView;
use crate::git::{BranchName, EntryKind, ObjectBatch, Oid, TreeEntry};
use crate::hail::Digest;
use place::{Child, Place};
use session::for_everybody;

/// The most that one join looks at, in names. A tree can name a million folders with a handful of objects; a ledger of
/// 100,000 sessions that is new as a whole takes half of this.
const NAMES_LIMIT: usize = if cfg!(test) { 100_000 } else { 10_000_000 };
/// What opening a folder costs, in names.
const FOLDER_COST: usize = 10;

/// The largest snapshot that is held against its digest.
const SNAPSHOT_LIMIT: u64 = 64 << 20;

/// Something of one ledger and of the other.
type Pair<T> = [Option<T>; 2];

/// The tree of two ledgers of one branch. Its objects are in the batch.
///
/// # Errors
/// [`Error::OtherBranch`] if they are not of one branch; [`Error::Damaged`] for a tree made to exhaust its readers;
/// when an object cannot be read in this repository, or not be written.
pub fn join(one: &LedgerView<'_>, other: &LedgerView<'_>, batch: &mut ObjectBatch<'_>) -> Result<Oid> {
    if let (Some(wanted), Some(found)) = (one.branch(), other.branch())
        && wanted != found
    {
        let (wanted, found) = (wanted.to_string(), found.to_string());
        return Err(Error::OtherBranch { ledger: other.label().to_owned(), wanted, found });
    }
    let branch = one.branch().or(other.branch());
    Joiner::new([one, other], one.retention().clone().and(other.retention()), batch).ledger(branch)
}

/// The tree of a ledger that has taken in the ledger of another branch. It stays the ledger of its own branch and
/// keeps its own floor; tombstones of both count.
///
/// # Errors
/// As [`join`], but for the branch.
pub fn fold(into: &LedgerView<'_>, from: &LedgerView<'_>, batch: &mut ObjectBatch<'_>) -> Result<Oid> {
    let Retention { floor, kept, .. } = into.retention().clone();
    let retention = Retention { floor, kept, ..into.retention().clone().and(from.retention()) };
    Joiner::new([into, from], retention, batch).ledger(into.branch())
}

/// The tree of a ledger without what it is no longer to keep, with floor and tombstones that say so. What it dropped
/// before it still drops. The same tree, if there is nothing to do.
///
/// # Errors
/// As [`join`].
pub fn retain(view: &LedgerView<'_>, retention: &Retention, batch: &mut ObjectBatch<'_>) -> Result<Oid> {
    Joiner::new([view, view], view.retention().clone().and(retention), batch).ledger(view.branch())
}

struct Joiner<'a, 'repo> {
    views: [&'a LedgerView<'a>; 2],
    batch: &'a mut ObjectBatch<'repo>,
    retention: Retention,
    /// Whether one of the ledgers may still have days that are expired now.
    expires: bool,
    /// Whether one of them may still have sessions or snapshots that are purged now.
    purges: bool,
    budget: Budget,
}

/// How much may still be looked at.
struct Budget(usize);

/// The kind and object of an entry.
type Entry = (EntryKind, Oid);

impl<'a, 'repo> Joiner<'a, 'repo> {
    fn new(views: [&'a LedgerView<'a>; 2], retention: Retention, batch: &'a mut ObjectBatch<'repo>) -> Self {
        let expires = views.iter().any(|view| {
            let known = view.retention();
            (known.floor, &known.kept) != (retention.floor, &retention.kept)
        });
        let purges = views.iter().any(|view| {
            let known = view.retention();
            (&known.purged, &known.purged_snapshots) != (&retention.purged, &retention.purged_snapshots)
        });
        Self { views, batch, retention, expires, purges, budget: Budget(NAMES_LIMIT) }
    }

    fn ledger(mut self, branch: Option<&BranchName>) -> Result<Oid> {
        let roots = self.views.map(|view| Some(view.root()));
        if let [Some(one), Some(other)] = roots
            && one == other
            && !self.drops()
        {
            return Ok(one);
        }
        let listed = self.list(roots, "")?;
        let mut root = Vec::new();
        for (name, pair) in paired(&listed) {
            let kept = if name == layout::ROOT.as_bytes() {
                self.top(trees(pair), branch)?
            } else if name == layout::SNAPSHOTS.as_bytes() {
                self.folder(Place::Snapshots, layout::SNAPSHOTS, trees(pair))?
            } else {
                None
            };
            root.extend(kept.map(|oid| TreeEntry { name: name.to_vec(), kind: EntryKind::Tree, oid }));
        }
        match self.write(&root, &listed, roots)? {
            Some(tree) => Ok(tree),
            None => Ok(self.batch.folder(&[])?),
        }
    }

    /// `v2`.
    fn top(&mut self, tops: Pair<Oid>, branch: Option<&BranchName>) -> Result<Option<Oid>> {
        if tops[0] == tops[1] && !self.drops() {
            return Ok(tops[0]);
        }
        let listed = self.list(tops, layout::ROOT)?;
        let names = paired(&listed);
        let both = |name: &str| names.get(name.as_bytes()).copied().unwrap_or_default();
        let mut kept = Vec::new();
        for (name, place) in [
            (layout::SESSIONS, Place::Years),
            (layout::COMMITS, Place::CommitMonths),
            (layout::PATCHES, Place::Patches),
        ] {
            let path = format!("{}/{name}", layout::ROOT);
            let tree = self.folder(place, &path, trees(both(name)))?;
            kept.extend(tree.map(|oid| entry(name, EntryKind::Tree, oid)));
        }
        let buried = self.retention.purged.iter().map(ToString::to_string);
        let buried = buried.chain(self.retention.purged_snapshots.iter().map(ToString::to_string)).collect();
        let spared = self.retention.kept.iter().map(ToString::to_string).collect();
        for (name, markers) in [(layout::TOMBSTONES, buried), (layout::KEPT, spared)] {
            let tree = self.markers(name, markers, trees(both(name)))?;
            kept.extend(tree.map(|oid| entry(name, EntryKind::Tree, oid)));
        }
        let format = greater(files(both(layout::FORMAT_NAME)));
        kept.extend(format.map(|oid| entry(layout::FORMAT_NAME, EntryKind::File, oid)));
        let says = |view: &LedgerView<'_>| view.branch() == branch;
        let branch_blob = self.said_by(files(both(layout::BRANCH_NAME)), says);
        kept.extend(branch_blob.map(|oid| entry(layout::BRANCH_NAME, EntryKind::File, oid)));
        if let Some(floor) = self.retention.floor {
            let known = self.said_by(files(both(layout::FLOOR_NAME)), |view| view.floor() == Some(floor));
            let oid = known.map_or_else(|| self.batch.blob(floor.to_string()), Ok)?;
            kept.push(entry(layout::FLOOR_NAME, EntryKind::File, oid));
        }
        kept.sort_by(|one, other| one.name.cmp(&other.name));
        self.write(&kept, &listed, tops)
    }

    /// A small file, of the ledgers in which it says the right thing.
    fn said_by(&self, blobs: Pair<Oid>, right: impl Fn(&LedgerView<'_>) -> bool) -> Option<Oid> {
        let [one, other] = self.views;
        let [mine, theirs] = blobs;
        greater([mine.filter(|_| right(one)), theirs.filter(|_| right(other))])
    }

    /// `v2/x` and `v2/k`: files that say something by their name alone.
    fn markers(&mut self, folder: &str, mut names: Vec<String>, folders: Pair<Oid>) -> Result<Option<Oid>> {
        let listed = self.list(folders, &format!("{}/{folder}", layout::ROOT))?;
        let known = paired(&listed);
        names.sort();
        let mut kept = Vec::new();
        for name in names {
            let blob = known.get(name.as_bytes()).and_then(|pair| greater(files(*pair)));
            let oid = blob.map_or_else(|| self.batch.blob(Vec::new()), Ok)?;
            kept.push(entry(&name, EntryKind::File, oid));
        }
        self.write(&kept, &listed, folders)
    }

    fn folder(&mut self, place: Place, path: &str, folders: Pair<Oid>) -> Result<Option<Oid>> {
        let expired = matches!(place, Place::Sessions(day) if self.retention.expires_all_of(day));
        if expired || folders == [None, None] {
            return Ok(None);
        }
        if folders[0] == folders[1] && !self.reaches(place) {
            return Ok(folders[0]);
        }
        let listed = self.list(folders, path)?;
        let mut kept = Vec::new();
        for (name, pair) in paired(&listed) {
            let Some(child) = place.child(name) else { continue };
            let found = self.child(child, path, name, pair)?;
            kept.extend(found.map(|(kind, oid)| TreeEntry { name: name.to_vec(), kind, oid }));
        }
        self.write(&kept, &listed, folders)
    }

    /// Whether the retention may drop something of a folder that is the same in both.
    fn reaches(&self, place: Place) -> bool {
        match place {
            // One that is expired is gone already, unless a part of it is kept.
            Place::Sessions(day) => self.purges || self.expires && self.retention.is_below_floor(day),
            _ => self.drops(),
        }
    }

    /// Whether the retention may drop something of what is the same in both.
    fn drops(&self) -> bool {
        self.expires || self.purges
    }

    fn child(&mut self, child: Child, path: &str, name: &[u8], pair: Pair<Entry>) -> Result<Option<Entry>> {
        let tree = |oid: Option<Oid>| oid.map(|oid| (EntryKind::Tree, oid));
        let file = |oid: Option<Oid>| oid.map(|oid| (EntryKind::File, oid));
        match child {
            Child::Folder(place) => {
                let path = format!("{path}/{}", String::from_utf8_lossy(name));
                self.folder(place, &path, trees(pair)).map(tree)
            }
            Child::Session(key) if self.retention.keeps(key) => match trees(pair) {
                [one, other] if one == other => Ok(tree(one)),
                folders => self.session(key, folders).map(tree),
            },
            Child::Link(key) if self.retention.keeps(key) => self.link(files(pair)).map(file),
            Child::Snapshot(digest) if self.retention.keeps_snapshot(digest) => {
                let found = self.snapshot(digest, files(pair))?;
                // What both have, and keep alike, was looked at when it came.
                let is_known = files(pair).iter().all(Option::is_some) && !self.drops();
                match found {
                    Some(oid) if !is_known && !self.keeps_session_of(oid)? => Ok(None),
                    found => Ok(file(found)),
                }
            }
            Child::Session(_) | Child::Link(_) | Child::Snapshot(_) => Ok(None),
        }
    }

    fn link(&self, blobs: Pair<Oid>) -> Result<Option<Oid>> {
        let [Some(one), Some(other)] = blobs else { return Ok(greater(blobs)) };
        if one == other {
            return Ok(Some(one));
        }
        let [view, _] = self.views;
        let strength = |oid| {
            let read = read_evidence(view, &entry("", EntryKind::File, oid));
            Ok::<_, Error>(for_everybody(read)?.as_ref().map(Evidence::strength))
        };
        Ok(Some(pick((strength(one)?, one), (strength(other)?, other))))
    }

    fn snapshot(&self, digest: Digest, blobs: Pair<Oid>) -> Result<Option<Oid>> {
        let [Some(one), Some(other)] = blobs else { return Ok(greater(blobs)) };
        if one == other {
            return Ok(Some(one));
        }
        let [view, _] = self.views;
        let matches = |oid| {
            let read = view.file(&entry("", EntryKind::File, oid), SNAPSHOT_LIMIT);
            Ok::<_, Error>(for_everybody(read)?.is_some_and(|bytes| Digest::of(&bytes) == digest))
        };
        Ok(Some(pick((matches(one)?, one), (matches(other)?, other))))
    }

    /// Whether the session that a snapshot is of is kept: a snapshot may have been made by somebody who did not know that it
    /// was purged, or has expired. One that nobody can read is of no session.
    fn keeps_session_of(&self, oid: Oid) -> Result<bool> {
        if self.retention.purged.is_empty() && self.retention.floor.is_none() {
            return Ok(true);
        }
        let [view, _] = self.views;
        let key = for_everybody(view.snapshot_key(&entry("", EntryKind::File, oid)))?.flatten();
        Ok(key.is_none_or(|key| self.retention.keeps(key)))
    }

    /// The entries of a folder on both sides.
    fn list(&mut self, folders: Pair<Oid>, path: &str) -> Result<Pair<Vec<TreeEntry>>> {
        let mut listed = [None, None];
        for ((view, folder), entries) in self.views.into_iter().zip(folders).zip(&mut listed) {
            let Some(folder) = folder else { continue };
            let found = view.entries(folder, path.to_owned())?;
            self.budget.spend(view, FOLDER_COST + found.len())?;
            *entries = Some(found);
        }
        Ok(listed)
    }

    /// The tree of these entries, sorted by name: one of those that were listed, if it has the same.
    fn write(&mut self, kept: &[TreeEntry], listed: &Pair<Vec<TreeEntry>>, trees: Pair<Oid>) -> Result<Option<Oid>> {
        if kept.is_empty() {
            return Ok(None);
        }
        let same = listed.iter().zip(trees).find(|(entries, _)| entries.as_deref() == Some(kept));
        match same.and_then(|(_, tree)| tree) {
            Some(tree) => Ok(Some(tree)),
            None => Ok(Some(self.batch.folder(kept)?)),
        }
    }
}

impl Budget {
    fn spend(&mut self, view: &LedgerView<'_>, names: usize) -> Result<()> {
        let too_many = || view.damaged(layout::ROOT.to_owned(), Damage::TooMany(NAMES_LIMIT));
        self.0 = self.0.checked_sub(names).ok_or_else(too_many)?;
        Ok(())
    }
}

fn entry(name: &str, kind: EntryKind, oid: Oid) -> TreeEntry {
    TreeEntry { name: name.as_bytes().to_vec(), kind, oid }
}

/// What each name stands for on both sides. (A tree that has a name twice is none of git's; the greater entry counts.)
fn paired(listed: &Pair<Vec<TreeEntry>>) -> BTreeMap<&[u8], Pair<Entry>> {
    let mut names: BTreeMap<&[u8], Pair<Entry>> = BTreeMap::new();
    for (side, entries) in listed.iter().enumerate() {
        for entry in entries.iter().flatten() {
            let pair = names.entry(&entry.name).or_default();
            if let Some(known) = pair.get_mut(side) {
                *known = (*known).max(Some((entry.kind, entry.oid)));
            }
        }
    }
    names
}

fn trees(pair: Pair<Entry>) -> Pair<Oid> {
    of_kind(pair, EntryKind::Tree)
}

fn files(pair: Pair<Entry>) -> Pair<Oid> {
    of_kind(pair, EntryKind::File)
}

fn of_kind(pair: Pair<Entry>, wanted: EntryKind) -> Pair<Oid> {
    pair.map(|entry| entry.filter(|(kind, _)| *kind == wanted).map(|(_, oid)| oid))
}

fn greater(blobs: Pair<Oid>) -> Option<Oid> {
    let [one, other] = blobs;
    one.max(other)
}

/// The better one, then the one with the greater id.
fn pick<T: Ord>(one: (T, Oid), other: (T, Oid)) -> Oid {
    one.max(other).1
}
