//! One transaction on the hub's state: loads each row once, lets the domain change it, writes each once.
//!
//! The back end began the transaction and ends it: kept whole when the work says `Ok`, else undone whole.

use super::super::StoreError;
use super::Rules;
use super::claims::Claims;
use super::pages;
use super::tables::{IncidentPlace, SeriesPlace, SeriesRow, Tables};
use super::ties::{self, Tied};
use crate::domain::change;
use crate::domain::course::Course;
use crate::domain::day::{Counts, DayNumber};
use crate::domain::event::SeriesKey;
use crate::domain::grouping::Group;
use crate::domain::holds::{Handling, PENDING_MAX};
use crate::domain::id::{IncidentId, OpId, SourceName};
use crate::domain::incident::{Happened, Incident, Life, Line, Shown, Told};
use crate::domain::paging::{Call, Page, PageId};
use crate::domain::series::{Series, SeriesState};
use crate::domain::time::Timestamp;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

/// Merges of merges that are followed.
const MERGES_FOLLOWED_MAX: usize = 16;

/// Changes that are looked through when an incident is opened.
const CHANGES_NOTED_MAX: usize = 200;

/// How far a held series differs from its row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Dirty {
    Clean,
    Counters,
    Material,
}

struct HeldSeries {
    /// `None` for a series that has no row yet.
    row: Option<SeriesPlace>,
    series: Series,
    dirty: Dirty,
}

impl HeldSeries {
    /// No two series are equal in it, so the same work always gives the same feed.
    fn order(&self) -> impl Ord + '_ {
        let Series { source, fingerprint, first_seen, .. } = &self.series;
        (self.row.map(|place| place.id), first_seen, fingerprint, source)
    }
}

struct HeldIncident {
    /// `None` for an incident that has no row yet.
    row: Option<IncidentPlace>,
    /// What its pages depend on, as it stands in its row.
    calling: Option<Calling>,
    /// What of it ties it to others, as it stands in its row.
    tied: Tied,
    incident: Incident,
    dirty: bool,
}

/// What of an incident its open pages depend on.
#[derive(PartialEq, Eq)]
struct Calling {
    life: Life,
    claim_no: u64,
    fire_no: u64,
    recovering: bool,
    silenced: bool,
    escalating: bool,
    seen_due: bool,
    lease_until: Option<Timestamp>,
    asks: (Option<OpId>, Option<OpId>),
}

impl Calling {
    fn of(incident: &Incident) -> Self {
        Self {
            life: incident.life,
            claim_no: incident.claim_no,
            fire_no: incident.fire_no,
            recovering: incident.recovering_until.is_some(),
            silenced: incident.silenced.is_some(),
            escalating: incident.escalating,
            seen_due: incident.seen_due.is_some(),
            lease_until: incident.lease_until,
            asks: (
                incident.offer.as_ref().map(|offer| offer.op),
                incident.assigned.as_ref().map(|assigned| assigned.op),
            ),
        }
    }
}

/// What a committed transaction left behind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Committed {
    /// The newest change of the feed.
    pub head: u64,
    /// Every series that was touched, as it is stored now.
    pub series: Vec<Series>,
    /// Incidents opened.
    pub opened: u64,
    /// Pages were queued: somebody should send them.
    pub queued: bool,
}

/// A call, and where the incident's calling stood when it was made: what is done later in the same transaction may begin it anew.
pub(super) struct Made {
    pub incident: IncidentId,
    pub call: Call,
    pub fire_no: u64,
    pub round: u32,
}

/// The unit of work.
pub(in crate::store) struct Work<'w, T> {
    pub tables: &'w mut T,
    pub now: Timestamp,
    rules: &'w Rules,
    seq: u64,
    /// The head of the feed when the transaction began.
    begun_at: u64,
    series: HashMap<SeriesKey, HeldSeries>,
    incidents: HashMap<IncidentId, HeldIncident>,
    open: HashMap<String, IncidentId>,
    lines: Vec<(IncidentId, Line)>,
    calls: Vec<Made>,
    pages: BTreeMap<PageId, Page>,
    queued: bool,
    opened: u64,
    counts: BTreeMap<(DayNumber, SourceName), Counts>,
    /// The claims that stand, once they were needed.
    pub(super) claims: Option<Rc<Claims>>,
    /// Silences that are not over, once they were asked for.
    pub(super) silences: Option<Arc<super::silences::Lives>>,
}

