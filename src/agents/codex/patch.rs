//! `apply_patch`: the grammar in which Codex asks for edits, and the changes that came of them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::record::{Lax, Raw};
use crate::agents::capped::{Capped, MOST_ITEMS};

/// One changed file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    /// As it was written: relative to the working folder of the call, or absolute.
    pub path: String,
    /// What happened to it.
    pub what: What,
}

/// What happened to a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    Add { content: String },
    Delete,
    Update { diff: String, moved_to: Option<String> },
}

/// What a successful patch prints before the list of its files.
const SUCCESS: &str = "Success. Updated the following files:";

/// The changes of the patches in a text: a patch alone, or a shell script with `apply_patch` and a
/// here-document (several, if it has several).
pub(super) fn changes(text: &str) -> Capped<Change> {
    let mut all = Capped::default();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        // A call without a here-document has the patch as its quoted argument: `apply_patch '*** Begin Patch`.
        if line.trim_end().ends_with("*** Begin Patch") {
            one_patch(&mut lines, &mut all);
        }
    }
    all
}

fn one_patch(lines: &mut std::str::Lines<'_>, all: &mut Capped<Change>) {
    let first = all.items.len();
    for line in lines {
        // Not trimmed at its start: a context line of a patch to a text about patches is indented.
        let header = line.trim_end();
        if header.starts_with("*** End Patch") {
            return;
        }
        if let Some(path) = header.strip_prefix("*** Add File: ") {
            all.push(Change { path: path.to_owned(), what: What::Add { content: String::new() } });
        } else if let Some(path) = header.strip_prefix("*** Delete File: ") {
            all.push(Change { path: path.to_owned(), what: What::Delete });
        } else if let Some(path) = header.strip_prefix("*** Update File: ") {
            let what = What::Update { diff: String::new(), moved_to: None };
            all.push(Change { path: path.to_owned(), what });
        } else if all.left_out == 0
            && let Some(change) = all.items.get_mut(first..).and_then(<[Change]>::last_mut)
        {
            change.what.take_line(line);
        }
    }
}

impl What {
    /// Takes one line of the body of a change.
    fn take_line(&mut self, line: &str) {
        match self {
            Self::Add { content } => {
                if let Some(line) = line.strip_prefix('+') {
                    push_line(content, line);
                }
            }
            Self::Delete => {}
            Self::Update { diff, moved_to } => {
                let marker = line.trim_end().strip_prefix("*** ");
                if let Some(path) = marker.and_then(|marker| marker.strip_prefix("Move to: ")) {
                    *moved_to = Some(path.to_owned());
                } else if marker.is_none() {
                    // The head of the first hunk may be left out; without it a removed `-- x` would
                    // look like the header of a file.
                    if diff.is_empty() && !line.starts_with("@@") {
                        push_line(diff, "@@");
                    }
                    push_line(diff, line);
                }
            }
        }
    }
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// Those of `changes` that succeeded, by what the patch printed: it ends with the list of its files.
/// A script may have run several patches, and some of them in vain.
pub(super) fn succeeded(changes: Capped<Change>, output: &str) -> Capped<Change> {
    let mut listed = Vec::new();
    let mut in_list = false;
    for line in output.lines() {
        if line.trim() == SUCCESS {
            in_list = true;
        } else if let Some(path) =
            ["A ", "M ", "D "].iter().find_map(|mark| line.strip_prefix(mark)).filter(|_| in_list)
        {
            if listed.len() < MOST_ITEMS {
                listed.push(path.trim_end());
            }
        } else {
            in_list = false;
        }
    }
    if listed.is_empty() {
        return if output.contains(SUCCESS) { changes } else { Capped::default() };
    }
    // The list may have the path relative where the patch had it absolute, and the other way round.
    let shown: HashSet<&str> = listed.iter().map(|path| without_dot(path)).collect();
    let ends: HashSet<&str> = shown.iter().flat_map(|path| ends_of(path)).collect();
    let is_listed = |path: &str| {
        let path = without_dot(path);
        ends.contains(path) || ends_of(path).any(|end| shown.contains(end))
    };
    let moved = |change: &Change| match &change.what {
        What::Update { moved_to: Some(to), .. } => is_listed(to),
        _ => false,
    };
    let Capped { mut items, left_out } = changes;
    items.retain(|change| is_listed(&change.path) || moved(change));
    Capped { items, left_out }
}

fn without_dot(path: &str) -> &str {
    path.trim_start_matches("./")
}

/// How many folders deep two spellings of a path may differ.
const FOLDERS: usize = 64;

/// A path, and what it is below each of its folders.
fn ends_of(path: &str) -> impl Iterator<Item = &str> {
    let folders = path.rmatch_indices(['/', '\\']).take(FOLDERS);
    std::iter::once(path).chain(folders.filter_map(|(at, _)| path.get(at + 1..)))
}

/// `patch_apply_end.changes`: path -> `{type, unified_diff | content, move_path}`, sorted by path.
pub(super) fn applied(json: &str) -> Capped<Change> {
    let Ok(AppliedMap { map, left_out }) = serde_json::from_str(json) else { return Capped::default() };
    let text = |raw: Raw<'_>| raw.text().unwrap_or_default().into_owned();
    let change = |(path, applied): (Cow<'_, str>, Applied<'_>)| {
        let what = match applied.kind.str() {
            "add" => What::Add { content: text(applied.content) },
            "delete" => What::Delete,
            "update" => What::Update {
                diff: text(applied.unified_diff),
                moved_to: applied.move_path.filled().map(str::to_owned),
            },
            _ => return None,
        };
        Some(Change { path: path.into_owned(), what })
    };
    Capped { items: map.into_iter().filter_map(change).collect(), left_out }
}

/// What became of one file. Its text, which may be long, is decoded once it is asked for.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Applied<'a> {
    #[serde(borrow, rename = "type")]
    kind: Lax<'a>,
    #[serde(borrow)]
    unified_diff: Raw<'a>,
    #[serde(borrow)]
    content: Raw<'a>,
    #[serde(borrow)]
    move_path: Lax<'a>,
}

