//! `.opensession/config.toml`: settings that a team commits with its code.
//!
//! Whoever clones a repository has not written this file. So only a few keys of it count
//! ([`Setting::may_be_committed`]), only values that make nothing laxer, and whatever a person says comes before it. What
//! does not count is a [`Problem`], never an error: the rest of the file holds.

mod edit;

pub use edit::{EditError, set, unset};

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use toml_edit::{Document, Item, TableLike, Value};

use super::{BadSetting, Key, NotAKey, Setting};
use crate::git::Repo;

const FOLDER: &str = ".opensession";
const FILE: &str = "config.toml";
/// As large as such a file may be, in bytes.
const LARGEST: u64 = 64 << 10;
/// No setting is in more tables within tables.
const DEEPEST: usize = 4;

/// What the file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// The settings that count, each value in its one spelling.
    pub entries: Vec<(Setting, String)>,
    /// What does not count, in the order of the file.
    pub problems: Vec<Problem>,
}

/// Something in the file that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1; `None` if it is about the file as a whole.
    pub line: Option<usize>,
    /// What it is.
    pub kind: ProblemKind,
}

/// What can be wrong in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProblemKind {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// It, or its folder, is a link or something else that is no plain file.
    #[error("is no plain file in a plain folder")]
    NotAFile,
    /// It is far too large.
    #[error("is larger than {} KiB", LARGEST >> 10)]
    TooLarge,
    /// It is no TOML. Then nothing of it counts.
    #[error("{0}")]
    Syntax(String),
    /// No setting of that name.
    #[error("{key:?} is no setting{}", meant(nearest.as_ref()))]
    Unknown {
        /// The name, dots for tables.
        key: String,
        /// What may be meant, as this file would spell it.
        nearest: Option<String>,
    },
    /// A setting that this file may not say.
    #[error("{key:?} counts only in git's configuration")]
    NotHere {
        /// The name, dots for tables.
        key: String,
    },
    /// A setting whose value means nothing, or too much.
    #[error("{key:?} is {value:?}; it must be {wanted}")]
    BadValue {
        /// The name, dots for tables.
        key: String,
        /// The value.
        value: String,
        /// What it may be.
        wanted: &'static str,
    },
}

fn meant(nearest: Option<&String>) -> String {
    nearest.map_or_else(String::new, |nearest| format!("; is {nearest:?} meant?"))
}

/// Where the file of a repository is, whether it is there or not; `None` in a bare repository.
pub fn path(repo: &Repo) -> Option<PathBuf> {
    repo.workdir().map(|root| root.join(FOLDER).join(FILE))
}

/// Reads the file at [`path()`]; one that is not there says nothing.
pub fn read(path: &Path) -> Committed {
    match text(path) {
        Ok(Some(text)) => parse(&text),
        Ok(None) => Committed::default(),
        Err(kind) => Committed { problems: vec![Problem { line: None, kind }], ..Committed::default() },
    }
}

/// The text of the file. Links are not followed: what they lead to is not committed.
fn text(path: &Path) -> Result<Option<String>, ProblemKind> {
    let unreadable = |error: std::io::Error| ProblemKind::Unreadable(error.to_string());
    for (path, is_folder) in [(path.parent().unwrap_or(path), true), (path, false)] {
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() == is_folder && found.is_file() != is_folder => {}
            Ok(_) => return Err(ProblemKind::NotAFile),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        }
    }
    let mut bytes = Vec::new();
    fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(ProblemKind::TooLarge);
    }
    String::from_utf8(bytes).map(Some).map_err(|_| ProblemKind::Unreadable("it is not UTF-8".to_owned()))
}

/// What a text of the file says.
pub fn parse(text: &str) -> Committed {
    let mut committed = Committed::default();
    match Document::parse(text) {
        Ok(document) => Walk { text, committed: &mut committed }.table(document.as_table(), ""),
        Err(error) => {
            let line = error.span().map(|span| line_of(text, span.start));
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            committed.problems.push(Problem { line, kind: ProblemKind::Syntax(message) });
        }
    }
    committed.problems.sort_by_key(|problem| problem.line);
    committed
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

struct Walk<'a> {
    text: &'a str,
    committed: &'a mut Committed,
}

impl Walk<'_> {
    fn table(&mut self, table: &dyn TableLike, within: &str) {
        for (name, item) in table.iter() {
            let key = if within.is_empty() { name.to_owned() } else { format!("{within}.{name}") };
            match item.as_table_like() {
                Some(table) if key.split('.').count() < DEEPEST => self.table(table, &key),
                _ => {
                    let at = table.key(name).and_then(toml_edit::Key::span).map(|span| span.start);
                    let line = at.map(|at| line_of(self.text, at));
                    match entry(&key, item) {
                        Ok(entry) => self.committed.entries.push(entry),
                        Err(kind) => self.committed.problems.push(Problem { line, kind }),
                    }
                }
            }
        }
    }
}

/// A key and its value, if they count.
fn entry(key: &str, item: &Item) -> Result<(Setting, String), ProblemKind> {
    let setting = named(key)?;
    let bad = |value: String, wanted| ProblemKind::BadValue { key: key.to_owned(), value, wanted };
    let value = scalar(item).ok_or_else(|| bad(item.type_name().to_owned(), setting.wanted()))?;
    match setting.check_committed(&value) {
        Ok(value) => Ok((setting, value)),
        Err(BadSetting::Value { wanted, .. }) => Err(bad(without_credentials(&value), wanted)),
        Err(BadSetting::Config(_)) => Err(bad(value, setting.wanted())),
    }
}

/// The setting that a key of the file names.
fn named(key: &str) -> Result<Setting, ProblemKind> {
    let settings = Setting::ALL.into_iter();
    if let Some(setting) = settings.clone().find(|setting| setting.committed_name() == key) {
        let key = key.to_owned();
        return if setting.may_be_committed() { Ok(setting) } else { Err(ProblemKind::NotHere { key }) };
    }
    let of_key = |key: &str| settings.clone().find(|setting| setting.key() == key);
    match Key::parse(key) {
        Ok(Key::Consent(_)) => Err(ProblemKind::NotHere { key: key.to_owned() }),
        // Spelled as in git's configuration, or as a person would type it.
        Ok(Key::Of(setting)) => {
            Err(ProblemKind::Unknown { key: key.to_owned(), nearest: Some(setting.committed_name()) })
        }
        Err(NotAKey { nearest, .. }) => {
            let nearest = nearest.and_then(of_key).filter(|setting| setting.may_be_committed());
            let nearest = nearest.map(Setting::committed_name);
            Err(ProblemKind::Unknown { key: key.to_owned(), nearest })
        }
    }
}

fn scalar(item: &Item) -> Option<String> {
    match item.as_value()? {
        Value::String(text) => Some(text.value().clone()),
        Value::Boolean(yes) => Some(yes.value().to_string()),
        Value::Integer(number) => Some(number.value().to_string()),
        Value::Float(number) => Some(number.value().to_string()),
        _ => None,
    }
}

/// A value that can be shown: what looks like an address loses its credentials.
pub(super) fn without_credentials(value: &str) -> String {
    if value.contains("://") { crate::git::RemoteUrl::new(value).to_string() } else { value.to_owned() }
}
