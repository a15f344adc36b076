//! What some sessions add up to.

use std::collections::{BTreeMap, BTreeSet};

use super::prices::Prices;
use crate::ledger::SessionKey;

/// Tokens, by what is paid for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tokens {
    /// Fresh input.
    pub input: u64,
    /// Input that the provider had in its cache.
    pub cache_read: u64,
    /// Input that the provider took into its cache.
    pub cache_write: u64,
    /// Output, with reasoning.
    pub output: u64,
}

impl Tokens {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.input = self.input.saturating_add(other.input);
        self.cache_read = self.cache_read.saturating_add(other.cache_read);
        self.cache_write = self.cache_write.saturating_add(other.cache_write);
        self.output = self.output.saturating_add(other.output);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What some sessions, or parts of them, add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// The sessions.
    pub sessions: BTreeSet<SessionKey>,
    /// Prompts that humans typed.
    pub prompts: u64,
    /// Tool calls.
    pub tool_calls: u64,
    /// Tokens, by model.
    pub models: BTreeMap<String, Tokens>,
    /// Edits of files that succeeded.
    pub edits: u64,
    /// Lines that they wrote.
    pub lines_written: u64,
    /// Lines of files as they are now that these sessions wrote; `None` if nobody looked.
    pub lines_surviving: Option<u64>,
}

/// What tokens cost, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cost {
    /// What those with a price cost, in millionths of a millionth of a dollar; `None` if none has one.
    pub known: Option<u128>,
    /// The models whose tokens have no price.
    pub without_price: BTreeSet<String>,
}

impl Tally {
    /// All tokens.
    pub fn tokens(&self) -> Tokens {
        let mut all = Tokens::default();
        self.models.values().for_each(|tokens| all.add(tokens));
        all
    }

    /// What they cost.
    pub fn cost(&self, prices: &Prices) -> Cost {
        let mut cost = Cost::default();
        for (model, tokens) in self.models.iter().filter(|(_, tokens)| !tokens.is_empty()) {
            match prices.cost(model, tokens) {
                Some(known) => cost.known = Some(cost.known.unwrap_or(0).saturating_add(known)),
                None => _ = cost.without_price.insert(model.clone()),
            }
        }
        cost
    }

    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        self.sessions.extend(&other.sessions);
        self.prompts += other.prompts;
        self.tool_calls += other.tool_calls;
        self.edits += other.edits;
        self.lines_written += other.lines_written;
        for (model, tokens) in &other.models {
            self.models.entry(model.clone()).or_default().add(tokens);
        }
        if let Some(surviving) = other.lines_surviving {
            *self.lines_surviving.get_or_insert(0) += surviving;
        }
    }
}
