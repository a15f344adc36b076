//! Reading all of git's configuration: which files, in which order, with which includes, and what the
//! environment adds. By git-config(1), "FILES", "ENVIRONMENT", "INCLUDES".

use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::ConfigLevel;

use super::file::ConfigFile;
use super::glob::Glob;
use super::{Config, ConfigEntry, ConfigScope, bad_line, canonical, parse_bool, read_file};
use crate::git::{BranchName, Error, GitEnvironment, Repo, Result};

/// As many includes within includes as git follows.
const MAX_DEPTH: usize = 10;

/// Reads the configuration of a repository, or (without one) what holds everywhere.
pub(in crate::git) struct Reader<'a> {
    environment: &'a GitEnvironment,
    repo: Option<Place>,
    /// For `hasconfig:remote.*.url`: known in the second pass only.
    remote_urls: Option<Vec<String>>,
    wants_remote_urls: bool,
    entries: Vec<ConfigEntry>,
}

/// What conditions ask of a repository.
struct Place {
    git_dir: PathBuf,
    common_dir: PathBuf,
    branch: Option<BranchName>,
}

impl<'a> Reader<'a> {
    pub fn new(environment: &'a GitEnvironment, repo: Option<&Repo>) -> Self {
        let repo = repo.map(|repo| Place {
            git_dir: repo.git_dir().to_path_buf(),
            common_dir: repo.common_dir().to_path_buf(),
            branch: repo.head_branch(),
        });
        Self { environment, repo, remote_urls: None, wants_remote_urls: false, entries: Vec::new() }
    }

    pub fn read(mut self) -> Result<Config> {
        self.pass()?;
        if self.wants_remote_urls {
            let urls = self.entries.iter().filter(|entry| is_remote_url(&entry.key));
            self.remote_urls = Some(urls.filter_map(|entry| entry.value.clone()).collect());
            self.entries.clear();
            self.pass()?;
        }
        Ok(Config { entries: self.entries })
    }

    fn pass(&mut self) -> Result<()> {
        for (path, level) in shared_files(self.environment) {
            let system = level == ConfigLevel::System;
            self.shared_file(&path, if system { ConfigScope::System } else { ConfigScope::Global })?;
        }
        if let Some(Place { git_dir, common_dir, .. }) = &self.repo {
            let (local, worktree) = (common_dir.join("config"), git_dir.join("config.worktree"));
            self.file(&local, ConfigScope::Local, 0)?;
            let extension = self
                .entries
                .iter()
                .rfind(|entry| entry.scope == ConfigScope::Local && entry.key == "extensions.worktreeconfig");
            if extension.is_some_and(|entry| entry.value.as_deref().is_none_or(|it| parse_bool(it) == Some(true))) {
                self.file(&worktree, ConfigScope::Worktree, 0)?;
            }
        }
        self.counted_variables()?;
        self.parameters()
    }

    /// A file outside of the repository; one that may not be read is no reason to fail, as in git.
    fn shared_file(&mut self, path: &Path, scope: ConfigScope) -> Result<()> {
        match self.file(path, scope, 0) {
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::PermissionDenied => Ok(()),
            other => other,
        }
    }

