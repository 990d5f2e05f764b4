//! One transaction on the hub's state: loads each row once, lets the domain change it, writes each once.
//!
//! The back end began the transaction and ends it: kept whole when the work says `Ok`, else undone whole.

use super::super::StoreError;
use super::Rules;
use super::tables::{IncidentPlace, SeriesPlace, SeriesRow, Tables};
use crate::domain::event::SeriesKey;
use crate::domain::grouping::{Group, group, summary};
use crate::domain::id::IncidentId;
use crate::domain::incident::{Incident, Line};
use crate::domain::series::{Series, SeriesState};
use crate::domain::time::Timestamp;
use std::collections::HashMap;

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
    incident: Incident,
    dirty: bool,
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
    opened: u64,
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
            opened: 0,
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

    /// Takes a series that has no row yet.
    pub fn add_series(&mut self, key: SeriesKey, series: Series) {
        self.series.insert(key, HeldSeries { row: None, series, dirty: Dirty::Material });
    }

    /// Marks that only counters of the series moved.
    pub fn counted(&mut self, key: &SeriesKey) {
        self.mark(key, Dirty::Counters);
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
        let (after, severity, said) = (held.series.state, held.series.severity, held.series.incident);
        let instant = held.series.is_instant();
        let current = match said {
            Some(id) => self.incident(id)?.filter(|incident| incident.open_key.is_some()).map(|incident| incident.id),
            None => None,
        };
        let (id, from) = match current {
            Some(id) => (id, before),
            None if after.is_over() => return Ok(()),
            None => (self.join(key)?, None),
        };
        let Some(spoke) = self.series.get_mut(key) else { return Ok(()) };
        spoke.series.incident = Some(id);
        let (now, timing) = (self.now, self.rules.timing);
        let Some(held) = self.incidents.get_mut(&id) else { return Ok(()) };
        held.dirty = true;
        let incident = &mut held.incident;
        let shown = incident.shown();
        incident.count(from, after);
        if instant {
            incident.count_instant(from, after);
        }
        let raised = if after == SeriesState::Firing { incident.raise(severity, now) } else { None };
        if incident.tally.total() == 1 {
            // The one series' text is the incident's: a disk that fills further says so.
            incident.summary = summary(&spoke.series);
        }
        let settled = incident.settle(shown, now, &timing);
        self.lines.extend(raised.into_iter().chain(settled).map(|line| (id, line)));
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
        self.insert(HeldIncident { row, incident, dirty: false });
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
        let Some(incident) = self.tables.incident_by_open_key(key)? else { return Ok(None) };
        // The row may be older than what this transaction made of it.
        if held(self, &incident.id) == Some(false) {
            return Ok(None);
        }
        let id = incident.id;
        self.keep(incident);
        Ok(Some(id))
    }

    /// Returns the open incident of the series' group, opened if there is none.
    fn join(&mut self, key: &SeriesKey) -> Result<IncidentId, StoreError> {
        let group = group(&self.series[key].series);
        self.find_or_open(&group)
    }

    fn find_or_open(&mut self, group: &Group) -> Result<IncidentId, StoreError> {
        if let Some(id) = self.open_incident(&group.key)? {
            return Ok(id);
        }
        let number = self.tables.next_number()?;
        let id = self.rules.mint.id(self.now);
        let incident = Incident::open(id, number, group.clone(), self.now, &self.rules.timing);
        self.lines.push((id, Line::by_hub(self.now, crate::domain::incident::Told::Opened, group.summary.clone())));
        self.insert(HeldIncident { row: None, incident, dirty: true });
        self.opened += 1;
        Ok(id)
    }

    /// Adds a line to an incident's timeline.
    pub fn tell(&mut self, incident: IncidentId, line: Line) {
        self.lines.push((incident, line));
    }

    /// Writes what changed.
    pub fn write(mut self) -> Result<Committed, StoreError> {
        self.write_incidents()?;
        for (incident, line) in std::mem::take(&mut self.lines) {
            let seq = self.next_seq();
            self.tables.insert_line(seq, incident, &line)?;
        }
        let series = self.write_series()?;
        if self.seq > self.begun_at {
            self.tables.set_head(self.seq)?;
        }
        Ok(Committed { head: self.seq, series, opened: self.opened })
    }

    fn write_incidents(&mut self) -> Result<(), StoreError> {
        let mut dirty: Vec<HeldIncident> =
            std::mem::take(&mut self.incidents).into_values().filter(|held| held.dirty).collect();
        // What was resolved gives its key back before another incident takes it.
        dirty.sort_by_key(|held| (held.incident.open_key.is_some(), held.incident.number));
        for HeldIncident { row, incident, .. } in &dirty {
            let seq = self.next_seq();
            match row {
                Some(place) => self.tables.update_incident(place, incident, seq)?,
                None => self.tables.insert_incident(incident, seq)?,
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
