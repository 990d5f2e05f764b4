//! What queries mean, how they print, and what is said of texts that are none.

use super::tree::{Atom, Compare, FieldTest, Kind, Node, TextTest, Whose};
use super::*;
use crate::domain::event::{Alert, End, Event};
use crate::domain::grouping::Group;
use crate::domain::id::{IncidentId, Number, SourceName, UserName};
use crate::domain::incident::{Incident, Life};
use crate::domain::label::{IdentityRule, LabelLimits, Labels};
use crate::domain::series::Series;
use crate::domain::severity::Severity;
use crate::domain::time::Timestamp;
use proptest::prelude::*;
use std::collections::{BTreeSet, HashSet};

fn labels() -> Labels {
    let pairs = [
        ("alertname", "Disk full"),
        ("service", "Payments-API"),
        ("cluster", "eu-1"),
        ("severity", "critical"),
        ("weird name", "x"),
        ("path", "/var\n\"lib\""),
    ];
    Labels::new(pairs, &LabelLimits::LABELS).unwrap()
}

/// Texts of every kind of question, for those who must answer alike.
pub(super) const SOME_TEXTS: &[&str] = &[
    "",
    "disk",
    "pay",
    "us-1",
    "prometheus",
    "-disk or 12",
    "{cluster=\"eu-1\"}",
    "{cluster!=\"eu-1\"}",
    "{cluster=~\"eu-.*\",instance!~\"host-[12]\"}",
    "{severity=\"\"}",
    "{severity!=\"\", cluster=~\".*1\"}",
    "cluster:EU-*",
    "not cluster:*",
    "zone=b",
    "zone=\"\"",
    "zone!~b|",
    "cluster:eu-1 instance=host-1",
    "-(cluster:eu-1 instance=host-1)",
    "source=prometheus",
    "source!=prometheus",
    "-source:x*",
    "flaps>=2",
    "flaps:0,1",
    "flaps!=1",
    "state:firing",
    "-state:firing",
    "state:new,acked cluster=eu-2",
    "state!=open",
    "severity<=3 or instance=host-3",
    "severity:unexamined",
    "svc:pay* -cluster:us*",
    "service=\"\"",
    "owner:nobody age<1h",
    "owner:me or age>1h",
    "page:me",
    "page:hide disk",
    "number:3,4,5 (instance=host-0 or instance=host-4)",
    "series=0",
    "held:no silenced:yes",
    "team=\"\"",
    "text:nothing,host-2",
];

/// Returns an incident of that number and service.
pub(super) fn numbered(number: u64, service: &str) -> Incident {
    let group = Group { key: number.to_string(), service: service.into(), summary: "it is broken".into() };
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_le_bytes());
    Incident::open(IncidentId::from_bytes(id), Number(number), group, at(number as i64 * 5))
}

/// Returns a series with these labels.
pub(super) fn series_of(pairs: &[(&str, &str)]) -> Series {
    let labels = Labels::new(pairs.iter().copied(), &LabelLimits::LABELS).unwrap();
    begun(labels)
}

fn series() -> Series {
    let mut series = begun(labels());
    series.flaps = 3;
    series
}

fn begun(labels: Labels) -> Series {
    let alert =
        Alert { labels, annotations: Labels::default(), starts_at: None, end: End::Open, generator_url: String::new() };
    let source = SourceName::parse("prometheus").unwrap();
    Series::begin(&Event::new(source, alert, &IdentityRule::default(), at(0))).0
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_millis(minutes * 60_000)
}

fn incident() -> Incident {
    let group = Group { key: "k".into(), service: "payments-api".into(), summary: "error rate 38%".into() };
    let mut incident = Incident::open(IncidentId::from_bytes([7; 16]), Number(12), group, at(0));
    incident.severity = Severity::new(2).ok();
    incident.tally.firing = 2;
    incident
}

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn fits(text: &str, incident: &Incident) -> bool {
    let (mira, on_call) = (user("mira"), BTreeSet::from([user("joe")]));
    let calls = HashSet::from([incident.id]);
    let eyes = Eyes { now: at(90), me: Some(&mira), on_call: &on_call, calls: &calls };
    let series = series();
    let query = Query::parse(text).unwrap_or_else(|error| panic!("{}", error.pointed(text)));
    query.matches(&IncidentSubject { incident, series: Some(&series) }, &eyes)
}

#[track_caller]
fn yes(texts: &[&str]) {
    texts.iter().for_each(|text| assert!(fits(text, &incident()), "{text}"));
}

