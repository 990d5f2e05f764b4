//! What Alertmanagers in front hide: kept as theirs, renewed without noise, gone when they no longer say it.

use super::silences::silence;
use super::*;
use crate::domain::item::{Item, ItemKind, Silence};
use crate::domain::silence::Upstream;
use crate::store::hub::Fronts;
use std::time::Duration;

const DOWN: &str = r#"{alertname="Down"}"#;

fn theirs(id: &str, matchers: &str, until: i64, inhibited: bool) -> Silence {
    let upstream = Some(Upstream { name: "am".into(), inhibited });
    Silence { upstream, ..silence(id, matchers, 0, until) }
}

fn fronts(configured: &[&str], said: Option<Vec<Silence>>) -> Fronts {
    let configured = configured.iter().map(|name| (*name).to_owned()).collect();
    Fronts { configured, said: said.map(|said| ("am".to_owned(), said)) }
}

fn long(source: &str, instance: &str, second: i64) -> Event {
    event(source, instance, second, second, End::Until(at(second + 100_000)))
}

impl Desk {
    async fn hear(&self, fronts: Fronts, second: i64) -> u64 {
        loop {
            let due = self.store.hear_fronts(fronts.clone(), at(second)).await.unwrap();
            if !due.more {
                return due.committed.head;
            }
        }
    }

    async fn hidden(&self) -> Option<String> {
        self.incidents().await[0].silenced.as_ref().map(|silenced| silenced.words("then"))
    }
}

#[tokio::test]
async fn what_is_hidden_in_front_calls_nobody_until_it_is_no_longer_said() {
    for make in [sqlite_by as Make, memory_by as Make] {
        let desk = make(rules());
        desk.know("mira").await;
        desk.take(vec![long("prometheus", "a", 1)]).await;
        let said = vec![theirs("am/1", DOWN, 3600, false)];
        let head = desk.hear(fronts(&["am"], Some(said.clone())), 2).await;
        assert_eq!(desk.hidden().await.as_deref(), Some("silenced upstream by mira until then"));
        assert_eq!(desk.hear(fronts(&["am"], Some(said)), 30).await, head, "a repeat writes nothing");
        assert!(desk.store.end_silence("am/1".into(), "ben".into(), at(31)).await.unwrap().is_none(), "it is not ours");
        desk.hear(fronts(&["am"], Some(Vec::new())), 60).await;
        let loud = desk.incidents().await.remove(0);
        assert_eq!((loud.silenced, loud.next_due_at), (None, Some(at(60))));
        desk.due(60, 60).await;
        assert_eq!(desk.store.lease_pages(at(61), Duration::from_secs(20), 100).await.unwrap().len(), 1);
        assert_eq!(desk.store.items(ItemKind::Silence).await.unwrap(), []);
    }
}

#[tokio::test]
async fn one_that_is_not_configured_any_more_hides_nothing_and_the_hub_itself_is_never_hidden() {
    for make in [sqlite_by as Make, memory_by as Make] {
        let desk = make(rules());
        desk.take(vec![long("prometheus", "a", 1)]).await;
        desk.hear(fronts(&["am"], Some(vec![theirs("am/1", DOWN, 3600, false)])), 2).await;
        assert!(desk.hidden().await.is_some());
        desk.hear(fronts(&["other"], None), 3).await;
        assert_eq!(desk.hidden().await, None);

        let desk = make(rules());
        desk.take(vec![long("nightdesk", "a", 1)]).await;
        desk.hear(fronts(&["am"], Some(vec![theirs("am/1", DOWN, 3600, false)])), 2).await;
        assert_eq!(desk.hidden().await, None);
    }
}

#[tokio::test]
async fn an_inhibited_alert_is_hidden_by_all_of_its_labels_and_renewed_by_days() {
    for make in [sqlite_by as Make, memory_by as Make] {
        let desk = make(rules());
        desk.take(vec![long("prometheus", "a", 1)]).await;
        let matchers = |labels: &Labels| {
            let pairs: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
            format!("{{{}}}", pairs.join(", "))
        };
        let exact = matchers(&long("prometheus", "a", 1).alert.labels);
        desk.hear(fronts(&["am"], Some(vec![theirs("am/f", DOWN, 1 << 40, true)])), 2).await;
        assert_eq!(desk.hidden().await, None, "a part of its labels is another alert");
        let said = || fronts(&["am"], Some(vec![theirs("am/f", &exact, 1 << 40, true)]));
        let head = desk.hear(said(), 3).await;
        assert_eq!(desk.hidden().await.as_deref(), Some("inhibited upstream (am)"));
        assert_eq!(desk.hear(said(), 86_400).await, head, "days are left");
        assert!(desk.hear(said(), 4 * 86_400).await > head);
        let Item::Silence(kept) = desk.store.items(ItemKind::Silence).await.unwrap().remove(0) else { panic!() };
        assert_eq!(kept.ends_at, at(11 * 86_400));
    }
}

#[tokio::test]
async fn much_at_once_is_taken_in_portions_and_what_takes_a_place_counts_first() {
    let all = |from: usize| -> Vec<Silence> {
        let other = |id| theirs(&format!("am/{id}"), r#"{alertname="Other"}"#, 3600, false);
        (from..from + 450).map(other).chain([theirs(&format!("am/z{from}"), DOWN, 3600, false)]).collect()
    };
    for make in [sqlite_by as Make, memory_by as Make] {
        let desk = make(rules());
        desk.take(vec![long("prometheus", "a", 1)]).await;
        desk.hear(fronts(&["am"], Some(all(0))), 2).await;
        assert!(desk.hidden().await.is_some());
        // All have other ids now: while they change, what is hidden stays so.
        let mut portions = 0;
        loop {
            let due = desk.store.hear_fronts(fronts(&["am"], Some(all(1000))), at(3)).await.unwrap();
            portions += 1;
            assert!(desk.hidden().await.is_some(), "portion {portions}");
            if !due.more {
                break;
            }
        }
        assert_eq!((portions, desk.store.items(ItemKind::Silence).await.unwrap().len()), (5, 451));
    }
}
