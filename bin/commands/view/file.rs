//! A text to view: a file of HAIL, an agent's log, or what is at an address.

use std::fs::File;
use std::io::{self, BufReader, Seek as _, Write};
use std::path::Path;

use git_opensession::agents;
use git_opensession::ledger::Sid;
use git_opensession::redaction::Redactor;
use git_opensession::session_file::{self, SessionFile};
use git_opensession::uri;
use git_opensession::view::html::Document;
use git_opensession::view::{Page, Untrusted};

use crate::commands::addressed::Reading;
use crate::commands::parse::Source;
use crate::commands::shown;
use crate::context::Context;
use crate::report::{Failure, chain};

/// A session from a file or from an address, redacted.
pub struct FileSession {
    /// The file, as the user calls it; or the address.
    pub about: String,
    sid: String,
    redacted: Vec<(Untrusted, u64)>,
    session: SessionFile<File>,
}

/// Reads a file; `-` is standard input.
///
/// # Errors
/// When it cannot be read, or there is no session in it.
pub fn read(context: &Context, path: &Path) -> Result<FileSession, Failure> {
    let redactor = Redactor::new(&context.person());
    let source = Source::open(path)?;
    let mut file = agents::jsonl::open(&source.path).map_err(|error| source.failure(error.into()))?.file;
    let spool = tempfile::tempfile().map_err(Failure::Scratch)?;
    let session = if session_file::is_hail(BufReader::new(&file)) {
        file.rewind().map_err(Failure::Scratch)?;
        session_file::of_hail(BufReader::new(file), &redactor, spool)
    } else {
        let head = source.head()?;
        let unknown = || Failure::UnknownLog { log: source.to_string(), is_empty: head.is_empty() };
        let parser = agents::detect(&source.path, &head).ok_or_else(unknown)?;
        let events = tempfile::tempfile().map_err(Failure::Scratch)?;
        session_file::of_log(&source.path, parser, source.copy.is_none(), &redactor, spool, events)
    };
    let session = session.map_err(|error| match error {
        session_file::Error::Log(error) => source.failure(error),
        session_file::Error::Hail(error) => Failure::BadHail { file: source.to_string(), why: chain(&error) },
        session_file::Error::Spool(error) => Failure::Scratch(error),
    })?;
    Ok(FileSession::new(source.to_string(), session))
}

/// Reads what is at an address. All of it was held against its name.
///
/// # Errors
/// When it cannot be had, or is no session.
pub fn at_address(context: &Context, address: &uri::Source) -> Result<FileSession, Failure> {
    let text = Reading::new(context)?.read(context, address)?;
    let redactor = Redactor::new(&context.person());
    let spool = tempfile::tempfile().map_err(Failure::Scratch)?;
    let session = session_file::of_hail(text.as_slice(), &redactor, spool).map_err(|error| match error {
        session_file::Error::Spool(error) => Failure::Scratch(error),
        error => Failure::Damaged { session: address.to_string(), why: chain(&error) },
    })?;
    Ok(FileSession::new(address.to_string(), session))
}

impl FileSession {
    fn new(about: String, session: SessionFile<File>) -> Self {
        let sid = Sid::of(&session.header).to_string();
        let redacted = shown::redacted(&session.findings);
        Self { about, sid, redacted, session }
    }

    /// How many places of it could not be read.
    pub fn skipped(&self) -> u64 {
        self.session.skipped
    }

    /// Writes its page.
    pub fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let (header, stats) = (self.session.header.clone(), self.session.stats);
        let page = Page {
            sid: &self.sid,
            header: &header,
            stats: &stats,
            links: &[],
            branches: &[],
            redacted: &self.redacted,
            found_by: None,
        };
        let mut document = Document::begin(out, &self.about, std::slice::from_ref(&page))?;
        document.session(&page)?;
        for event in self.session.events().map_err(io::Error::other)? {
            document.event(&event.map_err(io::Error::other)?)?;
        }
        document.finish()
    }
}
