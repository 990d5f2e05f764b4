//! Whether a question is answered with yes.

use super::field::{Field, PAGE_HIDE, PAGE_ME};
use super::pattern::contains;
use super::subject::{Eyes, Subject, Value};
use super::tree::{Atom, FieldTest, TextTest, Whose};

impl Atom {
    /// Returns whether the subject fulfils it in these eyes.
    pub fn holds(&self, subject: &dyn Subject, eyes: &Eyes<'_>) -> bool {
        match self {
            Self::Label { name, negated, test } => test.holds(subject.label(name)) != *negated,
            Self::Field { field, negated, test } => test.holds(subject.field(*field), eyes) != *negated,
            Self::Text(needles) => needles.iter().any(|needle| says(subject, needle)),
        }
    }
}

impl TextTest {
    /// Returns whether the text fulfils it; an absent one is empty, and like nothing.
    pub fn holds(&self, text: Option<&str>) -> bool {
        match self {
            Self::Is(wanted) => text.unwrap_or_default() == wanted,
            Self::Like(globs) => text.is_some_and(|text| globs.iter().any(|glob| glob.is_match(text))),
            Self::Matches(pattern) => pattern.is_match(text.unwrap_or_default()),
        }
    }
}

impl FieldTest {
    /// Returns whether the field's value fulfils it; one that is not known fulfils nothing but an empty text.
    pub fn holds(&self, value: Value<'_>, eyes: &Eyes<'_>) -> bool {
        match (self, value) {
            (Self::Text(test), Value::Text("")) => test.holds(None),
            (Self::Text(test), Value::Text(text)) => test.holds(Some(text)),
            (Self::Text(test), _) => test.holds(None),
            (Self::Owners(any), Value::Text(owner)) => any.iter().any(|whose| whose.is(Some(owner), eyes)),
            (Self::Owners(any), _) => any.iter().any(|whose| whose.is(None, eyes)),
            (Self::Words(any), Value::Words(has)) => any & has != 0,
            (Self::Words(any), Value::Incident(id)) => {
                any & PAGE_HIDE != 0 || (any & PAGE_ME != 0 && eyes.calls.contains(&id))
            }
            (Self::Severities(any), Value::Severity(severity)) => {
                any & (1 << severity.map_or(0, |severity| severity.number())) != 0
            }
            (Self::Compare(compare, than), Value::Severity(Some(severity))) => {
                compare.holds(u64::from(severity.number()), *than)
            }
            (Self::Compare(compare, than), Value::Number(number)) => compare.holds(number, *than),
            (Self::Compare(compare, than), Value::Since(since)) => {
                compare.holds(u64::try_from(eyes.now.since(since).as_millis()).unwrap_or(u64::MAX), *than)
            }
            (Self::Numbers(any), Value::Number(number)) => any.contains(&number),
            (Self::Words(_) | Self::Severities(_) | Self::Compare(..) | Self::Numbers(_), _) => false,
        }
    }
}

impl Whose {
    fn is(&self, owner: Option<&str>, eyes: &Eyes<'_>) -> bool {
        match (self, owner) {
            (Self::Nobody, owner) => owner.is_none(),
            (_, None) => false,
            (Self::Me, Some(owner)) => eyes.me.is_some_and(|me| me.as_str() == owner),
            (Self::OnCall, Some(owner)) => eyes.on_call.iter().any(|user| user.as_str() == owner),
            (Self::Named(glob), Some(owner)) => glob.is_match(owner),
        }
    }
}

/// The fields in which a word is looked for, beside label values.
pub(super) const WORDY: [Field; 4] = [Field::Number, Field::Text, Field::Service, Field::Owner];

/// Returns whether the value of a field says the word.
pub(super) fn field_says(value: Value<'_>, needle: &str) -> bool {
    match value {
        Value::Text(text) => contains(text, needle),
        Value::Number(number) => number.to_string().contains(needle),
        _ => false,
    }
}

fn says(subject: &dyn Subject, needle: &str) -> bool {
    let mut found = WORDY.iter().any(|field| field_says(subject.field(*field), needle));
    if !found {
        subject.labels(&mut |_, value| found = found || contains(value, needle));
    }
    found
}
