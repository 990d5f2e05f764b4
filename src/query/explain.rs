//! A query in words, part by part.

use super::field::{Field, Kind as FieldKind};
use super::pattern::Glob;
use super::print::threshold;
use super::tree::{Atom, Compare, FieldTest, Kind, Node, TextTest, Whose};
use super::{Query, QueryError};
use std::ops::Range;

/// One part of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// How deep it stands, from 0.
    pub depth: usize,
    /// Where it stands in the text.
    pub span: Range<usize>,
    /// What it asks: `label`, `field`, `text`, or how parts are joined: `all of`, `one of`, `none of`, `everything`.
    pub kind: &'static str,
    /// It as canonical text.
    pub text: String,
    /// What it means.
    pub words: String,
}

impl Part {
    /// Returns the query of this part alone.
    ///
    /// # Errors
    /// None: what is printed can be read. The type says so because reading can fail.
    pub fn query(&self) -> Result<Query, QueryError> {
        Query::parse(&self.text)
    }

    /// Returns whether it asks something, and does not only join others.
    pub fn is_question(&self) -> bool {
        matches!(self.kind, "label" | "field" | "text")
    }
}

/// Returns all parts of a query, each before what stands in it.
pub fn explain(query: &Query) -> Vec<Part> {
    let mut parts = Vec::new();
    walk(query.tree(), 0, &mut parts);
    parts
}

fn walk(node: &Node, depth: usize, parts: &mut Vec<Part>) {
    let (kind, words, within): (_, _, &[Node]) = match &node.kind {
        Kind::All => ("everything", "everything fits".to_owned(), &[]),
        Kind::And(within) => ("all of", "each of these fits".to_owned(), within),
        Kind::Or(within) => ("one of", "one of these fits".to_owned(), within),
        Kind::Not(part) => ("none of", "this does not fit".to_owned(), std::slice::from_ref(part)),
        Kind::Atom(atom) => (kind(atom), atom_words(atom), &[]),
    };
    parts.push(Part { depth, span: node.span.clone(), kind, text: node.to_string(), words });
    within.iter().for_each(|part| walk(part, depth + 1, parts));
}

fn kind(atom: &Atom) -> &'static str {
    match atom {
        Atom::Label { .. } => "label",
        Atom::Field { .. } => "field",
        Atom::Text(_) => "text",
    }
}

fn atom_words(atom: &Atom) -> String {
    match atom {
        Atom::Label { name, negated, test } => format!("the label {name} {}", text_words(test, *negated)),
        Atom::Text(needles) => {
            let all: Vec<String> = needles.iter().map(|needle| format!("\"{needle}\"")).collect();
            format!("its number, summary, service, owner or a label value holds {}", all.join(" or "))
        }
        Atom::Field { field, negated, test } => field_words(*field, *negated, test),
    }
}

fn text_words(test: &TextTest, negated: bool) -> String {
    match (test, negated) {
        (TextTest::Is(value), false) if value.is_empty() => "is absent".to_owned(),
        (TextTest::Is(value), true) if value.is_empty() => "is there".to_owned(),
        (TextTest::Is(value), false) => format!("is exactly \"{value}\""),
        (TextTest::Is(value), true) => format!("is anything but \"{value}\""),
        (TextTest::Matches(pattern), false) => format!("matches the regular expression {}", pattern.text()),
        (TextTest::Matches(pattern), true) => format!("does not match the regular expression {}", pattern.text()),
        (TextTest::Like(globs), _) => {
            format!("is, in any case, {}", globs.iter().map(like).collect::<Vec<_>>().join(" or "))
        }
    }
}

fn like(glob: &Glob) -> String {
    let (text, starred) = glob.text();
    if starred { format!("like {text}") } else { format!("\"{text}\"") }
}

fn field_words(field: Field, negated: bool, test: &FieldTest) -> String {
    let name = field.name();
    let not = if negated { "not " } else { "" };
    match test {
        FieldTest::Text(test) => format!("the {name} {}", text_words(test, negated)),
        FieldTest::Compare(compare, than) => {
            let than = threshold(field, *than);
            match (field, compare) {
                (Field::Severity, Compare::Less) => format!("the severity is worse than {than}"),
                (Field::Severity, Compare::AtMost) => format!("the severity is {than} or worse"),
                (Field::Severity, Compare::More) => format!("the severity is milder than {than}"),
                (Field::Severity, Compare::AtLeast) => format!("the severity is {than} or milder"),
                (Field::Age, Compare::Less) => format!("it was opened less than {than} ago"),
                (Field::Age, Compare::AtMost) => format!("it was opened at most {than} ago"),
                (Field::Age, Compare::More) => format!("it was opened more than {than} ago"),
                (Field::Age, Compare::AtLeast) => format!("it was opened at least {than} ago"),
                (_, Compare::Less) => format!("{name} is less than {than}"),
                (_, Compare::AtMost) => format!("{name} is at most {than}"),
                (_, Compare::More) => format!("{name} is more than {than}"),
                (_, Compare::AtLeast) => format!("{name} is at least {than}"),
            }
        }
        FieldTest::Words(bits) => {
            let FieldKind::Words(words) = field.kind() else { return String::new() };
            let set = words.iter().enumerate().filter(|(bit, _)| bits & 1 << bit != 0);
            let all: Vec<String> = set.map(|(_, word)| format!("{} ({})", word.word, word.help)).collect();
            format!("{name} is {not}{}", all.join(" or "))
        }
        FieldTest::Severities(bits) => {
            let all = (0..10).filter(|bit| bits & 1 << bit != 0);
            let all: Vec<String> =
                all.map(|bit| if bit == 0 { "unexamined".to_owned() } else { format!("S{bit}") }).collect();
            format!("the severity is {not}{}", all.join(" or "))
        }
        FieldTest::Numbers(numbers) => {
            let all: Vec<String> = numbers.iter().map(u64::to_string).collect();
            format!("{name} is {not}{}", all.join(" or "))
        }
        FieldTest::Owners(owners) => {
            let all: Vec<String> = owners.iter().map(whose).collect();
            format!("{}{} it", all.join(" or "), if negated { " does not have" } else { " has" })
        }
    }
}

fn whose(whose: &Whose) -> String {
    match whose {
        Whose::Me => "whoever asks".to_owned(),
        Whose::Nobody => "nobody".to_owned(),
        Whose::OnCall => "somebody on call".to_owned(),
        Whose::Named(name) => name.text().0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_told_part_by_part() {
        let query = Query::parse("{cluster=~\"eu-.*\"} (severity<=3 or -owner:me) disk").unwrap();
        let told: Vec<String> = explain(&query)
            .iter()
            .map(|part| format!("{}{}: {}", "  ".repeat(part.depth), part.kind, part.words))
            .collect();
        assert_eq!(
            told,
            [
                "all of: each of these fits",
                "  label: the label cluster matches the regular expression eu-.*",
                "  one of: one of these fits",
                "    field: the severity is S3 or worse",
                "    none of: this does not fit",
                "      field: whoever asks has it",
                "  text: its number, summary, service, owner or a label value holds \"disk\"",
            ]
        );
    }

    #[test]
    fn each_part_is_a_query_of_its_own() {
        let query =
            Query::parse("a (b or -c) \"weird name\"=x age<2h severity!=S2 team=\"\" flaps>3 state:new").unwrap();
        for part in explain(&query) {
            assert_eq!(part.query().map(|query| query.to_string()).as_deref(), Ok(part.text.as_str()));
            assert!(!part.words.is_empty());
        }
    }
}
