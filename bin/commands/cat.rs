//! `cat`: a session's canonical text.

use std::io::{self, Read as _, Write};

use git_opensession::browse::Browser;
use git_opensession::ledger::SessionText;
use git_opensession::view::json::EscapedJson;

use super::shown;
use crate::cli::Cat;
use crate::context::Context;
use crate::report::{Exit, Failure, chain};

pub fn run(context: &mut Context, arguments: &Cat) -> Result<Exit, Failure> {
    let repo = context.repo()?;
    let browser = Browser::open(&repo)?;
    let subject = browser.resolve(&arguments.session)?;
    let findings = browser.behind(&subject)?;
    let unreadable = shown::warn_unreadable(&context.talk, &browser, &findings);
    let what = || shown::subject(&repo, &subject);
    let session = match findings.found.as_slice() {
        [] if unreadable > 0 => return Err(Failure::NothingReadable { what: what() }),
        [] => return Err(Failure::NoSession { asked: arguments.session.clone(), what: what() }),
        [only] => &only.session,
        several => {
            let sessions = several.iter().map(|found| found.session.key).collect();
            return Err(Failure::Several { what: what(), sessions, verb: "cat" });
        }
    };
    let is_terminal = context.out.is_terminal();
    let text = browser.ledgers().text(session)?;
    // On a terminal the same JSON, without what a terminal would obey; elsewhere the very bytes.
    let copied = context.out.write(|out, _| {
        if !is_terminal {
            return copy(text, out);
        }
        let mut escaped = EscapedJson::new(out);
        let copied = copy(text, &mut escaped);
        escaped.finish()?;
        copied
    })?;
    copied.map_err(|why| Failure::Damaged { session: session.key.sid.to_string(), why })?;
    Ok(Exit::Done)
}

/// Copies a text. The outer error is the output's, the inner one the ledger's.
fn copy(mut text: SessionText<'_>, out: &mut dyn Write) -> io::Result<Result<(), String>> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = match text.read(&mut buffer) {
            Ok(read) => read,
            Err(error) => return Ok(Err(chain(&error))),
        };
        match buffer.get(..read) {
            None | Some([]) => return Ok(Ok(())),
            Some(bytes) => out.write_all(bytes)?,
        }
    }
}
