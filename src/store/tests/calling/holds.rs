//! What waits before it calls: not real yet, not in working hours, or because of another problem.

use super::*;
use crate::domain::holds::{Calendar, Handles, Handling, Plan, Ties};
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

/// Rules by the name of the alert.
#[derive(Debug)]
struct ByName;

impl Handles for ByName {
    fn handling(&self, series: &Series) -> Handling {
        let leans = |on: &str| [(on.to_owned(), Duration::from_secs(900))].into();
        let cluster = series.labels.get("service").unwrap_or_default();
        let (net, ring) = (format!("net {cluster}"), format!("ring {cluster}"));
        match series.name() {
            "Slow" => Handling { pending: Duration::from_secs(120), ..Handling::default() },
            "Mild" => Handling { plan: Plan::Batch, calendar: Some("office".into()), ..Handling::default() },
            "Kept" => Handling { plan: Plan::Keep, ..Handling::default() },
            "Switch" => Handling { ties: Ties { bears: vec![net, ring], leans: [].into() }, ..Handling::default() },
            "Down" => Handling { ties: Ties { bears: Vec::new(), leans: leans(&net) }, ..Handling::default() },
            "Egg" | "Hen" => {
                Handling { ties: Ties { bears: vec![ring.clone()], leans: leans(&ring) }, ..Handling::default() }
            }
            _ => Handling::default(),
        }
    }
}

/// Second 0 is a Tuesday, 22:13:20 UTC; the office opens on Wednesday at 08:00 UTC.
const OPENS: i64 = 35_200;

fn ruled() -> Rules {
    let office = Calendar {
        zone: TimeZone::get("Europe/Berlin").unwrap(),
        days: vec![Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday],
        from: Time::constant(9, 0, 0, 0),
        to: Time::constant(17, 0, 0, 0),
        except: [].into(),
    };
    let calendars = [("office".to_owned(), office)].into();
    let on_call = vec![Shift { person: user("mira"), from: at(-1000), to: at(100_000) }];
    Rules { paging: Paging { calendars, on_call, ..paging() }, handles: Arc::new(ByName), ..rules() }
}

pub(super) async fn all(make: Make) {
    what_ends_before_it_is_real_opens_nothing_and_is_kept(make(ruled())).await;
    what_burns_long_enough_is_real_whoever_restarts(make(ruled())).await;
    a_word_that_runs_out_while_pending_is_not_silence(make(ruled())).await;
    what_is_for_working_hours_calls_in_one_bundle_when_they_begin(make(ruled())).await;
    who_is_called_for_help_does_not_wait_for_working_hours(make(ruled())).await;
    other_working_hours_count_once_they_are_read(make(ruled())).await;
    who_was_called_before_it_waited_is_called_again_after_it(make(ruled())).await;
    what_is_kept_calls_nobody(make(ruled())).await;
    a_dependency_that_ends_first_lets_the_other_page(make(ruled())).await;
    what_holds_nothing_by_the_rules_of_today_lets_go(make(ruled())).await;
    a_hold_is_bounded_and_no_other_makes_it_longer(make(ruled())).await;
    a_dependency_that_reports_last_holds_what_was_called(make(ruled())).await;
    the_worst_and_what_becomes_it_is_never_held(make(ruled())).await;
    other_labels_and_what_nobody_knows_hold_nothing(make(ruled())).await;
    a_circle_pages(make(ruled())).await;
    people_act_on_what_is_held(make(ruled())).await;
    the_same_problem_getting_worse_is_one_incident_that_wakes_a_snooze(make(ruled())).await;
}

fn over(name: &str, service: &str, instance: &str, severity: &str, second: i64) -> Event {
    let mut event = named(name, service, instance, severity, second);
    event.alert.starts_at = None;
    event.alert.end = End::Ended(at(second));
    event
}

impl Desk {
    /// Lets a second of the timer pass and returns who is called, with how many pages.
    async fn round(&self, second: i64) -> Vec<(String, usize)> {
        self.due(second, second - 100_000).await;
        let deliveries = self.lease(second).await;
        for (page, _) in deliveries.iter().flat_map(|delivery| &delivery.pages) {
            self.finish(page, Outcome::Sent, second).await;
        }
        deliveries.iter().map(|one| (one.person.to_string(), one.pages.len())).collect()
    }

    async fn one(&self, number: u64) -> Incident {
        let incident = self.incidents().await.into_iter().find(|one| one.number.0 == number).unwrap();
        assert!(incident.life == crate::domain::incident::Life::Resolved || incident.next_due_at.is_some());
        incident
    }
}

