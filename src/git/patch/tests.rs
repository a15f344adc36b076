use std::collections::BTreeMap;
use std::fs;

use super::super::testing::{Sandbox, in_every_kind};
use super::*;

in_every_kind!(
    ids_are_those_of_git,
    ids_of_many_made_changes_are_those_of_git,
    ids_do_not_depend_on_configuration_or_attributes,
    what_has_no_id,
    rewriting_does_not_change_an_id,
    lines_are_those_that_the_patch_has,
);

const TIME: i64 = 1_700_000_000;

/// The commits of all branches with the id that git gives to each; those without one are left out.
fn by_git(sandbox: &Sandbox) -> BTreeMap<String, String> {
    let commits = sandbox.git(&["rev-list", "--all", "--no-merges"]) + "\n";
    let options = [
        "-c",
        "core.quotePath=true",
        "-c",
        "diff.suppressBlankEmpty=false",
        "diff-tree",
        "--stdin",
        "-p",
        "--root",
        "--full-index",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        "--ignore-submodules=none",
    ];
    let patches = bytes(&mut sandbox.command(&sandbox.path(), &options), commits.as_bytes());
    let ids = bytes(&mut sandbox.command(&sandbox.path(), &["patch-id", "--stable"]), &patches);
    let ids = String::from_utf8(ids).unwrap();
    ids.lines().map(|line| line.split_once(' ').unwrap()).map(|(id, commit)| (commit.into(), id.into())).collect()
}

/// The exact output of a command.
fn bytes(command: &mut std::process::Command, input: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    use std::process::Stdio;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    output.stdout
}

fn id(repo: &Repo, commit: Oid) -> Option<PatchId> {
    repo.patch_of(commit, PatchLimits::default(), &mut |_| {}).unwrap()
}

/// Compares the ids of all commits with git's; gives how many there were.
fn compare(sandbox: &Sandbox) -> usize {
    let expected = by_git(sandbox);
    let repo = sandbox.open();
    let commits = sandbox.git(&["rev-list", "--all", "--no-merges"]);
    for commit in commits.lines() {
        let found = id(&repo, commit.parse().unwrap()).map(|id| id.to_string());
        let shown = || sandbox.git(&["show", "--stat", "--summary", commit]);
        assert_eq!(found.as_ref(), expected.get(commit), "{}", shown());
    }
    expected.len()
}

fn mode(sandbox: &Sandbox, path: &str, flag: &str) {
    sandbox.git(&["update-index", flag, path]);
}

fn line(number: u32) -> String {
    format!("line {number}\n")
}

