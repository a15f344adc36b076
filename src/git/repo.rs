//! A repository: finding it, and where its parts lie.

use std::fs;
use std::path::{Path, PathBuf};

use super::backend::{Backend, Opened, libgit2, plumbing};
use super::config::{ConfigFile, parse_bool};
use super::object::LargeTrees;
use super::{BranchName, Error, GitEnvironment, RefName, Result};

/// An open repository. Cheap to open, and for one thread: another opens its own.
pub struct Repo {
    pub(super) backend: Box<dyn Backend>,
    git_dir: PathBuf,
    common_dir: PathBuf,
    workdir: Option<PathBuf>,
    pub(super) large_trees: LargeTrees,
}

impl Repo {
    /// Opens the repository that the folder `start` is in, as git would with `start` as the current folder:
    /// `GIT_DIR`, `GIT_WORK_TREE`, `GIT_CEILING_DIRECTORIES`, `GIT_DISCOVERY_ACROSS_FILESYSTEM`,
    /// `GIT_OBJECT_DIRECTORY` and `GIT_ALTERNATE_OBJECT_DIRECTORIES` (for reading) are honoured.
    ///
    /// # Errors
    /// [`Error::NotARepository`]; [`Error::NotOwned`] unless `safe.directory` allows it; [`Error::Unsupported`] for
    /// unknown extensions, and a `GIT_COMMON_DIR` of its own.
    pub fn open(start: &Path, environment: &GitEnvironment) -> Result<Self> {
        let opened = match libgit2::open(start, environment) {
            Err(Error::Unsupported { .. }) => plumbing::open(start, environment)?,
            opened => opened?,
        };
        Self::of(opened, start, environment)
    }

    /// Opens it by the user's own git, whatever libgit2 could do.
    #[cfg(test)]
    pub(super) fn open_by_plumbing(start: &Path, environment: &GitEnvironment) -> Result<Self> {
        Self::of(plumbing::open(start, environment)?, start, environment)
    }

    fn of(opened: Opened, start: &Path, environment: &GitEnvironment) -> Result<Self> {
        let Opened { backend, git_dir, common_dir, workdir } = opened;
        let repo = Self { backend, git_dir, common_dir, workdir, large_trees: LargeTrees::default() };
        repo.check_common_dir(start, environment)?;
        Ok(repo)
    }

    /// The folder that all worktrees of this repository share (`.git` of the main one).
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The git folder of this worktree.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The folder that relative addresses of remotes are below.
    pub fn base(&self) -> &Path {
        self.workdir().unwrap_or_else(|| self.git_dir())
    }

    /// The root of this worktree; `None` in a bare repository.
    pub fn workdir(&self) -> Option<&Path> {
        self.workdir.as_deref()
    }

    /// The roots of all worktrees of this repository, main and linked, that exist: canonical, sorted. A few small
    /// files are read, no other repository is opened.
    ///
    /// # Errors
    /// [`Error::Io`] if the list of linked worktrees cannot be read.
    pub fn worktrees(&self) -> Result<Vec<PathBuf>> {
        let others = self.worktree_dirs()?.into_iter().filter_map(|(root, _)| root);
        let roots: Vec<PathBuf> = self.workdir.iter().cloned().chain(others).collect();
        let mut roots: Vec<_> = roots.iter().filter_map(|root| root.canonicalize().ok()).collect();
        roots.sort();
        roots.dedup();
        Ok(roots)
    }

    /// Whether history is cut off (`git clone --depth`).
    pub fn is_shallow(&self) -> bool {
        fs::metadata(self.common_dir.join("shallow")).is_ok_and(|file| file.len() > 0)
    }

    /// The folder of this project in the common git folder: `<common>/opensession`. It may not exist yet.
    pub fn private_dir(&self) -> PathBuf {
        self.common_dir().join("opensession")
    }

    /// The branch HEAD names, whether it has commits or not.
    pub(super) fn head_branch(&self) -> Option<BranchName> {
        self.backend.symbolic_target(&RefName::head()).ok()??.branch()
    }

