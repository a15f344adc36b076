//! Reading sessions, and adding up what is in them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::tally::{Tally, Tokens};
use super::{By, Error, Report, Request};
use crate::browse::Browser;
use crate::git::{Oid, Repo};
use crate::ledger::{self, Evidence, Ledgers, SessionKey, StoredSession};
use crate::session::{Event, EventKind, attr};
use crate::why::{Roots, Trail, TrailBuilder};

/// What was read of all sessions.
#[derive(Default)]
pub(super) struct Gathered {
    pub sessions: Vec<Counted>,
    unreadable: Vec<ledger::Error>,
    damaged: Vec<(SessionKey, String)>,
}

/// A session, counted.
pub(super) struct Counted {
    pub trail: Trail,
    pub roots: Roots,
    /// Who wrote the commits it is tied to.
    author: Option<String>,
    /// What it adds up to, by model.
    models: BTreeMap<String, Tally>,
    /// The model behind each edit of [`Trail::edits`], and how many lines that wrote; `None` if another session has it,
    /// and this one a copy.
    edits: Vec<Option<(String, u64)>>,
    /// How many lines of each edit are left, by its place, and by the file they are in now.
    pub left: BTreeMap<(usize, String), u64>,
    /// Whether anybody has looked: else nothing is known of what is left.
    pub is_looked_at: bool,
}

/// Reads the sessions that are asked for.
pub(super) fn gather(request: &Request<'_>) -> Result<Gathered, Error> {
    let browser = Browser::open(request.repo)?;
    let mut gathered = Gathered::default();
    let mut found = Vec::new();
    match request.range {
        Some(range) => {
            let findings = browser.behind_range(range)?;
            gathered.unreadable.extend(findings.unreadable);
            for one in findings.found {
                let evidence = one.links.iter().filter_map(|link| link.evidence.clone()).collect();
                found.push((one.session, one.links.iter().map(|link| link.commit).collect(), evidence));
            }
        }
        None => gathered.all(request.repo, browser.ledgers(), &mut found)?,
    }
    // Of a copied message the older session has the price.
    found.sort_by_key(|(session, ..)| (session.meta.header.context.created_at, session.key));
    let mut seen = Seen::default();
    let mut authors = Authors { repo: request.repo, known: HashMap::new() };
    for (session, commits, evidence) in found {
        gathered.read(browser.ledgers(), session, &commits, &evidence, &mut seen, &mut authors);
    }
    Ok(gathered)
}

type Found = (StoredSession, BTreeSet<Oid>, Vec<Evidence>);

impl Gathered {
    fn all(&mut self, repo: &Repo, ledgers: &Ledgers<'_>, found: &mut Vec<Found>) -> Result<(), Error> {
        let mut commits = ledgers.commits_by_session(None)?;
        let mut evidence: HashMap<SessionKey, Vec<Evidence>> = HashMap::new();
        for commit in commits.values().flatten().copied().collect::<BTreeSet<_>>() {
            // Of a commit that is not here the month is not known, and all would be searched.
            let Ok(committed_at) = repo.commit(commit).map(|commit| commit.commit_time) else { continue };
            for link in ledgers.links(commit, Some(committed_at))? {
                evidence.entry(link.key).or_default().extend(link.evidence);
            }
        }
        for session in ledgers.sessions() {
            match session {
                Ok(session) => {
                    let key = session.key;
                    let commits = commits.remove(&key).unwrap_or_default();
                    found.push((session, commits, evidence.remove(&key).unwrap_or_default()));
                }
                Err(error) => self.unreadable.push(error),
            }
        }
        Ok(())
    }

