//! The tree of a query, and what holds.

use super::field::Field;
use super::pattern::{Needle, Op, Pattern};
use super::subject::{Eyes, Flag, Subject};
use regex::Regex;
use std::ops::Range;

/// What must hold. Always flat: no "and" stands directly in an "and", no "or" in an "or", and none of them is alone.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Node {
    /// Everything.
    #[default]
    All,
    /// All of these.
    And(Vec<Node>),
    /// One of these.
    Or(Vec<Node>),
    /// Not this.
    Not(Box<Node>),
    /// One condition.
    Atom(Atom),
}

/// One condition, and where it stood.
#[derive(Debug, Clone)]
pub struct Atom {
    /// In bytes of the text.
    pub span: Range<usize>,
    /// The condition.
    pub test: Test,
}

impl PartialEq for Atom {
    /// Where it stood does not matter.
    fn eq(&self, other: &Self) -> bool {
        self.test == other.test
    }
}

/// One condition.
#[derive(Debug, Clone)]
pub enum Test {
    /// The value of a label; an absent label has the empty one.
    Label {
        /// Which label.
        name: String,
        /// For `!=` and `!~`.
        negated: bool,
        /// What the value must be.
        value: Pattern,
    },
    /// A field that is text.
    Name {
        /// Which.
        field: Field,
        /// Any of these.
        any: Vec<Pattern>,
    },
    /// The severity as one of these; `None` is unexamined.
    SeverityIs(Vec<Option<u8>>),
    /// The severity by its order: smaller is worse, and what is unexamined has no place in it.
    SeverityOrder(Op, u8),
    /// A field that is a word of a list.
    Word(Field, Vec<&'static str>),
    /// Who has it.
    Owner(Vec<Person>),
    /// A number, or a span in milliseconds.
    Order(Order),
    /// Text that stands in it.
    Text(Needle),
    /// Text as an expression says.
    TextMatches(Regex, String),
    /// Holds always: lets a filter hide what calls the person who looks.
    HidePages,
}

/// A number compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Which field.
    pub field: Field,
    /// How.
    pub op: Op,
    /// With what; a span in milliseconds.
    pub value: i64,
}

/// Whom an owner may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Person {
    /// Who looks.
    Me,
    /// Who is on call.
    OnCall,
    /// Nobody has it.
    Nobody,
    /// That user, in lower case.
    Named(String),
}

impl PartialEq for Test {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Label { name, negated, value }, Self::Label { name: n, negated: g, value: v }) => {
                name == n && negated == g && value == v
            }
            (Self::Name { field, any }, Self::Name { field: f, any: a }) => field == f && any == a,
            (Self::SeverityIs(a), Self::SeverityIs(b)) => a == b,
            (Self::SeverityOrder(op, a), Self::SeverityOrder(o, b)) => op == o && a == b,
            (Self::Word(f, a), Self::Word(g, b)) => f == g && a == b,
            (Self::Owner(a), Self::Owner(b)) => a == b,
            (Self::Order(a), Self::Order(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::TextMatches(_, a), Self::TextMatches(_, b)) => a == b,
            (Self::HidePages, Self::HidePages) => true,
            _ => false,
        }
    }
}

impl Node {
    /// Returns the node that holds when all of these do.
    pub(super) fn and(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::All => {}
                Self::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Self::All,
            1 => flat.remove(0),
            _ => Self::And(flat),
        }
    }

    /// Returns the node that holds when one of these does.
    pub(super) fn or(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Self::Or(flat) }
    }

    pub(super) fn holds(&self, subject: &dyn Subject, eyes: &Eyes<'_>) -> bool {
        match self {
            Self::All => true,
            Self::And(parts) => parts.iter().all(|part| part.holds(subject, eyes)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(subject, eyes)),
            Self::Not(part) => !part.holds(subject, eyes),
            Self::Atom(atom) => atom.test.holds(subject, eyes),
        }
    }

    pub(super) fn each_atom(&self, take: &mut dyn FnMut(&Atom)) {
        match self {
            Self::All => {}
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.each_atom(take)),
            Self::Not(part) => part.each_atom(take),
            Self::Atom(atom) => take(atom),
        }
    }

    /// Returns label and value where this is nothing but that a label has a value.
    pub(super) fn equality(&self) -> Option<(&str, &str)> {
        match self {
            Self::Atom(Atom { test: Test::Label { name, negated: false, value: Pattern::Is(value) }, .. })
                if !value.is_empty() =>
            {
                Some((name, value))
            }
            _ => None,
        }
    }
}

