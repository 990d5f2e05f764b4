//! What rules make of alerts, and what is said of wrong ones.

use crate::domain::course::UNROUTED;
use crate::domain::holds::Plan;
use crate::domain::id::SourceName;
use crate::domain::label::{LabelLimits, Labels};
use crate::domain::severity::Severity;
use crate::rules::{Decision, Rulebook, Said, Seen, remarks};
use std::path::Path;
use std::time::Duration;

fn parse(text: &str) -> (Rulebook, Vec<String>) {
    let (hub, faults) =
        crate::config::Hub::parse(Path::new("hub.toml"), text).unwrap_or_else(|error| panic!("{error}"));
    (hub.book, faults.iter().map(|fault| format!("{}: {}: {}", fault.line, fault.place, fault.why)).collect())
}

fn book(text: &str) -> Rulebook {
    let (book, faults) = parse(text);
    assert_eq!(faults, [""; 0]);
    book
}

fn decide(book: &Rulebook, labels: &[(&str, &str)]) -> Decision {
    let source = SourceName::parse("prometheus").unwrap();
    let labels = Labels::new(labels.iter().copied(), &LabelLimits::LABELS).unwrap();
    let annotations = Labels::new([("summary", "it burns")], &LabelLimits::ANNOTATIONS).unwrap();
    book.decide(Said { source: &source, labels: &labels, annotations: &annotations })
}

const DOWN: &[(&str, &str)] = &[("alertname", "Down"), ("service", "pay"), ("severity", "critical"), ("cluster", "eu")];

