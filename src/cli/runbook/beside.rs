//! What people leave beside a runbook: ticks within an incident, words to its author.

use super::{Which, asked};
use crate::cli::Exit;
use crate::cli::open::find;
use crate::cli::output::{self, json_line, say, text};
use crate::domain::id::UserName;
use crate::domain::item::Items;
use crate::domain::runbook::{Remark, Runbook};
use crate::sync::console::Parts;
use serde_json::json;

/// Lists what is ticked within an incident.
pub fn ticks(parts: &mut Parts, items: &Items, which: &Which) -> anyhow::Result<Exit> {
    let incident = find(&mut parts.mirror, &which.what)?;
    let of: Vec<_> = items.ticks.values().filter(|ticks| ticks.incident == incident.id).collect();
    for ticks in &of {
        for ticked in ticks.ticked.values() {
            if which.json {
                let object = json!({
                    "v": 1, "number": incident.number, "runbook": ticks.runbook, "text": ticked.text, "by": ticked.by,
                    "at": ticked.at.to_string(),
                });
                say!("{}", json_line(&object));
                continue;
            }
            let at = &ticked.at.date_and_second()[..16];
            say!("[x] {at} {} {}  {}", output::cell(ticked.by.as_str(), 12), text(&ticked.text), ticks.runbook);
        }
    }
    if of.iter().all(|ticks| ticks.ticked.is_empty()) && !which.json {
        say!("Nothing is ticked within incident {}.", incident.number);
    }
    Ok(Exit::Confirmed)
}

/// Lists the words to authors: of one runbook, or of all, or of those that a person answers for.
pub fn remarks(
    parts: &mut Parts,
    items: &Items,
    what: Option<&str>,
    owner: Option<&UserName>,
    json: bool,
) -> anyhow::Result<Exit> {
    let runbooks: Vec<&Runbook> = match what {
        Some(what) => asked(parts, items, what)?.into_iter().map(|asked| asked.runbook).collect(),
        None => items.runbooks.values().collect(),
    };
    let owned = |runbook: &&Runbook| owner.is_none_or(|owner| runbook.owner == owner.as_str());
    let mut count = 0;
    for runbook in runbooks.into_iter().filter(owned) {
        for remark in items.remarks.get(runbook.name.as_str()).into_iter().flat_map(|all| &all.remarks) {
            count += 1;
            tell(runbook, remark, json);
        }
    }
    if count == 0 && !json {
        say!("Nobody has remarked anything.");
    }
    Ok(Exit::Confirmed)
}

fn tell(runbook: &Runbook, remark: &Remark, json: bool) {
    let is_current = runbook.current().is_some_and(|made| made.revision == remark.revision);
    if json {
        let object = json!({
            "v": 1, "runbook": runbook.name, "owner": runbook.owner, "revision": remark.revision, "current": is_current,
            "line": remark.line, "text": remark.text, "by": remark.by, "at": remark.at.to_string(),
        });
        say!("{}", json_line(&object));
        return;
    }
    let earlier = if is_current { String::new() } else { format!(" of {}", remark.revision.short()) };
    say!(
        "{}:{}{earlier}  {} {}: {}",
        runbook.name,
        remark.line,
        &remark.at.date_and_second()[..16],
        remark.by,
        text(&remark.text)
    );
}
