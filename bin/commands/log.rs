//! `log`: sessions as a list.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use git_opensession::browse::Browser;
use git_opensession::git::{BranchName, Oid};
use git_opensession::ledger::{Ledgers, Scope, SessionKey, StoredSession};
use git_opensession::view::{Look, Row, RowList, json, write_row_nul};

use super::shown;
use crate::cli::{ListForm, Log};
use crate::context::Context;
use crate::report::{Exit, Failure};

pub fn run(context: &mut Context, arguments: &Log) -> Result<Exit, Failure> {
    let repo = context.repo()?;
    let browser = Browser::open(&repo)?;
    let limit = arguments.max_count.unwrap_or(usize::MAX);
    let wanted =
        |session: &StoredSession| arguments.agent.as_ref().is_none_or(|agent| *agent == session.meta.header.agent.tool);
    let branch =
        arguments.branch.as_deref().map(BranchName::new).transpose().map_err(git_opensession::git::Error::from)?;

    let Some(range) = &arguments.range else {
        let own;
        let ledgers = match &branch {
            Some(branch) => {
                own = Ledgers::open(&repo, Scope::Branch(branch))?;
                &own
            }
            None => browser.ledgers(),
        };
        return all(context, ledgers, limit, &wanted, arguments.form);
    };
    let findings = {
        let _progress = context.talk.progress("Looking for sessions");
        browser.behind_range(range)?
    };
    let unreadable = shown::warn_unreadable(&context.talk, &browser, &findings);
    let ledgers = browser.ledgers();
    let of_branch =
        |session: &StoredSession| branch.as_ref().is_none_or(|branch| shown::is_in(ledgers, session, branch));
    let found = findings.found.iter().filter(|found| wanted(&found.session) && of_branch(&found.session)).take(limit);
    let rows = found.map(|found| shown::row(ledgers, &found.session, &found.links));
    page(context, arguments.form);
    context.out.write(|out, look| {
        let mut list = Listing::begin(out, look, arguments.form)?;
        rows.into_iter().try_for_each(|row| list.row(row))?;
        list.finish()
    })?;
    Ok(if unreadable == 0 { Exit::Done } else { Exit::Partly })
}

/// All sessions there are, as they are read: there may be very many.
fn all(
    context: &mut Context,
    ledgers: &Ledgers<'_>,
    limit: usize,
    wanted: &dyn Fn(&StoredSession) -> bool,
    form: ListForm,
) -> Result<Exit, Failure> {
    let mut unreadable = shown::warn_ledgers(&context.talk, ledgers);
    let mut sessions = ledgers.sessions().filter(|session| session.as_ref().map_or(true, wanted));
    // Of a few sessions only the recent links need to be read.
    let few: Vec<_> = if limit < 1000 { sessions.by_ref().take(limit).collect() } else { Vec::new() };
    let oldest = few.iter().flatten().map(|session| session.key.day).min();
    let commits =
        if limit < 1000 && oldest.is_none() { BTreeMap::new() } else { ledgers.commits_by_session(oldest)? };
    let rest = sessions.take(if limit < 1000 { 0 } else { limit });
    page(context, form);
    let mut problems = Vec::new();
    context.out.write(|out, look| {
        let mut list = Listing::begin(out, look, form)?;
        for session in few.into_iter().chain(rest) {
            match session {
                Ok(session) => list.row(shown::row_of(ledgers, &session, of(&commits, session.key)))?,
                Err(error) => problems.push(error),
            }
        }
        list.finish()
    })?;
    unreadable += shown::warn_all(&context.talk, &problems);
    Ok(if unreadable == 0 { Exit::Done } else { Exit::Partly })
}

fn of(commits: &BTreeMap<SessionKey, BTreeSet<Oid>>, key: SessionKey) -> impl Iterator<Item = Oid> + '_ {
    commits.get(&key).into_iter().flatten().copied()
}

fn page(context: &mut Context, form: ListForm) {
    if form == ListForm::default() {
        context.page();
    }
}

/// The list in the form that was asked for.
enum Listing<'w> {
    Text(Box<RowList<'w>>),
    Document(json::List<'w>),
    Lines(&'w mut dyn Write),
    Nul(&'w mut dyn Write),
}

impl<'w> Listing<'w> {
    fn begin(out: &'w mut dyn Write, look: &Look, form: ListForm) -> io::Result<Self> {
        Ok(match form {
            ListForm { json: true, .. } => Self::Document(json::List::begin(out, "opensession.log/1", "sessions")?),
            ListForm { jsonl: true, .. } => Self::Lines(out),
            ListForm { z: true, .. } => Self::Nul(out),
            _ => Self::Text(Box::new(RowList::new(out, look))),
        })
    }

    fn row(&mut self, row: Row) -> io::Result<()> {
        match self {
            Self::Text(list) => list.push(row),
            Self::Document(list) => list.item(|out| Ok(serde_json::to_writer(out, &row)?)),
            Self::Lines(out) => json::write_lines(*out, [row]),
            Self::Nul(out) => write_row_nul(*out, &row),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Text(list) => list.finish(),
            Self::Document(list) => list.finish(),
            Self::Lines(_) | Self::Nul(_) => Ok(()),
        }
    }
}
