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
                Some(month) => check.month_of_links(path, entry.oid, month),
            }
        });
    }

    /// The folders of the first two digits of commits, each with the folders of the rest.
    fn month_of_links(&mut self, path: &[u8], tree: Oid, month: Month) {
        self.folder(path, tree, Kind::Commits(month), |check, path, head| {
            let Some(digits) = layout::digits(&head.name).filter(|_| is_tree(head)) else {
                return check.checked.add(path, Problem::Name);
            };
            check.folder(
                path,
                head.oid,
                Kind::CommitRests(digits, month),
                |check, path, rest| match layout::parse_oid(&digits, &rest.name).filter(|_| is_tree(rest)) {
                    None => check.checked.add(path, Problem::Name),
                    Some(oid) => {
                        check.commit(path, oid, month);
                        let before = check.names;
                        check.folder(path, rest.oid, Kind::CommitLinks, |check, path, entry| {
                            check.link(path, entry, SessionKey::parse(&entry.name));
                        });
                        check.checked.links += check.names.saturating_sub(before);
                    }
                },
            );
        });
    }

    /// The links by patch id: folders of the first two digits, each with folders of the next two.
    pub(super) fn patch_links(&mut self, tree: Oid) {
        let path = format!("{}/{}", layout::ROOT, layout::PATCHES);
        self.folder(path.as_bytes(), tree, Kind::Top, |check, path, head| {
            let Some(digits) = layout::digits(&head.name).filter(|_| is_tree(head)) else {
                return check.checked.add(path, Problem::Name);
            };
            check.folder(path, head.oid, Kind::PatchNexts(digits), |check, path, next| {
                let Some(folder) = layout::digits(&next.name).filter(|_| is_tree(next)).map(|next| [digits, next])
                else {
                    return check.checked.add(path, Problem::Name);
                };
                let before = check.names;
                check.folder(path, next.oid, Kind::PatchLinks(folder), |check, path, entry| {
                    let link = layout::parse_patch_link(folder, &entry.name);
                    check.link(path, entry, link.map(|(_, key)| key));
                });
                check.checked.anchors += check.names.saturating_sub(before);
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

    /// A link of that session, if its name says one.
    fn link(&mut self, path: &[u8], entry: &TreeEntry, key: Option<SessionKey>) {
        let Some(key) = key else {
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
