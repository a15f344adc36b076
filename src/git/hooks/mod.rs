//! The pre-push hook: where it belongs, what is there, putting ours in and taking it out again.
//!
//! git 2.54 and later run hooks named in the configuration (`hook.<name>.command`, see git-config(1)),
//! beside whatever hook file there is. For older ones a hook file is written: the hook that was there is
//! kept beside it, byte for byte, and runs first. A hooks folder that is not inside the git folder
//! belongs to somebody else and is never written.

mod advice;
mod file;
mod plan;

use std::io;
use std::path::{Path, PathBuf};

pub use advice::Manager;
pub use file::HookFile;
pub use plan::{Install, Notice, Plan, Refusal, Step, Way};

use super::process::{GitProgram, ProcessError, Version};

/// A hook that could not be looked at, put in or taken out.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The file system said no.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// git did not answer.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// git said no.
    #[error("git {command} failed: {reason}")]
    Git {
        /// The command.
        command: String,
        /// git's words.
        reason: String,
    },
    /// Somebody changed the hook between looking and writing.
    #[error("{} has changed in the meantime; nothing was done", path.display())]
    Changed {
        /// The hook.
        path: PathBuf,
    },
    /// There are too many kept hooks beside the hook already.
    #[error("there are already nine files like {}; remove those that are not needed", path.display())]
    TooMany {
        /// The first of them.
        path: PathBuf,
    },
}

/// Where git looks for this repository's hook files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookFolder {
    /// Inside the git folder: it may be written. It need not exist.
    Own(PathBuf),
    /// In the work tree (husky, `core.hooksPath = .githooks`): it belongs to the project.
    WorkTree(PathBuf),
    /// Somewhere else (a global `core.hooksPath`): it belongs to the user.
    Outside(PathBuf),
    /// Nowhere: `core.hooksPath` is `/dev/null`.
    Off,
}

/// Our hook in the repository's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfigHook {
    /// `hook.opensession.command`.
    pub command: Option<String>,
    /// `hook.opensession.event`.
    pub events: Vec<String>,
    /// Whether `hook.opensession.enabled` says no.
    pub disabled: bool,
}

/// What is known of the pre-push hook of a repository.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// The version of git.
    pub version: Version,
    /// Where hook files lie.
    pub folder: HookFolder,
    /// The place of the hook file: `pre-push`, or where pre-commit has moved ours to. `None` if there
    /// are no hook files.
    pub place: Option<PathBuf>,
    /// What lies there.
    pub file: HookFile,
    /// The hooks kept beside ours, oldest first.
    pub kept: Vec<PathBuf>,
    /// Our hook in the configuration.
    pub config: ConfigHook,
    /// The hook manager this repository uses, as far as can be seen.
    pub manager: Option<Manager>,
    /// Whether somebody has added a call of ours to the manager's files, or to their own hook.
    pub by_hand: bool,
    bytes: Vec<u8>,
    git: GitProgram,
}

/// The name of the hook file.
const PRE_PUSH: &str = "pre-push";
/// Where pre-commit keeps, and from where it runs, the hook that was there before it.
const LEGACY: &str = "pre-push.legacy";
/// What was there before ours is kept under this name, and `-2` to `-9`.
const KEPT: &str = "pre-push.opensession-chained";
/// An edited hook of ours goes here, and `-2` to `-9`.
const ASIDE: &str = "pre-push.opensession-edited";

impl Inspection {
    /// Looks at the repository that `git` is in. The version is a value, so that both ways of
    /// installing can be looked at with one git.
    ///
    /// # Errors
    ///
    /// When this is no repository, and when a file that is there cannot be read.
    pub fn new(git: &GitProgram, version: Version) -> Result<Self, HookError> {
        let git = at_root(git)?;
        let folder = hook_folder(&git)?;
        let config = config_hook(&git)?;
        let mut inspection = Self {
            version,
            place: None,
            file: HookFile::Absent,
            kept: Vec::new(),
            config,
            manager: advice::detect(git.folder(), &folder),
            by_hand: false,
            bytes: Vec::new(),
            folder,
            git,
        };
        if let HookFolder::Own(folder) | HookFolder::WorkTree(folder) | HookFolder::Outside(folder) =
            inspection.folder.clone()
        {
            inspection.look_at(&folder)?;
        }
        Ok(inspection)
    }

