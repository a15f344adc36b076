//! The flow, from logs to ledgers, with an agent of our own and the real git.

mod fake;
mod faults;
mod flow;
mod growth;
mod resting;
mod whose;
mod world;
