//! `nightdesk why`: the way from an alert to a person, of an incident as it went, or of labels as it would go.

use super::open::{Opened, exchanged, find};
use super::output::{json_line, say, text};
use super::{Exit, Globals, output};
use crate::config::{Hub, Paths};
use crate::domain::course::Way;
use crate::domain::holds::Plan;
use crate::domain::id::SourceName;
use crate::domain::incident::Incident;
use crate::domain::label::{LabelLimits, Labels};
use crate::domain::paging::Paging;
use crate::query::Query;
use crate::rules::{Decision, Said};
use crate::sync::clock;
use crate::sync::picture::Detail;
use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Arguments of `why`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// An incident's number; or labels such as '{alertname="Down", service="pay"}', for a dry run of the rules.
    what: String,
    /// The hub's configuration for a dry run; without it that of this user's own hub, else the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Which source says so, in a dry run.
    #[arg(long, default_value = "prometheus", value_name = "NAME")]
    source: String,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// Says it.
pub fn run(globals: &Globals, arguments: &Arguments) -> anyhow::Result<Exit> {
    if arguments.what.trim_start().starts_with('{') { dry(globals, arguments) } else { stored(globals, arguments) }
}

/// Tells the way of an incident, as it was decided, and whom the hub called.
fn stored(globals: &Globals, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Opened { mut parts, behind } = super::small_runtime()?.block_on(exchanged(globals))?;
    let incident = find(&mut parts.mirror, &arguments.what)?;
    let pages = parts.mirror.pages_of(incident.id, Detail::PAGES_MAX)?;
    let sources = parts.mirror.series_of(incident.id, Detail::SERIES_MAX)?;
    let sources: BTreeSet<&str> = sources.iter().map(|series| series.source.as_str()).collect();
    if let Some(error) = behind {
        eprintln!("nightdesk: as last mirrored: {}", output::text(&error.to_string()));
    }
    let sources = sources.into_iter().collect::<Vec<_>>().join(", ");
    if arguments.json {
        let pages: Vec<_> = pages.iter().map(output::page).collect();
        let object = json!({
            "number": incident.number, "source": sources, "severity": incident.severity, "plan": incident.plan.word(),
            "team": incident.course.team(), "policy": incident.course.policy(), "level": incident.level,
            "ways": incident.course.ways, "held": incident.held, "silenced": incident.silenced, "pages": pages,
        });
        say!("{}", json_line(&object));
        return Ok(Exit::Confirmed);
    }
    say!("{} {}", incident.number, text(&incident.summary));
    say!("  source    {}", text(&sources));
    ways(&incident.course.ways);
    say!("  level     {}", level(&incident));
    waits(&incident);
    for page in &pages {
        say!("  {}", output::called(page));
    }
    if pages.is_empty() {
        say!("  nobody was called yet");
    }
    Ok(Exit::Confirmed)
}

/// Tells what keeps its calls back.
fn waits(incident: &Incident) {
    if let Some(held) = &incident.held {
        say!("  held      by {} until {} at the latest", held.number, held.until.hour_minute());
    }
    if let Some(silenced) = &incident.silenced {
        say!("  silenced  by {} until {}", text(&silenced.who), silenced.until.hour_minute());
    }
}

fn level(incident: &Incident) -> String {
    match (incident.level, incident.round) {
        (0, _) => "none was called".to_owned(),
        (level, 0) => format!("{level} of policy {}", text(incident.course.policy())),
        (level, round) => format!("{level} of policy {}, round {}", text(incident.course.policy()), round + 1),
    }
}

fn ways(ways: &[Way]) {
    for Way { part, by, made } in ways {
        say!("  {part:<9} {} by {}", text(made), text(by));
    }
}

/// Tells what the rules would make of labels, and who would be called now.
fn dry(globals: &Globals, arguments: &Arguments) -> anyhow::Result<Exit> {
    let hub = config(globals, arguments)?;
    let labels = labels(&arguments.what)?;
    let source = SourceName::parse(&arguments.source).context("--source")?;
    let decision = hub.book.decide(Said { source: &source, labels: &labels, annotations: &Labels::default() });
    let called = who(&hub.paging, &decision);
    if arguments.json {
        let severity = decision.severity;
        let object = json!({
            "source": source, "severity": severity, "group": decision.group.key, "summary": decision.group.summary,
            "plan": decision.plan.word(), "calendar": decision.calendar, "pending_s": decision.pending.as_secs(),
            "team": decision.course.team(), "policy": decision.course.policy(), "ways": decision.course.ways,
            "first_level": called,
        });
        say!("{}", json_line(&object));
        return Ok(Exit::Confirmed);
    }
    say!("{}", text(&decision.group.summary));
    say!("  source    {}", text(source.as_str()));
    ways(&decision.course.ways);
    say!("  level     1: {called}");
    Ok(Exit::Confirmed)
}

fn config(globals: &Globals, arguments: &Arguments) -> anyhow::Result<Hub> {
    let own = Paths::find(globals.home.clone())?.config.join("hub.toml");
    match &arguments.config {
        Some(path) => Ok(Hub::read(path)?),
        None if own.exists() => Ok(Hub::read(&own)?),
        None => Ok(Hub::default()),
    }
}

/// Reads labels that are written as matchers, each an equality.
fn labels(written: &str) -> anyhow::Result<Labels> {
    let query = match Query::parse(written) {
        Ok(query) => query,
        Err(error) => bail!("these are no labels:\n{}", text(&error.pointed(written))),
    };
    let pairs = query.equalities();
    if pairs.len() != query.tree().musts().len().max(1) {
        bail!("write labels with their values alone, such as {{alertname=\"Down\", service=\"pay\"}}");
    }
    Labels::new(pairs, &LabelLimits::LABELS).context("these are no labels")
}

/// Says who the first level calls at this moment, and by what; consoles that the hub knows are not known here.
fn who(paging: &Paging, decision: &Decision) -> String {
    let now = clock::now();
    let mild = decision.severity.is_some_and(|severity| paging.down_to.is_worse_than(severity));
    if mild {
        return format!("nobody: milder than {}", paging.down_to);
    }
    let waits = decision.calendar.as_ref().and_then(|name| paging.calendars.get(name));
    let when = match (decision.plan, waits) {
        (Plan::Keep, _) => return "nobody: kept for the retrospective".to_owned(),
        (Plan::Batch, Some(calendar)) if calendar.next_open(now) > now => {
            format!(" at {}", calendar.says(calendar.next_open(now)))
        }
        _ => String::new(),
    };
    let people = paging.callees(decision.course.policy(), 0, now, &BTreeSet::new());
    if people.is_empty() {
        return format!("everybody with a console{when}");
    }
    let each = people.iter().map(|person| {
        let chain: Vec<String> = paging.chain(person).into_iter().map(|link| link.channel).collect();
        format!("{person} ({})", chain.join(", "))
    });
    each.collect::<Vec<_>>().join(", ") + &when
}
