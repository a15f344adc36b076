//! What is put into a person's own folders, once for all repositories: the link that scripts of OpenSession 0.2.x
//! call, and the man page that `git opensession --help` shows.
//!
//! Only what is known to be ours is ever replaced or removed: a link to a file with our binary's name, a man page that
//! begins with our mark. What is somebody else's is left, and said so.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The first line of a man page of ours.
pub const MANUAL_MARK: &str = ".\\\" git-opensession(1), put here by `git opensession doctor --fix`";

/// The name of the binary, to which a link of ours leads.
const BINARY: &str = "git-opensession";

/// What belongs into a person's folders, and what is needed to know its places.
#[derive(Debug, Clone, Copy)]
pub struct Belongings<'a> {
    /// The home folder.
    pub home: Option<&'a Path>,
    /// This program, by its real path.
    pub binary: &'a Path,
    /// The text of the man page, without our mark.
    pub manual: &'a str,
}

/// How something that belongs there is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// There is no place for it that is the person's own.
    NoPlace,
    /// It is not there.
    Absent(PathBuf),
    /// It is there.
    Present(PathBuf),
    /// It is ours, and of another version or for a binary that has moved.
    Stale(PathBuf),
    /// There is something that is not ours.
    Foreign(PathBuf),
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Make the link, in place of one of ours.
    Link {
        /// Where.
        at: PathBuf,
        /// What it leads to.
        to: PathBuf,
    },
    /// Write the man page.
    Manual {
        /// Where.
        at: PathBuf,
        /// All of it.
        text: String,
    },
    /// Remove what is ours, and the folders above it that are empty then.
    Remove(PathBuf),
}

impl Belongings<'_> {
    /// How the link is there: `~/.local/share/opensession/bin/opensession`.
    pub fn link(&self) -> State {
        let Some(at) = self.home.map(|home| home.join(".local/share/opensession/bin/opensession")) else {
            return State::NoPlace;
        };
        if !cfg!(unix) {
            return State::NoPlace;
        }
        match (fs::symlink_metadata(&at), fs::read_link(&at)) {
            (Err(error), _) if error.kind() == io::ErrorKind::NotFound => State::Absent(at),
            (_, Ok(to)) if to == self.binary => State::Present(at),
            (_, Ok(to)) if to.file_name().is_some_and(|name| name == BINARY) => State::Stale(at),
            _ => State::Foreign(at),
        }
    }

    /// How the man page is there: beside the folder of the binary, where `man` looks for the pages of a program that
    /// is on the path.
    pub fn manual(&self) -> State {
        let Some(at) = self.manual_place() else { return State::NoPlace };
        match fs::read_to_string(&at) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::Absent(at),
            Ok(text) if text == self.manual_text() => State::Present(at),
            Ok(text) if text.starts_with(MANUAL_MARK) => State::Stale(at),
            _ => State::Foreign(at),
        }
    }

    /// Below the home folder only, and only for a program in a `bin`: the folders of the system are not ours to write.
    fn manual_place(&self) -> Option<PathBuf> {
        let folder = self.binary.parent().filter(|folder| folder.file_name().is_some_and(|name| name == "bin"))?;
        let prefix = folder.parent()?;
        let home = self.home?.canonicalize().ok()?;
        let is_own = prefix.starts_with(&home) && !prefix.metadata().ok()?.permissions().readonly();
        is_own.then(|| prefix.join("share/man/man1/git-opensession.1"))
    }

    fn manual_text(&self) -> String {
        format!("{MANUAL_MARK}\n{}", self.manual)
    }

    /// What is missing, or not as it should be.
    pub fn plan_install(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        if let State::Absent(at) | State::Stale(at) = self.link() {
            changes.push(Change::Link { at, to: self.binary.to_owned() });
        }
        changes.extend(self.plan_manual());
        changes
    }

    /// The man page alone.
    pub fn plan_manual(&self) -> Option<Change> {
        match self.manual() {
            State::Absent(at) | State::Stale(at) => Some(Change::Manual { at, text: self.manual_text() }),
            _ => None,
        }
    }

    /// What of it is ours to take out.
    pub fn plan_removal(&self) -> Vec<Change> {
        let states = [self.link(), self.manual()].into_iter();
        states
            .filter_map(|state| match state {
                State::Present(at) | State::Stale(at) => Some(Change::Remove(at)),
                _ => None,
            })
            .collect()
    }
}

impl Change {
    /// Where it is done.
    pub fn place(&self) -> &Path {
        match self {
            Self::Link { at, .. } | Self::Manual { at, .. } | Self::Remove(at) => at,
        }
    }

