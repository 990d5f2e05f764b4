//! What is shared and is no incident, as lines to read: changes, sources, the funnel, claims. Pure, from the picture alone.

use super::state::State;
use super::topic::Topic;
use super::views;
use crate::domain::change::{about, during, lately};
use crate::domain::day::{Counts, DayNumber, funnel};
use crate::domain::item::{Change, Claim, Silence, SourceState};
use crate::domain::runbook::{Reading, Runbook};
use crate::domain::series::SeriesState;
use crate::domain::source::{read_span, span, word};
use crate::domain::time::Timestamp;
use std::time::Duration;

/// How far back changes are shown unless said otherwise.
const CHANGES_OF: Duration = Duration::from_secs(3600);
/// Days of the funnel unless said otherwise.
const FUNNEL_DAYS: u32 = 7;
/// Lines that are made at most.
const LINES_MAX: usize = 1000;
/// Columns from which a bar stands beside its numbers.
const BAR_FROM: u16 = 72;
/// Cells of a bar.
const BAR: usize = 24;

/// Returns the lines of a topic of the picture; the words narrow it: a span, a number of days, a text.
pub(crate) fn lines(state: &State, topic: Topic, words: &str) -> Vec<String> {
    let mut lines = match topic {
        Topic::Runbooks => runbook_lines(state, words),
        Topic::Changes => changes(state, words),
        Topic::Sources => sources(state, words),
        Topic::Funnel => days(state, words),
        Topic::Claims => claims(state, words),
        Topic::Silences => silences(state, words),
        Topic::Views => views::lines(state, words),
        _ => Vec::new(),
    };
    lines.truncate(LINES_MAX);
    lines
}

/// Returns all runbooks with what the person has read of each: first those that they may be called for and have not read.
pub(crate) fn runbooks(state: &State) -> Vec<(&'static str, &Runbook)> {
    let items = &state.picture.items;
    let word = |runbook: &Runbook| {
        let due = state.picture.due.iter().any(|due| due.runbook == runbook.name);
        match runbook.reading(&state.picture.user, items.readers.get(runbook.name.as_str())) {
            _ if runbook.current().is_none() => "WRONG",
            Reading::Changed { .. } if due => "CHANGED",
            Reading::Unread if due => "UNREAD",
            Reading::Changed { .. } => "changed",
            Reading::Unread => "unread",
            Reading::Current { .. } => "read",
        }
    };
    let mut all: Vec<_> = items.runbooks.values().map(|runbook| (word(runbook), runbook)).collect();
    let order = ["CHANGED", "UNREAD", "WRONG", "changed", "unread", "read"];
    all.sort_by_key(|(word, _)| order.iter().position(|one| one == word));
    all
}

fn runbook_lines(state: &State, words: &str) -> Vec<String> {
    let wanted = words.trim().to_lowercase();
    let mut lines = Vec::new();
    for (word, runbook) in runbooks(state) {
        let has = |text: &str| text.to_lowercase().contains(&wanted);
        if !has(word) && !has(runbook.name.as_str()) && !has(&runbook.title) && !has(&runbook.owner) {
            continue;
        }
        let made = runbook.current().map_or(String::new(), |made| {
            let by = if made.author.is_empty() { String::new() } else { format!(" by {}", made.author) };
            format!("  {}{by}", &made.at.date_and_second()[..10])
        });
        let title = if runbook.title == runbook.name.as_str() { "" } else { &runbook.title };
        lines.push(format!("{word:<7}  {}  {title}{made}", runbook.name));
        lines.extend(runbook.fault.as_ref().map(|fault| format!("    wrong: {fault}")));
    }
    lines
}

fn changes(state: &State, words: &str) -> Vec<String> {
    let within = match words.trim() {
        "" => CHANGES_OF,
        text => match read_span(text) {
            Some(within) => within,
            None => return vec![format!("{text:?} is not a span of time: write 1h, 6h or 7d")],
        },
    };
    let all = lately(state.picture.items.changes.values(), state.now, within);
    let (near, far): (Vec<&Change>, Vec<&Change>) = all.into_iter().partition(|change| is_about(state, change));
    let mut lines = Vec::new();
    if let (Some(row), false) = (state.row(), near.is_empty()) {
        lines.push(format!("about {} {}:", row.incident.number, row.incident.service));
        lines.extend(near.iter().flat_map(|change| change_lines(change)));
        if !far.is_empty() {
            lines.push("others:".into());
        }
    }
    lines.extend(far.iter().flat_map(|change| change_lines(change)));
    lines
}

