//! What commands print: safe text for people, stable JSON for scripts.

use crate::domain::id::UserName;
use crate::domain::incident::{Author, Incident, Line};
use crate::domain::paging::{Page, PageState};
use crate::domain::series::Series;
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Prints a line; ends quietly when nobody reads any more, as behind `| head`.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::output::write_line(format_args!($($text)*))
    };
}
pub(super) use say;

/// Prints a line of standard output, or ends the process where its reader is gone.
pub fn write_line(text: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    if writeln!(std::io::stdout().lock(), "{text}").is_err() {
        std::process::exit(0);
    }
}

/// Version of the JSON objects; fields are only added.
const SCHEMA: u64 = 1;

/// Returns the JSON object of an incident. `waiting` is how many own operations on it the hub has not confirmed.
pub fn incident(incident: &Incident, waiting: usize) -> Value {
    json!({
        "v": SCHEMA,
        "id": incident.id.to_string(),
        "number": incident.number.0,
        "state": incident.shown().word(),
        "severity": incident.severity.map(|severity| severity.to_string()),
        "priority": incident.severity.map(|severity| format!("P{}", severity.priority())),
        "sev": incident.severity.map(|severity| format!("SEV{}", severity.priority())),
        "team": incident.course.team(),
        "policy": incident.course.policy(),
        "plan": incident.plan.word(),
        "service": incident.service,
        "summary": incident.summary,
        "owner": incident.owner.as_ref().map(UserName::as_str),
        "opened_at": incident.opened_at.to_string(),
        "since": incident.since.to_string(),
        "resolved_at": time(incident.resolved_at),
        "next_due_at": time(incident.next_due_at),
        "overdue": incident.overdue,
        "rev": incident.rev,
        "claim_no": incident.claim_no,
        "level": incident.level,
        "hold": incident.hold.as_ref().map(|hold| json!({
            "by": hold.by,
            "until": hold.until.to_string(),
            "until_change": hold.change.is_some(),
            "reason": hold.wait.as_ref().map(|wait| &wait.reason),
            "ticket": hold.wait.as_ref().map(|wait| &wait.ticket),
        })),
        "held": incident.held.as_ref().map(|held| json!({ "by": held.number.0, "until": held.until.to_string() })),
        "silenced": incident.silenced.as_ref().map(|silenced| json!({
            "until": silenced.until.to_string(),
            "by": silenced.by,
            "who": silenced.who,
            "upstream": silenced.upstream,
        })),
        "offer": incident.offer.as_ref().map(|offer| json!({ "to": offer.to, "until": offer.expires_at.to_string() })),
        "assigned": incident.assigned.as_ref().map(|assigned| &assigned.to),
        "merged_into": incident.merged_into.map(|into| into.to_string()),
        "series": { "firing": incident.tally.firing, "unknown": incident.tally.unknown, "over": incident.tally.over, "total": incident.tally.total() },
        "sync": if waiting > 0 { "waiting" } else { "confirmed" },
    })
}

/// Returns the JSON object of a series.
pub fn series(series: &Series) -> Value {
    let episodes: Vec<Value> = series
        .episodes
        .iter()
        .map(|episode| json!({ "started_at": episode.started_at.to_string(), "ended_at": time(episode.ended_at), "ended_by": episode.ended_by }))
        .collect();
    json!({
        "fingerprint": series.fingerprint.to_hex(),
        "alertmanager_fingerprint": series.alertmanager_fingerprint.to_string(),
        "source": series.source,
        "state": series.state,
        "severity": series.severity.map(|severity| severity.to_string()),
        "labels": series.labels,
        "annotations": series.annotations,
        "generator_url": series.generator_url,
        "value": series.value,
        "flaps": series.flaps,
        "deliveries": series.deliveries,
        "first_seen": series.first_seen.to_string(),
        "last_seen": series.last_seen.to_string(),
        "ends_at": time(series.ends_at),
        "episodes": episodes,
    })
}

/// Returns the JSON object of a page.
pub fn page(page: &Page) -> Value {
    let (state, because) = page_state(&page.state);
    json!({
        "id": page.id,
        "person": page.person,
        "channel": page.channel,
        "why": page.why,
        "state": state,
        "because": because,
        "attempts": page.attempts,
        "queued_at": page.queued_at.to_string(),
        "delivered_at": time(page.delivered_at),
        "seen_at": time(page.seen_at),
        "acknowledged_at": time(page.acknowledged_at),
    })
}

fn page_state(state: &PageState) -> (&'static str, Option<&str>) {
    match state {
        PageState::Queued => ("queued", None),
        PageState::Sending => ("sending", None),
        PageState::Sent => ("sent", None),
        PageState::Failed(because) => ("failed", Some(because)),
        PageState::Skipped(because) => ("skipped", Some(because)),
    }
}

/// Returns a page as one line: who was called by what, and how far that came.
pub fn called(page: &Page) -> String {
    let (state, because) = page_state(&page.state);
    let because = because.map_or(String::new(), |because| format!(": {}", text(because)));
    let attempts = if page.attempts > 1 { format!(" ({} attempts)", page.attempts) } else { String::new() };
    let marks = [("delivered", page.delivered_at), ("seen", page.seen_at), ("answered", page.acknowledged_at)];
    let marks = marks.into_iter().filter_map(|(word, at)| Some(format!(", {word} {}Z", at?.hour_minute())));
    let marks: String = marks.collect();
    let at = page.queued_at.date_and_second();
    format!("{at} {} by {}: {state}{attempts}{because}{marks}", page.person, text(&page.channel))
}

/// Returns the JSON object of a line of the timeline.
pub fn line(line: &Line) -> Value {
    json!({ "at": line.at.to_string(), "by": author(&line.author), "told": line.told, "text": line.text })
}

/// Returns who wrote a line.
pub fn author(author: &Author) -> String {
    match author {
        Author::Hub => "hub".to_owned(),
        Author::Source(source) => source.to_string(),
        Author::User(user) => user.to_string(),
    }
}

fn time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| Value::String(at.to_string()))
}

/// Returns the value as one line of ASCII JSON: the same data, and no byte that a terminal obeys.
pub fn json_line(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        // Beyond ASCII, and DEL, stand only inside of texts, where an escape means the same.
        if character.is_ascii() && character != '\x7f' {
            line.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            let _ = write!(line, "\\u{unit:04x}");
        }
    }
    line
}

/// Returns outside text for a cell of a table.
pub fn cell(raw: &str, cells: usize) -> String {
    SafeText::line(raw, 400).padded(cells).to_string()
}

/// Returns outside text for the end of a line.
pub fn text(raw: &str) -> String {
    SafeText::line(raw, 400).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_the_data_and_no_byte_that_a_terminal_obeys() {
        let hostile = "a\u{1b}[2J\u{9b}31m\u{7f}\u{202e}😀ü";
        let line = json_line(&json!({ "text": hostile }));
        assert!(line.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{line}");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["text"], hostile);
    }
}
