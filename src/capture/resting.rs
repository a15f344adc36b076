//! Sessions whose logs have not changed.
//!
//! Of thousands of them hardly one has to do with the commits in question. They rest until something asks for them: a
//! commit that may be near, another log of the same session, a branch that they were tied to earlier.

use super::index::{Index, Place, Rest};
use super::listing::Listed;
use super::session::Session;

/// Sessions at rest.
#[derive(Default)]
pub(super) struct Resting<'a> {
    logs: Vec<Listed<'a>>,
    /// Where the index has each of them; `None` of one that was woken.
    places: Vec<Option<Place>>,
    first: Option<i64>,
}

impl<'a> Resting<'a> {
    /// The sessions of some logs, with the place of each in the index and the earliest moment of all, in seconds since the
    /// epoch.
    pub(super) fn new(logs: Vec<Listed<'a>>, places: Vec<Place>, first: Option<i64>) -> Self {
        Self { logs, places: places.into_iter().map(Some).collect(), first }
    }

    /// The earliest moment of all, in seconds since the epoch.
    pub(super) fn first(&self) -> Option<i64> {
        self.first
    }

    /// How many there were before one was woken.
    pub(super) fn len(&self) -> usize {
        self.logs.len()
    }

    /// Wakes those that are asked for.
    pub(super) fn wake(&mut self, index: &Index, asked: impl Fn(&Rest<'_>) -> bool) -> Vec<Session<'a>> {
        let mut woken = Vec::new();
        for (log, at) in self.logs.iter().zip(&mut self.places) {
            if let Some(place) = *at
                && index.rest(place).is_some_and(|rest| asked(&rest))
                && let Some(known) = index.known(place)
            {
                *at = None;
                woken.push(Session::unchanged(log.clone(), known));
            }
        }
        woken
    }
}
