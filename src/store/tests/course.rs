//! What an incident says of itself where rules shape it: its title, and by which rules it is as loud as it is.

use super::*;
use crate::domain::holds::Plan;

const BOOK: &str = r#"
[[grouping]]
name = "rack"
match = 'rack=~".+"'
by = ["rack"]
title = "rack {rack} is dark"
[[service_level]]
name = "loud"
match = 'severity<=3'
plan = "page"
[[service_level]]
name = "quiet"
match = ''
plan = "keep"
"#;

fn by_book(text: &str) -> Rules {
    let (hub, faults) = crate::config::Hub::parse(std::path::Path::new("hub.toml"), text).unwrap();
    assert_eq!(faults, []);
    let book = Arc::new(hub.book);
    Rules { handles: book.clone(), book, ..rules() }
}

fn burns(instance: &str, severity: &str, second: i64) -> Event {
    let labels = [("alertname", "Down"), ("rack", "r4"), ("instance", instance), ("severity", severity)];
    let labels = Labels::new(labels, &LabelLimits::LABELS).unwrap();
    let annotations = Labels::new([("summary", "host is away")], &LabelLimits::ANNOTATIONS).unwrap();
    let alert = Alert { labels, annotations, ..alert("Down", instance, second, End::Until(at(5000))) };
    Event::new(SourceName::parse("prometheus").unwrap(), alert, &IdentityRule::default(), at(second))
}

fn ways(incident: &Incident) -> Vec<String> {
    incident.course.ways.iter().map(|way| format!("{}: {} -> {}", way.part, way.by, way.made)).collect()
}

#[tokio::test]
async fn a_title_stays_and_the_ways_are_those_of_what_made_it_loud() {
    for make in [sqlite_by as Make, memory_by as Make] {
        let desk = make(by_book(BOOK));
        desk.take(vec![burns("1", "warning", 1)]).await;
        let incident = desk.incidents().await.remove(0);
        assert_eq!((incident.summary.as_str(), incident.plan), ("rack r4 is dark", Plan::Keep));
        desk.take(vec![burns("2", "critical", 2)]).await;
        let incident = desk.incidents().await.remove(0);
        assert_eq!((incident.summary.as_str(), incident.plan), ("rack r4 is dark", Plan::Page));
        let told = [
            "severity: the label severity=critical -> S2",
            "route: no route -> team unrouted, policy default",
            "group: rule `rack` (line 4) -> rack",
            "plan: rule `loud` (line 9) -> page",
        ];
        assert_eq!(ways(&incident), told);
        desk.take(vec![burns("3", "info", 3)]).await;
        assert_eq!(ways(&desk.incidents().await[0]), told, "what is milder changes nothing");
        desk.store.reload(by_book(BOOK), at(4)).await.unwrap();
        assert_eq!(ways(&desk.incidents().await[0]), told, "nor do the same rules, read anew");
    }
}
