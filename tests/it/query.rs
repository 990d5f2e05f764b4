//! The language at its edges: filters of the API beside a real Alertmanager's, and queries on the command line.

use crate::support::alerts::{body, firing};
use crate::support::http;
use crate::support::hub::Hub;
use crate::support::person::Person;
use crate::support::servers::{Alertmanager, AlertmanagerSetup};
use crate::support::until;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

/// From Alertmanager's `pkg/labels/parse_test.go`, `matcher/parse/parse_test.go` and `matcher/compat/parse_test.go`, each as the one
/// matcher that its API takes, and what lies near them.
const MATCHERS: &[&str] = &[
    "foo=bar",
    "foo=\"bar\"",
    "foo =bar",
    "foo= bar",
    " foo = bar ",
    "\tfoo\n=\tbar\n",
    "foo!=bar",
    "foo!=\"bar\"",
    "foo=~bar.*",
    "foo=~\"bar.*\"",
    "foo!~bar.*",
    "foo!~\"bar.*\"",
    "foo=~[a-z]+",
    "foo!~[a-z]+",
    "foo=~ba",
    "foo=~\"ba|bar\"",
    "foo=~(ba|b)r?",
    "foo=",
    "foo=\"\"",
    "foo!=",
    "foo!=\"\"",
    "foo=~",
    "foo=~\"\"",
    "foo!~",
    "foo!~\"\"",
    "foo=~.*",
    "foo=~.+",
    "foo!~.+",
    "missing=\"\"",
    "missing!=\"\"",
    "missing=~.*",
    "missing=~.+",
    "missing!~.+",
    "missing!=x",
    "alertname=Odd",
    "alertname=~Od.",
    "severity=critical",
    "severity=S2",
    "job=",
    "job=\"value",
    "job=value\"",
    "job=\"value\"",
    "statuscode=~\"5..\"",
    "statuscode=~5..",
    "statuscode=~\"5.\"",
    "statuscode=~\"\\d+\"",
    "statuscode=~\\d{3}",
    "statuscode=~[[:digit:]]+",
    "statuscode=~\"^503$\"",
    "tricky=~~~",
    "tricky=~~",
    "trickier==\\\\=\\=\\\"",
    "trickier==\\\\=\\=\\\"\"",
    "trickier=\"=\\\\=\\\\=\\\"\"",
    "contains_quote != \"\\\"\"",
    "contains_quote=\"\\\"\"",
    "contains_quote=\\\"",
    "contains_quote=\"",
    "contains_comma=\"foo,bar\"",
    "contains_comma=foo,bar",
    "contains_comma !~ \"foo,bar\"",
    "contains_unescaped_quote = foo\"bar",
    "quote=\"She said: \\\"Hi, ladies! That's gender-neutral…\\\"\"",
    "quote=~\".*gender-neutral.\"",
    "foo=bar,",
    "foo=bar,baz=qux",
    "foo=bar baz",
    "foo='bar'",
    "foo='",
    "foo=`",
    "foo=\\\"",
    "foo=bar\\t",
    "foo=bar\\n",
    "foo=\"bar\\n\"",
    "foo=\"bar\\t\"",
    "foo=\"bar\\w\"",
    "foo=bar\\",
    "foo=bar\\\\",
    "foo=\"bar\\\\\"",
    "foo=🙂",
    "foo=🙂bar",
    "foo=\"🙂\"",
    "foo=\"\\xf0\\x9f\\x99\\x82\"",
    "foo=\"\\U0001f642\"",
    "foo=:\"bar\"",
    "foo==bar",
    "foo=~=bar",
    "foo!bar",
    "foo=!bar\\n",
    "foo=$baz",
    "foo",
    "foo!",
    "foo~bar",
    "=bar",
    "!=bar",
    "",
    " ",
    ",",
    "foo:bar=x",
    "_foo1=x",
    "foo bar=baz",
    "foo=~\"invalid[regexp\"",
    "foo=~\"(\"",
    "foo=~\"a**\"",
    "foo=~\"x{1001}\"",
    "foo=~\"\\pN+\"",
    "foo=~\"(?i)BAR\"",
    "foo=~\"(?x)bar\"",
    "foo=~\"\\Qbar\\E\"",
    "foo=~\"b[[a]r\"",
    "foo=~\"[^-~]+\"",
    "foo=~\"\\u0062ar\"",
    "foo=~bar{",
    "foo=~\"bar{,2}\"",
    "{foo=\"bar\"",
    "{foo=~`bar`",
    "\"{foo=\\\"bar\"}",
    "{{foo=",
];

