//! Checking a ledger against every rule there is, whoever has written it.
//!
//! A ledger is somebody else's until it is checked, so the check itself is bounded: sizes are looked at before anything
//! is read, a tree that is in several places is looked into once, and the names of all trees together and the text that
//! is unpacked have a limit. What is refused is named, and the rest is checked all the same. No object is ever asked of
//! a remote.

mod files;
mod finding;
mod folders;
mod history;
mod links;
mod sessions;

use std::collections::{HashMap, HashSet};

pub use finding::{Checked, Finding, Level, Problem};

use super::error::{Damage, Result};
use super::ledgers::Scope;
use super::name::{LOCAL_PREFIX, LedgerRef, REMOTES_PREFIX, remote_prefix};
use super::retention::Retention;
use super::sid::{SessionKey, Sid};
use crate::git::{self, EntryKind, ObjectKind, Oid, Repo, TornRef, TreeEntry};

/// The largest file of a ledger, in bytes.
pub const FILE_LIMIT: u64 = 50 << 20;

/// The most names of one part of a ledger that are read: ten times what one of 100,000 sessions has.
const NAMES_LIMIT: u64 = 5_000_000;

/// Unpacked text of one ledger that is read whatever its packed size is, and how many times its packed size it may be
/// beyond that.
const TEXT_FREE: u64 = 2 << 30;
const TEXT_FACTOR: u64 = 64;

/// Where the ledgers of a remote lie; other things that are kept of it lie beside these.
const FOLDERS: [&str; 2] = ["branches/", "inbox/"];

/// What has to be known of the repository.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    /// Whether it is a partial clone: what it lacks was left at the remote.
    pub partial: bool,
    /// The version of today's rules of redaction.
    pub rules: u32,
}

/// A ref that holds a ledger, or should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRef {
    /// Its name, lossily.
    pub name: String,
    /// The ledger; `None` if no ledger is called so.
    pub ledger: Option<LedgerRef>,
    /// What it points at.
    pub tip: Oid,
}

/// The refs of ledgers whose files hold none.
pub fn torn(repo: &Repo, scope: Scope<'_>) -> Vec<TornRef> {
    let mut torn = repo.torn_refs(LOCAL_PREFIX);
    torn.extend(repo.torn_refs(REMOTES_PREFIX));
    torn.retain(|torn| LedgerRef::parse(&torn.name).is_some_and(|ledger| scope.has(&ledger)));
    torn
}

/// The refs where ledgers lie, sorted: those of a scope, and those whose names are none of a ledger.
///
/// # Errors
/// When the refs cannot be listed.
pub fn refs(repo: &Repo, scope: Scope<'_>) -> Result<Vec<FoundRef>> {
    let mut refs = Vec::new();
    for prefix in [LOCAL_PREFIX, REMOTES_PREFIX] {
        for found in repo.refs(prefix)? {
            let ledger = LedgerRef::parse(&found.name);
            let name = found.name.to_string();
            let wanted = match &ledger {
                Some(ledger) => scope.has(ledger),
                None => match scope {
                    Scope::Remote(remote) => {
                        FOLDERS.iter().any(|folder| name.starts_with(&format!("{}{folder}", remote_prefix(remote))))
                    }
                    _ => prefix == LOCAL_PREFIX || FOLDERS.iter().any(|folder| name.contains(&format!("/{folder}"))),
                },
            };
            if wanted {
                refs.push(FoundRef { name, ledger, tip: found.oid });
            }
        }
    }
    Ok(refs)
}

/// Checks ledgers one after the other. What was found sound in one is not read again in the next.
pub struct Checker<'repo> {
    repo: &'repo Repo,
    circumstances: Circumstances,
    sound_sessions: HashMap<(Oid, Sid), u32>,
    /// With the commit whose patch it is about, if it is.
    sound_evidence: HashMap<Oid, Option<Oid>>,
}

impl<'repo> Checker<'repo> {
    /// One that has seen nothing yet.
    pub fn new(repo: &'repo Repo, circumstances: Circumstances) -> Self {
        Self { repo, circumstances, sound_sessions: HashMap::new(), sound_evidence: HashMap::new() }
    }

    /// Checks the ledger that a ref holds at `tip`.
    pub fn check(&mut self, ledger: &LedgerRef, tip: Oid) -> Checked {
        let mut check = Check {
            repo: self.repo,
            circumstances: self.circumstances,
            ledger,
            checked: Checked::new(ledger.to_string()),
            retention: Retention::default(),
            sessions: None,
            known: HashSet::new(),
            seen: HashMap::new(),
            names: 0,
            read_names: 0,
            text: Text::default(),
            not_here: 0,
            commits_not_here: HashSet::new(),
            anchored: HashSet::new(),
            sessions_missed: 0,
            old_rules: 0,
            sound: self,
        };
        check.run(tip);
        check.checked
    }
}

