//! Pushing hidden refs.

use super::{Endpoint, NAME, Network, RemoteError, in_time, reason};
use crate::git::process::{Finished, text};
use crate::git::{Oid, OwnRef};

/// What must be true of the remote's ref for it to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// The new value must have the old one among its ancestors.
    FastForward,
    /// It must not be there.
    Absent,
    /// It must point at this object; then it may move anywhere.
    At(Oid),
}

/// One ref to be pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefPush {
    /// The object it shall point at; `None` deletes it.
    pub source: Option<Oid>,
    /// The ref over there.
    pub target: OwnRef,
    /// On which condition.
    pub lease: Lease,
}

/// Whether the refs of a push hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Atomic {
    /// All of them move, or none.
    Yes,
    /// Each for itself.
    No,
}

/// How a ref has changed over there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    New,
    /// It moved on.
    FastForward,
    /// It was moved by force, under a lease.
    Forced,
    /// It is gone.
    Deleted,
    /// It was there already.
    UpToDate,
}

/// Why a ref did not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionKind {
    /// The remote has something this repository has never seen.
    FetchFirst,
    /// The remote has something else.
    NonFastForward,
    /// The remote's ref is not what the lease says.
    StaleLease,
    /// Somebody else was faster by a moment.
    LockFailure,
    /// The remote does not want this ref: a hook, hidden or protected refs, rights, limits. Final.
    Refused,
    /// The remote broke down over it.
    ServerFault,
}

/// A ref that did not change, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// What kind of reason.
    pub kind: RejectionKind,
    /// git's or the remote's words, without controls and credentials.
    pub reason: String,
}

/// What came of one ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefOutcome {
    /// The remote has it.
    Pushed(Change),
    /// The remote does not have it.
    Rejected(Rejection),
}

/// What came of a push.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushReport {
    /// Every ref, in the order given.
    pub refs: Vec<(OwnRef, RefOutcome)>,
    /// What the remote said beside, if it rejected any: at most five lines.
    pub remote_says: Vec<String>,
}

/// Refs of one push: their names must fit into a command line.
const AT_ONCE: usize = 1000;
const REMOTE_LINES: usize = 5;

impl RejectionKind {
    /// Whether fetching, joining and pushing again may help.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::FetchFirst | Self::NonFastForward | Self::StaleLease | Self::LockFailure => true,
            Self::Refused | Self::ServerFault => false,
        }
    }
}

impl PushReport {
    /// The refs that were rejected.
    pub fn rejected(&self) -> impl Iterator<Item = (&OwnRef, &Rejection)> {
        self.refs.iter().filter_map(|(name, outcome)| match outcome {
            RefOutcome::Rejected(rejection) => Some((name, rejection)),
            RefOutcome::Pushed(_) => None,
        })
    }
}

impl Network<'_> {
    /// Pushes hidden refs, and nothing else, in one connection. No hook of the user's runs, no tag, no
    /// signature and no push option goes along.
    ///
    /// # Errors
    ///
    /// When the remote cannot be talked to. A ref that it rejects is no error but an outcome.
    pub fn push(&self, endpoint: &Endpoint, refs: &[RefPush], atomic: Atomic) -> Result<PushReport, RemoteError> {
        let mut report = PushReport::default();
        for refs in refs.chunks(AT_ONCE) {
            let finished = self.command(endpoint, arguments(refs, atomic)).run()?;
            in_time(endpoint, &finished)?;
            let outcomes = read_report(&finished, refs).ok_or_else(|| reason::failure(endpoint.url(), &finished))?;
            report.refs.extend(outcomes);
            if report.rejected().next().is_some() {
                report.remote_says.extend(remote_lines(&finished.stderr));
                report.remote_says.truncate(REMOTE_LINES);
            }
        }
        Ok(report)
    }
}

