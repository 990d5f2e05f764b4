//! `nightdesk silence`: what calls nobody for a while.

use super::open::{Opened, exchanged};
use super::{Exit, Globals, output};
use crate::domain::item::Silence;
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use crate::domain::when;
use crate::query::Query;
use crate::query::silencing::{matchers, silencing, timed};
use crate::sync::client::ClientError;
use crate::sync::console::Parts;
use crate::sync::covering::covering;
use crate::sync::{clock, token};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use std::io::{IsTerminal as _, Write as _};

/// What can be done about silences.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lets nobody be called about what fits label matchers, for 8 h at most; it is shown all the same. Needs the hub.
    Add(Add),
    /// Lists the silences that count or are to come, with how many open incidents each keeps quiet.
    List(List),
    /// Ends a silence now: what still burns pages at once. Needs the hub.
    End(End),
}

/// Arguments of `silence add`.
#[derive(Debug, Args)]
pub struct Add {
    /// Label matchers, one of them an equality: '{service="pay", cluster=~"eu-.*"}'.
    matchers: String,
    /// Until when: 2h, 04:20, "tomorrow 09:00".
    #[arg(long = "for", value_name = "TIME")]
    until: String,
    /// Why, for everybody.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Does not ask.
    #[arg(long)]
    yes: bool,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// Arguments of `silence list`.
#[derive(Debug, Args)]
pub struct List {
    /// Those that are over too.
    #[arg(long)]
    all: bool,
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Arguments of `silence end`.
#[derive(Debug, Args)]
pub struct End {
    /// Its id, or the beginning of it.
    id: String,
}

/// Does what the arguments say.
pub fn run(globals: &Globals, command: &Command) -> anyhow::Result<Exit> {
    let runtime = super::small_runtime()?;
    let mut opened = runtime.block_on(exchanged(globals))?;
    match command {
        Command::Add(add) => runtime.block_on(self::add(&mut opened, add)),
        Command::List(list) => self::list(&mut opened, list),
        Command::End(end) => runtime.block_on(self::end(&mut opened, end)),
    }
}

async fn add(opened: &mut Opened, arguments: &Add) -> anyhow::Result<Exit> {
    let (query, text) = silencing(&arguments.matchers).map_err(anyhow::Error::msg)?;
    let now = clock::now();
    let until = when::parse(&arguments.until, now, &jiff::tz::TimeZone::system())?;
    needs_the_hub(opened)?;
    let covers = covering(&mut opened.parts.mirror, &query, now)?.sentence();
    let told = when::told(until, now, &jiff::tz::TimeZone::system());
    eprintln!("Silence {} until {told}: {covers}.", output::text(&text));
    if !arguments.yes && !asked("Silence it?")? {
        bail!("nothing was done");
    }
    let id = put(opened, &query, (now, until), &arguments.reason).await?;
    if arguments.json {
        let line = json!({ "v": 1, "id": id, "matchers": text, "ends_at": until.to_string() });
        output::say!("{}", output::json_line(&line));
    } else {
        output::say!("{} until {told}; `nightdesk silence end {0}` ends it", output::text(&id));
    }
    Ok(Exit::Confirmed)
}

async fn end(opened: &mut Opened, arguments: &End) -> anyhow::Result<Exit> {
    needs_the_hub(opened)?;
    let now = clock::now();
    let silences = opened.parts.mirror.items()?.silences;
    let mut named = silences.values().filter(|one| one.id.starts_with(&arguments.id) && !one.is_over(now));
    let Some(silence) = named.next() else { bail!("no silence {:?} is alive; `nightdesk silence list`", arguments.id) };
    if named.next().is_some() {
        bail!("{:?} names several silences; give more of the id", arguments.id);
    }
    if let Some(up) = &silence.upstream {
        bail!("that is of the Alertmanager at {}: end it there", output::text(&up.name));
    }
    let token = token(&mut opened.parts)?;
    opened.parts.client.end_silence(&silence.id, token.as_deref()).await.map_err(plainly)?;
    output::say!("{} is over: what still burns pages now", output::text(&silence.id));
    Ok(Exit::Confirmed)
}

fn list(opened: &mut Opened, arguments: &List) -> anyhow::Result<Exit> {
    if let Some(error) = &opened.behind {
        eprintln!("nightdesk: as last mirrored: {}", output::text(&error.to_string()));
    }
    let now = clock::now();
    let open = opened.parts.mirror.recent(now, 0)?;
    let silences = opened.parts.mirror.items()?.silences;
    let mut shown: Vec<&Silence> = silences.values().filter(|one| arguments.all || !one.is_over(now)).collect();
    shown.sort_by_key(|one| (one.ends_at, &one.id));
    for one in &shown {
        let quiet = |id: &&String| **id == one.id;
        let by = open.iter().filter_map(|incident| incident.silenced.as_ref());
        let count = by.filter(|silenced| silenced.by.iter().any(|id| quiet(&id))).count();
        say(one, count, now, arguments.json);
    }
    if shown.is_empty() && !arguments.json {
        output::say!("Nothing is silenced.");
    }
    Ok(Exit::Confirmed)
}

fn say(one: &Silence, count: usize, now: Timestamp, json: bool) {
    if json {
        let line = json!({
            "v": 1, "id": one.id, "state": one.state_word(now), "matchers": one.matchers, "starts_at": one.starts_at.to_string(),
            "ends_at": one.ends_at.to_string(), "by": one.created_by, "reason": one.reason, "incidents": count,
            "upstream": one.upstream,
        });
        output::say!("{}", output::json_line(&line));
        return;
    }
    let id = one.id.get(..8).unwrap_or(&one.id);
    let (word, until) = (one.state_word(now), one.ends_at.date_and_second());
    output::say!("{} {word} until {until}  {count} quiet  {}", output::text(id), output::text(&one.matchers));
    let of = one.upstream.as_ref().map_or(String::new(), |up| format!(" (upstream {})", output::text(&up.name)));
    output::say!("         {}{of}: {}", output::text(&one.created_by), output::text(&one.reason));
}

/// Makes a silence of `{service="pay"} 2h reason`, as a console asked its person; returns what came of it in lines.
pub fn said(globals: &Globals, words: &str) -> Vec<String> {
    match made(globals, words) {
        Ok(lines) => lines,
        Err(error) => format!("nothing was silenced: {error:#}").lines().map(str::to_owned).collect(),
    }
}

fn made(globals: &Globals, words: &str) -> anyhow::Result<Vec<String>> {
    let (query, within, reason) = timed(words).context("write {service=\"pay\"} 2h REASON")?;
    let (query, text) = silencing(query).map_err(anyhow::Error::msg)?;
    let runtime = super::small_runtime()?;
    let mut opened = runtime.block_on(exchanged(globals))?;
    needs_the_hub(&opened)?;
    let (now, zone) = (clock::now(), jiff::tz::TimeZone::system());
    let until = now.plus(within);
    let covers = covering(&mut opened.parts.mirror, &query, now)?.sentence();
    let id = runtime.block_on(put(&mut opened, &query, (now, until), reason))?;
    let told = when::told(until, now, &zone);
    Ok(vec![
        format!("{} is silenced until {told}: {covers}.", output::text(&text)),
        format!("`nightdesk silence end {}` ends it; :silences lists all.", output::text(&id)),
    ])
}

/// Lets the hub make it; returns its id.
async fn put(
    opened: &mut Opened,
    query: &Query,
    (from, until): (Timestamp, Timestamp),
    reason: &str,
) -> anyhow::Result<String> {
    let body = json!({
        "matchers": matchers(query), "startsAt": from.to_string(), "endsAt": until.to_string(),
        "createdBy": opened.parts.device.user, "comment": reason,
    });
    let token = token(&mut opened.parts)?;
    opened.parts.client.add_silence(&body, token.as_deref()).await.map_err(plainly)
}

fn needs_the_hub(opened: &Opened) -> anyhow::Result<()> {
    match &opened.behind {
        Some(error) => bail!("a silence needs the hub, and nothing was done: {}", output::text(&error.to_string())),
        None => Ok(()),
    }
}

/// Returns what this console is let in by; the administrator's, where it was given, allows more.
fn token(parts: &mut Parts) -> anyhow::Result<Option<String>> {
    match &parts.admin_token {
        Some(token) => Ok(Some(token.clone())),
        None => Ok(parts.mirror.note(token::NOTE)?),
    }
}

fn plainly(error: ClientError) -> anyhow::Error {
    match error {
        ClientError::Refused { text, .. } => {
            let words = serde_json::from_str::<String>(&text).unwrap_or(text);
            anyhow::anyhow!("the hub refuses: {}", SafeText::line(&words, 400))
        }
        other => other.into(),
    }
}

fn asked(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here; say --yes");
    }
    eprint!("{question} [y/N] ");
    std::io::stderr().flush().context("asking")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("reading the answer")?;
    Ok(matches!(answer.trim(), "y" | "yes"))
}
