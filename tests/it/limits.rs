//! What a hub refuses, how it says so, and that it lives on.

use crate::support::alerts::{body, firing};
use crate::support::http::{self, Response};
use crate::support::hub::{Ended, Hub, nightdesk};
use crate::support::person::Person;
use crate::support::process::Process;
use crate::support::until;
use serde_json::Value;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

struct Scene {
    _dir: tempfile::TempDir,
    hub: Hub,
    person: Person,
}

fn scene(hub_toml: &str) -> Scene {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(dir.path(), hub_toml);
    let person = Person::near(&hub, &hub.home(), "mira");
    Scene { _dir: dir, hub, person }
}

impl Scene {
    /// Posts bytes to `/api/v2/alerts` with the ingest token and these further headers.
    fn post(&self, headers: &[(&str, &str)], bytes: &[u8]) -> Response {
        let bearer = format!("Bearer {}", self.hub.ingest_token());
        let headers = [&[("authorization", bearer.as_str())], headers].concat();
        http::post(self.hub.address(), "/api/v2/alerts", &headers, bytes).expect("the hub answers")
    }

    /// Waits for the hub's own incident of that name.
    fn own_incident(&self, name: &str) -> Value {
        until(name, LIMIT, || {
            let named = |incident: &Value| {
                let shown = self.person.show(&incident["number"].to_string());
                shown["series_list"][0]["labels"]["alertname"] == name
            };
            self.person.list().into_iter().find(named)
        })
    }

    /// Asserts that the hub is ready and takes an alert.
    fn lives(&self) {
        assert_eq!(self.hub.get("/-/ready").expect("the hub answers").status, 200);
        self.hub.alert(&[firing("StillTaken", &[])]);
        assert!(self.person.find("StillTaken burns").is_some());
        assert!(!self.hub.log().contains("panicked"), "{}", self.hub.log());
    }

    fn quarantine(&self) -> Vec<Value> {
        self.person.json(&["quarantine"], 0)
    }
}

/// Packs bytes as gzip, by the program of that name.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new("gzip")
        .arg("-c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("gzip can be started");
    let mut input = child.stdin.take().expect("a pipe");
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let packed = child.wait_with_output().expect("gzip ends").stdout;
    writer.join().expect("the writer ends").expect("gzip reads all");
    packed
}

#[test]
fn a_body_over_the_limit_is_refused_and_told() {
    let scene = scene("");
    let answer = scene.post(&[], &vec![b' '; (1 << 20) + 1]);
    assert_eq!(answer.status, 413, "{}", answer.text());
    let incident = scene.own_incident("NightdeskBodyRefused");
    assert_eq!((&incident["severity"], &incident["service"]), (&"S2".into(), &"nightdesk".into()), "{incident}");
    assert_eq!(scene.quarantine().len(), 1);
    let bearer = format!("Bearer {}", scene.hub.ingest_token());
    let headers = [("authorization", bearer.as_str())];
    let chunked = http::post_chunked(scene.hub.address(), "/api/v2/alerts", &headers, &vec![b' '; 2 << 20]);
    assert_eq!(chunked.expect("the hub answers").status, 413, "the length need not be told");
    assert_eq!(scene.quarantine().len(), 2);
    assert_eq!(
        scene.post(&[], &[b"[]".as_slice(), &vec![b' '; (1 << 20) - 2]].concat()).status,
        200,
        "exactly the limit is taken"
    );
    scene.lives();
}

#[test]
fn a_packed_body_is_taken_and_a_bomb_is_not() {
    let scene = scene("");
    let packed = gzip(body(&[firing("Packed", &[])]).as_bytes());
    assert_eq!(scene.post(&[("content-encoding", "gzip")], &packed).status, 200);
    assert!(scene.person.find("Packed burns").is_some());

    let bomb = gzip(&vec![b' '; 256 << 20]);
    assert!(bomb.len() < 1 << 20, "it comes in under the limit");
    let before = resident_kib(scene.hub.id());
    assert_eq!(scene.post(&[("content-encoding", "gzip")], &bomb).status, 413);
    let more = resident_kib(scene.hub.id()).saturating_sub(before);
    assert!(more < 64 << 10, "the bomb took {more} KiB");
    let broken = scene.post(&[("content-encoding", "gzip")], b"no gzip");
    assert_eq!(broken.status, 400, "{}", broken.text());
    scene.lives();
}

/// Returns the highest resident memory so far.
fn resident_kib(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("the process runs");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a line of memory");
    line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number")
}

