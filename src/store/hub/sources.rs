//! Whether sources speak, and what it means for their series when they do not; what people change; what is counted of each day.

use super::super::{Quarantined, StoreError};
use super::fold::{self, QUARANTINE_ROWS_MAX};
use super::tables::{SeriesRow, Tables};
use super::work::{Committed, Work};
use super::{Due, Rules};
use crate::domain::change;
use crate::domain::day::Counts;
use crate::domain::event::{Alert, End, Event, SeriesKey};
use crate::domain::id::{IncidentId, SourceName};
use crate::domain::incident::{Author, Line, Told};
use crate::domain::item::{Change, Item};
use crate::domain::label::{LabelLimits, Labels};
use crate::domain::series::SeriesState;
use crate::domain::source::{Expected, Heard, Outcome, Ping, Sweep, Turn, Watched};
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// When the hub last looked at its sources, in the table of what the store knows of itself.
const WATCHED_AT: &str = "watched_at";
/// How old that may grow before it is written anew, at the most and at the least.
const WATCHED_NOTED: Duration = Duration::from_secs(60);
const WATCHED_NOTED_FIRST: Duration = Duration::from_secs(1);
/// Series that one transaction doubts or trusts.
const SWEPT_MAX: usize = 500;
/// Days told at once.
const DAYS_TOLD_MAX: usize = 200;
/// Open incidents that a change is held against, the newest.
const INCIDENTS_MAX: usize = 1000;
/// Changes of one hour that are told in timelines as they come: more say nothing about any of them.
const CHANGES_OF_AN_HOUR_MAX: usize = 200;
/// Bytes of a job's words in a timeline.
const LOG_BYTES_MAX: usize = 2048;
/// Bytes of the one line that says what is wrong.
const SUMMARY_BYTES_MAX: usize = 300;
const HOUR: Duration = Duration::from_secs(3600);
/// The hub's own name among sources.
const OWN: &str = "nightdesk";

/// What is expected of the sources, and what was heard of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Round {
    /// By the hub's clock.
    pub now: Timestamp,
    /// Since when sources could reach the hub without a break. `None`: something was heard meanwhile, and no silence is judged.
    pub hub_up_since: Option<Timestamp>,
    /// Of which sources which signs of life are expected, with the heartbeat's query as it is written. Of any other, none is.
    pub expected: BTreeMap<SourceName, (Expected, Option<String>)>,
    /// What was heard since the round before.
    pub heard: Vec<Heard>,
    /// Consoles are told of counters too.
    pub tell_counts: bool,
}

/// Lets sources fall silent and come back, and tells consoles what is new of them.
pub(in crate::store) fn round<T: Tables>(tables: &mut T, rules: &Rules, round: &Round) -> Result<Due, StoreError> {
    let mut work = Work::begin(tables, rules, round.now)?;
    let away = away(&mut work, round)?;
    let mut known: BTreeMap<SourceName, Watched> =
        work.tables.source_states()?.into_iter().map(|watched| (watched.name.clone(), watched)).collect();
    let mut more = false;
    let named = round.expected.keys().chain(round.heard.iter().map(|heard| &heard.source));
    let fresh: Vec<SourceName> = named.filter(|name| !known.contains_key(*name)).cloned().collect();
    for name in fresh {
        known.insert(name.clone(), Watched::new(name, round.now));
    }
    for watched in known.into_values() {
        more |= look(&mut work, round, away, watched)?;
    }
    tell_days(&mut work, round.tell_counts)?;
    Ok(Due { committed: work.write()?, more })
}

