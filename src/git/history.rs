//! Commits: naming them, walking them, comparing them.

use std::collections::BTreeSet;
use std::time::Instant;

use super::{Oid, Repo, Result};

/// What a walk leaves out, with all its ancestors.
#[derive(Debug, Clone, Default)]
pub struct Exclude {
    /// Commits (or tags of commits); those that are not here are ignored.
    pub commits: Vec<Oid>,
    /// Whatever the remote-tracking refs of this remote reach: what is known to be there already.
    pub tracked_by: Option<String>,
}

/// How long a walk may go on.
#[derive(Debug, Clone, Copy)]
pub struct WalkLimits {
    /// At most so many commits.
    pub commits: usize,
    /// At most until then; looked at between commits.
    pub deadline: Option<Instant>,
}

/// What a walk found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walked {
    /// Commits, newest first by their committer's clock.
    pub commits: Vec<Oid>,
    /// Whether a limit, or history that is not here, cut it short. (The boundary of a shallow clone does not: there
    /// history ends.)
    pub truncated: bool,
}

impl WalkLimits {
    /// So many commits, however long it takes.
    pub fn commits(commits: usize) -> Self {
        Self { commits, deadline: None }
    }
}

impl Repo {
    /// The commit that a text names: `HEAD`, `main~2`, an id or its beginning, a tag, all of gitrevisions(7) that names
    /// one commit.
    ///
    /// # Errors
    /// [`Error::UnknownRevision`], [`Error::AmbiguousRevision`].
    pub fn rev_parse(&self, text: &str) -> Result<Oid> {
        self.backend.rev_parse(text)
    }

    /// The commits reachable from `tips` (commits or tags of commits) that are not left out, newest first.
    ///
    /// # Errors
    /// [`Error::Missing`] if a tip is not here; [`Error::WrongKind`] if one is no commit.
    pub fn rev_list(&self, tips: &[Oid], exclude: &Exclude, limits: WalkLimits) -> Result<Walked> {
        let peel = |oid: Oid| self.backend.peel(oid);
        let tips: Vec<Oid> = tips.iter().map(|tip| peel(*tip)).collect::<Result<_>>()?;
        let mut hidden: BTreeSet<Oid> = exclude.commits.iter().filter_map(|oid| peel(*oid).ok()).collect();
        if let Some(remote) = &exclude.tracked_by {
            let tracked = self.refs(&format!("refs/remotes/{remote}/"))?;
            hidden.extend(tracked.iter().filter_map(|tracked| peel(tracked.oid).ok()));
        }
        self.backend.walk(&tips, &hidden, limits)
    }

    /// The commits of a range, newest first: `a..b`, `a...b` (what only one of the two reaches), `a..` and `..b` (the other
    /// is HEAD), or one revision and all that it reaches.
    ///
    /// # Errors
    /// As [`Repo::rev_parse`].
    pub fn rev_list_text(&self, range: &str, limits: WalkLimits) -> Result<Walked> {
        let end = |text: &str| self.rev_parse(if text.is_empty() { "HEAD" } else { text });
        let (tips, hidden) = if let Some((from, to)) = range.split_once("...") {
            let (from, to) = (end(from)?, end(to)?);
            (vec![from, to], self.merge_base(from, to)?.into_iter().collect())
        } else if let Some((from, to)) = range.split_once("..") {
            (vec![end(to)?], vec![end(from)?])
        } else {
            (vec![self.rev_parse(range)?], Vec::new())
        };
        self.rev_list(&tips, &Exclude { commits: hidden, tracked_by: None }, limits)
    }

    /// A best common ancestor, if there is any.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::WrongKind`]; [`Error::Git`] if history is not here.
    pub fn merge_base(&self, one: Oid, two: Oid) -> Result<Option<Oid>> {
        self.backend.merge_base(self.backend.peel(one)?, self.backend.peel(two)?)
    }