/// What Alertmanager reads since 0.27, and an older one refuses.
const SINCE_0_27: &[&str] = &[
    "\"foo\"=\"bar\"",
    "\"foo\"=bar",
    "\"foo\"!=\"bar\"",
    "\"foo\"=~\"[a-z]+\"",
    "\"foo\"=\"\\xf0\\x9f\\x99\\x82\"",
    "\"foo\"=\"bar\",",
    "foo🙂=bar",
    "foo-bar=baz",
    "\"weird name\"=\"x\"",
    "contains_comma !~ \"foo,bar\" , ",
    "foo=\"bar\",",
    "0foo=bar",
];

/// Sets of labels, odd ones among them; no value is empty, for that is an absent label.
const ODD: &[&[(&str, &str)]] = &[
    &[],
    &[("foo", "bar")],
    &[("foo", "ba")],
    &[("foo", "bar,")],
    &[("foo", "bar baz")],
    &[("foo", "BAR")],
    &[("foo", "🙂")],
    &[("foo", "🙂bar")],
    &[("foo", "bar\n")],
    &[("foo", "bar\\")],
    &[("foo", "bar\\t")],
    &[("foo", "bar\t")],
    &[("foo", "bar\\w")],
    &[("foo", "bar,baz=qux")],
    &[("foo", "'bar'")],
    &[("foo", "=bar")],
    &[("foo", "!bar\n")],
    &[("foo", "$baz")],
    &[("foo", "b[r")],
    &[("foo", "bar{")],
    &[("foo", "12"), ("statuscode", "503")],
    &[("job", "value")],
    &[("statuscode", "404"), ("severity", "S2")],
    &[("statuscode", "١٢٣")],
    &[("tricky", "~~")],
    &[("trickier", "=\\=\\=\"")],
    &[("contains_quote", "\"")],
    &[("contains_comma", "foo,bar")],
    &[("quote", "She said: \"Hi, ladies! That's gender-neutral…\"")],
    &[("_foo1", "x")],
];

/// Returns status and fingerprints of what a filter lets through.
fn asked(address: &str, bearer: &str, filter: &str) -> (u16, BTreeSet<String>) {
    let encoded: String = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path = format!("/api/v2/alerts?filter={encoded}");
    let answer = http::get(address, &path, &[("authorization", bearer)]).expect("an answer");
    if answer.status != 200 {
        return (answer.status, BTreeSet::new());
    }
    let alerts = answer.json();
    let fingerprints = alerts.as_array().expect("a list").iter().map(|alert| alert["fingerprint"].to_string());
    (200, fingerprints.collect())
}

