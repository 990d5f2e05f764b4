//! The hub's alerts about itself: they go the way of all alerts, so they page like all alerts.

use crate::domain::event::{Alert, End, Event};
use crate::domain::id::{Number, SourceName};
use crate::domain::label::{IdentityRule, LabelLimits, Labels};
use crate::domain::time::Timestamp;
use crate::store::hub::Audit;
use std::time::Duration;

/// How long an alert of the hub burns after its last cause.
const BURNS: Duration = Duration::from_secs(300);

/// Returns the name under which the hub speaks of itself.
pub fn source() -> SourceName {
    SourceName::parse("nightdesk").expect("a plain word is a name")
}

/// Returns an event that says what the hub could not do, by a name and one more label that tells such alerts apart.
pub fn alert(name: &str, about: (&str, &str), summary: &str, rule: &IdentityRule, now: Timestamp) -> Event {
    of_severity("critical", name, about, summary, rule, now)
}

/// As [`alert`], of what can wait for the morning.
pub fn mild(name: &str, about: (&str, &str), summary: &str, rule: &IdentityRule, now: Timestamp) -> Event {
    of_severity("warning", name, about, summary, rule, now)
}

fn of_severity(
    severity: &str,
    name: &str,
    about: (&str, &str),
    summary: &str,
    rule: &IdentityRule,
    now: Timestamp,
) -> Event {
    // What others said may stand in them, at any length.
    let about = (about.0, cut(about.1, LabelLimits::LABELS.value_bytes_max));
    let summary = cut(summary, LabelLimits::ANNOTATIONS.value_bytes_max);
    let labels = [("alertname", name), ("service", "nightdesk"), ("severity", severity), about];
    let alert = Alert {
        labels: Labels::new(labels, &LabelLimits::LABELS).expect("names of the hub's own labels are valid"),
        annotations: Labels::new([("summary", summary)], &LabelLimits::ANNOTATIONS).expect("one annotation is valid"),
        starts_at: Some(now),
        end: End::Until(now.plus(BURNS)),
        generator_url: String::new(),
    };
    Event::new(source(), alert, rule, now)
}

/// Returns as much of the text as so many bytes hold.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// Incidents that a summary names.
const NAMED_MAX: usize = 10;

/// Returns numbers for a summary: the first, and how many more there are.
fn named(numbers: &[Number]) -> String {
    let names: Vec<_> = numbers.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    let more = numbers.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

/// Returns what waits for triage past its deadline, for people, if anything does.
pub fn untriaged(numbers: &[Number]) -> Option<String> {
    let way = "say it on the incident, or by a [[severity]] rule";
    (!numbers.is_empty()).then(|| format!("nobody has said how bad incidents {} are: {way}", named(numbers)))
}

/// Returns what an audit found, for people, if it found anything.
pub fn late(audit: &Audit) -> Option<String> {
    let mut found = Vec::new();
    if !audit.overdue.is_empty() {
        found.push(format!("the time of incidents {} passed and nothing happened", named(&audit.overdue)));
    }
    if audit.late_pages > 0 {
        found.push(format!("{} pages are due and not sent", audit.late_pages));
    }
    (!found.is_empty()).then(|| format!("{}; see the hub's log", found.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_others_said_fits_into_an_alert() {
        let long = "\u{1f525}".repeat(100_000);
        let event = alert("X", ("upstream", &long), &long, &IdentityRule::default(), Timestamp::default());
        let summary = event.alert.annotations.get("summary").unwrap_or_default();
        assert_eq!((summary.len(), event.alert.labels.get("upstream").map(str::len)), (8192, Some(2048)));
    }

    #[test]
    fn what_is_late_is_named_and_counted() {
        let audit = |overdue: u64, late_pages| Audit {
            overdue: (1..=overdue).map(Number).collect(),
            late_pages,
            ..Audit::default()
        };
        assert_eq!(late(&audit(0, 0)), None);
        assert_eq!(
            late(&audit(12, 3)).as_deref(),
            Some(
                "the time of incidents 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more passed and nothing happened; \
                 3 pages are due and not sent; see the hub's log"
            )
        );
    }
}
