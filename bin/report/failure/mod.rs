//! Everything that can end a command early, and what is said of it.

mod from;

use std::fmt;
use std::io;
use std::path::PathBuf;

use git_opensession::agents::{self, ParseError};
use git_opensession::fanout::FanoutError;
use git_opensession::git::hooks::Refusal;
use git_opensession::git::remote::RemoteError;
use git_opensession::ledger::SessionKey;
use git_opensession::redaction::rules;
use git_opensession::{browse, capture, doctor, fetch, fold, git, ledger, notes, parse};

use super::{
    Asking, CleanupFailure, Exit, Former, HandoffFailure, Hint, SettingFailure, Sharing, Stumble, Together, chain,
};

/// Why a command ended early.
///
/// Each has a sentence that names its subject, an exit code, and, where there is something to be
/// done, commands that do it.
#[derive(Debug)]
pub enum Failure {
    /// The reader of the output went away: nothing is said.
    Pipe,
    /// The output cannot be written.
    Output(io::Error),
    /// A folder that does not exist, or cannot be entered.
    Folder { path: PathBuf, source: io::Error },
    /// A file cannot be written.
    Write { path: PathBuf, source: io::Error },
    /// The scratch space for something that does not fit into memory cannot be used.
    Scratch(io::Error),
    /// A log that cannot be parsed; `log` is how the user calls it.
    Parse { log: String, error: parse::Error },
    /// A log of another agent than the one that was asked for. `log` is `None` for standard input.
    WrongProfile { log: Option<PathBuf>, asked: &'static str, fits: &'static str },
    /// A file that is no log of any agent.
    UnknownLog { log: String, is_empty: bool },
    /// The output would be written over the log.
    OverLog { log: PathBuf },
    /// A name that names nothing, or too much.
    Browse(browse::Error),
    /// There is no session behind something; `asked` is what the user typed, `what` says what that is.
    NoSession { asked: String, what: String },
    /// There is no session behind any commit of a range.
    NoSessionIn { range: String },
    /// Nothing of that name can be viewed: no revision, no session, no file.
    NoView { asked: String },
    /// A file that says it is HAIL, and cannot be read.
    BadHail { file: String, why: String },
    /// There may be a session behind something, but what is there cannot be read.
    NothingReadable { what: String },
    /// More sessions than the verb takes; `rest` is what the command has behind the session.
    Several { what: String, sessions: Vec<SessionKey>, verb: &'static str, rest: Vec<String> },
    /// The beginning of several sessions' names.
    Ambiguous { text: String, sessions: Vec<SessionKey>, verb: &'static str, rest: Vec<String> },
    /// A session that cannot be read to its end.
    Damaged { session: String, why: String },
    /// A ledger.
    Ledger(ledger::Error),
    /// The notes.
    Notes(notes::Error),
    /// A capture that could not begin.
    Capture(capture::Error),
    /// There is nobody to ask, and nobody has said yes.
    NeedsYes { verb: &'static str },
    /// The same, of something that cannot be undone; `command` does it without a question.
    Unconfirmed { command: Vec<String> },
    /// No rule of redaction has that id.
    UnknownRule { rule: String },
    /// A ledger that cannot be folded.
    Fold(Box<fold::Error>),
    /// There is nobody to ask how sessions shall travel.
    NeedsMode,
    /// There is no place for the man page that is the user's own.
    NoPlaceForManual { binary: PathBuf },
    /// There is a man page that is not ours.
    ForeignManual { at: PathBuf },
    /// The path of this program cannot be told.
    OwnPath(io::Error),
    /// There is no remote, and none was named.
    NoRemote,
    /// No remote of that name.
    UnknownRemote { name: String },
    /// Sessions may not go to a remote.
    NotAllowed { label: String, is_refused: bool },
    /// A remote.
    Remote(RemoteError),
    /// What was fetched cannot be read.
    Fetch(fetch::Error),
    /// A push that could not be planned.
    Fanout(FanoutError),
    /// A push of branch and sessions together.
    Together(Box<Together>),
    /// The doctor.
    Doctor(Box<doctor::Error>),
    /// Registering, reading by address, sharing.
    Sharing(Box<Sharing>),
    /// What belongs to no branch any more.
    Cleanup(Box<CleanupFailure>),
    /// Work that is handed over.
    Handoff(Box<HandoffFailure>),
    /// A question about the code.
    Asking(Box<Asking>),
    /// The demo.
    Demo(Stumble),
    /// The hook's input cannot be read.
    Input(io::Error),
    /// git, or the repository.
    Git(git::Error),
    /// A variable that is set, but to nonsense.
    Variable { name: &'static str, expected: &'static str },
    /// Settings.
    Setting(Box<SettingFailure>),
    /// A verb of OpenSession 0.2.x.
    Former(Former),
}

impl Failure {
    /// What failed when output was written.
    pub fn output(source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::BrokenPipe { Self::Pipe } else { Self::Output(source) }
    }

    /// The same, with what the command has behind the session.
    #[must_use]
    pub fn behind(mut self, words: &[String]) -> Self {
        if let Self::Several { rest, .. } | Self::Ambiguous { rest, .. } = &mut self {
            rest.extend_from_slice(words);
        }
        self
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Pipe => Exit::Pipe,
            Self::UnknownLog { .. }
            | Self::NoSession { .. }
            | Self::NoSessionIn { .. }
            | Self::NoView { .. }
            | Self::BadHail { .. }
            | Self::NoPlaceForManual { .. }
            | Self::ForeignManual { .. }
            | Self::NotAllowed { .. }
            | Self::Browse(browse::Error::Unknown { .. }) => Exit::No,
            Self::Variable { .. }
            | Self::Former(_)
            | Self::WrongProfile { .. }
            | Self::OverLog { .. }
            | Self::NeedsYes { .. }
            | Self::NeedsMode
            | Self::Unconfirmed { .. }
            | Self::UnknownRule { .. }
            | Self::NoRemote
            | Self::UnknownRemote { .. }
            | Self::Several { .. }
            | Self::Ambiguous { .. }
            | Self::Browse(browse::Error::Ambiguous { .. } | browse::Error::NoRange { .. }) => Exit::Usage,
            Self::Remote(error) if error.is_network() => Exit::Network,
            Self::Parse { error, .. } => of_parse(error),
            Self::Sharing(sharing) => sharing.exit(),
            Self::Together(together) => together.exit(),
            Self::Setting(failure) => failure.exit(),
            Self::Doctor(error) => of_doctor(error),
            Self::Fold(error) => of_fold(error),
            Self::Cleanup(failure) => failure.exit(),
            Self::Handoff(failure) => failure.exit(),
            Self::Asking(asking) => asking.exit(),
            _ => Exit::Fatal,
        }
    }

    /// What may help.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::Git(git::Error::NotARepository { .. }) => {
                vec![
                    Hint::own(["-C", "path/to/repository", "doctor"], "in a repository, as git -C"),
                    Hint::own(["demo"], "see it at work in a repository of its own"),
                ]
            }
            Self::UnknownLog { .. } | Self::Parse { error: parse::Error::Log(ParseError::NotThisAgent { .. }), .. } => {
                vec![Hint::own(["docs", "quickstart"], "names the logs that are here")]
            }
            Self::WrongProfile { log, fits, .. } => {
                let log = log.as_ref().map_or_else(|| "-".to_owned(), |log| log.display().to_string());
                vec![Hint::own(["parse", "--profile", fits, &log], "")]
            }
            Self::NoRemote | Self::UnknownRemote { .. } | Self::Remote(RemoteError::NotFound { .. }) => {
                vec![Hint::command(["git", "remote", "-v"], "the remotes that are known here")]
            }
            Self::Remote(RemoteError::Denied { url, .. } | RemoteError::Unreachable { url, .. }) => {
                vec![Hint::command(["git", "ls-remote", url], "whether git itself gets in")]
            }
            Self::Sharing(sharing) => sharing.hints(),
            Self::Together(together) => together.hints(),
            Self::NotAllowed { label, .. } => vec![Hint::own(["doctor", "--fix", "--remote", label], "allow it")],
            Self::Browse(browse::Error::Unknown { .. }) => vec![
                Hint::own(["log"], "the sessions that are here"),
                Hint::own(["fetch"], "get those that others have pushed"),
            ],
            Self::Browse(browse::Error::Ambiguous { candidates, .. }) => each_session("show", candidates, &[]),
            Self::Several { sessions, verb, rest, .. } | Self::Ambiguous { sessions, verb, rest, .. } => {
                each_session(verb, sessions, rest)
            }
            Self::NoSession { asked, .. } => vec![
                Hint::own(["doctor", "--commit", asked], "says why"),
                Hint::own(["fetch"], "get what others have pushed"),
            ],
            Self::NoSessionIn { range } => vec![
                Hint::own(["log"], "the sessions that are here"),
                Hint::own(["capture", range], "take up those behind these commits"),
            ],
            Self::NoView { .. } => vec![
                Hint::own(["log"], "the sessions that are here"),
                Hint::own(["view", "HEAD"], "those behind a commit"),
                Hint::own(["view", "./session.hail.jsonl", "--no-open"], "one in a file"),
            ],
            Self::BadHail { file, .. } => vec![Hint::own(["parse", "--preview", file], "if it is an agent's log")],
            Self::Setting(failure) => failure.hints(),
            Self::Former(former) => former.hints(),
            Self::NoPlaceForManual { .. } | Self::ForeignManual { .. } => {
                vec![Hint::own(["docs", "man"], "prints it: put it into a man1 folder of your MANPATH")]
            }
            Self::NothingReadable { .. } | Self::Damaged { .. } | Self::Ledger(_) => {
                vec![Hint::own(["doctor"], "look at the ledgers")]
            }
            Self::NeedsYes { verb: "--fix" } => {
                vec![Hint::own(["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"], "")]
            }
            Self::NeedsYes { verb } => vec![Hint::own(["doctor", verb, "--yes"], "")],
            Self::Unconfirmed { command } => vec![Hint::own(command.iter().cloned(), "")],
            Self::Fold(_) => vec![Hint::command(["git", "for-each-ref", "refs/opensession"], "the ledgers")],
            Self::NeedsMode => vec![Hint::own(["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"], "")],
            Self::Doctor(error) => match **error {
                doctor::Error::NoRemote { .. } => vec![Hint::command(["git", "remote", "-v"], "")],
                doctor::Error::Refused(Refusal::TooOld(_)) => {
                    vec![Hint::own(["doctor", "--fix", "--hook", "file"], "")]
                }
                doctor::Error::Refused(Refusal::Foreign { .. }) => {
                    vec![Hint::own(["doctor", "--fix"], "then, for the rest")]
                }
                _ => Vec::new(),
            },
            Self::Cleanup(failure) => failure.hints(),
            Self::Handoff(failure) => failure.hints(),
            Self::Asking(asking) => asking.hints(),
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pipe => f.write_str("the reader of the output went away"),
            Self::Parse { log, error } => write!(f, "{}", Parsing { log, error }),
            Self::WrongProfile { log, asked, fits } => {
                let log = log.as_ref().map_or_else(|| "standard input".to_owned(), |log| log.display().to_string());
                write!(f, "{log} is not a log of {asked}, but of {fits}")
            }
            Self::UnknownLog { log, is_empty: true } => write!(f, "{log} is empty"),
            Self::UnknownLog { log, is_empty: false } => {
                let known = agents::ALL.iter().map(|parser| parser.agent()).collect::<Vec<_>>().join(", ");
                write!(f, "{log} is no log of an agent that is known here ({known})")
            }
            Self::OverLog { log } => write!(f, "{} is the log itself: the output would take its place", log.display()),
            Self::Browse(error) => write!(f, "{}", chain(error)),
            Self::NoSession { what, .. } => write!(f, "no session is known behind {what}"),
            Self::NoSessionIn { range } => write!(f, "no session is known behind the commits of {range}"),
            Self::NoView { asked } => {
                write!(f, "{asked:?} is no commit, range, branch or session here, and no file")
            }
            Self::BadHail { file, why } => write!(f, "cannot read {file} as HAIL: {why}"),
            Self::NothingReadable { what } => write!(f, "no session behind {what} can be read"),
            Self::Several { what, sessions, .. } => write!(f, "there are {} sessions behind {what}", sessions.len()),
            Self::Ambiguous { text, sessions, .. } => {
                write!(f, "{text:?} is the beginning of {} sessions", sessions.len())
            }
            Self::Damaged { session, why } => write!(f, "the session {session} cannot be read to its end: {why}"),
            Self::Ledger(error) => write!(f, "{}", chain(error)),
            Self::Notes(error) => write!(f, "{}", chain(error)),
            Self::Capture(error) => write!(f, "{}", chain(error)),
            Self::Git(error) => error.fmt(f),
            Self::NeedsYes { verb } => write!(f, "doctor {verb} changes things, and there is nobody to ask: say --yes"),
            Self::Unconfirmed { .. } => f.write_str("this cannot be undone, and there is nobody to ask: say --yes"),
            Self::UnknownRule { rule } => {
                let known = rules().iter().map(|rule| rule.id).collect::<Vec<_>>().join(", ");
                write!(f, "there is no rule {rule:?}; there are {known}")
            }
            Self::Fold(error) => write!(f, "{}", chain(error.as_ref())),
            Self::NeedsMode => f.write_str("nobody has chosen how sessions shall travel: say --fanout-mode"),
            Self::NoPlaceForManual { binary } => {
                write!(f, "{} is in no bin of your own, with room for a man page beside it", binary.display())
            }
            Self::ForeignManual { at } => write!(f, "{} is not of ours, and stays", at.display()),
            Self::OwnPath(source) => write!(f, "cannot tell where this program is: {}", told(source)),
            Self::Cleanup(failure) => failure.fmt(f),
            Self::Handoff(failure) => failure.fmt(f),
            Self::Asking(asking) => asking.fmt(f),
            Self::Demo(stumble) => stumble.fmt(f),
            Self::NoRemote => f.write_str("this repository has no remote, and none was named"),
            Self::UnknownRemote { name } => write!(f, "there is no remote {name:?}"),
            Self::NotAllowed { label, is_refused: true } => write!(f, "sessions may not go to {label}: you said so"),
            Self::NotAllowed { label, .. } => write!(f, "nobody has allowed sessions to go to {label}"),
            Self::Remote(error) => error.fmt(f),
            Self::Fetch(error) => write!(f, "{}", chain(error)),
            Self::Fanout(error) => error.fmt(f),
            Self::Doctor(error) => error.fmt(f),
            Self::Sharing(sharing) => sharing.fmt(f),
            Self::Together(together) => together.fmt(f),
            Self::Input(source) => write!(f, "cannot read what git says: {}", told(source)),
            Self::Output(source) => write!(f, "cannot write the output: {}", told(source)),
            Self::Folder { path, source } => write!(f, "cannot change to {}: {}", path.display(), told(source)),
            Self::Write { path, source } => write!(f, "cannot write {}: {}", path.display(), told(source)),
            Self::Scratch(source) => write!(f, "cannot use a temporary file: {}", told(source)),
            Self::Variable { name, expected } => write!(f, "{name} is set, but not to {expected}"),
            Self::Setting(failure) => failure.fmt(f),
            Self::Former(former) => former.fmt(f),
        }
    }
}

