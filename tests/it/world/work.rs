//! What is done in a world again and again: a session's work, a hook, a look at what is stored.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Answer, ClaudeLog, World};

impl World {
    /// A session writes a file, and it is committed. The id of the commit.
    pub fn work(&self, session: &str, file: &str) -> String {
        let content = format!("the work of {session}\nin {file}\n");
        ClaudeLog::new(session, self.repo(), -60)
            .prompt(&format!("write {file}"))
            .write(file, &content)
            .answer("It is written.")
            .save(self);
        self.commit(file, &content, &format!("add {file}"))
    }

    /// `git push origin main`.
    pub fn push(&self) -> Answer {
        self.git(self.repo(), ["push", "-q", "origin", "main"])
    }

    /// The titles of the sessions in all ledgers of a repository, sorted.
    #[track_caller]
    pub fn titles(&self, repository: impl AsRef<Path>) -> Vec<String> {
        let list = self.os_in(repository, ["log", "--json"]).json();
        let sessions = list["sessions"].as_array().expect("a list of sessions");
        let mut titles: Vec<_> =
            sessions.iter().map(|session| session["title"].as_str().unwrap_or_default().to_owned()).collect();
        titles.sort();
        titles
    }

    /// A script, or any other file, that may be run. Another process writes it: one that this process
    /// still had open for writing while another test starts a program could not be run at that moment.
    pub fn program(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = path.as_ref();
        let draft = tempfile::NamedTempFile::new_in(self.path("tmp")).expect("a draft");
        fs::write(draft.path(), content).expect("a draft");
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        self.run("install", self.root(), ["-m".as_ref(), "755".as_ref(), draft.path().as_os_str(), path.as_os_str()])
            .ok();
        path.to_owned()
    }

    /// The pre-push hook of the repository.
    pub fn hook(&self) -> PathBuf {
        self.repo().join(".git/hooks/pre-push")
    }

    /// Sets up the hook, the mode and the default remote.
    pub fn fix(&self) -> Answer {
        self.os(["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"])
    }

    /// The same with a hook file, whatever git is here.
    pub fn fix_with_a_file(&self) -> Answer {
        self.os(["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref", "--hook", "file"])
    }

    /// Has the hook that is installed, in whatever way, call another program.
    pub fn call(&self, program: &str) {
        const KEY: &str = "hook.opensession.command";
        let other = |text: String| {
            let changed = text.replacen(env!("CARGO_BIN_EXE_git-opensession"), program, 1);
            assert_ne!(changed, text, "the path of the program is in the hook");
            changed
        };
        if let Ok(hook) = fs::read_to_string(self.hook()) {
            self.program(self.hook(), other(hook));
        } else {
            let command = self.git(self.repo(), ["config", KEY]).ok();
            self.git(self.repo(), ["config", KEY, other(command).trim_end()]).ok();
        }
    }

    /// Takes all of that out again.
    pub fn uninstall(&self) -> Answer {
        self.os(["doctor", "--uninstall", "--yes"])
    }
}

/// The folder in which Claude Code keeps the logs of sessions in a folder.
pub fn claude_folder(world: &World, cwd: impl AsRef<Path>) -> PathBuf {
    let slug: String = cwd.as_ref().to_string_lossy().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let folder = world.home().join(".claude/projects").join(slug);
    fs::create_dir_all(&folder).expect("folders");
    folder
}
