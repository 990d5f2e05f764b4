//! A console that slept for a week: how long until it is current, and how many bytes that takes.
//!
//! `NIGHTDESK_TEST_WEEK_CHANGES` says how many changes it missed, each of a series of its own: the worst case, for of a series that
//! changed a hundred times only the newest state is told.

use crate::support::alerts::{body, firing, resolved};
use crate::support::count;
use crate::support::hub::Hub;
use crate::support::measure;
use crate::support::mirror::{dump, in_folder};
use crate::support::person::Person;
use crate::support::proxy::{Proxy, Way};
use crate::support::try_until;
use serde_json::Value;
use std::time::{Duration, Instant};

const INCIDENTS: u64 = 1000;
/// What is promised of an optimized build on loopback.
const PROMISED: Duration = Duration::from_secs(3);
/// How soon two mirrors of a hub that goes on are read at the same moment.
const LIMIT: Duration = Duration::from_secs(30);
/// Alerts in a post.
const POST: usize = 1000;

fn alert(number: u64, over: bool) -> Value {
    let make = if over { resolved } else { firing };
    let (problem, host) = (number % INCIDENTS, format!("host-{}", number / INCIDENTS));
    make("DiskFull", &[("service", &format!("shop-{problem}")), ("host", &host), ("mountpoint", "/var/log")])
}

fn post(hub: &Hub, alerts: &[Value]) {
    for chunk in alerts.chunks(POST) {
        let answer = hub.ingest("/api/v2/alerts", &body(chunk)).expect("the hub answers");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[test]
fn a_console_that_slept_for_a_week_is_current_within_three_seconds() {
    let changes = count("NIGHTDESK_TEST_WEEK_CHANGES", 10_000);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "[limits]\nbody_bytes = 4194304\n");
    let proxy = Proxy::before(hub.address());
    let mira = Person::through(&hub, &proxy, &dir.path().join("mira"), "mira");
    assert!(mira.list().is_empty());

    let began = Instant::now();
    // Each is told of once; every fifth incident is over by the end of the week.
    let all: Vec<Value> = (0..changes).map(|number| alert(number, false)).collect();
    post(&hub, &all);
    let over: Vec<Value> =
        (0..changes).filter(|number| number % INCIDENTS < INCIDENTS / 5).map(|n| alert(n, true)).collect();
    post(&hub, &over);
    println!("{changes} series, {} changes taken in {:?}", changes + over.len() as u64, began.elapsed());

    let (before, began) = (proxy.bytes(Way::Down), Instant::now());
    let ended = mira.run(&["list", "--json"]);
    let took = began.elapsed();
    assert!(ended.code == Some(0) && ended.stderr.is_empty(), "{:?} {}", ended.code, ended.stderr);
    let listed: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let bytes = proxy.bytes(Way::Down) - before;
    let recovering = listed.iter().filter(|incident| incident["state"] == "recovering").count() as u64;
    assert_eq!((listed.len() as u64, recovering), (INCIDENTS, INCIDENTS / 5));
    let memory = measure::memory(hub.id());
    println!(
        "{INCIDENTS} incidents and {changes} series after a week's sleep: current in {took:?}, {bytes} bytes from the hub ({:.1} MiB); hub {:.0} MiB at most",
        bytes as f64 / 1048576.0,
        memory.most
    );
    let fresh = Person::near(&hub, &dir.path().join("fresh"), "mira");
    // The hub goes on calling somebody meanwhile.
    let same = try_until(LIMIT, || {
        let [old, new] = [&mira, &fresh].map(|person| (person.list().len() as u64, dump(&in_folder(&person.data()))));
        (old == new && new.0 == INCIDENTS).then_some(())
    });
    assert!(same.is_some(), "an old mirror and a fresh one hold the same");
    // A time is a property of the code only where nobody else uses the machine.
    let comparable = !cfg!(debug_assertions) && !measure::is_busy();
    assert!(took < PROMISED || !comparable, "it took {took:?}, promised are {PROMISED:?}");
}

#[test]
fn a_command_waits_as_long_as_the_hub_gets_on() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    let wire = Proxy::before(hub.address());
    let mira = Person::through(&hub, &wire, &dir.path().join("mira"), "mira");
    assert!(mira.list().is_empty());
    post(&hub, &(0..5 * INCIDENTS).map(|number| alert(number, false)).collect::<Vec<_>>());
    // Each page of a thousand rows takes a second or two, all of them longer than a command waits for a hub that says nothing.
    wire.delay(Way::Down, Duration::from_millis(150));
    let began = Instant::now();
    let ended = mira.run(&["list", "--json"]);
    assert!(ended.code == Some(0) && ended.stderr.is_empty(), "{:?} {}", ended.code, ended.stderr);
    assert_eq!(ended.stdout.lines().count() as u64, INCIDENTS);
    assert!(began.elapsed() > Duration::from_secs(5), "it was no test: {:?}", began.elapsed());
}