/// What may not be set up has the answer "no"; what cannot be is a wrong argument.
fn of_doctor(error: &doctor::Error) -> Exit {
    match error {
        doctor::Error::Refused(_) => Exit::No,
        doctor::Error::NoRemote { .. } => Exit::Usage,
        _ => Exit::Fatal,
    }
}

/// What names nothing has the answer "no"; what makes no sense is a wrong argument.
fn of_fold(error: &fold::Error) -> Exit {
    match error {
        fold::Error::NoBranch { .. } | fold::Error::NoLedger { .. } => Exit::No,
        fold::Error::Itself { .. } => Exit::Usage,
        _ => Exit::Fatal,
    }
}

/// A log that is not there is a wrong argument; one without a conversation has the answer "none".
fn of_parse(error: &parse::Error) -> Exit {
    match error {
        parse::Error::Log(ParseError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Exit::Usage,
        parse::Error::Log(ParseError::NotAFile { .. }) => Exit::Usage,
        parse::Error::Log(ParseError::NotThisAgent { .. }) | parse::Error::Empty { .. } => Exit::No,
        _ => Exit::Fatal,
    }
}

/// A sentence about a log that could not be parsed.
struct Parsing<'a> {
    log: &'a str,
    error: &'a parse::Error,
}

impl fmt::Display for Parsing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = self.log;
        match self.error {
            parse::Error::Log(ParseError::Read { source, .. }) => write!(f, "cannot read {log}: {}", told(source)),
            parse::Error::Log(ParseError::NotAFile { .. }) => write!(f, "{log} is not a regular file"),
            parse::Error::Log(ParseError::NotThisAgent { agent, .. }) => write!(f, "{log} has no record of {agent}"),
            parse::Error::Empty { report, .. } => {
                write!(f, "{log} has no conversation in it: {} lines, ", report.lines)?;
                let ignored = report.ignored.values().sum::<u64>();
                write!(f, "{ignored} records that say nothing of one, {} that cannot be read", report.skipped_count)
            }
            error => write!(f, "cannot parse {log}: {error}"),
        }
    }
}

/// The same verb for each of several sessions.
fn each_session(verb: &str, sessions: &[SessionKey], rest: &[String]) -> Vec<Hint> {
    const MOST: usize = 8;
    let words = |key: &SessionKey| [verb.to_owned(), key.sid.to_string()].into_iter().chain(rest.iter().cloned());
    sessions.iter().take(MOST).map(|key| Hint::own(words(key), "")).collect()
}

/// What the system says, without the number that Rust adds.
pub(super) fn told(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ").next().unwrap_or_default().to_owned()
}
