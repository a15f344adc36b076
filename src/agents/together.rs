//! Work that two threads share.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, scope};

/// How many things make a parcel. As many are worth a second thread: asking the kernel for their metadata takes longer than
/// to start one.
pub(super) const AT_A_TIME: usize = 128;
/// How many parcels may wait. Each may hold a folder open.
const MOST_WAITING: usize = 64;

/// Parcels that wait for a thread to take them. Nobody holds the lock while he works.
struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    changed: Condvar,
}

struct Waiting<T> {
    parcels: Vec<T>,
    /// Whether there will be no more.
    complete: bool,
}

impl<T> Queue<T> {
    fn new() -> Self {
        Self { waiting: Mutex::new(Waiting { parcels: Vec::new(), complete: false }), changed: Condvar::new() }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a parcel, and gives one back if too many wait.
    fn put(&self, parcel: T) -> Option<T> {
        let mut waiting = self.waiting();
        waiting.parcels.push(parcel);
        if waiting.parcels.len() > MOST_WAITING {
            return waiting.parcels.pop();
        }
        drop(waiting);
        self.changed.notify_one();
        None
    }

    fn complete(&self) {
        self.waiting().complete = true;
        self.changed.notify_one();
    }

    /// The next parcel; waits for one until there will be no more.
    fn next(&self) -> Option<T> {
        let waiting = self.waiting();
        let is_to_come = |waiting: &mut Waiting<T>| waiting.parcels.is_empty() && !waiting.complete;
        let waiting = self.changed.wait_while(waiting, is_to_come);
        waiting.unwrap_or_else(PoisonError::into_inner).parcels.pop()
    }
}

/// Completes a queue however its filling ends: the other thread must not wait for ever.
struct Completing<'a, T>(&'a Queue<T>);

impl<T> Drop for Completing<'_, T> {
    fn drop(&mut self) {
        self.0.complete();
    }
}

/// What `work` makes of each parcel that `fill` gives, in no order. `fill` says how many things are in each: as soon as they
/// are many, a second thread begins with them.
pub(super) fn together<T: Send, R: Send>(
    work: impl Fn(T) -> R + Sync,
    fill: impl FnOnce(&mut dyn FnMut(T, usize)),
) -> Vec<R> {
    let queue = Queue::new();
    let rest = || {
        let mut made = Vec::new();
        while let Some(parcel) = queue.next() {
            made.push(work(parcel));
        }
        made
    };
    scope(|scope| {
        let completing = Completing(&queue);
        let (mut made, mut given, mut other) = (Vec::new(), 0, None);
        fill(&mut |parcel, things| {
            if let Some(parcel) = queue.put(parcel) {
                made.push(work(parcel));
            }
            given += things;
            if given >= AT_A_TIME && other.is_none() {
                // Where no thread can be started, all is done here.
                other = Some(Builder::new().spawn_scoped(scope, rest));
            }
        });
        drop(completing);
        made.extend(rest());
        if let Some(Ok(other)) = other {
            made.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        made
    })
}

/// What `work` makes of each thing, in no order.
pub(super) fn each<T: Send, R: Send>(things: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let work = |parcel: Vec<T>| -> Vec<R> { parcel.into_iter().map(&work).collect() };
    let made = together(work, |give| {
        let mut things = things.into_iter();
        loop {
            let parcel: Vec<T> = things.by_ref().take(AT_A_TIME).collect();
            let count = parcel.len();
            if count == 0 {
                break;
            }
            give(parcel, count);
        }
    });
    made.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_few_and_of_many_is_worked_on_once() {
        for count in [0, 1, AT_A_TIME - 1, AT_A_TIME, AT_A_TIME + 1, 50_000] {
            let things: Vec<usize> = (0..count).collect();
            let mut made = each(things, |thing| thing * 2);
            made.sort_unstable();
            assert_eq!(made, (0..count).map(|thing| thing * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_panic_while_parcels_are_given_is_no_hang() {
        let filled = std::panic::catch_unwind(|| {
            together(
                |parcel: u8| parcel,
                |give| {
                    give(1, AT_A_TIME);
                    panic!("in the middle");
                },
            )
        });
        assert!(filled.is_err());
    }
}
