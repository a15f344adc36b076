//! Reading refs, and moving the hidden ones from a value that was seen.

use std::time::Instant;

use super::backend::Attempt;
use super::lock::Backoff;
use super::{Error, HiddenRef, Oid, RefName, Repo, RepoLock, Result};

/// What a ref must be for a move to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It must not exist.
    Absent,
    /// It must point at this object.
    At(Oid),
}

/// What came of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a lost race is a value"]
pub enum Update {
    /// The ref is where it was to be, and durable.
    Moved,
    /// Somebody else moved it first: read it again, and try on top of that.
    Raced,
}

/// A ref and what it points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefValue {
    /// The ref.
    pub name: RefName,
    /// Its object: symbolic refs are followed, tags are not peeled.
    pub oid: Oid,
}

impl From<Option<Oid>> for Expected {
    /// What [`Repo::read_ref`] saw.
    fn from(seen: Option<Oid>) -> Self {
        seen.map_or(Self::Absent, Self::At)
    }
}

impl Repo {
    /// What a ref points at, `None` if there is none: symbolic refs are followed, tags are not peeled.
    ///
    /// # Errors
    /// [`Error::Git`] for a ref file that does not parse.
    pub fn read_ref(&self, name: &RefName) -> Result<Option<Oid>> {
        self.backend.value(name)
    }

    /// All refs whose name begins with `prefix` (`refs/opensession/branches/`), sorted by name. No object is opened. Refs
    /// that lead nowhere or do not parse are left out, as `git for-each-ref` leaves them out.
    ///
    /// # Errors
    /// [`Error::Git`] if the refs cannot be listed.
    pub fn refs(&self, prefix: &str) -> Result<Vec<RefValue>> {
        let mut refs = self.backend.list(prefix)?;
        refs.sort_by(|one, two| one.name.cmp(&two.name));
        Ok(refs)
    }

    /// Moves a hidden ref to `new` (`None` deletes it) if it still is what was seen.
    ///
    /// The objects must be durable already: that is what [`super::ObjectBatch::finish`] is for. The ref is durable when
    /// this returns. A ref that another process has locked is tried again, with jitter, until `deadline`; the capture
    /// `lock` is what allows to remove a lock file that a killed process left 10 minutes ago or earlier; one that its last holder
    /// left when it was killed goes after two seconds.
    /// `message` goes into the reflog, if there is one by git's rules (`core.logAllRefUpdates=always`, or notes).
    ///
    /// # Errors
    /// [`Error::Missing`] if `new` is no object of this repository; [`Error::RefLocked`] at the deadline;
    /// [`Error::SymbolicRef`], for it would move another ref; [`Error::Git`].
    pub fn update_ref(
        &self,
        name: &HiddenRef,
        expected: Expected,
        new: Option<Oid>,
        message: &str,
        lock: Option<&RepoLock>,
        deadline: Instant,
    ) -> Result<Update> {
        if let Some(new) = new.filter(|new| !self.has(*new).unwrap_or(false)) {
            return Err(Error::Missing(new));
        }
        let mut pause = Backoff::new(deadline);
        let _moving = lock.map(|lock| lock.moving(name));
        loop {
            match self.backend.try_move(name, expected, new, message)? {
                Attempt::Moved => return Ok(Update::Moved),
                Attempt::Raced => return self.raced(name),
                Attempt::Locked { path, of_all } => {
                    let lock = lock.filter(|_| !of_all);
                    let broken = lock.map(|lock| lock.break_if_stale(Some(name), &path)).transpose()?.unwrap_or(false);
                    if !broken && !pause.sleep() {
                        return Err(Error::RefLocked { name: name.name().clone(), lock: path });
                    }
                }
            }
        }
    }