#[test]
fn without_rules_all_is_as_it_was() {
    let decision = decide(&Rulebook::default(), DOWN);
    assert_eq!(decision.severity.map(Severity::number), Some(2));
    assert_eq!(decision.group.key, r#"[["alertname","Down"],["cluster","eu"],["service","pay"]]"#);
    assert_eq!((decision.group.summary.as_str(), decision.group.service.as_str()), ("it burns", "pay"));
    assert_eq!((decision.plan, decision.pending, decision.instant), (Plan::Page, Duration::ZERO, false));
    assert_eq!((decision.course.team(), decision.course.policy()), (UNROUTED, "default"));
    assert_eq!(decide(&Rulebook::default(), &[("alertname", "X")]).severity, None, "unexamined, not low");
}

const RULES: &str = r#"
[[severity]]
name = "prod"
match = '{severity="critical", env="prod"}'
impact = "high"
likelihood = "high"
[[severity]]
match = '{alertname="Watchdog"}'
severity = "S9"
[[grouping]]
name = "switch"
match = '{alertname=~"Down|Unreachable"} {rack!=""}'
by = ["rack"]
window = "30m"
title = "rack {rack} is down ({nothing})"
[[pending]]
match = '{alertname="Probe"}'
for = "2m"
[[service_level]]
match = 'severity>=7'
plan = "batch"
calendar = "office"
[[calendar]]
name = "office"
zone = "Europe/Berlin"
days = ["mon", "tue"]
from = "09:00"
to = "24:00"
[[policy]]
name = "db"
levels = [{ call = ["everyone"], within = "1m" }]
[[route]]
match = 'team=storage'
policy = "db"
[[route]]
match = ''
team = "ops"
[[service]]
name = "disks"
team = "storage"
[[instant]]
match = '{alertname="BackupFailed"}'
[[dependency]]
match = 'service=pay'
on = '{alertname="Switch"}'
same = ["rack"]
[[view]]
name = "mine"
key = "1"
query = 'owner=me'
[triage]
deadline = "2h"
"#;

#[test]
fn the_first_rule_that_fits_decides_and_says_so() {
    let book = book(RULES);
    let prod = decide(&book, &[("alertname", "Down"), ("severity", "critical"), ("env", "prod"), ("rack", "r4")]);
    assert_eq!(prod.severity, Some(Severity::S1));
    assert_eq!(
        (prod.group.key.as_str(), prod.group.summary.as_str()),
        (r#"["switch",null,[["rack","r4"]]]"#, "rack r4 is down (-)")
    );
    assert_eq!((prod.course.team(), prod.course.window_ms), ("ops", Some(1_800_000)));
    let told: Vec<String> =
        prod.course.ways.iter().map(|way| format!("{}: {} -> {}", way.part, way.by, way.made)).collect();
    assert_eq!(
        told,
        [
            "severity: rule `prod` (line 4) -> S1",
            "route: rule `route 2` (line 36) -> team ops, policy default",
            "group: rule `switch` (line 12) -> rack",
            "plan: the default -> page",
        ]
    );
    let watchdog = decide(&book, &[("alertname", "Watchdog"), ("severity", "none")]);
    assert_eq!((watchdog.severity.map(Severity::number), watchdog.plan), (Some(9), Plan::Batch));
    assert_eq!(watchdog.calendar.as_deref(), Some("office"));
    assert_eq!(decide(&book, &[("alertname", "Probe")]).pending, Duration::from_secs(120));
    let disks = decide(&book, &[("alertname", "Full"), ("service", "disks")]);
    assert_eq!((disks.course.team(), disks.course.policy()), ("storage", "db"), "by the service's owner");
    assert!(decide(&book, &[("alertname", "BackupFailed")]).instant);
    assert_eq!(
        (book.triage, book.views.len(), book.dependencies[0].then.hold.as_secs()),
        (Duration::from_secs(7200), 1, 900)
    );
}

#[test]
fn every_mistake_is_named_with_its_line_and_what_to_write() {
    let (_, faults) = parse(
        r#"[[severity]]
match = 'severty<=3'
severity = "S0"
[[severity]]
match = ''
impact = "hihg"
likelihood = "low"
[[service_level]]
match = ''
plan = "bach"
[[service_level]]
match = ''
plan = "batch"
calendar = "offise"
[[calendar]]
name = "office"
zone = "Europe/Berlinn"
days = ["mo"]
from = "9"
to = "24:00"
except = ["christmas"]
[[policy]]
name = "db"
levels = [{ call = ["everyone"] }]
[[route]]
match = ''
policy = "dbs"
[[pending]]
match = ''
for = "soon"
[[dependency]]
match = ''
on = ''
hold = "9h"
[[alertmanager]]
url = "localhost:9093"
"#,
    );
    insta::assert_snapshot!(faults.join("\n"));
}

#[test]
fn what_is_not_meant_is_remarked() {
    let book = book(
        r#"
[[route]]
match = '{a="1"}'
team = "x"
[[route]]
name = "late"
match = '{a="1", b="2"} severity<=3'
[[dependency]]
match = '{a="1"}'
on = '{b="1"}'
[[dependency]]
name = "back"
match = '{b="1"}'
on = '{a="1"}'
"#,
    );
    let labels = |pairs: &[(&str, &str)]| Labels::new(pairs.iter().copied(), &LabelLimits::LABELS).unwrap();
    let seen = [Seen { source: SourceName::parse("p").unwrap(), labels: labels(&[("alertname", "X"), ("a", "1")]) }];
    let told: Vec<String> =
        remarks(&book, Some(&seen)).iter().map(|fault| format!("{}: {}", fault.place, fault.why)).collect();
    let all = told.join("\n");
    for wanted in [
        "route `late`: never reached",
        "`back`: it is the other way round",
        "nothing catches",
        "route `late`: no alert",
        "no rule says how bad X",
    ] {
        assert!(all.contains(wanted), "{wanted} in\n{all}");
    }
    assert_eq!(remarks(&Rulebook::default(), Some(&[])), []);
}

#[test]
fn two_rules_of_a_list_cannot_have_one_name() {
    let text = "[[grouping]]\nname = \"x\"\nmatch = ''\nby = []\n".repeat(2);
    assert!(parse(&text).1[0].contains("stands there twice"));
}