/// How much text was unpacked, and of how much.
#[derive(Default)]
struct Text {
    packed: u64,
    unpacked: u64,
    blobs: HashSet<Oid>,
}

/// One ledger being checked.
struct Check<'a, 'repo> {
    repo: &'repo Repo,
    circumstances: Circumstances,
    ledger: &'a LedgerRef,
    checked: Checked,
    /// What it says that it no longer keeps.
    retention: Retention,
    /// The tree of all sessions.
    sessions: Option<Oid>,
    /// The sessions that were come by.
    known: HashSet<SessionKey>,
    /// The trees that were looked into, as what, and how many names were below them.
    seen: HashMap<(Oid, folders::Kind), u64>,
    /// All names, those of trees in several places as often as they are there.
    names: u64,
    /// Names that were read.
    read_names: u64,
    text: Text,
    not_here: u64,
    commits_not_here: HashSet<Oid>,
    /// Those of them whose patch is known.
    anchored: HashSet<Oid>,
    sessions_missed: u64,
    old_rules: u64,
    sound: &'a mut Checker<'repo>,
}

impl Check<'_, '_> {
    fn run(&mut self, tip: Oid) {
        let root = match self.repo.commit(tip) {
            Ok(commit) => commit.tree,
            Err(error) => return self.object(b"", error),
        };
        if self.ledger.inbox().is_some_and(|named| named != tip) {
            self.checked.add(b"", Problem::Inbox(tip));
        }
        self.history(tip);
        self.root(root);
        let shallow = self.repo.is_shallow();
        let Circumstances { partial, rules } = self.circumstances;
        if !self.commits_not_here.is_empty() {
            let (commits, anchored) = (self.commits_not_here.len() as u64, self.anchored.len() as u64);
            self.checked.add(b"", Problem::CommitsNotHere { commits, anchored, shallow, partial });
        }
        if self.not_here > 0 {
            self.checked.add(b"", Problem::ObjectsNotHere(self.not_here));
        }
        if self.old_rules > 0 {
            self.checked.add(b"", Problem::OldRules { sessions: self.old_rules, rules });
        }
    }

    /// An object that cannot be read. One that a partial clone lacks is no damage.
    fn object(&mut self, path: &[u8], error: git::Error) {
        match error {
            git::Error::Missing(_) if self.circumstances.partial => self.not_here += 1,
            error => self.checked.add(path, Damage::from(error)),
        }
    }

    fn damage(&mut self, path: &[u8], why: Damage) {
        match why {
            Damage::Object(error) => self.object(path, error),
            why => self.checked.add(path, why),
        }
    }

    /// The size of a file, if it is one that may be read.
    fn size(&mut self, path: &[u8], entry: &TreeEntry) -> Option<u64> {
        if entry.kind != EntryKind::File {
            self.checked.add(path, Damage::NotA("file"));
            return None;
        }
        match self.repo.header(entry.oid) {
            Ok(header) if header.kind != ObjectKind::Blob => self.checked.add(path, Damage::NotA("file")),
            Ok(header) if header.size > FILE_LIMIT => {
                self.checked.add(path, Problem::TooLarge { size: header.size, limit: FILE_LIMIT });
            }
            Ok(header) => return Some(header.size),
            Err(error) => self.object(path, error),
        }
        None
    }

    /// The bytes of a file of at most `limit` bytes.
    fn file(&mut self, path: &[u8], entry: &TreeEntry, limit: u64) -> Option<Vec<u8>> {
        let size = self.size(path, entry)?;
        if size > limit {
            self.checked.add(path, Problem::TooLarge { size, limit });
            return None;
        }
        match self.repo.blob(entry.oid, limit) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.object(path, error);
                None
            }
        }
    }

    /// Whether something of a session may be there at all.
    fn is_welcome(&mut self, path: &[u8], key: SessionKey) -> bool {
        if self.retention.purged.contains(&key.sid) {
            self.checked.add(path, Problem::Purged);
            return false;
        }
        match self.retention.floor {
            Some(floor) if self.retention.is_expired(key) => {
                self.checked.add(path, Problem::Expired(floor));
                false
            }
            _ => true,
        }
    }
}

/// A path and one part more.
fn below(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() }
}
