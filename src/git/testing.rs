//! A folder with a repository, and a git that knows nothing of the machine it runs on.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{GitEnvironment, Repo};

/// A temporary home with the repository `repo` in it. git runs sealed: no configuration but what a test makes, and
/// frozen dates.
pub struct Sandbox {
    root: tempfile::TempDir,
}

impl Sandbox {
    /// With an empty repository on branch `main`.
    pub fn new() -> Self {
        let sandbox = Self::bare_home();
        sandbox.git_in(sandbox.home(), &["init", "-q", "-b", "main", "repo"]);
        sandbox
    }

    /// Without a repository.
    pub fn bare_home() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    pub fn home(&self) -> &Path {
        self.root.path()
    }

    /// The repository's folder.
    pub fn path(&self) -> PathBuf {
        self.home().join("repo")
    }

    /// The environment that [`Repo::open`] and [`Repo::config`] are given.
    pub fn environment(&self, variables: &[(&str, &str)]) -> GitEnvironment {
        let sealed = [("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CEILING_DIRECTORIES", self.home().to_str().unwrap())];
        let variables = sealed.iter().chain(variables);
        GitEnvironment {
            home: Some(self.home().to_path_buf()),
            variables: variables.map(|(name, value)| (OsString::from(name), OsString::from(value))).collect(),
        }
    }

    pub fn open(&self) -> Repo {
        self.open_in(&self.path())
    }

    pub fn open_in(&self, folder: &Path) -> Repo {
        Repo::open(folder, &self.environment(&[])).unwrap()
    }

    /// Another name for [`Sandbox::open`], where there is but one.
    pub fn repo(&self) -> Repo {
        self.open()
    }

    /// A git command, sealed, not started.
    pub fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GIT_") {
                command.env_remove(name);
            }
        }
        command
            .current_dir(folder)
            .args(arguments)
            .env("HOME", self.home())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("EMAIL")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CEILING_DIRECTORIES", self.home())
            .env("GIT_AUTHOR_NAME", "A U Thor")
            .env("GIT_AUTHOR_EMAIL", "author@example.com")
            .env("GIT_AUTHOR_DATE", "1700000000 +0100")
            .env("GIT_COMMITTER_NAME", "C O Mitter")
            .env("GIT_COMMITTER_EMAIL", "committer@example.com")
            .env("GIT_COMMITTER_DATE", "1700000000 +0100")
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        command
    }

    /// Runs git in the repository and gives its output, without the last line end; fails the test if git fails.
    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.path(), arguments)
    }

    pub fn git_in(&self, folder: &Path, arguments: &[&str]) -> String {
        run(&mut self.command(folder, arguments), b"")
    }

    pub fn git_with_input(&self, arguments: &[&str], input: &[u8]) -> String {
        run(&mut self.command(&self.path(), arguments), input)
    }

    /// Writes a file in the repository's worktree.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Commits everything in the worktree, made at `time`, and gives the commit's id.
    pub fn commit_at(&self, message: &str, time: i64) -> super::Oid {
        self.git(&["add", "-A"]);
        let mut command = self.command(&self.path(), &["commit", "-q", "--allow-empty", "-m", message]);
        let date = format!("{time} +0000");
        run(command.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date), b"");
        self.git(&["rev-parse", "HEAD"]).parse().unwrap()
    }

    /// A file with this content, committed.
    pub fn commit_file(&self, path: &str, content: impl AsRef<[u8]>) -> super::Oid {
        self.write(path, content);
        self.commit_at(path, 1_700_000_000)
    }

    /// Fails the test unless everything in the object store is well formed and connected.
    pub fn fsck(&self) {
        let output = self.git(&["fsck", "--strict", "--full", "--no-dangling"]);
        // No branch yet, no default: that is no fault.
        let faults: Vec<_> = output.lines().filter(|line| !line.starts_with("notice: ")).collect();
        assert_eq!(faults, [""; 0]);
    }
}

/// Runs a command and gives its output (and what it complained about), without the last line end.
pub fn run(command: &mut Command, input: &[u8]) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{command:?}: {text:?}");
    text.concat().trim_end_matches('\n').to_owned()
}
