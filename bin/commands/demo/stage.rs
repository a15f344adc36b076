//! The stage: a temporary folder that is the home of whoever plays (so that no path of it is ever stored), an environment with nothing of the user's, and the two programs that play.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use git_opensession::agents::Environment;
use tempfile::TempDir;

use crate::report::Stumble;

/// Writes down what is played.
pub struct Play<'a> {
    told: &'a mut String,
}

impl<'a> Play<'a> {
    pub fn new(told: &'a mut String) -> Self {
        Self { told }
    }

    pub fn say(&mut self, text: &str) {
        let _ = writeln!(self.told, "{text}");
    }

    pub fn command(&mut self, line: &str) {
        self.say(&format!("$ {line}"));
    }

    pub fn answer(&mut self, line: &str) {
        self.say(&format!("  {line}"));
    }

    pub fn answers(&mut self, text: &str) {
        for line in text.lines() {
            self.answer(line);
        }
    }
}

/// All bytes of all objects of a repository.
pub struct Everything {
    pub objects: usize,
    bytes: Vec<u8>,
}

impl Everything {
    /// Whether a text is in any of them.
    pub fn holds(&self, text: &str) -> bool {
        memchr::memmem::find(&self.bytes, text.as_bytes()).is_some()
    }
}

pub struct Stage {
    folder: Option<TempDir>,
    kept: Option<PathBuf>,
    root: PathBuf,
    environment: Environment,
    now: String,
}

impl Stage {
    pub fn new(environment: Environment, keep: bool) -> Result<Self, Stumble> {
        let made = tempfile::Builder::new().prefix("opensession-demo-").tempdir();
        let folder = made.map_err(|source| Stumble::File { path: std::env::temp_dir(), source })?;
        let root = folder.path().canonicalize();
        let root = root.map_err(|source| Stumble::File { path: folder.path().to_owned(), source })?;
        let (folder, kept) = if keep { (None, Some(folder.keep())) } else { (Some(folder), None) };
        Ok(Self { folder, kept, root, environment, now: String::new() })
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// Where it is kept, if it is.
    pub fn kept(&self) -> Option<&Path> {
        debug_assert!(self.folder.is_some() != self.kept.is_some(), "it is kept, or goes with this value");
        self.kept.as_deref()
    }

    /// Sets the clock.
    pub fn at(&mut self, now: &str) {
        now.clone_into(&mut self.now);
    }

    fn command(&self, program: OsString, folder: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path(folder)).stdin(Stdio::null()).env_clear();
        // What programs need to start at all, and nothing of the user's own.
        for name in ["PATH", "TMPDIR", "TMP", "TEMP", "SYSTEMROOT", "LD_LIBRARY_PATH"] {
            if let Some(value) = self.environment.variable(name) {
                command.env(name, value);
            }
        }
        command.env("HOME", &self.root).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.env("LC_ALL", "C").env("TZ", "UTC").env("NO_COLOR", "1").env("OPENSESSION_NOW", &self.now);
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Ann").env(format!("GIT_{role}_EMAIL"), "ann@example.com");
            command.env(format!("GIT_{role}_DATE"), &self.now);
        }
        command
    }

    /// Runs a program and gives all it says.
    fn run(mut command: Command, shown: &str) -> Result<Vec<u8>, Stumble> {
        let output = command.output().map_err(|source| Stumble::Start { command: shown.to_owned(), source })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Stumble::Failed { command: shown.to_owned(), said });
        }
        Ok([output.stderr, output.stdout].concat())
    }

    /// Runs git in a folder of the stage.
    pub fn git(&self, folder: &str, arguments: &[&str]) -> Result<String, Stumble> {
        let mut command = self.command("git".into(), folder);
        command.args(arguments);
        let said = Self::run(command, &format!("git {}", arguments.join(" ")))?;
        Ok(String::from_utf8_lossy(&said).into_owned())
    }

    /// Runs this very program in a folder of the stage.
    pub fn own(&self, folder: &str, arguments: &[&str]) -> Result<String, Stumble> {
        let shown = format!("git opensession {}", arguments.join(" "));
        let own = std::env::current_exe().map_err(|source| Stumble::Start { command: shown.clone(), source })?;
        let mut command = self.command(own.into(), folder);
        command.args(arguments);
        let said = Self::run(command, &shown)?;
        Ok(String::from_utf8_lossy(&said).into_owned())
    }

    /// Commits a file.
    pub fn commit(&self, folder: &str, file: &str, message: &str) -> Result<(), Stumble> {
        self.git(folder, &["add", "--", file])?;
        self.git(folder, &["commit", "-q", "-m", message])?;
        Ok(())
    }

    /// Reads all objects of a repository; what zstd packed is unpacked.
    pub fn everything_in(&self, folder: &str) -> Result<Everything, Stumble> {
        let list = self.git(folder, &["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"])?;
        let mut everything = Everything { objects: 0, bytes: Vec::new() };
        for oid in list.lines() {
            let mut command = self.command("git".into(), folder);
            command.args(["cat-file", "-p", oid]);
            let object = Self::run(command, "git cat-file")?;
            everything.objects += 1;
            everything.bytes.extend(zstd::decode_all(object.as_slice()).unwrap_or(object));
            everything.bytes.push(b'\n');
        }
        Ok(everything)
    }

    /// How many objects a ref reaches, and how many bytes they have.
    pub fn weight(&self, folder: &str, name: &str) -> Result<(usize, u64), Stumble> {
        let objects = self.git(folder, &["rev-list", "--objects", "--no-object-names", name])?;
        let mut bytes = 0;
        for oid in objects.lines() {
            bytes += self.git(folder, &["cat-file", "-s", oid])?.trim().parse::<u64>().unwrap_or_default();
        }
        Ok((objects.lines().count(), bytes))
    }
}