    fn read(
        &mut self,
        ledgers: &Ledgers<'_>,
        session: StoredSession,
        commits: &BTreeSet<Oid>,
        evidence: &[Evidence],
        seen: &mut Seen,
        authors: &mut Authors<'_>,
    ) {
        let key = session.key;
        let mut builder = TrailBuilder::new(&session);
        let mut counter = Counter::new(key, seen);
        let events = match ledgers.text(&session) {
            Ok(text) => text.events(),
            Err(error) => return self.unreadable.push(error),
        };
        let mut wrong = None;
        match events {
            Err(error) => wrong = Some(error.to_string()),
            Ok(events) => {
                for event in events {
                    match event {
                        Ok(event) => {
                            builder.take(&event);
                            counter.take(&event);
                        }
                        Err(error) => wrong = wrong.or_else(|| Some(error.to_string())),
                    }
                }
            }
        }
        self.damaged.extend(wrong.map(|why| (key, why)));
        let last_model = session.meta.header.agent.model.clone();
        let (models, of_edits) = counter.finish(&last_model);
        let trail = builder.finish(session);
        let roots = Roots::of(&trail.edits, &trail.folders, evidence);
        let edits = trail.edits.iter().map(|edit| {
            let written = edit.hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.is_added()).count();
            Some((of_edits.get(&edit.event)?.clone(), written as u64))
        });
        let edits = edits.collect();
        let author = authors.of(commits);
        self.sessions.push(Counted { trail, roots, author, models, edits, left: BTreeMap::new(), is_looked_at: false });
    }

    /// Adds up, by what is asked for.
    pub fn report(self, by: Option<By>) -> Report {
        let mut rows: BTreeMap<String, Tally> = BTreeMap::new();
        let mut total = Tally::default();
        for session in &self.sessions {
            let parts = session.parts(by);
            for (name, tally) in parts {
                total.add(&tally);
                if by.is_some() {
                    rows.entry(name).or_default().add(&tally);
                }
            }
        }
        let mut rows: Vec<(String, Tally)> = rows.into_iter().collect();
        let weight = |tally: &Tally| (tally.tokens().output, tally.lines_written, tally.prompts);
        rows.sort_by_key(|(_, tally)| std::cmp::Reverse(weight(tally)));
        Report { total, rows, unreadable: self.unreadable, damaged: self.damaged }
    }
}

impl Counted {
    /// What it adds to each row.
    fn parts(&self, by: Option<By>) -> Vec<(String, Tally)> {
        if by == Some(By::File) {
            return self.files();
        }
        let agent = &self.trail.session.meta.header.agent.tool;
        let author = self.author.as_deref().unwrap_or("nobody known");
        let mut parts: BTreeMap<String, Tally> = BTreeMap::new();
        let name = |model: &str| match by {
            Some(By::Model) => model.to_owned(),
            Some(By::Author) => author.to_owned(),
            _ => agent.clone(),
        };
        for (model, tally) in &self.models {
            parts.entry(name(model)).or_default().add(tally);
        }
        for (model, written) in self.edits.iter().flatten() {
            let tally = parts.entry(name(model)).or_default();
            tally.edits += 1;
            tally.lines_written += written;
        }
        for ((edit, _), left) in &self.left {
            let Some(Some((model, _))) = self.edits.get(*edit) else { continue };
            *parts.entry(name(model)).or_default().lines_surviving.get_or_insert(0) += left;
        }
        parts.into_iter().map(|(name, tally)| (name, self.of_session(tally))).collect()
    }

    fn files(&self) -> Vec<(String, Tally)> {
        let mut files: BTreeMap<String, Tally> = BTreeMap::new();
        for (edit, written) in self.trail.edits.iter().zip(&self.edits) {
            let Some((_, written)) = written else { continue };
            let tally = files.entry(self.file(&edit.path)).or_default();
            tally.edits += 1;
            tally.lines_written += written;
        }
        for ((_, file), left) in &self.left {
            *files.entry(file.clone()).or_default().lines_surviving.get_or_insert(0) += left;
        }
        files.into_iter().map(|(file, tally)| (file, self.of_session(tally))).collect()
    }

    /// The path in the repository, or else as the session has it.
    pub fn file(&self, path: &str) -> String {
        self.roots.relative(path).unwrap_or_else(|| path.to_owned())
    }

    fn of_session(&self, mut tally: Tally) -> Tally {
        tally.sessions.insert(self.trail.session.key);
        if self.is_looked_at {
            tally.lines_surviving.get_or_insert(0);
        }
        tally
    }
}

/// Messages, prompts, calls and edits that were counted: what a resumed session has copied does not count again.
#[derive(Default)]
struct Seen {
    messages: HashSet<String>,
    events: HashSet<String>,
    calls: HashSet<String>,
}

/// Whether an id was not there before. Short ids are unique in their session only.
fn is_new(ids: &mut HashSet<String>, id: &str) -> bool {
    const UNIQUE: usize = 20;
    id.len() < UNIQUE || ids.insert(id.to_owned())
}

