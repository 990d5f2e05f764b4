//! `nightdesk query`, and what commands that take a query share.

use super::open::{Opened, exchanged};
use super::{Exit, Globals, output};
use crate::domain::id::{IncidentId, UserName};
use crate::domain::incident::{Incident, Life};
use crate::domain::time::Timestamp;
use crate::query::explain::{Part, explain};
use crate::query::index::Index;
use crate::query::{Eyes, Query, QueryError, reference};
use crate::store::mirror::Mirror;
use crate::sync::clock;
use crate::sync::roster::{self, Roster};
use clap::{Args, Subcommand};
use serde_json::json;
use std::collections::{BTreeSet, HashSet};

/// Series of an incident that a query looks at.
const SERIES_MAX: usize = 10_000;
/// Incidents that are named in a line of an explanation.
const NAMED_MAX: usize = 12;

/// What to do with queries.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Says what a query means, part by part, and which open incidents fit it and each part of it.
    ///
    /// Exit status: 0; 2 when it is no query.
    Explain(Explain),
    /// Prints the language: what there is to write, and what it means.
    Reference(Reference),
}

/// Arguments of `query explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The query, such as 'severity<=3 {cluster=~"eu-.*"} -owner:me'.
    #[arg(value_name = "QUERY", allow_hyphen_values = true)]
    query: String,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// Arguments of `query reference`.
#[derive(Debug, Args)]
pub struct Reference {
    /// Prints the table of the README.
    #[arg(long)]
    markdown: bool,
}

/// Runs `nightdesk query`.
pub fn run(globals: &Globals, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::Explain(arguments) => told(globals, arguments),
        Command::Reference(arguments) => {
            let text = if arguments.markdown { reference::markdown() } else { reference::plain() };
            output::say!("{}", text.trim_end());
            Ok(Exit::Confirmed)
        }
    }
}

/// Returns the query of an argument, or the exit status of what was said about it.
pub fn read(text: &str) -> Result<Query, Exit> {
    // A query may begin with one `-`; what begins with two is a slip in a flag, and no "not not".
    if text.starts_with("--") {
        eprintln!("nightdesk: there is no flag {}; see --help", output::text(text));
        return Err(Exit::Broken);
    }
    Query::parse(text).map_err(|error| {
        eprintln!("nightdesk: this is no query\n{}", pointed(&error, text));
        Exit::Broken
    })
}

fn pointed(error: &QueryError, text: &str) -> String {
    error.pointed(text).lines().map(|line| format!("  {}", output::text(line))).collect::<Vec<_>>().join("\n")
}

/// The mirror's incidents with their series, and who looks at them.
pub struct Seen {
    /// The incidents.
    pub incidents: Vec<Incident>,
    index: Index,
    user: UserName,
    on_call: BTreeSet<UserName>,
    calls: HashSet<IncidentId>,
    now: Timestamp,
}

impl Seen {
    /// Reads the series of these incidents.
    pub fn of(mirror: &mut Mirror, user: &UserName, incidents: Vec<Incident>) -> anyhow::Result<Self> {
        let now = clock::now();
        let mut index = Index::default();
        for incident in &incidents {
            index.set(incident.id, &mirror.series_of(incident.id, SERIES_MAX)?);
        }
        let note = mirror.note(roster::NOTE)?;
        let roster = note.as_deref().and_then(|note| note.split_once('\n'));
        let paging = roster.and_then(|(_, json)| serde_json::from_str::<Roster>(json).ok()?.paging);
        let on_call = paging.map(|paging| paging.on_duty(now)).unwrap_or_default();
        let calls = mirror.calls(user, usize::from(u16::MAX))?.iter().map(|page| page.incident).collect();
        Ok(Self { incidents, index, user: user.clone(), on_call, calls, now })
    }

    /// Returns whose eyes look, and when.
    pub fn eyes(&self) -> Eyes<'_> {
        Eyes { now: self.now, me: Some(&self.user), on_call: &self.on_call, calls: &self.calls }
    }

    /// Returns those that fit.
    pub fn fits(&self, query: &Query) -> HashSet<IncidentId> {
        self.index.fits(query, &self.incidents, &self.eyes())
    }

    /// Returns the numbers of those that fit, going up.
    fn numbers(&self, query: &Query) -> Vec<u64> {
        let fits = self.fits(query);
        let fitting = self.incidents.iter().filter(|incident| fits.contains(&incident.id));
        let mut numbers: Vec<u64> = fitting.map(|incident| incident.number.0).collect();
        numbers.sort_unstable();
        numbers
    }
}

fn told(globals: &Globals, arguments: &Explain) -> anyhow::Result<Exit> {
    let query = match read(&arguments.query) {
        Ok(query) => query,
        Err(exit) => return Ok(exit),
    };
    let Opened { mut parts, behind } = super::small_runtime()?.block_on(exchanged(globals))?;
    if let Some(error) = &behind {
        eprintln!("nightdesk: as last mirrored: {}", output::text(&error.to_string()));
    }
    let mut incidents = parts.mirror.incidents(clock::now())?;
    incidents.retain(|incident| incident.life != Life::Resolved);
    let seen = Seen::of(&mut parts.mirror, &parts.device.user, incidents)?;
    let explained = explain(&query);
    if arguments.json {
        output::say!("{}", output::json_line(&as_json(&query, &explained, &seen)));
    } else {
        as_text(&query, &explained, &seen);
    }
    Ok(Exit::Confirmed)
}

fn as_json(query: &Query, explained: &[Part], seen: &Seen) -> serde_json::Value {
    let parts: Vec<_> = explained
        .iter()
        .map(|part| {
            let fits = part.query().map(|query| seen.numbers(&query)).unwrap_or_default();
            json!({
                "depth": part.depth, "kind": part.kind, "query": part.text, "means": part.words,
                "span": [part.span.start, part.span.end], "fits": fits,
            })
        })
        .collect();
    json!({
        "v": 1, "query": query.text(), "canonical": query.to_string(), "open": seen.incidents.len(),
        "fits": seen.numbers(query), "parts": parts,
    })
}

fn as_text(query: &Query, explained: &[Part], seen: &Seen) {
    let canonical = if query.is_all() { "{}".to_owned() } else { query.to_string() };
    output::say!("{}", output::text(&canonical));
    for part in explained {
        let numbers = part.query().map(|query| seen.numbers(&query)).unwrap_or_default();
        let indent = "  ".repeat(part.depth + 1);
        let which = if part.is_question() || explained.len() == 1 { named(&numbers) } else { String::new() };
        let kind = part.kind;
        output::say!("{indent}{kind}: {}  [{} fit{which}]", output::text(&part.words), numbers.len());
    }
    let fits = seen.numbers(query);
    output::say!("{} of {} open incidents fit{}", fits.len(), seen.incidents.len(), named(&fits));
}

fn named(numbers: &[u64]) -> String {
    if numbers.is_empty() {
        return String::new();
    }
    let named: Vec<String> = numbers.iter().take(NAMED_MAX).map(u64::to_string).collect();
    let more = if numbers.len() > NAMED_MAX { " .." } else { "" };
    format!(": {}{more}", named.join(" "))
}
