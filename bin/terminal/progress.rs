//! Something that takes a while.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line on stderr that shows up only when its work takes longer than a moment, and is gone when
/// the work is done.
pub struct Progress {
    bar: ProgressBar,
    /// Dropped when the work is done: whoever waits to show the line is told by that.
    _done: Sender<()>,
}

impl Progress {
    /// Shown after `delay`.
    pub fn new(what: &'static str, delay: Duration) -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_draw_target(ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{msg} {spinner}") {
            bar.set_style(style.tick_strings(&["   ", ".  ", ".. ", "..."]));
        }
        bar.set_message(what);
        let (done, is_done) = mpsc::channel::<()>();
        let shown = bar.clone();
        // Work that blocks (a network) cannot look at a clock: somebody else has to.
        thread::spawn(move || {
            if is_done.recv_timeout(delay) == Err(RecvTimeoutError::Timeout) {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(Duration::from_millis(250));
            }
        });
        Self { bar, _done: done }
    }

    /// Makes room for a line of text.
    pub fn suspend(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