async fn what_ends_before_it_is_real_opens_nothing_and_is_kept(desk: Desk) {
    for second in [0, 1000] {
        desk.take(vec![named("Slow", "a", "i", "critical", second)]).await;
        assert_eq!(desk.round(second + 119).await, []);
        desk.take(vec![over("Slow", "a", "i", "critical", second + 119)]).await;
        assert_eq!(desk.round(second + 500).await, []);
    }
    let series = desk.series().await;
    assert_eq!((series[0].never_real, series[0].state, series[0].episodes.len()), (2, SeriesState::Resolved, 2));
    assert_eq!(desk.incidents().await, []);
}

async fn what_burns_long_enough_is_real_whoever_restarts(desk: Desk) {
    desk.take(vec![named("Slow", "a", "i", "critical", 0)]).await;
    assert_eq!(desk.series().await[0].state, SeriesState::Pending);
    // The hub was away until now: the time counts from the first word.
    desk.store.run_due(at(110), at(110), Vec::new()).await.unwrap();
    desk.take(vec![named("Slow", "a", "i", "critical", 115)]).await;
    assert_eq!((desk.round(119).await.len(), desk.incidents().await.len()), (0, 0));
    assert_eq!(desk.round(120).await, [], "real now; called by the next step of the timer");
    assert_eq!(desk.round(121).await, [("mira".to_owned(), 1)]);
    assert_eq!(desk.one(1).await.tally.firing, 1);
    // Once its incident is open, a flap is no beginning.
    desk.take(vec![over("Slow", "a", "i", "critical", 130)]).await;
    desk.take(vec![named("Slow", "a", "i", "critical", 140)]).await;
    assert_eq!((desk.series().await[0].state, desk.one(1).await.fire_no), (SeriesState::Firing, 2));
}

async fn a_word_that_runs_out_while_pending_is_not_silence(desk: Desk) {
    let mut event = named("Slow", "a", "i", "critical", 0);
    event.alert.end = End::Until(at(60));
    desk.take(vec![event]).await;
    desk.store.run_due(at(100), at(-100_000), Vec::new()).await.unwrap();
    assert_eq!(desk.series().await[0].state, SeriesState::Pending, "its source is silent: nobody says that it is over");
    assert_eq!(desk.round(120).await, [], "real now; called by the next step of the timer");
    assert_eq!(desk.round(121).await, [("mira".to_owned(), 1)]);
}

async fn what_is_for_working_hours_calls_in_one_bundle_when_they_begin(desk: Desk) {
    for service in ["a", "b", "c"] {
        desk.take(vec![named("Mild", service, "i", "critical", 0)]).await;
    }
    assert_eq!(desk.round(1).await, []);
    assert_eq!(desk.one(1).await.next_due_at, Some(at(OPENS)));
    assert_eq!(desk.one(1).await.quiet, "waits for Wed 09:00 Europe/Berlin");
    // A restart of the hub keeps what waits.
    desk.store.run_due(at(2), at(2), Vec::new()).await.unwrap();
    assert_eq!(desk.one(1).await.next_due_at, Some(at(OPENS)));
    assert_eq!(desk.round(OPENS - 1).await, []);
    assert_eq!(desk.round(OPENS).await, [("mira".to_owned(), 3)]);
    assert_eq!(desk.lines().await.iter().filter(|line| line.contains("waits for")).count(), 3, "said once of each");
}

async fn who_is_called_for_help_does_not_wait_for_working_hours(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![named("Mild", "a", "i", "critical", 0)]).await;
    assert_eq!(desk.round(1).await, []);
    assert_eq!(desk.one(1).await.next_due_at, Some(at(OPENS)));
    let help = Act::Escalate { to: Some(user("lena")), level_seen: 0 };
    assert_eq!(desk.act(&mut Acts::default(), help, 1, 100).await, Verdict::Applied);
    assert_eq!(desk.lease(101).await.iter().map(|one| one.person.as_str()).collect::<Vec<_>>(), ["lena"]);
    assert_eq!(desk.one(1).await.next_due_at, Some(at(400)), "the levels follow in their time");
    desk.due(400, -1000).await;
    assert_eq!(desk.one(1).await.level, 1);
}

async fn other_working_hours_count_once_they_are_read(desk: Desk) {
    desk.take(vec![named("Mild", "a", "i", "critical", 0)]).await;
    assert_eq!(desk.round(1).await, []);
    let mut rules = ruled();
    let office = rules.paging.calendars.get_mut("office").unwrap();
    (office.from, office.to) = (Time::constant(23, 0, 0, 0), Time::constant(23, 59, 0, 0));
    desk.store.reload(rules, at(10)).await.unwrap();
    assert_eq!(desk.round(11).await, [("mira".to_owned(), 1)], "it is 23:13 there");
}

