//! `nightdesk claim`: says that what fits a query is known to you, for a time.

use super::open::{Opened, exchanged, reach};
use super::{Exit, Globals, output};
use crate::domain::item::Claim;
use crate::query::silencing::timed;
use crate::sync::clock;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::time::Duration;

/// Arguments of `claim`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// What it is about, such as '{service="pay", cluster="eu"}'; see `nightdesk query explain`.
    #[arg(required = true)]
    query: Option<String>,
    /// For how long, such as 4h; at most 7d.
    #[arg(long = "for", value_name = "SPAN", value_parser = span, required = true)]
    within: Option<Duration>,
    /// Why: on-call reads it.
    #[arg(long, required = true)]
    reason: Option<String>,
    /// You are called first, and then the levels as always.
    #[arg(long)]
    page_me: bool,
    /// Prints the claim as one JSON object.
    #[arg(long)]
    json: bool,
}

/// What else is done with claims.
#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the claims that stand, the next to end first.
    List(List),
    /// Ends a claim before its time.
    End(End),
}

/// Arguments of `claim list`.
#[derive(Debug, Args)]
struct List {
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Arguments of `claim end`.
#[derive(Debug, Args)]
struct End {
    /// Its id, or the beginning of it.
    id: String,
}

fn span(text: &str) -> Result<Duration, String> {
    crate::domain::source::read_span(text).ok_or_else(|| format!("{text:?} is not a span of time; write 90m, 4h or 2d"))
}

/// Does it.
pub fn run(globals: &Globals, arguments: &Arguments) -> anyhow::Result<Exit> {
    match &arguments.command {
        Some(Command::List(list)) => self::list(globals, list),
        Some(Command::End(end)) => self::end(globals, end),
        None => make(globals, arguments),
    }
}

fn make(globals: &Globals, arguments: &Arguments) -> anyhow::Result<Exit> {
    let (Some(query), Some(within), Some(reason)) = (&arguments.query, arguments.within, &arguments.reason) else {
        anyhow::bail!("write: nightdesk claim QUERY --for 4h --reason \"...\"");
    };
    let claim = claimed(globals, query, within, reason, arguments.page_me)?;
    if arguments.json {
        output::say!("{}", output::json_line(&claim_json(&claim)));
    } else {
        output::say!("The hub has it: {}", line(&claim));
    }
    Ok(Exit::Confirmed)
}

/// Makes a claim at the hub and returns it as the hub has it.
///
/// # Errors
/// The hub's words, such as where the query is wrong.
pub fn claimed(globals: &Globals, query: &str, within: Duration, reason: &str, page_me: bool) -> anyhow::Result<Claim> {
    if let Err(error) = crate::query::Query::parse(query) {
        anyhow::bail!("{}", error.pointed(query));
    }
    let (client, token, user) = reach(globals)?;
    let wanted = json!({
        "query": query, "for_ms": within.as_millis() as u64, "reason": reason, "page_me": page_me, "by": user,
    });
    let answer = super::small_runtime()?.block_on(client.claim(&wanted, token.as_deref()))?;
    Ok(serde_json::from_value(answer)?)
}

/// Makes a claim of `QUERY 4h reason`, as a console types it; returns what came of it in lines.
pub fn said(globals: &Globals, words: &str) -> Vec<String> {
    let Some((query, within, reason)) = timed(words) else {
        return vec![
            "nothing was claimed; write QUERY, for how long, and why: claim {service=\"pay\"} 4h disk swap".into(),
        ];
    };
    match claimed(globals, query, within, reason, false) {
        Ok(claim) => vec![line(&claim), "Incidents that fit show it; nobody is called less for it.".into()],
        Err(error) => format!("nothing was claimed: {error:#}").lines().map(str::to_owned).collect(),
    }
}

fn end(globals: &Globals, arguments: &End) -> anyhow::Result<Exit> {
    let (client, token, _) = reach(globals)?;
    let answer = super::small_runtime()?.block_on(client.end_claim(&arguments.id, token.as_deref()))?;
    let claim: Claim = serde_json::from_value(answer)?;
    output::say!("Ended: {}", line(&claim));
    Ok(Exit::Confirmed)
}

fn list(globals: &Globals, arguments: &List) -> anyhow::Result<Exit> {
    let Opened { mut parts, behind } = super::small_runtime()?.block_on(exchanged(globals))?;
    if let Some(error) = &behind {
        eprintln!("nightdesk: as last mirrored: {}", output::text(&error.to_string()));
    }
    let (items, now) = (parts.mirror.items()?, clock::now());
    let mut claims: Vec<&Claim> = items.claims.values().filter(|claim| now < claim.until).collect();
    claims.sort_by(|a, b| (a.until, &a.id).cmp(&(b.until, &b.id)));
    for claim in &claims {
        match arguments.json {
            true => output::say!("{}", output::json_line(&claim_json(claim))),
            false => output::say!("{}", line(claim)),
        }
    }
    if claims.is_empty() && !arguments.json {
        output::say!("No claim stands.");
    }
    Ok(Exit::Confirmed)
}

/// Returns a claim in one line.
pub fn line(claim: &Claim) -> String {
    let first = if claim.page_me { ", called first" } else { "" };
    format!(
        "{} ask {} until {}: {} ({}{first})",
        output::text(claim.id.get(..8).unwrap_or(&claim.id)),
        claim.by,
        claim.until.date_and_second(),
        output::text(&claim.query),
        output::text(&claim.reason),
    )
}

fn claim_json(claim: &Claim) -> Value {
    json!({
        "v": 1, "id": claim.id, "by": claim.by, "query": claim.query, "at": claim.at.to_string(),
        "until": claim.until.to_string(), "reason": claim.reason, "page_me": claim.page_me,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_claim_is_a_query_a_span_and_a_reason() {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        assert_eq!(
            timed("{service=\"pay\", cluster=\"eu\"} 4h disk swap"),
            Some(("{service=\"pay\", cluster=\"eu\"}", hours(4), "disk swap"))
        );
        assert_eq!(timed("svc:pay age<2h 1h x"), Some(("svc:pay age<2h", hours(1), "x")));
        assert_eq!(timed("4h disk swap"), None);
        assert_eq!(timed("{service=\"pay\"}"), None);
    }
}
