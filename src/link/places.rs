//! Where on this machine a path of a log lies, seen from the repository.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::PathHash;

/// How many of the missing folders of a path are tried as the root of a removed worktree.
const GUESSES: usize = 4;

/// How many folders a [`Locator`] remembers.
const REMEMBERED: usize = 4096;

/// The worktrees of one repository: those that are there, and those that once were.
#[derive(Debug, Clone, Default)]
pub struct Worktrees {
    /// Roots, canonical.
    pub present: Vec<PathBuf>,
    /// Roots of worktrees that were seen earlier and are gone, canonical as they were then.
    pub former: Vec<PathBuf>,
    /// The user's home folder: what `~` stands for.
    pub home: Option<PathBuf>,
}

/// A file or folder in a worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The root of the worktree.
    pub worktree: PathHash,
    /// The path from the root. More than one where the folder is gone: it may have been in a worktree
    /// of its own, and then the path began below that one.
    pub paths: Vec<PathHash>,
}

/// A folder in a worktree: the root, the way down from there, and how many of its last parts are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The root of the worktree.
    pub root: PathBuf,
    /// The path from the root.
    pub below: PathBuf,
    /// How many of its last parts do not exist.
    pub missing: usize,
}

/// Finds places, and remembers folders that were asked for before.
#[derive(Debug)]
pub struct Locator<'a> {
    worktrees: &'a Worktrees,
    folders: HashMap<PathBuf, Option<Located>>,
}

impl Worktrees {
    /// The longest root that a canonical path is in.
    fn root_of(&self, path: &Path) -> Option<&Path> {
        let roots = self.present.iter().chain(&self.former).filter(|root| path.starts_with(root));
        roots.max_by_key(|root| root.components().count()).map(PathBuf::as_path)
    }

    /// The folder with its symbolic links followed, as far as it exists, and how many parts do not.
    /// `None` if it is not absolute.
    pub fn canonical(&self, folder: &Path) -> Option<(PathBuf, usize)> {
        let folder = self.absolute(folder)?;
        for (missing, ancestor) in folder.ancestors().enumerate() {
            if let Ok(real) = fs::canonicalize(ancestor) {
                let rest = folder.strip_prefix(ancestor).ok()?;
                return Some((if missing == 0 { real } else { real.join(rest) }, missing));
            }
        }
        None
    }

    /// The path without `.` and `..`, `~` being the home folder.
    fn absolute(&self, path: &Path) -> Option<PathBuf> {
        let path = match (path.strip_prefix("~"), &self.home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path.to_owned(),
        };
        if !path.is_absolute() {
            return None;
        }
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => _ = plain.pop(),
                part => plain.push(part),
            }
        }
        Some(plain)
    }
}

impl<'a> Locator<'a> {
    /// A locator for the worktrees of one repository.
    pub fn new(worktrees: &'a Worktrees) -> Self {
        Self { worktrees, folders: HashMap::new() }
    }

    /// Where a folder is; `None` if it is in no worktree.
    pub fn folder(&mut self, folder: &Path) -> Option<&Located> {
        if !self.folders.contains_key(folder) {
            if self.folders.len() >= REMEMBERED {
                self.folders.clear();
            }
            self.folders.insert(folder.to_owned(), self.locate(folder));
        }
        self.folders.get(folder)?.as_ref()
    }

    fn locate(&self, folder: &Path) -> Option<Located> {
        let (real, missing) = self.worktrees.canonical(folder)?;
        let root = self.worktrees.root_of(&real)?;
        let below = real.strip_prefix(root).ok()?;
        let missing = missing.min(below.components().count());
        Some(Located { root: root.to_owned(), below: below.to_owned(), missing })
    }

