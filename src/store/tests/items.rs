//! Shared items: the contract of every back end, and how a mirror holds them.

use super::*;
use crate::domain::item::{ITEMS_KEPT, ITEMS_MAX, Item, ItemKind, Items, Service, Silence};
use crate::store::FeedRow;
use std::collections::BTreeMap;
use std::time::Duration;

fn silence(id: &str, ends: i64) -> Item {
    Item::Silence(Silence {
        id: id.into(),
        matchers: r#"{service="pay"}"#.into(),
        starts_at: at(0),
        ends_at: at(ends),
        created_by: "mira".into(),
        reason: "the switch is replaced".into(),
        updated_at: at(0),
        ended_by: None,
        upstream: None,
    })
}

fn service(name: &str, team: &str) -> Item {
    Item::Service(Service { name: name.into(), team: team.into(), criticality: Some(1), links: BTreeMap::new() })
}

fn later(second: i64, days: u64) -> Timestamp {
    at(second).plus(ITEMS_KEPT + Duration::from_secs(days * 86_400))
}

/// Reads the whole feed of a store into a mirror, from where it stands.
async fn follow(mirror: &mut Mirror, desk: &Desk) -> Items {
    let after = mirror.cursor().unwrap().seq;
    let page = FeedPage { epoch: mirror.cursor().unwrap().epoch, ..desk.page(after, 100_000).await };
    mirror.apply(&page, at(1)).unwrap();
    mirror.items().unwrap()
}

#[tokio::test]
async fn items_travel_by_the_feed_newest_state_only_and_a_mirror_holds_them() {
    for make in [sqlite_by as Make, memory_by as Make] {
        let desk = make(rules());
        let dir = tempfile::tempdir().unwrap();
        let mut mirror = mirror(&dir);
        let (a, b) = (silence("a", 60), service("pay", "payments"));
        let done = desk.store.put_items(vec![a.clone(), b.clone()], at(0)).await.unwrap();
        assert_eq!(done.head, 2);
        assert_eq!(follow(&mut mirror, &desk).await, [a.clone(), b.clone()].into_iter().collect());
        // As it was: no change, so that nothing is written and nobody woken.
        assert_eq!(desk.store.put_items(vec![a.clone()], at(1)).await.unwrap().head, 2);
        let other = service("pay", "platform");
        desk.store.put_items(vec![other.clone()], at(1)).await.unwrap();
        let gone = vec![(ItemKind::Silence, "a".to_owned()), (ItemKind::View, "a".to_owned())];
        assert_eq!(desk.store.remove_items(gone, at(2)).await.unwrap().head, 4);
        assert_eq!(desk.page(0, 100).await.rows.len(), 2, "one row an item");
        assert_eq!(follow(&mut mirror, &desk).await, [other.clone()].into_iter().collect());
        assert_eq!(desk.store.items(ItemKind::Silence).await.unwrap(), []);
        assert_eq!(desk.store.items(ItemKind::Service).await.unwrap(), [other]);
        // It may come again.
        desk.store.put_items(vec![a.clone()], at(3)).await.unwrap();
        assert_eq!(desk.store.items(ItemKind::Silence).await.unwrap(), [a]);
    }
}

#[tokio::test]
async fn what_is_over_is_forgotten_in_time_and_what_has_no_end_stays() {
    for make in [sqlite_by as Make, memory_by as Make] {
        let desk = make(rules());
        let items = vec![silence("a", 60), silence("b", 90), service("pay", "x"), service("web", "x")];
        desk.store.put_items(items, at(0)).await.unwrap();
        desk.store.remove_items(vec![(ItemKind::Service, "web".into())], at(1)).await.unwrap();
        desk.store.prune(later(75, 0)).await.unwrap();
        assert_eq!(desk.store.items(ItemKind::Silence).await.unwrap(), [silence("b", 90)]);
        desk.store.prune(later(75, 1)).await.unwrap();
        assert_eq!(desk.store.items(ItemKind::Silence).await.unwrap(), []);
        assert_eq!(desk.store.items(ItemKind::Service).await.unwrap(), [service("pay", "x")]);
        assert_eq!(desk.page(0, 100).await.rows.len(), 2, "that one was taken away is still told");
        desk.store.prune(later(75, 400)).await.unwrap();
        assert_eq!(desk.page(0, 100).await.rows.len(), 1);
    }
}

