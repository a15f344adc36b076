//! `register`: a session into the local store.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read as _};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use git_opensession::agents;
use git_opensession::git::{Config, Repo, Signature};
use git_opensession::hail::{Digest, LineErrorKind, Snapshot, SnapshotError, UnredactedSnapshot};
use git_opensession::ledger::Appender;
use git_opensession::redaction::{Findings, Person, Redactor};
use git_opensession::store::{self, LOCAL_LIMIT, Registered, Store};
use git_opensession::uri::Source;
use git_opensession::view::{counted, json};
use serde::Serialize;

use super::work;
use crate::cli::Register;
use crate::context::Context;
use crate::report::{Exit, Failure, Sharing};

/// As much of a text as an agent's log is known by.
const HEAD_BYTES: u64 = 64 << 10;
/// How long another process that registers, too, is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn run(context: &mut Context, arguments: &Register) -> Result<Exit, Failure> {
    // Before there is a store: what cannot be read leaves none behind.
    let text = Text::read(arguments)?;
    let place = Place::of(context)?;
    let by = Appender { signature: &place.signature, lock: None, deadline: Instant::now() + PATIENCE };
    let done = text.register(Store::of(&place.repo), &by)?;
    let nothing = Findings::default();
    let uri = Source::Local(done.digest.into()).to_string();
    if arguments.json {
        let told = Told {
            uri: &uri,
            digest: done.digest,
            bytes: done.text,
            new: done.new == Registered::New,
            canonicalised: done.source != done.digest,
            redacted: done.redacted.as_ref().unwrap_or(&nothing),
            shareable: done.redacted.is_some(),
        };
        context.out.write(|out, _| json::write_document(out, "opensession.register/1", &told))?;
    } else {
        context.out.write(|out, _| writeln!(out, "{uri}"))?;
    }
    say(context, &done);
    Ok(Exit::Done)
}

/// What is to be registered, whole.
enum Text {
    Redacted(Snapshot),
    AsItCame(UnredactedSnapshot),
}

impl Text {
    fn read(arguments: &Register) -> Result<Self, Failure> {
        let Input { source, name } = Input::open(&arguments.file)?;
        if arguments.no_redact {
            let read = UnredactedSnapshot::read(source, LOCAL_LIMIT);
            return read.map(Self::AsItCame).map_err(|error| name.failure(error));
        }
        // Of nobody in particular: one session has one name, whoever registers it. What names the person at this
        // machine is looked for again before anything is shared.
        let redactor = Redactor::new(&Person::default());
        Snapshot::read(source, &redactor, LOCAL_LIMIT).map(Self::Redacted).map_err(|error| name.failure(error))
    }

    fn register(&self, store: Store<'_>, by: &Appender<'_>) -> Result<Done, store::Error> {
        Ok(match self {
            Self::Redacted(snapshot) => Done {
                new: store.put(snapshot, by)?,
                digest: snapshot.digest(),
                source: snapshot.source_digest(),
                text: snapshot.text().len(),
                redacted: Some(snapshot.findings().clone()),
            },
            Self::AsItCame(snapshot) => Done {
                new: store.put_unredacted(snapshot, by)?,
                digest: snapshot.digest(),
                source: snapshot.source_digest(),
                text: snapshot.text().len(),
                redacted: None,
            },
        })
    }
}

/// Where it goes: into this repository, or into the user's own store.
struct Place {
    repo: Rc<Repo>,
    signature: Signature,
}

impl Place {
    fn of(context: &Context) -> Result<Self, Failure> {
        let (repo, outside) = work::repo_or_own(context)?;
        let config = match outside {
            None => context.config(&repo)?,
            Some(_) => Config::outside(&context.git_environment)?,
        };
        let identity = config.committer(&context.git_environment);
        Ok(Self { repo, signature: Signature { identity, time: context.now.seconds(), offset: 0 } })
    }
}

/// What is to be registered.
struct Input {
    source: Box<dyn BufRead>,
    name: InputName,
}

/// What it is called, and how it begins: enough to say what it is instead of HAIL.
struct InputName {
    shown: String,
    path: Option<std::path::PathBuf>,
    head: Vec<u8>,
}

impl Input {
    fn open(path: &Path) -> Result<Self, Failure> {
        let is_stdin = path.as_os_str() == "-";
        let shown = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
        let unreadable = |source| Sharing::Unreadable { file: shown.clone(), source };
        let mut source: Box<dyn BufRead> = if is_stdin {
            Box::new(BufReader::new(io::stdin()))
        } else {
            let file = File::open(path).map_err(unreadable)?;
            if file.metadata().map_err(unreadable)?.is_dir() {
                return Err(unreadable(io::ErrorKind::IsADirectory.into()).into());
            }
            Box::new(BufReader::with_capacity(256 << 10, file))
        };
        let mut head = Vec::new();
        source.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(unreadable)?;
        let path = (!is_stdin).then(|| path.to_owned());
        let name = InputName { shown, path, head: head.clone() };
        Ok(Self { source: Box::new(Cursor::new(head).chain(source)), name })
    }
}

impl InputName {
    fn failure(&self, error: SnapshotError) -> Failure {
        let file = self.shown.clone();
        let log = self.path.clone();
        match error {
            SnapshotError::Line(line) if matches!(line.kind, LineErrorKind::NoHeader) => {
                let path = self.path.as_deref().unwrap_or(Path::new("-"));
                let agent = agents::detect(path, &self.head).map(agents::LogParser::agent);
                Sharing::NotHail { file, log, agent, why: line }.into()
            }
            SnapshotError::Line(line) => Sharing::NotHail { file, log, agent: None, why: line }.into(),
            SnapshotError::TooLarge { limit } => Sharing::TooLarge { what: file, limit, is_for_share: false }.into(),
        }
    }
}

struct Done {
    digest: Digest,
    source: Digest,
    text: usize,
    new: Registered,
    /// `None` if nothing was looked for.
    redacted: Option<Findings>,
}

/// What was registered, for programs.
#[derive(Serialize)]
struct Told<'a> {
    uri: &'a str,
    digest: Digest,
    bytes: usize,
    new: bool,
    canonicalised: bool,
    redacted: &'a Findings,
    shareable: bool,
}

fn say(context: &Context, done: &Done) {
    let talk = &context.talk;
    match &done.redacted {
        None => talk.warn("secrets were left in: it can be read here, and not be shared", &[]),
        Some(findings) if !findings.is_empty() => {
            let secrets = counted(findings.secrets(), "secret");
            let people = counted(findings.count("home") + findings.count("user"), "home or user name");
            talk.say(&format!("{secrets} and {people} taken out; the rest is canonical"));
        }
        Some(_) if done.source != done.digest => talk.say("the text was not canonical, and was registered as such"),
        Some(_) => {}
    }
    if done.new == Registered::Known {
        talk.say("it was registered already");
    }
}