    /// Where a file is that a log names, from the folder the agent was in; `None` if it is in no worktree.
    pub fn file(&mut self, path: &Path, cwd: Option<&Path>) -> Option<Place> {
        let path = match cwd {
            Some(cwd) if path.is_relative() && !path.starts_with("~") => &cwd.join(path),
            _ => path,
        };
        let name = path.file_name()?;
        let Located { root, below, missing } = self.folder(path.parent()?)?;
        let kept = below.components().count() - missing;
        let mut paths = vec![PathHash::of_path(&below.join(name))];
        for first in (kept + 1..=below.components().count()).take(GUESSES) {
            let guess: PathBuf = below.components().skip(first).collect();
            paths.push(PathHash::of_path(&guess.join(name)));
        }
        Some(Place { worktree: PathHash::of_path(root), paths })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Machine {
        _folder: tempfile::TempDir,
        worktrees: Worktrees,
        base: PathBuf,
    }

    fn machine() -> Machine {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let base = fs::canonicalize(folder.path()).expect("a real path");
        fs::create_dir_all(base.join("repo/src/deep")).expect("folders");
        fs::create_dir_all(base.join("repo/trees/wt")).expect("folders");
        fs::create_dir_all(base.join("other")).expect("folders");
        let worktrees = Worktrees {
            present: vec![base.join("repo"), base.join("repo/trees/wt")],
            former: vec![base.join("gone")],
            home: Some(base.clone()),
        };
        Machine { _folder: folder, worktrees, base }
    }

    fn paths(machine: &Machine, file: &str, cwd: &str) -> Option<(PathHash, Vec<PathHash>)> {
        let mut locator = Locator::new(&machine.worktrees);
        locator.file(&machine.base.join(file), Some(&machine.base.join(cwd))).map(|place| (place.worktree, place.paths))
    }

    fn of(paths: &[&str]) -> Vec<PathHash> {
        paths.iter().map(|path| PathHash::of(path.as_bytes())).collect()
    }

    #[test]
    fn a_file_is_named_from_the_root_of_its_worktree() {
        let machine = machine();
        let repo = PathHash::of_path(&machine.base.join("repo"));
        let wt = PathHash::of_path(&machine.base.join("repo/trees/wt"));
        assert_eq!(paths(&machine, "repo/src/a.rs", ""), Some((repo, of(&["src/a.rs"]))));
        assert_eq!(paths(&machine, "repo/src/../b.rs", ""), Some((repo, of(&["b.rs"]))));
        assert_eq!(paths(&machine, "repo/trees/wt/src/a.rs", "").map(|found| found.0), Some(wt));
        assert_eq!(paths(&machine, "other/a.rs", ""), None);
        assert_eq!(paths(&machine, "repository/a.rs", ""), None, "a longer name is another folder");
    }

    #[test]
    fn a_relative_path_begins_where_the_agent_was() {
        let machine = machine();
        let mut locator = Locator::new(&machine.worktrees);
        let cwd = machine.base.join("repo/src");
        let place = locator.file(Path::new("deep/a.rs"), Some(&cwd)).expect("in the repository");
        assert_eq!(place.paths, of(&["src/deep/a.rs"]));
        assert_eq!(locator.file(Path::new("deep/a.rs"), None), None);
        let home = locator.file(Path::new("~/repo/src/a.rs"), None).expect("in the repository");
        assert_eq!(home.paths, of(&["src/a.rs"]));
    }

    #[test]
    fn a_file_in_a_removed_folder_may_have_been_in_a_worktree_there() {
        let machine = machine();
        let repo = PathHash::of_path(&machine.base.join("repo"));
        let expected = of(&["trees/old/src/a.rs", "src/a.rs", "a.rs"]);
        assert_eq!(paths(&machine, "repo/trees/old/src/a.rs", ""), Some((repo, expected)));
    }

    #[test]
    fn a_worktree_that_was_known_is_known_when_it_is_gone() {
        let machine = machine();
        let gone = PathHash::of_path(&machine.base.join("gone"));
        let found = paths(&machine, "gone/src/a.rs", "").expect("in the worktree that was");
        assert_eq!((found.0, found.1.first().copied()), (gone, Some(PathHash::of(b"src/a.rs"))));
    }

    #[cfg(unix)]
    #[test]
    fn symbolic_links_on_the_way_are_followed() {
        let machine = machine();
        std::os::unix::fs::symlink(machine.base.join("repo"), machine.base.join("link")).expect("a link");
        let repo = PathHash::of_path(&machine.base.join("repo"));
        assert_eq!(paths(&machine, "link/src/a.rs", ""), Some((repo, of(&["src/a.rs"]))));
        assert_eq!(paths(&machine, "link/new/a.rs", "").map(|found| found.1), Some(of(&["new/a.rs", "a.rs"])));
    }
}
