//! Which alerts of the last weeks had a runbook and which had none, and who may be called for what a runbook is about.
//!
//! It goes by what did burn: of which policy an incident was, and so whom it would call. Of a runbook that was never needed nobody can say
//! that; then whoever the default policy calls should know it.

use super::runbooks::Shelf;
use crate::domain::id::{Number, UserName};
use crate::domain::incident::Incident;
use crate::domain::item::Items;
use crate::domain::paging::{Callee, Paging};
use crate::domain::runbook::{Reading, Runbook, RunbookName};
use crate::domain::series::Series;
use crate::domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How far back incidents are looked at.
pub const LOOKED_BACK: Duration = Duration::from_secs(30 * 86_400);
/// How far ahead shifts are looked at: who is on call after that has time to read.
pub const LOOKED_AHEAD: Duration = Duration::from_secs(7 * 86_400);
/// After so long without a change a runbook is stale, where its alerts burn.
pub const STALE_AFTER: Duration = Duration::from_secs(365 * 86_400);
/// Alerts without a runbook that are told.
const BARE_MAX: usize = 1000;

/// How a runbook, or one for an alert, was needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// Incidents.
    pub incidents: u32,
    /// When the latest one began.
    pub latest: Timestamp,
    /// Which one that was.
    pub number: Number,
    /// The policies that they were of.
    pub policies: BTreeSet<String>,
}

/// What was needed in the last weeks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Incidents that were looked at.
    pub incidents: u32,
    /// By runbook; one that was not needed is not in it.
    pub needed: BTreeMap<RunbookName, Needed>,
    /// What had none, by the name of the alert.
    pub bare: BTreeMap<String, Needed>,
}

/// A runbook whose current text a person should have read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Who.
    pub user: UserName,
    /// Which.
    pub runbook: RunbookName,
    /// What they have read of it: never its current text.
    pub reading: Reading,
    /// When their next shift begins, or that it has; `None`: called whatever the list of shifts says.
    pub shift: Option<Timestamp>,
}

impl Coverage {
    /// Takes an incident in.
    pub fn note(&mut self, shelf: &Shelf, incident: &Incident, series: &[Series], now: Timestamp) {
        self.incidents = self.incidents.saturating_add(1);
        let found = shelf.matching(series, now);
        for one in &found {
            note(&mut self.needed, one.name.clone(), incident);
        }
        if !found.is_empty() {
            return;
        }
        let names: BTreeSet<&str> = series.iter().filter_map(|series| series.labels.get("alertname")).collect();
        for name in names {
            if self.bare.len() < BARE_MAX || self.bare.contains_key(name) {
                note(&mut self.bare, name.to_owned(), incident);
            }
        }
    }

    /// Returns who may be called for a runbook from now on for a week, each with the beginning of their shift where they are called by one.
    pub fn called(
        &self,
        runbook: &RunbookName,
        paging: &Paging,
        known: &BTreeSet<UserName>,
        now: Timestamp,
    ) -> BTreeMap<UserName, Option<Timestamp>> {
        let fallback = BTreeSet::from([String::new()]);
        let policies = self.needed.get(runbook).map_or(&fallback, |needed| &needed.policies);
        let mut called = BTreeMap::new();
        for callee in policies.iter().flat_map(|policy| paging.levels_of(policy)).flat_map(|level| &level.call) {
            match callee {
                Callee::Person(person) => drop(called.insert(person.clone(), None)),
                Callee::Everyone => called.extend(paging.everybody(known).into_iter().map(|person| (person, None))),
                Callee::OnCall if paging.on_call.is_empty() => {
                    called.extend(paging.everybody(known).into_iter().map(|person| (person, None)));
                }
                Callee::OnCall => on_call(paging, now, &mut called),
            }
        }
        called
    }

    /// Returns who should still read what, whose shift is next first.
    pub fn due(&self, items: &Items, paging: &Paging, known: &BTreeSet<UserName>, now: Timestamp) -> Vec<Due> {
        let mut due = Vec::new();
        for runbook in items.runbooks.values().filter(|runbook| runbook.current().is_some()) {
            for (user, shift) in self.called(&runbook.name, paging, known, now) {
                let reading = runbook.reading(&user, items.readers.get(runbook.name.as_str()));
                if !matches!(reading, Reading::Current { .. }) {
                    due.push(Due { user, runbook: runbook.name.clone(), reading, shift });
                }
            }
        }
        due.sort_by(|a, b| (a.shift, &a.user, &a.runbook).cmp(&(b.shift, &b.user, &b.runbook)));
        due
    }

    /// Returns whether a runbook was needed lately, and not changed for so long that it may be wrong.
    pub fn is_stale(&self, runbook: &Runbook, now: Timestamp) -> bool {
        let is_old = runbook.current().is_some_and(|made| made.at.plus(STALE_AFTER) < now);
        is_old && self.needed.contains_key(&runbook.name)
    }
}

fn note<K: Ord>(all: &mut BTreeMap<K, Needed>, name: K, incident: &Incident) {
    let (latest, number) = (incident.opened_at, incident.number);
    let none = Needed { incidents: 0, latest, number, policies: BTreeSet::new() };
    let needed = all.entry(name).or_insert(none);
    needed.incidents = needed.incidents.saturating_add(1);
    needed.policies.insert(incident.course.policy().to_owned());
    if needed.latest < latest {
        (needed.latest, needed.number) = (latest, number);
    }
}

