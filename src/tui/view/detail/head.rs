//! How an incident stands: what it is, who has it, what comes next, and the most of everything else.

use super::super::super::history::Digest;
use super::super::super::layout::{Layout, Stand};
use super::super::super::state::State;
use super::super::super::theme::Role;
use super::super::paint::Line;
use super::super::words;
use super::{Window, chart, pair, reading, rule, runbook, series, text, timeline};
use crate::domain::grouping;
use crate::domain::id::UserName;
use crate::domain::incident::{self, Life};
use crate::domain::item::Service;
use crate::domain::series::Series;
use crate::sync::foresight;
use crate::sync::picture::{Row, Said, Waiting};

/// Rows from which a chart has room.
const CHART_ROWS: usize = 16;
/// Rows from which it may be higher.
const CHART_ROWS_HIGH: usize = 30;
/// Rows under which only what matters most stands here.
const FEW_ROWS: usize = 8;

/// Returns the lines of the tab, most important first.
pub(super) fn lines(state: &State, row: &Row, layout: &Layout, window: Window) -> Vec<Line> {
    let width = window.width;
    let mut lines = if layout.tabs.is_some_and(|tabs| tabs.height > 1) || layout.stand == Stand::Stacked {
        Vec::new()
    } else {
        vec![super::which(state, row)]
    };
    lines.extend(standing_head(state, row, width));
    let Some(digest) = state.digest() else {
        lines.push(opened(state, row));
        lines.push(reading());
        return lines;
    };
    lines.extend(runbook::summary(state, &digest.detail.runbooks));
    lines.extend(over_time(state, row, digest, &window));
    lines.extend(series::common(state, digest, width));
    lines.extend(digest.series(0).into_iter().flat_map(|one| first_series(one, width)));
    if window.rows < FEW_ROWS {
        let left = window.limit().saturating_sub(lines.len());
        lines.extend(timeline::lines(state, row, width, left));
        return lines;
    }
    if digest.order.len() > 1 {
        lines.push(rule(&format!("{} series", digest.order.len()), width));
        lines.extend(series::few(state, row, digest, width, (window.rows / 7).clamp(2, 12)));
    }
    lines.push(opened(state, row));
    if layout.side.is_none() {
        lines.push(rule("timeline, newest first", width));
        let left = window.limit().saturating_sub(lines.len());
        lines.extend(timeline::lines(state, row, width, left));
    }
    lines
}

/// Returns what it is, who has it and what comes next.
fn standing_head(state: &State, row: &Row, width: usize) -> Vec<Line> {
    let incident = &row.incident;
    let (owner, owner_role) = words::owner(state, incident);
    let mut lines = text(Role::Title, "", &incident.summary, width);
    if incident.overdue {
        lines.push(Line::of(Role::StateOverdue, "OVERDUE: every level was called, and nobody took it"));
    }
    lines.extend(row.waiting.iter().flat_map(|waiting| asked(state, incident, waiting, width)));
    lines.extend(row.said.iter().flat_map(|said| heard(said, width)));
    lines.push(
        Line::of(Role::Dim, "owner ")
            .with(owner_role, &owner)
            .with(Role::Stale, &words::had(state, incident))
            .with(Role::Text, "  ")
            .then(due(state, incident)),
    );
    lines.extend(words::quiet(incident).into_iter().flat_map(|quiet| text(Role::StateNew, "calls ", &quiet, width)));
    lines.extend(standing(state, incident, width));
    let service = if incident.service.is_empty() { "unsaid" } else { &incident.service };
    let tally = incident.tally;
    let series = format!("{} firing, {} unknown, {} over", tally.firing, tally.unknown, tally.over);
    lines.push(pair("series", &series).with(Role::Dim, "  service ").with(Role::Text, service));
    lines.extend(state.picture.items.services.get(&incident.service).and_then(catalogued));
    lines
}

/// Says what the catalogue has of a service.
fn catalogued(service: &Service) -> Option<Line> {
    let team = Some(&service.team).filter(|team| !team.is_empty()).map(|team| format!("team {team}"));
    let critical = service.criticality.map(|criticality| format!("criticality {criticality} of 4"));
    let links = Some(service.links.len()).filter(|count| *count > 0).map(|count| format!("{count} links (:links)"));
    let told: Vec<String> = [team, critical, links].into_iter().flatten().collect();
    (!told.is_empty()).then(|| pair("catalogue", &told.join(", ")))
}

/// Returns when it was opened: by the hub's clock, and by the person's where that says another hour.
fn opened(state: &State, row: &Row) -> Line {
    pair("opened", &words::both_clocks(state, row.incident.opened_at))
}

/// Returns how many series fired over time: as bars, where there is room.
fn over_time(state: &State, row: &Row, digest: &Digest, window: &Window) -> Vec<Line> {
    match window.rows {
        // The bars of one series are its strip.
        CHART_ROWS.. if digest.order.len() == 1 => series::few(state, row, digest, window.width, 1),
        CHART_ROWS_HIGH.. => chart::lines(state, row, digest, window.width, 5),
        CHART_ROWS.. => chart::lines(state, row, digest, window.width, 3),
        0..FEW_ROWS => Vec::new(),
        _ => chart::lines(state, row, digest, window.width, 1),
    }
}

/// Returns what the worst series says beyond its summary, with its address in full.
fn first_series(one: &Series, width: usize) -> Vec<Line> {
    let said = grouping::summary(one);
    let mut lines = Vec::new();
    for (name, words) in one.annotations.iter().filter(|(name, words)| *words != said && *name != "value") {
        lines.extend(text(Role::Text, "", &format!("{name}: {words}"), width));
    }
    if let Some(value) = &one.value {
        lines.push(pair("value", value).with(Role::Dim, " (latest)"));
    }
    if !one.generator_url.is_empty() {
        lines.extend(text(Role::Dim, "", &one.generator_url, width));
    }
    lines
}

/// Says what stands beside the state: a hold, an offer, a person who was asked, levels called on.
fn standing(state: &State, incident: &incident::Incident, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let minute = |at| words::stamp(state, at);
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
    if let Some(silenced) = &incident.silenced {
        let words = format!("{}: calls nobody", silenced.words(&minute(silenced.until)));
        lines.extend(text(Role::Text, "", &words, width));
    }
    if let Some(offer) = &incident.offer {
        lines.push(pair("offered to", &format!("{} until {}", person(&offer.to), minute(offer.expires_at))));
    }
    if let Some(assigned) = &incident.assigned {
        lines.push(pair("asked to take it", &person(&assigned.to)));
    }
    if let Some(claimed) = &incident.claimed {
        lines.extend(text(Role::Other, "", &claimed.sentence(), width));
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

/// Says what comes next, and when.
fn due(state: &State, incident: &incident::Incident) -> Line {
    let minute = |at| words::stamp(state, at);
    if let Some(call) = foresight::next_call(incident) {
        return Line::of(Role::Dim, "next ").with(Role::StateNew, &call);
    }
    match (incident.life, incident.next_due_at, incident.recovering_until) {
        (Life::Resolved, ..) => pair("resolved", &minute(incident.resolved_at.unwrap_or(incident.since))),
        (_, _, Some(until)) => pair("resolved at", &format!("{} unless it fires again", minute(until))),
        (_, Some(due), None) => pair("next due", &minute(due)),
        (_, None, None) => pair("next due", "never"),
    }
}
