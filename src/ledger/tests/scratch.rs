//! A repository to write ledgers into, and sessions to write.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::git::{BranchName, GitEnvironment, Identity, Oid, Repo, Signature};
use crate::hail::{Record, RecordBuilder, RecordCheckpoint};
use crate::ledger::{
    Append, Appender, Captured, Day, Evidence, EvidenceKind, LedgerPath, LedgerRef, LedgerView, Ledgers, NewLink,
    Outcome, Percent, Report, Scope, SessionKey, Sid, Window, append,
};
use crate::redaction::{Findings, Redacted};
use crate::session::{Agent, Content, Context, Event, EventKind, HAIL_VERSION, Header, Timestamp};

/// 2026-03-06T12:00:00Z.
pub const NOON: i64 = 1_772_798_400;

/// An empty bare repository that knows nothing of the machine's configuration.
pub struct Scratch {
    folder: TempDir,
}

impl Scratch {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("opensession-ledger-").tempdir().expect("a temporary folder");
        let scratch = Self { folder };
        scratch.git(["init", "-q", "--bare", "."]);
        scratch
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn repo(&self) -> Repo {
        let variables: BTreeMap<OsString, OsString> =
            [("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null")]
                .map(|(k, v)| (k.into(), v.into()))
                .into();
        let environment = GitEnvironment { home: Some(self.path().to_owned()), variables };
        Repo::open(self.path(), &environment).expect("the repository opens")
    }

    /// Runs git; gives what it printed.
    pub fn git<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> String {
        self.git_with(args, &[])
    }

