//! `nightdesk sources` and `nightdesk stats`: who sends, whether they live, and how little of it reaches a person.

use super::open::{Opened, exchanged};
use super::{Exit, Globals, output};
use crate::domain::day::{Counts, DayNumber, funnel};
use crate::domain::item::SourceState;
use crate::domain::source::word;
use crate::domain::time::Timestamp;
use crate::sync::clock;
use clap::Args;
use serde_json::{Value, json};

/// Arguments of `sources`.
#[derive(Debug, Args)]
pub struct Sources {
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Arguments of `stats`.
#[derive(Debug, Args)]
pub struct Stats {
    /// How many UTC days, today among them.
    #[arg(long, default_value_t = 7, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=400))]
    days: u32,
    /// Prints one JSON object: a row for each day and source, and the sums.
    #[arg(long)]
    json: bool,
}

/// Lists the sources, the silent ones first.
pub fn run(globals: &Globals, arguments: &Sources) -> anyhow::Result<Exit> {
    let Opened { mut parts, behind } = super::small_runtime()?.block_on(exchanged(globals))?;
    if let Some(error) = &behind {
        eprintln!("nightdesk: as last mirrored: {}", output::text(&error.to_string()));
    }
    let items = parts.mirror.items()?;
    let mut sources: Vec<&SourceState> = items.sources.values().collect();
    sources.sort_by_key(|source| (source.silent_since.is_none(), source.name.clone()));
    if arguments.json {
        for source in &sources {
            output::say!("{}", output::json_line(&source_json(source)));
        }
        return Ok(Exit::Confirmed);
    }
    output::say!("NAME             STATE     LAST BEAT            LAST HEARD           EXPECTED BY");
    for source in &sources {
        let beat = source.heartbeat.as_ref().and_then(|heartbeat| heartbeat.last);
        output::say!(
            "{} {:<9} {} {} {}",
            output::cell(source.name.as_str(), 16),
            word(source),
            output::cell(&second(beat), 20),
            output::cell(&second(source.last_seen), 20),
            output::text(&expected(source)),
        );
        if !source.counts.said.trim().is_empty() {
            output::say!("  {}", output::text(&source.counts.said.trim().chars().take(200).collect::<String>()));
        }
    }
    if sources.is_empty() {
        output::say!("No source was heard yet.");
    }
    Ok(Exit::Confirmed)
}

fn second(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), Timestamp::date_and_second)
}

fn expected(source: &SourceState) -> String {
    let Some(heartbeat) = &source.heartbeat else { return "-".into() };
    let every = crate::domain::source::span(heartbeat.every_ms);
    match &heartbeat.query {
        Some(query) => format!("{query} every {every}"),
        None => format!("any word every {every}"),
    }
}

fn source_json(source: &SourceState) -> Value {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let heartbeat = source.heartbeat.as_ref();
    json!({
        "v": 1,
        "name": source.name,
        "state": word(source),
        "last_seen": time(source.last_seen),
        "last_beat": time(heartbeat.and_then(|heartbeat| heartbeat.last)),
        "heartbeat": heartbeat.and_then(|heartbeat| heartbeat.query.as_ref()),
        "every_ms": heartbeat.map(|heartbeat| heartbeat.every_ms),
        "silent_since": time(source.silent_since),
        "failing_since": time(source.counts.failing_since),
        "running_since": time(source.counts.running_since),
        "requests": source.counts.requests,
        "beats": source.counts.beats,
        "silences": source.counts.silences,
        "said": source.counts.said,
    })
}

/// Prints the funnel.
pub fn stats(globals: &Globals, arguments: &Stats) -> anyhow::Result<Exit> {
    let Opened { mut parts, behind } = super::small_runtime()?.block_on(exchanged(globals))?;
    if let Some(error) = &behind {
        eprintln!("nightdesk: as last mirrored: {}", output::text(&error.to_string()));
    }
    let items = parts.mirror.items()?;
    let funnel = funnel(items.days.values(), DayNumber::of(clock::now()), arguments.days);
    if arguments.json {
        let days: Vec<Value> = funnel.days.iter().map(|(date, counts)| named("date", date, counts)).collect();
        let sources: Vec<Value> =
            funnel.sources.iter().map(|(source, counts)| named("source", source, counts)).collect();
        let all = json!({ "v": 1, "rows": funnel.rows, "days": days, "sources": sources, "total": funnel.total });
        output::say!("{}", output::json_line(&all));
        return Ok(Exit::Confirmed);
    }
    let line = |date: &str, source: &str, counts: &Counts| {
        let Counts { events, series, real, incidents, pages } = counts;
        output::say!(
            "{} {} {events:>10} {series:>8} {real:>8} {incidents:>9} {pages:>7}",
            output::cell(date, 10),
            output::cell(source, 16)
        );
    };
    output::say!("DAY (UTC)  SOURCE               EVENTS   SERIES     REAL INCIDENTS   PAGES");
    for row in &funnel.rows {
        line(&row.date, &row.source, &Counts::of(row));
    }
    for (source, counts) in funnel.sources.iter().filter(|_| funnel.days.len() > 1) {
        line("all", source, counts);
    }
    line("all", "all", &funnel.total);
    Ok(Exit::Confirmed)
}

fn named(key: &str, name: &str, counts: &Counts) -> Value {
    let mut value = json!(counts);
    value[key] = json!(name);
    value
}