    /// Does it. What is replaced is replaced at once: there is no moment without it.
    ///
    /// # Errors
    /// When the file system does not let it.
    pub fn apply(&self, home: Option<&Path>) -> io::Result<()> {
        match self {
            Self::Link { at, to } => in_place_of(at, |draft| link(to, draft)),
            Self::Manual { at, text } => in_place_of(at, |draft| fs::write(draft, text)),
            Self::Remove(at) => {
                fs::remove_file(at)?;
                let mut folders = at.ancestors().skip(1).take_while(|folder| Some(*folder) != home);
                // The first that is not empty is somebody's, and so are those above it.
                while folders.next().is_some_and(|folder| fs::remove_dir(folder).is_ok()) {}
                Ok(())
            }
        }
    }
}

/// Makes a draft beside a file and moves it there.
fn in_place_of(at: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let folder = at.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let drafts = tempfile::Builder::new().prefix(".opensession-").tempdir_in(folder)?;
    let draft = drafts.path().join("draft");
    make(&draft)?;
    fs::rename(&draft, at)
}

#[cfg(unix)]
fn link(to: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    struct Home {
        folder: TempDir,
        root: PathBuf,
        binary: PathBuf,
    }

    impl Home {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let root = folder.path().canonicalize().expect("it is there");
            let binary = root.join(".cargo/bin/git-opensession");
            fs::create_dir_all(root.join(".cargo/bin")).expect("folders");
            fs::write(&binary, "").expect("a file");
            Self { folder, root, binary }
        }

        fn belongings<'a>(&'a self, manual: &'a str) -> Belongings<'a> {
            Belongings { home: Some(&self.root), binary: &self.binary, manual }
        }

        fn apply(&self, changes: &[Change]) {
            assert!(self.folder.path().exists());
            for change in changes {
                change.apply(Some(&self.root)).expect("it can be done");
            }
        }
    }

    #[test]
    fn what_is_put_in_is_kept_up_to_date_and_taken_out_again() {
        let mut home = Home::new();
        let changes = home.belongings("one").plan_install();
        assert_eq!(changes.len(), 2);
        home.apply(&changes);
        let page = home.root.join(".cargo/share/man/man1/git-opensession.1");
        assert!(fs::read_to_string(&page).expect("a page").ends_with("\none"));
        assert!(home.belongings("one").plan_install().is_empty());
        // A newer version, and a binary that has moved.
        home.binary = home.root.join(".local/bin/git-opensession");
        let changes = home.belongings("two").plan_install();
        assert!(matches!(changes.as_slice(), [Change::Link { .. }, ..]), "{changes:?}");
        home.binary = home.root.join(".cargo/bin/git-opensession");
        home.apply(&home.belongings("two").plan_install());
        assert!(fs::read_to_string(&page).expect("a page").ends_with("\ntwo"));
        home.apply(&home.belongings("three").plan_removal());
        let left: Vec<_> =
            fs::read_dir(&home.root).expect("the home").flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(left, [".cargo"]);
        assert!(!home.root.join(".cargo/share").exists() && home.binary.exists());
    }

    #[test]
    fn what_is_somebody_elses_is_left() {
        let home = Home::new();
        let (link, page) = (
            home.root.join(".local/share/opensession/bin/opensession"),
            home.root.join(".cargo/share/man/man1/git-opensession.1"),
        );
        for place in [&link, &page] {
            fs::create_dir_all(place.parent().expect("a folder")).expect("folders");
            fs::write(place, "mine").expect("a file");
        }
        let belongings = home.belongings("x");
        assert_eq!((belongings.link(), belongings.manual()), (State::Foreign(link.clone()), State::Foreign(page)));
        assert!(belongings.plan_install().is_empty() && belongings.plan_removal().is_empty());
        fs::remove_file(&link).expect("it is there");
        std::os::unix::fs::symlink("/opt/opensession-0.2/bin/opensession", &link).expect("a link");
        assert_eq!(belongings.link(), State::Foreign(link));
    }

    #[test]
    fn the_folders_of_the_system_are_not_written() {
        let home = Home::new();
        let elsewhere = |binary: &str| Belongings { binary: Path::new(binary), ..home.belongings("x") }.manual();
        assert_eq!(elsewhere("/usr/bin/git-opensession"), State::NoPlace);
        let built = home.root.join("code/target/debug/git-opensession");
        assert_eq!(elsewhere(&built.to_string_lossy()), State::NoPlace);
        assert_eq!(Belongings { home: None, ..home.belongings("x") }.link(), State::NoPlace);
    }
}