fn ids_are_those_of_git() {
    let sandbox = Sandbox::new();
    let write = |path: &str, content: &[u8]| sandbox.write(path, content);
    let lines = |from: u32, to: u32| (from..to).map(line).collect::<Vec<_>>().concat();
    // A root commit with everything: text, CRLF, binary, empty, no line end, odd names.
    write("text", lines(0, 60).as_bytes());
    write("crlf", b"one\r\ntwo\r\nthree\r\n");
    write("bin", b"a\0b\n");
    write("empty", b"");
    write("no end", b"first\nlast");
    write("gr\u{fc}n \u{65e5}", "gr\u{fc}n\n".as_bytes());
    write("quote\"back\\slash", b"q\n");
    #[cfg(unix)]
    write("tab\tand\nline\u{7f}", b"t\n");
    write("dir.x", b"sorts before dir/\n");
    write("dir/deep/file", b"deep\n");
    sandbox.commit_at("root", TIME);
    // Edits in several hunks, at both ends; a line end that comes and one that goes.
    write("text", format!("zero\n{}changed\n{}end", lines(0, 30), lines(31, 60)).as_bytes());
    write("no end", b"first\nlast\n");
    write("crlf", b"one\r\n2\r\nthree\n");
    sandbox.commit_at("edits", TIME + 1);
    // Binary between text; text that becomes binary; binary that goes.
    write("bin", b"a\0c\n");
    write("crlf", b"one\r\n2\r\nthree\n4");
    write("dir.x", b"now\0binary");
    write("aaa", b"new before the binary one\n");
    write("zzz", b"new after it\n");
    sandbox.commit_at("binary", TIME + 2);
    fs::remove_file(sandbox.path().join("bin")).unwrap();
    write("only.bin", b"\0");
    sandbox.commit_at("binary goes and comes", TIME + 3);
    write("only.bin", b"\0\0");
    sandbox.commit_at("nothing but binary", TIME + 4);
    // Modes alone, with an edit, before and after other files.
    mode(&sandbox, "text", "--chmod=+x");
    sandbox.git(&["commit", "-q", "-m", "a mode alone"]);
    sandbox.git(&["checkout", "-q", "."]);
    write("text", b"short\n");
    write("zzz", b"other\n");
    sandbox.commit_at("edits beside", TIME + 6);
    mode(&sandbox, "aaa", "--chmod=+x");
    mode(&sandbox, "text", "--chmod=-x");
    write("zzz", b"and again\n");
    sandbox.git(&["add", "zzz"]);
    sandbox.git(&["commit", "-q", "-m", "modes before an edit"]);
    sandbox.git(&["checkout", "-q", "."]);
    // Empty files that come and go, alone and among others.
    write("another empty", b"");
    write("yet another", b"");
    sandbox.commit_at("empty files", TIME + 8);
    fs::remove_file(sandbox.path().join("empty")).unwrap();
    write("text", b"shorter\n");
    sandbox.commit_at("one goes", TIME + 9);
    // Renames, with and without an edit; a whole folder.
    sandbox.git(&["mv", "text", "renamed"]);
    sandbox.git(&["mv", "dir", "moved"]);
    sandbox.commit_at("renames", TIME + 10);
    sandbox.git(&["mv", "renamed", "again"]);
    write("again", b"shorter\nand longer\n");
    sandbox.commit_at("rename with an edit", TIME + 11);
    // A file becomes a folder, a folder a file, a file a link, a link a file.
    fs::remove_file(sandbox.path().join("zzz")).unwrap();
    write("zzz/inner", b"inner\n");
    fs::remove_dir_all(sandbox.path().join("moved")).unwrap();
    write("moved", b"a file now\n");
    sandbox.commit_at("kinds", TIME + 12);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("somewhere", sandbox.path().join("link")).unwrap();
        fs::remove_file(sandbox.path().join("aaa")).unwrap();
        std::os::unix::fs::symlink("elsewhere", sandbox.path().join("aaa")).unwrap();
        sandbox.commit_at("links", TIME + 13);
        fs::remove_file(sandbox.path().join("aaa")).unwrap();
        write("aaa", b"a file again\n");
        fs::remove_file(sandbox.path().join("link")).unwrap();
        std::os::unix::fs::symlink("another place", sandbox.path().join("link")).unwrap();
        sandbox.commit_at("links again", TIME + 14);
    }
    // Submodules: new, moved on, gone.
    for (byte, message) in [("11", "submodule"), ("22", "it moves on")] {
        let entry = format!("160000,{},sub", sandbox.oid(byte));
        sandbox.git(&["update-index", "--add", "--cacheinfo", &entry]);
        sandbox.git(&["commit", "-q", "-m", message]);
    }
    sandbox.git(&["rm", "-q", "--cached", "sub"]);
    sandbox.git(&["commit", "-q", "-m", "it goes"]);
    // A NUL that is too late to make a file binary; lines of white space.
    let late = [vec![b'x'; 9000], b"\nbefore\0after the nul\n".to_vec()].concat();
    write("late", &late);
    write("blank", b"\n \n\t\n\x0b\x0c\n\nend\n");
    sandbox.commit_at("odd lines", TIME + 20);
    write("late", &[late.as_slice(), b"more\0and more\n"].concat());
    write("blank", b"\n\n\n \x0c\nend\n\n");
    sandbox.commit_at("odd lines again", TIME + 21);
    sandbox.commit_at("nothing", TIME + 22);
    // Another root, and one without a file.
    sandbox.git(&["checkout", "-q", "--orphan", "alone"]);
    sandbox.commit_at("another root", TIME + 23);
    sandbox.git(&["checkout", "-q", "--orphan", "void"]);
    sandbox.git(&["rm", "-q", "-r", "--cached", "."]);
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "void"]);
    assert!(compare(&sandbox) >= 20);
}