/// Adds who has a shift soon; who is called anyway stays so.
fn on_call(paging: &Paging, now: Timestamp, called: &mut BTreeMap<UserName, Option<Timestamp>>) {
    let soon = |shift: &&crate::domain::paging::Shift| now < shift.to && shift.from < now.plus(LOOKED_AHEAD);
    for shift in paging.on_call.iter().filter(soon) {
        let from = called.entry(shift.person.clone()).or_insert(Some(shift.from));
        *from = from.map(|before| before.min(shift.from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Alert, End, Event};
    use crate::domain::grouping::Group;
    use crate::domain::id::{IncidentId, SourceName};
    use crate::domain::item::Item;
    use crate::domain::label::{IdentityRule, LabelLimits, Labels};
    use crate::domain::paging::{Level, Shift};
    use crate::domain::runbook::{Made, Readers, Revision};

    const HOUR: i64 = 3_600_000;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_millis(hour * HOUR)
    }

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn name(text: &str) -> RunbookName {
        RunbookName::parse(text).unwrap()
    }

    fn book(path: &str, query: &str, made_at: i64) -> Item {
        let made = Made {
            revision: Revision::of(path),
            at: at(made_at),
            author: String::new(),
            message: String::new(),
            commit: String::new(),
        };
        Item::Runbook(Runbook { matches: vec![query.into()], made: vec![made], ..Runbook::unread(name(path)) })
    }

    fn read(path: &str, who: &str) -> Item {
        let mut readers = Readers { runbook: name(path), by: BTreeMap::new() };
        readers.note(&user(who), Revision::of(path), at(0));
        Item::Readers(readers)
    }

    fn burnt(number: u64, alertname: &str, policy: &str) -> (Incident, Vec<Series>) {
        let group = Group { key: "k".into(), service: "pay".into(), summary: "down".into() };
        let mut incident =
            Incident::open(IncidentId::from_bytes([number as u8; 16]), Number(number), group, at(number as i64));
        incident.course.policy = policy.into();
        let labels = Labels::new([("alertname", alertname)], &LabelLimits::LABELS).unwrap();
        let (source, annotations) = (SourceName::parse("prometheus").unwrap(), Labels::default());
        let alert = Alert { labels, annotations, starts_at: Some(at(0)), end: End::Open, generator_url: String::new() };
        let event = Event::new(source, alert, &IdentityRule::default(), at(0));
        (incident, vec![Series::begin(&event).0])
    }

    fn coverage(items: &Items, burnt: &[(Incident, Vec<Series>)]) -> Coverage {
        let (shelf, mut coverage) = (Shelf::of(items), Coverage::default());
        burnt.iter().for_each(|(incident, series)| coverage.note(&shelf, incident, series, at(50)));
        coverage
    }

    fn paging() -> Paging {
        let level = |callee: Callee| Level { call: vec![callee], within: Duration::from_secs(300) };
        let shift = |who: &str, from: i64| Shift { person: user(who), from: at(from), to: at(from + 12) };
        Paging {
            levels: vec![level(Callee::OnCall)],
            policies: BTreeMap::from([("db".into(), vec![level(Callee::OnCall), level(Callee::Person(user("dora")))])]),
            // Long over, now, next, and too far ahead.
            on_call: vec![shift("olga", 20), shift("mira", 40), shift("jonas", 60), shift("late", 1000)],
            ..Paging::default()
        }
    }

    #[test]
    fn who_may_be_called_soon_should_have_read_it_before_their_shift() {
        let items: Items =
            [book("pay.md", "alertname=Slow", 0), book("db.md", "alertname=Lag", 0), read("pay.md", "mira")]
                .into_iter()
                .collect();
        let coverage = coverage(&items, &[burnt(1, "Slow", ""), burnt(2, "Lag", "db")]);
        let due = coverage.due(&items, &paging(), &BTreeSet::new(), at(50));
        let told: Vec<_> = due
            .iter()
            .map(|due| (due.user.as_str(), due.runbook.as_str(), due.shift.map(|at| at.as_millis() / HOUR)))
            .collect();
        let expected = [
            ("dora", "db.md", None),
            ("mira", "db.md", Some(40)),
            ("jonas", "db.md", Some(60)),
            ("jonas", "pay.md", Some(60)),
        ];
        assert_eq!(told, expected);
        assert!(due.iter().all(|due| due.reading == Reading::Unread));
    }

    #[test]
    fn without_a_list_of_shifts_everybody_may_be_called() {
        let items: Items = [book("pay.md", "alertname=Slow", 0), read("pay.md", "mira")].into_iter().collect();
        let known = BTreeSet::from([user("mira"), user("jonas")]);
        let due = coverage(&items, &[]).due(&items, &Paging::default(), &known, at(50));
        let told: Vec<_> = due.iter().map(|due| (due.user.as_str(), due.shift)).collect();
        assert_eq!(told, [("jonas", None)]);
    }

    #[test]
    fn what_has_no_runbook_what_was_not_needed_and_what_is_old_is_told() {
        let items: Items =
            [book("pay.md", "alertname=Slow", 0), book("idle.md", "alertname=Never", 0)].into_iter().collect();
        let all = [burnt(3, "Bare", "db"), burnt(1, "Slow", ""), burnt(7, "Bare", "")];
        let coverage = coverage(&items, &all);
        assert_eq!(coverage.incidents, 3);
        let bare = &coverage.bare["Bare"];
        assert_eq!((bare.incidents, bare.latest, bare.number), (2, at(7), Number(7)));
        assert_eq!(bare.policies, BTreeSet::from(["db".to_owned(), "default".to_owned()]));
        assert_eq!(coverage.needed.keys().map(RunbookName::as_str).collect::<Vec<_>>(), ["pay.md"]);
        let stale = |path: &str, hour| coverage.is_stale(&items.runbooks[path], at(hour));
        assert_eq!((stale("pay.md", 365 * 24), stale("pay.md", 365 * 24 + 1)), (false, true));
        assert!(!stale("idle.md", 1_000_000), "what is not needed is idle, not stale");
    }
}
