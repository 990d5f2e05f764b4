//! What may be written next: names, operators and values, from the table of fields and from what there is.

use super::field::{FIELDS, Field, Kind, names};
use super::lex::quote;
use super::parse::is_name;
use super::pattern::contains;
use super::value::OWNERS;
use std::ops::Range;

/// Most that is offered.
pub const OFFERED_MAX: usize = 50;
/// Most values that are looked through for one offer.
const LOOKED_AT_MAX: usize = 200_000;

/// What labels and values there are.
pub trait Vocabulary {
    /// Tells each label's name.
    fn labels(&self, each: &mut dyn FnMut(&str));
    /// Tells each value of a label.
    fn values(&self, label: &str, each: &mut dyn FnMut(&str));
    /// Tells each value of a field that is no word of the language: owners, sources, teams, services.
    fn field_values(&self, field: Field, each: &mut dyn FnMut(&str));
}

/// What a completion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Is {
    /// A sign between name and value.
    Operator,
    /// A value.
    Value,
    /// A field.
    Field,
    /// A label.
    Label,
    /// `and`, `or`, `not`.
    Word,
}

/// One thing that may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The bytes of the text that it takes the place of; empty at the cursor where nothing was begun.
    pub replaces: Range<usize>,
    /// What is written there. It comes from outside where it is a label or a value: make it safe for the screen.
    pub text: String,
    /// What it is.
    pub is: Is,
    /// What it means, in a few words; may be empty.
    pub help: &'static str,
}

