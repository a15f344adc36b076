//! libgit2: quick, and without any process. It opens neither SHA-256 nor reftable repositories ([`Error::Unsupported`]),
//! and is never told to ignore that: it would write refs that git never sees.
//!
//! Nothing of its process-wide options is changed: owners are checked, and hashes are verified.

mod history;
mod objects;
mod refs;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, RepositoryOpenFlags as Flags};

use super::Opened;
use crate::git::config::{Reader, shared_files};
use crate::git::repo::local_value;
use crate::git::{ConfigScope, Error, GitEnvironment, Result};

/// A repository that libgit2 has opened.
pub(in crate::git) struct Libgit2 {
    git: git2::Repository,
}

/// Opens the repository that the folder `start` is in.
pub(in crate::git) fn open(start: &Path, environment: &GitEnvironment) -> Result<Opened> {
    let git_dir = environment.path("GIT_DIR", start);
    let git = if let Some(git_dir) = &git_dir {
        open_at(git_dir, Flags::NO_SEARCH | Flags::NO_DOTGIT, &[], environment)?
    } else {
        let mut flags = Flags::empty();
        flags.set(Flags::CROSS_FS, environment.flag("GIT_DISCOVERY_ACROSS_FILESYSTEM"));
        let ceilings = environment.variable("GIT_CEILING_DIRECTORIES").map(std::env::split_paths);
        let ceilings: Vec<_> = ceilings.into_iter().flatten().map(PathBuf::into_os_string).collect();
        open_at(start, flags, &ceilings, environment)?
    };
    let workdir = find_workdir(&git, start, git_dir.as_deref(), environment);
    add_alternates(&git, start, environment)?;
    take_config_of(&git, environment)?;
    let (git_dir, common_dir) = (git.path().to_path_buf(), git.commondir().to_path_buf());
    Ok(Opened { backend: Box::new(Libgit2 { git }), git_dir, common_dir, workdir })
}

fn find_workdir(
    git: &git2::Repository,
    start: &Path,
    git_dir: Option<&Path>,
    environment: &GitEnvironment,
) -> Option<PathBuf> {
    let found = if let Some(path) = environment.path("GIT_WORK_TREE", start) {
        path
    } else {
        let found = git.workdir()?;
        // With GIT_DIR alone, git takes the current folder for the root, unless the repository knows better.
        let configured = || local_value(git.commondir(), "core.worktree").is_some();
        let knows = git_dir.is_none() || git.is_worktree() || configured();
        let within = || start.canonicalize().is_ok_and(|start| start.starts_with(found));
        if knows || within() { found.to_path_buf() } else { start.to_path_buf() }
    };
    Some(found.canonicalize().unwrap_or(found))
}

/// Lets libgit2 read the files that `environment` names (`core.logAllRefUpdates`, who moves a ref), and not those of the
/// process' own home.
fn take_config_of(git: &git2::Repository, environment: &GitEnvironment) -> Result<()> {
    let mut config = git2::Config::new().map_err(Error::git("read", "the configuration"))?;
    for (path, level) in shared_files(environment) {
        // One that does not parse is for git to complain about, not for the few values that matter here.
        let _ = config.add_file(&path, level, false);
    }
    let path = git.commondir().join("config");
    let added = config.add_file(&path, git2::ConfigLevel::Local, false);
    added.and_then(|()| git.set_config(&config)).map_err(Error::git("read", path.display()))
}

fn add_alternates(git: &git2::Repository, start: &Path, environment: &GitEnvironment) -> Result<()> {
    let own = environment.path("GIT_OBJECT_DIRECTORY", start);
    let others = environment.variable("GIT_ALTERNATE_OBJECT_DIRECTORIES").map(std::env::split_paths);
    let others = others.into_iter().flatten().map(|path| start.join(path));
    for path in own.into_iter().chain(others).filter(|path| path.is_dir()) {
        let text = path.to_string_lossy();
        git.odb().and_then(|odb| odb.add_disk_alternate(&text)).map_err(Error::git("read objects from", &text))?;
    }
    Ok(())
}

fn open_at(path: &Path, flags: Flags, ceilings: &[OsString], environment: &GitEnvironment) -> Result<git2::Repository> {
    git2::Repository::open_ext(path, flags, ceilings).or_else(|error| {
        if error.code() == ErrorCode::Owner {
            return open_not_owned(path, environment);
        }
        Err(cannot_open(path, error))
    })
}

