//! The header of a session, from what its records said.

use std::path::Path;

use super::reading::session_id;
use super::state::{Facts, State};
use crate::session::{Agent, Attributes, Context, HAIL_VERSION, Header, Timestamp};

/// The header.
pub(super) fn of(state: &State, path: &Path) -> Header {
    let facts = &state.facts;
    let id = session_id(path);
    let related = facts.related.iter().filter(|related| **related != id).cloned().collect();
    Header {
        version: HAIL_VERSION.to_owned(),
        agent: Agent {
            provider: "anthropic".to_owned(),
            model: facts.model.clone().unwrap_or_else(|| "unknown".to_owned()),
            tool: super::NAME.to_owned(),
            tool_version: facts.version.clone(),
        },
        context: Context {
            title: facts.title(&state.seen),
            description: None,
            tags: Vec::new(),
            created_at: facts.created.unwrap_or(Timestamp::EPOCH),
            updated_at: facts.updated.unwrap_or(Timestamp::EPOCH),
            related_session_ids: related,
            attributes: attributes(facts),
        },
        session_id: id,
        extra: std::collections::BTreeMap::new(),
    }
}

fn attributes(facts: &Facts) -> Attributes {
    let mut attributes = Attributes::new();
    if let Some(first) = facts.cwds.first() {
        attributes.insert("cwd".to_owned(), first.as_str().into());
    }
    if facts.cwds.len() > 1 {
        attributes.insert("cwds".to_owned(), facts.cwds.clone().into());
    }
    if let Some(branch) = &facts.branch {
        attributes.insert("git.branch".to_owned(), branch.as_str().into());
    }
    attributes
}
