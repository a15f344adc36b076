//! Reflogs: which commits were made in this repository, and in which of its worktrees, is what those of `HEAD` tell; those
//! of hidden refs can be forgotten.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::backend::Attempt;
use super::lock::Backoff;
use super::{Error, HiddenRef, Oid, Repo, Result};

/// How much of a reflog is read, in bytes from its end: some five thousand of its latest lines.
const TAIL: u64 = 1 << 20;

/// How a commit was made here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The root of the worktree it was made in, canonical; `None` if that is not known.
    pub worktree: Option<PathBuf>,
    /// Whether it was made with `git commit`, and is not an older one made again (by a rebase, a cherry-pick, `git am`).
    pub as_new: bool,
}

impl Repo {
    /// The commits that the latest lines of the reflogs of `HEAD`, in all worktrees, have as made here. None where reflogs
    /// are turned off; a broken line is passed over.
    ///
    /// # Errors
    /// [`super::Error::Io`] if the list of linked worktrees cannot be read.
    pub fn made_here(&self) -> Result<HashMap<Oid, Made>> {
        let mut made = HashMap::new();
        for (worktree, git_dir) in self.worktree_dirs()? {
            let log = self.backend.head_log(&git_dir);
            for (commit, as_new) in log.iter().filter_map(|line| Some((line.new, line.makes()?))) {
                let known = made.entry(commit).or_insert_with(|| Made { worktree: worktree.clone(), as_new });
                known.as_new |= as_new;
            }
        }
        Ok(made)
    }

    /// Empties the reflog of a hidden ref: what it pointed at before is then held by nothing. It need not have one (most
    /// have one only with `core.logAllRefUpdates=always`; notes have one by default). A lock of another process is waited
    /// for until `deadline`.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Git`] if it cannot be removed; [`Error::RefLocked`] at the deadline.
    pub fn forget_reflog(&self, name: &HiddenRef, deadline: Instant) -> Result<()> {
        let mut pause = Backoff::new(deadline);
        loop {
            match self.backend.forget_log(name)? {
                Attempt::Moved | Attempt::Raced => return Ok(()),
                Attempt::Locked { .. } if pause.sleep() => {}
                Attempt::Locked { path, .. } => return Err(Error::RefLocked { name: name.name().clone(), lock: path }),
            }
        }
    }
}

/// Removes the log of a ref, where it is a file of its own.
pub(super) fn forget_in_files(common_dir: &Path, name: &HiddenRef) -> Result<Attempt> {
    let path = common_dir.join("logs").join(name.as_str());
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", &path)(error)),
        _ => Ok(Attempt::Moved),
    }
}

/// A line of a reflog.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LogLine {
    /// What the ref was set to.
    pub new: Oid,
    /// Why: `<what>: <subject>`.
    pub message: String,
}

impl LogLine {
    /// `<old> <new> <name> <email> <time> <zone>TAB<message>`.
    fn parse(line: &[u8]) -> Option<Self> {
        let (values, message) = line.split_at(line.iter().position(|byte| *byte == b'\t')?);
        let new = str::from_utf8(values.split(|byte| *byte == b' ').nth(1)?).ok()?;
        let message = String::from_utf8_lossy(message.strip_prefix(b"\t")?).into_owned();
        Some(Self { new: new.parse().ok()?, message })
    }

    /// Whether this made a commit, and if so, whether a new one.
    fn makes(&self) -> Option<bool> {
        let message = &self.message;
        let what = message.split(": ").next()?;
        let as_new = matches!(what, "commit" | "commit (initial)" | "commit (amend)" | "commit (merge)");
        let again = as_new
            || what == "cherry-pick"
            || what == "revert"
            || what == "am"
            || message.contains("Merge made by")
            || (what.contains("rebase") && !what.contains("(start)") && !what.contains("(finish)"));
        again.then_some(as_new)
    }
}

/// The latest lines of the log of `HEAD`, where logs are files: in the git folder of a worktree.
pub(super) fn of_head_in_files(git_dir: &Path) -> Vec<LogLine> {
    let log = tail(&git_dir.join("logs").join("HEAD")).unwrap_or_default();
    log.split(|byte| *byte == b'\n').filter_map(LogLine::parse).collect()
}

