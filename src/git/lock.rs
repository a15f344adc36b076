//! One capture at a time.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, Hasher};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::{Error, HiddenRef, Repo, Result};

/// A lock file of a ref this old was left by a process that was killed.
const STALE: Duration = Duration::from_secs(10 * 60);
/// One that is known to be of the process that held the capture lock before, and was killed, has no owner. A git that it had
/// started may live a moment longer.
const ORPHANED: Duration = Duration::from_secs(2);
/// As much of the lock's own file is read as a ref can be long.
const LONGEST: u64 = 4096;

/// The repository's capture lock, held: a locked file `<common>/opensession/lock`. The system frees it when the process
/// ends, however it ends; dropping it frees it too.
///
/// It keeps captures of one repository from doing the same work twice, and it is what allows to remove the `.lock` file of a
/// hidden ref that a killed process left. Correctness does not hang on it: refs move by compare-and-swap.
///
/// While a ref is moved its name stands in the file: whoever gets the lock and still finds one there knows that the last
/// holder was killed, and at what.
#[derive(Debug)]
pub struct RepoLock {
    path: PathBuf,
    file: File,
    /// False where the file system has no locks (some network file systems): then nothing is proven.
    exclusive: bool,
    /// The ref that the last holder was moving when it was killed, and since when.
    left: Option<(String, SystemTime)>,
}

/// A ref that is being moved, by the holder of the lock.
#[must_use = "dropping it says that the ref is moved"]
pub(super) struct Moving<'lock>(&'lock RepoLock);

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
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path);
        let file = file.map_err(Error::io("open", &path))?;
        let mut pause = Backoff::new(deadline);
        loop {
            match file.try_lock() {
                Ok(()) => {
                    let left = left_in(&file);
                    return Ok(RepoLock { path, file, exclusive: true, left });
                }
                Err(TryLockError::WouldBlock) if pause.sleep() => {}
                Err(TryLockError::WouldBlock) => return Err(Error::RepoLocked { path }),
                Err(TryLockError::Error(_)) => return Ok(RepoLock { path, file, exclusive: false, left: None }),
            }
        }
    }
}

impl RepoLock {
    /// Notes that a ref is about to be moved. Where that cannot be written, nobody will know: no harm is done.
    pub(super) fn moving(&self, name: &HiddenRef) -> Moving<'_> {
        let _ = self.note(name.name().as_bytes());
        Moving(self)
    }

    fn note(&self, text: &[u8]) -> std::io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(text)?;
        file.set_len(text.len() as u64)
    }

    /// Removes the lock file of a ref if it is stale, or if the last holder of this lock was killed while it moved that ref.
    /// Other young ones may belong to a git that is fetching; the age is taken from the file system's own clock, by
    /// writing to the file that is held.
    pub(super) fn break_if_stale(&self, name: Option<&HiddenRef>, lock: &Path) -> Result<bool> {
        let Ok(made) = fs::metadata(lock).and_then(|lock| lock.modified()) else { return Ok(false) };
        // Made right after the holder wrote down what it was about to do.
        let is_left = |(left, since): &(String, SystemTime)| {
            let after = made.duration_since(*since).or_else(|error| Ok::<_, ()>(error.duration()));
            name.is_some_and(|name| name.name().as_bytes() == left.as_bytes())
                && after.is_ok_and(|after| after <= ORPHANED)
        };
        let limit = if self.left.as_ref().is_some_and(is_left) { ORPHANED } else { STALE };
        let is_old = |now: SystemTime| now.duration_since(made).is_ok_and(|age| age >= limit);
        if !self.exclusive || !is_old(self.file_system_time(name)?) {
            return Ok(false);
        }
        match fs::remove_file(lock) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(Error::io("remove the stale lock", lock)(error)),
        }
    }

    fn file_system_time(&self, name: Option<&HiddenRef>) -> Result<SystemTime> {
        let now = || {
            // Nothing by which anybody could be misled.
            self.note(name.map_or(b"\n", |name| name.name().as_bytes()))?;
            self.file.metadata()?.modified()
        };
        now().map_err(Error::io("write", &self.path))
    }
}

impl Drop for Moving<'_> {
    fn drop(&mut self) {
        let _ = self.0.note(b"");
    }
}

/// What the last holder was at when it was killed.
fn left_in(file: &File) -> Option<(String, SystemTime)> {
    let mut name = String::new();
    let since = file.metadata().and_then(|metadata| metadata.modified()).ok()?;
    file.take(LONGEST).read_to_string(&mut name).ok()?;
    (!name.trim().is_empty()).then_some((name, since))
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

    fn name() -> HiddenRef {
        HiddenRef::under("branches/x").unwrap()
    }

    #[test]
    fn only_a_stale_lock_file_is_broken() {
        let sandbox = Sandbox::new();
        let repo = sandbox.repo();
        let held = repo.lock(soon()).unwrap();
        let lock = repo.common_dir().join("x.lock");
        let is_broken = || held.break_if_stale(Some(&name()), &lock).unwrap();
        assert!(!is_broken(), "there is none");
        let file = File::create(&lock).unwrap();
        assert!(!is_broken(), "it is young");
        file.set_modified(SystemTime::now() - Duration::from_secs(9 * 60)).unwrap();
        assert!(!is_broken(), "it is not old enough");
        file.set_modified(SystemTime::now() + Duration::from_secs(60)).unwrap();
        assert!(!is_broken(), "its clock is ahead");
        file.set_modified(SystemTime::now() - Duration::from_secs(11 * 60)).unwrap();
        assert!(is_broken());
        assert!(!lock.exists());
    }

    #[test]
    fn what_the_last_holder_was_killed_at_is_broken_soon_and_nothing_else() {
        let sandbox = Sandbox::new();
        let repo = sandbox.repo();
        let lock = repo.common_dir().join("x.lock");
        let file = File::create(&lock).unwrap();
        let ago = |seconds| SystemTime::now() - Duration::from_secs(seconds);
        let held_after = |killed: bool, seconds: u64| {
            let held = repo.lock(soon()).unwrap();
            match held.moving(&name()) {
                moving if killed => std::mem::forget(moving),
                moving => drop(moving),
            }
            held.file.set_modified(ago(seconds)).unwrap();
            drop(held);
            repo.lock(soon()).unwrap()
        };
        let other = HiddenRef::under("branches/y").unwrap();
        file.set_modified(ago(60)).unwrap();
        assert!(!held_after(false, 60).break_if_stale(Some(&name()), &lock).unwrap(), "it was done");
        assert!(!held_after(true, 60).break_if_stale(Some(&other), &lock).unwrap(), "it was at another");
        assert!(!held_after(true, 120).break_if_stale(Some(&name()), &lock).unwrap(), "the lock is of a later time");
        file.set_modified(ago(1)).unwrap();
        assert!(!held_after(true, 1).break_if_stale(Some(&name()), &lock).unwrap(), "a child of it may live");
        file.set_modified(ago(3)).unwrap();
        assert!(held_after(true, 3).break_if_stale(Some(&name()), &lock).unwrap());
        assert!(!lock.exists());
    }
}
