use super::*;
use crate::domain::grouping::Group;
use crate::domain::id::{IncidentId, Number, SourceName, UserName};
use crate::domain::incident::{Incident, Life};
use crate::domain::label::{LabelLimits, Labels};
use crate::domain::severity::Severity;
use crate::domain::time::Timestamp;
use proptest::prelude::*;

static NOW: std::sync::LazyLock<Timestamp> = std::sync::LazyLock::new(|| Timestamp::from_millis(1_000_000_000));

fn labels() -> Labels {
    let pairs =
        [("alertname", "Disk full"), ("job", "node"), ("service", "pay"), ("cluster", "eu-1"), ("odd name", "x")];
    Labels::new(pairs, &LabelLimits::LABELS).unwrap()
}

fn fits(text: &str) -> bool {
    let query = Query::parse(text).unwrap_or_else(|error| panic!("{}", error.pointed(text)));
    let source = SourceName::parse("prometheus").unwrap();
    let labels = labels();
    let subject = AlertSubject { source: &source, labels: &labels, severity: Some(Severity::new(3).ok()) };
    query.matches(&subject, &Eyes::nobody(*NOW))
}

#[test]
fn labels_mean_what_they_mean_to_alertmanager() {
    for text in [
        "{}",
        "{job=\"node\"}",
        "{job=node, cluster=~\"eu-.*\",}",
        "{job=~\"api|node\"}",
        "{pod=\"\"}",
        "{\"odd name\"=\"x\"}",
        "{job!~\"no\"}",
        "job=node",
        "job=~no.*",
        "label.service=pay",
        "job=node cluster!=us",
    ] {
        assert!(fits(text), "{text}");
    }
    for text in ["{job=~\"no\"}", "{job!=node}", "{pod!=\"\"}", "job=api", "not job=node", "-job=node", "!job=node"] {
        assert!(!fits(text), "{text}");
    }
}

#[test]
fn words_bind_as_people_read_them() {
    for text in [
        "disk",
        "\"disk full\"",
        "api or node",
        "api node or disk",
        "(api or node) disk",
        "not (api or shop)",
        "AND or disk",
        "severity<=3 and source=prometheus",
        "severity:s1,s3",
        "svc:PA*",
        "text=~\"d.sk\"",
        "or=x or disk",
    ] {
        let expect = text != "AND or disk";
        if expect {
            assert!(fits(text), "{text}");
        }
    }
    for text in
        ["api", "api or shop", "severity<3", "severity=unexamined", "disk -node", "owner=me", "state=new", "age<2h"]
    {
        assert!(!fits(text), "{text}");
    }
}

fn incident() -> Incident {
    let group = Group { key: "k".into(), service: "payments-api".into(), summary: "error rate 38%".into() };
    let opened = NOW.minus(std::time::Duration::from_secs(3600));
    let mut incident = Incident::open(IncidentId::from_bytes([7; 16]), Number(12), group, opened);
    incident.severity = Severity::new(2).ok();
    incident
}

#[track_caller]
fn check(words: &str, incident: &Incident, expect: bool) {
    let user = UserName::parse("mira").unwrap();
    let eyes = Eyes { me: Some(&user), ..Eyes::nobody(*NOW) };
    let query = Query::parse(words).unwrap_or_else(|error| panic!("{}", error.pointed(words)));
    assert_eq!(query.matches(&IncidentSubject::alone(incident), &eyes), expect, "{words}");
}

#[test]
fn an_incident_is_asked_by_its_fields() {
    let mut one = incident();
    for words in [
        "",
        "pay 38%",
        "sev:s1,s2",
        "severity:S2",
        "state:new",
        "state:open",
        "svc:pay*",
        "owner:nobody",
        "age<2h",
        "age>=1h",
        "number=12",
        "id=12",
        "series=0",
        "not age>90m",
        "silenced=no",
    ] {
        check(words, &one, true);
    }
    for words in
        ["pay disk", "sev:s3", "-sev:s2", "state:ack", "svc:pay", "owner:me", "page:me", "colour:red", "age<1h"]
    {
        check(words, &one, false);
    }
    one.life = Life::Acked;
    one.owner = UserName::parse("Mira").ok();
    check("owner:jonas,mira", &one, true);
    check("state:ack -owner:nobody", &one, true);
}

#[track_caller]
fn wrong(text: &str, place: &str, says: &str) {
    let error = Query::parse(text).expect_err(text);
    assert_eq!(&text[error.span.clone()], place, "{text}: {error}");
    assert!(error.to_string().contains(says), "{text}: {error}");
}

