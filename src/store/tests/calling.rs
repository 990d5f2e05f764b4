//! What both back ends must hold of pages, merges, splits and what is taken back.

mod holds;
mod sequences;

use super::*;
use crate::domain::event::SeriesKey;
use crate::domain::label::Fingerprint;
use crate::domain::op::Kind;
use crate::domain::paging::{Callee, Level, Link, Page, PageState, Shift};
use crate::domain::severity::Severity;
use crate::store::FeedRow;
use crate::store::hub::{Delivery, Outcome, Receipt};
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(20);

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

/// Two levels: who is on call (mira until second 10,000), then lena by phone and console.
fn paging() -> Paging {
    let level = |call| Level { call: vec![call], within: Duration::from_secs(300) };
    let link = |channel: &str, after| Link { channel: channel.into(), after: Duration::from_secs(after) };
    Paging {
        levels: vec![level(Callee::OnCall), level(Callee::Person(user("lena")))],
        policies: Default::default(),
        on_call: vec![Shift { person: user("mira"), from: at(-1000), to: at(10_000) }],
        chains: [(user("mira"), vec![link("console", 0), link("phone", 60)])].into(),
        bundle: Duration::from_secs(25),
        down_to: Severity::P2_MILDEST,
        ..Paging::default()
    }
}

fn paged() -> Rules {
    Rules { paging: paging(), ..rules() }
}

pub(super) async fn all(make: Make) {
    a_call_is_paged_once_by_each_channel_in_its_time(make(paged())).await;
    a_failure_goes_on_by_the_next_channel_and_then_the_next_level(make(paged())).await;
    an_answer_under_an_older_lease_is_not_taken(make(paged())).await;
    what_comes_soon_after_is_one_message(make(paged())).await;
    an_ack_closes_what_called(make(paged())).await;
    a_flap_holds_a_page_back_and_lets_it_go(make(paged())).await;
    consoles_say_what_they_have_and_what_was_seen(make(paged())).await;
    an_ack_that_had_not_seen_the_escalation_stops_nothing(make(paged())).await;
    an_ack_and_its_undo_in_one_push_ring_nobody(make(paged())).await;
    mild_severities_call_nobody(make(paged())).await;
    a_merge_moves_everything_and_later_alerts_follow(make(paged())).await;
    a_person_who_calls_another_is_heard_though_it_recovers(make(paged())).await;
    a_call_and_a_new_beginning_in_one_push_are_two_calls(make(paged())).await;
    what_was_merged_is_not_opened_beside_a_newer_one_of_its_group(make(paged())).await;
    a_split_is_an_incident_of_its_own(make(paged())).await;
    a_forced_resolve_taken_back_burns_again(make(paged())).await;
    nobody_known_is_said(make(Rules { paging: Paging::default(), ..rules() })).await;
    a_clock_set_back_leaves_no_page_and_no_step_in_the_future(make(paged())).await;
    what_waited_for_a_flap_holds_up_nothing_when_the_clock_is_set_back(make(paged())).await;
    what_is_overdue_is_found(make(paged())).await;
    sequences::all(make).await;
    holds::all(make).await;
}

impl Desk {
    async fn lease(&self, second: i64) -> Vec<Delivery> {
        self.store.lease_pages(at(second), LEASE, 100).await.unwrap()
    }

    async fn finish(&self, page: &Page, outcome: Outcome, second: i64) {
        self.store.finish_pages(vec![(page.id, page.lease_no, outcome)], at(second)).await.unwrap();
    }

    async fn pages(&self) -> Vec<Page> {
        let rows = self.page(0, 10_000).await.rows;
        let pages = rows.iter().filter(|row| row.kind == FeedKind::Page);
        pages.map(|row| serde_json::from_str(&row.body).unwrap()).collect()
    }

    async fn lines(&self) -> Vec<String> {
        let rows = self.page(0, 10_000).await.rows;
        let lines = rows.iter().filter(|row| row.kind == FeedKind::Line);
        let text = |row: &FeedRow| serde_json::from_str::<serde_json::Value>(&row.body).unwrap()["text"].to_string();
        lines.map(text).collect()
    }

    /// Pushes the acts as a chain, each on the incident as it stands; the second of the first is `second`.
    async fn act(&self, acts: &mut Acts, act: Act, number: u64, second: i64) -> Verdict {
        let incident = self.incidents().await.into_iter().find(|one| one.number.0 == number).unwrap();
        let signed = acts.sign(&incident, act);
        match self.push(&signed, second).await {
            Pushed::Judged(verdict) => verdict,
            other => panic!("{other:?}"),
        }
    }
}