async fn who_was_called_before_it_waited_is_called_again_after_it(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![named("Kind", "a", "i", "critical", 0)]).await;
    assert_eq!(desk.round(1).await, [("mira".to_owned(), 1)]);
    assert_eq!(desk.round(61).await, [("mira".to_owned(), 1)], "by phone, too");
    // A person finds it too mild to call for, and then not.
    let mut acts = Acts::default();
    let severity = |number| Act::SetSeverity { to: Severity::new(number).unwrap() };
    desk.act(&mut acts, severity(7), 1, 100).await;
    desk.due(400, -1000).await;
    assert_eq!(desk.one(1).await.level, 0, "its time came, and it is mild");
    desk.act(&mut acts, Act::Escalate { to: None, level_seen: 0 }, 1, 500).await;
    assert_eq!(desk.lease(530).await.iter().map(|one| one.person.as_str()).collect::<Vec<_>>(), ["mira"]);
}

async fn what_is_kept_calls_nobody(desk: Desk) {
    desk.take(vec![named("Kept", "a", "i", "critical", 0)]).await;
    for second in [0, 400, 4000, 90_000] {
        assert_eq!(desk.round(second).await, []);
    }
    assert_eq!(desk.one(1).await.plan, Plan::Keep);
    desk.take(vec![over("Kept", "a", "i", "critical", 90_001)]).await;
    desk.round(90_700).await;
    assert!(desk.one(1).await.resolved_at.is_some());
}

async fn a_dependency_that_ends_first_lets_the_other_page(desk: Desk) {
    desk.take(vec![named("Switch", "a", "sw", "critical", 0), named("Down", "a", "i", "critical", 0)]).await;
    assert_eq!(desk.round(0).await, [("mira".to_owned(), 1)], "the switch alone");
    let (switch, down) = match desk.one(1).await.held {
        Some(_) => (2, 1),
        None => (1, 2),
    };
    assert_eq!(desk.one(down).await.held.map(|held| (held.number.0, held.until)), Some((switch, at(900))));
    desk.take(vec![over("Switch", "a", "sw", "critical", 100)]).await;
    assert!(desk.one(down).await.held.is_some(), "it may flap");
    desk.due(700, -1000).await;
    assert!(desk.one(switch).await.resolved_at.is_some() && desk.one(down).await.held.is_none());
    assert_eq!(desk.round(701).await, [("mira".to_owned(), 1)]);
}

/// By these rules nothing leans on a switch that is not called one.
#[derive(Debug)]
struct NoSwitch;

impl Handles for NoSwitch {
    fn handling(&self, series: &Series) -> Handling {
        if series.name() == "Switch" { Handling::default() } else { ByName.handling(series) }
    }
}

async fn what_holds_nothing_by_the_rules_of_today_lets_go(desk: Desk) {
    desk.take(vec![named("Switch", "a", "sw", "s1", 0)]).await;
    desk.take(vec![named("Down", "a", "i", "critical", 0)]).await;
    desk.round(0).await;
    let held = desk.one(2).await.held;
    assert!(held.is_some());
    desk.store.reload(ruled(), at(10)).await.unwrap();
    assert_eq!(desk.round(11).await, []);
    assert_eq!((desk.one(2).await.held, desk.one(2).await.next_due_at), (held, Some(at(900))), "the same rules");
    desk.store.reload(Rules { handles: Arc::new(NoSwitch), ..ruled() }, at(100)).await.unwrap();
    desk.due(101, -1000).await;
    assert_eq!((desk.one(2).await.held, desk.one(2).await.level), (None, 1), "it called");
}

async fn a_hold_is_bounded_and_no_other_makes_it_longer(desk: Desk) {
    desk.take(vec![named("Switch", "a", "sw", "s1", 0)]).await;
    desk.take(vec![named("Down", "a", "i", "critical", 0)]).await;
    desk.round(0).await;
    assert_eq!(desk.one(2).await.next_due_at, Some(at(900)));
    desk.take(vec![named("Hen", "a", "h", "critical", 899)]).await;
    desk.due(900, -1000).await;
    let down = desk.one(2).await;
    assert_eq!((down.held, down.level), (None, 1), "it called");
    desk.due(1200, -1000).await;
    assert_eq!(desk.one(2).await.level, 2);
}

