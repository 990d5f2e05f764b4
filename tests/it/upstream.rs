//! An Alertmanager in front: what is silenced or inhibited there calls nobody here, and does again when it no longer is.

use crate::support::alerts::firing;
use crate::support::hub::Hub;
use crate::support::person::Person;
use crate::support::servers::{Alertmanager, AlertmanagerSetup, program};
use crate::support::{http, until};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(40);

const INHIBIT: &str = "inhibit_rules:\n  - source_matchers: [alertname=\"NodeDown\"]\n    target_matchers: \
    [alertname=\"ProbeDown\"]\n    equal: [cluster]\n";

/// Runs amtool against the Alertmanager and returns what it said.
fn amtool(alertmanager: &Alertmanager, args: &[&str]) -> String {
    let mut command = Command::new(program("AMTOOL"));
    command.arg(format!("--alertmanager.url=http://{}", alertmanager.address())).args(args);
    let output = command.output().expect("amtool can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn named(person: &Person, name: &str) -> Option<Value> {
    person.list().into_iter().find(|one| one["summary"].as_str().unwrap_or_default().contains(name))
}

fn silenced(person: &Person, name: &str) -> Value {
    named(person, name).map_or(Value::Null, |one| one["silenced"].clone())
}

/// Returns an Alertmanager that sends to the hub, which asks it each second, and somebody who looks.
fn set_up(dir: &std::path::Path) -> (Hub, Alertmanager, Person) {
    let hub = Hub::start(&dir.join("hub"), "");
    let person = Person::near(&hub, &hub.home(), "mira");
    let webhook = format!("http://{}/v1/in/alertmanager", hub.address());
    let mut setup = AlertmanagerSetup::fast(&webhook, Some(&hub.ingest_token()));
    INHIBIT.clone_into(&mut setup.rest);
    let alertmanager = Alertmanager::start(&dir.join("alertmanager"), &setup);
    let table = format!("[[alertmanager]]\nurl = \"http://{}\"\nevery = \"1s\"\n", alertmanager.address());
    std::fs::write(dir.join("hub/hub.toml"), table).expect("the configuration can be written");
    (hub, alertmanager, person)
}

fn send(alertmanager: &Alertmanager, alerts: &Value) {
    let body = alerts.to_string();
    let headers = [("content-type", "application/json")];
    let answer = http::post(alertmanager.address(), "/api/v2/alerts", &headers, body.as_bytes()).expect("an answer");
    assert_eq!(answer.status, 200);
}

fn pages(person: &Person, name: &str) -> usize {
    let number = named(person, name).expect("the incident")["number"].to_string();
    person.show(&number)["pages"].as_array().map_or(0, Vec::len)
}

#[test]
fn what_an_alertmanager_in_front_silences_calls_nobody_until_it_is_expired_there() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (hub, mut alertmanager, person) = set_up(dir.path());
    // Before it fires, so that nobody is called first.
    let id = amtool(
        &alertmanager,
        &["silence", "add", "alertname=DiskFull", "--duration=1h", "--author=ben", "--comment=a new disk"],
    );
    until("the silence at the hub", LIMIT, || (!person.json(&["silence", "list"], 0).is_empty()).then_some(()));
    hub.alert(&[firing("DiskFull", &[("host", "a")])]);
    let seen =
        until("what is silenced upstream", LIMIT, || Some(silenced(&person, "DiskFull")).filter(Value::is_object));
    assert_eq!((&seen["who"], &seen["upstream"]["inhibited"]), (&json!("ben"), &json!(false)), "{seen}");
    assert_eq!(pages(&person, "DiskFull"), 0);
    let given_out = hub.get("/api/v2/silences").expect("the hub answers");
    assert!(!given_out.text().contains(&id), "what is another's is not given out as ours");
    amtool(&alertmanager, &["silence", "expire", &id]);
    until("the page after it was expired", LIMIT, || (pages(&person, "DiskFull") > 0).then_some(()));
    assert_eq!(silenced(&person, "DiskFull"), Value::Null);

    // One that cannot be asked hides nothing for long, and the hub says so.
    amtool(
        &alertmanager,
        &["silence", "add", "alertname=DiskFull", "--duration=1h", "--author=ben", "--comment=again"],
    );
    until("the second silence", LIMIT, || Some(silenced(&person, "DiskFull")).filter(Value::is_object));
    alertmanager.kill9();
    until("that it is loud again", LIMIT, || silenced(&person, "DiskFull").is_null().then_some(()));
    until("the hub's own incident", LIMIT, || named(&person, "is not heard"));
}

#[test]
fn what_an_inhibit_rule_in_front_keeps_back_calls_nobody_while_its_cause_burns() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, alertmanager, person) = set_up(dir.path());
    let probe = firing("ProbeDown", &[("cluster", "eu")]);
    send(&alertmanager, &json!([probe]));
    until("the probe's incident, by the webhook", LIMIT, || named(&person, "ProbeDown"));
    send(&alertmanager, &json!([firing("NodeDown", &[("cluster", "eu")])]));
    let seen = until("what is inhibited", LIMIT, || Some(silenced(&person, "ProbeDown")).filter(Value::is_object));
    assert_eq!(seen["upstream"]["inhibited"], json!(true), "{seen}");
    assert!(silenced(&person, "NodeDown").is_null(), "the cause is loud");
    send(&alertmanager, &json!([crate::support::alerts::resolved("NodeDown", &[("cluster", "eu")])]));
    until("that it is loud again", LIMIT, || silenced(&person, "ProbeDown").is_null().then_some(()));
}
