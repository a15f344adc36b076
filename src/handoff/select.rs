//! Which sessions a handoff is made of: named by session, commit, branch, range, or as a file.

use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::derive::{Part, Reader};
use crate::agents;
use crate::browse::{self, Browser};
use crate::hail::{self, LineError, LineErrorKind};
use crate::ledger::{self, Link, Match, StoredSession};
use crate::parse::{self, Log};
use crate::redaction::{Findings, Redactor};
use crate::session::Timestamp;

/// As much of a log as its agent is known by.
const HEAD_BYTES: u64 = 64 << 10;

/// Why a session cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It names nothing, or too much.
    #[error(transparent)]
    Browse(#[from] browse::Error),
    /// There is no session behind it.
    #[error("no session is known behind {asked:?}")]
    None {
        /// What was asked for.
        asked: String,
    },
    /// A file that is neither a log of an agent nor HAIL.
    #[error("{} is no log of an agent that is known here, and no HAIL", path.display())]
    UnknownLog {
        /// The file.
        path: PathBuf,
    },
    /// A file that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A log without a conversation, or one that cannot be read.
    #[error("{}: {error}", path.display())]
    Log {
        /// The log.
        path: PathBuf,
        /// Why.
        error: Box<parse::Error>,
    },
    /// HAIL that cannot be read to its end.
    #[error("{what} cannot be read to its end: {why}")]
    Text {
        /// What it is.
        what: String,
        /// Why.
        #[source]
        why: LineError,
    },
    /// A session of a ledger.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
}

/// One session, not yet or already read.
enum Input {
    Stored(Box<StoredSession>),
    Read(Box<Part>),
}

/// Sessions that were selected.
pub struct Selection<'a, 'repo> {
    browser: &'a Browser<'repo>,
    /// For what comes from this machine: takes out the person, too.
    redactor: &'a Redactor,
    /// For what comes from a ledger. The person who wrote it is out already; to take out the one who reads it would
    /// make another artifact on every machine.
    secrets: Redactor,
    inputs: Vec<Input>,
    /// Sessions that are there and cannot be read.
    pub unreadable: Vec<ledger::Error>,
    /// Sessions of commits that were recognised by something else than their ids.
    pub recognised: Vec<Link>,
}

impl<'a, 'repo> Selection<'a, 'repo> {
    /// Nothing yet.
    pub fn new(browser: &'a Browser<'repo>, redactor: &'a Redactor) -> Self {
        let secrets = Redactor::of_secrets_only();
        Self { browser, redactor, secrets, inputs: Vec::new(), unreadable: Vec::new(), recognised: Vec::new() }
    }

    /// Adds what a text names. What is written as a path is a file; else whatever git and the ledgers know comes before
    /// a file of that name.
    ///
    /// # Errors
    /// When it names nothing, and when a file cannot be read.
    pub fn add(&mut self, asked: &str) -> Result<(), Error> {
        let path = Path::new(asked);
        let is_written_as_path = path.is_absolute()
            || asked.starts_with("./")
            || asked.starts_with("../")
            || [".jsonl", ".json", ".zst"].iter().any(|ending| asked.ends_with(ending));
        if is_written_as_path && (path.is_file() || !asked.contains("..")) {
            return self.add_file(path);
        }
        match self.behind(asked) {
            Ok(findings) => self.take(asked, findings),
            Err(browse::Error::Unknown { .. }) if path.is_file() => self.add_file(path),
            Err(error) => Err(error.into()),
        }
    }

    fn behind(&self, asked: &str) -> Result<browse::Findings, browse::Error> {
        if asked.contains("..") {
            return self.browser.behind_range(asked);
        }
        self.browser.behind(&self.browser.resolve(asked)?)
    }

