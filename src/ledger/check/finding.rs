//! What a check can find, each with a word for programs and a sentence for people.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::day::Day;
use super::super::error::Damage;
use crate::git::{BranchName, Oid, TornRef};

/// How many findings of one kind are kept for one ledger; the rest is counted.
const KEPT: usize = 100;

/// How much of a path is shown, in bytes.
const SHOWN: usize = 300;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing: nothing is broken.
    Note,
    /// A rule is broken.
    Error,
}

/// A place in a ledger, and what is wrong with it.
#[derive(Debug)]
pub struct Finding {
    /// The path in the ledger's tree, quoted as git quotes paths; empty for the ledger itself.
    pub path: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with something in a ledger.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// An object, a file or its content.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// A ref among those of ledgers that is none.
    #[error("no branch has this ref: remove it with git update-ref -d")]
    Ref,
    /// A ref whose file holds none.
    #[error("its file holds no ref, and nothing can be stored there: remove {}, then capture again", .0.display())]
    Torn(PathBuf),
    /// A name that no ledger has.
    #[error("is no path of a ledger")]
    Name,
    /// Two entries of one name.
    #[error("is there twice")]
    Twice,
    /// What every ledger has.
    #[error("is missing")]
    Lacks,
    /// Another format than this version reads.
    #[error("is {0:?}, and this version reads 2: update git-opensession")]
    Format(String),
    /// The branch that it says it is of is not the one that its ref says.
    #[error("is {found:?}, and the ref is that of {wanted:?}")]
    OtherBranch {
        /// What the ledger says, lossily.
        found: String,
        /// What the ref says, lossily.
        wanted: String,
    },
    /// Something of before the floor.
    #[error("is older than the floor of this ledger, {0}")]
    Expired(Day),
    /// Something of a session that was purged.
    #[error("is of a session that was purged")]
    Purged,
    /// A snapshot that was purged.
    #[error("is a snapshot that was purged")]
    PurgedSnapshot,
    /// What lies in an inbox is named for its commit, and this is another.
    #[error("is commit {0}, which it is not named for: nobody joins it")]
    Inbox(Oid),
    /// A link to a session that is not in the ledger.
    #[error("its session is not in this ledger")]
    NoSession,
    /// A link in another month than that of its commit: nobody finds it there.
    #[error("lies in another month than its commit is of, {0}: it is not found there")]
    Month(String),
    /// A file that is larger than any may be.
    #[error("has {size} bytes, and no file of a ledger has more than {limit}")]
    TooLarge {
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The stored statistics are not those of the events.
    #[error("its statistics are not what its events add up to")]
    Stats,
    /// An event that is none.
    #[error("its events cannot be read, at line {line} of its text: {why}")]
    Event {
        /// From 1; the header is the first.
        line: u64,
        /// Why.
        why: String,
    },
    /// A few bytes that unpack to very many.
    #[error("is not read: with it this small ledger would have {0} bytes of text")]
    Bomb(u64),
    /// A commit of the ledger with several parents.
    #[error("has {0} parents: a merge brings back what was purged")]
    Parents(usize),
    /// Commits of links that are not here.
    #[error("{}; {}", not_here(*.commits), why_not_here(*.anchored, *.shallow, *.partial))]
    CommitsNotHere {
        /// How many.
        commits: u64,
        /// How many of them have a known patch: what they were rewritten to is found by it.
        anchored: u64,
        /// Whether this is a shallow clone.
        shallow: bool,
        /// Whether this is a partial clone.
        partial: bool,
    },
    /// Objects that a partial clone never fetched.
    #[error("{0} objects were left at the remote by this partial clone, and are not checked")]
    ObjectsNotHere(u64),
    /// Earlier commits that a shallow clone never fetched.
    #[error("its history ends here: this is a shallow clone")]
    Shallow,
    /// Sessions that older rules of redaction went over.
    #[error("{sessions} sessions were redacted by older rules than today's ({rules}): git opensession redact --again")]
    OldRules {
        /// How many.
        sessions: u64,
        /// The version of today's rules.
        rules: u32,
    },
}

fn not_here(commits: u64) -> String {
    match commits {
        1 => "a linked commit is not here".to_owned(),
        _ => format!("{commits} linked commits are not here"),
    }
}

fn why_not_here(anchored: u64, shallow: bool, partial: bool) -> String {
    match (shallow, partial) {
        (true, _) => "this is a shallow clone, which does not have all".to_owned(),
        (false, true) => "this is a partial clone, which may not have all".to_owned(),
        (false, false) if anchored == 0 => "never fetched, or rewritten since".to_owned(),
        (false, false) => {
            format!("never fetched, or rewritten since ({anchored} would be found by patch)")
        }
    }
}

impl Problem {
    /// Its word, for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Damage(_) => "damaged",
            Self::Ref => "bad-ref",
            Self::Torn(_) => "torn",
            Self::Name => "bad-name",
            Self::Twice => "twice",
            Self::Lacks => "missing",
            Self::Format(_) => "format",
            Self::OtherBranch { .. } => "other-branch",
            Self::Expired(_) => "expired",
            Self::Purged | Self::PurgedSnapshot => "purged",
            Self::Inbox(_) => "bad-inbox",
            Self::NoSession => "no-session",
            Self::Month(_) => "month",
            Self::TooLarge { .. } => "too-large",
            Self::Stats => "stats",
            Self::Event { .. } => "event",
            Self::Bomb(_) => "bomb",
            Self::Parents(_) => "parents",
            Self::CommitsNotHere { .. } => "commits-not-here",
            Self::ObjectsNotHere(_) => "objects-not-here",
            Self::Shallow => "shallow",
            Self::OldRules { .. } => "old-rules",
        }
    }

    /// How bad it is.
    pub fn level(&self) -> Level {
        match self {
            Self::CommitsNotHere { .. } | Self::ObjectsNotHere(_) | Self::Shallow | Self::OldRules { .. } => {
                Level::Note
            }
            _ => Level::Error,
        }
    }
}

