//! The label index of what is mirrored, kept current beside the one that the screen reads.
//!
//! There are two: while the screen reads one, changes go into the other, and the next picture has that. Nobody waits for anybody, and
//! nothing is copied unless a screen is slow.

use crate::domain::id::{IncidentId, SourceName};
use crate::domain::label::Fingerprint;
use crate::domain::series::Series;
use crate::query::index::Index;
use crate::store::StoreError;
use crate::store::mirror::{Mirror, SeriesMark};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Series that are read from the mirror at once: some 20 ms.
const BATCH: usize = 4000;
/// Most series that are indexed; the words of the others are not found, and the screen says so.
pub const INDEXED_MAX: usize = 250_000;

/// What the index says otherwise than before.
#[derive(Debug, Clone)]
enum Change {
    Put(IncidentId, Arc<Series>),
    Take(IncidentId, SourceName, Fingerprint),
    Keep(Arc<HashSet<IncidentId>>),
    Clear,
}

/// Both indexes, and how far the mirror was read.
#[derive(Debug, Default)]
pub struct Indexed {
    shown: Arc<Index>,
    spare: Arc<Index>,
    /// What `shown` says and `spare` does not.
    behind: Vec<Change>,
    /// What neither says.
    fresh: Vec<Change>,
    /// Which incident each series speaks of.
    homes: HashMap<(SourceName, Fingerprint), IncidentId>,
    mark: SeriesMark,
    /// Incidents that came to be known after their series, or again: theirs are read by name.
    met: Vec<IncidentId>,
}

impl Indexed {
    /// Reads some of the series that are new in the mirror, of these incidents; returns whether there are more.
    ///
    /// # Errors
    /// [`StoreError`] of the mirror.
    pub fn read(&mut self, mirror: &mut Mirror, known: impl Fn(IncidentId) -> bool) -> Result<bool, StoreError> {
        let read = mirror.series_after(&mut self.mark, BATCH)?;
        if std::mem::take(&mut self.mark.anew) {
            self.homes.clear();
            self.fresh = vec![Change::Clear];
        }
        let more = read.len() == BATCH;
        read.into_iter().for_each(|series| self.take_in(series, &known));
        for incident in std::mem::take(&mut self.met) {
            let series = mirror.series_of(incident, BATCH)?;
            series.into_iter().for_each(|series| self.take_in(series, &known));
        }
        Ok(more)
    }

    /// Notes that an incident was not known before; what was read until now may have been its series.
    pub fn meet(&mut self, incident: IncidentId) {
        self.met.push(incident);
    }

    fn take_in(&mut self, series: Series, known: &impl Fn(IncidentId) -> bool) {
        let key = (series.source.clone(), series.fingerprint);
        let home = series.incident.filter(|incident| known(*incident));
        let before = self.homes.get(&key).copied();
        if let Some(before) = before.filter(|before| Some(*before) != home) {
            self.homes.remove(&key);
            self.fresh.push(Change::Take(before, key.0.clone(), key.1));
        }
        let Some(home) = home else { return };
        if self.homes.contains_key(&key) || self.homes.len() < INDEXED_MAX {
            self.homes.insert(key, home);
            self.fresh.push(Change::Put(home, Arc::new(series)));
        }
    }

    /// Forgets all but these incidents.
    pub fn keep(&mut self, known: HashSet<IncidentId>) {
        self.homes.retain(|_, home| known.contains(home));
        self.fresh.push(Change::Keep(Arc::new(known)));
    }

    /// Returns the newest index.
    pub fn newest(&mut self) -> Arc<Index> {
        if self.fresh.is_empty() {
            return self.shown.clone();
        }
        let fresh = std::mem::take(&mut self.fresh);
        match Arc::get_mut(&mut self.spare) {
            Some(spare) => self.behind.iter().chain(&fresh).for_each(|change| change.apply(spare)),
            None => {
                // A screen still reads it.
                let mut copied = (*self.shown).clone();
                fresh.iter().for_each(|change| change.apply(&mut copied));
                self.spare = Arc::new(copied);
            }
        }
        self.behind = fresh;
        std::mem::swap(&mut self.shown, &mut self.spare);
        self.shown.clone()
    }
}

impl Change {
    fn apply(&self, index: &mut Index) {
        match self {
            Self::Put(incident, series) => index.put(*incident, series),
            Self::Take(incident, source, fingerprint) => index.take(*incident, source, *fingerprint),
            Self::Keep(known) => index.keep(known),
            Self::Clear => *index = Index::default(),
        }
    }
}
