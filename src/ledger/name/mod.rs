//! Which ref is the ledger of which branch.
//!
//! - `refs/opensession/branches/<key>`: the ledger of a branch, live: appended to here.
//! - `refs/opensession/remotes/<remote>/branches/<key>`: what a remote had when it was last asked. Only fetched into.
//! - `refs/opensession/remotes/<remote>/inbox/<key>/<commit>`: what somebody left beside that ledger over there, because
//!   he lost every race for it. It is named for its content: nobody else writes it, so it cannot be lost. Whoever sees it
//!   and pushes next joins it into the ledger, and deletes it there.
//!
//! At a remote they are `refs/opensession/branches/<key>` and `refs/opensession/inbox/<key>/<commit>`; or the same under
//! `refs/heads/`, for a host that takes nothing else ([`Namespace`]).
//!
//! Notes lie beside: `refs/opensession/remotes/<remote>/notes` is what a remote had of them.
//!
//! The key is the branch name in base64url without padding, or `h.` and the SHA-256 of the name where that would be
//! more than a file system takes as one path part (with git's `.lock` behind it). On a disk that ignores case two keys
//! can be one file: the ledger says in `v2/branch` whose it is, and that is looked at when it is opened.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::git::remote::Mapping;
use crate::git::{BadName, BranchName, HiddenRef, Oid, OwnRef, RefName};
use crate::hail::Digest;

/// Where the live ledgers are.
pub const LOCAL_PREFIX: &str = "refs/opensession/branches/";

/// Where the ledgers of remotes are, as they were when last fetched.
pub const REMOTES_PREFIX: &str = "refs/opensession/remotes/";

/// The longest branch name that is spelled out: 187 bytes are 250 base64 digits, and `.lock` makes 255.
const LONGEST_SPELLED: usize = 187;

/// The longest remote name that is spelled out, escaped.
const LONGEST_REMOTE: usize = 200;

/// The ref of a ledger: of a branch, here or on a remote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerRef {
    place: Place,
    key: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Place {
    Live,
    Tracking(RemoteKey),
    Inbox(RemoteKey, Oid),
}

/// Where a remote keeps our refs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Namespace {
    /// `refs/opensession/`, which no clone fetches by itself.
    #[default]
    Hidden,
    /// `refs/heads/opensession/`, for a host that takes only branches and tags.
    Heads,
}

impl Namespace {
    /// The values of `opensession.namespace`.
    pub const NAMES: [&str; 2] = ["refs/opensession/branches", "refs/heads/opensession/branches"];

    /// Reads a value of `opensession.namespace`.
    pub fn parse(name: &str) -> Option<Self> {
        let [hidden, heads] = Self::NAMES;
        match name.trim_end_matches('/') {
            name if name == hidden => Some(Self::Hidden),
            name if name == heads => Some(Self::Heads),
            _ => None,
        }
    }

    fn root(self) -> &'static str {
        match self {
            Self::Hidden => "refs/opensession/",
            Self::Heads => "refs/heads/opensession/",
        }
    }

    /// The ledger that a ref of a remote is, and where that remote keeps them; `None` if it is none.
    pub fn parse_ledger(name: &RefName) -> Option<(Self, LedgerRef)> {
        [Self::Hidden, Self::Heads].into_iter().zip(Self::NAMES).find_map(|(namespace, prefix)| {
            let key = str::from_utf8(name.as_bytes()).ok()?.strip_prefix(prefix)?.strip_prefix('/')?;
            let ledger = LedgerRef::parse(&RefName::new(format!("{LOCAL_PREFIX}{key}")).ok()?)?;
            Some((namespace, ledger))
        })
    }

    /// What matches all that was left beside a ledger at a remote (git-ls-remote(1)).
    pub fn inbox_pattern(self, ledger: &LedgerRef) -> String {
        format!("{}inbox/{}/*", self.root(), ledger.key)
    }

    /// A branch's ledger at a remote.
    ///
    /// # Errors
    /// Never in practice: keys are valid path parts of a ref.
    pub fn ledger(self, ledger: &LedgerRef) -> Result<OwnRef, BadName> {
        OwnRef::new(RefName::new(format!("{}branches/{}", self.root(), ledger.key))?)
    }

    /// The place beside a branch's ledger at a remote where a commit is left that lost every race for it.
    ///
    /// # Errors
    /// As [`Namespace::ledger`].
    pub fn inbox(self, ledger: &LedgerRef, commit: Oid) -> Result<OwnRef, BadName> {
        OwnRef::new(RefName::new(format!("{}inbox/{}/{commit}", self.root(), ledger.key))?)
    }

    /// The notes at a remote.
    ///
    /// # Errors
    /// Never in practice: they are valid refs.
    pub fn notes(self) -> Result<OwnRef, BadName> {
        OwnRef::new(RefName::new(self.notes_name())?)
    }

    fn notes_name(self) -> &'static str {
        match self {
            Self::Hidden => "refs/notes/opensession",
            Self::Heads => "refs/heads/opensession/notes",
        }
    }

    /// What matches everything in the inboxes of a remote.
    pub fn inboxes(self) -> String {
        format!("{}inbox/*", self.root())
    }

    /// The ledger in whose inbox a remote has a commit under that name; `None` if it is not named for the commit.
    pub fn inbox_named(self, name: &RefName, commit: Oid) -> Option<LedgerRef> {
        let name = str::from_utf8(name.as_bytes()).ok()?;
        let (key, named) = name.strip_prefix(self.root())?.strip_prefix("inbox/")?.split_once('/')?;
        let ledger = LedgerRef::parse(&RefName::new(format!("{LOCAL_PREFIX}{key}")).ok()?)?;
        (named == commit.to_string()).then_some(ledger)
    }

    /// What to fetch for all ledgers of a remote and its notes, and into which refs. (What lies in inboxes is not fetched
    /// by a pattern: anybody may leave there as much as he likes.)
    ///
    /// # Errors
    /// Never in practice: a remote's key is a valid path part of a ref.
    pub fn all(self, remote: &str) -> Result<Vec<Mapping>, BadName> {
        let ledgers = (format!("{}branches/*", self.root()), format!("{}*", tracking_prefix(remote)));
        // A pattern is no error where there are none. What it matches more is kept where nobody looks.
        let notes = (format!("{}*", self.notes_name()), format!("{}*", tracking_notes(remote)));
        [ledgers, notes].into_iter().map(|(theirs, ours)| Mapping::new(theirs, ours)).collect()
    }

    /// What to fetch for some ledgers.
    ///
    /// # Errors
    /// As [`Namespace::all`].
    pub fn some<'a>(
        self,
        remote: &str,
        ledgers: impl IntoIterator<Item = &'a LedgerRef>,
    ) -> Result<Vec<Mapping>, BadName> {
        let mapping = |LedgerRef { key, .. }: &LedgerRef| {
            Mapping::new(format!("{}branches/{key}", self.root()), format!("{}{key}", tracking_prefix(remote)))
        };
        ledgers.into_iter().map(mapping).collect()
    }
}