/// The first [`MOST_ITEMS`] of them, by path, and how many more there are.
#[derive(Default)]
struct AppliedMap<'a> {
    map: BTreeMap<Cow<'a, str>, Applied<'a>>,
    left_out: u64,
}

impl<'de: 'a, 'a> Deserialize<'de> for AppliedMap<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor;

        impl<'de> Visitor<'de> for MapVisitor {
            type Value = AppliedMap<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("changes by path")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
                let mut read = AppliedMap::default();
                while read.map.len() < MOST_ITEMS {
                    let Some((path, applied)) = fields.next_entry::<Lax<'de>, _>()? else { return Ok(read) };
                    read.map.insert(path.0.unwrap_or_default(), applied);
                }
                while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    read.left_out += 1;
                }
                Ok(read)
            }
        }

        deserializer.deserialize_map(MapVisitor)
    }
}

/// The folder a script goes to before it patches: `cd <folder> && apply_patch ...`.
pub(super) fn leading_cd(script: &str) -> Option<&str> {
    let rest = script.trim_start().strip_prefix("cd ")?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    let (folder, rest) = match quote {
        Some(quote) => rest.get(1..)?.split_once(quote)?,
        None => rest.split_once(|c: char| c.is_whitespace() || c == ';' || c == '&')?,
    };
    let goes_on = rest.trim_start().trim_start_matches(['&', ';']);
    (!folder.is_empty() && !folder.contains('$') && !goes_on.is_empty()).then_some(folder)
}

/// A path below a folder, as plain text: neither of them need be of this machine's kind.
pub(super) fn resolve(folder: &str, path: &str) -> String {
    if is_absolute(path) || folder.is_empty() {
        return without_dots(path);
    }
    let separator = if folder.contains('\\') && !folder.contains('/') { '\\' } else { '/' };
    without_dots(&format!("{}{separator}{path}", folder.trim_end_matches(['/', '\\'])))
}

fn is_absolute(path: &str) -> bool {
    let drive = path
        .as_bytes()
        .get(..3)
        .is_some_and(|head| matches!(head, [letter, b':', b'/' | b'\\'] if letter.is_ascii_alphabetic()));
    path.starts_with(['/', '\\', '~']) || drive
}

