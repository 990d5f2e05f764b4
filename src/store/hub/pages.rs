//! Pages: decided with the state they are about, delivered outside of any transaction, and so leased, fenced and sent at least once.

use super::super::StoreError;
use super::tables::{Tables, WaitingPages};
use super::work::{Committed, Made, Work};
use super::{Audit, Delivery, Outcome, Receipt, Rules};
use crate::domain::day::Counts;
use crate::domain::event::SeriesKey;
use crate::domain::holds::Plan;
use crate::domain::id::{IncidentId, Number, UserName};
use crate::domain::incident::{Incident, Life, Line, Told};
use crate::domain::paging::{CONSOLE, Call, Page, PageId, PageState, Step, Whom};
use crate::domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Pages in one message.
const BUNDLE_MAX: usize = 500;
/// Incidents whose labels are compared for what a bundle has in common.
const COMPARED_MAX: usize = 200;
/// The longest lease that any sender takes.
const LEASE_MAX: Duration = Duration::from_secs(60);
/// Incidents that one audit names.
const AUDITED_MAX: usize = 100;
/// Incidents that are looked at when the hub comes to know somebody.
const UNCALLED_MAX: usize = 10_000;

/// Leases what is due, one message for each person and channel; what became needless is closed instead.
pub(in crate::store) fn lease<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    now: Timestamp,
    lease: Duration,
    max: usize,
) -> Result<Vec<Delivery>, StoreError> {
    let callees = tables.due_callees(now)?;
    if callees.is_empty() {
        return Ok(Vec::new());
    }
    let mut work = Work::begin(tables, rules, now)?;
    let mut deliveries: Vec<Delivery> = Vec::new();
    for (person, channel) in callees {
        if deliveries.len() >= max {
            break;
        }
        let reached = work.tables.reached_at(&person, &channel)?;
        // A clock that was set back must not keep anybody waiting.
        let waits = reached.is_some_and(|at| at <= now && now < at.plus(rules.paging.bundle));
        if waits || work.tables.is_sending(&person, &channel, now)? {
            continue;
        }
        let mut pages = Vec::new();
        for page in work.tables.due_pages(&person, &channel, now, BUNDLE_MAX)? {
            pages.extend(take(&mut work, page, lease)?);
        }
        if !pages.is_empty() {
            let common = common(&mut work, &pages)?;
            deliveries.push(Delivery { person, channel, pages, common });
        }
    }
    work.write()?;
    Ok(deliveries)
}

fn take<T: Tables>(
    work: &mut Work<'_, T>,
    mut page: Page,
    lease: Duration,
) -> Result<Option<(Page, Incident)>, StoreError> {
    let now = work.now;
    let Some(incident) = work.incident(page.incident)?.cloned() else { return Ok(None) };
    let needless = page.needless(&incident).or(page.acknowledged_at.map(|_| "answered".into()));
    match (needless, incident.recovering_until) {
        (Some(reason), _) => page.close(&reason),
        // A flap: it goes out if a series fires again, and is needless once the incident is resolved.
        (None, Some(until)) if !page.must => {
            page.state = PageState::Queued;
            page.lease_until = None;
            page.not_before = until.max(now.plus(Duration::from_secs(1)));
        }
        (None, None | Some(_)) => {
            page.state = PageState::Sending;
            page.attempts += 1;
            page.lease_no += 1;
            page.lease_until = Some(now.plus(lease));
        }
    }
    if page.state == PageState::Sending && page.attempts == 1 {
        count_first(work, page.incident)?;
    }
    let taken = (page.state == PageState::Sending).then(|| (page.clone(), incident));
    work.put_page(page);
    Ok(taken)
}

/// Counts a page's first attempt for the source of its incident's first series.
fn count_first<T: Tables>(work: &mut Work<'_, T>, incident: IncidentId) -> Result<(), StoreError> {
    let first = work.tables.series_of(incident, 1)?.into_iter().next();
    if let Some(SeriesKey { source, .. }) = first {
        work.count(work.now, &source, Counts { pages: 1, ..Counts::default() });
    }
    Ok(())
}