fn cannot_open(path: &Path, error: git2::Error) -> Error {
    match error.code() {
        ErrorCode::NotFound => Error::NotARepository { path: path.to_path_buf() },
        _ => {
            unsupported(error.message()).unwrap_or_else(|| Error::git("open the repository at", path.display())(error))
        }
    }
}

/// A repository of somebody else. libgit2 reads `safe.directory` from the user's and the system's file alone; git also
/// takes it from the environment and `-c`, and allows `<folder>/*`. What git would allow is opened without the check.
fn open_not_owned(start: &Path, environment: &GitEnvironment) -> Result<git2::Repository> {
    let git_dir = git2::Repository::discover_path(start, &[] as &[OsString]).map_err(|_| {
        // Discovery does not check owners, so this is not about them.
        Error::NotARepository { path: start.to_path_buf() }
    })?;
    let root = match git_dir.parent().filter(|_| git_dir.ends_with(".git")) {
        Some(root) => root.to_path_buf(),
        None => git_dir.clone(),
    };
    let root = root.canonicalize().unwrap_or(root);
    if !is_safe(&root, environment)? {
        return Err(Error::NotOwned { path: root });
    }
    let git = git2::Repository::open_bare(&git_dir).map_err(|error| cannot_open(&git_dir, error))?;
    if git_dir.ends_with(".git") {
        git.set_workdir(&root, false).map_err(Error::git("open the repository at", root.display()))?;
    }
    Ok(git)
}

/// git's rule for `safe.directory`: only from the system, the user and the command line; an empty value forgets those before.
fn is_safe(root: &Path, environment: &GitEnvironment) -> Result<bool> {
    let config = Reader::new(environment, None).read()?;
    let mut safe = false;
    for entry in config.all("safe.directory").filter(|entry| entry.scope != ConfigScope::Local) {
        let value = entry.value.as_deref().unwrap_or_default();
        let value = match (value.strip_prefix("~/"), &environment.home) {
            (Some(below), Some(home)) => format!("{}/{below}", home.display()),
            _ => value.to_owned(),
        };
        safe = match value.strip_suffix("/*") {
            _ if value.is_empty() => false,
            _ if value == "*" => true,
            Some(folder) => {
                safe || root.parent().is_some_and(|_| root.starts_with(folder) && root != Path::new(folder))
            }
            None => safe || Path::new(&value).canonicalize().is_ok_and(|path| path == root),
        };
    }
    Ok(safe)
}

/// What kind of repository libgit2 cannot open, by its words for it.
fn unsupported(message: &str) -> Option<Error> {
    let extension = message.strip_prefix("unsupported extension name extensions.");
    let what = match extension {
        Some(extension) => format!("extensions.{extension}"),
        None if message.contains("object format") => "extensions.objectformat".to_owned(),
        None => return None,
    };
    Some(Error::Unsupported { what, advice: "use a repository without it" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::Sandbox;

    #[test]
    fn safe_directory_follows_gits_rules() {
        let sandbox = Sandbox::bare_home();
        let root = sandbox.home().canonicalize().unwrap().join("work/x");
        std::fs::create_dir_all(&root).unwrap();
        let safe = |values: &[&str]| {
            let mut environment = sandbox.environment(&[("GIT_CONFIG_COUNT", &values.len().to_string())]);
            for (number, value) in values.iter().enumerate() {
                environment.variables.insert(format!("GIT_CONFIG_KEY_{number}").into(), "safe.directory".into());
                environment.variables.insert(format!("GIT_CONFIG_VALUE_{number}").into(), (*value).into());
            }
            environment.home = Some(sandbox.home().canonicalize().unwrap());
            is_safe(&root, &environment).unwrap()
        };
        let exact = root.to_str().unwrap();
        let below = format!("{}/*", root.parent().unwrap().display());
        assert!(safe(&["*"]) && safe(&[exact]) && safe(&[&below]) && safe(&["~/work/x"]) && safe(&["/else", exact]));
        assert!(!safe(&[]) && !safe(&["/else"]) && !safe(&["*", ""]) && !safe(&[&format!("{exact}/*")]));
    }
}
