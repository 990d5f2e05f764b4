//! The words that say how things stand: used in more than one place, so they are made in one.

use super::super::order::state_word;
use super::super::state::State;
use super::super::theme::Role;
use crate::domain::incident::{Hold, Incident, Life, Shown};
use crate::domain::op::Act;
use crate::domain::severity::Severity;
use crate::domain::time::Timestamp;
use crate::sync::foresight;
use crate::sync::picture::{Link, Row};
use jiff::tz::TimeZone;

/// Returns `S3`, or `S?` for what nobody has examined.
pub(crate) fn severity(severity: Option<Severity>) -> String {
    severity.map_or("S?".to_owned(), |severity| severity.to_string())
}

/// Returns `03:16Z`.
pub(super) fn clock(at: Timestamp) -> String {
    format!("{}Z", at.hour_minute())
}

/// Returns how the picture stands to the hub's. OFFLINE and STALE always win over DEMO.
pub(super) fn link(state: &State) -> (String, Role) {
    let as_of = state.picture.as_of;
    match &state.picture.link {
        Link::Connecting => ("CONNECTING".into(), Role::Connecting),
        Link::Live if state.picture.demo => ("DEMO".into(), Role::Demo),
        Link::Live => ("LIVE".into(), Role::Live),
        Link::Stale { since } => (format!("STALE AS OF {}", clock(as_of.unwrap_or(*since))), Role::Stale),
        Link::Offline { since, .. } => (format!("OFFLINE since {}", clock(*since)), Role::Offline),
    }
}

/// Returns the same in one word.
pub(super) fn link_short(state: &State) -> &'static str {
    match &state.picture.link {
        Link::Connecting => "CONNECTING",
        Link::Live if state.picture.demo => "DEMO",
        Link::Live => "LIVE",
        Link::Stale { .. } => "STALE",
        Link::Offline { .. } => "OFFLINE",
    }
}

/// Returns the state of a row for the STAT column: `NEW`, `NEW!` when overdue, `NEW>ack` while an own ack waits, and `?` behind what only
/// this machine knows.
pub(super) fn state(row: &Row, live: bool) -> (String, Role) {
    let shown = row.incident.shown();
    let overdue = if row.incident.overdue { "!" } else { "" };
    match asked(row) {
        None => {
            let role =
                if row.incident.overdue && shown == Shown::New { Role::StateOverdue } else { Role::shown(shown) };
            let held = if shown == Shown::Unknown { kept_while_unknown(&row.incident) } else { "" };
            (format!("{}{held}{overdue}", state_word(shown)), role)
        }
        Some(asked) => {
            let unsure = if live { "" } else { "?" };
            (format!("{}>{asked}{overdue}{unsure}", state_word(shown)), Role::StatePending)
        }
    }
}

/// Returns why the hub calls nobody about it now: another problem holds it, or its plan; `None` where it calls, or somebody has it.
pub(crate) fn quiet(incident: &Incident) -> Option<String> {
    if incident.life != Life::Triggered {
        return None;
    }
    match &incident.held {
        Some(held) => Some(format!("held by {} until {}", held.number, clock(held.until))),
        None => (!incident.quiet.is_empty()).then(|| incident.quiet.clone()),
    }
}

/// Returns what a silent source does not change: somebody has it, or it is quiet until a time.
fn kept_while_unknown(incident: &Incident) -> &'static str {
    match (incident.life, &incident.hold) {
        (Life::Acked, Some(Hold { wait: Some(_), .. })) => "/WAI",
        (Life::Acked, Some(_)) => "/SNZ",
        (Life::Acked, None) => "/ACK",
        (Life::Triggered | Life::Resolved, _) => "",
    }
}