/// The chain of mira's console.
#[derive(Default)]
struct Acts {
    nseq: u64,
    hash: [u8; 32],
}

impl Acts {
    fn sign(&mut self, incident: &Incident, act: Act) -> SignedOp {
        self.nseq += 1;
        let signed = op(incident, self.nseq, self.hash, act);
        self.hash = signed.hash();
        signed
    }
}

pub(super) fn named(name: &str, service: &str, instance: &str, severity: &str, second: i64) -> Event {
    let labels = [("alertname", name), ("service", service), ("instance", instance), ("severity", severity)];
    let alert = Alert {
        labels: Labels::new(labels, &LabelLimits::LABELS).unwrap(),
        annotations: Labels::default(),
        starts_at: Some(at(second)),
        end: End::Open,
        generator_url: String::new(),
    };
    Event::new(SourceName::parse("prometheus").unwrap(), alert, &IdentityRule::default(), at(second))
}

fn who(deliveries: &[Delivery]) -> Vec<(&str, &str, usize)> {
    deliveries.iter().map(|one| (one.person.as_str(), one.channel.as_str(), one.pages.len())).collect()
}

async fn a_call_is_paged_once_by_each_channel_in_its_time(desk: Desk) {
    desk.take(vec![named("Down", "api", "a", "critical", 0)]).await;
    desk.due(0, 0).await;
    desk.due(0, 0).await;
    let first = desk.lease(0).await;
    assert_eq!(who(&first), [("mira", "console", 1)]);
    assert_eq!(desk.lease(1).await, [], "what is leased is not leased again");
    desk.finish(&first[0].pages[0].0, Outcome::Sent, 1).await;
    assert_eq!(who(&desk.lease(60).await), [("mira", "phone", 1)]);
    desk.due(300, 300).await;
    assert_eq!(who(&desk.lease(300).await), [("lena", "console", 1), ("mira", "phone", 1)], "the phone never answered");
    let pages = desk.pages().await;
    assert_eq!(pages.len(), 3);
    assert_eq!(pages.iter().find(|page| page.channel == "phone").unwrap().attempts, 2);
}

async fn a_failure_goes_on_by_the_next_channel_and_then_the_next_level(desk: Desk) {
    desk.take(vec![named("Down", "api", "a", "critical", 0)]).await;
    desk.due(0, 0).await;
    let console = desk.lease(0).await;
    desk.finish(&console[0].pages[0].0, Outcome::Failed { why: "nobody connected".into() }, 1).await;
    let phone = desk.lease(1).await;
    assert_eq!(who(&phone), [("mira", "phone", 1)], "at once, not after its minute");
    desk.finish(&phone[0].pages[0].0, Outcome::Failed { why: "no such number".into() }, 2).await;
    desk.due(2, 2).await;
    let lena = desk.lease(2).await;
    assert_eq!(who(&lena), [("lena", "console", 1)], "nobody of the first level can be reached");
    desk.finish(&lena[0].pages[0].0, Outcome::Failed { why: "nobody connected".into() }, 3).await;
    desk.due(3, 3).await;
    assert_eq!(desk.lease(3).await, [], "the last level is called again in its own time");
    assert!(desk.incidents().await[0].next_due_at.is_some_and(|due| due <= at(303)));
    assert!(desk.lines().await.iter().any(|line| line.contains("mira could not be reached by phone")));
}

async fn an_answer_under_an_older_lease_is_not_taken(desk: Desk) {
    desk.take(vec![named("Down", "api", "a", "critical", 0)]).await;
    desk.due(0, 0).await;
    let slow = desk.lease(0).await.remove(0).pages.remove(0).0;
    let again = desk.lease(20).await.remove(0).pages.remove(0).0;
    assert_eq!((again.id, again.attempts, again.lease_no), (slow.id, 2, 2));
    desk.finish(&slow, Outcome::Failed { why: "it was paused".into() }, 21).await;
    assert_eq!(desk.pages().await.iter().find(|page| page.id == slow.id).unwrap().state, PageState::Sending);
    desk.finish(&again, Outcome::Sent, 21).await;
    assert_eq!(desk.pages().await.iter().find(|page| page.id == slow.id).unwrap().state, PageState::Sent);
}

