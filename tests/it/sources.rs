//! Sources that fall silent and come back: a real Prometheus that is stopped, jobs that ping, changes, and what is counted of all that.

use crate::support::http;
use crate::support::hub::Hub;
use crate::support::person::{Person, number};
use crate::support::servers::{Prometheus, PrometheusSetup, Receiver};
use crate::support::target::Target;
use crate::support::until;
use serde_json::{Value, json};
use std::time::Duration;

const RULES: &str = r#"
groups:
  - name: test
    rules:
      - {alert: Watchdog, expr: vector(1), labels: {severity: none}, annotations: {summary: "the watchdog barks"}}
      - {alert: DiskFull, expr: disk_full > 0, labels: {severity: critical}, annotations: {summary: "disk is full"}}
"#;

const LIMIT: Duration = Duration::from_secs(60);

/// Returns the incident whose summary begins so.
fn find(person: &Person, summary: &str) -> Option<Value> {
    let begins = |incident: &Value| incident["summary"].as_str().is_some_and(|text| text.starts_with(summary));
    person.list().into_iter().find(begins)
}

fn wait_for(person: &Person, summary: &str, state: &str) -> Value {
    until(&format!("{summary} {state}"), LIMIT, || find(person, summary).filter(|incident| incident["state"] == state))
}

fn source(person: &Person, name: &str) -> Option<Value> {
    person.json(&["sources"], 0).into_iter().find(|row| row["name"] == name)
}

#[test]
fn a_prometheus_that_is_stopped_is_silent_and_what_it_had_firing_unknown_until_it_goes_on() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let heartbeat = "[[source]]\nname = \"prometheus\"\nheartbeat = '{alertname=\"Watchdog\"}'\nevery = \"10s\"\n";
    let mut hub = Hub::start(&dir.path().join("hub"), &format!("[timing]\nflap_window = \"2s\"\n{heartbeat}"));
    let target = Target::start();
    target.set("disk_full", 1.0);
    let setup = PrometheusSetup {
        rules: RULES.to_owned(),
        targets: vec![target.address()],
        receivers: vec![Receiver { address: hub.address().to_owned(), token: Some(hub.ingest_token()) }],
        resend_delay: Duration::from_secs(5),
    };
    let mut prometheus = Prometheus::start(&dir.path().join("prometheus"), &setup);
    prometheus.wait_warm();
    let person = Person::near(&hub, &hub.home(), "mira");
    let disk = wait_for(&person, "disk is full", "new");
    until("a heartbeat", LIMIT, || source(&person, "prometheus").filter(|row| row["state"] == "alive"));

    prometheus.pause();
    let silent = wait_for(&person, "source prometheus is silent", "new");
    assert_eq!(silent["severity"], "S2", "{silent}");
    let unknown = wait_for(&person, "disk is full", "unknown");
    assert_eq!(unknown["number"], disk["number"]);
    assert_eq!(source(&person, "prometheus").expect("it is listed")["state"], "silent");
    // The hub dies while it is silent, and knows it still.
    hub.restart();
    assert_eq!(source(&person, "prometheus").expect("it is listed")["state"], "silent");
    assert_eq!(find(&person, "disk is full").expect("it is listed")["state"], "unknown");
    let metrics = hub.get("/metrics").expect("the hub answers").text();
    assert!(metrics.contains("nightdesk_source_silent{source=\"prometheus\"} 1"), "{metrics}");

    prometheus.resume();
    let back = wait_for(&person, "disk is full", "new");
    assert_eq!(back["number"], disk["number"]);
    assert_eq!(person.show(&number(&back))["series_list"][0]["flaps"], 0, "it never ended");
    let over = wait_for(&person, "source prometheus is silent", "resolved");
    assert_eq!(over["number"], silent["number"]);
    assert!(find(&person, "the watchdog barks").is_none(), "a heartbeat opens nothing");
}