/// A small generator of numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// Lines come, go and change in files of code-like text, where the same lines are there many times: what the comparison of
/// lines makes of it is git's.
fn ids_of_many_made_changes_are_those_of_git() {
    const LINES: [&str; 12] = [
        "fn work() {",
        "}",
        "",
        "    let x = 1;",
        "    return x;",
        "    if x {",
        "    }",
        "// a comment",
        "\tindented",
        "end",
        "    x += 1;",
        "use std::fs;",
    ];
    let sandbox = Sandbox::new();
    let mut dice = Dice(7);
    let mut files: Vec<Vec<&str>> = (0..4).map(|_| (0..80).map(|_| LINES[dice.roll(12)]).collect()).collect();
    for commit in 0..40 {
        for (number, file) in files.iter_mut().enumerate() {
            for _ in 0..dice.roll(6) {
                let at = dice.roll(file.len());
                match dice.roll(4) {
                    0 => drop(file.remove(at)),
                    1 => file[at] = LINES[dice.roll(12)],
                    2 => {
                        let end = (at + dice.roll(12)).min(file.len());
                        let block = file[at..end].to_vec();
                        let to = dice.roll(file.len());
                        file.splice(to..to, block);
                    }
                    _ => file.insert(at, LINES[dice.roll(12)]),
                }
            }
            let end = if dice.roll(5) == 0 { "" } else { "\n" };
            sandbox.write(&format!("f{number}"), format!("{}{end}", file.join("\n")));
        }
        sandbox.commit_at("m", TIME + commit);
    }
    assert!(compare(&sandbox) > 35);
}

fn ids_do_not_depend_on_configuration_or_attributes() {
    let sandbox = Sandbox::new();
    sandbox.write("a.txt", "one\n\ntwo\nthree\n");
    sandbox.write("gr\u{fc}n", "1\n");
    sandbox.commit_at("root", TIME);
    sandbox.write("a.txt", "one\n\n2\nthree\nfour\n");
    sandbox.git(&["mv", "gr\u{fc}n", "green"]);
    let commit = sandbox.commit_at("edit", TIME + 1);
    let plain = id(&sandbox.open(), commit).unwrap();
    assert_eq!(plain.to_string(), by_git(&sandbox)[&commit.to_string()]);
    for (key, value) in [
        ("diff.algorithm", "histogram"),
        ("diff.noprefix", "true"),
        ("diff.context", "0"),
        ("diff.renames", "copies"),
        ("diff.suppressBlankEmpty", "true"),
        ("diff.external", "false"),
        ("diff.indentHeuristic", "false"),
        ("core.quotePath", "false"),
        ("core.autocrlf", "true"),
        ("core.abbrev", "4"),
        ("patchid.verbatim", "true"),
    ] {
        sandbox.git(&["config", key, value]);
    }
    fs::create_dir_all(sandbox.path().join(".git/info")).unwrap();
    fs::write(sandbox.path().join(".git/info/attributes"), "*.txt -diff\n").unwrap();
    sandbox.write(".gitattributes", "* binary\n");
    assert_eq!(id(&sandbox.open(), commit), Some(plain));
}

