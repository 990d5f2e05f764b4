//! What an alertmanager.yml becomes.

use super::alertmanager::import;

const EXAMPLE: &str = r#"
global:
  resolve_timeout: 5m
route:
  receiver: team-all
  group_by: [alertname, cluster]
  group_wait: 30s
  repeat_interval: 3h
  routes:
    - matchers: ['service=~"mysql|cassandra"', severity = critical]
      receiver: db
      continue: true
      routes:
        - match: {owner: "team-x"}
          match_re: {cluster: "eu-.*"}
          receiver: x
          group_by: ['...']
          active_time_intervals: [office]
    - match: {severity: none}
      receiver: blackhole
      group_by: []
      mute_time_intervals: [nights]
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_matchers: ['{severity="warning"}']
    equal: [alertname, cluster]
receivers:
  - name: team-all
    slack_configs: [{channel: '#alerts'}]
  - name: db
    pagerduty_configs: [{routing_key: secret}]
    webhook_configs: []
  - name: x
  - name: blackhole
time_intervals:
  - name: office
    time_intervals:
      - weekdays: ['monday:friday']
        times: [{start_time: '09:00', end_time: '17:00'}]
        location: Europe/Berlin
  - name: nights
    time_intervals: [{months: ['january']}]
"#;

#[test]
fn an_alertmanager_becomes_rules_with_a_word_for_what_has_no_equal() {
    insta::assert_snapshot!(import(EXAMPLE).unwrap());
}

#[test]
fn what_is_made_is_toml_and_says_no_secret() {
    let made = import(EXAMPLE).unwrap();
    for line in made.lines().filter(|line| line.starts_with("match = ") || line.starts_with("on = ")) {
        let (_, query) = line.split_once(" = ").unwrap();
        crate::query::Query::parse(query.trim_matches(['\'', '"'])).unwrap();
    }
    let table: toml::Table = toml::from_str(&made).unwrap_or_else(|error| panic!("{error}\n{made}"));
    let routes = table["route"].as_array().unwrap();
    let queries: Vec<&str> = routes.iter().map(|route| route["match"].as_str().unwrap()).collect();
    assert_eq!(
        queries,
        [
            r#"{service=~"mysql|cassandra", severity = critical, owner="team-x", cluster=~"eu-.*"}"#,
            r#"{service=~"mysql|cassandra", severity = critical}"#,
            r#"{severity="none"}"#,
            "{}"
        ]
    );
    assert!(!made.contains("secret"));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let error = |text: &str| format!("{:#}", import(text).unwrap_err());
    assert!(error("route: [").contains("line 1"), "{}", error("route: ["));
    assert!(error("receivers: []").contains("route"));
    assert!(error("route: {}").contains("route: no receiver"));
    assert!(error("route: {receiver: x}").contains("\"x\""));
    let text = "route: {receiver: x, routes: [{matchers: [nothing]}]}\nreceivers: [{name: x}]";
    assert!(error(text).contains("route.routes[0]: \"nothing\" is no matcher"), "{}", error(text));
    let deep = "routes: [{".repeat(60) + &"}]".repeat(60);
    assert!(error(&format!("route: {{receiver: x, {deep}}}")).contains("nested"));
}

#[test]
fn a_comment_cannot_be_broken_out_of() {
    let name = "x\\n[evil]\\u0000";
    let text = format!(
        "route: {{receiver: \"{name}\", mute_time_intervals: [\"{name}\"]}}\nreceivers: [{{name: \"{name}\"}}]"
    );
    let made: toml::Table = toml::from_str(&import(&text).unwrap()).unwrap();
    assert!(!made.contains_key("evil"));
}
