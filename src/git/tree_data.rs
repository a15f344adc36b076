//! The bytes of a tree object: entries `<octal mode> SP <name> NUL <raw id>`, sorted as if folders ended in `/`.

use super::{EntryKind, Error, Oid, Result};

/// One entry, borrowed from the bytes of its tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawEntry<'a> {
    pub name: &'a [u8],
    pub kind: EntryKind,
    id: &'a [u8],
    tree: Oid,
}

impl RawEntry<'_> {
    pub fn oid(&self) -> Result<Oid> {
        Oid::from_bytes(self.id).map_err(|_| damaged(self.tree, "an entry has the zero id"))
    }
}

impl EntryKind {
    fn mode(self) -> &'static str {
        match self {
            Self::Tree => "40000",
            Self::File => "100644",
            Self::Executable => "100755",
            Self::Link => "120000",
            Self::Submodule => "160000",
        }
    }

    /// By the type bits, as git reads the odd modes that old programs wrote (`100664`).
    fn from_mode(mode: u32) -> Option<Self> {
        match mode & 0o170_000 {
            0o040_000 => Some(Self::Tree),
            0o100_000 if mode & 0o100 != 0 => Some(Self::Executable),
            0o100_000 => Some(Self::File),
            0o120_000 => Some(Self::Link),
            0o160_000 => Some(Self::Submodule),
            _ => None,
        }
    }
}

/// The entries of the bytes of a tree, in their order.
pub(super) fn entries(content: &[u8], tree: Oid) -> impl Iterator<Item = Result<RawEntry<'_>>> {
    let mut rest = content;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let entry = first(rest, tree);
        rest = match &entry {
            Some((_, after)) => after,
            None => &[],
        };
        Some(entry.map(|(entry, _)| entry).ok_or_else(|| damaged(tree, "not a tree")))
    })
}

fn first(bytes: &[u8], tree: Oid) -> Option<(RawEntry<'_>, &[u8])> {
    let (mode, rest) = bytes.split_at_checked(bytes.iter().take(8).position(|byte| *byte == b' ')?)?;
    let rest = rest.get(1..)?;
    let (name, rest) = rest.split_at_checked(memchr::memchr(0, rest)?)?;
    let (id, rest) = rest.get(1..)?.split_at_checked(tree.as_bytes().len())?;
    let mode = u32::from_str_radix(std::str::from_utf8(mode).ok()?, 8).ok()?;
    // A name with a slash is read, as git reads it: nobody looks for one, and the others in the tree are good.
    Some((RawEntry { name, kind: EntryKind::from_mode(mode).filter(|_| !name.is_empty())?, id, tree }, rest))
}

/// The bytes of a tree with these entries, whatever their order.
pub(super) fn build<'a>(entries: impl Iterator<Item = (&'a [u8], EntryKind, Oid)>) -> Vec<u8> {
    let mut entries: Vec<_> = entries.collect();
    let sort_key =
        |name: &'a [u8], kind: EntryKind| name.iter().copied().chain((kind == EntryKind::Tree).then_some(b'/'));
    entries.sort_by(|one, two| sort_key(one.0, one.1).cmp(sort_key(two.0, two.1)));
    let mut out = Vec::with_capacity(entries.len() * 64);
    for (name, kind, oid) in entries {
        out.extend_from_slice(kind.mode().as_bytes());
        out.push(b' ');
        out.extend_from_slice(name);
        out.push(0);
        out.extend_from_slice(oid.as_bytes());
    }
    out
}

/// The parts of a path that is looked up: none of them empty.
pub(super) fn parts(path: &[u8]) -> Result<impl Iterator<Item = &[u8]>> {
    if path.split(|byte| *byte == b'/').any(<[u8]>::is_empty) {
        return Err(bad_path(path, "a part is empty"));
    }
    Ok(path.split(|byte| *byte == b'/'))
}

/// The parts of a path that is written: such as git checks out on every platform (`git fsck --strict`).
pub(super) fn writable_parts(path: &[u8]) -> Result<impl Iterator<Item = &[u8]>> {
    for part in parts(path)? {
        if let Some(reason) = refuse(part) {
            return Err(bad_path(path, reason));
        }
    }
    parts(path)
}