/// Where a cursor stands.
#[derive(Debug, PartialEq)]
enum Place<'t> {
    Name { begun: &'t str, at: usize, braces: bool, first: bool },
    Value { name: String, quoted_name: bool, begun: &'t str, at: usize, braces: bool, one: bool },
    Nowhere,
}

/// Returns what may stand at the cursor (a byte of `text`), the likeliest first, at most [`OFFERED_MAX`].
pub fn complete(text: &str, cursor: usize, vocabulary: &dyn Vocabulary) -> Vec<Completion> {
    let cursor = (0..=cursor.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let mut offer = Offer { cursor, begun: String::new(), at: cursor, found: Vec::new() };
    match place(&text[..cursor]) {
        Place::Name { begun, at, braces, first } => {
            offer.begin(begun, at);
            offer.names(vocabulary, braces, first);
        }
        Place::Value { name, quoted_name, begun, at, braces, one } => {
            offer.begin(begun.strip_prefix('"').unwrap_or(begun), at);
            offer.values(vocabulary, &name, braces || quoted_name, braces, one);
        }
        Place::Nowhere => {}
    }
    offer.done()
}

struct Offer {
    cursor: usize,
    /// What was begun, in lower case.
    begun: String,
    at: usize,
    /// By how well it fits, then by what it is.
    found: Vec<(u8, Completion)>,
}

impl Offer {
    fn begin(&mut self, begun: &str, at: usize) {
        (self.begun, self.at) = (begun.to_lowercase(), at);
    }

    /// Offers `text` when `name` fits what was begun.
    fn add(&mut self, name: &str, text: String, is: Is, help: &'static str) {
        let Some(fit) = self.fit(name) else { return };
        self.found.push((fit, Completion { replaces: self.at..self.cursor, text, is, help }));
    }

    fn names(&mut self, vocabulary: &dyn Vocabulary, braces: bool, first: bool) {
        let whole = self.begun.strip_prefix("label.").unwrap_or(&self.begun).to_owned();
        let mut labels = Vec::new();
        vocabulary.labels(&mut |name| labels.push(name.to_owned()));
        if !braces {
            for line in FIELDS {
                let all = std::iter::once(line.name).chain(line.aliases.iter().copied());
                // By an alias only as far as somebody has begun one.
                let name = all.into_iter().find(|name| name.starts_with(&self.begun)).unwrap_or(line.name);
                self.add(name, format!("{}{}", line.name, first_sign(line.kind)), Is::Field, line.help);
            }
            let words: &[(&str, &str)] = if first {
                &[("not", "the opposite")]
            } else {
                &[("and", "both"), ("or", "one of both"), ("not", "the opposite")]
            };
            words.iter().for_each(|(word, help)| self.add(word, format!("{word} "), Is::Word, help));
            if let Some(field) = Field::named(&self.begun).filter(|field| field.name() == self.begun) {
                let signs = signs(field.kind()).iter();
                signs.for_each(|sign| self.add(&whole, format!("{whole}{sign}"), Is::Operator, sign_help(sign)));
            }
        }
        for name in &labels {
            let written = match () {
                () if braces => {
                    if is_name(name) {
                        name.clone()
                    } else {
                        quote(name)
                    }
                }
                () if names().any(|field| field == name) => format!("label.{name}"),
                () => {
                    if is_name(name) {
                        name.clone()
                    } else {
                        quote(name)
                    }
                }
            };
            self.add(name, format!("{written}="), Is::Label, "");
            if name.to_lowercase() == whole {
                let signs: &[&str] = if braces { &["=", "!=", "=~", "!~"] } else { &[":", "=", "!=", "=~", "!~"] };
                signs.iter().for_each(|sign| self.add(name, format!("{written}{sign}"), Is::Operator, sign_help(sign)));
            }
        }
    }

    fn values(&mut self, vocabulary: &dyn Vocabulary, name: &str, label: bool, braces: bool, one: bool) {
        let field = if label { None } else { Field::named(name) };
        let write = |value: &str| if braces || !is_safe(value) { quote(value) } else { value.to_owned() };
        match field.map(|field| (field, field.kind())) {
            Some((_, Kind::Words(words))) => {
                words.iter().for_each(|word| self.add(word.word, word.word.to_owned(), Is::Value, word.help));
            }
            Some((_, Kind::Severity)) => {
                let all = (1..=9).map(|number| format!("S{number}")).chain(["unexamined".to_owned()]);
                all.for_each(|word| self.add(&word.clone(), word, Is::Value, ""));
            }
            Some((_, Kind::Span)) => {
                let spans = [("15m", "minutes"), ("1h", "an hour"), ("4h", "hours"), ("1d", "a day"), ("1w", "a week")];
                spans.iter().for_each(|(span, help)| self.add(span, (*span).to_owned(), Is::Value, help));
            }
            Some((field, kind)) => {
                if kind == Kind::Owner {
                    let words = OWNERS.iter().filter(|(word, _)| !matches!(*word, "none" | "on-call"));
                    words.for_each(|(word, _)| self.add(word, (*word).to_owned(), Is::Value, ""));
                }
                self.all(|each| vocabulary.field_values(field, each), &write);
            }
            None => {
                let name = if label { name } else { name.strip_prefix("label.").unwrap_or(name) };
                self.all(|each| vocabulary.values(name, each), &write);
            }
        }
        if !one && !self.begun.is_empty() && self.begun.ends_with('*') {
            self.found.clear();
        }
    }

    /// Offers the first by their text of those that fit; a hundred thousand may.
    fn all(&mut self, tell: impl FnOnce(&mut dyn FnMut(&str)), write: &dyn Fn(&str) -> String) {
        let mut looked = 0;
        let mut kept: Vec<(u8, String)> = Vec::new();
        let mut full = false;
        tell(&mut |value: &str| {
            looked += 1;
            let Some(fit) = self.fit(value).filter(|_| looked <= LOOKED_AT_MAX) else { return };
            if full && kept.last().is_some_and(|last| (last.0, last.1.as_str()) <= (fit, value)) {
                return;
            }
            let at = kept.partition_point(|known| (known.0, known.1.as_str()) < (fit, value));
            kept.insert(at, (fit, value.to_owned()));
            kept.truncate(OFFERED_MAX);
            full = kept.len() == OFFERED_MAX;
        });
        kept.into_iter().for_each(|(_, value)| self.add(&value, write(&value), Is::Value, ""));
    }

    /// Returns how well a name fits what was begun, 0 best.
    fn fit(&self, name: &str) -> Option<u8> {
        let begins = match name.as_bytes().get(..self.begun.len()) {
            Some(head) if name.is_ascii() => head.eq_ignore_ascii_case(self.begun.as_bytes()),
            _ => name.to_lowercase().starts_with(&self.begun),
        };
        match () {
            () if begins => Some(0),
            // One character stands in nearly everything.
            () if self.begun.len() > 1 && contains(name, &self.begun) => Some(1),
            () => None,
        }
    }

    fn done(mut self) -> Vec<Completion> {
        fn bare(one: &Completion) -> &str {
            one.text.trim_start_matches('"')
        }
        self.found.sort_by(|(a_fit, a), (b_fit, b)| {
            // The language's own keeps the order of its table; what comes from outside has none.
            let outside = |one: &Completion| matches!(one.is, Is::Label | Is::Value) && one.help.is_empty();
            let by_text = if outside(a) && outside(b) { bare(a).cmp(bare(b)) } else { std::cmp::Ordering::Equal };
            (a_fit, a.is).cmp(&(b_fit, b.is)).then(by_text)
        });
        let mut all: Vec<Completion> = self.found.into_iter().map(|(_, one)| one).collect();
        let mut seen = std::collections::HashSet::new();
        all.retain(|one| seen.insert(one.text.clone()));
        all.truncate(OFFERED_MAX);
        all
    }
}

/// Returns whether a value needs no quotes.
fn is_safe(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| c.is_alphanumeric() || "_.-@%+".contains(c))
}

fn first_sign(kind: Kind) -> &'static str {
    match kind {
        Kind::Span => "<",
        Kind::Number => ">",
        Kind::Severity | Kind::Words(_) | Kind::Owner | Kind::Text | Kind::Needle => ":",
    }
}

