//! The hub's tables as sorted maps, with the rules that `sqlite/hub.sql` checks.

use super::super::devices::{Bearer, Enrolment, KnownDevice};
use super::super::hub::tables::{
    AnswerBody, ChainEnd, CountedDay, IncidentPlace, JudgedOp, RanOut, SeriesPlace, SeriesRow, StoredOp, Tables,
    WaitingPages, line_body,
};
use super::super::{Device, FeedKind, FeedRow, Quarantined, StoreError};
use super::kept::{Journal, Kept};
use crate::domain::day::{Counts, DayNumber};
use crate::domain::event::SeriesKey;
use crate::domain::id::{IncidentId, NodeId, Number, OpId, SourceName, UserName, hex};
use crate::domain::incident::{Incident, Life, Line};
use crate::domain::item::{Change, Item, ItemKind};
use crate::domain::paging::{Page, PageId};
use crate::domain::runbook::{Revision, RunbookName};
use crate::domain::series::{Series, SeriesState};
use crate::domain::source::Watched;
use crate::domain::time::Timestamp;
use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

/// Everything that a hub remembers. A clone is a snapshot; rows are shared until they change.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::store) struct MemoryTables {
    meta: Kept<String, String>,
    counters: Kept<Counter, u64>,
    /// What stands at which place of the feed.
    changes: Kept<u64, Changed>,
    sources: Kept<SourceName, Timestamp>,
    trusted: Kept<SourceName, Timestamp>,
    states: Kept<SourceName, Watched>,
    /// The counts of each day and source, and how much of them nobody was told.
    days: Kept<(DayNumber, SourceName), (Counts, u8)>,
    made: Kept<String, Change>,
    texts: Kept<(RunbookName, Revision), String>,
    series: Kept<i64, Placed<Series>>,
    series_ids: Kept<SeriesKey, i64>,
    series_of: Kept<(IncidentId, i64), ()>,
    /// Series that burn or are unknown, by when their word runs out.
    runs_out: Kept<(Timestamp, i64), ()>,
    /// Pending series, by when they are real.
    real_at: Kept<(Timestamp, i64), ()>,
    incidents: Kept<IncidentId, Placed<Incident>>,
    numbers: Kept<Number, IncidentId>,
    open: Kept<String, IncidentId>,
    due: Kept<(Timestamp, Number), IncidentId>,
    /// By key and side; and all of an incident.
    ties: Kept<(String, bool, IncidentId), ()>,
    ties_of: Kept<IncidentId, Arc<[(String, bool)]>>,
    lines: Kept<(IncidentId, u64), Arc<str>>,
    aliases: Kept<String, IncidentId>,
    pages: Kept<PageId, Placed<Page>>,
    pages_of: Kept<(IncidentId, PageId), ()>,
    pages_due: Kept<(UserName, String, Timestamp, PageId), ()>,
    reached: Kept<(UserName, String), Timestamp>,
    items: Kept<(ItemKind, String), ItemRow>,
    ops: Kept<OpId, OpRow>,
    chain: Kept<(NodeId, u64), OpId>,
    reissued: Kept<(NodeId, u64), [u8; 32]>,
    devices: Kept<NodeId, DeviceRow>,
    tokens: Kept<String, Bearer>,
    enrolments: Kept<[u8; 32], Enrolment>,
    quarantine: Kept<i64, Arc<Quarantined>>,
}

/// What counts on from the number before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Counter {
    /// The newest change of the feed.
    Head,
    /// The newest incident's number.
    Incident,
    /// The newest row of the quarantine.
    Quarantine,
}

#[derive(Debug, Clone, PartialEq)]
enum Changed {
    Incident(IncidentId),
    Series(i64),
    Line(IncidentId),
    Page(PageId),
    Item(ItemKind, String),
    Op(OpId),
}

/// A row that moves to the head of the feed with each change.
#[derive(Debug, Clone, PartialEq)]
struct Placed<T> {
    seq: u64,
    row: Arc<T>,
}

#[derive(Debug, Clone, PartialEq)]
struct ItemRow {
    seq: u64,
    ends_at: Option<Timestamp>,
    /// `None`: it was taken away.
    item: Option<Arc<Item>>,
    body: Arc<str>,
}

#[derive(Debug, Clone, PartialEq)]
struct OpRow {
    node: NodeId,
    nseq: u64,
    stored: StoredOp,
}

#[derive(Debug, Clone, PartialEq)]
struct DeviceRow {
    known: KnownDevice,
    end: ChainEnd,
}

const SEQ_UNIQUE: &str = "a place in the feed is of one row";
const LINE_UNIQUE: &str = "a line's place is its own";

impl MemoryTables {
    /// Returns all tables; a table that is left out here does not compile.
    fn journals(&mut self) -> [&mut dyn Journal; 34] {
        let Self {
            meta,
            counters,
            changes,
            sources,
            trusted,
            states,
            days,
            made,
            texts,
            series,
            series_ids,
            series_of,
            runs_out,
            real_at,
            incidents,
            numbers,
            open,
            due,
            ties,
            ties_of,
            lines,
            aliases,
            pages,
            pages_of,
            pages_due,
            reached,
            items,
            ops,
            chain,
            reissued,
            devices,
            tokens,
            enrolments,
            quarantine,
        } = self;
        [
            meta, counters, changes, sources, trusted, states, days, made, texts, series, series_ids, series_of,
            runs_out, real_at, incidents, numbers, open, due, ties, ties_of, lines, aliases, pages, pages_of,
            pages_due, reached, items, ops, chain, reissued, devices, tokens, enrolments, quarantine,
        ]
    }

