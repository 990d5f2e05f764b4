//! An unmodified Alertmanager sends its webhooks to the hub, beside the Prometheus that sends to both; its own client reads the hub.

use crate::support::alerts::firing;
use crate::support::hub::Hub;
use crate::support::person::{Person, number};
use crate::support::servers::{Alertmanager, AlertmanagerSetup, Prometheus, PrometheusSetup, Receiver, program};
use crate::support::target::Target;
use crate::support::until;
use serde_json::Value;
use std::process::Command;
use std::time::Duration;

const RULES: &str = r#"
groups:
  - name: test
    rules:
      - {alert: DiskFull, expr: disk_full > 0, labels: {severity: critical}, annotations: {summary: "disk is full"}}
"#;

const LIMIT: Duration = Duration::from_secs(40);

/// Returns source and state of each series of an incident, sorted.
fn states(shown: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = shown["series_list"].as_array().expect("a list of series");
    let mut states: Vec<_> = list.iter().map(|series| (text(&series["source"]), text(&series["state"]))).collect();
    states.sort();
    states
}

fn both(alertmanager: &str, prometheus: &str) -> Vec<(String, String)> {
    [("alertmanager", alertmanager), ("prometheus", prometheus)]
        .map(|(source, state)| (source.to_owned(), state.to_owned()))
        .to_vec()
}

#[test]
fn both_ways_are_one_incident_with_two_series_and_it_ends_when_both_have_ended() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "[timing]\nflap_window = \"2s\"\n");
    let person = Person::near(&hub, &hub.home(), "mira");
    let target = Target::start();
    target.set("disk_full", 0.0);
    let webhook = format!("http://{}/v1/in/alertmanager", hub.address());
    let setup = AlertmanagerSetup::fast(&webhook, Some(&hub.ingest_token()));
    let alertmanager = Alertmanager::start(&dir.path().join("alertmanager"), &setup);
    let setup = PrometheusSetup {
        rules: RULES.to_owned(),
        targets: vec![target.address()],
        receivers: vec![
            Receiver { address: hub.address().to_owned(), token: Some(hub.ingest_token()) },
            Receiver { address: alertmanager.address().to_owned(), token: None },
        ],
        resend_delay: Duration::from_secs(5),
    };
    let mut prometheus = Prometheus::start(&dir.path().join("prometheus"), &setup);
    prometheus.wait_warm();

    target.set("disk_full", 1.0);
    let incident = until("the incident with both series", LIMIT, || {
        person.find("disk is full").filter(|incident| incident["series"]["total"] == 2)
    });
    let number = number(&incident);
    assert_eq!(states(&person.show(&number)), both("firing", "firing"));
    assert_eq!(person.list().len(), 1, "one problem is one incident");

    alertmanager.pause();
    target.set("disk_full", 0.0);
    until("the end by Prometheus alone", LIMIT, || {
        let shown = person.show(&number);
        (states(&shown) == both("firing", "resolved")).then_some(())
    });
    assert_eq!(person.show(&number)["state"], "new", "the Alertmanager has not said that it is over");

    alertmanager.resume();
    until("the end by both", LIMIT, || {
        let shown = person.show(&number);
        let over = states(&shown) == both("resolved", "resolved");
        assert!(over || shown["state"] == "new", "{shown}");
        (over && shown["state"] == "resolved").then_some(())
    });
    assert_eq!(person.list().len(), 1);
}

/// Runs amtool against the hub with its token, and returns the alerts it reads.
fn amtool(hub: &Hub, config: &std::path::Path, filter: &[&str]) -> Vec<Value> {
    let mut command = Command::new(program("AMTOOL"));
    command.arg(format!("--alertmanager.url=http://{}", hub.address()));
    command.arg(format!("--http.config.file={}", config.display()));
    let output = command.args(["alert", "query", "-o", "json"]).args(filter).output().expect("amtool can be started");
    let (said, complaint) = (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(output.status.success(), "amtool: {complaint}");
    serde_json::from_slice(&said).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&said)))
}

#[test]
fn amtool_lists_the_hubs_alerts_all_or_by_a_filter() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    hub.alert(&[
        firing("DiskFull", &[("host", "a b")]),
        firing("DiskFull", &[("host", "c")]),
        firing("ProbeDown", &[]),
    ]);

    let bearer = dir.path().join("bearer.yml");
    let token = hub.data().join("ingest.token");
    std::fs::write(&bearer, format!("authorization:\n  credentials_file: {}\n", token.display())).expect("a file");
    let basic = dir.path().join("basic.yml");
    std::fs::write(&basic, format!("basic_auth: {{username: x, password: {}}}\n", hub.admin_token())).expect("a file");

    for config in [&bearer, &basic] {
        assert_eq!(amtool(&hub, config, &[]).len(), 3);
    }
    let one = amtool(&hub, &bearer, &["alertname=DiskFull", "host=\"a b\""]);
    assert_eq!(one.len(), 1, "{one:?}");
    assert_eq!(one[0]["labels"]["host"], "a b");
    assert_eq!(one[0]["status"]["state"], "active");
    assert_eq!(amtool(&hub, &bearer, &["alertname=~Disk.*"]).len(), 2);
    assert_eq!(amtool(&hub, &bearer, &["host!~.+"]).len(), 1);
    assert_eq!(amtool(&hub, &bearer, &["alertname=None"]).len(), 0);
}
