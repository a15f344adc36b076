//! Which file of the repository an edit was of.
//!
//! A session has the paths of the machine it ran on, with the home folder made neutral. Where the worktree was on that
//! machine is told by what both know: the files that the link between session and commit names, which are paths of the
//! repository; and the folders the agent was in, one of which is the root or below it.

use std::collections::BTreeMap;

use super::trail::Edit;
use crate::ledger::Evidence;

/// Where the roots of the worktrees were that a session worked in, as its text spells them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Roots {
    known: Vec<String>,
    folders: Vec<String>,
}

impl Roots {
    /// Of a session that made these edits, was in these folders, and is tied to commits by this evidence.
    pub fn of<'e>(edits: &[Edit], folders: &[String], evidence: impl IntoIterator<Item = &'e Evidence>) -> Self {
        let mut votes: BTreeMap<String, usize> = BTreeMap::new();
        let files: Vec<&str> = evidence.into_iter().flat_map(|evidence| &evidence.files).map(String::as_str).collect();
        let mut paths: Vec<String> = edits.iter().map(|edit| plain(&edit.path)).collect();
        paths.sort_unstable();
        paths.dedup();
        for path in &paths {
            // A longer name says more: `a/mod.rs` is not the `mod.rs` of the root.
            let found = files.iter().filter_map(|file| Some((root_before(path, file)?, file.len())));
            if let Some((root, _)) = found.max_by_key(|(_, length)| *length) {
                *votes.entry(root.to_owned()).or_default() += 1;
            }
        }
        let folders: Vec<String> = folders.iter().map(|folder| plain(folder)).collect();
        let holds = |root: &str| folders.is_empty() || folders.iter().any(|folder| is_below(folder, root));
        let mut roots: Vec<(usize, String)> =
            votes.into_iter().filter(|(root, _)| holds(root)).map(|(root, count)| (count, root)).collect();
        roots.sort_unstable_by(|a, b| b.cmp(a));
        Self { known: roots.into_iter().map(|(_, root)| root).collect(), folders }
    }

    /// Whether a path that an edit names is that file of the repository.
    pub fn inside(&self, path: &str, wanted: &str) -> bool {
        let path = plain(path);
        if path == wanted {
            return true;
        }
        let Some(root) = root_before(&path, wanted) else { return false };
        if self.known.is_empty() {
            // Nothing is known of the roots: one that an agent's folder is in, or is.
            return self.folders.iter().any(|folder| is_below(folder, root));
        }
        self.known.iter().any(|known| known == root)
    }

    /// The path from the root, of a file below any of the roots.
    pub fn relative(&self, path: &str) -> Option<String> {
        let path = plain(path);
        // Where nothing else is known, the folder that the agent began in.
        let guess = self.folders.first().filter(|_| self.known.is_empty());
        let below = self.known.iter().chain(guess).find_map(|root| path.strip_prefix(root.as_str())?.strip_prefix('/'));
        below.map(str::to_owned)
    }
}

/// With `/` between the parts, whatever machine it is from.
fn plain(path: &str) -> String {
    path.replace('\\', "/").trim_end_matches('/').trim_start_matches("./").to_owned()
}

/// What is before `/file` in a path that ends with it.
fn root_before<'p>(path: &'p str, file: &str) -> Option<&'p str> {
    path.strip_suffix(file)?.strip_suffix('/')
}

fn is_below(folder: &str, root: &str) -> bool {
    folder == root || folder.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{edit, evidence};
    use super::*;

    #[test]
    fn the_root_is_told_by_the_files_that_link_and_session_both_name() {
        let edits = ["~/p/src/mod.rs", "~/p/mod.rs", "/tmp/mod.rs"].map(|path| edit(1, path, &["+a"]));
        let roots = Roots::of(&edits, &["~/p/sub".to_owned()], [&evidence(&["src/mod.rs", "mod.rs"])]);
        let inside = |path, wanted| roots.inside(path, wanted);
        assert!(inside("~/p/src/mod.rs", "src/mod.rs") && inside("~/p/mod.rs", "mod.rs"));
        assert!(!inside("~/p/src/mod.rs", "mod.rs"), "that is another file");
        assert!(!inside("/tmp/mod.rs", "mod.rs"), "that is elsewhere");
        assert_eq!(roots.relative("~/p/x/y").as_deref(), Some("x/y"));
    }

    #[test]
    fn without_evidence_a_folder_of_the_agent_is_in_the_root() {
        let roots = Roots::of(&[edit(1, "C:\\w\\p\\src\\a.rs", &["+a"])], &["C:\\w\\p\\sub".to_owned()], []);
        assert!(roots.inside("C:\\w\\p\\src\\a.rs", "src/a.rs"));
        assert!(!roots.inside("C:\\w\\p\\src\\a.rs", "a.rs"));
        assert!(roots.inside("src/a.rs", "src/a.rs"), "as it is");
    }
}
