//! What of an artifact's sessions is here, so that its pointers can be followed: in a ledger, or registered.

use std::collections::{BTreeMap, BTreeSet};

use super::derive::Part;
use super::{Artifact, Missing, Selection, Source, missing};
use crate::browse::Browser;
use crate::redaction::Redactor;
use crate::store::Stores;

/// The sessions of an artifact that are here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// The events of those that are as long as the artifact knows them.
    events: BTreeMap<String, BTreeSet<String>>,
    /// How many are here only as they were before the artifact was made.
    pub earlier: usize,
}

impl Held {
    /// Looks for them. One that cannot be read is not here: that says nothing against the artifact.
    pub fn of(artifact: &Artifact, browser: &Browser<'_>, stores: &Stores) -> Self {
        let redactor = Redactor::of_secrets_only();
        let look = |source: &Source, add: &dyn Fn(&mut Selection<'_, '_>)| {
            let mut selection = Selection::new(browser, &redactor);
            add(&mut selection);
            let parts = selection.parts(None).unwrap_or_default();
            parts.into_iter().filter(|part| part.source().session == source.session).collect::<Vec<Part>>()
        };
        let mut held = Self::default();
        for source in &artifact.sources {
            let is_whole = |part: &Part| part.source().events >= source.events;
            let mut parts = look(source, &|selection| drop(selection.add(&source.session)));
            if !parts.iter().any(is_whole) {
                let sid = source.session.parse().ok();
                let registered = sid.and_then(|sid| stores.of_session(sid).ok()).unwrap_or_default();
                let text = |text: Vec<u8>| look(source, &|it| drop(it.add_text(&source.session, text.as_slice())));
                parts.extend(registered.into_iter().flat_map(|object| text(object.text)));
            }
            match parts.iter().find(|part| is_whole(part)) {
                Some(part) => drop(held.events.insert(source.session.clone(), part.events().clone())),
                None => held.earlier += usize::from(!parts.is_empty()),
            }
        }
        held
    }

    /// How many are here whole.
    pub fn sessions(&self) -> usize {
        self.events.len()
    }

    /// How many pointers of the artifact lead to an event that is here.
    pub fn followed(&self, artifact: &Artifact) -> usize {
        let leads = |session: &str, event: &str| self.events.get(session).is_some_and(|events| events.contains(event));
        artifact.pointers().filter(|at| leads(&at.session, &at.event)).count()
    }

    /// What the artifact lacks, as far as its sessions are here.
    pub fn missing(&self, artifact: &Artifact) -> Vec<Missing> {
        missing(artifact, |session| self.events.get(session))
    }
}
