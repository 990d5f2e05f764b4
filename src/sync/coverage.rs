//! What was needed of the runbooks lately, and who should still read what, by what a mirror knows.

use super::roster;
use crate::domain::item::Items;
use crate::domain::runbook::RunbookName;
use crate::domain::time::Timestamp;
use crate::query::coverage::{Coverage, Due, LOOKED_BACK};
use crate::query::runbooks::Shelf;
use crate::store::StoreError;
use crate::store::mirror::Mirror;

/// Incidents that are looked at, the newest.
const INCIDENTS_MAX: usize = 5000;
/// Series of one incident that are looked at.
const SERIES_MAX: usize = 50;

/// What a mirror knows of how runbooks are needed and read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Duty {
    /// Which alerts had one, and which had none.
    pub coverage: Coverage,
    /// Who should still read what, whose shift is next first.
    pub due: Vec<Due>,
    /// Runbooks that no incident of the last weeks needed.
    pub idle: Vec<RunbookName>,
    /// Runbooks that were needed and not changed for a year.
    pub stale: Vec<RunbookName>,
}

/// Returns what the newest incidents of the last weeks needed, so many of them at most.
///
/// # Errors
/// [`StoreError`].
pub fn lately(mirror: &mut Mirror, shelf: &Shelf, now: Timestamp, most: usize) -> Result<Coverage, StoreError> {
    let mut incidents = mirror.incidents(now.minus(LOOKED_BACK))?;
    incidents.sort_by_key(|incident| std::cmp::Reverse(incident.number));
    let mut coverage = Coverage::default();
    for incident in incidents.iter().take(most) {
        let series = mirror.series_of(incident.id, SERIES_MAX)?;
        coverage.note(shelf, incident, &series, now);
    }
    Ok(coverage)
}

/// Looks through the incidents of the last weeks: some milliseconds for a hundred of them.
///
/// # Errors
/// [`StoreError`].
pub fn read(mirror: &mut Mirror, items: &Items, now: Timestamp) -> Result<Duty, StoreError> {
    let coverage = lately(mirror, &Shelf::of(items), now, INCIDENTS_MAX)?;
    let known = roster::known(mirror)?;
    let due = coverage.due(items, &known.paging.unwrap_or_default(), &known.people, now);
    let runbooks = || items.runbooks.values();
    let idle = runbooks().filter(|runbook| !coverage.needed.contains_key(&runbook.name));
    let idle = idle.map(|runbook| runbook.name.clone()).collect();
    let stale = runbooks().filter(|runbook| coverage.is_stale(runbook, now));
    let stale = stale.map(|runbook| runbook.name.clone()).collect();
    Ok(Duty { coverage, due, idle, stale })
}
