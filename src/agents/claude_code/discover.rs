//! Where Claude Code keeps its logs, and which files belong to one session.
//!
//! `<config>/projects/<slug>/<session id>.jsonl`, and beside it, for subagents,
//! `<session id>/subagents/agent-<id>.jsonl` with `agent-<id>.meta.json`, or the same one folder
//! further down in `workflows/<name>/`. Up to 2.0.x subagents lie in the slug's folder itself.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use crate::agents::files::{Entry, entries, is_folder, logs_below, mtime};
use crate::agents::together::each;
use crate::agents::{Environment, LogFile};

/// The folders `projects` of each configuration: `$CLAUDE_CONFIG_DIR` (a list with commas), else
/// `~/.claude` and `~/.config/claude`.
pub(super) fn roots(environment: &Environment) -> Vec<PathBuf> {
    let configurations = match environment.variable("CLAUDE_CONFIG_DIR") {
        Some(list) => listed(list, environment.home.as_deref()),
        None => environment
            .home
            .iter()
            .flat_map(|home| [home.join(".claude"), home.join(".config").join("claude")])
            .collect(),
    };
    let mut roots = Vec::new();
    for root in configurations.into_iter().map(|folder| folder.join("projects")) {
        if !roots.contains(&root) {
            roots.push(root);
        }
    }
    roots
}

fn listed(list: &OsStr, home: Option<&Path>) -> Vec<PathBuf> {
    let Some(text) = list.to_str() else { return vec![PathBuf::from(list)] };
    let below_home = |path: &str| match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    };
    text.split(',').map(str::trim).filter(|path| !path.is_empty()).map(below_home).collect()
}

/// Every log below the roots, in no order.
pub(super) fn logs(roots: &[PathBuf]) -> Vec<LogFile> {
    // Two configurations may be one folder.
    let mut visited = HashSet::new();
    let is_new = |root: &&PathBuf| root.canonicalize().is_ok_and(|real| visited.insert(real));
    let roots = roots.iter().filter(is_new).map(|root| (root.clone(), Folder::Projects)).collect();
    // The logs whose sessions have a folder, too: few of the many.
    let mut with_folders = HashSet::new();
    let logs = logs_below(roots, |entry, folder| match folder {
        Folder::Projects if entry.leads_to_folder() => Entry::Folder(Folder::Slug),
        Folder::Slug if is_session(entry.name()) => Entry::Log,
        Folder::Slug if entry.leads_to_folder() => {
            let mut log = entry.path().into_os_string();
            log.push(SUFFIX);
            with_folders.insert(PathBuf::from(log));
            Entry::Other
        }
        _ => Entry::Other,
    });
    if with_folders.is_empty() {
        return logs;
    }
    let (whole, mut logs): (Vec<_>, _) = logs.into_iter().partition(|log| with_folders.contains(&log.path));
    logs.extend(each(whole, with_agents));
    logs
}

/// A folder that is listed.
enum Folder {
    /// The root: a folder for each folder that the agent was started in.
    Projects,
    /// One of those.
    Slug,
}

/// A session's log together with the files of its subagents.
fn with_agents(mut log: LogFile) -> LogFile {
    for file in agent_files_below(&log.path.with_extension("").join("subagents")) {
        if let Ok(metadata) = fs::metadata(&file)
            && metadata.is_file()
        {
            log.size += metadata.len();
            log.mtime = log.mtime.max(mtime(&metadata));
        }
    }
    log
}

/// How the name of a log ends.
const SUFFIX: &str = ".jsonl";

/// Whether a name is that of a session's log, and not of a subagent's. By its bytes: there may be thousands.
fn is_session(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.len() > SUFFIX.len() && name.ends_with(SUFFIX.as_bytes()) && !name.starts_with(b"agent-")
}

/// The subagents' files of a session, by the agent's id.
pub(super) fn agent_files(log: &Path) -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    for path in agent_files_below(&log.with_extension("").join("subagents")) {
        if let Some(id) = agent_id(&path) {
            files.entry(id).or_insert(path);
        }
    }
    files
}

/// The files `agent-*.jsonl` of a folder `subagents` and of the workflows below it, sorted.
fn agent_files_below(folder: &Path) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    for entry in entries(folder) {
        if entry.file_name() == "workflows" {
            for workflow in entries(&entry.path()).into_iter().filter(is_folder) {
                files.extend(entries(&workflow.path()).iter().map(DirEntry::path));
            }
        }
        files.insert(entry.path());
    }
    files.retain(|path| agent_id(path).is_some());
    files
}

/// The agent's id in the name of its file. Helpers of compaction (`acompact-`) are no agents.
fn agent_id(path: &Path) -> Option<String> {
    let id = path.file_name()?.to_str()?.strip_prefix("agent-")?.strip_suffix(".jsonl")?;
    (is_plain(id) && !id.starts_with("acompact-")).then(|| id.to_owned())
}

/// Whether an id may become part of a file name.
pub(super) fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Where up to 2.0.x the file of an agent lies: beside its parent's log.
pub(super) fn agent_file_beside(log: &Path, id: &str) -> Option<PathBuf> {
    is_plain(id).then(|| log.with_file_name(format!("agent-{id}.jsonl"))).filter(|path| path.is_file())
}

