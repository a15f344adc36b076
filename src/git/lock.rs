//! One capture at a time.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, Hasher};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::{Error, Repo, Result};

/// A lock file of a ref this old was left by a process that was killed.
const STALE: Duration = Duration::from_secs(10 * 60);

/// The repository's capture lock, held: a locked file `<common>/opensession/lock`. The system frees it when the process
/// ends, however it ends; dropping it frees it too.
///
/// It keeps captures of one repository from doing the same work twice, and it is what allows to remove the `.lock` file of a
/// hidden ref that a killed process left. Correctness does not hang on it: refs move by compare-and-swap.
#[derive(Debug)]
pub struct RepoLock {
    path: PathBuf,
    file: File,
    /// False where the file system has no locks (some network file systems): then nothing is proven.
    exclusive: bool,
}

/// The lock of pushes by hand, held. It allows nothing, and so is no [`RepoLock`].
#[derive(Debug)]
#[must_use = "dropping it frees it"]
pub struct PushLock(#[expect(dead_code, reason = "it is held, not looked at")] RepoLock);

impl Repo {
    /// Takes the capture lock, waiting for it until `deadline`.
    ///
    /// # Errors
    /// [`Error::RepoLocked`] at the deadline; [`Error::Io`] if its file cannot be made.
    pub fn lock(&self, deadline: Instant) -> Result<RepoLock> {
        self.lock_file("lock", deadline)
    }

    /// Waits until `deadline` for other pushes that somebody has typed here. Two fetches into the same tracking ref get
    /// into each other's way, and one of them fails.
    ///
    /// # Errors
    /// As [`Repo::lock`].
    pub fn lock_pushes(&self, deadline: Instant) -> Result<PushLock> {
        self.lock_file("push-lock", deadline).map(PushLock)
    }

    fn lock_file(&self, name: &str, deadline: Instant) -> Result<RepoLock> {
        let folder = self.private_dir();
        let path = folder.join(name);
        fs::create_dir_all(&folder).map_err(Error::io("make the folder", &folder))?;
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(Error::io("open", &path))?;
        let mut pause = Backoff::new(deadline);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(RepoLock { path, file, exclusive: true }),
                Err(TryLockError::WouldBlock) if pause.sleep() => {}
                Err(TryLockError::WouldBlock) => return Err(Error::RepoLocked { path }),
                Err(TryLockError::Error(_)) => return Ok(RepoLock { path, file, exclusive: false }),
            }
        }
    }
}

impl RepoLock {
    /// Removes a ref's lock file if it is stale. Young ones may belong to a git that is fetching; the age is taken from
    /// the file system's own clock, by writing to the file that is held.
    pub(super) fn break_if_stale(&self, lock: &Path) -> Result<bool> {
        let Ok(made) = fs::metadata(lock).and_then(|lock| lock.modified()) else { return Ok(false) };
        let is_old = |now: SystemTime| now.duration_since(made).is_ok_and(|age| age >= STALE);
        if !self.exclusive || !is_old(self.file_system_time()?) {
            return Ok(false);
        }
        match fs::remove_file(lock) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(Error::io("remove the stale lock", lock)(error)),
        }
    }

    fn file_system_time(&self) -> Result<SystemTime> {
        let now = || {
            let mut file = &self.file;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(b"\n")?;
            file.metadata()?.modified()
        };
        now().map_err(Error::io("write", &self.path))
    }
}

/// The name of git's lock for a file: the file's own, and `.lock`.
pub(super) fn lock_beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// The lock file that an error message of git's or of libgit2's names: `... '<path>.lock' ...`.
pub(super) fn lock_named_in(said: &str) -> Option<PathBuf> {
    let end = said.find(".lock'")? + ".lock".len();
    let (before, _) = said.split_at_checked(end)?;
    let (_, path) = before.rsplit_once('\'')?;
    Some(PathBuf::from(path))
}

/// Growing pauses with full jitter, up to a deadline.
pub(super) struct Backoff {
    deadline: Instant,
    longest: Duration,
}

impl Backoff {
    pub fn new(deadline: Instant) -> Self {
        Self { deadline, longest: Duration::from_millis(1) }
    }

    /// Waits; false once the deadline has passed.
    pub fn sleep(&mut self) -> bool {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        self.longest = (self.longest * 2).min(Duration::from_millis(50));
        // The seed of a hash map is the randomness the standard library has.
        let random = RandomState::new().build_hasher().finish() % 1000;
        let pause = self.longest.mul_f64(f64::from(u32::try_from(random).unwrap_or_default() + 1) / 1000.0);
        std::thread::sleep(pause.min(left));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(50)
    }

    #[test]
    fn the_lock_is_held_once_and_free_when_dropped() {
        let sandbox = Sandbox::new();
        let repo = sandbox.repo();
        let held = repo.lock(soon()).unwrap();
        assert!(matches!(sandbox.open().lock(soon()), Err(Error::RepoLocked { .. })));
        drop(held);
        assert!(repo.lock(soon()).is_ok());
    }

    #[test]
    fn a_waiting_process_gets_the_lock_when_it_is_freed() {
        let sandbox = Sandbox::new();
        let held = sandbox.repo().lock(soon()).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| sandbox.open().lock(Instant::now() + Duration::from_secs(20)).is_ok());
            std::thread::sleep(Duration::from_millis(30));
            drop(held);
            assert!(waiting.join().unwrap());
        });
    }

    #[test]
    fn the_lock_in_the_way_is_read_from_what_is_said() {
        for said in [
            "fatal: Unable to create '/a b/.git/packed-refs.lock': File exists.\n\nAnother git process seems",
            "failed to lock file '/a b/.git/packed-refs.lock' for writing: ",
            "error: cannot lock ref 'refs/x': Unable to create '/a b/.git/packed-refs.lock': File exists.",
        ] {
            assert_eq!(lock_named_in(said).as_deref(), Some(Path::new("/a b/.git/packed-refs.lock")), "{said}");
        }
        assert_eq!(lock_named_in("fatal: cannot lock references"), None);
    }

    #[test]
    fn only_a_stale_lock_file_is_broken() {
        let sandbox = Sandbox::new();
        let repo = sandbox.repo();
        let held = repo.lock(soon()).unwrap();
        let lock = repo.common_dir().join("x.lock");
        assert!(!held.break_if_stale(&lock).unwrap(), "there is none");
        let file = File::create(&lock).unwrap();
        assert!(!held.break_if_stale(&lock).unwrap(), "it is young");
        file.set_modified(SystemTime::now() - Duration::from_secs(9 * 60)).unwrap();
        assert!(!held.break_if_stale(&lock).unwrap(), "it is not old enough");
        file.set_modified(SystemTime::now() + Duration::from_secs(60)).unwrap();
        assert!(!held.break_if_stale(&lock).unwrap(), "its clock is ahead");
        file.set_modified(SystemTime::now() - Duration::from_secs(11 * 60)).unwrap();
        assert!(held.break_if_stale(&lock).unwrap());
        assert!(!lock.exists());
    }
}
