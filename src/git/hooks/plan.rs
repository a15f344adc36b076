//! What would be done to put our hook in or to take it out, and doing it.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::file::{self, HookFile};
use super::{ASIDE, HookError, HookFolder, Inspection, KEPT, Manager, PRE_PUSH, ask, look, numbered};
use crate::git::process::{GitProgram, Version};

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make the hooks folder.
    MakeFolder(PathBuf),
    /// Keep the hook that is there beside the place of ours; it will run first.
    Keep {
        /// The hook.
        from: PathBuf,
        /// Its new name.
        to: PathBuf,
    },
    /// Put an edited hook of ours aside; it runs no more.
    SetAside {
        /// The hook.
        from: PathBuf,
        /// Its new name.
        to: PathBuf,
    },
    /// Write our hook, in one go, over whatever is there.
    Write {
        /// The hook file.
        path: PathBuf,
        /// Its bytes.
        content: Vec<u8>,
    },
    /// Put the hook that was there before ours back in its place.
    Restore {
        /// Where it was kept.
        from: PathBuf,
        /// Its place.
        to: PathBuf,
    },
    /// Remove a file of ours.
    Remove(PathBuf),
    /// Remove the hooks folder that was made for our hook, if nothing else is in it.
    RemoveFolder(PathBuf),
    /// Set a key in the repository's configuration.
    SetConfig {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// Take our hook out of the repository's configuration.
    UnsetConfig,
}

/// Something a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Our hook was edited. It still calls us, so it is left as it is.
    EditedLeft(PathBuf),
    /// Our hook was edited; the edited one is kept here and runs no more.
    EditedKept(PathBuf),
    /// A hook from before an earlier installation is still kept here. It is not ours to remove.
    LeftBeside(PathBuf),
    /// A hook that git would not run, for it is not executable, is kept and still does not run.
    NotExecutable(PathBuf),
    /// This manager may replace our hook file at its next run: better add its own lines.
    Managed(Manager),
    /// `hook.opensession.enabled` is false: our hook does not run.
    Disabled,
    /// git runs this hook after ours: sessions have gone even if it says no.
    RunsAfter(PathBuf),
}

/// Why no hook file can be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The hooks folder belongs to somebody else.
    #[error("{} is not inside the git folder, so it is not written; add by hand to {}:\n{}", folder.display(), manager.place_in_words(), manager.lines().trim_end())]
    Foreign {
        /// The hooks folder.
        folder: PathBuf,
        /// Whose files to add to, and what.
        manager: Manager,
    },
    /// Hooks are switched off.
    #[error("core.hooksPath is /dev/null: git runs no hooks here; git 2.54 or later can run ours all the same")]
    Off,
    /// Hooks in the configuration were asked for.
    #[error("git {0} runs no hooks of its configuration, git 2.54 is the first that does")]
    TooOld(Version),
}

/// How git is told of our hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By a hook file, as every git reads it. A hook that is there already runs first, and its "no" is final.
    File,
    /// By the repository's configuration, from git 2.54 on. Hook files are not touched, and run after ours.
    Config,
}

/// How to install.
#[derive(Debug, Clone)]
pub struct Install<'a> {
    /// The absolute path of the program to call.
    pub binary: &'a Path,
    /// Whether an edited hook of ours is put aside and written anew. Otherwise it is left.
    pub replace_edited: bool,
    /// How git is to be told of it; `None`: as it is now, else as it does least harm.
    pub way: Option<Way>,
}

/// Steps, not yet done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What would be done, in order. Empty: all is as it should be.
    pub steps: Vec<Step>,
    /// What should be said about it.
    pub notices: Vec<Notice>,
    seen: Option<(PathBuf, HookFile)>,
    git: GitProgram,
}

const COMMAND_KEY: &str = "hook.opensession.command";
const EVENT_KEY: &str = "hook.opensession.event";