/// One path part for a remote's name: letters, digits, `-` and `_` as they are, all else as `%XX`; `h.` and the SHA-256
/// of the name where that gets too long. (Remotes may be called `a/b`, and git lets URLs stand for names.)
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct RemoteKey(String);

impl RemoteKey {
    fn new(remote: &str) -> Self {
        let mut escaped = String::new();
        for byte in remote.bytes() {
            if is_plain(byte) {
                escaped.push(char::from(byte));
            } else {
                escaped.extend(['%', hex_digit(byte >> 4), hex_digit(byte & 15)]);
            }
        }
        let fits = (1..=LONGEST_REMOTE).contains(&escaped.len());
        Self(if fits { escaped } else { hashed(remote.as_bytes()) })
    }

    /// The name, unless it was too long to be spelled out.
    fn name(&self) -> Option<String> {
        let mut bytes = Vec::new();
        let mut rest = self.0.as_bytes();
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            if *first == b'%' {
                let (hex, after) = rest.split_first_chunk::<2>()?;
                bytes.push(u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok()?);
                rest = after;
            } else {
                bytes.push(*first);
            }
        }
        let name = String::from_utf8(bytes).ok()?;
        (Self::new(&name) == *self).then_some(name)
    }

    /// Reads a path part that [`RemoteKey::new`] made.
    fn parse(part: &str) -> Option<Self> {
        let key = Self(part.to_owned());
        (is_hashed(part) || key.name().is_some()).then_some(key)
    }
}