    fn raced(&self, name: &HiddenRef) -> Result<Update> {
        let symbolic = self.backend.symbolic_target(name.name())?.is_some();
        if symbolic { Err(Error::SymbolicRef { name: name.name().clone() }) } else { Ok(Update::Raced) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::{Duration, SystemTime};

    use super::super::testing::{Sandbox, in_every_kind};
    use super::super::{Identity, NewCommit, Signature};
    use super::*;

    in_every_kind!(
        a_ref_moves_only_from_what_was_seen,
        a_ref_never_moves_to_what_is_not_stored,
        of_many_threads_no_append_is_lost,
        of_many_creators_one_wins,
        a_locked_ref_is_waited_for,
        the_lock_of_a_killed_process_is_broken_under_the_capture_lock_alone,
        a_lock_on_all_packed_refs_is_waited_for_and_named,
        a_hidden_ref_that_is_symbolic_moves_no_branch,
        refs_are_listed_by_prefix_in_order_whatever_their_kind,
        #[cfg(target_os = "linux")]
        a_name_that_is_no_text_is_read_too,
        a_reflog_is_written_only_where_git_would,
    );

    fn far() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn hidden() -> HiddenRef {
        HiddenRef::under("branches/bWFpbg").unwrap()
    }

    fn object(sandbox: &Sandbox, content: &str) -> Oid {
        sandbox.git_with_input(&["hash-object", "-w", "--stdin"], content.as_bytes()).parse().unwrap()
    }

    /// The lock file of the hidden ref.
    fn lock_of(sandbox: &Sandbox, repo: &Repo) -> std::path::PathBuf {
        let file = if sandbox.kind().has_reftable() { "reftable/tables.list".to_owned() } else { hidden().to_string() };
        repo.common_dir().join(format!("{file}.lock"))
    }

    /// A commit on top of the ref's tip, and the attempt to move the ref to it.
    fn append(repo: &Repo, name: &HiddenRef, message: &str) -> Update {
        let tip = repo.read_ref(name.name()).unwrap();
        let mut batch = repo.batch();
        let tree = super::super::TreeEditor::new(repo, None).write(&mut batch).unwrap();
        let who = Signature { identity: Identity::new("N", "e@x"), time: 1_700_000_000, offset: 0 };
        let parents: Vec<Oid> = tip.into_iter().collect();
        let commit = batch.commit(&NewCommit { tree, parents: &parents, author: &who, committer: &who, message });
        let commit = commit.unwrap();
        batch.finish().unwrap();
        repo.update_ref(name, tip.into(), Some(commit), "append", None, far()).unwrap()
    }

    fn a_ref_moves_only_from_what_was_seen() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open();
        let (one, two) = (object(&sandbox, "1"), object(&sandbox, "2"));
        let to = |expected, new| repo.update_ref(&hidden(), expected, new, "m", None, far()).unwrap();
        assert_eq!(to(Expected::At(one), Some(two)), Update::Raced, "it does not exist");
        assert_eq!(to(Expected::Absent, None), Update::Moved);
        assert_eq!(to(Expected::Absent, Some(one)), Update::Moved);
        assert_eq!(to(Expected::Absent, Some(two)), Update::Raced, "it exists");
        assert_eq!(to(Expected::Absent, None), Update::Raced);
        assert_eq!(to(Expected::At(two), Some(one)), Update::Raced, "it is elsewhere");
        assert_eq!(to(Expected::At(two), None), Update::Raced);
        assert_eq!(repo.read_ref(hidden().name()).unwrap(), Some(one));
        assert_eq!(to(Expected::At(one), Some(two)), Update::Moved);
        sandbox.git(&["pack-refs", "--all"]);
        assert_eq!(to(Expected::At(two), Some(one)), Update::Moved, "packed before");
        sandbox.git(&["pack-refs", "--all"]);
        assert_eq!(
            sandbox.open().update_ref(&hidden(), Expected::At(one), None, "m", None, far()).unwrap(),
            Update::Moved
        );
        assert_eq!(sandbox.open().read_ref(hidden().name()).unwrap(), None);
        assert_eq!(sandbox.git(&["for-each-ref"]), "");
    }

    fn a_ref_never_moves_to_what_is_not_stored() {
        let sandbox = Sandbox::new();
        let absent = sandbox.oid("12");
        let moved = sandbox.open().update_ref(&hidden(), Expected::Absent, Some(absent), "m", None, far());
        assert!(matches!(moved, Err(Error::Missing(oid)) if oid == absent));
        assert_eq!(sandbox.open().read_ref(hidden().name()).unwrap(), None);
    }

    fn of_many_threads_no_append_is_lost() {
        const THREADS: usize = 8;
        const APPENDS: usize = 8;
        let sandbox = Sandbox::new();
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let sandbox = &sandbox;
                scope.spawn(move || {
                    let repo = sandbox.open();
                    for number in 0..APPENDS {
                        while append(&repo, &hidden(), &format!("{thread} {number}")) == Update::Raced {}
                    }
                });
            }
        });
        let subjects = sandbox.git(&["log", "--format=%s", hidden().as_str()]);
        let mut subjects: Vec<_> = subjects.lines().collect();
        subjects.sort_unstable();
        subjects.dedup();
        assert_eq!(subjects.len(), THREADS * APPENDS);
        sandbox.fsck();
    }

    fn of_many_creators_one_wins() {
        let sandbox = Sandbox::new();
        for round in 0..20 {
            let name = HiddenRef::under(&format!("round/{round}")).unwrap();
            let objects: Vec<Oid> = (0..4).map(|number| object(&sandbox, &format!("{number}"))).collect();
            let wins = std::thread::scope(|scope| {
                let create = |oid: Oid| {
                    let (sandbox, name) = (&sandbox, &name);
                    move || sandbox.open().update_ref(name, Expected::Absent, Some(oid), "m", None, far()).unwrap()
                };
                let threads: Vec<_> = objects.iter().map(|oid| scope.spawn(create(*oid))).collect();
                let results = threads.into_iter().map(|thread| thread.join().unwrap());
                results.filter(|result| *result == Update::Moved).count()
            });
            assert_eq!(wins, 1);
        }
    }

    fn a_locked_ref_is_waited_for() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open();
        let one = object(&sandbox, "1");
        let lock = lock_of(&sandbox, &repo);
        std::fs::create_dir_all(lock.parent().unwrap()).unwrap();
        File::create(&lock).unwrap();
        let short = Instant::now() + Duration::from_millis(60);
        let moved = repo.update_ref(&hidden(), Expected::Absent, Some(one), "m", None, short);
        assert!(matches!(moved, Err(Error::RefLocked { lock: path, .. }) if path == lock));
        std::thread::scope(|scope| {
            let waiting =
                scope.spawn(|| sandbox.open().update_ref(&hidden(), Expected::Absent, Some(one), "m", None, far()));
            std::thread::sleep(Duration::from_millis(40));
            std::fs::remove_file(&lock).unwrap();
            assert_eq!(waiting.join().unwrap().unwrap(), Update::Moved);
        });
    }

    fn the_lock_of_a_killed_process_is_broken_under_the_capture_lock_alone() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open();
        let one = object(&sandbox, "1");
        let path = lock_of(&sandbox, &repo);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        File::create(&path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
        let short = || Instant::now() + Duration::from_millis(20);
        let without = repo.update_ref(&hidden(), Expected::Absent, Some(one), "m", None, short());
        assert!(matches!(without, Err(Error::RefLocked { .. })));
        let held = repo.lock(far()).unwrap();
        let with = repo.update_ref(&hidden(), Expected::Absent, Some(one), "m", Some(&held), short());
        if sandbox.kind().has_reftable() {
            // It locks all refs, and so it is not ours to break.
            assert!(matches!(with, Err(Error::RefLocked { .. })));
            return;
        }
        assert_eq!(with.unwrap(), Update::Moved);
        assert!(!path.exists());
    }

    fn a_lock_on_all_packed_refs_is_waited_for_and_named() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open();
        if sandbox.kind().has_reftable() {
            return;
        }
        let one = object(&sandbox, "1");
        sandbox.git(&["update-ref", hidden().as_str(), &one.to_string()]);
        sandbox.git(&["pack-refs", "--all"]);
        let path = repo.common_dir().join("packed-refs.lock");
        File::create(&path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
        let held = repo.lock(far()).unwrap();
        let short = Instant::now() + Duration::from_millis(60);
        let gone = repo.update_ref(&hidden(), Expected::At(one), None, "m", Some(&held), short);
        assert!(matches!(&gone, Err(Error::RefLocked { lock, .. }) if *lock == path), "{gone:?}");
        assert!(path.exists(), "it locks the refs of the user, too, and so it is not ours to break");
        std::thread::scope(|scope| {
            let waiting =
                scope.spawn(|| sandbox.open().update_ref(&hidden(), Expected::At(one), None, "m", None, far()));
            std::thread::sleep(Duration::from_millis(40));
            std::fs::remove_file(&path).unwrap();
            assert_eq!(waiting.join().unwrap().unwrap(), Update::Moved);
        });
    }

    fn a_hidden_ref_that_is_symbolic_moves_no_branch() {
        let sandbox = Sandbox::new();
        let tip = sandbox.commit_file("a", "1");
        let other = object(&sandbox, "2");
        sandbox.git(&["symbolic-ref", hidden().as_str(), "refs/heads/main"]);
        let repo = sandbox.open();
        assert_eq!(repo.read_ref(hidden().name()).unwrap(), Some(tip));
        for (expected, new) in
            [(Expected::At(tip), Some(other)), (Expected::At(tip), None), (Expected::Absent, Some(other))]
        {
            let moved = repo.update_ref(&hidden(), expected, new, "m", None, far());
            assert!(matches!(moved, Err(Error::SymbolicRef { .. })), "{expected:?} {new:?}");
        }
        assert_eq!(sandbox.git(&["rev-parse", "refs/heads/main"]), tip.to_string());
    }

    fn refs_are_listed_by_prefix_in_order_whatever_their_kind() {
        let sandbox = Sandbox::new();
        let tip = sandbox.commit_file("a", "1");
        sandbox.git(&["update-ref", "refs/opensession/branches/b", "HEAD"]);
        sandbox.git(&["update-ref", "refs/opensession/branches/a/c", "HEAD"]);
        sandbox.git(&["pack-refs", "--all"]);
        sandbox.git(&["update-ref", "refs/opensession/branches/A", "HEAD"]);
        sandbox.git(&["update-ref", "refs/opensession/branchesX", "HEAD"]);
        sandbox.git(&["symbolic-ref", "refs/opensession/branches/s", "refs/heads/main"]);
        sandbox.git(&["symbolic-ref", "refs/opensession/branches/gone", "refs/heads/gone"]);
        let repo = sandbox.open();
        if !sandbox.kind().has_reftable() {
            std::fs::write(repo.common_dir().join("refs/opensession/branches/torn"), "").unwrap();
        }
        let names = |prefix: &str| {
            let refs = repo.refs(prefix).unwrap();
            assert!(refs.iter().all(|found| found.oid == tip));
            refs.iter().map(|found| found.name.to_string()).collect::<Vec<_>>()
        };
        let expected = ["A", "a/c", "b", "s"].map(|name| format!("refs/opensession/branches/{name}"));
        assert_eq!(names("refs/opensession/branches/"), expected);
        assert_eq!(names("refs/opensession/branches").len(), 5);
        assert_eq!(names("refs/heads/"), ["refs/heads/main"]);
        assert_eq!(names("refs/none/"), [""; 0]);
    }

    #[cfg(target_os = "linux")]
    fn a_name_that_is_no_text_is_read_too() {
        use std::os::unix::ffi::OsStrExt;
        let sandbox = Sandbox::new();
        let tip = sandbox.commit_file("a", "1");
        let repo = sandbox.open();
        let mut made = sandbox.command(&sandbox.path(), &["update-ref"]);
        made.arg(std::ffi::OsStr::from_bytes(b"refs/heads/caf\xe9")).arg(tip.to_string());
        super::super::testing::run(&mut made, b"");
        assert_eq!(repo.read_ref(&RefName::new(b"refs/heads/caf\xe9").unwrap()).unwrap(), Some(tip));
        assert_eq!(repo.read_ref(&RefName::new(b"refs/heads/caf\xe8").unwrap()).unwrap(), None);
    }

    fn a_reflog_is_written_only_where_git_would() {
        let sandbox = Sandbox::new();
        let log = |name: &HiddenRef| sandbox.git(&["reflog", "show", "--format=%gs", name.as_str()]);
        assert_eq!(append(&sandbox.open(), &hidden(), "m"), Update::Moved);
        assert_eq!(log(&hidden()), "");
        let notes = HiddenRef::new(RefName::new("refs/notes/opensession").unwrap()).unwrap();
        assert_eq!(append(&sandbox.open(), &notes, "m"), Update::Moved);
        assert_eq!(log(&notes), "append");
        sandbox.git(&["config", "core.logAllRefUpdates", "always"]);
        assert_eq!(append(&sandbox.open(), &hidden(), "m"), Update::Moved);
        assert_eq!(log(&hidden()), "append");
        // What the user's own file says counts too, and it is found by the given environment.
        sandbox.git(&["config", "--unset", "core.logAllRefUpdates"]);
        let global = sandbox.home().join("global");
        std::fs::write(&global, "[core]\n\tlogAllRefUpdates = always\n").unwrap();
        let other = HiddenRef::under("other").unwrap();
        let repo = sandbox.try_open(&sandbox.path(), &[("GIT_CONFIG_GLOBAL", global.to_str().unwrap())]).unwrap();
        assert_eq!(append(&repo, &other, "m"), Update::Moved);
        assert_eq!(log(&other), "append");
    }
}
