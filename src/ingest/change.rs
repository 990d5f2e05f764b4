//! What people and pipelines say they changed: one JSON object, or a list of them.

use super::{Malformed, Unreadable, scan};
use crate::domain::change::{CHANGES_KEPT, KINDS, kind_of};
use crate::domain::item::Change;
use crate::domain::label::{LabelLimits, Labels};
use crate::domain::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Most changes of one request.
pub const CHANGES_MAX: usize = 100;
/// Bytes of one request.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// Bytes of one change as JSON.
const BYTES_MAX: usize = 12 * 1024;
const DEPTH_MAX: usize = 4;
/// A sender's clock may be ahead by as much.
const AHEAD_MAX: Duration = Duration::from_secs(300);
const LIMITS: LabelLimits =
    LabelLimits { count_max: 32, name_bytes_max: 128, value_bytes_max: 512, total_bytes_max: 8 * 1024 };

#[derive(Deserialize)]
struct Wire {
    kind: String,
    title: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    at: Option<String>,
    #[serde(default)]
    url: String,
    #[serde(default)]
    by: String,
    id: Option<String>,
}

/// Returns the changes that the body names, and what of it names none. `now` is when it arrived.
///
/// # Errors
/// [`Unreadable`] when it is no JSON, or neither an object nor a list.
pub fn parse(body: &[u8], now: Timestamp) -> Result<(Vec<Change>, Vec<Malformed>), Unreadable> {
    if scan::depth(body, DEPTH_MAX) > DEPTH_MAX {
        return Err(Unreadable::new(format!("the body is nested deeper than {DEPTH_MAX} levels; {WANTED}")));
    }
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Unreadable::new(format!("the body is not JSON ({error}); {WANTED}")))?;
    let list = match value {
        Value::Array(list) => list,
        one @ Value::Object(_) => vec![one],
        _ => return Err(Unreadable::new(format!("the body is neither an object nor a list; {WANTED}"))),
    };
    let (mut changes, mut malformed) = (Vec::new(), Vec::new());
    for (place, value) in list.into_iter().enumerate() {
        let raw = value.to_string();
        let read = if place < CHANGES_MAX {
            change(value, now, place)
        } else {
            Err(format!("at most {CHANGES_MAX} changes of one request are taken; send the rest apart"))
        };
        match read {
            Ok(change) => changes.push(change),
            Err(reason) => malformed.push(Malformed { raw: raw.into_bytes().into(), reason }),
        }
    }
    Ok((changes, malformed))
}

const WANTED: &str =
    "send {\"kind\": \"deploy\", \"title\": \"payments 1.42\", \"labels\": {\"service\": \"payments\"}}";

fn change(value: Value, now: Timestamp, place: usize) -> Result<Change, String> {
    let wire: Wire = serde_json::from_value(value).map_err(|error| format!("{error}; {WANTED}"))?;
    let kind = kind_of(&wire.kind).ok_or_else(|| {
        let words = KINDS.map(|kind| kind.word()).join(", ");
        format!("kind: {:?} is none; write one of {words}", head(&wire.kind))
    })?;
    let title = bounded("title", wire.title.trim(), 300)?;
    if title.is_empty() {
        return Err("title: say in a line what was changed".into());
    }
    let pairs = wire.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let labels = Labels::new(pairs, &LIMITS).map_err(|error| format!("labels: {error}"))?;
    let at = match &wire.at {
        Some(text) => Timestamp::parse(text).map_err(|error| format!("at: {error}"))?,
        None => now,
    };
    if at > now.plus(AHEAD_MAX) {
        return Err(format!("at: {at} is in the future; post a change when it is made"));
    }
    if at < now.minus(CHANGES_KEPT) {
        return Err(format!("at: {at} is longer ago than changes are kept (30 days)"));
    }
    let url = bounded("url", &wire.url, 2048)?;
    if !url.is_empty() && !url.starts_with("https://") && !url.starts_with("http://") {
        return Err("url: it must begin with https:// or http://".into());
    }
    let by = bounded("by", wire.by.trim(), 100)?;
    let id = match &wire.id {
        Some(id) if id.trim().is_empty() => return Err("id: it is empty; leave it out".into()),
        Some(id) => bounded("id", id.trim(), 128)?,
        None => named(&(kind.word(), &title, &wire.labels, at.as_millis(), &by, place)),
    };
    let change = Change { id, at: at.min(now), kind, title, labels, url, by };
    match serde_json::to_vec(&change).map_or(0, |json| json.len()) {
        0..=BYTES_MAX => Ok(change),
        bytes => Err(format!("{bytes} bytes are more than the {BYTES_MAX} that one change may have")),
    }
}