/// Returns the labels that are equal in one series of each incident of a bundle: what makes a storm.
fn common<T: Tables>(work: &mut Work<'_, T>, pages: &[(Page, Incident)]) -> Result<Vec<(String, String)>, StoreError> {
    let mut common: Option<BTreeMap<String, String>> = None;
    for (_, incident) in pages.iter().take(COMPARED_MAX) {
        for key in work.tables.series_of(incident.id, 1)? {
            let Some(row) = work.tables.series(&key)? else { continue };
            let labels = &row.series.labels;
            common = Some(match common {
                None => labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
                Some(mut common) => {
                    common.retain(|name, value| labels.get(name) == Some(value.as_str()));
                    common
                }
            });
        }
    }
    Ok(common.unwrap_or_default().into_iter().collect())
}

/// Takes the answers of channels, each only under the lease that it was sent with.
pub(in crate::store) fn finish<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    done: Vec<(PageId, u64, Outcome)>,
    now: Timestamp,
) -> Result<Committed, StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    for (id, lease_no, outcome) in done {
        let Some(mut page) = work.page(id)? else { continue };
        if page.lease_no != lease_no || page.state != PageState::Sending {
            continue;
        }
        page.lease_until = None;
        match outcome {
            Outcome::Sent => {
                page.state = PageState::Sent;
                page.delivered_at = page.delivered_at.or(Some(now));
                work.tables.set_reached_at(&page.person, &page.channel, now)?;
                work.put_page(page);
            }
            Outcome::Retry { at, why: _ } => {
                page.state = PageState::Queued;
                page.not_before = at;
                work.put_page(page);
            }
            Outcome::Failed { why } => failed(&mut work, page, why)?,
        }
    }
    work.write()
}

/// Goes on at once by the next channel; when nobody of the call is reached by any, by the next level.
fn failed<T: Tables>(work: &mut Work<'_, T>, mut page: Page, why: String) -> Result<(), StoreError> {
    let now = work.now;
    page.state = PageState::Failed(why.clone());
    work.put_page(page.clone());
    let at = |link| Page::id_of(page.incident, page.fire_no, page.step, page.round, &page.person, link);
    let mut link = page.link + 1;
    while let Some(mut next) = work.page(at(link))? {
        match next.state {
            PageState::Queued if next.not_before > now => {
                next.not_before = now;
                work.put_page(next);
                return Ok(());
            }
            PageState::Queued | PageState::Sending | PageState::Sent => return Ok(()),
            // That channel was tried before this one gave up.
            PageState::Failed(_) | PageState::Skipped(_) => link += 1,
        }
    }
    let text = format!("{} could not be reached by {}: {why}", page.person, page.channel);
    work.tell(page.incident, Line::by_hub(now, Told::Undelivered, text));
    let same_call = |other: &Page| (other.fire_no, other.step, other.round) == (page.fire_no, page.step, page.round);
    let hoped = |other: &Page| same_call(other) && (other.is_pending() || other.state == PageState::Sent);
    if work.pages_of(page.incident, true)?.iter().any(hoped) {
        return Ok(());
    }
    let paging = &work.rules().paging;
    let Some(incident) = work.incident_mut(page.incident)? else { return Ok(()) };
    let levels = paging.levels_of(incident.course.policy()).len() as u32;
    let called = match page.step {
        Step::Level(level) => level + 1 < levels && incident.level <= level + 1,
        Step::Claim(_)
        | Step::LeaseEnds(_)
        | Step::Lost(_)
        | Step::Wake(_)
        | Step::Raised(_)
        | Step::Offer(_)
        | Step::Assigned(_)
        | Step::Escalated(_)
        | Step::Claimer => true,
    };
    // The last level is called again in its own time: nobody there now is no reason to try each second.
    if called && !page.is_told_to_its_former_owner() {
        incident.step_due_at = incident.step_due_at.min(now);
        incident.arm(now);
    }
    Ok(())
}

