//! Claims: made, ended, and held against incidents, each time in the one transaction.

use super::super::StoreError;
use super::Rules;
use super::asked::Asked;
use super::tables::Tables;
use super::work::{Committed, Work};
use crate::domain::claim::{CLAIMS_MAX, Claimed, choose};
use crate::domain::event::SeriesKey;
use crate::domain::id::IncidentId;
use crate::domain::incident::{Incident, Line, Told};
use crate::domain::item::{Claim, Item, ItemKind};
use crate::domain::series::Series;
use crate::domain::time::Timestamp;
use crate::query::{Eyes, IncidentSubject, Query};

/// Series of an incident that a claim is held against.
const SERIES_MAX: usize = 200;
/// Open incidents that a new claim is held against, the newest.
const INCIDENTS_MAX: usize = 5000;

/// Takes a claim in; what is open and fits it shows it from now on.
pub(in crate::store) fn make<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    claim: &Claim,
    now: Timestamp,
) -> Result<Committed, StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    let (standing, _) = work.tables.count_items(ItemKind::Claim, now)?;
    if standing >= CLAIMS_MAX && work.tables.item(ItemKind::Claim, &claim.id)?.is_none() {
        return Err(StoreError::Items(format!("there are {CLAIMS_MAX} claims already; end some")));
    }
    work.put_item(&Item::Claim(claim.clone()))?;
    let claims = Claims::read(&work)?;
    for id in work.tables.open_incidents(INCIDENTS_MAX)? {
        work.show_claim(id, &claims)?;
    }
    work.write()
}

/// Ends claims before their time.
pub(in crate::store) fn end<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    ids: &[String],
    now: Timestamp,
) -> Result<Committed, StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    take_away(&mut work, ids)?;
    work.write()
}

/// Ends the claims whose time is over.
pub(super) fn end_over<T: Tables>(work: &mut Work<'_, T>) -> Result<(), StoreError> {
    let (_, Some(_)) = work.tables.count_items(ItemKind::Claim, work.now)? else { return Ok(()) };
    let over = |item: &Item| item.ends_at().is_some_and(|end| end <= work.now);
    let over: Vec<Item> = work.tables.items(ItemKind::Claim)?.into_iter().filter(over).collect();
    for item in &over {
        if let Item::Claim(claim) = item {
            tracing::info!(id = claim.id, by = %claim.by, query = ?claim.query, "a claim is over");
        }
    }
    let ids: Vec<String> = over.iter().map(Item::id).collect();
    take_away(work, &ids)
}

fn take_away<T: Tables>(work: &mut Work<'_, T>, ids: &[String]) -> Result<(), StoreError> {
    for id in ids {
        work.remove_item(ItemKind::Claim, id)?;
    }
    let claims = Claims::read(work)?;
    for id in work.tables.open_incidents(usize::MAX >> 1)? {
        let shows = work.incident(id)?.and_then(|incident| incident.claimed.as_ref().map(|claimed| claimed.id.clone()));
        if shows.is_some_and(|shown| ids.contains(&shown)) {
            work.show_claim(id, &claims)?;
        }
    }
    Ok(())
}

fn claim_of(item: Item) -> Option<Claim> {
    match item {
        Item::Claim(claim) => Some(claim),
        _ => None,
    }
}

/// What the claims that stand ask.
static READ: Asked = Asked::none();

/// The claims that stand, with their queries ready.
pub(super) struct Claims(Vec<(Claim, Query)>);

impl Claims {
    pub fn read<T: Tables>(work: &Work<'_, T>) -> Result<Self, StoreError> {
        let items = work.tables.items(ItemKind::Claim)?.into_iter();
        let all: Vec<Claim> = items.filter_map(claim_of).collect();
        let queries = READ.of(all.iter().map(|claim| claim.query.as_str()));
        let claims = all.into_iter().zip(queries).filter_map(|(claim, query)| Some((claim, query?)));
        Ok(Self(claims.collect()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the claim that one of the series, with the incident, fits best.
    fn of(&self, incident: &Incident, series: &[Series], now: Timestamp) -> Option<Claimed> {
        let fits = |query: &Query, series| query.matches(&IncidentSubject { incident, series }, &Eyes::nobody(now));
        let fitting =
            self.0.iter().filter(|(_, query)| fits(query, None) || series.iter().any(|one| fits(query, Some(one))));
        choose(fitting.map(|(claim, _)| claim), now).map(Claimed::of)
    }
}

impl<T: Tables> Work<'_, T> {
    /// Puts the claim onto an incident that fits it, and takes away one that fits no longer. It calls nobody off.
    pub(super) fn show_claim(&mut self, id: IncidentId, claims: &Claims) -> Result<(), StoreError> {
        let mut series = Vec::new();
        for key in self.series_of(id, SERIES_MAX)? {
            series.extend(self.series(&key)?.cloned());
        }
        let now = self.now;
        let Some(incident) = self.incident(id)? else { return Ok(()) };
        let claimed = claims.of(incident, &series, now);
        if incident.claimed == claimed {
            return Ok(());
        }
        let text = match (&claimed, &incident.claimed) {
            (Some(claimed), _) => format!("claimed: {}", claimed.sentence()),
            (None, Some(before)) => format!("{}'s claim is over: {}", before.by, before.reason),
            (None, None) => return Ok(()),
        };
        if let Some(incident) = self.incident_mut(id)? {
            incident.claimed = claimed;
        }
        self.tell(id, Line::by_hub(now, Told::Claimed, text));
        Ok(())
    }

    /// Holds the claims against an incident that a series came into: before anybody is called, for that is a later transaction.
    pub(super) fn claim_for(&mut self, key: &SeriesKey, id: IncidentId) -> Result<(), StoreError> {
        if self.claims.is_none() {
            self.claims = Some(std::rc::Rc::new(Claims::read(self)?));
        }
        let Some(claims) = self.claims.clone().filter(|claims| !claims.is_empty()) else { return Ok(()) };
        let now = self.now;
        let Some(series) = self.series(key)?.cloned() else { return Ok(()) };
        let Some(incident) = self.incident(id)? else { return Ok(()) };
        // One that it shows already stays until it is over: who was asked is not changed by each series.
        if incident.claimed.is_some() || claims.of(incident, &[series], now).is_none() {
            return Ok(());
        }
        self.show_claim(id, &claims)
    }
}
