//! Other rules: what is open keeps its group, and all else that they say of it counts at once, where it is worse or says whose it is.

use super::super::StoreError;
use super::Rules;
use super::tables::Tables;
use super::work::{Committed, Work};
use crate::domain::course::Course;
use crate::domain::event::SeriesKey;
use crate::domain::holds::Handling;
use crate::domain::id::IncidentId;
use crate::domain::item::{self, Item, ItemKind};
use crate::domain::series::SeriesState;
use crate::domain::severity::Severity;
use crate::domain::time::Timestamp;
use crate::rules;
use std::collections::{BTreeMap, BTreeSet};

/// Series that are looked at together.
const PAGE: usize = 1000;

/// Goes over all that burns by the new rules, and publishes their views and services.
pub(in crate::store) fn reload<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    now: Timestamp,
) -> Result<Committed, StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    let mut courses: BTreeMap<IncidentId, (Course, Handling, Option<Severity>)> = BTreeMap::new();
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
                    // The course is that of the oldest series that burns, as when it was opened; plan and severity those of the loudest.
                    Some((course, all, worst)) => {
                        if handling.plan < all.plan {
                            course.retell("plan", &decision.course);
                        }
                        if Severity::worse(*worst, decision.severity) != *worst {
                            *worst = decision.severity;
                            course.retell("severity", &decision.course);
                        }
                        all.join(handling);
                    }
                    None => drop(courses.insert(id, (decision.course, handling, decision.severity))),
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
    for (id, (course, handling, _)) in courses {
        work.replace_course(id, course, &handling)?;
    }
    publish(&mut work, ItemKind::View, rules.book.views.iter().map(view).collect())?;
    publish(&mut work, ItemKind::Service, rules.book.services.values().map(service).collect())?;
    work.write()
}

/// Makes these the only items of their kind: consoles show what the rules say.
fn publish<T: Tables>(work: &mut Work<'_, T>, kind: ItemKind, wanted: Vec<Item>) -> Result<(), StoreError> {
    let ids: BTreeSet<String> = wanted.iter().map(Item::id).collect();
    for gone in work.tables.items(kind)?.iter().map(Item::id).filter(|id| !ids.contains(id)) {
        work.remove_item(kind, &gone)?;
    }
    wanted.iter().try_for_each(|item| work.put_item(item))
}

fn view(view: &rules::View) -> Item {
    let (name, key, query) = (view.name.clone(), view.key.clone(), view.query.text().to_owned());
    Item::View(item::View { name, key, query, team: String::new() })
}

fn service(service: &rules::Service) -> Item {
    let (name, team, links) = (service.name.clone(), service.team.clone(), service.links.clone());
    Item::Service(item::Service { name, team, criticality: service.criticality, links })
}
