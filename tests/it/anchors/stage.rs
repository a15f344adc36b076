//! The stage of the stories: a topic branch with sessions, pushed; and a reader in another clone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::world::{ClaudeLog, World};

/// What a reader finds behind a commit: each session's own id, and how it was matched.
pub type Found = BTreeMap<String, String>;

/// Sessions that are found in a way.
pub fn found<const N: usize>(sessions: [(&str, &str); N]) -> Found {
    sessions.into_iter().map(|(id, matched)| (id.to_owned(), matched.to_owned())).collect()
}

/// No session.
pub fn none() -> Found {
    Found::new()
}

/// One session, by so much that is the same.
pub fn similar(id: &str, share: u32) -> Found {
    found([(id, &format!("similar {share}%"))])
}

/// A world in which time goes on, and Ann works on `topic`.
pub struct Stage {
    pub world: World,
    minute: usize,
}

impl Stage {
    /// `main` with a file of 40 lines, pushed; `topic` begins there.
    pub fn new() -> Self {
        Self::of(World::installed())
    }

    /// In a world of other formats; `None` if this machine's git knows them not.
    pub fn with_formats(object_format: &str, ref_format: &str) -> Option<Self> {
        let world = World::with(&[("GIT_DEFAULT_HASH", object_format), ("GIT_DEFAULT_REF_FORMAT", ref_format)]);
        world.fix().ok();
        let is_reftable = world.repo().join(".git/reftable").exists();
        let length = if object_format == "sha256" { 64 } else { 40 };
        let is_so = is_reftable == (ref_format == "reftable") && world.head(world.repo()).len() == length;
        is_so.then(|| Self::of(world))
    }

    fn of(world: World) -> Self {
        let mut stage = Self { world, minute: 0 };
        stage.tick();
        stage.world.commit("base.rs", &Self::base(""), "base");
        stage.world.push().ok();
        stage.git(["checkout", "-q", "-b", "topic"]);
        stage
    }

    /// A minute later.
    pub fn tick(&mut self) {
        self.minute += 1;
        self.world.set_now(&format!("2026-03-06T12:{:02}:00Z", self.minute));
    }

    pub fn repo(&self) -> PathBuf {
        self.world.repo()
    }

    pub fn git<const N: usize>(&self, args: [&str; N]) -> String {
        self.world.git(self.repo(), args).ok()
    }

