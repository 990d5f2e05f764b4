//! Working hours: days of a week, from and to, in a zone, with exceptions.

use crate::domain::time::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan as _};
use std::collections::BTreeSet;

/// How far ahead the next working hours are looked for: a calendar of nothing but exceptions has none.
const DAYS_AHEAD: i64 = 400;

/// The days of the week, as they are written.
pub(super) const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// Working hours.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    /// What rules call it.
    pub name: String,
    /// By whose clocks.
    pub zone: TimeZone,
    /// On which days of the week.
    pub days: Vec<Weekday>,
    /// From.
    pub from: Time,
    /// To; `None` is the end of the day.
    pub to: Option<Time>,
    /// Days on which nobody works.
    pub except: BTreeSet<Date>,
}

impl Calendar {
    /// Returns whether people work at that moment.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let Some(zoned) = self.zoned(at) else { return true };
        self.works_on(zoned.date()) && zoned.time() >= self.from && self.to.is_none_or(|to| zoned.time() < to)
    }

    /// Returns when people work next: `at` itself when they work then. `None` where they never do within a year and a month: who asks must
    /// not wait for that.
    pub fn next_open(&self, at: Timestamp) -> Option<Timestamp> {
        if self.is_open(at) {
            return Some(at);
        }
        let today = self.zoned(at)?.date();
        (0..=DAYS_AHEAD)
            .filter_map(|days| today.checked_add(days.days()).ok())
            .filter(|day| self.works_on(*day))
            .filter_map(|day| self.begins(day))
            .find(|begins| *begins > at)
    }

    fn works_on(&self, day: Date) -> bool {
        self.days.contains(&day.weekday()) && !self.except.contains(&day)
    }

    /// Returns when the working hours of a day begin; where clocks jump over that time, when they have jumped.
    fn begins(&self, day: Date) -> Option<Timestamp> {
        let zoned = day.to_datetime(self.from).to_zoned(self.zone.clone()).ok()?;
        Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
    }

    fn zoned(&self, at: Timestamp) -> Option<jiff::Zoned> {
        let since = SignedDuration::from_millis(at.as_millis());
        Some(jiff::Timestamp::from_duration(since).ok()?.to_zoned(self.zone.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn office() -> Calendar {
        Calendar {
            name: "office".into(),
            zone: TimeZone::get("Europe/Berlin").unwrap(),
            days: DAYS[..5].iter().map(|(_, day)| *day).collect(),
            from: Time::constant(9, 0, 0, 0),
            to: Some(Time::constant(17, 0, 0, 0)),
            except: [Date::constant(2026, 12, 25)].into(),
        }
    }

    #[track_caller]
    fn check(at: &str, next: &str) {
        let at = Timestamp::parse(at).unwrap();
        assert_eq!(office().next_open(at), Timestamp::parse(next).ok());
        assert_eq!(office().is_open(at), office().next_open(at) == Some(at));
    }

    #[test]
    fn the_next_hours_are_found_over_nights_weekends_exceptions_and_the_change_of_clocks() {
        check("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z");
        check("2026-11-23T07:59:59Z", "2026-11-23T08:00:00Z");
        check("2026-11-23T16:00:00Z", "2026-11-24T08:00:00Z");
        check("2026-11-27T20:00:00Z", "2026-11-30T08:00:00Z");
        check("2026-12-24T18:00:00Z", "2026-12-28T08:00:00Z");
        // Summer time begins on Sunday, 2026-03-29: nine o'clock is an hour earlier by UTC.
        check("2026-03-27T18:00:00Z", "2026-03-30T07:00:00Z");
        // It ends on Sunday, 2026-10-25.
        check("2026-10-23T18:00:00Z", "2026-10-26T08:00:00Z");
    }

    #[test]
    fn who_never_works_is_not_waited_for() {
        let never = Calendar { days: Vec::new(), ..office() };
        assert_eq!(never.next_open(Timestamp::from_millis(0)), None);
        let always = Calendar { to: None, from: Time::MIN, days: DAYS.map(|(_, day)| day).to_vec(), ..office() };
        assert!(always.is_open(Timestamp::parse("2026-11-28T23:30:00Z").unwrap()));
    }
}
