//! Values of fields: what a word, a number or a span means there, and what is said of one that means nothing.

use super::error::QueryError;
use super::field::{Field, Kind, Word};
use super::lex::{Sign, Written};
use super::parse::{glob, text_test};
use super::pattern::Glob;
use super::tree::{Atom, Compare, FieldTest, Whose};
use crate::domain::nearest::nearest;
use std::ops::Range;

/// Nobody asks for more; it also keeps sums from running over.
const SPAN_DAYS_MAX: u64 = 36_500;
/// Milliseconds of the units of a span, the longest first.
pub(super) const UNITS: [(char, u64); 5] =
    [('w', 7 * 86_400_000), ('d', 86_400_000), ('h', 3_600_000), ('m', 60_000), ('s', 1000)];
/// Words of `owner` that are no names.
pub(super) const OWNERS: [(&str, Whose); 5] = [
    ("me", Whose::Me),
    ("nobody", Whose::Nobody),
    ("none", Whose::Nobody),
    ("oncall", Whose::OnCall),
    ("on-call", Whose::OnCall),
];

/// A field and the sign behind it.
pub(super) struct Asked {
    pub(super) field: Field,
    pub(super) sign: Sign,
    pub(super) at: Range<usize>,
    pub(super) start: usize,
}

/// Returns what may stand behind a field, for a hint.
pub(super) fn hint(field: Field) -> String {
    match field.kind() {
        Kind::Words(words) => format!("one of {}", words.iter().map(|word| word.word).collect::<Vec<_>>().join(", ")),
        Kind::Severity => "S1 (worst) to S9, or unexamined".to_owned(),
        _ => format!("such as {}", field.known().example),
    }
}

impl Asked {
    /// Returns the question, and whether all of it is asked for its opposite.
    pub(super) fn of(&self, values: &[Written]) -> Result<(Atom, bool), QueryError> {
        let any = matches!(self.sign, Sign::Equal | Sign::NotEqual | Sign::Any);
        let negated = self.sign == Sign::NotEqual;
        let test = match self.field.kind() {
            Kind::Needle if any => {
                return Ok((Atom::Text(values.iter().map(|value| value.text.to_lowercase()).collect()), negated));
            }
            Kind::Text if self.compare().is_none() => {
                let (negated, test) = text_test(self.sign, values)?;
                return Ok((Atom::Field { field: self.field, negated, test: FieldTest::Text(test) }, false));
            }
            Kind::Words(words) if any => FieldTest::Words(bits(values, |value| word(self.field, words, value))?),
            Kind::Owner if any => FieldTest::Owners(values.iter().map(whose).collect()),
            Kind::Severity if any => FieldTest::Severities(bits(values, severity)?),
            Kind::Number if any => {
                FieldTest::Numbers(values.iter().map(|value| number(self.field, value)).collect::<Result<_, _>>()?)
            }
            kind => FieldTest::Compare(
                self.compare().filter(|_| comparable(kind)).ok_or_else(|| self.wrong_sign())?,
                self.threshold(kind, &values[0])?,
            ),
        };
        Ok((Atom::Field { field: self.field, negated, test }, false))
    }

    fn compare(&self) -> Option<Compare> {
        match self.sign {
            Sign::Less => Some(Compare::Less),
            Sign::AtMost => Some(Compare::AtMost),
            Sign::More => Some(Compare::More),
            Sign::AtLeast => Some(Compare::AtLeast),
            Sign::Equal | Sign::NotEqual | Sign::Match | Sign::NotMatch | Sign::Any => None,
        }
    }

    fn threshold(&self, kind: Kind, value: &Written) -> Result<u64, QueryError> {
        match kind {
            Kind::Severity => match severity(value)? {
                0 => Err(QueryError::at(value.span.clone(), "the unexamined is neither worse nor milder")
                    .hint("write severity:unexamined")),
                number => Ok(u64::from(number)),
            },
            Kind::Span => span(value),
            _ => number(self.field, value),
        }
    }

    fn wrong_sign(&self) -> QueryError {
        let name = self.field.name();
        let takes = match self.field.kind() {
            Kind::Span => "< <= > and >=",
            Kind::Severity | Kind::Number => ": = != < <= > and >=",
            Kind::Text => ": = != =~ and !~",
            _ => ": = and !=",
        };
        let error =
            QueryError::at(self.start..self.at.end, format!("`{name}` takes {takes}, not `{}`", self.sign.text()));
        error.hint(format!("such as {}", self.field.known().example))
    }
}