impl Inspection {
    /// What would be done to have every push call us. Planning twice gives an empty plan the second time.
    ///
    /// # Errors
    ///
    /// When git is too old for hooks in its configuration, and that way was asked for or its hooks folder is not ours to
    /// write.
    pub fn plan_install(&self, install: &Install<'_>) -> Result<Plan, Refusal> {
        let binary = install.binary.to_str().unwrap_or("git-opensession");
        match self.way(install.way)? {
            None => Ok(self.empty_plan()),
            Some(Way::Config) => Ok(self.plan_config(binary)),
            Some(Way::File) => self.plan_file(binary, install.replace_edited),
        }
    }

    /// The way that was asked for. Else the configuration, which touches no file, unless a hook that is there must come first
    /// or ours is a file already. `None`: somebody has added a call of ours by hand.
    fn way(&self, wanted: Option<Way>) -> Result<Option<Way>, Refusal> {
        let is_new = self.version >= Version::CONFIG_HOOKS;
        let has_config = self.config.command.is_some();
        match wanted {
            Some(Way::Config) if !is_new => Err(Refusal::TooOld(self.version)),
            Some(way) => Ok(Some(way)),
            None if self.by_hand => Ok(None),
            None if !is_new => Ok(Some(Way::File)),
            None => Ok(Some(match (&self.folder, &self.file) {
                (HookFolder::Own(_), HookFile::Foreign { .. }) => Way::File,
                (HookFolder::Own(_), HookFile::Ours { .. } | HookFile::Edited)
                    if !has_config || !self.kept.is_empty() =>
                {
                    Way::File
                }
                _ => Way::Config,
            })),
        }
    }

    fn plan_file(&self, binary: &str, replace_edited: bool) -> Result<Plan, Refusal> {
        let mut plan = self.empty_plan();
        let (folder, place) = self.own_place()?;
        let folder_made = match &self.file {
            HookFile::Ours { folder_made, .. } => *folder_made,
            _ => !folder.exists(),
        };
        let write = Step::Write { path: place.clone(), content: file::render(binary, folder_made) };
        match &self.file {
            HookFile::Absent => {
                if folder_made {
                    plan.steps.push(Step::MakeFolder(folder.clone()));
                }
                plan.steps.push(write);
            }
            HookFile::Ours { version, .. } => {
                let same = matches!(&write, Step::Write { content, .. } if *content == self.bytes);
                if !same && *version <= file::VERSION {
                    plan.steps.push(write);
                }
            }
            HookFile::Edited if replace_edited => {
                let to = free(folder, ASIDE);
                plan.notices.push(Notice::EditedKept(to.clone()));
                plan.steps.extend([Step::SetAside { from: place.clone(), to }, write]);
            }
            HookFile::Edited => plan.notices.push(Notice::EditedLeft(place.clone())),
            HookFile::Foreign { executable } => {
                // A twin among the kept ones: the last installation broke off, or a tool wrote its hook again.
                if !self.kept.iter().any(|kept| is_twin(kept, place)) {
                    plan.steps.push(Step::Keep { from: place.clone(), to: free(folder, KEPT) });
                }
                if !executable {
                    plan.notices.push(Notice::NotExecutable(place.clone()));
                }
                plan.steps.push(write);
            }
        }
        plan.notices.extend(self.manager.filter(|m| *m == Manager::Lefthook).map(Notice::Managed));
        // It would be a second call, today or with a later git.
        self.plan_config_removal(&mut plan);
        Ok(plan)
    }

    /// The way of git 2.54: two keys. A hook file of ours would be a second call, so it goes.
    fn plan_config(&self, binary: &str) -> Plan {
        let mut plan = self.empty_plan();
        let command = file::command(binary);
        if self.config.command.as_ref() != Some(&command) {
            plan.steps.push(Step::SetConfig { key: COMMAND_KEY, value: command });
        }
        if self.config.events != [PRE_PUSH] {
            plan.steps.push(Step::SetConfig { key: EVENT_KEY, value: PRE_PUSH.to_owned() });
        }
        if self.config.disabled {
            plan.notices.push(Notice::Disabled);
        }
        if matches!((&self.folder, &self.file), (HookFolder::Own(_), HookFile::Ours { .. })) {
            self.plan_file_removal(&mut plan);
        }
        let restored = plan.steps.iter().find_map(|step| match step {
            Step::Restore { to, .. } => Some(to.clone()),
            _ => None,
        });
        let after = self.place.clone().filter(|_| self.file == HookFile::Foreign { executable: true });
        plan.notices.extend(restored.or(after).map(Notice::RunsAfter));
        plan
    }

