//! Times of a week as a calendar: days, and hours from and to.

use super::alertmanager::{TimeInterval, Times};
use super::write::{list, text};

const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// Returns the calendar, or in words what of it has no equal.
pub(super) fn calendar(interval: &TimeInterval) -> Result<String, String> {
    let [times] = interval.time_intervals.as_slice() else {
        return Err(format!("it has {} parts, and a calendar is one", interval.time_intervals.len()));
    };
    let Times { times: spans, weekdays, days_of_month, months, years, location } = times;
    if !days_of_month.is_empty() || !months.is_empty() || !years.is_empty() {
        return Err("a calendar knows days of the week, not of the month, months or years".into());
    }
    let (from, to) = match spans.as_slice() {
        [] => ("00:00", "24:00"),
        [span] => (span.start_time.as_str(), span.end_time.as_str()),
        _ => return Err("a calendar has one stretch of hours a day".into()),
    };
    let days = days(weekdays)?;
    let zone = location.as_deref().unwrap_or("UTC");
    Ok(format!(
        "[[calendar]]\nname = {}\nzone = {}\ndays = {}\nfrom = {}\nto = {}\n",
        text(&interval.name),
        text(zone),
        list(&days),
        text(from),
        text(to)
    ))
}

fn days(ranges: &[String]) -> Result<Vec<String>, String> {
    if ranges.is_empty() {
        return Ok(DAYS.map(short).to_vec());
    }
    let mut found = [false; 7];
    for range in ranges {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(format!("{range:?} ends before it begins"));
        }
        found[first..=last].fill(true);
    }
    // The week as people write it.
    let week = (1..7).chain([0]).filter(|day| found[*day]);
    Ok(week.map(|day| short(DAYS[day])).collect())
}

fn number(day: &str) -> Result<usize, String> {
    let wanted = day.trim().to_lowercase();
    let named = DAYS.iter().position(|name| *name == wanted);
    named.or_else(|| wanted.parse().ok().filter(|day| *day < 7)).ok_or_else(|| format!("{day:?} is no day of the week"))
}

fn short(day: &str) -> String {
    day.chars().take(3).collect()
}
