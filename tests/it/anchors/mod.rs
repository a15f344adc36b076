//! Links that survive rewriting: a matrix of what can happen to commits, each told from a clone that has nothing but
//! what `fetch` brings.
//!
//! In every story Ann's sessions are captured when she first pushes. What happens to the commits then happens without
//! us: her logs are gone, no hook of ours runs, and commits are made and pushed by plain git.

mod merges;
mod moves;
mod relink;
mod stage;

use stage::{Stage, found, none, similar};