    /// git with what an editor would be asked for.
    pub fn edit(&self, variables: &[(&str, &str)], args: &[&str]) {
        let mut command = self.world.command("git", self.repo());
        let output = command.args(args).envs(variables.iter().copied()).output().expect("git runs");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Lines that only this session writes.
    pub fn lines(id: &str, count: usize) -> String {
        let line = |n| format!("pub const OF_{}_{n}: u32 = {n};\n", id.to_uppercase());
        (0..count).map(line).collect::<Vec<_>>().concat()
    }

    /// The file that is there from the beginning, with something in its middle.
    pub fn base(middle: &str) -> String {
        let line = |n| format!("pub const BASE_{n}: u32 = {n};\n");
        let part = |from: u32, to| (from..to).map(line).collect::<Vec<_>>().concat();
        format!("{}{middle}{}", part(0, 20), part(20, 40))
    }

    /// Writes a file of the work tree.
    pub fn write(&self, file: &str, content: &str) {
        fs::write(self.repo().join(file), content).expect("a file");
    }

    /// A session writes a file of so many lines of its own, and it is committed. The commit.
    pub fn work(&mut self, id: &str, file: &str, count: usize) -> String {
        self.work_with(id, file, &Self::lines(id, count))
    }

    /// A session writes a file, and it is committed. The commit.
    pub fn work_with(&mut self, id: &str, file: &str, content: &str) -> String {
        self.tick();
        let at = i64::try_from(self.minute).expect("a small number") * 60 - 30;
        ClaudeLog::new(id, self.repo(), at)
            .prompt(&format!("do {id}"))
            .write(file, content)
            .answer("done")
            .save(&self.world);
        self.world.commit(file, content, &format!("add {id}"))
    }

    /// A person commits a file, with no session behind it.
    pub fn by_hand(&mut self, file: &str, content: &str) -> String {
        self.tick();
        self.world.commit(file, content, &format!("by hand: {file}"))
    }

    /// Ann pushes the branch, with her sessions. From here on nothing of ours runs on her side any more.
    pub fn push_and_forget(&mut self) {
        self.tick();
        let branch = self.git(["branch", "--show-current"]);
        self.world.git(self.repo(), ["push", "-q", "-u", "origin", branch.trim()]).ok();
        fs::remove_dir_all(self.world.home().join(".claude")).expect("logs");
        self.tick();
    }

    /// Pushes as plain git does.
    pub fn push_plainly(&self, branch: &str) {
        self.world.git(self.repo(), ["push", "-q", "--no-verify", "--force", "origin", branch]).ok();
    }

    /// A new clone that has fetched the ledgers.
    pub fn reader(&self, name: &str) -> PathBuf {
        let folder = self.world.clone_to(name);
        self.world.os_in(&folder, ["fetch", "-q"]).ok();
        folder
    }

    /// What a new clone finds behind a commit. `show`, `log` and `doctor --commit` must agree.
    #[track_caller]
    pub fn behind(&self, commit: &str) -> Found {
        let name = format!("reader-{}", fs::read_dir(self.world.root()).expect("a folder").count());
        let reader = self.reader(&name);
        self.behind_in(&reader, commit)
    }

    /// The same in a clone. (A branch that has a ledger would be shown as such: commits are asked for by their ids.)
    #[track_caller]
    pub fn behind_in(&self, reader: &Path, commit: &str) -> Found {
        let oid = self.world.git(reader, ["rev-parse", commit]).ok().trim().to_owned();
        let told = self.world.os_in(reader, ["show", &oid, "--json"]);
        let shown: Vec<Value> = match told.code {
            1 => Vec::new(),
            _ => told.json()["sessions"].as_array().expect("a list").clone(),
        };
        let found: Found = shown
            .iter()
            .map(|session| (text(&session["header"]["session_id"]), matched(&session["commits"][0])))
            .collect();
        let listed = self.listed(reader, &[&format!("{oid}^!")]);
        assert_eq!(listed, found, "log says something else than show");
        let told = self.world.os_in(reader, ["doctor", "--json", "--commit", &oid]);
        let document: Value = serde_json::from_str(&told.out).expect("a document");
        let stored: Vec<String> = document["stored"].as_array().expect("a list").iter().map(matched).collect();
        let mut expected: Vec<String> = found.values().cloned().collect();
        expected.sort();
        let mut stored = stored;
        stored.sort();
        assert_eq!(stored, expected, "doctor says something else than show");
        assert_eq!(told.code, i32::from(found.is_empty()));
        found
    }

    /// What `log` finds behind some commits. (`<commit>^!` is not a range of ours: it is asked for as `<commit>^..<commit>`.)
    #[track_caller]
    pub fn listed(&self, reader: &Path, ranges: &[&str]) -> Found {
        let mut found = Found::new();
        for range in ranges {
            let range =
                range.strip_suffix("^!").map_or_else(|| (*range).to_owned(), |commit| format!("{commit}^..{commit}"));
            let document = self.world.os_in(reader, ["log", &range, "--json"]).json();
            for session in document["sessions"].as_array().expect("a list") {
                let how = session["matches"].get(0).map_or_else(|| "commit".to_owned(), matched);
                let shown =
                    self.world.os_in(reader, ["show", session["sid"].as_str().expect("an id"), "--json"]).json();
                found.insert(text(&shown["sessions"][0]["header"]["session_id"]), how);
            }
        }
        found
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// `patch`, `similar 83%`.
fn matched(link: &Value) -> String {
    let share = link["share"].as_u64().map(|share| format!(" {share}%")).unwrap_or_default();
    format!("{}{share}", link["matched"].as_str().expect("how it was matched"))
}