async fn a_dependency_that_reports_last_holds_what_was_called(desk: Desk) {
    desk.take(vec![named("Down", "a", "i", "critical", 0)]).await;
    assert_eq!(desk.round(0).await, [("mira".to_owned(), 1)]);
    desk.take(vec![named("Switch", "a", "sw", "critical", 100)]).await;
    let down = desk.one(1).await;
    assert_eq!((down.held.map(|held| held.number.0), down.next_due_at), (Some(2), Some(at(1000))));
    assert!(desk.lines().await.iter().any(|line| line.contains("held by 2") && line.contains("called before")));
    desk.due(301, -1000).await;
    assert_eq!(desk.one(1).await.level, 1);
    desk.due(1000, -1000).await;
    assert_eq!((desk.one(1).await.level, desk.one(1).await.held), (2, None));
}

async fn the_worst_and_what_becomes_it_is_never_held(desk: Desk) {
    desk.take(vec![named("Switch", "a", "sw", "critical", 0)]).await;
    desk.take(vec![named("Down", "a", "i", "s1", 0)]).await;
    assert_eq!(desk.round(0).await, [("mira".to_owned(), 2)]);
    desk.take(vec![named("Switch", "b", "sw", "critical", 10), named("Down", "b", "i", "critical", 10)]).await;
    desk.round(10).await;
    let held = desk.incidents().await.into_iter().find(|one| one.held.is_some()).unwrap().number.0;
    desk.take(vec![named("Down", "b", "j", "s1", 20)]).await;
    desk.due(20, -1000).await;
    assert_eq!((desk.one(held).await.held, desk.one(held).await.level), (None, 1));
}

async fn other_labels_and_what_nobody_knows_hold_nothing(desk: Desk) {
    desk.take(vec![named("Switch", "b", "sw", "critical", 0), named("Down", "a", "i", "critical", 0)]).await;
    assert_eq!(desk.round(0).await, [("mira".to_owned(), 2)]);
    let mut switch = named("Switch", "c", "sw", "critical", 0);
    switch.alert.end = End::Until(at(60));
    desk.take(vec![switch]).await;
    desk.take(vec![named("Down", "c", "i", "critical", 1)]).await;
    desk.round(1).await;
    assert!(desk.one(4).await.held.is_some());
    desk.store.run_due(at(100), at(-100_000), Vec::new()).await.unwrap();
    assert_eq!(desk.one(4).await.held, None, "the switch's source is silent");
    desk.due(101, -1000).await;
    assert_eq!(desk.one(4).await.level, 1);
}

async fn a_circle_pages(desk: Desk) {
    desk.take(vec![named("Hen", "a", "h", "critical", 0), named("Egg", "a", "e", "critical", 0)]).await;
    desk.due(0, -1000).await;
    let all = desk.incidents().await;
    assert_eq!(all.iter().filter(|one| one.level == 1).count(), 2, "neither waits for the other");
    desk.due(900, -1000).await;
    assert!(desk.incidents().await.iter().all(|one| one.level > 0 && one.held.is_none()));
}

async fn people_act_on_what_is_held(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![named("Switch", "a", "sw", "critical", 0)]).await;
    desk.take(vec![named("Down", "a", "i", "critical", 0)]).await;
    desk.round(0).await;
    let mut acts = Acts::default();
    desk.act(&mut acts, Act::Ack, 2, 5).await;
    assert_eq!(desk.one(2).await.held, None);
    desk.act(&mut acts, Act::Unack, 2, 10).await;
    desk.due(10, -1000).await;
    assert_eq!(desk.one(2).await.next_due_at, Some(at(900)), "counted from the first time that it was held");
}

async fn the_same_problem_getting_worse_is_one_incident_that_wakes_a_snooze(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![named("Full", "a", "i", "S7", 0)]).await;
    desk.due(0, -1000).await;
    let mut acts = Acts::default();
    desk.act(&mut acts, Act::Snooze { until: at(3000), until_change: false }, 1, 5).await;
    assert!(desk.one(1).await.hold.is_some());
    // Another label is another series: the first is over, the second is worse.
    desk.take(vec![over("Full", "a", "i", "S7", 10), named("Full", "a", "i", "S4", 10)]).await;
    let risen = desk.one(1).await;
    assert_eq!((risen.hold, risen.severity.map(Severity::number)), (None, Some(4)));
    assert_eq!(desk.incidents().await.len(), 1);
    assert!(!desk.round(11).await.is_empty(), "it calls anew");
    desk.take(vec![over("Full", "a", "i", "S4", 20), named("Full", "a", "i", "S7", 20)]).await;
    assert_eq!(desk.one(1).await.severity.map(Severity::number), Some(4), "better is said by nobody in silence");
}
