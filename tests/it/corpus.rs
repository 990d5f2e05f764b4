//! What real systems send and what nobody should send: taken, or kept with a reason, and never obeyed by a terminal.

use crate::support::corpus::{Case, forbidden, hostile, payloads, texts};
use crate::support::http::{self, Response};
use crate::support::hub::Hub;
use crate::support::person::{Person, number};
use serde_json::{Map, Value, json};

const FORMATS: [(&str, &str); 2] =
    [("alertmanager-api-v2", "/api/v2/alerts"), ("alertmanager-webhook", "/v1/in/alertmanager")];

struct Scene {
    _dir: tempfile::TempDir,
    hub: Hub,
    person: Person,
}

fn scene() -> Scene {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(dir.path(), "");
    let person = Person::near(&hub, &hub.home(), "mira");
    Scene { _dir: dir, hub, person }
}

impl Scene {
    fn post(&self, path: &str, bytes: &[u8]) -> Response {
        let bearer = format!("Bearer {}", self.hub.ingest_token());
        http::post(self.hub.address(), path, &[("authorization", &bearer)], bytes).expect("the hub answers")
    }

    /// Posts a body; asserts that it is taken, or refused and kept. Returns the status.
    #[track_caller]
    fn feed(&self, what: &str, path: &str, bytes: &[u8]) -> u16 {
        let before = self.quarantined();
        let answer = self.post(path, bytes);
        match answer.status {
            200 => {}
            400 => {
                assert_eq!(self.quarantined(), before + 1, "{what} is refused, so it is kept");
                let reason: Value = answer.json();
                assert!(reason.as_str().is_some_and(is_readable), "{what}: {reason}");
            }
            other => panic!("{what}: {other} {}", answer.text()),
        }
        answer.status
    }

    /// Returns how many were put into quarantine so far, by the hub's own count.
    fn quarantined(&self) -> u64 {
        let metrics = self.hub.get("/metrics").expect("the hub answers").text();
        let lines = metrics.lines().filter(|line| line.starts_with("nightdesk_") && line.contains("quarantined"));
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
    }

    /// Asserts that the hub is well and that its quarantine reads as a person needs it.
    fn lives(&self) {
        assert_eq!(self.hub.get("/-/ready").expect("the hub answers").status, 200);
        let log = self.hub.log();
        assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
        assert_eq!(forbidden(&log), None, "the log is read in a terminal too");
        for row in self.person.json(&["quarantine"], 0) {
            assert!(row["reason"].as_str().is_some_and(is_readable), "{row}");
        }
    }
}

/// A reason has words, on one line, and names no type of ours.
fn is_readable(reason: &str) -> bool {
    let words = reason.split_whitespace().count();
    words >= 3
        && forbidden(reason).is_none()
        && !reason.contains('\n')
        && !reason.contains("nightdesk::")
        && !reason.contains("serde")
}

#[test]
fn every_real_payload_is_taken_or_kept_with_a_reason() {
    let scene = scene();
    let mut taken = 0;
    for (format, path) in FORMATS {
        for (name, bytes) in payloads(format) {
            taken += usize::from(scene.feed(&name, path, &bytes) == 200);
        }
    }
    let rows = scene.person.json(&["quarantine"], 0);
    println!("{taken} taken whole, {} rows in quarantine", rows.len());
    for row in &rows {
        println!("{}: {}", row["format"], row["reason"]);
    }
    assert!(taken >= 20 && !rows.is_empty());
    assert!(!scene.person.list().is_empty());
    scene.lives();
}