    /// The root (if known) and git folder of every worktree, main and linked.
    pub(super) fn worktree_dirs(&self) -> Result<Vec<(Option<PathBuf>, PathBuf)>> {
        let own = (self.git_dir() == self.common_dir()).then(|| self.workdir().map(Path::to_path_buf)).flatten();
        let mut dirs = vec![(own.or_else(|| self.main_worktree()), self.common_dir().to_path_buf())];
        let folder = self.common_dir().join("worktrees");
        match fs::read_dir(&folder) {
            Ok(linked) => {
                for entry in linked {
                    let entry = entry.map_err(Error::io("list", &folder))?.path();
                    // The path of the worktree's `.git` file, a relative one (worktree.useRelativePaths) from here.
                    let Ok(link) = fs::read(entry.join("gitdir")) else { continue };
                    let link = entry.join(String::from_utf8_lossy(link.trim_ascii()).as_ref());
                    dirs.push((link.parent().map(Path::to_path_buf), entry));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("list", &folder)(error)),
        }
        Ok(dirs)
    }

    /// The root of the main worktree, as far as its git folder tells.
    fn main_worktree(&self) -> Option<PathBuf> {
        if let Some(path) = local_value(&self.common_dir, "core.worktree") {
            return Some(self.common_dir().join(path));
        }
        let bare = local_value(&self.common_dir, "core.bare").is_some_and(|bare| parse_bool(&bare) == Some(true));
        let root = self.common_dir().parent().filter(|_| self.common_dir().ends_with(".git"))?;
        (!bare).then(|| root.to_path_buf())
    }

    fn check_common_dir(&self, start: &Path, environment: &GitEnvironment) -> Result<()> {
        let Some(wanted) = environment.path("GIT_COMMON_DIR", start) else { return Ok(()) };
        if wanted.canonicalize().ok() == self.common_dir().canonicalize().ok() {
            return Ok(());
        }
        Err(Error::Unsupported {
            what: format!("GIT_COMMON_DIR={}", wanted.display()),
            advice: "unset it: the git folder knows its common folder",
        })
    }
}

/// A value of the main worktree's own configuration, where `core.bare` and `core.worktree` belong.
pub(super) fn local_value(common_dir: &Path, key: &str) -> Option<String> {
    ["config.worktree", "config"].into_iter().find_map(|name| {
        let file = ConfigFile::parse(fs::read(common_dir.join(name)).ok()?).ok()?;
        let entry = file.entries().iter().rfind(|entry| entry.key == key)?;
        Some(entry.value.clone().unwrap_or_else(|| "true".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Sandbox, in_every_kind};
    use super::*;

    in_every_kind!(
        a_repository_of_the_future_is_refused_with_what_to_do,
        a_repository_is_found_from_below_and_not_beyond_a_ceiling,
        a_bare_repository_has_no_worktree,
        linked_worktrees_share_refs_and_know_each_other,
        a_submodule_is_a_repository_of_its_own,
        git_dir_and_work_tree_are_taken_from_the_environment,
        objects_of_a_quarantine_are_readable,
        a_shallow_clone_is_known_as_one,
        #[cfg(unix)]
        a_repository_of_somebody_else_is_refused_unless_it_is_safe,
    );

    fn canonical(path: &Path) -> PathBuf {
        path.canonicalize().unwrap()
    }

    fn a_repository_is_found_from_below_and_not_beyond_a_ceiling() {
        let sandbox = Sandbox::new();
        let below = sandbox.path().join("a/b");
        fs::create_dir_all(&below).unwrap();
        let repo = sandbox.open_in(&below);
        assert_eq!(repo.workdir(), Some(canonical(&sandbox.path()).as_path()));
        assert_eq!(canonical(repo.git_dir()), canonical(&sandbox.path().join(".git")));
        assert_eq!(repo.git_dir(), repo.common_dir());
        assert_eq!(repo.private_dir(), repo.common_dir().join("opensession"));
        let outside = sandbox.home().join("none");
        fs::create_dir(&outside).unwrap();
        for path in [outside.as_path(), Path::new("/does/not/exist")] {
            let opened = sandbox.try_open(path, &[]);
            assert!(matches!(opened, Err(Error::NotARepository { path: named }) if named == path));
        }
        let ceiling = canonical(&sandbox.path().join("a"));
        let limited = [("GIT_CEILING_DIRECTORIES", ceiling.to_str().unwrap())];
        assert!(matches!(sandbox.try_open(&canonical(&below), &limited), Err(Error::NotARepository { .. })));
    }

    fn a_bare_repository_has_no_worktree() {
        let sandbox = Sandbox::bare_home();
        sandbox.git_in(sandbox.home(), &["init", "-q", "--bare", "bare.git"]);
        let repo = sandbox.open_in(&sandbox.home().join("bare.git"));
        assert_eq!(repo.workdir(), None);
        assert!(repo.worktrees().unwrap().is_empty());
        sandbox.git_in(sandbox.home(), &["init", "-q", "--bare", "x/.git"]);
        assert!(sandbox.open_in(&sandbox.home().join("x/.git")).worktrees().unwrap().is_empty());
    }

    fn linked_worktrees_share_refs_and_know_each_other() {
        let sandbox = Sandbox::new();
        sandbox.commit_file("a", "1");
        for relative in ["--no-relative-paths", "--relative-paths"] {
            // Older gits have no such option, and absolute paths.
            let name = relative.trim_start_matches('-');
            let added =
                sandbox.command(&sandbox.path(), &["worktree", "add", "-q", relative, &format!("../{name}")]).output();
            if !added.unwrap().status.success() {
                sandbox.git(&["worktree", "add", "-q", &format!("../{name}")]);
            }
        }
        sandbox.git(&["worktree", "add", "-q", "../gone"]);
        fs::remove_dir_all(sandbox.home().join("gone")).unwrap();
        let linked = sandbox.home().join("relative-paths");
        let mut roots =
            [sandbox.path(), linked.clone(), sandbox.home().join("no-relative-paths")].map(|path| canonical(&path));
        roots.sort();
        let exported = sandbox.git_in(&linked, &["rev-parse", "--absolute-git-dir"]);
        for repo in [
            sandbox.open(),
            sandbox.open_in(&linked),
            // As in a hook: GIT_DIR is exported, the current folder is the root.
            sandbox.try_open(&linked, &[("GIT_DIR", &exported)]).unwrap(),
        ] {
            assert_eq!(repo.worktrees().unwrap(), roots);
            assert_eq!(canonical(repo.common_dir()), canonical(&sandbox.path().join(".git")));
        }
        let repo = sandbox.open_in(&linked);
        assert_eq!(repo.workdir(), Some(canonical(&linked).as_path()));
        assert_eq!(repo.head_branch().unwrap().to_string(), "relative-paths");
        assert_eq!(sandbox.open().head_branch().unwrap().to_string(), "main");
    }

    fn a_submodule_is_a_repository_of_its_own() {
        let sandbox = Sandbox::new();
        sandbox.commit_file("a", "1");
        sandbox.git_in(sandbox.home(), &["init", "-q", "-b", "main", "super"]);
        let folder = sandbox.home().join("super");
        let add = ["-c", "protocol.file.allow=always", "submodule", "add", "-q", "../repo", "sub"];
        sandbox.git_in(&folder, &add);
        let root = canonical(&folder.join("sub"));
        let git_dir = folder.join(".git/modules/sub");
        let from_hook = [("GIT_DIR", git_dir.to_str().unwrap())];
        for repo in [sandbox.open_in(&root), sandbox.try_open(&root, &from_hook).unwrap()] {
            assert_eq!(repo.workdir(), Some(root.as_path()));
            assert_eq!(canonical(repo.common_dir()), canonical(&git_dir));
            assert_eq!(repo.worktrees().unwrap(), std::slice::from_ref(&root));
        }
    }

    fn git_dir_and_work_tree_are_taken_from_the_environment() {
        let sandbox = Sandbox::new();
        let elsewhere = sandbox.home().join("elsewhere");
        fs::create_dir_all(elsewhere.join("deep")).unwrap();
        let open = |start: &Path, variables: &[(&str, &str)]| sandbox.try_open(start, variables).unwrap();
        let root = |repo: &Repo| repo.workdir().map(Path::to_path_buf);
        let repo = open(&elsewhere, &[("GIT_DIR", "../repo/.git")]);
        assert_eq!(root(&repo), Some(canonical(&elsewhere)), "the current folder, as in git");
        let repo = open(&elsewhere, &[("GIT_DIR", "../repo/.git"), ("GIT_WORK_TREE", "deep")]);
        assert_eq!(root(&repo), Some(canonical(&elsewhere.join("deep"))));
        fs::create_dir(sandbox.path().join("sub")).unwrap();
        let repo = open(&sandbox.path().join("sub"), &[("GIT_DIR", "../.git")]);
        assert_eq!(root(&repo), Some(canonical(&sandbox.path())));
        let none = sandbox.try_open(&elsewhere, &[("GIT_DIR", "../none")]);
        assert!(matches!(none, Err(Error::NotARepository { .. })));
        // It is a repository, but not at that very place.
        let below = sandbox.try_open(&elsewhere, &[("GIT_DIR", "../repo/.git/objects")]);
        assert!(matches!(below, Err(Error::NotARepository { .. })));
        let common = sandbox.try_open(&sandbox.path(), &[("GIT_COMMON_DIR", "/tmp")]);
        assert!(matches!(common, Err(Error::Unsupported { what, .. }) if what.starts_with("GIT_COMMON_DIR")));
    }

    fn objects_of_a_quarantine_are_readable() {
        let sandbox = Sandbox::new();
        let objects = sandbox.home().join("quarantine");
        fs::create_dir(&objects).unwrap();
        let mut command = sandbox.command(&sandbox.path(), &["hash-object", "-w", "--stdin"]);
        let oid = super::super::testing::run(command.env("GIT_OBJECT_DIRECTORY", &objects), b"x").parse().unwrap();
        assert!(!sandbox.open().has(oid).unwrap());
        let variables = [("GIT_OBJECT_DIRECTORY", objects.to_str().unwrap())];
        let repo = sandbox.try_open(&sandbox.path(), &variables).unwrap();
        assert_eq!(repo.blob(oid, 10).unwrap(), b"x");
    }

    fn a_repository_of_the_future_is_refused_with_what_to_do() {
        let sandbox = Sandbox::new();
        sandbox.git(&["config", "core.repositoryFormatVersion", "1"]);
        for (name, said) in [("fromTheFuture", "extensions.fromthefuture"), ("compatObjectFormat", "extensions.compat")]
        {
            let other = if sandbox.oid("12").as_bytes().len() == 20 { "sha256" } else { "sha1" };
            sandbox.git(&["config", &format!("extensions.{name}"), other]);
            let opened = sandbox.try_open(&sandbox.path(), &[]).err().unwrap();
            let expected = format!("this repository uses {said}");
            assert!(opened.to_string().starts_with(&expected), "{opened}");
            assert!(matches!(opened, Error::Unsupported { .. }));
            // git itself will not touch it any more.
            let config = fs::read_to_string(sandbox.path().join(".git/config")).unwrap();
            let without: Vec<_> = config.lines().filter(|line| !line.contains(name)).collect();
            fs::write(sandbox.path().join(".git/config"), without.join("\n")).unwrap();
        }
    }

    fn a_shallow_clone_is_known_as_one() {
        let sandbox = Sandbox::new();
        sandbox.commit_file("a", "1");
        sandbox.commit_file("a", "2");
        let url = format!("file://{}", sandbox.path().display());
        sandbox.git_in(sandbox.home(), &["clone", "-q", "--depth=1", &url, "shallow"]);
        assert!(sandbox.open_in(&sandbox.home().join("shallow")).is_shallow());
        assert!(!sandbox.open().is_shallow());
    }

    #[cfg(unix)]
    fn a_repository_of_somebody_else_is_refused_unless_it_is_safe() {
        let sandbox = Sandbox::new();
        let git_dir = sandbox.path().join(".git");
        // Only root can give files away; elsewhere there is no repository of somebody else to try.
        if std::os::unix::fs::chown(&git_dir, Some(12_345), None).is_err() {
            return;
        }
        std::os::unix::fs::chown(sandbox.path(), Some(12_345), None).unwrap();
        let opened = sandbox.try_open(&sandbox.path(), &[]).err().unwrap();
        assert!(matches!(opened, Error::NotOwned { .. }), "{opened}");
        assert!(opened.to_string().contains("git config --global --add safe.directory"));
        let allowed = [("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "safe.directory"), ("GIT_CONFIG_VALUE_0", "*")];
        let repo = sandbox.try_open(&sandbox.path(), &allowed).unwrap();
        assert_eq!(repo.workdir(), Some(canonical(&sandbox.path()).as_path()));
        assert_eq!(repo.head_branch().unwrap().to_string(), "main");
    }
}
