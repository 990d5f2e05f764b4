//! `nightdesk show`.

use super::open::{Opened, exchanged, find};
use super::{Exit, Globals, output};
use crate::domain::series::Series;
use crate::domain::text::SafeText;
use crate::sync::foresight;
use crate::sync::picture::Detail;
use clap::Args;
use serde_json::Value;

/// Most links that are shown.
const LINKS_MAX: usize = 20;

/// Arguments of `show`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The incident's number, or the beginning of its id (four digits or more).
    id: String,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// Shows one incident with its series and its timeline.
pub fn run(globals: &Globals, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Opened { mut parts, behind } = super::small_runtime()?.block_on(exchanged(globals))?;
    let mirror = &mut parts.mirror;
    let incident = find(mirror, &arguments.id)?;
    let series = mirror.series_of(incident.id, Detail::SERIES_MAX)?;
    let lines = mirror.lines_of(incident.id, Detail::LINES_MAX)?;
    let pages = mirror.pages_of(incident.id, Detail::PAGES_MAX)?;
    let waiting =
        mirror.unshown()?.iter().filter(|own| own.verdict.is_none() && own.op.incident == incident.id).count();
    if let Some(error) = behind {
        eprintln!("nightdesk: as last mirrored: {}", output::text(&error.to_string()));
    }
    let mut object = output::incident(&incident, waiting);
    if arguments.json {
        object["series_list"] = Value::Array(series.iter().map(output::series).collect());
        object["pages"] = Value::Array(pages.iter().map(output::page).collect());
        object["timeline"] = Value::Array(lines.iter().map(output::line).collect());
        output::say!("{}", output::json_line(&object));
        return Ok(Exit::Confirmed);
    }
    let severity = incident
        .severity
        .map_or("S? (unexamined)".to_owned(), |severity| format!("{severity} ({})", severity.elsewhere()));
    output::say!(
        "{} {severity} {} since {}",
        incident.number,
        incident.shown().word(),
        incident.since.date_and_second()
    );
    output::say!("  {}", output::text(&incident.summary));
    output::say!("  service {}", output::text(&incident.service));
    output::say!("  owner   {}", incident.owner.as_ref().map_or("nobody", |owner| owner.as_str()));
    output::say!("  opened  {}", incident.opened_at.date_and_second());
    if let Some(hold) = &incident.hold {
        let why = hold
            .wait
            .as_ref()
            .map_or("snoozed".to_owned(), |wait| format!("waits for {} {}", wait.reason, wait.ticket));
        let change = if hold.change.is_some() { ", or until it gets worse" } else { "" };
        output::say!("  quiet   until {}{change}: {} ({})", hold.until.date_and_second(), output::text(&why), hold.by);
    }
    if let Some(held) = &incident.held {
        output::say!("  held    by {} until {}", held.number, held.until.date_and_second());
    }
    if !incident.quiet.is_empty() {
        output::say!("  plan    {}: {}", incident.plan.word(), output::text(&incident.quiet));
    }
    if let Some(offer) = &incident.offer {
        output::say!("  offered to {} until {}", offer.to, offer.expires_at.date_and_second());
    }
    if let Some(assigned) = &incident.assigned {
        output::say!("  asked   {} to take it", assigned.to);
    }
    if let Some(due) = incident.next_due_at {
        let sign = if incident.overdue { ", OVERDUE: every level was called, and nobody took it" } else { "" };
        output::say!("  next    {}{sign}", due.date_and_second());
    }
    output::say!("  id      {}", incident.id);
    let tally = incident.tally;
    output::say!("Series: {} firing, {} unknown, {} over", tally.firing, tally.unknown, tally.over);
    for one in &series {
        let labels: Vec<String> = one.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        output::say!("  {:?} {} flaps {} {}", one.state, one.source, one.flaps, output::text(&labels.join(" ")));
    }
    for text in series.first().and_then(|one| one.annotations.get("description")).into_iter() {
        output::say!("Description:");
        for line in SafeText::block(text, 4000, 40) {
            output::say!("  {line}");
        }
    }
    let urls = links(&series);
    if !urls.is_empty() {
        output::say!("Links:");
    }
    for (name, url) in urls {
        output::say!("  {:<13} {}", output::text(name), output::text(url));
    }
    if !pages.is_empty() {
        output::say!("Called:");
    }
    for page in &pages {
        output::say!("  {}", output::called(page));
    }
    output::say!("Timeline:");
    for line in &lines {
        output::say!("  {} {}: {}", line.at.date_and_second(), output::author(&line.author), output::text(&line.text));
    }
    if waiting > 0 {
        let call = foresight::next_call(&incident).map_or(String::new(), |call| format!(" {call} may still fire."));
        output::say!("Operations of yours that wait for the hub, NOT confirmed: {waiting}.{call}");
    }
    Ok(Exit::Confirmed)
}

/// Returns the addresses that the series name, each once: runbook, dashboard and whatever else is one, then the source's own page.
fn links(series: &[Series]) -> Vec<(&str, &str)> {
    let mut links: Vec<(&str, &str)> = Vec::new();
    let is_url = |url: &str| url.starts_with("https://") || url.starts_with("http://");
    let all = series.iter().flat_map(|one| one.annotations.iter().chain([("source", one.generator_url.as_str())]));
    for (name, url) in all.filter(|(_, url)| is_url(url)) {
        if links.len() < LINKS_MAX && !links.iter().any(|(_, known)| *known == url) {
            links.push((name, url));
        }
    }
    links
}
