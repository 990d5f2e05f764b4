//! Silences: the real amtool on the hub, our own commands, and a hub that is killed right after its answer.

use crate::support::alerts::firing;
use crate::support::hub::Hub;
use crate::support::person::Person;
use crate::support::servers::program;
use crate::support::until;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

/// Runs amtool against the hub; returns whether it went well, and what it said.
fn amtool(hub: &Hub, config: &Path, args: &[&str]) -> (bool, String) {
    let mut command = Command::new(program("AMTOOL"));
    command.arg(format!("--alertmanager.url=http://{}", hub.address()));
    command.arg(format!("--http.config.file={}", config.display())).args(args);
    let output = command.output().expect("amtool can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.success() {
        true => (true, text(&output.stdout)),
        false => (false, text(&output.stderr)),
    }
}

fn config(hub: &Hub, dir: &Path) -> PathBuf {
    let file = dir.join("bearer.yml");
    let token = hub.data().join("ingest.token");
    std::fs::write(&file, format!("authorization:\n  credentials_file: {}\n", token.display())).expect("a file");
    file
}

fn json(said: &(bool, String)) -> Vec<Value> {
    assert!(said.0, "{}", said.1);
    serde_json::from_str(&said.1).unwrap_or_else(|error| panic!("{error}: {}", said.1))
}

#[test]
fn amtool_adds_queries_updates_and_expires_silences_and_sees_what_they_cover() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    let config = config(&hub, dir.path());
    let person = Person::near(&hub, &hub.home(), "mira");
    hub.alert(&[firing("DiskFull", &[("host", "a")]), firing("ProbeDown", &[])]);
    let add = ["silence", "add", "alertname=DiskFull", "--duration=1h", "--author=ben", "--comment=a new disk"];
    let (done, id) = amtool(&hub, &config, &add);
    assert!(done, "{id}");
    // At once: the answer is the proof.
    let silenced = |fits: &str| -> Value {
        let found = person.list().into_iter().find(|one| one["summary"].as_str().unwrap_or_default().contains(fits));
        found.unwrap_or_else(|| panic!("{:?}", person.list()))["silenced"].clone()
    };
    assert_eq!(silenced("DiskFull")["by"], serde_json::json!([id]));
    assert_eq!(silenced("ProbeDown"), Value::Null);

    let listed = json(&amtool(&hub, &config, &["silence", "query", "-o", "json"]));
    assert_eq!((listed.len(), listed[0]["id"].as_str()), (1, Some(id.as_str())), "{listed:?}");
    assert_eq!((&listed[0]["createdBy"], &listed[0]["status"]["state"]), (&"ben".into(), &"active".into()));
    assert_eq!(json(&amtool(&hub, &config, &["alert", "query", "-o", "json"])).len(), 1, "what is active");
    let quiet = json(&amtool(&hub, &config, &["alert", "query", "--silenced", "-o", "json"]));
    assert_eq!((quiet.len(), &quiet[0]["status"]["silencedBy"]), (1, &serde_json::json!([id])), "{quiet:?}");

    let (done, said) = amtool(&hub, &config, &["silence", "update", &id, "--duration=2h"]);
    assert!(done, "{said}");
    let listed = json(&amtool(&hub, &config, &["silence", "query", "-o", "json"]));
    let newer = listed[0]["id"].as_str().expect("an id").to_owned();
    assert!(listed.len() == 1 && newer != id, "an edit is another silence: {listed:?}");
    assert_eq!(silenced("DiskFull")["by"], serde_json::json!([newer]));

    let (done, said) = amtool(&hub, &config, &["silence", "expire", &newer]);
    assert!(done, "{said}");
    assert_eq!(silenced("DiskFull"), Value::Null);
    assert_eq!(json(&amtool(&hub, &config, &["silence", "query", "-o", "json"])).len(), 0);
    let (done, said) = amtool(&hub, &config, &["silence", "expire", &newer]);
    assert!(!done, "what is over stays over: {said}");
    for (matchers, why) in [("alertname=~.+", "at least one label"), ("alertname!=X", "at least one label")] {
        let (done, said) = amtool(&hub, &config, &["silence", "add", matchers, "--author=ben", "--comment=x"]);
        assert!(!done && said.contains(why), "{said}");
    }
    let long = ["silence", "add", "alertname=DiskFull", "--duration=9h", "--author=ben", "--comment=x"];
    let (done, said) = amtool(&hub, &config, &long);
    assert!(!done && said.contains("8 h at most"), "{said}");
}

#[test]
fn a_person_silences_by_command_and_sees_what_it_covers() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut hub = Hub::start(&dir.path().join("hub"), "");
    let person = Person::near(&hub, &hub.home(), "mira");
    hub.alert(&[firing("DiskFull", &[("host", "a")]), firing("DiskFull", &[("host", "b")])]);
    let add = |matchers: &str, span: &str| {
        person.run(&["silence", "add", matchers, "--for", span, "--reason", "a new disk", "--yes", "--json"])
    };
    let refused = add("{alertname=~\".*\"}", "1h");
    assert!(refused.code == Some(1) && refused.stderr.contains("at least one label"), "{}", refused.stderr);
    let refused = add("{alertname=\"DiskFull\"}", "9h");
    assert!(refused.code == Some(1) && refused.stderr.contains("8 h at most"), "{}", refused.stderr);
    let done = add("{alertname=\"DiskFull\"}", "1h");
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("(2 series)"), "{}", done.stderr);
    // Durable at the answer.
    hub.kill9();
    hub.restart();
    let listed = until("the silence after the hub was killed", LIMIT, || {
        let listed = person.json(&["silence", "list"], 0);
        (listed.len() == 1).then_some(listed)
    });
    assert_eq!((&listed[0]["by"], &listed[0]["state"]), (&"mira".into(), &"active".into()), "{listed:?}");
    assert!(person.list().iter().all(|one| one["silenced"].is_object()), "{:?}", person.list());
    let id = listed[0]["id"].as_str().expect("an id");
    let ended = person.run(&["silence", "end", &id[..8]]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(person.list().iter().all(|one| one["silenced"].is_null()), "{:?}", person.list());
    assert_eq!(person.json(&["silence", "list"], 0).len(), 0);
    hub.kill9();
    let offline = add("{alertname=\"DiskFull\"}", "1h");
    assert!(offline.code == Some(1) && offline.stderr.contains("needs the hub"), "{}", offline.stderr);
}
