//! Every format against the corpus, hostile bodies and arbitrary bytes.

use super::*;
use crate::domain::event::End;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::PathBuf;

const API: Format = Format::AlertmanagerApi;
const WEBHOOK: Format = Format::AlertmanagerWebhook;

fn now() -> Timestamp {
    Timestamp::parse("2026-06-01T12:00:00Z").unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn parse(format: Format, body: &[u8]) -> Result<Parsed, Unreadable> {
    let parsed = format.parse(body, &Limits::default(), now());
    match &parsed {
        Ok(parsed) => parsed.malformed.iter().for_each(|bad| check_reason(&bad.reason)),
        Err(unreadable) => check_reason(&unreadable.reason),
    }
    parsed
}

/// A reason says something, in little space, and never holds a control character that somebody sent.
fn check_reason(reason: &str) {
    assert!(!reason.is_empty() && reason.chars().count() < 600 && !reason.chars().any(char::is_control), "{reason:?}");
}

fn wrap(format: Format, alerts: &[String]) -> String {
    let array = format!("[{}]", alerts.join(","));
    match format {
        Format::AlertmanagerApi => array,
        Format::AlertmanagerWebhook => format!(r#"{{"version":"4","status":"firing","alerts":{array}}}"#),
    }
}

/// The one alert of a body, or the reason against it.
fn one(format: Format, alert: &str) -> Result<Alert, String> {
    let mut parsed = parse(format, wrap(format, &[alert.to_owned()]).as_bytes()).unwrap();
    assert_eq!(parsed.alerts.len() + parsed.malformed.len(), 1);
    if let Some(bad) = parsed.malformed.pop() {
        assert_eq!(&*bad.raw, alert.as_bytes());
        return Err(bad.reason);
    }
    Ok(parsed.alerts.remove(0))
}

fn end_of(format: Format, fields: &str) -> Result<End, String> {
    one(format, &format!(r#"{{"labels":{{"alertname":"X"}}{fields}}}"#)).map(|alert| alert.end)
}

#[track_caller]
fn refused(alert: &str, expect: &str) {
    for format in Format::ALL {
        let reason = one(format, alert).expect_err(alert);
        assert!(reason.contains(expect), "{reason:?} does not say {expect:?}");
    }
}

#[track_caller]
fn unreadable(format: Format, body: &[u8], expect: &str) {
    let reason = parse(format, body).expect_err(&String::from_utf8_lossy(body)).reason;
    assert!(reason.contains(expect), "{reason:?} does not say {expect:?}");
}

fn corpus() -> PathBuf {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus"));
    let directory = if beside.exists() { beside } else { PathBuf::from("/work/shared/corpus") };
    assert!(directory.exists(), "the corpus must lie beside the checkout, in ../shared/corpus");
    directory
}

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

/// Identity and bytes of each hostile case of a class.
fn hostile(class: &str) -> Vec<(String, Vec<u8>)> {
    let text = std::fs::read(corpus().join("hostile.json")).unwrap();
    let file: Value = serde_json::from_slice(&text).unwrap();
    let cases: Vec<_> = file["cases"].as_array().unwrap().iter().filter(|case| case["cls"] == class).collect();
    assert!(!cases.is_empty(), "no case of class {class}");
    let bytes =
        |case: &Value| base64(case["b64"].as_str().unwrap()).repeat(case["repeat"].as_u64().unwrap_or(1) as usize);
    cases.into_iter().map(|case| (case["id"].as_str().unwrap().to_owned(), bytes(case))).collect()
}

#[test]
fn an_api_alert_holds_until_its_end() {
    assert_eq!(end_of(API, ""), Ok(End::Until(at("2026-06-01T12:05:00Z"))));
    assert_eq!(end_of(API, r#","endsAt":"0001-01-01T00:00:00Z""#), Ok(End::Until(at("2026-06-01T12:05:00Z"))));
    assert_eq!(
        end_of(API, r#","endsAt":null,"status":{"state":"active"}"#),
        Ok(End::Until(at("2026-06-01T12:05:00Z")))
    );
    assert_eq!(end_of(API, r#","endsAt":"2026-06-01T12:00:01Z""#), Ok(End::Until(at("2026-06-01T12:00:01Z"))));
    assert_eq!(end_of(API, r#","endsAt":"2026-06-01T12:00:00Z""#), Ok(End::Ended(now())));
    let backwards = end_of(API, r#","startsAt":"2026-06-01T11:00:00Z","endsAt":"2026-06-01T10:00:00Z""#);
    assert!(backwards.unwrap_err().starts_with("endsAt 2026-06-01T10:00:00.000Z is before startsAt"));
}

#[test]
fn a_webhook_alert_is_open_until_resolved() {
    assert_eq!(end_of(WEBHOOK, r#","status":"firing","endsAt":"2026-06-01T13:00:00Z""#), Ok(End::Open));
    assert_eq!(end_of(WEBHOOK, r#","status":"firing","endsAt":"2020-06-01T13:00:00Z""#), Ok(End::Open));
    assert_eq!(end_of(WEBHOOK, ""), Ok(End::Open));
    assert_eq!(end_of(WEBHOOK, r#","status":"resolved""#), Ok(End::Ended(now())));
    assert_eq!(end_of(WEBHOOK, r#","status":"resolved","endsAt":"0001-01-01T00:00:00Z""#), Ok(End::Ended(now())));
    let ended = at("2026-06-01T11:00:00Z");
    assert_eq!(end_of(WEBHOOK, r#","status":"resolved","endsAt":"2026-06-01T11:00:00Z""#), Ok(End::Ended(ended)));
    let skewed = r#","status":"resolved","startsAt":"2026-06-01T11:00:00Z","endsAt":"2026-06-01T10:59:59Z""#;
    assert_eq!(end_of(WEBHOOK, skewed), Ok(End::Ended(ended)));
    assert!(end_of(WEBHOOK, r#","status":"pending""#).unwrap_err().starts_with("status is \"pending\"; write"));
    assert!(end_of(WEBHOOK, r#","status":7"#).unwrap_err().starts_with("status is a number; write"));
}

#[test]
fn the_common_status_counts_before_and_behind_the_alerts() {
    for body in [
        r#"{"status":"resolved","alerts":[{"labels":{"a":"b"}},{"status":"firing","labels":{"a":"c"}}]}"#,
        r#"{"alerts":[{"labels":{"a":"b"}},{"status":"firing","labels":{"a":"c"}}],"status":"resolved"}"#,
    ] {
        let ends: Vec<_> = parse(WEBHOOK, body.as_bytes()).unwrap().alerts.iter().map(|alert| alert.end).collect();
        assert_eq!(ends, [End::Ended(now()), End::Open]);
    }
    assert_eq!(parse(WEBHOOK, br#"{"alerts":[{"labels":{"a":"b"}}]}"#).unwrap().alerts[0].end, End::Open);
}

#[test]
fn what_the_sender_left_out_is_counted() {
    let truncated = |body: &str| parse(WEBHOOK, body.as_bytes()).unwrap().truncated;
    assert_eq!(truncated(r#"{"truncatedAlerts":3,"alerts":[]}"#), 3);
    assert_eq!(truncated(r#"{"truncatedAlerts":3,"alerts":[5]}"#), 3);
    assert_eq!(truncated(r#"{"alerts":null,"truncatedAlerts":"3"}"#), 3);
    assert_eq!(truncated(r#"{"truncatedAlerts":{},"alerts":[]}"#), 0);
}

#[test]
fn a_refused_alert_names_the_field_and_the_way_out() {
    refused(r#"{"labels":{}}"#, "labels: there is none with a value; give the alert at least \"alertname\"");
    refused(r#"{"labels":{"a":""}}"#, "labels: there is none");
    refused(r#"{"annotations":{}}"#, "labels: there is none");
    refused(r#"{"labels":{"a":"1","a":"2"}}"#, "labels: label \"a\" stands twice; correct the rule");
    refused(
        r#"{"labels":{"a":503}}"#,
        "labels: the value of \"a\" is a number; label values are texts, write it in quotes",
    );
    refused(r#"{"labels":{"a":null}}"#, "the value of \"a\" is null");
    refused(r#"{"labels":{"a":{"b":[1]}}}"#, "the value of \"a\" is an object");
    refused(r#"{"labels":["a"]}"#, "labels is an array; write an object");
    refused(r#"{"labels":{"a":"b"},"startsAt":1405090000}"#, "startsAt is a number; write an RFC 3339 time");
    refused(r#"{"labels":{"a":"b"},"endsAt":"yesterday"}"#, "endsAt: \"yesterday\" is not an RFC 3339 time");
    refused(r#"{"labels":{"a":"b"},"labels":{"a":"c"}}"#, "duplicate field `labels`");
    refused(r#"{"labels":{"a\u001b":"b"}}"#, "label name \"a\\u{1b}\" holds a control character");
    refused(r#"{"labels":{"a":"b"},"alerts":[]}"#, "a group of alerts");
    refused(r#"{"labels":{"a":NaN}}"#, "not JSON of an alert: expected value at line 1 column");
    refused(r#"{"labels":{"a":"\ud800"}}"#, "at line 1 column");
    refused(r#""x""#, "a text stands where an alert should");
    refused(r#"["firing",{"a":"b"}]"#, "an array stands where an alert should");
    refused("nope", "something that is not JSON stands where");
    refused(&format!(r#"{{"labels":{{"a":"{}"}}}}"#, "v".repeat(3000)), "the value of \"a\" is 3000 bytes long");
    let many: Vec<_> = (0..65).map(|n| format!("\"l{n}\":\"v\"")).collect();
    refused(&format!(r#"{{"labels":{{{}}}}}"#, many.join(",")), "65 labels, at most 64 are taken");
}

#[test]
fn a_reason_points_into_the_whole_body() {
    let body = b"[\n {\"labels\":{\"a\":\"b\"}},\n {\"labels\":\n  {\"a\":tru}}\n]";
    let parsed = parse(API, body).unwrap();
    assert_eq!(parsed.alerts.len(), 1);
    assert!(parsed.malformed[0].reason.contains("at line 4 column 11"), "{:?}", parsed.malformed[0].reason);
    let parsed = parse(API, b"[\n  5]").unwrap();
    assert!(parsed.malformed[0].reason.contains("at line 2 column 3"), "{:?}", parsed.malformed[0].reason);
}

#[test]
fn control_characters_in_a_value_are_part_of_the_identity() {
    for format in Format::ALL {
        let alert = one(format, r#"{"labels":{"alertname":"a\u0000\u001b[2J"}}"#).unwrap();
        assert_eq!(alert.labels.get("alertname"), Some("a\0\x1b[2J"));
    }
}

#[test]
fn no_alert_is_lost_for_its_text() {
    let long = "ü".repeat(5000);
    let alert = json!({"labels": {"a": "b"}, "generatorURL": format!("http://{long}"),
        "annotations": {"long": long, "count": 5, "list": [1], "none": null, "bad\u{7}name": "x", "": "y", "ok": "fine"}});
    let alert = one(API, &alert.to_string()).unwrap();
    let cut = alert.annotations.get("long").unwrap();
    assert!(cut.len() <= 8192 && cut.len() > 8180 && cut.ends_with("ü…"));
    assert!(alert.generator_url.len() <= 2048 && alert.generator_url.ends_with('…'));
    let rest: Vec<_> = alert.annotations.iter().filter(|(name, _)| *name != "long").collect();
    assert_eq!(rest, [("count", "5"), ("list", "(an array, not shown)"), ("ok", "fine")]);

    let many: serde_json::Map<_, _> = (10..99).rev().map(|n| (format!("n{n}"), json!("v".repeat(8000)))).collect();
    let alert = one(WEBHOOK, &json!({"labels": {"a": "b"}, "annotations": many}).to_string()).unwrap();
    let sizes: Vec<_> = alert.annotations.iter().map(|(name, value)| (name, value.len())).collect();
    assert_eq!(sizes.len(), 9, "64 KiB are eight of 8,000 bytes and a piece");
    assert_eq!((sizes[0], sizes[8].0), (("n10", 8000), "n18"));

    let twice = one(API, r#"{"labels":{"a":"b"},"annotations":{"s":"first","s":"last"}}"#).unwrap();
    assert_eq!(twice.annotations.get("s"), Some("last"));
    let no_map = one(API, r#"{"labels":{"a":"b"},"annotations":"text","generatorURL":5}"#).unwrap();
    assert!(no_map.annotations.is_empty() && no_map.generator_url.is_empty());
}

#[test]
fn what_is_beyond_the_limit_is_kept_in_one_piece() {
    let limits = Limits { alerts_max: 2, ..Limits::default() };
    for format in Format::ALL {
        let alerts: Vec<_> = (0..5).map(|n| format!(r#"{{"labels":{{"n":"{n}"}},"status":"firing"}}"#)).collect();
        let parsed = format.parse(wrap(format, &alerts).as_bytes(), &limits, now()).unwrap();
        assert_eq!((parsed.alerts.len(), parsed.malformed.len()), (2, 1));
        assert_eq!(&*parsed.malformed[0].raw, alerts[2..].join(",").as_bytes());
        assert!(parsed.malformed[0].reason.starts_with("alerts: at most 2 of one request"));
        let exact = format.parse(wrap(format, &alerts[..2]).as_bytes(), &limits, now()).unwrap();
        assert_eq!((exact.alerts.len(), exact.malformed.len()), (2, 0));
    }
}

#[test]
fn a_body_of_another_kind_is_told_where_it_belongs() {
    unreadable(API, b"{\"alerts\":[]}", "an Alertmanager's webhook goes to /v1/in/alertmanager");
    unreadable(WEBHOOK, b"[]", "an array of alerts goes to /api/v2/alerts");
    for format in Format::ALL {
        unreadable(format, b"", "the body is empty");
        unreadable(format, b" \n", "the body is empty");
        unreadable(format, b"\x1f\x8b\x08\x00", "Content-Encoding: gzip");
        unreadable(format, b"payload=%7B%7D", "looks like a form");
        unreadable(format, b"<html>", "XML or HTML");
        unreadable(format, b"null", "the body is not JSON;");
        unreadable(format, &b"\xff\xfe[".repeat(9), "neither JSON nor text");
        unreadable(format, wrap(format, &["[".repeat(50_000)]).as_bytes(), "deeper than 32 levels");
        unreadable(format, wrap(format, &["{\"a\":".repeat(50_000)]).as_bytes(), "deeper than 32 levels");
    }
    unreadable(API, b"[{\"labels\":{\"a\":\"b\"}}", "cut off or followed by something else at line 1 column");
    unreadable(API, b"[] []", "cut off or followed");
    unreadable(WEBHOOK, br#"{"alerts":[],"alerts":[]}"#, "alerts stands twice");
    unreadable(WEBHOOK, br#"{"alerts":[],"\u0061lerts":[]}"#, "alerts stands twice");
    unreadable(WEBHOOK, br#"{"alerts":{"0":{}}}"#, "alerts is not an array");
    unreadable(WEBHOOK, br#"{"status":"firing"}"#, "no field alerts");
    unreadable(WEBHOOK, br#"{"alerts":[],}"#, "not one JSON object: see line 1 column");
    assert_eq!(parse(API, b"\xef\xbb\xbf []\n"), Ok(Parsed::default()));
}

#[test]
fn depth_up_to_the_limit_is_taken() {
    let nested =
        |levels: usize| format!(r#"[{{"labels":{{"a":"b"}},"x":{}{}}}]"#, "[".repeat(levels), "]".repeat(levels));
    assert_eq!(parse(API, nested(30).as_bytes()).unwrap().alerts.len(), 1);
    unreadable(API, nested(31).as_bytes(), "deeper than 32 levels");
}

#[test]
fn bytes_that_are_no_text_cost_their_alert_alone() {
    for format in Format::ALL {
        let good = r#"{"labels":{"a":"b"}}"#.to_owned();
        let body = wrap(format, &[good.clone(), r#"{"labels":{"a":"@"}}"#.to_owned(), good]);
        let body: Vec<u8> = body.bytes().map(|byte| if byte == b'@' { 0x9b } else { byte }).collect();
        let parsed = parse(format, &body).unwrap();
        assert_eq!((parsed.alerts.len(), parsed.malformed.len()), (2, 1));
        assert_eq!(&*parsed.malformed[0].raw, b"{\"labels\":{\"a\":\"\x9b\"}}");
        assert!(parsed.malformed[0].reason.starts_with("a byte that is not UTF-8 at line 1 column"));
    }
    // Outside of the alerts they cost nothing.
    let body = b"{\"groupKey\":\"\xff\",\"alerts\":[{\"labels\":{\"a\":\"b\"}}]}";
    assert_eq!(parse(WEBHOOK, body).unwrap().alerts.len(), 1);
}

/// File, alerts, those over, malformed.
const API_FILES: [(&str, usize, usize, usize); 6] = [
    ("alertmanager_example_send_alerts.json", 6, 0, 0),
    ("elastalert_post.json", 1, 0, 0),
    ("karma_mock_0_31_groups.json", 0, 0, 10),
    ("karma_mock_0_31_silences.json", 0, 0, 3),
    ("openshift_active_alerts.json", 9, 9, 0),
    ("promgen_post.json", 2, 0, 0),
];
const WEBHOOK_FILES: [(&str, usize, usize, usize); 20] = [
    ("alerta_v4.json", 1, 0, 0),
    ("alertmanager_bot_firing.json", 1, 0, 0),
    ("alertmanager_bot_resolved.json", 1, 1, 0),
    ("dingtalk_demo.json", 2, 0, 0),
    ("goalert_minimal.json", 1, 0, 0),
    ("nudgebee_vmalert.json", 1, 0, 0),
    ("prom2teams_all_ok.json", 1, 1, 0),
    ("prom2teams_all_ok_extra_annotations.json", 1, 1, 0),
    ("prom2teams_all_ok_extra_labels.json", 1, 1, 0),
    ("prom2teams_all_ok_multiple.json", 2, 2, 0),
    ("prom2teams_with_common_items.json", 1, 1, 0),
    ("prom2teams_without_fingerprint.json", 1, 1, 0),
    ("prom2teams_without_optional_field.json", 1, 1, 0),
    ("prometheus_bot_big_output.json", 1, 0, 0),
    ("prometheus_bot_production_example.json", 11, 0, 0),
    ("prometheus_bot_simple.json", 1, 0, 0),
    ("promgen_heartbeat_no_alerts.json", 0, 0, 0),
    ("promgen_two_firing.json", 2, 0, 0),
    ("promgen_webhook.json", 2, 0, 0),
    ("zulip_same_labels_twice.json", 2, 0, 0),
];

fn files(format: Format, directory: &str, expect: &[(&str, usize, usize, usize)]) {
    let entries = std::fs::read_dir(corpus().join("payloads").join(directory)).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let mut wrong = Vec::new();
    for name in &names {
        let body = std::fs::read(corpus().join("payloads").join(directory).join(name)).unwrap();
        let parsed = parse(format, &body).unwrap();
        let over = parsed.alerts.iter().filter(|alert| matches!(alert.end, End::Ended(_))).count();
        let got = (name.as_str(), parsed.alerts.len(), over, parsed.malformed.len());
        if !expect.contains(&got) {
            let reasons: Vec<_> = parsed.malformed.iter().map(|bad| bad.reason.as_str()).collect();
            wrong.push(format!("{got:?} {reasons:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(names.len(), expect.len());
}

#[test]
fn bodies_of_the_field_hold_what_they_hold() {
    files(API, "alertmanager-api-v2", &API_FILES);
    files(WEBHOOK, "alertmanager-webhook", &WEBHOOK_FILES);
}

#[test]
fn a_body_of_any_other_system_is_taken_or_refused_with_a_reason() {
    for provider in
        std::fs::read_dir(corpus().join("payloads")).unwrap().map(|entry| entry.unwrap().path()).filter(|p| p.is_dir())
    {
        for file in std::fs::read_dir(provider).unwrap().map(|entry| entry.unwrap().path()) {
            let body = std::fs::read(file).unwrap();
            let _ = Format::ALL.map(|format| parse(format, &body).is_ok());
        }
    }
}

#[test]
fn hostile_bodies_are_taken_or_refused() {
    let taken =
        |format, body: &[u8]| parse(format, body).map(|parsed| (parsed.alerts.len(), parsed.malformed.len())).ok();
    for (id, body) in hostile("json-body") {
        let webhook = match id.as_str() {
            "labels_null" | "label_number" | "label_object" => Some((0, 1)),
            "go_template_leak" => Some((1, 0)),
            "version_number" => Some((0, 0)),
            _ => None,
        };
        assert_eq!(taken(WEBHOOK, &body), webhook, "{id} as a webhook");
        let array = (id == "top_array_empty").then_some((0, 0));
        assert_eq!(taken(API, &body), array, "{id} as an array");
        // And as one alert among others.
        let element = match id.as_str() {
            "nul_escape" | "esc_escape" | "proto" => Some((2, 0)),
            // Its brackets swallow the end of the array, or are too many.
            "deep_array" => None,
            _ => Some((1, 1)),
        };
        let among = [b"[{\"labels\":{\"a\":\"b\"}},".as_slice(), &body, b"]"].concat();
        assert_eq!(taken(API, &among), element, "{id} as an element");
    }
}

#[test]
fn hostile_times_are_read_or_named() {
    for (id, text) in hostile("timestamp") {
        let text = String::from_utf8(text).unwrap();
        // AWS leaves the colon out of the offset: not RFC 3339, but no guess either.
        let readable = ["aws", "go_zero", "nanos", "picos", "leap", "after_2262", "far_offset", "lower", "empty"];
        for (format, field) in [(API, "startsAt"), (API, "endsAt"), (WEBHOOK, "startsAt"), (WEBHOOK, "endsAt")] {
            let alert = json!({"labels": {"alertname": "X"}, field: text}).to_string();
            match one(format, &alert) {
                Ok(_) => assert!(readable.contains(&id.as_str()), "{id} was read"),
                Err(reason) => assert!(reason.starts_with(field) && !readable.contains(&id.as_str()), "{id}: {reason}"),
            }
        }
    }
}

#[test]
fn hostile_labels_stay_what_they_are() {
    for (id, labels) in hostile("labels") {
        let labels = String::from_utf8(labels).unwrap();
        for format in Format::ALL {
            match one(format, &format!(r#"{{"labels":{labels}}}"#)) {
                Err(reason) => assert!(["empty_name", "empty_set"].contains(&id.as_str()), "{id}: {reason}"),
                Ok(alert) => {
                    let mut sent: serde_json::Map<String, Value> = serde_json::from_str(&labels).unwrap();
                    sent.retain(|_, value| value != "");
                    assert_eq!(serde_json::to_value(&alert.labels).unwrap(), Value::Object(sent), "{id}");
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for format in Format::ALL {
            let _ = parse(format, &bytes);
            let _ = parse(format, &[b"[".as_slice(), &bytes, b"]"].concat());
            let _ = parse(format, &[b"{\"alerts\":[".as_slice(), &bytes, b"]}"].concat());
        }
    }

    #[test]
    fn any_brackets_and_quotes_are_answered(text in "[\\[\\]{},:\"\\\\ a1\n]{0,60}") {
        for format in Format::ALL {
            let _ = parse(format, text.as_bytes());
            let _ = parse(format, format!("{{\"alerts\":[{text}]}}").as_bytes());
        }
    }

    #[test]
    fn good_neighbours_survive_a_bad_alert(count in 0usize..6, place in any::<prop::sample::Index>(), bad in prop::sample::select(vec![
        "5", "null", "[1]", "{}", "{\"labels\":{\"a\":1}}", "{\"labels\":{\"a\":\"b\"},\"endsAt\":\"x\"}", "{'a':1}", "{\"labels\":{\"a\":\"\\q\"}}", "nope", "",
    ])) {
        for format in Format::ALL {
            let mut alerts: Vec<_> = (0..count).map(|n| format!(r#"{{"labels":{{"n":"{n}"}}}}"#)).collect();
            let place = place.index(count + 1);
            alerts.insert(place, bad.to_owned());
            let parsed = parse(format, wrap(format, &alerts).as_bytes()).unwrap();
            let names: Vec<_> = parsed.alerts.iter().map(|alert| alert.labels.get("n").unwrap().to_owned()).collect();
            prop_assert_eq!(names, (0..count).map(|n| n.to_string()).collect::<Vec<_>>());
            // Nothing at all between the brackets is no alert, not a bad one.
            prop_assert_eq!(parsed.malformed.len(), usize::from(!(bad.is_empty() && count == 0)));
            prop_assert!(parsed.malformed.iter().all(|kept| &*kept.raw == bad.as_bytes()));
        }
    }

    #[test]
    fn both_paths_read_the_same(values in proptest::collection::vec(("\\PC{0,10}", "\\PC{1,10}"), 1..4)) {
        let alerts: Vec<_> = values.iter().map(|(text, value)| json!({"labels": {"l": value}, "annotations": {"t": text}, "status": "firing"}).to_string()).collect();
        for format in Format::ALL {
            let swift = parse(format, wrap(format, &alerts).as_bytes()).unwrap();
            let careful = parse(format, wrap(format, &[alerts.clone(), vec!["5".to_owned()]].concat()).as_bytes()).unwrap();
            prop_assert_eq!(swift.alerts, careful.alerts);
        }
    }
}