#[tokio::test]
async fn items_are_bounded_and_what_is_over_makes_room() {
    for make in [sqlite_by as Make, memory_by as Make] {
        let desk = make(rules());
        let mut many: Vec<Item> = (1..ITEMS_MAX).map(|no| silence(&format!("{no:05}"), 1000)).collect();
        many.push(silence("over", 10));
        desk.store.put_items(many, at(0)).await.unwrap();
        let refused = desk.store.put_items(vec![service("pay", "x"), silence("new", 1000)], at(5)).await;
        assert!(matches!(refused, Err(StoreError::Items(_))), "{refused:?}");
        assert_eq!(desk.store.items(ItemKind::Service).await.unwrap(), [], "nothing of it");
        desk.store.put_items(vec![silence("new", 1000)], at(10)).await.unwrap();
        let held = desk.store.items(ItemKind::Silence).await.unwrap();
        assert_eq!((held.len(), held.contains(&silence("over", 10))), (ITEMS_MAX, false));
        let long = service("long", &"x".repeat(17_000));
        let refused = desk.store.put_items(vec![long], at(11)).await;
        assert!(matches!(refused, Err(StoreError::Items(_))), "{refused:?}");
    }
}

#[test]
fn a_mirror_sweeps_items_of_another_history_and_keeps_kinds_that_it_does_not_know() {
    let dir = tempfile::tempdir().unwrap();
    let mut mirror = mirror(&dir);
    let page = |epoch: &str, rows: Vec<(u64, &str)>| {
        let next = rows.len() as u64;
        let row = |(seq, body): (u64, &str)| FeedRow { seq, kind: FeedKind::Item, body: body.into() };
        let rows = rows.into_iter().map(row).collect();
        FeedPage { epoch: epoch.into(), after: 0, next, head: next, rows, signatures: None }
    };
    let view = r#"{"id":"pay","kind":"view","item":{"name":"pay","query":"team=pay"}}"#;
    let odd = r#"{"id":"x","kind":"weather","item":{"sun":true}}"#;
    assert!(mirror.apply(&page("", vec![(1, view), (2, odd)]), at(0)).unwrap().items);
    assert_eq!((mirror.items().unwrap().views.len(), mirror.dump().unwrap().len()), (1, 2));
    let before = mirror.cursor().unwrap();
    mirror.restart("e2", &before).unwrap();
    assert_eq!(mirror.items().unwrap().views.len(), 1, "until the new one is read");
    mirror.apply(&page("e2", vec![(1, odd)]), at(1)).unwrap();
    assert_eq!((mirror.items().unwrap(), mirror.dump().unwrap().len()), (Items::default(), 1));
}

/// The layouts of the version before: without the table.
#[test]
fn databases_of_the_first_layout_get_the_table() {
    let dir = tempfile::tempdir().unwrap();
    let hub = dir.path().join("hub.db");
    drop(HubStore::open_sqlite(&hub, rules(), "e").unwrap());
    drop(mirror(&dir));
    let mirror_only = "DROP INDEX incident_group; DROP INDEX incident_service; DROP INDEX series_seq;
         ALTER TABLE series DROP COLUMN seq; DROP TABLE past;
         DROP INDEX page_missed; ALTER TABLE page DROP COLUMN missed;";
    let hub_only = "DROP TABLE tie; DROP TABLE day; DROP TABLE change; ALTER TABLE source DROP COLUMN trusted_from;
         ALTER TABLE source DROP COLUMN body; DROP TABLE runbook_text;";
    for (name, more) in [("hub.db", hub_only), ("mirror.db", mirror_only)] {
        let connection = rusqlite::Connection::open(dir.path().join(name)).unwrap();
        connection.execute_batch(&format!("{more} DROP TABLE item; PRAGMA user_version = 1")).unwrap();
    }
    drop(HubStore::open_sqlite(&hub, rules(), "e").unwrap());
    assert_eq!(mirror(&dir).items().unwrap(), Items::default());
    for (name, made) in
        [("hub.db", include_str!("../sqlite/hub.sql")), ("mirror.db", include_str!("../sqlite/mirror.sql"))]
    {
        let fresh = rusqlite::Connection::open_in_memory().unwrap();
        fresh.execute_batch(made).unwrap();
        let old = rusqlite::Connection::open(dir.path().join(name)).unwrap();
        assert_eq!(columns(&old), columns(&fresh), "{name}");
    }
}

/// Returns each table's columns, as SQLite knows them.
fn columns(connection: &rusqlite::Connection) -> Vec<(String, String, String)> {
    let sql = "SELECT m.name, c.name, c.type FROM sqlite_master m, pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY 1, 2";
    let mut select = connection.prepare(sql).unwrap();
    let rows = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}
