//! Somebody is called: by their consoles, by a provider, by a program; and nothing that happens on the way makes it silent.

use crate::support::alerts::{firing, in_seconds, stretch};
use crate::support::hub::{Hub, nightdesk};
use crate::support::light::Light;
use crate::support::operator::{Operator, incident_id};
use crate::support::person::Person;
use crate::support::provider::{Provider, Request};
use crate::support::until;
use nightdesk::domain::op::{Act, Basis};
use nightdesk::sync::desk::Ask;
use nightdesk::sync::picture::Link;
use serde_json::Value;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(20);
/// How soon somebody's phone gets an alert.
const PROMISED: Duration = Duration::from_secs(5);

/// Spans of seconds, so that a test need not wait for minutes.
const SHORT: &str = "[paging]\nbundle = \"1s\"\nlease = \"3s\"\n";

/// Writes a secret beside `hub.toml`.
fn secret(dir: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(dir).expect("the test's folder can be made");
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(dir.join(name));
    std::io::Write::write_all(&mut file.expect("a file"), text.as_bytes()).expect("the secret can be written");
}

/// Returns a webhook channel of that name to the provider's path of that name, and further lines of it.
fn webhook(dir: &Path, provider: &Provider, name: &str, more: &str) -> String {
    secret(dir, &format!("{name}.url"), &provider.url(&format!("/{name}")));
    format!(
        "[[channel]]\nname = \"{name}\"\nkind = \"webhook\"\nurl_file = \"{name}.url\"\ntimeout = \"2s\"\nretry = [\"1s\", \"1s\"]\n{more}\n"
    )
}

/// Returns levels of one person each, who have so long.
fn levels(people: &[&str], within: &str) -> String {
    people.iter().map(|name| format!("[[level]]\ncall = [\"{name}\"]\nwithin = \"{within}\"\n")).collect()
}

/// Returns a person with that chain.
fn person(name: &str, chain: &str) -> String {
    format!("[[person]]\nname = \"{name}\"\nchain = [{chain}]\n")
}

fn by(channel: &str) -> String {
    format!("{{ channel = \"{channel}\" }}")
}

/// Returns every page of the hub as the feed tells it, oldest first.
fn pages(hub: &Hub, reader: &Operator) -> Vec<Value> {
    let epoch = reader.feed(hub.address(), "", 0).json()["epoch"].as_str().expect("an epoch").to_owned();
    let answer = reader.feed(hub.address(), &epoch, 0).json();
    let rows = answer["rows"].as_array().expect("rows").clone();
    rows.into_iter().filter(|row| row["kind"] == "page").map(|row| row["body"].clone()).collect()
}

/// Returns the one page by that channel, once it is as wanted.
#[track_caller]
fn page_by(hub: &Hub, reader: &Operator, channel: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let found = |page: &Value| page["channel"] == channel && wanted(page);
    until(&format!("the page by {channel}"), LIMIT, || pages(hub, reader).into_iter().find(|page| found(page)))
}

/// Acknowledges the incident of that summary.
fn ack(hub: &Hub, dir: &Path, operator: &mut Operator, summary: &str) {
    let incident = Person::near(hub, &dir.join("reader"), "reader").find(summary).expect("it is listed");
    let basis = Basis { rev: incident["rev"].as_u64().expect("a rev"), claim_no: 0 };
    let op = operator.sign(incident_id(&incident), basis, Act::Ack);
    let answer = operator.push(hub.address(), &[op]).expect("the hub answers");
    assert!(answer.contains("won"), "{answer}");
}

