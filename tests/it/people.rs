//! What people do to each other's incidents: two homes, one hub, every command; and what stays before whom until it is dismissed.

use crate::support::alerts::{firing, firing_until, in_seconds};
use crate::support::hub::Hub;
use crate::support::person::{Person, number};
use crate::support::tmux::Tmux;
use crate::support::{try_until, until};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

/// A hub with some incidents, mira on its socket, and jonas over http.
struct Scene {
    hub: Hub,
    mira: Person,
    jonas: Person,
}

fn scene(dir: &Path, names: &[&str]) -> Scene {
    let hub = Hub::start(&dir.join("hub"), "");
    let mira = Person::near(&hub, &dir.join("mira"), "mira");
    let jonas = Person::far(&hub, &dir.join("jonas"), "jonas");
    for name in names {
        hub.alert(&[firing(name, &[])]);
    }
    // Who has no console is nobody to the hub.
    mira.list();
    jonas.list();
    Scene { hub, mira, jonas }
}

/// Returns the number of the incident of that alert.
fn named(person: &Person, name: &str) -> String {
    number(&person.find(&format!("{name} burns")).unwrap_or_else(|| panic!("{name} is not listed")))
}

/// Returns what the hub made of each, in order.
fn outcomes(person: &Person, args: &[&str], status: i32) -> Vec<Value> {
    person.json(args, status).iter().map(|object| object["op"]["verdict"]["outcome"].clone()).collect()
}

fn state(person: &Person, number: &str) -> (Value, Value) {
    let mut shown = person.show(number);
    (shown["state"].take(), shown["owner"].take())
}

#[test]
fn a_snooze_is_quiet_until_its_time_and_wakes() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { hub: _hub, mira, jonas } = scene(dir.path(), &["DiskFull"]);
    let one = named(&mira, "DiskFull");
    assert_eq!(outcomes(&mira, &["snooze", &one, "--for", "3s"], 0), ["won"]);
    assert_eq!(state(&jonas, &one), (json!("snoozed"), json!("mira")));
    assert!(jonas.show(&one)["hold"]["until"].is_string());
    let ended = jonas.run(&["snooze", &one, "--for", "1h"]);
    assert_eq!(ended.code, Some(4), "another has it: {ended:?}");
    until("the wake", LIMIT, || (state(&jonas, &one).0 == "new").then_some(()));
    assert_eq!(state(&jonas, &one).1, Value::Null);
    let letters = mira.json(&["inbox"], 0);
    assert_eq!(letters[0]["kind"], "lost", "it was hers and is nobody's now: {letters:?}");
}

#[test]
fn times_that_are_none_or_over_are_wrong_usage() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { hub: _hub, mira, .. } = scene(dir.path(), &["DiskFull"]);
    for args in [
        &["snooze", "1", "--until", "soon"][..],
        &["snooze", "1", "--until", "2020-01-01 09:00"],
        &["snooze", "1"],
        &["snooze", "--for", "1h"],
        &["snooze", "1", "--for", "1h", "--until", "04:20"],
        &["wait", "1", "--until", "2d"],
        &["wait", "1", "--until", "2d", "--reason", " "],
        &["severity", "1", "--to", "S0"],
        &["severity", "1", "--to", "critical"],
        &["offer", "1"],
        &["offer", "1", "--to", "no such name!"],
        &["ack"],
        &["ack", "1", "--all-mine"],
        &["merge", "1"],
        &["split", "1"],
    ] {
        let ended = mira.run(args);
        assert_eq!(ended.code, Some(2), "{args:?}: {ended:?}");
        assert!(ended.stderr.starts_with("error:"), "{args:?}: {ended:?}");
    }
    assert!(mira.run(&["snooze", "1", "--until", "soon"]).stderr.contains("tomorrow 09:00"));
    assert_eq!(mira.run(&["ack", "99"]).code, Some(1), "no such incident");
    assert_eq!(mira.run(&["ack", "1", "99"]).code, Some(1), "one of them is no incident: nothing is done");
    assert_eq!(state(&mira, "1").0, "new");
}

