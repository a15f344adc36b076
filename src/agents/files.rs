//! Listing logs: what all agents have in common. Only names and metadata are looked at.

use std::fs::{self, DirEntry, Metadata};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::UNIX_EPOCH;

use super::LogFile;

/// How many things are worth a second thread. Beyond that, asking the kernel for metadata takes longer than to start one.
const WORTH_A_THREAD: usize = 256;
/// How many of them a thread takes at a time.
const AT_A_TIME: usize = 64;

/// What is in a folder; nothing if it cannot be read.
pub(super) fn entries(folder: &Path) -> Vec<DirEntry> {
    fs::read_dir(folder).map(|entries| entries.flatten().collect()).unwrap_or_default()
}

/// Whether it is a folder, or a link to one.
pub(super) fn is_folder(entry: &DirEntry) -> bool {
    match entry.file_type() {
        Ok(file_type) if file_type.is_symlink() => entry.path().is_dir(),
        Ok(file_type) => file_type.is_dir(),
        Err(_) => false,
    }
}

/// A regular file, or a link to one, as a log; a link to a device is none.
pub(super) fn log_file(entry: &DirEntry) -> Option<LogFile> {
    let file_type = entry.file_type().ok()?;
    // One call a file, by its name in the open folder: only a link is followed.
    let metadata = if file_type.is_symlink() { fs::metadata(entry.path()) } else { entry.metadata() }.ok()?;
    metadata.is_file().then(|| LogFile { path: entry.path(), size: metadata.len(), mtime: mtime(&metadata) })
}

/// When a file was last written, in nanoseconds since the epoch; 0 where the platform does not tell.
pub(super) fn mtime(metadata: &Metadata) -> i128 {
    let nanos = |duration: std::time::Duration| i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX);
    match metadata.modified().map(|at| at.duration_since(UNIX_EPOCH)) {
        Ok(Ok(after)) => nanos(after),
        Ok(Err(before)) => -nanos(before.duration()),
        Err(_) => 0,
    }
}

/// What `work` makes of each thing, in no order. Of many things two threads take their share.
pub(super) fn each<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> Option<R> + Sync) -> Vec<R> {
    if things.len() < WORTH_A_THREAD {
        return things.iter().filter_map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let share = || {
        let mut made = Vec::with_capacity(things.len());
        while let Some(some) = things.chunks(AT_A_TIME).nth(next.fetch_add(1, Ordering::Relaxed)) {
            made.extend(some.iter().filter_map(&work));
        }
        made
    };
    std::thread::scope(|scope| {
        let other = std::thread::Builder::new().spawn_scoped(scope, share);
        let mut made = share();
        // Where no thread can be started, all was done here.
        if let Ok(other) = other {
            made.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        made
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_few_and_of_many_is_worked_on_once() {
        for count in [0, 1, WORTH_A_THREAD - 1, WORTH_A_THREAD, 5_000] {
            let things: Vec<usize> = (0..count).collect();
            let mut made = each(&things, |thing| (thing % 3 != 0).then_some(*thing));
            made.sort_unstable();
            assert_eq!(made, things.into_iter().filter(|thing| thing % 3 != 0).collect::<Vec<_>>());
        }
    }
}
