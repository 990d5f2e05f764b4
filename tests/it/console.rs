//! The console in a terminal multiplexer, as people have it: a real Prometheus' alert is seen, acknowledged, and seen to be by another.

use crate::support::alerts::firing;
use crate::support::hub::Hub;
use crate::support::person::Person;
use crate::support::servers::{Prometheus, PrometheusSetup, Receiver};
use crate::support::target::Target;
use crate::support::tmux::Tmux;
use crate::support::{try_until, until};
use std::path::Path;
use std::time::{Duration, Instant};

const RULES: &str = r#"
groups:
  - name: test
    rules:
      - {alert: DiskFull, expr: disk_full > 0, labels: {severity: critical, service: db}, annotations: {summary: "disk is full"}}
"#;

const LIMIT: Duration = Duration::from_secs(20);
/// The longest pause between two attempts to reach the hub is 15 s.
const BACK_LIMIT: Duration = Duration::from_secs(30);
/// How soon another console shows an owner.
const PROMISED: Duration = Duration::from_secs(1);
/// For a machine that has other work.
const SLACK: Duration = Duration::from_secs(2);

/// Returns the line of the list that has this word.
fn row<'s>(screen: &'s str, word: &str) -> Option<&'s str> {
    screen.lines().skip(2).find(|line| line.contains(word))
}

/// Waits until the row of `word` also has `wanted`.
fn wait_for_row(console: &Tmux, limit: Duration, word: &str, wanted: &str) -> String {
    console.wait_for(limit, |screen| row(screen, word).is_some_and(|row| row.contains(wanted)))
}

fn live(person: &Person, width: u16, height: u16) -> Tmux {
    let console = person.console(width, height);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE"));
    console
}

/// Presses a key until the screen answers it: a verb on what changed just now is refused for 700 ms.
fn press_until(console: &Tmux, key: &str, wanted: impl Fn(&str) -> bool) {
    until(&format!("the answer to {key}"), LIMIT, || {
        console.send_keys(&[key]);
        try_until(Duration::from_millis(500), || wanted(&console.capture()).then_some(()))
    });
}

fn a_real_alert_is_seen_and_acknowledged_at(width: u16, height: u16) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    let target = Target::start();
    target.set("disk_full", 0.0);
    let setup = PrometheusSetup {
        rules: RULES.to_owned(),
        targets: vec![target.address()],
        receivers: vec![Receiver { address: hub.address().to_owned(), token: Some(hub.ingest_token()) }],
        resend_delay: Duration::from_secs(5),
    };
    let mut prometheus = Prometheus::start(&dir.path().join("prometheus"), &setup);
    let mira = live(&Person::near(&hub, &dir.path().join("mira"), "mira"), width, height);
    let jonas = live(&Person::far(&hub, &dir.path().join("jonas"), "jonas"), width, height);
    prometheus.wait_warm();

    target.set("disk_full", 1.0);
    let began = Instant::now();
    let screen = wait_for_row(&mira, LIMIT, "disk is full", "NEW");
    println!("on the screen {:?} after the cause", began.elapsed());
    assert!(row(&screen, "disk is full").is_some_and(|row| row.contains("S2") && row.contains("db")), "{screen}");
    assert!(screen.lines().all(|line| line.chars().count() <= usize::from(width)), "{screen}");
    wait_for_row(&jonas, LIMIT, "disk is full", "NEW");

    hub.pause();
    press_until(&mira, "a", |screen| row(screen, "disk is full").is_some_and(|row| row.contains("NEW>ack")));
    let screen = jonas.capture();
    assert!(row(&screen, "disk is full").is_some_and(|row| !row.contains("ack")), "nobody else sees it yet:\n{screen}");
    hub.resume();
    let screen = wait_for_row(&mira, LIMIT, "disk is full", "ACK");
    let began = Instant::now();
    assert!(row(&screen, "disk is full").is_some_and(|row| row.contains("you")), "{screen}");
    let screen = wait_for_row(&jonas, PROMISED + SLACK, "disk is full", "mira");
    println!("another console shows the owner {:?} later; promised {PROMISED:?}", began.elapsed());
    assert!(row(&screen, "disk is full").is_some_and(|row| row.contains("ACK")), "{screen}");

    mira.send_keys(&["n"]);
    mira.wait_for(LIMIT, |screen| screen.contains("Note on 1:"));
    mira.send_keys(&["looking at it", "Enter"]);
    jonas.send_keys(&["Enter"]);
    jonas.wait_for(LIMIT, |screen| screen.contains("mira noted") && screen.contains("looking at it"));
}

