//! A home with a repository, logs, and a git that knows nothing of the machine it runs on.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::fake::Fake;
use crate::agents::{Environment, LogParser};
use crate::capture::{Captured, Explanation, Request, Target, capture, explain};
use crate::git::{BranchName, GitEnvironment, Identity, Oid, Repo, Signature};
use crate::ledger::{LedgerRef, LedgerView, Ledgers, Sid, StoredSession};
use crate::redaction::{Person, Redactor};

/// 2026-03-06T12:00:00Z.
pub const NOON: i64 = 1_772_798_400;

pub struct World {
    _root: tempfile::TempDir,
    pub home: PathBuf,
    pub parser: Fake,
    pub now: i64,
    pub patience: Duration,
    redactor: Redactor,
}

/// A log being written.
pub struct Log {
    pub path: PathBuf,
}

impl World {
    /// With the repository `repo`, and one commit a day old that is pushed already.
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().canonicalize().unwrap();
        let person = Person { home: Some(home.clone()), ..Person::default() };
        let world = Self {
            _root: root,
            parser: Fake { name: "fake", version: 1, slow: Duration::ZERO },
            now: NOON,
            patience: Duration::from_secs(60),
            redactor: Redactor::new(&person),
            home,
        };
        fs::create_dir_all(world.home.join(".fake")).unwrap();
        world.git_in("", &["init", "-q", "-b", "main", "repo"]);
        world.identify("repo");
        world.commit(NOON - 90_000, &[("README", "hello world\n")]);
        world
    }

    /// Says who commits in a repository.
    pub fn identify(&self, below: &str) {
        self.git_in(below, &["config", "user.email", "me@example.com"]);
        self.git_in(below, &["config", "user.name", "Me"]);
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.home.join(below)
    }

    pub fn text(&self, below: &str) -> String {
        self.path(below).to_str().unwrap().to_owned()
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_in("repo", arguments)
    }

    pub fn git_in(&self, below: &str, arguments: &[&str]) -> String {
        self.git_at(below, self.now, arguments)
    }

    pub fn git_at(&self, below: &str, time: i64, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
            command.env_remove(name);
        }
        let date = format!("{time} +0000");
        let output = command
            .current_dir(self.path(below))
            .args(arguments)
            .env("HOME", &self.home)
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("EMAIL")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    pub fn write(&self, below: &str, content: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Commits files in `repo` at a time.
    pub fn commit(&self, time: i64, files: &[(&str, &str)]) -> Oid {
        self.commit_in("repo", time, files)
    }

    pub fn commit_in(&self, below: &str, time: i64, files: &[(&str, &str)]) -> Oid {
        for (path, content) in files {
            self.write(&format!("{below}/{path}"), content);
        }
        self.git_in(below, &["add", "-A"]);
        self.git_at(below, time, &["commit", "-q", "--allow-empty", "-m", "x"]);
        self.git_in(below, &["rev-parse", "HEAD"]).parse().unwrap()
    }

    /// A new log with its first line; `cwd` is below the home.
    pub fn log(&self, session: &str, cwd: &str) -> Log {
        let name: String = session.chars().filter(char::is_ascii_alphanumeric).collect();
        self.log_in(&format!(".fake/{name}.log"), session, Some(&self.text(cwd)))
    }

    pub fn log_in(&self, below: &str, session: &str, cwd: Option<&str>) -> Log {
        self.write(below, &format!("{}\n", json!({ "session": session, "cwd": cwd })));
        Log { path: self.path(below) }
    }

    pub fn repo(&self) -> Repo {
        self.repo_in("repo")
    }

    pub fn git_environment(&self) -> GitEnvironment {
        let variables =
            [("GIT_CONFIG_NOSYSTEM", "1")].map(|(name, value)| (OsString::from(name), OsString::from(value)));
        GitEnvironment { home: Some(self.home.clone()), variables: variables.into() }
    }

    pub fn repo_in(&self, below: &str) -> Repo {
        Repo::open(&self.path(below), &self.git_environment()).unwrap()
    }

    /// Captures for `main`.
    pub fn capture(&self, commits: &[Oid]) -> Captured {
        self.capture_to(&[("main", commits)])
    }

    pub fn capture_to(&self, targets: &[(&str, &[Oid])]) -> Captured {
        self.capture_in("repo", targets).unwrap()
    }

    pub fn capture_in(&self, below: &str, targets: &[(&str, &[Oid])]) -> crate::capture::Result<Captured> {
        let targets =
            targets.iter().map(|(branch, commits)| Target { branch: name(branch), commits: commits.to_vec() });
        self.request(below, |request| capture(request, targets.collect()))
    }

    pub fn explain(&self, commit: Oid) -> Explanation {
        self.request("repo", |request| explain(request, commit)).unwrap()
    }

    pub fn request<T>(&self, below: &str, run: impl FnOnce(&Request<'_>) -> T) -> T {
        let repo = self.repo_in(below);
        let git = self.git_environment();
        let environment = Environment { home: Some(self.home.clone()), variables: BTreeMap::new() };
        let parsers: [&dyn LogParser; 1] = [&self.parser];
        let signature = Signature { identity: Identity::new("Me", "me@example.com"), time: self.now, offset: 0 };
        run(&Request {
            repo: &repo,
            config: &repo.config(&git).unwrap(),
            git: &git,
            environment: &environment,
            parsers: &parsers,
            redactor: &self.redactor,
            signature: &signature,
            deadline: Instant::now() + self.patience,
        })
    }

    /// A session as the ledger of a branch has it.
    pub fn stored(&self, branch: &str, session: &str) -> Option<StoredSession> {
        let repo = self.repo();
        let ledgers = Ledgers::one(LedgerView::open(&repo, &LedgerRef::local(&name(branch))).unwrap()?);
        let sid = Sid::new(self.parser.name, session);
        let key = ledgers.find(sid.into()).unwrap().first().copied()?;
        ledgers.session(key).unwrap()
    }

    /// The events of a stored session, as its ledger has them.
    pub fn stored_text(&self, branch: &str, session: &str) -> String {
        let repo = self.repo();
        let view = LedgerView::open(&repo, &LedgerRef::local(&name(branch))).unwrap().unwrap();
        let stored = self.stored(branch, session).unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut Ledgers::one(view).text(&stored).unwrap(), &mut text).unwrap();
        text
    }

    pub fn tip(&self, branch: &str) -> Option<Oid> {
        self.repo().read_ref(LedgerRef::local(&name(branch)).to_ref().unwrap().name()).unwrap()
    }

    pub fn private(&self) -> PathBuf {
        self.repo().private_dir()
    }
}

pub fn name(branch: &str) -> BranchName {
    BranchName::new(branch).unwrap()
}

/// The sessions that were tied, each with its commit and the kind of evidence.
pub fn links(captured: &Captured) -> Vec<(Sid, Oid, crate::ledger::EvidenceKind)> {
    captured.links.iter().map(|link| (link.session.sid, link.commit, link.evidence.kind)).collect()
}

impl Log {
    pub fn add(&self, record: &Value) -> &Self {
        self.add_text(&format!("{record}\n"))
    }

    pub fn add_text(&self, text: &str) -> &Self {
        let mut all = fs::read_to_string(&self.path).unwrap();
        let _ = write!(all, "{text}");
        fs::write(&self.path, all).unwrap();
        self
    }

    pub fn say(&self, t: i64, text: &str) -> &Self {
        self.add(&json!({ "t": t, "say": text }))
    }

    pub fn edit(&self, t: i64, path: &Path, line: &str) -> &Self {
        self.add(&json!({ "t": t, "edit": path, "add": line }))
    }

    pub fn touch(&self, seconds: i64) {
        let time = std::time::UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs());
        fs::File::options().write(true).open(&self.path).unwrap().set_modified(time).unwrap();
    }
}