    fn file(&mut self, path: &Path, scope: ConfigScope, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::Config {
                subject: path.display().to_string(),
                reason: "included too deeply".to_owned(),
            });
        }
        let Some(bytes) = read_file(path)? else { return Ok(()) };
        let file = ConfigFile::parse(bytes).map_err(|line| bad_line(path, &line))?;
        let place: Arc<Path> = path.into();
        for entry in file.entries() {
            let (key, value, file) = (entry.key.clone(), entry.value.clone(), Some(Arc::clone(&place)));
            self.entry(ConfigEntry { scope, key, value, file }, Some(path), depth)?;
        }
        Ok(())
    }

    /// An entry, and the file it includes if it is an include.
    fn entry(&mut self, entry: ConfigEntry, within: Option<&Path>, depth: usize) -> Result<()> {
        let included = entry.value.as_deref().filter(|_| self.includes(&entry.key, within));
        let scope = entry.scope;
        let path = included.and_then(|path| {
            let path = self.expand(path, false)?;
            // Only a file has a folder that a relative path can be in.
            if path.is_absolute() { Some(path) } else { Some(within?.parent()?.join(path)) }
        });
        self.entries.push(entry);
        path.map_or(Ok(()), |path| self.file(&path, scope, depth + 1))
    }

    fn includes(&mut self, key: &str, within: Option<&Path>) -> bool {
        if key == "include.path" {
            return true;
        }
        let Some(condition) = key.strip_prefix("includeif.").and_then(|rest| rest.strip_suffix(".path")) else {
            return false;
        };
        match condition.split_once(':') {
            Some(("gitdir", pattern)) => self.in_git_dir(pattern, within, false),
            Some(("gitdir/i", pattern)) => self.in_git_dir(pattern, within, true),
            Some(("onbranch", pattern)) => self.on_branch(pattern),
            Some(("hasconfig", rest)) => rest.strip_prefix("remote.*.url:").is_some_and(|it| self.has_remote(it)),
            _ => false,
        }
    }

    fn in_git_dir(&self, pattern: &str, within: Option<&Path>, ignore_case: bool) -> bool {
        let Some(git_dir) = self.repo.as_ref().map(|place| &place.git_dir) else { return false };
        let pattern = if let Some(below) = pattern.strip_prefix("./") {
            let Some(folder) = within.and_then(|file| file.canonicalize().ok()?.parent().map(Path::to_path_buf)) else {
                return false;
            };
            format!("{}/{below}", Glob::escape(&folder.to_string_lossy()))
        } else {
            match self.expand(pattern, true) {
                Some(path) if path.is_absolute() => path.to_string_lossy().into_owned(),
                Some(path) => format!("**/{}", path.to_string_lossy()),
                None => return false,
            }
        };
        let glob = Glob::path(&folder_pattern(&pattern), ignore_case);
        let real = git_dir.canonicalize().unwrap_or_else(|_| git_dir.clone());
        glob.matches(&real.to_string_lossy()) || glob.matches(git_dir.to_string_lossy().trim_end_matches('/'))
    }

    fn on_branch(&self, pattern: &str) -> bool {
        let branch = self.repo.as_ref().and_then(|place| place.branch.as_ref());
        branch.is_some_and(|branch| Glob::path(&folder_pattern(pattern), false).matches(&branch.to_string()))
    }

    fn has_remote(&mut self, pattern: &str) -> bool {
        self.wants_remote_urls = true;
        let glob = Glob::path(&folder_pattern(pattern), false);
        self.remote_urls.iter().flatten().any(|url| glob.matches(url))
    }

    /// `~/` is the home folder; another user's home is not looked up.
    fn expand(&self, path: &str, real: bool) -> Option<PathBuf> {
        let Some(rest) = path.strip_prefix('~') else { return Some(PathBuf::from(path)) };
        let below = if rest.is_empty() { rest } else { rest.strip_prefix('/')? };
        let home = self.environment.home.as_deref()?;
        let home = if real { home.canonicalize().unwrap_or_else(|_| home.to_path_buf()) } else { home.to_path_buf() };
        // Joined as text: a slash at the end of a pattern means something.
        Some(PathBuf::from(format!("{}/{below}", home.display())))
    }

    /// `GIT_CONFIG_COUNT`, `GIT_CONFIG_KEY_<n>`, `GIT_CONFIG_VALUE_<n>`.
    fn counted_variables(&mut self) -> Result<()> {
        let Some(count) = self.environment.variable("GIT_CONFIG_COUNT") else { return Ok(()) };
        let bad = |subject: String, reason: &str| Error::Config { subject, reason: reason.to_owned() };
        let count: u32 = count
            .to_str()
            .and_then(|count| count.parse().ok())
            .ok_or_else(|| bad("GIT_CONFIG_COUNT".to_owned(), "not a number"))?;
        for number in 0..count {
            let variable = |kind: &str| {
                let name = format!("GIT_CONFIG_{kind}_{number}");
                let value = self.environment.set(&name).map(|value| value.to_string_lossy().into_owned());
                value.ok_or_else(|| bad(name, "missing"))
            };
            let (key, value) = (variable("KEY")?, variable("VALUE")?);
            self.command(&key, Some(value))?;
        }
        Ok(())
    }

    /// `GIT_CONFIG_PARAMETERS`: what `git -c name=value` hands to everything it runs.
    fn parameters(&mut self) -> Result<()> {
        let Some(text) = self.environment.variable("GIT_CONFIG_PARAMETERS") else { return Ok(()) };
        let text = text.to_string_lossy();
        let parsed = parse_parameters(&text).ok_or_else(|| Error::Config {
            subject: "GIT_CONFIG_PARAMETERS".to_owned(),
            reason: "not quoted as git quotes it".to_owned(),
        })?;
        parsed.into_iter().try_for_each(|(key, value)| self.command(&key, value))
    }

    fn command(&mut self, key: &str, value: Option<String>) -> Result<()> {
        self.entry(ConfigEntry { scope: ConfigScope::Command, key: canonical(key), value, file: None }, None, 0)
    }
}

