//! What an Alertmanager sends: its webhook, version 4 (notify/webhook/webhook.go, template/template.go). WIRE.md, 6.2.
//!
//! Older versions, vmalert and those who imitate it leave fields out or give them other types. Only `alerts` must be there; of the rest we
//! read `status` and `truncatedAlerts`, and what we do not read cannot be wrong.

use super::batch::{self, Swift};
use super::scan::{Piece, Pieces, Places};
use super::value::Value;
use super::wire::WireAlert;
use super::{Limits, Parsed, Unreadable, body};
use crate::domain::event::{Alert, End};
use crate::domain::time::Timestamp;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// Returns what the object holds.
pub(super) fn parse(body: &[u8], limits: &Limits, now: Timestamp) -> Result<Parsed, Unreadable> {
    if let Some(parsed) = swift(body, limits, now) {
        return Ok(parsed);
    }
    let envelope = Envelope::of(body)?;
    let array = match envelope.alerts.bytes {
        // Go writes an empty list that was never made as null.
        b"null" => return Ok(Parsed { truncated: envelope.truncated, ..Parsed::default() }),
        [b'[', ..] => envelope.alerts,
        _ => return Err(Unreadable::new(format!("alerts is not an array; {}", expected()))),
    };
    let convert = |wire: WireAlert<'_>| convert(wire, Some(&envelope.status), limits, now);
    let parsed = batch::careful(array, &mut Places::of(body), limits, convert)?;
    Ok(Parsed { truncated: envelope.truncated, ..parsed })
}

fn expected() -> &'static str {
    body::expected(super::Format::AlertmanagerWebhook)
}

fn swift(body: &[u8], limits: &Limits, now: Timestamp) -> Option<Parsed> {
    let mut reader = serde_json::Deserializer::from_str(std::str::from_utf8(body).ok()?);
    let parsed = reader.deserialize_map(SwiftEnvelope { limits, now }).ok()?;
    reader.end().ok().map(|()| parsed)
}

/// Reads the object in which all is well, and each alert has a status of its own: the common one may stand behind the alerts.
struct SwiftEnvelope<'l> {
    limits: &'l Limits,
    now: Timestamp,
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    Alerts,
    TruncatedAlerts,
    #[serde(other)]
    Other,
}

impl<'de> Visitor<'de> for SwiftEnvelope<'_> {
    type Value = Parsed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with alerts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parsed, A::Error> {
        let (mut alerts, mut truncated) = (None, 0);
        while let Some(field) = map.next_key::<Field>()? {
            match field {
                Field::Alerts if alerts.is_some() => return Err(de::Error::custom("twice")),
                Field::Alerts => {
                    let convert = |wire| convert(wire, None, self.limits, self.now);
                    alerts = Some(map.next_value_seed(Swift { convert, alerts_max: self.limits.alerts_max })?);
                }
                Field::TruncatedAlerts => truncated = count(&map.next_value()?),
                Field::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let alerts = alerts.ok_or_else(|| de::Error::missing_field("alerts"))?;
        Ok(Parsed { alerts, malformed: Vec::new(), truncated })
    }
}

/// The fields around the alerts, found without understanding the others.
struct Envelope<'a> {
    alerts: Piece<'a>,
    status: Value<'a>,
    truncated: u64,
}

impl<'a> Envelope<'a> {
    fn of(body: &'a [u8]) -> Result<Self, Unreadable> {
        let (mut alerts, mut status, mut truncated) = (None, Value::Absent, 0);
        let mut places = Places::of(body);
        let mut fields = Pieces::of(Piece::of(body, 0, body.len()));
        for piece in fields.by_ref() {
            let read = piece
                .field()
                .and_then(|(name, value)| Some((serde_json::from_slice::<String>(name.bytes).ok()?, value)));
            let (name, value) = read.ok_or_else(|| not_json(&mut places, piece.start))?;
            match &*name {
                "alerts" if alerts.is_some() => {
                    return Err(Unreadable::new("alerts stands twice in the body; send one array"));
                }
                "alerts" => alerts = Some(value),
                "status" => status = serde_json::from_slice(value.bytes).unwrap_or(Value::Object),
                "truncatedAlerts" => truncated = serde_json::from_slice(value.bytes).map_or(0, |value| count(&value)),
                _ => {}
            }
        }
        if !fields.is_whole() {
            return Err(not_json(&mut places, fields.place()));
        }
        let alerts = alerts.ok_or_else(|| Unreadable::new(format!("there is no field alerts; {}", expected())))?;
        Ok(Self { alerts, status, truncated })
    }
}

fn not_json(places: &mut Places<'_>, at: usize) -> Unreadable {
    let (line, column) = places.find(at);
    Unreadable::new(format!("the body is not one JSON object: see line {line} column {column}; {}", expected()))
}

/// Returns the number in a field that says how many; what is no number says nothing.
fn count(value: &Value<'_>) -> u64 {
    match value {
        Value::Scalar(text) => text.parse().unwrap_or(0),
        other => other.text().and_then(|text| text.parse().ok()).unwrap_or(0),
    }
}

/// Returns our alert; `common` is the status of the whole body, or `None` where it is not known yet, and an alert without its own must wait.
fn convert(wire: WireAlert<'_>, common: Option<&Value<'_>>, limits: &Limits, now: Timestamp) -> Result<Alert, String> {
    let starts_at = wire.starts_at.time("startsAt")?;
    let ends_at = wire.ends_at.time("endsAt")?;
    let status = match (&wire.status, common) {
        (Value::Absent, common) => common.ok_or("status is missing")?,
        (own, _) => own,
    };
    wire.alert(starts_at, end(status, starts_at, ends_at, now)?, limits)
}

fn end(
    status: &Value<'_>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<End, String> {
    match (status, status.text()) {
        // Always open, whatever endsAt says. A webhook is repeated each repeat_interval, hours later than any endsAt that Prometheus gave: an
        // end in the future promises no word before it, and an alert that "expired" by it would fall silent while it burns.
        (_, Some("firing")) => Ok(End::Open),
        // Said nowhere: who sends an alert means that it burns.
        (Value::Absent, _) => Ok(End::Open),
        // The sender says that it is over; a clock that puts the end before the start does not take that back.
        (_, Some("resolved")) => Ok(End::Ended(ends_at.unwrap_or(now).max(starts_at.unwrap_or(Timestamp::GO_ZERO)))),
        (_, Some(word)) => {
            let word: String = word.chars().take(40).collect();
            Err(format!("status is {word:?}; write \"firing\" or \"resolved\""))
        }
        (other, None) => Err(format!("status is {}; write \"firing\" or \"resolved\"", other.kind())),
    }
}