#[test]
fn what_is_offered_stays_with_its_owner_until_it_is_accepted() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { hub: _hub, mira, jonas } = scene(dir.path(), &["DiskFull"]);
    let one = named(&mira, "DiskFull");
    assert_eq!(outcomes(&mira, &["offer", &one, "--to", "jonas"], 4), ["superseded"], "it is not hers yet");
    assert_eq!(outcomes(&mira, &["ack", &one], 0), ["won"]);
    assert_eq!(jonas.run(&["accept", &one]).code, Some(1), "nothing is offered to him");
    assert_eq!(outcomes(&mira, &["offer", &one, "--to", "nobody"], 4), ["refused"]);
    assert_eq!(outcomes(&mira, &["offer", &one, "--to", "jonas"], 0), ["applied"]);
    assert_eq!((state(&jonas, &one).1, jonas.show(&one)["offer"]["to"].clone()), (json!("mira"), json!("jonas")));
    assert_eq!(outcomes(&jonas, &["decline", &one], 0), ["applied"]);
    assert_eq!((state(&mira, &one).1, mira.show(&one)["offer"].clone()), (json!("mira"), Value::Null));
    assert_eq!(outcomes(&mira, &["offer", "--all-mine", "--to", "jonas"], 0), ["applied"]);
    assert_eq!(outcomes(&jonas, &["accept", "--all-offered"], 0), ["won"]);
    assert_eq!(state(&mira, &one).1, "jonas");
    let letters = mira.json(&["inbox"], 0);
    let lost: Vec<&Value> = letters.iter().filter(|letter| letter["kind"] == "lost").collect();
    assert_eq!(lost.len(), 1, "{letters:?}");
    assert_eq!(lost[0]["owner"], "jonas");
}

#[test]
fn a_takeover_tells_who_lost_it_until_that_person_has_read_it() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { hub: _hub, mira, jonas } = scene(dir.path(), &["DiskFull"]);
    let one = named(&mira, "DiskFull");
    outcomes(&mira, &["ack", &one], 0);
    assert_eq!(outcomes(&jonas, &["take", &one], 0), ["won"]);
    let letters = mira.json(&["inbox"], 0);
    assert_eq!((letters.len(), &letters[0]["owner"], &letters[0]["kind"]), (1, &json!("jonas"), &json!("lost")));
    assert!(letters[0]["text"].as_str().is_some_and(|text| text.contains("took it over from mira")), "{letters:?}");
    assert_eq!(mira.run(&["inbox", "--dismiss", "77"]).code, Some(1));
    let name = letters[0]["letter"].as_str().expect("a name").to_owned();
    assert_eq!(mira.run(&["inbox", "--dismiss", &name]).code, Some(0));
    assert_eq!(mira.json(&["inbox"], 0), Vec::<Value>::new());
    assert_eq!(jonas.json(&["inbox"], 0), Vec::<Value>::new());
    // Who gives back has lost nothing.
    outcomes(&jonas, &["unack", &one], 0);
    assert_eq!(jonas.json(&["inbox"], 0), Vec::<Value>::new());
}

#[test]
fn a_refusal_stays_in_the_inbox_and_a_welcome_answer_does_not() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { hub: _hub, mira, jonas } = scene(dir.path(), &["DiskFull"]);
    let one = named(&mira, "DiskFull");
    outcomes(&mira, &["ack", &one], 0);
    outcomes(&jonas, &["ack", &one], 4);
    assert_eq!(outcomes(&mira, &["resolve", &one], 4), ["refused"]);
    let letters = mira.json(&["inbox"], 0);
    assert_eq!((letters.len(), &letters[0]["verdict"]["outcome"]), (1, &json!("refused")), "{letters:?}");
    assert!(mira.run(&["inbox"]).stdout.contains("1 series firing"));
    assert_eq!(jonas.json(&["inbox"], 0), Vec::<Value>::new(), "joined is a line, not a letter");
    assert_eq!(mira.run(&["inbox", "--dismiss", "all"]).code, Some(0));
    assert_eq!(mira.run(&["inbox"]).stdout.trim(), "Nothing waits to be read.");
}

#[test]
fn an_ack_by_command_is_known_to_be_seen() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { hub: _hub, mira, jonas } = scene(dir.path(), &["DiskFull"]);
    let one = named(&mira, "DiskFull");
    outcomes(&mira, &["ack", &one], 0);
    // Unseen, the next due time would be within a minute; seen, it is the warning before the end of the lease.
    let due = jonas.show(&one)["next_due_at"].as_str().expect("a time").to_owned();
    let due: jiff::Timestamp = due.parse().expect("a time");
    assert!(due > in_seconds(300), "{due}");
}

