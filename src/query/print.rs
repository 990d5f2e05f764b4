//! From tree to text: one way to write each meaning, which parses back to an equal tree.

use super::field::{Field, Kind as FieldKind};
use super::lex::quote;
use super::matchers::{is_classic, is_reserved};
use super::pattern::Glob;
use super::tree::{Atom, FieldTest, Kind, Node, TextTest, Whose};
use super::value::{UNITS, is_part};
use std::fmt;

/// Words that are no names and no texts.
const KEYWORDS: [&str; 4] = ["and", "or", "not", "unless"];

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::All => f.write_str("{}"),
            Kind::And(parts) => joined(f, parts, " and ", |part| matches!(part, Kind::Or(_))),
            Kind::Or(parts) => joined(f, parts, " or ", |_| false),
            Kind::Not(part) => {
                f.write_str("not ")?;
                bracketed(f, part, matches!(part.kind, Kind::And(_) | Kind::Or(_)))
            }
            Kind::Atom(atom) => write!(f, "{atom}"),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Node], word: &str, brackets: impl Fn(&Kind) -> bool) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        bracketed(f, part, brackets(&part.kind))?;
    }
    Ok(())
}

fn bracketed(f: &mut fmt::Formatter<'_>, part: &Node, brackets: bool) -> fmt::Result {
    if brackets { write!(f, "({part})") } else { write!(f, "{part}") }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(needles) => match needles.as_slice() {
                [one] if is_bare_text(one) => f.write_str(one),
                [one] => f.write_str(&quote(one)),
                many => write!(f, "text:{}", list(many, |needle| value(needle, false))),
            },
            Self::Label { name, negated, test } => label(f, name, *negated, test),
            Self::Field { field, negated, test } => test.print(f, *field, *negated),
        }
    }
}

fn label(f: &mut fmt::Formatter<'_>, name: &str, negated: bool, test: &TextTest) -> fmt::Result {
    let plain = is_classic(name) && !name.contains(':') && !KEYWORDS.contains(&name);
    let (open, close) = if plain || matches!(test, TextTest::Like(_)) { ("", "") } else { ("{", "}") };
    f.write_str(open)?;
    match () {
        () if plain && Field::named(name).is_some() => write!(f, "label.{name}")?,
        () if plain || (!open.is_empty() && !name.contains(is_reserved)) => f.write_str(name)?,
        () => f.write_str(&quote(name))?,
    }
    text_test(f, negated, test)?;
    f.write_str(close)
}

fn text_test(f: &mut fmt::Formatter<'_>, negated: bool, test: &TextTest) -> fmt::Result {
    match test {
        TextTest::Is(value) => write!(f, "{}{}", if negated { "!=" } else { "=" }, quote(value)),
        TextTest::Matches(pattern) => write!(f, "{}{}", if negated { "!~" } else { "=~" }, quote(pattern.text())),
        TextTest::Like(globs) => write!(f, ":{}", list(globs, glob)),
    }
}

impl FieldTest {
    fn print(&self, f: &mut fmt::Formatter<'_>, field: Field, negated: bool) -> fmt::Result {
        f.write_str(field.name())?;
        let sign = if negated { "!=" } else { ":" };
        match self {
            Self::Text(test) => text_test(f, negated, test),
            Self::Compare(compare, than) => write!(f, "{}{}", compare.sign(), threshold(field, *than)),
            Self::Words(bits) => {
                let FieldKind::Words(words) = field.kind() else { return Ok(()) };
                let named: Vec<&str> = words.iter().map(|word| word.word).collect();
                write!(f, "{sign}{}", of_bits(*bits, &named))
            }
            Self::Severities(bits) => {
                let named = ["unexamined", "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9"];
                write!(f, "{sign}{}", of_bits(*bits, &named))
            }
            Self::Numbers(numbers) => write!(f, "{sign}{}", list(numbers, u64::to_string)),
            Self::Owners(owners) => write!(f, "{sign}{}", list(owners, whose)),
        }
    }
}

fn list<T>(parts: &[T], print: impl Fn(&T) -> String) -> String {
    parts.iter().map(print).collect::<Vec<_>>().join(",")
}

fn of_bits(bits: u16, words: &[&str]) -> String {
    let set: Vec<&str> = words.iter().enumerate().filter(|(bit, _)| bits & 1 << bit != 0).map(|(_, w)| *w).collect();
    set.join(",")
}

/// Returns a severity, a number or a span as it is written.
pub(super) fn threshold(field: Field, than: u64) -> String {
    match field.kind() {
        FieldKind::Severity => format!("S{than}"),
        FieldKind::Span => span(than),
        _ => than.to_string(),
    }
}

/// Returns a span such as `1h30m`.
fn span(millis: u64) -> String {
    let mut left = millis;
    let mut out = String::new();
    for (unit, length) in UNITS {
        if left >= length {
            out.push_str(&format!("{}{unit}", left / length));
            left %= length;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

fn whose(whose: &Whose) -> String {
    match whose {
        Whose::Me => "me".to_owned(),
        Whose::Nobody => "nobody".to_owned(),
        Whose::OnCall => "oncall".to_owned(),
        Whose::Named(name) if is_part(name) => quote(&name.text().0),
        Whose::Named(name) => glob(name),
    }
}

fn glob(glob: &Glob) -> String {
    let (text, starred) = glob.text();
    value(&text, starred)
}

/// Returns a value of a list; a star that stands for anything must stay outside of quotes.
fn value(text: &str, starred: bool) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_.-@%+/".contains(c);
    let bare = !text.is_empty() && !text.starts_with('/') && text.chars().all(safe);
    if starred || bare { text.to_owned() } else { quote(text) }
}

fn is_bare_text(text: &str) -> bool {
    let safe = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.-@%+/".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(safe) && !KEYWORDS.contains(&text)
}
