//! Bare repositories of our own, beside those of the user: for one pair of eyes, and never mistaken for his.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use super::{Error, GitEnvironment, ObjectFormat, Repo, Result};

/// What a bare repository has at least (gitrepository-layout(5)).
const FOLDERS: [&str; 4] = ["objects/info", "objects/pack", "refs/heads", "refs/tags"];
const HEAD: &str = "ref: refs/heads/main\n";

fn config(format: ObjectFormat) -> &'static str {
    match format {
        ObjectFormat::Sha1 => "[core]\n\trepositoryformatversion = 0\n\tbare = true\n",
        ObjectFormat::Sha256 => {
            "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n"
        }
    }
}

impl Repo {
    /// Opens the bare repository at exactly this path; `None` if there is nothing. What `environment` says of another
    /// repository (`GIT_DIR`) does not count.
    ///
    /// # Errors
    /// When there is something that is no repository, or that cannot be read.
    pub fn open_private(path: &Path, environment: &GitEnvironment) -> Result<Option<Self>> {
        match fs::symlink_metadata(path) {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(Error::io("read", path)(error)),
        }
        let mut environment = environment.elsewhere();
        // Exactly this, and nothing above it.
        environment.variables.insert("GIT_DIR".into(), path.into());
        Self::open(path, &environment).map(Some)
    }

    /// The same, and makes it if there is nothing: readable for its owner alone. Whole or not at all, and of several
    /// that make it at once one wins and all have it.
    ///
    /// # Errors
    /// As [`Repo::open_private`]; [`Error::Io`] if it cannot be made.
    pub fn make_private(path: &Path, environment: &GitEnvironment) -> Result<Self> {
        Self::make_private_of(ObjectFormat::Sha1, path, environment)
    }

    /// The same, with object ids of that kind if it is made.
    ///
    /// # Errors
    /// As [`Repo::make_private`].
    pub fn make_private_of(format: ObjectFormat, path: &Path, environment: &GitEnvironment) -> Result<Self> {
        if let Some(repo) = Self::open_private(path, environment)? {
            return Ok(repo);
        }
        let parent = path.parent().unwrap_or(path);
        make_folders(parent)?;
        let failed = Error::io("make the repository", path);
        let mut builder = tempfile::Builder::new();
        // Its owner's alone from the first moment on.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let draft = builder.prefix(".new-").tempdir_in(parent).map_err(Error::io("make a folder in", parent))?;
        for folder in FOLDERS {
            fs::create_dir_all(draft.path().join(folder)).map_err(Error::io("make the repository", path))?;
        }
        for (name, text) in [("config", config(format)), ("HEAD", HEAD)] {
            fs::write(draft.path().join(name), text).map_err(Error::io("make the repository", path))?;
        }
        match fs::rename(draft.path(), path) {
            Ok(()) => {
                // The name is what was made: there is nothing left to be removed under the other one.
                drop(draft.keep());
                File::open(parent).and_then(|folder| folder.sync_all()).map_err(failed)?;
            }
            Err(error) if matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists) => {}
            Err(error) => return Err(failed(error)),
        }
        let opened = Self::open_private(path, environment)?;
        opened.ok_or_else(|| Error::NotARepository { path: path.to_path_buf() })
    }
}

fn make_folders(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(Error::io("make the folder", path))
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;
    use super::*;

    #[test]
    fn a_private_repository_is_made_once_and_is_its_owners_alone() {
        let sandbox = Sandbox::bare_home();
        let path = sandbox.home().join("data/opensession/store.git");
        let environment = sandbox.environment(&[("GIT_DIR", "/nowhere")]);
        assert!(Repo::open_private(&path, &environment).unwrap().is_none());
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (path, environment) = (path.clone(), environment.clone());
                std::thread::spawn(move || Repo::make_private(&path, &environment).map(drop))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
        let repo = Repo::open_private(&path, &environment).unwrap().unwrap();
        assert!(repo.workdir().is_none());
        assert_eq!(sandbox.git_in(&path, &["rev-parse", "--is-bare-repository"]), "true");
        let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            for folder in [path.as_path(), path.parent().unwrap()] {
                assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o77, 0, "{}", folder.display());
            }
        }
    }

    #[test]
    fn what_is_no_repository_is_not_taken_for_one() {
        let sandbox = Sandbox::bare_home();
        let path = sandbox.home().join("store.git");
        fs::write(&path, "a file").unwrap();
        assert!(Repo::make_private(&path, &sandbox.environment(&[])).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"a file");
    }
}
