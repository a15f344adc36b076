//! A sealed little world: its own home, repository, bare remote and clock; nothing of the machine
//! it runs on but `git`, `sh` and the coreutils on PATH.

mod logs;
mod work;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub use logs::{ClaudeLog, CodexLog};
pub use work::claude_folder;

/// The moment at which every world begins.
pub const NOW: &str = "2026-03-06T12:00:00Z";

/// A home, a bare remote `origin.git`, and a clone of it in `work`, on branch `main`.
pub struct World {
    root: TempDir,
    now: String,
    variables: Vec<(String, String)>,
}

/// What a command answered.
#[derive(Debug)]
pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Answer {
    /// The standard output of a command that must have succeeded.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "it failed\n--- out\n{}--- err\n{}", self.out, self.err);
        self.out
    }

    /// This answer, which must have had that exit code.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "another exit code\n--- out\n{}--- err\n{}", self.out, self.err);
        self
    }

    /// The standard output as JSON.
    #[track_caller]
    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ok()).expect("the output is one JSON document")
    }
}

impl World {
    /// An empty remote and a clone of it with one commit that is pushed. Nothing installed.
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// The same, made and lived in with these environment variables.
    pub fn with(variables: &[(&str, &str)]) -> Self {
        let root = tempfile::Builder::new().prefix("opensession-it-").tempdir().expect("a temporary folder");
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let world = Self { root, now: NOW.to_owned(), variables };
        for folder in ["home", "tmp"] {
            fs::create_dir(world.path(folder)).expect("a folder");
        }
        let config = "[user]\n\tname = Ann Example\n\temail = ann@example.com\n[init]\n\tdefaultBranch = main\n\
                      [protocol \"file\"]\n\tallow = always\n[advice]\n\tdetachedHead = false\n";
        fs::write(world.path("home/.gitconfig"), config).expect("a git config");
        world.git(world.root(), ["init", "-q", "--bare", "origin.git"]).ok();
        world.git(world.root(), ["clone", "-q", "origin.git", "work"]).ok();
        world.commit("README", "hello\n", "first");
        world.git(world.repo(), ["push", "-q", "-u", "origin", "main"]).ok();
        world
    }

    /// The same, with the hook installed and `origin` allowed.
    pub fn installed() -> Self {
        let world = Self::new();
        world.os(["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
        world
    }

    /// The folder of everything.
    pub fn root(&self) -> PathBuf {
        self.root.path().canonicalize().expect("the root is there")
    }

    /// A path below it.
    pub fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root().join(below)
    }

    /// The clone that is worked in.
    pub fn repo(&self) -> PathBuf {
        self.path("work")
    }

    /// The home folder.
    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// The bare remote.
    pub fn origin(&self) -> PathBuf {
        self.path("origin.git")
    }

    /// Sets the clock.
    pub fn set_now(&mut self, now: &str) {
        now.clone_into(&mut self.now);
    }

    /// Sets an environment variable for everything that runs from here on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// A command in `folder`, with the environment of this world and nothing else.
    pub fn command(&self, program: impl AsRef<OsStr>, folder: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program);
        let bin = Path::new(env!("CARGO_BIN_EXE_git-opensession"));
        let system = std::env::var("PATH").expect("there is a PATH");
        let path = format!("{}:{system}", bin.parent().expect("a folder").display());
        command.current_dir(folder).env_clear().stdin(Stdio::null());
        command.env("PATH", path).env("HOME", self.home()).env("TMPDIR", self.path("tmp"));
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C").env("TZ", "UTC").env("OPENSESSION_NOW", &self.now);
        command.env("GIT_AUTHOR_DATE", &self.now).env("GIT_COMMITTER_DATE", &self.now);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command of this world.
    pub fn run<A: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        folder: impl AsRef<Path>,
        args: impl IntoIterator<Item = A>,
    ) -> Answer {
        let program = program.as_ref();
        let output = self.command(program, folder).args(args).output();
        answer(&output.unwrap_or_else(|error| panic!("{} cannot be started: {error}", program.display())))
    }

    /// Runs git in a folder.
    pub fn git<A: AsRef<OsStr>>(&self, folder: impl AsRef<Path>, args: impl IntoIterator<Item = A>) -> Answer {
        self.run("git", folder, args)
    }

    /// Runs `git opensession` in the repository.
    pub fn os<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Answer {
        self.os_in(self.repo(), args)
    }

    /// Runs `git opensession` in a folder.
    pub fn os_in<A: AsRef<OsStr>>(&self, folder: impl AsRef<Path>, args: impl IntoIterator<Item = A>) -> Answer {
        self.run(env!("CARGO_BIN_EXE_git-opensession"), folder, args)
    }

    /// Writes a file of the work tree and commits it. The id of the commit.
    pub fn commit(&self, file: &str, content: &str, message: &str) -> String {
        self.commit_in(self.repo(), file, content, message)
    }

    /// The same in another work tree.
    pub fn commit_in(&self, folder: impl AsRef<Path>, file: &str, content: &str, message: &str) -> String {
        let folder = folder.as_ref();
        let path = folder.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, content).expect("a file");
        self.git(folder, ["add", "--", file]).ok();
        self.git(folder, ["commit", "-q", "-m", message]).ok();
        self.head(folder)
    }

    /// The id of HEAD.
    pub fn head(&self, folder: impl AsRef<Path>) -> String {
        self.git(folder, ["rev-parse", "HEAD"]).ok().trim().to_owned()
    }

    /// A fresh clone of the remote.
    pub fn clone_to(&self, name: &str) -> PathBuf {
        self.git(self.root(), ["clone", "-q", "origin.git", name]).ok();
        self.path(name)
    }

    /// Names and ids of the refs below a prefix in a repository.
    pub fn refs(&self, repository: impl AsRef<Path>, prefix: &str) -> Vec<String> {
        let format = "--format=%(refname) %(objectname)";
        self.git(repository, ["for-each-ref", format, prefix]).ok().lines().map(str::to_owned).collect()
    }

    /// Everything that any object of a repository holds, zstd segments taken apart: what a search
    /// for a secret must not find it in.
    pub fn everything_in(&self, repository: impl AsRef<Path>) -> Vec<u8> {
        let repository = repository.as_ref();
        let list = self.git(repository, ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]).ok();
        let mut all = Vec::new();
        for oid in list.lines() {
            let output = self.command("git", repository).args(["cat-file", "-p", oid]).output().expect("git runs");
            match zstd::decode_all(output.stdout.as_slice()) {
                Ok(text) => all.extend(text),
                Err(_) => all.extend(output.stdout),
            }
            all.push(b'\n');
        }
        all
    }
}

fn answer(output: &Output) -> Answer {
    Answer {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
