//! The hub's alerts about itself: they go the way of all alerts, so they page like all alerts.

use crate::domain::event::{Alert, End, Event};
use crate::domain::id::SourceName;
use crate::domain::label::{IdentityRule, LabelLimits, Labels};
use crate::domain::time::Timestamp;
use std::time::Duration;

/// How long an alert of the hub burns after its last cause.
const BURNS: Duration = Duration::from_secs(300);

/// Returns the name under which the hub speaks of itself.
pub fn source() -> SourceName {
    SourceName::parse("nightdesk").expect("a plain word is a name")
}

/// Returns an event that says what the hub could not do, by a name and one more label that tells such alerts apart.
pub fn alert(name: &str, about: (&str, &str), summary: &str, rule: &IdentityRule, now: Timestamp) -> Event {
    let labels = [("alertname", name), ("service", "nightdesk"), ("severity", "critical"), about];
    let alert = Alert {
        labels: Labels::new(labels, &LabelLimits::LABELS).expect("names of the hub's own labels are valid"),
        annotations: Labels::new([("summary", summary)], &LabelLimits::ANNOTATIONS).expect("one annotation is valid"),
        starts_at: Some(now),
        end: End::Until(now.plus(BURNS)),
        generator_url: String::new(),
    };
    Event::new(source(), alert, rule, now)
}