/// Returns bodies in both formats that carry this case.
fn bodies(case: &Case) -> Vec<(&'static str, Vec<u8>)> {
    let text = case.text();
    let alerts: Vec<Value> = match (case.class.as_str(), &text) {
        ("timestamp", Some(text)) => ["startsAt", "endsAt"]
            .map(|field| json!({ "labels": { "alertname": "T", "case": case.id }, "status": "firing", field: text }))
            .to_vec(),
        ("labels", Some(text)) => {
            let labels: Value = serde_json::from_str(text).expect("a label set");
            vec![json!({ "labels": labels, "status": "firing" })]
        }
        _ => Vec::new(),
    };
    let mut bodies: Vec<(&'static str, Vec<u8>)> = Vec::new();
    for alert in alerts {
        bodies.push((FORMATS[0].1, json!([alert]).to_string().into_bytes()));
        bodies.push((
            FORMATS[1].1,
            json!({ "version": "4", "status": "firing", "alerts": [alert] }).to_string().into_bytes(),
        ));
    }
    if bodies.is_empty() {
        bodies.extend(FORMATS.map(|(_, path)| (path, case.bytes.clone())));
    }
    bodies
}

#[test]
fn every_hostile_body_timestamp_and_label_set_is_taken_or_kept_with_a_reason() {
    let scene = scene();
    let cases = hostile();
    let cases =
        cases.iter().filter(|case| ["json-body", "timestamp", "labels", "invalid-utf8"].contains(&case.class.as_str()));
    let mut count = 0;
    for case in cases {
        for (path, bytes) in bodies(case) {
            scene.feed(&format!("{} {}", case.class, case.id), path, &bytes);
            count += 1;
        }
    }
    assert!(count > 100, "{count} bodies");
    scene.lives();
}

/// Returns alerts whose summary and a label are this text, as far as a label takes it.
fn hostile_alerts(texts: &[String]) -> Vec<Value> {
    let alert = |(index, text): (usize, &String)| {
        let cut: String = text.chars().take(1000).collect();
        let mut labels = Map::new();
        labels.insert("alertname".to_owned(), json!(format!("Hostile{index}")));
        labels.insert("service".to_owned(), json!(cut));
        labels.insert("host".to_owned(), json!(cut));
        json!({ "labels": labels, "annotations": { "summary": cut, "description": cut } })
    };
    texts.iter().enumerate().map(alert).collect()
}

/// Asserts that this is something a terminal may get.
#[track_caller]
fn harmless(what: &str, output: &str) {
    if let Some(line) = output.lines().find(|line| forbidden(line).is_some()) {
        panic!("{what} prints {:?} in {line:?}", forbidden(line));
    }
}

#[test]
fn what_commands_print_of_hostile_texts_is_never_obeyed_by_a_terminal() {
    let scene = scene();
    let texts = texts();
    for chunk in hostile_alerts(&texts).chunks(100) {
        let answer = scene.post("/api/v2/alerts", json!(chunk).to_string().as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
        for alert in chunk {
            // The same text where a time must be: the reason quotes it.
            let wrong = json!([{ "labels": { "alertname": "x" }, "startsAt": alert["annotations"]["summary"] }]);
            assert_eq!(scene.post("/api/v2/alerts", wrong.to_string().as_bytes()).status, 200);
        }
    }
    for case in hostile() {
        scene.post("/api/v2/alerts", &case.bytes); // as a body: the quarantine shows it
    }
    let incidents = scene.person.list();
    assert!(incidents.len() + 5 > texts.len(), "{} of {} texts are listed", incidents.len(), texts.len());
    for args in [&["list"][..], &["list", "--json"], &["quarantine"], &["quarantine", "--json"]] {
        let ended = scene.person.run(args);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        harmless(&args.join(" "), &ended.stdout);
        harmless(&args.join(" "), &ended.stderr);
    }
    // Every tenth alone: `show` is one process each.
    for incident in incidents.iter().step_by(10) {
        let number = number(incident);
        for args in [&["show", &number][..], &["show", &number, "--json"]] {
            let ended = scene.person.run(args);
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
            harmless(&args.join(" "), &ended.stdout);
        }
    }
    scene.lives();
}

#[test]
fn a_hostile_argument_is_not_thrown_back_at_the_terminal() {
    let scene = scene();
    for text in ["\u{1b}[2J", "\u{9b}31m", "a\u{202e}b", "\u{7}"] {
        for args in [&["show", text][..], &["ack", text], &["--hub", text, "list"], &["note", "1", text]] {
            let ended = scene.person.run(args);
            assert_ne!(ended.code, Some(0));
            harmless(&format!("{args:?}"), &ended.stderr);
            harmless(&format!("{args:?}"), &ended.stdout);
        }
    }
}
