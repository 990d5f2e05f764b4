//! `nightdesk list`.

use super::open::{Opened, exchanged};
use super::{Exit, Globals, output, query};
use crate::domain::id::IncidentId;
use crate::domain::incident::{Incident, Life};
use crate::domain::severity::Severity;
use crate::domain::time::Timestamp;
use crate::sync::clock;
use clap::Args;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::time::Duration;

/// How long a resolved incident is listed.
const RESOLVED_LISTED: Duration = Duration::from_secs(86_400);
/// Most that are listed of the past: the newest.
const PAST_MAX: usize = 10_000;

/// Arguments of `list`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Only those that are not resolved.
    #[arg(long)]
    open: bool,
    /// Only those that fit, such as 'severity<=3 {cluster=~"eu-.*"} -owner:me': open ones, and the whole past where the query asks for
    /// it by state:resolved or age. `nightdesk query reference` prints the language.
    #[arg(value_name = "QUERY", default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    query: String,
}

/// Lists incidents, the worst and newest first.
pub fn run(globals: &Globals, arguments: &Arguments) -> anyhow::Result<Exit> {
    let query = match query::read(&arguments.query) {
        Ok(query) => query,
        Err(exit) => return Ok(exit),
    };
    let Opened { mut parts, behind } = super::small_runtime()?.block_on(exchanged(globals))?;
    let mut incidents = parts.mirror.incidents(clock::now().minus(RESOLVED_LISTED))?;
    let open = arguments.open || !(query.is_all() || query.asks_the_past());
    incidents.retain(|incident| !open || incident.life != Life::Resolved);
    if !query.is_all() {
        let seen = query::Seen::of(&mut parts.mirror, &parts.device.user, incidents)?;
        let fits = seen.fits(&query);
        let past = match query.asks_the_past() {
            true => parts.mirror.past(&query, &seen.eyes(), PAST_MAX)?,
            false => Vec::new(),
        };
        incidents = seen.incidents;
        incidents.retain(|incident| fits.contains(&incident.id));
        let known: HashSet<IncidentId> = incidents.iter().map(|incident| incident.id).collect();
        incidents.extend(past.into_iter().filter(|incident| !known.contains(&incident.id)));
    }
    incidents.sort_by_key(order);
    let unshown = parts.mirror.unshown()?;
    let waiting = |incident: &Incident| {
        unshown.iter().filter(|own| own.verdict.is_none() && own.op.incident == incident.id).count()
    };
    if let Some(error) = &behind {
        eprintln!("nightdesk: as last mirrored: {}", output::text(&error.to_string()));
    }
    if arguments.json {
        for incident in &incidents {
            output::say!("{}", output::json_line(&output::incident(incident, waiting(incident))));
        }
        return Ok(Exit::Confirmed);
    }
    output::say!("SV ID     STATE       SINCE                SERVICE         OWNER      SUMMARY");
    for incident in &incidents {
        let sign = if waiting(incident) > 0 { " (waiting for the hub)" } else { "" };
        output::say!(
            "{} {:<6} {:<11} {} {} {} {}{sign}",
            incident.severity.map_or("S?".to_owned(), |severity| severity.to_string()),
            incident.number.0,
            incident.shown().word(),
            incident.since.date_and_second(),
            output::cell(&incident.service, 15),
            output::cell(incident.owner.as_ref().map_or("", |owner| owner.as_str()), 10),
            output::text(&incident.summary),
        );
    }
    if incidents.is_empty() {
        let when = if behind.is_some() { "as last mirrored; the hub does not answer" } else { "confirmed by the hub" };
        let what = if query.is_all() { "No open incidents" } else { "No incident fits" };
        output::say!("{what}, {when}.");
    }
    Ok(Exit::Confirmed)
}

/// Open before resolved, worst first (the unexamined among the S5, as on the screen), newest first.
fn order(incident: &Incident) -> (bool, u8, Reverse<Timestamp>) {
    (incident.life == Life::Resolved, incident.severity.map_or(5, Severity::number), Reverse(incident.since))
}
