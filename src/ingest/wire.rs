//! One alert as both of Alertmanager's formats write it, borrowed from the body; and the parts that both turn into ours in the same way.
//!
//! The structs take any JSON type in any field, so that the reason for a refusal is ours: it names the field, and quotes little.

use super::Limits;
use crate::domain::event::{Alert, End};
use crate::domain::label::{LabelLimits, Labels};
use crate::domain::time::Timestamp;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Longest link that is kept, in bytes; browsers and chat programs cut longer ones themselves.
const GENERATOR_URL_BYTES_MAX: usize = 2048;

/// An alert as sent.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireAlert<'a> {
    #[serde(borrow, default)]
    pub status: Value<'a>,
    #[serde(borrow, default)]
    pub labels: Map<'a>,
    #[serde(borrow, default)]
    pub annotations: Map<'a>,
    #[serde(borrow, default)]
    pub starts_at: Value<'a>,
    #[serde(borrow, default)]
    pub ends_at: Value<'a>,
    #[serde(borrow, default, rename = "generatorURL")]
    pub generator_url: Value<'a>,
    /// No alert has alerts; a group of them has.
    #[serde(default)]
    pub alerts: Option<IgnoredAny>,
}

impl WireAlert<'_> {
    /// Returns our alert; the format says what its times mean for its end.
    pub(super) fn alert(&self, starts_at: Option<Timestamp>, end: End, limits: &Limits) -> Result<Alert, String> {
        Ok(Alert {
            labels: self.labels(&limits.labels)?,
            annotations: self.annotations.cut(&limits.annotations),
            starts_at,
            end,
            generator_url: cut(self.generator_url.text().unwrap_or_default(), GENERATOR_URL_BYTES_MAX).into_owned(),
        })
    }

    fn labels(&self, limits: &LabelLimits) -> Result<Labels, String> {
        if self.alerts.is_some() {
            return Err("this is a group of alerts, not an alert; send what stands in its \"alerts\"".to_owned());
        }
        let mut pairs = self.labels.texts()?;
        let labels = Labels::from_pairs(&mut pairs, limits).map_err(|error| {
            format!("labels: {error}; correct the rule that makes it, or relabel it before it is sent")
        })?;
        if labels.is_empty() {
            return Err("labels: there is none with a value; give the alert at least \"alertname\"".to_owned());
        }
        Ok(labels)
    }
}

/// Any JSON value, where a text is wanted.
#[derive(Default)]
pub(super) enum Value<'a> {
    /// Missing, or null.
    #[default]
    Absent,
    Text(Cow<'a, str>),
    /// A number or a truth value, as text.
    Scalar(String),
    Array,
    Object,
}

