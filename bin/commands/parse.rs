//! `parse`: an agent's log as HAIL.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write};
use std::path::{Path, PathBuf};

use git_opensession::agents::{self, LogParser, Report, SkipReason};
use git_opensession::ledger::Sid;
use git_opensession::parse::{self, Log, Parsed};
use git_opensession::redaction::{Findings, Redactor};
use git_opensession::session::{Event, Stats};
use git_opensession::session_file::is_hail;
use git_opensession::view::{Conversation, Page, Reading, Safe, json, number, write_head};
use serde::Serialize;

use super::shown;
use crate::cli::Parse;
use crate::context::Context;
use crate::report::{Failure, Hint, Sharing};

/// Events that a preview shows.
const PREVIEW_EVENTS: usize = 40;

/// As much of a log as its agent is known by.
const HEAD_BYTES: u64 = 64 << 10;

/// What of the event lines stays in memory before they go to a file without a name.
const SPOOL_BYTES: usize = 8 << 20;

pub fn run(context: &mut Context, arguments: &Parse) -> Result<(), Failure> {
    let source = Source::open(&arguments.log)?;
    let parser = choose(&source, &arguments.profile)?;
    let redactor = if arguments.no_redact { None } else { Some(Redactor::new(&context.person())) };
    let log = Log { path: &source.path, parser, is_named: source.copy.is_none(), redactor: redactor.as_ref() };
    if arguments.preview {
        return preview(context, &source, &log);
    }
    if arguments.report {
        let parsed = parse::read(&log, &mut |_| Ok(())).map_err(|error| source.failure(error))?;
        return report(context, &parsed, arguments.json);
    }
    let parsed = match &arguments.out {
        Some(out) => write_file(&source, &log, out)?,
        None => print(context, &source, &log)?,
    };
    if parsed.report.skipped_count > 0 {
        let places = number(parsed.report.skipped_count);
        let hint = Hint::own(["parse", "--report", &arguments.log.to_string_lossy()], "");
        context.talk.warn(&format!("{places} places of {source} could not be read"), &[hint]);
    }
    Ok(())
}

/// The log: a file, or what came on standard input.
pub(super) struct Source {
    pub path: PathBuf,
    /// Standard input, kept in a file without a name: it is gone when this process is, however that ends.
    pub copy: Option<File>,
}

impl Source {
    pub fn open(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() != "-" {
            return Ok(Self { path: path.to_owned(), copy: None });
        }
        let mut copy = tempfile::tempfile().map_err(Failure::Scratch)?;
        io::copy(&mut io::stdin().lock(), &mut copy).map_err(Failure::Scratch)?;
        copy.rewind().map_err(Failure::Scratch)?;
        Ok(Self { path: path_of(&copy), copy: Some(copy) })
    }

    pub fn head(&self) -> Result<Vec<u8>, Failure> {
        let mut head = Vec::new();
        let log = agents::jsonl::open(&self.path).map_err(|error| self.failure(error.into()))?;
        let read = log.file.take(HEAD_BYTES).read_to_end(&mut head);
        read.map_err(|source| self.failure(agents::ParseError::Read { path: self.path.clone(), source }.into()))?;
        Ok(head)
    }

    /// The word that names it on a command line.
    fn word(&self) -> String {
        if self.copy.is_some() { "-".to_owned() } else { self.path.display().to_string() }
    }

    pub fn failure(&self, error: parse::Error) -> Failure {
        match error {
            parse::Error::Spool(source) => Failure::Scratch(source),
            parse::Error::Output(source) => Failure::output(source),
            error => Failure::Parse { log: self.to_string(), error },
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.copy {
            Some(_) => f.write_str("standard input"),
            None => self.path.display().fmt(f),
        }
    }
}

/// A path that opens a file that has no name.
fn path_of(file: &File) -> PathBuf {
    use std::os::fd::AsRawFd as _;
    let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    Path::new(folder).join(file.as_raw_fd().to_string())
}

fn choose(source: &Source, profile: &str) -> Result<&'static dyn LogParser, Failure> {
    let head = source.head()?;
    if head.is_empty() {
        return Err(Failure::UnknownLog { log: source.to_string(), is_empty: true });
    }
    if is_hail(head.as_slice()) {
        return Err(Sharing::AlreadyHail { file: source.to_string(), word: source.word() }.into());
    }
    let fits = agents::detect(&source.path, &head);
    let asked = agents::by_name(profile);
    match (asked, fits) {
        (Some(asked), Some(fits)) if fits.agent() != asked.agent() && !asked.recognises(&source.path, &head) => {
            let log = source.copy.is_none().then(|| source.path.clone());
            Err(Failure::WrongProfile { log, asked: asked.agent(), fits: fits.agent() })
        }
        (Some(parser), _) | (None, Some(parser)) => Ok(parser),
        (None, None) => Err(Failure::UnknownLog { log: source.to_string(), is_empty: head.is_empty() }),
    }
}