/// Returns whether a change may have to do with the incident under the cursor.
fn is_about(state: &State, change: &Change) -> bool {
    let (Some(row), Some(digest)) = (state.row(), state.digest()) else { return false };
    let incident = &row.incident;
    during(change, incident.opened_at, incident.resolved_at)
        && digest.detail.series.iter().any(|series| about(change, &series.labels))
}

fn change_lines(change: &Change) -> Vec<String> {
    let by = if change.by.is_empty() { String::new() } else { format!(" by {}", change.by) };
    let labels: Vec<String> = change.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut lines =
        vec![format!("{} {:<10} {}{by}  {}", minute(change.at), change.kind.word(), change.title, labels.join(" "))];
    if !change.url.is_empty() {
        lines.push(format!("    {}", change.url));
    }
    lines
}

fn minute(at: Timestamp) -> String {
    let second = at.date_and_second();
    // Days apart would look alike by their minutes alone.
    second.get(..16).map_or(second.clone(), |minute| format!("{minute}Z"))
}

fn sources(state: &State, words: &str) -> Vec<String> {
    let mut sources: Vec<&SourceState> = state.picture.items.sources.values().collect();
    sources.retain(|source| source.name.as_str().contains(words.trim()));
    sources.sort_by_key(|source| (source.silent_since.is_none(), source.name.clone()));
    sources.into_iter().flat_map(|source| source_lines(state, source)).collect()
}

fn source_lines(state: &State, source: &SourceState) -> Vec<String> {
    let seen = source.last_seen.map_or("never heard".to_owned(), |at| format!("last heard {}", minute(at)));
    let silent = source.silent_since.map_or(String::new(), |at| format!(", SILENT since {}", minute(at)));
    let mut lines = vec![format!("{:<16} {:<8} {seen}{silent}", source.name.as_str(), word(source))];
    if let Some(beat) = &source.heartbeat {
        let what = beat.query.as_deref().unwrap_or("a ping");
        let last = beat.last.map_or("never came".to_owned(), |at| format!("came {}", minute(at)));
        lines.push(format!("    expects {what} every {}: {last}", span(beat.every_ms)));
    }
    let of = |wanted: SeriesState| {
        let series = state.digest().map_or(&[][..], |digest| &digest.detail.series[..]);
        series.iter().filter(|one| one.source == source.name && one.state == wanted).count()
    };
    let (firing, unknown) = (of(SeriesState::Firing), of(SeriesState::Unknown));
    if let (Some(row), true) = (state.row(), firing + unknown > 0) {
        lines.push(format!("    in {}: {firing} firing, {unknown} unknown", row.incident.number));
    }
    if !source.counts.said.trim().is_empty() {
        lines.push(format!("    said: {}", source.counts.said.trim()));
    }
    lines
}

fn days(state: &State, words: &str) -> Vec<String> {
    let wanted = match words.trim().trim_end_matches('d').parse::<u32>() {
        Ok(days @ 1..=400) => days,
        Ok(_) => return vec!["write a number of days from 1 to 400".into()],
        Err(_) => FUNNEL_DAYS,
    };
    let funnel = funnel(state.picture.items.days.values(), DayNumber::of(state.now), wanted);
    if funnel.rows.is_empty() {
        return Vec::new();
    }
    let most = funnel.rows.iter().map(|row| row.events).max().unwrap_or_default();
    let bars = state.width >= BAR_FROM + BAR as u16;
    let mut lines = vec![format!("{:<10} {:<12} {}", "DAY", "SOURCE", HEADS)];
    for row in &funnel.rows {
        let bar = if bars { format!("  {}", bar(row.events, most)) } else { String::new() };
        lines.push(format!("{}{bar}", counted(&row.date, &row.source, &Counts::of(row))));
    }
    if funnel.sources.len() > 1 || funnel.days.len() > 1 {
        lines.push(String::new());
        lines.extend(funnel.sources.iter().map(|(source, counts)| counted("all days", source, counts)));
        lines.push(counted("all days", "all", &funnel.total));
    }
    lines.push(String::new());
    lines.extend(steps(&funnel.total));
    lines
}