#[test]
fn undo_takes_the_latest_back_by_its_name_and_re_arms() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { hub: _hub, mira, jonas } = scene(dir.path(), &["DiskFull", "LogFull"]);
    let (one, two) = (named(&mira, "DiskFull"), named(&mira, "LogFull"));
    assert_eq!(mira.run(&["undo"]).code, Some(1), "nothing was done yet");
    outcomes(&mira, &["ack", &one], 0);
    outcomes(&mira, &["snooze", &two, "--for", "1h"], 0);
    let foretold = mira.run(&["undo", "--dry-run"]);
    assert!(foretold.stdout.starts_with(&format!("undo {two}: taken back")), "{foretold:?}");
    assert_eq!(outcomes(&mira, &["undo"], 0), ["applied"]);
    assert_eq!(state(&jonas, &two), (json!("new"), Value::Null));
    assert_eq!(outcomes(&mira, &["undo"], 0), ["applied"], "then the one before");
    assert_eq!(state(&jonas, &one), (json!("new"), Value::Null));
    assert!(jonas.show(&one)["next_due_at"].is_string(), "calling goes on");
    outcomes(&mira, &["ack", &one], 0);
    outcomes(&mira, &["note", &two, "hm"], 0);
    let refused = mira.run(&["undo"]);
    assert_eq!(refused.code, Some(4));
    assert!(refused.stdout.contains("words stay"), "{refused:?}");
    assert_eq!(outcomes(&mira, &["undo", &one], 0), ["applied"], "by its name, what can be undone there is");
    assert_eq!(mira.json(&["inbox"], 0), Vec::<Value>::new(), "who takes back has lost nothing");
}

#[test]
fn an_offline_ack_that_is_undone_offline_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { mut hub, mira, jonas } = scene(dir.path(), &["DiskFull"]);
    let one = named(&mira, "DiskFull");
    hub.kill9();
    let ended = mira.run(&["ack", &one]);
    assert_eq!(ended.code, Some(3));
    assert!(ended.stdout.contains("may still fire"), "{ended:?}");
    assert_eq!(mira.run(&["undo"]).code, Some(3));
    hub.restart();
    mira.list();
    assert_eq!(state(&jonas, &one), (json!("new"), Value::Null));
    assert_eq!(mira.json(&["inbox"], 0), Vec::<Value>::new());
}

#[test]
fn severity_assignment_wait_and_reopening_by_command() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { hub: _hub, mira, jonas } = scene(dir.path(), &["DiskFull"]);
    let one = named(&mira, "DiskFull");
    assert_eq!(outcomes(&mira, &["severity", &one, "--to", "S5"], 0), ["applied"]);
    assert_eq!(jonas.show(&one)["severity"], "S5");
    assert_eq!(outcomes(&mira, &["assign", &one, "--to", "jonas"], 0), ["applied"]);
    assert_eq!(jonas.show(&one)["assigned"], "jonas");
    assert_eq!(outcomes(&jonas, &["ack", &one], 0), ["won"]);
    let wait = ["wait", &one, "--until", "2d", "--reason", "a disk", "--ticket", "OPS-1"];
    assert_eq!(outcomes(&jonas, &wait, 0), ["applied"]);
    let shown = mira.show(&one);
    assert_eq!((&shown["state"], &shown["hold"]["ticket"]), (&json!("waiting"), &json!("OPS-1")));
    assert_eq!(outcomes(&mira, &["escalate", &one, "--to", "jonas"], 0), ["applied"]);
    assert_eq!(outcomes(&jonas, &["resolve", &one, "--force"], 0), ["applied"]);
    assert_eq!(outcomes(&mira, &["reopen", &one], 0), ["applied"]);
    assert_eq!(state(&jonas, &one), (json!("new"), Value::Null));
}

