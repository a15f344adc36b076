//! When to ask whether to go on.

use super::jsonl::Line;

/// After how many bytes it is asked whether to go on: some thousandths of a second.
const ASKED_EVERY: u64 = 4 << 20;

/// How far a log has been read since its reader was asked whether to go on.
#[derive(Debug, Default)]
pub(super) struct Distance {
    asked_at: u64,
}

impl Distance {
    /// Whether it is time to ask, before this line is taken apart.
    pub(super) fn is_far(&mut self, line: &Line<'_>) -> bool {
        let end = line.offset + line.bytes.len() as u64;
        let is_far = end - self.asked_at.min(end) >= ASKED_EVERY;
        if is_far {
            self.asked_at = end;
        }
        is_far
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::jsonl::LineEnd;

    #[test]
    fn it_is_time_to_ask_before_a_long_line_and_after_many_short_ones() {
        let mut distance = Distance::default();
        let mut at = |offset, length| {
            let bytes = vec![b'x'; length];
            distance.is_far(&Line { number: 1, offset, bytes: &bytes, end: LineEnd::Terminated })
        };
        assert_eq!([at(0, 10), at(11, 6 << 20), at(6 << 20, 10), at(9 << 20, 10)], [false, true, false, false]);
        assert_eq!([at(11 << 20, 10), at(12 << 20, 10), at(90 << 20, 0), at(0, 10)], [true, false, true, false]);
    }
}