/// Returns how long the hub was away since the round before, and notes that it is here.
fn away<T: Tables>(work: &mut Work<'_, T>, round: &Round) -> Result<Duration, StoreError> {
    let noted = work.tables.meta(WATCHED_AT)?.and_then(|text| text.parse().ok()).map(Timestamp::from_millis);
    let Some(up_since) = round.hub_up_since.filter(|_| !round.expected.is_empty()) else { return Ok(Duration::ZERO) };
    let back = noted.filter(|noted| up_since > *noted);
    // So much of the hub's presence may be taken for absence after a crash: never more than the grace of a source.
    let shortest = round.expected.values().map(|(expected, _)| expected.every_ms / 10).min().unwrap_or_default();
    let rewritten = Duration::from_millis(shortest).clamp(WATCHED_NOTED_FIRST, WATCHED_NOTED);
    let is_old = noted.is_none_or(|noted| round.now.since(noted) >= rewritten || noted > round.now);
    if back.is_some() || is_old {
        work.tables.set_meta(WATCHED_AT, &round.now.as_millis().to_string())?;
    }
    Ok(back.map_or(Duration::ZERO, |noted| up_since.since(noted)))
}

/// Looks at one source; returns whether more of its series are to be looked at.
fn look<T: Tables>(work: &mut Work<'_, T>, round: &Round, away: Duration, before: Watched) -> Result<bool, StoreError> {
    let now = round.now;
    let mut watched = before.clone();
    watched.excuse(away, now);
    let (expected, query) = match round.expected.get(&watched.name) {
        Some((expected, query)) => (Some(*expected), query.clone()),
        None => (None, None),
    };
    watched.query = query;
    if let Some(turn) = watched.expect(expected, now) {
        take_turn(work, &watched, turn)?;
    }
    for heard in &round.heard {
        if heard.source != watched.name {
            continue;
        }
        let turn = watched.hear(heard);
        count_beats(work, heard);
        if let Some(ping) = &heard.ping {
            take_ping(work, heard, ping)?;
        }
        if let Some(turn) = turn {
            take_turn(work, &watched, turn)?;
        }
    }
    if round.hub_up_since.is_some()
        && let Some(turn) = watched.fall_silent(now)
    {
        take_turn(work, &watched, turn)?;
    }
    sweep(work, &mut watched)?;
    let more = watched.sweep.is_some();
    tell_source(work, &before, watched, round.tell_counts)?;
    Ok(more)
}

/// Heartbeats are alerts that go no further than here.
fn count_beats<T: Tables>(work: &mut Work<'_, T>, heard: &Heard) {
    if heard.beats > 0 {
        work.count(heard.at, &heard.source, Counts { events: heard.beats, ..Counts::default() });
    }
}

/// Writes a source that changed, and tells consoles of it where that is worth it.
fn tell_source<T: Tables>(
    work: &mut Work<'_, T>,
    before: &Watched,
    mut watched: Watched,
    tell_counts: bool,
) -> Result<(), StoreError> {
    let changed = watched != *before;
    watched.untold |= changed;
    let tells = watched.is_news(before) || (watched.untold && tell_counts);
    if tells {
        watched.untold = false;
        work.put_item(&Item::Source(watched.item()))?;
    }
    if changed || tells {
        work.tables.put_source_state(&watched)?;
    }
    Ok(())
}

/// Raises the alert about a silence, or ends it.
fn take_turn<T: Tables>(work: &mut Work<'_, T>, watched: &Watched, turn: Turn) -> Result<(), StoreError> {
    let from = if turn == Turn::Silent { Timestamp::NEVER } else { work.now };
    work.tables.trust(&watched.name, from)?;
    let name = watched.name.as_str();
    let labels = [("alertname", "SourceSilent"), ("service", name), ("severity", "critical"), ("source", name)];
    let own = SourceName::parse(OWN).expect("a plain word is a name");
    match turn {
        Turn::Silent => raise(work, own, labels, &[("summary", &watched.silence())]),
        Turn::Back => end(work, own, labels),
    }
}