fn hex_digit(value: u8) -> char {
    char::from_digit(value.into(), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn hashed(name: &[u8]) -> String {
    format!("h.{}", Digest::of(name))
}

fn is_hashed(key: &str) -> bool {
    key.strip_prefix("h.").is_some_and(|hex| hex.parse::<Digest>().is_ok())
}

fn key_of(branch: &[u8]) -> String {
    if branch.len() <= LONGEST_SPELLED { URL_SAFE_NO_PAD.encode(branch) } else { hashed(branch) }
}

impl LedgerRef {
    /// The live ledger of a branch.
    pub fn local(branch: &BranchName) -> Self {
        Self { place: Place::Live, key: key_of(branch.as_bytes()) }
    }

    /// The ledger of a remote's branch, as it was when last fetched. `remote` is its configured name, or a URL
    /// without credentials.
    pub fn tracking(remote: &str, branch: &BranchName) -> Self {
        Self { place: Place::Tracking(RemoteKey::new(remote)), key: key_of(branch.as_bytes()) }
    }

    /// The ledger that a ref is, if it is one.
    pub fn parse(name: &RefName) -> Option<Self> {
        let name = str::from_utf8(name.as_bytes()).ok()?;
        let (place, key) = if let Some(key) = name.strip_prefix(LOCAL_PREFIX) {
            (Place::Live, key)
        } else {
            let (remote, rest) = name.strip_prefix(REMOTES_PREFIX)?.split_once('/')?;
            let remote = RemoteKey::parse(remote)?;
            match rest.split_once('/')? {
                ("branches", key) => (Place::Tracking(remote), key),
                ("inbox", rest) => {
                    let (key, commit) = rest.split_once('/')?;
                    let parsed: Oid = commit.parse().ok()?;
                    (Place::Inbox(remote, Some(parsed).filter(|oid| oid.to_string() == commit)?), key)
                }
                _ => return None,
            }
        };
        let ledger = Self { place, key: key.to_owned() };
        (is_hashed(key) || ledger.branch().is_some()).then_some(ledger)
    }

    /// The branch, unless its name was too long to be spelled out: then only the ledger itself knows.
    pub fn branch(&self) -> Option<BranchName> {
        let bytes = URL_SAFE_NO_PAD.decode(&self.key).ok()?;
        let branch = BranchName::new(&bytes).ok()?;
        (key_of(&bytes) == self.key).then_some(branch)
    }

    /// Whether this is a ledger of that branch, by the ref's name alone.
    pub fn is_of(&self, branch: &[u8]) -> bool {
        self.key == key_of(branch)
    }

    /// Whether this is the live ledger, not what a remote had.
    pub fn is_local(&self) -> bool {
        self.place == Place::Live
    }

    /// The commit that this is named for, if it was left in an inbox.
    pub fn inbox(&self) -> Option<Oid> {
        match self.place {
            Place::Inbox(_, commit) => Some(commit),
            Place::Live | Place::Tracking(_) => None,
        }
    }

    /// Whether this is what that remote had.
    pub fn is_at(&self, remote: &str) -> bool {
        match &self.place {
            Place::Live => false,
            Place::Tracking(key) | Place::Inbox(key, _) => *key == RemoteKey::new(remote),
        }
    }

    /// The name of the remote; `None` for a live ledger, and where the name was too long to be spelled out.
    pub fn remote(&self) -> Option<String> {
        match &self.place {
            Place::Live => None,
            Place::Tracking(remote) | Place::Inbox(remote, _) => remote.name(),
        }
    }

    /// The live ledger of the same branch.
    #[must_use]
    pub fn to_local(&self) -> Self {
        Self { place: Place::Live, key: self.key.clone() }
    }

    /// The same branch's ledger as that remote had it.
    #[must_use]
    pub fn to_tracking(&self, remote: &str) -> Self {
        Self { place: Place::Tracking(RemoteKey::new(remote)), key: self.key.clone() }
    }

    /// A commit that was left in that branch's inbox at that remote.
    #[must_use]
    pub fn to_inbox(&self, remote: &str, commit: Oid) -> Self {
        Self { place: Place::Inbox(RemoteKey::new(remote), commit), key: self.key.clone() }
    }

    /// Where what was fetched of this branch's inbox is; ends in `/`.
    pub fn inbox_prefix(&self, remote: &str) -> String {
        format!("{}{}/", inbox_prefix(remote), self.key)
    }

    /// The ref.
    ///
    /// # Errors
    /// Never in practice: keys are valid path parts of a ref.
    pub fn to_ref(&self) -> Result<HiddenRef, BadName> {
        HiddenRef::new(RefName::new(self.to_string())?)
    }
}

impl fmt::Display for LedgerRef {
    /// The full name of the ref.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.place {
            Place::Live => write!(f, "{LOCAL_PREFIX}{key}"),
            Place::Tracking(RemoteKey(remote)) => write!(f, "{REMOTES_PREFIX}{remote}/branches/{key}"),
            Place::Inbox(RemoteKey(remote), commit) => write!(f, "{REMOTES_PREFIX}{remote}/inbox/{key}/{commit}"),
        }
    }
}

/// Where everything that was fetched from one remote is; ends in `/`.
pub fn remote_prefix(remote: &str) -> String {
    let RemoteKey(key) = RemoteKey::new(remote);
    format!("{REMOTES_PREFIX}{key}/")
}

/// Where the ledgers of one remote are, as they were when last fetched; ends in `/`.
pub fn tracking_prefix(remote: &str) -> String {
    format!("{}branches/", remote_prefix(remote))
}

/// Where what lies in the inboxes of one remote is, as far as it was fetched; ends in `/`.
pub fn inbox_prefix(remote: &str) -> String {
    format!("{}inbox/", remote_prefix(remote))
}

/// Where the notes of one remote are, as they were when last fetched.
pub fn tracking_notes(remote: &str) -> String {
    format!("{}notes", remote_prefix(remote))
}

/// Whether a ref is what some remote had of notes.
pub fn is_tracking_notes(name: &RefName) -> bool {
    let rest = str::from_utf8(name.as_bytes()).ok().and_then(|name| name.strip_prefix(REMOTES_PREFIX));
    rest.and_then(|rest| rest.split_once('/')).is_some_and(|(_, what)| what == "notes")
}

#[cfg(test)]
mod tests;
