//! Handing work over: what the next agent or colleague needs to know of some sessions, made once and kept.
//!
//! - [`derive`]: from sessions to an [`Artifact`], by rules and without a model. Only redacted events go in.
//! - [`Artifact`]: its parts, and its canonical text; the SHA-256 of that text is its name ([`ArtifactId`]).
//! - [`Store`]: artifacts and their aliases (pins) on hidden refs, verified whenever they are read.
//! - [`exchange`]: pushing and fetching both; [`forget_at`]: deleting what was made of sessions that are purged.
//! - [`markdown`] and [`resume`]: for reading, and for an agent that goes on.
//!
//! The same sessions give the same bytes: no clock, no name of this machine, sorted maps, and an order that follows
//! from the sessions alone.

mod artifact;
pub mod derive;
pub mod exchange;
mod forget;
mod held;
mod markdown;
mod name;
pub mod resume;
mod select;
mod store;
mod text;
mod validate;

pub use artifact::{
    Artifact, ArtifactId, BadArtifact, Change, Check, CheckKind, Command, Decision, DecisionKind, ErrorMet, FileChange,
    NextStep, Outcome, Place, Pointer, Prompt, SIZE_LIMIT, Said, Source, StepState,
};
pub use forget::{MadeOf, forget_at};
pub use held::Held;
pub use markdown::{Detail, markdown};
pub use name::{Alias, BadAlias, Wanted};
pub use select::{Error as SelectError, Selection};
pub use store::{Error as StoreError, Listed, Pin, Store};
pub use validate::{Missing, missing};
