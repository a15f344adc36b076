//! Large ledgers, written by the library itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use git_opensession::git::{BranchName, GitEnvironment, Identity, Oid, PatchId, Repo, Signature};
use git_opensession::hail::RecordBuilder;
use git_opensession::ledger::{
    Anchor, Append, Appender, Captured, CommitAt, Day, Evidence, EvidenceKind, NewAnchor, NewLink, Outcome, Percent,
    SessionKey, Sid, Sketch, Window, append,
};
use git_opensession::redaction::{Findings, RULES_VERSION, Redactor};
use git_opensession::session::{Agent, Content, Context, Event, EventKind, HAIL_VERSION, Header, Timestamp};

/// 2026-03-06T12:00:00Z, when the newest sessions were.
pub const NOON: i64 = 1_772_798_400;
/// How many sessions each day has.
pub const A_DAY: u32 = 200;
const AT_ONCE: usize = 5_000;
const SECONDS_OF_A_DAY: i64 = 86_400;

/// The repository in a folder.
pub fn open(folder: &Path) -> Repo {
    let environment = GitEnvironment { home: Some(folder.to_owned()), variables: BTreeMap::new() };
    Repo::open(folder, &environment).expect("a repository")
}

/// Fills the ledger of `main` with so many sessions, [`A_DAY`] a day, each tied to a commit of its own.
pub fn fill(repo: &Repo, sessions: u32) {
    let redactor = Redactor::of_secrets_only();
    let signature = Signature { identity: Identity::new("Ann", "ann@example.com"), time: NOON, offset: 0 };
    let main = BranchName::new("main").expect("a branch");
    let all: Vec<u32> = (0..sessions).collect();
    for some in all.chunks(AT_ONCE) {
        let appends: Vec<Append> = some.iter().map(|n| session(&redactor, *n)).collect();
        let by = Appender { signature: &signature, lock: None, deadline: Instant::now() + Duration::from_secs(600) };
        let done = append(repo, &main, &appends, &by).expect("it is stored");
        assert!(matches!(done, Outcome::Appended { .. }));
    }
}

/// Day and name of a session.
pub fn key(n: u32) -> SessionKey {
    let began = NOON - i64::from(n / A_DAY) * SECONDS_OF_A_DAY;
    SessionKey { day: Day::of(Timestamp::from_seconds(began)), sid: Sid::new("codex", &format!("session-{n}")) }
}

/// What a session is found by besides its commit: a patch, and three lines.
fn anchors_of(n: u32, commit: CommitAt, evidence: &Evidence) -> Vec<NewAnchor> {
    let anchor = |place: u32| {
        let spread = (n.wrapping_mul(4).wrapping_add(place)).wrapping_mul(2_654_435_761).to_be_bytes();
        let bytes = [spread.as_slice(), &n.to_be_bytes(), &place.to_be_bytes(), &[0x33; 8]].concat();
        let of = match place {
            0 => Anchor::Commit { commit },
            _ => Anchor::Lines {
                commit,
                written: commit.at,
                added: 40,
                sketch: Sketch::of((0..40).map(|line| line * 99)),
            },
        };
        let evidence = Evidence { anchor: Some(of), ..evidence.clone() };
        NewAnchor { patch: PatchId(Oid::from_bytes(&bytes).expect("an id")), evidence }
    };
    (0..4).map(anchor).collect()
}

fn session(redactor: &Redactor, n: u32) -> Append {
    let began = NOON - i64::from(n / A_DAY) * SECONDS_OF_A_DAY + i64::from(n % A_DAY);
    let at = Timestamp::from_seconds(began);
    let mut builder = RecordBuilder::new(RULES_VERSION);
    for number in 0..3 {
        let content =
            Content::text(format!("Session {n} says something for the {number}th time, and it is some text."));
        let mut found = Findings::new();
        let event = redactor.event(Event::new(format!("e{number}"), at, EventKind::UserMessage, content), &mut found);
        builder.push(&event, &found).expect("it can be packed");
    }
    let agent = Agent { provider: "openai".into(), model: "m".into(), tool: "codex".into(), tool_version: None };
    let context = Context {
        title: Some(format!("Session {n}")),
        description: None,
        tags: Vec::new(),
        created_at: at,
        updated_at: at,
        related_session_ids: Vec::new(),
        attributes: BTreeMap::new(),
    };
    let header = Header {
        version: HAIL_VERSION.into(),
        session_id: format!("session-{n}"),
        agent,
        context,
        extra: BTreeMap::new(),
    };
    let header = redactor.header(header, &mut Findings::new());
    let record = Box::new(builder.finish(header, &Findings::new()).expect("it can be packed"));
    // Spread as the ids of commits are.
    let spread = n.wrapping_mul(2_654_435_761).to_be_bytes();
    let bytes = [spread.as_slice(), &n.to_be_bytes(), &[0x5a; 12]].concat();
    let window = Window { first: at, last: at };
    let evidence = Evidence {
        kind: EvidenceKind::Window,
        confidence: Percent::new(50),
        lines: 0,
        share: None,
        files: Vec::new(),
        more_files: 0,
        window,
        anchor: None,
    };
    let commit = Oid::from_bytes(&bytes).expect("an id");
    let anchors = anchors_of(n, CommitAt { id: commit, at: began }, &evidence);
    let links = vec![NewLink { commit, committed_at: began, evidence }];
    Append { session: Captured::Record { record, day: None }, links, anchors }
}
