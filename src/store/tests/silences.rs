//! Silences: the contract of every back end, and what holds whatever is done in whatever order.

use super::*;
use crate::domain::item::{Item, ItemKind, Silence};
use crate::store::hub::silences::SILENCES_MAX;
use crate::store::hub::{Delivery, MemoryHub};
use std::time::Duration;

pub fn silence(id: &str, matchers: &str, from: i64, until: i64) -> Silence {
    Silence {
        id: id.into(),
        matchers: matchers.into(),
        starts_at: at(from),
        ends_at: at(until),
        created_by: "mira".into(),
        reason: "the switch is replaced".into(),
        updated_at: at(from),
        ended_by: None,
        upstream: None,
    }
}

const DOWN: &str = r#"{alertname="Down"}"#;

impl Desk {
    async fn silence(&self, one: Silence, second: i64) {
        self.store.put_silence(one, None, at(second)).await.unwrap();
    }

    async fn first(&self) -> Incident {
        self.incidents().await.remove(0)
    }

    async fn sent(&self, second: i64) -> Vec<Delivery> {
        self.store.lease_pages(at(second), Duration::from_secs(20), 100).await.unwrap()
    }
}

fn long(instance: &str, second: i64) -> Event {
    event("prometheus", instance, second, second, End::Until(at(second + 100_000)))
}

fn other(instance: &str, second: i64) -> Event {
    let source = SourceName::parse("prometheus").unwrap();
    let mut alert = alert("Down", instance, second, End::Until(at(second + 100_000)));
    let labels = [("alertname", "Down"), ("instance", instance), ("severity", "critical")];
    alert.labels = Labels::new(labels, &LabelLimits::LABELS).unwrap();
    Event::new(source, alert, &IdentityRule::default(), at(second))
}

#[tokio::test]
async fn what_is_silenced_calls_nobody_until_the_end_and_then_at_once() {
    for make in [sqlite_by as Make, memory_by as Make] {
        let desk = make(rules());
        desk.know("mira").await;
        desk.silence(silence("s", DOWN, 0, 3600), 0).await;
        desk.take(vec![long("a", 1), long("b", 1)]).await;
        let quiet = desk.first().await;
        let silenced = quiet.silenced.clone().unwrap();
        assert_eq!((silenced.until, silenced.by, silenced.who.as_str()), (at(3600), vec!["s".to_owned()], "mira"));
        assert_eq!((quiet.shown(), quiet.next_due_at), (Shown::New, Some(at(3600))), "it is shown as it is");
        desk.due(2, 2).await;
        desk.due(3599, 3599).await;
        assert_eq!(desk.sent(3599).await, []);
        desk.due(3600, 3600).await;
        assert_eq!(desk.first().await.silenced, None);
        assert_eq!(desk.sent(3600).await.len(), 1);
    }
}

#[tokio::test]
async fn a_new_silence_quiets_what_is_open_in_the_same_transaction_and_its_end_pages_at_once() {
    for make in [sqlite_by as Make, memory_by as Make] {
        let desk = make(rules());
        desk.know("mira").await;
        desk.take(vec![long("a", 1)]).await;
        desk.due(2, 2).await;
        // The page was queued and is not sent: it is needless now.
        desk.silence(silence("s", DOWN, 3, 3600), 3).await;
        assert!(desk.first().await.silenced.is_some());
        assert_eq!(desk.sent(4).await, []);
        assert!(desk.store.end_silence("s".into(), "ben".into(), at(10)).await.unwrap().is_some());
        let loud = desk.first().await;
        assert_eq!((loud.silenced, loud.next_due_at), (None, Some(at(10))));
        desk.due(10, 10).await;
        assert_eq!(desk.sent(11).await.len(), 1);
        // It is over for good.
        assert!(desk.store.end_silence("s".into(), "ben".into(), at(12)).await.unwrap().is_none());
        let Item::Silence(ended) = desk.store.items(ItemKind::Silence).await.unwrap().remove(0) else { panic!() };
        assert_eq!((ended.ends_at, ended.ended_by.as_deref()), (at(10), Some("ben")));
    }
}

