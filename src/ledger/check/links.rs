//! The links of a ledger: the commits they are of, their sessions, their evidence.

use super::super::anchor::Anchor;
use super::super::day::Month;
use super::super::evidence::{self, Evidence};
use super::super::layout;
use super::super::sid::SessionKey;
use super::folders::Kind;
use super::{Check, Problem};
use crate::git::{self, EntryKind, Oid, TreeEntry};

/// How many things that are not here are looked for, one by one.
const MISSES: u64 = 100_000;

impl Check<'_, '_> {
    /// The links by commit.
    pub(super) fn commit_links(&mut self, tree: Oid) {
        let path = format!("{}/{}", layout::ROOT, layout::COMMITS);
        self.folder(path.as_bytes(), tree, Kind::Top, |check, path, entry| {
            match Month::parse(&entry.name).filter(|_| is_tree(entry)) {
                None => check.checked.add(path, Problem::Name),
                Some(month) => check.heads(path, entry.oid, Some(month)),
            }
        });
    }

    /// The links by patch id.
    pub(super) fn patch_links(&mut self, tree: Oid) {
        let path = format!("{}/{}", layout::ROOT, layout::PATCHES);
        self.heads(path.as_bytes(), tree, None);
    }

    /// The folders of the first two digits of ids, each with the folders of the rest.
    fn heads(&mut self, path: &[u8], tree: Oid, month: Option<Month>) {
        self.folder(path, tree, Kind::Links(month), |check, path, head| {
            let digits: Option<[u8; 2]> = head.name.as_slice().try_into().ok();
            let Some(digits) = digits.filter(|_| is_tree(head)) else {
                return check.checked.add(path, Problem::Name);
            };
            check.folder(path, head.oid, Kind::Heads(digits, month), |check, path, rest| {
                match layout::parse_oid(&digits, &rest.name).filter(|_| is_tree(rest)) {
                    None => check.checked.add(path, Problem::Name),
                    Some(oid) => {
                        if let Some(month) = month {
                            check.commit(path, oid, month);
                        }
                        let before = check.names;
                        check.folder(path, rest.oid, Kind::Object, Self::link);
                        let links = check.names.saturating_sub(before);
                        let count = if month.is_some() { &mut check.checked.links } else { &mut check.checked.anchors };
                        *count += links;
                    }
                }
            });
        });
    }

    /// A commit that has links: they must lie in its month, or nobody finds them.
    fn commit(&mut self, path: &[u8], oid: Oid, month: Month) {
        if self.commits_not_here.len() as u64 >= MISSES {
            return;
        }
        match self.repo.commit(oid) {
            Ok(commit) => {
                let own = Month::of_commit(commit.commit_time);
                if own != month {
                    self.checked.add(path, Problem::Month(own.to_string()));
                }
            }
            Err(git::Error::Missing(_)) => drop(self.commits_not_here.insert(oid)),
            Err(error) => self.object(path, error),
        }
    }

    fn link(&mut self, path: &[u8], entry: &TreeEntry) {
        let Some(key) = SessionKey::parse(&entry.name) else {
            return self.checked.add(path, Problem::Name);
        };
        if self.is_welcome(path, key) && !self.has_session(key) {
            self.checked.add(path, Problem::NoSession);
        }
        if let Some(of) = self.sound.sound_evidence.get(&entry.oid).filter(|_| entry.kind == EntryKind::File) {
            self.anchored.extend(of.filter(|commit| self.commits_not_here.contains(commit)));
            return;
        }
        let Some(size) = self.size(path, entry) else { return };
        if size <= evidence::READ_LIMIT && !self.can_afford(path, &[(entry.oid, size)], size) {
            return;
        }
        let Some(bytes) = self.file(path, entry, evidence::READ_LIMIT) else { return };
        match Evidence::parse(&bytes) {
            Ok(evidence) => {
                let of = match evidence.anchor {
                    Some(Anchor::Commit { commit }) => Some(commit.id),
                    _ => None,
                };
                self.anchored.extend(of.filter(|commit| self.commits_not_here.contains(commit)));
                self.sound.sound_evidence.insert(entry.oid, of);
            }
            Err(why) => self.damage(path, why),
        }
    }

    /// Whether the ledger has a session.
    fn has_session(&mut self, key: SessionKey) -> bool {
        if self.known.contains(&key) {
            return true;
        }
        // It may lie in a folder that was looked into elsewhere.
        let Some(tree) = self.sessions.filter(|_| self.sessions_missed < MISSES) else { return false };
        let found = self.repo.lookup(tree, layout::session_folder(key).as_bytes());
        let is_there = matches!(found, Ok(Some(entry)) if is_tree(&entry));
        self.sessions_missed += u64::from(!is_there);
        is_there
    }
}

fn is_tree(entry: &TreeEntry) -> bool {
    entry.kind == EntryKind::Tree
}