#[test]
fn an_alert_reaches_a_phone_in_ntfys_form() {
    let (dir, provider) = (tempfile::tempdir().expect("a temporary folder"), Provider::start());
    let config = levels(&["mira"], "5m")
        + &person("mira", &by("phone"))
        + &webhook(dir.path(), &provider, "phone", "format = \"ntfy\"")
        + SHORT;
    let hub = Hub::start(dir.path(), &config);
    let began = Instant::now();
    hub.alert(&[firing("DiskFull", &[("service", "磁盘")])]);
    let page: Request = provider.wait_for("/phone", 1, PROMISED).remove(0);
    println!("on the phone {:?} after the alert; promised {PROMISED:?}", page.at - began);
    assert_eq!((page.method.as_str(), page.header("priority")), ("POST", "5"));
    assert_eq!(page.header("title"), "=?UTF-8?B?UzIgMSDno4Hnm5g6IERpc2tGdWxsIGJ1cm5z?=");
    assert_eq!(page.header("tags"), "rotating_light,S2");
    assert_eq!(page.header("x-nightdesk-page").len(), 32);
    assert!(page.body.starts_with("S2 incident 1, 磁盘\nDiskFull burns\nnew since "), "{}", page.body);
    assert!(page.body.ends_with("level 1 is called\nnightdesk ack 1"), "{}", page.body);
    let reader = Operator::introduce(&hub, "reader");
    page_by(&hub, &reader, "phone", |page| page["state"] == "sent" && page["attempts"] == 1);
    let metrics = hub.get("/metrics").expect("metrics").text();
    assert!(metrics.contains("nightdesk_pages_total{channel=\"phone\",outcome=\"sent\"} 1"), "{metrics}");
}

#[test]
fn who_does_not_answer_is_followed_by_the_next_level_and_an_ack_ends_it() {
    let (dir, provider) = (tempfile::tempdir().expect("a temporary folder"), Provider::start());
    let config = levels(&["mira", "jonas"], "3s")
        + &person("mira", &by("first"))
        + &person("jonas", &by("second"))
        + &webhook(dir.path(), &provider, "first", "")
        + &webhook(dir.path(), &provider, "second", "")
        + SHORT;
    let hub = Hub::start(dir.path(), &config);
    let mut mira = Operator::introduce(&hub, "mira");
    hub.alert(&[firing("Taken", &[])]);
    provider.wait_for("/first", 1, LIMIT);
    ack(&hub, dir.path(), &mut mira, "Taken burns");
    // What begins later and is not taken shows when the acked one would have gone on.
    hub.alert(&[firing("Left", &[])]);
    let second = provider.wait_for("/second", 1, LIMIT).remove(0);
    let first = provider.requests("/first");
    let called = |request: &Request| request.body.contains("Left burns");
    let at = first.iter().find(|request| called(request)).expect("level 1 was called first").at;
    assert!(second.at - at > Duration::from_secs(1), "level 2 came {:?} after level 1", second.at - at);
    assert!(called(&second) && !second.body.contains("Taken"), "{}", second.body);
    assert_eq!(first.iter().filter(|request| request.body.contains("Taken burns")).count(), 1);
}

#[test]
fn what_comes_within_the_bundles_span_is_one_message_and_a_common_label_makes_it_a_storm() {
    let (dir, provider) = (tempfile::tempdir().expect("a temporary folder"), Provider::start());
    let config = levels(&["mira"], "5m")
        + &person("mira", &by("phone"))
        + &webhook(dir.path(), &provider, "phone", "")
        + "[paging]\nbundle = \"2s\"\n";
    let hub = Hub::start(dir.path(), &config);
    hub.alert(&[firing("Before", &[])]);
    let first = provider.wait_for("/phone", 1, PROMISED).remove(0);
    for name in ["Down1", "Down2", "Down3"] {
        hub.alert(&[firing(name, &[("switch", "sw4")])]);
    }
    let second = provider.wait_for("/phone", 2, LIMIT).remove(1);
    let body: Value = serde_json::from_str(&second.body).expect("JSON");
    assert_eq!((&body["count"], &body["common"]["switch"]), (&3.into(), &"sw4".into()), "{body}");
    assert!(body["title"].as_str().is_some_and(|title| title.starts_with("STORM switch=sw4: 3 incidents")), "{body}");
    assert!(second.at - first.at >= Duration::from_millis(1500), "{:?}", second.at - first.at);
    let reader = Operator::introduce(&hub, "reader");
    until("all four to be sent", LIMIT, || {
        (pages(&hub, &reader).iter().filter(|page| page["state"] == "sent").count() == 4).then_some(())
    });
    assert_eq!(provider.requests("/phone").len(), 2);
}

