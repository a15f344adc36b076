//! What is said of settings: what they are, who says so, and what cannot be set.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use git_opensession::git;
use git_opensession::git::ConfigScope;
use git_opensession::git::process::ProcessError;
use git_opensession::settings::committed::EditError;
use git_opensession::settings::{BadSetting, Key, Listed, NotAKey, Origin};
use git_opensession::view::{Look, Role, Safe};
use serde::Serialize;

use super::{Exit, Hint, chain};
use crate::context::Context;

/// Why a setting could not be read or changed.
#[derive(Debug)]
pub enum SettingFailure {
    /// No verb of `config`.
    NoVerb { words: Vec<String> },
    /// No setting of that name; `meant` is the command that was perhaps meant.
    NotAKey { error: NotAKey, meant: Option<Vec<String>> },
    /// A value that means nothing. `fix` is the key, and the option that says where, for a command that sets a good one.
    Bad { error: BadSetting, fix: Option<(String, Option<&'static str>)> },
    /// A setting that the committed file may not say.
    NotCommitted { key: String },
    /// A setting that is nothing.
    NotSet { key: String },
    /// A setting that is not set where it was to be taken away.
    NotThere { key: String, place: Place },
    /// The committed file.
    Edit(EditError),
    /// A repository without a work tree.
    NoWorkTree,
    /// There is no repository; `everywhere` is the command that needs none.
    NoRepository { error: git::Error, everywhere: Vec<String> },
    /// git cannot be run.
    Process(ProcessError),
    /// git did not change the user's own configuration.
    Global { said: String },
}

impl SettingFailure {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoVerb { .. }
            | Self::NotAKey { .. }
            | Self::Bad { error: BadSetting::Value { .. }, .. }
            | Self::NotCommitted { .. } => Exit::Usage,
            Self::Edit(EditError::Write { .. })
            | Self::Bad { .. }
            | Self::NoRepository { .. }
            | Self::Process(_)
            | Self::Global { .. } => Exit::Fatal,
            Self::NotSet { .. } | Self::NotThere { .. } | Self::NoWorkTree | Self::Edit(_) => Exit::No,
        }
    }

    /// What may help.
    pub fn hints(&self) -> Vec<Hint> {
        let all = || Hint::own(["config", "show"], "the settings there are, and who says what they are");
        match self {
            Self::NoVerb { words } => {
                let verb = if words.len() == 1 { "get" } else { "set" };
                let is_key = words.first().is_some_and(|word| Key::parse(word).is_ok());
                let meant = ["config", verb].map(str::to_owned).into_iter().chain(words.iter().cloned());
                let meant = is_key.then(|| Hint::own(meant, "as was perhaps meant"));
                meant.into_iter().chain([all()]).collect()
            }
            Self::NotAKey { meant, .. } => {
                let meant = meant.iter().map(|words| Hint::own(words.iter().cloned(), "if that was meant"));
                meant.chain([all()]).collect()
            }
            Self::Bad { error, fix } => {
                let name = match error {
                    BadSetting::Value { name, .. } => Some(*name),
                    BadSetting::Config(_) => None,
                };
                // A variable is not a key.
                let key = fix.as_ref().map(|(key, _)| key.as_str()).or(name).and_then(|key| Key::parse(key).ok());
                let place = fix.as_ref().and_then(|(_, place)| *place);
                key.iter().map(|key| Hint::own(good(key, place), "")).chain([all()]).collect()
            }
            Self::NotCommitted { key } => {
                vec![Hint::own(["config", "set", key, "..."], "in your own configuration, here"), all()]
            }
            Self::NotSet { key } => match Key::parse(key) {
                Ok(key) => vec![Hint::own(good(&key, None), "")],
                Err(_) => Vec::new(),
            },
            Self::NotThere { key, place } => place.unset(key).into_iter().chain([all()]).collect(),
            Self::NoRepository { everywhere, .. } => {
                vec![Hint::own(everywhere.iter().cloned(), "in your own configuration, for all repositories")]
            }
            Self::Edit(EditError::Syntax { .. } | EditError::Unusable { .. } | EditError::NoTable { .. }) => {
                vec![Hint::command(["git", "checkout", "--", ".opensession/config.toml"], "as it was committed")]
            }
            _ => Vec::new(),
        }
    }
}

/// A command that sets a key to a value that means something.
fn good(key: &Key, place: Option<&str>) -> Vec<String> {
    let value = match key {
        Key::Of(setting) => setting.default().unwrap_or("https://opensession.io"),
        Key::Consent(_) => "true",
    };
    let words = ["config", "set", &key.name(), value].map(str::to_owned);
    words.into_iter().chain(place.map(str::to_owned)).collect()
}

impl fmt::Display for SettingFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoVerb { words } => {
                let word = words.first().map(String::as_str).unwrap_or_default();
                write!(f, "config does not know {word:?}, but init, show, list, get, set and unset")
            }
            Self::NotAKey { error, .. } => error.fmt(f),
            Self::Bad { error, .. } => error.fmt(f),
            Self::NotCommitted { key } => {
                write!(f, "{key} counts only in git's configuration: it is not for a repository to decide")
            }
            Self::NotSet { key } => write!(f, "{key} is not set"),
            Self::NotThere { key, place: Place { origin: "default", .. } } => write!(f, "{key} is set nowhere"),
            Self::NotThere { key, place } => write!(f, "{key} is not set there, but here: {place}"),
            Self::Edit(error) => write!(f, "{}", chain(error)),
            Self::NoWorkTree => f.write_str("a bare repository has no work tree, and no file that is committed there"),
            Self::NoRepository { error, .. } => error.fmt(f),
            Self::Process(error) => error.fmt(f),
            Self::Global { said } => write!(f, "git did not change your configuration: {said}"),
        }
    }
}

