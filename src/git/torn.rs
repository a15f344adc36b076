//! Ref files that hold no ref: what a disk that was full, or lost its power, may leave.

use std::fs;
use std::path::{Path, PathBuf};

use super::{RefName, Repo};

/// How many folders deep refs are looked for.
const DEPTH: usize = 16;

/// A ref whose file cannot be read as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornRef {
    /// The ref.
    pub name: RefName,
    /// Its file.
    pub file: PathBuf,
}

impl Repo {
    /// The refs below a prefix (`refs/opensession/branches/`) whose files hold no ref, sorted. [`Repo::refs`] passes over
    /// them, as git does; and neither writes anything in their place. In a reftable there are none.
    pub fn torn_refs(&self, prefix: &str) -> Vec<TornRef> {
        let (mut torn, mut folders) = (Vec::new(), vec![(self.common_dir().join(prefix), DEPTH)]);
        while let Some((folder, depth)) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && depth > 0 => folders.push((entry.path(), depth - 1)),
                    Ok(kind) if kind.is_file() => torn.extend(self.torn_ref(&entry.path())),
                    _ => {}
                }
            }
        }
        torn.sort_by(|one: &TornRef, two| one.name.cmp(&two.name));
        torn
    }

    fn torn_ref(&self, file: &Path) -> Option<TornRef> {
        let name = file.strip_prefix(self.common_dir()).ok()?.to_str()?;
        // What is no name of a ref, such as a lock, is none.
        let name = RefName::new(name).ok()?;
        self.read_ref(&name).is_err().then(|| TornRef { name, file: file.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Sandbox, in_every_kind};

    in_every_kind!(files_that_hold_no_ref_are_named);

    fn files_that_hold_no_ref_are_named() {
        let sandbox = Sandbox::new();
        sandbox.commit_file("a", "1");
        sandbox.git(&["update-ref", "refs/opensession/branches/a/b", "HEAD"]);
        sandbox.git(&["symbolic-ref", "refs/opensession/branches/gone", "refs/heads/gone"]);
        let repo = sandbox.open();
        let folder = repo.common_dir().join("refs/opensession/branches");
        assert_eq!(repo.torn_refs("refs/opensession/branches/"), []);
        if sandbox.kind().has_reftable() {
            return;
        }
        for (name, text) in [("a/c", ""), ("torn", "junk\n"), ("x.lock", "")] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let torn = repo.torn_refs("refs/opensession/branches/");
        let names: Vec<String> = torn.iter().map(|torn| torn.name.to_string()).collect();
        assert_eq!(names, ["refs/opensession/branches/a/c", "refs/opensession/branches/torn"]);
        assert_eq!(torn[0].file, folder.join("a/c"));
        assert_eq!(repo.torn_refs("refs/none/"), []);
    }
}
