//! What changed from one picture to the next, a line for each change, its first word saying what kind it is.

use super::{clock, named, safe, state_word};
use crate::domain::id::{IncidentId, UserName};
use crate::domain::incident::{Incident, Life};
use crate::sync::picture::{Link, Picture, Row};
use std::collections::{HashMap, HashSet};

/// Most lines of one picture beside calls: a storm must not bury its first page.
const LINES_MAX: usize = 500;

/// Returns what there is at the start: how the hub is, what calls, what is open.
pub(in crate::tui) fn opening(picture: &Picture) -> Vec<String> {
    let mut lines = vec![link(picture)];
    lines.extend(loud(None, picture));
    lines.extend(open(picture));
    picture.rows.iter().for_each(|row| wanted(None, &row.incident, picture, &mut lines));
    if !picture.inbox.is_empty() {
        lines.push(format!("INBOX {} letters wait; type inbox", picture.inbox.len()));
    }
    lines
}

/// Returns what is open, a line each, the worst first.
pub(in crate::tui) fn open(picture: &Picture) -> Vec<String> {
    let mut rows: Vec<&Row> = picture.rows.iter().filter(|row| row.incident.life != Life::Resolved).collect();
    rows.sort_by_key(|row| (crate::tui::order::severity_rank(&row.incident), std::cmp::Reverse(row.incident.number)));
    let mut lines: Vec<String> =
        rows.iter().take(LINES_MAX).map(|row| format!("OPEN {}", stands(row, picture))).collect();
    let more = rows.len().saturating_sub(LINES_MAX) + picture.rows_hidden;
    if more > 0 {
        lines.push(format!("MORE {more} incidents are open"));
    }
    if lines.is_empty() {
        lines.push(nothing_open(picture));
    }
    lines
}

fn has_open(picture: &Picture) -> bool {
    picture.rows_hidden > 0 || picture.rows.iter().any(|row| row.incident.life != Life::Resolved)
}

/// Empty is not green: it is what the hub said at a time.
fn nothing_open(picture: &Picture) -> String {
    match (&picture.link, picture.as_of) {
        (Link::Live, _) => "NONE open, confirmed by the hub".to_owned(),
        (_, Some(at)) => format!("NONE open as of {}; cannot know since then", clock(at)),
        (_, None) => "NONE known; the hub has not told yet".to_owned(),
    }
}

/// Returns an incident with its state and owner, and what of it is not confirmed.
pub(in crate::tui) fn stands(row: &Row, picture: &Picture) -> String {
    let one = &row.incident;
    let owner = has_it(one, picture);
    let overdue = if one.overdue { ", OVERDUE" } else { "" };
    let waiting: Vec<&str> = row.waiting.iter().map(|waiting| waiting.act.kind()).collect();
    let waiting = if waiting.is_empty() { String::new() } else { format!(" | {} NOT confirmed", waiting.join(", ")) };
    format!("{} | {}{overdue} | {owner} | since {}{waiting}", named(one), state_word(one), clock(one.since))
}

fn who(person: &UserName, picture: &Picture) -> String {
    if *person == picture.user { "you".to_owned() } else { person.to_string() }
}

fn has_it(one: &Incident, picture: &Picture) -> String {
    match &one.owner {
        None => "nobody has it".to_owned(),
        Some(owner) if *owner == picture.user => "you have it".to_owned(),
        Some(owner) => format!("{owner} has it"),
    }
}

fn link(picture: &Picture) -> String {
    let as_of = picture.as_of.map_or(String::new(), |at| format!(", as of {}", clock(at)));
    match &picture.link {
        Link::Connecting => format!("CONNECTING to {}{as_of}: not known yet what burns now", safe(&picture.hub)),
        Link::Live if picture.demo => "DEMO: nothing here is real".to_owned(),
        Link::Live => format!("LIVE: nothing newer exists than what stands here (hub {})", safe(&picture.hub)),
        Link::Stale { since } => {
            format!("STALE: no answer since {}{as_of}; new alerts may NOT show here", clock(*since))
        }
        Link::Offline { since, reason, .. } => {
            let reason = if reason.is_empty() { String::new() } else { format!(" ({})", safe(reason)) };
            format!("OFFLINE since {}{as_of}: NO new alerts come here{reason}", clock(*since))
        }
    }
}