#[test]
fn a_provider_that_fails_is_tried_again_with_the_same_id() {
    let (dir, provider) = (tempfile::tempdir().expect("a temporary folder"), Provider::start());
    provider.answer_with(&[500, 429]);
    let config = levels(&["mira"], "5m")
        + &person("mira", &by("phone"))
        + &webhook(dir.path(), &provider, "phone", "format = \"ntfy\"")
        + SHORT;
    let hub = Hub::start(dir.path(), &config);
    hub.alert(&[firing("DiskFull", &[])]);
    let tries = provider.wait_for("/phone", 3, LIMIT);
    let ids: Vec<&str> = tries.iter().map(|request| request.header("x-nightdesk-page")).collect();
    assert_eq!((ids[0], ids[1]), (ids[1], ids[2]));
    let titles: Vec<&str> = tries.iter().map(|request| request.header("title")).collect();
    assert_eq!(titles, ["S2 1: DiskFull burns", "S2 1: DiskFull burns #2", "S2 1: DiskFull burns #3"]);
    let reader = Operator::introduce(&hub, "reader");
    page_by(&hub, &reader, "phone", |page| page["state"] == "sent" && page["attempts"] == 3);
    let log = hub.log();
    assert!(log.contains("answer 500␛[2J"), "what a provider says is safe to read: {log}");
}

#[test]
fn a_provider_that_hangs_or_refuses_makes_the_next_channel_be_called_at_once() {
    let (dir, provider) = (tempfile::tempdir().expect("a temporary folder"), Provider::start());
    let hanging = Provider::start();
    hanging.hang(true);
    // Moved, and gone: neither will get better by waiting.
    provider.answer_with(&[302]);
    let last = "{ channel = \"last\", after = \"1h\" }";
    let chain = format!("{}, {{ channel = \"moved\", after = \"1h\" }}, {last}", by("hanging"));
    secret(dir.path(), "moved.url", &provider.url("/moved"));
    let config = levels(&["mira"], "5m")
        + &person("mira", &chain)
        + &webhook(dir.path(), &hanging, "hanging", "")
        + &webhook(dir.path(), &provider, "moved", "")
        + &webhook(dir.path(), &provider, "last", "")
        + SHORT;
    let hub = Hub::start(dir.path(), &config);
    hub.alert(&[firing("DiskFull", &[])]);
    let last = provider.wait_for("/last", 1, LIMIT).remove(0);
    assert_eq!(hanging.requests("/hanging").len(), 3, "all its attempts were made before");
    assert!(last.at >= hanging.requests("/hanging")[2].at);
    assert_eq!(provider.requests("/moved").len(), 1);
    assert!(provider.requests("/elsewhere").is_empty(), "a redirect is not followed");
    let reader = Operator::introduce(&hub, "reader");
    page_by(&hub, &reader, "moved", |page| page["state"] == "failed");
    page_by(&hub, &reader, "last", |page| page["state"] == "sent");
}

#[test]
fn a_program_is_run_with_the_message() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (program, out) = (dir.path().join("send"), dir.path().join("out"));
    let script = format!(
        "#!/bin/sh\ncat > {out}.new\necho \"$1 $NIGHTDESK_PERSON $NIGHTDESK_TITLE\" >> {out}.new\nmv {out}.new {out}\n",
        out = out.display()
    );
    std::fs::write(&program, script).expect("the program can be written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).expect("it can be made to run");
    let channel = format!(
        "[[channel]]\nname = \"sms\"\nkind = \"command\"\nrun = [\"{}\", \"--urgent; reboot\"]\n",
        program.display()
    );
    let config = levels(&["mira"], "5m") + &person("mira", &by("sms")) + &channel + "[paging]\nbundle = \"1s\"\n";
    let hub = Hub::start(dir.path(), &config);
    hub.alert(&[firing("DiskFull", &[])]);
    let text = until("the program's output", LIMIT, || std::fs::read_to_string(&out).ok());
    let mut lines = text.split("}--urgent");
    let body: Value = serde_json::from_str(&format!("{}}}", lines.next().expect("JSON"))).expect("JSON");
    assert_eq!((&body["person"], &body["severity"]), (&"mira".into(), &"S2".into()));
    assert_eq!(lines.next(), Some("; reboot mira S2 1: DiskFull burns\n"));
    let reader = Operator::introduce(&hub, "reader");
    page_by(&hub, &reader, "sms", |page| page["state"] == "sent");
}