/// Returns a name for a change that has none: of what it says, so that the same message twice is one change.
fn named(said: &impl serde::Serialize) -> String {
    let text = serde_json::to_string(said).unwrap_or_default();
    blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
}

fn bounded(field: &str, text: &str, bytes_max: usize) -> Result<String, String> {
    if text.len() > bytes_max {
        return Err(format!("{field}: {} bytes are more than the {bytes_max} that are taken", text.len()));
    }
    Ok(text.to_owned())
}

fn head(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::item::ChangeKind;

    fn now() -> Timestamp {
        Timestamp::parse("2026-03-01T03:06:00Z").unwrap()
    }

    fn reason(text: &str) -> String {
        let (changes, mut malformed) = parse(text.as_bytes(), now()).unwrap();
        assert!(changes.is_empty(), "{changes:?}");
        malformed.remove(0).reason
    }

    #[test]
    fn one_change_and_a_list_are_read() {
        let text = r#"{"kind":"deploy","title":" payments 1.42 ","labels":{"service":"payments","empty":""},
            "at":"2026-03-01T03:05:00Z","url":"https://ci.example/1","by":"mira","id":"ci-1"}"#;
        let (changes, malformed) = parse(text.as_bytes(), now()).unwrap();
        assert!(malformed.is_empty());
        let change = &changes[0];
        assert_eq!(
            (change.kind, change.title.as_str(), change.id.as_str()),
            (ChangeKind::Deploy, "payments 1.42", "ci-1")
        );
        assert_eq!((change.labels.get("service"), change.labels.len()), (Some("payments"), 1));
        let list = format!(r#"[{text}, {{"kind":"flag","title":"a"}}, {{"kind":"flag"}}, 3]"#);
        let (changes, malformed) = parse(list.as_bytes(), now()).unwrap();
        assert_eq!((changes.len(), malformed.len()), (2, 2));
        assert_eq!((changes[1].at, changes[1].id.len()), (now(), 32));
        assert_eq!(&*malformed[1].raw, b"3");
    }

    #[test]
    fn what_is_said_twice_is_one_change_and_twins_in_a_list_are_two() {
        let one = r#"{"kind":"flag","title":"a"}"#;
        let id = |body: &str| {
            parse(body.as_bytes(), now()).unwrap().0.into_iter().map(|change| change.id).collect::<Vec<_>>()
        };
        assert_eq!(id(one), id(one));
        let twins = id(&format!("[{one},{one}]"));
        assert_ne!(twins[0], twins[1]);
    }

    #[test]
    fn what_is_none_says_why() {
        assert!(reason(r#"{"kind":"party","title":"a"}"#).contains("deploy, flag, drill, experiment, other"));
        assert!(reason(r#"{"kind":"flag","title":" "}"#).starts_with("title:"));
        assert!(reason(r#"{"kind":"flag","title":"a","at":"2026-03-01T04:00:00Z"}"#).contains("in the future"));
        assert!(reason(r#"{"kind":"flag","title":"a","at":"2025-03-01T04:00:00Z"}"#).contains("30 days"));
        assert!(reason(r#"{"kind":"flag","title":"a","at":"yesterday"}"#).starts_with("at:"));
        assert!(reason(r#"{"kind":"flag","title":"a","url":"javascript:alert(1)"}"#).starts_with("url:"));
        assert!(reason(r#"{"kind":"flag","title":"a","labels":{"a":1}}"#).contains("string"));
        assert!(parse(b"kind=deploy", now()).is_err());
        assert!(parse(b"7", now()).is_err());
        assert!(parse("[[[[[[[]]]]]]]".as_bytes(), now()).is_err());
        let many = format!("[{}]", vec![r#"{"kind":"flag","title":"a"}"#; 101].join(","));
        assert_eq!(parse(many.as_bytes(), now()).unwrap().1.len(), 1);
    }
}
