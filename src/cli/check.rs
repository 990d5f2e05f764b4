//! `nightdesk check`: what is wrong in a hub's configuration, and what is not meant.

use super::open::{address, parts, settings};
use super::output::{json_line, say, text};
use super::{Exit, Globals};
use crate::config::{ConfigError, Hub};
use crate::hub::runbooks;
use crate::rules::{Fault, Seen, remarks};
use crate::store::mirror::Mirror;
use crate::sync::clock;
use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How far back it is asked what a rule matched.
const LOOKED_BACK: Duration = Duration::from_secs(30 * 86_400);
/// Incidents whose series are looked at, the newest first.
const INCIDENTS_MAX: usize = 5000;
/// Series of one incident that are looked at.
const SERIES_MAX: usize = 200;

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The hub's configuration, as for `serve --config`.
    file: PathBuf,
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Does not ask what rules matched in the last 30 days.
    #[arg(long)]
    alone: bool,
}

/// Reads the file and says all that is wrong with it, with the lines.
pub fn run(globals: &Globals, arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = arguments.file.display().to_string();
    let written = std::fs::read_to_string(&arguments.file).with_context(|| format!("reading {name}"))?;
    let (hub, faults) = match Hub::parse(&arguments.file, &written) {
        Ok(read) => read,
        // Outside of the rules the first mistake ends the reading: what follows may be a matter of it.
        Err(ConfigError::Parse { line, why, .. }) => {
            tell(arguments.json, &name, "mistake", &[Fault { line, place: "syntax".into(), why }]);
            return Ok(Exit::Failed);
        }
        Err(error) => return Err(error.into()),
    };
    tell(arguments.json, &name, "mistake", &faults);
    if !faults.is_empty() {
        return Ok(Exit::Failed);
    }
    let seen = if arguments.alone { None } else { seen(globals) };
    let found = remarks(&hub.book, seen.as_deref());
    tell(arguments.json, &name, "remark", &found);
    let broken = match &hub.runbooks {
        Some(runbooks) => tell_runbooks(arguments.json, &runbooks.path)?,
        None => false,
    };
    if !arguments.json {
        let looked = match &seen {
            Some(seen) => format!("{} series of the last 30 days were looked at", seen.len()),
            None => "no mirror here to ask what the rules matched".to_owned(),
        };
        let remarked = match found.len() {
            0 => "nothing to remark".to_owned(),
            1 => "1 remark".to_owned(),
            more => format!("{more} remarks"),
        };
        say!("{}: can be used; {remarked}; {looked}", text(&name));
    }
    Ok(if found.is_empty() && !broken { Exit::Confirmed } else { Exit::Failed })
}

/// Says what is wrong with the files of the directory of runbooks; returns whether anything is.
fn tell_runbooks(as_json: bool, dir: &Path) -> anyhow::Result<bool> {
    let (count, faults) = runbooks::check(dir).with_context(|| format!("reading the runbooks of {}", dir.display()))?;
    for runbooks::Fault { file, line, why } in &faults {
        let file = dir.join(file).display().to_string();
        if as_json {
            say!("{}", json_line(&json!({"kind": "runbook", "file": file, "line": line, "why": why})));
        } else {
            let at = line.map_or(String::new(), |line| format!(" line {line}:"));
            say!("{}:{at} {}", text(&file), text(why));
        }
    }
    if !as_json {
        let good = count.saturating_sub(faults.len());
        say!("{}: {count} runbooks, {good} can be read", text(&dir.display().to_string()));
    }
    Ok(!faults.is_empty())
}

fn tell(as_json: bool, name: &str, kind: &str, faults: &[Fault]) {
    for Fault { line, place, why } in faults {
        if as_json {
            say!("{}", json_line(&json!({"kind": kind, "file": name, "line": line, "place": place, "why": why})));
            continue;
        }
        let mut lines = why.lines();
        say!("{}: line {line}: {}: {}", text(name), text(place), text(lines.next().unwrap_or_default()));
        lines.for_each(|line| say!("    {}", text(line)));
    }
}

/// Returns the series that this user's mirror knows of the last weeks; `None` where there is no mirror.
fn seen(globals: &Globals) -> Option<Vec<Seen>> {
    let (paths, console) = settings(globals).ok()?;
    if !paths.data.exists() {
        return None;
    }
    let hub = address(&paths, &console).ok()?;
    let mut mirror = super::small_runtime().ok()?.block_on(parts(&paths, &console, hub)).ok()?.mirror;
    read(&mut mirror).ok()
}

fn read(mirror: &mut Mirror) -> anyhow::Result<Vec<Seen>> {
    let mut incidents = mirror.incidents(clock::now().minus(LOOKED_BACK))?;
    incidents.sort_by_key(|incident| std::cmp::Reverse(incident.number));
    let mut seen = Vec::new();
    for incident in incidents.iter().take(INCIDENTS_MAX) {
        let series = mirror.series_of(incident.id, SERIES_MAX)?;
        seen.extend(series.into_iter().map(|series| Seen { source: series.source, labels: series.labels }));
    }
    Ok(seen)
}
