//! One JSON object of texts: labels, which must be right, and annotations, which are made to fit.

use super::value::Value;
use crate::domain::label::{LabelLimits, Labels};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Names and values in the order sent, repeated names among them: what they mean is decided where they are used.
#[derive(Default)]
pub(super) struct Map<'a> {
    pairs: Vec<(Cow<'a, str>, Value<'a>)>,
    /// What stood there instead of an object.
    instead: Option<&'static str>,
}

impl Map<'_> {
    /// Returns all pairs, or which of them is no text.
    pub(super) fn texts(&self) -> Result<Vec<(&str, &str)>, String> {
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
    pub(super) fn cut(&self, limits: &LabelLimits) -> Labels {
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
pub(super) fn cut(text: &str, bytes_max: usize) -> Cow<'_, str> {
    const MARK: &str = "…";
    if text.len() <= bytes_max {
        return Cow::Borrowed(text);
    }
    match bytes_max.checked_sub(MARK.len()) {
        Some(room) => Cow::Owned(format!("{}{MARK}", &text[..text.floor_char_boundary(room)])),
        None => Cow::Borrowed(""),
    }
}
