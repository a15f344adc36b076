//! What a setting is, and who says so.

use std::path::PathBuf;

use super::committed::without_credentials;
use super::{BadSetting, Key, NotAKey, Setting};
use crate::git::{Config, ConfigEntry, ConfigScope, GitEnvironment};

/// Who says what a setting is, strongest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A variable of the environment.
    Variable(&'static str),
    /// `git -c`, or `GIT_CONFIG_COUNT`.
    Command,
    /// A file of git's configuration, or one that it includes; `path` is `None` where git has not said which.
    File {
        /// Whose file it is.
        scope: ConfigScope,
        /// The file.
        path: Option<PathBuf>,
    },
    /// The committed file.
    Committed(PathBuf),
    /// Nobody.
    Default,
}

/// A setting as it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its key in git's configuration.
    pub key: String,
    /// Its value as it was said, without credentials; `None` if it is nothing.
    pub value: Option<String>,
    /// Who says so.
    pub origin: Origin,
    /// What it must be, if the value means nothing.
    pub wanted: Option<&'static str>,
}

/// A setting as somebody says it, whether it holds or not.
#[derive(Debug)]
pub struct Listed {
    /// What is said.
    pub shown: Shown,
    /// Whether it is this one that holds.
    pub holds: bool,
    /// Set if no setting has that key.
    pub unknown: Option<NotAKey>,
}

/// What a setting is.
pub fn effective(config: &Config, environment: &GitEnvironment, key: &Key) -> Shown {
    if let Some(shown) = variable(environment, key) {
        return shown;
    }
    let name = key.name();
    match (config.last(&name), key) {
        (Some(entry), _) => of_entry(entry, Some(key)),
        (None, key) => {
            let value = match key {
                Key::Of(setting) => setting.default().map(str::to_owned),
                Key::Consent(_) => None,
            };
            Shown { key: name, value, origin: Origin::Default, wanted: None }
        }
    }
}

/// Everything that is said of `opensession.*`, sorted by key, the strongest last.
pub fn listed(config: &Config, environment: &GitEnvironment) -> Vec<Listed> {
    let of = |entry: &ConfigEntry| {
        let key = Key::parse(&entry.key);
        let shown = of_entry(entry, key.as_ref().ok());
        Listed { shown, holds: false, unknown: key.err() }
    };
    let mut all: Vec<Listed> = config.with_prefix("opensession.").map(of).collect();
    let variables = Setting::ALL.into_iter().filter_map(|setting| variable(environment, &Key::Of(setting)));
    all.extend(variables.map(|shown| Listed { shown, holds: false, unknown: None }));
    all.sort_by(|a, b| a.shown.key.cmp(&b.shown.key));
    let last: Vec<bool> = (0..all.len())
        .map(|at| {
            let key = |at: usize| all.get(at).map(|listed| &listed.shown.key);
            key(at) != key(at + 1)
        })
        .collect();
    for (listed, is_last) in all.iter_mut().zip(last) {
        listed.holds = is_last && listed.unknown.is_none();
    }
    all
}

/// What the environment says of a setting. An empty variable says nothing.
fn variable(environment: &GitEnvironment, key: &Key) -> Option<Shown> {
    let Key::Of(setting) = key else { return None };
    let variable = setting.variable()?;
    let value = environment.variable(variable)?.to_string_lossy().into_owned();
    let wanted = wanted(key, value.trim());
    Some(Shown { key: key.name(), value: Some(value), origin: Origin::Variable(variable), wanted })
}

fn of_entry(entry: &ConfigEntry, key: Option<&Key>) -> Shown {
    // A name without `=` is true, as in git.
    let value = entry.value.clone().unwrap_or_else(|| "true".to_owned());
    let path = entry.file.as_deref().map(PathBuf::from);
    let origin = match entry.scope {
        ConfigScope::Command => Origin::Command,
        ConfigScope::Committed => Origin::Committed(path.unwrap_or_default()),
        scope => Origin::File { scope, path },
    };
    let wanted = key.and_then(|key| wanted(key, &value));
    Shown { key: entry.key.clone(), value: Some(without_credentials(&value)), origin, wanted }
}

/// What a value must be, if it means nothing.
fn wanted(key: &Key, value: &str) -> Option<&'static str> {
    match key.check(value) {
        Err(BadSetting::Value { wanted, .. }) => Some(wanted),
        Ok(_) | Err(BadSetting::Config(_)) => None,
    }
}
