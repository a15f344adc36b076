//! Whether an artifact is worth handing over: its parts are there, and what it points at is there.

use std::collections::BTreeSet;
use std::fmt;

use super::Artifact;
use super::Pointer;

/// What an artifact lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// It was made of no session.
    Sessions,
    /// Nobody asked for anything.
    Objective,
    /// Nothing was answered, changed or run.
    Work,
    /// It points at an event that is not there.
    Event(Pointer),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sessions => f.write_str("no session"),
            Self::Objective => f.write_str("no objective: no human typed a prompt"),
            Self::Work => f.write_str("no work: nothing was answered, changed or run"),
            Self::Event(at) => write!(f, "the event {:?} of session {}", at.event, at.session),
        }
    }
}

/// What an artifact lacks; `events` says which events a session has, `None` for a session that is not at hand (and then
/// nothing is said of it).
pub fn missing<'e>(artifact: &Artifact, events: impl Fn(&str) -> Option<&'e BTreeSet<String>>) -> Vec<Missing> {
    let mut missing = Vec::new();
    if artifact.sources.is_empty() {
        missing.push(Missing::Sessions);
    }
    if artifact.prompts.is_empty() {
        missing.push(Missing::Objective);
    }
    if artifact.answers.is_empty()
        && artifact.files.is_empty()
        && artifact.commands.is_empty()
        && artifact.checks.is_empty()
    {
        missing.push(Missing::Work);
    }
    let known: BTreeSet<&str> = artifact.sources.iter().map(|source| source.session.as_str()).collect();
    let leads_nowhere = |at: &&Pointer| {
        let is_there = events(&at.session).is_none_or(|events| events.contains(&at.event));
        !known.contains(at.session.as_str()) || !is_there
    };
    missing.extend(artifact.pointers().filter(leads_nowhere).cloned().map(Missing::Event));
    missing
}

#[cfg(test)]
mod tests {
    use super::super::{Place, Prompt};
    use super::*;

    #[test]
    fn an_empty_artifact_lacks_all_and_a_pointer_must_lead_somewhere() {
        let nothing = missing(&Artifact::default(), |_| None);
        assert_eq!(nothing, [Missing::Sessions, Missing::Objective, Missing::Work]);
        let at = Pointer { session: "s".into(), event: "e".into() };
        let prompts = vec![Prompt { place: Place::First, text: "x".into(), at: at.clone() }];
        let artifact = Artifact { prompts, ..Artifact::default() };
        assert!(missing(&artifact, |_| None).contains(&Missing::Event(at)));
    }
}
