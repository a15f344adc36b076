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