/// Whether this can be the name of an entry that is written.
pub(super) fn check_name(name: &[u8]) -> Result<()> {
    let reason = if name.is_empty() || name.contains(&b'/') { Some("it is not one part") } else { refuse(name) };
    reason.map_or(Ok(()), |reason| Err(bad_path(name, reason)))
}

fn refuse(part: &[u8]) -> Option<&'static str> {
    if matches!(part, b"." | b"..") {
        return Some("a part is . or ..");
    }
    if part.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
        return Some("a part holds a control character");
    }
    // `.git` under the names other file systems give it: any case, ignored characters in between (HFS+), dots and
    // blanks behind it and `git~1` (NTFS). Wider than need be; nothing here is called like that.
    let plain: Vec<u8> = part.iter().filter(|byte| byte.is_ascii()).map(u8::to_ascii_lowercase).collect();
    let stem = plain.split(|byte| matches!(byte, b':' | b' ' | b'\\')).next().unwrap_or_default();
    let stem =
        stem.iter().rposition(|byte| *byte != b'.').map_or(&[] as &[u8], |end| stem.get(..=end).unwrap_or_default());
    matches!(stem, b".git" | b"git~1").then_some("a part is .git to some file systems")
}

fn bad_path(path: &[u8], reason: &'static str) -> Error {
    Error::BadPath { path: String::from_utf8_lossy(path).into_owned(), reason }
}

fn damaged(tree: Oid, reason: &str) -> Error {
    Error::Damaged { oid: tree, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(byte: u8) -> Oid {
        Oid::from_bytes(&[byte; 20]).unwrap()
    }

    #[test]
    fn what_is_built_is_read_back_in_gits_order() {
        let given = [
            (b"a".as_slice(), EntryKind::Tree, oid(1)),
            (b"a.txt", EntryKind::File, oid(2)),
            (b"a0", EntryKind::Executable, oid(3)),
            (b"\xff", EntryKind::Link, oid(4)),
            (b"A", EntryKind::Submodule, oid(5)),
        ];
        let bytes = build(given.into_iter());
        let names: Vec<_> = entries(&bytes, oid(9)).map(|entry| entry.unwrap().name.to_vec()).collect();
        // The folder `a` sorts as `a/`: after `a.txt` and before `a0`.
        assert_eq!(names, [b"A".to_vec(), b"a.txt".to_vec(), b"a".to_vec(), b"a0".to_vec(), b"\xff".to_vec()]);
        for entry in entries(&bytes, oid(9)).map(Result::unwrap) {
            assert!(given.contains(&(entry.name, entry.kind, entry.oid().unwrap())));
        }
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        let good = build([(b"name".as_slice(), EntryKind::File, oid(7))].into_iter());
        for cut in 1..good.len() {
            assert!(entries(&good[..cut], oid(9)).any(|entry| entry.is_err()), "{cut}");
        }
        let mut zero = good.clone();
        let at = zero.len() - 20;
        zero[at..].fill(0);
        assert!(entries(&zero, oid(9)).next().unwrap().unwrap().oid().is_err());
        for bad in [b"100644 \0aaaaaaaaaaaaaaaaaaaa".as_slice(), b"9 a\0aaaaaaaaaaaaaaaaaaaa"] {
            assert!(entries(bad, oid(9)).next().unwrap().is_err(), "{bad:?}");
        }
        assert_eq!(entries(b"100644 a/b\0aaaaaaaaaaaaaaaaaaaa", oid(9)).next().unwrap().unwrap().name, b"a/b");
    }

    #[test]
    fn no_path_can_be_written_that_git_would_refuse() {
        for bad in [
            "",
            "/a",
            "a/",
            "a//b",
            ".",
            "a/../b",
            ".git/x",
            "a/.GIT",
            ".git. ",
            "git~1",
            ".g\u{200c}it",
            "a\nb",
            ".git::$INDEX_ALLOCATION",
        ] {
            assert!(writable_parts(bad.as_bytes()).is_err(), "{bad:?}");
        }
        for good in ["a", "a/b/c.json", ".gitx", "..a", "-x", "a\\b", "gitx~1"] {
            assert!(writable_parts(good.as_bytes()).is_ok(), "{good:?}");
        }
    }
}
