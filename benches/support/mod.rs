//! What the benches share: made-up sessions of any size, and a table of budgets.
#![allow(dead_code, reason = "each bench uses a part of it")]

pub mod ledgers;
pub mod logs;
pub mod table;
pub mod world;
