//! Secrets in what is pushed itself: the lines its commits add.

use std::fmt;
use std::ops::Range;

use super::{FanoutError, PushUpdate};
use crate::git::{AddedLine, AddedLines, DiffLimits, Exclude, Oid, Repo, WalkLimits};

/// What a scanner found in a text: the rule, and where, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// The id of the rule.
    pub rule: &'static str,
    /// Where it is.
    pub range: Range<usize>,
}

/// A secret in a pushed change. It names the place and the rule, and never holds the secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, read lossily.
    pub file: String,
    /// The line in the file as this commit has it, from 1.
    pub line: u32,
    /// The rule.
    pub rule: &'static str,
    /// The commit that adds it.
    pub commit: Oid,
}

/// The secrets of a push.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretFindings {
    /// All that were found, by commit, newest first, then by file and line.
    pub findings: Vec<Finding>,
    /// Whether something was too large, or too much, to be looked at.
    pub truncated: bool,
}

/// Looks for secrets in the lines that the commits of a push add: those the remote does not have, as far as the hook's
/// input and the remote-tracking refs of `remote` tell. What is only removed is not looked at.
///
/// # Errors
///
/// When a commit that is being pushed cannot be read.
pub fn scan_push(
    repo: &Repo,
    updates: &[PushUpdate],
    remote: Option<&str>,
    walk: WalkLimits,
    diff: DiffLimits,
    scanner: &dyn Fn(&str) -> Vec<Suspect>,
) -> Result<SecretFindings, FanoutError> {
    // A tag of a tree or a blob leads to no commit.
    let tips: Vec<Oid> =
        updates.iter().filter(|update| !update.is_ledger()).filter_map(|update| commit_of(repo, update)).collect();
    if tips.is_empty() {
        return Ok(SecretFindings::default());
    }
    let exclude = Exclude {
        commits: updates.iter().filter_map(|update| update.old).collect(),
        tracked_by: remote.map(str::to_owned),
    };
    let walked = repo.rev_list(&tips, &exclude, walk)?;
    let mut found = SecretFindings { findings: Vec::new(), truncated: walked.truncated };
    for commit in walked.commits {
        if walk.deadline.is_some_and(|deadline| std::time::Instant::now() >= deadline) {
            found.truncated = true;
            break;
        }
        let added = repo.added_lines(commit, diff)?;
        found.truncated |= added.truncated;
        for file in &added.files {
            found.findings.extend(scan_file(file, commit, scanner));
        }
    }
    Ok(found)
}

fn commit_of(repo: &Repo, update: &PushUpdate) -> Option<Oid> {
    update.new.filter(|new| repo.rev_parse(&new.to_string()).is_ok())
}

/// Lines that follow one another are scanned as one text: a private key has many.
fn scan_file(file: &AddedLines, commit: Oid, scanner: &dyn Fn(&str) -> Vec<Suspect>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for run in file.lines.chunk_by(|one, next| one.number.checked_add(1) == Some(next.number)) {
        let text: String = run.iter().flat_map(|line| [line.text.as_str(), "\n"]).collect();
        findings.extend(scanner(&text).into_iter().filter_map(|suspect| {
            let line = line_at(run, suspect.range.start)?;
            let file = String::from_utf8_lossy(&file.path).into_owned();
            Some(Finding { file, line, rule: suspect.rule, commit })
        }));
    }
    findings.sort();
    findings.dedup();
    findings
}

/// The number of the line in which a byte of the joined text lies.
fn line_at(run: &[AddedLine], byte: usize) -> Option<u32> {
    let mut end = 0;
    run.iter()
        .find(|line| {
            end += line.text.len() + 1;
            byte < end
        })
        .map(|line| line.number)
}

impl fmt::Display for Finding {
    /// `src/config.rs:12: aws-access-key`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = crate::git::process::text::printable(&self.file).replace('\n', " ");
        write!(f, "{file}:{}: {}", self.line, self.rule)
    }
}
