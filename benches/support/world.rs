//! A home, a repository and a bare remote to push to, with and without the hook.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use git_opensession::session::Timestamp;
use tempfile::TempDir;

use super::logs::{self, Plan};

pub struct World {
    root: TempDir,
    commits: u32,
}

impl World {
    /// A repository whose first commit is pushed.
    pub fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        let mut world = Self { root, commits: 0 };
        fs::create_dir(world.path("home")).expect("a folder");
        world.git(&world.path(""), &["init", "-q", "--bare", "-b", "main", "origin.git"]);
        world.git(&world.path(""), &["init", "-q", "-b", "main", "work"]);
        world.git(&world.repo(), &["remote", "add", "origin", "../origin.git"]);
        world.commit();
        world.git(&world.repo(), &["push", "-q", "-u", "origin", "main"]);
        world
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.root.path().canonicalize().expect("the root is there").join(below)
    }

    pub fn repo(&self) -> PathBuf {
        self.path("work")
    }

    fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").expect("there is a PATH"));
        command.env("HOME", self.path("home")).env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C");
        for (name, value) in [("NAME", "Ann Example"), ("EMAIL", "ann@example.com")] {
            command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
        }
        command
    }

    fn run(&self, program: &str, folder: &Path, args: &[&str]) -> String {
        let output = self.command(program, folder).args(args).output().expect("the program runs");
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {args:?} failed: {err}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn git(&self, folder: &Path, args: &[&str]) -> String {
        self.run("git", folder, args)
    }

    /// Runs git in the repository at another time, as git spells it.
    pub fn git_at(&self, date: &str, args: &[&str]) {
        let mut command = self.command("git", &self.repo());
        let output = command.env("GIT_AUTHOR_DATE", date).env("GIT_COMMITTER_DATE", date).args(args).output();
        assert!(output.is_ok_and(|output| output.status.success()), "git {args:?} failed");
    }

    pub fn opensession(&self, args: &[&str]) -> String {
        self.run(env!("CARGO_BIN_EXE_git-opensession"), &self.repo(), args)
    }

    /// Installs the hook and allows the remote.
    pub fn install(&self) {
        self.opensession(&["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]);
    }

    /// Makes a commit, now.
    pub fn commit(&mut self) {
        self.commits += 1;
        let file = format!("src/made_{}.txt", self.commits);
        fs::create_dir_all(self.repo().join("src")).expect("a folder");
        fs::write(self.repo().join(&file), format!("made {}\n", self.commits)).expect("a file");
        self.git(&self.repo(), &["add", "."]);
        self.git(&self.repo(), &["commit", "-q", "-m", "more"]);
    }

    /// Pushes what is there.
    pub fn push(&self, verify: bool) {
        let no_verify = if verify { "--verify" } else { "--no-verify" };
        self.git(&self.repo(), &["push", "-q", no_verify, "origin", "main"]);
    }

    /// Writes `count` Claude Code logs of `bytes` each that ran in `cwd` from `start` to `end`.
    pub fn sessions(&self, cwd: &Path, count: u64, bytes: usize, (start, end): (Timestamp, Timestamp)) {
        let slug = cwd.to_string_lossy().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let folder = self.path("home").join(".claude/projects").join(slug);
        fs::create_dir_all(&folder).expect("a folder");
        for seed in 0..count {
            let id = format!("00000000-0000-4000-8000-{seed:012}");
            let text = logs::claude(&Plan { id: &id, cwd, start, end, bytes, seed: seed + 1 });
            fs::write(folder.join(format!("{id}.jsonl")), text).expect("a log");
        }
    }

    /// Has all logs written so many hours ago.
    pub fn age_logs(&self, hours: u64) {
        let then = SystemTime::now() - Duration::from_secs(hours * 3600);
        for slug in fs::read_dir(self.path("home/.claude/projects")).expect("a folder").flatten() {
            for log in fs::read_dir(slug.path()).expect("a folder").flatten() {
                let log = fs::File::options().append(true).open(log.path()).expect("a log");
                log.set_modified(then).expect("its time is set");
            }
        }
    }

    /// The only log there is.
    pub fn log(&self) -> PathBuf {
        let first =
            |folder: &Path| fs::read_dir(folder).expect("a folder").next().expect("an entry").expect("an entry");
        first(&first(&self.path("home/.claude/projects")).path()).path()
    }
}

/// How many bytes there are in the files of a folder.
pub fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let size_of = |entry: fs::DirEntry| match entry.metadata().expect("its metadata") {
        metadata if metadata.is_dir() => size(&entry.path()),
        metadata => metadata.len(),
    };
    entries.map(size_of).sum()
}

/// The first `bytes` of a log, and the rest of the line they end in.
pub fn cut(log: &[u8], bytes: usize) -> &[u8] {
    match log[bytes..].iter().position(|&byte| byte == b'\n') {
        Some(end) => &log[..=bytes + end],
        None => log,
    }
}
