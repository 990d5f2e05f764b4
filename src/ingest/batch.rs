//! An array of alerts, whichever format it stands in: all at once where nothing is wrong with it, else one by one.

use super::scan::{Piece, Pieces, Places};
use super::wire::WireAlert;
use super::{Limits, Malformed, Parsed, Unreadable};
use crate::domain::event::Alert;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Reads an array in which all is well. Fails at the first thing that is not, and says nothing about it: the careful path does.
pub(super) struct Swift<F> {
    /// What the format makes of an alert as sent.
    pub convert: F,
    /// Most alerts.
    pub alerts_max: usize,
}

impl<'de, F: FnMut(WireAlert<'de>) -> Result<Alert, String>> DeserializeSeed<'de> for Swift<F> {
    type Value = Vec<Alert>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Alert>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(WireAlert<'de>) -> Result<Alert, String>> Visitor<'de> for Swift<F> {
    type Value = Vec<Alert>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of alerts")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Vec<Alert>, A::Error> {
        let mut alerts = Vec::new();
        while let Some(Object(wire)) = seq.next_element::<Object<'de>>()? {
            if alerts.len() == self.alerts_max {
                return Err(de::Error::custom("too many"));
            }
            alerts.push((self.convert)(wire).map_err(de::Error::custom)?);
        }
        Ok(alerts)
    }
}

/// An alert written as an object: a derived reader would take an array of the fields' values for one as well.
struct Object<'a>(WireAlert<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an alert")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<'de>, A::Error> {
                WireAlert::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// Reads an array element by element; each is taken or kept with its reason.
pub(super) fn careful(
    array: Piece<'_>,
    places: &mut Places<'_>,
    limits: &Limits,
    mut convert: impl FnMut(WireAlert<'_>) -> Result<Alert, String>,
) -> Result<Parsed, Unreadable> {
    let mut parsed = Parsed::default();
    let mut pieces = Pieces::of(array);
    for piece in pieces.by_ref().take(limits.alerts_max) {
        match read(piece, places, &mut convert) {
            Ok(alert) => parsed.alerts.push(alert),
            Err(reason) => parsed.malformed.push(Malformed { raw: piece.bytes.into(), reason }),
        }
    }
    if let Some(surplus) = pieces.rest() {
        parsed.malformed.push(Malformed { raw: surplus.bytes.into(), reason: too_many(limits.alerts_max) });
    }
    if !pieces.is_whole() {
        let (line, column) = places.find(pieces.place());
        return Err(Unreadable::new(format!(
            "the array of alerts is cut off or followed by something else at line {line} column {column}; send it whole and alone"
        )));
    }
    Ok(parsed)
}

fn too_many(alerts_max: usize) -> String {
    format!("alerts: at most {alerts_max} of one request are taken, these are the rest; send smaller batches")
}

fn read(
    piece: Piece<'_>,
    places: &mut Places<'_>,
    convert: &mut impl FnMut(WireAlert<'_>) -> Result<Alert, String>,
) -> Result<Alert, String> {
    let (line, column) = places.find(piece.start);
    let Some(b'{') = piece.bytes.first() else {
        return Err(format!(
            "{} stands where an alert should, at line {line} column {column}; an alert is an object",
            kind(piece)
        ));
    };
    let text = std::str::from_utf8(piece.bytes).map_err(|error| {
        let (line, column) = places.find(piece.start + error.valid_up_to());
        format!("a byte that is not UTF-8 at line {line} column {column}; send the alert as UTF-8")
    })?;
    let wire = serde_json::from_str(text).map_err(|error| json_reason(&error, line, column))?;
    convert(wire).map_err(|reason| format!("{reason} (the alert at line {line} column {column})"))
}

/// Returns what kind of thing a piece seems to be that is no object.
fn kind(piece: Piece<'_>) -> &'static str {
    match piece.bytes.first() {
        None => "nothing",
        Some(b'[') => "an array",
        Some(b'"') => "a text",
        Some(b'-' | b'0'..=b'9') => "a number",
        _ if piece.bytes == b"null" => "null",
        _ => "something that is not JSON",
    }
}

/// Returns what the JSON reader says of a piece that begins at this line and column, in little space, with the place in the whole body.
pub(super) fn json_reason(error: &serde_json::Error, line: usize, column: usize) -> String {
    let text = error.to_string();
    let what: String = text.rsplit_once(" at line ").map_or(&*text, |(what, _)| what).chars().take(80).collect();
    // Column 0 stands for the line feed itself.
    let at = match error.line() {
        0 | 1 => (line, column + error.column().max(1) - 1),
        more => (line + more - 1, error.column()),
    };
    format!("not JSON of an alert: {what} at line {} column {}; it is kept as it came", at.0, at.1)
}