/// Takes what consoles say of pages to their person.
pub(in crate::store) fn receipts<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    person: &UserName,
    receipts: &[(PageId, Receipt)],
    now: Timestamp,
) -> Result<Committed, StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    for (id, receipt) in receipts {
        let Some(mut page) = work.page(*id)?.filter(|page| page.person == *person && page.channel == CONSOLE) else {
            continue;
        };
        let before = page.clone();
        if !matches!(page.state, PageState::Skipped(_)) {
            page.state = PageState::Sent;
            page.lease_until = None;
        }
        page.delivered_at = page.delivered_at.or(Some(now));
        if *receipt == Receipt::Seen {
            page.seen_at = page.seen_at.or(Some(now));
        }
        if page != before {
            work.tables.set_reached_at(person, CONSOLE, now)?;
            work.put_page(page);
        }
    }
    work.write()
}

/// Returns what should have happened `late` ago and has not.
pub(in crate::store) fn audit<T: Tables>(tables: &T, now: Timestamp, late: Duration) -> Result<Audit, StoreError> {
    let before = now.minus(late);
    let mut overdue = Vec::new();
    for id in tables.due(before, AUDITED_MAX)? {
        overdue.extend(tables.incident(id)?.map(|incident| incident.number));
    }
    let WaitingPages { all, late, oldest_due } = tables.waiting_pages(before)?;
    Ok(Audit { overdue, late_pages: late, waiting_pages: all, oldest_due })
}

/// Returns what is open, was opened before then, and is unexamined.
pub(in crate::store) fn unexamined<T: Tables>(tables: &T, before: Timestamp) -> Result<Vec<Number>, StoreError> {
    let mut found = Vec::new();
    // Everything that is open is due at some time.
    for id in tables.due(Timestamp::from_millis(i64::MAX), UNCALLED_MAX)? {
        let incident = tables.incident(id)?.filter(|one| one.severity.is_none() && one.opened_at < before);
        found.extend(incident.map(|one| one.number));
    }
    found.sort_unstable();
    Ok(found)
}

/// Brings pages back within reach that a clock that was ahead put far off.
pub(super) fn pull_back<T: Tables>(work: &mut Work<'_, T>) -> Result<(), StoreError> {
    let (now, paging) = (work.now, &work.rules().paging);
    for mut page in work.tables.pages_due_after(now)? {
        let before = page.clone();
        match page.state {
            // Who sends it now has not answered for as long as the clock was wrong, or died with the hub.
            PageState::Sending => page.lease_until = page.lease_until.map(|until| until.min(now.plus(LEASE_MAX))),
            _ => {
                let after =
                    paging.chain(&page.person).get(page.link as usize).map_or(Duration::ZERO, |link| link.after);
                let waits = work.incident(page.incident)?.and_then(|incident| incident.recovering_until);
                page.not_before = page.not_before.min(now.plus(after).max(waits.unwrap_or_default()));
            }
        }
        if page != before {
            work.put_page(page);
        }
    }
    Ok(())
}

/// Writes the pages of the calls that the transaction made.
pub(super) fn queue<T: Tables>(work: &mut Work<'_, T>) -> Result<(), StoreError> {
    let calls = work.take_calls();
    if calls.is_empty() {
        return Ok(());
    }
    let (now, paging) = (work.now, &work.rules().paging);
    let known = work.tables.users()?;
    for Made { incident: id, call, fire_no, round } in calls {
        let Some(incident) = work.incident(id)?.map(|now| Incident { fire_no, round, ..now.clone() }) else { continue };
        if incident.is_silenced(now) && !call.must && call.step.is_the_hubs() {
            continue;
        }
        let people = match &call.whom {
            Whom::Level(level) => paging.callees(incident.course.policy(), *level, now, &known),
            Whom::Person(person) => [person.clone()].into(),
        };
        if people.is_empty() && incident.round == 0 {
            work.tell(
                id,
                Line::by_hub(now, Told::Undelivered, "nobody to call: the hub knows no console and no person"),
            );
        }
        close_older(work, &incident, &call, &people)?;
        let mut called = Vec::new();
        for person in people {
            let mut fresh = false;
            for page in Page::chain(&incident, &call, &person, paging, now) {
                match work.page(page.id)? {
                    None => {
                        fresh = true;
                        work.put_page(page);
                    }
                    // The decision was made before; it may have become one that must be heard.
                    Some(mut before) if call.must && before.is_pending() && !before.must => {
                        before.must = true;
                        work.put_page(before);
                    }
                    Some(_) => {}
                }
            }
            called.extend(fresh.then(|| person.to_string()));
        }
        if !called.is_empty() {
            work.queued();
            // A call that nobody answers for days is told of ever more rarely.
            if incident.round <= 3 || incident.round.is_power_of_two() {
                work.tell(id, Line::by_hub(now, Told::Called, said(&call, &called)));
            }
        }
    }
    Ok(())
}

