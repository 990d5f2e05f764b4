//! One transaction on the hub's state: loads each row once, lets the domain change it, writes each once.

use super::super::StoreError;
use super::super::hub::Rules;
use super::rows::{self, IncidentPlace, SeriesPlace, SeriesRow};
use crate::domain::event::SeriesKey;
use crate::domain::grouping::{Group, group, summary};
use crate::domain::id::{IncidentId, Number, SourceName};
use crate::domain::incident::{Happened, Incident, Line};
use crate::domain::paging::Call;
use crate::domain::series::{Series, SeriesState};
use crate::domain::time::Timestamp;
use rusqlite::{Connection, Transaction, params};
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

struct HeldIncident {
    /// `None` for an incident that has no row yet.
    row: Option<IncidentPlace>,
    incident: Incident,
    dirty: bool,
}

/// What a committed transaction left behind.
#[derive(Debug, Default)]
pub struct Committed {
    /// The newest change of the feed.
    pub head: u64,
    /// Every series that was touched, as it is stored now.
    pub series: Vec<Series>,
    /// Incidents opened.
    pub opened: u64,
}

/// The unit of work.
pub(in crate::store) struct Work<'c> {
    pub tx: Transaction<'c>,
    pub now: Timestamp,
    rules: Rules,
    seq: u64,
    /// The head of the feed when the transaction began.
    begun_at: u64,
    series: HashMap<SeriesKey, HeldSeries>,
    incidents: HashMap<IncidentId, HeldIncident>,
    open: HashMap<String, IncidentId>,
    lines: Vec<(IncidentId, Line)>,
    calls: Vec<(IncidentId, Call)>,
    opened: u64,
}

impl<'c> Work<'c> {
    pub fn begin(connection: &'c mut Connection, rules: &Rules, now: Timestamp) -> Result<Self, StoreError> {
        let tx = super::immediate(connection)?;
        let seq: i64 = tx.prepare_cached("SELECT seq FROM feed_head")?.query_row((), |row| row.get(0))?;
        Ok(Self {
            tx,
            now,
            rules: rules.clone(),
            seq: seq as u64,
            begun_at: seq as u64,
            series: HashMap::new(),
            incidents: HashMap::new(),
            open: HashMap::new(),
            lines: Vec::new(),
            calls: Vec::new(),
            opened: 0,
        })
    }

    /// Returns the next place in the feed.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Notes that a source spoke.
    pub fn spoke(&self, source: &SourceName, at: Timestamp) -> Result<(), StoreError> {
        self.tx
            .prepare_cached(
                "INSERT INTO source VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET spoke_at = max(spoke_at, ?2)",
            )?
            .execute(params![source.as_str(), at.as_millis()])?;
        Ok(())
    }

    /// Returns the series, if there is one.
    pub fn series(&mut self, key: &SeriesKey) -> Result<Option<&mut Series>, StoreError> {
        if !self.series.contains_key(key) {
            let Some(SeriesRow { id, series }) = rows::series_by_key(&self.tx, key)? else {
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
        let (now, rules) = (self.now, self.rules.domain());
        let Some(held) = self.incidents.get_mut(&id) else { return Ok(()) };
        held.dirty = true;
        let incident = &mut held.incident;
        let shown = incident.shown();
        incident.count(from, after);
        if instant {
            incident.count_instant(from, after);
        }
        let raised =
            if after == SeriesState::Firing { incident.raise(severity, now, rules) } else { Happened::default() };
        if !after.is_over() {
            incident.note_hit(&spoke.series.labels);
        }
        if incident.tally.total() == 1 {
            // The one series' text is the incident's: a disk that fills further says so.
            incident.summary = summary(&spoke.series);
        }
        let settled = incident.settle(shown, now, rules);
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
            && let Some(incident) = rows::incident_by_id(&self.tx, id)?
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
        let Some(incident) = rows::incident_by_open_key(&self.tx, key)? else { return Ok(None) };
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
        let number: i64 = self
            .tx
            .prepare_cached("UPDATE counter SET number = number + 1 RETURNING number")?
            .query_row((), |row| row.get(0))?;
        let id = (self.rules.mint)(self.now);
        let incident = Incident::open(id, Number(number as u64), group.clone(), self.now);
        self.lines.push((id, Line::by_hub(self.now, crate::domain::incident::Told::Opened, group.summary.clone())));
        self.insert(HeldIncident { row: None, incident, dirty: true });
        self.opened += 1;
        Ok(id)
    }

    /// Takes what an incident's own rules gave.
    pub fn happened(&mut self, incident: IncidentId, happened: Happened) {
        self.lines.extend(happened.line.map(|line| (incident, line)));
        self.calls.extend(happened.calls.into_iter().map(|call| (incident, call)));
    }

    /// Adds a line to an incident's timeline.
    pub fn tell(&mut self, incident: IncidentId, line: Line) {
        self.lines.push((incident, line));
    }

    /// Writes what changed and commits.
    pub fn commit(mut self) -> Result<Committed, StoreError> {
        self.write_incidents()?;
        for (incident, line) in std::mem::take(&mut self.lines) {
            let seq = self.next_seq();
            self.tx.prepare_cached("INSERT INTO line (seq, incident, body) VALUES (?1, ?2, ?3)")?.execute(params![
                seq as i64,
                incident.as_bytes(),
                line_body(incident, &line)?
            ])?;
        }
        let series = self.write_series()?;
        if self.seq > self.begun_at {
            self.tx.prepare_cached("UPDATE feed_head SET seq = ?1")?.execute([self.seq as i64])?;
        }
        self.tx.commit()?;
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
                Some(place) => rows::update_incident(&self.tx, place, incident, seq)?,
                None => rows::insert_incident(&self.tx, incident, seq)?,
            }
        }
        Ok(())
    }

    fn write_series(&mut self) -> Result<Vec<Series>, StoreError> {
        let mut held: Vec<HeldSeries> =
            std::mem::take(&mut self.series).into_values().filter(|held| held.dirty > Dirty::Clean).collect();
        held.sort_by_key(|held| (held.row.map(|place| place.id), held.series.first_seen, held.series.fingerprint));
        for HeldSeries { row, series, dirty } in &held {
            let seq = if *dirty == Dirty::Material { Some(self.next_seq()) } else { None };
            match (row, seq) {
                (Some(place), Some(seq)) => rows::update_series(&self.tx, place, series, seq)?,
                (Some(place), None) => rows::update_counters(&self.tx, place, series)?,
                (None, seq) => rows::insert_series(&self.tx, series, seq.unwrap_or(self.seq))?,
            }
        }
        Ok(held.into_iter().map(|held| held.series).collect())
    }
}

/// A line as the feed carries it: with the incident it belongs to.
fn line_body(incident: IncidentId, line: &Line) -> Result<String, StoreError> {
    #[derive(serde::Serialize)]
    struct Body<'a> {
        incident: IncidentId,
        #[serde(flatten)]
        line: &'a Line,
    }
    Ok(serde_json::to_string(&Body { incident, line })?)
}
