//! What a ledger costs as it grows: append, join, look up, list.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench prints its table, and a panic is its failure"
)]

#[path = "support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use git_opensession::git::{BranchName, GitEnvironment, Identity, Oid, PatchId, Repo, Signature};
use git_opensession::hail::{Digest, RecordBuilder};
use git_opensession::ledger::{
    Anchor, Append, Appender, Captured, CommitAt, Evidence, EvidenceKind, LedgerRef, LedgerView, Ledgers, NewAnchor,
    NewLink, Outcome, Percent, Scope, Sketch, Window, append, join,
};
use git_opensession::redaction::{Findings, Redactor};
use git_opensession::session::{Content, Event, EventKind, Header, Timestamp};
use support::table::{Table, median, sample};

/// 2026-03-06T12:00:00Z.
const NOON: i64 = 1_772_798_400;
const DAY: i64 = 86_400;

struct Bench {
    repo: Repo,
    redactor: Redactor,
    branch: BranchName,
}

/// A commit that a session is tied to; it need not be there.
fn commit(number: u64) -> Oid {
    id(&format!("commit {number}"))
}

/// Ids are spread evenly, as git's are.
fn id(of: &str) -> Oid {
    Digest::of(of.as_bytes()).to_string()[..40].parse().expect("an id")
}

/// What a push of one commit stores beside the link: its patch, that of its branch, three of its lines.
fn anchors(number: u64, at: i64, evidence: &Evidence) -> Vec<NewAnchor> {
    let commit = CommitAt { id: commit(number), at };
    let sketch = Sketch::of((0..40).map(|line| line << 20));
    let lines = Anchor::Lines { commit, written: at, added: 40, sketch };
    let of = [Anchor::Commit { commit }, Anchor::Branch { others: Vec::new() }, lines.clone(), lines.clone(), lines];
    let anchored = of.into_iter().enumerate().map(|(nth, anchor)| {
        let patch = PatchId(id(&format!("patch {number} {nth}")));
        NewAnchor { patch, evidence: Evidence { anchor: Some(anchor), ..evidence.clone() } }
    });
    anchored.collect()
}

impl Bench {
    /// Of a bare repository.
    fn open(folder: &Path) -> Self {
        let environment = GitEnvironment { home: Some(folder.to_owned()), ..GitEnvironment::default() };
        let repo = Repo::open(folder, &environment).expect("it opens");
        let branch = BranchName::new("main").expect("a branch name");
        Self { repo, redactor: Redactor::of_secrets_only(), branch }
    }

    /// Fills the ledger up to `count` sessions as another process, whose memory is not in the way of what is measured, and
    /// waits until the disk is quiet. Gives the tip.
    fn fill(&self, from: u64, count: u64) -> Oid {
        let this = std::env::current_exe().expect("this program");
        let mut filling = Command::new(this);
        filling.arg(FILL).arg(self.path()).args([from, count].map(|number| number.to_string()));
        let filled = filling.output().expect("it runs");
        assert!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
        assert!(Command::new("sync").status().is_ok_and(|status| status.success()), "the disk takes it");
        String::from_utf8_lossy(&filled.stdout).trim().parse().expect("a tip")
    }

    /// A small session, of one of a thousand days.
    fn session(&self, number: u64) -> Append {
        let began = NOON - i64::try_from(number % 1000).expect("a small number") * DAY;
        let at = Timestamp::from_seconds(began);
        let header = serde_json::json!({
            "version": "hail-1.0.0",
            "session_id": number.to_string(),
            "agent": { "provider": "openai", "model": "m", "tool": "codex" },
            "context": { "title": format!("session {number}"), "tags": [], "created_at": at, "updated_at": at,
                         "attributes": { "cwd": "~/project" } },
        });
        let header: Header = serde_json::from_value(header).expect("a header");
        let (mut builder, mut findings) = (RecordBuilder::new(1), Findings::default());
        for n in 0..2 {
            let content = Content::text(format!("event {n} of session {number}"));
            let event = Event::new(format!("e{n}"), at, EventKind::UserMessage, content);
            builder.push(&self.redactor.event(event, &mut findings), &findings).expect("it is taken");
        }
        let header = self.redactor.header(header, &mut findings);
        let record = builder.finish(header, &findings).expect("it is taken");
        let window = Window { first: at, last: at };
        let (kind, confidence) = (EvidenceKind::Wrote, Percent::new(80));
        let evidence =
            Evidence { kind, confidence, lines: 3, share: None, files: vec![], more_files: 0, window, anchor: None };
        let anchors = anchors(number, began, &evidence);
        let link = NewLink { commit: commit(number), committed_at: began, evidence };
        Append { session: Captured::Record { record: Box::new(record), day: None }, links: vec![link], anchors }
    }

