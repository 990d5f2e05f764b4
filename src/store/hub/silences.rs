//! Silences: which incidents they cover, judged wherever series or silences change.

use super::super::StoreError;
use super::Rules;
use super::asked::Asked;
use super::tables::Tables;
use super::work::{Committed, Work};
use crate::domain::id::IncidentId;
use crate::domain::incident::Silenced;
use crate::domain::item::{Item, ItemKind, Silence};
use crate::domain::series::{Series, SeriesState};
use crate::domain::time::Timestamp;
use crate::query::{AlertSubject, Eyes, Query};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The note of when the next silence begins.
const BEGINS: &str = "silence_begins";
/// Silences that an incident names.
const NAMED_MAX: usize = 8;
/// The source under which the hub speaks of itself.
const HUB: &str = "nightdesk";

/// Silences of the hub's own that may stand at once: each is asked of every series that burns.
pub const SILENCES_MAX: usize = 1000;

/// What the silences that count ask.
static READ: Asked = Asked::none();

/// A silence that is not over, and what it covers.
type Live = (Silence, Query);
/// All labels of an alert, by name.
type Exactly = Vec<(String, String)>;

/// All that is not over.
#[derive(Default)]
pub(super) struct Lives {
    /// What is asked of each series.
    asked: Vec<Live>,
    /// What hides one alert alone: with many of them, each series is looked up once.
    exact: HashMap<Exactly, Silence>,
}

impl Lives {
    fn all(&self) -> impl Iterator<Item = &Silence> {
        self.asked.iter().map(|(silence, _)| silence).chain(self.exact.values())
    }

    /// Returns the one that covers a series for longest.
    fn longest(&self, series: &Series, now: Timestamp) -> Option<&Silence> {
        let subject = AlertSubject { source: &series.source, labels: &series.labels };
        // What the hub says of itself is hidden by nobody in front: they may be what it speaks of.
        let own = series.source.as_str() == HUB;
        let asked = self.asked.iter().filter(|(silence, query)| {
            let counts = silence.is_active(now) && !(own && silence.upstream.is_some());
            counts && query.matches(&subject, &Eyes::nobody(now))
        });
        let exact = match self.exact.is_empty() || own {
            true => None,
            false => self.exact.get(&exactly(series.labels.iter())).filter(|silence| silence.is_active(now)),
        };
        asked.map(|(silence, _)| silence).chain(exact).max_by_key(|silence| (silence.ends_at, &silence.id))
    }
}

fn exactly<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> Exactly {
    let mut all: Exactly = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    all.sort();
    all
}

/// Keeps a new silence, which may take the place of one that is ended by it, and lets it count at once.
pub(in crate::store) fn put<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    silence: &Silence,
    replaced: Option<&str>,
    now: Timestamp,
) -> Result<Committed, StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    if let Some(id) = replaced {
        finish(&mut work, id, &silence.created_by)?;
    }
    make_sure_of_room(&work)?;
    work.put_item(&Item::Silence(silence.clone()))?;
    work.cover_all()?;
    work.write()
}

fn make_sure_of_room<T: Tables>(work: &Work<'_, T>) -> Result<(), StoreError> {
    let items = work.tables.items_ending_after(ItemKind::Silence, work.now)?.into_iter();
    let standing = items.filter_map(silence_of).filter(|silence| silence.upstream.is_none()).count();
    if standing < SILENCES_MAX {
        return Ok(());
    }
    Err(StoreError::Items(format!("there are {SILENCES_MAX} silences already; end some")))
}

fn silence_of(item: Item) -> Option<Silence> {
    match item {
        Item::Silence(silence) => Some(silence),
        _ => None,
    }
}

/// Ends a silence before its time; what burns pages at once. `None`: no such silence is alive.
pub(in crate::store) fn end<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    id: &str,
    who: &str,
    now: Timestamp,
) -> Result<Option<Committed>, StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    if !finish(&mut work, id, who)? {
        return Ok(None);
    }
    work.cover_all()?;
    work.write().map(Some)
}

fn finish<T: Tables>(work: &mut Work<'_, T>, id: &str, who: &str) -> Result<bool, StoreError> {
    let now = work.now;
    let Some(Item::Silence(mut silence)) = work.tables.item(ItemKind::Silence, id)? else { return Ok(false) };
    if silence.is_over(now) || silence.upstream.is_some() {
        return Ok(false);
    }
    // One that has not begun never will.
    silence.starts_at = silence.starts_at.min(now);
    (silence.ends_at, silence.updated_at, silence.ended_by) = (now, now, Some(who.to_owned()));
    work.put_item(&Item::Silence(silence))?;
    Ok(true)
}

