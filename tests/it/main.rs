//! The binary and git as a user runs them, in sealed worlds; and the rules of the house.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure itself"
)]

mod anchors;
mod cleanup;
mod cli;
mod config;
mod consent;
mod defects;
mod docs;
mod examples;
mod faults;
mod former;
mod fsck;
mod handoff;
mod hooks;
mod next;
mod notes;
mod odd_repositories;
mod places;
mod privacy;
mod push;
mod reading;
mod readme;
mod register;
mod rolling;
mod share;
mod stats;
mod verify;
mod view;
mod walk;
mod walls;
mod why;
mod world;