fn arguments(refs: &[RefPush], atomic: Atomic) -> Vec<String> {
    let mut arguments: Vec<String> = [
        // Ledgers hold compressed segments: looking for deltas in them costs time and saves nothing.
        "-c",
        "pack.window=0",
        "-c",
        "pack.compression=1",
        // Options and negotiation that the user wants for branches.
        "-c",
        "push.pushOption=",
        "-c",
        "push.negotiate=false",
        "push",
        "--porcelain",
        "--no-progress",
        "--no-verify",
        "--no-follow-tags",
        "--no-signed",
        "--no-force-if-includes",
        "--recurse-submodules=no",
    ]
    .map(str::to_owned)
    .into();
    arguments.extend((atomic == Atomic::Yes).then(|| "--atomic".to_owned()));
    arguments.extend(refs.iter().filter_map(|push| match push.lease {
        Lease::FastForward => None,
        Lease::Absent => Some(format!("--force-with-lease={}:", push.target)),
        Lease::At(oid) => Some(format!("--force-with-lease={}:{oid}", push.target)),
    }));
    arguments.extend(["--".to_owned(), NAME.to_owned()]);
    arguments.extend(refs.iter().map(RefPush::refspec));
    arguments
}

impl RefPush {
    /// It as a refspec that nothing forces.
    pub(super) fn refspec(&self) -> String {
        let source = self.source.map(|oid| oid.to_string()).unwrap_or_default();
        format!("{source}:{}", self.target)
    }
}

/// The lines of `--porcelain` (git-push(1)): `<flag> TAB <from>:<to> TAB <summary> (<reason>)`. `None` if
/// one of the refs has no line: then the push broke off.
fn read_report(finished: &Finished, refs: &[RefPush]) -> Option<Vec<(OwnRef, RefOutcome)>> {
    let said = text::report_lines(&finished.stdout);
    let lines: Vec<(&str, &str, &str)> = said.iter().filter_map(|line| report_line(line)).collect();
    let outcome = |push: &RefPush| {
        let name = push.target.to_string();
        let (flag, _, summary) = lines.iter().find(|(_, target, _)| *target == name)?;
        Some((push.target.clone(), read_outcome(flag, summary)))
    };
    refs.iter().map(outcome).collect()
}

fn report_line(line: &str) -> Option<(&str, &str, &str)> {
    let mut parts = line.splitn(3, '\t');
    let (flag, refs, summary) = (parts.next()?, parts.next()?, parts.next()?);
    let (_, target) = refs.rsplit_once(':')?;
    Some((flag, target, summary))
}

pub(super) fn read_outcome(flag: &str, summary: &str) -> RefOutcome {
    let change = match flag {
        "*" => Change::New,
        " " => Change::FastForward,
        "+" => Change::Forced,
        "-" => Change::Deleted,
        "=" => Change::UpToDate,
        _ => return RefOutcome::Rejected(read_rejection(summary)),
    };
    RefOutcome::Pushed(change)
}

/// `[rejected] (fetch first)` is git's own word (transport.c), `[remote rejected] (...)` the remote's.
fn read_rejection(summary: &str) -> Rejection {
    let (class, words) = summary.split_once("] ").unwrap_or((summary, ""));
    let words = words.strip_prefix('(').and_then(|words| words.strip_suffix(')')).unwrap_or(words);
    let kind = match (class, words) {
        ("[rejected", "fetch first") => RejectionKind::FetchFirst,
        ("[rejected", "stale info" | "atomic push failed") => RejectionKind::StaleLease,
        ("[rejected", "non-fast-forward" | "needs force" | "already exists") => RejectionKind::NonFastForward,
        ("[remote failure", _) => RejectionKind::ServerFault,
        ("[remote rejected", words) => reason::remote_rejection(words),
        _ => RejectionKind::Refused,
    };
    Rejection { kind, reason: reason::quoted(if words.is_empty() { summary } else { words }) }
}

/// What the remote printed, without the lines that only decorate.
pub(super) fn remote_lines(stderr: &str) -> impl Iterator<Item = String> {
    let line = |line: &str| line.strip_prefix("remote:").map(str::trim).map(reason::quoted);
    stderr.lines().filter_map(line).filter(|line| line.chars().any(char::is_alphanumeric)).take(REMOTE_LINES)
}