/// The files outside of any repository, weakest first, by what libgit2 calls them. They need not exist.
pub(in crate::git) fn shared_files(environment: &GitEnvironment) -> Vec<(PathBuf, ConfigLevel)> {
    let mut files = Vec::new();
    if !environment.flag("GIT_CONFIG_NOSYSTEM") {
        let path = environment.set("GIT_CONFIG_SYSTEM").map_or(Path::new("/etc/gitconfig"), Path::new);
        files.push((path.to_path_buf(), ConfigLevel::System));
    }
    if let Some(path) = environment.set("GIT_CONFIG_GLOBAL") {
        files.push((PathBuf::from(path), ConfigLevel::Global));
        return files;
    }
    let home = environment.home.as_deref();
    let xdg = match environment.variable("XDG_CONFIG_HOME") {
        Some(folder) => Some(Path::new(folder).join("git/config")),
        None => home.map(|home| home.join(".config/git/config")),
    };
    files.extend(xdg.map(|path| (path, ConfigLevel::XDG)));
    files.extend(home.map(|home| (home.join(".gitconfig"), ConfigLevel::Global)));
    files
}

fn is_remote_url(key: &str) -> bool {
    key.strip_prefix("remote.").and_then(|rest| rest.strip_suffix(".url")).is_some_and(|name| !name.is_empty())
}

/// A pattern that ends in `/` means everything below.
fn folder_pattern(pattern: &str) -> String {
    if pattern.ends_with('/') { format!("{pattern}**") } else { pattern.to_owned() }
}

/// `'key'='value' 'key'= 'key=value'`, each part quoted for a shell, as git's `config.c` reads it.
fn parse_parameters(text: &str) -> Option<Vec<(String, Option<String>)>> {
    let mut parsed = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = unquote(rest)?;
        rest = match after.strip_prefix('=') {
            Some(after) if after.starts_with('\'') => {
                let (value, after) = unquote(after)?;
                parsed.push((key, Some(value)));
                after
            }
            Some(after) => {
                parsed.push((key, None));
                after
            }
            None => {
                let pair = key.split_once('=').map(|(key, value)| (key.to_owned(), Some(value.to_owned())));
                parsed.push(pair.unwrap_or((key, None)));
                after
            }
        };
        let trimmed = rest.trim_start();
        if trimmed.len() == rest.len() && !rest.is_empty() {
            return None;
        }
        rest = trimmed;
    }
    Some(parsed)
}

/// The text of a `'...'` (with `'\''` and `'\!'` in it) and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut rest = text.strip_prefix('\'')?;
    loop {
        let (part, after) = rest.split_once('\'')?;
        out.push_str(part);
        match after.strip_prefix("\\'").map(|it| (it, '\'')).or_else(|| after.strip_prefix("\\!").map(|it| (it, '!'))) {
            Some((next, escaped)) if next.starts_with('\'') => {
                out.push(escaped);
                rest = next.get(1..)?;
            }
            _ => return Some((out, after)),
        }
    }
}