/// Lets count what begins now; after the hub's absence or a change of its clock, everything anew.
pub(super) fn begin<T: Tables>(work: &mut Work<'_, T>, just_back: bool) -> Result<(), StoreError> {
    let begins = work.tables.meta(BEGINS)?.and_then(|text| text.parse().ok()).map(Timestamp::from_millis);
    if just_back || begins.is_some_and(|at| at <= work.now) { work.cover_all() } else { Ok(()) }
}

impl<T: Tables> Work<'_, T> {
    /// Returns the silences that are not over.
    fn live(&mut self) -> Result<Arc<Lives>, StoreError> {
        if let Some(live) = &self.silences {
            return Ok(live.clone());
        }
        let items = self.tables.items_ending_after(ItemKind::Silence, self.now)?.into_iter();
        let silences: Vec<Silence> = items.filter_map(silence_of).collect();
        let mut live = Lives::default();
        let queries = READ.of(silences.iter().map(|silence| silence.matchers.as_str()));
        for (silence, query) in silences.into_iter().zip(queries) {
            // Text that this program cannot read any more covers nothing: louder is safer.
            let Some(query) = query else { continue };
            match silence.upstream.as_ref().is_some_and(|up| up.inhibited) {
                true => drop(live.exact.insert(exactly(query.equalities().into_iter()), silence)),
                false => live.asked.push((silence, query)),
            }
        }
        let live = Arc::new(live);
        self.silences = Some(live.clone());
        Ok(live)
    }

    /// Judges every open incident anew.
    pub fn cover_all(&mut self) -> Result<(), StoreError> {
        self.silences = None;
        let now = self.now;
        let begins = self.live()?.all().map(|silence| silence.starts_at).filter(|at| *at > now).min();
        let text = begins.map_or(String::new(), |at| at.as_millis().to_string());
        if self.tables.meta(BEGINS)?.unwrap_or_default() != text {
            self.tables.set_meta(BEGINS, &text)?;
        }
        for id in self.tables.due(Timestamp::from_millis(i64::MAX), usize::MAX >> 1)? {
            self.cover(id)?;
        }
        Ok(())
    }

    /// Judges whether silences cover all of the incident that burns.
    pub fn cover(&mut self, id: IncidentId) -> Result<(), StoreError> {
        let now = self.now;
        let live = self.live()?;
        let Some(incident) = self.incident(id)?.filter(|incident| incident.open_key.is_some()) else { return Ok(()) };
        let (before, tally) = (incident.silenced.clone(), incident.tally);
        if live.all().next().is_none() && before.is_none() {
            return Ok(());
        }
        let counts = |id: &String| live.all().any(|silence| silence.id == *id && silence.is_active(now));
        let covered = if tally.firing + tally.unknown > 0 {
            self.covered(id, tally.unknown > 0, &live)?
        } else {
            // A flap is no reason to speak of it.
            before.clone().filter(|silenced| now < silenced.until && silenced.by.iter().all(counts))
        };
        if covered != before
            && let Some(line) = self.incident_mut(id)?.and_then(|incident| incident.silence(covered, now))
        {
            self.tell(id, line);
        }
        Ok(())
    }

    fn covered(&mut self, id: IncidentId, unknown: bool, live: &Lives) -> Result<Option<Silenced>, StoreError> {
        let now = self.now;
        if !live.all().any(|silence| silence.is_active(now)) {
            return Ok(None);
        }
        let keys = if unknown { self.series_of(id, usize::MAX >> 1)? } else { self.firing_of(id)? };
        let (mut first, mut by): (Option<&Silence>, BTreeSet<&str>) = (None, BTreeSet::new());
        for key in keys {
            let Some(series) = self.series(&key)? else { continue };
            if !matches!(series.state, SeriesState::Firing | SeriesState::Unknown) {
                continue;
            }
            let Some(last) = live.longest(series, now) else { return Ok(None) };
            by.insert(&last.id);
            first = first.filter(|first| first.ends_at <= last.ends_at).or(Some(last));
        }
        Ok(first.map(|first| Silenced {
            until: first.ends_at,
            by: by.into_iter().take(NAMED_MAX).map(str::to_owned).collect(),
            who: first.created_by.clone(),
            upstream: first.upstream.clone(),
        }))
    }
}
