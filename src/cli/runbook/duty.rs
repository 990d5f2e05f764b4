//! Who should still read what before they are called, and what has no runbook.

use super::{made_words, object, reading_at, word};
use crate::cli::open::{address, parts, settings};
use crate::cli::output::{self, json_line, say, text};
use crate::cli::{Exit, Globals};
use crate::domain::id::UserName;
use crate::domain::item::Items;
use crate::domain::runbook::RunbookName;
use crate::domain::time::Timestamp;
use crate::query::coverage::{Due, LOOKED_BACK, Needed};
use crate::store::mirror::Mirror;
use crate::sync::clock;
use crate::sync::coverage::{self, Duty};
use serde_json::{Value, json};

/// Says who should still read what; of one person where one is given.
pub fn unread(mirror: &mut Mirror, items: &Items, only: Option<&UserName>, json: bool) -> anyhow::Result<Exit> {
    let now = clock::now();
    let due = due(mirror, items, only, now)?;
    if !json {
        unread_lines(items, &due, only, now).iter().for_each(|line| say!("{line}"));
        return Ok(Exit::Confirmed);
    }
    for one in &due {
        let Some(runbook) = items.runbooks.get(one.runbook.as_str()) else { continue };
        let mut object = object(items, runbook, &one.user);
        object["user"] = json!(one.user);
        object["shift"] = json!(one.shift.map(|at| at.to_string()));
        say!("{}", json_line(&object));
    }
    Ok(Exit::Confirmed)
}

fn due(mirror: &mut Mirror, items: &Items, only: Option<&UserName>, now: Timestamp) -> anyhow::Result<Vec<Due>> {
    let mut due = coverage::read(mirror, items, now)?.due;
    due.retain(|due| only.is_none_or(|user| due.user == *user));
    Ok(due)
}

fn unread_lines(items: &Items, due: &[Due], only: Option<&UserName>, now: Timestamp) -> Vec<String> {
    let mut lines = Vec::new();
    let mut told: Option<&UserName> = None;
    for one in due {
        let Some(runbook) = items.runbooks.get(one.runbook.as_str()) else { continue };
        if told != Some(&one.user) {
            lines.push(format!("{}{}", one.user, shift(one, now)));
            told = Some(&one.user);
        }
        let made = runbook.current().map(made_words).unwrap_or_default();
        lines.push(format!(
            "  {} {} {made}",
            output::cell(word(one.reading), 8),
            output::cell(one.runbook.as_str(), 32)
        ));
        if let Some((revision, at)) = reading_at(one.reading) {
            lines.push(format!("           read {} on {}", revision.short(), &at.date_and_second()[..10]));
        }
    }
    if due.is_empty() {
        lines.push(all_read(items, only));
    }
    lines
}

/// Returns what a console shows of who should still read what, by what its mirror knows.
pub fn unread_said(globals: &Globals, words: &str) -> Vec<String> {
    said(globals, |mirror, items| {
        let only = match words.trim() {
            "" => None,
            name => Some(UserName::parse(name)?),
        };
        let now = clock::now();
        Ok(unread_lines(items, &due(mirror, items, only.as_ref(), now)?, only.as_ref(), now))
    })
}

/// Returns what a console shows of what has no runbook.
pub fn gaps_said(globals: &Globals) -> Vec<String> {
    said(globals, |mirror, items| Ok(gap_lines(items, &coverage::read(mirror, items, clock::now())?)))
}

fn said(globals: &Globals, read: impl FnOnce(&mut Mirror, &Items) -> anyhow::Result<Vec<String>>) -> Vec<String> {
    let lines = || {
        let (paths, console) = settings(globals)?;
        let address = address(&paths, &console)?;
        let mut parts = crate::cli::small_runtime()?.block_on(parts(&paths, &console, address))?;
        let items = parts.mirror.items()?;
        read(&mut parts.mirror, &items)
    };
    lines().unwrap_or_else(|error| format!("{error:#}").lines().map(str::to_owned).collect())
}

fn all_read(items: &Items, only: Option<&UserName>) -> String {
    let whole = items.runbooks.values().filter(|runbook| runbook.current().is_some()).count();
    match (whole, only) {
        (0, _) => "The hub has no runbooks; `runbooks = \"path\"` in its hub.toml names their directory.".into(),
        (_, Some(user)) => format!("{user} has read all that they may be called for ({whole} runbooks)."),
        (_, None) => format!("Everybody has read all that they may be called for ({whole} runbooks)."),
    }
}

fn shift(due: &Due, now: Timestamp) -> String {
    match due.shift {
        None => String::new(),
        Some(from) if from <= now => format!("  on call since {}", &from.date_and_second()[..16]),
        Some(from) => format!("  on call from {}", &from.date_and_second()[..16]),
    }
}

/// Says which alerts have no runbook, which runbooks no alert, and which are old.
pub fn gaps(mirror: &mut Mirror, items: &Items, json: bool) -> anyhow::Result<Exit> {
    let duty = coverage::read(mirror, items, clock::now())?;
    if !json {
        gap_lines(items, &duty).iter().for_each(|line| say!("{line}"));
        return Ok(Exit::Confirmed);
    }
    let needed = |(name, needed): (&String, &Needed)| {
        json!({
            "alertname": name, "incidents": needed.incidents, "latest": needed.latest.to_string(),
            "number": needed.number, "policies": needed.policies,
        })
    };
    let bare: Vec<Value> = bare(&duty).into_iter().map(needed).collect();
    say!(
        "{}",
        json_line(&json!({
            "v": 1, "days": days(), "incidents": duty.coverage.incidents, "alerts_without_runbook": bare,
            "runbooks_without_alert": duty.idle, "stale_runbooks": duty.stale,
        }))
    );
    Ok(Exit::Confirmed)
}

fn days() -> u64 {
    LOOKED_BACK.as_secs() / 86_400
}

/// Returns the alerts without a runbook, the most frequent first.
fn bare(duty: &Duty) -> Vec<(&String, &Needed)> {
    let mut bare: Vec<(&String, &Needed)> = duty.coverage.bare.iter().collect();
    bare.sort_by_key(|(name, needed)| (std::cmp::Reverse(needed.incidents), *name));
    bare
}

fn gap_lines(items: &Items, duty: &Duty) -> Vec<String> {
    let looked_at = duty.coverage.incidents;
    let mut lines = vec![format!("{looked_at} incidents of the last {} days were looked at.", days())];
    let bare = bare(duty);
    if !bare.is_empty() {
        lines.extend([String::new(), "Alerts without a runbook:".to_owned()]);
    }
    for (name, needed) in bare {
        let latest = &needed.latest.date_and_second()[..10];
        let (count, number) = (needed.incidents, needed.number);
        lines.push(format!("  {} {count:>5} incidents, the latest {number} on {latest}", output::cell(name, 32)));
    }
    lines.extend(list("Runbooks that no incident needed:", &duty.idle, items));
    lines.extend(list("Needed, and not changed for a year:", &duty.stale, items));
    lines
}

fn list(title: &str, names: &[RunbookName], items: &Items) -> Vec<String> {
    if names.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), title.to_owned()];
    for runbook in names.iter().filter_map(|name| items.runbooks.get(name.as_str())) {
        let made = runbook.current().map_or_else(|| "-".to_owned(), |made| made.at.date_and_second()[..10].to_owned());
        let (name, title) = (output::cell(runbook.name.as_str(), 32), text(&runbook.title));
        lines.push(format!("  {name} {made}  {title}"));
    }
    lines
}