    /// Keeps what the open transaction did.
    pub fn commit(&mut self) {
        self.journals().into_iter().for_each(Journal::commit);
    }

    /// Undoes what the open transaction did; nothing when it was committed.
    pub fn roll_back(&mut self) {
        self.journals().into_iter().for_each(Journal::roll_back);
    }

    pub fn all_incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.rows().values().map(|placed| &*placed.row)
    }

    pub fn all_pages(&self) -> impl Iterator<Item = &Page> {
        self.pages.rows().values().map(|placed| &*placed.row)
    }

    fn counter(&self, counter: Counter) -> u64 {
        self.counters.rows().get(&counter).copied().unwrap_or(0)
    }

    fn count_on(&mut self, counter: Counter) -> u64 {
        let next = self.counter(counter) + 1;
        self.counters.put(counter, next);
        next
    }

    /// Gives a row its place in the feed, and frees the one it had.
    fn place(&mut self, before: Option<u64>, seq: u64, what: Changed) -> Result<(), StoreError> {
        if before == Some(seq) {
            return Ok(());
        }
        if let Some(before) = before {
            self.changes.remove(&before);
        }
        self.changes.add(seq, what, SEQ_UNIQUE)
    }

    fn series_by_id(&self, id: i64) -> Option<SeriesRow> {
        self.series.rows().get(&id).map(|placed| SeriesRow { id, series: (*placed.row).clone() })
    }

    /// Writes the row of a series and what is found by it; without `seq` it keeps its place in the feed.
    fn put_series(&mut self, id: i64, series: &Series, seq: Option<u64>) -> Result<(), StoreError> {
        if series.incident.is_some_and(|incident| !self.incidents.rows().contains_key(&incident)) {
            return Err(StoreError::broken("a series names an incident that there is"));
        }
        let before = self.series.rows().get(&id).cloned();
        if let Some(before) = &before {
            self.forget_series(id, &before.row);
        }
        let had = before.map(|before| before.seq);
        let seq = seq.or(had).ok_or_else(|| StoreError::broken("a series has a place in the feed"))?;
        self.place(had, seq, Changed::Series(id))?;
        self.series_ids.add(key_of(series), id, "a source has one series of a fingerprint")?;
        if let Some(incident) = series.incident {
            self.series_of.put((incident, id), ());
        }
        if let Some(key) = runs_out_key(id, series) {
            self.runs_out.put(key, ());
        }
        if let Some(key) = real_at_key(id, series) {
            self.real_at.put(key, ());
        }
        self.series.put(id, Placed { seq, row: Arc::new(series.clone()) });
        Ok(())
    }

    /// Removes what a series is found by.
    fn forget_series(&mut self, id: i64, series: &Series) {
        self.series_ids.remove(&key_of(series));
        if let Some(incident) = series.incident {
            self.series_of.remove(&(incident, id));
        }
        if let Some(key) = runs_out_key(id, series) {
            self.runs_out.remove(&key);
        }
        if let Some(key) = real_at_key(id, series) {
            self.real_at.remove(&key);
        }
    }

    /// Writes the row of an incident and what is found by it.
    fn put_incident(&mut self, incident: &Incident, seq: u64) -> Result<(), StoreError> {
        check(incident)?;
        let id = incident.id;
        let before = self.incidents.rows().get(&id).cloned();
        if let Some(before) = &before {
            self.forget_incident(&before.row);
        }
        self.place(before.map(|before| before.seq), seq, Changed::Incident(id))?;
        self.numbers.add(incident.number, id, "an incident's number is its own")?;
        if let Some(key) = &incident.open_key {
            self.open.add(key.clone(), id, "a group has one open incident")?;
        }
        if let Some(due) = incident.next_due_at {
            self.due.put((due, incident.number), id);
        }
        self.incidents.put(id, Placed { seq, row: Arc::new(incident.clone()) });
        Ok(())
    }

    /// Removes what an incident is found by.
    fn forget_incident(&mut self, incident: &Incident) {
        self.numbers.remove(&incident.number);
        if let Some(key) = &incident.open_key {
            self.open.remove(key);
        }
        if let Some(due) = incident.next_due_at {
            self.due.remove(&(due, incident.number));
        }
    }

    fn lines_of(&self, id: IncidentId) -> impl Iterator<Item = u64> {
        self.lines.rows().range((id, 0)..=(id, u64::MAX)).map(|((_, seq), _)| *seq)
    }

    fn page_ids_of(&self, id: IncidentId) -> impl Iterator<Item = PageId> {
        let all = (id, PageId([0; 16]))..=(id, PageId([0xff; 16]));
        self.pages_of.rows().range(all).map(|((_, page), ())| *page)
    }

    /// Removes a page and what it is found by.
    fn forget_page(&mut self, id: PageId) {
        let Some(Placed { seq, row }) = self.pages.rows().get(&id).cloned() else { return };
        self.changes.remove(&seq);
        self.pages_of.remove(&(row.incident, id));
        if let Some(due) = row.due_at() {
            self.pages_due.remove(&(row.person.clone(), row.channel.clone(), due, id));
        }
        self.pages.remove(&id);
    }

    fn items_of(&self, kind: ItemKind) -> impl Iterator<Item = (&String, &ItemRow)> {
        let from = self.items.rows().range((kind, String::new())..);
        from.take_while(move |((of, _), _)| *of == kind).map(|((_, id), row)| (id, row))
    }

    fn put_item_row(&mut self, key: (ItemKind, String), row: ItemRow) -> Result<(), StoreError> {
        if row.body.len() > key.0.bytes_max() {
            return Err(StoreError::broken("an item is short"));
        }
        let before = self.items.rows().get(&key).map(|before| before.seq);
        self.place(before, row.seq, Changed::Item(key.0, key.1.clone()))?;
        self.items.put(key, row);
        Ok(())
    }

    fn is_named(&self, id: IncidentId) -> bool {
        self.series_of.rows().range((id, i64::MIN)..=(id, i64::MAX)).next().is_some()
    }

    /// Returns a row as the feed carries it; `None` for what is another node's.
    fn feed_row(&self, seq: u64, changed: &Changed, verdicts: Option<NodeId>) -> Result<Option<FeedRow>, StoreError> {
        let (kind, body) = match changed {
            Changed::Incident(id) => {
                (FeedKind::Incident, json(self.incidents.rows().get(id).map(|placed| &*placed.row))?)
            }
            Changed::Series(id) => (FeedKind::Series, json(self.series.rows().get(id).map(|placed| &*placed.row))?),
            Changed::Line(id) => (FeedKind::Line, self.lines.rows().get(&(*id, seq)).map(|body| body.to_string())),
            Changed::Page(id) => (FeedKind::Page, json(self.pages.rows().get(id).map(|placed| &*placed.row))?),
            Changed::Item(kind, id) => {
                let row = self.items.rows().get(&(*kind, id.clone()));
                (FeedKind::Item, row.map(|row| row.body.to_string()))
            }
            Changed::Op(id) => {
                let op = self.ops.rows().get(id).filter(|op| verdicts.is_none_or(|node| op.node == node));
                (FeedKind::Verdict, json(op.map(|op| told(*id, op)))?)
            }
        };
        Ok(body.map(|body| FeedRow { seq, kind, body }))
    }
}

