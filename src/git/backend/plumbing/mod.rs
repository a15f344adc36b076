//! Plumbing: the user's own git answers, where libgit2 cannot open the repository. That is so for SHA-256 object ids
//! and for reftables.
//!
//! One `git cat-file --batch-command` (git 2.36) answers for all objects; it lives as long as the repository is open. What
//! is written are the same files as ever, by git's documented formats; only refs in a reftable are git's alone. No hook
//! runs, nothing is asked of a remote (a missing object of a partial clone stays missing), nobody is asked for anything.

mod files;
mod history;
mod objects;
mod refs;
mod reftable;

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::files::Files;
use self::reftable::Reftable;
use super::Opened;
use crate::git::config::ConfigFile;
use crate::git::object_format::ObjectFormat;
use crate::git::process::conversation::Conversation;
use crate::git::process::{Command, Finished, GitProgram};
use crate::git::{Error, GitEnvironment, Result};

/// No command here works longer than that; one that does is stuck.
const LONGEST: Duration = Duration::from_secs(30);
/// What stands between two paths in an answer of `git rev-parse`, which repeats options it does not know.
const SEPARATOR: &str = "--opensession-separator";
/// What of the caller's environment would lead git elsewhere than to the repository that was found.
const ELSEWHERE: [&str; 7] = [
    "GIT_COMMON_DIR",
    "GIT_WORK_TREE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_REPLACE_REF_BASE",
];
/// What a repository may say of itself: everything else could mean that files here are to be written otherwise.
const EXTENSIONS: [&str; 8] = [
    "noop",
    "noop-v1",
    "objectformat",
    "partialclone",
    "preciousobjects",
    "refstorage",
    "relativeworktrees",
    "worktreeconfig",
];

/// A repository that git has opened.
pub(in crate::git) struct Plumbing {
    /// git, told which repository is meant.
    git: GitProgram,
    common_dir: PathBuf,
    format: ObjectFormat,
    refs: RefStore,
    talk: RefCell<Option<Conversation>>,
}

/// How refs are stored.
enum RefStore {
    Files(Files),
    Reftable(Reftable),
}

/// Opens the repository that the folder `start` is in.
pub(in crate::git) fn open(start: &Path, environment: &GitEnvironment) -> Result<Opened> {
    let git = GitProgram::new(environment, start).without(&["GIT_COMMON_DIR"]);
    let Found { format, reftable, git_dir, workdir } = find(&git, start, environment)?;
    let workdir = workdir.map(|found| root_of(found, &git_dir, start, environment));
    let common_dir = common_dir(&git_dir)?;
    check_extensions(&common_dir)?;
    let refs = if reftable {
        RefStore::Reftable(Reftable::new(&git_dir, &common_dir))
    } else {
        RefStore::Files(Files::new(&git_dir, &common_dir))
    };
    let git = sealed(git, &git_dir, alternates(start, environment));
    let backend = Plumbing { git, common_dir: common_dir.clone(), format, refs, talk: RefCell::new(None) };
    Ok(Opened { backend: Box::new(backend), git_dir, common_dir, workdir })
}

/// What git says of the repository.
struct Found {
    format: ObjectFormat,
    reftable: bool,
    git_dir: PathBuf,
    workdir: Option<PathBuf>,
}

fn find(git: &GitProgram, start: &Path, environment: &GitEnvironment) -> Result<Found> {
    if !start.is_dir() {
        return Err(Error::NotARepository { path: start.to_path_buf() });
    }
    let questions =
        ["rev-parse", "--show-object-format", "--show-ref-format", "--absolute-git-dir", SEPARATOR, "--show-toplevel"];
    let command = git.command(questions).deadline(Some(Instant::now() + LONGEST));
    let finished = command.run().map_err(Error::process("open the repository at", start.display()))?;
    let answer = finished.stdout.as_slice();
    let mut lines = answer.splitn(3, |byte| *byte == b'\n');
    let (format, refs) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    // Paths may hold line ends. In a bare repository there is no root, and that is a failure to git.
    let paths = lines.next().unwrap_or_default();
    let separator = format!("\n{SEPARATOR}\n");
    let Some(end) = memchr::memmem::find(paths, separator.as_bytes()) else {
        return Err(cannot_open(&finished, environment.path("GIT_DIR", start).as_deref().unwrap_or(start)));
    };
    let (git_dir, rest) = paths.split_at(end);
    let workdir = rest.get(separator.len()..).and_then(|rest| rest.strip_suffix(b"\n"));
    let format = match format {
        b"sha1" => ObjectFormat::Sha1,
        b"sha256" => ObjectFormat::Sha256,
        other => return Err(unsupported(format!("the object format {}", String::from_utf8_lossy(other)))),
    };
    let reftable = match refs {
        b"reftable" => true,
        // A git that does not know the question knows files only.
        b"files" | b"--show-ref-format" => false,
        other => return Err(unsupported(format!("the ref format {}", String::from_utf8_lossy(other)))),
    };
    Ok(Found { format, reftable, git_dir: path(git_dir), workdir: workdir.map(path) })
}

