//! git's configuration, as git sees it, and the few keys of it that are ours to write.

mod file;
mod glob;
mod reader;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;

use self::file::BadLine;
pub(super) use self::file::ConfigFile;
pub(super) use self::reader::{Reader, shared_files};
use super::lock::lock_beside;
use super::{Error, GitEnvironment, Repo, Result};

/// Where a value was set, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConfigScope {
    /// No file of git's: one that is committed with the code ([`Config::with_committed`]).
    Committed,
    /// `/etc/gitconfig`, or `GIT_CONFIG_SYSTEM`.
    System,
    /// `~/.config/git/config` and `~/.gitconfig`, or `GIT_CONFIG_GLOBAL`.
    Global,
    /// `config` in the common git folder.
    Local,
    /// `config.worktree` in the worktree's git folder.
    Worktree,
    /// `git -c`, `GIT_CONFIG_COUNT`.
    Command,
}

/// One configured value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Where it was set.
    pub scope: ConfigScope,
    /// The key: section and name in lower case, subsection as written.
    pub key: String,
    /// The value; `None` for a name without `=`, which git reads as true.
    pub value: Option<String>,
    /// The file it is in, an included one too; `None` where it was not in a file, or where git has not said.
    pub file: Option<Arc<Path>>,
}

/// All of the configuration, read once, weakest entries first.
///
/// Read by [`Repo::config`] without any process. Includes and their conditions (`gitdir`, `onbranch`,
/// `hasconfig`) are followed, and what `GIT_CONFIG_*` say is honoured. One thing only the git program
/// knows: where its vendor put the system file (Apple, Homebrew). Where that matters, [`Config::from_listing`]
/// takes what git itself lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    entries: Vec<ConfigEntry>,
}

/// A key this project may write: `opensession.*` or `hook.opensession.*`. No other can be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnKey(String);

impl Config {
    #[cfg(test)]
    pub(super) fn of(entries: Vec<ConfigEntry>) -> Self {
        Self { entries }
    }

    /// What is configured outside of any repository: the system's and the user's files, and the environment.
    ///
    /// # Errors
    /// As [`Repo::config`].
    pub fn outside(environment: &GitEnvironment) -> Result<Self> {
        Reader::new(environment, None).read()
    }

    /// From the output of `git config --list -z --show-scope`.
    ///
    /// # Errors
    /// [`Error::Config`] if it is not such an output.
    pub fn from_listing(listing: &[u8]) -> Result<Self> {
        let mut entries = Vec::new();
        let mut fields = listing.split(|byte| *byte == 0);
        while let (Some(scope), Some(entry)) = (fields.next(), fields.next()) {
            let scope = match scope {
                b"system" => ConfigScope::System,
                b"global" => ConfigScope::Global,
                b"local" => ConfigScope::Local,
                b"worktree" => ConfigScope::Worktree,
                b"command" => ConfigScope::Command,
                other => {
                    let reason = format!("unknown scope {:?}", String::from_utf8_lossy(other));
                    return Err(Error::Config { subject: "git config --list".to_owned(), reason });
                }
            };
            let entry = String::from_utf8_lossy(entry);
            let (key, value) = entry.split_once('\n').map_or((&*entry, None), |(key, value)| (key, Some(value)));
            entries.push(ConfigEntry { scope, key: key.to_owned(), value: value.map(str::to_owned), file: None });
        }
        Ok(Self { entries })
    }

    /// The same, and below all that git knows the entries (key and value) of a file that is committed with the code.
    #[must_use]
    pub fn with_committed(mut self, file: &Path, entries: impl IntoIterator<Item = (String, String)>) -> Self {
        let file: Arc<Path> = file.into();
        let entry = |(key, value): (String, String)| ConfigEntry {
            scope: ConfigScope::Committed,
            key: canonical(&key),
            value: Some(value),
            file: Some(Arc::clone(&file)),
        };
        self.entries.splice(0..0, entries.into_iter().map(entry));
        self
    }

    /// The value of a key that counts: the last one. A name without `=` gives the empty string.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.last(key).map(|entry| entry.value.as_deref().unwrap_or_default())
    }

    /// The entry of a key that counts: the last one.
    pub fn last(&self, key: &str) -> Option<&ConfigEntry> {
        self.all(key).last()
    }

    /// All entries of a key, weakest first. Letter case counts only in the subsection.
    pub fn all<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a ConfigEntry> + use<'a> {
        let key = canonical(key);
        self.entries.iter().filter(move |entry| entry.key == key)
    }

    /// All entries whose key begins with `prefix` (canonical: `branch.`, `opensession.remote.`), weakest first.
    pub fn with_prefix<'a>(&'a self, prefix: &str) -> impl Iterator<Item = &'a ConfigEntry> + use<'a> {
        let prefix = prefix.to_owned();
        self.entries.iter().filter(move |entry| entry.key.starts_with(&prefix))
    }

    /// A boolean: `true`, `yes`, `on`, a number that is not 0, or the bare name; `false`, `no`, `off`, 0, or nothing after the `=`.
    ///
    /// # Errors
    /// [`Error::Config`] for any other value.
    pub fn get_bool(&self, key: &str) -> Result<Option<bool>> {
        let Some(entry) = self.last(key) else { return Ok(None) };
        let Some(value) = &entry.value else { return Ok(Some(true)) };
        parse_bool(value)
            .map(Some)
            .ok_or_else(|| Error::Config { subject: key.to_owned(), reason: format!("{value:?} is no boolean") })
    }

    /// An integer, with git's suffixes `k`, `m` and `g` (powers of 1024).
    ///
    /// # Errors
    /// [`Error::Config`] if it is none.
    pub fn get_int(&self, key: &str) -> Result<Option<i64>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        parse_int(value)
            .map(Some)
            .ok_or_else(|| Error::Config { subject: key.to_owned(), reason: format!("{value:?} is no number") })
    }
}