fn what_has_no_id() {
    let sandbox = Sandbox::new();
    sandbox.commit_file("a", "1\n");
    let empty = sandbox.commit_at("nothing", TIME);
    sandbox.git(&["checkout", "-q", "-b", "side"]);
    sandbox.commit_file("b", "0123456789\n");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.git(&["merge", "-q", "--no-ff", "-m", "m", "side"]);
    let repo = sandbox.open();
    let [merge, side, root] = ["main", "side", "main~2"].map(|text| repo.rev_parse(text).unwrap());
    assert_eq!([merge, empty].map(|commit| id(&repo, commit)), [None, None]);
    assert!(id(&repo, root).is_some());
    let within = |limits| repo.patch_of(side, limits, &mut |_| {}).unwrap().is_some();
    let all = PatchLimits::default();
    assert!(within(PatchLimits { bytes: 11, files: 1 }));
    assert!(!within(PatchLimits { bytes: 10, ..all }) && !within(PatchLimits { files: 0, ..all }));
    // In a shallow clone nothing is known of the parent, in a partial one nothing of the lines.
    let url = format!("file://{}", sandbox.path().display());
    sandbox.git(&["config", "uploadpack.allowFilter", "true"]);
    for (name, option) in [("shallow", "--depth=1"), ("partial", "--filter=blob:none")] {
        sandbox.git_in(sandbox.home(), &["clone", "-q", "--no-checkout", "-b", "side", option, &url, name]);
        let clone = sandbox.open_in(&sandbox.home().join(name));
        assert_eq!(id(&clone, side), None, "{name}");
    }
}

fn rewriting_does_not_change_an_id() {
    let sandbox = Sandbox::new();
    let lines = (0..40).map(line).collect::<Vec<_>>().concat();
    sandbox.commit_file("a", &lines);
    sandbox.git(&["checkout", "-q", "-b", "topic"]);
    let one = sandbox.commit_file("a", lines.replace("line 30\n", "line thirty\n"));
    sandbox.commit_file("b", "new\n");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.commit_file("a", format!("before all\n{lines}"));
    sandbox.git(&["cherry-pick", "topic~1"]);
    let repo = sandbox.open();
    let [picked, topic, base] = ["main", "topic", "topic~2"].map(|text| repo.rev_parse(text).unwrap());
    assert_eq!(id(&repo, picked), id(&repo, one));
    assert!(id(&repo, one).is_some());
    // A squash merge has the patch of the whole branch.
    sandbox.git(&["checkout", "-q", "-b", "squashed", "main~1"]);
    sandbox.git(&["merge", "-q", "--squash", "topic"]);
    let squash = sandbox.commit_at("squash", TIME);
    let tree = |commit| repo.commit(commit).unwrap().tree;
    let between = |old, new| repo.patch_between(Some(old), new, PatchLimits::default(), &mut |_| {}).unwrap();
    assert_eq!(between(tree(base), tree(topic)), id(&repo, squash));
    assert_eq!(between(tree(base), tree(base)), None);
}

fn lines_are_those_that_the_patch_has() {
    let sandbox = Sandbox::new();
    sandbox.commit_file("a", "one\ntwo\r\nlast");
    sandbox.write("a", "one\n2\r\nlast\n");
    sandbox.write("b", "new");
    let commit = sandbox.commit_at("m", TIME);
    let mut found = Vec::new();
    let repo = sandbox.open();
    let take = &mut |line: PatchLine<'_>| {
        let sign = if line.change == LineChange::Added { '+' } else { '-' };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        found.push(format!("{} {sign}{}", text(line.path), text(line.text)));
    };
    repo.patch_of(commit, PatchLimits::default(), take).unwrap();
    assert_eq!(found, ["a -two\r", "a -last", "a +2\r", "a +last", "b +new"]);
}

/// Why libgit2's own id is not taken.
#[test]
fn libgit2_has_other_ids_than_git_for_binary_and_for_empty_files() {
    let sandbox = Sandbox::new();
    let repository = git2::Repository::open(sandbox.path()).unwrap();
    for (path, content, is_same) in [("a", b"1\n".as_slice(), true), ("b", b"\0", false), ("c", b"", false)] {
        let commit = sandbox.commit_file(path, content).to_string();
        let commit = repository.find_commit(git2::Oid::from_str(&commit).unwrap()).unwrap();
        let old = commit.parent(0).ok().map(|parent| parent.tree().unwrap());
        let diff = repository.diff_tree_to_tree(old.as_ref(), Some(&commit.tree().unwrap()), None).unwrap();
        let theirs = diff.patchid(None).unwrap().to_string();
        assert_eq!(theirs == by_git(&sandbox)[&commit.id().to_string()], is_same, "{path}");
    }
}
