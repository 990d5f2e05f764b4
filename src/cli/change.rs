//! `nightdesk change`: tells the hub of deploys, flags and drills, and lists them.

use super::open::{Opened, exchanged, reach};
use super::{Exit, Globals, output};
use crate::domain::change::{KINDS, kind_of, lately, sentence};
use crate::domain::item::{Change, ChangeKind};
use crate::sync::clock;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is done with changes.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tells the hub of a change: it stands in the timeline of the incidents that it may have to do with.
    Post(Post),
    /// Lists changes, the newest first.
    List(List),
}

/// Arguments of `change post`.
#[derive(Debug, Args)]
pub struct Post {
    /// One line: what was changed.
    title: String,
    /// deploy, flag, drill, experiment or other.
    #[arg(long, default_value = "deploy", value_parser = kind)]
    kind: ChangeKind,
    /// What it is about, as often as needed: service=payments. Incidents are met by service, cluster, namespace and team.
    #[arg(long = "label", short = 'l', value_name = "NAME=VALUE", value_parser = pair)]
    labels: Vec<(String, String)>,
    /// When it was made, such as 2026-01-31T03:05:00Z; without it, now.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Where more about it stands.
    #[arg(long)]
    url: Option<String>,
    /// Who made it; without it, you.
    #[arg(long)]
    by: Option<String>,
    /// Its name: the same again is the same change, told anew.
    #[arg(long)]
    id: Option<String>,
    /// Prints the hub's answer as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Arguments of `change list`.
#[derive(Debug, Args)]
pub struct List {
    /// How far back, such as 1h, 90m or 7d.
    #[arg(long, default_value = "24h", value_name = "SPAN", value_parser = span)]
    since: Duration,
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
}

fn kind(text: &str) -> Result<ChangeKind, String> {
    kind_of(text).ok_or_else(|| format!("write one of {}", KINDS.map(ChangeKind::word).join(", ")))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as service=payments")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn span(text: &str) -> Result<Duration, String> {
    crate::domain::source::read_span(text).ok_or_else(|| format!("{text:?} is not a span of time; write 1h, 90m or 7d"))
}

/// Does it.
pub fn run(globals: &Globals, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::Post(arguments) => post(globals, arguments),
        Command::List(arguments) => list(globals, arguments),
    }
}

fn post(globals: &Globals, arguments: &Post) -> anyhow::Result<Exit> {
    // A pipeline has a token for sources in a file; a person's console has its own.
    let (client, token, user) = reach(globals)?;
    let labels: BTreeMap<_, _> = arguments.labels.iter().cloned().collect();
    let change = json!({
        "kind": arguments.kind.word(), "title": arguments.title, "labels": labels, "at": arguments.at,
        "url": arguments.url.clone().unwrap_or_default(),
        "by": arguments.by.clone().unwrap_or(user), "id": arguments.id,
    });
    let answer: Value = super::small_runtime()?.block_on(client.change(&change, token.as_deref()))?;
    if arguments.json {
        output::say!("{}", output::json_line(&answer));
    } else {
        let id = answer["taken"][0].as_str().unwrap_or_default();
        output::say!(
            "The hub has it: {} {} ({})",
            arguments.kind.word(),
            output::text(&arguments.title),
            output::text(id)
        );
    }
    Ok(Exit::Confirmed)
}

fn list(globals: &Globals, arguments: &List) -> anyhow::Result<Exit> {
    let Opened { mut parts, behind } = super::small_runtime()?.block_on(exchanged(globals))?;
    if let Some(error) = &behind {
        eprintln!("nightdesk: as last mirrored: {}", output::text(&error.to_string()));
    }
    let items = parts.mirror.items()?;
    let changes = lately(items.changes.values(), clock::now(), arguments.since);
    for change in &changes {
        if arguments.json {
            output::say!("{}", output::json_line(&change_json(change)));
            continue;
        }
        let labels: Vec<String> = change.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        output::say!(
            "{} {} {}",
            change.at.date_and_second(),
            output::text(&sentence(change)),
            output::text(&labels.join(" "))
        );
        if !change.url.is_empty() {
            output::say!("  {}", output::text(&change.url));
        }
    }
    if changes.is_empty() && !arguments.json {
        output::say!("No change is known of that span.");
    }
    Ok(Exit::Confirmed)
}

fn change_json(change: &Change) -> Value {
    json!({
        "v": 1, "id": change.id, "kind": change.kind.word(), "title": change.title, "labels": change.labels,
        "at": change.at.to_string(), "url": change.url, "by": change.by,
    })
}