/// Who says what a setting is.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    /// `environment`, `command`, a scope of git, `committed`, `default`.
    origin: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<&'static str>,
    /// The file, as a person would call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

impl Place {
    /// Of an origin.
    pub fn of(context: &Context, origin: &Origin) -> Self {
        let (name, variable, file) = match origin {
            Origin::Variable(variable) => ("environment", Some(*variable), None),
            Origin::Command => ("command", None, None),
            Origin::File { scope, path } => (scope_name(*scope), None, path.as_deref()),
            Origin::Committed(path) => ("committed", None, Some(path.as_path())),
            Origin::Default => ("default", None, None),
        };
        Self { origin: name, variable, file: file.map(|file| Self::path(context, file)) }
    }

    /// A path as a person would call it: from the work tree's root, or from the home folder.
    pub fn path(context: &Context, path: &Path) -> String {
        let root = context.repo().ok().and_then(|repo| repo.workdir().map(Path::to_path_buf));
        let below = |root: &Path| path.strip_prefix(root).ok().map(|below| below.display().to_string());
        if let Some(below) = root.as_deref().and_then(below) {
            return below;
        }
        match context.environment.home.as_deref().and_then(below) {
            Some(below) => format!("~/{below}"),
            None => path.display().to_string(),
        }
    }

    /// The command that takes a setting away there.
    fn unset(&self, key: &str) -> Option<Hint> {
        match self.origin {
            "local" => Some(Hint::own(["config", "unset", key], "")),
            "global" => Some(Hint::own(["config", "unset", key, "--global"], "")),
            "committed" => Some(Hint::own(["config", "unset", key, "--committed"], "")),
            "system" | "worktree" => {
                let scope = format!("--{}", self.origin);
                Some(Hint::command(["git", "config", &scope, "--unset-all", key], ""))
            }
            _ => None,
        }
    }
}

const fn scope_name(scope: ConfigScope) -> &'static str {
    match scope {
        ConfigScope::Committed => "committed",
        ConfigScope::System => "system",
        ConfigScope::Global => "global",
        ConfigScope::Local => "local",
        ConfigScope::Worktree => "worktree",
        ConfigScope::Command => "command",
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.origin, self.variable, &self.file) {
            (origin, Some(what), _) => write!(f, "{origin}: {what}"),
            (origin, None, Some(file)) => write!(f, "{origin}: {file}"),
            ("command", None, None) => f.write_str("command: git -c, or GIT_CONFIG_COUNT"),
            (origin, None, None) => f.write_str(origin),
        }
    }
}

/// A setting as it is said, for people and for programs.
#[derive(Serialize)]
pub struct Said<'a> {
    key: &'a str,
    value: Option<&'a str>,
    /// Who says so.
    #[serde(flatten)]
    pub place: Place,
    /// Whether it is this that counts.
    holds: bool,
    /// Whether there is such a setting.
    known: bool,
    /// What it must be, if the value means nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    must_be: Option<&'static str>,
}

impl<'a> Said<'a> {
    /// Of a setting.
    pub fn of(context: &Context, listed: &'a Listed) -> Self {
        Self {
            key: &listed.shown.key,
            value: listed.shown.value.as_deref(),
            place: Place::of(context, &listed.shown.origin),
            holds: listed.holds,
            known: listed.unknown.is_none(),
            must_be: listed.shown.wanted,
        }
    }

    fn origin(&self) -> String {
        let why = match (self.holds, self.known) {
            (true, _) => "",
            (false, true) => ", and something stronger says otherwise",
            (false, false) => ", and it is no setting",
        };
        format!("{}{why}", self.place)
    }
}

/// A line for each: key, value, who says so. In columns on a terminal, else with a tab between; with `z` each ends with
/// NUL.
pub fn write_list(out: &mut dyn Write, look: &Look, said: &[Said<'_>], z: bool) -> io::Result<()> {
    let cells: Vec<[String; 3]> = said
        .iter()
        .map(|said| [said.key, said.value.unwrap_or_default(), &said.origin()].map(|cell| Safe::line(cell).to_string()))
        .collect();
    if z || look.columns.is_none() {
        let end = if z { '\0' } else { '\n' };
        return cells.iter().try_for_each(|[key, value, origin]| write!(out, "{key}\t{value}\t{origin}{end}"));
    }
    let widest = |of: fn(&[String; 3]) -> &String| cells.iter().map(|cells| of(cells).chars().count()).max();
    let keys = widest(|[key, _, _]| key).unwrap_or_default();
    let values = widest(|[_, value, _]| value).unwrap_or_default().min(40);
    let (bold, dim) = (look.palette.style(Role::Id), look.palette.style(Role::Meta));
    cells.iter().try_for_each(|[key, value, origin]| {
        writeln!(out, "{bold}{key:<keys$}{bold:#}  {value:<values$}  {dim}{origin}{dim:#}")
    })
}