/// Checks what holds of each incident by itself.
fn check(incident: &Incident) -> Result<(), StoreError> {
    let resolved = incident.life == Life::Resolved;
    if !resolved && incident.next_due_at.is_none() {
        return Err(StoreError::broken("silence without a timer cannot be stored"));
    }
    if resolved != incident.open_key.is_none() {
        return Err(StoreError::broken("an incident has its group's key until it is resolved"));
    }
    if incident.life == Life::Acked && incident.owner.is_none() {
        return Err(StoreError::broken("an acked incident has an owner"));
    }
    Ok(())
}

fn key_of(series: &Series) -> SeriesKey {
    SeriesKey { source: series.source.clone(), fingerprint: series.fingerprint }
}

fn burns(series: &Series) -> bool {
    !series.state.is_over()
}

fn real_at_key(id: i64, series: &Series) -> Option<(Timestamp, i64)> {
    series.pending_until.filter(|_| series.state == SeriesState::Pending).map(|until| (until, id))
}

fn runs_out_key(id: i64, series: &Series) -> Option<(Timestamp, i64)> {
    series.ends_at.filter(|_| burns(series)).map(|ends_at| (ends_at, id))
}

fn json(row: Option<impl serde::Serialize>) -> Result<Option<String>, StoreError> {
    Ok(row.map(|row| serde_json::to_string(&row)).transpose()?)
}

/// A verdict as the feed carries it.
fn told(id: OpId, op: &OpRow) -> AnswerBody<'_> {
    let OpRow { node, nseq, stored } = op;
    AnswerBody {
        op_id: hex(id.as_bytes()),
        node: hex(node.as_bytes()),
        nseq: *nseq,
        hash: hex(&stored.hash),
        verdict: &stored.verdict,
    }
}