impl Value<'_> {
    /// Returns the text; `None` for anything else.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the time in this field, or `None` where the sender says that there is none: missing, empty, or Go's zero.
    pub(super) fn time(&self, field: &str) -> Result<Option<Timestamp>, String> {
        let text = match self {
            Self::Absent => return Ok(None),
            Self::Text(text) if text.is_empty() => return Ok(None),
            Self::Text(text) => text,
            other => {
                return Err(format!(
                    "{field} is {}; write an RFC 3339 time such as \"2026-01-31T03:16:02Z\"",
                    other.kind()
                ));
            }
        };
        let time = Timestamp::parse(text).map_err(|error| format!("{field}: {error}"))?;
        Ok((!time.is_go_zero()).then_some(time))
    }

    /// Returns what it is, for a reason.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Absent => "null",
            Self::Text(_) => "a text",
            Self::Scalar(text) if text == "true" || text == "false" => "true or false",
            Self::Scalar(_) => "a number",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
                Ok(Value::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
                Ok(Value::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_unit<E>(self) -> Result<Value<'de>, E> {
                Ok(Value::Absent)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
                Ok(Value::Scalar(value.to_string()))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
                Ok(Value::Scalar(value.to_string()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
                Ok(Value::Scalar(value.to_string()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
                Ok(Value::Scalar(value.to_string()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Value::Array)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Value::Object)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Names and values in the order sent, repeated names among them: what they mean is decided where they are used.
#[derive(Default)]
pub(super) struct Map<'a> {
    pairs: Vec<(Cow<'a, str>, Value<'a>)>,
    /// What stood there instead of an object.
    instead: Option<&'static str>,
}

impl Map<'_> {
    fn texts(&self) -> Result<Vec<(&str, &str)>, String> {
        if let Some(kind) = self.instead {
            return Err(format!("labels is {kind}; write an object of texts"));
        }
        let mut texts = Vec::with_capacity(self.pairs.len());
        for (name, value) in &self.pairs {
            let text = value.text().ok_or_else(|| {
                let name: String = name.chars().take(40).collect();
                format!("labels: the value of {name:?} is {}; label values are texts, write it in quotes", value.kind())
            })?;
            texts.push((&**name, text));
        }
        Ok(texts)
    }

    /// Returns the set within the limits: values cut, and what is too much left out in the order of names, so that the same alert always
    /// loses the same. Of a name that stands twice the last counts, as Go's own reader has it.
    fn cut(&self, limits: &LabelLimits) -> Labels {
        // Nearly always all is well, and nothing needs a second look.
        if let Some(labels) = self.texts().ok().and_then(|mut texts| Labels::from_pairs(&mut texts, limits).ok()) {
            return labels;
        }
        let mut pairs: Vec<(&str, Cow<'_, str>)> = self.pairs.iter().map(|(n, v)| (&**n, as_text(v))).collect();
        pairs.retain(|(name, _)| is_name(name, limits));
        // Stable, so that the last of equals is the last sent.
        pairs.sort_by(|a, b| a.0.cmp(b.0));
        pairs.reverse();
        pairs.dedup_by(|later, kept| later.0 == kept.0);
        pairs.reverse();
        pairs.retain(|(_, value)| !value.is_empty());
        pairs.truncate(limits.count_max);
        let mut left = limits.total_bytes_max;
        let mut within: Vec<(&str, &str)> = Vec::with_capacity(pairs.len());
        for (name, value) in &mut pairs {
            let room = left.saturating_sub(name.len()).min(limits.value_bytes_max);
            if value.len() > room {
                *value = Cow::Owned(cut(value, room).into_owned());
            }
            if !value.is_empty() {
                left -= name.len() + value.len();
                within.push((name, value));
            }
        }
        Labels::from_pairs(&mut within, limits).expect("names are checked and sizes cut above")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Map<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Map<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Map<'de>, A::Error> {
                let mut pairs = Vec::with_capacity(8);
                while let Some(Name(name)) = map.next_key()? {
                    pairs.push((name, map.next_value()?));
                }
                Ok(Map { pairs, instead: None })
            }
            fn visit_unit<E>(self) -> Result<Map<'de>, E> {
                Ok(Map::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<Map<'de>, E> {
                Ok(instead("true or false"))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Map<'de>, E> {
                Ok(instead("a number"))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Map<'de>, E> {
                Ok(instead("a number"))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Map<'de>, E> {
                Ok(instead("a number"))
            }
            fn visit_str<E>(self, _: &str) -> Result<Map<'de>, E> {
                Ok(instead("a text"))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Map<'de>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(instead("an array"))
            }
        }
        deserializer.deserialize_any(Pairs)
    }
}

fn instead<'a>(kind: &'static str) -> Map<'a> {
    Map { pairs: Vec::new(), instead: Some(kind) }
}

/// The name of a field, borrowed where it holds no escape.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Returns an annotation's value as text: a number says what it says, and what has parts is named.
fn as_text<'a>(value: &'a Value<'_>) -> Cow<'a, str> {
    match value {
        Value::Text(text) => Cow::Borrowed(text),
        Value::Scalar(text) => Cow::Borrowed(text),
        Value::Absent => Cow::Borrowed(""),
        Value::Array | Value::Object => Cow::Owned(format!("({}, not shown)", value.kind())),
    }
}

fn is_name(name: &str, limits: &LabelLimits) -> bool {
    !name.is_empty() && name.len() <= limits.name_bytes_max && !name.chars().any(char::is_control)
}

/// Returns the text in at most so many bytes, cut between characters; `…` says that it was longer.
fn cut(text: &str, bytes_max: usize) -> Cow<'_, str> {
    const MARK: &str = "…";
    if text.len() <= bytes_max {
        return Cow::Borrowed(text);
    }
    match bytes_max.checked_sub(MARK.len()) {
        Some(room) => Cow::Owned(format!("{}{MARK}", &text[..text.floor_char_boundary(room)])),
        None => Cow::Borrowed(""),
    }
}
