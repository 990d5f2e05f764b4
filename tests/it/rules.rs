//! Rules of a running hub: read anew while alerts pour in, refused whole where anything is wrong, checked and explained by command.

use crate::support::alerts::firing;
use crate::support::http;
use crate::support::hub::Hub;
use crate::support::tmux::Tmux;
use crate::support::until;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);
/// Posts of a storm, and alerts in each.
const POSTS: usize = 40;
const ALERTS: usize = 25;

fn rules(team: usize) -> String {
    format!(
        "[[severity]]\nmatch = '{{alertname=\"Storm\"}}'\nseverity = \"S3\"\n\
         [[grouping]]\nname = \"storm\"\nmatch = '{{alertname=\"Storm\"}}'\nby = [\"rack\"]\n\
         [[route]]\nmatch = ''\nteam = \"team-{team}\"\n"
    )
}

/// Returns the number of the metric; 0 where it was never counted.
fn metric(hub: &Hub, name: &str) -> u64 {
    let text = hub.get("/metrics").expect("the hub answers").text();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
}

fn list(hub: &Hub) -> Vec<Value> {
    let said = hub.command(&["list", "--json"]);
    said.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

const TAKEN: &str = "nightdesk_reloads_total{reason=\"taken\"}";
const REFUSED: &str = "nightdesk_reloads_total{reason=\"refused\"}";

#[test]
fn rules_are_read_anew_in_a_storm_and_nothing_is_lost_or_doubled() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), &rules(0));
    let file = dir.path().join("hub/hub.toml");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for post in 0..POSTS {
                let alerts: Vec<_> = (0..ALERTS)
                    .map(|place| {
                        let (rack, instance) = (format!("r{}", place % 5), format!("i{post}-{place}"));
                        firing("Storm", &[("rack", &rack), ("instance", &instance)])
                    })
                    .collect();
                hub.alert(&alerts);
            }
        });
        for team in 1..=20 {
            let before = metric(&hub, TAKEN);
            std::fs::write(&file, rules(team)).expect("the rules can be written");
            until("the rules are taken", LIMIT, || (metric(&hub, TAKEN) > before).then_some(()));
        }
    });
    let listed = list(&hub);
    assert_eq!(listed.len(), 5, "one incident for each rack: {listed:?}");
    let numbers: BTreeSet<u64> = listed.iter().filter_map(|one| one["number"].as_u64()).collect();
    assert_eq!(numbers, (1..=5).collect(), "no number was given away");
    let series: u64 = listed.iter().filter_map(|one| one["series"]["firing"].as_u64()).sum();
    assert_eq!(series, (POSTS * ALERTS) as u64);
    assert!(listed.iter().all(|one| one["severity"] == "S3" && one["team"] == "team-20"), "{listed:?}");

    // A worse severity counts for what is open; a mistake leaves all as it was, and is told.
    std::fs::write(&file, rules(21).replace("S3", "S1")).expect("the rules can be written");
    until("what is open is worse", LIMIT, || list(&hub).iter().all(|one| one["severity"] == "S1").then_some(()));
    std::fs::write(&file, rules(22).replace("S3", "S0")).expect("the rules can be written");
    until("the mistake is told", LIMIT, || (metric(&hub, REFUSED) > 0).then_some(()));
    let told = list(&hub).into_iter().find(|one| one["service"] == "nightdesk").expect("an incident of the hub's own");
    assert!(told["summary"].as_str().is_some_and(|text| text.contains("line 2") && text.contains("S0")), "{told}");
    assert!(list(&hub).iter().all(|one| one["service"] == "nightdesk" || one["team"] == "team-21"));
}

#[test]
fn rules_are_checked_and_explained_by_command() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    let file = dir.path().join("new.toml");
    let name = file.display().to_string();
    std::fs::write(&file, "[[route]]\nmatch = 'severty<=3'\npolicy = \"db\"\n").expect("the rules can be written");
    let wrong = hub.command(&["check", &name]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(wrong.stdout.contains("line 2") && wrong.stdout.contains("did you mean `severity`"), "{wrong:?}");
    assert!(wrong.stdout.contains("no [[policy]] is called \"db\""), "all mistakes at once: {wrong:?}");

    std::fs::write(&file, rules(7)).expect("the rules can be written");
    let good = hub.command(&["check", "--alone", &name]);
    assert_eq!(good.code, Some(0), "{good:?}");
    let dry = hub.command(&["why", "{alertname=\"Storm\", rack=\"r1\"}", "--config", &name]);
    assert_eq!(dry.code, Some(0), "{dry:?}");
    for wanted in ["S3 by rule `severity 1` (line 2)", "rack by rule `storm`", "team team-7, policy default"] {
        assert!(dry.stdout.contains(wanted), "{wanted} in {dry:?}");
    }
    hub.alert(&[firing("Down", &[("service", "pay")])]);
    let stored = until("its way", LIMIT, || {
        let said = hub.command(&["why", "1"]);
        (said.code == Some(0) && said.stdout.contains("called")).then_some(said)
    });
    assert!(stored.stdout.contains("S2 by the label severity=critical"), "{stored:?}");
}

#[test]
fn the_hub_within_a_console_reads_its_rules_anew() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let config = home.path().join("config");
    std::fs::create_dir(&config).expect("a folder");
    std::fs::write(config.join("config.toml"), "").expect("a file: nothing is asked at the first start");
    std::fs::write(config.join("hub.toml"), rules(1)).expect("the rules can be written");
    let place = home.path().display().to_string();
    let console = Tmux::start(100, 30, env!("CARGO_BIN_EXE_nightdesk"), &[("NIGHTDESK_HOME", &place)]);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE"));
    let address = std::fs::read_to_string(home.path().join("data/hub/address")).expect("the hub's address");
    let body = r#"[{"labels": {"alertname": "Storm", "rack": "r1"}}]"#;
    let answer = http::post(address.trim(), "/api/v2/alerts", &[], body.as_bytes()).expect("the hub answers");
    assert_eq!(answer.status, 200);
    let team = || {
        let mut why = Command::new(env!("CARGO_BIN_EXE_nightdesk"));
        let output = why.args(["why", "1"]).env("NIGHTDESK_HOME", &place).output().expect("the program starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    until("the first rules", LIMIT, || team().contains("team team-1").then_some(()));
    std::fs::write(config.join("hub.toml"), rules(2)).expect("the rules can be written");
    until("the new rules", LIMIT, || team().contains("team team-2").then_some(()));
}
