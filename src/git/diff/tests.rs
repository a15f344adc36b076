use super::super::testing::{Sandbox, in_every_kind};
use super::*;

in_every_kind!(
    changes_and_added_lines_are_those_git_shows,
    a_file_that_was_only_moved_adds_no_line,
    a_merge_says_so_and_adds_no_line,
    limits_leave_out_and_say_so,
    at_the_boundary_of_a_shallow_clone_nothing_is_claimed,
    in_a_partial_clone_what_is_not_here_is_left_out_and_never_fetched,
    two_trees_are_compared_without_reading_what_they_share,
);

/// What `git show` marks with `+`: path, line number, text.
fn added_by_git(sandbox: &Sandbox, commit: Oid) -> Vec<(String, u32, String)> {
    let shown = sandbox.git(&[
        "-c",
        "core.quotePath=false",
        "show",
        "--first-parent",
        "--format=",
        "-U0",
        "--no-renames",
        "--no-ext-diff",
        "--ignore-submodules",
        &commit.to_string(),
    ]);
    let (mut path, mut number, mut link, mut found) = (String::new(), 0, false, Vec::new());
    for line in shown.lines() {
        if let Some(name) = line.strip_prefix("+++ b/") {
            path = name.trim_end_matches('\t').to_owned();
        } else if line.starts_with("diff --git") {
            (link, number) = (false, 0);
        } else if line.contains("mode 120000") || line.ends_with(" 120000") {
            link = true;
        } else if let Some(hunk) = line.strip_prefix("@@ ") {
            let start = hunk.split('+').nth(1).unwrap().split([',', ' ']).next().unwrap();
            number = start.parse().unwrap();
        } else if let Some(text) = line.strip_prefix('+').filter(|_| number > 0) {
            if !link {
                found.push((path.clone(), number, text.trim_end_matches('\r').to_owned()));
            }
            number += 1;
        }
    }
    found
}

fn added(repo: &Repo, commit: Oid) -> Vec<(String, u32, String)> {
    let found = repo.added_lines(commit, DiffLimits::default()).unwrap();
    assert!(!found.truncated);
    let lines = found.files.into_iter().flat_map(|file| {
        let path = String::from_utf8(file.path).unwrap();
        file.lines.into_iter().map(move |line| (path.clone(), line.number, line.text))
    });
    lines.collect()
}

fn changed_by_git(sandbox: &Sandbox, commit: Oid) -> Vec<String> {
    let arguments = [
        "-c",
        "core.quotePath=false",
        "diff-tree",
        "-r",
        "--root",
        "--no-commit-id",
        "--no-renames",
        "--name-status",
        &commit.to_string(),
    ];
    sandbox.git(&arguments).lines().map(|line| line.replace("T\t", "M\t")).collect()
}

fn changed(repo: &Repo, commit: Oid) -> Vec<String> {
    let found = repo.changed_files(commit, DiffLimits::default()).unwrap();
    assert!(!found.changes.truncated && !found.merge);
    let line = |file: &ChangedFile| {
        let letter = match file.status {
            ChangeStatus::Added => 'A',
            ChangeStatus::Modified => 'M',
            ChangeStatus::Deleted => 'D',
        };
        format!("{letter}\t{}", String::from_utf8_lossy(&file.path))
    };
    found.changes.files.iter().map(line).collect()
}

fn changes_and_added_lines_are_those_git_shows() {
    let sandbox = Sandbox::new();
    let write = |path: &str, content: &[u8]| sandbox.write(path, content);
    write("a.txt", b"one\ntwo\nthree\nfour\nfive\n");
    write("dir/b.txt", b"x\r\ny\r\n");
    write("dir.txt", b"sorts before dir/");
    write("grün", "grün\n".as_bytes());
    write("bin", b"a\0b\n");
    write("empty", b"");
    let mut commits = vec![sandbox.commit_at("root", 1_700_000_000)];
    write("a.txt", b"zero\none\ntwo\n3\nfour\nfive\nsix");
    write("dir/b.txt", b"x\r\nz\r\ny\r\n");
    write("bin", b"a\0c\n");
    write("new/deep/er.txt", b"1\n2");
    std::fs::remove_file(sandbox.path().join("grün")).unwrap();
    commits.push(sandbox.commit_at("edit", 1_700_000_010));
    // A file becomes a folder, and a folder a file.
    std::fs::remove_file(sandbox.path().join("a.txt")).unwrap();
    write("a.txt/inner", b"inner\n");
    std::fs::remove_dir_all(sandbox.path().join("new")).unwrap();
    write("new", b"now a file\n");
    commits.push(sandbox.commit_at("kinds", 1_700_000_020));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("somewhere", sandbox.path().join("link")).unwrap();
        std::fs::remove_file(sandbox.path().join("dir.txt")).unwrap();
        std::os::unix::fs::symlink("elsewhere", sandbox.path().join("dir.txt")).unwrap();
        commits.push(sandbox.commit_at("links", 1_700_000_030));
    }
    sandbox.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{},sub", commits[0])]);
    sandbox.git(&["commit", "-q", "-m", "submodule"]);
    commits.push(sandbox.git(&["rev-parse", "HEAD"]).parse().unwrap());
    commits.push(sandbox.commit_at("nothing", 1_700_000_040));
    let repo = sandbox.open();
    for commit in commits {
        assert_eq!(changed(&repo, commit), changed_by_git(&sandbox, commit));
        let mut expected = added_by_git(&sandbox, commit);
        expected.sort_by(|one, two| one.0.cmp(&two.0));
        assert_eq!(added(&repo, commit), expected);
    }
}

