//! Changing one value of the committed file: everything else in it stays, comments included.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, TableLike, Value, value};

use super::{ProblemKind, Setting, line_of};

/// Why the file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It cannot be read, or is no file that can be changed.
    #[error("{}: {why}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: ProblemKind,
    },
    /// It is no TOML.
    #[error("{}, line {line}: {why}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        why: String,
    },
    /// There is a value where the table of the setting would have to be.
    #[error("{}: {key:?} is no table", path.display())]
    NoTable {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// It cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file, or its folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Sets a setting in the file at `path`, which is made if there is none, with its folder. Says whether that changed
/// anything. `to` is a value that [`Setting::check_committed`] has found good.
///
/// # Errors
/// When the file cannot be read, changed or written. Then it is as it was.
pub fn set(path: &Path, setting: Setting, to: &str) -> Result<bool, EditError> {
    edit(path, |document| {
        let name = setting.committed_name();
        let new = match to.parse::<bool>() {
            Ok(yes) => value(yes),
            Err(_) => value(to),
        };
        let (tables, last) = split(&name);
        let mut table: &mut dyn TableLike = document.as_table_mut();
        for name in tables {
            let item = table.entry(name).or_insert(toml_edit::table());
            table = item.as_table_like_mut().ok_or_else(|| name.to_owned())?;
        }
        match table.get_mut(last) {
            Some(Item::Value(old)) => replace(old, new),
            _ => drop(table.insert(last, new)),
        }
        Ok(())
    })
}

/// Takes a setting out of the file at `path`, and its table if that is empty then. Says whether it was there.
///
/// # Errors
/// As [`set`].
pub fn unset(path: &Path, setting: Setting) -> Result<bool, EditError> {
    edit(path, |document| {
        let name = setting.committed_name();
        match split(&name) {
            (tables, last) if tables.is_empty() => drop(document.remove(last)),
            (tables, last) => {
                let name = tables.join(".");
                let Some(table) = document.get_mut(&name).and_then(Item::as_table_like_mut) else { return Ok(()) };
                table.remove(last);
                if table.is_empty() {
                    document.remove(&name);
                }
            }
        }
        Ok(())
    })
}

/// The tables a setting is in, and its name there.
fn split(name: &str) -> (Vec<&str>, &str) {
    let mut parts: Vec<&str> = name.split('.').collect();
    let last = parts.pop().unwrap_or(name);
    (parts, last)
}

/// A value in the place of another, with the comments of that.
fn replace(old: &mut Value, new: Item) {
    if let Item::Value(mut new) = new {
        *new.decor_mut() = old.decor().clone();
        *old = new;
    }
}

/// The inner error is the key that is no table.
fn edit(path: &Path, change: impl FnOnce(&mut DocumentMut) -> Result<(), String>) -> Result<bool, EditError> {
    let unusable = |why| EditError::Unusable { path: path.to_path_buf(), why };
    let old = super::text(path).map_err(unusable)?;
    let text = old.as_deref().unwrap_or_default();
    let mut document = text.parse::<DocumentMut>().map_err(|error| EditError::Syntax {
        path: path.to_path_buf(),
        line: error.span().map_or(1, |span| line_of(text, span.start)),
        why: error.message().lines().collect::<Vec<_>>().join(", "),
    })?;
    change(&mut document).map_err(|key| EditError::NoTable { path: path.to_path_buf(), key })?;
    let new = document.to_string();
    if new == text {
        return Ok(false);
    }
    write(path, &new, old.is_some()).map_err(|source| EditError::Write { path: path.to_path_buf(), source })?;
    Ok(true)
}

/// Whole or not at all, with the permissions of the file that was there.
fn write(path: &Path, text: &str, is_there: bool) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    // A file like any other of the work tree: the umask decides who may read it.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(".config-").suffix(".toml").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if is_there {
        file.as_file().set_permissions(fs::metadata(path)?.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
