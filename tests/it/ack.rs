//! Two people, two consoles, one hub: who gets an incident, what is refused, and what waits while the hub is away.

use crate::support::alerts::{firing, resolved};
use crate::support::hub::Hub;
use crate::support::operator::{Operator, answers_of, incident_id, results_of};
use crate::support::person::{Person, number};
use nightdesk::domain::op::{Act, Basis};
use serde_json::{Value, json};
use std::path::Path;

/// A hub with one incident, mira on its socket, and jonas over http.
struct Scene {
    hub: Hub,
    mira: Person,
    jonas: Person,
    number: String,
}

fn scene(dir: &Path) -> Scene {
    let hub = Hub::start(&dir.join("hub"), "");
    let mira = Person::near(&hub, &dir.join("mira"), "mira");
    let jonas = Person::far(&hub, &dir.join("jonas"), "jonas");
    hub.alert(&[firing("DiskFull", &[])]);
    let number = number(&mira.list()[0]);
    Scene { hub, mira, jonas, number }
}

/// Returns what the hub made of the operation, and the incident's state and owner after it.
fn done(person: &Person, args: &[&str], status: i32) -> (Value, Value, Value) {
    let mut object = person.json(args, status).remove(0);
    (object["op"]["verdict"]["outcome"].take(), object["state"].take(), object["owner"].take())
}

/// Returns the words of an incident's timeline with their authors.
fn timeline(person: &Person, number: &str) -> Vec<String> {
    let shown = person.show(number);
    let lines = shown["timeline"].as_array().expect("a timeline").clone();
    lines.iter().map(|line| format!("{}: {}", line["by"], line["text"]).replace('"', "")).collect()
}

#[test]
fn the_first_ack_wins_and_the_second_joins() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { hub: _hub, mira, jonas, number } = scene(dir.path());
    let text = |value: &str| Value::from(value);
    assert_eq!(done(&mira, &["ack", &number], 0), (text("won"), text("acked"), text("mira")));
    assert_eq!(done(&jonas, &["ack", &number], 4), (text("joined"), text("acked"), text("mira")));
    assert_eq!(jonas.list()[0]["owner"], "mira");
    let (mira_says, jonas_says) = (timeline(&mira, &number), timeline(&jonas, &number));
    assert_eq!(mira_says, jonas_says, "both see the same");
    assert!(mira_says.contains(&"jonas: is on it too".to_owned()), "{mira_says:?}");

    let ended = jonas.run(&["ack", &number]);
    assert_eq!(ended.code, Some(4));
    assert!(ended.stdout.contains("mira has it"), "{ended:?}");
}

#[test]
fn only_the_owner_gives_it_back_and_then_another_may_have_it() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { hub: _hub, mira, jonas, number } = scene(dir.path());
    done(&mira, &["ack", &number], 0);
    assert_eq!(done(&jonas, &["unack", &number], 4).0, "superseded");
    assert_eq!(done(&mira, &["unack", &number], 0), (json!("applied"), json!("new"), Value::Null));
    assert_eq!(done(&jonas, &["ack", &number], 0), (json!("won"), json!("acked"), json!("jonas")));
}

#[test]
fn a_note_reaches_the_other_console() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { hub: _hub, mira, jonas, number } = scene(dir.path());
    assert_eq!(done(&jonas, &["note", &number, "it is the log volume"], 0).0, "applied");
    let lines = timeline(&mira, &number);
    assert!(lines.contains(&"jonas: it is the log volume".to_owned()), "{lines:?}");
    assert_eq!(mira.run(&["note", &number, " "]).code, Some(1), "an empty note is none");
    assert_eq!(mira.run(&["note", &number]).code, Some(2), "a note without words is wrong usage");
}

