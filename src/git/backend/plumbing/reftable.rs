//! Refs in a reftable, which only git reads: all of them at once, and again once any has moved.
//!
//! Each change of a reftable adds a table under a new name, so the list of tables says whether anything has changed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Plumbing, succeeded};
use crate::git::reflog::LogLine;
use crate::git::{Error, Oid, RefName, RefValue, Result};

/// Output of a million refs.
const MOST_OUTPUT: usize = 256 << 20;
/// The latest lines of a log that are read.
const LINES: &str = "--max-count=5000";

/// The refs as they were seen.
pub(super) struct Reftable {
    /// The lists of tables: the one that worktrees share, and the one of this worktree (for `HEAD`).
    lists: [PathBuf; 2],
    seen: RefCell<Option<Seen>>,
}

/// All refs, and the lists of tables at that moment.
struct Seen {
    lists: Lists,
    refs: BTreeMap<RefName, Value>,
}

type Lists = [Option<Vec<u8>>; 2];

/// What a ref holds.
#[derive(Clone)]
struct Value {
    /// The object, symbolic refs followed; `None` if there is none (yet).
    oid: Option<Oid>,
    target: Option<RefName>,
}

impl Reftable {
    pub fn new(git_dir: &Path, common_dir: &Path) -> Self {
        let lists = [common_dir, git_dir].map(|folder| folder.join("reftable").join("tables.list"));
        Self { lists, seen: RefCell::new(None) }
    }

    /// The list of tables that the refs of this project are in.
    pub fn list_path(&self) -> PathBuf {
        let [shared, _] = &self.lists;
        shared.clone()
    }

    pub fn value(&self, git: &Plumbing, name: &RefName) -> Result<Option<Oid>> {
        self.look(git, |refs| refs.get(name).and_then(|value| value.oid))
    }

    pub fn symbolic_target(&self, git: &Plumbing, name: &RefName) -> Result<Option<RefName>> {
        if let Some(value) = self.look(git, |refs| refs.get(name).cloned())? {
            return Ok(value.target);
        }
        // It may name a ref that does not exist, as `HEAD` does before the first commit: such are not listed.
        let Ok(text) = std::str::from_utf8(name.as_bytes()) else { return Ok(None) };
        let command = git.command(["symbolic-ref", "--quiet", text]);
        let finished = command.run().map_err(Error::process("read", name))?;
        let target = finished.stdout.strip_suffix(b"\n").and_then(|target| RefName::new(target).ok());
        let target = target.filter(|_| finished.succeeded());
        if let Some(seen) = self.seen.borrow_mut().as_mut() {
            seen.refs.insert(name.clone(), Value { oid: None, target: target.clone() });
        }
        Ok(target)
    }

    pub fn list(&self, git: &Plumbing, prefix: &str) -> Result<Vec<RefValue>> {
        self.look(git, |refs| {
            let found = refs.iter().filter(|(name, _)| name.as_bytes().starts_with(prefix.as_bytes()));
            found.filter_map(|(name, value)| Some(RefValue { name: name.clone(), oid: value.oid? })).collect()
        })
    }

    /// Looks at all refs as they are now.
    fn look<T>(&self, git: &Plumbing, at: impl FnOnce(&BTreeMap<RefName, Value>) -> T) -> Result<T> {
        let mut seen = self.seen.borrow_mut();
        let lists = self.lists();
        if let Some(seen) = seen.as_ref().filter(|seen| seen.lists == lists) {
            return Ok(at(&seen.refs));
        }
        let refs = read_all(git)?;
        let answer = at(&refs);
        // The lists are older than the refs: should they have changed in between, all is read once more.
        *seen = Some(Seen { lists, refs });
        Ok(answer)
    }

    fn lists(&self) -> Lists {
        self.lists.each_ref().map(|list| fs::read(list).ok())
    }
}

/// Logs are in the tables, too: the one of a worktree in its own.
pub(super) fn head_log(git: &Plumbing, git_dir: &Path) -> Vec<LogLine> {
    // The folder that git runs in has a file of that name.
    let named = ["--format=%H %gs", "HEAD", "--"];
    let command = ["log", "--walk-reflogs", "--no-show-signature", "--no-patch", LINES].into_iter().chain(named);
    let command = git.command(command);
    // Without a log there is nothing to tell; a worktree may be half gone.
    let Ok(finished) = command.variable("GIT_DIR", git_dir).run() else { return Vec::new() };
    let lines = finished.stdout.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = String::from_utf8_lossy(line);
        let (new, message) = line.split_once(' ')?;
        Some(LogLine { new: new.parse().ok()?, message: message.to_owned() })
    });
    lines.collect()
}

fn read_all(git: &Plumbing) -> Result<BTreeMap<RefName, Value>> {
    let format = "--format=%(refname) %(objectname) %(symref)";
    let command = git.command(["for-each-ref", "--include-root-refs", format]).limit(MOST_OUTPUT);
    let finished = command.run().map_err(Error::process("list", "refs"))?;
    let listed = succeeded(finished, "list", "refs")?;
    Ok(listed.split(|byte| *byte == b'\n').filter_map(parse).collect())
}

/// `<name> <id> <target>`: names hold no blanks.
fn parse(line: &[u8]) -> Option<(RefName, Value)> {
    let mut fields = line.split(|byte| *byte == b' ');
    let name = RefName::new(fields.next()?).ok()?;
    let oid = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let target = fields.next().and_then(|target| RefName::new(target).ok());
    Some((name, Value { oid: Some(oid), target }))
}
