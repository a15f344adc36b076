//! Writing objects: gathered in memory, made durable together.
//!
//! A capture writes ten objects or ten thousand, and a ref may move only when all of them are on the disk. How
//! they are written decides what that costs. From hashing to durable, best of six runs on a busy two-core machine
//! with ext4 (7 objects of 33 KB in all; 700 objects of 10.5 MB in all, most of it zstd):
//!
//! | | 7 objects | 700 objects |
//! |---|---|---|
//! | libgit2's loose objects, one fsync after the other | 5.1 ms | 2,860 ms |
//! | the same, fsyncs from eight threads (they share a journal commit) | 2.3 ms | 2,090 ms |
//! | libgit2's indexer, fed with a pack of stored zlib streams | 5.1 ms | 247 ms |
//! | here: few objects loose, many as a pack | 2.2 ms | 159 ms |
//!
//! So many objects become one pack (three fsyncs, and a later push sends them as they are). Few become loose objects:
//! a pack a capture would have git repack every fifty captures (`gc.autoPackLimit`). Both are written here
//! and not by libgit2, which compresses what is compressed already, syncs after it has renamed or not at all, and leaves
//! files behind when killed that `git gc` does not know; `tmp_obj_*` and `tmp_pack_*` it removes.
//!
//! Killed at any moment, this leaves files without a name, or objects that nothing reaches; a reader sees either all of a
//! ledger's new commit or none of it, because the ref moves last. A pack gets its name before its index does, and git
//! looks for indexes.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use flate2::write::ZlibEncoder;
use tempfile::NamedTempFile;

use super::pack::write_pack;
use super::{Error, NewCommit, ObjectKind, Oid, Repo, Result};

/// More objects, or more bytes, than these become a pack.
const LOOSE_OBJECTS: usize = 64;
const LOOSE_BYTES: usize = 4 << 20;
/// So many bytes do not wait in memory for the rest: they become a pack of their own.
const FLUSH_BYTES: usize = 32 << 20;
/// Threads that wait for the disk together.
const SYNC_THREADS: usize = 8;

/// Objects to be written together. After [`ObjectBatch::finish`], and not before, all of them are durable and readable:
/// only then can a ref move to one of them. A batch that is dropped writes nothing (or leaves unreachable
/// objects, if it was larger than 32 MB; `git gc` removes them).
pub struct ObjectBatch<'repo> {
    repo: &'repo Repo,
    pending: Vec<PendingObject>,
    pending_bytes: usize,
    seen: HashSet<Oid>,
    report: BatchReport,
}

/// An object that is not written yet.
pub(super) struct PendingObject {
    pub oid: Oid,
    pub kind: ObjectKind,
    pub content: Vec<u8>,
}

/// What a batch wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchReport {
    /// Objects that were new.
    pub objects: usize,
    /// Their bytes on disk, compressed.
    pub bytes: u64,
    /// Packs written; none if they became loose objects.
    pub packs: usize,
}

impl Repo {
    /// A new batch.
    pub fn batch(&self) -> ObjectBatch<'_> {
        let (pending, seen) = (Vec::new(), HashSet::new());
        ObjectBatch { repo: self, pending, pending_bytes: 0, seen, report: BatchReport::default() }
    }
}

