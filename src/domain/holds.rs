//! What makes something that burns wait, each time with an end: it is not real yet, its people are not at work, or another problem is
//! known to cause it.

use super::id::{IncidentId, Number};
use super::series::Series;
use super::time::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// Ties that one incident remembers, of either side.
pub const TIES_MAX: usize = 64;
/// The longest that one incident may hold another.
pub const HELD_MAX: Duration = Duration::from_secs(24 * 3600);
/// The longest that a series may burn before it is real.
pub const PENDING_MAX: Duration = Duration::from_secs(24 * 3600);

/// How loud an incident is; louder ones come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// Calls people at once.
    #[default]
    Page,
    /// Calls people in working hours.
    Batch,
    /// Calls nobody; looked at in the retrospective.
    Keep,
}

impl Plan {
    /// Returns whether it is what no rule need say.
    pub fn is_page(&self) -> bool {
        *self == Self::Page
    }

    /// Returns the word of rules, queries and JSON output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Batch => "batch",
            Self::Keep => "keep",
        }
    }
}

/// When people are at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// In whose clocks it is written.
    pub zone: TimeZone,
    /// Days of the week.
    pub days: Vec<Weekday>,
    /// From this time of such a day,
    pub from: Time,
    /// until this one, exclusive. Not later than `from`: until that time of the day after.
    pub to: Time,
    /// Days on which nobody begins to work.
    pub except: BTreeSet<Date>,
}

/// Days that are looked at for the next working hours; a calendar without any in them is taken for always open.
const DAYS_AHEAD: usize = 400;

impl Calendar {
    /// Returns `now` in working hours, else when the next ones begin. A calendar that never opens holds nothing: `now`.
    pub fn next_open(&self, now: Timestamp) -> Timestamp {
        let Ok(here) = jiff::Timestamp::from_millisecond(now.as_millis()) else { return now };
        let today = here.to_zoned(self.zone.clone()).date();
        // Last night's hours may reach into this day.
        let mut day = today.yesterday().unwrap_or(today);
        for _ in 0..DAYS_AHEAD {
            if let Some((from, to)) = self.hours(day)
                && now < to
            {
                return from.max(now);
            }
            let Ok(next) = day.tomorrow() else { return now };
            day = next;
        }
        now
    }

    /// Returns the hours that begin on that day. A time that a zone leaves out in spring is the one after the gap.
    fn hours(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        if !self.days.contains(&day.weekday()) || self.except.contains(&day) {
            return None;
        }
        let last = if self.to <= self.from { day.tomorrow().ok()? } else { day };
        let at = |day: Date, time: Time| -> Option<Timestamp> {
            let zoned = day.to_datetime(time).to_zoned(self.zone.clone()).ok()?;
            Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
        };
        Some((at(day, self.from)?, at(last, self.to)?))
    }

    /// Returns `Mon 09:00 Europe/Berlin`.
    pub fn says(&self, at: Timestamp) -> String {
        let zone = self.zone.iana_name().unwrap_or("local time");
        match jiff::Timestamp::from_millisecond(at.as_millis()) {
            Ok(moment) => format!("{} {zone}", moment.to_zoned(self.zone.clone()).strftime("%a %H:%M")),
            Err(_) => at.date_and_second(),
        }
    }
}

/// Calls are held because another problem is known to cause this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The other one.
    pub by: IncidentId,
    /// What people call it.
    pub number: Number,
    /// When people are called although it still burns.
    pub until: Timestamp,
}

/// What ties a series to others: a key is the name of a dependency and the values of the labels that must be the same, so that equal keys
/// are all there is to compare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ties {
    /// Its incident holds those that lean on one of these.
    pub bears: Vec<String>,
    /// Its incident is held by those that bear one of these, for so long.
    pub leans: BTreeMap<String, Duration>,
}

/// What the rules say of how loud a series is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handling {
    /// How long it must burn to be real; zero: at once.
    pub pending: Duration,
    /// How its incident calls people.
    pub plan: Plan,
    /// The calendar of `batch`; one that is not known is always open.
    pub calendar: Option<String>,
    /// What it holds, and is held by.
    pub ties: Ties,
}

impl Handling {
    /// Takes what the rules say of a further series of the same incident: the louder plan, and all ties.
    pub fn join(&mut self, other: Self) {
        if other.plan < self.plan {
            (self.plan, self.calendar) = (other.plan, other.calendar);
        }
        self.ties.bears.extend(other.ties.bears);
        self.ties.leans.extend(other.ties.leans);
    }
}

/// Says how loud a series is, by its source, labels and annotations alone.
pub trait Handles: fmt::Debug + Send + Sync {
    /// Returns what the rules say of it.
    fn handling(&self, series: &Series) -> Handling;
}

/// Without rules everything is real and pages at once.
#[derive(Debug, Clone, Copy, Default)]
pub struct AtOnce;

impl Handles for AtOnce {
    fn handling(&self, _: &Series) -> Handling {
        Handling::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn berlin(from: i8, to: i8) -> Calendar {
        Calendar {
            zone: TimeZone::get("Europe/Berlin").unwrap(),
            days: vec![Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday],
            from: Time::constant(from, 0, 0, 0),
            to: Time::constant(to, 0, 0, 0),
            except: BTreeSet::from([jiff::civil::date(2026, 12, 25)]),
        }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn working_hours_are_those_of_their_zone_its_summer_and_its_feasts() {
        let office = berlin(9, 17);
        for (now, open) in [
            ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
            ("2026-11-23T05:00:00Z", "2026-11-23T08:00:00Z"),
            ("2026-11-23T16:00:00Z", "2026-11-24T08:00:00Z"),
            ("2026-07-04T10:00:00Z", "2026-07-06T07:00:00Z"),
            // The clocks change in that night.
            ("2026-03-27T20:00:00Z", "2026-03-30T07:00:00Z"),
            ("2026-10-24T20:00:00Z", "2026-10-26T08:00:00Z"),
            ("2026-12-24T20:00:00Z", "2026-12-28T08:00:00Z"),
        ] {
            assert_eq!(office.next_open(at(now)), at(open), "{now}");
        }
        assert_eq!(office.says(at("2026-11-23T08:00:00Z")), "Mon 09:00 Europe/Berlin");
    }

    #[test]
    fn hours_may_reach_over_midnight_and_a_calendar_that_never_opens_holds_nothing() {
        let night = berlin(22, 6);
        assert_eq!(night.next_open(at("2026-11-28T04:00:00Z")), at("2026-11-28T04:00:00Z"), "Friday's night");
        assert_eq!(night.next_open(at("2026-11-28T05:00:00Z")), at("2026-11-30T21:00:00Z"));
        let never = Calendar { days: Vec::new(), ..night };
        assert_eq!(never.next_open(at("2026-11-28T05:00:00Z")), at("2026-11-28T05:00:00Z"));
    }

    proptest! {
        #[test]
        fn what_opens_is_open_and_not_in_the_past(second in 1_700_000_000i64..1_900_000_000, from in 0i8..24, to in 0i8..24) {
            let (calendar, now) = (berlin(from, to), Timestamp::from_millis(second * 1000));
            let open = calendar.next_open(now);
            prop_assert!(open >= now && open <= now.plus(Duration::from_secs(6 * 86_400)));
            prop_assert_eq!(calendar.next_open(open), open);
        }
    }
}
