//! A sender's word runs out: over when its source still speaks, unknown when it is silent, and given its full length again after the hub
//! itself was away.

use crate::support::alerts::{firing, firing_until, in_seconds, stretch};
use crate::support::hub::Hub;
use crate::support::person::{Person, number};
use crate::support::until;
use serde_json::Value;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(20);

fn wait_for(person: &Person, summary: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    until(summary, LIMIT, || person.find(summary).filter(&wanted))
}

#[test]
fn a_source_that_speaks_of_other_things_lets_it_expire_and_resolve() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(dir.path(), "[timing]\nflap_window = \"1s\"\n");
    let person = Person::near(&hub, &hub.home(), "mira");
    hub.alert(&[firing_until("Short", &[], in_seconds(2))]);
    assert_eq!(person.find("Short burns").expect("it is listed")["state"], "new");
    let over = until("its expiry", LIMIT, || {
        hub.alert(&[firing("Other", &[])]);
        person.find("Short burns").filter(|incident| incident["state"] == "resolved")
    });
    let shown = person.show(&number(&over));
    assert_eq!(shown["series_list"][0]["state"], "expired", "{shown}");
    assert_eq!(shown["series_list"][0]["episodes"][0]["ended_by"], "expiry", "{shown}");
    assert_eq!(person.find("Other burns").expect("it is listed")["state"], "new");
}

#[test]
fn a_silent_source_leaves_it_unknown_and_open_until_it_speaks_again() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(dir.path(), "[timing]\nflap_window = \"1s\"\n");
    let person = Person::near(&hub, &hub.home(), "mira");
    hub.alert(&[firing_until("Short", &[], in_seconds(2))]);
    let unknown = wait_for(&person, "Short burns", |incident| incident["state"] == "unknown");
    assert_eq!(unknown["series"]["unknown"], 1, "{unknown}");
    assert!(!unknown["next_due_at"].is_null(), "it stays open, with a time: {unknown}");
    // Another source's word is not this one's.
    let answer = hub.ingest("/v1/in/alertmanager", r#"{"version":"4","status":"firing","alerts":[]}"#);
    assert_eq!(answer.expect("the hub answers").status, 200);
    let began = Instant::now();
    until("the time of several rounds of the engine", LIMIT, || {
        (began.elapsed() > Duration::from_secs(3)).then_some(())
    });
    assert_eq!(person.find("Short burns").expect("it is listed")["state"], "unknown");

    hub.alert(&[firing_until("Short", &[], in_seconds(3600))]);
    let back = wait_for(&person, "Short burns", |incident| incident["state"] == "new");
    assert_eq!(back["number"], unknown["number"]);
    assert_eq!(person.show(&number(&back))["series_list"][0]["flaps"], 0, "it never ended");
}

#[test]
fn an_unknown_one_expires_when_its_source_speaks_of_other_things() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(dir.path(), "[timing]\nflap_window = \"1s\"\n");
    let person = Person::near(&hub, &hub.home(), "mira");
    hub.alert(&[firing_until("Short", &[], in_seconds(1))]);
    wait_for(&person, "Short burns", |incident| incident["state"] == "unknown");
    hub.alert(&[firing("Other", &[])]);
    wait_for(&person, "Short burns", |incident| incident["state"] == "resolved");
}

#[test]
fn an_end_and_a_new_start_in_one_request_leave_it_firing() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(dir.path(), "");
    let person = Person::near(&hub, &hub.home(), "mira");
    let (start, end, later) = (in_seconds(-60), in_seconds(-10), in_seconds(3600));
    hub.alert(&[stretch("Flap", &[], start, later)]);
    // A Prometheus whose messages had to wait sends them together.
    hub.alert(&[stretch("Flap", &[], start, end), stretch("Flap", &[], in_seconds(-5), later)]);
    let incident = person.find("Flap burns").expect("it is listed");
    assert_eq!(incident["state"], "new", "{incident}");
    assert_eq!(person.show(&number(&incident))["series_list"][0]["flaps"], 1);
}

#[test]
fn a_hub_that_was_away_over_the_end_waits_the_words_full_length_again() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut hub = Hub::start(dir.path(), "[timing]\nflap_window = \"1s\"\n");
    let person = Person::near(&hub, &hub.home(), "mira");
    let gap = Duration::from_secs(5);
    let posted = Instant::now();
    hub.alert(&[firing_until("Short", &[], in_seconds(5))]);
    hub.kill9();
    until("the end, with the hub away", LIMIT, || (posted.elapsed() > gap).then_some(()));

    hub.restart();
    let back = Instant::now();
    hub.alert(&[firing("Other", &[])]); // its source speaks: only the grace stands against the expiry
    let mut seen = 0;
    let over = until("its expiry after the grace", LIMIT, || {
        let incident = person.find("Short burns").expect("it is listed");
        if incident["state"] == "new" {
            seen += 1;
            return None;
        }
        Some(back.elapsed())
    });
    println!("judged {over:?} after the restart; its word held for {gap:?}; seen firing {seen} times before");
    // The hub was up a little before it was found ready, so the grace began a little before `back`.
    assert!(over > gap - Duration::from_secs(1), "judged {over:?} after the restart, before its gap of {gap:?}");
    assert!(seen > 0);
    wait_for(&person, "Short burns", |incident| incident["state"] == "resolved");
}