#[test]
fn jobs_ping_fail_and_do_well_again_and_the_disk_remembers() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let job = "[[source]]\nname = \"backup\"\nping = true\nevery = \"1h\"\n";
    let mut hub = Hub::start(dir.path(), &format!("[timing]\nflap_window = \"1s\"\n{job}"));
    let person = Person::near(&hub, &hub.home(), "mira");
    let bearer = format!("Bearer {}", hub.ingest_token());
    let headers: &[(&str, &str)] = &[("authorization", &bearer)];
    let get = |hub: &Hub, path: &str| http::get(hub.address(), path, headers).expect("the hub answers");
    assert_eq!(http::get(hub.address(), "/v1/ping/backup", &[]).expect("the hub answers").status, 401);
    assert_eq!(get(&hub, "/v1/ping/other").status, 404);
    assert_eq!(get(&hub, "/v1/ping/backup/256").status, 400);
    let start = get(&hub, "/v1/ping/backup/start");
    assert_eq!((start.status, start.text().as_str(), start.header("ping-body-limit")), (200, "OK\n", Some("10240")));
    let failed =
        http::post(hub.address(), "/v1/ping/backup/3", headers, b"\n disk full \x1b[31m\nmore").expect("an answer");
    assert_eq!(failed.status, 200);
    hub.restart();
    let incident = wait_for(&person, "backup failed with exit status 3: disk full", "new");
    assert_eq!(incident["service"], "backup");
    assert_eq!(source(&person, "backup").expect("it is listed")["state"], "failing");
    // A picture on a web page asks like this.
    let page = http::get(hub.address(), "/v1/ping/backup", &[headers[0], ("sec-fetch-site", "cross-site")]);
    assert_eq!(page.expect("the hub answers").status, 403);
    assert_eq!(get(&hub, "/v1/ping/backup").status, 200);
    wait_for(&person, "backup failed", "resolved");
    assert_eq!(source(&person, "backup").expect("it is listed")["state"], "alive");
}

#[test]
fn changes_stand_in_the_timeline_and_the_funnel_is_counted() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(dir.path(), "");
    let person = Person::near(&hub, &hub.home(), "mira");
    let post = ["change", "post", "payments 1.42", "-l", "service=payments", "--by", "lena", "--id", "ci-7"];
    let posted = person.run(&post);
    assert_eq!(posted.code, Some(0), "{posted:?}");
    let alert = json!([{ "labels": { "alertname": "Slow", "service": "payments", "severity": "critical" },
        "annotations": { "summary": "payments is slow" } }]);
    hub.alert(alert.as_array().expect("a list"));
    let incident = wait_for(&person, "payments is slow", "new");
    let timeline = person.show(&number(&incident))["timeline"].to_string();
    assert!(timeline.contains("deploy: payments 1.42 by lena ("), "{timeline}");
    // What is none is kept with its reason, and its neighbours are taken.
    let body =
        r#"[{"kind":"flag","title":"new checkout","labels":{"service":"payments"}},{"kind":"party","title":"x"}]"#;
    let answer = hub.ingest("/v1/in/change", body).expect("the hub answers");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["taken"].as_array().map(Vec::len), Some(1));
    assert!(person.run(&["quarantine"]).stdout.contains("party"));
    assert_eq!(hub.ingest("/v1/in/change", "kind=deploy").expect("the hub answers").status, 400);
    let listed = person.run(&["change", "list", "--since", "1h"]).stdout;
    assert!(listed.contains("deploy: payments 1.42 by lena") && listed.contains("flag: new checkout"), "{listed}");
    let total = until("the funnel", LIMIT, || {
        let stats = person.json(&["stats"], 0).remove(0);
        Some(stats["total"].clone()).filter(|total| total["incidents"] == 1)
    });
    assert_eq!((&total["events"], &total["series"], &total["real"]), (&json!(1), &json!(1), &json!(1)), "{total}");
    let table = person.run(&["stats", "--days", "1"]).stdout;
    assert!(
        table.contains("prometheus") && table.lines().last().is_some_and(|line| line.starts_with("all")),
        "{table}"
    );
}