async fn what_comes_soon_after_is_one_message(desk: Desk) {
    desk.take(vec![named("Down", "pay", "a", "critical", 0)]).await;
    desk.due(0, 0).await;
    let first = desk.lease(0).await;
    desk.finish(&first[0].pages[0].0, Outcome::Sent, 0).await;
    for (second, name) in [(3, "Slow"), (8, "Full"), (12, "Stuck")] {
        desk.take(vec![named(name, "pay", "a", "critical", second)]).await;
        desk.due(second, second).await;
        assert_eq!(desk.lease(second).await, [], "mira was reached a moment ago");
    }
    let storm = desk.lease(25).await;
    assert_eq!(who(&storm), [("mira", "console", 3)]);
    assert!(storm[0].common.contains(&("service".into(), "pay".into())), "{:?}", storm[0].common);
    assert!(!storm[0].common.iter().any(|(name, _)| name == "alertname"));
}

async fn an_ack_closes_what_called(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![named("Down", "api", "a", "critical", 0)]).await;
    desk.due(0, 0).await;
    let mut acts = Acts::default();
    assert_eq!(desk.act(&mut acts, Act::Ack, 1, 5).await, Verdict::Won { claim_no: 1 });
    assert_eq!(desk.lease(70).await, []);
    let pages = desk.pages().await;
    assert!(pages.iter().all(|page| matches!(page.state, PageState::Skipped(_)) && !page.is_open()), "{pages:?}");
    assert!(pages.iter().all(|page| page.person != user("mira") || page.closed.is_some()));
}

async fn a_flap_holds_a_page_back_and_lets_it_go(desk: Desk) {
    desk.take(vec![fires("a", 0)]).await;
    desk.due(0, 0).await;
    desk.take(vec![ends("a", 2)]).await;
    assert_eq!(desk.lease(3).await, [], "every series is over: perhaps it was nothing");
    desk.take(vec![fires("a", 10)]).await;
    let audit = desk.store.audit(at(10), Duration::from_secs(5)).await.unwrap();
    assert_eq!(audit.late_pages, 0, "it was held back, so it is not late");
    assert_eq!(who(&desk.lease(10).await), [("mira", "console", 1)]);
    desk.take(vec![ends("a", 12)]).await;
    desk.due(700, 700).await;
    assert!(desk.pages().await.iter().all(|page| !page.is_open()), "resolved: nobody need answer");
}

async fn consoles_say_what_they_have_and_what_was_seen(desk: Desk) {
    desk.take(vec![named("Down", "api", "a", "critical", 0)]).await;
    desk.due(0, 0).await;
    let page = desk.lease(0).await.remove(0).pages.remove(0).0;
    let say = |person: &str, receipt, second| desk.store.receipts(user(person), vec![(page.id, receipt)], at(second));
    say("lena", Receipt::Seen, 1).await.unwrap();
    assert_eq!(desk.pages().await.iter().find(|one| one.id == page.id).unwrap().seen_at, None, "it is not lena's");
    say("mira", Receipt::Delivered, 2).await.unwrap();
    say("mira", Receipt::Seen, 4).await.unwrap();
    say("mira", Receipt::Seen, 9).await.unwrap();
    let told = desk.pages().await.into_iter().find(|one| one.id == page.id).unwrap();
    assert_eq!((told.state, told.delivered_at, told.seen_at), (PageState::Sent, Some(at(2)), Some(at(4))));
    assert_eq!(told.acknowledged_at, None);
}

async fn an_ack_that_had_not_seen_the_escalation_stops_nothing(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![named("Down", "api", "a", "critical", 0)]).await;
    desk.due(0, 0).await;
    let before = desk.incidents().await.remove(0);
    let mut acts = Acts::default();
    let louder = Act::Escalate { to: None, level_seen: 1 };
    assert_eq!(desk.act(&mut acts, louder, 1, 5).await, Verdict::Applied);
    let late = acts.sign(&before, Act::Ack);
    assert_eq!(desk.push(&late, 6).await, Pushed::Judged(Verdict::WonNoStop { claim_no: 1 }));
    let deliveries = desk.lease(7).await;
    assert_eq!(who(&deliveries), [("lena", "console", 1)], "lena is still called once; mira has it");
}

async fn an_ack_and_its_undo_in_one_push_ring_nobody(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![named("Down", "api", "a", "critical", 0)]).await;
    desk.due(0, 0).await;
    let before = desk.incidents().await.remove(0);
    let pages = desk.pages().await.len();
    let mut acts = Acts::default();
    let ack = acts.sign(&before, Act::Ack);
    let undo = acts.sign(&before, Act::Undo { op: ack.op.op_id, kind: Kind::Ack });
    let answers = desk.store.submit(vec![ack, undo], at(5)).await.unwrap().answers;
    assert_eq!(answers[1].1, Pushed::Judged(Verdict::Applied));
    assert_eq!(desk.pages().await.len(), pages);
    assert_eq!(desk.incidents().await[0].next_due_at, Some(at(300)), "the next level, at the time it had");
}