fn signs(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Span => &["<", "<=", ">", ">="],
        Kind::Severity | Kind::Number => &[":", "=", "!=", "<", "<=", ">", ">="],
        Kind::Text => &[":", "=", "!=", "=~", "!~"],
        Kind::Words(_) | Kind::Owner | Kind::Needle => &[":", "=", "!="],
    }
}

fn sign_help(sign: &str) -> &'static str {
    match sign {
        ":" => "any of several, in any case, with *",
        "=" => "exactly",
        "!=" => "anything else",
        "=~" => "as a regular expression",
        "!~" => "not as a regular expression",
        "<" => "less",
        "<=" => "at most",
        ">" => "more",
        _ => "at least",
    }
}

/// Returns where the end of a text stands, however much of it is wrong.
fn place(text: &str) -> Place<'_> {
    let (mut at, mut braces, mut first) = (0, false, true);
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        let rest = &text[at..];
        let Some(c) = rest.chars().next() else { return Place::Name { begun: "", at, braces, first } };
        match c {
            '{' | '}' => (braces, at) = (c == '{', at + 1),
            '(' | ')' | ',' | '-' => at += 1,
            '!' if !braces && !rest[1..].starts_with(['=', '~']) => at += 1,
            _ => match part(text, at, braces, first) {
                Ok(next) => at = next.max(at + c.len_utf8()),
                Err(place) => return place,
            },
        }
        first = first && matches!(c, '(' | '{' | '-' | '!');
    }
}

/// Passes over a word, or a name with its values; says where the text ends when it ends within.
fn part(text: &str, start: usize, braces: bool, first: bool) -> Result<usize, Place<'_>> {
    let quoted_name = text[start..].starts_with('"');
    let name_end = if quoted_name { close(text, start) } else { Some(word_end(text, start, ",(){}\"=<>:!~")) };
    let ends_here = |end: usize| end == text.len();
    let name = match name_end {
        None if braces => return Err(Place::Name { begun: &text[start + 1..], at: start, braces, first }),
        None => return Err(Place::Nowhere),
        Some(end) if ends_here(end) && !quoted_name => {
            return Err(Place::Name { begun: &text[start..], at: start, braces, first });
        }
        Some(end) => end,
    };
    let after = &text[name..];
    let space = if after.starts_with(':') { 0 } else { after.len() - after.trim_start().len() };
    let sign: usize = after[space..].chars().take_while(|c| "=<>:!~".contains(*c)).map(char::len_utf8).sum();
    let one = !after.starts_with(':');
    if sign == 0 {
        return Ok(name);
    }
    let mut at = name + space + sign;
    at += if one { text[at..].len() - text[at..].trim_start().len() } else { 0 };
    loop {
        let value = at;
        let end = if text[at..].starts_with('"') { close(text, at) } else { Some(word_end(text, at, ",)}\"")) };
        match end {
            Some(end) if !ends_here(end) || (text[value..].starts_with('"')) => at = end,
            _ => {
                let raw = &text[start..name];
                let name = if quoted_name { raw.trim_matches('"') } else { raw }.to_owned();
                let begun = &text[value..];
                return Err(Place::Value { name, quoted_name, begun, at: value, braces, one });
            }
        }
        match text[at..].starts_with(',') && !one && !braces {
            true => at += 1,
            false => return Ok(at),
        }
    }
}

