//! Which ones: one small language over labels and fields, for filters, search, views, rules, silences and claims.
//!
//! ```text
//! {service="pay", cluster=~"eu-.*"} and severity<=3 and not owner=me "connection refused"
//! ```
//!
//! Braces hold label matchers as Prometheus and Alertmanager have them. Outside of braces a name that is a [`Field`] is that field, any
//! other is a label. Bare words are text. What stands beside each other must all hold. Nothing here reads a clock: [`Eyes`] say who looks,
//! and when.

mod error;
mod field;
mod node;
mod parse;
mod pattern;
mod print;
mod subject;
#[cfg(test)]
mod tests;

pub use error::QueryError;
pub use field::{Field, Kind};
pub use node::{Atom, Node, Order, Test};
pub use pattern::{Op, Pattern};
pub use subject::{AlertSubject, Eyes, Flag, IncidentSubject, Subject};

use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest text of a query, in bytes.
pub const BYTES_MAX: usize = 4096;
/// Most conditions in a query.
pub const ATOMS_MAX: usize = 256;
/// Deepest nesting of brackets and negations.
pub const DEPTH_MAX: usize = 32;

/// A query that was read. Equal queries mean the same in the same words; where they stood in their text does not matter.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Query {
    root: Node,
}

impl Query {
    /// Reads a query. An empty text is everything.
    ///
    /// # Errors
    /// [`QueryError`] points at the place, and says what to write instead where that can be guessed.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        parse::parse(text).map(|root| Self { root })
    }

    /// Reads the matchers of a list, such as Alertmanager's `filter` parameters: all of them must hold.
    ///
    /// # Errors
    /// As [`Query::parse`]; the place is that within the wrong matcher.
    pub fn parse_matchers<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, QueryError> {
        let mut all = Vec::new();
        for text in texts {
            all.extend(parse::matchers(text)?);
        }
        Ok(Self { root: Node::and(all) })
    }

    /// Returns the query that everything fits.
    pub fn all() -> Self {
        Self::default()
    }

    /// Returns whether everything fits it, whatever it is.
    pub fn is_all(&self) -> bool {
        self.root == Node::All
    }

    /// Returns the tree.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Returns whether the subject fits.
    pub fn matches(&self, subject: &dyn Subject, eyes: &Eyes<'_>) -> bool {
        self.root.holds(subject, eyes)
    }

    /// Returns the labels, with their values, without which nothing fits: for prefilters, and for what must not be too broad.
    pub fn equalities(&self) -> Vec<(&str, &str)> {
        let parts = match &self.root {
            Node::And(parts) => parts.as_slice(),
            other => std::slice::from_ref(other),
        };
        parts.iter().filter_map(Node::equality).collect()
    }

    /// Returns whether what calls the person who looks may be hidden too: `page:hide` stands in it.
    pub fn hides_pages(&self) -> bool {
        let mut found = false;
        self.root.each_atom(&mut |atom| found |= atom.test == Test::HidePages);
        found
    }

    /// Returns whether the field is asked for anywhere.
    pub fn names(&self, field: Field) -> bool {
        let mut found = false;
        self.root.each_atom(&mut |atom| found |= atom.test.field() == Some(field));
        found
    }
}

impl fmt::Display for Query {
    /// Canonical: parses back to an equal query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::root(&self.root, f)
    }
}

impl From<Query> for String {
    fn from(query: Query) -> String {
        query.to_string()
    }
}

impl TryFrom<String> for Query {
    type Error = QueryError;
    fn try_from(text: String) -> Result<Self, QueryError> {
        Self::parse(&text)
    }
}