impl<'w, T: Tables> Work<'w, T> {
    pub fn begin(tables: &'w mut T, rules: &'w Rules, now: Timestamp) -> Result<Self, StoreError> {
        let seq = tables.head()?;
        Ok(Self {
            tables,
            now,
            rules,
            seq,
            begun_at: seq,
            series: HashMap::new(),
            incidents: HashMap::new(),
            open: HashMap::new(),
            lines: Vec::new(),
            calls: Vec::new(),
            pages: BTreeMap::new(),
            queued: false,
            opened: 0,
            counts: BTreeMap::new(),
            claims: None,
            silences: None,
        })
    }

    /// Returns the next place in the feed.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    pub fn rules(&self) -> &'w Rules {
        self.rules
    }

    /// Returns the series, if there is one.
    pub fn series(&mut self, key: &SeriesKey) -> Result<Option<&mut Series>, StoreError> {
        if !self.series.contains_key(key) {
            let Some(SeriesRow { id, series }) = self.tables.series(key)? else {
                return Ok(None);
            };
            let row = Some(SeriesPlace { id, incident: series.incident });
            self.series.insert(key.clone(), HeldSeries { row, series, dirty: Dirty::Clean });
        }
        Ok(self.series.get_mut(key).map(|held| &mut held.series))
    }

    /// Returns the series of the incident as this transaction left them, those in rows first.
    pub fn series_of(&self, incident: IncidentId, max: usize) -> Result<Vec<SeriesKey>, StoreError> {
        let stored = self.tables.series_of(incident, max)?;
        Ok(self.as_left(stored, |series| series.incident == Some(incident)))
    }

    /// Returns the series of the incident that burn, as this transaction left them, those in rows first.
    pub fn firing_of(&self, incident: IncidentId) -> Result<Vec<SeriesKey>, StoreError> {
        let stored = self.tables.firing_of(incident)?;
        Ok(self.as_left(stored, |series| series.incident == Some(incident) && series.state == SeriesState::Firing))
    }

    /// Brings a list of rows in line with the series that this transaction changed.
    fn as_left(&self, stored: Vec<SeriesKey>, belongs: impl Fn(&Series) -> bool) -> Vec<SeriesKey> {
        let rows: HashSet<&SeriesKey> = stored.iter().collect();
        let came = |(key, held): &(&SeriesKey, &HeldSeries)| belongs(&held.series) && !rows.contains(key);
        let mut came: Vec<_> = self.series.iter().filter(came).collect();
        came.sort_by(|(_, a), (_, b)| a.order().cmp(&b.order()));
        let came: Vec<SeriesKey> = came.into_iter().map(|(key, _)| key.clone()).collect();
        let stays = |key: &SeriesKey| self.series.get(key).is_none_or(|held| belongs(&held.series));
        stored.into_iter().filter(stays).chain(came).collect()
    }

    /// Takes a series that has no row yet.
    pub fn add_series(&mut self, key: SeriesKey, series: Series) {
        self.series.insert(key, HeldSeries { row: None, series, dirty: Dirty::Material });
    }

    /// Marks that only counters of the series moved.
    pub fn counted(&mut self, key: &SeriesKey) {
        self.mark(key, Dirty::Counters);
    }

    /// Marks that the series says something new of which its incident need not know.
    pub fn told_anew(&mut self, key: &SeriesKey) {
        self.mark(key, Dirty::Material);
    }

    fn mark(&mut self, key: &SeriesKey, dirty: Dirty) {
        if let Some(held) = self.series.get_mut(key) {
            held.dirty = held.dirty.max(dirty);
        }
    }

    /// Draws the conclusions of a material change of a series for its incident; `before` is the state it had, `None` if it is new.
    pub fn conclude(&mut self, key: &SeriesKey, before: Option<SeriesState>) -> Result<(), StoreError> {
        self.mark(key, Dirty::Material);
        let Some(held) = self.series.get(key) else { return Ok(()) };
        let (after, said) = (held.series.state, held.series.incident);
        let current = match said {
            Some(id) => self.incident(id)?.filter(|incident| incident.open_key.is_some()).map(|incident| incident.id),
            None => None,
        };
        let (id, from) = match current {
            Some(id) => (id, before),
            None if after.is_over() || after == SeriesState::Pending => return Ok(()),
            None if self.is_to_wait(key, before) => return Ok(()),
            None => {
                let opened = self.opened;
                let id = self.join(key)?;
                if self.opened > opened {
                    self.count(self.now, &key.source, Counts { incidents: 1, ..Counts::default() });
                    self.note_changes(key, id)?;
                }
                (id, None)
            }
        };
        self.count_real(key, before, after);
        let Some(spoke) = self.series.get_mut(key) else { return Ok(()) };
        spoke.series.incident = Some(id);
        self.count_in(key, id, from)?;
        // New to its incident: what is claimed may be told by this series alone.
        if from.is_none() { self.claim_for(key, id) } else { Ok(()) }
    }

    /// Lets a series that began to burn wait until it is real, where the rules say so; returns whether it waits. A re-fire while its incident
    /// is open is no beginning, and a fact is real at once.
    fn is_to_wait(&mut self, key: &SeriesKey, before: Option<SeriesState>) -> bool {
        let Some(HeldSeries { series, .. }) = self.series.get_mut(key) else { return false };
        let begins = before.is_none_or(SeriesState::is_over) && series.state == SeriesState::Firing;
        if !begins || series.is_instant() {
            return false;
        }
        let pending = self.rules.handles.handling(series).pending.min(PENDING_MAX);
        if !pending.is_zero() {
            series.wait_to_be_real(pending);
        }
        !pending.is_zero()
    }

    /// Makes a series real that burned for long enough at `now`.
    pub fn become_real(&mut self, key: &SeriesKey, now: Timestamp) -> Result<bool, StoreError> {
        let is_real = self.series(key)?.is_some_and(|series| series.become_real(now));
        if is_real {
            self.conclude(key, Some(SeriesState::Pending))?;
        }
        Ok(is_real)
    }

    /// Counts a series as real that begins to burn, once a day.
    fn count_real(&mut self, key: &SeriesKey, before: Option<SeriesState>, after: SeriesState) {
        let today = DayNumber::of(self.now);
        let began = after == SeriesState::Firing && before != Some(SeriesState::Unknown);
        let Some(held) = self.series.get_mut(key).filter(|held| began && held.series.real_on != Some(today)) else {
            return;
        };
        held.series.real_on = Some(today);
        self.count(self.now, &key.source, Counts { real: 1, ..Counts::default() });
    }

    /// Adds to the funnel of the day and the source; written with all else.
    pub fn count(&mut self, at: Timestamp, source: &SourceName, counts: Counts) {
        *self.counts.entry((DayNumber::of(at), source.clone())).or_default() += counts;
    }

    /// Puts what was changed shortly before into the timeline of an incident that a series just opened.
    fn note_changes(&mut self, key: &SeriesKey, id: IncidentId) -> Result<(), StoreError> {
        let from = self.now.minus(change::BEFORE);
        let Some(held) = self.series.get(key) else { return Ok(()) };
        let labels = held.series.labels.clone();
        let mut about = self.tables.changes_between(from, self.now, CHANGES_NOTED_MAX)?;
        about.retain(|made| change::about(made, &labels));
        for made in &about[about.len().saturating_sub(change::TOLD_MAX)..] {
            self.tell(id, change::line(made, self.now));
        }
        Ok(())
    }

    /// Counts a series in its incident, which it joins when `from` is `None`, and draws the conclusions.
    fn count_in(&mut self, key: &SeriesKey, id: IncidentId, from: Option<SeriesState>) -> Result<(), StoreError> {
        self.mark(key, Dirty::Material);
        self.hold(id)?;
        let Some(spoke) = self.series.get(key) else { return Ok(()) };
        let (after, severity, instant) = (spoke.series.state, spoke.series.severity, spoke.series.is_instant());
        let (now, rules, rules_of) = (self.now, self.rules.domain(), &self.rules.handles);
        let Some(held) = self.incidents.get_mut(&id) else { return Ok(()) };
        held.dirty = true;
        let incident = &mut held.incident;
        let (shown, loud) = (incident.shown(), (incident.machine_severity, incident.plan));
        incident.count(from, after);
        if instant {
            incident.count_instant(from, after);
        }
        let handled = match after {
            SeriesState::Firing => incident.take_handling(&rules_of.handling(&spoke.series), now),
            _ => None,
        };
        let raised =
            if after == SeriesState::Firing { incident.raise(severity, now, rules) } else { Happened::default() };
        if !after.is_over() {
            incident.note_hit(&spoke.series.labels);
        }
        if incident.tally.total() == 1 {
            // The one series' text is the incident's, unless a rule gives it a title: a disk that fills further says so.
            incident.summary = self.rules.decide(&spoke.series).group.summary;
        } else if loud != (incident.machine_severity, incident.plan) {
            let course = self.rules.decide(&spoke.series).course;
            if loud.0 != incident.machine_severity {
                incident.course.retell("severity", &course);
            }
            if loud.1 != incident.plan {
                incident.course.retell("plan", &course);
            }
        }
        let settled = incident.settle(shown, now, rules);
        self.lines.extend(handled.map(|line| (id, line)));
        self.happened(id, raised);
        self.happened(id, settled);
        Ok(())
    }

    /// Returns the incident for reading.
    pub fn incident(&mut self, id: IncidentId) -> Result<Option<&Incident>, StoreError> {
        self.hold(id)?;
        Ok(self.incidents.get(&id).map(|held| &held.incident))
    }

    /// Returns the incident for changing; it is written at the commit.
    pub fn incident_mut(&mut self, id: IncidentId) -> Result<Option<&mut Incident>, StoreError> {
        self.hold(id)?;
        Ok(self.incidents.get_mut(&id).map(|held| {
            held.dirty = true;
            &mut held.incident
        }))
    }

    fn hold(&mut self, id: IncidentId) -> Result<(), StoreError> {
        if !self.incidents.contains_key(&id)
            && let Some(incident) = self.tables.incident(id)?
        {
            self.keep(incident);
        }
        Ok(())
    }

    /// Takes an incident as it stands in its row.
    fn keep(&mut self, incident: Incident) {
        let row = Some(IncidentPlace::of(&incident));
        let calling = Some(Calling::of(&incident));
        let tied = Tied::of(&incident);
        self.insert(HeldIncident { row, calling, tied, incident, dirty: false });
    }

    fn insert(&mut self, held: HeldIncident) {
        if let Some(key) = &held.incident.open_key {
            self.open.insert(key.clone(), held.incident.id);
        }
        self.incidents.insert(held.incident.id, held);
    }

    /// Returns the open incident of the group, if there is one.
    pub fn open_incident(&mut self, key: &str) -> Result<Option<IncidentId>, StoreError> {
        let held = |work: &Self, id: &IncidentId| work.incidents.get(id).map(|held| held.incident.open_key.is_some());
        if let Some(id) = self.open.get(key)
            && held(self, id) == Some(true)
        {
            return Ok(Some(*id));
        }
        let Some(incident) = self.tables.incident_by_open_key(key)? else { return self.merged(key) };
        // The row may be older than what this transaction made of it.
        if held(self, &incident.id) == Some(false) {
            return self.merged(key);
        }
        let id = incident.id;
        self.keep(incident);
        Ok(Some(id))
    }

    /// Notes the group of an incident that this transaction may have opened again.
    pub fn note_open(&mut self, id: IncidentId) {
        if let Some(key) = self.incidents.get(&id).and_then(|held| held.incident.open_key.clone()) {
            self.open.insert(key, id);
        }
    }

    /// Returns the open incident that goes on for a group whose own was merged into it.
    fn merged(&mut self, key: &str) -> Result<Option<IncidentId>, StoreError> {
        match self.tables.alias(key)? {
            Some(id) => self.goes_on(id),
            None => Ok(None),
        }
    }

    /// Returns the incident, or the open one that it was merged into at last; `None` when that is over too.
    pub fn goes_on(&mut self, mut id: IncidentId) -> Result<Option<IncidentId>, StoreError> {
        for _ in 0..MERGES_FOLLOWED_MAX {
            match self.incident(id)? {
                Some(incident) if incident.open_key.is_some() => return Ok(Some(id)),
                Some(Incident { merged_into: Some(next), .. }) => id = *next,
                Some(_) | None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Opens an incident of its own for a group.
    pub fn open(&mut self, group: &Group) -> Result<IncidentId, StoreError> {
        let number = self.tables.next_number()?;
        let id = self.rules.mint.id(self.now);
        let incident = Incident::open(id, number, group.clone(), self.now);
        self.tell(id, Line::by_hub(self.now, Told::Opened, group.summary.clone()));
        self.insert(HeldIncident { row: None, calling: None, tied: Tied::default(), incident, dirty: true });
        self.opened += 1;
        Ok(id)
    }

    /// Moves a series from one incident to another that is open, and draws the conclusions for the second.
    pub fn move_series(&mut self, key: &SeriesKey, to: IncidentId) -> Result<(), StoreError> {
        let Some(series) = self.series(key)? else { return Ok(()) };
        let (from, state, instant) = (series.incident, series.state, series.is_instant());
        series.incident = None;
        if let Some(from) = from
            && let Some(incident) = self.incident_mut(from)?
        {
            incident.discount(state, instant);
        }
        let Some(series) = self.series(key)? else { return Ok(()) };
        series.incident = Some(to);
        // New to that incident, in whatever state.
        self.count_in(key, to, None)
    }

    /// Returns whether all series of the incident were over when the transaction began.
    pub fn was_recovering(&self, id: IncidentId) -> bool {
        self.incidents.get(&id).and_then(|held| held.calling.as_ref()).is_some_and(|calling| calling.recovering)
    }

    /// Returns the page, if there is one.
    pub fn page(&self, id: PageId) -> Result<Option<Page>, StoreError> {
        match self.pages.get(&id) {
            Some(page) => Ok(Some(page.clone())),
            None => self.tables.page(id),
        }
    }

    /// Returns the pages of an incident, only the open ones or all, as this transaction left them.
    pub fn pages_of(&self, incident: IncidentId, open: bool) -> Result<Vec<Page>, StoreError> {
        let stored = self.tables.pages_of(incident, open)?;
        let mut pages: BTreeMap<PageId, Page> = stored.into_iter().map(|page| (page.id, page)).collect();
        let held = self.pages.values().filter(|page| page.incident == incident);
        pages.extend(held.map(|page| (page.id, page.clone())));
        Ok(pages.into_values().filter(|page| !open || page.is_open()).collect())
    }

    /// Takes a page, new or changed; it is written at the end.
    pub fn put_page(&mut self, page: Page) {
        self.pages.insert(page.id, page);
    }

    /// Notes that pages were queued.
    pub fn queued(&mut self) {
        self.queued = true;
    }

    pub fn take_calls(&mut self) -> Vec<Made> {
        std::mem::take(&mut self.calls)
    }

    /// Returns the open incident of the series' group, opened if there is none.
    fn join(&mut self, key: &SeriesKey) -> Result<IncidentId, StoreError> {
        let decision = self.rules.decide(&self.series[key].series);
        let known = self.open_incident(&decision.group.key)?;
        if let Some(id) = known {
            return Ok(id);
        }
        let id = self.open(&decision.group)?;
        self.set_course(id, &decision.course)?;
        Ok(id)
    }

    /// Gives a new incident the course of its first series.
    fn set_course(&mut self, id: IncidentId, course: &Course) -> Result<(), StoreError> {
        if let Some(incident) = self.incident_mut(id)? {
            incident.course.clone_from(course);
        }
        Ok(())
    }

    /// Gives an open incident another course and another plan: whose it is, who is called next, and when.
    pub fn replace_course(&mut self, id: IncidentId, course: Course, handling: &Handling) -> Result<(), StoreError> {
        let now = self.now;
        let Some(incident) = self.incident(id)?.filter(|incident| incident.open_key.is_some()) else { return Ok(()) };
        let mut fresh = incident.clone();
        fresh.course = course;
        let line = fresh.replace_handling(handling, now);
        if fresh == *incident {
            return Ok(());
        }
        if let Some(incident) = self.incident_mut(id)? {
            *incident = fresh;
        }
        self.lines.extend(line.map(|line| (id, line)));
        Ok(())
    }

    /// Takes what an incident's own rules gave.
    pub fn happened(&mut self, incident: IncidentId, happened: Happened) {
        self.lines.extend(happened.line.map(|line| (incident, line)));
        for call in happened.calls {
            self.call(incident, call);
        }
    }

    /// Takes a call of people about an incident.
    pub fn call(&mut self, incident: IncidentId, call: Call) {
        let Some(held) = self.incidents.get(&incident) else { return };
        let Incident { fire_no, round, .. } = held.incident;
        self.calls.push(Made { incident, call, fire_no, round });
    }

    /// Draws the conclusions for an incident that series were taken from.
    pub fn settle(&mut self, id: IncidentId, before: Shown) -> Result<(), StoreError> {
        let (now, rules) = (self.now, self.rules.domain());
        if let Some(happened) = self.incident_mut(id)?.map(|incident| incident.settle(before, now, rules)) {
            self.happened(id, happened);
        }
        Ok(())
    }

    /// Adds a line to an incident's timeline.
    pub fn tell(&mut self, incident: IncidentId, line: Line) {
        self.lines.push((incident, line));
    }

    /// Writes what changed.
    pub fn write(mut self) -> Result<Committed, StoreError> {
        ties::follow(&mut self)?;
        for id in self.changed() {
            self.cover(id)?;
        }
        pages::queue(&mut self)?;
        for id in self.called_otherwise() {
            pages::follow(&mut self, id)?;
        }
        self.write_incidents()?;
        for page in std::mem::take(&mut self.pages).into_values() {
            let seq = self.next_seq();
            self.tables.put_page(&page, seq)?;
        }
        for (incident, line) in std::mem::take(&mut self.lines) {
            let seq = self.next_seq();
            self.tables.insert_line(seq, incident, &line)?;
        }
        let series = self.write_series()?;
        for ((day, source), counts) in std::mem::take(&mut self.counts) {
            self.tables.add_counts(day, &source, &counts)?;
        }
        if self.seq > self.begun_at {
            self.tables.set_head(self.seq)?;
        }
        Ok(Committed { head: self.seq, series, opened: self.opened, queued: self.queued })
    }

    /// Returns the open incidents with that tie, as this transaction left them, by number.
    pub fn tied(&mut self, key: &str, bears: bool) -> Result<Vec<IncidentId>, StoreError> {
        for id in self.tables.tied(key, bears)? {
            self.hold(id)?;
        }
        let has = |incident: &Incident| {
            let is_tied = if bears { incident.bears.contains(key) } else { incident.leans.contains_key(key) };
            is_tied && incident.open_key.is_some()
        };
        let found = self.incidents.values().map(|held| &held.incident).filter(|incident| has(incident));
        let mut found: Vec<_> = found.map(|incident| (incident.number, incident.id)).collect();
        found.sort();
        Ok(found.into_iter().map(|(_, id)| id).collect())
    }

    /// Returns the incidents that this transaction changed and that may hold others, each with what of it is in its row; by number.
    pub fn bearing(&self) -> Vec<(IncidentId, Tied)> {
        let mut found: Vec<_> =
            self.incidents.values().filter(|held| held.dirty && !held.incident.bears.is_empty()).collect();
        found.sort_by_key(|held| held.incident.number);
        found.into_iter().map(|held| (held.incident.id, held.tied)).collect()
    }

    /// Returns the incidents that this transaction changed, in a fixed order.
    fn changed(&self) -> Vec<IncidentId> {
        let mut ids: Vec<IncidentId> =
            self.incidents.values().filter(|held| held.dirty).map(|held| held.incident.id).collect();
        ids.sort();
        ids
    }

    /// Returns the incidents whose open pages may be needless now, or due again.
    fn called_otherwise(&self) -> Vec<IncidentId> {
        let changed = |held: &&HeldIncident| {
            held.dirty && held.calling.as_ref().is_some_and(|calling| *calling != Calling::of(&held.incident))
        };
        let mut ids: Vec<IncidentId> = self.incidents.values().filter(changed).map(|held| held.incident.id).collect();
        ids.sort();
        ids
    }

    fn write_incidents(&mut self) -> Result<(), StoreError> {
        let mut dirty: Vec<HeldIncident> =
            std::mem::take(&mut self.incidents).into_values().filter(|held| held.dirty).collect();
        // What was resolved gives its key back before another incident takes it.
        dirty.sort_by_key(|held| (held.incident.open_key.is_some(), held.incident.number));
        for HeldIncident { row, incident, tied, .. } in &dirty {
            let seq = self.next_seq();
            match row {
                Some(place) => self.tables.update_incident(place, incident, seq)?,
                None => self.tables.insert_incident(incident, seq)?,
            }
            if tied.differs_from(incident) {
                self.tables.set_ties(incident)?;
            }
        }
        Ok(())
    }

    fn write_series(&mut self) -> Result<Vec<Series>, StoreError> {
        let mut held: Vec<HeldSeries> =
            std::mem::take(&mut self.series).into_values().filter(|held| held.dirty > Dirty::Clean).collect();
        held.sort_by(|a, b| a.order().cmp(&b.order()));
        for HeldSeries { row, series, dirty } in &held {
            let seq = if *dirty == Dirty::Material { Some(self.next_seq()) } else { None };
            match (row, seq) {
                (Some(place), Some(seq)) => self.tables.update_series(place, series, seq)?,
                (Some(place), None) => self.tables.update_counters(place, series)?,
                (None, seq) => self.tables.insert_series(series, seq.unwrap_or(self.seq))?,
            }
        }
        Ok(held.into_iter().map(|held| held.series).collect())
    }
}
