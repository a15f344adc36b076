//! Where a page is written: outside of every work tree, for its reader alone.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use git_opensession::hail::Digest;
use tempfile::NamedTempFile;

use crate::context::Context;
use crate::report::Failure;
use crate::terminal::Output;

/// Pages that nobody has made again for so long are removed from the cache.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Where a page goes.
pub enum Place {
    Stdout,
    /// A file that the user named.
    Named(PathBuf),
    /// A file in the cache.
    Cache(PathBuf),
}

impl Place {
    /// `out` is what the user asked for; `about` what the page is about.
    ///
    /// # Errors
    /// When there is no folder for it.
    pub fn new(context: &Context, out: Option<&Path>, about: &str) -> Result<Self, Failure> {
        match out {
            Some(path) if path.as_os_str() == "-" => Ok(Self::Stdout),
            Some(path) => Ok(Self::Named(context.cwd.join(path))),
            None => {
                let folder = folder(context)?;
                remove_old(&folder, context);
                Ok(Self::Cache(folder.join(name(context, about))))
            }
        }
    }

    /// Makes sure that the page does not take the place of what it shows.
    ///
    /// # Errors
    /// When it would.
    pub fn keep_off(&self, source: &Path) -> Result<(), Failure> {
        let Self::Named(page) = self else { return Ok(()) };
        match (fs::canonicalize(page), fs::canonicalize(source)) {
            (Ok(page), Ok(of_source)) if page == of_source => Err(Failure::OverLog { log: source.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Writes the page with `write`; where it is, unless that is standard output. The file is there whole, or not at
    /// all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(
        &self,
        stdout: &mut Output,
        write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<Option<PathBuf>, Failure> {
        let path = match self {
            Self::Stdout => return stdout.write(|out, _| write(out)).map(|()| None),
            Self::Named(path) | Self::Cache(path) => path,
        };
        let failed = |source| Failure::Write { path: path.clone(), source };
        let mut draft = self.draft(path).map_err(failed)?;
        let mut out = BufWriter::with_capacity(1 << 20, draft.as_file_mut());
        write(&mut out).and_then(|()| out.flush()).map_err(failed)?;
        drop(out);
        draft.persist(path).map_err(|error| failed(error.error))?;
        Ok(Some(path.clone()))
    }

    /// A file of the cache is its owner's alone; one that was asked for is like any other file of his.
    fn draft(&self, path: &Path) -> io::Result<NamedTempFile> {
        let mut draft = tempfile::Builder::new();
        #[cfg(unix)]
        if matches!(self, Self::Named(_)) {
            use std::os::unix::fs::PermissionsExt as _;
            draft.permissions(fs::Permissions::from_mode(0o666));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        draft.prefix(".opensession-").tempfile_in(folder.unwrap_or(Path::new(".")))
    }
}

/// The folder for pages in the user's cache; or, where that is inside the work tree (a repository of the home
/// folder), a temporary one.
fn folder(context: &Context) -> Result<PathBuf, Failure> {
    let below_home = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    let cache = context.environment.folder("XDG_CACHE_HOME", below_home).filter(|cache| cache.is_absolute());
    let repo = context.repo().ok();
    let work_tree = repo.as_ref().and_then(|repo| repo.workdir());
    let is_outside = |folder: &PathBuf| work_tree.is_none_or(|work_tree| !folder.starts_with(work_tree));
    let folder = match cache.filter(is_outside) {
        Some(cache) => cache.join("opensession").join("view"),
        None => tempfile::Builder::new().prefix("opensession-").tempdir().map_err(Failure::Scratch)?.keep(),
    };
    make(&folder).map_err(|source| Failure::Write { path: folder.clone(), source })?;
    Ok(folder)
}

fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A name that tells the page to its reader, and is another for what is called the same elsewhere.
fn name(context: &Context, about: &str) -> String {
    const LONGEST: usize = 48;
    let place = context.repo().map(|repo| repo.common_dir().to_owned()).unwrap_or_default();
    let digest = Digest::of(format!("{}\n{about}", place.display()).as_bytes()).to_string();
    let plain = about.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    let words = plain.collect::<String>();
    let words = words.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    let short: String = words.chars().take(LONGEST).collect();
    format!("{short}-{}.html", digest.get(..8).unwrap_or_default())
}

/// A page is made again in a moment; what is in it should not lie about for ever.
fn remove_old(folder: &Path, context: &Context) {
    let Ok(seconds) = u64::try_from(context.now.seconds()) else { return };
    let Some(oldest) = (SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).checked_sub(KEPT) else { return };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_page = path.extension().is_some_and(|extension| extension == "html");
        let is_old = |file: &fs::Metadata| file.is_file() && file.modified().is_ok_and(|at| at < oldest);
        if is_page && fs::symlink_metadata(&path).as_ref().is_ok_and(is_old) {
            // It may be somebody else's by now, or gone: then it is not ours to remove.
            let _ = fs::remove_file(&path);
        }
    }
}
