//! Who should still read what before they are called, and what has no runbook.

use super::{made_words, object, reading_at, word};
use crate::cli::Exit;
use crate::cli::output::{self, json_line, say, text};
use crate::domain::id::UserName;
use crate::domain::item::Items;
use crate::domain::runbook::RunbookName;
use crate::domain::time::Timestamp;
use crate::query::coverage::{Due, LOOKED_BACK, Needed};
use crate::store::mirror::Mirror;
use crate::sync::{clock, coverage};
use serde_json::{Value, json};

/// Says who should still read what; of one person where one is given.
pub fn unread(mirror: &mut Mirror, items: &Items, only: Option<&UserName>, json: bool) -> anyhow::Result<Exit> {
    let now = clock::now();
    let mut due = coverage::read(mirror, items, now)?.due;
    due.retain(|due| only.is_none_or(|user| due.user == *user));
    let mut told: Option<&UserName> = None;
    for one in &due {
        let Some(runbook) = items.runbooks.get(one.runbook.as_str()) else { continue };
        if json {
            let mut object = object(items, runbook, &one.user);
            object["user"] = json!(one.user);
            object["shift"] = json!(one.shift.map(|at| at.to_string()));
            say!("{}", json_line(&object));
            continue;
        }
        if told != Some(&one.user) {
            say!("{}{}", one.user, shift(one, now));
            told = Some(&one.user);
        }
        let made = runbook.current().map(made_words).unwrap_or_default();
        say!("  {} {} {made}", output::cell(word(one.reading), 8), output::cell(one.runbook.as_str(), 32));
        if let Some((revision, at)) = reading_at(one.reading) {
            say!("           read {} on {}", revision.short(), &at.date_and_second()[..10]);
        }
    }
    if due.is_empty() && !json {
        say!("{}", all_read(items, only));
    }
    Ok(Exit::Confirmed)
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
    let days = LOOKED_BACK.as_secs() / 86_400;
    let incidents = duty.coverage.incidents;
    let mut bare: Vec<(&String, &Needed)> = duty.coverage.bare.iter().collect();
    bare.sort_by_key(|(name, needed)| (std::cmp::Reverse(needed.incidents), *name));
    if json {
        let needed = |(name, needed): (&String, &Needed)| {
            json!({
                "alertname": name, "incidents": needed.incidents, "latest": needed.latest.to_string(),
                "number": needed.number, "policies": needed.policies,
            })
        };
        let bare: Vec<Value> = bare.into_iter().map(needed).collect();
        say!(
            "{}",
            json_line(&json!({
                "v": 1, "days": days, "incidents": incidents, "alerts_without_runbook": bare,
                "runbooks_without_alert": duty.idle, "stale_runbooks": duty.stale,
            }))
        );
        return Ok(Exit::Confirmed);
    }
    say!("{incidents} incidents of the last {days} days were looked at.");
    if !bare.is_empty() {
        say!("\nAlerts without a runbook:");
        for (name, needed) in bare {
            let latest = &needed.latest.date_and_second()[..10];
            let count = needed.incidents;
            say!("  {} {count:>5} incidents, the latest {} on {latest}", output::cell(name, 40), needed.number);
        }
    }
    list("\nRunbooks that no incident needed:", &duty.idle, items);
    list("\nNeeded, and not changed for a year:", &duty.stale, items);
    Ok(Exit::Confirmed)
}

fn list(title: &str, names: &[RunbookName], items: &Items) {
    if names.is_empty() {
        return;
    }
    say!("{title}");
    for runbook in names.iter().filter_map(|name| items.runbooks.get(name.as_str())) {
        let made = runbook.current().map_or_else(|| "-".to_owned(), made_words);
        say!("  {} {}  {made}", output::cell(runbook.name.as_str(), 40), text(&runbook.title));
    }
}
