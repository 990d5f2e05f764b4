//! The language: no text panics; errors point into their text; what is printed parses back to the same; index and plain way agree;
//! completion stays within its text.

use nightdesk::domain::event::{Alert, End, Event};
use nightdesk::domain::grouping::Group;
use nightdesk::domain::id::{IncidentId, Number, SourceName};
use nightdesk::domain::incident::Incident;
use nightdesk::domain::label::{IdentityRule, LabelLimits, Labels};
use nightdesk::domain::series::Series;
use nightdesk::domain::time::Timestamp;
use nightdesk::query::explain::explain;
use nightdesk::query::index::Index;
use nightdesk::query::{Eyes, IncidentSubject, Query, alertmanager, complete, reference};
use std::cell::OnceCell;

/// Pieces of the language, and of what others take for it.
pub const WORDS: &[&str] = &[
    " and ",
    " or ",
    " not ",
    "-",
    "!",
    "(",
    ")",
    "{",
    "}",
    ",",
    ":",
    "=",
    "!=",
    "=~",
    "!~",
    "<",
    "<=",
    ">",
    ">=",
    "\"",
    "\\",
    "\\\"",
    "\\n",
    "*",
    " ",
    "severity",
    "sev",
    "state",
    "owner",
    "age",
    "number",
    "source",
    "flaps",
    "series",
    "service",
    "team",
    "plan",
    "held",
    "page",
    "text",
    "label.",
    "S1",
    "s9",
    "unexamined",
    "new",
    "acked",
    "resolved",
    "me",
    "nobody",
    "oncall",
    "2h",
    "90m",
    "1w",
    "12",
    "99999999999999999999",
    "disk",
    "cluster",
    "eu-1",
    "eu-.*",
    "(a|b)+",
    "[a-z]{2,5}",
    "x{1000}",
    "(?i)",
    "\\d",
    "\\Q",
    "[[",
    "&&",
    "||",
    "AND",
    "==",
    "é",
    "日本",
    "\u{202e}",
    "\0",
    "weird name",
    "10.0.0.1:9100",
    "http://",
    "'",
    "`",
];

/// Returns good queries and near misses.
pub fn corpus() -> Vec<String> {
    let mut all: Vec<String> =
        reference().iter().flat_map(|section| &section.lines).map(|line| line.write.clone()).collect();
    let more = [
        "",
        "severity<=3 {cluster=~\"eu-.*\"} -owner:me",
        "{\"weird name\"=\"x\", a!~\"b|c\",}",
        "not (state:new,acked or age<1h30m) \"disk full\"",
        "label.severity=critical svc:pay* number:12,13",
        "text:a,\"b c\" page:hide team!=\"\"",
        "a=~\"(x+x+)+y\" b=\"\\\\\\\"\\n\"",
        "a b or c d or -(e or not f)",
    ];
    all.extend(more.map(str::to_owned));
    all
}

/// Returns matchers of Alertmanager's.
pub fn matchers() -> Vec<String> {
    [
        "foo=bar",
        "foo=\"bar\"",
        "foo!~\"a|b\"",
        "foo=",
        " a = b c ",
        "\"weird name\"=\"\\x41\"",
        "tricky=~~~",
        "a=\\\"\\n\\",
    ]
    .map(str::to_owned)
    .to_vec()
}

struct World {
    incident: Incident,
    series: Vec<Series>,
    index: Index,
}

thread_local! {
    static WORLD: OnceCell<World> = const { OnceCell::new() };
}

/// Takes one text.
pub fn run(text: &str) -> bool {
    let cursor = text.len() / 2;
    WORLD.with(|world| {
        let world = world.get_or_init(world_of_two);
        for cursor in [cursor, text.len()] {
            for one in complete(text, cursor, &world.index) {
                assert!(text.get(one.replaces.clone()).is_some(), "a completion within the text");
            }
        }
        match Query::parse(text) {
            Ok(query) => {
                holds(&query, world);
                true
            }
            Err(error) => {
                assert!(text.get(error.span.clone()).is_some(), "an error points into its text");
                assert!(error.pointed(text).contains('^'));
                false
            }
        }
    })
}

fn holds(query: &Query, world: &World) {
    let printed = query.to_string();
    let again = Query::parse(&printed).unwrap_or_else(|error| panic!("{printed:?} is printed and not read: {error}"));
    assert!(again == *query, "{printed:?} means something else");
    assert_eq!(again.to_string(), printed, "what is canonical stays so");
    explain(query).iter().for_each(|part| assert!(part.query().is_ok(), "{:?} is a part and no query", part.text));
    let eyes = Eyes::nobody(Timestamp::from_millis(7_200_000));
    let plain = world
        .series
        .iter()
        .any(|series| query.matches(&IncidentSubject { incident: &world.incident, series: Some(series) }, &eyes));
    let indexed = !world.index.fits(query, [&world.incident], &eyes).is_empty();
    assert_eq!(plain, indexed, "the index says the same as asking each series");
}

/// Takes one text as Alertmanager's API would.
pub fn run_matcher(text: &str) -> bool {
    let Ok(query) = alertmanager::matcher(text) else { return false };
    let matchers = alertmanager::LabelMatcher::of(&query).expect("a matcher is one");
    assert_eq!(matchers.len(), 1);
    assert!(matchers[0].query().as_ref() == Ok(&query), "a matcher asks the same");
    true
}

fn world_of_two() -> World {
    let group = Group { key: "k".into(), service: "payments".into(), summary: "disk full on é".into() };
    let incident = Incident::open(IncidentId::from_bytes([1; 16]), Number(12), group, Timestamp::from_millis(0));
    let source = SourceName::parse("prometheus").expect("a name");
    let of = |pairs: &[(&str, &str)]| {
        let labels = Labels::new(pairs.iter().copied(), &LabelLimits::LABELS).expect("labels");
        let alert = Alert {
            labels,
            annotations: Labels::default(),
            starts_at: None,
            end: End::Open,
            generator_url: String::new(),
        };
        Series::begin(&Event::new(source.clone(), alert, &IdentityRule::default(), Timestamp::from_millis(0))).0
    };
    let series = vec![
        of(&[("cluster", "eu-1"), ("a", "x"), ("severity", "critical"), ("weird name", "x")]),
        of(&[("cluster", "US-2"), ("instance", "10.0.0.1:9100"), ("team", "日本")]),
    ];
    let mut index = Index::default();
    index.set(incident.id, &series);
    World { incident, series, index }
}