async fn mild_severities_call_nobody(desk: Desk) {
    desk.take(vec![named("Note", "api", "a", "info", 0)]).await;
    desk.due(0, 0).await;
    assert_eq!(desk.pages().await, []);
    assert!(desk.incidents().await[0].next_due_at.is_some());
    desk.take(vec![named("Note", "api", "b", "critical", 10)]).await;
    desk.due(10, 10).await;
    assert_eq!(who(&desk.lease(10).await), [("mira", "console", 1)], "it rose");
}

async fn a_person_who_calls_another_is_heard_though_it_recovers(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![fires("a", 0)]).await;
    desk.take(vec![ends("a", 2)]).await;
    let escalate = Act::Escalate { to: Some(user("lena")), level_seen: 0 };
    assert_eq!(desk.act(&mut Acts::default(), escalate, 1, 5).await, Verdict::Applied);
    assert_eq!(who(&desk.lease(5).await), [("lena", "console", 1)]);
}

async fn a_call_and_a_new_beginning_in_one_push_are_two_calls(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![fires("a", 0)]).await;
    desk.due(0, 0).await;
    let incident = desk.incidents().await.remove(0);
    let mut acts = Acts::default();
    let escalate = acts.sign(&incident, Act::Escalate { to: None, level_seen: 1 });
    let raise = acts.sign(&incident, Act::SetSeverity { to: Severity::S1 });
    desk.store.submit(vec![escalate, raise], at(1)).await.unwrap();
    let called = |pages: Vec<Page>| pages.iter().filter(|page| page.person.as_str() == "lena").count();
    assert_eq!(called(desk.pages().await), 1);
    desk.due(1, 0).await;
    desk.due(301, 0).await;
    assert_eq!(called(desk.pages().await), 2, "its level is called anew");
}

async fn what_was_merged_is_not_opened_beside_a_newer_one_of_its_group(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![named("Down", "api", "a", "warning", 0), named("Slow", "web", "a", "critical", 0)]).await;
    let into = desk.incidents().await[0].id;
    let mut acts = Acts::default();
    assert_eq!(desk.act(&mut acts, Act::Merge { into }, 2, 5).await, Verdict::Applied);
    assert_eq!(desk.act(&mut acts, Act::Resolve { force: true }, 1, 6).await, Verdict::Applied);
    desk.take(vec![named("Slow", "web", "b", "critical", 9)]).await;
    let incidents = desk.incidents().await;
    let successor = Some(incidents[2].id);
    assert_eq!((incidents.len(), incidents[2].shown()), (3, Shown::New));
    let reopened = desk.act(&mut acts, Act::Reopen, 2, 10).await;
    assert_eq!(reopened, Verdict::Superseded { by: crate::domain::judge::Newer::Resolved { successor } });
}

async fn a_merge_moves_everything_and_later_alerts_follow(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![named("Down", "api", "a", "warning", 0), named("Slow", "web", "a", "critical", 0)]).await;
    let into = desk.incidents().await[0].id;
    let mut acts = Acts::default();
    assert_eq!(desk.act(&mut acts, Act::Merge { into }, 2, 5).await, Verdict::Applied);
    let incidents = desk.incidents().await;
    assert_eq!((incidents[0].tally.firing, incidents[0].severity), (2, Severity::new(2).ok()));
    assert_eq!((incidents[1].shown(), incidents[1].merged_into), (Shown::Resolved, Some(into)));
    assert_eq!(incidents[1].tally.total(), 0);
    desk.take(vec![named("Slow", "web", "b", "critical", 9)]).await;
    let incidents = desk.incidents().await;
    assert_eq!((incidents.len(), incidents[0].tally.firing), (2, 3));
    let late = desk.act(&mut acts, Act::Ack, 2, 10).await;
    assert_eq!(late, Verdict::Superseded { by: crate::domain::judge::Newer::Resolved { successor: Some(into) } });
}