/// Returns what the latest own operation that waits would make of the row; lower case, so that it never reads as being so.
fn asked(row: &Row) -> Option<&'static str> {
    row.waiting.iter().rev().find_map(|waiting| match &waiting.act {
        Act::Ack | Act::TakeOver | Act::Accept { .. } => Some("ack"),
        Act::Unack | Act::Reopen => Some("new"),
        Act::Snooze { .. } => Some("snz"),
        Act::Wait { .. } => Some("wai"),
        Act::Resolve { .. } => Some("res"),
        Act::Escalate { .. } => Some("esc"),
        Act::Offer { .. } | Act::Decline { .. } | Act::Assign { .. } => Some("giv"),
        Act::SetSeverity { .. } => Some("sev"),
        Act::Merge { .. } => Some("mrg"),
        Act::Split { .. } => Some("spl"),
        Act::Undo { .. } => Some("und"),
        Act::Seen | Act::Note { .. } | Act::Unknown { .. } => None,
        Act::Read { .. } | Act::Tick { .. } | Act::Remark { .. } => None,
    })
}

/// Returns when something comes next by itself: a call, the end of a snooze or of the flap window.
pub(super) fn next(state: &State, incident: &Incident) -> (String, Role) {
    let calls = foresight::next_call(incident).map(|_| (incident.step_due_at, Role::StateNew));
    let silenced = || incident.silenced.as_ref().map(|silenced| silenced.until);
    let quiet = || incident.hold.as_ref().map(|hold| hold.until).or(incident.recovering_until).or_else(silenced);
    let next = calls.or_else(|| quiet().map(|at| (at, Role::Dim)));
    next.map_or_else(|| ("-".to_owned(), Role::Dim), |(at, role)| (since(state, at), role))
}

/// Returns who has it: `you` for the person who looks, `>you` where nobody has it and the person is called.
pub(super) fn owner(state: &State, incident: &Incident) -> (String, Role) {
    match &incident.owner {
        None if state.overview.is_called(incident.id) => (">you".into(), Role::Me),
        None => ("-".into(), Role::Dim),
        Some(owner) if *owner == state.picture.user => ("you".into(), Role::Me),
        Some(owner) => (owner.to_string(), Role::Other),
    }
}

/// Returns a moment in the zone that the screen shows, by this format, with the `Z` of UTC behind it.
fn shown(state: &State, at: Timestamp, format: &str) -> String {
    if state.shape.local { in_zone(state, at, format) } else { format!("{}Z", in_utc(at, format)) }
}

fn in_utc(at: Timestamp, format: &str) -> String {
    zoned(at, TimeZone::UTC, format)
}

fn in_zone(state: &State, at: Timestamp, format: &str) -> String {
    zoned(at, state.zone.clone(), format)
}

fn zoned(at: Timestamp, zone: TimeZone, format: &str) -> String {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    at.to_zoned(zone).strftime(format).to_string()
}

/// Returns `03:16Z`; `04:16` where the screen shows local times.
pub(super) fn minute(state: &State, at: Timestamp) -> String {
    shown(state, at, "%H:%M")
}

/// Returns `03:16:02Z`.
pub(super) fn second(state: &State, at: Timestamp) -> String {
    shown(state, at, "%H:%M:%S")
}

/// Returns `12-31 03:16Z`.
pub(super) fn stamp(state: &State, at: Timestamp) -> String {
    shown(state, at, "%m-%d %H:%M")
}

/// Returns `2026-12-31`.
pub(super) fn day(state: &State, at: Timestamp) -> String {
    let zone = if state.shape.local { state.zone.clone() } else { TimeZone::UTC };
    zoned(at, zone, "%Y-%m-%d")
}

/// Returns the time, with its date where that is another than of `beside`.
pub(super) fn moment(state: &State, at: Timestamp, beside: Timestamp) -> String {
    if day(state, at) == day(state, beside) { minute(state, at) } else { stamp(state, at) }
}

/// Returns the same in five cells: `03:16`, or `12-31` where that is another day.
pub(super) fn moment_short(state: &State, at: Timestamp, beside: Timestamp) -> String {
    let format = if day(state, at) == day(state, beside) { "%H:%M" } else { "%m-%d" };
    shown(state, at, format).trim_end_matches('Z').to_owned()
}

