//! Finding sessions: by commit (see [`crate::lookup`]), by range, by name, by branch.

use std::collections::BTreeMap;

use crate::git::{self, BranchName, Oid, Repo, WalkLimits};
use crate::ledger::{self, Ledgers, Link, Scope, SessionKey, SidPrefix, StoredSession};
use crate::lookup::Lookup;

/// How many commits of a range are looked at.
const RANGE_LIMIT: usize = 100_000;

/// What a person named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A commit: the sessions behind it.
    Commit(Oid),
    /// A session.
    Session(SessionKey),
    /// A branch: the sessions of its ledger.
    Branch(BranchName),
}

/// A session, and the commits it is tied to as far as they were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The session, without its events.
    pub session: StoredSession,
    /// Its links.
    pub links: Vec<Link>,
}

/// What was found, and what could not be read on the way.
#[derive(Debug, Default)]
pub struct Findings {
    /// The sessions.
    pub found: Vec<Found>,
    /// Sessions and ledgers that are there and cannot be read.
    pub unreadable: Vec<ledger::Error>,
    /// How many commits were not looked at for shared lines, because there were too many without a session.
    pub unsearched: usize,
}

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No commit, session or branch of that name.
    #[error("{text:?} is no commit, session or branch here")]
    Unknown {
        /// What was asked for.
        text: String,
    },
    /// A beginning that several sessions have.
    #[error("{text:?} is the beginning of {} sessions", candidates.len())]
    Ambiguous {
        /// What was asked for.
        text: String,
        /// The sessions, newest first.
        candidates: Vec<SessionKey>,
    },
    /// No such range of commits.
    #[error("{text:?} is no range of commits here")]
    NoRange {
        /// What was asked for.
        text: String,
        /// What git says.
        source: git::Error,
    },
    /// The ledgers cannot be read.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// The repository cannot be read.
    #[error(transparent)]
    Git(#[from] git::Error),
}

/// The commits of a range (`a..b`, `HEAD~3..`, or one revision and all it reaches), newest first.
///
/// # Errors
/// When there is no such range.
pub fn commits_of(repo: &Repo, text: &str) -> Result<Vec<Oid>, Error> {
    let walked = repo.rev_list_text(text, WalkLimits::commits(RANGE_LIMIT));
    let walked = walked.map_err(|source| Error::NoRange { text: text.to_owned(), source })?;
    Ok(walked.commits)
}

/// Looks things up in the ledgers of a repository, its own and those fetched.
pub struct Browser<'repo> {
    repo: &'repo Repo,
    ledgers: Ledgers<'repo>,
}

impl<'repo> Browser<'repo> {
    /// Opens all ledgers.
    ///
    /// # Errors
    /// When the refs cannot be listed.
    pub fn open(repo: &'repo Repo) -> Result<Self, Error> {
        Ok(Self { repo, ledgers: Ledgers::open(repo, Scope::All)? })
    }

