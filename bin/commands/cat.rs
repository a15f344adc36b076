//! `cat`: a session's canonical text.

use std::io::{self, Read, Write};

use git_opensession::browse::Browser;
use git_opensession::uri::Source;
use git_opensession::view::json::EscapedJson;

use super::addressed::{self, Reading};
use crate::cli::Cat;
use crate::context::Context;
use crate::report::{Exit, Failure, chain};

pub fn run(context: &mut Context, arguments: &Cat) -> Result<Exit, Failure> {
    if let Some(source) = addressed::source(&arguments.session)? {
        return cat_source(context, &source);
    }
    let repo = context.repo()?;
    let browser = Browser::open(&repo)?;
    let session = addressed::only_session(context, &repo, &browser, &arguments.session, "cat")?.session;
    let text = browser.ledgers().text(&session)?;
    let copied = print(context, text)?;
    copied.map_err(|why| Failure::Damaged { session: session.key.sid.to_string(), why })?;
    Ok(Exit::Done)
}

/// All of it was held against its name before the first byte is printed.
fn cat_source(context: &mut Context, source: &Source) -> Result<Exit, Failure> {
    let text = Reading::new(context)?.read(context, source)?;
    let copied = print(context, text.as_slice())?;
    copied.map_err(|why| Failure::Damaged { session: source.to_string(), why })?;
    Ok(Exit::Done)
}

/// On a terminal the same JSON, without what a terminal would obey; elsewhere the very bytes. The inner error is that
/// of the text.
fn print(context: &mut Context, text: impl Read) -> Result<Result<(), String>, Failure> {
    let is_terminal = context.out.is_terminal();
    context.out.write(|out, _| {
        if !is_terminal {
            return copy(text, out);
        }
        let mut escaped = EscapedJson::new(out);
        let copied = copy(text, &mut escaped);
        escaped.finish()?;
        copied
    })
}

/// Copies a text. The outer error is the output's, the inner one the text's.
fn copy(mut text: impl Read, out: &mut dyn Write) -> io::Result<Result<(), String>> {
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
