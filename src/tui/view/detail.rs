//! One incident whole: what it is, its series, its timeline.

use super::super::action::Action;
use super::super::layout::Layout;
use super::super::state::{Focus, State};
use super::super::theme::Role;
use super::paint::{Canvas, Line, wrap};
use super::words;
use crate::domain::grouping;
use crate::domain::id::UserName;
use crate::domain::incident::{self, Author, Life, Told};
use crate::domain::series::{EndedBy, Episode, Series, SeriesState};
use crate::domain::time::Timestamp;
use crate::sync::picture::{Detail, Row, Said, Waiting};
use ratatui::layout::Rect;

/// Episodes shown of a series, newest first.
const EPISODES: usize = 3;
/// Lines that one text of the timeline may take.
const TEXT_LINES_MAX: usize = 40;
/// Characters of one text that are looked at.
const TEXT_CHARS_MAX: usize = 4000;

/// Draws the pane with its border.
pub(super) fn draw(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    if let Some(border) = layout.border {
        self::border(state, border, canvas);
    }
    if let Some(area) = layout.detail {
        let text = text_area(area);
        canvas.lines(text, &lines(state, text.width.into()), state.detail_scroll);
    }
}

/// Returns the part of the pane that holds text: a blank column at each side.
pub(super) fn text_area(area: Rect) -> Rect {
    Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area }
}

fn border(state: &State, area: Rect, canvas: &mut Canvas<'_>) {
    let role = if state.focus == Focus::Detail { Role::BorderFocus } else { Role::Border };
    if area.width == 1 {
        for place in area.rows() {
            canvas.line(place, &Line::of(role, "|"));
        }
        return;
    }
    let title = state.row().map_or(String::new(), |row| format!(" {} {} ", row.incident.number, row.incident.service));
    let left = Line::of(role, "--").with(Role::Title, &title);
    let key = |action| {
        let keys = state.keymap.keys_of(action, state.pane_contexts());
        keys.first().map_or(String::new(), |binding| format!(" {}={} ", binding.label(), action.short()))
    };
    let hint = Line::of(role, &format!("{}{}--", key(Action::DetailOpen), key(Action::PaneNext)));
    let room = usize::from(area.width).saturating_sub(left.width() + hint.width());
    canvas.line(area, &left.with(role, &"-".repeat(room)).then(hint));
}

/// Returns all lines of the detail of the selected incident.
pub(super) fn lines(state: &State, width: usize) -> Vec<Line> {
    let Some(row) = state.row() else { return vec![Line::of(Role::Dim, "no incident is selected")] };
    let mut lines = head(state, row, width);
    match state.picture.detail.as_deref().filter(|detail| detail.incident == row.incident.id) {
        None => lines.push(Line::of(Role::Dim, "reading series and timeline ...")),
        Some(detail) => {
            lines.extend(all_series(row, detail, width));
            lines.extend(timeline(detail, width));
        }
    }
    lines
}

fn head(state: &State, row: &Row, width: usize) -> Vec<Line> {
    let incident = &row.incident;
    let (stat, stat_role) = words::state(row, state.is_live());
    let (owner, owner_role) = words::owner(state, incident);
    let mut lines = vec![
        Line::of(Role::Title, &format!("{} ", incident.number))
            .with(Role::severity(incident.severity), &words::severity(incident.severity))
            .with(Role::Text, " ")
            .with(stat_role, &stat)
            .with(Role::Text, &format!(" since {}", incident.since.date_and_second())),
    ];
    lines.extend(text(Role::Title, "", &incident.summary, width));
    let service = if incident.service.is_empty() { "unsaid" } else { &incident.service };
    lines.push(
        pair("service", service)
            .with(Role::Dim, "  owner ")
            .with(owner_role, &owner)
            .with(Role::Stale, &words::had(state, incident)),
    );
    let tally = incident.tally;
    lines.push(pair("series", &format!("{} firing, {} unknown, {} over", tally.firing, tally.unknown, tally.over)));
    if incident.overdue {
        lines.push(Line::of(Role::StateOverdue, "OVERDUE: every level was called, and nobody took it"));
    }
    lines.extend(standing(state, incident, width));
    lines.extend(row.waiting.iter().flat_map(|waiting| asked(state, incident, waiting, width)));
    lines.extend(row.said.iter().flat_map(|said| heard(said, width)));
    lines.push(pair("opened", &minute(incident.opened_at)).with(Role::Text, "  ").then(due(incident)));
    lines
}

