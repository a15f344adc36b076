//! `inspect`: what is in a session, without its conversation.

use git_opensession::browse::{Browser, Found};
use git_opensession::git::Repo;
use git_opensession::inspect::{ChangeKind, Summary, inspect};
use git_opensession::ledger::{Sid, SidPrefix};
use git_opensession::redaction::Findings;
use git_opensession::session::{Header, Stats};
use git_opensession::uri::Source;
use git_opensession::view::{self, Page, Untrusted, json, write_summary};
use serde::Serialize;

use super::addressed::{self, Reading};
use super::shown::{self, Shown};
use crate::cli::Inspect;
use crate::context::Context;
use crate::report::{Exit, Failure, chain};

pub fn run(context: &mut Context, arguments: &Inspect) -> Result<Exit, Failure> {
    let inspected = match addressed::source(&arguments.what)? {
        Some(source) => vec![of_source(context, &source)?],
        None => of_sessions(context, &arguments.what)?,
    };
    if arguments.json {
        let told = inspected.iter().map(Told::of);
        context.out.write(|out, _| json::write_list(out, "opensession.inspect/1", "sessions", told))?;
        return Ok(Exit::Done);
    }
    context.page();
    context.out.write(|out, look| {
        for (at, one) in inspected.iter().enumerate() {
            if at > 0 {
                out.write_all(b"\n")?;
            }
            one.write(out, look)?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}

/// A session that was read to its end.
struct Inspected {
    address: Option<String>,
    sid: String,
    summary: Summary,
    findings: Findings,
    links: Vec<view::Link>,
    branches: Vec<Untrusted>,
}

fn of_source(context: &Context, source: &Source) -> Result<Inspected, Failure> {
    let reading = Reading::new(context)?;
    let text = reading.read(context, source)?;
    let summary = inspect(text.as_slice())
        .map_err(|error| Failure::Damaged { session: source.to_string(), why: error.to_string() })?;
    let sid = Sid::of(&summary.header).to_string();
    let (mut links, mut branches) = (Vec::new(), Vec::new());
    if let Some((repo, _)) = &reading.here {
        let browser = Browser::open(repo)?;
        if let Some(found) = same_session(&browser, &sid)? {
            (links, branches) = Shown::of(repo, browser.ledgers(), &found).into_links_and_branches();
        }
    }
    let findings = Findings::of_marks(&text);
    Ok(Inspected { address: Some(source.to_string()), sid, summary, findings, links, branches })
}

/// What the ledgers of this repository know of the same session.
fn same_session(browser: &Browser<'_>, sid: &str) -> Result<Option<Found>, Failure> {
    let Ok(prefix) = sid.parse::<SidPrefix>() else { return Ok(None) };
    let Ok(subject) = browser.session(sid, prefix) else { return Ok(None) };
    Ok(browser.behind(&subject)?.found.pop())
}

fn of_sessions(context: &Context, what: &str) -> Result<Vec<Inspected>, Failure> {
    let repo = context.repo()?;
    let browser = Browser::open(&repo)?;
    let subject = addressed::resolve(&browser, what, "inspect")?;
    let findings = browser.behind(&subject)?;
    let unreadable = shown::warn_unreadable(&context.talk, &browser, &findings);
    if findings.found.is_empty() {
        let (asked, what) = (what.to_owned(), shown::subject(&repo, &subject));
        return Err(if unreadable > 0 {
            Failure::NothingReadable { what }
        } else {
            Failure::NoSession { asked, what }
        });
    }
    findings.found.iter().map(|found| of_session(&repo, &browser, found)).collect()
}

fn of_session(repo: &Repo, browser: &Browser<'_>, found: &Found) -> Result<Inspected, Failure> {
    let sid = found.session.key.sid.to_string();
    let text = browser.ledgers().text(&found.session)?;
    let summary = inspect(text).map_err(|error| Failure::Damaged { session: sid.clone(), why: chain(&error) })?;
    let (links, branches) = Shown::of(repo, browser.ledgers(), found).into_links_and_branches();
    let findings = found.session.meta.findings.clone();
    Ok(Inspected { address: None, sid, summary, findings, links, branches })
}

impl Inspected {
    fn write(&self, out: &mut dyn std::io::Write, look: &view::Look) -> std::io::Result<()> {
        let redacted = shown::redacted(&self.findings);
        let Summary { header, stats, files, failed_calls, digest, bytes } = &self.summary;
        let page = Page {
            sid: &self.sid,
            header,
            stats,
            links: &self.links,
            branches: &self.branches,
            redacted: &redacted,
            found_by: None,
        };
        let files: Vec<_> = files
            .iter()
            .map(|(path, file)| (letter(file.kind), path.as_str().into(), file.lines_added, file.lines_removed))
            .collect();
        let summary = view::Summary {
            address: self.address.as_deref(),
            digest: &digest.to_string(),
            bytes: *bytes,
            events: stats.event_count,
            failed_calls: *failed_calls,
            files: &files,
        };
        write_summary(out, look, &page, &summary)
    }
}

fn letter(kind: ChangeKind) -> char {
    match kind {
        ChangeKind::Created => 'A',
        ChangeKind::Edited => 'M',
        ChangeKind::Deleted => 'D',
    }
}

/// A session without its conversation, for programs.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<&'a str>,
    sid: &'a str,
    digest: String,
    bytes: u64,
    agent: &'a str,
    model: &'a str,
    title: Option<&'a str>,
    created_at: String,
    updated_at: String,
    header: &'a Header,
    stats: &'a Stats,
    failed_calls: u64,
    files: Vec<ToldFile<'a>>,
    commits: &'a [view::Link],
    branches: &'a [Untrusted],
    redacted: &'a Findings,
}

#[derive(Serialize)]
struct ToldFile<'a> {
    path: &'a str,
    /// `created`, `edited`, `deleted`.
    change: &'static str,
    lines_added: u64,
    lines_removed: u64,
}

impl<'a> Told<'a> {
    fn of(inspected: &'a Inspected) -> Self {
        let Summary { header, stats, files, failed_calls, digest, bytes } = &inspected.summary;
        let file = |(path, file): (&'a String, &git_opensession::inspect::FileChange)| ToldFile {
            path,
            change: match file.kind {
                ChangeKind::Created => "created",
                ChangeKind::Edited => "edited",
                ChangeKind::Deleted => "deleted",
            },
            lines_added: file.lines_added,
            lines_removed: file.lines_removed,
        };
        Self {
            uri: inspected.address.as_deref(),
            sid: &inspected.sid,
            digest: digest.to_string(),
            bytes: *bytes,
            agent: &header.agent.tool,
            model: &header.agent.model,
            title: header.context.title.as_deref(),
            created_at: header.context.created_at.to_string(),
            updated_at: header.context.updated_at.to_string(),
            header,
            stats,
            failed_calls: *failed_calls,
            files: files.iter().map(file).collect(),
            commits: &inspected.links,
            branches: &inspected.branches,
            redacted: &inspected.findings,
        }
    }
}
