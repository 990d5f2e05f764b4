//! Tree to text: canonical, and it parses back to the same tree.

use super::field::{Field, Kind};
use super::node::{Atom, Node, Order, Person, Test};
use super::parse::UNITS;
use super::pattern::Pattern;
use std::fmt::{Formatter, Result, Write as _};

pub(super) fn root(node: &Node, f: &mut Formatter<'_>) -> Result {
    if *node == Node::All { Ok(()) } else { print(node, 0, f) }
}

/// Prints a node within one that binds so tightly: 0 "or", 1 "and", 2 "not".
fn print(node: &Node, within: u8, f: &mut Formatter<'_>) -> Result {
    match node {
        Node::All => f.write_str("{}"),
        Node::Or(parts) => {
            open(within > 0, f)?;
            for (place, part) in parts.iter().enumerate() {
                f.write_str(if place > 0 { " or " } else { "" })?;
                print(part, 1, f)?;
            }
            close(within > 0, f)
        }
        Node::And(parts) => {
            open(within > 1, f)?;
            and(parts, f)?;
            close(within > 1, f)
        }
        Node::Not(part) => {
            f.write_str("not ")?;
            print(part, 2, f)
        }
        Node::Atom(Atom { test: label @ Test::Label { .. }, .. }) => {
            f.write_char('{')?;
            test(label, f)?;
            f.write_char('}')
        }
        Node::Atom(atom) => test(&atom.test, f),
    }
}

fn open(needed: bool, f: &mut Formatter<'_>) -> Result {
    f.write_str(if needed { "(" } else { "" })
}

fn close(needed: bool, f: &mut Formatter<'_>) -> Result {
    f.write_str(if needed { ")" } else { "" })
}

/// Prints what must all hold; labels that follow each other share their braces.
fn and(parts: &[Node], f: &mut Formatter<'_>) -> Result {
    let is_label = |part: &Node| matches!(part, Node::Atom(Atom { test: Test::Label { .. }, .. }));
    let mut first = true;
    for group in parts.chunk_by(|a, b| is_label(a) && is_label(b)) {
        f.write_str(if first { "" } else { " and " })?;
        first = false;
        if !group.iter().all(is_label) {
            group.iter().try_for_each(|part| print(part, 2, f))?;
            continue;
        }
        f.write_char('{')?;
        for (place, part) in group.iter().enumerate() {
            f.write_str(if place > 0 { ", " } else { "" })?;
            if let Node::Atom(atom) = part {
                test(&atom.test, f)?;
            }
        }
        f.write_char('}')?;
    }
    Ok(())
}

fn test(test: &Test, f: &mut Formatter<'_>) -> Result {
    match test {
        Test::Label { name, negated, value } => {
            let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if plain {
                f.write_str(name)?
            } else {
                quoted(name, f)?
            }
            f.write_str(match (value, negated) {
                (Pattern::Matches(..), false) => "=~",
                (Pattern::Matches(..), true) => "!~",
                (_, false) => "=",
                (_, true) => "!=",
            })?;
            quoted(text_of(value), f)
        }
        Test::Name { field, any } => name_list(*field, any, f),
        Test::SeverityIs(any) => {
            f.write_str("severity:")?;
            list(any, f, |severity, f| match severity {
                Some(number) => write!(f, "s{number}"),
                None => f.write_str("unexamined"),
            })
        }
        Test::SeverityOrder(op, number) => write!(f, "severity{op}{number}"),
        Test::Word(field, words) => {
            write!(f, "{}:", field.name())?;
            list(words, f, |word, f| f.write_str(word))
        }
        Test::Owner(any) => {
            f.write_str("owner:")?;
            list(any, f, |person, f| match person {
                Person::Me => f.write_str("me"),
                Person::OnCall => f.write_str("oncall"),
                Person::Nobody => f.write_str("nobody"),
                Person::Named(name) => value(name, f),
            })
        }
        Test::Order(Order { field, op, value }) => {
            write!(f, "{}{op}", field.name())?;
            if field.kind() == Kind::Span { span(*value, f) } else { write!(f, "{value}") }
        }
        Test::Text(needle) => {
            let word = needle.written();
            let keyword = ["and", "or", "not"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword));
            if is_bare(word) && !keyword { f.write_str(word) } else { quoted(word, f) }
        }
        Test::TextMatches(_, written) => {
            f.write_str("text=~")?;
            quoted(written, f)
        }
        Test::HidePages => f.write_str("page:hide"),
    }
}

fn text_of(pattern: &Pattern) -> &str {
    match pattern {
        Pattern::Is(text) | Pattern::Begins(text) | Pattern::IsLike(text) | Pattern::Matches(_, text) => text,
    }
}

fn name_list(field: Field, any: &[Pattern], f: &mut Formatter<'_>) -> Result {
    f.write_str(field.name())?;
    match any {
        [Pattern::Is(text)] => {
            f.write_char('=')?;
            quoted(text, f)
        }
        [Pattern::Matches(_, text)] => {
            f.write_str("=~")?;
            quoted(text, f)
        }
        any => {
            f.write_char(':')?;
            list(any, f, |pattern, f| {
                value(text_of(pattern), f)?;
                f.write_str(if matches!(pattern, Pattern::Begins(_)) { "*" } else { "" })
            })
        }
    }
}

fn list<T>(items: &[T], f: &mut Formatter<'_>, print: impl Fn(&T, &mut Formatter<'_>) -> Result) -> Result {
    for (place, item) in items.iter().enumerate() {
        f.write_str(if place > 0 { "," } else { "" })?;
        print(item, f)?;
    }
    Ok(())
}

/// Prints a value of a list, in quotes where it needs them.
fn value(text: &str, f: &mut Formatter<'_>) -> Result {
    if is_bare(text) { f.write_str(text) } else { quoted(text, f) }
}

/// Returns whether a text needs no quotes.
fn is_bare(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '%' | '-' | '+' | '@');
    !text.is_empty() && !text.starts_with('-') && text.chars().all(plain)
}

fn quoted(text: &str, f: &mut Formatter<'_>) -> Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            other => f.write_char(other)?,
        }
    }
    f.write_char('"')
}

/// Prints a span in its units, such as `1h30m`.
fn span(ms: i64, f: &mut Formatter<'_>) -> Result {
    let mut left = ms;
    if left == 0 {
        return f.write_str("0s");
    }
    for (unit, size) in UNITS {
        if left >= size {
            write!(f, "{}{unit}", left / size)?;
            left %= size;
        }
    }
    Ok(())
}