/// Raises the alert that a job failed, or ends it when the job did well.
fn take_ping<T: Tables>(work: &mut Work<'_, T>, heard: &Heard, ping: &Ping) -> Result<(), StoreError> {
    let name = heard.source.as_str();
    let labels = [("alertname", "PingFailed"), ("service", name), ("severity", "high"), ("source", name)];
    let status = match ping.outcome {
        Outcome::Succeeded => return end(work, heard.source.clone(), labels),
        Outcome::Logged => return tell_log(work, heard, ping, labels),
        Outcome::Started => return Ok(()),
        Outcome::Failed(Some(status)) => format!("{name} failed with exit status {status}"),
        Outcome::Failed(None) => format!("{name} failed"),
    };
    let first = ping.text.lines().map(str::trim).find(|line| !line.is_empty());
    let summary = first.map_or_else(|| status.clone(), |line| format!("{status}: {line}"));
    let (summary, text) = (cut(&summary, SUMMARY_BYTES_MAX), cut(&ping.text, LabelLimits::ANNOTATIONS.value_bytes_max));
    raise(work, heard.source.clone(), labels, &[("summary", summary), ("description", text)])
}

/// Puts what a job says into the timeline of its failure, while that is open.
fn tell_log<T: Tables>(
    work: &mut Work<'_, T>,
    heard: &Heard,
    ping: &Ping,
    labels: [(&str, &str); 4],
) -> Result<(), StoreError> {
    let (key, _) = named(work, heard.source.clone(), labels);
    let Some(id) = work.series(&key)?.and_then(|series| series.incident) else { return Ok(()) };
    if ping.text.trim().is_empty() || work.incident(id)?.is_none_or(|incident| incident.open_key.is_none()) {
        return Ok(());
    }
    let text = cut(ping.text.trim(), LOG_BYTES_MAX).to_owned();
    work.tell(id, Line { at: work.now, author: Author::Source(heard.source.clone()), told: Told::Note, text });
    Ok(())
}

/// Returns as much of the text as so many bytes hold.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// Takes an alert in that holds until it is taken back.
fn raise<T: Tables>(
    work: &mut Work<'_, T>,
    source: SourceName,
    labels: [(&str, &str); 4],
    texts: &[(&str, &str)],
) -> Result<(), StoreError> {
    let (key, labels) = named(work, source, labels);
    // Whatever the clock says: this comes after what came before.
    let before = work.series(&key)?.map(|series| match series.state.is_over() {
        true => series.ends_at.unwrap_or_default().max(series.started_at()).plus(Duration::from_millis(1)),
        false => series.started_at(),
    });
    let at = before.unwrap_or_default().max(work.now);
    let annotations = Labels::new(texts.iter().copied(), &LabelLimits::ANNOTATIONS).unwrap_or_default();
    let alert = Alert { labels, annotations, starts_at: Some(at), end: End::Open, generator_url: String::new() };
    fold::take(work, &Event { key, alert, received_at: at }, &mut Vec::new())
}

/// Ends such an alert where it burns.
fn end<T: Tables>(work: &mut Work<'_, T>, source: SourceName, labels: [(&str, &str); 4]) -> Result<(), StoreError> {
    let (key, labels) = named(work, source, labels);
    let now = work.now;
    let Some(series) = work.series(&key)?.filter(|series| !series.state.is_over()) else { return Ok(()) };
    let at = series.started_at().max(now);
    let (annotations, started_at) = (series.annotations.clone(), series.started_at());
    let alert =
        Alert { labels, annotations, starts_at: Some(started_at), end: End::Ended(at), generator_url: String::new() };
    fold::take(work, &Event { key, alert, received_at: at }, &mut Vec::new())
}

fn named<T: Tables>(work: &Work<'_, T>, source: SourceName, labels: [(&str, &str); 4]) -> (SeriesKey, Labels) {
    let labels = Labels::new(labels, &LabelLimits::LABELS).expect("names of sources are values of labels");
    let fingerprint = work.rules().identity.fingerprint(&labels);
    (SeriesKey { source, fingerprint }, labels)
}