#[test]
fn nobody_connected_is_not_delivered_and_the_phone_follows_at_once() {
    let (dir, provider) = (tempfile::tempdir().expect("a temporary folder"), Provider::start());
    let chain = format!("{}, {{ channel = \"phone\", after = \"1h\" }}", by("console"));
    let config =
        levels(&["mira"], "5m") + &person("mira", &chain) + &webhook(dir.path(), &provider, "phone", "") + SHORT;
    let hub = Hub::start(dir.path(), &config);
    hub.alert(&[firing("DiskFull", &[])]);
    provider.wait_for("/phone", 1, LIMIT);
    let reader = Operator::introduce(&hub, "reader");
    let page = page_by(&hub, &reader, "console", |page| page["state"] == "failed");
    assert_eq!(page["because"], "no console of mira is connected");

    // A command that asks and ends is no console that rings.
    Person::near(&hub, &dir.path().join("mira"), "mira").list();
    let began = Instant::now();
    hub.alert(&[firing("LogFull", &[])]);
    let second = provider.wait_for("/phone", 2, LIMIT).remove(1);
    println!("the phone follows {:?} after the alert", second.at - began);
    assert!(second.at - began < PROMISED, "{:?}", second.at - began);
}

#[test]
fn a_console_that_hangs_does_not_keep_the_phone_silent() {
    let (dir, provider) = (tempfile::tempdir().expect("a temporary folder"), Provider::start());
    let chain = format!("{}, {{ channel = \"phone\", after = \"1h\" }}", by("console"));
    let config =
        levels(&["mira"], "5m") + &person("mira", &chain) + &webhook(dir.path(), &provider, "phone", "") + SHORT;
    let hub = Hub::start(dir.path(), &config);
    let console = Person::near(&hub, &dir.path().join("mira"), "mira").pty(80, 24);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE"));
    stop(console.id());
    hub.alert(&[firing("DiskFull", &[])]);
    provider.wait_for("/phone", 1, LIMIT);
    let reader = Operator::introduce(&hub, "reader");
    let page = page_by(&hub, &reader, "console", |page| page["state"] == "failed");
    // Whether it still counts as connected depends on which request it was stopped in.
    let reasons = ["no console of mira said that it has it", "no console of mira is connected"];
    assert!(reasons.iter().any(|reason| page["because"] == *reason), "{page}");
}

#[test]
fn a_level_where_nobody_can_be_reached_is_followed_at_once() {
    let (dir, provider) = (tempfile::tempdir().expect("a temporary folder"), Provider::start());
    let config = levels(&["mira", "jonas"], "1h")
        + &person("jonas", &by("phone"))
        + &webhook(dir.path(), &provider, "phone", "")
        + SHORT;
    let hub = Hub::start(dir.path(), &config);
    hub.alert(&[firing("DiskFull", &[])]);
    let page = provider.wait_for("/phone", 1, LIMIT).remove(0);
    assert!(page.body.contains("level 2 is called"), "{}", page.body);
    let ended = Person::near(&hub, &dir.path().join("reader"), "reader").run(&["show", "1"]);
    let mira = ended.stdout.lines().find(|line| line.contains("mira by console: failed")).expect("it is listed");
    assert!(mira.ends_with(": no console of mira is connected"), "{mira}");
    assert!(ended.stdout.contains("jonas by phone: s"), "sending or sent: {}", ended.stdout);
}

/// Lets a program hang.
fn stop(id: u32) {
    let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw).expect("a process id");
    rustix::process::kill_process(id, rustix::process::Signal::STOP).expect("it can be stopped");
}