    /// Runs git with some input.
    pub fn git_with<'a>(&self, args: impl IntoIterator<Item = &'a str>, input: &[u8]) -> String {
        let mut command = Command::new("git");
        command.current_dir(self.path()).args(args).env_clear();
        command.env("PATH", std::env::var_os("PATH").expect("there is a PATH")).env("HOME", self.path());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("LC_ALL", "C");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ann").env(format!("GIT_{who}_EMAIL"), "ann@example.com");
            command.env(format!("GIT_{who}_DATE"), format!("{NOON} +0000"));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("git starts");
        child.stdin.take().expect("it has an input").write_all(input).expect("it reads it");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "git failed: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// A commit of the empty tree, to link to.
    pub fn commit(&self, message: &str) -> Oid {
        let tree = self.git(["mktree"]);
        oid(&self.git(["commit-tree", &tree, "-m", message]))
    }

    /// The paths in a ledger.
    pub fn paths(&self, branch: &str) -> Vec<String> {
        let listed = self.git(["ls-tree", "-r", "--name-only", &ledger(branch).to_string()]);
        listed.lines().map(str::to_owned).collect()
    }

    /// The paths of the `m` and of the segments of one session's folder.
    pub fn parts(&self, branch: &str, folder: &str) -> (Vec<String>, Vec<String>) {
        let paths = self.paths(branch).into_iter().filter(|path| path.starts_with(folder));
        let known = paths.filter(|path| LedgerPath::parse(path.as_bytes()).is_some());
        known.partition(|path| matches!(LedgerPath::parse(path.as_bytes()), Some(LedgerPath::Meta(..))))
    }

    /// Puts a file into a ledger by hand.
    pub fn put(&self, branch: &str, path: &str, content: &[u8]) {
        let blob = self.git_with(["hash-object", "-w", "--stdin"], content);
        self.put_entry(branch, path, "100644", &blob);
    }

    /// Puts an entry of any kind into a ledger by hand.
    pub fn put_entry(&self, branch: &str, path: &str, mode: &str, object: &str) {
        self.by_hand(branch, &format!("{mode} {object}\t{path}\n"));
    }

    /// Removes a file or a folder from a ledger by hand.
    pub fn drop_path(&self, branch: &str, path: &str) {
        let below = format!("{path}/");
        let gone = self.paths(branch).into_iter().filter(|found| found == path || found.starts_with(&below));
        let lines: Vec<_> = gone.map(|path| format!("0 {} 0\t{path}\n", "0".repeat(40))).collect();
        self.by_hand(branch, &lines.concat());
    }

    /// Makes a commit the ledger of another branch.
    pub fn put_branch(&self, branch: &str, commit: &str) {
        self.git(["update-ref", &ledger(branch).to_string(), commit]);
        self.put(branch, "v2/branch", branch.as_bytes());
    }

    fn by_hand(&self, branch: &str, change: &str) {
        let name = ledger(branch).to_string();
        self.git(["read-tree", &name]);
        self.git_with(["update-index", "--add", "--replace", "--index-info"], change.as_bytes());
        let tree = self.git(["write-tree"]);
        self.set_tree(&name, &tree);
    }

    /// Puts a tree into a folder of a ledger, whatever is below it: an index would have to list all of it.
    pub fn plant_tree(&self, branch: &str, below: &str, name: &str, tree: &str) {
        let ledger = ledger(branch).to_string();
        let listed = self.git(["ls-tree", &format!("{ledger}:{below}")]);
        let folder = self.git_with(["mktree"], format!("{listed}\n040000 tree {tree}\t{name}\n").as_bytes());
        let others = self.git(["ls-tree", &ledger]);
        let others: Vec<_> = others.lines().filter(|line| !line.ends_with(&format!("\t{below}"))).collect();
        let root = format!("{}\n040000 tree {folder}\t{below}\n", others.join("\n"));
        let root = self.git_with(["mktree"], root.trim_start().as_bytes());
        self.set_tree(&ledger, &root);
    }

    fn set_tree(&self, name: &str, tree: &str) {
        let commit = self.git(["commit-tree", tree, "-m", "by hand"]);
        self.git(["update-ref", name, &commit]);
    }

    /// Puts empty files and folders of any names, allowed or not, into a folder of a ledger.
    pub fn plant(&self, branch: &str, below: &str, names: &[&[u8]]) {
        let name = ledger(branch).to_string();
        let root = self.git(["rev-parse", &format!("{name}^{{tree}}")]);
        let parts: Vec<&str> = below.split('/').filter(|part| !part.is_empty()).collect();
        let tree = self.planted(&root, &parts, names);
        self.set_tree(&name, &tree);
    }

    fn planted(&self, tree: &str, parts: &[&str], names: &[&[u8]]) -> String {
        let mut entries = self.raw_tree(tree);
        if let Some((first, rest)) = parts.split_first() {
            let entry = entries.iter_mut().find(|entry| entry.1 == first.as_bytes()).expect("the folder is there");
            entry.2 = self.planted(&entry.2, rest, names);
        } else {
            let blob = self.git_with(["hash-object", "-w", "--stdin"], b"");
            entries.extend(names.iter().map(|name| ("100644".to_owned(), name.to_vec(), blob.clone())));
        }
        let sort_key = |(mode, name, _): &(String, Vec<u8>, String)| {
            let mut key = name.clone();
            key.extend((mode == "40000").then_some(b'/'));
            key
        };
        entries.sort_by_key(sort_key);
        let mut raw = Vec::new();
        for (mode, name, object) in entries {
            raw.extend([mode.as_bytes(), b" ", &name, b"\0", oid(&object).as_bytes()].concat());
        }
        self.git_with(["hash-object", "-w", "-t", "tree", "--literally", "--stdin"], &raw)
    }

    /// Mode, name and object of the entries of a tree.
    fn raw_tree(&self, tree: &str) -> Vec<(String, Vec<u8>, String)> {
        let repo = self.repo();
        let entries = repo.list(oid(tree), b"").expect("a tree");
        let mode = |kind| if kind == crate::git::EntryKind::Tree { "40000" } else { "100644" };
        entries.into_iter().map(|entry| (mode(entry.kind).to_owned(), entry.name, entry.oid.to_string())).collect()
    }

    /// How many objects there are.
    pub fn objects(&self) -> usize {
        self.git(["cat-file", "--batch-all-objects", "--batch-check"]).lines().count()
    }

    /// Asks git whether all is sound.
    pub fn fsck(&self) {
        let said = self.git(["fsck", "--strict", "--no-dangling", "--no-progress"]);
        assert!(said.is_empty(), "{said}");
    }

    /// Appends to the ledger of `main`.
    pub fn append(&self, appends: &[Append]) -> Outcome {
        self.append_to("main", appends)
    }

    pub fn append_to(&self, branch: &str, appends: &[Append]) -> Outcome {
        let signature = signature();
        append(&self.repo(), &self::branch(branch), appends, &appender(&signature)).expect("it appends")
    }

    /// Appends something that must be new.
    #[track_caller]
    pub fn appended(&self, appends: &[Append]) -> Report {
        match self.append(appends) {
            Outcome::Appended { report, .. } => report,
            other => panic!("nothing was appended: {other:?}"),
        }
    }
}

pub fn oid(hex: &str) -> Oid {
    hex.parse().expect("an object id")
}

pub fn branch(name: &str) -> BranchName {
    BranchName::new(name).expect("a branch name")
}