/// The root of the worktree. With `GIT_DIR` alone, git takes the current folder for it; below the folder that the git
/// folder is in, that one is.
fn root_of(found: PathBuf, git_dir: &Path, start: &Path, environment: &GitEnvironment) -> PathBuf {
    let by_git_dir = environment.variable("GIT_DIR").is_some() && environment.variable("GIT_WORK_TREE").is_none();
    let is_current = || start.canonicalize().is_ok_and(|start| start == found);
    match git_dir.parent().filter(|_| by_git_dir && git_dir.ends_with(".git") && is_current()) {
        Some(folder) if found.starts_with(folder) => folder.to_path_buf(),
        _ => found,
    }
}

/// Why git did not open it.
fn cannot_open(finished: &Finished, place: &Path) -> Error {
    let said = finished.stderr.trim();
    if said.contains("not a git repository") {
        return Error::NotARepository { path: place.to_path_buf() };
    }
    if let Some((_, rest)) = said.split_once("dubious ownership in repository at '") {
        return Error::NotOwned { path: PathBuf::from(rest.split('\'').next().unwrap_or_default()) };
    }
    if let Some((_, names)) = said.split_once("unknown repository extension") {
        let names = names.lines().skip(1).map(str::trim).filter(|name| !name.is_empty());
        return unsupported(names.map(|name| format!("extensions.{name}")).collect::<Vec<_>>().join(" and "));
    }
    let reason = said.strip_prefix("fatal: ").unwrap_or(said).to_owned();
    Error::Git { doing: "open the repository at", subject: place.display().to_string(), reason }
}

fn unsupported(what: String) -> Error {
    Error::Unsupported { what, advice: "use a newer git, or a repository without it" }
}

/// By gitrepository-layout(5): a linked worktree has a file that names the folder it shares.
fn common_dir(git_dir: &Path) -> Result<PathBuf> {
    match fs::read(git_dir.join("commondir")) {
        Ok(named) => {
            let common = git_dir.join(path(named.trim_ascii_end()));
            common.canonicalize().map_err(Error::io("find the folder", &common))
        }
        Err(_) => Ok(git_dir.to_path_buf()),
    }
}

/// git knows its extensions, but files are written here that an extension may change.
fn check_extensions(common_dir: &Path) -> Result<()> {
    let path = common_dir.join("config");
    let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
    // One that does not parse is refused when the configuration is read, with its line.
    let Ok(file) = ConfigFile::parse(bytes) else { return Ok(()) };
    let mut names = file.entries().iter().filter_map(|entry| entry.key.strip_prefix("extensions."));
    match names.find(|name| !EXTENSIONS.contains(name)) {
        None => Ok(()),
        Some(name) => Err(unsupported(format!("extensions.{name}"))),
    }
}

/// git for this repository and no other, which asks nobody and no remote.
fn sealed(git: GitProgram, git_dir: &Path, alternates: Option<OsString>) -> GitProgram {
    let mut git = git.without(&ELSEWHERE).in_folder(git_dir).with("GIT_DIR", git_dir);
    for (name, value) in [
        ("GIT_NO_LAZY_FETCH", "1"),
        // The same for a git that is older than that variable (2.45): no protocol is called so.
        ("GIT_ALLOW_PROTOCOL", "none"),
        ("GIT_NO_REPLACE_OBJECTS", "1"),
    ] {
        git = git.with(name, value);
    }
    match alternates {
        Some(alternates) => git.with("GIT_ALTERNATE_OBJECT_DIRECTORIES", alternates),
        None => git,
    }
}

/// Where else objects are read from. The store that `GIT_OBJECT_DIRECTORY` names (a quarantine) is only read, as by libgit2.
fn alternates(start: &Path, environment: &GitEnvironment) -> Option<OsString> {
    let own = environment.path("GIT_OBJECT_DIRECTORY", start);
    let others = environment.variable("GIT_ALTERNATE_OBJECT_DIRECTORIES").map(std::env::split_paths);
    let folders: Vec<PathBuf> =
        own.into_iter().chain(others.into_iter().flatten().map(|path| start.join(path))).collect();
    if folders.is_empty() { None } else { std::env::join_paths(folders).ok() }
}

/// A path as git prints it.
#[cfg(unix)]
fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

impl Plumbing {
    /// A command that is over soon.
    fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        self.git.command(arguments).deadline(Some(Instant::now() + LONGEST))
    }
}

/// What a command that must succeed has printed.
fn succeeded(finished: Finished, doing: &'static str, subject: impl std::fmt::Display) -> Result<Vec<u8>> {
    if finished.succeeded() && !finished.truncated {
        return Ok(finished.stdout);
    }
    Err(refused(&finished, doing, subject))
}

/// That a command failed.
fn refused(finished: &Finished, doing: &'static str, subject: impl std::fmt::Display) -> Error {
    let said = finished.stderr.trim();
    let reason = if said.is_empty() { format!("git ended with {:?}", finished.ending) } else { said.to_owned() };
    Error::Git { doing, subject: subject.to_string(), reason }
}
