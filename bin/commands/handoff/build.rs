//! `handoff build`: an artifact of sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use git_opensession::browse::Browser;
use git_opensession::git::Repo;
use git_opensession::handoff::derive::{Derivation, Part};
use git_opensession::handoff::{Alias, Artifact, Selection, Store, missing};
use git_opensession::ledger::Link;
use git_opensession::redaction::Redactor;
use git_opensession::view::{RowMatch, counted, json};
use serde::Serialize;

use super::super::addressed::{self, Reading};
use super::super::shown;
use super::Place;
use crate::cli::Build;
use crate::context::Context;
use crate::report::{Exit, Failure, HandoffFailure, matched};

pub fn run(context: &mut Context, arguments: &Build) -> Result<Exit, Failure> {
    let alias: Option<Alias> = arguments.pin.as_deref().map(str::parse).transpose()?;
    let place = Place::to_write(context)?;
    let repo = &place.repo;
    let mut from: Vec<String> = arguments.what.iter().chain(&arguments.from).cloned().collect();
    if from.is_empty() {
        from = newest(context, repo, arguments.last)?;
    }
    let made = make(context, repo, &from, arguments.last).map_err(|failure| place.explain(failure))?;
    if arguments.validate {
        let missing = missing(&made.artifact, |session| made.events.get(session));
        if !missing.is_empty() {
            return Err(HandoffFailure::Missing(missing).into());
        }
    }
    let store = Store::new(repo);
    let id = store.put(&made.artifact)?;
    if let Some(alias) = &alias {
        let before = store.pin(alias, id)?;
        if let Some(before) = before {
            context.talk.say(&format!("{alias} was pinned to {before}"));
        }
    }
    let artifact = &made.artifact;
    if arguments.json {
        let told = Told {
            uri: id.to_string(),
            pinned: alias.as_ref().map(ToString::to_string),
            sessions: artifact.sources.iter().map(|source| source.session.as_str()).collect(),
            pointers: artifact.pointers().count(),
            matches: made.recognised.iter().map(shown::row_match).collect(),
            unreadable: made.unreadable,
        };
        context.out.write(|out, _| json::write_document(out, "opensession.handoff-build/1", &told))?;
    } else {
        context.out.write(|out, _| writeln!(out, "{id}"))?;
        let sessions = counted(artifact.sources.len() as u64, "session");
        let name = alias.map_or_else(|| id.to_string(), |alias| alias.to_string());
        let program = context.talk.program();
        context.talk.say(&format!(
            "made from {sessions}; to read it: {program} handoff artifacts get {name} --format markdown"
        ));
    }
    Ok(if made.unreadable > 0 { Exit::Partly } else { Exit::Done })
}

/// The newest sessions that are here, each by its id.
fn newest(context: &Context, repo: &Repo, last: Option<NonZeroUsize>) -> Result<Vec<String>, Failure> {
    let browser = Browser::open(repo)?;
    let wanted = last.map_or(1, NonZeroUsize::get);
    let sessions = browser.ledgers().sessions().filter_map(Result::ok).take(wanted);
    let sids: Vec<String> = sessions.map(|session| session.key.sid.to_string()).collect();
    if sids.is_empty() {
        shown::warn_ledgers(&context.talk, browser.ledgers());
        return Err(Failure::NoSession { asked: "HEAD".to_owned(), what: "any commit here".to_owned() });
    }
    Ok(sids)
}

#[derive(Serialize)]
struct Told<'a> {
    uri: String,
    pinned: Option<String>,
    sessions: Vec<&'a str>,
    pointers: usize,
    /// Commits that were recognised by something else than their ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    matches: Vec<RowMatch>,
    /// Sessions that are behind what was named, and cannot be read.
    unreadable: usize,
}

/// An artifact, and what it was made of.
pub struct Made {
    pub artifact: Artifact,
    /// The events of each session.
    pub events: BTreeMap<String, BTreeSet<String>>,
    recognised: Vec<Link>,
    unreadable: usize,
}

/// Makes an artifact, and stores nothing.
///
/// # Errors
/// When something names no session, or a session cannot be read.
pub fn make(context: &Context, repo: &Repo, from: &[String], last: Option<NonZeroUsize>) -> Result<Made, Failure> {
    let browser = Browser::open(repo)?;
    let redactor = Redactor::new(&context.person());
    let mut selection = Selection::new(&browser, &redactor);
    let parts = {
        let _progress = context.talk.progress("Reading sessions");
        for asked in from {
            match addressed::source(asked)? {
                Some(source) => {
                    let text = Reading::new(context)?.read(context, &source)?;
                    selection.add_text(asked, text.as_slice())?;
                }
                None => selection.add(asked)?,
            }
        }
        let unreadable = std::mem::take(&mut selection.unreadable);
        let recognised = std::mem::take(&mut selection.recognised);
        (shown::warn_all(&context.talk, &unreadable), recognised, selection.parts(last.map(NonZeroUsize::get))?)
    };
    let (unreadable, recognised, parts) = parts;
    for sentence in recognised.iter().filter_map(matched::found_by) {
        context.talk.say(&sentence);
    }
    let events = parts.iter().map(|part: &Part| (part.source().session.clone(), part.events().clone())).collect();
    let mut derivation = Derivation::default();
    for part in parts {
        derivation.add(part);
    }
    Ok(Made { artifact: derivation.artifact(), events, recognised, unreadable })
}
