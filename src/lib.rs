//! AI coding sessions kept where the code is: in git.

pub mod agents;
pub mod git;
pub mod hail;
pub mod ledger;
pub mod redaction;
pub mod session;
