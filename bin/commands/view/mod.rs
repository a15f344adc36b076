//! `view`: sessions as a page in the browser.

mod browser;
mod file;
mod place;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use git_opensession::browse::{self, Browser, Found};
use git_opensession::git::Repo;
use git_opensession::session::Event;
use git_opensession::settings::OpenTarget;
use git_opensession::view::Page;
use git_opensession::view::html::Document;

use super::addressed;
use super::shown::{self, Shown};
use crate::cli::View;
use crate::context::Context;
use crate::report::{Exit, Failure, Hint, chain};
use file::FileSession;
use place::Place;

pub fn run(context: &mut Context, arguments: &View) -> Result<Exit, Failure> {
    let target = browser::target(context)?;
    let what = arguments.what.as_str();
    if what == "-" {
        return of_file(context, arguments, target, Path::new(what));
    }
    if let Some(address) = addressed::source(what)? {
        let session = {
            let _progress = context.talk.progress("Reading the session");
            file::at_address(context, &address)?
        };
        let place = Place::new(context, arguments.out.as_deref(), &session.about)?;
        return of_text(context, arguments, target, session, &place);
    }
    // As git does it: a revision comes before a file of that name, `./main` is the file.
    let path = Path::new(what);
    let failure = match context.repo() {
        Ok(repo) => {
            let browser = Browser::open(&repo)?;
            match find(&browser, &repo, what) {
                Ok((about, findings)) => {
                    return of_ledgers(
                        context,
                        arguments,
                        target,
                        &Sessions { repo: &repo, browser: &browser, about, findings },
                    );
                }
                Err(failure) => failure,
            }
        }
        Err(failure) => failure,
    };
    match failure {
        _ if path.is_file() => of_file(context, arguments, target, path),
        Failure::Git(_) if path.components().count() > 1 || path.extension().is_some() => {
            Err(Failure::NoView { asked: what.to_owned() })
        }
        Failure::Browse(browse::Error::Unknown { .. } | browse::Error::NoRange { .. }) => {
            Err(Failure::NoView { asked: what.to_owned() })
        }
        failure => Err(failure),
    }
}

/// What a name or a range of commits names, in words, and the sessions behind it.
fn find(browser: &Browser<'_>, repo: &Repo, what: &str) -> Result<(String, browse::Findings), Failure> {
    if what.contains("..") {
        return Ok((what.to_owned(), browser.behind_range(what)?));
    }
    let subject = addressed::resolve(browser, what, "view")?;
    Ok((shown::subject(repo, &subject), browser.behind(&subject)?))
}

/// Sessions of the ledgers, and what they were asked for by.
struct Sessions<'r> {
    repo: &'r Repo,
    browser: &'r Browser<'r>,
    about: String,
    findings: browse::Findings,
}

fn of_ledgers(
    context: &mut Context,
    arguments: &View,
    target: OpenTarget,
    sessions: &Sessions<'_>,
) -> Result<Exit, Failure> {
    let unreadable = shown::warn_unreadable(&context.talk, sessions.browser, &sessions.findings);
    if sessions.findings.found.is_empty() {
        let what = sessions.about.clone();
        return Err(match unreadable {
            0 if arguments.what.contains("..") => Failure::NoSessionIn { range: what },
            0 => Failure::NoSession { asked: arguments.what.clone(), what },
            _ => Failure::NothingReadable { what },
        });
    }
    let place = Place::new(context, arguments.out.as_deref(), &sessions.about)?;
    let mut damaged = Vec::new();
    let path = {
        let _progress = context.talk.progress("Writing the page");
        place.write(&mut context.out, &mut |out| sessions.write(out, &mut damaged))?
    };
    for (sid, why) in &damaged {
        let hint = Hint::own(["doctor"], "look at the ledgers");
        context.talk.warn(&format!("the session {sid} cannot be read to its end: {why}"), &[hint]);
    }
    present(context, arguments, target, path.as_deref())?;
    Ok(if damaged.is_empty() && unreadable == 0 { Exit::Done } else { Exit::Partly })
}

impl Sessions<'_> {
    fn write(&self, out: &mut dyn Write, damaged: &mut Vec<(String, String)>) -> io::Result<()> {
        let found = &self.findings.found;
        let shown: Vec<Shown> = found.iter().map(|one| Shown::of(self.repo, self.browser.ledgers(), one)).collect();
        let pages: Vec<Page<'_>> = shown.iter().zip(found).map(|(shown, one)| shown.page(&one.session)).collect();
        let mut document = Document::begin(out, &self.about, &pages)?;
        for (page, one) in pages.iter().zip(found) {
            document.session(page)?;
            if let Err(why) = self.events(one, &mut |event| document.event(event))? {
                document.note(&format!("This session cannot be read to its end: {why}"))?;
                damaged.push((one.session.key.sid.to_string(), why));
            }
        }
        document.finish()
    }

    /// Hands over the events that can be read. The outer error is the page's, the inner one the ledger's.
    fn events(&self, found: &Found, take: &mut dyn FnMut(&Event) -> io::Result<()>) -> io::Result<Result<(), String>> {
        let text = self.browser.ledgers().text(&found.session).map_err(|error| chain(&error));
        let events = match text.and_then(|text| text.events().map_err(|error| chain(&error))) {
            Ok(events) => events,
            Err(why) => return Ok(Err(why)),
        };
        let mut wrong = Ok(());
        for event in events {
            match event {
                Ok(event) => take(&event)?,
                Err(error) => wrong = wrong.and_then(|()| Err(chain(&error))),
            }
        }
        Ok(wrong)
    }
}

fn of_file(context: &mut Context, arguments: &View, target: OpenTarget, path: &Path) -> Result<Exit, Failure> {
    let session = {
        let _progress = context.talk.progress("Reading the session");
        file::read(context, path)?
    };
    let place = Place::new(context, arguments.out.as_deref(), &session.about)?;
    place.keep_off(path)?;
    of_text(context, arguments, target, session, &place)
}

fn of_text(
    context: &mut Context,
    arguments: &View,
    target: OpenTarget,
    mut session: FileSession,
    place: &Place,
) -> Result<Exit, Failure> {
    let page_path = {
        let _progress = context.talk.progress("Writing the page");
        place.write(&mut context.out, &mut |out| session.write(out))?
    };
    if session.skipped() > 0 {
        let lines = git_opensession::view::counted(session.skipped(), "place");
        context.talk.warn(&format!("{lines} of {} could not be read", session.about), &[]);
    }
    present(context, arguments, target, page_path.as_deref())?;
    Ok(Exit::Done)
}

/// Opens the page, if that is wanted and can be; prints where it is in any case.
fn present(context: &mut Context, arguments: &View, target: OpenTarget, page: Option<&Path>) -> Result<(), Failure> {
    // Standard output has it.
    let Some(page) = page else { return Ok(()) };
    if !arguments.no_open {
        browser::open(context, target, page);
    }
    let mut line = OsString::from(page).into_encoded_bytes();
    line.push(b'\n');
    context.out.write(|out, _| out.write_all(&line))
}