#[test]
fn a_mistake_is_pointed_at_and_says_what_was_meant() {
    wrong("disk and", "", "something is missing at the end");
    wrong("(disk", "(", "not closed; write `)`");
    wrong("disk)", ")", "closes nothing");
    wrong("{job=\"x\"", "{", "not closed");
    wrong("{job=\"x}", "\"x}", "the quotes do not close");
    wrong("{job}", "job", "no = != =~ !~ after `job`");
    wrong("a && b", "&&", "write and");
    wrong("a || b", "||", "write or");
    wrong("job==node", "==", "no operator");
    wrong("severty<=3", "severty", "did you mean severity?");
    wrong("severity=critical", "critical", "{severity=\"critical\"}");
    wrong("severity=s0", "s0", "S1 (worst) to S9");
    wrong("state=akced", "akced", "did you mean acked?");
    wrong("age<2", "2", "write 2s, 2m, 2h or 2d");
    wrong("age=2h", "2h", "age<2h");
    wrong("flaps>many", "many", "no whole number");
    wrong("job=~\"(\"", "\"(\"", "not a regular expression");
    wrong("text=", "", "a value is missing");
    wrong("owner:", "", "a value is missing");
    wrong("<3", "<", "no name before it");
    wrong(&"(".repeat(40), "(", "nested deeper");
    let pointed = Query::parse("state=akced").unwrap_err().pointed("state=akced");
    assert_eq!(pointed, "state=akced\n      ^^^^^\n`akced` is no state; did you mean acked?");
}

#[test]
fn limits_have_words() {
    let error = |text: &str| Query::parse(text).unwrap_err().to_string();
    assert!(error(&"a".repeat(5000)).contains("at most 4096"));
    assert!(error(&"a ".repeat(300)).contains("more than 256"));
    assert!(error(&format!("a=~{}", "b".repeat(600))).contains("at most 512"));
    assert!(error("a=~\"((\\\\w{200}){200}){200}\"").contains("too big"));
}

#[test]
fn what_must_be_is_known_without_asking() {
    let of = |text: &str| {
        let query = Query::parse(text).unwrap();
        query.equalities().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of("{a=\"1\", b=~\"2\"} c=3 and disk"), "a=1 c=3");
    assert_eq!(of("a=1 or b=2"), "");
    assert_eq!(of("not a=1"), "");
    assert_eq!(of("{a=\"\"}"), "");
    assert!(Query::parse(" ").unwrap().is_all() && Query::parse("{}").unwrap().is_all());
}

#[test]
fn the_filters_of_alertmanager_are_read() {
    let all = |texts: &[&str]| Query::parse_matchers(texts.iter().copied());
    assert_eq!(all(&["job=node", "{a=\"b\",c!~\"d\"}"]).unwrap().to_string(), "{job=\"node\", a=\"b\", c!~\"d\"}");
    for text in ["", "job", "=x", "job=~\"(\"", "job=\"x"] {
        assert!(all(&[text]).is_err(), "{text}");
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,5}", "[ -~]{0,6}", "\\PC{0,4}", Just("or".into()), Just("\"\\\n".into()), Just("-x".into())]
}

fn atom() -> impl Strategy<Value = Node> {
    let label = (text(), any::<bool>(), text()).prop_filter_map("a label has a name", |(name, negated, value)| {
        (!name.is_empty()).then(|| Test::Label { name, negated, value: Pattern::Is(value) })
    });
    let sources = prop::collection::vec("[a-z ]{1,6}", 1..3)
        .prop_map(|names| Test::Name { field: Field::Source, any: names.into_iter().map(Pattern::IsLike).collect() });
    let test = prop_oneof![
        label,
        sources,
        text().prop_map(|text| Test::Text(pattern::Needle::new(&text))),
        prop::collection::vec(prop::option::of(1..=9_u8), 1..3).prop_map(Test::SeverityIs),
        (1..=9_u8).prop_map(|number| Test::SeverityOrder(Op::AtMost, number)),
        Just(Test::Word(Field::State, vec!["new", "open"])),
        Just(Test::Owner(vec![node::Person::Me, node::Person::Named("jo nas".into())])),
        (0..1_000_000_000_i64).prop_map(|value| Test::Order(Order { field: Field::Age, op: Op::Less, value })),
        any::<i64>().prop_map(|value| Test::Order(Order { field: Field::Flaps, op: Op::NotEqual, value })),
        Just(Test::HidePages),
    ];
    test.prop_map(|test| Node::Atom(Atom { span: 0..0, test }))
}

fn tree() -> impl Strategy<Value = Node> {
    atom().prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Node::and),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Node::or),
            inner.prop_map(|node| Node::Not(Box::new(node))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_parses_back(root in tree()) {
        let query = Query { root };
        let printed = query.to_string();
        let back = Query::parse(&printed).map_err(|error| TestCaseError::fail(error.pointed(&printed)))?;
        prop_assert_eq!(&back, &query, "{}", printed);
        prop_assert_eq!(back.to_string(), printed);
    }

    #[test]
    fn no_text_is_too_odd(text in "[-!(){}=~<>:,\"\\\\a-c \u{e9}\u{1f600}]{0,24}") {
        match Query::parse(&text) {
            Ok(query) => {
                let printed = query.to_string();
                prop_assert_eq!(&Query::parse(&printed).map_err(|error| TestCaseError::fail(error.pointed(&printed)))?, &query);
            }
            Err(error) => {
                prop_assert!(text.get(error.span.clone()).is_some(), "{:?} {:?}", text, error);
                prop_assert!(error.pointed(&text).lines().count() >= 3 || text.contains('\n'));
            }
        }
    }
}