#[test]
fn a_screen_that_has_the_page_says_so_to_the_hub() {
    let (dir, provider) = (tempfile::tempdir().expect("a temporary folder"), Provider::start());
    let chain = format!("{}, {{ channel = \"phone\", after = \"1h\" }}", by("console"));
    let config =
        levels(&["mira"], "5m") + &person("mira", &chain) + &webhook(dir.path(), &provider, "phone", "") + SHORT;
    let hub = Hub::start(dir.path(), &config);
    let console = Person::far(&hub, &dir.path().join("mira"), "mira").pty(80, 24);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE"));
    hub.alert(&[firing("DiskFull", &[])]);
    let reader = Operator::introduce(&hub, "reader");
    let page = page_by(&hub, &reader, "console", |page| page["state"] == "sent");
    assert!(page["delivered_at"].is_i64() && page["seen_at"].is_null(), "{page}");
    assert!(provider.requests("/phone").is_empty());
}

#[test]
fn delivered_seen_and_acknowledged_are_three_things() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), &(levels(&["mira"], "5m") + SHORT));
    let console = Light::start(&hub, &dir.path().join("mira"), "mira");
    until("the console to be live", LIMIT, || (console.picture().link == Link::Live).then_some(()));
    hub.alert(&[firing("DiskFull", &[])]);
    let reader = Operator::introduce(&hub, "reader");
    let page = page_by(&hub, &reader, "console", |page| page["state"] == "sent");
    assert!(page["delivered_at"].is_i64() && page["seen_at"].is_null(), "{page}");
    let call = until("the call", LIMIT, || console.picture().calls.first().cloned());

    console.ask(Ask::Present { claims: Vec::new(), calls: vec![call.id] });
    let page = page_by(&hub, &reader, "console", |page| page["seen_at"].is_i64());
    assert!(page["acknowledged_at"].is_null(), "{page}");

    let row = console.picture().rows[0].incident.clone();
    let basis = Basis { rev: row.rev, claim_no: row.claim_no };
    console.ask(Ask::Submit { incident: row.id, basis, act: Act::Ack });
    page_by(&hub, &reader, "console", |page| page["acknowledged_at"].is_i64());
    until("no call any more", LIMIT, || console.picture().calls.is_empty().then_some(()));
}

#[test]
fn only_ones_own_console_may_say_what_one_has() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), &(levels(&["mira"], "5m") + SHORT));
    let (mira, jonas) = (Operator::introduce(&hub, "mira"), Operator::introduce(&hub, "jonas"));
    hub.alert(&[firing("DiskFull", &[])]);
    let id = page_by(&hub, &mira, "console", |_| true)["id"].as_str().expect("an id").to_owned();
    let body = serde_json::json!({ "delivered": [id], "seen": [] }).to_string();
    assert_eq!(jonas.post(hub.address(), "/v1/pages/receipts", &body).status, 200, "it is taken, and changes nothing");
    let page = page_by(&hub, &mira, "console", |_| true);
    assert!(page["delivered_at"].is_null(), "{page}");
    assert_eq!(hub.ingest("/v1/pages/receipts", &body).expect("the hub answers").status, 401);
    let many = serde_json::json!({ "seen": vec![&id; 1001] }).to_string();
    assert_eq!(mira.post(hub.address(), "/v1/pages/receipts", &many).status, 400);
    assert_eq!(mira.post(hub.address(), "/v1/pages/receipts", &body).status, 200);
    page_by(&hub, &mira, "console", |page| page["delivered_at"].is_i64());
}

#[test]
fn a_hub_killed_between_sending_and_writing_down_sends_again_and_says_so() {
    let (dir, provider) = (tempfile::tempdir().expect("a temporary folder"), Provider::start());
    let config = levels(&["mira"], "5m")
        + &person("mira", &by("phone"))
        + &webhook(dir.path(), &provider, "phone", "format = \"ntfy\"")
        + SHORT;
    let mut hub = Hub::start(dir.path(), &config);
    provider.hang(true);
    hub.alert(&[firing("DiskFull", &[])]);
    let first = provider.wait_for("/phone", 1, PROMISED).remove(0);
    hub.kill9();
    provider.hang(false);
    hub.restart();
    let second = provider.wait_for("/phone", 2, LIMIT).remove(1);
    assert_eq!(second.header("x-nightdesk-page"), first.header("x-nightdesk-page"));
    assert_eq!((first.header("title"), second.header("title")), ("S2 1: DiskFull burns", "S2 1: DiskFull burns #2"));
    let reader = Operator::introduce(&hub, "reader");
    page_by(&hub, &reader, "phone", |page| page["state"] == "sent" && page["attempts"] == 2);
    assert_eq!(pages(&hub, &reader).len(), 1, "it is still one page");
}

