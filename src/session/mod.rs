//! What happened: one conversation of a person with an agent, as pure values.
//!
//! Nothing here reads a clock, a file or git. Maps are sorted, so that two equal sessions have one
//! spelling (see [`crate::hail`]). The shapes are those of HAIL 1.0.0; fields and kinds that this
//! version does not know are carried along untouched.

mod content;
mod event;
mod header;
mod stats;
mod timestamp;

pub use content::{Block, Content};
pub use event::{Attributes, Event, EventKind, attr};
pub use header::{Agent, Context, HAIL_VERSION, Header};
pub(crate) use stats::changed_lines;
pub use stats::{Stats, StatsFold};
pub use timestamp::{BadTimestamp, Timestamp};

/// A whole session in memory.
///
/// Capture never holds one: it streams events from a parser into a record. This is for readers
/// (`show`, `cat`, tests), where the session has to be looked at as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Who talked with whom, where and when.
    pub header: Header,
    /// What happened, in the order of the agent's log.
    pub events: Vec<Event>,
}

impl Session {
    /// The statistics of this session, folded from its events.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut fold = StatsFold::default();
        for event in &self.events {
            fold.add(event);
        }
        fold.stats()
    }
}