impl ObjectBatch<'_> {
    /// Adds a blob and gives its id.
    ///
    /// # Errors
    /// [`Error::Io`] if a large batch had to be written in part.
    pub fn blob(&mut self, content: impl Into<Vec<u8>>) -> Result<Oid> {
        self.add(ObjectKind::Blob, content.into())
    }

    /// Adds a commit and gives its id.
    ///
    /// # Errors
    /// As [`ObjectBatch::blob`].
    pub fn commit(&mut self, commit: &NewCommit<'_>) -> Result<Oid> {
        self.add(ObjectKind::Commit, commit.to_bytes())
    }

    pub(super) fn tree(&mut self, content: Vec<u8>) -> Result<Oid> {
        self.add(ObjectKind::Tree, content)
    }

    /// Writes what is not there yet, as loose objects or as a pack, and waits until it is durable.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file; nothing but unreachable objects is left behind then.
    pub fn finish(mut self) -> Result<BatchReport> {
        self.flush()?;
        Ok(self.report)
    }

    fn add(&mut self, kind: ObjectKind, content: Vec<u8>) -> Result<Oid> {
        let oid = self.repo.backend.format().hash_object(kind, &content)?;
        if self.seen.insert(oid) {
            self.pending_bytes += content.len();
            self.pending.push(PendingObject { oid, kind, content });
            if self.pending_bytes > FLUSH_BYTES {
                self.flush()?;
            }
        }
        Ok(oid)
    }

    fn flush(&mut self) -> Result<()> {
        let new = self.repo.backend.renew(std::mem::take(&mut self.pending))?;
        let bytes = std::mem::take(&mut self.pending_bytes);
        if new.is_empty() {
            return Ok(());
        }
        let objects = self.repo.common_dir().join("objects");
        if new.len() > LOOSE_OBJECTS || bytes > LOOSE_BYTES {
            self.report.bytes += write_pack(&objects, self.repo.backend.format(), &new)?;
            self.report.packs += 1;
        } else {
            self.report.bytes += write_loose(&objects, &new)?;
        }
        self.report.objects += new.len();
        self.repo.backend.refresh()
    }
}

/// Writes loose objects: all contents are durable before the first gets its name. The names become durable with the
/// ref that makes them reachable: journals keep the order of renames, and that ref is synced.
fn write_loose(objects: &Path, new: &[PendingObject]) -> Result<u64> {
    let mut files = Vec::with_capacity(new.len());
    let mut deflater = Deflater::new();
    let mut bytes = 0;
    for object in new {
        let name = object.oid.to_string();
        let (folder, rest) = name.split_at(2);
        let folder = objects.join(folder);
        make_folder(&folder, objects)?;
        let head = format!("{} {}\0", object.kind.as_str(), object.content.len());
        let content = deflater.deflate(head.as_bytes(), &object.content).map_err(Error::io("compress", &folder))?;
        let mut file = temporary_file(&folder, "tmp_obj_")?;
        file.write_all(&content).map_err(Error::io("write", file.path()))?;
        bytes += content.len() as u64;
        files.push((file, folder.join(rest)));
    }
    sync_all(&files)?;
    for (file, path) in files {
        file.persist(&path).map_err(|failed| Error::io("write", &path)(failed.error))?;
    }
    Ok(bytes)
}

/// Waits for the disk on several threads: the file system then writes its journal once for many files.
fn sync_all(files: &[(NamedTempFile, std::path::PathBuf)]) -> Result<()> {
    let sync = |(file, path): &(NamedTempFile, std::path::PathBuf)| {
        file.as_file().sync_all().map_err(Error::io("write", path))
    };
    std::thread::scope(|scope| {
        let chunks = files.chunks(files.len().div_ceil(SYNC_THREADS).max(1));
        let threads: Vec<_> = chunks.map(|chunk| scope.spawn(move || chunk.iter().try_for_each(sync))).collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(Error::io("write", Path::new("objects"))(std::io::Error::other("panic"))))
        })
    })
}

/// A file that only its owner can change, readable as the folder is (`git init --shared`), and gone if it is not kept.
pub(super) fn temporary_file(folder: &Path, prefix: &str) -> Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    let readable = {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(folder).map_err(Error::io("write in", folder))?.permissions().mode() & 0o444;
        fs::Permissions::from_mode(mode | 0o400)
    };
    #[cfg(unix)]
    builder.permissions(readable.clone());
    let file = builder.tempfile_in(folder).map_err(Error::io("write in", folder))?;
    #[cfg(unix)]
    file.as_file().set_permissions(readable).map_err(Error::io("write", file.path()))?;
    Ok(file)
}

/// A folder of the object store with the permissions of the store itself (`git init --shared` needs that).
pub(super) fn make_folder(folder: &Path, objects: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(Error::io("make the folder", folder))?;
    let permissions = fs::metadata(objects).map_err(Error::io("read", objects))?.permissions();
    fs::set_permissions(folder, permissions).map_err(Error::io("make the folder", folder))
}