#[test]
fn filters_of_the_api_are_those_of_a_real_alertmanager() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    let setup = AlertmanagerSetup::fast("http://127.0.0.1:9/", None);
    let alertmanager = Alertmanager::start(&dir.path().join("alertmanager"), &setup);
    let alerts: Vec<Value> = ODD.iter().map(|labels| firing("Odd", labels)).collect();
    hub.alert(&alerts);
    let taken = http::post(alertmanager.address(), "/api/v2/alerts", &[], body(&alerts).as_bytes()).expect("an answer");
    assert_eq!(taken.status, 200, "{}", taken.text());

    let bearer = format!("Bearer {}", hub.admin_token());
    let ours = |filter: &str| asked(hub.address(), &bearer, filter);
    let theirs = |filter: &str| asked(alertmanager.address(), "", filter);
    until("the same alerts at both", LIMIT, || (theirs("alertname=Odd").1.len() == ODD.len()).then_some(()));

    let mut wrong = Vec::new();
    let (mut taken, mut refused) = (0, 0);
    for filter in MATCHERS {
        let (ours, theirs) = (ours(filter), theirs(filter));
        if ours.0 == 200 {
            taken += 1
        } else {
            refused += 1
        }
        if ours != theirs {
            wrong.push(format!(
                "{filter:?}: ours {} with {}, theirs {} with {}",
                ours.0,
                ours.1.len(),
                theirs.0,
                theirs.1.len()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), MATCHERS.len(), wrong.join("\n"));
    assert!(taken > 70 && refused > 20, "{taken} taken, {refused} refused");
    for filter in SINCE_0_27 {
        let (ours, theirs) = (ours(filter), theirs(filter));
        assert!(ours.0 == 200 && (theirs.0 == 400 || theirs == ours), "{filter}: {ours:?} {theirs:?}");
    }
}

#[test]
fn list_takes_a_query_and_explain_says_what_it_means() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "[timing]\nflap_window = \"1s\"\n");
    hub.alert(&[
        firing("DiskFull", &[("cluster", "eu-1"), ("host", "a")]),
        firing("DiskFull", &[("cluster", "us-1"), ("host", "b")]),
        firing("ProbeDown", &[("severity", "info"), ("host", "c")]),
    ]);
    let mira = Person::near(&hub, &hub.home(), "mira");
    let names = |query: &str| {
        let mut names: Vec<String> =
            mira.json(&["list", query], 0).iter().map(|incident| incident["summary"].to_string()).collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(names("{cluster=~\"eu-.*\"}"), "\"DiskFull burns\"");
    assert_eq!(names("severity<=3"), "\"DiskFull burns\" \"DiskFull burns\"");
    assert_eq!(names("-severity<=3"), "\"ProbeDown burns\"");
    assert_eq!(names("host:b,c age<1h"), "\"DiskFull burns\" \"ProbeDown burns\"");
    assert_eq!(names("state:resolved"), "");
    assert!(mira.run(&["list", "nothing"]).stdout.contains("No incident fits"));

    // What is over is found by a query that asks for it.
    hub.alert(&[crate::support::alerts::resolved("ProbeDown", &[("severity", "info"), ("host", "c")])]);
    until("the end of the probe", LIMIT, || (names("state:resolved") == "\"ProbeDown burns\"").then_some(()));
    assert_eq!(names("probe"), "", "without a word of the past, what is open is listed");
    assert_eq!(names("probe age<1h"), "\"ProbeDown burns\"");

    let wrong = mira.run(&["list", "disk state:nwe"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    for line in ["  disk state:nwe", "             ^^^", "did you mean `new`?"] {
        assert!(wrong.stderr.contains(line), "{line:?} in {}", wrong.stderr);
    }
    assert_eq!(mira.run(&["list", "--opne"]).code, Some(2), "a slip in a flag is no query");

    let told = mira.run(&["query", "explain", "{cluster=\"eu-1\"} (sev:s2 or owner:me)"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    for line in [
        "cluster=\"eu-1\" and (severity:S2 or owner:me)",
        "label: the label cluster is exactly \"eu-1\"  [1 fit: ",
        "field: the severity is S2  [2 fit: ",
        "field: whoever asks has it  [0 fit]",
        "1 of 2 open incidents fit: ",
    ] {
        assert!(told.stdout.contains(line), "{line:?} in {}", told.stdout);
    }
    let object = mira.json(&["query", "explain", "disk -host=a"], 0).remove(0);
    assert_eq!((object["canonical"].as_str(), object["open"].as_u64()), (Some("disk and not host=\"a\""), Some(2)));
    assert_eq!(object["parts"][1]["kind"], "text");
    assert_eq!(object["fits"].as_array().map(Vec::len), Some(1));
    assert!(mira.run(&["query", "reference"]).stdout.contains("severity<=3"));
}
