//! Listing logs: what all agents have in common. Only names and metadata are looked at.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{MAIN_SEPARATOR_STR, Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Dir, DirEntry, FileType, Mode, OFlags, open, statat};

use super::LogFile;
use super::together::{AT_A_TIME, together};

/// What is in a folder; nothing if it cannot be read.
pub(super) fn entries(folder: &Path) -> Vec<fs::DirEntry> {
    fs::read_dir(folder).map(|entries| entries.flatten().collect()).unwrap_or_default()
}

/// Whether it is a folder, or a link to one.
pub(super) fn is_folder(entry: &fs::DirEntry) -> bool {
    match entry.file_type() {
        Ok(file_type) if file_type.is_symlink() => entry.path().is_dir(),
        Ok(file_type) => file_type.is_dir(),
        Err(_) => false,
    }
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

/// A folder that is being listed.
struct Folder {
    path: PathBuf,
    handle: OwnedFd,
}

impl Folder {
    fn open(path: PathBuf) -> Option<Self> {
        let handle = open(&path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        Some(Self { path, handle })
    }

    /// What is in it, as far as it can be read.
    fn entries(&self) -> impl Iterator<Item = DirEntry> {
        let entries = Dir::read_from(&self.handle).into_iter().flatten();
        entries.flatten().filter(|entry| !matches!(entry.file_name().to_bytes(), b"." | b".."))
    }

    /// A regular file, or a link to one, as a log; a link to a device is none.
    fn log(&self, entry: &DirEntry) -> Option<LogFile> {
        // One call a file, by its name in the open folder.
        let found = statat(&self.handle, entry.file_name(), AtFlags::empty()).ok()?;
        (FileType::from_raw_mode(found.st_mode) == FileType::RegularFile).then(|| LogFile {
            path: path_in(&self.path, name(entry)),
            size: u64::try_from(found.st_size).unwrap_or_default(),
            mtime: i128::from(found.st_mtime) * 1_000_000_000 + i128::from(found.st_mtime_nsec),
        })
    }
}

fn name(entry: &DirEntry) -> &OsStr {
    OsStr::from_bytes(entry.file_name().to_bytes())
}

/// [`Path::join`] makes a path that does not fit, and makes room.
fn path_in(folder: &Path, name: &OsStr) -> PathBuf {
    let mut path = OsString::with_capacity(folder.as_os_str().len() + 1 + name.len());
    path.push(folder);
    path.push(MAIN_SEPARATOR_STR);
    path.push(name);
    path.into()
}

/// What is in a folder that is being listed.
pub(super) struct Listed<'a> {
    folder: &'a Path,
    entry: &'a DirEntry,
}

impl Listed<'_> {
    /// What it is called.
    pub(super) fn name(&self) -> &OsStr {
        name(self.entry)
    }

    /// Where it is.
    pub(super) fn path(&self) -> PathBuf {
        path_in(self.folder, self.name())
    }

    /// Whether it is a folder.
    pub(super) fn is_folder(&self) -> bool {
        match self.entry.file_type() {
            FileType::Unknown => self.path().symlink_metadata().is_ok_and(|metadata| metadata.is_dir()),
            known => known == FileType::Directory,
        }
    }

    /// Whether it is a folder, or a link to one.
    pub(super) fn leads_to_folder(&self) -> bool {
        self.is_folder() || (self.entry.file_type() != FileType::RegularFile && self.path().is_dir())
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

/// The logs in some folders and below, in no order. `what` says what an entry of a folder is; it is asked once of each. Of many
/// logs two threads take their share.
pub(super) fn logs_below<D>(
    mut folders: Vec<(PathBuf, D)>,
    mut what: impl FnMut(&Listed<'_>, &D) -> Entry<D>,
) -> Vec<LogFile> {
    let logs = |(folder, entries): (Arc<Folder>, Vec<DirEntry>)| {
        let mut logs = Vec::with_capacity(entries.len());
        logs.extend(entries.iter().filter_map(|entry| folder.log(entry)));
        logs
    };
    let parcels = together(logs, |give| {
        while let Some((path, known)) = folders.pop() {
            let Some(folder) = Folder::open(path).map(Arc::new) else { continue };
            let mut logs = Vec::new();
            for entry in folder.entries() {
                let listed = Listed { folder: &folder.path, entry: &entry };
                match what(&listed, &known) {
                    Entry::Log => logs.push(entry),
                    Entry::Folder(known) => folders.push((listed.path(), known)),
                    Entry::Other => {}
                }
                if logs.len() == AT_A_TIME {
                    give((Arc::clone(&folder), std::mem::take(&mut logs)), AT_A_TIME);
                }
            }
            if !logs.is_empty() {
                let count = logs.len();
                give((folder, logs), count);
            }
        }
    });
    let mut logs = Vec::with_capacity(parcels.iter().map(Vec::len).sum());
    logs.extend(parcels.into_iter().flatten());
    logs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_found_once_however_they_are_spread() {
        for (folders, logs) in [(1, 700), (300, 2), (7, 0)] {
            let root = tempfile::tempdir().unwrap();
            for folder in 0..folders {
                let folder = root.path().join(folder.to_string());
                fs::create_dir(&folder).unwrap();
                (0..logs).for_each(|log| fs::write(folder.join(format!("{log}.log")), "x").unwrap());
            }
            let found = logs_below(vec![(root.path().to_owned(), true)], |entry, is_root| match is_root {
                true if entry.is_folder() => Entry::Folder(false),
                false if entry.name() != "0.log" => Entry::Log,
                _ => Entry::Other,
            });
            let mut paths: Vec<_> = found.iter().map(|log| &log.path).collect();
            paths.sort();
            paths.dedup();
            assert_eq!((paths.len(), found.len()), (folders * (logs.max(1) - 1), paths.len()));
        }
    }
}
