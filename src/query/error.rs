//! What is wrong with a query, and where.

use std::fmt;
use std::ops::Range;

/// A text that is no query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// Where, in bytes of the text.
    pub span: Range<usize>,
    /// What is wrong there.
    pub message: String,
    /// What to write instead, where that can be guessed.
    pub hint: Option<String>,
}

impl QueryError {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns three lines: the query, a mark under the place, and what is wrong. The text is shown as it is: sanitise before a terminal.
    pub fn pointed(&self, text: &str) -> String {
        let chars = |range: Range<usize>| text.get(range).map_or(0, |part| part.chars().count());
        let start = self.span.start.min(text.len());
        let (before, wide) = (chars(0..start), chars(start..self.span.end.min(text.len())).max(1));
        format!("{text}\n{}{}\n{self}", " ".repeat(before), "^".repeat(wide))
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hint {
            Some(hint) => write!(f, "{}; {hint}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for QueryError {}