pub fn ledger(name: &str) -> LedgerRef {
    LedgerRef::local(&branch(name))
}

pub fn signature() -> Signature {
    let identity = Identity::new("Ann", "ann@example.com");
    Signature { identity, time: NOON, offset: 60 }
}

pub fn appender(signature: &Signature) -> Appender<'_> {
    Appender { signature, lock: None, deadline: Instant::now() + Duration::from_secs(30) }
}

/// The ledger of `main` alone.
pub fn main_of(repo: &Repo) -> Ledgers<'_> {
    Ledgers::one(LedgerView::open(repo, &ledger("main")).expect("it opens").expect("there is one"))
}

pub fn all_of(repo: &Repo) -> Ledgers<'_> {
    Ledgers::open(repo, Scope::All).expect("they open")
}

/// A session that is written event by event.
pub struct Talk {
    pub id: String,
    pub began: i64,
    pub said: usize,
    builder: RecordBuilder,
}

impl Talk {
    pub fn new(id: &str, began: i64) -> Self {
        Self { id: id.to_owned(), began, said: 0, builder: RecordBuilder::new(1) }
    }

    /// The same with newer rules of redaction.
    pub fn with_rules(id: &str, began: i64, rules: u32) -> Self {
        Self { builder: RecordBuilder::new(rules), ..Self::new(id, began) }
    }

    pub fn resumed(id: &str, began: i64, said: usize, checkpoint: RecordCheckpoint) -> Self {
        Self { id: id.to_owned(), began, said, builder: RecordBuilder::resume(checkpoint) }
    }

    /// Says more, the events numbered on.
    pub fn say(mut self, words: &str, times: usize) -> Self {
        for _ in 0..times {
            let at = Timestamp::from_seconds(self.began + i64::try_from(self.said).expect("a small number"));
            let content = Content::text(format!("{words} {}", self.said));
            let event = Event::new(format!("e{}", self.said), at, EventKind::UserMessage, content);
            self.builder.push(&Redacted::for_test(event), &Findings::default()).expect("it can be compressed");
            self.said += 1;
        }
        self
    }

    pub fn settle(mut self) -> (Self, RecordCheckpoint) {
        let checkpoint = self.builder.settle().expect("it can be compressed");
        (self, checkpoint)
    }

    pub fn record(self) -> Record {
        let header = header(&self.id, self.began);
        self.builder.finish(Redacted::for_test(header), &Findings::default()).expect("it can be compressed")
    }

    pub fn append(self) -> Append {
        Append {
            session: Captured::Record { record: Box::new(self.record()), day: None },
            links: Vec::new(),
            anchors: Vec::new(),
        }
    }
}

pub fn header(id: &str, began: i64) -> Header {
    let at = Timestamp::from_seconds(began);
    let agent =
        Agent { provider: "openai".into(), model: "m".into(), tool: "codex".into(), tool_version: Some("1".into()) };
    let context = Context {
        title: Some(format!("about {id}")),
        description: None,
        tags: Vec::new(),
        created_at: at,
        updated_at: at,
        related_session_ids: Vec::new(),
        attributes: [("cwd".to_owned(), json!("~/project"))].into(),
    };
    Header { version: HAIL_VERSION.into(), session_id: id.into(), agent, context, extra: BTreeMap::new() }
}

pub fn key(id: &str, began: i64) -> SessionKey {
    SessionKey { day: Day::of(Timestamp::from_seconds(began)), sid: Sid::new("codex", id) }
}

pub fn evidence(kind: EvidenceKind) -> Evidence {
    let window = Window { first: Timestamp::from_seconds(NOON), last: Timestamp::from_seconds(NOON + 60) };
    let confidence = Percent::new(80);
    Evidence {
        kind,
        confidence,
        lines: 3,
        share: None,
        files: vec!["src/a.rs".into()],
        more_files: 0,
        window,
        anchor: None,
    }
}

pub fn link(commit: Oid, kind: EvidenceKind) -> NewLink {
    NewLink { commit, committed_at: NOON, evidence: evidence(kind) }
}

/// What the events of a stored session say.
pub fn said(ledgers: &Ledgers<'_>, key: SessionKey) -> Vec<String> {
    let session = ledgers.session(key).expect("it can be read").expect("it is there");
    let reader = ledgers.text(&session).expect("its folder can be read").events().expect("its header can be read");
    let session = reader.read_to_end().expect("its events can be read");
    session.events.iter().flat_map(|event| event.content.texts().map(str::to_owned).collect::<Vec<_>>()).collect()
}
