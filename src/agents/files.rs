//! Listing logs: what all agents have in common. Only names and metadata are looked at.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry, Metadata, ReadDir};
use std::path::{MAIN_SEPARATOR_STR, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use super::LogFile;

/// How many logs a thread takes at a time. As many are worth a second thread: asking the kernel for their metadata takes longer
/// than to start one.
const AT_A_TIME: usize = 128;

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
fn log_file((entry, path): (DirEntry, PathBuf)) -> Option<LogFile> {
    let file_type = entry.file_type().ok()?;
    // One call a file, by its name in the open folder: only a link is followed.
    let metadata = if file_type.is_symlink() { fs::metadata(&path) } else { entry.metadata() }.ok()?;
    metadata.is_file().then(|| LogFile { path, size: metadata.len(), mtime: mtime(&metadata) })
}

/// The path of an entry: [`DirEntry::path`] makes one that does not fit, and makes room.
fn path_in(folder: &Path, name: &OsStr) -> PathBuf {
    let mut path = OsString::with_capacity(folder.as_os_str().len() + 1 + name.len());
    path.push(folder);
    path.push(MAIN_SEPARATOR_STR);
    path.push(name);
    path.into()
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

/// What an entry of a folder is to an agent.
pub(super) enum Entry<D> {
    /// A log, if it is a regular file or a link to one.
    Log,
    /// A folder that is to be listed, and what is known of it.
    Folder(D),
    /// Nothing to list.
    Other,
}

/// The logs in some folders and below, in no order. `what` says by its name what an entry of a folder is; it is asked once of
/// each. Of many logs two threads take their share.
pub(super) fn logs_below<D: Send>(
    folders: Vec<(PathBuf, D)>,
    what: impl FnMut(&DirEntry, &OsStr, &D) -> Entry<D> + Send,
) -> Vec<LogFile> {
    let walk = Mutex::new(Walk { folders, open: None, what });
    shared(|| walk.lock().unwrap_or_else(PoisonError::into_inner).take(), log_file)
}

/// What `work` makes of each thing, in no order. Of many things two threads take their share.
pub(super) fn each<T: Send, R: Send>(things: Vec<T>, work: impl Fn(T) -> Option<R> + Sync) -> Vec<R> {
    let things = Mutex::new(things.into_iter());
    shared(|| things.lock().unwrap_or_else(PoisonError::into_inner).by_ref().take(AT_A_TIME).collect(), work)
}

/// Takes some at a time, fewer than [`AT_A_TIME`] when there are no more.
fn shared<T: Send, R: Send>(take: impl Fn() -> Vec<T> + Sync, work: impl Fn(T) -> Option<R> + Sync) -> Vec<R> {
    let share = |mut some: Vec<T>| {
        let mut made = Vec::with_capacity(some.len());
        while !some.is_empty() {
            made.extend(some.into_iter().filter_map(&work));
            some = take();
        }
        made
    };
    let first = take();
    if first.len() < AT_A_TIME {
        return share(first);
    }
    std::thread::scope(|scope| {
        let other = std::thread::Builder::new().spawn_scoped(scope, || share(take()));
        let mut made = share(first);
        // Where no thread can be started, all was done here.
        if let Ok(other) = other {
            made.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        made
    })
}

/// Folders on their way of being listed.
struct Walk<D, W> {
    folders: Vec<(PathBuf, D)>,
    open: Option<(ReadDir, PathBuf, D)>,
    what: W,
}

impl<D, W: FnMut(&DirEntry, &OsStr, &D) -> Entry<D>> Walk<D, W> {
    /// The next logs, by their names.
    fn take(&mut self) -> Vec<(DirEntry, PathBuf)> {
        let mut logs = Vec::with_capacity(AT_A_TIME);
        while logs.len() < AT_A_TIME {
            let Some((entries, path, folder)) = &mut self.open else {
                let Some((path, folder)) = self.folders.pop() else { break };
                self.open = fs::read_dir(&path).ok().map(|entries| (entries, path, folder));
                continue;
            };
            let Some(entry) = entries.next() else {
                self.open = None;
                continue;
            };
            let Ok(entry) = entry else { continue };
            let name = entry.file_name();
            match (self.what)(&entry, &name, folder) {
                Entry::Log => logs.push((entry, path_in(path, &name))),
                Entry::Folder(folder) => self.folders.push((path_in(path, &name), folder)),
                Entry::Other => {}
            }
        }
        logs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_few_and_of_many_is_worked_on_once() {
        for count in [0, 1, AT_A_TIME - 1, AT_A_TIME, AT_A_TIME + 1, 5_000] {
            let things: Vec<usize> = (0..count).collect();
            let mut made = each(things.clone(), |thing| (thing % 3 != 0).then_some(thing));
            made.sort_unstable();
            assert_eq!(made, things.into_iter().filter(|thing| thing % 3 != 0).collect::<Vec<_>>());
        }
    }

    #[test]
    fn logs_are_found_once_however_they_are_spread() {
        for (folders, logs) in [(1, 700), (300, 2), (7, 0)] {
            let root = tempfile::tempdir().unwrap();
            for folder in 0..folders {
                let folder = root.path().join(folder.to_string());
                fs::create_dir(&folder).unwrap();
                (0..logs).for_each(|log| fs::write(folder.join(format!("{log}.log")), "x").unwrap());
            }
            let found = logs_below(vec![(root.path().to_owned(), true)], |entry, name, is_root| match is_root {
                true if is_folder(entry) => Entry::Folder(false),
                false if name != "0.log" => Entry::Log,
                _ => Entry::Other,
            });
            let mut paths: Vec<_> = found.iter().map(|log| &log.path).collect();
            paths.sort();
            paths.dedup();
            assert_eq!((paths.len(), found.len()), (folders * (logs.max(1) - 1), paths.len()));
        }
    }
}
