//! An unmodified Prometheus sends its alerts to the hub.

use crate::support::hub::Hub;
use crate::support::person::{Person, number};
use crate::support::servers::{Prometheus, PrometheusSetup, Receiver};
use crate::support::target::Target;
use crate::support::until;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

const RULES: &str = r#"
groups:
  - name: test
    rules:
      - {alert: DiskFull, expr: disk_full > 0, labels: {severity: critical}, annotations: {summary: "disk is full"}}
      - {alert: ProbeDown, expr: probe_down > 0, labels: {severity: warning}, annotations: {summary: "probe is down"}}
"#;

/// One scrape, one evaluation, and what the hub and the command may take (2 s).
const PROMISED: Duration = Duration::from_secs(4);
/// For a machine that has other work: a failure beyond it is no slow machine.
const SLACK: Duration = Duration::from_secs(3);
/// How long what is not measured may take.
const LIMIT: Duration = Duration::from_secs(40);

/// A Prometheus that is warm, what it watches, and the hub that it tells.
struct Scene {
    hub: Hub,
    person: Person,
    target: Target,
    _prometheus: Prometheus,
}

fn scene(dir: &Path, hub_toml: &str) -> Scene {
    let hub = Hub::start(&dir.join("hub"), hub_toml);
    let target = Target::start();
    target.set("disk_full", 0.0);
    target.set("probe_down", 0.0);
    let setup = PrometheusSetup {
        rules: RULES.to_owned(),
        targets: vec![target.address()],
        receivers: vec![Receiver { address: hub.address().to_owned(), token: Some(hub.ingest_token()) }],
        resend_delay: Duration::from_secs(5),
    };
    let mut prometheus = Prometheus::start(&dir.join("prometheus"), &setup);
    prometheus.wait_warm();
    let person = Person::near(&hub, &hub.home(), "mira");
    Scene { hub, person, target, _prometheus: prometheus }
}

impl Scene {
    /// Waits until the only series of the incident is as named, and returns the incident as shown.
    fn wait_for_series(&self, number: &str, state: &str) -> Value {
        until(&format!("a series that is {state}"), LIMIT, || {
            let shown = self.person.show(number);
            (shown["series_list"][0]["state"] == state).then_some(shown)
        })
    }
}

#[test]
fn a_firing_rule_is_listed_within_an_interval_and_two_seconds_and_its_end_resolves_it() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let scene = scene(dir.path(), "[timing]\nflap_window = \"2s\"\n");
    assert!(scene.person.list().is_empty(), "nothing fires yet");

    scene.target.set("disk_full", 1.0);
    let began = Instant::now();
    let incident = until("the incident in the list", PROMISED + SLACK, || scene.person.find("disk is full"));
    println!("listed {:?} after the cause; promised {PROMISED:?}, slack {SLACK:?}", began.elapsed());
    assert_eq!((&incident["state"], &incident["severity"]), (&"new".into(), &"S2".into()), "{incident}");
    assert_eq!(incident["sync"], "confirmed");

    scene.target.set("disk_full", 0.0);
    let began = Instant::now();
    let over = until("its end", LIMIT, || {
        scene.person.find("disk is full").filter(|incident| incident["state"] == "resolved")
    });
    println!("resolved {:?} after the end of the cause, of which 2 s are the flap window", began.elapsed());
    assert_eq!(over["number"], incident["number"], "it is the same incident");
    let shown = scene.person.show(&number(&over));
    assert_eq!(shown["series_list"][0]["source"], "prometheus", "{shown}");
    assert_eq!(shown["series_list"][0]["episodes"][0]["ended_by"], "source", "{shown}");
    assert_eq!(scene.person.list().len(), 1);
    assert!(!scene.hub.log().contains("ERROR"), "{}", scene.hub.log());
}

#[test]
fn a_flapping_rule_is_one_incident_with_one_series_whose_flaps_are_counted() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let scene = scene(dir.path(), "[timing]\nflap_window = \"60s\"\n");
    scene.target.set("probe_down", 1.0);
    let first = until("the incident in the list", LIMIT, || scene.person.find("probe is down"));
    let number = number(&first);
    for _ in 0..2 {
        scene.target.set("probe_down", 0.0);
        scene.wait_for_series(&number, "resolved");
        assert_eq!(scene.person.show(&number)["state"], "recovering");
        scene.target.set("probe_down", 1.0);
        scene.wait_for_series(&number, "firing");
    }
    let shown = scene.person.show(&number);
    let series = shown["series_list"].as_array().expect("a list of series");
    assert_eq!(series.len(), 1, "{shown}");
    assert_eq!(series[0]["flaps"], 2, "{shown}");
    assert_eq!(series[0]["episodes"].as_array().map(Vec::len), Some(3), "{shown}");
    assert_eq!(shown["state"], "new");
    assert_eq!(scene.person.list().len(), 1, "a flap is not a new incident");
}