#[test]
fn the_hub_tells_the_outside_that_it_lives() {
    let (dir, provider) = (tempfile::tempdir().expect("a temporary folder"), Provider::start());
    provider.answer_with(&[503]);
    secret(dir.path(), "beat.url", &provider.url("/beat"));
    let hub = Hub::start(dir.path(), "[heartbeat]\nurl_file = \"beat.url\"\nevery = \"1s\"\n");
    let beats = provider.wait_for("/beat", 3, LIMIT);
    assert!(beats.iter().all(|beat| beat.method == "GET"), "{beats:?}");
    let metrics = until("the beats in the metrics", LIMIT, || {
        let text = hub.get("/metrics").ok()?.text();
        text.contains("nightdesk_heartbeats_total{reason=\"sent\"}").then_some(text)
    });
    assert!(metrics.contains("nightdesk_heartbeats_total{reason=\"failed\"} 1"), "{metrics}");
    assert!(!hub.log().contains("no [heartbeat]"));
    let without = Hub::start(&dir.path().join("without"), "");
    assert!(without.log().contains("no [heartbeat] in hub.toml"), "{}", without.log());
}

#[test]
fn a_channel_that_cannot_work_is_told_at_the_start() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let config = dir.path().join("hub.toml");
    let start = |text: &str| {
        std::fs::write(&config, text).expect("the file can be written");
        let mut command = nightdesk(dir.path());
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(dir.path().join("data"));
        let output = command.arg("--config").arg(&config).output().expect("our own binary can be started");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let channel = "[[channel]]\nname = \"phone\"\nkind = \"webhook\"\nurl_file = \"phone.url\"\n";
    let said = start(channel);
    assert!(said.contains("channel phone") && said.contains("there is no such file"), "{said}");
    secret(dir.path(), "phone.url", "http://secret-topic.example/x");
    std::fs::set_permissions(dir.path().join("phone.url"), std::fs::Permissions::from_mode(0o644)).expect("a file");
    let said = start(channel);
    assert!(said.contains("others may read this secret") && !said.contains("secret-topic"), "{said}");
    let said = start("[[channel]]\nname = \"sms\"\nkind = \"command\"\nrun = [\"/no/such/program\"]\n");
    assert!(said.contains("channel sms") && said.contains("/no/such/program"), "{said}");
}

#[test]
fn who_claimed_it_and_asked_for_it_is_called_before_the_levels_and_a_claim_ends_by_a_word() {
    let (dir, provider) = (tempfile::tempdir().expect("a temporary folder"), Provider::start());
    let config = levels(&["mira"], "2s")
        + &person("mira", &by("first"))
        + &person("jonas", &by("second"))
        + &webhook(dir.path(), &provider, "first", "")
        + &webhook(dir.path(), &provider, "second", "")
        + SHORT;
    let hub = Hub::start(dir.path(), &config);
    let jonas = Person::near(&hub, &dir.path().join("jonas"), "jonas");
    let claim = jonas.json(&["claim", "{service=\"disks\"}", "--for", "4h", "--reason", "swap", "--page-me"], 0);
    let id = claim[0]["id"].as_str().expect("an id").to_owned();
    hub.alert(&[firing("DiskGone", &[("service", "disks")])]);
    let claimer = provider.wait_for("/second", 1, LIMIT).remove(0);
    assert!(claimer.body.contains("DiskGone burns"), "{}", claimer.body);
    // A claim never silences: the level is called when the claimer's time is over.
    let level = provider.wait_for("/first", 1, LIMIT).remove(0);
    assert!(level.at - claimer.at > Duration::from_millis(1000), "{:?}", level.at - claimer.at);
    let shown = jonas.run(&["show", "1"]);
    assert!(shown.stdout.contains("claimed: ask jonas (swap until "), "{shown:?}");
    let ended = jonas.run(&["claim", "end", &id[..8]]);
    assert!(ended.stdout.contains("Ended: "), "{ended:?}");
    assert_eq!(jonas.json(&["claim", "list"], 0), Vec::<Value>::new());
    // What comes now is the level's from the first.
    hub.alert(&[firing("DiskLate", &[("service", "disks")])]);
    until("the level to be called about it", LIMIT, || {
        provider.requests("/first").iter().any(|request| request.body.contains("DiskLate burns")).then_some(())
    });
    assert!(!provider.requests("/second").iter().any(|request| request.body.contains("DiskLate")));
}