#[test]
fn too_many_alerts_in_a_request_are_kept_apart_and_the_others_taken() {
    let scene = scene("[limits]\nalerts_per_request = 2\n");
    let alerts = [firing("A", &[]), firing("B", &[]), firing("C", &[]), firing("D", &[])];
    let answer = scene.post(&[], body(&alerts).as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let rows = scene.quarantine();
    assert_eq!(rows.len(), 1, "{rows:?}");
    let raw = rows[0]["raw"].as_str().expect("what came");
    assert!(raw.contains("\"C\"") && raw.contains("\"D\""), "{raw}");
    assert!(rows[0]["reason"].as_str().expect("a reason").contains("at most 2"), "{rows:?}");
    let mut summaries: Vec<String> =
        scene.person.list().iter().map(|incident| incident["summary"].to_string()).collect();
    summaries.sort();
    assert_eq!(summaries[..2], ["\"A burns\"", "\"B burns\""]);
    scene.lives();
}

#[test]
fn a_full_queue_tells_the_sender_to_come_again_and_people_that_it_did() {
    let scene = scene("[limits]\nqueued_alerts = 1\n");
    let answer = scene.post(&[], body(&[firing("A", &[]), firing("B", &[])]).as_bytes());
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").is_some_and(|after| after.parse::<u32>().is_ok()), "{answer:?}");
    scene.own_incident("NightdeskOverloaded");
    assert!(scene.person.find("A burns").is_none(), "nothing of a refused request is taken");
    scene.lives();
}

#[test]
fn more_series_than_may_fire_are_kept_apart_and_told() {
    let scene = scene("[limits]\nfiring_series = 2\n");
    let alerts = [firing("A", &[]), firing("B", &[]), firing("C", &[])];
    assert_eq!(scene.post(&[], body(&alerts).as_bytes()).status, 200);
    scene.own_incident("NightdeskTooManySeries");
    assert!(scene.person.find("C burns").is_none());
    let rows = scene.quarantine();
    assert!(rows.len() == 1 && rows[0]["reason"].to_string().contains("limits.firing_series"), "{rows:?}");
    assert_eq!(scene.post(&[], body(&[firing("A", &[])]).as_bytes()).status, 200, "what fires already is taken");
}

/// Runs `nightdesk serve` that must end by itself.
fn serve(home: &Path, args: &[&str]) -> Ended {
    let log = home.join("serve.log");
    let mut command = nightdesk(home);
    command.arg("serve").args(args);
    let mut process = Process::start("nightdesk serve", &mut command, &log);
    let status = until("its end", LIMIT, || process.ended());
    Ended { code: status.code(), stdout: String::new(), stderr: process.log() }
}

#[test]
fn a_second_hub_on_the_same_data_is_refused() {
    let scene = scene("");
    let data = scene.hub.data().display().to_string();
    let ended = serve(scene._dir.path(), &["--listen", "127.0.0.1:0", "--data", &data]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("another nightdesk is the hub of"), "{ended:?}");
    scene.lives();
    assert!(scene.person.list().len() == 1, "its socket is where it was");
}

#[test]
fn requests_that_a_web_page_could_send_are_refused() {
    let scene = scene("");
    let good = body(&[firing("A", &[])]);
    for header in [
        ("origin", "http://127.0.0.1"),
        ("host", "evil.example"),
        ("host", "evil.example:7400"),
        ("host", "127.0.0.1.evil.example"),
    ] {
        assert_eq!(scene.post(&[header], good.as_bytes()).status, 403, "{header:?}");
    }
    for host in ["127.0.0.1", "localhost", "[::1]:7400"] {
        assert_eq!(scene.post(&[("host", host)], good.as_bytes()).status, 200, "{host}");
    }
}

#[test]
fn without_a_right_token_nothing_is_taken_or_shown() {
    let scene = scene("");
    let address = scene.hub.address();
    let good = body(&[firing("A", &[])]);
    let ingest = format!("Bearer {}", scene.hub.ingest_token());
    for headers in [&[][..], &[("authorization", "Bearer x")], &[("authorization", "Basic eDp4")]] {
        for path in ["/api/v2/alerts", "/v1/in/alertmanager"] {
            assert_eq!(
                http::post(address, path, headers, good.as_bytes()).expect("an answer").status,
                401,
                "{headers:?}"
            );
        }
    }
    for path in ["/v1/hub", "/v1/quarantine", "/v1/feed?after=0&node=00000000-0000-0000-0000-000000000000"] {
        for headers in [&[][..], &[("authorization", ingest.as_str())]] {
            assert_eq!(http::get(address, path, headers).expect("an answer").status, 401, "{path} {headers:?}");
        }
    }
    assert_eq!(scene.person.list().len(), 0);
}

/// Returns every path below the folder with its mode.
fn modes(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        let meta = std::fs::symlink_metadata(&path).expect("it is there");
        found.push((path.clone(), meta.permissions().mode() & 0o777));
        if meta.is_dir() {
            found.extend(modes(&path));
        }
    }
    found
}

#[test]
fn everything_is_for_its_user_alone_whatever_the_umask() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let home = dir.path().join("home");
    let data = dir.path().join("data");
    std::fs::write(dir.path().join("log"), "").expect("a file");
    let script = "umask 000; exec \"$0\" serve --listen 127.0.0.1:0 --data \"$1\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, crate::support::hub::BINARY]).arg(&data).env("NIGHTDESK_HOME", &home);
    let mut process = Process::start("nightdesk serve", &mut command, &dir.path().join("log"));
    let socket = data.join("hub.sock");
    process.until("its address", LIMIT, || data.join("address").exists().then_some(()));
    let script = "umask 000; exec \"$0\" --hub \"$1\" list";
    let mut command = Command::new("sh");
    command.args(["-c", script, crate::support::hub::BINARY, &format!("unix:{}", socket.display())]);
    assert!(command.env("NIGHTDESK_HOME", &home).status().expect("it runs").success());

    let mut found = modes(&data);
    found.extend(modes(&home));
    found.push((data.clone(), std::fs::metadata(&data).expect("it is there").permissions().mode() & 0o777));
    assert!(found.iter().any(|(path, _)| path.ends_with("hub.db-wal")), "{found:?}");
    assert!(found.iter().any(|(path, _)| path.extension().is_some_and(|kind| kind == "key")), "{found:?}");
    let open: Vec<_> = found.iter().filter(|(path, mode)| *mode != if path.is_dir() { 0o700 } else { 0o600 }).collect();
    assert!(open.iter().all(|(path, mode)| path.ends_with("hub.sock") && mode & 0o077 == 0), "{open:#?}");
}