/// Returns where the quotes that open at `start` end, if they do.
fn close(text: &str, start: usize) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text[start + 1..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(start + 1 + at + 1),
            _ => {}
        }
    }
    None
}

fn word_end(text: &str, start: usize, stops: &str) -> usize {
    text[start..].find(|c: char| c.is_whitespace() || stops.contains(c)).map_or(text.len(), |end| start + end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Few;

    impl Vocabulary for Few {
        fn labels(&self, each: &mut dyn FnMut(&str)) {
            ["cluster", "severity", "weird name", "service"].iter().for_each(|name| each(name));
        }
        fn values(&self, label: &str, each: &mut dyn FnMut(&str)) {
            match label {
                "cluster" => ["us-1", "eu-1", "eu 2"].iter().for_each(|value| each(value)),
                "weird name" => each("x"),
                _ => {}
            }
        }
        fn field_values(&self, field: Field, each: &mut dyn FnMut(&str)) {
            if field == Field::Owner {
                ["mira", "joe"].iter().for_each(|value| each(value));
            }
        }
    }

    /// `|` is the cursor; the first offers, as they would stand in the text.
    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        let cursor = text.find('|').expect("a cursor");
        let text = text.replace('|', "");
        let offers = complete(&text, cursor, &Few);
        let written: Vec<String> = offers
            .iter()
            .map(|one| format!("{}{}{}", &text[..one.replaces.start], one.text, &text[one.replaces.end..]))
            .collect();
        assert_eq!(&written[..expect.len().min(written.len())], expect, "{text}: {written:?}");
    }

    #[test]
    fn names_come_from_the_table_and_the_data() {
        check("sev|", &["severity:", "label.severity="]);
        check("cl|", &["claimed:", "cluster="]);
        check("x cl|", &["x claimed:", "x cluster="]);
        check("(-clu|)", &["(-cluster=)"]);
        check("{|", &["{cluster=", "{service=", "{severity=", "{\"weird name\"="]);
        check("{cluster=\"a\", we|}", &["{cluster=\"a\", \"weird name\"=}"]);
        check("wei|", &["\"weird name\"="]);
        check("a o|", &["a owner:", "a or "]);
        check("a ol|", &["a policy:"]);
        check("svc|", &["service:"]);
    }

    #[test]
    fn operators_follow_a_whole_name() {
        check("age|", &["age<", "age<=", "age>", "age>="]);
        check("cluster|", &["cluster:", "cluster=", "cluster!=", "cluster=~", "cluster!~"]);
    }

    #[test]
    fn values_come_from_words_and_data() {
        check("state:n|", &["state:new"]);
        check("state:new,a|", &["state:new,acked"]);
        check("owner:m|", &["owner:me", "owner:mira"]);
        check("cluster=|", &["cluster=\"eu 2\"", "cluster=eu-1", "cluster=us-1"]);
        check("cluster = e|", &["cluster = \"eu 2\"", "cluster = eu-1"]);
        check("{cluster=\"eu|", &["{cluster=\"eu 2\"", "{cluster=\"eu-1\""]);
        check("{cluster=~u|}", &["{cluster=~\"us-1\"}"]);
        check("severity<=|", &["severity<=S1"]);
        check("label.cluster:us|", &["label.cluster:us-1"]);
        check("{\"weird name\"=|", &["{\"weird name\"=\"x\""]);
        check("age<|", &["age<15m", "age<1h"]);
        check("colour=|", &[]);
    }

    proptest! {
        #[test]
        fn no_place_panics(text in "[a-z:=!~<>(){}\",\\\\ é-]{0,30}", cursor in 0usize..40) {
            for one in complete(&text, cursor, &Few) {
                prop_assert!(text.get(one.replaces.clone()).is_some());
            }
        }
    }
}