#[test]
fn what_came_again_shows_who_handled_it_before() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(dir.path(), "[timing]\nflap_window = \"1s\"\n");
    let mut mira = Operator::introduce(&hub, "mira");
    hub.alert(&[firing("Again", &[("service", "pay")])]);
    let person = Person::near(&hub, &dir.path().join("reader"), "reader");
    until("it to be open", LIMIT, || person.find("Again burns"));
    ack(&hub, dir.path(), &mut mira, "Again burns");
    hub.alert(&[crate::support::alerts::resolved("Again", &[("service", "pay")])]);
    until("it to be over", LIMIT, || (person.show("1")["state"] == "resolved").then_some(()));
    hub.alert(&[stretch("Again", &[("service", "pay")], in_seconds(0), in_seconds(3600))]);
    let similar = until("the second", LIMIT, || {
        person.list().iter().any(|one| one["number"] == 2).then_some(())?;
        Some(person.json(&["similar", "2"], 0).remove(0))
    });
    assert_eq!((&similar["seen_in_30_days"], &similar["mostly"]), (&2.into(), &"mira".into()), "{similar}");
    let earlier = &similar["earlier"][0];
    assert_eq!((&earlier["number"], &earlier["like"], &earlier["who"]), (&1.into(), &"same".into(), &"mira".into()));
    assert!(earlier["to_ack_seconds"].is_u64() && earlier["to_resolve_seconds"].is_u64(), "{similar}");
    let console = person.console(100, 40);
    console.wait_for(LIMIT, |screen| screen.contains("Again burns"));
    console.send_keys(&["6"]);
    console.wait_for(LIMIT, |screen| screen.contains("seen 2 times in 30 days"));
}

/// Returns whether the hub's timelines say that.
fn told(hub: &Hub, words: &str) -> Option<()> {
    let path = hub.data().join("hub.db");
    let database = rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    let sql = "SELECT EXISTS (SELECT 1 FROM line WHERE instr(body, ?1) > 0)";
    database.query_row(sql, [words], |row| row.get::<_, bool>(0)).ok()?.then_some(())
}

/// Opens the person's first console and waits for the call.
fn is_called_on_opening(person: &Person, incident: &str) {
    let console = person.console(100, 30);
    console.wait_for(LIMIT, |screen| screen.contains("!! PAGE") && screen.contains(incident));
}

#[test]
fn what_burned_before_the_hub_knew_anybody_calls_the_first_who_comes() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    hub.alert(&[firing("Early", &[("service", "db")])]);
    until("there is nobody to call", LIMIT, || told(&hub, "nobody to call"));
    is_called_on_opening(&Person::near(&hub, &dir.path().join("mira"), "mira"), "1 db");
}

#[test]
fn a_page_that_found_no_console_rings_at_the_one_that_is_opened() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), &format!("{SHORT}{}", levels(&["jonas"], "5m")));
    hub.alert(&[firing("Late", &[("service", "web")])]);
    until("his console is not there", LIMIT, || told(&hub, "jonas could not be reached by console"));
    is_called_on_opening(&Person::near(&hub, &dir.path().join("jonas"), "jonas"), "1 web");
}
