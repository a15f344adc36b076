//! `show`: the conversation behind a commit, a branch, or a session's own id.

use std::io::{self, Write};

use git_opensession::browse::{Browser, Found};
use git_opensession::git::Repo;
use git_opensession::session::Event;
use git_opensession::view::{Conversation, Look, Reading, json, write_head};

use super::shown::{self, Shown};
use crate::cli::Show;
use crate::context::Context;
use crate::report::{Exit, Failure, Hint, chain};

pub fn run(context: &mut Context, arguments: &Show) -> Result<Exit, Failure> {
    let repo = context.repo()?;
    let browser = Browser::open(&repo)?;
    let subject = browser.resolve(&arguments.what)?;
    let findings = browser.behind(&subject)?;
    let unreadable = shown::warn_unreadable(&context.talk, &browser, &findings);
    if findings.found.is_empty() {
        let what = shown::subject(&repo, &subject);
        let asked = arguments.what.clone();
        return Err(if unreadable > 0 {
            Failure::NothingReadable { what }
        } else {
            Failure::NoSession { asked, what }
        });
    }
    let form = match arguments {
        Show { json: true, .. } => Form::Document,
        Show { jsonl: true, .. } => Form::Lines,
        Show { full: true, .. } => Form::Text(Reading::Full),
        Show { prompts: true, .. } => Form::Text(Reading::Prompts),
        _ => Form::Text(Reading::Folded),
    };
    if matches!(form, Form::Text(_)) {
        context.page();
    }
    let showing = Showing { repo: &repo, browser: &browser };
    let damaged = context.out.write(|out, look| showing.write(out, look, &findings.found, form))?;
    for (sid, why) in &damaged {
        let hint = Hint::own(["doctor"], "look at the ledgers");
        context.talk.warn(&format!("the session {sid} cannot be read to its end: {why}"), &[hint]);
    }
    Ok(if damaged.is_empty() && unreadable == 0 { Exit::Done } else { Exit::Partly })
}

#[derive(Clone, Copy)]
enum Form {
    Text(Reading),
    Document,
    Lines,
}

struct Showing<'r> {
    repo: &'r Repo,
    browser: &'r Browser<'r>,
}

/// Sessions that cannot be read to their end, each with why.
type Damaged = Vec<(String, String)>;

impl Showing<'_> {
    fn write(&self, out: &mut dyn Write, look: &Look, found: &[Found], form: Form) -> io::Result<Damaged> {
        let mut damaged = Damaged::new();
        match form {
            Form::Text(reading) => {
                for (at, found) in found.iter().enumerate() {
                    if at > 0 {
                        out.write_all(b"\n\n")?;
                    }
                    self.write_text(out, look, found, reading, &mut damaged)?;
                }
            }
            Form::Document => {
                let mut list = json::List::begin(out, "opensession.show/1", "sessions")?;
                for found in found {
                    list.item(|out| self.write_json(out, found, &mut damaged))?;
                }
                list.finish()?;
            }
            Form::Lines => {
                for found in found {
                    self.write_json(out, found, &mut damaged)?;
                    out.write_all(b"\n")?;
                }
            }
        }
        Ok(damaged)
    }

    fn write_text(
        &self,
        out: &mut dyn Write,
        look: &Look,
        found: &Found,
        reading: Reading,
        damaged: &mut Damaged,
    ) -> io::Result<()> {
        let shown = Shown::of(self.repo, self.browser.ledgers(), found);
        write_head(out, look, &shown.page(&found.session))?;
        let attributes = &found.session.meta.header.context.attributes;
        let cwd = attributes.get("cwd").and_then(serde_json::Value::as_str);
        let mut conversation = Conversation::new(out, look, reading, cwd);
        self.each_event(found, damaged, |event| conversation.event(event))?;
        conversation.finish()?;
        Ok(())
    }

    fn write_json(&self, out: &mut dyn Write, found: &Found, damaged: &mut Damaged) -> io::Result<()> {
        let shown = Shown::of(self.repo, self.browser.ledgers(), found);
        let mut document = json::SessionDocument::begin(out, &shown.page(&found.session))?;
        self.each_event(found, damaged, |event| document.event(event))?;
        document.finish()
    }

    /// Hands over the events that can be read, and notes a session that has others.
    fn each_event(
        &self,
        found: &Found,
        damaged: &mut Damaged,
        mut take: impl FnMut(&Event) -> io::Result<()>,
    ) -> io::Result<()> {
        let sid = found.session.key.sid.to_string();
        let events = self.browser.ledgers().text(&found.session).map_err(|error| chain(&error));
        let events = events.and_then(|text| text.events().map_err(|error| chain(&error)));
        let events = match events {
            Ok(events) => events,
            Err(why) => {
                damaged.push((sid, why));
                return Ok(());
            }
        };
        let mut wrong = None;
        for event in events {
            match event {
                Ok(event) => take(&event)?,
                Err(error) => wrong = wrong.or_else(|| Some(chain(&error))),
            }
        }
        damaged.extend(wrong.map(|why| (sid, why)));
        Ok(())
    }
}
