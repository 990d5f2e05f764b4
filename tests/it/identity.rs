//! Other machines: let in by a code, over TLS that only the right hub can speak, and let in no more.

use crate::support::alerts::{body, firing};
use crate::support::database::change;
use crate::support::http;
use crate::support::hub::{Ended, Hub, nightdesk};
use crate::support::operator::{Operator, incident_id, results_of};
use crate::support::person::{Person, number};
use crate::support::{free_port, until};
use nightdesk::domain::op::{Act, Basis};
use nightdesk::sync::enrolment::Code;
use nightdesk::sync::roster::SignedRoster;
use nightdesk::sync::tls::{self, Trust};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(20);
/// How soon a revocation holds, a long poll under way included.
const PROMISED: Duration = Duration::from_secs(5);

struct Scene {
    dir: tempfile::TempDir,
    hub: Hub,
    port: u16,
}

/// Returns a hub that listens for other machines. It is met over TLS at loopback too, so no test needs a network.
fn scene() -> Scene {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let port = free_port();
    let hub = Hub::start_also(&dir.path().join("hub"), "", &[format!("0.0.0.0:{port}")]);
    Scene { dir, hub, port }
}

impl Scene {
    fn address(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    fn home(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Returns a code for that user.
    fn code(&self, args: &[&str]) -> String {
        let ended = self.hub.command(&[&["enrol", "--at", "127.0.0.1"], args].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.stdout.trim().to_owned()
    }

    /// Returns somebody on another machine who joined.
    fn joined(&self, home: &str, args: &[&str]) -> Person {
        let ended = join(&self.home(home), &self.code(args));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        Person::elsewhere(&self.home(home), "somebody", &self.address())
    }

    /// Returns a client that believes this hub's authority.
    fn client(&self) -> reqwest::Client {
        let pem = std::fs::read(self.hub.data().join("tls-ca.pem")).expect("the authority's certificate");
        let trust = Trust::Authority(CertificateDer::from_pem_slice(&pem).expect("a certificate"));
        let config = tls::client(&trust).expect("TLS");
        let builder = reqwest::Client::builder().tls_backend_preconfigured(config).no_proxy();
        builder.build().expect("a client")
    }

    /// Asks over TLS, with that token.
    fn get(&self, path: &str, token: Option<&str>) -> reqwest::StatusCode {
        let mut request = self.client().get(format!("{}{path}", self.address()));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        block_on(request.send()).expect("the hub answers").status()
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work)
}

/// Runs `nightdesk join` on the machine with that home; the code is pasted, not an argument.
fn join(home: &Path, code: &str) -> Ended {
    let mut command = nightdesk(home);
    command.arg("join").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("our own binary can be started");
    let mut input = child.stdin.take().expect("a pipe");
    // It may end before it reads all.
    let _ = writeln!(input, "{code}");
    drop(input);
    let output = child.wait_with_output().expect("the command ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// Asserts that a join was refused with these words, and left nothing behind to go by.
#[track_caller]
fn refused(home: &Path, ended: &Ended, words: &str) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains(words), "{ended:?}");
    assert!(!home.join("data/hubs.json").exists() && !home.join("config/config.toml").exists(), "{ended:?}");
}

#[test]
fn another_machine_joins_by_a_code_and_acknowledges_over_tls() {
    let scene = scene();
    scene.hub.alert(&[firing("DiskFull", &[])]);
    let jonas = scene.joined("jonas", &["jonas"]);
    let config = std::fs::read_to_string(scene.home("jonas").join("config/config.toml")).expect("it was written");
    assert_eq!(config, format!("hub = \"{}\"\n", scene.address()));
    // Her name is the hub's word: neither the login name nor the configuration counts.
    std::fs::write(scene.home("jonas").join("config/config.toml"), format!("{config}user = \"eve\"\n"))
        .expect("written");
    let incident = jonas.find("DiskFull burns").expect("it is seen");
    let acked = jonas.json(&["ack", &number(&incident)], 0).remove(0);
    assert_eq!((&acked["state"], &acked["owner"]), (&json!("acked"), &json!("jonas")), "{acked}");
    let near = Person::near(&scene.hub, &scene.hub.home(), "mira");
    assert_eq!(near.find("DiskFull burns").expect("it is seen")["owner"], "jonas");
    let devices = near.json(&["devices"], 0);
    assert!(devices.iter().any(|device| device["user"] == "jonas" && device["revoked"] == false), "{devices:?}");
}

#[test]
fn a_code_works_once() {
    let scene = scene();
    let code = scene.code(&["mira"]);
    assert_eq!(join(&scene.home("first"), &code).code, Some(0));
    let second = scene.home("second");
    refused(&second, &join(&second, &code), "was used, ran out, or was never made");
    let again = join(&scene.home("first"), &code);
    assert_eq!(again.code, Some(1), "the same machine neither: {again:?}");
}

#[test]
fn a_code_that_ran_out_lets_nobody_in() {
    let mut scene = scene();
    let code = scene.code(&["mira"]);
    scene.hub.terminate();
    change(&scene.hub.data().join("hub.db"), "UPDATE enrolment SET expires_at = 1");
    scene.hub.restart();
    let home = scene.home("mira");
    refused(&home, &join(&home, &code), "was used, ran out, or was never made");
}

#[test]
fn a_token_that_was_not_used_for_a_month_is_dead() {
    let mut scene = scene();
    scene.joined("mira", &["mira"]);
    let token = token_of(&scene.home("mira"));
    for (days, status) in [(29, 200), (31, 401)] {
        scene.hub.terminate();
        let used = (jiff::Timestamp::now() - jiff::Span::new().hours(days * 24)).as_millisecond();
        change(
            &scene.hub.data().join("hub.db"),
            &format!("UPDATE token SET created_at = {used}, last_used_at = {used}"),
        );
        scene.hub.restart();
        assert_eq!(scene.get("/v1/hub", Some(&token)), status, "after {days} days");
    }
}

#[test]
fn a_handshake_that_stalls_is_ended() {
    let scene = scene();
    let mut stream = TcpStream::connect(("127.0.0.1", scene.port)).expect("the hub listens");
    stream.set_read_timeout(Some(LIMIT)).expect("a limit");
    let began = Instant::now();
    stream.write_all(&[22]).expect("it takes bytes");
    let mut answer = Vec::new();
    assert_eq!(stream.read_to_end(&mut answer).expect("it ends before the limit"), 0);
    println!("ended after {:?}", began.elapsed());
    assert!((Duration::from_secs(4)..Duration::from_secs(10)).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[test]
fn a_code_with_another_fingerprint_a_wrong_secret_or_a_slip_lets_nobody_in() {
    let scene = scene();
    let text = scene.code(&["mira"]);
    let code = Code::parse(&text).expect("a code");
    let home = scene.home("mira");
    let other = Code { authority: Some([7; 32]), ..code.clone() }.to_text();
    refused(&home, &join(&home, &other), "is not the hub that made this code");
    let guess = Code { secret: Code::new(String::new(), None).secret, ..code.clone() }.to_text();
    refused(&home, &join(&home, &guess), "was used, ran out, or was never made");
    let public = Code { authority: None, ..code }.to_text();
    refused(&home, &join(&home, &public), "is not the hub that made this code");
    refused(&home, &join(&home, &text[..text.len() - 1]), "not the whole code");
    assert_eq!(join(&home, &text).code, Some(0), "none of that used it up");
}

#[test]
fn another_hub_at_the_same_address_gets_nothing() {
    let mut scene = scene();
    scene.hub.alert(&[firing("DiskFull", &[])]);
    let mira = scene.joined("mira", &["mira"]);
    let incident = number(&mira.find("DiskFull burns").expect("it is seen"));
    let unused = scene.code(&["noor"]);
    scene.hub.terminate();
    let dir = scene.dir.path().join("impostor");
    let impostor = Hub::start_also(&dir, "", &[format!("0.0.0.0:{}", scene.port)]);
    let ended = mira.run(&["ack", &incident]);
    assert_eq!(ended.code, Some(3), "kept, not confirmed: {ended:?}");
    assert!(ended.stdout.contains("not the joined hub's") && ended.stdout.contains("nightdesk join"), "{ended:?}");
    let home = scene.home("noor");
    refused(&home, &join(&home, &unused), "is not the hub that made this code");
    let stranger = Person::elsewhere(&scene.home("stranger"), "eve", &scene.address()).run(&["list"]);
    assert_eq!(stranger.code, Some(1), "{stranger:?}");
    assert!(stranger.stderr.contains("never joined"), "{stranger:?}");
    let seen = impostor.get("/metrics").expect("the hub answers").text();
    assert!(!seen.contains("reason=\"denied\""), "no token reached it:\n{seen}");
    drop(impostor);
    scene.hub.restart();
    assert_eq!(mira.json(&["note", &incident, "back"], 0).len(), 1);
    assert_eq!(mira.find("DiskFull burns").expect("it is seen")["owner"], "mira", "what waited arrived");
}

#[test]
fn a_revoked_console_is_refused_at_once_and_says_so() {
    let scene = scene();
    scene.hub.alert(&[firing("DiskFull", &[])]);
    let mira = scene.joined("mira", &["mira"]);
    let console = mira.console(80, 24);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE") && screen.contains("DiskFull burns"));
    // The screen's own poll waits; so does this one, of a second device.
    let other = Operator::introduce(&scene.hub, "mira");
    let node = other.node();
    let head = other.feed(scene.hub.address(), "", 0).json()["epoch"].as_str().expect("an epoch").to_owned();
    let page = other.feed(scene.hub.address(), &head, 0).json();
    let after = page["head"].as_u64().expect("a head");
    let (address, bearer) = (scene.hub.address().to_owned(), format!("Bearer {}", other.token()));
    let poll = std::thread::spawn(move || {
        let path = format!("/v1/feed?epoch={head}&after={after}&wait=10&node={node}");
        http::get(&address, &path, &[("authorization", &bearer)]).expect("the hub answers").status
    });
    until("the poll waits", LIMIT, || {
        let metrics = scene.hub.get("/metrics").ok()?.text();
        let waiting = metrics.lines().find(|line| line.contains("waiting ") && !line.starts_with('#'))?;
        waiting.ends_with(" 2").then_some(())
    });
    let began = Instant::now();
    let ended = scene.hub.command(&["revoke", "mira"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(poll.join().expect("the poll ends"), 401);
    let screen = console.wait_for(PROMISED, |screen| screen.contains("OFFLINE") && screen.contains("revoked"));
    println!("refused and said so after {:?}", began.elapsed());
    assert!(began.elapsed() < PROMISED, "{:?}", began.elapsed());
    assert!(screen.contains("DiskFull burns"), "what is known stays on the screen:\n{screen}");
    let ended = mira.run(&["ack", "1"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stdout.contains("nightdesk join"), "{ended:?}");
    // Its key is never taken again, not even with a new code.
    let again = join(&scene.home("mira"), &scene.code(&["mira"]));
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("revoked"), "{again:?}");
    let fresh = scene.joined("new-laptop", &["mira"]);
    assert!(fresh.find("DiskFull burns").expect("it is seen")["owner"].is_null(), "nothing of the revoked one counts");
}

#[test]
fn operations_are_taken_by_whom_signed_them_whoever_brings_them() {
    let scene = scene();
    scene.hub.alert(&[firing("DiskFull", &[])]);
    let near = Person::near(&scene.hub, &scene.hub.home(), "admin");
    let incident = incident_id(&near.find("DiskFull burns").expect("it is seen"));
    let (mut mira, courier) = (Operator::introduce(&scene.hub, "mira"), Operator::introduce(&scene.hub, "noor"));
    let basis = Basis { rev: 0, claim_no: 0 };
    let note = |text: &str| Act::Note { text: text.to_owned() };
    let address = scene.hub.address();

    let first = mira.sign(incident, basis, note("one"));
    let brought = results_of(&courier.push(address, std::slice::from_ref(&first)).expect("an answer"));
    assert!(brought[0]["judged"].is_string() || brought[0]["judged"].is_object(), "{brought:?}");

    let mut eve = Operator::introduce(&scene.hub, "eve").posing_as("mira");
    let forged = eve.sign(incident, basis, note("forged"));
    let answer = results_of(&eve.push(address, &[forged]).expect("an answer"));
    assert!(answer[0]["invalid"].as_str().is_some_and(|why| why.contains("cannot act for mira")), "{answer:?}");

    let late = mira.sign(incident, basis, note("late"));
    assert_eq!(scene.hub.command(&["revoke", &mira.node().to_string()]).code, Some(0));
    let answer = results_of(&courier.push(address, &[first, late]).expect("an answer"));
    assert_eq!(answer[0], brought[0], "what was judged before keeps its verdict");
    assert!(answer[1]["invalid"].as_str().is_some_and(|why| why.contains("revoked")), "{answer:?}");
    let shown = near.show("1")["timeline"].to_string();
    assert!(shown.contains("one") && !shown.contains("late") && !shown.contains("forged"), "{shown}");
}

#[test]
fn a_viewer_sees_and_does_nothing() {
    let scene = scene();
    scene.hub.alert(&[firing("DiskFull", &[])]);
    let viewer = scene.joined("boss", &["boss", "--viewer"]);
    assert_eq!(viewer.list().len(), 1);
    let ended = viewer.run(&["ack", "1"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("to look only"), "{ended:?}");
    // Nor by hand, with the token that the mirror holds.
    let token = token_of(&scene.home("boss"));
    let push = scene.client().post(format!("{}/v1/ops", scene.address())).bearer_auth(&token);
    assert_eq!(block_on(push.json(&json!({ "ops": [] })).send()).expect("an answer").status(), 403);
    assert_eq!(scene.get("/v1/hub", Some(&token)), 200);
    for path in ["/v1/devices", "/v1/feed?after=0&node=00000000-0000-0000-0000-000000000000"] {
        assert!(matches!(scene.get(path, Some(&token)).as_u16(), 401 | 403), "{path}");
    }
}

/// Returns the token in the only mirror of that home.
fn token_of(home: &Path) -> String {
    let files = std::fs::read_dir(home.join("data")).expect("a folder").filter_map(Result::ok);
    let mirror = files.map(|file| file.path()).find(|path| path.extension().is_some_and(|end| end == "db"));
    crate::support::database::Database::copy(&mirror.expect("a mirror"))
        .one("SELECT value FROM meta WHERE key = 'token'")
}

#[test]
fn over_tls_nothing_is_open_and_each_token_does_what_it_is_for() {
    let scene = scene();
    let paths =
        ["/", "/metrics", "/-/healthy", "/-/ready", "/api/v2/status", "/api/v2/alerts", "/v1/hub", "/v1/roster"];
    let administration = ["/v1/devices", "/v1/join"];
    let (ingest, admin) = (scene.hub.ingest_token(), scene.hub.admin_token());
    for path in paths.iter().skip(1).chain(&administration) {
        assert!(matches!(scene.get(path, None).as_u16(), 401 | 429), "{path} without a token");
        assert!(matches!(scene.get(path, Some(&admin)).as_u16(), 401 | 429), "{path}: the admin's is for its machine");
    }
    assert_eq!(scene.get("/-/ready", Some(&ingest)), 200);
    for path in ["/metrics", "/api/v2/alerts", "/v1/hub", "/v1/roster", "/v1/devices"] {
        assert!(matches!(scene.get(path, Some(&ingest)).as_u16(), 401 | 429), "{path}: a source only sends");
    }
    let send = scene.client().post(format!("{}/api/v2/alerts", scene.address())).bearer_auth(&ingest);
    let send = send.header("content-type", "application/json").body(body(&[firing("DiskFull", &[])]));
    assert_eq!(block_on(send.send()).expect("an answer").status(), 200);
    scene.joined("mira", &["mira"]);
    let token = token_of(&scene.home("mira"));
    for path in ["/metrics", "/-/healthy", "/api/v2/alerts", "/v1/hub", "/v1/roster"] {
        assert_eq!(scene.get(path, Some(&token)), 200, "{path}");
    }
    assert_eq!(scene.get("/v1/devices", Some(&token)), 403);
}

#[test]
fn who_guesses_is_slowed_down_and_who_has_a_right_is_not() {
    let scene = scene();
    scene.joined("mira", &["mira"]);
    let token = token_of(&scene.home("mira"));
    let statuses: Vec<u16> = (0..12).map(|_| scene.get("/v1/hub", Some("ndc_wrong")).as_u16()).collect();
    assert_eq!(statuses[..10], [401; 10], "{statuses:?}");
    assert_eq!(statuses[10..], [429; 2], "{statuses:?}");
    assert_eq!(scene.get("/v1/hub", Some(&token)), 200);
}

#[test]
fn only_tls_1_3_is_spoken_to_others_and_only_to_who_means_this_hub() {
    let scene = scene();
    let ingest = scene.hub.ingest_token();
    let client = scene.client();
    for (name, value) in [("origin", "https://evil.example"), ("host", "evil.example")] {
        let request = client.get(format!("{}/-/ready", scene.address())).bearer_auth(&ingest).header(name, value);
        assert_eq!(block_on(request.send()).expect("an answer").status(), 403, "{name}");
    }
    // In the clear it speaks to this machine alone: at loopback of the same port, and nowhere else.
    let here = format!("127.0.0.1:{}", scene.port);
    assert_eq!(http::get(&here, "/-/ready", &[]).expect("an answer").status, 200);
    if let Some(outward) = outward() {
        let answer = http::get(&format!("{outward}:{}", scene.port), "/-/ready", &[]);
        assert!(answer.is_err(), "{answer:?}");
    }
    // A greeting of TLS 1.2, as far as its version: refused by an alert (21) and an end.
    let mut stream = TcpStream::connect(&here).expect("the hub listens");
    stream.write_all(&hello_of_tls_1_2()).expect("it takes bytes");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert_eq!(answer.first(), Some(&21), "{answer:?}");
}

/// Returns a ClientHello that offers TLS 1.2 and one suite of it.
fn hello_of_tls_1_2() -> Vec<u8> {
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x2f, 1, 0, 0, 0]);
    let length = hello.len() as u16;
    let mut record = vec![22, 3, 1];
    record.extend((length + 4).to_be_bytes());
    record.extend([1, 0]);
    record.extend(length.to_be_bytes());
    record.extend(hello);
    record
}

/// Returns an address of this machine beside loopback, if it has one.
fn outward() -> Option<std::net::IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("198.51.100.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback())
}

#[test]
fn the_roster_says_who_is_who_and_reaches_the_consoles() {
    let scene = scene();
    let mira = scene.joined("mira", &["mira"]);
    let console = mira.console(80, 24);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE"));
    scene.joined("noor", &["noor"]);
    let held = |name: &str, revoked: bool| {
        until(&format!("the roster with {name}, revoked: {revoked}"), LIMIT, || {
            let note = roster_note(&scene.home("mira"))?;
            let key = scene.hub.get("/v1/hub").ok()?.json()["hub_key"].as_str()?.to_owned();
            let roster = SignedRoster::of_note(&note, &key).expect("the hub signed it").roster;
            roster.devices.iter().any(|one| one.user.as_str() == name && one.revoked == revoked).then_some(roster)
        })
    };
    let before = held("noor", false).version;
    assert_eq!(scene.hub.command(&["revoke", "noor"]).code, Some(0));
    assert!(held("noor", true).version > before);
    let answer = scene.hub.get("/v1/roster").expect("an answer");
    let feed = Operator::introduce(&scene.hub, "cleo").feed(scene.hub.address(), "", 0);
    let version: u64 = feed.header("nightdesk-roster").expect("a version").parse().expect("a number");
    assert!(version > answer.json()["version"].as_u64().expect("a version"), "cleo is news");
}

fn roster_note(home: &Path) -> Option<String> {
    let files = std::fs::read_dir(home.join("data")).ok()?.filter_map(Result::ok);
    let mirror = files.map(|file| file.path()).find(|path| path.extension().is_some_and(|end| end == "db"))?;
    let found: Vec<(String, String)> = crate::support::database::Database::copy(&mirror)
        .pairs("SELECT key, value FROM meta WHERE key = ?1", [nightdesk::sync::roster::NOTE]);
    found.into_iter().next().map(|(_, value)| value)
}

#[test]
fn a_hub_for_this_machine_alone_makes_no_codes() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(dir.path(), "");
    let ended = hub.command(&["enrol", "mira"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("--listen"), "{ended:?}");
    assert!(!hub.data().join("tls-ca.key").exists());
}

#[test]
fn a_hub_listens_for_others_where_its_settings_say() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let port = free_port();
    let hub = Hub::start(&dir.path().join("hub"), &format!("[tls]\nlisten = [\"0.0.0.0:{port}\"]"));
    let ended = hub.command(&["enrol", "mira", "--at", "localhost"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let home = dir.path().join("mira");
    assert_eq!(join(&home, &ended.stdout).code, Some(0));
    assert!(Person::elsewhere(&home, "mira", &format!("https://localhost:{port}")).list().is_empty());
}

#[test]
fn a_code_for_a_name_that_the_certificate_lacks_is_not_made() {
    let scene = scene();
    let ended = scene.hub.command(&["enrol", "mira", "--at", "hub.example"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("[tls]"), "{ended:?}");
    let near = Person::near(&scene.hub, &scene.hub.home(), "mira");
    let none: Vec<Value> = near.json(&["devices"], 0);
    assert!(none.is_empty(), "{none:?}");
}