impl Test {
    /// Returns the field that it asks for; a label is none.
    pub fn field(&self) -> Option<Field> {
        Some(match self {
            Self::Label { .. } => return None,
            Self::Name { field, .. } | Self::Word(field, _) | Self::Order(Order { field, .. }) => *field,
            Self::SeverityIs(_) | Self::SeverityOrder(..) => Field::Severity,
            Self::Owner(_) => Field::Owner,
            Self::Text(_) | Self::TextMatches(..) => Field::Text,
            Self::HidePages => Field::Page,
        })
    }

    /// Returns whether it holds for the subject.
    pub fn holds(&self, subject: &dyn Subject, eyes: &Eyes<'_>) -> bool {
        match self {
            Self::Label { name, negated, value } => value.fits(subject.label(name).unwrap_or_default()) != *negated,
            Self::Name { field, any } => {
                subject.name(*field).is_some_and(|name| any.iter().any(|pattern| pattern.fits(name)))
            }
            Self::SeverityIs(any) => {
                subject.severity().is_some_and(|severity| any.contains(&severity.map(|one| one.number())))
            }
            Self::SeverityOrder(op, value) => {
                subject.severity().flatten().is_some_and(|severity| op.holds(&severity.number(), value))
            }
            Self::Word(field, words) => words.iter().any(|word| has_word(subject, *field, word, eyes)),
            Self::Owner(any) => any.iter().any(|person| owns(subject, person, eyes)),
            Self::Order(Order { field: Field::Age, op, value }) => subject.opened_at().is_some_and(|at| {
                let age = i64::try_from(eyes.now.since(at).as_millis()).unwrap_or(i64::MAX);
                op.holds(&age, value)
            }),
            Self::Order(Order { field, op, value }) => {
                subject.number(*field).is_some_and(|number| op.holds(&number, value))
            }
            Self::Text(needle) => subject.any_text(&mut |text| needle.is_in(text)),
            Self::TextMatches(regex, _) => subject.any_text(&mut |text| regex.is_match(text)),
            Self::HidePages => true,
        }
    }
}

fn has_word(subject: &dyn Subject, field: Field, word: &str, eyes: &Eyes<'_>) -> bool {
    let flag = |flag: Flag| subject.flag(flag).is_some_and(|holds| holds == (word == "yes"));
    match field {
        Field::State => subject.is_state(word),
        Field::Held => flag(Flag::Held),
        Field::Silenced => flag(Flag::Silenced),
        Field::Claimed => flag(Flag::Claimed),
        Field::Page => {
            word == "me" && subject.incident().is_some_and(|id| eyes.calls.is_some_and(|ids| ids.contains(&id)))
        }
        other => subject.name(other) == Some(word),
    }
}

fn owns(subject: &dyn Subject, person: &Person, eyes: &Eyes<'_>) -> bool {
    let Some(owner) = subject.owner() else { return false };
    match (owner, person) {
        (None, person) => *person == Person::Nobody,
        (Some(owner), Person::Me) => eyes.me == Some(owner),
        (Some(owner), Person::OnCall) => eyes.on_call.is_some_and(|people| people.contains(owner)),
        (Some(owner), Person::Named(name)) => owner.as_str().to_lowercase() == *name,
        (Some(_), Person::Nobody) => false,
    }
}