fn pair(name: &str, value: &str) -> Line {
    Line::of(Role::Dim, &format!("{name} ")).with(Role::Text, value)
}

/// Says what stands beside the state: a hold, an offer, a person who was asked, levels called on.
fn standing(state: &State, incident: &incident::Incident, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let person = |user: &UserName| if *user == state.picture.user { "you".to_owned() } else { user.to_string() };
    if let Some(hold) = &incident.hold {
        let by = person(&hold.by);
        let words = match &hold.wait {
            Some(wait) if wait.ticket.is_empty() => {
                format!("waits for {}, until {} ({by})", wait.reason, minute(hold.until))
            }
            Some(wait) => format!("waits for {} ({}), until {} ({by})", wait.reason, wait.ticket, minute(hold.until)),
            None if hold.change.is_some() => {
                format!("snoozed until {}, or until it gets worse ({by})", minute(hold.until))
            }
            None => format!("snoozed until {} ({by})", minute(hold.until)),
        };
        lines.extend(text(Role::Text, "", &words, width));
    }
    if let Some(offer) = &incident.offer {
        lines.push(pair("offered to", &format!("{} until {}", person(&offer.to), minute(offer.expires_at))));
    }
    if let Some(assigned) = &incident.assigned {
        lines.push(pair("asked to take it", &person(&assigned.to)));
    }
    if incident.escalating && incident.owner.is_some() {
        lines.push(Line::of(Role::StateNew, "levels are called on although somebody has it"));
    }
    lines
}

/// Says what was asked for, how far it is, and what goes on until the hub has confirmed it.
fn asked(state: &State, incident: &incident::Incident, waiting: &Waiting, width: usize) -> Vec<Line> {
    let sent = if state.is_live() { "waits for the hub" } else { "saved here only, NOT sent" };
    let when = words::clock(waiting.created_at);
    let what = format!("you asked {when}: {} ({sent})", words::act(&waiting.act));
    let mut lines = text(Role::StatePending, "", &what, width);
    lines.extend(text(Role::BannerProblem, "  ", &words::meanwhile(incident, &waiting.act), width));
    lines
}

/// Tells what another says by way of a peer: apart from what is confirmed, and never as if it were.
fn heard(said: &Said, width: usize) -> Vec<Line> {
    let when = words::clock(said.created_at);
    let what = format!("{} says (via peer): {} {when} | hub not asked", said.actor, words::act(&said.act));
    text(Role::Other, "", &what, width)
}

fn due(incident: &incident::Incident) -> Line {
    match (incident.life, incident.next_due_at, incident.recovering_until) {
        (Life::Resolved, ..) => pair("resolved", &minute(incident.resolved_at.unwrap_or(incident.since))),
        (_, _, Some(until)) => pair("resolved at", &format!("{} unless it fires again", minute(until))),
        (_, Some(due), None) => pair("next due", &minute(due)),
        (_, None, None) => pair("next due", "never"),
    }
}

fn rule(title: &str, width: usize) -> Line {
    let line = Line::of(Role::Border, "-- ").with(Role::Title, title).with(Role::Border, " ");
    let room = width.saturating_sub(line.width());
    line.with(Role::Border, &"-".repeat(room))
}

fn all_series(row: &Row, detail: &Detail, width: usize) -> Vec<Line> {
    let (shown, total) = (detail.series.len(), row.incident.tally.total() as usize);
    let title = if shown < total { format!("{shown} of {total} series") } else { format!("{shown} series") };
    let mut lines = vec![rule(&title, width)];
    lines.extend(detail.series.iter().flat_map(|series| one_series(series, width)));
    lines
}

