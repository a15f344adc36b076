//! Where a session is from: its first record, and what each turn says of its place and model.

use std::ops::ControlFlow;

use serde_json::Value;

use super::machine::Machine;
use super::record::{Git, Lax, Payload};
use super::text;
use crate::session::Timestamp;

impl Machine<'_> {
    pub(super) fn session_meta(&mut self, payload: &Payload<'_>, at: Timestamp) -> ControlFlow<()> {
        let id = payload.id.filled().or(payload.session_id.filled());
        let is_own = self.facts.session_id.as_deref().is_none_or(|own| Some(own) == id);
        if !is_own {
            self.flush_pending()?;
            self.release()?;
            self.foreign_meta(payload, at);
            return ControlFlow::Continue(());
        }
        let is_first = !std::mem::replace(&mut self.state.started, true);
        self.facts.session_id = id.map(str::to_owned).or(self.facts.session_id.take());
        let made: Option<Timestamp> = payload.timestamp.filled().and_then(|stamp| stamp.parse().ok());
        if let Some(made) = made {
            self.facts.saw(made);
        }
        self.header_facts(payload);
        let parents = parents(payload);
        if is_first {
            self.state.copy.session_made(id.unwrap_or_default(), made.map_or(at, |made| made.min(at)));
            if !parents.is_empty() {
                self.state.copy.begin(at);
            }
        }
        self.facts.related.extend(parents);
        if let Some(cwd) = payload.cwd.filled() {
            self.state.cwd = self.state.cwd.or(self.facts.index(cwd));
        }
        ControlFlow::Continue(())
    }

    /// Another session's start: its history is copied from here on.
    pub(super) fn foreign_meta(&mut self, payload: &Payload<'_>, at: Timestamp) {
        if let Some(id) = payload.id.filled() {
            self.facts.related.insert(id.to_owned());
        }
        self.facts.related.extend(parents(payload));
        self.state.copy.begin(at);
    }

    fn header_facts(&mut self, payload: &Payload<'_>) {
        let facts = &mut self.facts;
        let set = |fact: &mut Option<String>, said: &Lax<'_>| {
            if let Some(said) = said.filled() {
                *fact = Some(said.to_owned());
            }
        };
        set(&mut facts.provider, &payload.model_provider);
        set(&mut facts.version, &payload.cli_version);
        if facts.cwd.is_none() {
            set(&mut facts.cwd, &payload.cwd);
        }
        let git: Git<'_> = payload.git.typed().unwrap_or_default();
        let repository = git.repository_url.filled().map(text::without_credentials);
        let source = source(payload);
        self.state.in_subagent |= source.as_deref() == Some("subagent");
        let attributes = [
            ("git.branch", git.branch.filled()),
            ("git.commit", git.commit_hash.filled()),
            ("git.repository_url", repository.as_deref()),
            ("originator", payload.originator.filled()),
            ("source", source.as_deref()),
            ("agent.nickname", payload.agent_nickname.filled()),
            ("agent.role", payload.agent_role.filled()),
        ];
        for (key, value) in attributes {
            if let Some(value) = value {
                facts.attributes.insert(key.to_owned(), value.into());
            }
        }
    }

    pub(super) fn turn_context(&mut self, payload: &Payload<'_>) {
        if let Some(cwd) = payload.cwd.filled() {
            self.state.cwd = self.facts.index(cwd).or(self.state.cwd);
            if self.facts.cwd.is_none() && !self.state.copy.active {
                self.facts.cwd = Some(cwd.to_owned());
            }
        }
        if let Some(model) = payload.model.filled() {
            self.state.model = self.facts.index(model).or(self.state.model);
        }
    }
}

/// The sessions that this one came from.
fn parents(payload: &Payload<'_>) -> Vec<String> {
    let own = payload.id.filled();
    let spawned = payload.source.0.and_then(subagent_parent);
    let ids = [
        payload.forked_from_id.filled(),
        payload.parent_thread_id.filled(),
        payload.session_id.filled(),
        spawned.as_deref(),
    ];
    let mut ids: Vec<String> =
        ids.into_iter().flatten().filter(|id| own.is_some_and(|own| own != *id)).map(str::to_owned).collect();
    ids.dedup();
    ids
}

fn subagent_parent(source: &str) -> Option<String> {
    let source = text::data(source)?;
    let spawn = ["subagent", "sub_agent"].iter().find_map(|key| source.get(key))?.get("thread_spawn")?;
    spawn.get("parent_thread_id").and_then(Value::as_str).map(str::to_owned)
}

/// `cli`, `vscode`, `exec`, ...; of an object its key.
fn source(payload: &Payload<'_>) -> Option<String> {
    if payload.thread_source.str() == "subagent" {
        return Some("subagent".to_owned());
    }
    if let Some(name) = payload.source.text() {
        return Some(name.into_owned());
    }
    let object = text::data(payload.source.0?)?;
    let key = object.as_object()?.keys().next()?;
    Some(if key == "sub_agent" { "subagent".to_owned() } else { key.clone() })
}