/// All subagents' files beside a log, whosever they are, by the agent's id.
pub(super) fn agent_files_beside(log: &Path) -> BTreeMap<String, PathBuf> {
    let folder = log.parent().map(entries).unwrap_or_default();
    folder.iter().map(DirEntry::path).filter_map(|path| Some((agent_id(&path)?, path))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(home: &Path, config: Option<&str>) -> Environment {
        let variables = config.map(|value| ("CLAUDE_CONFIG_DIR".into(), value.into()));
        Environment { home: Some(home.to_owned()), variables: variables.into_iter().collect() }
    }

    fn put(path: &Path, bytes: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn sorted(roots: &[PathBuf]) -> Vec<LogFile> {
        let mut logs = logs(roots);
        logs.sort_by(|one, other| one.path.cmp(&other.path));
        logs
    }

    #[test]
    fn the_configured_folders_come_instead_of_the_usual_ones() {
        let usual = roots(&environment(Path::new("/h"), None));
        assert_eq!(usual, [Path::new("/h/.claude/projects"), Path::new("/h/.config/claude/projects")]);
        let configured = roots(&environment(Path::new("/h"), Some("/a, ~/b,,/a")));
        assert_eq!(configured, [Path::new("/a/projects"), Path::new("/h/b/projects")]);
        assert_eq!(roots(&environment(Path::new("/h"), Some(""))), usual);
        assert!(roots(&Environment::default()).is_empty());
    }

    #[test]
    fn a_log_counts_its_subagents_and_they_are_no_logs() {
        let home = tempfile::tempdir().unwrap();
        let slug = home.path().join(".claude/projects/-r");
        put(&slug.join("s1.jsonl"), "1234");
        put(&slug.join("s1/subagents/agent-a1.jsonl"), "12");
        put(&slug.join("s1/subagents/agent-acompact-1.jsonl"), "1234567");
        put(&slug.join("s1/subagents/agent-a1.meta.json"), "{}");
        put(&slug.join("s1/subagents/workflows/w/agent-a2.jsonl"), "1");
        put(&slug.join("s1/subagents/workflows/w/journal.jsonl"), "123");
        put(&slug.join("s1/tool-results/x.txt"), "123");
        put(&slug.join("s2.jsonl"), "");
        put(&slug.join("s2/tool-results/x.txt"), "123");
        put(&slug.join("agent-old.jsonl"), "123");
        put(&slug.join("gone/subagents/agent-b.jsonl"), "123");
        put(&slug.join("notes.txt"), "123");
        let found = sorted(&roots(&environment(home.path(), None)));
        let sizes: Vec<_> =
            found.iter().map(|log| (log.path.file_name().unwrap().to_str().unwrap(), log.size)).collect();
        assert_eq!(sizes, [("s1.jsonl", 7), ("s2.jsonl", 0)]);
        let agents: Vec<_> = agent_files(&slug.join("s1.jsonl")).into_keys().collect();
        assert_eq!(agents, ["a1", "a2"]);
        let beside: Vec<_> = agent_files_beside(&slug.join("s1.jsonl")).into_keys().collect();
        assert_eq!(beside, ["old"]);
        assert_eq!(agent_file_beside(&slug.join("s1.jsonl"), "../s1"), None);
    }

    #[test]
    fn of_many_logs_each_is_listed_once_and_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let slug = home.path().join(".claude/projects/-r");
        (0..600).for_each(|n| put(&slug.join(format!("s{n:03}.jsonl")), "1"));
        let root = roots(&environment(home.path(), None));
        let before = sorted(&root);
        assert_eq!(before.len(), 600);
        assert!(before.is_sorted_by(|a, b| a.path < b.path), "none is there twice");
        put(&slug.join("s421.jsonl"), "12");
        fs::remove_file(slug.join("s007.jsonl")).unwrap();
        put(&slug.with_file_name("-new").join("s600.jsonl"), "");
        let after = sorted(&root);
        let sizes = |size| after.iter().filter(|log| log.size == size).count();
        assert_eq!((sizes(0), sizes(1), sizes(2), after.len()), (1, 598, 1, 600));
    }

    #[cfg(unix)]
    #[test]
    fn links_to_logs_are_logs_and_devices_and_pipes_are_none() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        use std::os::unix::fs::symlink;
        let home = tempfile::tempdir().unwrap();
        let slug = home.path().join(".claude/projects/-r");
        put(&slug.join("real.jsonl"), "1");
        symlink(slug.join("real.jsonl"), slug.join("link.jsonl")).unwrap();
        symlink("/dev/zero", slug.join("zero.jsonl")).unwrap();
        symlink(slug.join("none"), slug.join("dangling.jsonl")).unwrap();
        mknodat(CWD, slug.join("fifo.jsonl"), FileType::Fifo, Mode::RWXU, 0).unwrap();
        fs::create_dir(slug.join("folder.jsonl")).unwrap();
        fs::create_dir(home.path().join(".config")).unwrap();
        symlink(home.path().join(".claude"), home.path().join(".config/claude")).unwrap();
        let found = sorted(&roots(&environment(home.path(), None)));
        let names: Vec<_> = found.iter().map(|log| log.path.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["link.jsonl", "real.jsonl"], "and each once, though two roots are one folder");
    }
}