    /// The ledgers.
    pub fn ledgers(&self) -> &Ledgers<'repo> {
        &self.ledgers
    }

    /// What a text names. A branch that has a ledger is that branch; else whatever git takes for a
    /// commit is that commit; else it is the beginning of a session's name.
    ///
    /// # Errors
    /// When it names nothing, or several sessions.
    pub fn resolve(&self, text: &str) -> Result<Subject, Error> {
        if let Some(branch) = self.branch(text) {
            return Ok(Subject::Branch(branch));
        }
        let commit = self.repo.rev_parse(text);
        if let (Ok(oid), false) = (&commit, text.parse::<SidPrefix>().is_ok_and(|prefix| prefix.whole().is_some())) {
            return Ok(Subject::Commit(*oid));
        }
        match text.parse::<SidPrefix>() {
            Ok(prefix) => self.session(text, prefix),
            Err(_) => Err(Error::Unknown { text: text.to_owned() }),
        }
    }

    /// A session by the beginning of its name.
    ///
    /// # Errors
    /// When no session or several have it.
    pub fn session(&self, text: &str, prefix: SidPrefix) -> Result<Subject, Error> {
        let mut keys = self.ledgers.find(prefix)?;
        match (keys.pop(), keys.is_empty()) {
            (Some(key), true) => Ok(Subject::Session(key)),
            (Some(last), false) => {
                keys.push(last);
                Err(Error::Ambiguous { text: text.to_owned(), candidates: keys })
            }
            (None, _) => Err(Error::Unknown { text: text.to_owned() }),
        }
    }

    /// The branch of that name that has a ledger: `main`, `origin/main` and `refs/heads/main` name the same.
    fn branch(&self, text: &str) -> Option<BranchName> {
        let short = text.strip_prefix("refs/heads/").unwrap_or(text);
        let with_remote = |name: &str| {
            let (_, rest) = short.split_once('/')?;
            (rest == name).then_some(())
        };
        let branches = self.ledgers.views().filter_map(|view| view.branch());
        let mut candidates: Vec<&BranchName> = branches
            .filter(|branch| {
                str::from_utf8(branch.as_bytes()).is_ok_and(|name| name == short || with_remote(name).is_some())
            })
            .collect();
        // The exact name before the one with a remote in front.
        candidates.sort_by_key(|branch| branch.as_bytes() != short.as_bytes());
        candidates.first().map(|branch| (*branch).clone())
    }

    /// The sessions behind what was named, newest first; those of a commit by the strength of their evidence.
    ///
    /// # Errors
    /// When the ledgers cannot be read.
    pub fn behind(&self, subject: &Subject) -> Result<Findings, Error> {
        match subject {
            Subject::Commit(oid) => self.behind_commits(&[*oid]),
            Subject::Session(key) => {
                let links = self.ledgers.links_of(*key)?;
                let found = self.ledgers.session(*key)?.map(|session| Found { session, links });
                Ok(Findings { found: found.into_iter().collect(), ..Findings::default() })
            }
            Subject::Branch(branch) => {
                let ledgers = Ledgers::open(self.repo, Scope::Branch(branch))?;
                let mut findings = Findings::default();
                for session in ledgers.sessions() {
                    match session {
                        Ok(session) => findings.found.push(Found { session, links: Vec::new() }),
                        Err(error) => findings.unreadable.push(error),
                    }
                }
                Ok(findings)
            }
        }
    }

    /// The sessions behind a range of commits (`a..b`, `HEAD~3..`, or one revision and all it reaches), newest first.
    ///
    /// # Errors
    /// When there is no such range, or the ledgers cannot be read.
    pub fn behind_range(&self, text: &str) -> Result<Findings, Error> {
        let mut findings = self.behind_commits(&commits_of(self.repo, text)?)?;
        findings.found.sort_by_key(|found| std::cmp::Reverse(found.session.meta.header.context.created_at));
        Ok(findings)
    }

    /// The sessions behind some commits, in the order in which they turn up.
    fn behind_commits(&self, commits: &[Oid]) -> Result<Findings, Error> {
        let mut order: Vec<SessionKey> = Vec::new();
        let mut links: BTreeMap<SessionKey, Vec<Link>> = BTreeMap::new();
        let lookup = Lookup::new(self.repo, &self.ledgers);
        for &commit in commits {
            for link in lookup.behind(commit)? {
                let known = links.entry(link.key).or_default();
                if known.is_empty() {
                    order.push(link.key);
                }
                known.push(link);
            }
        }
        let mut findings = Findings { unsearched: lookup.unsearched(), ..Findings::default() };
        for key in order {
            let links = links.remove(&key).unwrap_or_default();
            match self.ledgers.session(key) {
                Ok(Some(session)) => findings.found.push(Found { session, links }),
                Ok(None) => {}
                Err(error) => findings.unreadable.push(error),
            }
        }
        Ok(findings)
    }

    /// All sessions, newest first, at most `limit` of them; without their links.
    ///
    /// # Errors
    /// When the ledgers cannot be read.
    pub fn newest(&self, limit: usize) -> Result<Findings, Error> {
        let mut findings = Findings::default();
        for session in self.ledgers.sessions() {
            if findings.found.len() >= limit {
                break;
            }
            match session {
                Ok(session) => findings.found.push(Found { session, links: Vec::new() }),
                Err(error) => findings.unreadable.push(error),
            }
        }
        Ok(findings)
    }
}