async fn a_split_is_an_incident_of_its_own(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![fires("a", 0), fires("b", 0), fires("c", 0)]).await;
    let key = desk.series().await.into_iter().find(|one| one.labels.get("instance") == Some("b")).unwrap();
    let key = SeriesKey { source: key.source, fingerprint: key.fingerprint };
    let mut acts = Acts::default();
    let split = Act::Split { series: vec![key.clone(), key] };
    assert_eq!(desk.act(&mut acts, split, 1, 5).await, Verdict::Applied);
    let incidents = desk.incidents().await;
    assert_eq!(incidents.iter().map(|one| one.tally.firing).collect::<Vec<_>>(), [2, 1]);
    desk.take(vec![ends("b", 20)]).await;
    let shown: Vec<Shown> = desk.incidents().await.iter().map(Incident::shown).collect();
    assert_eq!(shown, [Shown::New, Shown::Recovering]);
    let other = Act::Split {
        series: vec![SeriesKey { source: SourceName::parse("x").unwrap(), fingerprint: Fingerprint([0; 16]) }],
    };
    assert!(matches!(desk.act(&mut acts, other, 1, 21).await, Verdict::Refused { .. }));
}

async fn a_forced_resolve_taken_back_burns_again(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![fires("a", 0)]).await;
    let mut acts = Acts::default();
    assert_eq!(desk.act(&mut acts, Act::Resolve { force: true }, 1, 5).await, Verdict::Applied);
    let op = OpId(Uuid::from_u128(1 << 8 | 1));
    assert_eq!(desk.act(&mut acts, Act::Undo { op, kind: Kind::Resolve }, 1, 9).await, Verdict::Applied);
    let incident = desk.incidents().await.remove(0);
    assert_eq!((incident.shown(), incident.tally.firing, incident.next_due_at), (Shown::New, 1, Some(at(9))));
    desk.take(vec![ends("a", 20)]).await;
    assert_eq!(desk.incidents().await[0].shown(), Shown::Recovering);
}

async fn nobody_known_is_said(desk: Desk) {
    desk.take(vec![named("Down", "api", "a", "critical", 0)]).await;
    desk.due(0, 0).await;
    assert!(desk.lines().await.iter().any(|line| line.contains("nobody to call")));
    assert!(desk.incidents().await[0].next_due_at.is_some());
    desk.know("mira").await;
    desk.store.call_uncalled(at(7)).await.unwrap();
    desk.due(7, 7).await;
    assert_eq!(who(&desk.lease(7).await), [("mira", "console", 1)]);
    // Somebody was called: another who comes changes nothing.
    let before = desk.incidents().await;
    desk.store.call_uncalled(at(9)).await.unwrap();
    assert_eq!(desk.incidents().await, before);
}

async fn a_clock_set_back_leaves_no_page_and_no_step_in_the_future(desk: Desk) {
    let ahead = 9_000;
    desk.take(vec![named("Down", "api", "a", "critical", ahead)]).await;
    desk.due(ahead, ahead).await;
    let leased = desk.lease(ahead).await;
    assert_eq!(leased.len(), 1);
    desk.store.run_due(at(0), at(0), Vec::new()).await.unwrap();
    let incident = desk.incidents().await.remove(0);
    assert!(incident.next_due_at.is_some_and(|due| due <= at(300)), "{:?}", incident.next_due_at);
    assert_eq!(who(&desk.lease(60).await), [("mira", "console", 1), ("mira", "phone", 1)]);
}

async fn what_waited_for_a_flap_holds_up_nothing_when_the_clock_is_set_back(desk: Desk) {
    desk.take(vec![fires("a", 9000)]).await;
    desk.due(9000, 9000).await;
    assert_eq!(desk.lease(9000).await.len(), 1);
    // Who sent it died, and it may be nothing.
    desk.take(vec![ends("a", 9001)]).await;
    assert_eq!(desk.lease(9020).await, []);
    desk.store.run_due(at(0), at(0), Vec::new()).await.unwrap();
    desk.take(vec![named("Full", "db", "b", "critical", 1)]).await;
    desk.due(1, 1).await;
    assert_eq!(who(&desk.lease(1).await), [("mira", "console", 1)]);
}

async fn what_is_overdue_is_found(desk: Desk) {
    let late = Duration::from_secs(60);
    desk.take(vec![named("Down", "api", "a", "critical", 0)]).await;
    assert!(desk.store.audit(at(59), late).await.unwrap().overdue.is_empty());
    assert_eq!(desk.store.audit(at(61), late).await.unwrap().overdue.len(), 1);
    desk.due(0, 0).await;
    let audit = desk.store.audit(at(62), late).await.unwrap();
    assert_eq!((audit.late_pages, audit.waiting_pages, audit.oldest_due), (1, 2, Some(at(0))));
    let audit = desk.store.audit(at(30), late).await.unwrap();
    assert_eq!((audit.late_pages, audit.waiting_pages), (0, 2), "they wait and are not late yet");
}