    /// Whether `ancestor` is `commit` or one of its ancestors.
    ///
    /// # Errors
    /// As [`Repo::merge_base`].
    pub fn is_ancestor(&self, ancestor: Oid, commit: Oid) -> Result<bool> {
        if ancestor == commit {
            return Ok(true);
        }
        self.backend.is_ancestor(self.backend.peel(ancestor)?, self.backend.peel(commit)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Error;
    use super::super::testing::{Sandbox, in_every_kind};
    use super::*;

    in_every_kind!(
        a_text_names_the_commit_that_git_means,
        an_abbreviation_of_two_objects_is_ambiguous,
        ranges_are_walked_as_git_walks_them,
        a_walk_is_cut_by_count_and_by_time,
        a_new_branch_holds_what_its_remote_does_not_have,
        ancestors_and_bases_are_found,
        a_shallow_history_ends_where_it_was_cut,
        history_that_is_missing_cuts_a_walk_short,
    );

    const MANY: WalkLimits = WalkLimits { commits: 1000, deadline: None };

    /// `main` with three commits, `side` with two on top of the first, merged into `main`; and an unrelated root.
    fn history() -> (Sandbox, Repo) {
        let sandbox = Sandbox::new();
        for (number, branch) in ["main", "main", "main", "side", "side"].into_iter().enumerate() {
            if number == 3 {
                sandbox.git(&["checkout", "-q", "-b", branch, "main~2"]);
            }
            sandbox.write(&format!("{number}"), "x");
            sandbox.commit_at(&format!("{branch} {number}"), 1_700_000_000 + 60 * i64::try_from(number).unwrap());
        }
        sandbox.git(&["checkout", "-q", "main"]);
        let mut merge = sandbox.command(&sandbox.path(), &["merge", "-q", "-m", "merge", "side"]);
        let date = "1700000900 +0000";
        super::super::testing::run(merge.env("GIT_COMMITTER_DATE", date).env("GIT_AUTHOR_DATE", date), b"");
        sandbox.git(&["tag", "-a", "-m", "t", "v1", "main~1"]);
        sandbox.git(&["checkout", "-q", "--orphan", "alone"]);
        sandbox.commit_at("alone", 1_700_000_001);
        sandbox.git(&["checkout", "-q", "main"]);
        let repo = sandbox.open();
        (sandbox, repo)
    }

    fn by_git(sandbox: &Sandbox, arguments: &[&str]) -> Vec<Oid> {
        sandbox.git(&[&["rev-list"], arguments].concat()).lines().map(|line| line.parse().unwrap()).collect()
    }

    fn a_text_names_the_commit_that_git_means() {
        let (sandbox, repo) = history();
        let head = repo.rev_parse("HEAD").unwrap();
        let texts = [
            "main~2",
            "v1",
            "side^",
            "refs/heads/alone",
            "v1^{commit}",
            &head.to_string(),
            &head.to_string()[..9],
            "@",
            ":/side",
        ];
        for text in texts {
            let by_git = sandbox.git(&["rev-list", "--max-count=1", text]);
            assert_eq!(repo.rev_parse(text).unwrap().to_string(), by_git, "{text}");
        }
        for text in [
            "nothing",
            "",
            "HEAD^{tree}",
            "main:0",
            "-x",
            "main~99",
            &sandbox.oid("ab").to_string(),
            &"00".repeat(sandbox.oid("ab").as_bytes().len()),
        ] {
            assert!(
                matches!(repo.rev_parse(text), Err(Error::UnknownRevision { text: said }) if said == text),
                "{text}"
            );
        }
    }

    fn an_abbreviation_of_two_objects_is_ambiguous() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open();
        let mut batch = repo.batch();
        let mut seen = BTreeSet::new();
        // By the birthday paradox, some hundreds of objects have two with the same four digits.
        let mut oids = (0..).map(|number| batch.blob(format!("{number}")).unwrap().to_string()[..4].to_owned());
        let prefix = oids.find(|prefix| !seen.insert(prefix.clone())).unwrap();
        drop(oids);
        batch.finish().unwrap();
        let repo = sandbox.open();
        assert!(matches!(repo.rev_parse(&prefix), Err(Error::AmbiguousRevision { .. })));
    }

    fn ranges_are_walked_as_git_walks_them() {
        let (sandbox, repo) = history();
        for range in [
            "main",
            "main~1..main",
            "side..main",
            "main...side",
            "side~1...main~1",
            "alone..main",
            "alone...main",
            "main..main",
            "v1",
        ] {
            let walked = repo.rev_list_text(range, MANY).unwrap();
            assert_eq!(walked.commits, by_git(&sandbox, &[range]), "{range}");
            assert!(!walked.truncated);
        }
        assert_eq!(repo.rev_list_text("side..", MANY).unwrap().commits, by_git(&sandbox, &["side..HEAD"]));
        assert_eq!(repo.rev_list_text("..side", MANY).unwrap().commits, by_git(&sandbox, &["HEAD..side"]));
        assert!(repo.rev_list_text("main..nothing", MANY).is_err());
    }

    fn a_walk_is_cut_by_count_and_by_time() {
        let (_sandbox, repo) = history();
        let walked = repo.rev_list_text("main", WalkLimits::commits(2)).unwrap();
        assert_eq!((walked.commits.len(), walked.truncated), (2, true));
        let walked = repo.rev_list_text("main", WalkLimits::commits(6)).unwrap();
        assert_eq!((walked.commits.len(), walked.truncated), (6, false));
        let late = WalkLimits { commits: 1000, deadline: Some(Instant::now()) };
        assert_eq!(repo.rev_list_text("main", late).unwrap(), Walked { commits: Vec::new(), truncated: true });
    }

    fn a_new_branch_holds_what_its_remote_does_not_have() {
        let (sandbox, repo) = history();
        sandbox.git(&["update-ref", "refs/remotes/origin/main", "main~1"]);
        sandbox.git(&["update-ref", "refs/remotes/origin/deep/er", "side~1"]);
        sandbox.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]);
        sandbox.git(&["update-ref", "refs/remotes/origin2/main", "main"]);
        sandbox.git(&["update-ref", "refs/remotes/origin/tag", "v1"]);
        let absent = sandbox.oid("12");
        let exclude = Exclude { commits: vec![absent], tracked_by: Some("origin".to_owned()) };
        let tip = repo.rev_parse("main").unwrap();
        let walked = repo.rev_list(&[tip], &exclude, MANY).unwrap();
        assert_eq!(walked.commits, by_git(&sandbox, &["main", "--not", "--remotes=origin/*"]));
        assert_eq!(walked.commits.len(), 2);
        let exclude = Exclude { commits: vec![repo.rev_parse("side").unwrap()], ..exclude };
        assert_eq!(repo.rev_list(&[tip], &exclude, MANY).unwrap().commits, [tip]);
        assert!(matches!(repo.rev_list(&[absent], &exclude, MANY), Err(Error::Missing(oid)) if oid == absent));
        let tree = repo.commit(tip).unwrap().tree;
        assert!(matches!(repo.rev_list(&[tree], &exclude, MANY), Err(Error::WrongKind { .. })));
    }

    fn ancestors_and_bases_are_found() {
        let (sandbox, repo) = history();
        let oid = |text: &str| repo.rev_parse(text).unwrap();
        assert_eq!(repo.merge_base(oid("main~1"), oid("side")).unwrap(), Some(oid("main~3")));
        assert_eq!(sandbox.git(&["merge-base", "main~1", "side"]), oid("main~3").to_string());
        assert_eq!(repo.merge_base(oid("main"), oid("alone")).unwrap(), None);
        assert!(repo.is_ancestor(oid("side"), oid("main")).unwrap());
        assert!(repo.is_ancestor(oid("main"), oid("main")).unwrap());
        assert!(!repo.is_ancestor(oid("main"), oid("side")).unwrap());
        assert!(!repo.is_ancestor(oid("alone"), oid("main")).unwrap());
    }

    fn a_shallow_history_ends_where_it_was_cut() {
        let (sandbox, _) = history();
        let url = format!("file://{}", sandbox.path().display());
        sandbox.git_in(sandbox.home(), &["clone", "-q", "--depth=2", &url, "shallow"]);
        let folder = sandbox.home().join("shallow");
        let repo = sandbox.open_in(&folder);
        let walked = repo.rev_list_text("HEAD", MANY).unwrap();
        assert_eq!(walked.commits.len(), sandbox.git_in(&folder, &["rev-list", "HEAD"]).lines().count());
        assert!(!walked.truncated);
        let last = repo.commit(*walked.commits.last().unwrap()).unwrap();
        assert!(!last.parents.is_empty(), "the commit itself still names them");
        assert!(matches!(repo.commit(last.parents[0]), Err(Error::Missing(_))));
    }

    fn history_that_is_missing_cuts_a_walk_short() {
        let (sandbox, repo) = history();
        let missing = repo.rev_parse("main~2").unwrap().to_string();
        std::fs::remove_file(repo.common_dir().join("objects").join(&missing[..2]).join(&missing[2..])).unwrap();
        let walked = sandbox.open().rev_list_text("main~1", MANY).unwrap();
        assert!(walked.truncated);
    }
}
