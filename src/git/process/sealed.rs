//! A sealed world for tests that run real git: an own home, no system configuration, no network.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::git::GitEnvironment;
use crate::git::process::GitProgram;

/// A folder with a home in it, and the environment of somebody who lives there.
pub(crate) struct World {
    dir: tempfile::TempDir,
    pub(crate) environment: GitEnvironment,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let home = root.join("home");
        std::fs::create_dir(&home).unwrap();
        let config = home.join(".gitconfig");
        // An odd configuration on purpose: nothing here may depend on the usual one.
        std::fs::write(
            &config,
            "[user]\n\tname = A U Thor\n\temail = author@example.com\n[init]\n\tdefaultBranch = main\n\
             [push]\n\tdefault = matching\n\tfollowTags = true\n\tgpgSign = if-asked\n\
             [fetch]\n\tprune = true\n\tpruneTags = true\n[color]\n\tui = always\n\
             [core]\n\tquotePath = false\n\tpager = false\n[protocol \"file\"]\n\tallow = always\n[gc]\n\tauto = 0\n",
        )
        .unwrap();
        let mut environment = GitEnvironment { home: Some(home.clone()), ..GitEnvironment::default() };
        for (name, value) in [
            ("PATH", std::env::var_os("PATH").unwrap()),
            ("HOME", home.into_os_string()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GIT_CONFIG_GLOBAL", config.into_os_string()),
            ("GIT_CEILING_DIRECTORIES", root.into_os_string()),
        ] {
            environment.variables.insert(name.into(), value);
        }
        Self { dir, environment }
    }

    /// A path in this world.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    /// Our git in a folder of this world.
    pub(crate) fn program(&self, folder: impl AsRef<Path>) -> GitProgram {
        GitProgram::new(&self.environment, folder.as_ref())
    }

    /// The user's git (no marks of ours), raw.
    pub(crate) fn raw_git<S: Into<OsString>>(
        &self,
        folder: impl AsRef<Path>,
        args: impl IntoIterator<Item = S>,
    ) -> Output {
        Command::new("git")
            .args(args.into_iter().map(Into::into))
            .current_dir(folder)
            .env_clear()
            .envs(&self.environment.variables)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The user's git, which must succeed; its output, trimmed. Arguments are split at spaces.
    pub(crate) fn git(&self, folder: impl AsRef<Path>, args: &str) -> String {
        let out = self.raw_git(folder, args.split(' '));
        assert!(out.status.success(), "git {args}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }

    /// A new repository with one commit.
    pub(crate) fn repository(&self, name: &str) -> PathBuf {
        self.git(self.path(""), &format!("init -q {name}"));
        let path = self.path(name);
        self.commit(&path, "one");
        path
    }

    /// An empty commit; its id.
    pub(crate) fn commit(&self, repository: &Path, message: &str) -> String {
        self.git(repository, &format!("commit -q --allow-empty -m {message}"));
        self.git(repository, "rev-parse HEAD")
    }

    /// A new bare repository.
    pub(crate) fn bare(&self, name: &str) -> PathBuf {
        self.git(self.path(""), &format!("init -q --bare {name}"));
        self.path(name)
    }

    /// An executable file. Written by another process: a file that this one has open for writing while
    /// another test's thread forks could not be executed ("text file busy").
    pub(crate) fn script(&self, path: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path("").join(path);
        let mut draft = tempfile::NamedTempFile::new_in(self.dir.path()).unwrap();
        std::io::Write::write_all(&mut draft, text.as_ref()).unwrap();
        draft.as_file().set_permissions(std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let done = Command::new("cp").arg("-p").arg(draft.path()).arg(&path).status().unwrap();
        assert!(done.success());
        path
    }

    /// Has another process write a file anew that this one wrote (see [`World::script`]).
    pub(crate) fn settle(&self, path: &Path) {
        if path.is_file() {
            let copy = self.path("settled");
            let done = Command::new("cp").arg("-p").args([path, copy.as_path()]).status().unwrap();
            assert!(done.success());
            std::fs::rename(copy, path).unwrap();
        }
    }
}
