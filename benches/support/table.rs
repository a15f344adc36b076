//! Budgets and what was measured, side by side.

use std::time::{Duration, Instant};

/// Runs `work` `times` times after one warm-up: the times it took, in milliseconds, sorted.
pub fn sample(times: usize, mut work: impl FnMut()) -> Vec<f64> {
    work();
    let mut taken: Vec<f64> = (0..times)
        .map(|_| {
            let start = Instant::now();
            work();
            millis(start.elapsed())
        })
        .collect();
    taken.sort_by(f64::total_cmp);
    taken
}

/// The middle of sorted values.
pub fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

/// A duration in milliseconds.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// A table that is printed row by row, and knows whether every budget was kept.
pub struct Table {
    kept: bool,
}

impl Table {
    /// Prints the head.
    pub fn new(title: &str) -> Self {
        println!("\n{title}\n{:<58} {:>12} {:>12}", "what", "measured", "budget");
        Self { kept: true }
    }

    /// A figure without a budget.
    pub fn fact(what: &str, measured: f64, unit: &str) {
        println!("{what:<58} {:>12}", format!("{measured:.1} {unit}"));
    }

    /// A figure that must not be more than its budget.
    pub fn at_most(&mut self, what: &str, measured: f64, budget: f64, unit: &str) {
        self.row(what, measured, budget, unit, "<=", measured <= budget);
    }

    /// A figure that must not be less than its budget.
    pub fn at_least(&mut self, what: &str, measured: f64, budget: f64, unit: &str) {
        self.row(what, measured, budget, unit, ">=", measured >= budget);
    }

    fn row(&mut self, what: &str, measured: f64, budget: f64, unit: &str, sign: &str, kept: bool) {
        self.kept &= kept;
        let mark = if kept { "" } else { "  over" };
        let (measured, budget) = (format!("{measured:.1} {unit}"), format!("{sign} {budget:.1} {unit}"));
        println!("{what:<58} {measured:>12} {budget:>12}{mark}");
    }

    /// Says at the end whether every budget was kept; the exit code says it, too.
    pub fn finish(self) {
        if !self.kept {
            println!("some budgets were not kept");
            std::process::exit(1);
        }
    }
}