#[tokio::test]
async fn what_is_not_covered_pages_at_once_and_what_is_covered_again_does_not() {
    for make in [sqlite_by as Make, memory_by as Make] {
        let desk = make(rules());
        desk.know("mira").await;
        desk.silence(silence("a", r#"{severity="warning"}"#, 0, 3600), 0).await;
        desk.take(vec![long("a", 1)]).await;
        assert!(desk.first().await.silenced.is_some());
        desk.take(vec![other("b", 5)]).await;
        let loud = desk.first().await;
        assert_eq!((desk.incidents().await.len(), &loud.silenced, loud.tally.firing), (1, &None, 2));
        desk.due(6, 6).await;
        assert_eq!(desk.sent(6).await.len(), 1);
        // Two silences together cover it: quiet until the first of them ends.
        desk.silence(silence("b", r#"{severity="critical"}"#, 7, 1000), 7).await;
        let silenced = desk.first().await.silenced.unwrap();
        assert_eq!((silenced.until, silenced.by.len()), (at(1000), 2));
        desk.due(1000, 1000).await;
        assert_eq!(desk.first().await.silenced, None);
    }
}

#[tokio::test]
async fn one_that_begins_later_begins_by_itself_and_another_goes_on_where_one_ends() {
    for make in [sqlite_by as Make, memory_by as Make] {
        let desk = make(rules());
        desk.know("mira").await;
        desk.take(vec![long("a", 1)]).await;
        desk.silence(silence("later", DOWN, 100, 200), 2).await;
        desk.silence(silence("last", r#"{instance="a"}"#, 150, 400), 2).await;
        desk.due(99, 99).await;
        assert_eq!(desk.first().await.silenced, None);
        desk.due(100, 100).await;
        assert_eq!(desk.first().await.silenced.unwrap().until, at(200));
        desk.due(200, 200).await;
        let silenced = desk.first().await.silenced.unwrap();
        assert_eq!((silenced.until, silenced.by), (at(400), vec!["last".to_owned()]));
        desk.due(400, 400).await;
        assert_eq!(desk.first().await.silenced, None);
    }
}

#[tokio::test]
async fn an_end_passes_through_a_silence_and_a_replaced_one_is_over() {
    for make in [sqlite_by as Make, memory_by as Make] {
        let desk = make(rules());
        desk.silence(silence("old", DOWN, 0, 3600), 0).await;
        desk.take(vec![long("a", 1)]).await;
        let new = silence("new", DOWN, 5, 7200);
        desk.store.put_silence(new, Some("old".into()), at(5)).await.unwrap();
        let silenced = desk.first().await.silenced.unwrap();
        assert_eq!((silenced.until, silenced.by), (at(7200), vec!["new".to_owned()]));
        desk.take(vec![ends("a", 10)]).await;
        desk.due(10 + 600, 10 + 600).await;
        let over = desk.first().await;
        assert_eq!((over.shown(), over.silenced), (Shown::Resolved, None));
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// An alert of an instance, mild or bad, or its end.
    Alert(usize, bool, bool),
    /// A silence of which matchers, how far off, how long.
    Silence(usize, i64, i64),
    /// The end of one of those made.
    End(usize),
    /// Time goes on, the hub's round is made.
    Wait(i64),
    /// The clock is set; the hub notices as after an absence.
    Jump(i64),
    /// The hub begins anew.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..4, any::<bool>(), any::<bool>()).prop_map(|(one, bad, over)| Step::Alert(one, bad, over)),
        3 => (0usize..3, 0i64..200, 1i64..900).prop_map(|(which, off, long)| Step::Silence(which, off, long)),
        2 => (0usize..8).prop_map(Step::End),
        5 => (0i64..400).prop_map(Step::Wait),
        1 => (-500i64..500).prop_map(Step::Jump),
        1 => Just(Step::Restart),
    ]
}

/// What must hold after the hub's round, whatever was done.
fn check(hub: &MemoryHub, now: i64, ended: &[String]) {
    let silences: Vec<Silence> = hub.items(ItemKind::Silence).unwrap().into_iter().map(only).collect();
    for one in &silences {
        assert!(!ended.contains(&one.id) || one.is_over(at(now)) || one.ends_at > at(now), "{one:?}");
    }
    for incident in hub.incidents() {
        let Some(silenced) = &incident.silenced else { continue };
        assert!(at(now) < silenced.until, "hidden past its end at {now}: {incident:?}");
        assert!(incident.next_due_at.is_some_and(|due| due <= silenced.until), "{incident:?}");
        let known = |id: &String| silences.iter().any(|one| one.id == *id && one.is_active(at(now)));
        assert!(incident.tally.firing == 0 || silenced.by.iter().all(known), "{incident:?} by {silences:?}");
    }
}

fn only(item: Item) -> Silence {
    match item {
        Item::Silence(silence) => silence,
        other => panic!("{other:?}"),
    }
}

fn round(hub: &mut MemoryHub, now: i64, back: bool) {
    let up_since = if back { at(now) } else { at(now - 100_000) };
    while hub.run_due(at(now), up_since, &[]).unwrap().more {}
}

#[test]
fn so_many_stand_at_once_and_one_takes_the_place_of_another() {
    let mut hub = MemoryHub::new(rules(), "e").unwrap();
    let mut put = |id: &str, replaced, now| hub.put_silence(&silence(id, DOWN, now, now + 100), replaced, at(now));
    for id in 0..SILENCES_MAX {
        put(&format!("s{id}"), None, 0).unwrap();
    }
    let refused = put("more", None, 1).unwrap_err();
    assert!(matches!(&refused, StoreError::Items(why) if why.contains("end some")), "{refused:?}");
    put("instead", Some("s1"), 1).unwrap();
    // What is over makes room.
    put("later", None, 100).unwrap();
}

proptest! {
    #[test]
    fn no_silence_hides_past_its_end_and_none_comes_back(steps in proptest::collection::vec(step(), 1..60)) {
        let mut hub = MemoryHub::new(rules(), "e").unwrap();
        let (mut now, mut made, mut ended) = (0i64, Vec::<String>::new(), Vec::<String>::new());
        let mut restarts = 0;
        for step in steps {
            match step {
                Step::Alert(one, bad, over) => {
                    let name = format!("i{one}");
                    let event = match (over, bad) {
                        (true, _) => ends(&name, now),
                        (false, true) => other(&name, now),
                        (false, false) => long(&name, now),
                    };
                    hub.ingest(Batch { now: at(now), events: vec![event], quarantined: Vec::new() }).unwrap();
                }
                Step::Silence(which, off, long) => {
                    let matchers = [DOWN, r#"{severity="warning"}"#, r#"{alertname="Down", instance=~"i[01]"}"#][which];
                    let id = format!("s{}", made.len());
                    made.push(id.clone());
                    hub.put_silence(&silence(&id, matchers, now + off, now + off + long), None, at(now)).unwrap();
                }
                Step::End(which) => {
                    if let Some(id) = made.get(which)
                        && hub.end_silence(id, "ben", at(now)).unwrap().is_some()
                    {
                        ended.push(id.clone());
                        let one = hub.items(ItemKind::Silence).unwrap().into_iter().map(only).find(|one| one.id == *id);
                        prop_assert!(one.unwrap().is_over(at(now)));
                    }
                }
                Step::Wait(seconds) => now += seconds,
                Step::Jump(seconds) => {
                    now += seconds;
                    round(&mut hub, now, true);
                }
                Step::Restart => {
                    restarts += 1;
                    hub = hub.reopened(rules_after(restarts), "f").unwrap();
                    round(&mut hub, now, true);
                }
            }
            round(&mut hub, now, false);
            check(&hub, now, &ended);
        }
    }
}

/// Rules whose incidents have other ids than those before.
fn rules_after(restarts: u64) -> Rules {
    let next = AtomicU64::new(1000 + restarts * 100_000);
    let mint = move |_| IncidentId(Uuid::from_u128(u128::from(next.fetch_add(1, Ordering::Relaxed)) << 64 | 7));
    Rules { mint: Mint::new(mint), ..rules() }
}