fn a_file_that_was_only_moved_adds_no_line() {
    let sandbox = Sandbox::new();
    sandbox.commit_file("old", "a\nb\n");
    sandbox.git(&["mv", "old", "new"]);
    let commit = sandbox.commit_at("move", 1_700_000_010);
    assert_eq!(added(&sandbox.open(), commit), []);
    assert_eq!(changed(&sandbox.open(), commit), ["A\tnew", "D\told"]);
}

fn a_merge_says_so_and_adds_no_line() {
    let sandbox = Sandbox::new();
    sandbox.commit_file("a", "1\n");
    sandbox.git(&["checkout", "-q", "-b", "side"]);
    sandbox.commit_file("b", "2\n");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.git(&["merge", "-q", "--no-ff", "-m", "m", "side"]);
    let repo = sandbox.open();
    let merge = repo.rev_parse("HEAD").unwrap();
    let found = repo.changed_files(merge, DiffLimits::default()).unwrap();
    assert!(found.merge);
    assert_eq!(found.changes.files[0].path, b"b");
    assert_eq!(repo.added_lines(merge, DiffLimits::default()).unwrap(), CommitLines::default());
}

fn limits_leave_out_and_say_so() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "1234567890\n1234567890\n");
    sandbox.write("b", "1\n");
    sandbox.write("c", "1\n");
    let commit = sandbox.commit_at("m", 1_700_000_000);
    let repo = sandbox.open();
    let lines = |limits: DiffLimits| {
        let found = repo.added_lines(commit, limits).unwrap();
        let paths: Vec<_> = found.files.iter().map(|file| String::from_utf8_lossy(&file.path).into_owned()).collect();
        (paths.concat(), found.truncated)
    };
    let all = DiffLimits::default();
    assert_eq!(lines(all), ("abc".to_owned(), false));
    assert_eq!(lines(DiffLimits { file_size: 10, ..all }), ("bc".to_owned(), true));
    assert_eq!(lines(DiffLimits { files: 2, ..all }), ("ab".to_owned(), true));
    assert_eq!(lines(DiffLimits { bytes: 15, ..all }), ("bc".to_owned(), true), "a small one still fits");
}

fn at_the_boundary_of_a_shallow_clone_nothing_is_claimed() {
    let sandbox = Sandbox::new();
    sandbox.commit_file("a", "1\n");
    sandbox.commit_file("a", "2\n");
    let url = format!("file://{}", sandbox.path().display());
    sandbox.git_in(sandbox.home(), &["clone", "-q", "--depth=1", &url, "shallow"]);
    let repo = sandbox.open_in(&sandbox.home().join("shallow"));
    let found = repo.changed_files(repo.rev_parse("HEAD").unwrap(), DiffLimits::default()).unwrap();
    assert_eq!(found, CommitChanges { changes: Changes { files: Vec::new(), truncated: true }, merge: false });
}

fn in_a_partial_clone_what_is_not_here_is_left_out_and_never_fetched() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "uploadpack.allowFilter", "true"]);
    let commit = sandbox.commit_file("a", "1\n");
    let url = format!("file://{}", sandbox.path().display());
    sandbox.git_in(sandbox.home(), &["clone", "-q", "--no-checkout", "--filter=blob:none", &url, "partial"]);
    let repo = sandbox.open_in(&sandbox.home().join("partial"));
    assert_eq!(changed(&repo, commit), ["A\ta"]);
    let found = repo.added_lines(commit, DiffLimits::default()).unwrap();
    assert_eq!(found, CommitLines { files: Vec::new(), truncated: true });
    let blob = repo.lookup(repo.commit(commit).unwrap().tree, b"a").unwrap().unwrap().oid;
    assert!(!repo.has(blob).unwrap());
}

fn two_trees_are_compared_without_reading_what_they_share() {
    let sandbox = Sandbox::new();
    sandbox.write("same/x", "1");
    sandbox.write("other/y", "1");
    let old = sandbox.commit_at("old", 1_700_000_000);
    sandbox.write("other/y", "2");
    let new = sandbox.commit_at("new", 1_700_000_010);
    let repo = sandbox.open();
    let tree = |commit| repo.commit(commit).unwrap().tree;
    let shared = repo.lookup(tree(old), b"same").unwrap().unwrap().oid.to_string();
    std::fs::remove_file(repo.common_dir().join("objects").join(&shared[..2]).join(&shared[2..])).unwrap();
    let repo = sandbox.open();
    let found = repo.tree_changes(Some(tree(old)), Some(tree(new)), 10).unwrap();
    assert_eq!((found.files.len(), found.truncated), (1, false));
    assert!(repo.tree_changes(None, Some(tree(new)), 10).unwrap().truncated, "here it is needed, and not there");
}
