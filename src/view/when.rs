//! Moments, spans, counts and sizes in words.

use crate::session::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A moment to the second: `2026-03-06T10:00:12Z`.
#[must_use]
pub fn iso(at: Timestamp) -> String {
    Timestamp::from_seconds(at.seconds()).to_string()
}

/// The UTC day: `2026-03-06`.
#[must_use]
pub fn day(at: Timestamp) -> String {
    let (year, month, day) = at.day();
    format!("{year:04}-{month:02}-{day:02}")
}

/// How long ago a moment is, in git's words: `3 days ago`.
#[must_use]
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.seconds() - at.seconds();
    let Ok(seconds) = u64::try_from(seconds) else {
        // Clocks differ by a little; more than that is worth to be seen.
        return if seconds > -120 { "just now".to_owned() } else { "in the future".to_owned() };
    };
    // The bounds are those of git's date.c: 90 seconds, 90 minutes, 36 hours, 14 days, 10 weeks, a year.
    let minutes = (seconds + MINUTE / 2) / MINUTE;
    let hours = (minutes + 30) / 60;
    let days = (hours + 12) / 24;
    let told = match () {
        () if seconds < 90 => counted(seconds, "second"),
        () if minutes < 90 => counted(minutes, "minute"),
        () if hours < 36 => counted(hours, "hour"),
        () if days < 14 => counted(days, "day"),
        () if days < 70 => counted((days + 3) / 7, "week"),
        () if days < 365 => counted((days + 15) / 30, "month"),
        () => counted((days + 183) / 365, "year"),
    };
    told + " ago"
}

/// A number of things: `1 file`, `2 files`, `1,234 files`.
#[must_use]
pub fn counted(count: u64, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", number(count))
}

/// A number with its thousands apart: `1,234,567`.
#[must_use]
pub fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut spelled = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            spelled.push(',');
        }
        spelled.push(digit);
    }
    spelled
}

/// A span: `0.3 s`, `12 s`, `2 min 5 s`, `3 h 20 min`, `2 days 4 h`.
#[must_use]
pub fn span(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0..=9 => format!("{}.{} s", seconds, millis % 1000 / 100),
        10..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => two(seconds / MINUTE, "min", seconds % MINUTE, "s"),
        HOUR..DAY => two(seconds / HOUR, "h", seconds % HOUR / MINUTE, "min"),
        _ => {
            let days = seconds / DAY;
            let unit = if days == 1 { "day" } else { "days" };
            two(days, unit, seconds % DAY / HOUR, "h")
        }
    }
}

fn two(big: u64, big_unit: &str, small: u64, small_unit: &str) -> String {
    match small {
        0 => format!("{big} {big_unit}"),
        _ => format!("{big} {big_unit} {small} {small_unit}"),
    }
}

/// A size: `812 bytes`, `1.5 KiB`, `3.2 MiB`, in git's units.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return counted(bytes, "byte");
    }
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1024;
        unit = next;
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_told_in_gits_words() {
        let now = Timestamp::from_seconds(1_000_000_000);
        let told = |seconds: i64| ago(Timestamp::from_seconds(1_000_000_000 - seconds), now);
        assert_eq!(told(0), "0 seconds ago");
        assert_eq!(told(1), "1 second ago");
        assert_eq!(told(89), "89 seconds ago");
        assert_eq!(told(90), "2 minutes ago");
        assert_eq!(told(89 * 60), "89 minutes ago");
        assert_eq!(told(90 * 60), "2 hours ago");
        assert_eq!(told(35 * 3600), "35 hours ago");
        assert_eq!(told(3 * 86_400), "3 days ago");
        assert_eq!(told(20 * 86_400), "3 weeks ago");
        assert_eq!(told(100 * 86_400), "3 months ago");
        assert_eq!(told(800 * 86_400), "2 years ago");
        assert_eq!(told(-10), "just now");
        assert_eq!(told(-1000), "in the future");
    }

    #[test]
    fn moments_are_told_to_the_second_and_to_the_day() {
        let at = "2026-03-06T10:00:12.345Z".parse().expect("a timestamp");
        assert_eq!(iso(at), "2026-03-06T10:00:12Z");
        assert_eq!(day(at), "2026-03-06");
    }

    #[test]
    fn spans_have_one_or_two_units() {
        assert_eq!(span(0), "0.0 s");
        assert_eq!(span(1_250), "1.2 s");
        assert_eq!(span(59_999), "59 s");
        assert_eq!(span(125_000), "2 min 5 s");
        assert_eq!(span(7_200_000), "2 h");
        assert_eq!(span(100 * 3_600_000), "4 days 4 h");
    }

    #[test]
    fn numbers_and_sizes_can_be_read() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(counted(1, "file"), "1 file");
        assert_eq!(counted(0, "file"), "0 files");
        assert_eq!(size(812), "812 bytes");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(u64::MAX), "16777215.9 TiB");
        assert_eq!(size(5 * 1024 * 1024), "5.0 MiB");
    }
}