    fn take(&mut self, asked: &str, findings: browse::Findings) -> Result<(), Error> {
        let is_empty = findings.found.is_empty();
        if is_empty && findings.unreadable.is_empty() {
            return Err(Error::None { asked: asked.to_owned() });
        }
        self.unreadable.extend(findings.unreadable);
        let links = findings.found.iter().flat_map(|found| &found.links);
        self.recognised.extend(links.filter(|link| link.matched != Match::Commit).cloned());
        self.inputs.extend(findings.found.into_iter().map(|found| Input::Stored(Box::new(found.session))));
        Ok(())
    }

    fn add_file(&mut self, path: &Path) -> Result<(), Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let unread = |error| Error::Log { path: path.to_owned(), error: Box::new(error) };
        let log = agents::jsonl::open(path).map_err(|error| unread(error.into()))?;
        let mut head = Vec::new();
        let mut source = BufReader::new(log.file);
        source.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(failed)?;
        let text = head.as_slice().chain(source);
        if let Ok(reader) = hail::Reader::new(text) {
            return self.add_reader(&path.display().to_string(), reader);
        }
        let Some(parser) = agents::detect(path, &head) else {
            return Err(Error::UnknownLog { path: path.to_owned() });
        };
        let log = Log { path, parser, is_named: true, redactor: None };
        let mut reader = Reader::default();
        let mut findings = Findings::default();
        let parsed = parse::read(&log, &mut |event| {
            reader.event(&self.redactor.event(event.clone(), &mut findings));
            Ok(())
        })
        .map_err(unread)?;
        let header = self.redactor.header(parsed.header, &mut findings);
        self.inputs.push(Input::Read(Box::new(reader.finish(&header))));
        Ok(())
    }

    /// Adds a session's canonical text.
    ///
    /// # Errors
    /// When it is none.
    pub fn add_text(&mut self, what: &str, text: impl BufRead) -> Result<(), Error> {
        let reader = hail::Reader::new(text).map_err(|why| Error::Text { what: what.to_owned(), why })?;
        self.add_reader(what, reader)
    }

    fn add_reader(&mut self, what: &str, reader: hail::Reader<impl BufRead>) -> Result<(), Error> {
        let part = read(what, reader, self.redactor)?;
        self.inputs.push(Input::Read(Box::new(part)));
        Ok(())
    }

    /// How many sessions were selected.
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// Puts them in order, oldest first, each once; keeps the last `most` of them; and reads those.
    ///
    /// # Errors
    /// When one cannot be read to its end.
    pub fn parts(mut self, most: Option<usize>) -> Result<Vec<Part>, Error> {
        self.inputs.sort_by_key(Input::order);
        self.inputs.dedup_by_key(|input| input.order().1);
        let first = self.inputs.len().saturating_sub(most.unwrap_or(usize::MAX));
        let inputs = self.inputs.split_off(first);
        inputs.into_iter().map(|input| self.part(input)).collect()
    }

    fn part(&self, input: Input) -> Result<Part, Error> {
        let session = match input {
            Input::Read(part) => return Ok(*part),
            Input::Stored(session) => session,
        };
        let what = session.key.sid.to_string();
        let text = self.browser.ledgers().text(&session)?;
        let reader = text.events().map_err(|why| Error::Text { what: what.clone(), why })?;
        read(&what, reader, &self.secrets)
    }
}

impl Input {
    /// When it began, and its name.
    fn order(&self) -> (Timestamp, String) {
        match self {
            Self::Stored(session) => (session.meta.header.context.created_at, session.key.sid.to_string()),
            Self::Read(part) => (part.source().started, part.source().session.clone()),
        }
    }
}

fn read(what: &str, mut reader: hail::Reader<impl BufRead>, redactor: &Redactor) -> Result<Part, Error> {
    let failed = |why| Error::Text { what: what.to_owned(), why };
    let mut findings = Findings::default();
    let header = redactor.header(reader.header().clone(), &mut findings);
    let mut part = Reader::default();
    for event in &mut reader {
        part.event(&redactor.event(event.map_err(failed)?, &mut findings));
    }
    if reader.stats().is_none() {
        return Err(failed(LineError { line: 0, kind: LineErrorKind::CutOff }));
    }
    Ok(part.finish(&header))
}