/// Makes due what nobody has and nobody was called for, because the hub knew nobody: somebody came.
pub(in crate::store) fn call_uncalled<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    now: Timestamp,
) -> Result<Committed, StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    // Everything that is open is due at some time.
    for id in work.tables.due(Timestamp::from_millis(i64::MAX), UNCALLED_MAX)? {
        if !work.pages_of(id, false)?.is_empty() {
            continue;
        }
        let Some(incident) = work.incident_mut(id)? else { continue };
        if incident.life == Life::Triggered && incident.plan == Plan::Page {
            incident.step_due_at = incident.step_due_at.min(now);
            incident.arm(now);
        }
    }
    work.write()
}

/// Closes what an earlier round asked of these people: the new one asks again.
fn close_older<T: Tables>(
    work: &mut Work<'_, T>,
    incident: &Incident,
    call: &Call,
    people: &BTreeSet<UserName>,
) -> Result<(), StoreError> {
    let now = (incident.fire_no, incident.round);
    for mut page in work.pages_of(incident.id, true)? {
        let older =
            (page.fire_no, page.round) < now && matches!((page.step, call.step), (Step::Level(_), Step::Level(_)));
        if older && people.contains(&page.person) {
            page.close("called again");
            work.put_page(page);
        }
    }
    Ok(())
}

/// Names that a line of the timeline lists; more are counted.
const NAMED_MAX: usize = 8;

fn said(call: &Call, called: &[String]) -> String {
    let mut names = called.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    if called.len() > NAMED_MAX {
        names.push_str(&format!(" and {} more", called.len() - NAMED_MAX));
    }
    match (&call.step, call.why.as_str()) {
        (Step::Level(level), "") => format!("called {names} (level {})", level + 1),
        (Step::Level(level), why) => format!("called {names} (level {}): {why}", level + 1),
        (_, why) => format!("called {names}: {why}"),
    }
}

/// Brings the open pages of an incident in line with what became of it in this transaction.
pub(super) fn follow<T: Tables>(work: &mut Work<'_, T>, id: IncidentId) -> Result<(), StoreError> {
    let Some(incident) = work.incident(id)?.cloned() else { return Ok(()) };
    let (now, paging) = (work.now, &work.rules().paging);
    for mut page in work.pages_of(id, true)? {
        if let Some(reason) = page.needless(&incident) {
            page.close(&reason);
            work.put_page(page);
        } else if page.state == PageState::Queued && incident.recovering_until.is_none() {
            // What waited for the end of a flap goes out at the time it had, or is tried again at once.
            let after = paging.chain(&page.person).get(page.link as usize).map_or(Duration::ZERO, |link| link.after);
            // Not before now: it is not late, nobody could send it meanwhile.
            let planned = match page.attempts {
                0 => page.queued_at.plus(after),
                _ if work.was_recovering(id) => now,
                _ => page.not_before,
            };
            let planned = planned.max(now);
            if planned < page.not_before {
                page.not_before = planned;
                work.put_page(page);
            }
        }
    }
    Ok(())
}

/// Notes that a person answered what called them.
pub(super) fn answered<T: Tables>(work: &mut Work<'_, T>, id: IncidentId, by: &UserName) -> Result<(), StoreError> {
    let now = work.now;
    for mut page in work.pages_of(id, true)? {
        if page.person == *by {
            page.acknowledged_at = Some(now);
            work.put_page(page);
        }
    }
    Ok(())
}
