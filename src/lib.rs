//! AI coding sessions kept where the code is: in git.

pub mod agents;
pub mod browse;
pub mod capture;
pub mod doctor;
pub mod fanout;
pub mod fetch;
pub mod fsck;
pub mod git;
pub mod hail;
pub mod honour;
pub mod inspect;
pub mod ledger;
pub mod link;
pub mod parse;
pub mod pre_push;
pub mod redaction;
pub mod session;
pub mod session_file;
pub mod source;
pub mod store;
pub mod sync;
pub mod uri;
pub mod view;
