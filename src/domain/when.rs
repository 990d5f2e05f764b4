//! A time as people say it: `90m`, `1h30m`, `04:20`, `tomorrow 09:00`, `2026-03-05 09:00`.
//!
//! Without a `Z` a clock time is that of the person's own zone; what it came to is always shown before it counts.

use super::time::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use std::time::Duration;

/// The clock of a day that is named without one: when people come to work.
const MORNING: Time = Time::constant(9, 0, 0, 0);
/// Nobody means more by a duration; it also keeps sums from running over.
const LONGEST: Duration = Duration::from_secs(400 * 86_400);

/// A text that names no time to come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhenError {
    /// It says no time at all.
    #[error("{0:?} is no time: write 90m, 2h, 04:20, 04:20Z, tomorrow 09:00 or 2026-01-31 09:00")]
    Unreadable(String),
    /// It says a time that is over.
    #[error("{0} is over already")]
    Over(String),
}

/// Returns the time that the words mean, said at `now` by somebody whose clocks show `zone`.
///
/// # Errors
/// [`WhenError`]; a time that is over is refused, for everything here is about what is to come.
pub fn parse(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, WhenError> {
    let text = text.trim();
    let at = span(text)
        .map(|span| now.plus(span))
        .or_else(|| clock(text, now, zone))
        .or_else(|| day(text, now, zone))
        .or_else(|| Timestamp::parse(text).ok())
        .ok_or_else(|| WhenError::Unreadable(text.chars().take(40).collect()))?;
    if at <= now { Err(WhenError::Over(text.chars().take(40).collect())) } else { Ok(at) }
}

/// Returns how a time is told: by UTC, and by the clock of the person where that differs; with its date unless it is today's.
pub fn told(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let here = zoned(at, zone);
    let utc = zoned(at, &TimeZone::UTC);
    let form = if utc.date() == zoned(now, &TimeZone::UTC).date() { "%H:%MZ" } else { "%m-%d %H:%MZ" };
    let utc_words = utc.strftime(form).to_string();
    if here.offset() == utc.offset() {
        return utc_words;
    }
    let form = if here.date() == utc.date() { "%H:%M here" } else { "%m-%d %H:%M here" };
    format!("{utc_words} ({})", here.strftime(form))
}

/// Reads `90m`, `1h30m`, `2d`; a number without a unit is none.
fn span(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        let unit = match rest.as_bytes().get(digits)? {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            b'w' => 7 * 86_400,
            _ => return None,
        };
        total = total.checked_add(Duration::from_secs(number.checked_mul(unit)?))?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then(|| total.min(LONGEST))
}

/// Reads `04:20` and `04:20Z`: the next time that the clock shows that.
fn clock(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let (time, zone) = match text.strip_suffix(['Z', 'z']) {
        Some(time) => (time, TimeZone::UTC),
        None => (text, zone.clone()),
    };
    let time = hour_minute(time)?;
    let today = zoned(now, &zone).date();
    [today, today.tomorrow().ok()?].into_iter().filter_map(|date| at(date, time, &zone)).find(|at| *at > now)
}

/// Reads `tomorrow 09:00`, `2026-01-31 09:00`, and both without a clock.
fn day(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let (day, time) = text.split_once(' ').unwrap_or((text, ""));
    let today = zoned(now, zone).date();
    let date = match day {
        "today" => today,
        "tomorrow" => today.tomorrow().ok()?,
        date if date.len() == 10 => date.parse::<Date>().ok()?,
        _ => return None,
    };
    let time = if time.trim().is_empty() { MORNING } else { hour_minute(time.trim())? };
    at(date, time, zone)
}

fn hour_minute(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i8>().ok())?;
    if hour.is_empty() || hour.len() > 2 || minute.len() != 2 {
        return None;
    }
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

fn at(date: Date, time: Time, zone: &TimeZone) -> Option<Timestamp> {
    // In the hour that a zone leaves out or shows twice, jiff takes what most calendars take.
    let zoned = date.to_datetime(time).to_zoned(zone.clone()).ok()?;
    Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
}

fn zoned(at: Timestamp, zone: &TimeZone) -> jiff::Zoned {
    // The constructor of our time keeps it well within jiff's range.
    jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default().to_zoned(zone.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz;

    fn now() -> Timestamp {
        Timestamp::parse("2026-03-02T03:20:00Z").unwrap()
    }

    fn berlin() -> TimeZone {
        TimeZone::fixed(tz::offset(1))
    }

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(parse(text, now(), &berlin()).map(|at| at.date_and_second()), Ok(expect.to_owned()), "{text:?}");
    }

    #[test]
    fn durations_count_from_now() {
        check("90m", "2026-03-02 04:50:00Z");
        check("1h30m", "2026-03-02 04:50:00Z");
        check(" 2d ", "2026-03-04 03:20:00Z");
        check("45s", "2026-03-02 03:20:45Z");
    }

    #[test]
    fn a_clock_is_the_next_one_that_shows_it_here() {
        check("05:00", "2026-03-02 04:00:00Z");
        check("04:20", "2026-03-03 03:20:00Z");
        check("4:21", "2026-03-02 03:21:00Z");
        check("04:20Z", "2026-03-02 04:20:00Z");
        check("03:00Z", "2026-03-03 03:00:00Z");
    }

    #[test]
    fn days_are_those_of_the_person() {
        check("tomorrow 09:00", "2026-03-03 08:00:00Z");
        check("tomorrow", "2026-03-03 08:00:00Z");
        check("today 23:30", "2026-03-02 22:30:00Z");
        check("2026-03-05 09:00", "2026-03-05 08:00:00Z");
        check("2026-03-05", "2026-03-05 08:00:00Z");
        check("2026-03-05T09:00:00Z", "2026-03-05 09:00:00Z");
    }

    #[test]
    fn what_is_no_time_or_over_is_refused() {
        for text in
            ["", "soon", "5", "25:00", "4:2", "h", "-1h", "99999999999999999999h", "tomorrow x", "1h 30", "+1:30"]
        {
            assert!(matches!(parse(text, now(), &berlin()), Err(WhenError::Unreadable(_))), "{text:?}");
        }
        for text in ["2026-03-01 09:00", "today 03:00", "0m", "2020-01-01T00:00:00Z"] {
            assert!(matches!(parse(text, now(), &berlin()), Err(WhenError::Over(_))), "{text:?}");
        }
    }

    #[test]
    fn what_it_came_to_is_told_by_both_clocks() {
        let at = |text| Timestamp::parse(text).unwrap();
        assert_eq!(told(at("2026-03-02T04:20:00Z"), now(), &TimeZone::UTC), "04:20Z");
        assert_eq!(told(at("2026-03-02T04:20:00Z"), now(), &berlin()), "04:20Z (05:20 here)");
        assert_eq!(told(at("2026-03-02T23:30:00Z"), now(), &berlin()), "23:30Z (03-03 00:30 here)");
        assert_eq!(told(at("2026-03-05T08:00:00Z"), now(), &TimeZone::UTC), "03-05 08:00Z");
    }
}