/// Goes on with the series of a source that fell silent or came back, as far as one transaction goes.
fn sweep<T: Tables>(work: &mut Work<'_, T>, watched: &mut Watched) -> Result<(), StoreError> {
    let Some(sweep) = watched.sweep else { return Ok(()) };
    let (state, after) = match sweep {
        Sweep::Doubt(after) => (SeriesState::Firing, after),
        Sweep::Trust(after) => (SeriesState::Unknown, after),
    };
    let rows = work.tables.series_from(&watched.name, state, after, SWEPT_MAX)?;
    for SeriesRow { series, .. } in &rows {
        let key = SeriesKey { source: series.source.clone(), fingerprint: series.fingerprint };
        let Some(series) = work.series(&key)? else { continue };
        let before = series.state;
        let changed = match sweep {
            Sweep::Doubt(_) => series.doubt(),
            Sweep::Trust(_) => series.trust(),
        };
        if changed {
            work.conclude(&key, Some(before))?;
        }
    }
    let last = rows.last().filter(|_| rows.len() == SWEPT_MAX).map(|row| row.id);
    watched.sweep = last.map(|last| match sweep {
        Sweep::Doubt(_) => Sweep::Doubt(last),
        Sweep::Trust(_) => Sweep::Trust(last),
    });
    Ok(())
}

/// Tells consoles what was counted of days: at once what is more than messages, the rest now and then.
fn tell_days<T: Tables>(work: &mut Work<'_, T>, all: bool) -> Result<(), StoreError> {
    for (day, source, counts) in work.tables.untold_days(all, DAYS_TOLD_MAX)? {
        work.put_item(&Item::Day(counts.row(day, &source)))?;
        work.tables.day_told(day, &source)?;
    }
    Ok(())
}

/// Remembers changes, and puts those that are new into the timelines of the open incidents that they may have to do with.
pub(in crate::store) fn changes<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    changes: Vec<Change>,
    quarantined: &[Quarantined],
    now: Timestamp,
) -> Result<Committed, StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    let mut fresh = Vec::new();
    for change in changes {
        let is_new = work.tables.change(&change.id)?.is_none() && !fresh.contains(&change);
        work.tables.put_change(&change)?;
        work.put_item(&Item::Change(change.clone()))?;
        if is_new {
            fresh.push(change);
        }
    }
    let mut told = Vec::new();
    for change in fresh {
        if work.tables.changes_between(change.at.minus(HOUR), change.at, CHANGES_OF_AN_HOUR_MAX)?.len()
            < CHANGES_OF_AN_HOUR_MAX
        {
            told.push(change);
        }
    }
    told.sort_by_key(|change| change.at);
    let open = if told.is_empty() { Vec::new() } else { work.tables.open_incidents(INCIDENTS_MAX)? };
    for id in open {
        note(&mut work, id, &told)?;
    }
    for item in quarantined {
        work.tables.insert_quarantined(item, QUARANTINE_ROWS_MAX)?;
    }
    work.write()
}

/// Tells of those changes in the timeline of an incident that are about it.
fn note<T: Tables>(work: &mut Work<'_, T>, id: IncidentId, fresh: &[Change]) -> Result<(), StoreError> {
    let Some(opened_at) = work.tables.incident(id)?.map(|incident| incident.opened_at) else { return Ok(()) };
    let Some(first) = work.tables.series_of(id, 1)?.into_iter().next() else { return Ok(()) };
    let Some(SeriesRow { series, .. }) = work.tables.series(&first)? else { return Ok(()) };
    let now = work.now;
    let about = |made: &&Change| change::during(made, opened_at, None) && change::about(made, &series.labels);
    let about: Vec<&Change> = fresh.iter().filter(about).collect();
    let left_out = about.len().saturating_sub(change::TOLD_MAX);
    if left_out > 0 {
        let text = format!("{left_out} changes at once that may have to do with it, and those below");
        work.tell(id, Line::by_hub(now, Told::Changed, text));
    }
    for made in &about[left_out..] {
        work.tell(id, change::line(made, now));
    }
    Ok(())
}