fn print(context: &mut Context, source: &Source, log: &Log<'_>) -> Result<Parsed, Failure> {
    let spool = tempfile::spooled_tempfile(SPOOL_BYTES);
    let is_terminal = context.out.is_terminal();
    let _progress = context.talk.progress("Parsing");
    let written = context.out.write(|out, _| {
        if !is_terminal {
            return Ok(parse::to_hail(log, spool, out));
        }
        let mut escaped = json::EscapedJson::new(out);
        let parsed = parse::to_hail(log, spool, &mut escaped);
        escaped.finish()?;
        Ok(parsed)
    })?;
    written.map_err(|error| source.failure(error))
}

fn write_file(source: &Source, log: &Log<'_>, path: &Path) -> Result<Parsed, Failure> {
    let is_log = |path: &Path| match (fs::canonicalize(path), fs::canonicalize(&source.path)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    };
    if is_log(path) {
        return Err(Failure::OverLog { log: path.to_owned() });
    }
    let failed = |source| Failure::Write { path: path.to_owned(), source };
    let spool = tempfile::spooled_tempfile(SPOOL_BYTES);
    let mut out = OnFirstWrite { path, file: None };
    parse::to_hail(log, spool, &mut out).map_err(|error| match error {
        parse::Error::Output(source) => failed(source),
        error => source.failure(error),
    })
}

/// A file that is made when there is something to write: a log that cannot be parsed empties no file.
struct OnFirstWrite<'p> {
    path: &'p Path,
    file: Option<File>,
}

impl Write for OnFirstWrite<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            empty => empty.insert(File::create(self.path)?),
        };
        file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

fn preview(context: &mut Context, source: &Source, log: &Log<'_>) -> Result<(), Failure> {
    let mut first: Vec<Event> = Vec::new();
    let mut take = |event: &Event| {
        if first.len() < PREVIEW_EVENTS {
            first.push(event.clone());
        }
        Ok(())
    };
    let parsed = parse::read(log, &mut take).map_err(|error| source.failure(error))?;
    let more = parsed.stats.event_count.saturating_sub(first.len() as u64);
    let cwd = parsed.header.context.attributes.get("cwd").and_then(serde_json::Value::as_str);
    let redacted = shown::redacted(&parsed.findings);
    let sid = Sid::of(&parsed.header).to_string();
    let page = Page {
        sid: &sid,
        header: &parsed.header,
        stats: &parsed.stats,
        links: &[],
        branches: &[],
        redacted: &redacted,
        found_by: None,
    };
    context.out.write(|out, look| {
        write_head(out, look, &page)?;
        let mut conversation = Conversation::new(out, look, Reading::Folded, cwd);
        first.iter().try_for_each(|event| conversation.event(event))?;
        conversation.finish()?;
        match more {
            0 => Ok(()),
            more => writeln!(out, "\n… {} more events", number(more)),
        }
    })
}

/// What became of a log.
#[derive(Serialize)]
struct Told<'a> {
    agent: &'a str,
    session_id: &'a str,
    lines: u64,
    read: &'a BTreeMap<String, u64>,
    ignored: &'a BTreeMap<String, u64>,
    skipped_count: u64,
    skipped: &'a [agents::Skip],
    redacted: &'a Findings,
    stats: &'a Stats,
}

fn report(context: &mut Context, parsed: &Parsed, as_json: bool) -> Result<(), Failure> {
    let Report { lines, records, ignored, skipped, skipped_count } = &parsed.report;
    let told = Told {
        agent: &parsed.header.agent.tool,
        session_id: &parsed.header.session_id,
        lines: *lines,
        read: records,
        ignored,
        skipped_count: *skipped_count,
        skipped,
        redacted: &parsed.findings,
        stats: &parsed.stats,
    };
    context.out.write(|out, _| {
        if as_json { json::write_document(out, "opensession.parse-report/1", &told) } else { write_told(out, &told) }
    })
}

fn write_told(out: &mut dyn Write, told: &Told<'_>) -> io::Result<()> {
    writeln!(out, "session   {}", Safe::line(told.session_id))?;
    writeln!(out, "agent     {}", Safe::line(told.agent))?;
    writeln!(out, "lines     {}", number(told.lines))?;
    writeln!(out, "events    {}", number(told.stats.event_count))?;
    write_counts(out, "read", told.read)?;
    write_counts(out, "ignored", told.ignored)?;
    writeln!(out, "skipped   {}", number(told.skipped_count))?;
    for skip in told.skipped {
        writeln!(out, "  line {}: {}", skip.line, reason(skip.reason))?;
    }
    let redacted = told.redacted.iter().map(|(rule, count)| (rule.to_owned(), count)).collect();
    write_counts(out, "redacted", &redacted)
}

fn write_counts(out: &mut dyn Write, name: &str, counts: &BTreeMap<String, u64>) -> io::Result<()> {
    writeln!(out, "{name:<10}{}", number(counts.values().sum()))?;
    for (kind, count) in counts {
        writeln!(out, "  {:>8} {}", number(*count), Safe::line(kind))?;
    }
    Ok(())
}

fn reason(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::NotJson => "no JSON",
        SkipReason::NotAnObject => "JSON, but no object",
        SkipReason::Torn => "cut off at the end of the file; it may be written still",
        SkipReason::NotUtf8 => "bytes that are no UTF-8",
        SkipReason::TooLong => "longer than a parser will hold in memory",
        SkipReason::BadTimestamp => "no readable time; the event took that of the one before",
        SkipReason::BadRecord => "fields that are not what the record's type says",
    }
}
