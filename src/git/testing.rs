//! A folder with a repository, and a git that knows nothing of the machine it runs on.

use std::cell::Cell;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{GitEnvironment, Oid, Repo, Result};

/// A kind of repository, and who answers for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SHA-1 and files, by libgit2.
    Libgit2,
    /// The same by git's plumbing.
    Plumbing,
    /// SHA-256 and files.
    Sha256,
    /// SHA-1 and a reftable.
    Reftable,
    /// SHA-256 and a reftable.
    Both,
}

thread_local! {
    /// The kind of the sandboxes that this test makes.
    static KIND: Cell<Kind> = const { Cell::new(Kind::Libgit2) };
}

/// Runs each of the named functions as a test in every kind of repository: all of them by one suite.
macro_rules! in_every_kind {
    ($($(#[$attribute:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$attribute])*
        mod $name {
            use crate::git::testing::Kind;

            #[test]
            fn by_libgit2() {
                Kind::Libgit2.run(super::$name);
            }

            #[test]
            fn by_plumbing() {
                Kind::Plumbing.run(super::$name);
            }

            #[test]
            fn with_sha256() {
                Kind::Sha256.run(super::$name);
            }

            #[test]
            fn with_a_reftable() {
                Kind::Reftable.run(super::$name);
            }

            #[test]
            fn with_both() {
                Kind::Both.run(super::$name);
            }
        }
    )+};
}
pub(super) use in_every_kind;

impl Kind {
    /// Runs a test whose sandboxes are of this kind; not at all if this machine's git knows no such repository.
    pub fn run(self, test: fn()) {
        KIND.set(self);
        let sandbox = Sandbox::bare_home();
        let made = sandbox.command(sandbox.home(), &["init", "-q", self.object_option(), "probe"]).output().unwrap();
        let tables = sandbox.home().join("probe/.git/reftable").exists();
        if made.status.success() && tables == self.has_reftable() {
            test();
        }
    }

    pub fn has_reftable(self) -> bool {
        matches!(self, Self::Reftable | Self::Both)
    }

    fn object_option(self) -> &'static str {
        if matches!(self, Self::Sha256 | Self::Both) { "--object-format=sha256" } else { "--object-format=sha1" }
    }
}

/// A temporary home with the repository `repo` in it. git runs sealed: no configuration but what a test makes, and
/// frozen dates.
pub struct Sandbox {
    root: tempfile::TempDir,
    kind: Kind,
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
        Self { root: tempfile::tempdir().unwrap(), kind: KIND.get() }
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// An id that such a repository can have: this byte, in hex, again and again.
    pub fn oid(&self, byte: &str) -> Oid {
        let bytes = if self.kind.object_option().ends_with("256") { 32 } else { 20 };
        byte.repeat(bytes).parse().unwrap()
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
        let path = std::env::var("PATH").unwrap();
        let sealed = [
            ("PATH", path.as_str()),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CEILING_DIRECTORIES", self.home().to_str().unwrap()),
        ];
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
        self.try_open(folder, &[]).unwrap()
    }

    /// Opens a repository with these variables in the environment.
    pub fn try_open(&self, folder: &Path, variables: &[(&str, &str)]) -> Result<Repo> {
        let open = if self.kind == Kind::Plumbing { Repo::open_by_plumbing } else { Repo::open };
        open(folder, &self.environment(variables))
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
            .env("GIT_DEFAULT_REF_FORMAT", if self.kind.has_reftable() { "reftable" } else { "files" })
            .env("GIT_DEFAULT_HASH", self.kind.object_option().trim_start_matches("--object-format="))
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
    pub fn commit_at(&self, message: &str, time: i64) -> Oid {
        self.git(&["add", "-A"]);
        let mut command = self.command(&self.path(), &["commit", "-q", "--allow-empty", "-m", message]);
        let date = format!("{time} +0000");
        run(command.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date), b"");
        self.git(&["rev-parse", "HEAD"]).parse().unwrap()
    }

    /// A file with this content, committed.
    pub fn commit_file(&self, path: &str, content: impl AsRef<[u8]>) -> Oid {
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
