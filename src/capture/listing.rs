//! Listing the logs of all agents, beside everything else that a capture begins with.
//!
//! The kernel takes as long to tell of thousands of logs as all else takes that a push with nothing new has to do. So that
//! begins first, on a thread of its own.

use std::path::Path;
use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::Instant;

use super::disk;
use crate::agents::{Environment, LogFile, LogParser};
use crate::link::PathHash;

/// A log that was listed.
#[derive(Clone)]
pub(super) struct Listed<'a> {
    pub(super) parser: &'a dyn LogParser,
    pub(super) log: LogFile,
    /// What it is called in the index.
    pub(super) name: PathHash,
}

/// The logs of all agents, as they are being listed.
pub struct Listing<'scope, 'a> {
    began: Instant,
    listing: Running<'scope, 'a>,
}

enum Running<'scope, 'a> {
    Beside(ScopedJoinHandle<'scope, Vec<Listed<'a>>>),
    /// No thread could be started.
    Later(&'a [&'a dyn LogParser], &'a Environment),
}

impl<'scope, 'a: 'scope> Listing<'scope, 'a> {
    /// Begins. A log that is written from now on may be listed as it was before, and is looked at again by the next capture.
    pub fn begin(
        scope: &'scope Scope<'scope, '_>,
        parsers: &'a [&'a dyn LogParser],
        environment: &'a Environment,
    ) -> Self {
        let began = Instant::now();
        let listing = match Builder::new().spawn_scoped(scope, || list(parsers, environment)) {
            Ok(thread) => Running::Beside(thread),
            Err(_) => Running::Later(parsers, environment),
        };
        Self { began, listing }
    }

    /// When it began, by the clock of the disk that a folder is on, in nanoseconds since the epoch; `None` if nothing can be
    /// written there.
    pub(super) fn listed_at(&self, folder: &Path) -> Option<i128> {
        let now = disk::now(folder)?;
        Some(now - i128::try_from(self.began.elapsed().as_nanos()).ok()?)
    }

    /// The logs, in no order. Waits for them.
    pub(super) fn logs(self) -> Vec<Listed<'a>> {
        match self.listing {
            Running::Beside(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Running::Later(parsers, environment) => list(parsers, environment),
        }
    }
}

/// The logs of all agents, listed now.
pub(super) fn list<'a>(parsers: &[&'a dyn LogParser], environment: &Environment) -> Vec<Listed<'a>> {
    let logs: Vec<(&'a dyn LogParser, Vec<LogFile>)> =
        parsers.iter().map(|parser| (*parser, parser.logs(environment))).collect();
    let mut listed = Vec::with_capacity(logs.iter().map(|(_, logs)| logs.len()).sum());
    for (parser, logs) in logs {
        listed.extend(logs.into_iter().map(|log| Listed { parser, name: PathHash::of_name(&log.path), log }));
    }
    listed
}
