//! Who may know whom. The arrows of CONTRIBUTING.md, held by reading the source.

use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms it may name. Whatever is not listed is a verb: it may name all rooms.
const ROOMS: &[(&str, &[&str])] = &[
    ("session", &[]),
    ("git", &[]),
    ("redaction", &["session"]),
    ("hail", &["redaction", "session"]),
    ("agents", &["session"]),
    ("view", &["session"]),
    ("uri", &[]),
    ("ledger", &["git", "hail", "redaction", "session"]),
    ("anchor", &["git", "hail", "ledger", "link"]),
    ("settings", &["git", "ledger"]),
];

/// What only some files may say, and which.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("git2::", &["src/git/"], "git has one door"),
    (
        "process::Command",
        &["src/git/process", "bin/terminal/pager.rs", "bin/commands/demo/stage.rs"],
        "programs are started in one place",
    ),
    (
        "Command::new",
        &["src/git/process", "bin/terminal/pager.rs", "bin/commands/demo/stage.rs"],
        "programs are started in one place",
    ),
    ("SystemTime::now", &["bin/"], "time comes in as a value"),
    ("Timestamp::now", &["bin/"], "time comes in as a value"),
    // What the rules of redaction say of code is in their examples.
    ("env::var(", &["bin/", "src/redaction/rules/"], "the environment comes in as a value"),
    ("env::home_dir", &["bin/"], "the home folder comes in as a value"),
    ("env::temp_dir", &["bin/"], "the environment comes in as a value"),
    ("process::exit", &["bin/main.rs"], "the library never exits"),
    ("println!", &["bin/"], "the library never prints"),
    ("HashMap<String, Value>", &[], "maps that are written are sorted"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(below: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(below)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the source") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                found.push((path.strip_prefix(root()).expect("below the root").to_owned(), text));
            }
        }
    }
    found.sort();
    found
}

/// The code of a file without its comments and without its tests (which come last, by our custom).
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn is_test(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name == "tests.rs" || name == "testing.rs" || path.components().any(|part| part.as_os_str() == "tests")
}

#[test]
fn rooms_know_only_the_rooms_to_their_right() {
    let rooms: Vec<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        let room = path.components().nth(1).and_then(|part| part.as_os_str().to_str()).unwrap_or_default();
        let room = room.trim_end_matches(".rs");
        let Some((_, may)) = ROOMS.iter().find(|(name, _)| *name == room) else { continue };
        for line in code(&text).lines().filter(|_| !is_test(&path)) {
            for named in line.split("crate::").skip(1) {
                let named: String = named.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let is_room = rooms.contains(&named.as_str());
                if named != room && !may.contains(&named.as_str()) && (is_room || !named.is_empty()) {
                    wrong.push(format!("{}: {room} may not know {named}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "walls broken:\n{}", wrong.join("\n"));
}

#[test]
fn some_things_are_said_in_one_place_only() {
    let mut wrong = Vec::new();
    for (path, text) in sources("src").into_iter().chain(sources("bin")) {
        if is_test(&path) {
            continue;
        }
        let shown = path.display().to_string();
        for (word, places, why) in RESERVED {
            if code(&text).contains(word) && !places.iter().any(|place| shown.starts_with(place)) {
                wrong.push(format!("{shown} says `{word}`: {why}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_holds_one_thing() {
    let long: Vec<_> = ["src", "bin", "tests"]
        .into_iter()
        .flat_map(sources)
        .filter(|(_, text)| text.lines().count() > 600)
        .map(|(path, text)| format!("{} has {} lines", path.display(), text.lines().count()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// What a file shows to others: heads of functions and of implementations, enums and traits as a whole, fields.
fn signatures(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let item = line.trim_start();
        let begins = |starts: &[&str]| starts.iter().any(|start| item.starts_with(start));
        let is_last: fn(&str) -> bool = if begins(&["pub fn ", "pub const fn ", "impl"]) {
            |line| line.contains('{') || line.ends_with(';')
        } else if begins(&["pub enum ", "pub trait "]) {
            |line| line == "}"
        } else if begins(&["pub "]) {
            |_| true
        } else {
            continue;
        };
        let mut signature = line.to_owned();
        let mut last = line;
        while !is_last(last) {
            let Some(next) = lines.next() else { break };
            signature.extend(["\n", next]);
            last = next;
        }
        found.push(signature);
    }
    found
}

/// The signatures of a file that name something of git2.
fn of_git2(code: &str) -> Vec<String> {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect()
    };
    let imports = code.split("use git2::").skip(1).filter_map(|rest| rest.split(';').next());
    let mut names: Vec<String> = imports.flat_map(words).filter(|word| !word.is_empty()).collect();
    names.push("git2".to_owned());
    signatures(code).into_iter().filter(|signature| words(signature).iter().any(|word| names.contains(word))).collect()
}

#[test]
fn no_type_of_git2_is_in_a_public_signature() {
    for leak in [
        "use git2::{Oid, Tree};\npub fn tree(\n    oid: u8,\n) -> Tree {\n",
        "impl From<git2::Error> for Error {\n",
        "pub enum Error {\n    Git(git2::Error),\n}\n",
        "pub struct Repo {\n    pub inner: git2::Repository,\n}\n",
    ] {
        assert_eq!(of_git2(leak).len(), 1, "{leak}");
    }
    assert!(of_git2("pub fn version() -> String {\n    git2::Version::get()\n}\n").is_empty());

    // What is in the back end is seen by its room only: `mod backend` is private there.
    let git = sources("src/git");
    let room = git.iter().find(|(path, _)| path.ends_with("src/git/mod.rs")).map(|(_, text)| text.as_str());
    assert!(room.is_some_and(|text| text.lines().any(|line| line == "mod backend;")));
    let seen = git.iter().filter(|(path, _)| !path.starts_with("src/git/backend") && !is_test(path));
    let wrong: Vec<_> = seen
        .flat_map(|(path, text)| of_git2(&code(text)).into_iter().map(|found| format!("{}: {found}", path.display())))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