/// What was found in one ledger.
#[derive(Debug)]
pub struct Checked {
    /// Its ref.
    pub ledger: String,
    /// The branch it is of, if it says so.
    pub branch: Option<BranchName>,
    /// How many sessions it has.
    pub sessions: u64,
    /// How many links by commit.
    pub links: u64,
    /// How many links by patch, or by a line of one.
    pub anchors: u64,
    /// What was found, in the order of the tree: at most a hundred of one kind.
    pub findings: Vec<Finding>,
    /// How many more there are of a kind.
    pub more: BTreeMap<&'static str, u64>,
    counts: BTreeMap<&'static str, usize>,
}

impl Checked {
    /// Of a ledger that was not looked at yet.
    pub(super) fn new(ledger: String) -> Self {
        let (findings, more, counts) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        Self { ledger, branch: None, sessions: 0, links: 0, anchors: 0, findings, more, counts }
    }

    /// Of a ref that is among those of ledgers, and none of them.
    pub fn no_ledger(name: String) -> Self {
        let mut checked = Self::new(name);
        checked.add(b"", Problem::Ref);
        checked
    }

    /// Of a ref whose file holds none.
    pub fn torn(torn: TornRef) -> Self {
        let mut checked = Self::new(torn.name.to_string());
        checked.add(b"", Problem::Torn(torn.file));
        checked
    }

    pub(super) fn add(&mut self, path: &[u8], problem: impl Into<Problem>) {
        let problem = problem.into();
        let count = self.counts.entry(problem.word()).or_default();
        *count += 1;
        if *count > KEPT {
            *self.more.entry(problem.word()).or_default() += 1;
        } else {
            self.findings.push(Finding { path: quoted(path), problem });
        }
    }

    /// How many findings are errors, those that were only counted included.
    pub fn errors(&self) -> u64 {
        let kept = self.findings.iter().filter(|finding| finding.problem.level() == Level::Error).count();
        // Of notes there is one of each kind.
        kept as u64 + self.more.values().sum::<u64>()
    }

    /// How many findings are notes.
    pub fn notes(&self) -> u64 {
        self.findings.iter().filter(|finding| finding.problem.level() == Level::Note).count() as u64
    }
}

/// A path as git prints odd ones (`core.quotePath`): in quotes, and what is no plain ASCII as backslash and octal digits.
/// Long ones are cut.
fn quoted(path: &[u8]) -> String {
    let (shown, is_cut) = path.split_at_checked(SHOWN).map_or((path, false), |(shown, _)| (shown, true));
    let mut text = String::with_capacity(shown.len() + 2);
    for &byte in shown {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            _ => text.extend(['\\', octal(byte >> 6), octal(byte >> 3), octal(byte)]),
        }
    }
    let is_odd = text.len() != shown.len();
    if is_cut {
        text.push_str("...");
    }
    if is_odd { format!("\"{text}\"") } else { text }
}

fn octal(bits: u8) -> char {
    char::from(b'0' + (bits & 7))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_paths_are_shown_as_git_shows_them() {
        for (path, shown) in [
            (b"v2/format".as_slice(), "v2/format"),
            (b"a b", "a b"),
            (b"a\x1b[2J", "\"a\\033[2J\""),
            (b"a\"\\\n\t", "\"a\\\"\\\\\\n\\t\""),
            ("\u{202e}x".as_bytes(), "\"\\342\\200\\256x\""),
            (b"\xff", "\"\\377\""),
            (b"", ""),
        ] {
            assert_eq!(quoted(path), shown);
        }
        let long = quoted("a".repeat(100_000).as_bytes());
        assert_eq!((long.len(), long.ends_with("a...")), (303, true));
    }

    #[test]
    fn many_findings_of_a_kind_are_counted() {
        let mut checked = Checked::new("l".to_owned());
        for _ in 0..1000 {
            checked.add(b"x", Problem::Name);
        }
        checked.add(b"", Problem::ObjectsNotHere(3));
        assert_eq!((checked.findings.len(), checked.more["bad-name"]), (101, 900));
        assert_eq!((checked.errors(), checked.notes()), (1000, 1));
    }
}