fn comparable(kind: Kind) -> bool {
    matches!(kind, Kind::Span | Kind::Severity | Kind::Number)
}

fn bits(values: &[Written], read: impl Fn(&Written) -> Result<u8, QueryError>) -> Result<u16, QueryError> {
    values.iter().try_fold(0, |bits, value| Ok(bits | 1 << read(value)?))
}

/// Returns which word of the field it is.
fn word(field: Field, words: &[Word], value: &Written) -> Result<u8, QueryError> {
    let asked = value.text.to_lowercase();
    let found = words.iter().position(|word| word.word == asked || (!word.alias.is_empty() && word.alias == asked));
    if let Some(index) = found {
        return Ok(index as u8);
    }
    let name = field.name();
    let error = QueryError::at(value.span.clone(), format!("`{name}` has no word `{}`", cut(&value.text)));
    let names = words.iter().flat_map(|word| [word.word, word.alias]).filter(|word| !word.is_empty());
    Err(match nearest(&asked, names) {
        Some(meant) => error.hint(format!("did you mean `{meant}`?")),
        None => error.hint(hint(field)),
    })
}

/// Returns the number of a severity; 0 is the unexamined.
fn severity(value: &Written) -> Result<u8, QueryError> {
    let text = value.text.to_ascii_lowercase();
    let digits = text.strip_prefix('s').unwrap_or(&text);
    match digits.as_bytes() {
        [digit @ b'1'..=b'9'] => Ok(digit - b'0'),
        [b'?'] => Ok(0),
        _ if text == "unexamined" => Ok(0),
        _ => {
            let message = format!("`severity` is S1 (worst) to S9, or unexamined, not `{}`", cut(&value.text));
            let error = QueryError::at(value.span.clone(), message);
            Err(if text.starts_with(|c: char| c.is_ascii_digit()) || digits.parse::<u64>().is_ok() {
                error
            } else {
                error.hint(format!("for the label write label.severity=\"{}\"", cut(&value.text)))
            })
        }
    }
}

fn number(field: Field, value: &Written) -> Result<u64, QueryError> {
    value.text.trim_start_matches('#').parse().map_err(|_| {
        let message = format!("`{}` is a whole number, not `{}`", field.name(), cut(&value.text));
        QueryError::at(value.span.clone(), message).hint(format!("such as {}", field.known().example))
    })
}

/// Reads `90s`, `2h`, `1h30m`; a number without a unit is none.
fn span(value: &Written) -> Result<u64, QueryError> {
    let text = value.text.as_str();
    let wrong = |why: String| QueryError::at(value.span.clone(), why);
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let error = wrong(format!("`{}` has no unit", cut(text)));
        return Err(error.hint(format!("write {0}m for minutes, {0}h for hours, {0}d for days", cut(text))));
    }
    let unreadable = || wrong(format!("`{}` is no span of time", cut(text))).hint("such as 45s, 90m, 1h30m, 2d, 1w");
    let (mut total, mut rest) = (0u64, text);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: u64 = rest[..digits].parse().map_err(|_| unreadable())?;
        let unit = rest[digits..].chars().next().ok_or_else(unreadable)?;
        let (_, length) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(unreadable)?;
        total = count.checked_mul(*length).and_then(|part| total.checked_add(part)).unwrap_or(u64::MAX);
        rest = &rest[digits + 1..];
    }
    match total {
        _ if text.is_empty() => Err(unreadable()),
        total if total > SPAN_DAYS_MAX * 86_400_000 => Err(wrong(format!("a span is at most {SPAN_DAYS_MAX} days"))),
        total => Ok(total),
    }
}

fn whose(value: &Written) -> Whose {
    let word = value.text.to_lowercase();
    let known = OWNERS.iter().find(|(known, _)| !value.quoted && *known == word);
    known.map_or_else(|| Whose::Named(glob(value)), |(_, whose)| whose.clone())
}

/// Returns whether an unquoted text means somebody by their part, not by their name.
pub(super) fn is_part(name: &Glob) -> bool {
    OWNERS.iter().any(|(known, _)| *known == name.text().0)
}

/// Returns the beginning of a value, for an error.
fn cut(text: &str) -> String {
    text.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
