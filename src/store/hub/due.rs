//! What happens by itself: words that run out, due times that pass.

use super::super::{INCIDENTS_KEPT, SERIES_KEPT, StoreError};
use super::tables::{RanOut, Tables};
use super::work::Work;
use super::{Due, Rules, claims, pages, silences, ties};
use crate::domain::change::CHANGES_KEPT;
use crate::domain::day::{DAYS_KEPT, DayNumber};
use crate::domain::id::SourceName;
use crate::domain::item::ITEMS_KEPT;
use crate::domain::series::SeriesState;
use crate::domain::time::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

/// Series whose word ran out, and incidents whose time came, that one transaction takes; what is left is taken by the next.
const MAX: usize = 500;
/// A step of the clock that is no step: NTP moves it by less.
const CLOCK_STEP: Duration = Duration::from_secs(60);
/// How long pages stay that ask for no answer any more.
const PAGES_KEPT: Duration = Duration::from_secs(90 * 86_400);
/// Rows of each table that one pruning takes.
const PRUNED_MAX: usize = 5000;

pub(in crate::store) fn run_due<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    now: Timestamp,
    hub_up_since: Timestamp,
    spoke: &[(SourceName, Timestamp)],
) -> Result<Due, StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    for (source, at) in spoke {
        work.tables.spoke(source, *at)?;
    }
    mend_after_a_wrong_clock(&mut work, hub_up_since)?;
    claims::end_over(&mut work)?;
    silences::begin(&mut work, hub_up_since >= now)?;
    let (ran_out, real, due) = (run_out(&mut work, hub_up_since)?, become_real(&mut work)?, incidents(&mut work)?);
    let committed = work.write()?;
    Ok(Due { committed, more: ran_out >= MAX || real >= MAX || due >= MAX })
}

/// Takes back what a clock that was ahead wrote: a source cannot have spoken in the future, nor be a timer further away than any rule.
///
/// When the hub just came back or its clock was set, each timer is held against the rule that set it; else only what no rule reaches.
fn mend_after_a_wrong_clock<T: Tables>(work: &mut Work<'_, T>, hub_up_since: Timestamp) -> Result<(), StoreError> {
    let (now, rules) = (work.now, work.rules());
    let just_back = hub_up_since >= now;
    work.tables.unsay_after(now.plus(CLOCK_STEP))?;
    let longest = rules.timing.longest(&rules.paging);
    let (beyond, max) = if just_back { (now, usize::MAX >> 1) } else { (now.plus(longest + CLOCK_STEP), MAX) };
    for id in work.tables.due_after(beyond, max)? {
        let Some(mut mended) = work.incident(id)?.cloned() else { continue };
        mended.pull_back(now, rules.domain());
        if work.incident(id)? != Some(&mended)
            && let Some(incident) = work.incident_mut(id)?
        {
            *incident = mended;
        }
    }
    if just_back { pages::pull_back(work) } else { Ok(()) }
}

fn run_out<T: Tables>(work: &mut Work<'_, T>, hub_up_since: Timestamp) -> Result<usize, StoreError> {
    let now = work.now;
    let mut count = 0;
    for RanOut { key, spoke_at } in work.tables.ran_out(now, hub_up_since, MAX)? {
        let Some(series) = work.series(&key)? else { continue };
        let Some(state) = series.run_out(now, spoke_at, hub_up_since) else { continue };
        let before = series.state;
        series.apply_run_out(state);
        work.conclude(&key, Some(before))?;
        count += 1;
    }
    Ok(count)
}

/// Makes real what burned for long enough. Where its source fell silent meanwhile, nobody knows whether it still burns.
fn become_real<T: Tables>(work: &mut Work<'_, T>) -> Result<usize, StoreError> {
    let now = work.now;
    let real = work.tables.become_real(now, MAX)?;
    if real.is_empty() {
        return Ok(0);
    }
    let sources = work.tables.source_states()?.into_iter();
    let silent: BTreeSet<SourceName> =
        sources.filter(|source| source.silent_since.is_some()).map(|source| source.name).collect();
    for key in &real {
        if work.become_real(key, now)?
            && silent.contains(&key.source)
            && work.series(key)?.is_some_and(|series| series.doubt())
        {
            work.conclude(key, Some(SeriesState::Firing))?;
        }
    }
    Ok(real.len())
}

fn incidents<T: Tables>(work: &mut Work<'_, T>) -> Result<usize, StoreError> {
    let (now, rules) = (work.now, work.rules());
    let due = work.tables.due(now, MAX)?;
    for id in &due {
        // Another silence may go on where one ended.
        work.cover(*id)?;
        ties::before_call(work, *id)?;
        if let Some(happened) = work.incident_mut(*id)?.map(|incident| incident.on_due(now, rules.domain())) {
            work.happened(*id, happened);
        }
    }
    Ok(due.len())
}

/// Forgets what is too old, a bounded number of rows; returns whether there may be more.
pub(in crate::store) fn prune<T: Tables>(tables: &mut T, now: Timestamp) -> Result<bool, StoreError> {
    let pages = tables.prune_pages(now.minus(PAGES_KEPT), PRUNED_MAX)?;
    let series = tables.prune_series(now.minus(SERIES_KEPT), PRUNED_MAX)?;
    let items = tables.prune_items(now.minus(ITEMS_KEPT), now.minus(INCIDENTS_KEPT), PRUNED_MAX)?;
    // An incident that a series still names stays until the series goes. Operations and verdicts stay: they are the record.
    let incidents = tables.prune_incidents(now.minus(INCIDENTS_KEPT), PRUNED_MAX)?;
    let changes = tables.prune_changes(now.minus(CHANGES_KEPT), PRUNED_MAX)?;
    tables.prune_days(DayNumber::of(now.minus(DAYS_KEPT)))?;
    Ok(series.max(incidents).max(pages).max(changes).max(items) >= PRUNED_MAX)
}