#[test]
fn a_firing_incident_is_resolved_by_force_only_and_an_ended_one_without() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { hub, mira, jonas, .. } = scene(dir.path());
    let alert = firing("LogFull", &[]);
    hub.alert(std::slice::from_ref(&alert));
    let number = self::number(&mira.find("LogFull burns").expect("it is listed"));
    let ended = mira.run(&["resolve", &number]);
    assert_eq!(ended.code, Some(4));
    assert!(ended.stdout.contains("1 series firing"), "{ended:?}");
    assert_eq!(done(&mira, &["resolve", &number, "--force"], 0).1, "resolved");
    assert_eq!(done(&jonas, &["ack", &number], 4).0, "superseded");

    hub.alert(&[alert]);
    assert_eq!(mira.list().len(), 2, "the dismissed start does not fire again");
    hub.alert(&[firing("LogFull", &[])]);
    assert_eq!(mira.list().len(), 3, "a newer one does");

    hub.alert(&[firing("ProbeDown", &[])]);
    hub.alert(&[resolved("ProbeDown", &[])]);
    let recovering = mira.find("ProbeDown burns").expect("it is listed");
    assert_eq!(recovering["state"], "recovering");
    let second = self::number(&recovering);
    assert_eq!(done(&jonas, &["resolve", &second], 0).1, "resolved", "what is over needs no force");
}

#[test]
fn what_is_done_while_the_hub_is_away_waits_and_is_confirmed_later() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { mut hub, mira, jonas, number } = scene(dir.path());
    hub.kill9();
    let object = mira.json(&["ack", &number], 3).remove(0);
    assert_eq!((&object["sync"], &object["op"]["verdict"]), (&json!("waiting"), &Value::Null), "{object}");
    let ended = mira.run(&["note", &number, "on my way"]);
    assert_eq!(ended.code, Some(3));
    assert!(ended.stdout.contains("NOT confirmed"), "{ended:?}");
    let listed = mira.run(&["list"]);
    assert_eq!(listed.code, Some(0), "what is mirrored can be read without the hub");
    assert!(listed.stderr.contains("as last mirrored") && listed.stdout.contains("waiting"), "{listed:?}");

    hub.restart();
    let listed = mira.list().remove(0);
    assert_eq!(
        (&listed["sync"], &listed["state"], &listed["owner"]),
        (&json!("confirmed"), &json!("acked"), &json!("mira"))
    );
    let lines = timeline(&jonas, &number);
    assert!(lines.contains(&"mira: on my way".to_owned()), "{lines:?}");
    assert_eq!(jonas.list()[0]["owner"], "mira", "over http too");
}

#[test]
fn a_hub_that_ends_and_starts_again_has_lost_nothing() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { mut hub, mira, jonas, number } = scene(dir.path());
    done(&mira, &["ack", &number], 0);
    done(&jonas, &["note", &number, "seen"], 0);
    let before = (mira.show(&number), jonas.list());
    assert!(hub.terminate().success());
    hub.restart();
    assert_eq!((mira.show(&number), jonas.list()), before);
    let fresh = Person::near(&hub, &dir.path().join("fresh"), "fresh");
    assert_eq!(fresh.show(&number), before.0, "a fresh console reads the same");
}

#[test]
fn a_retried_push_gets_the_same_bytes_also_after_a_restart() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { mut hub, mira, number, .. } = scene(dir.path());
    let incident = mira.list().remove(0);
    let basis = Basis { rev: incident["rev"].as_u64().expect("a rev"), claim_no: 0 };
    let mut operator = Operator::introduce(&hub, "robot");
    let id = incident_id(&incident);
    let acts = [
        Act::Ack,
        Act::Note { text: "twice".into() },
        Act::Resolve { force: false },
        Act::Unknown { kind: "teleport".into(), args: vec![0x80] },
    ];
    let ops: Vec<_> = acts.into_iter().map(|act| operator.sign(id, basis, act)).collect();
    let first = operator.push(hub.address(), &ops).expect("the hub answers");
    let outcome = |value: &Value| value["judged"]["outcome"].clone();
    let outcomes: Vec<Value> = results_of(&first).iter().map(outcome).collect();
    assert_eq!(outcomes, ["won", "applied", "superseded", "unsupported"], "{first}");

    done(&mira, &["ack", &number], 4); // the world goes on in between
    let again = operator.push(hub.address(), &ops).expect("the hub answers");
    assert_eq!(answers_of(&again), answers_of(&first));
    hub.restart();
    let later = operator.push(hub.address(), &ops).expect("the hub answers");
    assert_eq!(answers_of(&later), answers_of(&first));
    let notes = timeline(&mira, &number).iter().filter(|line| line.ends_with("twice")).count();
    assert_eq!(notes, 1, "it happened once");
}