/// Counts the events of one session, by model.
struct Counter<'s> {
    key: SessionKey,
    seen: &'s mut Seen,
    model: Option<String>,
    models: BTreeMap<Option<String>, Tally>,
    calls: HashSet<String>,
    edits: HashMap<String, Option<String>>,
    /// Whether the message that is being told was counted in another session.
    is_copy: bool,
    own: HashSet<String>,
}

impl<'s> Counter<'s> {
    fn new(key: SessionKey, seen: &'s mut Seen) -> Self {
        let (calls, edits, own) = (HashSet::new(), HashMap::new(), HashSet::new());
        Self { key, seen, model: None, models: BTreeMap::new(), calls, edits, is_copy: false, own }
    }

    fn take(&mut self, event: &Event) {
        if let Some(model) = event.attr_str(attr::MODEL) {
            self.model = Some(model.to_owned());
        }
        if let Some(id) = event.attr_str(attr::MESSAGE_ID) {
            let is_new = self.seen.messages.insert(id.to_owned());
            self.is_copy = !is_new && !self.own.contains(id);
            self.own.insert(id.to_owned());
        }
        let tokens = Tokens {
            input: event.attr_u64(attr::INPUT_TOKENS),
            cache_read: event.attr_u64(attr::CACHE_READ_TOKENS),
            cache_write: event.attr_u64(attr::CACHE_WRITE_TOKENS),
            output: event.attr_u64(attr::OUTPUT_TOKENS),
        };
        let is_call = self.is_new_call(event);
        let is_new = is_new(&mut self.seen.events, &event.event_id);
        let may_edit = event.kind.edited_path().is_some() || matches!(event.kind, EventKind::ShellCommand { .. });
        if is_new && may_edit {
            self.edits.insert(event.event_id.clone(), self.model.clone());
        }
        let tally = self.models.entry(self.model.clone()).or_default();
        tally.prompts += u64::from(is_new && event.kind == EventKind::UserMessage);
        tally.tool_calls += u64::from(is_call);
        if !self.is_copy && !tokens.is_empty() {
            // Its model is told when the session is at its end.
            tally.models.entry(String::new()).or_default().add(&tokens);
        }
    }

    /// Whether it is a tool call that no event before told of: a call, or an edit without one.
    fn is_new_call(&mut self, event: &Event) -> bool {
        if !event.kind.is_call() && event.kind.edited_path().is_none() {
            return false;
        }
        let id = event.call_id().unwrap_or(&event.event_id);
        self.calls.insert(id.to_owned()) && is_new(&mut self.seen.calls, id)
    }

    /// What was counted by model; and the models of the edits. What came before any model was told belongs to the first
    /// one, and to the session's if there is none.
    fn finish(mut self, last: &str) -> (BTreeMap<String, Tally>, HashMap<String, String>) {
        let early = self.models.remove(&None);
        let first = self.models.keys().flatten().next().cloned().unwrap_or_else(|| last.to_owned());
        let mut models: BTreeMap<String, Tally> = BTreeMap::new();
        let all = self.models.into_iter().filter_map(|(model, tally)| Some((model?, tally)));
        for (model, mut tally) in all.chain(early.map(|tally| (first.clone(), tally))) {
            let tokens = tally.models.remove("").unwrap_or_default();
            tally.models.insert(model.clone(), tokens);
            tally.sessions.insert(self.key);
            models.entry(model).or_default().add(&tally);
        }
        let edits = self.edits.into_iter().map(|(event, model)| (event, model.unwrap_or_else(|| first.clone())));
        (models, edits.collect())
    }
}

/// Who wrote commits.
struct Authors<'r> {
    repo: &'r Repo,
    known: HashMap<Oid, Option<String>>,
}

impl Authors<'_> {
    /// Who wrote most of them.
    fn of(&mut self, commits: &BTreeSet<Oid>) -> Option<String> {
        let mut count: BTreeMap<String, usize> = BTreeMap::new();
        for commit in commits {
            let author = self.known.entry(*commit).or_insert_with(|| {
                let commit = self.repo.commit(*commit).ok()?;
                Some(format!("{} <{}>", commit.author_name, commit.author_email))
            });
            if let Some(author) = author {
                *count.entry(author.clone()).or_default() += 1;
            }
        }
        count.into_iter().max_by_key(|(_, count)| *count).map(|(author, _)| author)
    }
}