#[track_caller]
fn no(texts: &[&str]) {
    texts.iter().for_each(|text| assert!(!fits(text, &incident()), "{text}"));
}

#[test]
fn braces_are_alertmanagers_matchers() {
    yes(&[
        r#"{cluster="eu-1"}"#,
        r#"{ cluster = "eu-1" , severity="critical", }"#,
        "{cluster=eu-1,severity!=warning}",
        r#"{cluster=~"eu-.*"}"#,
        r#"{cluster!~"us-.*",pod=""}"#,
        r#"{"weird name"="x"}"#,
        r#"{path="/var\n\"lib\""}"#,
        "{severity=critical}",
        "{}",
    ]);
    no(&[r#"{cluster="eu"}"#, r#"{cluster=~"eu"}"#, r#"{pod!=""}"#, "{severity=S2}", r#"{service="payments-api"}"#]);
}

#[test]
fn outside_a_field_is_a_field_and_anything_else_a_label() {
    yes(&[
        "cluster=eu-1",
        "cluster = \"eu-1\"",
        "cluster:EU-*",
        "cluster:us,eu-1",
        "label.severity=critical",
        "\"weird name\"=x",
        "severity=S2",
        "alertname=~\"Disk .*\"",
        "pod=\"\"",
        "service=payments-api",
        "instance!=10.0.0.1:9100",
        "cluster=~(eu|us)-[0-9]{1,2}",
    ]);
    no(&["severity=S3", "cluster=EU-1", "pod:*", "colour:red", "label.severity=S2", "service=Payments-API"]);
}

#[test]
fn every_field_answers() {
    yes(&[
        "sev:s1,s2",
        "severity<=3",
        "severity<S3",
        "severity>=2",
        "state:new",
        "state:open,acked",
        "state:firing",
        "state:unacked",
        "svc:pay*",
        "owner:nobody",
        "age<2h",
        "age>=1h30m",
        "age>89m59s",
        "number=12",
        "id:11,12",
        "source:prom*",
        "flaps>=3",
        "series=2",
        "series>1",
        "page:me",
        "page:hide",
        "held:no",
        "silenced:no",
        "claimed=no",
        "team=unrouted",
        "text:38%",
    ]);
    no(&[
        "sev:s3",
        "severity<2",
        "severity:unexamined",
        "state:ack",
        "state:resolved",
        "svc:pay",
        "owner:me",
        "owner!=nobody",
        "age<90m",
        "number!=12",
        "source=prom",
        "flaps>3",
        "plan:keep",
        "held:yes",
        "team:payments",
        "policy=other",
    ]);
}

#[test]
fn who_has_it_and_how_it_stands_follow_the_incident() {
    let mut incident = incident();
    (incident.owner, incident.life) = (Some(user("Mira")), Life::Acked);
    for text in ["owner:mira", "owner:MI*", "state:acked", "state:ack", "state:open", "-owner:nobody"] {
        assert!(fits(text, &incident), "{text}");
    }
    assert!(!fits("owner:me", &incident), "the name is another");
    incident.owner = Some(user("joe"));
    assert!(fits("owner:oncall", &incident) && !fits("owner:me", &incident) && fits("joe", &incident));
    (incident.life, incident.severity) = (Life::Resolved, None);
    for text in ["state:resolved", "-state:open", "severity:unexamined", "-severity<=9", "severity!=2"] {
        assert!(fits(text, &incident), "{text}");
    }
}

#[test]
fn and_or_not_bind_as_everywhere() {
    yes(&[
        "",
        "  ",
        "pay 38%",
        "disk and full",
        "nothing or disk",
        "nothing nope or disk",
        "disk (nothing or full)",
        "-nothing",
        "not nothing",
        "!nothing",
        "not (nothing or nope)",
        "- - disk",
        "not not disk",
        "\"k FULL\"",
        "12",
        "!cluster=us",
    ]);
    no(&["nothing", "disk nothing", "-disk", "not (disk or nope)", "nothing or nope", "not not nothing"]);
}

#[test]
fn addresses_and_odd_words_are_text() {
    for text in ["10.0.0.1:9100", "http://pay:80/x", "38%", "eu-1", "a~b", "wow!", "a&b", "[x]", "#12", "label."] {
        let query = Query::parse(text).unwrap();
        assert_eq!(query.tree().kind, Kind::Atom(Atom::Text(vec![text.to_owned()])), "{text}");
    }
}

#[test]
fn rules_ask_an_alert_by_itself() {
    let (source, labels) = (SourceName::parse("prometheus").unwrap(), labels());
    let subject = AlertSubject { source: &source, labels: &labels };
    let fits = |text| Query::parse(text).unwrap().matches(&subject, &Eyes::nobody(at(0)));
    for text in ["{cluster=~\"eu.*\"}", "severity:s2", "source=prometheus", "svc:payments*", "disk", "owner:nobody"] {
        assert!(fits(text), "{text}");
    }
    for text in ["number=0", "age>=0s", "age<1h", "page:me", "owner:me", "flaps=0"] {
        assert!(!fits(text), "{text}");
    }
}

#[track_caller]
fn wrong(text: &str, pointed: &str) {
    let error = Query::parse(text).expect_err(text);
    assert_eq!(error.pointed(text), pointed, "{text}");
}

#[test]
fn errors_point_at_the_place_and_say_what_was_meant() {
    wrong("severity:s12", "severity:s12\n         ^^^\n`severity` is S1 (worst) to S9, or unexamined, not `s12`");
    wrong(
        "sev=critical",
        "sev=critical\n    ^^^^^^^^\n`severity` is S1 (worst) to S9, or unexamined, not `critical`\n\
         hint: for the label write label.severity=\"critical\"",
    );
    wrong("disk state:nwe", "disk state:nwe\n           ^^^\n`state` has no word `nwe`\nhint: did you mean `new`?");
    wrong("age<2", "age<2\n    ^\n`2` has no unit\nhint: write 2m for minutes, 2h for hours, 2d for days");
    wrong("a==b", "a==b\n ^^\n`==` is no operator\nhint: write `=`");
    wrong("a && b", "a && b\n  ^^\n`&&` is no word of this language\nhint: write `and`, or \"&&\" for the text");
    wrong("ä||b", "ä||b\n ^^\n`||` is no word of this language\nhint: write `or`, or \"||\" for the text");
    wrong("a AND b", "a AND b\n  ^^^\n`AND` is no word of this language\nhint: write `and`, or \"AND\" for the text");
    wrong("x \"disk", "x \"disk\n  ^^^^^\nthis quote is not closed\nhint: write `\"` at its end");
    wrong("(a or b", "(a or b\n^\nthis parenthesis is not closed\nhint: write `)`");
    wrong("{a=\"b\"", "{a=\"b\"\n^\nthis brace is not closed\nhint: write `}`");
    wrong(
        "sevrty<3",
        "sevrty<3\n^^^^^^^\n`sevrty` is a label, and labels are not greater or less\n\
         hint: did you mean `severity`? severity, age, number, flaps and series are compared",
    );
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    for (text, start, says) in [
        ("a)", 1, "closes nothing"),
        ("a }", 2, "closes nothing"),
        ("()", 0, "nothing stands"),
        ("a or", 4, "missing here"),
        ("not", 3, "missing here"),
        ("state:", 5, "a value is missing"),
        ("pod=", 3, "a value is missing"),
        ("svc=a,b", 5, "takes one value"),
        ("state:new,,acked", 9, "between commas"),
        ("a, b", 1, "comma"),
        ("=x", 0, "no name"),
        ("age=2h", 0, "takes < <="),
        ("age<2x", 4, "no span"),
        ("age<99999999w", 4, "at most"),
        ("state<new", 0, "takes : = and !="),
        ("owner=~mira", 0, "takes : = and !="),
        ("number:twelve", 7, "whole number"),
        ("severity<unexamined", 9, "neither"),
        ("x=~\"(\"", 3, "not a regular expression"),
        ("{state:new}", 1, "there must be"),
        ("{a=\"b\" c=\"d\"}", 7, "comma is missing"),
        ("{=x}", 1, "name of a label is missing"),
        ("{\"\"=x}", 1, "is empty"),
        ("{\"\\q\"=x}", 1, "escape"),
        ("'disk'", 0, "no quote"),
        ("a=\"b\"c", 5, "without a space"),
        ("a~=b", 1, "no operator"),
        ("age=<2h", 3, "no operator"),
        ("a= =b", 1, "no operator"),
    ] {
        match Query::parse(text) {
            Ok(query) => assert!(says.is_empty(), "{text} is read as {query}"),
            Err(error) => {
                assert!(error.message.contains(says) && !says.is_empty(), "{text}: {}", error.pointed(text));
                assert_eq!(error.span.start, start, "{}", error.pointed(text));
            }
        }
    }
}

#[test]
fn limits_are_errors() {
    let error = |text: &str| Query::parse(text).expect_err("a limit").message;
    assert!(error(&"a".repeat(4097)).contains("4096 bytes"));
    assert!(error(&"(".repeat(40)).contains("32 deep"));
    assert!(error(&format!("{}a", "-".repeat(40))).contains("32 deep"));
    assert!(error(&"a ".repeat(257)).contains("256 questions"));
    assert!(error(&"a=~b ".repeat(17)).contains("16 regular expressions"));
    assert!(error(&format!("a=~\"{}\"", "b".repeat(513))).contains("512 bytes"));
    assert!(error("a=~\"((x{100}){100}){100}\"").contains("too large"));
    assert!(error(&format!("a=\"{}\"", "\\q".repeat(2046))).contains("in full"));
    assert!(Query::parse(&format!("{}a{}", "(".repeat(32), ")".repeat(32))).is_ok());
    assert!(Query::parse(&"a ".repeat(256)).is_ok());
}

#[test]
fn equalities_are_those_that_must_hold() {
    let of = |text| {
        let query = Query::parse(text).unwrap();
        query.equalities().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of("{a=\"1\",b!=\"2\",c=~\"3\"} d=4 e:5 team=x"), "a=1 d=4");
    assert_eq!(of("a=1 or b=2"), "");
    assert_eq!(of("-a=1 (b=2 and (c=3 d=\"\"))"), "b=2 c=3");
    assert_eq!(of(""), "");
}

#[test]
fn what_hides_pages_and_what_asks_the_past_is_known() {
    let read = |text| Query::parse(text).unwrap();
    assert!(read("disk page:hide").hides_pages() && !read("disk page:me").hides_pages());
    assert!(read("state:resolved").asks_the_past() && read("a or age>2d").asks_the_past());
    assert!(!read("state:open -x").asks_the_past());
    assert!(read("").is_all() && read("{}").is_all() && read("{}") == Query::all() && !read("a").is_all());
}

#[test]
fn one_text_for_each_meaning() {
    for (text, canonical) in [
        ("", ""),
        ("sev:s2,s1  -x !y", "severity:S1,S2 and not x and not y"),
        ("a b or c", "a and b or c"),
        ("a (b or (c or d))", "a and (b or c or d)"),
        ("((a)) and (b c)", "a and b and c"),
        ("{cluster=~eu-.*,severity=x,b.c=d}", "cluster=~\"eu-.*\" and label.severity=\"x\" and {b.c=\"d\"}"),
        ("{\"weird name\"=\"x\"}", "{\"weird name\"=\"x\"}"),
        ("\"weird name\":x*", "\"weird name\":x*"),
        ("age<90m", "age<1h30m"),
        ("state=ack", "state:acked"),
        ("owner!=none", "owner!=nobody"),
        ("owner:\"me\"", "owner:\"me\""),
        ("text:\"Disk Full\",b", "text:\"disk full\",b"),
        ("text!=a", "not a"),
        ("\"and\"", "\"and\""),
        ("label.and=x", "{and=\"x\"}"),
        ("number=#12", "number:12"),
        ("severity<=S3", "severity<=S3"),
        ("svc:\"a*b\",a*b", "service:\"a*b\",a*b"),
    ] {
        let query = Query::parse(text).unwrap_or_else(|error| panic!("{}", error.pointed(text)));
        assert_eq!(query.to_string(), canonical, "{text}");
        assert_eq!(Query::parse(canonical).as_ref(), Ok(&query), "{canonical}");
    }
}

#[test]
fn a_query_travels_as_its_text() {
    let query = Query::parse(" sev:s1  disk ").unwrap();
    assert_eq!(serde_json::to_string(&query).unwrap(), "\"sev:s1  disk\"");
    assert_eq!(serde_json::from_str::<Query>("\"sev:s1  disk\"").unwrap(), query);
    let error = serde_json::from_str::<Query>("\"disk (\"").unwrap_err().to_string();
    assert!(error.contains("at byte"), "{error}");
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,6}", "[a-zA-Z0-9_.:/*-]{1,8}", any::<String>().prop_map(|text| text.chars().take(8).collect())]
}

fn text_tests() -> impl Strategy<Value = (bool, TextTest)> {
    let glob = prop_oneof![
        "[a-z]{0,3}\\*[a-z]{0,3}".prop_map(|text| Glob::starred(&text)),
        any_text().prop_map(|text| Glob::literal(&text)),
    ];
    prop_oneof![
        (any::<bool>(), any_text()).prop_map(|(negated, text)| (negated, TextTest::Is(text))),
        (any::<bool>(), "[a-z.*\"\\\\]{0,3}[a-z]")
            .prop_filter_map("a pattern", |(no, text)| Some((no, TextTest::Matches(Pattern::new(&text).ok()?)))),
        prop::collection::vec(glob, 1..4).prop_map(|globs| (false, TextTest::Like(globs))),
    ]
}

fn atoms() -> impl Strategy<Value = Atom> {
    let name = prop_oneof![
        any_text(),
        prop::sample::select(vec!["severity", "and", "label.x", "a:b", "cluster", "text"]).prop_map(str::to_owned),
    ];
    let name = name.prop_filter("a name", |name| !name.is_empty());
    let whose = prop_oneof![
        Just(Whose::Me),
        Just(Whose::Nobody),
        Just(Whose::OnCall),
        any_text().prop_map(|name| Whose::Named(Glob::literal(&name))),
    ];
    let field = |field, negated, test| Atom::Field { field, negated, test };
    let compare = prop::sample::select(vec![Compare::Less, Compare::AtMost, Compare::More, Compare::AtLeast]);
    prop_oneof![
        (name, text_tests()).prop_map(|(name, (negated, test))| Atom::Label { name, negated, test }),
        text_tests().prop_map(move |(negated, test)| field(Field::Service, negated, FieldTest::Text(test))),
        prop::collection::vec(any_text(), 1..4)
            .prop_map(|all| Atom::Text(all.iter().map(|text| text.to_lowercase()).collect())),
        (1u16..1 << 11).prop_map(move |bits| field(Field::State, false, FieldTest::Words(bits))),
        (1u16..1 << 10).prop_map(move |bits| field(Field::Severity, false, FieldTest::Severities(bits))),
        (0u16..10).prop_map(move |bit| field(Field::Severity, true, FieldTest::Severities(1 << bit))),
        prop::collection::vec(any::<u64>(), 1..3).prop_map(move |all| field(
            Field::Number,
            false,
            FieldTest::Numbers(all)
        )),
        prop::collection::vec(whose, 1..3).prop_map(move |all| field(Field::Owner, false, FieldTest::Owners(all))),
        (compare.clone(), 0u64..9_000_000).prop_map(move |(compare, seconds)| {
            field(Field::Age, false, FieldTest::Compare(compare, seconds * 1000))
        }),
        (compare, 1u64..10).prop_map(move |(order, than)| field(
            Field::Severity,
            false,
            FieldTest::Compare(order, than)
        )),
    ]
}

fn trees() -> impl Strategy<Value = Node> {
    let leaf = atoms().prop_map(|atom| Node::atom(0..0, atom));
    leaf.prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| Node::and(0..0, parts)),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| Node::or(0..0, parts)),
            inner.prop_map(|part| Node::negated(0..0, part)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_printed_parses_back_to_an_equal_tree(tree in trees()) {
        let text = tree.to_string();
        match Query::parse(&text) {
            Ok(query) => {
                prop_assert_eq!(query.tree(), &tree, "{}", text);
                prop_assert_eq!(query.to_string(), text);
            }
            Err(error) => {
                let limit = error.message.contains("at most") || error.message.contains("bytes");
                prop_assert!(limit, "{}", error.pointed(&text));
            }
        }
    }

    #[test]
    fn no_text_panics_and_errors_point_into_it(
        text in prop_oneof![any::<String>(), "[a-z:=!~<>(){}\",\\\\ 0-9*-]{0,40}", "((sev|age|state|a)(:|<|=|=~)[a-z0-9*]{0,4}[ ,()]?){0,6}"]
    ) {
        match Query::parse(&text) {
            Ok(query) => {
                let printed = query.to_string();
                let again = Query::parse(&printed);
                prop_assert_eq!(again.as_ref(), Ok(&query), "{} -> {}", text, printed);
            }
            Err(error) => {
                prop_assert!(text.get(error.span.clone()).is_some(), "{:?} {:?}", text, error);
                prop_assert!(error.pointed(&text).contains('^'));
            }
        }
    }
}

#[test]
fn a_long_line_is_shown_around_the_place_alone() {
    let text = format!("{} severity<=x {}", "word ".repeat(100), "more ".repeat(100));
    let pointed = Query::parse(&text).unwrap_err().pointed(&text);
    let mut lines = pointed.lines();
    let (shown, carets) = (lines.next().unwrap(), lines.next().unwrap());
    assert!(shown.len() <= 240 && shown.contains("severity<=x"), "{pointed}");
    assert_eq!(&shown[carets.find('^').unwrap()..carets.len()], "x", "{pointed}");
}