impl Tables for MemoryTables {
    fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        Ok(self.meta.rows().get(key).cloned())
    }

    fn set_meta(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        self.meta.put(key.to_owned(), value.to_owned());
        Ok(())
    }

    fn head(&self) -> Result<u64, StoreError> {
        Ok(self.counter(Counter::Head))
    }

    fn set_head(&mut self, seq: u64) -> Result<(), StoreError> {
        self.counters.put(Counter::Head, seq);
        Ok(())
    }

    fn changes(&self, after: u64, max: usize, verdicts: Option<NodeId>) -> Result<Vec<FeedRow>, StoreError> {
        let rows = self.changes.rows().range((Excluded(after), Unbounded));
        rows.filter_map(|(seq, changed)| self.feed_row(*seq, changed, verdicts).transpose()).take(max).collect()
    }

    fn has_verdicts(&self, after: u64, node: NodeId) -> Result<bool, StoreError> {
        let of_node = |changed: &Changed| match changed {
            Changed::Op(id) => self.ops.rows().get(id).is_some_and(|op| op.node == node),
            Changed::Incident(_) | Changed::Series(_) | Changed::Line(_) | Changed::Page(_) | Changed::Item(..) => {
                false
            }
        };
        Ok(self.changes.rows().range((Excluded(after), Unbounded)).any(|(_, changed)| of_node(changed)))
    }

    fn spoke(&mut self, source: &SourceName, at: Timestamp) -> Result<(), StoreError> {
        if self.sources.rows().get(source).is_none_or(|before| *before < at) {
            self.sources.put(source.clone(), at);
        }
        Ok(())
    }

    fn unsay_after(&mut self, latest: Timestamp) -> Result<(), StoreError> {
        let ahead = self.sources.rows().iter().filter(|(_, at)| **at > latest);
        let ahead: Vec<SourceName> = ahead.map(|(source, _)| source.clone()).collect();
        for source in ahead {
            self.sources.put(source, Timestamp::default());
        }
        Ok(())
    }

    fn series(&self, key: &SeriesKey) -> Result<Option<SeriesRow>, StoreError> {
        Ok(self.series_ids.rows().get(key).and_then(|id| self.series_by_id(*id)))
    }

    fn insert_series(&mut self, series: &Series, seq: u64) -> Result<(), StoreError> {
        let id = self.series.rows().last_key_value().map_or(1, |(last, _)| last + 1);
        self.put_series(id, series, Some(seq))
    }

    fn update_series(&mut self, place: &SeriesPlace, series: &Series, seq: u64) -> Result<(), StoreError> {
        self.put_series(place.id, series, Some(seq))
    }

    fn update_counters(&mut self, place: &SeriesPlace, series: &Series) -> Result<(), StoreError> {
        self.put_series(place.id, series, None)
    }

    fn rekey_series(&mut self, id: i64, series: &Series) -> Result<(), StoreError> {
        match self.series_ids.rows().get(&key_of(series)) {
            Some(other) if *other != id => Ok(()),
            Some(_) | None => self.put_series(id, series, None),
        }
    }

    fn burning(&self, after: i64, max: usize) -> Result<Vec<SeriesRow>, StoreError> {
        let rows = self.series.rows().range((Excluded(after), Unbounded)).filter(|(_, placed)| burns(&placed.row));
        Ok(rows.take(max).map(|(id, placed)| SeriesRow { id: *id, series: (*placed.row).clone() }).collect())
    }

    fn ran_out(&self, now: Timestamp, hub_up_since: Timestamp, max: usize) -> Result<Vec<RanOut>, StoreError> {
        let past = self.runs_out.rows().range(..=(now, i64::MAX));
        let found = past.filter_map(|((ends_at, id), ())| {
            let series = &self.series.rows().get(id)?.row;
            let trusted = self.trusted.rows().get(&series.source).copied().unwrap_or_default();
            let spoke_at = self.sources.rows().get(&series.source).copied();
            let spoke_at = spoke_at.filter(|_| trusted.plus(series.promise()) <= now);
            // What is unknown already is looked at again only once its source spoke.
            let news = series.state == SeriesState::Firing || spoke_at.is_some_and(|at| at > *ends_at);
            (news && hub_up_since.plus(series.promise()) <= now)
                .then(|| RanOut { key: key_of(series), spoke_at: spoke_at.unwrap_or_default() })
        });
        Ok(found.take(max).collect())
    }

    fn become_real(&self, now: Timestamp, max: usize) -> Result<Vec<SeriesKey>, StoreError> {
        let past = self.real_at.rows().range(..=(now, i64::MAX)).take(max);
        Ok(past.filter_map(|((_, id), ())| Some(key_of(&self.series.rows().get(id)?.row))).collect())
    }

    fn tied(&self, key: &str, bears: bool) -> Result<Vec<IncidentId>, StoreError> {
        let from = self.ties.rows().range((key.to_owned(), bears, IncidentId::from_bytes([0; 16]))..);
        Ok(from.take_while(|((of, side, _), ())| of == key && *side == bears).map(|((_, _, id), ())| *id).collect())
    }

    fn set_ties(&mut self, incident: &Incident) -> Result<(), StoreError> {
        let id = incident.id;
        if let Some(before) = self.ties_of.rows().get(&id).cloned() {
            for (key, bears) in before.iter() {
                self.ties.remove(&(key.clone(), *bears, id));
            }
            self.ties_of.remove(&id);
        }
        if incident.open_key.is_none() {
            return Ok(());
        }
        let bears = incident.bears.iter().map(|key| (key.clone(), true));
        let all: Arc<[(String, bool)]> = bears.chain(incident.leans.keys().map(|key| (key.clone(), false))).collect();
        for (key, bears) in all.iter() {
            self.ties.put((key.clone(), *bears, id), ());
        }
        self.ties_of.put(id, all);
        Ok(())
    }

    fn trust(&mut self, source: &SourceName, from: Timestamp) -> Result<(), StoreError> {
        self.trusted.put(source.clone(), from);
        Ok(())
    }

    fn source_states(&self) -> Result<Vec<Watched>, StoreError> {
        Ok(self.states.rows().values().cloned().collect())
    }

    fn put_source_state(&mut self, state: &Watched) -> Result<(), StoreError> {
        self.states.put(state.name.clone(), state.clone());
        Ok(())
    }

    fn series_from(
        &self,
        source: &SourceName,
        state: SeriesState,
        after: i64,
        max: usize,
    ) -> Result<Vec<SeriesRow>, StoreError> {
        let rows = self.series.rows().range((Excluded(after), Unbounded));
        let wanted = rows.filter(|(_, placed)| placed.row.source == *source && placed.row.state == state);
        Ok(wanted.take(max).map(|(id, placed)| SeriesRow { id: *id, series: (*placed.row).clone() }).collect())
    }

    fn add_counts(&mut self, day: DayNumber, source: &SourceName, counts: &Counts) -> Result<(), StoreError> {
        let key = (day, source.clone());
        let (mut sum, untold) = self.days.rows().get(&key).copied().unwrap_or_default();
        sum += *counts;
        self.days.put(key, (sum, untold.max(if counts.is_news() { 2 } else { 1 })));
        Ok(())
    }

    fn untold_days(&self, all: bool, max: usize) -> Result<Vec<CountedDay>, StoreError> {
        let wanted = self.days.rows().iter().filter(|(_, (_, untold))| *untold >= if all { 1 } else { 2 });
        Ok(wanted.take(max).map(|((day, source), (counts, _))| (*day, source.clone(), *counts)).collect())
    }

    fn day_told(&mut self, day: DayNumber, source: &SourceName) -> Result<(), StoreError> {
        let key = (day, source.clone());
        if let Some((counts, _)) = self.days.rows().get(&key).copied() {
            self.days.put(key, (counts, 0));
        }
        Ok(())
    }

    fn prune_days(&mut self, before: DayNumber) -> Result<usize, StoreError> {
        let old: Vec<_> = self.days.rows().keys().take_while(|(day, _)| *day < before).cloned().collect();
        old.iter().for_each(|key| self.days.remove(key));
        Ok(old.len())
    }

    fn change(&self, id: &str) -> Result<Option<Change>, StoreError> {
        Ok(self.made.rows().get(id).cloned())
    }

    fn put_text(&mut self, runbook: &RunbookName, revision: Revision, text: &str) -> Result<(), StoreError> {
        let key = (runbook.clone(), revision);
        if !self.texts.rows().contains_key(&key) {
            self.texts.put(key, text.to_owned());
        }
        Ok(())
    }

    fn text(&self, runbook: &RunbookName, revision: Revision) -> Result<Option<String>, StoreError> {
        Ok(self.texts.rows().get(&(runbook.clone(), revision)).cloned())
    }

    fn texts(&self, runbook: &RunbookName) -> Result<Vec<Revision>, StoreError> {
        let from = (runbook.clone(), Revision([0; 16]))..=(runbook.clone(), Revision([255; 16]));
        Ok(self.texts.rows().range(from).map(|((_, revision), _)| *revision).collect())
    }

    fn forget_text(&mut self, runbook: &RunbookName, revision: Revision) -> Result<(), StoreError> {
        self.texts.remove(&(runbook.clone(), revision));
        Ok(())
    }

    fn put_change(&mut self, change: &Change) -> Result<(), StoreError> {
        self.made.put(change.id.clone(), change.clone());
        Ok(())
    }

    fn changes_between(&self, from: Timestamp, to: Timestamp, max: usize) -> Result<Vec<Change>, StoreError> {
        let within = self.made.rows().values().filter(|change| (from..=to).contains(&change.at));
        let mut found: Vec<Change> = within.cloned().collect();
        found.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        Ok(found.split_off(found.len().saturating_sub(max)))
    }

    fn prune_changes(&mut self, before: Timestamp, max: usize) -> Result<usize, StoreError> {
        let mut old: Vec<_> = self.made.rows().values().filter(|change| change.at < before).collect();
        old.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        let old: Vec<String> = old.into_iter().take(max).map(|change| change.id.clone()).collect();
        old.iter().for_each(|id| self.made.remove(id));
        Ok(old.len())
    }

    fn open_incidents(&self, max: usize) -> Result<Vec<IncidentId>, StoreError> {
        let newest = self.numbers.rows().values().rev();
        let open =
            |id: &&IncidentId| self.incidents.rows().get(*id).is_some_and(|placed| placed.row.open_key.is_some());
        Ok(newest.filter(open).take(max).copied().collect())
    }

    fn firing_of(&self, incident: IncidentId) -> Result<Vec<SeriesKey>, StoreError> {
        let ids = self.series_of.rows().range((incident, i64::MIN)..=(incident, i64::MAX)).map(|((_, id), ())| id);
        let series = ids.filter_map(|id| self.series.rows().get(id));
        let firing = series.filter(|placed| placed.row.state == SeriesState::Firing);
        Ok(firing.map(|placed| key_of(&placed.row)).collect())
    }

    fn prune_series(&mut self, before: Timestamp, max: usize) -> Result<usize, StoreError> {
        let is_old = |series: &Series| series.state.is_over() && series.ends_at.is_some_and(|at| at < before);
        let old = self.series.rows().iter().filter(|(_, placed)| is_old(&placed.row)).take(max);
        let old: Vec<(i64, Placed<Series>)> = old.map(|(id, placed)| (*id, placed.clone())).collect();
        for (id, placed) in &old {
            self.forget_series(*id, &placed.row);
            self.changes.remove(&placed.seq);
            self.series.remove(id);
        }
        Ok(old.len())
    }

    fn next_number(&mut self) -> Result<Number, StoreError> {
        Ok(Number(self.count_on(Counter::Incident)))
    }

    fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        Ok(self.incidents.rows().get(&id).map(|placed| (*placed.row).clone()))
    }

    fn incident_by_open_key(&self, key: &str) -> Result<Option<Incident>, StoreError> {
        self.open.rows().get(key).map_or(Ok(None), |id| self.incident(*id))
    }

    fn insert_incident(&mut self, incident: &Incident, seq: u64) -> Result<(), StoreError> {
        if self.incidents.rows().contains_key(&incident.id) {
            return Err(StoreError::broken("an incident's id is its own"));
        }
        self.put_incident(incident, seq)
    }

    fn update_incident(&mut self, _place: &IncidentPlace, incident: &Incident, seq: u64) -> Result<(), StoreError> {
        self.put_incident(incident, seq)
    }

    fn due(&self, now: Timestamp, max: usize) -> Result<Vec<IncidentId>, StoreError> {
        Ok(self.due.rows().range(..=(now, Number(u64::MAX))).take(max).map(|(_, id)| *id).collect())
    }

    fn due_after(&self, reach: Timestamp, max: usize) -> Result<Vec<IncidentId>, StoreError> {
        let later = self.due.rows().range((Excluded((reach, Number(u64::MAX))), Unbounded));
        Ok(later.take(max).map(|(_, id)| *id).collect())
    }

    fn insert_line(&mut self, seq: u64, incident: IncidentId, line: &Line) -> Result<(), StoreError> {
        if !self.incidents.rows().contains_key(&incident) {
            return Err(StoreError::broken("a line is of an incident that there is"));
        }
        self.place(None, seq, Changed::Line(incident))?;
        self.lines.add((incident, seq), line_body(incident, line)?.into(), LINE_UNIQUE)
    }

    fn prune_incidents(&mut self, before: Timestamp, max: usize) -> Result<usize, StoreError> {
        let is_old =
            |incident: &Incident| incident.life == Life::Resolved && incident.resolved_at.is_some_and(|at| at < before);
        let by_number = self.numbers.rows().values().filter_map(|id| self.incidents.rows().get(id));
        let old = by_number.filter(|placed| is_old(&placed.row) && !self.is_named(placed.row.id)).take(max);
        let old: Vec<Placed<Incident>> = old.cloned().collect();
        for Placed { seq, row } in &old {
            let lines: Vec<u64> = self.lines_of(row.id).collect();
            for line in lines {
                self.lines.remove(&(row.id, line));
                self.changes.remove(&line);
            }
            let pages: Vec<PageId> = self.page_ids_of(row.id).collect();
            for page in pages {
                self.forget_page(page);
            }
            let aliases = self.aliases.rows().iter().filter(|(_, id)| **id == row.id);
            let aliases: Vec<String> = aliases.map(|(key, _)| key.clone()).collect();
            aliases.iter().for_each(|key| self.aliases.remove(key));
            self.forget_incident(row);
            self.changes.remove(seq);
            self.incidents.remove(&row.id);
        }
        Ok(old.len())
    }

    fn alias(&self, key: &str) -> Result<Option<IncidentId>, StoreError> {
        Ok(self.aliases.rows().get(key).copied())
    }

    fn set_alias(&mut self, key: &str, incident: IncidentId) -> Result<(), StoreError> {
        if !self.incidents.rows().contains_key(&incident) {
            return Err(StoreError::broken("an alias is of an incident that there is"));
        }
        self.aliases.put(key.to_owned(), incident);
        Ok(())
    }

    fn series_of(&self, incident: IncidentId, max: usize) -> Result<Vec<SeriesKey>, StoreError> {
        let ids = self.series_of.rows().range((incident, i64::MIN)..=(incident, i64::MAX)).map(|((_, id), ())| id);
        Ok(ids.filter_map(|id| self.series.rows().get(id)).take(max).map(|placed| key_of(&placed.row)).collect())
    }

    fn page(&self, id: PageId) -> Result<Option<Page>, StoreError> {
        Ok(self.pages.rows().get(&id).map(|placed| (*placed.row).clone()))
    }

    fn put_page(&mut self, page: &Page, seq: u64) -> Result<(), StoreError> {
        if !self.incidents.rows().contains_key(&page.incident) {
            return Err(StoreError::broken("a page is about an incident that there is"));
        }
        self.forget_page(page.id);
        self.place(None, seq, Changed::Page(page.id))?;
        self.pages_of.put((page.incident, page.id), ());
        if let Some(due) = page.due_at() {
            self.pages_due.put((page.person.clone(), page.channel.clone(), due, page.id), ());
        }
        self.pages.put(page.id, Placed { seq, row: Arc::new(page.clone()) });
        Ok(())
    }

    fn pages_of(&self, incident: IncidentId, open: bool) -> Result<Vec<Page>, StoreError> {
        let pages = self.page_ids_of(incident).filter_map(|id| self.pages.rows().get(&id));
        Ok(pages.filter(|placed| !open || placed.row.is_open()).map(|placed| (*placed.row).clone()).collect())
    }

    fn due_callees(&self, now: Timestamp) -> Result<Vec<(UserName, String)>, StoreError> {
        let due = self.pages_due.rows().keys().filter(|(_, _, due, _)| *due <= now);
        let callees: BTreeSet<(UserName, String)> = due.map(|(to, by, _, _)| (to.clone(), by.clone())).collect();
        Ok(callees.into_iter().collect())
    }

    fn due_pages(&self, to: &UserName, by: &str, now: Timestamp, max: usize) -> Result<Vec<Page>, StoreError> {
        let first = (to.clone(), by.to_owned(), Timestamp::from_millis(i64::MIN), PageId([0; 16]));
        let last = (to.clone(), by.to_owned(), now, PageId([0xff; 16]));
        let ids = self.pages_due.rows().range(first..=last).map(|((_, _, _, id), ())| id);
        let pages = ids.filter_map(|id| self.pages.rows().get(id));
        Ok(pages.take(max).map(|placed| (*placed.row).clone()).collect())
    }

    fn is_sending(&self, to: &UserName, by: &str, now: Timestamp) -> Result<bool, StoreError> {
        let pages = self.pages.rows().values().map(|placed| &placed.row);
        let mut theirs = pages.filter(|page| page.person == *to && page.channel == by && page.is_pending());
        Ok(theirs.any(|page| page.lease_until.is_some_and(|until| until > now)))
    }

    fn pages_due_after(&self, at: Timestamp) -> Result<Vec<Page>, StoreError> {
        let pages = self.pages.rows().values().map(|placed| &placed.row);
        Ok(pages.filter(|page| page.due_at().is_some_and(|due| due > at)).map(|page| (**page).clone()).collect())
    }

    fn prune_pages(&mut self, before: Timestamp, max: usize) -> Result<usize, StoreError> {
        let pages = self.pages.rows().values().map(|placed| &placed.row);
        let old = pages.filter(|page| !page.is_open() && page.due_at().is_none() && page.queued_at < before);
        let old: Vec<PageId> = old.map(|page| page.id).take(max).collect();
        old.iter().for_each(|id| self.forget_page(*id));
        Ok(old.len())
    }

    fn waiting_pages(&self, before: Timestamp) -> Result<WaitingPages, StoreError> {
        let due = || self.pages_due.rows().keys().map(|(_, _, due, _)| *due);
        let late = due().filter(|due| *due < before).count() as u64;
        Ok(WaitingPages { all: due().count() as u64, late, oldest_due: due().min() })
    }

    fn reached_at(&self, person: &UserName, channel: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.reached.rows().get(&(person.clone(), channel.to_owned())).copied())
    }

    fn set_reached_at(&mut self, person: &UserName, channel: &str, at: Timestamp) -> Result<(), StoreError> {
        self.reached.put((person.clone(), channel.to_owned()), at);
        Ok(())
    }

    fn item(&self, kind: ItemKind, id: &str) -> Result<Option<Item>, StoreError> {
        let row = self.items.rows().get(&(kind, id.to_owned()));
        Ok(row.and_then(|row| row.item.as_deref().cloned()))
    }

    fn items(&self, kind: ItemKind) -> Result<Vec<Item>, StoreError> {
        Ok(self.items_of(kind).filter_map(|(_, row)| row.item.as_deref().cloned()).collect())
    }

    fn items_ending_after(&self, kind: ItemKind, now: Timestamp) -> Result<Vec<Item>, StoreError> {
        let live = self.items_of(kind).filter(|(_, row)| row.ends_at.is_some_and(|at| at > now));
        Ok(live.filter_map(|(_, row)| row.item.as_deref().cloned()).collect())
    }

    fn count_items(&self, kind: ItemKind, now: Timestamp) -> Result<(usize, Option<String>), StoreError> {
        let held = || self.items_of(kind).filter(|(_, row)| row.item.is_some());
        let over = held().filter_map(|(id, row)| Some((row.ends_at.filter(|at| *at <= now)?, id)));
        Ok((held().count(), over.min().map(|(_, id)| id.clone())))
    }

    fn put_item(&mut self, item: &Item, body: &str, seq: u64) -> Result<(), StoreError> {
        let row = ItemRow { seq, ends_at: item.ends_at(), item: Some(Arc::new(item.clone())), body: body.into() };
        self.put_item_row((item.kind(), item.id()), row)
    }

    fn leave_item(&mut self, kind: ItemKind, id: &str, at: Timestamp, body: &str, seq: u64) -> Result<(), StoreError> {
        let key = (kind, id.to_owned());
        if !self.items.rows().contains_key(&key) {
            return Ok(());
        }
        self.put_item_row(key, ItemRow { seq, ends_at: Some(at), item: None, body: body.into() })
    }

    fn forget_item(&mut self, kind: ItemKind, id: &str) -> Result<(), StoreError> {
        let key = (kind, id.to_owned());
        if let Some(seq) = self.items.rows().get(&key).map(|row| row.seq) {
            self.changes.remove(&seq);
            self.items.remove(&key);
        }
        Ok(())
    }

    fn prune_items(&mut self, before: Timestamp, gone: Timestamp, max: usize) -> Result<usize, StoreError> {
        let is_old = |row: &ItemRow| row.ends_at.is_some_and(|at| at < if row.item.is_some() { before } else { gone });
        let all = self.items.rows().iter();
        let mut old: Vec<(ItemKind, String)> = all.filter(|(_, row)| is_old(row)).map(|(key, _)| key.clone()).collect();
        old.sort_by(|a, b| (a.0.word(), &a.1).cmp(&(b.0.word(), &b.1)));
        old.truncate(max);
        old.iter().try_for_each(|(kind, id)| self.forget_item(*kind, id))?;
        Ok(old.len())
    }

    fn users(&self) -> Result<BTreeSet<UserName>, StoreError> {
        let alive = self.devices.rows().values().filter(|row| row.known.revoked_at_seq.is_none());
        Ok(alive.map(|row| row.known.device.user.clone()).collect())
    }

    fn op(&self, id: OpId) -> Result<Option<StoredOp>, StoreError> {
        Ok(self.ops.rows().get(&id).map(|op| op.stored.clone()))
    }

    fn insert_op(&mut self, judged: &JudgedOp<'_>) -> Result<(), StoreError> {
        let op = &judged.signed.op;
        if !self.devices.rows().contains_key(&op.node) {
            return Err(StoreError::broken("an operation is of a known console"));
        }
        let stored =
            StoredOp { hash: judged.hash, bytes: judged.signed.bytes.clone(), verdict: judged.verdict.clone() };
        self.place(None, judged.seq, Changed::Op(op.op_id))?;
        self.chain.add((op.node, op.nseq), op.op_id, "a place in a chain is of one operation")?;
        self.ops.add(op.op_id, OpRow { node: op.node, nseq: op.nseq, stored }, "an operation's id is its own")
    }

    fn reissued(&self, node: NodeId, nseq: u64) -> Result<Option<[u8; 32]>, StoreError> {
        Ok(self.reissued.rows().get(&(node, nseq)).copied())
    }

    fn insert_reissued(&mut self, node: NodeId, end: &ChainEnd) -> Result<(), StoreError> {
        if !self.devices.rows().contains_key(&node) {
            return Err(StoreError::broken("an operation is of a known console"));
        }
        self.reissued.add((node, end.nseq), end.hash, "a place in a chain is of one operation")
    }

    fn device(&self, node: NodeId) -> Result<Option<Device>, StoreError> {
        Ok(self.devices.rows().get(&node).map(|row| row.known.device.clone()))
    }

    fn devices(&self) -> Result<Vec<KnownDevice>, StoreError> {
        Ok(self.devices.rows().values().map(|row| row.known.clone()).collect())
    }

    fn count_devices(&self) -> Result<u64, StoreError> {
        Ok(self.devices.rows().len() as u64)
    }

    fn is_revoked(&self, node: NodeId) -> Result<bool, StoreError> {
        Ok(self.devices.rows().get(&node).is_some_and(|row| row.known.revoked_at_seq.is_some()))
    }

    fn is_revoked_key(&self, public_key: &[u8; 32]) -> Result<bool, StoreError> {
        let revoked =
            |row: &DeviceRow| row.known.revoked_at_seq.is_some() && row.known.device.public_key == *public_key;
        Ok(self.devices.rows().values().any(revoked))
    }

    fn insert_device(&mut self, device: &Device, created_at: Timestamp) -> Result<(), StoreError> {
        let end = ChainEnd { nseq: 0, hash: [0; 32] };
        let device = device.clone();
        let node = device.node;
        let known = KnownDevice { device, created_at, last_used_at: None, revoked_at_seq: None, revoked_at: None };
        self.devices.add(node, DeviceRow { known, end }, "a console's node is its own")
    }

    fn set_revoked(&mut self, node: NodeId, at_seq: u64, at: Timestamp) -> Result<(), StoreError> {
        if let Some(mut row) = self.devices.rows().get(&node).cloned() {
            (row.known.revoked_at_seq, row.known.revoked_at) = (Some(at_seq), Some(at));
            self.devices.put(node, row);
        }
        Ok(())
    }

    fn token(&self, id: &str) -> Result<Option<Bearer>, StoreError> {
        Ok(self.tokens.rows().get(id).cloned())
    }

    fn tokens(&self) -> Result<Vec<Bearer>, StoreError> {
        Ok(self.tokens.rows().values().cloned().collect())
    }

    fn tokens_of(&self, node: NodeId) -> Result<Vec<Bearer>, StoreError> {
        Ok(self.tokens.rows().values().filter(|bearer| bearer.node == node).cloned().collect())
    }

    fn put_token(&mut self, bearer: &Bearer) -> Result<(), StoreError> {
        let same = |other: &Bearer| other.token.hash == bearer.token.hash && other.token.id != bearer.token.id;
        if self.tokens.rows().values().any(same) {
            return Err(StoreError::broken("a token is of one console"));
        }
        self.tokens.put(bearer.token.id.clone(), bearer.clone());
        Ok(())
    }

    fn remove_token(&mut self, id: &str) -> Result<(), StoreError> {
        self.tokens.remove(&id.to_owned());
        Ok(())
    }

    fn enrolment(&self, hash: &[u8; 32]) -> Result<Option<Enrolment>, StoreError> {
        Ok(self.enrolments.rows().get(hash).cloned())
    }

    fn enrolments(&self) -> Result<Vec<Enrolment>, StoreError> {
        Ok(self.enrolments.rows().values().cloned().collect())
    }

    fn put_enrolment(&mut self, enrolment: &Enrolment) -> Result<(), StoreError> {
        self.enrolments.add(enrolment.hash, enrolment.clone(), "a code is of one enrolment")
    }

    fn remove_enrolment(&mut self, hash: &[u8; 32]) -> Result<(), StoreError> {
        self.enrolments.remove(hash);
        Ok(())
    }

    fn chain_end(&self, node: NodeId) -> Result<Option<ChainEnd>, StoreError> {
        Ok(self.devices.rows().get(&node).map(|row| row.end))
    }

    fn set_chain_end(&mut self, node: NodeId, end: &ChainEnd) -> Result<(), StoreError> {
        if let Some(row) = self.devices.rows().get(&node).cloned() {
            self.devices.put(node, DeviceRow { end: *end, ..row });
        }
        Ok(())
    }

    fn insert_quarantined(&mut self, item: &Quarantined, kept: usize) -> Result<(), StoreError> {
        let id = self.count_on(Counter::Quarantine) as i64;
        self.quarantine.put(id, Arc::new(item.clone()));
        let old: Vec<i64> = self.quarantine.rows().range(..=id - kept as i64).map(|(id, _)| *id).collect();
        old.iter().for_each(|id| self.quarantine.remove(id));
        Ok(())
    }

    fn quarantined(&self, max: usize) -> Result<Vec<(i64, Quarantined)>, StoreError> {
        Ok(self.quarantine.rows().iter().rev().take(max).map(|(id, item)| (*id, (**item).clone())).collect())
    }
}