/// Returns what calls the person and did not before.
fn loud(before: Option<&Picture>, after: &Picture) -> Vec<String> {
    let known: HashSet<_> = before.iter().flat_map(|picture| picture.calls.iter().map(|page| page.id)).collect();
    let rang: HashSet<_> = before.iter().flat_map(|picture| &picture.alarms).map(alarm_key).collect();
    let row = |id: IncidentId| after.rows.iter().find(|row| row.incident.id == id);
    let pages = after.calls.iter().filter(|page| !known.contains(&page.id)).map(|page| {
        let what = row(page.incident).map_or_else(|| "an incident".to_owned(), |row| named(&row.incident));
        let why = if page.why.is_empty() { "for you".to_owned() } else { safe(&page.why) };
        format!("PAGE {what} | {why} since {}", clock(page.queued_at))
    });
    let alarms = after.alarms.iter().filter(|alarm| !rang.contains(&alarm_key(alarm))).map(|alarm| {
        let what = row(alarm.incident).map_or_else(|| alarm.number.to_string(), |row| named(&row.incident));
        let since = clock(alarm.silent_since);
        format!(
            "ALARM {what} | hub silent since {since}, you are level {}; it may be handled, this console cannot know",
            alarm.level
        )
    });
    pages.chain(alarms).collect()
}

fn alarm_key(alarm: &crate::sync::picture::LocalAlarm) -> (IncidentId, crate::domain::time::Timestamp) {
    (alarm.incident, alarm.silent_since)
}

/// Returns what is different in the newer picture, what calls the person first.
pub(in crate::tui) fn between(before: &Picture, after: &Picture) -> Vec<String> {
    let mut lines = Vec::new();
    if is_other_link(&before.link, &after.link) {
        lines.push(link(after));
        if after.link == Link::Live && !has_open(after) {
            lines.push(nothing_open(after));
        }
    }
    lines.extend(loud(Some(before), after));
    let mut rest = rows(before, after);
    let letters: HashSet<_> = before.inbox.iter().map(|letter| letter.id).collect();
    rest.extend(after.inbox.iter().filter(|letter| !letters.contains(&letter.id)).map(|letter| {
        let number = letter.number.map_or("?".to_owned(), |number| number.to_string());
        format!("INBOX {number} {}", safe(&letter.sentence()))
    }));
    let told = before.notices.iter().map(|notice| notice.no).max().unwrap_or(0);
    rest.extend(
        after
            .notices
            .iter()
            .filter(|notice| notice.no > told)
            .map(|notice| format!("{} {}", if notice.welcome { "DONE" } else { "REFUSED" }, safe(&notice.text))),
    );
    if let (None, Some(skew)) = (before.skew_ms, after.skew_ms) {
        let way = if skew > 0 { "ahead of" } else { "behind" };
        rest.push(format!("CLOCK this one is {} s {way} the hub's", skew.unsigned_abs() / 1000));
    }
    let more = rest.len().saturating_sub(LINES_MAX);
    rest.truncate(LINES_MAX);
    lines.extend(rest);
    if more > 0 {
        lines.push(format!("MORE {more} changes; type list"));
    }
    lines
}

/// Returns whether the link is another one: a second silence of the same outage is none.
fn is_other_link(before: &Link, after: &Link) -> bool {
    std::mem::discriminant(before) != std::mem::discriminant(after)
}

