//! Refs in files, by gitrepository-layout(5): one file a ref, which beats its line in `packed-refs`.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::path;
use crate::git::{Error, Oid, RefName, RefValue, Result};

/// Symbolic refs that name symbolic refs, as far as git follows them.
const MOST_LINKS: usize = 5;
/// A file that begins so names another ref.
const SYMBOLIC: &[u8] = b"ref:";

/// The files of a repository's refs.
pub(super) struct Files {
    git_dir: PathBuf,
    common_dir: PathBuf,
}

/// What a ref holds.
enum Value {
    Direct(Oid),
    Symbolic(RefName),
}

impl Files {
    pub fn new(git_dir: &Path, common_dir: &Path) -> Self {
        Self { git_dir: git_dir.to_path_buf(), common_dir: common_dir.to_path_buf() }
    }

    pub fn value(&self, name: &RefName) -> Result<Option<Oid>> {
        let mut name = name.clone();
        for _ in 0..=MOST_LINKS {
            match self.read(&name)? {
                None => return Ok(None),
                Some(Value::Direct(oid)) => return Ok(Some(oid)),
                Some(Value::Symbolic(target)) => name = target,
            }
        }
        Err(broken(&name, "it leads in a circle"))
    }

    pub fn symbolic_target(&self, name: &RefName) -> Result<Option<RefName>> {
        Ok(match self.read(name)? {
            Some(Value::Symbolic(target)) => Some(target),
            Some(Value::Direct(_)) | None => None,
        })
    }

    pub fn list(&self, prefix: &str) -> Result<Vec<RefValue>> {
        let packed = self.packed()?;
        let packed = packed.split(|byte| *byte == b'\n').filter_map(packed_ref);
        let mut found: BTreeMap<RefName, Option<Oid>> = packed.map(|(name, oid)| (name, Some(oid))).collect();
        found.retain(|name, _| name.as_bytes().starts_with(prefix.as_bytes()));
        let folder = prefix.rfind('/').and_then(|end| prefix.get(..end)).unwrap_or("refs");
        let mut loose = Vec::new();
        loose_refs(&self.common_dir.join(folder), folder.as_bytes(), &mut loose)?;
        for name in loose.into_iter().filter(|name| name.as_bytes().starts_with(prefix.as_bytes())) {
            // One that leads nowhere, or does not parse, hides the packed one all the same.
            let oid = self.value(&name).ok().flatten();
            found.insert(name, oid);
        }
        Ok(found.into_iter().filter_map(|(name, oid)| Some(RefValue { name, oid: oid? })).collect())
    }

    fn read(&self, name: &RefName) -> Result<Option<Value>> {
        let file = self.file_of(name);
        match fs::read(&file) {
            Ok(content) => parse(&content).map(Some).ok_or_else(|| broken(name, "its file does not parse")),
            Err(error) if is_none(&error) => {
                let packed = self.packed()?;
                // The name is looked for before any line is taken apart: there may be a hundred thousand of them.
                let found = memchr::memmem::find_iter(&packed, name.as_bytes()).find_map(|at| {
                    let start = packed.get(..at)?.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
                    let line = packed.get(start..)?.split(|byte| *byte == b'\n').next()?;
                    packed_ref(line).filter(|(found, _)| found == name)
                });
                Ok(found.map(|(_, oid)| Value::Direct(oid)))
            }
            Err(error) => Err(Error::io("read", &file)(error)),
        }
    }

    /// The worktree has a `HEAD` of its own, and few other refs.
    fn file_of(&self, name: &RefName) -> PathBuf {
        let name = name.as_bytes();
        let own = [b"refs/bisect/".as_slice(), b"refs/worktree/", b"refs/rewritten/"];
        let shared = name.starts_with(b"refs/") && !own.iter().any(|prefix| name.starts_with(prefix));
        let folder = if shared { &self.common_dir } else { &self.git_dir };
        folder.join(path(name))
    }

    fn packed(&self) -> Result<Vec<u8>> {
        let file = self.common_dir.join("packed-refs");
        match fs::read(&file) {
            Ok(bytes) => Ok(bytes),
            Err(error) if is_none(&error) => Ok(Vec::new()),
            Err(error) => Err(Error::io("read", &file)(error)),
        }
    }
}

/// The names of the files below a folder.
fn loose_refs(folder: &Path, name: &[u8], found: &mut Vec<RefName>) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_none(&error) => return Ok(()),
        Err(error) => return Err(Error::io("list", folder)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(Error::io("list", folder))?;
        let name = [name, b"/", entry.file_name().as_encoded_bytes()].concat();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            loose_refs(&entry.path(), &name, found)?;
        } else {
            // A lock file is no ref, by its name.
            found.extend(RefName::new(name).ok());
        }
    }
    Ok(())
}

/// The content of a ref's file.
fn parse(content: &[u8]) -> Option<Value> {
    if let Some(target) = content.strip_prefix(SYMBOLIC) {
        return Some(Value::Symbolic(RefName::new(target.trim_ascii()).ok()?));
    }
    let end = content.iter().position(u8::is_ascii_whitespace).unwrap_or(content.len());
    Some(Value::Direct(std::str::from_utf8(content.get(..end)?).ok()?.parse().ok()?))
}

/// `<id> <name>`; other lines say something of the file, or peel the tag above.
fn packed_ref(line: &[u8]) -> Option<(RefName, Oid)> {
    let (oid, name) = line.split_at_checked(line.iter().position(|byte| *byte == b' ')?)?;
    Some((RefName::new(name.get(1..)?).ok()?, std::str::from_utf8(oid).ok()?.parse().ok()?))
}

fn is_none(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory)
}

fn broken(name: &RefName, reason: &str) -> Error {
    Error::Git { doing: "read", subject: name.to_string(), reason: reason.to_owned() }
}
