//! Looking into the folders of a ledger, each once.

use super::super::day::{Day, Month};
use super::super::error::Damage;
use super::super::layout;
use super::super::sid::Sid;
use super::{Check, NAMES_LIMIT, Problem, below};
use crate::git::{EntryKind, Oid, TreeEntry};

/// What a tree is looked into as. What a check of it depends on is a part of this, so that a tree which is in two places
/// as the same kind is looked into once: a handful of trees can list millions of paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// The root, `v2` and the folders directly below: there is one of each.
    Top,
    /// A year of sessions; whether it is a leap year, and itself if the floor is not below it.
    Year(bool, Option<u16>),
    /// A month of sessions; its number of days, and itself if the floor is not below it.
    Month(u8, Option<(u16, u8)>),
    /// A day of sessions; itself if it is below the floor.
    Day(Option<Day>),
    /// A session of that name.
    Session(Sid),
    /// A month of links by commit.
    Commits(Month),
    /// The links in a month of all commits whose ids begin with these two digits.
    CommitRests([u8; 2], Month),
    /// The links of one commit.
    CommitLinks,
    /// The links of all patches whose ids begin with these two digits.
    PatchNexts([u8; 2]),
    /// Links of patches whose ids begin with these four digits.
    PatchLinks([[u8; 2]; 2]),
}

impl Check<'_, '_> {
    /// Looks into a folder, unless it was looked into before as the same: `each` gets every entry, with its path.
    pub(super) fn folder(
        &mut self,
        path: &[u8],
        tree: Oid,
        kind: Kind,
        mut each: impl FnMut(&mut Self, &[u8], &TreeEntry),
    ) {
        if self.names > NAMES_LIMIT || self.read_names > NAMES_LIMIT {
            return;
        }
        if let Some(names) = self.seen.get(&(tree, kind)) {
            self.names = self.names.saturating_add(*names);
            return;
        }
        let entries = match self.repo.list(tree, b"") {
            Ok(entries) => entries,
            Err(error) => return self.object(path, error),
        };
        let before = self.names;
        self.names = self.names.saturating_add(entries.len() as u64);
        self.read_names += entries.len() as u64;
        let mut last: Option<&[u8]> = None;
        for entry in &entries {
            let path = below(path, &entry.name);
            if last == Some(&entry.name) {
                self.checked.add(&path, Problem::Twice);
            }
            last = Some(&entry.name);
            each(self, &path, entry);
        }
        self.seen.insert((tree, kind), self.names - before);
    }

    /// Looks at the root: what lies directly in it, and all that is below.
    pub(super) fn root(&mut self, root: Oid) {
        let mut top = None;
        let mut snapshots = None;
        self.folder(b"", root, Kind::Top, |check, path, entry| match folder_of(entry) {
            (layout::ROOT, Some(tree)) => top = Some(tree),
            (layout::SNAPSHOTS, Some(tree)) => snapshots = Some(tree),
            _ => check.checked.add(path, Problem::Name),
        });
        match top {
            Some(top) => self.top(top),
            None => self.checked.add(layout::ROOT.as_bytes(), Problem::Lacks),
        }
        if let Some(tree) = snapshots {
            self.snapshots(tree);
        }
    }

    /// Looks at `v2`: first the small files, the tombstones and what is kept, which say what may be in the rest.
    fn top(&mut self, top: Oid) {
        let mut files = Vec::new();
        let (mut commits, mut patches, mut tombstones, mut kept) = (None, None, None, None);
        self.folder(layout::ROOT.as_bytes(), top, Kind::Top, |check, path, entry| match folder_of(entry) {
            (layout::FORMAT_NAME | layout::BRANCH_NAME | layout::FLOOR_NAME, _) => files.push(entry.clone()),
            (layout::SESSIONS, Some(tree)) => check.sessions = Some(tree),
            (layout::COMMITS, Some(tree)) => commits = Some(tree),
            (layout::PATCHES, Some(tree)) => patches = Some(tree),
            (layout::TOMBSTONES, Some(tree)) => tombstones = Some(tree),
            (layout::KEPT, Some(tree)) => kept = Some(tree),
            _ => check.checked.add(path, Problem::Name),
        });
        if !self.small_files(&files) {
            return;
        }
        if let Some(tree) = tombstones {
            self.tombstones(tree);
        }
        if let Some(tree) = kept {
            self.kept(tree);
        }
        if let Some(tree) = self.sessions {
            self.section(layout::SESSIONS, |check| check.years(tree));
        }
        if let Some(tree) = commits {
            self.section(layout::COMMITS, |check| check.commit_links(tree));
        }
        if let Some(tree) = patches {
            self.section(layout::PATCHES, |check| check.patch_links(tree));
        }
    }

    /// A part of the ledger that may have so many names, whatever the others have.
    fn section(&mut self, name: &str, look: impl FnOnce(&mut Self)) {
        (self.names, self.read_names) = (0, 0);
        look(self);
        if self.names > NAMES_LIMIT {
            let limit = usize::try_from(NAMES_LIMIT).unwrap_or(usize::MAX);
            self.checked.add(format!("{}/{name}", layout::ROOT).as_bytes(), Damage::TooMany(limit));
        }
        (self.names, self.read_names) = (0, 0);
    }
}

/// The name of an entry, and its tree if it is a folder.
fn folder_of(entry: &TreeEntry) -> (&str, Option<Oid>) {
    let name = str::from_utf8(&entry.name).unwrap_or_default();
    (name, (entry.kind == EntryKind::Tree).then_some(entry.oid))
}
