//! Writing down what was found: sessions behind commits that were rewritten become ordinary links.
//!
//! A lookup by patch or by lines needs the ledger that has the original's anchors. Once it is written down, the commit's id
//! is enough, in every clone and by every tool that reads links: the ledger of the branch that has the commit now has
//! the sessions, too. Nothing of them is copied but their names.

use crate::anchor;
use crate::git::{BranchName, Commit, Oid, Repo};
use crate::ledger::{
    self, Anchor, Append, Appender, Captured, CommitAt, Evidence, Ledgers, Link, Match, NewLink, Outcome, Refusal,
    SessionKey, append,
};
use crate::lookup::Lookup;

/// What there is to be written down.
#[derive(Debug)]
pub struct Plan {
    /// The branch whose ledger takes it.
    pub branch: BranchName,
    /// What is to be tied, in the order of the commits, newest first.
    pub found: Vec<Found>,
    /// What is only similar, and was not asked for.
    pub left_out: Vec<Found>,
    /// How many commits were not looked at for similar ones, because there were too many.
    pub unsearched: usize,
}

/// A commit and a session that nobody has tied yet.
#[derive(Debug)]
pub struct Found {
    /// The commit.
    pub commit: Commit,
    /// By what it was recognised, and why the session is behind the original.
    pub link: Link,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Written {
    /// The ledger's tip before and now. Equal, if all was there.
    pub moved: (Option<Oid>, Option<Oid>),
    /// Links that are new.
    pub links: usize,
    /// Sessions that could not be tied, and why.
    pub refused: Vec<(SessionKey, Refusal)>,
    /// Whether others moved the ledger every time: nothing was written.
    pub raced: bool,
}

impl Plan {
    /// Looks for the sessions behind some commits that are not tied to them. `similar`: also where only lines are the same.
    ///
    /// # Errors
    /// When the ledgers cannot be read.
    pub fn new<'repo>(
        repo: &'repo Repo,
        ledgers: &Ledgers<'repo>,
        branch: BranchName,
        commits: &[Oid],
        similar: bool,
    ) -> ledger::Result<Self> {
        let lookup = Lookup::new(repo, ledgers);
        let (mut found, mut left_out) = (Vec::new(), Vec::new());
        for &oid in commits {
            let links = lookup.behind(oid)?;
            let is_new = |link: &Link| link.matched != Match::Commit && !is_written(link);
            let Some(commit) = links.iter().any(is_new).then(|| repo.commit(oid).ok()).flatten() else { continue };
            for link in links.into_iter().filter(is_new) {
                let is_wanted = similar || !matches!(link.matched, Match::Similar(_));
                let list = if is_wanted { &mut found } else { &mut left_out };
                list.push(Found { commit: commit.clone(), link });
            }
        }
        Ok(Self { branch, found, left_out, unsearched: lookup.unsearched() })
    }

    /// Writes it down, in one commit of the ledger.
    ///
    /// # Errors
    /// When the ledger cannot be read or written.
    pub fn write(&self, repo: &Repo, by: &Appender<'_>) -> ledger::Result<Written> {
        let appends: Vec<Append> = self.found.iter().map(|found| found.append(repo)).collect();
        if appends.is_empty() {
            return Ok(Written::default());
        }
        let (moved, report) = match append(repo, &self.branch, &appends, by)? {
            Outcome::Appended { old, new, report } => ((old, Some(new)), report),
            Outcome::Unchanged { tip, report } => ((tip, tip), report),
            Outcome::Raced => return Ok(Written { raced: true, ..Written::default() }),
        };
        Ok(Written { moved, links: report.links, refused: report.refused, raced: false })
    }
}

/// Whether a link lies at the commit itself: what was found by lines stays similar, written down or not.
fn is_written(link: &Link) -> bool {
    matches!(link.evidence.as_ref().and_then(|why| why.anchor.as_ref()), Some(Anchor::Similar { .. }))
}

impl Found {
    fn append(&self, repo: &Repo) -> Append {
        let Self { commit, link } = self;
        let evidence = link.evidence.as_ref().map(|evidence| self.evidence(evidence));
        let anchors = anchor::of_commit(repo, commit).ok().flatten();
        let anchors = evidence.as_ref().zip(anchors).map(|(evidence, found)| found.stored(commit, evidence));
        let links = evidence.into_iter();
        let links = links.map(|evidence| NewLink { commit: commit.oid, committed_at: commit.commit_time, evidence });
        Append { session: Captured::Stored(link.key), links: links.collect(), anchors: anchors.unwrap_or_default() }
    }

    /// The reason is that of the original, and says how it was found.
    fn evidence(&self, evidence: &Evidence) -> Evidence {
        let known = evidence.anchor.as_ref().and_then(Anchor::commit);
        let own = CommitAt { id: self.commit.oid, at: self.commit.commit_time };
        let commit = known.unwrap_or(own);
        let anchor = match self.link.matched {
            Match::Commit | Match::Patch => Anchor::Commit { commit },
            Match::Branch => Anchor::Branch { others: Vec::new() },
            Match::Similar(share) => Anchor::Similar { commit, share },
        };
        Evidence { anchor: Some(anchor), ..evidence.clone() }
    }
}
