//! The one language: what the filter bar, searches, saved views, rules, silences and bulk actions ask of incidents and their series.
//!
//! ```text
//! query   = or                                   empty text: everything
//! or      = and { "or" and }
//! and     = not { ["and"] not }                  side by side is "and"
//! not     = ("not" | "-" | "!") not | part
//! part    = "(" or ")" | "{" matcher {"," matcher} [","] "}" | NAME op VALUE | NAME ":" VALUE {"," VALUE} | WORD | STRING
//! op      = "=" "!=" "=~" "!~" "<" "<=" ">" ">="
//! ```
//!
//! In braces stand labels, exactly as Alertmanager means them. Outside, a NAME that is a [`Field`] is the field, any other is a label,
//! and `label.NAME` is always one. `:` asks for any of several values, in any case, with `*` for anything; `=` is exact. A bare word
//! or a quoted text is looked for in the words of an incident. An incident fits when one of its series, together with the incident's
//! fields, makes the whole query true.

pub mod alertmanager;
pub mod complete;
mod error;
pub mod explain;
pub mod field;
mod holds;
pub mod index;
mod lex;
mod matchers;
mod parse;
mod pattern;
mod print;
pub mod reference;
pub mod runbooks;
mod subject;
#[cfg(test)]
mod tests;
pub mod tree;
mod value;

pub mod silencing;
pub use complete::{Completion, Vocabulary, complete};
pub use error::QueryError;
pub use field::Field;
pub use parse::{ATOMS_MAX, DEPTH_MAX, REGEXES_MAX, TEXT_BYTES_MAX};
pub use pattern::{Glob, Pattern, REGEX_BYTES_MAX};
pub use reference::reference;
pub use subject::{AlertSubject, Eyes, IncidentSubject, Subject, Value};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use tree::{Atom, FieldTest, Node, TextTest};

/// A question to incidents and their series, read and compiled. A clone is a pointer.
///
/// Its [`Display`](fmt::Display) is canonical: one text for each meaning, which parses back to an equal query.
#[derive(Debug, Clone)]
pub struct Query {
    read: Arc<Read>,
}

#[derive(Debug)]
struct Read {
    text: String,
    root: Node,
}

impl PartialEq for Query {
    /// Whether both say the same; how they were written does not count.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.read, &other.read) || self.read.root == other.read.root
    }
}

impl Default for Query {
    fn default() -> Self {
        Self::all()
    }
}

impl Query {
    /// Returns the query of a text; an empty one is everything.
    ///
    /// # Errors
    /// [`QueryError`] says where it is wrong and what was meant, or which limit it breaks.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let root = parse::parse(text)?;
        // What is short as it was typed may be long in full; it must be readable as printed, too.
        if root.to_string().len() > TEXT_BYTES_MAX {
            let message = format!("written in full it has more than {TEXT_BYTES_MAX} bytes");
            return Err(QueryError::at(0..text.len(), message).hint("leave out what others say as well"));
        }
        Ok(Self { read: Arc::new(Read { text: text.trim().to_owned(), root }) })
    }

    /// Returns the query that everything fits.
    pub fn all() -> Self {
        Self { read: Arc::new(Read { text: String::new(), root: Node::and(0..0, Vec::new()) }) }
    }

    /// Returns whether it asks nothing.
    pub fn is_all(&self) -> bool {
        self.read.root.kind == tree::Kind::All
    }

    /// Returns its text as it was written.
    pub fn text(&self) -> &str {
        &self.read.text
    }

    /// Returns its tree; the spans in it are bytes of the text that was parsed.
    pub fn tree(&self) -> &Node {
        &self.read.root
    }

    /// Returns whether the subject fits it in these eyes.
    pub fn matches(&self, subject: &dyn Subject, eyes: &Eyes<'_>) -> bool {
        self.read.root.fits(&mut |atom| atom.holds(subject, eyes))
    }

    /// Returns labels and values that must be equal in all that fits: for prefilters, and for the silence that needs one.
    pub fn equalities(&self) -> Vec<(&str, &str)> {
        let musts = self.read.root.musts().iter();
        musts
            .filter_map(|part| match &part.kind {
                tree::Kind::Atom(Atom::Label { name, negated: false, test: TextTest::Is(value) })
                    if !value.is_empty() =>
                {
                    Some((name.as_str(), value.as_str()))
                }
                _ => None,
            })
            .collect()
    }

    /// Returns words, in lower case, of which each must stand somewhere in what fits: for prefilters.
    pub fn words(&self) -> Vec<&str> {
        let musts = self.read.root.musts().iter();
        musts
            .filter_map(|part| match &part.kind {
                tree::Kind::Atom(Atom::Text(needles)) => match needles.as_slice() {
                    [needle] => Some(needle.as_str()),
                    _ => None,
                },
                _ => None,
            })
            .collect()
    }

    /// Returns whether labels of series matter to it.
    pub fn asks_labels(&self) -> bool {
        self.any_atom(|atom| matches!(atom, Atom::Label { .. } | Atom::Text(_)))
    }

    /// Returns whether it says `page:hide`: then even what calls the person is hidden where it does not fit.
    pub fn hides_pages(&self) -> bool {
        self.any_atom(|atom| {
            matches!(atom, Atom::Field { field: Field::Page, test: FieldTest::Words(bits), .. }
                if bits & field::PAGE_HIDE != 0)
        })
    }

    /// Returns whether it asks for the past: for what is resolved, or how old things are.
    pub fn asks_the_past(&self) -> bool {
        self.any_atom(|atom| match atom {
            Atom::Field { field: Field::Age, .. } => true,
            Atom::Field { field: Field::State, negated: false, test: FieldTest::Words(bits) } => {
                bits & field::state::RESOLVED != 0
            }
            _ => false,
        })
    }

    /// Returns the query that all of these fit.
    ///
    /// # Errors
    /// [`QueryError`] when together they break a limit; its span is of their joined text.
    pub fn all_of<'q>(queries: impl IntoIterator<Item = &'q Self>) -> Result<Self, QueryError> {
        let parts: Vec<Node> = queries.into_iter().map(|query| query.read.root.clone()).collect();
        // Through its text, so that spans and limits are those of what it says.
        Self::parse(&Node::and(0..0, parts).to_string())
    }

    fn any_atom(&self, mut is: impl FnMut(&Atom) -> bool) -> bool {
        let mut found = false;
        self.read.root.each_atom(&mut |atom| found = found || is(atom));
        found
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() { Ok(()) } else { self.read.root.fmt(f) }
    }
}

impl std::str::FromStr for Query {
    type Err = QueryError;
    fn from_str(text: &str) -> Result<Self, QueryError> {
        Self::parse(text)
    }
}

impl Serialize for Query {
    /// Its text as it was written.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.read.text)
    }
}

impl<'de> Deserialize<'de> for Query {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|error| de::Error::custom(format!("{error} at byte {}", error.span.start)))
    }
}
