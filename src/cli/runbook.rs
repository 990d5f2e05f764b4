//! `nightdesk runbook`: what to do about an alert, what changed of it since one read it, and who has read it.

mod beside;
mod duty;

pub use duty::{gaps_said, unread_said};

use super::open::{Opened, again, exchanged, find, tell};
use super::{Exit, Globals, output};
use crate::domain::id::{IncidentId, UserName};
use crate::domain::item::Items;
use crate::domain::op::{Act, Basis};
use crate::domain::runbook::{Made, Reading, Revision, Runbook, RunbookName};
use crate::domain::series::common_labels;
use crate::domain::time::Timestamp;
use crate::query::runbooks::{Match, Shelf};
use crate::runbook::{Page, changes, template};
use crate::sync::clock;
use crate::sync::console::Parts;
use crate::sync::picture::Detail;
use crate::sync::teller::{Draft, append};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use output::{json_line, say, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The width of what is printed.
const WIDTH: usize = 100;

/// What can be asked and said of runbooks.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists all runbooks, and what you have read of each.
    List {
        /// Prints one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Shows a runbook, or those of an incident.
    Show(Which),
    /// Shows what changed since you last said that you read it.
    Diff(Which),
    /// Says "I've read it" of the current text.
    Read(Which),
    /// Lists who should still read what: the current text of each runbook that they may be called for.
    Unread {
        /// Only what you should read.
        #[arg(long)]
        mine: bool,
        /// Prints one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Lists alerts without a runbook, runbooks without an alert, and old ones.
    Gaps {
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Prints the beginning of a runbook for an incident, with its labels: a file for the hub's directory.
    Template {
        /// The incident's number.
        id: String,
    },
    /// Lists what is ticked of the checklists within an incident.
    Ticks(Which),
    /// Lists the words that readers left for the authors.
    Remarks {
        /// Of which runbook or incident; of all where it is left out.
        what: Option<String>,
        /// Only of runbooks that you answer for.
        #[arg(long)]
        mine: bool,
        /// Prints one JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

/// Which runbook.
#[derive(Debug, Args)]
pub struct Which {
    /// A runbook's name such as `pay/5xx.md`, the end of one, or an incident's number.
    what: String,
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(globals: &Globals, command: &Command) -> anyhow::Result<Exit> {
    let runtime = super::small_runtime()?;
    let Opened { mut parts, behind } = runtime.block_on(exchanged(globals))?;
    if let Some(error) = &behind {
        eprintln!("nightdesk: as last mirrored: {}", text(&error.to_string()));
    }
    let items = parts.mirror.items()?;
    match command {
        Command::List { json } => list(&items, &parts.device.user, *json),
        Command::Show(which) => each(&mut parts, &items, which, show),
        Command::Diff(which) => each(&mut parts, &items, which, diff),
        Command::Read(which) => runtime.block_on(read(&mut parts, &items, which)),
        Command::Unread { mine, json } => {
            let user = mine.then(|| parts.device.user.clone());
            duty::unread(&mut parts.mirror, &items, user.as_ref(), *json)
        }
        Command::Gaps { json } => duty::gaps(&mut parts.mirror, &items, *json),
        Command::Template { id } => {
            let incident = find(&mut parts.mirror, id)?;
            let labels = common_labels(&parts.mirror.series_of(incident.id, Detail::SERIES_MAX)?);
            say!("{}", template::template(&incident.summary, parts.device.user.as_str(), &labels).trim_end());
            Ok(Exit::Confirmed)
        }
        Command::Ticks(which) => beside::ticks(&mut parts, &items, which),
        Command::Remarks { what, mine, json } => {
            let user = mine.then(|| parts.device.user.clone());
            beside::remarks(&mut parts, &items, what.as_deref(), user.as_ref(), *json)
        }
    }
}

/// A runbook that was asked for, and why where an incident asks.
struct Asked<'a> {
    runbook: &'a Runbook,
    why: Option<String>,
    /// What all series of the incident have in common; without an incident nothing.
    labels: BTreeMap<String, String>,
}

impl<'a> Asked<'a> {
    fn alone(runbook: &'a Runbook) -> Vec<Self> {
        vec![Self { runbook, why: None, labels: BTreeMap::new() }]
    }
}

/// Returns the runbooks that the words name.
fn asked<'a>(parts: &mut Parts, items: &'a Items, what: &str) -> anyhow::Result<Vec<Asked<'a>>> {
    if let Some(runbook) = items.runbooks.get(what) {
        return Ok(Asked::alone(runbook));
    }
    if what.chars().all(|c| c.is_ascii_digit()) {
        let incident = find(&mut parts.mirror, what)?;
        let series = parts.mirror.series_of(incident.id, Detail::SERIES_MAX)?;
        let found = Shelf::of(items).matching(&series, clock::now());
        if found.is_empty() {
            bail!("no runbook is for incident {what}; a `match` in a runbook's front matter says which it is for");
        }
        let labels = common_labels(&series);
        let found = found.into_iter().filter_map(|Match { name, why, .. }| {
            Some(Asked { runbook: items.runbooks.get(name.as_str())?, why: Some(why), labels: labels.clone() })
        });
        return Ok(found.collect());
    }
    let ends = |runbook: &&Runbook| runbook.name.as_str().ends_with(what) || runbook.title == what;
    let found: Vec<&Runbook> = items.runbooks.values().filter(ends).collect();
    match found.as_slice() {
        [runbook] => Ok(Asked::alone(runbook)),
        [] => bail!("no runbook {what:?} is known here; `nightdesk runbook list` shows them"),
        more => bail!("{what:?} names {} runbooks; write the whole path", more.len()),
    }
}

fn each(
    parts: &mut Parts,
    items: &Items,
    which: &Which,
    print: fn(&mut Parts, &Items, &Asked<'_>, bool) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    for asked in asked(parts, items, &which.what)? {
        print(parts, items, &asked, which.json)?;
    }
    Ok(Exit::Confirmed)
}

fn reading(items: &Items, runbook: &Runbook, user: &UserName) -> Reading {
    runbook.reading(user, items.readers.get(runbook.name.as_str()))
}

fn word(reading: Reading) -> &'static str {
    match reading {
        Reading::Current { .. } => "read",
        Reading::Changed { .. } => "CHANGED",
        Reading::Unread => "unread",
    }
}

/// Returns the text that a person has read, and when they said so, where that is not the current one.
fn reading_at(reading: Reading) -> Option<(Revision, Timestamp)> {
    match reading {
        Reading::Changed { read, at } => Some((read, at)),
        Reading::Current { .. } | Reading::Unread => None,
    }
}

fn object(items: &Items, runbook: &Runbook, user: &UserName) -> Value {
    let reading = reading(items, runbook, user);
    let read = match reading {
        Reading::Current { at } => runbook.current().map(|made| (made.revision, at)),
        Reading::Changed { .. } | Reading::Unread => reading_at(reading),
    };
    let made = |made: &Made| {
        json!({
            "revision": made.revision, "at": made.at.to_string(), "author": made.author, "message": made.message,
            "commit": made.commit,
        })
    };
    json!({
        "v": 1, "name": runbook.name, "title": runbook.title, "owner": runbook.owner, "match": runbook.matches,
        "runbook_urls": runbook.urls, "revisions": runbook.made.iter().map(made).collect::<Vec<_>>(), "bytes": runbook.bytes,
        "fault": runbook.fault, "reading": word(reading).to_lowercase(),
        "read": read.map(|(revision, at)| json!({ "revision": revision, "at": at.to_string() })),
    })
}

fn list(items: &Items, user: &UserName, json: bool) -> anyhow::Result<Exit> {
    for runbook in items.runbooks.values() {
        if json {
            say!("{}", json_line(&object(items, runbook, user)));
            continue;
        }
        let made = runbook.current().map_or_else(|| "-".to_owned(), made_words);
        let state = word(reading(items, runbook, user));
        say!("{} {} {}  {made}", output::cell(state, 8), output::cell(runbook.name.as_str(), 32), text(&runbook.title));
        if let Some(fault) = &runbook.fault {
            say!("         WRONG {}", text(fault));
        }
    }
    if items.runbooks.is_empty() && !json {
        say!("The hub has no runbooks; `runbooks = \"path\"` in its hub.toml names their directory.");
    }
    Ok(Exit::Confirmed)
}

/// Says which text it is: by whom, when, why.
fn made_words(made: &Made) -> String {
    let author = if made.author.is_empty() { String::new() } else { format!(" by {}", text(&made.author)) };
    let message = if made.message.is_empty() { String::new() } else { format!(": {}", text(&made.message)) };
    format!("{} {}{author}{message}", made.revision.short(), &made.at.date_and_second()[..16])
}

fn stored(parts: &mut Parts, runbook: &Runbook, revision: Revision) -> anyhow::Result<Page> {
    let found = parts.mirror.runbook_text(&runbook.name, revision)?;
    let found =
        found.with_context(|| format!("the text {} of {} is not mirrored here", revision.short(), runbook.name))?;
    page(&found, &runbook.name)
}

fn page(text: &str, name: &RunbookName) -> anyhow::Result<Page> {
    Ok(crate::runbook::Runbook::read(text.as_bytes(), name.as_str())?.page())
}

fn show(parts: &mut Parts, items: &Items, asked: &Asked<'_>, json: bool) -> anyhow::Result<()> {
    let runbook = asked.runbook;
    let Some(made) = runbook.current() else {
        bail!("{}", text(runbook.fault.as_deref().unwrap_or("there is no good text of it")));
    };
    if json {
        let mut object = object(items, runbook, &parts.device.user);
        object["text"] = json!(parts.mirror.runbook_text(&runbook.name, made.revision)?);
        object["why"] = json!(asked.why);
        say!("{}", json_line(&object));
        return Ok(());
    }
    head(items, asked, &parts.device.user);
    for line in stored(parts, runbook, made.revision)?.lines(WIDTH, &asked.labels) {
        say!("{}", line.text());
    }
    Ok(())
}

fn head(items: &Items, asked: &Asked<'_>, user: &UserName) {
    let runbook = asked.runbook;
    say!("{}  {}", runbook.name, text(&runbook.title));
    say!("  {}", runbook.current().map(made_words).unwrap_or_default());
    if let Some(why) = &asked.why {
        say!("  {}", text(why));
    }
    if let Some(fault) = &runbook.fault {
        say!("  WRONG {}", text(fault));
    }
    match reading(items, runbook, user) {
        Reading::Current { at } => say!("  you read it on {}", &at.date_and_second()[..10]),
        Reading::Changed { read, at } => {
            say!("  CHANGED since you read {} on {}", read.short(), &at.date_and_second()[..10]);
        }
        Reading::Unread => say!("  you have not read it"),
    }
}

fn diff(parts: &mut Parts, items: &Items, asked: &Asked<'_>, json: bool) -> anyhow::Result<()> {
    let runbook = asked.runbook;
    let Some(made) = runbook.current() else { return show(parts, items, asked, json) };
    let read = match reading(items, runbook, &parts.device.user) {
        Reading::Changed { read, .. } => read,
        Reading::Current { .. } | Reading::Unread => return show(parts, items, asked, json),
    };
    let (old, new) = (stored(parts, runbook, read)?, stored(parts, runbook, made.revision)?);
    let changed = changes(&old, &new);
    if json {
        let hunks: Vec<Value> = changed.hunks.iter().map(|hunk| json!(lines(hunk.lines(WIDTH)))).collect();
        let mut object = object(items, runbook, &parts.device.user);
        object["hunks"] = json!(hunks);
        say!("{}", json_line(&object));
        return Ok(());
    }
    head(items, asked, &parts.device.user);
    for hunk in &changed.hunks {
        say!("");
        lines(hunk.lines(WIDTH)).iter().for_each(|line| say!("{line}"));
    }
    if changed.hunks.is_empty() {
        say!("  nothing that is read differs");
    }
    Ok(())
}

fn lines(lines: Vec<crate::runbook::Line>) -> Vec<String> {
    lines.iter().map(|line| line.text()).collect()
}

async fn read(parts: &mut Parts, items: &Items, which: &Which) -> anyhow::Result<Exit> {
    let found = asked(parts, items, &which.what)?;
    let [Asked { runbook, .. }] = found.as_slice() else {
        bail!("{} runbooks are for {}; name one of them", found.len(), which.what);
    };
    let made = runbook.current().context("there is no good text of it")?;
    let act = Act::Read { runbook: runbook.name.clone(), revision: made.revision };
    // It is about no incident.
    let draft = Draft { incident: IncidentId(Uuid::nil()), basis: Basis { rev: 0, claim_no: 0 }, act };
    let op_id = append(&mut parts.mirror, &parts.device, draft)?.op.op_id;
    let behind = again(parts).await;
    tell(&mut parts.mirror, &[op_id])?;
    let verdict = parts.mirror.own_op(op_id)?.and_then(|own| own.verdict);
    let exit = super::act::exit_of(verdict.as_ref());
    if which.json {
        let op = json!({ "op_id": op_id.to_string(), "kind": "runbook_read", "verdict": verdict });
        say!("{}", json_line(&json!({ "v": 1, "name": runbook.name, "revision": made.revision, "op": op })));
        return Ok(exit);
    }
    match verdict {
        Some(verdict) => say!("read {} {}: {}", runbook.name, made.revision.short(), text(&verdict.sentence())),
        None => {
            let why = behind.map_or(String::new(), |error| format!(" ({})", text(&error.to_string())));
            say!("read {} {}: saved here only, NOT confirmed{why}", runbook.name, made.revision.short());
        }
    }
    Ok(exit)
}