impl OwnKey {
    /// The key as one this project may write.
    ///
    /// # Errors
    /// [`Error::Config`] if it is not under `opensession.` or `hook.opensession.`, or not a key.
    pub fn new(key: &str) -> Result<Self> {
        let bad = |reason: &str| Error::Config { subject: key.to_owned(), reason: reason.to_owned() };
        let key = canonical(key);
        let (section, name) = key.rsplit_once('.').ok_or_else(|| bad("not a key"))?;
        if section != "opensession" && !section.starts_with("opensession.") && section != "hook.opensession" {
            return Err(bad("not a key of git-opensession, so it is never written"));
        }
        let name_is_good = name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !name_is_good || section.contains(['\n', '\0']) {
            return Err(bad("not a key"));
        }
        Ok(Self(key))
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Repo {
    /// The configuration as `git config --list` would show it here, what the environment says included.
    ///
    /// # Errors
    /// [`Error::Config`] naming the file and line, or the variable, that does not parse; [`Error::Io`].
    pub fn config(&self, environment: &GitEnvironment) -> Result<Config> {
        Reader::new(environment, Some(self)).read()
    }

    /// Sets a key of ours in the repository's own configuration; other values of it there are replaced.
    ///
    /// # Errors
    /// [`Error::Io`] if the file is locked or cannot be written, [`Error::Config`] if it does not parse.
    pub fn set_config(&self, key: &OwnKey, value: &str) -> Result<()> {
        let value = no_nul(key, value)?;
        self.edit_config(|file| file.set(&key.0, value)).map(drop)
    }

    /// Adds a value to a key of ours in the repository's own configuration.
    ///
    /// # Errors
    /// As [`Repo::set_config`].
    pub fn add_config(&self, key: &OwnKey, value: &str) -> Result<()> {
        let value = no_nul(key, value)?;
        self.edit_config(|file| file.add(&key.0, value)).map(drop)
    }

    /// Removes all values of a key of ours from the repository's own configuration, and its section if that is
    /// all it held: what [`Repo::set_config`] did to the file is undone byte for byte. Says whether there was a value.
    ///
    /// # Errors
    /// As [`Repo::set_config`].
    pub fn unset_config(&self, key: &OwnKey) -> Result<bool> {
        self.edit_config(|file| file.unset(&key.0))
    }

    /// Rewrites the repository's configuration under git's lock for it; says whether that changed anything.
    fn edit_config(&self, edit: impl FnOnce(&ConfigFile) -> Vec<u8>) -> Result<bool> {
        let path = self.common_dir().join("config");
        // A configuration that is a symbolic link stays one, as in git.
        let path = path.canonicalize().map_err(Error::io("read", &path))?;
        let lock_path = lock_beside(&path);
        let mut lock = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&lock_path)
            .map_err(Error::io("lock the configuration with", &lock_path))?;
        let written = (|| {
            let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
            let file = ConfigFile::parse(bytes.clone()).map_err(|line| bad_line(&path, &line))?;
            let edited = edit(&file);
            if edited == bytes {
                return Ok(false);
            }
            let permissions = fs::metadata(&path).map_err(Error::io("read", &path))?.permissions();
            lock.set_permissions(permissions).map_err(Error::io("write", &lock_path))?;
            lock.write_all(&edited).and_then(|()| lock.sync_all()).map_err(Error::io("write", &lock_path))?;
            fs::rename(&lock_path, &path).map_err(Error::io("write", &path))?;
            Ok(true)
        })();
        if !matches!(written, Ok(true)) {
            // The lock is ours; one that cannot be removed must not hide why nothing was written.
            let _ = fs::remove_file(&lock_path);
        }
        written
    }
}

fn bad_line(path: &Path, line: &BadLine) -> Error {
    Error::Config { subject: path.display().to_string(), reason: format!("line {} does not parse", line.0) }
}

fn no_nul<'a>(key: &OwnKey, value: &'a str) -> Result<&'a str> {
    if value.contains('\0') {
        return Err(Error::Config { subject: key.0.clone(), reason: "a value cannot hold a NUL".to_owned() });
    }
    Ok(value)
}

/// The bytes of a configuration file; `None` if there is none.
fn read_file(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

/// A key with its section and name in lower case.
fn canonical(key: &str) -> String {
    match (key.find('.'), key.rfind('.')) {
        (Some(first), Some(last)) => {
            let (head, name) = key.split_at(last);
            let (section, sub) = head.split_at(first.min(head.len()));
            [&section.to_ascii_lowercase(), sub, &name.to_ascii_lowercase()].concat()
        }
        _ => key.to_ascii_lowercase(),
    }
}

/// A boolean as git reads it; the empty string is false.
pub fn parse_bool(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" | "" => Some(false),
        other => parse_int(other).map(|number| number != 0),
    }
}

fn parse_int(value: &str) -> Option<i64> {
    let (digits, factor) = match value.trim().char_indices().next_back()? {
        (at, 'k' | 'K') => (value.trim().get(..at)?, 1 << 10),
        (at, 'm' | 'M') => (value.trim().get(..at)?, 1 << 20),
        (at, 'g' | 'G') => (value.trim().get(..at)?, 1 << 30),
        _ => (value.trim(), 1),
    };
    digits.parse::<i64>().ok()?.checked_mul(factor)
}
