//! What is to be shared: a session by its address, its id or its commit.

use std::io::{BufRead, BufReader};

use git_opensession::browse::Browser;
use git_opensession::git::RemoteUrl;
use git_opensession::hail::{Snapshot, SnapshotError};
use git_opensession::redaction::Redactor;
use git_opensession::source;
use git_opensession::store::{Redaction, SHARE_LIMIT};
use git_opensession::uri::Source;
use git_opensession::view::counted;

use super::super::addressed::{self, Reading};
use super::super::work::Work;
use crate::cli::Share;
use crate::context::Context;
use crate::report::{Failure, Sharing, chain};

/// A session that may be shared.
pub struct Session {
    pub snapshot: Snapshot,
    /// What names this very session the next time, too: `HEAD` would not.
    pub name: String,
}

/// Reads what was named, and looks it through for secrets once more.
///
/// # Errors
/// When it names no session, or several; when it was registered with its secrets; when it is too long, or damaged.
pub fn read(context: &Context, work: &Work, arguments: &Share) -> Result<Session, Failure> {
    let what = &arguments.what;
    let Some(source) = addressed::source(what)? else {
        return of_ledgers(context, work, what).map_err(|failure| failure.behind(&way(arguments)));
    };
    let reading = Reading::new(context)?;
    let name = source.to_string();
    let snapshot = match source {
        Source::Local(object) => {
            let object = reading.stores.get(object)?.ok_or(source::Error::Unregistered(object))?;
            if object.redaction == Redaction::Skipped {
                return Err(Sharing::Unredacted { uri: name }.into());
            }
            if object.text.len() as u64 > SHARE_LIMIT {
                return Err(too_large(&name));
            }
            // It was registered as the session of nobody in particular.
            snapshot(&name, object.text.as_slice(), &work.redactor)?
        }
        Source::Remote(_) => {
            let text = reading.read(context, &source)?;
            snapshot(&name, text.as_slice(), &Redactor::of_secrets_only())?
        }
    };
    Ok(Session { snapshot, name })
}

/// Who captured it has taken himself out. To take out the one who shares it would make another text of it.
fn of_ledgers(context: &Context, work: &Work, what: &str) -> Result<Session, Failure> {
    let browser = Browser::open(&work.repo)?;
    let found = addressed::only_session(context, &work.repo, &browser, what, "share")?;
    let name = found.session.key.sid.to_string();
    let text = BufReader::new(browser.ledgers().text(&found.session)?);
    let snapshot = snapshot(&name, text, &Redactor::of_secrets_only())?;
    Ok(Session { snapshot, name })
}

/// How it is to be shared, as on the command line.
fn way(arguments: &Share) -> Vec<String> {
    match &arguments.remote {
        Some(remote) => vec!["--git".to_owned(), "--remote".to_owned(), RemoteUrl::new(remote).to_string()],
        None => vec!["--quick".to_owned()],
    }
}

fn too_large(name: &str) -> Failure {
    Sharing::TooLarge { what: name.to_owned(), limit: SHARE_LIMIT, is_for_share: true }.into()
}

fn snapshot(name: &str, text: impl BufRead, redactor: &Redactor) -> Result<Snapshot, Failure> {
    Snapshot::read(text, redactor, SHARE_LIMIT).map_err(|error| match error {
        SnapshotError::TooLarge { .. } => too_large(name),
        SnapshotError::Line(error) => Failure::Damaged { session: name.to_owned(), why: chain(&error) },
    })
}

impl Session {
    /// Says what was taken out of it just now.
    pub fn say(&self, context: &Context) {
        let findings = self.snapshot.findings();
        if findings.is_empty() {
            return;
        }
        let (secrets, people) = (findings.secrets(), findings.count("home") + findings.count("user"));
        let (secrets, people) = (counted(secrets, "secret"), counted(people, "home or user name"));
        context.talk.say(&format!("{secrets} and {people} taken out: this is another text than that of {}", self.name));
    }
}
