//! `nightdesk similar`: the earlier incidents like one, from what is mirrored.

use super::open::{Opened, exchanged, find};
use super::{Exit, Globals, output};
use crate::domain::similar::{Earlier, span_words};
use crate::sync::clock;
use clap::Args;
use serde_json::{Value, json};
use std::time::Duration;

/// Arguments of `similar`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The incident's number, or the beginning of its id (four digits or more).
    id: String,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// Shows them: same group, same rule, like labels; the newest first within each.
pub fn run(globals: &Globals, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Opened { mut parts, behind } = super::small_runtime()?.block_on(exchanged(globals))?;
    let incident = find(&mut parts.mirror, &arguments.id)?;
    let similar = parts.mirror.similar(incident.id, clock::now())?;
    if let Some(error) = behind {
        eprintln!("nightdesk: as last mirrored: {}", output::text(&error.to_string()));
    }
    if arguments.json {
        let earlier: Vec<Value> = similar.earlier.iter().map(earlier_json).collect();
        let object = json!({
            "v": 1, "number": incident.number, "seen_in_30_days": similar.seen,
            "median_seconds": similar.median.map(|span| span.as_secs()), "mostly": similar.mostly, "earlier": earlier,
        });
        output::say!("{}", output::json_line(&object));
        return Ok(Exit::Confirmed);
    }
    output::say!("{}", similar.head());
    for one in &similar.earlier {
        output::say!(
            "{} {:<5} {} {} ack {} resolved {}  {}",
            output::cell(&one.number.to_string(), 6),
            one.likeness.word(),
            one.opened_at.date_and_second(),
            output::cell(one.who.as_ref().map_or("nobody", |who| who.as_str()), 12),
            output::cell(&span(one.to_ack), 9),
            output::cell(&span(one.to_resolve), 9),
            output::text(&one.summary),
        );
        if let Some(note) = &one.note {
            output::say!("       {}", output::text(note));
        }
    }
    if similar.earlier.is_empty() {
        output::say!("No earlier incident like it is known here.");
    }
    Ok(Exit::Confirmed)
}

fn span(span: Option<Duration>) -> String {
    span.map_or_else(|| "-".to_owned(), span_words)
}

fn earlier_json(one: &Earlier) -> Value {
    json!({
        "number": one.number, "like": one.likeness.word(), "opened_at": one.opened_at.to_string(), "who": one.who,
        "to_ack_seconds": one.to_ack.map(|span| span.as_secs()),
        "to_resolve_seconds": one.to_resolve.map(|span| span.as_secs()),
        "note": one.note, "summary": one.summary,
    })
}