const HEADS: &str = "  EVENTS SERIES   REAL INCID.  PAGES";

fn counted(day: &str, source: &str, counts: &Counts) -> String {
    let Counts { events, series, real, incidents, pages } = counts;
    let source = if source.is_empty() { "the hub" } else { source };
    let source: String = source.chars().take(12).collect();
    format!("{day:<10} {source:<12} {events:>8} {series:>6} {real:>6} {incidents:>6} {pages:>6}")
}

/// Returns each step with its bar; the length is by the logarithm, for a page is one of a million events.
fn steps(total: &Counts) -> Vec<String> {
    let Counts { events, series, real, incidents, pages } = *total;
    let all = [("events", events), ("series", series), ("real", real), ("incidents", incidents), ("pages", pages)];
    all.into_iter().map(|(name, count)| format!("{name:<10} {count:>9} {}", bar(count, events))).collect()
}

/// Returns a bar of `#`, with a `.` where it is not nothing and too short to be seen.
fn bar(count: u64, most: u64) -> String {
    let log = |count: u64| (count as f64 + 1.0).ln();
    let cells = if most == 0 { 0 } else { (log(count) / log(most) * BAR as f64).round() as usize };
    if cells == 0 && count > 0 { ".".into() } else { "#".repeat(cells.min(BAR)) }
}

fn claims(state: &State, words: &str) -> Vec<String> {
    let wanted = words.trim();
    let mut claims: Vec<&Claim> = state.picture.items.claims.values().collect();
    claims.retain(|claim| state.now < claim.until && (claim.query.contains(wanted) || claim.by.as_str() == wanted));
    claims.sort_by(|a, b| (a.until, &a.id).cmp(&(b.until, &b.id)));
    claims.into_iter().flat_map(|claim| claim_lines(state, claim)).collect()
}

fn claim_lines(state: &State, claim: &Claim) -> Vec<String> {
    let first = if claim.page_me { ", called first" } else { "" };
    let id = claim.id.get(..8).unwrap_or(&claim.id);
    let shown = |row: &&crate::sync::picture::Row| row.incident.claimed.as_ref().is_some_and(|by| by.id == claim.id);
    let fits: Vec<String> = state.unresolved().filter(shown).map(|row| row.incident.number.to_string()).collect();
    let fits = if fits.is_empty() { "no open incident".to_owned() } else { fits.join(", ") };
    vec![
        format!("{id} ask {} until {}{first}: {}", claim.by, minute(claim.until), claim.reason),
        format!("    {}", claim.query),
        format!("    fits {fits}; `nightdesk claim end {id}` ends it"),
    ]
}

fn silences(state: &State, words: &str) -> Vec<String> {
    let wanted = words.trim();
    let mut all: Vec<&Silence> = state.picture.items.silences.values().collect();
    all.retain(|one| state.now < one.ends_at && (one.matchers.contains(wanted) || one.created_by == wanted));
    all.sort_by(|a, b| (a.ends_at, &a.id).cmp(&(b.ends_at, &b.id)));
    all.into_iter().flat_map(|one| silence_lines(state, one)).collect()
}

fn silence_lines(state: &State, one: &Silence) -> Vec<String> {
    let id = one.id.get(..8).unwrap_or(&one.id);
    let begins = if state.now < one.starts_at { format!("from {} ", minute(one.starts_at)) } else { String::new() };
    let quiet = |row: &&crate::sync::picture::Row| {
        row.incident.silenced.as_ref().is_some_and(|silenced| silenced.by.contains(&one.id))
    };
    let quiet: Vec<String> = state.unresolved().filter(quiet).map(|row| row.incident.number.to_string()).collect();
    let quiet = if quiet.is_empty() { "no open incident".to_owned() } else { quiet.join(", ") };
    vec![
        format!("{id} {begins}until {} by {}: {}", minute(one.ends_at), one.created_by, one.reason),
        format!("    {}", one.matchers),
        format!("    quiet: {quiet}; `nightdesk silence end {id}` ends it"),
    ]
}
