//! Subagents: joined to the session that started them, as tasks.
//!
//! What a subagent wrote comes where its parent's log says that it is done, up to that moment; so
//! a log that grows keeps what was before. What no record tells the end of comes last, and may
//! still change.

use std::path::{Path, PathBuf};

use super::raw::{Raw, text, words};
use super::reading::{Reading, Start, Thread, hollow, moment, session_id};
use super::record::Record;
use super::state::{AgentState, REMEMBERED, Sidechain, hash};
use super::{content, discover, recognise, tools};
use crate::agents::distance::Distance;
use crate::agents::jsonl::{self, Line};
use crate::agents::long::LONG;
use crate::agents::{ParseError, Report};
use crate::session::{Content, Event, EventKind, Timestamp};

/// How many subagents may be inside each other.
const DEEPEST: usize = 8;

/// The end of a task, as its parent's log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    /// When its parent knew.
    pub at: Timestamp,
    /// One line of what came out.
    pub summary: Option<String>,
    /// How long it took.
    pub duration_ms: Option<u64>,
}

impl Reading<'_> {
    /// Remembers a subagent that runs in the background.
    pub(super) fn launched(&mut self, id: &str, title: Option<String>) {
        let agent = self.state.agents.entry(id.to_owned()).or_default();
        agent.title = agent.title.take().or(title);
    }

    /// Joins a subagent that has come to an end.
    pub(super) fn ended(
        &mut self,
        parent: &mut Thread,
        id: &str,
        title: Option<String>,
        ending: Ending,
    ) -> Result<(), ParseError> {
        self.splice(parent, id, title, Some(ending))
    }

    /// Joins what a notice says has stopped, if it is a subagent and no background command.
    pub(super) fn notified(&mut self, parent: &mut Thread, id: &str, ending: Ending) -> Result<(), ParseError> {
        if self.state.agents.contains_key(id) || self.agent_file(id).is_some() {
            self.splice(parent, id, None, Some(ending))?;
        }
        Ok(())
    }

    /// Joins a subagent by the call that has been answered: one that wrote into this very file, or
    /// one that failed and whose file names the call, or begins
    /// with what the call told it.
    pub(super) fn ended_without_id(
        &mut self,
        parent: &mut Thread,
        call: &str,
        prompt: Option<u64>,
        title: Option<String>,
        ending: Ending,
    ) -> Result<(), ParseError> {
        let chains = &mut parent.stream.sidechains;
        if let Some(at) = chains.iter().position(|chain| Some(chain.prompt) == prompt) {
            let task = chains.remove(at).task;
            return self.task_end(parent, &task, 0, ending);
        }
        let known = &mut self.agents_told;
        let mut is_meant = |id: &String, file: &Path| {
            let told_by = || (recognise::meta(file).and_then(|meta| meta.call), told(file));
            let (named, told) = known.entry(id.clone()).or_insert_with(told_by);
            named.as_ref().map_or(*told == prompt, |named| named == call)
        };
        let is_open = |id: &String| self.state.agents.get(id).is_none_or(|agent| agent.ends == 0);
        let mut open = self.agent_files.iter().filter(|(id, _)| is_open(id));
        match open.find(|(id, file)| is_meant(id, file)).map(|(id, _)| id.clone()) {
            Some(id) => self.splice(parent, &id, title, Some(ending)),
            None => Ok(()),
        }
    }

    /// Hands over what subagents wrote of whose end nothing is known, the one begun first first.
    pub(super) fn unfinished_agents(&mut self, parent: &mut Thread) -> Result<(), ParseError> {
        self.find_agents_beside(parent);
        let mut ids: Vec<String> = self.agent_files.keys().cloned().collect();
        ids.extend(self.state.agents.keys().filter(|id| !self.agent_files.contains_key(*id)).cloned());
        let mut unfinished = Vec::new();
        for id in ids {
            let Some(file) = self.agent_file(&id) else { continue };
            let offset = self.state.agents.get(&id).map_or(0, |agent| agent.offset);
            if file.metadata().is_ok_and(|metadata| metadata.len() > offset) {
                let first = recognise::first_record(&file, offset, moment);
                unfinished.push((first.is_none(), first, id));
            }
        }
        unfinished.sort();
        for (_, _, id) in unfinished {
            let title = self.agent_file(&id).and_then(|file| asked_for(parent, &file));
            self.splice(parent, &id, title, None)?;
        }
        Ok(())
    }

    /// Finds the files of subagents of 2.0.x that no answer has named: only looked for when a
    /// call has no answer yet, since all sessions' subagents lie in one folder there.
    fn find_agents_beside(&mut self, parent: &Thread) {
        if !parent.stream.calls.values().any(|call| call.task.is_some()) {
            return;
        }
        let session = session_id(&self.path);
        for (id, file) in discover::agent_files_beside(&self.path) {
            if !self.agent_files.contains_key(&id) && recognise::parent_session(&file).as_ref() == Some(&session) {
                self.agent_files.insert(id, file);
            }
        }
    }

    fn agent_file(&self, id: &str) -> Option<PathBuf> {
        let beside = || {
            let file = discover::agent_file_beside(&self.path, id)?;
            let parent = recognise::parent_session(&file)?;
            (parent == session_id(&self.path) || self.state.facts.related.contains(&parent)).then_some(file)
        };
        self.agent_files.get(id).cloned().or_else(beside)
    }

    /// Hands over what a subagent wrote since it was read last: up to its end, or all of it.
    fn splice(
        &mut self,
        parent: &mut Thread,
        id: &str,
        title: Option<String>,
        ending: Option<Ending>,
    ) -> Result<(), ParseError> {
        if self.open_agents.len() >= DEEPEST || self.open_agents.iter().any(|open| open == id) {
            return Ok(());
        }
        let mut agent = self.state.agents.remove(id).unwrap_or_default();
        agent.title = agent.title.take().or(title);
        let before = agent.offset;
        if let Some(file) = self.agent_file(id) {
            self.open_agents.push(id.to_owned());
            self.read_agent(id, file, &mut agent, ending.as_ref().map(|ending| ending.at))?;
            self.open_agents.pop();
        }
        if let Some(ending) = ending
            && (agent.ends == 0 || agent.offset > before)
        {
            if !agent.started {
                let start = task_start(id, agent.title.clone(), ending.at);
                self.emit(parent, start)?;
                agent.started = true;
            }
            self.task_end(parent, id, agent.ends, ending)?;
            agent.ends += 1;
            agent.stream.calls.clear();
        }
        self.state.agents.insert(id.to_owned(), agent);
        Ok(())
    }

    fn read_agent(
        &mut self,
        id: &str,
        path: PathBuf,
        agent: &mut AgentState,
        until: Option<Timestamp>,
    ) -> Result<(), ParseError> {
        let Ok(mut lines) = jsonl::open(&path)
            .and_then(|log| log.lines(agent.offset).map_err(|source| ParseError::Read { path: path.clone(), source }))
        else {
            self.report.ignore("subagent/unreadable");
            return Ok(());
        };
        if !agent.started {
            agent.title = recognise::meta(&path).and_then(|meta| meta.title).or(agent.title.take());
        }
        let start = (!agent.started).then(|| Start { title: agent.title.clone() });
        let stream = std::mem::take(&mut agent.stream);
        let mut thread = Thread { path, task: Some(id.to_owned()), is_agent: true, start, stream };
        let mut distance = Distance::default();
        while let Ok(Some(line)) = lines.read() {
            self.goes_on(&mut distance, &line)?;
            let (place, length) = (Line { bytes: &[], ..line }, line.bytes.len());
            let is_of_now = match hollow(line.bytes, &thread) {
                Some(hollow) => self.hollow_line(&mut thread, &mut lines, (&place, length), hollow, until)?,
                None => self.line(&mut thread, &line, until)?,
            };
            if !is_of_now {
                break;
            }
            agent.offset = lines.offset();
        }
        agent.started = thread.start.is_none();
        agent.stream = thread.stream;
        Ok(())
    }

    fn task_end(&mut self, parent: &mut Thread, id: &str, nth: u32, ending: Ending) -> Result<(), ParseError> {
        let event_id = if nth == 0 { format!("@task/{id}/end") } else { format!("@task/{id}/end/{nth}") };
        let kind = EventKind::TaskEnd { summary: ending.summary };
        let mut end = Event::new(event_id, ending.at, kind, Content::empty());
        end.task_id = Some(id.to_owned());
        end.duration_ms = ending.duration_ms;
        self.emit(parent, end)
    }

    /// The task that a record of the parent's own file belongs to, if a subagent wrote it (up to
    /// 1.0.8x). A first record with what the subagent was told starts the task.
    pub(super) fn sidechain(
        &mut self,
        thread: &mut Thread,
        record: &Record<'_>,
        told: Raw<'_>,
        now: Timestamp,
    ) -> Result<Option<String>, ParseError> {
        if !record.is_sidechain() || thread.is_agent {
            return Ok(None);
        }
        let hashed = |raw| text(raw).map(|uuid| hash(b'u', &[&uuid]));
        let (parent, own) = (hashed(record.parent_uuid), hashed(record.uuid));
        let chains = &mut thread.stream.sidechains;
        let of_parent = parent.and_then(|parent| chains.iter().rposition(|chain| chain.recent.contains(&parent)));
        let is_first = parent.is_none() && told.is_some();
        let known = of_parent.or_else(|| if is_first { None } else { chains.len().checked_sub(1) });
        if let Some(chain) = known.and_then(|at| chains.get_mut(at)) {
            if let Some(own) = own {
                chain.grow(own);
            }
            return Ok(Some(chain.task.clone()));
        }
        let Some(task) = words(record.uuid) else { return Ok(None) };
        if chains.len() >= REMEMBERED {
            chains.remove(0);
        }
        let prompt = tools::task_prompt(
            content::content(told, &mut Report::default(), &mut None).texts().next().unwrap_or_default(),
        );
        chains.push(Sidechain { task: task.clone(), recent: own.into_iter().collect(), prompt });
        let calls = thread.stream.calls.values().filter_map(|call| call.task.as_ref());
        let title = calls.filter(|(_, told)| *told == prompt).find_map(|(title, _)| title.clone());
        self.emit(thread, task_start(&task, title, now))?;
        Ok(Some(task))
    }
}