/// The whole lines in the last part of a file.
fn tail(path: &Path) -> Option<Vec<u8>> {
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let from = file.metadata().ok()?.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    if from > 0 {
        let line_end = bytes.iter().position(|byte| *byte == b'\n')?;
        bytes.drain(..=line_end);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Sandbox, in_every_kind};
    use super::*;

    in_every_kind!(
        a_commit_is_known_by_the_worktree_it_was_made_in,
        the_reflog_of_a_hidden_ref_can_be_forgotten,
        a_lock_in_the_way_of_a_reflog_is_waited_for_and_named,
    );

    fn said(what: &str) -> Option<bool> {
        let line = format!("{} {} A B <a@b> 1 +0000\t{what}", "1".repeat(40), "2".repeat(40));
        let line = LogLine::parse(line.as_bytes()).unwrap();
        assert_eq!(line.new, Oid::from_bytes(&[0x22; 20]).unwrap());
        line.makes()
    }

    #[test]
    fn only_what_makes_a_commit_counts() {
        for new in ["commit: a: b", "commit (initial): a", "commit (amend): a", "commit (merge): a"] {
            assert_eq!(said(new), Some(true), "{new}");
        }
        for again in [
            "cherry-pick: a",
            "revert: a",
            "am: a",
            "rebase (pick): a",
            "rebase -i (squash): a",
            "pull --rebase (pick): a",
            "merge topic: Merge made by the 'ort' strategy.",
        ] {
            assert_eq!(said(again), Some(false), "{again}");
        }
        for none in [
            "checkout: moving from a to commit",
            "reset: moving to HEAD~1",
            "pull: Fast-forward",
            "merge topic: Fast-forward",
            "rebase (start): checkout main",
            "rebase (finish): returning to refs/heads/main",
            "clone: from commit: x",
            "",
        ] {
            assert_eq!(said(none), None, "{none}");
        }
    }

    #[test]
    fn broken_lines_say_nothing() {
        for line in [&b""[..], b"\t", b"\tcommit: x", b"1 2 3\tcommit: x", b"\xff \xff\tcommit: x", b"1 \tcommit: x"] {
            assert_eq!(LogLine::parse(line), None, "{line:?}");
        }
    }

    /// A hidden ref that has pointed at two commits, of which only its reflog knows the first.
    fn logged(sandbox: &Sandbox) -> (HiddenRef, String) {
        let name = HiddenRef::under("branches/bWFpbg").unwrap();
        sandbox.git(&["commit", "-q", "--allow-empty", "-m", "of the user"]);
        let tree = sandbox.git(&["rev-parse", "HEAD^{tree}"]);
        let [old, new] = ["one", "two"].map(|message| sandbox.git(&["commit-tree", &tree, "-m", message]));
        sandbox.git(&["update-ref", "--create-reflog", name.as_str(), &old]);
        sandbox.git(&["update-ref", name.as_str(), &new]);
        assert_eq!(entries(sandbox, name.as_str()), 2);
        (name, old)
    }

    fn entries(sandbox: &Sandbox, name: &str) -> usize {
        let listed = sandbox.command(&sandbox.path(), &["reflog", "show", "--format=%H", name]).output().unwrap();
        listed.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count()
    }

    /// Collects garbage, and lets logs be as old as they are.
    fn gc(sandbox: &Sandbox) {
        let never = ["-c", "gc.reflogExpire=never", "-c", "gc.reflogExpireUnreachable=never"];
        sandbox.git(&[&never[..], &["gc", "-q", "--prune=now"]].concat());
    }

    fn soon() -> Instant {
        Instant::now() + std::time::Duration::from_millis(300)
    }

    fn the_reflog_of_a_hidden_ref_can_be_forgotten() {
        let sandbox = Sandbox::new();
        let (name, old) = logged(&sandbox);
        gc(&sandbox);
        sandbox.git(&["cat-file", "-e", &old]);
        sandbox.repo().forget_reflog(&name, soon()).unwrap();
        assert_eq!((entries(&sandbox, name.as_str()), entries(&sandbox, "HEAD")), (0, 1), "only its own");
        assert!(sandbox.repo().read_ref(name.name()).unwrap().is_some(), "the ref is where it was");
        gc(&sandbox);
        let is_gone = sandbox.command(&sandbox.path(), &["cat-file", "-e", &old]).output().unwrap();
        assert!(!is_gone.status.success(), "nothing holds what it was");
        sandbox.repo().forget_reflog(&name, soon()).unwrap();
        sandbox.repo().forget_reflog(&HiddenRef::under("branches/bm9uZQ").unwrap(), soon()).unwrap();
    }

    fn a_lock_in_the_way_of_a_reflog_is_waited_for_and_named() {
        let sandbox = Sandbox::new();
        let (name, _) = logged(&sandbox);
        if !sandbox.kind().has_reftable() {
            return;
        }
        let lock = sandbox.repo().common_dir().join("reftable/tables.list.lock");
        File::create(&lock).unwrap();
        match sandbox.repo().forget_reflog(&name, soon()) {
            Err(Error::RefLocked { lock: named, .. }) => assert_eq!(named, lock),
            other => panic!("{other:?}"),
        }
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                sandbox.open().forget_reflog(&name, Instant::now() + std::time::Duration::from_secs(20)).is_ok()
            });
            std::thread::sleep(std::time::Duration::from_millis(100));
            fs::remove_file(&lock).unwrap();
            assert!(waiting.join().unwrap());
        });
        assert_eq!(entries(&sandbox, name.as_str()), 0);
    }

    fn a_commit_is_known_by_the_worktree_it_was_made_in() {
        let sandbox = Sandbox::new();
        let repo = sandbox.repo();
        assert!(repo.made_here().unwrap().is_empty());
        sandbox.git(&["commit", "--allow-empty", "-m", "one"]);
        sandbox.git(&["worktree", "add", "-q", "../linked", "-b", "topic"]);
        sandbox.git(&["-C", "../linked", "commit", "--allow-empty", "-m", "two"]);
        let made = repo.made_here().unwrap();
        let root = |revision: &str| {
            let made = &made[&repo.rev_parse(revision).unwrap()];
            assert!(made.as_new);
            made.worktree.clone().unwrap()
        };
        assert_eq!(root("main"), repo.workdir().unwrap());
        assert!(root("topic").ends_with("linked"));
    }
}