/// Returns `12-31 03:16Z (04:16 here)`; the part in brackets only where this machine's clocks show another time.
pub(super) fn both_clocks(state: &State, at: Timestamp) -> String {
    let (utc, here) = (in_utc(at, "%m-%d %H:%M"), in_zone(state, at, "%m-%d %H:%M"));
    match (utc == here, utc[..5] == here[..5]) {
        (true, _) => format!("{utc}Z"),
        (false, true) => format!("{utc}Z ({} here)", &here[6..]),
        (false, false) => format!("{utc}Z ({here} here)"),
    }
}

/// Returns a length of time in a word or two: `37 min`, `5 h 20 min`.
pub(super) fn span(span: std::time::Duration) -> String {
    let minutes = span.as_secs().div_ceil(60);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours @ 48.., _) => format!("{} d {} h", hours / 24, hours % 24),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// Returns since when, for a narrow column: the time, or the date once that is a day and more before the picture's.
pub(super) fn since(state: &State, at: Timestamp) -> String {
    let day = std::time::Duration::from_secs(86_400);
    let format = match state.picture.as_of {
        Some(as_of) if as_of.since(at) >= day => "%m-%d",
        _ => "%H:%M",
    };
    shown(state, at, format).trim_end_matches('Z').to_owned()
}

/// Returns, while the hub's word is old, that the owner *had* it, and when that was known; nothing while it is new.
pub(super) fn had(state: &State, incident: &Incident) -> String {
    match state.picture.as_of {
        Some(at) if !state.is_live() && incident.owner.is_some() => format!(" had it at {}", clock(at)),
        _ => String::new(),
    }
}

/// Returns an act in a few words.
pub(super) fn act(act: &Act) -> String {
    match act {
        Act::Note { text } => format!("note \"{text}\""),
        Act::Snooze { until, until_change: false } => format!("snooze until {}", clock(*until)),
        Act::Snooze { until, until_change: true } => format!("snooze until {} or a change", clock(*until)),
        Act::Wait { reason, until, .. } => format!("wait for {reason} until {}", &until.date_and_second()[5..16]),
        Act::Escalate { to: Some(person), .. } => format!("escalate to {person}"),
        Act::Offer { to, .. } => format!("offer to {to}"),
        Act::Assign { to } => format!("assign to {to}"),
        Act::SetSeverity { to } => format!("severity {to}"),
        Act::Resolve { force: true } => "resolve by force".to_owned(),
        Act::TakeOver => "take over".to_owned(),
        Act::Read { runbook, revision } => format!("read {runbook} {}", revision.short()),
        Act::Tick { text, done: true, .. } => format!("tick \"{text}\""),
        Act::Tick { text, done: false, .. } => format!("untick \"{text}\""),
        Act::Remark { runbook, line, .. } => format!("remark on {runbook}:{line}"),
        Act::Undo { kind, .. } => format!("undo {}", kind.word()),
        other => other.kind().to_owned(),
    }
}

/// Returns what goes on as long as the act is not confirmed; empty where nothing does.
pub(super) fn meanwhile(incident: &Incident, act: &Act) -> String {
    let call = foresight::next_call(incident);
    match act {
        Act::Ack
        | Act::TakeOver
        | Act::Accept { .. }
        | Act::Snooze { .. }
        | Act::Wait { .. }
        | Act::Resolve { .. }
        | Act::Merge { .. } => call.map_or(String::new(), |call| format!("not confirmed: {call} may still fire")),
        Act::Escalate { .. } | Act::Assign { .. } => "not confirmed: nobody is called by it yet".to_owned(),
        Act::Offer { to, .. } => format!("not confirmed: {to} does not know yet, and it stays yours"),
        Act::Decline { .. } => "not confirmed: its owner does not know yet".to_owned(),
        Act::Unack | Act::Reopen | Act::Undo { .. } | Act::Split { .. } | Act::SetSeverity { .. } => {
            "not confirmed: for others nothing has changed yet".to_owned()
        }
        Act::Note { .. } | Act::Seen | Act::Unknown { .. } => String::new(),
        Act::Read { .. } | Act::Tick { .. } | Act::Remark { .. } => String::new(),
    }
}
