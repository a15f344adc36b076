//! Days and months, as the ledger's paths spell them.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::session::Timestamp;

/// A UTC day from 1970-01-01 to 9999-12-31, printed `YYYY-MM-DD`.
///
/// Earlier and later moments count as the first and the last day: a log with a broken clock must not make a path
/// that no reader follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

/// A text that is not a day, `YYYY-MM-DD`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a day as YYYY-MM-DD between 1970 and 9999: {0:?}")]
pub struct BadDay(String);

const FIRST: Date = Date::constant(1970, 1, 1);
const LAST: Date = Date::constant(9999, 12, 31);

impl Day {
    /// The UTC day of a moment.
    pub fn of(at: Timestamp) -> Self {
        let (year, month, day) = at.day();
        let nearest = if year < FIRST.year() { FIRST } else { LAST };
        Self(Date::new(year, month, day).unwrap_or(nearest).clamp(FIRST, LAST))
    }

    /// From the three numbers, if there is such a day.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let date = Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        (FIRST..=LAST).contains(&date).then_some(Self(date))
    }

    /// The year.
    pub fn year(self) -> u16 {
        self.0.year().unsigned_abs()
    }

    /// The month of the year, from 1.
    pub fn month(self) -> u8 {
        self.0.month().unsigned_abs()
    }

    /// The day of the month, from 1.
    pub fn day(self) -> u8 {
        self.0.day().unsigned_abs()
    }

    /// The path parts `YYYY/MM/DD`.
    pub(super) fn path(self) -> String {
        format!("{:04}/{:02}/{:02}", self.year(), self.month(), self.day())
    }

    /// Eight digits, `YYYYMMDD`.
    pub(super) fn digits(self) -> String {
        format!("{:04}{:02}{:02}", self.year(), self.month(), self.day())
    }

    /// Reads [`Day::digits`].
    pub(super) fn from_digits(text: &[u8]) -> Option<Self> {
        let (year, rest) = text.split_at_checked(4)?;
        let (month, day) = rest.split_at_checked(2)?;
        Self::from_parts(year, month, day)
    }

    /// Reads the three parts of [`Day::path`].
    pub(super) fn from_parts(year: &[u8], month: &[u8], day: &[u8]) -> Option<Self> {
        let (year, month, day) = (padded(year, 4)?, padded(month, 2)?, padded(day, 2)?);
        Self::new(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
    }
}

/// A number of exactly `digits` decimal digits.
pub(super) fn padded(text: &[u8], digits: usize) -> Option<u16> {
    (text.len() == digits && text.iter().all(u8::is_ascii_digit)).then_some(())?;
    str::from_utf8(text).ok()?.parse().ok()
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year(), self.month(), self.day())
    }
}

impl FromStr for Day {
    type Err = BadDay;

    fn from_str(text: &str) -> Result<Self, BadDay> {
        let mut parts = text.splitn(3, '-').map(str::as_bytes);
        let mut part = || parts.next().unwrap_or_default();
        Self::from_parts(part(), part(), part()).ok_or_else(|| BadDay(text.to_owned()))
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        (self.year(), self.month(), self.day()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            let (year, month, day) = Deserialize::deserialize(deserializer)?;
            return Self::new(year, month, day).ok_or_else(|| de::Error::custom("not a day between 1970 and 9999"));
        }
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A month from 1970-01 to 9999-12, printed `YYYY-MM`: where the links of a commit lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: u16,
    month: u8,
}

impl Month {
    /// The UTC month of a commit's committer date, in seconds since the epoch.
    pub fn of_commit(seconds: i64) -> Self {
        Self::of(Day::of(Timestamp::from_seconds(seconds)))
    }

    /// The month of a day.
    pub fn of(day: Day) -> Self {
        Self { year: day.year(), month: day.month() }
    }

    /// Reads `YYYY-MM`.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (year, rest) = text.split_at_checked(4)?;
        Day::from_parts(year, rest.strip_prefix(b"-")?, b"01").map(Self::of)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_day_reads_what_it_prints_and_nothing_else() {
        for text in ["1970-01-01", "2024-02-29", "9999-12-31"] {
            assert_eq!(text.parse::<Day>().map(|day| day.to_string()).as_deref(), Ok(text));
        }
        for wrong in
            ["", "2026-1-01", "2026-01-1", "2026-02-29", "1969-12-31", "2026-01-01Z", "+026-01-01", "2026-01-01-"]
        {
            assert!(wrong.parse::<Day>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn moments_out_of_range_count_as_the_first_and_the_last_day() {
        assert_eq!(Day::of(Timestamp::from_seconds(i64::MIN)).to_string(), "1970-01-01");
        assert_eq!(Day::of(Timestamp::from_seconds(i64::MAX)).to_string(), "9999-12-30");
        assert_eq!(Month::of_commit(-1).to_string(), "1970-01");
    }

    proptest! {
        #[test]
        fn every_spelling_of_a_day_reads_back(seconds in 0_i64..253_402_300_799) {
            let day = Day::of(Timestamp::from_seconds(seconds));
            prop_assert_eq!(day.to_string().parse(), Ok(day));
            prop_assert_eq!(Day::from_digits(day.digits().as_bytes()), Some(day));
            let path = day.path();
            let parts: Vec<_> = path.split('/').map(str::as_bytes).collect();
            prop_assert_eq!(Day::from_parts(parts[0], parts[1], parts[2]), Some(day));
            let month = Month::of(day);
            prop_assert_eq!(Month::parse(month.to_string().as_bytes()), Some(month));
        }

        #[test]
        fn no_bytes_make_a_day_that_prints_otherwise(text in "[0-9+-]{6,10}") {
            if let Some(day) = Day::from_digits(text.as_bytes()) {
                prop_assert_eq!(day.digits(), text.clone());
            }
            if let Some(month) = Month::parse(text.as_bytes()) {
                prop_assert_eq!(month.to_string(), text);
            }
        }
    }
}
