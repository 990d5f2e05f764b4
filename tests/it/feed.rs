//! The feed: a fresh console gets everything, page by page, and another history makes a console begin again without losing what waits.

use crate::support::alerts::{body, firing, resolved};
use crate::support::database::{Database, change};
use crate::support::hub::Hub;
use crate::support::operator::Operator;
use crate::support::person::{Person, number};
use crate::support::until;
use nightdesk::sync::wire::FEED_ROWS_MAX;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

/// Returns the one mirror of this person.
fn mirror(person: &Person) -> PathBuf {
    let entries = std::fs::read_dir(person.data()).expect("the person has data");
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    found.retain(|path| path.extension().is_some_and(|kind| kind == "db"));
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// Posts so many alerts that were over when they were first seen: each is one change of the feed.
fn post_changes(hub: &Hub, numbers: std::ops::Range<u64>) {
    let alerts: Vec<Value> = numbers.map(|n| resolved("Over", &[("n", &n.to_string())])).collect();
    for chunk in alerts.chunks(500) {
        let answer = hub.ingest("/api/v2/alerts", &body(chunk)).expect("the hub answers");
        assert_eq!(answer.status, 200);
    }
}

/// Reads the feed from zero; returns how many rows each page has, and how many of all are no items: the hub tells of its sources and days in its own
/// time.
fn pages(hub: &Hub, operator: &Operator) -> (Vec<usize>, u64) {
    let gone = operator.feed(hub.address(), "", 0);
    assert_eq!(gone.status, 410, "{}", gone.text());
    let epoch = gone.json()["epoch"].as_str().expect("an epoch").to_owned();
    let (mut after, mut sizes, mut counted) = (0, Vec::new(), 0);
    loop {
        let page = operator.feed(hub.address(), &epoch, after).json();
        let rows = page["rows"].as_array().expect("rows");
        let seqs: Vec<u64> = rows.iter().filter_map(|row| row["seq"].as_u64()).collect();
        let (next, head) = (page["next"].as_u64().expect("next"), page["head"].as_u64().expect("head"));
        assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "in order and each once");
        assert!(seqs.iter().all(|seq| (after + 1..=next).contains(seq)), "within ({after}, {next}]");
        sizes.push(rows.len());
        counted += rows.iter().filter(|row| row["kind"] != "item").count() as u64;
        if next >= head {
            return (sizes, counted);
        }
        after = next;
    }
}

#[test]
fn every_number_of_changes_around_a_page_arrives_whole() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    let operator = Operator::introduce(&hub, "robot");
    let old = Person::near(&hub, &dir.path().join("old"), "mira");
    let mut there = 0;
    for count in [0, 1, 999, 1000, 1001, 2000, 2001] {
        post_changes(&hub, there..count);
        there = count;
        let (sizes, counted) = pages(&hub, &operator);
        assert_eq!(counted, count, "{sizes:?}");
        assert!(sizes.iter().all(|size| *size <= FEED_ROWS_MAX), "{sizes:?}");
        let fresh = Person::near(&hub, &dir.path().join(format!("fresh{count}")), "mira");
        for person in [&old, &fresh] {
            assert_eq!(person.list().len(), 0, "what was over when it was first seen opens nothing");
            let series: i64 = Database::copy(&mirror(person)).one("SELECT count(*) FROM series");
            assert_eq!(series as u64, count);
        }
    }
}

#[test]
fn a_fresh_console_reads_what_an_old_one_knows() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    let old = Person::near(&hub, &dir.path().join("old"), "mira");
    assert!(old.list().is_empty());
    for n in 0..40 {
        let n = n.to_string();
        hub.alert(&[firing("Disk", &[("job", &n)]), firing("Disk", &[("job", &n), ("host", "b")])]);
        old.run(&["note", &n, "seen"]);
    }
    let fresh = Person::near(&hub, &dir.path().join("fresh"), "jonas");
    assert_eq!(fresh.list().len(), 40);
    // The hub pages meanwhile: who asks later may be told more.
    until("both list the same", LIMIT, || (fresh.list() == old.list()).then_some(()));
    until("both show the same", LIMIT, || (fresh.show("7") == old.show("7")).then_some(()));
    assert_eq!(fresh.show("7")["series_list"].as_array().map(Vec::len), Some(2));
}

fn copy_database(hub: &Hub, to: &Path) {
    for suffix in ["", "-wal"] {
        let from = format!("{}{suffix}", hub.data().join("hub.db").display());
        if Path::new(&from).exists() {
            std::fs::copy(&from, format!("{}{suffix}", to.display())).expect("the database can be copied");
        }
    }
}

fn restore_database(hub: &Hub, from: &Path) {
    let database = hub.data().join("hub.db");
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", database.display()));
    }
    for suffix in ["", "-wal"] {
        let from = format!("{}{suffix}", from.display());
        if Path::new(&from).exists() {
            std::fs::copy(&from, format!("{}{suffix}", database.display())).expect("the database can be restored");
        }
    }
    change(&database, "UPDATE meta SET value = 'another-history' WHERE key = 'epoch'");
}

#[test]
fn a_restored_hub_makes_consoles_begin_again_and_gets_their_operations_once_more() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut hub = Hub::start(&dir.path().join("hub"), "");
    let person = Person::near(&hub, &dir.path().join("mira"), "mira");
    hub.alert(&[firing("Kept", &[])]);
    let kept = number(&person.list()[0]);
    hub.kill9();
    let backup = dir.path().join("backup.db");
    copy_database(&hub, &backup);

    hub.restart();
    hub.alert(&[firing("Lost", &[])]);
    assert_eq!(person.run(&["note", &kept, "before the restore"]).code, Some(0));
    assert_eq!(person.list().len(), 2);
    hub.kill9();
    assert_eq!(person.run(&["note", &kept, "while it was away"]).code, Some(3));

    restore_database(&hub, &backup);
    hub.restart();
    let listed = person.list();
    assert_eq!(listed.len(), 1, "what the restored hub does not know is swept: {listed:?}");
    assert_eq!((&listed[0]["summary"], &listed[0]["sync"]), (&"Kept burns".into(), &"confirmed".into()));
    let shown = person.show(&kept);
    let lines = shown["timeline"].as_array().expect("a timeline");
    let notes: Vec<&Value> = lines.iter().filter(|line| line["told"] == "note").map(|line| &line["text"]).collect();
    assert_eq!(notes, ["before the restore", "while it was away"], "{shown}");
    let fresh = Person::near(&hub, &dir.path().join("fresh"), "jonas");
    assert_eq!(fresh.show(&kept), shown);
}
