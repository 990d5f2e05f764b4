//! The tree of a query. Two trees are equal when they mean the same words; where those stood does not count.

use super::field::Field;
use super::pattern::{Glob, Pattern};
use std::ops::Range;

/// A part of a query.
#[derive(Debug, Clone)]
pub struct Node {
    /// The bytes of the text that it was read from.
    pub span: Range<usize>,
    /// What it says.
    pub kind: Kind,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// What a part says.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Everything fits.
    All,
    /// Each of these fits; at least two.
    And(Vec<Node>),
    /// One of these fits; at least two.
    Or(Vec<Node>),
    /// This does not fit.
    Not(Box<Node>),
    /// One question.
    Atom(Atom),
}

/// One question to a series and its incident.
#[derive(Debug, Clone, PartialEq)]
pub enum Atom {
    /// A label; an absent one is empty.
    Label {
        /// Whose value.
        name: String,
        /// Asked for the opposite: `!=`, `!~`.
        negated: bool,
        /// The question.
        test: TextTest,
    },
    /// A field.
    Field {
        /// Which.
        field: Field,
        /// Asked for the opposite: `!=`, `!~`.
        negated: bool,
        /// The question.
        test: FieldTest,
    },
    /// One of these stands somewhere in its words; lower case.
    Text(Vec<String>),
}

/// A question to a text.
#[derive(Debug, Clone, PartialEq)]
pub enum TextTest {
    /// It is exactly this.
    Is(String),
    /// It is like one of these, in any case; nothing is like none.
    Like(Vec<Glob>),
    /// The pattern matches all of it.
    Matches(Pattern),
}

/// A question to a field.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldTest {
    /// One of these bits of its words.
    Words(u16),
    /// One of these severities, by bits; bit 0 is the unexamined.
    Severities(u16),
    /// On this side of a number: a severity's, a count, milliseconds.
    Compare(Compare, u64),
    /// One of these numbers.
    Numbers(Vec<u64>),
    /// One of these has it.
    Owners(Vec<Whose>),
    /// As a label.
    Text(TextTest),
}

/// An order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

impl Compare {
    /// Returns its sign.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Returns whether the numbers stand so.
    pub fn holds(self, left: u64, right: u64) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
        }
    }
}

/// Who may have an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// The person who looks.
    Me,
    /// Nobody.
    Nobody,
    /// Somebody who is on call.
    OnCall,
    /// A person of that name.
    Named(Glob),
}

impl Node {
    /// Returns the node of one question.
    pub fn atom(span: Range<usize>, atom: Atom) -> Self {
        Self { span, kind: Kind::Atom(atom) }
    }

    /// Returns that all of these fit, in the simplest way: no `and` within `and`.
    pub fn and(span: Range<usize>, parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part.kind {
                Kind::And(inner) => flat.extend(inner),
                Kind::All => {}
                _ => flat.push(part),
            }
        }
        match flat.len() {
            0 => Self { span, kind: Kind::All },
            1 => flat.remove(0),
            _ => Self { span, kind: Kind::And(flat) },
        }
    }

    /// Returns that one of these fits, in the simplest way: no `or` within `or`.
    pub fn or(span: Range<usize>, parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part.kind {
                Kind::Or(inner) => flat.extend(inner),
                _ => flat.push(part),
            }
        }
        match flat.len() {
            0 => Self { span, kind: Kind::All },
            1 => flat.remove(0),
            _ => Self { span, kind: Kind::Or(flat) },
        }
    }

    /// Returns that this does not fit.
    pub fn negated(span: Range<usize>, part: Self) -> Self {
        Self { span, kind: Kind::Not(Box::new(part)) }
    }

    /// Returns whether it fits, where `holds` answers the questions.
    pub fn fits(&self, holds: &mut dyn FnMut(&Atom) -> bool) -> bool {
        match &self.kind {
            Kind::All => true,
            Kind::And(parts) => parts.iter().all(|part| part.fits(holds)),
            Kind::Or(parts) => parts.iter().any(|part| part.fits(holds)),
            Kind::Not(part) => !part.fits(holds),
            Kind::Atom(atom) => holds(atom),
        }
    }

    /// Visits all questions, from left to right.
    pub fn each_atom<'a>(&'a self, visit: &mut dyn FnMut(&'a Atom)) {
        match &self.kind {
            Kind::All => {}
            Kind::And(parts) | Kind::Or(parts) => parts.iter().for_each(|part| part.each_atom(visit)),
            Kind::Not(part) => part.each_atom(visit),
            Kind::Atom(atom) => visit(atom),
        }
    }

    /// Returns the parts of which each must fit: those of the `and` at the top, or itself.
    pub fn musts(&self) -> &[Self] {
        match &self.kind {
            Kind::And(parts) => parts,
            _ => std::slice::from_ref(self),
        }
    }
}
