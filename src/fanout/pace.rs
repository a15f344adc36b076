//! How long races are run before what has lost them is left in the inbox.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, Instant};

/// How often a lost race is run again.
const TRIES: u32 = 4;
/// The longest pause after the first lost race; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Races end when this part of the time is over: where they take so long, many are at it.
const PART_FOR_RACES: u32 = 3;
/// What must be left for another race and then the inbox, in the time that the slowest talk with the remote took: a
/// fetch, a push, and a push; and once more that, for it gets slower as more come.
const TALKS: u32 = 4;
/// So many commits by others between two looks at a ledger, a moment apart, are a crowd.
pub(super) const CROWD: usize = 2;

/// The time that a fanout has, and how it went so far.
pub(super) struct Pace {
    deadline: Option<Instant>,
    began: Instant,
    slowest: Duration,
    races: u32,
}

impl Pace {
    /// From now on.
    pub fn new(deadline: Option<Instant>) -> Self {
        Self { deadline, began: Instant::now(), slowest: Duration::ZERO, races: 0 }
    }

    /// Does something that talks to the remote, and takes note of how long that takes.
    pub fn timed<T>(&mut self, talk: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let told = talk();
        self.slowest = self.slowest.max(start.elapsed());
        told
    }

    /// How many races have been lost.
    pub fn lost(&self) -> u32 {
        self.races
    }

    /// A race was lost: waits a random while (full jitter) and says that another is worth it; or says at once that it is
    /// not.
    pub fn race_again(&mut self) -> bool {
        self.races += 1;
        let pause = jitter(FIRST_PAUSE * 2_u32.saturating_pow(self.races - 1));
        if self.races >= TRIES || !self.is_time_for(pause, Instant::now()) {
            return false;
        }
        std::thread::sleep(pause);
        true
    }

    fn is_time_for(&self, pause: Duration, now: Instant) -> bool {
        let Some(deadline) = self.deadline else { return true };
        let whole = deadline.saturating_duration_since(self.began);
        let left = deadline.saturating_duration_since(now);
        left >= pause + TALKS * self.slowest && now + pause < self.began + whole / PART_FOR_RACES
    }
}

/// A random time that is not longer.
fn jitter(longest: Duration) -> Duration {
    // The seed of a hash map is the randomness the standard library has.
    let random = RandomState::new().build_hasher().finish() % 1000;
    longest * u32::try_from(random).unwrap_or_default() / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_worth_it(used: u64, slowest: u64) -> bool {
        let began = Instant::now();
        let deadline = Some(began + Duration::from_secs(10));
        let pace = Pace { deadline, began, slowest: Duration::from_millis(slowest), races: 1 };
        pace.is_time_for(Duration::from_millis(100), began + Duration::from_millis(used))
    }

    #[test]
    fn races_end_while_the_inbox_can_be_reached() {
        assert!(is_worth_it(500, 400));
        assert!(is_worth_it(3000, 700));
        assert!(!is_worth_it(3300, 400), "a third is over");
        assert!(!is_worth_it(2500, 2000), "four such talks take longer than what is left");
        assert!(!is_worth_it(11_000, 1));
    }

    #[test]
    fn without_a_deadline_there_are_four_tries() {
        let mut pace = Pace::new(None);
        assert_eq!((0..4).map(|_| pace.race_again()).collect::<Vec<_>>(), [true, true, true, false]);
    }
}