/// What an unanswered call calls the task that the first record of a subagent's file was told.
fn asked_for(parent: &Thread, file: &Path) -> Option<String> {
    let told = told(file)?;
    let mut calls = parent.stream.calls.values().filter_map(|call| call.task.as_ref());
    calls.find(|(_, prompt)| *prompt == told).and_then(|(title, _)| title.clone())
}

/// The hash of the first text of a subagent's file: what it was told.
fn told(file: &Path) -> Option<u64> {
    recognise::first_record(file, 0, |record| {
        // Nobody is told so much, and it would be held beside its line.
        let told = record.message()?.content.filter(|content| content.get().len() < LONG)?;
        let content = content::content(Some(told), &mut Report::default(), &mut None);
        content.texts().next().map(tools::task_prompt)
    })
}

/// Makes events part of a task, if they are of one.
pub(super) fn belong_to(task: Option<&String>, events: &mut [Event]) {
    if let Some(task) = task {
        for event in events {
            event.task_id = Some(task.clone());
        }
    }
}

/// The first event of a task.
pub(super) fn task_start(id: &str, title: Option<String>, at: Timestamp) -> Event {
    let mut start = Event::new(format!("@task/{id}/start"), at, EventKind::TaskStart { title }, Content::empty());
    start.task_id = Some(id.to_owned());
    start
}