fn rows(before: &Picture, after: &Picture) -> Vec<String> {
    let old: HashMap<IncidentId, &Row> = before.rows.iter().map(|row| (row.incident.id, row)).collect();
    let mut lines = Vec::new();
    for row in after.rows.iter() {
        match old.get(&row.incident.id) {
            Some(old) if *old == row => {}
            Some(old) => changed(old, row, after, &mut lines),
            // What is over by the time that it is heard of concerns nobody any more.
            None if row.incident.life == Life::Resolved => {}
            None => {
                lines.push(format!("{} {}", state_word(&row.incident), arrived(row, after)));
                wanted(None, &row.incident, after, &mut lines);
                said(None, row, &mut lines);
            }
        }
    }
    lines
}

fn arrived(row: &Row, picture: &Picture) -> String {
    let owner = row.incident.owner.as_ref().map_or(String::new(), |_| format!(" | {}", has_it(&row.incident, picture)));
    format!("{} | since {}{owner}", named(&row.incident), clock(row.incident.since))
}

fn changed(before: &Row, row: &Row, picture: &Picture, lines: &mut Vec<String>) {
    let (old, one) = (&before.incident, &row.incident);
    let has = has_it(one, picture);
    if old.shown() != one.shown() {
        let until = one.hold.as_ref().map_or(String::new(), |hold| format!(" until {}", clock(hold.until)));
        lines.push(format!("{} {}{until} | {has}", state_word(one), named(one)));
    } else if old.owner != one.owner {
        let before = old.owner.as_ref().map_or("nobody".to_owned(), |owner| who(owner, picture));
        lines.push(format!("OWNER {} | {has}, before {before}", named(one)));
    } else if old.hold != one.hold
        && let Some(hold) = &one.hold
    {
        lines.push(format!("{} {} until {} | {has}", state_word(one), named(one), clock(hold.until)));
    }
    if old.severity != one.severity {
        let was = old.severity.map_or("S?".to_owned(), |severity| severity.to_string());
        lines.push(format!("SEVERITY {} | was {was}", named(one)));
    }
    if one.overdue && !old.overdue {
        lines.push(format!("OVERDUE {} | every level was called, and nobody took it", named(one)));
    }
    wanted(Some(old), one, picture, lines);
    said(Some(before), row, lines);
}

/// Tells what others want of the person and did not before.
fn wanted(before: Option<&Incident>, one: &Incident, picture: &Picture, lines: &mut Vec<String>) {
    let me = &picture.user;
    let offered = before.and_then(|before| before.offer.as_ref());
    if let Some(offer) = one.offer.as_ref().filter(|offer| offer.to == *me && offered != Some(*offer)) {
        let (until, number) = (clock(offer.expires_at), one.number);
        let answers = format!("accept {number} takes it until {until}, decline {number} refuses");
        lines.push(format!("OFFER {} | {answers}", named(one)));
    }
    let asked = before.and_then(|before| before.assigned.as_ref());
    if one.assigned.as_ref().is_some_and(|new| new.to == *me && asked != Some(new)) {
        lines.push(format!("ASKED {} | you were asked to take it; ack {} does", named(one), one.number));
    }
}

/// Tells what the person and others said that the hub has not confirmed.
fn said(before: Option<&Row>, row: &Row, lines: &mut Vec<String>) {
    let number = row.incident.number;
    let known = |op| before.is_some_and(|before| before.waiting.iter().any(|waiting| waiting.op_id == op));
    lines.extend(
        row.waiting
            .iter()
            .filter(|waiting| !known(waiting.op_id))
            .map(|waiting| format!("SAVED {} {number}: here, NOT confirmed by the hub yet", waiting.act.kind())),
    );
    let heard = |said| before.is_some_and(|before| before.said.contains(said));
    lines.extend(row.said.iter().filter(|said| !heard(said)).map(|said| {
        format!("SAYS {number} {}: {} (by way of a peer, NOT confirmed by the hub)", said.actor, said.act.kind())
    }));
}