    fn append(&self, numbers: impl Iterator<Item = u64>) -> Oid {
        let signature = Signature { identity: Identity::new("Ann", "ann@example.com"), time: NOON, offset: 0 };
        let deadline = Instant::now() + Duration::from_secs(600);
        let by = Appender { signature: &signature, lock: None, deadline };
        let sessions: Vec<Append> = numbers.map(|number| self.session(number)).collect();
        match append(&self.repo, &self.branch, &sessions, &by).expect("it appends") {
            Outcome::Appended { new, .. } => new,
            other => panic!("nothing was appended: {other:?}"),
        }
    }

    fn set(&self, tip: Oid) {
        let name = LedgerRef::local(&self.branch).to_string();
        let set = Command::new("git").args(["update-ref", &name, &tip.to_string()]).current_dir(self.path()).status();
        assert!(set.is_ok_and(|status| status.success()), "git moves the ref");
    }

    fn path(&self) -> &Path {
        self.repo.git_dir()
    }

    /// Appends of one session each, on a ledger of so many: the median, in milliseconds.
    fn appends(&self, first: u64) -> f64 {
        let mut next = first;
        let times = sample(15, || {
            self.append(std::iter::once(next));
            next += 1;
        });
        median(&times)
    }
}

/// The first argument of the process that fills a ledger: folder, first number and the one after the last come next.
const FILL: &str = "--fill";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [FILL, folder, from, to] = args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        let number = |text: &str| text.parse().expect("a number");
        println!("{}", Bench::open(Path::new(folder)).append(number(from)..number(to)));
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let made = Command::new("git").args(["init", "-q", "--bare", "."]).current_dir(folder.path()).status();
    assert!(made.is_ok_and(|status| status.success()), "git makes a repository");
    let bench = Bench::open(folder.path());
    measure(&bench);
}

fn measure(bench: &Bench) {
    let mut table = Table::new("a ledger as it grows");
    let (mut stored, mut appends) = (0, Vec::new());
    for count in [1_000, 10_000, 100_000] {
        let tip = bench.fill(stored, count);
        stored = count;
        appends.push(bench.appends(1_000_000));
        table.at_most(&format!("append one session to {count}"), appends[appends.len() - 1], 10.0, "ms");
        bench.set(tip);
    }
    let slowest = appends.iter().copied().fold(f64::MIN, f64::max);
    let fastest = appends.iter().copied().fold(f64::MAX, f64::min);
    table.at_most("the slowest of them to the fastest", slowest / fastest, 1.5, "x");

    let base = bench.append(std::iter::once(999_999));
    let ours = bench.append(200_000..200_050);
    bench.set(base);
    let theirs = bench.append(300_000..300_050);
    let times = sample(9, || {
        let [one, other] = [ours, theirs].map(|tip| LedgerView::at(&bench.repo, tip).expect("it opens"));
        let mut batch = bench.repo.batch();
        join(&one, &other, &mut batch).expect("they can be joined");
        batch.finish().expect("it is written");
    });
    table.at_most("join 50 + 50 new sessions at 100,000", median(&times), 250.0, "ms");

    let ledgers = Ledgers::open(&bench.repo, Scope::Local).expect("they open");
    let times = sample(50, || {
        let found = ledgers.links(commit(4711), Some(NOON - 711 * DAY)).expect("they can be read");
        assert_eq!(found.len(), 1);
    });
    table.at_most("the sessions of a commit at 100,000", median(&times), 1.0, "ms");
    let times = sample(15, || {
        let newest = ledgers.sessions().take(20).flatten().count();
        assert_eq!(newest, 20);
    });
    table.at_most("the newest 20 at 100,000", median(&times), 40.0, "ms");
    table.finish();
}
