//! A pack and its index, written at once: formats of gitformat-pack(5), version 2 of both, no deltas.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::batch::{Deflater, PendingObject, make_folder, sync_folder, temporary_file};
use super::names::hex;
use super::object_format::{Checksum, ObjectFormat};
use super::{Error, ObjectKind, Oid, Result};

/// Where an object lies in the pack.
struct Place {
    oid: Oid,
    offset: u32,
    crc: u32,
}

/// Writes the objects as a pack and gives its size in bytes. Pack, index and their names are durable then; git sees the
/// pack only once its index has its name, which comes last.
pub(super) fn write_pack(objects: &Path, format: ObjectFormat, new: &[PendingObject]) -> Result<u64> {
    let folder = objects.join("pack");
    make_folder(&folder, objects)?;
    let mut pack = Hashing::new(file_in(&folder, "tmp_pack_")?, &folder, format);
    let places = put_objects(&mut pack, new)?;
    let size = pack.size;
    let (pack, checksum) = pack.finish()?;
    let index = write_index(&folder, format, places, &checksum)?;
    let name = hex(&checksum);
    for (file, extension) in [(durable(pack)?, "pack"), (durable(index)?, "idx")] {
        let path = folder.join(format!("pack-{name}.{extension}"));
        file.persist(&path).map_err(|failed| Error::io("write", &path)(failed.error))?;
    }
    sync_folder(&folder)?;
    Ok(size)
}

/// The bytes of a pack with these objects, for git to unpack.
pub(super) fn pack_of(format: ObjectFormat, objects: &[PendingObject]) -> Result<Vec<u8>> {
    let mut pack = Hashing::new(Vec::new(), Path::new("a pack"), format);
    put_objects(&mut pack, objects)?;
    Ok(pack.finish()?.0)
}

fn put_objects(pack: &mut Hashing<impl Write>, new: &[PendingObject]) -> Result<Vec<Place>> {
    let count = u32::try_from(new.len()).map_err(|_| too_large(&pack.path))?;
    pack.put(&[b"PACK".as_slice(), &2u32.to_be_bytes(), &count.to_be_bytes()].concat())?;
    let mut places = Vec::with_capacity(new.len());
    let mut deflater = Deflater::new();
    for object in new {
        // 31 bits: larger offsets need another table, and no batch is that large before its last object.
        let offset = u32::try_from(pack.size).ok().filter(|offset| *offset < 1 << 31);
        let offset = offset.ok_or_else(|| too_large(&pack.path))?;
        let header = object_header(object.kind, object.content.len());
        let content = deflater.deflate(b"", &object.content).map_err(Error::io("compress", &pack.path))?;
        let mut crc = flate2::Crc::new();
        crc.update(&header);
        crc.update(&content);
        pack.put(&header)?;
        pack.put(&content)?;
        places.push(Place { oid: object.oid, offset, crc: crc.sum() });
    }
    Ok(places)
}

fn write_index(folder: &Path, format: ObjectFormat, mut places: Vec<Place>, pack_checksum: &[u8]) -> Result<File> {
    places.sort_by_key(|place| place.oid);
    let mut index = Hashing::new(file_in(folder, "tmp_idx_")?, folder, format);
    index.put(b"\xfftOc\0\0\0\x02")?;
    for first in 0..=255 {
        let up_to = places.partition_point(|place| place.oid.as_bytes().first().is_some_and(|byte| *byte <= first));
        index.put(&u32::try_from(up_to).map_err(|_| too_large(folder))?.to_be_bytes())?;
    }
    places.iter().try_for_each(|place| index.put(place.oid.as_bytes()))?;
    places.iter().try_for_each(|place| index.put(&place.crc.to_be_bytes()))?;
    places.iter().try_for_each(|place| index.put(&place.offset.to_be_bytes()))?;
    index.put(pack_checksum)?;
    Ok(index.finish()?.0)
}

/// Type and size: three bits and four, then seven a byte while the highest bit is set.
fn object_header(kind: ObjectKind, size: usize) -> Vec<u8> {
    let kind = match kind {
        ObjectKind::Commit => 1,
        ObjectKind::Tree => 2,
        ObjectKind::Blob => 3,
        ObjectKind::Tag => 4,
    };
    let low = |size: usize, bits: u32| u8::try_from(size & ((1 << bits) - 1)).unwrap_or_default();
    let mut header = vec![kind << 4 | low(size, 4)];
    let mut rest = size >> 4;
    while rest > 0 {
        if let Some(last) = header.last_mut() {
            *last |= 0x80;
        }
        header.push(low(rest, 7));
        rest >>= 7;
    }
    header
}

fn too_large(folder: &Path) -> Error {
    Error::io("write a pack in", folder)(std::io::ErrorKind::FileTooLarge.into())
}

/// A file on its way.
type File = BufWriter<NamedTempFile>;

fn file_in(folder: &Path, prefix: &str) -> Result<File> {
    Ok(BufWriter::with_capacity(1 << 17, temporary_file(folder, prefix)?))
}

fn durable(file: File) -> Result<NamedTempFile> {
    let path = file.get_ref().path().to_path_buf();
    let file = file.into_inner().map_err(|failed| Error::io("write", &path)(failed.into_error()))?;
    file.as_file().sync_all().map_err(Error::io("write", &path))?;
    Ok(file)
}

/// What ends in the checksum of what was written before.
struct Hashing<W> {
    out: W,
    /// For errors.
    path: PathBuf,
    hash: Checksum,
    size: u64,
}

impl<W: Write> Hashing<W> {
    fn new(out: W, path: &Path, format: ObjectFormat) -> Self {
        Self { out, path: path.to_path_buf(), hash: Checksum::new(format), size: 0 }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        self.out.write_all(bytes).map_err(Error::io("write in", &self.path))
    }

    /// What was written, with its checksum behind it, and the checksum.
    fn finish(mut self) -> Result<(W, Vec<u8>)> {
        let checksum = self.hash.value();
        self.put(&checksum)?;
        Ok((self.out, checksum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_git_reads_them() {
        assert_eq!(object_header(ObjectKind::Blob, 15), [0x3f]);
        assert_eq!(object_header(ObjectKind::Blob, 16), [0xb0, 0x01]);
        assert_eq!(object_header(ObjectKind::Commit, 0), [0x10]);
        assert_eq!(object_header(ObjectKind::Tree, 0x0fff), [0xaf, 0xff, 0x01]);
    }
}