/// The path without `.` and `..`, as far as its text alone tells.
fn without_dots(path: &str) -> String {
    let parts = || path.split('/');
    if !parts().any(|part| part == "." || part == "..") {
        return path.to_owned();
    }
    let mut kept: Vec<&str> = Vec::new();
    for part in parts() {
        match part {
            "." => {}
            ".." if kept.last().is_some_and(|last| !matches!(*last, "" | "..")) => drop(kept.pop()),
            part => kept.push(part),
        }
    }
    kept.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "*** Begin Patch\n*** Add File: src/new.rs\n+fn a() {}\n+\n*** Update File: src/old.rs\n\
        *** Move to: src/older.rs\n@@ fn b\n-b\n+c\n*** End of File\n*** Update File: x.sql\n--- gone\n+++ come\n\
        *** Delete File: bin\n*** End Patch";

    fn update(path: &str, diff: &str, moved_to: Option<&str>) -> Change {
        let what = What::Update { diff: diff.into(), moved_to: moved_to.map(Into::into) };
        Change { path: path.into(), what }
    }

    fn all(items: Vec<Change>) -> Capped<Change> {
        Capped { items, left_out: 0 }
    }

    fn expected() -> Capped<Change> {
        all(vec![
            Change { path: "src/new.rs".into(), what: What::Add { content: "fn a() {}\n\n".into() } },
            update("src/old.rs", "@@ fn b\n-b\n+c\n", Some("src/older.rs")),
            update("x.sql", "@@\n--- gone\n+++ come\n", None),
            Change { path: "bin".into(), what: What::Delete },
        ])
    }

    #[test]
    fn a_patch_is_read_with_all_its_kinds_of_change() {
        assert_eq!(changes(PATCH), expected());
        assert_eq!(changes(&PATCH.replace('\n', "\r\n")).items.len(), 4);
    }

    #[test]
    fn a_patch_is_found_in_a_here_document_and_in_a_quoted_argument() {
        assert_eq!(changes(&format!("cd x && apply_patch <<'EOF'\n{PATCH}\nEOF\nls")), expected());
        assert_eq!(changes(&format!("apply_patch '{PATCH}'")), expected());
        let twice = format!("apply_patch <<E\n{PATCH}\nE\napply_patch <<E\n{PATCH}\nE");
        assert_eq!(changes(&twice).items.len(), 8);
        assert!(changes("echo '*** Add File: x'").is_empty());
    }

    #[test]
    fn only_what_the_patch_lists_succeeded() {
        let out = "Success. Updated the following files:\nA src/new.rs\nM /r/src/older.rs\nnext\nM x.sql";
        let names: Vec<_> = succeeded(expected(), out).items.into_iter().map(|change| change.path).collect();
        assert_eq!(names, ["src/new.rs", "src/old.rs"]);
        let made = |shown: &str, asked: &str| {
            let asked = Change { path: asked.into(), what: What::Delete };
            !succeeded(all(vec![asked]), &format!("{SUCCESS}\nD {shown}\n")).is_empty()
        };
        for (one, other) in [("a", "a"), ("./a", "a"), ("/r/s/a", "s/a"), (r"c:\r\a", "a"), ("./s/a", "/r/s/a")] {
            assert!(made(one, other) && made(other, one), "{one}, {other}");
        }
        for (one, other) in [("xa", "a"), ("/r/a", "/a"), ("s/a", "t/a"), ("a/b", "a"), ("A", "a")] {
            assert!(!made(one, other) && !made(other, one), "{one}, {other}");
        }
        assert_eq!(succeeded(expected(), "Success. Updated the following files:\n"), expected());
        assert!(succeeded(expected(), "A src/new.rs").is_empty());
        assert!(succeeded(expected(), "apply_patch verification failed: no such file").is_empty());
    }

    #[test]
    fn applied_changes_are_read_whatever_else_is_in_them() {
        let raw = r#"{"/r/b":{"type":"update","unified_diff":"@@ -1 +1 @@\n-a\n+b\n","move_path":null,"new":1},
            "/r/a":{"type":"add","content":"x\n"},"/r/c":{"type":"delete","content":"y"},"/r/d":{"type":"?"}}"#;
        let read = applied(raw).items;
        assert_eq!(read.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["/r/a", "/r/b", "/r/c"]);
        assert_eq!(read[1], update("/r/b", "@@ -1 +1 @@\n-a\n+b\n", None));
        assert_eq!(read[0].what, What::Add { content: "x\n".into() });
        assert!(applied("[1]").is_empty());
        let cut = applied(r#"{"/r/a":{"type":"add","content":"half \ud83d"},"/r/b":{"type":"add","content":7}}"#).items;
        let said = |text: &str| What::Add { content: text.into() };
        assert_eq!((&cut[0].what, &cut[1].what), (&said("half \u{fffd}"), &said("")));
    }

    #[test]
    fn of_very_many_changes_the_first_are_read_and_the_others_counted() {
        let many = MOST_ITEMS + 3;
        let json: Vec<String> = (0..many).map(|n| format!(r#""/r/{n:05}":{{"type":"delete"}}"#)).collect();
        let read = applied(&format!("{{{}}}", json.join(",")));
        assert_eq!((read.items.len(), read.left_out), (MOST_ITEMS, 3));
        let patches: Vec<String> =
            (0..many).map(|n| format!("*** Begin Patch\n*** Add File: {n}\n+x\n*** End Patch")).collect();
        let mut read = changes(&patches.join("\n"));
        assert_eq!((read.items.len(), read.left_out), (MOST_ITEMS, 3));
        let last = read.items.pop().unwrap();
        assert_eq!(last.what, What::Add { content: "x\n".into() }, "it takes no lines of those left out");
        let listed: Vec<String> = (0..many).map(|n| format!("A {n}\n")).collect();
        let made = succeeded(read, &format!("{SUCCESS}\n{}", listed.concat()));
        assert_eq!((made.items.len(), made.left_out), (MOST_ITEMS - 1, 3));
    }

    #[test]
    fn the_folder_a_script_goes_to_first_is_known() {
        assert_eq!(leading_cd("cd sub && apply_patch <<E"), Some("sub"));
        assert_eq!(leading_cd("cd 'a b' && apply_patch"), Some("a b"));
        assert_eq!(leading_cd("cd $HOME && apply_patch"), None);
        assert_eq!(leading_cd("apply_patch <<E"), None);
        assert_eq!(leading_cd("cd"), None);
    }

    #[test]
    fn paths_become_absolute_on_either_kind_of_machine() {
        assert_eq!(resolve("/r", "src/a"), "/r/src/a");
        assert_eq!(resolve("/r/x", "./../a"), "/r/a");
        assert_eq!(resolve("/r", "/other/a"), "/other/a");
        assert_eq!(resolve(r"c:\r", "a"), r"c:\r\a");
        assert_eq!(resolve(r"c:\r", r"D:\a"), r"D:\a");
        assert_eq!(resolve("", "a"), "a");
        assert_eq!(resolve("/", "../../a"), "/../../a");
    }
}
