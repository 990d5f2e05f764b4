//! Alerts as a Prometheus would post them, made by hand.

use jiff::{Span, Timestamp};
use serde_json::{Map, Value, json};

/// Returns the time so many milliseconds from now.
pub fn in_ms(milliseconds: i64) -> Timestamp {
    Timestamp::now() + Span::new().milliseconds(milliseconds)
}

/// Returns the time so many seconds from now.
pub fn in_seconds(seconds: i64) -> Timestamp {
    in_ms(seconds * 1000)
}

/// Returns an alert that burns for an hour, with this name, severity critical and these further labels.
pub fn firing(name: &str, labels: &[(&str, &str)]) -> Value {
    firing_until(name, labels, in_seconds(3600))
}

/// Returns an alert that burns for an hour, with these further labels and annotations.
pub fn annotated(name: &str, labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Value {
    let mut alert = firing(name, labels);
    for (name, value) in annotations {
        alert["annotations"][*name] = json!(value);
    }
    alert
}

/// Returns an alert that burns until then.
pub fn firing_until(name: &str, labels: &[(&str, &str)], end: Timestamp) -> Value {
    stretch(name, labels, in_seconds(-60), end)
}

/// Returns the same alert, over since now.
pub fn resolved(name: &str, labels: &[(&str, &str)]) -> Value {
    stretch(name, labels, in_seconds(-60), in_seconds(0))
}

/// Returns an alert with this start and end.
pub fn stretch(name: &str, labels: &[(&str, &str)], start: Timestamp, end: Timestamp) -> Value {
    let mut all: Map<String, Value> = labels.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    all.insert("alertname".to_owned(), json!(name));
    all.entry("severity").or_insert(json!("critical"));
    json!({
        "labels": all, "annotations": { "summary": format!("{name} burns") },
        "startsAt": start.to_string(), "endsAt": end.to_string(), "generatorURL": "http://localhost/graph",
    })
}

/// Returns the body of a post.
pub fn body(alerts: &[Value]) -> String {
    Value::Array(alerts.to_vec()).to_string()
}