    fn plan_config_removal(&self, plan: &mut Plan) {
        if self.config.command.is_some() || !self.config.events.is_empty() || self.config.disabled {
            plan.steps.push(Step::UnsetConfig);
        }
    }

    /// What would be done to have everything as it was before us.
    #[must_use]
    pub fn plan_uninstall(&self) -> Plan {
        let mut plan = self.empty_plan();
        self.plan_config_removal(&mut plan);
        if matches!(self.folder, HookFolder::Own(_)) {
            self.plan_file_removal(&mut plan);
        }
        plan
    }

    fn plan_file_removal(&self, plan: &mut Plan) {
        let Some(place) = &self.place else { return };
        let mut kept = self.kept.clone();
        let mut made = false;
        match &self.file {
            HookFile::Absent => {}
            HookFile::Ours { folder_made, .. } => made = *folder_made,
            HookFile::Edited => {
                let to = free(place.parent().unwrap_or(place), ASIDE);
                plan.notices.push(Notice::EditedKept(to.clone()));
                plan.steps.push(Step::SetAside { from: place.clone(), to });
            }
            HookFile::Foreign { .. } => {
                // What another tool has put there since stays; so does what was kept, unless it is the same.
                let (twins, others): (Vec<_>, Vec<_>) = kept.into_iter().partition(|kept| is_twin(kept, place));
                plan.steps.extend(twins.into_iter().map(Step::Remove));
                plan.notices.extend(others.into_iter().map(Notice::LeftBeside));
                return;
            }
        }
        // The youngest of them is what our last installation has replaced.
        match kept.pop() {
            Some(from) => plan.steps.push(Step::Restore { from, to: place.clone() }),
            None if self.file == HookFile::Absent => {}
            None => plan.steps.push(Step::Remove(place.clone())),
        }
        plan.notices.extend(kept.into_iter().map(Notice::LeftBeside));
        if let Some(folder) = place.parent().filter(|_| made) {
            plan.steps.push(Step::RemoveFolder(folder.to_owned()));
        }
    }

    fn empty_plan(&self) -> Plan {
        let seen = self.place.clone().map(|place| (place, self.file.clone()));
        Plan { steps: Vec::new(), notices: Vec::new(), seen, git: self.git.clone() }
    }

    /// The folder and the place of the hook file, if they are ours to write.
    fn own_place(&self) -> Result<(&PathBuf, &PathBuf), Refusal> {
        match (&self.folder, &self.place) {
            (HookFolder::Own(folder), Some(place)) => Ok((folder, place)),
            (HookFolder::WorkTree(folder) | HookFolder::Outside(folder), _) => {
                Err(Refusal::Foreign { folder: folder.clone(), manager: self.manager.unwrap_or(Manager::Plain) })
            }
            (HookFolder::Off | HookFolder::Own(_), _) => Err(Refusal::Off),
        }
    }
}

/// The first free name; the last one if there is none, which [`Plan::apply`] then refuses to overwrite.
fn free(folder: &Path, name: &str) -> PathBuf {
    let mut names: Vec<_> = numbered(folder, name).collect();
    let free = names.iter().position(|path| path.symlink_metadata().is_err());
    names.swap_remove(free.unwrap_or(names.len() - 1))
}