/// Deflates one object after the other: the quarter of a megabyte that zlib works in is asked for once.
pub(super) struct Deflater {
    stored: ZlibEncoder<Vec<u8>>,
    fast: ZlibEncoder<Vec<u8>>,
}

impl Deflater {
    pub(super) fn new() -> Self {
        let at = |level| ZlibEncoder::new(Vec::new(), level);
        Self { stored: at(flate2::Compression::none()), fast: at(flate2::Compression::fast()) }
    }

    /// Compressed bytes are stored, others are compressed as fast as zlib can: that is what libgit2 does, and a repack
    /// does it well later.
    pub(super) fn deflate(&mut self, head: &[u8], content: &[u8]) -> std::io::Result<Vec<u8>> {
        const ZSTD_MAGIC: &[u8] = b"\x28\xb5\x2f\xfd";
        let encoder = if content.starts_with(ZSTD_MAGIC) { &mut self.stored } else { &mut self.fast };
        encoder.get_mut().reserve(content.len() / 2 + 64);
        encoder.write_all(head)?;
        encoder.write_all(content)?;
        encoder.reset(Vec::new())
    }
}

/// Makes the names in a folder durable, where the system can.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io("write", folder))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Sandbox, in_every_kind};
    use super::super::{EntryKind, Identity, Signature, TreeEditor};
    use super::*;

    in_every_kind!(
        few_objects_become_loose_and_git_reads_them,
        many_objects_become_one_pack_and_git_reads_it,
        a_batch_too_large_for_memory_is_written_in_parts,
        what_is_there_is_not_written_again_but_made_young,
        nothing_is_on_disk_before_finish_and_nothing_stays_of_a_failure,
        #[cfg(unix)]
        a_shared_repository_stays_shared,
    );

    /// A commit whose tree holds all of these blobs.
    fn commit_of(repo: &Repo, contents: &[Vec<u8>]) -> (Oid, BatchReport) {
        let mut batch = repo.batch();
        let mut editor = TreeEditor::new(repo, None);
        for (number, content) in contents.iter().enumerate() {
            let oid = batch.blob(content.as_slice()).unwrap();
            editor.insert(format!("{}/{number}", number % 7).as_bytes(), EntryKind::File, oid).unwrap();
        }
        let tree = editor.write(&mut batch).unwrap();
        let who = Signature { identity: Identity::new("N", "e@x"), time: 1_700_000_000, offset: 60 };
        let commit = NewCommit { tree, parents: &[], author: &who, committer: &who, message: "m" };
        let commit = batch.commit(&commit).unwrap();
        (commit, batch.finish().unwrap())
    }

    fn noise(length: usize, mut seed: u64) -> Vec<u8> {
        let next = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed.to_le_bytes()[3]
        };
        std::iter::repeat_with(next).take(length).collect()
    }

    fn zstd(content: &[u8]) -> Vec<u8> {
        zstd::encode_all(content, 3).unwrap()
    }

    fn few_objects_become_loose_and_git_reads_them() {
        let sandbox = Sandbox::new();
        let contents = [b"text text text".to_vec(), Vec::new(), noise(70_000, 1), zstd(b"compressed")];
        let (commit, report) = commit_of(&sandbox.open(), &contents);
        assert_eq!((report.objects, report.packs), (4 + 4 + 1 + 1, 0));
        sandbox.git(&["update-ref", "refs/heads/main", &commit.to_string()]);
        sandbox.fsck();
        assert_eq!(sandbox.git(&["cat-file", "-p", "main:0/0"]), "text text text");
        let repo = sandbox.open();
        let noise_oid = repo.lookup(repo.commit(commit).unwrap().tree, b"2/2").unwrap().unwrap().oid;
        assert_eq!(repo.blob(noise_oid, 70_000).unwrap(), contents[2]);
    }

    fn many_objects_become_one_pack_and_git_reads_it() {
        let sandbox = Sandbox::new();
        let contents: Vec<_> = (0..300).map(|number| zstd(&noise(100 + number, number as u64 + 1))).collect();
        let repo = sandbox.open();
        let (commit, report) = commit_of(&repo, &contents);
        assert_eq!((report.objects, report.packs), (300 + 7 + 1 + 1, 1));
        assert!(repo.has(commit).unwrap(), "readable through the repository that was open before");
        sandbox.git(&["update-ref", "refs/heads/main", &commit.to_string()]);
        sandbox.fsck();
        let count = sandbox.git(&["count-objects", "-v"]);
        assert!(count.contains("count: 0\n") && count.contains("in-pack: 309\n"), "{count}");
        assert!(count.contains("garbage: 0\n"), "{count}");
        let index = fs::read_dir(repo.common_dir().join("objects/pack")).unwrap();
        let index = index.map(|entry| entry.unwrap().path()).find(|path| path.extension().unwrap() == "idx").unwrap();
        sandbox.git(&["verify-pack", index.to_str().unwrap()]);
        // The index is byte for byte the one that git makes of this pack.
        let ours = fs::read(&index).unwrap();
        let made = sandbox.home().join("made.idx");
        sandbox.git(&["index-pack", "-o", made.to_str().unwrap(), index.with_extension("pack").to_str().unwrap()]);
        assert_eq!(ours, fs::read(made).unwrap());
    }

    fn a_batch_too_large_for_memory_is_written_in_parts() {
        let sandbox = Sandbox::new();
        let compressed = |seed: u8| [b"\x28\xb5\x2f\xfd".as_slice(), &vec![seed; 9 << 20]].concat();
        let contents: Vec<_> = (1..=4).map(compressed).collect();
        let (commit, report) = commit_of(&sandbox.open(), &contents);
        assert_eq!(report.packs, 1, "36 MB at once, and the small rest");
        sandbox.git(&["update-ref", "refs/heads/main", &commit.to_string()]);
        sandbox.fsck();
    }

    fn what_is_there_is_not_written_again_but_made_young() {
        let sandbox = Sandbox::new();
        let (commit, first) = commit_of(&sandbox.open(), &[b"same".to_vec()]);
        let path = |repo: &Repo| {
            let (folder, rest) = (commit.to_string()[..2].to_owned(), commit.to_string()[2..].to_owned());
            repo.common_dir().join("objects").join(folder).join(rest)
        };
        let repo = sandbox.open();
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(30 * 24 * 3600);
        File::open(path(&repo)).unwrap().set_modified(old).unwrap();
        let (again, second) = commit_of(&sandbox.open(), &[b"same".to_vec()]);
        assert_eq!((again, first.objects, second), (commit, 4, BatchReport::default()));
        assert!(fs::metadata(path(&repo)).unwrap().modified().unwrap() > old, "git gc must not prune it now");
    }

    fn nothing_is_on_disk_before_finish_and_nothing_stays_of_a_failure() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open();
        let mut batch = repo.batch();
        let oid = batch.blob("never").unwrap();
        drop(batch);
        assert!(!repo.has(oid).unwrap());
        let mut batch = repo.batch();
        batch.blob("cannot").unwrap();
        let folder = batch.blob("be written").unwrap().to_string()[..2].to_owned();
        // A file where a folder must be: even root cannot write there.
        fs::write(repo.common_dir().join("objects").join(folder), "").unwrap();
        assert!(matches!(batch.finish(), Err(Error::Io { .. })));
        assert_eq!(sandbox.git(&["count-objects", "-v"]).lines().next(), Some("count: 0"));
    }

    #[cfg(unix)]
    fn a_shared_repository_stays_shared() {
        use std::os::unix::fs::PermissionsExt;
        let sandbox = Sandbox::new();
        sandbox.git_in(sandbox.home(), &["init", "-q", "--shared=0660", "shared"]);
        let repo = sandbox.open_in(&sandbox.home().join("shared"));
        let name = commit_of(&repo, &[b"x".to_vec()]).0.to_string();
        let folder = repo.common_dir().join("objects").join(&name[..2]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o770);
        assert_eq!(mode(&folder.join(&name[2..])), 0o440);
    }
}