#[test]
fn incidents_are_merged_and_split() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { hub, mira, jonas } = scene(dir.path(), &["DiskFull", "LogFull"]);
    let (one, two) = (named(&mira, "DiskFull"), named(&mira, "LogFull"));
    assert_eq!(mira.run(&["merge", &one, "--into", &one]).code, Some(1));
    assert_eq!(outcomes(&mira, &["merge", &one, "--into", &two], 0), ["applied"]);
    let shown = jonas.show(&two);
    assert_eq!(shown["series"]["total"], 2, "{shown}");
    assert_eq!(state(&jonas, &one).0, "resolved");
    hub.alert(&[firing_until("Slow", &[("instance", "a")], in_seconds(3600))]);
    hub.alert(&[firing_until("Slow", &[("instance", "b")], in_seconds(3600))]);
    let slow = named(&mira, "Slow");
    assert_eq!(mira.run(&["split", &slow, "--series", "instance=c"]).code, Some(1), "no series is that one");
    assert_eq!(outcomes(&mira, &["split", &slow, "--series", "instance=b"], 0), ["applied"]);
    assert_eq!(jonas.show(&slow)["series"]["total"], 1);
    assert_eq!(jonas.list().iter().filter(|one| one["summary"] == "Slow burns").count(), 2);
}

#[test]
fn several_at_once_give_one_answer_each_and_the_worst_status() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { hub: _hub, mira, jonas } = scene(dir.path(), &["DiskFull", "LogFull", "ProbeDown"]);
    let names = ["DiskFull", "LogFull", "ProbeDown"].map(|name| named(&mira, name));
    let [one, two, three] = names.each_ref().map(String::as_str);
    outcomes(&jonas, &["ack", two], 0);
    let foretold = mira.json(&["ack", one, two, three, "--dry-run"], 0);
    let would: Vec<&str> = foretold.iter().filter_map(|object| object["would"]["text"].as_str()).collect();
    assert_eq!(would, ["yours", "joined, jonas has it", "yours"]);
    assert_eq!(state(&mira, one).0, "new", "it was only foretold");
    assert_eq!(outcomes(&mira, &["ack", one, two, three, one], 4), ["won", "joined", "won"]);
    assert_eq!(outcomes(&mira, &["ack", "--all-mine"], 0), ["applied", "applied"], "still on it");
    assert_eq!(outcomes(&mira, &["unack", "--all-mine"], 0), ["applied", "applied"]);
    assert_eq!(mira.run(&["unack", "--all-mine"]).code, Some(1), "nothing is hers any more");
}

fn live(person: &Person) -> Tmux {
    let console = person.console(100, 30);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE"));
    console
}

#[test]
fn two_screens_hand_a_shift_over_with_two_keys_on_each_side() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { hub: _hub, mira, jonas } = scene(dir.path(), &["DiskFull", "LogFull"]);
    let (one, two) = (named(&mira, "DiskFull"), named(&mira, "LogFull"));
    outcomes(&mira, &["ack", &one], 0);
    outcomes(&mira, &["snooze", &two, "--for", "1h"], 0);
    let (left, right) = (live(&mira), live(&jonas));
    left.wait_for(LIMIT, |screen| screen.contains("SNZ"));
    // Nobody is on a list here, so the name is typed.
    left.send_keys(&["H"]);
    left.wait_for(LIMIT, |screen| screen.contains("handover 2 incidents"));
    left.send_keys(&["jonas", "Enter"]);
    left.wait_for(LIMIT, |screen| screen.contains("Hand 2 incidents over to jonas"));
    left.send_keys(&["y"]);
    left.wait_for(LIMIT, |screen| screen.matches("confirmed by the hub").count() >= 2);
    right.wait_for(LIMIT, |screen| screen.contains("mira offers you") && screen.contains("and 1 more"));
    right.send_keys(&["H"]);
    right.wait_for(LIMIT, |screen| screen.contains("Accept 2 incidents offered to you"));
    until("the acceptance", LIMIT, || {
        let screen = right.capture();
        match () {
            () if screen.matches("yours, confirmed by the hub").count() >= 2 => return Some(()),
            () if screen.contains("Accept 2 that") => right.send_keys(&["y"]),
            // What changed a moment ago takes no key.
            () if screen.contains("changed just now") => right.send_keys(&["H"]),
            () => {}
        }
        try_until(Duration::from_millis(300), || None)
    });
    assert_eq!(state(&mira, &two).0, "snoozed", "what was quiet stays quiet");
    let screen = left.wait_for(LIMIT, |screen| screen.contains("inbox 2"));
    assert!(!screen.contains(" you "), "nothing is hers any more:\n{screen}");
    left.send_keys(&["q", "I"]);
    left.wait_for(LIMIT, |screen| screen.contains("no longer yours: jonas has it"));
}
