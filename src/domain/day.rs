//! The funnel: what came in on one UTC day from one source, and how little of it reached a person.

use super::id::SourceName;
use super::item::Day;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

const DAY_MS: i64 = 86_400_000;
/// How long a day's counts are kept.
pub const DAYS_KEPT: Duration = Duration::from_secs(400 * 86_400);

/// A UTC day, as the number of days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DayNumber(pub i32);

impl DayNumber {
    /// Returns the day in which that time lies.
    pub fn of(at: Timestamp) -> Self {
        // Timestamps end with the year 9999.
        Self(i32::try_from(at.as_millis().div_euclid(DAY_MS)).unwrap_or(i32::MAX))
    }

    /// Returns when it begins.
    pub fn start(self) -> Timestamp {
        Timestamp::from_millis(i64::from(self.0).saturating_mul(DAY_MS))
    }

    /// Returns the day so many days before.
    pub fn before(self, days: u32) -> Self {
        Self(self.0.saturating_sub(i32::try_from(days).unwrap_or(i32::MAX)))
    }
}

impl fmt::Display for DayNumber {
    /// `2026-01-31`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.start().to_string().get(..10).unwrap_or_default())
    }
}

/// What is counted; each is a part of the one before, as far as one alert is one problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Alerts received: repeats and heartbeats included.
    pub events: u64,
    /// Series that spoke that day.
    pub series: u64,
    /// Series that began to burn that day, each once.
    pub real: u64,
    /// Incidents opened by a series of the source.
    pub incidents: u64,
    /// Pages whose first attempt to be sent was made, of incidents whose first series is of the source.
    pub pages: u64,
}

impl Counts {
    /// Returns whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether more than messages was counted: what is worth telling at once.
    pub fn is_news(&self) -> bool {
        self.series + self.real + self.incidents + self.pages > 0
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.events += more.events;
        self.series += more.series;
        self.real += more.real;
        self.incidents += more.incidents;
        self.pages += more.pages;
    }
}

impl Counts {
    /// Returns what stands in a row.
    pub fn of(row: &Day) -> Self {
        Self { events: row.events, series: row.series, real: row.real, incidents: row.incidents, pages: row.pages }
    }

    /// Returns the row of a day and a source.
    pub fn row(self, day: DayNumber, source: &SourceName) -> Day {
        let Self { events, series, real, incidents, pages } = self;
        Day { date: day.to_string(), source: source.to_string(), events, series, real, incidents, pages }
    }
}

/// A table of the funnel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Funnel {
    /// By day, the newest first, then by source.
    pub rows: Vec<Day>,
    /// All sources of a day together, by date, the newest first.
    pub days: Vec<(String, Counts)>,
    /// All days of a source together, by name.
    pub sources: Vec<(String, Counts)>,
    /// Everything.
    pub total: Counts,
}

/// Returns the funnel of the last `days` days, `today` among them.
pub fn funnel<'a>(all: impl IntoIterator<Item = &'a Day>, today: DayNumber, days: u32) -> Funnel {
    let span = today.before(days.saturating_sub(1)).to_string()..=today.to_string();
    // As they are written, dates sort as they follow each other.
    let mut rows: Vec<Day> = all.into_iter().filter(|row| span.contains(&row.date)).cloned().collect();
    rows.sort_by(|a, b| (&b.date, &a.source).cmp(&(&a.date, &b.source)));
    let (mut by_day, mut by_source) = (BTreeMap::<_, Counts>::new(), BTreeMap::<_, Counts>::new());
    let mut total = Counts::default();
    for row in &rows {
        *by_day.entry(row.date.clone()).or_default() += Counts::of(row);
        *by_source.entry(row.source.clone()).or_default() += Counts::of(row);
        total += Counts::of(row);
    }
    Funnel { rows, days: by_day.into_iter().rev().collect(), sources: by_source.into_iter().collect(), total }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i32, source: &str, events: u64) -> Day {
        let counts = Counts { events, incidents: 1, ..Counts::default() };
        counts.row(DayNumber(number), &SourceName::parse(source).unwrap())
    }

    #[test]
    fn a_day_begins_at_midnight_of_utc() {
        let of = |text| DayNumber::of(Timestamp::parse(text).unwrap());
        assert_eq!(of("2026-03-01T00:00:00Z").to_string(), "2026-03-01");
        assert_eq!(of("2026-02-28T23:59:59.999Z").to_string(), "2026-02-28");
        assert_eq!(of("2026-03-01T00:30:00+01:00").to_string(), "2026-02-28");
        assert_eq!(of("1969-12-31T23:00:00Z"), DayNumber(-1));
    }

    #[test]
    fn a_funnel_sums_days_and_sources_within_its_span() {
        let all = [day(9, "a", 100), day(10, "b", 2), day(11, "a", 3), day(11, "b", 4), day(12, "a", 50)];
        let funnel = funnel(&all, DayNumber(11), 2);
        assert_eq!(
            funnel.rows.iter().map(|row| format!("{}/{}", row.date, row.source)).collect::<Vec<_>>(),
            ["1970-01-12/a", "1970-01-12/b", "1970-01-11/b"]
        );
        let events = |counts: &Counts| (counts.events, counts.incidents);
        assert_eq!(funnel.days.iter().map(|(_, counts)| events(counts)).collect::<Vec<_>>(), [(7, 2), (2, 1)]);
        assert_eq!(funnel.sources.iter().map(|(_, counts)| events(counts)).collect::<Vec<_>>(), [(3, 1), (6, 2)]);
        assert_eq!(events(&funnel.total), (9, 3));
    }
}