#[test]
fn a_real_alert_is_seen_and_acknowledged_at_80x24() {
    a_real_alert_is_seen_and_acknowledged_at(80, 24);
}

#[test]
fn a_real_alert_is_seen_and_acknowledged_at_120x40() {
    a_real_alert_is_seen_and_acknowledged_at(120, 40);
}

fn console_with_an_incident(dir: &Path) -> (Hub, Person, Tmux) {
    let hub = Hub::start(&dir.join("hub"), "");
    hub.alert(&[firing("DiskFull", &[("service", "db")])]);
    let person = Person::near(&hub, &dir.join("mira"), "mira");
    let console = live(&person, 80, 24);
    wait_for_row(&console, LIMIT, "DiskFull burns", "NEW");
    (hub, person, console)
}

#[test]
fn a_hub_that_dies_is_said_to_be_gone_and_what_is_done_meanwhile_arrives_later() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (mut hub, person, console) = console_with_an_incident(dir.path());
    hub.kill9();
    let screen = console.wait_for(LIMIT, |screen| screen.contains("OFFLINE"));
    assert!(!screen.contains("LIVE"), "{screen}");
    assert!(screen.contains("DiskFull burns"), "what is known stays on the screen:\n{screen}");
    press_until(&console, "a", |screen| row(screen, "DiskFull burns").is_some_and(|row| row.contains("NEW>ack")));

    hub.restart();
    let began = Instant::now();
    console.wait_for(BACK_LIMIT, |screen| screen.contains("LIVE") && !screen.contains("OFFLINE"));
    println!("live {:?} after the restart", began.elapsed());
    wait_for_row(&console, LIMIT, "DiskFull burns", "ACK");
    assert_eq!(person.list()[0]["owner"], "mira");
}

#[test]
fn quit_gives_the_terminal_back() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, _person, console) = console_with_an_incident(dir.path());
    console.send_keys(&[":"]);
    console.send_keys(&["quit", "Enter"]);
    let screen = console.wait_for_end(LIMIT);
    assert!(screen.contains("status 0") && !screen.contains("DiskFull"), "{screen}");
}

#[test]
fn a_command_of_the_same_person_shows_on_the_screen_and_the_other_way_round() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, person, console) = console_with_an_incident(dir.path());
    assert_eq!(person.run(&["ack", "1"]).code, Some(0));
    wait_for_row(&console, LIMIT, "DiskFull burns", "ACK");
    console.send_keys(&[":"]);
    console.send_keys(&["unack", "Enter"]);
    // It asks where giving back calls people at once, and refuses for a moment after a change.
    until("the giving back", LIMIT, || {
        let screen = console.capture();
        match () {
            () if row(&screen, "DiskFull burns").is_some_and(|row| row.contains("NEW")) => return Some(()),
            () if screen.contains("Give 1 back?") => console.send_keys(&["y"]),
            () if screen.contains("changed just now") => {
                console.send_keys(&[":"]);
                console.send_keys(&["unack", "Enter"]);
            }
            () => {}
        }
        try_until(Duration::from_millis(500), || None)
    });
    assert_eq!(
        until("the release", LIMIT, || Some(person.list().remove(0)).filter(|one| one["state"] == "new"))["owner"],
        serde_json::Value::Null
    );
}

#[test]
fn every_size_is_drawn_without_harm() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, _person, console) = console_with_an_incident(dir.path());
    for (width, height) in [(1, 1), (10, 2), (20, 5), (40, 12), (79, 23), (200, 60), (300, 3), (80, 24)] {
        console.resize(width, height);
        let screen = console.wait_for(LIMIT, |screen| !screen.trim().is_empty());
        assert!(!screen.contains("Pane is dead") && !screen.contains("panicked"), "{width}x{height}:\n{screen}");
    }
    wait_for_row(&console, LIMIT, "DiskFull burns", "NEW");
}