/// Whether two paths are the same file, or equal ones: type, mode and bytes, or the target of a link.
fn is_twin(one: &Path, two: &Path) -> bool {
    let (Ok(a), Ok(b)) = (one.symlink_metadata(), two.symlink_metadata()) else { return false };
    if a.file_type() != b.file_type() || a.permissions() != b.permissions() {
        return false;
    }
    if a.is_symlink() {
        return matches!((fs::read_link(one), fs::read_link(two)), (Ok(a), Ok(b)) if a == b);
    }
    a.len() == b.len() && matches!((fs::read(one), fs::read(two)), (Ok(a), Ok(b)) if a == b)
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Does it, if the hook still is what was seen. At no moment is the user's own hook out of its place
    /// without ours, which calls it, being there.
    ///
    /// # Errors
    ///
    /// When the hook has changed since, and when the file system or git says no. What is done till then stays
    /// done; planning again gives the rest.
    pub fn apply(&self) -> Result<(), HookError> {
        if let Some((place, file)) = &self.seen
            && look(place)?.0 != *file
        {
            return Err(HookError::Changed { path: place.clone() });
        }
        self.steps.iter().try_for_each(|step| step.apply(&self.git))
    }
}

impl Step {
    pub(super) fn apply(&self, git: &GitProgram) -> Result<(), HookError> {
        let failed = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| HookError::Io { doing, path, source }
        };
        match self {
            Self::MakeFolder(path) => fs::create_dir_all(path).map_err(failed("make", path)),
            Self::Keep { from, to } | Self::SetAside { from, to } => {
                duplicate(from, to).map_err(|source| match source.kind() {
                    io::ErrorKind::AlreadyExists => HookError::TooMany { path: to.clone() },
                    _ => HookError::Io { doing: "keep", path: from.clone(), source },
                })
            }
            Self::Write { path, content } => write_executable(path, content).map_err(failed("write", path)),
            Self::Restore { from, to } => fs::rename(from, to).map_err(failed("restore", to)),
            Self::Remove(path) => fs::remove_file(path).map_err(failed("remove", path)),
            Self::RemoveFolder(path) => match fs::remove_dir(path) {
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
                other => other.map_err(failed("remove", path)),
            },
            Self::SetConfig { key, value } => ask(git, &["config", "--local", "--replace-all", key, value]).map(drop),
            Self::UnsetConfig => ask(git, &["config", "--local", "--remove-section", "hook.opensession"]).map(drop),
        }
    }
}

/// A second name for a file or link, or where the file system has none, a copy. Never overwrites.
fn duplicate(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) if from.is_symlink() => link_again(&fs::read_link(from)?, to),
        Err(_) => {
            let mut target = fs::File::create_new(to)?;
            io::copy(&mut fs::File::open(from)?, &mut target)?;
            target.set_permissions(fs::metadata(from)?.permissions())?;
            target.sync_all()
        }
        Ok(()) => Ok(()),
    }
}

#[cfg(unix)]
fn link_again(target: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn link_again(_target: &Path, _at: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Writes beside the place and renames, so that there is a whole hook at every moment.
fn write_executable(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    let mut draft = tempfile::Builder::new().prefix(".opensession-").tempfile_in(folder)?;
    draft.write_all(content)?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        draft.as_file().set_permissions(mode)?;
    }
    draft.as_file().sync_all()?;
    draft.persist(path).map(drop).map_err(|error| error.error)
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeFolder(path) => write!(f, "make the folder {}", path.display()),
            Self::Keep { from, to } => {
                write!(f, "keep {} as {}; it goes on running, first", from.display(), to.display())
            }
            Self::SetAside { from, to } => write!(f, "put {} (edited) aside as {}", from.display(), to.display()),
            Self::Write { path, .. } => write!(f, "write the hook {}", path.display()),
            Self::Restore { from, to } => write!(f, "put {} back as {}", from.display(), to.display()),
            Self::Remove(path) => write!(f, "remove {}", path.display()),
            Self::RemoveFolder(path) => write!(f, "remove the folder {} if it is empty", path.display()),
            Self::SetConfig { key: COMMAND_KEY, .. } => write!(f, "set {COMMAND_KEY} to call this program"),
            Self::SetConfig { key, value } => write!(f, "set {key} = {value}"),
            Self::UnsetConfig => f.write_str("remove hook.opensession from the repository's configuration"),
        }
    }
}
