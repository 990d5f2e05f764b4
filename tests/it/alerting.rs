//! The alert rules of the corpus through the default rules and through the example of a team's: each gets a decision that holds.

use crate::support::alerting::{AlertRule, Judged, example, judge, rules};
use crate::support::alerts::firing;
use crate::support::hub::Hub;
use crate::support::until;
use nightdesk::config;
use nightdesk::domain::holds::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

#[test]
fn the_example_of_rules_has_nothing_to_remark() {
    let home = tempfile::tempdir().expect("a temporary folder");
    for file in ["hub-rules.toml", "hub.toml"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(file);
        let output = Command::new(env!("CARGO_BIN_EXE_nightdesk"))
            .args(["check", &path.display().to_string()])
            .env("NIGHTDESK_HOME", home.path())
            .output()
            .expect("the program starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("nothing to remark"), "{said}");
        assert_eq!(said.contains("2 runbooks, 2 can be read"), file == "hub-rules.toml", "{said}");
    }
}

#[test]
fn the_example_shows_every_list_of_rules() {
    let hub = example("hub-rules.toml");
    let book = &hub.book;
    let lists = [
        ("severity", book.severities.len()),
        ("grouping", book.groupings.len()),
        ("instant", book.instants.len()),
        ("pending", book.pendings.len()),
        ("service_level", book.levels.len()),
        ("calendar", book.calendars.len()),
        ("policy", hub.paging.policies.len()),
        ("route", book.routes.len()),
        ("dependency", book.dependencies.len()),
        ("service", book.services.len()),
        ("source", hub.sources.len()),
        ("view", book.views.len()),
        ("alertmanager", book.alertmanagers.len()),
    ];
    let empty: Vec<&str> = lists.iter().filter(|(_, count)| *count == 0).map(|(list, _)| *list).collect();
    assert_eq!(empty, [""; 0]);
    assert!(hub.sources.iter().any(|source| source.heartbeat.is_some()));
}

/// Holds for any rules that may be called sane.
fn sane(rules: &[AlertRule], all: &[Judged]) {
    assert_eq!(all.iter().map(|one| one.rule).collect::<BTreeSet<_>>().len(), rules.len(), "each rule is decided");
    for one in all {
        let (rule, decision) = (&rules[one.rule], &one.decision);
        let loud = decision.severity.is_some_and(|severity| severity.number() <= 3);
        let parts: BTreeSet<&str> = decision.course.ways.iter().map(|way| way.part.as_str()).collect();
        assert!(parts.is_superset(&["severity", "group", "route", "plan"].into()), "{}: {parts:?}", rule.name);
        assert!((2..=512).contains(&decision.group.key.len()), "{}: {}", rule.name, decision.group.key);
        assert!(!decision.group.summary.is_empty(), "{}", rule.name);
        let quiet = ["info", "none"].contains(&rule.severity()) || rule.is_watchdog() && rule.severity() != "critical";
        assert!(!(quiet && loud), "{} is {}", rule.name, one.severity());
        let critical = rule.severity() == "critical" && !rule.is_watchdog();
        assert!(!critical || loud, "{} is {}", rule.name, one.severity());
    }
}

#[test]
fn the_default_rules_decide_every_alert_of_the_corpus() {
    let (rules, hub) = (rules(), config::Hub::default());
    let all = judge(&hub.book, &rules, 3);
    sane(&rules, &all);
    for one in &all {
        let rule = &rules[one.rule];
        let unexamined = rule.severity().is_empty() || rule.severity() == "none";
        assert_eq!(
            one.decision.severity.is_none(),
            unexamined,
            "{}: what no word names is unexamined, not low",
            rule.name
        );
        assert_eq!((one.decision.course.team(), one.decision.plan), ("unrouted", Plan::Page));
    }
}

#[test]
fn the_example_decides_every_alert_of_the_corpus_as_a_team_would() {
    let (rules, hub) = (rules(), example("hub-rules.toml"));
    let all = judge(&hub.book, &rules, 3);
    sane(&rules, &all);
    for one in &all {
        let (rule, decision) = (&rules[one.rule], &one.decision);
        let pages = decision.plan == Plan::Page && one.calls(hub.paging.down_to);
        let quiet = ["info", "none"].contains(&rule.severity()) || rule.is_watchdog();
        assert!(!(quiet && pages), "{} is {}", rule.name, one.severity());
        assert!(rule.severity() != "critical" || quiet || pages, "{} pages nobody", rule.name);
        assert_ne!(decision.course.team(), "unrouted", "{}", rule.name);
    }
    let of = |severity: &str| all.iter().filter(|one| one.severity() == severity).count() / 3;
    let unexamined: BTreeSet<&str> =
        all.iter().filter(|one| one.decision.severity.is_none()).map(|one| rules[one.rule].name.as_str()).collect();
    assert_eq!(unexamined, ["PodStatusIsIncorrect"].into(), "it has no label that says anything");
    assert!((1..40).contains(&of("S1")), "{} rules wake people whatever else burns", of("S1"));
}

#[test]
fn more_instances_make_more_incidents_only_where_a_rule_says_so() {
    let (rules, hub) = (rules(), example("hub-rules.toml"));
    let keys = |instances| {
        let mut keys: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for one in judge(&hub.book, &rules, instances) {
            keys.entry(one.rule).or_default().insert(one.decision.group.key);
        }
        keys
    };
    let (few, many) = (keys(3), keys(40));
    for (rule, keys) in &many {
        let apart = [r#""instance""#, r#""node""#, r#""persistentvolumeclaim""#];
        let by_which = keys.iter().all(|key| apart.iter().any(|label| key.contains(label)));
        let grew = keys.len() > few[rule].len();
        assert!(!grew || by_which, "{}", rules[*rule].name);
        assert!(keys.len() <= 40);
    }
    let lumped = many.values().filter(|keys| keys.len() == 1).count();
    assert!(lumped * 10 > rules.len() * 8, "40 instances are one incident for {lumped} of {} rules", rules.len());
}

/// A switch, and what is told only once it is back.
const SWITCH: &str =
    "[[dependency]]\nmatch = '{job=\"db\"}'\non = '{job=\"switch\"}'\nsame = [\"rack\"]\nhold = \"30m\"\n";

#[test]
fn an_incident_says_by_command_what_it_waits_for() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), SWITCH);
    hub.alert(&[firing("SwitchDown", &[("job", "switch"), ("rack", "r4")])]);
    hub.alert(&[firing("DbDown", &[("job", "db"), ("rack", "r4")])]);
    let why = || hub.command(&["why", "2"]).stdout;
    let said = until("the wait", Duration::from_secs(20), || Some(why()).filter(|said| said.contains("held")));
    assert!(said.contains("held      by 1 until ") && said.contains("nobody was called yet"), "{said}");
    let ended = hub.command(&["silence", "add", "{job=\"db\"}", "--for", "1h", "--reason", "moving", "--yes"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    until("the silence", Duration::from_secs(20), || why().contains("silenced  by ").then_some(()));
}
