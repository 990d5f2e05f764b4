//! Why it is where it is: source, group, severity, level, and who was called by what.

use super::super::super::state::State;
use super::super::super::theme::Role;
use super::super::paint::Line;
use super::super::words;
use super::{Window, pages, pair, reading, rule, text};
use crate::domain::similar::pairs_of;
use crate::sync::picture::Row;
use std::collections::BTreeSet;

/// Returns its way, step by step, then the calls.
pub(super) fn lines(state: &State, row: &Row, window: Window) -> Vec<Line> {
    let Some(digest) = state.digest() else { return vec![reading()] };
    let (incident, width) = (&row.incident, window.width);
    let sources: BTreeSet<&str> = digest.detail.series.iter().map(|one| one.source.as_str()).collect();
    let sources = sources.into_iter().collect::<Vec<_>>().join(", ");
    let mut lines = vec![pair("source", if sources.is_empty() { "not mirrored" } else { &sources })];
    lines.extend(text(Role::Text, "", &format!("group {}", group(&incident.group_key)), width));
    lines.push(pair("severity", &severity(row)));
    for way in &incident.course.ways {
        lines.extend(text(Role::Dim, "  ", &format!("{}: {} -> {}", way.part, way.by, way.made), width));
    }
    lines.extend(text(Role::Text, "", &course(row), width));
    let levels = state.picture.known.paging.as_ref();
    let levels = levels.map(|paging| paging.levels_of(incident.course.policy()).len());
    let of = levels.map_or(String::new(), |levels| format!(" of {levels}"));
    let called = match (incident.level, incident.round) {
        (0, _) => "none was called yet".to_owned(),
        (level, 0) => format!("{level}{of} called"),
        (level, round) => format!("{level}{of} called, round {}", round + 1),
    };
    lines.push(pair("level", &called));
    if let Some(claimed) = &incident.claimed {
        lines.extend(text(Role::Other, "", &claimed.sentence(), width));
        if claimed.page_me {
            lines.push(Line::of(Role::Dim, "  and called before the levels, as the claim asks"));
        }
    }
    lines.push(pair("opened", &words::both_clocks(state, incident.opened_at)));
    lines.push(rule("calls, newest first", width));
    lines.extend(pages::lines(state, window));
    lines
}

/// Says whose it is, and what its service level makes of it.
fn course(row: &Row) -> String {
    let incident = &row.incident;
    let (team, policy, plan) = (incident.course.team(), incident.course.policy(), incident.plan.word());
    format!("team {team}, policy {policy}, plan {plan}")
}

fn group(key: &str) -> String {
    let pairs = pairs_of(key);
    if pairs.is_empty() {
        return key.to_owned();
    }
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("by {}", pairs.join(" "))
}

fn severity(row: &Row) -> String {
    let incident = &row.incident;
    let elsewhere = incident.severity.map_or(String::new(), |severity| format!(" ({})", severity.elsewhere()));
    let word = format!("{}{elsewhere}", words::severity(incident.severity));
    match (&incident.severity_set, incident.machine_severity) {
        (Some(_), machines) => format!("{word}, set by a person; machines said {}", words::severity(machines)),
        (None, Some(_)) => format!("{word}, the worst that its series said"),
        (None, None) => format!("{word}: no label says how bad it is"),
    }
}