    fn look_at(&mut self, folder: &Path) -> Result<(), HookError> {
        let mut place = folder.join(PRE_PUSH);
        let (mut file, mut bytes) = look(&place)?;
        if matches!(file, HookFile::Foreign { .. }) {
            // pre-commit moves the hook it finds aside and runs it first: then ours is in already.
            let legacy = folder.join(LEGACY);
            let (moved, moved_bytes) = look(&legacy)?;
            if matches!(moved, HookFile::Ours { .. } | HookFile::Edited) && advice::runs_legacy(&place) {
                (place, file, bytes) = (legacy, moved, moved_bytes);
            }
        }
        let foreign = matches!(file, HookFile::Foreign { .. }).then(|| place.clone());
        self.by_hand =
            foreign.iter().cloned().chain(advice::files(self.git.folder())).any(|path| advice::calls_us(&path));
        self.kept = numbered(folder, KEPT).filter(|path| path.symlink_metadata().is_ok()).collect();
        (self.place, self.file, self.bytes) = (Some(place), file, bytes);
        Ok(())
    }

    /// The hook that git runs after ours, if there is one: sessions have gone even if it says no.
    pub fn runs_after(&self) -> Option<&Path> {
        let is_after = self.is_by_config() && self.file == HookFile::Foreign { executable: true };
        self.place.as_deref().filter(|_| is_after)
    }

    fn is_by_config(&self) -> bool {
        self.version >= Version::CONFIG_HOOKS
            && !self.config.disabled
            && self.config.command.is_some()
            && self.config.events.iter().any(|event| event == PRE_PUSH)
    }

    /// Whether a push from this repository calls us: by the configuration or by a hook file git looks at.
    pub fn is_installed(&self) -> bool {
        self.is_by_config() || self.by_hand || matches!(self.file, HookFile::Ours { .. } | HookFile::Edited)
    }
}

/// `name`, `name-2` ... `name-9` in a folder.
fn numbered(folder: &Path, name: &str) -> impl Iterator<Item = PathBuf> {
    let first = folder.join(name);
    let more = (2..=9).map({
        let (folder, name) = (folder.to_owned(), name.to_owned());
        move |number| folder.join(format!("{name}-{number}"))
    });
    std::iter::once(first).chain(more)
}

fn look(path: &Path) -> Result<(HookFile, Vec<u8>), HookError> {
    file::look(path).map_err(|source| HookError::Io { doing: "read", path: path.to_owned(), source })
}

/// The program in the folder git runs hooks in: the root of the work tree, or the git folder.
fn at_root(git: &GitProgram) -> Result<GitProgram, HookError> {
    let bare = ask(git, &["rev-parse", "--is-inside-work-tree"])? != b"true";
    let root = ask(git, &["rev-parse", if bare { "--absolute-git-dir" } else { "--show-toplevel" }])?;
    Ok(git.in_folder(&path(root)))
}

fn hook_folder(git: &GitProgram) -> Result<HookFolder, HookError> {
    let hooks = path(ask(git, &["rev-parse", "--git-path", "hooks"])?);
    if hooks == Path::new("/dev/null") {
        return Ok(HookFolder::Off);
    }
    let hooks = git.folder().join(hooks);
    let real = resolved(&hooks);
    for own in ["--absolute-git-dir", "--git-common-dir"] {
        let own = git.folder().join(path(ask(git, &["rev-parse", own])?));
        if real.starts_with(resolved(&own)) {
            return Ok(HookFolder::Own(hooks));
        }
    }
    let in_tree = real.starts_with(resolved(git.folder()));
    Ok(if in_tree { HookFolder::WorkTree(hooks) } else { HookFolder::Outside(hooks) })
}

/// A path with all links followed, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => resolved(parent).join(name),
        _ => path.to_owned(),
    }
}

fn config_hook(git: &GitProgram) -> Result<ConfigHook, HookError> {
    let finished = git.command(["config", "--local", "-z", "--get-regexp", "^hook[.]opensession[.]"]).run()?;
    let mut hook = ConfigHook::default();
    for entry in String::from_utf8_lossy(&finished.stdout).split_terminator('\0') {
        let (key, value) = entry.split_once('\n').unwrap_or((entry, "true"));
        match key {
            "hook.opensession.command" => hook.command = Some(value.to_owned()),
            "hook.opensession.event" if value.is_empty() => hook.events.clear(),
            "hook.opensession.event" => hook.events.push(value.to_owned()),
            "hook.opensession.enabled" => {
                hook.disabled = matches!(value.to_ascii_lowercase().as_str(), "false" | "no" | "off" | "0" | "");
            }
            _ => {}
        }
    }
    Ok(hook)
}

/// A git command that must succeed; its output without the last line feed.
fn ask(git: &GitProgram, arguments: &[&str]) -> Result<Vec<u8>, HookError> {
    let finished = git.command(arguments.iter().copied()).run()?;
    if !finished.succeeded() {
        let reason = finished.stderr.trim().to_owned();
        return Err(HookError::Git { command: arguments.join(" "), reason });
    }
    let mut said = finished.stdout;
    if said.last() == Some(&b'\n') {
        said.pop();
    }
    Ok(said)
}

#[cfg(unix)]
fn path(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes))
}

#[cfg(not(unix))]
fn path(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
