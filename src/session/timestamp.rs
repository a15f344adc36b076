//! A moment, in UTC.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// A moment with nanosecond resolution, printed in RFC 3339 with `Z`.
///
/// The fraction has no, 3, 6 or 9 digits: as few as hold it without loss. That is how HAIL 1.0.0
/// spells it, and it makes printing a function of the value alone.
///
/// ```
/// use git_opensession::session::Timestamp;
/// let at: Timestamp = "2026-03-06T10:00:00.5+01:00".parse()?;
/// assert_eq!(at.to_string(), "2026-03-06T09:00:00.500Z");
/// # Ok::<(), git_opensession::session::BadTimestamp>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

/// A text that is no RFC 3339 date and time with an offset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 timestamp")]
pub struct BadTimestamp;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// From seconds since the epoch; out of range values become the nearest moment in range.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self(jiff::Timestamp::from_second(seconds).unwrap_or_else(|_| nearest(seconds)))
    }

    /// From milliseconds since the epoch; out of range values become the nearest moment in range.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(jiff::Timestamp::from_millisecond(millis).unwrap_or_else(|_| nearest(millis)))
    }

    /// Whole seconds since the epoch, rounded towards it.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.as_second()
    }

    /// Whole milliseconds since the epoch, rounded towards it.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The UTC day as `(year, month, day)`.
    #[must_use]
    pub fn day(self) -> (i16, i8, i8) {
        let date = self.0.to_zoned(jiff::tz::TimeZone::UTC).date();
        (date.year(), date.month(), date.day())
    }
}

fn nearest(value: i64) -> jiff::Timestamp {
    if value < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX }
}

impl FromStr for Timestamp {
    type Err = BadTimestamp;

    fn from_str(text: &str) -> Result<Self, BadTimestamp> {
        text.parse().map(Self).map_err(|_| BadTimestamp)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.subsec_nanosecond().unsigned_abs();
        match nanos {
            0 => write!(f, "{:.0}", self.0),
            n if n % 1_000_000 == 0 => write!(f, "{:.3}", self.0),
            n if n % 1_000 == 0 => write!(f, "{:.6}", self.0),
            _ => write!(f, "{:.9}", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|BadTimestamp| de::Error::custom(BadTimestamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str) -> String {
        text.parse::<Timestamp>().map_or_else(|e| e.to_string(), |at| at.to_string())
    }

    #[test]
    fn the_fraction_has_as_few_groups_as_hold_it() {
        assert_eq!(spelled("2026-01-02T03:04:05Z"), "2026-01-02T03:04:05Z");
        assert_eq!(spelled("2026-01-02T03:04:05.000Z"), "2026-01-02T03:04:05Z");
        assert_eq!(spelled("2026-01-02T03:04:05.1Z"), "2026-01-02T03:04:05.100Z");
        assert_eq!(spelled("2026-01-02T03:04:05.1234Z"), "2026-01-02T03:04:05.123400Z");
        assert_eq!(spelled("2026-01-02T03:04:05.123456789Z"), "2026-01-02T03:04:05.123456789Z");
    }

    #[test]
    fn offsets_become_utc_and_local_times_are_refused() {
        assert_eq!(spelled("2026-01-02T03:04:05+05:30"), "2026-01-01T21:34:05Z");
        assert_eq!(spelled("2026-01-02T03:04:05"), "not an RFC 3339 timestamp");
        assert_eq!(spelled("yesterday"), "not an RFC 3339 timestamp");
    }

    #[test]
    fn moments_before_the_epoch_keep_their_fraction() {
        assert_eq!(spelled("1969-12-31T23:59:59.250Z"), "1969-12-31T23:59:59.250Z");
    }

    #[test]
    fn out_of_range_numbers_are_the_nearest_moment() {
        assert!(Timestamp::from_seconds(i64::MAX) > Timestamp::from_seconds(0));
        assert!(Timestamp::from_millis(i64::MIN) < Timestamp::EPOCH);
    }

    #[test]
    fn the_day_is_the_utc_day() {
        let at: Timestamp = "2026-01-01T00:30:00+02:00".parse().expect("a valid timestamp");
        assert_eq!(at.day(), (2025, 12, 31));
    }
}
