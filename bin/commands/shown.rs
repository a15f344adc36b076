//! From what the library found to what the view shows.

use git_opensession::browse::{self, Browser, Found, Subject};
use git_opensession::git::{BranchName, Oid, RefName, Repo};
use git_opensession::ledger::{self, Evidence, LedgerRef, Ledgers, Link, Match, Percent, StoredSession};
use git_opensession::redaction::Findings;
use git_opensession::view::{self, Matched, Page, Row, RowMatch, Untrusted, counted};

use crate::report::{chain, matched};
use crate::terminal::Talk;

/// A session as a row of a list.
pub fn row(ledgers: &Ledgers<'_>, session: &StoredSession, links: &[Link]) -> Row {
    let matches = links.iter().filter(|link| link.matched != Match::Commit).map(row_match).collect();
    Row { matches, ..row_of(ledgers, session, links.iter().map(|link| link.commit)) }
}

/// The same, where only the ids of its commits are known.
pub fn row_of(ledgers: &Ledgers<'_>, session: &StoredSession, commits: impl IntoIterator<Item = Oid>) -> Row {
    let header = &session.meta.header;
    Row {
        sid: session.key.sid.to_string(),
        agent: header.agent.tool.as_str().into(),
        model: header.agent.model.as_str().into(),
        title: header.context.title.as_deref().map(Untrusted::from),
        started: header.context.created_at,
        updated: header.context.updated_at,
        branches: branch(ledgers, session).into_iter().collect(),
        commits: commits.into_iter().map(|commit| commit.to_string()).collect(),
        matches: Vec::new(),
        stats: session.meta.stats,
    }
}

/// What a [`Page`] borrows.
pub struct Shown {
    sid: String,
    links: Vec<view::Link>,
    branches: Vec<Untrusted>,
    redacted: Vec<(Untrusted, u64)>,
    found_by: Option<Untrusted>,
}

impl Shown {
    /// All of a session that is not its own: its commits, its branch.
    pub fn of(repo: &Repo, ledgers: &Ledgers<'_>, found: &Found) -> Self {
        Self {
            sid: found.session.key.sid.to_string(),
            links: found.links.iter().map(|link| shown_link(repo, link)).collect(),
            branches: branch(ledgers, &found.session).into_iter().collect(),
            redacted: redacted(&found.session.meta.findings),
            found_by: found.links.iter().find_map(matched::found_by).map(Untrusted::from),
        }
    }

    /// The commits it belongs to, and its branches.
    pub fn into_links_and_branches(self) -> (Vec<view::Link>, Vec<Untrusted>) {
        (self.links, self.branches)
    }

    /// The page of the session.
    pub fn page<'a>(&'a self, session: &'a StoredSession) -> Page<'a> {
        Page {
            sid: &self.sid,
            header: &session.meta.header,
            stats: &session.meta.stats,
            links: &self.links,
            branches: &self.branches,
            redacted: &self.redacted,
            found_by: self.found_by.clone(),
        }
    }
}

/// What was named, for a sentence about it.
pub fn subject(repo: &Repo, subject: &Subject) -> String {
    match subject {
        Subject::Commit(oid) => {
            let short: String = oid.to_string().chars().take(12).collect();
            match repo.commit(*oid) {
                Ok(commit) => format!("{short} ({})", commit.summary()),
                Err(_) => short,
            }
        }
        Subject::Session(key) => key.sid.to_string(),
        Subject::Branch(branch) => branch.to_string(),
    }
}

/// Says what could not be read; how much that is.
pub fn warn_unreadable(talk: &Talk, browser: &Browser<'_>, findings: &browse::Findings) -> usize {
    if findings.unsearched > 0 {
        let commits = counted(findings.unsearched as u64, "older commit");
        talk.say(&format!("{commits} without a session were not looked at for similar ones: there are too many"));
    }
    warn_ledgers(talk, browser.ledgers()) + warn_all(talk, &findings.unreadable)
}

/// Says which ledgers could not be opened; how many they are.
pub fn warn_ledgers(talk: &Talk, ledgers: &Ledgers<'_>) -> usize {
    warn_all(talk, ledgers.unreadable())
}

/// Says what could not be read, the first few of it; how much that is.
pub fn warn_all(talk: &Talk, problems: &[ledger::Error]) -> usize {
    const SAID: usize = 5;
    for problem in problems.iter().take(SAID) {
        talk.warn(&chain(problem), &[]);
    }
    if let Some(more) = problems.len().checked_sub(SAID).filter(|more| *more > 0) {
        talk.warn(&format!("and {}", counted(more as u64, "more thing that cannot be read")), &[]);
    }
    problems.len()
}

/// Whether a session was read from the ledger of a branch.
pub fn is_in(ledgers: &Ledgers<'_>, session: &StoredSession, branch: &BranchName) -> bool {
    let mut views = ledgers.views().filter(|view| view.label() == session.ledger);
    views.any(|view| view.branch() == Some(branch))
}

/// The branch whose ledger a session was read from: `main`, or `origin/main` of a ledger that was fetched.
fn branch(ledgers: &Ledgers<'_>, session: &StoredSession) -> Option<Untrusted> {
    let view = ledgers.views().find(|view| view.label() == session.ledger)?;
    let branch = view.branch()?.to_string();
    let remote = RefName::new(view.label()).ok().and_then(|name| LedgerRef::parse(&name)?.remote());
    Some(remote.map_or_else(|| branch.clone(), |remote| format!("{remote}/{branch}")).into())
}

/// What was taken out, by rule.
pub fn redacted(findings: &Findings) -> Vec<(Untrusted, u64)> {
    findings.iter().map(|(rule, count)| (rule.into(), count)).collect()
}

fn shown_link(repo: &Repo, link: &Link) -> view::Link {
    view::Link {
        commit: link.commit.to_string(),
        subject: repo.commit(link.commit).ok().map(|commit| commit.summary().into()),
        matched: shown_match(link),
        reasons: link.evidence.as_ref().map(reasons).unwrap_or_default(),
        evidence: link.evidence.as_ref().and_then(|why| serde_json::to_value(why).ok()).unwrap_or_default(),
    }
}

/// A commit, and by what it was recognised.
pub fn row_match(link: &Link) -> RowMatch {
    RowMatch { commit: link.commit.to_string(), matched: shown_match(link) }
}

fn shown_match(link: &Link) -> Matched {
    if link.matched == Match::Commit {
        return Matched::ID;
    }
    let original = matched::original(link).map(|commit| commit.to_string());
    Matched { by: link.matched.word(), share: link.matched.share().map(Percent::get), original }
}

/// `wrote`, `12 lines`, `83 % of the commit`, `2 files`.
pub fn reasons(evidence: &Evidence) -> Vec<Untrusted> {
    let kind = serde_json::to_value(evidence.kind).ok();
    let mut words: Vec<Untrusted> =
        kind.as_ref().and_then(|kind| kind.as_str()).map(Untrusted::from).into_iter().collect();
    if evidence.lines > 0 {
        words.push(counted(evidence.lines, "line").into());
    }
    if let Some(share) = evidence.share {
        // What a link was found by was another commit.
        let whole = if evidence.anchor.is_some() { "the original commit" } else { "the commit" };
        words.push(format!("{} % of {whole}", share.get()).into());
    }
    let files = evidence.more_files.saturating_add(evidence.files.len() as u64);
    if files > 0 {
        words.push(counted(files, "file").into());
    }
    words
}
