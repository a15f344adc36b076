//! AI coding sessions kept where the code is: in git.

pub mod agents;
pub mod capture;
pub mod fanout;
pub mod git;
pub mod hail;
pub mod ledger;
pub mod link;
pub mod redaction;
pub mod session;