fn one_series(series: &Series, width: usize) -> Vec<Line> {
    let (word, role) = series_state(series.state);
    let mut lines = vec![
        Line::of(role, word)
            .with(Role::Text, " ")
            .with(Role::Title, series.name())
            .with(Role::Text, " ")
            .with(Role::severity(series.severity), &words::severity(series.severity))
            .with(Role::Dim, " by ")
            .with(Role::Text, series.source.as_str()),
    ];
    let labels = series.labels.iter().filter(|(name, _)| *name != "alertname");
    let labels: Vec<String> = labels.map(|(name, value)| format!("{name}={value}")).collect();
    lines.extend(text(Role::Text, "  ", &labels.join(" "), width));
    lines.extend(series.value.iter().map(|value| pair("  value", value)));
    let said = grouping::summary(series);
    if !series.annotations.is_empty() {
        lines.extend(text(Role::Text, "  ", &said, width));
    }
    lines.extend(series.episodes.iter().rev().take(EPISODES).map(episode));
    lines.push(pair(
        "  seen",
        &format!("{} to {}, flaps {}", minute(series.first_seen), minute(series.last_seen), series.flaps),
    ));
    if !series.generator_url.is_empty() {
        lines.extend(text(Role::Dim, "  ", &series.generator_url, width));
    }
    lines
}

fn series_state(state: SeriesState) -> (&'static str, Role) {
    match state {
        SeriesState::Firing => ("FIRING", Role::StateNew),
        SeriesState::Resolved => ("resolved", Role::StateResolved),
        SeriesState::Expired => ("expired", Role::StateResolved),
        SeriesState::Unknown => ("UNKNOWN", Role::StateUnknown),
    }
}

fn episode(episode: &Episode) -> Line {
    let how = match episode.ended_by {
        None => "",
        Some(EndedBy::Source) => ", by source",
        Some(EndedBy::Expiry) => ", by expiry",
        Some(EndedBy::Person) => ", by person",
    };
    let start = minute(episode.started_at);
    match episode.ended_at {
        None => pair("  burns since", &start),
        Some(end) => pair("  burned", &format!("{start} to {}{how}", minute(end))),
    }
}

/// Returns `12-31 03:16Z`.
fn minute(at: Timestamp) -> String {
    format!("{}Z", &at.date_and_second()[5..16])
}

fn timeline(detail: &Detail, width: usize) -> Vec<Line> {
    let mut lines = vec![rule("timeline, newest first", width)];
    lines.extend(detail.lines.iter().rev().flat_map(|line| told(line, width)));
    lines
}

fn told(line: &incident::Line, width: usize) -> Vec<Line> {
    let who = match &line.author {
        Author::Hub => "hub".to_owned(),
        Author::Source(source) => source.to_string(),
        Author::User(user) => user.to_string(),
    };
    let head = Line::of(Role::Dim, &format!("{} ", &line.at.date_and_second()[5..]))
        .with(Role::Text, &who)
        .with(Role::Title, &format!(" {}", told_word(line.told)));
    let mut lines = vec![head];
    if !line.text.trim().is_empty() {
        lines.extend(text(Role::Text, "  ", &line.text, width));
    }
    lines
}

fn told_word(told: Told) -> &'static str {
    match told {
        Told::Opened => "opened",
        Told::FiredAgain => "fired again",
        Told::Raised => "raised",
        Told::Recovering => "recovering",
        Told::Unknown => "unknown",
        Told::Resolved => "resolved",
        Told::Overdue => "OVERDUE",
        Told::Called => "called",
        Told::Undelivered => "NOT DELIVERED",
        Told::Snoozed => "quiet",
        Told::Woke => "woke",
        Told::Escalated => "escalated",
        Told::Handover => "handover",
        Told::Assigned => "asked",
        Told::Severity => "severity",
        Told::Reopened => "reopened",
        Told::Regrouped => "regrouped",
        Told::Undone => "undid",
        Told::Acked => "acked",
        Told::Joined => "joined",
        Told::Released => "gave back",
        Told::Note => "noted",
    }
}

/// Returns a text from outside in as many lines as it needs, within limits; a cut is said.
fn text(role: Role, indent: &str, raw: &str, width: usize) -> Vec<Line> {
    let kept = raw.char_indices().nth(TEXT_CHARS_MAX).map_or(raw, |(end, _)| &raw[..end]);
    let cells = width.saturating_sub(indent.len()).max(1);
    let mut lines: Vec<Line> =
        wrap(kept, cells, TEXT_LINES_MAX).iter().map(|line| Line::of(role, indent).with(role, line)).collect();
    if lines.len() == TEXT_LINES_MAX || kept.len() < raw.len() {
        lines.push(Line::of(Role::Dim, indent).with(Role::Dim, "(cut here)"));
    }
    lines
}
