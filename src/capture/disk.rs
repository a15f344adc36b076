//! The private folder of this project in the common git folder: small files that may be lost without harm.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// Makes a folder, and those above it. Only its owner may look into it.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a file as a whole or not at all. Only its owner may read it. It is not waited for to be on the disk: what
/// lies here can be made again.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    make_folder(folder)?;
    // Made with 0600 by `tempfile`, and renamed over the old one.
    let mut file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(folder)?;
    file.write_all(content)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// What time it is for files that are written now, in nanoseconds since the epoch. The clock of a disk has ticks, and
/// may be another machine's.
pub(super) fn now(folder: &Path) -> Option<i128> {
    let file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(folder).ok()?;
    let written = file.as_file().metadata().ok()?.modified().ok()?;
    i128::try_from(written.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
}

/// Removes a file that may not be there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_is_its_owners_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/er/file");
        replace(&path, b"one").expect("it can be written");
        replace(&path, b"two").expect("and written again");
        assert_eq!(fs::read(&path).expect("it can be read"), b"two");
        assert_eq!(
            fs::read_dir(path.parent().expect("a folder")).expect("a list").count(),
            1,
            "nothing is left behind"
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&folder.path().join("deep"))), (0o600, 0o700));
        }
        remove(&path).and_then(|()| remove(&path)).expect("removed, and no complaint about nothing");
        assert!(!path.exists());
    }
}
