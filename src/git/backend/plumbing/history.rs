//! History, by `git rev-list` and `git merge-base`.

use std::collections::BTreeSet;
use std::time::Instant;

use super::objects::Answer;
use super::{LONGEST, Plumbing, refused};
use crate::git::backend::{History, Objects};
use crate::git::process::Ending;
use crate::git::{Error, ObjectKind, Oid, Result, WalkLimits, Walked};

/// Tags of tags that are followed, and the size of a tag that is read.
const MOST_TAGS: usize = 32;
const MAX_TAG: u64 = 4 << 20;

impl History for Plumbing {
    fn rev_parse(&self, text: &str) -> Result<Oid> {
        let unknown = || Error::UnknownRevision { text: text.to_owned() };
        if text.is_empty() || text.contains(['\n', '\0']) {
            return Err(unknown());
        }
        match self.look_up(text)? {
            Answer::Object(oid, _) => self.peel(oid).map_err(|_| unknown()),
            Answer::Ambiguous => Err(Error::AmbiguousRevision { text: text.to_owned() }),
            Answer::Missing => Err(unknown()),
        }
    }

    fn peel(&self, oid: Oid) -> Result<Oid> {
        let mut found = oid;
        for _ in 0..MOST_TAGS {
            let header = self.header(found)?;
            match header.kind {
                ObjectKind::Commit => return Ok(found),
                ObjectKind::Tag if header.size <= MAX_TAG => {
                    found = tagged(&self.read(found)?)
                        .ok_or_else(|| Error::Damaged { oid: found, reason: "the tag is of nothing".to_owned() })?;
                }
                _ => break,
            }
        }
        Err(Error::WrongKind { oid, wanted: "commit" })
    }

    fn walk(&self, tips: &[Oid], hidden: &BTreeSet<Oid>, limits: WalkLimits) -> Result<Walked> {
        if tips.is_empty() {
            return Ok(Walked::default());
        }
        let deadline = limits.deadline.unwrap_or_else(|| Instant::now() + LONGEST);
        if Instant::now() >= deadline {
            return Ok(Walked { commits: Vec::new(), truncated: true });
        }
        // One more tells whether there are more.
        let most = i32::try_from(limits.commits).unwrap_or(i32::MAX).saturating_add(1);
        let tips = tips.iter().map(|tip| format!("{tip}\n"));
        let input: String = tips.chain(hidden.iter().map(|oid| format!("^{oid}\n"))).collect();
        let command = self.git.command(["rev-list", &format!("--max-count={most}"), "--stdin"]);
        let (doing, mut listed) = ("walk the history of", Vec::new());
        let finished = command
            .stdin(input.into_bytes())
            .deadline(Some(deadline))
            .stream(&mut |bytes| listed.extend_from_slice(bytes))
            .map_err(Error::process(doing, self.common_dir.display()))?;
        let late = finished.ending == Ending::TimedOut;
        let cut = finished.stderr.contains("Could not read") || finished.stderr.contains("Failed to traverse");
        if !finished.succeeded() && !late && !cut {
            return Err(refused(&finished, doing, self.common_dir.display()));
        }
        // A line is whole if it has an end.
        let lines = listed.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"));
        let mut commits: Vec<Oid> = lines.filter_map(|line| std::str::from_utf8(line).ok()?.parse().ok()).collect();
        let truncated = late || cut || commits.len() > limits.commits;
        commits.truncate(limits.commits);
        Ok(Walked { commits, truncated })
    }

    fn merge_base(&self, one: Oid, two: Oid) -> Result<Option<Oid>> {
        let (doing, subject) = ("find a common ancestor of", format!("{one} and {two}"));
        let command = self.command(["merge-base", &one.to_string(), &two.to_string()]);
        let finished = command.run().map_err(Error::process(doing, &subject))?;
        let base = std::str::from_utf8(&finished.stdout).ok().and_then(|found| found.lines().next()?.parse().ok());
        match finished.ending {
            Ending::Exited(0) if base.is_some() => Ok(base),
            Ending::Exited(1) => Ok(None),
            _ => Err(refused(&finished, doing, subject)),
        }
    }

    fn is_ancestor(&self, ancestor: Oid, commit: Oid) -> Result<bool> {
        let doing = "look for an ancestor of";
        let command = self.command(["merge-base", "--is-ancestor", &ancestor.to_string(), &commit.to_string()]);
        let finished = command.run().map_err(Error::process(doing, commit))?;
        match finished.ending {
            Ending::Exited(0) => Ok(true),
            Ending::Exited(1) => Ok(false),
            _ => Err(refused(&finished, doing, commit)),
        }
    }
}

/// What a tag is of: `object <id>` in its first line.
fn tagged(content: &[u8]) -> Option<Oid> {
    let line = content.split(|byte| *byte == b'\n').next()?.strip_prefix(b"object ")?;
    std::str::from_utf8(line).ok()?.parse().ok()
}
