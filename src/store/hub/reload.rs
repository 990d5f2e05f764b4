//! Other rules: what is open keeps its group, and all else that they say of it counts at once, where it is worse or says whose it is.

use super::super::StoreError;
use super::Rules;
use super::tables::Tables;
use super::work::{Committed, Work};
use crate::domain::course::Course;
use crate::domain::event::SeriesKey;
use crate::domain::holds::Handling;
use crate::domain::id::IncidentId;
use crate::domain::series::SeriesState;
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// Series that are looked at together.
const PAGE: usize = 1000;

/// Goes over all that burns by the new rules.
pub(in crate::store) fn reload<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    now: Timestamp,
) -> Result<Committed, StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    let mut courses: BTreeMap<IncidentId, (Course, Handling)> = BTreeMap::new();
    let mut after = 0;
    loop {
        let rows = work.tables.burning(after, PAGE)?;
        let Some(last) = rows.last() else { break };
        after = last.id;
        for row in rows {
            let key = SeriesKey { source: row.series.source.clone(), fingerprint: row.series.fingerprint };
            let decision = rules.decide(&row.series);
            if let Some(id) = row.series.incident {
                let handling = rules.handles.handling(&row.series);
                match courses.get_mut(&id) {
                    // The course is that of the oldest series that burns, as when it was opened; the plan that of the loudest.
                    Some((_, all)) => all.join(handling),
                    None => drop(courses.insert(id, (decision.course, handling))),
                }
            }
            if (decision.severity, decision.instant) == (row.series.severity, row.series.instant) {
                continue;
            }
            let Some(series) = work.series(&key)? else { continue };
            (series.severity, series.instant) = (decision.severity, decision.instant);
            if row.series.state == SeriesState::Firing {
                work.conclude(&key, Some(row.series.state))?;
            } else {
                work.told_anew(&key);
            }
        }
    }
    for (id, (course, handling)) in courses {
        work.replace_course(id, course, &handling)?;
    }
    work.write()
}
