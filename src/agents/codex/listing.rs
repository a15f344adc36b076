//! Where Codex keeps its logs. Only names and metadata are looked at: no log is opened.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::agents::files::{Entry, logs_below};
use crate::agents::{Environment, LogFile};

/// `sessions/YYYY/MM/DD/` is the deepest there is.
const DEEPEST: usize = 4;

/// `sessions` and `archived_sessions` below `$CODEX_HOME`, else below `~/.codex`.
pub(super) fn roots(environment: &Environment) -> Vec<PathBuf> {
    let home = environment.folder("CODEX_HOME", ".codex");
    home.map(|home| ["sessions", "archived_sessions"].map(|folder| home.join(folder)).to_vec()).unwrap_or_default()
}

/// Every log, in no order. The folder of a day says when a session began, not when it was last written: all of them are listed.
pub(super) fn logs(environment: &Environment) -> Vec<LogFile> {
    let roots = roots(environment).into_iter().map(|root| (root, DEEPEST)).collect();
    // A compressed log is written out plain again when it is used: then the plain one counts.
    let mut compressed = HashSet::new();
    let mut logs = logs_below(roots, |entry, deeper| match Name::of(entry.name()) {
        Name::Plain => Entry::Log,
        Name::Compressed => {
            compressed.insert(entry.path());
            Entry::Log
        }
        Name::Other if *deeper > 0 && entry.is_folder() => Entry::Folder(deeper - 1),
        Name::Other => Entry::Other,
    });
    if !compressed.is_empty() {
        compressed.retain(|path| fs::symlink_metadata(path.with_extension("")).is_ok());
        logs.retain(|log| !compressed.contains(&log.path));
    }
    logs
}

/// What a name says that a file is.
enum Name {
    Plain,
    Compressed,
    Other,
}

impl Name {
    fn of(name: &OsStr) -> Self {
        let name = name.as_encoded_bytes();
        match name.starts_with(b"rollout-") {
            true if name.ends_with(b".jsonl") => Self::Plain,
            true if name.ends_with(b".jsonl.zst") => Self::Compressed,
            _ => Self::Other,
        }
    }
}

/// Whether a log is compressed, by its name.
pub(super) fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zst"))
}

/// The id in a log's name, for a log that does not say it: `rollout-<time>-<id>.jsonl`.
pub(super) fn id_in_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.trim_end_matches(".zst").trim_end_matches(".jsonl");
    let id = stem.strip_prefix("rollout-").and_then(|rest| rest.get("YYYY-MM-DDTHH-MM-SS-".len()..));
    id.filter(|id| !id.is_empty()).unwrap_or(stem).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(home: &Path) -> Environment {
        Environment { home: Some(home.to_owned()), ..Environment::default() }
    }

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn logs_are_found_where_codex_keeps_them_and_nowhere_else() {
        let home = tempfile::tempdir().unwrap();
        let codex = home.path().join(".codex");
        for name in [
            "sessions/2026/01/02/rollout-a.jsonl",
            "sessions/2026/01/02/rollout-b.jsonl.zst",
            "sessions/2026/01/02/rollout-a.jsonl.zst",
            "archived_sessions/rollout-c.jsonl",
            "sessions/2026/01/02/notes.jsonl",
            "sessions/2026/01/02/rollout-d.json",
            "history.jsonl",
            "sessions/a/b/c/d/e/rollout-deep.jsonl",
        ] {
            write(&codex.join(name), "x");
        }
        let mut found = logs(&environment(home.path()));
        found.sort_by(|one, other| one.path.cmp(&other.path));
        let names: Vec<_> = found.iter().map(|log| log.path.strip_prefix(&codex).unwrap().to_str().unwrap()).collect();
        assert_eq!(
            names,
            [
                "archived_sessions/rollout-c.jsonl",
                "sessions/2026/01/02/rollout-a.jsonl",
                "sessions/2026/01/02/rollout-b.jsonl.zst"
            ]
        );
        assert!(found.iter().all(|log| log.size == 1));
    }

    #[test]
    fn codex_home_is_where_the_variable_says() {
        let mut environment = environment(Path::new("/home/a"));
        assert_eq!(roots(&environment)[0], Path::new("/home/a/.codex/sessions"));
        environment.variables.insert("CODEX_HOME".into(), "/elsewhere".into());
        assert_eq!(roots(&environment)[1], Path::new("/elsewhere/archived_sessions"));
        assert!(roots(&Environment::default()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_left_out() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let home = tempfile::tempdir().unwrap();
        let day = home.path().join(".codex/sessions/2026/01/01");
        fs::create_dir_all(day.join("rollout-folder.jsonl")).unwrap();
        mknodat(CWD, day.join("rollout-fifo.jsonl"), FileType::Fifo, Mode::RWXU, 0).unwrap();
        std::os::unix::fs::symlink("/dev/zero", day.join("rollout-zero.jsonl")).unwrap();
        std::os::unix::fs::symlink("/nowhere", day.join("rollout-gone.jsonl")).unwrap();
        assert_eq!(logs(&environment(home.path())), []);
    }

    #[test]
    fn the_id_is_the_end_of_the_name() {
        let name = Path::new("/x/rollout-2026-01-02T03-04-05-019d6cca-56cc-7850-9ca0-e841d6382a98.jsonl.zst");
        assert_eq!(id_in_name(name), "019d6cca-56cc-7850-9ca0-e841d6382a98");
        assert_eq!(id_in_name(Path::new("odd.jsonl")), "odd");
        assert_eq!(id_in_name(Path::new("rollout-é.jsonl")), "rollout-é");
    }
}
